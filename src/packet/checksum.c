/*
 * checksum: sums of 16-bit words in 64 bits, so that no packet can overflow them; folding comes
 * once, at the end. It knows no header but the two pseudo-headers.
 */
#include "packet/checksum.h"

uint64_t checksum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint64_t)p[i] << 8 | p[i + 1];
	if (i < len) /* RFC 1071, 1: padded by a zero octet */
		sum += (uint64_t)p[i] << 8;
	return sum;
}

/* RFC 9293, 3.1 (IPv4) and RFC 8200, 8.1 (IPv6) sum to the same form. */
uint64_t checksum_pseudo(const struct addr *src, const struct addr *dst, uint8_t protocol,
			 uint32_t len)
{
	uint64_t sum = (uint64_t)protocol + (len >> 16) + (len & 0xffff);

	sum = checksum_add(sum, src->b, addr_len(src));
	return checksum_add(sum, dst->b, addr_len(dst));
}

uint16_t checksum_finish(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
