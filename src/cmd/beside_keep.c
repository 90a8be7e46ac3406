/*
 * beside_keep: gives files their names, or takes them away; and the keeper, a process that still
 * may when this one has given up its privilege, or is no more. Between fork and end it calls the
 * kernel alone, and reads nothing but which file is meant.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/beside_private.h"
#include "wire/privilege.h"

enum wish { WISH_NAME, WISH_REMOVE };

struct asked {
	uint8_t wish, file;
};

/* --- by whoever may --------------------------------------------------------------------------- */

/* "/proc/self/fd/N", without stdio. */
static const char *path_of(int fd, char buf[32])
{
	static const char root[] = "/proc/self/fd/";
	char digits[12];
	size_t n = 0, at = 0;

	for (; root[at]; at++)
		buf[at] = root[at];
	do
		digits[n++] = (char)('0' + fd % 10);
	while (fd /= 10);
	while (n > 0)
		buf[at++] = digits[--n];
	buf[at] = '\0';
	return buf;
}

/* Only a name can be renamed over another, so what has none gets one for a moment. */
static int put_temp(const struct beside_file *f)
{
	char self[32];

	path_of(f->fd, self);
	if (linkat(AT_FDCWD, self, f->dir, f->temp, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	/* of a process that had our number before us */
	unlinkat(f->dir, f->temp, 0);
	return linkat(AT_FDCWD, self, f->dir, f->temp, AT_SYMLINK_FOLLOW);
}

static int give_name(const struct beside_file *f)
{
	int rc;

	if (f->fd >= 0 && put_temp(f) < 0)
		return errno;
	if (renameat(f->dir, f->temp, f->dir, f->place) == 0)
		return 0;
	rc = errno;
	unlinkat(f->dir, f->temp, 0);
	return rc;
}

void beside_remove(const struct beside_file *f)
{
	if (f->fd < 0)
		unlinkat(f->dir, f->temp, 0);
}

/* --- the keeper ------------------------------------------------------------------------------- */

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
static void close_all_but(const struct beside *b, int line)
{
	int kept[1 + 2 * BESIDE_MAX];
	unsigned from = 0;
	size_t n = 0;

	kept[n++] = line;
	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i].dir >= 0)
			kept[n++] = b->v[i].dir;
		if (b->v[i].fd >= 0)
			kept[n++] = b->v[i].fd;
	}
	sort(kept, n);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned)kept[i] > from)
			close_range_of(from, (unsigned)kept[i] - 1);
		from = (unsigned)kept[i] + 1;
	}
	close_range_of(from, UINT32_MAX);
}

/* Until nobody asks any more. */
static void keep(struct beside *b, int line)
{
	struct asked a;

	while (recv(line, &a, sizeof(a), 0) == (ssize_t)sizeof(a)) {
		struct beside_file *f = a.file < b->n ? &b->v[a.file] : NULL;
		int rc = EBADF;

		if (f && f->dir >= 0) {
			rc = a.wish == WISH_NAME ? give_name(f) : 0;
			if (a.wish == WISH_REMOVE)
				beside_remove(f);
			f->dir = -1;
		}
		if (send(line, &rc, sizeof(rc), MSG_NOSIGNAL) != (ssize_t)sizeof(rc))
			break;
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].dir >= 0)
			beside_remove(&b->v[i]);
	_exit(0);
}

static bool hear(const struct beside *b, int *rc)
{
	ssize_t n;

	do
		n = recv(b->line, rc, sizeof(*rc), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*rc);
}

static void dismiss(struct beside *b)
{
	close(b->line);
	while (b->keeper > 0 && waitpid(b->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	b->keeper = 0;
}

static void become_keeper(struct beside *b, int line)
{
	struct err e;
	int ready = 0;

	setsid();
	close_all_but(b, line);
	if (privilege_drop(NULL, PRIVILEGE_NAME, &e) < 0 ||
	    send(line, &ready, sizeof(ready), MSG_NOSIGNAL) != (ssize_t)sizeof(ready))
		_exit(1);
	keep(b, line);
}

/* What ends a run, or stops it, does not reach the keeper. */
static pid_t fork_keeper(struct beside *b, const int ends[2])
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		become_keeper(b, ends[1]);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid;
}

int beside_keep(struct beside *b, struct err *e)
{
	int ends[2], ready;
	bool any = false;

	for (size_t i = 0; i < b->n; i++)
		any |= b->v[i].dir >= 0;
	if (!any || b->keeper)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(e, errno, "no process that names the results");
	b->keeper = fork_keeper(b, ends);
	close(ends[1]);
	b->line = ends[0];
	if (b->keeper > 0 && hear(b, &ready))
		return 0;
	err_sys(e, b->keeper < 0 ? errno : EPERM, "no process that names the results");
	dismiss(b);
	return -1;
}

/* --- asking it -------------------------------------------------------------------------------- */

/* False where it gives no answer. */
static bool ask(const struct beside_file *f, enum wish wish, int *rc)
{
	const struct beside *b = f->of;
	const struct asked a = {(uint8_t)wish, (uint8_t)(f - b->v)};

	return b->keeper && send(b->line, &a, sizeof(a), MSG_NOSIGNAL) == (ssize_t)sizeof(a) &&
	       hear(b, rc);
}

int beside_ask_name(const struct beside_file *f)
{
	int rc;

	return ask(f, WISH_NAME, &rc) ? rc : give_name(f);
}

void beside_ask_remove(const struct beside_file *f)
{
	int rc;

	if (!ask(f, WISH_REMOVE, &rc))
		beside_remove(f);
}

void beside_end(struct beside *b)
{
	for (size_t i = 0; i < b->n; i++)
		beside_abandon(&b->v[i]);
	b->n = 0;
	if (b->keeper)
		dismiss(b);
}
