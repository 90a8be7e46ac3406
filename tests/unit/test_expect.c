/* expect: each word's states, what probings come to, and each outcome with its nearest neighbour.
 */
#include "unit.h"

#include "judge/expect.h"

#define BIT(n) (UINT32_C(1) << (n))

static struct expectation demand(const char *a, const char *b)
{
	struct expectation x = {.kind = EXPECT_STATE};

	assert_true(expect_add(&x, a));
	if (b)
		assert_true(expect_add(&x, b));
	return x;
}

static struct measure seen(enum port_state state)
{
	struct measure m;

	measure_clear(&m);
	m.state = (uint8_t)state;
	m.probings = 1;
	return m;
}

static struct measure seen_twice(enum port_state a, enum port_state b)
{
	struct measure m = seen(a), again = seen(b);

	measure_merge(&m, &again);
	return m;
}

static enum check_outcome judge(const char *a, const char *b, struct measure m)
{
	struct expectation x = demand(a, b);

	return expect_judge_port(&x, &m);
}

/* --- words -------------------------------------------------------------------------------- */

static void every_word_is_taken_once(void **state)
{
	size_t n = 0;

	(void)state;
	for (const char *w; (w = expect_state_word(n)); n++) {
		struct expectation x = {.kind = EXPECT_STATE};
		char copy[32];

		snprintf(copy, sizeof(copy), "%s", w);
		assert_true(expect_add(&x, copy));
		assert_ptr_equal(x.words[0], w); /* the table's own */
		assert_true(x.bits != 0);
		assert_false(expect_add(&x, copy));
		assert_int_equal(x.n_words, 1);
	}
	assert_int_equal(n, 11);
	for (n = 0; expect_style_word(n); n++) {
		struct expectation x = {.kind = EXPECT_STYLE};

		assert_true(expect_add(&x, expect_style_word(n)));
		assert_int_equal(x.bits, BIT(n));
		assert_false(expect_add(&x, expect_style_word(n)));
	}
	assert_int_equal(n, 6);
}

static void what_words_stand_for(void **state)
{
	(void)state;
	assert_int_equal(demand("silent", NULL).bits, BIT(STATE_FILTERED));
	assert_int_equal(demand("blocked", NULL).bits, BIT(STATE_FILTERED) | BIT(STATE_REJECTED));
	assert_int_equal(demand("closed", "rejected").bits,
			 BIT(STATE_CLOSED) | BIT(STATE_REJECTED));
	for (int s = 0; s < PORT_STATES; s++) {
		bool measured = s != STATE_INDETERMINATE && s != STATE_NOT_PROBED;
		bool looks_open = s == STATE_OPEN || s == STATE_SUSPECT || s == STATE_INCONSISTENT;

		assert_int_equal(!!(demand("not-open", NULL).bits & BIT(s)),
				 measured && !looks_open);
	}
}

static void words_that_are_none(void **state)
{
	static const char *const words[] = {"indeterminate", "not-probed", "OPEN", "",
					    "rst",	     "any"};
	struct expectation x = {.kind = EXPECT_STATE}, listens = {.kind = EXPECT_LISTEN_RST};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_false(expect_add(&x, words[i]));
	assert_int_equal(x.n_words + x.bits, 0);
	assert_false(expect_add(&listens, "open"));
}

static void only_so_many_words(void **state)
{
	struct expectation x = {.kind = EXPECT_STATE};

	(void)state;
	for (size_t i = 0; i < EXPECT_WORDS_MAX; i++)
		assert_true(expect_add(&x, expect_state_word(i)));
	assert_false(expect_add(&x, expect_state_word(EXPECT_WORDS_MAX)));
}

static void check_text(struct expectation x, uint64_t within, const char *want)
{
	char buf[128];

	x.within_ns = within;
	assert_string_equal(expect_text(&x, buf, sizeof(buf)), want);
}

