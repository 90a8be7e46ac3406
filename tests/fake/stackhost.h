/*
 * stackhost: a host that does not exist: a TCP stack that is described as data (stacks.conf), the
 * environment that it lives in, and its connections. Packets in, segments out, by the time that it
 * is told: no clock, no socket, and the same answers for the same seed. Both harnesses drive it,
 * tests/sim in virtual time and fakehost on a TUN device.
 */
#ifndef TESTS_FAKE_STACKHOST_H
#define TESTS_FAKE_STACKHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/decode.h"

enum { FAKE_NAME = 32, FAKE_WORDS = 96, FAKE_OUT = 4, FAKE_OPEN_MAX = 16 };

/* --- a stack -------------------------------------------------------------------------------- */

/* What a stray segment is, by its flags alone: the columns of a stack's table. */
enum fake_kind {
	KIND_SYN,
	KIND_SYN_FIN,
	KIND_NULL, /* none of RST, ACK, SYN, FIN */
	KIND_FIN,  /* FIN, and xmas */
	KIND_ACK,  /* with data or without */
	KIND_SYN_ACK,
	KIND_FIN_ACK,
	KIND_RST,
	KIND_RST_ACK,
	KIND_SYN_RST,
	KIND_ALL, /* SYN, FIN, RST and ACK together */
	KINDS,
};
enum fake_kind fake_kind_of(uint16_t flags);
enum fake_port { PORT_OPEN, PORT_CLOSED, PORTS };

/* A segment to a connection, against its numbers. */
enum fake_case {
	CASE_RST_WINDOW,
	CASE_RST_OUTSIDE,
	CASE_SYN_WINDOW,
	CASE_ACK_UNSENT,
	CASE_OLD_ACK, /* data, SEG.ACK < SND.UNA - MAX.SND.WND */
	CASE_NO_ACK,  /* data or FIN in the window */
	CASES,
};
enum fake_phase { PHASE_RECEIVED, PHASE_CONN, PHASE_WAIT, PHASES };

enum fake_says { SAYS_NOTHING, SAYS_RST, SAYS_SYN_ACK, SAYS_ACK };
enum fake_seq { SEQ_ZERO, SEQ_ACK, SEQ_ACK_1, SEQ_OTHER };
enum fake_ack {
	ACKF_ZERO,
	ACKF_ACK,    /* SEG.ACK, copied */
	ACKF_SEQ,    /* SEG.SEQ */
	ACKF_SEQ_1,  /* SEG.SEQ + 1, whatever SEG.LEN */
	ACKF_LEN,    /* SEG.SEQ + SEG.LEN */
	ACKF_NO_FIN, /* the same, but the FIN does not count */
	ACKF_OTHER,
};
enum fake_after { FAKE_ALIVE, FAKE_GONE, FAKE_ACCEPTED };

/* One answer: "RA,0,n gone" in the file. */
struct fake_form {
	uint8_t says;
	bool ack_bit; /* of a RST */
	uint8_t seq, ack;
	uint8_t after;
};

struct fake_ip {
	uint8_t ttl;
	bool df;
	bool id; /* false: the IP ID is 0 */
};

enum fake_rst_win { RST_WINDOW_FIXED, RST_WINDOW_ECHO };

/* What a judge may say of it: words, any of which is right; "" asks nothing. */
struct fake_expect {
	char style[FAKE_WORDS], family[FAKE_WORDS], firewall[FAKE_WORDS];
	char confidence[FAKE_WORDS]; /* at least this */
};

struct fake_stack {
	char name[FAKE_NAME];
	struct fake_form stray[PORTS][KINDS];
	struct fake_form conn[PHASES][CASES];
	struct fake_ip syn_ack, rst;
	uint8_t rst_syn_ttl; /* where the RST to a SYN has another TTL; 0: the same */
	uint16_t win, mss;   /* of the SYN-ACK; IPv6: 20 less of MSS */
	uint8_t wscale;
	char layout[24]; /* as packet/options.h writes it */
	uint8_t rst_win_kind;
	uint16_t rst_win;
	char rst_text[24]; /* data in the RST of a closed port */
	bool ecn;
	uint16_t challenge_ms;	      /* at most one challenge ACK a connection in this time */
	struct fake_expect expect[2]; /* IPv4, IPv6 */
	char resets[FAKE_WORDS];      /* families that may be said where only RSTs are seen */
};

/* --- where it lives -------------------------------------------------------------------------- */

enum fake_filter {
	FILTER_NONE,
	FILTER_DROP,	    /* ports without a listener are silent: a firewall's drop, or stealth */
	FILTER_STRICT,	    /* a connection tracker: only a SYN begins a connection */
	FILTER_LOOSE,	    /* a connection tracker that picks up an ACK */
	FILTER_REJECT_HOST, /* ports without a listener: a RST as Linux' netfilter forms it */
	FILTER_REJECT_ROUTER, /* the same, from the hop before */
	FILTER_REJECT_ICMP,   /* the same, "administratively prohibited" */
	FILTER_SYNPROXY,
	FILTER_TARPIT,
	FILTER_SYN_ACK_ALL, /* a SYN-ACK to whatever comes */
	FILTER_SILENT,
	FILTERS,
};

enum fake_service {
	SERVICE_STAYS,	 /* says nothing, never closes */
	SERVICE_CLOSES,	 /* closes soon after accept */
	SERVICE_AT_ONCE, /* closes with the very ACK */
	SERVICE_FOLLOWS, /* closes after the client's FIN */
	SERVICE_BANNER,	 /* says something, then stays */
	SERVICES,
};

struct fake_env {
	char name[2 * FAKE_NAME];
	uint8_t filter, service; /* enum fake_filter, fake_service */
	uint8_t loss;		 /* per cent, each way */
	uint8_t hops;		 /* taken off each TTL */
	uint8_t ttl_all;	 /* written over each TTL by the first hop; 0: not */
	uint16_t rst_per_s;	 /* 0: no limit */
	uint16_t delay_ms;	 /* of each answer */
	uint32_t dies_after;	 /* packets; 0: lives on */
	bool no_open, no_closed;
	bool only_resets;	      /* expect what `resets` of the stack says */
	struct fake_expect expect[2]; /* IPv4, IPv6; "": as the stack says */
};

/* --- the host -------------------------------------------------------------------------------- */

struct stackhost;

struct stackhost_config {
	const struct fake_stack *stack; /* borrowed until free */
	struct fake_env env;
	struct addr addr;
	uint16_t open[FAKE_OPEN_MAX];
	size_t n_open;
	uint64_t seed;
};

/* A segment, or an ICMP error about the packet that was taken, to send after a delay. The payload
 * of `seg` is static. */
struct stackhost_out {
	struct segment seg;
	uint64_t delay_ns;
	bool icmp;
	uint8_t icmp_type, icmp_code, icmp_ttl;
	struct addr icmp_from;
};

struct stackhost *stackhost_new(const struct stackhost_config *c); /* NULL: no memory */
void stackhost_free(struct stackhost *h);
/* A packet has come. Returns how many of `out` are to be sent. */
size_t stackhost_take(struct stackhost *h, const struct packet *p, uint64_t now_ns,
		      struct stackhost_out out[FAKE_OUT]);
/* When it wants to send unasked (a retransmission, a service that closes); UINT64_MAX: never. */
uint64_t stackhost_wake(const struct stackhost *h);
/* One such thing; call again while `wake` is not in the future. */
size_t stackhost_tick(struct stackhost *h, uint64_t now_ns, struct stackhost_out out[FAKE_OUT]);

#endif
