/* test_sweep: whole scans against scripted peers in virtual time. */
#include "unit/unit.h"

#include <errno.h>
#include <math.h>

#include "sim/sweepkit.h"

/* --- behaviours ------------------------------------------------------------------------------- */

/* Port 80 listens, 81 is closed, 82 is dropped, the rest closed. */
static void server(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport != 82)
		peer_rfc(probe, probe->seg.dport == 80, out);
}

static void test_plain(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "80-82", "syn");
	peer_init(&p, server, NULL);
	trial_run(&t, &p);
	assert_int_equal(t.kept.n, 3);
	assert_int_equal(port_of(&t, 80)->state, STATE_OPEN);
	assert_string_equal(port_of(&t, 80)->reason, "syn-ack");
	assert_int_equal(port_of(&t, 80)->rtt_us / 10, 40);
	assert_int_equal(port_of(&t, 81)->state, STATE_CLOSED);
	assert_string_equal(port_of(&t, 81)->reason, "rst-ack");
	assert_int_equal(port_of(&t, 82)->state, STATE_FILTERED);
	assert_string_equal(port_of(&t, 82)->reason, "no-response");
	assert_int_equal(port_of(&t, 82)->tries, 3);
	assert_int_equal(p.n_sent, 5);
	assert_int_equal(t.kept.found, 1);
	assert_true(t.kept.sum.complete);
	assert_int_equal(t.kept.sum.answered, 2);
	assert_int_equal(t.kept.sum.retried, 2);
	assert_int_equal(t.kept.host.style, STYLE_RST);
	assert_true(t.kept.host.up);
	trial_free(&t);
	peer_free(&p);
}

/* Silence lasts the RTO, which doubles while nothing is drawn, and is capped by -T. */
static void test_silence_takes_its_time(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "82", "syn");
	peer_init(&p, server, NULL);
	t.c.rto_max_ns = 300000000;
	trial_run(&t, &p);
	assert_int_equal(p.n_sent, 3);
	assert_true(t.kept.sum.elapsed_s > 0.89 && t.kept.sum.elapsed_s < 0.95);
	assert_false(t.kept.host.up);
	assert_string_equal(t.kept.host.down_reason, "no-response");
	trial_free(&t);
	peer_free(&p);
}

static void test_broken_rsts(void **state)
{
	(void)state;
	for (int spoils = 0; spoils <= 1; spoils++) {
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "81", "syn");
		peer_init(&p, server, NULL);
		p.spoils = spoils;
		trial_run(&t, &p);
		assert_int_equal(port_of(&t, 81)->state, spoils ? STATE_FILTERED : STATE_CLOSED);
		assert_int_equal(t.kept.sum.foreign > 0, spoils);
		trial_free(&t);
		peer_free(&p);
	}
}

static void test_retries_as_told(void **state)
{
	(void)state;
	for (int r = 0; r <= 5; r++) {
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "82", "syn");
		peer_init(&p, server, NULL);
		t.c.retries = r;
		trial_run(&t, &p);
		assert_int_equal(p.n_sent, r + 1);
		for (uint64_t i = 0; i < p.n_sent; i++) /* a fresh source port each */
			assert_int_equal(p.sent[i].sport, 40000 + i);
		trial_free(&t);
		peer_free(&p);
	}
}

/* --- the table of the combined probes --------------------------------------------------------- */

enum saw { NO, SYNACK, RST, RSTACK, ADMIN };

