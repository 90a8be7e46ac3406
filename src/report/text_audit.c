/*
 * text_audit: what came of `audit`, for a person and for a mail: what failed first, the gravest
 * first, then what could not be decided; what holds is counted. A table as wide as the terminal is,
 * and sentences for what is too long for it. Nothing is called good in a run that is incomplete.
 */
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/utf8.h"
#include "report/check_words.h"
#include "report/text_private.h"

enum {
	PORTS_MAX = 24,
	GAP = 2,
	/* Where a link goes down all that is left is undecided, and for one reason. */
	UNDECIDED_MAX = 50,
	FOLD_LEAST = 5, /* ports of a host of which the same is said */
};

enum audit_column { AUDIT_LEVEL, AUDIT_HOST, AUDIT_PORT, AUDIT_EXPECTED, AUDIT_SEEN, AUDIT_OWNER };
enum { AUDIT_COLUMNS = AUDIT_OWNER + 1 };

struct audit_table {
	struct text_report *t;
	size_t width[AUDIT_COLUMNS]; /* 0: nobody has such a cell */
	bool any;		     /* does any row fit? */
	bool owner_below;	     /* no column: said with the evidence */
	uint16_t *cells;	     /* of each check: its columns' widths */
};

/* --- keeping ------------------------------------------------------------------------------ */

static bool ends_soon(const struct text_report *t, const struct check_record *c)
{
	return c->until_day != DAY_NEVER &&
	       c->until_day - day_of_ns(t->run->started_wall_ns) < EXPECT_SOON_DAYS;
}

void text_check_keep(struct text_report *t, const struct check_record *c)
{
	if (ends_soon(t, c) && !checks_same_line(&t->ending, c) && !checks_add(&t->ending, c))
		out_no_memory(&t->out);
	if (c->outcome == CHECK_PASSED && !t->style.verbose)
		return;
	if (!checks_add(&t->checks, c))
		out_no_memory(&t->out);
}

void text_audit_free(struct text_report *t)
{
	checks_free(&t->checks);
	checks_free(&t->ending);
}

/* --- cells -------------------------------------------------------------------------------- */

static const char *const titles[AUDIT_COLUMNS] = {
    [AUDIT_HOST] = "HOST", [AUDIT_PORT] = "PORT",   [AUDIT_EXPECTED] = "EXPECTED",
    [AUDIT_SEEN] = "SEEN", [AUDIT_OWNER] = "OWNER",
};

static const char *title_of(enum audit_column col, enum check_outcome o)
{
	static const char *const firsts[CHECK_OUTCOMES] = {
	    [CHECK_PASSED] = "HOLDS", [CHECK_FAILED] = "FAILED", [CHECK_UNDECIDED] = "UNDECIDED"};

	return col == AUDIT_LEVEL ? firsts[o] : titles[col];
}

static void put_port_cell(const struct text_report *t, struct string *to,
			  const struct check_record *c)
{
	const char *service;
	char buf[32];

	check_put_ports(to, c, t->style.verbose ? 0 : PORTS_MAX);
	if (c->n_spans)
		string_putf(to, " (%u ports)", (unsigned)c->count);
	service = c->port && t->run->service_name ? t->run->service_name(c->port, buf) : NULL;
	if (service)
		string_putf(to, " (%s)", service);
}

static void put_cell(const struct text_report *t, struct string *to, enum audit_column col,
		     const struct check_record *c)
{
	switch (col) {
	case AUDIT_LEVEL: string_put_text(to, level_name(c->level)); break;
	case AUDIT_HOST: check_put_who(to, t->run, c); break;
	case AUDIT_PORT: put_port_cell(t, to, c); break;
	case AUDIT_EXPECTED: check_put_expected(to, c); break;
	case AUDIT_SEEN: check_put_seen(to, c); break;
	default: check_put_clean(to, c->owner ? c->owner : ""); break;
	}
}

static size_t columns_of(const struct string *s)
{
	return utf8_count(string_text(s), s->len);
}

static void measure_row(struct audit_table *a, size_t i, struct string *cell)
{
	struct check_record c = checks_at(&a->t->checks, i);
	uint16_t *widths = a->cells + i * AUDIT_COLUMNS;

	for (int col = 0; col < AUDIT_COLUMNS; col++) {
		size_t n;

		put_cell(a->t, cell, (enum audit_column)col, &c);
		n = columns_of(cell);
		string_clear(cell);
		widths[col] = (uint16_t)(n < UINT16_MAX ? n : UINT16_MAX);
		a->width[col] = n > a->width[col] ? n : a->width[col];
	}
}

static size_t title_width(enum audit_column col)
{
	return col == AUDIT_LEVEL ? strlen("UNDECIDED") : strlen(titles[col]);
}

