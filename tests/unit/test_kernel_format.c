/*
 * The tracepoint's description and its samples, in the layouts that kernels have had, and in some
 * that none should have. Samples are laid down here by offsets of our own.
 */
#include "unit.h"

#include <sys/socket.h>

#include "wire/kernel.h"

#define COMMON                                                                                     \
	"name: tcp_send_reset\nID: 2280\nformat:\n"                                                \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"             \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"                               \
	"\tfield:const void * skbaddr;\toffset:8;\tsize:8;\tsigned:0;\n"                           \
	"\tfield:const void * skaddr;\toffset:16;\tsize:8;\tsigned:0;\n"                           \
	"\tfield:int state;\toffset:24;\tsize:4;\tsigned:1;\n"
#define REASON_FIELD "\tfield:enum sk_rst_reason reason;\toffset:28;\tsize:4;\tsigned:0;\n"
#define SOCKADDRS(a, b)                                                                            \
	"\tfield:__u8 saddr[28];\toffset:" #a ";\tsize:28;\tsigned:0;\n"                           \
	"\tfield:__u8 daddr[28];\toffset:" #b ";\tsize:28;\tsigned:0;\n\n"
#define STATES                                                                                     \
	"REC->state ? __print_symbolic(REC->state, { TCP_ESTABLISHED, \"TCP_ESTABLISHED\" }, "     \
	"{ TCP_CLOSE, \"TCP_CLOSE\" }, { TCP_LISTEN, \"TCP_LISTEN\" }, "                           \
	"{ TCP_NEW_SYN_RECV, \"TCP_NEW_SYN_RECV\" }) : \"UNKNOWN\""
/* not the numbers of any kernel that is known */
#define REASONS                                                                                    \
	"__print_symbolic(REC->reason, { 0, \"NOT_SPECIFIED\" }, { 77, \"NO_SOCKET\" }, "          \
	"{ 0x10, \"TCP_ABORT_ON_CLOSE\" }, { -3, \"TCP_STATE\" })"

/* since Linux 6.10 */
static const char new_layout[] = COMMON REASON_FIELD SOCKADDRS(
    32,
    60) "print fmt: \"skbaddr=%p src=%pISpc state=%s reason=%s\", REC->skbaddr, REC->saddr, " STATES
	", " REASONS "\n";
/* two sockaddrs, no reason yet */
static const char no_reason_layout[] = COMMON SOCKADDRS(
    28, 56) "print fmt: \"skbaddr=%p src=%pISpc state=%s\", REC->skbaddr, REC->saddr, " STATES "\n";
/* since 4.16, `family` later; as in 6.1 */
static const char old_layout[] =
    COMMON "\tfield:__u16 sport;\toffset:28;\tsize:2;\tsigned:0;\n"
	   "\tfield:__u16 dport;\toffset:30;\tsize:2;\tsigned:0;\n"
	   "\tfield:__u16 family;\toffset:32;\tsize:2;\tsigned:0;\n"
	   "\tfield:__u8 saddr[4];\toffset:34;\tsize:4;\tsigned:0;\n"
	   "\tfield:__u8 daddr[4];\toffset:38;\tsize:4;\tsigned:0;\n"
	   "\tfield:__u8 saddr_v6[16];\toffset:42;\tsize:16;\tsigned:0;\n"
	   "\tfield:__u8 daddr_v6[16];\toffset:58;\tsize:16;\tsigned:0;\n\n"
	   "print fmt: \"family=%s sport=%hu dport=%hu state=%s\", "
	   "__print_symbolic(REC->family, { 2, \"AF_INET\" }, { 10, \"AF_INET6\" }), REC->sport, "
	   "REC->dport, __print_symbolic(REC->state, { 1, \"TCP_ESTABLISHED\" }, "
	   "{ 7, \"TCP_CLOSE\" })\n";
/* a kernel without IPv6 */
static const char old_v4_layout[] =
    COMMON "\tfield:__u16 sport;\toffset:28;\tsize:2;\tsigned:0;\n"
	   "\tfield:__u16 dport;\toffset:30;\tsize:2;\tsigned:0;\n"
	   "\tfield:__u8 saddr[4];\toffset:32;\tsize:4;\tsigned:0;\n"
	   "\tfield:__u8 daddr[4];\toffset:36;\tsize:4;\tsigned:0;\n\n"
	   "print fmt: \"sport=%hu dport=%hu\", REC->sport, REC->dport\n";

struct sample {
	uint8_t raw[128];
	size_t len;
};

static void put(struct sample *s, size_t offset, const void *bytes, size_t n)
{
	memcpy(s->raw + offset, bytes, n);
	if (s->len < offset + n)
		s->len = offset + n;
}

