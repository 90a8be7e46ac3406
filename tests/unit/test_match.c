/* test_match: which packet answers which probe, and in what form. Each row has its counterpart. */
#include "unit/unit.h"

#include "judge/match.h"
#include "packet/segment.h"

enum { S = 1000, A = 5000 };

static const struct {
	const char *what;
	struct sent sent;
	uint16_t flags;
	uint32_t seq, ack, len;
	enum fit fit;
	enum reaction reaction;
} rows[] = {
    {"SYN-ACK", {S, 0, TCP_SYN, 1}, TCP_SYN | TCP_ACK, 77, S + 1, 0, FIT_EXACT, REACTION_SYN_ACK},
    {"SYN-ACK of another SYN",
     {S, 0, TCP_SYN, 1},
     TCP_SYN | TCP_ACK,
     77,
     S + 2,
     0,
     FIT_TUPLE,
     REACTION_SYN_ACK},
    {"SYN-ACK that acks nothing",
     {S, 0, TCP_SYN, 1},
     TCP_SYN | TCP_ACK,
     77,
     S,
     0,
     FIT_TUPLE,
     REACTION_SYN_ACK},
    {"SYN-ACK taking the data",
     {S, 0, TCP_SYN, 6},
     TCP_SYN | TCP_ACK,
     77,
     S + 6,
     0,
     FIT_EXACT,
     REACTION_SYN_ACK},
    {"SYN-ACK across the wrap",
     {0xffffffff, 0, TCP_SYN, 1},
     TCP_SYN | TCP_ACK,
     77,
     0,
     0,
     FIT_EXACT,
     REACTION_SYN_ACK},
    {"RST-ACK of a SYN",
     {S, 0, TCP_SYN, 1},
     TCP_RST | TCP_ACK,
     0,
     S + 1,
     0,
     FIT_EXACT,
     REACTION_RST_ACK_OF_SEQ},
    {"RST-ACK of SYN and data",
     {S, 0, TCP_SYN, 6},
     TCP_RST | TCP_ACK,
     0,
     S + 6,
     0,
     FIT_EXACT,
     REACTION_RST_ACK_OF_SEQ},
    {"RST-ACK that counts nothing",
     {S, 0, TCP_FIN, 1},
     TCP_RST | TCP_ACK,
     0,
     S,
     0,
     FIT_EXACT,
     REACTION_RST_ACK_OF_SEQ},
    {"RST-ACK of another segment",
     {S, 0, TCP_SYN, 1},
     TCP_RST | TCP_ACK,
     0,
     S + 2,
     0,
     FIT_TUPLE,
     REACTION_RST_ODD},
    {"RST-ACK before ours",
     {S, 0, TCP_SYN, 1},
     TCP_RST | TCP_ACK,
     0,
     S - 1,
     0,
     FIT_TUPLE,
     REACTION_RST_ODD},
    {"RST of an ACK", {S, A, TCP_ACK, 0}, TCP_RST, A, 0, 0, FIT_EXACT, REACTION_RST_SEQ_FROM_ACK},
    {"RST of an ACK, off by one",
     {S, A, TCP_ACK, 0},
     TCP_RST,
     A + 1,
     0,
     0,
     FIT_TUPLE,
     REACTION_RST_ODD},
    {"RST of data",
     {S, A, TCP_ACK | TCP_PSH, 5},
     TCP_RST,
     A,
     0,
     0,
     FIT_EXACT,
     REACTION_RST_SEQ_FROM_ACK},
    {"lwIP: RST-ACK of an ACK",
     {S, A, TCP_ACK, 0},
     TCP_RST | TCP_ACK,
     A,
     S,
     0,
     FIT_EXACT,
     REACTION_RST_ACK_OF_SEQ},
    {"RST-ACK with our ACK, odd ack",
     {S, A, TCP_ACK, 0},
     TCP_RST | TCP_ACK,
     A,
     9,
     0,
     FIT_EXACT,
     REACTION_RST_ODD},
    {"RST without ACK, its field filled",
     {S, 0, TCP_SYN, 1},
     TCP_RST,
     77,
     S + 1,
     0,
     FIT_EXACT,
     REACTION_RST_ODD},
    {"RST with seq 0 of a SYN", {S, 0, TCP_SYN, 1}, TCP_RST, 0, 0, 0, FIT_TUPLE, REACTION_RST_ODD},
    {"RST with seq = ack field of a SYN",
     {S, A, TCP_SYN, 1},
     TCP_RST,
     A,
     0,
     0,
     FIT_EXACT,
     REACTION_RST_SEQ_FROM_ACK},
    {"RST with SYN",
     {S, 0, TCP_SYN, 1},
     TCP_RST | TCP_SYN | TCP_ACK,
     0,
     S + 1,
     0,
     FIT_TUPLE,
     REACTION_RST_ODD},
    {"challenge ACK", {S, 0, TCP_SYN, 1}, TCP_ACK, 7, 8, 0, FIT_TUPLE, REACTION_CHALLENGE_ACK},
    {"FIN", {S, 0, TCP_SYN, 1}, TCP_FIN | TCP_ACK, 7, 8, 0, FIT_TUPLE, REACTION_FIN},
    {"data", {S, 0, TCP_SYN, 1}, TCP_PSH | TCP_ACK, 7, 8, 4, FIT_TUPLE, REACTION_DATA},
    {"a SYN", {S, 0, TCP_SYN, 1}, TCP_SYN, 7, S + 1, 0, FIT_NONE, REACTION_NONE},
    {"NULL", {S, 0, TCP_SYN, 1}, 0, 7, S + 1, 0, FIT_NONE, REACTION_NONE},
};

