/*
 * test_report_xml: nmap's XML where records come in pieces: windows, corrections, an earlier run;
 * what is listed and what is counted; states that nmap has no word for. Read back by libxml2.
 */
#include "unit.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "paper.h"
#include "report/host.h"
#include "report/portset.h"

static const char *const argv[] = {"/usr/bin/rstprobe", "scan", "a b", "<&\"\x01\xff", NULL};

struct doc {
	struct paper paper;
	struct run_info run;
	struct report_style style;
	const char *down; /* why hosts are down, from now on */
	xmlDocPtr doc;
	xmlXPathContextPtr at;
};

static void doc_begin(struct doc *d)
{
	memset(d, 0, sizeof(*d));
	d->run = (struct run_info){.command = "scan",
				   .version = "1",
				   .argv = (char *const *)(uintptr_t)argv,
				   .started_wall_ns = 1795176000000000000U,
				   .hosts = 2,
				   .ports = "1-9",
				   .n_ports = 9};
	d->down = "silent";
	d->style.show = (1U << PORT_STATES) - 1;
	paper_open(&d->paper, report_xml_new, &d->run, &d->style);
}

static void doc_end(struct doc *d)
{
	paper_end(&d->paper);
	d->doc = xmlReadMemory(d->paper.text, (int)d->paper.len, NULL, NULL, XML_PARSE_NONET);
	assert_non_null(d->doc);
	d->at = xmlXPathNewContext(d->doc);
}

static void doc_free(struct doc *d)
{
	xmlXPathFreeContext(d->at);
	xmlFreeDoc(d->doc);
	free(d->paper.text);
}

static void is(const struct doc *d, const char *path, const char *wanted)
{
	xmlXPathObjectPtr o = xmlXPathEvalExpression((const xmlChar *)path, d->at);
	xmlChar *text = xmlXPathCastToString(o);

	assert_string_equal((const char *)text, wanted);
	xmlFree(text);
	xmlXPathFreeObject(o);
}

/* One piece of the host 192.0.2.`last`: ports first to last of one state. */
static void piece(struct doc *d, uint8_t last, uint16_t from, uint16_t to, enum port_state state,
		  const char *reason, uint8_t ttl)
{
	const struct record_sink *sink = &d->paper.report->sink;
	struct addr addr = addr_v4(192, 0, 2, last);
	struct reply reply = {.ttl = ttl};
	struct verdict v = {.state = state, .reason = reason, .decider = ttl ? &reply : NULL};
	struct host_record h = {.addr = &addr, .up = ttl, .down_reason = ttl ? NULL : d->down};
	struct port_record p = {.addr = &addr, .verdict = &v, .from = ttl ? &addr : NULL};

	h.counts[state] = (uint32_t)(to - from + 1);
	sink->host_begin(sink->ctx, &h);
	for (uint32_t port = from; port <= to; port++) {
		p.port = (uint16_t)port;
		sink->port(sink->ctx, &h, &p);
	}
	sink->host_end(sink->ctx, &h);
}

static void carry(struct doc *d, const char *line)
{
	d->paper.report->carry(d->paper.report, line, strlen(line));
}

static void told(struct doc *d, bool complete)
{
	const struct record_sink *sink = &d->paper.report->sink;
	const struct summary_record s = {
	    .complete = complete, .hosts_total = 2, .hosts_up = 1, .elapsed_s = 2, .why = ""};

	sink->summary(sink->ctx, &s);
}

/* --- pieces ----------------------------------------------------------------------------------- */

static void host_of_two_windows_stands_there_once(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	piece(&d, 7, 5, 6, STATE_CLOSED, "rst-ack", 64);
	piece(&d, 1, 5, 5, STATE_FILTERED, "no-response", 0);
	piece(&d, 7, 2, 3, STATE_OPEN, "syn-ack", 63);
	told(&d, true);
	doc_end(&d);
	is(&d, "count(//host)", "2");
	is(&d, "//host[1]/address/@addr", "192.0.2.1"); /* by address */
	is(&d, "//host[1]/status/@state", "down");
	is(&d, "count(//host[2]//port)", "4");
	is(&d, "//host[2]//port[1]/@portid", "2");
	is(&d, "//host[2]//port[1]/state/@reason_ttl", "63");
	is(&d, "//host[2]/status/@reason", "rst-ack");
	doc_free(&d);
}

/* What is left of ICMP errors that are limited differs from scan to scan. */
static void host_that_is_called_unreachable_has_no_ports(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	d.down = "host-unreachable";
	piece(&d, 1, 5, 6, STATE_REJECTED, "host-unreachable", 0);
	piece(&d, 1, 7, 9, STATE_NOT_PROBED, "host-unreachable", 0);
	d.down = "no-response";
	piece(&d, 2, 5, 6, STATE_FILTERED, "no-response", 0);
	told(&d, true);
	doc_end(&d);
	is(&d, "//host[1]/status/@state", "down");
	is(&d, "//host[1]/status/@reason", "host-unreachable");
	is(&d, "count(//host[1]/ports)", "0");
	is(&d, "//host[2]/status/@state", "down");
	is(&d, "count(//host[2]//port)", "2");
	doc_free(&d);
}

