/*
 * test_report_stack: what `stack` says, word for word. Facts and verdicts are made by hand: a
 * renderer has none of its own, and the judge's own are tested in test_stack.
 */
#include "unit.h"

#include <json-c/json.h>

#include "judge/origin.h"
#include "packet/segment.h"
#include "paper.h"
#include "report/stack_words.h"

enum { SYN, ACK, NOTHING, FORMS };
enum { RST_IN, DATA_OLD, TALK_FORMS };

static const struct form forms[FORMS] = {
    [SYN] = {"syn", TCP_SYN, 0, true, FORM_SEQ_RANDOM, FORM_ACK_RANDOM},
    [ACK] = {"ack", TCP_ACK, 0, false, FORM_SEQ_RANDOM, FORM_ACK_RANDOM},
    [NOTHING] = {"null-data", 0, 5, false, FORM_SEQ_RANDOM, FORM_ACK_RANDOM},
};
static const struct form talk_forms[TALK_FORMS] = {
    [RST_IN] = {"rst-in-window", TCP_RST, 0, false, FORM_SEQ_WINDOW, FORM_ACK_NXT},
    [DATA_OLD] = {"data-old-ack", TCP_PSH | TCP_ACK, 1, false, FORM_SEQ_NXT, FORM_ACK_OLD},
};
static const struct rfc_row rows[] = {
    {1U << IN_LISTEN, RFC_SYN, REACTION_SYN_ACK, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.2 third",
     "a SYN is accepted", ""},
    {1U << IN_LISTEN, RFC_ACK, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST,
     "9293 3.10.7.2 second", "an ACK is reset", "lwIP"},
    {1U << IN_LISTEN, RFC_BARE, REACTION_NONE, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.2 fourth",
     "anything else is dropped", "Windows"},
    {1U << IN_ESTABLISHED, RFC_RST_IN_WINDOW, REACTION_CHALLENGE_ACK, AFTER_ALIVE, RFC_SHOULD,
     "5961 3", "a RST off by one is challenged", ""},
};

/* A host, all that its record borrows. LISTEN's cells, CLOSED's, then two of two states each. */
enum { CELLS = 2 * FORMS + 2 * TALK_FORMS };
struct host {
	struct addr addr;
	struct cell cells[CELLS];
	struct stack_facts facts;
	struct stack_verdict verdict;
	struct stack_record record;
};

static void set_cell(struct host *h, size_t i, enum tcp_state state, const struct form *f,
		     const struct rfc_row *row)
{
	h->cells[i] = (struct cell){.state = state, .form = f};
	h->verdict.cells[i] = (struct cell_verdict){
	    .cell = &h->cells[i], .row = row, .x = &h->facts.cells[i], .why = WHY_NOT_REACHED};
}

static void host_make(struct host *h)
{
	memset(h, 0, sizeof(*h));
	h->addr = addr_v4(192, 0, 2, 7);
	h->facts = (struct stack_facts){.family = ADDR_V4,
					.complete = true,
					.has_open = true,
					.has_closed = true,
					.open_port = 80,
					.closed_port = 41234};
	for (size_t i = 0; i < FORMS; i++) {
		set_cell(h, i, IN_LISTEN, &forms[i], &rows[i]);
		set_cell(h, FORMS + i, IN_CLOSED, &forms[i], NULL);
	}
	for (size_t i = 0; i < TALK_FORMS; i++) {
		set_cell(h, 2 * FORMS + i, IN_ESTABLISHED, &talk_forms[i], i ? NULL : &rows[3]);
		set_cell(h, 2 * FORMS + TALK_FORMS + i, IN_TIME_WAIT, &talk_forms[i], NULL);
	}
	h->verdict.n_cells = CELLS;
	h->verdict.style = STYLE_RST;
	h->verdict.firewall = FIREWALL_NONE;
	h->record = (struct stack_record){
	    .addr = &h->addr, .name = "web1", .facts = &h->facts, .verdict = &h->verdict};
}

/* The i-th cell was answered so, and that is right, or `how` it is not. */
static struct exchange *answer(struct host *h, size_t i, enum reaction r, const char *how)
{
	struct exchange *x = &h->facts.cells[i];

