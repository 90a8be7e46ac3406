/*
 * provoke: plays one scenario with one service (each address of a name), and tells what came of it.
 * It decides the exit status; what is done is engine/stage's, what it means judge/provoke's, and
 * why the RST came judge/explain's.
 */
#include <sodium.h>

#include "cmd/provoke_dry.h"
#include "cmd/request.h"
#include "cmd/scan_table.h"
#include "cmd/turns_sum.h"
#include "engine/stage.h"
#include "judge/witness.h"
#include "wire/hold.h"

enum {
	ADDRESSES_MAX = 16,	 /* of one name */
	REPLIES_EXPECTED = 1000, /* few: each frame at once, and out by the kernel's own way */
	CONNS = 2,		 /* at once; idle has more */
};

struct provoke {
	struct run run;
	const struct scenario_info *info;
	struct aims aims;
	struct turns_sum sum;
	uint16_t sport_first;
	uint32_t frames; /* in the file of -w so far */
	bool unexpected;
};

/* --- one after the other ---------------------------------------------------------------------- */

/* One address while its scene is played. */
struct scene_run {
	struct provoke *p;
	struct witness *witness;
	const struct aim *aim;
	uint64_t ours; /* frames, the kernel's among them */
};

static void on_frame(void *ctx, const struct packet *pk, uint64_t at_ns)
{
	struct scene_run *s = ctx;

	s->p->frames++;
	s->ours += pk->kind == PACKET_TCP && addr_same(&pk->seg.dst, &s->aim->addr) &&
		   pk->seg.dport == s->aim->port;
	witness_packet(s->witness, s->p->frames, at_ns, pk);
}

static void on_progress(void *ctx, const char *doing, uint64_t until_ns, bool asked)
{
	const struct scene_run *s = ctx;
	uint64_t now = s->p->run.wire->ops->now(s->p->run.wire);

	turns_sum_progress(&s->p->sum, doing, 0, until_ns > now ? until_ns - now : 0, asked);
}

static struct stage_config config_of(struct provoke *p, const struct aim *aim,
				     const struct request *q)
{
	const struct scan_options *o = &p->run.o;

	return (struct stage_config){
	    .scenario = o->scenario,
	    .dst = aim->addr,
	    .path = aim->path,
	    .dport = aim->port,
	    .sport_first = p->sport_first,
	    .ttl = o->ttl,
	    .head = q->head,
	    .head_len = q->head_len,
	    .body = q->body,
	    .wait_ns = o->timeout_ns,
	    .hold_ns = o->hold_ns,
	    .conns_max = p->run.wire->conns_max,
	};
}

/* This host could not do it: that is no finding about the service. */
static bool our_side_failed(const struct provoke_facts *f)
{
	for (size_t i = 0; i < f->n_lines; i++)
		if (f->lines[i].end != LINE_FAILED && f->lines[i].end != LINE_NO_QUIET)
			return false;
	return f->n_lines > 0 && !f->stopped;
}

static void tell(struct provoke *p, const struct provoke_record *before, struct witness *w)
{
	const struct record_sink *sink = &p->run.report->sink;
	struct provoke_record r = *before;
	struct provoke_verdict v;
	struct witnessed seen;

	provoke_judge(r.facts, &v);
	witness_end(w, r.facts, &v, &seen);
	r.verdict = &v;
	r.finding = seen.finding;
	r.us = seen.us;
	r.ladder = seen.ladder;
	r.n_ladder = seen.n_ladder;
	r.frames = seen.frames;
	r.n_frames = seen.n_frames;
	if (sink->provoke)
		sink->provoke(sink->ctx, &r);
	if (!scan_options_expects(&p->run.o, v.row->id))
		p->unexpected = true;
	if (our_side_failed(r.facts))
		p->run.status = cmd_worse(p->run.status, STATUS_CANNOT);
}

static bool answered(const struct provoke_facts *f)
{
	for (size_t i = 0; i < f->n_lines; i++)
		if (f->lines[i].end == LINE_OPEN || f->lines[i].end == LINE_REFUSED)
			return true;
	return false;
}

/* `q` and `s` are made. */
static int play(struct scene_run *s, const struct request *q, struct err *e)
{
	struct provoke *p = s->p;
	const struct aim *aim = s->aim;
	const struct record_sink *sink = &p->run.report->sink;
	struct stage_config c = config_of(p, aim, q);
	struct turns_config tc = turns_sum_config(&p->sum);
	struct provoke_facts facts = {0};
	struct turns_stats stats;
	struct provoke_record r = {
	    .addr = &aim->addr, .name = aim->name, .port = aim->port, .info = p->info};

	if (sink->scenario)
		sink->scenario(sink->ctx, &r);
	tc.frames_only = true;
	c.witness = on_frame;
	c.progress = on_progress;
	c.witness_ctx = c.progress_ctx = s;
	if (stage_run(&c, &tc, p->run.wire, &facts, &stats, e) < 0)
		return -1;
	r.facts = &facts;
	tell(p, &r, s->witness);
	stats.sent = s->ours;
	turns_sum_add(&p->sum, &stats, answered(&facts));
	return 0;
}

