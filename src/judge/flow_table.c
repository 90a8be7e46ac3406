/*
 * flow_table: flows by address and port; what is over gives way, then the longest unused. It
 * refuses to know TCP; it lends room and counts what had to go.
 */
#include <stdlib.h>
#include <string.h>

#include "judge/flow.h"

enum {
	TOUCHED = 3, /* rounds of the hand that a connection in use outlasts */
	CLOSED = 2,  /* ... and where one that is over goes */
	LINE = 64,   /* octets that come from memory at once */
};

struct flows {
	struct flow *v;
	uint32_t *heads;
	struct note_block *blocks;
	size_t max, n; /* n: taken from v so far */
	size_t mask, n_blocks, taken_blocks;
	uint32_t hand, block_hand; /* the next flow, the next block that may have to go */
	uint64_t seed, idle_ns, count, evicted, closed, expired;
	void (*leave)(void *ctx, struct flow *f);
	void *leave_ctx;
};

struct flows *flows_new(size_t max, uint64_t seed, uint64_t idle_ns)
{
	struct flows *t = calloc(1, sizeof(*t));
	size_t heads = 1024;

	if (!t)
		return NULL;
	while (heads < max)
		heads *= 2;
	/* calloc: what is never used is never touched */
	t->v = calloc(max, sizeof(*t->v));
	t->n_blocks = max / 2 + 64;
	t->blocks = calloc(t->n_blocks, sizeof(*t->blocks));
	t->heads = malloc(heads * sizeof(*t->heads));
	if (!t->v || !t->blocks || !t->heads) {
		flows_free(t);
		return NULL;
	}
	memset(t->heads, 0xff, heads * sizeof(*t->heads));
	t->mask = heads - 1;
	t->max = max;
	t->seed = seed;
	t->idle_ns = idle_ns;
	return t;
}

void flows_free(struct flows *t)
{
	if (!t)
		return;
	free(t->v);
	free(t->blocks);
	free(t->heads);
	free(t);
}

void flows_on_leave(struct flows *t, void (*fn)(void *ctx, struct flow *f), void *ctx)
{
	t->leave = fn;
	t->leave_ctx = ctx;
}

struct flow *flows_at(struct flows *t, uint32_t index)
{
	return &t->v[index];
}

uint32_t flows_index(const struct flows *t, const struct flow *f)
{
	return (uint32_t)(f - t->v);
}

/* --- by address and port ---------------------------------------------------------------------- */

struct key {
	uint8_t ip[2][16];
	uint16_t port[2];
	uint8_t family;
};

static struct key key_of(const struct packet *p, uint8_t *side)
{
	const struct segment *s = &p->seg;
	struct key k = {.family = s->src.family};
	int order = memcmp(s->src.b, s->dst.b, 16);

	*side = order > 0 || (order == 0 && s->sport > s->dport);
	memcpy(k.ip[*side], s->src.b, 16);
	memcpy(k.ip[!*side], s->dst.b, 16);
	k.port[*side] = s->sport;
	k.port[!*side] = s->dport;
	return k;
}

static uint64_t mix(uint64_t h, uint64_t w)
{
	h ^= w;
	h *= 0x9e3779b97f4a7c15u;
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}

static size_t hash_of(const struct flows *t, uint8_t family, const uint8_t ip[2][16],
		      const uint16_t port[2])
{
	uint64_t w[4], h = t->seed;

	memcpy(w, ip, sizeof(w));
	if (family == ADDR_V4) {
		uint32_t v4[2];

		memcpy(&v4[0], ip[0], 4);
		memcpy(&v4[1], ip[1], 4);
		h = mix(h, (uint64_t)v4[0] << 32 | v4[1]);
	} else {
		for (size_t i = 0; i < 4; i++)
			h = mix(h, w[i]);
	}
	return (size_t)mix(h, (uint64_t)port[0] << 16 | port[1]) & t->mask;
}

static bool is_key(const struct flow *f, const struct key *k)
{
	return memcmp(f->ip, k->ip, sizeof(k->ip)) == 0 && f->port[0] == k->port[0] &&
	       f->port[1] == k->port[1] && f->family == k->family;
}

static void leave(struct flows *t, struct flow *f)
{
	uint32_t i = flows_index(t, f), *link = &t->heads[hash_of(t, f->family, f->ip, f->port)];

	if (f->cases != FLOW_NONE && t->leave)
		t->leave(t->leave_ctx, f);
	if (f->notes != FLOW_NONE)
		t->blocks[f->notes].owner = FLOW_NONE;
	while (*link != i)
		link = &t->v[*link].next;
	*link = f->next;
}

/*
 * Room for one more. The hand goes round and ages what it passes; a packet makes young again. What
 * is over goes first, so that a living connection outlasts four rounds of silence.
 */
static struct flow *take(struct flows *t)
{
	if (t->n < t->max)
		return &t->v[t->n++];
	for (;;) {
		struct flow *f = &t->v[t->hand];
		bool over = flow_is_over(f);

		t->hand = (uint32_t)((t->hand + 1) % t->max);
		if (f->used > (over ? CLOSED : 0)) {
			f->used--;
			continue;
		}
		if (over)
			t->closed++;
		else
			t->evicted++;
		leave(t, f);
		return f;
	}
}

static bool is_idle(const struct flows *t, const struct flow *f, uint64_t now_ns)
{
	return f->side[0].last_ns + t->idle_ns < now_ns && f->side[1].last_ns + t->idle_ns < now_ns;
}

