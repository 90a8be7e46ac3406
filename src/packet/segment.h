/*
 * segment: one TCP segment and the IP header around it, as values in host byte order.
 * The words are those of RFC 9293, 3.1. It is what craft builds from and what decode yields.
 */
#ifndef PACKET_SEGMENT_H
#define PACKET_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

/* Control bits (RFC 9293, 3.1; AE is RFC 7560's NS of old: the ninth). */
enum tcp_flag {
	TCP_FIN = 0x001,
	TCP_SYN = 0x002,
	TCP_RST = 0x004,
	TCP_PSH = 0x008,
	TCP_ACK = 0x010,
	TCP_URG = 0x020,
	TCP_ECE = 0x040,
	TCP_CWR = 0x080,
	TCP_AE = 0x100,
};

enum {
	TCP_OPTIONS_MAX = 40,
	SEGMENT_MAX = 1480
}; /* bytes; SEGMENT_MAX bounds what we send, IP header included */

struct segment {
	struct addr src, dst; /* one family */
	uint16_t sport, dport;
	uint32_t seq, ack; /* `ack` is the field, whether or not the ACK bit is set */
	uint16_t flags;	   /* enum tcp_flag */
	uint16_t win;	   /* the field, unscaled */
	uint16_t urg;
	uint8_t ttl;	/* hop limit on IPv6 */
	uint8_t tos;	/* traffic class on IPv6 */
	bool df;	/* IPv4 only */
	uint16_t ip_id; /* IPv4 only */
	uint8_t options_len;
	uint8_t options[TCP_OPTIONS_MAX]; /* as on the wire, padded to 4 by craft */
	const uint8_t *payload;		  /* borrowed; NULL where payload_len is 0 */
	uint32_t payload_len;
};

/* SEG.LEN: payload octets, with SYN and FIN counting one each (RFC 9293, 3.3.1). */
static inline uint32_t segment_len(const struct segment *s)
{
	return s->payload_len + !!(s->flags & TCP_SYN) + !!(s->flags & TCP_FIN);
}

#endif
