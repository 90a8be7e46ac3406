/*
 * text_explained: the end of `explain`: how many RSTs for which cause, which silences a timer
 * explains, and what keeps the result from being whole. What is zero is not mentioned.
 */
#include <string.h>

#include "report/reset_words.h"
#include "report/text_private.h"

enum { BAR_MAX = 30, SEVERITY_WIDTH = 10, CAUSE_WIDTH = 19 };

static void put_number(struct string *to, uint64_t n)
{
	char buf[40];
	struct text words = text_of(buf, sizeof(buf));

	reset_words_number(&words, n);
	string_putf(to, "%s", buf);
}

/* "1 frame", "12,345 frames" */
static void put_count(struct string *to, uint64_t n, const char *what)
{
	put_number(to, n);
	string_putf(to, " %s%s", what, text_plural(n));
}

/* Moves the sentence into the page, and empties it. */
static void put_sentence(struct text_report *t, struct string *line)
{
	if (line->failed)
		out_no_memory(&t->out);
	text_put_paragraph(t, string_text(line), 2);
	string_clear(line);
}

/* --- how many ----------------------------------------------------------------------------- */

static uint64_t roots_of(const struct explain_summary *s)
{
	uint64_t n = 0;

	for (int i = 0; i < SEVERITIES; i++)
		n += s->by_severity[i];
	return n;
}

static void put_frames(struct string *to, const struct explain_record *r)
{
	const struct explain_summary *s = r->sum;
	char buf[80];
	struct text words = text_of(buf, sizeof(buf));

	put_count(to, s->frames, "frame");
	string_putf(to, " (");
	put_number(to, s->tcp);
	string_putf(to, " of TCP, ");
	put_count(to, s->flows, "connection");
	string_putf(to, ")");
	if (s->last_ns <= s->first_ns)
		return;
	text_putf(&words, " over ");
	reset_words_duration(&words, s->last_ns - s->first_ns);
	string_putf(to, "%s", buf);
}

static void put_severities(struct string *to, const struct explain_summary *s)
{
	uint64_t rest = s->resets - roots_of(s);
	const char *before = ": ";

	for (int i = 0; i < SEVERITIES; i++) {
		enum severity severity = reset_words_severities[i];
		uint64_t n = s->by_severity[severity];

		if (!n)
			continue;
		string_putf(to, "%s", before);
		put_number(to, n);
		string_putf(to, " %s", reset_words_severity(severity, n));
		before = ", ";
	}
	if (!rest || rest > s->resets)
		return;
	string_putf(to, "%s", before);
	put_number(to, rest);
	string_putf(to, rest == 1 ? " that follows from another or is its copy"
				  : " that follow from others or are their copies");
}

static void put_headline(struct text_report *t, const struct explain_record *r)
{
	const struct explain_summary *s = r->sum;
	struct string line = {0};

	if (s->resets) {
		put_count(&line, s->resets, "RST");
		string_putf(&line, " in ");
	} else {
		string_putf(&line,
			    s->tcp || !s->frames ? "No RST in " : "No TCP, and so no RST, in ");
	}
	put_frames(&line, r);
	if (s->resets)
		put_severities(&line, s);
	string_putf(&line, ".");
	put_sentence(t, &line);
	string_free(&line);
}

/* --- by cause ----------------------------------------------------------------------------- */

static void put_cause(struct text_report *t, const struct weighed *w, int width)
{
	const struct cause_info *info = &cause_infos[w->cause];
	const char *severity = severity_name(w->severity);
	size_t column = SEVERITY_WIDTH + 2 + (size_t)width + 2 + CAUSE_WIDTH + 2;

	string_putf(&t->line, "%s%s%s%*s  %*llu  %-*s  ", text_severity_color(t, w->severity),
		    severity, text_plain(t), SEVERITY_WIDTH - (int)strlen(severity), "", width,
		    (unsigned long long)w->n, CAUSE_WIDTH, info->name);
	text_put_from(t, info->summary, column, column);
}

