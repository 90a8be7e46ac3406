/*
 * walk_take: which TTL, and which try, an answer is for: its numbers tell, by arithmetic; where
 * they don't, the walk becomes careful and asks one TTL at a time. It sends nothing.
 */
#include "engine/walk_private.h"

#include "base/seq.h"

enum {
	TIME_EXCEEDED_V4 = 11,
	TIME_EXCEEDED_V6 = 3,
	RESETS_MAX = UINT8_MAX,
	UNPROVED_MIN =
	    8, /* that many, and so many for each segment, a box that resets badly sends */
	UNPROVED_EACH = 4,
};

bool walk_is_expiry(const struct packet *pk)
{
	uint8_t type = pk->seg.src.family == ADDR_V4 ? TIME_EXCEEDED_V4 : TIME_EXCEEDED_V6;

	return pk->kind == PACKET_ICMP_ERROR && pk->icmp_type == type && pk->icmp_code == 0;
}

/* --- which step ----------------------------------------------------------------------------- */

/* Each step has the numbers from its own up to those of the step before. */
static bool step_of_number(const struct course *c, uint32_t first, uint32_t number, size_t *step)
{
	*step = (uint32_t)(first - number + WALK_STRIDE - 1) / WALK_STRIDE;
	return *step < c->n_steps;
}

bool walk_step_of_id(uint16_t first, size_t n_steps, const struct packet *pk, size_t *step)
{
	unsigned id = pk->quoted.ip_id;

	if (pk->quoted.src.family != ADDR_V4 || id == 0)
		return false;
	*step = (id - 1 + UINT16_MAX - first % UINT16_MAX) % UINT16_MAX;
	return *step < n_steps;
}

/* An answer to that step, as far as it is one: FIT_NONE where it is none. */
static enum fit try_step(const struct walker *k, const struct course *c, size_t step,
			 const struct packet *pk, struct exchange *x)
{
	*x = (struct exchange){
	    .port = c->w->dport,
	    .sent_win = walk_window(k->c, c->w->probe),
	    .sent_ip_id = course_ip_id(c->ip_id, step),
	};
	course_sent(k, c, step, &x->sent);
	return exchange_take(x, pk);
}

/* A box that changes sequence numbers on their way quotes them so; the IP ID is left. */
static bool find_by_quote(const struct walker *k, const struct course *c, const struct packet *pk,
			  size_t *step, struct exchange *x)
{
	struct packet numberless = *pk;

	if (pk->quoted.has_seq && step_of_number(c, c->seq, pk->quoted.seq, step) &&
	    try_step(k, c, *step, pk, x) == FIT_EXACT)
		return true;
	numberless.quoted.has_seq = false;
	return walk_step_of_id(c->ip_id, c->n_steps, pk, step) &&
	       try_step(k, c, *step, &numberless, x) != FIT_NONE;
}

/* A bare ACK acknowledges the SYN that made the connection: that one got there, though a later one
 * drew the ACK (RFC 9293, 3.10.7.4, first). */
static bool acks_step(const struct exchange *x)
{
	return x->sent.flags & TCP_SYN && seq_in_window(x->ack, x->sent.seq + 1, x->sent.len);
}

static bool find_by_ack(const struct walker *k, const struct course *c, const struct packet *pk,
			size_t *step, struct exchange *x)
{
	if (!(pk->seg.flags & TCP_ACK) || !step_of_number(c, c->seq, pk->seg.ack, step))
		return false;
	return try_step(k, c, *step, pk, x) == FIT_EXACT || pk->seg.flags & TCP_RST || acks_step(x);
}

/* Our ACK in SEG.SEQ, and what lies just behind it: some send more RSTs than one, with steps. */
static bool find_by_seq(const struct walker *k, const struct course *c, const struct packet *pk,
			size_t *step, struct exchange *x)
{
	return pk->seg.flags & TCP_RST && step_of_number(c, c->ack, pk->seg.seq, step) &&
	       try_step(k, c, *step, pk, x) != FIT_NONE;
}

