/*
 * sweep: a scan of a few hosts, or tries of a port again and again, against a peer that answers as
 * the input says. Whatever comes, the run ends, each port is told once, every index is counted
 * once, and all of it can be drawn.
 */
#include "fuzz/fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/repeat.h"
#include "engine/sweep.h"
#include "fuzz/memwire.h"
#include "fuzz/telling.h"

enum { SPORT = 40000 };
#define MS 1000000ULL

static const char *const kind_sets[][3] = {
    {"syn"},	     {"syn", "ack"}, {"syn", "ack", "fin"}, {"ack"}, {"fin"},
    {"xmas", "ack"}, {"synack"},     {"syn", "null"},
};

/* --- what must hold ----------------------------------------------------------------------------
 */

struct told {
	struct telling draw;
	uint64_t ports, begun, tries;
	struct summary_record sum;
};

static void check_port(const struct port_record *r)
{
	const struct verdict *v = r->verdict;

	assert(v->state < PORT_STATES && v->reason && v->reason[0]);
	assert(v->n_clues <= VERDICT_CLUES_MAX && r->seen->n_replies <= 2 * PROBE_KINDS_MAX);
	assert(!v->decider == !r->from);
	assert(v->state != STATE_OPEN || v->decider->fit == FIT_EXACT);
}

static void on_host_begin(void *ctx, const struct host_record *h)
{
	struct told *t = ctx;

	t->begun++;
	t->draw.tee->sink.host_begin(t->draw.tee->sink.ctx, h);
}

static void on_port(void *ctx, const struct host_record *h, const struct port_record *r)
{
	struct told *t = ctx;

	assert(t->begun == 1);
	t->ports++;
	check_port(r);
	t->draw.tee->sink.port(t->draw.tee->sink.ctx, h, r);
}

static void on_host_end(void *ctx, const struct host_record *h)
{
	struct told *t = ctx;

	t->begun--;
	t->draw.tee->sink.host_end(t->draw.tee->sink.ctx, h);
}

static void on_try(void *ctx, const struct try_record *r)
{
	struct told *t = ctx;

	t->tries++;
	assert(r->n >= 1 && r->n <= t->draw.run.tries);
	check_port(r->result);
	t->draw.tee->sink.try(t->draw.tee->sink.ctx, r);
}

static void on_tries(void *ctx, const struct tries_record *r)
{
	struct told *t = ctx;
	uint64_t n = 0;

	for (int i = 0; i < PORT_STATES; i++)
		n += r->counts[i];
	assert(n == r->tries && r->answered + r->late <= r->tries && r->rtts <= r->answered);
	assert(r->min_us <= r->p50_us && r->p50_us <= r->p99_us && r->p99_us <= r->max_us);
	t->draw.tee->sink.tries(t->draw.tee->sink.ctx, r);
}

static void on_summary(void *ctx, const struct summary_record *s)
{
	struct told *t = ctx;

	t->sum = *s;
	t->draw.tee->sink.summary(t->draw.tee->sink.ctx, s);
}

static void on_evidence(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len)
{
	(void)ctx;
	(void)at_ns;
	assert(captured && captured <= len && (ip[0] >> 4 == 4 || ip[0] >> 4 == 6));
}

static struct record_sink sink_of(struct told *t)
{
	return (struct record_sink){.ctx = t,
				    .host_begin = on_host_begin,
				    .port = on_port,
				    .host_end = on_host_end,
				    .try = on_try,
				    .tries = on_tries,
				    .summary = on_summary};
}

/* --- a run ------------------------------------------------------------------------------------ */

static size_t set_kinds(uint8_t which, const struct probe *kinds[3])
{
	size_t n = 0;

	while (n < 3 && kind_sets[which & 7][n]) {
		kinds[n] = probe_find(kind_sets[which & 7][n]);
		assert(kinds[n]);
		n++;
	}
	return n;
}

static void set_space(struct space *space, struct targets *targets, struct ports **ports, bool six,
		      bool many)
{
	static const struct target_help none;
	struct targets nothing = {0};
	const char *word = many ? "192.0.2.0/29" : "192.0.2.2";
	struct err e;

	if (six)
		word = many ? "2001:db8::/125" : "2001:db8::2";
	targets_init(targets);
	assert(targets_add(targets, word, &none, &e) == TARGET_OK);
	*ports = ports_parse(many ? "22,80" : "20-25,80", NULL, &e);
	assert(space_build(space, targets, *ports, &nothing, &e) == 0);
}

