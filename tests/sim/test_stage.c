/* test_stage: each scene against services good and bad, in virtual time: what was measured, that
 * nothing is left behind, and that the service's stack could believe all that we sent. What the
 * numbers mean is tested with judge/provoke; its finding stands here for the whole. */
#include "unit/unit.h"

#include <errno.h>

#include "engine/stage.h"
#include "sim/kernel.h"
#include "sim/service.h"

enum { SPORT = 40000 };
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

struct run {
	struct peer peer;
	struct service service;
	struct stage_config c;
	struct turns_config t;
	struct provoke_facts f;
	struct turns_stats stats;
	unsigned frames_ours, frames_theirs;
	uint64_t last_ns;
	char doing[80];
};

static void witness(void *ctx, const struct packet *pk, uint64_t at_ns)
{
	struct run *r = ctx;

	assert_true(at_ns >= r->last_ns);
	r->last_ns = at_ns;
	if (pk->kind == PACKET_TCP && pk->seg.dport == SERVICE_PORT)
		r->frames_ours++;
	else
		r->frames_theirs++;
}

static void progress(void *ctx, const char *doing, uint64_t until, bool asked)
{
	struct run *r = ctx;

	(void)asked;
	assert_true(until >= r->peer.now_ns);
	snprintf(r->doing, sizeof(r->doing), "%s", doing);
}

static void begin(struct run *r, enum scenario scenario, const struct service_how *how)
{
	memset(r, 0, sizeof(*r));
	service_init(&r->service, &r->peer, how);
	r->peer.wire.quiet_first = SPORT + STAGE_PORTS;
	r->peer.wire.n_quiet = STAGE_QUIET;
	r->t.seed = 11;
	r->c = (struct stage_config){.scenario = scenario,
				     .dst = addr_v4(10, 0, 0, 1),
				     .dport = SERVICE_PORT,
				     .sport_first = SPORT,
				     .hold_ns = 20 * SECOND,
				     .conns_max = 32,
				     .head = (const uint8_t *)"GET / HTTP/1.1\r\n\r\n",
				     .head_len = 18,
				     .witness = witness,
				     .witness_ctx = r,
				     .progress = progress,
				     .progress_ctx = r};
}

static const char *play(struct run *r)
{
	struct provoke_verdict v;
	struct err e;

	assert_int_equal(stage_run(&r->c, &r->t, &r->peer.wire, &r->f, &r->stats, &e), 0);
	provoke_judge(&r->f, &v);
	return v.row->id;
}

static void nobody(void *ctx, const struct wire_in *in)
{
	(void)ctx;
	(void)in;
}

/* Two seconds later there is no socket, and at the service nothing that only a timer would end. */
static void end(struct run *r, size_t left_there)
{
	uint64_t until = r->peer.now_ns + 2 * SECOND;
	struct err e;

	assert_int_equal(kernel_handles(r->peer.kernel), 0);
	while (r->peer.now_ns < until)
		r->peer.wire.ops->recv(&r->peer.wire, until, nobody, NULL, &e);
	assert_int_equal(service_conns(&r->service), left_there);
	assert_int_equal(r->service.paws, 0);
	assert_true(r->service.most <= (r->c.scenario == SCENARIO_IDLE ? 16 : 2));
	peer_free(&r->peer);
}

/* --- one finding a service ----------------------------------------------------------------- */

struct story {
	enum scenario scenario;
	struct service_how how;
	const char *id;
	uint64_t body;
	size_t left; /* connections that the service keeps in spite of all */
};

