/*
 * text: results for a person. Up to 256 hosts: a block a host (text_host.c); more: one line an open
 * port, as found. It decides which records are worth a line, and how a run ends.
 */
#include <stdlib.h>

#include "report/text_private.h"

#define FLUSH_EVERY_S 1.0

/* --- words ---------------------------------------------------------------- */

const char *text_rtt(uint32_t us, char buf[TEXT_RTT])
{
	double ms = us / 1000.0;

	if (us >= 999500)
		snprintf(buf, TEXT_RTT, "%.2f s", ms / 1000);
	else
		snprintf(buf, TEXT_RTT, "%.*f ms", us < 1000 ? 3 : us < 9995 ? 2 : us < 99950, ms);
	return buf;
}

static const char *state_color(enum port_state s)
{
	switch (s) {
	case STATE_OPEN: return TEXT_GREEN;
	case STATE_CLOSED: return TEXT_RED;
	case STATE_REJECTED:
	case STATE_FILTERED:
	case STATE_OPEN_FILTERED: return TEXT_YELLOW;
	case STATE_SUSPECT:
	case STATE_INCONSISTENT: return TEXT_MAGENTA;
	default: return "";
	}
}

void text_put_state(const struct text_report *t, struct string *to, enum port_state s, bool weak)
{
	const char *color = t->style.color ? state_color(s) : "";

	string_put_text(to, color);
	string_put_text(to, state_name(s));
	if (*color)
		string_put_text(to, TEXT_PLAIN);
	if (weak)
		string_put_text(to, " (weak)");
}

void text_put_reason(const struct text_report *t, struct string *to, const char *reason,
		     const struct addr *icmp_from)
{
	char buf[ADDR_TEXT];

	string_put_text(to, reason);
	if (!icmp_from || !icmp_from->family)
		return;
	string_put_text(to, " from ");
	string_put_text(to, host_addr(t->run, icmp_from, buf));
}

const struct addr *text_icmp_from(const struct port_record *p)
{
	return p->verdict->decider && reaction_is_icmp(p->verdict->reaction) ? p->from : NULL;
}

const char *text_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void text_put_item(struct string *to, bool *first, uint64_t n, const char *what)
{
	string_putf(to, "%s%llu %s", *first ? "" : ", ", (unsigned long long)n, what);
	*first = false;
}

void text_put_counts(struct string *to, const uint64_t counts[PORT_STATES], bool *first)
{
	for (int s = 0; s < PORT_STATES; s++)
		if (counts[s])
			text_put_item(to, first, counts[s], state_name((enum port_state)s));
}

/* A terminal shows each line at once; a file or a pipe has them within a second. */
static void flush_seen(struct text_report *t)
{
	if (t->style.terminal)
		out_flush(&t->out);
}

static void text_progress(void *ctx, const struct progress *p, bool asked)
{
	struct text_report *t = ctx;

	(void)asked;
	if (p->elapsed_s - t->flushed_s < FLUSH_EVERY_S)
		return;
	out_flush(&t->out);
	t->flushed_s = p->elapsed_s;
}

static void text_window(void *ctx, const struct window_record *w)
{
	struct text_report *t = ctx;

	(void)w;
	out_flush(&t->out);
}

static void text_host_begin(void *ctx, const struct host_record *h)
{
	(void)h;
	text_host_reset(ctx);
}

static void put_host_groups(struct text_report *t, const struct host_record *h)
{
	char addr[ADDR_TEXT];

	for (size_t i = 0; i < t->groups.n; i++) {
		string_putf(&t->line, "%s ", host_addr(t->run, h->addr, addr));
		text_put_group(t, &t->groups.v[i], 0);
	}
}

static void text_host_end(void *ctx, const struct host_record *h)
{
	struct text_report *t = ctx;

	if (t->pool.failed)
		out_no_memory(&t->out);
	else if (!t->run->per_host)
		put_host_groups(t, h);
	else
		text_host_put(t, h);
	out_string(&t->out, &t->line);
	flush_seen(t);
}

/* --- one line a port ------------------------------------------------------ */

