/*
 * octets: numbers in network order, and the Internet checksum (RFC 1071), of what is forged for the
 * program to read. Apart from src/packet, whose mistakes would go unseen here.
 */
#ifndef TESTS_BENCH_OCTETS_H
#define TESTS_BENCH_OCTETS_H

#include <stddef.h>
#include <stdint.h>

static inline void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Not folded; an odd octet counts as the first of two, so it can only be the last. */
static inline uint64_t sum16(const uint8_t *p, size_t len, uint64_t sum)
{
	for (; len >= 2; p += 2, len -= 2)
		sum += (unsigned)p[0] << 8 | p[1];
	return len ? sum + ((unsigned)p[0] << 8) : sum;
}

static inline unsigned fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~(unsigned)sum & 0xffff;
}

#endif
