/* targets: every form of a word, every refusal with its line, and words out of a file. */
#include "unit.h"

#include "base/bytes.h"
#include "engine/targets.h"

struct outside {
	unsigned asked;
	char last_asked[300];
};

static int fake_resolve(void *ctx, const char *name, struct addr *out, size_t max, struct err *e)
{
	struct outside *o = ctx;

	o->asked++;
	snprintf(o->last_asked, sizeof(o->last_asked), "%s", name);
	assert_true(max >= 8);
	if (!strcmp(name, "web1")) { /* two of IPv4, one of them twice, and one of IPv6 */
		out[0] = addr_v4(192, 0, 2, 7);
		assert_int_equal(addr_parse("2001:db8::7", &out[1]), 0);
		out[2] = addr_v4(192, 0, 2, 8);
		out[3] = addr_v4(192, 0, 2, 7);
		return 4;
	}
	if (!strcmp(name, "only4.example.")) {
		out[0] = addr_v4(192, 0, 2, 9);
		return 1;
	}
	if (!strcmp(name, "linklocal"))
		return addr_parse("fe80::5", &out[0]) ? -1 : 1;
	if (!strcmp(name, "busy")) {
		err_set(e, "busy: try again");
		return TARGET_TRY_AGAIN;
	}
	err_set(e, "%s: no such name", name);
	return TARGET_UNKNOWN;
}

static uint32_t fake_zone(void *ctx, const char *name)
{
	(void)ctx;
	if (!strcmp(name, "eth0"))
		return 2;
	return strcmp(name, "br-lan") ? 0 : 7;
}

static int fake_service(const char *name)
{
	return strcmp(name, "https") ? -1 : 443;
}

static struct outside outside;

static struct target_help help_with(int family, bool first_only)
{
	outside = (struct outside){0};
	return (struct target_help){.ctx = &outside,
				    .resolve = fake_resolve,
				    .zone = fake_zone,
				    .service = fake_service,
				    .family = family,
				    .first_only = first_only};
}

/* The targets as text: "192.0.2.1-192.0.2.9(web1):22+80 ...". */
static const char *show(const struct targets *t)
{
	static char buf[1024];
	struct text out = text_of(buf, sizeof(buf));
	char a[ADDR_TEXT];

	for (size_t i = 0; i < t->n; i++) {
		const struct target *x = &t->v[i];

		text_putf(&out, "%s%s", i ? " " : "", addr_format(&x->first, a));
		if (!addr_equal(&x->first, &x->last))
			text_putf(&out, "-%s", addr_format(&x->last, a));
		if (x->name)
			text_putf(&out, "(%s)", x->name);
		for (uint32_t k = 0; x->ports && k < ports_count(x->ports); k++)
			text_putf(&out, "%c%u", k ? '+' : ':', ports_at(x->ports, k));
	}
	return buf;
}

static void check_as(const char *word, const struct target_help *h, const char *want)
{
	struct targets t;
	struct err e = {""};

	targets_init(&t);
	if (targets_add(&t, word, h, &e))
		fail_msg("%s: %s", word, e.msg);
	if (strcmp(show(&t), want))
		fail_msg("%s: got %s, want %s", word, show(&t), want);
	targets_free(&t);
}

static void check(const char *word, const char *want)
{
	struct target_help h = help_with(0, false);

	check_as(word, &h, want);
}

static void refuse_as(const char *word, const struct target_help *h, enum target_error rc,
		      const char *want)
{
	struct targets t;
	struct err e = {""};

	targets_init(&t);
	assert_int_equal(targets_add(&t, word, h, &e), rc);
	if (strcmp(e.msg, want))
		fail_msg("%s: got \"%s\", want \"%s\"", word, e.msg, want);
	assert_int_equal(t.n, 0);
	targets_free(&t);
}

/* Refused, and no resolver heard of it. */
static void refuse(const char *word, const char *want)
{
	struct target_help h = help_with(0, false);

	refuse_as(word, &h, TARGET_BAD, want);
	assert_int_equal(outside.asked, 0);
}

