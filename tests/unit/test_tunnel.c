/*
 * tunnel: the innermost TCP of hand-made tunnels, each also cut at every length against a guard
 * page and mutated at random; and what only looks like a tunnel.
 */
#include "unit.h"

#include <ctype.h>
#include <sys/mman.h>
#include <unistd.h>

#include "packet/decode.h"
#include "packet/notation.h"

enum { FRAME_MAX = 512 };

/* --- what is inside ------------------------------------------------------------------------ */

/* 60 octets */
#define SYN4                                                                                       \
	"4500003c 12344000 4006a47f c0000201 c0000207 9c400050 11223344 00000000 a002faf0 "        \
	"e4090000"                                                                                 \
	"020405b4 0402 080a01020304 00000000 01 030307"
#define SYN4_TEXT                                                                                  \
	"192.0.2.1.40000 > 192.0.2.7.80: S 287454020:287454020(0) win 64240 "                      \
	"<mss 1460,sackOK,TS val 16909060 ecr 0,nop,wscale 7> ttl 64 DF id 4660"
/* 60 octets */
#define RST6                                                                                       \
	"60000000 00140640 20010db8000000000000000000000001 20010db8000000000000000000000007"      \
	"9c400050 00000001 00000000 50040000 b7d50000"
#define RST6_TEXT "2001:db8::1.40000 > 2001:db8::7.80: R 1:1(0) win 0 ttl 64"
/* 32 octets */
#define UDP4 "45000020 00010000 40110000 c0000201 c0000207 9c400035 000c0000 00000000"
/* 56 octets */
#define ICMP4                                                                                      \
	"45000038 00070000 fe0137be c00002fe c0000201 030d1bfc 00000000"                           \
	"45000028 12344000 0306e193 c0000201 c0000207 9c400050 11223344"
#define ICMP4_TEXT                                                                                 \
	"192.0.2.254 > 192.0.2.1: icmp 3/13 quoting 192.0.2.1.40000 > 192.0.2.7.80: "              \
	"seq 287454020 ttl 3; ttl 254 id 7"

/* --- what is around it --------------------------------------------------------------------- */

#define ENDS4 "c6336401 c6336402"
#define ENDS6 "20010db800640000000000000000000a 20010db800640000000000000000000b"
#define OUTER4(total, protocol) "4500" total "00010000 40" protocol "0000" ENDS4
#define OUTER6(payload, protocol) "60000000" payload protocol "40" ENDS6
#define MACS "020000000001 020000000002"
#define UDP(dport, len) "c001" dport len "0000"
#define VXLAN "0800000000002a00"
#define IPIP "04"
#define IPV6 "29"
#define GRE "2f"
#define AS_UDP "11"