	*x = (struct exchange){
	    .tries = 1,
	    .answered_by = r != REACTION_NONE,
	    .reaction = (uint8_t)r,
	    .rtt_us = r == REACTION_NONE ? UINT32_MAX : 412,
	    .sent = {.seq = 1000, .ack = 5000, .flags = TCP_SYN, .len = 1},
	    .ttl = 64,
	    .df = true,
	    .from = h->addr,
	};
	h->verdict.cells[i].conforms = how ? CONFORMS_NO : CONFORMS_YES;
	h->verdict.cells[i].why = WHY_NONE;
	h->verdict.cells[i].how = how;
	return x;
}

static struct exchange *answer_rst(struct host *h, size_t i, uint16_t flags, uint32_t seq,
				   uint32_t ack, const char *how)
{
	struct exchange *x = answer(
	    h, i, flags & TCP_ACK ? REACTION_RST_ACK_OF_SEQ : REACTION_RST_SEQ_FROM_ACK, how);

	x->flags = TCP_RST | flags;
	x->seq = seq;
	x->ack = ack;
	return x;
}

static void host_plain(struct host *h)
{
	host_make(h);
	answer(h, SYN, REACTION_SYN_ACK, NULL);
	answer_rst(h, ACK, 0, 5000, 0, NULL);
	answer(h, NOTHING, REACTION_NONE, NULL);
	answer_rst(h, FORMS + SYN, TCP_ACK, 0, 1001, NULL);
	answer_rst(h, FORMS + ACK, 0, 5000, 0, NULL);
	answer_rst(h, FORMS + NOTHING, TCP_ACK, 0, 1000, "forgets the data");
	answer(h, 2 * FORMS, REACTION_CHALLENGE_ACK, NULL)->after = AFTER_ALIVE;
	answer(h, 2 * FORMS + 1, REACTION_NONE, "takes the octets")->after = AFTER_ACCEPTED;
	h->verdict.cells[2 * FORMS + 2].why = h->verdict.cells[2 * FORMS + 3].why =
	    WHY_SERVICE_STAYS;
	h->verdict.family = FAMILY_LINUX;
	h->verdict.runner_up = FAMILY_BSD;
	h->verdict.confidence = CONFIDENCE_HIGH;
	h->verdict.rfc5961 = PROTECTION_PARTIAL;
	h->verdict.evidence[0] =
	    (struct stack_evidence){"layout", "MSTNW", {[FAMILY_LINUX] = 2, [FAMILY_BSD] = -5}};
	h->verdict.evidence[1] =
	    (struct stack_evidence){"sa_ipid", "0", {[FAMILY_LINUX] = 2, [FAMILY_BSD] = -1}};
	h->verdict.evidence[2] =
	    (struct stack_evidence){"sa_win", "65535", {[FAMILY_LINUX] = -3, [FAMILY_BSD] = 1}};
	h->verdict.n_evidence = 3;
	h->verdict.sum[FAMILY_LINUX] = 2;
	h->verdict.sum[FAMILY_BSD] = -5;
}

/* --- words ---------------------------------------------------------------------- */

typedef void words_fn(struct text *t, const struct stack_record *r);

static void expect_words(words_fn *say, const struct host *h, const char *want)
{
	char buf[STACK_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));

	say(&t, &h->record);
	assert_false(t.cut);
	assert_string_equal(buf, want);
}

static void expect_answer(const struct exchange *x, bool brief, const char *want)
{
	char buf[80];
	struct text t = text_of(buf, sizeof(buf));

	buf[0] = 0;
	stack_words_answer(&t, x, brief);
	assert_string_equal(buf, want);
}

static void test_answers(void **state)
{
	static const struct exchange unasked;
	struct host h;

	(void)state;
	host_make(&h);
	expect_answer(&unasked, false, "");
	expect_answer(answer(&h, 0, REACTION_NONE, NULL), false, "-");
	expect_answer(answer(&h, 0, REACTION_SYN_ACK, NULL), false, "SYN-ACK");
	expect_answer(answer(&h, 0, REACTION_CHALLENGE_ACK, NULL), true, "ACK");
	expect_answer(answer(&h, 0, REACTION_ICMP_ADMIN, NULL), false, "ICMP admin");
	expect_answer(answer_rst(&h, 0, 0, 5000, 0, NULL), false, "RST seq=ack");
	/* an ack field though the ACK bit is off, as Windows has it */
	expect_answer(answer_rst(&h, 0, 0, 5000, 77, NULL), false, "RST seq=ack ack=other");
	expect_answer(answer_rst(&h, 0, TCP_ACK, 0, 1001, NULL), false, "RST,ACK ack=seq+1");
	/* the SYN was not counted */
	expect_answer(answer_rst(&h, 0, TCP_ACK, 0, 1000, NULL), false, "RST,ACK ack=seq");
	/* as lwIP */
	expect_answer(answer_rst(&h, 0, TCP_ACK, 5000, 1001, NULL), false,
		      "RST,ACK seq=ack ack=seq+1");
	expect_answer(answer_rst(&h, 0, TCP_ACK, 5000, 1001, NULL), true, "RST,ACK");
}

