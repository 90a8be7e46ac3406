/*
 * walk_send: one walk: which TTL is due, what is sent to it, and how long is waited; and how many
 * segments may expire at one TTL. It refuses to know what answers mean but by the hop's marks.
 */
#include <stdio.h>
#include <string.h>

#include "engine/probing.h"
#include "engine/walk_private.h"

enum {
	WAIT_LEAST_US = 200000,
	SLACK_MS = 50,	     /* what jitter takes off the gap between two at the router */
	PAUSE_NS = 20000000, /* after one that didn't leave */
	FAILURES_MAX = 200,
	MSS_LEAST_MTU = 576,
};
#define GAP_NS ((WALK_GAP_MS + SLACK_MS) * 1000000ULL)

static const uint8_t default_payload[] = {'r', 's', 't', 'p', 'r', 'o', 'b', 'e'};

/* --- how many may expire at one TTL --------------------------------------------------------- */

static uint64_t credit_at(const struct allowance *a, uint64_t now)
{
	uint64_t credit = a->credit_ns + (now - a->at_ns);

	if (!a->asked || credit > WALK_BURST * GAP_NS)
		return WALK_BURST * GAP_NS;
	return credit;
}

/* Where a whole burst drew nothing, no limit is at work: holding back would save no answer. */
static bool is_deaf(const struct allowance *a, uint64_t now)
{
	return !a->heard && a->asked >= WALK_BURST && now >= a->deaf_ns;
}

bool walk_may(struct walker *k, uint8_t ttl, uint64_t now, uint64_t *at_ns)
{
	const struct allowance *a = &k->allow[ttl];
	uint64_t credit = credit_at(a, now);

	if (credit >= GAP_NS || is_deaf(a, now))
		return true;
	*at_ns = now + GAP_NS - credit;
	if (!a->heard && a->deaf_ns < *at_ns)
		*at_ns = a->deaf_ns;
	return false;
}

void walk_spend(struct walker *k, uint8_t ttl, uint64_t now)
{
	struct allowance *a = &k->allow[ttl];
	uint64_t credit = credit_at(a, now);

	a->credit_ns = credit > GAP_NS ? credit - GAP_NS : 0;
	a->at_ns = now;
	if (++a->asked == WALK_BURST)
		a->deaf_ns = now + k->timeout_ns;
}

void walk_refund(struct walker *k, uint8_t ttl)
{
	k->allow[ttl].credit_ns += GAP_NS;
}

/* --- how long ------------------------------------------------------------------------------- */

/* Farther than anybody answered a long link may lie, which no sample tells of. */
uint64_t walk_wait(const struct walker *k, uint8_t ttl, unsigned try)
{
	uint32_t most_us = (uint32_t)(k->timeout_ns / 1000);
	uint64_t ns = 1000ULL * rtt_rto_least_us(&k->rtt, WAIT_LEAST_US, most_us);

	if (ns < 2 * k->slowest_ns)
		ns = 2 * k->slowest_ns;
	if (ttl > k->farthest && ns < k->timeout_ns / 4)
		ns = k->timeout_ns / 4;
	ns <<= try;
	return ns < k->timeout_ns ? ns : k->timeout_ns;
}

/* --- segments ------------------------------------------------------------------------------- */

static uint16_t mss_of(const struct walker *k, const struct turns *t)
{
	uint32_t mtu = t->w->paths[k->c->path].mtu;
	unsigned headers = k->c->dst.family == ADDR_V4 ? 40 : 60;

	if (mtu < MSS_LEAST_MTU)
		mtu = 1500;
	return (uint16_t)(mtu - headers > UINT16_MAX ? UINT16_MAX : mtu - headers);
}

/* The octets of a payload that fit into what we send. */
static uint16_t payload_max(const struct walker *k, const struct turns *t)
{
	unsigned headers = k->c->dst.family == ADDR_V4 ? 40 : 60;
	uint16_t mss = mss_of(k, t), room = (uint16_t)(SEGMENT_MAX - headers);

	return (uint16_t)((mss < room ? mss : room) - TCP_OPTIONS_MAX);
}

uint16_t walk_window(const struct walk_config *c, const struct probe *probe)
{
	return probe->flags & TCP_SYN && !(probe->flags & TCP_ACK) ? syn_layout_win(c->syn_layout)
								   : 64240;
}

