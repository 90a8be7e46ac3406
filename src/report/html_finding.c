/*
 * html_finding: one finding as a line that opens: how to find it, the sentences that every renderer
 * says (reset_words), the clues left over, the ladder. It words nothing itself.
 */
#include <string.h>

#include "report/html_private.h"
#include "report/reset_words.h"

static void put_end(struct html_report *r, const struct finding *f, bool x)
{
	char buf[RESET_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));

	reset_words_end(&t, r->run, x ? &f->src : &f->dst, x ? f->sport : f->dport);
	html_put(&r->s, buf);
}

static const char *file_of(const struct html_report *r, const struct finding *f)
{
	return f->file < r->run->n_files ? r->run->files[f->file] : "";
}

/* What the filters and the order of the page look at. */
static void put_data(struct html_report *r, const struct html_kept *k)
{
	const struct finding *f = &k->f;

	string_putf(&r->s, " data-n=\"%zu\" data-cause=\"%s\" data-severity=\"%s\"", k->n,
		    cause_name(f->cause), severity_name(f->severity));
	string_putf(&r->s, " data-lost=\"%u\" data-idle=\"%llu\" data-flow=\"", f->bytes_lost,
		    (unsigned long long)f->facts.gap_ns / 1000);
	put_end(r, f, true);
	string_putf(&r->s, " ");
	put_end(r, f, false);
	html_putf(&r->s, " %s", file_of(r, f));
	string_putf(&r->s, "\"");
}

static void put_who(struct html_report *r, const struct finding *f, bool x)
{
	const char *role = reset_words_role(f, x);

	string_putf(&r->s, "%s%s<span class=\"mono\">", role, *role ? " " : "");
	put_end(r, f, x);
	string_putf(&r->s, "</span>");
}

static void put_headline(struct html_report *r, const struct finding *f)
{
	const char *severity = severity_name(f->severity);
	char when[RESET_WORDS_MAX];
	struct text t = text_of(when, sizeof(when));

	string_putf(&r->s, "<summary><span class=\"badge %s\">%s</span> <strong>%s</strong> (%s) ",
		    severity, severity, cause_name(f->cause), sureness_name(f->sure));
	put_who(r, f, true);
	string_putf(&r->s, " \xe2\x86\x92 ");
	put_who(r, f, false);
	if (f->tunnel)
		html_putf(&r->s, " in %s", f->tunnel);
	reset_words_time(&t, f->wall_ns);
	string_putf(&r->s, " <span class=\"when\">frame %u", f->frame);
	if (r->run->n_files > 1)
		html_putf(&r->s, " of %s", file_of(r, f));
	if (f->wall_ns)
		string_putf(&r->s, ", %s UTC", when);
	string_putf(&r->s, "</span></summary>\n");
}

/* A paragraph of those of the sentences that have something to say. */
static void put_sentences(struct html_report *r, const struct finding *f, const char *label,
			  const enum reset_sentence *which, size_t n)
{
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		char buf[RESET_WORDS_MAX];
		struct text t = text_of(buf, sizeof(buf));

		reset_words(&t, f, which[i]);
		if (!t.len)
			continue;
		string_putf(&r->s, "%s", begun ? " " : "<p>");
		if (!begun)
			string_putf(&r->s, "%s", label);
		html_put(&r->s, buf);
		begun = true;
	}
	if (begun)
		string_putf(&r->s, "</p>\n");
}

static void put_one(struct html_report *r, const struct finding *f, const char *label,
		    enum reset_sentence which)
{
	put_sentences(r, f, label, &which, 1);
}

static void put_clues(struct html_report *r, const struct finding *f)
{
	bool begun = false;

	for (size_t i = 0; i < f->n_clues; i++) {
		const struct clue *c = &f->clues[i];
		char buf[RESET_WORDS_MAX];
		struct text t = text_of(buf, sizeof(buf));

		if (reset_words_told(f, c))
			continue;
		reset_words_clue(&t, f, c);
		if (c->frame && c->frame != f->frame)
			text_putf(&t, " (frame %u)", (unsigned)c->frame);
		string_putf(&r->s, "%s", begun ? "" : "<ul>\n");
		html_line(&r->s, "li", NULL, "%s", buf);
		begun = true;
	}
	if (begun)
		string_putf(&r->s, "</ul>\n");
}

static void put_rule(struct html_report *r, const struct finding *f)
{
	const char *clause = cause_infos[f->cause].clause;
	const char *because = f->row ? f->row->because : "";

	if (*because || *clause)
		html_line(&r->s, "p", "soft", "Rule: %s%s%s", because,
			  !*clause   ? ""
			  : *because ? "; RFC "
				     : "RFC ",
			  clause);
}

void html_finding(struct html_report *r, const struct html_kept *k, bool open)
{
	static const enum reset_sentence story[] = {SAYS_WHAT, SAYS_EFFECT, SAYS_ORIGIN};
	static const enum reset_sentence others[] = {SAYS_FOLLOWERS, SAYS_BURST};
	const struct finding *f = &k->f;

	string_putf(&r->s, "<details class=\"finding %s\"", severity_name(f->severity));
	put_data(r, k);
	string_putf(&r->s, "%s>\n", open ? " open" : "");
	put_headline(r, f);
	put_sentences(r, f, "", story, sizeof(story) / sizeof(story[0]));
	put_sentences(r, f, "", others, sizeof(others) / sizeof(others[0]));
	put_one(r, f, "", SAYS_KERNEL);
	put_one(r, f, "", SAYS_VENDOR);
	put_one(r, f, "", SAYS_ALSO);
	put_clues(r, f);
	put_one(r, f, "<strong>Hint:</strong> ", SAYS_ADVICE);
	put_rule(r, f);
	html_ladder(r, k);
	string_putf(&r->s, "</details>\n");
}
