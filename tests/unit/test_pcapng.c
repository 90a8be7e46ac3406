/*
 * pcapng: blocks made here in both byte orders and what they tell; lengths that lie, and every
 * block cut at every length against a guard page.
 */
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "packet/pcapng.h"

enum {
	SECTION = 0x0a0d0d0a,
	INTERFACE = 1,
	PACKET_OLD = 2,
	SIMPLE = 3,
	ENHANCED = 6,
	JOURNAL = 9,
	CUSTOM = 0xbad,
	BLOCK_MAX = 1024,
	ETHERNET = 1,
	RAW = 101,
};

/* A block under construction. */
struct block {
	bool big;
	size_t n;
	uint8_t b[BLOCK_MAX];
};

static void put(struct block *b, uint64_t v, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		b->b[b->n + (b->big ? octets - 1 - i : i)] = (uint8_t)(v >> 8 * i);
	b->n += octets;
}

static void put_text(struct block *b, const char *text)
{
	memcpy(b->b + b->n, text, strlen(text));
	b->n += strlen(text);
	while (b->n % 4)
		b->b[b->n++] = 0;
}

static struct block begin(bool big, uint32_t type)
{
	struct block b = {.big = big};

	put(&b, type, 4);
	put(&b, 0, 4);
	return b;
}

/* Both lengths, as if the block had this one. */
static void set_len(struct block *b, uint32_t len)
{
	size_t n = b->n;

	b->n = 4;
	put(b, len, 4);
	b->n = n - 4;
	put(b, len, 4);
}

static struct block end(struct block b)
{
	b.n += 4;
	set_len(&b, (uint32_t)b.n);
	return b;
}

static struct block section(bool big)
{
	struct block b = begin(big, SECTION);

	put(&b, 0x1a2b3c4d, 4);
	put(&b, 1, 2);
	put(&b, 0, 2);
	put(&b, UINT64_MAX, 8); /* its length is not said */
	return end(b);
}

static struct block interface_begin(bool big, unsigned linktype, uint32_t snaplen)
{
	struct block b = begin(big, INTERFACE);

	put(&b, linktype, 2);
	put(&b, 0, 2);
	put(&b, snaplen, 4);
	return b;
}

static struct block interface_of(bool big, unsigned linktype, uint32_t snaplen)
{
	return end(interface_begin(big, linktype, snaplen));
}

/* With if_name before and an end behind, as dumpcap writes them. */
static struct block interface_timed(bool big, unsigned tsresol, int64_t offset)
{
	struct block b = interface_begin(big, ETHERNET, 0);

	put(&b, 2, 2);
	put(&b, 5, 2);
	put_text(&b, "veth0");
	put(&b, 9, 2);
	put(&b, 1, 2);
	put(&b, tsresol, 1);
	put_text(&b, "");
	put(&b, 14, 2);
	put(&b, 8, 2);
	put(&b, (uint64_t)offset, 8);
	put(&b, 0, 4);
	return end(b);
}

static struct block enhanced(bool big, uint32_t interface, uint64_t ticks, const char *octets)
{
	struct block b = begin(big, ENHANCED);

	put(&b, interface, 4);
	put(&b, ticks >> 32, 4);
	put(&b, ticks & UINT32_MAX, 4);
	put(&b, strlen(octets), 4);
	put(&b, strlen(octets) + 100, 4);
	put_text(&b, octets);
	put(&b, 1, 2); /* a comment */
	put(&b, 2, 2);
	put_text(&b, "hi");
	put(&b, 0, 4);
	return end(b);
}

static struct pcapng *reader;
static struct pcapng_frame frame;
static struct err why;

/* As wire/capfile feeds it. */
static int feed(struct block b)
{
	uint8_t *exact = malloc(b.n);
	size_t len = 0;
	int rc;

	assert_non_null(exact);
	memcpy(exact, b.b, b.n);
	why.msg[0] = '\0';
	rc = pcapng_block_len(reader, exact, &len, &why);
	if (rc == 0 && len == b.n) {
		rc = pcapng_block(reader, exact, len, &frame, &why);
		/* it is the test that looks at it afterwards */
		if (rc == 1 && frame.captured)
			frame.bytes = b.b + (frame.bytes - exact);
	}
	free(exact);
	return rc;
}

static void assert_refused(struct block b, const char *word)
{
	assert_int_equal(feed(b), -1);
	if (!strstr(why.msg, word))
		fail_msg("\"%s\" does not say \"%s\"", why.msg, word);
}

