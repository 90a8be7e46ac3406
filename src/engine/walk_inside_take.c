/*
 * walk_inside_take: what a frame of the connection says: its numbers, the answer to the copy that
 * is out, or to the octets that the kernel wrote. It sends nothing.
 */
#include "base/seq.h"
#include "engine/walk_private.h"

enum { GRACE_NS = 20000000 /* a RST may come a little after time exceeded */ };

static void learn_timestamps(struct inside *in, const struct packet *pk)
{
	if (!pk->options.has_timestamps)
		return;
	in->has_ts = true;
	in->tsecr = pk->options.tsval;
	in->tsval = pk->options.tsecr;
}

/* Nothing is asked until it is clear that the handshake's ACK, the kernel's own, drew no RST. */
static void take_syn_ack(struct walker *k, const struct packet *pk, uint64_t at_ns)
{
	struct inside *in = &k->in;

	if (in->stage != INSIDE_CONNECT || in->known || in->conn < 0)
		return; /* our kernel's ACK was lost: it repeats it */
	in->known = true;
	in->nxt = pk->seg.ack;
	in->peer_nxt = pk->seg.seq + 1;
	learn_timestamps(in, pk);
	in->stage = INSIDE_ASK;
	in->due_ns = at_ns + walk_wait(k, in->distance, 0);
}

/* --- answers to a copy ---------------------------------------------------------------------- */

/* The newest, unless an IP ID that an error quotes says better. */
static const struct walk_step *step_of(const struct inside *in, const struct packet *pk)
{
	size_t step;

	if (pk->kind == PACKET_ICMP_ERROR && walk_step_of_id(in->ip_id, in->n_steps, pk, &step))
		return &in->steps[step];
	return &in->steps[in->n_steps - 1];
}

/* After silence an error may be a late one about the TTL before, and IPv6 has no ID to tell. */
static bool follows_answer(const struct inside *in, const struct walk_step *step)
{
	return step->ttl == in->w->first || in->w->hops[step->ttl - 1].expired;
}

static const struct walk_step *note_copy(struct walker *k, struct turns *t, const struct packet *pk,
					 bool proven, uint64_t at_ns)
{
	struct inside *in = &k->in;
	const struct walk_step *step = step_of(in, pk);
	struct trace_hop *h = &in->w->hops[step->ttl];
	struct exchange x = {.port = k->c->dport, .tries = h->tries, .sent = in->sent};

	x.sent_win = WALK_INSIDE_WINDOW;
	x.sent_ip_id = course_ip_id(in->ip_id, (size_t)(step - in->steps));
	if (exchange_take(&x, pk) == FIT_NONE)
		return NULL;
	if (proven)
		x.fit = FIT_EXACT;
	else if (x.fit != FIT_EXACT && walk_is_flooded(k, &in->unproved, in->n_steps))
		return NULL;
	else if (pk->seg.src.family == ADDR_V6 && !follows_answer(in, step))
		x.fit = FIT_TUPLE;
	walk_times(&x, step, at_ns);
	t->stats->late += walk_note(k, t, h, &x, walk_is_expiry(pk)) && h->settled;
	return step;
}

/* Others may follow, which are counted; then the round is over. */
static void rest(struct walker *k, uint64_t at_ns)
{
	k->in.stage = INSIDE_REST;
	k->in.due_ns = at_ns + walk_wait(k, k->in.ttl, 0);
}

/* To the last ACK of the handshake, the kernel's own, at full TTL: that is the service's answer.
 * False where our end of the connection would take no such RST. */
static bool take_refusal(struct walker *k, const struct packet *pk, uint64_t at_ns)
{
	const struct inside *in = &k->in;
	struct exchange x = {
	    .tries = 1,
	    .port = k->c->dport,
	    .rtt_us = UINT32_MAX,
	    .sent = {in->nxt, in->peer_nxt, TCP_ACK, 0},
	};

	if (exchange_take(&x, pk) != FIT_EXACT)
		return false;
	x.answered_by = 1;
	x.answered_ns = at_ns;
	k->f->inside.service = x;
	return true;
}

