/* addr: text both ways, order, arithmetic over byte borders, and what kind of address it is. */
#include "unit.h"

#include "base/addr.h"

static struct addr parse(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void assert_text(struct addr a, const char *want)
{
	char buf[ADDR_TEXT];

	assert_string_equal(addr_format(&a, buf), want);
}

static void prints_as_rfc_5952_says(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"0.0.0.0", "0.0.0.0"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"::", "::"},
	    {"::1", "::1"},
	    {"1::", "1::"},
	    {"2001:0DB8::0001", "2001:db8::1"},
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* 4.2.2: one word isn't shortened */
	    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* 4.2.3: the first among equals */
	    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},	      /* 4.2.3: the longest */
	    {"1:0:0:0:0:0:0:0", "1::"},
	    {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
	    {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"}, /* 5: the mixed form */
	    {"::c000:201", "::c000:201"},	      /* not that prefix: no mixed form */
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_text(parse(cases[i].in), cases[i].out);
	assert_text((struct addr){0}, "-");
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const bad[] = {
	    "",		  " ",		"192.0.2",	"192.0.2.256", "192.0.2.1.1",
	    "0x7f.0.0.1", "192.0.2.1 ", "192.0.2.1/24", "[::1]",       "fe80::1%1",
	    ":::",	  "1::2::3",	"12345::",	"host"};
	struct addr a = {.family = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addr_parse(bad[i], &a), -1);
	assert_int_equal(a.family, 77); /* untouched */
}

static void prints_the_zone(void **state)
{
	struct addr a = parse("fe80::1");
	char buf[ADDR_TEXT];

	(void)state;
	assert_string_equal(addr_format_zone(&a, "eth0", buf), "fe80::1");
	a.zone = 4294967295;
	assert_text(a, "fe80::1%4294967295");
	assert_string_equal(addr_format_zone(&a, "eth0", buf), "fe80::1%eth0");
	assert_string_equal(addr_format_zone(&a, "\033[m", buf), "fe80::1%?[m");
	assert_string_equal(addr_format_zone(&a, NULL, buf), "fe80::1%4294967295");
	a = parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	a.zone = 4294967295;
	assert_text(a, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295");
}

static void has_one_order(void **state)
{
	struct addr v4 = parse("203.0.113.9"), low = parse("fe80::1"), high = parse("fe80::2");
	struct addr zoned = low, other = low;

	(void)state;
	zoned.zone = 2;
	other.zone = 3;
	assert_true(addr_cmp(&v4, &low) < 0); /* family first */
	assert_true(addr_cmp(&low, &high) < 0);
	assert_true(addr_cmp(&high, &low) > 0);
	assert_true(addr_cmp(&high, &zoned) < 0); /* then zone, then bytes */
	assert_true(addr_equal(&low, &low));
	assert_false(addr_equal(&low, &zoned));
	assert_true(addr_same(&low, &zoned));
	assert_true(addr_same(&zoned, &low));
	assert_false(addr_same(&zoned, &other));
	assert_false(addr_same(&low, &high));
}

static void adds_and_subtracts_over_byte_borders(void **state)
{
	struct addr a = parse("10.0.0.255"), b;

	(void)state;
	assert_text(addr_add(a, 1), "10.0.1.0");
	assert_text(addr_add(a, 0), "10.0.0.255");
	assert_text(addr_add(parse("0.0.0.0"), 0xffffffff), "255.255.255.255");
	assert_text(addr_add(parse("2001:db8::ffff:ffff:ffff:ffff"), 1), "2001:db8:0:1::");
	assert_text(addr_add(parse("::"), UINT64_MAX), "::ffff:ffff:ffff:ffff");

	b = parse("10.0.1.0");
	assert_int_equal(addr_diff(&a, &b), 1);
	assert_int_equal(addr_diff(&a, &a), 0);
	a = parse("0.0.0.0");
	b = parse("255.255.255.255");
	assert_int_equal(addr_diff(&a, &b), 0xffffffff);
	a = parse("2001:db8::ffff");
	b = parse("2001:db8::1:0000");
	assert_int_equal(addr_diff(&a, &b), 1);
	a = parse("2001:db8::1");
	b = parse("2001:db8:0:1::");
	assert_true(addr_diff(&a, &b) == UINT64_MAX);
	b = parse("2001:db8:0:1::1");
	assert_true(addr_diff(&a, &b) == UINT64_MAX); /* 2^64 doesn't fit */
}

static void finds_both_ends_of_a_prefix(void **state)
{
	struct addr a = parse("192.0.2.77"), z = parse("fe80::1");

	(void)state;
	assert_text(addr_first(a, 24), "192.0.2.0");
	assert_text(addr_last(a, 24), "192.0.2.255");
	assert_text(addr_first(a, 27), "192.0.2.64");
	assert_text(addr_last(a, 27), "192.0.2.95");
	assert_text(addr_first(a, 32), "192.0.2.77");
	assert_text(addr_last(a, 32), "192.0.2.77");
	assert_text(addr_first(a, 0), "0.0.0.0");
	assert_text(addr_last(a, 0), "255.255.255.255");
	assert_text(addr_last(parse("2001:db8::"), 120), "2001:db8::ff");
	assert_text(addr_first(parse("2001:db8:ffff::1"), 33), "2001:db8:8000::");
	assert_text(addr_last(parse("::"), 0), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	z.zone = 7;
	assert_text(addr_first(z, 64), "fe80::%7");
	assert_int_equal(addr_bits(&a), 32);
	assert_int_equal(addr_bits(&z), 128);
	assert_int_equal(addr_len(&z), 16);
}

static void tells_kinds_apart(void **state)
{
	/* m multicast, u unspecified, b broadcast, l loopback, k link-local, p public */
	static const struct {
		const char *text, *kinds;
	} cases[] = {
	    {"8.8.8.8", "p"},
	    {"0.1.2.3", "up"},
	    {"224.0.0.1", "mp"},
	    {"239.255.255.255", "mp"},
	    {"240.0.0.1", "p"},
	    {"255.255.255.255", "bp"},
	    {"127.1.2.3", "l"},
	    {"10.255.0.1", ""},
	    {"11.0.0.0", "p"},
	    {"172.15.255.255", "p"},
	    {"172.16.0.0", ""},
	    {"172.31.255.255", ""},
	    {"172.32.0.0", "p"},
	    {"192.168.1.1", ""},
	    {"100.63.255.255", "p"},
	    {"100.64.0.0", ""},
	    {"100.127.255.255", ""},
	    {"100.128.0.0", "p"},
	    {"169.254.9.9", ""},
	    {"192.0.2.1", ""},
	    {"198.51.100.1", ""},
	    {"203.0.113.1", ""},
	    {"198.17.255.255", "p"},
	    {"198.18.0.0", ""},
	    {"198.19.255.255", ""},
	    {"198.20.0.0", "p"},
	    {"::", "up"},
	    {"::1", "l"},
	    {"ff02::1", "mp"},
	    {"fe80::1", "k"},
	    {"febf::1", "k"},
	    {"fec0::1", "p"},
	    {"fc00::1", ""},
	    {"fdff::1", ""},
	    {"2001:db8::1", ""},
	    {"2001:db9::1", "p"},
	    {"3fff:fff::1", ""},
	    {"3fff:1000::1", "p"},
	    {"2001:2::1", ""},
	    {"2001:2:1::1", "p"},
	    {"2606:4700::1111", "p"},
	    {"::ffff:10.0.0.1", ""},
	    {"::ffff:8.8.8.8", "p"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr a = parse(cases[i].text);
		char got[8] = "";

		strcat(got, addr_is_multicast(&a) ? "m" : "");
		strcat(got, addr_is_unspecified(&a) ? "u" : "");
		strcat(got, addr_is_broadcast(&a) ? "b" : "");
		strcat(got, addr_is_loopback(&a) ? "l" : "");
		strcat(got, addr_is_link_local(&a) ? "k" : "");
		strcat(got, addr_is_public(&a) ? "p" : "");
		if (strcmp(got, cases[i].kinds) != 0)
			fail_msg("%s is \"%s\", not \"%s\"", cases[i].text, got, cases[i].kinds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prints_as_rfc_5952_says),
	    cmocka_unit_test(refuses_what_is_no_address),
	    cmocka_unit_test(prints_the_zone),
	    cmocka_unit_test(has_one_order),
	    cmocka_unit_test(adds_and_subtracts_over_byte_borders),
	    cmocka_unit_test(finds_both_ends_of_a_prefix),
	    cmocka_unit_test(tells_kinds_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
