/*
 * capture: one interface listened to by libpcap: its kernel filter, its ring, its time stamps.
 */
#ifndef WIRE_CAPTURE_H
#define WIRE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/wire.h"

struct capture_config {
	const char *ifname;
	uint32_t ifindex;
	uint16_t sport_first, sport_last; /* ours: only answers to these pass */
	uint64_t expected;		  /* frames to come, at a guess: sizes the ring */
	uint64_t ring_max;		  /* octets that the ring may have */
	bool icmp_only;			  /* no TCP */
	bool both_ways;			  /* what leaves these ports too; all of it, SYNs as well */
};

struct capture;

/* Needs CAP_NET_RAW: NULL with `e`; `*denied` is set where it was for want of it. */
struct capture *capture_open(const struct capture_config *c, bool *denied, struct err *e);
void capture_close(struct capture *c);
int capture_fd(const struct capture *c); /* readable where there are frames, or an error */
/* Hands on what is there and never waits. Frames handed on, or -1 with `e`: it is dead for good. */
int capture_read(struct capture *c, wire_frame_fn *fn, void *ctx, struct err *e);
void capture_add_stats(struct capture *c, struct wire_stats *sum);

#endif
