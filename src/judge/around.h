/*
 * around: what a capture shows of hosts and ports beyond one connection: who listens, how far a
 * host is, who asks many others, whose connections are reset at once. Bounded: what was not seen
 * for long gives way, and is then simply not known.
 */
#ifndef JUDGE_AROUND_H
#define JUDGE_AROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet/decode.h"

struct around;

/* Room for 4 x `sets` hosts and as many listeners, some 150 octets each; NULL: no memory. */
struct around *around_new(size_t sets, uint64_t seed);
void around_free(struct around *a);
void around_clear(struct around *a);

/* A SYN or SYN-ACK; rtt_us: SYN to SYN-ACK at the capture point, 0 where not known. */
void around_syn(struct around *a, const struct packet *p, uint64_t ns, uint32_t rtt_us);

struct host_view {
	bool known, ttl_varies;
	uint8_t ttl;	 /* of its last SYN or SYN-ACK */
	uint32_t rtt_us; /* least; 0 unknown */
	uint8_t targets; /* how many others it sent SYNs to: a lower bound, at most 64 */
};
struct host_view around_host(const struct around *a, const struct addr *host);

struct listener_view {
	bool before; /* another connection was answered by a SYN-ACK before `ns` */
	bool source_before, source_after; /* ... from another address than `peer`, after `ns` */
};
struct listener_view around_listener(const struct around *a, const struct addr *host, uint16_t port,
				     const struct addr *peer, uint16_t peer_port, uint64_t ns);

/* A connection of `host` was reset, after so much silence. Gives the burst that it belongs to. */
uint32_t around_reset(struct around *a, const struct addr *host, uint16_t port, uint64_t ns,
		      uint64_t gap_ns);
struct burst {
	uint32_t n, n_port; /* connections; those of the first one's port */
	uint16_t port;
	uint64_t first_ns, last_ns;
	uint64_t gap_least_ns, gap_most_ns; /* the silence before each */
	/* the port took a connection: since the last reset, and before another reset */
	bool took, took_between;
};
/* n is 0 where it is too long ago. */
struct burst around_burst(const struct around *a, uint32_t id);

#endif
