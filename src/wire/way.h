/*
 * way: where the packets of one path go out: a raw IP socket of libnet's, bound to the path's
 * interface and source. Raw IP goes through the routing table and the OUTPUT chain.
 */
#ifndef WIRE_WAY_H
#define WIRE_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/wire.h"

struct way;

/* Needs CAP_NET_RAW: NULL with `e`; `*denied` is set where it was for want of it. */
struct way *way_open(const struct path *p, bool *denied, struct err *e);
void way_close(struct way *w);

/* Sends a run of packets of this path in order, waiting at most for buffer space; sets error in
 * each, and `*at_ns` to the clock just before the first of them left where `none_yet`. How many
 * left. */
size_t way_send(const struct way *w, struct wire_out *v, size_t n, uint64_t *at_ns, bool none_yet);

#endif
