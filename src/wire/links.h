/*
 * links: tells at once when an interface goes down, loses its carrier or goes away, by rtnetlink.
 * Needs no privilege.
 */
#ifndef WIRE_LINKS_H
#define WIRE_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum link_state {
	LINK_UP,
	LINK_NO_CARRIER, /* may come back: cable, peer of a veth, reader of a tun */
	LINK_DOWN,	 /* by hand: `ip link set ... down` */
	LINK_GONE,
};

struct links;
typedef void link_fn(void *ctx, uint32_t ifindex, enum link_state state);

struct links *links_open(struct err *e); /* the state of every interface is the first news */
void links_close(struct links *l);
int links_fd(const struct links *l); /* readable where there is news */
/* Hands on what is there and never waits. */
void links_read(struct links *l, link_fn *fn, void *ctx);

/* Its own address; false where it is no Ethernet whose neighbours are asked for. */
bool links_ethernet(const char *ifname, uint8_t mac[6]);

#endif