static const struct fixture {
	const char *name, *outer, *inner; /* hex */
	enum decode_status want;
	unsigned n;
	enum tunnel kind;
	const char *text;
} fixtures[] = {
    {"IPv4 in IPv4", OUTER4("0050", IPIP), SYN4, DECODE_OK, 1, TUNNEL_IPIP, SYN4_TEXT},
    {"IPv6 in IPv4", OUTER4("0050", IPV6), RST6, DECODE_OK, 1, TUNNEL_IPIP, RST6_TEXT},
    {"IPv4 in IPv6", OUTER6("003c", IPIP), SYN4, DECODE_OK, 1, TUNNEL_IPIP, SYN4_TEXT},
    {"IPv6 in IPv6", OUTER6("003c", IPV6), RST6, DECODE_OK, 1, TUNNEL_IPIP, RST6_TEXT},
    {"IPv6 in IPv6 with options before", OUTER6("0044", "3c") IPV6 "00010400000000", RST6,
     DECODE_OK, 1, TUNNEL_IPIP, RST6_TEXT},
    {"it says IPv6, it is IPv4", OUTER4("0050", IPV6), SYN4, DECODE_MALFORMED, 0, 0, NULL},
    {"it ends before what is in it", OUTER4("004f", IPIP), SYN4, DECODE_MALFORMED, 0, 0, NULL},
    {"UDP in IPv4 in IPv4", OUTER4("0034", IPIP), UDP4, DECODE_OTHER, 0, 0, NULL},
    {"ICMP in IPv4 in IPv4", OUTER4("004c", IPIP), ICMP4, DECODE_OK, 1, TUNNEL_IPIP, ICMP4_TEXT},

    {"GRE", OUTER4("0054", GRE) "00000800", SYN4, DECODE_OK, 1, TUNNEL_GRE, SYN4_TEXT},
    {"GRE, IPv6 inside", OUTER4("0054", GRE) "000086dd", RST6, DECODE_OK, 1, TUNNEL_GRE, RST6_TEXT},
    {"GRE on IPv6", OUTER6("0040", GRE) "00000800", SYN4, DECODE_OK, 1, TUNNEL_GRE, SYN4_TEXT},
    {"GRE with a checksum", OUTER4("0058", GRE) "80000800 12340000", SYN4, DECODE_OK, 1, TUNNEL_GRE,
     SYN4_TEXT},
    {"GRE with a key", OUTER4("0058", GRE) "20000800 0000002a", SYN4, DECODE_OK, 1, TUNNEL_GRE,
     SYN4_TEXT},
    {"GRE with a sequence number", OUTER4("0058", GRE) "10000800 00000001", SYN4, DECODE_OK, 1,
     TUNNEL_GRE, SYN4_TEXT},
    {"GRE with all of them", OUTER4("0060", GRE) "b0000800 12340000 0000002a 00000001", SYN4,
     DECODE_OK, 1, TUNNEL_GRE, SYN4_TEXT},
    {"GRE with a source route", OUTER4("0058", GRE) "40000800 00000000", SYN4, DECODE_OTHER, 0, 0,
     NULL},
    {"GRE version 1", OUTER4("005c", GRE) "3001880b 003c0001 00000001", SYN4, DECODE_OTHER, 0, 0,
     NULL},
    {"GRE, ARP inside", OUTER4("0020", GRE) "00000806", "0001080006040001", DECODE_OTHER, 0, 0,
     NULL},
    {"NVGRE", OUTER4("0066", GRE) "20006558 00002a00" MACS "0800", SYN4, DECODE_OK, 1, TUNNEL_GRE,
     SYN4_TEXT},

    {"Teredo", OUTER4("0058", AS_UDP) UDP("0dd8", "0044"), RST6, DECODE_OK, 1, TUNNEL_TEREDO,
     RST6_TEXT},
    {"Teredo from its port", OUTER4("0058", AS_UDP) "0dd8c00100440000", RST6, DECODE_OK, 1,
     TUNNEL_TEREDO, RST6_TEXT},
    {"Teredo with an origin", OUTER4("0060", AS_UDP) UDP("0dd8", "004c") "0000 63bf fffffffe", RST6,
     DECODE_OK, 1, TUNNEL_TEREDO, RST6_TEXT},
    {"Teredo with authentication",
     OUTER4("0065", AS_UDP) UDP("0dd8", "0051") "0001 00 00 0102030405060708 00", RST6, DECODE_OK,
     1, TUNNEL_TEREDO, RST6_TEXT},
    {"Teredo with both, and an identifier",
     OUTER4("0072", AS_UDP)
	 UDP("0dd8", "005e") "0001 02 03 aabb ccccdd 0102030405060708 00 0000 63bf fffffffe",
     RST6, DECODE_OK, 1, TUNNEL_TEREDO, RST6_TEXT},
    {"Teredo's authentication is too long",
     OUTER4("0065", AS_UDP) UDP("0dd8", "0051") "0001 ff ff 0102030405060708 00", RST6,
     DECODE_OTHER, 0, 0, NULL},
    {"Teredo's port, IPv4", OUTER4("0058", AS_UDP) UDP("0dd8", "0044"), SYN4, DECODE_OTHER, 0, 0,
     NULL},
    {"Teredo's port, much like IPv6", OUTER4("0024", AS_UDP) UDP("0dd8", "0010"),
     "6000000000000000", DECODE_OTHER, 0, 0, NULL},
    {"Teredo's port, nothing", OUTER4("001c", AS_UDP) UDP("0dd8", "0008"), "", DECODE_OTHER, 0, 0,
     NULL},

    {"VXLAN", OUTER4("006e", AS_UDP) UDP("12b5", "005a") VXLAN MACS "0800", SYN4, DECODE_OK, 1,
     TUNNEL_VXLAN, SYN4_TEXT},
    {"VXLAN on the port of old", OUTER4("006e", AS_UDP) UDP("2118", "005a") VXLAN MACS "0800", SYN4,
     DECODE_OK, 1, TUNNEL_VXLAN, SYN4_TEXT},
    {"VXLAN on IPv6, IPv6 inside", OUTER6("005a", AS_UDP) UDP("12b5", "005a") VXLAN MACS "86dd",
     RST6, DECODE_OK, 1, TUNNEL_VXLAN, RST6_TEXT},
    {"VXLAN, yet to be cut", OUTER4("0000", AS_UDP) UDP("12b5", "0000") VXLAN MACS "0800", SYN4,
     DECODE_OK, 1, TUNNEL_VXLAN, SYN4_TEXT},
    {"VXLAN without an identifier",
     OUTER4("006e", AS_UDP) UDP("12b5", "005a") "0000000000002a00" MACS "0800", SYN4, DECODE_OTHER,
     0, 0, NULL},
    {"from VXLAN's port", OUTER4("006e", AS_UDP) "12b5c001005a0000" VXLAN MACS "0800", SYN4,
     DECODE_OTHER, 0, 0, NULL},
    {"VXLAN's port, a lie about the length",
     OUTER4("006e", AS_UDP) UDP("12b5", "005b") VXLAN MACS "0800", SYN4, DECODE_OTHER, 0, 0, NULL},
    {"VXLAN's port, a length that ends inside",
     OUTER4("006e", AS_UDP) UDP("12b5", "0059") VXLAN MACS "0800", SYN4, DECODE_OTHER, 0, 0, NULL},
    {"VXLAN's port, a length of 7", OUTER4("006e", AS_UDP) UDP("12b5", "0007") VXLAN MACS "0800",
     SYN4, DECODE_OTHER, 0, 0, NULL},
    {"VXLAN's port, malformed inside", OUTER4("0046", AS_UDP) UDP("12b5", "0032") VXLAN MACS "0800",
     "4200000000000000000000000000000000000000", DECODE_OTHER, 0, 0, NULL},
    {"no tunnel's port", OUTER4("006e", AS_UDP) UDP("12b6", "005a") VXLAN MACS "0800", SYN4,
     DECODE_OTHER, 0, 0, NULL},

    {"IPv4 in GRE in VXLAN",
     OUTER4("0086", AS_UDP) UDP("12b5", "0072") VXLAN MACS "0800" OUTER4("0054", GRE) "00000800",
     SYN4, DECODE_OK, 2, TUNNEL_GRE, SYN4_TEXT},
    {"four in each other",
     OUTER4("008c", IPIP) OUTER4("0078", IPIP) OUTER4("0064", IPIP) OUTER4("0050", IPIP), SYN4,
     DECODE_OK, 4, TUNNEL_IPIP, SYN4_TEXT},
    {"five in each other",
     OUTER4("00a0", IPIP) OUTER4("008c", IPIP) OUTER4("0078", IPIP) OUTER4("0064", IPIP)
	 OUTER4("0050", IPIP),
     SYN4, DECODE_OTHER, 0, 0, NULL},
    {"the second fragment of a tunnel", "45000050 00010001 40040000" ENDS4, SYN4, DECODE_FRAGMENT,
     0, 0, NULL},
};

