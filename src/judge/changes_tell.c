/*
 * changes_tell: each change between two sides as a record, alike ones together where they are many.
 * It decides what is one record, never what is a change.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "judge/changes_private.h"

struct telling {
	const struct changes *c;
	unsigned only;
	const struct record_sink *sink;
	struct diff_record *sum;
	struct findings found;
	/* of the findings: their places by what changed, then port */
	uint32_t *alike;
	size_t cap_alike;
	struct port_span *spans;
	size_t cap_spans;
};

/* --- records ---------------------------------------------------------------------------------- */

static bool is_told(const struct telling *t, enum change_kind kind)
{
	return t->only & 1U << kind;
}

static void tell(struct telling *t, const struct place *w, struct change_record *r, uint64_t ports)
{
	char first[ADDR_TEXT], last[ADDR_TEXT];

	if (!is_told(t, r->change))
		return;
	r->addr = changes_put_addr(t->c, &w->first, first);
	r->from = &w->first;
	r->to = &w->last;
	if (!addr_equal(&w->first, &w->last))
		r->addr_last = changes_put_addr(t->c, &w->last, last);
	if (w->host && w->host->name)
		r->name = t->c->names + w->host->name - 1;
	changes_add(&t->sum->changes[r->change], ports, place_hosts(w));
	if (t->sink->change)
		t->sink->change(t->sink->ctx, r);
}

static struct change_record record_of(const struct telling *t, const struct delta *d)
{
	return (struct change_record){
	    .change = (enum change_kind)d->kind,
	    .was = changes_state_word(d->was),
	    .is = changes_state_word(d->is),
	    .was_reason = changes_reason(t->c, d->was_reason),
	    .is_reason = changes_reason(t->c, d->is_reason),
	};
}

/* --- alike ports ------------------------------------------------------------------------------ */

static int kinds_cmp(const struct delta *a, const struct delta *b)
{
	uint64_t x = (uint64_t)a->kind << 48 | (uint64_t)a->was << 40 | (uint64_t)a->is << 32 |
		     (uint64_t)a->was_reason << 16 | a->is_reason;
	uint64_t y = (uint64_t)b->kind << 48 | (uint64_t)b->was << 40 | (uint64_t)b->is << 32 |
		     (uint64_t)b->was_reason << 16 | b->is_reason;

	return (x > y) - (x < y);
}

/* By what changed; a merge from the bottom up, since qsort knows no context. */
static void sort_alike(const struct findings *f, uint32_t *v, uint32_t *spare)
{
	for (size_t width = 1; width < f->n; width *= 2) {
		uint32_t *swap = v;

		for (size_t at = 0; at < f->n; at += 2 * width) {
			size_t mid = at + width < f->n ? at + width : f->n;
			size_t end = mid + width < f->n ? mid + width : f->n;
			size_t i = at, k = mid;

			for (size_t to = at; to < end; to++) {
				bool left = k == end ||
					    (i < mid && kinds_cmp(&f->v[v[i]], &f->v[v[k]]) <= 0);

				spare[to] = v[left ? i++ : k++];
			}
		}
		v = spare;
		spare = swap;
	}
}

/* sort_alike leaves its result in one of two halves: which one goes by how many passes it takes. */
static uint32_t *sorted_alike(struct telling *t)
{
	const struct findings *f = &t->found;
	size_t passes = 0;

	while (t->cap_alike < 2 * f->n)
		if (!array_grow(&t->alike, t->cap_alike, &t->cap_alike, sizeof(*t->alike)))
			return NULL;
	for (size_t i = 0; i < f->n; i++)
		t->alike[i] = (uint32_t)i;
	for (size_t width = 1; width < f->n; width *= 2)
		passes++;
	sort_alike(f, t->alike, t->alike + f->n);
	return passes % 2 ? t->alike + f->n : t->alike;
}

/* Who wants each port by itself? Never addresses that kept silent; nor what only was asked anew. */
static bool is_grouped(const struct place *w, const struct delta *d, uint64_t ports)
{
	bool scope = d->kind == CHANGE_NEWLY_COVERED || d->kind == CHANGE_NO_LONGER_COVERED;

	if (!w->host || (scope && d->was != STATE_OPEN && d->is != STATE_OPEN))
		return true;
	return ports > RECORD_LIST_MAX;
}

static bool tell_group(struct telling *t, const struct place *w, const uint32_t *v, size_t n,
		       uint64_t ports)
{
	const struct findings *f = &t->found;
	struct change_record r = record_of(t, &f->v[v[0]]);
	size_t spans = 0;

	while (t->cap_spans < n)
		if (!array_grow(&t->spans, t->cap_spans, &t->cap_spans, sizeof(*t->spans)))
			return false;
	for (size_t i = 0; i < n; i++) {
		const struct delta *d = &f->v[v[i]];

		port_spans_add(t->spans, &spans, (struct port_span){d->first, d->last});
	}
	r.spans = t->spans;
	r.n_spans = spans;
	r.count = (uint32_t)ports;
	if (ports == 1) {
		r.port = t->spans[0].first;
		r.count = 0;
		r.n_spans = 0;
	}
	tell(t, w, &r, ports);
	return true;
}

