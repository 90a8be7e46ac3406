/*
 * way_xdp: packets out by AF_XDP in copy mode: frames written into memory that the kernel reads,
 * one call for many, one socket a TX queue. No program is loaded or attached, and nothing is
 * received. What hops gives to the kernel, or has no room in a frame, goes by the raw way, and what
 * is of a lane that has no queue by a packet socket.
 */
#include "config.h"

#include "wire/way.h"

#ifndef HAVE_LIBXDP

struct way *way_open_xdp(const struct way_config *c, bool *denied, struct err *e)
{
	(void)c;
	(void)denied;
	err_set(e, "--tx xdp: this rstprobe was built without libxdp. With it: apt-get install "
		   "libxdp-dev, then configure --with-xdp and make");
	return NULL;
}

#else

#include <assert.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "wire/aside.h"
#include "wire/clock.h"
#include "wire/hops.h"
#include "wire/privilege.h"

enum {
	FRAME = 2048, /* the least that the kernel takes */
	FRAMES = 512, /* of a lane: what a NIC may hold back until it says that they are out */
	AREA = FRAMES * FRAME,
	CANCELLED = AREA, /* the offset of no frame */
	RING = 128,
	BATCH = 32, /* what the kernel takes in one call */
	LINK_HEADER = 14,
	SEND_BUFFER = 4 << 20, /* what the kernel copied counts against it until it is out */
	NAPS = 2000,	       /* waits for room before the packets are given up, */
	NAP_NS = 100000,       /* this long each */
	BIND_TRIES = 50,       /* the queue of a socket that was closed is free a while later */
	BIND_MS = 10,
};

struct lane {
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	struct xsk_ring_prod fill; /* stays empty: nothing is received */
	struct xsk_ring_prod tx;
	struct xsk_ring_cons comp;
	uint8_t *area;
	int fd;		  /* xsk's */
	uint32_t next;	  /* place in tx behind the last descriptor, */
	uint32_t waiting; /* so many of which, the last, the kernel has not taken */
	bool doubtful;	  /* some frames are */
	size_t n_free;
	uint16_t free[FRAMES]; /* frames by number, */
	uint8_t state[FRAMES]; /* enum frame_state of each */
};

/* DOUBTFUL: cancelled, but before 6.17 the kernel tells what it has taken only when it has taken
 * all, so it may have had this one already and be about to give it back. */
enum frame_state { FREE, OUT, DOUBTFUL };

/* A queue takes one socket, so the ways of all paths by an interface share its lanes. */
struct nic {
	unsigned refs;
	uint32_t ifindex;
	uint8_t mac[6];
	unsigned n_lanes;
	struct lane lanes[];
};

struct way_xdp {
	struct way way; /* first: the ops get a pointer to it */
	struct hops *hops;
	struct way *raw;
	struct way *packet; /* for lanes that have no queue; NULL where each has one */
	struct nic *nic;
};

/* Packets of one call of send that wait to leave by one lane, and whom they go to. */
struct batch {
	struct lane *lane;
	const uint8_t *from;
	_Atomic uint64_t *at_ns;
	size_t left;
	unsigned naps; /* since the kernel last took some */
	size_t n;
	struct wire_out *out[BATCH];
	uint8_t to[BATCH][6];
};

/* --- frames and rings --------------------------------------------------------------------- */

static void set_free(struct lane *l, uint64_t frame)
{
	if (l->state[frame] == FREE)
		return;
	l->state[frame] = FREE;
	l->free[l->n_free++] = (uint16_t)frame;
}

/* What the kernel has done with. Some kernels give back what was cancelled as well. */
static void reap(struct lane *l)
{
	uint32_t at, n = xsk_ring_cons__peek(&l->comp, FRAMES, &at);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t offset = *xsk_ring_cons__comp_addr(&l->comp, at + i);

		if (offset != CANCELLED)
			set_free(l, offset / FRAME);
	}
	xsk_ring_cons__release(&l->comp, n);
}