static const char answer[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 20000\r\n\r\n";

static const struct story stories[] = {
    {SCENARIO_LISTEN_ACK, {.reads = 0}, "listen-rst", 0, 0},
    {SCENARIO_LISTEN_ACK, {.stealthy = true}, "listen-silent", 0, 0},
    {SCENARIO_LISTEN_ACK, {.closed = true}, "port-closed", 0, 0},
    {SCENARIO_LISTEN_ACK, {.silent = true}, "no-answer", 0, 0},
    {SCENARIO_LISTEN_ACK, {.rejects = true}, "port-rejected", 0, 0},
    {SCENARIO_HALF_OPEN, {.keepalive_ns = 5 * SECOND}, "keepalive-reset", 0, 0},
    {SCENARIO_HALF_OPEN, {.keepalive_ns = 18 * SECOND}, "keepalive-probes", 0, 0},
    {SCENARIO_HALF_OPEN, {.close_ns = 3 * SECOND}, "closed-by-service", 0, 0},
    {SCENARIO_HALF_OPEN, {.abort_ns = 3 * SECOND}, "reset-by-service", 0, 0},
    {SCENARIO_HALF_OPEN, {.forget_ns = 3 * SECOND}, "replaced", 0, 0},
    {SCENARIO_HALF_OPEN, {.syn_kills = true}, "reset-to-syn", 0, 0},
    {SCENARIO_HALF_OPEN, {.reads = 0}, "gives-way", 0, 0},
    {SCENARIO_HALF_OPEN, {.ignores_rst = true}, "keeps", 0, 1},
    {SCENARIO_HALF_OPEN, {.no_challenge = true}, "mute", 0, 0},
    {SCENARIO_EARLY_CLOSE,
     {.reads = 4096, .answer = answer, .answer_len = 20000},
     "answer-lost",
     40000,
     0},
    {SCENARIO_EARLY_CLOSE, {.reads = 4096}, "reset-unanswered", 40000, 0},
    {SCENARIO_EARLY_CLOSE,
     {.reads = 4096, .answer = answer, .answer_len = 20000, .drains = true},
     "closes-cleanly",
     40000,
     0},
    {SCENARIO_EARLY_CLOSE, {.reads = 0}, "takes-all", 40000, 0},
    {SCENARIO_EARLY_CLOSE, {.never_reads = true}, "stalls", 40000, 0},
    {SCENARIO_DATA_AFTER_CLOSE, {.reads = 18, .answer = "bye"}, "resets", 0, 0},
    {SCENARIO_DATA_AFTER_CLOSE, {.reads = 18, .keeps_reading = true}, "accepts", 0, 0},
    {SCENARIO_DATA_AFTER_CLOSE, {.reads = 10}, "aborts", 0, 0},
    {SCENARIO_DATA_AFTER_CLOSE, {.reads = 0}, "stays-open", 0, 0},
    {SCENARIO_ABORT, {.reads = 0}, "others-live", 0, 0},
    {SCENARIO_ABORT, {.dies_by_rst = true}, "listener-dies", 0, 0},
    {SCENARIO_ABORT, {.abort_ns = 50 * MS}, "reset-unasked", 0, 0},
    {SCENARIO_SLOW_HANDSHAKE, {.reads = 0}, "retransmits", 0, 0},
    {SCENARIO_SLOW_HANDSHAKE, {.ignores_rst = true, .syn_ack_max = 9}, "ignores-rst", 0, 2},
    {SCENARIO_SLOW_HANDSHAKE, {.deaf_when_half_open = true}, "listener-blocked", 0, 0},
    {SCENARIO_SLOW_HANDSHAKE, {.syn_ack_max = 2}, "gives-up", 0, 0},
    {SCENARIO_IDLE, {.close_ns = 5 * SECOND}, "ends-by-fin", 0, 0},
    {SCENARIO_IDLE, {.abort_ns = 5 * SECOND}, "ends-by-rst", 0, 0},
    {SCENARIO_IDLE, {.forget_ns = 5 * SECOND}, "reset-on-use", 0, 0},
    {SCENARIO_IDLE, {.forget_ns = 5 * SECOND, .stealthy = true}, "silent-on-use", 0, 0},
    {SCENARIO_IDLE, {.reads = 0}, "outlives", 0, 0},
    {SCENARIO_LOST_RST, {.reads = 18, .answer = "bye"}, "repeats", 0, 0},
    {SCENARIO_LOST_RST, {.reads = 10}, "repeats", 0, 0},
    {SCENARIO_LOST_RST, {.reads = 18, .rst_once = true}, "once", 0, 0},
    {SCENARIO_LOST_RST, {.reads = 18, .keeps_reading = true}, "never-resets", 0, 0},
    {SCENARIO_LOST_RST, {.reads = 0}, "never-resets", 0, 0},
    {SCENARIO_CHALLENGE, {.reads = 0}, "challenges", 0, 0},
    {SCENARIO_CHALLENGE, {.syn_kills = true}, "dies-by-syn", 0, 0},
    {SCENARIO_CHALLENGE, {.near_kills = true}, "dies-by-near-rst", 0, 0},
    {SCENARIO_CHALLENGE, {.no_challenge = true}, "silent-but-lives", 0, 0},
    {SCENARIO_CHALLENGE, {.takes_old_ack = true}, "challenges", 0, 0},
    {SCENARIO_CHALLENGE, {.ignores_rst = true}, "survives-exact-rst", 0, 1},
    {SCENARIO_CHALLENGE, {.abort_ns = 300 * MS}, "reset-unasked", 0, 0},
};
enum { STORIES = sizeof(stories) / sizeof(stories[0]) };

static void test_stories(void **state)
{
	unsigned wrong = 0;
	struct run r;

	(void)state;
	for (size_t i = 0; i < STORIES; i++) {
		const struct story *y = &stories[i];
		const char *id;

		begin(&r, y->scenario, &y->how);
		r.c.body = y->body;
		id = play(&r);
		if (strcmp(id, y->id) != 0) {
			print_message("# %zu: %s: %s, not %s\n", i,
				      scenario_infos[y->scenario].name, id, y->id);
			wrong++;
		}
		assert_int_equal(r.stats.end, END_COMPLETE);
		assert_false(r.f.stopped);
		assert_true(r.frames_ours > 0);
		end(&r, y->left);
	}
	assert_int_equal(wrong, 0);
}

/* Few findings are others where frames are lost: mostly where the one that decides is not sent
 * again. */
static void test_loss(void **state)
{
	unsigned wrong = 0, all = 0;
	struct run r;

	(void)state;
	for (size_t i = 0; i < STORIES; i++) {
		for (unsigned seed = 1; seed <= 10; seed++) {
			begin(&r, stories[i].scenario, &stories[i].how);
			r.c.body = stories[i].body < 12000 ? stories[i].body : 12000;
			if (r.c.body)
				r.c.hold_ns = 200 * SECOND; /* its answer is sent slowly */
			r.peer.loss_percent = 3;
			r.peer.rng = r.t.seed = seed;
			wrong += strcmp(play(&r), stories[i].id) != 0;
			all++;
			assert_int_equal(r.stats.end, END_COMPLETE);
			assert_int_equal(kernel_handles(r.peer.kernel), 0);
			assert_int_equal(r.service.paws, 0);
			peer_free(&r.peer);
		}
	}
	assert_true(wrong * 25 < all);
}

/* Where silence decides, the question is put often enough: what is not known is said to be. */
static void test_lost_rst_lost(void **state)
{
	static const struct {
		struct service_how how;
		const char *id, *unsure;
	} ways[] = {{{.reads = 18, .answer = "bye"}, "repeats", "sometimes"},
		    {{.reads = 10}, "repeats", "sometimes"},
		    {{.abort_ns = 500 * MS}, "repeats", "sometimes"},
		    {{.reads = 18, .rst_once = true}, "once", "goes-silent"},
		    {{.abort_ns = 500 * MS, .rst_once = true}, "once", "goes-silent"},
		    {{.reads = 0}, "never-resets", "goes-silent"}};
	struct run r;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		unsigned sure = 0, wrong = 0;

		for (unsigned seed = 1; seed <= 100; seed++) {
			const char *id;

			begin(&r, SCENARIO_LOST_RST, &ways[i].how);
			r.peer.loss_percent = 10;
			r.peer.rng = r.t.seed = seed;
			id = play(&r);
			sure += !strcmp(id, ways[i].id);
			wrong += strcmp(id, ways[i].id) != 0 && strcmp(id, ways[i].unsure) != 0 &&
				 strcmp(id, "no-answer") != 0;
			peer_free(&r.peer);
		}
		assert_int_equal(wrong, 0);
		assert_true(sure > 80);
	}
}

