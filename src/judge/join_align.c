/*
 * join_align: the segments of both captures in one order, the ends told apart, the clocks aligned.
 *
 * A segment that is unique at both ends gives a difference of the clocks: the offset plus its way
 * from client to server, or the offset less its way back. Of each flow and direction the median
 * counts, and of the two directions the middle: half a round trip cancels out. The median and not
 * the least, which clocks that drift apart over an hour would draw to one end of it; and per flow,
 * so that drift matters only within one. A flow with one direction alone takes the run's offset.
 *
 * The ends by what no clock can fake: a segment loses TTL on its way, and the two directions'
 * differences are a round trip apart. Only where both are mute, the order of the files is believed.
 */
#include "judge/join.h"

#include <stdlib.h>

#include "judge/join_private.h"

/* One frame captured twice (two interfaces, a mirror): how far apart. */
static const uint64_t twice_ns = 5000000;

/* --- order -------------------------------------------------------------------------------- */

static int order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* The same segment lies together, the client's captures of it first. */
static int by_identity(const void *x, const void *y)
{
	const struct spot *a = x, *b = y;
	int o = order(a->flow, b->flow);

	if (!o)
		o = order(a->dir, b->dir);
	if (!o)
		o = order(a->rel, b->rel);
	if (!o)
		o = order(a->acknum, b->acknum);
	if (!o)
		o = order(a->len, b->len);
	if (!o)
		o = order(a->flags, b->flags);
	if (!o)
		o = order(a->end, b->end);
	return o ? o : order(a->frame, b->frame);
}

static int by_value(const void *x, const void *y)
{
	return order(*(const int64_t *)x, *(const int64_t *)y);
}

static int by_key(const void *x, const void *y)
{
	uint64_t a = ((const struct place *)x)->key, b = ((const struct place *)y)->key;

	return a < b ? -1 : a > b;
}

static void lay_out(struct join *j)
{
	qsort(j->spots, j->n, sizeof(*j->spots), by_identity);
	for (size_t i = 0; i < j->n; i++) {
		struct spot *s = &j->spots[i];
		struct join_flow *f = &j->flows[s->flow];

		if (!f->n++)
			f->first = (uint32_t)i;
		if (s->flags & TCP_RST)
			j->places[j->n_places++] =
			    (struct place){.key = place_key(s->end, s->frame), .at = (uint32_t)i};
		/* next to its like, with the same number of its sender's */
		if (i && s->ip_id && s->ip_id == s[-1].ip_id && join_alike(&s[-1], s) &&
		    s->end == s[-1].end && s->wall_ns - s[-1].wall_ns < twice_ns)
			s->twice = true;
	}
	qsort(j->places, j->n_places, sizeof(*j->places), by_key);
}

/* --- clocks and ends ------------------------------------------------------------------------ */

static int64_t median(int64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : v[n / 2 - 1] / 2 + v[n / 2] / 2;
}

/* The one capture of a segment at each end; false where it was sent or seen more often. */
static bool unique(const struct spot *s, size_t n, const struct spot **client,
		   const struct spot **server)
{
	*client = *server = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct spot **to = s[i].end == JOIN_CLIENT ? client : server;

		if (s[i].twice)
			continue;
		if (*to)
			return false;
		*to = &s[i];
	}
	return *client && *server;
}

struct look {
	int64_t median[2]; /* server's clock - client's, per direction */
	int ttl; /* how often direction 0 lost TTL towards the server, less the opposite */
};

static void look_at_direction(struct join *j, struct join_flow *f, uint8_t dir, size_t from,
			      size_t to, struct look *l)
{
	size_t n = 0;

	for (size_t i = from, next; i < to; i = next) {
		const struct spot *c, *s;

		next = join_group(j, i, to);
		if (!unique(&j->spots[i], next - i, &c, &s))
			continue;
		j->deltas[n++] = (int64_t)s->wall_ns - (int64_t)c->wall_ns;
		l->ttl += ((c->ttl > s->ttl) - (c->ttl < s->ttl)) * (dir ? -1 : 1);
		if (c->ip_id && c->ip_id == s->ip_id)
			f->ids_hold[dir] = true;
	}
	f->pairs[dir] = (uint32_t)n;
	if (n)
		l->median[dir] = median(j->deltas, n);
}

static void place(struct join_flow *f, uint8_t dir, uint8_t end)
{
	f->placed = true;
	f->near[dir] = end;
	f->near[!dir] = !end;
}

