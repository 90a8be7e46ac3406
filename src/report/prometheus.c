/*
 * prometheus: a file for the textfile collector. A check has a series only while it fails or is
 * undecided, since what holds is counted; so many series at most, and a gauge says how many were
 * left out. A family's samples stand together, as the format wants, so they wait until the end. No
 * two have the same labels, nor do those of audits by other policies: a collector refuses them all
 * then.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/check_words.h"
#include "report/host.h"
#include "base/utf8.h"

enum { SERIES_MAX = 10000, PORTS_MAX = 200 };

struct series {
	size_t *v; /* places in `labels` */
	size_t n, cap;
};

struct prometheus_report {
	struct report report;
	struct out out;
	struct string line, labels;
	const struct run_info *run;
	struct series failed, undecided;
	uint64_t left_out;
	bool no_memory, ended;
};

/* --- labels ------------------------------------------------------------------------------- */

static void put_value(struct string *to, const char *value)
{
	while (*value) {
		size_t n = utf8_len(value);

		if (*value == '\\' || *value == '"')
			string_putf(to, "\\%c", *value);
		else if (*value == '\n')
			string_put_text(to, "\\n");
		else if (n)
			string_put(to, value, n);
		else
			string_put_text(to, UTF8_REPLACEMENT);
		value += n ? n : 1;
	}
}

static void put_label(struct string *to, const char *name, const char *value)
{
	string_putf(to, "%s=\"", name);
	put_value(to, value ? value : "");
	string_put_text(to, "\"");
}

/* Which audit, by the policies on the command line: a line's own may be one that others include. */
static void put_audit(const struct run_info *run, struct string *to)
{
	string_put_text(to, "audit=\"");
	for (size_t i = 0; i < run->n_files; i++) {
		string_put_text(to, i ? "," : "");
		put_value(to, run->files[i]);
	}
	string_put_text(to, "\"");
}

/* Ranges of one line and host never begin alike, so that they may be cut. */
static void put_labels(const struct run_info *run, struct string *to, const struct check_record *c)
{
	char addr[ADDR_TEXT], expected[128];

	put_audit(run, to);
	string_put_text(to, ",");
	put_label(to, "policy", c->policy);
	string_putf(to, ",line=\"%u\",", c->line);
	put_label(to, "group", c->group);
	string_put_text(to, ",");
	put_label(to, "address", c->addr ? host_addr(run, c->addr, addr) : "");
	string_put_text(to, ",");
	put_label(to, "name", c->name);
	string_put_text(to, ",port=\"");
	check_put_ports(to, c, PORTS_MAX);
	string_put_text(to, "\",");
	put_label(to, "expect", expect_text(c->expect, expected, sizeof(expected)));
	string_put_text(to, ",");
	put_label(to, "severity", level_name(c->level));
	string_put_text(to, ",");
	put_label(to, "owner", c->owner);
}

static void add_series(struct prometheus_report *r, struct series *s, const struct check_record *c)
{
	size_t at = r->labels.len;

	if (r->failed.n + r->undecided.n == SERIES_MAX) {
		r->left_out++;
		return;
	}
	if (!array_grow(&s->v, s->n, &s->cap, sizeof(*s->v))) {
		r->no_memory = true;
		return;
	}
	put_labels(r->run, &r->labels, c);
	string_put(&r->labels, "", 1);
	s->v[s->n++] = at;
}

/* --- families ----------------------------------------------------------------------------- */

static void put_family(struct prometheus_report *r, const char *name, const char *help)
{
	string_putf(&r->line, "# HELP rstprobe_audit_%s %s\n# TYPE rstprobe_audit_%s gauge\n", name,
		    help, name);
}

/* "rstprobe_audit_complete{audit="web.policy"} " */
static void put_name(struct prometheus_report *r, const char *name, const char *label,
		     const char *value)
{
	string_putf(&r->line, "rstprobe_audit_%s{", name);
	put_audit(r->run, &r->line);
	if (label) {
		string_put_text(&r->line, ",");
		put_label(&r->line, label, value);
	}
	string_put_text(&r->line, "} ");
}

static void put_labelled(struct prometheus_report *r, const char *name, const char *label,
			 const char *value, uint64_t n)
{
	put_name(r, name, label, value);
	string_putf(&r->line, "%llu\n", (unsigned long long)n);
}

