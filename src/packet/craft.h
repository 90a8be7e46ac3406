/*
 * craft: a segment becomes the bytes of an IP packet, by libnet, without privilege.
 * One `struct craft` per thread. It refuses to know where the bytes go.
 */
#ifndef PACKET_CRAFT_H
#define PACKET_CRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "packet/segment.h"

struct craft;

struct craft *craft_new(struct err *e); /* NULL and `e` where libnet refuses */
void craft_free(struct craft *c);

/*
 * Builds the IP packet (no link header) of `s` into `out`; checksums right. Returns its length,
 * or -1 with `e`: families differ, options over 40 bytes, or `cap` too small.
 * Every header field is as `s` says: IPv4 ID 0 stays 0 (a raw socket may still fill it in).
 */
int craft_build(struct craft *c, const struct segment *s, uint8_t *out, size_t cap, struct err *e);

#endif
