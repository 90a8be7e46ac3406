/* test_shard: the parts of --shard are disjoint, together all, and alike in size. */
#include "unit.h"

#include "engine/sweep.h"

static void check(uint64_t total, uint64_t n)
{
	uint64_t next = 0, least = UINT64_MAX, most = 0;

	for (uint64_t i = 1; i <= n; i++) {
		uint64_t first = 7, end = 3;

		sweep_shard(total, i, n, &first, &end);
		assert_int_equal(first, next);
		assert_true(end >= first && end <= total);
		least = end - first < least ? end - first : least;
		most = end - first > most ? end - first : most;
		next = end;
	}
	assert_int_equal(next, total);
	assert_true(most - least <= 1);
}

static void test_small(void **state)
{
	(void)state;
	for (uint64_t total = 1; total < 70; total++)
		for (uint64_t n = 1; n < 75; n++)
			check(total, n);
}

static void test_large(void **state)
{
	uint64_t first, end;

	(void)state;
	check(UINT64_C(1) << 48, 1);
	check(UINT64_C(1) << 48, 1000);
	check((UINT64_C(1) << 48) - 1, 999);
	check(UINT64_C(65535) << 24, 7);
	/* the most parts that an option takes */
	sweep_shard(UINT64_C(1) << 48, UINT32_MAX, UINT32_MAX, &first, &end);
	assert_int_equal(end, UINT64_C(1) << 48);
	assert_true(first < end);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_small),
	    cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
