/*
 * trace: walks to each (address, port), one after the other, and tells what they come to. It
 * decides the exit status; what a walk asks is engine/walk's, and what it means judge/trace's.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/dry.h"
#include "cmd/hop_lines.h"
#include "cmd/resolve.h"
#include "cmd/scan_table.h"
#include "cmd/turns_sum.h"
#include "engine/walk.h"
#include "wire/hold.h"

enum {
	AIMS_MAX = 64,
	REPLIES_EXPECTED = 1000, /* few: each frame at once, and out by the kernel's own way */
};

struct trace {
	struct run run;
	struct aims aims;
	struct names *names; /* NULL: -n */
	struct trace_walk *walks;
	struct turns_sum sum;
	uint16_t sport_first;
	bool unexpected;
};

static bool goes_inside(const struct scan_options *o)
{
	return o->kinds[0] == probe_find("data");
}

static unsigned sports(const struct scan_options *o)
{
	return o->flows + WALK_PORTS_BESIDE;
}

static struct walk_config config_of(const struct trace *t, const struct aim *aim)
{
	const struct scan_options *o = &t->run.o;

	return (struct walk_config){
	    .dst = aim->addr,
	    .path = aim->path,
	    .dport = aim->port,
	    .sport_first = t->sport_first,
	    .probe = o->kinds[0],
	    .data = o->has_data ? o->data : NULL,
	    .data_len = o->data_len,
	    .syn_layout = o->syn_layout,
	    .flows = o->flows,
	    .first_ttl = o->first_ttl,
	    .max_ttl = o->max_ttl,
	    .tries = o->retries < 0 ? 0 : (unsigned)o->retries + 1,
	    .timeout_ns = o->timeout_ns,
	    .inside = goes_inside(o),
	};
}

/* --- one after the other ---------------------------------------------------------------------- */

/* One (address, port) while its walks go on. */
struct leg {
	struct trace *t;
	struct hop_lines lines;
};

static void on_hop(void *ctx, const struct trace_walk *w, const struct trace_hop *h)
{
	struct leg *leg = ctx;

	hop_lines_add(&leg->lines, w, h);
	hop_lines_tell(&leg->lines);
}

static void on_progress(void *ctx, uint64_t sent, bool asked)
{
	struct leg *leg = ctx;

	hop_lines_tell(&leg->lines);
	turns_sum_progress(&leg->t->sum, "walking", sent, 0, asked);
}

static void tell_verdict(struct trace *t, const struct aim *aim, const struct trace_facts *f)
{
	const struct record_sink *sink = &t->run.report->sink;
	char name[NAME_TEXT];
	struct trace_verdict v, flows[TRACE_FLOWS_MAX];
	struct trace_record r = {
	    .addr = &aim->addr, .name = aim->name, .facts = f, .verdict = &v, .flows = flows};

	trace_judge(f, &v);
	for (unsigned i = 0; i < f->flows; i++)
		trace_judge_flow(f, i, &flows[i]);
	if (v.has_by && t->names && names_get(t->names, &v.by, name) == NAME_KNOWN)
		r.by_name = name;
	if (sink->trace)
		sink->trace(sink->ctx, &r);
	if (t->run.o.expect && !(t->run.o.expect & UINT32_C(1) << v.end))
		t->unexpected = true;
}

/* Did anything come back, from the target or on the way? */
static bool heard_anything(const struct trace_facts *f)
{
	for (size_t i = 0; i < f->n_walks; i++)
		if (trace_reply_ttl(&f->walks[i]))
			return true;
	return false;
}