static void ipv4_words(void **state)
{
	(void)state;
	check("192.0.2.7", "192.0.2.7");
	check("10.0.0.0/24", "10.0.0.0-10.0.0.255");
	check("10.0.0.5/24", "10.0.0.0-10.0.0.255");
	check("10.0.0.5/32", "10.0.0.5");
	check("10.0.0.1/0", "0.0.0.0-255.255.255.255");
	check("10.0.0.1-20", "10.0.0.1-10.0.0.20");
	check("10.0.0.1-1", "10.0.0.1");
	check("10.0.0.1-10.0.3.20", "10.0.0.1-10.0.3.20");
	check("192.0.2.7:22,80", "192.0.2.7:22+80");
	check("192.0.2.7:https", "192.0.2.7:443");
	check("10.0.0.0/30:22", "10.0.0.0-10.0.0.3:22");
	check("10.0.0.1-3:21-23", "10.0.0.1-10.0.0.3:21+22+23");
}

static void ipv6_words(void **state)
{
	(void)state;
	check("2001:db8::1", "2001:db8::1");
	check("[2001:db8::1]", "2001:db8::1");
	check("[2001:db8::1]:443", "2001:db8::1:443");
	check("[2001:db8::/126]:443", "2001:db8::-2001:db8::3:443");
	check("2001:db8::5/120", "2001:db8::-2001:db8::ff");
	check("2001:db8::/96", "2001:db8::-2001:db8::ffff:ffff");
	check("2001:db8::1-2001:db8::9", "2001:db8::1-2001:db8::9");
	check("::1", "::1");
	check("fe80::1%eth0", "fe80::1%2");
	check("[fe80::1%eth0]:22", "fe80::1%2:22");
	check("fe80::1%5", "fe80::1%5");
	check("fe80::1%br-lan", "fe80::1%7");
	check("fe80::1%br-lan-fe80::9%br-lan", "fe80::1%7-fe80::9%7");
	check("fe80::1-fe80::9%eth0", "fe80::1%2-fe80::9%2");
	check("fe80::%eth0/120", "fe80::%2-fe80::ff%2");
}

static void names_give_every_address(void **state)
{
	struct target_help h;

	(void)state;
	check("web1", "192.0.2.7(web1) 2001:db8::7(web1) 192.0.2.8(web1)");
	check("web1:22", "192.0.2.7(web1):22 2001:db8::7(web1):22 192.0.2.8(web1):22");
	check("only4.example.", "192.0.2.9(only4.example.)");
	h = help_with(ADDR_V6, false);
	check_as("web1", &h, "2001:db8::7(web1)");
	h = help_with(ADDR_V4, true);
	check_as("web1", &h, "192.0.2.7(web1)");
	h = help_with(ADDR_V6, true);
	check_as("web1", &h, "2001:db8::7(web1)");
}

static void names_that_fail(void **state)
{
	struct target_help h = help_with(0, false), none = {0};

	(void)state;
	refuse_as("nosuch", &h, TARGET_UNKNOWN, "nosuch: no such name");
	assert_string_equal(outside.last_asked, "nosuch");
	refuse_as("busy", &h, TARGET_TRY_AGAIN, "busy: try again");
	refuse_as("linklocal", &h, TARGET_BAD,
		  "linklocal: stands for fe80::5, which needs its interface: write the address "
		  "with it, as fe80::1%eth0");
	refuse_as("web1", &none, TARGET_UNKNOWN,
		  "web1: names can't be asked for here: write an address");
	h = help_with(ADDR_V6, false);
	refuse_as("only4.example.", &h, TARGET_UNKNOWN,
		  "only4.example.: the name has no IPv6 address (-6)");
}

static void what_looks_like_an_address_is_never_resolved(void **state)
{
	static const char *const words[] = {"10.0.0.300", "1.2.3",	"127.1",     "3232235777",
					    "0x7f.1",	  "0x7f000001", "010.0.0.1", "1.2.3.4.5",
					    "10.0.0.1.",  "..."};
	char want[200];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(want, sizeof(want),
			 "%s: not an IPv4 address, which is four numbers from 0 to 255", words[i]);
		refuse(words[i], want);
	}
	refuse("443", "443: not an address; a port goes behind -p");
}

