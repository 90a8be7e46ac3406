/*
 * verdict: intersects what the rules leave. The port half of firm rules names the state; where it
 * leaves both, an ICMP answer to the SYN, then weak rules, then the silence do. It knows no host
 * and no clock: style and rate limits are judged elsewhere.
 */
#include "judge/verdict.h"

#include <assert.h>
#include <string.h>

enum half { HALF_OPEN = 1, HALF_CLOSED = 2, HALF_BOTH = 3 };

/* What one class of probes tells, all its kinds together. */
struct class_view {
	bool sent, silent; /* silent: sent often enough, and nothing came */
	const struct reply *passes, *rst, *rejects, *unproved;
};

struct view {
	struct class_view cls[PROBE_CLASSES];
	unsigned firm, weak; /* enum half */
	const struct reply *firm_open, *firm_closed, *weak_closed;
	bool any_sent, any_short, tuple_only;
};

static unsigned half_of(uint8_t worlds)
{
	return (worlds & WORLD_OPEN ? HALF_OPEN : 0U) | (worlds & WORLD_CLOSED ? HALF_CLOSED : 0U);
}

static enum probe_class class_of(const struct observation *o, size_t kind)
{
	return probe_class_of(o->kinds[kind]->flags);
}

/* Without our numbers it belongs to something else, or to a forger who never saw what we sent. */
static bool proves_nothing(const struct reply *r)
{
	return r->fit != FIT_EXACT;
}

/* The first in an order that has nothing to do with when they came: *best, or r. */
static void prefer(const struct reply **best, const struct reply *r)
{
	const struct reply *b = *best;

	if (!b || r->fit > b->fit ||
	    (r->fit == b->fit &&
	     (r->kind < b->kind || (r->kind == b->kind && r->reaction < b->reaction))))
		*best = r;
}

static void view_reply(struct view *v, const struct observation *o, const struct reply *r)
{
	enum probe_class cls = class_of(o, r->kind);
	const struct rule *rule = rule_find(cls, (enum reaction)r->reaction);
	unsigned half = half_of(rule->worlds);
	struct class_view *c = &v->cls[cls];

	if (proves_nothing(r)) {
		prefer(&c->unproved, r);
		v->tuple_only = true;
		return;
	}
	if (!(rule->worlds & ~WORLD_PASSES))
		prefer(&c->passes, r);
	if (reaction_is_rst((enum reaction)r->reaction))
		prefer(&c->rst, r);
	if (reaction_is_icmp((enum reaction)r->reaction))
		prefer(&c->rejects, r);
	if (rule->firm) {
		v->firm &= half;
		if (half == HALF_OPEN)
			prefer(&v->firm_open, r);
		if (half == HALF_CLOSED)
			prefer(&v->firm_closed, r);
	} else if (half == HALF_CLOSED) {
		prefer(&v->weak_closed, r);
	}
}

static void view_silence(struct view *v, const struct observation *o)
{
	for (size_t k = 0; k < o->n_kinds; k++) {
		struct class_view *c = &v->cls[class_of(o, k)];
		bool answered = false;

		if (!o->tries[k])
			continue;
		v->any_sent = c->sent = true;
		for (size_t i = 0; i < o->n_replies; i++)
			answered |= o->replies[i]->kind == k;
		if (answered)
			continue;
		if (o->cut_short || o->tries[k] < o->min_tries)
			v->any_short = true;
		else
			c->silent = true;
	}
}

static void view_make(struct view *v, const struct observation *o)
{
	memset(v, 0, sizeof(*v));
	v->firm = HALF_BOTH;
	for (size_t i = 0; i < o->n_replies; i++)
		view_reply(v, o, o->replies[i]);
	view_silence(v, o);
	v->weak = v->firm;
	if (v->weak_closed && (v->weak & HALF_CLOSED))
		v->weak = HALF_CLOSED;
}

static void put_clue(struct verdict *out, enum clue_id id, uint32_t a, uint32_t b)
{
	for (unsigned i = 0; i < out->n_clues; i++)
		if (out->clues[i].id == id)
			return;
	if (out->n_clues < VERDICT_CLUES_MAX)
		out->clues[out->n_clues++] = (struct clue){.id = id, .a = a, .b = b};
}

