/*
 * test_sweep_fast: whole scans in virtual time where something is in the way: loss, limits on
 * resets, hosts that don't exist, windows, a wire that refuses, clocks that do as they like.
 */
#include "unit/unit.h"

#include <errno.h>
#include <math.h>

#include "engine/permute.h"
#include "sim/sweepkit.h"

static const uint64_t MS = 1000000, S = 1000000000;

/* Every twentieth port listens, the others are closed. */
static bool listens(const struct packet *probe)
{
	return probe->seg.dport % 20 == 0;
}

/* Every tenth port is filtered beside. */
static void behind_filter(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport % 10 != 3)
		peer_rfc(probe, listens(probe), out);
}

static uint8_t host_of(const struct packet *probe)
{
	return probe->seg.dst.b[3];
}

static void assert_filter_seen(const struct trial *t, unsigned ports)
{
	assert_int_equal(count_state(t, STATE_OPEN), ports / 20);
	assert_int_equal(count_state(t, STATE_FILTERED), ports / 10);
	assert_int_equal(count_state(t, STATE_CLOSED), ports - ports / 20 - ports / 10);
}

/* --- loss ------------------------------------------------------------------------------------- */

static void test_loss(void **state)
{
	static const unsigned losses[] = {1, 5, 20};

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "1-1000", fifty);
		t.c.seed = i;
		p.rng = i * 7919 + 1;
		p.loss_percent = losses[i % 3];
		t.c.rate = i / 3 % 2 ? INFINITY : 0;
		trial_run(&t, &p);
		assert_int_equal(count_state(&t, STATE_OPEN), 50);
		assert_int_equal(count_state(&t, STATE_CLOSED), 950);
		assert_true(t.kept.sum.complete);
		assert_int_equal(t.kept.sum.hosts_limited, 0);
		assert_true(t.kept.sum.elapsed_s < 5);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* Two answers each, some of them late, none in order. */
static void twice(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	peer_rfc(probe, listens(probe), out);
	peer_put(out, &out->seg[0], 0);
	for (unsigned i = 0; i < out->n; i++)
		out->delay_ns[i] = peer_random(p) % 60 * MS;
}

static void test_reordered_and_twice(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "1-1000", twice);
		t.c.rate = i % 2 ? INFINITY : 0;
		p.rng = i + 1;
		p.loss_percent = i / 2 * 5;
		trial_run(&t, &p);
		assert_int_equal(count_state(&t, STATE_OPEN), 50);
		assert_int_equal(count_state(&t, STATE_CLOSED), 950);
		assert_true(t.kept.sum.complete);
		assert_int_equal(t.kept.sum.answered, 1000);
		assert_true(t.kept.sum.duplicates > 500);
		assert_int_equal(t.kept.sum.foreign, 0);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* Only the first try is answered, and that after *ctx. */
static void first_try_late(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const uint64_t *delay_ns = p->ctx;

	if (probe->seg.sport != 40000)
		return;
	peer_rfc(probe, true, out);
	out->delay_ns[0] = *delay_ns;
}

static void test_answer_to_an_earlier_pass(void **state)
{
	(void)state;
	for (unsigned pass = 1; pass <= 2; pass++) {
		uint64_t delay_ns = pass * S + 300 * MS;
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "80", first_try_late);
		p.ctx = &delay_ns;
		trial_run(&t, &p);
		assert_int_equal(p.n_sent, pass + 1);
		assert_int_equal(port_of(&t, 80)->state, STATE_OPEN);
		assert_int_equal(t.kept.sum.late, 1);
		assert_int_equal(t.kept.sum.duplicates, 0);
		if (pass == 1) /* the times of the two latest passes are kept */
			assert_in_range(port_of(&t, 80)->rtt_us, 1300390, 1300410);
		else
			assert_int_equal(port_of(&t, 80)->rtt_us, UINT32_MAX);
		trial_end(&t, &p);
	}
}

/* Port 7 listens and takes its time, half of the others are filtered. */
static void late_seven(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport % 2 && probe->seg.dport != 7)
		return;
	peer_rfc(probe, probe->seg.dport == 7, out);
	if (probe->seg.dport == 7) {
		out->n = probe->seg.sport == 40000;
		out->delay_ns[0] = 600 * MS;
	}
}

static void test_answer_after_its_window(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.7", "1-100", late_seven);
	t.c.in_order = true;
	t.c.window = 10;
	t.c.enumerate_silent = false;
	t.c.rto_max_ns = 100 * MS;
	trial_run(&t, &p);
	assert_int_equal(t.kept.windows, 10);
	assert_int_equal(t.kept.sum.late, 1);
	assert_int_equal(count_state(&t, STATE_OPEN), 1);
	assert_int_equal(count_state(&t, STATE_CLOSED), 50);
	assert_int_equal(port_of(&t, 7)->state, STATE_OPEN);
	assert_true(port_of(&t, 7)->window > 2);
	trial_end(&t, &p);
}

/* --- who rations resets ----------------------------------------------------------------------- */

struct limiter {
	double rate, burst;
	bool by_second; /* so many in each second, not a bucket */
	unsigned filtered_percent;
	uint8_t only; /* of this host; 0: of all */
	/* private: */
	double tokens;
	uint64_t at_ns;
};

static bool lets(struct limiter *l, uint64_t now_ns)
{
	if (l->by_second && now_ns / S != l->at_ns / S)
		l->tokens = l->rate;
	if (!l->by_second)
		l->tokens = fmin(l->burst, l->tokens + l->rate * (double)(now_ns - l->at_ns) / 1e9);
	l->at_ns = now_ns;
	if (l->tokens < 1)
		return false;
	l->tokens -= 1;
	return true;
}