static void demands_as_text(void **state)
{
	struct expectation style = {.kind = EXPECT_STYLE}, listens = {.kind = EXPECT_LISTEN_RST};
	char small[8];

	(void)state;
	check_text(demand("open", NULL), 0, "open");
	check_text(demand("closed", "blocked"), 0, "closed or blocked");
	check_text(demand("open", NULL), 200000000, "open within 200ms");
	check_text(demand("open", NULL), 1500000000, "open within 1500ms");
	check_text(demand("open", NULL), 2000000000, "open within 2s");
	check_text(demand("open", NULL), UINT64_C(120000000000), "open within 2m");
	check_text(demand("open", NULL), UINT64_C(7200000000000), "open within 2h");
	check_text(demand("open", "silent"), 250000, "open or silent within 250us");
	check_text(demand("open", NULL), 7, "open within 7ns");
	expect_add(&style, "rst");
	check_text(style, 0, "style rst");
	expect_add(&style, "silent");
	check_text(style, 0, "style rst or silent");
	check_text(listens, 0, "listen-rst");
	style.within_ns = 0;
	assert_int_equal(strlen(expect_text(&style, small, sizeof(small))), 7);
}

static void levels_and_outcomes(void **state)
{
	enum severity_level l;

	(void)state;
	for (int i = 0; i < LEVELS; i++) {
		assert_int_equal(level_parse(level_name((enum severity_level)i), &l), 0);
		assert_int_equal(l, i);
	}
	assert_int_equal(level_parse("Critical", &l), -1);
	assert_int_equal(level_parse("", &l), -1);
	assert_string_equal(check_outcome_name(CHECK_PASSED), "passed");
	assert_string_equal(check_outcome_name(CHECK_FAILED), "failed");
	assert_string_equal(check_outcome_name(CHECK_UNDECIDED), "indeterminate");
}

/* --- merging ------------------------------------------------------------------------------ */

static void nothing_yet(void **state)
{
	struct measure m;

	(void)state;
	memset(&m, 0xff, sizeof(m));
	measure_clear(&m);
	assert_int_equal(m.state, STATE_NOT_PROBED);
	assert_int_equal(m.rtt_us, MEASURE_NO_RTT);
	assert_null(m.reason);
	assert_int_equal(m.bits + m.probings + m.tries + m.from, 0);
}

/* Whatever stands first: the heavier one's state, reason and evidence are the result's. */
static void check_outweighs(enum port_state heavy, enum port_state light)
{
	struct measure h = seen(heavy), l = seen(light), a, b;

	h.reason = "heavy";
	h.ttl = 63;
	h.tries = 1;
	h.bits = MEASURE_FROM_PATH;
	l.reason = "light";
	l.tries = 4;
	a = h, b = l;
	measure_merge(&a, &l);
	measure_merge(&b, &h);
	for (struct measure *m = &a; m; m = m == &a ? &b : NULL) {
		assert_int_equal(m->state, heavy);
		assert_string_equal(m->reason, "heavy");
		assert_int_equal(m->ttl, 63);
		assert_int_equal(m->bits, MEASURE_FROM_PATH);
		assert_int_equal(m->probings, 2);
		assert_int_equal(m->tries, 4);
	}
}

static void answers_outweigh_silence(void **state)
{
	(void)state;
	check_outweighs(STATE_OPEN, STATE_FILTERED);
	check_outweighs(STATE_CLOSED, STATE_FILTERED);
	check_outweighs(STATE_REJECTED, STATE_OPEN_FILTERED);
	check_outweighs(STATE_UNFILTERED, STATE_FILTERED);
	check_outweighs(STATE_OPEN, STATE_UNFILTERED);
	check_outweighs(STATE_FILTERED, STATE_INDETERMINATE);
	check_outweighs(STATE_FILTERED, STATE_NOT_PROBED);
	check_outweighs(STATE_INDETERMINATE, STATE_NOT_PROBED);
	check_outweighs(STATE_CLOSED, STATE_NOT_PROBED);
}

static void the_same_again_confirms(void **state)
{
	struct measure m = seen(STATE_OPEN), again = seen(STATE_OPEN);

	(void)state;
	m.rtt_us = 900;
	again.rtt_us = 400;
	measure_merge(&m, &again);
	assert_int_equal(m.bits, MEASURE_CONFIRMED);
	assert_int_equal(m.rtt_us, 400);
	again.rtt_us = MEASURE_NO_RTT;
	measure_merge(&m, &again);
	assert_int_equal(m.rtt_us, 400);
	assert_int_equal(m.probings, 3);
	assert_int_equal(seen_twice(STATE_FILTERED, STATE_FILTERED).bits, MEASURE_CONFIRMED);
	/* what was not measured confirms nothing */
	assert_int_equal(seen_twice(STATE_INDETERMINATE, STATE_INDETERMINATE).bits, 0);
	assert_int_equal(seen_twice(STATE_NOT_PROBED, STATE_NOT_PROBED).bits, 0);
}

