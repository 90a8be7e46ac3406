/*
 * route: asks the kernel by netlink (libmnl) how a target is reached: rules, marks and tables
 * honoured, because it is the kernel that answers. Needs no privilege. Linux only, in this file.
 */
#ifndef WIRE_ROUTE_H
#define WIRE_ROUTE_H

#include "base/addr.h"
#include "base/err.h"
#include "wire/wire.h"

struct route;

/* What the user fixed (-i, -S); zero values leave the choice to the kernel. */
struct route_wish {
	char ifname[16];
	struct addr src;
};

struct route *route_open(const struct route_wish *wish,
			 struct err *e); /* -i naming no interface: NULL and `e` */
void route_close(struct route *r);

/*
 * How many of the `count` addresses from `first` on share one path (>= 1), and which: `*path` is an
 * index into the table of route_paths, or PATH_NONE with the reason in `e` where the kernel has no
 * route. The cuts come from a dump of rules and tables, made once per family; each piece is checked
 * by one RTM_GETROUTE. Returns -1 with `e` only where netlink itself fails.
 */
int route_piece(struct route *r, const struct addr *first, uint64_t count, uint64_t *run,
		uint16_t *path, struct err *e);
/* Did the last route_piece give PATH_NONE because the addresses are a network's broadcast? */
bool route_was_broadcast(const struct route *r);
/* The paths so far; grows with route_piece; borrowed until the next call. */
const struct path *route_paths(const struct route *r, size_t *n);
/* The way to one address: 1; 0: none leads there; -1 with `e`. */
static inline int route_to(struct route *r, const struct addr *dst, struct path *out, struct err *e)
{
	uint16_t path = PATH_NONE;
	uint64_t run;
	size_t n;

	if (route_piece(r, dst, 1, &run, &path, e) < 0)
		return -1;
	if (path == PATH_NONE)
		return 0;
	*out = route_paths(r, &n)[path];
	return 1;
}

/* Interface names and indices, for zones. 0 / NULL where there is none such. */
uint32_t route_ifindex(const char *name);
const char *route_ifname(uint32_t index, char buf[16]);

#endif
