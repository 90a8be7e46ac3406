/*
 * explain: each packet to its flow, each RST into a queue until what follows it has been seen. It
 * holds the order and the bounds; what a RST means is facts_read's, cause_rules' and settle's.
 */
#include "judge/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq.h"
#include "judge/explain_private.h"

enum {
	BACK_S = 60, /* time that runs back by more is another capture's */
	BOTH_SIDES_S = 1,
	ROOM_MIN = 256, /* RSTs that wait, at the least and at the most */
	ROOM_MAX = 65536,
	SETS_MIN = 256, /* of hosts and of listeners */
	SETS_MAX = 16384,
	OPEN_MAX = 32,	       /* RSTs of one flow that are looked at in hindsight */
	KERNEL_NS = 250000000, /* the kernel's word comes so near to the frame; most within 1 ms */
	KERNEL_CASES = 1024,   /* and so many RSTs back at most: a flood must not make it dear */
};

/* 256 MB: 262,144 flows x 248 octets, half as many blocks x 536, 65,536 cases x 984. */
const struct explain_limits explain_limits_file = {
    .flows = 262144, .idle_ns = 7860 * SECOND, .settle_ns = 10 * SECOND};
const struct explain_limits explain_limits_live = {
    .flows = 262144, .idle_ns = 7860 * SECOND, .settle_ns = SECOND * 3 / 2};

static void on_leave(void *ctx, struct flow *f);
static void take_all(struct explain *e);

static size_t between(size_t n, size_t min, size_t max)
{
	return n < min ? min : n > max ? max : n;
}

struct explain *explain_new(const struct explain_limits *l, finding_fn *fn, void *ctx)
{
	struct explain *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->limits = *l;
	e->fn = fn;
	e->ctx = ctx;
	e->flows = flows_new(l->flows, l->seed, l->idle_ns);
	e->room = (uint32_t)between(l->flows / 4, ROOM_MIN, ROOM_MAX);
	e->around = around_new(between(l->flows / 16, SETS_MIN, SETS_MAX), l->seed);
	e->cases = calloc(e->room, sizeof(*e->cases));
	e->extras = calloc(EXTRAS, sizeof(*e->extras));
	if (!e->flows || !e->around || !e->cases || !e->extras) {
		explain_free(e);
		return NULL;
	}
	flows_on_leave(e->flows, on_leave, e);
	e->sum.unknown_linktype = -1;
	return e;
}

void explain_free(struct explain *e)
{
	if (!e)
		return;
	flows_free(e->flows);
	around_free(e->around);
	free(e->cases);
	free(e->extras);
	free(e->kernel);
	free(e);
}

struct extra *explain_extra(struct explain *e, struct rst_case *c)
{
	for (uint32_t i = 0; !c->extra && i < EXTRAS; i++) {
		struct extra *x = &e->extras[e->extra_hand];

		e->extra_hand = (e->extra_hand + 1) % EXTRAS;
		if (x->used)
			continue;
		*x = (struct extra){.used = true};
		c->extra = (uint32_t)(x - e->extras) + 1;
	}
	return c->extra ? &e->extras[c->extra - 1] : NULL;
}

struct addr explain_addr(const struct rst_case *c, uint8_t side)
{
	struct addr a = {.family = c->family};

	memcpy(a.b, c->ip[side], sizeof(a.b));
	return a;
}

/* --- the queue -------------------------------------------------------------------------------- */

/* The flow forgets the case; the case may outlive the flow. */
static void unlink_case(struct explain *e, uint32_t index)
{
	struct rst_case *c = &e->cases[index];

	if (c->flow == FLOW_NONE)
		return;
	if (c->newer != FLOW_NONE)
		e->cases[c->newer].next = c->next;
	else
		flows_at(e->flows, c->flow)->cases = c->next;
	if (c->next != FLOW_NONE)
		e->cases[c->next].newer = c->newer;
	c->flow = FLOW_NONE;
}

static void on_leave(void *ctx, struct flow *f)
{
	struct explain *e = ctx;

	for (uint32_t i = f->cases; i != FLOW_NONE; i = e->cases[i].next)
		e->cases[i].flow = FLOW_NONE;
	f->cases = FLOW_NONE;
}

