/*
 * exchange: one question to a stack and its answer, as numbers: what we sent, what came back. It
 * keeps both raw; how they relate (ack = our seq + len? seq = our ack?) is asked by those who
 * judge.
 */
#ifndef JUDGE_EXCHANGE_H
#define JUDGE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "judge/match.h"
#include "judge/reaction.h"
#include "judge/rfc9293.h"

enum { LAYOUT_MAX = 24 };

struct exchange {
	uint8_t tries;	     /* how often it was sent; 0: not asked */
	uint8_t answered_by; /* the try that was answered, from 1; 0: silence */
	uint8_t reaction;    /* enum reaction; REACTION_NONE: silence */
	uint8_t fit;	     /* enum fit */
	uint8_t repeats;     /* other segments of its conversation that had to be sent again */
	uint8_t after;	     /* enum rfc_after: what a later question to the connection showed */
	uint16_t port;	     /* theirs */
	uint64_t asked_ns;   /* the clock at the last try */
	uint64_t answered_ns;
	uint32_t rtt_us; /* UINT32_MAX: not sampled */
	/* what was sent, in the try that was answered, or else the last */
	struct sent sent;
	uint16_t sent_win;
	uint16_t sent_ip_id; /* IPv4; 0: not known, or 0 */
	/* the reply: a TCP segment, ... */
	uint32_t seq, ack, payload_len;
	uint16_t flags, win, mss; /* mss 0: no such option */
	uint16_t ip_id;		  /* IPv4 */
	uint8_t ttl;		  /* as it arrived */
	bool df;		  /* IPv4 */
	/* tcp_options.layout, EOLs at the end left out, cut to fit; "?" where ours offered less
	 * than mss, sackOK, TS, wscale, so that the order tells nothing */
	char layout[LAYOUT_MAX];
	/* ... or an ICMP error */
	uint8_t icmp_type, icmp_code;
	struct addr from; /* who sent it; the target itself for a segment */
};

/* Takes the reply `p` into `x`, whose `sent` and `sent_win` are set. FIT_NONE changes nothing. */
enum fit exchange_take(struct exchange *x, const struct packet *p);

static inline bool exchange_answered(const struct exchange *x)
{
	return x->answered_by != 0;
}

/* Answered by the stack (or who poses as it) with a RST. */
static inline bool exchange_is_rst(const struct exchange *x)
{
	return x->answered_by && reaction_is_rst(x->reaction);
}

/* What a RST's numbers are made of (stacks.md's columns have no other values). */
enum rst_seq { RST_SEQ_ZERO, RST_SEQ_OUR_ACK, RST_SEQ_OTHER };
enum rst_ack {
	RST_ACK_ZERO,
	RST_ACK_SEQ_LEN,   /* SEG.SEQ + SEG.LEN, SEG.LEN > 0, or SEG.SEQ where SEG.LEN = 0 */
	RST_ACK_SEQ_SHORT, /* SEG.SEQ + less than SEG.LEN: the SYN, FIN or data was not counted */
	RST_ACK_OTHER
};
enum rst_win { RST_WIN_ZERO, RST_WIN_ECHO /* of ours */, RST_WIN_FIXED };
enum rst_seq exchange_rst_seq(const struct exchange *x);
enum rst_ack exchange_rst_ack(const struct exchange *x);
enum rst_win exchange_rst_win(const struct exchange *x);
const char *rst_seq_name(enum rst_seq v); /* "0", "ack", "other" */
const char *rst_ack_name(enum rst_ack v); /* "0", "seq+len", "seq+short", "other" */

/* The TTL that it most likely began with: 32, 64, 128 or 255; and how many hops that makes. */
uint8_t exchange_initial_ttl(uint8_t ttl);
uint8_t exchange_hops(uint8_t ttl);

#endif
