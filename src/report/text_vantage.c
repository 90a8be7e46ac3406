/*
 * text_vantage: what depends on where one looks from, for people: a column a vantage point, a block
 * a host, a line for ports that are alike; who is alone with what he sees has a mark. Nothing waits
 * for the end, so columns are as wide as their heading and the states that are usual.
 */
#include <string.h>

#include "base/utf8.h"
#include "report/text_private.h"

enum { WHAT_COLUMNS = 14, CELL_MIN = 11, CELL_GAP = 2 };

static size_t width_of(const struct vantage_point *p)
{
	size_t n = utf8_count(p->name, strlen(p->name));

	return n > CELL_MIN ? n : CELL_MIN;
}

/* --- above ------------------------------------------------------------------------------------ */

static void begin(struct text_report *t)
{
	const struct vantages_record *all = t->run->vantages;
	struct string words = {0};

	if (t->vantage.begun || !all)
		return;
	t->vantage.begun = true;
	for (size_t i = 0; i < all->n; i++) {
		string_put_text(&words, i ? ", " : "");
		text_diff_result(&words, all->points[i].name, all->points[i].started);
	}
	if (words.failed)
		out_no_memory(&t->out);
	text_put_paragraph(t, string_text(&words), 2);
	string_free(&words);
}

/* Blanks only before what follows them: no line ends in some. */
static void put_cell(struct string *to, size_t *blanks, const char *text, size_t width)
{
	size_t n = utf8_count(text, strlen(text));

	string_pad(to, *blanks);
	string_put_text(to, text);
	*blanks = (n < width ? width - n : 0) + CELL_GAP;
}

static void put_heading(struct text_report *t)
{
	const struct vantages_record *all = t->run->vantages;
	size_t blanks = WHAT_COLUMNS;

	if (t->vantage.any || !all)
		return;
	t->vantage.any = true;
	string_put_text(&t->line, "\n");
	for (size_t i = 0; i < all->n; i++)
		put_cell(&t->line, &blanks, all->points[i].name, width_of(&all->points[i]));
	string_put_text(&t->line, "\n");
}

/* --- a host's lines --------------------------------------------------------------------------- */

static void put_host(struct text_report *t, const struct vantage_record *v)
{
	struct string *to = &t->line;

	if (addr_equal(&t->vantage.host, v->host))
		return;
	t->vantage.host = *v->host;
	string_putf(to, "%s%s%s", v->addr, v->addr_last ? "-" : "",
		    v->addr_last ? v->addr_last : "");
	if (v->name && strcmp(v->name, v->addr) != 0)
		string_putf(to, " (%s)", v->name);
	string_put_text(to, "\n");
}

static const char *word_of(struct text_vantage *marks, const struct vantage_view *v)
{
	if (v->measured)
		return strcmp(v->state, "not-shown") == 0 ? "not shown" : v->state;
	*(v->state ? &marks->unknown : &marks->unasked) = true;
	return v->state ? "?" : "-";
}

static void put_view(struct text_report *t, size_t *blanks, const struct vantage_view *v,
		     size_t width)
{
	const char *word = word_of(&t->vantage, v);
	size_t n = strlen(word) + v->exception;

	string_pad(&t->line, *blanks);
	if (v->exception && t->style.color)
		string_putf(&t->line, TEXT_YELLOW "%s*" TEXT_PLAIN, word);
	else
		string_putf(&t->line, "%s%s", word, v->exception ? "*" : "");
	t->vantage.unlike |= v->exception;
	*blanks = (n < width ? width - n : 0) + CELL_GAP;
}

static void put_what(struct string *to, const struct vantage_record *v, size_t *blanks)
{
	const struct change_record c = {
	    .change = CHANGE_STATE,
	    .of_host = v->of_host,
	    .port = v->port,
	    .count = v->count,
	    .spans = v->spans,
	    .n_spans = v->n_spans,
	};
	size_t start = to->len;

	string_put_text(to, "  ");
	text_diff_what(to, &c);
	*blanks = to->len - start < WHAT_COLUMNS ? WHAT_COLUMNS - (to->len - start) : 0;
}

