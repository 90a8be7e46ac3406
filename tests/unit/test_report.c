/*
 * test_report: what a person and a program read, word for word. The records are made by hand: a
 * renderer has no facts of its own.
 */
#include "unit.h"

#include <json-c/json.h>

#include "judge/probe.h"
#include "packet/segment.h"
#include "paper.h"
#include "report/out.h"
#include "report/ranges.h"

/* --- records ---------------------------------------------------------------- */

/* One port with all that its record borrows. */
struct one {
	struct addr addr, from;
	struct reply reply, other;
	uint8_t tries[2];
	struct observation seen;
	struct verdict verdict;
	struct port_record record;
};

static const struct probe *kinds[2];

static const char *zone_name(uint32_t zone, char buf[16])
{
	snprintf(buf, 16, "veth%u", (unsigned)zone);
	return buf;
}

static const char *service_name(uint16_t port, char buf[32])
{
	if (port != 22 && port != 80 && port != 443)
		return NULL;
	snprintf(buf, 32, "%s", port == 22 ? "ssh" : port == 80 ? "http" : "https");
	return buf;
}

static const char *const argv_plain[] = {"rstprobe", "scan", "a/b", NULL};
static const char *const argv_bytes[] = {"\xff\xe2\x82\xac\xed\xa0\x80", NULL};
static struct run_source sources[] = {{.ifname = "veth3"}};

static struct run_info run_make(bool per_host)
{
	kinds[0] = probe_find("syn");
	kinds[1] = probe_find("ack");
	sources[0].addr = addr_v4(192, 0, 2, 1);
	return (struct run_info){
	    .command = "scan",
	    .version = "0.1.0",
	    .argv = (char *const *)(uintptr_t)argv_plain,
	    .started_wall_ns = 1795176000000042999U, /* 2026-11-20 12:00:00.000042999 */
	    .seed = UINT64_MAX,
	    .sources = sources,
	    .n_sources = 1,
	    .kinds = kinds,
	    .n_kinds = 2,
	    .hosts = 1,
	    .indices = 4,
	    .per_host = per_host,
	    .zone_name = zone_name,
	    .service_name = service_name,
	};
}

static struct report_style style_make(void)
{
	return (struct report_style){.show = (1U << PORT_STATES) - 1};
}

static void one_make(struct one *o, uint16_t port, enum port_state state, enum reaction reaction)
{
	bool icmp = reaction_is_icmp(reaction), silent = reaction == REACTION_NONE;

	memset(o, 0, sizeof(*o));
	o->addr = addr_v4(192, 0, 2, 7);
	o->from = icmp ? addr_v4(192, 0, 2, 1) : o->addr;
	o->reply = (struct reply){
	    .rtt_us = 412,
	    .ttl = icmp ? 255 : 64,
	    .reaction = (uint8_t)reaction,
	    .icmp_type = icmp ? 3 : 0,
	    .icmp_code = icmp ? 13 : 0,
	};
	o->tries[0] = 1;
	o->seen = (struct observation){
	    .kinds = kinds,
	    .n_kinds = 2,
	    .tries = o->tries,
	    .replies = {&o->reply},
	    .n_replies = silent ? 0 : 1,
	};
	o->verdict = (struct verdict){
	    .state = state,
	    .reaction = reaction,
	    .decider = silent ? NULL : &o->reply,
	    .rule = rule_find(PROBE_SYN, reaction),
	    .reason = reaction_reason(reaction, ADDR_V4, 3, 13),
	    .origin = icmp ? ORIGIN_MIDDLEBOX : ORIGIN_UNKNOWN,
	};
	o->record = (struct port_record){
	    .addr = &o->addr,
	    .port = port,
	    .verdict = &o->verdict,
	    .seen = &o->seen,
	    .from = silent ? NULL : &o->from,
	    .tries = 1,
	};
}

static void one_clue(struct one *o, enum clue_id id, uint32_t a, uint32_t b)
{
	o->verdict.clues[o->verdict.n_clues++] = (struct clue){.id = id, .a = a, .b = b};
}

static void one_inconsistent(struct one *o, uint16_t port)
{
	one_make(o, port, STATE_INCONSISTENT, REACTION_SYN_ACK);
	o->reply.flags = TCP_SYN | TCP_ACK;
	o->reply.seq = 7000;
	o->reply.ack = 1001;
	o->reply.win = 64240;
	o->other = (struct reply){
	    .rtt_us = 300,
	    .seq = 0,
	    .ack = 1001,
	    .ttl = 128,
	    .reaction = REACTION_RST_ACK_OF_SEQ,
	    .flags = TCP_RST | TCP_ACK,
	};
	o->verdict.against = &o->other;
	o->verdict.reason = "contradiction";
	one_clue(o, CLUE_TWO_SEGMENTS, 0, 0);
}

static struct host_record host_make(const struct addr *a)
{
	return (struct host_record){
	    .addr = a, .name = "web1", .up = true, .srtt_us = 412, .style = STYLE_RST};
}

static struct summary_record summary_make(void)
{
	return (struct summary_record){
	    .complete = true,
	    .hosts_total = 1,
	    .hosts_up = 1,
	    .indices = 65500,
	    .sent = 65500,
	    .counts = {[STATE_OPEN] = 3, [STATE_CLOSED] = 65485, [STATE_FILTERED] = 12},
	    .elapsed_s = 0.42,
	};
}

/* --- a report into memory --------------------------------------------------- */

static void give_host(struct report *r, struct host_record *h, struct one *v, size_t n)
{
	const struct record_sink *s = &r->sink;

	for (size_t i = 0; i < n; i++)
		h->counts[v[i].verdict.state]++;
	if (s->host_begin)
		s->host_begin(s->ctx, h);
	for (size_t i = 0; i < n; i++)
		if (s->port)
			s->port(s->ctx, h, &v[i].record);
	if (s->host_end)
		s->host_end(s->ctx, h);
}