static int setup(void **state)
{
	(void)state;
	pcapng_free(reader);
	reader = pcapng_new();
	memset(&frame, 0, sizeof(frame));
	return reader ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	pcapng_free(reader);
	reader = NULL;
	return 0;
}

/* --- what is read -------------------------------------------------------------------------- */

static void a_frame_in_both_byte_orders(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct block b = section(big);

		assert_true(pcapng_is(b.b, 4));
		assert_int_equal(feed(b), 0);
		assert_int_equal(feed(interface_of(big, RAW, 65535)), 0);
		assert_int_equal(feed(interface_of(big, ETHERNET, 96)), 0);
		b = enhanced(big, 1, UINT64_C(1700000000123456), "abcde");
		assert_int_equal(feed(b), 1);
		assert_int_equal(frame.linktype, ETHERNET);
		assert_int_equal(frame.interface_id, 1);
		assert_int_equal(frame.captured, 5);
		assert_int_equal(frame.len, 105);
		assert_true(frame.has_time);
		assert_true(frame.wall_ns == UINT64_C(1700000000123456000));
		b = enhanced(big, 0, 0, "");
		assert_int_equal(feed(b), 1);
		assert_int_equal(frame.linktype, RAW);
		assert_int_equal(frame.captured, 0);
		assert_true(frame.has_time && frame.wall_ns == 0);
	}
}

static void the_frame_lies_in_its_block(void **state)
{
	struct block b = enhanced(true, 0, 0, "abcde");
	struct pcapng_frame f;
	size_t len;

	(void)state;
	feed(section(true));
	feed(interface_of(true, RAW, 0));
	assert_int_equal(pcapng_block_len(reader, b.b, &len, NULL), 0);
	assert_int_equal(len, b.n);
	assert_int_equal(pcapng_block(reader, b.b, len, &f, NULL), 1);
	assert_ptr_equal(f.bytes, b.b + 28);
	assert_memory_equal(f.bytes, "abcde", 5);
}

static void a_section_begins_anew(void **state)
{
	(void)state;
	feed(section(false));
	feed(interface_of(false, RAW, 0));
	assert_int_equal(feed(enhanced(false, 0, 1, "x")), 1);
	/* the other byte order, and no interface yet */
	assert_int_equal(feed(section(true)), 0);
	assert_refused(enhanced(true, 0, 1, "x"), "interface 0");
	feed(interface_of(true, ETHERNET, 0));
	assert_int_equal(feed(enhanced(true, 0, 1, "x")), 1);
	assert_int_equal(frame.linktype, ETHERNET);
}

#define NO_TIME UINT64_MAX

