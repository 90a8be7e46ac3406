/*
 * stage_acts: what an application does on a connection (write, read, wait, close), and the table of
 * all acts. The acts that ask are in stage_asks. A raw line is written to as a plain sender does:
 * one segment, until it is acknowledged.
 */
#include <errno.h>
#include <string.h>

#include "base/seq.h"
#include "engine/stage_private.h"

enum {
	TICK_MS = 20, /* a socket is looked at again */
	CHUNK = 16384,
	CHUNKS = 16,	     /* of one turn: frames must not wait for long */
	RAW_WRITE_MS = 1000, /* a raw segment is sent again */
	/* Octets within the wait, else nothing moves: who takes one now and then would hold us for
	 * days. */
	LEAST_MOVE = 4096,
};
#define NS_PER_S 1000000000ULL

static const char default_line[] = "rstprobe\r\n";

/* --- the job's octets ------------------------------------------------------------------------- */

/* A raw line always has something to send: the scenes that use one need the service to act. */
static uint64_t job_len(const struct stage *s, const struct line *l)
{
	uint64_t len = s->c->head_len + s->c->body;

	return len || !l->quiet ? len : sizeof(default_line) - 1;
}

static uint8_t job_octet(const struct stage *s, uint64_t i)
{
	if (i < s->c->head_len)
		return s->c->head[i];
	if (!s->c->head_len && !s->c->body && i < sizeof(default_line) - 1)
		return (uint8_t)default_line[i];
	return (uint8_t)('a' + (i - s->c->head_len) % 26);
}

static size_t job_fill(const struct stage *s, uint64_t from, uint64_t until, uint8_t *out,
		       size_t cap)
{
	size_t n = until - from < cap ? (size_t)(until - from) : cap;

	for (size_t i = 0; i < n; i++)
		out[i] = job_octet(s, from + i);
	return n;
}

/* --- write ------------------------------------------------------------------------------------ */

static void begin_write(struct stage *s, struct strand *st, struct line *l, uint64_t now)
{
	const struct act *a = strand_act(s, st);
	struct exchange *x = &l->f->at[a->mark];
	struct trail sent = {
	    .sent = {.seq = l->nxt, .ack = l->rcv_nxt, .flags = TCP_PSH | TCP_ACK}};

	st->began = true;
	st->goal = a->arg ? l->wrote + a->arg : job_len(s, l);
	st->end_ns = now + stage_wait(s, st, l);
	st->base = l->wrote + l->f->acked_octets;
	l->wants = true;
	if (a->mark == MARK_SYN)
		return;
	sent.sent.len = (uint32_t)(st->goal - l->wrote);
	stage_note_sent(s, x, &sent, now);
}

static void end_write(struct stage *s, struct strand *st, struct line *l, unsigned bits,
		      uint64_t now)
{
	l->wants = false;
	l->wrote_marked = l->wrote_marked || strand_act(s, st)->mark != MARK_SYN;
	stage_act_over(s, st, bits, now);
}

/* What the socket takes. 0, or the errno that ends it. */
static int write_some(struct stage *s, struct strand *st, struct line *l)
{
	uint8_t octets[CHUNK];

	for (unsigned i = 0; i < CHUNKS && l->wrote < st->goal; i++) {
		size_t n = job_fill(s, l->wrote, st->goal, octets, sizeof(octets));
		ssize_t rc = s->t->w->ops->conn_write(s->t->w, l->conn, octets, n);

		if (rc == -EAGAIN)
			return 0;
		if (rc < 0)
			return (int)-rc;
		l->wrote += (uint64_t)rc;
		l->f->written += (uint64_t)rc;
	}
	return 0;
}

/* A mark's answer comes as a frame; without one, all octets acknowledged are the end. */
static bool is_written(const struct stage *s, const struct strand *st, const struct line *l)
{
	if (l->wrote < st->goal)
		return false;
	if (l->had & SEES_RST)
		return true;
	return strand_act(s, st)->mark == MARK_SYN && l->f->acked_octets >= l->f->written;
}

static void run_kernel_write(struct stage *s, struct strand *st, struct line *l, uint64_t now)
{
	int *slot = l->wrote_marked ? &l->f->write_again_errno : &l->f->write_errno;
	int error = write_some(s, st, l);
	uint64_t moved = l->wrote + l->f->acked_octets;

	if (error) {
		*slot = error;
		end_write(s, st, l, SEES_RST, now);
		return;
	}
	if (is_written(s, st, l)) {
		end_write(s, st, l, l->had & SEES_RST ? SEES_RST : SEES_TAKEN, now);
		return;
	}
	if (moved - st->base >= LEAST_MOVE) {
		st->end_ns = now + stage_wait(s, st, l);
		st->base = moved;
	}
	if (now >= st->end_ns)
		end_write(s, st, l,
			  strand_act(s, st)->mark == MARK_SYN ? SEES_BLOCKED : SEES_SILENCE, now);
	else
		st->due_ns = now + TICK_MS * NS_PER_MS;
}

