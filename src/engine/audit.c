/*
 * audit: which sweeps a policy needs, in which order, from which source ports, and what their ends
 * come to. What is seen is audit_seen's, what it means audit_tell's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/audit_private.h"

enum {
	STYLE_OPEN = 2,	 /* of a host whose style is asked: so many ports of each kind, */
	STYLE_OTHER = 3, /* and so many that are likely closed, by chance */
	HIGH_FIRST = 49152,
	HIGH_PORTS = 65535 - HIGH_FIRST,
};

struct audit {
	const struct audit_config *c;
	struct wire *w;
	const struct record_sink *sink;
	struct plan plan;
	struct seen_table seen;
	struct summary_record sum; /* of all sweeps */
	uint16_t sport;		   /* the next one that is free */
	uint64_t begun_ns;
	bool over; /* interrupted, or the like: no further sweeps */
};

/* --- a sweep ---------------------------------------------------------------------------------- */

static size_t fill_kinds(enum seen_what what, const struct probe *kinds[2])
{
	kinds[0] = probe_find(what == SEEN_STRAYS ? "ack" : "syn");
	kinds[1] = what == SEEN_STYLES ? probe_find("ack") : NULL;
	return kinds[1] ? 2 : 1;
}

unsigned audit_sports(const struct audit_config *c)
{
	unsigned one = sweep_sports(1, c->sweep.retries, false);
	unsigned two = sweep_sports(2, c->sweep.retries, false);

	return (1 + c->retry_failed) * (2 * one + two);
}

static void add_summary(struct summary_record *sum, const struct summary_record *more, bool first)
{
	struct summary_record all = *sum;

	if (first) {
		*sum = *more;
		return;
	}
	all.sent += more->sent;
	all.answered += more->answered;
	all.retried += more->retried;
	all.late += more->late;
	all.duplicates += more->duplicates;
	all.foreign += more->foreign;
	all.captured = more->captured; /* the wire's, from its beginning */
	all.pcap_dropped = more->pcap_dropped;
	all.send_errors += more->send_errors;
	if (all.complete && !more->complete) {
		all.complete = false;
		all.end = more->end;
		memcpy(all.why, more->why, sizeof(all.why));
	}
	*sum = all;
}

/* False where nothing is left of --deadline. */
static bool time_left(const struct audit *a, uint64_t *ns)
{
	uint64_t spent = a->w->ops->now(a->w) - a->begun_ns;

	*ns = a->c->sweep.deadline_ns > spent ? a->c->sweep.deadline_ns - spent : 0;
	return !a->c->sweep.deadline_ns || *ns;
}

static int sweep(struct audit *a, const struct space *space, enum seen_what what, bool again,
		 struct err *e)
{
	bool first = what == SEEN_STATES && !again;
	struct sweep_config c = a->c->sweep;
	const struct probe *kinds[2];
	struct summary_record sum = {0};
	struct seen_sink seen;

	if (!time_left(a, &c.deadline_ns)) {
		a->sum.complete = false;
		a->sum.end = END_DEADLINE;
		snprintf(a->sum.why, sizeof(a->sum.why),
			 "the deadline came before what failed was asked again");
		a->over = true;
		return 0;
	}
	c.space = space;
	c.kinds = kinds;
	c.n_kinds = fill_kinds(what, kinds);
	c.sport_first = a->sport;
	c.want_closed = true;
	c.enumerate_silent = true;
	c.skip_dead = false;
	c.last_use = false;
	a->sport = (uint16_t)(a->sport + sweep_sports(c.n_kinds, c.retries, false));
	if (!first)
		c.lanes = 1;
	seen_sink_init(&seen, &a->seen, what, a->sink);
	seen.again = again;
	if (sweep_run(&c, a->w, &seen.sink, &sum, e) < 0)
		return -1;
	add_summary(&a->sum, &sum, first);
	a->over |= sum.end != END_COMPLETE;
	if (first && sum.complete)
		seen_fill_silent(
		    &a->seen,
		    1 + (unsigned)(c.retries == RETRIES_AUTO ? RETRIES_AUTO_MIN : c.retries));
	return 0;
}

/* --- a part of the space ---------------------------------------------------------------------- */

/* Ports by host, ascending: the wish list of a further sweep. */
struct part {
	struct audit *a;
	struct targets targets;
	uint16_t *ports; /* of `host`; some may be there twice */
	size_t n, cap;
	uint64_t host;
	bool failed;
};

