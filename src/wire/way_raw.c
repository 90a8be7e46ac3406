/*
 * way_raw: one raw socket of libnet's for all lanes: the kernel's sockets are safe for threads, and
 * nothing else here changes. It refuses to look into packets beyond the destination that a socket
 * address needs.
 */
#include "config.h"

#include "wire/way.h"

#include <assert.h>
#include <errno.h>
#include <libnet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/outbox.h"
#include "wire/privilege.h"
#include "wire/sockopt.h"

enum { SEND_BUFFER = 16 << 20 }; /* packets that wait for ARP or ND count against it */

struct way_raw {
	struct way way; /* first: the ops get a pointer to it */
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
static socklen_t fill_address(union address *a, const struct wire_out *o, const struct way_raw *way)
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

static size_t raw_send(struct way *way, unsigned lane, struct wire_out *v, size_t n,
		       _Atomic uint64_t *at_ns)
{
	const struct way_raw *w = (const struct way_raw *)way;
	union address address[OUTBOX_MAX];
	struct outbox b;

	(void)lane;
	outbox_init(&b, w->fd, at_ns);
	for (size_t i = 0; i < n; i++) {
		union address *to = &address[outbox_place(&b)];

		outbox_add(&b, &v[i], 0, &to->sa, fill_address(to, &v[i], w));
	}
	outbox_flush(&b);
	return b.left;
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
static void bind_source(const struct way_raw *way, const struct addr *src)
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

static int open_socket(struct way_raw *way, const struct path *p, struct err *e)
{
	char errbuf[LIBNET_ERRBUF_SIZE] = "";
	int type = p->src.family == ADDR_V4 ? LIBNET_RAW4 : LIBNET_RAW6;

	way->ln = libnet_init(type, p->loopback ? NULL : p->ifname, errbuf);
	if (!way->ln)
		return err_set(e, "sending: %s: libnet: %s", p->ifname, trimmed(errbuf));
	way->fd = libnet_getfd(way->ln);
	way->zone = p->loopback && p->src.zone ? p->src.zone : p->ifindex;
	/* libnet 1.1.6 leaves RAW4 to any interface; loopback must not be bound: the kernel sends
	 * to our own addresses by lo whatever they are on */
	if (!p->loopback && sockopt_interface(way->fd, p->ifname) < 0)
		return err_sys(e, errno, "sending: %s: binding to the interface", p->ifname);
	sockopt_send_room(way->fd, SEND_BUFFER);
	sockopt_tell_no_room(way->fd, p->src.family);
	bind_source(way, &p->src);
	return 0;
}

static void raw_close(struct way *way)
{
	struct way_raw *w = (struct way_raw *)way;

	if (!w)
		return;
	if (w->ln)
		libnet_destroy(w->ln);
	free(w);
}

static const struct way_ops raw_ops = {.send = raw_send, .close = raw_close};

struct way *way_open_raw(const struct way_config *c, bool *denied, struct err *e)
{
	struct way_raw *w;

	if (!privilege_can_probe(e)) {
		*denied = true;
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	w->way.ops = &raw_ops;
	if (open_socket(w, c->path, e) < 0) {
		raw_close(&w->way);
		return NULL;
	}
	return &w->way;
}
