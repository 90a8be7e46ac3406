/*
 * checks: a copy of each check, without the words that its neighbours have too, and which of them
 * are so much alike that one may stand for all. It judges and orders nothing.
 */
#include "report/checks.h"

#include <stdlib.h>

#include "base/array.h"

#define NO_WORD SIZE_MAX

/* A line of the policy; its words are places in `words`. */
struct kept_line {
	size_t policy, group, owner, note;
	unsigned line;
	bool rest;
	struct expectation expect;
	enum severity_level level;
	int32_t until_day;
};

struct kept_check {
	struct addr addr, from; /* family 0: NULL */
	struct measure seen;
	size_t line, name, why, spans;
	uint32_t count, n_spans;
	uint16_t port;
	bool has_seen, folded;
	uint8_t outcome, style;
};

static size_t put_word(struct checks *k, const char *word)
{
	size_t at = k->words.len;

	if (!word)
		return NO_WORD;
	string_put(&k->words, word, strlen(word) + 1);
	return at;
}

static const char *word_at(const struct checks *k, size_t at)
{
	return at == NO_WORD ? NULL : string_text(&k->words) + at;
}

static bool same_word(const struct checks *k, size_t at, const char *word)
{
	const char *kept = word_at(k, at);

	return kept && word ? strcmp(kept, word) == 0 : !kept && !word;
}

bool checks_same_line(const struct checks *k, const struct check_record *c)
{
	const struct kept_line *l = k->n_lines ? &k->lines[k->n_lines - 1] : NULL;

	return l && l->line == c->line && same_word(k, l->policy, c->policy) &&
	       same_word(k, l->group, c->group);
}

static bool put_line(struct checks *k, const struct check_record *c)
{
	if (checks_same_line(k, c))
		return true;
	if (!array_grow(&k->lines, k->n_lines, &k->cap_lines, sizeof(*k->lines)))
		return false;
	k->lines[k->n_lines] = (struct kept_line){
	    .policy = put_word(k, c->policy),
	    .group = put_word(k, c->group),
	    .owner = put_word(k, c->owner),
	    .note = put_word(k, c->note),
	    .line = c->line,
	    .rest = c->rest,
	    .expect = *c->expect,
	    .level = c->level,
	    .until_day = c->until_day,
	};
	k->n_lines++;
	return true;
}

static bool put_spans(struct checks *k, const struct check_record *c)
{
	for (size_t i = 0; i < c->n_spans; i++) {
		if (!array_grow(&k->spans, k->n_spans, &k->cap_spans, sizeof(*k->spans)))
			return false;
		k->spans[k->n_spans++] = c->spans[i];
	}
	return true;
}

bool checks_add(struct checks *k, const struct check_record *c)
{
	size_t spans = k->n_spans;

	if (!put_line(k, c) || !put_spans(k, c) || !array_grow(&k->v, k->n, &k->cap, sizeof(*k->v)))
		return false;
	if (k->n == 0 || !same_word(k, k->name, c->name))
		k->name = put_word(k, c->name);
	k->v[k->n] = (struct kept_check){
	    .addr = c->addr ? *c->addr : (struct addr){0},
	    .from = c->from ? *c->from : (struct addr){0},
	    .seen = c->seen ? *c->seen : (struct measure){0},
	    .has_seen = c->seen,
	    .line = k->n_lines - 1,
	    .name = k->name,
	    .why = put_word(k, c->why),
	    .spans = spans,
	    .n_spans = (uint32_t)c->n_spans,
	    .count = c->count,
	    .port = c->port,
	    .outcome = (uint8_t)c->outcome,
	    .style = (uint8_t)c->style,
	};
	k->n++;
	return !k->words.failed;
}

struct check_record checks_at(const struct checks *k, size_t i)
{
	const struct kept_check *c = &k->v[i];
	const struct kept_line *l = &k->lines[c->line];

