/* cookie: one SipHash a probe. It knows nothing of what the numbers are used for. */
#include "engine/cookie.h"

#include <string.h>

#include <sodium/crypto_shorthash.h>

#include "base/bytes.h"

_Static_assert(crypto_shorthash_KEYBYTES == COOKIE_KEY, "the key is SipHash's");

struct cookie cookie_make(const uint8_t key[COOKIE_KEY], const struct addr *dst, uint16_t dport,
			  uint16_t sport, uint8_t kind)
{
	uint8_t in[22];
	uint8_t out[crypto_shorthash_BYTES];
	struct cookie c;
	size_t len = dst->family == ADDR_V4 ? 4 : sizeof(dst->b);

	memcpy(in, dst->b, sizeof(dst->b));
	bytes_put_be16(in + len, dport);
	bytes_put_be16(in + len + 2, sport);
	in[len + 4] = kind;
	in[len + 5] = dst->family;
	crypto_shorthash(out, in, len + 6, key); /* the length tells the families apart, too */
	memcpy(&c.seq, out, 4);
	memcpy(&c.ack, out + 4, 4);
	c.ack |= !c.ack;
	return c;
}
