/*
 * test_report_trace: what `trace` says, word for word: hops as they come, the verdict under them,
 * and their JSON. Facts are made by hand; the verdicts are the judge's own.
 */
#include "unit.h"

#include <json-c/json.h>

#include "packet/segment.h"
#include "paper.h"
#include "report/trace_words.h"
#include "walks.h"

#define RST REACTION_RST_ACK_OF_SEQ
#define SYN_ACK REACTION_SYN_ACK

static char word[] = "rstprobe";
static char *argv[] = {word, NULL};

static struct run_info run_make(void)
{
	return (struct run_info){
	    .command = "trace", .version = "0", .argv = argv, .hosts = 1, .per_host = true};
}

/* As cmd/trace does: one walk after the other. Router 2 has a name of its own making. */
static void give(struct paper *p, const struct walks *s)
{
	const struct record_sink *sink = &p->report->sink;
	const struct trace_facts *f = &s->facts;
	struct trace_record r = {.addr = &f->addr, .name = "web1", .facts = f};
	struct trace_verdict v, flows[TRACE_FLOWS_MAX];

	for (unsigned i = 0; i < f->flows; i++)
		trace_judge_flow(f, i, &flows[i]);
	r.flows = flows;
	for (size_t i = 0; i < f->n_walks; i++) {
		const struct trace_walk *w = &f->walks[i];
		const struct walk_record walk = {
		    .addr = &f->addr, .name = "web1", .walk = w, .facts = f};

		if (sink->walk)
			sink->walk(sink->ctx, &walk);
		for (unsigned ttl = w->first; ttl <= w->last; ttl++) {
			const struct hop_record hop = {.addr = &f->addr,
						       .walk = w,
						       .hop = &w->hops[ttl],
						       .name = ttl == 2 ? "r2\033[2J" : NULL};

			if (w->hops[ttl].tries)
				sink->hop(sink->ctx, &hop);
		}
	}
	trace_judge(f, &v);
	r.verdict = &v;
	sink->trace(sink->ctx, &r);
}

static void expect_written(const struct walks *s, const struct report_style *style,
			   const char *want)
{
	const struct run_info run = run_make();
	struct paper p;

	paper_open(&p, report_text_new, &run, style);
	give(&p, s);
	assert_string_equal(paper_end(&p), want);
	free(p.text);
}

static const struct report_style numeric = {.numeric = true};

/* --- text --------------------------------------------------------------------------------- */

static void test_open(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 6, SYN_ACK, 5);
	w->hops[4].expired = false;
	w->hops[5].expiry.rtt_us = 12345;
	expect_written(&s, &numeric,
		       "trace to web1 (192.0.2.7) port 443, SYN, 12 hops max\n"
		       " 1  10.0.1.1          1.00 ms\n"
		       " 2  10.0.2.1          2.00 ms\n"
		       " 3  10.0.3.1          3.00 ms\n"
		       " 4  *\n"
		       " 5  10.0.5.1          12.3 ms\n"
		       " 6  192.0.2.7         6.00 ms  SYN-ACK (target)\n"
		       "\n"
		       "open: the target answers with a SYN-ACK, at hop 6.\n"
		       "  - 1 hop on the way kept silent\n");
}

static void test_names(void **state)
{
	const struct report_style style = {0};
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	walks_expire(w, 1, 2);
	walks_reject(w, 3, walks_router(2));
	expect_written(&s, &style,
		       "trace to web1 (192.0.2.7) port 443, SYN, 12 hops max\n"
		       " 1  10.0.1.1                           1.00 ms\n"
		       " 2  r2?[2J (10.0.2.1)                  2.00 ms\n"
		       " 3  r2?[2J (10.0.2.1)                  3.00 ms  ICMP admin-prohibited\n"
		       "\n"
		       "rejected-by: 10.0.2.1, hop 2, rejects it: ICMP admin-prohibited.\n");
}

