/*
 * changes_vantage: one host as many sides see it: which ports differ from side to side, and who is
 * alone with what he sees. A side that did not measure a port has no say in it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "judge/changes_private.h"

/* Beyond STATE_NONE: the host answers nothing there, so neither does its port. */
enum { STATE_DOWN = STATE_NONE + 1, STATES_SEEN };
#define NO_MEMBER UINT32_MAX

enum { EACH_MAX = 3 }; /* more ports of which all say the same share a record */

/* What one side has of a port. */
struct glimpse {
	uint16_t reason;
	uint8_t state;
};

/* Ports of a host of which the sides say the same. */
struct group {
	struct glimpse seen[CHANGES_SIDES_MAX];
	uint32_t first, last; /* members */
	uint32_t ports;
};

struct looking {
	const struct changes *c;
	const struct record_sink *sink;
	struct vantages_record *sum;
	struct group *groups;
	size_t n_groups, cap_groups;
	/* stretches that differ, by port; the next of the same group */
	struct member {
		struct port_span ports;
		uint32_t group, next;
	} * members;
	size_t n_members, cap_members;
	struct port_span *spans;
	size_t cap_spans;
	uint32_t swallowed; /* ports that only go with the host */
	bool turned;	    /* it answers on a port here, and nowhere there */
};

/* --- a stretch -------------------------------------------------------------------------------- */

static bool is_silent(unsigned state)
{
	return state == STATE_FILTERED || state == STATE_OPEN_FILTERED || state == STATE_HIDDEN;
}

static struct glimpse glimpse_of(const struct run *r, const struct face *f)
{
	struct glimpse g = {.state = STATE_NONE};

	if (!r)
		return g;
	g = (struct glimpse){.state = r->state, .reason = r->reason};
	if (f && f->up == UP_NO && (run_is_gone(r, f) || is_silent(r->state)))
		g = (struct glimpse){.state = STATE_DOWN, .reason = f->reason};
	return g;
}

static bool counts(const struct glimpse *g)
{
	return g->state != STATE_NONE && g->state != STATE_INDETERMINATE &&
	       g->state != STATE_NOT_PROBED;
}

static bool is_quiet(const struct glimpse *g)
{
	return g->state == STATE_DOWN || g->state == STATE_FILTERED;
}

enum likeness { UNKNOWN, ALIKE, DIFFERENT };

static enum likeness compare(const struct glimpse *a, const struct glimpse *b)
{
	struct run x = {.state = a->state, .reason = a->reason};
	struct run y = {.state = b->state, .reason = b->reason};

	if (!counts(a) || !counts(b))
		return UNKNOWN;
	if (is_quiet(a) && is_quiet(b))
		return ALIKE;
	if (a->state == STATE_DOWN || b->state == STATE_DOWN)
		return a->state == STATE_HIDDEN || b->state == STATE_HIDDEN ? UNKNOWN : DIFFERENT;
	if (!run_can_compare(&x, &y))
		return UNKNOWN;
	return a->state == b->state ? ALIKE : DIFFERENT;
}

static enum likeness compare_all(const struct glimpse *g, size_t n)
{
	enum likeness all = UNKNOWN;

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n && all != DIFFERENT; k++) {
			enum likeness two = compare(&g[i], &g[k]);

			all = two > all ? two : all;
		}
	return all;
}

/* Where the host is up all see the same, and it is not open: then its being down is all there is
 * to say. */
static bool goes_with_host(const struct glimpse *g, size_t n)
{
	unsigned state = STATE_NONE;
	bool down = false;

	for (size_t i = 0; i < n; i++) {
		if (!counts(&g[i]))
			continue;
		if (g[i].state == STATE_DOWN) {
			down = true;
			continue;
		}
		if (state != STATE_NONE && state != g[i].state)
			return false;
		state = g[i].state;
	}
	return down && state != STATE_OPEN;
}

/* --- groups ----------------------------------------------------------------------------------- */

