/*
 * test_report_provoke: a scenario as text, word for word, and as a record of JSON. Facts and
 * findings are made by hand; that each clue and each finding has words is counted here.
 */
#include "unit.h"

#include <errno.h>
#include <json-c/json.h>

#include "packet/segment.h"
#include "paper.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

struct output {
	struct run_info run;
	struct report_style style;
	struct paper paper;
};

static void output_open(struct output *o, paper_new_fn *make)
{
	o->run = (struct run_info){.command = "provoke", .version = "0.1.0"};
	paper_open(&o->paper, make, &o->run, &o->style);
}

static void output_is(struct output *o, const char *want)
{
	paper_end(&o->paper);
	if (strcmp(o->paper.text, want) != 0)
		fail_msg("got:\n%s\nwant:\n%s", o->paper.text, want);
	free(o->paper.text);
}

/* --- what came of it ---------------------------------------------------------------------- */

struct made {
	struct addr addr;
	struct provoke_facts f;
	struct provoke_verdict v;
	struct provoke_record r;
	struct finding finding;
	struct seen ladder[LADDER_MAX];
	uint32_t frames[LADDER_MAX];
};

static void seen(struct made *m, uint64_t at_ns, bool from_x, uint16_t flags, uint32_t seq,
		 uint32_t ack, uint32_t len)
{
	struct seen *s = &m->ladder[m->r.n_ladder];

	m->r.n_ladder++;
	*s = (struct seen){.frame = (uint32_t)m->r.n_ladder,
			   .wall_ns = 10 * SECOND + at_ns,
			   .from_x = from_x,
			   .flags = flags,
			   .seq = seq + (from_x ? 5000 : 1000),
			   .ack = ack + (from_x ? 1000 : 5000),
			   .len = len,
			   .win = 501};
	m->frames[m->r.n_frames++] = s->frame;
}

static void make(struct made *m, enum scenario s)
{
	struct line_facts *l = &m->f.lines[0];

	*m = (struct made){.addr = addr_v4(192, 0, 2, 7)};
	m->f.scenario = s;
	m->f.hold_ns = 20 * SECOND;
	m->f.n_lines = 1;
	l->end = LINE_OPEN;
	l->sport = 40112;
	l->opened_ns = 10 * SECOND;
	l->stands_ns = 10 * SECOND + MS;
	m->r = (struct provoke_record){.addr = &m->addr,
				       .name = "web1",
				       .port = 80,
				       .info = &scenario_infos[s],
				       .us = addr_v4(198, 51, 100, 2),
				       .ladder = m->ladder,
				       .frames = m->frames};
	seen(m, 0, false, TCP_SYN, 0, 0, 0);
	seen(m, 400000, true, TCP_SYN | TCP_ACK, 0, 1, 0);
	seen(m, 420000, false, TCP_ACK, 1, 1, 0);
}

static void judge(struct made *m)
{
	provoke_judge(&m->f, &m->v);
	m->r.facts = &m->f;
	m->r.verdict = &m->v;
}

/* No RST: the ladder is the witness's own. */
static void make_gives_way(struct made *m)
{
	struct exchange *x;

	make(m, SCENARIO_HALF_OPEN);
	x = &m->f.lines[0].at[MARK_RETURN];
	*x = (struct exchange){.tries = 1, .answered_by = 1, .reaction = REACTION_CHALLENGE_ACK};
	m->f.lines[0].at[MARK_RETURN_2] = *x;
	m->f.lines[0].at[MARK_RETURN_2].reaction = REACTION_SYN_ACK;
	seen(m, 20 * SECOND, false, TCP_SYN, 70000, 0, 0);
	seen(m, 20 * SECOND + MS, true, TCP_ACK, 1, 1, 0);
	seen(m, 20 * SECOND + 2 * MS, false, TCP_RST, 1, 0, 0);
	seen(m, 20 * SECOND + 3 * MS, false, TCP_SYN, 70000, 0, 0);
	seen(m, 20 * SECOND + 4 * MS, true, TCP_SYN | TCP_ACK, 900000, 70001, 0);
	judge(m);
}