static uint32_t write_frame(uint8_t *frame, const uint8_t *to, const uint8_t *from,
			    const struct wire_out *o)
{
	bool v4 = o->ip[0] >> 4 == 4;

	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	frame[12] = v4 ? 0x08 : 0x86;
	frame[13] = v4 ? 0x00 : 0xdd;
	memcpy(frame + LINK_HEADER, o->ip, o->len);
	return LINK_HEADER + o->len;
}

static uint64_t take_frame(struct lane *l)
{
	uint16_t frame = l->free[--l->n_free];

	l->state[frame] = OUT;
	return (uint64_t)frame * FRAME;
}

/* Those of the batch from the `first` on, as many as there is room for: how many. */
static size_t load(struct lane *l, const struct batch *b, size_t first)
{
	struct xdp_desc *d;
	uint32_t at, room, n = (uint32_t)(b->n - first);

	reap(l);
	room = xsk_prod_nb_free(&l->tx, n);
	if (n > room)
		n = room;
	if (n > l->n_free)
		n = (uint32_t)l->n_free;
	if (n == 0 || !xsk_ring_prod__reserve(&l->tx, n, &at))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		d = xsk_ring_prod__tx_desc(&l->tx, at + i);
		d->addr = take_frame(l);
		d->len =
		    write_frame(l->area + d->addr, b->to[first + i], b->from, b->out[first + i]);
		d->options = 0;
	}
	xsk_ring_prod__submit(&l->tx, n);
	l->next = at + n;
	l->waiting += n;
	return n;
}

/* The kernel is past all descriptors: what was cancelled and has not come back was never taken. */
static void end_doubt(struct lane *l)
{
	reap(l);
	for (size_t i = 0; i < FRAMES; i++) {
		if (l->state[i] == DOUBTFUL)
			set_free(l, i);
	}
	l->doubtful = false;
}

/* Has the kernel take what waits. Returns how many it took, and its errno. EBUSY: the interface
 * refused the last that it took, which is lost. Where it does not tell how many it took, this one
 * is counted all the same: the sum is right in the end, if maybe one is marked lost for another.
 * What a driver drops and calls sent is not told at all. */
static size_t kick(struct lane *l, int *why)
{
	ssize_t rc = sendto(l->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);
	uint32_t unread, took = 0;

	*why = rc < 0 ? errno : 0;
	unread = RING - xsk_prod_nb_free(&l->tx, RING + 1);
	if (l->waiting > unread)
		took = l->waiting - unread;
	else if (*why == EBUSY && l->waiting > 0)
		took = 1;
	l->waiting -= took;
	if (l->doubtful && unread == 0)
		end_doubt(l);
	return took;
}

/* Makes what waits invalid, which the kernel passes over, so that it can't leave later. */
static void cancel(struct lane *l)
{
	for (; l->waiting > 0; l->waiting--) {
		struct xdp_desc *d = xsk_ring_prod__tx_desc(&l->tx, l->next - l->waiting);

		l->state[d->addr / FRAME] = DOUBTFUL;
		l->doubtful = true;
		d->addr = CANCELLED;
		d->len = 0;
	}
}

/* --- sending ------------------------------------------------------------------------------ */

static bool later_may_do(int errnum)
{
	return errnum == 0 || errnum == EAGAIN || errnum == EBUSY || errnum == ENOBUFS ||
	       errnum == EINTR;
}

/* For room. Without an error the kernel has passed over something cancelled, maybe not all. */
static bool nap(struct batch *b, int why)
{
	if (b->naps >= NAPS)
		return false;
	b->naps++;
	if (why != 0)
		ppoll(NULL, 0, &(struct timespec){.tv_nsec = NAP_NS}, NULL);
	return true;
}