static int walk_one(struct trace *t, const struct aim *aim)
{
	struct run *r = &t->run;
	struct trace_facts facts = {.walks = t->walks};
	struct leg leg = {
	    .t = t,
	    .lines = {.sink = &r->report->sink, .aim = aim, .facts = &facts, .names = t->names}};
	struct walk_config c = config_of(t, aim);
	struct turns_config tc = turns_sum_config(&t->sum);
	struct turns_stats stats;
	struct err e;

	memset(t->walks, 0, TRACE_WALKS_MAX * sizeof(*t->walks));
	tc.frames_only = c.inside;
	c.hop = on_hop;
	c.progress = on_progress;
	c.hop_ctx = c.progress_ctx = &leg;
	if (walk_run(&c, &tc, r->wire, &facts, &stats, &e) < 0)
		return run_fail(r, STATUS_CANNOT, &e);
	hop_lines_end(&leg.lines);
	tell_verdict(t, aim, &facts);
	turns_sum_add(&t->sum, &stats, heard_anything(&facts));
	return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

/* Phase 1: everything that needs privilege, or the invoking user's rights on files. */
static int open_all(struct trace *t)
{
	struct run *r = &t->run;
	struct run_ports ports = {.n = sports(&r->o)};
	struct err e;

	r->hold = hold_ports(ports.n, r->o.source_port, &r->user, &e);
	if (!r->hold)
		return run_fail(r, STATUS_CANNOT, &e);
	ports.first = t->sport_first = hold_first(r->hold);
	ports.conns = goes_inside(&r->o) ? WALK_PORTS_BESIDE : 0;
	ports.both_ways = goes_inside(&r->o); /* the kernel's own segments */
	if (run_open_wire(r, &ports, REPLIES_EXPECTED) < 0 || run_open_pcap(r) < 0)
		return -1;
	return run_open_reports(r);
}

static void run(struct trace *t)
{
	struct run *r = &t->run;

	/* before there is anything that its process must not hold; where there is none, no names */
	t->names = r->o.numeric ? NULL : resolve_names();
	if (open_all(t) < 0 || run_drop_privilege(r) < 0)
		return;
	turns_sum_begin(&t->sum, r, &t->aims);
	while (turns_sum_goes_on(&t->sum))
		if (walk_one(t, &t->aims.v[t->sum.done]) < 0)
			return;
	turns_sum_end(&t->sum);
	if (t->unexpected)
		r->status = cmd_worse(r->status, STATUS_UNEXPECTED);
}

/* Each walk once; nothing answers. A connection can only be spoken of. */
static int rehearse(struct trace *t, struct dry_wire *dry, const struct aim *aim, struct err *e)
{
	const struct turns_config tc = {.seed = t->run.seed};
	struct trace_facts facts = {.walks = t->walks};
	struct walk_config c = config_of(t, aim);
	struct turns_stats stats;

	memset(t->walks, 0, TRACE_WALKS_MAX * sizeof(*t->walks));
	c.tries = 1;
	if (walk_run(&c, &tc, &dry->wire, &facts, &stats, e) < 0)
		return -1;
	if (c.inside)
		fprintf(dry->out,
			"# then, where a connection comes about, copies of one segment in it with "
			"%u octet%s, TTL %u to %u at most\n",
			c.data ? (unsigned)c.data_len : 1U, c.data && c.data_len != 1 ? "s" : "",
			(unsigned)c.first_ttl, (unsigned)c.max_ttl);
	return 0;
}

static void dry_run(struct trace *t)
{
	struct run *r = &t->run;
	struct dry_wire dry;
	struct err e;

	t->sport_first = r->o.source_port ? r->o.source_port : DRY_SPORT;
	dry_init(&dry, stdout, r->paths, r->n_paths);
	for (size_t i = 0; i < t->aims.n; i++) {
		if (rehearse(t, &dry, &t->aims.v[i], &e) < 0) {
			run_fail(r, STATUS_CANNOT, &e);
			return;
		}
	}
	run_end_dry(r);
}

static int make_walks(struct trace *t)
{
	struct err e;

	t->walks = calloc(TRACE_WALKS_MAX, sizeof(*t->walks));
	if (t->walks)
		return 0;
	err_set(&e, "out of memory for the walks");
	return run_fail(&t->run, STATUS_CANNOT, &e);
}

int cmd_trace(const struct cmd_line *l)
{
	struct trace t = {0};

	if (run_begin(&t.run, l, &trace_table) == 0 &&
	    aims_list(&t.aims, &t.run, AIMS_MAX, goes_inside(&t.run.o)) == 0 &&
	    make_walks(&t) == 0) {
		t.run.info.stack = true;
		if (t.run.o.dry_run)
			dry_run(&t);
		else
			run(&t);
	}
	names_free(t.names);
	free(t.walks);
	aims_free(&t.aims);
	return run_end(&t.run);
}
