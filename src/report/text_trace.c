/*
 * text_trace: a walk as people know it from traceroute, each hop as it comes, and the verdict
 * underneath. It decides what is worth a line: silent hops wait for one that is heard, what the
 * target says again and again is said once, and a flow like an earlier one is only named.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/reset_words.h"
#include "report/text_private.h"
#include "report/trace_words.h"

enum {
	NAME_MAX_SHOWN = 80,
	V4_WIDTH = 15,
	V6_WIDTH = 25,
	NAMED_WIDTH = 32, /* of the column, where names may come */
	RTT_WIDTH = 8,
	RUN_MAX = 3 /* silent hops that have a line each */
};

/* --- names -------------------------------------------------------------------------------- */

void text_trace_free(struct text_report *t)
{
	free(t->walk.names.v);
	string_free(&t->walk.names.pool);
}

static const char *name_of(const struct text_report *t, const struct addr *a)
{
	const struct hop_names *names = &t->walk.names;

	for (size_t i = 0; i < names->n; i++)
		if (addr_equal(&names->v[i].addr, a))
			return names->pool.s + names->v[i].at;
	return NULL;
}

static void keep_name(struct text_report *t, const struct addr *a, const char *name)
{
	struct hop_names *names = &t->walk.names;

	if (!name || name_of(t, a))
		return;
	if (!array_grow(&names->v, names->n, &names->cap, sizeof(*names->v)))
		return; /* a name less */
	names->v[names->n++] = (struct hop_name){.addr = *a, .at = names->pool.len};
	string_put(&names->pool, name, strlen(name) + 1);
	if (names->pool.failed)
		names->n--;
}

/* --- a line ------------------------------------------------------------------------------- */

static void put_who(struct text_report *t, const struct addr *a)
{
	size_t width = !t->style.numeric ? NAMED_WIDTH : a->family == ADDR_V6 ? V6_WIDTH : V4_WIDTH;
	const char *name = t->style.numeric ? NULL : name_of(t, a);
	char buf[TRACE_WORDS_MAX], addr[ADDR_TEXT];
	struct text who = text_of(buf, sizeof(buf));

	host_addr(t->run, a, addr);
	if (name) {
		reset_words_foreign(&who, name, NAME_MAX_SHOWN);
		text_putf(&who, " (%s)", addr);
	} else {
		text_putf(&who, "%s", addr);
	}
	string_putf(&t->line, "%-*s", (int)width, buf);
}

static const char *answer_color(const struct text_report *t, enum reaction r)
{
	if (!t->style.color)
		return "";
	return reaction_is_rst(r) ? TEXT_RED : reaction_is_icmp(r) ? TEXT_YELLOW : TEXT_GREEN;
}

static void put_number(struct text_report *t, unsigned ttl)
{
	if (ttl)
		string_putf(&t->line, "%2u  ", ttl);
	else
		string_putf(&t->line, "    ");
}

/* `says`: "" for time exceeded, which needs no word. */
static void put_line(struct text_report *t, unsigned ttl, const struct exchange *x,
		     const char *color, const char *says)
{
	char rtt[TEXT_RTT] = "";

	put_number(t, ttl);
	put_who(t, &x->from);
	if (x->rtt_us != UINT32_MAX)
		text_rtt(x->rtt_us, rtt);
	string_putf(&t->line, "  %*s", RTT_WIDTH, rtt);
	if (*says)
		string_putf(&t->line, "  %s%s%s", color, says, *color ? text_plain(t) : "");
	if (t->style.verbose)
		string_putf(&t->line, "  ttl %u", (unsigned)x->ttl);
	while (t->line.s && t->line.s[t->line.len - 1] == ' ')
		t->line.s[--t->line.len] = 0;
	string_putf(&t->line, "\n");
}

static void put_answer(struct text_report *t, unsigned ttl, const struct exchange *x,
		       const struct addr *target)
{
	char buf[TRACE_WORDS_MAX];
	struct text says = text_of(buf, sizeof(buf));

	trace_words_answer(&says, x, target);
	put_line(t, ttl, x, answer_color(t, (enum reaction)x->reaction), buf);
}

static void put_silence(struct text_report *t, unsigned first, unsigned last)
{
	if (last - first >= RUN_MAX) {
		string_putf(&t->line, "%2u-%u  *\n", first, last);
		return;
	}
	for (; first <= last; first++)
		string_putf(&t->line, "%2u  *\n", first);
}

static void end_silence(struct text_report *t)
{
	struct text_walk *w = &t->walk;

	if (w->silent_from)
		put_silence(t, w->silent_from, w->told);
	w->silent_from = 0;
}

