/* family: the points table and its decision. What was seen is turned into rows by stack. */
#include "judge/family.h"

#include <stdbool.h>
#include <string.h>

/* Statistics over 2,839 hosts that others recorded, as likelihood ratios; no host is in here.
 * Columns after the 0: linux, windows, bsd, macos, solaris, embedded, other. */
const struct stack_evidence family_rows[] = {
    /* clang-format off */
    {"ack_rst", "R ack!=0", {0, -5, 3, -5, -5, -3, -2, -4}},
    {"ack_rst", "R ack=0", {0, 0, -5, 0, 0, 0, 0, 0}},
    {"ack_rst", "R ack=seq", {0, -1, 0, -3, -2, -1, 1, 1}},
    {"ack_rst", "RA", {0, -3, -1, 1, -2, 1, 1, 0}},
    {"null_open", "RST", {0, -2, 1, -1, -1, 1, 0, 0}},
    {"null_open", "silent", {0, 1, -4, 0, 1, -1, 0, 0}},
    {"synfin_open", "RST", {0, -1, 1, -2, -4, 1, 0, 0}},
    {"synfin_open", "SYN/ACK", {0, 0, 0, 1, -4, 0, 0, 0}},
    {"synfin_open", "silent", {0, 0, -3, -1, 2, -1, 0, 0}},
    {"fin_closed", "ack=seq", {0, -5, -5, 1, 1, -1, 0, 1}},
    {"fin_closed", "ack=seq+1", {0, 1, 1, -2, -5, -2, 0, 0}},
    {"fin_closed", "other", {0, 0, -2, 1, -1, -1, 1, 0}},
    {"fin_closed", "silent", {0, 0, -1, 0, 0, 1, -1, -1}},
    {"syn_closed_seq", "echo", {0, -5, -3, 0, -3, -2, 1, 2}},
    {"syn_closed_seq", "other", {0, 0, 0, -1, -3, 1, -1, 1}},
    {"rst_win", "echo", {0, -4, -1, -1, -2, 0, 1, 2}},
    {"rst_win", "fixed", {0, -1, -4, -3, -2, 0, 2, 0}},
    {"ttl", "128", {0, -4, 2, -4, -5, -2, -1, -1}},
    {"ttl", "255", {0, -3, -3, -2, -1, -3, 1, 2}},
    {"ttl", "32", {0, -3, 0, -1, -2, -1, 1, 1}},
    {"ttl", "64", {0, 0, -3, 0, 0, 0, 0, 0}},
    {"ttl", "mixed", {0, 0, -2, -2, -3, 0, 1, 1}},
    {"df", "NN", {0, -4, 0, 0, -2, -4, 1, 1}},
    {"df", "NY", {0, 0, -2, 0, -2, 0, 0, 1}},
    {"df", "YN", {0, -5, 1, -1, 1, 0, -1, -1}},
    {"df", "YY", {0, 1, 0, 1, -5, 0, -1, -1}},
    {"df", "-N", {0, -5, 0, -1, 1, -1, 0, 0}},
    {"df", "-Y", {0, 1, 0, 1, -5, 0, -1, -1}},
    {"df", "N-", {0, -3, 0, 0, -2, -4, 1, 1}},
    {"df", "Y-", {0, 0, 0, 0, 0, 0, -1, -1}},
    {"sa_ipid", "0", {0, 2, -5, -1, -2, -2, 0, -1}},
    {"sa_ipid", "nonzero", {0, -4, 0, 0, 0, 0, 0, 0}},
    {"sa_win", "16384", {0, -5, 0, 2, -4, -3, 0, -1}},
    {"sa_win", "65535", {0, -3, 0, 1, 2, -5, -3, 0}},
    {"sa_win", "8192", {0, -5, 2, -5, -4, -3, 1, 0}},
    {"sa_win", "k*MSS", {0, 1, 0, -3, -3, 1, 0, 0}},
    {"sa_win", "other", {0, 0, -1, -1, -5, 1, 1, 1}},
    {"layout", "M", {0, -2, -2, -3, -3, -2, 2, 2}},
    {"layout", "MNW", {0, 0, -4, -3, -2, -1, 1, 1}},
    {"layout", "MNWNNT", {0, -3, -3, 1, -1, -3, 1, 1}},
    {"layout", "MNWNNTS", {0, -5, -5, 0, 3, -4, -4, -3}},
    {"layout", "MNWNNSNNT", {0, -4, -4, -3, -2, -1, 2, 1}},
    {"layout", "MSTNW", {0, 2, -2, -5, -3, -4, 0, -2}},
    {"layout", "MNNSNW", {0, 2, -4, -3, 0, -1, -1, -1}},
    {"layout", "MNWNNTSNN", {0, -4, -4, 2, -2, -1, -1, 0}},
    {"layout", "none", {0, -3, 0, -2, -1, 0, 2, 0}},
    {"layout", "MNNSNWNNT", {0, -5, -5, 2, -3, -2, -2, -1}},
    {"layout", "other", {0, -2, -2, -3, -4, 2, 0, 1}},
    {"layout", "TS first", {0, -3, -5, -5, -4, 3, -5, -5}},
    {"layout", "MNWST", {0, -5, 1, 2, -4, -3, -5, -1}},
    {"layout", "MNWNNTNNS", {0, -4, 3, -2, -4, -3, -3, -3}},
    /* clang-format on */
};
const size_t family_row_count = sizeof(family_rows) / sizeof(family_rows[0]);

