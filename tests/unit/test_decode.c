/*
 * decode: golden frames of every link type with their meaning, each also cut at every length
 * against a guard page, mutated at random, and round trips through craft.
 */
#include "unit.h"

#include <ctype.h>
#include <sys/mman.h>
#include <unistd.h>

#include "packet/checksum.h"
#include "packet/craft.h"
#include "packet/decode.h"
#include "packet/notation.h"

enum { FRAME_MAX = 512 };

/* --- IP packets ---------------------------------------------------------------------------- */

/* SYN 192.0.2.1.40000 > 192.0.2.7.80 as Linux sends it */
#define SYN4                                                                                       \
	"4500003c 12344000 4006a47f c0000201 c0000207"	/* 60 octets, id 0x1234, DF, ttl 64 */     \
	"9c400050 11223344 00000000 a002faf0 e4090000"	/* 40000 > 80, seq, SYN, win 64240 */      \
	"020405b4 0402 080a01020304 00000000 01 030307" /* mss, sackOK, TS, nop, wscale */
#define SYN4_TEXT                                                                                  \
	"192.0.2.1.40000 > 192.0.2.7.80: S 287454020:287454020(0) win 64240 "                      \
	"<mss 1460,sackOK,TS val 16909060 ecr 0,nop,wscale 7> ttl 64 DF id 4660"
/* the same on IPv6, traffic class 0xab */
#define SYN6                                                                                       \
	"6ab00000 00280640 20010db8000000000000000000000001 20010db8000000000000000000000007"      \
	"9c400050 11223344 00000000 a002faf0 0c990000"                                             \
	"020405b4 0402 080a01020304 00000000 01 030307"
#define SYN6_TEXT                                                                                  \
	"2001:db8::1.40000 > 2001:db8::7.80: S 287454020:287454020(0) win 64240 "                  \
	"<mss 1460,sackOK,TS val 16909060 ecr 0,nop,wscale 7> ttl 64"
#define SYNACK4                                                                                    \
	"4500002c 00004000 3906bdc3 c0000207 c0000201" /* 44 octets, ttl 57 */                     \
	"00509c40 000003e8 11223345 6012ffff 2f6a0000 02040578"
#define DATA4                                                                                      \
	"45b8002b 00000000 ff06370c c0000201 c0000207" /* 43 octets */                             \
	"9c400050 ffffffff 00000005 50380001 caa50002 616263"
#define DATA4_TEXT                                                                                 \
	"192.0.2.1.40000 > 192.0.2.7.80: P.U 4294967295:2(3) ack 5 win 1 urg 2 ttl 255 id 0"
#define ALL_FLAGS                                                                                  \
	"45000028 00004000 4006b6c7 c0000201 c0000207"                                             \
	"9c400050 00000001 00000000 51ff0400 894b0000"
/* a record-route option before the TCP header */
#define IPV4_OPTIONS                                                                               \
	"47000030 00010000 4006e9b7 c0000201 c0000207 0707040000000000"                            \
	"9c400050 00000001 00000000 50040000 8f460000"
#define RST4_TEXT(id) "192.0.2.1.40000 > 192.0.2.7.80: R 1:1(0) win 0 ttl 64 id " id
/* hop-by-hop (0), destination options (60), fragment (44, atomic), AH (51), routing (43, no hops
 * left) */
#define V6_ADDRS "20010db8000000000000000000000001 20010db8000000000000000000000007"
#define RST6_TCP "9c400050 00000001 00000000 50040000 b7d50000"
#define RST6_TEXT "2001:db8::1.40000 > 2001:db8::7.80: R 1:1(0) win 0 ttl 64"
#define EXTENSIONS6                                                                                \
	"60000000 004c0040" V6_ADDRS "3c01010c00000000 0000000000000000" /* hop-by-hop */          \
	"2c00010400000000"						 /* destination options */ \
	"3300000001020304"		    /* fragment 0, nothing more */                         \
	"2b02000000000001 0000000200000000" /* AH of 16 octets */                                  \
	"0600000000000000" RST6_TCP	    /* routing, segments left 0 */

#define QUOTED4 "45000028 12344000 0306e193 c0000201 c0000207"
#define QUOTED_TCP "9c400050 11223344 55667788 5002faf0 83030000"
#define QUOTED_8 "9c400050 11223344" /* what RFC 792 asks for */
#define ICMP4_28 "45000038 00070000 fe0137be c00002fe c0000201 030d1bfc 00000000" QUOTED4 QUOTED_8
#define ICMP4_28_TEXT                                                                              \
	"192.0.2.254 > 192.0.2.1: icmp 3/13 quoting 192.0.2.1.40000 > 192.0.2.7.80: "              \
	"seq 287454020 ttl 3; ttl 254 id 7"
