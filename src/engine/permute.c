/*
 * permute: a Feistel network over two halves, cycle-walked into [0, n). It decides
 * the order in which a run visits its indices. It does not know what an index stands for, and it
 * keeps nothing secret: the cookies (engine/cookie.h) do that.
 */
#include "engine/permute.h"

#include <assert.h>
#include <stddef.h>

enum { ROUNDS = sizeof(((struct permute *)0)->key) / sizeof(uint32_t) };

/* splitmix64 (Steele, Lea, Flood 2014): neighbouring seeds give unrelated keys. */
static uint64_t next_key(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The finalizer of MurmurHash3: every bit of the half and of the key reaches every bit. */
static uint32_t round_of(uint32_t half, uint32_t key)
{
	uint32_t x = half ^ key;

	x = (x ^ (x >> 16)) * UINT32_C(0x85ebca6b);
	x = (x ^ (x >> 13)) * UINT32_C(0xc2b2ae35);
	return x ^ (x >> 16);
}

static uint64_t forth(const struct permute *p, uint64_t x)
{
	uint32_t left = (uint32_t)(x >> p->right_bits), right = (uint32_t)x & p->right_mask;

	for (size_t i = 0; i < ROUNDS; i += 2) {
		left ^= round_of(right, p->key[i]) & p->left_mask;
		right ^= round_of(left, p->key[i + 1]) & p->right_mask;
	}
	return (uint64_t)left << p->right_bits | right;
}

static uint64_t back(const struct permute *p, uint64_t x)
{
	uint32_t left = (uint32_t)(x >> p->right_bits), right = (uint32_t)x & p->right_mask;

	for (size_t i = ROUNDS; i > 0; i -= 2) {
		right ^= round_of(left, p->key[i - 1]) & p->right_mask;
		left ^= round_of(right, p->key[i - 2]) & p->left_mask;
	}
	return (uint64_t)left << p->right_bits | right;
}

void permute_init(struct permute *p, uint64_t n, uint64_t seed, bool in_order)
{
	unsigned bits = 2;

	assert(n > 0 && n <= UINT64_C(1) << 62);
	/* Less than twice n, so that a walk takes less than two steps on average. */
	while (UINT64_C(1) << bits < n)
		bits++;
	*p = (struct permute){.n = n, .right_bits = bits / 2, .identity = in_order};
	p->right_mask = (UINT32_C(1) << (bits / 2)) - 1;
	p->left_mask = (uint32_t)((UINT64_C(1) << (bits - bits / 2)) - 1);
	for (size_t i = 0; i < ROUNDS; i++)
		p->key[i] = (uint32_t)(next_key(&seed) >> 32);
}

uint64_t permute_at(const struct permute *p, uint64_t i)
{
	assert(i < p->n);
	if (p->identity)
		return i;
	/* The walk starts inside [0, n), so its cycle comes back inside: it ends. */
	do
		i = forth(p, i);
	while (i >= p->n);
	return i;
}

uint64_t permute_inverse(const struct permute *p, uint64_t x)
{
	assert(x < p->n);
	if (p->identity)
		return x;
	do
		x = back(p, x);
	while (x >= p->n);
	return x;
}
