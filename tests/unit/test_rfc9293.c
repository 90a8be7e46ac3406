/* test_rfc9293: the table of the RFC has one answer at most for each question, and the battery asks
 * nothing that it can't answer. */
#include "unit.h"

#include <regex.h>

#include "judge/battery.h"
#include "judge/probe.h"
#include "judge/rfc9293.h"
#include "packet/segment.h"

static void test_at_most_one_row(void **state)
{
	(void)state;
	for (int s = 0; s < IN_STATES; s++) {
		for (int seg = 0; seg < RFC_SEGMENTS; seg++) {
			const struct rfc_row *first = NULL;

			for (size_t i = 0; i < rfc_row_count; i++) {
				const struct rfc_row *r = &rfc_rows[i];

				if (r->segment != (enum rfc_segment)seg || !(r->states & 1U << s))
					continue;
				assert_null(first);
				first = r;
			}
			assert_ptr_equal(rfc_find((enum tcp_state)s, (enum rfc_segment)seg), first);
		}
	}
}

static void test_rows_are_sane(void **state)
{
	regex_t cite;

	(void)state;
	assert_int_equal(regcomp(&cite,
				 "^[0-9]{4} [0-9]+(\\.[0-9]+)*( (first|second|third|fourth|fifth))?"
				 "(; [0-9]{4}( [0-9]+)?)?$",
				 REG_EXTENDED | REG_NOSUB),
			 0);
	for (size_t i = 0; i < rfc_row_count; i++) {
		const struct rfc_row *r = &rfc_rows[i];

		if (regexec(&cite, r->clause, 0, NULL, 0) != 0)
			fail_msg("clause \"%s\"", r->clause);
		assert_true(r->states && !(r->states >> IN_STATES));
		assert_true(strlen(r->required) > 10);
		assert_non_null(r->deviates);
		/* CLOSED and LISTEN have no connection that could live on */
		if (r->states & (1U << IN_CLOSED | 1U << IN_LISTEN))
			assert_int_equal(r->after, AFTER_UNKNOWN);
		assert_false(reaction_is_icmp(r->expect));
	}
	regfree(&cite);
}

