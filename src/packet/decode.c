/*
 * decode: from the frame inwards, each layer as a span: the bytes captured, and how many there
 * were on the wire by the layer around it. A need past the claim is a lie of the packet
 * (malformed), a need past the capture is the capture's fault (truncated). It judges nothing.
 */
#include "packet/decode.h"

#include <string.h>

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/decode_private.h"

enum {
	EXTENSION_MAX = 8, /* more than any sane packet carries; bounds the walk */
	TUNNELS_MAX = 4,   /* one in the other */
	TCP_HEADER = 20,
	IPV4_HEADER = 20,
	ICMP_HEADER = 8,
};

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

/* An IP header that is no quoted one; leaves the span at exactly its payload. */
static enum decode_status decode_ip(struct span *s, uint8_t family, struct ip_info *ip)
{
	enum decode_status st;
	size_t len = 0, header_len = 0;

	*ip = (struct ip_info){0};
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

static bool sum_is_left(const struct span *whole, const struct ip_info *ip, uint16_t field)
{
	uint64_t sum = checksum_pseudo(&ip->src, &ip->dst, ip->protocol, (uint32_t)whole->claimed);

	return field + checksum_finish(sum) == UINT16_MAX;
}

static bool sum_is_wanted(unsigned how, uint16_t flags)
{
	return !(how & DECODE_SUMS_OF_RSTS) || flags & TCP_RST;
}

static bool sum_can_be_checked(const struct span *whole, const struct ip_info *ip)
{
	return whole->c.left == whole->claimed && !ip->more_fragments && !ip->rerouted;
}

static enum decode_status decode_tcp(struct span *s, const struct ip_info *ip, unsigned how,
				     struct packet *out)
{
	struct span whole = *s;
	struct segment *seg = &out->seg;
	struct cursor c;
	enum decode_status st = take_cursor(s, TCP_HEADER, &c);
	const uint8_t *options;
	uint16_t v, sum;

	if (st != DECODE_OK)
		return st;
	seg->sport = cursor_be16(&c);
	seg->dport = cursor_be16(&c);
	seg->seq = cursor_be32(&c);
	seg->ack = cursor_be32(&c);
	v = cursor_be16(&c);
	seg->flags = v & 0x1ff;
	seg->win = cursor_be16(&c);
	sum = cursor_be16(&c);
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
	out->csum_checked = sum_is_wanted(how, seg->flags) && sum_can_be_checked(&whole, ip);
	out->csum_bad = out->csum_checked && sum_is_bad(&whole, ip, true);
	out->csum_left = out->csum_bad && sum_is_left(&whole, ip, sum);
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

static enum decode_status decode_icmp(struct span *s, const struct ip_info *ip, unsigned how,
				      struct packet *out)
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
	out->csum_checked = sum_is_wanted(how, 0) && sum_can_be_checked(&whole, ip);
	out->csum_bad = out->csum_checked && sum_is_bad(&whole, ip, family == ADDR_V6);
	out->kind = PACKET_ICMP_ERROR;
	return DECODE_OK;
}

/* What the innermost IP packet carries. */
static enum decode_status decode_payload(struct span *s, const struct ip_info *ip, unsigned how,
					 struct packet *out)
{
	uint8_t icmp = ip->src.family == ADDR_V6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;

	if (ip->later_fragment)
		return DECODE_FRAGMENT;
	out->first_fragment = ip->more_fragments;
	out->seg.src = ip->src;
	out->seg.dst = ip->dst;
	out->seg.ttl = ip->ttl;
	out->seg.tos = ip->tos;
	out->seg.df = ip->df;
	out->seg.ip_id = ip->id;
	if (ip->protocol == PROTOCOL_TCP)
		return decode_tcp(s, ip, how, out);
	return ip->protocol == icmp ? decode_icmp(s, ip, how, out) : DECODE_OTHER;
}

/* From the outermost IP header on, into each tunnel, to the innermost packet. */
static enum decode_status decode_packet(struct span *s, uint8_t family, unsigned how,
					struct packet *out)
{
	struct ip_info ip;
	bool by_port = false;
	enum decode_status st = decode_ip(s, family, &ip);

	while (st == DECODE_OK && how & DECODE_TUNNELS && tunnel_maybe(ip.protocol) &&
	       !ip.later_fragment) {
		if (out->n_tunnels == TUNNELS_MAX)
			return DECODE_OTHER;
		st = tunnel_enter(s, &ip, out, &family, &by_port);
		if (st == DECODE_OK)
			st = decode_ip(s, family, &ip);
	}
	if (st == DECODE_OK)
		st = decode_payload(s, &ip, how, out);
	/* then it was no tunnel, but something else that uses the port */
	return st == DECODE_MALFORMED && by_port ? DECODE_OTHER : st;
}

enum decode_status decode_frame_how(const uint8_t *frame, size_t captured, size_t wire_len,
				    int linktype, unsigned how, struct packet *out)
{
	struct span s = {.c = cursor_of(frame, captured)};
	uint8_t family = ADDR_NONE;
	enum decode_status st;

	*out = (struct packet){0};
	/* a capture file may claim that a frame was shorter than what was captured of it */
	s.claimed = wire_len < captured ? captured : wire_len;
	st = decode_link(&s, linktype, out, &family);
	if (st != DECODE_OK)
		return st;
	out->l3_offset = (uint16_t)(captured - s.c.left);
	return decode_packet(&s, family, how, out);
}

enum decode_status decode_frame(const uint8_t *frame, size_t captured, size_t wire_len,
				int linktype, struct packet *out)
{
	return decode_frame_how(frame, captured, wire_len, linktype, 0, out);
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
	case DECODE_STATUSES: break;
	}
	return "?";
}
