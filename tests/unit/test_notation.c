/* notation: each form as one string, since people and other tests compare these strings. */
#include "unit.h"

#include "packet/notation.h"

static char buf[512];

static const char *segment(const struct segment *s)
{
	struct text t = text_of(buf, sizeof(buf));

	notation_put_segment(&t, s);
	assert_false(t.cut);
	return buf;
}

static const char *flags(uint16_t f)
{
	struct text t = text_of(buf, sizeof(buf));

	notation_put_flags(&t, f);
	return buf;
}

static const char *options(const char *p, size_t len)
{
	struct text t = text_of(buf, sizeof(buf));

	notation_put_options(&t, (const uint8_t *)p, len);
	return buf;
}

#define OPTIONS(s) options(s, sizeof(s) - 1)

static void flags_in_packetdrills_order(void **state)
{
	(void)state;
	assert_string_equal(flags(0), "-");
	assert_string_equal(flags(TCP_SYN), "S");
	assert_string_equal(flags(TCP_SYN | TCP_ACK), "S.");
	assert_string_equal(flags(TCP_RST | TCP_ACK), "R.");
	assert_string_equal(flags(TCP_FIN | TCP_PSH | TCP_URG), "FPU");
	assert_string_equal(flags(TCP_SYN | TCP_ECE | TCP_CWR | TCP_AE), "SEWA");
	assert_string_equal(flags(0x1ff), "FSRP.UEWA");
	assert_string_equal(flags(0xfe00), "-"); /* no flags of ours */
}

static void segments(void **state)
{
	struct segment s = {.flags = TCP_SYN | TCP_ACK, .ack = 1, .win = 65535};

	(void)state;
	assert_string_equal(segment(&s), "S. 0:0(0) ack 1 win 65535");
	memcpy(s.options, "\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x01\0\0\0\0\x01\x03\x03\x07", 20);
	s.options_len = 20;
	assert_string_equal(
	    segment(&s), "S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>");

	s = (struct segment){.flags = TCP_PSH | TCP_ACK,
			     .seq = 0xfffffffe,
			     .ack = 4000000000u,
			     .win = 512,
			     .payload_len = 5};
	assert_string_equal(segment(&s), "P. 4294967294:3(5) ack 4000000000 win 512"); /* wraps */

	s = (struct segment){.flags = TCP_RST, .seq = 5000};
	assert_string_equal(segment(&s), "R 5000:5000(0) win 0");
	s.ack = 7; /* the field is set, the bit isn't */
	assert_string_equal(segment(&s), "R 5000:5000(0) ackf 7 win 0");
	s = (struct segment){.flags = TCP_ACK};
	assert_string_equal(segment(&s),
			    ". 0:0(0) ack 0 win 0"); /* the bit is set, the field is 0 */
	s = (struct segment){.flags = TCP_FIN | TCP_PSH | TCP_URG, .seq = 9, .win = 1024};
	assert_string_equal(segment(&s), "FPU 9:9(0) win 1024 urg 0");
	s = (struct segment){.seq = 9, .urg = 3};
	assert_string_equal(segment(&s), "- 9:9(0) win 0 urg 3");
}

