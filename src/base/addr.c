/*
 * addr: arithmetic works on the bytes, so that both families share one code. Parsing trusts the C
 * library (strict in both families); printing is our own, since RFC 5952 leaves one form and
 * libraries differ in what they do with "::1.2.3.4".
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

struct addr addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct addr){.family = ADDR_V4, .b = {a, b, c, d}};
}

size_t addr_len(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return 4;
	return a->family == ADDR_V6 ? 16 : 0;
}

unsigned addr_bits(const struct addr *a)
{
	return (unsigned)addr_len(a) * 8;
}

int addr_parse(const char *text, struct addr *out)
{
	struct addr a = {.family = ADDR_NONE};

	if (inet_pton(AF_INET, text, a.b) == 1)
		a.family = ADDR_V4;
	else if (inet_pton(AF_INET6, text, a.b) == 1)
		a.family = ADDR_V6;
	else
		return -1;
	*out = a;
	return 0;
}

static bool is_v4_mapped(const uint8_t b[16])
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(b, prefix, sizeof(prefix)) == 0;
}

/* The longest run of two or more zero words, the first among equals (RFC 5952, 4.2). */
static unsigned longest_zero_run(const unsigned w[8], unsigned *len)
{
	unsigned best = 8, run = 0;

	*len = 1;
	for (unsigned i = 0; i < 8; i++) {
		run = w[i] ? 0 : run + 1;
		if (run > *len) {
			*len = run;
			best = i + 1 - run;
		}
	}
	return best;
}

/* printf would be most of the cost of a record. */
static char *put_octet(char *p, unsigned n)
{
	if (n >= 100)
		*p++ = (char)('0' + n / 100);
	if (n >= 10)
		*p++ = (char)('0' + n / 10 % 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

static char *put_v4(char *p, const uint8_t b[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		p = put_octet(p, b[i]);
	}
	return p;
}

static char *put_group(char *p, unsigned w)
{
	static const char hex[] = "0123456789abcdef";
	int shift = w > 0xfff ? 12 : w > 0xff ? 8 : w > 0xf ? 4 : 0;

	for (; shift >= 0; shift -= 4)
		*p++ = hex[w >> shift & 15];
	return p;
}

static char *put_v6(char *p, const uint8_t b[16])
{
	unsigned w[8], run, gap;

	if (is_v4_mapped(b)) { /* RFC 5952, 5: the mixed form for this well-known prefix */
		memcpy(p, "::ffff:", 7);
		return put_v4(p + 7, b + 12);
	}
	for (unsigned i = 0; i < 8; i++)
		w[i] = (unsigned)b[2 * i] << 8 | b[2 * i + 1];
	gap = longest_zero_run(w, &run);
	for (unsigned i = 0; i < 8; i++) {
		if (i == gap) {
			*p++ = ':';
			*p++ = ':';
			i += run - 1;
			continue;
		}
		if (i && i != gap + run)
			*p++ = ':';
		p = put_group(p, w[i]);
	}
	return p;
}

/* The address without its zone; returns its length. */
static size_t format_bare(const struct addr *a, char buf[ADDR_TEXT])
{
	char *end = buf;

	if (a->family == ADDR_V4)
		end = put_v4(buf, a->b);
	else if (a->family == ADDR_V6)
		end = put_v6(buf, a->b);
	else
		*end++ = '-';
	*end = '\0';
	return (size_t)(end - buf);
}

const char *addr_format(const struct addr *a, char buf[ADDR_TEXT])
{
	size_t n = format_bare(a, buf);

	if (a->zone)
		snprintf(buf + n, ADDR_TEXT - n, "%%%u", (unsigned)a->zone);
	return buf;
}

const char *addr_format_zone(const struct addr *a, const char *zone_name, char buf[ADDR_TEXT])
{
	size_t n;

	if (!zone_name || !a->zone)
		return addr_format(a, buf);
	n = format_bare(a, buf);
	snprintf(buf + n, ADDR_TEXT - n, "%%%s", zone_name);
	for (char *c = buf + n; *c; c++) /* an interface may be called anything */
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return buf;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->zone != b->zone)
		return a->zone < b->zone ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_cmp(a, b) == 0;
}

bool addr_same(const struct addr *a, const struct addr *b)
{
	if (a->zone && b->zone && a->zone != b->zone)
		return false;
	return a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

struct addr addr_add(struct addr a, uint64_t n)
{
	size_t i = addr_len(&a);
	unsigned carry = 0;

	if (a.family == ADDR_V4) { /* millions of these */
		uint64_t v = ((uint64_t)a.b[0] << 24 | (uint64_t)a.b[1] << 16 |
			      (uint64_t)a.b[2] << 8 | a.b[3]) +
			     n;

		assert(v <= UINT32_MAX && v >= n);
		for (i = 4; i-- > 0; v >>= 8)
			a.b[i] = (uint8_t)v;
		return a;
	}
	while (i-- > 0 && (n || carry)) {
		unsigned v = a.b[i] + (unsigned)(n & 0xff) + carry;

		a.b[i] = (uint8_t)v;
		carry = v >> 8;
		n >>= 8;
	}
	assert(!n && !carry);
	return a;
}

uint64_t addr_diff(const struct addr *a, const struct addr *b)
{
	size_t len = addr_len(a);
	uint64_t d = 0;
	int borrow = 0;

	assert(a->family == b->family && memcmp(a->b, b->b, sizeof(a->b)) <= 0);
	for (size_t k = 0; k < len; k++) {
		size_t i = len - 1 - k;
		int v = b->b[i] - a->b[i] - borrow;

		borrow = v < 0;
		v &= 0xff;
		if (k >= 8 && v)
			return UINT64_MAX;
		if (k < 8)
			d |= (uint64_t)v << (8 * k);
	}
	return d;
}

/* Sets the bits behind the prefix all to 0 or all to 1. */
static struct addr fill_host_bits(struct addr a, unsigned bits, bool ones)
{
	assert(bits <= addr_bits(&a));
	for (size_t i = 0; i < addr_len(&a); i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * (unsigned)i : 0;
		uint8_t host = (uint8_t)(kept >= 8 ? 0 : 0xff >> kept);

		a.b[i] = ones ? (uint8_t)(a.b[i] | host) : (uint8_t)(a.b[i] & ~host);
	}
	return a;
}

struct addr addr_first(struct addr a, unsigned bits)
{
	return fill_host_bits(a, bits, false);
}

struct addr addr_last(struct addr a, unsigned bits)
{
	return fill_host_bits(a, bits, true);
}

bool addr_is_multicast(const struct addr *a)
{
	if (a->family == ADDR_V4)
		return (a->b[0] & 0xf0) == 0xe0;
	return a->family == ADDR_V6 && a->b[0] == 0xff;
}

bool addr_is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	if (a->family == ADDR_V4)
		return a->b[0] == 0;
	return a->family == ADDR_V6 && memcmp(a->b, zero, 16) == 0;
}

bool addr_is_broadcast(const struct addr *a)
{
	static const uint8_t ones[4] = {255, 255, 255, 255};

	return a->family == ADDR_V4 && memcmp(a->b, ones, 4) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == ADDR_V4)
		return a->b[0] == 127;
	return a->family == ADDR_V6 && memcmp(a->b, one, 16) == 0;
}

