/*
 * test_changes: what counts as a change between two results, what doesn't, and which changes share
 * a record. A result is told call by call; the records come back as one line each.
 */
#include "unit.h"

#include "results.h"

#define ALL ((1U << CHANGES) - 1)

static char told[1 << 16];
static struct diff_record sum;

static int setup(void **state)
{
	(void)state;
	results_of(2);
	return 0;
}

static void port(const char *addr, unsigned n, enum port_state s, const char *reason)
{
	ports(addr, n, n, s, reason);
}

/* --- what is told ----------------------------------------------------------------------------- */

static void put_change(void *ctx, const struct change_record *r)
{
	size_t len = strlen(told);
	char *to = told + len;
	size_t cap = sizeof(told) - len;
	int n;

	(void)ctx;
	n = snprintf(to, cap, "%s%s%s ", r->addr, r->addr_last ? "-" : "",
		     r->addr_last ? r->addr_last : "");
	if (r->of_host)
		n += snprintf(to + n, cap - (size_t)n, "host/%u", r->count);
	else if (!r->n_spans)
		n += snprintf(to + n, cap - (size_t)n, "%u", r->port);
	for (size_t i = 0; i < r->n_spans; i++)
		n += snprintf(to + n, cap - (size_t)n, "%s%u-%u", i ? "," : "", r->spans[i].first,
			      r->spans[i].last);
	snprintf(to + n, cap - (size_t)n, " %s %s:%s>%s:%s\n", change_name(r->change),
		 r->was ? r->was : "", r->was_reason ? r->was_reason : "", r->is ? r->is : "",
		 r->is_reason ? r->is_reason : "");
}

static const char *compare_only(unsigned only)
{
	static const struct record_sink sink = {.change = put_change};
	struct err e = {""};

	told[0] = '\0';
	sum = (struct diff_record){0};
	assert_int_equal(changes_compare(results, only, &sink, &sum, &e), 0);
	return told;
}

static const char *compare(void)
{
	return compare_only(ALL);
}

#define A "192.0.2.7"
#define B "192.0.2.9"

/* --- one port --------------------------------------------------------------------------------- */

static void kinds(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 1, STATE_CLOSED, "rst-ack");
	port(A, 2, STATE_OPEN, "syn-ack");
	port(A, 3, STATE_FILTERED, "no-response");
	port(A, 4, STATE_CLOSED, "rst-ack");
	port(A, 5, STATE_OPEN, "syn-ack");
	end();
	begin(SIDE_NEW);
	port(A, 1, STATE_OPEN, "syn-ack");
	port(A, 2, STATE_CLOSED, "rst-ack");
	port(A, 3, STATE_REJECTED, "icmp-port-unreachable");
	port(A, 4, STATE_CLOSED, "rst-from-path");
	port(A, 5, STATE_OPEN, "syn-ack");
	end();
	assert_string_equal(compare(),
			    A " 1 opened closed:rst-ack>open:syn-ack\n" A
			      " 2 closed open:syn-ack>closed:rst-ack\n" A
			      " 3 state filtered:no-response>rejected:icmp-port-unreachable\n" A
			      " 4 reason closed:rst-ack>closed:rst-from-path\n");
	assert_int_equal(sum.compared, 5);
	assert_int_equal(sum.ignored, 0);
	for (int i = CHANGE_OPENED; i <= CHANGE_REASON; i++)
		assert_int_equal(sum.changes[i], 1);
}

static void only_what_is_asked_for(void **state)
{
	kinds(state);
	assert_string_equal(compare_only(1U << CHANGE_CLOSED),
			    A " 2 closed open:syn-ack>closed:rst-ack\n");
	assert_int_equal(sum.changes[CHANGE_OPENED], 0);
	assert_int_equal(sum.compared, 5);
}

/* Neither a change, nor covered anew. */
static void not_measured(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 1, STATE_OPEN, "syn-ack");
	port(A, 2, STATE_INDETERMINATE, "reset-limited");
	port(A, 3, STATE_NOT_PROBED, "deadline");
	port(A, 4, STATE_INDETERMINATE, "reset-limited");
	end();
	begin(SIDE_NEW);
	port(A, 1, STATE_INDETERMINATE, "few-tries");
	port(A, 2, STATE_OPEN, "syn-ack");
	port(A, 3, STATE_OPEN, "syn-ack");
	port(A, 5, STATE_NOT_PROBED, "deadline");
	end();
	assert_string_equal(compare(), "");
	assert_int_equal(sum.compared, 0);
	assert_int_equal(sum.ignored, 5);
}

