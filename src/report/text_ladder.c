/*
 * text_ladder: the packets around a RST as two lifelines with arrows between, in plain ASCII, so
 * that it lives through mail. It decides how many columns each part gets; what is drawn is
 * ladder's.
 */
#include <string.h>

#include "report/ladder.h"
#include "report/reset_words.h"
#include "report/text_private.h"

enum {
	INDENT = 2,
	SPAN_MIN =
	    30, /* between the lifelines, themselves included; below it, lines are too long */
	SPAN_MAX = 64,
	NAMED_MIN = 44, /* from this span on there is room to name the marks */
	ARROW = 7,	/* columns of a row that are no label: "|- " and " ->|" */
	NAME_MAX = 2 * ADDR_TEXT,
};

/* Columns of all rows of one ladder. */
struct page {
	const struct finding *f;
	struct ladder_row rows[LADDER_ROWS];
	size_t n_rows;
	size_t frame, time, span;
	bool named;
};

static size_t digits(uint32_t n)
{
	size_t d = 1;

	for (; n >= 10; n /= 10)
		d++;
	return d;
}

static size_t at_least(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void lay(struct page *p, const struct text_report *t)
{
	const size_t mark = strlen("  << provoked"), brief = strlen(" <<");
	size_t used, width = text_width(t);

	p->frame = 1;
	p->time = 1;
	for (size_t i = 0; i < p->n_rows; i++) {
		const struct seen *s = &p->f->ladder[p->rows[i].at];
		char buf[LADDER_TEXT];
		struct text words = text_of(buf, sizeof(buf));

		if (p->rows[i].kind != LADDER_SEGMENT)
			continue;
		ladder_time(&words, p->f, s);
		p->time = at_least(p->time, words.len);
		p->frame = at_least(p->frame, digits(s->frame));
	}
	used = INDENT + p->frame + 2 + p->time + 2;
	p->named = width >= used + mark + NAMED_MIN;
	used += p->named ? mark : brief;
	p->span = width > used + SPAN_MIN ? width - used : SPAN_MIN;
	p->span = p->span < SPAN_MAX ? p->span : SPAN_MAX;
}

/* --- whose the lifelines are -------------------------------------------------------------- */

static void put_names(struct text_report *t, const struct page *p, const char *left,
		      const char *right)
{
	size_t margin = INDENT + p->frame + 2 + p->time + 2, room = p->span;

	string_putf(&t->line, "%*s%s", (int)margin, "", left);
	if (*left && *right)
		room -= strlen(left);
	string_putf(&t->line, "%*s\n", *right ? (int)at_least(room, strlen(right)) : 0, right);
}

static void name_of(const struct text_report *t, const struct page *p, bool x, bool with_end,
		    char buf[NAME_MAX])
{
	const char *role = reset_words_role(p->f, x);
	struct text words = text_of(buf, NAME_MAX);

	text_putf(&words, "%s%s", role, *role && with_end ? " " : "");
	if (with_end)
		reset_words_end(&words, t->run, x ? &p->f->src : &p->f->dst,
				x ? p->f->sport : p->f->dport);
}

static bool is_narrow(const struct page *p, char names[2][NAME_MAX])
{
	return strlen(names[0]) + 2 + strlen(names[1]) > p->span;
}

/* Long addresses are in the heading: the roles will do. Without those each end has a line. */
static void put_lifelines(struct text_report *t, const struct page *p)
{
	bool x_left = ladder_x_is_left(p->f);
	char names[2][NAME_MAX];

	for (int with_end = 1; with_end >= 0; with_end--) {
		if (!with_end && p->f->sender == SENDER_UNKNOWN)
			break;
		name_of(t, p, x_left, with_end, names[0]);
		name_of(t, p, !x_left, with_end, names[1]);
		if (!is_narrow(p, names))
			break;
	}
	if (!is_narrow(p, names)) {
		put_names(t, p, names[0], names[1]);
	} else {
		put_names(t, p, names[0], "");
		put_names(t, p, "", names[1]);
	}
}

/* --- rows --------------------------------------------------------------------------------- */

static void put_dashes(struct string *to, size_t n)
{
	while (n--)
		string_putf(to, "-");
}

static void put_arrow(struct text_report *t, const struct page *p, const struct seen *s)
{
	bool to_right = (bool)s->from_x == ladder_x_is_left(p->f);
	char buf[LADDER_TEXT];
	struct text words = text_of(buf, sizeof(buf));
	size_t fill;

	ladder_label(&words, p->f, s, p->span - ARROW);
	fill = p->span > words.len + ARROW ? p->span - words.len - ARROW : 0;
	string_putf(&t->line, "%s%s ", to_right ? "|- " : "|<- ", buf);
	put_dashes(&t->line, fill);
	string_putf(&t->line, "%s", to_right ? "->|" : "-|");
}

static const char *mark_of(const struct page *p, size_t at)
{
	if ((int)at == p->f->rst_at)
		return p->named ? "  << RESET" : " <<";
	if ((int)at == p->f->trigger_at)
		return p->named ? "  << provoked" : " <<";
	return "";
}

static void put_segment(struct text_report *t, const struct page *p, size_t at)
{
	const struct seen *s = &p->f->ladder[at];
	const char *mark = mark_of(p, at), *color = "";
	char buf[LADDER_TEXT];
	struct text words = text_of(buf, sizeof(buf));

	if (*mark)
		color = text_severity_color(t, (int)at == p->f->rst_at ? SEVERITY_PROBLEM
								       : SEVERITY_NOTICE);
	ladder_time(&words, p->f, s);
	string_putf(&t->line, "%*s%s%*u  %*s  ", INDENT, "", color, (int)p->frame,
		    (unsigned)s->frame, (int)p->time, buf);
	put_arrow(t, p, s);
	string_putf(&t->line, "%s%s\n", mark, *color ? text_plain(t) : "");
}

/* Between the lifelines, in the middle. */
static void put_between(struct text_report *t, const struct page *p, const char *says)
{
	size_t len = strlen(says), room = p->span - 2;
	size_t left = room > len ? (room - len) / 2 : 0;

	string_putf(&t->line, "%*s|%*s%s%*s|\n", (int)(INDENT + p->frame + 2 + p->time + 2), "",
		    (int)left, "", says, room > len ? (int)(room - len - left) : 0, "");
}

static void put_row(struct text_report *t, const struct page *p, const struct ladder_row *row)
{
	char buf[LADDER_TEXT];
	struct text words = text_of(buf, sizeof(buf));

	text_putf(&words, "... ");
	switch (row->kind) {
	case LADDER_SEGMENT: put_segment(t, p, row->at); return;
	case LADDER_SILENCE: reset_words_duration(&words, row->silence_ns); break;
	case LADDER_LEFT_OUT:
		text_putf(&words, "%zu segment%s", row->left_out, text_plural(row->left_out));
		break;
	}
	text_putf(&words, " ...");
	put_between(t, p, buf);
}

void text_ladder_put(struct text_report *t, const struct finding *f)
{
	struct page p = {.f = f};

	p.n_rows = ladder_pick(f, p.rows);
	if (!p.n_rows)
		return;
	lay(&p, t);
	string_putf(&t->line, "\n");
	put_lifelines(t, &p);
	for (size_t i = 0; i < p.n_rows; i++)
		put_row(t, &p, &p.rows[i]);
}
