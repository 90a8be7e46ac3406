/*
 * audit_tell: from the demands and what was seen to checks, line by line, address by address, port
 * by port; ports of one host that look alike become one record where they are many, as in a scan.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "engine/audit_private.h"

enum { SPANS_MAX = 65536 / 2 }; /* that do not touch */

/* One line on one address. */
struct job {
	struct audit_tell *t;
	const struct policy_line *line;
	const struct plan_walk *at;
	uint32_t counts[PORT_STATES][CHECK_OUTCOMES];
};

static struct check_record record_of(const struct job *j)
{
	const struct policy *p = j->t->plan->policy;
	const struct policy_line *l = j->line;

	return (struct check_record){
	    .policy = p->files[l->file],
	    .line = l->number,
	    .group = p->groups[l->group].name,
	    .addr = &j->at->addr,
	    .name = j->at->span ? j->at->span->name : NULL,
	    .rest = l->scope == POLICY_ELSE,
	    .expect = &l->expect,
	    .level = l->level,
	    .owner = l->owner,
	    .note = l->note,
	    .until_day = l->until_day,
	};
}

static void count(struct audit_tell *t, const struct check_record *r)
{
	uint64_t n = r->count ? r->count : 1;

	t->counts.checks += n;
	t->counts.outcomes[r->outcome] += n;
	if (r->outcome == CHECK_FAILED) {
		t->counts.failed[r->level] += n;
		if (r->seen && expect_asked(r->expect, r->seen).confirmed)
			t->counts.confirmed += n;
	}
}

static void tell(struct audit_tell *t, struct check_record *r)
{
	if (t->worthless && r->outcome == CHECK_PASSED) {
		r->outcome = CHECK_UNDECIDED;
		r->why = t->why_not;
	}
	count(t, r);
	if (t->sink && t->sink->check)
		t->sink->check(t->sink->ctx, r);
}

/* --- ports ------------------------------------------------------------------------------------ */

typedef void each_fn(struct job *j, uint16_t port, const struct measure *m, enum check_outcome o,
		     void *ctx);

static void each_port(struct job *j, each_fn *fn, void *ctx)
{
	const struct policy_line *l = j->line;

	for (uint32_t rank = 0; rank < ports_count(l->ports); rank++) {
		uint16_t port = ports_at(l->ports, rank);
		const struct measure *m;

		if (!plan_has(j->t->plan, l, &j->at->addr, port))
			continue;
		m = j->t->seen ? seen_at(j->t->seen, j->at, port) : NULL;
		fn(j, port, m, m ? expect_judge_port(&l->expect, m) : CHECK_UNDECIDED, ctx);
	}
}

static void count_port(struct job *j, uint16_t port, const struct measure *m, enum check_outcome o,
		       void *ctx)
{
	(void)port;
	(void)ctx;
	j->counts[m ? m->state : STATE_NOT_PROBED][o]++;
}

static bool is_many(const struct job *j, const struct measure *m, enum check_outcome o)
{
	return j->counts[m ? m->state : STATE_NOT_PROBED][o] > RECORD_LIST_MAX;
}

/* What was seen of the port, or of one like all of them. */
static void tell_seen(const struct job *j, struct check_record *r, const struct measure *m)
{
	r->seen = m && m->probings ? m : NULL;
	r->why = r->seen ? NULL : j->t->why_not;
	r->from = r->seen && r->seen->from ? &j->t->seen->from[r->seen->from - 1] : NULL;
	tell(j->t, r);
}

static void tell_port(struct job *j, uint16_t port, const struct measure *m, enum check_outcome o,
		      void *ctx)
{
	struct check_record r = record_of(j);

	(void)ctx;
	if (is_many(j, m, o))
		return;
	r.port = port;
	r.outcome = o;
	tell_seen(j, &r, m);
}

/* Ports of one state and outcome, as they come. */
struct fold {
	enum port_state state;
	enum check_outcome outcome;
	const struct measure *first;
	struct port_span *spans;
	size_t n;
	uint32_t count;
};

static void fold_port(struct job *j, uint16_t port, const struct measure *m, enum check_outcome o,
		      void *ctx)
{
	struct fold *f = ctx;

	(void)j;
	if (o != f->outcome || (m ? m->state : STATE_NOT_PROBED) != f->state)
		return;
	if (!f->count++)
		f->first = m;
	port_spans_add(f->spans, &f->n, (struct port_span){port, port});
}

