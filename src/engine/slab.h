/*
 * slab: what has answered in the running window, and nothing else: 16 bytes a port, 32 a reply,
 * found by the port's place in the window. Flushed and forgotten with the window.
 */
#ifndef ENGINE_SLAB_H
#define ENGINE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/verdict.h"

struct port_acc {
	uint32_t place;	  /* in the window */
	uint32_t replies; /* 1 + index of the first reply; they are chained by reply.next */
	uint8_t n;
	uint8_t pad[7];
};

struct slab {
	struct port_acc *accs;
	struct reply *replies;
	uint32_t *table; /* open addressing: 1 + index into accs */
	size_t n_accs, cap_accs, n_replies, cap_replies, table_size, limit;
};

/*
 * Past its limit the window takes no new ports, but answers to those already asked still come, and
 * with loss more of them by every retry: eight times the limit has room.
 */
enum { SLAB_REPLIES_PER_PORT = 2 * PROBE_KINDS_MAX, SLAB_OVERFULL = 8 };

void slab_init(struct slab *s, size_t limit /* ports */);
void slab_free(struct slab *s);
void slab_clear(struct slab *s);	     /* keeps the memory for the next window */
bool slab_nearly_full(const struct slab *s); /* time to close the window */

const struct port_acc *slab_find(const struct slab *s, uint32_t place); /* NULL: nothing answered */
static inline const struct reply *slab_reply(const struct slab *s, uint32_t ref)
{
	return ref ? &s->replies[ref - 1] : NULL;
}

/* Keeps the reply, at most one a (kind, reaction, fit) of a port. Returns 1 where it is new, 0 a
 * duplicate, -1 where the slab is full or memory is out: the port counts as unanswered then. */
int slab_add(struct slab *s, uint32_t place, const struct reply *r);

#endif