enum { N_FIXTURES = sizeof(fixtures) / sizeof(fixtures[0]) };

/* Hex with blanks, behind what `len` octets are there. */
static size_t put_hex(uint8_t *out, size_t len, const char *hex)
{
	for (; *hex; hex++) {
		unsigned v = 0;

		if (isspace((unsigned char)*hex))
			continue;
		assert_true(len < FRAME_MAX && sscanf(hex, "%2x", &v) == 1);
		out[len++] = (uint8_t)v;
		hex++;
	}
	return len;
}

static size_t frame_of(const struct fixture *f, uint8_t out[FRAME_MAX])
{
	return put_hex(out, put_hex(out, 0, f->outer), f->inner);
}

static enum decode_status decode(const uint8_t *frame, size_t captured, size_t len,
				 struct packet *p)
{
	return decode_frame_how(frame, captured, len, LINKTYPE_RAW, DECODE_TUNNELS, p);
}

static void assert_status(const char *what, size_t at, enum decode_status got,
			  enum decode_status want)
{
	if (got != want)
		fail_msg("%s, %zu octets: %s, not %s", what, at, decode_status_name(got),
			 decode_status_name(want));
}

/* The end of a page with nothing mapped behind it. */
static uint8_t *guard_end;

static int setup(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p =
	    mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (p == MAP_FAILED || mprotect(p + page, page, PROT_NONE) != 0)
		return -1;
	guard_end = p + page;
	return 0;
}

static void the_innermost_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FIXTURES; i++) {
		const struct fixture *f = &fixtures[i];
		uint8_t frame[FRAME_MAX];
		size_t len = frame_of(f, frame);
		char buf[512];
		struct text t = text_of(buf, sizeof(buf));
		struct packet p;

		assert_status(f->name, len, decode(frame, len, len, &p), f->want);
		if (f->want != DECODE_OK)
			continue;
		notation_put_packet(&t, &p);
		if (strcmp(buf, f->text) != 0)
			fail_msg("%s:\n got %s\nwant %s", f->name, buf, f->text);
		if (p.n_tunnels != f->n || p.tunnel != f->kind)
			fail_msg("%s: %u, the last %u", f->name, p.n_tunnels, p.tunnel);
		assert_int_equal(p.l3_offset, 0);
		assert_false(p.payload_cut);
		assert_true(p.csum_checked && !p.csum_bad);
	}
}

