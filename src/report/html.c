/*
 * html: one page that needs nothing but itself, for `explain`. It keeps copies of the findings, a
 * bounded number of them, since the counts that head the page are known only at the end. What the
 * page forbids itself stands in its Content-Security-Policy: everything but its own style and
 * script, named by their hashes, so that no text of a capture can become either.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/html_private.h"
#include "report/page.h"

static size_t in_order(const struct html_report *r, uint16_t file, uint32_t frame)
{
	size_t lo = 0, hi = r->n_kept;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct finding *f = &r->kept[mid]->f;

		if (f->file < file || (f->file == file && f->frame < frame))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Nineteen RSTs are one story: the first, and how many more. */
static void count_with_root(struct html_report *r, const struct finding *f)
{
	size_t at = in_order(r, f->root_file, f->root);
	struct html_kept *k = at < r->n_kept ? r->kept[at] : NULL;

	if (k && k->f.file == f->root_file && k->f.frame == f->root && f->cause != CAUSE_DUP_FRAME)
		k->followers++;
	if (k && k->followers > k->f.followers)
		k->f.followers = k->followers;
}

/* A copy, or what the connection's end drew: nothing to say beyond its root. */
static bool is_echo(const struct finding *f)
{
	return f->root && (f->cause == CAUSE_DUP_FRAME || f->cause == CAUSE_AFTER_RESET);
}

static bool wanted(const struct html_report *r, const struct html_cause *c)
{
	return r->n_kept < HTML_KEPT_MAX || c->kept < HTML_KEPT_OF_CAUSE;
}

static struct html_kept *copy(const struct finding *f, size_t n)
{
	struct html_kept *k = malloc(sizeof(*k) + f->n_ladder * sizeof(k->ladder[0]));

	if (!k)
		return NULL;
	k->f = *f;
	k->n = n;
	k->followers = 0;
	if (f->n_ladder)
		memcpy(k->ladder, f->ladder, f->n_ladder * sizeof(k->ladder[0]));
	k->f.ladder = k->ladder;
	return k;
}

static void keep(struct html_report *r, const struct finding *f)
{
	struct html_kept *k = NULL;

	if (array_grow(&r->kept, r->n_kept, &r->cap, sizeof(*r->kept)))
		k = copy(f, r->n_kept);
	if (!k) {
		out_no_memory(&r->out);
		return;
	}
	r->kept[r->n_kept++] = k;
	r->causes[f->cause].kept++;
}

static void html_reset(void *ctx, const struct finding *f)
{
	struct html_report *r = ctx;
	struct html_cause *c = &r->causes[f->cause];

	r->told++;
	c->told++;
	r->weighed[f->severity][f->cause]++;
	if (f->severity > c->worst)
		c->worst = f->severity;
	if (f->root)
		count_with_root(r, f);
	if (is_echo(f))
		c->echoes++;
	else if (!r->style.summary_only && wanted(r, c))
		keep(r, f);
}

static void put_group(struct html_report *r, const struct html_cause *c)
{
	uint64_t counted = c->told - c->kept - c->echoes;
	const char *name = cause_name(c->id);
	size_t n = 0;

	string_putf(&r->s,
		    "<details class=\"group\" id=\"cause-%s\" data-cause=\"%s\" "
		    "data-severity=\"%s\"%s>\n<summary><h2>%s</h2><span class=\"count\">",
		    name, name, severity_name(c->worst), c->worst == SEVERITY_BENIGN ? "" : " open",
		    name);
	html_number(&r->s, c->told);
	string_putf(&r->s, "</span><span class=\"soft\">");
	html_put(&r->s, cause_infos[c->id].summary);
	string_putf(&r->s, "</span></summary>\n");
	for (size_t i = 0; i < r->n_kept; i++) {
		if (r->kept[i]->f.cause != c->id)
			continue;
		html_finding(r, r->kept[i],
			     n++ < HTML_OPEN_OF_CAUSE && r->kept[i]->f.severity != SEVERITY_BENIGN);
		out_string(&r->out, &r->s);
	}
	if (c->echoes)
		html_line(&r->s, "p", "soft",
			  "%llu of them only echo%s another RST and %s not drawn.",
			  (unsigned long long)c->echoes, c->echoes == 1 ? "es" : "",
			  c->echoes == 1 ? "is" : "are");
	if (counted)
		html_line(
		    &r->s, "p", "soft",
		    "%llu more are counted and not drawn: a page holds %d findings, and %d of "
		    "each cause at least. JSON Lines have them all.",
		    (unsigned long long)counted, HTML_KEPT_MAX, HTML_KEPT_OF_CAUSE);
	string_putf(&r->s, "</details>\n");
}

