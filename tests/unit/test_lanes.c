/*
 * lanes: over a wire that only counts, every batch comes back once, with its own errors; no lane is
 * ever two threads'; and nobody waits but lanes_free. A gate in the wire holds senders where a test
 * wants to look at what is on its way.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "engine/lanes.h"

enum {
	LANES_MAX = 9,
	PACKET = 60,
	DEADLINE_S = 60, /* only what is broken waits so long */
	SENT_MAX = 64,
};

/* Threads write here, so all is atomic; the test's own thread judges. */
struct counter {
	struct wire w; /* first */
	_Atomic uint64_t clock, packets, batches;
	atomic_uint inside; /* senders in `send` now */
	atomic_bool shut;   /* the gate */
	atomic_uint knocks; /* of senders that it holds */
	atomic_bool busy[LANES_MAX];
	_Atomic uint64_t by_lane[LANES_MAX];
	atomic_uint two_in_a_lane, wrong_lane, wrong_octets, signals_open, by_caller;
	pthread_t caller;
	_Atomic uint64_t order[SENT_MAX]; /* the first batches, as they came */
};

/* --- threads that can't be had (the linker's --wrap) -------------------------------------------
 */

static int threads_left = -1; /* -1: any number */

int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	if (threads_left == 0)
		return EAGAIN;
	if (threads_left > 0)
		threads_left--;
	return __real_pthread_create(t, a, fn, arg);
}

/* --- the wire --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ULL;
	v = (v ^ v >> 27) * 0x94d049bb133111ebULL;
	return v ^ v >> 31;
}

/* What becomes of a packet follows from its octets. */
static int fate(uint64_t serial)
{
	static const int errors[] = {0, ENOBUFS, 0, EHOSTUNREACH, 0, EAGAIN, 0, 0};

	return errors[mix(serial) % 8];
}

/* Not sched_yield: beside who only computes it costs a whole slice of his each time. */
static void nap(void)
{
	const struct timespec short_while = {.tv_nsec = 10000};

	nanosleep(&short_while, NULL);
}

static void look_at_thread(struct counter *c)
{
	sigset_t mask;

	if (pthread_equal(pthread_self(), c->caller)) {
		atomic_fetch_add(&c->by_caller, 1);
		return;
	}
	if (pthread_sigmask(SIG_SETMASK, NULL, &mask) != 0 || !sigismember(&mask, SIGINT) ||
	    !sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGUSR1))
		atomic_fetch_add(&c->signals_open, 1);
}

static size_t count_packets(struct counter *c, struct wire_out *v, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t serial;

		if (v[i].len != PACKET || (uintptr_t)v[i].ip % 16)
			atomic_fetch_add(&c->wrong_octets, 1);
		memcpy(&serial, v[i].ip, sizeof(serial));
		memset(v[i].ip - WIRE_HEADROOM, 0xee, WIRE_HEADROOM);
		v[i].error = fate(serial);
		left += v[i].error == 0;
	}
	atomic_fetch_add(&c->packets, n);
	return left;
}

static size_t count_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
			 _Atomic uint64_t *at_ns)
{
	struct counter *c = (struct counter *)w;
	uint64_t first, place;
	size_t left;

	if (lane >= w->lanes) {
		atomic_fetch_add(&c->wrong_lane, 1);
		return 0;
	}
	if (atomic_exchange(&c->busy[lane], true))
		atomic_fetch_add(&c->two_in_a_lane, 1);
	look_at_thread(c);
	memcpy(&first, v[0].ip, sizeof(first));
	place = atomic_fetch_add(&c->batches, 1);
	if (place < SENT_MAX)
		atomic_store(&c->order[place], first);
	atomic_store(at_ns, atomic_fetch_add(&c->clock, 1));
	atomic_fetch_add(&c->inside, 1);
	while (atomic_load(&c->shut) && !pthread_equal(pthread_self(), c->caller)) {
		atomic_fetch_add(&c->knocks, 1);
		nap();
	}
	left = count_packets(c, v, n);
	atomic_fetch_add(&c->by_lane[lane], 1);
	atomic_fetch_sub(&c->inside, 1);
	atomic_store(&c->busy[lane], false);
	return left;
}

static const struct wire_ops count_ops = {.send = count_send};

static void counter_init(struct counter *c, unsigned lanes)
{
	memset(c, 0, sizeof(*c));
	c->w.ops = &count_ops;
	c->w.lanes = lanes;
	c->caller = pthread_self();
	atomic_store(&c->clock, 1);
}