static void other_ports_are_no_exposure(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 22, STATE_OPEN, "syn-ack");
	port(A, 80, STATE_OPEN, "syn-ack");
	end();
	begin(SIDE_NEW);
	port(A, 80, STATE_OPEN, "syn-ack");
	port(A, 443, STATE_OPEN, "syn-ack");
	ports(A, 1000, 1010, STATE_CLOSED, "rst-ack");
	port(A, 1012, STATE_CLOSED, "rst");
	end();
	assert_string_equal(compare(), A " 22 no-longer-covered open:syn-ack>:\n" A
					 " 443 newly-covered :>open:syn-ack\n" A
					 " 1000-1010,1012-1012 newly-covered :>closed:\n");
	assert_int_equal(sum.changes[CHANGE_OPENED] + sum.changes[CHANGE_CLOSED], 0);
	assert_int_equal(sum.changes[CHANGE_NEWLY_COVERED], 13);
}

/* --- many ------------------------------------------------------------------------------------- */

static void more_than_a_hundred_are_one(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	ports(A, 1, 65535, STATE_CLOSED, "rst-ack");
	ports(B, 1, 100, STATE_CLOSED, "rst-ack");
	end();
	begin(SIDE_NEW);
	ports(A, 1, 65535, STATE_FILTERED, "no-response");
	port(A, 22, STATE_OPEN, "syn-ack");
	ports(B, 1, 100, STATE_FILTERED, "no-response");
	end();
	assert_ptr_equal(strstr(compare(),
				A " 1-21,23-65535 state closed:rst-ack>filtered:no-response\n" A
				  " 22 opened closed:rst-ack>open:syn-ack\n" B " 1 state"),
			 told);
	assert_non_null(strstr(told, B " 100 state"));
	assert_int_equal(sum.changes[CHANGE_STATE], 65534 + 100);
}

static void by_address_then_port(void **state)
{
	static const char *const addrs[] = {"2001:db8::2", "192.0.2.10", "192.0.2.9", "2001:db8::1",
					    "fe80::1%eth1"};

	(void)state;
	for (int k = 0; k < SIDES; k++) {
		begin((enum change_side)k);
		for (size_t i = 0; i < 5; i++) {
			port(addrs[i], 443, k ? STATE_OPEN : STATE_CLOSED, "x");
			port(addrs[i], 22, k ? STATE_OPEN : STATE_CLOSED, "x");
		}
		end();
	}
	compare();
	for (const char *at = told, *const *want =
					(const char *const[]){
					    "192.0.2.9 22", "192.0.2.9 443", "192.0.2.10 22",
					    "192.0.2.10 443", "2001:db8::1 22", "2001:db8::1 443",
					    "2001:db8::2 22", "2001:db8::2 443", "fe80::1%eth1 22",
					    "fe80::1%eth1 443", NULL};
	     *want; want++) {
		assert_memory_equal(at, *want, strlen(*want));
		at = strchr(at, '\n') + 1;
	}
}

/* --- corrections ------------------------------------------------------------------------------ */

static void the_later_record_counts(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 80, STATE_OPEN, "syn-ack");
	ports(A, 1, 200, STATE_CLOSED, "rst-ack");
	port(A, 80, STATE_SUSPECT, "canaries");
	end();
	begin(SIDE_NEW);
	ports(A, 1, 200, STATE_CLOSED, "rst-ack");
	port(A, 80, STATE_SUSPECT, "canaries");
	port(A, 81, STATE_OPEN, "syn-ack");
	end();
	assert_string_equal(compare(), A " 81 opened closed:rst-ack>open:syn-ack\n");
	assert_int_equal(sum.compared, 200);
}

/* A second run that did not come to a port takes nothing back of the first. */
static void several_runs(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 22, STATE_OPEN, "syn-ack");
	port(A, 80, STATE_OPEN, "syn-ack");
	cut_short();
	begin(SIDE_OLD);
	port(A, 22, STATE_NOT_PROBED, "deadline");
	port(A, 80, STATE_CLOSED, "rst-ack");
	cut_short();
	begin(SIDE_NEW);
	port(A, 22, STATE_OPEN, "syn-ack");
	port(A, 80, STATE_CLOSED, "rst-ack");
	end();
	assert_string_equal(compare(), "");
	assert_int_equal(sum.compared, 2);
}

