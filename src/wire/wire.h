/*
 * wire: the outside, as the engine sees it: bytes out in batches, frames in, a clock, events.
 * wire/live implements it on libnet and libpcap, the tests on a scripted peer in virtual time.
 * Phases: open what needs privilege, drop it (wire/privilege.h), run. Only `run` uses this struct.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/err.h"

/* How a target is reached; asked of the kernel before the run (wire/route.h). */
struct path {
	char ifname[16];
	uint32_t ifindex;
	struct addr src;
	struct addr next_hop; /* family ADDR_NONE where the target is on the link */
	uint32_t mtu;	      /* bytes; 0 unknown */
	bool loopback;	      /* by lo: our own address or 127/8 */
};

enum { PATH_NONE = 0xffff }; /* no route */

/*
 * One IP packet to send. The bytes are borrowed until send returns; WIRE_HEADROOM octets before
 * `ip` are the wire's to write a link header into.
 * `error` is set by send: 0, or an errno. ENOBUFS: no room, and none came for a while. EAGAIN: not
 * this one now, the neighbour is still being asked for, while others may go. EHOSTUNREACH: nobody
 * on the link has that address.
 */
enum { WIRE_HEADROOM = 32 };

struct wire_out {
	uint8_t *ip;
	uint16_t len;
	uint16_t path; /* index into wire.paths */
	int error;
};

/* One captured frame, borrowed for the callback. */
struct wire_in {
	const uint8_t *frame;
	uint32_t captured, len;
	int linktype; /* LINKTYPE_ number */
	uint32_t ifindex;
	uint64_t at_ns; /* when the kernel saw it, on the clock of `now` */
};

enum wire_event {
	WIRE_STOP = 1,	 /* SIGINT, SIGTERM: drain and end */
	WIRE_STATUS = 2, /* SIGUSR1: tell the progress */
};

struct wire_stats {
	uint64_t captured, dropped; /* frames handed on; lost in the ring or at the interface */
};

struct wire;
typedef void wire_frame_fn(void *ctx, const struct wire_in *in);

/* A connection of the local kernel's, from a port that we hold. The frames that the peer sends on
 * it come by recv like all others: they tell how it stands. */
struct wire_conn_to {
	uint16_t path; /* index into wire.paths */
	struct addr dst;
	uint16_t sport, dport;
	uint32_t rcvbuf; /* octets that it receives unread; 0: as the kernel likes */
};

struct wire_ops {
	/* Sends a batch in order by lane `lane` < wire.lanes; one thread a lane, and all lanes at
	 * the same time, beside recv and the others, which are one thread's. Blocks at most for
	 * socket buffer space; sets error in each. `*at_ns` is set to the clock just before the
	 * first leaves, before it leaves: who reads it meanwhile sees 0 or that. Returns how many
	 * left. */
	size_t (*send)(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
		       _Atomic uint64_t *at_ns);
	/* Hands on what has been captured; waits for the first frame until `deadline_ns` at most.
	 * Returns early on an event. Returns frames handed on, or -1 with `e` where capture is
	 * dead. */
	int (*recv)(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		    struct err *e);
	uint64_t (*now)(struct wire *w); /* ns, monotonic */
	unsigned (*events)(
	    struct wire *w); /* enum wire_event bits since the last call; STOP stays set */
	void (*stats)(struct wire *w, struct wire_stats *out);
	bool (*path_up)(struct wire *w, uint16_t path,
			struct err *why); /* false and why: link down, gone; gateway lost */
	/* Nothing more will be sent or received, by any lane: what takes the kernel a while to take
	 * back is given back behind the caller's back, who may still have results to draw. stats
	 * and path_up say what they said last; close waits for the rest. May be NULL. */
	void (*rest)(struct wire *w);
	/* The next ones are for who converses. A wire that only scans may leave them NULL, and
	 * says so by conns_max 0.
	 * Begins a connect and returns at once: a handle >= 0, or -1 with `e`; `*full` where it is
	 * only that descriptors or memory are short, or this pair of ends still lingers: later may
	 * do. Needs no privilege. A refusal comes by recv, as a RST. */
	int (*conn_open)(struct wire *w, const struct wire_conn_to *to, bool *full, struct err *e);
	void (*conn_shutdown)(struct wire *w, int conn); /* our FIN: SHUT_WR */
	/* As write and read of a socket that never blocks nor raises SIGPIPE: octets, or -errno
	 * (-EAGAIN: none just now); 0 from conn_read is the end of the stream. What an application
	 * would see. */
	ssize_t (*conn_write)(struct wire *w, int conn, const void *octets, size_t len);
	ssize_t (*conn_read)(struct wire *w, int conn, void *octets, size_t cap);
	/* The TSval that the kernel would send on it now (RFC 7323). A segment beside it must not
	 * carry an older one, which PAWS refuses, nor a newer one, after which it refuses the
	 * kernel's. False where it can't be told. */
	bool (*conn_tsval)(struct wire *w, int conn, uint32_t *tsval);
	/* Frees the handle. `reset`: RST at once, nothing lingers; else what was received is read
	 * away first, and a FIN goes out (nothing does where the handshake was never done). */
	void (*conn_close)(struct wire *w, int conn, bool reset);
	void (*close)(struct wire *w);
};

struct wire {
	const struct wire_ops *ops;
	const struct path *paths;
	size_t n_paths;
	unsigned lanes; /* of `send`: 1 or more */
	/* Source ports on which the local kernel keeps silent: what comes there is ours alone to
	 * answer (wire/quiet.h). n_quiet 0: none. quiet_ttl255: even where it comes with TTL 255,
	 * from a stack that begins there and is on this link. */
	uint16_t quiet_first, n_quiet;
	bool quiet_ttl255;
	/* recv hands on what we send as well, the kernel's segments and ours, as it left. */
	bool both_ways;
	size_t conns_max; /* connections that conn_open can have open at once; 0: none */
};

#endif
