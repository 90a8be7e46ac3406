/*
 * ranges: a set of ports as "1-21,23-79", built in ascending order, printed whole or cut.
 */
#ifndef REPORT_RANGES_H
#define REPORT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "report/out.h"

/* Zero-initialised is empty. */
struct ranges {
	struct port_span *v;
	size_t n, cap;
	uint32_t count; /* ports in all */
};

/* `port` is not below any added before; one added twice counts once. False where memory is out. */
bool ranges_add(struct ranges *r, uint16_t port);
/* At most about `max` bytes, then ",..."; 0: all of them. */
void spans_put(const struct port_span *v, size_t n, size_t max, struct string *t);
void ranges_put(const struct ranges *r, size_t max, struct string *t);
void ranges_free(struct ranges *r);

#endif
