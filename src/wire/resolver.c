/*
 * resolver: both ends of the line. The process has a few threads which take question after question
 * off the line, and one that watches whether somebody is still there to be answered: a thread in
 * the C library's resolver can't be called back, a process can be ended.
 */
#include "config.h"

#include "wire/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire/child.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

enum {
	THREADS = 8,
	STACK = 1 << 20,
	HELLO_MS = 10000,
	END_MS = 1000, /* to end in; it has nothing to finish */
};

/* --- the lookups ------------------------------------------------------------------------------ */

static struct addr addr_of(const struct sockaddr *sa)
{
	struct addr a = {0};

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)sa;

		a.family = ADDR_V4;
		memcpy(a.b, &v4->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)sa;

		a.family = ADDR_V6;
		memcpy(a.b, &v6->sin6_addr, 16);
		a.zone = v6->sin6_scope_id;
	}
	return a;
}

static bool has(const struct resolver_answer *a, const struct addr *addr)
{
	for (size_t i = 0; i < a->n; i++)
		if (addr_equal(&a->addrs[i], addr))
			return true;
	return false;
}

static void system_addrs(const char *name, struct resolver_answer *a)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	a->failure = getaddrinfo(name, NULL, &hints, &list);
	a->errnum = a->failure == EAI_SYSTEM ? errno : 0;
	if (a->failure != 0)
		return;
	for (const struct addrinfo *ai = list; ai && a->n < RESOLVER_ADDRS_MAX; ai = ai->ai_next) {
		struct addr addr = addr_of(ai->ai_addr);

		if (addr.family && !has(a, &addr))
			a->addrs[a->n++] = addr;
	}
	freeaddrinfo(list);
}

static bool system_name(const struct addr *a, char name[RESOLVER_NAME])
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_scope_id = a->zone};
	const void *sa = a->family == ADDR_V4 ? (const void *)&v4 : (const void *)&v6;

	memcpy(&v4.sin_addr, a->b, 4);
	memcpy(&v6.sin6_addr, a->b, 16);
	return getnameinfo(sa, a->family == ADDR_V4 ? sizeof(v4) : sizeof(v6), name, RESOLVER_NAME,
			   NULL, 0, NI_NAMEREQD) == 0;
}

static const struct resolver_lookups by_system = {system_addrs, system_name};

/* --- the process ------------------------------------------------------------------------------ */

struct serving {
	const struct privilege_user *user;
	const struct resolver_lookups *how;
	int line;
};

