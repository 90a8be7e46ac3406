/*
 * live: joins libnet's raw sockets, the captures and the notices of links into a struct wire.
 * It refuses to look into packets beyond the destination that a socket address needs.
 */
#include "config.h"

#include "wire/live.h"

#include <assert.h>
#include <errno.h>
#include <libnet.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/capture.h"
#include "wire/clock.h"
#include "wire/links.h"
#include "wire/privilege.h"
#include "wire/signals.h"

enum {
	BATCH = 64,
	SEND_BUFFER = 16 << 20, /* packets that wait for ARP or ND count against it */
	CLOSE_HELPERS = 16,
	ROOM_TRIES = 10, /* waits for buffer space before a packet is given up, */
	ROOM_MS = 20,	 /* this long each */
	NS_PER_S = 1000000000,
};

/* Where one path goes out. */
struct way {
	libnet_t *ln;
	int fd;	       /* ln's */
	uint32_t zone; /* for link-local destinations */
	size_t nic;
};

/* One interface that is listened to. */
struct nic {
	char ifname[16];
	uint32_t ifindex;
	struct capture *capture;
	bool extra; /* lo, for the kernel's own ICMP errors alone: no path's */
	bool dead, no_carrier;
	struct err why;
};

struct live {
	struct wire wire; /* first: the ops get a pointer to it */
	struct way *ways; /* one a path */
	struct nic *nics;
	size_t n_nics;
	struct links *links;
	struct pollfd *poll; /* one a nic, then the links */
	bool link_news;	     /* an interface went down since recv last returned */
	unsigned told;	     /* events that the caller knows of */
};

static struct live *live_of(struct wire *w)
{
	return (struct live *)w;
}

/* --- sending ------------------------------------------------------------------------------ */

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

/* A run of packets of one path. How many left. */
static size_t send_run(const struct way *way, struct wire_out *v, size_t n, uint64_t *at_ns,
		       bool none_yet)
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

static size_t live_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
			uint64_t *at_ns)
{
	struct live *l = live_of(w);
	size_t left = 0;

	(void)lane; /* the kernel's sockets are safe for threads, and nothing else is touched */
	*at_ns = clock_mono_ns();
	for (size_t i = 0, end; i < n; i = end) {
		assert(v[i].path < w->n_paths);
		for (end = i + 1; end < n && v[end].path == v[i].path; end++)
			;
		left += send_run(&l->ways[v[i].path], v + i, end - i, at_ns, left == 0);
	}
	return left;
}

/* --- receiving ---------------------------------------------------------------------------- */

static void bury(struct live *l, struct nic *nic, const char *why)
{
	if (nic->dead)
		return;
	nic->dead = true;
	l->link_news = true;
	err_set(&nic->why, "%s: %s", nic->ifname, why);
}

static void on_link(void *ctx, uint32_t ifindex, enum link_state state)
{
	struct live *l = ctx;

	for (size_t i = 0; i < l->n_nics; i++) {
		struct nic *nic = &l->nics[i];
		bool had_carrier = !nic->no_carrier;

		if (nic->ifindex != ifindex)
			continue;
		nic->no_carrier = state == LINK_NO_CARRIER;
		if (state == LINK_GONE)
			bury(l, nic, "the interface is gone");
		else if (state == LINK_DOWN)
			bury(l, nic, "the interface went down");
		else if (nic->no_carrier && had_carrier)
			l->link_news = true;
	}
}

/* All that waits. Frames handed on. */
static int read_all(struct live *l, wire_frame_fn *fn, void *ctx)
{
	struct err e;
	int n, sum = 0;

	for (size_t i = 0; i < l->n_nics; i++) {
		if (l->nics[i].dead)
			continue;
		n = capture_read(l->nics[i].capture, fn, ctx, &e);
		if (n >= 0)
			sum += n;
		else
			bury(l, &l->nics[i], e.msg);
	}
	return sum;
}

static bool all_dead(const struct live *l)
{
	for (size_t i = 0; i < l->n_nics; i++) {
		if (!l->nics[i].dead && !l->nics[i].extra)
			return false;
	}
	return true;
}

