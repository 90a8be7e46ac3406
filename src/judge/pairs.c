/*
 * pairs: a ring of the last probes, and for each hash of a tuple the last one of them, from which
 * those before it hang. Of several on one tuple the numbers tell, as match has them; else it is the
 * last.
 */
#include "judge/pairs.h"

#include <stdlib.h>

#include "judge/match.h"

enum { HEADS = PAIRS_KEPT, LOOKED_AT = 4096 };

struct asked {
	struct paired is;
	struct sent sent;
	uint64_t before; /* the probe before it with the same hash; 0: none */
};

struct pairs {
	uint16_t first;
	unsigned n_ports;
	uint64_t n; /* probes */
	struct asked *ring;
	uint64_t *heads;
};

struct pairs *pairs_new(uint16_t first_port, unsigned n_ports)
{
	struct pairs *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->first = first_port;
	p->n_ports = n_ports;
	p->ring = calloc(PAIRS_KEPT, sizeof(*p->ring));
	p->heads = calloc(HEADS, sizeof(*p->heads));
	if (p->ring && p->heads)
		return p;
	pairs_free(p);
	return NULL;
}

void pairs_free(struct pairs *p)
{
	if (!p)
		return;
	free(p->ring);
	free(p->heads);
	free(p);
}

static uint64_t *head_of(const struct pairs *p, const struct paired *x)
{
	uint64_t h = (uint64_t)x->far_port << 16 | x->our_port;

	for (unsigned i = 0; i < sizeof(x->far.b); i++)
		h = (h ^ x->far.b[i]) * UINT64_C(0x100000001b3);
	return &p->heads[(h ^ h >> 29) % HEADS];
}

static bool is_ours(const struct pairs *p, uint16_t port)
{
	return (uint16_t)(port - p->first) < p->n_ports;
}

static bool same_tuple(const struct paired *a, const struct paired *b)
{
	return a->far_port == b->far_port && a->our_port == b->our_port &&
	       addr_same(&a->far, &b->far);
}

/* The probe that `pk` answers on the tuple of `x`, best by its numbers; NULL: none. */
static const struct asked *find(const struct pairs *p, const struct paired *x,
				const struct packet *pk)
{
	const struct asked *best = NULL;
	enum fit best_fit = FIT_NONE;
	uint64_t n = *head_of(p, x);

	for (unsigned i = 0; i < LOOKED_AT && n && n + PAIRS_KEPT > p->n; i++) {
		const struct asked *a = &p->ring[n % PAIRS_KEPT];
		enum reaction reaction;
		enum fit fit = FIT_NONE;

		if (same_tuple(&a->is, x)) {
			fit = match_reply(&a->sent, pk, &reaction);
			if (!best || fit > best_fit) {
				best = a;
				best_fit = fit;
			}
		}
		if (fit == FIT_EXACT)
			break;
		n = a->before;
	}
	return best;
}

/* On loopback both ends may be ours: who answers was asked before. */
static bool is_answer(const struct pairs *p, const struct packet *pk)
{
	const struct segment *s = &pk->seg;
	struct paired x = {.far = s->src, .far_port = s->sport, .our_port = s->dport};

	if (pk->kind == PACKET_ICMP_ERROR || !is_ours(p, s->sport))
		return true;
	return is_ours(p, s->dport) && find(p, &x, pk);
}

static void take_probe(struct pairs *p, const struct segment *s, struct paired *out)
{
	struct asked *a;
	uint64_t *head;

	*out = (struct paired){
	    .ours = true,
	    .number = ++p->n,
	    .far = s->dst,
	    .far_port = s->dport,
	    .our_port = s->sport,
	    .seq = s->seq,
	    .ttl = s->ttl,
	};
	a = &p->ring[p->n % PAIRS_KEPT];
	head = head_of(p, out);
	*a = (struct asked){
	    .is = *out,
	    .sent = {.seq = s->seq, .ack = s->ack, .flags = s->flags, .len = segment_len(s)},
	    .before = *head,
	};
	*head = p->n;
}

static void take_answer(const struct pairs *p, const struct packet *pk, struct paired *out)
{
	const struct asked *a;

	*out = (struct paired){
	    .far = pk->seg.src, .far_port = pk->seg.sport, .our_port = pk->seg.dport};
	if (pk->kind == PACKET_ICMP_ERROR)
		*out = (struct paired){.far = pk->quoted.dst,
				       .far_port = pk->quoted.dport,
				       .our_port = pk->quoted.sport};
	a = find(p, out, pk);
	if (!a)
		return;
	*out = a->is;
	out->ours = false;
}

bool pairs_take(struct pairs *p, const struct packet *pk, struct paired *out)
{
	if (pk->kind == PACKET_NONE || (pk->kind == PACKET_ICMP_ERROR && !pk->quoted.has_ports))
		return false;
	if (is_answer(p, pk))
		take_answer(p, pk, out);
	else
		take_probe(p, &pk->seg, out);
	return true;
}
