/*
 * unpacker: a process between the one that reads and the programs that unpack: it starts them, they
 * give what they have to pipes of the reader's. It refuses to read a single octet of a capture.
 */
#include "config.h"

#include "wire/unpacker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/child.h"
#include "wire/handover.h"

extern char **environ;

enum wish { WISH_RUN, WISH_WAIT, WISH_KILL };

struct asked {
	uint8_t wish, tool;
};

struct answer {
	int error;  /* of errno */
	int status; /* as waitpid has it */
};

static const char *const tools[] = {"gzip", "zstd", "xz"};
enum { TOOLS = sizeof(tools) / sizeof(tools[0]) };

/* Those of the program that is to be, and ours. */
struct ends {
	int in, out, feed, read;
};

struct unpacker {
	struct child child;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- the process ------------------------------------------------------------------------------ */

/* What the program does to its files, and to signals: its group is its own, so that whatever it
 * starts ends with it, and it says on stderr what nobody asked for: ours is /dev/null there. */
static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr,
		   const struct ends *ends)
{
	sigset_t set;

	sigemptyset(&set);
	posix_spawnattr_setsigmask(attr, &set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(attr, &set);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
					   POSIX_SPAWN_SETSIGDEF);
	return posix_spawn_file_actions_adddup2(files, STDOUT_FILENO, STDERR_FILENO) != 0 ||
		       posix_spawn_file_actions_adddup2(files, ends->in, STDIN_FILENO) != 0 ||
		       posix_spawn_file_actions_adddup2(files, ends->out, STDOUT_FILENO) != 0
		   ? -1
		   : 0;
}

/* The program's process, or -1 with errno. */
static pid_t start(const char *tool, const struct ends *ends)
{
	char *argv[] = {strdup(tool), strdup("-dc"), NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc = ENOMEM;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	if (argv[0] && argv[1] && prepare(&files, &attr, ends) == 0)
		rc = posix_spawnp(&pid, tool, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	free(argv[0]);
	free(argv[1]);
	errno = rc;
	return rc == 0 ? pid : -1;
}

static int open_ends(struct ends *ends)
{
	int out[2], feed[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return -1;
	ends->read = out[0];
	ends->out = out[1];
	if (ends->in < 0) {
		/* a socket: writing to who is gone must be an error, not a signal */
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, feed) < 0)
			return -1;
		ends->feed = feed[0];
		ends->in = feed[1];
	}
	return 0;
}

/* Takes `in`. */
static pid_t run(int line, const char *tool, int in)
{
	struct ends ends = {.in = in, .out = -1, .feed = -1, .read = -1};
	struct answer a = {0};
	pid_t pid = open_ends(&ends) < 0 ? -1 : start(tool, &ends);
	int ours[HANDOVER_FDS];

	if (pid < 0)
		a.error = errno;
	ours[0] = ends.read;
	ours[1] = ends.feed;
	handover_tell(line, &a, sizeof(a), ours, pid < 0 ? 0 : ends.feed < 0 ? 1 : 2);
	close_fd(&ends.in);
	close_fd(&ends.out);
	close_fd(&ends.feed);
	close_fd(&ends.read);
	return pid;
}

static void on_child(int sig)
{
	(void)sig;
}

/* Until it has ended, or nobody asks any more. */
static pid_t wait_for(pid_t pid, int line, int *status)
{
	struct pollfd asker = {.fd = line};
	sigset_t but_children;
	pid_t got;

	sigfillset(&but_children);
	sigdelset(&but_children, SIGCHLD);
	while ((got = waitpid(pid, status, WNOHANG)) == 0)
		if (ppoll(&asker, 1, NULL, &but_children) > 0)
			kill(-pid, SIGKILL);
	return got;
}

static void end(pid_t pid, int line, bool by_force, struct answer *a)
{
	if (by_force)
		kill(-pid, SIGKILL);
	if (wait_for(pid, line, &a->status) < 0)
		a->error = errno;
}

static void serve(int line)
{
	int fds[HANDOVER_FDS];
	struct asked q;
	pid_t pid = 0;

	while (handover_hear(line, &q, sizeof(q), fds)) {
		struct answer a = {.error = ECHILD};

		close_fd(&fds[1]);
		if (q.wish == WISH_RUN && pid <= 0 && q.tool < TOOLS) {
			pid = run(line, tools[q.tool], fds[0]);
			continue;
		}
		close_fd(&fds[0]);
		if (pid > 0 && q.wish != WISH_RUN) {
			a.error = 0;
			end(pid, line, q.wish == WISH_KILL, &a);
			pid = 0;
		}
		handover_tell(line, &a, sizeof(a), NULL, 0);
	}
	if (pid > 0)
		kill(-pid, SIGKILL);
}

static void work(void *ctx, int line)
{
	const struct sigaction told = {.sa_handler = on_child};

	child_hold_standard_files();
	sigaction(SIGCHLD, &told, NULL);
	if (handover_begin(line, ctx, PRIVILEGE_UNPACK))
		serve(line);
}

/* --- asking it -------------------------------------------------------------------------------- */

struct unpacker *unpacker_start(const struct privilege_user *user, struct err *e)
{
	static const int kept[] = {STDERR_FILENO};
	struct privilege_user least = privilege_least(user);
	struct unpacker *u = calloc(1, sizeof(*u));
	const struct child_work w = {work, &least, kept, 1};

	if (!u)
		err_sys(e, ENOMEM, "unpacking");
	else if (handover_start(&u->child, &w, e) == 0)
		return u;
	unpacker_end(u);
	return NULL;
}

void unpacker_end(struct unpacker *u)
{
	if (!u)
		return;
	child_end(&u->child, -1);
	free(u);
}

/* False where it is no more. */
static bool ask(struct unpacker *u, enum wish wish, uint8_t tool, int in, struct answer *a,
		int *fds)
{
	const struct asked q = {(uint8_t)wish, tool};

	return handover_tell(u->child.line, &q, sizeof(q), &in, in >= 0) &&
	       handover_hear(u->child.line, a, sizeof(*a), fds);
}

int unpacker_run(struct unpacker *u, const char *tool, int in, int *out, int *feed, struct err *e)
{
	int fds[HANDOVER_FDS];
	struct answer a;
	uint8_t i = 0;

	while (i < TOOLS && strcmp(tools[i], tool) != 0)
		i++;
	if (i == TOOLS || !u || !ask(u, WISH_RUN, i, in, &a, fds))
		return err_set(e, "%s cannot be started: the process that starts it is gone", tool);
	if (a.error == ENOENT)
		return err_set(e, "packed by %s, which is needed to read it: install %s", tool,
			       tool);
	if (a.error)
		return err_sys(e, a.error, "%s cannot be started", tool);
	*out = fds[0];
	*feed = fds[1];
	return 0;
}

int unpacker_wait(struct unpacker *u, int *status, struct err *e)
{
	struct answer a;

	if (!ask(u, WISH_WAIT, 0, -1, &a, NULL))
		return err_set(e, "whether it was whole is not known: the process that started it "
				  "is gone");
	*status = a.status;
	return a.error ? err_sys(e, a.error, "waiting for it") : 0;
}

void unpacker_kill(struct unpacker *u)
{
	struct answer a;

	ask(u, WISH_KILL, 0, -1, &a, NULL);
}
