/*
 * live_open: the phase that needs privilege: which way each path goes out by, and which interfaces
 * are listened to. It refuses to send, and to read but what the kernel knows before the run.
 */
#include "config.h"

#include "wire/live.h"

#include <assert.h>
#include <errno.h>
#include <libnet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "wire/live_private.h"

#include "wire/confine.h"

enum {
	MANY_PROBES = 2000,  /* TX_AUTO: from here on frames pay; fewer respect the OUTPUT chain */
	RING_MAX = 16 << 20, /* of all captures together */
};

/* --- ways out ----------------------------------------------------------------------------- */

/* The way that this path is to go by; -1 with `e` where the one asked for can't be. */
static int choose_way(const struct live_config *c, const struct path *p, struct err *e)
{
	static const char *const name[] = {[TX_PACKET] = "packet", [TX_XDP] = "xdp"};

	if (c->tx == TX_RAW || (c->tx == TX_AUTO && c->probes <= MANY_PROBES))
		return TX_RAW;
	if (way_is_ethernet(p))
		return c->tx == TX_AUTO ? TX_PACKET : (int)c->tx;
	if (c->tx == TX_AUTO)
		return TX_RAW;
	return err_set(e,
		       "sending: %s: --tx %s needs Ethernet, which this is not%s (--tx raw works "
		       "anywhere, --tx auto chooses)",
		       p->ifname, name[c->tx], p->loopback ? ": the target is this machine" : "");
}

/* The socket of an earlier path is this one's where all that it is bound to is the same. */
static int open_raw(struct live *l, const struct live_config *c, size_t i, bool *denied,
		    struct err *e)
{
	const struct path *p = &c->paths[i];
	struct way_config wc = {.path = p, .lanes = c->lanes};

	for (size_t k = 0; k < i && !l->doors[i].raw; k++) {
		const struct path *q = &c->paths[k];

		if (q->ifindex == p->ifindex && q->loopback == p->loopback &&
		    addr_equal(&q->src, &p->src))
			l->doors[i].raw = l->doors[k].raw;
	}
	l->doors[i].shares_raw = l->doors[i].raw != NULL;
	if (!l->doors[i].raw)
		l->doors[i].raw = way_open_raw(&wc, denied, e);
	return l->doors[i].raw ? 0 : -1;
}

/* A way of the same kind that is open by this interface. */
static struct way *way_beside(const struct live *l, const struct live_config *c, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (c->paths[k].ifindex == c->paths[i].ifindex &&
		    l->doors[k].way != l->doors[k].raw)
			return l->doors[k].way;
	}
	return NULL;
}

static int open_way(struct live *l, const struct live_config *c, size_t i, bool *denied,
		    struct err *e)
{
	struct door *d = &l->doors[i];
	struct way_config wc = {.path = &c->paths[i], .lanes = c->lanes};

	if (open_raw(l, c, i, denied, e) < 0)
		return -1;
	if (d->tx == TX_RAW) {
		d->way = d->raw;
		return 0;
	}
	if (!l->neighs)
		l->neighs = neighs_open(e);
	if (!l->neighs)
		return -1;
	wc.neighs = l->neighs;
	wc.raw = d->raw;
	wc.beside = way_beside(l, c, i);
	d->way = d->tx == TX_XDP ? way_open_xdp(&wc, denied, e) : way_open_packet(&wc, denied, e);
	return d->way ? 0 : -1;
}

/* --- ways in ------------------------------------------------------------------------------ */

static size_t count_interfaces(const struct live_config *c)
{
	size_t n = 0;

	for (size_t i = 0, k; i < c->n_paths; i++) {
		for (k = 0; k < i && c->paths[k].ifindex != c->paths[i].ifindex; k++)
			;
		n += k == i;
	}
	return n;
}

/* A capture to be opened, and what became of it. */
struct opening {
	struct capture_config cc;
	struct nic *nic;
	bool denied;
	struct err e;
};

struct openings {
	struct opening *v;
	size_t n;
};

static void add_nic(struct live *l, const char *ifname, uint32_t ifindex, bool extra)
{
	struct nic *nic = &l->nics[l->n_nics++];

	snprintf(nic->ifname, sizeof(nic->ifname), "%s", ifname);
	nic->ifindex = ifindex;
	nic->extra = extra;
}

static void add_nic_of(struct live *l, const struct live_config *c, size_t i)
{
	const struct path *p = &c->paths[i];
	size_t nic = 0;

	while (nic < l->n_nics && l->nics[nic].ifindex != p->ifindex)
		nic++;
	l->doors[i].nic = nic;
	if (nic == l->n_nics)
		add_nic(l, p->ifname, p->ifindex, false);
}

/*
 * The kernel tells itself on lo that ARP or ND failed, of what it was given to send: not where all
 * leaves as frames, whose neighbours are watched. Nice to have: nothing depends on it.
 */
static void add_extra(struct live *l, const struct live_config *c)
{
	bool kernels = false;

	for (size_t i = 0; i < c->n_paths; i++) {
		if (c->paths[i].loopback)
			return;
		kernels |= l->doors[i].tx == TX_RAW;
	}
	if (kernels)
		add_nic(l, "lo", if_nametoindex("lo"), true);
}