/* Fifty ports listen, the first of all. */
static void limited(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct limiter *l = p->ctx;
	bool open = probe->seg.dport <= 50;

	if (!open && probe->seg.dport * 7919U % 100 < l->filtered_percent)
		return;
	if (!open && (!l->only || l->only == host_of(probe)) && !lets(l, p->now_ns))
		return;
	peer_rfc(probe, open, out);
}

static const struct limit_case {
	const char *name, *ports;
	unsigned n;
	struct limiter limiter;
	double rate;
	unsigned loss;
} limit_cases[] = {
    {"1,000/s, max", "1-65535", 65535, {.rate = 1000, .burst = 10}, INFINITY, 0},
    {"1,000/s, auto", "1-20000", 20000, {.rate = 1000, .burst = 10}, 0, 0},
    {"1,000/s, auto, 5 %", "1-20000", 20000, {.rate = 1000, .burst = 10}, 0, 5},
    {"1,000/s, max, 5 %", "1-20000", 20000, {.rate = 1000, .burst = 10}, INFINITY, 5},
    {"200 a second, auto", "1-5000", 5000, {.rate = 200, .by_second = true}, 0, 0},
    {"200 a second, max", "1-5000", 5000, {.rate = 200, .by_second = true}, INFINITY, 0},
    {"200 a second, auto, 5 %", "1-5000", 5000, {.rate = 200, .by_second = true}, 0, 5},
    {"200 a second, 20,000/s", "1-5000", 5000, {.rate = 200, .by_second = true}, 20000, 1},
    {"200 a second, few ports", "1-400", 400, {.rate = 200, .by_second = true}, 0, 0},
    {"40 a second, auto", "1-2000", 2000, {.rate = 40, .by_second = true}, 0, 0},
    {"40/s, auto", "1-2000", 2000, {.rate = 40, .burst = 40}, 0, 0},
};

