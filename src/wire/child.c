/*
 * child: fork, and what must be true on both sides after it. Between fork and work it calls
 * nothing but the kernel. It alone of this room ends a process: its own fork.
 */
#include "config.h"

#include "wire/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- in the child ----------------------------------------------------------------------------- */

static void close_range_of(unsigned first, unsigned last)
{
#ifdef SYS_close_range
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
#endif
	for (unsigned fd = first; fd <= last && fd < 4096; fd++)
		close((int)fd);
}

static void sort(int *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && v[j] < v[j - 1]; j--) {
			int other = v[j];

			v[j] = v[j - 1];
			v[j - 1] = other;
		}
}

/* Sockets, and the pipe that somebody reads our output from, end with the run. */
static void close_all_but(const struct child_work *w, int line)
{
	int kept[CHILD_KEPT_MAX + 1];
	unsigned from = 0;
	size_t n = 0;

	kept[n++] = line;
	for (size_t i = 0; i < w->n_kept && n <= CHILD_KEPT_MAX; i++)
		kept[n++] = w->kept[i];
	sort(kept, n);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned)kept[i] > from)
			close_range_of(from, (unsigned)kept[i] - 1);
		from = (unsigned)kept[i] + 1;
	}
	close_range_of(from, UINT32_MAX);
}

void child_hold_standard_files(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		if (fd != null && fcntl(fd, F_GETFD) < 0)
			dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

/* --- in the parent ---------------------------------------------------------------------------- */

int child_start(struct child *c, const struct child_work *w, struct err *e)
{
	sigset_t all, old;
	int ends[2], why;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, errno, "a line to a process of our own");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	c->pid = fork();
	why = errno;
	if (c->pid == 0) {
		setsid();
		close_all_but(w, ends[1]);
		w->work(w->ctx, ends[1]);
		_exit(0);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(ends[1]);
	c->line = ends[0];
	if (c->pid > 0)
		return 0;
	close(ends[0]);
	c->pid = 0;
	return err_sys(e, why, "a process of our own");
}

/* Does its end of the line close in time? Only then is waiting for it sure to end. */
static bool hangs_up(int line, int patience_ms)
{
	struct pollfd p = {.fd = line};
	int rc;

	if (patience_ms < 0)
		return true;
	shutdown(line, SHUT_WR);
	do
		rc = poll(&p, 1, patience_ms);
	while (rc < 0 && errno == EINTR);
	return rc > 0;
}

void child_end(struct child *c, int patience_ms)
{
	bool ends;

	if (!c->pid)
		return;
	ends = hangs_up(c->line, patience_ms);
	close(c->line);
	while (ends && waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
}
