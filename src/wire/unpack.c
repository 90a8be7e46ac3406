/*
 * unpack: looks at the first octets and chooses the way; the rest is one stream that the readers of
 * captures need not look behind. It refuses to know what a capture is.
 */
#include "config.h"

#include "wire/unpack.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/signals.h"
#include "wire/unpack_private.h"
#include "wire/wire.h"

enum {
	FIRST = 4,	    /* plain octets that tell pcap from pcapng */
	BUFFER = 256 << 10, /* frames are small: few system calls for many */
};

struct unpack {
	struct packed in;
	const struct unpack_way *way; /* NULL: not packed */
	void *state;
	uint8_t first[FIRST];
	size_t n_first, first_at;
	struct err fault;
};

static const struct unpack_way ways[] = {
#ifdef HAVE_ZLIB
    {"gzip", {0x1f, 0x8b}, 2, gunzip_open, gunzip_read, gunzip_close},
#else
    {"gzip", {0x1f, 0x8b}, 2, unpack_tool_open, unpack_tool_read, unpack_tool_close},
#endif
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, unpack_tool_open, unpack_tool_read, unpack_tool_close},
    {"xz",
     {0xfd, '7', 'z', 'X', 'Z', 0x00},
     6,
     unpack_tool_open,
     unpack_tool_read,
     unpack_tool_close},
};

/* A signal that came before poll began would be slept over, hence the mask. */
int packed_wait(struct pollfd *v, size_t n, struct err *fault)
{
	sigset_t ours, before;
	int ready = -1;

	signals_set(&ours);
	sigprocmask(SIG_BLOCK, &ours, &before);
	while (ready < 0) {
		if (signals_pending() & WIRE_STOP) {
			err_set(fault, "interrupted");
			break;
		}
		ready = ppoll(v, n, NULL, &before);
		if (ready < 0 && errno != EINTR) {
			err_set(fault, "%s", strerror(errno));
			break;
		}
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ready < 0 ? -1 : 0;
}

ssize_t packed_read(struct packed *in, void *buf, size_t n, struct err *fault)
{
	struct pollfd ready = {.fd = in->fd, .events = POLLIN};
	size_t again = in->n_head - in->head_at;
	ssize_t got;

	if (again) {
		if (again > n)
			again = n;
		memcpy(buf, in->head + in->head_at, again);
		in->head_at += again;
		return (ssize_t)again;
	}
	do {
		if (in->waits && packed_wait(&ready, 1, fault) < 0)
			return -1;
		got = read(in->fd, buf, n);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? err_set(fault, "%s", strerror(errno)) : got;
}

static ssize_t plain_read(struct unpack *u, void *buf, size_t n)
{
	if (u->way)
		return u->way->read(u->state, &u->in, buf, n, &u->fault);
	return packed_read(&u->in, buf, n, &u->fault);
}

/* Pipes give what they have: asked again until the head is whole or nothing more comes. */
static int read_head(struct packed *in, struct err *fault)
{
	size_t n = 0;

	while (n < sizeof(in->head)) {
		ssize_t got = packed_read(in, in->head + n, sizeof(in->head) - n, fault);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	in->n_head = n;
	return 0;
}

static int read_first(struct unpack *u)
{
	while (u->n_first < FIRST) {
		ssize_t got = plain_read(u, u->first + u->n_first, FIRST - u->n_first);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		u->n_first += (size_t)got;
	}
	return 0;
}

static int look_at(struct packed *in, const char *name, struct err *e)
{
	struct stat st;

	if (fstat(in->fd, &st) < 0)
		return err_sys(e, errno, "%s: cannot be read", name);
	if (S_ISDIR(st.st_mode))
		return err_set(e, "%s: a directory, not a capture file", name);
	in->waits = !S_ISREG(st.st_mode);
	return 0;
}

static const struct unpack_way *find_way(const struct packed *in)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct unpack_way *w = &ways[i];

		if (in->n_head >= w->magic_len && memcmp(in->head, w->magic, w->magic_len) == 0)
			return w;
	}
	return NULL;
}

struct unpack *unpack_open(int fd, const char *name, struct unpacker *by, struct err *e)
{
	struct unpack *u = calloc(1, sizeof(*u));

	if (!u) {
		err_sys(e, ENOMEM, "%s", name);
		return NULL;
	}
	u->in = (struct packed){.fd = fd, .unpacker = by};
	if (look_at(&u->in, name, e) < 0)
		goto out;
	if (read_head(&u->in, &u->fault) < 0) {
		err_set(e, "%s: cannot be read: %s", name, u->fault.msg);
		goto out;
	}
	if (u->in.n_head == 0) {
		err_set(e, "%s: empty", name);
		goto out;
	}
	u->way = find_way(&u->in);
	if (u->way) {
		u->state = u->way->open(&u->in, u->way->name, &u->fault);
		if (!u->state) {
			err_set(e, "%s: %s", name, u->fault.msg);
			goto out;
		}
	}
	if (read_first(u) < 0) {
		err_set(e, "%s: cannot be read: %s", name, u->fault.msg);
		goto out;
	}
	if (u->n_first == 0) {
		err_set(e, "%s: empty (%s of nothing)", name, u->way->name);
		goto out;
	}
	return u;
out:
	unpack_close(u);
	return NULL;
}

void unpack_close(struct unpack *u)
{
	if (!u)
		return;
	if (u->state)
		u->way->close(u->state);
	free(u);
}

size_t unpack_first(const struct unpack *u, const uint8_t **first)
{
	*first = u->first;
	return u->n_first;
}

static ssize_t stream_read(void *cookie, char *buf, size_t n)
{
	struct unpack *u = cookie;
	size_t again = u->n_first - u->first_at;

	if (u->fault.msg[0])
		return -1;
	if (!again)
		return plain_read(u, buf, n);
	if (again > n)
		again = n;
	memcpy(buf, u->first + u->first_at, again);
	u->first_at += again;
	return (ssize_t)again;
}

FILE *unpack_stream(struct unpack *u)
{
	FILE *f = fopencookie(u, "rb", (cookie_io_functions_t){.read = stream_read});

	/* without the larger buffer it is slower, no more */
	if (f)
		setvbuf(f, NULL, _IOFBF, BUFFER);
	return f;
}

const char *unpack_fault(const struct unpack *u)
{
	return u->fault.msg[0] ? u->fault.msg : NULL;
}
