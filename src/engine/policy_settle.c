/*
 * policy_settle: what only the end of all files can tell: groups that were never defined, demands
 * that no network can fulfil together, which demands are exceptions of which, and a policy that
 * demands nothing.
 */
#include "engine/policy_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/near.h"

#define OPEN (UINT32_C(1) << STATE_OPEN)
#define NO_LINE SIZE_MAX

enum { PORTS = 65536, PLACES = PORTS + 1 /* one for the host's style */ };

/* What the lines so far leave of each port of a group. */
struct left {
	uint16_t bits[PLACES];
	uint32_t first[PLACES]; /* 1 + the first line that demanded; 0: none */
};

struct settling {
	struct policy_reading r;
	struct left *ports, *rest;
	size_t *next; /* by line: the group's next one */
};

static bool has_hosts(const struct policy_group *g)
{
	return g->targets.n || g->n_missing;
}

static void check_group(struct settling *s, size_t group)
{
	const struct policy *p = s->r.p;
	struct policy_place at = p->store->mentions[group];
	struct near n = {.word = p->groups[group].name};
	char buf[POLICY_SHOWN];

	/* nobody reads more of them, and to look for each one's likeness takes its time */
	if (s->r.errors > POLICY_ERRORS_MAX)
		return;
	/* no host of a line that failed counts either, and that was told */
	if (has_hosts(&p->groups[group]) || !at.line || p->groups[group].line)
		return;
	for (size_t i = 0; i < p->n_groups; i++)
		if (has_hosts(&p->groups[i]))
			near_try(&n, p->groups[i].name);
	s->r.file = at.file;
	s->r.line = at.line;
	policy_shown(n.word, buf);
	if (n.best)
		policy_fail(&s->r, at.column, "no group is called '%s'; did you mean '%s'?", buf,
			    n.best);
	else
		policy_fail(&s->r, at.column,
			    "no group is called '%s'; define it: group %s 192.0.2.10-20", buf, buf);
}

/* --- contradictions ----------------------------------------------------------------------- */

static uint32_t bits_of(const struct policy_line *l)
{
	return l->expect.kind == EXPECT_LISTEN_RST ? OPEN : l->expect.bits;
}

static bool names(const struct policy_line *l, uint32_t place)
{
	if (l->scope == POLICY_HOST)
		return place == PORTS;
	return place < PORTS && ports_rank(l->ports, (uint16_t)place) >= 0;
}

/* An earlier line of the group that alone contradicts; else the first that demanded anything. */
static size_t culprit(const struct settling *s, size_t line, uint32_t place, size_t first)
{
	const struct policy *p = s->r.p;
	const struct policy_line *l = &p->lines[line];

	for (size_t i = first; i < line; i = s->next[i]) {
		const struct policy_line *k = &p->lines[i];

		if ((k->scope == POLICY_ELSE) == (l->scope == POLICY_ELSE) &&
		    k->until_day == DAY_NEVER && names(k, place) && !(bits_of(k) & bits_of(l)))
			return i;
	}
	return first;
}

static void tell_contradiction(struct settling *s, size_t line, size_t other, uint32_t place)
{
	const struct policy *p = s->r.p;
	const struct policy_line *l = &p->lines[line], *k = &p->lines[other];
	struct policy_place at = {.file = k->file, .line = k->number};
	char where[160], was[96], is[96], port[24];
	struct text t = text_of(port, sizeof(port));

	text_putf(&t, place < PORTS ? "port %u" : "the style", place);
	policy_put_place(where, sizeof(where), p, at);
	s->r.file = l->file;
	s->r.line = l->number;
	policy_fail(&s->r, p->store->columns[line],
		    "%s: '%s' contradicts '%s' of %s; drop one, or end one with until", port,
		    expect_text(&l->expect, is, sizeof(is)),
		    expect_text(&k->expect, was, sizeof(was)), where);
}

/* False where the line contradicts what is left of that place. */
static bool narrow(struct left *left, const struct policy_line *l, size_t line, uint32_t place)
{
	uint32_t bits = bits_of(l);

	if (!left->first[place]) {
		left->first[place] = (uint32_t)line + 1;
		left->bits[place] = (uint16_t)bits;
		return true;
	}
	if (!(left->bits[place] & bits))
		return false;
	left->bits[place] = (uint16_t)(left->bits[place] & bits);
	return true;
}

static uint32_t count_of(const struct policy_line *l)
{
	return l->scope == POLICY_HOST ? 1 : ports_count(l->ports);
}

static uint32_t place_at(const struct policy_line *l, uint32_t i)
{
	return l->scope == POLICY_HOST ? PORTS : ports_at(l->ports, i);
}

static void check_line(struct settling *s, size_t line)
{
	const struct policy_line *l = &s->r.p->lines[line];
	struct left *left = l->scope == POLICY_ELSE ? s->rest : s->ports;

	for (uint32_t i = 0; i < count_of(l); i++) {
		uint32_t place = place_at(l, i);

		if (narrow(left, l, line, place))
			continue;
		tell_contradiction(s, line, culprit(s, line, place, left->first[place] - 1), place);
		return;
	}
}

/* What the line left is gone: quicker than to clear all places for each group. */
static void clear_line(struct settling *s, const struct policy_line *l)
{
	for (uint32_t i = 0; i < count_of(l); i++) {
		s->ports->first[place_at(l, i)] = 0;
		s->rest->first[place_at(l, i)] = 0;
	}
}

/* The lines of a group one after the other; one alone contradicts nothing. */
static void check_lines(struct settling *s, size_t first)
{
	const struct policy_line *v = s->r.p->lines;

	if (s->next[first] == NO_LINE)
		return;
	for (size_t i = first; i != NO_LINE; i = s->next[i])
		if (v[i].until_day == DAY_NEVER)
			check_line(s, i);
	for (size_t i = first; i != NO_LINE; i = s->next[i])
		clear_line(s, &v[i]);
}