static void two_answers_stay_side_by_side(void **state)
{
	struct measure m = seen_twice(STATE_OPEN, STATE_CLOSED), again = seen(STATE_OPEN);

	(void)state;
	assert_int_equal(m.state, STATE_OPEN);
	assert_int_equal(m.other, STATE_CLOSED);
	assert_int_equal(m.bits, MEASURE_DIFFERS);
	measure_merge(&m, &again); /* a third one settles nothing */
	assert_int_equal(m.bits, MEASURE_DIFFERS);
	again = seen(STATE_CLOSED);
	measure_merge(&again, &m); /* and it is not lost where it comes second */
	assert_int_equal(again.state, STATE_CLOSED);
	assert_int_equal(again.bits, MEASURE_DIFFERS);
	assert_int_equal(again.other, STATE_OPEN);
	again = seen(STATE_OPEN);
	measure_merge(&again, &m);
	assert_int_equal(again.bits, MEASURE_DIFFERS);
	assert_int_equal(again.other, STATE_CLOSED);
	again = seen(STATE_FILTERED);
	measure_merge(&again, &m);
	assert_int_equal(again.state, STATE_OPEN);
	assert_int_equal(again.other, STATE_CLOSED);
}

static void counts_do_not_wrap(void **state)
{
	struct measure m = seen(STATE_OPEN), again = seen(STATE_OPEN);

	(void)state;
	m.probings = again.probings = 200;
	measure_merge(&m, &again);
	assert_int_equal(m.probings, UINT8_MAX);
}

static struct measure stray(enum port_state state, enum reaction r)
{
	struct measure m = seen(state);

	m.bits = MEASURE_ASKED_STRAY;
	m.stray = (uint8_t)r;
	m.stray_tries = 3;
	m.stray_probings = 1;
	return m;
}

static struct measure merged(struct measure m, struct measure again)
{
	measure_merge(&m, &again);
	return m;
}

static void stray_answers_merge_beside_the_state(void **state)
{
	struct measure rst = stray(STATE_NOT_PROBED, REACTION_RST_SEQ_FROM_ACK);
	struct measure none = stray(STATE_NOT_PROBED, REACTION_NONE);
	struct measure odd = stray(STATE_NOT_PROBED, REACTION_RST_ODD), m;

	(void)state;
	m = merged(seen(STATE_OPEN), rst);
	assert_int_equal(m.state, STATE_OPEN);
	assert_int_equal(m.stray, REACTION_RST_SEQ_FROM_ACK);
	assert_int_equal(m.bits, MEASURE_ASKED_STRAY);
	m = merged(rst, seen(STATE_OPEN)); /* the state is taken over, the stray answer kept */
	assert_int_equal(m.state, STATE_OPEN);
	assert_int_equal(m.stray, REACTION_RST_SEQ_FROM_ACK);
	assert_int_equal(m.bits, MEASURE_ASKED_STRAY);
	m = merged(none, rst);
	assert_int_equal(m.stray, REACTION_RST_SEQ_FROM_ACK);
	assert_int_equal(m.bits, MEASURE_ASKED_STRAY);
	m = merged(rst, none);
	assert_int_equal(m.stray, REACTION_RST_SEQ_FROM_ACK);
	m = merged(rst, odd);
	assert_int_equal(m.bits, MEASURE_ASKED_STRAY | MEASURE_STRAY_DIFFERS);
	m = merged(none, m);
	assert_int_equal(m.bits, MEASURE_ASKED_STRAY | MEASURE_STRAY_DIFFERS);
}

/* What is said of the ACK is how often the ACK was asked, not the SYN. */
static void stray_answers_have_counts_of_their_own(void **state)
{
	struct expectation open = demand("open", NULL), listen = {.kind = EXPECT_LISTEN_RST};
	struct measure none = stray(STATE_NOT_PROBED, REACTION_NONE), m = seen(STATE_OPEN);
	struct expect_asked n;

	(void)state;
	m.tries = 1;
	none.probings = 0;
	m = merged(m, none);
	n = expect_asked(&listen, &m);
	assert_int_equal(n.tries, 3);
	assert_int_equal(n.probings, 1);
	assert_false(n.confirmed);
	m = merged(m, none);
	n = expect_asked(&listen, &m);
	assert_int_equal(n.tries, 3);
	assert_int_equal(n.probings, 2);
	assert_true(n.confirmed);
	n = expect_asked(&open, &m);
	assert_int_equal(n.tries, 1);
	assert_int_equal(n.probings, 1);
	assert_false(n.confirmed);
	/* the port is closed: that is what fails, by the SYN */
	m = merged(m, seen(STATE_CLOSED));
	n = expect_asked(&listen, &m);
	assert_int_equal(n.probings, 2);
	assert_false(n.confirmed);
}

