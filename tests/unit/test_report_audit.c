/*
 * test_report_audit: checks as text, as JSON and as TAP, word for word: what failed comes first,
 * nothing is called good that was not measured, and no name breaks a line.
 */
#include "audited.h"

#include <json-c/json.h>

#define BOTH_NAMES "a#b\\c\n\033[31m\xff\""

/* --- text --------------------------------------------------------------------------------- */

static void test_text_tells_failures_first(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_fill(&a);
	a.counts.expired = 1;
	/* clang-format off */
	audited_is(&a, report_text_new, true,
		"FAILED     HOST              PORT       EXPECTED           SEEN\n"
		"critical   web1 (192.0.2.7)  22 (ssh)   closed or blocked  open\n"
		"           SYN drew SYN-ACK (TTL 61), 2 probings agree; web.policy:2, owner ops\n"
		"warning    192.0.2.9         22 (ssh)   open               rejected\n"
		"           ICMP admin-prohibited (3/13) from 192.0.2.1, 2 probings agree;\n"
		"           web.policy:1\n"
		"warning    192.0.2.7         80 (http)  open within 200ms  open after 312 ms\n"
		"           SYN-ACK after 312 ms, later than 200 ms, 2 probings agree;\n"
		"           web.policy:4, until 2024-10-13: shop, #1\n"
		"warning    192.0.2.7                    style rst          style silent\n"
		"           closed ports keep silent, though the host itself sent a RST\n"
		"           elsewhere; web.policy:6\n"
		"warning    192.0.2.7 ports 20-25,80,1000-1112 (120 ports): expected not-open, is\n"
		"           open\n"
		"           SYN drew SYN-ACK, 2 probings agree; web.policy:7\n"
		"info       192.0.2.7 port 22 (ssh): expected listen-rst, is open, no RST to an\n"
		"           ACK\n"
		"           open, and the stray ACK drew no RST, 3 tries, 2 probings agree;\n"
		"           web.policy:5\n"
		"\n"
		"UNDECIDED  HOST              PORT       EXPECTED           SEEN\n"
		"warning    192.0.2.7         22 (ssh)   open               open, then closed\n"
		"           first SYN-ACK, then RST: not the same twice; db.policy:8\n"
		"warning    db2.example.org   22 (ssh)   open               not measured\n"
		"           no address for the name; db.policy:9\n"
		"\n"
		"web.policy:4 is in force until 2024-10-13 (9 days from now); shop, #1\n"
		"1 line of the policy has ended (audit --check names it)\n"
		"audit: 125 of 128 checks failed (1 critical, 123 warning, 1 info), 2 could not\n"
		"  be decided, 1 holds; 6 hosts, 0.81 s\n");
	/* clang-format on */
}

static void test_text_is_as_wide_as_it_may(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	a.style.width = 44;
	audited_fill(&a);
	a.n = 2;
	/* clang-format off */
	audited_is(&a, report_text_new, true,
		"FAILED\n"
		"critical   web1 (192.0.2.7) port 22 (ssh):\n"
		"           expected closed or blocked, is\n"
		"           open\n"
		"           SYN drew SYN-ACK (TTL 61), 2\n"
		"           probings agree; web.policy:2,\n"
		"           owner ops\n"
		"warning    192.0.2.9 port 22 (ssh): expected\n"
		"           open, is rejected\n"
		"           ICMP admin-prohibited (3/13) from\n"
		"           192.0.2.1, 2 probings agree;\n"
		"           web.policy:1\n"
		"\n"
		"audit: 2 of 2 checks failed (1 critical, 1\n"
		"  warning), 0 hold; 6 hosts, 0.81 s\n");
	/* clang-format on */
}