static void expect_written(struct paper *p, const char *want)
{
	paper_end(p);
	assert_string_equal(p->text, want);
	free(p->text);
}

/* Every line parses, has `type` first, and json-c would write it the same way. */
static json_object *parse_line(const char *line, size_t len)
{
	char *copy = strndup(line, len);
	json_object *o = json_tokener_parse(copy);

	assert_non_null(o);
	assert_int_equal(strncmp(copy, "{\"type\":\"", 9), 0);
	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE),
			    copy);
	free(copy);
	return o;
}

/* The lines behind the run line. */
static void expect_json(struct paper *p, const char *want)
{
	char *at, *end;

	paper_end(p);
	assert_int_equal(strncmp(p->text, "{\"type\":\"run\",", 14), 0);
	for (at = p->text; (end = strchr(at, '\n')) != NULL; at = end + 1)
		json_object_put(parse_line(at, (size_t)(end - at)));
	assert_string_equal(at, "");
	assert_string_equal(strchr(p->text, '\n') + 1, want);
	free(p->text);
}

/* --- ranges ------------------------------------------------------------------ */

static void test_ranges_join_and_cut(void **state)
{
	static const uint16_t ports[] = {0, 1, 2, 2, 21, 23, 24, 65535};
	struct ranges r = {0};
	struct string s = {0};

	(void)state;
	ranges_put(&r, 0, &s);
	assert_string_equal(string_text(&s), "");
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_true(ranges_add(&r, ports[i]));
	assert_int_equal(r.count, 7);
	ranges_put(&r, 0, &s);
	assert_string_equal(string_text(&s), "0-2,21,23-24,65535");
	string_clear(&s);
	ranges_put(&r, 20, &s);
	assert_string_equal(string_text(&s), "0-2,21,23-24,...");
	ranges_free(&r);
	string_free(&s);
}

static void test_every_clue_has_a_sentence(void **state)
{
	char buf[256];

	(void)state;
	for (int id = 0; id < CLUES; id++) {
		struct clue c = {.id = (enum clue_id)id, .a = 3, .b = 12};

		report_clue(buf, sizeof(buf), &c);
		assert_true(strlen(buf) > 5);
		assert_int_not_equal(buf[strlen(buf) - 1], '.');
		assert_null(strchr(buf, '\n'));
		assert_null(strstr(buf, "(null)"));
	}
	report_clue(buf, sizeof(buf), &(struct clue){.id = CLUE_SOME_REJECTED, .a = 3, .b = 13});
	assert_string_equal(buf, "other tries were rejected by ICMP type 3 code 13");
}

/* --- text --------------------------------------------------------------------- */

static void test_text_table(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct one v[5];
	struct paper p;
	struct host_record h;
	struct summary_record s = summary_make();

	(void)state;
	one_make(&v[0], 22, STATE_OPEN, REACTION_SYN_ACK);
	v[0].reply.rtt_us = 41;
	one_clue(&v[0], CLUE_LISTEN_RST, 0, 0);
	one_make(&v[1], 80, STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
	v[1].verdict.weak = true;
	v[1].reply.rtt_us = UINT32_MAX;
	one_clue(&v[1], CLUE_WEAK_CLOSED, 0, 0);
	one_make(&v[2], 443, STATE_OPEN, REACTION_SYN_ACK);
	v[2].reply.rtt_us = 12345;
	one_clue(&v[2], CLUE_LISTEN_RST, 0, 0);
	one_make(&v[3], 8080, STATE_REJECTED, REACTION_ICMP_ADMIN);
	v[3].reply.rtt_us = 1200000;
	one_make(&v[4], 65535, STATE_FILTERED, REACTION_NONE);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v[0].addr);
	give_host(p.report, &h, v, 5);
	p.report->sink.summary(p.report->sink.ctx, &s);
	expect_written(
	    &p,
	    "web1 (192.0.2.7): up, 0.412 ms\n"
	    "PORT       STATE          REASON                                TTL       RTT  "
	    "SERVICE\n"
	    "22/tcp     open           syn-ack                                64  0.041 ms  ssh\n"
	    "80/tcp     closed (weak)  rst-ack                                64         -  http\n"
	    "           closed by weak evidence only: Windows and others send such a RST at LISTEN "
	    "too\n"
	    "443/tcp    open           syn-ack                                64   12.3 ms  https\n"
	    "8080/tcp   rejected       icmp-admin-prohibited from 192.0.2.1  255    1.20 s\n"
	    "65535/tcp  filtered       no-response                             -         -\n"
	    "Ports 22,443: the ACK drew a RST from the LISTEN state, as RFC 9293 asks.\n"
	    "Closed ports answer with a RST.\n"
	    "\n"
	    "3 open, 65485 closed, 12 filtered on 1 host in 0.42 s (65500 probes, 0 % loss)\n");
}

static void test_text_large_state_is_ranges(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	static struct one v[303];
	struct paper p;
	struct host_record h;
	const char *cut;

	(void)state;
	for (uint16_t i = 0; i < 101; i++) {
		one_make(&v[i], (uint16_t)(1 + 2 * i), STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
		one_make(&v[101 + i], (uint16_t)(1000 + i), STATE_FILTERED, REACTION_NONE);
		one_clue(&v[101 + i], CLUE_ICMP_LIMIT, 0, 0);
	}
	for (uint16_t i = 0; i < 101; i++)
		one_make(&v[202 + i], (uint16_t)(2000 + i), STATE_REJECTED, REACTION_ICMP_ADMIN);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v[0].addr);
	h.name = NULL;
	h.style = STYLE_MIXED;
	give_host(p.report, &h, v, 303);
	paper_end(&p);
	cut = strstr(p.text, "closed    101 ports (rst-ack): 1,3,5,7,");
	assert_non_null(cut);
	assert_int_equal(strncmp(strchr(cut, '\n') - 4, ",...", 4), 0);
	assert_in_range(strchr(cut, '\n') - cut, 200, 240);
	assert_string_equal(
	    strchr(cut, '\n') + 1,
	    "rejected  101 ports (icmp-admin-prohibited from 192.0.2.1): 2000-2100\n"
	    "filtered  101 ports (no-response): 1000-1100\n"
	    "Ports 1000-1100: silent, while the same sender rejected others: its ICMP rate limit "
	    "may hide this.\n"
	    "Closed ports answer in more than one way: some with a RST, some not.\n");
	assert_int_equal(strncmp(p.text, "192.0.2.7: up, 0.412 ms\nclosed", 30), 0);
	free(p.text);
}