static void test_every_style_and_firewall_has_a_sentence(void **state)
{
	(void)state;
	for (int style = STYLE_UNKNOWN; style <= STYLE_MIXED; style++) {
		for (int f = 0; f < FIREWALLS; f++) {
			struct host h;
			char buf[STACK_WORDS_MAX];
			struct text t = text_of(buf, sizeof(buf));

			host_plain(&h);
			h.verdict.style = (enum reset_style)style;
			h.verdict.firewall = (enum firewall)f;
			stack_words_style(&t, &h.record);
			assert_false(t.cut);
			assert_true(t.len > 20);
			assert_int_equal(buf[t.len - 1], '.');
			assert_null(strstr(buf, "(null)"));
		}
	}
}

static void test_style_rst(void **state)
{
	struct host h;

	(void)state;
	host_plain(&h);
	expect_words(
	    stack_words_style, &h,
	    "Closed ports answer with a RST, and so does the listener to a stray ACK (a RST "
	    "from the LISTEN state, RFC 9293, 3.10.7.2): no firewall between.");
	h.verdict.firewall = FIREWALL_REJECTING;
	h.verdict.differs = SIGN_DISTANCE | SIGN_DF;
	expect_words(stack_words_style, &h,
		     "Closed ports answer with a RST that is not the listener's own (it differs by "
		     "distance, DF): a firewall rejects for it.");
	h.verdict.firewall = FIREWALL_UNKNOWN;
	h.facts.has_open = false;
	expect_words(stack_words_style, &h,
		     "Closed ports answer with a RST. No open port was found, so what stands "
		     "between is not known.");
}

/* What came from another distance is not the listener's doing, whatever the firewall is called. */
static void test_style_of_a_box(void **state)
{
	static const char want[] =
	    "Closed ports, and stray segments at the open one, are answered with a RST from "
	    "another distance than the SYN-ACK: a box in the path resets, and what the host would "
	    "do is not known.";
	struct host h;

	(void)state;
	host_plain(&h);
	h.verdict.cells[ACK].conforms = CONFORMS_UNTESTED;
	h.verdict.cells[ACK].why = WHY_OTHER_BOX;
	for (int f = 0; f < FIREWALLS; f++) {
		h.verdict.firewall = (enum firewall)f;
		expect_words(stack_words_style, &h, want);
	}
	/* a RST did come: "from nowhere" would be wrong as well */
	for (int style = 0; style < 2; style++) {
		h.verdict.style = style ? STYLE_SILENT : STYLE_FILTERED;
		expect_words(stack_words_style, &h,
			     "Closed ports stay silent, and stray segments at the open one are "
			     "answered with a RST from another distance than the SYN-ACK: a box in "
			     "the path decides.");
	}
	h.verdict.style = STYLE_FILTERED;
	h.verdict.firewall = FIREWALL_STATELESS;
	h.verdict.cells[ACK].why = WHY_NONE;
	expect_words(stack_words_style, &h,
		     "SYNs to closed ports stay unanswered while stray segments are not: a "
		     "stateless filter that drops SYNs.");
	host_plain(&h);
	h.verdict.origin = ORIGIN_MIDDLEBOX;
	h.verdict.differs = SIGN_DISTANCE;
	expect_words(stack_words_style, &h,
		     "Closed ports answer with a RST that is not the listener's own (it differs by "
		     "distance): a firewall rejects for it.");
	h.verdict.origin = ORIGIN_UNKNOWN;
	h.verdict.differs = 0;
	h.verdict.firewall = FIREWALL_REJECTING;
	expect_words(stack_words_style, &h,
		     "Closed ports answer with a RST, but other segments are rejected by ICMP: a "
		     "firewall between.");
}

