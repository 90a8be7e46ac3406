/*
 * test_report_csv: tables of scan and audit, whole: a header even where nothing follows, a row a
 * port, quotes where they must be, no formula out of a name, and the rows of a run that is resumed.
 */
#include "audited.h"

#define SCAN "addr,name,port,proto,state,reason,origin,rtt_us,ttl,tries,from\n"
#define AUDIT                                                                                      \
	"policy,line,group,addr,name,port,expect,state,result,severity,owner,note,rtt_us,"         \
	"evidence\n"

struct table {
	struct run_info run;
	struct report_style style;
	struct paper paper;
	struct addr addr;
	struct host_record host;
	struct reply reply;
	struct verdict verdict;
	struct port_record port;
};

static void table_open(struct table *t)
{
	t->run.command = "scan";
	t->addr = addr_v4(192, 0, 2, 7);
	t->host = (struct host_record){.addr = &t->addr, .name = "web1", .up = true};
	t->reply = (struct reply){.rtt_us = 412, .ttl = 61};
	t->verdict = (struct verdict){.state = STATE_OPEN,
				      .reason = "syn-ack",
				      .origin = ORIGIN_ENDPOINT,
				      .decider = &t->reply};
	t->port = (struct port_record){.addr = &t->addr,
				       .name = "web1",
				       .port = 22,
				       .verdict = &t->verdict,
				       .from = &t->addr,
				       .tries = 1};
	paper_open(&t->paper, report_csv_new, &t->run, &t->style);
}

static void tell_host(struct table *t)
{
	const struct record_sink *s = &t->paper.report->sink;

	s->host_begin(s->ctx, &t->host);
	s->port(s->ctx, &t->host, &t->port);
	t->port.port++;
	t->reply.rtt_us = UINT32_MAX;
	s->port(s->ctx, &t->host, &t->port);
	t->port.port++;
	t->verdict = (struct verdict){.state = STATE_FILTERED, .reason = "no-response"};
	t->port.from = NULL;
	t->port.tries = 3;
	s->port(s->ctx, &t->host, &t->port);
	s->host_end(s->ctx, &t->host);
}

static void table_is(struct table *t, const char *want)
{
	paper_end(&t->paper);
	if (strcmp(t->paper.text, want) != 0)
		fail_msg("got:\n%s\nwant:\n%s", t->paper.text, want);
	free(t->paper.text);
}

static void carry(struct table *t, const char *line)
{
	t->paper.report->carry(t->paper.report, line, strlen(line));
}

/* --- scan --------------------------------------------------------------------------------- */

static void test_scan(void **state)
{
	struct table t = {0};

	(void)state;
	table_open(&t);
	tell_host(&t);
	table_is(&t, SCAN "192.0.2.7,web1,22,tcp,open,syn-ack,endpoint,412,61,1,192.0.2.7\n"
			  "192.0.2.7,web1,23,tcp,open,syn-ack,endpoint,,61,1,192.0.2.7\n"
			  "192.0.2.7,web1,24,tcp,filtered,no-response,unknown,,,3,\n");
}

static void test_scan_of_nothing_has_a_header(void **state)
{
	struct table t = {0};

	(void)state;
	table_open(&t);
	table_is(&t, SCAN);
}

/* A state of many ports is grouped by others, never here. */
static void test_scan_groups_nothing(void **state)
{
	struct table t = {0};

	(void)state;
	table_open(&t);
	t.host.counts[STATE_OPEN] = 5000;
	tell_host(&t);
	paper_end(&t.paper);
	assert_non_null(strstr(t.paper.text, ",23,tcp,open,"));
	free(t.paper.text);
}

static void test_scan_shows_what_was_asked_for(void **state)
{
	struct table t = {.style = {.show_given = true, .show = 1U << STATE_FILTERED}};

	(void)state;
	table_open(&t);
	tell_host(&t);
	table_is(&t, SCAN "192.0.2.7,web1,24,tcp,filtered,no-response,unknown,,,3,\n");
}

static void test_scan_of_an_unreachable_host(void **state)
{
	struct table t = {0};

	(void)state;
	table_open(&t);
	t.host.up = false;
	t.host.unreachable = true;
	t.host.down_reason = "host-unreachable";
	t.host.counts[STATE_REJECTED] = 3;
	tell_host(&t);
	table_is(&t, SCAN "192.0.2.7,web1,,tcp,rejected,host-unreachable,,,,,192.0.2.7\n");
}

/* A formula begins like this; a quote mark before it keeps it a text. */
static void test_scan_makes_no_formula_of_a_name(void **state)
{
	static const char *const names[] = {"=1+1", "+x", "-x", "@x", "\tx", "a=b"};
	struct table t = {0};
	const struct record_sink *s;

	(void)state;
	table_open(&t);
	s = &t.paper.report->sink;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		t.port.name = names[i];
		s->port(s->ctx, &t.host, &t.port);
	}
	t.port.name = "=\"a\",\xff\n";
	s->port(s->ctx, &t.host, &t.port);