/* What neighbours have in common is said once, below the last of them. */
static void test_text_says_the_same_once(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	for (size_t i = 0; i < 3; i++) {
		struct check_record *c = audited_add(&a, &a.open, &a.is_silent, CHECK_FAILED);

		c->line = 7;
		c->addr = &a.addr[i];
	}
	/* clang-format off */
	audited_is(&a, report_text_new, true,
		"FAILED     HOST       PORT      EXPECTED  SEEN\n"
		"warning    192.0.2.7  22 (ssh)  open      filtered\n"
		"warning    192.0.2.8  22 (ssh)  open      filtered\n"
		"warning    192.0.2.9  22 (ssh)  open      filtered\n"
		"           no answer to 3 tries in each of 2 probings; web.policy:7\n"
		"\n"
		"audit: 3 of 3 checks failed (3 warning), 0 hold; 6 hosts, 0.81 s\n");
	/* clang-format on */
}

static void test_text_where_all_holds(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_add(&a, &a.closed, &a.is_closed, CHECK_PASSED);
	audited_add(&a, &a.open, &a.is_open, CHECK_PASSED);
	audited_is(&a, report_text_new, true, "audit: all 2 checks hold; 6 hosts, 0.81 s\n");
	a.style.verbose = true;
	/* clang-format off */
	audited_is(&a, report_text_new, true,
		"HOLDS      HOST       PORT      EXPECTED           SEEN\n"
		"warning    192.0.2.7  22 (ssh)  closed or blocked  closed\n"
		"warning    192.0.2.7  22 (ssh)  open               open\n"
		"\n"
		"audit: all 2 checks hold; 6 hosts, 0.81 s\n");
	/* clang-format on */
}

static void test_text_calls_nothing_good_that_is_incomplete(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_add(&a, &a.closed, &a.is_closed, CHECK_PASSED);
	a.sum.complete = false;
	snprintf(a.sum.why, sizeof(a.sum.why), "eth0 went down");
	audited_is(&a, report_text_new, true,
		   "audit: 0 of 1 check failed, 1 holds; 6 hosts, 0.81 s\n"
		   "INCOMPLETE: eth0 went down\n");
	a.n = 0;
	audited_is(&a, report_text_new, true,
		   "audit: nothing was checked\nINCOMPLETE: eth0 went down\n");
	a.sum.complete = true;
	audited_is(&a, report_text_new, true,
		   "audit: nothing was checked: no line of the policy is in force\n");
	audited_is(&a, report_text_new, false, "");
}

static void test_text_lists_what_is_undecided_to_an_end(void **state)
{
	const struct record_sink *sink;
	struct audited a;
	struct check_record *c;

	(void)state;
	for (int verbose = 0; verbose < 2; verbose++) {
		audited_init(&a);
		a.style.verbose = verbose;
		c = audited_add(&a, &a.open, &a.is_unasked, CHECK_UNDECIDED);
		paper_open(&a.paper, report_text_new, &a.run, &a.style);
		sink = &a.paper.report->sink;
		for (c->port = 1000; c->port < 1060; c->port++, c->line++)
			sink->check(sink->ctx, c);
		sink->check(sink->ctx, &(struct check_record){.policy = "web.policy",
							      .group = "web",
							      .addr = &a.addr[0],
							      .count = 120,
							      .spans = a.spans,
							      .n_spans = 3,
							      .expect = &a.open,
							      .outcome = CHECK_UNDECIDED,
							      .level = LEVEL_INFO,
							      .until_day = DAY_NEVER});
		sink->summary(sink->ctx, &a.sum);
		paper_end(&a.paper);
		assert_non_null(strstr(a.paper.text, " 1049 "));
		assert_int_equal(strstr(a.paper.text, " 1050 ") != NULL, verbose);
		assert_int_equal(strstr(a.paper.text, " and 130 more (-v lists them)\n") == NULL,
				 verbose);
		free(a.paper.text);
	}
}

static void add_ports(struct audited *a, uint16_t first, uint16_t last, const struct measure *seen)
{
	for (uint16_t port = first; port <= last; port++) {
		struct check_record *c = audited_add(a, &a->closed, seen, CHECK_FAILED);

		c->line = 3;
		c->port = port;
	}
}

