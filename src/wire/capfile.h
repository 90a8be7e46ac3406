/*
 * capfile: frames out of a capture file: pcap by libpcap, pcapng by packet/pcapng, either of them
 * plain, gzip, zstd or xz, from a path or from stdin. Known by content, never by name.
 */
#ifndef WIRE_CAPFILE_H
#define WIRE_CAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/unpacker.h"

struct capfile;

struct capfile_frame {
	const uint8_t *bytes; /* borrowed until the next call */
	uint32_t captured, len;
	int linktype;	  /* LINKTYPE_ number, of this frame's interface */
	uint64_t wall_ns; /* 0 where a pcapng block has no time */
	uint32_t number;  /* from 1, as Wireshark counts */
};

/* Opens it with the rights of now, and reads nothing; "-" is stdin. A descriptor, to be closed; or
 * what is wrong with it as a negative number, which capfile_open_held puts in words. */
int capfile_hold(const char *path);
/* Can it be read a second time (a regular file)? */
bool capfile_can_reread(const char *path, int held);
/* What capfile_hold has opened, borrowed, from its beginning. `by` may be NULL: zstd and xz are not
 * read then. NULL with `e` where it cannot be read at all: not there, empty, no capture. */
struct capfile *capfile_open_held(const char *path, int held, struct unpacker *by, struct err *e);
/* 1: a frame; 0: the end; -1 with `e`: the file is cut or damaged here, frames so far stand. */
int capfile_next(struct capfile *f, struct capfile_frame *out, struct err *e);
/* Takes NULL. */
void capfile_close(struct capfile *f);

/* Writes frames as they are: pcap, nanoseconds, one link type. */
struct capfile_out;
/* "-": stdout. LINKTYPE_OF_FRAME: that of the first frame put. */
enum { LINKTYPE_OF_FRAME = -1 };
struct capfile_out *capfile_create(const char *path, int linktype, struct err *e);
void capfile_put(struct capfile_out *o, const struct capfile_frame *f);
int capfile_finish(struct capfile_out *o, struct err *e); /* takes it, and NULL */

#endif