#define ICMP4_40 "45000044 00070000 fe0137b2 c00002fe c0000201 0b007923 00000000" QUOTED4 QUOTED_TCP
#define ICMP6_FULL                                                                                 \
	"60000000 00443a3f 20010db80000000000000000000000fe 20010db8000000000000000000000001"      \
	"01013c13 00000000 60000000 00140602" V6_ADDRS                                             \
	"9c400050 11223344 55667788 5002faf0 ab920000"

/* --- link headers -------------------------------------------------------------------------- */

#define MACS "020000000001 020000000002"
#define ETH4 MACS "0800"
#define ETH6 MACS "86dd"
#define SLL(type) "0000 0001 0006 0200000000020000" type	    /* to us, from Ethernet */
#define SLL2(type) type "0000 00000003 0001 00 06 0200000000020000" /* interface 3 */

struct fixture {
	const char *name;
	int linktype;
	const char *link, *ip; /* hex */
	unsigned n_vlan;
	enum decode_status want;
	const char *text;
};

static const struct fixture fixtures[] = {
    {"ethernet", LINKTYPE_ETHERNET, ETH4, SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"ethernet v6", LINKTYPE_ETHERNET, ETH6, SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"ethernet padded", LINKTYPE_ETHERNET, ETH4, DATA4 "000000", 0, DECODE_OK, DATA4_TEXT},
    {"802.1Q", LINKTYPE_ETHERNET, MACS "8100 e064 0800", SYN4, 1, DECODE_OK, SYN4_TEXT},
    {"802.1ad", LINKTYPE_ETHERNET, MACS "88a8 0064 8100 00c8 86dd", SYN6, 2, DECODE_OK, SYN6_TEXT},
    {"QinQ of old", LINKTYPE_ETHERNET, MACS "9100 0064 8100 00c8 0800", SYN4, 2, DECODE_OK,
     SYN4_TEXT},
    {"four tags", LINKTYPE_ETHERNET, MACS "8100 0064 8100 0064 8100 0064 8100 0064 0800", SYN4, 4,
     DECODE_OK, SYN4_TEXT},
    {"five tags", LINKTYPE_ETHERNET, MACS "8100 0064 8100 0064 8100 0064 8100 0064 8100 0064 0800",
     SYN4, 4, DECODE_OTHER, NULL},
    {"ARP", LINKTYPE_ETHERNET, MACS "0806", "0001080006040001", 0, DECODE_OTHER, NULL},
    {"802.3", LINKTYPE_ETHERNET, MACS "0026", "424203000000", 0, DECODE_OTHER, NULL},
    {"SNAP", LINKTYPE_ETHERNET, MACS "0044 aaaa03 000000 0800", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"SNAP v6, tagged", LINKTYPE_ETHERNET, MACS "8100 0064 0058 aaaa03 000000 86dd", SYN6, 1,
     DECODE_OK, SYN6_TEXT},
    {"SNAP of an organisation", LINKTYPE_ETHERNET, MACS "0044 aaaa03 00000c 0800", SYN4, 0,
     DECODE_OTHER, NULL},
    {"SNAP in SNAP", LINKTYPE_ETHERNET, MACS "0044 aaaa03 000000 0044 aaaa03 000000 0800", SYN4, 0,
     DECODE_OTHER, NULL},
    {"LLC, unnumbered but another", LINKTYPE_ETHERNET, MACS "0044 aaaa13 000000 0800", SYN4, 0,
     DECODE_OTHER, NULL},
    {"PPPoE", LINKTYPE_ETHERNET, MACS "8864 1100 0007 003e 0021", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"PPPoE v6", LINKTYPE_ETHERNET, MACS "8864 1100 0007 0052 0057", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"PPPoE LCP", LINKTYPE_ETHERNET, MACS "8864 1100 0007 000a c021", "0900000800000000", 0,
     DECODE_OTHER, NULL},
    {"PPPoE of no session", LINKTYPE_ETHERNET, MACS "8864 1109 0000 003e 0021", SYN4, 0,
     DECODE_OTHER, NULL},
    {"MPLS", LINKTYPE_ETHERNET, MACS "8847 0006413f", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"MPLS, two labels, v6", LINKTYPE_ETHERNET, MACS "8848 0006403f 0006413f", SYN6, 0, DECODE_OK,
     SYN6_TEXT},
    {"MPLS, pseudowire", LINKTYPE_ETHERNET, MACS "8847 0006413f", "00000000", 0, DECODE_OTHER,
     NULL},
    {"MPLS without a bottom", LINKTYPE_ETHERNET,
     MACS "8847 0006403f 0006403f 0006403f 0006403f 0006403f 0006403f 0006403f 0006403f 0006413f",
     SYN4, 0, DECODE_OTHER, NULL},
    {"FDDI", LINKTYPE_FDDI, "50" MACS "aaaa03 000000 0800", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"FDDI v6, by priority", LINKTYPE_FDDI, "54" MACS "aaaa03 000000 86dd", SYN6, 0, DECODE_OK,
     SYN6_TEXT},
    {"FDDI SMT", LINKTYPE_FDDI, "41" MACS, SYN4, 0, DECODE_OTHER, NULL},
    {"raw v4", LINKTYPE_RAW, "", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"raw v6", LINKTYPE_RAW, "", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"raw v5", LINKTYPE_RAW, "", "55000000", 0, DECODE_OTHER, NULL},
    {"IPV4", LINKTYPE_IPV4, "", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"IPV6", LINKTYPE_IPV6, "", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"IPV4 with v6 in it", LINKTYPE_IPV4, "", SYN6, 0, DECODE_MALFORMED, NULL},
    {"IPV6 with v4 in it", LINKTYPE_IPV6, "", SYN4, 0, DECODE_MALFORMED, NULL},
    {"SLL", LINKTYPE_LINUX_SLL, SLL("0800"), SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"SLL v6", LINKTYPE_LINUX_SLL, SLL("86dd"), SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"SLL tagged", LINKTYPE_LINUX_SLL, SLL("8100") "0064 0800", SYN4, 1, DECODE_OK, SYN4_TEXT},
    {"SLL2", LINKTYPE_LINUX_SLL2, SLL2("0800"), SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"SLL2 v6", LINKTYPE_LINUX_SLL2, SLL2("86dd"), SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"SLL2 ARP", LINKTYPE_LINUX_SLL2, SLL2("0806"), "0001", 0, DECODE_OTHER, NULL},
    {"NULL little", LINKTYPE_NULL, "02000000", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"NULL big", LINKTYPE_NULL, "00000002", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"NULL v6 Linux", LINKTYPE_NULL, "0a000000", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"NULL v6 OpenBSD", LINKTYPE_NULL, "18000000", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"NULL v6 FreeBSD", LINKTYPE_NULL, "0000001c", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"NULL v6 macOS", LINKTYPE_NULL, "1e000000", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"NULL other", LINKTYPE_NULL, "07000000", SYN6, 0, DECODE_OTHER, NULL},
    {"LOOP", LINKTYPE_LOOP, "00000002", SYN4, 0, DECODE_OK, SYN4_TEXT},
    {"LOOP v6", LINKTYPE_LOOP, "00000018", SYN6, 0, DECODE_OK, SYN6_TEXT},
    {"PPP", 9, "ff030021", SYN4, 0, DECODE_LINKTYPE, NULL},

    {"SYN-ACK", LINKTYPE_RAW, "", SYNACK4, 0, DECODE_OK,
     "192.0.2.7.80 > 192.0.2.1.40000: S. 1000:1000(0) ack 287454021 win 65535 <mss 1400> "
     "ttl 57 DF id 0"},
    {"all nine flags", LINKTYPE_RAW, "", ALL_FLAGS, 0, DECODE_OK,
     "192.0.2.1.40000 > 192.0.2.7.80: FSRP.UEWA 1:1(0) ack 0 win 1024 urg 0 ttl 64 DF id 0"},
    {"IPv4 options", LINKTYPE_RAW, "", IPV4_OPTIONS, 0, DECODE_OK, RST4_TEXT("1")},
    {"extension headers", LINKTYPE_RAW, "", EXTENSIONS6, 0, DECODE_OK, RST6_TEXT},
    {"TSO: IPv4 length 0", LINKTYPE_RAW, "",
     "45b80000 00000000 ff06370c c0000201 c0000207"
     "9c400050 ffffffff 00000005 50380001 caa50002 616263",
     0, DECODE_OK, DATA4_TEXT},
    {"later fragment", LINKTYPE_RAW, "",
     "45000028 12341000 4006a47f c0000201 c0000207 0000000000000000000000000000000000000000", 0,
     DECODE_FRAGMENT, NULL},
    {"later fragment v6", LINKTYPE_RAW, "",
     "60000000 00102c40" V6_ADDRS "0600000801020304 0000000000000000", 0, DECODE_FRAGMENT, NULL},
    {"UDP", LINKTYPE_RAW, "", "4500001c 00000000 40110000 c0000201 c0000207 0035003500080000", 0,
     DECODE_OTHER, NULL},
    {"nothing behind IPv6", LINKTYPE_RAW, "", "60000000 00003b40" V6_ADDRS, 0, DECODE_OTHER, NULL},
    {"nine extensions", LINKTYPE_RAW, "",
     "60000000 005c0040" V6_ADDRS "0000010400000000 0000010400000000 0000010400000000"
     "0000010400000000 0000010400000000 0000010400000000 0000010400000000 0000010400000000"
     "0600010400000000" RST6_TCP,
     0, DECODE_OTHER, NULL},

    {"ICMP with 8 octets", LINKTYPE_RAW, "", ICMP4_28, 0, DECODE_OK, ICMP4_28_TEXT},
    {"ICMP with all", LINKTYPE_RAW, "", ICMP4_40, 0, DECODE_OK,
     "192.0.2.254 > 192.0.2.1: icmp 11/0 quoting 192.0.2.1.40000 > 192.0.2.7.80: "
     "S seq 287454020 ack 1432778632 ttl 3; ttl 254 id 7"},
    {"ICMPv6", LINKTYPE_RAW, "", ICMP6_FULL, 0, DECODE_OK,
     "2001:db8::fe > 2001:db8::1: icmp6 1/1 quoting 2001:db8::1.40000 > 2001:db8::7.80: "
     "S seq 287454020 ack 1432778632 ttl 2; ttl 63"},
    {"ICMP quoting options", LINKTYPE_RAW, "",
     "45000040 00070000 fe0137b6 c00002fe c0000201 030d0000 00000000"
     "47000030 12340000 0306d78b c0000201 c0000207 0707040000000000 9c40005011223344",
     0, DECODE_OK, ICMP4_28_TEXT},
    {"ICMPv6 quoting extensions", LINKTYPE_RAW, "",
     "60000000 00443a3f 20010db80000000000000000000000fe 20010db8000000000000000000000001"
     "03000000 00000000 60000000 00143c01" V6_ADDRS "0600010400000000 9c400050 11223344 55667788",
     0, DECODE_OK,
     "2001:db8::fe > 2001:db8::1: icmp6 3/0 quoting 2001:db8::1.40000 > 2001:db8::7.80: "
     "seq 287454020 ack 1432778632 ttl 1; ttl 63"},
    {"ICMP quoting UDP", LINKTYPE_RAW, "",
     "45000038 00070000 fe0137be c00002fe c0000201 03030000 00000000"
     "4500001c 00000000 40110000 c0000201 c0000207 0035003500080000",
     0, DECODE_OTHER, NULL},
    {"echo", LINKTYPE_RAW, "", "4500001c 00000000 40010000 c0000201 c0000207 0800f7fe00010000", 0,
     DECODE_OTHER, NULL},
    {"neighbour solicitation", LINKTYPE_RAW, "", "60000000 00083aff" V6_ADDRS "8700000000000000", 0,
     DECODE_OTHER, NULL},
    {"ICMP with half an IP header", LINKTYPE_RAW, "",
     "45000026 00070000 fe010000 c00002fe c0000201 030d0000 00000000 45000028 12344000 0306", 0,
     DECODE_MALFORMED, NULL},

    {"IPv4 header length 16", LINKTYPE_RAW, "", "4400003c 12344000 4006a47f c0000201 c0000207", 0,
     DECODE_MALFORMED, NULL},
    {"IPv4 length below its header", LINKTYPE_RAW, "",
     "45000013 12344000 4006a47f c0000201 c0000207 00000000", 0, DECODE_MALFORMED, NULL},
    {"IPv4 length past the frame", LINKTYPE_RAW, "",
     "4500003d 00004000 4006b6c7 c0000201 c0000207 9c400050 00000001 00000000 50040000 00000000", 0,
     DECODE_MALFORMED, NULL},
    {"IPv6 length past the frame", LINKTYPE_RAW, "", "60000000 00150640" V6_ADDRS RST6_TCP, 0,
     DECODE_MALFORMED, NULL},
    {"TCP offset 4", LINKTYPE_RAW, "",
     "45000028 00004000 4006b6c7 c0000201 c0000207 9c400050 00000001 00000000 40040000 00000000", 0,
     DECODE_MALFORMED, NULL},
    {"TCP offset past the segment", LINKTYPE_RAW, "",
     "45000028 00004000 4006b6c7 c0000201 c0000207 9c400050 00000001 00000000 60040000 00000000"
     "00000000",
     0, DECODE_MALFORMED, NULL},
    {"TCP header past the packet", LINKTYPE_RAW, "",
     "45000027 00004000 4006b6c7 c0000201 c0000207 9c400050 00000001 00000000 50040000 00000000", 0,
     DECODE_MALFORMED, NULL},
    {"extension past the packet", LINKTYPE_RAW, "",
     "60000000 001c0040" V6_ADDRS "0604010400000000" RST6_TCP, 0, DECODE_MALFORMED, NULL},
};