/* A host that is down must not fill the mail; what differs is still told one by one. */
static void test_text_says_of_many_ports_what_is_the_same(void **state)
{
	struct audited a;
	struct measure other;
	char *text;

	(void)state;
	audited_init(&a);
	other = a.is_open;
	other.ttl = 60;
	other.rtt_us = 9;
	add_ports(&a, 1, 2, &a.is_open);
	add_ports(&a, 3, 3, &a.is_mute);
	add_ports(&a, 4, 4, &other);
	add_ports(&a, 5, 5, &a.is_two);
	add_ports(&a, 6, 7, &a.is_open);
	add_ports(&a, 8, 8, &a.is_open);
	audited_add(&a, &a.closed, &a.is_open, CHECK_FAILED)->addr = &a.addr[1];
	a.v[a.n - 1].line = 3;
	/* clang-format off */
	audited_is(&a, report_text_new, true,
		"FAILED     HOST       PORT                 EXPECTED           SEEN\n"
		"warning    192.0.2.7  1-2,4,6-8 (6 ports)  closed or blocked  open\n"
		"           SYN drew SYN-ACK, 2 probings agree; web.policy:3\n"
		"warning    192.0.2.7  3                    closed or blocked  open\n"
		"           SYN drew SYN-ACK (TTL 61), 2 probings agree; web.policy:3\n"
		"warning    192.0.2.7  5                    closed or blocked  open, then closed\n"
		"           first SYN-ACK, then RST: not the same twice; web.policy:3\n"
		"warning    192.0.2.8  22 (ssh)             closed or blocked  open\n"
		"           SYN drew SYN-ACK (TTL 61), 2 probings agree; web.policy:3\n"
		"\n"
		"audit: 9 of 9 checks failed (9 warning), 0 hold; 6 hosts, 0.81 s\n");
	/* clang-format on */
	a.style.verbose = true;
	text = audited_write(&a, report_text_new, true);
	assert_null(strstr(text, " ports)"));
	free(text);
}

/* It never came to a summary. */
static void test_text_that_ends_early(void **state)
{
	struct audited a;
	char *text;

	(void)state;
	audited_init(&a);
	audited_fill(&a);
	text = audited_write(&a, report_text_new, false);
	assert_non_null(strstr(text, "FAILED "));
	assert_non_null(strstr(text, "\nINCOMPLETE: the run ended early\n"));
	assert_null(strstr(text, "audit:"));
	free(text);
}

static void test_text_in_colour(void **state)
{
	struct audited a;
	char *text;

	(void)state;
	audited_init(&a);
	a.style.color = true;
	audited_fill(&a);
	text = audited_write(&a, report_text_new, true);
	assert_non_null(strstr(text, "\033[31mcritical\033[0m   web1"));
	assert_non_null(strstr(text, "\033[35mwarning\033[0m    "));
	free(text);
}

static void test_text_says_which_lines_end_soon(void **state)
{
	static const struct {
		int days;
		const char *says;
	} rows[] = {
	    {0, "\nweb.policy:1 is in force until 2024-10-04 (today)\n"},
	    {1, "\nweb.policy:1 is in force until 2024-10-05 (tomorrow)\n"},
	    {13, "\nweb.policy:1 is in force until 2024-10-17 (13 days from now)\n"},
	    {14, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct audited a;
		const char *said;
		char *text;

		audited_init(&a);
		audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED);
		audited_add(&a, &a.open, &a.is_open, CHECK_PASSED)->line = 1;
		a.v[0].until_day = a.v[1].until_day = AUDITED_TODAY + rows[i].days;
		text = audited_write(&a, report_text_new, true);
		if (rows[i].says) {
			said = strstr(text, rows[i].says);
			assert_non_null(said);
			assert_null(strstr(said + strlen(rows[i].says), "in force"));
		} else {
			assert_null(strstr(text, "in force"));
		}
		free(text);
	}
}

static void test_text_keeps_foreign_names_in_their_place(void **state)
{
	struct audited a;
	struct check_record *c;
	char *text;

	(void)state;
	audited_init(&a);
	c = audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED);
	c->policy = c->group = c->name = c->owner = c->note = BOTH_NAMES;
	text = audited_write(&a, report_text_new, true);
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "c\n"));
	assert_null(strchr(text, '\xff'));
	free(text);
}

