/*
 * html_finding: one finding in words, as a line that opens: what happened and how sure that is,
 * what the application saw, what speaks for it. It words what the judge found, and finds nothing
 * itself.
 */
#include <string.h>

#include "report/html_private.h"

static const char *role(enum sender s)
{
	switch (s) {
	case SENDER_CLIENT: return " (the client)";
	case SENDER_SERVER: return " (the server)";
	default: return "";
	}
}

/* What the filters and the order of the page look at. */
static void put_data(struct html_report *r, const struct html_kept *k)
{
	const struct finding *f = &k->f;
	char src[HTML_END], dst[HTML_END];
	const char *file = html_file(r->run, f->file);

	string_putf(&r->s, " data-n=\"%zu\" data-cause=\"%s\" data-severity=\"%s\"", k->n,
		    cause_name(f->cause), severity_name(f->severity));
	string_putf(&r->s, " data-lost=\"%u\" data-idle=\"%llu\" data-flow=\"", f->bytes_lost,
		    (unsigned long long)f->facts.gap_ns / 1000);
	html_putf(&r->s, "%s %s %s", html_end(r->run, &f->src, f->sport, src),
		  html_end(r->run, &f->dst, f->dport, dst), file ? file : "");
	string_putf(&r->s, "\"");
}

static void put_headline(struct html_report *r, const struct html_kept *k)
{
	const struct finding *f = &k->f;
	const char *severity = severity_name(f->severity), *file = html_file(r->run, f->file);
	char src[HTML_END], dst[HTML_END], when[HTML_TIME];

	string_putf(&r->s, "<summary><span class=\"badge %s\">%s</span> <span class=\"flow\">",
		    severity, severity);
	html_putf(&r->s, "%s \xe2\x86\x92 %s", html_end(r->run, &f->src, f->sport, src),
		  html_end(r->run, &f->dst, f->dport, dst));
	string_putf(&r->s, "</span> <span class=\"when\">");
	html_putf(&r->s, "%s, frame %u", html_time(f->wall_ns, when), f->frame);
	if (file && r->run->n_files > 1)
		html_putf(&r->s, " of %s", file);
	string_putf(&r->s, "</span></summary>\n");
}

static void put_what(struct html_report *r, const struct finding *f)
{
	char src[HTML_END], dst[HTML_END], span[HTML_SPAN];
	struct string *s = &r->s;

	string_putf(s, "<p class=\"what\"><strong>%s</strong>: ", cause_name(f->cause));
	html_putf(s, "%s%s reset the connection with %s: %s.",
		  html_end(r->run, &f->src, f->sport, src), role(f->sender),
		  html_end(r->run, &f->dst, f->dport, dst), cause_infos[f->cause].summary);
	if (f->provoked_by && fact_has(&f->facts, T_FOUND))
		html_putf(s, " It answers frame %u, %s later.", f->provoked_by,
			  html_span(f->facts.answer_ns, span));
	else if (f->provoked_by)
		html_putf(s, " It answers frame %u.", f->provoked_by);
	else
		html_putf(s, " No packet of the capture provoked it.");
	string_putf(s, "</p>\n");
}

static void put_sureness(struct html_report *r, const struct finding *f)
{
	const struct cause_info *info = &cause_infos[f->cause];

	string_putf(&r->s, "<dt>Confidence</dt><dd>%s", sureness_name(f->sure));
	for (size_t i = 0; i < ALSO_MAX && f->also[i] != CAUSE_UNKNOWN; i++)
		html_putf(&r->s, "%s%s", i ? ", " : "; fits too: ", cause_name(f->also[i]));
	string_putf(&r->s, "</dd>\n");
	if (f->also[0] != CAUSE_UNKNOWN && info->tell[0])
		html_term(&r->s, "Who could tell", "%s", info->tell);
}

static const char *origin_words(enum origin o)
{
	switch (o) {
	case ORIGIN_ENDPOINT: return "the endpoint itself";
	case ORIGIN_MIDDLEBOX: return "another box, in the endpoint's name";
	case ORIGIN_LOCAL: return "this host";
	default: return "not known: the endpoint, or a box in its name";
	}
}

static const char *outcome_words(enum outcome o)
{
	switch (o) {
	case OUTCOME_ACCEPTED: return "accepted by its receiver";
	case OUTCOME_CHALLENGED: return "challenged by its receiver (RFC 5961)";
	case OUTCOME_IGNORED: return "ignored by its receiver";
	default: return NULL;
	}
}

static const char *app_words(enum app_result a)
{
	switch (a) {
	case APP_NONE: return "nothing";
	case APP_WRITE_OK: return "a write that succeeds";
	case APP_EOF: return "end of file";
	default: return app_result_name(a);
	}
}

