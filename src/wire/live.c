/*
 * live: a struct wire in the run: batches to the ways out, frames from the captures, and what the
 * kernel tells of links and gateways. It refuses to look into packets.
 */
#include "config.h"

#include "wire/live.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "wire/clock.h"
#include "wire/live_private.h"
#include "wire/signals.h"

enum {
	NS_PER_S = 1000000000,
	NEWS_NS = 1000000,    /* news is looked for this often, however many frames come */
	GATEWAY_FAILURES = 2, /* of one that was not seen yet */
};

static struct live *live_of(struct wire *w)
{
	return (struct live *)w;
}

/* --- sending ------------------------------------------------------------------------------ */

static size_t live_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
			_Atomic uint64_t *at_ns)
{
	struct live *l = live_of(w);
	_Atomic uint64_t later; /* than the first that left: nobody's concern */
	size_t left = 0;

	assert(lane < w->lanes && !l->resting);
	for (size_t i = 0, end; i < n; i = end) {
		struct way *way;

		assert(v[i].path < w->n_paths);
		way = l->doors[v[i].path].way;
		for (end = i + 1; end < n && v[end].path == v[i].path; end++)
			;
		left += way->ops->send(way, lane, v + i, end - i, left ? &later : at_ns);
	}
	return left;
}

/* --- receiving ---------------------------------------------------------------------------- */

static void bury(struct live *l, struct nic *nic, const char *why)
{
	if (nic->dead)
		return;
	nic->dead = true;
	l->news = true;
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
			l->news = true;
	}
}

static void on_bereft(void *ctx, uint32_t ifindex, const struct addr *a)
{
	struct live *l = ctx;

	for (size_t i = 0; i < l->wire.n_paths; i++) {
		const struct path *p = &l->wire.paths[i];

		if (!addr_same(&p->src, a) || (p->ifindex != ifindex && !p->loopback))
			continue;
		l->news |= !l->doors[i].bereft;
		l->doors[i].bereft = true;
	}
}

/* Its loss is believed where it was there before, and else the second time: what asks for it may
 * itself be lost. */
static bool is_lost(struct door *d, const struct neigh *now)
{
	if (now->state == NEIGH_KNOWN) {
		d->was_known = true;
		d->failures = now->failures;
	}
	return now->failures >= d->failures + (d->was_known ? 1 : GATEWAY_FAILURES);
}

static void on_neigh(void *ctx, uint32_t ifindex, const struct addr *a, const struct neigh *now)
{
	struct live *l = ctx;

	for (size_t i = 0; i < l->wire.n_paths; i++) {
		const struct path *p = &l->wire.paths[i];
		struct door *d = &l->doors[i];
		bool was_lost = d->lost;

		if (p->ifindex != ifindex || !addr_same(&p->next_hop, a))
			continue;
		d->lost = is_lost(d, now);
		l->news |= d->lost && !was_lost;
	}
}