enum { N_FIXTURES = sizeof(fixtures) / sizeof(fixtures[0]) };

/* --- help ---------------------------------------------------------------------------------- */

static size_t put_hex(uint8_t *out, size_t len, const char *hex)
{
	for (; *hex; hex++) {
		char two[3] = {hex[0], hex[1], '\0'};

		if (*hex == ' ')
			continue;
		assert_true(isxdigit(hex[0]) && isxdigit(hex[1]));
		assert_true(len < FRAME_MAX);
		out[len++] = (uint8_t)strtoul(two, NULL, 16);
		hex++;
	}
	return len;
}

static size_t frame_of(const struct fixture *f, uint8_t out[FRAME_MAX])
{
	return put_hex(out, put_hex(out, 0, f->link), f->ip);
}

static enum decode_status decode_raw(const char *hex, struct packet *p)
{
	static uint8_t buf[FRAME_MAX]; /* the packet borrows from it */
	size_t len = put_hex(buf, 0, hex);

	return decode_frame(buf, len, len, LINKTYPE_RAW, p);
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

/* --- tests --------------------------------------------------------------------------------- */

static void golden_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_FIXTURES; i++) {
		const struct fixture *f = &fixtures[i];
		uint8_t frame[FRAME_MAX];
		size_t len = frame_of(f, frame);
		char buf[512];
		struct text t = text_of(buf, sizeof(buf));
		struct packet p;

		assert_status(f->name, len, decode_frame(frame, len, len, f->linktype, &p),
			      f->want);
		if (f->want != DECODE_OK)
			continue;
		notation_put_packet(&t, &p);
		if (strcmp(buf, f->text) != 0)
			fail_msg("%s:\n got %s\nwant %s", f->name, buf, f->text);
		assert_int_equal(p.n_vlan, f->n_vlan);
		assert_int_equal(p.l3_offset, put_hex(frame, 0, f->link));
		assert_false(p.payload_cut);
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
			st = decode_frame(at, cut, len, f->linktype, &p);
			/* too short to say, and from some length on what the whole frame says */
			if (!decided && st != DECODE_TRUNCATED)
				decided = true;
			assert_status(f->name, cut, st, decided ? f->want : DECODE_TRUNCATED);
			if (st == DECODE_OK && p.payload_cut)
				assert_false(p.csum_checked);
			if (st == DECODE_OK && p.kind == PACKET_TCP)
				assert_true(p.payload_captured <= p.seg.payload_len);
			/* the frame itself may be that short too: no crash, whatever it says */
			decode_frame(at, cut, cut, f->linktype, &p);
		}
		assert_true(decided);
	}
}

