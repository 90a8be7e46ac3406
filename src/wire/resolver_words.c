/*
 * resolver_words: a message is the way, an id, and what belongs to the way. It refuses to know who
 * asks, and by which calls an answer is found.
 */
#include "config.h"

#include "wire/resolver_words.h"

#include <ctype.h>
#include <string.h>

#include "base/bytes.h"

enum { HELLO_READY, HELLO_NOT };

/* --- what is in them -------------------------------------------------------------------------- */

bool resolver_is_host_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isascii((unsigned char)*c) ||
		    (!isalnum((unsigned char)*c) && !strchr("-._", *c)))
			return false;
	return *name != '\0';
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	bytes_put_be32(p, v);
	return p + 4;
}

static uint8_t *put_head(uint8_t *p, enum resolver_way way, uint32_t id)
{
	*p++ = (uint8_t)way;
	return put_u32(p, id);
}

static uint8_t *put_addr(uint8_t *p, const struct addr *a)
{
	*p++ = a->family;
	p = put_u32(p, a->zone);
	memcpy(p, a->b, addr_len(a));
	return p + addr_len(a);
}

static bool take_addr(struct cursor *c, struct addr *a)
{
	const uint8_t *b;

	*a = (struct addr){.family = cursor_u8(c)};
	a->zone = cursor_be32(c);
	b = cursor_take(c, addr_len(a));
	if (!b || addr_len(a) == 0)
		return false;
	memcpy(a->b, b, addr_len(a));
	return true;
}

/* All that is left; false where a text cannot have it. */
static bool take_text(struct cursor *c, char *to, size_t cap)
{
	size_t len = c->left;
	const uint8_t *b = cursor_take(c, len);

	if (!b || len >= cap || memchr(b, '\0', len))
		return false;
	memcpy(to, b, len);
	to[len] = '\0';
	return true;
}

static bool take_head(struct cursor *c, enum resolver_way *way, uint32_t *id)
{
	uint8_t said = cursor_u8(c);

	*id = cursor_be32(c);
	*way = said == RESOLVER_TO_ADDRS ? RESOLVER_TO_ADDRS : RESOLVER_TO_NAME;
	return !c->short_read && said == *way;
}

/* --- questions -------------------------------------------------------------------------------- */

size_t resolver_put_question(const struct resolver_question *q, uint8_t *to)
{
	uint8_t *p = put_head(to, q->way, q->id);
	size_t len = strnlen(q->name, sizeof(q->name));

	if (q->way == RESOLVER_TO_NAME)
		return addr_len(&q->addr) ? (size_t)(put_addr(p, &q->addr) - to) : 0;
	if (len == 0 || len == sizeof(q->name))
		return 0;
	memcpy(p, q->name, len);
	return (size_t)(p - to) + len;
}

bool resolver_take_question(const uint8_t *p, size_t len, struct resolver_question *q)
{
	struct cursor c = cursor_of(p, len);

	*q = (struct resolver_question){0};
	if (!take_head(&c, &q->way, &q->id))
		return false;
	if (q->way == RESOLVER_TO_NAME)
		return take_addr(&c, &q->addr) && c.left == 0;
	return take_text(&c, q->name, sizeof(q->name)) && q->name[0];
}

/* --- answers ---------------------------------------------------------------------------------- */

size_t resolver_put_answer(const struct resolver_answer *a, uint8_t *to)
{
	size_t n = a->n < RESOLVER_ADDRS_MAX ? a->n : RESOLVER_ADDRS_MAX;
	uint8_t *p = put_head(to, a->way, a->id);

	if (a->way == RESOLVER_TO_NAME) {
		size_t len = strnlen(a->name, sizeof(a->name) - 1);

		memcpy(p, a->name, len);
		return (size_t)(p - to) + len;
	}
	p = put_u32(p, (uint32_t)a->failure);
	p = put_u32(p, (uint32_t)a->errnum);
	bytes_put_be16(p, (uint16_t)n);
	p += 2;
	for (size_t i = 0; i < n; i++)
		p = put_addr(p, &a->addrs[i]);
	return (size_t)(p - to);
}

static bool take_addrs(struct cursor *c, struct resolver_answer *a)
{
	a->failure = (int32_t)cursor_be32(c);
	a->errnum = (int32_t)cursor_be32(c);
	a->n = cursor_be16(c);
	if (c->short_read || a->n > RESOLVER_ADDRS_MAX || (a->failure && a->n))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!take_addr(c, &a->addrs[i]))
			return false;
	return c->left == 0;
}

bool resolver_take_answer(const uint8_t *p, size_t len, struct resolver_answer *a)
{
	struct cursor c = cursor_of(p, len);

	a->failure = a->errnum = 0;
	a->n = 0;
	a->name[0] = '\0';
	if (!take_head(&c, &a->way, &a->id))
		return false;
	if (a->way == RESOLVER_TO_ADDRS)
		return take_addrs(&c, a);
	return c.left == 0 ||
	       (take_text(&c, a->name, sizeof(a->name)) && resolver_is_host_name(a->name));
}

/* --- the beginning ---------------------------------------------------------------------------- */

size_t resolver_put_hello(const struct err *e, uint8_t *to)
{
	size_t len = e ? strnlen(e->msg, sizeof(e->msg) - 1) : 0;

	to[0] = e ? HELLO_NOT : HELLO_READY;
	if (len)
		memcpy(to + 1, e->msg, len);
	return 1 + len;
}

bool resolver_take_hello(const uint8_t *p, size_t len, struct err *e)
{
	struct cursor c = cursor_of(p, len);
	char why[sizeof(e->msg)];
	uint8_t said = cursor_u8(&c);

	if (!c.short_read && said == HELLO_READY && c.left == 0)
		return true;
	if (c.short_read || said != HELLO_NOT || !take_text(&c, why, sizeof(why)) || !why[0])
		err_set(e, "it ended before it had begun");
	else
		err_set(e, "%s", why);
	return false;
}
