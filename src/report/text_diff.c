/*
 * text_diff: what changed between two results, for people and mail: a block a host, then what only
 * one of the two asked, so that new scope never looks like new exposure, then one sentence.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/reset_words.h"
#include "report/text_private.h"

enum { WHAT_WIDTH = 11, ALIKE_EACH = 3 };

static void put_number(struct string *to, uint64_t n)
{
	char buf[40];
	struct text words = text_of(buf, sizeof(buf));

	reset_words_number(&words, n);
	string_put_text(to, buf);
}

void text_diff_count(struct string *to, uint64_t n, const char *what)
{
	put_number(to, n);
	string_putf(to, " %s%s", what, text_plural(n));
}

/* --- above ------------------------------------------------------------------------------------ */

/* "2026-11-20T12:00:00.000000Z" as "2026-11-20 12:00:00 UTC" */
void text_diff_result(struct string *to, const char *name, const char *started)
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
	text_diff_result(&t->line, d->old_name, d->old_started);
	string_put_text(&t->line, " -> ");
	text_diff_result(&t->line, d->new_name, d->new_started);
	string_put_text(&t->line, "\n");
}

/* --- a host's lines --------------------------------------------------------------------------- */

static void put_host(struct text_report *t, const struct change_record *c)
{
	struct string *to = &t->line;

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
	const char *color = *sign == '+' ? TEXT_GREEN : *sign == '-' ? TEXT_RED : TEXT_YELLOW;

	if (t->style.color)
		string_putf(to, "  %s%s" TEXT_PLAIN " ", color, sign);
	else
		string_putf(to, "  %s ", sign);
}

/* In a state that nobody measured, the reason is what there is to say. */
void text_diff_word(const struct text_report *t, struct string *to, const char *word,
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
void text_diff_what(struct string *to, const struct change_record *c)
{
	size_t start = to->len;

	if (c->change == CHANGE_STYLE)
		string_put_text(to, "resets");
	else if (c->n_spans)
		text_diff_count(to, c->count, "port");
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
		text_diff_count(to, c->count, "port");
		string_put_text(to, down ? " that were not open went with it"
					 : " that are not open came with it");
	}
}

static void put_change(const struct text_report *t, struct string *to,
		       const struct change_record *c)
{
	if (c->change == CHANGE_REASON) {
		text_diff_word(t, to, c->is, NULL);
		string_putf(to, ": %s -> %s", c->was_reason ? c->was_reason : "unknown",
			    c->is_reason ? c->is_reason : "unknown");
	} else if (c->change == CHANGE_STYLE) {
		string_putf(to, "%s -> %s", c->was, c->is);
	} else if (c->change == CHANGE_STATE) {
		text_diff_word(t, to, c->was, c->was_reason);
		string_put_text(to, " -> ");
		text_diff_word(t, to, c->is, c->is_reason);
	} else {
		text_diff_word(t, to, c->is, c->is_reason);
		string_put_text(to, " (was ");
		text_diff_word(t, to, c->was, c->was_reason);
		string_put_text(to, ")");
	}
	if (c->change != CHANGE_STYLE && c->change != CHANGE_REASON && tells_why(t, c->is) &&
	    c->is_reason)
		string_putf(to, ", %s", c->is_reason);
}

void text_diff_list(const struct text_report *t, struct string *to, const struct port_span *v,
		    size_t n)
{
	string_put_text(to, ": ");
	spans_put(v, n, t->style.verbose ? 0 : TEXT_DIFF_PORTS, to);
}

static void put_line(struct text_report *t, const struct change_record *c)
{
	bool turn = c->change == CHANGE_STATE && c->of_host;
	struct string *to = &t->line;
	const char *sign = signs[c->change];

	if (turn)
		sign = strcmp(c->is, "down") == 0 ? "-" : "+";
	put_sign(t, to, sign);
	text_diff_what(to, c);
	if (turn)
		put_turn(to, c);
	else
		put_change(t, to, c);
	if (c->n_spans)
		text_diff_list(t, to, c->spans, c->n_spans);
	string_put_text(to, "\n");
}

/* --- what is alike and neither opened nor closed ---------------------------------------------- */

static struct alike *find_alike(struct text_report *t, const char *says)
{
	struct text_diff *d = &t->diff;
	struct alike *a;