static void test_text_verbose_is_whole(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	static struct one v[102];
	struct paper p;
	struct host_record h;

	(void)state;
	style.verbose = true;
	one_make(&v[0], 1, STATE_OPEN, REACTION_SYN_ACK);
	for (uint16_t i = 1; i < 102; i++)
		one_make(&v[i], (uint16_t)(1 + 2 * i), STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v[0].addr);
	give_host(p.report, &h, v, 102);
	paper_end(&p);
	assert_non_null(strstr(p.text, ",201,203\n"));
	assert_null(strstr(p.text, "..."));
	assert_non_null(strstr(p.text, "\n       a listener accepted the SYN (RFC 9293"));
	assert_null(strstr(p.text, "SERVICE"));
	free(p.text);
}

static void test_text_breaks_what_is_too_long(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct host_record h;
	struct paper p;
	struct one v;

	(void)state;
	one_make(&v, 1, STATE_FILTERED, REACTION_NONE);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v.addr);
	h.style = STYLE_FILTERED;
	h.family = FAMILY_LINUX;
	h.confidence = CONFIDENCE_MEDIUM;
	give_host(p.report, &h, &v, 1);
	paper_end(&p);
	assert_non_null(strstr(p.text, "\nNo RST seen: closed and filtered ports cannot be told "
				       "apart. The stack looks\nlike Linux (medium "
				       "confidence).\n"));
	free(p.text);
}

static void test_text_inconsistent_shows_both(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct one v;
	struct paper p;
	struct host_record h;

	(void)state;
	one_inconsistent(&v, 25);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v.addr);
	h.srtt_us = 0;
	h.style = STYLE_UNKNOWN;
	give_host(p.report, &h, &v, 1);
	expect_written(
	    &p, "web1 (192.0.2.7): up\n"
		"PORT    STATE         REASON         TTL       RTT\n"
		"25/tcp  inconsistent  contradiction   64  0.412 ms\n"
		"        open   by the answer to syn: S. seq 7000 ack 1001 win 64240 ttl 64\n"
		"        closed by the answer to syn: R. seq 0 ack 1001 win 0 ttl 128\n"
		"        one segment says open, another closed: a deviating stack, or a box in "
		"the path\n"
		"How closed ports answer is not known: none was seen.\n");
}

static void test_text_colours_only_the_word(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct one v;
	struct paper p;
	struct host_record h;

	(void)state;
	style.color = true;
	one_make(&v, 80, STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
	v.verdict.weak = true;
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v.addr);
	give_host(p.report, &h, &v, 1);
	paper_end(&p);
	assert_non_null(strstr(p.text, "80/tcp  \033[31mclosed\033[0m (weak)  rst-ack   64"));
	free(p.text);
}

static void test_text_quiet_hosts_take_a_line(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct one up, dead[2], rejected;
	struct paper p;
	struct host_record h;
	struct summary_record s = {.hosts_total = 4, .hosts_up = 2, .sent = 1, .elapsed_s = 125};

	(void)state;
	run.hosts = 4;
	style.show_given = true;
	style.show = 1U << STATE_OPEN | 1U << STATE_FILTERED | 1U << STATE_REJECTED;
	one_make(&up, 22, STATE_OPEN, REACTION_SYN_ACK);
	one_make(&dead[0], 1, STATE_FILTERED, REACTION_NONE);
	one_make(&dead[1], 2, STATE_FILTERED, REACTION_NONE);
	one_make(&rejected, 22, STATE_REJECTED, REACTION_ICMP_HOST);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&up.addr);
	give_host(p.report, &h, &up, 1);
	h = host_make(&up.addr);
	h.up = false;
	h.name = "192.0.2.7"; /* typed as an address: said once */
	h.down_reason = "no-response";
	give_host(p.report, &h, dead, 2);
	h = host_make(&up.addr);
	h.up = false;
	h.down_reason = "host-unreachable";
	h.unreachable = true;
	give_host(p.report, &h, &rejected, 1);
	one_make(&up, 22, STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
	h = host_make(&up.addr);
	give_host(p.report, &h, &up, 1);
	snprintf(s.why, sizeof(s.why), "the link of eth0 went down");
	s.loss_estimate = 0.0123;
	p.report->sink.summary(p.report->sink.ctx, &s);
	expect_written(&p, "web1 (192.0.2.7): up, 0.412 ms\n"
			   "PORT    STATE  REASON   TTL       RTT  SERVICE\n"
			   "22/tcp  open   syn-ack   64  0.412 ms  ssh\n"
			   "Closed ports answer with a RST.\n"
			   "\n"
			   "192.0.2.7: no-response (2 filtered)\n"
			   "web1 (192.0.2.7): down, host-unreachable from 192.0.2.1 (1 rejected)\n"
			   "web1 (192.0.2.7): up, 0.412 ms (1 closed, not listed)\n"
			   "\n"
			   "0 open on 4 hosts (2 up) in 2 min 5 s (1 probe, 1.2 % loss)\n"
			   "INCOMPLETE: the link of eth0 went down\n");
}

