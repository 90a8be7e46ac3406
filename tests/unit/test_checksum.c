/* checksum: RFC 1071's own example, odd lengths, folding, and both pseudo-headers on known packets.
 */
#include "unit.h"

#include "packet/checksum.h"

static uint16_t sum(const uint8_t *p, size_t len)
{
	return checksum_finish(checksum_add(0, p, len));
}

static void sums_the_example_of_rfc_1071(void **state)
{
	/* RFC 1071, 3: 0001 f203 f4f5 f6f7 sum to ddf2, carries folded */
	static const uint8_t p[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(sum(p, sizeof(p)), 0xffff & ~0xddf2);
	assert_int_equal(sum(p, 0), 0xffff);
	assert_int_equal(sum(p, 7), 0xffff & ~0xdcfb); /* the last octet padded: f600 */
	/* parts give what the whole gives */
	assert_int_equal(checksum_finish(checksum_add(checksum_add(0, p, 4), p + 4, 3)), sum(p, 7));
}

static void folds_carries_of_carries(void **state)
{
	uint8_t ones[70000];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(sum(ones, sizeof(ones)), 0); /* ones' complement: -0 */
	assert_int_equal(checksum_finish(0x1fffe), 0);
	assert_int_equal(checksum_finish(UINT64_MAX), 0);
	assert_int_equal(checksum_finish(0), 0xffff);
}

static void verifies_an_ipv4_tcp_segment(void **state)
{
	/* SYN 192.0.2.1.40000 > 192.0.2.7.80, seq 1, its checksum yet to be filled in */
	uint8_t tcp[] = {0x9c, 0x40, 0x00, 0x50, 0,    0,    0, 1, 0, 0,
			 0,    0,    0x50, 0x02, 0x04, 0x00, 0, 0, 0, 0};
	struct addr src = addr_v4(192, 0, 2, 1), dst = addr_v4(192, 0, 2, 7);
	uint16_t v;

	(void)state;
	/* by hand: c000+0201+c000+0207+0006+0014 = 18422 -> 8423; 9c40+0050+0001+5002+0400 = f093;
	 * 8423+f093 = 174b6 -> 74b7; inverted 8b48 */
	v = checksum_finish(checksum_add(checksum_pseudo(&src, &dst, 6, 20), tcp, 20));
	assert_int_equal(v, 0x8b48);
	tcp[16] = 0x8b;
	tcp[17] = 0x48;
	assert_int_equal(checksum_finish(checksum_add(checksum_pseudo(&src, &dst, 6, 20), tcp, 20)),
			 0);
	tcp[13] ^= 0x10;
	assert_int_not_equal(
	    checksum_finish(checksum_add(checksum_pseudo(&src, &dst, 6, 20), tcp, 20)), 0);
}

static void sums_the_ipv6_pseudo_header(void **state)
{
	struct addr src, dst;

	(void)state;
	assert_int_equal(addr_parse("2001:db8::1", &src), 0);
	assert_int_equal(addr_parse("2001:db8::2", &dst), 0);
	/* 2 * (2001 + 0db8) + 0001 + 0002 + length 0001 + 0002 (65538) + next header 003a */
	assert_true(checksum_pseudo(&src, &dst, 58, 65538) ==
		    2 * (0x2001 + 0x0db8) + 1 + 2 + 1 + 2 + 0x3a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sums_the_example_of_rfc_1071),
	    cmocka_unit_test(folds_carries_of_carries),
	    cmocka_unit_test(verifies_an_ipv4_tcp_segment),
	    cmocka_unit_test(sums_the_ipv6_pseudo_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