static uint32_t payload_len(const struct walker *k, const struct probe *probe)
{
	uint16_t len = probe->payload_len;

	if (len && k->c->data && !k->c->inside)
		len = k->c->data_len;
	return len < k->payload_max ? len : k->payload_max;
}

/* Never 0, which a raw socket fills in. */
uint16_t course_ip_id(uint16_t first, size_t step)
{
	return (uint16_t)(1 + (first + step) % UINT16_MAX);
}

void course_sent(const struct walker *k, const struct course *c, size_t step, struct sent *out)
{
	uint16_t flags = c->w->probe->flags;

	*out = (struct sent){
	    .seq = c->seq - (uint32_t)step * WALK_STRIDE,
	    .ack = c->ack - (uint32_t)step * WALK_STRIDE,
	    .flags = flags,
	    .len = payload_len(k, c->w->probe) + !!(flags & TCP_SYN) + !!(flags & TCP_FIN),
	};
}

static void fill_segment(const struct walker *k, const struct turns *t, const struct course *c,
			 uint8_t ttl, struct segment *out)
{
	const struct probe *probe = c->w->probe;
	enum probe_class class = probe_class_of(probe->flags);
	struct sent sent;

	course_sent(k, c, c->n_steps, &sent);
	*out = (struct segment){
	    .src = t->w->paths[k->c->path].src,
	    .dst = k->c->dst,
	    .sport = c->w->sport,
	    .dport = c->w->dport,
	    .seq = sent.seq,
	    .ack = sent.ack,
	    .flags = probe->flags,
	    .win = walk_window(k->c, probe),
	    .ttl = ttl,
	    .df = true,
	    .ip_id = course_ip_id(c->ip_id, c->n_steps),
	    .payload_len = payload_len(k, probe),
	};
	if (out->payload_len)
		out->payload = k->c->data && !k->c->inside ? k->c->data : default_payload;
	if (class == PROBE_SYN || class == PROBE_SYN_ODD)
		out->options_len = (uint8_t)options_build_syn(k->c->syn_layout, mss_of(k, t),
							      c->tsval, out->options);
}

static void note_failure(struct walker *k, struct turns *t, struct course *c, uint64_t now)
{
	c->paused_ns = now + PAUSE_NS;
	if (++c->failures < FAILURES_MAX)
		return;
	k->failed = true;
	if (t->stats->end == END_COMPLETE) {
		t->stats->end = END_SEND;
		snprintf(t->stats->why, sizeof(t->stats->why), "segments don't leave: %s%s",
			 strerror(t->stats->send_errno), probing_unsent(t->stats->send_errno));
	}
}

static bool send_step(struct walker *k, struct turns *t, struct course *c, uint8_t ttl,
		      uint64_t now)
{
	struct trace_hop *h = &c->w->hops[ttl];
	struct segment seg;
	uint64_t at_ns;

	fill_segment(k, t, c, ttl, &seg);
	if (!turns_send(t, k->c->path, &seg, &at_ns)) {
		note_failure(k, t, c, now);
		return false;
	}
	c->failures = 0;
	c->steps[c->n_steps++] = (struct walk_step){.at_ns = at_ns, .ttl = ttl, .try = h->tries};
	c->last_ns = c->sent_ns[ttl] = at_ns;
	t->stats->retried += h->tries > 0;
	h->tries++;
	if (ttl > c->w->last)
		c->w->last = ttl;
	walk_spend(k, ttl, now);
	return true;
}

/* --- what is due ---------------------------------------------------------------------------- */

void course_begin(struct walker *k, struct turns *t, struct course *c, uint8_t first)
{
	k->payload_max = payload_max(k, t);
	c->w->first = c->told = first;
	c->w->last = (uint8_t)(first - 1);
	c->seq = turns_random(t) | 0x10000; /* never small: an answer's 0 must not look like it */
	c->ack = turns_random(t) | 0x10000;
	c->tsval = turns_random(t) | 1;
	c->ip_id = (uint16_t)turns_random(t);
	for (unsigned ttl = 0; ttl <= TRACE_TTL_MAX; ttl++)
		c->w->hops[ttl].ttl = (uint8_t)ttl;
}

/* A box that forges lets the segment go on, so that others answer as well: then a TTL that merely
 * expired may have lost its RST. */
