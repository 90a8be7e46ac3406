/*
 * stage_asks: the acts that put a question and wait for its answer: the handshake, a segment, the
 * sign of life, and what the service says to octets that the kernel wrote. Each question has its
 * mark in the facts, where both go as numbers.
 */
#include "base/seq.h"
#include "engine/formed.h"
#include "engine/probing.h"
#include "engine/stage_private.h"

enum {
	APART_MS = 50, /* between two segments that ask: above 20/s many stacks ration RSTs */
	WAIT_MS = 1000,
	RTTS = 3,
	CONNECT_WAITS = 5, /* the kernel repeats the SYN itself, after 1 and 3 s */
};
#define ANSWERED (SEES_SYN_ACK | SEES_ACK | SEES_DATA | SEES_FIN | SEES_RST | SEES_ICMP)

static struct exchange *mark_of(const struct stage *s, const struct strand *st)
{
	const struct act *a = strand_act(s, st);

	return &s->lines[st->first + a->line].f->at[a->mark];
}

uint64_t stage_wait(const struct stage *s, const struct strand *st, const struct line *l)
{
	uint32_t ms = strand_act(s, st)->wait_ms;
	uint64_t ns = ms ? ms * NS_PER_MS : s->c->wait_ns;

	if (ms == ACT_HOLD)
		return l->f && l->f->rest_ns ? l->f->rest_ns : stage_hold(s);
	if (!ns)
		ns = WAIT_MS * NS_PER_MS;
	return ns > RTTS * l->rtt_ns ? ns : RTTS * l->rtt_ns;
}

/* False: not now; the strand comes back when it may. */
static bool may_send(struct stage *s, struct strand *st, uint64_t now)
{
	uint64_t next = s->paced_ns ? s->paced_ns + APART_MS * NS_PER_MS : now;

	if (next > now) {
		st->due_ns = next;
		return false;
	}
	s->paced_ns = now;
	return true;
}

static unsigned tries_of(const struct act *a)
{
	return a->tries ? a->tries : 1;
}

/* --- what goes into the facts ----------------------------------------------------------------- */

void stage_note_sent(const struct stage *s, struct exchange *x, const struct trail *sent,
		     uint64_t at_ns)
{
	x->tries++;
	x->port = s->c->dport;
	x->asked_ns = at_ns;
	x->sent = sent->sent;
	x->sent_win = sent->win;
}

static enum fit note_answer(struct stage *s, struct exchange *x, const struct packet *pk,
			    uint64_t at_ns)
{
	enum fit fit = exchange_take(x, pk);

	if (fit == FIT_NONE)
		return fit;
	s->t->stats->answered += !x->answered_by;
	x->answered_by = x->tries;
	x->answered_ns = at_ns;
	x->rtt_us = x->tries == 1 && at_ns > x->asked_ns ? (uint32_t)((at_ns - x->asked_ns) / 1000)
							 : UINT32_MAX;
	return fit;
}

static unsigned bits_of(enum reaction r)
{
	static const unsigned bits[REACTIONS] = {
	    [REACTION_SYN_ACK] = SEES_SYN_ACK,	  [REACTION_RST_SEQ_FROM_ACK] = SEES_RST,
	    [REACTION_RST_ACK_OF_SEQ] = SEES_RST, [REACTION_RST_ODD] = SEES_RST,
	    [REACTION_CHALLENGE_ACK] = SEES_ACK,  [REACTION_FIN] = SEES_FIN,
	    [REACTION_DATA] = SEES_DATA,
	};

	return reaction_is_icmp(r) ? SEES_ICMP : bits[r];
}

/* Marks are asked more than once; what is seen of the connection is what was seen last. */
static void answered(struct stage *s, struct strand *st, unsigned bits, uint64_t at_ns)
{
	st->seen = 0;
	stage_act_over(s, st, bits, at_ns);
}

/* --- the handshake ---------------------------------------------------------------------------- */

static enum line_end end_of(enum reaction r)
{
	if (r == REACTION_SYN_ACK)
		return LINE_OPEN;
	return reaction_is_icmp(r) ? LINE_REJECTED : LINE_REFUSED;
}