static void a_cut_payload_keeps_its_length(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t len = put_hex(frame, 0, DATA4);
	struct packet p;

	(void)state;
	assert_status("39", 39, decode_frame(frame, 39, len, LINKTYPE_RAW, &p), DECODE_TRUNCATED);
	assert_status("40", 40, decode_frame(frame, 40, len, LINKTYPE_RAW, &p), DECODE_OK);
	assert_true(p.payload_cut && !p.csum_checked);
	assert_int_equal(p.seg.payload_len, 3);
	assert_int_equal(p.payload_captured, 0);
	assert_null(p.seg.payload);
	assert_status("42", 42, decode_frame(frame, 42, len, LINKTYPE_RAW, &p), DECODE_OK);
	assert_int_equal(p.seg.payload_len, 3);
	assert_int_equal(p.payload_captured, 2);
	assert_ptr_equal(p.seg.payload, frame + 40);
	assert_status("43", 43, decode_frame(frame, 43, len, LINKTYPE_RAW, &p), DECODE_OK);
	assert_false(p.payload_cut || p.csum_bad);
	assert_true(p.csum_checked);
	assert_memory_equal(p.seg.payload, "abc", 3);
}

static void sums_of_resets_only_where_asked(void **state)
{
	static const struct {
		const char *hex;
		bool reset;
	} rows[] = {{SYN4, false}, {ALL_FLAGS, true}, {IPV4_OPTIONS, true}, {ICMP4_40, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = put_hex(frame, 0, rows[i].hex);
		struct packet p;

		frame[len - 1] ^= 1;
		assert_int_equal(
		    decode_frame_how(frame, len, len, LINKTYPE_RAW, DECODE_SUMS_OF_RSTS, &p),
		    DECODE_OK);
		assert_int_equal(p.csum_checked, rows[i].reset);
		assert_int_equal(p.csum_bad, rows[i].reset);
		assert_int_equal(decode_frame(frame, len, len, LINKTYPE_RAW, &p), DECODE_OK);
		assert_true(p.csum_checked && p.csum_bad);
	}
}

static void an_offset_below_five_never_reads_options(void **state)
{
	uint8_t frame[400];
	struct packet p;

	(void)state;
	memset(frame, 1, sizeof(frame));
	put_hex(frame, 0, "45000190 00004000 4006b6c7 c0000201 c0000207");
	for (unsigned offset = 0; offset < 16; offset++) {
		frame[32] = (uint8_t)(offset << 4);
		assert_status("offset", offset, decode_frame(frame, 400, 400, LINKTYPE_RAW, &p),
			      offset < 5 ? DECODE_MALFORMED : DECODE_OK);
	}
	assert_int_equal(p.seg.options_len, 40);
	assert_int_equal(p.seg.payload_len, 320);
	/* a file that says the frame was shorter than what it holds */
	assert_status("shorter", 1, decode_frame(frame, 400, 1, LINKTYPE_RAW, &p), DECODE_OK);
	assert_int_equal(p.payload_captured, 320);
}

static void vlan_identifiers_outermost_first(void **state)
{
	uint8_t frame[FRAME_MAX];
	size_t len = put_hex(frame, 0, MACS "88a8 e064 8100 2fff 0800" SYN4);
	struct packet p;

	(void)state;
	assert_int_equal(decode_frame(frame, len, len, LINKTYPE_ETHERNET, &p), DECODE_OK);
	assert_int_equal(p.vlan[0], 100);
	assert_int_equal(p.vlan[1], 4095);
	assert_int_equal(p.l3_offset, 22);
}

static void checksums_are_judged_only_where_all_is_there(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct packet p;

	(void)state;
	for (size_t i = 0; i < N_FIXTURES; i++) {
		size_t len = frame_of(&fixtures[i], frame);

		if (fixtures[i].want != DECODE_OK || strstr(fixtures[i].name, "quoting"))
			continue; /* those have no checksum filled in */
		decode_frame(frame, len, len, fixtures[i].linktype, &p);
		if (!p.csum_checked || p.csum_bad)
			fail_msg("%s: checksum", fixtures[i].name);
		frame[p.l3_offset + (p.seg.src.family == ADDR_V4 ? 20 : 40)] ^= 0x40;
		if (strcmp(fixtures[i].ip, SYN4) == 0) {
			decode_frame(frame, len, len, fixtures[i].linktype, &p);
			assert_true(p.csum_checked && p.csum_bad);
		}
	}
	/* what a sender leaves to its card, which is none where both are on one host */
	assert_int_equal(decode_raw("45000028 00004000 4006b6c7 c0000201 c0000207"
				    "9c400050 00000001 00000000 50040000 84230000",
				    &p),
			 DECODE_OK);
	assert_true(p.csum_bad && p.csum_left);
	assert_int_equal(decode_raw("60000000 00140640" V6_ADDRS
				    "9c400050 00000001 00000000 50040000 5b940000",
				    &p),
			 DECODE_OK);
	assert_true(p.csum_bad && p.csum_left);
	assert_int_equal(decode_raw("60000000 00140640" V6_ADDRS
				    "9c400050 00000001 00000000 50040000 b7d60000",
				    &p),
			 DECODE_OK);
	assert_true(p.csum_bad && !p.csum_left);
	assert_int_equal(decode_raw("60000000 00140640" V6_ADDRS RST6_TCP, &p), DECODE_OK);
	assert_false(p.csum_bad || p.csum_left);
	/* one bit wrong in ICMP */
	decode_raw(
	    "45000038 00070000 fe0137be c00002fe c0000201 030c1bfc 00000000" QUOTED4 QUOTED_8, &p);
	assert_true(p.csum_checked && p.csum_bad);
	/* a first fragment */
	assert_int_equal(decode_raw("45000028 12342000 4006a47f c0000201 c0000207"
				    "9c400050 00000001 00000000 50100000 00000000",
				    &p),
			 DECODE_OK);
	assert_true(p.first_fragment);
	assert_false(p.csum_checked);
	/* a first fragment of IPv6 */
	assert_int_equal(decode_raw("60000000 001c2c40" V6_ADDRS "0600000101020304" RST6_TCP, &p),
			 DECODE_OK);
	assert_true(p.first_fragment);
	assert_false(p.csum_checked);
	/* a routing header with a hop left: the sum is over another destination */
	assert_int_equal(decode_raw("60000000 001c2b40" V6_ADDRS "0600000100000000" RST6_TCP, &p),
			 DECODE_OK);
	assert_false(p.csum_checked);
}

static void a_quote_of_any_length(void **state)
{
	uint8_t whole[FRAME_MAX], frame[FRAME_MAX];
	size_t len = put_hex(whole, 0, ICMP4_40);

	(void)state;
	for (size_t quoted = 0; quoted <= 20; quoted++) {
		size_t n = len - 20 + quoted;
		struct packet p;

		memcpy(frame, whole, n);
		frame[3] = (uint8_t)n; /* an IP length of its own: not cut, quoted short */
		assert_status("quote", quoted, decode_frame(frame, n, n, LINKTYPE_RAW, &p),
			      DECODE_OK);
		assert_int_equal(p.kind, PACKET_ICMP_ERROR);
		assert_int_equal(p.quoted.has_ports, quoted >= 4);
		assert_int_equal(p.quoted.has_seq, quoted >= 8);
		assert_int_equal(p.quoted.has_ack, quoted >= 12);
		assert_int_equal(p.quoted.has_flags, quoted >= 14);
		assert_int_equal(p.quoted.sport, quoted >= 4 ? 40000 : 0);
		assert_int_equal(p.quoted.dport, quoted >= 4 ? 80 : 0);
		assert_int_equal(p.quoted.seq, quoted >= 8 ? 0x11223344 : 0);
		assert_int_equal(p.quoted.ack, quoted >= 12 ? 0x55667788 : 0);
		assert_int_equal(p.quoted.flags, quoted >= 14 ? TCP_SYN : 0);
		assert_int_equal(p.quoted.ttl, 3);
		assert_int_equal(p.quoted.ip_id, 0x1234);
		assert_false(p.payload_cut);
		assert_int_equal(p.seg.ttl, 254);
	}
}

static void a_quote_is_read_whatever_lengths_it_claims(void **state)
{
	struct packet p;

	(void)state;
	/* a stack that quotes the length less the header */
	assert_int_equal(decode_raw("45000044 00070000 fe010000 c00002fe c0000201 0b000000 00000000"
				    "45000014 12344000 0306e193 c0000201 c0000207" QUOTED_TCP,
				    &p),
			 DECODE_OK);
	assert_true(p.quoted.has_flags);
	/* a later fragment is quoted: its octets are no ports */
	assert_int_equal(decode_raw("45000038 00070000 fe010000 c00002fe c0000201 0b010000 00000000"
				    "45000028 12340003 0306e193 c0000201 c0000207 9c40005011223344",
				    &p),
			 DECODE_OK);
	assert_false(p.quoted.has_ports);
	/* each type that is an error, and the neighbours that are none */
	for (unsigned type = 0; type < 256; type++) {
		uint8_t v4[FRAME_MAX], v6[FRAME_MAX];
		size_t n4 = put_hex(v4, 0, ICMP4_40), n6 = put_hex(v6, 0, ICMP6_FULL);

		v4[20] = v6[40] = (uint8_t)type;
		assert_status("v4 type", type, decode_frame(v4, n4, n4, LINKTYPE_RAW, &p),
			      type == 3 || type == 4 || type == 11 || type == 12 ? DECODE_OK
										 : DECODE_OTHER);
		assert_status("v6 type", type, decode_frame(v6, n6, n6, LINKTYPE_RAW, &p),
			      type >= 1 && type <= 4 ? DECODE_OK : DECODE_OTHER);
	}
}

static void mutations_never_leave_the_frame(void **state)
{
	char buf[256];

	(void)state;
	srand(793);
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
		if (decode_frame(at, cut, rand() & 1 ? len : cut, f->linktype, &p) != DECODE_OK)
			continue;
		assert_int_not_equal(p.kind, PACKET_NONE);
		assert_true(p.l3_offset < cut && p.n_vlan <= 4);
		assert_true(
		    !p.payload_captured ||
		    (p.seg.payload >= at && p.seg.payload + p.payload_captured <= guard_end));
		notation_put_packet(&t, &p);
	}
}

