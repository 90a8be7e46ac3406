/* Arrays: they grow as they are filled, and what no address reaches is refused, not cut short. */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

#include "unit.h"

static void test_grows(void **state)
{
	uint32_t *v = NULL;
	size_t cap = 0;

	(void)state;
	for (size_t n = 0; n < 1000; n++) {
		assert_true(array_grow(&v, n, &cap, sizeof(*v)));
		assert_true(n < cap);
		v[n] = (uint32_t)n;
	}
	for (size_t n = 0; n < 1000; n++)
		assert_int_equal(v[n], n);
	free(v);
}

static void test_full_stays_as_it_is(void **state)
{
	char byte = 0, *v = &byte;
	size_t cap = SIZE_MAX / 4;

	(void)state;
	assert_false(array_grow(&v, cap, &cap, 16));
	assert_ptr_equal(v, &byte);
	assert_int_equal(cap, SIZE_MAX / 4);
}

static void test_zeroed(void **state)
{
	uint64_t *v = array_zeroed(100, sizeof(*v));

	(void)state;
	assert_non_null(v);
	for (size_t i = 0; i < 100; i++)
		assert_true(v[i] == 0);
	free(v);
}

/* 2^32 + 1 octets where a size has 32 bits: not one octet. */
static void test_more_than_can_be_addressed(void **state)
{
	(void)state;
	assert_null(array_zeroed(UINT64_MAX, 1));
	assert_null(array_zeroed(UINT64_MAX / 8 + 2, 8));
	if (SIZE_MAX == UINT32_MAX)
		assert_null(array_zeroed((1ULL << 32) + 1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grows),
	    cmocka_unit_test(test_full_stays_as_it_is),
	    cmocka_unit_test(test_zeroed),
	    cmocka_unit_test(test_more_than_can_be_addressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