static void ipv4_refusals_name_the_fix(void **state)
{
	static const char octets[] = "only the last number takes a range: write 10.0.0.1-20, "
				     "10.0.0.1-10.0.3.20 or 10.0.0.0/22";
	static const char *const words[] = {"10.0.0-3.1-20", "10.0.0.*", "10.0.0.1,2", "10.0.0.-"};
	char want[256];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		snprintf(want, sizeof(want), "%s: %s", words[i], octets);
		refuse(words[i], want);
	}
	refuse("10.0.0.1,10.0.0.2",
	       "10.0.0.1,10.0.0.2: one target a word: put a blank there, not a comma");
	refuse("web1,web2", "web1,web2: one target a word: put a blank there, not a comma");
	refuse("10.0.0.1,web2:80",
	       "10.0.0.1,web2:80: one target a word: put a blank there, not a comma");
	refuse("2001:db8::1,2001:db8::2",
	       "2001:db8::1,2001:db8::2: one target a word: put a blank there, not a comma");
	refuse("10.0.0.0/33", "10.0.0.0/33: an IPv4 prefix has 0 to 32 bits");
	refuse("10.0.0.0/", "10.0.0.0/: an IPv4 prefix has 0 to 32 bits");
	refuse("10.0.0.0/255.255.255.0", "10.0.0.0/255.255.255.0: an IPv4 prefix has 0 to 32 bits");
	refuse("10.0.0.20-1", "10.0.0.20-1: the range runs backwards");
	refuse("10.0.1.0-10.0.0.0", "10.0.1.0-10.0.0.0: the range runs backwards");
	refuse("10.0.0.1-256",
	       "10.0.0.1-256: the end of the range is neither an IPv4 address nor 0 to 255");
	refuse("192.0.2.7:70000", "192.0.2.7:70000: port 70000: ports go from 0 to 65535");
	refuse("192.0.2.7:", "192.0.2.7:: port '': no ports in the list");
	refuse(":80", ":80: no host in front of the port");
	refuse("", "'': an empty word is no target");
}

static void ipv6_refusals_name_the_fix(void **state)
{
	static const char form[] = "not an IPv6 address (a range is written "
				   "2001:db8::1-2001:db8::9, a port [2001:db8::1]:443)";
	char want[256];

	(void)state;
	snprintf(want, sizeof(want), "2001:db8::1-9: %s", form);
	refuse("2001:db8::1-9", want);
	snprintf(want, sizeof(want), "2001:db8:::1: %s", form);
	refuse("2001:db8:::1", want);
	refuse("fe80::1", "fe80::1: a link-local address needs its interface: write fe80::1%eth0");
	refuse("[fe80::1]:22",
	       "[fe80::1]:22: a link-local address needs its interface: write fe80::1%eth0");
	refuse("fe80::1%eth9", "fe80::1%eth9: there is no interface eth9; see `ip link`");
	refuse("fe80::1%0", "fe80::1%0: there is no interface 0; see `ip link`");
	refuse("fe80::1%", "fe80::1%: there is no interface ; see `ip link`");
	refuse("fe80::1%eth0:22",
	       "fe80::1%eth0:22: a port goes behind brackets: write [fe80::1%eth0]:22");
	refuse("fe80::1%eth0-fe80::2%br-lan",
	       "fe80::1%eth0-fe80::2%br-lan: a range stays on one interface");
	refuse("2001:db8::1%eth0",
	       "2001:db8::1%eth0: only a link-local address (fe80::/10) takes a zone");
	refuse("2001:db8::/129", "2001:db8::/129: an IPv6 prefix has 0 to 128 bits");
	refuse("[2001:db8::1", "[2001:db8::1: the closing bracket is missing: write "
			       "[2001:db8::1]:443");
	refuse("[2001:db8::1]22", "[2001:db8::1]22: behind the bracket only :PORTS may stand: "
				  "[2001:db8::1]:443");
	refuse("[192.0.2.7]:80", "[192.0.2.7]:80: brackets hold an IPv6 address: write "
				 "192.0.2.7:80 without them");
	refuse("::ffff:192.0.2.7", "::ffff:192.0.2.7: an IPv4 address in IPv6 clothes, which no "
				   "wire carries: write it as 192.0.2.7");
	refuse("2001:db8::9-2001:db8::1", "2001:db8::9-2001:db8::1: the range runs backwards");
}