static void make_answer_lost(struct made *m)
{
	struct line_facts *l = &m->f.lines[0];

	make(m, SCENARIO_EARLY_CLOSE);
	l->written = 300000;
	l->acked_octets = 65000;
	l->window_closed = true;
	l->sent_octets = 20000;
	l->read = 4096;
	l->resets = 1;
	l->reset_ns[0] = l->stands_ns + 1500 * MS;
	l->write_errno = ECONNRESET;
	l->write_again_errno = EPIPE;
	l->read_eof = true;
	m->f.http_status = 413;
	m->f.http_head = 200;
	m->f.http_length = 50000;
	m->f.has_http_length = true;
	seen(m, MS, false, TCP_PSH | TCP_ACK, 1, 1, 1000);
	seen(m, 1501 * MS, true, TCP_RST | TCP_ACK, 20001, 65001, 0);
	m->finding = (struct finding){
	    .frame = 5,
	    .wall_ns = 10 * SECOND + 1501 * MS,
	    .src = m->addr,
	    .dst = m->r.us,
	    .sport = 80,
	    .dport = 40112,
	    .sender = SENDER_SERVER,
	    .cause = CAUSE_UNREAD_DATA_CLOSE,
	    .sure = SURE_LIKELY,
	    .also = {CAUSE_ABORT_LINGER},
	    .severity = SEVERITY_PROBLEM,
	    .origin = ORIGIN_ENDPOINT,
	    .provoked_by = 4,
	    .n_clues = 2,
	    .clues = {{CLUE_WINDOW_GREW, 4100, 64000, 5}, {CLUE_UNANSWERED, 65000, 0, 4}},
	    .n_ladder = m->r.n_ladder,
	    .ladder = m->ladder,
	    .rst_at = 4,
	    .trigger_at = 3,
	    .isn_x = 5000,
	    .isn_y = 1000,
	    .has_isn_x = true,
	    .has_isn_y = true,
	};
	m->r.finding = &m->finding;
	judge(m);
}

/* --- text --------------------------------------------------------------------------------- */

static void test_text_says_what_will_be_done(void **state)
{
	struct output o = {0};
	struct made m;

	(void)state;
	make(&m, SCENARIO_HALF_OPEN);
	output_open(&o, report_text_new);
	o.paper.report->sink.scenario(o.paper.report->sink.ctx, &m.r);
	m.r.name = NULL;
	m.r.info = &scenario_infos[SCENARIO_DATA_AFTER_CLOSE];
	o.paper.report->sink.scenario(o.paper.report->sink.ctx, &m.r);
	output_is(
	    &o, /* clang-format off */
		"half-open on web1 (192.0.2.7) port 80: connects, goes dumb without FIN or RST as\n"
		"  after a power cut, and comes back with a SYN on the same ports.\n"
		"data-after-close on 192.0.2.7 port 80: connects, waits until the service closes,\n"
		"  and then sends data.\n");
		/* clang-format on */
}

static void test_text_without_a_reset(void **state)
{
	struct output o = {0};
	struct made m;

	(void)state;
	make_gives_way(&m);
	output_open(&o, report_text_new);
	o.paper.report->sink.provoke(o.paper.report->sink.ctx, &m.r);
	/* clang-format off */
	output_is(&o,
		"\n"
		"notice  gives-way\n"
		"  The service did not notice that nobody was there; its stack answered our\n"
		"  return with a challenge ACK and gave way to the RST, as it should.\n"
		"  - we waited 20 s for the service\n"
		"  - our SYN on the same ports drew an ACK\n"
		"  - the same SYN after our RST drew a SYN-ACK\n"
		"\n"
		"              client 198.51.100.2:40112         server 192.0.2.7:80\n"
		"  1        0  |- S 0:0(0) win 501 ------------------------------->|\n"
		"  2  +400 us  |<- S. 0:0(0) ack 1 win 501 ------------------------|\n"
		"  3  +420 us  |- . 1:1(0) ack 1 --------------------------------->|\n"
		"              |                   ... 20 s ...                    |\n"
		"  4  +20.0 s  |- S 70000:70000(0) win 501 ----------------------->|\n"
		"  5  +20.0 s  |<- . 1:1(0) ack 1 ---------------------------------|\n"
		"  6  +20.0 s  |- R 1:1(0) win 501 ------------------------------->|\n"
		"  7  +20.0 s  |- S 70000:70000(0) win 501 ----------------------->|\n"
		"  8  +20.0 s  |<- S. 900000:900000(0) ack 70001 win 501 ----------|\n"
		"\n"
		"  Hint: Turn on keep-alive (SO_KEEPALIVE, tcp_keepalive_time) or a read\n"
		"  time-out: dead clients hold a connection each until then.\n");
	/* clang-format on */
}

