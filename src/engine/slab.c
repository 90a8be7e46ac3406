/* slab: growing arrays and an open-addressed table. No allocation a packet: it doubles. */
#include "engine/slab.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct port_acc) == 16, "16 bytes a port");
_Static_assert(sizeof(struct reply) == 32, "32 bytes a reply");

void slab_init(struct slab *s, size_t limit)
{
	memset(s, 0, sizeof(*s));
	s->limit = limit;
}

void slab_free(struct slab *s)
{
	free(s->accs);
	free(s->replies);
	free(s->table);
	memset(s, 0, sizeof(*s));
}

void slab_clear(struct slab *s)
{
	s->n_accs = s->n_replies = 0;
	if (s->table)
		memset(s->table, 0, s->table_size * sizeof(*s->table));
}

bool slab_nearly_full(const struct slab *s)
{
	return s->n_accs >= s->limit - s->limit / 8;
}

static size_t slot_of(const struct slab *s, uint32_t place)
{
	size_t mask = s->table_size - 1;
	size_t i = (place * 0x9e3779b1U) & mask;

	while (s->table[i] && s->accs[s->table[i] - 1].place != place)
		i = (i + 1) & mask;
	return i;
}

/* The array at twice its room; NULL where memory is out, and the old one stands. */
static void *grow(void *p, size_t *cap, size_t each)
{
	size_t cap_new = *cap ? 2 * *cap : 256;
	void *p_new = realloc(p, cap_new * each);

	if (p_new)
		*cap = cap_new;
	return p_new;
}

static int grow_table(struct slab *s)
{
	size_t size_new = s->table_size ? 2 * s->table_size : 512;
	uint32_t *table_new = calloc(size_new, sizeof(*table_new));

	if (!table_new)
		return -1;
	free(s->table);
	s->table = table_new;
	s->table_size = size_new;
	for (size_t i = 0; i < s->n_accs; i++)
		s->table[slot_of(s, s->accs[i].place)] = (uint32_t)i + 1;
	return 0;
}

const struct port_acc *slab_find(const struct slab *s, uint32_t place)
{
	uint32_t ref;

	if (!s->table)
		return NULL;
	ref = s->table[slot_of(s, place)];
	return ref ? &s->accs[ref - 1] : NULL;
}

static struct port_acc *acc_get(struct slab *s, uint32_t place)
{
	size_t slot;

	if (2 * (s->n_accs + 1) > s->table_size && grow_table(s) < 0)
		return NULL;
	slot = slot_of(s, place);
	if (s->table[slot])
		return &s->accs[s->table[slot] - 1];
	if (s->n_accs >= SLAB_OVERFULL * s->limit)
		return NULL;
	if (s->n_accs == s->cap_accs) {
		struct port_acc *accs_new = grow(s->accs, &s->cap_accs, sizeof(*s->accs));

		if (!accs_new)
			return NULL;
		s->accs = accs_new;
	}
	s->accs[s->n_accs] = (struct port_acc){.place = place};
	s->table[slot] = (uint32_t)++s->n_accs;
	return &s->accs[s->n_accs - 1];
}

int slab_add(struct slab *s, uint32_t place, const struct reply *r)
{
	struct port_acc *acc = acc_get(s, place);

	if (!acc)
		return -1;
	for (uint32_t ref = acc->replies; ref; ref = s->replies[ref - 1].next) {
		const struct reply *old = &s->replies[ref - 1];

		if (old->kind == r->kind && old->reaction == r->reaction && old->fit == r->fit)
			return 0;
	}
	/* half of the room is for what carries our cookie: guesses can't crowd it out */
	if (acc->n >= (r->fit == FIT_EXACT ? SLAB_REPLIES_PER_PORT : SLAB_REPLIES_PER_PORT / 2))
		return 0;
	if (s->n_replies == s->cap_replies) {
		struct reply *replies_new = grow(s->replies, &s->cap_replies, sizeof(*s->replies));

		if (!replies_new)
			return -1;
		s->replies = replies_new;
	}
	s->replies[s->n_replies] = *r;
	s->replies[s->n_replies].next = acc->replies;
	acc->replies = (uint32_t)++s->n_replies;
	acc->n++;
	return 1;
}
