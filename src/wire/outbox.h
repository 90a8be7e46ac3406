/*
 * outbox: packets that leave by one socket in as few calls as can be. It waits a little for room,
 * says of each what became of it, and when the first left.
 */
#ifndef WIRE_OUTBOX_H
#define WIRE_OUTBOX_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "wire/wire.h"

#ifndef HAVE_SENDMMSG
struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned msg_len;
};
#endif

enum { OUTBOX_MAX = 64 };

struct outbox {
	int fd;
	_Atomic uint64_t *at_ns; /* as wire.send's */
	size_t left;		 /* how many did; not 0: at_ns is told already */
	/* private: */
	unsigned n;
	struct mmsghdr msg[OUTBOX_MAX];
	struct iovec iov[OUTBOX_MAX];
	struct wire_out *out[OUTBOX_MAX];
};

void outbox_init(struct outbox *b, int fd, _Atomic uint64_t *at_ns);
/* Which of OUTBOX_MAX places the next packet gets: one that is filled is flushed by itself, so what
 * belongs to a packet is kept by its place. */
static inline unsigned outbox_place(const struct outbox *b)
{
	return b->n;
}
/* The octets sent are o's with `before` of those in front; `name` is NULL for a bound socket. */
void outbox_add(struct outbox *b, struct wire_out *o, size_t before, void *name,
		socklen_t name_len);
void outbox_flush(struct outbox *b);

#endif