/* What the second run asked and has no record of kept silent, whatever the first had. */
static void silence_corrects_too(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	covers("192.0.2.0", "192.0.2.255", 22, 23);
	port(A, 22, STATE_OPEN, "syn-ack");
	port(A, 23, STATE_OPEN, "syn-ack");
	end();
	begin(SIDE_OLD);
	covers("192.0.2.0", "192.0.2.255", 23, 23);
	end();
	begin(SIDE_NEW);
	covers("192.0.2.0", "192.0.2.255", 22, 23);
	port(A, 22, STATE_OPEN, "syn-ack");
	port(A, 23, STATE_OPEN, "syn-ack");
	end();
	assert_string_equal(compare(), A " 23 opened filtered:no-response>open:syn-ack\n");
}

/* --- hosts without records -------------------------------------------------------------------- */

static void silent_hosts(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	covers("192.0.2.0", "192.0.2.255", 22, 22);
	port(A, 22, STATE_OPEN, "syn-ack");
	end();
	begin(SIDE_NEW);
	covers("192.0.2.0", "192.0.2.255", 22, 22);
	port(B, 22, STATE_OPEN, "syn-ack");
	end();
	assert_string_equal(compare(), A " 22 closed open:syn-ack>filtered:no-response\n" B
					 " 22 opened filtered:no-response>open:syn-ack\n");
	assert_int_equal(sum.compared, 256);
}

static void without_its_end_nothing_is_silent(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	covers("192.0.2.0", "192.0.2.255", 22, 22);
	port(A, 22, STATE_OPEN, "syn-ack");
	end();
	begin(SIDE_NEW);
	covers("192.0.2.0", "192.0.2.255", 22, 22);
	port(B, 22, STATE_OPEN, "syn-ack");
	cut_short();
	assert_string_equal(compare(), B " 22 opened filtered:no-response>open:syn-ack\n");
	assert_int_equal(sum.compared, 1);
	assert_int_equal(sum.ignored, 255);
}

static void new_scope_as_ranges(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	covers("192.0.2.0", "192.0.2.127", 22, 22);
	end();
	begin(SIDE_NEW);
	covers("192.0.2.64", "192.0.2.255", 22, 23);
	port("192.0.2.200", 22, STATE_OPEN, "syn-ack");
	end();
	assert_string_equal(compare(), "192.0.2.0-192.0.2.63 22 no-longer-covered filtered:>:\n"
				       "192.0.2.64-192.0.2.127 23 newly-covered :>filtered:\n"
				       "192.0.2.128-192.0.2.199 22-23 newly-covered :>filtered:\n"
				       "192.0.2.200 22 newly-covered :>open:syn-ack\n"
				       "192.0.2.200 23 newly-covered :>filtered:\n"
				       "192.0.2.201-192.0.2.255 22-23 newly-covered :>filtered:\n");
	assert_int_equal(sum.changes[CHANGE_NEWLY_COVERED], 64 + 128 * 2);
	assert_int_equal(sum.changes[CHANGE_NO_LONGER_COVERED], 64);
	assert_int_equal(sum.compared, 64);
}