	for (size_t i = 0; i < d->n_alike; i++)
		if (strcmp(string_text(&d->alike[i].says), says) == 0)
			return &d->alike[i];
	if (!array_grow(&d->alike, d->n_alike, &d->cap_alike, sizeof(*d->alike)))
		return NULL;
	a = &d->alike[d->n_alike++];
	*a = (struct alike){0};
	string_put_text(&a->says, says);
	return a;
}

static bool add_span(struct alike *a, struct port_span span)
{
	a->ports += span.last - span.first + 1U;
	if (!array_grow(&a->v, a->n, &a->cap, sizeof(*a->v)))
		return false;
	a->v[a->n++] = span;
	return true;
}

/* Below the ports that opened or closed, those that say the same in one line. */
static void keep_alike(struct text_report *t, const struct change_record *c)
{
	const struct port_span one = {c->port, c->port};
	struct string says = {0};
	struct alike *a;
	bool ok;

	put_change(t, &says, c);
	a = says.failed ? NULL : find_alike(t, string_text(&says));
	ok = a && (c->n_spans || add_span(a, one));
	for (size_t i = 0; ok && i < c->n_spans; i++)
		ok = add_span(a, c->spans[i]);
	if (!ok)
		out_no_memory(&t->out);
	string_free(&says);
}

static void put_alike(struct text_report *t, struct alike *a)
{
	struct change_record c = {.change = CHANGE_STATE, .count = a->ports};
	bool each = a->ports <= ALIKE_EACH;
	struct string *to = &t->line;

	a->n = port_spans_settle(a->v, a->n);
	for (size_t i = 0; each && i < a->n; i++) {
		for (unsigned port = a->v[i].first; port <= a->v[i].last; port++) {
			c.port = (uint16_t)port;
			put_sign(t, to, "~");
			text_diff_what(to, &c);
			string_putf(to, "%s\n", string_text(&a->says));
		}
	}
	if (each)
		return;
	c.n_spans = a->n;
	put_sign(t, to, "~");
	text_diff_what(to, &c);
	string_put_text(to, string_text(&a->says));
	text_diff_list(t, to, a->v, a->n);
	string_put_text(to, "\n");
}

static void end_host(struct text_report *t)
{
	struct text_diff *d = &t->diff;

	for (size_t i = 0; i < d->n_alike; i++) {
		put_alike(t, &d->alike[i]);
		string_free(&d->alike[i].says);
		free(d->alike[i].v);
	}
	d->n_alike = 0;
}

static void tell_change(struct text_report *t, const struct change_record *c)
{
	bool alike = !c->of_host && (c->change == CHANGE_STATE || c->change == CHANGE_REASON);

	if (!addr_equal(&t->diff.host, c->from)) {
		end_host(t);
		put_host(t, c);
	}
	if (alike)
		keep_alike(t, c);
	else
		put_line(t, c);
}

void text_change(void *ctx, const struct change_record *c)
{
	struct text_report *t = ctx;

	begin(t);
	if (c->change == CHANGE_NEWLY_COVERED || c->change == CHANGE_NO_LONGER_COVERED)
		text_diff_hold(t, c);
	else
		tell_change(t, c);
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
	if (!first)
		string_put_text(to, "; ");
	else
		string_put_text(to, d->ignored && !d->compared ? "nothing could be compared: "
							       : "no change: ");
	text_diff_count(to, d->compared, "port");
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

void text_diff_incomplete(struct string *to, const char *name)
{
	string_putf(to, "INCOMPLETE: %s ended early: what it did not measure is ignored\n", name);
}

void text_diffed(void *ctx, const struct diff_record *d)
{
	struct text_report *t = ctx;

	begin(t);
	end_host(t);
	text_diff_settle(t);
	text_diff_scope(t, &t->diff.newly, "Newly covered", d->new_name,
			d->changes[CHANGE_NEWLY_COVERED]);
	text_diff_scope(t, &t->diff.no_longer, "No longer covered", d->old_name,
			d->changes[CHANGE_NO_LONGER_COVERED]);
	string_put_text(&t->line, "\n");
	put_sentence(t, d);
	if (!d->old_complete)
		text_diff_incomplete(&t->line, d->old_name);
	if (!d->new_complete)
		text_diff_incomplete(&t->line, d->new_name);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

void text_diff_free(struct text_report *t)
{
	text_diff_free_scope(t);
	string_clear(&t->line);
	end_host(t);
	free(t->diff.alike);
}