/* --- unhappy ends --------------------------------------------------------------------------- */

/* Whenever it is told to stop, it leaves nothing behind. */
static void test_stop_anywhere(void **state)
{
	static const struct service_how plain = {.reads = 0}, closes = {.reads = 18};
	struct run r;

	(void)state;
	for (int sc = 0; sc < SCENARIOS; sc++) {
		for (unsigned i = 0; i < 120; i++) {
			begin(&r, (enum scenario)sc, i % 2 ? &plain : &closes);
			r.peer.stop_at_ns = r.peer.now_ns + i * i * i * 20 * MS / 1000 + i * 100000;
			play(&r);
			if (r.f.stopped)
				assert_int_equal(r.stats.end, END_INTERRUPTED);
			end(&r, 0);
		}
	}
}

static void test_deadline(void **state)
{
	static const struct service_how how = {.reads = 0};
	struct run r;

	(void)state;
	for (int sc = 0; sc < SCENARIOS; sc++) {
		begin(&r, (enum scenario)sc, &how);
		r.t.deadline_ns = 30 * MS;
		play(&r);
		assert_int_equal(r.stats.end, END_DEADLINE);
		assert_true(r.f.stopped);
		end(&r, 0);
	}
}

static void test_link_down(void **state)
{
	static const struct service_how how = {.reads = 0};
	struct run r;

	(void)state;
	for (int sc = 0; sc < SCENARIOS; sc++) {
		begin(&r, (enum scenario)sc, &how);
		r.peer.down_at_ns = r.peer.now_ns + 30 * MS;
		play(&r);
		assert_int_equal(r.stats.end, END_LINK);
		assert_true(r.f.stopped);
		assert_int_equal(kernel_handles(r.peer.kernel), 0);
		peer_free(&r.peer);
	}
}

