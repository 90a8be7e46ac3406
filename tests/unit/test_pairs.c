/* test_pairs: which probe a frame is, or answers: by tuple and by numbers, on loopback too, and
 * how far back it is remembered. */
#include "unit.h"

#include "judge/pairs.h"

enum { FIRST = 40000, PORTS = 10 };

static struct pairs *pairs;

static int begin(void **state)
{
	(void)state;
	pairs = pairs_new(FIRST, PORTS);
	return pairs ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	pairs_free(pairs);
	return 0;
}

static struct packet tcp(uint8_t from, uint16_t sport, uint8_t to, uint16_t dport, uint16_t flags)
{
	struct packet p = {.kind = PACKET_TCP};

	p.seg.src = addr_v4(192, 0, 2, from);
	p.seg.dst = addr_v4(192, 0, 2, to);
	p.seg.sport = sport;
	p.seg.dport = dport;
	p.seg.flags = flags;
	p.seg.ttl = 64;
	return p;
}

static struct paired take(const struct packet *p)
{
	struct paired out;

	assert_true(pairs_take(pairs, p, &out));
	return out;
}

static struct paired probe(uint16_t sport, uint16_t dport, uint32_t seq)
{
	struct packet p = tcp(1, sport, 7, dport, TCP_SYN);

	p.seg.seq = seq;
	return take(&p);
}

static struct packet syn_ack(uint16_t sport, uint16_t dport, uint32_t ack)
{
	struct packet p = tcp(7, dport, 1, sport, TCP_SYN | TCP_ACK);

	p.seg.ack = ack;
	return p;
}

static void test_in_order(void **state)
{
	struct packet answer = syn_ack(FIRST + 1, 80, 201);
	struct paired p;

	(void)state;
	p = probe(FIRST, 80, 100);
	assert_true(p.ours && p.number == 1);
	p = probe(FIRST + 1, 80, 200);
	assert_true(p.ours && p.number == 2);
	p = take(&answer);
	assert_false(p.ours);
	assert_int_equal(p.number, 2);
	assert_int_equal(p.seq, 200);
	assert_int_equal(p.far_port, 80);
	assert_int_equal(p.our_port, FIRST + 1);
}

/* Several on one tuple: the numbers tell, and where they don't, it is the last. */
static void test_numbers_tell(void **state)
{
	struct packet first = syn_ack(FIRST, 80, 101), none = syn_ack(FIRST, 80, 999);

	(void)state;
	probe(FIRST, 80, 100);
	probe(FIRST, 80, 200);
	probe(FIRST, 81, 300);
	assert_int_equal(take(&first).number, 1);
	assert_int_equal(take(&none).number, 2);
}

static void test_errors_quote_the_probe(void **state)
{
	struct packet p = {.kind = PACKET_ICMP_ERROR, .icmp_type = 11};
	struct paired got;

	(void)state;
	probe(FIRST, 80, 100);
	p.seg.src = addr_v4(198, 51, 100, 1);
	p.seg.dst = addr_v4(192, 0, 2, 1);
	p.quoted = (struct quoted){.src = addr_v4(192, 0, 2, 1),
				   .dst = addr_v4(192, 0, 2, 7),
				   .has_ports = true,
				   .has_seq = true,
				   .sport = FIRST,
				   .dport = 80,
				   .seq = 100};
	got = take(&p);
	assert_false(got.ours);
	assert_int_equal(got.number, 1);
	p.quoted.has_ports = false;
	assert_false(pairs_take(pairs, &p, &got));
}

static void test_strangers_answer_nothing(void **state)
{
	struct packet p = syn_ack(FIRST, 82, 101), other = tcp(8, 80, 1, FIRST, TCP_RST);

	(void)state;
	probe(FIRST, 80, 100);
	assert_int_equal(take(&p).number, 0);
	assert_int_equal(take(&other).number, 0);
}

/* Both ports are ours: who was asked answers. */
static void test_loopback(void **state)
{
	struct packet ask = tcp(1, FIRST, 1, FIRST + 5, TCP_SYN);
	struct packet answer = tcp(1, FIRST + 5, 1, FIRST, TCP_RST | TCP_ACK);

	(void)state;
	assert_true(take(&ask).ours);
	answer.seg.ack = 1;
	assert_false(take(&answer).ours);
	assert_int_equal(take(&answer).number, 1);
}

static void test_what_is_long_ago_is_forgotten(void **state)
{
	struct packet old = syn_ack(FIRST, 80, 101), young = syn_ack(FIRST + 1, 80, 2);

	(void)state;
	probe(FIRST, 80, 100);
	for (uint32_t i = 1; i < PAIRS_KEPT; i++)
		probe((uint16_t)(FIRST + 1), 80, i);
	assert_int_equal(take(&old).number, 1);
	assert_int_equal(take(&young).number, PAIRS_KEPT); /* beyond those looked at: the last */
	probe(FIRST + 2, 80, 1);
	assert_int_equal(take(&old).number, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    CASE(test_in_order),
	    CASE(test_numbers_tell),
	    CASE(test_errors_quote_the_probe),
	    CASE(test_strangers_answer_nothing),
	    CASE(test_loopback),
	    CASE(test_what_is_long_ago_is_forgotten),
	};

	return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