static void put_int(struct sample *s, size_t offset, int32_t v)
{
	put(s, offset, &v, sizeof(v));
}

static void put_u16(struct sample *s, size_t offset, uint16_t v)
{
	put(s, offset, &v, sizeof(v));
}

static void put_addr(struct sample *s, size_t offset, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	put(s, offset, a.b, addr_len(&a));
}

/* The 28 octets of a sockaddr of either family. */
static void put_sockaddr(struct sample *s, size_t offset, int family, const char *text,
			 uint16_t port)
{
	uint8_t be[2] = {(uint8_t)(port >> 8), (uint8_t)port};
	uint8_t zero[28] = {0};

	put(s, offset, zero, sizeof(zero));
	put_u16(s, offset, (uint16_t)family);
	put(s, offset + 2, be, sizeof(be));
	put_addr(s, offset + (family == AF_INET ? 4 : 8), text);
}

static struct sample active(int32_t state)
{
	struct sample s = {.len = 28};

	put_int(&s, 24, state);
	return s;
}

static struct kernel_format *parse(const char *text)
{
	struct err e = {0};
	struct kernel_format *f = kernel_format_parse(text, &e);

	if (!f)
		fail_msg("%s", e.msg);
	return f;
}

static void expect_ends(const struct kernel_reset *k, const char *src, unsigned sport,
			const char *dst, unsigned dport)
{
	char text[ADDR_TEXT];

	assert_string_equal(addr_format(&k->src, text), src);
	assert_int_equal(k->sport, sport);
	if (dst)
		assert_string_equal(addr_format(&k->dst, text), dst);
	else
		assert_int_equal(k->dst.family, ADDR_NONE);
	assert_int_equal(k->dport, dport);
}

static void new_kernels_by_sockaddrs(void **state)
{
	struct kernel_format *f = parse(new_layout);
	struct sample s = active(7);
	struct kernel_reset k;

	(void)state;
	assert_true(kernel_format_has_reason(f));
	put_int(&s, 28, 0x10);
	put_sockaddr(&s, 32, AF_INET, "192.0.2.1", 80);
	put_sockaddr(&s, 60, AF_INET, "192.0.2.2", 40112);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "192.0.2.1", 80, "192.0.2.2", 40112);
	assert_string_equal(k.reason, "TCP_ABORT_ON_CLOSE");
	assert_string_equal(k.state, "TCP_CLOSE");

	put_sockaddr(&s, 32, AF_INET6, "2001:db8::1", 443);
	put_sockaddr(&s, 60, AF_INET6, "2001:db8::2", 50000);
	put_int(&s, 28, -3);
	put_int(&s, 24, 12);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "2001:db8::1", 443, "2001:db8::2", 50000);
	assert_string_equal(k.reason, "TCP_STATE");
	assert_string_equal(k.state, "TCP_NEW_SYN_RECV");
	kernel_format_free(f);
}

/* The numbers here are no kernel's: only the names of the text can have given the word. */
static void reasons_go_by_name(void **state)
{
	struct kernel_format *f = parse(new_layout);
	struct sample s = active(0);
	struct kernel_reset k;

	(void)state;
	put_int(&s, 28, 77);
	put_sockaddr(&s, 32, AF_INET, "192.0.2.1", 80);
	put_sockaddr(&s, 60, AF_INET, "192.0.2.2", 81);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	assert_string_equal(k.reason, "NO_SOCKET");
	assert_string_equal(k.state, "");
	put_int(&s, 28, 9);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	assert_string_equal(k.reason, "");
	kernel_format_free(f);
}

static void a_listener_has_no_other_end(void **state)
{
	struct kernel_format *f = parse(new_layout);
	struct sample s = active(10);
	struct kernel_reset k;

	(void)state;
	put_int(&s, 28, 0);
	put_sockaddr(&s, 32, AF_INET, "0.0.0.0", 8080);
	put_sockaddr(&s, 60, AF_INET, "0.0.0.0", 0);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "0.0.0.0", 8080, NULL, 0);
	assert_string_equal(k.state, "TCP_LISTEN");
	put_sockaddr(&s, 32, AF_INET6, "::", 8080);
	put_sockaddr(&s, 60, AF_INET6, "::", 0);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "::", 8080, NULL, 0);
	kernel_format_free(f);
}

/* A dual-stack socket's IPv4 connection is IPv4 on the wire. */
static void mapped_addresses_are_ipv4(void **state)
{
	struct kernel_format *f = parse(new_layout);
	struct sample s = active(1);
	struct kernel_reset k;

	(void)state;
	put_int(&s, 28, 0);
	put_sockaddr(&s, 32, AF_INET6, "::ffff:192.0.2.1", 80);
	put_sockaddr(&s, 60, AF_INET6, "::ffff:192.0.2.2", 81);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "192.0.2.1", 80, "192.0.2.2", 81);
	kernel_format_free(f);
}