static void test_style_silent(void **state)
{
	struct host h;

	(void)state;
	host_plain(&h);
	h.verdict.style = STYLE_SILENT;
	h.verdict.firewall = FIREWALL_STATELESS;
	expect_words(stack_words_style, &h,
		     "Closed ports stay silent while the listener resets stray segments: a drop "
		     "firewall on a Linux-like stack.");
	h.verdict.firewall = FIREWALL_STEALTH;
	h.verdict.family = FAMILY_WINDOWS;
	expect_words(stack_words_style, &h,
		     "Closed ports stay silent while the listener resets stray segments: "
		     "Windows-style silence (stealth firewall), high confidence.");
}

static void test_style_of_those_who_say_little(void **state)
{
	struct exchange *x;
	struct host h;

	(void)state;
	host_make(&h);
	h.verdict.style = STYLE_FILTERED;
	h.verdict.firewall = FIREWALL_UNKNOWN;
	expect_words(stack_words_style, &h,
		     "Nothing answers: no host is there, or a firewall drops all that was sent.");
	h.facts.complete = false;
	expect_words(stack_words_style, &h, "Nothing has answered so far.");
	x = answer(&h, FORMS, REACTION_ICMP_HOST, NULL);
	x->icmp_type = 3;
	x->icmp_code = 1;
	x->from = addr_v4(192, 0, 2, 1);
	expect_words(stack_words_style, &h,
		     "Nothing answers but an ICMP error (host-unreachable from 192.0.2.1): no host "
		     "is there, or no way to it.");
	x = answer(&h, FORMS, REACTION_ICMP_ADMIN, NULL);
	x->icmp_type = 3;
	x->icmp_code = 13;
	expect_words(stack_words_style, &h,
		     "Closed ports are rejected by ICMP (icmp-admin-prohibited from 192.0.2.7): a "
		     "firewall answers, on the host itself.");
	x->from = addr_v4(192, 0, 2, 1);
	expect_words(stack_words_style, &h,
		     "Closed ports are rejected by ICMP (icmp-admin-prohibited from 192.0.2.1): a "
		     "firewall answers, on the way.");
	h.verdict.style = STYLE_PROXIED;
	h.verdict.firewall = FIREWALL_SYNPROXY;
	expect_words(stack_words_style, &h,
		     "SYN proxy: every port asked accepts, even random ones; nothing is known of "
		     "the hosts behind.");
	expect_words(stack_words_family, &h,
		     "Which stack it is can't be told: what answers is the proxy.");
	host_make(&h);
	answer(&h, SYN, REACTION_SYN_ACK, NULL);
	h.facts.has_closed = false;
	h.verdict.style = STYLE_UNKNOWN;
	expect_words(stack_words_style, &h,
		     "How closed ports answer is not known: none was found.");
}

static void test_family(void **state)
{
	struct host h;

	(void)state;
	host_plain(&h);
	expect_words(stack_words_family, &h,
		     "The stack looks like Linux (high confidence, BSD comes next): its options "
		     "come as Linux orders them, the IP ID of the SYN-ACK is 0; against it: the "
		     "window of the SYN-ACK is 65535.");
	h.verdict.family_like = true;
	h.verdict.runner_up = FAMILY_UNKNOWN;
	h.verdict.n_evidence = 1;
	expect_words(stack_words_family, &h,
		     "The stack looks Linux-like (high confidence): its options come as Linux "
		     "orders them.");
	h.facts.family = ADDR_V6;
	expect_words(stack_words_family, &h,
		     "The stack looks Linux-like (high confidence): its options come as Linux "
		     "orders them (IPv6 has neither DF nor IP ID: fewer signs).");
	h.facts.family = ADDR_V4;
	h.verdict.family = FAMILY_UNKNOWN;
	expect_words(
	    stack_words_family, &h,
	    "Which stack it is can't be told: the only sign is that its options come in the "
	    "order MSTNW.");
	h.verdict.n_evidence = 0;
	expect_words(stack_words_family, &h,
		     "Which stack it is can't be told: nothing came back that tells stacks apart.");
	h.verdict.n_evidence = 3;
	for (int f = 0; f < FAMILIES; f++)
		h.verdict.sum[f] = -3;
	h.verdict.sum[FAMILY_SOLARIS] = 2;
	h.verdict.sum[FAMILY_LINUX] = 2;
	expect_words(stack_words_family, &h,
		     "Which stack it is can't be told: the 3 signs seen fit Linux as well as "
		     "Solaris.");
}

