/*
 * script_talk: one conversation: how each step begins, what it waits for, and what a segment from
 * the peer is to it. It refuses to know why the program asks, and what the answer means.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "engine/script_private.h"
#include "packet/options.h"

enum {
	OUTSIDE = 3U << 29,	  /* beyond any window: 2^30 is the largest (RFC 7323, 2.3) */
	ACK_AHEAD = 100000,	  /* octets that nobody has sent */
	ACK_BEHIND = 1U << 30,	  /* RFC 5961, 5: too old for any window */
	WIN = 1021,		  /* and up: windows that nobody else would choose */
	CONN_AGAIN_NS = 50000000, /* until descriptors may be free again */
	DELAYED_ACK_NS = 100000000, /* our kernel's delayed ACK has left by then */
	NS_PER_MS = 1000000,
};

static const uint8_t junk[16] = "rstprobe-battery";

/* --- segments ----------------------------------------------------------------------------- */

static struct segment blank(struct script *s, const struct party *p, const struct talk *t)
{
	return (struct segment){
	    .src = s->w->paths[p->host->path].src,
	    .dst = p->host->addr,
	    .sport = t->sport,
	    .dport = t->dport,
	    .ttl = s->c->ttl ? s->c->ttl : 64,
	    .df = true,
	};
}

static uint16_t mss_of(const struct script *s, const struct party *p)
{
	uint32_t mtu = s->w->paths[p->host->path].mtu;
	unsigned headers = p->host->addr.family == ADDR_V4 ? 40 : 60;

	return (uint16_t)(mtu >= 576 && mtu <= 9000 ? mtu - headers : 1500 - headers);
}

static void add_syn_options(struct script *s, const struct party *p, const struct talk *t,
			    struct segment *seg)
{
	uint32_t tsval = t->has_ts ? t->tsval : script_random(s) | 1;

	seg->options_len =
	    (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, mss_of(s, p), tsval, seg->options);
}

/* On a connection with time stamps each segment must carry them (RFC 7323, 3.2); ours are never
 * ahead of our kernel's own, or PAWS would drop what it sends after us. */
static void add_timestamps(const struct talk *t, struct segment *seg)
{
	if (!t->has_ts)
		return;
	seg->options_len = 12;
	seg->options[0] = seg->options[1] = TCP_OPT_NOP;
	seg->options[2] = TCP_OPT_TIMESTAMPS;
	seg->options[3] = 10;
	bytes_put_be32(seg->options + 4, t->tsval);
	bytes_put_be32(seg->options + 8, t->tsecr);
}

static uint32_t seq_of(struct script *s, const struct talk *t)
{
	switch (t->form->seq) {
	case FORM_SEQ_NXT: return t->nxt;
	case FORM_SEQ_WINDOW: return t->nxt + 1;
	case FORM_SEQ_OUTSIDE: return t->nxt + OUTSIDE;
	case FORM_SEQ_OLD: return t->nxt - 1;
	case FORM_SEQ_RANDOM: break;
	}
	return script_random(s);
}

static uint32_t ack_of(struct script *s, const struct talk *t)
{
	switch (t->form->ack) {
	case FORM_ACK_NXT: return t->peer_nxt;
	case FORM_ACK_UNSENT: return t->peer_nxt + ACK_AHEAD;
	case FORM_ACK_OLD: return t->peer_nxt - ACK_BEHIND;
	case FORM_ACK_RANDOM: break;
	}
	return script_random(s) |
	       0x10000; /* never small: an answer's 0 or 1 must not look like it */
}

static void note_sent(struct talk *t, const struct segment *seg, uint64_t now)
{
	t->x.tries++;
	t->x.port = t->dport;
	t->x.asked_ns = now;
	t->x.sent = (struct sent){
	    .seq = seg->seq, .ack = seg->ack, .flags = seg->flags, .len = segment_len(seg)};
	t->x.sent_win = seg->win;
}