static struct segment random_segment(const uint8_t *payload)
{
	struct segment s = {.src = {.family = rand() & 1 ? ADDR_V4 : ADDR_V6}};

	s.dst.family = s.src.family;
	for (size_t i = 0; i < addr_len(&s.src); i++) {
		s.src.b[i] = (uint8_t)(rand() >> 5);
		s.dst.b[i] = (uint8_t)(rand() >> 5);
	}
	s.sport = (uint16_t)rand();
	s.dport = (uint16_t)rand();
	s.seq = (uint32_t)rand() << 1;
	s.ack = (uint32_t)rand() << 1;
	s.flags = (uint16_t)(rand() & 0x1ff);
	s.win = (uint16_t)rand();
	s.urg = (uint16_t)rand();
	s.ttl = (uint8_t)rand();
	s.tos = (uint8_t)rand();
	if (s.src.family == ADDR_V4) {
		s.df = rand() & 1;
		s.ip_id = (uint16_t)rand();
	}
	s.options_len = (uint8_t)(rand() % 11 * 4);
	for (size_t i = 0; i < s.options_len; i++)
		s.options[i] = (uint8_t)(rand() >> 3);
	s.payload_len = (uint32_t)rand() % 3 ? (uint32_t)rand() % 1300 : 0;
	s.payload = s.payload_len ? payload : NULL;
	return s;
}

