/* test_pace: the small parts of the engine: pace, RTO, cookies, and the tables of what answered. */
#include "unit/unit.h"

#include <math.h>

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
	assert_int_equal(pace_budget(&p, MS), 1);
	assert_int_equal(pace_budget(&p, 5000 * MS), 1); /* idle time saves up no burst */
	pace_init(&p, 100000, 1, 0);
	pace_spend(&p, 1);
	assert_int_equal(pace_budget(&p, 5000 * MS), PACE_BATCH);
	pace_init(&p, INFINITY, 1, 0);
	pace_spend(&p, PACE_BATCH);
	assert_int_equal(pace_budget(&p, 0), PACE_BATCH);
}

/* One epoch in which `sent` left and `answered` came back. */
static void epoch(struct pace *p, uint64_t *now, unsigned sent, unsigned answered, bool lost)
{
	p->epoch_sent += sent;
	for (unsigned i = 0; i < answered; i++)
		pace_answered(p);
	*now += 10 * MS;
	pace_tick(p, *now, MS, lost);
}

static void test_auto(void **state)
{
	struct pace p;
	uint64_t now = 0;
	double top;

	(void)state;
	pace_init(&p, 0, 1, 0);
	assert_true(p.rate == PACE_HOST_RATE);
	for (int i = 0; i < 50; i++)
		epoch(&p, &now, 20, 0, false);
	assert_true(p.rate == PACE_HOST_RATE); /* nobody answers: stays gentle */
	for (int i = 0; i < 6; i++)
		epoch(&p, &now, 20, 20, false);
	assert_true(p.rate >= 64000);
	top = p.rate;
	epoch(&p, &now, 100, 30, false);
	assert_true(p.rate < top && p.rate >= top / 2); /* a factor, never to one */
	for (int i = 0; i < 100; i++)
		epoch(&p, &now, 20, 20, true);
	assert_true(p.rate >= PACE_SILENT_RATE);
	pace_init(&p, 0, 1000, 0);
	assert_true(p.rate == PACE_SILENT_RATE);
	pace_init(&p, 500, 1, 0);
	for (int i = 0; i < 10; i++)
		epoch(&p, &now, 20, 20, false);
	assert_true(p.rate == 500); /* a rate that was asked for is kept */
	pace_limit(&p, 20);
	assert_true(p.rate == 500);
	pace_init(&p, 0, 1, 0);
	pace_limit(&p, 20);
	assert_true(p.rate == 20);
	for (int i = 0; i < 10; i++)
		epoch(&p, &now, 20, 20, false);
	assert_true(p.rate == 20); /* whatever is answered */
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
	    cmocka_unit_test(test_bucket), cmocka_unit_test(test_auto),
	    cmocka_unit_test(test_rto),	   cmocka_unit_test(test_cookie),
	    cmocka_unit_test(test_slab),   cmocka_unit_test(test_slab_bounds_a_port),
	    cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