static const struct combination {
	const char *kinds;
	enum saw syn, ack, fin;
	enum port_state state;
	bool weak;
	uint32_t clue; /* 0: none asked */
} combinations[] = {
    {"syn,ack,fin", SYNACK, RST, NO, STATE_OPEN, false, 0},
    {"syn,ack,fin", SYNACK, NO, NO, STATE_OPEN, false, 1U << CLUE_STRAY_FILTERED},
    {"syn,ack,fin", SYNACK, RST, RSTACK, STATE_OPEN, false, 1U << CLUE_RESETS_FIN},
    {"syn,ack,fin", RSTACK, RST, RSTACK, STATE_CLOSED, false, 0},
    {"syn,ack,fin", RSTACK, NO, NO, STATE_CLOSED, false, 1U << CLUE_STRAY_FILTERED},
    {"syn,ack,fin", NO, RST, NO, STATE_FILTERED, false, 1U << CLUE_SYN_ONLY_DROPPED},
    {"syn,ack,fin", NO, RST, RSTACK, STATE_CLOSED, true, 1U << CLUE_SYN_DROPPED},
    {"syn,ack,fin", NO, NO, NO, STATE_FILTERED, false, 0},
    {"syn,ack,fin", ADMIN, RST, NO, STATE_REJECTED, false, 0},
    {"syn,ack,fin", ADMIN, NO, RSTACK, STATE_REJECTED, false, 0},
    {"syn,ack,fin", ADMIN, NO, NO, STATE_REJECTED, false, 0},
    {"ack", NO, RST, NO, STATE_UNFILTERED, false, 1U << CLUE_STRAY_RST},
    {"ack,fin", NO, RST, NO, STATE_UNFILTERED, false, 1U << CLUE_OPEN_IF_FIN_PASSES},
    {"ack,fin", NO, RST, RSTACK, STATE_CLOSED, true, 1U << CLUE_WEAK_CLOSED},
    {"ack", NO, NO, NO, STATE_FILTERED, false, 0},
    {"fin", NO, NO, NO, STATE_OPEN_FILTERED, false, 0},
    {"fin", NO, NO, RSTACK, STATE_CLOSED, true, 1U << CLUE_WEAK_CLOSED},
    {"null", NO, NO, RSTACK, STATE_CLOSED, true, 0},
    {"xmas", NO, NO, NO, STATE_OPEN_FILTERED, false, 0},
};

static void combine(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const struct combination *row = p->ctx;
	uint16_t flags = probe->seg.flags;
	enum saw saw = flags == TCP_SYN ? row->syn : flags == TCP_ACK ? row->ack : row->fin;
	struct segment s = peer_back(probe);

	switch (saw) {
	case NO: return;
	case ADMIN:
		out->icmp = true;
		out->icmp_type = 3;
		out->icmp_code = 13;
		out->icmp_from = addr_v4(198, 51, 100, 1);
		return;
	case SYNACK:
		s.flags = TCP_SYN | TCP_ACK;
		s.ack = probe->seg.seq + 1;
		break;
	case RST:
		s.flags = TCP_RST;
		s.seq = probe->seg.ack;
		break;
	case RSTACK:
		s.flags = TCP_RST | TCP_ACK;
		s.ack = probe->seg.seq + segment_len(&probe->seg);
		break;
	}
	peer_put(out, &s, 0);
}

static void test_combinations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(combinations) / sizeof(combinations[0]); i++) {
		const struct combination *row = &combinations[i];
		const struct kept_port *k;
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "80", row->kinds);
		peer_init(&p, combine, (void *)(uintptr_t)row);
		trial_run(&t, &p);
		k = port_of(&t, 80);
		print_message("# row %zu: %s%s\n", i, state_name(k->state),
			      k->weak ? " (weak)" : "");
		assert_int_equal(k->state, row->state);
		assert_int_equal(k->weak, row->weak);
		assert_int_equal(k->clues & row->clue, row->clue);
		if (row->state == STATE_REJECTED)
			assert_string_equal(k->reason, "icmp-admin-prohibited");
		assert_true(t.kept.sum.complete);
		trial_free(&t);
		peer_free(&p);
	}
}

/* --- loss ------------------------------------------------------------------------------------- */

static void test_loss(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 10; seed++) {
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "1-1000", "syn");
		peer_init(&p, fifty, NULL);
		t.c.seed = seed;
		p.rng = seed * 977;
		p.loss_percent = 20;
		trial_run(&t, &p);
		assert_int_equal(count_state(&t, STATE_OPEN), 50);
		assert_int_equal(count_state(&t, STATE_CLOSED), 950);
		assert_true(fabs(t.kept.sum.loss_estimate - 0.36) < 0.1);
		assert_true(t.kept.sum.complete);
		trial_free(&t);
		peer_free(&p);
	}
}

/* A fixed source port: one 4-tuple, so each try of a SYN repeats its sequence number. */
static void test_loss_fixed_port(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1-1000", "syn");
	peer_init(&p, fifty, NULL);
	t.c.sport_fixed = true;
	p.loss_percent = 20;
	trial_run(&t, &p);
	assert_int_equal(count_state(&t, STATE_OPEN), 50);
	assert_int_equal(count_state(&t, STATE_CLOSED), 950);
	for (uint64_t i = 0; i < p.n_sent; i++) {
		assert_int_equal(p.sent[i].sport, 40000);
		for (uint64_t j = 0; j < i && p.sent[j].dport <= 20; j++)
			if (p.sent[i].dport == p.sent[j].dport)
				assert_int_equal(p.sent[i].seq, p.sent[j].seq);
	}
	trial_free(&t);
	peer_free(&p);
}

