/*
 * text_diff: what changed between two results, for people and mail: a block a host, then what only
 * one of the two asked, so that new scope never looks like new exposure, then one sentence.
 */
#include <stdlib.h>
#include <string.h>

#include "report/reset_words.h"
#include "report/text_private.h"

enum { WHAT_WIDTH = 11, SCOPE_LINES_MAX = 50, PORTS_MAX = 60 };

static void put_number(struct string *to, uint64_t n)
{
	char buf[40];
	struct text words = text_of(buf, sizeof(buf));

	reset_words_number(&words, n);
	string_put_text(to, buf);
}

static void put_count(struct string *to, uint64_t n, const char *what)
{
	put_number(to, n);
	string_putf(to, " %s%s", what, text_plural(n));
}

/* At most about `max` bytes; 0: all of them. */
static void put_spans(struct string *to, const struct port_span *v, size_t n, size_t max)
{
	size_t start = to->len;

	for (size_t i = 0; i < n; i++) {
		if (max && i && to->len - start + 12 > max) {
			string_put_text(to, ",...");
			return;
		}
		string_putf(to, "%s%u", i ? "," : "", v[i].first);
		if (v[i].last > v[i].first)
			string_putf(to, "-%u", v[i].last);
	}
}

/* --- above ------------------------------------------------------------------------------------ */

/* "2026-11-20T12:00:00.000000Z" as "2026-11-20 12:00:00 UTC" */
static void put_result(struct string *to, const char *name, const char *started)
{
	string_put_text(to, name);
	if (started && strlen(started) >= 19)
		string_putf(to, " (%.10s %.8s UTC)", started, started + 11);
}

static void begin(struct text_report *t)
{
	const struct diff_record *d = t->run->diff;

	if (t->diff.begun || !d)
		return;
	t->diff.begun = true;
	put_result(&t->line, d->old_name, d->old_started);
	string_put_text(&t->line, " -> ");
	put_result(&t->line, d->new_name, d->new_started);
	string_put_text(&t->line, "\n");
}

/* --- a host's lines --------------------------------------------------------------------------- */

static void put_host(struct text_report *t, const struct change_record *c)
{
	struct string *to = &t->line;

	if (addr_equal(&t->diff.host, c->from))
		return;
	t->diff.host = *c->from;
	string_putf(to, "\n%s", c->addr);
	if (c->name && strcmp(c->name, c->addr) != 0)
		string_putf(to, " (%s)", c->name);
	string_put_text(to, "\n");
}

static const char *const signs[CHANGES] = {
    [CHANGE_OPENED] = "+", [CHANGE_CLOSED] = "-", [CHANGE_STATE] = "~",
    [CHANGE_REASON] = "~", [CHANGE_STYLE] = "~",
};

static void put_sign(const struct text_report *t, struct string *to, const char *sign)
{
	const char *color = *sign == '+' ? "\033[32m" : *sign == '-' ? "\033[31m" : "\033[33m";

	if (t->style.color)
		string_putf(to, "  %s%s\033[0m ", color, sign);
	else
		string_putf(to, "  %s ", sign);
}

/* In a state that nobody measured, the reason is what there is to say. */
static void put_word(const struct text_report *t, struct string *to, const char *word,
		     const char *reason)
{
	enum port_state s;

	if (state_parse(word, &s) < 0)
		string_put_text(to, strcmp(word, "not-shown") == 0 ? "not shown" : word);
	else if (s == STATE_NOT_PROBED && reason)
		string_put_text(to, reason);
	else
		text_put_state(t, to, s, false);
}

/* Ports of a line: "8080/tcp", or how many, and which at the end. */
static void put_what(struct string *to, const struct change_record *c)
{
	size_t start = to->len;

	if (c->change == CHANGE_STYLE)
		string_put_text(to, "resets");
	else if (c->n_spans)
		put_count(to, c->count, "port");
	else if (c->of_host)
		string_put_text(to, "host");
	else
		string_putf(to, "%u/tcp", c->port);
	string_pad(to, to->len - start < WHAT_WIDTH ? WHAT_WIDTH - (to->len - start) : 0);
	string_put_text(to, " ");
}