#define REST ",22,tcp,open,syn-ack,endpoint,412,61,1,192.0.2.7\n"
	table_is(&t, SCAN "192.0.2.7,'=1+1" REST "192.0.2.7,'+x" REST "192.0.2.7,'-x" REST
			  "192.0.2.7,'@x" REST "192.0.2.7,'\tx" REST "192.0.2.7,a=b" REST
			  "192.0.2.7,\"'=\"\"a\"\",\xef\xbf\xbd\n\"" REST);
}

/* --- what is carried ---------------------------------------------------------------------- */

static void test_carried_rows(void **state)
{
	struct table t = {0};

	(void)state;
	table_open(&t);
	carry(&t, "{\"type\":\"port\",\"addr\":\"192.0.2.9\",\"name\":\"=x\",\"port\":80,\"proto\":"
		  "\"tcp\",\"state\":\"open\",\"reason\":\"syn-ack\",\"origin\":\"endpoint\","
		  "\"probes\":{\"syn\":\"syn-ack\"},\"tries\":2,\"rtt_us\":412,\"ttl\":64,\"from\":"
		  "\"192.0.2.9\",\"clues\":[]}\n");
	carry(&t, "{\"type\":\"ports\",\"addr\":\"192.0.2.9\",\"state\":\"closed\",\"reason\":"
		  "\"rst-ack\",\"count\":4,\"ports\":\"1-3,65535\"}\n");
	carry(&t, "{\"type\":\"host\",\"addr\":\"192.0.2.9\",\"up\":true}");
	carry(&t, "\n");
	carry(&t, "{\"type\":\"window\",\"first\":0,\"last\":9}\n");
	tell_host(&t);
	table_is(&t, SCAN "192.0.2.9,'=x,80,tcp,open,syn-ack,endpoint,412,64,2,192.0.2.9\n"
			  "192.0.2.9,,1,tcp,closed,rst-ack,,,,,\n"
			  "192.0.2.9,,2,tcp,closed,rst-ack,,,,,\n"
			  "192.0.2.9,,3,tcp,closed,rst-ack,,,,,\n"
			  "192.0.2.9,,65535,tcp,closed,rst-ack,,,,,\n"
			  "192.0.2.7,web1,22,tcp,open,syn-ack,endpoint,412,61,1,192.0.2.7\n"
			  "192.0.2.7,web1,23,tcp,open,syn-ack,endpoint,,61,1,192.0.2.7\n"
			  "192.0.2.7,web1,24,tcp,filtered,no-response,unknown,,,3,\n");
}

#define GROUP(addr, state, reason, count, ports)                                                   \
	"{\"type\":\"ports\",\"addr\":\"" addr "\",\"state\":\"" state "\",\"reason\":\"" reason   \
	"\",\"count\":" count ",\"ports\":\"" ports "\",\"from\":\"192.0.2.1\"}\n"

/* Told after its ports, as JSON does, and then they are one row. */
static void test_carried_host_that_is_unreachable(void **state)
{
	struct table t = {0};

	(void)state;
	table_open(&t);
	carry(&t, GROUP("192.0.2.8", "filtered", "no-response", "1", "9"));
	carry(&t, GROUP("192.0.2.9", "filtered", "no-response", "1", "9"));
	carry(&t, GROUP("192.0.2.9", "rejected", "host-unreachable", "3", "1-3"));
	carry(&t, "{\"type\":\"host\",\"addr\":\"192.0.2.9\",\"up\":false,\"reason\":"
		  "\"host-unreachable\"}\n");
	carry(&t, GROUP("192.0.2.10", "rejected", "host-unreachable", "1", "5"));
	carry(&t, "{\"type\":\"host\",\"addr\":\"192.0.2.10\",\"up\":true}\n");
	carry(&t, GROUP("192.0.2.11", "rejected", "host-unreachable", "1", "6"));
	table_is(&t, SCAN "192.0.2.8,,9,tcp,filtered,no-response,,,,,192.0.2.1\n"
			  "192.0.2.9,,,tcp,rejected,host-unreachable,,,,,192.0.2.1\n"
			  "192.0.2.10,,5,tcp,rejected,host-unreachable,,,,,192.0.2.1\n"
			  "192.0.2.11,,6,tcp,rejected,host-unreachable,,,,,192.0.2.1\n");
}

static void test_carried_lines_that_make_no_sense(void **state)
{
	static const char *const lines[] = {
	    "",
	    "{",
	    "[]\n",
	    "{\"type\":null}\n",
	    "{\"type\":\"ports\"}\n",
	    "{\"type\":\"ports\",\"ports\":\"70000\"}\n",
	    "{\"type\":\"ports\",\"ports\":\"5-\"}\n",
	    "{\"type\":\"ports\",\"ports\":\"9-8,x\"}\n",
	    "{\"type\":\"ports\",\"ports\":\"99999999999999999999\"}\n",
	    "{\"type\":\"host\"}\n",
	};
	struct table t = {0};

	(void)state;
	table_open(&t);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		carry(&t, lines[i]);
	table_is(&t, SCAN);
}

