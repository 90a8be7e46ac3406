/* bytes: the cursor and the text never leave their buffers; seq: order modulo 2^32; err: texts. */
#include "unit.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/seq.h"

static const uint8_t octets[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void cursor_reads_both_byte_orders(void **state)
{
	struct cursor c = cursor_of(octets, 8);

	(void)state;
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_be16(&c), 0x0203);
	assert_int_equal(cursor_be32(&c), 0x04050607);
	assert_int_equal(c.left, 1);
	c = cursor_of(octets, 8);
	assert_true(cursor_be64(&c) == UINT64_C(0x0102030405060708));
	c = cursor_of(octets, 8);
	assert_int_equal(cursor_le16(&c), 0x0201);
	assert_int_equal(cursor_le32(&c), 0x06050403);
	assert_false(c.short_read);
}

static void cursor_once_short_stays_short(void **state)
{
	struct cursor c = cursor_of(octets, 3);

	(void)state;
	assert_int_equal(cursor_be32(&c), 0);
	assert_true(c.short_read);
	assert_int_equal(cursor_u8(&c), 0); /* though 3 octets had been there */
	assert_false(cursor_skip(&c, 0));
	assert_null(cursor_take(&c, 1));
	assert_int_equal(c.left, 0);

	c = cursor_of(NULL, 0);
	assert_int_equal(cursor_be64(&c), 0);
	assert_true(c.short_read);
	c = cursor_of(octets, 8);
	assert_false(cursor_skip(&c, SIZE_MAX));
}

static void cursor_takes_to_the_last_octet(void **state)
{
	struct cursor c = cursor_of(octets, 8);

	(void)state;
	assert_ptr_equal(cursor_take(&c, 3), octets);
	assert_true(cursor_skip(&c, 2));
	assert_ptr_equal(cursor_take(&c, 3), octets + 5);
	assert_int_equal(c.left, 0);
	assert_false(c.short_read);
	assert_true(cursor_skip(&c, 0));
}

static void cursor_sub_is_bounded_by_both(void **state)
{
	struct cursor c = cursor_of(octets, 8), sub = cursor_sub(&c, 2);

	(void)state;
	assert_int_equal(cursor_be16(&sub), 0x0102);
	assert_int_equal(cursor_u8(&sub), 0); /* not the 3 behind it */
	assert_true(sub.short_read);
	assert_false(c.short_read);
	assert_int_equal(cursor_u8(&c), 3);

	sub = cursor_sub(&c, 6); /* 5 are left */
	assert_true(sub.short_read);
	assert_true(c.short_read);
	assert_int_equal(sub.left, 5);
	assert_int_equal(cursor_u8(&sub), 4);
	assert_int_equal(cursor_u8(&c), 0);
}

static void stores_are_big_endian(void **state)
{
	uint8_t b[6];

	(void)state;
	bytes_put_be16(b, 0x0102);
	bytes_put_be32(b + 2, 0x03040506);
	assert_memory_equal(b, octets, 6);
}

static void text_is_cut_and_terminated(void **state)
{
	char buf[6] = "xxxxx";
	struct text t = text_of(buf, sizeof(buf));

	(void)state;
	assert_string_equal(buf, "");
	text_putf(&t, "%d-", 12);
	text_putf(&t, "%s", "ab");
	assert_string_equal(buf, "12-ab"); /* full to the last octet */
	assert_false(t.cut);
	assert_int_equal(t.len, 5);
	text_putf(&t, "c");
	assert_true(t.cut);
	assert_string_equal(buf, "12-ab");

	t = text_of(buf, sizeof(buf));
	text_putf(&t, "a");
	text_putf(&t, "bcdefg");
	assert_true(t.cut);
	assert_string_equal(buf, "abcde");
	text_putf(&t, "z");
	text_putf(&t, "%s", "");
	assert_string_equal(buf, "abcde");
	assert_true(t.cut); /* nothing to add doesn't mend it */

	t = text_of(buf, 1);
	text_putf(&t, "a");
	assert_true(t.cut);
	assert_string_equal(buf, "");
}

static void seq_orders_around(uint32_t x)
{
	assert_true(seq_lt(x - 1, x));
	assert_true(seq_gt(x + 1, x));
	assert_true(seq_leq(x, x) && seq_geq(x, x));
	assert_false(seq_lt(x, x) || seq_gt(x, x));
	assert_true(seq_lt(x, x + 0x7fffffff));
	assert_true(seq_gt(x, x - 0x7fffffff));
	assert_false(seq_leq(x + 1, x) || seq_geq(x - 1, x));
	assert_int_equal(seq_diff(x + 5, x), 5);
	assert_int_equal(seq_diff(x - 5, x), -5);
	assert_true(seq_in_window(x, x, 1));
	assert_false(seq_in_window(x - 1, x, 10));
	assert_true(seq_in_window(x + 9, x, 10));
	assert_false(seq_in_window(x + 10, x, 10));
	assert_false(seq_in_window(x, x, 0));
	assert_true(seq_in_window(x + UINT32_MAX - 1, x, UINT32_MAX));
}

static void seq_wraps(void **state)
{
	(void)state;
	seq_orders_around(0);
	seq_orders_around(1);
	seq_orders_around(0x7fffffff);
	seq_orders_around(0x80000000);
	seq_orders_around(0xffffffff);
	/* 2^31 apart has no order, but an answer nevertheless, and no overflow */
	assert_true(seq_lt(0, 0x80000000) && seq_lt(0x80000000, 0));
}

static void err_fills_and_never_overflows(void **state)
{
	struct err e;
	char longer[400];

	(void)state;
	assert_int_equal(err_set(&e, "port %d: closed", 80), -1);
	assert_string_equal(e.msg, "port 80: closed");
	assert_int_equal(err_sys(&e, ENOENT, "%s", "file"), -1);
	assert_string_equal(e.msg, "file: No such file or directory");
	assert_int_equal(err_set(NULL, "x"), -1);
	assert_int_equal(err_sys(NULL, ENOENT, "x"), -1);

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, "%s", longer);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_sys(&e, ENOENT, "%s", longer);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cursor_reads_both_byte_orders),
	    cmocka_unit_test(cursor_once_short_stays_short),
	    cmocka_unit_test(cursor_takes_to_the_last_octet),
	    cmocka_unit_test(cursor_sub_is_bounded_by_both),
	    cmocka_unit_test(stores_are_big_endian),
	    cmocka_unit_test(text_is_cut_and_terminated),
	    cmocka_unit_test(seq_wraps),
	    cmocka_unit_test(err_fills_and_never_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
