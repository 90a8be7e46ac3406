/* test_stage_forged: a box on the way sends in the service's name what our end would not take: the
 * scene goes on as it does, and the finding stays the service's. And a peer that wants to hold us.
 */
#include "unit/unit.h"

#include "engine/stage.h"
#include "sim/kernel.h"
#include "sim/service.h"

enum {
	SPORT = 40000,
	FAR = 0x30000000,
	ENOUGH = 20 /* each may draw an ACK, which draws one more */
};
#define SECOND UINT64_C(1000000000)

/* Our end takes none of those before HARMLESS. */
enum forgery {
	FAR_RST,
	OLD_RST,
	NEAR_RST,
	FAR_FIN,
	FAR_TEXT,
	FAR_ACK,
	HARMLESS,
	EXACT_RST = HARMLESS,
	FORGERIES
};

struct run {
	struct peer peer; /* first */
	struct service service;
	peer_fn *honest;
	enum forgery forgery;
	unsigned forged;
	struct provoke_facts f;
};

/* Of NEAR_RST the number is in the window, and ahead of all that the service ever has under way. */
static struct segment forge(const struct packet *probe, enum forgery how)
{
	static const uint16_t flags[FORGERIES] = {
	    [FAR_RST] = TCP_RST | TCP_ACK, [OLD_RST] = TCP_RST,	 [NEAR_RST] = TCP_RST | TCP_ACK,
	    [FAR_FIN] = TCP_FIN | TCP_ACK, [FAR_TEXT] = TCP_ACK, [FAR_ACK] = TCP_ACK,
	    [EXACT_RST] = TCP_RST,
	};
	static const uint32_t ahead[FORGERIES] = {[FAR_RST] = FAR,
						  [OLD_RST] = (uint32_t)-5000,
						  [NEAR_RST] = 1500,
						  [FAR_FIN] = FAR,
						  [FAR_TEXT] = FAR};
	struct segment s = peer_back(probe);

	s.flags = flags[how];
	s.seq = probe->seg.ack + ahead[how];
	s.ack = probe->seg.seq + segment_len(&probe->seg) + (how == FAR_ACK ? FAR : 0);
	s.win = 1000;
	if (how == FAR_TEXT) {
		s.payload = (const uint8_t *)"HTTP/1.1 500 No\r\n\r\n";
		s.payload_len = 19;
	}
	return s;
}

/* Before the service's own answer, to whatever is acknowledged or sent within a connection. */
static void on_segment(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct run *r = (struct run *)p;
	struct segment s;

	r->honest(p, probe, out);
	if (probe->kind != PACKET_TCP || !(probe->seg.flags & TCP_ACK) ||
	    probe->seg.flags & TCP_RST || out->n == PEER_ANSWERS || r->forged == ENOUGH)
		return;
	s = forge(probe, r->forgery);
	peer_put(out, &s, 0);
	r->forged++;
}

/* `fn` stands before the service. The facts are in `r`. */
static void run(struct run *r, enum scenario scenario, const struct service_how *how, peer_fn *fn,
		uint64_t body)
{
	struct turns_stats stats;
	const struct turns_config t = {.seed = 11};
	const struct stage_config c = {.scenario = scenario,
				       .dst = addr_v4(10, 0, 0, 1),
				       .dport = SERVICE_PORT,
				       .sport_first = SPORT,
				       .hold_ns = 20 * SECOND,
				       .conns_max = 32,
				       .body = body};
	struct err e;

	service_init(&r->service, &r->peer, how);
	r->honest = r->peer.fn;
	r->peer.fn = fn;
	r->peer.wire.quiet_first = SPORT + STAGE_PORTS;
	r->peer.wire.n_quiet = STAGE_QUIET;
	assert_int_equal(stage_run(&c, &t, &r->peer.wire, &r->f, &stats, &e), 0);
	peer_free(&r->peer);
}

static const char *play(enum scenario scenario, const struct service_how *how, enum forgery forgery)
{
	struct run r = {.forgery = forgery};
	struct provoke_verdict v;

	run(&r, scenario, how, on_segment, scenario == SCENARIO_EARLY_CLOSE ? 40000 : 0);
	provoke_judge(&r.f, &v);
	assert_true(r.forged > 0);
	assert_true(provoke_line(&r.f)->acked_octets <= provoke_line(&r.f)->written);
	assert_true(provoke_line(&r.f)->sent_octets <= 20000);
	return v.row->id;
}

static const char answer[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 10000\r\n\r\n";

static void test_beside_the_kernel(void **state)
{
	const struct service_how drains = {
	    .reads = 4096, .answer = answer, .answer_len = 10000, .drains = true};
	const struct service_how closes = {.close_ns = 3 * SECOND};
	const struct service_how stays = {.reads = 0};

	(void)state;
	for (enum forgery f = 0; f < HARMLESS; f++) {
		assert_string_equal(play(SCENARIO_EARLY_CLOSE, &drains, f), "closes-cleanly");
		assert_string_equal(play(SCENARIO_DATA_AFTER_CLOSE, &closes, f), "resets");
		assert_string_equal(play(SCENARIO_ABORT, &stays, f), "others-live");
		assert_string_equal(play(SCENARIO_IDLE, &stays, f), "outlives");
		assert_string_equal(play(SCENARIO_CHALLENGE, &stays, f), "challenges");
	}
}

/* Without a kernel behind it nobody challenges a RST in the window. */
static void test_raw(void **state)
{
	const struct service_how keepalive = {.keepalive_ns = 5 * SECOND};
	const struct service_how hasty = {.reads = 4};

	(void)state;
	for (enum forgery f = 0; f < HARMLESS; f++) {
		if (f == NEAR_RST)
			continue;
		assert_string_equal(play(SCENARIO_HALF_OPEN, &keepalive, f), "keepalive-reset");
		assert_string_equal(play(SCENARIO_LOST_RST, &hasty, f), "repeats");
	}
}

/* What ended before it was asked says nothing of the question. */
static void test_reset_before(void **state)
{
	const struct service_how stays = {.reads = 0};

	(void)state;
	assert_string_equal(play(SCENARIO_ABORT, &stays, EXACT_RST), "reset-unasked");
	assert_string_equal(play(SCENARIO_CHALLENGE, &stays, EXACT_RST), "reset-unasked");
}

/* It takes a hundred octets now and then. */
static void trickle(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct run *r = (struct run *)p;

	r->honest(p, probe, out);
	for (unsigned i = 0; i < out->n; i++) {
		if (out->seg[i].flags & TCP_SYN)
			continue;
		out->seg[i].win = 1;
		out->delay_ns[i] += SECOND;
	}
}

static void test_trickle(void **state)
{
	const struct service_how how = {.reads = 0};
	struct run r = {.forged = 0};

	(void)state;
	run(&r, SCENARIO_EARLY_CLOSE, &how, trickle, 100000);
	assert_true(r.f.lines[0].acked_octets > 0);
	assert_true(r.f.ended_ns - r.f.began_ns < 90 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_beside_the_kernel),
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_reset_before),
	    cmocka_unit_test(test_trickle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
