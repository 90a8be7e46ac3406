/* paper: a report that is written to memory, for who reads what it says. */
#ifndef TESTS_UNIT_PAPER_H
#define TESTS_UNIT_PAPER_H

#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "unit.h"

struct paper {
	FILE *f;
	char *text; /* whole after paper_end; the test's to free */
	size_t len;
	struct report *report;
};

typedef struct report *paper_new_fn(FILE *f, const struct run_info *run,
				    const struct report_style *style);

/* Blank: the test itself opens a report on it. */
static inline void paper_begin(struct paper *p)
{
	memset(p, 0, sizeof(*p));
	p->f = open_memstream(&p->text, &p->len);
	assert_non_null(p->f);
}

static inline void paper_open(struct paper *p, paper_new_fn *make, const struct run_info *run,
			      const struct report_style *style)
{
	paper_begin(p);
	p->report = make(p->f, run, style);
	assert_non_null(p->report);
}

static inline const char *paper_end(struct paper *p)
{
	struct err e;

	assert_int_equal(p->report->close(p->report, &e), 0);
	assert_int_equal(fclose(p->f), 0);
	return p->text;
}

#endif
