/*
 * policy_demand: what stands behind "NAME:": ports, a demand, and its attributes. It decides what a
 * mistake most likely was meant to be; what a demand means is judge/expect's.
 */
#include "engine/policy_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/near.h"

struct demand {
	struct policy_reading *r;
	struct policy_lexer *x;
	struct policy_line line;
	unsigned column;
	unsigned within_column;
	bool has_level;
};

#define fail_here(d, ...) policy_fail((d)->r, policy_column((d)->x, (d)->x->at), __VA_ARGS__)

static int next(struct demand *d)
{
	return policy_next(d->r, d->x);
}

static bool is_state_word(const char *word)
{
	for (size_t i = 0; expect_state_word(i); i++)
		if (strcmp(word, expect_state_word(i)) == 0)
			return true;
	return false;
}

static const char *near_state(const char *word)
{
	struct near n = {.word = word};

	for (size_t i = 0; expect_state_word(i); i++)
		near_try(&n, expect_state_word(i));
	return n.best;
}

/* --- ports -------------------------------------------------------------------------------- */

/* Where the first item of the list stands that is none; the list's begin where each is one. */
static const char *bad_item(struct demand *d)
{
	const char *raw = d->x->at, *item = d->x->text;
	char word[POLICY_SHOWN + 16];

	for (;;) {
		size_t n = strcspn(item, ","), blanks = strspn(item, " \t");
		size_t len = n < blanks ? 0 : n - blanks;
		struct ports *p = NULL;

		if (len < sizeof(word)) {
			memcpy(word, item + (n - len), len);
			word[len] = '\0';
			p = ports_parse(word, d->r->h->targets.service, NULL);
		}
		ports_free(p);
		if (!p)
			return raw + (n - len);
		if (!item[n])
			return d->x->at;
		item += n + 1;
		raw += n + 1;
	}
}

/* A word in the place of ports that is a word of the language, or nearly one. */
static int ports_that_are_words(struct demand *d)
{
	struct near n = {.word = d->x->text};
	char buf[POLICY_SHOWN];

	if (d->x->token == TOKEN_END)
		return fail_here(d, "ports are missing: numbers, ranges or names, as in 80,443");
	if (d->x->token == TOKEN_TEXT)
		return fail_here(d, "ports are written without quotes");
	if (is_state_word(d->x->text))
		return fail_here(d,
				 "ports are missing in front of '%s': 80,443 %s, or else %s for "
				 "all others",
				 d->x->text, d->x->text, d->x->text);
	near_try(&n, "else");
	near_try(&n, "style");
	near_try(&n, "listen-rst");
	if (n.best && d->r->h->targets.service && d->r->h->targets.service(d->x->text) < 0)
		return fail_here(d, "'%s' is neither a port nor a service; did you mean '%s'?",
				 policy_shown(d->x->text, buf), n.best);
	return 0;
}

static int take_ports(struct demand *d)
{
	struct err e = {""};
	struct ports *p;

	if (ports_that_are_words(d) < 0)
		return -1;
	policy_widen(d->x);
	p = ports_parse_as("port", d->x->text, d->r->h->targets.service, &e);
	if (!p)
		return policy_fail(d->r, policy_column(d->x, bad_item(d)), "%s", e.msg);
	d->line.ports = policy_own_ports(d->r->p, p);
	return d->line.ports ? next(d) : policy_no_memory(d->r);
}

/* --- states and styles -------------------------------------------------------------------- */

static int bad_state(struct demand *d)
{
	const char *word = d->x->text, *best = near_state(word);
	char buf[POLICY_SHOWN];
	enum port_state s;

	if (strcmp(word, "listen-rst") == 0)
		return fail_here(d, "listen-rst stands in front of its ports: listen-rst on 443");
	if (strcmp(word, "style") == 0)
		return fail_here(d, "a style is of a host, not of ports: style rst");
	if (state_parse(word, &s) == 0)
		return fail_here(d,
				 "'%s' says that a measurement failed and can't be demanded; "
				 "demand a state, such as closed or silent",
				 word);
	if (strpbrk(word, ",/|") && strcspn(word, ",/|") > 0)
		return fail_here(d, "'%s' is no state; 'or' joins several: closed or silent",
				 policy_shown(word, buf));
	if (best)
		return fail_here(d, "'%s' is no state; did you mean '%s'?", policy_shown(word, buf),
				 best);
	return fail_here(d,
			 "'%s' is no state: open, closed, rejected, filtered, silent, blocked, "
			 "not-open, suspect ...",
			 policy_shown(word, buf));
}