static bool answer(const struct serving *s, const struct resolver_question *q)
{
	struct resolver_answer a = {.id = q->id, .way = q->way};
	uint8_t words[RESOLVER_WORDS_MAX];
	size_t len;

	if (q->way == RESOLVER_TO_ADDRS)
		s->how->addrs(q->name, &a);
	else if (!s->how->name(&q->addr, a.name) || !resolver_is_host_name(a.name))
		a.name[0] = '\0';
	len = resolver_put_answer(&a, words);
	return send(s->line, words, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void *serve(void *ctx)
{
	const struct serving *s = ctx;
	uint8_t words[RESOLVER_WORDS_MAX];
	struct resolver_question q;
	ssize_t n;

	do {
		n = recv(s->line, words, sizeof(words), 0);
		if (n > 0 && resolver_take_question(words, (size_t)n, &q) && !answer(s, &q))
			break;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return NULL;
}

static unsigned add_threads(struct serving *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	unsigned n = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	while (n < THREADS && pthread_create(&thread, &attr, serve, s) == 0)
		n++;
	pthread_attr_destroy(&attr);
	return n;
}

static bool say_hello(const struct serving *s)
{
	uint8_t words[RESOLVER_WORDS_MAX];
	struct err e;
	bool dropped;
	size_t len;

	child_hold_standard_files();
	/* what could not be had here the parent will find, too, and say */
	dropped = privilege_drop(s->user, PRIVILEGE_RESOLVE, &e) >= 0;
	len = resolver_put_hello(dropped ? NULL : &e, words);
	return send(s->line, words, len, MSG_NOSIGNAL) == (ssize_t)len && dropped;
}

static void work(void *ctx, int line)
{
	struct serving *s = ctx;
	struct pollfd p = {.fd = line, .events = POLLRDHUP};

	s->line = line;
	if (!say_hello(s) || add_threads(s) == 0)
		return;
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

/* --- this end --------------------------------------------------------------------------------- */

struct resolver {
	struct child child;
	uint32_t last_id;
	bool gone;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* True where something can be read, if only that it is gone. */
static bool wait_until(const struct resolver *r, int64_t until_ms)
{
	struct pollfd p = {.fd = r->child.line, .events = POLLIN};
	int rc;

	do {
		int64_t left = until_ms - now_ms();

		rc = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* How many octets came; 0: nothing yet; -1: nothing will. */
static ssize_t take(struct resolver *r, uint8_t words[RESOLVER_WORDS_MAX])
{
	ssize_t n = recv(r->child.line, words, RESOLVER_WORDS_MAX, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	return n > 0 && n <= RESOLVER_WORDS_MAX ? n : -1;
}

static bool is_ready(struct resolver *r, struct err *e)
{
	uint8_t words[RESOLVER_WORDS_MAX];
	ssize_t n = wait_until(r, now_ms() + HELLO_MS) ? take(r, words) : -1;

	return resolver_take_hello(words, n > 0 ? (size_t)n : 0, e);
}

struct resolver *resolver_start(const struct privilege_user *u, const struct resolver_lookups *how,
				struct err *e)
{
	const int kept[] = {STDERR_FILENO};
	const struct privilege_user least = privilege_least(u);
	struct serving s = {.user = &least, .how = how ? how : &by_system};
	const struct child_work w = {.work = work, .ctx = &s, .kept = kept, .n_kept = 1};
	struct resolver *r = calloc(1, sizeof(*r));
	struct err why;

	if (!r) {
		err_set(e, "out of memory for the resolver");
		return NULL;
	}
	if (child_start(&r->child, &w, &why) == 0 && is_ready(r, &why))
		return r;
	err_set(e, "the process for names: %s", why.msg);
	resolver_end(r);
	return NULL;
}

void resolver_end(struct resolver *r)
{
	if (!r)
		return;
	child_end(&r->child, END_MS);
	free(r);
}

/* As resolver_ask_name; a question that cannot be said is never asked, and so -1. */
static int ask(struct resolver *r, const struct resolver_question *q)
{
	uint8_t words[RESOLVER_WORDS_MAX];
	size_t len = resolver_put_question(q, words);

	if (r->gone || len == 0)
		return -1;
	if (send(r->child.line, words, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len)
		return 1;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR)
		return 0;
	r->gone = true;
	return -1;
}

static int take_answer(struct resolver *r, struct resolver_answer *a)
{
	uint8_t words[RESOLVER_WORDS_MAX];
	ssize_t n = r->gone ? -1 : take(r, words);

	if (n == 0)
		return 0;
	if (n > 0 && resolver_take_answer(words, (size_t)n, a))
		return 1;
	r->gone = true;
	return -1;
}

bool resolver_addrs(struct resolver *r, const char *name, int patience_ms,
		    struct resolver_answer *a, struct err *e)
{
	struct resolver_question q = {.id = ++r->last_id, .way = RESOLVER_TO_ADDRS};
	int64_t until = now_ms() + patience_ms;
	int rc;

	if (strlen(name) >= sizeof(q.name)) {
		*a = (struct resolver_answer){.way = q.way, .failure = EAI_NONAME};
		return true;
	}
	memcpy(q.name, name, strlen(name) + 1);
	rc = ask(r, &q);
	if (rc > 0) {
		do
			rc = wait_until(r, until) ? take_answer(r, a) : 0;
		while (rc >= 0 && now_ms() < until && (rc == 0 || a->id != q.id));
	}
	if (rc > 0 && a->id == q.id && a->way == q.way)
		return true;
	err_set(e, rc < 0 ? "the process for names is gone" : "no answer in time");
	return false;
}

int resolver_ask_name(struct resolver *r, uint32_t id, const struct addr *addr)
{
	const struct resolver_question q = {.id = id, .way = RESOLVER_TO_NAME, .addr = *addr};

	return ask(r, &q);
}

int resolver_take_name(struct resolver *r, struct resolver_answer *a)
{
	int rc = take_answer(r, a);

	if (rc <= 0 || a->way == RESOLVER_TO_NAME)
		return rc;
	r->gone = true;
	return -1;
}

void resolver_wait(struct resolver *r, uint64_t ns)
{
	wait_until(r, now_ms() + (int64_t)(ns / 1000000));
}