static bool same_glimpses(const struct glimpse *a, const struct glimpse *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].state != b[i].state || a[i].reason != b[i].reason)
			return false;
	return true;
}

/* The group that the sides' glimpses make; a new one where there is none. NULL: no memory. */
static struct group *group_of(struct looking *l, const struct glimpse *g)
{
	size_t n = l->c->sides, at = 0;

	while (at < l->n_groups && !same_glimpses(l->groups[at].seen, g, n))
		at++;
	if (at < l->n_groups)
		return &l->groups[at];
	if (!array_grow(&l->groups, at, &l->cap_groups, sizeof(*l->groups)))
		return NULL;
	l->groups[l->n_groups++] = (struct group){.first = NO_MEMBER};
	memcpy(l->groups[at].seen, g, n * sizeof(*g));
	return &l->groups[at];
}

static bool keep(struct looking *l, const struct stretch *s, const struct glimpse *g)
{
	struct group *to = group_of(l, g);
	uint32_t at = (uint32_t)l->n_members;

	if (!to || !array_grow(&l->members, at, &l->cap_members, sizeof(*l->members)))
		return false;
	l->members[l->n_members++] =
	    (struct member){{s->first, s->last}, (uint32_t)(to - l->groups), NO_MEMBER};
	*(to->first == NO_MEMBER ? &to->first : &l->members[to->last].next) = at;
	to->last = at;
	to->ports += (uint32_t)stretch_ports(s);
	return true;
}

static bool look_at(struct looking *l, const struct place *p, const struct stretch *s)
{
	struct glimpse g[CHANGES_SIDES_MAX];
	size_t n = l->c->sides, asked = 0, measured = 0;
	uint64_t ports = stretch_ports(s), hosts = place_hosts(p);
	enum likeness likeness;

	for (size_t i = 0; i < n; i++) {
		g[i] = glimpse_of(s->of[i], p->face ? &p->face[i] : NULL);
		asked += g[i].state != STATE_NONE;
		measured += counts(&g[i]);
	}
	likeness = compare_all(g, n);
	if (likeness == UNKNOWN) {
		changes_add(&l->sum->ignored, asked > 1 ? ports : 0, hosts);
		return true;
	}
	changes_add(&l->sum->compared, ports, hosts);
	changes_add(&l->sum->all, measured == n ? ports : 0, hosts);
	if (likeness == ALIKE)
		return true;
	changes_add(&l->sum->differ, ports, hosts);
	for (size_t i = 0; i < n; i++)
		l->turned |= g[i].state == STATE_DOWN;
	if (!goes_with_host(g, n))
		return keep(l, s, g);
	l->swallowed += (uint32_t)ports;
	return true;
}

/* --- records ---------------------------------------------------------------------------------- */

static const char *word_of(unsigned state)
{
	return state == STATE_DOWN ? "down" : changes_state_word(state);
}

/* What more than half of those see that measured it; STATE_NONE: nothing is. */
static unsigned find_majority(const struct glimpse *g, size_t n)
{
	size_t seen[STATES_SEEN] = {0}, all = 0;

	for (size_t i = 0; i < n; i++) {
		if (!counts(&g[i]))
			continue;
		seen[g[i].state]++;
		all++;
	}
	for (unsigned s = 0; s < STATES_SEEN; s++)
		if (2 * seen[s] > all)
			return s;
	return STATE_NONE;
}

static void tell(struct looking *l, const struct place *p, struct vantage_record *r)
{
	char first[ADDR_TEXT], last[ADDR_TEXT];

	r->addr = changes_put_addr(l->c, &p->first, first);
	r->host = &p->first;
	if (!addr_equal(&p->first, &p->last))
		r->addr_last = changes_put_addr(l->c, &p->last, last);
	r->n_views = l->c->sides;
	if (p->host && p->host->name)
		r->name = l->c->names + p->host->name - 1;
	if (l->sink->vantage)
		l->sink->vantage(l->sink->ctx, r);
}