static bool tells_why(const struct text_report *t, const char *state)
{
	return t->style.verbose || strcmp(state, state_name(STATE_REJECTED)) == 0;
}

static void put_turn(struct string *to, const struct change_record *c)
{
	bool down = strcmp(c->is, "down") == 0;
	const char *why = down ? c->is_reason : c->was_reason;

	string_putf(to, down ? "down, %s (was up)" : "up (was down, %s)", why ? why : "silent");
	if (c->count) {
		string_put_text(to, "; ");
		put_count(to, c->count, "port");
		string_put_text(to, down ? " that were not open went with it"
					 : " that are not open came with it");
	}
}

static void put_change(const struct text_report *t, struct string *to,
		       const struct change_record *c)
{
	if (c->change == CHANGE_REASON) {
		put_word(t, to, c->is, NULL);
		string_putf(to, ": %s -> %s", c->was_reason ? c->was_reason : "unknown",
			    c->is_reason ? c->is_reason : "unknown");
	} else if (c->change == CHANGE_STYLE) {
		string_putf(to, "%s -> %s", c->was, c->is);
	} else if (c->change == CHANGE_STATE) {
		put_word(t, to, c->was, c->was_reason);
		string_put_text(to, " -> ");
		put_word(t, to, c->is, c->is_reason);
	} else {
		put_word(t, to, c->is, c->is_reason);
		string_put_text(to, " (was ");
		put_word(t, to, c->was, c->was_reason);
		string_put_text(to, ")");
	}
	if (c->change != CHANGE_STYLE && c->change != CHANGE_REASON && tells_why(t, c->is) &&
	    c->is_reason)
		string_putf(to, ", %s", c->is_reason);
}

static void put_line(struct text_report *t, const struct change_record *c)
{
	bool turn = c->change == CHANGE_STATE && c->of_host;
	struct string *to = &t->line;
	const char *sign = signs[c->change];

	if (turn)
		sign = strcmp(c->is, "down") == 0 ? "-" : "+";
	put_host(t, c);
	put_sign(t, to, sign);
	put_what(to, c);
	if (turn)
		put_turn(to, c);
	else
		put_change(t, to, c);
	if (c->n_spans) {
		string_put_text(to, ": ");
		put_spans(to, c->spans, c->n_spans, t->style.verbose ? 0 : PORTS_MAX);
	}
	string_put_text(to, "\n");
}

/* --- what only one of them asked -------------------------------------------------------------- */

static char *copy_of(struct text_report *t, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		out_no_memory(&t->out);
	return copy;
}

static void free_line(struct scope_line *l)
{
	free(l->who);
	free(l->last);
	free(l->ports);
	*l = (struct scope_line){0};
}

