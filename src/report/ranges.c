/* ranges: a port joins the last range or opens the next. It refuses to sort. */
#include "report/ranges.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

bool ranges_add(struct ranges *r, uint16_t port)
{
	struct port_span *last = r->n ? &r->v[r->n - 1] : NULL;

	assert(!last || port >= last->last);
	if (last && port == last->last)
		return true;
	if (last && port == last->last + 1) {
		last->last = port;
		r->count++;
		return true;
	}
	if (!array_grow(&r->v, r->n, &r->cap, sizeof(*r->v)))
		return false;
	r->v[r->n++] = (struct port_span){port, port};
	r->count++;
	return true;
}

void spans_put(const struct port_span *v, size_t n, size_t max, struct string *t)
{
	size_t start = t->len;

	for (size_t i = 0; i < n; i++) {
		/* ",65535-65535" is the longest part: a cut list stays below `max` */
		if (max && i > 0 && t->len - start + 12 > max) {
			string_put(t, ",...", 4);
			return;
		}
		if (i)
			string_put(t, ",", 1);
		string_put_u64(t, v[i].first);
		if (v[i].last > v[i].first) {
			string_put(t, "-", 1);
			string_put_u64(t, v[i].last);
		}
	}
}

void ranges_put(const struct ranges *r, size_t max, struct string *t)
{
	spans_put(r->v, r->n, max, t);
}

void ranges_free(struct ranges *r)
{
	free(r->v);
	*r = (struct ranges){0};
}