/* The ends of all addresses, and more of them than a number has room for. */
static void all_there_is(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	covers("0.0.0.0", "255.255.255.255", 1, 2);
	covers("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, 1);
	end();
	begin(SIDE_NEW);
	covers("0.0.0.0", "255.255.255.255", 1, 1);
	port("255.255.255.255", 1, STATE_OPEN, "syn-ack");
	port("0.0.0.0", 1, STATE_OPEN, "syn-ack");
	end();
	compare();
	assert_non_null(strstr(told, "0.0.0.0 1 opened"));
	assert_non_null(strstr(told, "0.0.0.1-255.255.255.254 2 no-longer-covered"));
	assert_non_null(strstr(told, "255.255.255.255 1 opened"));
	assert_non_null(strstr(told, "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 1 no-longer"));
	assert_true(sum.changes[CHANGE_NO_LONGER_COVERED] == UINT64_MAX);
}

/* Hosts that never answered were asked a few ports only: silence of the others is not known. */
static void hosts_given_up(void **state)
{
	const struct changes_end skipped = {.complete = true, .skipped = true};

	(void)state;
	begin(SIDE_OLD);
	covers("192.0.2.0", "192.0.2.255", 1, 1000);
	ports(A, 1, 9, STATE_CLOSED, "rst-ack");
	end_as(&skipped);
	begin(SIDE_NEW);
	covers("192.0.2.0", "192.0.2.255", 1, 1000);
	ports(B, 1, 9, STATE_CLOSED, "rst-ack");
	end_as(&skipped);
	assert_string_equal(compare(), A " host/1000 state up:>down:host-silent\n" B
					 " host/1000 state down:host-silent>up:\n");
	assert_int_equal(sum.changes[CHANGE_STATE], 2000);
	/* all others were silent in both, and nobody knows at how many ports */
	assert_int_equal(sum.ignored, 254 * 1000);
}

/* A run that wrote open ports alone: another state is only known not to be open. */
static void open_ports_alone(void **state)
{
	const struct changes_end open = {.complete = true, .shown = 1U << STATE_OPEN};

	(void)state;
	begin(SIDE_OLD);
	covers(A, A, 1, 10);
	port(A, 1, STATE_OPEN, "syn-ack");
	port(A, 2, STATE_OPEN, "syn-ack");
	up(A);
	end_as(&open);
	begin(SIDE_NEW);
	covers(A, A, 1, 10);
	port(A, 2, STATE_OPEN, "syn-ack");
	port(A, 3, STATE_OPEN, "syn-ack");
	up(A);
	end_as(&open);
	assert_string_equal(compare(), A " 1 closed open:syn-ack>not-shown:\n" A
					 " 3 opened not-shown:>open:syn-ack\n");
	assert_int_equal(sum.compared, 10);
}

static void open_alone_against_all(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	ports(A, 1, 10, STATE_CLOSED, "rst-ack");
	port(A, 2, STATE_OPEN, "syn-ack");
	end();
	begin(SIDE_NEW);
	covers(A, A, 1, 10);
	port(A, 3, STATE_OPEN, "syn-ack");
	end_as(&(struct changes_end){.complete = true, .shown = 1U << STATE_OPEN});
	assert_string_equal(compare(), A " 2 closed open:syn-ack>not-shown:\n" A
					 " 3 opened closed:rst-ack>open:syn-ack\n");
	assert_int_equal(sum.compared, 2);
	assert_int_equal(sum.ignored, 8);
}

/* One of several shards did not ask what it has no record of. */
static void shards(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	covers(A, A, 1, 10);
	port(A, 1, STATE_OPEN, "syn-ack");
	end_as(&(struct changes_end){.part = true});
	begin(SIDE_OLD);
	covers(A, A, 1, 10);
	port(A, 2, STATE_OPEN, "syn-ack");
	end_as(&(struct changes_end){.part = true, .complete = true});
	begin(SIDE_NEW);
	covers(A, A, 1, 10);
	port(A, 1, STATE_OPEN, "syn-ack");
	port(A, 2, STATE_OPEN, "syn-ack");
	end();
	assert_string_equal(compare(), "");
	assert_int_equal(sum.compared, 10);
}

static void old_with(unsigned open, unsigned last)
{
	begin(SIDE_OLD);
	ports(A, 1, last, STATE_CLOSED, "rst-ack");
	port(A, open, STATE_OPEN, "syn-ack");
	up(A);
	changes_style(results, side, host(A), STYLE_BY_SCAN, STYLE_RST);
	end();
}

/* A part that hears nothing of a host does not make it go down. */
static void shards_of_a_host(void **state)
{
	uint32_t number;

	(void)state;
	old_with(22, 300);
	side = SIDE_NEW;
	number = changes_begin(results, SIDE_NEW, 0);
	ports(A, 1, 50, STATE_CLOSED, "rst-ack");
	port(A, 22, STATE_OPEN, "syn-ack");
	up(A);
	end_as(&(struct changes_end){.part = true});
	assert_int_equal(changes_begin(results, SIDE_NEW, number), number);
	ports(A, 51, 300, STATE_FILTERED, "no-response");
	down(A, "no-response");
	end_as(&(struct changes_end){.part = true, .complete = true});
	assert_string_equal(compare(), A " 51-300 state closed:rst-ack>filtered:no-response\n");
	assert_int_equal(sum.went_down, 0);
	assert_true(changes_begin(results, SIDE_NEW, 0) != number);
}

/* --- a host goes, or comes -------------------------------------------------------------------- */

static void host_went_down(void **state)
{
	(void)state;
	old_with(22, 65535);
	begin(SIDE_NEW);
	ports(A, 1, 65535, STATE_NOT_PROBED, "host-unreachable");
	down(A, "host-unreachable");
	changes_style(results, side, host(A), STYLE_BY_SCAN, STYLE_FILTERED); /* no news either */
	end();
	assert_string_equal(compare(), A " host/65534 state up:>down:host-unreachable\n" A
					 " 22 closed open:syn-ack>not-probed:host-unreachable\n");
	assert_int_equal(sum.went_down, 1);
	assert_int_equal(sum.compared, 65535);
}

static void host_came_up(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	ports(A, 1, 50, STATE_FILTERED, "no-response");
	down(A, "no-response");
	end();
	begin(SIDE_NEW);
	ports(A, 1, 50, STATE_CLOSED, "rst-ack");
	port(A, 22, STATE_OPEN, "syn-ack");
	up(A);
	end();
	assert_string_equal(compare(), A " host/49 state down:no-response>up:\n" A
					 " 22 opened filtered:no-response>open:syn-ack\n");
	assert_int_equal(sum.came_up, 1);
}

/* Of one port its own line says it all. */
static void one_port_is_no_host(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 22, STATE_OPEN, "syn-ack");
	up(A);
	end();
	begin(SIDE_NEW);
	port(A, 22, STATE_FILTERED, "no-response");
	down(A, "no-response");
	end();
	assert_string_equal(compare(), A " 22 closed open:syn-ack>filtered:no-response\n");
	assert_int_equal(sum.went_down, 0);
}

