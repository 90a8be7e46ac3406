/*
 * handover: messages over a line of wire/child's, with descriptors: how who may open or start
 * something hands it to who no longer may.
 */
#ifndef WIRE_HANDOVER_H
#define WIRE_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "wire/child.h"
#include "wire/privilege.h"

enum { HANDOVER_FDS = 2 /* with one message */ };

/* One message, by either side, with descriptors (which stay open here). False where nobody is
 * there. */
bool handover_tell(int line, const void *text, size_t len, const int *fds, size_t n);
/* Waits for one, of just this length. Of the HANDOVER_FDS `fds` those that did not come are -1. */
bool handover_hear(int line, void *text, size_t len, int *fds);

/* In the child, before all else: gives up what its work does not need, and tells the other side.
 * False: it could not, and ends. Nobody else warns of what cannot be had here: who asked finds the
 * same, and says it. */
bool handover_begin(int line, const struct privilege_user *u, enum privilege_work work);
/* child_start, of a work that begins like that, and waits for it. -1 with `e`: there is none. */
int handover_start(struct child *c, const struct child_work *w, struct err *e);

#endif