bool addr_is_link_local(const struct addr *a)
{
	return a->family == ADDR_V6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

struct prefix {
	uint8_t b[6];
	uint8_t bits;
};

static bool in_prefixes(const uint8_t *b, const struct prefix *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned whole = v[i].bits / 8, rest = v[i].bits % 8;
		unsigned mask = 0xff00U >> rest & 0xff;

		if (memcmp(b, v[i].b, whole) == 0 && (!rest || (b[whole] & mask) == v[i].b[whole]))
			return true;
	}
	return false;
}

static bool v4_is_public(const uint8_t *b)
{
	static const struct prefix not_public[] = {
	    {{127}, 8},		  /* loopback */
	    {{10}, 8},		  /* RFC 1918 */
	    {{172, 16}, 12},	  /* RFC 1918 */
	    {{192, 168}, 16},	  /* RFC 1918 */
	    {{100, 64}, 10},	  /* RFC 6598 */
	    {{169, 254}, 16},	  /* RFC 3927 */
	    {{192, 0, 2}, 24},	  /* RFC 5737 */
	    {{198, 51, 100}, 24}, /* RFC 5737 */
	    {{203, 0, 113}, 24},  /* RFC 5737 */
	    {{198, 18}, 15},	  /* RFC 2544 */
	};

	return !in_prefixes(b, not_public, sizeof(not_public) / sizeof(not_public[0]));
}

bool addr_is_public(const struct addr *a)
{
	static const struct prefix not_public[] = {
	    {{0xfc}, 7},			  /* RFC 4193 */
	    {{0xfe, 0x80}, 10},			  /* RFC 4291 */
	    {{0x20, 0x01, 0x0d, 0xb8}, 32},	  /* RFC 3849 */
	    {{0x3f, 0xff}, 20},			  /* RFC 9637 */
	    {{0x20, 0x01, 0x00, 0x02, 0, 0}, 48}, /* RFC 5180 */
	};

	if (a->family == ADDR_V4)
		return v4_is_public(a->b);
	if (a->family != ADDR_V6 || addr_is_loopback(a))
		return false;
	if (is_v4_mapped(a->b))
		return v4_is_public(a->b + 12);
	return !in_prefixes(a->b, not_public, sizeof(not_public) / sizeof(not_public[0]));
}
