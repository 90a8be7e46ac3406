/*
 * sniff: all TCP of one interface (or of `any`), both directions, for explain -i. Beside
 * wire/capture, which hears only answers to our probes.
 */
#ifndef WIRE_SNIFF_H
#define WIRE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/wire.h"

struct sniff_config {
	const char *ifname; /* "any" too */
	const char *filter; /* a pcap filter of the user's; NULL: TCP, tunnelled TCP, ICMP errors */
	uint32_t snaplen;   /* octets of each frame; enough for headers unless frames are kept */
};

struct sniff;

/* Needs CAP_NET_RAW. NULL with `e`; `*denied` where it was for want of it, `*usage` where the
 * filter is wrong (both may be NULL). */
struct sniff *sniff_open(const struct sniff_config *c, bool *denied, bool *usage, struct err *e);
void sniff_close(struct sniff *s);
int sniff_fd(const struct sniff *s);
/* Hands on what is there, never waits; `at_ns` of wire_in is wall time here. Frames handed on, or
 * -1 with `e`: the interface is gone or down (where no frame comes, call it now and then to know).
 */
int sniff_read(struct sniff *s, wire_frame_fn *fn, void *ctx, struct err *e);
void sniff_stats(struct sniff *s, struct wire_stats *sum);

#endif
