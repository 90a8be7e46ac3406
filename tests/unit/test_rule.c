/* test_rule: the tables are complete, unique, and cite the RFC. */
#include "unit/unit.h"

#include <regex.h>

#include "judge/record.h"
#include "judge/rule.h"
#include "packet/segment.h"

static void test_every_pair_once(void **state)
{
	unsigned seen[PROBE_CLASSES][REACTIONS] = {{0}};

	(void)state;
	for (size_t i = 0; i < rule_count; i++)
		seen[rule_table[i].cls][rule_table[i].reaction]++;
	for (int c = 0; c < PROBE_CLASSES; c++)
		for (int r = 0; r < REACTIONS; r++)
			assert_int_equal(seen[c][r], 1);
	assert_int_equal(rule_count, PROBE_CLASSES * REACTIONS);
}

static void test_rows_are_sane(void **state)
{
	regex_t cite;

	(void)state;
	assert_int_equal(
	    regcomp(&cite, "^RFC [0-9]{3,5}, [0-9]+(\\.[0-9]+)*", REG_EXTENDED | REG_NOSUB), 0);
	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *r = &rule_table[i];

		assert_int_equal(regexec(&cite, r->clause, 0, NULL, 0), 0);
		assert_true(strlen(r->because) > 10);
		assert_true(r->worlds && !(r->worlds & ~WORLD_ANY));
		if (r->reaction == REACTION_NONE) /* silence is weak */
			assert_false(r->firm);
		if (reaction_is_icmp(r->reaction))
			assert_int_equal(r->worlds, WORLD_REJECTS);
		if (r->cls == PROBE_BARE &&
		    reaction_is_rst(r->reaction)) /* Windows resets at LISTEN too */
			assert_false(r->firm);
		assert_ptr_equal(rule_find(r->cls, r->reaction), r);
	}
	for (size_t i = 0; i < probe_count; i++)
		assert_int_equal(regexec(&cite, probe_table[i].clause, 0, NULL, 0), 0);
	regfree(&cite);
}

static void test_probes(void **state)
{
	static const char *const asked[] = {"syn",  "ack",	 "data", "finack", "synack",
					    "null", "null-data", "fin",	 "xmas",   "syn-data"};
	uint16_t flags;

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		assert_non_null(probe_find(asked[i]));
	assert_null(probe_find("nosuch"));
	for (size_t i = 0; i < probe_count; i++) {
		assert_true(strlen(probe_table[i].name) <= PROBE_NAME_MAX);
		assert_ptr_equal(probe_find(probe_table[i].name), &probe_table[i]); /* unique */
	}
	assert_true(probe_count <= PROBE_KINDS_MAX);
	assert_int_equal(probe_class_of(TCP_SYN), PROBE_SYN);
	assert_int_equal(probe_class_of(TCP_SYN | TCP_ECE | TCP_CWR), PROBE_SYN);
	assert_int_equal(probe_class_of(TCP_SYN | TCP_ACK), PROBE_ACK);
	assert_int_equal(probe_class_of(TCP_SYN | TCP_FIN), PROBE_SYN_ODD);
	assert_int_equal(probe_class_of(0), PROBE_BARE);
	assert_int_equal(probe_class_of(TCP_FIN | TCP_PSH | TCP_URG), PROBE_BARE);
	assert_int_equal(probe_class_of(TCP_RST | TCP_ACK | TCP_SYN), PROBE_RST);
	assert_int_equal(probe_parse_flags("sFpUeC", &flags), 0);
	assert_int_equal(flags, TCP_SYN | TCP_FIN | TCP_PSH | TCP_URG | TCP_ECE | TCP_CWR);
	assert_int_equal(probe_parse_flags("SX", &flags), -1);
	assert_int_equal(probe_parse_flags("", &flags), 0);
	assert_int_equal(flags, 0);
}

static void test_tokens_and_reasons(void **state)
{
	(void)state;
	for (int a = 0; a < REACTIONS; a++) {
		assert_true(strlen(reaction_token(a)) && strlen(reaction_help(a)));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(reaction_token(a), reaction_token(b));
	}
	assert_string_equal(reaction_token(REACTION_RST_SEQ_FROM_ACK), "rst-seq-from-ack");
	assert_string_equal(reaction_reason(REACTION_RST_ACK_OF_SEQ, ADDR_V4, 0, 0), "rst-ack");
	assert_string_equal(reaction_reason(REACTION_RST_SEQ_FROM_ACK, ADDR_V4, 0, 0), "rst");
	assert_string_equal(reaction_reason(REACTION_NONE, ADDR_V4, 0, 0), "no-response");
	assert_string_equal(reaction_reason(REACTION_ICMP_ADMIN, ADDR_V4, 3, 13),
			    "icmp-admin-prohibited");
	assert_string_equal(reaction_reason(REACTION_ICMP_ADMIN, ADDR_V6, 1, 1),
			    "icmp-admin-prohibited");
	assert_string_equal(reaction_reason(REACTION_ICMP_HOST, ADDR_V6, 1, 3), "host-unreachable");
	assert_int_equal(reaction_of_icmp(ADDR_V4, 3, 3), REACTION_ICMP_PORT);
	assert_int_equal(reaction_of_icmp(ADDR_V4, 3, 4), REACTION_NONE);
	assert_int_equal(reaction_of_icmp(ADDR_V6, 2, 0), REACTION_NONE);
	assert_int_equal(reaction_of_icmp(ADDR_V6, 1, 4), REACTION_ICMP_PORT);
	assert_int_equal(reaction_of_icmp(ADDR_V6, 3, 0), REACTION_ICMP_OTHER);
	for (int t = 0; t < 256;
	     t++) /* any type and code has a reason, so no reader can be crashed */
		for (int c = 0; c < 256; c++)
			assert_non_null(
			    reaction_reason(reaction_of_icmp(ADDR_V4, (uint8_t)t, (uint8_t)c),
					    ADDR_V4, (uint8_t)t, (uint8_t)c));
	for (int s = STYLE_UNKNOWN; s <= STYLE_MIXED; s++)
		assert_non_null(style_name(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_pair_once),
	    cmocka_unit_test(test_rows_are_sane),
	    cmocka_unit_test(test_probes),
	    cmocka_unit_test(test_tokens_and_reasons),
	};

	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
