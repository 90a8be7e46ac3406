/*
 * pcapng_write: blocks of a pcapng file (draft-ietf-opsawg-pcapng) with one interface whose times
 * are nanoseconds, and a comment for each frame. Pure: it fills the caller's room; who writes that
 * anywhere, and what comments say, it doesn't know.
 */
#ifndef PACKET_PCAPNG_WRITE_H
#define PACKET_PCAPNG_WRITE_H

#include <stddef.h>
#include <stdint.h>

enum {
	PCAPNG_TEXT_MAX = 1024,			   /* octets of a text that are written */
	PCAPNG_ENDS_MAX = 2 * PCAPNG_TEXT_MAX + 96 /* room for a head, or for a tail */
};

enum pcapng_direction { PCAPNG_DIRECTION_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

/* The section and its interface; texts are UTF-8. Octets written. */
size_t pcapng_write_head(uint8_t out[PCAPNG_ENDS_MAX], int linktype, const char *application,
			 const char *description);

struct pcapng_written {
	const uint8_t *bytes;
	uint32_t captured, len;
	uint64_t wall_ns;
	enum pcapng_direction direction;
	const char *comment; /* NULL or "": none */
};
/* Room that a frame of so many octets needs, whatever its comment. */
size_t pcapng_frame_room(uint32_t captured);
size_t pcapng_write_frame(uint8_t *out, const struct pcapng_written *f);

/* The interface's statistics: what it brought between the two times. */
size_t pcapng_write_tail(uint8_t out[PCAPNG_ENDS_MAX], uint64_t first_ns, uint64_t last_ns,
			 uint64_t frames);

#endif