static void tell_fold(struct job *j, struct fold *f)
{
	struct check_record r = record_of(j);

	each_port(j, fold_port, f);
	r.count = f->count;
	r.spans = f->spans;
	r.n_spans = f->n;
	r.outcome = f->outcome;
	tell_seen(j, &r, f->first);
}

static void tell_folds(struct job *j)
{
	for (unsigned state = 0; state < PORT_STATES; state++) {
		for (unsigned o = 0; o < CHECK_OUTCOMES; o++) {
			struct fold f = {.state = (enum port_state)state,
					 .outcome = (enum check_outcome)o,
					 .spans = j->t->spans};

			if (j->counts[state][o] > RECORD_LIST_MAX)
				tell_fold(j, &f);
		}
	}
}

/* --- hosts ------------------------------------------------------------------------------------ */

static void tell_host(struct job *j)
{
	enum reset_style faces[2] = {STYLE_UNKNOWN, STYLE_UNKNOWN};
	struct check_record r = record_of(j);
	char why[80];
	struct text t = text_of(why, sizeof(why));

	r.style = STYLE_UNKNOWN;
	if (j->t->seen)
		r.style = seen_style(j->t->seen, j->at->host, faces);
	r.outcome = expect_judge_style(&j->line->expect, r.style);
	if (r.outcome == CHECK_UNDECIDED)
		r.why = j->t->why_not;
	if (faces[0] != faces[1]) {
		r.outcome = expect_judge_style(&j->line->expect, faces[0]);
		if (expect_judge_style(&j->line->expect, faces[1]) != r.outcome)
			r.outcome = CHECK_UNDECIDED;
		text_putf(&t, "first style %s, then %s: not the same twice", style_name(faces[0]),
			  style_name(faces[1]));
		r.why = why;
	}
	tell(j->t, &r);
}

/* Names that nobody could resolve: as many checks as one address would have had. */
static void tell_missing(struct audit_tell *t, const struct policy_line *l)
{
	const struct policy_group *g = &t->plan->policy->groups[l->group];
	static const struct plan_walk nowhere;
	struct job j = {.t = t, .line = l, .at = &nowhere};

	for (size_t i = 0; i < g->n_missing; i++) {
		struct check_record r = record_of(&j);

		r.addr = NULL;
		r.name = g->missing[i].name;
		r.why = g->missing[i].why;
		r.outcome = CHECK_UNDECIDED;
		if (l->scope != POLICY_HOST && ports_count(l->ports) == 1)
			r.port = ports_at(l->ports, 0);
		tell(t, &r);
	}
}

static void tell_line(struct audit_tell *t, const struct policy_line *l)
{
	struct plan_walk at = {0};
	struct job j = {.t = t, .line = l, .at = &at};

	if (!plan_in_force(t->plan, l)) {
		t->counts.expired += !policy_in_force(l, t->plan->today);
		return;
	}
	t->counts.lines++;
	while (plan_next_host(t->plan, l, &at)) {
		if (l->scope == POLICY_HOST) {
			tell_host(&j);
			continue;
		}
		memset(j.counts, 0, sizeof(j.counts));
		each_port(&j, count_port, NULL);
		each_port(&j, tell_port, NULL);
		tell_folds(&j);
	}
	tell_missing(t, l);
}

int audit_tell_all(struct audit_tell *t)
{
	t->counts = (struct audit_counts){.hosts = t->plan->space->hosts};
	t->spans = malloc(SPANS_MAX * sizeof(*t->spans));
	if (!t->spans)
		return -1;
	for (size_t i = 0; i < t->plan->policy->n_lines; i++)
		tell_line(t, &t->plan->policy->lines[i]);
	free(t->spans);
	t->spans = NULL;
	return 0;
}

uint64_t audit_checks(const struct policy *p, int32_t today, const struct space *space)
{
	struct plan plan;
	struct audit_tell t = {.plan = &plan};

	if (plan_make(&plan, p, today, space, NULL) < 0)
		return 0;
	audit_tell_all(&t);
	plan_free(&plan);
	return t.counts.checks;
}
