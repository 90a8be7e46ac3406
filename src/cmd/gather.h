/*
 * gather: what a sweep's records say of hosts that the battery can use: which answered, on what
 * ports. A sink in front of the report's: it hands everything on but the summary, which waits
 * for the real end of the run.
 */
#ifndef CMD_GATHER_H
#define CMD_GATHER_H

#include "cmd/stack_run.h"
#include "engine/space.h"

/* A host that answered. */
struct gathered {
	uint64_t number; /* in the space */
	uint16_t open[STACK_KNOWN_MAX], closed[STACK_KNOWN_MAX];
	uint8_t n_open, n_closed;
};

struct gather {
	struct record_sink sink; /* give this one to the sweep */
	/* private: */
	const struct record_sink *to;
	const struct space *space;
	struct gathered *v, now;
	size_t n, cap;
	bool located, truncated, no_memory;
};

/* `to` and `space` borrowed. */
void gather_init(struct gather *g, const struct record_sink *to, const struct space *space);
void gather_free(struct gather *g);
/*
 * The hosts, in ascending order; at most STACK_HOSTS_MAX, `*truncated` where there were more. They
 * borrow from `g`; the caller frees the array. NULL: no memory, also where it ran out before.
 */
struct stack_host *gather_hosts(struct gather *g, size_t *n, bool *truncated);

#endif
