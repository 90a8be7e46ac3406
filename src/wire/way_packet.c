/*
 * way_packet: whole frames by packet sockets, one a lane, so that lanes share nothing. Their
 * protocol is 0: they are no tap that the kernel copies all traffic to. Whom a frame goes to, and
 * what must take the kernel's way instead, is asked of hops.
 */
#include "config.h"

#include "wire/way.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/aside.h"
#include "wire/clock.h"
#include "wire/hops.h"
#include "wire/outbox.h"
#include "wire/sockopt.h"
#include "wire/privilege.h"

enum {
	LINK_HEADER = 14,
	/* A few milliseconds of a fast link. More would wait in the interface's queue, which then
	 * drops without a word; less stands idle while we are woken. */
	SEND_BUFFER = 1 << 20,
};

struct way_packet {
	struct way way; /* first: the ops get a pointer to it */
	struct hops *hops;
	struct way *raw;
	uint8_t mac[6];
	unsigned lanes;
	int fds[]; /* one a lane; -1: none */
};

static void put_header(const struct way_packet *w, const struct wire_out *o, const uint8_t to[6])
{
	bool v4 = o->ip[0] >> 4 == 4;
	uint8_t *h = o->ip - LINK_HEADER;

	memcpy(h, to, 6);
	memcpy(h + 6, w->mac, 6);
	h[12] = v4 ? 0x08 : 0x86;
	h[13] = v4 ? 0x00 : 0xdd;
}

/* What went before goes first, so that the order stays. */
static void send_raw(const struct way_packet *w, unsigned lane, struct outbox *b,
		     struct wire_out *o)
{
	_Atomic uint64_t later; /* than the first that left: nobody's concern */

	outbox_flush(b);
	b->left += w->raw->ops->send(w->raw, lane, o, 1, b->left ? &later : b->at_ns);
}

static size_t packet_send(struct way *way, unsigned lane, struct wire_out *v, size_t n,
			  _Atomic uint64_t *at_ns)
{
	struct way_packet *w = (struct way_packet *)way;
	uint64_t now = clock_mono_ns();
	struct outbox b;
	bool known = false;
	uint8_t mac[6];

	assert(lane < w->lanes);
	outbox_init(&b, w->fds[lane], at_ns);
	for (size_t i = 0; i < n; i++) {
		switch (known ? HOP_FRAME : hops_ask(w->hops, &v[i], now, mac)) {
		case HOP_FRAME:
			known = hops_one(w->hops);
			put_header(w, &v[i], mac);
			outbox_add(&b, &v[i], LINK_HEADER, NULL, 0);
			break;
		case HOP_KERNEL: send_raw(w, lane, &b, &v[i]); break;
		case HOP_WAIT: v[i].error = EAGAIN; break;
		case HOP_NOBODY: v[i].error = EHOSTUNREACH; break;
		}
	}
	outbox_flush(&b);
	return b.left;
}

/* --- opening and closing ------------------------------------------------------------------ */

static void close_fd(void *fd)
{
	if (*(int *)fd >= 0)
		close(*(int *)fd);
}

static void packet_close(struct way *way)
{
	struct way_packet *w = (struct way_packet *)way;

	if (!w)
		return;
	aside_each(close_fd, w->fds, w->lanes, sizeof(w->fds[0]));
	hops_free(w->hops);
	free(w);
}

static const struct way_ops packet_ops = {.send = packet_send, .close = packet_close};

static int open_lane(const struct path *p, struct err *e)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)p->ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(e, errno, "sending: %s: packet socket", p->ifname);
	sockopt_send_room(fd, SEND_BUFFER);
	if (bind(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		err_sys(e, errno, "sending: %s: binding to the interface", p->ifname);
		close(fd);
		return -1;
	}
	return fd;
}

struct way *way_open_packet(const struct way_config *c, bool *denied, struct err *e)
{
	struct way_packet *w = calloc(1, sizeof(*w) + c->lanes * sizeof(w->fds[0]));

	if (!w) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	w->way.ops = &packet_ops;
	w->raw = c->raw;
	if (!hops_ethernet(c->path, w->mac)) {
		err_set(e, "sending: %s: frames can be sent on Ethernet alone (--tx raw)",
			c->path->ifname);
		goto out;
	}
	w->hops = hops_new(c->path, c->neighs, e);
	if (!w->hops)
		goto out;
	if (!privilege_can_probe(e)) {
		*denied = true;
		goto out;
	}
	while (w->lanes < c->lanes) {
		w->fds[w->lanes] = open_lane(c->path, e);
		if (w->fds[w->lanes] < 0)
			goto out;
		w->lanes++;
	}
	return &w->way;
out:
	packet_close(&w->way);
	return NULL;
}

bool way_is_ethernet(const struct path *p)
{
	uint8_t mac[6];

	return hops_ethernet(p, mac);
}
