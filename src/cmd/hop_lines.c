/* hop_lines: hops are read where the walk keeps them; only how far has been told is kept here. */
#include "cmd/hop_lines.h"

enum { LAST_WAIT_NS = 1500000000, LOOK_NS = 20000000 };

/* Whom a hop is; NULL where it kept silent. */
static const struct addr *who(const struct trace_hop *h)
{
	if (h->expired)
		return &h->expiry.from;
	return h->replied ? &h->reply.from : NULL;
}

void hop_lines_add(struct hop_lines *l, const struct trace_walk *w, const struct trace_hop *h)
{
	l->settled[w - l->facts->walks] = h->ttl;
	if (l->names && who(h))
		names_ask(l->names, who(h));
}

static void begin_walk(struct hop_lines *l, const struct trace_walk *w)
{
	const struct walk_record r = {
	    .addr = &l->aim->addr, .name = l->aim->name, .walk = w, .facts = l->facts};

	l->begun = true;
	if (l->sink->walk)
		l->sink->walk(l->sink->ctx, &r);
}

static uint8_t heard(const struct trace_hop *h)
{
	return (uint8_t)(h->expired | h->replied << 1 | h->replied_otherwise << 2);
}

static void put_hop(struct hop_lines *l, const struct trace_walk *w, const struct trace_hop *h)
{
	char name[NAME_TEXT];
	struct hop_record r = {.addr = &l->aim->addr, .walk = w, .hop = h};

	if (l->names && who(h) && names_get(l->names, who(h), name) == NAME_KNOWN)
		r.name = name;
	l->said[w - l->facts->walks][h->ttl] = heard(h);
	if (l->sink->hop)
		l->sink->hop(l->sink->ctx, &r);
}

/* A forger's RST may come long after the router has said that the segment expired there, or
 * before. */
static void tell_late(struct hop_lines *l, const struct trace_walk *w)
{
	for (unsigned ttl = w->first; ttl <= w->last && ttl <= TRACE_TTL_MAX; ttl++)
		if (ttl <= l->settled[w - l->facts->walks] &&
		    heard(&w->hops[ttl]) & ~l->said[w - l->facts->walks][ttl])
			put_hop(l, w, &w->hops[ttl]);
}

/* The next hop of the walk that is told, or NULL where none is settled. */
static const struct trace_hop *next_hop(const struct hop_lines *l, const struct trace_walk *w)
{
	unsigned ttl = l->told ? l->told + 1U : w->first;

	return ttl <= l->settled[l->walk] ? &w->hops[ttl] : NULL;
}

/* False where nothing more can be told of this walk for now. */
static bool tell_one(struct hop_lines *l, bool over, bool patient)
{
	const struct trace_walk *w = &l->facts->walks[l->walk];
	const struct trace_hop *h = next_hop(l, w);

	if (!l->begun && (h || w->over || over))
		begin_walk(l, w);
	if (!h && (w->over || over)) {
		tell_late(l, w);
		l->walk++;
		l->begun = false;
		l->told = 0;
		return true;
	}
	if (!h || (patient && l->names && who(h) && names_worth_waiting(l->names, who(h))))
		return false;
	put_hop(l, w, h);
	l->told = h->ttl;
	return true;
}

void hop_lines_tell(struct hop_lines *l)
{
	while (l->walk < l->facts->n_walks && tell_one(l, false, true))
		;
}

/* A walk that was cut off: what it had heard is told too, though more might have come. */
static void settle_rest(struct hop_lines *l, size_t i)
{
	const struct trace_walk *w = &l->facts->walks[i];
	uint8_t end = trace_reply_ttl(w), heard = trace_last_heard(w);

	if (w->over)
		return;
	for (unsigned ttl = l->settled[i] + 1U; ttl <= (end ? end : heard); ttl++)
		if (w->hops[ttl].tries)
			hop_lines_add(l, w, &w->hops[ttl]);
}

static void tell_rest(struct hop_lines *l)
{
	for (size_t i = 0; i < l->facts->n_walks; i++)
		settle_rest(l, i);
	for (unsigned i = 0; i < LAST_WAIT_NS / LOOK_NS; i++) {
		while (l->walk < l->facts->n_walks && tell_one(l, true, true))
			;
		if (l->walk == l->facts->n_walks)
			return;
		names_wait(l->names, LOOK_NS);
	}
	while (l->walk < l->facts->n_walks)
		tell_one(l, true, false);
}

void hop_lines_end(struct hop_lines *l)
{
	tell_rest(l);
	for (size_t i = 0; i < l->facts->n_walks; i++)
		tell_late(l, &l->facts->walks[i]);
}
