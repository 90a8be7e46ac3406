/*
 * html_overview: what stands above and below the findings: the run, counts, the causes as a table,
 * idle timers as bars, and what the reading of the packets met with.
 */
#include <stdlib.h>

#include "report/html_private.h"
#include "report/reset_words.h"

enum { BINS = sizeof(((struct explain_summary *)0)->idle) / sizeof(struct idle_bin) };

void html_run(struct html_report *r, const struct explain_record *e)
{
	const struct run_info *run = r->run;

	(void)e;
	string_putf(&r->s, "<p>");
	if (run->live)
		html_putf(&r->s, "Heard on the interface %s", run->live);
	else
		string_putf(&r->s, "Read from ");
	for (size_t i = 0; i < run->n_files; i++)
		html_putf(&r->s, "%s%s", i ? ", " : "", run->files[i]);
	string_putf(&r->s, "</p>\n<p>By rstprobe %s at ", run->version);
	html_time(&r->s, run->started_wall_ns);
	string_putf(&r->s, ": <code>");
	for (char *const *arg = run->argv; arg && *arg; arg++)
		html_putf(&r->s, "%s%s", arg == run->argv ? "" : " ", *arg);
	string_putf(&r->s, "</code></p>\n");
}

static int place(enum severity s)
{
	int i = 0;

	while (reset_words_severities[i] != s)
		i++;
	return i;
}

static int by_weight(const void *a, const void *b)
{
	const struct html_cause *x = *(const struct html_cause *const *)a;
	const struct html_cause *y = *(const struct html_cause *const *)b;

	if (x->worst != y->worst)
		return place(x->worst) - place(y->worst);
	if (x->told != y->told)
		return x->told < y->told ? 1 : -1;
	return (int)x->id - (int)y->id;
}

size_t html_ranked(const struct html_report *r, const struct html_cause *out[CAUSES])
{
	size_t n = 0;

	for (size_t c = 0; c < CAUSES; c++)
		if (r->causes[c].told)
			out[n++] = &r->causes[c];
	if (n)
		qsort(out, n, sizeof(*out), by_weight);
	return n;
}

static void put_tile(struct html_report *r, const char *class_name, uint64_t n, const char *what)
{
	string_putf(&r->s, "<li class=\"%s\"><b>", class_name);
	html_number(&r->s, n);
	string_putf(&r->s, "</b> %s</li>\n", what);
}

static void put_tiles(struct html_report *r, const struct explain_record *e)
{
	uint64_t resets = e ? e->sum->resets : r->told;

	string_putf(&r->s, "<ul class=\"tiles\">\n");
	put_tile(r, "all", resets, resets == 1 ? "RST" : "RSTs");
	for (int i = 0; e && i < SEVERITIES; i++) {
		enum severity severity = reset_words_severities[i];
		uint64_t n = e->sum->by_severity[severity];

		put_tile(r, severity_name(severity), n, reset_words_severity(severity, n));
	}
	if (e) {
		put_tile(r, "all", e->sum->flows,
			 e->sum->flows == 1 ? "connection" : "connections");
		put_tile(r, "all", e->sum->frames, e->sum->frames == 1 ? "frame" : "frames");
	}
	string_putf(&r->s, "</ul>\n");
}

static void put_warnings(struct html_report *r, const struct explain_record *e)
{
	if (!e)
		html_line(&r->s, "p", "warning", "The run broke off: this is what it had told.");
	else if (!e->complete)
		html_line(&r->s, "p", "warning", "Incomplete: %s.",
			  e->why[0] ? e->why : "not all packets were read");
	if (e && e->shown < e->matched)
		html_line(&r->s, "p", "soft",
			  "%llu of %llu RSTs fit --cause and --flow; the numbers below count all.",
			  (unsigned long long)e->shown, (unsigned long long)e->matched);
}

static void put_cause(struct html_report *r, const struct weighed *w)
{
	const char *name = cause_name(w->cause), *severity = severity_name(w->severity);

	string_putf(&r->s, "<tr><td>");
	if (r->causes[w->cause].told && !r->style.summary_only)
		string_putf(&r->s, "<a href=\"#cause-%s\">%s</a>", name, name);
	else
		string_putf(&r->s, "%s", name);
	string_putf(&r->s, "</td><td class=\"n\">");
	html_number(&r->s, w->n);
	string_putf(&r->s, "</td><td><span class=\"badge %s\">%s</span></td><td>", severity,
		    severity);
	html_put(&r->s, cause_infos[w->cause].summary);
	string_putf(&r->s, "</td></tr>\n");
}

static void put_causes(struct html_report *r, const struct explain_record *e)
{
	const struct html_report *told = r;
	struct weighed rows[WEIGHED_MAX];
	size_t n = reset_words_weighed(e ? e->sum->weighed : told->weighed, rows);

	if (!n)
		return;
	string_putf(&r->s,
		    "<table>\n<caption>Causes</caption>\n<thead><tr><th scope=\"col\">Cause</th>"
		    "<th scope=\"col\" class=\"n\">RSTs</th><th scope=\"col\">Severity</th>"
		    "<th scope=\"col\">What happened at the RST's sender</th></tr></thead>\n"
		    "<tbody>\n");
	for (size_t i = 0; i < n; i++)
		put_cause(r, &rows[i]);
	string_putf(&r->s, "</tbody>\n</table>\n");
}