static void words_too_large_say_how_large(void **state)
{
	struct target_help h = help_with(0, false);

	(void)state;
	refuse("2001:db8::/64", "2001:db8::/64: 2^64 addresses are more than one word may name, "
				"which is 2^32 (an IPv6 /96)");
	refuse("2001:db8::/95", "2001:db8::/95: 2^33 addresses are more than one word may name, "
				"which is 2^32 (an IPv6 /96)");
	refuse("2001:db8::/0", "2001:db8::/0: 2^128 addresses are more than one word may name, "
			       "which is 2^32 (an IPv6 /96)");
	refuse("2001:db8::-2001:db8::1:0:0",
	       "2001:db8::-2001:db8::1:0:0: 2^33 addresses are more than one word may name, which "
	       "is 2^32 (an IPv6 /96)");
	h.any_size = true;
	check_as("2001:db8::/32", &h, "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void words_that_are_no_names(void **state)
{
	(void)state;
	refuse("http://example.com/",
	       "http://example.com/: a URL is no target: write its host, as in "
	       "www.example.com:443");
	refuse("web1/24", "web1/24: a name takes no prefix: write the address of the block");
	refuse("we b1", "we b1: not a target: write an address, a range, a block such as "
			"192.0.2.0/24, or a name");
	refuse("a..b", "a..b: not a target: write an address, a range, a block such as "
		       "192.0.2.0/24, or a name");
}

static void the_family_is_narrowed(void **state)
{
	struct target_help h = help_with(ADDR_V6, false);

	(void)state;
	refuse_as("192.0.2.7", &h, TARGET_BAD,
		  "192.0.2.7: an IPv4 address, where -6 asks for IPv6 alone");
	check_as("2001:db8::1", &h, "2001:db8::1");
	h = help_with(ADDR_V4, false);
	refuse_as("2001:db8::1", &h, TARGET_BAD,
		  "2001:db8::1: an IPv6 address, where -4 asks for IPv4 alone");
}

static void equal_port_lists_are_one(void **state)
{
	struct target_help h = help_with(0, false);
	struct targets t;
	char word[64];

	(void)state;
	targets_init(&t);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(word, sizeof(word), "10.0.%u.%u:443,22", i / 250, i % 250);
		assert_int_equal(targets_add(&t, word, &h, NULL), TARGET_OK);
		assert_ptr_equal(t.v[i].ports, t.v[0].ports);
	}
	targets_free(&t);
	targets_free(&t);
}

static void files_are_cut_into_words(void **state)
{
	static const struct {
		const char *word;
		unsigned line;
	} want[] = {{"192.0.2.1", 2},
		    {"web1", 2},
		    {"192.0.2.7:22,80", 4},
		    {"10.0.0.1", 4},
		    {"[::1]:1,2-3,!2", 5},
		    {"::2", 5},
		    {"::3", 5},
		    {"a:1", 6},
		    {"b:2", 6},
		    {"last", 8}};
	const char *text = "# all of them\r\n192.0.2.1, web1 # two\n\n"
			   "192.0.2.7:22,80,10.0.0.1#near\n[::1]:1,2-3,!2,::2,::3\n"
			   ",a:1,b:2,\r\n\t \n last";
	unsigned line = 1;
	char word[64];

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_true(targets_next_word(&text, word, sizeof(word), &line));
		assert_string_equal(word, want[i].word);
		assert_int_equal(line, want[i].line);
	}
	assert_false(targets_next_word(&text, word, sizeof(word), &line));
	assert_false(targets_next_word(&text, word, sizeof(word), &line));
}

/* Cut off, a port list would be another valid one. */
static void a_word_too_long_is_no_target(void **state)
{
	const char *text = "10.0.0.1:22,8080 10.0.0.2:1", *fits = "10.0.0.1:22,808";
	struct target_help h = help_with(0, false);
	struct targets t;
	unsigned line = 1;
	char word[16];

	(void)state;
	targets_init(&t);
	assert_true(targets_next_word(&text, word, sizeof(word), &line));
	assert_string_equal(word, "10.0.0.1:22,...");
	assert_int_equal(targets_add(&t, word, &h, NULL), TARGET_BAD);
	assert_true(targets_next_word(&text, word, sizeof(word), &line));
	assert_string_equal(word, "10.0.0.2:1");
	assert_true(targets_next_word(&fits, word, sizeof(word), &line));
	assert_string_equal(word, "10.0.0.1:22,808");
	targets_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ipv4_words),
	    cmocka_unit_test(ipv6_words),
	    cmocka_unit_test(names_give_every_address),
	    cmocka_unit_test(names_that_fail),
	    cmocka_unit_test(what_looks_like_an_address_is_never_resolved),
	    cmocka_unit_test(ipv4_refusals_name_the_fix),
	    cmocka_unit_test(ipv6_refusals_name_the_fix),
	    cmocka_unit_test(words_too_large_say_how_large),
	    cmocka_unit_test(words_that_are_no_names),
	    cmocka_unit_test(the_family_is_narrowed),
	    cmocka_unit_test(equal_port_lists_are_one),
	    cmocka_unit_test(files_are_cut_into_words),
	    cmocka_unit_test(a_word_too_long_is_no_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
