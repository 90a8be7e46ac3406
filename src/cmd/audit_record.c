/*
 * audit_record: asks as a scan does, and writes what a policy would have to say to find the same.
 * The words are engine/policy_record's; here stands where they go.
 */
#include "config.h"

#include "cmd/audit_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "cmd/sweeping.h"
#include "engine/policy_record.h"
#include "report/out.h"

int audit_record_ask(struct run *r)
{
	struct scan_options *o = &r->o;

	for (size_t i = 0; i < o->n_record; i++)
		o->targets[i] = o->record[i];
	o->n_targets = o->n_record;
	return ask_make(&r->ask);
}

/* --- the renderer ----------------------------------------------------------------------------- */

struct recorder {
	struct report report;
	struct policy_record *record;
	const struct run_info *run;
	struct out out;
};

static void put(void *ctx, const char *line)
{
	struct recorder *w = ctx;
	struct string s = {0};

	string_putf(&s, "%s\n", line);
	out_string(&w->out, &s);
	string_free(&s);
}

/* The targets as they were typed: behind each --record. */
static void put_targets(struct string *s, char *const *argv)
{
	for (; *argv; argv++) {
		const char *target = NULL;

		if (strcmp(*argv, "--record") == 0 && argv[1])
			target = *++argv;
		else if (strncmp(*argv, "--record=", 9) == 0)
			target = *argv + 9;
		if (target)
			string_putf(s, "%s%s", s->len ? " " : "", target);
	}
}

static int recorder_close(struct report *report, struct err *e)
{
	struct recorder *w = (struct recorder *)report;
	struct string what = {0};
	struct policy_record_how how = {
	    .today = day_of_ns(w->run->started_wall_ns),
	    .put = put,
	    .ctx = w,
	};
	int rc;

	put_targets(&what, w->run->argv);
	how.what = string_text(&what);
	if (policy_record_write(w->record, &how, e) < 0)
		out_no_memory(&w->out);
	string_free(&what);
	rc = out_finish(&w->out, "the policy", e);
	policy_record_free(w->record);
	free(w);
	return rc;
}

struct report *audit_record_new(FILE *f, const struct run_info *run,
				const struct report_style *style)
{
	struct recorder *w = calloc(1, sizeof(*w));

	(void)style;
	if (!w)
		return NULL;
	w->record = policy_record_new();
	if (!w->record) {
		free(w);
		return NULL;
	}
	w->run = run;
	w->out.f = f;
	w->report.sink = policy_record_sink(w->record);
	w->report.close = recorder_close;
	return &w->report;
}

/* --- the run ---------------------------------------------------------------------------------- */

void audit_record_run(struct run *r)
{
	struct run_ports ports = {.n = sweep_sports(r->o.n_kinds, r->o.retries, false)};
	struct summary_record sum = {0};
	struct sweep_config c;
	struct err e;

	sweeping_configure(r, &c);
	c.enumerate_silent = true;
	c.want_closed = true;
	c.last_use = true;
	if (sweeping_open(r, &c, &ports, r->ask.space.total) < 0 || run_drop_privilege(r) < 0)
		return;
	if (sweep_run(&c, r->wire, &r->report->sink, &sum, &e) < 0) {
		run_fail(r, STATUS_CANNOT, &e);
		return;
	}
	if (!sum.complete)
		r->status = cmd_worse(r->status, STATUS_INCOMPLETE);
}
