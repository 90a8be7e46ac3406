/*
 * conns: connections of the local kernel's own, from ports that we hold, under small numbers. It
 * tells of them only what an application would see; what the peer sends is captured.
 */
#ifndef WIRE_CONNS_H
#define WIRE_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "wire/wire.h"

struct conns;

/* Room for `wanted` connections at once, or fewer where this process can't have so many
 * descriptors: its soft limit is raised as far as the hard one lets it. Comes after everything
 * else that takes descriptors for long. NULL and `e` without memory. */
struct conns *conns_new(size_t wanted, struct err *e);
void conns_free(struct conns *c);	 /* what is open is reset */
size_t conns_max(const struct conns *c); /* how many there can be at once */

/* As wire_ops says; need no privilege. `path` is the one that `to` names. */
int conns_open(struct conns *c, const struct path *path, const struct wire_conn_to *to, bool *full,
	       struct err *e);
void conns_shutdown(struct conns *c, int conn);
ssize_t conns_write(struct conns *c, int conn, const void *octets, size_t len);
ssize_t conns_read(struct conns *c, int conn, void *octets, size_t cap);
bool conns_tsval(struct conns *c, int conn, uint32_t *tsval);
void conns_close(struct conns *c, int conn, bool reset);

#endif
