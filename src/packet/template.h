/*
 * template: a packet that libnet has built once, and the few fields that differ from probe to
 * probe. Patching copies it and mends both checksums from the sums of what stays (RFC 1624), so a
 * patched packet is, byte for byte, what libnet would have built. It needs no libnet and no lock.
 */
#ifndef PACKET_TEMPLATE_H
#define PACKET_TEMPLATE_H

#include <stdint.h>

#include "base/err.h"
#include "packet/craft.h"
#include "packet/segment.h"

struct template;

/* What differs. All host byte order; ip_id is ignored for IPv6, tsval where the segment has no
 * timestamps option (its TSecr stays as in the segment). */
struct patch {
	const struct addr *dst; /* of the template's family */
	uint16_t sport, dport, ip_id;
	uint32_t seq, ack, tsval;
};

/* From a segment whose other fields, options and payload are the probe's. NULL and `e` as
 * craft_build. */
struct template *template_new(struct craft *c, const struct segment *s, struct err *e);
void template_free(struct template *t);
uint16_t template_len(const struct template *t); /* octets of the packet */
/* Writes template_len octets to `out`. */
void template_patch(const struct template *t, const struct patch *p, uint8_t *out);

#endif
