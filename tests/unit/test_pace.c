/*
 * test_pace: the small parts of the engine: pace (also on simulated paths, in virtual time),
 * canaries, RTO, cookies, and the tables of what answered.
 */
#include "unit/unit.h"

#include <math.h>

#include "engine/canary.h"
#include "engine/cookie.h"
#include "engine/hosts.h"
#include "engine/pace.h"
#include "engine/rtt.h"
#include "engine/slab.h"

static const uint64_t MS = 1000000;

static void test_bucket(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 1000, 1, 0);
	assert_int_equal(pace_budget(&p, 0), 1);
	pace_spend(&p, 1);
	assert_int_equal(pace_budget(&p, 0), 0);
	assert_int_equal(pace_next(&p, 0), MS);
	assert_int_equal(pace_budget(&p, MS / 2), 0);
	assert_int_equal(pace_budget(&p, MS), 1);	 /* halves add up */
	assert_int_equal(pace_budget(&p, 5000 * MS), 1); /* idle time saves up no burst */
	pace_spend(&p, 1);
	pace_refund(&p, 1);
	assert_int_equal(pace_budget(&p, 5000 * MS), 1);
	pace_init(&p, 2000000, 1, 0);
	pace_spend(&p, 1);
	assert_int_equal(pace_budget(&p, 5000 * MS), 2000); /* one millisecond of it */
	pace_init(&p, INFINITY, 1, 0);
	pace_spend(&p, 100000);
	assert_int_equal(pace_budget(&p, 0), UINT32_MAX);
	assert_int_equal(pace_next(&p, 7), 7);
}

/* Clocks that stand, jump ahead by an hour, or step back: no burst, and no end of sending. */
static void test_bucket_clocks(void **state)
{
	const uint64_t hour = 3600000 * MS;
	struct pace p;

	(void)state;
	pace_init(&p, 5000, 1, hour);
	for (int i = 0; i < 100; i++)
		pace_spend(&p, pace_budget(&p, hour));
	assert_int_equal(pace_budget(&p, hour), 0);
	assert_int_equal(pace_budget(&p, 2 * hour), 5);
	pace_spend(&p, 5);
	assert_int_equal(pace_budget(&p, hour), 0);
	assert_true(pace_next(&p, hour) <= hour + MS);
	assert_int_equal(pace_budget(&p, hour + 2 * MS), 5);
}

/* --- auto, on simulated paths ----------------------------------------------------------------- */

struct road {
	uint64_t rtt_ns, lag_ns; /* lag: until the capture hands an answer over, up to */
	double loss;		 /* of the round trip, at any rate */
	double silent;		 /* share of what never answers */
	double capacity;	 /* packets/s it carries, 0: any */
	double sender;		 /* packets/s that we can send at all, 0: any */
	/* private: */
	double room;
	uint64_t random;
};

enum { STEP_NS = 50000, FLYING = 1 << 17 };

struct run {
	struct road road;
	struct pace p;
	struct canary c;
	uint64_t now, sent, lost;
	bool first_pass, drops;
	struct {
		uint64_t sent, heard, canary; /* canary: 0 for none */
	} v[FLYING];
	unsigned in, out;
};

static double chance(struct road *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (double)(r->random >> 11) / 9007199254740992.0;
}

static void ask(struct run *r, uint64_t canary)
{
	struct road *road = &r->road;
	bool carried = !road->capacity || road->room >= 1;

	r->sent++;
	if (road->capacity)
		road->room -= carried;
	carried = carried && chance(road) >= road->loss;
	r->lost += !carried;
	/* what a later pass asks has kept silent, mostly for good */
	if (!carried || (!canary && (!r->first_pass || chance(road) < road->silent)))
		return;
	r->v[r->in % FLYING].sent = r->now;
	r->v[r->in % FLYING].heard = r->now + road->rtt_ns + (r->now % (road->lag_ns + 1));
	r->v[r->in++ % FLYING].canary = canary;
}

static void hear(struct run *r, struct pace_seen *seen)
{
	for (; r->out != r->in && r->v[r->out % FLYING].heard <= r->now; r->out++) {
		if (r->v[r->out % FLYING].canary) {
			canary_answered(&r->c, r->v[r->out % FLYING].canary);
			continue;
		}
		seen->answered++;
		canary_learn(&r->c, r->out + 1);
		pace_answered(&r->p, r->v[r->out % FLYING].sent);
	}
}

