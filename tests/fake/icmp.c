/* icmp: see the header. Checksums by packet/checksum, the rest by hand. */
#include "fake/icmp.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "packet/checksum.h"

static size_t error4(const struct addr *from, uint8_t ttl, const uint8_t *quote, uint8_t *b)
{
	const size_t len = 56;

	memcpy(b, (const uint8_t[]){0x45, 0, 0, (uint8_t)len, 0, 0, 0, 0, ttl, 1}, 10);
	memcpy(b + 12, from->b, 4);
	memcpy(b + 16, quote + 12, 4);
	memcpy(b + 28, quote, 28);
	bytes_put_be16(b + 10, checksum_finish(checksum_add(0, b, 20)));
	bytes_put_be16(b + 22, checksum_finish(checksum_add(0, b + 20, len - 20)));
	return len;
}

static size_t error6(const struct addr *from, uint8_t ttl, const uint8_t *quote, uint8_t *b)
{
	const size_t len = 108;
	struct addr to = {.family = ADDR_V6};

	memcpy(to.b, quote + 8, 16);
	memcpy(b, (const uint8_t[]){0x60, 0, 0, 0, 0, (uint8_t)(len - 40), 58, ttl}, 8);
	memcpy(b + 8, from->b, 16);
	memcpy(b + 24, to.b, 16);
	memcpy(b + 48, quote, 60);
	bytes_put_be16(
	    b + 42, checksum_finish(checksum_add(checksum_pseudo(from, &to, 58, (uint32_t)len - 40),
						 b + 40, len - 40)));
	return len;
}

size_t icmp_error(const struct addr *from, uint8_t ttl, uint8_t type, uint8_t code,
		  const uint8_t *ip, size_t len, uint8_t out[ICMP_ERROR_MAX])
{
	bool six = from->family == ADDR_V6;

	assert(len >= (six ? 60 : 28));
	memset(out, 0, ICMP_ERROR_MAX);
	out[six ? 40 : 20] = type;
	out[six ? 41 : 21] = code;
	return six ? error6(from, ttl, ip, out) : error4(from, ttl, ip, out);
}
