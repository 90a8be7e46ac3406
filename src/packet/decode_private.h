/*
 * decode_private: what the parts of the decoder share: the span, which is a cursor that also knows
 * how much there was on the wire, and what an IP header says.
 */
#ifndef PACKET_DECODE_PRIVATE_H
#define PACKET_DECODE_PRIVATE_H

#include "base/bytes.h"
#include "packet/decode.h"

enum protocol {
	PROTOCOL_HOPOPTS = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_IPIP = 4,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
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
static inline enum decode_status take(struct span *s, size_t n, const uint8_t **p)
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
static inline enum decode_status take_cursor(struct span *s, size_t n, struct cursor *out)
{
	const uint8_t *p;
	enum decode_status st = take(s, n, &p);

	*out = cursor_of(p, st == DECODE_OK ? n : 0);
	return st;
}

/* What lies behind the claim (Ethernet padding) is no part of the packet. */
static inline void limit(struct span *s, size_t claimed)
{
	s->claimed = claimed;
	if (s->c.left > claimed)
		s->c.left = claimed;
}

/* These leave the span at the IP header, and its family in *family. */
enum decode_status decode_link(struct span *s, int linktype, struct packet *out, uint8_t *family);
enum decode_status decode_ethernet(struct span *s, struct packet *out, uint8_t *family);
enum decode_status decode_ethertype(struct span *s, uint16_t type, struct packet *out,
				    uint8_t *family);
/* Whatever says no more than IP: the header's own first octet. */
enum decode_status decode_version(const struct span *s, uint8_t *family);

/* May a packet of this protocol carry another? */
bool tunnel_maybe(uint8_t protocol);
/*
 * From what the outer IP header carries to the inner IP header, counted in `out`; DECODE_OTHER
 * where there is none. *by_port is set where only a port number says that it is a tunnel at all.
 */
enum decode_status tunnel_enter(struct span *s, const struct ip_info *outer, struct packet *out,
				uint8_t *family, bool *by_port);

#endif