static bool is_forged(const struct course *c)
{
	for (uint8_t ttl = c->end; ttl && ttl <= c->w->last; ttl++) {
		const struct trace_hop *h = &c->w->hops[ttl];

		if (h->expired || h->replied_otherwise || h->resets > h->tries)
			return true;
	}
	return false;
}

static bool wants_answer(const struct course *c, uint8_t ttl)
{
	const struct trace_hop *h = &c->w->hops[ttl];

	if (c->careful && !c->fresh[ttl])
		return true;
	if (h->replied)
		return h->reply.fit != FIT_EXACT;
	return !h->expired || (ttl + 1 == c->end && is_forged(c));
}

static unsigned tries_left(const struct walker *k, const struct course *c, uint8_t ttl)
{
	unsigned tries = c->w->hops[ttl].tries - c->spent[ttl];

	return tries < k->tries ? k->tries - tries : 0;
}

static uint64_t due_ns(const struct walker *k, const struct course *c, uint8_t ttl)
{
	unsigned tries = c->w->hops[ttl].tries - c->spent[ttl];

	return c->sent_ns[ttl] + walk_wait(k, ttl, tries ? tries - 1 : 0);
}

/* When one more may leave: now, or later. */
static uint64_t free_at(struct walker *k, struct course *c, uint8_t ttl, uint64_t now)
{
	uint64_t at = c->paused_ns, limit = now;

	if (c->careful && c->last_ns + walk_wait(k, ttl, 0) > at)
		at = c->last_ns + walk_wait(k, ttl, 0);
	if (at <= now && !walk_may(k, ttl, now, &limit)) {
		c->w->limited = true;
		return limit;
	}
	return at > now ? at : now;
}

/* When the hop must be looked at again; WALK_NEVER: not of its own accord. */
static uint64_t serve_hop(struct walker *k, struct turns *t, struct course *c, uint8_t ttl,
			  uint64_t now, unsigned *under_way)
{
	struct trace_hop *h = &c->w->hops[ttl];
	uint64_t at;

	h->settled = !wants_answer(c, ttl);
	if (h->settled)
		return WALK_NEVER;
	if (h->tries > c->spent[ttl] && now < due_ns(k, c, ttl)) {
		++*under_way;
		return due_ns(k, c, ttl);
	}
	if (!tries_left(k, c, ttl)) {
		h->settled = true;
		return WALK_NEVER;
	}
	if (*under_way >= (c->careful ? 1 : WALK_AHEAD))
		return WALK_NEVER; /* until others are settled */
	++*under_way;
	at = free_at(k, c, ttl, now);
	if (at > now)
		return at;
	if (!send_step(k, t, c, ttl, now))
		return c->paused_ns;
	return due_ns(k, c, ttl);
}

/* A second answer may follow the first: no hop is told before it had its time, and the one that
 * ends the way is told last. */
static void tell(const struct walker *k, struct course *c, bool over, uint64_t now)
{
	uint8_t top = c->end ? c->end : c->w->last;

	while (c->told <= top) {
		const struct trace_hop *h = &c->w->hops[c->told];

		if (!over && (!h->settled || h->replied || now < due_ns(k, c, c->told)))
			return;
		walk_tell(k, c->w, h);
		c->told = h->replied ? TRACE_TTL_MAX + 1 : (uint8_t)(c->told + 1);
	}
}

uint64_t course_serve(struct walker *k, struct turns *t, struct course *c, uint64_t now)
{
	uint64_t first = WALK_NEVER, at;
	unsigned under_way = 0;
	uint8_t ttl = c->w->first;

	for (; ttl <= (c->end ? c->end : k->c->max_ttl) && !k->failed; ttl++) {
		at = serve_hop(k, t, c, ttl, now, &under_way);
		first = at < first ? at : first;
	}
	if (k->failed)
		return WALK_NEVER;
	for (; ttl <= c->w->last; ttl++)
		c->w->hops[ttl].settled = true;
	/* Who answered may not have been the last to answer. */
	at = c->last_ns + walk_wait(k, c->end ? c->end : c->w->last, 0);
	if (first == WALK_NEVER && now < at)
		first = at;
	tell(k, c, first == WALK_NEVER, now);
	c->w->over = first == WALK_NEVER; /* for who hears of its hops: not before the last */
	return first;
}