static int provoke_one(struct provoke *p, const struct aim *aim)
{
	struct scene_run s = {.p = p, .aim = aim};
	struct request q = {0};
	uint64_t seed;
	struct err e;
	int rc = -1;

	if (request_make(&q, &p->run.o, aim, &e) < 0)
		goto out;
	randombytes_buf(&seed, sizeof(seed)); /* the run's own is printed */
	s.witness = witness_new(&aim->addr, aim->port, seed);
	if (!s.witness) {
		err_set(&e, "out of memory for the frames that are to be explained");
		goto out;
	}
	rc = play(&s, &q, &e);
out:
	if (rc < 0)
		run_fail(&p->run, STATUS_CANNOT, &e);
	witness_free(s.witness);
	request_free(&q);
	return rc;
}

/* --- the run ---------------------------------------------------------------------------------- */

/* Without them our kernel would answer in our stead, and the scene would be another. */
static int check_quiet(struct run *r, const struct scenario_info *info)
{
	struct err e;

	if (!info->quiet || r->wire->n_quiet)
		return 0;
	err_set(&e,
		"provoke %s needs source ports on which this host's kernel keeps silent, and has "
		"none: it needs CAP_NET_ADMIN besides CAP_NET_RAW here",
		info->name);
	run_fail(r, STATUS_CANNOT, &e);
	cmd_put_privilege_fix();
	return -1;
}

/* Phase 1: everything that needs privilege, or the invoking user's rights on files. */
static int open_all(struct provoke *p)
{
	struct run *r = &p->run;
	struct run_ports ports = {
	    .n = STAGE_PORTS + STAGE_QUIET,
	    .n_quiet = STAGE_QUIET,
	    .conns = r->o.scenario == SCENARIO_IDLE ? PROVOKE_LINES : CONNS,
	    .both_ways = true,
	};
	struct err e;

	r->hold = hold_ports(ports.n, 0, &r->user, &e);
	if (!r->hold)
		return run_fail(r, STATUS_CANNOT, &e);
	ports.first = p->sport_first = hold_first(r->hold);
	if (run_open_wire(r, &ports, REPLIES_EXPECTED) < 0 || check_quiet(r, p->info) < 0 ||
	    run_open_pcap(r) < 0)
		return -1;
	return run_open_reports(r);
}

static void run(struct provoke *p)
{
	struct run *r = &p->run;

	if (open_all(p) < 0 || run_drop_privilege(r) < 0)
		return;
	turns_sum_begin(&p->sum, r, &p->aims);
	while (turns_sum_goes_on(&p->sum))
		if (provoke_one(p, &p->aims.v[p->sum.done]) < 0)
			return;
	turns_sum_end(&p->sum);
	if (p->unexpected)
		r->status = cmd_worse(r->status, STATUS_UNEXPECTED);
}

/* One service: one port, of one host or of all addresses of a name. */
static int check_target(struct run *r)
{
	const struct space *space = &r->ask.space;
	struct err e;

	if (space->hosts > 1 && !space->spans[0].name)
		err_set(&e, "%.80s: %llu addresses: provoke acts on one target", r->o.targets[0],
			(unsigned long long)space->hosts);
	else if (r->o.ports && space->total > space->hosts)
		err_set(&e, "-p %.80s: provoke acts on one port", r->o.ports);
	else
		return 0;
	return run_fail(r, STATUS_USAGE, &e);
}

static void dry_run(struct provoke *p)
{
	struct run *r = &p->run;
	struct request q = {0};
	struct err e;

	for (size_t i = 0; i < p->aims.n; i++) {
		if (request_make(&q, &r->o, &p->aims.v[i], &e) < 0) {
			run_fail(r, STATUS_CANNOT, &e);
			return;
		}
		provoke_dry(stdout, &r->o, &p->aims.v[i], &q);
		request_free(&q);
	}
	run_end_dry(r);
}

int cmd_provoke(const struct cmd_line *l)
{
	struct provoke p = {0};

	if (run_begin(&p.run, l, &provoke_table) == 0) {
		p.info = &scenario_infos[p.run.o.scenario];
		p.run.info.stack = true;
		if (check_target(&p.run) < 0 || aims_list(&p.aims, &p.run, ADDRESSES_MAX, true) < 0)
			;
		else if (p.run.o.dry_run)
			dry_run(&p);
		else
			run(&p);
	}
	aims_free(&p.aims);
	return run_end(&p.run);
}
