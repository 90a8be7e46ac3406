/*
 * witness: what is kept of a run's frames, and which of it is shown. It knows whose a segment is by
 * the service's address and port alone; why a RST came is explain's to say.
 */
#include "judge/witness.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq.h"
#include "judge/explain.h"
#include "judge/flow.h"

enum {
	FIRST = 8, /* segments of each port: the handshake and what follows */
	LAST = LADDER_MAX - FIRST,
	PORTS = 48,
	SLACK_NS = 10000000, /* the SYN may be captured before it "left" */
	FOUND = 64, /* RSTs of the service: the first half of them stay, of the others the last */
};

struct found {
	struct finding f;
	struct seen ladder[LADDER_MAX];
};

/* By side: 0 we, 1 the service. */
struct port {
	uint16_t ours;
	bool known[2];
	uint32_t nxt[2];
	size_t n; /* segments in all */
	struct seen first[FIRST], last[LAST];
};

struct witness {
	struct addr addr, us;
	uint16_t port;
	bool unsummed; /* what comes in has no checksums either: it never saw a wire */
	struct explain *explain;
	struct port ports[PORTS];
	size_t n_ports;
	struct found found[FOUND];
	size_t n_found; /* in all */
	struct seen ladder[LADDER_MAX];
	uint32_t frames[LADDER_MAX];
};

/* --- keeping ------------------------------------------------------------------------------ */

static size_t place(size_t n)
{
	const size_t half = FOUND / 2;

	return n < FOUND ? n : half + (n - half) % half;
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct witness *w = ctx;
	struct found *to;

	if (f->sport != w->port || !addr_same(&f->src, &w->addr) || f->cause == CAUSE_DUP_FRAME)
		return;
	to = &w->found[place(w->n_found++)];
	to->f = *f;
	memcpy(to->ladder, f->ladder, f->n_ladder * sizeof(*f->ladder));
	to->f.ladder = to->ladder;
}

struct witness *witness_new(const struct addr *addr, uint16_t port, uint64_t seed)
{
	const struct explain_limits limits = {.flows = 1024,
					      .idle_ns = UINT64_MAX / 2,
					      .seed = seed,
					      .settle_ns = UINT64_C(1500000000)};
	struct witness *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->addr = *addr;
	w->port = port;
	w->explain = explain_new(&limits, on_finding, w);
	if (w->explain)
		return w;
	free(w);
	return NULL;
}

void witness_free(struct witness *w)
{
	if (!w)
		return;
	explain_free(w->explain);
	free(w);
}

/* w->n_ports: it isn't there. */
static size_t port_find(const struct witness *w, uint16_t ours)
{
	size_t i = 0;

	while (i < w->n_ports && w->ports[i].ours != ours)
		i++;
	return i;
}

static struct port *port_of(struct witness *w, uint16_t ours)
{
	size_t i = port_find(w, ours);

	if (i == PORTS)
		return NULL;
	w->n_ports += i == w->n_ports;
	w->ports[i].ours = ours;
	return &w->ports[i];
}

/* Repeated, or a keep-alive, by what its side has sent before. A SYN begins anew. */
static void compare(struct port *port, struct seen *s, uint32_t segment_length)
{
	unsigned side = s->from_x;
	uint32_t end = s->seq + segment_length;

	if (s->flags & TCP_RST)
		return;
	if (port->known[side] && (!(s->flags & TCP_SYN) || end == port->nxt[side])) {
		s->repeat = segment_length && seq_leq(end, port->nxt[side]);
		s->keepalive = !(s->flags & (TCP_SYN | TCP_FIN)) && s->len <= 1 &&
			       s->seq == port->nxt[side] - 1;
		s->repeat &= (uint8_t)!s->keepalive;
		end = seq_gt(end, port->nxt[side]) ? end : port->nxt[side];
	}
	port->nxt[side] = end;
	port->known[side] = true;
}

