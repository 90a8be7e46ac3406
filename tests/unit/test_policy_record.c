/*
 * policy_record: the text of what was seen, letter by letter where it is short; and that it parses,
 * and that what it demands is what was seen.
 */
#include "unit.h"

#include "engine/policy.h"
#include "engine/policy_record.h"

enum { PORTS = 65536, TEXT_MAX = 1 << 20, HOSTS_MAX = 16 };

/* --- a sweep ------------------------------------------------------------------------------ */

/* What is known of one host, as told to the writer. */
struct host {
	struct addr addr;
	uint8_t states[PORTS];
	bool told[PORTS];
	enum reset_style style;
	bool up;
};

struct net {
	struct policy_record *writer;
	struct record_sink sink;
	struct host *hosts;
	size_t n;
	char *text;
	size_t len;
	bool unreachable; /* who is not up, from now on */
};

static struct net net;

static int begin(void **state)
{
	(void)state;
	net = (struct net){.writer = policy_record_new()};
	net.sink = policy_record_sink(net.writer);
	net.hosts = calloc(HOSTS_MAX, sizeof(*net.hosts));
	net.text = calloc(1, TEXT_MAX);
	return 0;
}

static int end(void **state)
{
	(void)state;
	policy_record_free(net.writer);
	free(net.hosts);
	free(net.text);
	return 0;
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct host *host_of(const struct addr *a)
{
	for (size_t i = 0; i < net.n; i++)
		if (addr_equal(&net.hosts[i].addr, a))
			return &net.hosts[i];
	assert_true(net.n < HOSTS_MAX);
	net.hosts[net.n].addr = *a;
	return &net.hosts[net.n++];
}

/* A host within a window: of its `ports` those of `list[i]` are in `states[i]`, others `rest`. */
static void tell(const char *addr, const char *name, enum reset_style style, const char *ports,
		 enum port_state rest, const char *const *lists, const enum port_state *states)
{
	struct addr a = address(addr);
	struct host_record h = {
	    .addr = &a, .name = name, .up = rest != PORT_STATES, .style = style};
	struct ports *asked = *ports ? ports_parse(ports, NULL, NULL) : ports_default();
	struct host *x = host_of(&a);

	assert_non_null(asked);
	if (!h.up)
		rest = STATE_FILTERED;
	h.unreachable = !h.up && net.unreachable;
	x->style = style;
	x->up = x->up || h.up;
	net.sink.host_begin(net.sink.ctx, &h);
	for (uint32_t i = 0; i < ports_count(asked); i++) {
		struct verdict v = {.state = rest};
		struct port_record r = {
		    .addr = &a, .name = name, .port = ports_at(asked, i), .verdict = &v};

		for (size_t k = 0; lists && lists[k]; k++) {
			struct ports *some = ports_parse(lists[k], NULL, NULL);

			if (ports_rank(some, r.port) >= 0)
				v.state = states[k];
			ports_free(some);
		}
		x->states[r.port] = (uint8_t)v.state;
		x->told[r.port] = true;
		net.sink.port(net.sink.ctx, &h, &r);
	}
	if (net.sink.host_end)
		net.sink.host_end(net.sink.ctx, &h);
	ports_free(asked);
}

static void put(void *ctx, const char *line)
{
	assert_ptr_equal(ctx, &net);
	assert_null(strchr(line, '\n'));
	assert_true(net.len + strlen(line) + 2 < TEXT_MAX);
	net.len += (size_t)sprintf(net.text + net.len, "%s\n", line);
}

/* The text behind the comment at its head. */
static const char *written(const char *what)
{
	struct policy_record_how how = {.today = 20777, .what = what, .put = put, .ctx = &net};
	struct err e = {""};
	const char *s;

	assert_int_equal(policy_record_write(net.writer, &how, &e), 0);
	s = strstr(net.text, "\n\n");
	return s ? s + 2 : "";
}

/* --- what it demands ---------------------------------------------------------------------- */

static void fail_on(void *ctx, const struct err *e)
{
	(void)ctx;
	fail_msg("%s\nof\n%s", e->msg, net.text);
}

static bool is_in(const struct policy_group *g, const struct addr *a)
{
	for (size_t i = 0; i < g->targets.n; i++)
		if (g->targets.v[i].first.family == a->family &&
		    addr_cmp(&g->targets.v[i].first, a) <= 0 &&
		    addr_cmp(a, &g->targets.v[i].last) <= 0)
			return true;
	return false;
}

/* Each demand that is made of the host's ports passes; returns how many there were. */
static size_t judge_line(const struct policy_line *l, const struct host *x, const bool *named)
{
	size_t n = 0;

	for (uint32_t i = 0; i < ports_count(l->ports); i++) {
		uint16_t port = ports_at(l->ports, i);
		struct measure m;

		if (l->scope == POLICY_ELSE && named[port])
			continue;
		measure_clear(&m);
		m.state = x->told[port] ? x->states[port] : STATE_NOT_PROBED;
		if (expect_judge_port(&l->expect, &m) == CHECK_FAILED)
			fail_msg("port %u is %s in\n%s", port, state_name(m.state), net.text);
		n += expect_judge_port(&l->expect, &m) == CHECK_PASSED;
	}
	return n;
}

static size_t judge_host(const struct policy *p, const struct host *x)
{
	static bool named[PORTS];
	size_t n = 0;

	memset(named, 0, sizeof(named));
	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];

		if (l->scope == POLICY_PORTS && is_in(&p->groups[l->group], &x->addr))
			for (uint32_t k = 0; k < ports_count(l->ports); k++)
				named[ports_at(l->ports, k)] = true;
	}
	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];

		if (!is_in(&p->groups[l->group], &x->addr))
			continue;
		if (l->scope == POLICY_HOST)
			assert_int_equal(expect_judge_style(&l->expect, x->style), CHECK_PASSED);
		else
			n += judge_line(l, x, named);
	}
	return n;
}