static size_t table_width(const struct audit_table *a)
{
	size_t sum = 0;

	for (int col = 0; col < AUDIT_COLUMNS; col++)
		sum += a->width[col] ? a->width[col] + GAP : 0;
	return sum - GAP;
}

/* The column's next smaller cell, but no less than its title. */
static size_t narrower(const struct audit_table *a, enum audit_column col)
{
	size_t best = title_width(col);

	for (size_t i = 0; i < a->t->checks.n; i++) {
		size_t n = a->cells[i * AUDIT_COLUMNS + col];

		if (n < a->width[col] && n > best)
			best = n;
	}
	return best;
}

static bool fits(const struct audit_table *a, size_t i)
{
	for (int col = 0; col < (a->owner_below ? AUDIT_OWNER : AUDIT_COLUMNS); col++)
		if (a->cells[i * AUDIT_COLUMNS + col] > a->width[col])
			return false;
	return true;
}

/* How many rows would no longer fit, were the column so narrow; grave ones count more. */
static size_t lost_by(const struct audit_table *a, enum audit_column col, size_t width)
{
	size_t n = 0;

	for (size_t i = 0; i < a->t->checks.n; i++)
		if (a->cells[i * AUDIT_COLUMNS + col] > width && fits(a, i))
			n += LEVELS - checks_at(&a->t->checks, i).level;
	return n;
}

/* Takes room from where that costs the fewest rows for what it gives; false where nothing is left
 * to take. */
static bool squeeze(struct audit_table *a, size_t excess)
{
	size_t lost = 0, gain = 0, to = 0;
	int at = -1;

	for (int col = AUDIT_HOST; col < AUDIT_COLUMNS; col++) {
		size_t width, would_lose, would_gain;

		if (a->width[col] <= title_width((enum audit_column)col))
			continue;
		width = narrower(a, (enum audit_column)col);
		would_lose = lost_by(a, (enum audit_column)col, width);
		would_gain = a->width[col] - width;
		would_gain = would_gain < excess ? would_gain : excess;
		if (at >= 0 && would_lose * gain >= lost * would_gain)
			continue;
		at = col;
		lost = would_lose;
		gain = would_gain;
		to = width;
	}
	if (at >= 0)
		a->width[at] = to;
	return at >= 0;
}

/* Does everything else find room where the owner is said below? */
static bool try_owner_below(struct audit_table *a)
{
	size_t width = a->width[AUDIT_OWNER];

	if (!width || table_width(a) - width - GAP > text_width(a->t))
		return false;
	a->width[AUDIT_OWNER] = 0;
	a->owner_below = true;
	return true;
}

static void measure_table(struct audit_table *a)
{
	struct string cell = {0};

	a->width[AUDIT_LEVEL] = title_width(AUDIT_LEVEL);
	for (size_t i = 0; i < a->t->checks.n; i++)
		measure_row(a, i, &cell);
	string_free(&cell);
	for (int col = 0; col < AUDIT_COLUMNS; col++)
		if (a->width[col] && a->width[col] < title_width((enum audit_column)col))
			a->width[col] = title_width((enum audit_column)col);
	while (table_width(a) > text_width(a->t) && !try_owner_below(a) &&
	       squeeze(a, table_width(a) - text_width(a->t)))
		;
	for (size_t i = 0; i < a->t->checks.n && !a->any; i++)
		a->any = fits(a, i);
}

/* --- rows --------------------------------------------------------------------------------- */

static const char *color_of(const struct text_report *t, const struct check_record *c)
{
	if (c->outcome == CHECK_PASSED)
		return text_severity_color(t, SEVERITY_BENIGN);
	if (c->outcome == CHECK_UNDECIDED)
		return text_severity_color(t, SEVERITY_SUSPICIOUS);
	return text_severity_color(t,
				   c->level == LEVEL_CRITICAL ? SEVERITY_PROBLEM : SEVERITY_NOTICE);
}

/* Blanks up to the next column, where there is one. */
static void pad(const struct audit_table *a, struct string *to, int col, size_t used)
{
	for (int next = col + 1; next < AUDIT_COLUMNS; next++)
		if (a->width[next]) {
			string_pad(to, a->width[col] + GAP - used);
			return;
		}
}

static void trim(struct string *to)
{
	while (to->len && to->s[to->len - 1] == ' ')
		to->s[--to->len] = '\0';
}

static void put_head(const struct audit_table *a, enum check_outcome o)
{
	struct string *to = &a->t->line;

	if (to->len)
		string_put_text(to, "\n");
	if (!a->any) {
		string_putf(to, "%s\n", title_of(AUDIT_LEVEL, o));
		return;
	}
	for (int col = 0; col < AUDIT_COLUMNS; col++) {
		const char *title = title_of((enum audit_column)col, o);

		if (!a->width[col])
			continue;
		string_put_text(to, title);
		pad(a, to, col, strlen(title));
	}
	string_put_text(to, "\n");
}

