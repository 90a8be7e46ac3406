/*
 * decode: captured bytes become a struct packet. Hostile input: every read goes through the
 * bounded cursor, every claim of length is checked against what was captured. No allocation, no
 * state; the packet borrows from the frame.
 */
#ifndef PACKET_DECODE_H
#define PACKET_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/options.h"
#include "packet/segment.h"

/* Link types by their LINKTYPE_ numbers (https://www.tcpdump.org/linktypes.html), not DLT_ numbers.
 */
enum linktype {
	LINKTYPE_NULL = 0,
	LINKTYPE_ETHERNET = 1,
	LINKTYPE_FDDI = 10,
	LINKTYPE_RAW = 101,
	LINKTYPE_LOOP = 108,
	LINKTYPE_LINUX_SLL = 113,
	LINKTYPE_IPV4 = 228,
	LINKTYPE_IPV6 = 229,
	LINKTYPE_LINUX_SLL2 = 276,
};

enum decode_status {
	DECODE_OK,
	DECODE_OTHER,	  /* whole, but not IP carrying TCP or an ICMP error: ARP, UDP, echo ... */
	DECODE_FRAGMENT,  /* not the first fragment of its datagram: no TCP header in it */
	DECODE_TRUNCATED, /* the capture ends before a header does */
	DECODE_MALFORMED, /* a header contradicts itself or the lengths around it */
	DECODE_LINKTYPE,  /* a link type this decoder does not read */
	DECODE_STATUSES,
};

/* What carries an IP packet in another packet. */
enum tunnel { TUNNEL_NONE, TUNNEL_IPIP, TUNNEL_GRE, TUNNEL_TEREDO, TUNNEL_VXLAN, TUNNELS };
const char *tunnel_name(enum tunnel t); /* "IP in IP", "GRE" ...; NULL for none */

enum decode_how {
	DECODE_TUNNELS = 1,	 /* go on to the innermost TCP */
	DECODE_SUMS_OF_RSTS = 2, /* check checksums only of segments with RST */
};

enum packet_kind { PACKET_NONE, PACKET_TCP, PACKET_ICMP_ERROR };

/* What an ICMP error quotes of the segment it complains about (RFC 792: at least 8 octets of it).
 */
struct quoted {
	struct addr src, dst;
	uint8_t ttl;
	uint16_t ip_id; /* IPv4 */
	bool has_ports; /* 4 octets of TCP were quoted */
	bool has_seq;	/* 8 octets */
	bool has_ack;	/* 12 octets */
	bool has_flags; /* 14 octets */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t flags;
};

struct packet {
	enum packet_kind kind;
	uint16_t l3_offset;  /* bytes from the frame's start to the (outermost) IP header */
	uint8_t n_tunnels;   /* tunnels passed on the way in; 0 without DECODE_TUNNELS */
	uint8_t tunnel;	     /* enum tunnel: the innermost of them */
	uint8_t n_vlan;	     /* 802.1Q and 802.1ad tags passed */
	uint16_t vlan[4];    /* VLAN identifiers, outermost first */
	bool first_fragment; /* the datagram goes on in other fragments */
	bool payload_cut;    /* fewer payload octets captured than sent; seg.payload_len is what was
			      *sent* */
	uint32_t payload_captured;   /* octets at seg.payload */
	bool csum_checked, csum_bad; /* TCP or ICMP checksum; checked only where all was captured */
	/* Bad, but as a sender leaves it that has hardware to finish it: the pseudo-header's sum
	 * and no more. TCP only. So come segments that never saw a wire: of this host's own, of a
	 * neighbour container or virtual machine. */
	bool csum_left;
	/* PACKET_TCP: all of it. PACKET_ICMP_ERROR: only src, dst, ttl, tos, df, ip_id. */
	struct segment seg;
	struct tcp_options options;   /* PACKET_TCP */
	uint8_t icmp_type, icmp_code; /* of ICMP (IPv4) or ICMPv6 (IPv6), by seg.src.family */
	struct quoted quoted;	      /* PACKET_ICMP_ERROR */
};

/*
 * `captured` bytes at `frame` of a frame that was `wire_len` long (>= captured).
 * On DECODE_OK `out` is filled; on any other status its contents mean nothing.
 */
enum decode_status decode_frame(const uint8_t *frame, size_t captured, size_t wire_len,
				int linktype, struct packet *out);
/* The same with bits of enum decode_how. */
enum decode_status decode_frame_how(const uint8_t *frame, size_t captured, size_t wire_len,
				    int linktype, unsigned how, struct packet *out);
const char *decode_status_name(enum decode_status s);

#endif
