/* hosts: a table that doubles. It decides nothing. */
#include "engine/hosts.h"

#include <stdlib.h>
#include <string.h>

void hosts_free(struct hosts *h)
{
	free(h->v);
	free(h->table);
	memset(h, 0, sizeof(*h));
}

void hosts_clear(struct hosts *h)
{
	h->n = 0;
	if (h->table)
		memset(h->table, 0, h->table_size * sizeof(*h->table));
}

static size_t slot_of(const struct hosts *h, uint64_t number)
{
	size_t mask = h->table_size - 1;
	/* neighbours are many: the product's high bits keep them apart */
	size_t i = (size_t)((number * 0x9e3779b97f4a7c15ULL) >> __builtin_clzll(mask));

	while (h->table[i] && h->v[h->table[i] - 1].number != number)
		i = (i + 1) & mask;
	return i;
}

struct host *hosts_find(const struct hosts *h, uint64_t number)
{
	uint32_t ref;

	if (!h->table)
		return NULL;
	ref = h->table[slot_of(h, number)];
	return ref ? &h->v[ref - 1] : NULL;
}

static int grow(struct hosts *h)
{
	size_t cap_new = h->cap ? 2 * h->cap : 64;
	struct host *v_new = realloc(h->v, cap_new * sizeof(*v_new));
	uint32_t *table_new;

	if (!v_new)
		return -1;
	h->v = v_new;
	table_new = calloc(2 * cap_new, sizeof(*table_new));
	if (!table_new)
		return -1;
	free(h->table);
	h->table = table_new;
	h->table_size = 2 * cap_new;
	h->cap = cap_new;
	for (size_t i = 0; i < h->n; i++)
		h->table[slot_of(h, h->v[i].number)] = (uint32_t)i + 1;
	return 0;
}

struct host *hosts_get(struct hosts *h, uint64_t number)
{
	struct host *found = hosts_find(h, number);

	if (found)
		return found;
	if (h->n == h->cap && grow(h) < 0)
		return NULL;
	h->v[h->n] = (struct host){.number = number};
	h->table[slot_of(h, number)] = (uint32_t)h->n + 1;
	return &h->v[h->n++];
}
