/* test_words: what base knows of text: lists of ports, characters, days, and words mistyped. */
#include "unit.h"

#include "base/day.h"
#include "base/near.h"
#include "base/span.h"
#include "base/utf8.h"

static void spans_of_a_list(void **state)
{
	static const struct {
		const char *list;
		size_t n; /* spans before its end, or before what is none */
		int end;
	} rows[] = {
	    {"22", 1, 0},     {"0-65535", 1, 0},  {"1-21,23,80-80", 3, 0},  {"", 0, -1},
	    {"22,", 1, -1},   {",22", 0, -1},	  {"22-", 0, -1},	    {"23-22", 0, -1},
	    {"65536", 0, -1}, {"1-65536", 0, -1}, {"1,99999999999", 1, -1}, {"1, 2", 1, -1},
	    {"1-3,3", 0, -1}, {"7,9,8", 1, -1},	  {"80 ", 0, -1},	    {"-5", 0, -1},
	    {"http", 0, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *list = rows[i].list;
		struct port_span x;
		size_t n = 0;
		int rc;

		while ((rc = port_span_next(&list, &x)) > 0)
			n++;
		if (rc != rows[i].end || n != rows[i].n)
			fail_msg("%s: %zu spans, then %d", rows[i].list, n, rc);
	}
}

static void spans_that_touch(void **state)
{
	struct port_span v[] = {{80, 90}, {1, 3},   {91, 91},	   {5, 5},
				{4, 4},	  {85, 88}, {65535, 65535}};
	size_t n = 0;

	(void)state;
	assert_int_equal(port_spans_settle(v, 7), 3);
	assert_true(v[0].first == 1 && v[0].last == 5);
	assert_true(v[1].first == 80 && v[1].last == 91);
	assert_true(v[2].first == 65535 && v[2].last == 65535);
	assert_int_equal(port_spans_settle(NULL, 0), 0);
	port_spans_add(v, &n, (struct port_span){7, 7});
	port_spans_add(v, &n, (struct port_span){9, 9});
	assert_int_equal(n, 2);
}

static void characters(void **state)
{
	static const char text[] = "a\xc3\xbc\xe2\x82\xac";

	(void)state;
	assert_int_equal(utf8_count(text, 6), 3);
	assert_int_equal(utf8_cut(text, 6), 6);
	assert_int_equal(utf8_cut(text, 5), 3);
	assert_int_equal(utf8_cut(text, 2), 1);
	assert_int_equal(utf8_cut(text, 0), 0);
	assert_true(utf8_is_control("\x1b") && utf8_is_control("\x7f"));
	assert_true(utf8_is_control("\xc2\x9b"));
	assert_true(utf8_is_control("\xe2\x80\xae") && utf8_is_control("\xe2\x81\xa6"));
	assert_false(utf8_is_control("\xe2\x82\xac") || utf8_is_control("\xe2\x80\x93"));
	assert_false(utf8_is_control("\xc2\xa0") || utf8_is_control(" ") ||
		     utf8_is_control(text + 1));
}

static void days(void **state)
{
	char buf[DAY_TEXT];
	int32_t day;

	(void)state;
	assert_int_equal(day_of_ns(UINT64_C(86400) * 1000000000 * 20000 + 1), 20000);
	assert_string_equal(day_text(20000, buf), "2024-10-04");
	assert_int_equal(day_parse("2024-02-30", &day), -1);
}

static void words_meant(void **state)
{
	static const char *const known[] = {"scan", "stack", NULL, "provoke"};
	static const char *const rows[][2] = {{"sacn", "scan"},	     {"SCAN", "scan"},
					      {"provok", "provoke"}, {"stak", "stack"},
					      {"xyz", NULL},	     {"", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct near n = {.word = rows[i][0]};

		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			near_try(&n, known[k]);
		if (!rows[i][1])
			assert_null(n.best);
		else
			assert_string_equal(n.best, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spans_of_a_list), cmocka_unit_test(spans_that_touch),
	    cmocka_unit_test(characters),      cmocka_unit_test(days),
	    cmocka_unit_test(words_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
