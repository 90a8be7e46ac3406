/* test_repeat: tries of a few ports in virtual time: their beat, whose answer is whose under loss,
 * duplicates and late answers, source ports that come round again, and the ends of a run. */
#include "unit/unit.h"

#include <errno.h>

#include "engine/repeat.h"
#include "sim/peer.h"

enum { SPORT = 40000, TOLD_MAX = 4000, CLOSED = 81, SILENT = 82 };
#define MS 1000000ULL

struct told {
	uint16_t port;
	uint64_t n, wall_ns, at_ns;
	enum port_state state;
	char reason[32];
	uint32_t rtt_us, seq;
};

struct lab {
	struct peer peer;
	struct repeat_pair pairs[2];
	const struct probe *kinds[3];
	struct repeat_config c;
	struct turns_config t;
	struct turns_stats stats;
	struct summary_record sum;
	struct record_sink sink;
	struct told *told;
	size_t n_told;
	struct tries_record tries[2];
	size_t n_tries;
	/* the peer: what becomes of the answers */
	unsigned copies;
	uint64_t probes, late_every, late_ns;
};

/* --- the peer --------------------------------------------------------------------------------- */

static void answer(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct lab *l = p->ctx;
	uint64_t n = l->probes++;

	if (probe->seg.dport == SILENT)
		return;
	for (unsigned i = 0; i < l->copies; i++)
		peer_rfc(probe, probe->seg.dport != CLOSED, out);
	for (unsigned i = 0; i < out->n; i++)
		if (l->late_every && n % l->late_every == 0)
			out->delay_ns[i] += l->late_ns;
}

/* --- a run ------------------------------------------------------------------------------------ */

static void hear_try(void *ctx, const struct try_record *t)
{
	struct lab *l = ctx;
	struct told *x = &l->told[l->n_told++];

	assert_true(l->n_told <= TOLD_MAX);
	x->port = t->port;
	x->n = t->n;
	x->wall_ns = t->wall_ns;
	x->at_ns = l->peer.now_ns;
	x->state = t->result->verdict->state;
	snprintf(x->reason, sizeof(x->reason), "%s", t->result->verdict->reason);
	x->rtt_us = t->rtt_us;
	x->seq = t->seqs[0];
	assert_true((t->rtt_us == UINT32_MAX) == !t->result->from);
}

static void hear_tries(void *ctx, const struct tries_record *t)
{
	struct lab *l = ctx;

	l->tries[l->n_tries++] = *t;
}

static uint64_t wall_of(uint64_t mono_ns)
{
	return mono_ns + 1000 * MS;
}

static struct lab *begin(uint64_t count, uint64_t interval_ms)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->told = calloc(TOLD_MAX, sizeof(*l->told));
	assert_non_null(l->told);
	peer_init(&l->peer, answer, l);
	l->copies = 1;
	l->kinds[0] = probe_find("syn");
	l->pairs[0] = (struct repeat_pair){.addr = addr_v4(192, 0, 2, 7), .port = 80};
	l->pairs[1] = (struct repeat_pair){.addr = addr_v4(192, 0, 2, 7), .port = CLOSED};
	l->sink = (struct record_sink){.ctx = l, .try = hear_try, .tries = hear_tries};
	l->t.seed = 7;
	l->sum.complete = true;
	l->c = (struct repeat_config){
	    .pairs = l->pairs,
	    .n_pairs = 1,
	    .kinds = l->kinds,
	    .n_kinds = 1,
	    .count = count,
	    .interval_ns = interval_ms * MS,
	    .wait_ns = 1000 * MS,
	    .sport_first = SPORT,
	    .n_sports = repeat_sports(1, count),
	    .wall_ns = wall_of,
	};
	return l;
}

static void run(struct lab *l)
{
	struct err e;

	assert_int_equal(repeat_run(&l->c, &l->t, &l->peer.wire, &l->sink, &l->sum, &l->stats, &e),
			 0);
	assert_int_equal(l->n_tries, l->c.n_pairs);
}

static void end(struct lab *l)
{
	peer_free(&l->peer);
	free(l->told);
	free(l);
}

static uint64_t told_as(const struct lab *l, enum port_state s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->n_told; i++)
		n += l->told[i].state == s;
	return n;
}

