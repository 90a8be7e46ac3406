/*
 * html_ladder: the packets around a RST as a drawing: two lifelines, an arrow a segment, the guilty
 * pair in colour and in words. Which rows there are and what they say is ladder's. What is drawn
 * stands in the drawing's description too, for those who listen.
 */
#include "report/html_private.h"
#include "report/ladder.h"
#include "report/reset_words.h"

enum {
	WIDTH = 800,
	LEFT = 205, /* the lifelines */
	RIGHT = 655,
	MIDDLE = (LEFT + RIGHT) / 2,
	TOP = 30,
	STEP = 30,     /* a segment */
	GAP_STEP = 22, /* a silence, or what is left out */
	LABEL_MAX = 62 /* columns between the lifelines */
};

struct drawing {
	struct html_report *r;
	const struct finding *f;
	struct ladder_row rows[LADDER_ROWS];
	size_t n;
};

static bool is_rst(const struct drawing *d, const struct ladder_row *row)
{
	return row->kind == LADDER_SEGMENT && d->f->rst_at >= 0 && row->at == (size_t)d->f->rst_at;
}

static bool is_guilty(const struct drawing *d, const struct ladder_row *row)
{
	return row->kind == LADDER_SEGMENT && d->f->trigger_at >= 0 &&
	       row->at == (size_t)d->f->trigger_at;
}

static int row_height(const struct ladder_row *row)
{
	return row->kind == LADDER_SEGMENT ? STEP : GAP_STEP;
}

static bool goes_right(const struct drawing *d, const struct seen *s)
{
	return (bool)s->from_x == ladder_x_is_left(d->f);
}

static void put_between_words(struct html_report *r, const struct ladder_row *row)
{
	if (row->kind == LADDER_SILENCE) {
		html_duration(&r->s, row->silence_ns);
		string_putf(&r->s, " of silence");
	} else {
		string_putf(&r->s, "%zu segment%s left out", row->left_out,
			    row->left_out == 1 ? "" : "s");
	}
}

static void put_time(struct drawing *d, const struct seen *s)
{
	char buf[LADDER_TEXT];
	struct text t = text_of(buf, sizeof(buf));

	ladder_time(&t, d->f, s);
	html_put(&d->r->s, buf);
}

static void put_label(struct drawing *d, const struct seen *s)
{
	char buf[LADDER_TEXT];
	struct text t = text_of(buf, sizeof(buf));

	ladder_label(&t, d->f, s, LABEL_MAX);
	html_put(&d->r->s, buf);
}

static const char *mark(const struct drawing *d, const struct ladder_row *row)
{
	return is_rst(d, row) ? "the reset" : is_guilty(d, row) ? "provoked it" : "";
}

static void put_description(struct drawing *d)
{
	struct string *s = &d->r->s;

	string_putf(s, "<desc>");
	for (size_t i = 0; i < d->n; i++) {
		const struct ladder_row *row = &d->rows[i];
		const struct seen *seen = &d->f->ladder[row->at];
		const char *marked = mark(d, row);

		if (row->kind != LADDER_SEGMENT) {
			put_between_words(d->r, row);
			string_putf(s, ". ");
			continue;
		}
		string_putf(s, "Frame %u, from the %s, at ", seen->frame,
			    goes_right(d, seen) ? "left" : "right");
		put_time(d, seen);
		string_putf(s, ": ");
		put_label(d, seen);
		string_putf(s, "%s%s. ", *marked ? ", " : "", marked);
	}
	string_putf(s, "</desc>\n");
}

/* Below the lifelines, which are below the arrows. */
static void put_bands(struct drawing *d)
{
	int y = TOP;

	for (size_t i = 0; i < d->n; i++) {
		if (is_rst(d, &d->rows[i]) || is_guilty(d, &d->rows[i]))
			string_putf(&d->r->s,
				    "<rect class=\"band\" x=\"0\" y=\"%d\" width=\"%d\" "
				    "height=\"%d\"/>\n",
				    y - 1, WIDTH, STEP - 1);
		y += row_height(&d->rows[i]);
	}
}