/* --- hostile and odd answers ------------------------------------------------------------------ */

static void both(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	(void)p;
	peer_rfc(probe, true, out);
	s.flags = TCP_RST | TCP_ACK;
	s.ack = probe->seg.seq + 1;
	peer_put(out, &s, 50000);
}

static void test_inconsistent(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	/* all have answered at once, and the second segment is on its heels */
	trial_init(&t, "192.0.2.7", "80", "syn");
	peer_init(&p, both, NULL);
	trial_run(&t, &p);
	assert_int_equal(port_of(&t, 80)->state, STATE_INCONSISTENT);
	assert_true(port_of(&t, 80)->against);
	assert_true(port_of(&t, 80)->clues & 1U << CLUE_TWO_SEGMENTS);
	trial_free(&t);
	peer_free(&p);
}

/* Some stacks reset the half-open entry again after our RST: that is no second answer. */
static void reset_again(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	if (probe->seg.dport == 82)
		return;
	(void)p;
	peer_rfc(probe, true, out);
	s.flags = TCP_RST | TCP_ACK;
	s.seq = out->seg[0].seq + 1;
	s.ack = probe->seg.seq + 1;
	peer_put(out, &s, 50000);
	peer_put(out, &out->seg[0], 90000); /* and a retransmitted SYN-ACK */
}

static void test_duplicates(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "80,82", "syn");
	peer_init(&p, reset_again, NULL);
	trial_run(&t, &p);
	assert_int_equal(port_of(&t, 80)->state, STATE_OPEN);
	assert_int_equal(t.kept.sum.duplicates, 2);
	assert_int_equal(t.kept.sum.answered, 1);
	trial_free(&t);
	peer_free(&p);
}

/* Wrong numbers, wrong ports, a port never asked: foreign or weak, never a verdict of their own. */
static void liar(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	(void)p;
	s.flags = TCP_SYN;
	peer_put(out, &s, 0); /* a SYN is no answer */
	s.flags = TCP_SYN | TCP_ACK;
	s.ack = probe->seg.seq + 77;
	peer_put(out, &s, 1000); /* acknowledges what was never sent */
	s.sport = 9999;
	s.ack = probe->seg.seq + 1;
	peer_put(out, &s, 2000);
	s = peer_back(probe);
	s.dport = (uint16_t)(probe->seg.sport + 1);
	s.flags = TCP_RST | TCP_ACK;
	s.ack = probe->seg.seq + 1;
	peer_put(out, &s, 3000); /* to the port of a try that was not made */
}

static void test_liar(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "80", "syn");
	peer_init(&p, liar, NULL);
	t.c.retries = 0;
	trial_run(&t, &p);
	assert_int_equal(port_of(&t, 80)->state, STATE_INDETERMINATE);
	assert_true(port_of(&t, 80)->clues & 1U << CLUE_TUPLE_ONLY);
	assert_int_equal(t.kept.sum.foreign, 3);
	assert_int_equal(t.kept.sum.answered, 0);
	assert_int_equal(t.kept.found, 0);
	trial_free(&t);
	peer_free(&p);
}

/* In the name of one who keeps silent, by somebody who never saw our SYN. */
static void forger(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	static const uint16_t flags[] = {TCP_RST, TCP_RST | TCP_ACK, TCP_SYN | TCP_ACK, TCP_ACK};
	struct segment s = peer_back(probe);

	(void)p;
	for (unsigned i = 0; i < 4; i++) {
		s.flags = flags[i];
		s.seq = probe->seg.seq + 65535 * i;
		s.ack = probe->seg.seq + 65535 * (i + 1);
		peer_put(out, &s, 700000000 * (uint64_t)i);
	}
}