static void decide(struct verdict *out, enum port_state state, const struct reply *r)
{
	out->state = state;
	out->decider = r;
	out->reaction = r ? (enum reaction)r->reaction : REACTION_NONE;
}

/* Where firm rules leave both halves and a SYN was sent, the SYN names the state. */
static void name_by_syn(const struct view *v, struct verdict *out)
{
	const struct class_view *syn = &v->cls[PROBE_SYN];

	if (syn->rejects)
		decide(out, STATE_REJECTED, syn->rejects);
	else if (v->weak == HALF_CLOSED)
		decide(out, STATE_CLOSED, v->weak_closed);
	else if (syn->unproved)
		decide(out, STATE_INDETERMINATE, syn->unproved);
	else
		decide(out, syn->silent ? STATE_FILTERED : STATE_INDETERMINATE, NULL);
}

static void name_without_syn(const struct view *v, struct verdict *out)
{
	const struct reply *passes = NULL, *rejects = NULL, *unproved = NULL;

	for (int i = 0; i < PROBE_CLASSES; i++) {
		passes = passes ? passes : v->cls[i].passes;
		rejects = rejects ? rejects : v->cls[i].rejects;
		unproved = unproved ? unproved : v->cls[i].unproved;
	}
	if (v->weak == HALF_CLOSED)
		decide(out, STATE_CLOSED, v->weak_closed);
	else if (passes)
		decide(out, STATE_UNFILTERED, passes);
	else if (rejects)
		decide(out, STATE_REJECTED, rejects);
	else if (unproved)
		decide(out, STATE_INDETERMINATE, unproved);
	else if (v->any_short)
		decide(out, STATE_INDETERMINATE, NULL);
	else if (v->cls[PROBE_ACK].silent)
		decide(out, STATE_FILTERED, NULL);
	else if (v->cls[PROBE_BARE].silent || v->cls[PROBE_SYN_ODD].silent)
		decide(out, STATE_OPEN_FILTERED, NULL);
	else /* a RST is never answered: its silence leaves every world */
		decide(out, STATE_INDETERMINATE, NULL);
}

static void name_state(const struct view *v, struct verdict *out)
{
	if (v->firm == 0) {
		decide(out, STATE_INCONSISTENT, v->firm_open);
		out->against = v->firm_closed;
		put_clue(out, CLUE_TWO_SEGMENTS, 0, 0);
	} else if (v->firm == HALF_OPEN) {
		decide(out, STATE_OPEN, v->firm_open);
	} else if (v->firm == HALF_CLOSED) {
		decide(out, STATE_CLOSED, v->firm_closed);
	} else if (v->cls[PROBE_SYN].sent) {
		name_by_syn(v, out);
	} else {
		name_without_syn(v, out);
	}
	out->weak = out->state == STATE_CLOSED && v->firm != HALF_CLOSED;
}

/* What stray segments and SYNs together tell of the path. */
static void clues_of_path(const struct view *v, struct verdict *out)
{
	const struct class_view *syn = &v->cls[PROBE_SYN], *ack = &v->cls[PROBE_ACK];
	const struct class_view *bare = &v->cls[PROBE_BARE];
	bool known = v->firm == HALF_OPEN || v->firm == HALF_CLOSED;

	if (known && ack->silent)
		put_clue(out, CLUE_STRAY_FILTERED, 0, 0);
	if (v->firm == HALF_OPEN && bare->rst)
		put_clue(out, CLUE_RESETS_FIN, 0, 0);
	if (syn->silent && ack->passes && out->state == STATE_FILTERED)
		put_clue(out, CLUE_SYN_ONLY_DROPPED, 0, 0);
	if (syn->silent && out->state == STATE_CLOSED)
		put_clue(out, CLUE_SYN_DROPPED, 0, 0);
	if (out->state == STATE_UNFILTERED && bare->silent)
		put_clue(out, CLUE_OPEN_IF_FIN_PASSES, 0, 0);
	if (ack->rst)
		put_clue(out, v->firm == HALF_OPEN ? CLUE_LISTEN_RST : CLUE_STRAY_RST, 0, 0);
	if (ack->rst && ack->rst->reaction == REACTION_RST_ACK_OF_SEQ)
		put_clue(out, CLUE_RST_ACK_FORM, 0, 0);
}

