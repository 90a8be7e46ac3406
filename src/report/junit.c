/*
 * junit: a suite for each file of the policy, a case for each check, in what both the schema of
 * Ant's JUnit task and that of Jenkins' xunit plugin (junit-10) take. Of testsuite: name, id,
 * package, hostname, timestamp, tests, failures, errors, skipped, time; of testcase: classname,
 * name, time (the round trip); of failure and error: message, type (the severity, or indeterminate,
 * or incomplete). Neither knows properties of a case, so that its line and owner stand in the text.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "report/check_words.h"
#include "report/checks.h"
#include "report/xmlout.h"

struct junit_report {
	struct report report;
	struct xmlout xml;
	const struct run_info *run;
	struct checks checks;
	struct string words;
	bool no_memory, summed, complete;
	double elapsed_s;
	char why[256];
	unsigned suites;
};

struct suite {
	const char *name;
	unsigned long long tests, failures, errors;
};

/* --- words -------------------------------------------------------------------------------- */

static const char *said(struct junit_report *r)
{
	r->no_memory |= r->words.failed;
	return string_text(&r->words);
}

static void put_text_line(struct junit_report *r, const char *key, const char *value)
{
	string_putf(&r->words, "%s: ", key);
	check_put_clean(&r->words, value);
	string_put_text(&r->words, "\n");
}

static void put_report(struct junit_report *r, const struct check_record *c)
{
	struct string *to = &r->words;

	string_clear(to);
	string_put_text(to, "expected: ");
	check_put_expected(to, c);
	string_put_text(to, "\nactual: ");
	check_put_seen(to, c);
	string_put_text(to, "\nevidence: ");
	check_put_evidence(to, r->run, c);
	string_put_text(to, "\npolicy: ");
	check_put_line(to, c);
	string_put_text(to, "\n");
	put_text_line(r, "severity", level_name(c->level));
	if (c->owner)
		put_text_line(r, "owner", c->owner);
	if (c->note)
		put_text_line(r, "note", c->note);
	xmlout_text(&r->xml, said(r));
}

/* The schema wants no zone and no fraction. */
static void put_timestamp(struct junit_report *r)
{
	time_t s = (time_t)(r->run->started_wall_ns / 1000000000U);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	xmlout_attr(&r->xml, "timestamp", text);
}

/* --- elements ----------------------------------------------------------------------------- */

static void begin_suite(struct junit_report *r, const struct suite *s)
{
	struct xmlout *x = &r->xml;

	xmlout_begin(x, "testsuite");
	xmlout_attr(x, "name", s->name);
	xmlout_attrf(x, "id", "%u", r->suites++);
	xmlout_attr(x, "package", "rstprobe.audit");
	xmlout_attr(x, "hostname", "localhost"); /* as the schema has it for: not told */
	put_timestamp(r);
	xmlout_attrf(x, "tests", "%llu", s->tests);
	xmlout_attrf(x, "failures", "%llu", s->failures);
	xmlout_attrf(x, "errors", "%llu", s->errors);
	xmlout_attr(x, "skipped", "0");
	xmlout_attrf(x, "time", "%.3f", r->elapsed_s);
	xmlout_begin(x, "properties");
	xmlout_begin(x, "property");
	xmlout_attr(x, "name", "rstprobe.version");
	xmlout_attr(x, "value", r->run->version);
	xmlout_end(x);
	xmlout_begin(x, "property");
	xmlout_attr(x, "name", "complete");
	xmlout_attr(x, "value", r->complete ? "true" : "false");
	xmlout_end(x);
	xmlout_end(x);
}

static void end_suite(struct junit_report *r)
{
	xmlout_begin(&r->xml, "system-out");
	xmlout_end(&r->xml);
	xmlout_begin(&r->xml, "system-err");
	xmlout_end(&r->xml);
	xmlout_end(&r->xml);
}

