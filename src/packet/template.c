/*
 * template: what libnet built is kept with the fields that differ set to zero, and with the sums of
 * the rest. A zero adds nothing to a sum, so a patched checksum is the kept sum plus the 16-bit
 * words that were put in. It refuses to know what a probe is, and where octets go.
 */
#include "packet/template.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/options.h"

enum {
	IPV4_HEADER = 20,
	IPV4_ID = 4,
	IPV4_CHECKSUM = 10,
	IPV4_DST = 16,
	IPV6_HEADER = 40,
	IPV6_DST = 24,
	TCP_HEADER = 20,
	TCP_SEQ = 4,
	TCP_ACK_FIELD = 8,
	TCP_CHECKSUM = 16,
	PROTOCOL_TCP = 6,
	TIMESTAMPS_LEN = 10,
	HEADERS_MAX = IPV6_HEADER + TCP_HEADER + TCP_OPTIONS_MAX,
	TOTAL_MAX = 65535,
};

struct template
{
	uint8_t family;
	uint16_t len;
	uint16_t tcp, tsval; /* offsets in octets; tsval 0: no timestamps */
	/* 256 where tsval lies at an odd offset of the segment, else 1. Such words have their
	 * octets swapped in the sum, which modulo 65535 is a factor of 256 (RFC 1071, 2 (B)). */
	uint32_t tsval_weight;
	uint64_t ip_sum, tcp_sum; /* of what stays; TCP's with its pseudo-header */
	uint8_t octets[];
};

static uint32_t words(uint32_t v)
{
	return (v >> 16) + (v & 0xffff);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Where TSval lies in the first timestamps option of the block; 0 where there is none. */
static uint16_t find_tsval(const uint8_t *options, size_t len)
{
	struct cursor c = cursor_of(options, len);

	while (c.left) {
		uint8_t kind = cursor_u8(&c), opt_len;

		if (kind == TCP_OPT_NOP)
			continue;
		opt_len = cursor_u8(&c);
		if (kind == TCP_OPT_EOL || opt_len < 2 || opt_len - 2U > c.left)
			break;
		if (kind == TCP_OPT_TIMESTAMPS && opt_len == TIMESTAMPS_LEN)
			return (uint16_t)(len - c.left);
		cursor_skip(&c, opt_len - 2U);
	}
	return 0;
}

/* Zeroes what will differ, then sums the rest. */
static void reduce(struct template *t, const struct segment *s)
{
	struct addr none = {.family = t->family};
	uint8_t *p = t->octets, *tcp = p + t->tcp;
	uint16_t tcp_len = (uint16_t)(t->len - t->tcp);

	memset(p + (t->family == ADDR_V4 ? IPV4_DST : IPV6_DST), 0, addr_len(&none));
	memset(tcp, 0, TCP_ACK_FIELD + 4); /* both ports, SEQ, ACK */
	bytes_put_be16(tcp + TCP_CHECKSUM, 0);
	if (t->tsval)
		bytes_put_be32(p + t->tsval, 0);
	if (t->family == ADDR_V4) {
		bytes_put_be16(p + IPV4_ID, 0);
		bytes_put_be16(p + IPV4_CHECKSUM, 0);
		t->ip_sum = checksum_add(0, p, IPV4_HEADER);
	}
	t->tcp_sum = checksum_pseudo(&s->src, &none, PROTOCOL_TCP, tcp_len);
	t->tcp_sum = checksum_add(t->tcp_sum, tcp, tcp_len);
}

struct template *template_new(struct craft *c, const struct segment *s, struct err *e)
{
	size_t cap = HEADERS_MAX + (size_t)s->payload_len;
	struct template *t;
	uint16_t at;
	int len;

	/* what is longer can't be built, and craft says so */
	cap = cap < TOTAL_MAX ? cap : TOTAL_MAX;
	t = calloc(1, sizeof(*t) + cap);
	if (!t) {
		err_set(e, "template: out of memory");
		return NULL;
	}
	len = craft_build(c, s, t->octets, cap, e);
	if (len < 0) {
		free(t);
		return NULL;
	}
	t->family = s->src.family;
	t->len = (uint16_t)len;
	t->tcp = t->family == ADDR_V4 ? IPV4_HEADER : IPV6_HEADER;
	at = find_tsval(s->options, s->options_len);
	if (at)
		t->tsval = (uint16_t)(t->tcp + TCP_HEADER + at);
	t->tsval_weight = at % 2 ? 256 : 1;
	reduce(t, s);
	return t;
}

void template_free(struct template *t)
{
	free(t);
}

uint16_t template_len(const struct template *t)
{
	return t->len;
}

/* Both return the sum of the destination's words. */
static uint64_t patch_ipv4(const struct template *t, const struct patch *p, uint8_t *out)
{
	uint32_t dst = words(get32(p->dst->b));

	memcpy(out + IPV4_DST, p->dst->b, 4);
	bytes_put_be16(out + IPV4_ID, p->ip_id);
	bytes_put_be16(out + IPV4_CHECKSUM, checksum_finish(t->ip_sum + dst + p->ip_id));
	return dst;
}

static uint64_t patch_ipv6(const struct patch *p, uint8_t *out)
{
	const uint8_t *dst = p->dst->b;

	memcpy(out + IPV6_DST, dst, 16);
	return (uint64_t)words(get32(dst)) + words(get32(dst + 4)) + words(get32(dst + 8)) +
	       words(get32(dst + 12));
}

void template_patch(const struct template *t, const struct patch *p, uint8_t *out)
{
	uint64_t sum = t->tcp_sum + p->sport + p->dport + words(p->seq) + words(p->ack);
	uint8_t *tcp = out + t->tcp;

	assert(p->dst->family == t->family);
	memcpy(out, t->octets, t->len);
	sum += t->family == ADDR_V4 ? patch_ipv4(t, p, out) : patch_ipv6(p, out);
	bytes_put_be16(tcp, p->sport);
	bytes_put_be16(tcp + 2, p->dport);
	bytes_put_be32(tcp + TCP_SEQ, p->seq);
	bytes_put_be32(tcp + TCP_ACK_FIELD, p->ack);
	if (t->tsval) {
		bytes_put_be32(out + t->tsval, p->tsval);
		sum += (uint64_t)words(p->tsval) * t->tsval_weight;
	}
	bytes_put_be16(tcp + TCP_CHECKSUM, checksum_finish(sum));
}
