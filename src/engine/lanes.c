/*
 * lanes: batches wait in one queue, first in, first out, and whoever is free takes the next. A
 * sender that sleeps is woken only where more batches wait than senders are awake: those come by
 * the queue anyway before they sleep. What has left goes back by a list without a lock: to ask for
 * it all the time holds nobody up. It refuses to know what a batch is for.
 */
#include "engine/lanes.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum {
	CACHE_LINE = 64,
	POOL_INLINE = 2, /* batches; one is on its way at most */
	POOL_LANE = 32,	 /* batches a thread: 4 ms of 500,000 packets/s */
};

struct sender {
	struct lanes *l;
	pthread_t thread;
	pthread_cond_t wake;
	unsigned lane;
	bool woken;
	struct sender *next; /* of those that sleep */
};

struct lanes {
	struct wire *w;
	size_t stride;		       /* octets from one packet to the next */
	struct batch **all, **flying;  /* max of either */
	unsigned max, n_all, n_flying; /* batches */
	struct batch *empty;	       /* ready to be taken */
	struct batch *left;	       /* what has left, the oldest first */
	_Atomic(struct batch *) back;  /* what has left since, the newest first */
	unsigned n_senders;	       /* on lanes 0 .. n_senders - 1; the caller's is the next */
	pthread_mutex_t lock;	       /* of all below */
	struct batch *waiting, **last; /* the queue */
	unsigned n_waiting, n_awake;   /* batches; senders */
	struct sender *asleep;
	bool over;
	struct sender senders[];
};

/* --- the pool: the caller's thread alone ------------------------------------------------------ */

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* One allocation: the batch, then its rooms. Threads share no cache line. */
static struct batch *new_batch(struct lanes *l)
{
	size_t head = round_up(sizeof(struct batch), CACHE_LINE);
	struct batch *b;

	b = aligned_alloc(CACHE_LINE, round_up(head + BATCH_MAX * l->stride, CACHE_LINE));
	if (!b)
		return NULL;
	b->octets = (uint8_t *)b + head;
	l->all[l->n_all++] = b;
	return b;
}

uint8_t *batch_room(const struct lanes *l, const struct batch *b, unsigned i)
{
	return b->octets + i * l->stride + WIRE_HEADROOM;
}

struct batch *lanes_take(struct lanes *l)
{
	struct batch *b = l->empty;

	if (b)
		l->empty = b->next;
	else if (l->n_all < l->max)
		b = new_batch(l);
	if (!b)
		return NULL;
	b->n = 0;
	b->try = 0;
	b->next = NULL;
	atomic_store_explicit(&b->at_ns, 0, memory_order_relaxed);
	return b;
}

void lanes_give(struct lanes *l, struct batch *b)
{
	b->next = l->empty;
	l->empty = b;
}

/* --- sending: any thread, each by its own lane ------------------------------------------------ */

static void send_batch(struct lanes *l, unsigned lane, struct batch *b)
{
	l->w->ops->send(l->w, lane, b->v, b->n, &b->at_ns);
	b->next = atomic_load_explicit(&l->back, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&l->back, &b->next, b, memory_order_release,
						      memory_order_relaxed))
		;
}

/* With the lock held. The caller signals. */
static struct sender *rouse(struct lanes *l)
{
	struct sender *s = l->asleep;

	l->asleep = s->next;
	s->woken = true;
	l->n_awake++;
	return s;
}

static void sleep_until_woken(struct sender *me)
{
	struct lanes *l = me->l;

	me->next = l->asleep;
	l->asleep = me;
	me->woken = false;
	l->n_awake--;
	while (!me->woken)
		pthread_cond_wait(&me->wake, &l->lock);
}

/* The first in the queue; NULL where it is empty and nothing will come. */
static struct batch *next_batch(struct sender *me)
{
	struct lanes *l = me->l;
	struct batch *b;

	pthread_mutex_lock(&l->lock);
	while (!l->waiting && !l->over)
		sleep_until_woken(me);
	b = l->waiting;
	if (b) {
		l->waiting = b->next;
		l->n_waiting--;
		if (!b->next)
			l->last = &l->waiting;
	}
	pthread_mutex_unlock(&l->lock);
	return b;
}

static void *run_sender(void *arg)
{
	struct sender *me = arg;
	struct batch *b;

	while ((b = next_batch(me)))
		send_batch(me->l, me->lane, b);
	return NULL;
}

static void queue_batch(struct lanes *l, struct batch *b)
{
	struct sender *s = NULL;

	b->next = NULL;
	pthread_mutex_lock(&l->lock);
	*l->last = b;
	l->last = &b->next;
	l->n_waiting++;
	if (l->asleep && l->n_waiting > l->n_awake)
		s = rouse(l);
	pthread_mutex_unlock(&l->lock);
	if (s)
		pthread_cond_signal(&s->wake);
}

