/* test_script: the driver of conversations against scripted peers in virtual time: pace, matching,
 * late answers, the ends of a run. What `stack` asks is tested in test_stack_hosts. */
#include "unit/unit.h"

#include "engine/script.h"
#include "sim/peer.h"

enum { SPORT = 40000, MS = 1000000, HOSTS_MAX = 1500, TALKS = 64 };

static const struct form ack_form = {"ack", TCP_ACK, 0, false, FORM_SEQ_RANDOM, FORM_ACK_RANDOM};
static const struct form syn_form = {"syn", TCP_SYN, 0, true, FORM_SEQ_RANDOM, FORM_ACK_RANDOM};
static const struct form rst_form = {"rst", TCP_RST, 0, false, FORM_SEQ_WINDOW, FORM_ACK_NXT};
static const struct step stray[] = {{STEP_SEND, 1, 0}, {STEP_END, 0, 0}};
static const struct step half_open[] = {
    {STEP_RAW_SYN, 2, 0}, {STEP_SEND, 2, 700}, {STEP_LIVE, 2, 700}, {STEP_END, 0, 0}};

/* A program that asks `n` talks of one kind to ports 1..n, all at once. */
struct host_state {
	const struct step *steps;
	const struct form *form;
	unsigned n, asked, done, late;
	enum talk_end end[TALKS];
	struct exchange x[TALKS];
	bool over;
	enum run_end run_end;
};

static bool next(void *ctx, uint64_t now, struct talk_wish *out, uint64_t *again, bool *over)
{
	struct host_state *h = ctx;

	(void)now;
	*again = UINT64_MAX;
	*over = h->done == h->n;
	if (h->asked == h->n)
		return false;
	*out = (struct talk_wish){
	    .steps = h->steps, .form = h->form, .dport = (uint16_t)(h->asked + 1), .tag = h->asked};
	h->asked++;
	return true;
}

static void done(void *ctx, uint32_t tag, enum talk_end end, const struct exchange *x, bool late)
{
	struct host_state *h = ctx;

	h->done += !late;
	h->late += late;
	h->end[tag] = end;
	h->x[tag] = *x;
}

static void over(void *ctx, enum run_end end)
{
	struct host_state *h = ctx;

	assert_false(h->over);
	h->over = true;
	h->run_end = end;
}

static const struct script_program program = {next, done, over};

static struct script_host hosts[HOSTS_MAX];
static struct host_state states[HOSTS_MAX];

struct lab {
	struct peer peer;
	struct script_config c;
	struct turns_stats stats;
};

static void begin(struct lab *w, peer_fn *fn, size_t n_hosts, const struct step *steps,
		  const struct form *form, unsigned talks)
{
	peer_init(&w->peer, fn, NULL);
	for (size_t i = 0; i < n_hosts; i++) {
		states[i] = (struct host_state){.steps = steps, .form = form, .n = talks};
		hosts[i] = (struct script_host){
		    .addr = addr_v4(10, 1, (uint8_t)(i >> 8), (uint8_t)i), .ctx = &states[i]};
	}
	w->c = (struct script_config){.program = &program,
				      .hosts = hosts,
				      .n_hosts = n_hosts,
				      .sport_first = SPORT,
				      .seed = 7,
				      .conns_max = 100};
}

static void run(struct lab *w)
{
	struct err e;

	assert_int_equal(script_run(&w->c, &w->peer.wire, &w->stats, &e), 0);
}

static void closed(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	peer_rfc(probe, false, out);
}

static void silent(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	(void)probe;
	(void)out;
}

