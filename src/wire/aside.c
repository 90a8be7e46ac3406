/*
 * aside: threads that wait for the kernel in others' stead. It refuses to know what for.
 */
#include "config.h"

#include "wire/aside.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "wire/signals.h"

enum { HELPERS = 16 };

struct aside {
	pthread_t thread;
	void (*fn)(void *);
	void *arg;
};

static void *run(void *aside)
{
	const struct aside *a = aside;

	a->fn(a->arg);
	return NULL;
}

static int start(struct aside *a)
{
	sigset_t block, old;
	int rc;

	signals_set(&block);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	rc = pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

void aside_each(void (*fn)(void *), void *v, size_t n, size_t size)
{
	struct aside helpers[HELPERS];
	size_t started = 0;

	for (size_t i = 1; i < n; i++) {
		struct aside *a = &helpers[started];

		if (started < HELPERS) {
			*a = (struct aside){.fn = fn, .arg = (char *)v + i * size};
			if (start(a) == 0) {
				started++;
				continue;
			}
		}
		fn((char *)v + i * size);
	}
	if (n > 0)
		fn(v);
	while (started > 0)
		pthread_join(helpers[--started].thread, NULL);
}

struct aside *aside_begin(void (*fn)(void *), void *arg)
{
	struct aside *a = calloc(1, sizeof(*a));

	if (a) {
		*a = (struct aside){.fn = fn, .arg = arg};
		if (start(a) == 0)
			return a;
	}
	free(a);
	fn(arg);
	return NULL;
}

void aside_join(struct aside *a)
{
	if (!a)
		return;
	pthread_join(a->thread, NULL);
	free(a);
}
