/*
 * text_diff_scope: what only one of two results asked, kept until the end of the text: addresses
 * and ports as ranges, and what is open there by name. It is scope, never a change of anything.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/text_private.h"

enum { LINES_MAX = 50 };

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

static char *waiting_ports(struct text_report *t)
{
	struct text_diff *d = &t->diff;
	struct string text = {0};
	char *copy;

	d->n_spans = port_spans_settle(d->spans, d->n_spans);
	spans_put(d->spans, d->n_spans, 0, &text);
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
void text_diff_settle(struct text_report *t)
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
	text_diff_what(to, c);
	text_diff_word(t, to, "open", NULL);
	if (c->n_spans)
		text_diff_list(t, to, c->spans, c->n_spans);
	string_put_text(to, "\n");
}

/* The two kinds of a host come by turns, so what waits is of one kind and one host. */
void text_diff_hold(struct text_report *t, const struct change_record *c)
{
	bool newly = c->change == CHANGE_NEWLY_COVERED;
	struct text_diff *d = &t->diff;
	struct scope_lines *to = newly ? &d->newly : &d->no_longer;
	const char *state = newly ? c->is : c->was;
	bool open = state && strcmp(state, state_name(STATE_OPEN)) == 0;

	if (open)
		put_open(t, &to->open, c);
	if (d->waits_for != to || !addr_equal(&d->waits.from, c->from)) {
		text_diff_settle(t);
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
	size_t most = t->style.verbose ? SIZE_MAX : TEXT_DIFF_PORTS;
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

void text_diff_scope(struct text_report *t, const struct scope_lines *s, const char *title,
		     const char *by, uint64_t ports)
{
	size_t most = t->style.verbose ? s->n : LINES_MAX;
	struct string *to = &t->line;
	size_t width;

	if (!s->n)
		return;
	string_putf(to, "\n%s: asked in %s alone, ", title, by);
	text_diff_count(to, ports, "port");
	string_put_text(to, "\n");
	width = who_width(s, most);
	put_open_lines(to, s, width);
	for (size_t i = 0; i < s->n && i < most; i++)
		if (!s->v[i].all_open || s->v[i].last)
			put_scope_line(t, &s->v[i], width);
	if (s->n > most) {
		string_put_text(to, "  and ");
		text_diff_count(to, s->n - most, "more line");
		string_put_text(to, " (-v shows all)\n");
	}
}

static void free_lines(struct scope_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free_line(&l->v[i]);
	free(l->v);
	string_free(&l->open);
}

void text_diff_free_scope(struct text_report *t)
{
	free_lines(&t->diff.newly);
	free_lines(&t->diff.no_longer);
	free_line(&t->diff.waits);
	free(t->diff.spans);
}
