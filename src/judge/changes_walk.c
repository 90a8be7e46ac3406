/*
 * changes_walk: all hosts in the order of their addresses, and the addresses between them, each as
 * every side has it. It knows what a side says of a port, never whether two sides agree.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "judge/changes_private.h"

struct walk {
	const struct changes *c;
	bool (*at)(void *ctx, const struct place *p);
	void *ctx;
	uint32_t *order; /* hosts by address */
	struct runs runs[CHANGES_SIDES_MAX];
	struct face face[CHANGES_SIDES_MAX]; /* of hosts without a record of their own */
};

/* --- words ------------------------------------------------------------------------------------ */

const char *changes_state_word(unsigned state)
{
	if (state == STATE_NONE)
		return NULL;
	return state < PORT_STATES ? state_name((enum port_state)state) : "not-shown";
}

const char *changes_put_addr(const struct changes *c, const struct addr *a, char buf[ADDR_TEXT])
{
	const char *zone = a->zone ? c->zones.v[a->zone - 1] : NULL;
	struct text t = text_of(buf, ADDR_TEXT);
	struct addr bare = *a;
	char text[ADDR_TEXT];

	bare.zone = 0;
	text_putf(&t, zone ? "%s%%%s" : "%s", addr_format(&bare, text), zone);
	return buf;
}

void changes_add(uint64_t *to, uint64_t a, uint64_t b)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(*to, product, to))
		*to = UINT64_MAX;
}

uint64_t place_hosts(const struct place *w)
{
	uint64_t n = addr_diff(&w->first, &w->last);

	return n == UINT64_MAX ? n : n + 1;
}

/* --- hosts ------------------------------------------------------------------------------------ */

/* A port without a record, where its host has some, and where it has none. */
static struct run silent_port(struct run r, bool named)
{
	if (r.state != STATE_SKIPPED)
		return r;
	r.state = !named ? STATE_NOT_PROBED : r.reason ? STATE_HIDDEN : STATE_FILTERED;
	if (!named || !r.reason)
		r.reason = named ? REASON_NO_RESPONSE : REASON_HOST_SILENT;
	return r;
}

static bool lay_silence(struct runs *to, const struct runs *from, bool named)
{
	to->n = 0;
	for (size_t i = 0; from && i < from->n; i++)
		if (!runs_put(to, silent_port(from->v[i], named)))
			return false;
	return true;
}

static bool is_unreachable(const struct run *r)
{
	return (r->state == STATE_NOT_PROBED || r->state == STATE_REJECTED) &&
	       (r->reason == REASON_HOST_UNREACHABLE || r->reason == REASON_NET_UNREACHABLE);
}

/* What no host record said: its ports may tell, or that nothing was heard of it. */
static void find_face(struct face *f, const struct face *own, const struct runs *ports, bool named)
{
	bool silent = true;

	*f = *own;
	for (size_t i = 0; named && own->up == UP_UNKNOWN && i < ports->n; i++) {
		const struct run *r = &ports->v[i];

		if (r->state == STATE_OPEN || r->state == STATE_CLOSED)
			silent = false;
		if (is_unreachable(r) && f->up == UP_UNKNOWN) {
			f->up = UP_NO;
			f->reason = r->reason;
		}
	}
	if (!silent)
		f->up = UP_YES;
	if (named || !ports->n || ports->v[0].reason == REASON_CUT)
		return;
	f->up = UP_NO;
	f->reason = ports->v[0].state == STATE_NOT_PROBED ? REASON_HOST_SILENT : REASON_NO_RESPONSE;
}

/* The entries of a host on one side, over what its scope says of the rest. */
static bool lay_host(struct walk *t, size_t k, uint32_t number, const struct scope *scope)
{
	const struct sheet *s = &t->c->side[k].all;
	const struct face *own = face_at(t->c, number, k);
	size_t lo = 0, hi = s->n;
	bool named;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].host < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	named = own->section || (lo < s->n && s->v[lo].host == number);
	if (!lay_silence(&t->runs[k], scope ? &scope->runs[k] : NULL, named))
		return false;
	for (; lo < s->n && s->v[lo].host == number; lo++)
		if (!runs_put(&t->runs[k], s->v[lo].run))
			return false;
	find_face(&t->face[k], own, &t->runs[k], named);
	return true;
}

