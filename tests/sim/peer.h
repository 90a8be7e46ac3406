/*
 * peer: a scripted network behind struct wire, in virtual time. It decodes what the engine sends,
 * asks a behaviour what comes back, loses and delays it, and hands it on when its time has come.
 */
#ifndef TESTS_SIM_PEER_H
#define TESTS_SIM_PEER_H

#include "packet/craft.h"
#include "packet/decode.h"
#include "wire/wire.h"

enum { PEER_ANSWERS = 4, PEER_LOG = 1 << 20 };

struct peer;

/* How one probe is answered: segments, or an ICMP error; each after its delay. */
struct peer_answer {
	unsigned n;
	struct segment seg[PEER_ANSWERS];
	uint64_t delay_ns[PEER_ANSWERS]; /* added to the peer's RTT */
	bool icmp;
	uint8_t icmp_type, icmp_code;
	uint8_t icmp_ttl;      /* 0: 64 */
	uint32_t icmp_seq_add; /* what a box on the way has added to the SEG.SEQ that is quoted */
	struct addr icmp_from; /* family ADDR_NONE: the target */
};

typedef void peer_fn(struct peer *p, const struct packet *probe, struct peer_answer *out);

struct pending {
	uint64_t at_ns, order;
	uint16_t len;
	bool own; /* wire.both_ways: what we sent, seen as it left */
	uint8_t bytes[200];
};

struct kernel;

struct peer {
	struct wire wire; /* first */
	struct path path[2];
	peer_fn *fn;
	/* what the behaviour sends unasked: when (UINT64_MAX: never), and the next of it; NULL */
	uint64_t (*wake)(struct peer *p);
	void (*tick)(struct peer *p, struct peer_answer *out);
	void *ctx;
	/* The local kernel: its connections, and its RSTs to what is nobody's. NULL until
	 * peer_kernel or the first conn_open: what comes in then is the engine's alone. */
	struct kernel *kernel;
	uint64_t now_ns, rtt_ns, rng;
	unsigned loss_percent;		 /* each way */
	bool spoils;			 /* the checksum of each RST that comes */
	uint64_t stop_at_ns, down_at_ns; /* 0: never */
	int send_error;			 /* errno of every packet; 0: they leave */
	/* The errno of one packet, 0 where it leaves; NULL: all do. */
	int (*refuse)(struct peer *p, const struct packet *probe);
	/* A clock that jumps ahead, once, just before it is read; and one that stands still for so
	 * many calls of recv from a time on. 0: never. */
	uint64_t jump_at_ns, jump_ns, still_from_ns;
	unsigned still_calls;
	struct craft *craft;
	struct pending *pending;
	size_t n_pending, cap_pending;
	uint64_t n_frames;
	/* what was seen */
	uint64_t n_sent;
	struct peer_sent {
		uint64_t at_ns;
		uint16_t sport, dport, flags;
		uint32_t seq, ack;
		uint8_t dst_last;
	} * sent;
	struct wire_stats stats;
};

void peer_init(struct peer *p, peer_fn *fn, void *ctx);
void peer_free(struct peer *p);

/* A segment from the probe's target back to its source, numbers zero. */
struct segment peer_back(const struct packet *probe);
void peer_put(struct peer_answer *a, const struct segment *s, uint64_t delay_ns);
/* RFC 9293, 3.10.7.1 and 3.10.7.2: what a LISTEN or a CLOSED port answers. */
void peer_rfc(const struct packet *probe, bool open, struct peer_answer *out);
/* Hands a frame to the engine at `at_ns`, unasked. */
void peer_inject(struct peer *p, const struct segment *s, uint64_t at_ns);
uint32_t peer_random(struct peer *p);
/* The local kernel sends: as wire.send, but for the log. */
void peer_transmit(struct peer *p, const struct segment *s);
/* Brings the local kernel to life. */
struct kernel *peer_kernel(struct peer *p);

#endif
