/*
 * handover: messages over a line of wire/child's, with descriptors: how who may open or start
 * something hands it to who no longer may.
 */
#ifndef WIRE_HANDOVER_H
#define WIRE_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { HANDOVER_FDS = 2 /* with one message */ };

/* One message, by either side, with descriptors (which stay open here). False where nobody is
 * there. */
bool handover_tell(int line, const void *text, size_t len, const int *fds, size_t n);
/* Waits for one, of just this length. Of the HANDOVER_FDS `fds` those that did not come are -1. */
bool handover_hear(int line, void *text, size_t len, int *fds);

/* The first message, from the child: it has given up its privilege, or failed to, which `e` says.
 */
bool handover_ready(int line, const struct err *e);
/* Waits for that; -1 with `e`: there is no such process, and none should be asked. */
int handover_await(int line, struct err *e);

#endif
