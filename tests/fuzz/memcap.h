/*
 * memcap: frames out of octets in memory, for the fuzzer: a pcap file, a pcapng file, or else a
 * terse form of ours that a fuzzer can bend with few octets. Reads nothing from outside.
 */
#ifndef TESTS_MEMCAP_H
#define TESTS_MEMCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum memcap_what { MEMCAP_FRAME, MEMCAP_TICK, MEMCAP_FORGET, MEMCAP_KERNEL };

/* The terse form: one octet for the link type, then records of 4 octets (what and time step, time
 * step, length high, low) and what they carry. */
struct memcap_item {
	enum memcap_what what;
	const uint8_t *bytes; /* borrowed from the data */
	uint32_t captured, len;
	int linktype;
	uint64_t wall_ns;
};

typedef void memcap_fn(void *ctx, const struct memcap_item *it);

/* False where the data end in the middle of something, or contradict themselves. */
bool memcap_each(const uint8_t *data, size_t len, memcap_fn *fn, void *ctx);

#endif
