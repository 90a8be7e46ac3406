/*
 * outbox: keeps one socket full. It refuses to know what is in the packets, and what kind of
 * socket it is.
 */
#include "config.h"

#include "wire/outbox.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "wire/clock.h"

enum {
	ROOM_TRIES = 10, /* waits for buffer space before a packet is given up, */
	ROOM_MS = 20,	 /* this long each */
};

void outbox_init(struct outbox *b, int fd, _Atomic uint64_t *at_ns)
{
	b->fd = fd;
	b->at_ns = at_ns;
	b->left = 0;
	b->n = 0;
}

/* How many left, or -1 with errno of the first. */
static int send_some(struct outbox *b, unsigned from)
{
#ifdef HAVE_SENDMMSG
	return sendmmsg(b->fd, b->msg + from, b->n - from, MSG_DONTWAIT);
#else
	return sendmsg(b->fd, &b->msg[from].msg_hdr, MSG_DONTWAIT) < 0 ? -1 : 1;
#endif
}

static bool is_full(int errnum)
{
	return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == ENOBUFS;
}

/* ENOBUFS comes from the queue below, which poll knows nothing of. */
static void wait_for_room(int fd, int errnum)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (errnum == ENOBUFS)
		poll(NULL, 0, 1);
	else
		poll(&p, 1, ROOM_MS);
}

void outbox_flush(struct outbox *b)
{
	unsigned done = 0, tries = 0;

	while (done < b->n) {
		int sent;

		if (b->left == 0)
			atomic_store_explicit(b->at_ns, clock_mono_ns(), memory_order_release);
		sent = send_some(b, done);
		if (sent > 0) {
			tries = 0;
			b->left += (size_t)sent;
			while (sent-- > 0)
				b->out[done++]->error = 0;
		} else if (errno == EINTR) {
			continue;
		} else if (is_full(errno) && tries++ < ROOM_TRIES) {
			wait_for_room(b->fd, errno);
		} else {
			/* a buffer that stayed full refuses the rest as well: not each may wait */
			bool full = is_full(errno);
			int errnum = full ? ENOBUFS : errno;

			tries = 0;
			do
				b->out[done++]->error = errnum;
			while (full && done < b->n);
		}
	}
	b->n = 0;
}

void outbox_add(struct outbox *b, struct wire_out *o, size_t before, void *name, socklen_t name_len)
{
	unsigned i = b->n++;

	b->out[i] = o;
	b->iov[i].iov_base = o->ip - before;
	b->iov[i].iov_len = o->len + before;
	b->msg[i].msg_hdr = (struct msghdr){
	    .msg_name = name, .msg_namelen = name_len, .msg_iov = &b->iov[i], .msg_iovlen = 1};
	if (b->n == OUTBOX_MAX)
		outbox_flush(b);
}