/* What the flow's own packets say of its ends and clocks. */
static void look_at_flow(struct join *j, struct join_flow *f)
{
	size_t end = f->first + f->n, middle = f->first;
	struct look l = {0};

	while (middle < end && j->spots[middle].dir == 0)
		middle++;
	look_at_direction(j, f, 0, f->first, middle, &l);
	look_at_direction(j, f, 1, middle, end, &l);
	f->both = f->pairs[0] && f->pairs[1];
	if (f->both)
		f->offset = l.median[0] / 2 + l.median[1] / 2;
	else
		f->offset = f->pairs[0] ? l.median[0] : l.median[1];
	if (l.ttl)
		place(f, 0, l.ttl > 0 ? JOIN_CLIENT : JOIN_SERVER);
	else if (f->both && l.median[0] != l.median[1])
		place(f, 0, l.median[0] > l.median[1] ? JOIN_CLIENT : JOIN_SERVER);
}

/* The run's, for flows that have none of their own. False where nothing was seen at both ends. */
static bool common_clock(struct join *j)
{
	size_t both = 0, n = 0;

	for (size_t i = 0; i < j->n_flows; i++)
		both += j->flows[i].both;
	for (size_t i = 0; i < j->n_flows; i++) {
		const struct join_flow *f = &j->flows[i];

		if (both ? f->both : f->pairs[0] || f->pairs[1])
			j->deltas[n++] = f->offset;
	}
	if (!n)
		return false;
	j->offset = median(j->deltas, n);
	for (size_t i = 0; i < j->n_flows; i++)
		if (!j->flows[i].both)
			j->flows[i].offset = j->offset;
	return true;
}

/* --- hosts: a flow that only one end saw is told by where its ends are ------------------------ */

static struct host *host_of(struct join *j, const struct addr *a)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (size_t k = 0; k < addr_len(a); k++)
		h = (h ^ a->b[k]) * 16777619u;
	for (i = h % JOIN_HOST_SLOTS; j->hosts[i].addr.family; i = (i + 1) % JOIN_HOST_SLOTS)
		if (addr_equal(&j->hosts[i].addr, a))
			break;
	return &j->hosts[i];
}

static void note_hosts(struct join *j, const struct join_flow *f)
{
	for (size_t d = 0; d < 2; d++) {
		struct host *h = host_of(j, &f->addr[d]);

		if (!h->addr.family) {
			if (j->n_hosts == JOIN_HOSTS)
				return;
			j->n_hosts++;
			h->addr = f->addr[d];
		}
		h->ends |= (uint8_t)(1u << f->near[d]);
	}
}

/* 1 or 2: the bit of its one end. */
static unsigned only_end(struct join *j, const struct addr *a)
{
	const struct host *h = host_of(j, a);

	return h->ends == 3 ? 0 : h->ends;
}

/* Both hosts must be known: a third one's capture is none of these two. */
static void place_by_hosts(struct join *j, struct join_flow *f)
{
	unsigned a = only_end(j, &f->addr[0]), b = only_end(j, &f->addr[1]);

	if (a && b && a != b)
		place(f, 0, a == 1U << JOIN_CLIENT ? JOIN_CLIENT : JOIN_SERVER);
}

static void place_by_role(struct join_flow *f)
{
	uint8_t client = f->syn ? f->syn : f->client;

	if (client)
		place(f, client - 1, JOIN_CLIENT);
}

static void place_rest(struct join *j)
{
	for (size_t i = 0; i < j->n_flows; i++)
		if (j->flows[i].placed)
			note_hosts(j, &j->flows[i]);
	for (size_t i = 0; i < j->n_flows; i++) {
		struct join_flow *f = &j->flows[i];

		if (f->placed || !(f->pairs[0] || f->pairs[1]))
			continue;
		place_by_hosts(j, f);
		if (!f->placed)
			place_by_role(f);
		if (f->placed)
			note_hosts(j, f);
	}
	for (size_t i = 0; i < j->n_flows; i++)
		if (!j->flows[i].placed)
			place_by_hosts(j, &j->flows[i]);
}

bool join_align(struct join *j)
{
	lay_out(j);
	for (size_t i = 0; i < j->n_flows; i++)
		look_at_flow(j, &j->flows[i]);
	if (!common_clock(j))
		return false;
	place_rest(j);
	for (size_t i = 0; i < j->n_flows; i++)
		if (j->flows[i].placed)
			join_match(j, &j->flows[i]);
	return true;
}
