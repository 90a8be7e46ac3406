/*
 * script_frames: what a segment from the peer is to a talk: the answer to its form, the progress of
 * its connection, or neither. It sends nothing.
 */
#include "base/seq.h"
#include "engine/script_private.h"

enum { UNHEARD_MAX = 65536 }; /* octets that a peer may be ahead of what was captured of it */

static void learn_timestamps(struct talk *t, const struct packet *pk)
{
	if (!pk->options.has_timestamps)
		return;
	t->has_ts = true;
	t->tsecr = pk->options.tsval;
	if (!t->raw)
		t->tsval = pk->options.tsecr;
}

/* The peer's side of the handshake: from now on the numbers are known. */
static void take_syn_ack(struct script *s, struct party *p, struct talk *t, const struct packet *pk,
			 uint64_t at_ns)
{
	if (t->raw && pk->seg.ack != t->iss + 1)
		return;
	t->known = true;
	if (t->tries == 1 && at_ns > t->step_ns)
		t->rtt_ns = at_ns - t->step_ns;
	t->nxt = pk->seg.ack;
	t->peer_first = t->peer_nxt = pk->seg.seq + 1;
	learn_timestamps(t, pk);
	if (t->raw && pk->seg.ttl == 255 && !s->w->quiet_ttl255) {
		t->x.after = AFTER_GONE; /* our kernel has spoken: nothing to tidy */
		talk_end_with(s, p, t, TALK_NO_QUIET);
		return;
	}
	talk_next(s, p, t, at_ns);
}

static void answered(struct script *s, struct party *p, struct talk *t, uint64_t at_ns)
{
	if (!t->answered)
		s->stats->answered++;
	t->answered = true;
	talk_next(s, p, t, at_ns);
}

static void sample(struct talk *t, uint64_t at_ns)
{
	t->x.answered_by = t->x.tries;
	t->x.answered_ns = at_ns;
	t->x.rtt_us = t->x.tries == 1 && at_ns > t->x.asked_ns
			  ? (uint32_t)((at_ns - t->x.asked_ns) / 1000)
			  : UINT32_MAX;
}

/* Outside a connection: an answer to the form, or nothing of ours. */
static bool take_stray(struct script *s, struct party *p, struct talk *t, const struct packet *pk,
		       uint64_t at_ns)
{
	struct exchange x = t->x;
	bool over = t->step == NULL;

	if (!t->sent_form || exchange_take(&x, pk) == FIT_NONE)
		return false;
	if (exchange_answered(&t->x) && t->x.fit >= x.fit)
		return true; /* a repetition, or something weaker */
	t->x = x;
	sample(t, at_ns);
	if (over) {
		s->stats->late++;
		p->ask_ns = 0;
		s->c->program->done(p->host->ctx, t->tag, TALK_DONE, &t->x, true);
	} else {
		answered(s, p, t, at_ns);
	}
	return true;
}

static void take_rst(struct script *s, struct party *p, struct talk *t, const struct packet *pk,
		     uint64_t at_ns)
{
	enum step_op op = t->step->op;

	/* none answers a RST: what our kernel says of octets that still come, or of a forged RST,
	 * drew it. What became of the connection is asked next. */
	if (op == STEP_SEND && t->form->flags & TCP_RST)
		return;
	if (op == STEP_RAW_SYN && pk->seg.flags & TCP_ACK && pk->seg.ack != t->iss + 1)
		return;
	if (op == STEP_CONNECT || op == STEP_RAW_SYN) {
		talk_end_with(s, p, t, TALK_REFUSED);
	} else if (!t->sent_form) {
		t->x.after = AFTER_GONE;
		talk_end_with(s, p, t, TALK_DIED);
	} else if (op == STEP_SEND) {
		exchange_take(&t->x, pk);
		sample(t, at_ns);
		answered(s, p, t, at_ns);
	} else if (op == STEP_LIVE) {
		t->x.after = AFTER_GONE;
		talk_next(s, p, t, at_ns);
	}
}

/* Does it acknowledge octets (or the FIN) of the form? */
static bool took_ours(const struct talk *t, const struct packet *pk)
{
	return t->sent_form && t->x.sent.len > 0 && !(t->x.sent.flags & TCP_SYN) &&
	       seq_gt(pk->seg.ack, t->nxt);
}

/* Before the form is sent the peer's ACK says what it expects next. True where that was all that
 * the step waited for. */
static bool learn_ack(struct script *s, struct party *p, struct talk *t, const struct packet *pk,
		      uint64_t at_ns)
{
	enum step_op op = t->step->op;

	if (t->sent_form || !seq_gt(pk->seg.ack, t->nxt))
		return false;
	t->nxt = pk->seg.ack;
	if (!t->fin_sent || (op != STEP_SHUTDOWN && op != STEP_CLOSE))
		return false;
	talk_next(s, p, t, at_ns);
	return true;
}