static void test_forger(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "80-89", "syn");
	peer_init(&p, forger, NULL);
	trial_run(&t, &p);
	for (uint16_t port = 80; port < 90; port++)
		assert_int_equal(port_of(&t, port)->state, STATE_INDETERMINATE);
	assert_int_equal(t.kept.sum.hosts_up, 0);
	assert_int_equal(t.kept.sum.answered, 0);
	assert_int_equal(t.kept.sum.late, 0);
	assert_int_equal(t.kept.sum.duplicates, 0);
	assert_true(t.kept.sum.loss_estimate < 0);
	assert_true(t.kept.sum.foreign > 0);
	assert_true(t.kept.sum.complete);
	trial_free(&t);
	peer_free(&p);
}

/* `ctx`: so many probes are answered by a frame that the capture has no room for. */
static void deaf(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	unsigned *left = p->ctx;
	struct segment s = peer_back(probe);

	if (*left) {
		--*left;
		p->stats.dropped++;
		return;
	}
	s.flags = TCP_SYN | TCP_ACK;
	s.ack = probe->seg.seq + 1;
	peer_put(out, &s, 0);
}

static void test_drops_are_asked_again(void **state)
{
	static const struct {
		unsigned lost;
		enum port_state is;
	} rows[] = {{2, STATE_OPEN}, {5, STATE_OPEN}, {1000, STATE_FILTERED}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		unsigned left = rows[i].lost;
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "80", "syn");
		peer_init(&p, deaf, &left);
		trial_run(&t, &p);
		assert_int_equal(port_of(&t, 80)->state, rows[i].is);
		assert_int_equal(t.kept.sum.complete, rows[i].is == STATE_OPEN);
		assert_true(p.n_sent <= 7);
		trial_free(&t);
		peer_free(&p);
	}
}

/* The first 4-tuple belongs to an old connection: a challenge ACK, then a fresh port gets through.
 */
static void old_tuple(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	(void)p;
	if (probe->seg.sport != 40000) {
		peer_rfc(probe, true, out);
		return;
	}
	s.flags = TCP_ACK;
	s.seq = 5;
	s.ack = 6;
	peer_put(out, &s, 0);
}

static void test_challenge_ack(void **state)
{
	(void)state;
	for (int fixed = 0; fixed <= 1; fixed++) {
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "80", "syn");
		peer_init(&p, old_tuple, NULL);
		t.c.sport_fixed = fixed;
		trial_run(&t, &p);
		assert_int_equal(port_of(&t, 80)->state, fixed ? STATE_INDETERMINATE : STATE_OPEN);
		if (fixed)
			assert_string_equal(port_of(&t, 80)->reason, "challenge-ack");
		trial_free(&t);
		peer_free(&p);
	}
}

static void slow(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	peer_rfc(probe, probe->seg.dport % 20 == 0, out);
	for (unsigned i = 0; i < out->n; i++)
		out->delay_ns[i] = 1000000ULL * (peer_random(p) % 700); /* reordered, and late */
}

static void test_late_and_reordered(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1-200", "syn");
	peer_init(&p, slow, NULL);
	t.c.rto_max_ns = 150000000;
	t.c.retries = 8;
	trial_run(&t, &p);
	assert_int_equal(count_state(&t, STATE_OPEN), 10);
	assert_int_equal(count_state(&t, STATE_CLOSED), 190);
	assert_true(t.kept.sum.late > 0);
	trial_free(&t);
	peer_free(&p);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void nobody(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	(void)probe;
	(void)out;
}

static void test_stop(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1-1000", "syn");
	peer_init(&p, fifty, NULL);
	t.c.rate = 1000;
	p.stop_at_ns = p.now_ns + 300000000;
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_INTERRUPTED);
	assert_false(t.kept.sum.complete);
	assert_true(t.kept.sum.not_probed > 600);
	assert_int_equal(count_state(&t, STATE_NOT_PROBED), t.kept.sum.not_probed);
	assert_int_equal(t.kept.n, 1000);
	assert_int_equal(count_state(&t, STATE_FILTERED),
			 0); /* in flight is drained, not guessed */
	assert_true(t.kept.sum.elapsed_s < 1.4);
	trial_free(&t);
	peer_free(&p);
}

static void test_deadline(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "82", "syn");
	peer_init(&p, server, NULL);
	t.c.deadline_ns = 1500000000;
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_DEADLINE);
	assert_int_equal(port_of(&t, 82)->state,
			 STATE_INDETERMINATE); /* two tries are no silence */
	assert_true(t.kept.sum.elapsed_s < 1.6);
	trial_free(&t);
	peer_free(&p);
}