static void what_craft_builds_decodes_to_the_same(void **state)
{
	struct craft *c = craft_new(NULL);
	uint8_t payload[1300], out[SEGMENT_MAX];
	char lines[2][512];

	(void)state;
	assert_non_null(c);
	srand(1122);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)rand();
	for (int round = 0; round < 20000; round++) {
		struct segment s = random_segment(payload);
		struct text got = text_of(lines[0], 512), want = text_of(lines[1], 512);
		int n = craft_build(c, &s, out, sizeof(out), NULL);
		struct packet p;

		assert_true(n > 0);
		assert_int_equal(decode_frame(out, (size_t)n, (size_t)n, LINKTYPE_RAW, &p),
				 DECODE_OK);
		assert_int_equal(p.kind, PACKET_TCP);
		assert_true(p.csum_checked && !p.csum_bad && !p.payload_cut && !p.first_fragment);
		assert_int_equal(p.seg.payload_len, s.payload_len);
		assert_int_equal(p.payload_captured, s.payload_len);
		if (s.payload_len)
			assert_memory_equal(p.seg.payload, s.payload, s.payload_len);
		assert_int_equal(p.seg.options_len, s.options_len);
		assert_memory_equal(p.seg.options, s.options, sizeof(s.options));
		assert_int_equal(p.seg.tos, s.tos);
		/* the rest of the fields as one line */
		notation_put_packet(&got, &p);
		p.seg = s;
		notation_put_packet(&want, &p);
		assert_string_equal(got.buf, want.buf);
	}
	craft_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(golden_frames),
	    cmocka_unit_test(every_truncation_against_a_guard_page),
	    cmocka_unit_test(a_cut_payload_keeps_its_length),
	    cmocka_unit_test(sums_of_resets_only_where_asked),
	    cmocka_unit_test(an_offset_below_five_never_reads_options),
	    cmocka_unit_test(vlan_identifiers_outermost_first),
	    cmocka_unit_test(checksums_are_judged_only_where_all_is_there),
	    cmocka_unit_test(a_quote_of_any_length),
	    cmocka_unit_test(a_quote_is_read_whatever_lengths_it_claims),
	    cmocka_unit_test(mutations_never_leave_the_frame),
	    cmocka_unit_test(what_craft_builds_decodes_to_the_same),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
