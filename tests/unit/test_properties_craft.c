/*
 * test_properties_craft: what is built and read back is what it was: for random segments of both
 * families, their fields at the limits more often than not, and whatever link they come by. Seeded:
 * each run tries the same.
 */
#include "unit/unit.h"

#include "base/bytes.h"
#include "packet/craft.h"
#include "packet/decode.h"
#include "packet/template.h"
#include "unit/guard.h"

enum { ROUNDS = 20000, PAYLOAD_MAX = SEGMENT_MAX - 40 - 20 - TCP_OPTIONS_MAX, LINK_MAX = 40 };

static struct craft *craft;
static struct guard guard;
static uint64_t rng;

static uint32_t chance(uint32_t n)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(rng >> 33) % n;
}

static uint32_t random32(void)
{
	return chance(0x10000) << 16 | chance(0x10000);
}

/* A number that the field can hold; the limits come up in half of all cases. */
static uint32_t field(uint32_t max)
{
	const uint32_t limits[] = {0, 1, max / 2, max / 2 + 1, max - 1, max};

	return chance(2) ? limits[chance(6)] : random32() & max;
}

static struct addr random_addr(bool six)
{
	struct addr a = {.family = six ? ADDR_V6 : ADDR_V4};

	for (int i = 0; i < (six ? 16 : 4); i++)
		a.b[i] = (uint8_t)field(0xff);
	return a;
}

/* --- options, and what they are to be read as --------------------------------------------------
 */

static void put_bytes(struct segment *s, const uint8_t *v, size_t n)
{
	memcpy(s->options + s->options_len, v, n);
	s->options_len += (uint8_t)n;
}

static void put_option(struct segment *s, uint8_t kind, size_t n, uint32_t a, uint32_t b)
{
	uint8_t v[10] = {kind, (uint8_t)n};

	for (size_t i = 2; i < n; i++)
		v[i] = (uint8_t)((i < 6 ? a : b) >> 8 * (n <= 4 ? n - 1 - i : (9 - i) % 4));
	put_bytes(s, v, n);
}

static void letter(struct tcp_options *o, char c)
{
	o->layout[strlen(o->layout)] = c;
}

/* One that is not there yet, where there is room. */
static void add_option(struct segment *s, struct tcp_options *o)
{
	size_t room = TCP_OPTIONS_MAX - s->options_len;
	uint32_t a = field(UINT32_MAX), b = field(UINT32_MAX);

	switch (chance(5)) {
	case 0:
		if (o->has_mss || room < 4)
			return;
		o->has_mss = true;
		o->mss = (uint16_t)a;
		put_option(s, TCP_OPT_MSS, 4, a & 0xffff, 0);
		letter(o, 'M');
		break;
	case 1:
		if (o->has_wscale || room < 3)
			return;
		o->has_wscale = true;
		o->wscale = (uint8_t)(a & 0xff);
		put_option(s, TCP_OPT_WSCALE, 3, a & 0xff, 0);
		letter(o, 'W');
		break;
	case 2:
		if (o->sack_ok || room < 2)
			return;
		o->sack_ok = true;
		put_option(s, TCP_OPT_SACK_OK, 2, 0, 0);
		letter(o, 'S');
		break;
	case 3:
		if (o->has_timestamps || room < 10)
			return;
		o->has_timestamps = true;
		o->tsval = a;
		o->tsecr = b;
		put_option(s, TCP_OPT_TIMESTAMPS, 10, a, b);
		letter(o, 'T');
		break;
	default:
		if (room < 1)
			return;
		put_bytes(s, (const uint8_t[]){TCP_OPT_NOP}, 1);
		letter(o, 'N');
		break;
	}
}

/* --- segments ----------------------------------------------------------------------------------
 */

