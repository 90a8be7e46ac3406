/* pcapng_write: little-endian, as readers of the most machines like it; each block as it is closed
 * has its length at both ends. */
#include "packet/pcapng_write.h"

#include <string.h>

#include "base/utf8.h"

enum { BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5, BLOCK_FRAME = 6, BLOCK_SECTION = 0x0a0d0d0a };

enum {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_APPLICATION = 4, /* of a section */
	OPTION_DESCRIPTION = 3, /* of an interface, and its times' resolution */
	OPTION_RESOLUTION = 9,
	OPTION_FLAGS = 2,     /* of a frame */
	OPTION_STARTTIME = 2, /* of statistics */
	OPTION_ENDTIME = 3,
	OPTION_RECEIVED = 4,
};

enum { BYTE_ORDER_MAGIC = 0x1a2b3c4d, NANOSECONDS = 9, FRAME_FIXED = 28 };

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, (uint16_t)v), (uint16_t)(v >> 16));
}

/* Times and counts are two words, the high one first. */
static uint8_t *put_halves(uint8_t *p, uint64_t v)
{
	return put32(put32(p, (uint32_t)(v >> 32)), (uint32_t)v);
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
	return put32(put32(p, (uint32_t)v), (uint32_t)(v >> 32));
}

static uint8_t *put_padded(uint8_t *p, const void *octets, size_t len)
{
	memcpy(p, octets, len);
	memset(p + len, 0, -len % 4);
	return p + len + -len % 4;
}

static uint8_t *put_option(uint8_t *p, uint16_t code, const void *octets, size_t len)
{
	return put_padded(put16(put16(p, code), (uint16_t)len), octets, len);
}

/* Cut where it is too long, but never within a letter. */
static uint8_t *put_text(uint8_t *p, uint16_t code, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len > PCAPNG_TEXT_MAX)
		len = utf8_cut(text, PCAPNG_TEXT_MAX);
	return len ? put_option(p, code, text, len) : p;
}

static uint8_t *begin(uint8_t *p, uint32_t type)
{
	return put32(put32(p, type), 0);
}

/* Octets of the block that begins at `block`. */
static size_t end(uint8_t *block, uint8_t *p)
{
	size_t len;

	p = put32(p, OPTION_END);
	len = (size_t)(p - block) + 4;
	put32(p, (uint32_t)len);
	put32(block + 4, (uint32_t)len);
	return len;
}

size_t pcapng_write_head(uint8_t out[PCAPNG_ENDS_MAX], int linktype, const char *application,
			 const char *description)
{
	const uint8_t resolution = NANOSECONDS;
	uint8_t *p = put32(begin(out, BLOCK_SECTION), BYTE_ORDER_MAGIC);
	size_t len;

	p = put64(put16(put16(p, 1), 0), UINT64_MAX); /* version 1.0, of unknown length */
	len = end(out, put_text(p, OPTION_APPLICATION, application));
	out += len;
	p = put16(put16(begin(out, BLOCK_INTERFACE), (uint16_t)linktype), 0);
	p = put_text(put32(p, 0), OPTION_DESCRIPTION, description);
	return len + end(out, put_option(p, OPTION_RESOLUTION, &resolution, 1));
}

size_t pcapng_frame_room(uint32_t captured)
{
	return FRAME_FIXED + (size_t)captured + PCAPNG_TEXT_MAX + 32;
}

size_t pcapng_write_frame(uint8_t *out, const struct pcapng_written *f)
{
	uint8_t *p = put_halves(put32(begin(out, BLOCK_FRAME), 0), f->wall_ns), flags[4];

	p = put_padded(put32(put32(p, f->captured), f->len), f->bytes, f->captured);
	p = put_text(p, OPTION_COMMENT, f->comment);
	put32(flags, f->direction);
	if (f->direction != PCAPNG_DIRECTION_UNKNOWN)
		p = put_option(p, OPTION_FLAGS, flags, sizeof(flags));
	return end(out, p);
}

static uint8_t *put_time(uint8_t *p, uint16_t code, uint64_t wall_ns)
{
	uint8_t octets[8];

	put_halves(octets, wall_ns);
	return put_option(p, code, octets, sizeof(octets));
}

size_t pcapng_write_tail(uint8_t out[PCAPNG_ENDS_MAX], uint64_t first_ns, uint64_t last_ns,
			 uint64_t frames)
{
	uint8_t *p = put_halves(put32(begin(out, BLOCK_STATISTICS), 0), last_ns), octets[8];

	p = put_time(p, OPTION_STARTTIME, first_ns);
	p = put_time(p, OPTION_ENDTIME, last_ns);
	put64(octets, frames);
	return end(out, put_option(p, OPTION_RECEIVED, octets, sizeof(octets)));
}