static void tell_each(struct telling *t, const struct place *w, const struct delta *d)
{
	for (unsigned port = d->first; port <= d->last; port++) {
		struct change_record r = record_of(t, d);

		r.port = (uint16_t)port;
		tell(t, w, &r, 1);
	}
}

/* What is to become of each finding: told by itself, or with all that are alike, at the first. */
static bool tell_ports(struct telling *t, const struct place *w)
{
	const struct findings *f = &t->found;
	const uint32_t *v = sorted_alike(t);
	/* the other half of the two is free: where the group of each that begins one lies */
	uint32_t *group = v == t->alike ? t->alike + f->n : t->alike;
	size_t end;

	if (!v)
		return false;
	for (size_t i = 0; i < f->n; i = end) {
		uint64_t ports = 0;

		for (end = i; end < f->n && kinds_cmp(&f->v[v[end]], &f->v[v[i]]) == 0; end++)
			ports += f->v[v[end]].last - f->v[v[end]].first + 1U;
		for (size_t k = i; k < end; k++) {
			bool grouped = is_grouped(w, &f->v[v[k]], ports);

			group[v[k]] = !grouped ? 0 : k == i ? (uint32_t)i + 1 : UINT32_MAX;
		}
	}
	for (size_t i = 0; i < f->n; i++) {
		uint64_t ports = 0;

		if (group[i] == 0)
			tell_each(t, w, &f->v[i]);
		if (group[i] == 0 || group[i] == UINT32_MAX)
			continue;
		for (end = group[i] - 1; end < f->n && kinds_cmp(&f->v[v[end]], &f->v[i]) == 0;
		     end++)
			ports += f->v[v[end]].last - f->v[v[end]].first + 1U;
		if (!tell_group(t, w, v + group[i] - 1, end - (group[i] - 1), ports))
			return false;
	}
	return true;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static void tell_turn(struct telling *t, const struct place *w)
{
	const struct findings *f = &t->found;
	const char *why = changes_reason(t->c, f->reason);
	struct change_record r = {
	    .of_host = true,
	    .change = CHANGE_STATE,
	    .was = f->went_down ? "up" : "down",
	    .is = f->went_down ? "down" : "up",
	    .was_reason = f->went_down ? NULL : why,
	    .is_reason = f->went_down ? why : NULL,
	    .count = (uint32_t)f->swallowed,
	};

	/* of one port its own line says it all */
	if ((!f->went_down && !f->came_up) || (f->turned < 2 && !f->swallowed))
		return;
	if (is_told(t, CHANGE_STATE)) {
		t->sum->went_down += f->went_down;
		t->sum->came_up += f->came_up;
	}
	tell(t, w, &r, f->swallowed);
}

/* Only what was found by the same means can be compared; a scan's depends on the ports asked. */
static void tell_style(struct telling *t, const struct place *w)
{
	for (int by = STYLE_METHODS - 1; by >= 0; by--) {
		unsigned was = w->face[SIDE_OLD].style[by], is = w->face[SIDE_NEW].style[by];
		struct change_record r = {
		    .of_host = true,
		    .change = CHANGE_STYLE,
		    .was = style_name((enum reset_style)was),
		    .is = style_name((enum reset_style)is),
		};

		if (was == STYLE_UNKNOWN || is == STYLE_UNKNOWN)
			continue;
		/* who is down shows none of its own */
		if (t->found.went_down || t->found.came_up)
			return;
		if (was != is && (by != STYLE_BY_SCAN || t->found.same_scope))
			tell(t, w, &r, 1);
		return;
	}
}

static bool tell_place(void *ctx, const struct place *w)
{
	struct telling *t = ctx;

	if (!changes_judge(w, &t->found))
		return false;
	changes_add(&t->sum->compared, t->found.compared, place_hosts(w));
	changes_add(&t->sum->ignored, t->found.ignored, place_hosts(w));
	if (w->host) {
		tell_turn(t, w);
		tell_style(t, w);
	}
	return !t->found.n || tell_ports(t, w);
}

int changes_compare(struct changes *c, unsigned only, const struct record_sink *sink,
		    struct diff_record *sum, struct err *e)
{
	struct telling t = {.c = c, .only = only, .sink = sink, .sum = sum};
	bool ok = changes_walk(c, tell_place, &t);

	free(t.found.v);
	free(t.alike);
	free(t.spans);
	return ok ? 0 : changes_no_memory(e);
}