static void assert_sound(struct counter *c)
{
	assert_int_equal(atomic_load(&c->two_in_a_lane), 0);
	assert_int_equal(atomic_load(&c->wrong_lane), 0);
	assert_int_equal(atomic_load(&c->wrong_octets), 0);
	assert_int_equal(atomic_load(&c->signals_open), 0);
}

/* --- what all tests do ------------------------------------------------------------------------ */

static time_t began; /* to wait for what comes next */

static void breathe(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!began)
		began = now.tv_sec;
	if (now.tv_sec > began + DEADLINE_S)
		fail_msg("waited in vain");
	nap();
}

static struct lanes *open_lanes(struct counter *c, unsigned n)
{
	struct err e = {""};
	struct lanes *l = lanes_new(&c->w, n, PACKET, &e);

	began = 0;
	if (!l)
		fail_msg("%s", e.msg);
	return l;
}

/* Batch number `no`: its packets are no * BATCH_MAX and on. */
static void fill(const struct lanes *l, struct batch *b, uint64_t no, unsigned n)
{
	assert_int_equal(b->n, 0);
	assert_int_equal(b->try, 0);
	assert_true(atomic_load(&b->at_ns) == 0);
	for (unsigned i = 0; i < n; i++) {
		uint64_t serial = no * BATCH_MAX + i;
		uint8_t *room = batch_room(l, b, i);

		memset(room, 0x55, PACKET);
		memcpy(room, &serial, sizeof(serial));
		b->v[i] = (struct wire_out){.ip = room, .len = PACKET, .error = -1};
		b->slot[i] = serial;
	}
	b->n = n;
	b->try = (uint8_t)no;
}

static struct batch *take(struct lanes *l)
{
	struct batch *b = lanes_take(l);

	assert_non_null(b);
	return b;
}

static void send_new(struct lanes *l, uint64_t no, unsigned n, bool here)
{
	struct batch *b = take(l);

	fill(l, b, no, n);
	lanes_send(l, b, here);
}

static struct batch *wait_done(struct lanes *l)
{
	struct batch *b;

	began = 0;
	while (!(b = lanes_done(l)))
		breathe();
	return b;
}

/* Its number; errors, slots and octets are those of its own packets. */
static uint64_t assert_read(const struct lanes *l, const struct batch *b)
{
	uint64_t no = b->slot[0] / BATCH_MAX;

	assert_int_equal(b->try, (uint8_t)no);
	assert_true(atomic_load(&b->at_ns) > 0);
	for (unsigned i = 0; i < b->n; i++) {
		assert_true(b->slot[i] == no * BATCH_MAX + i);
		assert_int_equal(b->v[i].error, fate(b->slot[i]));
		assert_memory_equal(batch_room(l, b, i), &b->slot[i], sizeof(b->slot[i]));
	}
	return no;
}

/* --- one lane --------------------------------------------------------------------------------- */

static void one_lane_sends_at_once(void **state)
{
	struct counter c;
	struct lanes *l;

	(void)state;
	counter_init(&c, 1);
	l = open_lanes(&c, 1);
	assert_int_equal(lanes_count(l), 1);
	assert_null(lanes_done(l));
	for (uint64_t no = 0; no < 100; no++) {
		struct batch *b;

		send_new(l, no, 1 + (unsigned)(no % BATCH_MAX), no % 2);
		assert_true(atomic_load(&c.by_lane[0]) == no + 1);
		assert_int_equal(lanes_flying(l), 1);
		b = lanes_done(l);
		assert_non_null(b);
		assert_true(assert_read(l, b) == no);
		assert_int_equal(lanes_flying(l), 0);
		assert_null(lanes_done(l));
		lanes_give(l, b);
	}
	assert_int_equal(atomic_load(&c.by_caller), 100);
	assert_sound(&c);
	lanes_free(l);
}

