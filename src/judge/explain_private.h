/*
 * explain_private: a RST that waits for what comes after it, and what explain.c (the queue),
 * facts_read.c (from flow to facts), aftermath.c (what came after) and settle.c (the finding)
 * share.
 */
#ifndef JUDGE_EXPLAIN_PRIVATE_H
#define JUDGE_EXPLAIN_PRIVATE_H

#include "judge/around.h"
#include "judge/explain.h"
#include "judge/flow.h"
#include "judge/origin.h"

#define MS 1000000ull /* ns */
#define SECOND 1000000000ull

enum { AFTER_NOTES = 6, EXTRAS = 4096, KERNEL_RING = 1024 };

/* What follows it has this number. */
static inline uint32_t seen_end(const struct seen *s)
{
	return s->seq + s->len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
}

/* A window that is one of NetScaler's reset codes. */
static inline bool is_vendor_code(uint16_t win)
{
	return win == 8201 || win == 9300;
}

/* What few RSTs have. */
struct extra {
	bool used, has_kernel;
	struct kernel_reset kernel;
	char vendor[VENDOR_TEXT];
};

/* What is looked at in hindsight. */
enum after_flag {
	AFTER_Y_SPOKE = 1,
	AFTER_CHALLENGED = 2, /* Y answered by a challenge ACK */
	AFTER_IGNORED = 4,    /* Y went on as if nothing had been */
	AFTER_Y_SYN = 8,      /* Y sent a SYN after it */
	AFTER_X_SYN = 16,     /* X did */
};

struct rst_case {
	uint64_t at_ns; /* on explain's own clock, which never runs backwards */
	struct seen rst;
	struct facts facts;
	uint8_t ip[2][16]; /* as in its flow */
	uint16_t port[2];
	uint8_t family;
	uint8_t x;			    /* the side of the flow that sent it */
	uint8_t after;			    /* enum after_flag */
	uint8_t n_before, n_after, trigger; /* notes; index of the trigger, 0xff: none */
	bool bad_checksum;
	bool twice;	 /* its second capture was seen */
	uint8_t hops_on; /* a second capture: so many hops from the first */
	uint8_t tunnel, mptcp_reason, raw_syn, targets;
	uint8_t isn_known; /* bit a side */
	uint16_t file, root_file;
	uint32_t root, followers; /* frame of the root; RSTs that follow this one */
	uint32_t flow;		  /* FLOW_NONE: gone, nothing comes after any more */
	uint32_t next, newer;	  /* the next older one of the flow, and back */
	uint32_t root_at;	  /* the case of the flow's root, if it still waits */
	uint32_t burst;
	uint32_t extra; /* 1 + index; 0: none */
	uint32_t isn[2];
	/* how it stood at the RST */
	uint32_t x_nxt, x_acked, y_nxt, y_acked;
	uint32_t y_rtt_us;
	uint32_t trigger_end; /* of a SYN: what a SYN-ACK acknowledges */
	uint16_t x_ip_id, y_flags;
	uint32_t win_from, win_to;    /* octets, of CLUE_WINDOW_GREW */
	uint32_t copied, beyond, off; /* of CLUE_COPIED, _ACK_BEYOND, _IN_WINDOW */
	uint32_t unacked;
	struct seen notes[FLOW_NOTES + AFTER_NOTES];
};

/* A packet on its way to its flow, while the memory of that comes. */
struct coming {
	struct explain_frame at;
	enum decode_status st;
	uint32_t hash;
	struct packet p;
	uint8_t payload[VENDOR_TEXT]; /* what of it is ever looked at: p borrows no longer */
};
enum { COMING = 16, EXPECT_AT = 5, EXPECT_NOTES_AT = 11 }; /* packets before its turn: 16 - these */

struct explain {
	struct coming coming[COMING];
	uint32_t n_coming, next_coming; /* how many; where the next one goes */
	struct flows *flows;
	struct around *around;
	struct rst_case *cases; /* a ring, in the order of the RSTs */
	uint32_t room;		/* of the ring */
	uint32_t first, n;	/* the oldest that waits; how many wait */
	struct extra *extras;
	uint32_t extra_hand;
	struct explain_limits limits;
	finding_fn *fn;
	void *ctx;
	uint64_t now_ns; /* the latest time stamp */
	struct kernel_ring {
		struct kernel_reset v[KERNEL_RING];
		bool joined[KERNEL_RING];
		uint32_t next;
	} * kernel;
	struct explain_summary sum;
};

/* facts_read.c: all that is known of a RST of side x when it comes. Fills c->facts and the numbers
 * beside; marks the trigger as answered. */
void facts_read(struct explain *e, struct flow *f, struct rst_case *c, const struct packet *p);

/* aftermath.c: a segment without RST of `side` after it. */
void aftermath_segment(struct rst_case *c, uint8_t side, const struct seen *n);

/* settle.c: judged and told. */
void settle(struct explain *e, struct rst_case *c);

/* explain.c */
struct extra *explain_extra(struct explain *e, struct rst_case *c); /* NULL: no room */
struct addr explain_addr(const struct rst_case *c, uint8_t side);

#endif