/* All out, or given up. */
static void flush(struct batch *b)
{
	size_t loaded = 0, done = 0, took;
	int why;

	while (done < b->n) {
		loaded += load(b->lane, b, loaded);
		if (b->left == 0)
			atomic_store(b->at_ns, clock_mono_ns());
		took = kick(b->lane, &why);
		assert(took <= loaded - done);
		b->left += took;
		for (size_t i = 0; i < took; i++)
			b->out[done++]->error = 0;
		if (took > 0 && why == EBUSY) {
			b->out[done - 1]->error = ENOBUFS;
			b->left--;
		}
		if (took > 0) {
			b->naps = 0;
		} else if (!later_may_do(why) || !nap(b, why)) {
			cancel(b->lane);
			while (done < b->n)
				b->out[done++]->error = later_may_do(why) ? ENOBUFS : why;
		}
	}
	b->n = 0;
}

/* What went before goes first, so that the order stays. */
static void send_raw(const struct way_xdp *w, unsigned lane, struct batch *b, struct wire_out *o)
{
	_Atomic uint64_t later; /* than the first that left: nobody's concern */

	flush(b);
	b->left += w->raw->ops->send(w->raw, lane, o, 1, b->left ? &later : b->at_ns);
}

static size_t xdp_send(struct way *way, unsigned lane, struct wire_out *v, size_t n,
		       _Atomic uint64_t *at_ns)
{
	struct way_xdp *w = (struct way_xdp *)way;
	uint64_t now = clock_mono_ns();
	struct batch b;

	if (lane >= w->nic->n_lanes)
		return w->packet->ops->send(w->packet, lane, v, n, at_ns);
	b.lane = &w->nic->lanes[lane];
	b.from = w->nic->mac;
	b.at_ns = at_ns;
	b.left = b.n = b.naps = 0;
	for (size_t i = 0; i < n; i++) {
		enum hop hop = hops_ask(w->hops, &v[i], now, b.to[b.n]);

		if (hop == HOP_FRAME && v[i].len <= FRAME - LINK_HEADER)
			b.out[b.n++] = &v[i];
		else if (hop == HOP_FRAME || hop == HOP_KERNEL)
			send_raw(w, lane, &b, &v[i]);
		else
			v[i].error = hop == HOP_WAIT ? EAGAIN : EHOSTUNREACH;
		if (b.n == BATCH)
			flush(&b);
	}
	flush(&b);
	return b.left;
}

/* --- closing ------------------------------------------------------------------------------ */

static void close_lane(void *lane)
{
	struct lane *l = lane;

	if (l->xsk)
		xsk_socket__delete(l->xsk);
	if (l->umem)
		xsk_umem__delete(l->umem);
	if (l->area)
		munmap(l->area, AREA);
	*l = (struct lane){.fd = -1};
}

static void leave_nic(struct nic *nic)
{
	if (!nic || --nic->refs > 0)
		return;
	aside_each(close_lane, nic->lanes, nic->n_lanes, sizeof(nic->lanes[0]));
	free(nic);
}

static void xdp_close(struct way *way)
{
	struct way_xdp *w = (struct way_xdp *)way;

	if (!w)
		return;
	if (w->packet)
		w->packet->ops->close(w->packet);
	leave_nic(w->nic);
	hops_free(w->hops);
	free(w);
}

static const struct way_ops xdp_ops = {.send = xdp_send, .close = xdp_close};

/* --- opening ------------------------------------------------------------------------------ */

/* Memory of the lane's own, and the socket that is to read it. A negative errno on failure. */
static int open_umem(struct lane *l)
{
	static const struct xsk_umem_config config = {
	    .fill_size = 2, .comp_size = FRAMES, .frame_size = FRAME};
	void *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return -errno;
	l->area = area;
	for (size_t i = 0; i < FRAMES; i++) {
		l->state[i] = OUT;
		set_free(l, i);
	}
	return xsk_umem__create(&l->umem, l->area, AREA, &l->fill, &l->comp, &config);
}

