/*
 * way: one raw socket, kept full. It refuses to look into packets beyond the destination that a
 * socket address needs.
 */
#include "config.h"

#include "wire/way.h"

#include <assert.h>
#include <errno.h>
#include <libnet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/clock.h"
#include "wire/privilege.h"

enum {
	BATCH = 64,
	SEND_BUFFER = 16 << 20, /* packets that wait for ARP or ND count against it */
	ROOM_TRIES = 10,	/* waits for buffer space before a packet is given up, */
	ROOM_MS = 20,		/* this long each */
};

struct way {
	libnet_t *ln;
	int fd;	       /* ln's */
	uint32_t zone; /* for link-local destinations */
};

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The destination comes from the packet itself: the two can't disagree. */
static socklen_t fill_address(union address *a, const struct wire_out *o, const struct way *way)
{
	memset(a, 0, sizeof(*a));
	if (o->ip[0] >> 4 == 4) {
		assert(o->len >= 20);
		a->v4.sin_family = AF_INET;
		memcpy(&a->v4.sin_addr, o->ip + 16, 4);
		return sizeof(a->v4);
	}
	assert(o->len >= 40);
	a->v6.sin6_family = AF_INET6;
	memcpy(&a->v6.sin6_addr, o->ip + 24, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&a->v6.sin6_addr))
		a->v6.sin6_scope_id = way->zone;
	return sizeof(a->v6);
}

/* Up to BATCH packets of one path. How many left, or -1 with errno of the first. */
static int send_some(const struct way *way, const struct wire_out *v, size_t n)
{
	union address address[BATCH];
#ifdef HAVE_SENDMMSG
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];

	for (size_t i = 0; i < n; i++) {
		iov[i].iov_base = (void *)(uintptr_t)v[i].ip;
		iov[i].iov_len = v[i].len;
		msg[i].msg_hdr = (struct msghdr){
		    .msg_name = &address[i].sa,
		    .msg_namelen = fill_address(&address[i], &v[i], way),
		    .msg_iov = &iov[i],
		    .msg_iovlen = 1,
		};
	}
	return sendmmsg(way->fd, msg, (unsigned)n, MSG_DONTWAIT);
#else
	(void)n;
	socklen_t len = fill_address(&address[0], &v[0], way);

	if (sendto(way->fd, v[0].ip, v[0].len, MSG_DONTWAIT, &address[0].sa, len) < 0)
		return -1;
	return 1;
#endif
}

/* For room after EAGAIN. ENOBUFS comes from the queue below, which poll knows nothing of. */
static void wait_for_room(int fd, int errnum)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (errnum == ENOBUFS)
		poll(NULL, 0, 1);
	else
		poll(&p, 1, ROOM_MS);
}

static bool is_full(int errnum)
{
	return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == ENOBUFS;
}

size_t way_send(const struct way *way, struct wire_out *v, size_t n, uint64_t *at_ns, bool none_yet)
{
	size_t done = 0, left = 0;
	int tries = 0;

	while (done < n) {
		size_t batch = n - done < BATCH ? n - done : BATCH;
		uint64_t now = none_yet ? clock_mono_ns() : 0;
		int sent = send_some(way, v + done, batch);

		if (sent > 0) {
			if (none_yet)
				*at_ns = now;
			none_yet = false;
			tries = 0;
			left += (size_t)sent;
			for (int i = 0; i < sent; i++)
				v[done++].error = 0;
		} else if (errno == EINTR) {
			continue;
		} else if (is_full(errno) && tries++ < ROOM_TRIES) {
			wait_for_room(way->fd, errno);
		} else {
			/* a buffer that stayed full refuses the rest as well: not each may wait */
			int errnum = errno;

			tries = 0;
			do
				v[done++].error = errnum;
			while (is_full(errnum) && done < n);
		}
	}
	return left;
}

/* --- opening ------------------------------------------------------------------------------ */

/* libnet's messages may end in a newline. */
static const char *trimmed(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* By source, so that policy routing sees it. One that is not ours (-S) can't be bound: no matter.
 */
static void bind_source(const struct way *way, const struct addr *src)
{
	union address a = {0};

	if (src->family == ADDR_V4) {
		a.v4.sin_family = AF_INET;
		memcpy(&a.v4.sin_addr, src->b, 4);
		(void)!bind(way->fd, &a.sa, sizeof(a.v4));
	} else {
		a.v6.sin6_family = AF_INET6;
		memcpy(&a.v6.sin6_addr, src->b, 16);
		a.v6.sin6_scope_id = src->zone;
		(void)!bind(way->fd, &a.sa, sizeof(a.v6));
	}
}

static int open_socket(struct way *way, const struct path *p, struct err *e)
{
	char errbuf[LIBNET_ERRBUF_SIZE] = "";
	int size = SEND_BUFFER;
	int type = p->src.family == ADDR_V4 ? LIBNET_RAW4 : LIBNET_RAW6;

	way->ln = libnet_init(type, p->loopback ? NULL : p->ifname, errbuf);
	if (!way->ln)
		return err_set(e, "sending: %s: libnet: %s", p->ifname, trimmed(errbuf));
	way->fd = libnet_getfd(way->ln);
	way->zone = p->loopback && p->src.zone ? p->src.zone : p->ifindex;
	/* libnet 1.1.6 leaves RAW4 to any interface; loopback must not be bound: the kernel sends
	 * to our own addresses by lo whatever they are on */
	if (!p->loopback && setsockopt(way->fd, SOL_SOCKET, SO_BINDTODEVICE, p->ifname,
				       (socklen_t)strlen(p->ifname)) < 0)
		return err_sys(e, errno, "sending: %s: binding to the interface", p->ifname);
	if (setsockopt(way->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)!setsockopt(way->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	bind_source(way, &p->src);
	return 0;
}

struct way *way_open(const struct path *p, bool *denied, struct err *e)
{
	struct way *way;

	if (!privilege_can_probe(e)) {
		*denied = true;
		return NULL;
	}
	way = calloc(1, sizeof(*way));
	if (!way) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	if (open_socket(way, p, e) < 0) {
		way_close(way);
		return NULL;
	}
	return way;
}

void way_close(struct way *way)
{
	if (!way)
		return;
	if (way->ln)
		libnet_destroy(way->ln);
	free(way);
}
