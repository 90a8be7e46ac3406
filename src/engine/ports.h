/* ports: a set of TCP ports from the words of -p, with the rank of each: port <-> position. */
#ifndef ENGINE_PORTS_H
#define ENGINE_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ports; /* immutable once made */

/*
 * "22,80,8000-8100", "-" = 1-65535, "-100", "60000-", service names, "!25" and "!1-1023" exclude
 * (from all of the list, wherever they stand; from 1-65535 where nothing else is named); "T:" is
 * allowed in front. `service` turns a name into a port or -1 (so that this room asks no database
 * itself); may be NULL. NULL and `e` on a bad word (named) or an empty set.
 */
struct ports *ports_parse(const char *list, int (*service)(const char *name), struct err *e);
/* As ports_parse; `what` stands before the word in messages, where ports_parse says "-p". */
struct ports *ports_parse_as(const char *what, const char *list, int (*service)(const char *name),
			     struct err *e);
struct ports *ports_default(void); /* about 200 common TCP ports; NULL: no memory */
struct ports *ports_of(const uint16_t *v, size_t n); /* n >= 1, in any order; NULL: no memory */
struct ports *ports_join(const struct ports *const *v,
			 size_t n); /* the union of n >= 1; NULL: no memory */
void ports_free(struct ports *p);

uint32_t ports_count(const struct ports *p);
uint16_t ports_at(const struct ports *p, uint32_t rank);  /* ascending order of ports */
int32_t ports_rank(const struct ports *p, uint16_t port); /* -1 where not in the set; O(1) */
bool ports_equal(const struct ports *a, const struct ports *b);
bool ports_contains(const struct ports *a, const struct ports *b); /* every port of b is in a */

/*
 * Equal sets held once, so that 300,000 lines "host:443" share one, and equal means the same
 * pointer. Zero-initialized is empty.
 */
struct ports_pool {
	/* private: */
	struct ports_held *held;
	size_t n, cap;
	uint32_t *slots; /* hash table of 1 + place in `held`; 0 is free */
	size_t n_slots;
};

/* The one of the pool that equals p. Takes p, whatever comes of it; NULL: no memory, or none for p
 * when it was made. */
const struct ports *ports_pool_own(struct ports_pool *pool, struct ports *p);
/* As ports_pool_own, but p stays its owner's, who keeps it as long as the pool lives. */
const struct ports *ports_pool_borrow(struct ports_pool *pool, const struct ports *p);
void ports_pool_free(struct ports_pool *pool);

#endif
