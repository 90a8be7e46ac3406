/*
 * tap: a check a test point. What could not be decided is "not ok" too, without a directive, which
 * would make it pass. The plan comes last, and a run that is incomplete has none: it bails out.
 * The version is said to be 13, since prove (Test::Harness) fails all of what calls itself 14,
 * and nothing here is new in 14.
 */
#include <stdlib.h>

#include "report/check_words.h"
#include "report/line.h"

struct tap_report {
	struct report report;
	struct out out;
	struct string line, cell;
	const struct run_info *run;
	unsigned long long n;
	bool ended; /* the summary came */
};

/* A directive begins at a #. */
static void put_description(struct tap_report *r)
{
	for (const char *s = string_text(&r->cell); *s; s++) {
		if (*s == '#' || *s == '\\')
			string_put_text(&r->line, "\\");
		string_put(&r->line, s, 1);
	}
	string_clear(&r->cell);
}

/* YAML takes strings as JSON writes them. */
static void put_item(struct tap_report *r, const char *key, const char *value)
{
	string_putf(&r->line, "  %s: ", key);
	line_put_text(&r->line, value);
	string_put_text(&r->line, "\n");
}

/* What the words in `cell` say. */
static void put_said(struct tap_report *r, const char *key)
{
	put_item(r, key, string_text(&r->cell));
	string_clear(&r->cell);
}

static void put_block(struct tap_report *r, const struct check_record *c)
{
	string_put_text(&r->line, "  ---\n");
	check_put_message(&r->cell, c);
	put_said(r, "message");
	put_item(r, "result", check_outcome_name(c->outcome));
	put_item(r, "severity", level_name(c->level));
	check_put_expected(&r->cell, c);
	put_said(r, "expected");
	check_put_seen(&r->cell, c);
	put_said(r, "actual");
	check_put_evidence(&r->cell, r->run, c);
	put_said(r, "evidence");
	check_put_line(&r->cell, c);
	put_said(r, "policy");
	if (c->owner)
		put_item(r, "owner", c->owner);
	if (c->note)
		put_item(r, "note", c->note);
	string_put_text(&r->line, "  ...\n");
}

static void tap_check(void *ctx, const struct check_record *c)
{
	struct tap_report *r = ctx;

	r->n++;
	string_putf(&r->line, "%s %llu - ", c->outcome == CHECK_PASSED ? "ok" : "not ok", r->n);
	check_put_clean(&r->cell, c->group);
	string_put_text(&r->cell, ": ");
	check_put_where(&r->cell, r->run, c);
	string_put_text(&r->cell, " ");
	check_put_expected(&r->cell, c);
	put_description(r);
	string_put_text(&r->line, "\n");
	if (c->outcome != CHECK_PASSED)
		put_block(r, c);
	r->line.failed |= r->cell.failed;
	out_string(&r->out, &r->line);
}

static void put_end(struct tap_report *r, const struct summary_record *s)
{
	if (!s || !s->complete) {
		string_put_text(&r->line, "Bail out! incomplete: ");
		check_put_clean(&r->line, check_why(s));
		string_put_text(&r->line, "\n");
	} else if (r->n) {
		string_putf(&r->line, "1..%llu\n", r->n);
	} else {
		string_put_text(&r->line, "1..0 # SKIP no line of the policy is in force\n");
	}
	out_string(&r->out, &r->line);
	r->ended = true;
}

static void tap_summary(void *ctx, const struct summary_record *s)
{
	struct tap_report *r = ctx;

	put_end(r, s);
	out_flush(&r->out);
}

static int tap_close(struct report *report, struct err *e)
{
	struct tap_report *r = report->sink.ctx;
	int rc;

	if (!r->ended)
		put_end(r, NULL);
	rc = out_finish(&r->out, "the TAP output", e);
	string_free(&r->line);
	string_free(&r->cell);
	free(r);
	return rc;
}

struct report *report_tap_new(FILE *f, const struct run_info *run, const struct report_style *style)
{
	static const char head[] = "TAP version 13\n";
	struct tap_report *r = calloc(1, sizeof(*r));

	(void)style;
	if (!r)
		return NULL;
	r->out.f = f;
	r->run = run;
	r->report = (struct report){
	    .sink = {.ctx = r, .check = tap_check, .summary = tap_summary},
	    .close = tap_close,
	};
	out_write(&r->out, head, sizeof(head) - 1);
	return &r->report;
}
