/* test_sweep_edge: sweeps whose surroundings fail, by virtual time: a capture that dies, a gateway
 * that nobody answers for, a router that rations its rejections; and what is handed on beside the
 * verdicts. */
#include "unit/unit.h"

#include <errno.h>

#include "sim/sweepkit.h"

#define MS UINT64_C(1000000)

static void nobody(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	(void)probe;
	(void)out;
}

/* --- the capture ------------------------------------------------------------------------------ */

static struct wire_ops ops;
static int (*real_recv)(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
			struct err *e);
static uint64_t dies_at_ns;

static int dying_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		      struct err *e)
{
	if (((struct peer *)w)->now_ns >= dies_at_ns)
		return err_set(e, "veth0: the interface is gone");
	return real_recv(w, deadline_ns, fn, ctx, e);
}

/* What was not heard any more is no silence of the ports'. */
static void test_capture_dies(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 40; ms += 4) {
		struct trial t;
		struct peer p;

		trial_begin(&t, &p, "192.0.2.7", "1-2000", fifty);
		t.c.rate = 50000;
		ops = *p.wire.ops;
		real_recv = ops.recv;
		ops.recv = dying_recv;
		p.wire.ops = &ops;
		dies_at_ns = p.now_ns + ms * MS;
		trial_run(&t, &p);
		assert_int_equal(t.kept.sum.end, END_CAPTURE);
		assert_false(t.kept.sum.complete);
		assert_string_equal(t.kept.sum.why, "veth0: the interface is gone");
		assert_int_equal(count_state(&t, STATE_FILTERED), 0);
		assert_true(t.kept.sum.not_probed > 0);
		for (size_t i = 0; i < t.kept.n; i++)
			if (t.kept.v[i].state == STATE_OPEN)
				assert_int_equal(t.kept.v[i].port % 20, 0);
		trial_check(&t, &p);
		trial_end(&t, &p);
	}
}

/* --- the gateway ------------------------------------------------------------------------------ */

/* What our own kernel says of a neighbour that does not answer; from when, and until when. */
static uint64_t deaf_from_ns, deaf_until_ns;

static void gateway(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	if (p->now_ns < deaf_from_ns || p->now_ns >= deaf_until_ns) {
		peer_rfc(probe, probe->seg.dport % 20 == 0, out);
		return;
	}
	out->icmp = true;
	out->icmp_type = 3;
	out->icmp_code = 1;
	out->icmp_from = p->path[0].src;
}

static void begin_behind(struct trial *t, struct peer *p, uint64_t from_ns, uint64_t until_ns)
{
	trial_begin(t, p, "198.51.100.0/28", "1-40", gateway);
	p->path[0].next_hop = addr_v4(192, 0, 2, 254);
	t->c.rate = 1000;
	deaf_from_ns = p->now_ns + from_ns;
	deaf_until_ns = until_ns == UINT64_MAX ? UINT64_MAX : p->now_ns + until_ns;
}

/* It is the gateway that is not there: no word on any host behind it. */
static void test_gateway_is_silent(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	begin_behind(&t, &p, 0, UINT64_MAX);
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_LINK);
	assert_false(t.kept.sum.complete);
	assert_non_null(strstr(t.kept.sum.why, "veth0"));
	assert_non_null(strstr(t.kept.sum.why, "192.0.2.254"));
	assert_int_equal(count_state(&t, STATE_NOT_PROBED), t.kept.n);
	assert_int_equal(t.kept.sum.hosts_up, 0);
	assert_true(t.kept.sum.elapsed_s < 2); /* nobody waits for who is not there */
	trial_end(&t, &p);
}

/* It was there, and is no more: what it had let through stands. */
static void test_gateway_goes(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	begin_behind(&t, &p, 200 * MS, UINT64_MAX);
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_LINK);
	assert_non_null(strstr(t.kept.sum.why, "192.0.2.254"));
	assert_in_range(count_state(&t, STATE_OPEN) + count_state(&t, STATE_CLOSED), 100, 300);
	assert_int_equal(count_state(&t, STATE_FILTERED) + count_state(&t, STATE_REJECTED), 0);
	assert_true(count_state(&t, STATE_NOT_PROBED) > 0);
	/* as it was heard before its first word is believed */
	assert_true(p.n_sent < 220);
	trial_end(&t, &p);
}

/* The first question about it was lost, and nothing else is: all that could not leave is sent
 * again. */
static void test_gateway_was_asked_twice(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	begin_behind(&t, &p, 0, 5 * MS);
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_COMPLETE);
	assert_int_equal(count_state(&t, STATE_OPEN), 2 * 16);
	assert_int_equal(count_state(&t, STATE_CLOSED), 38 * 16);
	trial_check(&t, &p);
	trial_end(&t, &p);
}

/* --- what is handed on ------------------------------------------------------------------------ */

struct heard {
	struct peer *p;
	unsigned sent, received, notes, rests;
	uint64_t last_ns;
	char note[256];
};

static struct heard heard;