/* Down by ports that the other run never asked is no news. */
static void down_elsewhere(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	ports(A, 1, 9, STATE_CLOSED, "rst-ack");
	ports(A, 20, 29, STATE_FILTERED, "no-response");
	up(A);
	end();
	begin(SIDE_NEW);
	ports(A, 20, 29, STATE_FILTERED, "no-response");
	down(A, "no-response");
	end();
	assert_string_equal(compare(), A " 1-9 no-longer-covered closed:>:\n");
}

static void not_reached_is_not_down(void **state)
{
	(void)state;
	old_with(22, 100);
	begin(SIDE_NEW);
	ports(A, 1, 100, STATE_NOT_PROBED, "deadline");
	down(A, "not-probed");
	cut_short();
	assert_string_equal(compare(), "");
	assert_int_equal(sum.ignored, 100);
}

/* An audit has no record of a host; its checks tell. */
static void down_by_checks(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 22, STATE_OPEN, "syn-ack");
	port(A, 23, STATE_CLOSED, "rst-ack");
	end();
	begin(SIDE_NEW);
	ports(A, 22, 23, STATE_NOT_PROBED, "host-unreachable");
	end();
	assert_string_equal(compare(), A " host/1 state up:>down:host-unreachable\n" A
					 " 22 closed open:syn-ack>not-probed:host-unreachable\n");
}

/* --- styles ----------------------------------------------------------------------------------- */

static void style(const char *addr, enum style_method by, enum reset_style s)
{
	changes_style(results, side, host(addr), by, s);
}

static void styles(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	style(A, STYLE_BY_STACK, STYLE_RST);
	style(B, STYLE_BY_STACK, STYLE_UNKNOWN);
	end();
	begin(SIDE_NEW);
	style(A, STYLE_BY_STACK, STYLE_SILENT);
	style(B, STYLE_BY_STACK, STYLE_SILENT);
	end();
	assert_string_equal(compare(), A " host/0 style rst:>silent:\n");
}

/* What a scan calls the style rests on the ports that it asked; and stack asks otherwise. */
static void styles_that_cannot_be_compared(void **state)
{
	(void)state;
	begin(SIDE_OLD);
	port(A, 1, STATE_FILTERED, "no-response");
	style(A, STYLE_BY_SCAN, STYLE_FILTERED);
	style(B, STYLE_BY_STACK, STYLE_MIXED);
	end();
	begin(SIDE_NEW);
	port(A, 1, STATE_FILTERED, "no-response");
	port(A, 2, STATE_CLOSED, "rst-ack");
	style(A, STYLE_BY_SCAN, STYLE_RST);
	style(B, STYLE_BY_SCAN, STYLE_RST);
	end();
	assert_string_equal(compare(), A " 2 newly-covered :>closed:\n");
}

