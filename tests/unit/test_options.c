/* options: what is built byte for byte, what is parsed of good, odd and broken blocks. */
#include "unit.h"

#include "packet/options.h"

static struct tcp_options parse(const char *bytes, size_t len)
{
	struct tcp_options o;
	uint8_t *p = malloc(len ? len : 1); /* its own block, so that a sanitizer sees the end */

	assert_non_null(p);
	memcpy(p, bytes, len);
	options_parse(p, len, &o);
	free(p);
	return o;
}

#define PARSE(s) parse(s, sizeof(s) - 1)

static void builds_the_layouts_byte_for_byte(void **state)
{
	static const uint8_t linux_syn[] = {
	    2, 4,  0x05, 0xb4,			       /* mss 1460 */
	    4, 2,				       /* sackOK */
	    8, 10, 0x01, 0x02, 0x03, 0x04, 0, 0, 0, 0, /* TS val 0x01020304 ecr 0 */
	    1,					       /* nop */
	    3, 3,  7,				       /* wscale 7 */
	};
	static const uint8_t windows_syn[] = {
	    2, 4, 0x05, 0xa0, /* mss 1440 */
	    1,		      /* nop */
	    3, 3, 8,	      /* wscale 8 */
	    1, 1,	      /* nop, nop */
	    4, 2,	      /* sackOK */
	};
	uint8_t out[40];

	(void)state;
	assert_int_equal(options_build_syn(SYN_LAYOUT_LINUX, 1460, 0x01020304, out), 20);
	assert_memory_equal(out, linux_syn, 20);
	assert_int_equal(options_build_syn(SYN_LAYOUT_WINDOWS, 1440, 9, out), 12);
	assert_memory_equal(out, windows_syn, 12);
	assert_int_equal(options_build_syn(SYN_LAYOUT_MSS, 1460, 9, out), 4);
	assert_memory_equal(out, linux_syn, 4);
	assert_int_equal(options_build_syn(SYN_LAYOUT_NONE, 1460, 9, out), 0);
}

static void parses_what_it_builds(void **state)
{
	static const struct {
		const char *word, *layout;
	} cases[] = {{"none", ""}, {"mss", "M"}, {"linux", "MSTNW"}, {"windows", "MNWNNS"}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		enum syn_layout layout;
		struct tcp_options o;
		uint8_t out[40];
		size_t n;

		assert_int_equal(syn_layout_parse(cases[i].word, &layout), 0);
		assert_int_equal(layout, i);
		n = options_build_syn(layout, 1220, 77, out);
		assert_int_equal(n % 4, 0);
		options_parse(out, n, &o);
		assert_string_equal(o.layout, cases[i].layout);
		assert_false(o.malformed);
		assert_int_equal(o.has_mss, layout != SYN_LAYOUT_NONE);
		assert_int_equal(o.mss, layout == SYN_LAYOUT_NONE ? 0 : 1220);
		assert_int_equal(o.has_timestamps, layout == SYN_LAYOUT_LINUX);
		assert_int_equal(o.tsval, layout == SYN_LAYOUT_LINUX ? 77 : 0);
		assert_int_equal(o.has_wscale, layout >= SYN_LAYOUT_LINUX);
		assert_int_equal(o.sack_ok, layout >= SYN_LAYOUT_LINUX);
		assert_true(syn_layout_win(layout) > 0);
	}
	assert_int_equal(syn_layout_win(SYN_LAYOUT_LINUX), 64240);
}

static void refuses_unknown_layout_words(void **state)
{
	enum syn_layout layout = SYN_LAYOUT_MSS;

	(void)state;
	assert_int_equal(syn_layout_parse("solaris", &layout), -1);
	assert_int_equal(syn_layout_parse("", &layout), -1);
	assert_int_equal(syn_layout_parse("linu", &layout), -1);
	assert_int_equal(layout, SYN_LAYOUT_MSS);
}