static bool is_event(const struct live *l)
{
	return l->link_news || (signals_pending() & ~l->told) != 0;
}

/* Until something can be read, a signal comes or the time is up. The signals are blocked from the
 * look at their flags to the sleep, so that none slips in between. */
static int sleep_until(struct live *l, uint64_t deadline_ns, struct err *e)
{
	uint64_t now = clock_mono_ns();
	uint64_t rest = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec ts = {.tv_sec = (time_t)(rest / NS_PER_S),
			      .tv_nsec = (long)(rest % NS_PER_S)};
	sigset_t block, old;
	int rc = 0;

	for (size_t i = 0; i < l->n_nics; i++) {
		/* poll leaves negative descriptors alone */
		l->poll[i].fd = l->nics[i].dead ? -1 : capture_fd(l->nics[i].capture);
		l->poll[i].events = POLLIN;
	}
	l->poll[l->n_nics].fd = links_fd(l->links);
	l->poll[l->n_nics].events = POLLIN;
	signals_set(&block);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	if (!is_event(l))
		rc = ppoll(l->poll, l->n_nics + 1, &ts, &old);
	if (rc < 0 && errno == EINTR)
		rc = 0;
	if (rc < 0)
		err_sys(e, errno, "capture: poll");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static int live_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		     struct err *e)
{
	struct live *l = live_of(w);
	bool late = false;
	int n;

	for (;;) {
		n = read_all(l, fn, ctx);
		if (l->poll[l->n_nics].revents)
			links_read(l->links, on_link, l);
		l->poll[l->n_nics].revents = 0;
		if (n > 0)
			return n;
		if (all_dead(l))
			return err_set(e, "%s", l->nics[0].why.msg);
		if (is_event(l) || late)
			break;
		if (sleep_until(l, deadline_ns, e) < 0)
			return -1;
		/* once more after the deadline: what came with it counts */
		late = clock_mono_ns() >= deadline_ns;
	}
	l->link_news = false;
	return 0;
}

static uint64_t live_now(struct wire *w)
{
	(void)w;
	return clock_mono_ns();
}

static unsigned live_events(struct wire *w)
{
	unsigned events = signals_take();

	/* WIRE_STOP stays set: told once, it no longer wakes, or draining would spin */
	live_of(w)->told = events & WIRE_STOP;
	return events;
}

static void live_stats(struct wire *w, struct wire_stats *out)
{
	struct live *l = live_of(w);

	*out = (struct wire_stats){0};
	for (size_t i = 0; i < l->n_nics; i++)
		capture_add_stats(l->nics[i].capture, out);
}

static bool live_path_up(struct wire *w, uint16_t path, struct err *why)
{
	struct live *l = live_of(w);
	const struct nic *nic;

	assert(path < w->n_paths);
	nic = &l->nics[l->ways[path].nic];
	if (nic->dead)
		err_set(why, "%s", nic->why.msg);
	else if (nic->no_carrier)
		err_set(why, "%s: no carrier (cable, or the other end is down)", nic->ifname);
	return !nic->dead && !nic->no_carrier;
}

static void *close_one(void *capture)
{
	capture_close(capture);
	return NULL;
}

/* Each waits out a grace period of the kernel, some 25 ms: side by side they share it. */
static void close_captures(struct live *l)
{
	pthread_t helpers[CLOSE_HELPERS];
	size_t n = 0;

	for (size_t i = 1; i < l->n_nics; i++) {
		struct capture *c = l->nics[i].capture;

		if (n < CLOSE_HELPERS && pthread_create(&helpers[n], NULL, close_one, c) == 0)
			n++;
		else
			capture_close(c);
	}
	if (l->n_nics)
		capture_close(l->nics[0].capture);
	while (n > 0)
		pthread_join(helpers[--n], NULL);
}