static void one_lane_has_two_batches(void **state)
{
	struct counter c;
	struct batch *a, *b;
	struct lanes *l;

	(void)state;
	counter_init(&c, 4);
	l = open_lanes(&c, 1);
	a = take(l);
	b = take(l);
	assert_null(lanes_take(l));
	lanes_give(l, b); /* unsent */
	assert_ptr_equal(take(l), b);
	fill(l, a, 0, 3);
	fill(l, b, 1, 3);
	lanes_send(l, a, false);
	lanes_send(l, b, false);
	assert_int_equal(lanes_flying(l), 2);
	assert_ptr_equal(lanes_done(l), a);
	assert_ptr_equal(lanes_flying_at(l, 0), b);
	assert_ptr_equal(lanes_done(l), b);
	assert_null(lanes_done(l));
	assert_null(lanes_take(l));
	lanes_give(l, a);
	assert_ptr_equal(take(l), a);
	assert_int_equal(atomic_load(&c.by_lane[0]), 2);
	lanes_free(l);
}

/* Rooms lie 16-aligned, apart from each other and from the batch, each with its headroom. */
static void rooms(void **state)
{
	static const size_t sizes[] = {40, 60, 61, 80, 1480};
	struct counter c;

	(void)state;
	counter_init(&c, 1);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		size_t whole = WIRE_HEADROOM + sizes[k];
		struct lanes *l = lanes_new(&c.w, 1, sizes[k], NULL);
		struct batch *b;

		assert_non_null(l);
		b = take(l);
		for (unsigned i = 0; i < BATCH_MAX; i++) {
			assert_true((uintptr_t)batch_room(l, b, i) % 16 == 0);
			memset(batch_room(l, b, i) - WIRE_HEADROOM, (int)i + 1, whole);
		}
		for (unsigned i = 0; i < BATCH_MAX; i++)
			for (size_t at = 0; at < whole; at++)
				assert_int_equal(*(batch_room(l, b, i) - WIRE_HEADROOM + at),
						 i + 1);
		assert_int_equal(b->n, 0);
		lanes_free(l);
	}
}

/* --- many lanes ------------------------------------------------------------------------------- */

/* Keeps up to `depth` batches on their way; now and then this thread sends one. */
static void rush(unsigned lanes, uint64_t batches, unsigned depth)
{
	uint64_t next = 0, back = 0, packets = 0, by_lanes = 0, here = 0;
	bool *seen = calloc(batches, sizeof(*seen));
	struct counter c;
	struct lanes *l;

	assert_non_null(seen);
	counter_init(&c, lanes + 1);
	l = open_lanes(&c, lanes);
	while (back < batches) {
		struct batch *b = NULL;
		bool idle = true;

		if (next < batches && lanes_flying(l) < depth)
			b = lanes_take(l);
		if (b) {
			unsigned n = 1 + (unsigned)(mix(next) % BATCH_MAX);
			bool mine = mix(~next) % 16 == 0;

			fill(l, b, next++, n);
			packets += n;
			here += mine;
			lanes_send(l, b, mine);
			idle = false;
		}
		while ((b = lanes_done(l))) {
			uint64_t no = assert_read(l, b);

			assert_true(no < next && !seen[no]);
			seen[no] = true;
			back++;
			lanes_give(l, b);
			idle = false;
		}
		assert_true(lanes_flying(l) == next - back);
		if (idle)
			breathe();
		else
			began = 0;
	}
	lanes_free(l);
	for (unsigned i = 0; i <= lanes; i++)
		by_lanes += atomic_load(&c.by_lane[i]);
	assert_true(by_lanes == batches);
	assert_true(atomic_load(&c.packets) == packets);
	assert_true(atomic_load(&c.by_lane[lanes]) == here);
	assert_true(atomic_load(&c.by_caller) == here);
	assert_sound(&c);
	free(seen);
}

static void each_batch_comes_back_once(void **state)
{
	(void)state;
	rush(2, 10000, 1000);
	rush(4, 10000, 1000);
	rush(8, 10000, 1000);
}

/* Senders go to sleep and are woken all the time: a wake-up that is lost would end it. */
static void no_wakeup_is_lost(void **state)
{
	(void)state;
	rush(4, 5000, 1);
	rush(4, 5000, 2);
	rush(3, 5000, 3);
}

static void all_threads_are_woken(void **state)
{
	struct counter c;
	struct lanes *l;

	(void)state;
	counter_init(&c, 5);
	l = open_lanes(&c, 4);
	assert_int_equal(lanes_count(l), 4);
	for (int round = 0; round < 200; round++) {
		atomic_store(&c.shut, true);
		/* each holds one, and none of the four takes a second */
		for (uint64_t no = 0; no < 8; no++)
			send_new(l, no, 1, false);
		while (atomic_load(&c.inside) < 4)
			breathe();
		atomic_store(&c.shut, false);
		for (int i = 0; i < 8; i++)
			lanes_give(l, wait_done(l));
	}
	for (unsigned i = 0; i < 4; i++)
		assert_true(atomic_load(&c.by_lane[i]) >= 200);
	assert_sound(&c);
	lanes_free(l);
}

