/*
 * json_trace: the records of a walk: each hop as it comes, with all that it said, and what they
 * come to. It decides which keys are there, never what they say.
 */
#include "report/json_private.h"

static const char *role_name(enum trace_role role)
{
	static const char *const names[WALK_ROLES] = {
	    [WALK_MAIN] = "main",
	    [WALK_OTHER] = "other",
	    [WALK_CANARY] = "canary",
	    [WALK_INSIDE] = "inside",
	};

	return names[role];
}

/* `x` NULL: silence; `expired`: it is time exceeded, which is no reaction. */
static void add_said(json_object *o, const struct json_report *r, const struct exchange *x,
		     bool expired)
{
	if (!x) {
		json_add_null(o, "addr");
		json_add_null(o, "rtt_us");
		json_add_text(o, "reply", reaction_token(REACTION_NONE));
		return;
	}
	json_add_addr(o, "addr", r, &x->from);
	if (x->rtt_us != UINT32_MAX)
		json_add_u64(o, "rtt_us", x->rtt_us);
	else
		json_add_null(o, "rtt_us");
	json_add_text(o, "reply",
		      expired ? "time-exceeded" : reaction_token((enum reaction)x->reaction));
	json_add_u64(o, "reply_ttl", x->ttl);
	if (!expired && reaction_is_icmp((enum reaction)x->reaction)) {
		json_add_u64(o, "icmp_type", x->icmp_type);
		json_add_u64(o, "icmp_code", x->icmp_code);
	}
}

static void add_more(json_object *more, const struct json_report *r, const struct exchange *x)
{
	json_object *o = json_object_new_object();

	add_said(o, r, x, false);
	json_push(more, o);
}

/* What the router says goes first: it is the hop; a RST bears the name of another. */
static void add_answers(json_object *o, const struct json_report *r, const struct trace_hop *h)
{
	const struct exchange *first = h->expired ? &h->expiry : h->replied ? &h->reply : NULL;
	json_object *more;

	add_said(o, r, first, h->expired);
	if (!(h->expired && h->replied) && !h->replied_otherwise)
		return;
	more = json_object_new_array();
	if (h->expired && h->replied)
		add_more(more, r, &h->reply);
	if (h->replied_otherwise)
		add_more(more, r, &h->other);
	json_set(o, "also", more);
}

void json_hop(void *ctx, const struct hop_record *h)
{
	struct json_report *r = ctx;
	const struct trace_walk *w = h->walk;
	json_object *o = json_new_record("hop");

	json_add_u64(o, "flow", w->flow);
	json_add_text(o, "probe", w->probe ? w->probe->name : "syn");
	json_add_u64(o, "ttl", h->hop->ttl);
	add_answers(o, r, h->hop);
	if (h->name)
		json_add_text(o, "name", h->name);
	json_add_text(o, "role", role_name(w->role));
	json_add_addr(o, "target", r, h->addr);
	json_add_u64(o, "port", w->dport);
	json_add_u64(o, "sport", w->sport);
	json_add_u64(o, "tries", h->hop->tries);
	if (h->hop->resets)
		json_add_u64(o, "resets", h->hop->resets);
	json_put_record(r, o);
}

/* --- the verdict -------------------------------------------------------------------------- */

/* [4,5]; [4,null]: no farther than the target; null: not known */
static void add_between(json_object *o, const struct trace_verdict *v)
{
	json_object *a;

	if (!v->has_between) {
		json_add_null(o, "between");
		return;
	}
	a = json_object_new_array();
	json_push(a, json_new_u64(v->between[0]));
	json_push(a, v->between[1] || !v->between[0] ? json_new_u64(v->between[1]) : NULL);
	json_set(o, "between", a);
}

static json_object *new_flows(const struct trace_record *t)
{
	json_object *a = json_object_new_array();

	for (unsigned flow = 0; flow < t->facts->flows; flow++) {
		json_object *o = json_object_new_object();

		json_add_u64(o, "flow", flow);
		json_add_text(o, "verdict", trace_end_name(t->flows[flow].end));
		add_between(o, &t->flows[flow]);
		json_push(a, o);
	}
	return a;
}

void json_trace(void *ctx, const struct trace_record *t)
{
	struct json_report *r = ctx;
	const struct trace_verdict *v = t->verdict;
	json_object *o = json_new_record("trace");

	json_add_who(o, r, t->addr, t->name);
	json_add_u64(o, "port", t->facts->port);
	json_add_text(o, "verdict", trace_end_name(v->end));
	add_between(o, v);
	if (v->has_by)
		json_add_addr(o, "addr_by", r, &v->by);
	else
		json_add_null(o, "addr_by");
	if (t->by_name)
		json_add_text(o, "name_by", t->by_name);
	json_add_bool(o, "exact", v->between[1] && v->between[0] == v->between[1]);
	json_add_text(o, "reaction", reaction_token(v->reaction));
	if (v->rtt_us != UINT32_MAX)
		json_add_u64(o, "rtt_us", v->rtt_us);
	json_add_text(o, "origin", origin_name(v->origin));
	if (t->facts->probe)
		json_add_text(o, "probe", t->facts->probe->name);
	json_set(o, "flows", new_flows(t));
	json_set(o, "clues", json_new_clues(v->clues, v->n_clues));
	json_add_bool(o, "complete", !t->facts->stopped);
	json_put_record(r, o);
	out_flush(&r->out);
}
