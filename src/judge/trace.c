/*
 * trace: what ends a walk, how far it got, which reference would tell more, and whether flows
 * agree. Who sent a RST is trace_reset's question, a connection trace_inside's.
 */
#include "judge/trace.h"

#include <string.h>

#include "judge/trace_private.h"

const char *trace_end_name(enum trace_end e)
{
	static const char *const names[TRACE_ENDS] = {
	    [TRACE_UNDECIDED] = "indeterminate",
	    [TRACE_OPEN] = "open",
	    [TRACE_RESET_BY_HOP] = "reset-by-hop",
	    [TRACE_RESET_BY_TARGET] = "reset-by-target",
	    [TRACE_DROPPED_AFTER_HOP] = "dropped-after-hop",
	    [TRACE_REJECTED_BY] = "rejected-by",
	};

	return names[e];
}

/* --- reading a walk ----------------------------------------------------------------------- */

const struct trace_hop *trace_hop_at(const struct trace_walk *w, unsigned ttl)
{
	if (ttl < w->first || ttl > w->last || ttl > TRACE_TTL_MAX || !w->hops[ttl].tries)
		return NULL;
	return &w->hops[ttl];
}

uint8_t trace_reply_ttl(const struct trace_walk *w)
{
	for (unsigned ttl = w->first; ttl <= w->last; ttl++)
		if (trace_hop_at(w, ttl) && w->hops[ttl].replied)
			return (uint8_t)ttl;
	return 0;
}

uint8_t trace_last_heard(const struct trace_walk *w)
{
	uint8_t k = trace_reply_ttl(w), heard = 0;

	for (unsigned ttl = w->first; ttl <= w->last && (!k || ttl < k); ttl++)
		if (trace_hop_at(w, ttl) && w->hops[ttl].expired)
			heard = (uint8_t)ttl;
	return heard;
}

uint8_t trace_heard_beyond(const struct trace_walk *w, unsigned ttl)
{
	for (unsigned t = ttl + 1; t <= w->last; t++) {
		const struct trace_hop *h = trace_hop_at(w, t);

		if (h && (h->expired || h->replied))
			return (uint8_t)t;
	}
	return 0;
}

/* Asked to the end, and nobody answered for good. */
bool trace_was_silent(const struct trace_walk *w, unsigned ttl)
{
	const struct trace_hop *h = trace_hop_at(w, ttl);

	return h && !h->replied && (h->expired || h->settled);
}

static uint8_t last_silent_below(const struct trace_walk *w, unsigned k)
{
	while (k-- > 1)
		if (trace_was_silent(w, k))
			return (uint8_t)k;
	return 0;
}

struct look trace_look(const struct trace_facts *f, const struct trace_walk *w,
		       struct trace_verdict *out)
{
	struct look l = {.f = f, .w = w, .k = trace_reply_ttl(w), .out = out};

	if (l.k) {
		l.x = &w->hops[l.k].reply;
		l.low = last_silent_below(w, l.k);
	}
	return l;
}

const struct trace_walk *trace_walk_of(const struct trace_facts *f, enum trace_role role)
{
	for (size_t i = 0; i < f->n_walks; i++)
		if (f->walks[i].role == role)
			return &f->walks[i];
	return NULL;
}

static const struct trace_walk *main_walk(const struct trace_facts *f, unsigned flow)
{
	for (size_t i = 0; i < f->n_walks; i++)
		if (f->walks[i].role == WALK_MAIN && f->walks[i].flow == flow)
			return &f->walks[i];
	return NULL;
}

/* Flows are no references for each other: their paths may differ in length. */
const struct trace_walk *trace_reference(const struct trace_facts *f, const struct trace_walk *w,
					 size_t i)
{
	for (size_t at = 0; at < f->n_walks; at++) {
		const struct trace_walk *r = &f->walks[at];
		bool fits = r->role == WALK_OTHER || r->role == WALK_CANARY ||
			    (w->role == WALK_INSIDE && r->role == WALK_MAIN && r->flow == w->flow);

		if (fits && r != w && i-- == 0)
			return r;
	}
	return NULL;
}

const struct exchange *trace_expiry_at(const struct look *l, unsigned ttl)
{
	const struct trace_walk *w = l->w;

	for (size_t i = 0; w; w = trace_reference(l->f, l->w, i++)) {
		const struct trace_hop *h = trace_hop_at(w, ttl);

		if (h && h->expired)
			return &h->expiry;
	}
	return NULL;
}