static int by_seconds(const void *a, const void *b)
{
	const struct idle_bin *x = a, *y = b;

	return x->seconds < y->seconds ? -1 : x->seconds > y->seconds;
}

static void put_bar(struct html_report *r, const struct idle_bin *b, uint32_t most, int y)
{
	unsigned width = (unsigned)((uint64_t)360 * b->n / most);
	const char *whose = reset_words_timer(b->seconds);

	string_putf(&r->s, "<text x=\"100\" y=\"%d\" text-anchor=\"end\">", y + 14);
	html_duration(&r->s, b->seconds * UINT64_C(1000000000));
	string_putf(&r->s,
		    "</text><rect class=\"bar\" x=\"110\" y=\"%d\" width=\"%u\" height=\"14\" "
		    "rx=\"2\"/><text x=\"%u\" y=\"%d\">%u</text>",
		    y + 3, width > 2 ? width : 2, 118 + (width > 2 ? width : 2), y + 14, b->n);
	if (whose)
		string_putf(&r->s, "<text class=\"soft\" x=\"520\" y=\"%d\">default of %s</text>",
			    y + 14, whose);
	string_putf(&r->s, "\n");
}

/* A timer shows as many connections that were reset after the same silence. */
static void put_idle(struct html_report *r, const struct explain_record *e)
{
	struct idle_bin bins[BINS];
	size_t n = 0;
	uint32_t most = 0;

	for (size_t i = 0; e && i < BINS; i++) {
		if (!e->sum->idle[i].seconds || !e->sum->idle[i].n)
			continue;
		bins[n++] = e->sum->idle[i];
		most = bins[n - 1].n > most ? bins[n - 1].n : most;
	}
	if (!n)
		return;
	qsort(bins, n, sizeof(bins[0]), by_seconds);
	string_putf(&r->s,
		    "<figure><figcaption>Silence before RSTs, as an idle timer would leave it"
		    "</figcaption>\n<svg viewBox=\"0 0 800 %zu\" role=\"img\" "
		    "aria-labelledby=\"idle-title\"><title id=\"idle-title\">Resets by the seconds "
		    "of silence before them</title><desc>",
		    n * 20 + 4);
	for (size_t i = 0; i < n; i++)
		string_putf(&r->s, "%u s: %u. ", bins[i].seconds, bins[i].n);
	string_putf(&r->s, "</desc>\n");
	for (size_t i = 0; i < n; i++)
		put_bar(r, &bins[i], most, (int)i * 20);
	string_putf(&r->s, "</svg></figure>\n");
}

void html_overview(struct html_report *r, const struct explain_record *e)
{
	put_warnings(r, e);
	put_tiles(r, e);
	put_causes(r, e);
	put_idle(r, e);
}

static void put_count(struct html_report *r, const char *what, uint64_t n)
{
	if (!n)
		return;
	string_putf(&r->s, "<dt>%s</dt><dd>", what);
	html_number(&r->s, n);
	string_putf(&r->s, "</dd>\n");
}

static void put_undecoded(struct html_report *r, const struct explain_summary *s)
{
	put_count(r, "Frames of other protocols", s->undecoded[DECODE_OTHER]);
	put_count(r, "Fragments without a TCP header", s->undecoded[DECODE_FRAGMENT]);
	put_count(r, "Cut before a header ended", s->undecoded[DECODE_TRUNCATED]);
	put_count(r, "Malformed", s->undecoded[DECODE_MALFORMED]);
	put_count(r, "Of an unknown link type", s->undecoded[DECODE_LINKTYPE]);
}

void html_ended(struct html_report *r, const struct explain_record *e)
{
	const struct explain_summary *s;

	if (!e)
		return;
	s = e->sum;
	string_putf(&r->s, "<h2>The run</h2>\n<dl>\n");
	html_term(&r->s, "Complete", "%s", e->complete ? "yes" : "no");
	if (s->first_ns) {
		string_putf(&r->s, "<dt>Packets</dt><dd>");
		html_time(&r->s, s->first_ns);
		string_putf(&r->s, " to ");
		html_time(&r->s, s->last_ns);
		string_putf(&r->s, "</dd>\n");
	}
	put_count(r, "Frames", s->frames);
	put_count(r, "Of TCP", s->tcp);
	put_undecoded(r, s);
	put_count(r, "In tunnels", s->tunnelled);
	put_count(r, "Duplicate frames", s->duplicates);
	put_count(r, "Bad checksums", s->bad_checksums);
	put_count(r, "Time stamps that ran backwards", s->backwards);
	put_count(r, "Lost by the capture", e->dropped);
	put_count(r, "Connections", s->flows);
	put_count(r, "Forgotten for want of room", s->evicted);
	put_count(r, "Forgotten after a long silence", s->expired);
	put_count(r, "RSTs judged before their time", s->cut);
	if (e->kernel && !e->kernel[0])
		html_term(&r->s, "Kernel", "%llu of %llu events belong to a RST here",
			  (unsigned long long)s->kernel_joined,
			  (unsigned long long)s->kernel_events);
	else if (e->kernel)
		html_term(&r->s, "Kernel", "%s", e->kernel);
	html_term(&r->s, "Time taken", "%.3f s", e->elapsed_s);
	string_putf(&r->s, "</dl>\n");
}
