/*
 * changes_runs: ranges of ports laid over each other, the later over the earlier. It knows which
 * record came last, never what it means.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "judge/changes_private.h"

static bool alike(const struct run *a, const struct run *b)
{
	return a->state == b->state && a->reason == b->reason;
}

/* The first run that ends at or behind `port`. */
static size_t runs_from(const struct runs *r, unsigned port)
{
	size_t lo = 0, hi = r->n;

	if (!hi || r->v[hi - 1].last < port)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].last < port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* At the end, where it may only go on with the last. */
static bool append(struct runs *r, struct run x)
{
	struct run *last = r->n ? &r->v[r->n - 1] : NULL;

	if (last && last->last + 1 == x.first && alike(last, &x)) {
		last->last = x.last;
		return true;
	}
	if (!array_grow(&r->v, r->n, &r->cap, sizeof(*r->v)))
		return false;
	r->v[r->n++] = x;
	return true;
}

bool runs_put(struct runs *r, struct run x)
{
	struct run piece[3];
	size_t i = runs_from(r, x.first), end = i, n = 0;

	if (i == r->n)
		return append(r, x);
	while (end < r->n && r->v[end].first <= x.last)
		end++;
	if (end > i && r->v[i].first < x.first) {
		piece[n] = r->v[i];
		piece[n++].last = (uint16_t)(x.first - 1);
	}
	piece[n++] = x;
	if (end > i && r->v[end - 1].last > x.last) {
		piece[n] = r->v[end - 1];
		piece[n++].first = (uint16_t)(x.last + 1);
	}
	for (size_t more = 1; more <= 2; more++) /* a run becomes three at most */
		if (!array_grow(&r->v, r->n + more - 1, &r->cap, sizeof(*r->v)))
			return false;
	memmove(r->v + i + n, r->v + end, (r->n - end) * sizeof(*r->v));
	memcpy(r->v + i, piece, n * sizeof(*piece));
	r->n = r->n - (end - i) + n;
	return true;
}

/* Where nothing is. */
static bool fill(struct runs *r, struct run x)
{
	unsigned port = x.first;

	while (port <= x.last) {
		size_t i = runs_from(r, port);
		struct run gap = x;

		if (i < r->n && r->v[i].first <= port) {
			port = r->v[i].last + 1U;
			continue;
		}
		gap.first = (uint16_t)port;
		if (i < r->n && r->v[i].first <= x.last)
			gap.last = (uint16_t)(r->v[i].first - 1);
		if (!runs_put(r, gap))
			return false;
		port = gap.last + 1U;
	}
	return true;
}

bool runs_correct(struct runs *r, struct run x)
{
	return (x.state == STATE_NOT_PROBED ? fill : runs_put)(r, x);
}

/* --- lists side by side ----------------------------------------------------------------------- */

static const struct run *march_run(struct march *m, size_t k)
{
	const struct runs *r = &m->runs[k];

	while (m->at[k] < r->n && r->v[m->at[k]].last < m->port)
		m->at[k]++;
	return m->at[k] < r->n ? &r->v[m->at[k]] : NULL;
}

bool march_next(struct march *m, struct stretch *out)
{
	unsigned first = UINT32_MAX, last = UINT16_MAX;

	for (size_t k = 0; k < m->n; k++) {
		const struct run *r = out->of[k] = march_run(m, k);
		unsigned from = !r ? UINT32_MAX : r->first > m->port ? r->first : m->port;

		first = from < first ? from : first;
	}
	if (first > UINT16_MAX)
		return false;
	for (size_t k = 0; k < m->n; k++) {
		const struct run *r = out->of[k];
		unsigned until = !r ? UINT16_MAX : r->first > first ? r->first - 1U : r->last;

		last = until < last ? until : last;
		if (r && r->first > first)
			out->of[k] = NULL;
	}
	out->first = (uint16_t)first;
	out->last = (uint16_t)last;
	m->port = last + 1;
	return true;
}

/* --- a sheet ---------------------------------------------------------------------------------- */

static bool goes_on(const struct entry *last, uint32_t host, const struct run *x)
{
	return last->host == host && last->run.last + 1 == x->first && alike(&last->run, x);
}

/* Only what outlasts a settling makes it grow: a result that says all twice costs no more. */
static bool make_room(struct sheet *s, size_t n_hosts)
{
	enum { FEW = 1024 };

	if (s->n < s->cap)
		return true;
	if (s->n >= FEW && !sheet_settle(s, n_hosts))
		return false;
	return s->n < s->cap / 2 || array_grow(&s->v, s->cap, &s->cap, sizeof(*s->v));
}

bool sheet_add(struct sheet *s, uint32_t host, struct run x, size_t n_hosts)
{
	if (s->n && goes_on(&s->v[s->n - 1], host, &x)) {
		s->v[s->n - 1].run.last = x.last;
		return true;
	}
	if (!make_room(s, n_hosts))
		return false;
	s->v[s->n++] = (struct entry){host, x};
	return true;
}

static bool is_settled(const struct sheet *s)
{
	for (size_t i = 1; i < s->n; i++) {
		const struct entry *a = &s->v[i - 1], *b = &s->v[i];

		if (a->host > b->host || (a->host == b->host && a->run.last >= b->run.first))
			return false;
	}
	return true;
}

/* By host, in the order of reading; NULL: no memory. */
static struct entry *by_host(const struct sheet *s, size_t n_hosts)
{
	size_t *place = calloc(n_hosts + 1, sizeof(*place));
	struct entry *v = malloc(s->n * sizeof(*v));

	if (!place || !v)
		goto out;
	for (size_t i = 0; i < s->n; i++)
		place[s->v[i].host + 1]++;
	for (size_t h = 1; h <= n_hosts; h++)
		place[h] += place[h - 1];
	for (size_t i = 0; i < s->n; i++)
		v[place[s->v[i].host]++] = s->v[i];
	free(place);
	return v;
out:
	free(place);
	free(v);
	return NULL;
}

/* The entries of one host, from v[at]; where the next host's begin, or 0 where memory is out. */
static size_t settle_host(struct sheet *to, const struct entry *v, size_t at, size_t n,
			  struct runs *r)
{
	size_t i = at;

	for (r->n = 0; i < n && v[i].host == v[at].host; i++)
		if (!runs_correct(r, v[i].run))
			return 0;
	for (size_t k = 0; k < r->n; k++) {
		if (to->n && goes_on(&to->v[to->n - 1], v[at].host, &r->v[k])) {
			to->v[to->n - 1].run.last = r->v[k].last;
			continue;
		}
		if (!array_grow(&to->v, to->n, &to->cap, sizeof(*to->v)))
			return 0;
		to->v[to->n++] = (struct entry){v[at].host, r->v[k]};
	}
	return i;
}

bool sheet_settle(struct sheet *s, size_t n_hosts)
{
	struct sheet to = {0};
	struct runs r = {0};
	struct entry *v;
	bool ok = true;

	if (is_settled(s))
		return true;
	v = by_host(s, n_hosts);
	if (!v)
		return false;
	for (size_t i = 0; ok && i < s->n;) {
		i = settle_host(&to, v, i, s->n, &r);
		ok = i > 0;
	}
	free(r.v);
	free(v);
	free(ok ? s->v : to.v);
	if (ok)
		*s = to;
	return ok;
}
