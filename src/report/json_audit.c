/*
 * json_audit: the records of `audit`, of which there may be one a port: written straight into the
 * line. It decides which keys a check has; what could not be measured is null, never good.
 */
#include <string.h>

#include "base/day.h"
#include "report/check_words.h"
#include "report/json_private.h"
#include "report/line.h"

static void put_text_if(struct string *t, const char *key, const char *value)
{
	if (value)
		line_text(t, key, value);
}

static void put_words(struct json_report *r, const char *key, const struct check_record *c,
		      void (*put)(struct string *to, const struct run_info *run,
				  const struct check_record *c))
{
	struct string says = {0};

	put(&says, r->run, c);
	line_text(&r->line, key, string_text(&says));
	r->line.failed |= says.failed;
	string_free(&says);
}

static void put_where(struct json_report *r, const struct check_record *c)
{
	struct string *t = &r->line;
	char buf[ADDR_TEXT];

	line_text_or_null(t, "addr", c->addr ? host_addr(r->run, c->addr, buf) : NULL);
	put_text_if(t, "name", c->name);
	if (c->port)
		line_u64(t, "port", c->port);
	if (c->n_spans) {
		line_u64(t, "count", c->count);
		json_put_ports(t, c->spans, c->n_spans);
	}
}

static void put_expect(struct string *t, const struct expectation *x)
{
	line_open(t, "expect", '[');
	if (x->kind == EXPECT_LISTEN_RST)
		line_item(t, "listen-rst");
	for (size_t i = 0; i < x->n_words; i++)
		line_item(t, x->words[i]);
	line_close(t, ']');
	if (x->within_ns)
		string_putf(t, ",\"within_ms\":%.10g", (double)x->within_ns / 1e6);
}

static void put_seen(struct string *t, const struct check_record *c)
{
	const struct measure *m = c->seen;

	line_text_or_null(t, "state", m ? state_name((enum port_state)m->state) : NULL);
	if (m && (m->bits & MEASURE_DIFFERS))
		line_text(t, "other", state_name((enum port_state)m->other));
	if (m && m->reason)
		line_text(t, "reason", m->reason);
	else
		put_text_if(t, "reason", c->why);
	if (c->expect->kind == EXPECT_STYLE)
		line_text(t, "style", style_name(c->style));
	if (m && (m->bits & MEASURE_ASKED_STRAY))
		line_text(t, "stray", reaction_token((enum reaction)m->stray));
}

static void put_outcome(struct string *t, enum check_outcome o)
{
	if (o == CHECK_UNDECIDED)
		line_text_or_null(t, "ok", NULL);
	else
		line_bool(t, "ok", o == CHECK_PASSED);
	line_text(t, "result", check_outcome_name(o));
}

static void put_said(struct string *t, const struct check_record *c)
{
	char date[DAY_TEXT];

	line_text(t, "severity", level_name(c->level));
	put_text_if(t, "owner", c->owner);
	put_text_if(t, "note", c->note);
	if (c->until_day != DAY_NEVER)
		line_text(t, "until", day_text(c->until_day, date));
}

static void put_numbers(struct json_report *r, const struct check_record *c)
{
	const struct measure *m = c->seen;
	struct string *t = &r->line;
	const struct addr *from = c->from ? c->from : c->addr;
	char buf[ADDR_TEXT];
	struct expect_asked asked;

	if (!m)
		return;
	asked = expect_asked(c->expect, m);
	if (m->rtt_us != MEASURE_NO_RTT && !c->n_spans)
		line_u64(t, "rtt_us", m->rtt_us);
	if (m->ttl && !c->n_spans)
		line_u64(t, "ttl", m->ttl);
	line_u64(t, "tries", asked.tries);
	line_u64(t, "probings", asked.probings);
	line_bool(t, "confirmed", asked.confirmed);
	if (m->reaction != REACTION_NONE && from)
		line_text(t, "from", host_addr(r->run, from, buf));
	if (reaction_is_icmp((enum reaction)m->reaction)) {
		line_u64(t, "icmp_type", m->icmp_type);
		line_u64(t, "icmp_code", m->icmp_code);
	}
}

void json_check(void *ctx, const struct check_record *c)
{
	struct json_report *r = ctx;
	struct string *t = &r->line;

	line_begin(t, "check");
	line_text(t, "policy", c->policy);
	line_u64(t, "line", c->line);
	line_text(t, "group", c->group);
	put_where(r, c);
	put_expect(t, c->expect);
	put_seen(t, c);
	put_outcome(t, c->outcome);
	put_said(t, c);
	put_numbers(r, c);
	put_words(r, "evidence", c, check_put_evidence);
	line_end(t);
	out_string(&r->out, t);
}

void json_add_audit(json_object *o, const struct audit_counts *n)
{
	json_add_u64(o, "checks", n->checks);
	for (int i = 0; i < CHECK_OUTCOMES; i++)
		json_add_u64(o, check_outcome_name((enum check_outcome)i), n->outcomes[i]);
	for (int i = 0; i < LEVELS; i++) {
		char key[32];

		snprintf(key, sizeof(key), "failed_%s", level_name((enum severity_level)i));
		json_add_u64(o, key, n->failed[i]);
	}
	json_add_u64(o, "confirmed", n->confirmed);
	json_add_u64(o, "lines", n->lines);
	json_add_u64(o, "lines_ended", n->expired);
}