static void test_reset(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	walks_expire(w, 1, 5);
	walks_answer(&s, w, 3, RST, 40);
	walks_answer_too(&s, w, 6, SYN_ACK, 5);
	expect_written(
	    &s, &numeric,
	    "trace to web1 (192.0.2.7) port 443, SYN, 12 hops max\n"
	    " 1  10.0.1.1          1.00 ms\n"
	    " 2  10.0.2.1          2.00 ms\n"
	    " 3  10.0.3.1          3.00 ms\n"
	    "    192.0.2.7         41.0 ms  RST (in the target's name)\n"
	    " 4  10.0.4.1          4.00 ms\n"
	    " 5  10.0.5.1          5.00 ms\n"
	    " 6  192.0.2.7         6.00 ms  SYN-ACK (target)\n"
	    "\n"
	    "reset-by-hop: a box between hop 2 (10.0.2.1) and hop 3 (10.0.3.1) resets it, in\n"
	    "  the name of 192.0.2.7.\n"
	    "  - the segment goes on past who resets it: TTL 3 draws the RST, and time\n"
	    "    exceeded, too\n"
	    "  - TTL 6 draws the target's own answer (SYN-ACK) as well\n"
	    "  - by its TTL it passed 8 routers, the target's own answer 5\n"
	    "  - by its TTL it passed 8 routers, and from there it would pass 2: forged, or\n"
	    "    another way back\n");
}

static void test_target(void **state)
{
	const struct report_style style = {.numeric = true, .verbose = true};
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 6, RST, 5);
	w = walks_add(&s, WALK_OTHER, "ack");
	walks_answer(&s, w, 6, REACTION_RST_SEQ_FROM_ACK, 5);
	walks_expire(walks_add(&s, WALK_CANARY, "syn"), 1, 5);
	expect_written(
	    &s, &style,
	    "trace to web1 (192.0.2.7) port 443, SYN, 12 hops max\n"
	    " 1  10.0.1.1          1.00 ms  ttl 64\n"
	    " 2  10.0.2.1          2.00 ms  ttl 63\n"
	    " 3  10.0.3.1          3.00 ms  ttl 62\n"
	    " 4  10.0.4.1          4.00 ms  ttl 61\n"
	    " 5  10.0.5.1          5.00 ms  ttl 60\n"
	    " 6  192.0.2.7         6.00 ms  RST (in the target's name)  ttl 59\n"
	    "beside  ACK to port 443: hop 6, RST (in the target's name), ttl 59\n"
	    "beside  SYN to port 54321: no answer, last heard hop 5\n"
	    "\n"
	    "reset-by-target: the target resets it, at hop 6, as far as a walk can tell.\n"
	    "  - an ACK to the same port is answered by hop 6, too\n"
	    "  - a SYN to another port draws no answer at all\n"
	    "  - a box that answers in the target's name at this distance would look the same\n");
}

static void test_dropped(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	walks_expire(w, 1, 3);
	w->hops[1].expired = false;
	expect_written(
	    &s, &numeric,
	    "trace to web1 (192.0.2.7) port 443, SYN, 12 hops max\n"
	    " 1  *\n"
	    " 2  10.0.2.1          2.00 ms\n"
	    " 3  10.0.3.1          3.00 ms\n"
	    " 4-12  *\n"
	    "\n"
	    "dropped-after-hop: it gets as far as hop 3 (10.0.3.1), and nothing was heard\n"
	    "  from beyond.\n"
	    "  - 1 hop on the way kept silent\n");
}