/* As new as the kernel's own: older is refused (PAWS), newer would have the kernel's refused. */
static void refresh_timestamps(struct script *s, struct talk *t)
{
	uint32_t now;

	if (t->has_ts && t->conn >= 0 && s->w->ops->conn_tsval(s->w, t->conn, &now))
		t->tsval = now;
}

static bool send_form(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	const struct form *f = t->form;
	struct segment seg = blank(s, p, t);

	refresh_timestamps(s, t);
	seg.flags = f->flags;
	seg.seq = seq_of(s, t);
	seg.ack = ack_of(s, t);
	seg.win = (uint16_t)(WIN + t->sport % 512 + t->tries);
	seg.urg = f->flags & TCP_URG ? 1 : 0;
	seg.payload = f->payload_len ? junk : NULL;
	seg.payload_len = f->payload_len;
	if (f->options)
		add_syn_options(s, p, t, &seg);
	else
		add_timestamps(t, &seg);
	if (!script_send(s, p, &seg))
		return false;
	t->sent_form = true;
	note_sent(t, &seg, now);
	return true;
}

/* One octet that the peer has acknowledged already: a connection answers with an ACK each time
 * (RFC 9293, 3.10.7.4, first), and it changes nothing. */
static void send_old_octet(struct script *s, struct party *p, struct talk *t)
{
	struct segment seg = blank(s, p, t);

	refresh_timestamps(s, t);

	seg.flags = TCP_ACK;
	seg.seq = t->nxt - 1;
	seg.ack = t->peer_nxt;
	seg.win = WIN;
	seg.payload = junk;
	seg.payload_len = 1;
	add_timestamps(t, &seg);
	script_send(s, p, &seg);
}

static void send_raw_syn(struct script *s, struct party *p, struct talk *t)
{
	struct segment seg = blank(s, p, t);

	seg.flags = TCP_SYN;
	if (!t->began) { /* every try repeats the number: another one would kill the half-open */
		t->iss = script_random(s);
		t->tsval = script_random(s) | 1;
	}
	seg.seq = t->iss;
	seg.ack = script_random(s); /* as in every probe: who looks at it shows it */
	seg.win = 64240;
	seg.options_len =
	    (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, mss_of(s, p), t->tsval, seg.options);
	script_send(s, p, &seg);
}

/* --- the end of a talk -------------------------------------------------------------------- */

/* The peer's half-open or established end goes at once, not by its timers. */
static void tidy(struct script *s, struct party *p, const struct talk *t)
{
	struct segment seg = blank(s, p, t);

	if (!t->known || t->x.after == AFTER_GONE)
		return;
	seg.flags = TCP_RST;
	seg.seq = t->nxt;
	script_send(s, p, &seg);
}

void talk_drop(struct script *s, struct party *p, struct talk *t)
{
	if (t->conn >= 0) {
		s->w->ops->conn_close(s->w, t->conn, true);
		t->conn = -1;
		s->conns--;
	}
	if (t->raw)
		tidy(s, p, t);
	t->raw = false;
}

static void end_talk(struct script *s, struct party *p, struct talk *t, enum talk_end end)
{
	t->step = NULL;
	talk_drop(s, p, t);
	p->ask_ns = 0; /* what the program said of waiting may no longer hold */
	s->c->program->done(p->host->ctx, t->tag, end, &t->x, false);
}

static void next_step(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	t->step++;
	t->began = false;
	t->tries = 0;
	t->due_ns = now;
	if (t->step->op == STEP_END)
		end_talk(s, p, t, TALK_DONE);
}

/* Until our kernel has acknowledged it they are in FIN-WAIT-1; and its ACK, should it come after a
 * segment of ours that ended the connection, would draw LISTEN's answer. It may come late. */
static void next_after_fin(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	next_step(s, p, t, now);
	t->due_ns = now + DELAYED_ACK_NS;
}

/* --- steps -------------------------------------------------------------------------------- */

static enum talk_end end_of_silence(enum step_op op)
{
	return op == STEP_AWAIT_FIN ? TALK_NO_FIN : TALK_NO_ANSWER;
}