static void settle_first(struct explain *e)
{
	struct rst_case *c = &e->cases[e->first];

	settle(e, c);
	if (c->extra)
		e->extras[c->extra - 1].used = false;
	unlink_case(e, e->first);
	e->first = (e->first + 1) % e->room;
	e->n--;
}

static void settle_due(struct explain *e, uint64_t now_ns)
{
	while (e->n && now_ns >= e->cases[e->first].at_ns + e->limits.settle_ns)
		settle_first(e);
}

static struct rst_case *new_case(struct explain *e, struct flow *f)
{
	struct rst_case *c;
	uint32_t i;

	if (e->n == e->room) {
		e->sum.cut++;
		settle_first(e);
	}
	i = (e->first + e->n) % e->room;
	c = &e->cases[i];
	memset(c, 0, offsetof(struct rst_case, notes));
	c->at_ns = e->now_ns;
	c->flow = flows_index(e->flows, f);
	c->next = f->cases;
	c->newer = c->root_at = FLOW_NONE;
	if (f->cases != FLOW_NONE) {
		e->cases[f->cases].newer = i;
		c->root_at = e->cases[f->cases].root_at;
	}
	f->cases = i;
	e->n++;
	return c;
}

/* --- the kernel's word ------------------------------------------------------------------------ */

static bool is_said_of(const struct kernel_reset *k, const struct rst_case *c)
{
	struct addr src = explain_addr(c, c->x), dst = explain_addr(c, !c->x);

	if (k->sport != c->port[c->x])
		return false;
	/* a listener was matched: its own address may be unspecified, or IPv6 for IPv4 */
	if (k->dst.family == ADDR_NONE || !k->dport)
		return k->src.family != src.family || addr_is_unspecified(&k->src) ||
		       addr_same(&k->src, &src);
	return k->dport == c->port[!c->x] && addr_same(&k->src, &src) && addr_same(&k->dst, &dst);
}

static void join_kernel(struct explain *e, struct rst_case *c, const struct kernel_reset *k)
{
	struct extra *x = explain_extra(e, c);

	if (!x || x->has_kernel)
		return;
	x->kernel = *k;
	x->has_kernel = true;
	kernel_reset_facts(k, &c->facts);
	e->sum.kernel_joined++;
}

static bool has_kernel(const struct explain *e, const struct rst_case *c)
{
	return c->extra && e->extras[c->extra - 1].has_kernel;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

void explain_kernel(struct explain *e, const struct kernel_reset *k)
{
	struct kernel_ring *ring;
	struct rst_case *best = NULL;

	take_all(e);
	e->sum.kernel_events++;
	for (uint32_t i = e->n; i > 0 && e->n - i < KERNEL_CASES; i--) {
		struct rst_case *c = &e->cases[(e->first + i - 1) % e->room];
		uint64_t d = apart(k->wall_ns, c->rst.wall_ns);

		/* they are in the order of the frames, nearly */
		if (c->rst.wall_ns + 4 * (uint64_t)KERNEL_NS < k->wall_ns)
			break;

		if (d > KERNEL_NS || has_kernel(e, c) || fact_has(&c->facts, R_DUPLICATE) ||
		    !is_said_of(k, c))
			continue;
		if (!best || d < apart(k->wall_ns, best->rst.wall_ns))
			best = c;
	}
	if (best) {
		join_kernel(e, best, k);
		return;
	}
	/* the frame may come later */
	if (!e->kernel)
		e->kernel = calloc(1, sizeof(*e->kernel));
	ring = e->kernel;
	if (!ring)
		return;
	ring->v[ring->next % KERNEL_RING] = *k;
	ring->joined[ring->next % KERNEL_RING] = false;
	ring->next++;
}

static void find_kernel(struct explain *e, struct rst_case *c)
{
	struct kernel_ring *ring = e->kernel;
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; ring && i < KERNEL_RING && i < ring->next; i++) {
		uint64_t d = apart(ring->v[i].wall_ns, c->rst.wall_ns);

		if (ring->joined[i] || d > KERNEL_NS || !is_said_of(&ring->v[i], c))
			continue;
		if (best == UINT32_MAX || d < apart(ring->v[best].wall_ns, c->rst.wall_ns))
			best = i;
	}
	if (best == UINT32_MAX)
		return;
	ring->joined[best] = true;
	join_kernel(e, c, &ring->v[best]);
}

