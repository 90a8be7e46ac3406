/*
 * pcapng: blocks of a pcapng file (draft-ietf-opsawg-pcapng), one after the other, in either byte
 * order, with interfaces of any link types, snap lengths and time resolutions. Pure: it gets blocks
 * and yields frames; who reads the file is wire/capfile.
 */
#ifndef PACKET_PCAPNG_H
#define PACKET_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	PCAPNG_HEADER = 12,	      /* octets needed to know a block's length */
	PCAPNG_BLOCK_MAX = 64 << 20,  /* longer ones are damage */
	PCAPNG_INTERFACES_MAX = 4096, /* of one section */
};

struct pcapng; /* the state of a section: byte order, interfaces */

struct pcapng_frame {
	const uint8_t *bytes; /* borrowed from the block */
	uint32_t captured, len;
	int linktype; /* LINKTYPE_ number */
	uint32_t interface_id;
	bool has_time;
	uint64_t wall_ns;
};

struct pcapng *pcapng_new(void); /* NULL: no memory */
void pcapng_free(struct pcapng *p);
bool pcapng_is(const uint8_t *first, size_t len); /* do these first octets (4 or more) begin one? */
/* The total length of the block that begins with these PCAPNG_HEADER octets; -1 with `e` where that
 * can't be: no multiple of 4, below 12, above PCAPNG_BLOCK_MAX. A section header's byte order
 * counts for itself. */
int pcapng_block_len(const struct pcapng *p, const uint8_t head[PCAPNG_HEADER], size_t *len,
		     struct err *e);
enum { PCAPNG_NUMBERED = 2 };
/* One whole block. 1: a frame in *out; 0: a block without one; PCAPNG_NUMBERED: a block without
 * one that Wireshark numbers as if it were (of the systemd journal, custom); -1 with `e`: damaged.
 */
int pcapng_block(struct pcapng *p, const uint8_t *block, size_t len, struct pcapng_frame *out,
		 struct err *e);

#endif
