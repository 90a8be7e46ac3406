/*
 * test_shard: the parts of --shard are disjoint, together all, alike in size and the same again for
 * the same seed, wherever the windows of a part end and whatever an earlier run has found out.
 */
#include "unit.h"

#include <stdlib.h>

#include "engine/sweep_private.h"

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

/* --- random spaces ---------------------------------------------------------------------------- */

enum { TOTAL_MAX = 60000, PARTS_MAX = 5000 };

static uint64_t rnd = 88172645463325252;

static uint64_t below(uint64_t n)
{
	rnd ^= rnd << 13;
	rnd ^= rnd >> 7;
	rnd ^= rnd << 17;
	return rnd % n;
}

/* Which part asks each index: from 1; 0: nobody yet. */
static void deal(uint16_t *whose, uint64_t total, uint64_t n, uint64_t seed)
{
	struct permute p;
	uint64_t first, end;

	permute_init(&p, total, seed, seed == 0);
	memset(whose, 0, TOTAL_MAX * sizeof(*whose));
	for (uint64_t i = 1; i <= n; i++) {
		sweep_shard(total, i, n, &first, &end);
		for (uint64_t place = first; place < end; place++) {
			uint64_t index = permute_at(&p, place);

			assert_true(index < total && !whose[index]);
			whose[index] = (uint16_t)i;
		}
	}
	for (uint64_t i = 0; i < total; i++)
		assert_true(whose[i]);
}

/* The same seed deals the same, another one otherwise; more parts than places leave some empty. */
static void test_random_spaces(void **state)
{
	static uint16_t once[TOTAL_MAX], again[TOTAL_MAX];

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		uint64_t total = 1 + below(round % 3 ? TOTAL_MAX : 100);
		uint64_t n = 1 + below(round % 2 ? PARTS_MAX : 20), seed = 1 + below(UINT32_MAX);

		deal(once, total, n, seed);
		deal(again, total, n, seed);
		assert_memory_equal(once, again, sizeof(once));
		deal(again, total, n, seed + 1);
		if (total > 50 && n > 1)
			assert_true(memcmp(once, again, sizeof(once)) != 0);
		deal(once, total, n, 0); /* in order */
	}
}

/* --- windows ---------------------------------------------------------------------------------- */

struct part {
	struct space space;
	struct wire wire;
	struct sweep_config c;
	struct sweep s;
};

static void part_begin(struct part *t, uint64_t total, uint64_t i, uint64_t n,
		       const struct sweep_known *known)
{
	*t = (struct part){.space = {.total = total}};
	t->c = (struct sweep_config){
	    .space = &t->space, .n_kinds = 1 + below(3), .seed = 7, .known = known};
	sweep_shard(total, i, n, &t->c.first_place, &t->c.end_place);
	t->s.c = &t->c;
	t->s.w = &t->wire;
	permute_init(&t->s.perm, total, t->c.seed, false);
}

static void part_end(struct part *t)
{
	free(t->s.done);
	free(t->s.pending);
	free(t->s.unsent);
	free(t->s.times[0]);
	free(t->s.times[1]);
}

/* Goes through its windows, of which some close early, and marks what they ask. */
static void walk(struct part *t, uint8_t *asked)
{
	uint64_t most = 1 + below(3000), first;
	struct sweep *s = &t->s;
	struct err e;

	for (first = sweep_unknown_from(s, t->c.first_place); first < sweep_end(s);
	     first = sweep_unknown_from(s, s->first + s->size)) {
		assert_int_equal(sweep_window_open(s, first, most, &e), 0);
		assert_true(s->size > 0 && s->first + s->size <= sweep_end(s));
		if (below(3) == 0)
			sweep_window_end_at(s, 1 + below(s->size));
		for (uint64_t k = 0; k < s->size; k++) {
			uint64_t index = permute_at(&s->perm, s->first + k);

			if (sweep_is_known(s, index))
				assert_true(bit_get(s->done, k * t->c.n_kinds));
			else
				asked[index]++;
		}
	}
}

static int index_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* What an earlier run knows: whole stretches of places, and some indices outside of them. */
static void make_known(struct sweep_known *k, struct place_range *ranges, uint64_t *indices,
		       uint64_t total, uint8_t *asked)
{
	struct permute p;
	uint64_t at = 0;

	permute_init(&p, total, 7, false);
	*k = (struct sweep_known){.windows = ranges, .indices = indices};
	while (k->n_windows < 20 && (at += 1 + below(total / 4 + 1)) < total) {
		uint64_t last = at + below(total / 9 + 1);

		last = last < total ? last : total - 1;
		ranges[k->n_windows++] = (struct place_range){at, last};
		for (; at <= last; at++)
			asked[permute_at(&p, at)]++;
	}
	for (unsigned i = 0; i < 50; i++) {
		uint64_t index = below(total);

		if (!asked[index]++)
			indices[k->n_indices++] = index;
		else
			asked[index] = 1;
	}
	qsort(indices, k->n_indices, sizeof(*indices), index_cmp);
}

/* Each index is asked once by one part, or known; known parts of any of them are no gap. */
static void test_windows(void **state)
{
	static uint8_t asked[TOTAL_MAX];
	struct place_range ranges[20];
	uint64_t indices[50];

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		uint64_t total = 1 + below(round % 3 ? TOTAL_MAX : 100);
		uint64_t n = 1 + below(round % 2 ? 200 : 5);
		struct sweep_known known = {0};

		memset(asked, 0, sizeof(asked));
		if (round % 4 >= 2)
			make_known(&known, ranges, indices, total, asked);
		for (uint64_t i = 1; i <= n; i++) {
			struct part t;

			part_begin(&t, total, i, n, &known);
			walk(&t, asked);
			part_end(&t);
		}
		for (uint64_t i = 0; i < total; i++)
			assert_int_equal(asked[i], 1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_small),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_random_spaces),
	    cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
