/*
 * space_private: what space.c and space_lay.c share: the list of spans under construction, and the
 * laying of intervals over each other. For these two files alone.
 */
#ifndef ENGINE_SPACE_PRIVATE_H
#define ENGINE_SPACE_PRIVATE_H

#include "engine/space.h"

struct span_list {
	struct span *v;
	size_t n, cap;
};

bool space_same_zone(const struct addr *a, const struct addr *b);
/* Is b the address behind the last of span a? */
bool space_follows(const struct span *a, const struct addr *b);
/* Appends, or lengthens the last span where nothing tells the two apart. -1: no memory */
int space_append(struct span_list *l, const struct span *x);
/*
 * The targets (of at most 2^32 addresses each) less the excludes (NULL for none) as spans without
 * places; `out` is the caller's to free, whatever comes of it. -1: no memory
 */
int space_lay(struct span_list *out, const struct targets *targets, const struct ports *ports,
	      const struct targets *exclude, struct ports_pool *pool);

#endif
