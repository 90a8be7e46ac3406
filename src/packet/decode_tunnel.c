/*
 * decode_tunnel: from one IP header to the one inside: IP in IP, GRE, Teredo, VXLAN. A tunnel that
 * has its own protocol number is believed; one that only a UDP port tells of must also look like
 * it, for anybody may use a port.
 */
#include "packet/decode_private.h"

enum {
	PORT_TEREDO = 3544,
	PORT_VXLAN = 4789,
	PORT_VXLAN_OLD =
	    8472, /* Linux before it had a number, and many a container network since */
	UDP_HEADER = 8,
	VXLAN_HEADER = 8,
	FRAGMENTS_MAX = 65535, /* octets of all fragments */
};

enum gre_bit {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_VERSION = 0x0007,
};

enum { GRE_ETHERNET = 0x6558 };

bool tunnel_maybe(uint8_t protocol)
{
	return protocol == PROTOCOL_UDP || protocol == PROTOCOL_GRE || protocol == PROTOCOL_IPIP ||
	       protocol == PROTOCOL_IPV6;
}

/* RFC 2784 and RFC 2890. Version 1 is PPP's (RFC 2637), source routes (RFC 1701) nobody's. */
static enum decode_status enter_gre(struct span *s, struct packet *out, uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, 4, &c);
	const uint8_t *optional;
	unsigned bits, type, words;

	if (st != DECODE_OK)
		return st;
	bits = cursor_be16(&c);
	type = cursor_be16(&c);
	if (bits & (GRE_VERSION | GRE_ROUTING))
		return DECODE_OTHER;
	words = (bits & GRE_CHECKSUM ? 1U : 0) + (bits & GRE_KEY ? 1U : 0) +
		(bits & GRE_SEQUENCE ? 1U : 0);
	st = take(s, 4 * words, &optional);
	if (st != DECODE_OK)
		return st;
	if (type == GRE_ETHERNET)
		return decode_ethernet(s, out, family);
	return decode_ethertype(s, (uint16_t)type, out, family);
}

/* RFC 7348, 5: a VXLAN header that says it has a network identifier, and a frame. */
static enum decode_status enter_vxlan(struct span *s, struct packet *out, uint8_t *family)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, VXLAN_HEADER, &c);

	if (st != DECODE_OK)
		return st;
	if (!(cursor_u8(&c) & 0x08))
		return DECODE_OTHER;
	return decode_ethernet(s, out, family);
}

/* The first two octets where they are `value`, else nothing. */
static enum decode_status skip_word(struct span *s, uint16_t value, bool *there)
{
	struct span peek = *s;
	struct cursor c;
	enum decode_status st = take_cursor(&peek, 2, &c);

	*there = st == DECODE_OK && cursor_be16(&c) == value;
	if (*there)
		*s = peek;
	return st;
}

/* RFC 4380, 5.1.1: authentication, then origin, either may be missing; then an IPv6 header. */
static enum decode_status enter_teredo(struct span *s, uint8_t *family)
{
	const uint8_t *lens, *p;
	bool there;
	enum decode_status st = skip_word(s, 0x0001, &there);

	if (there) {
		st = take(s, 2, &lens);
		if (st == DECODE_OK) /* identifier, value, nonce, confirmation */
			st = take(s, (size_t)lens[0] + lens[1] + 8 + 1, &p);
	}
	if (st == DECODE_OK)
		st = skip_word(s, 0x0000, &there);
	if (st == DECODE_OK && there)
		st = take(s, 6, &p); /* port and address, inverted */
	if (st == DECODE_OK)
		st = decode_version(s, family);
	if (st == DECODE_OK && *family != ADDR_V6)
		return DECODE_OTHER;
	return st;
}

static enum decode_status enter_udp(struct span *s, struct packet *out, uint8_t *family,
				    enum tunnel *kind)
{
	struct cursor c;
	enum decode_status st = take_cursor(s, UDP_HEADER, &c);
	unsigned sport, dport, len;

	if (st != DECODE_OK)
		return st;
	sport = cursor_be16(&c);
	dport = cursor_be16(&c);
	len = cursor_be16(&c);
	/* 0: offloading has yet to cut it */
	if (len != 0 && (len < UDP_HEADER || len - UDP_HEADER > s->claimed))
		return DECODE_OTHER;
	if (len != 0)
		limit(s, len - UDP_HEADER);
	if (dport == PORT_VXLAN || dport == PORT_VXLAN_OLD) {
		*kind = TUNNEL_VXLAN;
		return enter_vxlan(s, out, family);
	}
	if (dport == PORT_TEREDO || sport == PORT_TEREDO) {
		*kind = TUNNEL_TEREDO;
		return enter_teredo(s, family);
	}
	return DECODE_OTHER;
}

enum decode_status tunnel_enter(struct span *s, const struct ip_info *outer, struct packet *out,
				uint8_t *family, bool *by_port)
{
	enum tunnel kind = TUNNEL_IPIP;
	enum decode_status st = DECODE_OK;

	/* the rest of it is in other frames: not captured in this one, but sent */
	if (outer->more_fragments)
		s->claimed = FRAGMENTS_MAX;
	switch (outer->protocol) {
	case PROTOCOL_IPIP: *family = ADDR_V4; break;
	case PROTOCOL_IPV6: *family = ADDR_V6; break;
	case PROTOCOL_GRE:
		kind = TUNNEL_GRE;
		st = enter_gre(s, out, family);
		break;
	default:
		*by_port = true;
		st = enter_udp(s, out, family, &kind);
		break;
	}
	if (st != DECODE_OK)
		return st;
	out->tunnel = (uint8_t)kind;
	out->n_tunnels++;
	return DECODE_OK;
}