static void nothing_is_entered_unasked(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FIXTURES; i++) {
		const struct fixture *f = &fixtures[i];
		uint8_t frame[FRAME_MAX];
		size_t len = frame_of(f, frame);
		struct packet p;

		assert_status(f->name, len, decode_frame(frame, len, len, LINKTYPE_RAW, &p),
			      f->want == DECODE_FRAGMENT ? DECODE_FRAGMENT : DECODE_OTHER);
		assert_int_equal(p.n_tunnels, 0);
	}
}

static void every_truncation_against_a_guard_page(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FIXTURES; i++) {
		const struct fixture *f = &fixtures[i];
		uint8_t frame[FRAME_MAX];
		size_t len = frame_of(f, frame);
		bool decided = false;

		for (size_t cut = 0; cut <= len; cut++) {
			uint8_t *at = guard_end - cut;
			enum decode_status st;
			struct packet p;

			memcpy(at, frame, cut);
			st = decode(at, cut, len, &p);
			/* too short to say, and from some length on what the whole frame says */
			if (!decided && st != DECODE_TRUNCATED)
				decided = true;
			assert_status(f->name, cut, st, decided ? f->want : DECODE_TRUNCATED);
			/* the frame itself may be that short too: no crash, whatever it says */
			decode(at, cut, cut, &p);
		}
		assert_true(decided);
	}
}

static void mutations_never_leave_the_frame(void **state)
{
	char buf[256];

	(void)state;
	srand(4380);
	for (unsigned round = 0; round < 200000; round++) {
		const struct fixture *f = &fixtures[(unsigned)rand() % N_FIXTURES];
		uint8_t frame[FRAME_MAX], *at;
		size_t len = frame_of(f, frame), cut;
		struct text t = text_of(buf, sizeof(buf));
		struct packet p;

		for (int k = rand() % 6; k >= 0; k--)
			frame[(unsigned)rand() % len] = (uint8_t)(rand() >> 7);
		cut = rand() & 1 ? len : (size_t)rand() % (len + 1);
		at = guard_end - cut;
		memcpy(at, frame, cut);
		if (decode(at, cut, rand() & 1 ? len : cut, &p) != DECODE_OK)
			continue;
		assert_true(p.n_vlan <= 4 && p.n_tunnels <= 4 && p.tunnel < TUNNELS);
		assert_int_equal(p.n_tunnels > 0, p.tunnel != TUNNEL_NONE);
		assert_true(
		    !p.payload_captured ||
		    (p.seg.payload >= at && p.seg.payload + p.payload_captured <= guard_end));
		notation_put_packet(&t, &p);
	}
}

/* What the outer packet's other fragments hold was sent, but isn't in this frame. */
static void the_first_fragment_of_a_tunnel(void **state)
{
	uint8_t frame[FRAME_MAX];
	/* 68 octets, more fragments; in it 20 + 20 of 8 + 1000 octets of payload */
	size_t len = put_hex(frame, 0,
			     "45000044 00012000 40040000" ENDS4
			     "45000410 00020000 40060000 c0000201 c0000207"
			     "9c400050 00000001 00000000 50180400 00000000 4142434445464748");
	struct packet p;

	(void)state;
	assert_int_equal(decode(frame, len, len, &p), DECODE_OK);
	assert_int_equal(p.seg.payload_len, 1000);
	assert_int_equal(p.payload_captured, 8);
	assert_true(p.payload_cut && !p.csum_checked && !p.first_fragment);
}

static void vlans_of_both_sides_are_listed(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t len = put_hex(frame, 0,
			     MACS "8100 0064 0800" OUTER4("0072", AS_UDP) UDP("12b5", "005e")
				 VXLAN MACS "8100 00c8 0800" SYN4);
	struct packet p;

	(void)state;
	assert_int_equal(decode_frame_how(frame, len, len, LINKTYPE_ETHERNET, DECODE_TUNNELS, &p),
			 DECODE_OK);
	assert_int_equal(p.n_vlan, 2);
	assert_int_equal(p.vlan[0], 100);
	assert_int_equal(p.vlan[1], 200);
	assert_int_equal(p.l3_offset, 18);
}

static void each_tunnel_has_a_name(void **state)
{
	(void)state;
	assert_null(tunnel_name(TUNNEL_NONE));
	for (enum tunnel t = TUNNEL_NONE + 1; t < TUNNELS; t++)
		assert_true(strlen(tunnel_name(t)) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_innermost_is_read),
	    cmocka_unit_test(nothing_is_entered_unasked),
	    cmocka_unit_test(every_truncation_against_a_guard_page),
	    cmocka_unit_test(mutations_never_leave_the_frame),
	    cmocka_unit_test(the_first_fragment_of_a_tunnel),
	    cmocka_unit_test(vlans_of_both_sides_are_listed),
	    cmocka_unit_test(each_tunnel_has_a_name),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