static void test_link_down(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1-1000", "syn");
	peer_init(&p, fifty, NULL);
	t.c.rate = 1000;
	p.down_at_ns = p.now_ns + 300000000;
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_LINK);
	assert_false(t.kept.sum.complete);
	assert_true(strstr(t.kept.sum.why, "veth0"));
	assert_true(count_state(&t, STATE_NOT_PROBED) > 600);
	assert_int_equal(count_state(&t, STATE_FILTERED), 0);
	trial_free(&t);
	peer_free(&p);
}

/* What the kernel says of a neighbour that does not answer comes three seconds after the first try.
 */
static void no_neighbour(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)probe;
	if (p->n_sent > 1)
		return;
	out->icmp = true;
	out->icmp_type = 3;
	out->icmp_code = 1;
	out->icmp_from = p->path[0].src;
}

static void test_host_unreachable(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "80", "syn");
	peer_init(&p, no_neighbour, NULL);
	p.rtt_ns = 3060000000;
	trial_run(&t, &p);
	assert_int_equal(port_of(&t, 80)->state, STATE_REJECTED);
	assert_string_equal(port_of(&t, 80)->reason, "host-unreachable");
	assert_false(t.kept.host.up);
	assert_true(t.kept.host.unreachable);
	assert_string_equal(t.kept.host.down_reason, "host-unreachable");
	trial_free(&t);
	peer_free(&p);
}

/* A link that dies in the first of several windows: the later ones saw nothing of it. */
static void test_link_down_in_windows(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1-300", "syn");
	peer_init(&p, nobody, NULL);
	t.c.window = 100;
	p.down_at_ns = p.now_ns + 3500000000; /* the first window has had its three tries */
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_LINK);
	assert_int_equal(t.kept.n, 300);
	assert_int_equal(count_state(&t, STATE_FILTERED), 100);
	assert_true(count_state(&t, STATE_NOT_PROBED) >= 100);
	assert_int_equal(count_state(&t, STATE_NOT_PROBED), t.kept.sum.not_probed);
	trial_free(&t);
	peer_free(&p);
}

/* Nothing left: that is no silence, however many hosts were asked for. */
static void test_nothing_can_be_sent(void **state)
{
	(void)state;
	for (int few = 0; few <= 1; few++) {
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.0/28", "1-100", "syn,ack");
		peer_init(&p, fifty, NULL);
		t.c.enumerate_silent = few;
		t.c.window = 700;
		p.send_error = EPERM;
		trial_run(&t, &p);
		assert_false(t.kept.sum.complete);
		assert_int_equal(t.kept.sum.end, END_SEND);
		assert_int_equal(t.kept.sum.not_probed, 1600);
		assert_int_equal(t.kept.sum.silent, 0);
		trial_free(&t);
		peer_free(&p);
	}
}

/* Targets without a route among many are told, not taken for silent. */
static void test_no_route_among_many(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.0/28", "1-100", "syn");
	peer_init(&p, fifty, NULL);
	t.c.enumerate_silent = false;
	t.c.window = 700;
	for (size_t i = 0; i < t.space.n; i++)
		t.space.spans[i].path = PATH_NONE;
	trial_run(&t, &p);
	assert_false(t.kept.sum.complete);
	assert_int_equal(t.kept.sum.unroutable, 1600);
	assert_int_equal(t.kept.sum.not_probed, 1600);
	assert_int_equal(t.kept.sum.silent, 0);
	trial_free(&t);
	peer_free(&p);
}

static void test_deadline_at_a_slow_rate(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "80-82", "syn");
	peer_init(&p, server, NULL);
	t.c.rate = 0.1;
	t.c.deadline_ns = 1500000000;
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_DEADLINE);
	assert_true(t.kept.sum.elapsed_s < 1.6);
	trial_free(&t);
	peer_free(&p);
}

/* Open, then reset once more when the window's record is long written: it stays open. */
static void reset_much_later(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	(void)p;
	peer_rfc(probe, true, out);
	s.flags = TCP_RST | TCP_ACK;
	s.seq = out->seg[0].seq + 1;
	s.ack = probe->seg.seq + 1;
	peer_put(out, &s, 30000000);
	s.seq = 0;
	s.ack = 77; /* and one that only fits the ports */
	peer_put(out, &s, 31000000);
}