/* Each try is told once; a segment a try and kind, and each has a number of its own. */
static void check(const struct lab *l)
{
	const struct peer_sent *sent = l->peer.sent;

	assert_int_equal(l->n_told, l->c.count * l->c.n_pairs);
	assert_int_equal(l->peer.n_sent, l->n_told * l->c.n_kinds);
	assert_int_equal(l->stats.retried, 0);
	for (size_t i = 0; i < l->n_told; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(l->told[i].n == l->told[j].n &&
				     l->told[i].port == l->told[j].port);
	for (size_t i = 1; i < l->peer.n_sent; i++)
		assert_int_not_equal(sent[i].seq, sent[i - 1].seq);
}

/* --- the beat --------------------------------------------------------------------------------- */

static void test_each_try_is_told(void **state)
{
	struct lab *l = begin(10, 100);

	(void)state;
	run(l);
	check(l);
	for (size_t i = 0; i < 10; i++) {
		const struct peer_sent *sent = &l->peer.sent[i];

		assert_int_equal(l->told[i].n, i + 1);
		assert_int_equal(l->told[i].state, STATE_OPEN);
		assert_int_equal(l->told[i].rtt_us, 400);
		assert_int_equal(l->told[i].wall_ns, wall_of(sent->at_ns));
		assert_int_equal(l->told[i].seq, sent->seq);
		assert_int_equal(sent->sport, SPORT + i);
		/* at once, and never before its time */
		assert_in_range(l->told[i].at_ns - sent->at_ns, 400000, 500000);
		assert_in_range(sent->at_ns - l->peer.sent[0].at_ns, i * 100 * MS,
				i * 100 * MS + MS);
	}
	assert_int_equal(l->tries[0].answered, 10);
	assert_int_equal(l->tries[0].p99_us, 400);
	assert_int_equal(l->sum.hosts_up, 1);
	assert_true(l->sum.loss_estimate == 0);
	end(l);
}

/* The last one waits its time, and no longer. */
static void test_silence_takes_its_time(void **state)
{
	struct lab *l = begin(3, 100);

	(void)state;
	l->pairs[0].port = SILENT;
	run(l);
	check(l);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(l->told[i].n, i + 1);
		assert_int_equal(l->told[i].state, STATE_FILTERED);
		assert_string_equal(l->told[i].reason, "no-response");
		assert_in_range(l->told[i].at_ns - l->peer.sent[i].at_ns, 1000 * MS, 1001 * MS);
	}
	assert_int_equal(l->tries[0].answered, 0);
	assert_int_equal(l->tries[0].rtts, 0);
	assert_true(l->sum.loss_estimate < 0);
	end(l);
}

static void test_pairs_keep_apart(void **state)
{
	struct lab *l = begin(20, 50);

	(void)state;
	l->c.n_pairs = 2;
	run(l);
	check(l);
	for (size_t i = 0; i < l->n_told; i++)
		assert_int_equal(l->told[i].state,
				 l->told[i].port == CLOSED ? STATE_CLOSED : STATE_OPEN);
	assert_int_equal(l->tries[0].counts[STATE_OPEN], 20);
	assert_int_equal(l->tries[1].counts[STATE_CLOSED], 20);
	assert_int_equal(l->sum.hosts_up, 1);
	end(l);
}

/* A try of several kinds is over when all have their answer; the verdict is as a scan's. */
static void test_kinds(void **state)
{
	struct lab *l = begin(5, 100);

	(void)state;
	l->kinds[1] = probe_find("ack");
	l->c.n_kinds = 2;
	l->c.n_sports = repeat_sports(2, 5);
	run(l);
	check(l);
	assert_int_equal(told_as(l, STATE_OPEN), 5);
	l->n_told = l->n_tries = 0;
	end(l);

	l = begin(5, 100);
	l->kinds[0] = probe_find("ack");
	run(l);
	assert_int_equal(told_as(l, STATE_UNFILTERED), 5);
	end(l);

	l = begin(5, 100);
	l->kinds[0] = probe_find("fin");
	run(l);
	assert_int_equal(told_as(l, STATE_OPEN_FILTERED), 5);
	end(l);
}

/* --- whose answer is whose -------------------------------------------------------------------- */

static void test_loss_is_counted(void **state)
{
	struct lab *l = begin(400, 10);

	(void)state;
	l->peer.loss_percent = 10;
	run(l);
	check(l);
	assert_int_equal(told_as(l, STATE_OPEN), l->tries[0].answered);
	assert_int_equal(told_as(l, STATE_FILTERED), 400 - l->tries[0].answered);
	assert_in_range(l->tries[0].answered, 400 * 74 / 100, 400 * 88 / 100); /* 0.81 */
	assert_true(l->sum.loss_estimate > 0.12 && l->sum.loss_estimate < 0.26);
	end(l);
}