/* The rows that everything rests on, once more by hand. */
static void test_what_is_asked(void **state)
{
	static const struct {
		enum tcp_state s;
		enum rfc_segment seg;
		enum reaction expect;
		enum rfc_after after;
		enum rfc_level level;
	} rows[] = {
	    {IN_CLOSED, RFC_RST, REACTION_NONE, AFTER_UNKNOWN, RFC_MUST},
	    {IN_CLOSED, RFC_ACK, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST},
	    {IN_CLOSED, RFC_SYN, REACTION_RST_ACK_OF_SEQ, AFTER_UNKNOWN, RFC_MUST},
	    {IN_CLOSED, RFC_SYN_FIN, REACTION_RST_ACK_OF_SEQ, AFTER_UNKNOWN, RFC_MUST},
	    {IN_CLOSED, RFC_BARE, REACTION_RST_ACK_OF_SEQ, AFTER_UNKNOWN, RFC_MUST},
	    {IN_LISTEN, RFC_RST, REACTION_NONE, AFTER_UNKNOWN, RFC_MUST},
	    {IN_LISTEN, RFC_ACK, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST},
	    {IN_LISTEN, RFC_SYN, REACTION_SYN_ACK, AFTER_UNKNOWN, RFC_MUST},
	    {IN_LISTEN, RFC_SYN_FIN, REACTION_SYN_ACK, AFTER_UNKNOWN, RFC_SHOULD},
	    {IN_LISTEN, RFC_BARE, REACTION_NONE, AFTER_UNKNOWN, RFC_MUST},
	    {IN_SYN_RECEIVED, RFC_ACK_UNSENT, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST},
	    {IN_SYN_RECEIVED, RFC_SYN_IN_WINDOW, REACTION_NONE, AFTER_GONE, RFC_SHOULD},
	    {IN_ESTABLISHED, RFC_RST_EXACT, REACTION_NONE, AFTER_GONE, RFC_MUST},
	    {IN_ESTABLISHED, RFC_RST_IN_WINDOW, REACTION_CHALLENGE_ACK, AFTER_ALIVE, RFC_SHOULD},
	    {IN_ESTABLISHED, RFC_RST_OUTSIDE, REACTION_NONE, AFTER_ALIVE, RFC_MUST},
	    {IN_ESTABLISHED, RFC_SYN_IN_WINDOW, REACTION_CHALLENGE_ACK, AFTER_ALIVE, RFC_SHOULD},
	    {IN_ESTABLISHED, RFC_ACK_UNSENT, REACTION_CHALLENGE_ACK, AFTER_ALIVE, RFC_MUST},
	    {IN_ESTABLISHED, RFC_DATA_OLD_ACK, REACTION_CHALLENGE_ACK, AFTER_ALIVE, RFC_SHOULD},
	    {IN_ESTABLISHED, RFC_NO_ACK, REACTION_NONE, AFTER_ALIVE, RFC_MUST},
	    /* RFC 9293 ends it, RFC 1337 doesn't */
	    {IN_TIME_WAIT, RFC_RST_EXACT, REACTION_NONE, AFTER_UNKNOWN, RFC_MAY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rfc_row *r = rfc_find(rows[i].s, rows[i].seg);

		assert_non_null(r);
		assert_int_equal(r->expect, rows[i].expect);
		assert_int_equal(r->after, rows[i].after);
		assert_int_equal(r->level, rows[i].level);
	}
	assert_null(rfc_find(IN_LISTEN, RFC_RST_EXACT));
	assert_null(rfc_find(IN_ESTABLISHED, RFC_BARE));
}

static enum rfc_segment segment_by_flags(uint16_t flags)
{
	switch (probe_class_of(flags)) {
	case PROBE_RST: return RFC_RST;
	case PROBE_ACK: return RFC_ACK;
	case PROBE_BARE: return RFC_BARE;
	case PROBE_SYN_ODD: return RFC_SYN_FIN;
	default: return RFC_SYN;
	}
}

static void test_battery(void **state)
{
	(void)state;
	assert_true(battery_count <= BATTERY_MAX);
	assert_string_equal(battery[0].form->name, "syn");
	assert_int_equal(battery[0].state, IN_LISTEN);
	for (size_t i = 0; i < BATTERY_STRAY; i++) {
		for (int s = IN_CLOSED; s <= IN_LISTEN; s++) {
			const struct cell *c = &battery[battery_stray((enum tcp_state)s, i)];

			assert_int_equal(c->state, s);
			assert_ptr_equal(c->form, &stray_forms[i]);
			assert_int_equal(c->segment, segment_by_flags(c->form->flags));
		}
	}
	for (size_t k = 0; k < battery_count; k++) {
		const struct cell *c = &battery[k];

		assert_int_equal(battery_find(c->state, c->form->name), k); /* unique */
		assert_non_null(rfc_find(c->state, c->segment));
		if (c->form->options)
			assert_true(c->form->flags & TCP_SYN);
	}
	assert_int_equal(battery_find(IN_LISTEN, "nosuch"), -1);
	assert_int_equal(battery_find(IN_SYN_SENT, "syn"), -1);
}

/* One name, one segment, in `scan --probe` and here. */
static void test_names_of_probes(void **state)
{
	(void)state;
	for (size_t i = 0; i < BATTERY_STRAY; i++) {
		const struct probe *p = probe_find(stray_forms[i].name);

		if (!p)
			continue;
		assert_int_equal(p->flags, stray_forms[i].flags);
		assert_int_equal(p->payload_len, stray_forms[i].payload_len);
	}
	for (size_t i = 0; i < probe_count; i++)
		assert_true(battery_find(IN_LISTEN, probe_table[i].name) >= 0);
}

static void test_names(void **state)
{
	(void)state;
	for (int a = 0; a < IN_STATES; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(tcp_state_name((enum tcp_state)a),
						tcp_state_name((enum tcp_state)b));
	assert_string_equal(tcp_state_name(IN_SYN_RECEIVED), "SYN-RECEIVED");
	assert_string_equal(tcp_state_name(IN_FIN_WAIT_2), "FIN-WAIT-2");
	assert_string_equal(rfc_level_name(RFC_MUST), "must");
	assert_string_equal(rfc_level_name(RFC_SHOULD), "should");
	assert_string_equal(rfc_level_name(RFC_MAY), "may");
	assert_string_equal(rfc_after_name(AFTER_UNKNOWN), "unknown");
	assert_string_equal(rfc_after_name(AFTER_ALIVE), "alive");
	assert_string_equal(rfc_after_name(AFTER_GONE), "gone");
	assert_string_equal(rfc_after_name(AFTER_ACCEPTED), "accepted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_at_most_one_row), cmocka_unit_test(test_rows_are_sane),
	    cmocka_unit_test(test_what_is_asked),   cmocka_unit_test(test_battery),
	    cmocka_unit_test(test_names_of_probes), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("rfc9293", tests, NULL, NULL);
}
