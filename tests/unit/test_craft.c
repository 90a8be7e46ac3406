/*
 * craft: packets byte for byte, their meaning beside them; every checksum verified apart; what
 * can't be built is refused; and nothing of one packet stays for the next.
 */
#include "unit.h"

#include "packet/checksum.h"
#include "packet/craft.h"
#include "packet/options.h"

static struct craft *craft;

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

static struct segment between(const char *src, const char *dst)
{
	struct segment s = {.sport = 40000, .dport = 80, .ttl = 64};

	assert_int_equal(addr_parse(src, &s.src), 0);
	assert_int_equal(addr_parse(dst, &s.dst), 0);
	return s;
}

static struct segment v4(void)
{
	return between("192.0.2.1", "192.0.2.7");
}

static struct segment v6(void)
{
	return between("2001:db8::1", "2001:db8::7");
}

/* Whatever was built must carry right checksums and a length that agrees with itself. */
static void assert_sound(const uint8_t *p, size_t len)
{
	struct addr src = {0}, dst = {0};
	size_t ip_len = p[0] >> 4 == 4 ? 20 : 40, addr_octets = ip_len == 20 ? 4 : 16;
	uint64_t sum;

	src.family = dst.family = p[0] >> 4;
	memcpy(src.b, p + (ip_len == 20 ? 12 : 8), addr_octets);
	memcpy(dst.b, p + (ip_len == 20 ? 16 : 24), addr_octets);
	if (ip_len == 20) {
		assert_int_equal(checksum_finish(checksum_add(0, p, 20)), 0);
		assert_int_equal(p[2] << 8 | p[3], len);
	} else {
		assert_int_equal(p[4] << 8 | p[5], len - 40);
	}
	sum = checksum_pseudo(&src, &dst, 6, (uint32_t)(len - ip_len));
	assert_int_equal(checksum_finish(checksum_add(sum, p + ip_len, len - ip_len)), 0);
}

static void assert_builds(const struct segment *s, const uint8_t *want, size_t len)
{
	/* as large as the packet, so that a byte too many is a sanitizer's catch */
	uint8_t *out = malloc(len);
	struct err e = {""};

	assert_non_null(out);
	for (int again = 0; again < 2; again++) {
		if (craft_build(craft, s, out, len, &e) != (int)len)
			fail_msg("%s", e.msg);
		assert_memory_equal(out, want, len);
		assert_sound(out, len);
	}
	free(out);
}

static void a_linux_syn_on_ipv4(void **state)
{
	static const uint8_t want[] = {
	    0x45, 0x00, 0x00, 0x3c,		/* IPv4, 60 octets */
	    0x12, 0x34, 0x40, 0x00,		/* id 0x1234, DF */
	    0x40, 0x06, 0xa4, 0x7f,		/* ttl 64, TCP, checksum */
	    192,  0,	2,    1,		/* source */
	    192,  0,	2,    7,		/* destination */
	    0x9c, 0x40, 0x00, 0x50,		/* 40000 > 80 */
	    0x11, 0x22, 0x33, 0x44,		/* seq */
	    0x00, 0x00, 0x00, 0x00,		/* ack */
	    0xa0, 0x02, 0xfa, 0xf0,		/* 40 octets, SYN, win 64240 */
	    0xe4, 0x09, 0x00, 0x00,		/* checksum, urg */
	    0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, /* mss 1460, sackOK */
	    0x08, 0x0a, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00, /* TS */
	    0x01, 0x03, 0x03, 0x07,					/* nop, wscale 7 */
	};
	struct segment s = v4();

	(void)state;
	s.seq = 0x11223344;
	s.flags = TCP_SYN;
	s.win = 64240;
	s.df = true;
	s.ip_id = 0x1234;
	s.options_len = (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, 1460, 0x01020304, s.options);
	assert_builds(&s, want, sizeof(want));
}

static void a_linux_syn_on_ipv6(void **state)
{
	static const uint8_t want[] = {
	    0x6a, 0xb0, 0x00, 0x00, /* IPv6, class 0xab, flow 0 */
	    0x00, 0x28, 0x06, 0x40, /* 40 octets, TCP, hop limit 64 */
	    0x20, 0x01, 0x0d, 0xb8, 0,	  0,	0,    0,    0,	  0,
	    0,	  0,	0,    0,    0,	  1, /* source */
	    0x20, 0x01, 0x0d, 0xb8, 0,	  0,	0,    0,    0,	  0,
	    0,	  0,	0,    0,    0,	  7,	/* destination */
	    0x9c, 0x40, 0x00, 0x50,		/* 40000 > 80 */
	    0x11, 0x22, 0x33, 0x44,		/* seq */
	    0x00, 0x00, 0x00, 0x00,		/* ack */
	    0xa0, 0x02, 0xfa, 0xf0,		/* 40 octets, SYN, win 64240 */
	    0x0c, 0x99, 0x00, 0x00,		/* checksum, urg */
	    0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, /* mss 1460, sackOK */
	    0x08, 0x0a, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00, /* TS */
	    0x01, 0x03, 0x03, 0x07,					/* nop, wscale 7 */
	};
	struct segment s = v6();

	(void)state;
	s.seq = 0x11223344;
	s.flags = TCP_SYN;
	s.win = 64240;
	s.tos = 0xab;
	s.df = true; /* without meaning on IPv6 */
	s.ip_id = 9;
	s.options_len = (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, 1460, 0x01020304, s.options);
	assert_builds(&s, want, sizeof(want));
}