static bool walk_host(struct walk *t, uint32_t number, const struct scope *scope)
{
	const struct host *h = &t->c->hosts[number];
	const struct place p = {h->addr, h->addr, h, t->runs, t->face};

	for (size_t k = 0; k < t->c->sides; k++)
		if (!lay_host(t, k, number, scope))
			return false;
	return t->at(t->ctx, &p);
}

static bool walk_silent(struct walk *t, const struct scope *scope, const struct addr *first,
			const struct addr *last)
{
	const struct place p = {*first, *last, NULL, t->runs, NULL};

	for (size_t k = 0; k < t->c->sides; k++)
		if (!lay_silence(&t->runs[k], &scope->runs[k], false))
			return false;
	return t->at(t->ctx, &p);
}

/* --- all of them ------------------------------------------------------------------------------ */

struct sortable {
	struct addr addr;
	uint32_t number;
};

static int sortable_cmp(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;

	return addr_cmp(&x->addr, &y->addr);
}

static bool order_hosts(struct walk *t)
{
	size_t n = t->c->n_hosts;
	struct sortable *v = malloc((n + 1) * sizeof(*v));

	t->order = malloc((n + 1) * sizeof(*t->order));
	if (v && t->order) {
		for (size_t i = 0; i < n; i++)
			v[i] = (struct sortable){t->c->hosts[i].addr, (uint32_t)i};
		qsort(v, n, sizeof(*v), sortable_cmp);
		for (size_t i = 0; i < n; i++)
			t->order[i] = v[i].number;
	}
	free(v);
	return v && t->order;
}

static const struct addr *host_at(const struct walk *t, size_t i)
{
	return i < t->c->n_hosts ? &t->c->hosts[t->order[i]].addr : NULL;
}

/* Those with records, and between them those without. */
static bool walk_scope(struct walk *t, const struct scope *s, size_t *i)
{
	struct addr from = s->first;
	const struct addr *a;
	bool rest = true;

	for (; (a = host_at(t, *i)) && addr_cmp(a, &s->last) <= 0; ++*i) {
		struct addr before = changes_before(*a);

		if (!addr_equal(a, &from) && !walk_silent(t, s, &from, &before))
			return false;
		if (!walk_host(t, t->order[*i], s))
			return false;
		rest = !addr_equal(a, &s->last);
		if (rest)
			from = addr_add(*a, 1);
	}
	return !rest || walk_silent(t, s, &from, &s->last);
}

static bool walk_all(struct walk *t)
{
	struct scopes scopes;
	struct scope s = {0};
	size_t i = 0;
	int rc = scopes_begin(&scopes, t->c) ? 1 : -1;

	while (rc > 0 && (rc = scopes_next(&scopes, &s)) > 0) {
		for (; host_at(t, i) && addr_cmp(host_at(t, i), &s.first) < 0; i++)
			if (!walk_host(t, t->order[i], NULL))
				rc = -1;
		if (!walk_scope(t, &s, &i))
			rc = -1;
	}
	for (; rc == 0 && host_at(t, i); i++)
		if (!walk_host(t, t->order[i], NULL))
			rc = -1;
	scopes_end(&scopes);
	for (size_t k = 0; k < t->c->sides; k++)
		free(s.runs[k].v);
	return rc == 0;
}

bool changes_walk(const struct changes *c, bool (*at)(void *ctx, const struct place *p), void *ctx)
{
	struct walk w = {.c = c, .at = at, .ctx = ctx};
	bool ok = order_hosts(&w) && walk_all(&w);

	free(w.order);
	for (size_t k = 0; k < c->sides; k++)
		free(w.runs[k].v);
	return ok;
}