static void test_duplicates(void **state)
{
	struct lab *l = begin(50, 20);

	(void)state;
	l->copies = 3;
	run(l);
	check(l);
	assert_int_equal(told_as(l, STATE_OPEN), 50);
	assert_int_equal(l->tries[0].answered, 50);
	/* those behind the last one are not waited for */
	assert_in_range(l->sum.duplicates, 2 * 49, 2 * 50);
	assert_int_equal(l->stats.answered, 50);
	end(l);
}

/* An answer that comes after its time is its own try's, whichever flies by then. */
static void late_answers(uint16_t n_sports)
{
	struct lab *l = begin(40, 100);

	l->c.n_sports = n_sports;
	l->c.wait_ns = 250 * MS;
	l->late_every = 4;
	l->late_ns = 300 * MS;
	run(l);
	check(l);
	for (size_t i = 0; i < l->n_told; i++) {
		bool late = (l->told[i].n - 1) % 4 == 0;

		assert_int_equal(l->told[i].state, late ? STATE_FILTERED : STATE_OPEN);
		assert_int_equal(l->told[i].rtt_us, late ? UINT32_MAX : 400);
	}
	assert_int_equal(l->tries[0].late, 10);
	assert_int_equal(l->stats.late, 10);
	assert_int_equal(l->tries[0].answered, 30);
	end(l);
}

static void test_late_answers(void **state)
{
	(void)state;
	late_answers(40);
	late_answers(2);
	late_answers(1); /* -g */
}

/* Ports come round again, numbers don't. */
static void test_ports_come_round(void **state)
{
	struct lab *l = begin(300, 10);

	(void)state;
	assert_int_equal(l->c.n_sports, REPEAT_PORTS_MAX);
	run(l);
	check(l);
	for (size_t i = 0; i < 300; i++) {
		assert_int_equal(l->peer.sent[i].sport, SPORT + i % REPEAT_PORTS_MAX);
		assert_int_equal(l->told[i].state, STATE_OPEN);
	}
	end(l);
}

/* What the connection of another try, or a forger, says on those ports decides nothing. */
static void foreign(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	(void)p;
	s.flags = TCP_SYN | TCP_ACK;
	s.ack = probe->seg.seq + 77;
	peer_put(out, &s, 0);
}

static void test_other_numbers_decide_nothing(void **state)
{
	struct lab *l = begin(5, 100);

	(void)state;
	l->peer.fn = foreign;
	run(l);
	assert_int_equal(told_as(l, STATE_INDETERMINATE), 5);
	end(l);
}

/* Guesses come first, more than there is room for, and the answer last. */
static void crowd(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	static const uint16_t flags[] = {TCP_RST, TCP_ACK, TCP_FIN | TCP_ACK, TCP_SYN | TCP_ACK};
	struct segment s = peer_back(probe);

	(void)p;
	for (unsigned i = 0; i < 4; i++) {
		s.flags = flags[i];
		s.ack = probe->seg.seq + (i == 3 ? 1 : 1000);
		peer_put(out, &s, i * MS);
	}
}

static void test_guesses_crowd_nothing_out(void **state)
{
	struct lab *l = begin(5, 100);

	(void)state;
	l->peer.fn = crowd;
	run(l);
	assert_int_equal(told_as(l, STATE_OPEN), 5);
	assert_int_equal(l->stats.answered, 5);
	assert_int_equal(l->stats.foreign, 10);
	end(l);
}

/* The process slept, and answers waited for it: they came in their time. */
static void test_answers_that_waited(void **state)
{
	struct lab *l = begin(4, 100);

	(void)state;
	l->peer.jump_at_ns = l->peer.now_ns + 150 * MS;
	l->peer.jump_ns = 5000 * MS;
	l->peer.rtt_ns = 80 * MS;
	run(l);
	check(l);
	assert_int_equal(told_as(l, STATE_OPEN), 4);
	/* and it doesn't make up for those that it has missed */
	for (size_t i = 1; i < 4; i++)
		assert_true(l->peer.sent[i].at_ns - l->peer.sent[i - 1].at_ns >= 99 * MS);
	end(l);
}

