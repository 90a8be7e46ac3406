/*
 * template: whatever is patched equals, octet for octet, what craft builds of the same segment;
 * what craft refuses gives no template; and no octet past the packet is touched.
 */
#include "unit.h"

#include "base/bytes.h"
#include "packet/craft.h"
#include "packet/options.h"
#include "packet/template.h"

enum { TEMPLATES = 4000, PATCHES = 16, GUARD = 8 };

static struct craft *craft;
static uint64_t random_state = 88172645463325252ULL;

static int setup(void **state)
{
	struct err e = {""};

	(void)state;
	craft = craft_new(&e);
	return craft ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	craft_free(craft);
	return 0;
}

/* xorshift64: the same fields in each run */
static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Values at which sums carry are as frequent as all others together. */
static uint32_t random_field(uint32_t max)
{
	switch (random64() % 6) {
	case 0: return 0;
	case 1: return max;
	case 2: return max - 1;
	default: return (uint32_t)(random64() >> 16) & max;
	}
}

static struct addr random_addr(uint8_t family)
{
	struct addr a = {.family = family};

	for (size_t i = 0; i < addr_len(&a); i++)
		a.b[i] = (uint8_t)random_field(0xff);
	return a;
}

static struct segment random_segment(uint8_t family, const uint8_t *payload, uint32_t payload_max)
{
	struct segment s = {
	    .src = random_addr(family),
	    .dst = random_addr(family),
	    .sport = (uint16_t)random_field(0xffff),
	    .dport = (uint16_t)random_field(0xffff),
	    .seq = random_field(0xffffffff),
	    .ack = random_field(0xffffffff),
	    .flags = (uint16_t)random_field(0x1ff),
	    .win = (uint16_t)random_field(0xffff),
	    .urg = (uint16_t)random_field(0xffff),
	    .ttl = (uint8_t)random_field(0xff),
	    .tos = (uint8_t)random_field(0xff),
	    .df = random64() & 1,
	    .ip_id = (uint16_t)random_field(0xffff),
	};

	if (random64() & 1) {
		s.payload_len = random_field(0xffff) % (payload_max + 1);
		s.payload = s.payload_len ? payload : NULL;
	}
	return s;
}

/* The TSval of `s` becomes that of the patch, by the way the block was written. */
typedef void options_fn(struct segment *s, uint32_t tsval);

static void assert_patches(const struct template *t, struct segment s, const struct patch *p,
			   options_fn *options)
{
	uint8_t want[SEGMENT_MAX], got[SEGMENT_MAX + GUARD], guard[GUARD];
	struct err e = {""};
	int len;

	s.dst = *p->dst;
	s.sport = p->sport;
	s.dport = p->dport;
	s.ip_id = p->ip_id;
	s.seq = p->seq;
	s.ack = p->ack;
	options(&s, p->tsval);
	len = craft_build(craft, &s, want, sizeof(want), &e);
	if (len < 0)
		fail_msg("%s", e.msg);
	memset(got, 0xa5, sizeof(got));
	memset(guard, 0xa5, sizeof(guard));
	template_patch(t, p, got);
	assert_int_equal(template_len(t), len);
	assert_memory_equal(got, want, (size_t)len);
	assert_memory_equal(got + len, guard, GUARD);
}

static void assert_equal_to_craft(uint8_t family, options_fn *options, unsigned templates)
{
	uint8_t payload[SEGMENT_MAX - 100];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)random64();
	for (unsigned i = 0; i < templates; i++) {
		struct segment s = random_segment(family, payload, sizeof(payload));
		struct err e = {""};
		struct template *t;

		options(&s, random_field(0xffffffff));
		t = template_new(craft, &s, &e);
		if (!t)
			fail_msg("%s", e.msg);
		for (unsigned k = 0; k < PATCHES; k++) {
			struct addr dst = random_addr(family);
			struct patch p = {
			    .dst = &dst,
			    .sport = (uint16_t)random_field(0xffff),
			    .dport = (uint16_t)random_field(0xffff),
			    .ip_id = (uint16_t)random_field(0xffff),
			    .seq = random_field(0xffffffff),
			    .ack = random_field(0xffffffff),
			    .tsval = random_field(0xffffffff),
			};

			assert_patches(t, s, &p, options);
		}
		template_free(t);
	}
}

static void no_options(struct segment *s, uint32_t tsval)
{
	(void)tsval;
	s->options_len = (uint8_t)options_build_syn(SYN_LAYOUT_NONE, 1460, tsval, s->options);
}

static void mss_options(struct segment *s, uint32_t tsval)
{
	s->options_len = (uint8_t)options_build_syn(SYN_LAYOUT_MSS, 1460, tsval, s->options);
}

static void linux_options(struct segment *s, uint32_t tsval)
{
	s->options_len = (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, 1460, tsval, s->options);
}

static void windows_options(struct segment *s, uint32_t tsval)
{
	s->options_len = (uint8_t)options_build_syn(SYN_LAYOUT_WINDOWS, 1440, tsval, s->options);
}