static void what_flies_can_be_looked_at(void **state)
{
	struct counter c;
	struct lanes *l;
	unsigned known = 0, taken;

	(void)state;
	counter_init(&c, 3);
	l = open_lanes(&c, 2);
	atomic_store(&c.shut, true);
	for (taken = 0;; taken++) {
		struct batch *b = lanes_take(l);

		if (!b)
			break;
		fill(l, b, taken, 2);
		lanes_send(l, b, false);
	}
	assert_int_equal(taken, 2 * 32);
	assert_int_equal(lanes_flying(l), taken);
	while (atomic_load(&c.inside) < 2)
		breathe();
	assert_null(lanes_done(l));
	for (unsigned i = 0; i < taken; i++) {
		const struct batch *b = lanes_flying_at(l, i);

		assert_int_equal(b->n, 2);
		assert_true(b->slot[1] == b->slot[0] + 1);
		known += atomic_load(&b->at_ns) > 0;
	}
	assert_int_equal(known, 2); /* those whose first packet leaves now */
	atomic_store(&c.shut, false);
	while (taken--) {
		struct batch *b = wait_done(l);

		assert_int_equal(lanes_flying(l), taken);
		for (unsigned i = 0; i < taken; i++)
			assert_ptr_not_equal(lanes_flying_at(l, i), b);
		lanes_give(l, b);
	}
	assert_sound(&c);
	lanes_free(l);
}

/* While every sender is held up, the caller still sends, by a lane that is nobody else's. */
static void here_needs_nobody(void **state)
{
	struct counter c;
	struct batch *b;
	struct lanes *l;

	(void)state;
	counter_init(&c, 3);
	l = open_lanes(&c, 2);
	atomic_store(&c.shut, true);
	for (uint64_t no = 0; no < 6; no++)
		send_new(l, no, 1, false);
	while (atomic_load(&c.inside) < 2)
		breathe();
	send_new(l, 6, 5, true);
	assert_int_equal(atomic_load(&c.by_lane[2]), 1);
	b = lanes_done(l);
	assert_non_null(b);
	assert_true(assert_read(l, b) == 6);
	lanes_give(l, b);
	atomic_store(&c.shut, false);
	lanes_free(l);
	assert_int_equal(atomic_load(&c.packets), 6 + 5);
	assert_sound(&c);
}

/* One thread behind the queue: what it sends is in the order in which it was handed over, and
 * comes back so. */
static void first_in_first_out(void **state)
{
	struct counter c;
	struct lanes *l;

	(void)state;
	counter_init(&c, 3);
	threads_left = 1;
	l = open_lanes(&c, 2);
	threads_left = -1;
	assert_int_equal(lanes_count(l), 1);
	for (uint64_t no = 0; no < SENT_MAX; no++)
		send_new(l, no, 1, false);
	for (uint64_t no = 0; no < SENT_MAX; no++) {
		struct batch *b = wait_done(l);

		assert_true(assert_read(l, b) == no);
		assert_true(atomic_load(&c.order[no]) == no * BATCH_MAX);
	}
	/* where a second thread was wanted there is none: its lane is the caller's now */
	assert_null(lanes_take(l));
	assert_int_equal(atomic_load(&c.by_lane[0]), SENT_MAX);
	lanes_free(l);
}

/* --- threads and lanes that are not there ----------------------------------------------------- */

static void without_threads_the_caller_sends(void **state)
{
	struct counter c;
	struct batch *b;
	struct lanes *l;

	(void)state;
	counter_init(&c, 5);
	threads_left = 0;
	l = open_lanes(&c, 4);
	threads_left = -1;
	assert_int_equal(lanes_count(l), 1);
	send_new(l, 3, 7, false);
	assert_int_equal(atomic_load(&c.by_lane[0]), 1);
	b = lanes_done(l);
	assert_non_null(b);
	assert_true(assert_read(l, b) == 3);
	lanes_free(l);
}