static void begin(struct flows *t, struct flow *f, const struct key *k)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->ip, k->ip, sizeof(f->ip));
	memcpy(f->port, k->port, sizeof(f->port));
	f->family = k->family;
	f->used = TOUCHED;
	f->notes = f->cases = FLOW_NONE;
	f->handshake_us = UINT32_MAX;
	f->side[0].wscale = f->side[1].wscale = 0xff;
	if (t->evicted || t->closed)
		f->flags |= FLOW_MAYBE_OLD;
	t->count++;
}

/* --- waiting for memory less: at 100,000 flows that is most of what a packet costs ---------------
 */

uint32_t flows_hash(const struct flows *t, const struct packet *p)
{
	uint8_t side;
	struct key k = key_of(p, &side);
	size_t h = hash_of(t, k.family, k.ip, k.port);

	__builtin_prefetch(&t->heads[h]);
	return (uint32_t)h;
}

void flows_expect(const struct flows *t, uint32_t hash)
{
	uint32_t i = t->heads[hash];

	if (i == FLOW_NONE)
		return;
	for (size_t k = 0; k < sizeof(struct flow); k += LINE)
		__builtin_prefetch((const char *)&t->v[i] + k, 1);
}

void flows_expect_notes(const struct flows *t, uint32_t hash)
{
	uint32_t i = t->heads[hash];
	const struct note_block *b;

	if (i == FLOW_NONE || t->v[i].notes == FLOW_NONE)
		return;
	b = &t->blocks[t->v[i].notes];
	for (size_t k = 0; k < sizeof(*b); k += LINE)
		__builtin_prefetch((const char *)b + k, 1);
}

struct flow *flows_get(struct flows *t, const struct packet *p, uint32_t h, uint64_t now_ns,
		       uint8_t *side)
{
	struct key k = key_of(p, side);
	struct flow *f;
	uint32_t next;

	for (uint32_t i = t->heads[h]; i != FLOW_NONE; i = t->v[i].next) {
		f = &t->v[i];
		if (!is_key(f, &k))
			continue;
		f->used = TOUCHED;
		if (!is_idle(t, f, now_ns))
			return f;
		/* silent for so long that it is another connection */
		t->expired++;
		next = f->next;
		if (f->cases != FLOW_NONE && t->leave)
			t->leave(t->leave_ctx, f);
		if (f->notes != FLOW_NONE)
			t->blocks[f->notes].owner = FLOW_NONE;
		begin(t, f, &k);
		f->next = next;
		return f;
	}
	f = take(t);
	begin(t, f, &k);
	f->next = t->heads[h];
	t->heads[h] = flows_index(t, f);
	return f;
}

void flows_clear(struct flows *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].cases != FLOW_NONE && t->leave)
			t->leave(t->leave_ctx, &t->v[i]);
	memset(t->heads, 0xff, (t->mask + 1) * sizeof(*t->heads));
	t->n = t->taken_blocks = 0;
	t->hand = t->block_hand = 0;
}

uint64_t flows_count(const struct flows *t)
{
	return t->count;
}

uint64_t flows_evicted(const struct flows *t)
{
	return t->evicted;
}

uint64_t flows_expired(const struct flows *t)
{
	return t->expired;
}

/* --- notes ------------------------------------------------------------------------------------ */

/* A block that nobody has used since the hand came by last: there is one after two rounds. */
static struct note_block *take_block(struct flows *t)
{
	if (t->taken_blocks < t->n_blocks)
		return &t->blocks[t->taken_blocks++];
	for (;;) {
		struct note_block *b = &t->blocks[t->block_hand];

		t->block_hand = (uint32_t)((t->block_hand + 1) % t->n_blocks);
		if (b->owner != FLOW_NONE && b->used) {
			b->used = 0;
			continue;
		}
		if (b->owner != FLOW_NONE)
			t->v[b->owner].notes = FLOW_NONE;
		return b;
	}
}

void flows_note(struct flows *t, struct flow *f, const struct seen *n)
{
	struct note_block *b;

	if (f->notes == FLOW_NONE) {
		b = take_block(t);
		b->owner = flows_index(t, f);
		b->n = b->next = 0;
		f->notes = (uint32_t)(b - t->blocks);
	}
	b = &t->blocks[f->notes];
	b->used = 1;
	b->v[b->next] = *n;
	b->answered[b->next] = 0;
	b->next = (uint8_t)((b->next + 1) % FLOW_NOTES);
	if (b->n < FLOW_NOTES)
		b->n++;
}

size_t flows_notes(const struct flows *t, const struct flow *f, struct seen v[FLOW_NOTES],
		   uint8_t at[FLOW_NOTES])
{
	const struct note_block *b;

	if (f->notes == FLOW_NONE)
		return 0;
	b = &t->blocks[f->notes];
	for (size_t i = 0; i < b->n; i++) {
		size_t k = ((size_t)b->next + FLOW_NOTES - b->n + i) % FLOW_NOTES;

		v[i] = b->v[k];
		if (at)
			at[i] = (uint8_t)k;
	}
	return b->n;
}

const struct seen *flows_newest(const struct flows *t, const struct flow *f, size_t i)
{
	const struct note_block *b = f->notes == FLOW_NONE ? NULL : &t->blocks[f->notes];

	if (!b || i >= b->n)
		return NULL;
	return &b->v[((size_t)b->next + FLOW_NOTES - 1 - i) % FLOW_NOTES];
}

void flows_answered(struct flows *t, const struct flow *f, uint8_t at)
{
	t->blocks[f->notes].answered[at] = 1;
}

bool flows_is_answered(const struct flows *t, const struct flow *f, uint8_t at)
{
	return t->blocks[f->notes].answered[at];
}