static void later_record_corrects_an_earlier_one(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	piece(&d, 7, 1, 9000, STATE_FILTERED, "no-response", 0);
	piece(&d, 7, 22, 22, STATE_OPEN, "syn-ack", 64);
	piece(&d, 7, 23, 23, STATE_CLOSED, "rst-ack", 64);
	piece(&d, 7, 23, 23, STATE_OPEN, "syn-ack", 64);
	told(&d, true);
	doc_end(&d);
	is(&d, "count(//host)", "1");
	is(&d, "//status/@state", "up");
	is(&d, "count(//extraports)", "1");
	is(&d, "//extraports/@count", "8998");
	is(&d, "//extrareasons/@ports", "1-21,24-9000");
	is(&d, "count(//port)", "2");
	is(&d, "count(//port/state[@state='open'])", "2");
	doc_free(&d);
}

static void earlier_run_is_carried(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	carry(&d, "{\"type\":\"ports\",\"addr\":\"192.0.2.7\",\"state\":\"closed\",\"reason\":"
		  "\"rst-ack\",\"count\":3,\"ports\":\"1-2,9\"}\n");
	carry(&d, "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"name\":\"web\",\"port\":80,"
		  "\"state\":\"rejected\",\"reason\":\"icmp-port\",\"ttl\":9,\"from\":"
		  "\"192.0.2.9\"}\n");
	carry(&d, "{\"type\":\"host\",\"addr\":\"192.0.2.7\",\"up\":true}\n");
	carry(&d, "{\"type\":\"host\",\"addr\":\"fe80::1%veth0\",\"up\":false,\"reason\":\"x\"}");
	carry(&d, "\n");
	piece(&d, 7, 9, 10, STATE_OPEN, "syn-ack", 64);
	told(&d, true);
	doc_end(&d);
	is(&d, "count(//host)", "2");
	is(&d, "count(//host[1]//port)", "5");
	is(&d, "//port[@portid='9']/state/@state", "open");
	is(&d, "//port[@portid='80']/state/@state", "filtered");
	is(&d, "//port[@portid='80']/state/@reason", "icmp-port");
	is(&d, "//port[@portid='80']/state/@reason_ip", "192.0.2.9");
	is(&d, "//hostname/@name", "web");
	is(&d, "//host[1]/status/@state", "up");
	is(&d, "//host[2]/address/@addr", "fe80::1%veth0");
	is(&d, "//host[2]/address/@addrtype", "ipv6");
	doc_free(&d);
}

/* What is no record of ours is passed over, and breaks nothing. */
static void damaged_lines_are_passed_over(void **state)
{
	static const char *const lines[] = {
	    "",
	    "{",
	    "[]",
	    "7",
	    "{\"type\":7}",
	    "{\"type\":\"port\"}",
	    "{\"type\":\"host\"}",
	    "{\"type\":\"port\",\"addr\":\"x\",\"port\":1}",
	    "{\"type\":\"port\",\"addr\":\"1.2.3.4\",\"port\":70000,\"state\":\"open\",\"reason\":"
	    "\"r\"}",
	    "{\"type\":\"port\",\"addr\":\"1.2.3.4\",\"port\":7,\"state\":\"ajar\",\"reason\":"
	    "\"r\"}",
	    "{\"type\":\"ports\",\"addr\":\"1.2.3.4\",\"state\":\"open\",\"reason\":\"r\","
	    "\"ports\":"
	    "\"9-3\"}",
	    "{\"type\":\"ports\",\"addr\":\"1.2.3.4\",\"state\":\"open\",\"reason\":\"r\","
	    "\"ports\":"
	    "\"-,x\"}",
	    "{\"type\":\"ports\",\"addr\":\"1.2.3.4\",\"state\":\"open\",\"reason\":\"r\","
	    "\"ports\":"
	    "\"1-99999999999999999999\"}",
	};
	struct doc d;

	(void)state;
	doc_begin(&d);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		carry(&d, lines[i]);
	told(&d, true);
	doc_end(&d);
	is(&d, "count(//port)", "0");
	is(&d, "count(//extraports)", "0");
	doc_free(&d);
}

/* --- words ------------------------------------------------------------------------------------ */

static void many_are_counted_but_open_ones_listed(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	piece(&d, 7, 1, RECORD_LIST_MAX + 1, STATE_OPEN, "syn-ack", 64);
	piece(&d, 7, 1001, 1000 + RECORD_LIST_MAX / 2, STATE_FILTERED, "no-response", 0);
	piece(&d, 7, 2001, 2001 + RECORD_LIST_MAX / 2, STATE_REJECTED, "icmp-admin", 64);
	piece(&d, 7, 3001, 3000 + RECORD_LIST_MAX, STATE_CLOSED, "rst-ack", 64);
	told(&d, true);
	doc_end(&d);
	is(&d, "count(//port/state[@state='open'])", "101");
	is(&d, "count(//port/state[@state='closed'])", "100");
	is(&d, "count(//port)", "201");
	/* two of our states that are one of nmap's */
	is(&d, "count(//extraports)", "1");
	is(&d, "//extraports/@state", "filtered");
	is(&d, "//extraports/@count", "101");
	is(&d, "//extrareasons[@reason='icmp-admin']/@ports", "2001-2051");
	doc_free(&d);
}