static void step(struct run *r)
{
	struct pace_seen seen = {.dropped = r->drops};
	struct road *road = &r->road;
	uint64_t what;
	unsigned n, at;

	r->now += STEP_NS;
	road->room = fmin(road->room + road->capacity * STEP_NS / 1e9, 0.01 * road->capacity);
	n = pace_budget(&r->p, r->now);
	if (road->sender && n > road->sender * STEP_NS / 1e9)
		n = (unsigned)(road->sender * STEP_NS / 1e9);
	pace_spend(&r->p, n);
	pace_left(&r->p, n, r->now);
	canary_count(&r->c, n);
	at = (unsigned)(chance(road) * n);
	for (unsigned i = 0; i < n; i++) {
		ask(r, 0);
		if (i == at && canary_due(&r->c, r->now, &what))
			ask(r, what);
	}
	hear(r, &seen);
	canary_tick(&r->c, r->now, 100 * MS + 2 * road->rtt_ns);
	canary_take(&r->c, &seen.canaries, &seen.canaries_lost);
	seen.lag_ns = road->lag_ns;
	pace_tick(&r->p, r->now, road->rtt_ns, r->first_pass, &seen);
}

static struct run *run_new(struct road road, uint64_t hosts)
{
	struct run *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->road = road;
	r->road.random = 88172645463325252;
	r->first_pass = true;
	pace_init(&r->p, 0, hosts, 0);
	return r;
}

static void run_for(struct run *r, uint64_t ns)
{
	uint64_t until = r->now + ns;

	r->sent = r->lost = 0;
	while (r->now < until)
		step(r);
}

/* When have 65,535 left? */
static uint64_t time_to_send(struct run *r)
{
	r->sent = 0;
	while (r->sent < 65535)
		step(r);
	return r->now;
}

