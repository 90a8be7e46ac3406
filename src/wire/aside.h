/*
 * aside: the kernel takes a packet socket back only after a grace period of some 25 ms, and who
 * closes it waits. Those of many, closed side by side, share one.
 */
#ifndef WIRE_ASIDE_H
#define WIRE_ASIDE_H

#include <stddef.h>

/* fn on each of `n` things of `size` octets at `v`, by as many threads as can be had, few enough.
 * Returns when all is done. The threads take no signals. */
void aside_each(void (*fn)(void *), void *v, size_t n, size_t size);

/* fn(arg) by a thread of its own, until aside_join; at once where there is none to be had. */
struct aside;
struct aside *aside_begin(void (*fn)(void *), void *arg);
void aside_join(struct aside *a); /* takes NULL */

#endif
