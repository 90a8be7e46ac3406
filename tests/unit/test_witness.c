/*
 * test_witness: frames of both directions in, the RST that a verdict rests on out, with its ladder;
 * without one, the first segments and the last.
 */
#include "unit.h"

#include "judge/witness.h"
#include "packet/segment.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

enum { SERVICE = 80, OURS = 40001, OTHER = 40002, ISN = 1000, THEIR_ISN = 9000 };

struct play {
	struct witness *w;
	struct provoke_facts f;
	struct provoke_verdict v;
	struct witnessed seen;
	uint64_t now;
	uint32_t frames;
	bool v6;
	bool unsummed, bad_rst; /* what comes in has no good checksum; only its RSTs have none */
};

static struct addr addr_of(const struct play *p, uint8_t last)
{
	struct addr a = addr_v4(192, 0, 2, last);

	if (!p->v6)
		return a;
	a = (struct addr){.family = ADDR_V6};
	a.b[0] = 0x20;
	a.b[15] = last;
	return a;
}

static void begin(struct play *p, bool v6)
{
	struct addr service;

	*p = (struct play){.now = 100 * SECOND, .v6 = v6};
	service = addr_of(p, 7);
	p->w = witness_new(&service, SERVICE, 1);
	assert_non_null(p->w);
	p->f.scenario = SCENARIO_EARLY_CLOSE;
	p->f.n_lines = 1;
	p->f.lines[0].sport = OURS;
	p->f.lines[0].end = LINE_OPEN;
	p->v.sport = OURS;
}

/* Relative numbers; one millisecond after the frame before. */
static uint64_t frame(struct play *p, uint16_t ours, bool theirs, uint16_t flags, uint32_t seq,
		      uint32_t ack, uint32_t len)
{
	static const uint8_t octets[64];
	struct packet pk = {.kind = PACKET_TCP, .csum_checked = true};

	p->now += MS;
	pk.seg = (struct segment){
	    .src = addr_of(p, theirs ? 7 : 2),
	    .dst = addr_of(p, theirs ? 2 : 7),
	    .sport = theirs ? SERVICE : ours,
	    .dport = theirs ? ours : SERVICE,
	    .seq = seq + (theirs ? THEIR_ISN : ISN),
	    .ack = ack ? ack + (theirs ? ISN : THEIR_ISN) : 0,
	    .flags = flags,
	    .win = 502,
	    .ttl = theirs ? 61 : 64,
	    .payload = len ? octets : NULL,
	    .payload_len = len,
	};
	pk.payload_captured = len < sizeof(octets) ? len : sizeof(octets);
	/* as offloading leaves it */
	pk.csum_bad = !theirs || p->unsummed || (p->bad_rst && flags & TCP_RST);
	witness_packet(p->w, ++p->frames, p->now, &pk);
	return p->now;
}

static void handshake(struct play *p, uint16_t ours)
{
	frame(p, ours, false, TCP_SYN, 0, 0, 0);
	frame(p, ours, true, TCP_SYN | TCP_ACK, 0, 1, 0);
	frame(p, ours, false, TCP_ACK, 1, 1, 0);
}

static void end(struct play *p)
{
	witness_end(p->w, &p->f, &p->v, &p->seen);
}

static void test_finds_the_reset_that_decided(void **state)
{
	struct play p;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		begin(&p, v6);
		handshake(&p, OURS);
		frame(&p, OURS, false, TCP_PSH | TCP_ACK, 1, 1, 1000);
		frame(&p, OURS, true, TCP_PSH | TCP_ACK, 1, 1001, 20);
		frame(&p, OURS, true, TCP_FIN | TCP_ACK, 21, 1001, 0);
		frame(&p, OURS, false, TCP_PSH | TCP_ACK, 1001, 22, 1000);
		p.v.reset_ns = frame(&p, OURS, true, TCP_RST, 22, 0, 0);
		frame(&p, OURS, false, TCP_PSH | TCP_ACK, 2001, 22, 1000);
		frame(&p, OURS, true, TCP_RST, 22, 0, 0);
		end(&p);
		assert_non_null(p.seen.finding);
		assert_int_equal(p.seen.finding->frame, 8);
		assert_int_equal(p.seen.finding->provoked_by, 7);
		assert_int_equal(p.seen.finding->cause, CAUSE_DATA_AFTER_CLOSE);
		assert_int_equal(p.seen.finding->sender, SENDER_SERVER);
		assert_false(p.seen.finding->bad_checksum);
		assert_true(p.seen.finding->n_ladder >= 8);
		assert_int_equal(p.seen.finding->ladder[0].frame, 1);
		assert_int_equal(p.seen.n_frames, p.seen.finding->n_ladder);
		for (size_t i = 1; i < p.seen.n_frames; i++)
			assert_true(p.seen.frames[i] > p.seen.frames[i - 1]);
		/* where the time is that of none, the root before what follows from it */
		p.v.reset_ns = p.now + 1;
		end(&p);
		assert_int_equal(p.seen.finding->frame, 8);
		assert_true(addr_equal(&p.seen.us, &(struct addr[]){addr_of(&p, 2)}[0]));
		witness_free(p.w);
	}
}