	return (struct check_record){
	    .policy = word_at(k, l->policy),
	    .line = l->line,
	    .group = word_at(k, l->group),
	    .addr = c->addr.family ? &c->addr : NULL,
	    .name = word_at(k, c->name),
	    .port = c->port,
	    .count = c->count,
	    .spans = c->n_spans ? k->spans + c->spans : NULL,
	    .n_spans = c->n_spans,
	    .rest = l->rest,
	    .expect = &l->expect,
	    .outcome = (enum check_outcome)c->outcome,
	    .seen = c->has_seen ? &c->seen : NULL,
	    .from = c->from.family ? &c->from : NULL,
	    .style = (enum reset_style)c->style,
	    .why = word_at(k, c->why),
	    .level = l->level,
	    .owner = word_at(k, l->owner),
	    .note = word_at(k, l->note),
	    .until_day = l->until_day,
	};
}

/* --- folding ------------------------------------------------------------------------------ */

static bool same_addr(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && (!a->family || addr_equal(a, b));
}

static bool same_place(const struct checks *k, const struct kept_check *a,
		       const struct kept_check *b)
{
	return a->line == b->line && same_addr(&a->addr, &b->addr) &&
	       same_word(k, a->name, word_at(k, b->name));
}

/* All but TTL, round trip and tries, which differ from port to port. */
static bool same_measure(const struct measure *a, const struct measure *b)
{
	return a->state == b->state && a->other == b->other && a->reaction == b->reaction &&
	       a->stray == b->stray && a->icmp_type == b->icmp_type &&
	       a->icmp_code == b->icmp_code && a->bits == b->bits && a->probings == b->probings &&
	       a->stray_probings == b->stray_probings &&
	       (a->reason == b->reason ||
		(a->reason && b->reason && strcmp(a->reason, b->reason) == 0));
}

/* A port by itself; how late it was is its own matter. */
static bool may_fold(const struct checks *k, const struct kept_check *c)
{
	return c->port && !c->n_spans && !(c->has_seen && k->lines[c->line].expect.within_ns);
}

static bool alike(const struct checks *k, const struct kept_check *a, const struct kept_check *b)
{
	return may_fold(k, b) && a->outcome == b->outcome && a->has_seen == b->has_seen &&
	       same_measure(&a->seen, &b->seen) && same_addr(&a->from, &b->from) &&
	       same_word(k, a->why, word_at(k, b->why));
}

static bool add_port(struct checks *k, struct kept_check *to, uint16_t port)
{
	struct port_span *last = to->n_spans ? &k->spans[k->n_spans - 1] : NULL;

	to->count++;
	if (last && last->last + 1 == port) {
		last->last = port;
		return true;
	}
	if (!array_grow(&k->spans, k->n_spans, &k->cap_spans, sizeof(*k->spans)))
		return false;
	if (!to->n_spans++)
		to->spans = k->n_spans;
	k->spans[k->n_spans++] = (struct port_span){port, port};
	return true;
}

/* v[i] takes in those like it, up to `end`; they are left without a port. */
static bool fold_into(struct checks *k, size_t i, size_t end, size_t least)
{
	struct kept_check *to = &k->v[i], first = *to;
	size_t n = 0;

	for (size_t j = i; j < end; j++)
		n += alike(k, &first, &k->v[j]);
	if (n < least)
		return true;
	to->count = 0;
	for (size_t j = i; j < end; j++) {
		struct kept_check *c = &k->v[j];

		if (!alike(k, &first, c))
			continue;
		if (!add_port(k, to, c->port))
			return false;
		c->port = 0;
		if (j > i)
			c->folded = true;
	}
	return true;
}

bool checks_fold(struct checks *k, size_t least)
{
	size_t n = 0;

	for (size_t i = 0, end = 0; i < k->n; i++) {
		if (i == end)
			while (end < k->n && same_place(k, &k->v[i], &k->v[end]))
				end++;
		if (may_fold(k, &k->v[i]) && !fold_into(k, i, end, least))
			return false;
	}
	for (size_t i = 0; i < k->n; i++)
		if (!k->v[i].folded)
			k->v[n++] = k->v[i];
	k->n = n;
	return true;
}

void checks_free(struct checks *k)
{
	free(k->v);
	free(k->lines);
	free(k->spans);
	string_free(&k->words);
	*k = (struct checks){0};
}