uint32_t trace_asked(const struct trace_walk *w)
{
	uint32_t asked = w->probe ? (uint32_t)probe_class_of(w->probe->flags) : PROBE_SYN;

	if (w->role == WALK_CANARY)
		asked |= ASKED_CANARY;
	if (w->role == WALK_INSIDE)
		asked |= ASKED_INSIDE;
	return asked;
}

/* --- writing a verdict -------------------------------------------------------------------- */

void trace_clue(struct trace_verdict *out, enum clue_id id, uint32_t a, uint32_t b)
{
	if (out->n_clues < TRACE_CLUES_MAX)
		out->clues[out->n_clues++] = (struct clue){.id = id, .a = a, .b = b};
}

void trace_set_between(struct trace_verdict *out, uint8_t from, uint8_t to)
{
	out->has_between = true;
	out->between[0] = from;
	out->between[1] = to;
}

void trace_set_by(struct trace_verdict *out, const struct addr *by)
{
	out->has_by = true;
	out->by = *by;
}

static unsigned count_silent(const struct look *l, unsigned first, unsigned before)
{
	unsigned n = 0;

	for (unsigned ttl = first; ttl < before; ttl++)
		if (trace_was_silent(l->w, ttl) && !l->w->hops[ttl].expired)
			n++;
	return n;
}

static void put_silent_hops(struct look *l, unsigned before)
{
	unsigned n = count_silent(l, l->w->first, before);

	if (n)
		trace_clue(l->out, CLUE_TRACE_SILENT_HOPS, n, 0);
}

/* A hop that only forwards, and signs with the address that was asked for. */
static void put_translated(struct look *l, unsigned before)
{
	for (unsigned ttl = l->w->first; ttl < before; ttl++) {
		const struct trace_hop *h = trace_hop_at(l->w, ttl);

		if (!h || !h->expired || !addr_same(&h->expiry.from, &l->f->addr))
			continue;
		trace_clue(l->out, CLUE_TRACE_TRANSLATED, ttl, 0);
		return;
	}
}

/* --- what ends a way ---------------------------------------------------------------------- */

static void judge_open(struct look *l)
{
	unsigned resets = 0;

	l->out->end = TRACE_OPEN;
	l->out->origin = ORIGIN_ENDPOINT;
	trace_set_between(l->out, l->k, l->k);
	trace_set_by(l->out, &l->f->addr);
	for (unsigned ttl = l->k; ttl <= l->w->last; ttl++)
		resets += trace_hop_at(l->w, ttl) ? l->w->hops[ttl].resets : 0;
	if (resets)
		trace_clue(l->out, CLUE_TRACE_RESETS_TOO, resets, 0);
}

static bool signs_at(const struct look *l, unsigned ttl, const struct addr *by)
{
	const struct exchange *expiry = trace_expiry_at(l, ttl);

	return expiry && addr_same(&expiry->from, by);
}

/* A router that signs its errors with the address of another interface stays an interval. */
static void judge_rejected(struct look *l)
{
	const struct addr *by = &l->x->from;
	bool target = addr_same(by, &l->f->addr), local = addr_same(by, &l->f->src);
	unsigned ttl = l->k, n;

	l->out->end = TRACE_REJECTED_BY;
	l->out->origin = target ? ORIGIN_ENDPOINT : local ? ORIGIN_LOCAL : ORIGIN_MIDDLEBOX;
	trace_set_by(l->out, by);
	trace_set_between(l->out, target ? l->k : l->low, l->k);
	while (!target && ttl > 0 && !signs_at(l, ttl, by))
		ttl--;
	if (target || !ttl) {
		put_silent_hops(l, l->k);
		return;
	}
	/* what is silent behind it never got there: rejects are rationed, too */
	trace_set_between(l->out, (uint8_t)ttl, (uint8_t)ttl);
	put_silent_hops(l, ttl);
	n = count_silent(l, ttl + 1, l->k);
	if (n)
		trace_clue(l->out, CLUE_TRACE_REJECTS_FEW, n, 0);
}