static void test_port_closed(void **state)
{
	static const struct {
		struct service_how how;
		const char *id;
		enum line_end end;
	} ways[] = {{{.closed = true}, "port-closed", LINE_REFUSED},
		    {{.rejects = true}, "port-rejected", LINE_REJECTED},
		    {{.silent = true}, "no-answer", LINE_NO_ANSWER}};
	struct run r;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (int sc = 0; sc < SCENARIOS; sc++) {
			begin(&r, (enum scenario)sc, &ways[i].how);
			assert_string_equal(play(&r), ways[i].id);
			assert_int_equal(r.f.lines[0].end, ways[i].end);
			assert_int_equal(r.stats.end, END_COMPLETE);
			end(&r, 0);
		}
	}
}

/* Our kernel would not take them either. */
static void test_broken_rsts(void **state)
{
	static const struct service_how closed = {.closed = true}, listens = {.reads = 0};
	struct run r;

	(void)state;
	for (int sc = 0; sc < SCENARIOS; sc++) {
		begin(&r, (enum scenario)sc, &closed);
		r.peer.spoils = true;
		assert_string_equal(play(&r), "no-answer");
		assert_true(r.stats.foreign > 0);
		end(&r, 0);
	}
	begin(&r, SCENARIO_LISTEN_ACK, &listens);
	r.peer.spoils = true;
	assert_string_equal(play(&r), "listen-silent");
	end(&r, 0);
}

/* A neighbour that nobody is: our kernel, or a router, says so after three questions of a second.
 */
static void test_nobody_there(void **state)
{
	static const struct service_how how = {.rejects = true};
	struct run r;

	(void)state;
	for (int sc = 0; sc < SCENARIOS; sc++) {
		begin(&r, (enum scenario)sc, &how);
		r.peer.rtt_ns = 3100 * MS;
		assert_string_equal(play(&r), "port-rejected");
		end(&r, 0);
	}
}

/* IP_MINTTL lets through what arrives with 255: our kernel has answered the SYN-ACK. */
static void test_no_quiet(void **state)
{
	static const struct service_how loud = {.ttl = 255}, plain = {.reads = 0};
	struct run r;

	(void)state;
	for (int sc = 0; sc < SCENARIOS; sc++) {
		bool quiet = scenario_infos[sc].quiet;

		begin(&r, (enum scenario)sc, &loud);
		assert_int_equal(!strcmp(play(&r), "no-quiet-port"), quiet);
		end(&r, 0);
		begin(&r, (enum scenario)sc, &loud);
		r.peer.wire.quiet_ttl255 = true;
		assert_string_not_equal(play(&r), "no-quiet-port");
		end(&r, 0);
		begin(&r, (enum scenario)sc, &plain);
		r.peer.wire.n_quiet = 0;
		assert_int_equal(!strcmp(play(&r), "no-quiet-port"), quiet);
		assert_true(!quiet || !r.peer.n_sent);
		end(&r, 0);
	}
}