static void put_number(struct prometheus_report *r, const char *name, uint64_t n)
{
	put_labelled(r, name, NULL, NULL, n);
}

static void put_seconds(struct prometheus_report *r, const char *name, double s)
{
	put_name(r, name, NULL, NULL);
	string_putf(&r->line, "%.3f\n", s);
}

static int compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void put_series(struct prometheus_report *r, const char *name, const struct series *s)
{
	const char **v = calloc(s->n + 1, sizeof(*v));

	if (!v) {
		r->no_memory = true;
		return;
	}
	for (size_t i = 0; i < s->n; i++)
		v[i] = string_text(&r->labels) + s->v[i];
	qsort(v, s->n, sizeof(*v), compare);
	for (size_t i = 0; i < s->n; i++)
		if (i == 0 || strcmp(v[i], v[i - 1]) != 0) {
			string_putf(&r->line, "rstprobe_audit_%s{%s} 1\n", name, v[i]);
			out_string(&r->out, &r->line);
		}
	free(v);
}

static void put_counts(struct prometheus_report *r, const struct audit_counts *n)
{
	put_family(r, "checks", "Checks of the last audit by result.");
	for (int i = 0; i < CHECK_OUTCOMES; i++)
		put_labelled(r, "checks", "result", check_outcome_name((enum check_outcome)i),
			     n->outcomes[i]);
	put_family(r, "failures", "Checks that failed, by severity.");
	for (int i = 0; i < LEVELS; i++)
		put_labelled(r, "failures", "severity", level_name((enum severity_level)i),
			     n->failed[i]);
	put_family(r, "policy_lines", "Lines of the policy, in force and ended.");
	put_labelled(r, "policy_lines", "state", "in-force", n->lines);
	put_labelled(r, "policy_lines", "state", "ended", n->expired);
}

static void put_all(struct prometheus_report *r, const struct summary_record *s)
{
	double began = (double)r->run->started_wall_ns / 1e9;

	put_family(r, "check_failed", "1 for each check that failed.");
	put_series(r, "check_failed", &r->failed);
	put_family(r, "check_undecided", "1 for each check that could not be decided.");
	put_series(r, "check_undecided", &r->undecided);
	put_family(r, "series_left_out",
		   "Failed and undecided checks without a series of their own.");
	put_number(r, "series_left_out", r->left_out);
	if (s && s->audit)
		put_counts(r, s->audit);
	put_family(r, "complete", "1 where the last audit ran to its end.");
	put_number(r, "complete", s && s->complete);
	put_family(r, "last_run_timestamp_seconds", "When the last audit ended.");
	put_seconds(r, "last_run_timestamp_seconds", began + (s ? s->elapsed_s : 0));
	if (s) {
		put_family(r, "duration_seconds", "How long the last audit took.");
		put_seconds(r, "duration_seconds", s->elapsed_s);
	}
	out_string(&r->out, &r->line);
	r->ended = true;
}

/* --- the sink ----------------------------------------------------------------------------- */

static void prometheus_check(void *ctx, const struct check_record *c)
{
	struct prometheus_report *r = ctx;

	if (c->outcome == CHECK_FAILED)
		add_series(r, &r->failed, c);
	else if (c->outcome == CHECK_UNDECIDED)
		add_series(r, &r->undecided, c);
}

static void prometheus_summary(void *ctx, const struct summary_record *s)
{
	put_all(ctx, s);
}

static int prometheus_close(struct report *report, struct err *e)
{
	struct prometheus_report *r = report->sink.ctx;
	int rc;

	if (!r->ended)
		put_all(r, NULL);
	if (r->no_memory || r->labels.failed)
		out_no_memory(&r->out);
	rc = out_finish(&r->out, "the metrics", e);
	free(r->failed.v);
	free(r->undecided.v);
	string_free(&r->line);
	string_free(&r->labels);
	free(r);
	return rc;
}

struct report *report_prometheus_new(FILE *f, const struct run_info *run,
				     const struct report_style *style)
{
	struct prometheus_report *r = calloc(1, sizeof(*r));

	(void)style;
	if (!r)
		return NULL;
	r->out.f = f;
	r->run = run;
	r->report = (struct report){
	    .sink = {.ctx = r, .check = prometheus_check, .summary = prometheus_summary},
	    .close = prometheus_close,
	};
	return &r->report;
}
