/*
 * html_ladder: the packets around a RST as a drawing: two lifelines, the initiator's on the left,
 * an arrow a segment, the guilty pair in colour and in words. What is drawn stands in the drawing's
 * description too, for those who listen.
 */
#include <stdlib.h>

#include "base/seq.h"
#include "packet/notation.h"
#include "report/html_private.h"

enum {
	WIDTH = 800,
	LEFT = 205, /* the lifelines */
	RIGHT = 605,
	TOP = 30,
	STEP = 30,     /* a segment */
	GAP_STEP = 22, /* a silence */
	LABEL = 96,
};

/* A silence of so long is drawn as one. */
static const uint64_t gap_ns = 1000000000;

struct drawing {
	struct html_report *r;
	const struct finding *f;
	bool x_left;
};

/* Where the initial number is known, relative to it; never a number that only looks like one. */
static uint32_t relative(uint32_t n, bool has_isn, uint32_t isn)
{
	return has_isn && seq_geq(n, isn) ? n - isn : n;
}

static const char *label(const struct finding *f, const struct seen *s, char buf[LABEL])
{
	bool seq_known = s->from_x ? f->has_isn_x : f->has_isn_y;
	bool ack_known = s->from_x ? f->has_isn_y : f->has_isn_x;
	uint32_t seq = relative(s->seq, seq_known, s->from_x ? f->isn_x : f->isn_y);
	uint32_t ack = relative(s->ack, ack_known, s->from_x ? f->isn_y : f->isn_x);
	struct text t = text_of(buf, LABEL);

	notation_put_flags(&t, s->flags);
	text_putf(&t, " %u:%u(%u)", seq, seq + s->len, s->len);
	if (s->flags & TCP_ACK)
		text_putf(&t, " ack %u", ack);
	text_putf(&t, " win %u", s->win);
	return buf;
}

static bool is_rst(const struct finding *f, size_t i)
{
	return f->rst_at >= 0 && i == (size_t)f->rst_at;
}

static bool is_guilty(const struct finding *f, size_t i)
{
	return f->trigger_at >= 0 && i == (size_t)f->trigger_at;
}

static const char *remark(const struct finding *f, size_t i)
{
	const struct seen *s = &f->ladder[i];

	if (is_rst(f, i))
		return "\xe2\x97\x80 this RST";
	if (is_guilty(f, i))
		return s->repeat ? "\xe2\x97\x80 provoked it (sent again)"
				 : "\xe2\x97\x80 provoked it";
	if (s->duplicate)
		return "captured twice";
	if (s->keepalive)
		return "keep-alive probe";
	if (s->repeat)
		return "sent again";
	if (s->flags & TCP_RST)
		return "another RST";
	return s->after ? "after it" : "";
}

/* Seconds since the first segment shown; time stamps may run backwards. */
static double seconds(const struct finding *f, size_t i)
{
	uint64_t at = f->ladder[i].wall_ns, first = f->ladder[0].wall_ns;

	return at >= first ? (double)(at - first) / 1e9 : -(double)(first - at) / 1e9;
}

static uint64_t silence(const struct finding *f, size_t i)
{
	uint64_t at = f->ladder[i].wall_ns, before = i ? f->ladder[i - 1].wall_ns : at;

	return at > before && at - before >= gap_ns ? at - before : 0;
}

/* Where the row of the n-th segment begins; behind the last one, where the drawing ends. */
static int row_y(const struct finding *f, size_t n)
{
	int y = TOP;

	for (size_t i = 0; i < f->n_ladder && i <= n; i++)
		y += (i < n ? STEP : 0) + (silence(f, i) ? GAP_STEP : 0);
	return y;
}

static int height(const struct finding *f)
{
	return row_y(f, f->n_ladder) + STEP / 2;
}

static void put_description(struct drawing *d)
{
	const struct finding *f = d->f;
	struct string *s = &d->r->s;
	char buf[LABEL], span[HTML_SPAN];

	string_putf(s, "<desc>");
	for (size_t i = 0; i < f->n_ladder; i++) {
		const char *note = remark(f, i);
		bool left = (bool)f->ladder[i].from_x == d->x_left;

		if (silence(f, i))
			html_putf(s, "Silence of %s. ", html_span(silence(f, i), span));
		html_putf(s, "Frame %u, from the %s, at %.6f s: %s%s%s. ", f->ladder[i].frame,
			  left ? "left" : "right", seconds(f, i), label(f, &f->ladder[i], buf),
			  note[0] ? ", " : "",
			  is_rst(f, i)	    ? "this RST"
			  : is_guilty(f, i) ? "provoked it"
					    : note);
	}
	string_putf(s, "</desc>\n");
}