static int cannot(struct peer *p, const struct packet *probe)
{
	(void)p;
	(void)probe;
	return EPERM;
}

/* Raw segments don't leave: said as it is, and not waited for without end. */
static void test_cannot_send(void **state)
{
	static const struct service_how how = {.reads = 0};
	struct run r;

	(void)state;
	for (int sc = 0; sc < SCENARIOS; sc++) {
		begin(&r, (enum scenario)sc, &how);
		r.peer.refuse = cannot;
		play(&r);
		if (scenario_infos[sc].quiet)
			assert_int_equal(r.f.lines[0].end, LINE_FAILED);
		assert_int_equal(r.peer.n_sent, 0);
		end(&r, 0);
	}
}

/* The first ACK of a raw line doesn't leave. */
static int first_ack_fails(struct peer *p, const struct packet *probe)
{
	return probe->seg.flags == TCP_ACK && p->n_sent < 2 && p->now_ns < 5500 * MS ? ENOBUFS : 0;
}

/* Dumb only after the handshake: the SYN-ACK that comes again is answered again. */
static void test_lost_handshake_ack(void **state)
{
	static const struct service_how how = {.keepalive_ns = 5 * SECOND};
	struct run r;

	(void)state;
	begin(&r, SCENARIO_HALF_OPEN, &how);
	r.peer.refuse = first_ack_fails;
	assert_string_equal(play(&r), "keepalive-reset");
	assert_int_equal(r.f.lines[0].syn_acks, 3); /* the last is of the return */
	assert_int_equal(r.service.accepted, 1);
	end(&r, 0);
}

/* --- what was measured ----------------------------------------------------------------------- */

static void test_half_open_numbers(void **state)
{
	static const struct service_how how = {.keepalive_ns = 5 * SECOND};
	const struct line_facts *l;
	struct run r;

	(void)state;
	begin(&r, SCENARIO_HALF_OPEN, &how);
	play(&r);
	l = &r.f.lines[0];
	assert_true(l->raw);
	assert_int_equal(l->sport, SPORT + STAGE_PORTS);
	assert_int_equal(l->keepalives, 3);
	assert_int_equal((l->keepalive_ns[0] - l->stands_ns) / MS, 5000);
	assert_int_equal((l->keepalive_ns[1] - l->stands_ns) / MS, 7000);
	assert_int_equal(l->resets, 1);
	assert_int_equal((l->reset_ns[0] - l->stands_ns) / MS, 8000);
	assert_true(exchange_is_rst(&l->reset));
	assert_int_equal(l->repeats, 0);
	end(&r, 0);
}

/* SYN, its challenge, the RST with the challenge's ACK, and the SYN once more. */
static void test_half_open_return(void **state)
{
	static const struct service_how how = {.reads = 0};
	const struct exchange *at;
	struct run r;

	(void)state;
	begin(&r, SCENARIO_HALF_OPEN, &how);
	play(&r);
	at = r.f.lines[0].at;
	assert_int_equal(at[MARK_RETURN].reaction, REACTION_CHALLENGE_ACK);
	assert_int_not_equal(at[MARK_RETURN].sent.seq, at[MARK_SYN].sent.seq);
	assert_int_equal(at[MARK_RETURN].ack, at[MARK_SYN].sent.seq + 1);
	assert_int_equal(at[MARK_RETURN_RST].sent.flags, TCP_RST);
	assert_int_equal(at[MARK_RETURN_RST].sent.seq, at[MARK_RETURN].ack);
	assert_int_equal(at[MARK_RETURN_2].sent.seq, at[MARK_RETURN].sent.seq);
	assert_int_equal(at[MARK_RETURN_2].reaction, REACTION_SYN_ACK);
	end(&r, 0);
}