static void tell_host(struct looking *l, const struct place *p)
{
	struct vantage_view v[CHANGES_SIDES_MAX] = {0};
	struct vantage_record r = {.of_host = true, .count = l->swallowed, .views = v};
	size_t n = l->c->sides, up = 0, down = 0;

	for (size_t i = 0; i < n; i++) {
		up += p->face[i].up == UP_YES;
		down += p->face[i].up == UP_NO;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned is = p->face[i].up;

		v[i].measured = is != UP_UNKNOWN;
		v[i].state = is == UP_YES ? "up" : is == UP_NO ? "down" : NULL;
		v[i].reason = is == UP_NO ? changes_reason(l->c, p->face[i].reason) : NULL;
		v[i].exception = (is == UP_YES && down > up) || (is == UP_NO && up > down);
	}
	r.majority = up > down ? "up" : down > up ? "down" : NULL;
	l->sum->hosts_down++;
	tell(l, p, &r);
}

static struct vantage_record view_group(const struct looking *l, const struct group *g,
					struct vantage_view v[CHANGES_SIDES_MAX])
{
	unsigned majority = find_majority(g->seen, l->c->sides);

	for (size_t i = 0; i < l->c->sides; i++) {
		const struct glimpse *x = &g->seen[i];

		v[i].state = word_of(x->state);
		v[i].reason = x->state == STATE_HIDDEN ? NULL : changes_reason(l->c, x->reason);
		v[i].measured = counts(x);
		v[i].exception = v[i].measured && majority != STATE_NONE && x->state != majority;
	}
	return (struct vantage_record){.views = v, .majority = word_of(majority)};
}

static bool tell_group(struct looking *l, const struct place *p, const struct group *g)
{
	struct vantage_view v[CHANGES_SIDES_MAX] = {0};
	struct vantage_record r = view_group(l, g, v);

	for (uint32_t i = g->first; i != NO_MEMBER; i = l->members[i].next) {
		if (!array_grow(&l->spans, r.n_spans, &l->cap_spans, sizeof(*l->spans)))
			return false;
		port_spans_add(l->spans, &r.n_spans, l->members[i].ports);
	}
	r.spans = l->spans;
	r.count = g->ports;
	tell(l, p, &r);
	return true;
}

static void tell_each(struct looking *l, const struct place *p, const struct member *m)
{
	struct vantage_view v[CHANGES_SIDES_MAX] = {0};
	struct vantage_record r = view_group(l, &l->groups[m->group], v);

	for (unsigned port = m->ports.first; port <= m->ports.last; port++) {
		r.port = (uint16_t)port;
		tell(l, p, &r);
	}
}

/* By port: those of which few are alike by themselves, the others at the first of them. */
static bool tell_ports(struct looking *l, const struct place *p)
{
	for (uint32_t i = 0; i < l->n_members; i++) {
		const struct member *m = &l->members[i];
		const struct group *g = &l->groups[m->group];

		if (g->ports <= EACH_MAX)
			tell_each(l, p, m);
		else if (g->first == i && !tell_group(l, p, g))
			return false;
	}
	return true;
}

static bool look(void *ctx, const struct place *p)
{
	struct march m = {.runs = p->runs};
	struct looking *l = ctx;
	struct stretch s;

	m.n = l->c->sides;
	l->n_groups = l->n_members = 0;
	l->swallowed = 0;
	l->turned = false;
	while (march_next(&m, &s))
		if (!look_at(l, p, &s))
			return false;
	changes_add(&l->sum->hosts, l->n_groups || l->swallowed, place_hosts(p));
	if (l->turned && p->face)
		tell_host(l, p);
	return tell_ports(l, p);
}

int changes_by_vantage(const struct changes *c, const struct record_sink *sink,
		       struct vantages_record *sum, struct err *e)
{
	struct looking l = {.c = c, .sink = sink, .sum = sum};
	bool ok = changes_walk(c, look, &l);

	free(l.groups);
	free(l.members);
	free(l.spans);
	return ok ? 0 : changes_no_memory(e);
}
