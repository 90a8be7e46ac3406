/*
 * aims: the few (address, port) pairs of a command that takes them one after the other, out of the
 * space of a run, in its order. What is done with them it doesn't know.
 */
#ifndef CMD_AIMS_H
#define CMD_AIMS_H

#include "cmd/run.h"

struct aim {
	struct addr addr;
	const char *name; /* as the user typed it, or NULL */
	uint16_t port;
	uint16_t path; /* index into run.paths */
};

struct aims {
	struct aim *v;
	size_t n;
	uint64_t unroutable; /* pairs left out */
};

/* -1 where there are more than `most`, or no port was named: said, and the status kept. With
 * `connects`, port 0 is refused too. */
int aims_list(struct aims *a, struct run *r, size_t most, bool connects);
void aims_free(struct aims *a);

#endif