static void put_port_line(struct text_report *t, const struct port_record *p)
{
	const struct reply *reply = p->verdict->decider;
	struct string *to = &t->line;
	char addr[ADDR_TEXT], rtt[TEXT_RTT];
	bool v6 = p->addr->family == ADDR_V6;

	string_put_text(to, v6 ? "[" : "");
	string_put_text(to, host_addr(t->run, p->addr, addr));
	string_put_text(to, v6 ? "]:" : ":");
	string_put_u64(to, p->port);
	string_put(to, " ", 1);
	text_put_state(t, to, p->verdict->state, p->verdict->weak);
	string_put(to, " ", 1);
	text_put_reason(t, to, p->verdict->reason, text_icmp_from(p));
	if (reply) {
		string_put_text(to, " ttl ");
		string_put_u64(to, reply->ttl);
	}
	if (reply && reply->rtt_us != UINT32_MAX) {
		string_put(to, " ", 1);
		string_put_text(to, text_rtt(reply->rtt_us, rtt));
	}
	string_put(to, "\n", 1);
	out_string(&t->out, to);
}

static void text_open_found(void *ctx, const struct port_record *p)
{
	struct text_report *t = ctx;

	if (t->run->per_host || !host_shows(&t->style, p->verdict->state))
		return;
	put_port_line(t, p);
	flush_seen(t);
}

/* Of a large sweep: what was asked for by name, and what takes back an open port printed before. */
static bool wants_line(const struct text_report *t, enum port_state s)
{
	return s != STATE_OPEN &&
	       (t->style.show_given || s == STATE_SUSPECT || s == STATE_INCONSISTENT);
}

static void text_port(void *ctx, const struct host_record *h, const struct port_record *p)
{
	struct text_report *t = ctx;
	enum port_state s = p->verdict->state;

	if (!host_shows(&t->style, s))
		return;
	if (t->run->per_host)
		text_host_add(t, h, p);
	else if (!wants_line(t, s))
		return;
	else if (host_lists(h, &t->style, s))
		put_port_line(t, p);
	else if (!host_group_add(&t->groups, p))
		out_no_memory(&t->out);
}