/* Of an empty network, a line for each stretch whose hosts say the same. */
static void test_text_quiet_neighbours_share_a_line(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct summary_record s = {
	    .complete = true, .hosts_total = 6, .elapsed_s = 3, .loss_estimate = -1};
	struct one dead, rejected;
	struct addr a[] = {addr_v4(192, 0, 2, 7), addr_v4(192, 0, 2, 8), addr_v4(192, 0, 2, 9),
			   addr_v4(192, 0, 2, 10), addr_v4(192, 0, 2, 12)};
	struct paper p;

	(void)state;
	run.hosts = 6;
	one_make(&dead, 22, STATE_FILTERED, REACTION_NONE);
	one_make(&rejected, 22, STATE_REJECTED, REACTION_ICMP_HOST);
	paper_open(&p, report_text_new, &run, &style);
	for (size_t i = 0; i < sizeof(a) / sizeof(*a); i++) {
		struct host_record h = host_make(&a[i]);

		h.name = NULL;
		h.up = false;
		h.unreachable = i == 2;
		h.down_reason = i == 2 ? "host-unreachable" : "no-response";
		give_host(p.report, &h, i == 2 ? &rejected : &dead, 1);
	}
	p.report->sink.summary(p.report->sink.ctx, &s);
	expect_written(&p, "192.0.2.7-192.0.2.8: no-response (2 hosts, each 1 filtered)\n"
			   "192.0.2.9: down, host-unreachable from 192.0.2.1 (1 rejected)\n"
			   "192.0.2.10: no-response (1 filtered)\n"
			   "192.0.2.12: no-response (1 filtered)\n"
			   "\n"
			   "0 open on 6 hosts (0 up) in 3.00 s (0 probes)\n");
}

/* Which ports of an unreachable host were asked before that was clear is chance. */
static void test_text_nobody_is_a_line_whatever_was_asked(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct summary_record s = {.complete = true, .hosts_total = 3, .loss_estimate = -1};
	static struct one v[2];
	struct addr a = addr_v4(192, 0, 2, 7);
	struct paper p;

	(void)state;
	run.hosts = 3;
	paper_open(&p, report_text_new, &run, &style);
	for (int i = 0; i < 3; i++, a.b[3]++) {
		struct host_record h = host_make(&a);

		one_make(&v[0], 22, i == 1 ? STATE_INDETERMINATE : STATE_REJECTED,
			 i == 1 ? REACTION_NONE : REACTION_ICMP_HOST);
		one_make(&v[1], 80, STATE_NOT_PROBED, REACTION_NONE);
		h.name = NULL;
		h.up = false;
		h.unreachable = true;
		h.down_reason = "host-unreachable";
		give_host(p.report, &h, v, 2);
	}
	p.report->sink.summary(p.report->sink.ctx, &s);
	expect_written(&p,
		       "192.0.2.7-192.0.2.9: down, host-unreachable (3 hosts, in all 2 rejected, "
		       "1 indeterminate, 3 not-probed)\n"
		       "\n"
		       "0 open on 3 hosts (0 up) in 0.00 s (0 probes)\n");
}

