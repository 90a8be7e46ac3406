/*
 * changes_scope: what both sides were to ask, as stretches of addresses along which neither's list
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

	for (int k = 0; k < SIDES; k++) {
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

struct place {
	const struct cover *cover;
	uint32_t number;
};

static int place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int d = addr_cmp(&x->cover->first, &y->cover->first);

	return d ? d : (x->number > y->number) - (x->number < y->number);
}

static bool order_covers(struct scopes *s, int k)
{
	const struct side *side = &s->c->side[k];
	struct place *v = calloc(side->n_covers + 1, sizeof(*v));

	s->order[k] = calloc(side->n_covers + 1, sizeof(*s->order[k]));
	s->active[k] = calloc(side->n_covers + 1, sizeof(*s->active[k]));
	if (v && s->order[k]) {
		for (size_t i = 0; i < side->n_covers; i++)
			v[i] = (struct place){&side->covers[i], (uint32_t)i};
		qsort(v, side->n_covers, sizeof(*v), place_cmp);
		for (size_t i = 0; i < side->n_covers; i++)
			s->order[k][i] = v[i].number;
	}
	free(v);
	return v && s->order[k] && s->active[k];
}

bool scopes_begin(struct scopes *s, const struct changes *c)
{
	size_t n = c->side[SIDE_OLD].n_covers + c->side[SIDE_NEW].n_covers;

	*s = (struct scopes){.c = c, .bounds = malloc((2 * n + 1) * sizeof(*s->bounds))};
	if (!s->bounds || !order_covers(s, SIDE_OLD) || !order_covers(s, SIDE_NEW))
		return false;
	find_bounds(s);
	return true;
}

void scopes_end(struct scopes *s)
{
	free(s->bounds);
	for (int k = 0; k < SIDES; k++) {
		free(s->order[k]);
		free(s->active[k]);
	}
	*s = (struct scopes){0};
}

/* Keeps `active` to the covers that hold at `at`, in the order of the runs. */
static void move_on(struct scopes *s, int k, const struct addr *at)
{
	const struct side *side = &s->c->side[k];
	uint32_t *active = s->active[k];
	size_t n = 0;

	for (size_t i = 0; i < s->n_active[k]; i++)
		if (addr_cmp(&side->covers[active[i]].last, at) >= 0)
			active[n++] = active[i];
	for (; s->taken[k] < side->n_covers; s->taken[k]++) {
		uint32_t number = s->order[k][s->taken[k]];
		size_t i;

		if (!addr_equal(&side->covers[number].first, at))
			break;
		for (i = n++; i > 0 && active[i - 1] > number; i--)
			active[i] = active[i - 1];
		active[i] = number;
	}
	s->n_active[k] = n;
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

static bool lay(const struct scopes *s, int k, struct runs *out)
{
	const struct side *side = &s->c->side[k];

	out->n = 0;
	for (size_t i = 0; i < s->n_active[k]; i++) {
		const struct cover *x = &side->covers[s->active[k][i]];
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
	int k = s->n_active[SIDE_OLD] ? SIDE_OLD : SIDE_NEW;
	const struct addr *last = &s->c->side[k].covers[s->active[k][0]].last;

	if (!next || next->family != last->family || next->zone != last->zone)
		return *last;
	return changes_before(*next);
}

int scopes_next(struct scopes *s, struct scope *out)
{
	while (s->at < s->n_bounds) {
		const struct addr *at = &s->bounds[s->at++];

		for (int k = 0; k < SIDES; k++)
			move_on(s, k, at);
		if (!s->n_active[SIDE_OLD] && !s->n_active[SIDE_NEW])
			continue;
		out->first = *at;
		out->last = end_of(s);
		return lay(s, SIDE_OLD, &out->runs[SIDE_OLD]) &&
			       lay(s, SIDE_NEW, &out->runs[SIDE_NEW])
			   ? 1
			   : -1;
	}
	return 0;
}
