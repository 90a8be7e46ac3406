/* The rules of cause_rules by what they say of conversations: each cause, and what looks like it.
 */
#include "unit.h"

#include "cause_cases.h"
#include "rstscript.h"

/* IPv4, IPv6, and both again with numbers that wrap around, or change sign, within a few octets. */
static const struct script_how hows[] = {
    {.v6 = false},
    {.v6 = true},
    {.v6 = false, .isn = {0xfffffff0, 0xffffff9c}},
    {.v6 = true, .isn = {0x7ffffff0, 0x7fffff9c}},
};

static bool failed;

static void complain(const char *what, size_t how, const char *why)
{
	printf("# %s%s%s: %s\n", what, how & 1 ? " (IPv6)" : "", how & 2 ? " (wrapped)" : "", why);
	failed = true;
}

struct causes {
	bool said[CAUSES];
};

static void note_cause(void *ctx, const struct finding *f)
{
	((struct causes *)ctx)->said[f->cause] = true;
}

static void check_case(const struct cause_case *c, size_t how)
{
	struct causes all = {0};
	char why[512], what[200];

	if (hows[how].v6 && script_is_v4(c->script))
		return;
	snprintf(what, sizeof(what), "%s, %s %s: %s", cause_name(c->about),
		 c->about == c->is ? "is" : "not but", cause_name(c->is), c->what);
	script_check(c->script, &hows[how], why, note_cause, &all);
	if (*why)
		complain(what, how, why);
	else if (!all.said[c->is])
		complain(what, how, "nothing says so");
	else if (c->about != c->is && all.said[c->about])
		complain(what, how, "something says so");
}

static void each_case_is_judged_as_it_says(void **state)
{
	(void)state;
	failed = false;
	for (size_t i = 0; i < cause_case_count; i++)
		for (size_t how = 0; how < sizeof(hows) / sizeof(hows[0]); how++)
			check_case(&cause_cases[i], how);
	assert_false(failed);
}

static void pitfalls_are_passed_by(void **state)
{
	char why[512];

	(void)state;
	failed = false;
	for (size_t i = 0; i < pitfall_count; i++) {
		for (size_t how = 0; how < sizeof(hows) / sizeof(hows[0]); how++) {
			if (hows[how].v6 && script_is_v4(pitfalls[i].script))
				continue;
			script_check(pitfalls[i].script, &hows[how], why, NULL, NULL);
			if (*why)
				complain(pitfalls[i].what, how, why);
		}
	}
	assert_false(failed);
}

static void each_cause_has_a_case_and_a_neighbour(void **state)
{
	(void)state;
	failed = false;
	for (int c = 0; c < CAUSES; c++) {
		bool positive = false, negative = false;

		for (size_t i = 0; i < cause_case_count; i++) {
			if ((int)cause_cases[i].about != c)
				continue;
			positive |= cause_cases[i].is == cause_cases[i].about;
			negative |= cause_cases[i].is != cause_cases[i].about;
		}
		if (!positive)
			complain(cause_name((enum cause)c), 0, "no case has it");
		if (!negative)
			complain(cause_name((enum cause)c), 0, "no case only looks like it");
	}
	assert_false(failed);
}

static void note_row(void *ctx, const struct finding *f)
{
	((bool *)ctx)[f->row - cause_rows] = true;
}

static void each_row_is_reached(void **state)
{
	bool *reached = calloc(cause_row_count, sizeof(*reached));
	char why[512];

	(void)state;
	assert_non_null(reached);
	failed = false;
	for (size_t i = 0; i < cause_case_count; i++)
		script_check(cause_cases[i].script, &hows[0], why, note_row, reached);
	for (size_t i = 0; i < pitfall_count; i++)
		script_check(pitfalls[i].script, &hows[0], why, note_row, reached);
	for (size_t i = 0; i < cause_row_count; i++)
		/* scripts have room for all: test_explain has the one that needs a small table */
		if (!reached[i] && cause_rows[i].need[0] != FORGOTTEN)
			complain(cause_name(cause_rows[i].id), 0, cause_rows[i].because);
	free(reached);
	assert_false(failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_case_is_judged_as_it_says),
	    cmocka_unit_test(pitfalls_are_passed_by),
	    cmocka_unit_test(each_cause_has_a_case_and_a_neighbour),
	    cmocka_unit_test(each_row_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
