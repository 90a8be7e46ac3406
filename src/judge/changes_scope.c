/*
 * changes_scope: what all sides were to ask, as stretches of addresses along which nobody's list
 * of ports changes. Hosts with records of their own lie within these, or outside of all.
 */
#include <stdlib.h>

#include "judge/changes_private.h"

struct addr changes_before(struct addr a)
{
	size_t i = addr_len(&a);

	while (i > 0 && a.b[--i]-- == 0)
		;
	return a;
}

static bool is_last_of_all(const struct addr *a)
{
	for (size_t i = 0; i < addr_len(a); i++)
		if (a->b[i] != UINT8_MAX)
			return false;
	return true;
}

static int bound_cmp(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static void find_bounds(struct scopes *s)
{
	size_t n = 0, kept = 0;

	for (size_t k = 0; k < s->c->sides; k++) {
		const struct side *side = &s->c->side[k];

		for (size_t i = 0; i < side->n_covers; i++) {
			const struct cover *x = &side->covers[i];

			s->bounds[n++] = x->first;
			if (!is_last_of_all(&x->last))
				s->bounds[n++] = addr_add(x->last, 1);
		}
	}
	if (n)
		qsort(s->bounds, n, sizeof(*s->bounds), bound_cmp);
	for (size_t i = 0; i < n; i++)
		if (!kept || !addr_equal(&s->bounds[kept - 1], &s->bounds[i]))
			s->bounds[kept++] = s->bounds[i];
	s->n_bounds = kept;
}

struct ordered {
	const struct cover *cover;
	uint32_t number;
};

static int ordered_cmp(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	int d = addr_cmp(&x->cover->first, &y->cover->first);

	return d ? d : (x->number > y->number) - (x->number < y->number);
}

static bool order_covers(struct scopes *s, size_t k)
{
	struct scope_side *of = &s->of[k];
	const struct side *side = &s->c->side[k];
	struct ordered *v = calloc(side->n_covers + 1, sizeof(*v));

	of->order = calloc(side->n_covers + 1, sizeof(*of->order));
	of->active = calloc(side->n_covers + 1, sizeof(*of->active));
	if (v && of->order) {
		for (size_t i = 0; i < side->n_covers; i++)
			v[i] = (struct ordered){&side->covers[i], (uint32_t)i};
		qsort(v, side->n_covers, sizeof(*v), ordered_cmp);
		for (size_t i = 0; i < side->n_covers; i++)
			of->order[i] = v[i].number;
	}
	free(v);
	return v && of->order && of->active;
}

bool scopes_begin(struct scopes *s, const struct changes *c)
{
	size_t n = 0;

	for (size_t k = 0; k < c->sides; k++)
		n += c->side[k].n_covers;
	*s = (struct scopes){.c = c, .bounds = malloc((2 * n + 1) * sizeof(*s->bounds))};
	if (!s->bounds)
		return false;
	for (size_t k = 0; k < c->sides; k++)
		if (!order_covers(s, k))
			return false;
	find_bounds(s);
	return true;
}

void scopes_end(struct scopes *s)
{
	free(s->bounds);
	for (size_t k = 0; k < s->c->sides; k++) {
		free(s->of[k].order);
		free(s->of[k].active);
	}
	*s = (struct scopes){0};
}

/* Keeps `active` to the covers that hold at `at`, in the order of the runs; how many they are. */
static size_t move_on(const struct side *side, struct scope_side *of, const struct addr *at)
{
	uint32_t *active = of->active;
	size_t n = 0;

	for (size_t i = 0; i < of->n_active; i++)
		if (addr_cmp(&side->covers[active[i]].last, at) >= 0)
			active[n++] = active[i];
	for (; of->taken < side->n_covers; of->taken++) {
		uint32_t number = of->order[of->taken];
		size_t i;

		if (!addr_equal(&side->covers[number].first, at))
			break;
		for (i = n++; i > 0 && active[i - 1] > number; i--)
			active[i] = active[i - 1];
		active[i] = number;
	}
	of->n_active = n;
	return n;
}

/* What the cover says of a port without a record. */
static struct run silent_run(const struct cover *x)
{
	if (!x->complete)
		return (struct run){.state = STATE_NOT_PROBED, .reason = REASON_CUT};
	if (x->skipped)
		return (struct run){.state = STATE_SKIPPED, .reason = x->shown};
	if (x->shown)
		return (struct run){.state = STATE_HIDDEN, .reason = x->shown};
	return (struct run){.state = STATE_FILTERED, .reason = REASON_NO_RESPONSE};
}

static bool lay(const struct scopes *s, size_t k, struct runs *out)
{
	const struct side *side = &s->c->side[k];
	const struct scope_side *of = &s->of[k];

	out->n = 0;
	for (size_t i = 0; i < of->n_active; i++) {
		const struct cover *x = &side->covers[of->active[i]];
		struct run r = silent_run(x);

		for (size_t p = 0; p < x->n; p++) {
			r.first = side->spans[x->at + p].first;
			r.last = side->spans[x->at + p].last;
			if (!runs_correct(out, r))
				return false;
		}
	}
	return true;
}

/* All that hold end where the next bound begins, or at the last address that there is. */
static struct addr end_of(const struct scopes *s)
{
	const struct addr *next = s->at < s->n_bounds ? &s->bounds[s->at] : NULL;
	const struct addr *last;
	size_t k = 0;

	while (!s->of[k].n_active)
		k++;
	last = &s->c->side[k].covers[s->of[k].active[0]].last;
	if (!next || next->family != last->family || next->zone != last->zone)
		return *last;
	return changes_before(*next);
}

int scopes_next(struct scopes *s, struct scope *out)
{
	while (s->at < s->n_bounds) {
		const struct addr *at = &s->bounds[s->at++];
		size_t hold = 0;

		for (size_t k = 0; k < s->c->sides; k++)
			hold += move_on(&s->c->side[k], &s->of[k], at);
		if (!hold)
			continue;
		out->first = *at;
		out->last = end_of(s);
		for (size_t k = 0; k < s->c->sides; k++)
			if (!lay(s, k, &out->runs[k]))
				return -1;
		return 1;
	}
	return 0;
}
