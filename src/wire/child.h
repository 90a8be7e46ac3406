/*
 * child: a process of our own beside this one, with a line between the two: for what this process
 * may no longer do, or shall not. It keeps no descriptor but those it is given; what ends or stops
 * a run from the terminal does not reach it, and it ends when nobody holds the line any more. What
 * it does, and what of its privilege it gives up, is its work's.
 */
#ifndef WIRE_CHILD_H
#define WIRE_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Zero-initialised is none. */
struct child {
	pid_t pid; /* 0: none */
	int line;  /* to it: SOCK_SEQPACKET */
};

struct child_work {
	/* In the child, which ends when this returns. A parent with threads: the kernel alone may
	 * be called. */
	void (*work)(void *ctx, int line);
	void *ctx;
	const int *kept; /* descriptors that stay open in it, beside its line */
	size_t n_kept;
};

enum { CHILD_KEPT_MAX = 32 };

/* -1 with `e`: there is none. */
int child_start(struct child *c, const struct child_work *w, struct err *e);
/* In the child: what of 0 to 2 it does not have is /dev/null, so that a library that writes there,
 * or a program that it starts, does not write to whatever else has that number. */
void child_hold_standard_files(void);
/*
 * Lets go of the line, and waits until the child has ended; at most `patience_ms` where that is
 * not negative: one that is stopped is left behind, and ends when it goes on.
 */
void child_end(struct child *c, int patience_ms);

#endif