/* --- the evidence ------------------------------------------------------------------------- */

static void evidence_is(struct audited *a, const struct expectation *x, const struct measure *m,
			const char *seen, const char *evidence)
{
	char want[512];
	char *text;

	a->n = 0;
	audited_add(a, x, m, CHECK_UNDECIDED);
	text = audited_write(a, report_tap_new, true);
	snprintf(want, sizeof(want), "\n  actual: \"%s\"\n  evidence: \"%s\"\n", seen, evidence);
	if (!strstr(text, want))
		fail_msg("got:\n%s\nwant:%s", text, want);
	free(text);
}

static void test_evidence_of_answers(void **state)
{
	struct audited a;
	struct measure m;

	(void)state;
	audited_init(&a);
	m = a.is_closed;
	evidence_is(&a, &a.open, &m, "closed", "SYN drew RST-ACK (TTL 64, 52 us)");
	m.probings = 2;
	m.rtt_us = MEASURE_NO_RTT;
	m.reaction = REACTION_RST_ODD;
	m.bits = MEASURE_FROM_PATH;
	evidence_is(&a, &a.open, &m, "closed",
		    "SYN drew a RST of an odd form (TTL 64), by the look of it from a box on the "
		    "way, in one of 2 probings");
	m = a.is_rejected;
	evidence_is(&a, &a.open, &m, "rejected",
		    "ICMP admin-prohibited (3/13) from the target itself, 2 probings agree");
	m.reason = "host-unreachable";
	m.bits |= MEASURE_GONE;
	evidence_is(&a, &a.open, &m, "unreachable",
		    "ICMP host-unreachable (3/13) from the target itself, 2 probings agree");
	m = a.is_open;
	m.state = STATE_INDETERMINATE;
	m.reaction = REACTION_CHALLENGE_ACK;
	m.rtt_us = 1500000;
	evidence_is(&a, &a.open, &m, "indeterminate",
		    "SYN drew a bare ACK, of another connection on these ports (TTL 61, 1.50 s), "
		    "2 probings agree");
}

static void test_evidence_of_silence(void **state)
{
	struct audited a;
	struct measure m;

	(void)state;
	audited_init(&a);
	m = a.is_silent;
	evidence_is(&a, &a.open, &m, "filtered", "no answer to 3 tries in each of 2 probings");
	m.bits = MEASURE_RATIONED;
	m.tries = 1;
	evidence_is(&a, &a.open, &m, "filtered",
		    "no answer to 1 try, where ICMP errors are rationed: it may be rejected");
	m.state = STATE_INDETERMINATE;
	m.reason = "reset-limited";
	m.bits = 0;
	evidence_is(&a, &a.open, &m, "indeterminate",
		    "silent, but the host rations its resets: that says nothing");
	m.state = STATE_NOT_PROBED;
	m.reason = "host-unreachable";
	m.bits = MEASURE_GONE | MEASURE_CONFIRMED;
	evidence_is(&a, &a.open, &m, "unreachable",
		    "nobody answers for the address, 2 probings agree");
	evidence_is(&a, &a.open, NULL, "not measured", "not measured");
}

static void test_evidence_of_two_answers(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	evidence_is(&a, &a.open, &a.is_two, "open, then closed",
		    "first SYN-ACK, then RST: not the same twice");
	a.is_two.state = STATE_REJECTED;
	a.is_two.other = STATE_FILTERED;
	evidence_is(&a, &a.open, &a.is_two, "rejected, then filtered",
		    "first an ICMP error, then silence: not the same twice");
}

static void test_evidence_of_what_is_late(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	evidence_is(&a, &a.within, &a.is_late, "open after 312 ms",
		    "SYN-ACK after 312 ms, later than 200 ms, 2 probings agree");
	a.is_late.rtt_us = 200040;
	evidence_is(&a, &a.within, &a.is_late, "open after 200.04 ms",
		    "SYN-ACK after 200.04 ms, later than 200 ms, 2 probings agree");
	a.within.within_ns = 1500000;
	a.is_late.rtt_us = 1999;
	evidence_is(&a, &a.within, &a.is_late, "open after 1.9 ms",
		    "SYN-ACK after 1.9 ms, later than 1.5 ms, 2 probings agree");
	a.is_late.rtt_us = 1500;
	evidence_is(&a, &a.within, &a.is_late, "open",
		    "SYN drew SYN-ACK (TTL 61, 1.5 ms), 2 probings agree");
}

