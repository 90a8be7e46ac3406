/* icmp: an ICMP or ICMPv6 error as bytes, for peers that reject. */
#ifndef TESTS_FAKE_ICMP_H
#define TESTS_FAKE_ICMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { ICMP_ERROR_MAX = 108 };

/* From `from`, about the whole IP packet `ip` of `len` bytes, to its sender. Quotes the IP header
 * and 8 octets (RFC 792), of IPv6 20 (RFC 4443 asks for more). Returns the packet's length. */
size_t icmp_error(const struct addr *from, uint8_t ttl, uint8_t type, uint8_t code,
		  const uint8_t *ip, size_t len, uint8_t out[ICMP_ERROR_MAX]);

#endif