static int check_contradictions(struct settling *s)
{
	const struct policy *p = s->r.p;
	size_t *last = malloc((p->n_groups + 1) * sizeof(*last));
	size_t *first = malloc((p->n_groups + 1) * sizeof(*first));
	int rc = -1;

	s->next = malloc((p->n_lines + 1) * sizeof(*s->next));
	s->ports = calloc(1, sizeof(*s->ports));
	s->rest = calloc(1, sizeof(*s->rest));
	if (!last || !first || !s->next || !s->ports || !s->rest)
		goto out;
	for (size_t i = 0; i < p->n_groups; i++)
		first[i] = last[i] = NO_LINE;
	for (size_t i = 0; i < p->n_lines; i++) {
		size_t g = p->lines[i].group;

		s->next[i] = NO_LINE;
		if (last[g] == NO_LINE)
			first[g] = i;
		else
			s->next[last[g]] = i;
		last[g] = i;
	}
	for (size_t i = 0; i < p->n_groups; i++)
		if (first[i] != NO_LINE)
			check_lines(s, first[i]);
	rc = 0;
out:
	free(last);
	free(first);
	free(s->next);
	free(s->ports);
	free(s->rest);
	return rc;
}

/* --- exceptions --------------------------------------------------------------------------- */

static int by_kind(const void *a, const void *b)
{
	const struct policy_exception *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->scope != y->scope)
		return x->scope < y->scope ? -1 : 1;
	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

static bool same_kind(const struct policy_exception *x, const struct policy_exception *y)
{
	return x->group == y->group && x->scope == y->scope && x->bits == y->bits;
}

/* The first of the line's group; n_exceptions where it has none. */
static size_t first_of(const struct policy_store *s, const struct policy_line *l)
{
	size_t low = 0, high = s->n_exceptions;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (s->exceptions[mid].group < l->group)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* From `i` on, the first of its group that demands the contrary, or n_exceptions. */
static size_t next_contrary(const struct policy_store *s, const struct policy_line *l, size_t i)
{
	while (i < s->n_exceptions && s->exceptions[i].group == l->group) {
		if (s->exceptions[i].scope == l->scope && !(s->exceptions[i].bits & bits_of(l)))
			return i;
		i = s->exceptions[i].other;
	}
	return s->n_exceptions;
}

static int find_exceptions(struct policy *p)
{
	struct policy_store *s = p->store;

	s->exceptions = malloc((p->n_lines + 1) * sizeof(*s->exceptions));
	s->has_exception = calloc(p->n_lines + 1, sizeof(*s->has_exception));
	if (!s->exceptions || !s->has_exception)
		return -1;
	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];

		if (l->until_day != DAY_NEVER)
			s->exceptions[s->n_exceptions++] = (struct policy_exception){
			    .line = i, .group = l->group, .scope = l->scope, .bits = bits_of(l)};
	}
	if (s->n_exceptions)
		qsort(s->exceptions, s->n_exceptions, sizeof(*s->exceptions), by_kind);
	for (size_t i = s->n_exceptions; i-- > 0;) {
		struct policy_exception *x = &s->exceptions[i];

		x->other = i + 1 < s->n_exceptions && same_kind(x, x + 1) ? x[1].other : i + 1;
	}
	for (size_t i = 0; i < p->n_lines; i++)
		s->has_exception[i] =
		    next_contrary(s, &p->lines[i], first_of(s, &p->lines[i])) < s->n_exceptions;
	return 0;
}

bool policy_in_force(const struct policy_line *l, int32_t today)
{
	return l->until_day == DAY_NEVER || today <= l->until_day;
}

bool policy_stands_aside(const struct policy *p, const struct policy_line *l, uint16_t port,
			 int32_t today)
{
	const struct policy_store *s = p->store;
	uint32_t place = l->scope == POLICY_HOST ? PORTS : port;

	if (l->until_day != DAY_NEVER || !s->has_exception || !s->has_exception[l - p->lines])
		return false;
	for (size_t i = first_of(s, l); (i = next_contrary(s, l, i)) < s->n_exceptions; i++) {
		const struct policy_line *k = &p->lines[s->exceptions[i].line];

		if (policy_in_force(k, today) && names(k, place))
			return true;
	}
	return false;
}

/* Told at the line that is one too many. */
static int check_demands(struct settling *s)
{
	const struct policy *p = s->r.p;
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_lines; i++) {
		n += count_of(&p->lines[i]);
		if (n <= POLICY_DEMANDS_MAX)
			continue;
		s->r.file = p->lines[i].file;
		s->r.line = p->lines[i].number;
		return policy_fail(&s->r, p->store->columns[i],
				   "the lines up to here demand more than %d ports; say less "
				   "often the same of so many",
				   POLICY_DEMANDS_MAX);
	}
	return 0;
}

int policy_settle(struct policy *p, const struct policy_help *h)
{
	struct settling s = {.r = {.p = p, .h = h}};

	if (!p->n_files)
		return -1;
	for (size_t i = 0; i < p->n_groups; i++)
		check_group(&s, i);
	if (check_demands(&s) < 0)
		return -1;
	if (check_contradictions(&s) < 0 || find_exceptions(p) < 0)
		policy_no_memory(&s.r);
	if (!p->n_lines && !s.r.failed) {
		s.r.file = 0;
		s.r.line = 1;
		policy_fail(&s.r, 1, "nothing is demanded; add a line such as web: 443 open");
	}
	return s.r.failed ? -1 : 0;
}