static void put_causes(struct text_report *t, const struct explain_summary *s)
{
	struct weighed rows[WEIGHED_MAX];
	size_t n = reset_words_weighed(s->weighed, rows);
	char most[24];
	int width = (int)strlen("RSTS"), len;
	uint64_t max = 0;

	for (int c = 0; c < CAUSES; c++)
		max = s->by_cause[c] > max ? s->by_cause[c] : max;
	len = snprintf(most, sizeof(most), "%llu", (unsigned long long)max);
	width = len > width ? len : width;
	string_putf(&t->line, "\n%-*s  %*s  %-*s  WHAT HAPPENED\n", SEVERITY_WIDTH, "SEVERITY",
		    width, "RSTS", CAUSE_WIDTH, "CAUSE");
	for (size_t i = 0; i < n; i++)
		put_cause(t, &rows[i], width);
}

/* --- idle timers -------------------------------------------------------------------------- */

static void put_bin(struct text_report *t, const struct idle_bin *b, uint32_t max)
{
	const char *whose = reset_words_timer(b->seconds);
	uint64_t bar = ((uint64_t)b->n * BAR_MAX + max - 1) / max;
	char buf[40];
	struct text words = text_of(buf, sizeof(buf));

	reset_words_duration(&words, b->seconds * UINT64_C(1000000000));
	string_putf(&t->line, "  %12s  %6u  ", buf, (unsigned)b->n);
	for (uint64_t i = 0; i < bar; i++)
		string_putf(&t->line, "#");
	if (whose)
		string_putf(&t->line, " (default of %s)", whose);
	string_putf(&t->line, "\n");
}

static void put_idle(struct text_report *t, const struct explain_summary *s)
{
	const size_t bins = sizeof(s->idle) / sizeof(s->idle[0]);
	uint32_t max = 0, after = 0, least;

	for (size_t i = 0; i < bins; i++)
		max = s->idle[i].seconds && s->idle[i].n > max ? s->idle[i].n : max;
	if (!max)
		return;
	string_putf(&t->line, "\nSilence before RSTs, as an idle timer would leave it:\n");
	/* by length, whatever their order */
	do {
		const struct idle_bin *next = NULL;

		least = UINT32_MAX;
		for (size_t i = 0; i < bins; i++) {
			if (s->idle[i].n && s->idle[i].seconds > after &&
			    s->idle[i].seconds < least) {
				next = &s->idle[i];
				least = next->seconds;
			}
		}
		if (next)
			put_bin(t, next, max);
		after = least;
	} while (least != UINT32_MAX);
}

/* --- what is missing ---------------------------------------------------------------------- */

/* One sentence a count: "12 flows" and what that means. */
static void put_remark(struct text_report *t, uint64_t n, const char *what, const char *one,
		       const char *many)
{
	struct string line = {0};

	if (!n)
		return;
	put_count(&line, n, what);
	string_putf(&line, " %s.", n == 1 ? one : many);
	put_sentence(t, &line);
	string_free(&line);
}

static void put_undecoded(struct text_report *t, const struct explain_summary *s)
{
	struct string line = {0};

	put_remark(t, s->undecoded[DECODE_TRUNCATED], "frame",
		   "was captured too short to be read: a larger snap length is needed",
		   "were captured too short to be read: a larger snap length is needed");
	put_remark(t, s->undecoded[DECODE_MALFORMED], "frame",
		   "contradicts itself and was not read",
		   "contradict themselves and were not read");
	put_remark(t, s->undecoded[DECODE_FRAGMENT], "fragment",
		   "without a TCP header was passed over", "without a TCP header were passed over");
	if (!s->undecoded[DECODE_LINKTYPE])
		return;
	put_count(&line, s->undecoded[DECODE_LINKTYPE], "frame");
	string_putf(&line, " could not be read: unknown link type");
	if (s->unknown_linktype >= 0)
		string_putf(&line, " %d", s->unknown_linktype);
	string_putf(&line, ".");
	put_sentence(t, &line);
	string_free(&line);
}

