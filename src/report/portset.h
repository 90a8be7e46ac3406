/*
 * portset: a set of ports that grows in any order: a list while it is small, then a bit a port. It
 * knows nothing of what its ports have in common.
 */
#ifndef REPORT_PORTSET_H
#define REPORT_PORTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. */
struct portset {
	uint32_t n;
	/* private: */
	uint32_t cap;	/* of the list */
	uint16_t *list; /* in no order; NULL once there are bits */
	uint64_t *bits;
};

bool portset_has(const struct portset *s, uint16_t port);
/* One that is not in it. False where memory is out. */
bool portset_add(struct portset *s, uint16_t port);
void portset_remove(struct portset *s, uint16_t port); /* where it is in it */
/* All of them, in no order, to `out`, which has room for `n`. */
void portset_copy(const struct portset *s, uint16_t *out);
size_t portset_bytes(const struct portset *s);
void portset_free(struct portset *s);

#endif
