/*
 * csv: a row a result, RFC 4180 but for the line's end, which is a plain newline as most tools
 * write it. The header comes first, also where no row follows. Foreign text that a spreadsheet
 * would run as a formula gets an apostrophe before it. It knows no verdict.
 */
#include <stdlib.h>
#include <string.h>

#include "report/csv_private.h"
#include "base/utf8.h"

static bool may_stand(const char *s)
{
	return *s == '\n' || *s == '\t' || !utf8_is_control(s);
}

static void put_clean(struct string *to, const char *s)
{
	while (*s) {
		size_t n = utf8_len(s);

		if (*s == '"')
			string_put_text(to, "\"");
		if (n && may_stand(s))
			string_put(to, s, n);
		else
			string_put_text(to, UTF8_REPLACEMENT);
		s += n ? n : 1;
	}
}

static bool is_formula(const char *s)
{
	return *s && strchr("=+-@\t\r", *s);
}

static void put_field(struct csv_report *r, const char *s, bool foreign)
{
	struct string *to = &r->line;
	bool tamed = foreign && is_formula(s);
	bool quoted = s[strcspn(s, ",\"\r\n")] || *s == ' ' || (*s && s[strlen(s) - 1] == ' ');

	if (r->fields++)
		string_put_text(to, ",");
	string_put_text(to, quoted ? "\"" : "");
	string_put_text(to, tamed ? "'" : "");
	put_clean(to, s);
	string_put_text(to, quoted ? "\"" : "");
}

void csv_put(struct csv_report *r, const char *text)
{
	put_field(r, text ? text : "", false);
}

void csv_put_foreign(struct csv_report *r, const char *text)
{
	put_field(r, text ? text : "", true);
}

void csv_put_u64(struct csv_report *r, uint64_t n)
{
	if (r->fields++)
		string_put_text(&r->line, ",");
	string_put_u64(&r->line, n);
}

void csv_put_cell(struct csv_report *r)
{
	r->line.failed |= r->cell.failed;
	put_field(r, string_text(&r->cell), true);
	string_clear(&r->cell);
}

void csv_end_row(struct csv_report *r)
{
	string_put_text(&r->line, "\n");
	r->fields = 0;
}

void csv_flush(struct csv_report *r)
{
	out_string(&r->out, &r->line);
}

static void put_header(struct csv_report *r, const char *const *columns)
{
	for (; *columns; columns++)
		csv_put(r, *columns);
	csv_end_row(r);
	csv_flush(r);
}

static void csv_window(void *ctx, const struct window_record *w)
{
	struct csv_report *r = ctx;

	(void)w;
	out_flush(&r->out);
}

static void csv_summary(void *ctx, const struct summary_record *s)
{
	struct csv_report *r = ctx;

	(void)s;
	out_flush(&r->out);
}

static int csv_close(struct report *report, struct err *e)
{
	struct csv_report *r = report->sink.ctx;
	int rc;

	csv_carry_end(r);
	rc = out_finish(&r->out, "the CSV output", e);
	string_free(&r->line);
	string_free(&r->cell);
	string_free(&r->held);
	free(r);
	return rc;
}

struct report *report_csv_new(FILE *f, const struct run_info *run, const struct report_style *style)
{
	struct csv_report *r = calloc(1, sizeof(*r));
	bool audit = strcmp(run->command, "audit") == 0;

	if (!r)
		return NULL;
	r->out.f = f;
	r->run = run;
	r->style = *style;
	r->report = (struct report){
	    .sink = {.ctx = r, .window = csv_window, .summary = csv_summary},
	    .close = csv_close,
	};
	if (audit) {
		r->report.sink.check = csv_check;
	} else {
		r->report.sink.host_begin = csv_host_begin;
		r->report.sink.port = csv_port;
		r->report.sink.host_end = csv_host_end;
		r->report.carry = csv_carry;
	}
	put_header(r, audit ? csv_audit_columns : csv_scan_columns);
	return &r->report;
}