static void with_some_threads_it_goes_on(void **state)
{
	struct counter c;
	struct lanes *l;

	(void)state;
	for (int have = 1; have < 4; have++) {
		counter_init(&c, 5);
		threads_left = have;
		l = open_lanes(&c, 4);
		threads_left = -1;
		assert_int_equal(lanes_count(l), have);
		for (uint64_t no = 0; no < 20; no++)
			send_new(l, no, 1, no % 5 == 0);
		for (int i = 0; i < 20; i++)
			lanes_give(l, wait_done(l));
		assert_int_equal(atomic_load(&c.by_lane[have]), 4);
		/* one alone is sent too: nobody counts on threads that are not there */
		send_new(l, 20, 1, false);
		lanes_give(l, wait_done(l));
		assert_sound(&c);
		lanes_free(l);
	}
}

static void a_wire_with_fewer_lanes(void **state)
{
	struct counter c;

	(void)state;
	for (unsigned lanes = 1; lanes <= 4; lanes++) {
		struct lanes *l;

		counter_init(&c, lanes);
		l = open_lanes(&c, 4);
		assert_int_equal(lanes_count(l), lanes == 1 ? 1 : lanes - 1);
		send_new(l, 0, 1, true);
		send_new(l, 1, 1, false);
		lanes_give(l, wait_done(l));
		lanes_give(l, wait_done(l));
		assert_int_equal(atomic_load(&c.by_lane[lanes - 1]), lanes == 1 ? 2 : 1);
		lanes_free(l);
		assert_sound(&c);
	}
}

/* --- the end ---------------------------------------------------------------------------------- */

static void *open_gate(void *arg)
{
	struct counter *c = arg;

	/* lanes_free has had the time to be wrong by then */
	while (atomic_load(&c->knocks) < 100)
		nap();
	atomic_store(&c->shut, false);
	return NULL;
}

static void free_waits_for_what_flies(void **state)
{
	struct counter c;

	(void)state;
	for (int round = 0; round < 20; round++) {
		pthread_t opener;
		struct lanes *l;

		counter_init(&c, 4);
		l = open_lanes(&c, 3);
		atomic_store(&c.shut, true);
		for (uint64_t no = 0; no < 50; no++)
			send_new(l, no, 4, false);
		while (!atomic_load(&c.inside))
			breathe();
		assert_int_equal(pthread_create(&opener, NULL, open_gate, &c), 0);
		lanes_free(l);
		assert_false(atomic_load(&c.shut));
		assert_int_equal(atomic_load(&c.packets), 200);
		assert_int_equal(atomic_load(&c.inside), 0);
		pthread_join(opener, NULL);
		assert_sound(&c);
	}
}

static void begun_and_ended(void **state)
{
	struct counter c;

	(void)state;
	counter_init(&c, LANES_MAX);
	for (unsigned i = 0; i < 200; i++)
		lanes_free(open_lanes(&c, i % LANES_MAX));
	lanes_free(NULL);
	assert_true(atomic_load(&c.batches) == 0);
}

static void the_callers_signals_stay(void **state)
{
	sigset_t mine, before, after;
	struct counter c;
	struct lanes *l;

	(void)state;
	counter_init(&c, 4);
	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mine, &before);
	l = open_lanes(&c, 3);
	pthread_sigmask(SIG_SETMASK, &before, &after);
	for (int sig = 1; sig < 32; sig++)
		assert_int_equal(sigismember(&after, sig), sig == SIGUSR2);
	send_new(l, 0, 1, false);
	lanes_free(l);
	assert_sound(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_lane_sends_at_once),
	    cmocka_unit_test(one_lane_has_two_batches),
	    cmocka_unit_test(rooms),
	    cmocka_unit_test(each_batch_comes_back_once),
	    cmocka_unit_test(no_wakeup_is_lost),
	    cmocka_unit_test(all_threads_are_woken),
	    cmocka_unit_test(what_flies_can_be_looked_at),
	    cmocka_unit_test(here_needs_nobody),
	    cmocka_unit_test(first_in_first_out),
	    cmocka_unit_test(without_threads_the_caller_sends),
	    cmocka_unit_test(with_some_threads_it_goes_on),
	    cmocka_unit_test(a_wire_with_fewer_lanes),
	    cmocka_unit_test(free_waits_for_what_flies),
	    cmocka_unit_test(begun_and_ended),
	    cmocka_unit_test(the_callers_signals_stay),
	};

	/* what never comes back from lanes_free is a failure too */
	alarm(10 * DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
