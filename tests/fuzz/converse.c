/*
 * converse: whole runs of `trace`, `provoke` and `stack` against a peer that answers as the input
 * says (memwire.h). The first two octets pick what is run, and over which family. Whatever comes
 * back, the run ends, and what it gathered can be judged and told.
 */
#include "fuzz/fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/hop_lines.h"
#include "engine/interrogate.h"
#include "engine/stage.h"
#include "engine/walk.h"
#include "fuzz/memwire.h"
#include "fuzz/telling.h"
#include "judge/witness.h"

enum { SPORT = 40000, N_QUIET = 8, PORT = 80 };
#define NS_PER_S 1000000000ULL

static const struct turns_config turns = {.seed = 7, .deadline_ns = 200 * NS_PER_S};

static void set_ends(struct memwire *m, bool six, struct addr *dst)
{
	*dst = addr_v4(192, 0, 2, 2);
	m->path.src = addr_v4(192, 0, 2, 1);
	if (!six)
		return;
	assert(addr_parse("2001:db8::1", &m->path.src) == 0);
	assert(addr_parse("2001:db8::2", dst) == 0);
}

static void check_interval(const struct trace_verdict *v)
{
	assert(v->end < TRACE_ENDS && v->n_clues <= TRACE_CLUES_MAX);
	assert(!v->has_between || v->between[1] == 0 || v->between[0] <= v->between[1]);
	assert(v->between[0] <= TRACE_TTL_MAX && v->between[1] <= TRACE_TTL_MAX);
}

static void on_hop(void *ctx, const struct trace_walk *w, const struct trace_hop *h)
{
	hop_lines_add(ctx, w, h);
	hop_lines_tell(ctx);
}

static void tell_walk(struct telling *told, const struct addr *dst, const struct trace_facts *f)
{
	struct trace_verdict v, flows[TRACE_FLOWS_MAX];
	const struct trace_record r = {.addr = dst, .facts = f, .verdict = &v, .flows = flows};

	trace_judge(f, &v);
	check_interval(&v);
	for (unsigned i = 0; i < f->flows; i++) {
		trace_judge_flow(f, i, &flows[i]);
		check_interval(&flows[i]);
	}
	told->tee->sink.trace(told->tee->sink.ctx, &r);
}

static void run_walk(struct memwire *m, const struct addr *dst, uint8_t how)
{
	static const char *const kinds[] = {"syn", "ack", "fin", "data"};
	struct trace_facts f = {.walks = calloc(TRACE_WALKS_MAX, sizeof(*f.walks))};
	struct walk_config c = {
	    .dst = *dst,
	    .dport = PORT,
	    .sport_first = SPORT,
	    .probe = probe_find(kinds[how & 3]),
	    .data = how & 4 ? (const uint8_t *)"GET / HTTP/1.0\r\n" : NULL,
	    .data_len = how & 4 ? 16 : 0,
	    .syn_layout = SYN_LAYOUT_LINUX,
	    .flows = 1 + (how >> 3 & 1),
	    .first_ttl = 1,
	    .max_ttl = 8,
	    .tries = 2,
	    .inside = (how & 3) == 3,
	    .hop = on_hop,
	};
	const struct aim aim = {.addr = *dst, .port = PORT};
	struct turns_stats stats;
	struct telling told;
	struct hop_lines lines = {.aim = &aim, .facts = &f};

	assert(f.walks);
	telling_open(&told, "trace", how & 0x10);
	lines.sink = &told.tee->sink;
	c.hop_ctx = &lines;
	assert(walk_run(&c, &turns, &m->wire, &f, &stats, NULL) == 0);
	assert(f.n_walks <= TRACE_WALKS_MAX);
	hop_lines_end(&lines);
	tell_walk(&told, dst, &f);
	telling_close(&told);
	free(f.walks);
}

struct watched {
	struct witness *witness;
	uint32_t frames;
};

static void on_frame(void *ctx, const struct packet *pk, uint64_t at_ns)
{
	struct watched *w = ctx;

	witness_packet(w->witness, ++w->frames, at_ns, pk);
}