static void on_evidence(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len)
{
	struct packet pk;

	assert_ptr_equal(ctx, &heard);
	assert_int_equal(captured, len);
	assert_int_equal(decode_frame(ip, captured, len, LINKTYPE_RAW, &pk), DECODE_OK);
	if (addr_same(&pk.seg.src, &heard.p->path[0].src))
		heard.sent++;
	else
		heard.received++;
	assert_true(at_ns <= heard.p->now_ns);
}

/* Answers twice, and with them comes what nobody asked for. */
static void with_others(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct segment s = peer_back(probe);

	peer_rfc(probe, true, out);
	s.sport = 9999;
	s.flags = TCP_RST;
	peer_put(out, &s, 0);
	(void)p;
}

static void on_rest(struct wire *w)
{
	struct peer *p = (struct peer *)w;

	heard.rests++;
	/* nothing leaves afterwards */
	heard.last_ns = p->n_sent;
}

/* -w keeps each segment that left and each answer, and nothing of anybody else's. */
static void test_evidence(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.7", "1-100", with_others);
	heard = (struct heard){.p = &p};
	t.c.evidence = on_evidence;
	t.c.evidence_ctx = &heard;
	t.c.last_use = true;
	ops = *p.wire.ops;
	ops.rest = on_rest;
	p.wire.ops = &ops;
	trial_run(&t, &p);
	assert_int_equal(count_state(&t, STATE_OPEN), 100);
	assert_int_equal(heard.sent, p.n_sent);
	assert_int_equal(heard.received, 100);
	assert_true(t.kept.sum.foreign >= 100);
	/* the wire is given back once, by who has no more use for it */
	assert_int_equal(heard.rests, 1);
	assert_int_equal(heard.last_ns, p.n_sent);
	t.c.last_use = false;
	trial_run(&t, &p);
	assert_int_equal(heard.rests, 1);
	trial_end(&t, &p);
}

static void on_note(void *ctx, const char *text)
{
	struct heard *h = ctx;

	h->notes++;
	snprintf(h->note, sizeof(h->note), "%s", text);
}

static void rejects_few(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	unsigned few = *(unsigned *)p->ctx;

	if (probe->seg.dport > few)
		return;
	out->icmp = true;
	out->icmp_type = 3;
	out->icmp_code = 13;
	out->icmp_from = addr_v4(203, 0, 113, 1);
}

/* Rejections beside silence may be a limit: who reads the result is told, in one line a host. */
static void test_rationed_rejections(void **state)
{
	(void)state;
	for (unsigned few = 4; few <= 5; few++) {
		struct record_sink sink = {.ctx = &heard, .note = on_note};
		struct summary_record sum;
		struct trial t;
		struct peer p;
		struct err e;

		trial_begin(&t, &p, "192.0.2.7", "1-30", rejects_few);
		p.ctx = &few;
		heard = (struct heard){.p = &p};
		assert_int_equal(sweep_run(&t.c, &p.wire, &sink, &sum, &e), 0);
		assert_int_equal(sum.counts[STATE_REJECTED], few);
		assert_int_equal(sum.counts[STATE_FILTERED], 30 - few);
		assert_int_equal(heard.notes, few >= 5);
		if (heard.notes) {
			assert_non_null(strstr(heard.note, "192.0.2.7: 5 ports were rejected"));
			assert_non_null(strstr(heard.note, "25 kept silent"));
		}
		trial_end(&t, &p);
	}
}

/* A limit holds where the sweep finds its own rate. */
static void test_rate_limit(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.7", "1-2000", fifty);
	t.c.rate_limit = 1000;
	trial_run(&t, &p);
	assert_int_equal(t.kept.n, 2000);
	assert_true(t.kept.sum.elapsed_s > 1.8);
	trial_end(&t, &p);
}

/* All that answers nobody: what an earlier run has found out counts as asked, and is not again. */
static void test_stopped_with_known_rest(void **state)
{
	static const struct place_range known_windows[] = {{100, 199}, {250, 259}};
	static const struct sweep_known known = {.windows = known_windows, .n_windows = 2};
	struct trial t;
	struct peer p;

	(void)state;
	trial_begin(&t, &p, "192.0.2.7", "1-300", nobody);
	t.c.window = 50;
	t.c.known = &known;
	t.c.enumerate_silent = false;
	p.stop_at_ns = p.now_ns + 10 * MS;
	trial_run(&t, &p);
	assert_int_equal(t.kept.sum.end, END_INTERRUPTED);
	/* all but what was known was left */
	assert_int_equal(t.kept.sum.not_probed + t.kept.sum.silent, 300 - 110);
	trial_end(&t, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_capture_dies), cmocka_unit_test(test_gateway_is_silent),
	    cmocka_unit_test(test_gateway_goes), cmocka_unit_test(test_gateway_was_asked_twice),
	    cmocka_unit_test(test_evidence),	 cmocka_unit_test(test_rationed_rejections),
	    cmocka_unit_test(test_rate_limit),	 cmocka_unit_test(test_stopped_with_known_rest),
	};

	return cmocka_run_group_tests_name("sweep edge", tests, NULL, NULL);
}
