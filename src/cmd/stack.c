/*
 * stack: one question to a few hosts: how does this TCP reset? From targets to a list of hosts with
 * the ports that may be open there; the battery is stack_run's. It decides the exit status.
 */
#include <stdlib.h>

#include "base/array.h"
#include "cmd/likely.h"
#include "cmd/scan_table.h"
#include "cmd/stack_run.h"
#include "wire/hold.h"

/* Ports in order, for all hosts that share the set. */
struct candidates {
	const struct ports *set;
	uint16_t *v;
	size_t n;
};

struct stack {
	struct run run;
	struct stack_host *hosts;
	size_t n_hosts;
	struct candidates *lists;
	size_t n_lists;
	uint64_t unroutable;
};

/* --- whom to ask ------------------------------------------------------------------------------ */

static const struct candidates *list_of(struct stack *s, const struct ports *set)
{
	struct candidates *grown, *c;

	for (size_t i = s->n_lists; i > 0; i--)
		if (s->lists[i - 1].set == set)
			return &s->lists[i - 1];
	grown = realloc(s->lists, (s->n_lists + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	s->lists = grown;
	c = &s->lists[s->n_lists];
	*c = (struct candidates){.set = set};
	c->v = likely_ports(set, s->run.o.ports, &c->n);
	if (!c->v)
		return NULL;
	s->n_lists++;
	return c;
}

static int add_hosts(struct stack *s, const struct span *span)
{
	const struct candidates *c = list_of(s, span->ports);
	struct err e;

	if (!c) {
		err_set(&e, "out of memory");
		return run_fail(&s->run, STATUS_CANNOT, &e);
	}
	if (c->n > STACK_CANDIDATES_MAX) {
		err_set(&e,
			"-p: %zu ports for one host: stack asks for one after the other, at most "
			"%d; find open ones by scan, or use scan --stack",
			c->n, STACK_CANDIDATES_MAX);
		return run_fail(&s->run, STATUS_USAGE, &e);
	}
	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i])
			continue;
		err_set(&e, "-p: port 0: no connection can be made to it; leave it out with !0");
		return run_fail(&s->run, STATUS_USAGE, &e);
	}
	for (uint64_t i = 0; i < span->count; i++)
		s->hosts[s->n_hosts++] = (struct stack_host){
		    .addr = addr_add(span->first, i),
		    .name = span->name,
		    .path = span->path,
		    .candidates = c->v,
		    .n_candidates = c->n,
		};
	return 0;
}

static int list_hosts(struct stack *s)
{
	const struct space *space = &s->run.ask.space;
	struct err e;

	if (space->hosts > STACK_HOSTS_MAX) {
		err_set(&e, "%llu addresses: stack asks at most %d at a time",
			(unsigned long long)space->hosts, STACK_HOSTS_MAX);
		return run_fail(&s->run, STATUS_USAGE, &e);
	}
	s->hosts = array_zeroed(space->hosts + 1, sizeof(*s->hosts));
	if (!s->hosts) {
		err_set(&e, "out of memory for %llu hosts", (unsigned long long)space->hosts);
		return run_fail(&s->run, STATUS_CANNOT, &e);
	}
	for (size_t i = 0; i < space->n; i++) {
		if (space->spans[i].path == PATH_NONE)
			s->unroutable += space->spans[i].count;
		else if (add_hosts(s, &space->spans[i]) < 0)
			return -1;
	}
	return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

static struct stack_job job_of(const struct stack *s)
{
	return (struct stack_job){
	    .hosts = s->hosts,
	    .n = s->n_hosts,
	    .rate = s->run.o.rate,
	    .deadline_ns = s->run.o.deadline_ns,
	};
}

/* Phase 1: everything that needs privilege, or the invoking user's rights on files. */
static int open_all(struct run *r, struct stack_job *j)
{
	struct run_ports ports = {.n = stack_sports(), .n_quiet = SCRIPT_QUIET};
	struct err e;

	r->hold = hold_ports(ports.n, 0, &r->user, &e);
	if (!r->hold)
		return run_fail(r, STATUS_CANNOT, &e);
	ports.first = j->sport_first = hold_first(r->hold);
	ports.conns = j->n < STACK_CONNS / 8 ? 8 * j->n : STACK_CONNS;
	if (run_open_wire(r, &ports, j->n * BATTERY_MAX) < 0 || run_open_pcap(r) < 0 ||
	    run_open_reports(r) < 0)
		return -1;
	j->sink = &r->report->sink;
	return 0;
}

static void run(struct stack *s)
{
	struct summary_record sum = {.end = END_COMPLETE,
				     .complete = true,
				     .hosts_total = s->run.ask.space.hosts,
				     .indices = s->n_hosts,
				     .unroutable = s->unroutable,
				     .loss_estimate = -1};
	struct stack_job j = job_of(s);
	struct run *r = &s->run;
	struct err e;

	if (open_all(r, &j) < 0 || run_drop_privilege(r) < 0)
		return;
	if (stack_run(r, &j, &sum, &sum.hosts_up, &e) < 0) {
		run_fail(r, STATUS_CANNOT, &e);
		return;
	}
	if (j.sink->summary)
		j.sink->summary(j.sink->ctx, &sum);
	if (!sum.complete)
		r->status = cmd_worse(r->status, STATUS_INCOMPLETE);
}

static void dry_run(struct stack *s)
{
	struct stack_job j = job_of(s);
	struct err e;

	if (stack_dry_run(&s->run, &j, &e) < 0)
		run_fail(&s->run, STATUS_CANNOT, &e);
	run_end_dry(&s->run);
}

int cmd_stack(const struct cmd_line *l)
{
	struct stack s = {0};

	if (run_begin(&s.run, l, &stack_table) == 0 && list_hosts(&s) == 0) {
		s.run.info.stack = true;
		if (s.run.o.dry_run)
			dry_run(&s);
		else
			run(&s);
	}
	for (size_t i = 0; i < s.n_lists; i++)
		free(s.lists[i].v);
	free(s.lists);
	free(s.hosts);
	return run_end(&s.run);
}
