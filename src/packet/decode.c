/*
 * decode: from the frame inwards, each layer as a span: the bytes captured, and how many there
 * were on the wire by the layer around it. A need past the claim is a lie of the packet
 * (malformed), a need past the capture is the capture's fault (truncated). It judges nothing.
 */
#include "packet/decode.h"

#include <string.h>

#include "base/bytes.h"
#include "packet/checksum.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
	VLAN_MAX = 4,
	EXTENSION_MAX = 8, /* more than any sane packet carries; bounds the walk */
	TCP_HEADER = 20,
	IPV4_HEADER = 20,
	ICMP_HEADER = 8,
};

enum protocol {
	PROTOCOL_HOPOPTS = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AH = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_DSTOPTS = 60,
};

struct span {
	struct cursor c; /* what was captured of it */
	size_t claimed;	 /* octets left by the length around it; never less than c.left */
};

/* The IP header's say on what is inside it; also of a quoted one. */
struct ip_info {
	struct addr src, dst;
	uint8_t ttl, tos, protocol;
	bool df;
	uint16_t id;
	bool more_fragments, later_fragment;
	bool rerouted; /* a routing header still has hops: dst isn't the one in the pseudo-header */
};

/* The next n octets into `*p`, or why not. */
static enum decode_status take(struct span *s, size_t n, const uint8_t **p)
{
	*p = NULL;
	if (n > s->claimed)
		return DECODE_MALFORMED;
	if (n > s->c.left)
		return DECODE_TRUNCATED;
	*p = cursor_take(&s->c, n);
	s->claimed -= n;
	return DECODE_OK;
}

/* As take, ready for reading field by field. */
static enum decode_status take_cursor(struct span *s, size_t n, struct cursor *out)
{
	const uint8_t *p;
	enum decode_status st = take(s, n, &p);

	*out = cursor_of(p, st == DECODE_OK ? n : 0);
	return st;
}

/* What lies behind the claim (Ethernet padding) is no part of the packet. */
static void limit(struct span *s, size_t claimed)
{
	s->claimed = claimed;
	if (s->c.left > claimed)
		s->c.left = claimed;
}

static enum decode_status addr_take(struct cursor *c, uint8_t family, struct addr *out)
{
	size_t len = family == ADDR_V4 ? 4 : 16;
	const uint8_t *p = cursor_take(c, len);

	*out = (struct addr){.family = family};
	if (!p)
		return DECODE_TRUNCATED;
	memcpy(out->b, p, len);
	return DECODE_OK;
}

/* --- link layers: each leaves the span at the IP header and its family in *family ---------- */

static enum decode_status after_ethertype(struct span *s, uint16_t type, struct packet *out,
					  uint8_t *family)
{
	struct cursor c;
	enum decode_status st;

	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
		if (out->n_vlan == VLAN_MAX)
			return DECODE_OTHER;
		st = take_cursor(s, 4, &c);
		if (st != DECODE_OK)
			return st;
		out->vlan[out->n_vlan++] = cursor_be16(&c) & 0x0fff;
		type = cursor_be16(&c);
	}
	if (type == ETHERTYPE_IPV4)
		*family = ADDR_V4;
	else if (type == ETHERTYPE_IPV6)
		*family = ADDR_V6;
	else
		return DECODE_OTHER;
	return DECODE_OK;
}

/* A link header of `len` octets with an EtherType at `type_at`. */
static enum decode_status typed_link(struct span *s, size_t len, size_t type_at, struct packet *out,
				     uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, len, &c);

	if (st != DECODE_OK)
		return st;
	cursor_skip(&c, type_at);
	return after_ethertype(s, cursor_be16(&c), out, family);
}

/* LINKTYPE_NULL and _LOOP: an AF_ number, in the byte order of the host that captured. */
static enum decode_status null_link(struct span *s, uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, 4, &c);
	struct cursor again = c;
	uint32_t af;

	if (st != DECODE_OK)
		return st;
	af = cursor_be32(&c);
	if (af > 0xffff)
		af = cursor_le32(&again);
	switch (af) {
	case 2: *family = ADDR_V4; return DECODE_OK;
	case 10:				      /* Linux */
	case 24:				      /* NetBSD, OpenBSD */
	case 28:				      /* FreeBSD */
	case 30: *family = ADDR_V6; return DECODE_OK; /* macOS */
	default: return DECODE_OTHER;
	}
}