static void test_early_close_numbers(void **state)
{
	static const struct service_how how = {
	    .reads = 4096, .answer = answer, .answer_len = 20000, .drains = true};
	static const struct service_how bad = {
	    .reads = 4096, .answer = answer, .answer_len = 20000};
	struct run r;

	(void)state;
	begin(&r, SCENARIO_EARLY_CLOSE, &how);
	r.c.body = 40000;
	play(&r);
	assert_int_equal(r.f.http_status, 413);
	assert_int_equal(r.f.http_head, strlen(answer));
	assert_true(r.f.has_http_length);
	assert_int_equal(r.f.http_length, 20000);
	assert_int_equal(r.f.lines[0].written, 40018);
	assert_int_equal(r.f.lines[0].acked_octets, 40018);
	assert_int_equal(r.f.lines[0].sent_octets, 20000);
	assert_int_equal(r.f.lines[0].read, 20000);
	assert_true(r.f.lines[0].read_eof);
	assert_int_equal(r.f.lines[0].repeats, 0);
	assert_int_equal(r.f.lines[0].keepalives, 0);
	end(&r, 0);
	begin(&r, SCENARIO_EARLY_CLOSE, &bad);
	r.c.body = 40000;
	play(&r);
	assert_true(r.f.lines[0].resets > 0);
	assert_true(r.f.lines[0].write_errno == ECONNRESET ||
		    r.f.lines[0].read_errno == ECONNRESET);
	assert_int_equal(r.f.lines[0].read, r.f.lines[0].sent_octets);
	assert_true(r.f.lines[0].read < 20000);
	end(&r, 0);
}

/* The socket says ECONNRESET once, and then that the stream has ended; no program asks again. */
static void test_reset_after_all_is_written(void **state)
{
	static const struct service_how how = {.reads = 18};
	const struct line_facts *l;
	struct run r;

	(void)state;
	begin(&r, SCENARIO_EARLY_CLOSE, &how);
	r.c.body = 2000;
	play(&r);
	l = &r.f.lines[0];
	assert_true(l->resets > 0);
	assert_int_equal(l->write_errno, 0);
	assert_int_equal(l->read_errno, ECONNRESET);
	assert_false(l->read_eof);
	assert_int_equal(l->acked_octets, 100); /* the first segment, by the RST itself */
	end(&r, 0);
}

static void test_stalled_writer(void **state)
{
	static const struct service_how how = {.never_reads = true};
	struct run r;

	(void)state;
	begin(&r, SCENARIO_EARLY_CLOSE, &how);
	r.c.body = 400000;
	play(&r);
	assert_true(r.f.lines[0].window_closed);
	assert_int_equal(r.f.lines[0].acked_octets, 8000);
	assert_true(r.f.lines[0].written > 8000 && r.f.lines[0].written < 400000);
	end(&r, 0);
}

static void test_broken_pipe(void **state)
{
	static const struct service_how how = {.reads = 18, .answer = "bye"};
	const struct line_facts *l;
	struct run r;

	(void)state;
	begin(&r, SCENARIO_DATA_AFTER_CLOSE, &how);
	play(&r);
	l = &r.f.lines[0];
	assert_int_equal(l->read, 3);
	assert_true(l->read_eof);
	assert_int_equal(l->write_errno, 0);
	assert_int_equal(l->write_again_errno, EPIPE);
	assert_true(exchange_is_rst(&l->at[MARK_AFTER_FIN]));
	assert_true(l->at[MARK_AFTER_FIN].asked_ns >= l->fin_ns);
	assert_int_equal(l->resets, 1);
	end(&r, 0);
}

static void test_slow_handshake_numbers(void **state)
{
	static const struct service_how how = {.reads = 0};
	const struct line_facts *l;
	struct run r;

	(void)state;
	begin(&r, SCENARIO_SLOW_HANDSHAKE, &how);
	play(&r);
	l = &r.f.lines[0];
	assert_int_equal(l->syn_acks, 5); /* 0, 1, 3, 7, 15 s */
	assert_int_equal((l->syn_ack_ns[3] - l->syn_ack_ns[0]) / SECOND, 7);
	assert_int_equal(l->syn_acks_after_rst, 0);
	assert_int_equal(l->stands_ns, 0);
	assert_int_equal(l->at[MARK_EXACT_RST].sent.seq, l->at[MARK_SYN].sent.seq + 1);
	assert_int_equal(l->at[MARK_LATE_ACK].reaction, REACTION_RST_SEQ_FROM_ACK);
	assert_int_equal(r.f.lines[1].at[MARK_NEW].reaction, REACTION_SYN_ACK);
	assert_int_equal(r.service.accepted, 0);
	end(&r, 0);
}