static void test_reset_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(limit_cases) / sizeof(limit_cases[0]); i++) {
		const struct limit_case *c = &limit_cases[i];
		struct limiter l = c->limiter;
		double floor_s = (c->n - 50) / l.rate / (1 - c->loss / 100.0);
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", c->ports, limited);
		p.ctx = &l;
		p.rng = i + 5;
		p.loss_percent = c->loss;
		t.c.rate = c->rate;
		trial_run(&t, &p);
		print_message("# %s: %.1f s, floor %.1f s, limit %u/s\n", c->name,
			      t.kept.sum.elapsed_s, floor_s, t.kept.host.reset_limit);
		assert_int_equal(count_state(&t, STATE_OPEN), 50);
		assert_int_equal(count_state(&t, STATE_CLOSED), c->n - 50);
		assert_true(t.kept.sum.complete);
		/* which of the seconds it begins in is chance */
		assert_true(t.kept.sum.elapsed_s < 1.1 * floor_s + (c->n < 1000));
		assert_int_equal(t.kept.sum.hosts_limited, 1);
		assert_true(fabs(t.kept.host.reset_limit - l.rate) < 0.15 * l.rate);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

static void test_open_ports_alone_cost_no_limit(void **state)
{
	(void)state;
	for (int max = 0; max <= 1; max++) {
		struct limiter l = {.rate = 200, .by_second = true};
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "1-10000", limited);
		p.ctx = &l;
		t.c.rate = max ? INFINITY : 0;
		t.c.want_closed = false;
		trial_run(&t, &p);
		assert_int_equal(count_state(&t, STATE_OPEN), 50);
		assert_int_equal(count_state(&t, STATE_FILTERED), 0);
		assert_true(count_state(&t, STATE_INDETERMINATE) > 5000);
		for (size_t i = 0; i < t.kept.n; i++)
			if (t.kept.v[i].state == STATE_INDETERMINATE)
				assert_string_equal(t.kept.v[i].reason, "reset-limited");
		assert_true(t.kept.sum.elapsed_s < 6);
		assert_int_equal(t.kept.sum.hosts_limited, 1);
		assert_true(t.kept.host.reset_limit > 0);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* Filtered ports of a limited host are told from those that its limit hid. */
static void test_limited_and_filtered(void **state)
{
	struct limiter l = {.rate = 200, .by_second = true, .filtered_percent = 30};
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.7", "1-2000", limited);
	p.ctx = &l;
	trial_run(&t, &p);
	assert_int_equal(count_state(&t, STATE_OPEN), 50);
	for (size_t i = 0; i < t.kept.n; i++) {
		const struct kept_port *k = &t.kept.v[i];
		bool filtered = k->port > 50 && k->port * 7919U % 100 < 30;

		if (k->port > 50)
			assert_int_equal(k->state, filtered ? STATE_FILTERED : STATE_CLOSED);
	}
	assert_int_equal(t.kept.sum.hosts_limited, 1);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

static void test_limit_of_one_slows_nobody_else(void **state)
{
	struct limiter l = {.rate = 200, .by_second = true, .only = 1};
	uint64_t last_ns = 0;
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.1-2", "1-2000", limited);
	p.ctx = &l;
	trial_run(&t, &p);
	for (uint64_t i = 0; i < p.n_sent; i++)
		if (p.sent[i].dst_last == 2 && !is_canary(&t, &p.sent[i]))
			last_ns = p.sent[i].at_ns - p.sent[0].at_ns;
	assert_true(last_ns < 2 * S);
	assert_int_equal(count_state_of(&t, 1, STATE_CLOSED), 1950);
	assert_int_equal(count_state_of(&t, 2, STATE_CLOSED), 1950);
	assert_int_equal(count_state(&t, STATE_OPEN), 100);
	assert_true(t.kept.hosts[1].reset_limit > 0);
	assert_int_equal(t.kept.hosts[2].reset_limit, 0);
	assert_int_equal(t.kept.sum.hosts_limited, 1);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

/* One host limited, another with filtered ports: those are asked no oftener for it. */
static void limited_beside_filter(struct peer *p, const struct packet *probe,
				  struct peer_answer *out)
{
	if (host_of(probe) == 1)
		limited(p, probe, out);
	else
		behind_filter(p, probe, out);
}

static void test_limit_beside_filtered_ports(void **state)
{
	struct limiter l = {.rate = 200, .by_second = true};
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.1-2", "1-2000", limited_beside_filter);
	p.ctx = &l;
	trial_run(&t, &p);
	assert_int_equal(count_state_of(&t, 1, STATE_CLOSED), 1950);
	assert_int_equal(count_state_of(&t, 2, STATE_CLOSED), 1700);
	assert_int_equal(count_state_of(&t, 2, STATE_FILTERED), 200);
	assert_true(sent_to(&t, &p, 2) < 2000 + 6 * 200);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

/* A limit is remembered from window to window, and told once. */
static void test_limit_in_windows(void **state)
{
	struct limiter l = {.rate = 200, .by_second = true, .only = 1};
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.1-2", "1-3000", limited);
	p.ctx = &l;
	t.c.window = 1500;
	t.c.enumerate_silent = false;
	trial_run(&t, &p);
	assert_int_equal(count_state(&t, STATE_CLOSED), 5900);
	assert_int_equal(count_state(&t, STATE_OPEN), 100);
	assert_int_equal(t.kept.sum.hosts_limited, 1);
	assert_true(t.kept.hosts[1].reset_limit > 0);
	assert_true(t.kept.sum.elapsed_s < 1.25 * 2950 / 200);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

/* A tenth of the ports is closed, the rest filtered: the few RSTs come at no rate of their own. */
static void mostly_filtered(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport % 10 == 0)
		peer_rfc(probe, probe->seg.dport == 100, out);
}

static void test_filtered_is_not_limited(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "1-2000", mostly_filtered);
		t.c.seed = p.rng = i + 1;
		p.loss_percent = i % 3 * 10;
		t.c.rate = i / 3 % 2 ? INFINITY : 0;
		trial_run(&t, &p);
		assert_int_equal(t.kept.sum.hosts_limited, 0);
		assert_int_equal(count_state(&t, STATE_OPEN), 1);
		assert_int_equal(count_state(&t, STATE_CLOSED), 199);
		assert_int_equal(count_state(&t, STATE_FILTERED), 1800);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* --- hosts that don't exist ------------------------------------------------------------------- */

static bool likely(uint16_t port)
{
	return port == 22 || port == 80;
}

/* Every tenth host exists. */
static void few_exist(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	if (host_of(probe) % 10 == 0)
		behind_filter(p, probe, out);
}

static void test_dead_hosts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t dead = 0;
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-200", "1-100", few_exist);
		t.c.seed = p.rng = i + 1;
		t.c.skip_dead = true;
		t.c.likely = likely;
		t.c.enumerate_silent = i % 2;
		t.c.rate = i / 2 % 2 ? INFINITY : 0;
		p.loss_percent = i / 4 * 5;
		trial_run(&t, &p);
		for (unsigned h = 1; h <= 200; h++) {
			uint64_t n = sent_to(&t, &p, (uint8_t)h);

			dead += h % 10 ? n : 0;
			if (h % 10)
				assert_in_range(n, 2 * 3, 45 * (i < 4 ? 3 : 8));
			else
				assert_true(n >= 100 + 2 * 10);
		}
		assert_true(dead < 180 * (i < 4 ? 3U : 8U) * (16 + 2 + 2));
		assert_int_equal(count_state(&t, STATE_OPEN), 20 * 5);
		assert_int_equal(count_state(&t, STATE_CLOSED), 20 * 85);
		for (unsigned h = 10; h <= 200; h += 10)
			assert_int_equal(t.kept.hosts[h].counts[STATE_FILTERED], 10);
		assert_int_equal(t.kept.sum.hosts_up, 20);
		assert_int_equal(t.kept.sum.hosts_given_up, 180);
		assert_int_equal(t.kept.sum.not_probed, 0);
		assert_in_range(t.kept.sum.skipped, 180 * 78, 180 * 88);
		assert_true(t.kept.sum.complete);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

static void test_dead_hosts_asked_all(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.1-200", "1-100", few_exist);
	t.c.skip_dead = false;
	trial_run(&t, &p);
	for (unsigned h = 1; h <= 200; h++)
		assert_int_equal(sent_to(&t, &p, (uint8_t)h), h % 10 ? 300 : 120);
	assert_int_equal(t.kept.sum.skipped, 0);
	assert_int_equal(t.kept.sum.hosts_given_up, 0);
	assert_int_equal(count_state(&t, STATE_OPEN), 20 * 5);
	assert_int_equal(count_state(&t, STATE_FILTERED), 20 * 10 + 180 * 100);
	assert_true(t.kept.sum.complete);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

/* Host 5 hears nothing of the first passes, as of one whose neighbour cache is cold. */
static void wakes_up_late(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const unsigned *first = p->ctx;

	if (host_of(probe) % 2 && (host_of(probe) != 5 || probe->seg.sport < 40000 + *first))
		return;
	behind_filter(p, probe, out);
}

static void test_late_host_is_asked_in_full(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		unsigned first = 1 + i % 2;
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-8", "1-200", wakes_up_late);
		p.ctx = &first;
		t.c.seed = p.rng = i + 1;
		p.loss_percent = i / 2 % 2 * 10;
		t.c.rate = i / 4 % 2 ? INFINITY : 0;
		t.c.skip_dead = true;
		trial_run(&t, &p);
		assert_int_equal(count_state_of(&t, 5, STATE_OPEN), 10);
		assert_int_equal(count_state_of(&t, 5, STATE_CLOSED), 170);
		assert_int_equal(count_state_of(&t, 5, STATE_FILTERED), 20);
		for (unsigned port = 3; port <= 200; port += 10)
			assert_true(port_at(&t, 5, (uint16_t)port)->tries >= 3);
		assert_int_equal(t.kept.sum.hosts_given_up, 3);
		assert_int_equal(t.kept.sum.hosts_up, 5);
		assert_true(t.kept.sum.complete);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* Given up are hosts of which something was left out: not those with few ports, nor the gone. */
static void test_given_up_are_counted_alone(void **state)
{
	static const struct target_help help;
	struct targets none = {0};
	struct trial t;
	struct peer p;
	struct err e;

	(void)state;
	trial_begin(&t, &p, "192.0.2.1-20", "1-100", few_exist);
	space_free(&t.space);
	assert_int_equal(targets_add(&t.targets, "192.0.2.101:80", &help, &e), TARGET_OK);
	targets_init(&none);
	assert_int_equal(space_build(&t.space, &t.targets, t.ports, &none, &e), 0);
	t.c.skip_dead = true;
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.hosts_given_up, 18);
	assert_int_equal(port_at(&t, 101, 80)->state, STATE_FILTERED);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

/* Who was never asked has not kept silent. */
static void test_stopped_before_the_dead(void **state)
{
	(void)state;
	for (int enumerate = 0; enumerate <= 1; enumerate++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-200", "1-100", few_exist);
		t.c.skip_dead = true;
		t.c.enumerate_silent = enumerate;
		t.c.rate = 1000;
		p.stop_at_ns = p.now_ns + 20 * MS;
		trial_run(&t, &p);
		assert_int_equal(t.kept.sum.end, END_INTERRUPTED);
		assert_int_equal(t.kept.sum.skipped, 0);
		assert_int_equal(t.kept.sum.hosts_given_up, 0);
		assert_true(t.kept.sum.not_probed > 19900);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* --- windows, shards, resume ------------------------------------------------------------------ */

static void test_windows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-20", "1-100", few_exist);
		t.c.seed = p.rng = i + 1;
		t.c.window = i % 2 ? 170 : 1700;
		t.c.enumerate_silent = i / 2 == 1;
		t.c.skip_dead = i / 2 == 2;
		t.c.rate = INFINITY;
		p.loss_percent = 5;
		trial_run(&t, &p);
		assert_int_equal(t.kept.windows, i % 2 ? 12 : 2);
		assert_int_equal(t.kept.complete_windows, t.kept.windows);
		assert_int_equal(t.kept.covered, 2000);
		assert_int_equal(count_state(&t, STATE_OPEN), 2 * 5);
		assert_int_equal(t.kept.found, 2 * 5);
		assert_int_equal(count_state(&t, STATE_CLOSED), 2 * 85);
		assert_int_equal(t.kept.sum.hosts_up, 2);
		assert_true(t.kept.sum.complete);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* More ports answer than a window has room for: it closes early. */
static void test_window_closes_early(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.1-6", "1-65535", fifty);
	t.c.rate = INFINITY;
	t.c.enumerate_silent = false;
	trial_run(&t, &p);
	assert_int_equal(t.kept.windows, 2);
	assert_int_equal(t.kept.covered, 393210);
	assert_int_equal(count_state(&t, STATE_OPEN), 6 * 3276);
	assert_int_equal(count_state(&t, STATE_CLOSED), 393210 - 6 * 3276);
	assert_int_equal(t.kept.sum.hosts_up, 6);
	assert_int_equal(p.n_sent, 393210);
	assert_true(t.kept.sum.complete);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

/* The same where an earlier run knows some ports, in this window and behind its early end. */
static void test_window_closes_early_beside_known(void **state)
{
	static uint64_t known[4000];
	struct sweep_known k = {.indices = known, .n_indices = 4000};
	struct trial t;
	struct peer p;

	(void)state;
	for (unsigned i = 0; i < 4000; i++)
		known[i] = i * 98;
	trial_begin(&t, &p, "192.0.2.1-6", "1-65535", fifty);
	t.c.rate = INFINITY;
	t.c.enumerate_silent = false;
	t.c.known = &k;
	trial_run(&t, &p);
	assert_int_equal(t.kept.windows, 2);
	assert_int_equal(t.kept.covered, 393210);
	assert_int_equal(t.kept.n, 393210 - 4000);
	assert_int_equal(t.kept.sum.answered, 393210 - 4000);
	assert_int_equal(t.kept.sum.silent, 0);
	assert_int_equal(t.kept.sum.not_probed, 0);
	assert_true(t.kept.sum.complete);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

static void test_shards(void **state)
{
	static uint8_t told[21][101];
	uint64_t sent = 0, open = 0;

	(void)state;
	memset(told, 0, sizeof(told));
	for (unsigned i = 1; i <= 3; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-20", "1-100", fifty);
		sweep_shard(t.space.total, i, 3, &t.c.first_place, &t.c.end_place);
		t.c.enumerate_silent = false;
		t.c.window = i == 2 ? 100 : 0;
		p.loss_percent = 5;
		trial_run(&t, &p);
		assert_true(t.kept.sum.complete);
		assert_int_equal(t.kept.sum.indices, 2000 / 3 + (i <= 2));
		assert_int_equal(t.kept.covered, t.kept.sum.indices);
		assert_int_equal(t.kept.n, t.kept.sum.indices);
		for (size_t n = 0; n < t.kept.n; n++) {
			const struct kept_port *k = &t.kept.v[n];

			assert_int_equal(told[k->host][k->port]++, 0);
			assert_int_equal(k->state, k->port % 20 ? STATE_CLOSED : STATE_OPEN);
		}
		open += count_state(&t, STATE_OPEN);
		sent += p.n_sent;
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
	assert_int_equal(open, 100);
	assert_true(sent < 2000 * 5 / 4);
}

/* A part whose window closes early asks what is left of it, and nothing of its neighbours'. */
static void test_shard_closes_early(void **state)
{
	struct permute perm;
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.1-18", "1-65535", fifty);
	sweep_shard(t.space.total, 2, 3, &t.c.first_place, &t.c.end_place);
	t.c.rate = INFINITY;
	t.c.enumerate_silent = false;
	trial_run(&t, &p);
	assert_true(t.kept.windows > 1);
	assert_int_equal(t.kept.covered, 393210);
	assert_int_equal(t.kept.n, 393210);
	permute_init(&perm, t.space.total, t.c.seed, false);
	for (size_t i = 0; i < t.kept.n; i++) {
		uint64_t index = (t.kept.v[i].host - 1) * 65535U + t.kept.v[i].port - 1U;
		uint64_t place = permute_inverse(&perm, index);

		assert_true(place >= t.c.first_place && place < t.c.end_place);
	}
	assert_true(t.kept.sum.complete);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

static bool was_sent(const struct peer *p, uint8_t host, uint16_t port)
{
	for (uint64_t i = 0; i < p->n_sent; i++)
		if (p->sent[i].dst_last == host && p->sent[i].dport == port)
			return true;
	return false;
}

/* What an earlier run has found out is not asked again, nor told. */
static void test_known(void **state)
{
	static const struct place_range windows[] = {{100, 199}, {300, 449}, {900, 999}};
	static const uint64_t indices[] = {0, 5, 77, 512, 700};
	struct sweep_known known = {windows, 3, indices, 5};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.0/28", "1-100", fifty);
		space_free(&t.space);
		trial_free(&t);
		trial_init(&t, "192.0.2.1-10", "1-100", "syn");
		t.c.in_order = true; /* a place is an index */
		t.c.known = &known;
		t.c.window = i % 2 ? 60 : 0;
		t.c.enumerate_silent = i / 2;
		p.loss_percent = 5;
		trial_run(&t, &p);
		for (uint64_t at = 0; at < 1000; at++) {
			bool is_known = at == 0 || at == 5 || at == 77 || at == 512 || at == 700;

			for (unsigned w = 0; w < 3; w++)
				is_known |= at >= windows[w].first && at <= windows[w].last;
			assert_int_equal(
			    was_sent(&p, (uint8_t)(1 + at / 100), (uint16_t)(1 + at % 100)),
			    !is_known);
		}
		assert_int_equal(t.kept.n, 1000 - 350 - 5);
		assert_int_equal(t.kept.sum.answered, 1000 - 350 - 5);
		assert_int_equal(t.kept.sum.silent, 0);
		assert_int_equal(t.kept.sum.not_probed, 0);
		assert_int_equal(t.kept.covered, 650);
		assert_true(t.kept.sum.complete);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* A host of which a port is known exists, whatever the others keep back. */
static void only_port_one(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport == 1)
		peer_rfc(probe, true, out);
}

static void test_known_hosts_are_not_given_up(void **state)
{
	static const uint64_t indices[] = {0};
	struct sweep_known known = {NULL, 0, indices, 1};

	(void)state;
	for (int enumerate = 0; enumerate <= 1; enumerate++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-2", "1-100", only_port_one);
		t.c.skip_dead = true;
		t.c.known = &known;
		t.c.enumerate_silent = enumerate;
		p.rng = 1;
		trial_run(&t, &p);
		assert_int_equal(sent_to(&t, &p, 1), 3 * 99);
		assert_true(t.kept.sum.hosts_given_up <= 1);
		if (enumerate)
			assert_int_equal(count_state_of(&t, 1, STATE_FILTERED), 99);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* --- a wire that refuses ---------------------------------------------------------------------- */

struct refusal {
	int error;
	uint64_t from_ns, until_ns; /* since the begin */
	uint64_t every_ns, for_ns;  /* in bursts; 0: all the time */
	uint8_t of_three;	    /* only hosts that leave this over, + 1; 0: all */
	uint64_t begin_ns;
};

static int refuse(struct peer *p, const struct packet *probe)
{
	const struct refusal *r = p->ctx;
	uint64_t at = p->now_ns - r->begin_ns;

	if (at < r->from_ns || at >= r->until_ns)
		return 0;
	if (r->every_ns && at % r->every_ns >= r->for_ns)
		return 0;
	return r->of_three && host_of(probe) % 3 + 1 != r->of_three ? 0 : r->error;
}

static void begin_refused(struct trial *t, struct peer *p, const char *ports, struct refusal *r)
{
	trial_begin(t, p, "192.0.2.1-9", ports, behind_filter);
	r->begin_ns = p->now_ns;
	p->ctx = r;
	p->refuse = refuse;
}

/* Neighbours that are still being asked for, and buffers that are full now and then. */
static void test_refused_for_a_while(void **state)
{
	static const struct refusal refusals[] = {
	    {.error = EAGAIN, .until_ns = 300000000, .of_three = 1},
	    {.error = EAGAIN, .until_ns = 300000000},
	    {.error = ENOBUFS, .until_ns = UINT64_MAX, .every_ns = 11000000, .for_ns = 4000000},
	    {.error = ENOBUFS, .from_ns = 20000000, .until_ns = 500000000},
	};

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct refusal r = refusals[i % 4];
		struct trial t;
		struct peer p;

		begin_refused(&t, &p, "1-200", &r);
		t.c.rate = i / 4 % 2 ? INFINITY : 0;
		t.c.skip_dead = i / 8;
		trial_run(&t, &p);
		assert_filter_seen(&t, 1800);
		assert_int_equal(t.kept.sum.end, END_COMPLETE);
		assert_true(t.kept.sum.complete);
		assert_int_equal(t.kept.sum.send_errors, 0);
		assert_true(t.kept.sum.elapsed_s < 6);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* No room for ever, from the first packet, in the first pass, or in the second one on. */
static void test_never_any_room(void **state)
{
	static const uint64_t from_ns[] = {0, 30000000, 95000000};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct refusal r = {ENOBUFS, from_ns[i % 3], UINT64_MAX, 0, 0, 0, 0};
		struct trial t;
		struct peer p;

		begin_refused(&t, &p, "1-200", &r);
		t.c.rate = 20000;
		t.c.enumerate_silent = i / 3;
		trial_run(&t, &p);
		assert_int_equal(t.kept.sum.end, END_SEND);
		assert_false(t.kept.sum.complete);
		assert_true(strlen(t.kept.sum.why) > 0);
		assert_int_equal(count_state(&t, STATE_FILTERED), 0);
		assert_int_equal(t.kept.complete_windows, 0);
		assert_true(t.kept.sum.elapsed_s < 8);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

static void test_no_neighbour(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct refusal r = {.error = EHOSTUNREACH, .until_ns = UINT64_MAX, .of_three = 2};
		struct trial t;
		struct peer p;

		r.from_ns = i % 2 * 20 * MS; /* some have left by then */
		begin_refused(&t, &p, "1-200", &r);
		t.c.skip_dead = i / 2;
		trial_run(&t, &p);
		for (unsigned h = 1; h <= 9; h++) {
			const struct host_record *rec = &t.kept.hosts[h];

			assert_int_equal(rec->unreachable, h % 3 == 1 && !rec->up);
			if (h % 3 == 1) {
				assert_true(count_state_of(&t, (uint8_t)h, STATE_NOT_PROBED) > 0);
				assert_true(sent_to(&t, &p, (uint8_t)h) < 100);
			} else {
				assert_int_equal(rec->counts[STATE_CLOSED], 170);
				assert_int_equal(rec->counts[STATE_FILTERED], 20);
			}
			if (rec->unreachable)
				assert_string_equal(rec->down_reason, "host-unreachable");
		}
		assert_int_equal(t.kept.sum.skipped, 0);
		assert_int_equal(t.kept.sum.hosts_given_up, 0);
		assert_true(t.kept.sum.elapsed_s < 2);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* Who is gone from a retry on was asked no oftener than until then. */
static void test_neighbour_lost(void **state)
{
	(void)state;
	for (unsigned ms = 60; ms < 400; ms += 20) {
		struct refusal r = {.error = EHOSTUNREACH, .until_ns = UINT64_MAX, .of_three = 2};
		struct trial t;
		struct peer p;

		r.from_ns = ms * MS;
		begin_refused(&t, &p, "1-200", &r);
		trial_run(&t, &p);
		for (unsigned h = 2; h <= 9; h += h % 3 ? 1 : 2) {
			assert_int_equal(t.kept.hosts[h].counts[STATE_CLOSED], 170);
			assert_int_equal(t.kept.hosts[h].counts[STATE_FILTERED], 20);
		}
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* The link goes while something is on its way, in each pass. */
static void test_link_goes(void **state)
{
	(void)state;
	for (unsigned ms = 5; ms < 600; ms += 23) {
		struct refusal r = {.error = ENETDOWN, .from_ns = ms * MS, .until_ns = UINT64_MAX};
		struct trial t;
		struct peer p;

		begin_refused(&t, &p, "1-200", &r);
		t.c.rate = 20000;
		trial_run(&t, &p);
		for (size_t i = 0; i < t.kept.n; i++)
			if (t.kept.v[i].state == STATE_FILTERED)
				assert_true(t.kept.v[i].tries >= 3);
		assert_int_equal(count_state(&t, STATE_NOT_PROBED), t.kept.sum.not_probed);
		if (t.kept.sum.end == END_COMPLETE) {
			assert_filter_seen(&t, 1800);
		} else {
			assert_int_equal(t.kept.sum.end, END_LINK);
			assert_false(t.kept.sum.complete);
			assert_int_equal(t.kept.complete_windows, 0);
		}
		assert_true(t.kept.sum.elapsed_s < 3);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* --- clocks and numbers ----------------------------------------------------------------------- */

static void test_clock_jumps(void **state)
{
	static const double rates[] = {0, 1000, INFINITY};

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-4", "1-200", behind_filter);
		t.c.rate = rates[i % 3];
		t.c.skip_dead = i / 3 % 2;
		t.c.retries = i % 4 == 3 ? 0 : RETRIES_AUTO;
		p.jump_at_ns = p.now_ns + (uint64_t)(i / 3) * 37 * MS / 2 + 100000;
		p.jump_ns = (i % 2 ? 3600 : 7) * S;
		p.rtt_ns = 30 * MS;
		trial_run(&t, &p);
		assert_filter_seen(&t, 800);
		assert_true(t.kept.sum.complete);
		assert_int_equal(t.kept.sum.hosts_limited, 0);
		assert_true(p.n_sent < 800 * 4);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

static void test_clock_stands_still(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 24; i++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-4", "1-200", behind_filter);
		t.c.rate = i % 2 ? INFINITY : 0;
		p.still_from_ns = p.now_ns + (uint64_t)i * 5 * MS;
		p.still_calls = 20000;
		trial_run(&t, &p);
		assert_filter_seen(&t, 800);
		assert_int_equal(p.still_calls, 0);
		assert_true(t.kept.sum.complete);
		assert_true(p.n_sent < 800 * 4);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* Only the ninth try is answered, and its time stamp echoed. */
static void ninth_stamped(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	uint8_t *o = out->seg[0].options;

	(void)p;
	if (p->n_sent < 9)
		return;
	peer_rfc(probe, true, out);
	o[0] = o[1] = 1;
	o[2] = 8;
	o[3] = 10;
	for (unsigned i = 0; i < 4; i++) {
		o[4 + i] = 0x77;
		o[8 + i] = (uint8_t)(probe->options.tsval >> (24 - 8 * i));
	}
	out->seg[0].options_len = 12;
}

/* SEQ + 1 is 0, and so is the TSval of the eighth try. */
static void test_numbers_wrap(void **state)
{
	/* a key under which the first TSval is 2^32 - 7 */
	static const uint8_t key[16] = {0x08, 0x45, 0xaf, 0x02, 0,   0,	  0,   0,
					'8',  '9',  'a',  'b',	'c', 'd', 'e', 'f'};
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.7", "80", ninth_stamped);
	memcpy(t.c.key, key, sizeof(t.c.key));
	t.c.sport_fixed = true;
	t.c.retries = 10;
	t.c.rto_max_ns = 50 * MS;
	t.c.wish.has_seq = true;
	t.c.wish.seq = UINT32_MAX;
	trial_run(&t, &p);
	assert_int_equal(p.n_sent, 9);
	assert_int_equal(port_of(&t, 80)->state, STATE_OPEN);
	assert_int_equal(port_of(&t, 80)->rtt_us / 10, 40);
	assert_int_equal(port_of(&t, 80)->tries, 9);
	assert_int_equal(t.kept.sum.late, 0);
	trial_end(&t, &p);
}

static void test_sequence_wraps(void **state)
{
	static const uint8_t data[] = "abcdef";

	(void)state;
	for (uint32_t seq = UINT32_MAX - 9; seq != 3; seq++) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "10-29", fifty);
		t.c.wish.has_seq = true;
		t.c.wish.seq = seq;
		t.c.wish.data = data;
		t.c.wish.data_len = 6;
		trial_run(&t, &p);
		assert_int_equal(count_state(&t, STATE_OPEN), 1);
		assert_int_equal(count_state(&t, STATE_CLOSED), 19);
		assert_int_equal(p.n_sent, 20);
		trial_end(&t, &p);
	}
}

/* --- the pace --------------------------------------------------------------------------------- */

/* In no `ms` do more leave than the rate has in that time, and in `slack_ms` beside. */
static void assert_even(const struct peer *p, double rate, unsigned ms, unsigned slack_ms)
{
	uint64_t most = (uint64_t)(rate * (ms + slack_ms) / 1000) + 1, from = 0;

	for (uint64_t i = 0; i < p->n_sent; i++) {
		while (p->sent[i].at_ns - p->sent[from].at_ns >= ms * MS)
			from++;
		if (i - from + 1 > most)
			fail_msg("%u packets in %u ms", (unsigned)(i - from + 1), ms);
	}
}

static void test_rate_is_obeyed(void **state)
{
	static const double rates[] = {300, 5000, 77777};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct refusal r = {.error = ENOBUFS,
				    .until_ns = UINT64_MAX,
				    .every_ns = 50 * MS,
				    .for_ns = 5 * MS};
		struct trial t;
		struct peer p;

		begin_refused(&t, &p, "1-100", &r);
		if (i < 3)
			p.refuse = NULL;
		p.loss_percent = 10;
		t.c.rate = rates[i % 3];
		trial_run(&t, &p);
		assert_even(&p, t.c.rate, 10, 1);
		assert_filter_seen(&t, 900);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

static void nobody(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	(void)probe;
	(void)out;
}

/* 10,000/s in all, 1,000/s for a host, and for a network as well. */
static void test_auto_without_an_answer(void **state)
{
	static const struct {
		unsigned hosts;
		bool apart; /* each in a network of its own */
		double rate, first_s;
	} cases[] = {
	    {1, false, 1000, 1}, {4, false, 1000, 4}, {4, true, 4000, 1}, {30, true, 10000, 3}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct peer one = {.sent = calloc(PEER_LOG, sizeof(*one.sent))};
		static const struct target_help help;
		struct targets none = {0};
		struct trial t;
		struct peer p;
		struct err e;

		trial_begin(&t, &p, "10.0.0.0", "1-1000", nobody);
		space_free(&t.space);
		targets_init(&none);
		for (unsigned h = 1; h < cases[i].hosts; h++) {
			char word[32];

			snprintf(word, sizeof(word), "10.0.%u.%u", cases[i].apart ? h : 0, h);
			assert_int_equal(targets_add(&t.targets, word, &help, &e), TARGET_OK);
		}
		assert_int_equal(space_build(&t.space, &t.targets, t.ports, &none, &e), 0);
		trial_run(&t, &p);
		assert_even(&p, cases[i].rate, 100, 5);
		for (uint64_t n = 0; n < p.n_sent; n++)
			if (p.sent[n].dst_last == cases[i].hosts - 1)
				one.sent[one.n_sent++] = p.sent[n];
		assert_int_equal(one.n_sent, 3000);
		assert_even(&one, 1000, 100, 5);
		assert_true(t.kept.sum.elapsed_s <
			    3 * (cases[i].first_s * 1.2 + 1.1)); /* no slower */
		free(one.sent);
		trial_end(&t, &p);
	}
}

/* Half of the ports keep silent: retries of those ask some of the others as well. */
static void half(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport % 2)
		peer_rfc(probe, probe->seg.dport == 101, out);
	peer_put(out, &out->seg[0], 100000);
	out->n = probe->seg.dport % 2 ? 2 : 0;
}

static void test_canaries(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t canaries = 0;
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "1-12000", half);
		t.c.rate = i ? 30000 : 0;
		trial_run(&t, &p);
		for (uint64_t n = 0; n < p.n_sent; n++) {
			if (!is_canary(&t, &p.sent[n]))
				continue;
			canaries++;
			assert_int_equal(p.sent[n].dport % 2, 1);
			assert_true(n > 12000);
		}
		assert_in_range(canaries, 10, 12);
		assert_int_equal(t.kept.sum.sent, p.n_sent);
		assert_int_equal(t.kept.sum.answered, 6000);
		assert_int_equal(t.kept.sum.duplicates, 6000);
		assert_int_equal(t.kept.sum.foreign, 0);
		assert_int_equal(t.kept.sum.late, 0);
		assert_int_equal(t.kept.found, 1);
		assert_int_equal(count_state(&t, STATE_CLOSED), 5999);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* --- ends ------------------------------------------------------------------------------------- */

/* Stopped at any moment: what was asked is drained, and nothing is guessed. */
static void test_stopped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		uint64_t at = i * 23 * MS / 2;
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.1-4", "1-200", behind_filter);
		t.c.rate = i % 2 ? 5000 : INFINITY;
		t.c.skip_dead = i % 3 == 0;
		t.c.window = i % 5 == 0 ? 333 : 0;
		if (i % 4 < 2)
			t.c.deadline_ns = at + 1;
		else
			p.stop_at_ns = p.now_ns + at + 1;
		trial_run(&t, &p);
		if (t.kept.sum.end == END_COMPLETE) {
			assert_filter_seen(&t, 800);
		} else {
			assert_int_equal(t.kept.sum.end,
					 i % 4 < 2 ? END_DEADLINE : END_INTERRUPTED);
			assert_false(t.kept.sum.complete);
			assert_true(t.kept.sum.elapsed_s < (double)at / 1e9 + 1.1);
			if (!t.c.window)
				assert_int_equal(count_state(&t, STATE_FILTERED), 0);
		}
		if (i % 4 < 2)
			assert_true(t.kept.sum.elapsed_s < (double)at / 1e9 + 0.01);
		for (size_t n = 0; n < t.kept.n; n++)
			if (t.kept.v[n].state == STATE_FILTERED)
				assert_true(t.kept.v[n].tries >= 3 && t.kept.v[n].port % 10 == 3);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_reordered_and_twice),
	    cmocka_unit_test(test_answer_to_an_earlier_pass),
	    cmocka_unit_test(test_answer_after_its_window),
	    cmocka_unit_test(test_reset_limits),
	    cmocka_unit_test(test_open_ports_alone_cost_no_limit),
	    cmocka_unit_test(test_limited_and_filtered),
	    cmocka_unit_test(test_limit_of_one_slows_nobody_else),
	    cmocka_unit_test(test_limit_beside_filtered_ports),
	    cmocka_unit_test(test_limit_in_windows),
	    cmocka_unit_test(test_filtered_is_not_limited),
	    cmocka_unit_test(test_dead_hosts),
	    cmocka_unit_test(test_dead_hosts_asked_all),
	    cmocka_unit_test(test_late_host_is_asked_in_full),
	    cmocka_unit_test(test_given_up_are_counted_alone),
	    cmocka_unit_test(test_stopped_before_the_dead),
	    cmocka_unit_test(test_windows),
	    cmocka_unit_test(test_window_closes_early),
	    cmocka_unit_test(test_window_closes_early_beside_known),
	    cmocka_unit_test(test_shards),
	    cmocka_unit_test(test_shard_closes_early),
	    cmocka_unit_test(test_known),
	    cmocka_unit_test(test_known_hosts_are_not_given_up),
	    cmocka_unit_test(test_refused_for_a_while),
	    cmocka_unit_test(test_never_any_room),
	    cmocka_unit_test(test_no_neighbour),
	    cmocka_unit_test(test_neighbour_lost),
	    cmocka_unit_test(test_link_goes),
	    cmocka_unit_test(test_clock_jumps),
	    cmocka_unit_test(test_clock_stands_still),
	    cmocka_unit_test(test_numbers_wrap),
	    cmocka_unit_test(test_sequence_wraps),
	    cmocka_unit_test(test_rate_is_obeyed),
	    cmocka_unit_test(test_auto_without_an_answer),
	    cmocka_unit_test(test_canaries),
	    cmocka_unit_test(test_stopped),
	};

	return cmocka_run_group_tests_name("sweep fast", tests, NULL, NULL);
}