static void put_application(struct html_report *r, const struct finding *f)
{
	if (f->sees[0] == APP_END)
		return;
	string_putf(&r->s, "<dt>Application</dt><dd>the one at the RST's %s gets ",
		    f->sees_at_sender ? "sender" : "receiver");
	for (size_t i = 0; i < APP_SEES_MAX && f->sees[i] != APP_END; i++)
		html_putf(&r->s, "%s%s", i ? ", then " : "", app_words(f->sees[i]));
	string_putf(&r->s, "</dd>\n");
}

static void put_kernel(struct html_report *r, const struct finding *f)
{
	const struct kernel_reset *k = &f->kernel;
	const char *meaning;

	if (!f->has_kernel)
		return;
	meaning = kernel_reset_meaning(k);
	string_putf(&r->s, "<dt>Kernel</dt><dd>the sending kernel says ");
	html_putf(&r->s, "%s in %s", k->reason[0] ? k->reason : "no reason",
		  k->state[0] ? k->state : "no state");
	if (k->pid)
		html_putf(&r->s, ", process %u (%s)", k->pid, k->comm);
	if (meaning)
		html_putf(&r->s, ": %s", meaning);
	string_putf(&r->s, "</dd>\n");
}

/* What it had to do with others. */
static void put_company(struct html_report *r, const struct html_kept *k)
{
	const struct finding *f = &k->f;
	uint32_t n = f->followers > k->followers ? f->followers : k->followers;
	char span[HTML_SPAN];

	if (f->burst_n > 1)
		html_term(&r->s, "Burst",
			  "%u connections of this host within %s: a process that ended, "
			  "a restart or a failover",
			  f->burst_n, html_span(f->burst_ns, span));
	if (n)
		html_term(&r->s, "Followers", "%u more RST%s of the same connection", n,
			  n == 1 ? "" : "s");
	if (f->root)
		html_term(&r->s, "Follows", "the RST of frame %u%s%s", f->root,
			  f->root_file != f->file ? " of " : "",
			  f->root_file != f->file && html_file(r->run, f->root_file)
			      ? html_file(r->run, f->root_file)
			      : "");
}

static void put_rule(struct html_report *r, const struct finding *f)
{
	const char *clause = cause_infos[f->cause].clause;

	if (f->row && f->row->because[0])
		html_term(&r->s, "Rule", "%s%s%s", f->row->because, clause[0] ? "; RFC " : "",
			  clause);
	else if (clause[0])
		html_term(&r->s, "Rule", "RFC %s", clause);
}

static void put_terms(struct html_report *r, const struct html_kept *k)
{
	const struct finding *f = &k->f;
	const char *outcome = outcome_words(f->outcome);
	struct string *s = &r->s;

	string_putf(s, "<dl>\n");
	put_sureness(r, f);
	html_term(s, "Sent by", "%s", origin_words(f->origin));
	put_application(r, f);
	if (outcome)
		html_term(s, "Outcome", "%s", outcome);
	if (f->bytes_lost)
		html_term(s, "Lost", "%u octet%s sent and never acknowledged", f->bytes_lost,
			  f->bytes_lost == 1 ? "" : "s");
	put_kernel(r, f);
	put_company(r, k);
	if (f->vendor[0])
		html_term(s, "It says", "\xe2\x80\x9c%s\xe2\x80\x9d", f->vendor);
	if (f->tunnel)
		html_term(s, "Tunnel", "%s; the innermost packet was read", f->tunnel);
	put_rule(r, f);
	html_term(s, "Look at", "%s", cause_infos[f->cause].advice);
	string_putf(s, "</dl>\n");
}

static void put_clues(struct html_report *r, const struct finding *f)
{
	char text[256];

	if (!f->n_clues)
		return;
	string_putf(&r->s, "<h3>Evidence</h3>\n<ul>\n");
	for (size_t i = 0; i < f->n_clues; i++) {
		report_clue(text, sizeof(text), &f->clues[i]);
		if (f->clues[i].frame)
			html_line(&r->s, "li", NULL, "%s (frame %u)", text, f->clues[i].frame);
		else
			html_line(&r->s, "li", NULL, "%s", text);
	}
	string_putf(&r->s, "</ul>\n");
}

void html_finding(struct html_report *r, const struct html_kept *k, bool open)
{
	string_putf(&r->s, "<details class=\"finding %s\"", severity_name(k->f.severity));
	put_data(r, k);
	string_putf(&r->s, "%s>\n", open ? " open" : "");
	put_headline(r, k);
	put_what(r, &k->f);
	put_terms(r, k);
	put_clues(r, &k->f);
	html_ladder(r, k);
	string_putf(&r->s, "</details>\n");
}
