/* ports: the grammar of -p, rank both ways, unions, and the pool that holds equal sets once. */
#include "unit.h"

#include "engine/ports.h"

static int service(const char *name)
{
	if (!strcmp(name, "http"))
		return 80;
	if (!strcmp(name, "http-alt"))
		return 8080;
	return -1;
}

/* The set as text: "22 80-82". */
static const char *show(const struct ports *p)
{
	static char buf[512];
	size_t len = 0;
	uint32_t n = ports_count(p);

	buf[0] = '\0';
	for (uint32_t i = 0, j; i < n && len < 480; i = j) {
		for (j = i + 1; j < n && ports_at(p, j) == ports_at(p, j - 1) + 1; j++)
			;
		len += (size_t)sprintf(buf + len, i ? " %u" : "%u", ports_at(p, i));
		if (j > i + 1)
			len += (size_t)sprintf(buf + len, "-%u", ports_at(p, j - 1));
	}
	return buf;
}

static void check(const char *list, const char *want)
{
	struct err e = {""};
	struct ports *p = ports_parse(list, service, &e);

	if (!p)
		fail_msg("%s: %s", list, e.msg);
	if (strcmp(show(p), want))
		fail_msg("%s: got %s, want %s", list, show(p), want);
	ports_free(p);
}

static void refuse(const char *list, const char *want)
{
	struct err e = {""};
	struct ports *p = ports_parse(list, service, &e);

	assert_null(p);
	assert_string_equal(e.msg, want);
}

static void lists_are_understood(void **state)
{
	(void)state;
	check("22", "22");
	check("22,80,8000-8100", "22 80 8000-8100");
	check("80,22,22,21-23", "21-23 80");
	check("-", "1-65535");
	check("0", "0");
	check("0-65535", "0-65535");
	check("-100", "1-100");
	check("60000-", "60000-65535");
	check("http,http-alt", "80 8080");
	check("T:22,T:80", "22 80");
	check(" 22, 80 ", "22 80");
	check("65535", "65535");
}

static void excludes_count_wherever_they_stand(void **state)
{
	(void)state;
	check("20-30,!25", "20-24 26-30");
	check("!25,20-30", "20-24 26-30");
	check("!1-1023", "1024-65535");
	check("1-100,!http", "1-79 81-100");
	check("-,!2-65534", "1 65535");
	check("T:!25,24-26", "24 26");
}

static void bad_words_are_named_with_the_reason(void **state)
{
	(void)state;
	refuse("70000", "-p 70000: ports go from 0 to 65535");
	refuse("99999999999999999999", "-p 99999999999999999999: ports go from 0 to 65535");
	refuse("22,1-65536", "-p 1-65536: ports go from 0 to 65535");
	refuse("90-80", "-p 90-80: the range runs backwards");
	refuse("", "-p '': no ports in the list");
	refuse(",", "-p ',': no ports in the list");
	refuse("22,,80", "-p: a word of the port list is empty");
	refuse("22,", "-p: a word of the port list is empty");
	refuse("!", "-p: a word of the port list is empty");
	refuse("22,!22", "-p '22,!22': no ports left, every one of them is excluded");
	refuse("htpp", "-p htpp: no TCP service of that name is known; write its number");
	refuse("22;80", "-p 22;80: not a port, a range such as 8000-8100, or a service name");
	refuse("1-2-3", "-p 1-2-3: not a port, a range such as 8000-8100, or a service name");
	refuse("U:53", "-p U:53: only TCP is probed, so only T: may stand in front");
	refuse("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	       "-p aaaaaaaaaaaaaaaaaaaa...: too long for a port, a range or a service name");
}

static void without_a_resolver_names_are_refused(void **state)
{
	struct err e = {""};

	(void)state;
	assert_null(ports_parse_as("port", "http", NULL, &e));
	assert_string_equal(e.msg,
			    "port http: no TCP service of that name is known; write its number");
	assert_null(ports_parse("http", NULL, NULL));
}

/* Small sets (a look at each) and large ones (the index) answer alike. */
static void rank_and_at_are_inverse(void **state)
{
	static const char *const lists[] = {
	    "22,80,443", "1-8", "1-9", "63-65,127-129,65535,0", "-", "0-65535", "!1000-64000"};

	(void)state;
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		struct ports *p = ports_parse(lists[k], NULL, NULL);
		uint32_t found = 0;

		for (uint32_t port = 0; port <= 65535; port++) {
			int32_t rank = ports_rank(p, (uint16_t)port);

			if (rank < 0)
				continue;
			assert_int_equal(rank, found);
			assert_int_equal(ports_at(p, found), port);
			found++;
		}
		assert_int_equal(found, ports_count(p));
		ports_free(p);
	}
}

static void the_default_list_has_what_everyone_looks_for(void **state)
{
	static const uint16_t must[] = {
	    21,	  22,	23,   25,   53,	  80,	110,  111,  135,  139,	143,   389,   443,
	    445,  465,	587,  636,  993,  995,	1433, 1521, 1883, 2375, 3306,  3389,  5060,
	    5432, 5900, 6379, 6443, 8080, 8443, 9092, 9200, 554,  2049, 27017, 11211, 49152};
	struct ports *p = ports_default();

	(void)state;
	assert_in_range(ports_count(p), 180, 250);
	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		assert_true(ports_rank(p, must[i]) >= 0);
	ports_free(p);
}

static void unions_and_comparison(void **state)
{
	struct ports *a = ports_parse("1-5", NULL, NULL), *b = ports_parse("4-9,100", NULL, NULL);
	struct ports *u = ports_join((const struct ports *const[]){a, b}, 2),
		     *same = ports_parse("1-9,100", NULL, NULL);

	(void)state;
	assert_string_equal(show(u), "1-9 100");
	assert_true(ports_equal(u, same));
	assert_false(ports_equal(u, a));
	assert_true(ports_contains(u, a) && ports_contains(u, b) && ports_contains(u, u));
	assert_false(ports_contains(a, u) || ports_contains(a, b));
	ports_free(a);
	ports_free(b);
	ports_free(u);
	ports_free(same);
	ports_free(NULL);
}

static void the_pool_holds_equal_sets_once(void **state)
{
	struct ports_pool pool = {0};
	const struct ports *first[3000];
	struct ports *lent = ports_parse("1-3", NULL, NULL);
	char text[32];

	(void)state;
	assert_ptr_equal(ports_pool_borrow(&pool, lent), lent);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3000; i++) {
			const struct ports *p;

			sprintf(text, "%u,%u", i, i + 7);
			p = ports_pool_own(&pool, ports_parse(text, NULL, NULL));
			assert_int_equal(ports_at(p, 0), i);
			if (round)
				assert_ptr_equal(p, first[i]);
			first[i] = p;
		}
	}
	assert_ptr_equal(ports_pool_own(&pool, ports_parse("1,2,3", NULL, NULL)), lent);
	ports_pool_free(&pool);
	ports_free(lent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_are_understood),
	    cmocka_unit_test(excludes_count_wherever_they_stand),
	    cmocka_unit_test(bad_words_are_named_with_the_reason),
	    cmocka_unit_test(without_a_resolver_names_are_refused),
	    cmocka_unit_test(rank_and_at_are_inverse),
	    cmocka_unit_test(the_default_list_has_what_everyone_looks_for),
	    cmocka_unit_test(unions_and_comparison),
	    cmocka_unit_test(the_pool_holds_equal_sets_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