static void put_oddities(struct text_report *t, const struct explain_summary *s)
{
	put_remark(t, s->tunnelled, "frame", "came in a tunnel: the innermost TCP was read",
		   "came in tunnels: the innermost TCP was read");
	put_remark(t, s->duplicates, "frame", "was captured twice and counts once",
		   "were captured twice and count once");
	put_remark(t, s->bad_checksums, "segment",
		   "has a wrong checksum and was used all the same (offloading?)",
		   "have a wrong checksum and were used all the same (offloading?)");
	put_remark(t, s->backwards, "time stamp", "ran backwards: the order of the frames counts",
		   "ran backwards: the order of the frames counts");
}

static void put_limits(struct text_report *t, const struct explain_record *r)
{
	const struct explain_summary *s = r->sum;

	put_remark(t, r->dropped, "frame", "was lost by the capture: a RST may be missing",
		   "were lost by the capture: RSTs may be missing");
	put_remark(t, s->evicted, "connection",
		   "was forgotten for want of room (--max-flows): a RST of it says no-context",
		   "were forgotten for want of room (--max-flows): their RSTs say no-context");
	put_remark(t, s->expired, "connection", "was silent for so long that it was forgotten",
		   "were silent for so long that they were forgotten");
	put_remark(t, s->cut, "RST", "was judged before all that follows it was seen",
		   "were judged before all that follows them was seen");
}

static void put_kernel(struct text_report *t, const struct explain_record *r)
{
	struct string line = {0};

	if (!r->kernel)
		return;
	if (*r->kernel) {
		string_putf(&line, "The kernel's own word is missing: %s.", r->kernel);
		put_sentence(t, &line);
	} else if (r->sum->kernel_events) {
		string_putf(&line, "The kernel told of ");
		put_count(&line, r->sum->kernel_events, "RST");
		string_putf(&line, " sent on this machine; ");
		put_number(&line, r->sum->kernel_joined);
		string_putf(&line, " of them %s in this capture.",
			    r->sum->kernel_joined == 1 ? "is" : "are");
		put_sentence(t, &line);
	}
	string_free(&line);
}

static void put_hidden(struct text_report *t, const struct explain_record *r)
{
	const struct explain_summary *s = r->sum;
	uint64_t quiet = s->by_severity[SEVERITY_NOTICE] + s->by_severity[SEVERITY_BENIGN];
	struct string line = {0};
	uint64_t more = 0;

	if (r->shown < r->matched) {
		put_number(&line, r->shown);
		string_putf(&line, " of ");
		put_count(&line, r->matched, "RST");
		string_putf(&line, " fit --cause and --flow; the table counts all of them.");
		put_sentence(t, &line);
	}
	for (int c = 0; c < CAUSES; c++)
		more += t->more[c];
	put_remark(t, more, "RST", "is not shown, after fifty of its cause: --all shows it",
		   "are not shown, each after fifty of its cause: --cause ID or --all shows them");
	if (quiet && !t->style.all && !t->style.summary_only)
		put_remark(t, quiet, "RST", "is only counted (notice or benign): --all shows it",
			   "are only counted (notices and benign): --all shows them");
	string_free(&line);
}

static void put_remarks(struct text_report *t, const struct explain_record *r)
{
	size_t before = t->line.len;

	string_putf(&t->line, r->sum->resets ? "\n" : "");
	put_kernel(t, r);
	put_oddities(t, r->sum);
	put_undecoded(t, r->sum);
	put_limits(t, r);
	if (!r->complete)
		string_putf(&t->line, "INCOMPLETE: %s\n",
			    r->why[0] ? r->why : "the run ended early");
	/* nothing but the blank line */
	if (t->line.len == before + 1)
		t->line.s[--t->line.len] = 0;
}

void text_explained_put(struct text_report *t, const struct explain_record *r)
{
	if (t->last != NOTHING)
		string_putf(&t->line, "\n");
	t->last = BLOCK;
	put_headline(t, r);
	if (r->sum->resets) {
		put_hidden(t, r);
		put_causes(t, r->sum);
		put_idle(t, r->sum);
	}
	put_remarks(t, r);
}