static void style_of_the_same_ports(void **state)
{
	(void)state;
	for (int k = 0; k < SIDES; k++) {
		begin((enum change_side)k);
		port(A, 1, STATE_OPEN, "syn-ack");
		style(A, STYLE_BY_SCAN, k ? STYLE_SILENT : STYLE_RST);
		style(A, STYLE_BY_SCAN, k ? STYLE_FILTERED : STYLE_UNKNOWN); /* another window */
		end();
	}
	assert_string_equal(compare(), A " host/0 style rst:>silent:\n");
}

/* --- words and memory ------------------------------------------------------------------------- */

static void bad_words(void **state)
{
	struct err e = {""};
	struct addr a;
	uint32_t n;

	(void)state;
	assert_int_equal(changes_host(results, "web1", NULL, &n, &e), -1);
	assert_string_equal(e.msg, "'web1' is no address");
	assert_int_equal(changes_addr(results, "", &a, &e), -1);
	begin(SIDE_OLD);
	changes_addr(results, A, &a, &e);
	n = 0;
	struct addr b;
	changes_addr(results, "192.0.2.1", &b, &e);
	assert_int_equal(changes_cover(results, SIDE_OLD, &a, &b, NULL, 0, &e), -1);
	end();
}

static void names_of_kinds(void **state)
{
	enum change_kind kind;

	(void)state;
	for (int i = 0; i < CHANGES; i++) {
		assert_int_equal(change_parse(change_name((enum change_kind)i), &kind), 0);
		assert_int_equal(kind, i);
	}
	assert_int_equal(change_parse("new", &kind), -1);
}

/* Ports one by one, in disorder and again and again, against what a plain table says. */
static void as_a_table_would(void **state)
{
	static uint8_t table[SIDES][65536]; /* 1 + state */
	uint64_t seed = 42, differ = 0, both = 0;

	(void)state;
	memset(table, 0, sizeof(table));
	for (int k = 0; k < SIDES; k++) {
		begin((enum change_side)k);
		for (int i = 0; i < 6000; i++) {
			unsigned first, last;
			enum port_state s;

			seed = seed * 6364136223846793005U + 1442695040888963407U;
			first = (unsigned)(seed >> 40) % 2000;
			last = first + (unsigned)(seed >> 33) % (i % 7 ? 2 : 90);
			s = (enum port_state)((seed >> 20) % 4);
			ports(A, first, last, s, "x");
			if (i % 3 == 0)
				port(B, first, STATE_OPEN, "x"); /* by turns */
			for (unsigned p = first; p <= last; p++)
				table[k][p] = (uint8_t)(1 + s);
		}
		end();
	}
	for (unsigned p = 0; p < 65536; p++) {
		both += table[0][p] && table[1][p];
		differ += table[0][p] && table[1][p] && table[0][p] != table[1][p];
	}
	compare_only(1U << CHANGE_OPENED | 1U << CHANGE_CLOSED | 1U << CHANGE_STATE);
	assert_int_equal(sum.changes[CHANGE_OPENED] + sum.changes[CHANGE_CLOSED] +
			     sum.changes[CHANGE_STATE],
			 differ);
	assert_true(sum.compared >= both && both > 1900);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, results_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(kinds),
	    TEST(only_what_is_asked_for),
	    TEST(not_measured),
	    TEST(other_ports_are_no_exposure),
	    TEST(more_than_a_hundred_are_one),
	    TEST(by_address_then_port),
	    TEST(the_later_record_counts),
	    TEST(several_runs),
	    TEST(silence_corrects_too),
	    TEST(silent_hosts),
	    TEST(without_its_end_nothing_is_silent),
	    TEST(new_scope_as_ranges),
	    TEST(all_there_is),
	    TEST(hosts_given_up),
	    TEST(open_ports_alone),
	    TEST(open_alone_against_all),
	    TEST(shards),
	    TEST(shards_of_a_host),
	    TEST(host_went_down),
	    TEST(host_came_up),
	    TEST(one_port_is_no_host),
	    TEST(down_elsewhere),
	    TEST(not_reached_is_not_down),
	    TEST(down_by_checks),
	    TEST(styles),
	    TEST(styles_that_cannot_be_compared),
	    TEST(style_of_the_same_ports),
	    TEST(bad_words),
	    TEST(names_of_kinds),
	    TEST(as_a_table_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