/* One segment under way; a line that is closed or reset is done. */
static void run_raw_write(struct stage *s, struct strand *st, struct line *l, uint64_t now)
{
	const struct act *a = strand_act(s, st);
	uint8_t octets[SEGMENT_MAX];
	size_t n;

	if (l->una == l->nxt)
		st->tries = 0;
	if (l->had & (SEES_FIN | SEES_RST) || (l->una == l->nxt && l->wrote >= st->goal)) {
		end_write(s, st, l, l->had & SEES_RST ? SEES_RST : SEES_TAKEN, now);
		return;
	}
	if (st->tries && now < st->sent_ns + RAW_WRITE_MS * NS_PER_MS) {
		st->due_ns = st->sent_ns + RAW_WRITE_MS * NS_PER_MS;
		return;
	}
	if (st->tries >= (a->tries ? a->tries : 1)) {
		end_write(s, st, l, SEES_BLOCKED, now);
		return;
	}
	if (!st->tries++) {
		n = job_fill(s, l->wrote, st->goal, octets, stage_room(s));
		l->nxt += (uint32_t)n;
		l->wrote += n;
		l->f->written += n;
	} else {
		s->t->stats->retried++;
		n = job_fill(s, l->wrote - (l->nxt - l->una), l->wrote, octets, stage_room(s));
	}
	stage_send_ack(s, l, l->una, octets, n, NULL, NULL);
	st->sent_ns = now;
	st->due_ns = st->end_ns = now + RAW_WRITE_MS * NS_PER_MS;
}

static void run_write(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);

	if (!st->began)
		begin_write(s, st, l, now);
	if (l->conn >= 0)
		run_kernel_write(s, st, l, now);
	else if (l->quiet)
		run_raw_write(s, st, l, now);
	else
		end_write(s, st, l, SEES_RST, now);
}

static void take_write(struct stage *s, struct strand *st, const struct packet *pk, uint64_t at_ns)
{
	struct line *l = strand_line(s, st);
	uint8_t at = st->at;

	if (strand_act(s, st)->mark == MARK_SYN)
		return;
	stage_take_answer(s, st, pk, at_ns);
	if (st->at != at || st->over) {
		l->wants = false;
		l->wrote_marked = true;
	}
}

/* --- read ------------------------------------------------------------------------------------- */

static void keep_head(struct stage *s, const uint8_t *octets, size_t n)
{
	size_t room = sizeof(s->head) - s->head_len;

	if (n > room)
		n = room;
	memcpy(s->head + s->head_len, octets, n);
	s->head_len += n;
}

/* How many octets may be read by now. */
static uint64_t allowance(const struct stage *s, const struct strand *st, const struct line *l,
			  uint64_t now)
{
	uint64_t rate = strand_act(s, st)->arg, read = l->f->read - st->base;
	uint64_t may = rate * (now - st->began_ns + TICK_MS * NS_PER_MS) / NS_PER_S;

	if (!rate)
		return (uint64_t)CHUNK * CHUNKS;
	return may > read ? may - read : 0;
}

/* Octets, or 0 where there are none now; ended by `*bits`. */
static size_t read_some(struct stage *s, struct line *l, uint64_t may, unsigned *bits)
{
	uint8_t octets[CHUNK];
	ssize_t n;

	if (!may)
		return 0;
	n = s->t->w->ops->conn_read(s->t->w, l->conn, octets,
				    may < sizeof(octets) ? (size_t)may : sizeof(octets));
	if (n > 0) {
		keep_head(s, octets, (size_t)n);
		l->f->read += (uint64_t)n;
		return (size_t)n;
	}
	if (n == 0) {
		l->f->read_eof = !l->f->read_errno; /* an error is said once, then this */
		*bits = SEES_FIN;
	} else if (n != -EAGAIN) {
		l->f->read_errno = (int)-n;
		*bits = SEES_RST;
	}
	return 0;
}

