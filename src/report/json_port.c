/*
 * json_port: the records of which a run may have as many as ports: port, ports, host. Written
 * straight into the line. It decides what of a large sweep is told at once and not told again.
 */
#include <string.h>

#include "packet/notation.h"
#include "report/json_private.h"
#include "report/line.h"

static void put_addr(struct json_report *r, const char *key, const struct addr *a)
{
	char buf[ADDR_TEXT];

	line_text(&r->line, key, host_addr(r->run, a, buf));
}

static void put_who(struct json_report *r, const struct addr *a, const char *name)
{
	put_addr(r, "addr", a);
	if (name)
		line_text(&r->line, "name", name);
}

static void end_record(struct json_report *r)
{
	line_end(&r->line);
	out_string(&r->out, &r->line);
}

static void put_clues(struct string *t, const struct clue *clues, size_t n)
{
	char text[256];

	line_open(t, "clues", '[');
	for (size_t i = 0; i < n; i++) {
		report_clue(text, sizeof(text), &clues[i]);
		line_item(t, text);
	}
	line_close(t, ']');
}

/* Of several replies to one kind, the one that the verdict rests on stands for it. */
static enum reaction reaction_to(const struct port_record *p, size_t kind)
{
	const struct verdict *v = p->verdict;
	const struct observation *seen = p->seen;

	if (v->decider && v->decider->kind == kind)
		return (enum reaction)v->decider->reaction;
	if (v->against && v->against->kind == kind)
		return (enum reaction)v->against->reaction;
	for (size_t i = 0; i < seen->n_replies; i++)
		if (seen->replies[i]->kind == kind)
			return (enum reaction)seen->replies[i]->reaction;
	return REACTION_NONE;
}

static void put_probes(struct string *t, const struct port_record *p)
{
	line_open(t, "probes", '{');
	for (size_t k = 0; p->seen && k < p->seen->n_kinds; k++)
		if (p->seen->tries[k])
			line_text(t, p->seen->kinds[k]->name, reaction_token(reaction_to(p, k)));
	line_close(t, '}');
}

static void put_segment(struct string *t, const struct reply *reply)
{
	char flags[16];
	struct text f = text_of(flags, sizeof(flags));

	notation_put_flags(&f, reply->flags);
	line_item_open(t);
	line_text(t, "reaction", reaction_token((enum reaction)reply->reaction));
	line_text(t, "flags", flags);
	line_u64(t, "seq", reply->seq);
	line_u64(t, "ack", reply->ack);
	line_u64(t, "ttl", reply->ttl);
	line_u64(t, "win", reply->win);
	line_close(t, '}');
}

static void put_segments(struct string *t, const struct verdict *v)
{
	line_open(t, "segments", '[');
	if (v->decider)
		put_segment(t, v->decider);
	if (v->against)
		put_segment(t, v->against);
	line_close(t, ']');
}

static void put_icmp(struct string *t, uint8_t type, uint8_t code)
{
	line_u64(t, "icmp_type", type);
	line_u64(t, "icmp_code", code);
}

static void put_reply(struct json_report *r, const struct port_record *p)
{
	const struct reply *reply = p->verdict->decider;

	if (!reply)
		return;
	if (reply->rtt_us != UINT32_MAX)
		line_u64(&r->line, "rtt_us", reply->rtt_us);
	line_u64(&r->line, "ttl", reply->ttl);
	if (p->from)
		put_addr(r, "from", p->from);
	if (reaction_is_icmp(p->verdict->reaction))
		put_icmp(&r->line, reply->icmp_type, reply->icmp_code);
}

static void put_port(struct json_report *r, const struct port_record *p)
{
	const struct verdict *v = p->verdict;
	struct string *t = &r->line;

	line_begin(t, "port");
	put_who(r, p->addr, p->name);
	line_u64(t, "port", p->port);
	line_text(t, "proto", "tcp");
	line_text(t, "state", state_name(v->state));
	if (v->weak)
		line_bool(t, "weak", true);
	line_text(t, "reason", v->reason);
	line_text(t, "origin", origin_name(v->origin));
	put_probes(t, p);
	line_u64(t, "tries", p->tries);
	put_reply(r, p);
	put_clues(t, v->clues, v->n_clues);
	if (v->state == STATE_INCONSISTENT)
		put_segments(t, v);
	end_record(r);
}

void json_put_ports(struct string *t, const struct port_span *v, size_t n)
{
	line_open(t, "ports", '"'); /* digits, dashes and commas */
	spans_put(v, n, 0, t);
	line_close(t, '"');
}

static void put_group(struct json_report *r, const struct host_record *h,
		      const struct port_group *g)
{
	struct string *t = &r->line;

	line_begin(t, "ports");
	put_who(r, h->addr, h->name);
	line_text(t, "state", state_name(g->state));
	if (g->weak)
		line_bool(t, "weak", true);
	line_text(t, "reason", g->reason);
	line_u64(t, "count", g->ports.count);
	json_put_ports(t, g->ports.v, g->ports.n);
	if (g->from.family)
		put_addr(r, "from", &g->from);
	if (g->icmp)
		put_icmp(t, g->icmp_type, g->icmp_code);
	if (g->n_clues)
		put_clues(t, g->clues, g->n_clues);
	end_record(r);
}

/* --- the sink --------------------------------------------------------------------------------- */

/* Of a large sweep an open port is told when it is found: a line is there however the run ends. */
void json_open_found(void *ctx, const struct port_record *p)
{
	struct json_report *r = ctx;

	if (!r->run->per_host && host_shows(&r->style, p->verdict->state))
		put_port(r, p);
}

/* Nothing has come to light since it was told: one reply, to the only kind. */
static bool told_at_once(const struct json_report *r, const struct port_record *p)
{
	return !r->run->per_host && p->verdict->state == STATE_OPEN && !p->verdict->weak &&
	       !p->verdict->n_clues && p->seen && p->seen->n_kinds == 1 && p->seen->n_replies == 1;
}

void json_host_begin(void *ctx, const struct host_record *h)
{
	struct json_report *r = ctx;

	(void)h;
	host_groups_clear(&r->groups);
}

void json_port(void *ctx, const struct host_record *h, const struct port_record *p)
{
	struct json_report *r = ctx;

	if (r->style.show_given && !host_shows(&r->style, p->verdict->state))
		return;
	if (told_at_once(r, p))
		return;
	if (host_lists(h, &r->style, p->verdict->state))
		put_port(r, p);
	else if (!host_group_add(&r->groups, p))
		out_no_memory(&r->out);
}

void json_host_end(void *ctx, const struct host_record *h)
{
	struct json_report *r = ctx;
	struct string *t = &r->line;

	for (size_t i = 0; i < r->groups.n; i++)
		put_group(r, h, &r->groups.v[i]);
	host_groups_clear(&r->groups);
	line_begin(t, "host");
	put_who(r, h->addr, h->name);
	line_bool(t, "up", h->up);
	if (!h->up && h->down_reason)
		line_text(t, "reason", h->down_reason);
	line_open(t, "counts", '{');
	for (int s = 0; s < PORT_STATES; s++)
		if (h->counts[s])
			line_u64(t, state_name((enum port_state)s), h->counts[s]);
	line_close(t, '}');
	line_text(t, "style", style_name(h->style));
	line_text(t, "family", family_name(h->family));
	line_text(t, "confidence", confidence_name(h->confidence));
	if (h->reset_limit)
		line_u64(t, "reset_limit", h->reset_limit);
	if (h->given_up)
		line_bool(t, "given_up", true);
	end_record(r);
}
