/*
 * scan: from a run that is begun to a sweep: which ports it needs, what it is told, what its end
 * means for the exit status. It decides nothing about packets.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <sodium.h>

#include "base/log.h"
#include "cmd/dry.h"
#include "cmd/run.h"
#include "cmd/scan_table.h"
#include "engine/sweep.h"
#include "wire/hold.h"

static void configure(struct run *r, struct sweep_config *c)
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
	    .enumerate_silent = r->info.per_host,
	};
	c->wish = (struct probe_wish){
	    .has_seq = o->has_seq,
	    .has_ack = o->has_ack,
	    .has_win = o->has_win,
	    .seq = o->seq,
	    .ack = o->ack,
	    .win = o->win,
	    .ttl = o->ttl,
	    .data = o->has_data ? o->data : NULL,
	    .data_len = o->data_len,
	    .layout = o->syn_layout,
	};
	randombytes_buf(c->key, sizeof(c->key));
}

static int hold_sports(struct run *r, struct sweep_config *c)
{
	struct err e;

	r->hold =
	    hold_ports(sweep_sports(c->n_kinds, c->retries, c->sport_fixed), r->o.source_port, &e);
	if (r->hold) {
		c->sport_first = hold_first(r->hold);
		return 0;
	}
	if (!c->sport_fixed)
		return run_fail(r, STATUS_CANNOT, &e);
	log_warn("%s; going on without holding the port", e.msg);
	return 0;
}

/* Phase 1: everything that needs privilege, or the invoking user's rights on files. */
static int open_all(struct run *r, struct sweep_config *c)
{
	struct run_ports ports = {.n = sweep_sports(c->n_kinds, c->retries, c->sport_fixed)};

	if (hold_sports(r, c) < 0)
		return -1;
	ports.first = c->sport_first;
	if (run_open_wire(r, &ports, r->ask.space.total * c->n_kinds) < 0 || run_open_pcap(r) < 0)
		return -1;
	if (r->pcap) {
		c->evidence = run_keep_evidence;
		c->evidence_ctx = r->pcap;
	}
	return run_open_reports(r);
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

static void run(struct run *r)
{
	struct summary_record sum;
	struct sweep_config c;
	struct err e;

	configure(r, &c);
	if (open_all(r, &c) < 0)
		return;
	if (run_drop_privilege(r) < 0)
		return;
	if (sweep_run(&c, r->wire, &r->report->sink, &sum, &e) < 0) {
		run_fail(r, STATUS_CANNOT, &e);
		return;
	}
	if (!sum.complete)
		r->status = cmd_worse(r->status, STATUS_INCOMPLETE);
	if (!as_expected(r, &sum))
		r->status = cmd_worse(r->status, STATUS_UNEXPECTED);
}

static void dry_run(struct run *r)
{
	static const struct record_sink nobody;
	struct summary_record sum;
	struct sweep_config c;
	struct dry_wire dry;
	struct err e;

	configure(r, &c);
	memset(c.key, 0, sizeof(c.key));
	memcpy(c.key, &r->seed, sizeof(r->seed));
	c.sport_first = r->o.source_port ? r->o.source_port : 40000;
	c.retries = 0;
	c.rate = INFINITY;
	c.rto_max_ns = 1;
	c.enumerate_silent = false;
	dry_init(&dry, stdout, r->paths, r->n_paths);
	if (sweep_run(&c, &dry.wire, &nobody, &sum, &e) < 0)
		run_fail(r, STATUS_CANNOT, &e);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_sys(&e, errno, "cannot write the segments");
		run_fail(r, STATUS_INCOMPLETE, &e);
	}
}

int cmd_scan(const struct cmd_line *l)
{
	struct run r;

	if (run_begin(&r, l, &scan_table) < 0)
		return run_end(&r);
	if (r.o.dry_run)
		dry_run(&r);
	else
		run(&r);
	return run_end(&r);
}