static void put_bands(struct drawing *d)
{
	for (size_t i = 0; i < d->f->n_ladder; i++)
		if (is_rst(d->f, i) || is_guilty(d->f, i))
			string_putf(&d->r->s,
				    "<rect class=\"band\" x=\"0\" y=\"%d\" width=\"%d\" "
				    "height=\"%d\"/>\n",
				    row_y(d->f, i) - 1, WIDTH, STEP - 1);
}

static void put_ends(struct drawing *d)
{
	const struct finding *f = d->f;
	struct string *s = &d->r->s;
	char x[HTML_END], y[HTML_END];
	const char *left, *right;

	html_end(d->r->run, &f->src, f->sport, x);
	html_end(d->r->run, &f->dst, f->dport, y);
	left = d->x_left ? x : y;
	right = d->x_left ? y : x;
	string_putf(s, "<text class=\"end\" x=\"%d\" y=\"16\" text-anchor=\"middle\">", LEFT);
	html_put(s, left);
	string_putf(s, "</text>\n<text class=\"end\" x=\"%d\" y=\"16\" text-anchor=\"middle\">",
		    RIGHT);
	html_put(s, right);
	string_putf(s, "</text>\n");
	for (int i = 0; i < 2; i++)
		string_putf(s, "<line class=\"life\" x1=\"%d\" y1=\"22\" x2=\"%d\" y2=\"%d\"/>\n",
			    i ? RIGHT : LEFT, i ? RIGHT : LEFT, height(f));
}

static void put_gap(struct drawing *d, int y, uint64_t ns)
{
	char span[HTML_SPAN];

	string_putf(&d->r->s,
		    "<g class=\"gap\"><line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
		    "<rect x=\"%d\" y=\"%d\" width=\"110\" height=\"14\"/>"
		    "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
		    LEFT - 20, y + 8, RIGHT + 20, y + 8, (LEFT + RIGHT) / 2 - 55, y + 1,
		    (LEFT + RIGHT) / 2, y + 12);
	html_putf(&d->r->s, "%s silent", html_span(ns, span));
	string_putf(&d->r->s, "</text></g>\n");
}

static void put_arrow(struct drawing *d, int y, bool to_right)
{
	int tip = to_right ? RIGHT - 2 : LEFT + 2, back = to_right ? -9 : 9;
	int from = to_right ? LEFT : RIGHT;

	string_putf(&d->r->s,
		    "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
		    "<path class=\"head\" d=\"M%d %dl%d -4.5v9z\"/>",
		    from, y, tip + back, y, tip, y, back);
}

static void put_segment(struct drawing *d, size_t i)
{
	const struct finding *f = d->f;
	const struct seen *seen = &f->ladder[i];
	const char *kind = is_rst(f, i) ? " rst" : is_guilty(f, i) ? " guilty" : "";
	struct string *s = &d->r->s;
	char buf[LABEL];
	int y = row_y(f, i);

	string_putf(s, "<g class=\"arrow%s%s\">", seen->from_x ? " x" : "", kind);
	string_putf(s,
		    "<text class=\"soft\" x=\"4\" y=\"%d\">#%u</text>"
		    "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%.6f</text>",
		    y + 24, seen->frame, LEFT - 14, y + 24, seconds(f, i));
	put_arrow(d, y + 20, (bool)seen->from_x == d->x_left);
	string_putf(s, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (LEFT + RIGHT) / 2,
		    y + 12);
	html_put(s, label(f, seen, buf));
	string_putf(s, "</text><text class=\"soft\" x=\"%d\" y=\"%d\">%s</text></g>\n", RIGHT + 12,
		    y + 24, remark(f, i));
}

void html_ladder(struct html_report *r, const struct html_kept *k)
{
	struct drawing d = {.r = r, .f = &k->f, .x_left = k->f.sender != SENDER_SERVER};

	if (!k->f.n_ladder)
		return;
	string_putf(&r->s,
		    "<div class=\"ladder\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
		    "aria-labelledby=\"t%zu\">\n<title id=\"t%zu\">The packets around the RST of "
		    "frame %u</title>\n",
		    WIDTH, height(d.f) + 4, k->n, k->n, d.f->frame);
	put_description(&d);
	put_bands(&d);
	put_ends(&d);
	for (size_t i = 0; i < d.f->n_ladder; i++) {
		uint64_t ns = silence(d.f, i);

		if (ns)
			put_gap(&d, row_y(d.f, i) - GAP_STEP, ns);
		put_segment(&d, i);
	}
	string_putf(&r->s, "</svg></div>\n");
}