static void parses_values(void **state)
{
	struct tcp_options o;

	(void)state;
	/* nop nop TS val 0xfffffffe ecr 0x80000000 */
	o = PARSE("\x01\x01\x08\x0a\xff\xff\xff\xfe\x80\x00\x00\x00");
	assert_string_equal(o.layout, "NNT");
	assert_true(o.has_timestamps);
	assert_int_equal(o.tsval, 0xfffffffe);
	assert_int_equal(o.tsecr, 0x80000000);

	/* nop nop sack 1:2 0xfffffff0:16 */
	o = PARSE(
	    "\x01\x01\x05\x12\x00\x00\x00\x01\x00\x00\x00\x02\xff\xff\xff\xf0\x00\x00\x00\x10");
	assert_string_equal(o.layout, "NNK");
	assert_int_equal(o.n_sack, 2);
	assert_int_equal(o.sack[0].left, 1);
	assert_int_equal(o.sack[0].right, 2);
	assert_int_equal(o.sack[1].left, 0xfffffff0);
	assert_int_equal(o.sack[1].right, 16);

	/* mptcp subtype 8 (MP_TCPRST), flag T, reason 2 */
	o = PARSE("\x1e\x04\x81\x02");
	assert_string_equal(o.layout, "P");
	assert_true(o.has_mp_tcprst);
	assert_int_equal(o.mp_tcprst_reason, 2);

	/* mptcp subtype 7 (MP_FASTCLOSE), its key of 64 bits */
	o = PARSE("\x1e\x0c\x70\x00\x01\x02\x03\x04\x05\x06\x07\x08");
	assert_true(o.has_mp_fastclose);
	assert_false(o.has_mp_tcprst);

	/* mss 536, eol: what lies behind isn't read, though it looks like a wscale */
	o = PARSE("\x02\x04\x02\x18\x00\x03\x03\x05");
	assert_string_equal(o.layout, "ME");
	assert_false(o.has_wscale);
	assert_false(o.malformed);

	o = PARSE("");
	assert_string_equal(o.layout, "");
	assert_false(o.malformed);
}

static void keeps_what_came_before_a_bad_length(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} broken[] = {
	    {"\x02\x04\x05\xb4\x08\x0a\x00\x00", 8}, /* timestamps past the block */
	    {"\x02\x04\x05\xb4\x03\x01\x07\x00", 8}, /* length 1 */
	    {"\x02\x04\x05\xb4\x03\x00\x07\x00",
	     8},			     /* length 0: a walker that trusts it stands still */
	    {"\x02\x04\x05\xb4\x03", 5},     /* no length at all */
	    {"\x02\x04\x05\xb4\x03\x03", 6}, /* no value */
	    {"\x02\x04\x05\xb4\x63\xff", 6}, /* unknown and far too long */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct tcp_options o = parse(broken[i].bytes, broken[i].len);

		assert_true(o.malformed);
		assert_string_equal(o.layout, "M");
		assert_int_equal(o.mss, 1460);
		assert_false(o.has_wscale || o.has_timestamps);
	}
}

static void shows_a_known_kind_of_odd_length_as_unknown(void **state)
{
	struct tcp_options o;

	(void)state;
	o = PARSE("\x02\x03\x05\x03\x04\x07\x07\x04\x03\x01\x08\x06\x01\x02\x03\x04");
	assert_string_equal(o.layout, "????");
	assert_false(o.has_mss || o.has_wscale || o.sack_ok || o.has_timestamps || o.malformed);
	o = PARSE("\x05\x02\x05\x06\x01\x02\x03\x04\x1e\x02\x1e\x05\x80\x01\x02");
	assert_string_equal(
	    o.layout,
	    "???P"); /* sack without blocks, half a block; mptcp without and with subtype */
	assert_int_equal(o.n_sack, 0);
	assert_false(o.has_mp_tcprst);
}

static void never_reads_or_writes_past_forty(void **state)
{
	struct tcp_options o;
	char nops[60];

	(void)state;
	memset(nops, 1, sizeof(nops));
	o = parse(nops, 40);
	assert_int_equal(strlen(o.layout), 40);
	o = parse(nops, 60);
	assert_int_equal(strlen(o.layout), 40);
	nops[39] = 2;
	o = parse(nops, 60);
	assert_true(o.malformed);
	assert_int_equal(strlen(o.layout), 39);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(builds_the_layouts_byte_for_byte),
	    cmocka_unit_test(parses_what_it_builds),
	    cmocka_unit_test(refuses_unknown_layout_words),
	    cmocka_unit_test(parses_values),
	    cmocka_unit_test(keeps_what_came_before_a_bad_length),
	    cmocka_unit_test(shows_a_known_kind_of_odd_length_as_unknown),
	    cmocka_unit_test(never_reads_or_writes_past_forty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
