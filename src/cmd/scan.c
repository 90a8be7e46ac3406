/*
 * scan: from a run that is begun to a sweep: which ports it needs, what it is told, what its end
 * means for the exit status. It decides nothing about packets.
 */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "cmd/covers.h"
#include "cmd/dry.h"
#include "cmd/gather.h"
#include "cmd/likely.h"
#include "cmd/resolve.h"
#include "cmd/resume.h"
#include "cmd/run.h"
#include "cmd/scan_table.h"
#include "cmd/sweeping.h"
#include "cmd/tries.h"
#include "engine/sweep.h"

enum {
	FEW_PORTS = 20,	  /* these many at once are polite by themselves */
	MANY_PORTS = 256, /* who asks for more than the common ones doesn't want to wait for them */
	POLITE_ONE = 19,  /* probes/s to one host, evenly, */
	POLITE_EACH = 10, /* and on average to one of several, whose turns come by chance */
	REST_NS = 1000000000,
	MANY_HOSTS = 32, /* of more, those that keep silent are given up */
};

/* --stack promises at most 20 probes a second that may draw a reset, to each host: for the scan
 * before it too, where that takes seconds. 0: as fast as it goes. */
static double polite_rate(const struct space *sp)
{
	uint64_t ports = sp->hosts ? sp->total / sp->hosts : 0;

	if (ports <= FEW_PORTS || ports > MANY_PORTS)
		return 0;
	return sp->hosts == 1 ? POLITE_ONE : POLITE_EACH * (double)sp->hosts;
}

/* Does anybody want to know which ports are closed? */
static bool wants_closed(const struct scan_options *o)
{
	return o->show & 1U << STATE_CLOSED || o->expect || o->stack;
}

static void configure(struct run *r, const struct resume *resume, struct sweep_config *c)
{
	const struct scan_options *o = &r->o;

	sweeping_configure(r, c);
	c->rate_limit = o->stack ? polite_rate(&r->ask.space) : 0;
	c->known = resume ? resume_known(resume) : NULL;
	c->skip_dead = !o->no_skip_dead && r->ask.space.hosts > MANY_HOSTS;
	c->likely = likely_commonest;
	c->last_use = !o->stack;
	c->want_closed = wants_closed(o);
	if (o->shards > 1)
		sweep_shard(r->ask.space.total, o->shard, o->shards, &c->first_place,
			    &c->end_place);
}

static int open_all(struct run *r, struct sweep_config *c)
{
	uint64_t end = c->end_place ? c->end_place : r->ask.space.total;
	struct run_ports ports = {.n = sweep_sports(c->n_kinds, c->retries, c->sport_fixed)};

	if (r->o.stack) { /* the ports of the battery are behind those of the sweep */
		ports.n += stack_sports();
		ports.n_quiet = SCRIPT_QUIET;
		ports.conns = STACK_CONNS;
	}
	return sweeping_open(r, c, &ports, (end - c->first_place) * c->n_kinds);
}

/* The records of the run before go first; then a file of the same name may be replaced. */
static int carry(struct run *r, struct resume *resume)
{
	const struct record_sink *to = &r->report->sink;
	char line[256];
	struct err e;

	if (!resume)
		return 0;
	if (resume_carry(resume, r->report, &e) < 0)
		return run_fail(r, STATUS_USAGE, &e);
	if (reporting_take_place(&r->out, &e) < 0)
		return run_fail(r, STATUS_INCOMPLETE, &e);
	resume_say(resume, line, sizeof(line));
	to->note(to->ctx, line);
	return 0;
}

/* Were all ports in one of the expected states? What has no record was silent. */
static bool as_expected(const struct run *r, const struct summary_record *sum)
{
	enum port_state silent = STATE_OPEN_FILTERED;

	if (!r->o.expect)
		return true;
	for (size_t i = 0; i < r->o.n_kinds; i++) {
		enum probe_class cls = probe_class_of(r->o.kinds[i]->flags);

		if (cls == PROBE_SYN || cls == PROBE_ACK)
			silent = STATE_FILTERED;
	}
	if (sum->silent && !(r->o.expect & 1U << silent))
		return false;
	for (int i = 0; i < PORT_STATES; i++)
		if (sum->counts[i] && !(r->o.expect & 1U << i))
			return false;
	return true;
}

/* --- the battery behind the sweep ------------------------------------------------------------- */

/* What is left of --deadline; false where nothing is. */
static bool time_left(const struct run *r, const struct summary_record *sum, uint64_t *ns)
{
	uint64_t spent = (uint64_t)(sum->elapsed_s * 1e9);

	*ns = r->o.deadline_ns > spent ? r->o.deadline_ns - spent : 0;
	return !r->o.deadline_ns || *ns;
}

static int ask_stacks(struct run *r, const struct sweep_config *c, struct gather *g,
		      struct summary_record *sum)
{
	struct stack_job j = {
	    .sport_first =
		(uint16_t)(c->sport_first + sweep_sports(c->n_kinds, c->retries, c->sport_fixed)),
	    .sink = &r->report->sink,
	    .rest_ns = REST_NS,
	};
	struct stack_host *hosts;
	uint64_t n_up;
	bool truncated;
	struct err e;
	int rc;

