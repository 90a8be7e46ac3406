/*
 * span: ports that stand behind each other, as a list "1-21,23-79" has them. Which ports these are,
 * and of whom, is its callers'.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct port_span {
	uint16_t first, last;
};

/*
 * One more behind the `*n` of `v`, which has room for it. None begins before the one added last;
 * where it touches that one, the two become one.
 */
void port_spans_add(struct port_span *v, size_t *n, struct port_span x);
/* As many, in any order, become ascending ones that do not touch; how many these are. */
size_t port_spans_settle(struct port_span *v, size_t n);

/*
 * The next of a list as results have it, ascending, so that a line says no port a million times,
 * and `*list` behind it: 1; 0 at its end, where `*list` is NULL; -1 where no span of ports stands
 * there.
 */
int port_span_next(const char **list, struct port_span *out);

#endif