static void sockaddrs_without_a_reason(void **state)
{
	struct kernel_format *f = parse(no_reason_layout);
	struct sample s = active(1);
	struct kernel_reset k;

	(void)state;
	assert_false(kernel_format_has_reason(f));
	put_sockaddr(&s, 28, AF_INET, "192.0.2.1", 80);
	put_sockaddr(&s, 56, AF_INET, "192.0.2.2", 81);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "192.0.2.1", 80, "192.0.2.2", 81);
	assert_string_equal(k.reason, "");
	assert_string_equal(k.state, "TCP_ESTABLISHED");
	kernel_format_free(f);
}

static void old_kernels_by_fields(void **state)
{
	struct kernel_format *f = parse(old_layout);
	struct sample s = active(7);
	struct kernel_reset k;

	(void)state;
	assert_false(kernel_format_has_reason(f));
	put_u16(&s, 28, 80);
	put_u16(&s, 30, 40112);
	put_u16(&s, 32, AF_INET);
	put_addr(&s, 34, "192.0.2.1");
	put_addr(&s, 38, "192.0.2.2");
	put_addr(&s, 42, "::ffff:192.0.2.1");
	put_addr(&s, 58, "::ffff:192.0.2.2");
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "192.0.2.1", 80, "192.0.2.2", 40112);
	assert_string_equal(k.state, "TCP_CLOSE");

	put_addr(&s, 42, "2001:db8::1");
	put_addr(&s, 58, "2001:db8::2");
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "2001:db8::1", 80, "2001:db8::2", 40112);
	kernel_format_free(f);
}

static void old_kernels_without_ipv6(void **state)
{
	struct kernel_format *f = parse(old_v4_layout);
	struct sample s = active(7);
	struct kernel_reset k;

	(void)state;
	put_u16(&s, 28, 80);
	put_u16(&s, 30, 40112);
	put_addr(&s, 32, "192.0.2.1");
	put_addr(&s, 36, "192.0.2.2");
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	expect_ends(&k, "192.0.2.1", 80, "192.0.2.2", 40112);
	assert_string_equal(k.state, "");
	kernel_format_free(f);
}

/* Who was running did it only where nothing provoked it and no interrupt was served. */
static void whose_call_it_was(void **state)
{
	struct kernel_format *f = parse(new_layout);
	struct sample s = active(7);
	uint8_t softirq = 0x10, hardirq = 0x08, bh_off = 0x80;
	uint64_t skb = 0xffff888100000000u;

	(void)state;
	put_int(&s, 28, 0);
	put_sockaddr(&s, 32, AF_INET, "192.0.2.1", 80);
	put_sockaddr(&s, 60, AF_INET, "192.0.2.2", 81);
	assert_true(kernel_format_by_process(f, s.raw, s.len));
	put(&s, 2, &bh_off, 1);
	assert_true(kernel_format_by_process(f, s.raw, s.len));
	put(&s, 2, &softirq, 1);
	assert_false(kernel_format_by_process(f, s.raw, s.len));
	put(&s, 2, &hardirq, 1);
	assert_false(kernel_format_by_process(f, s.raw, s.len));
	put(&s, 2, &bh_off, 1);
	put(&s, 8, &skb, sizeof(skb));
	assert_false(kernel_format_by_process(f, s.raw, s.len));
	kernel_format_free(f);
}

static void a_short_sample_is_refused(void **state)
{
	static const char *const texts[] = {new_layout, no_reason_layout, old_layout,
					    old_v4_layout};
	static const size_t needed[] = {88, 84, 74, 40};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct kernel_format *f = parse(texts[i]);
		struct kernel_reset k;

		for (size_t len = 0; len < needed[i]; len++) {
			uint8_t *raw = calloc(1, len ? len : 1); /* for ASan */

			assert_int_equal(kernel_format_read(f, raw, len, &k), -1);
			assert_false(kernel_format_by_process(f, raw, len));
			free(raw);
		}
		uint8_t *whole = calloc(1, needed[i]);
		assert_int_equal(kernel_format_read(f, whole, needed[i], &k), 0);
		free(whole);
		kernel_format_free(f);
	}
}