/* --- the caller's side ------------------------------------------------------------------------ */

void lanes_send(struct lanes *l, struct batch *b, bool here)
{
	assert(b->n > 0 && b->n <= BATCH_MAX);
	b->place = l->n_flying;
	l->flying[l->n_flying++] = b;
	if (here || !l->n_senders)
		send_batch(l, l->n_senders, b);
	else
		queue_batch(l, b);
}

/* Puts what has come back since, the newest of it first, into the order in which it left. */
static void collect(struct lanes *l)
{
	struct batch *b, *next;

	/* asked often, mostly for nothing: a look costs the senders less than an exchange */
	if (!atomic_load_explicit(&l->back, memory_order_relaxed))
		return;
	b = atomic_exchange_explicit(&l->back, NULL, memory_order_acquire);
	for (; b; b = next) {
		next = b->next;
		b->next = l->left;
		l->left = b;
	}
}

struct batch *lanes_done(struct lanes *l)
{
	struct batch *b, *moved;

	if (!l->left)
		collect(l);
	b = l->left;
	if (!b)
		return NULL;
	l->left = b->next;
	moved = l->flying[--l->n_flying];
	moved->place = b->place;
	l->flying[b->place] = moved;
	return b;
}

unsigned lanes_flying(const struct lanes *l)
{
	return l->n_flying;
}

const struct batch *lanes_flying_at(const struct lanes *l, unsigned i)
{
	assert(i < l->n_flying);
	return l->flying[i];
}

unsigned lanes_count(const struct lanes *l)
{
	return l->n_senders ? l->n_senders : 1;
}

/* --- begin and end ---------------------------------------------------------------------------- */

static bool start_sender(struct lanes *l, unsigned lane)
{
	struct sender *s = &l->senders[lane];

	*s = (struct sender){.l = l, .lane = lane};
	if (pthread_cond_init(&s->wake, NULL) != 0)
		return false;
	if (pthread_create(&s->thread, NULL, run_sender, s) != 0) {
		pthread_cond_destroy(&s->wake);
		return false;
	}
	return true;
}

/* As many as can be had, up to n. They take no signal: those are for who called. */
static void start_senders(struct lanes *l, unsigned n)
{
	sigset_t all, before;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return;
	/* n_awake is theirs too, from the first on */
	l->n_awake = n;
	while (l->n_senders < n && start_sender(l, l->n_senders))
		l->n_senders++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_mutex_lock(&l->lock);
	l->n_awake -= n - l->n_senders;
	pthread_mutex_unlock(&l->lock);
}

/* One sender beside the caller would only add a thread: with one lane there is none. */
static unsigned senders_of(const struct wire *w, unsigned n)
{
	if (n <= 1)
		return 0;
	return n < w->lanes ? n : w->lanes - 1;
}

/* A batch at least is had at once: who waits for one would wait for ever. */
static bool make_pool(struct lanes *l)
{
	l->all = calloc(l->max, sizeof(struct batch *));
	l->flying = calloc(l->max, sizeof(struct batch *));
	if (!l->all || !l->flying)
		return false;
	l->empty = new_batch(l);
	if (l->empty)
		l->empty->next = NULL;
	return l->empty;
}

struct lanes *lanes_new(struct wire *w, unsigned n, size_t packet_max, struct err *e)
{
	unsigned senders = senders_of(w, n);
	struct lanes *l = calloc(1, sizeof(*l) + senders * sizeof(l->senders[0]));

	if (!l || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		err_set(e, "lanes: out of memory");
		return NULL;
	}
	l->w = w;
	l->stride = WIRE_HEADROOM + round_up(packet_max, 16);
	l->last = &l->waiting;
	l->max = senders ? senders * POOL_LANE : POOL_INLINE;
	if (!make_pool(l)) {
		lanes_free(l);
		err_set(e, "lanes: out of memory");
		return NULL;
	}
	start_senders(l, senders);
	return l;
}

static void stop_senders(struct lanes *l)
{
	pthread_mutex_lock(&l->lock);
	l->over = true;
	while (l->asleep)
		pthread_cond_signal(&rouse(l)->wake);
	pthread_mutex_unlock(&l->lock);
	for (unsigned i = 0; i < l->n_senders; i++) {
		pthread_join(l->senders[i].thread, NULL);
		pthread_cond_destroy(&l->senders[i].wake);
	}
}

void lanes_free(struct lanes *l)
{
	if (!l)
		return;
	stop_senders(l);
	pthread_mutex_destroy(&l->lock);
	for (unsigned i = 0; i < l->n_all; i++)
		free(l->all[i]);
	free(l->all);
	free(l->flying);
	free(l);
}