static void test_late_reset_corrects_nothing(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "100-299", "syn");
	peer_init(&p, reset_much_later, NULL);
	t.c.window = 5;
	t.c.rate = 1000;
	t.c.enumerate_silent = false;
	trial_run(&t, &p);
	assert_true(t.kept.sum.late > 100);
	assert_int_equal(t.kept.n, 200);
	assert_int_equal(count_state(&t, STATE_OPEN), 200);
	trial_free(&t);
	peer_free(&p);
}

/* A router that rejects one SYN a second: what its limiter swallows is no loss of the path. */
static void limited_router(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	uint64_t *next = p->ctx;

	if (probe->seg.dport < 50) {
		peer_rfc(probe, false, out);
		return;
	}
	if (p->now_ns < *next)
		return;
	*next = p->now_ns + 1000000000;
	out->icmp = true;
	out->icmp_type = 3;
	out->icmp_code = 13;
	out->icmp_from = addr_v4(198, 51, 100, 1);
}

static void test_icmp_limit_is_no_loss(void **state)
{
	uint64_t next = 0;
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.0/26", "22,25,81", "syn");
	peer_init(&p, limited_router, &next);
	trial_run(&t, &p);
	assert_true(t.kept.sum.complete);
	assert_true(t.kept.sum.loss_estimate == 0);
	assert_true(t.kept.sum.elapsed_s < 4);
	assert_int_equal(count_state(&t, STATE_CLOSED), 128);
	trial_free(&t);
	peer_free(&p);
}

/* --- scale, windows, pace --------------------------------------------------------------------- */

static void test_windows(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.0/28", "1-100", "syn,ack");
	peer_init(&p, fifty, NULL);
	t.c.window = 97;
	t.c.enumerate_silent = false;
	p.loss_percent = 10;
	trial_run(&t, &p);
	assert_int_equal(t.kept.windows, (16 * 100 + 96) / 97);
	assert_true(count_state(&t, STATE_OPEN) >= 16 * 5);
	assert_int_equal(t.kept.found, 16 * 5);
	assert_int_equal(t.kept.sum.not_probed, 0);
	trial_free(&t);
	peer_free(&p);
}

static void test_all_ports(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1-65535", "syn");
	peer_init(&p, fifty, NULL);
	trial_run(&t, &p);
	assert_int_equal(count_state(&t, STATE_OPEN), 65535 / 20);
	assert_int_equal(count_state(&t, STATE_CLOSED), 65535 - 65535 / 20);
	assert_int_equal(p.n_sent, 65535);
	assert_true(t.kept.sum.elapsed_s < 1); /* virtual: auto grows while answers keep up */
	trial_free(&t);
	peer_free(&p);
}

static void test_rate_is_even(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1-5000", "syn");
	peer_init(&p, fifty, NULL);
	t.c.rate = 10000;
	trial_run(&t, &p);
	assert_int_equal(p.n_sent, 5000);
	for (uint64_t i = 20; i < p.n_sent; i++) /* no burst above 1 ms of the rate */
		assert_true(p.sent[i].at_ns - p.sent[i - 20].at_ns >= 900000);
	assert_true(p.sent[4999].at_ns - p.sent[0].at_ns > 480000000);
	trial_free(&t);
	peer_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_silence_takes_its_time),
	    cmocka_unit_test(test_broken_rsts),
	    cmocka_unit_test(test_retries_as_told),
	    cmocka_unit_test(test_combinations),
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_loss_fixed_port),
	    cmocka_unit_test(test_inconsistent),
	    cmocka_unit_test(test_duplicates),
	    cmocka_unit_test(test_liar),
	    cmocka_unit_test(test_forger),
	    cmocka_unit_test(test_drops_are_asked_again),
	    cmocka_unit_test(test_challenge_ack),
	    cmocka_unit_test(test_late_and_reordered),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_link_down),
	    cmocka_unit_test(test_host_unreachable),
	    cmocka_unit_test(test_link_down_in_windows),
	    cmocka_unit_test(test_nothing_can_be_sent),
	    cmocka_unit_test(test_no_route_among_many),
	    cmocka_unit_test(test_deadline_at_a_slow_rate),
	    cmocka_unit_test(test_late_reset_corrects_nothing),
	    cmocka_unit_test(test_icmp_limit_is_no_loss),
	    cmocka_unit_test(test_windows),
	    cmocka_unit_test(test_all_ports),
	    cmocka_unit_test(test_rate_is_even),
	};

	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