static struct segment random_segment(struct tcp_options *o)
{
	static uint8_t payload[PAYLOAD_MAX];
	bool six = chance(2);
	struct segment s = {
	    .src = random_addr(six),
	    .dst = random_addr(six),
	    .sport = (uint16_t)field(0xffff),
	    .dport = (uint16_t)field(0xffff),
	    .seq = field(UINT32_MAX),
	    .ack = field(UINT32_MAX),
	    .flags = (uint16_t)field(0x1ff),
	    .win = (uint16_t)field(0xffff),
	    .urg = (uint16_t)field(0xffff),
	    .ttl = (uint8_t)field(0xff),
	    .tos = (uint8_t)field(0xff),
	    .df = !six && chance(2),
	    .ip_id = (uint16_t)(six ? 0 : field(0xffff)),
	    .payload_len = chance(3) ? chance(64) : chance(PAYLOAD_MAX + 1),
	};

	memset(o, 0, sizeof(*o));
	for (uint32_t n = chance(8); n-- > 0;)
		add_option(&s, o);
	for (uint32_t i = 0; i < s.payload_len; i++)
		payload[i] = (uint8_t)chance(256);
	s.payload = s.payload_len ? payload : NULL;
	return s;
}

static void assert_options(const struct segment *s, const struct tcp_options *o,
			   const struct packet *p)
{
	size_t padded = (s->options_len + 3U) / 4 * 4, n = strlen(o->layout);

	assert_int_equal(p->seg.options_len, padded);
	assert_memory_equal(p->seg.options, s->options, s->options_len);
	for (size_t i = s->options_len; i < padded; i++)
		assert_int_equal(p->seg.options[i], TCP_OPT_EOL);
	assert_memory_equal(p->options.layout, o->layout, n);
	assert_string_equal(p->options.layout + n, padded > s->options_len ? "E" : "");
	assert_int_equal(p->options.has_mss, o->has_mss);
	assert_int_equal(p->options.mss, o->mss);
	assert_int_equal(p->options.has_wscale, o->has_wscale);
	assert_int_equal(p->options.wscale, o->wscale);
	assert_int_equal(p->options.sack_ok, o->sack_ok);
	assert_int_equal(p->options.has_timestamps, o->has_timestamps);
	assert_int_equal(p->options.tsval, o->tsval);
	assert_int_equal(p->options.tsecr, o->tsecr);
	assert_false(p->options.malformed);
}

static void assert_same(const struct segment *s, const struct packet *p)
{
	assert_int_equal(p->kind, PACKET_TCP);
	assert_true(addr_equal(&p->seg.src, &s->src) && addr_equal(&p->seg.dst, &s->dst));
	assert_int_equal(p->seg.sport, s->sport);
	assert_int_equal(p->seg.dport, s->dport);
	assert_int_equal(p->seg.seq, s->seq);
	assert_int_equal(p->seg.ack, s->ack);
	assert_int_equal(p->seg.flags, s->flags);
	assert_int_equal(p->seg.win, s->win);
	assert_int_equal(p->seg.urg, s->urg);
	assert_int_equal(p->seg.ttl, s->ttl);
	assert_int_equal(p->seg.tos, s->tos);
	assert_int_equal(p->seg.df, s->df);
	assert_int_equal(p->seg.ip_id, s->ip_id);
	assert_int_equal(p->seg.payload_len, s->payload_len);
	assert_int_equal(p->payload_captured, s->payload_len);
	if (s->payload_len)
		assert_memory_equal(p->seg.payload, s->payload, s->payload_len);
	assert_false(p->payload_cut || p->first_fragment || p->n_tunnels);
}

/* --- links -------------------------------------------------------------------------------------
 */