/* Each row that the judge may give has words of its own, not its key. */
static void test_every_sign_has_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < family_row_count; i++) {
		char buf[STACK_WORDS_MAX], key[32];
		struct text t = text_of(buf, sizeof(buf));
		struct host h;

		host_plain(&h);
		h.verdict.family = FAMILY_UNKNOWN;
		h.verdict.evidence[0] = family_rows[i];
		h.verdict.n_evidence = 1;
		stack_words_family(&t, &h.record);
		assert_false(t.cut);
		snprintf(key, sizeof(key), "%s is ", family_rows[i].what);
		assert_null(strstr(buf, key));
		assert_null(strstr(buf, "%"));
	}
}

static void test_protection(void **state)
{
	struct host h;

	(void)state;
	host_plain(&h);
	expect_words(stack_words_rfc, &h,
		     "RFC 5961 protects its connections in part. Of 8 cells tested 2 deviate: "
		     "CLOSED null-data (forgets the data); ESTABLISHED data-old-ack (takes the "
		     "octets).");
	/* the same deviation in one state is named once */
	answer_rst(&h, FORMS + SYN, TCP_ACK, 0, 1000, "forgets the data");
	expect_words(stack_words_rfc, &h,
		     "RFC 5961 protects its connections in part. Of 8 cells tested 3 deviate: "
		     "CLOSED syn and null-data (forgets the data); ESTABLISHED data-old-ack (takes "
		     "the octets).");
	/* the judge's verbs go before the names; three are named */
	for (size_t i = 0; i < FORMS; i++) {
		answer(&h, i, REACTION_NONE, "dropped silently; other SYNs are answered");
		answer(&h, FORMS + i, REACTION_NONE, "resets it instead of dropping it");
	}
	for (size_t i = 0; i < 2 * TALK_FORMS; i++) {
		h.verdict.cells[2 * FORMS + i].cell = &h.cells[2 * FORMS];
		answer(&h, 2 * FORMS + i, REACTION_NONE, "accepts it");
	}
	expect_words(stack_words_rfc, &h,
		     "RFC 5961 protects its connections in part. Of 10 cells tested 10 deviate: "
		     "LISTEN drops syn, ack and null-data (other SYNs are answered); CLOSED resets "
		     "syn, ack and null-data instead of dropping it; ESTABLISHED accepts "
		     "rst-in-window, rst-in-window, rst-in-window and 1 more.");
	h.verdict.suspect = true;
	expect_words(stack_words_rfc, &h, "");
	host_make(&h);
	answer(&h, SYN, REACTION_SYN_ACK, NULL);
	h.verdict.cells[2 * FORMS].why = WHY_PROXIED;
	{
		char want[300];

		snprintf(want, sizeof(want),
			 "Whether RFC 5961 protects its connections is not known: %s. None of the "
			 "1 cell tested deviates from RFC 9293.",
			 cell_why_text(WHY_PROXIED));
		expect_words(stack_words_rfc, &h, want);
	}
}

static void test_remarks(void **state)
{
	char buf[STACK_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));
	struct host h;

	(void)state;
	host_plain(&h);
	assert_false(stack_words_remark(&t, &h.record, 0));
	h.facts.complete = false;
	assert_true(stack_words_remark(&t, &h.record, 0));
	assert_string_equal(buf, "the run ended before this host was asked everything");
	assert_false(stack_words_remark(&t, &h.record, 1));
}

/* --- pages ------------------------------------------------------------------------ */

static struct run_info run_make(void)
{
	static char *none[] = {NULL};

	return (struct run_info){
	    .command = "stack",
	    .version = "0.1.0",
	    .argv = none,
	    .hosts = 1,
	    .per_host = true,
	    .stack = true,
	};
}

static void give(struct paper *p, const struct host *h)
{
	p->report->sink.stack(p->report->sink.ctx, &h->record);
}