static void live_close(struct wire *w)
{
	struct live *l;

	if (!w)
		return;
	l = live_of(w);
	close_captures(l);
	for (size_t i = 0; l->ways && i < w->n_paths; i++) {
		if (l->ways[i].ln)
			libnet_destroy(l->ways[i].ln);
	}
	links_close(l->links);
	free(l->poll);
	free(l->nics);
	free(l->ways);
	free(l);
}

static const struct wire_ops live_ops = {
    .send = live_send,
    .recv = live_recv,
    .now = live_now,
    .events = live_events,
    .stats = live_stats,
    .path_up = live_path_up,
    .close = live_close,
};

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

static int open_way(struct way *way, const struct path *p, bool *denied, struct err *e)
{
	char errbuf[LIBNET_ERRBUF_SIZE] = "";
	int size = SEND_BUFFER;
	int type = p->src.family == ADDR_V4 ? LIBNET_RAW4 : LIBNET_RAW6;

	if (!privilege_can_probe(e)) {
		*denied = true;
		return -1;
	}
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

static int open_nic(struct live *l, const struct live_config *c, const char *ifname,
		    uint32_t ifindex, bool extra, bool *denied, struct err *e)
{
	struct capture_config cc = {
	    .ifname = ifname,
	    .ifindex = ifindex,
	    .sport_first = c->sport_first,
	    .sport_last = c->sport_last,
	    .expected = extra ? 0 : c->expected_replies,
	    .icmp_only = extra,
	};
	struct nic *nic = &l->nics[l->n_nics];

	nic->capture = capture_open(&cc, denied, e);
	if (!nic->capture)
		return -1;
	snprintf(nic->ifname, sizeof(nic->ifname), "%s", ifname);
	nic->ifindex = ifindex;
	nic->extra = extra;
	l->n_nics++;
	return 0;
}

/* One path's way out, and its interface where no earlier path had it. */
static int open_path(struct live *l, const struct live_config *c, size_t i, bool *denied,
		     struct err *e)
{
	const struct path *p = &c->paths[i];
	size_t nic = 0;

	if (open_way(&l->ways[i], p, denied, e) < 0)
		return -1;
	while (nic < l->n_nics && l->nics[nic].ifindex != p->ifindex)
		nic++;
	l->ways[i].nic = nic;
	if (nic < l->n_nics)
		return 0;
	return open_nic(l, c, p->ifname, p->ifindex, false, denied, e);
}

/* The kernel tells itself on lo that ARP or ND failed. Nice to have: nothing depends on it. */
static void open_extra(struct live *l, const struct live_config *c)
{
	bool denied;

	for (size_t i = 0; i < c->n_paths; i++) {
		if (c->paths[i].loopback)
			return;
	}
	open_nic(l, c, "lo", if_nametoindex("lo"), true, &denied, NULL);
}

struct wire *live_open(const struct live_config *c, bool *denied, struct err *e)
{
	struct live *l = calloc(1, sizeof(*l));

	assert(c->n_paths > 0 && c->n_paths <= PATH_NONE && c->lanes > 0);
	*denied = false;
	if (!l) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	l->wire = (struct wire){.ops = &live_ops, .paths = c->paths, .n_paths = c->n_paths};
	l->ways = calloc(c->n_paths, sizeof(l->ways[0]));
	l->nics = calloc(c->n_paths + 1, sizeof(l->nics[0]));
	l->poll = calloc(c->n_paths + 2, sizeof(l->poll[0]));
	if (!l->ways || !l->nics || !l->poll) {
		err_sys(e, ENOMEM, "sending");
		goto out;
	}
	for (size_t i = 0; i < c->n_paths; i++) {
		if (open_path(l, c, i, denied, e) < 0)
			goto out;
	}
	open_extra(l, c);
	/* after the captures, so that no change falls between the two */
	l->links = links_open(e);
	if (!l->links)
		goto out;
	links_read(l->links, on_link, l);
	l->link_news = false;
	return &l->wire;
out:
	live_close(&l->wire);
	return NULL;
}

const char *live_versions(char *buf, size_t cap)
{
	snprintf(buf, cap, "%s, %s", libnet_version(), pcap_lib_version());
	return buf;
}