/* A hop that was given up answers after all, in the middle of those that wait. */
static void end_silence_before(struct text_report *t, unsigned ttl, bool ends)
{
	struct text_walk *w = &t->walk;

	if (!w->silent_from || ttl < w->silent_from || ttl > w->told) {
		end_silence(t);
		return;
	}
	if (ttl > w->silent_from)
		put_silence(t, w->silent_from, ttl - 1);
	w->silent_from = ends || ttl == w->told ? 0 : ttl + 1;
}

/* Beyond the first answer it is news only where it is another. */
static bool is_news(const struct text_walk *w, const struct exchange *x)
{
	return !(w->answers & 1U << x->reaction);
}

/* An answer has a line where it is none that was told; `first`: in the hop's first line. */
static bool put_news(struct text_report *t, const struct trace_hop *h, const struct exchange *x,
		     const struct addr *target, bool first)
{
	if (!is_news(&t->walk, x))
		return false;
	put_answer(t, first ? h->ttl : 0, x, target);
	t->walk.answers |= 1U << x->reaction;
	return true;
}

static void put_hop(struct text_report *t, const struct trace_hop *h, const struct addr *target)
{
	struct text_walk *w = &t->walk;
	uint64_t bit = UINT64_C(1) << (h->ttl - 1);
	bool expired = h->expired && !(w->expired & bit), first = !expired;

	if (h->expired || h->replied)
		end_silence_before(t, h->ttl, h->replied);
	else if (!w->answers && !w->silent_from)
		w->silent_from = h->ttl;
	if (h->ttl > w->told)
		w->told = h->ttl;
	if (expired) {
		w->expired |= bit;
		put_line(t, h->ttl, &h->expiry, "", "");
	}
	if (h->replied && put_news(t, h, &h->reply, target, first))
		first = false;
	if (h->replied_otherwise)
		put_news(t, h, &h->other, target, first);
}

static void begin(struct text_report *t, const struct trace_walk *w)
{
	t->walk.walk = w;
	t->walk.silent_from = t->walk.told = 0;
	t->walk.expired = 0;
	t->walk.answers = 0;
}

/* --- headings ----------------------------------------------------------------------------- */

static void put_heading(struct text_report *t, const struct walk_record *r)
{
	unsigned max = r->facts ? r->facts->max_ttl : r->walk->last;
	bool inside = r->facts && r->facts->inside.wanted;
	char buf[TRACE_WORDS_MAX], addr[ADDR_TEXT];
	struct text probe = text_of(buf, sizeof(buf));
	struct string line = {0};

	trace_words_probe(&probe, r->walk);
	host_addr(t->run, r->addr, addr);
	string_putf(&line, "trace to ");
	if (r->name && strcmp(r->name, addr) != 0)
		string_putf(&line, "%s (%s)", r->name, addr);
	else
		string_putf(&line, "%s", addr);
	string_putf(&line, " port %u, %s", (unsigned)r->walk->dport, buf);
	if (inside)
		string_putf(&line, " and data within a connection");
	if (r->facts && r->facts->flows > 1)
		string_putf(&line, ", %u flows", r->facts->flows);
	if (max)
		string_putf(&line, ", %u hops max", max);
	text_put_paragraph(t, string_text(&line), 2);
	if (line.failed)
		out_no_memory(&t->out);
	string_free(&line);
}

static bool has_flows(const struct walk_record *r)
{
	return r->facts && r->facts->flows > 1;
}

void text_trace_begin(struct text_report *t, const struct walk_record *r)
{
	const struct trace_walk *w = r->walk;

	end_silence(t);
	begin(t, NULL);
	if (w->role == WALK_MAIN && w->flow == 0) {
		if (t->last != NOTHING)
			string_putf(&t->line, "\n");
		t->last = BLOCK;
		put_heading(t, r);
		if (has_flows(r))
			string_putf(&t->line, "flow 0, from port %u\n", (unsigned)w->sport);
	} else if (w->role == WALK_INSIDE) {
		string_putf(&t->line, "within a connection, from port %u\n", (unsigned)w->sport);
	} else {
		return; /* told at the end */
	}
	begin(t, w);
}

void text_trace_hop(struct text_report *t, const struct hop_record *r)
{
	const struct trace_hop *h = r->hop;

	if (h->expired || h->replied)
		keep_name(t, h->expired ? &h->expiry.from : &h->reply.from, r->name);
	if (t->walk.walk == r->walk)
		put_hop(t, h, r->addr);
}

/* --- the other walks ---------------------------------------------------------------------- */

static bool same_answer(const struct trace_walk *a, const struct trace_walk *b)
{
	uint8_t k = trace_reply_ttl(a);

	return k == trace_reply_ttl(b) &&
	       (!k || a->hops[k].reply.reaction == b->hops[k].reply.reaction);
}

/* What was silent in one and not in the other is no other path. */
static bool is_like(const struct trace_walk *a, const struct trace_walk *b)
{
	for (unsigned ttl = 1; ttl <= TRACE_TTL_MAX; ttl++)
		if (a->hops[ttl].expired && b->hops[ttl].expired &&
		    !addr_equal(&a->hops[ttl].expiry.from, &b->hops[ttl].expiry.from))
			return false;
	return same_answer(a, b);
}