static void note(struct port *port, struct seen s, uint32_t segment_length)
{
	compare(port, &s, segment_length);
	if (port->n < FIRST)
		port->first[port->n] = s;
	else
		port->last[(port->n - FIRST) % LAST] = s;
	port->n++;
}

static bool is_service(const struct witness *w, const struct addr *a, uint16_t port)
{
	return port == w->port && addr_same(a, &w->addr);
}

void witness_packet(struct witness *w, uint32_t number, uint64_t at_ns, const struct packet *p)
{
	const struct explain_frame at = {.wall_ns = at_ns, .number = number};
	struct packet copy = *p;
	bool theirs = p->kind == PACKET_TCP && is_service(w, &p->seg.src, p->seg.sport);
	bool ours = p->kind == PACKET_TCP && is_service(w, &p->seg.dst, p->seg.dport);
	struct port *port;

	if (theirs == ours)
		return;
	/* what leaves is captured before the card has made its checksum, and between two ends of
	 * one host none does */
	w->unsummed |= theirs && copy.csum_bad && !(p->seg.flags & TCP_RST);
	copy.csum_bad &= theirs && !w->unsummed;
	w->us = ours ? p->seg.src : p->seg.dst;
	explain_packet(w->explain, &at, DECODE_OK, &copy);
	port = port_of(w, ours ? p->seg.sport : p->seg.dport);
	if (port)
		note(port, flow_seen(p, theirs, at_ns, number), segment_len(&p->seg));
}

/* --- showing ------------------------------------------------------------------------------ */

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The very frame, by its time; else a root before a follower, the nearest first. */
static bool is_better(const struct finding *a, const struct finding *b, uint64_t at_ns)
{
	bool exact = a->wall_ns == at_ns;

	if (!b || exact != (b->wall_ns == at_ns))
		return !b || exact;
	if (!a->root != !b->root)
		return !a->root;
	return apart(a->wall_ns, at_ns) < apart(b->wall_ns, at_ns);
}

static const struct finding *pick(const struct witness *w, const struct provoke_verdict *v)
{
	size_t n = w->n_found < FOUND ? w->n_found : FOUND;
	const struct finding *best = NULL;

	if (!v->reset_ns)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct finding *f = &w->found[i].f;

		if (f->dport == v->sport && is_better(f, best, v->reset_ns))
			best = f;
	}
	return best;
}

static void keep_from(struct witness *w, size_t *n, const struct seen *s, uint64_t from_ns)
{
	if (s->wall_ns >= from_ns)
		w->ladder[(*n)++] = *s;
}

/* A port may have had another connection before: of that nothing is shown. */
static size_t fill_ladder(struct witness *w, uint16_t ours, uint64_t from_ns)
{
	const struct port *port = &w->ports[port_find(w, ours) % PORTS];
	size_t n = 0, begin;

	if (port->ours != ours)
		return 0;
	for (size_t i = 0; i < FIRST && i < port->n; i++)
		keep_from(w, &n, &port->first[i], from_ns);
	begin = port->n > LADDER_MAX ? port->n - LAST : FIRST;
	for (size_t i = begin; i < port->n; i++)
		keep_from(w, &n, &port->last[(i - FIRST) % LAST], from_ns);
	return n;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void witness_end(struct witness *w, const struct provoke_facts *f, const struct provoke_verdict *v,
		 struct witnessed *out)
{
	const struct line_facts *l = provoke_line(f);
	const struct seen *s;

	explain_end(w->explain);
	*out = (struct witnessed){
	    .finding = pick(w, v), .ladder = w->ladder, .frames = w->frames, .us = w->us};
	out->n_ladder = fill_ladder(
	    w, v->sport,
	    l->sport == v->sport && l->opened_ns > SLACK_NS ? l->opened_ns - SLACK_NS : 0);
	s = out->finding ? out->finding->ladder : w->ladder;
	out->n_frames = out->finding ? out->finding->n_ladder : out->n_ladder;
	for (size_t i = 0; i < out->n_frames; i++)
		w->frames[i] = s[i].frame;
	qsort(w->frames, out->n_frames, sizeof(*w->frames), by_number);
}