static uint64_t wait_of(const struct script *s, const struct talk *t)
{
	uint64_t ns = t->step->wait_ms ? (uint64_t)t->step->wait_ms * NS_PER_MS : s->c->wait_ns;

	if (!ns)
		ns = 1000 * (uint64_t)NS_PER_MS;
	return ns > 3 * t->rtt_ns ? ns : 3 * t->rtt_ns;
}

static void begin_connect(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	struct wire_conn_to to = {
	    .path = p->host->path, .dst = p->host->addr, .sport = t->sport, .dport = t->dport};
	bool full = s->conns >= s->c->conns_max;
	struct err e;

	t->conn = full ? -1 : s->w->ops->conn_open(s->w, &to, &full, &e);
	if (t->conn >= 0) {
		s->conns++;
		t->step_ns = now;
		t->began = true;
		t->tries = 1;
		t->due_ns = now + 3 * wait_of(s, t); /* the kernel repeats the SYN itself */
	} else if (full) {
		t->due_ns = now + CONN_AGAIN_NS;
	} else {
		end_talk(s, p, t, TALK_FAILED);
	}
}

/* The kernel's own segments: not ours to repeat, so one try, and long enough for it to repeat. */
static void begin_kernel(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	enum step_op op = t->step->op;

	t->began = true;
	t->tries = 1;
	t->due_ns = now + (op == STEP_AWAIT_FIN ? 1 : 3) * wait_of(s, t);
	if (op == STEP_SHUTDOWN) {
		s->w->ops->conn_shutdown(s->w, t->conn);
	} else if (op == STEP_CLOSE) {
		refresh_timestamps(s, t);
		s->w->ops->conn_close(s->w, t->conn, false);
		t->conn = -1;
		s->conns--;
	}
	t->fin_sent = t->fin_sent || op == STEP_SHUTDOWN || op == STEP_CLOSE;
	if (op == STEP_AWAIT_FIN && t->peer_fin)
		next_after_fin(s, p, t, now);
}

static bool send_step(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	if (t->step->op == STEP_SEND && !send_form(s, p, t, now)) {
		end_talk(s, p, t, TALK_FAILED);
		return true;
	}
	if (t->step->op == STEP_SEND)
		t->x.after = AFTER_UNKNOWN; /* what was asked before it counts no more */
	else if (t->step->op == STEP_LIVE)
		send_old_octet(s, p, t);
	else
		send_raw_syn(s, p, t);
	s->stats->retried += t->tries > 0;
	if (t->tries > 0 && t->step->op != STEP_SEND)
		t->x.repeats++;
	if (!t->began)
		t->step_ns = now;
	t->began = true;
	t->tries++;
	t->due_ns = now + wait_of(s, t);
	return true;
}

static bool is_paced(enum step_op op)
{
	return op == STEP_SEND || op == STEP_LIVE || op == STEP_RAW_SYN;
}

/* A SYN or a RST may end the connection without a word; the next one would draw LISTEN's answer. */
static unsigned tries_of(const struct talk *t)
{
	if (t->known && t->step->op == STEP_SEND && t->form->flags & (TCP_SYN | TCP_RST))
		return 1;
	return t->step->tries ? t->step->tries : 1;
}

/* Silence to the last try: SEND and LIVE go on, the others can't. */
static void give_up(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	enum step_op op = t->step->op;

	if (op == STEP_LIVE && !t->sent_form)
		end_talk(s, p, t, TALK_MUTE);
	else if (op == STEP_SEND || op == STEP_LIVE)
		next_step(s, p, t, now);
	else
		end_talk(s, p, t, end_of_silence(op));
}