static void test_each_connection_has_its_own(void **state)
{
	struct play p;
	uint64_t first, second;

	(void)state;
	begin(&p, false);
	handshake(&p, OURS);
	handshake(&p, OTHER);
	first = frame(&p, OURS, true, TCP_RST | TCP_ACK, 1, 1, 0);
	second = frame(&p, OTHER, true, TCP_RST | TCP_ACK, 1, 1, 0);
	p.v.reset_ns = second;
	p.v.sport = OTHER;
	end(&p);
	assert_non_null(p.seen.finding);
	assert_int_equal(p.seen.finding->dport, OTHER);
	p.v.reset_ns = first;
	p.v.sport = OURS;
	end(&p);
	assert_int_equal(p.seen.finding->dport, OURS);
	witness_free(p.w);
}

static void test_checksums(void **state)
{
	struct play p;

	(void)state;
	for (int unsummed = 0; unsummed < 2; unsummed++) {
		begin(&p, false);
		p.unsummed = unsummed;
		p.bad_rst = true;
		handshake(&p, OURS);
		p.v.reset_ns = frame(&p, OURS, true, TCP_RST | TCP_ACK, 1, 1, 0);
		end(&p);
		assert_int_equal(p.seen.finding->bad_checksum, !unsummed);
		witness_free(p.w);
	}
}

static void test_our_own_reset_is_none(void **state)
{
	struct play p;

	(void)state;
	begin(&p, false);
	handshake(&p, OURS);
	p.v.reset_ns = frame(&p, OURS, false, TCP_RST, 1, 0, 0);
	end(&p);
	assert_null(p.seen.finding);
	assert_int_equal(p.seen.n_ladder, 4);
	witness_free(p.w);
}

static void test_without_a_reset_first_and_last(void **state)
{
	struct play p;

	(void)state;
	begin(&p, false);
	handshake(&p, OURS);
	for (uint32_t i = 0; i < 100; i++)
		frame(&p, OURS, false, TCP_PSH | TCP_ACK, 1 + 10 * i, 1, 10);
	frame(&p, OURS, false, TCP_PSH | TCP_ACK, 991, 1, 10);
	frame(&p, OURS, true, TCP_ACK, 0, 1001, 0);
	/* frames of others are none of ours */
	p.v.sport = OURS;
	end(&p);
	assert_null(p.seen.finding);
	assert_int_equal(p.seen.n_ladder, LADDER_MAX);
	assert_int_equal(p.seen.ladder[0].frame, 1);
	assert_int_equal(p.seen.ladder[7].frame, 8);
	assert_int_equal(p.seen.ladder[8].frame, 105 - 15);
	assert_int_equal(p.seen.ladder[LADDER_MAX - 1].frame, 105);
	assert_int_equal(p.seen.n_frames, LADDER_MAX);
	assert_false(p.seen.ladder[0].from_x);
	assert_true(p.seen.ladder[1].from_x);
	assert_true(p.seen.ladder[LADDER_MAX - 2].repeat);
	assert_true(p.seen.ladder[LADDER_MAX - 1].keepalive);
	assert_false(p.seen.ladder[10].repeat);
	witness_free(p.w);
}

static void test_a_port_used_again(void **state)
{
	struct play p;

	(void)state;
	begin(&p, false);
	handshake(&p, OURS);
	frame(&p, OURS, false, TCP_FIN | TCP_ACK, 1, 1, 0);
	p.now += SECOND;
	p.f.lines[0].opened_ns = p.now;
	handshake(&p, OURS);
	end(&p);
	assert_int_equal(p.seen.n_ladder, 3);
	assert_int_equal(p.seen.ladder[0].frame, 5);
	witness_free(p.w);
}

static void test_more_resets_than_it_keeps(void **state)
{
	struct play p;
	uint64_t first = 0, last = 0;

	(void)state;
	begin(&p, false);
	for (unsigned i = 0; i < 300; i++) {
		p.now += 3 * SECOND;
		frame(&p, OURS, false, TCP_ACK, 1000 * i, 7, 0);
		last = frame(&p, OURS, true, TCP_RST, 7, 0, 0);
		first = first ? first : last;
	}
	p.v.reset_ns = last;
	end(&p);
	assert_int_equal(p.seen.finding->frame, 600);
	p.v.reset_ns = first;
	end(&p);
	assert_int_equal(p.seen.finding->frame, 2);
	witness_free(p.w);
}

static void test_more_ports_than_it_keeps(void **state)
{
	struct play p;

	(void)state;
	begin(&p, false);
	for (uint16_t i = 0; i < 200; i++)
		handshake(&p, (uint16_t)(OURS + i));
	end(&p);
	assert_int_equal(p.seen.n_ladder, 3);
	p.v.sport = OURS + 199;
	end(&p);
	assert_int_equal(p.seen.n_ladder, 0);
	assert_int_equal(p.seen.n_frames, 0);
	witness_free(p.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_finds_the_reset_that_decided),
	    cmocka_unit_test(test_each_connection_has_its_own),
	    cmocka_unit_test(test_checksums),
	    cmocka_unit_test(test_our_own_reset_is_none),
	    cmocka_unit_test(test_without_a_reset_first_and_last),
	    cmocka_unit_test(test_a_port_used_again),
	    cmocka_unit_test(test_more_resets_than_it_keeps),
	    cmocka_unit_test(test_more_ports_than_it_keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
