/*
 * flow_expr: which flows --flow means: an address or a network, a port, both, or two ends. It
 * reads words and compares numbers; it asks no names.
 */
#ifndef CMD_FLOW_EXPR_H
#define CMD_FLOW_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

struct flow_end {
	bool any_addr, any_port;
	struct addr first, last;
	uint16_t port;
};

struct flow_expr {
	struct flow_end a, b; /* b takes all where one end was named */
};

/* -1 and `e`, which says what is taken. */
int flow_expr_parse(const char *said, const char *word, struct flow_expr *out, struct err *e);
/* Either way round. */
bool flow_expr_matches(const struct flow_expr *x, const struct addr *src, uint16_t sport,
		       const struct addr *dst, uint16_t dport);

#endif