/* --- a RST ------------------------------------------------------------------------------------ */

/*
 * The earlier RST that this is a second capture of. Without an IP ID it may as well answer another
 * segment in flight: a copy only where other frames of the flow come twice.
 */
static struct rst_case *copy_of(struct explain *e, const struct flow *f, const struct rst_case *c)
{
	for (uint32_t i = c->next, n = 0; i != FLOW_NONE && n < OPEN_MAX;
	     i = e->cases[i].next, n++) {
		struct rst_case *o = &e->cases[i];
		const struct seen *a = &o->rst, *b = &c->rst;

		if (o->x != c->x || fact_has(&o->facts, R_DUPLICATE) || a->seq != b->seq ||
		    a->ack != b->ack || a->flags != b->flags || a->win != b->win ||
		    apart(a->wall_ns, b->wall_ns) > DUPLICATE_NS)
			continue;
		if (a->ip_id || b->ip_id) {
			if (a->ip_id == b->ip_id)
				return o;
			continue;
		}
		if (o->twice)
			continue;
		if (a->ttl != b->ttl)
			return o;
		if (o->facts.trigger_frame == c->facts.trigger_frame && f->flags & FLOW_DUPLICATES)
			return o;
	}
	return NULL;
}

/* RFC 5961, 3.2: a RST that overtook what was lost is challenged, and the ACK draws the exact one.
 */
static bool answers_challenge(const struct rst_case *c, const struct rst_case *o)
{
	return o->after & AFTER_CHALLENGED && fact_has(&c->facts, T_PURE_ACK);
}

/* Several of one sender that differ, the farthest beyond all that it had sent: guesses. */
static void compare_numbers(struct rst_case *c, struct rst_case *o)
{
	const struct rst_case *far = seq_gt(c->rst.seq, o->rst.seq) ? c : o;

	if (c->rst.seq == o->rst.seq || !fact_has(&far->facts, R_SEQ_ABOVE) ||
	    seq_diff(far->rst.seq, far->x_nxt) <= 2 || fact_has(&far->facts, T_FOUND) ||
	    (far == o && answers_challenge(c, o)))
		return;
	fact_set(&c->facts, C_MULTI, true);
	fact_set(&o->facts, C_MULTI, true);
}

static void compare_earlier(struct explain *e, struct rst_case *c)
{
	for (uint32_t i = c->next, n = 0; i != FLOW_NONE && n < OPEN_MAX;
	     i = e->cases[i].next, n++) {
		struct rst_case *o = &e->cases[i];

		if (fact_has(&o->facts, R_DUPLICATE))
			continue;
		if (o->x == c->x) {
			compare_numbers(c, o);
		} else if (apart(o->rst.wall_ns, c->rst.wall_ns) < BOTH_SIDES_S * SECOND &&
			   fact_has(&o->facts, QUIET) && !fact_has(&o->facts, T_FOUND) &&
			   !fact_has(&c->facts, T_FOUND)) {
			fact_set(&o->facts, C_BOTH_SIDES, true);
			fact_set(&c->facts, C_BOTH_SIDES, true);
		}
	}
}

/* Of a connection that was there, or almost: a refused SYN makes no burst. */
static bool counts_in_burst(const struct facts *k)
{
	return !fact_has(k, T_SYN) && !fact_has(k, X_ONLY_SYN) && !fact_has(k, RST_BEFORE) &&
	       fact_has(k, X_SEEN);
}

static struct rst_case *root_of(struct explain *e, const struct rst_case *c)
{
	struct rst_case *o = c->root_at == FLOW_NONE ? NULL : &e->cases[c->root_at];

	/* it may have been told, and its place be another's */
	return o && o->flow == c->flow && o->rst.frame == c->root && o->file == c->root_file ? o
											     : NULL;
}

