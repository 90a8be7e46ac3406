/*
 * addr: an IPv4 or IPv6 address as a value, with its arithmetic and its text.
 * It knows nothing of sockets, of names, or of what an interface is called.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum addr_family { ADDR_NONE = 0, ADDR_V4 = 4, ADDR_V6 = 6 };

struct addr {
	uint8_t family; /* enum addr_family */
	uint8_t b[16];	/* network byte order; IPv4 in b[0..3], the rest 0 */
	uint32_t zone;	/* interface index of a link-local address (RFC 4007), else 0 */
};

#define ADDR_TEXT 64 /* bytes that any formatted address fits in, with a numeric zone */

struct addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
size_t addr_len(const struct addr *a);	  /* 4, 16, or 0 */
unsigned addr_bits(const struct addr *a); /* 32, 128, or 0 */

/* 0, or -1 where `text` is no address. Takes no zone, no brackets: "192.0.2.1", "2001:db8::1". */
int addr_parse(const char *text, struct addr *out);
/* RFC 5952 text, with "%<number>" where a zone is set; returns buf. */
const char *addr_format(const struct addr *a, char buf[ADDR_TEXT]);
/* As addr_format, with the zone by its name ("fe80::1%eth0"); zone_name may be NULL. */
const char *addr_format_zone(const struct addr *a, const char *zone_name, char buf[ADDR_TEXT]);

/* Order: family, zone, bytes. Equal means all three. */
int addr_cmp(const struct addr *a, const struct addr *b);
bool addr_equal(const struct addr *a, const struct addr *b);
/* Equal where one side's zone is 0: a capture knows no zone, a target may. */
bool addr_same(const struct addr *a, const struct addr *b);

/* a + n within its family; the caller keeps it from wrapping (assert). */
struct addr addr_add(struct addr a, uint64_t n);
/* b - a for a <= b of one family; UINT64_MAX where it does not fit. */
uint64_t addr_diff(const struct addr *a, const struct addr *b);
/* The first and the last address of a's prefix of `bits`. */
struct addr addr_first(struct addr a, unsigned bits);
struct addr addr_last(struct addr a, unsigned bits);

bool addr_is_multicast(const struct addr *a);
bool addr_is_unspecified(const struct addr *a); /* 0.0.0.0/8 and :: */
bool addr_is_broadcast(const struct addr *a);	/* 255.255.255.255 */
bool addr_is_loopback(const struct addr *a);
bool addr_is_link_local(const struct addr *a); /* fe80::/10; such an address needs a zone */
/* Neither loopback, private (RFC 1918, 4193, 6598), link-local, nor for documentation or
 * benchmarks. */
bool addr_is_public(const struct addr *a);

#endif