static void resolutions(void **state)
{
	static const struct {
		unsigned tsresol;
		int64_t offset;
		uint64_t ticks, ns;
	} rows[] = {
	    {6, 0, 1500000, 1500000000},
	    {6, 10, 1500000, UINT64_C(11500000000)},
	    {6, -1, 1500000, 500000000},
	    {0, 0, 3, UINT64_C(3000000000)},
	    {3, 0, 1001, 1001000000},
	    {9, 0, UINT64_C(1700000000123456789), UINT64_C(1700000000123456789)},
	    {10, 0, 19, 1},
	    {12, 0, 1999, 1},
	    {19, 0, UINT64_C(15000000000000000000), 1500000000},
	    {0x80, 0, 2, 2000000000},
	    {0x80 | 1, 0, 3, 1500000000},
	    {0x80 | 10, 0, 1024 + 1, 1000976562},
	    {0x80 | 32, 0, UINT64_C(0x1ffffffff), 1999999999},
	    {0x80 | 34, 0, (UINT64_C(1) << 34) - 1, 999999999},
	    {0x80 | 35, 0, (UINT64_C(1) << 35) - 1, 999999999},
	    {0x80 | 63, 0, UINT64_C(3) << 62, 1500000000},
	    /* what can't be said in nanoseconds since 1970 is no time */
	    {20, 0, 5, NO_TIME},
	    {0x7f, 0, 5, NO_TIME},
	    {0x80 | 64, 0, 5, NO_TIME},
	    {0xff, 0, 5, NO_TIME},
	    {6, -2, 1500000, NO_TIME},
	    {6, INT64_MIN, 0, NO_TIME},
	    {6, INT64_MAX, UINT64_MAX, NO_TIME},
	    {0, 0, UINT64_MAX, NO_TIME},
	    {0, 0, UINT64_C(18446744073), NO_TIME},
	    {0, 0, UINT64_C(18446744072), UINT64_C(18446744072000000000)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool big = i & 1;

		feed(section(big));
		assert_int_equal(feed(interface_timed(big, rows[i].tsresol, rows[i].offset)), 0);
		assert_int_equal(feed(enhanced(big, 0, rows[i].ticks, "x")), 1);
		if (frame.has_time != (rows[i].ns != NO_TIME) ||
		    frame.wall_ns != (frame.has_time ? rows[i].ns : 0))
			fail_msg("row %zu: %d %llu", i, frame.has_time,
				 (unsigned long long)frame.wall_ns);
	}
}

static struct block simple(bool big, uint32_t len, const char *octets)
{
	struct block b = begin(big, SIMPLE);

	put(&b, len, 4);
	put_text(&b, octets);
	return end(b);
}

static void simple_packets_are_of_the_first_interface(void **state)
{
	(void)state;
	feed(section(true));
	assert_refused(simple(true, 3, "abc"), "interface 0");
	feed(interface_of(true, RAW, 4));
	feed(interface_of(true, ETHERNET, 1));
	assert_int_equal(feed(simple(true, 3, "abc")), 1);
	assert_int_equal(frame.linktype, RAW);
	assert_int_equal(frame.interface_id, 0);
	assert_int_equal(frame.captured, 3);
	assert_int_equal(frame.len, 3);
	assert_false(frame.has_time);
	/* its snap length is the one thing that says how much is there */
	assert_int_equal(feed(simple(true, 1500, "abcd")), 1);
	assert_int_equal(frame.captured, 4);
	assert_int_equal(frame.len, 1500);
	feed(section(true));
	feed(interface_of(true, RAW, 0));
	assert_int_equal(feed(simple(true, 4, "abcd")), 1);
	assert_refused(simple(true, 5, "abcd"), "shorter");
}

static void the_packet_block_of_old(void **state)
{
	struct block b = begin(false, PACKET_OLD);

	(void)state;
	feed(section(false));
	feed(interface_of(false, RAW, 0));
	feed(interface_of(false, ETHERNET, 0));
	put(&b, 1, 2);
	put(&b, 7, 2); /* dropped */
	put(&b, 0, 4);
	put(&b, 2500000, 4);
	put(&b, 3, 4);
	put(&b, 60, 4);
	put_text(&b, "abc");
	assert_int_equal(feed(end(b)), 1);
	assert_int_equal(frame.linktype, ETHERNET);
	assert_int_equal(frame.captured, 3);
	assert_int_equal(frame.len, 60);
	assert_true(frame.wall_ns == UINT64_C(2500000000));
}

static void other_blocks_are_passed_over(void **state)
{
	struct block b = begin(true, CUSTOM);

	(void)state;
	feed(section(true));
	put(&b, 32473, 4);
	put_text(&b, "whatever");
	b = end(b);
	assert_int_equal(feed(b), PCAPNG_NUMBERED);
	b.b[0] = 0x40;
	assert_int_equal(feed(b), PCAPNG_NUMBERED);
	assert_int_equal(feed(end(begin(true, 5))), 0); /* statistics, of 12 octets */
	assert_int_equal(feed(end(begin(true, 0x80000001))), 0);
	b = begin(true, JOURNAL);
	put_text(&b, "MESSAGE=x\n");
	assert_int_equal(feed(end(b)), PCAPNG_NUMBERED);
}

/* --- what lies ----------------------------------------------------------------------------- */

static void lengths_that_cannot_be(void **state)
{
	static const uint32_t bad[] = {
	    0, 1, 4, 8, 11, 13, 14, 15, 30, (64 << 20) + 4, 0x7ffffffc, UINT32_MAX};
	size_t len;

	(void)state;
	for (int big = 0; big < 2; big++) {
		feed(section(big));
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			struct block b = end(begin(big, 5));

			set_len(&b, bad[i]);
			assert_refused(b, "impossible length");
		}
	}
	for (uint32_t n = 12; n < 28; n += 4) {
		struct block b = section(true);

		set_len(&b, n);
		assert_refused(b, "impossible length");
	}
	{
		struct block b = end(begin(true, 5));

		set_len(&b, 64 << 20);
		assert_int_equal(pcapng_block_len(reader, b.b, &len, NULL), 0);
		assert_int_equal(len, 64 << 20);
		/* more than there is: who reads the file can't have given it whole */
		assert_int_equal(pcapng_block(reader, b.b, b.n, &frame, NULL), -1);
	}
}

static void the_two_lengths_must_agree(void **state)
{
	struct block b = end(begin(true, 5));

	(void)state;
	feed(section(true));
	b.b[b.n - 1] ^= 4;
	assert_refused(b, "two lengths");
}

