/*
 * diff_parts: which runs of a result are parts of one sweep (--shard), and which of these came to
 * their end. A part that is there twice counts by its better half: a retried shard is whole.
 */
#ifndef CMD_DIFF_PARTS_H
#define CMD_DIFF_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/changes.h"

enum part_end {
	PART_CUT,   /* no summary */
	PART_EARLY, /* it says itself that it ended early */
	PART_WHOLE,
};

struct diff_part {
	uint64_t shard;
	enum part_end end;
};

/* The same targets, ports and order. */
struct diff_sweep {
	char space[80];
	uint64_t shards;
	struct diff_part *v; /* those that are there, by shard */
	size_t n, cap, whole;
	uint32_t number; /* by changes_begin; 0: none yet */
	bool skipped;	 /* as in changes_end, of all of them */
	uint32_t shown;
};

/* Zero-initialised is empty. */
struct diff_parts {
	struct diff_sweep **v;
	size_t n, cap;
};

/* NULL: no memory. */
struct diff_sweep *diff_parts_sweep(struct diff_parts *p, const char *space, uint64_t shards);
/*
 * A part has ended like that. `end` becomes what can be said of the ports without a record: they
 * kept silent only where all parts are whole. False: no memory.
 */
bool diff_parts_note(struct diff_sweep *s, uint64_t shard, enum part_end how,
		     struct changes_end *end);
void diff_parts_free(struct diff_parts *p);

/* What is not there of all sweeps. */
struct diff_missing {
	bool complete;	 /* nothing */
	bool cut;	 /* a part without its summary, and nothing in its place */
	uint64_t shards; /* shards that are not there, or cut off */
	uint64_t of;	 /* how many the first sweep with such has */
	char which[80];	 /* of that: "3,7-9,..." */
};
void diff_parts_missing(const struct diff_parts *p, struct diff_missing *out);

#endif