static void test_flows(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_make(&s);
	s.facts.flows = 4;
	for (uint16_t flow = 0; flow < 4; flow++) {
		w = walks_add(&s, WALK_MAIN, "syn");
		w->flow = flow;
		w->sport = (uint16_t)(40000 + flow);
		walks_expire(w, 1, 3);
		walks_answer(&s, w, 4, SYN_ACK, 3);
		if (flow & 1)
			w->hops[2].expiry.from = addr_v4(10, 0, 22, 1);
	}
	expect_written(&s, &numeric,
		       "trace to web1 (192.0.2.7) port 443, SYN, 4 flows, 12 hops max\n"
		       "flow 0, from port 40000\n"
		       " 1  10.0.1.1          1.00 ms\n"
		       " 2  10.0.2.1          2.00 ms\n"
		       " 3  10.0.3.1          3.00 ms\n"
		       " 4  192.0.2.7         4.00 ms  SYN-ACK (target)\n"
		       "    the same for flow 2\n"
		       "flow 1, from port 40001\n"
		       " 1  10.0.1.1          1.00 ms\n"
		       " 2  10.0.22.1         2.00 ms\n"
		       " 3  10.0.3.1          3.00 ms\n"
		       " 4  192.0.2.7         4.00 ms  SYN-ACK (target)\n"
		       "    open\n"
		       "    the same for flow 3\n"
		       "\n"
		       "open: the target answers with a SYN-ACK, at hop 4.\n"
		       "  - 4 flows take 2 different paths\n");
}

static void test_inside(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 6, SYN_ACK, 5);
	w = walks_add(&s, WALK_INSIDE, "data");
	w->last = 5;
	walks_expire(w, 1, 3);
	walks_answer(&s, w, 4, REACTION_RST_SEQ_FROM_ACK, 2);
	s.facts.inside = (struct trace_inside){
	    .wanted = true, .connected = true, .reset_ttl = 4, .confirmed = true};
	expect_written(
	    &s, &numeric,
	    "trace to web1 (192.0.2.7) port 443, SYN and data within a connection, 12 hops\n"
	    "  max\n"
	    " 1  10.0.1.1          1.00 ms\n"
	    " 2  10.0.2.1          2.00 ms\n"
	    " 3  10.0.3.1          3.00 ms\n"
	    " 4  10.0.4.1          4.00 ms\n"
	    " 5  10.0.5.1          5.00 ms\n"
	    " 6  192.0.2.7         6.00 ms  SYN-ACK (target)\n"
	    "within a connection, from port 40000\n"
	    " 1  10.0.1.1          1.00 ms\n"
	    " 2  10.0.2.1          2.00 ms\n"
	    " 3  10.0.3.1          3.00 ms\n"
	    " 4  192.0.2.7         3.00 ms  RST (in the target's name)\n"
	    "\n"
	    "reset-by-hop: hop 3 (10.0.3.1) resets it, in the name of 192.0.2.7.\n"
	    "  - the hop that answers differs: TTL 4 for the data, TTL 6 for the SYN\n"
	    "  - by its TTL it passed 2 routers, the target's own answer 5\n"
	    "  - by its TTL it comes from where hop 3 is\n"
	    "  - a second connection was reset by TTL 4 again, and by none less\n");
}

/* A hop is there to be read before the next one is known. */
static void test_as_they_come(void **state)
{
	const struct report_style style = {.numeric = true, .terminal = true, .color = true};
	const struct run_info run = run_make();
	struct trace_walk *w;
	struct walks s;
	struct paper p;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	walks_expire(w, 2, 3);
	walks_answer(&s, w, 4, RST, 3);
	paper_open(&p, report_text_new, &run, &style);
	{
		const struct record_sink *sink = &p.report->sink;
		const struct walk_record walk = {.addr = &s.facts.addr, .walk = w};
		struct hop_record hop = {.addr = &s.facts.addr, .walk = w, .hop = &w->hops[1]};
		static const char heading[] = "trace to 192.0.2.7 port 443, SYN, 12 hops max\n";

		sink->walk(sink->ctx, &walk);
		sink->hop(sink->ctx, &hop);
		assert_string_equal(p.text, heading); /* who knows how many are silent */
		hop.hop = &w->hops[2];
		sink->hop(sink->ctx, &hop);
		assert_string_equal(p.text + strlen(heading),
				    " 1  *\n 2  10.0.2.1          2.00 ms\n");
		hop.hop = &w->hops[4];
		sink->hop(sink->ctx, &hop);
		assert_non_null(strstr(p.text, "\033[31mRST (in the target's name)\033[0m\n"));
		/* it hears more later: only that is told */
		w->hops[2].replied = true;
		w->hops[2].reply = walks_exchange(&s, SYN_ACK, 3);
		hop.hop = &w->hops[2];
		sink->hop(sink->ctx, &hop);
		assert_non_null(strstr(p.text, "\n 2  192.0.2.7         4.00 ms  \033[32mSYN-ACK"));
		assert_null(strstr(strstr(p.text, "10.0.2.1") + 1, "10.0.2.1"));
	}
	paper_end(&p);
	free(p.text);
}