/* It parses, and each port that was measured is demanded once, as it was. */
static void check_round_trip(void)
{
	const struct policy_help h = {.fail = fail_on};
	struct policy p;

	policy_init(&p);
	assert_int_equal(policy_read(&p, "recorded", net.text, &h), 0);
	assert_int_equal(policy_settle(&p, &h), 0);
	for (size_t i = 0; i < net.n; i++) {
		const struct host *x = &net.hosts[i];
		size_t measured = 0;

		if (!x->up)
			continue;

		for (uint32_t port = 0; port < PORTS; port++)
			measured += x->told[port] && x->states[port] != STATE_INDETERMINATE &&
				    x->states[port] != STATE_NOT_PROBED &&
				    x->states[port] != STATE_INCONSISTENT;
		assert_int_equal(judge_host(&p, x), measured);
	}
	policy_free(&p);
}

/* --- cases -------------------------------------------------------------------------------- */

static void a_web_server(void **state)
{
	static const char *const lists[] = {"22,80,443", "25,110-111", NULL};
	static const enum port_state states[] = {STATE_OPEN, STATE_FILTERED};

	(void)state;
	tell("192.0.2.7", "web1", STYLE_RST, "", STATE_CLOSED, lists, states);
	tell("2001:db8::7", "web1", STYLE_RST, "", STATE_CLOSED, lists, states);
	assert_string_equal(written("web1"), "group web1 192.0.2.7 2001:db8::7\n"
					     "web1: 22,80,443 open\n"
					     "web1: 25,110-111 silent\n"
					     "web1: else closed\n"
					     "web1: style rst\n");
	assert_int_equal(strncmp(net.text,
				 "# What was seen on 2026-11-20 by rstprobe audit --record web1.\n"
				 "# From now on",
				 70),
			 0);
	check_round_trip();
}

static void hosts_that_look_alike(void **state)
{
	static const char *const ssh[] = {"22", NULL}, *const db[] = {"22,5432", "53", NULL};
	static const enum port_state states[] = {STATE_OPEN, STATE_REJECTED};
	char addr[32];

	(void)state;
	for (int i = 12; i >= 10; i--) {
		snprintf(addr, sizeof(addr), "192.0.2.%d", i);
		tell(addr, NULL, STYLE_SILENT, "", STATE_FILTERED, ssh, states);
	}
	tell("192.0.2.20", NULL, STYLE_SILENT, "", STATE_FILTERED, ssh, states);
	tell("192.0.2.13", NULL, STYLE_UNKNOWN, "", STATE_FILTERED, db, states);
	tell("192.0.2.255", NULL, STYLE_UNKNOWN, "", STATE_FILTERED, db, states);
	tell("192.0.3.0", NULL, STYLE_UNKNOWN, "", STATE_FILTERED, db, states);
	assert_string_equal(written(NULL), "group hosts-1 192.0.2.10-12 192.0.2.20\n"
					   "hosts-1: 22 open\n"
					   "hosts-1: else silent\n"
					   "hosts-1: style silent\n"
					   "\n"
					   "group hosts-2 192.0.2.13 192.0.2.255-192.0.3.0\n"
					   "hosts-2: 22,5432 open\n"
					   "hosts-2: 53 rejected\n"
					   "hosts-2: else silent\n");
	check_round_trip();
}