/* Never more than 20 within any second. */
static void test_pace(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, closed, 1, stray, &ack_form, 60);
	run(&w);
	assert_int_equal(w.peer.n_sent, 60);
	for (size_t i = 20; i < 60; i++)
		assert_true(w.peer.sent[i].at_ns - w.peer.sent[i - 20].at_ns >=
			    1000 * (uint64_t)MS);
	for (size_t i = 0; i < 60; i++) {
		assert_int_equal(states[0].end[i], TALK_DONE);
		assert_int_equal(states[0].x[i].reaction, REACTION_RST_SEQ_FROM_ACK);
		assert_int_equal(states[0].x[i].fit, FIT_EXACT);
		assert_int_equal(states[0].x[i].port, i + 1);
		assert_int_equal(states[0].x[i].seq, states[0].x[i].sent.ack);
	}
	assert_int_equal(w.stats.sent, 60);
	assert_int_equal(w.stats.answered, 60);
	assert_int_equal(w.stats.foreign, 0);
	peer_free(&w.peer);
}

static void test_every_number_is_new_and_not_small(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, closed, 1, stray, &syn_form, 40);
	run(&w);
	for (size_t i = 0; i < 40; i++) {
		assert_true(w.peer.sent[i].ack > 0xffff);
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(w.peer.sent[i].seq, w.peer.sent[j].seq);
			assert_int_not_equal(w.peer.sent[i].sport, w.peer.sent[j].sport);
		}
		assert_true(w.peer.sent[i].sport >= SPORT &&
			    w.peer.sent[i].sport < SPORT + SCRIPT_SPORTS);
	}
	peer_free(&w.peer);
}

/* The next question doesn't wait for the answer to the last. */
static void test_silence_stops_nobody(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, silent, 1, stray, &ack_form, 60);
	run(&w);
	assert_true(w.stats.elapsed_s < 60 * 0.06 + 1);
	peer_free(&w.peer);
}

static void test_silence(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, silent, 1, stray, &ack_form, 1);
	run(&w);
	assert_int_equal(states[0].end[0], TALK_DONE);
	assert_false(exchange_answered(&states[0].x[0]));
	assert_int_equal(states[0].x[0].tries, 1);
	assert_true(w.stats.elapsed_s >= 1.0 && w.stats.elapsed_s < 1.2);
	peer_free(&w.peer);
}

/* The first port's answer takes two seconds; others keep the host under way. */
static void slow_first(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	peer_rfc(probe, false, out);
	if (probe->seg.dport == 1)
		out->delay_ns[0] = 2000 * (uint64_t)MS;
}

static void test_late_answer(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, slow_first, 1, stray, &ack_form, 50);
	run(&w);
	assert_int_equal(states[0].late, 1);
	assert_int_equal(states[0].done, 50);
	assert_int_equal(states[0].x[0].reaction, REACTION_RST_SEQ_FROM_ACK);
	assert_true(states[0].x[0].rtt_us >= 2000000);
	assert_int_equal(w.stats.late, 1);
	peer_free(&w.peer);
}

static void test_more_hosts_than_places(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, closed, HOSTS_MAX, stray, &ack_form, 3);
	run(&w);
	for (size_t i = 0; i < HOSTS_MAX; i++) {
		assert_true(states[i].over);
		assert_int_equal(states[i].run_end, END_COMPLETE);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(states[i].x[k].reaction, REACTION_RST_SEQ_FROM_ACK);
	}
	assert_int_equal(w.stats.sent, 3 * HOSTS_MAX);
	peer_free(&w.peer);
}

static void test_deadline(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, silent, 3, stray, &ack_form, 60);
	w.c.deadline_ns = 500 * (uint64_t)MS;
	run(&w);
	assert_int_equal(w.stats.end, END_DEADLINE);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(states[i].run_end, END_DEADLINE);
	peer_free(&w.peer);
}

static void test_stop(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, silent, 1, stray, &ack_form, 60);
	w.peer.stop_at_ns = w.peer.now_ns + 300 * (uint64_t)MS;
	run(&w);
	assert_int_equal(w.stats.end, END_INTERRUPTED);
	assert_int_equal(states[0].run_end, END_INTERRUPTED);
	peer_free(&w.peer);
}