/* The neighbour is sought for seconds, and only then given up: by then its TTL was. */
static void test_late_answer_in_silence(void **state)
{
	const struct run_info run = run_make();
	struct trace_walk *w;
	struct walks s;
	struct paper p;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	walks_expire(w, 1, 1);
	walks_expire(w, 4, 4);
	walks_reject(w, 6, walks_router(1));
	paper_open(&p, report_text_new, &run, &numeric);
	{
		const struct record_sink *sink = &p.report->sink;
		const struct walk_record walk = {.addr = &s.facts.addr, .walk = w};
		struct hop_record hop = {.addr = &s.facts.addr, .walk = w};
		struct trace_hop silent[TRACE_TTL_MAX + 1];

		sink->walk(sink->ctx, &walk);
		for (unsigned ttl = 1; ttl <= 9; ttl++) {
			silent[ttl] = (struct trace_hop){.ttl = (uint8_t)ttl, .tries = 3};
			hop.hop = ttl > 1 ? &silent[ttl] : &w->hops[ttl];
			sink->hop(sink->ctx, &hop);
		}
		hop.hop = &w->hops[4];
		sink->hop(sink->ctx, &hop);
		hop.hop = &w->hops[6];
		sink->hop(sink->ctx, &hop);
	}
	assert_string_equal(paper_end(&p),
			    "trace to 192.0.2.7 port 443, SYN, 12 hops max\n"
			    " 1  10.0.1.1          1.00 ms\n"
			    " 2  *\n"
			    " 3  *\n"
			    " 4  10.0.4.1          4.00 ms\n"
			    " 5  *\n"
			    " 6  10.0.1.1          3.00 ms  ICMP admin-prohibited\n");
	free(p.text);
}

/* --- words -------------------------------------------------------------------------------- */

static void test_every_end_has_a_sentence(void **state)
{
	(void)state;
	for (int e = 0; e < TRACE_ENDS; e++) {
		struct trace_verdict v = {.end = (enum trace_end)e,
					  .has_between = true,
					  .between = {3, 4},
					  .reaction = e == TRACE_REJECTED_BY ? REACTION_ICMP_ADMIN
									     : REACTION_NONE,
					  .by = walks_router(3)};
		char buf[TRACE_WORDS_MAX];

		for (int exact = 0; exact < 3; exact++) {
			struct text t = text_of(buf, sizeof(buf));
			struct walks s;

			walks_make(&s);
			v.between[1] = exact == 0 ? 4 : exact == 1 ? 3 : 0;
			trace_words_verdict(&t, NULL, &s.facts, &v);
			assert_true(t.len > 10);
			assert_false(t.cut);
			assert_null(strstr(buf, "(null)"));
		}
	}
}

