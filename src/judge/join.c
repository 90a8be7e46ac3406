/*
 * join: which flows are followed at both ends, and what both captures together say of a RST. Which
 * segment is which is join_align's and join_match's; what follows for the finding join_apply's.
 */
#include "judge/join.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq.h"
#include "judge/join_private.h"

enum { PACKETS_A_FLOW = 8 };

/* A RST is often the last of its capture: how long after the last packet of the other capture that
 * one still counts as running, though nothing proves it. */
static const int64_t still_running_ns = 10 * (int64_t)1000000000;

struct join *join_new(size_t packets_max)
{
	struct join *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->max = packets_max;
	j->flows_max = packets_max / PACKETS_A_FLOW + 1;
	for (j->slots = 16; j->slots < 2 * j->flows_max;)
		j->slots *= 2;
	j->spots = calloc(j->max + 1, sizeof(*j->spots));
	j->flows = calloc(j->flows_max, sizeof(*j->flows));
	j->slot = calloc(j->slots, sizeof(*j->slot));
	j->deltas = calloc(j->max + 1, sizeof(*j->deltas));
	j->places = calloc(j->max + 1, sizeof(*j->places));
	if (j->spots && j->flows && j->slot && j->deltas && j->places)
		return j;
	join_free(j);
	return NULL;
}

void join_free(struct join *j)
{
	if (!j)
		return;
	free(j->places);
	free(j->deltas);
	free(j->slot);
	free(j->flows);
	free(j->spots);
	free(j);
}

/* --- flows -------------------------------------------------------------------------------- */

struct ends {
	struct addr addr[2];
	uint16_t port[2];
	uint8_t dir; /* that of who was given as the sender */
};

/* Both directions give the same, but for `dir`. A capture knows no zones. */
static struct ends ends_of(const struct addr *src, uint16_t sport, const struct addr *dst,
			   uint16_t dport)
{
	int order = addr_cmp(src, dst);
	uint8_t dir = order > 0 || (order == 0 && sport > dport);
	struct ends e = {.dir = dir};

	e.addr[dir] = *src;
	e.port[dir] = sport;
	e.addr[!dir] = *dst;
	e.port[!dir] = dport;
	return e;
}