static void put_row(const struct audit_table *a, const struct check_record *c)
{
	struct string *to = &a->t->line, cell = {0};

	for (int col = 0; col < AUDIT_COLUMNS; col++) {
		const char *color = col == AUDIT_LEVEL ? color_of(a->t, c) : "";

		if (!a->width[col])
			continue;
		put_cell(a->t, &cell, (enum audit_column)col, c);
		string_putf(to, "%s%s%s", color, string_text(&cell),
			    *color ? text_plain(a->t) : "");
		pad(a, to, col, columns_of(&cell));
		string_clear(&cell);
	}
	trim(to);
	string_put_text(to, "\n");
	string_free(&cell);
}

/* The same where it is too long for the table. */
static void put_sentence(const struct audit_table *a, const struct check_record *c)
{
	size_t column = a->width[AUDIT_LEVEL] + GAP;
	struct string *to = &a->t->line, says = {0};
	const char *level = level_name(c->level), *color = color_of(a->t, c);

	string_putf(to, "%s%s%s", color, level, *color ? text_plain(a->t) : "");
	string_pad(to, column - strlen(level));
	check_put_who(&says, a->t->run, c);
	if (c->port || c->n_spans)
		string_put_text(&says, c->n_spans ? " ports " : " port ");
	put_port_cell(a->t, &says, c);
	string_put_text(&says, ": ");
	check_put_message(&says, c);
	if (c->owner && (!a->owner_below || c->outcome == CHECK_PASSED)) {
		string_put_text(&says, "; owner ");
		check_put_clean(&says, c->owner);
	}
	text_put_from(a->t, string_text(&says), column, column);
	string_free(&says);
}

/* "SYN drew SYN-ACK (TTL 61, 0.4 ms); web.policy:12, until 2027-03-01: mail moves in March" */
static void put_detail(const struct audit_table *a, struct string *to, const struct check_record *c)
{
	struct check_record alike = *c;
	char date[DAY_TEXT];
	struct measure m;

	/* where none is demanded a round trip proves nothing, and makes each row look different */
	if (c->seen && !c->expect->within_ns) {
		m = *c->seen;
		m.rtt_us = MEASURE_NO_RTT;
		alike.seen = &m;
	}
	check_put_evidence(to, a->t->run, &alike);
	string_put_text(to, "; ");
	check_put_line(to, c);
	if (a->owner_below && c->owner) {
		string_put_text(to, ", owner ");
		check_put_clean(to, c->owner);
	}
	if (c->until_day != DAY_NEVER)
		string_putf(to, ", until %s", day_text(c->until_day, date));
	if (c->note) {
		string_put_text(to, ": ");
		check_put_clean(to, c->note);
	}
}

/* Of one outcome and level, in the order of the policy. What neighbours have in common below them
 * is said once. */
static void put_rows(const struct audit_table *a, const size_t *rows, size_t n)
{
	size_t column = a->width[AUDIT_LEVEL] + GAP;
	const struct checks *k = &a->t->checks;
	struct string detail = {0}, next = {0};

	for (size_t i = 0; i < n; i++) {
		struct check_record c = checks_at(k, rows[i]), after;

		(fits(a, rows[i]) ? put_row : put_sentence)(a, &c);
		if (c.outcome == CHECK_PASSED)
			continue;
		string_clear(&detail);
		string_clear(&next);
		put_detail(a, &detail, &c);
		if (i + 1 < n) {
			after = checks_at(k, rows[i + 1]);
			put_detail(a, &next, &after);
			if (strcmp(string_text(&detail), string_text(&next)) == 0)
				continue;
		}
		string_pad(&a->t->line, column);
		text_put_from(a->t, string_text(&detail), column, column);
	}
	string_free(&detail);
	string_free(&next);
}

static uint64_t count_of(const struct checks *k, size_t i)
{
	uint32_t n = checks_at(k, i).count;

	return n ? n : 1;
}

static void put_outcome(const struct audit_table *a, enum check_outcome o, size_t *rows)
{
	const struct checks *k = &a->t->checks;
	size_t left = o == CHECK_UNDECIDED && !a->t->style.verbose ? UNDECIDED_MAX : k->n;
	uint64_t more = 0;
	bool head = false;

	for (int level = 0; level < LEVELS; level++) {
		size_t n = 0, shown;

		for (size_t i = 0; i < k->n; i++) {
			struct check_record c = checks_at(k, i);

			if (c.outcome == o && c.level == (enum severity_level)level)
				rows[n++] = i;
		}
		if (n && !head)
			put_head(a, o);
		head |= n > 0;
		shown = n < left ? n : left;
		put_rows(a, rows, shown);
		left -= shown;
		for (size_t i = shown; i < n; i++)
			more += count_of(k, rows[i]);
	}
	if (more)
		string_putf(&a->t->line, "%*s and %llu more (-v lists them)\n",
			    (int)title_width(AUDIT_LEVEL), "", (unsigned long long)more);
}

