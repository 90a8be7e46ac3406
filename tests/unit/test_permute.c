/* permute: that it is a permutation with an exact inverse, keyed, and that it spreads. */
#include "unit.h"

#include "engine/permute.h"

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

static void every_small_n_is_a_permutation(void **state)
{
	static uint8_t seen[2000];

	(void)state;
	for (uint64_t n = 1; n <= 2000; n++) {
		struct permute p;

		permute_init(&p, n, n * 31 + 7, false);
		memset(seen, 0, sizeof(seen));
		for (uint64_t i = 0; i < n; i++) {
			uint64_t x = permute_at(&p, i);

			assert_true(x < n);
			assert_false(seen[x]);
			seen[x] = 1;
			assert_true(permute_inverse(&p, x) == i);
		}
	}
}

static void inverse_holds_for_large_n(void **state)
{
	uint64_t rnd = 88172645463325252;

	(void)state;
	for (unsigned k = 0; k < 400; k++) {
		struct permute p;
		uint64_t n = (xorshift(&rnd) >> (k % 50 + 2)) + 1;

		permute_init(&p, n, xorshift(&rnd), false);
		for (unsigned j = 0; j < 50; j++) {
			uint64_t i = xorshift(&rnd) % n, x = permute_at(&p, i);

			assert_true(x < n);
			assert_true(permute_inverse(&p, x) == i);
		}
	}
}

static void the_largest_n_is_held(void **state)
{
	uint64_t n = UINT64_C(1) << 62, edges[] = {0, 1, n / 2, n - 1};
	struct permute p;

	(void)state;
	permute_init(&p, n, 5, false);
	for (size_t k = 0; k < 4; k++)
		assert_true(permute_inverse(&p, permute_at(&p, edges[k])) == edges[k]);
}

static void seeds_give_different_orders(void **state)
{
	struct permute a, b, again;
	unsigned same = 0;

	(void)state;
	permute_init(&a, 100000, 1, false);
	permute_init(&b, 100000, 2, false);
	permute_init(&again, 100000, 1, false);
	for (uint64_t i = 0; i < 1000; i++) {
		same += permute_at(&a, i) == permute_at(&b, i);
		assert_true(permute_at(&a, i) == permute_at(&again, i));
	}
	assert_true(same < 5);
}

static void in_order_is_the_identity(void **state)
{
	struct permute p;

	(void)state;
	permute_init(&p, 1000, 9, true);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_true(permute_at(&p, i) == i);
		assert_true(permute_inverse(&p, i) == i);
	}
}

/* 1000 hosts x 1000 ports: 100 random draws of 1000 meet 95.2 different ones on average. */
static void the_first_probes_spread_over_hosts_and_ports(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		bool host[1000] = {0}, port[1000] = {0};
		unsigned hosts = 0, ports = 0;
		struct permute p;

		permute_init(&p, 1000000, seed, false);
		for (uint64_t i = 0; i < 100; i++) {
			uint64_t x = permute_at(&p, i);

			hosts += !host[x / 1000];
			ports += !port[x % 1000];
			host[x / 1000] = port[x % 1000] = true;
		}
		assert_true(hosts >= 85);
		assert_true(ports >= 85);
	}
}

/* No neighbour of a probe is hit at once: equal differences would show a weak network. */
static void differences_do_not_repeat(void **state)
{
	struct permute p;
	uint64_t last, repeated = 0, before = 0;

	(void)state;
	permute_init(&p, 65536, 3, false);
	last = permute_at(&p, 0);
	for (uint64_t i = 1; i < 2000; i++) {
		uint64_t x = permute_at(&p, i), diff = x - last;

		repeated += diff == before;
		before = diff;
		last = x;
	}
	assert_true(repeated < 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_small_n_is_a_permutation),
	    cmocka_unit_test(inverse_holds_for_large_n),
	    cmocka_unit_test(the_largest_n_is_held),
	    cmocka_unit_test(seeds_give_different_orders),
	    cmocka_unit_test(in_order_is_the_identity),
	    cmocka_unit_test(the_first_probes_spread_over_hosts_and_ports),
	    cmocka_unit_test(differences_do_not_repeat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
