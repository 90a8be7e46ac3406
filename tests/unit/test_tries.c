/* test_tries: what many tries come to: counts, the spread of round trips, and the bound on memory.
 */
#include "unit.h"

#include "judge/tries.h"

static struct tries_record sum_of(struct tries *t)
{
	struct tries_record out = {0};

	tries_sum_up(t, &out);
	return out;
}

static void test_none(void **state)
{
	struct tries t = {0};
	struct tries_record r = sum_of(&t);

	(void)state;
	assert_int_equal(r.tries, 0);
	assert_int_equal(r.rtts, 0);
	assert_int_equal(r.p99_us, 0);
	tries_free(&t);
}

static void test_counts(void **state)
{
	struct tries t = {0};
	struct tries_record r;

	(void)state;
	tries_add(&t, STATE_OPEN, true, 400);
	tries_add(&t, STATE_FILTERED, false, UINT32_MAX);
	tries_add(&t, STATE_REJECTED, true, 600);
	r = sum_of(&t);
	assert_int_equal(r.tries, 3);
	assert_int_equal(r.answered, 2);
	assert_int_equal(r.counts[STATE_OPEN], 1);
	assert_int_equal(r.counts[STATE_FILTERED], 1);
	assert_int_equal(r.counts[STATE_REJECTED], 1);
	assert_int_equal(r.rtts, 2);
	assert_int_equal(r.mean_us, 500);
	assert_int_equal(r.mdev_us, 100);
	tries_free(&t);
}

/* 1 to 1000, in a shuffled order: the percentile is the number itself. */
static void test_percentiles(void **state)
{
	struct tries t = {0};
	struct tries_record r;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		tries_add(&t, STATE_OPEN, true, i * 387 % 1000 + 1);
	r = sum_of(&t);
	assert_int_equal(r.min_us, 1);
	assert_int_equal(r.p50_us, 500);
	assert_int_equal(r.p90_us, 900);
	assert_int_equal(r.p99_us, 990);
	assert_int_equal(r.max_us, 1000);
	assert_in_range(r.mean_us, 500, 501); /* 500.5 */
	assert_int_equal(r.mdev_us, 289);     /* sqrt((1000^2 - 1) / 12) */
	tries_free(&t);
}

/* The least that so many of a hundred do not exceed: of few, one of them. */
static void test_percentiles_of_few(void **state)
{
	struct tries t = {0};
	struct tries_record r;

	(void)state;
	tries_add(&t, STATE_OPEN, true, 300);
	r = sum_of(&t);
	assert_int_equal(r.p50_us, 300);
	assert_int_equal(r.p99_us, 300);
	tries_add(&t, STATE_OPEN, true, 900);
	r = sum_of(&t);
	assert_int_equal(r.p50_us, 300);
	assert_int_equal(r.p90_us, 900);
	tries_add(&t, STATE_OPEN, true, 100);
	r = sum_of(&t);
	assert_int_equal(r.p50_us, 300);
	tries_free(&t);
}

/* Of more than are kept the ends and the mean are exact still, and the middle is near. */
static void test_more_than_are_kept(void **state)
{
	const uint32_t all = 3 * TRIES_KEPT_MAX;
	struct tries t = {0};
	struct tries_record r;

	(void)state;
	for (uint32_t i = 0; i < all; i++)
		tries_add(&t, STATE_OPEN, true, i);
	assert_int_equal(t.n_kept, TRIES_KEPT_MAX);
	r = sum_of(&t);
	assert_int_equal(r.rtts, all);
	assert_int_equal(r.min_us, 0);
	assert_int_equal(r.max_us, all - 1);
	assert_in_range(r.mean_us, all / 2 - 1, all / 2 + 1);
	assert_in_range(r.p50_us, all / 100 * 49, all / 100 * 51);
	assert_in_range(r.p99_us, all / 100 * 98, all);
	tries_free(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_none),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_percentiles),
	    cmocka_unit_test(test_percentiles_of_few),
	    cmocka_unit_test(test_more_than_are_kept),
	};

	return cmocka_run_group_tests_name("tries", tests, NULL, NULL);
}
