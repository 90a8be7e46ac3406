/*
 * names: a queue that a few detached threads work off. The last of them, or the owner, frees it:
 * whoever comes later. A thread in the resolver can't be called back, so nobody waits for it.
 */
#include "config.h"

#include "cmd/names.h"

#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	ENTRIES = 512, /* those over have no name */
	THREADS = 8,
	MUTE_MS = 400,	    /* from a resolver that was never heard, by then nothing comes */
	PATIENCE_MS = 1200, /* of one that was */
};

struct entry {
	struct addr addr;
	enum name_state state;
	uint64_t asked_ms;
	char name[NAME_TEXT];
};

struct names {
	names_lookup_fn *lookup;
	pthread_mutex_t lock;
	pthread_cond_t work, news;
	unsigned users; /* threads, and the owner */
	unsigned threads, idle;
	bool closed;
	bool heard;	 /* the resolver has answered something */
	size_t n, taken; /* entries; those before `taken` are somebody's */
	struct entry v[ENTRIES];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- the lookup ------------------------------------------------------------------------------- */

/* A name is printed, on terminals too: nothing but what host names are made of. */
static bool is_host_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isascii((unsigned char)*c) ||
		    (!isalnum((unsigned char)*c) && !strchr("-._", *c)))
			return false;
	return *name != '\0';
}

static bool ask_system(const struct addr *a, char *name, size_t cap)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_scope_id = a->zone};
	const void *sa = a->family == ADDR_V4 ? (const void *)&v4 : (const void *)&v6;

	memcpy(&v4.sin_addr, a->b, 4);
	memcpy(&v6.sin6_addr, a->b, 16);
	return getnameinfo(sa, a->family == ADDR_V4 ? sizeof(v4) : sizeof(v6), name, (socklen_t)cap,
			   NULL, 0, NI_NAMEREQD) == 0;
}

/* --- the threads ------------------------------------------------------------------------------ */

/* With the lock held; gives it up. */
static void leave(struct names *n)
{
	bool last = --n->users == 0;

	pthread_mutex_unlock(&n->lock);
	if (!last)
		return;
	pthread_cond_destroy(&n->work);
	pthread_cond_destroy(&n->news);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static void look_up(struct names *n, struct entry *e)
{
	struct addr addr = e->addr;
	char name[NAME_TEXT];
	bool found;

	pthread_mutex_unlock(&n->lock);
	found = n->lookup(&addr, name, sizeof(name)) && is_host_name(name);
	pthread_mutex_lock(&n->lock);
	if (found)
		memcpy(e->name, name, sizeof(name));
	e->state = found ? NAME_KNOWN : NAME_NONE;
	n->heard = true;
	pthread_cond_broadcast(&n->news);
}

static void *work_off(void *ctx)
{
	struct names *n = ctx;

	pthread_mutex_lock(&n->lock);
	while (!n->closed) {
		if (n->taken < n->n) {
			look_up(n, &n->v[n->taken++]);
			continue;
		}
		n->idle++;
		pthread_cond_wait(&n->work, &n->lock);
		n->idle--;
	}
	leave(n);
	return NULL;
}

/* With the lock held. Signals are the main thread's. */
static void add_thread(struct names *n)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;

	if (n->idle >= n->n - n->taken || n->threads == THREADS)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (pthread_create(&thread, &attr, work_off, n) == 0) {
		n->threads++;
		n->users++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

/* --- for the owner ---------------------------------------------------------------------------- */

struct names *names_new(names_lookup_fn *lookup)
{
	struct names *n = calloc(1, sizeof(*n));
	pthread_condattr_t attr;

	if (!n)
		return NULL;
	n->lookup = lookup ? lookup : ask_system;
	n->users = 1;
	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->work, NULL);
	pthread_cond_init(&n->news, &attr);
	pthread_condattr_destroy(&attr);
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	n->closed = true;
	pthread_cond_broadcast(&n->work);
	leave(n);
}

static struct entry *find(struct names *n, const struct addr *a)
{
	for (size_t i = 0; i < n->n; i++)
		if (addr_equal(&n->v[i].addr, a))
			return &n->v[i];
	return NULL;
}

void names_ask(struct names *n, const struct addr *a)
{
	pthread_mutex_lock(&n->lock);
	if (n->n < ENTRIES && !find(n, a)) {
		n->v[n->n++] =
		    (struct entry){.addr = *a, .state = NAME_NOT_YET, .asked_ms = now_ms()};
		add_thread(n);
		if (n->threads == 0)
			n->v[n->n - 1].state = NAME_NONE;
		pthread_cond_signal(&n->work);
	}
	pthread_mutex_unlock(&n->lock);
}

enum name_state names_get(struct names *n, const struct addr *a, char name[NAME_TEXT])
{
	const struct entry *e;
	enum name_state state;

	pthread_mutex_lock(&n->lock);
	e = find(n, a);
	state = e ? e->state : NAME_NONE;
	if (state == NAME_KNOWN)
		memcpy(name, e->name, NAME_TEXT);
	pthread_mutex_unlock(&n->lock);
	return state;
}

bool names_worth_waiting(struct names *n, const struct addr *a)
{
	const struct entry *e;
	uint64_t now = now_ms();
	bool worth;

	pthread_mutex_lock(&n->lock);
	e = find(n, a);
	worth = e && e->state == NAME_NOT_YET &&
		(n->heard ? now - e->asked_ms < PATIENCE_MS : now - n->v[0].asked_ms < MUTE_MS);
	pthread_mutex_unlock(&n->lock);
	return worth;
}

void names_wait(struct names *n, uint64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	pthread_mutex_lock(&n->lock);
	pthread_cond_timedwait(&n->news, &n->lock, &until);
	pthread_mutex_unlock(&n->lock);
}