static void test_segments(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet p = {.kind = PACKET_TCP,
				   .seg = {.flags = rows[i].flags,
					   .seq = rows[i].seq,
					   .ack = rows[i].ack,
					   .payload_len = rows[i].len}};
		enum reaction r = REACTION_NONE;
		enum fit f = match_reply(&rows[i].sent, &p, &r);

		if (f != rows[i].fit || (f != FIT_NONE && r != rows[i].reaction))
			fail_msg("%s: fit %d, %s", rows[i].what, f, reaction_token(r));
	}
}

static void test_icmp(void **state)
{
	struct sent sent = {S, 0, TCP_SYN, 1};
	struct packet p = {.kind = PACKET_ICMP_ERROR,
			   .icmp_type = 3,
			   .icmp_code = 13,
			   .quoted = {.has_ports = true, .has_seq = true, .seq = S}};
	enum reaction r;

	(void)state;
	p.seg.src.family = ADDR_V4;
	assert_int_equal(match_reply(&sent, &p, &r), FIT_EXACT);
	assert_int_equal(r, REACTION_ICMP_ADMIN);
	p.quoted.seq = S + 1;
	assert_int_equal(match_reply(&sent, &p, &r), FIT_NONE);
	p.quoted.has_seq = false;
	assert_int_equal(match_reply(&sent, &p, &r), FIT_TUPLE);
	p.icmp_code = 4; /* fragmentation needed rejects nothing */
	assert_int_equal(match_reply(&sent, &p, &r), FIT_NONE);
}

/* Only of a RST is it known that nothing on the way in had a hand in it. */
static void test_broken(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		const struct packet p = {.kind = i & 8 ? PACKET_ICMP_ERROR : PACKET_TCP,
					 .csum_checked = true,
					 .csum_bad = i & 1,
					 .csum_left = (i & 3) == 3,
					 .seg = {.flags = i & 4 ? TCP_RST | TCP_ACK : TCP_ACK}};

		assert_int_equal(match_is_broken(&p), i == 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_segments),
	    cmocka_unit_test(test_icmp),
	    cmocka_unit_test(test_broken),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
