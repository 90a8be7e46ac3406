/*
 * cookie: the numbers of a probe, from a keyed hash (SipHash, libsodium) of where it goes. What
 * comes back proves itself by them, and no table of what was sent is needed.
 */
#ifndef ENGINE_COOKIE_H
#define ENGINE_COOKIE_H

#include <stdint.h>

#include "base/addr.h"

enum { COOKIE_KEY = 16 };

struct cookie {
	uint32_t seq, ack; /* ack is never 0 */
};

/* The same for every try on one 4-tuple; `kind` keeps probe kinds apart. The zone does not count.
 */
struct cookie cookie_make(const uint8_t key[COOKIE_KEY], const struct addr *dst, uint16_t dport,
			  uint16_t sport, uint8_t kind);

#endif