/* The bounds of the time-out close in on 100 s, sixteen connections at a time. */
static void test_idle_bounds(void **state)
{
	static const struct service_how how = {.forget_ns = 100 * SECOND};
	struct run r;

	(void)state;
	begin(&r, SCENARIO_IDLE, &how);
	r.c.hold_ns = 600 * SECOND;
	assert_string_equal(play(&r), "reset-on-use");
	assert_true(r.f.idle_lives_ns < 100 * SECOND && r.f.idle_lives_ns > 90 * SECOND);
	assert_true(r.f.idle_dies_ns >= 100 * SECOND && r.f.idle_dies_ns < 106 * SECOND);
	assert_true(r.service.most > 5);
	end(&r, 0);
}

/* Linux challenges once in 500 ms; and no stack is asked more than 20 times a second. */
static void test_pace(void **state)
{
	static const struct service_how how = {.reads = 0};
	uint64_t forged = 0;
	unsigned n = 0;
	struct run r;

	(void)state;
	begin(&r, SCENARIO_CHALLENGE, &how);
	play(&r);
	for (size_t i = 0; i < r.peer.n_sent; i++) {
		const struct peer_sent *p = &r.peer.sent[i];

		assert_true(i == 0 || p->at_ns - p[-1].at_ns >= 50 * MS);
		if (p->flags == TCP_ACK && p->seq == r.f.lines[0].at[MARK_SYN].sent.seq)
			continue; /* the sign of life */
		assert_true(!forged || p->at_ns - forged >= 500 * MS);
		forged = p->at_ns;
		n++;
	}
	assert_int_equal(n, 4);
	for (enum mark m = MARK_WINDOW_SYN; m <= MARK_OLD_ACK; m++)
		assert_int_equal(r.f.lines[0].at[m].reaction, REACTION_CHALLENGE_ACK);
	assert_int_equal(r.f.lines[0].at[MARK_EXACT_RST].after, AFTER_GONE);
	end(&r, 0);
}

/* Each stray from a port of its own, and the SYN's is the kernel's to reset. */
static void test_listen_ack_ports(void **state)
{
	static const struct service_how how = {.reads = 0};
	struct run r;

	(void)state;
	begin(&r, SCENARIO_LISTEN_ACK, &how);
	play(&r);
	assert_int_equal(r.peer.n_sent, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(r.peer.sent[i].sport, SPORT + i);
		assert_int_equal(r.f.lines[i].sport, SPORT + i);
	}
	assert_int_equal(r.f.n_lines, 4);
	assert_int_equal(r.service.accepted, 0);
	assert_int_equal(r.f.lines[0].end, LINE_OPEN);
	end(&r, 0);
}

/* What is captured is all that went and came, and the words fit the scene. */
static void test_witness_and_words(void **state)
{
	static const struct service_how how = {.reads = 18};
	struct run r;

	(void)state;
	begin(&r, SCENARIO_DATA_AFTER_CLOSE, &how);
	play(&r);
	assert_true(r.frames_ours >= 5 && r.frames_theirs >= 4);
	assert_int_equal(r.stats.foreign, 0);
	assert_true(r.doing[0] != '\0');
	end(&r, 0);
	begin(&r, SCENARIO_IDLE, &how);
	play(&r);
	assert_non_null(strstr(r.doing, "rest"));
	end(&r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stories),
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_lost_rst_lost),
	    cmocka_unit_test(test_stop_anywhere),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_link_down),
	    cmocka_unit_test(test_port_closed),
	    cmocka_unit_test(test_broken_rsts),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_no_quiet),
	    cmocka_unit_test(test_cannot_send),
	    cmocka_unit_test(test_lost_handshake_ack),
	    cmocka_unit_test(test_half_open_numbers),
	    cmocka_unit_test(test_half_open_return),
	    cmocka_unit_test(test_early_close_numbers),
	    cmocka_unit_test(test_reset_after_all_is_written),
	    cmocka_unit_test(test_stalled_writer),
	    cmocka_unit_test(test_broken_pipe),
	    cmocka_unit_test(test_slow_handshake_numbers),
	    cmocka_unit_test(test_idle_bounds),
	    cmocka_unit_test(test_pace),
	    cmocka_unit_test(test_listen_ack_ports),
	    cmocka_unit_test(test_witness_and_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