static void put_name(struct drawing *d, bool x, int at, int bottom)
{
	const struct finding *f = d->f;
	const char *role = reset_words_role(f, x);
	char buf[RESET_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));

	text_putf(&t, "%s%s", role, *role ? " " : "");
	reset_words_end(&t, d->r->run, x ? &f->src : &f->dst, x ? f->sport : f->dport);
	string_putf(&d->r->s, "<text class=\"end\" x=\"%d\" y=\"16\" text-anchor=\"middle\">", at);
	html_put(&d->r->s, buf);
	string_putf(&d->r->s,
		    "</text><line class=\"life\" x1=\"%d\" y1=\"22\" x2=\"%d\" y2=\"%d\"/>\n", at,
		    at, bottom);
}

static void put_between(struct drawing *d, const struct ladder_row *row, int y)
{
	string_putf(&d->r->s,
		    "<g class=\"gap\"><line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
		    "<rect x=\"%d\" y=\"%d\" width=\"170\" height=\"14\"/>"
		    "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
		    LEFT - 20, y + 9, RIGHT + 20, y + 9, MIDDLE - 85, y + 2, MIDDLE, y + 13);
	put_between_words(d->r, row);
	string_putf(&d->r->s, "</text></g>\n");
}

static void put_arrow(struct html_report *r, bool to_right, int y)
{
	int from = to_right ? LEFT : RIGHT, tip = to_right ? RIGHT - 2 : LEFT + 2;
	int back = to_right ? -9 : 9;

	string_putf(&r->s,
		    "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
		    "<path class=\"head\" d=\"M%d %dl%d -4.5v9z\"/>",
		    from, y, tip + back, y, tip, y, back);
}

static void put_segment(struct drawing *d, const struct ladder_row *row, int y)
{
	const struct seen *seen = &d->f->ladder[row->at];
	const char *marked = mark(d, row);
	struct string *s = &d->r->s;

	string_putf(s, "<g class=\"arrow%s%s\">", seen->from_x ? " x" : "",
		    is_rst(d, row)	? " rst"
		    : is_guilty(d, row) ? " guilty"
					: "");
	string_putf(s, "<text class=\"soft\" x=\"6\" y=\"%d\">#%u</text>", y + 24, seen->frame);
	string_putf(s, "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"end\">", LEFT - 14,
		    y + 24);
	put_time(d, seen);
	string_putf(s, "</text>");
	put_arrow(d->r, goes_right(d, seen), y + 20);
	string_putf(s, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", MIDDLE, y + 12);
	put_label(d, seen);
	string_putf(s, "</text>");
	if (*marked)
		string_putf(s, "<text x=\"%d\" y=\"%d\">\xe2\x97\x80 %s</text>", RIGHT + 12, y + 24,
			    marked);
	string_putf(s, "</g>\n");
}

void html_ladder(struct html_report *r, const struct html_kept *k)
{
	struct drawing d = {.r = r, .f = &k->f};
	int y = TOP, bottom = TOP;

	d.n = ladder_pick(d.f, d.rows);
	if (!d.n)
		return;
	for (size_t i = 0; i < d.n; i++)
		bottom += row_height(&d.rows[i]);
	string_putf(&r->s,
		    "<div class=\"ladder\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
		    "aria-labelledby=\"t%zu\">\n<title id=\"t%zu\">The packets around the RST of "
		    "frame %u</title>\n",
		    WIDTH, bottom + 12, k->n, k->n, d.f->frame);
	put_description(&d);
	put_bands(&d);
	put_name(&d, ladder_x_is_left(d.f), LEFT, bottom + 6);
	put_name(&d, !ladder_x_is_left(d.f), RIGHT, bottom + 6);
	for (size_t i = 0; i < d.n; i++) {
		if (d.rows[i].kind == LADDER_SEGMENT)
			put_segment(&d, &d.rows[i], y);
		else
			put_between(&d, &d.rows[i], y);
		y += row_height(&d.rows[i]);
	}
	string_putf(&r->s, "</svg></div>\n");
}
