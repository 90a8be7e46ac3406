/*
 * traffic: made-up TCP flows for measuring `explain`: each is written down whole, as what a capture
 * between its two hosts would show, with the truth about every RST in it. It knows nothing of
 * bytes (frame.c) nor of how flows interleave (mkcapture.c).
 */
#ifndef TESTS_BENCH_TRAFFIC_H
#define TESTS_BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum side { CLIENT, SERVER };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { MSS = 1448 }; /* octets of payload beside time stamps */

/* What is true of a RST, in the columns of a labels.tsv. */
struct truth {
	const char *cause, *also, *why;
};

struct event {
	uint64_t at_us; /* since the capture began, where it is captured */
	uint32_t seq, ack;
	uint16_t len, win; /* the window field, as sent */
	uint8_t flags;
	uint8_t side;	   /* enum side; for a forged one the side it pretends to be */
	uint8_t stateless; /* sent without a socket: no options, IP ID 0 */
	uint8_t ttl;	   /* of a forger; 0: the host's own */
	const struct truth *truth;
};

/* A host, made from its number alone: equal in every flow it takes part in. */
struct host {
	uint32_t number;
	uint32_t delay_us; /* to the capture, one way */
	uint8_t ttl;	   /* as captured */
	bool windows;	   /* the options and the RSTs of Windows; else of Linux */
};

struct flow {
	struct host host[2];
	uint16_t port[2];
	bool v6, stamps;
	uint16_t ip_id[2];
	uint32_t ts_base[2], ts_last[2];
	uint32_t retired; /* how many events were handed out */
	uint32_t n, cap;
	struct event *events; /* by time */
};

struct rng {
	uint64_t s;
};
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);			    /* 0 .. n - 1 */
uint32_t rng_between(struct rng *r, uint32_t least, uint32_t most); /* inclusive */

/* How connections end; the shares are weights and can be set by name. */
struct pen;
struct ending {
	const char *name;
	unsigned weight;
	void (*write)(struct pen *p);
};
extern struct ending endings[];
extern const size_t n_endings;

struct host host_make(uint32_t number, bool server);
/* Writes down flow `f` (its hosts, ports and v6 are set), from `at_us` on, of about `packets`. */
void flow_write(struct flow *f, struct rng *r, uint64_t at_us, double packets);

enum { FRAME_MAX = 14 + 40 + 60 + MSS };
/* The Ethernet frame of the flow's event; its length. Counts IP IDs and time stamps on. */
size_t frame_build(uint8_t buf[FRAME_MAX], struct flow *f, const struct event *e);

#endif
