/*
 * changes_tell: all hosts in the order of their addresses, and each change as a record: alike ones
 * together where they are many. It decides what is one record, never what is a change.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"
#include "judge/changes_private.h"

struct telling {
	struct changes *c;
	unsigned only;
	const struct record_sink *sink;
	struct diff_record *sum;
	uint32_t *order; /* hosts by address */
	struct runs runs[SIDES];
	struct face face[SIDES]; /* of hosts without a record of their own */
	struct findings found;
	/* of the findings: their places by what changed, then port */
	uint32_t *alike;
	size_t cap_alike;
	struct port_span *spans;
	size_t cap_spans;
};

/* Whose changes these are. */
struct whose {
	struct addr first, last;
	const struct host *host; /* NULL: addresses without records */
};

/* --- words ------------------------------------------------------------------------------------ */

static const char *state_word(unsigned state)
{
	if (state == STATE_NONE)
		return NULL;
	return state < PORT_STATES ? state_name((enum port_state)state) : "not-shown";
}

static const char *put_addr(const struct changes *c, const struct addr *a, char buf[ADDR_TEXT])
{
	const char *zone = a->zone ? c->zones.v[a->zone - 1] : NULL;
	struct text t = text_of(buf, ADDR_TEXT);
	struct addr bare = *a;
	char text[ADDR_TEXT];

	bare.zone = 0;
	text_putf(&t, zone ? "%s%%%s" : "%s", addr_format(&bare, text), zone);
	return buf;
}

/* --- records ---------------------------------------------------------------------------------- */

static void add(uint64_t *to, uint64_t a, uint64_t b)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(*to, product, to))
		*to = UINT64_MAX;
}

static uint64_t hosts_of(const struct whose *w)
{
	uint64_t n = addr_diff(&w->first, &w->last);

	return n == UINT64_MAX ? n : n + 1;
}

static bool is_told(const struct telling *t, enum change_kind kind)
{
	return t->only & 1U << kind;
}

static void tell(struct telling *t, const struct whose *w, struct change_record *r, uint64_t ports)
{
	char first[ADDR_TEXT], last[ADDR_TEXT];

	if (!is_told(t, r->change))
		return;
	r->addr = put_addr(t->c, &w->first, first);
	r->from = &w->first;
	r->to = &w->last;
	if (!addr_equal(&w->first, &w->last))
		r->addr_last = put_addr(t->c, &w->last, last);
	if (w->host && w->host->name)
		r->name = t->c->names + w->host->name - 1;
	add(&t->sum->changes[r->change], ports, hosts_of(w));
	if (t->sink->change)
		t->sink->change(t->sink->ctx, r);
}