static enum decode_status raw_link(const struct span *s, uint8_t *family)
{
	struct span peek = *s;
	const uint8_t *p;
	enum decode_status st = take(&peek, 1, &p);

	if (st != DECODE_OK)
		return st;
	*family = p[0] >> 4;
	return *family == ADDR_V4 || *family == ADDR_V6 ? DECODE_OK : DECODE_OTHER;
}

static enum decode_status decode_link(struct span *s, int linktype, struct packet *out,
				      uint8_t *family)
{
	switch (linktype) {
	case LINKTYPE_ETHERNET: return typed_link(s, 14, 12, out, family);
	case LINKTYPE_LINUX_SLL: return typed_link(s, 16, 14, out, family);
	case LINKTYPE_LINUX_SLL2: return typed_link(s, 20, 0, out, family);
	case LINKTYPE_NULL:
	case LINKTYPE_LOOP: return null_link(s, family);
	case LINKTYPE_RAW: return raw_link(s, family);
	case LINKTYPE_IPV4: *family = ADDR_V4; return DECODE_OK;
	case LINKTYPE_IPV6: *family = ADDR_V6; return DECODE_OK;
	default: return DECODE_LINKTYPE;
	}
}

/* --- IP ------------------------------------------------------------------------------------ */

/*
 * The IPv4 header and its options. `total` is the length it claims: a quoted header and one of a
 * segment yet to be cut by the network card (TSO) can't be held to it, so the caller decides.
 */
static enum decode_status take_ipv4(struct span *s, struct ip_info *ip, size_t *total,
				    size_t *header_len)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, IPV4_HEADER, &c);
	const uint8_t *options;
	uint16_t frag;
	uint8_t v;

	if (st != DECODE_OK)
		return st;
	v = cursor_u8(&c);
	*header_len = (v & 0x0fU) * 4U;
	if (v >> 4 != 4 || *header_len < IPV4_HEADER)
		return DECODE_MALFORMED;
	ip->tos = cursor_u8(&c);
	*total = cursor_be16(&c);
	ip->id = cursor_be16(&c);
	frag = cursor_be16(&c);
	ip->df = frag & 0x4000;
	ip->more_fragments = frag & 0x2000;
	ip->later_fragment = frag & 0x1fff;
	ip->ttl = cursor_u8(&c);
	ip->protocol = cursor_u8(&c);
	cursor_skip(&c, 2);
	addr_take(&c, ADDR_V4, &ip->src);
	addr_take(&c, ADDR_V4, &ip->dst);
	return take(s, *header_len - IPV4_HEADER, &options);
}

/* One extension header; `ip->protocol` becomes the one behind it. */
static enum decode_status take_extension(struct span *s, struct ip_info *ip)
{
	uint8_t kind = ip->protocol;
	struct cursor c;
	enum decode_status st = take_cursor(s, 8, &c);
	const uint8_t *rest;
	size_t len;

	if (st != DECODE_OK)
		return st;
	ip->protocol = cursor_u8(&c);
	len = cursor_u8(&c);
	if (kind == PROTOCOL_FRAGMENT) {
		uint16_t frag = cursor_be16(&c);

		ip->more_fragments = frag & 1;
		ip->later_fragment = frag & 0xfff8;
		return DECODE_OK;
	}
	cursor_skip(&c, 1);
	if (kind == PROTOCOL_ROUTING && cursor_u8(&c) > 0)
		ip->rerouted = true;
	/* RFC 4302, 2.2: AH alone counts in 4 octets, minus 2 */
	if (kind != PROTOCOL_AH)
		return take(s, len * 8, &rest);
	return len < 1 ? DECODE_MALFORMED : take(s, len * 4, &rest);
}

static bool is_extension(uint8_t protocol)
{
	return protocol == PROTOCOL_HOPOPTS || protocol == PROTOCOL_ROUTING ||
	       protocol == PROTOCOL_FRAGMENT || protocol == PROTOCOL_AH ||
	       protocol == PROTOCOL_DSTOPTS;
}

static enum decode_status take_extensions(struct span *s, struct ip_info *ip)
{
	for (int i = 0; is_extension(ip->protocol) && !ip->later_fragment; i++) {
		enum decode_status st;

		if (i == EXTENSION_MAX)
			return DECODE_OTHER;
		st = take_extension(s, ip);
		if (st != DECODE_OK)
			return st;
	}
	return DECODE_OK;
}