/* A flow's first RST is the root of those after it. */
static void note_rst(struct explain *e, struct flow *f, struct rst_case *c,
		     const struct explain_frame *at)
{
	struct flow_side *x = &f->side[c->x];
	struct rst_case *root;

	if (f->rst_frame && fact_has(&c->facts, RST_BEFORE)) {
		c->root = f->rst_frame;
		c->root_file = f->rst_file;
		root = root_of(e, c);
		if (root)
			root->followers++;
	} else {
		c->root_at = (uint32_t)(c - e->cases);
		f->rst_frame = at->number;
		f->rst_file = at->file;
	}
	x->flags |= SIDE_RST;
	f->side[!c->x].flags |= SIDE_TOLD;
	x->rst_seq = c->rst.seq;
	x->last_ns = at->wall_ns;
	if (counts_in_burst(&c->facts)) {
		struct addr host = explain_addr(c, c->x);

		c->burst =
		    around_reset(e->around, &host, c->port[c->x], e->now_ns, c->facts.gap_ns);
	}
}

static void take_rst(struct explain *e, struct flow *f, uint8_t side,
		     const struct explain_frame *at, const struct packet *p)
{
	struct rst_case *c = new_case(e, f);
	struct rst_case *copy;
	struct seen n = flow_seen(p, side, at->wall_ns, at->number);

	e->sum.resets++;
	c->rst = n;
	c->rst.from_x = 1;
	c->x = side;
	memcpy(c->ip, f->ip, sizeof(c->ip));
	memcpy(c->port, f->port, sizeof(c->port));
	c->family = f->family;
	c->file = at->file;
	c->tunnel = p->tunnel;
	c->bad_checksum = p->csum_bad;
	facts_read(e, f, c, p);
	copy = copy_of(e, f, c);
	if (copy) {
		copy->twice = true;
		c->hops_on = (uint8_t)apart(copy->rst.ttl, c->rst.ttl);
		fact_set(&c->facts, R_DUPLICATE, true);
		c->root = copy->rst.frame;
		c->root_file = copy->file;
		e->sum.duplicates++;
		n.duplicate = 1;
	} else {
		compare_earlier(e, c);
		note_rst(e, f, c, at);
		find_kernel(e, c);
	}
	for (uint32_t i = c->next, k = 0; i != FLOW_NONE && k < OPEN_MAX;
	     i = e->cases[i].next, k++) {
		struct rst_case *o = &e->cases[i];

		if (o->n_after < AFTER_NOTES) {
			o->notes[FLOW_NOTES + o->n_after] = n;
			o->notes[FLOW_NOTES + o->n_after].from_x = side == o->x;
			o->notes[FLOW_NOTES + o->n_after++].after = 1;
		}
	}
	flows_note(e->flows, f, &n);
}

/* --- any other segment ------------------------------------------------------------------------ */

static void take_segment(struct explain *e, struct flow *f, uint8_t side,
			 const struct explain_frame *at, const struct packet *p)
{
	struct seen n = flow_seen(p, side, at->wall_ns, at->number);
	unsigned is = flow_segment(e->flows, f, side, p, at->wall_ns, at->number);

	if (is & SEGMENT_DUPLICATE) {
		e->sum.duplicates++;
		n.duplicate = 1;
	}
	n.repeat = (is & SEGMENT_REPEAT) != 0;
	n.keepalive = (is & SEGMENT_KEEPALIVE) != 0;
	if (is & SEGMENT_INCARNATION)
		on_leave(e, f);
	for (uint32_t i = f->cases, k = 0; i != FLOW_NONE && k < OPEN_MAX;
	     i = e->cases[i].next, k++) {
		const struct rst_case *c = &e->cases[i];

		aftermath_segment(&e->cases[i], side, &n);
		/* a RST that its sender does not stand by, or its receiver does not take, ended
		 * nothing there */
		if (fact_has(&c->facts, C_GOES_ON))
			f->side[c->x].flags &= (uint16_t)~SIDE_RST;
		if (c->after & AFTER_IGNORED)
			f->side[!c->x].flags &= (uint16_t)~SIDE_TOLD;
	}
	if (p->seg.flags & TCP_SYN && !(is & SEGMENT_DUPLICATE))
		around_syn(e->around, p, e->now_ns,
			   p->seg.flags & TCP_ACK && f->handshake_us != UINT32_MAX ? f->handshake_us
										   : 0);
}

