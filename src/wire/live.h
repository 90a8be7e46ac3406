/*
 * live: struct wire on a real network: raw IP or frames out (wire/way.h), libpcap in. Raw IP goes
 * through the routing table and the OUTPUT chain, so loopback, tun, PPP, VLAN and bridges just
 * work; frames go where the path is Ethernet and many are to be sent.
 */
#ifndef WIRE_LIVE_H
#define WIRE_LIVE_H

#include "base/err.h"
#include "wire/way.h"
#include "wire/wire.h"

struct live_config {
	const struct path *paths; /* borrowed for the life of the wire */
	size_t n_paths;
	uint16_t sport_first,
	    sport_last;		   /* what can be ours: the kernel filter passes only these */
	uint64_t expected_replies; /* sizes the capture buffer */
	enum tx tx;		   /* one that a path can't go by is an error */
	uint64_t probes;	   /* to be sent, at a guess: TX_AUTO goes by it */
	unsigned lanes;		   /* sender threads to come; 1 or more */
	uint16_t n_quiet; /* the last so many of the source ports are to be quiet (wire.n_quiet) */
	size_t conns_max; /* kernel connections wanted at once (wire.conns_max) */
	const struct privilege_user *user; /* who opens connections later; NULL: who does now */
	bool both_ways; /* capture what leaves these ports too (wire.both_ways) */
};

/* The phase that needs CAP_NET_RAW; quiet ports want CAP_NET_ADMIN besides, and are none where the
 * kernel can't be silenced, which is no error. The source ports must be held already. NULL with
 * `e`; `*denied` says it was for want of privilege. */
struct wire *live_open(const struct live_config *c, bool *denied, struct err *e);

/* "libnet version 1.1.6, libpcap version 1.10.3": what it was linked with; returns buf. */
const char *live_versions(char *buf, size_t cap);

#endif