void trace_judge_answer(struct look *l)
{
	enum reaction r = (enum reaction)l->x->reaction;

	l->out->reaction = r;
	l->out->rtt_us = l->x->rtt_us;
	if (reaction_is_icmp(r)) {
		judge_rejected(l);
		return;
	}
	if (reaction_is_rst(r))
		trace_judge_reset(l);
	else
		judge_open(l);
	put_translated(l, l->k);
	put_silent_hops(l, l->k);
}

/* Two TTLs, the later not right behind the earlier, with one router. */
static bool find_loop(const struct trace_walk *w, uint8_t *first, uint8_t *again)
{
	for (unsigned a = w->first; a <= w->last; a++)
		for (unsigned b = a + 2; b <= w->last; b++) {
			const struct trace_hop *x = trace_hop_at(w, a), *y = trace_hop_at(w, b);

			if (!x || !y || !x->expired || !y->expired ||
			    !addr_equal(&x->expiry.from, &y->expiry.from))
				continue;
			*first = (uint8_t)a;
			*again = (uint8_t)b;
			return true;
		}
	return false;
}

/* A loop uses up every TTL. A provider that signs for all its hops with one address does not. */
static bool is_looping(const struct trace_walk *w, uint8_t *first, uint8_t *again)
{
	return trace_last_heard(w) + 2 >= w->last && find_loop(w, first, again);
}

/* Where others get farther, and what says so. */
static uint8_t silence_ends(struct look *l, uint8_t heard)
{
	uint8_t next = 0;
	const struct trace_walk *r;

	for (size_t i = 0; (r = trace_reference(l->f, l->w, i)) != NULL; i++) {
		uint8_t beyond = trace_heard_beyond(r, heard), k = trace_reply_ttl(r);

		if (beyond && (!next || beyond < next))
			next = beyond;
		if (k > heard)
			trace_clue(l->out, CLUE_TRACE_OTHERS_FARTHER, k, trace_asked(r));
		else if (beyond)
			trace_clue(l->out, CLUE_TRACE_OTHERS_EXPIRE, trace_last_heard(r),
				   trace_asked(r));
		else if (r->over && !k)
			trace_clue(l->out, CLUE_TRACE_TARGET_SILENT, 0, trace_asked(r));
	}
	return next;
}

static void judge_silence(struct look *l)
{
	uint8_t heard = trace_last_heard(l->w), again = 0;
	const struct exchange *last = heard ? trace_expiry_at(l, heard) : NULL;

	l->out->end = TRACE_DROPPED_AFTER_HOP;
	if (is_looping(l->w, &heard, &again)) {
		last = trace_expiry_at(l, heard);
		trace_clue(l->out, CLUE_TRACE_LOOP, heard, again);
		trace_set_between(l->out, heard, 0);
	} else if (heard && heard == l->w->last && heard >= l->f->max_ttl) {
		l->out->end = TRACE_UNDECIDED;
		trace_clue(l->out, CLUE_TRACE_OUT_OF_TTL, heard, 0);
		return;
	} else {
		trace_set_between(l->out, heard, silence_ends(l, heard));
	}
	if (last)
		trace_set_by(l->out, &last->from);
	if (!heard)
		trace_clue(l->out, CLUE_NO_ANSWER, 0, 0);
	put_translated(l, heard + 1U);
	put_silent_hops(l, heard);
}

/* --- a flow, all flows -------------------------------------------------------------------- */

static void judge_walk(struct look *l)
{
	if (l->k)
		trace_judge_answer(l);
	else if (l->w->over)
		judge_silence(l);
	if (l->f->inside.wanted && l->w->flow == 0)
		trace_judge_inside(l);
}

void trace_judge_flow(const struct trace_facts *f, unsigned flow, struct trace_verdict *out)
{
	const struct trace_walk *w = main_walk(f, flow);
	struct look l;

	*out = (struct trace_verdict){.rtt_us = UINT32_MAX};
	if (!w)
		return;
	l = trace_look(f, w, out);
	judge_walk(&l);
}

static unsigned upper(const struct trace_verdict *v)
{
	return v->between[1] ? v->between[1] : TRACE_TTL_MAX;
}

/* One that is known less exactly is no other. */
static bool verdicts_differ(const struct trace_verdict *a, const struct trace_verdict *b)
{
	if (a->end != b->end || a->has_between != b->has_between)
		return true;
	return a->has_between && (a->between[0] > upper(b) || b->between[0] > upper(a));
}