/* The index that no record is about is silent, skipped, or was never asked. */
static void check_sum(const struct told *t, const struct space *space)
{
	const struct summary_record *s = &t->sum;
	uint64_t n = s->silent + s->skipped + s->not_probed;

	for (int i = 0; i < PORT_STATES; i++)
		n += i == STATE_NOT_PROBED ? 0 : s->counts[i];
	assert(s->indices == space->total && n <= space->total);
	assert(t->begun == 0 && t->ports <= 2 * space->total);
	assert(s->hosts_up <= s->hosts_total && s->hosts_given_up <= s->hosts_total);
}

static void run_sweep(struct memwire *m, const uint8_t *how, struct told *t)
{
	const struct probe *kinds[3];
	struct space space;
	struct targets targets;
	struct ports *ports;
	struct sweep_config c = {
	    .space = &space,
	    .kinds = kinds,
	    .n_kinds = set_kinds(how[1], kinds),
	    .wish = {.layout = SYN_LAYOUT_LINUX},
	    .seed = 7,
	    .key = "0123456789abcde",
	    .sport_first = SPORT,
	    .sport_fixed = how[0] & 4,
	    .retries = how[0] & 8 ? RETRIES_AUTO : (how[1] >> 3 & 3),
	    .rto_max_ns = 1000 * MS,
	    .deadline_ns = 600000 * MS,
	    .window = how[0] & 16 ? 4 : 0,
	    .skip_dead = how[0] & 32,
	    .enumerate_silent = how[0] & 64,
	    .want_closed = true,
	    .evidence = on_evidence,
	};
	const struct record_sink sink = sink_of(t);
	struct summary_record sum;
	struct err e;

	set_space(&space, &targets, &ports, how[0] & 1, how[0] & 2);
	assert(sweep_run(&c, &m->wire, &sink, &sum, &e) == 0);
	check_sum(t, &space);
	space_free(&space);
	targets_free(&targets);
	ports_free(ports);
}

static void run_repeat(struct memwire *m, const uint8_t *how, const struct addr *dst,
		       struct told *t)
{
	const struct probe *kinds[3];
	struct repeat_pair pair = {.addr = *dst, .port = 80};
	uint64_t count = 1 + (how[0] >> 2 & 15);
	struct repeat_config c = {
	    .pairs = &pair,
	    .n_pairs = 1,
	    .kinds = kinds,
	    .n_kinds = set_kinds(how[1], kinds),
	    .wish = {.layout = SYN_LAYOUT_LINUX},
	    .count = count,
	    .interval_ns = 20 * MS,
	    .wait_ns = 100 * MS,
	    .sport_first = SPORT,
	    .n_sports = 1,
	};
	const struct turns_config turns = {.seed = 7, .deadline_ns = 600000 * MS};
	const struct record_sink sink = sink_of(t);
	struct turns_stats stats;
	struct err e;

	if (how[0] & 64)
		c.n_sports = repeat_sports(c.n_kinds, count);
	t->draw.run.tries = count;
	assert(repeat_run(&c, &turns, &m->wire, &sink, &t->sum, &stats, &e) == 0);
	assert(t->tries <= count);
}

/* Two octets: what is run and how, of which kinds; then what the peer does. */
int fuzz_sweep(const uint8_t *data, size_t len)
{
	struct addr dst = addr_v4(192, 0, 2, 2);
	static struct told t;
	struct memwire m;

	if (len < 2)
		return 0;
	memset(&t, 0, sizeof(t));
	memwire_init(&m, data + 2, len - 2);
	m.path.src = addr_v4(192, 0, 2, 1);
	if (data[0] & 1) {
		assert(addr_parse("2001:db8::1", &m.path.src) == 0);
		assert(addr_parse("2001:db8::2", &dst) == 0);
	}
	telling_open(&t.draw, "scan", data[1] & 32);
	if (data[0] & 128)
		run_repeat(&m, data, &dst, &t);
	else
		run_sweep(&m, data, &t);
	telling_close(&t.draw);
	memwire_free(&m);
	return 0;
}