static void few_ports_need_no_else(void **state)
{
	static const char *const lists[] = {"22", NULL};
	static const enum port_state states[] = {STATE_OPEN};

	(void)state;
	tell("192.0.2.7", NULL, STYLE_UNKNOWN, "22,80,443", STATE_CLOSED, lists, states);
	assert_string_equal(written(NULL), "group hosts-1 192.0.2.7\n"
					   "hosts-1: 22 open\n"
					   "hosts-1: 80,443 closed\n");
	check_round_trip();
}

static void all_ports(void **state)
{
	static const char *const lists[] = {"22,80", "81-90", NULL};
	static const enum port_state states[] = {STATE_OPEN, STATE_SUSPECT};

	(void)state;
	tell("192.0.2.7", NULL, STYLE_RST, "-", STATE_CLOSED, lists, states);
	assert_string_equal(written(NULL), "group hosts-1 192.0.2.7\n"
					   "hosts-1: 22,80 open\n"
					   "hosts-1: 81-90 suspect\n"
					   "hosts-1: else 1-65535 closed\n"
					   "hosts-1: style rst\n");
	check_round_trip();
}

static void what_was_not_measured_is_a_comment(void **state)
{
	static const char *const lists[] = {"22", "80-82", "443", NULL};
	static const enum port_state states[] = {STATE_OPEN, STATE_INDETERMINATE,
						 STATE_INCONSISTENT};
	struct summary_record s = {.complete = false, .why = "the link went down\n# x"};

	(void)state;
	tell("192.0.2.7", NULL, STYLE_UNKNOWN, "1-1000", STATE_CLOSED, lists, states);
	net.sink.summary(net.sink.ctx, &s);
	assert_string_equal(written("a\nb"), "group hosts-1 192.0.2.7\n"
					     "hosts-1: 22 open\n"
					     "# it answers in two ways at 443\n"
					     "# could not be measured: 80-82\n"
					     "hosts-1: else 1-1000 closed\n");
	assert_non_null(strstr(net.text, " --record a?b.\n"));
	assert_non_null(
	    strstr(net.text, "\n# It is not all that was asked: the link went down?# x.\n"));
	check_round_trip();
}

static void who_never_answered(void **state)
{
	static const char *const lists[] = {"22", NULL};
	static const enum port_state states[] = {STATE_OPEN};

	(void)state;
	tell("192.0.2.7", NULL, STYLE_UNKNOWN, "20-25", STATE_CLOSED, lists, states);
	tell("192.0.2.9", NULL, STYLE_UNKNOWN, "20-25", PORT_STATES, NULL, NULL);
	tell("192.0.2.8", NULL, STYLE_UNKNOWN, "20-25", PORT_STATES, NULL, NULL);
	assert_string_equal(written(NULL),
			    "group hosts-1 192.0.2.7\n"
			    "hosts-1: 22 open\n"
			    "hosts-1: else 20-25 closed\n"
			    "\n"
			    "# Nobody answered here. To demand that it stays so, take the # away:\n"
			    "# group quiet 192.0.2.8-9\n"
			    "# quiet: 20-25 silent\n");
	check_round_trip();
}

static void who_never_answered_by_the_common_list(void **state)
{
	(void)state;
	tell("192.0.2.9", NULL, STYLE_UNKNOWN, "", PORT_STATES, NULL, NULL);
	assert_string_equal(written(NULL),
			    "# Nobody answered here. To demand that it stays so, take the # away:\n"
			    "# group quiet 192.0.2.9\n"
			    "# quiet: else silent\n");
}

/* Of an address that nobody has silence can't be demanded: that would never be decided. */
static void who_is_not_there(void **state)
{
	(void)state;
	net.unreachable = true;
	tell("192.0.2.8", NULL, STYLE_UNKNOWN, "20-25", PORT_STATES, NULL, NULL);
	tell("192.0.2.9", NULL, STYLE_UNKNOWN, "20-25", PORT_STATES, NULL, NULL);
	net.unreachable = false;
	tell("192.0.2.10", NULL, STYLE_UNKNOWN, "20-25", PORT_STATES, NULL, NULL);
	assert_string_equal(
	    written(NULL),
	    "# Called unreachable by the link or a router; nothing can be demanded here:\n"
	    "# 192.0.2.8-9\n"
	    "\n"
	    "# Nobody answered here. To demand that it stays so, take the # away:\n"
	    "# group quiet 192.0.2.10\n"
	    "# quiet: 20-25 silent\n");
}