static enum decode_status take_ipv6(struct span *s, struct ip_info *ip, size_t *payload_len)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, 40, &c);
	uint32_t v;

	if (st != DECODE_OK)
		return st;
	v = cursor_be32(&c);
	if (v >> 28 != 6)
		return DECODE_MALFORMED;
	ip->tos = (uint8_t)(v >> 20);
	*payload_len = cursor_be16(&c);
	ip->protocol = cursor_u8(&c);
	ip->ttl = cursor_u8(&c);
	addr_take(&c, ADDR_V6, &ip->src);
	addr_take(&c, ADDR_V6, &ip->dst);
	return DECODE_OK;
}

/* The outer IP header; leaves the span at exactly its payload. */
static enum decode_status decode_ip(struct span *s, uint8_t family, struct ip_info *ip)
{
	enum decode_status st;
	size_t len = 0, header_len = 0;

	if (family == ADDR_V6)
		st = take_ipv6(s, ip, &len);
	else
		st = take_ipv4(s, ip, &len, &header_len);
	if (st != DECODE_OK)
		return st;
	/* 0: offloading has yet to cut this frame (or a jumbogram): the frame is the length */
	if (len == 0)
		len = header_len + s->claimed;
	if (len < header_len || len - header_len > s->claimed)
		return DECODE_MALFORMED;
	limit(s, len - header_len);
	return family == ADDR_V6 ? take_extensions(s, ip) : DECODE_OK;
}

/* --- what IP carries ----------------------------------------------------------------------- */

static bool sum_is_bad(const struct span *whole, const struct ip_info *ip, bool pseudo)
{
	uint64_t sum = 0;

	if (pseudo)
		sum = checksum_pseudo(&ip->src, &ip->dst, ip->protocol, (uint32_t)whole->claimed);
	return checksum_finish(checksum_add(sum, whole->c.p, whole->c.left)) != 0;
}

static bool sum_can_be_checked(const struct span *whole, const struct ip_info *ip)
{
	return whole->c.left == whole->claimed && !ip->more_fragments && !ip->rerouted;
}

static enum decode_status decode_tcp(struct span *s, const struct ip_info *ip, struct packet *out)
{
	struct span whole = *s;
	struct segment *seg = &out->seg;
	struct cursor c;
	enum decode_status st = take_cursor(s, TCP_HEADER, &c);
	const uint8_t *options;
	uint16_t v;

	if (st != DECODE_OK)
		return st;
	seg->sport = cursor_be16(&c);
	seg->dport = cursor_be16(&c);
	seg->seq = cursor_be32(&c);
	seg->ack = cursor_be32(&c);
	v = cursor_be16(&c);
	seg->flags = v & 0x1ff;
	seg->win = cursor_be16(&c);
	cursor_skip(&c, 2);
	seg->urg = cursor_be16(&c);
	if (v >> 12 < 5)
		return DECODE_MALFORMED;
	seg->options_len = (uint8_t)((v >> 12) * 4 - TCP_HEADER);
	st = take(s, seg->options_len, &options);
	if (st != DECODE_OK)
		return st;
	if (seg->options_len)
		memcpy(seg->options, options, seg->options_len);
	options_parse(seg->options, seg->options_len, &out->options);
	seg->payload_len = (uint32_t)s->claimed;
	seg->payload = s->c.left ? s->c.p : NULL;
	out->payload_captured = (uint32_t)s->c.left;
	out->payload_cut = s->c.left < s->claimed;
	out->csum_checked = sum_can_be_checked(&whole, ip);
	out->csum_bad = out->csum_checked && sum_is_bad(&whole, ip, true);
	out->kind = PACKET_TCP;
	return DECODE_OK;
}

/*
 * The quoted IP header; leaves the span at what it quotes of the TCP segment, perhaps nothing. Its
 * lengths bound nothing: some stacks quote them in the wrong byte order or less the header, and
 * what may follow the segment (RFC 4884) lies behind all the fields that are read of it.
 */
static enum decode_status take_quoted_ip(struct span *s, uint8_t family, struct ip_info *ip)
{
	enum decode_status st;
	size_t len, header_len;

	if (family == ADDR_V4)
		return take_ipv4(s, ip, &len, &header_len);
	st = take_ipv6(s, ip, &len);
	return st == DECODE_OK ? take_extensions(s, ip) : st;
}

