/*
 * flow: what is remembered of each TCP connection in a capture, and the table of them. A flow at
 * rest takes 256 bytes; its last segments lie in blocks of a shared pool. It remembers and decides
 * nothing but what belongs to which connection: reasons are read off it by facts_read.
 */
#ifndef JUDGE_FLOW_H
#define JUDGE_FLOW_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/finding.h"
#include "packet/decode.h"

enum {
	FLOW_NOTES = 16,
	FLOW_NONE = UINT32_MAX,
	DUPLICATE_NS = 5000000, /* a second capture of a frame comes within 5 ms */
};

enum side_flag {
	SIDE_SYN = 0x0001, /* sent a SYN */
	SIDE_SYN_ACK = 0x0002,
	SIDE_OTHER = 0x0004, /* sent anything else but RSTs */
	SIDE_DATA = 0x0008,  /* ... with payload */
	SIDE_FIN = 0x0010,
	SIDE_RST = 0x0020,	 /* sent a RST in this incarnation; rst_seq is its number */
	SIDE_NXT = 0x0040,	 /* nxt is known */
	SIDE_ACKED = 0x0080,	 /* acked is known */
	SIDE_ISN = 0x0100,	 /* isn is known */
	SIDE_ACK_MOVED = 0x0200, /* its ACKs moved on: the other side sends */
	SIDE_TIMING = 0x0400,	 /* timed_end waits for its ACK */
	SIDE_TS = 0x0800,	 /* its last segment carried time stamps */
	SIDE_WIN = 0x1000,	 /* win is that of a segment without SYN */
	SIDE_NO_DF = 0x2000,	 /* its SYN had DF clear */
	SIDE_TOLD =
	    0x8000, /* the other side sent it a RST, and it did not go on as if nothing was */
	SIDE_SYN_AGAIN = 0x4000, /* the SYN came again after a RST had answered it */
};

/* What is odd about a SYN, if a kernel had made it (bits of CLUE_RAW_SYN). */
enum syn_odd { ODD_NO_OPTIONS = 1, ODD_NO_DF = 2, ODD_IP_ID = 4, ODD_WINDOW = 8, ODD_RST = 16 };

struct flow_side {
	uint64_t last_ns;  /* its last segment */
	uint64_t data_ns;  /* its last new payload */
	uint64_t timed_ns; /* when the segment that ends at timed_end was captured */
	uint32_t timed_end;
	uint32_t rtt_us; /* least round trip from the capture point to it; 0 unknown */
	uint32_t isn, nxt;
	uint32_t acked;	     /* highest SEG.ACK that it sent: its RCV.NXT as far as one knows */
	uint32_t fin_seq;    /* of its FIN */
	uint32_t data_frame; /* its last new payload */
	uint32_t octets;     /* payload in all, capped */
	uint32_t since;	     /* payload since the other's last, capped */
	uint32_t rst_seq;
	uint16_t win, ip_id;
	uint16_t flags;		     /* enum side_flag */
	uint8_t wscale;		     /* shift; 0xff: its SYN was not seen */
	uint8_t ttl;		     /* of its last segment that is no SYN; 0 none */
	uint8_t ttl_other;	     /* of one a few hops off: another path; 0 none */
	uint8_t ttl_syn;	     /* of its SYN; 0 none */
	uint8_t keepalives, repeats; /* in a row, unanswered; capped */
	uint8_t ip_steps;	     /* small steps of its IP ID in a row, capped */
	uint8_t syn_odd;	     /* enum syn_odd */
};

struct flow {
	uint8_t ip[2][16]; /* side 0 is the lower (address, port) */
	uint16_t port[2];
	uint8_t family;
	uint8_t flags; /* enum flow_flag */
	uint8_t used;  /* rounds that it may yet outlast: flow_table.c */
	uint16_t rst_file;
	uint64_t syn_ns;	       /* the first SYN of this incarnation */
	uint32_t next;		       /* in the chain of its hash */
	uint32_t notes;		       /* block; FLOW_NONE */
	uint32_t cases;		       /* the newest RST that waits; FLOW_NONE */
	uint32_t rst_frame;	       /* of the incarnation's first RST; 0 none */
	uint32_t syn2_seq, syn2_frame; /* a SYN upon a living connection; frame 0: none */
	uint32_t handshake_us;	       /* SYN to SYN-ACK; UINT32_MAX: not seen */
	uint32_t closed_frame;	       /* both FINs were acknowledged here; 0: not */
	struct flow_side side[2];
};
static_assert(sizeof(struct flow) <= 256, "a flow at rest");