static int open_lane(struct lane *l, const char *ifname, unsigned queue, struct err *e)
{
	static const struct xsk_socket_config config = {.tx_size = RING,
							.libxdp_flags =
							    XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
							.bind_flags = XDP_COPY};
	int size = SEND_BUFFER;
	int rc = open_umem(l);

	if (rc == -ENOBUFS)
		err_set(e,
			"sending: %s: AF_XDP needs more locked memory than is allowed "
			"(ulimit -l); or take --tx packet",
			ifname);
	else if (rc < 0)
		err_sys(e, -rc, "sending: %s: AF_XDP", ifname);
	if (rc < 0)
		return rc;
	rc = xsk_socket__create(&l->xsk, ifname, queue, l->umem, NULL, &l->tx, &config);
	if (rc == -EBUSY)
		err_set(e,
			"sending: %s: another program has TX queue %u for AF_XDP (ss --xdp -ap "
			"may tell which); or take --tx packet",
			ifname, queue);
	else if (rc < 0)
		err_sys(e, -rc, "sending: %s: AF_XDP on TX queue %u", ifname, queue);
	if (rc < 0)
		return rc;
	l->fd = xsk_socket__fd(l->xsk);
	if (setsockopt(l->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		(void)!setsockopt(l->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static int open_lane_soon(struct lane *l, const char *ifname, unsigned queue, struct err *e)
{
	int rc = open_lane(l, ifname, queue, e);

	for (int tries = 0; rc == -EBUSY && tries < BIND_TRIES; tries++) {
		close_lane(l);
		poll(NULL, 0, BIND_MS);
		rc = open_lane(l, ifname, queue, e);
	}
	return rc;
}

/* Of sending; one where it has no notion of them. Asked of the driver, because /sys may show the
 * interfaces of another namespace. */
static unsigned count_queues(const char *ifname)
{
	struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq r = {.ifr_data = (char *)&ch};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned n = 0;

	memcpy(r.ifr_name, ifname, strnlen(ifname, sizeof(r.ifr_name) - 1));
	if (fd >= 0 && ioctl(fd, SIOCETHTOOL, &r) == 0)
		n = ch.tx_count + ch.combined_count;
	if (fd >= 0)
		close(fd);
	return n > 0 ? n : 1;
}

static struct nic *open_nic(const struct path *p, unsigned lanes, const uint8_t mac[6],
			    struct err *e)
{
	unsigned queues = count_queues(p->ifname);
	struct nic *nic;

	if (lanes > queues)
		lanes = queues;
	nic = calloc(1, sizeof(*nic) + lanes * sizeof(nic->lanes[0]));
	if (!nic) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	nic->refs = 1;
	nic->ifindex = p->ifindex;
	memcpy(nic->mac, mac, sizeof(nic->mac));
	while (nic->n_lanes < lanes) {
		unsigned queue = nic->n_lanes++;

		if (open_lane_soon(&nic->lanes[queue], p->ifname, queue, e) < 0) {
			leave_nic(nic);
			return NULL;
		}
	}
	return nic;
}

static struct nic *join_nic(const struct way_config *c)
{
	const struct way_xdp *other = (const struct way_xdp *)c->beside;

	if (!other || c->beside->ops != &xdp_ops || other->nic->ifindex != c->path->ifindex)
		return NULL;
	other->nic->refs++;
	return other->nic;
}

struct way *way_open_xdp(const struct way_config *c, bool *denied, struct err *e)
{
	struct way_xdp *w = calloc(1, sizeof(*w));
	uint8_t mac[6];

	if (!w) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	w->way.ops = &xdp_ops;
	w->raw = c->raw;
	if (!hops_ethernet(c->path, mac)) {
		err_set(e, "sending: %s: frames can be sent on Ethernet alone (--tx raw)",
			c->path->ifname);
		goto out;
	}
	if (!privilege_can_probe(e)) {
		*denied = true;
		goto out;
	}
	w->hops = hops_new(c->path, c->neighs, e);
	if (!w->hops)
		goto out;
	w->nic = join_nic(c);
	if (!w->nic)
		w->nic = open_nic(c->path, c->lanes, mac, e);
	if (!w->nic)
		goto out;
	if (w->nic->n_lanes < c->lanes)
		w->packet = way_open_packet(c, denied, e);
	if (w->nic->n_lanes < c->lanes && !w->packet)
		goto out;
	return &w->way;
out:
	xdp_close(&w->way);
	return NULL;
}

#endif