/* A header of that link before an IP packet; its length. */
static size_t put_link(int linktype, bool six, uint8_t *out)
{
	uint16_t ethertype = six ? 0x86dd : 0x0800;
	size_t n = 0;

	memset(out, 0, LINK_MAX);
	if (linktype == LINKTYPE_ETHERNET) {
		n = 12;
		for (uint32_t tags = chance(3); tags-- > 0; n += 4)
			bytes_put_be32(out + n, (chance(2) ? 0x81000000U : 0x88a80000U) | 7);
	} else if (linktype == LINKTYPE_LINUX_SLL) {
		n = 14;
	}
	if (n) {
		out[n] = (uint8_t)(ethertype >> 8);
		out[n + 1] = (uint8_t)ethertype;
		n += 2;
	} else if (linktype == LINKTYPE_LOOP) {
		bytes_put_be32(out, six ? 24 : 2);
		n = 4;
	}
	return n;
}

static void assert_read_back(const struct segment *s, const struct tcp_options *o,
			     const uint8_t *ip, size_t len)
{
	static const int links[] = {LINKTYPE_RAW, LINKTYPE_ETHERNET, LINKTYPE_LINUX_SLL,
				    LINKTYPE_LOOP};
	uint8_t frame[LINK_MAX + SEGMENT_MAX];
	int link = links[chance(4)];
	size_t head = put_link(link, s->src.family == ADDR_V6, frame), whole = head + len;
	const uint8_t *at;
	struct packet p;

	memcpy(frame + head, ip, len);
	at = guard_put(&guard, frame, whole);
	if (decode_frame(at, whole, whole, link, &p) != DECODE_OK)
		fail_msg("link %d, %zu octets: not read", link, len);
	assert_int_equal(p.l3_offset, head);
	assert_true(p.csum_checked && !p.csum_bad);
	assert_same(s, &p);
	assert_options(s, o, &p);
	/* cut anywhere, it is either too short or the same but for what is missing */
	len = head + chance((uint32_t)len);
	at = guard_put(&guard, frame, len);
	if (decode_frame(at, len, whole, link, &p) == DECODE_OK)
		assert_true(p.seg.seq == s->seq && p.payload_captured <= s->payload_len);
}

static void what_is_built_reads_as_it_was(void **state)
{
	uint8_t bytes[SEGMENT_MAX];

	(void)state;
	rng = 1;
	for (int i = 0; i < ROUNDS; i++) {
		struct tcp_options o;
		struct segment s = random_segment(&o);
		struct err e = {""};
		int len = craft_build(craft, &s, bytes, sizeof(bytes), &e);

		if (len < 0)
			fail_msg("round %d: %s", i, e.msg);
		assert_read_back(&s, &o, bytes, (size_t)len);
	}
}

/* The same through a template, whose fields are patched and whose sums are mended. */
static void what_is_patched_reads_as_it_was(void **state)
{
	uint8_t bytes[SEGMENT_MAX];

	(void)state;
	rng = 2;
	for (int i = 0; i < ROUNDS / 4; i++) {
		struct tcp_options o;
		struct segment s = random_segment(&o);
		struct template *t = template_new(craft, &s, NULL);

		assert_non_null(t);
		for (int again = 0; again < 3; again++) {
			struct patch change;

			s.dst = random_addr(s.dst.family == ADDR_V6);
			s.sport = (uint16_t)field(0xffff);
			s.dport = (uint16_t)field(0xffff);
			s.seq = field(UINT32_MAX);
			s.ack = field(UINT32_MAX);
			s.ip_id = (uint16_t)(s.dst.family == ADDR_V6 ? 0 : field(0xffff));
			change = (struct patch){.dst = &s.dst,
						.sport = s.sport,
						.dport = s.dport,
						.ip_id = s.ip_id,
						.seq = s.seq,
						.ack = s.ack,
						.tsval = o.tsval};
			template_patch(t, &change, bytes);
			assert_read_back(&s, &o, bytes, template_len(t));
		}
		template_free(t);
	}
}

static int setup(void **state)
{
	struct err e = {""};

	(void)state;
	guard_open(&guard, LINK_MAX + SEGMENT_MAX);
	craft = craft_new(&e);
	return craft ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	craft_free(craft);
	guard_close(&guard);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_built_reads_as_it_was),
	    cmocka_unit_test(what_is_patched_reads_as_it_was),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