/* --- judging ------------------------------------------------------------------------------ */

static void states_pass_and_fail(void **state)
{
	(void)state;
	assert_int_equal(judge("open", NULL, seen(STATE_OPEN)), CHECK_PASSED);
	assert_int_equal(judge("open", NULL, seen(STATE_CLOSED)), CHECK_FAILED);
	assert_int_equal(judge("open", NULL, seen(STATE_SUSPECT)), CHECK_FAILED);
	assert_int_equal(judge("closed", "blocked", seen(STATE_REJECTED)), CHECK_PASSED);
	assert_int_equal(judge("closed", "blocked", seen(STATE_OPEN)), CHECK_FAILED);
	assert_int_equal(judge("silent", NULL, seen(STATE_REJECTED)), CHECK_FAILED);
	assert_int_equal(judge("not-open", NULL, seen(STATE_SUSPECT)), CHECK_FAILED);
	assert_int_equal(judge("not-open", NULL, seen(STATE_CLOSED)), CHECK_PASSED);
}

static void what_was_not_measured_is_undecided(void **state)
{
	(void)state;
	for (size_t i = 0; expect_state_word(i); i++) {
		assert_int_equal(judge(expect_state_word(i), NULL, seen(STATE_INDETERMINATE)),
				 CHECK_UNDECIDED);
		assert_int_equal(judge(expect_state_word(i), NULL, seen(STATE_NOT_PROBED)),
				 CHECK_UNDECIDED);
	}
}

static void what_leaves_two_states_open(void **state)
{
	(void)state;
	assert_int_equal(judge("open", NULL, seen(STATE_UNFILTERED)), CHECK_UNDECIDED);
	assert_int_equal(judge("open", "closed", seen(STATE_UNFILTERED)), CHECK_PASSED);
	assert_int_equal(judge("unfiltered", NULL, seen(STATE_UNFILTERED)), CHECK_PASSED);
	assert_int_equal(judge("silent", NULL, seen(STATE_UNFILTERED)), CHECK_FAILED);
	assert_int_equal(judge("open", NULL, seen(STATE_OPEN_FILTERED)), CHECK_UNDECIDED);
	assert_int_equal(judge("silent", NULL, seen(STATE_OPEN_FILTERED)), CHECK_UNDECIDED);
	assert_int_equal(judge("closed", NULL, seen(STATE_OPEN_FILTERED)), CHECK_FAILED);
	assert_int_equal(judge("open|filtered", NULL, seen(STATE_OPEN_FILTERED)), CHECK_PASSED);
	assert_int_equal(judge("closed", NULL, seen(STATE_INCONSISTENT)), CHECK_UNDECIDED);
	assert_int_equal(judge("not-open", NULL, seen(STATE_INCONSISTENT)), CHECK_UNDECIDED);
	assert_int_equal(judge("not-open", "open", seen(STATE_INCONSISTENT)), CHECK_PASSED);
	assert_int_equal(judge("inconsistent", NULL, seen(STATE_INCONSISTENT)), CHECK_PASSED);
	assert_int_equal(judge("silent", NULL, seen(STATE_INCONSISTENT)), CHECK_FAILED);
}

static void two_faces(void **state)
{
	(void)state;
	assert_int_equal(judge("open", NULL, seen_twice(STATE_OPEN, STATE_CLOSED)),
			 CHECK_UNDECIDED);
	assert_int_equal(judge("open", NULL, seen_twice(STATE_CLOSED, STATE_OPEN)),
			 CHECK_UNDECIDED);
	assert_int_equal(judge("open", "closed", seen_twice(STATE_CLOSED, STATE_OPEN)),
			 CHECK_PASSED);
	assert_int_equal(judge("silent", NULL, seen_twice(STATE_CLOSED, STATE_OPEN)), CHECK_FAILED);
	assert_int_equal(judge("not-open", NULL, seen_twice(STATE_CLOSED, STATE_REJECTED)),
			 CHECK_PASSED);
}

static enum check_outcome judge_within(uint32_t rtt_us, enum port_state s, const char *also)
{
	struct expectation x = demand("open", also);
	struct measure m = seen(s);