static void clues_of_doubt(const struct view *v, const struct observation *o, struct verdict *out)
{
	const struct reply *rejects = v->cls[PROBE_SYN].rejects;
	unsigned tries = 0;

	for (size_t k = 0; k < o->n_kinds; k++)
		tries = o->tries[k] > tries ? o->tries[k] : tries;
	if (out->weak)
		put_clue(out, CLUE_WEAK_CLOSED, 0, 0);
	if (v->tuple_only)
		put_clue(out, CLUE_TUPLE_ONLY, 0, 0);
	if (out->state == STATE_INDETERMINATE && out->decider && !reaction_is_rst(out->reaction))
		put_clue(out, CLUE_TUPLE_IN_USE, 0, 0);
	if (rejects && out->state != STATE_REJECTED)
		put_clue(out, CLUE_SOME_REJECTED, rejects->icmp_type, rejects->icmp_code);
	if (out->state == STATE_INDETERMINATE && v->any_short)
		put_clue(out, CLUE_CUT_SHORT, tries, o->min_tries);
}

/*
 * What the port alone tells: an ICMP error names its sender; a SYN-ACK speaks for the endpoint; a
 * RST could come from any box that saw the SYN, and is held against the host's other replies by who
 * has them (judge/siblings).
 */
static enum origin origin_of(const struct verdict *out)
{
	if (!out->decider)
		return ORIGIN_UNKNOWN;
	if (reaction_is_icmp(out->reaction))
		return out->decider->from ? ORIGIN_MIDDLEBOX : ORIGIN_ENDPOINT;
	return out->state == STATE_OPEN ? ORIGIN_ENDPOINT : ORIGIN_UNKNOWN;
}

static const struct rule *rule_of(const struct view *v, const struct observation *o,
				  const struct verdict *out)
{
	if (out->decider)
		return rule_find(class_of(o, out->decider->kind), out->reaction);
	for (int i = 0; i < PROBE_CLASSES; i++)
		if (v->cls[i].silent)
			return rule_find((enum probe_class)i, REACTION_NONE);
	return NULL;
}

void verdict_judge(const struct observation *o, struct verdict *out)
{
	struct view v;

	assert(o->n_kinds <= PROBE_KINDS_MAX);
	memset(out, 0, sizeof(*out));
	view_make(&v, o);
	if (!v.any_sent && !o->n_replies) {
		out->state = STATE_NOT_PROBED;
		out->reason = "not-probed";
		return;
	}
	name_state(&v, out);
	clues_of_doubt(&v, o, out);
	clues_of_path(&v, out);
	out->rule = rule_of(&v, o, out);
	out->origin = origin_of(out);
	out->reason = out->decider
			  ? reaction_reason(out->reaction, o->family, out->decider->icmp_type,
					    out->decider->icmp_code)
			  : reaction_reason(REACTION_NONE, o->family, 0, 0);
	if (out->state == STATE_INCONSISTENT)
		out->reason = "contradiction";
	else if (out->state == STATE_INDETERMINATE && !out->decider && v.any_short)
		out->reason = "cut-short";
}

static const char *const state_names[PORT_STATES] = {
    [STATE_OPEN] = "open",
    [STATE_CLOSED] = "closed",
    [STATE_REJECTED] = "rejected",
    [STATE_FILTERED] = "filtered",
    [STATE_UNFILTERED] = "unfiltered",
    [STATE_OPEN_FILTERED] = "open|filtered",
    [STATE_SUSPECT] = "suspect",
    [STATE_INCONSISTENT] = "inconsistent",
    [STATE_INDETERMINATE] = "indeterminate",
    [STATE_NOT_PROBED] = "not-probed",
};

const char *state_name(enum port_state s)
{
	return state_names[s];
}

int state_parse(const char *word, enum port_state *out)
{
	for (int i = 0; i < PORT_STATES; i++) {
		if (strcmp(word, state_names[i]) == 0) {
			*out = (enum port_state)i;
			return 0;
		}
	}
	return -1;
}

const char *origin_name(enum origin o)
{
	static const char *const names[] = {
	    [ORIGIN_UNKNOWN] = "unknown",
	    [ORIGIN_ENDPOINT] = "endpoint",
	    [ORIGIN_MIDDLEBOX] = "middlebox",
	    [ORIGIN_LOCAL] = "local",
	};

	return names[o];
}
