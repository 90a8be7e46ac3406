/* test_pcapng_write: what is written, read back by packet/pcapng; and comments of every length. */
#include "unit.h"

#include "packet/pcapng.h"
#include "packet/pcapng_write.h"

enum { RAW = 101, ROOM = 1 << 16 };

static const uint64_t at_ns = UINT64_C(1790000000123456789);

/* The blocks of a buffer, one after the other: each is as long as it says, at both ends. */
struct reading {
	struct pcapng *p;
	const uint8_t *at;
	size_t left;
};

static struct reading read_of(const uint8_t *octets, size_t len)
{
	struct reading r = {.p = pcapng_new(), .at = octets, .left = len};

	assert_non_null(r.p);
	return r;
}

/* What pcapng_block says of the next one. */
static int next(struct reading *r, struct pcapng_frame *out)
{
	struct err e;
	size_t len;
	int rc;

	assert_true(r->left >= PCAPNG_HEADER);
	assert_int_equal(pcapng_block_len(r->p, r->at, &len, &e), 0);
	assert_true(len <= r->left && len % 4 == 0);
	rc = pcapng_block(r->p, r->at, len, out, &e);
	r->at += len;
	r->left -= len;
	return rc;
}

static uint8_t *room(void)
{
	uint8_t *b = malloc(ROOM);

	assert_non_null(b);
	memset(b, 0xee, ROOM);
	return b;
}

static void test_a_file(void **state)
{
	static const uint8_t octets[] = "an IP packet";
	uint8_t *b = room();
	struct pcapng_written w = {.bytes = octets,
				   .captured = 11,
				   .len = 1400,
				   .wall_ns = at_ns,
				   .direction = PCAPNG_OUTBOUND,
				   .comment = "probe 1: open (syn-ack)"};
	struct pcapng_frame f;
	struct reading r;
	size_t n;

	(void)state;
	n = pcapng_write_head(b, RAW, "rstprobe 1.0", "what was seen");
	n += pcapng_write_frame(b + n, &w);
	w.comment = NULL;
	n += pcapng_write_frame(b + n, &w);
	n += pcapng_write_tail(b + n, at_ns, at_ns + 5, 2);
	r = read_of(b, n);
	assert_int_equal(next(&r, &f), 0);
	assert_int_equal(next(&r, &f), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(&r, &f), 1);
		assert_int_equal(f.linktype, RAW);
		assert_true(f.has_time && f.wall_ns == at_ns);
		assert_int_equal(f.captured, 11);
		assert_int_equal(f.len, 1400);
		assert_memory_equal(f.bytes, octets, 11);
	}
	assert_int_equal(next(&r, &f), 0);
	assert_int_equal(r.left, 0);
	pcapng_free(r.p);
	free(b);
}

/* Every length of frame and comment: padded, and never beyond the room that was asked for. */
static void test_lengths(void **state)
{
	char comment[PCAPNG_TEXT_MAX + 40];
	uint8_t octets[64] = {7}, head[PCAPNG_ENDS_MAX];
	size_t before = pcapng_write_head(head, RAW, NULL, "");

	(void)state;
	for (size_t len = 0; len < sizeof(comment); len += len < 9 ? 1 : 13) {
		for (uint32_t captured = 0; captured < 9; captured++) {
			struct pcapng_written w = {.bytes = octets,
						   .captured = captured,
						   .len = captured,
						   .direction = PCAPNG_INBOUND,
						   .comment = comment};
			uint8_t *b = room();
			struct pcapng_frame f;
			struct reading r;
			size_t n;

			memset(comment, 'x', len);
			comment[len] = '\0';
			memcpy(b, head, before);
			n = pcapng_write_frame(b + before, &w);
			assert_true(n <= pcapng_frame_room(captured));
			assert_int_equal(b[before + n], 0xee);
			r = read_of(b, before + n);
			assert_int_equal(next(&r, &f), 0);
			assert_int_equal(next(&r, &f), 0);
			assert_int_equal(next(&r, &f), 1);
			assert_int_equal(f.captured, captured);
			assert_int_equal(r.left, 0);
			pcapng_free(r.p);
			free(b);
		}
	}
}

/* A comment that is too long is cut between letters. */
static void test_letters_stay_whole(void **state)
{
	char comment[PCAPNG_TEXT_MAX + 3];
	uint8_t *b = room();
	struct pcapng_written w = {.bytes = b, .comment = comment};
	uint16_t len;

	(void)state;
	memset(comment, 'x', sizeof(comment));
	memcpy(comment + PCAPNG_TEXT_MAX - 1, "\xc3\xa9", 3); /* half of it would fit */
	pcapng_write_frame(b, &w);
	len = (uint16_t)(b[30] | b[31] << 8);
	assert_int_equal(b[28], 1); /* opt_comment */
	assert_int_equal(len, PCAPNG_TEXT_MAX - 1);
	free(b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_file),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_letters_stay_whole),
	};

	return cmocka_run_group_tests_name("pcapng_write", tests, NULL, NULL);
}