/* Another pair of ends, where an older connection's TIME-WAIT holds this one. */
static bool open_conn(struct stage *s, struct strand *st, struct line *l, bool *full)
{
	struct wire *w = s->t->w;
	struct wire_conn_to to = {
	    .path = s->c->path,
	    .dst = s->c->dst,
	    .dport = s->c->dport,
	    .rcvbuf = strand_act(s, st)->arg,
	};
	struct err e;

	for (unsigned i = 0; i < STAGE_PORTS; i++) {
		*full = false;
		to.sport = l->f->sport;
		l->conn = w->ops->conn_open(w, &to, full, &e);
		if (l->conn >= 0 || !*full)
			break;
		l->f->sport = (uint16_t)(s->c->sport_first + s->next_held++ % STAGE_PORTS);
	}
	return l->conn >= 0;
}

/* The kernel repeats its SYN, and the capture shows what leaves: not one was let out. */
static bool has_left(struct stage *s, struct strand *st, const struct line *l)
{
	bool left = l->conn >= 0 && (mark_of(s, st)->tries || !s->t->w->both_ways);

	if (l->conn >= 0 && !left)
		turns_unsent(s->t, 0);
	return left;
}

void stage_run_connect(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);
	bool full = false;

	if (!st->began) {
		st->began = true;
		st->end_ns = now + CONNECT_WAITS * stage_wait(s, st, l);
	}
	if (now >= st->end_ns) {
		stage_line_fails(s, st, has_left(s, st, l) ? LINE_NO_ANSWER : LINE_FAILED);
		return;
	}
	st->due_ns = st->end_ns;
	if (l->conn >= 0)
		return;
	stage_line_begins(s, l, false);
	if (open_conn(s, st, l, &full)) {
		l->f->raw = false;
		l->f->opened_ns = now;
		mark_of(s, st)->port = s->c->dport;
	} else if (full) {
		st->due_ns = now + APART_MS * NS_PER_MS;
	} else {
		stage_line_fails(s, st, LINE_FAILED);
	}
}

/* ACT_RAW_CONNECT, ACT_RAW_SYN */
void stage_run_raw(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);
	struct trail sent;
	uint64_t at_ns;

	if (!s->t->w->n_quiet) {
		stage_line_begins(s, l, false);
		stage_line_fails(s, st, LINE_NO_QUIET);
		return;
	}
	if (st->tries >= tries_of(strand_act(s, st))) {
		stage_line_fails(s, st, LINE_NO_ANSWER);
		return;
	}
	if (!may_send(s, st, now))
		return;
	stage_line_begins(s, l, true);
	if (!st->began) {
		l->iss = turns_random(s->t);
		l->una = l->nxt = l->iss + 1;
	}
	st->began = true;
	if (!stage_send_syn(s, l, &sent, &at_ns)) {
		stage_line_fails(s, st, LINE_FAILED);
		return;
	}
	l->half_open = true;
	if (!st->tries++)
		l->f->opened_ns = at_ns;
	else
		s->t->stats->retried++;
	stage_note_sent(s, mark_of(s, st), &sent, at_ns);
	st->due_ns = st->end_ns = now + stage_wait(s, st, l);
}

/* Our kernel has spoken, where it can't be kept silent: there is nothing left to tidy. */
static bool is_loud(const struct stage *s, const struct line *l, const struct packet *pk)
{
	return l->quiet && pk->seg.ttl == 255 && !s->t->w->quiet_ttl255;
}

static void stands(struct stage *s, struct strand *st, struct line *l, const struct packet *pk,
		   uint64_t at_ns)
{
	bool whole = strand_act(s, st)->op != ACT_RAW_SYN;
	struct exchange *x = mark_of(s, st);

	if (is_loud(s, l, pk)) {
		l->half_open = false;
		stage_line_fails(s, st, LINE_NO_QUIET);
		return;
	}
	stage_learn(l, pk);
	l->rtt_ns = x->rtt_us == UINT32_MAX ? 0 : x->rtt_us * 1000ULL;
	l->f->end = LINE_OPEN;
	if (whole)
		l->f->stands_ns = at_ns;
	if (whole && l->quiet) {
		l->handshaken = true;
		stage_send_ack(s, l, l->una, NULL, 0, NULL, NULL);
	}
	answered(s, st, 0, at_ns);
}

