/*
 * json_stack: the record of one host's stack: what was judged, by what evidence, and each cell with
 * the numbers of its answer. It decides which keys are there, never what they say.
 */

#include "packet/segment.h"
#include "report/json_private.h"
#include "report/stack_words.h"

static json_object *new_numbers(const int *v)
{
	json_object *o = json_object_new_object();

	for (int f = FAMILY_UNKNOWN + 1; f < FAMILIES; f++)
		json_set(o, family_name((enum stack_family)f), json_object_new_int(v[f]));
	return o;
}

static json_object *new_evidence(const struct stack_verdict *v)
{
	json_object *a = json_object_new_array();

	for (size_t i = 0; i < v->n_evidence; i++) {
		const struct stack_evidence *e = &v->evidence[i];
		json_object *o = json_object_new_object();
		int points[FAMILIES];

		for (int f = 0; f < FAMILIES; f++)
			points[f] = e->points[f];
		json_add_text(o, "what", e->what);
		json_add_text(o, "value", e->value);
		json_set(o, "points", new_numbers(points));
		json_push(a, o);
	}
	return a;
}

static json_object *new_rst(const struct exchange *x, uint8_t family)
{
	json_object *o = json_object_new_object();

	json_add_flags(o, x->flags);
	json_add_text(o, "seq", rst_seq_name(exchange_rst_seq(x)));
	json_add_text(o, "ack", rst_ack_name(exchange_rst_ack(x)));
	json_add_u64(o, "win", x->win);
	json_add_u64(o, "ttl", x->ttl);
	if (family == ADDR_V4) {
		json_add_bool(o, "df", x->df);
		json_add_u64(o, "ip_id", x->ip_id);
	}
	return o;
}

static void add_answer(json_object *o, const struct json_report *r, const struct stack_record *s,
		       const struct exchange *x)
{
	if (!exchange_answered(x))
		return;
	if (x->rtt_us != UINT32_MAX)
		json_add_u64(o, "rtt_us", x->rtt_us);
	if (exchange_is_rst(x)) {
		json_set(o, "rst", new_rst(x, s->addr->family));
	} else if (reaction_is_icmp((enum reaction)x->reaction)) {
		json_add_addr(o, "from", r, &x->from);
		json_add_u64(o, "icmp_type", x->icmp_type);
		json_add_u64(o, "icmp_code", x->icmp_code);
	}
}

static json_object *new_cell(const struct json_report *r, const struct stack_record *s,
			     const struct cell_verdict *c)
{
	const struct stack_facts *f = s->facts;
	json_object *o = json_object_new_object();
	bool asked = c->x && c->x->tries, told = c->conforms != CONFORMS_UNTESTED;
	bool connection = c->cell->state != IN_LISTEN && c->cell->state != IN_CLOSED;

	json_add_text(o, "state", tcp_state_name(c->cell->state));
	json_add_text(o, "probe", c->cell->form->name);
	if (c->cell->state == IN_CLOSED ? f->has_closed : f->has_open)
		json_add_u64(o, "port",
			     c->cell->state == IN_CLOSED ? f->closed_port : f->open_port);
	json_set(o, "expect", c->row ? json_new_text(reaction_token(c->row->expect)) : NULL);
	if (told || (asked && exchange_answered(c->x)))
		json_add_text(o, "saw", reaction_token((enum reaction)c->x->reaction));
	else
		json_set(o, "saw", NULL);
	if (told)
		json_add_bool(o, "conforms", c->conforms == CONFORMS_YES);
	else
		json_set(o, "conforms", NULL);
	if (!told)
		json_add_text(o, "why", stack_words_why(c));
	json_add_u64(o, "tries", asked ? c->x->tries : 0);
	if (c->row) {
		json_add_text(o, "rfc", c->row->clause);
		json_add_text(o, "level", rfc_level_name(c->row->level));
	}
	if (connection && asked)
		json_add_text(o, "after", rfc_after_name((enum rfc_after)c->x->after));
	if (c->how)
		json_add_text(o, "how", c->how);
	if (asked)
		add_answer(o, r, s, c->x);
	return o;
}

static json_object *new_cells(const struct json_report *r, const struct stack_record *s)
{
	json_object *a = json_object_new_array();

	for (size_t i = 0; i < s->verdict->n_cells; i++)
		json_push(a, new_cell(r, s, &s->verdict->cells[i]));
	return a;
}

static const char *protection_name(enum protection p)
{
	static const char *const names[] = {
	    [PROTECTION_UNKNOWN] = "unknown",
	    [PROTECTION_NONE] = "none",
	    [PROTECTION_PARTIAL] = "partial",
	    [PROTECTION_FULL] = "full",
	};

	return names[p];
}

void json_stack(void *ctx, const struct stack_record *s)
{
	struct json_report *r = ctx;
	const struct stack_verdict *v = s->verdict;
	json_object *o = json_new_record("stack");

	json_add_who(o, r, s->addr, s->name);
	json_add_text(o, "style", style_name(v->style));
	json_add_text(o, "family", family_name(v->family));
	if (v->family_like)
		json_add_bool(o, "family_like", true);
	json_add_text(o, "confidence", confidence_name(v->confidence));
	json_add_text(o, "runner_up", family_name(v->runner_up));
	json_set(o, "sums", new_numbers(v->sum));
	json_set(o, "evidence", new_evidence(v));
	json_add_text(o, "firewall", firewall_name(v->firewall));
	json_add_text(o, "origin", origin_name(v->origin));
	json_add_bool(o, "suspect", v->suspect);
	json_add_bool(o, "reset_limited", v->reset_limited);
	json_add_text(o, "rfc5961", protection_name(v->rfc5961));
	json_add_bool(o, "complete", s->facts->complete && !s->facts->stopped);
	json_add_bool(o, "stopped", s->facts->stopped);
	json_set(o, "clues", json_new_clues(v->clues, v->n_clues));
	json_set(o, "cells", new_cells(r, s));
	json_put_record(r, o);
	out_flush(&r->out);
}