static void each_kind_of_option(void **state)
{
	(void)state;
	assert_string_equal(OPTIONS(""), "<>");
	assert_string_equal(
	    OPTIONS("\x01\x01\x05\x12\0\0\0\x01\0\0\0\x02\xff\xff\xff\xff\0\0\0\x08"),
	    "<nop,nop,sack 1:2 4294967295:8>");
	assert_string_equal(OPTIONS("\x02\x04\x02\x18\x00\x00\x00\x00"), "<mss 536,eol>");
	assert_string_equal(OPTIONS("\x1e\x04\x80\x03"), "<mp_tcprst reason 3>");
	assert_string_equal(OPTIONS("\x1e\x0c\x70\0\0\0\0\0\0\0\0\x01"), "<mp_fastclose>");
	assert_string_equal(OPTIONS("\x1e\x04\x01\x81"), "<mptcp 0181>");
	assert_string_equal(OPTIONS("\x1e\x02"), "<opt-30>");
	assert_string_equal(OPTIONS("\x22\x02\xfd\x04\xab\xcd"), "<opt-34,opt-253 abcd>");
	assert_string_equal(OPTIONS("\x02\x03\x05"), "<opt-2 05>"); /* an MSS of odd length */
	assert_string_equal(OPTIONS("\x01\x03\x00"), "<nop,opt-3 malformed>");
	assert_string_equal(OPTIONS("\x03"), "<opt-3 malformed>");
	assert_string_equal(OPTIONS("\x08\x0a\x00"), "<opt-8 malformed>");
}

static void packets(void **state)
{
	struct packet p = {.kind = PACKET_TCP,
			   .seg = {.src = addr_v4(192, 0, 2, 1),
				   .dst = addr_v4(192, 0, 2, 7),
				   .sport = 40000,
				   .dport = 80,
				   .seq = 1,
				   .flags = TCP_SYN,
				   .win = 1024,
				   .ttl = 64,
				   .df = true,
				   .ip_id = 4660}};
	struct text t = text_of(buf, sizeof(buf));

	(void)state;
	notation_put_packet(&t, &p);
	assert_string_equal(buf,
			    "192.0.2.1.40000 > 192.0.2.7.80: S 1:1(0) win 1024 ttl 64 DF id 4660");

	assert_int_equal(addr_parse("2001:db8::1", &p.seg.src), 0);
	assert_int_equal(addr_parse("2001:db8::7", &p.seg.dst), 0);
	t = text_of(buf, sizeof(buf));
	notation_put_packet(&t, &p);
	assert_string_equal(buf, "2001:db8::1.40000 > 2001:db8::7.80: S 1:1(0) win 1024 ttl 64");
}

static void icmp_errors(void **state)
{
	struct packet p = {
	    .kind = PACKET_ICMP_ERROR,
	    .icmp_type = 3,
	    .icmp_code = 13,
	    .seg = {.src = addr_v4(192, 0, 2, 254), .dst = addr_v4(192, 0, 2, 1), .ttl = 254},
	    .quoted = {.src = addr_v4(192, 0, 2, 1),
		       .dst = addr_v4(192, 0, 2, 7),
		       .ttl = 3,
		       .sport = 40000,
		       .dport = 80,
		       .seq = 1000,
		       .ack = 5,
		       .flags = TCP_SYN}};
	struct text t = text_of(buf, sizeof(buf));

	(void)state;
	notation_put_packet(&t, &p);
	assert_string_equal(buf, "192.0.2.254 > 192.0.2.1: icmp 3/13 quoting "
				 "192.0.2.1 > 192.0.2.7: ttl 3; ttl 254 id 0");
	p.quoted.has_ports = p.quoted.has_seq = true;
	t = text_of(buf, sizeof(buf));
	notation_put_packet(&t, &p);
	assert_string_equal(buf, "192.0.2.254 > 192.0.2.1: icmp 3/13 quoting "
				 "192.0.2.1.40000 > 192.0.2.7.80: seq 1000 ttl 3; ttl 254 id 0");
	p.quoted.has_ack = p.quoted.has_flags = true;
	t = text_of(buf, sizeof(buf));
	notation_put_packet(&t, &p);
	assert_string_equal(buf,
			    "192.0.2.254 > 192.0.2.1: icmp 3/13 quoting "
			    "192.0.2.1.40000 > 192.0.2.7.80: S seq 1000 ack 5 ttl 3; ttl 254 id 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flags_in_packetdrills_order),
	    cmocka_unit_test(segments),
	    cmocka_unit_test(each_kind_of_option),
	    cmocka_unit_test(packets),
	    cmocka_unit_test(icmp_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