/* The kernel's SYN may have been lost to the capture: the answer tells its number. */
static void know_syn(struct stage *s, struct line *l, struct exchange *x, const struct packet *pk)
{
	struct trail syn = {.sent = {.flags = TCP_SYN, .len = 1}};

	if (x->tries)
		return;
	syn.sent.seq = pk->kind == PACKET_TCP ? pk->seg.ack - 1 : pk->quoted.seq;
	stage_note_sent(s, x, &syn, l->f->opened_ns);
	x->tries = 1;
}

/* A firewall of this machine's refused to let it out. */
static bool is_own_word(const struct stage *s, const struct packet *pk)
{
	return probing_is_own_word(&s->t->w->paths[s->c->path], pk);
}

void stage_take_connect(struct stage *s, struct strand *st, const struct packet *pk, uint64_t at_ns)
{
	struct line *l = strand_line(s, st);
	struct exchange *x = mark_of(s, st), now;
	enum fit fit;

	if (!st->began || !l->f->opened_ns)
		return;
	know_syn(s, l, x, pk);
	if (pk->kind == PACKET_TCP && !(pk->seg.flags & (TCP_SYN | TCP_RST)))
		return; /* a challenge ACK of an older connection: the SYN is repeated */
	now = *x;
	fit = note_answer(s, &now, pk, at_ns);
	if (fit == FIT_NONE || (fit != FIT_EXACT && pk->kind == PACKET_TCP))
		return; /* our kernel wouldn't believe it either */
	*x = now;
	if (x->reaction == REACTION_SYN_ACK) {
		stands(s, st, l, pk, at_ns);
	} else {
		l->half_open = false;
		stage_line_fails(s, st, is_own_word(s, pk) ? LINE_FAILED : end_of(x->reaction));
	}
}

/* --- a segment, a sign of life ---------------------------------------------------------------- */

/* A stray SYN shows as well whether the port is open. A SYN on a connection's line is of one that
 * comes back: it repeats itself. */
static void choose_numbers(struct stage *s, struct strand *st, struct line *l)
{
	const struct form *f = strand_act(s, st)->form;

	st->ask_seq = turns_random(s->t);
	st->ask_ack = turns_random(s->t);
	l->handshaken = l->handshaken && !(f->flags & TCP_SYN); /* what comes answers this one */
	if (f->flags != TCP_SYN || f->seq != FORM_SEQ_RANDOM)
		return;
	if (!l->again_iss)
		l->again_iss = st->ask_seq | 1;
	st->ask_seq = l->again_iss;
}

static void note_silence(struct stage *s, struct strand *st, struct line *l, uint64_t now)
{
	if (l->f->end == LINE_NEVER && strand_act(s, st)->op == ACT_SEND &&
	    strand_act(s, st)->form->flags == TCP_SYN)
		l->f->end = mark_of(s, st)->tries ? LINE_NO_ANSWER : LINE_FAILED;
	answered(s, st, SEES_SILENCE, now);
}

/* What both have in common: false where nothing is to be sent now. */
static bool may_try(struct stage *s, struct strand *st, struct line *l, uint64_t now)
{
	if (st->began && st->tries >= tries_of(strand_act(s, st))) {
		note_silence(s, st, l, now);
		return false;
	}
	return may_send(s, st, now);
}

static void has_tried(struct stage *s, struct strand *st, struct line *l, uint64_t now)
{
	s->t->stats->retried += st->tries > 0;
	st->began = true;
	st->tries++;
	st->due_ns = st->end_ns = now + stage_wait(s, st, l);
}

void stage_run_send(struct stage *s, struct strand *st, uint64_t now)
{
	const struct act *a = strand_act(s, st);
	struct line *l = strand_line(s, st);
	struct trail sent;
	uint64_t at_ns;

	stage_line_begins(s, l, false);
	if (!may_try(s, st, l, now))
		return;
	if (!st->began)
		choose_numbers(s, st, l);
	mark_of(s, st)->after = AFTER_UNKNOWN; /* what was asked before it counts no more */
	if (stage_send_form(s, l, a->form, st->ask_seq, st->ask_ack, &sent, &at_ns)) {
		stage_note_sent(s, mark_of(s, st), &sent, at_ns);
		if (!l->f->opened_ns && a->form->flags == TCP_SYN)
			l->f->opened_ns = at_ns;
	}
	has_tried(s, st, l, now);
}

