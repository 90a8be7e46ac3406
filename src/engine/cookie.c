/* cookie: one SipHash a probe. It knows nothing of what the numbers are used for. */
#include "engine/cookie.h"

#include <string.h>

#include <sodium/crypto_shorthash.h>

#include "base/bytes.h"

_Static_assert(crypto_shorthash_KEYBYTES == COOKIE_KEY, "the key is SipHash's");

struct cookie cookie_make(const uint8_t key[COOKIE_KEY], const struct addr *dst, uint16_t dport,
			  uint16_t sport, uint8_t kind)
{
	uint8_t in[22] = {0};
	uint8_t out[crypto_shorthash_BYTES];
	struct cookie c;

	memcpy(in, dst->b, sizeof(dst->b));
	bytes_put_be16(in + 16, dport);
	bytes_put_be16(in + 18, sport);
	in[20] = kind;
	in[21] = dst->family;
	crypto_shorthash(out, in, sizeof(in), key);
	memcpy(&c.seq, out, 4);
	memcpy(&c.ack, out + 4, 4);
	c.ack |= !c.ack;
	return c;
}
