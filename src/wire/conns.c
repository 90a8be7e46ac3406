/*
 * conns: sockets in a table, non-blocking from the first to the last call. No peer's reset can
 * raise SIGPIPE.
 */
#include "config.h"

#include "wire/conns.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/nofile.h"
#include "wire/sockopt.h"
#include "wire/tcpsock.h"

enum {
	DRAIN_BYTES = 16384,
	DRAIN_READS = 1024, /* a peer that sends without end must not hold us up */
	NOBODY = -1,	    /* a free place, and the end of the list of those */
};

struct place {
	int fd;	       /* or NOBODY */
	int next_free; /* where fd is NOBODY */
};

struct conns {
	size_t max;
	int first_free;
	struct place places[];
};

struct conns *conns_new(size_t wanted, struct err *e)
{
	size_t max = wanted > 0 ? nofile_room(wanted) : 0;
	struct conns *c = calloc(1, sizeof(*c) + max * sizeof(c->places[0]));

	if (!c) {
		err_sys(e, ENOMEM, "connections");
		return NULL;
	}
	c->max = max;
	c->first_free = NOBODY;
	for (size_t i = max; i > 0; i--) {
		c->places[i - 1] = (struct place){.fd = NOBODY, .next_free = c->first_free};
		c->first_free = (int)(i - 1);
	}
	return c;
}

void conns_free(struct conns *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->max; i++)
		if (c->places[i].fd != NOBODY)
			conns_close(c, (int)i, true);
	free(c);
}

size_t conns_max(const struct conns *c)
{
	return c->max;
}

/* --- opening ------------------------------------------------------------------------------ */

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* `zone` is the interface of a link-local address that doesn't say it. */
static socklen_t fill(union address *out, const struct addr *a, uint16_t port, uint32_t zone)
{
	memset(out, 0, sizeof(*out));
	if (a->family == ADDR_V4) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, a->b, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, a->b, 16);
	if (addr_is_link_local(a))
		out->v6.sin6_scope_id = a->zone ? a->zone : zone;
	return sizeof(out->v6);
}

/* Is it for want of something that comes back by itself? */
static bool is_short(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM;
}

/* The interface is a wish: kernels before 5.7 let only CAP_NET_RAW have it, and then the route that
 * gave the path gives it again. Loopback must not be bound, as for raw sockets. */
static void bind_interface(int fd, const struct path *path)
{
	if (!path->loopback)
		(void)!sockopt_interface(fd, path->ifname);
}

static int bind_source(int fd, const struct path *path, uint16_t sport, struct err *e)
{
	union address src;
	socklen_t len = fill(&src, &path->src, sport, path->ifindex);
	char text[ADDR_TEXT];

	if (tcpsock_share(fd) == 0 && bind(fd, &src.sa, len) == 0)
		return 0;
	return err_sys(e, errno, "connection: from %s port %u", addr_format(&path->src, text),
		       sport);
}

/* EADDRNOTAVAIL means that this pair of ends is taken, by an older connection's TIME-WAIT most
 * likely: that passes. From bind it means that the address isn't ours, which stays. */
static int begin_connect(int fd, const struct path *path, const struct wire_conn_to *to, bool *full,
			 struct err *e)
{
	union address dst;
	socklen_t len = fill(&dst, &to->dst, to->dport,
			     path->loopback && path->src.zone ? path->src.zone : path->ifindex);
	char text[ADDR_TEXT];

	if (connect(fd, &dst.sa, len) == 0 || errno == EINPROGRESS)
		return 0;
	/* by loopback the RST is here at once: an answer like any other, and it was captured */
	if (errno == ECONNREFUSED || errno == ECONNRESET)
		return 0;
	*full = is_short(errno) || errno == EADDRNOTAVAIL;
	return err_sys(e, errno, "connection: to %s port %u", addr_format(&to->dst, text),
		       to->dport);
}

/* Before the handshake: the window that it offers goes by it. A wish, as all sizes here. */
static void bound_buffer(int fd, uint32_t octets)
{
	int size = octets > INT_MAX ? INT_MAX : (int)octets;

	if (octets)
		(void)!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* How it ends where nobody closes it, as when we are killed: with a FIN it would haunt this host
 * for minutes where the peer takes no more. */
static void set_abortive(int fd, bool abortive)
{
	struct linger l = {.l_onoff = abortive, .l_linger = 0};

	(void)!setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

int conns_open(struct conns *c, const struct path *path, const struct wire_conn_to *to, bool *full,
	       struct err *e)
{
	int family = path->src.family == ADDR_V4 ? AF_INET : AF_INET6;
	int place = c->first_free, fd;

	assert(to->dst.family == path->src.family);
	*full = false;
	if (place == NOBODY) {
		*full = c->max > 0;
		return err_set(e, "connection: all %zu are open", c->max);
	}
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0) {
		*full = is_short(errno);
		return err_sys(e, errno, "connection");
	}
	bind_interface(fd, path);
	bound_buffer(fd, to->rcvbuf);
	set_abortive(fd, true);
	if (bind_source(fd, path, to->sport, e) < 0 || begin_connect(fd, path, to, full, e) < 0)
		return tcpsock_drop(fd);
	c->first_free = c->places[place].next_free;
	c->places[place].fd = fd;
	return place;
}

/* --- and closing -------------------------------------------------------------------------- */

static struct place *place_of(struct conns *c, int conn)
{
	assert(conn >= 0 && (size_t)conn < c->max && c->places[conn].fd != NOBODY);
	return &c->places[conn];
}

/* Where the peer has reset it there is nothing to shut, and nothing to say. */
void conns_shutdown(struct conns *c, int conn)
{
	(void)!shutdown(place_of(c, conn)->fd, SHUT_WR);
}

ssize_t conns_write(struct conns *c, int conn, const void *octets, size_t len)
{
	ssize_t n = send(place_of(c, conn)->fd, octets, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

ssize_t conns_read(struct conns *c, int conn, void *octets, size_t cap)
{
	ssize_t n = recv(place_of(c, conn)->fd, octets, cap, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

bool conns_tsval(struct conns *c, int conn, uint32_t *tsval)
{
	return sockopt_tsval(place_of(c, conn)->fd, tsval);
}

/* Linux resets what is closed with octets unread. */
static void drain(int fd)
{
	char sink[DRAIN_BYTES];

	for (int i = 0; i < DRAIN_READS && recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0; i++)
		;
}

void conns_close(struct conns *c, int conn, bool reset)
{
	struct place *p = place_of(c, conn);

	if (!reset) {
		set_abortive(p->fd, false);
		drain(p->fd);
	}
	close(p->fd);
	p->fd = NOBODY;
	p->next_free = c->first_free;
	c->first_free = conn;
}