static void test_text_block(void **state)
{
	const struct run_info run = run_make();
	const struct report_style style = {0};
	struct summary_record sum = {.complete = true,
				     .hosts_total = 1,
				     .hosts_up = 1,
				     .sent = 93,
				     .loss_estimate = -1,
				     .elapsed_s = 8.25};
	char want[2000];
	struct paper p;
	struct host h;

	(void)state;
	host_plain(&h);
	h.verdict.clues[h.verdict.n_clues++] = (struct clue){.id = CLUE_LISTEN_RST};
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	p.report->sink.summary(p.report->sink.ctx, &sum);
	snprintf(want, sizeof(want),
		 "web1 (192.0.2.7): port 80 open, port 41234 closed\n"
		 "SEGMENT    FLAGS  LISTEN         CLOSED\n"
		 "syn        S      + SYN-ACK      + RST,ACK ack=seq+1\n"
		 "ack        .      + RST seq=ack  + RST seq=ack\n"
		 "null-data  - +5   + -            ! RST,ACK ack=seq\n"
		 "\n"
		 "SEGMENT        FLAGS  ESTABLISHED\n"
		 "rst-in-window  R      + ACK alive\n"
		 "data-old-ack   P. +1  ! - taken\n"
		 "? TIME-WAIT: not tested: %s\n"
		 "\n"
		 "+ as RFC 9293 asks   ! deviates   ? not tested   - no answer\n"
		 "alive, gone: the connection afterwards   taken: alive, with the data or FIN\n"
		 "\n"
		 "Closed ports answer with a RST, and so does the listener to a stray ACK (a RST\n"
		 "from the LISTEN state, RFC 9293, 3.10.7.2): no firewall between.\n"
		 "The stack looks like Linux (high confidence, BSD comes next): its options come\n"
		 "as Linux orders them, the IP ID of the SYN-ACK is 0; against it: the window of\n"
		 "the SYN-ACK is 65535.\n"
		 "RFC 5961 protects its connections in part. Of 8 cells tested 2 deviate: CLOSED\n"
		 "null-data (forgets the data); ESTABLISHED data-old-ack (takes the octets).\n"
		 "\n"
		 "1 host in 8.25 s (93 segments)\n",
		 cell_why_text(WHY_SERVICE_STAYS));
	assert_string_equal(paper_end(&p), want);
	free(p.text);
}