static int bad_style(struct demand *d)
{
	struct near n = {.word = d->x->text};
	char buf[POLICY_SHOWN];

	for (size_t i = 0; expect_style_word(i); i++)
		near_try(&n, expect_style_word(i));
	if (n.best)
		return fail_here(d, "'%s' is no style; did you mean '%s'?",
				 policy_shown(d->x->text, buf), n.best);
	return fail_here(d, "'%s' is no style: rst, silent, filtered, proxied, mixed or unknown",
			 policy_shown(d->x->text, buf));
}

static int refuse_word(struct demand *d)
{
	const struct expectation *x = &d->line.expect;

	for (size_t i = 0; i < x->n_words; i++)
		if (policy_is(d->x, x->words[i]))
			return fail_here(d, "'%s' stands there already", d->x->text);
	if (x->n_words == EXPECT_WORDS_MAX)
		return fail_here(d, "at most %d words can be joined by 'or'", EXPECT_WORDS_MAX);
	return x->kind == EXPECT_STYLE ? bad_style(d) : bad_state(d);
}

/* word (or word)* */
static int take_words(struct demand *d)
{
	bool style = d->line.expect.kind == EXPECT_STYLE, more = false;

	do {
		if (d->x->token != TOKEN_WORD)
			return fail_here(d, more ? "a word is missing behind 'or'"
					    : style
						? "which style? such as rst or silent"
						: "what are they to be? such as open, closed or "
						  "silent");
		if (!expect_add(&d->line.expect, d->x->text))
			return refuse_word(d);
		if (next(d) < 0)
			return -1;
		more = policy_is(d->x, "or");
		if (more && next(d) < 0)
			return -1;
	} while (more);
	return 0;
}

/* --- attributes --------------------------------------------------------------------------- */

static int once(struct demand *d, bool there)
{
	return there ? fail_here(d, "a second '%s'; one is enough", d->x->text) : 0;
}

static int take_owner(struct demand *d)
{
	if (once(d, d->line.owner) < 0 || next(d) < 0)
		return -1;
	if (d->x->token == TOKEN_END || !*d->x->text)
		return fail_here(d, "whose? write a word behind owner, or a text in quotes");
	d->line.owner = policy_keep(d->r->p, d->x->text);
	return d->line.owner ? next(d) : policy_no_memory(d->r);
}

static int take_note(struct demand *d)
{
	if (once(d, d->line.note) < 0 || next(d) < 0)
		return -1;
	if (d->x->token != TOKEN_TEXT || !*d->x->text)
		return fail_here(d, "note takes a text in quotes: note \"mail moves in March\"");
	d->line.note = policy_keep(d->r->p, d->x->text);
	return d->line.note ? next(d) : policy_no_memory(d->r);
}

static int take_until(struct demand *d)
{
	char buf[POLICY_SHOWN];

	if (once(d, d->line.until_day != DAY_NEVER) < 0 || next(d) < 0)
		return -1;
	if (d->x->token != TOKEN_WORD)
		return fail_here(d, "until takes a date, the last day: until 2027-03-31");
	if (day_parse(d->x->text, &d->line.until_day) < 0) {
		const char *s = d->x->text;
		bool form =
		    strlen(s) == 10 && strspn(s, "0123456789-") == 10 && s[4] == '-' && s[7] == '-';

		return form ? fail_here(d,
					"there is no day %s; write the last day, such as "
					"2027-03-31",
					s)
			    : fail_here(d, "'%s' is no date; write year, month and day: 2027-03-31",
					policy_shown(s, buf));
	}
	return next(d);
}

static int take_within(struct demand *d)
{
	struct err e = {""};
	uint64_t ns = 0;

	d->within_column = policy_column(d->x, d->x->at);
	if (once(d, d->line.expect.within_ns) < 0 || next(d) < 0)
		return -1;
	if (d->x->token != TOKEN_WORD)
		return fail_here(d, "within takes a time with its unit: within 200ms");
	if (policy_duration(d->x->text, &ns, &e) < 0)
		return fail_here(d, "%s", e.msg);
	d->line.expect.within_ns = ns;
	return next(d);
}

static int take_level(struct demand *d)
{
	if (d->has_level)
		return fail_here(d, "'%s' behind '%s'; one of them is enough", d->x->text,
				 level_name(d->line.level));
	level_parse(d->x->text, &d->line.level);
	d->has_level = true;
	return next(d);
}

