/*
 * tries: from a run that is begun to tries of a few ports: which source ports they need, and what
 * their end means for the exit status. Whose answer is whose is engine/repeat's to say.
 */
#include "config.h"

#include "cmd/tries.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/log.h"
#include "cmd/aims.h"
#include "cmd/dry.h"
#include "cmd/turns_sum.h"
#include "engine/repeat.h"
#include "report/host.h"
#include "wire/clock.h"
#include "wire/hold.h"

enum {
	REPLIES_EXPECTED = 1000, /* few: each frame at once, and out by the kernel's own way */
	FEWEST_TRIES = 8,	 /* that have source ports of their own, where few are free */
};

struct tries_job {
	struct run *run;
	struct aims aims;
	struct repeat_pair pairs[REPEAT_PAIRS_MAX];
	struct repeat_config c;
};

static void configure(struct tries_job *j)
{
	const struct scan_options *o = &j->run->o;

	for (size_t i = 0; i < j->aims.n; i++)
		j->pairs[i] = (struct repeat_pair){
		    .addr = j->aims.v[i].addr,
		    .name = j->aims.v[i].name,
		    .port = j->aims.v[i].port,
		    .path = j->aims.v[i].path,
		};
	j->c = (struct repeat_config){
	    .pairs = j->pairs,
	    .n_pairs = j->aims.n,
	    .kinds = o->kinds,
	    .n_kinds = o->n_kinds,
	    .wish = run_probe_wish(o),
	    .count = o->count,
	    .interval_ns = o->interval_ns,
	    .wait_ns = o->timeout_ns,
	    .sport_first = o->source_port,
	    .n_sports = o->source_port ? 1 : repeat_sports(o->n_kinds, o->count),
	    .wall_ns = clock_wall_of_mono,
	};
}

/* --- the run ---------------------------------------------------------------------------------- */

/* A new one for each try; where so many neighbours aren't free, they come round sooner. */
static int hold_sports(struct tries_job *j)
{
	struct run *r = j->run;
	struct repeat_config *c = &j->c;
	struct err e;

	for (;;) {
		r->hold = hold_ports(c->n_sports, r->o.source_port, &r->user, &e);
		if (r->hold || r->o.source_port || c->n_sports < FEWEST_TRIES * c->n_kinds)
			break;
		c->n_sports = repeat_sports(c->n_kinds, c->n_sports / c->n_kinds / 2);
	}
	if (r->hold)
		c->sport_first = hold_first(r->hold);
	else if (r->o.source_port)
		log_warn("%s; going on without holding the port", e.msg);
	else
		return run_fail(r, STATUS_CANNOT, &e);
	return 0;
}

static size_t widest(const struct tries_job *j)
{
	size_t width = 0;

	for (size_t i = 0; i < j->aims.n; i++) {
		char addr[ADDR_TEXT];
		int n =
		    snprintf(NULL, 0, "%s port %u",
			     host_addr(&j->run->info, &j->aims.v[i].addr, addr), j->aims.v[i].port);

		width = n > 0 && (size_t)n > width ? (size_t)n : width;
	}
	return width;
}

/* Phase 1: everything that needs privilege, or the invoking user's rights on files. */
static int open_all(struct tries_job *j)
{
	struct run_ports ports = {0};

	if (hold_sports(j) < 0)
		return -1;
	ports.first = j->c.sport_first;
	ports.n = j->c.n_sports;
	if (run_open_wire(j->run, &ports, REPLIES_EXPECTED) < 0 || run_open_pcap(j->run) < 0)
		return -1;
	j->run->info.tries_who = widest(j);
	return run_open_reports(j->run);
}

struct telling {
	const struct run *run;
	uint64_t began_ns;
};

/* The tries are their own progress: more is said only where it is asked for. */
static void tell_progress(void *ctx, uint64_t over, uint64_t of, bool asked)
{
	const struct telling *t = ctx;
	const struct record_sink *sink = &t->run->report->sink;
	char doing[64];
	struct progress p = {.doing = doing, .eta_s = -1};

	if (!sink->progress || (!asked && !t->run->o.stats_every_ns))
		return;
	snprintf(doing, sizeof(doing), "%llu of %llu tries", (unsigned long long)over,
		 (unsigned long long)of);
	p.elapsed_s = (double)(clock_mono_ns() - t->began_ns) / 1e9;
	sink->progress(sink->ctx, &p, asked);
}

static bool as_expected(const struct run *r, const struct summary_record *sum)
{
	for (int i = 0; i < PORT_STATES; i++)
		if (r->o.expect && sum->counts[i] && !(r->o.expect & UINT32_C(1) << i))
			return false;
	return true;
}

static void try_all(struct tries_job *j)
{
	struct run *r = j->run;
	const struct record_sink *sink = &r->report->sink;
	struct telling telling = {.run = r, .began_ns = clock_mono_ns()};
	struct turns_config tc = {
	    .deadline_ns = r->o.deadline_ns,
	    .evidence = r->pcap ? run_keep_evidence : NULL,
	    .evidence_ctx = r->pcap,
	};
	struct summary_record sum = {
	    .end = END_COMPLETE,
	    .complete = true,
	    .hosts_total = r->ask.space.hosts,
	    .indices = r->ask.space.total,
	    .unroutable = j->aims.unroutable,
	};
	struct turns_stats stats;
	struct err e;

	randombytes_buf(&tc.seed, sizeof(tc.seed)); /* the run's own is printed */
	j->c.progress = tell_progress;
	j->c.progress_ctx = &telling;
	if (repeat_run(&j->c, &tc, r->wire, sink, &sum, &stats, &e) < 0) {
		run_fail(r, STATUS_CANNOT, &e);
		return;
	}
	turns_add_up(&sum, &stats);
	if (sink->summary)
		sink->summary(sink->ctx, &sum);
	if (!sum.complete)
		r->status = cmd_worse(r->status, STATUS_INCOMPLETE);
	if (!as_expected(r, &sum))
		r->status = cmd_worse(r->status, STATUS_UNEXPECTED);
}

/* --- the dry run ------------------------------------------------------------------------------ */

/* Each port once: the tries differ by nothing but source port and numbers. */
static void dry_run(struct tries_job *j)
{
	static const struct record_sink nobody;
	struct run *r = j->run;
	const struct turns_config tc = {.seed = r->seed};
	struct summary_record sum = {0};
	struct turns_stats stats;
	struct dry_wire dry;
	struct err e;

	if (!r->o.source_port)
		j->c.sport_first = DRY_SPORT;
	j->c.count = 1;
	dry_init(&dry, stdout, r->paths, r->n_paths);
	if (repeat_run(&j->c, &tc, &dry.wire, &nobody, &sum, &stats, &e) < 0)
		run_fail(r, STATUS_CANNOT, &e);
	else if (r->o.count > 1)
		fprintf(dry.out, "# and so %llu times, each from another source port\n",
			(unsigned long long)r->o.count);
	run_end_dry(r);
}

void tries_run(struct run *r)
{
	struct tries_job j = {.run = r};

	if (aims_list(&j.aims, r, REPEAT_PAIRS_MAX, false) == 0) {
		configure(&j);
		if (r->o.dry_run)
			dry_run(&j);
		else if (open_all(&j) == 0 && run_drop_privilege(r) == 0)
			try_all(&j);
	}
	aims_free(&j.aims);
}
