/* test_family: the points table adds up, and the decision keeps its margins. */
#include "unit.h"

#include "judge/family.h"

static enum stack_family decide(const char *const rows[][2], size_t n, enum confidence *c,
				enum stack_family *second)
{
	struct family_sum s;

	family_begin(&s);
	for (size_t i = 0; i < n; i++)
		family_add(&s, rows[i][0], rows[i][1]);
	return family_decide(&s, c, second);
}
#define DECIDE(rows) decide(rows, sizeof(rows) / sizeof((rows)[0]), &c, &second)

static void test_rows_are_sane(void **state)
{
	(void)state;
	assert_int_equal(family_row_count, 51);
	for (size_t i = 0; i < family_row_count; i++) {
		const struct stack_evidence *r = &family_rows[i];

		assert_int_equal(r->points[FAMILY_UNKNOWN], 0);
		for (int f = 0; f < FAMILIES; f++)
			assert_in_range(r->points[f] + 5, 0, 8);
		for (size_t k = 0; k < i; k++)
			assert_false(strcmp(r->what, family_rows[k].what) == 0 &&
				     strcmp(r->value, family_rows[k].value) == 0);
	}
}

static void test_sums(void **state)
{
	struct family_sum s;

	(void)state;
	family_begin(&s);
	assert_int_equal(s.sum[FAMILY_LINUX], 1); /* the prior */
	assert_int_equal(s.sum[FAMILY_SOLARIS], -2);
	assert_int_equal(s.n, 0);
	family_add(&s, "ack_rst", "R ack!=0");
	family_add(&s, "ttl", "128");
	assert_int_equal(s.sum[FAMILY_WINDOWS], 1 + 3 + 2);
	assert_int_equal(s.sum[FAMILY_LINUX], 1 - 5 - 4);
	assert_int_equal(s.sum[FAMILY_MACOS], -1 - 5 - 5);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.evidence[0].what, "ack_rst");
	assert_int_equal(s.evidence[1].points[FAMILY_WINDOWS], 2);
	/* neither the unknown nor what was said already */
	family_add(&s, "ttl", "77");
	family_add(&s, "nosuch", "128");
	family_add(&s, "ttl", "64");
	family_add(&s, "ttl", "128");
	assert_int_equal(s.n, 2);
	assert_int_equal(s.sum[FAMILY_WINDOWS], 6);
}

static void test_decision(void **state)
{
	static const char *const one[][2] = {{"ack_rst", "R ack!=0"}};
	static const char *const windows[][2] = {{"ack_rst", "R ack!=0"}, {"ttl", "128"}};
	static const char *const even[][2] = {{"fin_closed", "ack=seq+1"}, {"sa_win", "16384"}};
	static const char *const low[][2] = {{"ttl", "64"}, {"df", "-Y"}};
	static const char *const medium[][2] = {
	    {"df", "YY"}, {"ttl", "64"}, {"null_open", "silent"}};
	enum confidence c;
	enum stack_family second;

	(void)state;
	assert_int_equal(DECIDE(one), FAMILY_UNKNOWN);
	assert_int_equal(DECIDE(windows), FAMILY_WINDOWS);
	assert_int_equal(c, CONFIDENCE_HIGH);
	assert_int_equal(second, FAMILY_EMBEDDED);
	assert_int_equal(DECIDE(low), FAMILY_LINUX); /* 2 against bsd's 1 */
	assert_int_equal(c, CONFIDENCE_LOW);
	assert_int_equal(second, FAMILY_BSD);
	assert_int_equal(DECIDE(medium), FAMILY_LINUX); /* 3 against 1 */
	assert_int_equal(c, CONFIDENCE_MEDIUM);
	/* windows 1+1+0, the next (bsd, embedded) 0 and less */
	assert_int_equal(DECIDE(even), FAMILY_WINDOWS);
	assert_int_equal(c, CONFIDENCE_MEDIUM);
}

/* A tie between groups is no verdict; one within a group is. */
static void test_ties(void **state)
{
	struct family_sum s = {.n = 3};
	enum confidence c;
	enum stack_family second;

	(void)state;
	for (int f = 1; f < FAMILIES; f++)
		s.sum[f] = -9;
	s.sum[FAMILY_LINUX] = s.sum[FAMILY_SOLARIS] = 4;
	assert_int_equal(family_decide(&s, &c, &second), FAMILY_UNKNOWN);
	s.sum[FAMILY_SOLARIS] = 3;
	assert_int_equal(family_decide(&s, &c, &second), FAMILY_LINUX);
	assert_int_equal(second, FAMILY_SOLARIS);
	s.sum[FAMILY_BSD] = s.sum[FAMILY_MACOS] = 8;
	assert_int_equal(family_decide(&s, &c, &second), FAMILY_BSD);
	assert_int_equal(second, FAMILY_LINUX);
	assert_int_equal(c, CONFIDENCE_HIGH);
	s.sum[FAMILY_EMBEDDED] = 9;
	s.sum[FAMILY_OTHER] = 10;
	assert_int_equal(family_decide(&s, &c, &second), FAMILY_OTHER);
	assert_int_equal(c, CONFIDENCE_MEDIUM); /* against bsd, not against embedded */
}

static void test_names(void **state)
{
	(void)state;
	for (int a = 0; a < FAMILIES; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(family_name((enum stack_family)a),
						family_name((enum stack_family)b));
	assert_string_equal(family_name(FAMILY_MACOS), "macos");
	assert_string_equal(confidence_name(CONFIDENCE_LOW), "low");
	assert_string_equal(confidence_name(CONFIDENCE_MEDIUM), "medium");
	assert_string_equal(confidence_name(CONFIDENCE_HIGH), "high");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows_are_sane), cmocka_unit_test(test_sums),
	    cmocka_unit_test(test_decision),	  cmocka_unit_test(test_ties),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("family", tests, NULL, NULL);
}