static bool find_by_numbers(const struct walker *k, const struct course *c, const struct packet *pk,
			    size_t *step, struct exchange *x)
{
	if (find_by_ack(k, c, pk, step, x) && x->fit == FIT_EXACT)
		return true;
	return find_by_seq(k, c, pk, step, x) || find_by_ack(k, c, pk, step, x);
}

static bool find_step(const struct walker *k, const struct course *c, const struct packet *pk,
		      size_t *step, struct exchange *x)
{
	return pk->kind == PACKET_ICMP_ERROR ? find_by_quote(k, c, pk, step, x)
					     : find_by_numbers(k, c, pk, step, x);
}

bool course_owns(const struct walker *k, const struct course *c, const struct packet *pk)
{
	struct exchange x;
	size_t step;

	return find_step(k, c, pk, &step, &x) && x.fit == FIT_EXACT;
}

/* --- into the hop --------------------------------------------------------------------------- */

void walk_times(struct exchange *x, const struct walk_step *step, uint64_t at_ns)
{
	x->answered_by = (uint8_t)(step->try + 1);
	x->asked_ns = step->at_ns;
	x->answered_ns = at_ns;
	x->rtt_us = x->fit == FIT_EXACT && at_ns >= step->at_ns
			? (uint32_t)((at_ns - step->at_ns) / 1000)
			: UINT32_MAX;
}

static bool is_other(const struct exchange *a, const struct exchange *b)
{
	/* what a half-open connection says to later SYNs is the same box's */
	if (a->reaction == REACTION_SYN_ACK && b->reaction == REACTION_CHALLENGE_ACK)
		return false;
	return a->reaction != b->reaction || a->ttl != b->ttl;
}

/* On the wire an address has no zone. */
static struct exchange zoned(const struct walker *k, const struct turns *t,
			     const struct exchange *x)
{
	struct exchange y = *x;

	if (addr_is_link_local(&y.from) && !y.from.zone)
		y.from.zone = t->w->paths[k->c->path].ifindex;
	return y;
}

static void take_reply(struct trace_hop *h, const struct exchange *x)
{
	struct exchange was = h->reply;
	const struct exchange *second = x;

	if (reaction_is_rst(x->reaction) && h->resets < RESETS_MAX)
		h->resets++;
	if (!h->replied) {
		h->reply = *x;
		h->replied = true;
		return;
	}
	if (was.fit < x->fit) {
		h->reply = *x;
		second = &was;
	}
	if (!h->replied_otherwise && is_other(&h->reply, second)) {
		h->other = *second;
		h->replied_otherwise = true;
	}
}

static void take_expiry(struct trace_hop *h, const struct exchange *x)
{
	if (!h->expired || h->expiry.fit < x->fit)
		h->expiry = *x;
	h->expired = true;
}

static void sample(struct walker *k, uint8_t ttl, const struct exchange *x)
{
	uint64_t ns = 1000ULL * x->rtt_us;

	if (ttl > k->farthest)
		k->farthest = ttl;
	if (x->rtt_us == UINT32_MAX)
		return;
	rtt_sample(&k->rtt, x->rtt_us);
	if (ns > k->slowest_ns)
		k->slowest_ns = ns;
}

bool walk_note(struct walker *k, struct turns *t, struct trace_hop *h, const struct exchange *x,
	       bool expiry)
{
	bool is_first = !h->expired && !h->replied;
	const struct exchange y = zoned(k, t, x);

	if (expiry)
		k->allow[h->ttl].heard = true;
	else if (!h->replied)
		walk_refund(k, h->ttl);
	if (expiry)
		take_expiry(h, &y);
	else
		take_reply(h, &y);
	sample(k, h->ttl, x);
	t->stats->answered += is_first;
	return is_first;
}

/* --- into the walk -------------------------------------------------------------------------- */

