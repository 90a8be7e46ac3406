/*
 * text_provoke: a scenario for a person: first what will be done, then the finding with its
 * numbers, why the RST came, what the client's program saw, the segments, and what to do about it.
 */
#include <string.h>

#include "packet/segment.h"
#include "report/reset_words.h"
#include "report/text_private.h"

enum { BODY = 2 };

static void put_paragraph(struct text_report *t, struct string *words)
{
	string_putf(&t->line, "%*s", BODY, "");
	text_put_from(t, string_text(words), BODY, BODY);
	if (words->failed)
		out_no_memory(&t->out);
	string_free(words);
}

/* A clause of the judge's becomes a sentence. */
static void put_sentence(struct string *to, const char *clause)
{
	size_t len = strlen(clause);
	char first = *clause;

	if (first >= 'a' && first <= 'z')
		first = (char)(first - 'a' + 'A');
	string_putf(to, "%c%s%s", first, clause + 1, strchr(".?!", clause[len - 1]) ? "" : ".");
}

void text_scenario_put(struct text_report *t, const struct provoke_record *r)
{
	char addr[ADDR_TEXT];
	struct string line = {0};

	if (t->last == BLOCK)
		string_putf(&t->line, "\n");
	t->last = ONE_LINE;
	host_addr(t->run, r->addr, addr);
	string_putf(&line, "%s on ", r->info->name);
	if (r->name)
		string_putf(&line, "%s (%s)", r->name, addr);
	else
		string_putf(&line, "%s", addr);
	string_putf(&line, " port %u: %s.", (unsigned)r->port, r->info->does);
	text_put_from(t, string_text(&line), 0, BODY);
	if (line.failed)
		out_no_memory(&t->out);
	string_free(&line);
}

/* --- what came of it ---------------------------------------------------------------------- */

static void put_heading(struct text_report *t, const struct provoke_row *row)
{
	string_putf(&t->line, "\n%s%s%s  %s%s%s\n", text_severity_color(t, row->severity),
		    severity_name(row->severity), text_plain(t), t->style.color ? TEXT_BOLD : "",
		    row->id, text_plain(t));
}

static void put_clues(struct text_report *t, const struct provoke_verdict *v)
{
	char buf[RESET_WORDS_MAX];

	for (size_t i = 0; i < v->n_clues; i++) {
		report_clue(buf, sizeof(buf), &v->clues[i]);
		string_putf(&t->line, "%*s- ", BODY, "");
		text_put_from(t, buf, BODY + 2, BODY + 2);
	}
}

/* Who rejects the SYN, and how. */
static void put_rejection(struct text_report *t, const struct provoke_facts *f)
{
	const struct exchange *x = &provoke_line(f)->at[MARK_SYN];
	char from[ADDR_TEXT];

	if (!reaction_is_icmp((enum reaction)x->reaction))
		return;
	host_addr(t->run, &x->from, from);
	string_putf(
	    &t->line, "%*s- %s (type %u code %u) from %s\n", BODY, "",
	    reaction_reason((enum reaction)x->reaction, x->from.family, x->icmp_type, x->icmp_code),
	    x->icmp_type, x->icmp_code, from);
}

static const char *const sees_words[APP_RESULTS] = {
    [APP_NONE] = "nothing",
    [APP_WRITE_OK] = "a write that succeeded",
    [APP_ECONNREFUSED] = "ECONNREFUSED",
    [APP_ECONNRESET] = "ECONNRESET",
    [APP_EPIPE] = "EPIPE (and SIGPIPE)",
    [APP_ETIMEDOUT] = "ETIMEDOUT",
    [APP_EOF] = "the end of the stream",
};

static void put_sees(struct text_report *t, const struct provoke_facts *f)
{
	enum app_result sees[PROVOKE_SEES_MAX];
	size_t n = provoke_sees(f, sees);
	struct string words = {0};

	if (!n)
		return;
	string_putf(&words, "The client's program saw ");
	for (size_t i = 0; i < n; i++)
		string_putf(&words, "%s%s", i ? ", then " : "", sees_words[sees[i]]);
	string_putf(&words, ".");
	put_paragraph(t, &words);
}

/* Where no RST decided, the ladder's zero is its first segment. */
static struct finding unreset(const struct provoke_record *r)
{
	struct finding f = {
	    .src = *r->addr,
	    .dst = r->us,
	    .sport = r->port,
	    .dport = r->verdict->sport,
	    .sender = SENDER_SERVER,
	    .ladder = r->ladder,
	    .n_ladder = r->n_ladder,
	    .rst_at = -1,
	    .trigger_at = -1,
	    .wall_ns = r->ladder[0].wall_ns,
	    .frame = r->ladder[0].frame,
	};

	for (size_t i = r->n_ladder; i-- > 0;) {
		const struct seen *s = &r->ladder[i];

		if (!(s->flags & TCP_SYN))
			continue;
		*(s->from_x ? &f.isn_x : &f.isn_y) = s->seq;
		*(s->from_x ? &f.has_isn_x : &f.has_isn_y) = true;
	}
	return f;
}

static void put_ladder(struct text_report *t, const struct provoke_record *r)
{
	if (r->finding) {
		text_ladder_put(t, r->finding);
	} else if (r->n_ladder) {
		const struct finding f = unreset(r);

		text_ladder_put(t, &f);
	}
}

/* -v */
static void put_bits(struct text_report *t, const struct provoke_facts *f)
{
	uint64_t is = provoke_read(f);
	const char *between = "Seen: ";
	struct string words = {0};

	if (!t->style.verbose)
		return;
	for (unsigned b = 0; b < PROVOKE_BITS_MAX; b++) {
		if (!(is >> b & 1))
			continue;
		string_putf(&words, "%s%s", between, provoke_bit_name(b));
		between = ", ";
	}
	put_paragraph(t, &words);
}

/* The finding speaks of the service, by a RST that is hardly its own. Where it is about the way as
 * well, it holds all the same. */
static bool is_anothers(const struct provoke_record *r)
{
	return r->finding && r->finding->origin == ORIGIN_MIDDLEBOX &&
	       r->facts->scenario != SCENARIO_IDLE && r->facts->scenario != SCENARIO_LISTEN_ACK;
}

static void put_anothers(struct text_report *t)
{
	struct string words = {0};

	string_putf(&words, "But the RST that this rests on comes from a box on the way, as it "
			    "seems, and tells nothing of the service.");
	put_paragraph(t, &words);
}

void text_provoke_put(struct text_report *t, const struct provoke_record *r)
{
	const struct provoke_row *row = r->verdict->row;
	const char *advice =
	    is_anothers(r) ? "`rstprobe trace` shows where it comes from." : row->advice;
	struct string words = {0}, hint = {0};

	t->last = BLOCK;
	put_heading(t, row);
	put_sentence(&words, row->says);
	put_paragraph(t, &words);
	if (is_anothers(r))
		put_anothers(t);
	put_rejection(t, r->facts);
	put_clues(t, r->verdict);
	put_bits(t, r->facts);
	if (r->finding)
		text_reset_put_why(t, r->finding);
	put_sees(t, r->facts);
	put_ladder(t, r);
	if (!*advice)
		return;
	string_putf(&t->line, "\n");
	string_putf(&hint, "Hint: ");
	put_sentence(&hint, advice);
	put_paragraph(t, &hint);
}