static int unknown_attribute(struct demand *d)
{
	static const char *const words[] = {"or",   "within", "critical", "warning",
					    "info", "owner",  "until",	  "note"};
	struct near n = {.word = d->x->text};
	char buf[POLICY_SHOWN];

	if (d->x->token == TOKEN_TEXT)
		return fail_here(d, "a text in quotes belongs behind note or owner");
	if (is_state_word(d->x->text) && d->line.expect.kind == EXPECT_STATE)
		return fail_here(d, "'or' joins states: %s or %s",
				 d->line.expect.words[d->line.expect.n_words - 1], d->x->text);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		near_try(&n, words[i]);
	if (n.best)
		return fail_here(d, "'%s' is not known here; did you mean '%s'?",
				 policy_shown(d->x->text, buf), n.best);
	return fail_here(d,
			 "'%s' is not known here; what may follow: within, critical, warning, "
			 "info, owner, until, note",
			 policy_shown(d->x->text, buf));
}

static int take_attribute(struct demand *d)
{
	static const struct {
		const char *word;
		int (*take)(struct demand *d);
	} rows[] = {{"critical", take_level}, {"warning", take_level}, {"info", take_level},
		    {"owner", take_owner},    {"note", take_note},     {"until", take_until},
		    {"within", take_within}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (policy_is(d->x, rows[i].word))
			return rows[i].take(d);
	return unknown_attribute(d);
}

/* --- the line ----------------------------------------------------------------------------- */

static int take_listen_rst(struct demand *d)
{
	d->line.expect.kind = EXPECT_LISTEN_RST;
	if (next(d) < 0)
		return -1;
	if (!policy_is(d->x, "on"))
		return fail_here(d,
				 "behind listen-rst stand 'on' and its ports: listen-rst on 443");
	return next(d) < 0 ? -1 : take_ports(d);
}

static int take_style(struct demand *d)
{
	d->line.scope = POLICY_HOST;
	d->line.expect.kind = EXPECT_STYLE;
	return next(d) < 0 ? -1 : take_words(d);
}

static int take_else(struct demand *d)
{
	d->line.scope = POLICY_ELSE;
	if (next(d) < 0)
		return -1;
	if (d->x->token == TOKEN_WORD && (is_state_word(d->x->text) || near_state(d->x->text))) {
		d->line.ports = policy_common_ports(d->r->p);
		if (!d->line.ports)
			return policy_no_memory(d->r);
	} else if (d->x->token != TOKEN_END && take_ports(d) < 0) {
		return -1;
	}
	return take_words(d);
}

static int take_demand(struct demand *d)
{
	if (policy_is(d->x, "listen-rst"))
		return take_listen_rst(d);
	if (policy_is(d->x, "style"))
		return take_style(d);
	if (policy_is(d->x, "else"))
		return take_else(d);
	return take_ports(d) < 0 ? -1 : take_words(d);
}

/* `within` limits the round trip of a SYN-ACK, which only these have. */
static int check_within(struct demand *d)
{
	const uint32_t accept = UINT32_C(1) << STATE_OPEN | UINT32_C(1) << STATE_SUSPECT;
	const struct expectation *x = &d->line.expect;

	if (!x->within_ns || (x->kind == EXPECT_STATE && x->bits & accept))
		return 0;
	return policy_fail(d->r, d->within_column,
			   "within limits the round trip of a SYN-ACK, so it belongs to open");
}

int policy_demand(struct policy_reading *r, struct policy_lexer *x, const char *name)
{
	struct demand d = {.r = r,
			   .x = x,
			   .line = {.file = r->file,
				    .number = r->line,
				    .level = LEVEL_WARNING,
				    .until_day = DAY_NEVER}};
	struct policy_place at = {.file = r->file, .line = r->line};

	at.column = policy_column(x, x->at);
	if (policy_check_name(r, x) < 0)
		return -1;
	if (policy_group_of(r->p, name, &d.line.group) < 0)
		return policy_no_memory(r);
	if (!r->p->store->mentions[d.line.group].line)
		r->p->store->mentions[d.line.group] = at;
	if (next(&d) < 0)
		return -1;
	d.column = policy_column(x, x->at);
	if (take_demand(&d) < 0)
		return -1;
	while (x->token != TOKEN_END)
		if (take_attribute(&d) < 0)
			return -1;
	if (check_within(&d) < 0)
		return -1;
	return policy_add_line(r->p, &d.line, d.column) < 0 ? policy_no_memory(r) : 0;
}