static void note_step(struct walker *k, struct turns *t, struct course *c, size_t step,
		      struct exchange *x, const struct packet *pk, uint64_t at_ns)
{
	const struct walk_step *s = &c->steps[step];
	bool expiry = walk_is_expiry(pk), beyond;
	struct trace_hop *h = &c->w->hops[s->ttl];

	x->tries = h->tries;
	walk_times(x, s, at_ns);
	beyond = c->end && s->ttl > c->end; /* settled by others' answers, not by silence */
	t->stats->late += walk_note(k, t, h, x, expiry) && h->settled && !beyond;
	if (step >= c->careful_from)
		c->fresh[s->ttl] = true;
	if (!expiry && (!c->end || s->ttl < c->end))
		c->end = s->ttl;
}

static void become_careful(struct course *c)
{
	c->careful = true;
	c->careful_from = c->n_steps;
	for (unsigned ttl = 0; ttl <= TRACE_TTL_MAX; ttl++) {
		c->spent[ttl] = c->w->hops[ttl].tries;
		c->fresh[ttl] = false;
	}
}

static bool asked_one_ttl(const struct course *c)
{
	return c->w->first == c->w->last;
}

/* Is it worth asking all again? Not for what a connection says that is there anyhow, once the walk
 * has its answer. */
static bool is_worth_it(const struct course *c, const struct exchange *x)
{
	bool known = c->end && c->w->hops[c->end].reply.fit == FIT_EXACT;

	return !c->careful && !c->w->over && (!known || reaction_is_rst(x->reaction));
}

/* It fits the ports and nothing else: of the TTL that was asked last, if only one was. */
static bool take_numberless(struct walker *k, struct turns *t, struct course *c,
			    const struct packet *pk, uint64_t at_ns)
{
	size_t last = c->n_steps - 1;
	struct exchange x;

	if (pk->kind == PACKET_ICMP_ERROR || try_step(k, c, last, pk, &x) == FIT_NONE)
		return false;
	x.fit = FIT_TUPLE;
	if (!c->w->over && (asked_one_ttl(c) || (c->careful && last >= c->careful_from)))
		note_step(k, t, c, last, &x, pk, at_ns);
	else if (is_worth_it(c, &x))
		become_careful(c);
	return true;
}

/* --- a flood -------------------------------------------------------------------------------- */

static bool is_proved(const struct exchange *x)
{
	return x->fit == FIT_EXACT || acks_step(x);
}

/* To be careful is of no use any more: it is for answers without numbers. */
static void forget_unproved(struct course *c)
{
	c->careful = false;
	c->end = 0;
	for (unsigned ttl = TRACE_TTL_MAX; ttl > 0; ttl--) {
		struct trace_hop *h = &c->w->hops[ttl];

		h->expired = h->expired && h->expiry.fit == FIT_EXACT;
		h->replied = h->replied && is_proved(&h->reply);
		h->replied_otherwise = h->replied && h->replied_otherwise && is_proved(&h->other);
		h->resets = h->replied && reaction_is_rst((enum reaction)h->reply.reaction);
		if (h->replied)
			c->end = (uint8_t)ttl;
	}
}

bool walk_is_flooded(struct walker *k, unsigned *unproved, size_t n_steps)
{
	if (k->flooded || ++*unproved <= UNPROVED_MIN + UNPROVED_EACH * n_steps)
		return k->flooded;
	k->flooded = true;
	for (size_t i = 0; i < TRACE_WALKS_MAX; i++)
		if (k->courses[i].n_steps)
			forget_unproved(&k->courses[i]);
	return true;
}

bool course_take(struct walker *k, struct turns *t, struct course *c, const struct packet *pk,
		 uint64_t at_ns)
{
	struct exchange x;
	bool found;
	size_t step;

	if (!c->n_steps)
		return false;
	found = find_step(k, c, pk, &step, &x);
	if ((!found || !is_proved(&x)) && walk_is_flooded(k, &c->unproved, c->n_steps))
		return false;
	if (!found)
		return take_numberless(k, t, c, pk, at_ns);
	note_step(k, t, c, step, &x, pk, at_ns);
	return true;
}
