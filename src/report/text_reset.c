/*
 * text_reset: one RST for a person: a heading to find it by, the sentences, the clues left over,
 * the ladder. It decides which RSTs are worth a block, a line, or only a count.
 */
#include <string.h>

#include "report/reset_words.h"
#include "report/text_private.h"

enum {
	BODY = 2,	    /* columns that all below a heading is set in */
	EACH_MAX = 50,	    /* blocks of one cause: the fifty-first tells nothing new */
	FRAME_WIDTH = 13,   /* "FRAME 1234567" */
	FILE_WIDTH = 24,    /* "FRAME client.pcap:123456" */
	SEVERITY_WIDTH = 10 /* "suspicious" */
};

const char *text_severity_color(const struct text_report *t, enum severity s)
{
	static const char *const colors[] = {
	    [SEVERITY_BENIGN] = TEXT_GREEN,
	    [SEVERITY_NOTICE] = TEXT_YELLOW,
	    [SEVERITY_PROBLEM] = TEXT_RED,
	    [SEVERITY_SUSPICIOUS] = TEXT_MAGENTA,
	};

	return t->style.color ? colors[s] : "";
}

const char *text_plain(const struct text_report *t)
{
	return t->style.color ? TEXT_PLAIN : "";
}

/* --- the heading -------------------------------------------------------------------------- */

/* With several files a frame's number alone finds nothing. */
static void put_frame(struct text_report *t, const struct finding *f)
{
	size_t before = t->line.len, width = FRAME_WIDTH;

	string_putf(&t->line, "FRAME ");
	if (t->run->n_files > 1 && f->file < t->run->n_files) {
		string_putf(&t->line, "%s:", t->run->files[f->file]);
		width = FILE_WIDTH;
	}
	string_putf(&t->line, "%u", (unsigned)f->frame);
	if (t->line.len - before < width)
		string_putf(&t->line, "%*s", (int)(width - (t->line.len - before)), "");
	string_putf(&t->line, "  ");
}

static void put_verdict(struct text_report *t, const struct finding *f)
{
	const char *severity = severity_name(f->severity);

	string_putf(&t->line, "%s%s%s%*s  ", text_severity_color(t, f->severity), severity,
		    text_plain(t), SEVERITY_WIDTH - (int)strlen(severity), "");
	string_putf(&t->line, "%s%s%s (%s)", t->style.color ? TEXT_BOLD : "", cause_name(f->cause),
		    text_plain(t), sureness_name(f->sure));
}

static void put_end(struct text *t, const struct text_report *r, const struct finding *f, bool x)
{
	const char *role = reset_words_role(f, x);

	text_putf(t, "%s%s", role, *role ? " " : "");
	reset_words_end(t, r->run, x ? &f->src : &f->dst, x ? f->sport : f->dport);
}

/* Who > whom, behind the time where it fits: else on a line of its own, or on two. */
static void put_ends(struct text_report *t, const struct finding *f, size_t column)
{
	char from[RESET_WORDS_MAX], to[RESET_WORDS_MAX];
	struct text x = text_of(from, sizeof(from)), y = text_of(to, sizeof(to));
	size_t len;

	put_end(&x, t, f, true);
	put_end(&y, t, f, false);
	if (f->tunnel)
		text_putf(&y, " in %s", f->tunnel);
	len = x.len + strlen(" > ") + y.len;
	if (column + 2 + len <= text_width(t))
		string_putf(&t->line, "  ");
	else
		string_putf(&t->line, "\n%*s", BODY, "");
	string_putf(&t->line, "%s >", from);
	if (BODY + len <= text_width(t))
		string_putf(&t->line, " %s\n", to);
	else
		string_putf(&t->line, "\n%*s%s\n", BODY, "", to);
}

static void put_heading(struct text_report *t, const struct finding *f)
{
	char buf[RESET_WORDS_MAX];
	struct text words = text_of(buf, sizeof(buf));

	put_frame(t, f);
	put_verdict(t, f);
	reset_words_time(&words, f->wall_ns);
	string_putf(&t->line, "\n%*s%sZ", BODY, "", buf);
	put_ends(t, f, BODY + words.len + strlen("Z"));
}

/* --- the sentences ------------------------------------------------------------------------ */

/* Those of one paragraph, in their order. */
static void put_sentences(struct text_report *t, const struct finding *f, const char *label,
			  const enum reset_sentence *which, size_t n)
{
	char buf[4 * RESET_WORDS_MAX];
	struct text words = text_of(buf, sizeof(buf));
	size_t empty;

	text_putf(&words, "%s", label);
	empty = words.len;
	for (size_t i = 0; i < n; i++) {
		size_t before = words.len;

		if (before > empty)
			text_putf(&words, " ");
		reset_words(&words, f, which[i]);
		if (words.len == before + 1 && before > empty)
			buf[--words.len] = 0;
	}
	if (words.len == empty)
		return;
	string_putf(&t->line, "%*s", BODY, "");
	text_put_from(t, buf, BODY, BODY);
}

