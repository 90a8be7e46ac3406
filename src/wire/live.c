/*
 * live: joins the ways out, the captures, the notices of links and the kernel's own connections
 * into a struct wire. It refuses to look into packets.
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

#include "base/log.h"
#include "wire/capture.h"
#include "wire/clock.h"
#include "wire/conns.h"
#include "wire/links.h"
#include "wire/quiet.h"
#include "wire/signals.h"
#include "wire/way.h"

enum {
	CLOSE_HELPERS = 16,
	NS_PER_S = 1000000000,
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
	struct wire wire;  /* first: the ops get a pointer to it */
	struct way **ways; /* where each path goes out, */
	size_t *nic_of;	   /* and by which of nics its answers come in */
	struct nic *nics;
	size_t n_nics;
	struct links *links;
	struct quiet *quiet;
	struct conns *conns;
	struct pollfd *poll; /* one a nic, then the links */
	bool link_news;	     /* an interface went down since recv last returned */
	unsigned told;	     /* events that the caller knows of */
};

static struct live *live_of(struct wire *w)
{
	return (struct live *)w;
}

/* --- sending ------------------------------------------------------------------------------ */

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
		left += way_send(l->ways[v[i].path], v + i, end - i, at_ns, left == 0);
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
	nic = &l->nics[l->nic_of[path]];
	if (nic->dead)
		err_set(why, "%s", nic->why.msg);
	else if (nic->no_carrier)
		err_set(why, "%s: no carrier (cable, or the other end is down)", nic->ifname);
	return !nic->dead && !nic->no_carrier;
}

/* --- the kernel's own connections ---------------------------------------------------------- */

static int live_conn_open(struct wire *w, const struct wire_conn_to *to, bool *full, struct err *e)
{
	assert(to->path < w->n_paths);
	return conns_open(live_of(w)->conns, &w->paths[to->path], to, full, e);
}

static bool live_conn_tsval(struct wire *w, int conn, uint32_t *tsval)
{
	return conns_tsval(live_of(w)->conns, conn, tsval);
}

static void live_conn_shutdown(struct wire *w, int conn)
{
	conns_shutdown(live_of(w)->conns, conn);
}

static void live_conn_close(struct wire *w, int conn, bool reset)
{
	conns_close(live_of(w)->conns, conn, reset);
}

/* --- closing ------------------------------------------------------------------------------ */

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
	conns_free(l->conns);
	quiet_free(l->quiet);
	close_captures(l);
	for (size_t i = 0; l->ways && i < w->n_paths; i++)
		way_close(l->ways[i]);
	links_close(l->links);
	free(l->poll);
	free(l->nics);
	free(l->nic_of);
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
    .conn_open = live_conn_open,
    .conn_shutdown = live_conn_shutdown,
    .conn_tsval = live_conn_tsval,
    .conn_close = live_conn_close,
    .close = live_close,
};

/* --- opening ------------------------------------------------------------------------------ */

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

	l->ways[i] = way_open(p, denied, e);
	if (!l->ways[i])
		return -1;
	while (nic < l->n_nics && l->nics[nic].ifindex != p->ifindex)
		nic++;
	l->nic_of[i] = nic;
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

/* Without quiet ports a run has less to ask, and can go on. */
static void open_quiet(struct live *l, const struct live_config *c)
{
	uint16_t first = (uint16_t)(c->sport_last - c->n_quiet + 1);
	struct err e;

	if (!c->n_quiet)
		return;
	l->quiet = quiet_open(first, c->n_quiet, &e);
	if (!l->quiet) {
		log_info("%s; no raw handshake can be left half-open", e.msg);
		return;
	}
	l->wire.quiet_first = first;
	l->wire.n_quiet = c->n_quiet;
	l->wire.quiet_ttl255 = quiet_ttl255(l->quiet);
}

struct wire *live_open(const struct live_config *c, bool *denied, struct err *e)
{
	struct live *l = calloc(1, sizeof(*l));

	assert(c->n_paths > 0 && c->n_paths <= PATH_NONE && c->lanes > 0);
	assert(c->n_quiet <= c->sport_last - c->sport_first + 1);
	*denied = false;
	if (!l) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	l->wire = (struct wire){.ops = &live_ops, .paths = c->paths, .n_paths = c->n_paths};
	l->ways = calloc(c->n_paths, sizeof(l->ways[0]));
	l->nic_of = calloc(c->n_paths, sizeof(l->nic_of[0]));
	l->nics = calloc(c->n_paths + 1, sizeof(l->nics[0]));
	l->poll = calloc(c->n_paths + 2, sizeof(l->poll[0]));
	if (!l->ways || !l->nic_of || !l->nics || !l->poll) {
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
	open_quiet(l, c);
	/* last, because it counts the descriptors that are taken */
	l->conns = conns_new(c->conns_max, e);
	if (!l->conns)
		goto out;
	l->wire.conns_max = conns_max(l->conns);
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