static void test_evidence_of_stray_segments(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	evidence_is(&a, &a.listen_rst, &a.is_mute, "open, no RST to an ACK",
		    "open, and the stray ACK drew no RST, 3 tries, 2 probings agree");
	a.is_mute.stray = REACTION_RST_SEQ_FROM_ACK;
	evidence_is(&a, &a.listen_rst, &a.is_mute, "open, RST to an ACK",
		    "open, and the stray ACK drew RST, 2 probings agree");
	a.is_mute.stray = REACTION_RST_ODD;
	evidence_is(&a, &a.listen_rst, &a.is_mute, "open, a RST of an odd form to an ACK",
		    "open, and the stray ACK drew a RST of an odd form, 2 probings agree");
	a.is_mute.stray = REACTION_ICMP_ADMIN;
	evidence_is(&a, &a.listen_rst, &a.is_mute, "open, icmp-admin to an ACK",
		    "open, and the stray ACK drew no RST but icmp-admin, 2 probings agree");
	a.is_mute.bits = MEASURE_ASKED_STRAY; /* the first one was lost: the SYNs agree on more */
	a.is_mute.stray_tries = 1;
	evidence_is(&a, &a.listen_rst, &a.is_mute, "open, icmp-admin to an ACK",
		    "open, and the stray ACK drew no RST but icmp-admin, in one of 2 probings");
	a.is_mute.stray = REACTION_NONE;
	a.is_mute.stray_probings = 1;
	evidence_is(&a, &a.listen_rst, &a.is_mute, "open, no RST to an ACK",
		    "open, and the stray ACK drew no RST, 1 try");
	a.is_mute.stray = REACTION_ICMP_ADMIN;
	a.is_mute.bits |= MEASURE_STRAY_DIFFERS;
	evidence_is(&a, &a.listen_rst, &a.is_mute, "open, ACK answered in two ways",
		    "open, and the stray ACK first drew icmp-admin, then another answer");
	evidence_is(&a, &a.listen_rst, &a.is_closed, "closed", "SYN drew RST-ACK (TTL 64, 52 us)");
	a.is_mute.bits |= MEASURE_CONFIRMED;
	evidence_is(&a, &a.open, &a.is_mute, "open",
		    "SYN drew SYN-ACK (TTL 61, 0.4 ms), 2 probings agree");
}

static void test_each_style_has_words(void **state)
{
	struct audited a;

	(void)state;
	for (int s = STYLE_UNKNOWN; s <= STYLE_MIXED; s++) {
		char want[64];
		char *text;

		audited_init(&a);
		audited_add(&a, &a.style_rst, NULL, CHECK_FAILED)->style = (enum reset_style)s;
		text = audited_write(&a, report_tap_new, true);
		snprintf(want, sizeof(want), "is style %s\"", style_name((enum reset_style)s));
		assert_non_null(strstr(text, want));
		assert_null(strstr(text, "evidence: \"\""));
		free(text);
	}
}

/* --- TAP ---------------------------------------------------------------------------------- */