/* Each clue of a walk, in a sentence that fits where it is put. */
static void test_every_clue_has_a_sentence(void **state)
{
	(void)state;
	for (int id = CLUE_TRACE_WENT_ON; id <= CLUE_TRACE_PATHS; id++) {
		for (uint32_t n = 1; n < 4; n++) {
			struct clue c = {.id = (enum clue_id)id, .a = n, .b = n};
			char buf[256];

			if (id == CLUE_TRACE_DIFFER)
				c.a |= PROBE_ACK << 16;
			report_clue(buf, sizeof(buf), &c);
			assert_true(strlen(buf) > 10);
			assert_true(strlen(buf) < sizeof(buf) - 1);
			assert_null(strchr(buf, '%'));
			assert_int_not_equal(buf[strlen(buf) - 1], '.');
		}
	}
}

static void expect_clue(enum clue_id id, uint32_t a, uint32_t b, const char *want)
{
	const struct clue c = {.id = id, .a = a, .b = b};
	char buf[256];

	report_clue(buf, sizeof(buf), &c);
	assert_string_equal(buf, want);
}

static void test_clues_name_what_was_asked(void **state)
{
	(void)state;
	expect_clue(CLUE_TRACE_OTHERS_FARTHER, 6, PROBE_SYN | ASKED_CANARY,
		    "a SYN to another port gets farther: hop 6 answers it");
	expect_clue(CLUE_TRACE_OTHERS_EXPIRE, 6, PROBE_ACK,
		    "an ACK to the same port gets farther: hop 6 still answers with time "
		    "exceeded");
	expect_clue(CLUE_TRACE_OTHERS_NEARER, 2, PROBE_SYN_ODD,
		    "a SYN with FIN to the same port is answered by hop 2 already");
	expect_clue(CLUE_TRACE_DIFFER, 3 | PROBE_ACK << 16, 6 | PROBE_SYN << 16,
		    "the hop that answers differs: TTL 3 for the ACK, TTL 6 for the SYN");
	expect_clue(CLUE_TRACE_WENT_ON, 3, 5,
		    "the segment goes on past who resets it: TTL 3 draws the RST, and TTL 5 time "
		    "exceeded");
	expect_clue(CLUE_TRACE_COPIED, 3, 0, "it copies the IP ID and window of our segment");
	expect_clue(CLUE_TRACE_TOO_FAST, 1500, 6000,
		    "it took 1.5 ms, the target's own answer 6 ms");
}

/* --- JSON --------------------------------------------------------------------------------- */

/* Line `n` of the output; the first is that of the run. */
static json_object *line_of(const char *text, unsigned n)
{
	json_object *o;
	char *line;

	while (n--)
		text = strchr(text, '\n') + 1;
	line = strndup(text, strcspn(text, "\n"));
	o = json_tokener_parse(line);
	assert_non_null(o);
	free(line);
	return o;
}

static void expect_json(const char *text, unsigned n, const char *want)
{
	json_object *o = line_of(text, n);

	assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE),
			    want);
	json_object_put(o);
}

static void expect_key(json_object *o, const char *key, const char *want)
{
	json_object *v = NULL;

	assert_true(json_object_object_get_ex(o, key, &v));
	assert_string_equal(v ? json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN) : "null",
			    want);
}

static void test_json_of_hops(void **state)
{
	const struct report_style style = {0};
	const struct run_info run = run_make();
	struct trace_walk *w;
	struct walks s;
	struct paper p;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	w->last = 3;
	walks_expire(w, 2, 3);
	walks_answer(&s, w, 3, RST, 40);
	paper_open(&p, report_json_new, &run, &style);
	give(&p, &s);
	paper_end(&p);
	expect_json(p.text, 1,
		    "{\"type\":\"hop\",\"flow\":0,\"probe\":\"syn\",\"ttl\":1,\"addr\":null,"
		    "\"rtt_us\":null,\"reply\":\"none\",\"role\":\"main\",\"target\":"
		    "\"192.0.2.7\",\"port\":443,\"sport\":40000,\"tries\":1}");
	expect_json(p.text, 2,
		    "{\"type\":\"hop\",\"flow\":0,\"probe\":\"syn\",\"ttl\":2,\"addr\":"
		    "\"10.0.2.1\",\"rtt_us\":2000,\"reply\":\"time-exceeded\",\"reply_ttl\":63,"
		    "\"name\":\"r2\\u001b[2J\",\"role\":\"main\",\"target\":\"192.0.2.7\","
		    "\"port\":443,\"sport\":40000,\"tries\":1}");
	expect_json(p.text, 3,
		    "{\"type\":\"hop\",\"flow\":0,\"probe\":\"syn\",\"ttl\":3,\"addr\":"
		    "\"10.0.3.1\",\"rtt_us\":3000,\"reply\":\"time-exceeded\",\"reply_ttl\":62,"
		    "\"also\":[{\"addr\":\"192.0.2.7\",\"rtt_us\":41000,\"reply\":"
		    "\"rst-ack-of-seq\",\"reply_ttl\":24}],\"role\":\"main\",\"target\":"
		    "\"192.0.2.7\",\"port\":443,\"sport\":40000,\"tries\":1,\"resets\":1}");
	free(p.text);
}