static void test_auto_grows(void **state)
{
	static const struct road roads[] = {
	    {.rtt_ns = 100000, .sender = 600000},
	    {.rtt_ns = 100000, .sender = 600000, .lag_ns = 8 * 1000000},
	    {.rtt_ns = 100000, .sender = 600000, .loss = 0.02},
	    {.rtt_ns = 100000, .sender = 600000, .loss = 0.1},
	    {.rtt_ns = 100000, .sender = 600000, .loss = 0.36},
	    {.rtt_ns = 100000, .sender = 600000, .silent = 0.6},
	    {.rtt_ns = 100000, .sender = 600000, .silent = 0.6, .loss = 0.1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(roads) / sizeof(roads[0]); i++) {
		struct run *r = run_new(roads[i], 1);

		assert_true(time_to_send(r) < 400 * MS); /* loss that is there at any rate */
		run_for(r, 2000 * MS);
		assert_true(r->sent > 2 * 400000);
		/* nor does it slow later passes down, where canaries see it */
		r->first_pass = false;
		run_for(r, 3000 * MS);
		assert_true(r->sent > 3 * 200000);
		free(r);
	}
}

static void test_auto_is_gentle(void **state)
{
	struct run *r = run_new((struct road){.rtt_ns = 20 * MS, .silent = 1}, 1);
	struct pace_seen seen = {0};

	(void)state;
	run_for(r, 2000 * MS);
	assert_true(r->p.rate == PACE_HOST_RATE); /* nobody answers */
	free(r);
	r = run_new((struct road){.rtt_ns = 20 * MS, .silent = 1}, 1000);
	run_for(r, 2000 * MS);
	assert_true(r->p.rate == PACE_SILENT_RATE);
	r->road.silent = 0;
	run_for(r, 1000 * MS);
	assert_true(r->p.rate > 8 * PACE_SILENT_RATE);
	/* All fall silent, as where the order of targets comes to an empty net: never below
	 * 10,000. */
	r->road.silent = 1;
	run_for(r, 8000 * MS);
	assert_true(r->p.rate >= PACE_SILENT_RATE && r->p.rate < 1.5 * PACE_SILENT_RATE);
	r->drops = true;
	run_for(r, 3000 * MS);
	assert_true(r->p.rate == PACE_HOST_RATE); /* our own drops count, and never to one */
	r->drops = false;
	run_for(r, 4000 * MS);
	assert_true(r->p.rate == PACE_SILENT_RATE);
	pace_tick(&r->p, r->now + 3600000 * MS, MS, true, &seen);
	pace_tick(&r->p, r->now, MS, true, &seen);
	assert_true(r->p.rate == PACE_SILENT_RATE);
	free(r);
}

/* A path that carries so much and no more is found, filled, and not flooded. */
static void test_auto_backs_off(void **state)
{
	static const struct road roads[] = {
	    {.rtt_ns = 100000, .capacity = 50000},
	    {.rtt_ns = 5 * 1000000, .capacity = 50000},
	    {.rtt_ns = 5 * 1000000, .capacity = 50000, .loss = 0.1},
	    {.rtt_ns = 5 * 1000000, .capacity = 50000, .silent = 0.5},
	    {.rtt_ns = 100000, .capacity = 200000, .lag_ns = 4 * 1000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(roads) / sizeof(roads[0]); i++) {
		struct run *r = run_new(roads[i], 1);

		run_for(r, 1500 * MS);
		run_for(r, 3000 * MS);
		assert_true((double)r->sent > 3 * 0.6 * roads[i].capacity);
		assert_true((double)r->sent < 3 * 1.3 * roads[i].capacity);
		free(r);
	}
}

/* In a pass over what kept silent only canaries tell. */
static void test_auto_by_canaries(void **state)
{
	struct run *r = run_new((struct road){.rtt_ns = MS, .sender = 200000}, 1);

	(void)state;
	run_for(r, 1000 * MS);
	assert_true(r->p.rate > 100000);
	r->first_pass = false;
	r->road.capacity = 50000;
	run_for(r, 4000 * MS);
	run_for(r, 4000 * MS);
	assert_true(r->sent < 4 * 70000);
	assert_true(r->sent > 4 * 20000);
	free(r);
}

/* Retried answers tell the loss of the pass before, once, and only where no slower rate does. */
static void test_auto_by_retries(void **state)
{
	struct pace_seen seen = {.answered = 100};
	struct pace p;
	double rate;

	(void)state;
	pace_init(&p, 0, 1000, 0);
	p.rate = rate = 100000;
	for (uint64_t now = 0; now < 1000 * MS; now += 5 * MS) {
		pace_spend(&p, 500);
		pace_left(&p, 500, now);
		pace_tick(&p, now, MS, false, &seen);
		seen = (struct pace_seen){.retried_answered = 5};
	}
	assert_true(p.rate < rate && p.rate > rate / 2);
}

static void test_rate_is_kept(void **state)
{
	struct pace_seen seen = {.answered = 100, .dropped = true};
	struct pace p;

	(void)state;
	pace_init(&p, 500, 1, 0);
	for (uint64_t now = 0; now < 1000 * MS; now += 5 * MS) {
		pace_spend(&p, 20);
		pace_left(&p, 20, now);
		pace_tick(&p, now, MS, true, &seen);
	}
	assert_true(p.rate == 500); /* it was asked for */
	pace_limit(&p, 20);
	assert_true(p.rate == 500);
	pace_init(&p, 0, 1, 0);
	pace_limit(&p, 20);
	for (uint64_t now = 0; now < 1000 * MS; now += 5 * MS) {
		pace_spend(&p, 20);
		pace_left(&p, 20, now);
		pace_tick(&p, now, MS, true, &seen);
		assert_true(p.rate == 20); /* whatever is answered */
	}
}

static void test_canary(void **state)
{
	struct canary c = {0};
	uint64_t what, asked, lost, early = 0;

	(void)state;
	canary_count(&c, 5000);
	assert_false(canary_due(&c, 0, &what)); /* nobody has answered */
	for (uint64_t i = 0; i < 6400; i++)
		canary_learn(&c, i);
	for (unsigned i = 0; i < CANARIES; i++)
		early += c.known[i] < 3200;
	assert_in_range(early, 16, 48); /* a sample of the whole run */
	assert_true(canary_due(&c, 10, &what));
	assert_false(canary_due(&c, 10, &what));
	assert_false(canary_answered(&c, 1000000));
	assert_true(canary_answered(&c, what));
	assert_false(canary_answered(&c, what));
	canary_count(&c, 999);
	assert_false(canary_due(&c, 20, &what));
	canary_count(&c, 1);
	assert_true(canary_due(&c, 20, &what));
	canary_tick(&c, 119, 100);
	canary_take(&c, &asked, &lost);
	assert_int_equal(asked, 1);
	assert_int_equal(lost, 0);
	canary_tick(&c, 121, 100);
	assert_false(canary_answered(&c, what));
	canary_count(&c, 1000);
	assert_true(canary_due(&c, 200, &what));
	canary_tick(&c, 3600000 * MS, 100); /* the clock has jumped: no word on the path */
	canary_take(&c, &asked, &lost);
	assert_int_equal(asked, 1);
	assert_int_equal(lost, 1);
	canary_take(&c, &asked, &lost);
	assert_int_equal(asked, 0);
}

/* RFC 6298, 2.2 and 2.3 */
static void test_rto(void **state)
{
	struct rtt r = {0};

	(void)state;
	assert_int_equal(rtt_rto_us(&r, 5000000), 1000000);
	assert_int_equal(rtt_rto_us(&r, 300000), 300000);
	rtt_sample(&r, 200000);
	assert_int_equal(r.srtt_us, 200000);
	assert_int_equal(r.rttvar_us, 100000);
	assert_int_equal(rtt_rto_us(&r, 5000000), 600000);
	rtt_sample(&r, 280000);
	assert_int_equal(r.rttvar_us, 95000);
	assert_int_equal(r.srtt_us, 210000);
	r = (struct rtt){0};
	rtt_sample(&r, 0);
	assert_int_equal(rtt_rto_us(&r, 5000000), RTO_MIN_US);
	r = (struct rtt){0};
	rtt_sample(&r, UINT32_MAX);
	assert_int_equal(rtt_rto_us(&r, UINT32_MAX), UINT32_MAX);
}

static void test_cookie(void **state)
{
	static const uint8_t key[16] = "0123456789abcdef", other[16] = "0123456789abcdeF";
	struct addr a = addr_v4(192, 0, 2, 1);
	struct cookie c = cookie_make(key, &a, 80, 40000, 0), d;

	(void)state;
	d = cookie_make(key, &a, 80, 40000, 0);
	assert_memory_equal(&c, &d, sizeof(c));
	a.zone = 3; /* a captured address has none */
	d = cookie_make(key, &a, 80, 40000, 0);
	assert_memory_equal(&c, &d, sizeof(c));
	assert_int_not_equal(c.seq, cookie_make(other, &a, 80, 40000, 0).seq);
	assert_int_not_equal(c.seq, cookie_make(key, &a, 81, 40000, 0).seq);
	assert_int_not_equal(c.seq, cookie_make(key, &a, 80, 40001, 0).seq);
	assert_int_not_equal(c.seq, cookie_make(key, &a, 80, 40000, 1).seq);
}

static void test_slab(void **state)
{
	struct slab s;

	(void)state;
	slab_init(&s, 10000 / SLAB_OVERFULL);
	assert_null(slab_find(&s, 7));
	for (uint32_t i = 0; i < 10000; i++) {
		struct reply r = {.seq = i, .reaction = REACTION_SYN_ACK};

		assert_int_equal(slab_add(&s, i * 977, &r), 1);
		assert_int_equal(slab_add(&s, i * 977, &r), 0);
		assert_int_equal(slab_nearly_full(&s), i + 1 >= 1250 - 1250 / 8);
	}
	for (uint32_t i = 0; i < 10000; i++) {
		const struct port_acc *acc = slab_find(&s, i * 977);

		assert_non_null(acc);
		assert_int_equal(slab_reply(&s, acc->replies)->seq, i);
	}
	assert_int_equal(slab_add(&s, 1, &(struct reply){0}),
			 -1); /* full: the port counts as unanswered */
	slab_clear(&s);
	assert_null(slab_find(&s, 977));
	slab_free(&s);
}

static void test_slab_bounds_a_port(void **state)
{
	struct slab s;
	int kept = 0;

	(void)state;
	slab_init(&s, 10);
	for (unsigned k = 0; k < 16; k++)
		for (unsigned r = 0; r < REACTIONS; r++)
			kept += slab_add(
			    &s, 0, &(struct reply){.kind = (uint8_t)k, .reaction = (uint8_t)r});
	/* what carries no cookie gets half, and can't crowd out what does */
	assert_int_equal(kept, SLAB_REPLIES_PER_PORT / 2);
	for (unsigned k = 0; k < 16; k++)
		kept += slab_add(&s, 0, &(struct reply){.kind = (uint8_t)k, .fit = FIT_EXACT});
	assert_true(kept > SLAB_REPLIES_PER_PORT / 2 && kept <= SLAB_REPLIES_PER_PORT);
	slab_free(&s);
}

static void test_hosts(void **state)
{
	struct hosts h = {0};

	(void)state;
	assert_null(hosts_find(&h, 1));
	for (uint64_t i = 0; i < 5000; i++)
		hosts_get(&h, i << 30)->answers = (uint32_t)i;
	assert_int_equal(h.n, 5000);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(hosts_find(&h, i << 30)->answers, i);
	assert_null(hosts_find(&h, 3));
	hosts_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bucket),
	    cmocka_unit_test(test_bucket_clocks),
	    cmocka_unit_test(test_auto_grows),
	    cmocka_unit_test(test_auto_is_gentle),
	    cmocka_unit_test(test_auto_backs_off),
	    cmocka_unit_test(test_auto_by_canaries),
	    cmocka_unit_test(test_auto_by_retries),
	    cmocka_unit_test(test_rate_is_kept),
	    cmocka_unit_test(test_canary),
	    cmocka_unit_test(test_rto),
	    cmocka_unit_test(test_cookie),
	    cmocka_unit_test(test_slab),
	    cmocka_unit_test(test_slab_bounds_a_port),
	    cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