static void end_host(struct part *p)
{
	struct target x = {0};

	if (!p->n)
		return;
	x.first = x.last = space_host_addr(p->a->c->space, p->host);
	x.ports = ports_pool_own(&p->targets.ports, ports_of(p->ports, p->n));
	if (!x.ports || targets_put(&p->targets, &x) < 0)
		p->failed = true;
	p->n = 0;
}

static void part_add(struct part *p, uint64_t host, uint16_t port)
{
	if (host != p->host)
		end_host(p);
	p->host = host;
	if (array_grow(&p->ports, p->n, &p->cap, sizeof(*p->ports)))
		p->ports[p->n++] = port;
	else
		p->failed = true;
}

static void part_begin(struct part *p, struct audit *a)
{
	*p = (struct part){.a = a};
	targets_init(&p->targets);
}

static void part_free(struct part *p)
{
	targets_free(&p->targets);
	free(p->ports);
}

/* The paths are those of the whole space. */
static int piece(void *ctx, const struct addr *first, uint64_t count, uint64_t *run, uint16_t *path,
		 struct err *e)
{
	const struct audit *a = ctx;
	uint64_t host;

	(void)count;
	(void)e;
	*run = 1;
	*path = PATH_NONE;
	if (space_find_host(a->c->space, first, &host))
		*path = space_span_of_host(a->c->space, host)->path;
	return 0;
}

/* Sweeps the part, if anything is in it. */
static int part_sweep(struct part *p, enum seen_what what, bool again, struct err *e)
{
	struct ports *none = ports_default();
	struct space space = {0};
	int rc = -1;

	end_host(p);
	if (p->failed || !none) {
		err_set(e, "out of memory for a second probing");
		goto out;
	}
	if (!p->targets.n || p->a->over) {
		rc = 0;
		goto out;
	}
	if (space_build(&space, &p->targets, none, NULL, e) < 0)
		goto out;
	if (space_route(&space, piece, p->a, e) == 0)
		rc = sweep(p->a, &space, what, again, e);
	space_free(&space);
out:
	ports_free(none);
	return rc;
}

/* --- which part ------------------------------------------------------------------------------- */

/* Does a sweep of this kind help the line's demand on that port? */
static bool wants(const struct policy_line *l, const struct measure *m, enum seen_what what,
		  bool again)
{
	bool listen = l->expect.kind == EXPECT_LISTEN_RST;

	if (!m)
		return false;
	if (what == SEEN_STRAYS)
		return listen && m->state == STATE_OPEN &&
		       (!again || expect_judge_port(&l->expect, m) != CHECK_PASSED);
	if (listen && m->state == STATE_OPEN)
		return false;
	return expect_judge_port(&l->expect, m) != CHECK_PASSED;
}

/* Ports of several lines must come once, in order: a bit an index. */
static int mark(struct audit *a, uint8_t *bits, enum seen_what what, bool again)
{
	const struct policy *p = a->c->policy;
	int any = 0;

	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];
		struct plan_walk w = {0};

		if (l->scope == POLICY_HOST || !plan_in_force(&a->plan, l) ||
		    (what == SEEN_STRAYS && l->expect.kind != EXPECT_LISTEN_RST))
			continue;
		while (plan_next_host(&a->plan, l, &w)) {
			for (uint32_t r = 0; r < ports_count(l->ports); r++) {
				uint16_t port = ports_at(l->ports, r);
				const struct measure *m = seen_at(&a->seen, &w, port);

				if (!wants(l, m, what, again) ||
				    !plan_has(&a->plan, l, &w.addr, port))
					continue;
				bits[(m - a->seen.v) / 8] |= (uint8_t)(1U << (m - a->seen.v) % 8);
				any = 1;
			}
		}
	}
	return any;
}

static int sweep_marked(struct audit *a, enum seen_what what, bool again, struct err *e)
{
	const struct space *s = a->c->space;
	uint8_t *bits = array_zeroed(s->total / 8 + 1, 1);
	struct part part;
	int rc = -1;

	part_begin(&part, a);
	if (!bits) {
		err_set(e, "out of memory for a second probing");
		goto out;
	}
	rc = 0;
	if (a->over || !mark(a, bits, what, again))
		goto out;
	for (uint64_t i = 0; i < s->total; i++) {
		struct point at;

		if (!(bits[i / 8] & 1U << i % 8))
			continue;
		space_at(s, i, &at);
		part_add(&part, at.host, at.port);
	}
	rc = part_sweep(&part, what, again, e);
out:
	part_free(&part);
	free(bits);
	return rc;
}