static void test_text_with_a_reset(void **state)
{
	struct output o = {0};
	struct made m;

	(void)state;
	make_answer_lost(&m);
	output_open(&o, report_text_new);
	o.paper.report->sink.provoke(o.paper.report->sink.ctx, &m.r);
	output_is(
	    &o, /* clang-format off */
		"\n"
		"problem  answer-lost\n"
		"  The service closed with received data unread, and the RST that this drew\n"
		"  destroyed part of its own answer.\n"
		"  - the service took 65 kB of 300 kB\n"
		"  - the service's window closed: it had stopped reading\n"
		"  - the answer is HTTP status 413 with a body of 50 kB\n"
		"  - the service sent 20 kB, of which the client read 4,096 octets\n"
		"  - 46 kB of the answer never reached the client's program\n"
		"  - the service's RST came after 1.5 s\n"
		"  RST (frame 5): unread-data-close (likely). The server closed the connection\n"
		"  with data unread: its window jumped from 4,100 octets to 64 kB in the RST, as\n"
		"  when a queue of unread data is purged, and the server acknowledged the\n"
		"  client's last 65 kB of payload and never answered them.\n"
		"  abort-linger fits too and can't be ruled out from here; to be told apart by\n"
		"  its sender's host: nstat TcpExtTCPAbortOnClose against TcpExtTCPAbortOnData.\n"
		"  The client's program saw a write that succeeded, then ECONNRESET, then EPIPE\n"
		"  (and SIGPIPE), then the end of the stream.\n"
		"\n"
		"              client 198.51.100.2:40112         server 192.0.2.7:80\n"
		"  1  -1.50 s  |- S 0:0(0) win 501 ------------------------------->|\n"
		"  2  -1.50 s  |<- S. 0:0(0) ack 1 win 501 ------------------------|\n"
		"  3  -1.50 s  |- . 1:1(0) ack 1 --------------------------------->|\n"
		"  4  -1.50 s  |- P. 1:1001(1000) ack 1 -------------------------->|  << provoked\n"
		"  5        0  |<- R. 20001:20001(0) ack 65001 win 501 ------------|  << RESET\n"
		"\n"
		"  Hint: Before close(): shutdown(SHUT_WR), then read until the end of the stream\n"
		"  or a time-out (nginx: lingering_close).\n");
		/* clang-format on */
}

/* What a box has sent is not said to be the service's. */
static void test_text_with_anothers_reset(void **state)
{
	struct output o = {0};
	struct made m;

	(void)state;
	make_answer_lost(&m);
	m.finding.origin = ORIGIN_MIDDLEBOX;
	output_open(&o, report_text_new);
	o.paper.report->sink.provoke(o.paper.report->sink.ctx, &m.r);
	paper_end(&o.paper);
	assert_non_null(strstr(o.paper.text,
			       "\n  But the RST that this rests on comes from a box on "
			       "the way, as it seems, and\n  tells nothing of"));
	assert_non_null(
	    strstr(o.paper.text, "\n  Hint: `rstprobe trace` shows where it comes from.\n"));
	assert_null(strstr(o.paper.text, "lingering_close"));
	free(o.paper.text);
}

static void test_text_in_detail(void **state)
{
	struct output o = {.style = {.verbose = true, .color = true, .width = 200}};
	struct made m;

	(void)state;
	make_gives_way(&m);
	output_open(&o, report_text_new);
	o.paper.report->sink.provoke(o.paper.report->sink.ctx, &m.r);
	paper_end(&o.paper);
	assert_non_null(strstr(o.paper.text, "\033[33mnotice\033[0m  \033[1mgives-way\033[0m\n"));
	assert_non_null(
	    strstr(o.paper.text, "\n  Seen: open, return-challenged, return-yielded\n"));
	free(o.paper.text);
}

/* --- words -------------------------------------------------------------------------------- */