static void put_one(struct text_report *t, const struct finding *f, const char *label,
		    enum reset_sentence which)
{
	put_sentences(t, f, label, &which, 1);
}

static void put_clues(struct text_report *t, const struct finding *f)
{
	char buf[RESET_WORDS_MAX];

	for (size_t i = 0; i < f->n_clues; i++) {
		const struct clue *c = &f->clues[i];
		struct text words = text_of(buf, sizeof(buf));

		if (reset_words_told(f, c))
			continue;
		reset_words_clue(&words, f, c);
		if (c->frame && c->frame != f->frame)
			text_putf(&words, " (frame %u)", (unsigned)c->frame);
		string_putf(&t->line, "%*s- ", BODY, "");
		text_put_from(t, buf, BODY + 2, BODY + 2);
	}
}

/* -v */
static void put_rule(struct text_report *t, const struct finding *f)
{
	struct string line = {0};

	if (!t->style.verbose || !f->row)
		return;
	string_putf(&line, "Rule: %s", f->row->because);
	if (*cause_infos[f->cause].clause) {
		string_putf(&line, " (");
		text_put_clause(&line, cause_infos[f->cause].clause);
		string_putf(&line, ")");
	}
	string_putf(&t->line, "%*s", BODY, "");
	text_put_from(t, string_text(&line), BODY, BODY);
	if (line.failed)
		out_no_memory(&t->out);
	string_free(&line);
}

/* --- a block, a line ---------------------------------------------------------------------- */

static void put_block(struct text_report *t, const struct finding *f)
{
	static const enum reset_sentence story[] = {SAYS_WHAT, SAYS_EFFECT, SAYS_ORIGIN};
	static const enum reset_sentence others[] = {SAYS_FOLLOWERS, SAYS_BURST};

	put_heading(t, f);
	put_sentences(t, f, "", story, sizeof(story) / sizeof(story[0]));
	put_sentences(t, f, "", others, sizeof(others) / sizeof(others[0]));
	put_one(t, f, "", SAYS_KERNEL);
	put_one(t, f, "", SAYS_VENDOR);
	put_one(t, f, "", SAYS_ALSO);
	put_clues(t, f);
	put_one(t, f, "Hint: ", SAYS_ADVICE);
	put_rule(t, f);
	text_ladder_put(t, f);
}

void text_reset_put_why(struct text_report *t, const struct finding *f)
{
	static const enum reset_sentence story[] = {SAYS_WHAT, SAYS_ORIGIN};
	char label[RESET_WORDS_MAX];
	struct text words = text_of(label, sizeof(label));

	text_putf(&words, "RST (frame %u): %s (%s). ", (unsigned)f->frame, cause_name(f->cause),
		  sureness_name(f->sure));
	put_sentences(t, f, label, story, sizeof(story) / sizeof(story[0]));
	put_one(t, f, "", SAYS_VENDOR);
	put_one(t, f, "", SAYS_ALSO);
	put_clues(t, f);
	put_rule(t, f);
}

/* What follows from another RST is part of that one's story. */
static void put_line(struct text_report *t, const struct finding *f)
{
	char buf[RESET_WORDS_MAX];
	struct text words = text_of(buf, sizeof(buf));

	put_frame(t, f);
	put_verdict(t, f);
	text_putf(&words, ", %s frame ", f->cause == CAUSE_DUP_FRAME ? "of" : "follows");
	if (f->root_file != f->file && f->root_file < t->run->n_files)
		text_putf(&words, "%s:", t->run->files[f->root_file]);
	text_putf(&words, "%u", (unsigned)f->root);
	string_putf(&t->line, "%s\n", buf);
}

static bool is_shown(const struct text_report *t, const struct finding *f)
{
	return t->style.all || (!f->root && f->severity >= SEVERITY_PROBLEM);
}

void text_reset_put(struct text_report *t, const struct finding *f)
{
	if (t->style.summary_only || !is_shown(t, f))
		return;
	/* who listens, and who asks for all or for a cause, gets each */
	if (!t->style.all && !t->run->live && t->blocks[f->cause]++ >= EACH_MAX) {
		t->more[f->cause]++;
		return;
	}
	if (t->last == BLOCK || (t->last == ONE_LINE && !f->root))
		string_putf(&t->line, "\n");
	t->last = f->root ? ONE_LINE : BLOCK;
	if (f->root)
		put_line(t, f);
	else
		put_block(t, f);
}