static void text_stack(void *ctx, const struct stack_record *s)
{
	struct text_report *t = ctx;

	text_stack_put(t, s);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static void text_walk(void *ctx, const struct walk_record *r)
{
	struct text_report *t = ctx;

	text_trace_begin(t, r);
	out_string(&t->out, &t->line);
	flush_seen(t);
}

static void text_hop(void *ctx, const struct hop_record *r)
{
	struct text_report *t = ctx;

	text_trace_hop(t, r);
	out_string(&t->out, &t->line);
	flush_seen(t);
}

static void text_trace(void *ctx, const struct trace_record *r)
{
	struct text_report *t = ctx;

	text_trace_put(t, r);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static void text_reset(void *ctx, const struct finding *f)
{
	struct text_report *t = ctx;

	text_reset_put(t, f);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

/* At once, also for who reads a pipe. */
static void text_try(void *ctx, const struct try_record *r)
{
	struct text_report *t = ctx;

	text_try_put(t, r);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static void text_tries(void *ctx, const struct tries_record *r)
{
	struct text_report *t = ctx;

	text_tries_put(t, r);
	out_string(&t->out, &t->line);
}

/* Before anything is sent: who watches must be able to stop it. */
static void text_scenario(void *ctx, const struct provoke_record *r)
{
	struct text_report *t = ctx;

	text_scenario_put(t, r);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static void text_provoke(void *ctx, const struct provoke_record *r)
{
	struct text_report *t = ctx;

	text_provoke_put(t, r);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

/* --- the end -------------------------------------------------------------- */

void text_put_elapsed(struct string *to, double s)
{
	unsigned long all = (unsigned long)(s + 0.5);

	if (s < 100)
		string_putf(to, "%.*f s", s < 10 ? 2 : 1, s);
	else if (all < 7200)
		string_putf(to, "%lu min %lu s", all / 60, all % 60);
	else
		string_putf(to, "%lu h %lu min", all / 3600, all / 60 % 60);
}

static void put_found(struct string *to, const struct summary_record *s)
{
	bool first = true;

	if (!s->counts[STATE_OPEN])
		text_put_item(to, &first, 0, "open");
	text_put_counts(to, s->counts, &first);
	if (s->silent)
		text_put_item(to, &first, s->silent, "silent");
	if (s->not_probed && !s->counts[STATE_NOT_PROBED])
		text_put_item(to, &first, s->not_probed, "not probed");
	if (s->unroutable)
		text_put_item(to, &first, s->unroutable, "without a route");
}

void text_put_loss(struct string *to, double loss)
{
	double percent = loss * 100;

	if (percent >= 0)
		string_putf(to, ", %.*f %% loss", percent > 0 && percent < 9.95 ? 1 : 0, percent);
}

/* What was not asked, or slowly, and why: silence there means less. */
static void put_left_out(const struct text_report *t, struct string *to,
			 const struct summary_record *s)
{
	unsigned long long n = s->hosts_given_up;

	if (n)
		string_putf(to,
			    "%llu host%s kept silent: only a handful of ports was asked, %llu in "
			    "all skipped (--no-skip-dead asks them)\n",
			    n, text_plural(n), (unsigned long long)s->skipped);
	n = t->run->per_host ? 0 : s->hosts_limited; /* else said of each */
	if (n)
		string_putf(to,
			    "%llu host%s only so many resets a second: closed ports came no "
			    "faster\n",
			    n, n == 1 ? " sends" : "s send");
}

static void text_check(void *ctx, const struct check_record *c)
{
	text_check_keep(ctx, c);
}

static void put_incomplete(struct string *to, const struct summary_record *s)
{
	if (!s->complete)
		string_putf(to, "INCOMPLETE: %s\n", s->why[0] ? s->why : "the run ended early");
}

static void put_summary(struct text_report *t, const struct summary_record *s)
{
	struct string *to = &t->line;

	text_quiet_put(t);
	if (t->last != NOTHING)
		string_putf(to, "\n");
	if (!t->run->stack) {
		put_found(to, s);
		string_putf(to, " on ");
	}
	string_putf(to, "%llu host%s", (unsigned long long)s->hosts_total,
		    text_plural(s->hosts_total));
	if (s->hosts_total > 1 || (t->run->stack && !s->hosts_up))
		string_putf(to, " (%llu up)", (unsigned long long)s->hosts_up);
	if (t->run->stack && s->not_probed)
		string_putf(to, ", %llu not asked", (unsigned long long)s->not_probed);
	if (t->run->shards > 1)
		string_putf(to, ", part %llu of %llu,", (unsigned long long)t->run->shard,
			    (unsigned long long)t->run->shards);
	string_putf(to, " in ");
	text_put_elapsed(to, s->elapsed_s);
	string_putf(to, " (%llu %s%s", (unsigned long long)s->sent,
		    t->run->stack ? "segment" : "probe", text_plural(s->sent));
	text_put_loss(to, s->loss_estimate);
	string_putf(to, ")\n");
	put_left_out(t, to, s);
}

/* What all tries come to has been said. */
static void text_summary(void *ctx, const struct summary_record *s)
{
	struct text_report *t = ctx;

	if (s->audit) {
		text_audit_put(t, s);
	} else {
		if (!t->tries.any)
			put_summary(t, s);
		put_incomplete(&t->line, s);
	}
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static void text_looked(void *ctx, const struct doctor_record *d)
{
	struct text_report *t = ctx;

	text_looked_put(t, d);
	out_string(&t->out, &t->line);
	flush_seen(t);
}

static void text_examined(void *ctx, const struct examined_record *x)
{
	struct text_report *t = ctx;

	text_examined_put(t, x);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static void text_explained(void *ctx, const struct explain_record *r)
{
	struct text_report *t = ctx;

	text_explained_put(t, r);
	out_string(&t->out, &t->line);
	out_flush(&t->out);
}

static int text_close(struct report *report, struct err *e)
{
	struct text_report *t = report->sink.ctx;
	int rc;

	if (t->checks.n) {
		text_audit_put(t, NULL);
		out_string(&t->out, &t->line);
	}
	rc = out_finish(&t->out, "the text output", e);
	text_audit_free(t);
	text_host_free(t);
	text_trace_free(t);
	text_diff_free(t);
	string_free(&t->line);
	free(t);
	return rc;
}

struct report *report_text_new(FILE *f, const struct run_info *run,
			       const struct report_style *style)
{
	struct text_report *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->out.f = f;
	t->run = run;
	t->style = *style;
	t->report = (struct report){
	    .sink =
		{
		    .ctx = t,
		    .open_found = text_open_found,
		    .host_begin = text_host_begin,
		    .port = text_port,
		    .host_end = text_host_end,
		    .stack = text_stack,
		    .scenario = text_scenario,
		    .provoke = text_provoke,
		    .walk = text_walk,
		    .hop = text_hop,
		    .trace = text_trace,
		    .check = text_check,
		    .reset = text_reset,
		    .try = text_try,
		    .tries = text_tries,
		    .explained = text_explained,
		    .change = text_change,
		    .diffed = text_diffed,
		    .vantage = text_vantage,
		    .vantages = text_vantages,
		    .looked = text_looked,
		    .examined = text_examined,
		    .window = text_window,
		    .progress = text_progress,
		    .summary = text_summary,
		},
	    .close = text_close,
	};
	return &t->report;
}