static void names(void **state)
{
	static const char *const ssh[] = {"22", NULL}, *const web[] = {"80", NULL};
	static const enum port_state states[] = {STATE_OPEN};

	(void)state;
	tell("192.0.2.1", "a.example", STYLE_UNKNOWN, "22,80", STATE_CLOSED, ssh, states);
	tell("192.0.2.2", "b.example", STYLE_UNKNOWN, "22,80", STATE_CLOSED, ssh, states);
	tell("192.0.2.3", "two", STYLE_UNKNOWN, "22,80", STATE_FILTERED, ssh, states);
	tell("192.0.2.4", "two", STYLE_UNKNOWN, "22,80", STATE_FILTERED, web, states);
	tell("192.0.2.5", "include", STYLE_UNKNOWN, "22,80", STATE_CLOSED, web, states);
	assert_string_equal(written(NULL), "# a.example b.example\n"
					   "group hosts-1 192.0.2.1-2\n"
					   "hosts-1: 22 open\nhosts-1: 80 closed\n\n"
					   "group two 192.0.2.3\n"
					   "two: 22 open\ntwo: 80 silent\n\n"
					   "# two\n"
					   "group two-2 192.0.2.4\n"
					   "two-2: 80 open\ntwo-2: 22 silent\n\n"
					   "# include\n"
					   "group hosts-2 192.0.2.5\n"
					   "hosts-2: 80 open\nhosts-2: 22 closed\n");
	check_round_trip();
}

static void several_windows_of_one_host(void **state)
{
	static const char *const lists[] = {"5,6", NULL};
	static const enum port_state states[] = {STATE_OPEN};

	(void)state;
	tell("192.0.2.7", NULL, STYLE_RST, "1-6,9", STATE_CLOSED, lists, states);
	tell("192.0.2.8", NULL, STYLE_UNKNOWN, "8", PORT_STATES, NULL, NULL);
	tell("192.0.2.8", NULL, STYLE_RST, "9", STATE_CLOSED, NULL, NULL);
	tell("192.0.2.7", NULL, STYLE_UNKNOWN, "4,7-8", STATE_FILTERED, NULL, NULL);
	net.hosts[0].style = STYLE_RST;
	assert_string_equal(written(NULL), "group hosts-1 192.0.2.7\n"
					   "hosts-1: 5-6 open\n"
					   "hosts-1: 4,7-8 silent\n"
					   "hosts-1: else 1-9 closed\n"
					   "hosts-1: style rst\n"
					   "\n"
					   "group hosts-2 192.0.2.8\n"
					   "hosts-2: 9 closed\n"
					   "hosts-2: 8 silent\n"
					   "hosts-2: style rst\n");
	check_round_trip();
}

/* Every other port: no line is longer than one can read. */
static void long_lists_are_several_lines(void **state)
{
	struct addr a = address("192.0.2.7");
	struct host_record h = {.addr = &a, .up = true};
	struct host *x = host_of(&a);

	(void)state;
	x->up = true;
	net.sink.host_begin(net.sink.ctx, &h);
	for (uint16_t port = 1; port < 3000; port++) {
		struct verdict v = {.state = port % 2 ? STATE_OPEN : STATE_REJECTED};
		struct port_record r = {.addr = &a, .port = port, .verdict = &v};

		x->told[port] = true;
		x->states[port] = (uint8_t)v.state;
		net.sink.port(net.sink.ctx, &h, &r);
	}
	written(NULL);
	for (const char *s = net.text, *nl; (nl = strchr(s, '\n')); s = nl + 1)
		assert_true(nl - s <= 100);
	check_round_trip();
}

static void nothing_was_seen(void **state)
{
	(void)state;
	assert_string_equal(written(NULL), "");
	assert_non_null(strstr(net.text, "# What was seen on 2026-11-20.\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_web_server, begin, end),
	    cmocka_unit_test_setup_teardown(hosts_that_look_alike, begin, end),
	    cmocka_unit_test_setup_teardown(few_ports_need_no_else, begin, end),
	    cmocka_unit_test_setup_teardown(all_ports, begin, end),
	    cmocka_unit_test_setup_teardown(what_was_not_measured_is_a_comment, begin, end),
	    cmocka_unit_test_setup_teardown(who_never_answered, begin, end),
	    cmocka_unit_test_setup_teardown(who_never_answered_by_the_common_list, begin, end),
	    cmocka_unit_test_setup_teardown(who_is_not_there, begin, end),
	    cmocka_unit_test_setup_teardown(names, begin, end),
	    cmocka_unit_test_setup_teardown(several_windows_of_one_host, begin, end),
	    cmocka_unit_test_setup_teardown(long_lists_are_several_lines, begin, end),
	    cmocka_unit_test_setup_teardown(nothing_was_seen, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
