/*
 * bytes: the bounded cursor that every foreign byte is read through, and the bounded text that
 * every pure function prints into. Neither can leave its buffer; both remember that they wanted to.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A reader: what is left of a borrowed buffer. Once short, always short; reads then give 0. */
struct cursor {
	const uint8_t *p;
	size_t left; /* bytes */
	bool short_read;
};

static inline struct cursor cursor_of(const void *p, size_t len)
{
	return (struct cursor){.p = (const uint8_t *)p, .left = len};
}

/* The next n bytes; NULL where they are not there. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (__builtin_expect(n > c->left, 0)) {
		c->left = 0;
		c->short_read = true;
		return NULL;
	}
	if (n)
		c->p += n;
	c->left -= n;
	return p;
}

static inline bool cursor_skip(struct cursor *c, size_t n)
{
	cursor_take(c, n);
	return !c->short_read;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p ? (uint16_t)((unsigned)p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_be32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

uint64_t cursor_be64(struct cursor *c);
uint16_t cursor_le16(struct cursor *c);
uint32_t cursor_le32(struct cursor *c);
uint64_t cursor_le64(struct cursor *c);
/* The next n bytes as a cursor of their own (fewer, and both marked short, where fewer are left;
 * those can still be read). */
struct cursor cursor_sub(struct cursor *c, size_t n);

/* Big-endian stores; the caller owns enough room. */
static inline void bytes_put_be16(uint8_t *p, uint16_t v)
{
	const uint8_t be[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	memcpy(p, be, sizeof(be));
}

static inline void bytes_put_be32(uint8_t *p, uint32_t v)
{
	const uint8_t be[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			       (uint8_t)v};

	memcpy(p, be, sizeof(be));
}

/* Text under construction in a borrowed buffer; always 0-terminated; `cut` says it did not fit. */
struct text {
	char *buf;
	size_t cap, len;
	bool cut;
};

struct text text_of(char *buf, size_t cap);
void text_putf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A word of a line that is there to be pasted into a shell: in quotes where it is not plain. */
void text_put_word(struct text *t, const char *word);

#endif
