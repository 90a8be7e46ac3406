/*
 * meter: what one command costs, and how fast the frames of its probes arrived at the far end. The
 * parent is small, so that the peak memory is the command's own; the far end's counter is read
 * each millisecond out of /proc/net/dev of its namespace, which takes no lock and needs no capture.
 * Knows nothing of what the command is, or whether it was right.
 *
 *   meter [-o FILE] [-l SECONDS] [-n NAMESPACE -i INTERFACE] COMMAND...
 *
 * writes one JSON object. "pps" is between 1 % and 99 % of the frames that came.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct sample {
	uint64_t ns, frames;
};

struct meter {
	const char *out, *ns, *dev;
	double limit_s;
	int counters; /* /proc/net/dev of the far end; -1: none */
	struct sample *samples;
	size_t n, room;
};

struct outcome {
	double wall_s;
	struct rusage usage;
	int status;
	bool late;
};

static void fail(const char *what)
{
	fprintf(stderr, "meter: %s: %s\n", what, strerror(errno));
	exit(125);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The file stays that of the namespace in which it was opened. */
static int open_counters(const char *ns)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(ns, O_RDONLY | O_CLOEXEC);

	if (here < 0 || there < 0 || setns(there, CLONE_NEWNET))
		fail(ns);
	int fd = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(here, CLONE_NEWNET))
		fail("/proc/net/dev");
	close(there);
	close(here);
	return fd;
}

/* "  wire0: OCTETS PACKETS ..." */
static uint64_t frames_in(const struct meter *m)
{
	char text[8192], name[64];
	ssize_t got = pread(m->counters, text, sizeof(text) - 1, 0);

	if (got <= 0)
		fail("/proc/net/dev");
	text[got] = '\0';
	snprintf(name, sizeof(name), " %s:", m->dev);
	const char *at = strstr(text, name);
	unsigned long long octets, packets = 0;
	if (!at || sscanf(at + strlen(name), "%llu %llu", &octets, &packets) != 2) {
		errno = ENODEV;
		fail(m->dev);
	}
	return packets;
}

static void take_sample(struct meter *m)
{
	if (m->n == m->room) {
		m->room = m->room ? 2 * m->room : 4096;
		m->samples = realloc(m->samples, m->room * sizeof(*m->samples));
		if (!m->samples)
			fail("samples");
	}
	m->samples[m->n].frames = frames_in(m);
	m->samples[m->n++].ns = now_ns();
}

/* When that many frames had come, between two samples in proportion. */
static double reached(const struct meter *m, double frames)
{
	for (size_t i = 1; i < m->n; i++) {
		const struct sample *a = &m->samples[i - 1], *b = &m->samples[i];
		double from = (double)(a->frames - m->samples[0].frames);
		double to = (double)(b->frames - m->samples[0].frames);

		if (to >= frames && to > from)
			return (double)(a->ns - m->samples[0].ns) / 1e9 +
			       (frames - from) / (to - from) * (double)(b->ns - a->ns) / 1e9;
	}
	return 0;
}

static void wait_for(struct meter *m, int pidfd, pid_t pid, struct outcome *o)
{
	const struct timespec tick = {0, 1000000};
	const struct timespec whole = {(time_t)m->limit_s, 0};
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	uint64_t begun = now_ns();
	uint64_t end = begun + (uint64_t)(m->limit_s * 1e9);
	int n;

	while ((n = ppoll(&p, 1, m->counters >= 0 ? &tick : &whole, NULL)) == 0) {
		if (m->counters >= 0)
			take_sample(m);
		if (now_ns() >= end && !o->late) {
			o->late = true;
			kill(pid, SIGKILL);
		}
	}
	if (n < 0)
		fail("poll");
	o->wall_s = (double)(now_ns() - begun) / 1e9;
	if (wait4(pid, &o->status, 0, &o->usage) != pid)
		fail("wait4");
	if (m->counters >= 0)
		take_sample(m);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void report(const struct meter *m, const struct outcome *o)
{
	FILE *f = m->out ? fopen(m->out, "w") : stderr;
	int status = WIFEXITED(o->status) ? WEXITSTATUS(o->status) : 128 + WTERMSIG(o->status);

	if (!f)
		fail(m->out);
	fprintf(f, "{\"wall_s\":%.6f,\"user_s\":%.6f,\"sys_s\":%.6f,\"peak_kb\":%ld,", o->wall_s,
		seconds(o->usage.ru_utime), seconds(o->usage.ru_stime), o->usage.ru_maxrss);
	if (m->n > 1) {
		double frames = (double)(m->samples[m->n - 1].frames - m->samples[0].frames);
		double from = reached(m, frames * 0.01), to = reached(m, frames * 0.99);

		fprintf(f, "\"frames\":%.0f,\"from_s\":%.6f,\"to_s\":%.6f,\"pps\":%.1f,", frames,
			from, to, to > from ? frames * 0.98 / (to - from) : 0);
	}
	fprintf(f, "\"late\":%s,\"status\":%d}\n", o->late ? "true" : "false", status);
	if (m->out && fclose(f))
		fail(m->out);
}

static void read_options(struct meter *m, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+o:l:n:i:")) != -1) {
		switch (c) {
		case 'o': m->out = optarg; break;
		case 'l': m->limit_s = strtod(optarg, NULL); break;
		case 'n': m->ns = optarg; break;
		case 'i': m->dev = optarg; break;
		default: exit(125);
		}
	}
	if (optind == argc || !m->ns != !m->dev) {
		fputs("usage: meter [-o FILE] [-l SECONDS] [-n NAMESPACE -i INTERFACE] COMMAND\n",
		      stderr);
		exit(125);
	}
}

int main(int argc, char **argv)
{
	struct meter m = {.limit_s = 600, .counters = -1};
	struct outcome o = {0};
	pid_t pid;

	read_options(&m, argc, argv);
	prctl(PR_SET_TIMERSLACK, 1L);
	if (m.ns) {
		m.counters = open_counters(m.ns);
		take_sample(&m);
	}
	errno = posix_spawnp(&pid, argv[optind], NULL, NULL, argv + optind, environ);
	if (errno)
		fail(argv[optind]);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		fail("pidfd_open");
	wait_for(&m, pidfd, pid, &o);
	report(&m, &o);
	free(m.samples);
	return 0;
}
