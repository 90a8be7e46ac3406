/*
 * memcap: whatever the octets are, the frames handed on lie within them; a copy of each in a block
 * of exactly its length, so that a sanitizer sees a step too far.
 */
#include "fuzz/memcap.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "packet/decode.h"
#include "packet/pcapng.h"

enum { PCAP_HEAD = 24, RECORD_HEAD = 16 };

struct out {
	memcap_fn *fn;
	void *ctx;
};

static void hand_on(const struct out *o, struct memcap_item it)
{
	uint8_t *copy = malloc(it.captured ? it.captured : 1);

	assert(copy);
	if (it.captured)
		memcpy(copy, it.bytes, it.captured);
	it.bytes = copy;
	o->fn(o->ctx, &it);
	free(copy);
}

static uint32_t word(struct cursor *c, bool little)
{
	return little ? cursor_le32(c) : cursor_be32(c);
}

static bool pcap_each(struct cursor c, bool little, bool nano, const struct out *o)
{
	struct memcap_item it = {.what = MEMCAP_FRAME};

	cursor_skip(&c, 20);
	it.linktype = (int)(word(&c, little) & 0xffff);
	while (c.left) {
		uint64_t s = word(&c, little), part = word(&c, little);

		it.wall_ns = s * 1000000000U + part * (nano ? 1 : 1000);
		it.captured = word(&c, little);
		it.len = word(&c, little);
		if (it.len < it.captured)
			it.len = it.captured;
		it.bytes = cursor_take(&c, it.captured);
		if (!it.bytes)
			return false;
		hand_on(o, it);
	}
	return true;
}

/* One block of what is left; false where there is none whole. */
static bool pcapng_step(struct pcapng *p, struct cursor *c, const struct out *o)
{
	struct err e = {""};
	struct pcapng_frame f;
	size_t len = 0;
	int got;

	if (c->left < PCAPNG_HEADER || pcapng_block_len(p, c->p, &len, &e) != 0) {
		assert(c->left < PCAPNG_HEADER || e.msg[0]);
		return false;
	}
	assert(len >= PCAPNG_HEADER && len <= PCAPNG_BLOCK_MAX);
	if (len > c->left)
		return false;
	got = pcapng_block(p, c->p, len, &f, &e);
	assert(got >= 0 || e.msg[0]);
	if (got == 1) {
		assert(f.bytes >= c->p && f.bytes + f.captured <= c->p + len);
		hand_on(o, (struct memcap_item){.what = MEMCAP_FRAME,
						.bytes = f.bytes,
						.captured = f.captured,
						.len = f.len < f.captured ? f.captured : f.len,
						.linktype = f.linktype,
						.wall_ns = f.has_time ? f.wall_ns : 0});
	}
	cursor_skip(c, len);
	return got >= 0;
}

static bool pcapng_each(struct cursor c, const struct out *o)
{
	struct pcapng *p = pcapng_new();
	bool good = true;

	assert(p);
	while (good && c.left)
		good = pcapng_step(p, &c, o);
	pcapng_free(p);
	return good;
}

static bool terse_each(struct cursor c, const struct out *o)
{
	static const int linktypes[] = {LINKTYPE_RAW,  LINKTYPE_ETHERNET,  LINKTYPE_NULL,
					LINKTYPE_LOOP, LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2,
					LINKTYPE_FDDI};
	struct memcap_item it = {.wall_ns = 1767225600000000000U};

	it.linktype = linktypes[cursor_u8(&c) % 7];
	while (c.left) {
		static const enum memcap_what whats[8] = {
		    [5] = MEMCAP_TICK, [6] = MEMCAP_FORGET, [7] = MEMCAP_KERNEL};
		unsigned first = cursor_u8(&c);

		it.what = whats[first & 7];
		/* steps of 2^0 .. 2^31 us, times 0 .. 255 */
		it.wall_ns += ((uint64_t)cursor_u8(&c) * 1000) << (first >> 3);
		it.len = cursor_be16(&c);
		it.captured = it.len > c.left ? (uint32_t)c.left : it.len;
		it.bytes = cursor_take(&c, it.captured);
		if (!it.bytes)
			return false;
		hand_on(o, it);
	}
	return true;
}

bool memcap_each(const uint8_t *data, size_t len, memcap_fn *fn, void *ctx)
{
	const struct out o = {fn, ctx};
	struct cursor c = cursor_of(data, len);
	uint32_t magic;

	if (len >= 4 && pcapng_is(data, len))
		return pcapng_each(c, &o);
	if (len < PCAP_HEAD)
		return terse_each(c, &o);
	magic =
	    (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
	switch (magic) {
	case 0xa1b2c3d4: return pcap_each(c, false, false, &o);
	case 0xd4c3b2a1: return pcap_each(c, true, false, &o);
	case 0xa1b23c4d: return pcap_each(c, false, true, &o);
	case 0x4d3cb2a1: return pcap_each(c, true, true, &o);
	default: return terse_each(c, &o);
	}
}