void live_read_news(struct live *l)
{
	links_read(l->links, on_link, on_bereft, l);
	if (l->neighs)
		neighs_read(l->neighs, on_neigh, l);
	l->looked_ns = clock_mono_ns();
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
	return l->news || (signals_pending() & ~l->told) != 0;
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
	l->poll[l->n_nics] = (struct pollfd){.fd = links_fd(l->links), .events = POLLIN};
	l->poll[l->n_nics + 1] =
	    (struct pollfd){.fd = l->neighs ? neighs_fd(l->neighs) : -1, .events = POLLIN};
	signals_set(&block);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	if (!is_event(l))
		rc = ppoll(l->poll, l->n_nics + 2, &ts, &old);
	if (rc < 0 && errno == EINTR)
		rc = 0;
	if (rc < 0)
		err_sys(e, errno, "capture: poll");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

/* While frames keep coming nobody sleeps, and nobody is told by poll. */
static bool has_news(struct live *l)
{
	struct pollfd *p = &l->poll[l->n_nics];
	bool told = p[0].revents || p[1].revents;

	p[0].revents = p[1].revents = 0;
	return told || clock_mono_ns() - l->looked_ns >= NEWS_NS;
}

static int live_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		     struct err *e)
{
	struct live *l = live_of(w);
	bool late = false;
	int n;

	assert(!l->resting);
	for (;;) {
		n = read_all(l, fn, ctx);
		if (has_news(l))
			live_read_news(l);
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
	l->news = false;
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

	*out = l->kept; /* none while they run */
	if (l->resting)
		return;
	for (size_t i = 0; i < l->n_nics; i++) {
		uint64_t dropped = out->dropped;

		capture_add_stats(l->nics[i].capture, out);
		if (l->nics[i].extra) /* nothing depends on it */
			out->dropped = dropped;
	}
}

static void tell_gateway(const struct path *p, const struct door *d, struct err *why)
{
	char a[ADDR_TEXT];

	err_set(why, "%s: the gateway %s %s %s (neighbour failed)", p->ifname,
		addr_format_zone(&p->next_hop, p->next_hop.zone ? p->ifname : NULL, a),
		d->was_known ? "no longer answers" : "does not answer",
		p->next_hop.family == ADDR_V4 ? "ARP" : "neighbour discovery");
}

static void tell_bereft(const struct path *p, struct err *why)
{
	char a[ADDR_TEXT];

	err_set(why, "%s: our address %s is gone (removed, or the interface went down)", p->ifname,
		addr_format_zone(&p->src, p->src.zone ? p->ifname : NULL, a));
}

static bool live_path_up(struct wire *w, uint16_t path, struct err *why)
{
	struct live *l = live_of(w);
	const struct door *door;
	const struct nic *nic;

	assert(path < w->n_paths);
	door = &l->doors[path];
	nic = &l->nics[door->nic];
	if (nic->dead)
		err_set(why, "%s", nic->why.msg);
	else if (door->bereft)
		tell_bereft(&w->paths[path], why);
	else if (nic->no_carrier)
		err_set(why, "%s: no carrier (cable, or the other end is down)", nic->ifname);
	else if (door->lost)
		tell_gateway(&w->paths[path], door, why);
	return !nic->dead && !door->bereft && !nic->no_carrier && !door->lost;
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

static ssize_t live_conn_write(struct wire *w, int conn, const void *octets, size_t len)
{
	return conns_write(live_of(w)->conns, conn, octets, len);
}

static ssize_t live_conn_read(struct wire *w, int conn, void *octets, size_t cap)
{
	return conns_read(live_of(w)->conns, conn, octets, cap);
}

static void live_conn_close(struct wire *w, int conn, bool reset)
{
	conns_close(live_of(w)->conns, conn, reset);
}

/* --- closing ------------------------------------------------------------------------------ */

static void close_ways(struct live *l)
{
	for (size_t i = 0; i < l->wire.n_paths; i++) {
		struct door *d = &l->doors[i];

		if (d->way && d->way != d->raw)
			d->way->ops->close(d->way);
	}
	for (size_t i = 0; i < l->wire.n_paths; i++) {
		struct door *d = &l->doors[i];

		if (d->raw && !d->shares_raw)
			d->raw->ops->close(d->raw);
	}
}

static void release_one(void *release)
{
	const struct release *r = release;

	if (r->what < r->live->n_nics)
		capture_close(r->live->nics[r->what].capture);
	else
		close_ways(r->live);
}

static void release_all(void *live)
{
	struct live *l = live;

	for (size_t i = 0; i <= l->n_nics; i++)
		l->releases[i] = (struct release){.live = l, .what = i};
	aside_each(release_one, l->releases, l->n_nics + 1, sizeof(l->releases[0]));
}

static void live_rest(struct wire *w)
{
	struct live *l = live_of(w);

	if (l->resting)
		return;
	live_stats(w, &l->kept);
	l->resting = true;
	l->releasing = aside_begin(release_all, l);
}

void live_close(struct wire *w)
{
	struct live *l;

	if (!w)
		return;
	l = live_of(w);
	conns_free(l->conns);
	quiet_free(l->quiet);
	if (l->resting)
		aside_join(l->releasing);
	else if (l->doors && l->nics && l->releases)
		release_all(l);
	neighs_close(l->neighs);
	links_close(l->links);
	free(l->releases);
	free(l->poll);
	free(l->nics);
	free(l->doors);
	free(l);
}

const struct wire_ops live_ops = {
    .send = live_send,
    .recv = live_recv,
    .now = live_now,
    .events = live_events,
    .stats = live_stats,
    .path_up = live_path_up,
    .rest = live_rest,
    .conn_open = live_conn_open,
    .conn_shutdown = live_conn_shutdown,
    .conn_write = live_conn_write,
    .conn_read = live_conn_read,
    .conn_tsval = live_conn_tsval,
    .conn_close = live_conn_close,
    .close = live_close,
};
