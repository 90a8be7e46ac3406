/*
 * The table of origin as a table: each row decides something, each sign is asked for, and of two
 * rows that fit the same signs the earlier claims more, is the more special, or is listed here. And
 * what the signs of two replies, or of a reply and what drew it, are.
 */
#include "unit.h"

#include <stdio.h>

#include "judge/origin.h"
#include "packet/segment.h"

#define S(name) ((uint32_t)SIGN_##name)

/* --- the table -------------------------------------------------------------------------------- */

/* No row reads more than these; the others follow from them, or are of no row's need. */
static void test_each_row_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < origin_row_count; i++) {
		assert_ptr_equal(origin_judge(origin_rows[i].need), &origin_rows[i]);
		assert_int_equal(origin_rows[i].need & origin_rows[i].lack, 0);
		assert_non_null(origin_rows[i].because);
	}
	assert_int_equal(origin_rows[origin_row_count - 1].need, 0);
	assert_int_equal(origin_rows[origin_row_count - 1].origin, ORIGIN_UNKNOWN);
	assert_ptr_equal(origin_judge(0), &origin_rows[origin_row_count - 1]);
}

static void test_each_sign_is_read(void **state)
{
	uint32_t read = 0;

	(void)state;
	for (size_t i = 0; i < origin_row_count; i++)
		read |= origin_rows[i].need | origin_rows[i].lack;
	assert_int_equal(read, (1u << SIGNS) - 1);
	for (unsigned i = 0; i < SIGNS; i++) {
		assert_non_null(origin_sign_name(1u << i));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(origin_sign_name(1u << i),
						origin_sign_name(1u << k));
	}
	assert_null(origin_sign_name(1u << SIGNS));
	assert_null(origin_sign_name(S(DISTANCE) | S(DF)));
}

/* Never for certain where a perfect forgery would look the same. */
static void test_endpoint_is_not_certain(void **state)
{
	(void)state;
	for (size_t i = 0; i < origin_row_count; i++)
		if (origin_rows[i].origin == ORIGIN_ENDPOINT && origin_rows[i].sure == SURE_CERTAIN)
			assert_true(origin_rows[i].need & S(KERNEL));
}

/* Of different origins, both fit, neither asks for more than the other: why the first wins. */
static const struct justified {
	uint32_t first, then;
	const char *why;
} justified[] = {
    {S(WALK_TARGET), S(INITIAL_TTL), "the walk outranks a guess"},
    {S(WALK_TARGET), S(ACK_BIT), "the walk outranks a guess"},
    {S(WALK_TARGET), S(ACK_RULE), "the walk outranks a guess"},
    {S(WALK_TARGET), S(TOO_FAST), "the walk outranks a guess"},
    {S(WALK_TARGET), S(DF), "the walk outranks what is no sign of a box"},
    {S(WALK_TARGET), S(WIN_ECHO), "the walk outranks what is no sign of a box"},
    {S(WALK_TARGET), S(IP_ID_JUMPS), "the walk outranks what is no sign of a box"},
    {S(WALK_TARGET), S(DISTANCE) | S(IP_ID_CONTINUES),
     "it continues the counter, and is where the target is"},
};

static bool is_justified(const struct origin_row *a, const struct origin_row *b)
{
	for (size_t i = 0; i < sizeof(justified) / sizeof(justified[0]); i++)
		if (justified[i].first == a->need && justified[i].then == b->need)
			return true;
	return false;
}

/* How much a row claims: the word of a kernel, a box, a doubt, the rest. */
static int rank(const struct origin_row *r)
{
	if (r->need & (S(KERNEL) | S(LOCAL)))
		return 20;
	return (r->origin == ORIGIN_MIDDLEBOX ? 10 : r->origin == ORIGIN_UNKNOWN ? 5 : 0) + r->sure;
}