static void run_read(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);
	unsigned bits = 0;
	uint64_t may;
	size_t n;

	if (!st->began) {
		st->began = true;
		st->end_ns = now + stage_wait(s, st, l);
		st->base = l->f->read;
	}
	for (may = l->conn >= 0 ? allowance(s, st, l, now) : 0; may && !bits; may -= n) {
		n = read_some(s, l, may, &bits);
		if (!n)
			break;
	}
	if (bits || now >= st->end_ns || l->conn < 0) {
		st->seen = 0; /* what the application saw, not the frames */
		stage_act_over(s, st, bits ? bits : SEES_SILENCE, now);
		return;
	}
	st->due_ns = now + TICK_MS * NS_PER_MS;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void run_await(struct stage *s, struct strand *st, uint64_t now)
{
	const struct act *a = strand_act(s, st);
	struct line *l = strand_line(s, st);

	if (!st->began) {
		st->began = true;
		st->seen = l->had;
		st->due_ns = st->end_ns = now + stage_wait(s, st, l);
		if (st->seen & a->until)
			stage_act_over(s, st, 0, now);
		return;
	}
	stage_act_over(s, st, SEES_SILENCE, now);
}

static void saw_await(struct stage *s, struct strand *st, uint64_t at_ns)
{
	if (st->seen & strand_act(s, st)->until)
		stage_act_over(s, st, 0, at_ns);
}

/* The socket has learnt what the capture shows, or will have in a moment. */
static void saw_something(struct stage *s, struct strand *st, uint64_t at_ns)
{
	(void)s;
	if (at_ns < st->due_ns)
		st->due_ns = at_ns;
}

/* --- the end, and the rest -------------------------------------------------------------------- */

static void run_answer(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);

	l->answers = strand_act(s, st)->arg != 0;
	if (l->answers && l->quiet && seq_gt(l->rcv_nxt, l->ack_sent))
		stage_send_ack(s, l, l->una, NULL, 0, NULL, NULL);
	stage_act_over(s, st, 0, now);
}

static void run_shutdown(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);

	if (l->conn >= 0)
		s->t->w->ops->conn_shutdown(s->t->w, l->conn);
	stage_act_over(s, st, 0, now);
}

/* A frame that came before may be handed on after: the clock tells them apart. */
static void note_closed(struct stage *s, struct line *l)
{
	if (!l->f->closed_ns)
		l->f->closed_ns = s->t->w->ops->now(s->t->w);
}

static void run_abort(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);

	note_closed(s, l);
	if (l->conn >= 0)
		s->t->w->ops->conn_close(s->t->w, l->conn, true);
	l->conn = -1;
	stage_tidy(s, l);
	stage_act_over(s, st, 0, now);
}

static bool is_closed(const struct line *l)
{
	return l->had & SEES_RST || (l->had & SEES_FIN && l->fin_acked);
}

static void drain(struct stage *s, struct line *l)
{
	uint8_t octets[CHUNK];

	for (unsigned i = 0; i < CHUNKS; i++)
		if (s->t->w->ops->conn_read(s->t->w, l->conn, octets, sizeof(octets)) <= 0)
			return;
}

/* Our FIN, and the service's after it. Who doesn't close in time is reset: a socket that waits for
 * it would be left behind. */
static void run_close(struct stage *s, struct strand *st, uint64_t now)
{
	struct line *l = strand_line(s, st);

	if (l->conn < 0) {
		run_abort(s, st, now);
		return;
	}
	drain(s, l);
	if (!st->began) {
		note_closed(s, l);
		s->t->w->ops->conn_shutdown(s->t->w, l->conn);
		st->began = true;
		st->end_ns = now + stage_wait(s, st, l);
	}
	if (!is_closed(l) && now < st->end_ns) {
		st->due_ns = now + TICK_MS * NS_PER_MS;
		return;
	}
	s->t->w->ops->conn_close(s->t->w, l->conn, !is_closed(l));
	l->conn = -1;
	stage_act_over(s, st, 0, now);
}

/* clang-format off */
const struct stage_op stage_ops[] = {
    [ACT_CONNECT] = {stage_run_connect, stage_take_connect, NULL, "connecting"},
    [ACT_RAW_CONNECT] = {stage_run_raw, stage_take_connect, NULL, "connecting without the kernel"},
    [ACT_RAW_SYN] = {stage_run_raw, stage_take_connect, NULL, "sending a SYN"},
    [ACT_SEND] = {stage_run_send, stage_take_answer, NULL, "asking"},
    [ACT_LIVE] = {stage_run_live, stage_take_answer, NULL, "asking for a sign of life"},
    [ACT_WRITE] = {run_write, take_write, saw_something, "writing"},
    [ACT_READ] = {run_read, NULL, saw_something, "reading"},
    [ACT_AWAIT] = {run_await, NULL, saw_await, "waiting"},
    [ACT_REST] = {run_await, NULL, saw_await, "letting the connection rest"},
    [ACT_ANSWER] = {run_answer, NULL, NULL, "acknowledging"},
    [ACT_SHUTDOWN] = {run_shutdown, NULL, NULL, "closing our direction"},
    [ACT_CLOSE] = {run_close, NULL, saw_something, "closing"},
    [ACT_ABORT] = {run_abort, NULL, NULL, "resetting our connection"},
};
/* clang-format on */
