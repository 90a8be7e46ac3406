/* ports: a set of TCP ports from the words of -p, with the rank of each: port <-> position. */
#ifndef ENGINE_PORTS_H
#define ENGINE_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct ports; /* immutable once made */

/*
 * "22,80,8000-8100", "-" = 1-65535, "-100", "60000-", service names, "!25" and "!1-1023" exclude (from
 * all of the list, wherever they stand; from 1-65535 where nothing else is named); "T:" is allowed in front.
 * `service` turns a name into a port or -1 (so that this room asks no database itself); may be NULL.
 * NULL and `e` on a bad word (named) or an empty set.
 */
struct ports *ports_parse(const char *list, int (*service)(const char *name), struct err *e);
struct ports *ports_default(void); /* about 200 common TCP ports */
struct ports *ports_union(const struct ports *a, const struct ports *b);
void ports_free(struct ports *p);

uint32_t ports_count(const struct ports *p);
uint16_t ports_at(const struct ports *p, uint32_t rank); /* ascending order of ports */
int32_t ports_rank(const struct ports *p, uint16_t port); /* -1 where not in the set; O(1) */
bool ports_equal(const struct ports *a, const struct ports *b);

#endif