/* ... and what came after their time did not, though nobody had looked before. */
static void test_late_answers_that_waited(void **state)
{
	struct lab *l = begin(1, 100);

	(void)state;
	l->peer.jump_at_ns = l->peer.now_ns + 50 * MS;
	l->peer.jump_ns = 5000 * MS;
	l->peer.rtt_ns = 1300 * MS;
	run(l);
	assert_int_equal(told_as(l, STATE_FILTERED), 1);
	assert_int_equal(l->tries[0].late, 1);
	end(l);
}

/* --- what can't leave ------------------------------------------------------------------------- */

static int refuse_first(struct peer *p, const struct packet *probe)
{
	(void)probe;
	return p->now_ns < 5000000000 + 30 * MS ? EAGAIN : 0;
}

static void test_neighbour_is_waited_for(void **state)
{
	struct lab *l = begin(3, 100);

	(void)state;
	l->peer.refuse = refuse_first;
	run(l);
	check(l);
	assert_int_equal(told_as(l, STATE_OPEN), 3);
	assert_int_equal(l->told[0].rtt_us, 400); /* of what left */
	assert_int_equal(l->stats.send_errors, 0);
	end(l);
}

static int nobody_there(struct peer *p, const struct packet *probe)
{
	(void)p;
	(void)probe;
	return EHOSTUNREACH;
}

static void test_nobody_there(void **state)
{
	struct lab *l = begin(3, 100);

	(void)state;
	l->peer.refuse = nobody_there;
	run(l);
	assert_int_equal(told_as(l, STATE_NOT_PROBED), 3);
	assert_string_equal(l->told[0].reason, "host-unreachable");
	assert_int_equal(l->tries[0].answered, 0);
	assert_int_equal(l->stats.send_errors, 0);
	end(l);
}

static void test_errors_are_counted(void **state)
{
	struct lab *l = begin(3, 100);

	(void)state;
	l->peer.send_error = EPERM;
	run(l);
	assert_int_equal(told_as(l, STATE_NOT_PROBED), 3);
	assert_int_equal(l->stats.send_errors, 3);
	end(l);
}

/* --- ends ------------------------------------------------------------------------------------- */

/* What still flies is neither told nor lost. */
static void test_interrupted(void **state)
{
	struct lab *l = begin(1000, 100);

	(void)state;
	l->peer.stop_at_ns = l->peer.now_ns + 1050 * MS;
	l->c.n_pairs = 2;
	l->pairs[1].port = SILENT;
	run(l);
	assert_int_equal(l->stats.end, END_INTERRUPTED);
	assert_int_equal(l->tries[0].tries, 11);
	assert_int_equal(l->tries[0].answered, 11);
	assert_int_equal(l->tries[1].tries, 1); /* its time was over */
	assert_int_equal(l->n_told, 12);
	end(l);
}

static void test_deadline(void **state)
{
	struct lab *l = begin(1000, 100);

	(void)state;
	l->t.deadline_ns = 450 * MS;
	run(l);
	assert_int_equal(l->stats.end, END_DEADLINE);
	assert_int_equal(l->tries[0].tries, 5);
	end(l);
}

static void test_link_goes_down(void **state)
{
	struct lab *l = begin(1000, 100);

	(void)state;
	l->peer.down_at_ns = l->peer.now_ns + 250 * MS;
	run(l);
	assert_int_equal(l->stats.end, END_LINK);
	assert_in_range(l->tries[0].tries, 3, 4);
	assert_int_equal(l->tries[0].answered, 3);
	end(l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_try_is_told),
	    cmocka_unit_test(test_silence_takes_its_time),
	    cmocka_unit_test(test_pairs_keep_apart),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_loss_is_counted),
	    cmocka_unit_test(test_duplicates),
	    cmocka_unit_test(test_late_answers),
	    cmocka_unit_test(test_ports_come_round),
	    cmocka_unit_test(test_other_numbers_decide_nothing),
	    cmocka_unit_test(test_guesses_crowd_nothing_out),
	    cmocka_unit_test(test_answers_that_waited),
	    cmocka_unit_test(test_late_answers_that_waited),
	    cmocka_unit_test(test_neighbour_is_waited_for),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_errors_are_counted),
	    cmocka_unit_test(test_interrupted),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_link_goes_down),
	};

	return cmocka_run_group_tests_name("repeat", tests, NULL, NULL);
}
