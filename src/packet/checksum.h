/* checksum: the Internet checksum (RFC 1071) and the pseudo-headers of TCP and ICMPv6. */
#ifndef PACKET_CHECKSUM_H
#define PACKET_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* Sum of 16-bit big-endian words, not folded, not inverted: add parts, then finish. Only the last
 * part may have an odd length. */
uint64_t checksum_add(uint64_t sum, const uint8_t *p, size_t len);
uint64_t checksum_pseudo(const struct addr *src, const struct addr *dst, uint8_t protocol,
			 uint32_t len);
uint16_t checksum_finish(uint64_t sum); /* host order; 0 over data that carries a right checksum */

#endif