	x.within_ns = 200000000;
	m.rtt_us = rtt_us;
	return expect_judge_port(&x, &m);
}

static void round_trips(void **state)
{
	(void)state;
	assert_int_equal(judge_within(200000, STATE_OPEN, NULL), CHECK_PASSED);
	assert_int_equal(judge_within(200001, STATE_OPEN, NULL), CHECK_FAILED);
	assert_int_equal(judge_within(MEASURE_NO_RTT - 1, STATE_OPEN, NULL), CHECK_FAILED);
	assert_int_equal(judge_within(MEASURE_NO_RTT, STATE_OPEN, NULL), CHECK_UNDECIDED);
	assert_int_equal(judge_within(1, STATE_CLOSED, NULL), CHECK_FAILED);
	/* what needs no answer needs no round trip */
	assert_int_equal(judge_within(MEASURE_NO_RTT, STATE_FILTERED, "silent"), CHECK_PASSED);
	assert_int_equal(judge_within(900000, STATE_CLOSED, "closed"), CHECK_PASSED);
}

static enum check_outcome judge_listener(struct measure m)
{
	struct expectation x = {.kind = EXPECT_LISTEN_RST};

	return expect_judge_port(&x, &m);
}

static void listeners_and_stray_acks(void **state)
{
	struct measure differ = merged(stray(STATE_OPEN, REACTION_RST_SEQ_FROM_ACK),
				       stray(STATE_OPEN, REACTION_RST_ODD));

	(void)state;
	assert_int_equal(judge_listener(stray(STATE_OPEN, REACTION_RST_SEQ_FROM_ACK)),
			 CHECK_PASSED);
	assert_int_equal(judge_listener(stray(STATE_OPEN, REACTION_NONE)), CHECK_FAILED);
	assert_int_equal(judge_listener(stray(STATE_OPEN, REACTION_RST_ODD)), CHECK_FAILED);
	assert_int_equal(judge_listener(stray(STATE_CLOSED, REACTION_RST_SEQ_FROM_ACK)),
			 CHECK_FAILED);
	assert_int_equal(judge_listener(seen(STATE_CLOSED)), CHECK_FAILED);
	assert_int_equal(judge_listener(seen(STATE_OPEN)), CHECK_UNDECIDED);
	assert_int_equal(judge_listener(stray(STATE_INDETERMINATE, REACTION_RST_SEQ_FROM_ACK)),
			 CHECK_UNDECIDED);
	assert_int_equal(judge_listener(differ), CHECK_UNDECIDED);
	assert_int_equal(judge_listener(merged(stray(STATE_OPEN, REACTION_RST_SEQ_FROM_ACK),
					       seen(STATE_CLOSED))),
			 CHECK_UNDECIDED);
}

static void styles(void **state)
{
	struct expectation x = {.kind = EXPECT_STYLE};

	(void)state;
	expect_add(&x, "rst");
	assert_int_equal(expect_judge_style(&x, STYLE_RST), CHECK_PASSED);
	assert_int_equal(expect_judge_style(&x, STYLE_SILENT), CHECK_FAILED);
	assert_int_equal(expect_judge_style(&x, STYLE_UNKNOWN), CHECK_UNDECIDED);
	expect_add(&x, "unknown");
	assert_int_equal(expect_judge_style(&x, STYLE_UNKNOWN), CHECK_PASSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_word_is_taken_once),
	    cmocka_unit_test(what_words_stand_for),
	    cmocka_unit_test(words_that_are_none),
	    cmocka_unit_test(only_so_many_words),
	    cmocka_unit_test(demands_as_text),
	    cmocka_unit_test(levels_and_outcomes),
	    cmocka_unit_test(nothing_yet),
	    cmocka_unit_test(answers_outweigh_silence),
	    cmocka_unit_test(the_same_again_confirms),
	    cmocka_unit_test(two_answers_stay_side_by_side),
	    cmocka_unit_test(counts_do_not_wrap),
	    cmocka_unit_test(stray_answers_merge_beside_the_state),
	    cmocka_unit_test(stray_answers_have_counts_of_their_own),
	    cmocka_unit_test(states_pass_and_fail),
	    cmocka_unit_test(what_was_not_measured_is_undecided),
	    cmocka_unit_test(what_leaves_two_states_open),
	    cmocka_unit_test(two_faces),
	    cmocka_unit_test(round_trips),
	    cmocka_unit_test(listeners_and_stray_acks),
	    cmocka_unit_test(styles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