/* TSval at an odd offset, TSecr that stays, and a length that craft pads. */
static void odd_timestamps(struct segment *s, uint32_t tsval)
{
	static const uint8_t block[] = {1, 8, 10, 0, 0, 0, 0, 0xfe, 0xdc, 0xba, 0x98, 3, 3, 7};

	memcpy(s->options, block, sizeof(block));
	bytes_put_be32(s->options + 3, tsval);
	s->options_len = sizeof(block);
}

/* What only looks like a timestamps option stays as it is: behind EOL, or of a wrong length. */
static void false_timestamps(struct segment *s, uint32_t tsval)
{
	static const uint8_t block[] = {8, 6, 1, 2, 3, 4, 0, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};

	(void)tsval;
	memcpy(s->options, block, sizeof(block));
	s->options_len = sizeof(block);
}

static void cut_timestamps(struct segment *s, uint32_t tsval)
{
	static const uint8_t block[] = {1, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6};

	(void)tsval;
	memcpy(s->options, block, sizeof(block));
	s->options_len = sizeof(block);
}

static options_fn *const all_options[] = {
    no_options,	    mss_options,      linux_options,  windows_options,
    odd_timestamps, false_timestamps, cut_timestamps,
};
enum { N_OPTIONS = sizeof(all_options) / sizeof(all_options[0]) };

static void ipv4_equals_craft(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_OPTIONS; i++)
		assert_equal_to_craft(ADDR_V4, all_options[i], TEMPLATES / N_OPTIONS);
}

static void ipv6_equals_craft(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_OPTIONS; i++)
		assert_equal_to_craft(ADDR_V6, all_options[i], TEMPLATES / N_OPTIONS);
}

/* Each of the 512 sets of control bits, each odd and even length of a small payload. */
static void all_flags_and_lengths(void **state)
{
	static const uint8_t payload[] = {'r', 's', 't', 'p', 'r', 'o', 'b', 'e', 0xff};

	(void)state;
	for (unsigned i = 0; i < 0x200 * 2; i++) {
		uint8_t family = i % 2 ? ADDR_V6 : ADDR_V4;
		struct addr dst = random_addr(family);
		struct segment s = random_segment(family, NULL, 0);
		struct patch p = {.dst = &dst, .dport = 443, .seq = 7, .ack = ~0U, .tsval = i};
		struct err e = {""};
		struct template *t;

		s.flags = (uint16_t)(i / 2);
		s.payload_len = i / 2 % (sizeof(payload) + 1);
		s.payload = s.payload_len ? payload : NULL;
		linux_options(&s, 1);
		t = template_new(craft, &s, &e);
		assert_non_null(t);
		assert_patches(t, s, &p, linux_options);
		template_free(t);
	}
}

/* A checksum of zero is sent as zero: TCP has no word for none. Every sum comes by here. */
static void every_checksum(void **state)
{
	struct addr dst = addr_v4(192, 0, 2, 7);
	struct segment s = {.src = addr_v4(192, 0, 2, 1), .dst = dst, .flags = TCP_SYN, .ttl = 64};
	struct err e = {""};
	struct template *t = template_new(craft, &s, &e);

	(void)state;
	assert_non_null(t);
	for (uint32_t i = 0; i <= 0xffff; i++) {
		struct patch p = {.dst = &dst, .dport = (uint16_t)i, .ip_id = (uint16_t)~i};

		assert_patches(t, s, &p, no_options);
	}
	template_free(t);
}

static void refused_as_by_craft(void **state)
{
	static uint8_t payload[70000];
	struct segment s = {.src = addr_v4(192, 0, 2, 1), .dst = {.family = ADDR_V6}};
	struct err e = {""};

	(void)state;
	assert_null(template_new(craft, &s, &e));
	assert_non_null(strstr(e.msg, "one family"));
	s.dst = addr_v4(192, 0, 2, 7);
	s.payload = payload;
	s.payload_len = sizeof(payload);
	e.msg[0] = '\0';
	assert_null(template_new(craft, &s, &e));
	assert_non_null(strstr(e.msg, "70000 bytes of payload"));
	s.payload_len = UINT32_MAX;
	assert_null(template_new(craft, &s, &e));
	template_free(NULL);
}

static void the_longest_packet(void **state)
{
	static uint8_t payload[65535 - 40], want[65535], got[65535];
	struct addr dst = addr_v4(192, 0, 2, 7);
	struct segment s = {.src = addr_v4(192, 0, 2, 1), .dst = dst, .payload = payload};
	struct patch p = {.dst = &dst};
	struct err e = {""};
	struct template *t;

	(void)state;
	memset(payload, 0xff, sizeof(payload));
	s.payload_len = sizeof(payload);
	t = template_new(craft, &s, &e);
	assert_non_null(t);
	assert_int_equal(template_len(t), 65535);
	assert_int_equal(craft_build(craft, &s, want, sizeof(want), &e), 65535);
	template_patch(t, &p, got);
	assert_memory_equal(got, want, sizeof(want));
	template_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ipv4_equals_craft),     cmocka_unit_test(ipv6_equals_craft),
	    cmocka_unit_test(all_flags_and_lengths), cmocka_unit_test(every_checksum),
	    cmocka_unit_test(refused_as_by_craft),   cmocka_unit_test(the_longest_packet),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