/* --- styles ----------------------------------------------------------------------------------- */

/* Some ports of each state, and some that nobody is likely to use. */
static void add_style_ports(struct part *p, uint64_t host)
{
	const struct audit *a = p->a;
	const struct span *span = space_span_of_host(a->c->space, host);
	uint64_t first = space_host_index(a->c->space, host);
	unsigned taken[PORT_STATES] = {0};
	uint16_t high = (uint16_t)(HIGH_FIRST + (a->c->sweep.seed + host * 61) % HIGH_PORTS);

	for (uint32_t r = 0; r < ports_count(span->ports); r++)
		if (taken[a->seen.v[first + r].state]++ < STYLE_OPEN)
			part_add(p, host, ports_at(span->ports, r));
	for (unsigned i = 0; i < STYLE_OTHER; i++)
		part_add(p, host, (uint16_t)(HIGH_FIRST + (high + i * 977U) % HIGH_PORTS));
}

static int sweep_styles(struct audit *a, bool again, struct err *e)
{
	const struct policy *p = a->c->policy;
	uint8_t *hosts = array_zeroed(a->c->space->hosts + 1, 1);
	struct part part;
	int rc = -1;

	part_begin(&part, a);
	if (!hosts) {
		err_set(e, "out of memory for the reset styles");
		goto out;
	}
	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];
		struct plan_walk w = {0};

		if (l->scope != POLICY_HOST || !plan_in_force(&a->plan, l))
			continue;
		while (plan_next_host(&a->plan, l, &w)) {
			enum reset_style faces[2], style = seen_style(&a->seen, w.host, faces);

			if (!again || expect_judge_style(&l->expect, style) != CHECK_PASSED)
				hosts[w.host] = 1;
		}
	}
	for (uint64_t h = 0; h < a->c->space->hosts; h++)
		if (hosts[h])
			add_style_ports(&part, h);
	rc = part_sweep(&part, SEEN_STYLES, again, e);
out:
	part_free(&part);
	free(hosts);
	return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int sweeps(struct audit *a, struct err *e)
{
	int rc = sweep(a, a->c->space, SEEN_STATES, false, e);

	if (rc == 0)
		rc = sweep_marked(a, SEEN_STRAYS, false, e);
	if (rc == 0)
		rc = sweep_styles(a, false, e);
	for (unsigned i = 0; rc == 0 && i < a->c->retry_failed; i++) {
		rc = sweep_marked(a, SEEN_STATES, true, e);
		if (rc == 0)
			rc = sweep_marked(a, SEEN_STRAYS, true, e);
		if (rc == 0)
			rc = sweep_styles(a, true, e);
	}
	return rc;
}

/* Whatever was the first to notice it: a send that failed, the capture, or the link's own notice.
 */
static bool lost_link(const struct audit *a)
{
	struct err why;

	for (size_t i = 0; i < a->w->n_paths && !a->sum.complete; i++)
		if (!a->w->ops->path_up(a->w, (uint16_t)i, &why))
			return true;
	return a->sum.end == END_LINK;
}

static int tell(struct audit *a, struct audit_counts *counts, struct summary_record *out,
		struct err *e)
{
	struct audit_tell t = {
	    .plan = &a->plan,
	    .seen = &a->seen,
	    .sink = a->sink,
	    .why_not = a->sum.complete ? NULL : a->sum.why,
	    .worthless = lost_link(a),
	};

	if (audit_tell_all(&t) < 0)
		return err_set(e, "out of memory for the checks");
	a->sum.elapsed_s = (double)(a->w->ops->now(a->w) - a->begun_ns) / 1e9;
	a->sum.audit = &t.counts;
	if (a->sink->summary)
		a->sink->summary(a->sink->ctx, &a->sum);
	*counts = t.counts;
	a->sum.audit = counts;
	*out = a->sum;
	return 0;
}

int audit_run(const struct audit_config *c, struct wire *w, const struct record_sink *sink,
	      struct audit_counts *counts, struct summary_record *out, struct err *e)
{
	struct audit a = {.c = c, .w = w, .sink = sink, .sport = c->sweep.sport_first};
	int rc = -1;

	a.begun_ns = w->ops->now(w);
	if (plan_make(&a.plan, c->policy, c->today, c->space, e) == 0 &&
	    seen_make(&a.seen, c->space, e) == 0)
		rc = sweeps(&a, e);
	if (rc == 0)
		rc = tell(&a, counts, out, e);
	seen_free(&a.seen);
	plan_free(&a.plan);
	return rc;
}