static void what_is_no_section(void **state)
{
	struct block b = section(true);

	(void)state;
	assert_refused(end(begin(true, 5)), "before the first section");
	b.b[8] ^= 1;
	assert_refused(b, "byte-order");
	b = section(true);
	b.b[13] = 2;
	assert_refused(b, "version 2");
	assert_false(pcapng_is(b.b, 3));
	assert_false(pcapng_is((const uint8_t *)"\xd4\xc3\xb2\xa1", 4));
}

static void frames_that_are_not_there(void **state)
{
	struct block b;

	(void)state;
	feed(section(false));
	feed(interface_of(false, RAW, 0));
	assert_refused(enhanced(false, 1, 0, "x"), "interface 1");
	assert_refused(enhanced(false, UINT32_MAX, 0, "x"), "interface 4294967295");
	for (uint32_t captured = 17; captured; captured *= 2) {
		/* 16 octets are there, the comment among them */
		b = enhanced(false, 0, 0, "x");
		b.n = 20;
		put(&b, captured, 4);
		b.n = 28 + 16 + 4;
		assert_refused(b, "shorter");
	}
	b = end(begin(false, ENHANCED));
	assert_refused(b, "ends before");
}

static void options_that_do_not_fit(void **state)
{
	struct block b = interface_begin(true, RAW, 0);

	(void)state;
	feed(section(true));
	put(&b, 2, 2);
	put(&b, 9, 2);
	put_text(&b, "eight...");
	assert_refused(end(b), "options");
	b = interface_begin(true, RAW, 0);
	put(&b, 9, 2);
	put(&b, 1, 2);
	assert_refused(end(b), "options");
	/* values of a wrong length are no such values */
	b = interface_begin(true, RAW, 0);
	put(&b, 9, 2);
	put(&b, 2, 2);
	put(&b, 0xffff0000, 4);
	put(&b, 14, 2);
	put(&b, 4, 2);
	put(&b, 1000, 4);
	assert_int_equal(feed(end(b)), 0);
	assert_int_equal(feed(enhanced(true, 0, 7, "x")), 1);
	assert_true(frame.wall_ns == 7000);
	assert_refused(end(begin(true, INTERFACE)), "link type");
}

static void interfaces_are_bounded_in_a_section(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) {
		feed(section(true));
		for (int i = 0; i < PCAPNG_INTERFACES_MAX; i++)
			assert_int_equal(feed(interface_of(true, RAW, 0)), 0);
		assert_refused(interface_of(true, RAW, 0), "interfaces");
		assert_int_equal(feed(enhanced(true, PCAPNG_INTERFACES_MAX - 1, 0, "x")), 1);
	}
}

/* Each block as if it ended earlier, its lengths in accord, and as if its reader had lost the rest.
 */
static void every_truncation_against_a_guard_page(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p =
	    mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool big = false;

	(void)state;
	assert_true(p != MAP_FAILED && mprotect(p + page, page, PROT_NONE) == 0);
	do {
		struct block blocks[] = {
		    section(big),
		    interface_timed(big, 9, 1),
		    simple(big, 5, "abcde"),
		    enhanced(big, 0, 1, "ab"),
		    end(begin(big, JOURNAL)),
		};

		for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
			for (size_t cut = 12; cut < blocks[i].n; cut++) {
				struct block b = blocks[i];
				uint8_t *at = p + page - cut;

				memcpy(at, b.b, cut);
				assert_int_equal(pcapng_block(reader, at, cut, &frame, NULL), -1);
				if (cut % 4)
					continue;
				b.n = cut;
				set_len(&b, (uint32_t)cut);
				memcpy(at, b.b, cut);
				if (pcapng_block(reader, at, cut, &frame, NULL) == 1)
					assert_true(frame.bytes >= at &&
						    frame.bytes + frame.captured <= at + cut - 4);
			}
			assert_int_not_equal(feed(blocks[i]), -1);
		}
		big = !big;
	} while (big);
	munmap(p, 2 * page);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(a_frame_in_both_byte_orders),
	    T(the_frame_lies_in_its_block),
	    T(a_section_begins_anew),
	    T(resolutions),
	    T(simple_packets_are_of_the_first_interface),
	    T(the_packet_block_of_old),
	    T(other_blocks_are_passed_over),
	    T(lengths_that_cannot_be),
	    T(the_two_lengths_must_agree),
	    T(what_is_no_section),
	    T(frames_that_are_not_there),
	    T(options_that_do_not_fit),
	    T(interfaces_are_bounded_in_a_section),
	    T(every_truncation_against_a_guard_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
