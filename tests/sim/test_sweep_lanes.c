/*
 * test_sweep_lanes: whole scans with real sender threads on a scripted peer behind a lock. What is
 * found does not depend on how many there are; under ThreadSanitizer nothing races.
 */
#include "unit/unit.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include "sim/sweepkit.h"

static const uint64_t MS = 1000000;

/* --- a wire for several threads --------------------------------------------------------------- */

struct shared {
	struct wire wire; /* first */
	struct peer *p;
	pthread_mutex_t lock;
	uint64_t by_lane[8];
};

static size_t shared_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
			  _Atomic uint64_t *at_ns)
{
	struct shared *s = (struct shared *)w;
	size_t left;

	assert_true(lane < w->lanes);
	pthread_mutex_lock(&s->lock);
	left = s->p->wire.ops->send(&s->p->wire, lane, v, n, at_ns);
	s->by_lane[lane] += n;
	pthread_mutex_unlock(&s->lock);
	return left;
}

static int shared_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		       struct err *e)
{
	const struct timespec short_while = {.tv_nsec = 10000};
	struct shared *s = (struct shared *)w;
	int n;

	/* the senders' turn, on however few cores; sched_yield would give one to everybody else */
	nanosleep(&short_while, NULL);
	pthread_mutex_lock(&s->lock);
	n = s->p->wire.ops->recv(&s->p->wire, deadline_ns, fn, ctx, e);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static uint64_t shared_now(struct wire *w)
{
	struct shared *s = (struct shared *)w;
	uint64_t now;

	pthread_mutex_lock(&s->lock);
	now = s->p->wire.ops->now(&s->p->wire);
	pthread_mutex_unlock(&s->lock);
	return now;
}

static unsigned shared_events(struct wire *w)
{
	struct shared *s = (struct shared *)w;
	unsigned events;

	pthread_mutex_lock(&s->lock);
	events = s->p->wire.ops->events(&s->p->wire);
	pthread_mutex_unlock(&s->lock);
	return events;
}

static void shared_stats(struct wire *w, struct wire_stats *out)
{
	struct shared *s = (struct shared *)w;

	pthread_mutex_lock(&s->lock);
	s->p->wire.ops->stats(&s->p->wire, out);
	pthread_mutex_unlock(&s->lock);
}

static bool shared_path_up(struct wire *w, uint16_t path, struct err *why)
{
	struct shared *s = (struct shared *)w;
	bool up;

	pthread_mutex_lock(&s->lock);
	up = s->p->wire.ops->path_up(&s->p->wire, path, why);
	pthread_mutex_unlock(&s->lock);
	return up;
}

static const struct wire_ops shared_ops = {
    .send = shared_send,
    .recv = shared_recv,
    .now = shared_now,
    .events = shared_events,
    .stats = shared_stats,
    .path_up = shared_path_up,
};

static void shared_init(struct shared *s, struct peer *p, unsigned lanes)
{
	*s = (struct shared){.wire = p->wire, .p = p, .lock = PTHREAD_MUTEX_INITIALIZER};
	s->wire.ops = &shared_ops;
	s->wire.lanes = lanes + 1;
}

/* --- scans ------------------------------------------------------------------------------------ */

/* Host 9 doesn't exist; of the others every tenth port is filtered, every twentieth listens. */
static void network(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dst.b[3] != 9 && probe->seg.dport % 10 != 3)
		peer_rfc(probe, probe->seg.dport % 20 == 0, out);
}

static void scan(struct trial *t, struct peer *p, unsigned lanes)
{
	struct shared s;

	shared_init(&s, p, lanes);
	t->c.lanes = lanes;
	trial_run_on(t, &s.wire);
	pthread_mutex_destroy(&s.lock);
	if (lanes > 1 && isinf(t->c.rate)) /* this thread's own lane is the last */
		assert_true(s.by_lane[0] + s.by_lane[1] + s.by_lane[2] > s.by_lane[lanes]);
}

static const struct setting {
	const char *name, *target, *ports;
	double rate;
	unsigned loss, window;
	bool skip_dead, enumerate;
} settings[] = {
    {"max", "192.0.2.1-9", "1-1000", INFINITY, 0, 0, false, true},
    {"max, 5 % loss", "192.0.2.1-9", "1-1000", INFINITY, 5, 0, true, true},
    {"150,000/s, windows", "192.0.2.1-9", "1-1000", 150000, 2, 2000, true, false},
    {"auto", "192.0.2.1-9", "1-1000", 0, 1, 0, false, false},
};

