/*
 * unpack_tool: lets the program that knows the format unpack it (wire/unpacker starts it). A
 * regular file is its stdin; of anything else the first octets are already read, so all of it is
 * handed on through a socket. Whether the data was whole is what the program's exit status says.
 */
#include "config.h"

#include "wire/unpack_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANDED_ON = 64 << 10, IN = 0, OUT = 1, FILE_ITSELF = 2 };

struct tool {
	const char *name;
	struct unpacker *by;
	bool seen; /* to its end */
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

	if (!t) {
		err_sys(e, ENOMEM, "%s", tool);
		return NULL;
	}
	t->name = tool;
	t->by = in->unpacker;
	t->in = t->out = -1;
	if (!t->by)
		err_set(e, "packed by %s: unpack it first", tool);
	else if (unpacker_run(t->by, tool, rewound(in) ? in->fd : -1, &t->out, &t->in, e) == 0)
		return t;
	free(t);
	return NULL;
}

void unpack_tool_close(void *state)
{
	struct tool *t = state;

	close_fd(&t->out);
	close_fd(&t->in);
	if (!t->seen)
		unpacker_kill(t->by);
	free(t);
}

static int see_its_end(struct tool *t, struct err *fault)
{
	struct err why;
	int status = 0;

	if (t->seen)
		return 0;
	t->seen = true;
	if (unpacker_wait(t->by, &status, &why) < 0)
		return err_set(fault, "%s: %s", t->name, why.msg);
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
	return got > 0 ? got : see_its_end(t, fault);
}