bool talk_run(struct script *s, struct party *p, struct talk *t, uint64_t now, bool may_send)
{
	enum step_op op;

	while (t->step && t->due_ns <= now) {
		op = t->step->op;
		if (t->began && (!is_paced(op) || t->tries >= tries_of(t))) {
			give_up(s, p, t, now);
			continue;
		}
		if (op == STEP_RAW_SYN && !s->w->n_quiet) {
			end_talk(s, p, t, TALK_NO_QUIET);
		} else if (op == STEP_LIVE && !t->sent_form) {
			send_step(s, p, t, now); /* draws a RST only where nothing stands */
		} else if (is_paced(op)) {
			return may_send && send_step(s, p, t, now);
		} else if (op == STEP_CONNECT) {
			begin_connect(s, p, t, now);
		} else {
			begin_kernel(s, p, t, now);
		}
	}
	return false;
}

/* --- frames ------------------------------------------------------------------------------- */

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
	t->peer_nxt = pk->seg.seq + 1;
	learn_timestamps(t, pk);
	if (t->raw && pk->seg.ttl == 255 && !s->w->quiet_ttl255) {
		t->x.after = AFTER_GONE; /* our kernel has spoken: nothing to tidy */
		end_talk(s, p, t, TALK_NO_QUIET);
		return;
	}
	next_step(s, p, t, at_ns);
}

static void answered(struct script *s, struct party *p, struct talk *t, uint64_t at_ns)
{
	if (!t->answered)
		s->stats->answered++;
	t->answered = true;
	next_step(s, p, t, at_ns);
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

	if (op == STEP_CONNECT || op == STEP_RAW_SYN) {
		end_talk(s, p, t, TALK_REFUSED);
	} else if (!t->sent_form) {
		t->x.after = AFTER_GONE;
		end_talk(s, p, t, TALK_DIED);
	} else if (op == STEP_SEND) {
		exchange_take(&t->x, pk);
		sample(t, at_ns);
		answered(s, p, t, at_ns);
	} else if (op == STEP_LIVE) {
		t->x.after = AFTER_GONE;
		next_step(s, p, t, at_ns);
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
	next_step(s, p, t, at_ns);
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
		next_step(s, p, t, at_ns);
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
		next_after_fin(s, p, t, at_ns);
	} else if (!awaits_fin(t) && (t->step + 1)->op == STEP_AWAIT_FIN) {
		t->peer_fin = true; /* it came with the handshake's last segment */
	} else if (!awaits_fin(t)) {
		/* the state was left before all was asked */
		t->peer_fin = true;
		end_talk(s, p, t, TALK_PEER_CLOSED);
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
	end_talk(s, p, t, TALK_DONE);
}

static bool take_in_connection(struct script *s, struct party *p, struct talk *t,
			       const struct packet *pk, uint64_t at_ns)
{
	enum step_op op = t->step->op;
	uint16_t flags = pk->seg.flags;

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
		end_talk(s, p, t, TALK_REFUSED);
	return true;
}

bool talk_begin(struct script *s, struct party *p, const struct talk_wish *wish)
{
	struct talk *t;
	bool quiet = false;

	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 64;
		struct talk *v = realloc(p->talks, cap * sizeof(*v));

		if (!v)
			return false;
		p->talks = v;
		p->cap = cap;
	}
	/* What must outlive our kernel's socket, or never has one, comes from a quiet port. */
	for (const struct step *st = wish->steps; st->op != STEP_END; st++)
		quiet = quiet || st->op == STEP_RAW_SYN || st->op == STEP_CLOSE;
	t = &p->talks[p->n++];
	*t = (struct talk){
	    .step = wish->steps,
	    .form = wish->form,
	    .tag = wish->tag,
	    .dport = wish->dport,
	    .conn = -1,
	    .raw = wish->steps[0].op == STEP_RAW_SYN,
	    .x = {.from = p->host->addr, .port = wish->dport},
	};
	if (quiet && s->w->n_quiet)
		t->sport = (uint16_t)(s->w->quiet_first + p->next_quiet++ % s->w->n_quiet);
	else
		t->sport = (uint16_t)(s->c->sport_first + p->next_sport++ % SCRIPT_SPORTS);
	return true;
}