/* One octet that the service has acknowledged already (the SYN, where there is none): a connection
 * answers with an ACK each time (RFC 9293, 3.10.7.4, first), and it changes nothing. */
void stage_run_live(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);
	struct exchange *x = mark_of(s, st);
	struct trail sent;
	uint64_t at_ns;

	if (!may_try(s, st, l, now))
		return;
	if (!st->began) {
		st->asks = x->tries == 0;
		if (x->after != AFTER_ACCEPTED)
			x->after = AFTER_UNKNOWN;
	} else if (!st->asks) {
		x->repeats++;
	}
	if (stage_send_ack(s, l, l->una - 1, formed_old_octet, 1, &sent, &at_ns) && st->asks)
		stage_note_sent(s, x, &sent, at_ns);
	has_tried(s, st, l, now);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* Does it acknowledge octets of what was asked? */
static bool takes_ours(const struct line *l, const struct exchange *x, const struct packet *pk)
{
	return x->sent.len > 0 && !(x->sent.flags & TCP_SYN) && seq_gt(pk->seg.ack, l->una);
}

/* Or is it the service's own doing, that answers nothing? */
static bool is_answer(const struct strand *st, const struct act *a, const struct line *l,
		      const struct exchange *x, const struct packet *pk)
{
	uint16_t flags = pk->seg.flags;

	if (pk->kind != PACKET_TCP || flags & TCP_RST)
		return true;
	if (flags & TCP_SYN)
		return x->sent.flags & TCP_SYN && a->op == ACT_SEND &&
		       pk->seg.ack == x->sent.seq + 1;
	if (!(flags & TCP_ACK))
		return false;
	if (a->op == ACT_WRITE)
		return takes_ours(l, x, pk);
	if (!l->known)
		return true;
	if (a->op == ACT_LIVE && !st->asks)
		return !stage_is_probe(l, pk);
	return takes_ours(l, x, pk) || (!segment_len(&pk->seg) && !stage_is_probe(l, pk));
}

/* Beside the answer itself: the connection's fate. */
static void note_fate(const struct act *a, const struct line *l, struct exchange *x,
		      const struct packet *pk)
{
	if (pk->kind != PACKET_TCP)
		return;
	if (pk->seg.flags & TCP_RST) {
		if (a->op == ACT_LIVE)
			x->after = AFTER_GONE;
	} else if (l->known && takes_ours(l, x, pk)) {
		x->after = AFTER_ACCEPTED;
	} else if (a->op == ACT_LIVE && x->after != AFTER_ACCEPTED) {
		x->after = AFTER_ALIVE;
	}
}

/* Who opens anew, or at a port where nothing was: the numbers are the new connection's. */
static void note_opened(struct stage *s, struct line *l, const struct exchange *x,
			const struct packet *pk)
{
	if (x->sent.flags != TCP_SYN)
		return;
	if (l->f->end == LINE_NEVER && x->reaction != REACTION_CHALLENGE_ACK)
		l->f->end = end_of(x->reaction);
	if (x->reaction == REACTION_CHALLENGE_ACK && l->quiet)
		l->una = pk->seg.ack; /* that is what our RST must have */
	if (x->reaction != REACTION_SYN_ACK || !l->quiet)
		return;
	stage_learn(l, pk);
	l->half_open = !is_loud(s, l, pk);
}

void stage_take_answer(struct stage *s, struct strand *st, const struct packet *pk, uint64_t at_ns)
{
	const struct act *a = strand_act(s, st);
	struct line *l = strand_line(s, st);
	struct exchange *x = mark_of(s, st);
	struct exchange now = *x;
	unsigned bits;

	if (!st->began || !x->tries || !is_answer(st, a, l, x, pk))
		return;
	if (a->op == ACT_LIVE && !st->asks) {
		/* the answer to the question itself stays as it was */
		if (pk->kind != PACKET_TCP)
			return;
		bits = pk->seg.flags & TCP_RST ? SEES_RST : SEES_ACK;
	} else {
		if (note_answer(s, &now, pk, at_ns) == FIT_NONE)
			return;
		*x = now;
		bits = bits_of(x->reaction);
		if (a->op == ACT_SEND)
			note_opened(s, l, x, pk);
	}
	note_fate(a, l, x, pk);
	answered(s, st, bits & ANSWERED, at_ns);
}