static void tell_stage(struct telling *told, struct watched *w, struct provoke_record *r)
{
	struct provoke_verdict v;
	struct witnessed seen;

	provoke_judge(r->facts, &v);
	assert(v.row && v.n_clues <= PROVOKE_CLUES_MAX);
	assert(v.row->scenario == (int)r->facts->scenario || v.row->scenario == SCENARIOS);
	witness_end(w->witness, r->facts, &v, &seen);
	assert(seen.n_ladder <= LADDER_MAX && seen.n_frames <= LADDER_MAX);
	for (size_t i = 0; i < seen.n_frames; i++)
		assert(seen.frames[i] >= 1 && seen.frames[i] <= w->frames);
	r->verdict = &v;
	r->finding = seen.finding;
	r->us = seen.us;
	r->ladder = seen.ladder;
	r->n_ladder = seen.n_ladder;
	r->frames = seen.frames;
	r->n_frames = seen.n_frames;
	told->tee->sink.provoke(told->tee->sink.ctx, r);
}

static void run_stage(struct memwire *m, const struct addr *dst, enum scenario scenario,
		      bool verbose)
{
	static struct provoke_facts f;
	struct watched watched = {.witness = witness_new(dst, PORT, 7)};
	struct provoke_record r = {.addr = dst, .port = PORT, .info = &scenario_infos[scenario]};
	const struct stage_config c = {
	    .witness = on_frame,
	    .witness_ctx = &watched,
	    .scenario = scenario,
	    .dst = *dst,
	    .dport = PORT,
	    .sport_first = SPORT,
	    .head = (const uint8_t *)"GET / HTTP/1.0\r\n\r\n",
	    .head_len = 18,
	    .body = 5000,
	    .hold_ns = 10 * NS_PER_S,
	    .conns_max = PROVOKE_LINES,
	};
	struct turns_stats stats;
	struct telling told;

	assert(watched.witness);
	telling_open(&told, "provoke", verbose);
	told.tee->sink.scenario(told.tee->sink.ctx, &r);
	memset(&f, 0, sizeof(f));
	m->wire.quiet_first = SPORT + STAGE_PORTS;
	m->wire.n_quiet = N_QUIET;
	assert(stage_run(&c, &turns, &m->wire, &f, &stats, NULL) == 0);
	assert(f.n_lines <= PROVOKE_LINES);
	r.facts = &f;
	tell_stage(&told, &watched, &r);
	telling_close(&told);
	witness_free(watched.witness);
}

static void run_script(struct memwire *m, const struct addr *dst, bool verbose)
{
	static const uint16_t candidates[] = {PORT, 81};
	const struct interrogate_config ic = {
	    .family = dst->family, .candidates = candidates, .n_candidates = 2, .seed = 1};
	struct interrogation *i = interrogate_new(&ic);
	const struct script_host host = {.addr = *dst, .ctx = i};
	const struct script_config c = {.program = &interrogate_program,
					.hosts = &host,
					.n_hosts = 1,
					.sport_first = SPORT,
					.deadline_ns = 200 * NS_PER_S,
					.conns_max = MEMWIRE_CONNS};
	struct turns_stats stats;
	struct stack_verdict v;
	struct stack_record r = {.addr = dst, .verdict = &v};
	struct telling told;

	assert(i);
	m->wire.quiet_first = SPORT + SCRIPT_SPORTS;
	m->wire.n_quiet = N_QUIET;
	assert(script_run(&c, &m->wire, &stats, NULL) == 0);
	r.facts = interrogate_facts(i);
	stack_judge(r.facts, &v);
	telling_open(&told, "stack", verbose);
	told.tee->sink.stack(told.tee->sink.ctx, &r);
	telling_close(&told);
	interrogate_free(i);
}

int fuzz_converse(const uint8_t *data, size_t len)
{
	struct memwire m;
	struct addr dst;
	uint8_t what, how;

	if (len < 2)
		return 0;
	what = data[0] % (SCENARIOS + 3);
	how = data[1];
	memwire_init(&m, data + 2, len - 2);
	set_ends(&m, how & 0x80, &dst);
	if (what < SCENARIOS)
		run_stage(&m, &dst, (enum scenario)what, how & 0x10);
	else if (what == SCENARIOS + 2)
		run_script(&m, &dst, how & 0x10);
	else
		run_walk(&m, &dst, how);
	for (size_t i = 0; i < MEMWIRE_CONNS; i++)
		assert(!m.open[i]); /* nothing is left behind */
	memwire_free(&m);
	return 0;
}
