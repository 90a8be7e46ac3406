/*
 * way: where packets go out. One a path and kind of sending: raw (libnet's raw IP socket: the
 * routing table and the OUTPUT chain apply), packet (AF_PACKET, one socket a lane: faster, and
 * neither applies), xdp (AF_XDP in copy mode, one socket a TX queue). Which it is, live.c chooses.
 */
#ifndef WIRE_WAY_H
#define WIRE_WAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/neigh.h"
#include "wire/wire.h"

/* --tx. AUTO is packet on Ethernet where many packets are to be sent, else raw. */
enum tx { TX_AUTO, TX_RAW, TX_PACKET, TX_XDP };

struct way;
struct way_ops {
	/* As wire.send, for packets of this way's paths alone. A raw way is shared by paths. */
	size_t (*send)(struct way *w, unsigned lane, struct wire_out *v, size_t n,
		       _Atomic uint64_t *at_ns);
	void (*close)(struct way *w);
};

struct way {
	const struct way_ops *ops;
};

struct way_config {
	const struct path *path;
	unsigned lanes;
	struct neighs *neighs; /* borrowed; packet and xdp only */
	struct way *raw;       /* borrowed; packet and xdp: for what has no known neighbour yet */
	struct way *beside; /* xdp only: a way that is open by the same interface (a queue takes one
			     * socket, so they share it), or NULL */
};

/* Need CAP_NET_RAW: NULL with `e`; `*denied` is set where it was for want of it. */
struct way *way_open_raw(const struct way_config *c, bool *denied, struct err *e);
/* Refuse with `e` a path that isn't Ethernet. */
struct way *way_open_packet(const struct way_config *c, bool *denied, struct err *e);
/* Also NULL, with `e`, where rstprobe was built without libxdp. Lanes beyond the interface's TX
 * queues go by packet sockets. */
struct way *way_open_xdp(const struct way_config *c, bool *denied, struct err *e);
/* Is the interface Ethernet, with link headers of 14 octets? */
bool way_is_ethernet(const struct path *p);

#endif