static void put_case(struct junit_report *r, const struct check_record *c)
{
	bool failed = c->outcome == CHECK_FAILED;
	uint32_t rtt = c->seen && c->seen->rtt_us != MEASURE_NO_RTT ? c->seen->rtt_us : 0;
	struct xmlout *x = &r->xml;

	xmlout_begin(x, "testcase");
	xmlout_attr(x, "classname", c->group);
	string_clear(&r->words);
	check_put_where(&r->words, r->run, c);
	string_put_text(&r->words, " ");
	check_put_expected(&r->words, c);
	xmlout_attr(x, "name", said(r));
	xmlout_attrf(x, "time", "%.6f", rtt / 1e6);
	if (c->outcome != CHECK_PASSED) {
		xmlout_begin(x, failed ? "failure" : "error");
		string_clear(&r->words);
		check_put_message(&r->words, c);
		xmlout_attr(x, "message", said(r));
		xmlout_attr(x, "type",
			    failed ? level_name(c->level) : check_outcome_name(c->outcome));
		put_report(r, c);
		xmlout_end(x);
	}
	xmlout_end(x);
}

/* --- suites ------------------------------------------------------------------------------- */

static struct suite count_suite(const struct junit_report *r, const char *name)
{
	struct suite s = {.name = name};

	for (size_t i = 0; i < r->checks.n; i++) {
		struct check_record c = checks_at(&r->checks, i);

		if (strcmp(c.policy, name) != 0)
			continue;
		s.tests++;
		s.failures += c.outcome == CHECK_FAILED;
		s.errors += c.outcome == CHECK_UNDECIDED;
	}
	return s;
}

static void put_suite(struct junit_report *r, const char *name)
{
	struct suite s = count_suite(r, name);

	begin_suite(r, &s);
	for (size_t i = 0; i < r->checks.n; i++) {
		struct check_record c = checks_at(&r->checks, i);

		if (strcmp(c.policy, name) == 0)
			put_case(r, &c);
	}
	end_suite(r);
}

/* Each file once, where its first check stands. */
static void put_suites(struct junit_report *r)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < r->checks.n; i++) {
		struct check_record c = checks_at(&r->checks, i);
		size_t at = n;

		while (at > 0 && strcmp(names[at - 1], c.policy) != 0)
			at--;
		if (at)
			continue;
		if (!array_grow(&names, n, &cap, sizeof(*names))) {
			r->no_memory = true;
			break;
		}
		names[n++] = c.policy;
		put_suite(r, c.policy);
	}
	free(names);
}

/* However few failed until then, nobody shall take it for good. */
static void put_incomplete(struct junit_report *r)
{
	static const struct suite s = {.name = "rstprobe audit", .tests = 1, .errors = 1};
	struct xmlout *x = &r->xml;

	begin_suite(r, &s);
	xmlout_begin(x, "testcase");
	xmlout_attr(x, "classname", "rstprobe");
	xmlout_attr(x, "name", "audit ran to its end");
	xmlout_attr(x, "time", "0");
	xmlout_begin(x, "error");
	xmlout_attrf(x, "message", "incomplete: %s", r->why);
	xmlout_attr(x, "type", "incomplete");
	xmlout_end(x);
	xmlout_end(x);
	end_suite(r);
}

/* --- the sink ----------------------------------------------------------------------------- */

static void junit_check(void *ctx, const struct check_record *c)
{
	struct junit_report *r = ctx;

	if (!checks_add(&r->checks, c))
		r->no_memory = true;
}

static void junit_summary(void *ctx, const struct summary_record *s)
{
	struct junit_report *r = ctx;

	r->summed = true;
	r->complete = s->complete;
	r->elapsed_s = s->elapsed_s;
	snprintf(r->why, sizeof(r->why), "%s", check_why(s));
}

static int junit_close(struct report *report, struct err *e)
{
	struct junit_report *r = report->sink.ctx;
	int rc;

	if (!r->summed)
		snprintf(r->why, sizeof(r->why), "%s", check_why(NULL));
	xmlout_begin(&r->xml, "testsuites");
	put_suites(r);
	if (!r->complete)
		put_incomplete(r);
	if (r->no_memory)
		out_no_memory(&r->xml.out);
	rc = xmlout_close(&r->xml, "the JUnit output", e);
	checks_free(&r->checks);
	string_free(&r->words);
	free(r);
	return rc;
}

struct report *report_junit_new(FILE *f, const struct run_info *run,
				const struct report_style *style)
{
	struct junit_report *r = calloc(1, sizeof(*r));

	(void)style;
	if (!r)
		return NULL;
	r->run = run;
	r->report = (struct report){
	    .sink = {.ctx = r, .check = junit_check, .summary = junit_summary},
	    .close = junit_close,
	};
	if (xmlout_open(&r->xml, f))
		return &r->report;
	free(r);
	return NULL;
}
