/*
 * ladder: picks rows: the beginning, the guilty pair, what is next to it. What lies between is
 * counted, and a long silence is a row of its own. It judges no segment: its marks are the
 * finding's.
 */
#include "report/ladder.h"

#include "base/seq.h"
#include "packet/notation.h"
#include "packet/segment.h"
#include "report/reset_words.h"

enum { HANDSHAKE_ROWS = 3, BEFORE = 2, AFTER = 2 };
static const uint64_t silence_min_ns = UINT64_C(2000000000);

/* --- which rows --------------------------------------------------------------------------- */

struct pick {
	bool keep[LADDER_MAX];
	size_t n, total;
};

static void keep(struct pick *p, long i)
{
	if (i < 0 || (size_t)i >= p->total || p->keep[i] || p->n == LADDER_SEGMENTS)
		return;
	p->keep[i] = true;
	p->n++;
}

/* The guilty first, then what gives them a context, then what there is room for. */
static void choose(struct pick *p, const struct finding *f)
{
	long rst = f->rst_at >= 0 ? f->rst_at : (long)p->total - 1;
	long head = p->total && f->ladder[0].flags & TCP_SYN ? HANDSHAKE_ROWS : 1;

	keep(p, f->rst_at);
	keep(p, f->trigger_at);
	for (long i = 0; i < head; i++)
		keep(p, i);
	for (long i = 1; i <= BEFORE; i++)
		keep(p, rst - i);
	for (long i = 1; i <= AFTER; i++)
		keep(p, rst + i);
	for (long i = rst; i >= 0; i--)
		keep(p, i);
	for (long i = rst; i < (long)p->total; i++)
		keep(p, i);
}

/* Rows that name themselves as repeated need no word on the time between them. */
static bool is_silence(const struct seen *before, const struct seen *s, uint64_t *ns)
{
	if (s->wall_ns < before->wall_ns + silence_min_ns ||
	    ((before->repeat || before->keepalive) && (s->repeat || s->keepalive)))
		return false;
	*ns = s->wall_ns - before->wall_ns;
	return true;
}

size_t ladder_pick(const struct finding *f, struct ladder_row rows[LADDER_ROWS])
{
	struct pick p = {.total = f->n_ladder < LADDER_MAX ? f->n_ladder : LADDER_MAX};
	const struct seen *before = NULL;
	size_t n = 0, left_out = 0;
	uint64_t ns;

	choose(&p, f);
	for (size_t i = 0; i < p.total; i++) {
		left_out += !p.keep[i];
		if (!p.keep[i])
			continue;
		if (left_out)
			rows[n++] = (struct ladder_row){LADDER_LEFT_OUT, .left_out = left_out};
		else if (before && is_silence(before, &f->ladder[i], &ns))
			rows[n++] = (struct ladder_row){LADDER_SILENCE, .silence_ns = ns};
		rows[n++] = (struct ladder_row){LADDER_SEGMENT, .at = i};
		before = &f->ladder[i];
		left_out = 0;
	}
	if (left_out)
		rows[n++] = (struct ladder_row){LADDER_LEFT_OUT, .left_out = left_out};
	return n;
}

/* --- what a row says ---------------------------------------------------------------------- */

bool ladder_x_is_left(const struct finding *f)
{
	return f->sender == SENDER_CLIENT;
}

/* From the other's side of the ISN, or before it, a number is shown as it is on the wire. */
static void put_relative(struct text *t, uint32_t n, bool known, uint32_t isn)
{
	int32_t relative = seq_diff(n, isn);

	if (known && relative > -1000000)
		text_putf(t, "%d", (int)relative);
	else
		text_putf(t, "%u", (unsigned)n);
}

enum detail { SHORT, NO_KIND, NO_WINDOW, FULL };

/* A window is worth its place where it is closed, offered, or unusual for a RST. */
static bool shows_window(const struct finding *f, const struct seen *s)
{
	if (s->flags & TCP_RST)
		return s->win != 0;
	if (s->flags & TCP_SYN || s->win == 0)
		return true;
	for (size_t i = 0; i < f->n_clues; i++)
		if (f->clues[i].id == CLUE_WINDOW_GREW)
			return s->from_x;
	return false;
}

static const char *kind_word(const struct seen *s)
{
	return s->keepalive   ? " keep-alive"
	       : s->duplicate ? " same frame"
	       : s->repeat    ? " again"
			      : "";
}

static void put_label(struct text *t, const struct finding *f, const struct seen *s, enum detail d)
{
	bool has_seq = s->from_x ? f->has_isn_x : f->has_isn_y;
	bool has_ack = s->from_x ? f->has_isn_y : f->has_isn_x;
	uint32_t isn_seq = s->from_x ? f->isn_x : f->isn_y;
	uint32_t isn_ack = s->from_x ? f->isn_y : f->isn_x;

	notation_put_flags(t, s->flags);
	text_putf(t, " ");
	put_relative(t, s->seq, has_seq, isn_seq);
	if (d != SHORT) {
		text_putf(t, ":");
		put_relative(t, s->seq + s->len, has_seq, isn_seq);
	}
	text_putf(t, "(%u)", (unsigned)s->len);
	if (s->flags & TCP_ACK) {
		text_putf(t, " ack ");
		put_relative(t, s->ack, has_ack, isn_ack);
	}
	if (d == FULL && shows_window(f, s))
		text_putf(t, " win %u", (unsigned)s->win);
	if (d >= NO_WINDOW)
		text_putf(t, "%s", kind_word(s));
}

void ladder_label(struct text *t, const struct finding *f, const struct seen *s, size_t room)
{
	size_t start = t->len;

	for (int d = FULL; d >= SHORT; d--) {
		t->len = start;
		put_label(t, f, s, (enum detail)d);
		if (t->len - start <= room)
			break;
	}
}

void ladder_time(struct text *t, const struct finding *f, const struct seen *s)
{
	bool before = s->wall_ns < f->wall_ns;

	if (s->frame == f->frame) {
		text_putf(t, "0");
		return;
	}
	text_putf(t, before ? "-" : "+");
	reset_words_measured(t, before ? f->wall_ns - s->wall_ns : s->wall_ns - f->wall_ns);
}