static void test_order(void **state)
{
	unsigned unexplained = 0;

	(void)state;
	for (size_t i = 0; i < origin_row_count; i++) {
		for (size_t k = i + 1; k < origin_row_count; k++) {
			const struct origin_row *a = &origin_rows[i], *b = &origin_rows[k];
			bool meet = !(a->need & b->lack) && !(b->need & a->lack);
			bool special = (a->need & b->need) == b->need;
			bool told = origin_judge(a->need | b->need) < a; /* by a row of both */

			if (!meet || special || told || rank(a) >= rank(b) || is_justified(a, b))
				continue;
			print_error("\"%s\" comes before \"%s\": why?\n", a->because, b->because);
			unexplained++;
		}
	}
	assert_int_equal(unexplained, 0);
}

static size_t row_of(uint32_t need)
{
	size_t i = 0;

	while (i < origin_row_count && origin_rows[i].need != need)
		i++;
	return i;
}

static void test_no_excuse_is_left_over(void **state)
{
	(void)state;
	for (size_t j = 0; j < sizeof(justified) / sizeof(justified[0]); j++) {
		size_t first = row_of(justified[j].first), then = row_of(justified[j].then);

		assert_true(first < then && then < origin_row_count);
		assert_true(rank(&origin_rows[first]) < rank(&origin_rows[then]));
		assert_non_null(justified[j].why);
	}
}