static void set_up(struct trial *t, struct peer *p, const struct setting *x)
{
	trial_init(t, x->target, x->ports, "syn");
	peer_init(p, network, NULL);
	p->loss_percent = x->loss;
	t->c.rate = x->rate;
	t->c.window = x->window;
	t->c.skip_dead = x->skip_dead;
	t->c.enumerate_silent = x->enumerate;
}

static void test_as_with_one_lane(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct trial one, many;
		struct peer p, q;

		set_up(&one, &p, &settings[i]);
		set_up(&many, &q, &settings[i]);
		scan(&one, &p, 1);
		scan(&many, &q, 3);
		print_message("# %s: %u and %u sent\n", settings[i].name, (unsigned)p.n_sent,
			      (unsigned)q.n_sent);
		assert_int_equal(count_state(&one, STATE_OPEN), 8 * 50);
		assert_int_equal(count_state(&one, STATE_CLOSED), 8 * 850);
		assert_int_equal(one.kept.n, many.kept.n);
		for (size_t k = 0; k < one.kept.n; k++) {
			assert_int_equal(one.kept.v[k].host, many.kept.v[k].host);
			assert_int_equal(one.kept.v[k].port, many.kept.v[k].port);
			assert_int_equal(one.kept.v[k].state, many.kept.v[k].state);
		}
		assert_true(many.kept.sum.complete);
		assert_int_equal(many.kept.sum.sent, q.n_sent);
		assert_int_equal(many.kept.sum.hosts_up, 8);
		assert_int_equal(many.kept.sum.hosts_given_up, settings[i].skip_dead);
		assert_int_equal(one.kept.sum.skipped, many.kept.sum.skipped);
		trial_check(&one, &p);
		trial_check(&many, &q);
		trial_free(&one);
		trial_free(&many);
		peer_free(&p);
		peer_free(&q);
	}
}

/* Stopped, timed out or cut off while batches are on their way. */
static void test_ends_with_batches_pending(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct trial t;
		struct peer p;

		set_up(&t, &p, &settings[0]);
		t.c.skip_dead = i % 2;
		if (i % 3 == 0)
			p.stop_at_ns = p.now_ns + i * MS / 2 + 1000;
		else if (i % 3 == 1)
			t.c.deadline_ns = i * MS / 2 + 1000;
		else
			p.down_at_ns = p.now_ns + i * MS / 2 + 1000;
		scan(&t, &p, 3);
		assert_int_not_equal(t.kept.sum.end, END_COMPLETE);
		assert_int_equal(t.kept.sum.sent, p.n_sent);
		assert_int_equal(count_state(&t, STATE_FILTERED), 0);
		assert_int_equal(t.kept.n, 9000);
		trial_check(&t, &p);
		trial_free(&t);
		peer_free(&p);
	}
}

/* Host 2 is nowhere, and now and then there is no room, or one neighbour is still asked for. */
static int refuse(struct peer *p, const struct packet *probe)
{
	uint8_t host = probe->seg.dst.b[3];

	if (host == 2)
		return EHOSTUNREACH;
	if (host == 3 && p->now_ns < 5000000000 + 40 * MS)
		return EAGAIN;
	return peer_random(p) % 50 == 0 ? ENOBUFS : 0;
}

static void test_refused(void **state)
{
	struct trial t;
	struct peer p;

	(void)state;
	set_up(&t, &p, &settings[0]);
	p.refuse = refuse;
	scan(&t, &p, 3);
	assert_int_equal(count_state(&t, STATE_OPEN), 7 * 50);
	assert_int_equal(count_state(&t, STATE_CLOSED), 7 * 850);
	assert_int_equal(count_state_of(&t, 2, STATE_NOT_PROBED), 1000);
	assert_true(t.kept.hosts[2].unreachable);
	assert_int_equal(t.kept.sum.sent, p.n_sent);
	assert_int_equal(t.kept.sum.send_errors, 0);
	assert_true(t.kept.sum.complete);
	trial_check(&t, &p);
	trial_free(&t);
	peer_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_as_with_one_lane),
	    cmocka_unit_test(test_ends_with_batches_pending),
	    cmocka_unit_test(test_refused),
	};

	prctl(PR_SET_TIMERSLACK, 1); /* or each short while takes five times as long */
	return cmocka_run_group_tests_name("sweep lanes", tests, NULL, NULL);
}