static void open_one(void *opening)
{
	struct opening *o = opening;

	o->nic->capture = capture_open(&o->cc, &o->denied, &o->e);
}

static void open_each(void *openings)
{
	struct openings *o = openings;

	aside_each(open_one, o->v, o->n, sizeof(o->v[0]));
}

/* Where lo can't be listened to, we do without. */
static int check_openings(struct live *l, const struct openings *o, bool *denied, struct err *e)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->v[i].nic->capture)
			continue;
		if (o->v[i].nic->extra) { /* the last */
			l->n_nics--;
			continue;
		}
		*denied = *denied || o->v[i].denied;
		return err_set(e, "%s", o->v[i].e.msg);
	}
	return 0;
}

/*
 * Ways out, and captures beside: the kernel lets each capture wait for some 8 to 30 ms, and several
 * of them side by side.
 */
static int open_all(struct live *l, const struct live_config *c, bool *denied, struct err *e)
{
	struct openings o = {.v = calloc(l->n_nics, sizeof(o.v[0])), .n = l->n_nics};
	struct aside *captures;
	int rc = 0;

	if (!o.v)
		return err_sys(e, ENOMEM, "capture");
	for (size_t i = 0; i < o.n; i++) {
		struct nic *nic = &l->nics[i];

		o.v[i] = (struct opening){.nic = nic};
		o.v[i].cc = (struct capture_config){
		    .ifname = nic->ifname,
		    .ifindex = nic->ifindex,
		    .sport_first = c->sport_first,
		    .sport_last = c->sport_last,
		    .expected = nic->extra ? 0 : c->expected_replies,
		    .ring_max = RING_MAX / count_interfaces(c),
		    .icmp_only = nic->extra,
		    .both_ways = c->both_ways && !nic->extra,
		};
	}
	captures = aside_begin(open_each, &o);
	for (size_t i = 0; rc == 0 && i < c->n_paths; i++)
		rc = open_way(l, c, i, denied, e);
	aside_join(captures);
	if (rc == 0)
		rc = check_openings(l, &o, denied, e);
	free(o.v);
	return rc;
}

/* --- the rest ----------------------------------------------------------------------------- */

/* Without quiet ports a run has less to ask, and can go on. */
static void open_quiet(struct live *l, const struct live_config *c)
{
	uint16_t first = (uint16_t)(c->sport_last - c->n_quiet + 1);
	struct err e;

	if (!c->n_quiet)
		return;
	l->quiet = quiet_open(first, c->n_quiet, c->user, &e);
	if (!l->quiet) {
		log_info("%s; no raw handshake can be left half-open", e.msg);
		return;
	}
	l->wire.quiet_first = first;
	l->wire.n_quiet = c->n_quiet;
	l->wire.quiet_ttl255 = quiet_ttl255(l->quiet);
}

/* A gateway that is known from before may be lost as one that was found in the run. */
static void look_at_gateways(struct live *l)
{
	for (size_t i = 0; l->neighs && i < l->wire.n_paths; i++) {
		const struct path *p = &l->wire.paths[i];
		struct neigh n;

		if (p->next_hop.family == ADDR_NONE)
			continue;
		n = neighs_find(l->neighs, p->ifindex, &p->next_hop);
		l->doors[i].was_known = n.state == NEIGH_KNOWN;
	}
}

static struct live *new_live(const struct live_config *c)
{
	struct live *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->wire = (struct wire){
	    .ops = &live_ops,
	    .paths = c->paths,
	    .n_paths = c->n_paths,
	    .lanes = c->lanes,
	    .both_ways = c->both_ways,
	};
	l->doors = calloc(c->n_paths, sizeof(l->doors[0]));
	l->nics = calloc(c->n_paths + 1, sizeof(l->nics[0]));
	l->poll = calloc(c->n_paths + 3, sizeof(l->poll[0]));
	l->releases = calloc(c->n_paths + 2, sizeof(l->releases[0]));
	if (l->doors && l->nics && l->poll && l->releases)
		return l;
	live_close(&l->wire);
	return NULL;
}

struct wire *live_open(const struct live_config *c, bool *denied, struct err *e)
{
	struct live *l = new_live(c);

	assert(c->n_paths > 0 && c->n_paths <= PATH_NONE && c->lanes > 0);
	assert(c->n_quiet <= c->sport_last - c->sport_first + 1);
	*denied = false;
	if (!l) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	for (size_t i = 0; i < c->n_paths; i++) {
		int tx = choose_way(c, &c->paths[i], e);

		if (tx < 0)
			goto out;
		l->doors[i].tx = (enum tx)tx;
		add_nic_of(l, c, i);
	}
	add_extra(l, c);
	if (open_all(l, c, denied, e) < 0)
		goto out;
	/* after the captures, so that no change falls between the two */
	l->links = links_open(e);
	if (!l->links)
		goto out;
	look_at_gateways(l);
	live_read_news(l);
	l->news = false;
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
	char seccomp[40];
	const char *filter = confine_version(seccomp, sizeof(seccomp));

	snprintf(buf, cap, "%s, %s, %s", libnet_version(), pcap_lib_version(),
		 filter ? filter : "without seccomp");
	return buf;
}