static const struct meaning {
	uint32_t signs;
	enum origin origin;
	enum sureness sure;
} meanings[] = {
    {0, ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(IP_ID_ZERO), ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(COMPARED), ORIGIN_ENDPOINT, SURE_POSSIBLE},
    {S(COMPARED) | S(IP_ID_ZERO) | S(STEADY), ORIGIN_ENDPOINT, SURE_POSSIBLE},
    {S(COMPARED) | S(IP_ID_CONTINUES), ORIGIN_ENDPOINT, SURE_LIKELY},
    {S(COMPARED) | S(DF), ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(COMPARED) | S(DF) | S(ACK_RULE), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(COMPARED) | S(INITIAL_TTL), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    /* one hop: by itself possible, with anything else likely */
    {S(COMPARED) | S(DISTANCE), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(COMPARED) | S(DISTANCE) | S(STEADY), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(COMPARED) | S(DISTANCE) | S(TOO_FAST), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(COMPARED) | S(DISTANCE) | S(FAR_DISTANCE), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(COMPARED) | S(DISTANCE) | S(FAR_DISTANCE) | S(IP_ID_CONTINUES), ORIGIN_UNKNOWN,
     SURE_POSSIBLE},
    {S(COMPARED) | S(DISTANCE) | S(IP_ID_JUMPS), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(COMPARED) | S(DISTANCE) | S(IP_ID_JUMPS) | S(IP_ID_ZERO), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(COMPARED) | S(DISTANCE) | S(OTHER_PATH), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    /* copies: small stacks echo a field, forgers several */
    {S(WIN_ECHO), ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(COMPARED) | S(WIN_ECHO), ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(IP_ID_ECHO), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(IP_ID_ECHO) | S(WIN_ECHO), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(OPTIONS_ECHO), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(OPTIONS_ECHO) | S(IP_ID_ECHO), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(SEQ_STEPS), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(COMPARED) | S(TOO_FAST), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(GOES_ON), ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(GOES_ON) | S(TOO_FAST), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(GOES_ON) | S(WALK_TARGET), ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(IP_ID_ECHO) | S(WALK_TARGET), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(COMPARED) | S(IP_ID_JUMPS), ORIGIN_UNKNOWN, SURE_POSSIBLE},
    {S(COMPARED) | S(IP_ID_JUMPS) | S(IP_ID_ZERO), ORIGIN_ENDPOINT, SURE_POSSIBLE},
    /* the walk outranks: a perfect copy is like the others, and drawn too near */
    {S(COMPARED) | S(IP_ID_CONTINUES) | S(WALK_NEARER), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(COMPARED) | S(WALK_TARGET), ORIGIN_ENDPOINT, SURE_LIKELY},
    {S(COMPARED) | S(WALK_TARGET) | S(INITIAL_TTL), ORIGIN_ENDPOINT, SURE_LIKELY},
    {S(COMPARED) | S(WALK_TARGET) | S(DISTANCE), ORIGIN_MIDDLEBOX, SURE_POSSIBLE},
    {S(COMPARED) | S(WALK_TARGET) | S(DISTANCE) | S(FAR_DISTANCE), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    {S(COMPARED) | S(WALK_TARGET) | S(TTL_MIRRORED), ORIGIN_MIDDLEBOX, SURE_LIKELY},
    /* who knows says so */
    {S(LOCAL), ORIGIN_LOCAL, SURE_LIKELY},
    {S(LOCAL) | S(KERNEL), ORIGIN_LOCAL, SURE_CERTAIN},
    {S(KERNEL) | S(COMPARED) | S(DISTANCE), ORIGIN_ENDPOINT, SURE_CERTAIN},
};

static void test_meanings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		const struct meaning *m = &meanings[i];
		const struct origin_row *r = origin_judge(m->signs);

		if (r->origin != m->origin || r->sure != m->sure)
			fail_msg("meaning %zu: %s, %s (%s)", i, origin_name(r->origin),
				 sureness_name(r->sure), r->because);
	}
}

/* --- reading signs ---------------------------------------------------------------------------- */

enum { SEQ = 1000, ACK = 5000, WIN = 64240, ID = 0x4711 };

static struct exchange reply(uint16_t asked, uint16_t flags, uint8_t ttl)
{
	return (struct exchange){
	    .answered_by = 1,
	    .reaction = flags & TCP_SYN	  ? REACTION_SYN_ACK
			: flags & TCP_ACK ? REACTION_RST_ACK_OF_SEQ
					  : REACTION_RST_SEQ_FROM_ACK,
	    .sent = {.seq = SEQ, .ack = ACK, .flags = asked, .len = asked & TCP_SYN ? 1 : 0},
	    .sent_win = WIN,
	    .sent_ip_id = ID,
	    .port = 80,
	    .flags = flags,
	    .seq = flags & TCP_ACK ? 0 : ACK,
	    .ack = flags & TCP_ACK ? SEQ + (asked & TCP_SYN ? 1 : 0) : 0,
	    .ttl = ttl,
	    .df = true,
	    .from = addr_v4(192, 0, 2, 7),
	};
}

static void test_two_rsts(void **state)
{
	struct exchange open = reply(TCP_ACK, TCP_RST, 61), closed = open, other;

	(void)state;
	assert_int_equal(origin_signs_of_pair(&open, &closed), S(COMPARED));
	closed.ttl = 62;
	assert_int_equal(origin_signs_of_pair(&open, &closed), S(COMPARED) | S(DISTANCE));
	closed.ttl = 63;
	assert_int_equal(origin_signs_of_pair(&open, &closed),
			 S(COMPARED) | S(DISTANCE) | S(FAR_DISTANCE));
	assert_int_equal(origin_signs_of_pair(&closed, &open),
			 S(COMPARED) | S(DISTANCE) | S(FAR_DISTANCE));
	/* another stack: how far it is from there, nobody knows */
	closed.ttl = 126;
	assert_int_equal(origin_signs_of_pair(&open, &closed), S(COMPARED) | S(INITIAL_TTL));
	closed = open;
	closed.df = false;
	assert_int_equal(origin_signs_of_pair(&open, &closed), S(COMPARED) | S(DF));
	closed.from.family = open.from.family = ADDR_V6; /* which has no DF */
	assert_int_equal(origin_signs_of_pair(&open, &closed), S(COMPARED));
	open.from.family = ADDR_V4;

	closed = open;
	closed.ack = SEQ;
	assert_int_equal(origin_signs_of_pair(&open, &closed), S(COMPARED) | S(ACK_RULE));
	closed.flags |= TCP_ACK;
	assert_int_equal(origin_signs_of_pair(&open, &closed),
			 S(COMPARED) | S(ACK_BIT) | S(ACK_RULE));
	other = open;
	other.ack = 12345;
	assert_int_equal(origin_signs_of_pair(&open, &other), S(COMPARED) | S(ACK_RULE));

	/* the RST to a SYN has other numbers anyway */
	closed.sent.flags = TCP_SYN;
	assert_int_equal(origin_signs_of_pair(&open, &closed), S(COMPARED));
}

static void test_rst_and_syn_ack(void **state)
{
	struct exchange syn_ack = reply(TCP_SYN, TCP_SYN | TCP_ACK, 61);
	struct exchange rst = reply(TCP_SYN, TCP_RST | TCP_ACK, 61);

	(void)state;
	rst.port = 81;
	assert_int_equal(origin_signs_of_pair(&rst, &syn_ack), S(COMPARED));
	rst.df = false; /* many stacks have another DF and another initial TTL in RSTs */
	rst.ttl = 252;
	assert_int_equal(origin_signs_of_pair(&rst, &syn_ack), S(COMPARED));
	rst.ttl = 253;
	assert_int_equal(origin_signs_of_pair(&rst, &syn_ack), S(COMPARED) | S(DISTANCE));
	rst.ttl = 64;
	assert_int_equal(origin_signs_of_pair(&rst, &syn_ack),
			 S(COMPARED) | S(DISTANCE) | S(FAR_DISTANCE));
	/* to the ACK at the very port that sends SYN-ACKs */
	rst = reply(TCP_ACK, TCP_RST, 62);
	assert_int_equal(origin_signs_of_pair(&rst, &syn_ack),
			 S(COMPARED) | S(DISTANCE) | S(OTHER_PATH));
	rst.port = 81;
	assert_int_equal(origin_signs_of_pair(&rst, &syn_ack), S(COMPARED) | S(DISTANCE));
	rst.port = 80;
	rst.ttl = 61;
	assert_int_equal(origin_signs_of_pair(&rst, &syn_ack), S(COMPARED));
}

static void test_echo(void **state)
{
	struct exchange rst = reply(TCP_SYN, TCP_RST | TCP_ACK, 61);

	(void)state;
	assert_int_equal(origin_signs_of_echo(&rst), S(IP_ID_ZERO));
	rst.from.family = ADDR_V6;
	assert_int_equal(origin_signs_of_echo(&rst), 0);
	rst.from.family = ADDR_V4;
	rst.sent_ip_id = 0; /* 0 is copied by nobody */
	assert_int_equal(origin_signs_of_echo(&rst), S(IP_ID_ZERO));
	rst.ip_id = rst.sent_ip_id = ID;
	assert_int_equal(origin_signs_of_echo(&rst), S(IP_ID_ECHO));
	rst.ip_id = ID + 1;
	rst.win = WIN;
	assert_int_equal(origin_signs_of_echo(&rst), S(WIN_ECHO));
	rst.win = WIN - 1;
	strcpy(rst.layout, "MSTNW");
	assert_int_equal(origin_signs_of_echo(&rst), S(OPTIONS_ECHO));
	/* a stack's own: time stamps; or not to be told, since ours offered less */
	strcpy(rst.layout, "NNT");
	assert_int_equal(origin_signs_of_echo(&rst), 0);
	strcpy(rst.layout, "?");
	assert_int_equal(origin_signs_of_echo(&rst), 0);
	/* not from an ACK of ours, which has none of these */
	rst.sent.flags = TCP_ACK;
	strcpy(rst.layout, "M");
	assert_int_equal(origin_signs_of_echo(&rst), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_row_decides),
	    cmocka_unit_test(test_each_sign_is_read),
	    cmocka_unit_test(test_endpoint_is_not_certain),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_no_excuse_is_left_over),
	    cmocka_unit_test(test_meanings),
	    cmocka_unit_test(test_two_rsts),
	    cmocka_unit_test(test_rst_and_syn_ack),
	    cmocka_unit_test(test_echo),
	};

	return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