static void take_rst(struct walker *k, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct inside *in = &k->in;
	const struct walk_step *step;

	if (in->stage == INSIDE_CONNECT || !in->n_steps) { /* refused, if only to the last ACK */
		if (in->known && in->round == 0 && !take_refusal(k, pk, at_ns))
			return;
		in->known = false;
		in->stage = INSIDE_REST;
		in->due_ns = at_ns;
		return;
	}
	step = note_copy(k, t, pk, false, at_ns);
	if (!step || in->stage != INSIDE_ASK)
		return;
	in->drawn = step->ttl;
	rest(k, at_ns);
}

static bool dsacks(const struct inside *in, const struct packet *pk)
{
	return pk->options.n_sack && pk->options.sack[0].left == in->sent.seq;
}

/* The target's answer to an octet that it has; or to new ones, which should not have got there. */
static void take_ack(struct walker *k, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct inside *in = &k->in;
	bool took = seq_gt(pk->seg.ack, in->nxt) &&
		    seq_in_window(pk->seg.ack, in->sent.seq + 1, in->sent.len);

	if (in->stage != INSIDE_ASK || !in->n_steps || (k->f->inside.content && !took))
		return;
	/* it probes our window: an answer would come with SEQ = SND.NXT */
	if (seq_lt(pk->seg.seq, in->peer_nxt))
		return;
	if (note_copy(k, t, pk, took || dsacks(in, pk), at_ns))
		rest(k, at_ns);
}

/* The last copy is waited for as long as any: the octets follow it, and a RST that came late would
 * be taken for what the service says of them. */
static bool take_error(struct walker *k, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct inside *in = &k->in;
	const struct walk_step *step;

	if (!in->n_steps || (pk->quoted.has_seq && pk->quoted.seq != in->sent.seq))
		return false;
	step = note_copy(k, t, pk, false, at_ns);
	if (!step || in->stage != INSIDE_ASK || step->ttl != in->ttl)
		return step != NULL;
	if (!walk_is_expiry(pk))
		rest(k, at_ns);
	else if (in->round == 0 && in->ttl < in->last && at_ns + GRACE_NS < in->due_ns)
		in->due_ns = at_ns + GRACE_NS;
	return true;
}

/* --- answers to what the kernel wrote ------------------------------------------------------- */

/* An ACK is what the stack says; it is waited for what the service says, a while. */
static void take_service(struct walker *k, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct exchange *kept = &k->f->inside.service, x = *kept;
	bool bare = pk->kind == PACKET_TCP && !(pk->seg.flags & (TCP_RST | TCP_FIN)) &&
		    !pk->seg.payload_len;

	if (bare && (kept->answered_by || !seq_gt(pk->seg.ack, k->in.nxt)))
		return;
	if (k->flooded && pk->kind == PACKET_TCP && pk->seg.seq != k->in.peer_nxt)
		return; /* not the next that our end of the connection would take */
	if (exchange_take(&x, pk) == FIT_NONE)
		return;
	x.answered_by = 1;
	x.answered_ns = at_ns;
	x.rtt_us = (uint32_t)((at_ns - k->in.written_ns) / 1000);
	t->stats->answered += !kept->answered_by;
	*kept = x;
	if (!bare)
		k->in.due_ns = at_ns;
}

/* --- frames --------------------------------------------------------------------------------- */

static void take_progress(struct inside *in, const struct packet *pk)
{
	uint32_t end = pk->seg.seq + segment_len(&pk->seg);

	if (seq_gt(end, in->peer_nxt))
		in->peer_nxt = end;
}

static bool take_segment(struct walker *k, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct inside *in = &k->in;
	uint16_t flags = pk->seg.flags;

	if ((flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK)) {
		take_syn_ack(k, pk, at_ns);
		return true;
	}
	if (in->stage == INSIDE_SERVICE) {
		take_service(k, t, pk, at_ns);
		return true;
	}
	if (flags & TCP_RST) {
		take_rst(k, t, pk, at_ns);
		return true;
	}
	if (!in->known || !(flags & TCP_ACK))
		return false;
	learn_timestamps(in, pk);
	if (segment_len(&pk->seg))
		take_progress(in, pk);
	else
		take_ack(k, t, pk, at_ns);
	return true;
}

bool inside_take(struct walker *k, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	if (pk->kind == PACKET_TCP)
		return take_segment(k, t, pk, at_ns);
	if (k->in.stage == INSIDE_SERVICE && !walk_is_expiry(pk)) {
		take_service(k, t, pk, at_ns);
		return true;
	}
	return take_error(k, t, pk, at_ns);
}
