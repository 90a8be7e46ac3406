/*
 * trace_inside: copies of one data segment, with rising TTL, beside a connection that the kernel
 * has: what became of them, and of the octets themselves, which the kernel sent at full TTL. The
 * walk of the SYN is the measure: how far the target is, and which hops are heard at all.
 */
#include "judge/trace_private.h"

/* What the SYN's verdict said is not asked any more. */
static void begin(struct look *l)
{
	*l->out = (struct trace_verdict){.rtt_us = UINT32_MAX};
}

static void put_confirmed(struct look *l)
{
	const struct trace_inside *in = &l->f->inside;
	enum clue_id id = in->unstable	  ? CLUE_TRACE_UNSTABLE
			  : in->confirmed ? CLUE_TRACE_CONFIRMED
					  : CLUE_TRACE_UNCONFIRMED;

	trace_clue(l->out, id, in->reset_ttl, 0);
}

/* The copy that is followed by the connection's RST need not be the first that drew anything. */
static void judge_copy(struct look *l)
{
	const struct trace_hop *h = trace_hop_at(l->w, l->f->inside.reset_ttl);

	l->k = l->f->inside.reset_ttl;
	l->x = h && h->replied_otherwise && !exchange_is_rst(&h->reply) ? &h->other
	       : h							? &h->reply
									: NULL;
	if (!l->x || !exchange_is_rst(l->x))
		return;
	l->low = 0;
	for (unsigned ttl = 1; ttl < l->k; ttl++)
		if (trace_was_silent(l->w, ttl) || l->f->inside.confirmed)
			l->low = (uint8_t)ttl;
	trace_judge_answer(l);
	put_confirmed(l);
}

/* What came to what the kernel sent: it got as far as the target if nobody kept it. Of the octets
 * it is known that copies drew nothing up to `low`. */
static void judge_service(struct look *l, uint8_t low, uint8_t target)
{
	l->k = target;
	l->x = &l->f->inside.service;
	l->low = low < target ? low : (uint8_t)(target - 1);
	trace_judge_answer(l);
}

/* The handshake's own ACK may be what is reset. */
static void judge_unconnected(struct look *l, const struct trace_walk *w, uint8_t target)
{
	struct look mine = {.f = l->f, .w = w, .out = l->out};

	if (w && exchange_is_rst(&l->f->inside.service))
		judge_service(&mine, 0, target);
	if (!l->f->stopped)
		trace_clue(l->out, CLUE_TRACE_NOT_CONNECTED, 0, 0);
}

/* The next TTL at which the SYN was heard is where a copy was not. */
static void judge_vanished(struct look *l, const struct trace_walk *syn)
{
	uint8_t heard = trace_last_heard(l->w);
	const struct exchange *last = heard ? trace_expiry_at(l, heard) : NULL;

	l->out->end = TRACE_DROPPED_AFTER_HOP;
	trace_set_between(l->out, heard, trace_heard_beyond(syn, heard));
	if (last)
		trace_set_by(l->out, &last->from);
	trace_clue(l->out, CLUE_TRACE_OTHERS_FARTHER, trace_reply_ttl(syn), trace_asked(syn));
}

void trace_judge_inside(struct look *l)
{
	const struct trace_inside *in = &l->f->inside;
	const struct trace_walk *syn = l->w, *w = trace_walk_of(l->f, WALK_INSIDE);
	struct look mine;

	if (l->out->end != TRACE_OPEN) {
		if (l->out->end != TRACE_UNDECIDED)
			trace_clue(l->out, CLUE_TRACE_NO_DATA, 0, 0);
		return;
	}
	begin(l);
	if (!in->connected) {
		judge_unconnected(l, w, trace_reply_ttl(syn));
		return;
	}
	if (!w)
		return;
	mine = trace_look(l->f, w, l->out);
	if (in->reset_ttl)
		judge_copy(&mine);
	else if (in->written && exchange_answered(&in->service))
		judge_service(&mine, w->last, trace_reply_ttl(syn));
	else if (mine.k)
		trace_judge_answer(&mine);
	else if (w->over)
		judge_vanished(&mine, syn);
}