static const int8_t prior[FAMILIES] = {0, 1, 1, 0, -1, -2, 0, -1};

/* Families that the rows can't keep apart are no rivals. */
static const uint8_t group[FAMILIES] = {
    [FAMILY_UNKNOWN] = 0, [FAMILY_LINUX] = 1,	[FAMILY_WINDOWS] = 2,  [FAMILY_BSD] = 3,
    [FAMILY_MACOS] = 3,	  [FAMILY_SOLARIS] = 4, [FAMILY_EMBEDDED] = 5, [FAMILY_OTHER] = 5,
};

enum { MARGIN_MEDIUM = 2, MARGIN_HIGH = 4, ROWS_FEW = 2 };

void family_begin(struct family_sum *s)
{
	*s = (struct family_sum){0};
	for (int f = 0; f < FAMILIES; f++)
		s->sum[f] = prior[f];
}

void family_add(struct family_sum *s, const char *what, const char *value)
{
	for (size_t i = 0; i < family_row_count; i++) {
		const struct stack_evidence *row = &family_rows[i];

		/* mostly the first letter tells */
		if (row->value[0] != *value || s->n == EVIDENCE_MAX ||
		    strcmp(row->what, what) != 0 || strcmp(row->value, value) != 0)
			continue;
		for (size_t k = 0; k < s->n; k++)
			if (strcmp(s->evidence[k].what, what) == 0)
				return; /* one host is one witness */
		s->evidence[s->n++] = *row;
		for (int f = 1; f < FAMILIES; f++)
			s->sum[f] += row->points[f];
		return;
	}
}

static enum stack_family best_but(const struct family_sum *s, int but_group)
{
	enum stack_family best = FAMILY_UNKNOWN;

	for (int f = 1; f < FAMILIES; f++)
		if (group[f] != but_group && (!best || s->sum[f] > s->sum[best]))
			best = (enum stack_family)f;
	return best;
}

enum stack_family family_decide(const struct family_sum *s, enum confidence *c,
				enum stack_family *runner_up)
{
	enum stack_family best = best_but(s, 0);
	int margin;

	*runner_up = best_but(s, group[best]);
	margin = s->sum[best] - s->sum[*runner_up];
	*c = margin >= MARGIN_HIGH     ? CONFIDENCE_HIGH
	     : margin >= MARGIN_MEDIUM ? CONFIDENCE_MEDIUM
				       : CONFIDENCE_LOW;
	return margin < 1 || s->n < ROWS_FEW ? FAMILY_UNKNOWN : best;
}

const char *family_name(enum stack_family f)
{
	static const char *const names[FAMILIES] = {
	    [FAMILY_UNKNOWN] = "unknown",   [FAMILY_LINUX] = "linux", [FAMILY_WINDOWS] = "windows",
	    [FAMILY_BSD] = "bsd",	    [FAMILY_MACOS] = "macos", [FAMILY_SOLARIS] = "solaris",
	    [FAMILY_EMBEDDED] = "embedded", [FAMILY_OTHER] = "other",
	};

	return names[f];
}

const char *confidence_name(enum confidence c)
{
	static const char *const names[] = {
	    [CONFIDENCE_LOW] = "low", [CONFIDENCE_MEDIUM] = "medium", [CONFIDENCE_HIGH] = "high"};

	return names[c];
}