static void test_text_names_what_is_not_told(void **state)
{
	const struct run_info run = run_make();
	const struct report_style style = {0};
	char want[600];
	struct paper p;
	struct host h;

	(void)state;
	host_make(&h);
	answer(&h, SYN, REACTION_SYN_ACK, NULL);
	h.facts.has_closed = false;
	h.verdict.suspect = true;
	h.record.name = "192.0.2.7"; /* typed as an address: said once */
	for (size_t i = 0; i < CELLS; i++)
		if (i != SYN)
			h.verdict.cells[i].why = i < FORMS ? WHY_STRAY_FILTERED : WHY_PROXIED;
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	snprintf(want, sizeof(want),
		 "192.0.2.7: port 80 accepts, no closed port found\n"
		 "SEGMENT    FLAGS  LISTEN\n"
		 "syn        S      + SYN-ACK\n"
		 "ack        .      ?\n"
		 "null-data  - +5   ?\n"
		 "? LISTEN ack, null-data: not tested: %s",
		 cell_why_text(WHY_STRAY_FILTERED));
	assert_int_equal(strncmp(paper_end(&p), want, 60), 0);
	assert_non_null(strstr(p.text, "? LISTEN ack, null-data: not tested: "));
	assert_non_null(strstr(p.text, "? CLOSED: not tested: "));
	assert_non_null(strstr(p.text, "? ESTABLISHED, TIME-WAIT: not tested: "));
	for (const char *line = p.text; *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(p.text);
}

static void test_text_verbose_and_colour(void **state)
{
	const struct run_info run = run_make();
	const struct report_style style = {.verbose = true, .color = true};
	struct paper p;
	struct host h;

	(void)state;
	host_plain(&h);
	answer(&h, NOTHING, REACTION_RST_ACK_OF_SEQ, "answers with a RST");
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	paper_end(&p);
	assert_non_null(strstr(p.text, "\033[32m+ SYN-ACK\033[0m"));
	assert_non_null(strstr(p.text, "\033[31m! RST,ACK ack=seq\033[0m"));
	assert_non_null(strstr(p.text, "\nlayout "));
	assert_non_null(strstr(p.text, "\nsum "));
	assert_non_null(strstr(p.text,
			       "\n! LISTEN null-data: answers with a RST; the RFC asks (must): "
			       "anything else is\n  dropped (RFC 9293, 3.10.7.2 fourth)\n"));
	assert_null(strstr(p.text, " bsd")); /* its sum is below 0 */
	free(p.text);
}

static void all_why(struct host *h, enum cell_why why)
{
	for (size_t i = 0; i < CELLS; i++)
		if (h->cells[i].state != IN_CLOSED)
			h->verdict.cells[i].why = why;
}

/* One reason for all that needs an open port, and no legend for a table that is not there. */
static void test_text_without_an_open_port(void **state)
{
	struct run_info run = run_make();
	const struct report_style style = {0};
	struct paper p;
	struct host h;

	(void)state;
	host_make(&h);
	h.facts.has_open = false;
	all_why(&h, WHY_NO_OPEN_PORT);
	answer_rst(&h, FORMS + SYN, TCP_ACK, 0, 1001, NULL);
	h.verdict.clues[h.verdict.n_clues++] = (struct clue){.id = CLUE_NO_OPEN_PORT};
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	assert_non_null(strstr(
	    paper_end(&p), "\n? CLOSED ack, null-data: not tested: the run ended first\n"
			   "? LISTEN and all states of connections: no open port found (give one "
			   "with -p)\n\n+ as RFC 9293 asks"));
	assert_null(strstr(p.text, "alive"));
	assert_null(strstr(p.text, "Note"));
	assert_null(strstr(p.text, "\n\n\n"));
	free(p.text);
	run.ports_given = true;
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	assert_non_null(strstr(paper_end(&p), "no open port found: none of -p accepts"));
	free(p.text);
}

static void test_text_of_nobody_on_the_link(void **state)
{
	struct run_source source = {.addr = addr_v4(192, 0, 2, 1)};
	struct run_info run = run_make();
	const struct report_style style = {0};
	struct summary_record sum = {.complete = true, .hosts_total = 1, .loss_estimate = -1};
	struct paper p;
	struct host h;

	(void)state;
	run.sources = &source;
	run.n_sources = 1;
	host_make(&h);
	answer(&h, FORMS, REACTION_ICMP_HOST, NULL)->from = source.addr;
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	p.report->sink.summary(p.report->sink.ctx, &sum);
	assert_string_equal(paper_end(&p), "web1 (192.0.2.7): no answer\n"
					   "No host is there: nobody answers for it on the link.\n"
					   "\n1 host (0 up) in 0.00 s (0 segments)\n");
	free(p.text);
}

/* Five states of connections fit into a terminal of 80 columns, the flags left out. */
static void test_text_fits_its_width(void **state)
{
	static const enum tcp_state states[] = {IN_SYN_RECEIVED, IN_ESTABLISHED, IN_CLOSE_WAIT,
						IN_FIN_WAIT_2, IN_TIME_WAIT};
	static const struct form form = {"data-old-ack", TCP_PSH | TCP_ACK, 5,
					 false,		 FORM_SEQ_NXT,	    FORM_ACK_OLD};
	const struct run_info run = run_make();
	struct report_style style = {.width = 80};
	struct paper p;
	struct host h;

	(void)state;
	host_make(&h);
	for (size_t i = 0; i < 5; i++) {
		set_cell(&h, i, states[i], &form, NULL);
		answer(&h, i, REACTION_CHALLENGE_ACK, NULL)->after = AFTER_ALIVE;
	}
	answer_rst(&h, 0, TCP_ACK, 0, 0, "resets the connection")->after = AFTER_GONE;
	h.verdict.n_cells = 5;
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	for (const char *line = paper_end(&p); *line; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") <= 80);
	assert_non_null(
	    strstr(p.text, "\nSEGMENT       SYN-RECEIVED    ESTABLISHED  CLOSE-WAIT   "));
	free(p.text);
	style.width = 100;
	paper_open(&p, report_text_new, &run, &style);
	give(&p, &h);
	assert_non_null(strstr(paper_end(&p), "\nSEGMENT       FLAGS  "));
	free(p.text);
}

static void test_text_of_many_hosts_is_a_line(void **state)
{
	struct run_info run = run_make();
	const struct report_style style = {0};
	struct paper p;
	struct host h;

	(void)state;
	run.per_host = false;
	run.hosts = 1000;
	paper_open(&p, report_text_new, &run, &style);
	host_plain(&h);
	h.facts.stopped = true;
	give(&p, &h);
	host_make(&h);
	give(&p, &h);
	assert_string_equal(paper_end(&p),
			    "web1 (192.0.2.7): style rst, family linux (high), firewall none, "
			    "stopped half-way\n"
			    "web1 (192.0.2.7): no answer\n");
	free(p.text);
}

static json_object *get(json_object *o, const char *key)
{
	json_object *v = NULL;

	assert_true(json_object_object_get_ex(o, key, &v));
	return v;
}

static void expect_key(json_object *o, const char *key, const char *want)
{
	json_object *v = get(o, key);

	assert_string_equal(v ? json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN) : "null",
			    want);
}

static void test_json(void **state)
{
	const struct run_info run = run_make();
	const struct report_style style = {0};
	json_object *o, *cell;
	struct paper p;
	struct host h;

	(void)state;
	host_plain(&h);
	h.verdict.origin = ORIGIN_ENDPOINT;
	paper_open(&p, report_json_new, &run, &style);
	give(&p, &h);
	paper_end(&p);
	assert_int_equal(strncmp(strchr(p.text, '\n') + 1, "{\"type\":\"stack\",\"addr\":", 23), 0);
	o = json_tokener_parse(strchr(p.text, '\n') + 1);
	assert_non_null(o);
	expect_key(o, "addr", "\"192.0.2.7\"");
	expect_key(o, "name", "\"web1\"");
	expect_key(o, "style", "\"rst\"");
	expect_key(o, "family", "\"linux\"");
	expect_key(o, "confidence", "\"high\"");
	expect_key(o, "runner_up", "\"bsd\"");
	expect_key(o, "firewall", "\"none\"");
	expect_key(o, "origin", "\"endpoint\"");
	expect_key(o, "rfc5961", "\"partial\"");
	expect_key(o, "suspect", "false");
	expect_key(o, "clues", "[]");
	expect_key(get(o, "sums"), "bsd", "-5");
	cell = json_object_array_get_idx(get(o, "evidence"), 0);
	expect_key(cell, "what", "\"layout\"");
	expect_key(get(cell, "points"), "linux", "2");
	assert_int_equal(json_object_array_length(get(o, "cells")), CELLS);
	cell = json_object_array_get_idx(get(o, "cells"), ACK);
	expect_key(cell, "state", "\"LISTEN\"");
	expect_key(cell, "probe", "\"ack\"");
	expect_key(cell, "port", "80");
	expect_key(cell, "expect", "\"rst-seq-from-ack\"");
	expect_key(cell, "saw", "\"rst-seq-from-ack\"");
	expect_key(cell, "conforms", "true");
	expect_key(cell, "tries", "1");
	expect_key(cell, "rfc", "\"9293 3.10.7.2 second\"");
	expect_key(cell, "level", "\"must\"");
	expect_key(cell, "rst",
		   "{\"flags\":\"R\",\"seq\":\"ack\",\"ack\":\"0\",\"win\":0,\"ttl\":64,\"df\":"
		   "true,\"ip_id\":0}");
	cell = json_object_array_get_idx(get(o, "cells"), NOTHING);
	expect_key(cell, "saw", "\"none\"");
	cell = json_object_array_get_idx(get(o, "cells"), FORMS + SYN);
	expect_key(cell, "port", "41234");
	expect_key(get(cell, "rst"), "flags", "\"RA\"");
	expect_key(get(cell, "rst"), "ack", "\"seq+len\"");
	cell = json_object_array_get_idx(get(o, "cells"), 2 * FORMS + 1);
	expect_key(cell, "after", "\"accepted\"");
	expect_key(cell, "how", "\"takes the octets\"");
	cell = json_object_array_get_idx(get(o, "cells"), CELLS - 1);
	expect_key(cell, "saw", "null");
	expect_key(cell, "conforms", "null");
	assert_non_null(get(cell, "why"));
	json_object_put(o);
	free(p.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_every_style_and_firewall_has_a_sentence),
	    cmocka_unit_test(test_style_rst),
	    cmocka_unit_test(test_style_of_a_box),
	    cmocka_unit_test(test_style_silent),
	    cmocka_unit_test(test_style_of_those_who_say_little),
	    cmocka_unit_test(test_family),
	    cmocka_unit_test(test_every_sign_has_words),
	    cmocka_unit_test(test_protection),
	    cmocka_unit_test(test_remarks),
	    cmocka_unit_test(test_text_block),
	    cmocka_unit_test(test_text_names_what_is_not_told),
	    cmocka_unit_test(test_text_verbose_and_colour),
	    cmocka_unit_test(test_text_without_an_open_port),
	    cmocka_unit_test(test_text_of_nobody_on_the_link),
	    cmocka_unit_test(test_text_fits_its_width),
	    cmocka_unit_test(test_text_of_many_hosts_is_a_line),
	    cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