/* What comes from a host that wasn't asked, or for a port that asked nothing, is foreign. */
static void test_foreign(void **state)
{
	struct lab w;
	struct segment s;

	(void)state;
	begin(&w, silent, 1, stray, &ack_form, 1);
	s = (struct segment){.src = addr_v4(10, 9, 9, 9),
			     .dst = w.peer.path[0].src,
			     .sport = 1,
			     .dport = SPORT,
			     .flags = TCP_RST,
			     .ttl = 64};
	peer_inject(&w.peer, &s, w.peer.now_ns + 10 * MS);
	s.src = hosts[0].addr;
	s.dport = SPORT + 5;
	peer_inject(&w.peer, &s, w.peer.now_ns + 20 * MS);
	run(&w);
	assert_int_equal(w.stats.foreign, 2);
	assert_false(exchange_answered(&states[0].x[0]));
	peer_free(&w.peer);
}

static void rejects(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	(void)probe;
	out->icmp = true;
	out->icmp_type = 3;
	out->icmp_code = 13;
	out->icmp_from = addr_v4(10, 0, 0, 254);
}

static void test_icmp(void **state)
{
	struct lab w;
	const struct exchange *x = &states[0].x[0];

	(void)state;
	begin(&w, rejects, 1, stray, &ack_form, 1);
	run(&w);
	assert_int_equal(x->reaction, REACTION_ICMP_ADMIN);
	assert_int_equal(x->icmp_code, 13);
	assert_int_equal(x->from.b[3], 254);
	peer_free(&w.peer);
}

/* --- a half-open peer --------------------------------------------------------------------- */

static uint8_t listener_ttl;
enum { ISN = 5000 };

/* A listener that challenges a RST in its window, and answers octets that it has. */
static void listener(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	(void)p;
	s.ttl = listener_ttl;
	s.seq = ISN + 1;
	if (probe->seg.flags == TCP_SYN) {
		s.seq = ISN;
		s.flags = TCP_SYN | TCP_ACK;
		s.ack = probe->seg.seq + 1;
		peer_put(out, &s, 0);
	} else if (probe->seg.flags == TCP_RST && !probe->seg.ack) {
		return; /* the tidy one */
	} else {
		s.flags = TCP_ACK;
		s.ack = probe->seg.flags & TCP_RST ? probe->seg.seq - 1 : probe->seg.seq + 1;
		peer_put(out, &s, 0);
	}
}

static void run_half_open(struct lab *w, peer_fn *fn)
{
	listener_ttl = 64;
	begin(w, fn, 1, half_open, &rst_form, 1);
	w->peer.wire.quiet_first = SPORT + SCRIPT_SPORTS;
	w->peer.wire.n_quiet = SCRIPT_QUIET;
	run(w);
}

static void test_syn_received(void **state)
{
	struct lab w;
	const struct exchange *x = &states[0].x[0];
	const struct peer_sent *sent;

	(void)state;
	run_half_open(&w, listener);
	assert_int_equal(states[0].end[0], TALK_DONE);
	assert_int_equal(x->reaction, REACTION_CHALLENGE_ACK);
	assert_int_equal(x->after, AFTER_ALIVE);
	assert_int_equal(w.peer.n_sent, 4);
	sent = w.peer.sent;
	assert_int_equal(sent[0].sport, SPORT + SCRIPT_SPORTS);
	assert_int_equal(sent[1].flags, TCP_RST);
	assert_int_equal(sent[1].seq, sent[0].seq + 2); /* in the window, not exact */
	assert_int_equal(sent[2].flags, TCP_ACK);	/* the old octet */
	assert_int_equal(sent[2].seq, sent[0].seq);
	assert_int_equal(sent[2].ack, ISN + 1);
	assert_int_equal(sent[3].flags, TCP_RST); /* tidied with the exact number */
	assert_int_equal(sent[3].seq, sent[0].seq + 1);
	peer_free(&w.peer);
}

