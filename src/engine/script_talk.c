/*
 * script_talk: one conversation: how each step begins, and how long it waits. It refuses to know
 * why the program asks, and what the answer means; what a segment is to it, script_frames says.
 */
#include <stdlib.h>

#include "base/array.h"
#include "engine/formed.h"
#include "engine/script_private.h"

enum {
	WIN = 1021,		    /* and up: windows that nobody else would choose */
	CONN_AGAIN_NS = 50000000,   /* until descriptors may be free again */
	DELAYED_ACK_NS = 100000000, /* our kernel's delayed ACK has left by then */
	NS_PER_MS = 1000000,
};

/* --- segments ----------------------------------------------------------------------------- */

static const struct path *path_of(const struct script *s, const struct party *p)
{
	return &s->w->paths[p->host->path];
}

static struct segment blank(struct script *s, const struct party *p, const struct talk *t)
{
	return (struct segment){
	    .src = path_of(s, p)->src,
	    .dst = p->host->addr,
	    .sport = t->sport,
	    .dport = t->dport,
	    .ttl = s->c->ttl ? s->c->ttl : 64,
	    .df = true,
	};
}

/* As new as the kernel's own: older is refused (PAWS), newer would have the kernel's refused. */
static void refresh_timestamps(struct script *s, struct talk *t)
{
	uint32_t now;

	if (t->has_ts && t->conn >= 0 && s->w->ops->conn_tsval(s->w, t->conn, &now))
		t->tsval = now;
}

static struct numbers numbers_of(struct script *s, struct talk *t)
{
	refresh_timestamps(s, t);
	return (struct numbers){
	    .nxt = t->nxt,
	    .peer_nxt = t->peer_nxt,
	    .has_ts = t->has_ts,
	    .tsval = t->tsval,
	    .tsecr = t->tsecr,
	};
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

static bool send_form(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	const struct form *f = t->form;
	struct segment seg = blank(s, p, t);
	struct numbers n = numbers_of(s, t);
	uint32_t random_seq = script_random(s), random_ack = script_random(s);

	formed_fill(&seg, f, &n, random_seq, random_ack);
	if (f->options)
		formed_syn_options(&seg, path_of(s, p), n.has_ts ? n.tsval : script_random(s) | 1);
	seg.win = (uint16_t)(WIN + t->sport % 512 + t->tries);
	if (!script_send(s, p, &seg))
		return false;
	t->sent_form = true;
	note_sent(t, &seg, now);
	return true;
}

/* An ACK with `len` octets of the old one. */
static void send_ack(struct script *s, struct party *p, struct talk *t, uint32_t len)
{
	struct segment seg = blank(s, p, t);
	struct numbers n = numbers_of(s, t);

	seg.flags = TCP_ACK;
	seg.seq = n.nxt - len;
	seg.ack = n.peer_nxt;
	seg.win = WIN;
	seg.payload = len ? formed_old_octet : NULL;
	seg.payload_len = len;
	formed_timestamps(&seg, &n);
	script_send(s, p, &seg);
}

/* One octet that the peer has acknowledged already: a connection answers with an ACK each time
 * (RFC 9293, 3.10.7.4, first), and it changes nothing. */
static void send_old_octet(struct script *s, struct party *p, struct talk *t)
{
	send_ack(s, p, t, 1);
}

/* The last ACK of the handshake once more: where the first was lost, the peer is in SYN-RECEIVED
 * still, and answers the old octet from there as well. */
static void send_handshake_ack(struct script *s, struct party *p, struct talk *t)
{
	send_ack(s, p, t, 0);
}

static bool send_raw_syn(struct script *s, struct party *p, struct talk *t)
{
	struct segment seg = blank(s, p, t);

	seg.flags = TCP_SYN;
	if (!t->began) { /* every try repeats the number: another one would kill the half-open */
		t->iss = script_random(s);
		t->tsval = script_random(s) | 1;
	}
	seg.seq = t->iss;
	seg.ack = script_random(s); /* as in every probe: who looks at it shows it */
	formed_syn_options(&seg, path_of(s, p), t->tsval);
	return script_send(s, p, &seg);
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

void talk_end_with(struct script *s, struct party *p, struct talk *t, enum talk_end end)
{
	t->step = NULL;
	talk_drop(s, p, t);
	p->ask_ns = 0; /* what the program said of waiting may no longer hold */
	s->c->program->done(p->host->ctx, t->tag, end, &t->x, false);
}

/* Until our kernel has acknowledged a FIN they are in FIN-WAIT-1; and its ACK, should it come after
 * a segment that ended the connection, would draw LISTEN's answer. It may come late. */
void talk_next(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	uint64_t rest = t->step->op == STEP_AWAIT_FIN ? DELAYED_ACK_NS : 0;

	t->step++;
	t->began = false;
	t->tries = 0;
	t->due_ns = now + rest;
	if (t->step->op == STEP_END)
		talk_end_with(s, p, t, TALK_DONE);
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
		talk_end_with(s, p, t, TALK_FAILED);
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
		talk_next(s, p, t, now);
}

static bool send_step(struct script *s, struct party *p, struct talk *t, uint64_t now)
{
	enum step_op op = t->step->op;

	if ((op == STEP_SEND && !send_form(s, p, t, now)) ||
	    (op == STEP_RAW_SYN && !send_raw_syn(s, p, t))) {
		talk_end_with(s, p, t, TALK_FAILED);
		return true;
	}
	if (op == STEP_LIVE && !t->sent_form)
		send_handshake_ack(s, p, t);
	if (op == STEP_SEND)
		t->x.after = AFTER_UNKNOWN; /* what was asked before it counts no more */
	else if (op == STEP_LIVE)
		send_old_octet(s, p, t);
	s->stats->retried += t->tries > 0;
	if (t->tries > 0 && op != STEP_SEND)
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
		talk_end_with(s, p, t, TALK_MUTE);
	else if (op == STEP_SEND || op == STEP_LIVE)
		talk_next(s, p, t, now);
	else
		talk_end_with(s, p, t, end_of_silence(op));
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
			talk_end_with(s, p, t, TALK_NO_QUIET);
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

bool talk_begin(struct script *s, struct party *p, const struct talk_wish *wish)
{
	struct talk *t;
	bool quiet = false;

	if (!array_grow(&p->talks, p->n, &p->cap, sizeof(*p->talks)))
		return false;
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