static void odd_payload_and_urgent_on_ipv4(void **state)
{
	static const uint8_t want[] = {
	    0x45, 0xb8, 0x00, 0x2b, /* IPv4, tos 0xb8, 43 octets */
	    0x00, 0x00, 0x00, 0x00, /* id 0 stays 0, no DF */
	    0xff, 0x06, 0x37, 0x0c, /* ttl 255, TCP, checksum */
	    192,  0,	2,    1,    /* source */
	    192,  0,	2,    7,    /* destination */
	    0x9c, 0x40, 0x00, 0x50, /* 40000 > 80 */
	    0xff, 0xff, 0xff, 0xff, /* seq */
	    0x00, 0x00, 0x00, 0x05, /* ack */
	    0x50, 0x38, 0x00, 0x01, /* 20 octets, PSH ACK URG, win 1 */
	    0xca, 0xa5, 0x00, 0x02, /* checksum, urg 2 */
	    'a',  'b',	'c',
	};
	struct segment s = v4();

	(void)state;
	s.seq = 0xffffffff;
	s.ack = 5;
	s.flags = TCP_PSH | TCP_ACK | TCP_URG;
	s.win = 1;
	s.urg = 2;
	s.ttl = 255;
	s.tos = 0xb8;
	s.payload = (const uint8_t *)"abc";
	s.payload_len = 3;
	assert_builds(&s, want, sizeof(want));
}

static void odd_payload_and_urgent_on_ipv6(void **state)
{
	static const uint8_t want[] = {
	    0x60, 0x00, 0x00, 0x00, /* IPv6 */
	    0x00, 0x17, 0x06, 0x01, /* 23 octets, TCP, hop limit 1 */
	    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* source */
	    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, /* destination */
	    0x9c, 0x40, 0x00, 0x50,					/* 40000 > 80 */
	    0xff, 0xff, 0xff, 0xff,					/* seq */
	    0x00, 0x00, 0x00, 0x05,					/* ack */
	    0x50, 0x38, 0x00, 0x01,					/* PSH ACK URG, win 1 */
	    0xf3, 0x34, 0x00, 0x02,					/* checksum, urg 2 */
	    'a',  'b',	'c',
	};
	struct segment s = v6();

	(void)state;
	s.seq = 0xffffffff;
	s.ack = 5;
	s.flags = TCP_PSH | TCP_ACK | TCP_URG;
	s.win = 1;
	s.urg = 2;
	s.ttl = 1;
	s.payload = (const uint8_t *)"abc";
	s.payload_len = 3;
	assert_builds(&s, want, sizeof(want));
}

static void no_flags_and_all_nine(void **state)
{
	uint8_t want[] = {
	    0x45, 0x00, 0x00, 0x28, /* IPv4, 40 octets */
	    0x00, 0x00, 0x40, 0x00, /* id 0, DF */
	    0x40, 0x06, 0xb6, 0xc7, /* ttl 64, TCP, checksum */
	    192,  0,	2,    1,    /* source */
	    192,  0,	2,    7,    /* destination */
	    0x9c, 0x40, 0x00, 0x50, /* 40000 > 80 */
	    0x00, 0x00, 0x00, 0x01, /* seq */
	    0x00, 0x00, 0x00, 0x00, /* ack */
	    0x50, 0x00, 0x04, 0x00, /* 20 octets, no flag, win 1024 */
	    0x8b, 0x4a, 0x00, 0x00, /* checksum, urg */
	};
	struct segment s = v4();

	(void)state;
	s.seq = 1;
	s.win = 1024;
	s.df = true;
	assert_builds(&s, want, sizeof(want));

	s.flags = 0x1ff;
	want[32] = 0x51; /* AE */
	want[33] = 0xff; /* CWR ECE URG ACK PSH RST SYN FIN */
	want[36] = 0x89;
	want[37] = 0x4b;
	assert_builds(&s, want, sizeof(want));
}

static void ae_with_payload_on_ipv6(void **state)
{
	static const uint8_t want_tcp[] = {
	    0x9c, 0x40, 0x00, 0x50, 0,	 0, 0, 1, 0, 0, 0, 0, /* 40000 > 80, seq 1, ack 0 */
	    0x51, 0xff, 0x04, 0x00,	 /* 20 octets, all nine flags, win 1024 */
	    0x39, 0xd9, 0x00, 0x00, 'x', /* checksum, urg; payload */
	};
	struct segment s = v6();
	uint8_t out[100];

	(void)state;
	s.seq = 1;
	s.win = 1024;
	s.flags = 0x1ff;
	s.payload = (const uint8_t *)"x";
	s.payload_len = 1;
	assert_int_equal(craft_build(craft, &s, out, sizeof(out), NULL), 61);
	assert_memory_equal(out + 40, want_tcp, sizeof(want_tcp));
	assert_sound(out, 61);
}