static void html_findings(struct html_report *r, const struct explain_record *e)
{
	const struct html_cause *ranked[CAUSES];
	size_t n = r->style.summary_only ? 0 : html_ranked(r, ranked);

	if (!r->told)
		html_line(&r->s, "p", NULL,
			  e && e->sum->resets ? "No RST fits --cause and --flow."
					      : "No RST was found.");
	for (size_t i = 0; i < n; i++)
		put_group(r, ranked[i]);
}

static void html_title(struct html_report *r, const struct explain_record *e)
{
	const struct run_info *run = r->run;

	(void)e;
	html_putf(&r->s, "%s%s: why connections were reset",
		  run->live	 ? run->live
		  : run->n_files ? run->files[0]
				 : "explain",
		  run->n_files > 1 ? " and others" : "");
}

/* Of the very octets between the tags, as Content-Security-Policy wants them: SHA-256, base64. */
static void put_hash(struct html_report *r, const char *text)
{
	char base64[sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES,
					      sodium_base64_VARIANT_ORIGINAL)];
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2base64(base64, sizeof(base64), hash, sizeof(hash),
			  sodium_base64_VARIANT_ORIGINAL);
	string_putf(&r->s, "%s", base64);
}

/* --- the parts of the frame, by the words that mark them --- */

static void put_style_hash(struct html_report *r, const struct explain_record *e)
{
	(void)e;
	put_hash(r, page_style);
}

static void put_script_hash(struct html_report *r, const struct explain_record *e)
{
	(void)e;
	put_hash(r, page_script);
}

static void put_style(struct html_report *r, const struct explain_record *e)
{
	(void)e;
	string_put(&r->s, page_style, strlen(page_style));
}

static void put_script(struct html_report *r, const struct explain_record *e)
{
	(void)e;
	string_put(&r->s, page_script, strlen(page_script));
}

static void put_page(struct html_report *r, const struct explain_record *e)
{
	static const struct part {
		const char *word;
		void (*put)(struct html_report *r, const struct explain_record *e);
	} parts[] = {
	    {"title", html_title},
	    {"style", put_style},
	    {"script", put_script},
	    {"style-hash", put_style_hash},
	    {"script-hash", put_script_hash},
	    {"run", html_run},
	    {"overview", html_overview},
	    {"findings", html_findings},
	    {"end", html_ended},
	};
	const char *text = page_frame, *mark, *end;

	while ((mark = strchr(text, '@')) && (end = strchr(mark + 1, '@'))) {
		size_t len = (size_t)(end - mark) - 1;

		string_put(&r->s, text, (size_t)(mark - text));
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			if (strlen(parts[i].word) == len && !memcmp(mark + 1, parts[i].word, len))
				parts[i].put(r, e);
		text = end + 1;
	}
	string_put(&r->s, text, strlen(text));
	out_string(&r->out, &r->s);
	out_flush(&r->out);
	r->written = true;
}

static void html_explained(void *ctx, const struct explain_record *e)
{
	put_page(ctx, e);
}

static int html_close(struct report *report, struct err *e)
{
	struct html_report *r = report->sink.ctx;
	int rc;

	if (!r->written)
		put_page(r, NULL);
	rc = out_finish(&r->out, "the HTML output", e);
	for (size_t i = 0; i < r->n_kept; i++)
		free(r->kept[i]);
	free(r->kept);
	string_free(&r->s);
	free(r);
	return rc;
}

struct report *report_html_new(FILE *f, const struct run_info *run,
			       const struct report_style *style)
{
	struct html_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->out.f = f;
	r->run = run;
	r->style = *style;
	for (size_t c = 0; c < CAUSES; c++)
		r->causes[c].id = (enum cause)c;
	r->report = (struct report){
	    .sink = {.ctx = r, .reset = html_reset, .explained = html_explained},
	    .close = html_close,
	};
	return &r->report;
}