static void test_text_lines_of_a_large_sweep(void **state)
{
	struct run_info run = run_make(false);
	struct report_style style = style_make();
	struct one v[3], six;
	struct paper p;
	struct host_record h;
	struct summary_record s = summary_make();

	(void)state;
	one_make(&v[0], 443, STATE_OPEN, REACTION_SYN_ACK);
	one_make(&v[1], 444, STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
	one_inconsistent(&v[2], 445);
	one_make(&six, 443, STATE_OPEN, REACTION_SYN_ACK);
	assert_int_equal(addr_parse("fe80::1", &six.addr), 0);
	six.addr.zone = 3;
	paper_open(&p, report_text_new, &run, &style);
	p.report->sink.open_found(p.report->sink.ctx, &v[0].record);
	p.report->sink.open_found(p.report->sink.ctx, &six.record);
	h = host_make(&v[0].addr);
	give_host(p.report, &h, v, 3);
	s.hosts_total = 70000;
	s.hosts_up = 2;
	s.silent = 69000;
	s.loss_estimate = -1;
	memset(s.counts, 0, sizeof(s.counts));
	s.counts[STATE_OPEN] = 2;
	p.report->sink.summary(p.report->sink.ctx, &s);
	expect_written(&p, "192.0.2.7:443 open syn-ack ttl 64 0.412 ms\n"
			   "[fe80::1%veth3]:443 open syn-ack ttl 64 0.412 ms\n"
			   "192.0.2.7:445 inconsistent contradiction ttl 64 0.412 ms\n"
			   "2 open, 69000 silent on 70000 hosts (2 up) in 0.42 s (65500 probes)\n");
}

static void test_text_lines_asked_for(void **state)
{
	struct run_info run = run_make(false);
	struct report_style style = style_make();
	static struct one v[103];
	struct paper p;
	struct host_record h;

	(void)state;
	style.show_given = true;
	style.show = 1U << STATE_CLOSED | 1U << STATE_REJECTED;
	one_make(&v[0], 1, STATE_REJECTED, REACTION_ICMP_ADMIN);
	one_make(&v[1], 2, STATE_FILTERED, REACTION_NONE);
	for (uint16_t i = 2; i < 103; i++)
		one_make(&v[i], (uint16_t)(1 + i), STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v[0].addr);
	give_host(p.report, &h, v, 103);
	expect_written(
	    &p, "192.0.2.7:1 rejected icmp-admin-prohibited from 192.0.2.1 ttl 255 0.412 ms\n"
		"192.0.2.7 closed  101 ports (rst-ack): 3-103\n");
}

/* --- JSON ----------------------------------------------------------------------- */

static void test_json_run(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct paper p;

	(void)state;
	paper_open(&p, report_json_new, &run, &style);
	expect_written(&p,
		       "{\"type\":\"run\",\"schema\":1,\"tool\":\"rstprobe\",\"version\":\"0.1.0\","
		       "\"command\":\"scan\",\"argv\":[\"rstprobe\",\"scan\",\"a/b\"],"
		       "\"started\":\"2026-11-20T12:00:00.000042Z\",\"seed\":18446744073709551615,"
		       "\"source\":[{\"addr\":\"192.0.2.1\",\"iface\":\"veth3\"}]}\n");
	run.argv = (char *const *)(uintptr_t)argv_bytes;
	paper_open(&p, report_json_new, &run, &style);
	paper_end(&p);
	/* no UTF-8: each stray byte becomes U+FFFD, the euro sign stays */
	assert_non_null(strstr(p.text, "[\"\xef\xbf\xbd\xe2\x82\xac"
				       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"]"));
	free(p.text);
}

static void test_json_ports(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct one v[4];
	struct paper p;
	struct host_record h;

	(void)state;
	one_make(&v[0], 22, STATE_OPEN, REACTION_SYN_ACK);
	v[0].record.name = "web1";
	v[0].tries[1] = 2;
	one_clue(&v[0], CLUE_STRAY_FILTERED, 0, 0);
	one_make(&v[1], 23, STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
	v[1].verdict.weak = true;
	v[1].reply.rtt_us = UINT32_MAX;
	one_make(&v[2], 24, STATE_REJECTED, REACTION_ICMP_ADMIN);
	one_make(&v[3], 25, STATE_FILTERED, REACTION_NONE);
	v[3].record.tries = 3;
	paper_open(&p, report_json_new, &run, &style);
	h = host_make(&v[0].addr);
	give_host(p.report, &h, v, 4);
	expect_json(
	    &p,
	    "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"name\":\"web1\",\"port\":22,\"proto\":"
	    "\"tcp\",\"state\":\"open\",\"reason\":\"syn-ack\",\"origin\":\"unknown\",\"probes\":"
	    "{\"syn\":\"syn-ack\",\"ack\":\"none\"},\"tries\":1,\"rtt_us\":412,\"ttl\":64,"
	    "\"from\":\"192.0.2.7\",\"clues\":[\"stray segments are filtered: an ACK without a "
	    "connection gets no answer\"]}\n"
	    "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"port\":23,\"proto\":\"tcp\",\"state\":"
	    "\"closed\",\"weak\":true,\"reason\":\"rst-ack\",\"origin\":\"unknown\",\"probes\":"
	    "{\"syn\":\"rst-ack-of-seq\"},\"tries\":1,\"ttl\":64,\"from\":\"192.0.2.7\","
	    "\"clues\":[]}\n"
	    "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"port\":24,\"proto\":\"tcp\",\"state\":"
	    "\"rejected\",\"reason\":\"icmp-admin-prohibited\",\"origin\":\"middlebox\","
	    "\"probes\":{\"syn\":\"icmp-admin\"},\"tries\":1,\"rtt_us\":412,\"ttl\":255,"
	    "\"from\":\"192.0.2.1\",\"icmp_type\":3,\"icmp_code\":13,\"clues\":[]}\n"
	    "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"port\":25,\"proto\":\"tcp\",\"state\":"
	    "\"filtered\",\"reason\":\"no-response\",\"origin\":\"unknown\",\"probes\":{\"syn\":"
	    "\"none\"},\"tries\":3,\"clues\":[]}\n"
	    "{\"type\":\"host\",\"addr\":\"192.0.2.7\",\"name\":\"web1\",\"up\":true,\"counts\":"
	    "{\"open\":1,\"closed\":1,\"rejected\":1,\"filtered\":1},\"style\":\"rst\","
	    "\"family\":\"unknown\",\"confidence\":\"low\"}\n");
}

static void test_json_inconsistent(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct one v;
	struct paper p;
	struct host_record h;

	(void)state;
	one_inconsistent(&v, 25);
	paper_open(&p, report_json_new, &run, &style);
	h = host_make(&v.addr);
	give_host(p.report, &h, &v, 1);
	paper_end(&p);
	assert_non_null(strstr(
	    p.text,
	    "\"segments\":[{\"reaction\":\"syn-ack\",\"flags\":\"S.\",\"seq\":7000,\"ack\":1001,"
	    "\"ttl\":64,\"win\":64240},{\"reaction\":\"rst-ack-of-seq\",\"flags\":\"R.\","
	    "\"seq\":0,\"ack\":1001,\"ttl\":128,\"win\":0}]}\n"));
	free(p.text);
}

static void test_json_groups(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	static struct one v[102];
	struct paper p;
	struct host_record h;
	size_t lines = 0;

	(void)state;
	one_make(&v[0], 1, STATE_OPEN, REACTION_SYN_ACK);
	for (uint16_t i = 1; i < 102; i++) {
		one_make(&v[i], (uint16_t)(20 + i), STATE_CLOSED, REACTION_RST_ACK_OF_SEQ);
		one_clue(&v[i], CLUE_RST_ACK_FORM, 0, 0);
	}
	/* one of them is another group, though of the same state; and not all share the clue */
	v[50].verdict.reason = "rst-odd";
	v[51].verdict.n_clues = 0;
	style.show_given = true;
	style.show = 1U << STATE_CLOSED;
	paper_open(&p, report_json_new, &run, &style);
	h = host_make(&v[0].addr);
	h.name = NULL;
	give_host(p.report, &h, v, 102);
	expect_json(&p,
		    "{\"type\":\"ports\",\"addr\":\"192.0.2.7\",\"state\":\"closed\",\"reason\":"
		    "\"rst-ack\",\"count\":100,\"ports\":\"21-69,71-121\"}\n"
		    "{\"type\":\"ports\",\"addr\":\"192.0.2.7\",\"state\":\"closed\",\"reason\":"
		    "\"rst-odd\",\"count\":1,\"ports\":\"70\",\"clues\":[\"the RST carries an ACK "
		    "where RFC 9293 asks for none\"]}\n"
		    "{\"type\":\"host\",\"addr\":\"192.0.2.7\",\"up\":true,\"counts\":{\"open\":1,"
		    "\"closed\":101},\"style\":\"rst\",\"family\":\"unknown\",\"confidence\":"
		    "\"low\"}\n");
	style = style_make();
	style.all = true;
	paper_open(&p, report_json_new, &run, &style);
	memset(h.counts, 0, sizeof(h.counts));
	give_host(p.report, &h, v, 102);
	paper_end(&p);
	assert_null(strstr(p.text, "\"type\":\"ports\""));
	for (const char *s = p.text; (s = strstr(s, "\"type\":\"port\",")) != NULL; s++)
		lines++;
	assert_int_equal(lines, 102);
	free(p.text);
}

static void test_json_down_host(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct one v[2];
	struct paper p;
	struct host_record h;

	(void)state;
	one_make(&v[0], 22, STATE_REJECTED, REACTION_ICMP_HOST);
	one_make(&v[1], 23, STATE_REJECTED, REACTION_ICMP_HOST);
	paper_open(&p, report_json_new, &run, &style);
	h = host_make(&v[0].addr);
	h.up = false;
	h.unreachable = true;
	h.down_reason = "host-unreachable";
	h.style = STYLE_UNKNOWN;
	give_host(p.report, &h, v, 2);
	expect_json(&p, "{\"type\":\"ports\",\"addr\":\"192.0.2.7\",\"name\":\"web1\",\"state\":"
			"\"rejected\",\"reason\":\"host-unreachable\",\"count\":2,\"ports\":"
			"\"22-23\",\"from\":\"192.0.2.1\",\"icmp_type\":3,\"icmp_code\":13}\n"
			"{\"type\":\"host\",\"addr\":\"192.0.2.7\",\"name\":\"web1\",\"up\":false,"
			"\"reason\":\"host-unreachable\",\"counts\":{\"rejected\":2},\"style\":"
			"\"unknown\",\"family\":\"unknown\",\"confidence\":\"low\"}\n");
}

static void test_json_window_note_summary(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct summary_record s = {.end = END_LINK,
				   .loss_estimate = -1,
				   .elapsed_s = 1.5,
				   .skipped = 7,
				   .hosts_given_up = 1,
				   .hosts_limited = 2};
	struct window_record w = {.first = 0, .last = 16777215, .kinds = kinds, .n_kinds = 2};
	struct paper p;
	const struct record_sink *k;

	(void)state;
	s.rate_pps = 1e300 * 1e300;
	s.counts[STATE_OPEN_FILTERED] = 5000000000U;
	snprintf(s.why, sizeof(s.why), "the link of \"eth0\" went down");
	paper_open(&p, report_json_new, &run, &style);
	k = &p.report->sink;
	k->window(k->ctx, &w);
	k->note(k->ctx, "a/b");
	k->summary(k->ctx, &s);
	expect_json(
	    &p,
	    "{\"type\":\"window\",\"first\":0,\"last\":16777215,\"probes\":[\"syn\",\"ack\"],"
	    "\"complete\":false}\n"
	    "{\"type\":\"note\",\"text\":\"a/b\"}\n"
	    "{\"type\":\"summary\",\"complete\":false,\"end\":\"link-down\",\"why\":\"the link of "
	    "\\\"eth0\\\" went down\",\"hosts\":0,\"hosts_up\":0,\"indices\":0,\"not_probed\":0,"
	    "\"unroutable\":0,\"silent\":0,\"skipped\":7,\"hosts_given_up\":1,"
	    "\"hosts_limited\":2,\"sent\":0,\"answered\":0,\"retried\":0,\"late\":0,"
	    "\"duplicates\":0,\"foreign\":0,\"captured\":0,\"pcap_dropped\":0,\"send_errors\":0,"
	    "\"loss_estimate\":null,\"rate_pps\":null,\"elapsed_s\":1.500000,\"counts\":"
	    "{\"open|filtered\":5000000000}}\n");
}

/* Every octet alone, before and behind others, as json-c reads it back; expect_json compares how it
 * would write it. */
static void test_json_escapes(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();

	(void)state;
	for (unsigned c = 1; c < 256; c++) {
		char name[] = {'a', (char)c, 'b', (char)c, 0};
		struct host_record h;
		struct paper p;
		struct one v;
		const char *at;
		json_object *o;

		one_make(&v, 22, STATE_OPEN, REACTION_SYN_ACK);
		paper_open(&p, report_json_new, &run, &style);
		h = host_make(&v.addr);
		h.name = v.record.name = name;
		give_host(p.report, &h, &v, 1);
		paper_end(&p);
		at = strchr(p.text, '\n') + 1;
		o = parse_line(at, strcspn(at, "\n"));
		assert_string_equal(json_object_get_string(json_object_object_get(o, "name")),
				    c < 0x80 ? name
					     : "a\xef\xbf\xbd"
					       "b\xef\xbf\xbd");
		json_object_put(o);
		free(p.text);
	}
}

/* An open port of a large sweep is there before its window is, and no second time where nothing
 * has been added. */
static void test_json_open_at_once(void **state)
{
	struct run_info run = run_make(false);
	struct report_style style = style_make();
	static const char open_line[] =
	    "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"port\":22,\"proto\":\"tcp\",\"state\":"
	    "\"open\",\"reason\":\"syn-ack\",\"origin\":\"unknown\",\"probes\":{\"syn\":"
	    "\"syn-ack\"},\"tries\":1,\"rtt_us\":412,\"ttl\":64,\"from\":\"192.0.2.7\",\"clues\":"
	    "[]}\n";
	struct host_record h;
	struct paper p;
	struct one v;
	char *at;

	(void)state;
	one_make(&v, 22, STATE_OPEN, REACTION_SYN_ACK);
	v.seen.n_kinds = 1;
	paper_open(&p, report_json_new, &run, &style);
	p.report->sink.open_found(p.report->sink.ctx, &v.record);
	h = host_make(&v.addr);
	h.name = NULL;
	give_host(p.report, &h, &v, 1);
	one_clue(&v, CLUE_LISTEN_RST, 0, 0);
	memset(h.counts, 0, sizeof(h.counts));
	give_host(p.report, &h, &v, 1);
	paper_end(&p);
	at = strchr(p.text, '\n') + 1;
	assert_int_equal(strncmp(at, open_line, strlen(open_line)), 0);
	at += strlen(open_line);
	assert_int_equal(strncmp(at, "{\"type\":\"host\"", 14), 0);
	at = strchr(at, '\n') + 1;
	assert_int_equal(strncmp(at, "{\"type\":\"port\"", 14), 0);
	assert_non_null(strstr(at, "LISTEN"));
	free(p.text);
	style.show_given = true;
	style.show = 1U << STATE_CLOSED;
	paper_open(&p, report_json_new, &run, &style);
	p.report->sink.open_found(p.report->sink.ctx, &v.record);
	expect_json(&p, "");
}

static void test_carried_lines(void **state)
{
	static const char line[] = "{\"type\":\"port\",\"addr\":\"192.0.2.7\",\"x\":1}\n";
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct report *v[2];
	struct paper json, text;
	struct err e;

	(void)state;
	snprintf(run.space, sizeof(run.space), "0123abcd");
	run.resumed = "old.jsonl";
	paper_open(&json, report_json_new, &run, &style);
	paper_open(&text, report_text_new, &run, &style);
	v[0] = json.report;
	v[1] = text.report;
	json.report = report_tee_new(v, 2);
	json.report->carry(json.report, line, strlen(line));
	assert_int_equal(json.report->close(json.report, &e), 0);
	fclose(json.f);
	fclose(text.f);
	assert_non_null(strstr(json.text, ",\"hosts\":1,\"indices\":4,\"space\":\"0123abcd\","
					  "\"resumed\":\"old.jsonl\"}\n"));
	assert_string_equal(strchr(json.text, '\n') + 1, line);
	assert_string_equal(text.text, "");
	free(json.text);
	free(text.text);
}

/* --- limits and silence -------------------------------------------------------- */

static void test_hosts_limited_and_given_up(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct summary_record s = summary_make();
	static struct one v[4];
	struct host_record h;
	struct paper p;

	(void)state;
	run.hosts = 2;
	run.shard = 2;
	run.shards = 4;
	one_make(&v[0], 22, STATE_OPEN, REACTION_SYN_ACK);
	paper_open(&p, report_text_new, &run, &style);
	h = host_make(&v[0].addr);
	h.reset_limit = 200;
	give_host(p.report, &h, v, 1);
	one_make(&v[0], 22, STATE_FILTERED, REACTION_NONE);
	one_make(&v[1], 23, STATE_NOT_PROBED, REACTION_NONE);
	v[1].verdict.reason = "host-silent";
	h = host_make(&v[0].addr);
	h.name = NULL;
	h.up = false;
	h.down_reason = "no-response";
	h.given_up = true;
	give_host(p.report, &h, v, 2);
	s.hosts_total = 2;
	s.hosts_given_up = 1;
	s.skipped = 12;
	s.hosts_limited = 3;
	p.report->sink.summary(p.report->sink.ctx, &s);
	expect_written(
	    &p, "web1 (192.0.2.7): up, 0.412 ms\n"
		"PORT    STATE  REASON   TTL       RTT  SERVICE\n"
		"22/tcp  open   syn-ack   64  0.412 ms  ssh\n"
		"Closed ports answer with a RST.\n"
		"The host sends at most 200 resets a second.\n"
		"\n"
		"192.0.2.7: no-response (1 filtered, 1 not-probed)\n"
		"\n"
		"3 open, 65485 closed, 12 filtered on 2 hosts (1 up), part 2 of 4, in 0.42 s "
		"(65500 probes, 0 % loss)\n"
		"1 host kept silent: only a handful of ports was asked, 12 in all skipped "
		"(--no-skip-dead asks them)\n");
	paper_open(&p, report_json_new, &run, &style);
	h.reset_limit = 200;
	give_host(p.report, &h, v, 0);
	paper_end(&p);
	assert_non_null(strstr(p.text, "\"confidence\":\"low\",\"reset_limit\":200,\"given_up\":"
				       "true}\n"));
	free(p.text);
}

/* --- endings ----------------------------------------------------------------------- */

static void test_empty_result(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct summary_record s = {.complete = true, .loss_estimate = -1};
	struct paper p;

	(void)state;
	paper_open(&p, report_text_new, &run, &style);
	p.report->sink.summary(p.report->sink.ctx, &s);
	expect_written(&p, "0 open on 0 hosts in 0.00 s (0 probes)\n");
	paper_open(&p, report_text_new, &run, &style);
	expect_written(&p, "");
}

typedef struct report *make_report(FILE *f, const struct run_info *run,
				   const struct report_style *style);

static void check_full_device(make_report *make, const char *message)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct summary_record s = summary_make();
	FILE *f = fopen("/dev/full", "w");
	struct report *r;
	struct err e;

	if (!f)
		skip();
	r = make(f, &run, &style);
	assert_non_null(r);
	r->sink.summary(r->sink.ctx, &s);
	r->sink.summary(r->sink.ctx, &s);
	assert_int_equal(r->close(r, &e), -1);
	assert_string_equal(e.msg, message);
	fclose(f);
}

static void test_full_device(void **state)
{
	(void)state;
	check_full_device(report_text_new, "cannot write the text output: No space left on device");
	check_full_device(report_json_new, "cannot write the JSON output: No space left on device");
}

static void test_tee(void **state)
{
	struct run_info run = run_make(true);
	struct report_style style = style_make();
	struct paper text, json, alone;
	struct report *v[3], *tee;
	struct host_record h;
	struct one one;
	struct err e;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (!full)
		skip();
	one_make(&one, 22, STATE_OPEN, REACTION_SYN_ACK);
	paper_open(&text, report_text_new, &run, &style);
	paper_open(&alone, report_text_new, &run, &style);
	paper_open(&json, report_json_new, &run, &style);
	v[0] = text.report;
	v[1] = report_json_new(full, &run, &style);
	v[2] = json.report;
	tee = report_tee_new(v, 3);
	assert_non_null(tee);
	memset(v, 0, sizeof(v));
	h = host_make(&one.addr);
	give_host(tee, &h, &one, 1);
	tee->sink.note(tee->sink.ctx, "hello"); /* the text renderer has none */
	memset(h.counts, 0, sizeof(h.counts));
	give_host(alone.report, &h, &one, 1);
	assert_int_equal(tee->close(tee, &e), -1);
	assert_string_equal(e.msg, "cannot write the JSON output: No space left on device");
	paper_end(&alone);
	fclose(text.f);
	fclose(json.f);
	fclose(full);
	assert_string_equal(text.text, alone.text);
	assert_non_null(strstr(json.text, "\"port\":22"));
	assert_non_null(strstr(json.text, "{\"type\":\"note\",\"text\":\"hello\"}\n"));
	free(text.text);
	free(json.text);
	free(alone.text);
}

/* --- progress ----------------------------------------------------------------------- */

static struct progress progress_make(double elapsed_s, double eta_s)
{
	return (struct progress){
	    .sent = 30,
	    .total_first = 100,
	    .open = 42,
	    .pass = 2,
	    .rate_pps = 120000,
	    .elapsed_s = elapsed_s,
	    .eta_s = eta_s,
	};
}

static void test_progress_on_a_terminal(void **state)
{
	struct paper p;
	struct progress g[] = {progress_make(0.1, -1), progress_make(6.2, 12),
			       progress_make(6.3, 12), progress_make(6.5, -1)};

	(void)state;
	paper_begin(&p);
	p.report = report_progress_new(p.f, true, 0);
	for (size_t i = 0; i < sizeof(g) / sizeof(g[0]); i++)
		p.report->sink.progress(p.report->sink.ctx, &g[i], false);
	p.report->sink.note(p.report->sink.ctx, "a word");
	p.report->sink.note(p.report->sink.ctx, "another");
	expect_written(&p, "\r  34 %  120000 probes/s  42 open  pass 2  ETA 12 s"
			   "\r  30 %  120000 probes/s  42 open  pass 2          "
			   "\r                                          \r"
			   "rstprobe: a word\nrstprobe: another\n");
}

static void test_progress_elsewhere(void **state)
{
	struct paper p;
	struct progress g = progress_make(6.2, 12);
	struct summary_record s = {.pcap_dropped = 7, .send_errors = 2};
	const struct record_sink *k;

	(void)state;
	paper_begin(&p);
	p.report = report_progress_new(p.f, false, 5000000000U);
	k = &p.report->sink;
	k->progress(k->ctx, &g, false);
	g.elapsed_s = 11;
	k->progress(k->ctx, &g, false); /* not yet */
	k->progress(k->ctx, &g, true);
	snprintf(s.why, sizeof(s.why), "why");
	k->summary(k->ctx, &s);
	expect_written(&p,
		       "rstprobe: 34 %  120000 probes/s  42 open  pass 2  ETA 12 s\n"
		       "rstprobe: 48 %  120000 probes/s  42 open  pass 2  ETA 12 s\n"
		       "rstprobe: the capture dropped 7 packets; a lower --rate would lose none\n"
		       "rstprobe: 2 probes could not be sent\n"
		       "rstprobe: incomplete: why\n");
	paper_begin(&p);
	p.report = report_progress_new(p.f, false, 0);
	g.elapsed_s = 1000;
	p.report->sink.progress(p.report->sink.ctx, &g, false);
	expect_written(&p, "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ranges_join_and_cut),
	    cmocka_unit_test(test_every_clue_has_a_sentence),
	    cmocka_unit_test(test_text_table),
	    cmocka_unit_test(test_text_large_state_is_ranges),
	    cmocka_unit_test(test_text_verbose_is_whole),
	    cmocka_unit_test(test_text_breaks_what_is_too_long),
	    cmocka_unit_test(test_text_inconsistent_shows_both),
	    cmocka_unit_test(test_text_colours_only_the_word),
	    cmocka_unit_test(test_text_quiet_hosts_take_a_line),
	    cmocka_unit_test(test_text_quiet_neighbours_share_a_line),
	    cmocka_unit_test(test_text_nobody_is_a_line_whatever_was_asked),
	    cmocka_unit_test(test_text_lines_of_a_large_sweep),
	    cmocka_unit_test(test_text_lines_asked_for),
	    cmocka_unit_test(test_json_run),
	    cmocka_unit_test(test_json_ports),
	    cmocka_unit_test(test_json_inconsistent),
	    cmocka_unit_test(test_json_groups),
	    cmocka_unit_test(test_json_down_host),
	    cmocka_unit_test(test_json_window_note_summary),
	    cmocka_unit_test(test_json_escapes),
	    cmocka_unit_test(test_json_open_at_once),
	    cmocka_unit_test(test_carried_lines),
	    cmocka_unit_test(test_hosts_limited_and_given_up),
	    cmocka_unit_test(test_empty_result),
	    cmocka_unit_test(test_full_device),
	    cmocka_unit_test(test_tee),
	    cmocka_unit_test(test_progress_on_a_terminal),
	    cmocka_unit_test(test_progress_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