static void options_are_padded_by_eol(void **state)
{
	struct segment s = v4();
	uint8_t out[100];

	(void)state;
	s.flags = TCP_SYN;
	for (uint8_t len = 0; len <= 40; len++) {
		int padded = (len + 3) / 4 * 4, n;

		memset(s.options, 1, sizeof(s.options));
		s.options_len = len;
		n = craft_build(craft, &s, out, sizeof(out), NULL);
		assert_int_equal(n, 40 + padded);
		assert_int_equal(out[32] >> 4, 5 + padded / 4);
		for (int i = 0; i < padded; i++)
			assert_int_equal(out[40 + i], i < len ? 1 : 0);
		assert_sound(out, (size_t)n);
	}
}

static void nothing_stays_for_the_next_packet(void **state)
{
	struct segment large = v4(), small = v4(), other = v6();
	uint8_t payload[1400], before[40], out[1500];
	int n;

	(void)state;
	memset(payload, 0xa5, sizeof(payload));
	small.flags = TCP_ACK;
	assert_int_equal(craft_build(craft, &small, before, sizeof(before), NULL), 40);
	large.options_len = 40;
	large.payload = payload;
	other.flags = 0x1ff;
	for (uint32_t len = 0; len <= sizeof(payload); len += 7) { /* libnet's trap is at 256 */
		large.payload_len = len;
		n = craft_build(craft, &large, out, sizeof(out), NULL);
		assert_int_equal(n, 80 + len);
		assert_sound(out, (size_t)n);
		n = craft_build(craft, &other, out, sizeof(out), NULL);
		assert_int_equal(n, 60);
		assert_sound(out, 60);
		assert_int_equal(craft_build(craft, &small, out, sizeof(out), NULL), 40);
		assert_memory_equal(out, before, 40);
	}
}

static void checksums_are_right_whatever_the_values(void **state)
{
	uint8_t payload[64], out[200];

	(void)state;
	srand(9293);
	for (int i = 0; i < 20000; i++) {
		struct segment s = i & 1 ? v4() : v6();
		int n;

		for (size_t k = 0; k < sizeof(payload); k++)
			payload[k] = (uint8_t)rand();
		s.seq = (uint32_t)rand() << 1;
		s.ack = (uint32_t)rand() << 1;
		s.flags = (uint16_t)(rand() & 0x1ff);
		s.win = (uint16_t)rand();
		s.urg = (uint16_t)rand();
		s.ip_id = (uint16_t)rand();
		s.tos = (uint8_t)rand();
		s.options_len = (uint8_t)(rand() % 41);
		memcpy(s.options, payload, s.options_len);
		s.payload = payload;
		s.payload_len = (uint32_t)rand() % sizeof(payload);
		n = craft_build(craft, &s, out, sizeof(out), NULL);
		assert_true(n > 0);
		assert_sound(out, (size_t)n);
	}
}

static void refuses_what_is_no_packet(void **state)
{
	struct segment s = v4();
	struct err e = {""};
	uint8_t out[40];

	(void)state;
	assert_int_equal(craft_build(craft, &s, out, 39, &e), -1);
	assert_string_equal(e.msg, "craft: the packet takes 40 bytes, the buffer has 39");
	assert_int_equal(craft_build(craft, &s, out, 40, &e), 40);

	s.dst = v6().dst;
	assert_int_equal(craft_build(craft, &s, out, 40, &e), -1);
	assert_non_null(strstr(e.msg, "family"));
	s = (struct segment){0};
	assert_int_equal(craft_build(craft, &s, out, 40, &e), -1);

	s = v4();
	s.options_len = 41;
	assert_int_equal(craft_build(craft, &s, out, 40, &e), -1);
	assert_non_null(strstr(e.msg, "41 bytes of TCP options"));

	s = v4();
	s.payload = out;
	s.payload_len = 65535 - 39;
	assert_int_equal(craft_build(craft, &s, out, SIZE_MAX, &e), -1);
	assert_non_null(strstr(e.msg, "payload"));
	s.payload_len = UINT32_MAX;
	assert_int_equal(craft_build(craft, &s, out, SIZE_MAX, &e), -1);

	s = v4(); /* and the refusals left nothing behind */
	assert_int_equal(craft_build(craft, &s, out, 40, &e), 40);
	assert_sound(out, 40);
	craft_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_linux_syn_on_ipv4),
	    cmocka_unit_test(a_linux_syn_on_ipv6),
	    cmocka_unit_test(odd_payload_and_urgent_on_ipv4),
	    cmocka_unit_test(odd_payload_and_urgent_on_ipv6),
	    cmocka_unit_test(no_flags_and_all_nine),
	    cmocka_unit_test(ae_with_payload_on_ipv6),
	    cmocka_unit_test(options_are_padded_by_eol),
	    cmocka_unit_test(nothing_stays_for_the_next_packet),
	    cmocka_unit_test(checksums_are_right_whatever_the_values),
	    cmocka_unit_test(refuses_what_is_no_packet),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
