/*
 * span: lists of ports, read strictly: what follows no span, or is no port, makes the list none.
 */
#include "base/span.h"

#include <stdbool.h>
#include <stdlib.h>

void port_spans_add(struct port_span *v, size_t *n, struct port_span x)
{
	struct port_span *last = *n ? &v[*n - 1] : NULL;

	if (!last || x.first > last->last + 1)
		v[(*n)++] = x;
	else if (x.last > last->last)
		last->last = x.last;
}

static int span_cmp(const void *a, const void *b)
{
	const struct port_span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

size_t port_spans_settle(struct port_span *v, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), span_cmp);
	for (size_t i = 0; i < n; i++)
		port_spans_add(v, &kept, v[i]);
	return kept;
}

static bool read_port(const char **s, uint16_t *out)
{
	unsigned n = 0;
	const char *at = *s;

	while (*at >= '0' && *at <= '9' && n <= UINT16_MAX)
		n = n * 10 + (unsigned)(*at++ - '0');
	if (at == *s || n > UINT16_MAX)
		return false;
	*s = at;
	*out = (uint16_t)n;
	return true;
}

int port_span_next(const char **list, struct port_span *out)
{
	const char *s = *list;
	uint16_t next;

	if (!s)
		return 0;
	if (!read_port(&s, &out->first))
		return -1;
	out->last = out->first;
	if (*s == '-') {
		s++;
		if (!read_port(&s, &out->last))
			return -1;
	}
	if (out->last < out->first || (*s && *s != ','))
		return -1;
	*list = *s ? s + 1 : NULL;
	s = *list;
	return s && read_port(&s, &next) && next <= out->last ? -1 : 1;
}