static void test_tap(void **state)
{
	struct audited a;

	(void)state;
	audited_pick(&a, (const size_t[]){1, 2, 8}, 3);
	/* clang-format off */
	audited_is(&a, report_tap_new, true,
		"TAP version 13\n"
		"not ok 1 - web: web1 (192.0.2.7) port 22 closed or blocked\n"
		"  ---\n"
		"  message: \"expected closed or blocked, is open\"\n"
		"  result: \"failed\"\n"
		"  severity: \"critical\"\n"
		"  expected: \"closed or blocked\"\n"
		"  actual: \"open\"\n"
		"  evidence: \"SYN drew SYN-ACK (TTL 61, 0.4 ms), 2 probings agree\"\n"
		"  policy: \"web.policy:2\"\n"
		"  owner: \"ops\"\n"
		"  ...\n"
		"ok 2 - web: 192.0.2.8 port 22 closed or blocked\n"
		"not ok 3 - db: db2.example.org port 22 open\n"
		"  ---\n"
		"  message: \"expected open, could not be measured\"\n"
		"  result: \"indeterminate\"\n"
		"  severity: \"warning\"\n"
		"  expected: \"open\"\n"
		"  actual: \"not measured\"\n"
		"  evidence: \"no address for the name\"\n"
		"  policy: \"db.policy:9\"\n"
		"  ...\n"
		"1..3\n");
	/* clang-format on */
}

static void test_tap_escapes_what_would_be_a_directive(void **state)
{
	struct audited a;
	struct check_record *c;

	(void)state;
	audited_init(&a);
	c = audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED);
	c->group = "a # SKIP";
	c->name = "b\\c\n1..0\xff";
	c->note = "\"q\"\n  ...\nok 2";
	/* clang-format off */
	audited_is(&a, report_tap_new, true,
		"TAP version 13\n"
		"not ok 1 - a \\# SKIP: b\\\\c\xef\xbf\xbd""1..0\xef\xbf\xbd (192.0.2.7) port 22 "
		"open\n"
		"  ---\n"
		"  message: \"expected open, is closed\"\n"
		"  result: \"failed\"\n"
		"  severity: \"warning\"\n"
		"  expected: \"open\"\n"
		"  actual: \"closed\"\n"
		"  evidence: \"SYN drew RST-ACK (TTL 64, 52 us)\"\n"
		"  policy: \"web.policy:1\"\n"
		"  note: \"\\\"q\\\"\\n  ...\\nok 2\"\n"
		"  ...\n"
		"1..1\n");
	/* clang-format on */
}

static void test_tap_has_no_plan_where_it_is_incomplete(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_add(&a, &a.closed, &a.is_closed, CHECK_PASSED);
	audited_is(&a, report_tap_new, false,
		   "TAP version 13\nok 1 - web: 192.0.2.7 port 22 closed or blocked\n"
		   "Bail out! incomplete: the run ended early\n");
	a.n = 0;
	a.sum.complete = false;
	snprintf(a.sum.why, sizeof(a.sum.why), "interrupted");
	audited_is(&a, report_tap_new, true, "TAP version 13\nBail out! incomplete: interrupted\n");
	a.sum.complete = true;
	audited_is(&a, report_tap_new, true,
		   "TAP version 13\n1..0 # SKIP no line of the policy is in force\n");
}

/* --- JSON --------------------------------------------------------------------------------- */

/* All but the first line, which is the run's. */
static void json_is(struct audited *a, bool summed, const char *want)
{
	char *text = audited_write(a, report_json_new, summed);
	const char *got = strchr(text, '\n') + 1;

	if (strcmp(got, want) != 0)
		fprintf(stderr, "got:\n%s\nwant:\n%s\n", got, want);
	assert_true(strcmp(got, want) == 0);
	free(text);
}