static void test_json_of_a_verdict(void **state)
{
	const struct report_style style = {0};
	const struct run_info run = run_make();
	struct trace_walk *w;
	struct walks s;
	struct paper p;
	json_object *o;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	walks_expire(w, 1, 3);
	paper_open(&p, report_json_new, &run, &style);
	give(&p, &s);
	o = line_of(paper_end(&p), WALKS_MAX_TTL + 1);
	expect_key(o, "type", "\"trace\"");
	expect_key(o, "addr", "\"192.0.2.7\"");
	expect_key(o, "name", "\"web1\"");
	expect_key(o, "port", "443");
	expect_key(o, "verdict", "\"dropped-after-hop\"");
	expect_key(o, "between", "[3,null]");
	expect_key(o, "addr_by", "\"10.0.3.1\"");
	expect_key(o, "exact", "false");
	expect_key(o, "reaction", "\"none\"");
	expect_key(o, "origin", "\"unknown\"");
	expect_key(o, "probe", "\"syn\"");
	expect_key(o, "flows",
		   "[{\"flow\":0,\"verdict\":\"dropped-after-hop\",\"between\":[3,null]"
		   "}]");
	expect_key(o, "clues", "[]");
	expect_key(o, "complete", "true");
	json_object_put(o);
	free(p.text);
	/* not known */
	w->over = false;
	s.facts.stopped = true;
	paper_open(&p, report_json_new, &run, &style);
	give(&p, &s);
	o = line_of(paper_end(&p), WALKS_MAX_TTL + 1);
	expect_key(o, "verdict", "\"indeterminate\"");
	expect_key(o, "between", "null");
	expect_key(o, "addr_by", "null");
	expect_key(o, "complete", "false");
	json_object_put(o);
	free(p.text);
	/* one hop */
	w->over = true;
	walks_reject(w, 4, walks_router(3));
	paper_open(&p, report_json_new, &run, &style);
	give(&p, &s);
	o = line_of(paper_end(&p), WALKS_MAX_TTL + 1);
	expect_key(o, "verdict", "\"rejected-by\"");
	expect_key(o, "between", "[3,3]");
	expect_key(o, "exact", "true");
	expect_key(o, "rtt_us", "3000");
	json_object_put(o);
	o = line_of(p.text, 4);
	expect_key(o, "reply", "\"icmp-admin\"");
	expect_key(o, "icmp_code", "13");
	json_object_put(o);
	free(p.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_reset),
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_dropped),
	    cmocka_unit_test(test_flows),
	    cmocka_unit_test(test_inside),
	    cmocka_unit_test(test_as_they_come),
	    cmocka_unit_test(test_late_answer_in_silence),
	    cmocka_unit_test(test_every_end_has_a_sentence),
	    cmocka_unit_test(test_every_clue_has_a_sentence),
	    cmocka_unit_test(test_clues_name_what_was_asked),
	    cmocka_unit_test(test_json_of_hops),
	    cmocka_unit_test(test_json_of_a_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
