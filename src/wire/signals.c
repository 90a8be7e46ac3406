/*
 * signals: what was asked for by signal since the start. It refuses to know what is being ended;
 * whoever sleeps looks at signals_pending with the signals blocked (wire/live does).
 */
#include "config.h"

#include "wire/signals.h"

#include <signal.h>
#include <stddef.h>

#include "wire/clock.h"
#include "wire/wire.h"

static volatile sig_atomic_t stop_asked;
static volatile sig_atomic_t status_asked;
static volatile uint64_t stop_asked_ns; /* touched by the handler alone, which masks the rest */

/* `timeout` and other keepers signal the process and then its group: one wish, told twice. */
static bool is_echo(void)
{
	static const uint64_t ECHO_NS = 100000000;

	return clock_mono_ns() - stop_asked_ns < ECHO_NS;
}

static void on_stop(int sig)
{
	if (stop_asked && !is_echo()) {
		/* by the default action, so that a shell sees 128+n; it comes as the handler ends
		 */
		signal(sig, SIG_DFL);
		raise(sig);
	}
	if (!stop_asked)
		stop_asked_ns = clock_mono_ns();
	stop_asked = 1;
}

static void on_status(int sig)
{
	(void)sig;
	status_asked = 1;
}

static void handle(int sig, void (*handler)(int))
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};

	signals_set(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

void signals_install(void)
{
	struct sigaction old;

	handle(SIGINT, on_stop);
	handle(SIGTERM, on_stop);
	handle(SIGUSR1, on_status);
	handle(SIGPIPE, SIG_IGN);
	/* nohup stays nohup */
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		handle(SIGHUP, on_stop);
}

void signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

unsigned signals_pending(void)
{
	return (stop_asked ? WIRE_STOP : 0u) | (status_asked ? WIRE_STATUS : 0u);
}

unsigned signals_take(void)
{
	unsigned events = signals_pending();

	/* only what was seen: one that comes in between is kept for the next call */
	if (events & WIRE_STATUS)
		status_asked = 0;
	return events;
}