enum flow_flag {
	FLOW_SYN2_SIDE = 1,  /* who sent syn2 */
	FLOW_DUPLICATES = 2, /* frames of it were captured twice */
	FLOW_MAYBE_OLD = 4,  /* others had been evicted when it was first seen: perhaps it, too */
};

/* The last segments of one flow, oldest overwritten. */
struct note_block {
	uint32_t owner; /* flow index; FLOW_NONE */
	uint8_t next, n;
	uint8_t used;		      /* since the hand that looks for a block to reuse passed */
	uint8_t answered[FLOW_NOTES]; /* a RST was matched to it */
	struct seen v[FLOW_NOTES];
};

struct flows;

/* At most `max` flows, forgotten after idle_ns of silence; NULL where memory is out. */
struct flows *flows_new(size_t max, uint64_t seed, uint64_t idle_ns);
void flows_free(struct flows *t);
/* The flow of p and which side sent p; a new one where there is none, for which one that is over,
 * or the one longest unused (nearly: in rounds), may have to go. */
struct flow *flows_get(struct flows *t, const struct packet *p, uint32_t hash, uint64_t now_ns,
		       uint8_t *side);
/* Where the flow of p is to be found; and for packets that are still to come in turn, that its
 * memory is asked for: first the flow (some packets after flows_hash), then its notes. */
uint32_t flows_hash(const struct flows *t, const struct packet *p);
void flows_expect(const struct flows *t, uint32_t hash);
void flows_expect_notes(const struct flows *t, uint32_t hash);
struct flow *flows_at(struct flows *t, uint32_t index);
uint32_t flows_index(const struct flows *t, const struct flow *f);
void flows_clear(struct flows *t);
uint64_t flows_count(const struct flows *t);   /* ever */
uint64_t flows_evicted(const struct flows *t); /* for want of room, before they were over */
uint64_t flows_expired(const struct flows *t);
/* Called for each flow that goes with RSTs waiting. */
void flows_on_leave(struct flows *t, void (*fn)(void *ctx, struct flow *f), void *ctx);

/* The notes of f, oldest first: at most FLOW_NOTES into v, their places into `at` (may be NULL). */
size_t flows_notes(const struct flows *t, const struct flow *f, struct seen v[FLOW_NOTES],
		   uint8_t at[FLOW_NOTES]);
/* The i-th newest, from 0; NULL where there are not so many. */
const struct seen *flows_newest(const struct flows *t, const struct flow *f, size_t i);
void flows_answered(struct flows *t, const struct flow *f, uint8_t at);
bool flows_is_answered(const struct flows *t, const struct flow *f, uint8_t at);
/* Appends one; from_x of a note means: sent by side 1. */
void flows_note(struct flows *t, struct flow *f, const struct seen *n);

/* What a segment without RST was, beside what flow_segment made of it. */
enum segment_is {
	SEGMENT_NEW = 1,    /* moved SND.NXT of its sender on */
	SEGMENT_REPEAT = 2, /* a retransmission */
	SEGMENT_KEEPALIVE = 4,
	SEGMENT_DUPLICATE = 8,	  /* the same frame captured twice: nothing was changed */
	SEGMENT_INCARNATION = 16, /* began a new connection on the same ports */
};
unsigned flow_segment(struct flows *t, struct flow *f, uint8_t side, const struct packet *p,
		      uint64_t ns, uint32_t frame);

static inline bool side_has(const struct flow_side *s, unsigned flags)
{
	return s->flags & flags;
}
/* Payload, SYN or FIN of s that the other side has not acknowledged. */
uint32_t flow_unacked(const struct flow *f, uint8_t side);
/* Both ends closed in order, or one of them reset. */
bool flow_is_over(const struct flow *f);
struct seen flow_seen(const struct packet *p, uint8_t side, uint64_t ns, uint32_t frame);

#endif