/* Behind the last column. */
static void put_rest(struct text_report *t, const struct vantage_record *v, size_t blanks)
{
	struct string *to = &t->line;

	if (v->n_spans) {
		string_pad(to, blanks);
		spans_put(v->spans, v->n_spans, t->style.verbose ? 0 : TEXT_DIFF_PORTS, to);
	}
	if (!v->of_host || !v->count)
		return;
	string_pad(to, blanks);
	string_put_text(to, "and with it ");
	text_diff_count(to, v->count, "port");
	string_put_text(to, v->count == 1 ? " that is not open" : " that are not open");
}

/* -v: why, where somebody said so. */
static void put_reasons(struct text_report *t, const struct vantage_record *v)
{
	const char *between = "    ";

	for (size_t i = 0; i < v->n_views; i++) {
		if (!v->views[i].reason)
			continue;
		string_putf(&t->line, "%s%s: %s", between, t->run->vantages->points[i].name,
			    v->views[i].reason);
		between = ", ";
	}
	if (between[0] == ',')
		string_put_text(&t->line, "\n");
}

void text_vantage(void *ctx, const struct vantage_record *v)
{
	struct text_report *t = ctx;
	size_t blanks = 0;

	begin(t);
	put_heading(t);
	put_host(t, v);
	put_what(&t->line, v, &blanks);
	for (size_t i = 0; i < v->n_views; i++)
		put_view(t, &blanks, &v->views[i], width_of(&t->run->vantages->points[i]));
	put_rest(t, v, blanks);
	string_put_text(&t->line, "\n");
	if (t->style.verbose)
		put_reasons(t, v);
	out_string(&t->out, &t->line);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void put_legend(struct text_report *t)
{
	const struct text_vantage *v = &t->vantage;
	const char *between = "\n";

	if (v->unlike) {
		string_putf(&t->line, "%s* unlike most", between);
		between = ", ";
	}
	if (v->unknown) {
		string_putf(&t->line, "%s? could not be measured there", between);
		between = ", ";
	}
	if (v->unasked)
		string_putf(&t->line, "%s- was not asked there", between);
	if (v->unlike || v->unknown || v->unasked)
		string_put_text(&t->line, "\n");
}

static void put_words(struct string *to, const struct vantages_record *v)
{
	if (v->differ) {
		text_diff_count(to, v->differ, "port");
		string_put_text(to, " of ");
		text_diff_count(to, v->hosts, "host");
		string_putf(to, " depend%s on where one looks from; ", v->differ == 1 ? "s" : "");
	} else {
		string_put_text(to, v->ignored && !v->compared ? "nothing could be compared: "
							       : "no difference: ");
	}
	text_diff_count(to, v->compared, "port");
	if (v->n == 2) {
		string_put_text(to, " measured by both");
	} else {
		string_putf(to, " measured by two of the %zu at least, ", v->n);
		text_diff_count(to, v->all, "port");
		string_put_text(to, " by all");
	}
	if (!v->ignored)
		return;
	string_put_text(to, ", ");
	text_diff_count(to, v->ignored, "port");
	string_put_text(to, v->n == 2 ? " ignored, as one of the two could not measure them"
				      : " ignored, as only one could measure them, or none");
}

void text_vantages(void *ctx, const struct vantages_record *v)
{
	struct text_report *t = ctx;
	struct string words = {0};

	begin(t);
	put_legend(t);
	string_put_text(&t->line, "\n");
	put_words(&words, v);
	if (words.failed)
		out_no_memory(&t->out);
	text_put_paragraph(t, string_text(&words), 2);
	string_free(&words);
	for (size_t i = 0; i < v->n; i++)
		if (!v->points[i].complete)
			text_diff_incomplete(&t->line, v->points[i].name);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}