static void put_walk(struct text_report *t, const struct trace_facts *f, const struct trace_walk *w)
{
	begin(t, w);
	for (unsigned ttl = w->first; ttl <= w->last && ttl <= TRACE_TTL_MAX; ttl++)
		if (w->hops[ttl].tries)
			put_hop(t, &w->hops[ttl], &f->addr);
	end_silence(t);
}

/* The flow is told by an earlier one that is like it; NULL: by its own lines. */
static const struct trace_walk *told_by(const struct trace_facts *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->walks[k].role == WALK_MAIN && is_like(&f->walks[k], &f->walks[i]))
			return &f->walks[k];
	return NULL;
}

static void put_likes(struct text_report *t, const struct trace_facts *f, size_t i)
{
	unsigned n = 0;

	for (size_t k = i + 1; k < f->n_walks; k++)
		if (f->walks[k].role == WALK_MAIN && told_by(f, k) == &f->walks[i])
			string_putf(&t->line, "%s%u", n++ ? ", " : "    the same for flow ",
				    (unsigned)f->walks[k].flow);
	string_putf(&t->line, "%s", n ? "\n" : "");
}

static void put_flows(struct text_report *t, const struct trace_record *r)
{
	const struct trace_facts *f = r->facts;

	for (size_t i = 0; f->flows > 1 && i < f->n_walks; i++) {
		const struct trace_walk *w = &f->walks[i];

		if (w->role != WALK_MAIN || told_by(f, i))
			continue;
		if (w->flow) {
			string_putf(&t->line, "flow %u, from port %u\n", (unsigned)w->flow,
				    (unsigned)w->sport);
			put_walk(t, f, w);
			string_putf(&t->line, "    %s\n", trace_end_name(r->flows[w->flow].end));
		}
		put_likes(t, f, i);
	}
}

/* -v: a reference in a line */
static void put_reference(struct text_report *t, const struct trace_facts *f,
			  const struct trace_walk *w)
{
	uint8_t k = trace_reply_ttl(w), heard = trace_last_heard(w);
	char buf[TRACE_WORDS_MAX];
	struct text says = text_of(buf, sizeof(buf));

	trace_words_probe(&says, w);
	text_putf(&says, " to port %u: ", (unsigned)w->dport);
	if (k) {
		text_putf(&says, "hop %u, ", (unsigned)k);
		trace_words_answer(&says, &w->hops[k].reply, &f->addr);
		text_putf(&says, ", ttl %u", (unsigned)w->hops[k].reply.ttl);
	} else if (heard) {
		text_putf(&says, "no answer, last heard hop %u", (unsigned)heard);
	} else {
		text_putf(&says, "nothing heard");
	}
	string_putf(&t->line, "beside  ");
	text_put_from(t, buf, strlen("beside  "), 2);
}

/* --- the verdict -------------------------------------------------------------------------- */

static const char *end_color(const struct text_report *t, enum trace_end e)
{
	if (!t->style.color)
		return "";
	return e == TRACE_OPEN					       ? TEXT_GREEN
	       : e == TRACE_UNDECIDED				       ? TEXT_MAGENTA
	       : e >= TRACE_RESET_BY_HOP && e <= TRACE_RESET_BY_TARGET ? TEXT_RED
								       : TEXT_YELLOW;
}

static void put_verdict(struct text_report *t, const struct trace_record *r)
{
	const struct trace_verdict *v = r->verdict;
	const char *end = trace_end_name(v->end), *color = end_color(t, v->end);
	char buf[TRACE_WORDS_MAX];
	struct text says = text_of(buf, sizeof(buf));

	trace_words_verdict(&says, t->run, r->facts, v);
	text_putf(&says, ".");
	string_putf(&t->line, "\n%s%s%s: ", color, end, *color ? text_plain(t) : "");
	text_put_from(t, buf, strlen(end) + 2, 2);
	for (size_t i = 0; i < v->n_clues; i++) {
		report_clue(buf, sizeof(buf), &v->clues[i]);
		string_putf(&t->line, "  - ");
		text_put_from(t, buf, 4, 4);
	}
}

void text_trace_put(struct text_report *t, const struct trace_record *r)
{
	const struct trace_facts *f = r->facts;

	end_silence(t);
	begin(t, NULL);
	put_flows(t, r);
	for (size_t i = 0; t->style.verbose && i < f->n_walks; i++)
		if (f->walks[i].role == WALK_OTHER || f->walks[i].role == WALK_CANARY)
			put_reference(t, f, &f->walks[i]);
	put_verdict(t, r);
	begin(t, NULL);
	t->last = BLOCK;
}
