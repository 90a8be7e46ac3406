/* portset: when a list is large enough that bits are smaller. It refuses to sort. */
#include "report/portset.h"

#include <stdlib.h>

enum { LIST_FIRST = 4, LIST_MAX = 4096, WORDS = 65536 / 64 };

static bool bit_of(const struct portset *s, uint16_t port)
{
	return s->bits[port / 64] >> port % 64 & 1;
}

static bool make_bits(struct portset *s)
{
	s->bits = calloc(WORDS, sizeof(*s->bits));
	if (!s->bits)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		s->bits[s->list[i] / 64] |= 1ULL << s->list[i] % 64;
	free(s->list);
	s->list = NULL;
	s->cap = 0;
	return true;
}

static bool make_room(struct portset *s)
{
	uint32_t cap = s->cap ? 2 * s->cap : LIST_FIRST;
	uint16_t *list;

	if (s->bits || s->n < s->cap)
		return true;
	if (s->n >= LIST_MAX)
		return make_bits(s);
	list = realloc(s->list, cap * sizeof(*list));
	if (!list)
		return false;
	s->list = list;
	s->cap = cap;
	return true;
}

bool portset_has(const struct portset *s, uint16_t port)
{
	if (s->bits)
		return bit_of(s, port);
	for (uint32_t i = s->n; i > 0; i--)
		if (s->list[i - 1] == port)
			return true;
	return false;
}

bool portset_add(struct portset *s, uint16_t port)
{
	if (!make_room(s))
		return false;
	if (s->bits)
		s->bits[port / 64] |= 1ULL << port % 64;
	else
		s->list[s->n] = port;
	s->n++;
	return true;
}

void portset_remove(struct portset *s, uint16_t port)
{
	if (s->bits && bit_of(s, port)) {
		s->bits[port / 64] &= ~(1ULL << port % 64);
		s->n--;
	}
	for (uint32_t i = 0; !s->bits && i < s->n; i++)
		if (s->list[i] == port)
			s->list[i--] = s->list[--s->n];
}

void portset_copy(const struct portset *s, uint16_t *out)
{
	for (uint32_t i = 0; !s->bits && i < s->n; i++)
		out[i] = s->list[i];
	for (uint32_t port = 0; s->bits && port < 65536; port++)
		if (bit_of(s, (uint16_t)port))
			*out++ = (uint16_t)port;
}

size_t portset_bytes(const struct portset *s)
{
	return s->bits ? WORDS * sizeof(*s->bits) : s->cap * sizeof(*s->list);
}

void portset_free(struct portset *s)
{
	free(s->list);
	free(s->bits);
	*s = (struct portset){0};
}
