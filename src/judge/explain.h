/*
 * explain: packets in, findings out, in the order of the RSTs. It follows every TCP flow, keeps
 * each RST back until what comes after it has been seen, and then judges it. Pure: no clock but the
 * packets' own, no input or output; its memory is what the limits say, taken at the start.
 */
#ifndef JUDGE_EXPLAIN_H
#define JUDGE_EXPLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "judge/finding.h"
#include "packet/decode.h"

struct explain_limits {
	size_t flows;	  /* kept at once; those over give way, then the longest unused (counted) */
	uint64_t idle_ns; /* a flow silent for so long is forgotten: not counted as evicted */
	uint64_t seed;	  /* of the hash, so that nobody can choose colliding flows */
	uint64_t settle_ns; /* how long a RST waits for what comes after it */
};
/* 256 MB in all: 262,144 flows; an idle one goes after 2 h 11 min; 10 s (live: 1.5 s) */
extern const struct explain_limits explain_limits_file, explain_limits_live;

struct explain_summary {
	uint64_t frames, tcp, resets;
	uint64_t by_cause[CAUSES];
	uint64_t weighed[SEVERITIES][CAUSES]; /* by severity too: not all of a cause weigh alike */
	uint64_t by_severity[SEVERITIES]; /* roots only: followers and duplicates are not counted */
	uint64_t flows, evicted, expired;
	uint64_t cut; /* resets judged before their time, for want of room */
	uint64_t bad_checksums, duplicates, backwards; /* frames; time stamps that ran backwards */
	uint64_t undecoded[DECODE_STATUSES];	       /* DECODE_OTHER is no error */
	uint64_t tunnelled;
	int unknown_linktype; /* one of those that could not be read; -1: none */
	uint64_t first_ns, last_ns;
	/* silences before resets that an idle timer explains, by length */
	struct idle_bin {
		uint32_t seconds; /* 0: unused */
		uint32_t n;
	} idle[24];
	uint64_t kernel_events, kernel_joined;
};

struct explain;
typedef void finding_fn(void *ctx, const struct finding *f);

/* NULL where memory is out. */
struct explain *explain_new(const struct explain_limits *l, finding_fn *fn, void *ctx);
void explain_free(struct explain *x);

struct explain_frame {
	uint64_t wall_ns;
	uint32_t number; /* in its file, from 1 */
	uint16_t file;
};
/* A frame whose decoding gave `st`; `p` is read only where st is DECODE_OK, and copied. May call
 * fn, for this frame or, a few frames later, for it: tick, kernel, forget, end and summary catch
 * up. */
void explain_packet(struct explain *x, const struct explain_frame *at, enum decode_status st,
		    const struct packet *p);
void explain_kernel(struct explain *x, const struct kernel_reset *k);
/* Time goes by without packets (live): settles what is due. */
void explain_tick(struct explain *x, uint64_t wall_ns);
/* Nothing of the flows carries over from one file to the next (--separate). */
void explain_forget(struct explain *x);
/* The end: all that waits is judged and told. */
void explain_end(struct explain *x);
const struct explain_summary *explain_summary(struct explain *x);
/* Adds f to what a summary counts by cause, severity and silence: for who tells other findings. */
void explain_count(struct explain_summary *s, const struct finding *f);

#endif