static void fill_quoted_tcp(struct cursor c, struct quoted *q)
{
	q->has_ports = c.left >= 4;
	q->has_seq = c.left >= 8;
	q->has_ack = c.left >= 12;
	q->has_flags = c.left >= 14;
	if (q->has_ports) {
		q->sport = cursor_be16(&c);
		q->dport = cursor_be16(&c);
	}
	if (q->has_seq)
		q->seq = cursor_be32(&c);
	if (q->has_ack)
		q->ack = cursor_be32(&c);
	if (q->has_flags)
		q->flags = cursor_be16(&c) & 0x1ff;
}

static bool is_icmp_error(uint8_t family, uint8_t type)
{
	if (family == ADDR_V6)
		return type >= 1 && type <= 4; /* RFC 4443, 3 */
	/* RFC 792: unreachable, source quench, time exceeded, parameter problem */
	return type == 3 || type == 4 || type == 11 || type == 12;
}

static enum decode_status decode_icmp(struct span *s, const struct ip_info *ip, struct packet *out)
{
	uint8_t family = ip->src.family;
	struct span whole = *s;
	struct ip_info in = {0};
	struct cursor c;
	enum decode_status st = take_cursor(s, ICMP_HEADER, &c);

	if (st != DECODE_OK)
		return st;
	out->icmp_type = cursor_u8(&c);
	out->icmp_code = cursor_u8(&c);
	if (!is_icmp_error(family, out->icmp_type))
		return DECODE_OTHER;
	st = take_quoted_ip(s, family, &in);
	if (st != DECODE_OK)
		return st;
	if (in.protocol != PROTOCOL_TCP)
		return DECODE_OTHER;
	out->quoted = (struct quoted){.src = in.src, .dst = in.dst, .ttl = in.ttl, .ip_id = in.id};
	if (!in.later_fragment)
		fill_quoted_tcp(s->c, &out->quoted);
	out->payload_cut = whole.c.left < whole.claimed;
	out->csum_checked = sum_can_be_checked(&whole, ip);
	out->csum_bad = out->csum_checked && sum_is_bad(&whole, ip, family == ADDR_V6);
	out->kind = PACKET_ICMP_ERROR;
	return DECODE_OK;
}

enum decode_status decode_frame(const uint8_t *frame, size_t captured, size_t wire_len,
				int linktype, struct packet *out)
{
	struct span s = {.c = cursor_of(frame, captured)};
	struct ip_info ip = {0};
	uint8_t family = ADDR_NONE, icmp;
	enum decode_status st;

	*out = (struct packet){0};
	/* a capture file may claim that a frame was shorter than what was captured of it */
	s.claimed = wire_len < captured ? captured : wire_len;
	st = decode_link(&s, linktype, out, &family);
	if (st != DECODE_OK)
		return st;
	out->l3_offset = (uint16_t)(captured - s.c.left);
	st = decode_ip(&s, family, &ip);
	if (st != DECODE_OK)
		return st;
	if (ip.later_fragment)
		return DECODE_FRAGMENT;
	out->first_fragment = ip.more_fragments;
	out->seg.src = ip.src;
	out->seg.dst = ip.dst;
	out->seg.ttl = ip.ttl;
	out->seg.tos = ip.tos;
	out->seg.df = ip.df;
	out->seg.ip_id = ip.id;
	if (ip.protocol == PROTOCOL_TCP)
		return decode_tcp(&s, &ip, out);
	icmp = family == ADDR_V6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
	return ip.protocol == icmp ? decode_icmp(&s, &ip, out) : DECODE_OTHER;
}

enum decode_status decode_frame_how(const uint8_t *frame, size_t captured, size_t wire_len,
				    int linktype, unsigned how, struct packet *out)
{
	(void)how;
	return decode_frame(frame, captured, wire_len, linktype, out);
}

const char *tunnel_name(enum tunnel t)
{
	static const char *const names[TUNNELS] = {
	    [TUNNEL_IPIP] = "IP in IP",
	    [TUNNEL_GRE] = "GRE",
	    [TUNNEL_TEREDO] = "Teredo",
	    [TUNNEL_VXLAN] = "VXLAN",
	};

	return names[t];
}

const char *decode_status_name(enum decode_status s)
{
	switch (s) {
	case DECODE_OK: return "ok";
	case DECODE_OTHER: return "other";
	case DECODE_FRAGMENT: return "fragment";
	case DECODE_TRUNCATED: return "truncated";
	case DECODE_MALFORMED: return "malformed";
	case DECODE_LINKTYPE: return "unknown link type";
	}
	return "?";
}
