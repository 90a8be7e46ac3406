/* test_verdict: the state's name from sets of worlds. Whole tables run in sim/test_sweep.c. */
#include "unit/unit.h"

#include "judge/verdict.h"
#include "packet/segment.h"

struct seen {
	struct reply replies[4];
	struct observation o;
	const struct probe *kinds[3];
	uint8_t tries[3];
};

static void seen_init(struct seen *s, const char *a, const char *b, const char *c)
{
	const char *names[] = {a, b, c};

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < 3 && names[i]; i++) {
		s->kinds[i] = probe_find(names[i]);
		assert_non_null(s->kinds[i]);
		s->tries[i] = 3;
		s->o.n_kinds++;
	}
	s->o.kinds = s->kinds;
	s->o.tries = s->tries;
	s->o.min_tries = 3;
	s->o.family = ADDR_V4;
}

static void put(struct seen *s, unsigned kind, enum reaction r, enum fit f)
{
	s->replies[s->o.n_replies] = (struct reply){.kind = (uint8_t)kind,
						    .reaction = (uint8_t)r,
						    .fit = (uint8_t)f,
						    .icmp_type = 3,
						    .icmp_code = 13};
	s->o.replies[s->o.n_replies] = &s->replies[s->o.n_replies];
	s->o.n_replies++;
}

static bool has_clue(const struct verdict *v, enum clue_id id)
{
	for (unsigned i = 0; i < v->n_clues; i++)
		if (v->clues[i].id == id)
			return true;
	return false;
}

static void test_nothing_sent(void **state)
{
	struct verdict v;
	struct seen s;

	(void)state;
	seen_init(&s, "syn", NULL, NULL);
	s.tries[0] = 0;
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_NOT_PROBED);
	assert_string_equal(v.reason, "not-probed");
}

static void test_silence_needs_its_tries(void **state)
{
	struct verdict v;
	struct seen s;

	(void)state;
	seen_init(&s, "syn", NULL, NULL);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_FILTERED);
	s.tries[0] = 2;
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_INDETERMINATE);
	assert_true(has_clue(&v, CLUE_CUT_SHORT));
	s.tries[0] = 3;
	s.o.cut_short = true;
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_INDETERMINATE);
	put(&s, 0, REACTION_SYN_ACK, FIT_EXACT); /* an answer stands whatever ended the run */
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_OPEN);
}

/* Firm against firm is a finding; weak never contradicts firm. */
static void test_firm_and_weak(void **state)
{
	struct verdict v;
	struct seen s;

	(void)state;
	seen_init(&s, "syn", "fin", NULL);
	put(&s, 0, REACTION_SYN_ACK, FIT_EXACT);
	put(&s, 1, REACTION_RST_ACK_OF_SEQ, FIT_EXACT);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_OPEN);
	assert_false(v.weak);
	put(&s, 0, REACTION_RST_ODD, FIT_TUPLE);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_OPEN);
	put(&s, 0, REACTION_RST_ACK_OF_SEQ, FIT_EXACT);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_INCONSISTENT);
	assert_int_equal(v.decider->reaction, REACTION_SYN_ACK);
	assert_int_equal(v.against->reaction, REACTION_RST_ACK_OF_SEQ);
	assert_int_equal(v.against->kind, 0);
}

static void test_tuple_only(void **state)
{
	struct verdict v;
	struct seen s;

	(void)state;
	seen_init(&s, "syn", NULL, NULL);
	put(&s, 0, REACTION_SYN_ACK, FIT_TUPLE);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_INDETERMINATE);
	seen_init(&s, "syn", NULL, NULL);
	put(&s, 0, REACTION_RST_ODD, FIT_TUPLE);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_INDETERMINATE);
	assert_string_equal(v.reason, "rst-odd");
	assert_true(has_clue(&v, CLUE_TUPLE_ONLY));
	assert_false(has_clue(&v, CLUE_TUPLE_IN_USE));
}