/* --- the end ------------------------------------------------------------------------------ */

static void put_ending(struct text_report *t, const struct check_record *c)
{
	int days = c->until_day - day_of_ns(t->run->started_wall_ns);
	struct string says = {0};
	char date[DAY_TEXT];

	check_put_line(&says, c);
	string_putf(&says, " is in force until %s", day_text(c->until_day, date));
	if (days <= 1)
		string_put_text(&says, days == 1 ? " (tomorrow)" : " (today)");
	else
		string_putf(&says, " (%d days from now)", days);
	if (c->owner) {
		string_put_text(&says, "; owner ");
		check_put_clean(&says, c->owner);
	}
	if (c->note) {
		string_put_text(&says, "; ");
		check_put_clean(&says, c->note);
	}
	text_put_paragraph(t, string_text(&says), 2);
	string_free(&says);
}

static void put_endings(struct text_report *t, const struct audit_counts *n)
{
	for (size_t i = 0; i < t->ending.n; i++) {
		struct check_record c = checks_at(&t->ending, i);

		put_ending(t, &c);
	}
	if (n && n->expired)
		string_putf(&t->line,
			    "%llu line%s of the policy %s ended (audit --check names %s)\n",
			    (unsigned long long)n->expired, text_plural(n->expired),
			    n->expired == 1 ? "has" : "have", n->expired == 1 ? "it" : "them");
}

static void put_levels(struct string *to, const struct audit_counts *n)
{
	bool first = true;

	for (int l = 0; l < LEVELS; l++) {
		if (!n->failed[l])
			continue;
		if (first)
			string_put_text(to, " (");
		text_put_item(to, &first, n->failed[l], level_name((enum severity_level)l));
	}
	if (!first)
		string_put_text(to, ")");
}

static void put_counted(struct string *to, const struct audit_counts *n, bool complete)
{
	unsigned long long all = n->checks, failed = n->outcomes[CHECK_FAILED];
	unsigned long long undecided = n->outcomes[CHECK_UNDECIDED];
	unsigned long long hold = n->outcomes[CHECK_PASSED];

	if (!all) {
		string_put_text(to, complete
					? "nothing was checked: no line of the policy is in force"
					: "nothing was checked");
		return;
	}
	if (complete && hold == all) {
		string_putf(to, all == 1 ? "the one check holds" : "all %llu checks hold", all);
		return;
	}
	string_putf(to, "%llu of %llu check%s failed", failed, all, text_plural(all));
	put_levels(to, n);
	if (undecided)
		string_putf(to, ", %llu could not be decided", undecided);
	string_putf(to, ", %llu hold%s", hold, hold == 1 ? "s" : "");
}

static void put_sum(struct text_report *t, const struct summary_record *s)
{
	struct string *to = &t->line, says = {0};

	if (s) {
		string_put_text(&says, "audit: ");
		put_counted(&says, s->audit, s->complete);
		if (s->audit->checks)
			string_putf(&says, "; %llu host%s, ", (unsigned long long)s->audit->hosts,
				    text_plural(s->audit->hosts));
		if (s->audit->checks)
			text_put_elapsed(&says, s->elapsed_s);
		text_put_paragraph(t, string_text(&says), 2);
	}
	if (!s || !s->complete)
		string_putf(to, "INCOMPLETE: %s\n", check_why(s));
	string_free(&says);
}

void text_audit_put(struct text_report *t, const struct summary_record *s)
{
	struct audit_table a = {.t = t};
	size_t *rows = calloc(t->checks.n + 1, sizeof(*rows));

	if (!t->style.verbose && !checks_fold(&t->checks, FOLD_LEAST))
		out_no_memory(&t->out);
	a.cells = calloc(t->checks.n + 1, AUDIT_COLUMNS * sizeof(*a.cells));
	if (rows && a.cells) {
		measure_table(&a);
		put_outcome(&a, CHECK_FAILED, rows);
		put_outcome(&a, CHECK_UNDECIDED, rows);
		put_outcome(&a, CHECK_PASSED, rows);
	} else {
		out_no_memory(&t->out);
	}
	if (t->line.len)
		string_put_text(&t->line, "\n");
	put_endings(t, s ? s->audit : NULL);
	put_sum(t, s);
	text_audit_free(t);
	free(a.cells);
	free(rows);
}