static void test_json(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_fill(&a);
	/* clang-format off */
	json_is(&a, false,
		"{\"type\":\"check\",\"policy\":\"web.policy\",\"line\":1,\"group\":\"web\",\"addr\":"
		"\"192.0.2.9\",\"port\":22,\"expect\":[\"open\"],\"state\":\"rejected\",\"reason\":\""
		"icmp-admin-prohibited\",\"ok\":false,\"result\":\"failed\",\"severity\":\"warning\","
		"\"rtt_us\":900,\"ttl\":64,\"tries\":1,\"probings\":2,\"confirmed\":true,\"from\":\"1"
		"92.0.2.1\",\"icmp_type\":3,\"icmp_code\":13,\"evidence\":\"ICMP admin-prohibited "
		"(3/13) from 192.0.2.1, 2 probings agree\"}\n"
		"{\"type\":\"check\",\"policy\":\"web.policy\",\"line\":2,\"group\":\"web\",\"addr\":"
		"\"192.0.2.7\",\"name\":\"web1\",\"port\":22,\"expect\":[\"closed\",\"blocked\"],\"st"
		"ate\":\"open\",\"reason\":\"syn-ack\",\"ok\":false,\"result\":\"failed\",\"severity"
		"\":\"critical\",\"owner\":\"ops\",\"rtt_us\":412,\"ttl\":61,\"tries\":1,\"probings\""
		":2,\"confirmed\":true,\"from\":\"192.0.2.7\",\"evidence\":\"SYN drew SYN-ACK (TTL "
		"61, 0.4 ms), 2 probings agree\"}\n"
		"{\"type\":\"check\",\"policy\":\"web.policy\",\"line\":3,\"group\":\"web\",\"addr\":"
		"\"192.0.2.8\",\"port\":22,\"expect\":[\"closed\",\"blocked\"],\"state\":\"closed\","
		"\"reason\":\"rst-ack\",\"ok\":true,\"result\":\"passed\",\"severity\":\"warning\",\""
		"rtt_us\":52,\"ttl\":64,\"tries\":1,\"probings\":1,\"confirmed\":false,\"from\":\"192"
		".0.2.8\",\"evidence\":\"SYN drew RST-ACK (TTL 64, 52 us)\"}\n"
		"{\"type\":\"check\",\"policy\":\"web.policy\",\"line\":4,\"group\":\"web\",\"addr\":"
		"\"192.0.2.7\",\"port\":80,\"expect\":[\"open\"],\"within_ms\":200,\"state\":\"open\""
		",\"reason\":\"syn-ack\",\"ok\":false,\"result\":\"failed\",\"severity\":\"warning\","
		"\"note\":\"shop, #1\",\"until\":\"2024-10-13\",\"rtt_us\":312400,\"ttl\":61,\"tries"
		"\":1,\"probings\":2,\"confirmed\":true,\"from\":\"192.0.2.7\",\"evidence\":\"SYN-ACK"
		" after 312 ms, later than 200 ms, 2 probings agree\"}\n"
		"{\"type\":\"check\",\"policy\":\"web.policy\",\"line\":5,\"group\":\"web\",\"addr\":"
		"\"192.0.2.7\",\"port\":22,\"expect\":[\"listen-rst\"],\"state\":\"open\",\"reason\":"
		"\"syn-ack\",\"stray\":\"none\",\"ok\":false,\"result\":\"failed\",\"severity\":\"inf"
		"o\",\"rtt_us\":412,\"ttl\":61,\"tries\":3,\"probings\":2,\"confirmed\":true,\"from\""
		":\"192.0.2.7\",\"evidence\":\"open, and the stray ACK drew no RST, 3 tries, 2 probings agree\"}\n"
		"{\"type\":\"check\",\"policy\":\"web.policy\",\"line\":6,\"group\":\"web\",\"addr\":"
		"\"192.0.2.7\",\"expect\":[\"rst\"],\"state\":null,\"style\":\"silent\",\"ok\":false,"
		"\"result\":\"failed\",\"severity\":\"warning\",\"evidence\":\"closed ports keep "
		"silent, though the host itself sent a RST elsewhere\"}\n"
		"{\"type\":\"check\",\"policy\":\"web.policy\",\"line\":7,\"group\":\"web\",\"addr\":"
		"\"192.0.2.7\",\"count\":120,\"ports\":\"20-25,80,1000-1112\",\"expect\":[\"not-open"
		"\"],\"state\":\"open\",\"reason\":\"syn-ack\",\"ok\":false,\"result\":\"failed\",\"s"
		"everity\":\"warning\",\"tries\":1,\"probings\":2,\"confirmed\":true,\"from\":\"192.0"
		".2.7\",\"evidence\":\"SYN drew SYN-ACK, 2 probings agree\"}\n"
		"{\"type\":\"check\",\"policy\":\"db.policy\",\"line\":8,\"group\":\"db\",\"addr\":\""
		"192.0.2.7\",\"port\":22,\"expect\":[\"open\"],\"state\":\"open\",\"other\":\"closed"
		"\",\"reason\":\"syn-ack\",\"ok\":null,\"result\":\"indeterminate\",\"severity\":\"wa"
		"rning\",\"rtt_us\":412,\"ttl\":61,\"tries\":1,\"probings\":2,\"confirmed\":false,\"f"
		"rom\":\"192.0.2.7\",\"evidence\":\"first SYN-ACK, then RST: not the same twice\"}\n"
		"{\"type\":\"check\",\"policy\":\"db.policy\",\"line\":9,\"group\":\"db\",\"addr\":nu"
		"ll,\"name\":\"db2.example.org\",\"port\":22,\"expect\":[\"open\"],\"state\":null,\"r"
		"eason\":\"no address for the name\",\"ok\":null,\"result\":\"indeterminate\",\"sever"
		"ity\":\"warning\",\"evidence\":\"no address for the name\"}\n");
	/* clang-format on */
}

