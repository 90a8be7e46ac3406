/* test_exchange: what is kept of an answer, and how its numbers relate to ours. */
#include "unit.h"

#include "judge/exchange.h"
#include "packet/segment.h"

enum { SEQ = 1000, ACK = 50000, WIN = 1021 };

static struct exchange sent(uint16_t flags, uint32_t payload)
{
	return (struct exchange){
	    .sent = {SEQ, ACK, flags, payload + !!(flags & TCP_SYN) + !!(flags & TCP_FIN)},
	    .sent_win = WIN};
}

static struct packet segment(uint16_t flags, uint32_t seq, uint32_t ack)
{
	struct packet p = {.kind = PACKET_TCP};

	p.seg.src = addr_v4(192, 0, 2, 7);
	p.seg.flags = flags;
	p.seg.seq = seq;
	p.seg.ack = ack;
	p.seg.ttl = 61;
	return p;
}

static void test_take(void **state)
{
	struct exchange x = sent(TCP_SYN, 0), before = x;
	struct packet p = segment(TCP_SYN | TCP_ACK, 77, SEQ + 1);

	(void)state;
	p.seg.win = 65160;
	p.seg.df = true;
	p.seg.ip_id = 9;
	p.options.has_mss = true;
	p.options.mss = 1460;
	strcpy(p.options.layout, "MNWNNTSE");
	assert_int_equal(exchange_take(&x, &p), FIT_EXACT);
	assert_int_equal(x.reaction, REACTION_SYN_ACK);
	assert_int_equal(x.seq, 77);
	assert_int_equal(x.ack, SEQ + 1);
	assert_int_equal(x.win, 65160);
	assert_int_equal(x.mss, 1460);
	assert_int_equal(x.ttl, 61);
	assert_true(x.df);
	assert_int_equal(x.ip_id, 9);
	assert_string_equal(x.layout, "MNWNNTS");
	assert_true(addr_equal(&x.from, &p.seg.src));

	/* foreign: a SYN of its own changes nothing */
	x = before;
	p.seg.flags = TCP_SYN;
	assert_int_equal(exchange_take(&x, &p), FIT_NONE);
	assert_memory_equal(&x, &before, sizeof(x));
}