/* As far as both have heard: a silent hop is no other path. */
static bool paths_differ(const struct trace_walk *a, const struct trace_walk *b)
{
	for (unsigned ttl = 1; ttl <= TRACE_TTL_MAX; ttl++) {
		const struct trace_hop *x = trace_hop_at(a, ttl), *y = trace_hop_at(b, ttl);

		if (x && y && x->expired && y->expired &&
		    !addr_equal(&x->expiry.from, &y->expiry.from))
			return true;
	}
	return false;
}

static unsigned count_paths(const struct trace_facts *f)
{
	const struct trace_walk *kinds[TRACE_FLOWS_MAX];
	unsigned n = 0;

	for (unsigned flow = 0; flow < f->flows && flow < TRACE_FLOWS_MAX; flow++) {
		const struct trace_walk *w = main_walk(f, flow);
		unsigned i = 0;

		while (w && i < n && paths_differ(kinds[i], w))
			i++;
		if (w && i == n)
			kinds[n++] = w;
	}
	return n;
}

static bool is_limited(const struct trace_facts *f)
{
	for (size_t i = 0; i < f->n_walks; i++)
		if (f->walks[i].limited)
			return true;
	return false;
}

/* What is said of all walks at once goes before what is said of one. */
static void put_common(const struct trace_facts *f, struct trace_verdict *out, unsigned differ)
{
	enum { COMMON = 3 };
	unsigned paths = count_paths(f);

	if (out->n_clues > TRACE_CLUES_MAX - COMMON)
		out->n_clues = TRACE_CLUES_MAX - COMMON;
	if (is_limited(f))
		trace_clue(out, CLUE_TRACE_ICMP_LIMIT, 0, 0);
	if (differ)
		trace_clue(out, CLUE_TRACE_FLOWS_DIFFER, differ, f->flows);
	if (paths > 1)
		trace_clue(out, CLUE_TRACE_PATHS, paths, f->flows);
}

void trace_judge(const struct trace_facts *f, struct trace_verdict *out)
{
	unsigned differ = 0;

	trace_judge_flow(f, 0, out);
	for (unsigned flow = 1; flow < f->flows; flow++) {
		struct trace_verdict other;

		trace_judge_flow(f, flow, &other);
		if (out->end == TRACE_UNDECIDED && other.end != TRACE_UNDECIDED) {
			*out = other;
			differ = flow;
		} else {
			differ += verdicts_differ(out, &other);
		}
	}
	put_common(f, out, differ);
}

/* --- references --------------------------------------------------------------------------- */

/* Does the answer to the reference speak of the target, or only of a router? */
static bool is_decided_by(const struct look *l, const struct trace_walk *other)
{
	uint8_t k = trace_reply_ttl(other);

	if (!l->x)
		return trace_heard_beyond(other, trace_last_heard(l->w)) != 0;
	/* a listener's SYN-ACK is the target's: no box between need be asked for */
	return trace_goes_past(l, other) ||
	       (k && other->hops[k].reply.reaction == REACTION_SYN_ACK);
}

static enum trace_want walk_wants(const struct trace_facts *f, const struct trace_walk *w)
{
	const struct trace_walk *other = trace_walk_of(f, WALK_OTHER);
	struct trace_verdict scratch = {0};
	const struct look l = trace_look(f, w, &scratch);

	if (l.x && (!reaction_is_rst((enum reaction)l.x->reaction) || trace_reset_is_plain(&l)))
		return WANT_NOTHING;
	if (!l.x && trace_last_heard(w) == w->last)
		return WANT_NOTHING;
	if (!other)
		return WANT_OTHER;
	if (trace_walk_of(f, WALK_CANARY) || is_decided_by(&l, other))
		return WANT_NOTHING;
	return WANT_CANARY;
}

enum trace_want trace_wants(const struct trace_facts *f)
{
	enum trace_want want = WANT_NOTHING;

	for (size_t i = 0; i < f->n_walks && !f->stopped; i++) {
		enum trace_want mine;

		if (f->walks[i].role != WALK_MAIN)
			continue;
		mine = walk_wants(f, &f->walks[i]);
		if (mine != WANT_NOTHING && (want == WANT_NOTHING || mine < want))
			want = mine;
	}
	return want;
}