static void test_json_counts_in_its_summary(void **state)
{
	struct audited a;
	json_object *o;
	char *text;

	(void)state;
	audited_init(&a);
	audited_fill(&a);
	a.counts.expired = 2;
	text = audited_write(&a, report_json_new, true);
	o = json_tokener_parse(strstr(text, "{\"type\":\"summary\""));
	assert_non_null(o);
	text[0] = '\0';
	json_object_object_foreach(o, key, v)
	{
		static const char *const keys[] = {
		    "checks",	      "passed",	     "failed", "indeterminate", "failed_critical",
		    "failed_warning", "failed_info", "lines",  "lines_ended"};
		static const int want[] = {128, 1, 125, 2, 1, 123, 1, 9, 2};

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strcmp(key, keys[i]) == 0) {
				assert_int_equal(json_object_get_int(v), want[i]);
				text[0]++;
			}
	}
	assert_int_equal(text[0], 9);
	json_object_put(o);
	free(text);
}

static void test_json_takes_any_name(void **state)
{
	struct audited a;
	struct check_record *c;
	json_object *o, *v;
	char *text;

	(void)state;
	audited_init(&a);
	c = audited_add(&a, &a.open, &a.is_closed, CHECK_FAILED);
	c->policy = c->group = c->name = c->owner = c->note = BOTH_NAMES;
	text = audited_write(&a, report_json_new, false);
	o = json_tokener_parse(strchr(text, '\n') + 1);
	assert_true(json_object_object_get_ex(o, "note", &v));
	assert_string_equal(json_object_get_string(v), "a#b\\c\n\033[31m\xef\xbf\xbd\"");
	json_object_put(o);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text_tells_failures_first),
	    cmocka_unit_test(test_text_is_as_wide_as_it_may),
	    cmocka_unit_test(test_text_says_the_same_once),
	    cmocka_unit_test(test_text_where_all_holds),
	    cmocka_unit_test(test_text_calls_nothing_good_that_is_incomplete),
	    cmocka_unit_test(test_text_lists_what_is_undecided_to_an_end),
	    cmocka_unit_test(test_text_says_of_many_ports_what_is_the_same),
	    cmocka_unit_test(test_text_that_ends_early),
	    cmocka_unit_test(test_text_in_colour),
	    cmocka_unit_test(test_text_says_which_lines_end_soon),
	    cmocka_unit_test(test_text_keeps_foreign_names_in_their_place),
	    cmocka_unit_test(test_evidence_of_answers),
	    cmocka_unit_test(test_evidence_of_silence),
	    cmocka_unit_test(test_evidence_of_two_answers),
	    cmocka_unit_test(test_evidence_of_what_is_late),
	    cmocka_unit_test(test_evidence_of_stray_segments),
	    cmocka_unit_test(test_each_style_has_words),
	    cmocka_unit_test(test_tap),
	    cmocka_unit_test(test_tap_escapes_what_would_be_a_directive),
	    cmocka_unit_test(test_tap_has_no_plan_where_it_is_incomplete),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_counts_in_its_summary),
	    cmocka_unit_test(test_json_takes_any_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
