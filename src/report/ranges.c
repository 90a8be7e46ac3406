/* ranges: a port joins the last range or opens the next. It refuses to sort. */
#include "report/ranges.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

bool ranges_add(struct ranges *r, uint16_t port)
{
	struct range *last = r->n ? &r->v[r->n - 1] : NULL;

	assert(!last || port >= last->hi);
	if (last && port == last->hi)
		return true;
	if (last && port == last->hi + 1) {
		last->hi = port;
		r->count++;
		return true;
	}
	if (!array_grow(&r->v, r->n, &r->cap, sizeof(*r->v)))
		return false;
	r->v[r->n++] = (struct range){.lo = port, .hi = port};
	r->count++;
	return true;
}

void ranges_put(const struct ranges *r, size_t max, struct string *t)
{
	size_t start = t->len;

	for (size_t i = 0; i < r->n; i++) {
		const struct range *p = &r->v[i];

		/* ",65535-65535" is the longest part: a cut list stays below `max` */
		if (max && i > 0 && t->len - start + 12 > max) {
			string_put(t, ",...", 4);
			return;
		}
		if (i)
			string_put(t, ",", 1);
		string_put_u64(t, p->lo);
		if (p->hi > p->lo) {
			string_put(t, "-", 1);
			string_put_u64(t, p->hi);
		}
	}
}

void ranges_free(struct ranges *r)
{
	free(r->v);
	*r = (struct ranges){0};
}
