/*
 * craft: each packet is built anew, bottom-up. Updating libnet's blocks by their tags is faster by
 * nothing and wrong where lengths change (libnet 1.1.6 leaves IP lengths stale), so it isn't done.
 * What libnet's interface can't say (the AE bit) is patched into its bytes.
 */
#include "packet/craft.h"

#include <libnet.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "packet/checksum.h"

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	PROTOCOL_TCP = 6,
	IP_DF_BIT = 0x4000,
	TOTAL_MAX = 65535,
};

struct craft {
	libnet_t *l;
};

/* libnet's texts may end in a newline. */
static int fail_libnet(struct err *e, const char *what, const char *why)
{
	return err_set(e, "craft: %s: %.*s", what, (int)strcspn(why, "\n"), why);
}

struct craft *craft_new(struct err *e)
{
	char why[LIBNET_ERRBUF_SIZE] = "";
	struct craft *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(e, "craft: out of memory");
		return NULL;
	}
	/* LIBNET_NONE: no socket, no device, no privilege */
	c->l = libnet_init(LIBNET_NONE, NULL, why);
	if (!c->l) {
		fail_libnet(e, "libnet_init", why);
		free(c);
		return NULL;
	}
	return c;
}

void craft_free(struct craft *c)
{
	if (!c)
		return;
	libnet_destroy(c->l);
	free(c);
}

static uint32_t ipv4_raw(const struct addr *a)
{
	uint32_t v;

	memcpy(&v, a->b, sizeof(v));
	return v;
}

static struct libnet_in6_addr ipv6_raw(const struct addr *a)
{
	struct libnet_in6_addr v;

	memcpy(&v, a->b, sizeof(v));
	return v;
}

static int build_tcp(libnet_t *l, const struct segment *s, uint32_t tcp_len)
{
	uint8_t options[TCP_OPTIONS_MAX + 3] = {0}; /* zero is EOL: the padding of RFC 9293, 3.1 */
	uint32_t padded = (s->options_len + 3U) & ~3U;

	memcpy(options, s->options, s->options_len);
	if (padded && libnet_build_tcp_options(options, padded, l, 0) < 0)
		return -1;
	return libnet_build_tcp(s->sport, s->dport, s->seq, s->ack, (uint8_t)s->flags, s->win, 0,
				s->urg, (uint16_t)tcp_len, s->payload_len ? s->payload : NULL,
				s->payload_len, l, 0);
}

static int build_ip(libnet_t *l, const struct segment *s, uint32_t tcp_len)
{
	if (s->src.family == ADDR_V4)
		return libnet_build_ipv4((uint16_t)(IPV4_HEADER + tcp_len), s->tos, s->ip_id,
					 s->df ? IP_DF_BIT : 0, s->ttl, PROTOCOL_TCP, 0,
					 ipv4_raw(&s->src), ipv4_raw(&s->dst), NULL, 0, l, 0);
	return libnet_build_ipv6(s->tos, 0, (uint16_t)tcp_len, PROTOCOL_TCP, s->ttl,
				 ipv6_raw(&s->src), ipv6_raw(&s->dst), NULL, 0, l, 0);
}

static void set_ae(const struct segment *s, uint8_t *tcp, uint32_t tcp_len)
{
	uint64_t sum = checksum_pseudo(&s->src, &s->dst, PROTOCOL_TCP, tcp_len);

	tcp[12] |= 1;
	bytes_put_be16(tcp + 16, 0);
	bytes_put_be16(tcp + 16, checksum_finish(checksum_add(sum, tcp, tcp_len)));
}

/* The length of the whole packet, or -1 where `s` can't be one. */
static int check(const struct segment *s, size_t cap, struct err *e)
{
	size_t ip_len = s->src.family == ADDR_V4 ? IPV4_HEADER : IPV6_HEADER, total;

	if (s->src.family != s->dst.family || !addr_len(&s->src))
		return err_set(e, "craft: source and destination are not of one family");
	if (s->options_len > TCP_OPTIONS_MAX)
		return err_set(e, "craft: %u bytes of TCP options, at most %d fit", s->options_len,
			       TCP_OPTIONS_MAX);
	total = ip_len + TCP_HEADER + ((s->options_len + 3U) & ~3U) + s->payload_len;
	if (s->payload_len > TOTAL_MAX || total > TOTAL_MAX)
		return err_set(e, "craft: %u bytes of payload do not fit an IP packet",
			       (unsigned)s->payload_len);
	if (total > cap)
		return err_set(e, "craft: the packet takes %zu bytes, the buffer has %zu", total,
			       cap);
	return (int)total;
}

int craft_build(struct craft *c, const struct segment *s, uint8_t *out, size_t cap, struct err *e)
{
	int total = check(s, cap, e), ret = -1;
	uint32_t tcp_len, built_len = 0;
	uint8_t *built = NULL;

	if (total < 0)
		return -1;
	tcp_len = (uint32_t)total - (s->src.family == ADDR_V4 ? IPV4_HEADER : IPV6_HEADER);
	if (build_tcp(c->l, s, tcp_len) < 0 || build_ip(c->l, s, tcp_len) < 0 ||
	    libnet_pblock_coalesce(c->l, &built, &built_len) < 0) {
		fail_libnet(e, "libnet", libnet_geterror(c->l));
		goto out;
	}
	if (built_len != (uint32_t)total) {
		err_set(e, "craft: libnet built %u bytes where %d were due", (unsigned)built_len,
			total);
		goto out;
	}
	memcpy(out, built, built_len);
	if (s->flags & TCP_AE)
		set_ae(s, out + built_len - tcp_len, tcp_len);
	ret = total;
out:
	if (built)
		libnet_adv_free_packet(c->l, built);
	libnet_clear_packet(c->l);
	return ret;
}