static void what_lacks_addresses_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "\n",
	    "field:",
	    "field:;",
	    "field:__u8 saddr[28]",
	    COMMON REASON_FIELD,
	    COMMON "\tfield:__u8 saddr[28];\toffset:32;\tsize:28;\tsigned:0;\n",
	    COMMON SOCKADDRS(99999, 60),
	    COMMON SOCKADDRS(32, x),
	    COMMON SOCKADDRS(-1, 60),
	    COMMON SOCKADDRS(99999999999999999999999999, 60),
	    /* sockaddrs too small for one */
	    COMMON "\tfield:__u8 saddr[4];\toffset:32;\tsize:4;\tsigned:0;\n"
		   "\tfield:__u8 daddr[4];\toffset:36;\tsize:4;\tsigned:0;\n",
	    /* ports without addresses */
	    COMMON "\tfield:__u16 sport;\toffset:28;\tsize:2;\tsigned:0;\n"
		   "\tfield:__u16 dport;\toffset:30;\tsize:2;\tsigned:0;\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err e = {0};

		if (kernel_format_parse(texts[i], &e))
			fail_msg("text %zu was taken", i);
		assert_string_not_equal(e.msg, "");
	}
}

/* Lists that end early, overlong names, nonsense values: no reason rather than a wrong one. */
static void broken_lists_name_nothing(void **state)
{
	static const char *const lists[] = {
	    "__print_symbolic(REC->reason,",
	    "__print_symbolic(REC->reason, {",
	    "__print_symbolic(REC->reason, { 0",
	    "__print_symbolic(REC->reason, { 0, ",
	    "__print_symbolic(REC->reason, { 0, \"",
	    "__print_symbolic(REC->reason, { 0, \"NO",
	    "__print_symbolic(REC->reason, { 0, \"\" })",
	    "__print_symbolic(REC->reason, { , \"NO_SOCKET\" })",
	    "__print_symbolic(REC->reason, { 0x, \"NO_SOCKET\" })",
	    "__print_symbolic(REC->reason, { SK_RST_REASON_NO_SOCKET, \"NO_SOCKET\" })",
	    "__print_symbolic(REC->reason, { 0, \"%s%n\" })",
	    ("__print_symbolic(REC->reason, { 0, "
	     "\"A_NAME_THAT_IS_LONGER_THAN_THE_ROOM_FOR_IT_IS_IN_ANY_RECORD\" })"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char text[2048];
		struct kernel_format *f;

		snprintf(text, sizeof(text), "%s%sprint fmt: %s", COMMON REASON_FIELD,
			 SOCKADDRS(32, 60), lists[i]);
		f = parse(text);
		if (kernel_format_has_reason(f))
			fail_msg("list %zu gave a name", i);
		kernel_format_free(f);
	}
}

static void more_names_than_room(void **state)
{
	enum { MANY = 500 };
	char *text = malloc(64 * MANY);
	struct sample s = active(0);
	struct kernel_format *f;
	struct kernel_reset k;
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, 64 * MANY, "%s%sprint fmt: __print_symbolic(REC->reason",
			     COMMON REASON_FIELD, SOCKADDRS(32, 60));
	for (int i = 0; i < MANY; i++)
		n += (size_t)snprintf(text + n, 64 * MANY - n, ", { %d, \"REASON_%d\" }", i, i);
	f = parse(text);
	put_sockaddr(&s, 32, AF_INET, "192.0.2.1", 80);
	put_sockaddr(&s, 60, AF_INET, "192.0.2.2", 81);
	put_int(&s, 28, 7);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	assert_string_equal(k.reason, "REASON_7");
	put_int(&s, 28, MANY - 1);
	assert_int_equal(kernel_format_read(f, s.raw, s.len, &k), 0);
	assert_string_equal(k.reason, "");
	kernel_format_free(f);
	free(text);
}

/* Every prefix of a good text is either refused or gives a format that reads. */
static void every_truncation(void **state)
{
	struct sample s = active(7);

	(void)state;
	put_sockaddr(&s, 60, AF_INET, "192.0.2.2", 81);
	for (size_t len = 0; len < sizeof(new_layout); len++) {
		char *text = malloc(len + 1);
		struct kernel_format *f;
		struct kernel_reset k;

		memcpy(text, new_layout, len);
		text[len] = '\0';
		f = kernel_format_parse(text, NULL);
		if (f)
			kernel_format_read(f, s.raw, s.len, &k);
		kernel_format_free(f);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(new_kernels_by_sockaddrs),
	    cmocka_unit_test(reasons_go_by_name),
	    cmocka_unit_test(a_listener_has_no_other_end),
	    cmocka_unit_test(mapped_addresses_are_ipv4),
	    cmocka_unit_test(sockaddrs_without_a_reason),
	    cmocka_unit_test(old_kernels_by_fields),
	    cmocka_unit_test(old_kernels_without_ipv6),
	    cmocka_unit_test(whose_call_it_was),
	    cmocka_unit_test(a_short_sample_is_refused),
	    cmocka_unit_test(what_lacks_addresses_is_refused),
	    cmocka_unit_test(broken_lists_name_nothing),
	    cmocka_unit_test(more_names_than_room),
	    cmocka_unit_test(every_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