/* Time stamps of two interfaces or files need not agree; a long way back is another time. */
static void pass_time(struct explain *e, uint64_t ns)
{
	if (!e->sum.first_ns || (ns && ns < e->sum.first_ns))
		e->sum.first_ns = ns;
	if (ns > e->sum.last_ns)
		e->sum.last_ns = ns;
	if (ns >= e->now_ns) {
		e->now_ns = ns;
		settle_due(e, ns);
		return;
	}
	e->sum.backwards++;
	if (e->now_ns - ns > BACK_S * SECOND) {
		while (e->n)
			settle_first(e);
		e->now_ns = ns;
	}
}

static void take(struct explain *e, const struct coming *in)
{
	const struct explain_frame *at = &in->at;
	const struct packet *p = &in->p;
	struct flow *f;
	uint8_t side;

	e->sum.frames++;
	pass_time(e, at->wall_ns);
	if (in->st != DECODE_OK) {
		e->sum.undecoded[in->st]++;
		return;
	}
	if (p->kind != PACKET_TCP)
		return;
	e->sum.tcp++;
	e->sum.tunnelled += p->n_tunnels > 0;
	e->sum.bad_checksums += p->csum_bad;
	f = flows_get(e->flows, p, in->hash, e->now_ns, &side);
	if (p->seg.flags & TCP_RST)
		take_rst(e, f, side, at, p);
	else
		take_segment(e, f, side, at, p);
}

/* All that are on their way, in their order. */
static void take_all(struct explain *e)
{
	for (; e->n_coming; e->n_coming--)
		take(e, &e->coming[(e->next_coming + COMING - e->n_coming) % COMING]);
}

static const struct coming *came(const struct explain *e, uint32_t before)
{
	const struct coming *in = &e->coming[(e->next_coming + COMING - before) % COMING];

	return before <= e->n_coming && in->st == DECODE_OK && in->p.kind == PACKET_TCP ? in : NULL;
}

void explain_packet(struct explain *e, const struct explain_frame *at, enum decode_status st,
		    const struct packet *p)
{
	struct coming *in = &e->coming[e->next_coming];
	const struct coming *expected;

	if (e->n_coming == COMING) {
		take(e, in);
		e->n_coming--;
	}
	in->at = *at;
	in->st = st;
	if (st == DECODE_OK) {
		uint32_t n = p->payload_captured;

		in->p = *p;
		in->p.payload_captured = n = n < VENDOR_TEXT ? n : VENDOR_TEXT;
		in->p.seg.payload = in->payload;
		if (n)
			memcpy(in->payload, p->seg.payload, n);
		if (p->kind == PACKET_TCP)
			in->hash = flows_hash(e->flows, p);
	}
	e->next_coming = (e->next_coming + 1) % COMING;
	e->n_coming++;
	expected = came(e, EXPECT_AT);
	if (expected)
		flows_expect(e->flows, expected->hash);
	expected = came(e, EXPECT_NOTES_AT);
	if (expected)
		flows_expect_notes(e->flows, expected->hash);
}

void explain_tick(struct explain *e, uint64_t wall_ns)
{
	take_all(e);
	/* frames captured before may still be on their way: packets alone move the clock */
	settle_due(e, wall_ns);
}

void explain_forget(struct explain *e)
{
	take_all(e);
	while (e->n)
		settle_first(e);
	flows_clear(e->flows);
	around_clear(e->around);
	e->now_ns = 0;
}

void explain_end(struct explain *e)
{
	take_all(e);
	while (e->n)
		settle_first(e);
}

const struct explain_summary *explain_summary(struct explain *e)
{
	struct explain_summary *s = &e->sum;

	take_all(e);
	s->flows = flows_count(e->flows);
	s->evicted = flows_evicted(e->flows);
	s->expired = flows_expired(e->flows);
	return s;
}
