/*
 * html_private: what the files of the HTML page share: the findings kept for it, and how text
 * becomes markup. Only html_put and those that build on it may take foreign text.
 */
#ifndef REPORT_HTML_PRIVATE_H
#define REPORT_HTML_PRIVATE_H

#include "report/out.h"
#include "report/report.h"

enum {
	/* So many findings are drawn, and of each cause these few even beyond: at most 6 MB. */
	HTML_KEPT_MAX = 2000,
	HTML_KEPT_OF_CAUSE = 50,
	HTML_OPEN_OF_CAUSE = 10, /* these stand open, the others are a line */
};

/* A finding with the ladder it borrows. */
struct html_kept {
	struct finding f;
	size_t n;	    /* place among those kept */
	uint32_t followers; /* told after it; f.followers: known when it was told, and then the
			       larger of the two */
	struct seen ladder[];
};

struct html_cause {
	enum cause id;
	uint64_t told, echoes; /* echoes: counted with their root, and not drawn */
	size_t kept;
	enum severity worst;
};

struct html_report {
	struct report report;
	struct out out;
	struct string s; /* written and emptied a finding at a time */
	const struct run_info *run;
	struct report_style style;
	struct html_kept **kept; /* in the order told */
	size_t n_kept, cap;
	uint64_t told, weighed[SEVERITIES][CAUSES];
	struct html_cause causes[CAUSES];
	bool written;
};

/* --- html_words.c: text as markup --- */

/* Escaped; what is no UTF-8, or would steer the reader's screen, becomes U+FFFD. */
void html_put(struct string *s, const char *text);
/* Formats, then escapes. */
void html_putf(struct string *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "<tag class=...>", the escaped text, "</tag>" and a newline; `class` may be NULL. */
void html_line(struct string *s, const char *tag, const char *class_name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A row of a list of terms. */
void html_term(struct string *s, const char *term, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "12,345", "350 s", "2026-11-20 12:00:00.000042 UTC" */
void html_number(struct string *s, uint64_t n);
void html_duration(struct string *s, uint64_t ns);
void html_time(struct string *s, uint64_t wall_ns);

/* --- the parts --- */

void html_finding(struct html_report *r, const struct html_kept *k, bool open); /* html_finding.c */
void html_ladder(struct html_report *r, const struct html_kept *k);		/* html_ladder.c */
/* html_overview.c; `e` is NULL where the run told no end */
void html_run(struct html_report *r, const struct explain_record *e);
void html_overview(struct html_report *r, const struct explain_record *e);
void html_ended(struct html_report *r, const struct explain_record *e);
/* Causes that were told, the gravest and most frequent first; how many. */
size_t html_ranked(const struct html_report *r, const struct html_cause *out[CAUSES]);

#endif
