/*
 * unpack_tool: lets the program that knows the format unpack it, without a shell. A regular file is
 * its stdin; of anything else the first octets are already read, so all of it is handed on through
 * a socket. Whether the data was whole is what the program's exit status says.
 */
#include "config.h"

#include "wire/unpack_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { HANDED_ON = 64 << 10, IN = 0, OUT = 1, FILE_ITSELF = 2 };

struct tool {
	const char *name;
	pid_t pid; /* 0: none, or seen to its end */
	int out;   /* what it unpacked */
	int in;	   /* our end of its stdin; -1: it reads the file itself, or has had all of it */
	size_t at, n;
	uint8_t buf[HANDED_ON];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A group of its own: what ^C means is the user's word to us, and we still want its output. */
static int spawn(struct tool *t, int in, int out, struct err *e)
{
	char *argv[] = {strdup(t->name), strdup("-dc"), NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t set;
	int rc = ENOMEM;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
					    POSIX_SPAWN_SETSIGDEF);
	if (argv[0] && argv[1] && posix_spawn_file_actions_adddup2(&files, in, 0) == 0 &&
	    posix_spawn_file_actions_adddup2(&files, out, 1) == 0 &&
	    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0) == 0)
		rc = posix_spawnp(&t->pid, t->name, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	free(argv[0]);
	free(argv[1]);
	if (rc == 0)
		return 0;
	t->pid = 0;
	if (rc == ENOENT)
		return err_set(e, "packed by %s, which is needed to read it: install %s", t->name,
			       t->name);
	return err_sys(e, rc, "%s cannot be started", t->name);
}

static bool rewound(struct packed *in)
{
	if (in->waits || lseek(in->fd, -(off_t)in->n_head, SEEK_CUR) < 0)
		return false;
	in->head_at = in->n_head;
	return true;
}

void *unpack_tool_open(struct packed *in, const char *tool, struct err *e)
{
	struct tool *t = calloc(1, sizeof(*t));
	int out[2] = {-1, -1}, feed[2] = {-1, -1}, rc = -1;

	if (!t) {
		err_sys(e, ENOMEM, "%s", tool);
		return NULL;
	}
	t->name = tool;
	t->in = t->out = -1;
	if (pipe2(out, O_CLOEXEC) < 0) {
		err_sys(e, errno, "%s", tool);
		goto out;
	}
	t->out = out[0];
	if (!rewound(in)) {
		/* a socket: writing to who is gone must be an error, not a signal */
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, feed) < 0) {
			err_sys(e, errno, "%s", tool);
			goto out;
		}
		t->in = feed[0];
	}
	rc = spawn(t, feed[1] < 0 ? in->fd : feed[1], out[1], e);
out:
	close_fd(&out[1]);
	close_fd(&feed[1]);
	if (rc < 0) {
		unpack_tool_close(t);
		return NULL;
	}
	return t;
}

void unpack_tool_close(void *state)
{
	struct tool *t = state;

	close_fd(&t->out);
	close_fd(&t->in);
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(t);
}

static ssize_t reap(struct tool *t, struct err *fault)
{
	int status;

	if (t->pid == 0)
		return 0;
	while (waitpid(t->pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		t->pid = 0;
		return err_set(fault, "%s: %s", t->name, strerror(errno));
	}
	t->pid = 0;
	if (WIFSIGNALED(status))
		return err_set(fault, "%s was ended by signal %d", t->name, WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(fault, "the %s data is cut or damaged: %s ended with status %d",
			       t->name, t->name, WEXITSTATUS(status));
	return 0;
}

static int take_some(struct tool *t, struct packed *in, struct err *fault)
{
	ssize_t got = packed_read(in, t->buf, sizeof(t->buf), fault);

	if (got < 0)
		return -1;
	if (got == 0)
		close_fd(&t->in);
	t->at = 0;
	t->n = (size_t)got;
	return 0;
}

/* Who reads no more (it has seen damage) will say why by its exit status. */
static void hand_on(struct tool *t)
{
	ssize_t sent = send(t->in, t->buf + t->at, t->n - t->at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent > 0)
		t->at += (size_t)sent;
	else if (sent < 0 && errno != EAGAIN && errno != EINTR)
		close_fd(&t->in);
}

/* Reading and writing wait together: the program may want to write before it reads on. */
static int feed_until_output(struct tool *t, struct packed *in, struct err *fault)
{
	for (;;) {
		bool hold = t->in >= 0 && t->at < t->n, head = in->head_at < in->n_head;
		struct pollfd v[] = {
		    [IN] = {.fd = hold ? t->in : -1, .events = POLLOUT},
		    [OUT] = {.fd = t->out, .events = POLLIN},
		    [FILE_ITSELF] = {.fd = t->in >= 0 && !hold ? in->fd : -1, .events = POLLIN},
		};

		if (t->in >= 0 && !hold && head) {
			if (take_some(t, in, fault) < 0)
				return -1;
			continue;
		}
		if (packed_wait(v, sizeof(v) / sizeof(v[0]), fault) < 0)
			return -1;
		if (v[OUT].revents)
			return 0;
		if (v[IN].revents)
			hand_on(t);
		if (v[FILE_ITSELF].revents && take_some(t, in, fault) < 0)
			return -1;
	}
}

ssize_t unpack_tool_read(void *state, struct packed *in, void *buf, size_t n, struct err *fault)
{
	struct tool *t = state;
	ssize_t got;

	do {
		if (feed_until_output(t, in, fault) < 0)
			return -1;
		got = read(t->out, buf, n);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(fault, "%s: %s", t->name, strerror(errno));
	return got > 0 ? got : reap(t, fault);
}