static void test_layouts(void **state)
{
	static const struct {
		const char *seen, *kept;
	} rows[] = {
	    {"", ""},
	    {"E", ""},
	    {"ME", "M"},
	    {"MEE", "M"},
	    {"NNTEM", "NNTEM"}, /* only at the end is it padding */
	    {"MNWNNTNNTNNTNNTNNTNNTNNTNNT", "MNWNNTNNTNNTNNTNNTNNTNN"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exchange x = sent(TCP_SYN, 0);
		struct packet p = segment(TCP_SYN | TCP_ACK, 77, SEQ + 1);

		strcpy(p.options.layout, rows[i].seen);
		exchange_take(&x, &p);
		assert_string_equal(x.layout, rows[i].kept);
		assert_int_equal(x.mss, 0);
	}
}

static void test_icmp(void **state)
{
	struct exchange x = sent(TCP_SYN, 0);
	struct packet p = segment(0, 0, 0);

	(void)state;
	p.kind = PACKET_ICMP_ERROR;
	p.seg.src = addr_v4(192, 0, 2, 1);
	p.icmp_type = 3;
	p.icmp_code = 13;
	p.quoted.has_seq = true;
	p.quoted.seq = SEQ;
	assert_int_equal(exchange_take(&x, &p), FIT_EXACT);
	assert_int_equal(x.reaction, REACTION_ICMP_ADMIN);
	assert_int_equal(x.icmp_type, 3);
	assert_int_equal(x.icmp_code, 13);
	assert_true(addr_equal(&x.from, &p.seg.src));
	x.answered_by = 1;
	assert_false(exchange_is_rst(&x));
	/* a segment after it leaves nothing of the error */
	p = segment(TCP_RST | TCP_ACK, 0, SEQ + 1);
	exchange_take(&x, &p);
	assert_true(exchange_is_rst(&x));
	assert_int_equal(x.icmp_code, 0);
}

static void test_relations(void **state)
{
	static const struct {
		uint16_t flags, payload; /* ours */
		uint32_t seq, ack;
		enum rst_seq rst_seq;
		enum rst_ack rst_ack;
	} rows[] = {
	    {TCP_ACK, 0, ACK, 0, RST_SEQ_OUR_ACK, RST_ACK_ZERO},
	    {TCP_ACK, 0, ACK, SEQ, RST_SEQ_OUR_ACK, RST_ACK_SEQ_LEN},
	    {TCP_ACK, 0, ACK, ACK, RST_SEQ_OUR_ACK, RST_ACK_OTHER},
	    {TCP_ACK, 0, ACK + 1, SEQ, RST_SEQ_OTHER, RST_ACK_SEQ_LEN},
	    {TCP_SYN, 0, 0, SEQ + 1, RST_SEQ_ZERO, RST_ACK_SEQ_LEN},
	    {TCP_SYN, 8, 0, SEQ + 9, RST_SEQ_ZERO, RST_ACK_SEQ_LEN},
	    {TCP_SYN, 8, 0, SEQ + 1, RST_SEQ_ZERO, RST_ACK_SEQ_SHORT},
	    {TCP_SYN, 0, ACK, SEQ + 1, RST_SEQ_OUR_ACK, RST_ACK_SEQ_LEN},
	    {TCP_FIN, 0, 0, SEQ, RST_SEQ_ZERO, RST_ACK_SEQ_SHORT},
	    {TCP_FIN, 0, 0, SEQ + 1, RST_SEQ_ZERO, RST_ACK_SEQ_LEN},
	    {TCP_FIN, 0, 0, SEQ + 2, RST_SEQ_ZERO, RST_ACK_OTHER},
	    {TCP_SYN | TCP_FIN, 0, 0, SEQ + 1, RST_SEQ_ZERO, RST_ACK_SEQ_SHORT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exchange x = sent(rows[i].flags, rows[i].payload);

		x.seq = rows[i].seq;
		x.ack = rows[i].ack;
		assert_int_equal(exchange_rst_seq(&x), rows[i].rst_seq);
		assert_int_equal(exchange_rst_ack(&x), rows[i].rst_ack);
	}
}

/* SEG.SEQ + SEG.LEN goes round. */
static void test_relations_wrap(void **state)
{
	struct exchange x = sent(TCP_SYN | TCP_FIN, 0);

	(void)state;
	x.sent.seq = UINT32_MAX;
	x.ack = 1;
	assert_int_equal(exchange_rst_ack(&x), RST_ACK_SEQ_LEN);
	x.ack = UINT32_MAX;
	assert_int_equal(exchange_rst_ack(&x), RST_ACK_SEQ_SHORT);
}

static void test_window_and_ttl(void **state)
{
	static const uint8_t ttls[][3] = {{1, 32, 31},	   {32, 32, 0},	  {33, 64, 31},
					  {64, 64, 0},	   {65, 128, 63}, {128, 128, 0},
					  {129, 255, 126}, {255, 255, 0}};
	struct exchange x = sent(TCP_ACK, 0);

	(void)state;
	assert_int_equal(exchange_rst_win(&x), RST_WIN_ZERO);
	x.win = WIN;
	assert_int_equal(exchange_rst_win(&x), RST_WIN_ECHO);
	x.win = WIN + 1;
	assert_int_equal(exchange_rst_win(&x), RST_WIN_FIXED);
	for (size_t i = 0; i < sizeof(ttls) / sizeof(ttls[0]); i++) {
		assert_int_equal(exchange_initial_ttl(ttls[i][0]), ttls[i][1]);
		assert_int_equal(exchange_hops(ttls[i][0]), ttls[i][2]);
	}
	assert_string_equal(rst_seq_name(RST_SEQ_OUR_ACK), "ack");
	assert_string_equal(rst_ack_name(RST_ACK_SEQ_SHORT), "seq+short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_take),	   cmocka_unit_test(test_layouts),
	    cmocka_unit_test(test_icmp),	   cmocka_unit_test(test_relations),
	    cmocka_unit_test(test_relations_wrap), cmocka_unit_test(test_window_and_ttl),
	};

	return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
