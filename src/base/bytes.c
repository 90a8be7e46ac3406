/*
 * bytes: the only place where a foreign byte is fetched, so that bounds are checked once and for
 * all. A short cursor is emptied: whatever is read of it later gives 0 and stays inside.
 */
#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct cursor cursor_sub(struct cursor *c, size_t n)
{
	struct cursor sub = {.p = c->p, .left = n, .short_read = c->short_read};

	if (n > c->left) {
		sub.left = c->left;
		sub.short_read = true;
		c->short_read = true;
	}
	if (sub.left)
		c->p += sub.left;
	c->left -= sub.left;
	return sub;
}

static uint64_t read_be(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static uint64_t read_le(struct cursor *c, size_t n)
{
	const uint8_t *p = cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t cursor_be64(struct cursor *c)
{
	return read_be(c, 8);
}

uint16_t cursor_le16(struct cursor *c)
{
	return (uint16_t)read_le(c, 2);
}

uint32_t cursor_le32(struct cursor *c)
{
	return (uint32_t)read_le(c, 4);
}

uint64_t cursor_le64(struct cursor *c)
{
	return read_le(c, 8);
}

struct text text_of(char *buf, size_t cap)
{
	assert(cap > 0);
	buf[0] = '\0';
	return (struct text){.buf = buf, .cap = cap};
}

void text_putf(struct text *t, const char *fmt, ...)
{
	size_t room = t->cap - t->len;
	va_list ap;
	int n;

	/* A part behind a gap would read as if nothing were missing. */
	if (t->cut)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, room, fmt, ap);
	va_end(ap);
	t->cut = n < 0 || (size_t)n >= room;
	t->len = t->cut ? t->cap - 1 : t->len + (size_t)n;
}

void text_put_word(struct text *t, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_./:@%+,=-";
	bool quoted = !*word || word[strspn(word, plain)];

	text_putf(t, "%s", quoted ? "'" : "");
	for (; *word; word++) {
		if (*word == '\'')
			text_putf(t, "'\\''");
		else if ((unsigned char)*word < ' ' || *word == 0x7f)
			text_putf(t, "?");
		else
			text_putf(t, "%c", *word);
	}
	text_putf(t, "%s", quoted ? "'" : "");
}
