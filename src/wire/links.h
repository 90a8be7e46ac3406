/*
 * links: tells at once when an interface goes down, loses its carrier or goes away, and when an
 * address is taken from one, by rtnetlink. Needs no privilege.
 */
#ifndef WIRE_LINKS_H
#define WIRE_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum link_state {
	LINK_UP,
	LINK_NO_CARRIER, /* may come back: cable, peer of a veth, reader of a tun */
	LINK_DOWN,	 /* by hand: `ip link set ... down` */
	LINK_GONE,
};

struct links;
typedef void link_fn(void *ctx, uint32_t ifindex, enum link_state state);
typedef void link_bereft_fn(void *ctx, uint32_t ifindex, const struct addr *a);

struct links *links_open(struct err *e); /* the state of every interface is the first news */
void links_close(struct links *l);
int links_fd(const struct links *l); /* readable where there is news */
/* Hands on what is there and never waits. `bereft` hears of addresses that are no more; may be
 * NULL. */
void links_read(struct links *l, link_fn *fn, link_bereft_fn *bereft, void *ctx);

/* Its own address; false where it is no Ethernet whose neighbours are asked for. */
bool links_ethernet(const char *ifname, uint8_t mac[6]);

#endif