static size_t hash_of(const struct join *j, const struct ends *e)
{
	uint64_t h = (uint64_t)e->port[0] << 16 | e->port[1];

	for (size_t d = 0; d < 2; d++)
		for (size_t i = 0; i < addr_len(&e->addr[d]); i++)
			h = (h ^ e->addr[d].b[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 29) & (j->slots - 1);
}

static bool is_of(const struct join_flow *f, const struct ends *e)
{
	return f->port[0] == e->port[0] && f->port[1] == e->port[1] &&
	       addr_equal(&f->addr[0], &e->addr[0]) && addr_equal(&f->addr[1], &e->addr[1]);
}

/* Its slot, taken or free: there are always free ones. */
static uint32_t *slot_of(const struct join *j, const struct ends *e)
{
	size_t i = hash_of(j, e);

	while (j->slot[i] && !is_of(&j->flows[j->slot[i] - 1], e))
		i = (i + 1) & (j->slots - 1);
	return &j->slot[i];
}

static struct join_flow *flow_of(const struct join *j, const struct ends *e)
{
	uint32_t slot = *slot_of(j, e);

	return slot ? &j->flows[slot - 1] : NULL;
}

void join_note_finding(struct join *j, const struct finding *f)
{
	struct ends e = ends_of(&f->src, f->sport, &f->dst, f->dport);
	uint32_t *slot = slot_of(j, &e);
	struct join_flow *flow;

	if (!*slot) {
		if (j->n_flows == j->flows_max)
			return;
		flow = &j->flows[j->n_flows++];
		memcpy(flow->addr, e.addr, sizeof(e.addr));
		memcpy(flow->port, e.port, sizeof(e.port));
		*slot = (uint32_t)j->n_flows;
	}
	flow = &j->flows[*slot - 1];
	if (f->sender != SENDER_UNKNOWN)
		flow->client = 1 + (f->sender == SENDER_CLIENT ? e.dir : !e.dir);
}

static struct ends ends_of_packet(const struct packet *p)
{
	return ends_of(&p->seg.src, p->seg.sport, &p->seg.dst, p->seg.dport);
}

bool join_wants(const struct join *j, const struct packet *p)
{
	struct ends e;

	if (p->kind != PACKET_TCP)
		return false;
	e = ends_of_packet(p);
	return flow_of(j, &e) != NULL;
}

/* --- packets ------------------------------------------------------------------------------ */

void join_heard(struct join *j, enum join_end end, uint64_t wall_ns)
{
	struct span *s = &j->span[end];

	if (!s->any || wall_ns < s->first_ns)
		s->first_ns = wall_ns;
	if (!s->any || wall_ns > s->last_ns)
		s->last_ns = wall_ns;
	s->any = true;
}

void join_packet(struct join *j, enum join_end end, uint64_t wall_ns, uint32_t frame,
		 const struct packet *p)
{
	const struct segment *seg = &p->seg;
	struct ends e = ends_of_packet(p);
	struct join_flow *f = flow_of(j, &e);

	join_heard(j, end, wall_ns);
	if (!f)
		return;
	if (j->n == j->max) {
		f->cut = true;
		return;
	}
	if (!f->has_base[e.dir]) {
		f->has_base[e.dir] = true;
		f->base[e.dir] = seg->seq;
	}
	if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		f->syn = 1 + e.dir;
	j->spots[j->n++] = (struct spot){
	    .wall_ns = wall_ns,
	    .flow = (uint32_t)(f - j->flows),
	    .frame = frame,
	    .rel = seq_diff(seg->seq, f->base[e.dir]),
	    .acknum = seg->ack,
	    .len = seg->payload_len,
	    .flags = seg->flags,
	    .ip_id = seg->ip_id,
	    .end = (uint8_t)end,
	    .dir = e.dir,
	    .ttl = seg->ttl,
	};
}

int64_t join_offset_ns(const struct join *j)
{
	return j->offset;
}

/* --- what both say ------------------------------------------------------------------------ */

static int by_key(const void *a, const void *b)
{
	uint64_t x = ((const struct place *)a)->key, y = ((const struct place *)b)->key;

	return x < y ? -1 : x > y;
}

static const struct spot *find_rst(const struct join *j, enum join_end end, uint32_t frame)
{
	struct place want = {.key = place_key(end, frame)};
	const struct place *p;

	p = bsearch(&want, j->places, j->n_places, sizeof(want), by_key);
	return p ? &j->spots[p->at] : NULL;
}

/* Was the other end's capture running when this was seen; and is there proof, by a later packet? */
static bool other_ran(const struct join *j, const struct join_flow *f, const struct spot *s,
		      bool *proof)
{
	const struct span *o = &j->span[!s->end];
	/* on the other's clock */
	int64_t t = spot_time(f, s) + (s->end == JOIN_CLIENT ? f->offset : 0);

	*proof = o->any && t <= (int64_t)o->last_ns;
	return o->any && t >= (int64_t)o->first_ns && t <= (int64_t)o->last_ns + still_running_ns;
}

void join_tell(const struct join *j, enum join_end end, const struct finding *f, struct joined *out)
{
	const struct spot *s = find_rst(j, end, f->frame);
	const struct join_flow *flow = s ? &j->flows[s->flow] : NULL;
	bool proof = false;

	*out = (struct joined){0};
	if (!s || s->twice || flow->cut || !flow->placed)
		return;
	if (!s->peer && !other_ran(j, flow, s, &proof))
		return;
	out->known = true;
	out->certain = proof && !flow->strangers[s->dir];
	out->sent_here = s->peer || flow->near[s->dir] == end;
	out->arrived = s->peer || flow->near[s->dir] != end;
	out->other_frame = s->peer ? j->spots[s->peer - 1].frame : 0;
	out->lost_from_x = flow->lost[s->dir];
	out->lost_from_y = flow->lost[!s->dir];
	out->first_lost_frame = flow->first_lost;
}