static void test_each_clue_has_words(void **state)
{
	char buf[1024];

	(void)state;
	for (int id = CLUE_DREW; id <= CLUE_WAITED; id++) {
		struct clue c = {(enum clue_id)id, 1, 0, 0};

		report_clue(buf, sizeof(buf), &c);
		assert_true(buf[0] && !(buf[0] >= 'A' && buf[0] <= 'Z'));
		assert_null(strchr(buf, '%'));
		assert_int_not_equal(buf[strlen(buf) - 1], '.');
	}
	for (uint32_t m = 0; m < MARKS; m++)
		for (uint32_t r = 0; r < REACTIONS; r++) {
			struct clue c = {CLUE_DREW, m, r, 0};

			report_clue(buf, sizeof(buf), &c);
			assert_null(strstr(buf, "(null)"));
			assert_non_null(strstr(buf, " drew "));
		}
}

/* --- JSON --------------------------------------------------------------------------------- */

static json_object *record_of(struct made *m)
{
	struct output o = {0};
	const char *line;
	json_object *v;

	output_open(&o, report_json_new);
	o.paper.report->sink.provoke(o.paper.report->sink.ctx, &m->r);
	paper_end(&o.paper);
	line = strchr(o.paper.text, '\n') + 1;
	v = json_tokener_parse(line);
	assert_non_null(v);
	assert_null(strchr(line, '\n')[1] ? line : NULL);
	free(o.paper.text);
	return v;
}

static const char *text_at(json_object *o, const char *key)
{
	json_object *v = NULL;

	assert_true(json_object_object_get_ex(o, key, &v));
	return json_object_get_string(v);
}

static void keys_begin(json_object *o, const char *const *want)
{
	json_object_object_foreach(o, key, v)
	{
		(void)v;
		if (!*want)
			return;
		assert_string_equal(key, *want++);
	}
	assert_null(*want);
}

static void test_json_with_a_reset(void **state)
{
	static const char *const keys[] = {"type",	 "scenario", "addr",  "name",
					   "port",	 "finding",  "cause", "frames",
					   "bytes_lost", "clues",    NULL};
	struct made m;
	json_object *o;

	(void)state;
	make_answer_lost(&m);
	o = record_of(&m);
	keys_begin(o, keys);
	assert_string_equal(text_at(o, "type"), "provoke");
	assert_string_equal(text_at(o, "scenario"), "early-close");
	assert_string_equal(text_at(o, "port"), "80");
	assert_string_equal(text_at(o, "finding"), "answer-lost");
	assert_string_equal(text_at(o, "cause"), "unread-data-close");
	assert_string_equal(text_at(o, "frames"), "[ 1, 2, 3, 4, 5 ]");
	assert_string_equal(text_at(o, "bytes_lost"), "46104");
	assert_string_equal(text_at(o, "severity"), "problem");
	assert_string_equal(text_at(o, "confidence"), "likely");
	assert_string_equal(text_at(o, "alternatives"), "[ \"abort-linger\" ]");
	assert_string_equal(text_at(o, "origin"), "endpoint");
	assert_string_equal(text_at(o, "app_sees"),
			    "[ \"write-ok\", \"ECONNRESET\", \"EPIPE\", \"EOF\" ]");
	assert_string_equal(text_at(o, "read"), "4096");
	assert_string_equal(text_at(o, "resets_ms"), "[ 1500 ]");
	assert_string_equal(text_at(o, "http_status"), "413");
	assert_string_equal(text_at(o, "hold_s"), "20.000");
	assert_false(json_object_object_get_ex(o, "strangers", NULL));
	json_object_put(o);
}

static void test_json_without_a_reset(void **state)
{
	struct made m;
	json_object *o;

	(void)state;
	make_gives_way(&m);
	m.f.lines[0].strangers = 3;
	o = record_of(&m);
	assert_null(text_at(o, "cause"));
	assert_string_equal(text_at(o, "strangers"), "3");
	assert_null(text_at(o, "confidence"));
	assert_null(text_at(o, "origin"));
	assert_string_equal(text_at(o, "bytes_lost"), "0");
	assert_string_equal(text_at(o, "app_sees"), "[ ]");
	assert_false(json_object_object_get_ex(o, "resets_ms", NULL));
	json_object_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text_says_what_will_be_done),
	    cmocka_unit_test(test_text_without_a_reset),
	    cmocka_unit_test(test_text_with_a_reset),
	    cmocka_unit_test(test_text_with_anothers_reset),
	    cmocka_unit_test(test_text_in_detail),
	    cmocka_unit_test(test_each_clue_has_words),
	    cmocka_unit_test(test_json_with_a_reset),
	    cmocka_unit_test(test_json_without_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