/* --- audit -------------------------------------------------------------------------------- */

static void test_audit(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_fill(&a);
	a.v[6].n_spans = 2;
	/* clang-format off */
	audited_is(&a, report_csv_new, true, AUDIT
		"web.policy,1,web,192.0.2.9,,22,open,rejected,failed,warning,,,900,\"ICMP "
		"admin-prohibited (3/13) from 192.0.2.1, 2 probings agree\"\n"
		"web.policy,2,web,192.0.2.7,web1,22,closed or "
		"blocked,open,failed,critical,ops,,412,\"SYN drew SYN-ACK (TTL 61, 0.4 ms), 2 "
		"probings agree\"\n"
		"web.policy,3,web,192.0.2.8,,22,closed or blocked,closed,passed,warning,,,52,\"SYN "
		"drew RST-ACK (TTL 64, 52 us)\"\n"
		"web.policy,4,web,192.0.2.7,,80,open within 200ms,open,failed,warning,,\"shop, "
		"#1\",312400,\"SYN-ACK after 312 ms, later than 200 ms, 2 probings agree\"\n"
		"web.policy,5,web,192.0.2.7,,22,listen-rst,open,failed,info,,,412,\"open, and the "
		"stray ACK drew no RST, 3 tries, 2 probings agree\"\n"
		"web.policy,6,web,192.0.2.7,,,style rst,silent,failed,warning,,,,\"closed ports keep "
		"silent, though the host itself sent a RST elsewhere\"\n"
		"web.policy,7,web,192.0.2.7,,20,not-open,open,failed,warning,,,,\"SYN drew SYN-ACK, "
		"2 probings agree\"\n"
		"web.policy,7,web,192.0.2.7,,21,not-open,open,failed,warning,,,,\"SYN drew SYN-ACK, "
		"2 probings agree\"\n"
		"web.policy,7,web,192.0.2.7,,22,not-open,open,failed,warning,,,,\"SYN drew SYN-ACK, "
		"2 probings agree\"\n"
		"web.policy,7,web,192.0.2.7,,23,not-open,open,failed,warning,,,,\"SYN drew SYN-ACK, "
		"2 probings agree\"\n"
		"web.policy,7,web,192.0.2.7,,24,not-open,open,failed,warning,,,,\"SYN drew SYN-ACK, "
		"2 probings agree\"\n"
		"web.policy,7,web,192.0.2.7,,25,not-open,open,failed,warning,,,,\"SYN drew SYN-ACK, "
		"2 probings agree\"\n"
		"web.policy,7,web,192.0.2.7,,80,not-open,open,failed,warning,,,,\"SYN drew SYN-ACK, "
		"2 probings agree\"\n"
		"db.policy,8,db,192.0.2.7,,22,open,open,indeterminate,warning,,,412,\"first SYN-ACK, "
		"then RST: not the same twice\"\n"
		"db.policy,9,db,,db2.example.org,22,open,,indeterminate,warning,,,,no address for "
		"the name\n");
	/* clang-format on */
}

static void test_audit_of_nothing_has_a_header(void **state)
{
	struct audited a;

	(void)state;
	audited_init(&a);
	audited_is(&a, report_csv_new, false, AUDIT);
}

static void test_audit_makes_no_formula_of_a_note(void **state)
{
	struct audited a;
	struct check_record *c;

	(void)state;
	audited_init(&a);
	c = audited_add(&a, &a.open, &a.is_silent, CHECK_FAILED);
	c->policy = "-p";
	c->group = "+g";
	c->owner = "@o";
	c->note = "=cmd|' /C calc'!A0, \"x\"";
	audited_is(&a, report_csv_new, true,
		   AUDIT "'-p,1,'+g,192.0.2.7,,22,open,filtered,failed,warning,'@o,"
			 "\"'=cmd|' /C calc'!A0, \"\"x\"\"\",,"
			 "no answer to 3 tries in each of 2 probings\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scan),
	    cmocka_unit_test(test_scan_of_nothing_has_a_header),
	    cmocka_unit_test(test_scan_groups_nothing),
	    cmocka_unit_test(test_scan_shows_what_was_asked_for),
	    cmocka_unit_test(test_scan_of_an_unreachable_host),
	    cmocka_unit_test(test_scan_makes_no_formula_of_a_name),
	    cmocka_unit_test(test_carried_rows),
	    cmocka_unit_test(test_carried_host_that_is_unreachable),
	    cmocka_unit_test(test_carried_lines_that_make_no_sense),
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_audit_of_nothing_has_a_header),
	    cmocka_unit_test(test_audit_makes_no_formula_of_a_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