/* The same, and a blind guess that comes before each of its answers. */
static void guessed(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	if (probe->seg.flags != TCP_SYN) {
		s.flags = TCP_RST;
		s.seq = ISN + 5000;
		peer_put(out, &s, 0);
	}
	listener(p, probe, out);
}

/* A peer whose octets nobody captured would be that far; but then its RST is not missed much. */
static void test_a_reset_within_the_window_alone(void **state)
{
	struct lab w;
	const struct exchange *x = &states[0].x[0];

	(void)state;
	run_half_open(&w, guessed);
	assert_int_equal(x->reaction, REACTION_CHALLENGE_ACK);
	assert_int_equal(x->after, AFTER_ALIVE);
	peer_free(&w.peer);
}

/* Its connection ended with the RST. A RST to an ACK of our kernel's, which it says of a forged
 * RST, comes before we have asked; none answers a RST. */
static void ended(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	if (probe->seg.flags == TCP_SYN) {
		listener(p, probe, out);
	} else {
		s.flags = TCP_RST;
		s.seq = ISN + 1;
		peer_put(out, &s, 0);
	}
}

static void test_no_reset_answers_a_reset(void **state)
{
	struct lab w;
	const struct exchange *x = &states[0].x[0];

	(void)state;
	run_half_open(&w, ended);
	assert_int_equal(states[0].end[0], TALK_DONE);
	assert_false(exchange_answered(x));
	assert_int_equal(x->after, AFTER_GONE);
	peer_free(&w.peer);
}

static void test_no_quiet_ports(void **state)
{
	struct lab w;

	(void)state;
	listener_ttl = 64;
	begin(&w, listener, 1, half_open, &rst_form, 1);
	w.peer.wire.n_quiet = 0;
	run(&w);
	assert_int_equal(states[0].end[0], TALK_NO_QUIET);
	assert_int_equal(w.peer.n_sent, 0);
	peer_free(&w.peer);
}

/* IP_MINTTL lets through what arrives with 255: our kernel has answered the SYN-ACK. */
static void test_ttl_255_is_not_quiet(void **state)
{
	struct lab w;

	(void)state;
	listener_ttl = 255;
	begin(&w, listener, 2, half_open, &rst_form, 1);
	w.peer.wire.quiet_first = SPORT + SCRIPT_SPORTS;
	w.peer.wire.n_quiet = SCRIPT_QUIET;
	run(&w);
	assert_int_equal(states[0].end[0], TALK_NO_QUIET);
	peer_free(&w.peer);
	begin(&w, listener, 1, half_open, &rst_form, 1);
	w.peer.wire.quiet_first = SPORT + SCRIPT_SPORTS;
	w.peer.wire.n_quiet = SCRIPT_QUIET;
	w.peer.wire.quiet_ttl255 = true;
	run(&w);
	assert_int_equal(states[0].end[0], TALK_DONE);
	peer_free(&w.peer);
}

static void test_refused(void **state)
{
	struct lab w;

	(void)state;
	begin(&w, closed, 1, half_open, &rst_form, 1);
	w.peer.wire.quiet_first = SPORT + SCRIPT_SPORTS;
	w.peer.wire.n_quiet = SCRIPT_QUIET;
	run(&w);
	assert_int_equal(states[0].end[0], TALK_REFUSED);
	assert_false(exchange_answered(&states[0].x[0]));
	peer_free(&w.peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pace),
	    cmocka_unit_test(test_every_number_is_new_and_not_small),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_silence_stops_nobody),
	    cmocka_unit_test(test_late_answer),
	    cmocka_unit_test(test_more_hosts_than_places),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_foreign),
	    cmocka_unit_test(test_icmp),
	    cmocka_unit_test(test_syn_received),
	    cmocka_unit_test(test_a_reset_within_the_window_alone),
	    cmocka_unit_test(test_no_reset_answers_a_reset),
	    cmocka_unit_test(test_no_quiet_ports),
	    cmocka_unit_test(test_ttl_255_is_not_quiet),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