static void what_nmap_has_no_word_for_is_not_called_open(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	piece(&d, 7, 1, 1, STATE_SUSPECT, "syn-ack", 64);
	piece(&d, 7, 2, 2, STATE_INCONSISTENT, "contradiction", 64);
	piece(&d, 7, 3, 3, STATE_NOT_PROBED, "not-probed", 0);
	piece(&d, 7, 4, 4, STATE_OPEN_FILTERED, "no-response", 0);
	told(&d, true);
	doc_end(&d);
	is(&d, "//port[1]/state/@state", "open|filtered");
	is(&d, "//port[1]/state/@reason", "suspect:syn-ack");
	is(&d, "//port[2]/state/@state", "unknown");
	is(&d, "//port[2]/state/@reason", "inconsistent:contradiction");
	is(&d, "//port[3]/state/@reason", "not-probed");
	is(&d, "//port[4]/state/@state", "open|filtered");
	is(&d, "//port[4]/state/@reason", "no-response");
	doc_free(&d);
}

static void run_is_described(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	told(&d, true);
	doc_end(&d);
	is(&d, "/nmaprun/@scanner", "nmap");
	is(&d, "/nmaprun/@version", "rstprobe-1");
	is(&d, "/nmaprun/@args", "rstprobe scan 'a b' '<&\"\xef\xbf\xbd\xef\xbf\xbd'");
	is(&d, "/nmaprun/@start", "1795176000");
	is(&d, "//finished/@time", "1795176002");
	is(&d, "//finished/@exit", "success");
	is(&d, "//hosts/@down", "1");
	doc_free(&d);
}

/* Also where nobody came to sum it up. */
static void end_that_is_none_is_an_error(void **state)
{
	struct doc d;

	(void)state;
	doc_begin(&d);
	piece(&d, 7, 22, 22, STATE_OPEN, "syn-ack", 64);
	doc_end(&d);
	is(&d, "count(//port)", "1");
	is(&d, "//finished/@exit", "error");
	is(&d, "boolean(//finished/@errormsg)", "true");
	doc_free(&d);
}

/* A host that answers in ever new ways costs no more than one that does not. */
static void hostile_host_is_bounded(void **state)
{
	struct doc d;
	char line[200];

	(void)state;
	doc_begin(&d);
	for (unsigned i = 1; i <= 5000; i++) {
		snprintf(line, sizeof(line),
			 "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"port\":%u,\"state\":\"open\","
			 "\"reason\":\"r%u\",\"ttl\":%u,\"from\":\"192.0.%u.%u\"}",
			 i, i, i % 255 + 1, i / 250, i % 250);
		carry(&d, line);
	}
	told(&d, true);
	doc_end(&d);
	is(&d, "count(//port)", "5000");
	doc_free(&d);
}

/* --- sets ------------------------------------------------------------------------------------- */

static void set_holds_what_was_put_in(void **state)
{
	static uint16_t all[65536];
	struct portset s = {0};
	uint64_t sum = 0;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++)
		assert_true(portset_add(&s, (uint16_t)(i * 7919)));
	assert_int_equal(s.n, 65536);
	for (uint32_t i = 0; i < 65536; i += 2)
		portset_remove(&s, (uint16_t)i);
	portset_remove(&s, 2);
	assert_int_equal(s.n, 32768);
	assert_true(portset_has(&s, 1) && !portset_has(&s, 2));
	portset_copy(&s, all);
	for (uint32_t i = 0; i < s.n; i++)
		sum += all[i];
	assert_int_equal(sum, 32768ULL * 32768);
	portset_free(&s);
	assert_true(portset_add(&s, 9) && portset_add(&s, 4));
	portset_remove(&s, 9);
	assert_true(s.n == 1 && portset_has(&s, 4) && !portset_has(&s, 9));
	portset_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(host_of_two_windows_stands_there_once),
	    cmocka_unit_test(host_that_is_called_unreachable_has_no_ports),
	    cmocka_unit_test(later_record_corrects_an_earlier_one),
	    cmocka_unit_test(earlier_run_is_carried),
	    cmocka_unit_test(damaged_lines_are_passed_over),
	    cmocka_unit_test(many_are_counted_but_open_ones_listed),
	    cmocka_unit_test(what_nmap_has_no_word_for_is_not_called_open),
	    cmocka_unit_test(run_is_described),
	    cmocka_unit_test(end_that_is_none_is_an_error),
	    cmocka_unit_test(hostile_host_is_bounded),
	    cmocka_unit_test(set_holds_what_was_put_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