/* A pure ACK: what SHUTDOWN and CLOSE wait for, the challenge, or the sign of life. */
static void take_ack(struct script *s, struct party *p, struct talk *t, const struct packet *pk,
		     uint64_t at_ns)
{
	bool taken = took_ours(t, pk);
	enum step_op op = t->step->op;

	/* it probes our window: an answer would come with SEQ = SND.NXT */
	if (seq_lt(pk->seg.seq, t->peer_nxt) && !seq_gt(pk->seg.ack, t->nxt))
		return;
	if (learn_ack(s, p, t, pk, at_ns))
		return;
	if (op == STEP_SEND && t->began) {
		exchange_take(&t->x, pk);
		sample(t, at_ns);
		if (taken)
			t->x.after = AFTER_ACCEPTED;
		answered(s, p, t, at_ns);
	} else if (op == STEP_LIVE && t->began) {
		if (t->x.after != AFTER_ACCEPTED)
			t->x.after = taken ? AFTER_ACCEPTED : AFTER_ALIVE;
		talk_next(s, p, t, at_ns);
	}
}

static bool awaits_fin(const struct talk *t)
{
	return t->step->op == STEP_AWAIT_FIN || t->peer_fin;
}

/* What the peer sends on its own: octets and FIN move its numbers on; they answer nothing. */
static void take_progress(struct script *s, struct party *p, struct talk *t,
			  const struct packet *pk, uint64_t at_ns)
{
	uint32_t end = pk->seg.seq + segment_len(&pk->seg);

	if (seq_gt(end, t->peer_nxt))
		t->peer_nxt = end;
	if (learn_ack(s, p, t, pk, at_ns) && !t->step)
		return;
	if (!(pk->seg.flags & TCP_FIN))
		return;
	if (t->step->op == STEP_AWAIT_FIN) {
		t->peer_fin = true;
		talk_next(s, p, t, at_ns);
	} else if (!awaits_fin(t) && (t->step + 1)->op == STEP_AWAIT_FIN) {
		t->peer_fin = true; /* it came with the handshake's last segment */
	} else if (!awaits_fin(t)) {
		/* the state was left before all was asked */
		t->peer_fin = true;
		talk_end_with(s, p, t, TALK_PEER_CLOSED);
	}
}

/* TIME-WAIT gave way to a new connection (RFC 6191): nobody is to be asked for the old one. */
static void take_reopened(struct script *s, struct party *p, struct talk *t,
			  const struct packet *pk, uint64_t at_ns)
{
	exchange_take(&t->x, pk);
	sample(t, at_ns);
	t->nxt = pk->seg.ack;
	t->raw = true; /* to be tidied */
	s->stats->answered += !t->answered;
	talk_end_with(s, p, t, TALK_DONE);
}

/* Neither an answer to the form nor within what the peer can have sent by now: it is from somebody
 * who doesn't see the connection. A RST is to follow what was captured: a window as wide as that of
 * octets would be hit by guesses, at some hundred thousand a second, within seconds. */
static bool is_forged(const struct talk *t, const struct packet *pk)
{
	uint32_t sent = t->peer_nxt - t->peer_first;
	/* from one before all, as a keepalive has it, to one beyond: after a FIN, or an old lwIP's
	 */
	uint32_t ahead = pk->seg.flags & TCP_RST ? 3 : UNHEARD_MAX;
	struct exchange x = t->x;

	if (!t->known || seq_in_window(pk->seg.seq, t->peer_first - 1, sent + ahead))
		return false;
	return !t->sent_form || exchange_take(&x, pk) != FIT_EXACT;
}

static bool take_in_connection(struct script *s, struct party *p, struct talk *t,
			       const struct packet *pk, uint64_t at_ns)
{
	enum step_op op = t->step->op;
	uint16_t flags = pk->seg.flags;

	if ((flags & (TCP_SYN | TCP_RST)) != TCP_SYN && is_forged(t, pk))
		return false;
	if (flags & TCP_RST) {
		take_rst(s, p, t, pk, at_ns);
		return true;
	}
	if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		if (op == STEP_CONNECT || op == STEP_RAW_SYN)
			take_syn_ack(s, p, t, pk, at_ns);
		else if (t->sent_form && t->x.sent.flags & TCP_SYN &&
			 pk->seg.ack == t->x.sent.seq + 1)
			take_reopened(s, p, t, pk, at_ns);
		return true; /* else a repetition: our kernel's last ACK was lost, or never sent */
	}
	if (!t->known || !(flags & TCP_ACK))
		return false;
	if (!t->sent_form)
		learn_timestamps(t, pk);
	if (segment_len(&pk->seg) == 0 || took_ours(t, pk))
		take_ack(s, p, t, pk, at_ns);
	else
		take_progress(s, p, t, pk, at_ns);
	return true;
}

bool talk_take(struct script *s, struct party *p, struct talk *t, const struct packet *pk,
	       uint64_t at_ns)
{
	bool in_connection = t->form->seq != FORM_SEQ_RANDOM;

	if (!in_connection)
		return take_stray(s, p, t, pk, at_ns);
	if (!t->step)
		return true; /* the rest of a connection that is over */
	if (pk->kind == PACKET_TCP)
		return take_in_connection(s, p, t, pk, at_ns);
	if (t->step->op == STEP_CONNECT || t->step->op == STEP_RAW_SYN)
		talk_end_with(s, p, t, TALK_REFUSED);
	return true;
}
