/*
 * audit: from policies to checks: what is read, opened and asked, and what the outcome means for
 * the exit status. The probing is engine/audit's, the language engine/policy's.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/day.h"
#include "base/log.h"
#include "cmd/audit_record.h"
#include "cmd/dry.h"
#include "cmd/policies.h"
#include "cmd/run.h"
#include "cmd/scan_table.h"
#include "cmd/sweeping.h"
#include "engine/audit.h"
#include "wire/clock.h"

struct audit_job {
	struct policy policy;
	int32_t today;
};

/* --- what is asked ---------------------------------------------------------------------------- */

/* A policy is shared: -4 and -6 leave out the other family, and don't call it wrong. */
static void keep_family(struct targets *t, int family)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!family || t->v[i].first.family == family)
			t->v[n++] = t->v[i];
	t->n = n;
}

static int make_targets(struct run *r, struct audit_job *j)
{
	struct err e;

	if (audit_targets(&j->policy, j->today, &r->ask.targets, &e) < 0) {
		r->ask.status = STATUS_CANNOT;
		return run_fail(r, STATUS_CANNOT, &e);
	}
	keep_family(&r->ask.targets, r->o.family);
	if (!r->ask.targets.n) {
		err_set(&e,
			"%s: nothing is left to check: no line is in force, or no name of its "
			"groups could be resolved%s",
			r->o.targets[0], r->o.family ? ", or all is of the other family" : "");
		return run_fail(r, cmd_worse(r->ask.status, STATUS_USAGE), &e);
	}
	if (ask_settle(&r->ask) < 0)
		return -1;
	if (r->ask.space.total > AUDIT_PORTS_MAX) {
		err_set(&e,
			"%s: %llu ports in all; at most %d can be audited at once: narrow an "
			"`else` line or a group",
			r->o.targets[0], (unsigned long long)r->ask.space.total, AUDIT_PORTS_MAX);
		return run_fail(r, STATUS_USAGE, &e);
	}
	if (audit_checks_at_most(&j->policy, j->today) > AUDIT_CHECKS_MAX) {
		err_set(&e,
			"%s: more than %d checks; narrow an `else` line or a group, or name less "
			"often the same ports",
			r->o.targets[0], AUDIT_CHECKS_MAX);
		return run_fail(r, STATUS_USAGE, &e);
	}
	return 0;
}

static void say_on_stdout(void *ctx, const char *text)
{
	(void)ctx;
	printf("%s\n", text);
}

/* --check: what would be asked. */
static void put_check(const struct run *r, const struct audit_job *j)
{
	const struct policy *p = &j->policy;
	uint64_t checks = audit_checks(p, j->today, &r->ask.space);
	unsigned long long hosts = r->ask.space.hosts, ports = r->ask.space.total;

	policies_tell_dates(p, j->today, true, say_on_stdout, NULL);
	printf("%s%s: %zu line%s, %zu group%s: %llu checks of %llu host%s, %llu port%s to probe\n",
	       p->files[0], p->n_files > 1 ? " and others" : "", p->n_lines,
	       p->n_lines == 1 ? "" : "s", p->n_groups, p->n_groups == 1 ? "" : "s",
	       (unsigned long long)checks, hosts, hosts == 1 ? "" : "s", ports,
	       ports == 1 ? "" : "s");
}

static int make(struct run *r, void *ctx)
{
	struct audit_job *j = ctx;

	j->today = day_of_ns(clock_wall_ns());
	if (r->o.n_record) {
		r->o.out.own = audit_record_new;
		return audit_record_ask(r);
	}
	if (policies_read(&j->policy, &r->ask) < 0 || make_targets(r, j) < 0)
		return -1;
	if (!r->o.check_only)
		return 0;
	put_check(r, j);
	return -1;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void configure(struct run *r, struct audit_job *j, struct audit_config *c)
{
	*c = (struct audit_config){
	    .policy = &j->policy,
	    .today = j->today,
	    .space = &r->ask.space,
	    .retry_failed = r->o.retry_failed,
	};
	sweeping_configure(r, &c->sweep);
	c->sweep.enumerate_silent = true;
	c->sweep.want_closed = true;
}

static void note(void *ctx, const char *text)
{
	const struct run *r = ctx;
	const struct record_sink *to = &r->report->sink;

	if (to->note)
		to->note(to->ctx, text);
}

/* Text tells by itself which lines end soon. */
static bool writes_text(const struct run *r)
{
	for (size_t i = 0; i < r->o.out.n; i++)
		if (r->o.out.v[i].format == FORMAT_TEXT)
			return true;
	return false;
}

static void run(struct run *r, struct audit_job *j)
{
	struct summary_record sum = {0};
	struct audit_counts counts;
	struct run_ports ports = {0};
	struct audit_config c;
	struct err e;

	configure(r, j, &c);
	ports.n = audit_sports(&c);
	r->info.files = r->o.targets;
	r->info.n_files = r->o.n_targets;
	if (sweeping_open(r, &c.sweep, &ports, 2 * r->ask.space.total) < 0 ||
	    run_drop_privilege(r) < 0)
		return;
	policies_tell_dates(&j->policy, j->today, !writes_text(r), note, r);
	if (audit_run(&c, r->wire, &r->report->sink, &counts, &sum, &e) < 0) {
		run_fail(r, STATUS_CANNOT, &e);
		return;
	}
	if (!sum.complete || counts.outcomes[CHECK_UNDECIDED])
		r->status = cmd_worse(r->status, STATUS_INCOMPLETE);
	if (counts.outcomes[CHECK_FAILED])
		r->status = cmd_worse(r->status, STATUS_UNEXPECTED);
}

/* The segments of the first sweep: what follows depends on the answers. */
static void dry_run(struct run *r, struct audit_job *j)
{
	static const struct record_sink nobody;
	struct summary_record sum = {0};
	struct audit_config c;
	struct dry_wire dry;
	struct err e;

	configure(r, j, &c);
	sweeping_make_dry(r, &c.sweep);
	dry_init(&dry, stdout, r->paths, r->n_paths);
	if (sweep_run(&c.sweep, &dry.wire, &nobody, &sum, &e) < 0)
		run_fail(r, STATUS_CANNOT, &e);
	run_end_dry(r);
}

int cmd_audit(const struct cmd_line *l)
{
	struct audit_job j = {.today = 0};
	struct run r;

	policy_init(&j.policy);
	if (run_begin_by(&r, l, &audit_table, make, &j) == 0) {
		if (r.o.n_record)
			audit_record_run(&r);
		else if (r.o.dry_run)
			dry_run(&r, &j);
		else
			run(&r, &j);
	}
	run_end(&r);
	policy_free(&j.policy);
	return r.status;
}