static struct change_record record_of(const struct telling *t, const struct delta *d)
{
	return (struct change_record){
	    .change = (enum change_kind)d->kind,
	    .was = state_word(d->was),
	    .is = state_word(d->is),
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
static bool is_grouped(const struct whose *w, const struct delta *d, uint64_t ports)
{
	bool scope = d->kind == CHANGE_NEWLY_COVERED || d->kind == CHANGE_NO_LONGER_COVERED;

	if (!w->host || (scope && d->was != STATE_OPEN && d->is != STATE_OPEN))
		return true;
	return ports > RECORD_LIST_MAX;
}

static bool tell_group(struct telling *t, const struct whose *w, const uint32_t *v, size_t n,
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

static void tell_each(struct telling *t, const struct whose *w, const struct delta *d)
{
	for (unsigned port = d->first; port <= d->last; port++) {
		struct change_record r = record_of(t, d);

		r.port = (uint16_t)port;
		tell(t, w, &r, 1);
	}
}

/* What is to become of each finding: told by itself, or with all that are alike, at the first. */
static bool tell_ports(struct telling *t, const struct whose *w)
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

static void tell_turn(struct telling *t, const struct whose *w)
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
static void tell_style(struct telling *t, const struct whose *w, const struct pair *p)
{
	for (int by = STYLE_METHODS - 1; by >= 0; by--) {
		unsigned was = p->face[SIDE_OLD]->style[by], is = p->face[SIDE_NEW]->style[by];
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

static bool tell_pair(struct telling *t, const struct whose *w, const struct pair *p)
{
	if (!changes_judge(p, &t->found))
		return false;
	add(&t->sum->compared, t->found.compared, hosts_of(w));
	add(&t->sum->ignored, t->found.ignored, hosts_of(w));
	if (w->host) {
		tell_turn(t, w);
		tell_style(t, w, p);
	}
	return !t->found.n || tell_ports(t, w);
}

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
static void find_face(struct face *f, const struct host *h, int k, const struct runs *ports,
		      bool named)
{
	bool silent = true;

	*f = h->face[k];
	for (size_t i = 0; named && h->face[k].up == UP_UNKNOWN && i < ports->n; i++) {
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
static bool lay_host(struct telling *t, int k, uint32_t number, const struct scope *scope)
{
	const struct sheet *s = &t->c->side[k].all;
	const struct host *h = &t->c->hosts[number];
	size_t lo = 0, hi = s->n;
	bool named;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].host < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	named = h->face[k].section || (lo < s->n && s->v[lo].host == number);
	if (!lay_silence(&t->runs[k], scope ? &scope->runs[k] : NULL, named))
		return false;
	for (; lo < s->n && s->v[lo].host == number; lo++)
		if (!runs_put(&t->runs[k], s->v[lo].run))
			return false;
	find_face(&t->face[k], h, k, &t->runs[k], named);
	return true;
}

static bool tell_host(struct telling *t, uint32_t number, const struct scope *scope)
{
	const struct host *h = &t->c->hosts[number];
	struct whose w = {h->addr, h->addr, h};
	struct pair p = {{&t->runs[SIDE_OLD], &t->runs[SIDE_NEW]},
			 {&t->face[SIDE_OLD], &t->face[SIDE_NEW]}};

	return lay_host(t, SIDE_OLD, number, scope) && lay_host(t, SIDE_NEW, number, scope) &&
	       tell_pair(t, &w, &p);
}

static bool tell_silent(struct telling *t, const struct scope *scope, const struct addr *first,
			const struct addr *last)
{
	struct whose w = {*first, *last, NULL};
	struct pair p = {{&t->runs[SIDE_OLD], &t->runs[SIDE_NEW]}, {NULL, NULL}};

	for (int k = 0; k < SIDES; k++)
		if (!lay_silence(&t->runs[k], &scope->runs[k], false))
			return false;
	return tell_pair(t, &w, &p);
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

static bool order_hosts(struct telling *t)
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

static const struct addr *host_at(const struct telling *t, size_t i)
{
	return i < t->c->n_hosts ? &t->c->hosts[t->order[i]].addr : NULL;
}

/* Those with records, and between them those without. */
static bool tell_scope(struct telling *t, const struct scope *s, size_t *i)
{
	struct addr from = s->first;
	const struct addr *a;
	bool rest = true;

	for (; (a = host_at(t, *i)) && addr_cmp(a, &s->last) <= 0; ++*i) {
		struct addr before = changes_before(*a);

		if (!addr_equal(a, &from) && !tell_silent(t, s, &from, &before))
			return false;
		if (!tell_host(t, t->order[*i], s))
			return false;
		rest = !addr_equal(a, &s->last);
		if (rest)
			from = addr_add(*a, 1);
	}
	return !rest || tell_silent(t, s, &from, &s->last);
}

static bool tell_all(struct telling *t)
{
	struct scopes scopes;
	struct scope s = {0};
	size_t i = 0;
	int rc = scopes_begin(&scopes, t->c) ? 1 : -1;

	while (rc > 0 && (rc = scopes_next(&scopes, &s)) > 0) {
		for (; host_at(t, i) && addr_cmp(host_at(t, i), &s.first) < 0; i++)
			if (!tell_host(t, t->order[i], NULL))
				rc = -1;
		if (!tell_scope(t, &s, &i))
			rc = -1;
	}
	for (; rc == 0 && host_at(t, i); i++)
		if (!tell_host(t, t->order[i], NULL))
			rc = -1;
	scopes_end(&scopes);
	free(s.runs[SIDE_OLD].v);
	free(s.runs[SIDE_NEW].v);
	return rc == 0;
}

int changes_compare(struct changes *c, unsigned only, const struct record_sink *sink,
		    struct diff_record *sum, struct err *e)
{
	struct telling t = {.c = c, .only = only, .sink = sink, .sum = sum};
	bool ok = order_hosts(&t) && tell_all(&t);

	free(t.order);
	free(t.runs[SIDE_OLD].v);
	free(t.runs[SIDE_NEW].v);
	free(t.found.v);
	free(t.alike);
	free(t.spans);
	return ok ? 0 : changes_no_memory(e);
}