/* Whatever it looks like: without our numbers it neither names a state nor gainsays one. */
static void test_without_proof(void **state)
{
	static const char *const kinds[] = {"syn", "ack", "fin"};

	(void)state;
	for (unsigned r = REACTION_SYN_ACK; r <= REACTION_ICMP_OTHER; r++) {
		for (size_t k = 0; k < 3; k++) {
			struct verdict v;
			struct seen s;

			seen_init(&s, kinds[k], NULL, NULL);
			put(&s, 0, (enum reaction)r, FIT_TUPLE);
			verdict_judge(&s.o, &v);
			assert_int_equal(v.state, STATE_INDETERMINATE);
			assert_int_equal(v.decider->reaction, r);
			put(&s, 0, REACTION_ICMP_ADMIN, FIT_EXACT);
			verdict_judge(&s.o, &v);
			assert_int_equal(v.state, STATE_REJECTED);
		}
	}
}

/* ICMP in one try, SYN-ACK in another: the listener is there, the path changes its mind. */
static void test_open_though_rejected_once(void **state)
{
	struct verdict v;
	struct seen s;

	(void)state;
	seen_init(&s, "syn", NULL, NULL);
	put(&s, 0, REACTION_ICMP_ADMIN, FIT_EXACT);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_REJECTED);
	assert_string_equal(v.reason, "icmp-admin-prohibited");
	put(&s, 0, REACTION_SYN_ACK, FIT_EXACT);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_OPEN);
	assert_true(has_clue(&v, CLUE_SOME_REJECTED));
}

/* Any order of the replies gives the same verdict. */
static void test_order_does_not_matter(void **state)
{
	static const enum reaction all[] = {REACTION_SYN_ACK,	 REACTION_RST_ACK_OF_SEQ,
					    REACTION_RST_ODD,	 REACTION_CHALLENGE_ACK,
					    REACTION_ICMP_ADMIN, REACTION_RST_SEQ_FROM_ACK};
	enum { N = sizeof(all) / sizeof(all[0]) };

	(void)state;
	for (unsigned i = 0; i < N * N * N; i++) {
		struct verdict a, b;
		struct seen s, t;
		unsigned pick[3] = {i % N, i / N % N, i / N / N};

		seen_init(&s, "syn", "ack", "fin");
		seen_init(&t, "syn", "ack", "fin");
		for (unsigned k = 0; k < 3; k++) {
			put(&s, k, all[pick[k]], FIT_EXACT);
			put(&t, 2 - k, all[pick[2 - k]], FIT_EXACT);
		}
		verdict_judge(&s.o, &a);
		verdict_judge(&t.o, &b);
		assert_int_equal(a.state, b.state);
		assert_int_equal(a.weak, b.weak);
		assert_int_equal(a.n_clues, b.n_clues);
	}
}

/* A RST is never answered: its silence leaves every world, and is no sign of a listener. */
static void test_silence_to_a_rst(void **state)
{
	static const struct probe rst = {"custom", TCP_RST, 0, "", ""};
	struct verdict v;
	struct seen s;

	(void)state;
	seen_init(&s, "fin", NULL, NULL);
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_OPEN_FILTERED);
	s.kinds[0] = &rst;
	verdict_judge(&s.o, &v);
	assert_int_equal(v.state, STATE_INDETERMINATE);
	assert_string_equal(v.reason, "no-response");
}

static void test_names(void **state)
{
	enum port_state s;

	(void)state;
	for (int i = 0; i < PORT_STATES; i++) {
		assert_int_equal(state_parse(state_name(i), &s), 0);
		assert_int_equal(s, i);
	}
	assert_int_equal(state_parse("opne", &s), -1);
	assert_string_equal(state_name(STATE_OPEN_FILTERED), "open|filtered");
	assert_string_equal(origin_name(ORIGIN_MIDDLEBOX), "middlebox");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_sent),
	    cmocka_unit_test(test_silence_needs_its_tries),
	    cmocka_unit_test(test_firm_and_weak),
	    cmocka_unit_test(test_tuple_only),
	    cmocka_unit_test(test_without_proof),
	    cmocka_unit_test(test_open_though_rejected_once),
	    cmocka_unit_test(test_order_does_not_matter),
	    cmocka_unit_test(test_silence_to_a_rst),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