static int span_cmp(const void *a, const void *b)
{
	const struct port_span *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static char *waiting_ports(struct text_report *t)
{
	struct text_diff *d = &t->diff;
	struct string text = {0};
	size_t kept = 0;
	char *copy;

	qsort(d->spans, d->n_spans, sizeof(*d->spans), span_cmp);
	for (size_t i = 0; i < d->n_spans; i++) {
		struct port_span *last = kept ? &d->spans[kept - 1] : NULL;

		if (last && d->spans[i].first <= last->last + 1)
			last->last = d->spans[i].last > last->last ? d->spans[i].last : last->last;
		else
			d->spans[kept++] = d->spans[i];
	}
	put_spans(&text, d->spans, kept, 0);
	copy = text.failed ? NULL : copy_of(t, string_text(&text));
	string_free(&text);
	return copy;
}

/* Neighbours with the same ports are one line. */
static bool joins(const struct scope_line *last, const struct scope_line *next)
{
	return last->ports && next->ports && strcmp(last->ports, next->ports) == 0 &&
	       last->to.family == next->from.family && last->to.zone == next->from.zone &&
	       addr_cmp(&last->to, &next->from) < 0 && addr_diff(&last->to, &next->from) == 1;
}

/* All ports of these addresses have come. */
static void settle(struct text_report *t)
{
	struct text_diff *d = &t->diff;
	struct scope_lines *to = d->waits_for;
	struct scope_line *last;

	if (!to)
		return;
	d->waits_for = NULL;
	d->waits.ports = waiting_ports(t);
	d->n_spans = 0;
	last = to->n ? &to->v[to->n - 1] : NULL;
	if (last && joins(last, &d->waits)) {
		free(last->last);
		last->to = d->waits.to;
		last->last = d->waits.last ? d->waits.last : d->waits.who;
		*(d->waits.last ? &d->waits.last : &d->waits.who) = NULL;
		free_line(&d->waits);
		return;
	}
	if (!array_grow(&to->v, to->n, &to->cap, sizeof(*to->v))) {
		free_line(&d->waits);
		out_no_memory(&t->out);
		return;
	}
	to->v[to->n++] = d->waits;
	d->waits = (struct scope_line){0};
}

static void wait_span(struct text_report *t, struct port_span span)
{
	struct text_diff *d = &t->diff;

	if (array_grow(&d->spans, d->n_spans, &d->cap_spans, sizeof(*d->spans)))
		d->spans[d->n_spans++] = span;
	else
		out_no_memory(&t->out);
}

static void put_open(struct text_report *t, struct string *to, const struct change_record *c)
{
	string_put_text(to, c->addr);
	if (c->name && strcmp(c->name, c->addr) != 0)
		string_putf(to, " (%s)", c->name);
	string_put_text(to, "\t"); /* the column is not yet known */
	put_what(to, c);
	put_word(t, to, "open", NULL);
	if (c->n_spans) {
		string_put_text(to, ": ");
		put_spans(to, c->spans, c->n_spans, t->style.verbose ? 0 : PORTS_MAX);
	}
	string_put_text(to, "\n");
}

/* The two kinds of a host come by turns, so what waits is of one kind and one host. */
static void hold(struct text_report *t, const struct change_record *c)
{
	bool newly = c->change == CHANGE_NEWLY_COVERED;
	struct text_diff *d = &t->diff;
	struct scope_lines *to = newly ? &d->newly : &d->no_longer;
	const char *state = newly ? c->is : c->was;
	bool open = state && strcmp(state, state_name(STATE_OPEN)) == 0;

	if (open)
		put_open(t, &to->open, c);
	if (d->waits_for != to || !addr_equal(&d->waits.from, c->from)) {
		settle(t);
		d->waits = (struct scope_line){.from = *c->from, .to = *c->to, .all_open = true};
		d->waits.who = copy_of(t, c->addr);
		d->waits.last = copy_of(t, c->addr_last);
		d->waits_for = to;
	}
	d->waits.all_open &= open;
	for (size_t i = 0; i < c->n_spans; i++)
		wait_span(t, c->spans[i]);
	if (!c->n_spans)
		wait_span(t, (struct port_span){c->port, c->port});
}

/* Columns of the addresses, so that ports stand below each other. */
static size_t who_width(const struct scope_lines *s, size_t most)
{
	const char *open = s->open.len ? s->open.s : "";
	size_t width = 0;

	for (; *open; open = strchr(open, '\n') + 1)
		width = strcspn(open, "\t") > width ? strcspn(open, "\t") : width;
	for (size_t i = 0; i < s->n && i < most; i++) {
		const struct scope_line *l = &s->v[i];
		size_t n = (l->who ? strlen(l->who) : 0) + (l->last ? strlen(l->last) + 1 : 0);

		width = n > width ? n : width;
	}
	return width;
}

static void put_open_lines(struct string *to, const struct scope_lines *s, size_t width)
{
	const char *open = s->open.len ? s->open.s : "";

	for (const char *end; *open; open = end + 1) {
		size_t who = strcspn(open, "\t");

		end = strchr(open, '\n');
		string_putf(to, "  %.*s", (int)who, open);
		string_pad(to, width + 2 - who);
		string_put(to, open + who + 1, (size_t)(end - open) - who);
	}
}

static void put_scope_line(struct text_report *t, const struct scope_line *l, size_t width)
{
	size_t most = t->style.verbose ? SIZE_MAX : PORTS_MAX;
	const char *ports = l->ports ? l->ports : "";
	struct string *to = &t->line;
	size_t start = to->len, len = strlen(ports);

	string_putf(to, "  %s%s%s", l->who ? l->who : "", l->last ? "-" : "",
		    l->last ? l->last : "");
	string_pad(to, width + 2 - (to->len - start) + 2);
	if (len > most)
		for (len = most; len > 0 && ports[len] != ','; len--)
			;
	string_put(to, ports, len);
	string_put_text(to, ports[len] ? ",...\n" : "\n");
}

static void put_scope(struct text_report *t, const struct scope_lines *s, const char *title,
		      const char *by, uint64_t ports)
{
	size_t most = t->style.verbose ? s->n : SCOPE_LINES_MAX;
	struct string *to = &t->line;
	size_t width;

	if (!s->n)
		return;
	string_putf(to, "\n%s: asked in %s alone, ", title, by);
	put_count(to, ports, "port");
	string_put_text(to, "\n");
	width = who_width(s, most);
	put_open_lines(to, s, width);
	for (size_t i = 0; i < s->n && i < most; i++)
		if (!s->v[i].all_open || s->v[i].last)
			put_scope_line(t, &s->v[i], width);
	if (s->n > most) {
		string_put_text(to, "  and ");
		put_count(to, s->n - most, "more line");
		string_put_text(to, " (-v shows all)\n");
	}
}

void text_change(void *ctx, const struct change_record *c)
{
	struct text_report *t = ctx;

	begin(t);
	if (c->change == CHANGE_NEWLY_COVERED || c->change == CHANGE_NO_LONGER_COVERED)
		hold(t, c);
	else
		put_line(t, c);
	out_string(&t->out, &t->line);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void put_item(struct string *to, bool *first, uint64_t n, const char *what)
{
	if (!n)
		return;
	string_put_text(to, *first ? "" : ", ");
	put_number(to, n);
	string_putf(to, " %s", what);
	*first = false;
}

static void put_words(struct string *to, const struct diff_record *d)
{
	static const char *const words[CHANGES] = {
	    [CHANGE_OPENED] = "opened",
	    [CHANGE_CLOSED] = "closed",
	    [CHANGE_STATE] = "changed otherwise",
	    [CHANGE_REASON] = "for another reason",
	    [CHANGE_STYLE] = "with another reset style",
	    [CHANGE_NEWLY_COVERED] = "newly covered",
	    [CHANGE_NO_LONGER_COVERED] = "no longer covered",
	};
	bool first = true;

	put_item(to, &first, d->went_down, d->went_down == 1 ? "host down" : "hosts down");
	put_item(to, &first, d->came_up, d->came_up == 1 ? "host up" : "hosts up");
	for (int i = 0; i < CHANGES; i++)
		put_item(to, &first, d->changes[i], words[i]);
	string_put_text(to, first ? "no change: " : "; ");
	put_count(to, d->compared, "port");
	string_put_text(to, " measured by both");
	if (d->ignored) {
		string_put_text(to, ", ");
		put_number(to, d->ignored);
		string_put_text(to, " ignored, as one of the two could not measure them");
	}
}

static void put_sentence(struct text_report *t, const struct diff_record *d)
{
	struct string words = {0};

	put_words(&words, d);
	if (words.failed)
		out_no_memory(&t->out);
	text_put_paragraph(t, string_text(&words), 2);
	string_free(&words);
}

static void put_incomplete(struct string *to, const char *name)
{
	string_putf(to, "INCOMPLETE: %s ended early: what it did not measure is ignored\n", name);
}

void text_diffed(void *ctx, const struct diff_record *d)
{
	struct text_report *t = ctx;

	begin(t);
	settle(t);
	put_scope(t, &t->diff.newly, "Newly covered", d->new_name,
		  d->changes[CHANGE_NEWLY_COVERED]);
	put_scope(t, &t->diff.no_longer, "No longer covered", d->old_name,
		  d->changes[CHANGE_NO_LONGER_COVERED]);
	string_put_text(&t->line, "\n");
	put_sentence(t, d);
	if (!d->old_complete)
		put_incomplete(&t->line, d->old_name);
	if (!d->new_complete)
		put_incomplete(&t->line, d->new_name);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static void free_lines(struct scope_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free_line(&l->v[i]);
	free(l->v);
	string_free(&l->open);
}

void text_diff_free(struct text_report *t)
{
	free_lines(&t->diff.newly);
	free_lines(&t->diff.no_longer);
	free_line(&t->diff.waits);
	free(t->diff.spans);
}
