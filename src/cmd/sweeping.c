/*
 * sweeping: what the words of scan and audit mean for a sweep. It sends nothing.
 */
#include "cmd/sweeping.h"

#include <math.h>
#include <string.h>

#include <sodium.h>

#include "base/log.h"
#include "cmd/dry.h"
#include "wire/hold.h"

enum {
	FEW_PROBES = 2000,	   /* for which sender threads aren't worth it, */
	RATE_FOR_THREADS = 100000, /* nor below so many a second */
};

/* Sender threads: few probes, or slow ones, leave at a more exact time without them, and evidence
 * in its order. */
static unsigned threads_for(const struct scan_options *o, uint64_t probes)
{
	bool slow = o->rate > 0 && o->rate < RATE_FOR_THREADS;

	return probes <= FEW_PROBES || slow || o->write_pcap || o->dry_run ? 1 : o->threads;
}

void sweeping_configure(const struct run *r, struct sweep_config *c)
{
	const struct scan_options *o = &r->o;

	*c = (struct sweep_config){
	    .space = &r->ask.space,
	    .kinds = o->kinds,
	    .n_kinds = o->n_kinds,
	    .seed = r->seed,
	    .in_order = o->in_order,
	    .sport_fixed = o->source_port != 0,
	    .sport_first = o->source_port,
	    .rate = o->rate,
	    .retries = o->retries,
	    .rto_max_ns = o->timeout_ns,
	    .deadline_ns = o->deadline_ns,
	    .lanes = threads_for(o, r->ask.space.total * o->n_kinds),
	    .enumerate_silent = r->info.per_host,
	};
	c->wish = run_probe_wish(o);
	randombytes_buf(c->key, sizeof(c->key));
}

void sweeping_make_dry(const struct run *r, struct sweep_config *c)
{
	memset(c->key, 0, sizeof(c->key));
	memcpy(c->key, &r->seed, sizeof(r->seed));
	c->sport_first = r->o.source_port ? r->o.source_port : DRY_SPORT;
	c->retries = 0;
	c->rate = INFINITY;
	c->rto_max_ns = 1;
	c->enumerate_silent = false;
}

static int hold(struct run *r, struct sweep_config *c, unsigned n)
{
	struct err e;

	r->hold = hold_ports(n, r->o.source_port, &r->user, &e);
	if (r->hold)
		c->sport_first = hold_first(r->hold);
	else if (!c->sport_fixed)
		return run_fail(r, STATUS_CANNOT, &e);
	else
		log_warn("%s; going on without holding the port", e.msg);
	return 0;
}

int sweeping_open(struct run *r, struct sweep_config *c, struct run_ports *ports,
		  uint64_t expected_replies)
{
	ports->lanes = c->lanes > 1 ? c->lanes + 1 : 1;
	if (hold(r, c, ports->n) < 0)
		return -1;
	ports->first = c->sport_first;
	if (run_open_wire(r, ports, expected_replies) < 0 || run_open_pcap(r) < 0)
		return -1;
	if (r->pcap) {
		c->evidence = run_keep_evidence;
		c->evidence_ctx = r->pcap;
	}
	return run_open_reports(r);
}