	if (sum->end == END_INTERRUPTED || sum->end == END_DEADLINE || sum->end == END_CAPTURE ||
	    !time_left(r, sum, &j.deadline_ns))
		return 0;
	hosts = gather_hosts(g, &j.n, &truncated);
	if (!hosts) {
		err_set(&e, "out of memory for the hosts that answered");
		return run_fail(r, STATUS_CANNOT, &e);
	}
	if (truncated)
		log_warn("more than %d hosts answered: --stack asks the first of them only",
			 STACK_HOSTS_MAX);
	j.hosts = hosts;
	rc = j.n ? stack_run(r, &j, sum, &n_up, &e) : 0;
	free(hosts);
	return rc < 0 ? run_fail(r, STATUS_CANNOT, &e) : 0;
}

static int sweep_and_stacks(struct run *r, const struct sweep_config *c, struct summary_record *sum)
{
	const struct record_sink *to = &r->report->sink;
	struct gather g;
	struct err e;
	int rc;

	gather_init(&g, to, &r->ask.space);
	rc = sweep_run(c, r->wire, &g.sink, sum, &e);
	if (rc < 0)
		run_fail(r, STATUS_CANNOT, &e);
	else
		rc = ask_stacks(r, c, &g, sum);
	if (rc == 0 && to->summary)
		to->summary(to->ctx, sum);
	gather_free(&g);
	return rc;
}

static int sweep_rest(struct run *r, const struct sweep_config *c, struct resume *resume,
		      struct summary_record *sum)
{
	const struct record_sink *to = &r->report->sink;
	struct err e;

	if (sweep_run(c, r->wire, resume_watch(resume, to), sum, &e) < 0)
		return run_fail(r, STATUS_CANNOT, &e);
	resume_add(resume, sum);
	to->summary(to->ctx, sum);
	return 0;
}

static int sweep_alone(struct run *r, const struct sweep_config *c, struct summary_record *sum)
{
	struct err e;

	if (sweep_run(c, r->wire, &r->report->sink, sum, &e) < 0)
		return run_fail(r, STATUS_CANNOT, &e);
	return 0;
}

static int sweep(struct run *r, const struct sweep_config *c, struct resume *resume,
		 struct summary_record *sum)
{
	if (resume)
		return sweep_rest(r, c, resume, sum);
	return (r->o.stack ? sweep_and_stacks : sweep_alone)(r, c, sum);
}

static void run(struct run *r, struct resume *resume)
{
	struct summary_record sum = {0};
	struct sweep_config c;

	configure(r, resume, &c);
	if (open_all(r, &c) < 0 || carry(r, resume) < 0 || run_drop_privilege(r) < 0)
		return;
	if (sweep(r, &c, resume, &sum) < 0)
		return;
	if (!sum.complete)
		r->status = cmd_worse(r->status, STATUS_INCOMPLETE);
	if (!as_expected(r, &sum))
		r->status = cmd_worse(r->status, STATUS_UNEXPECTED);
}

static void dry_run(struct run *r, const struct resume *resume)
{
	static const struct record_sink nobody;
	struct summary_record sum = {0};
	struct sweep_config c;
	struct dry_wire dry;
	struct err e;

	configure(r, resume, &c);
	sweeping_make_dry(r, &c);
	dry_init(&dry, stdout, r->paths, r->n_paths);
	if (sweep_run(&c, &dry.wire, &nobody, &sum, &e) < 0)
		run_fail(r, STATUS_CANNOT, &e);
	run_end_dry(r);
}

/* What the run record says of the scan, and what the file of --resume says of its ports. */
static int identify(struct run *r, struct resume *resume, struct covers *covers)
{
	struct resume_scan scan = {
	    .space = &r->ask.space,
	    .seed = r->seed,
	    .in_order = r->o.in_order,
	    .kinds = r->o.kinds,
	    .n_kinds = r->o.n_kinds,
	    .digest = r->info.space,
	    .zone = resolve_zone,
	    .zone_name = resolve_zone_name,
	};
	struct err e;

	resume_digest(&r->ask.space, r->seed, r->o.in_order, r->info.space);
	if (!covers_make(covers, &r->ask.space)) {
		err_set(&e, "out of memory for %zu spans of addresses", r->ask.space.n);
		return run_fail(r, STATUS_CANNOT, &e);
	}
	r->info.covers = covers->v;
	r->info.n_covers = covers->n;
	r->info.covers_truncated = covers->truncated;
	r->info.resumed = r->o.resume;
	r->info.shard = r->o.shard;
	r->info.shards = r->o.shards;
	if (resume && resume_read(resume, &scan, &e) < 0)
		return run_fail(r, STATUS_USAGE, &e);
	return 0;
}

int cmd_scan(const struct cmd_line *l)
{
	struct resume *resume;
	struct cmd_line line;
	struct run r = {.line = l};
	struct covers covers = {0};
	struct err e;
	int status;

	if (resume_begin(&resume, l, &line, &e) < 0) {
		run_fail(&r, STATUS_USAGE, &e);
		resume_free(resume);
		return r.status;
	}
	if (run_begin(&r, &line, &scan_table) == 0) {
		if (r.o.count)
			tries_run(&r);
		else if (identify(&r, resume, &covers) < 0)
			;
		else if (r.o.dry_run)
			dry_run(&r, resume);
		else
			run(&r, resume);
	}
	status = run_end(&r);
	resume_free(resume);
	covers_free(&covers);
	return status;
}
