/*
 * pcapng: one block at a time. A section's byte order and interfaces last until the next section
 * begins. What a block says of its own length is held against what there is of it before anything
 * is read. It refuses to know what else blocks tell: names, secrets, statistics, comments.
 */
#include "packet/pcapng.h"

#include <stdlib.h>

#include "base/bytes.h"

enum block_type {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	BLOCK_JOURNAL = 9,
	BLOCK_CUSTOM = 0x0bad,
	BLOCK_CUSTOM_NOT_COPIED = 0x40000bad, /* by editors of such files */
	BLOCK_SECTION = 0x0a0d0d0a,	      /* the same in both byte orders */
};

enum option_code { OPTION_END = 0, OPTION_TSRESOL = 9, OPTION_TSOFFSET = 14 };

enum {
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	SECTION_MIN = 28,
	INTERFACES_FIRST = 8,
	NS_PER_S = 1000000000,
	TSRESOL_BASE_2 = 0x80, /* else of 10 */
	/* the largest powers that 64 bits hold */
	EXPONENT_2_MAX = 63,
	EXPONENT_10_MAX = 19,
	/* a fraction of so many bits, times NS_PER_S, fits into 64 */
	FRACTION_BITS = 34,
};

struct interface {
	int linktype;
	uint32_t snaplen; /* 0: unlimited */
	uint64_t units;	  /* of a second; 0: more than can be counted with */
	bool base_2;
	uint8_t exponent;
	int64_t offset_s;
};

struct pcapng {
	bool begun, big; /* a section; its byte order */
	size_t n, cap;
	struct interface *v;
};

struct pcapng *pcapng_new(void)
{
	return calloc(1, sizeof(struct pcapng));
}

void pcapng_free(struct pcapng *p)
{
	if (p)
		free(p->v);
	free(p);
}

bool pcapng_is(const uint8_t *first, size_t len)
{
	struct cursor c = cursor_of(first, len);

	return cursor_be32(&c) == BLOCK_SECTION;
}

static uint16_t get16(const struct pcapng *p, struct cursor *c)
{
	return p->big ? cursor_be16(c) : cursor_le16(c);
}

static uint32_t get32(const struct pcapng *p, struct cursor *c)
{
	return p->big ? cursor_be32(c) : cursor_le32(c);
}

static uint64_t get64(const struct pcapng *p, struct cursor *c)
{
	return p->big ? cursor_be64(c) : cursor_le64(c);
}

/* The byte order that a section header tells of itself. */
static int order_of(const uint8_t head[PCAPNG_HEADER], bool *big, struct err *e)
{
	struct cursor be = cursor_of(head + 8, 4), le = be;

	*big = cursor_be32(&be) == BYTE_ORDER_MAGIC;
	if (*big || cursor_le32(&le) == BYTE_ORDER_MAGIC)
		return 0;
	return err_set(e, "a section without its byte-order magic");
}

int pcapng_block_len(const struct pcapng *p, const uint8_t head[PCAPNG_HEADER], size_t *len,
		     struct err *e)
{
	struct pcapng order = {.big = p->big};
	struct cursor c = cursor_of(head, PCAPNG_HEADER);
	uint32_t type, v, min = PCAPNG_HEADER;

	if (pcapng_is(head, PCAPNG_HEADER)) {
		if (order_of(head, &order.big, e) < 0)
			return -1;
		min = SECTION_MIN;
	} else if (!p->begun) {
		return err_set(e, "a block before the first section");
	}
	type = get32(&order, &c);
	v = get32(&order, &c);
	if (v % 4 || v < min || v > PCAPNG_BLOCK_MAX)
		return err_set(e, "a block of type %#x with the impossible length %u", type, v);
	*len = v;
	return 0;
}

/* --- sections and interfaces --------------------------------------------------------------- */

static int begin_section(struct pcapng *p, const uint8_t *block, struct cursor *c, struct err *e)
{
	unsigned major;

	if (order_of(block, &p->big, e) < 0)
		return -1;
	cursor_skip(c, 4);
	major = get16(p, c);
	if (major != 1)
		return err_set(e, "a section of pcapng version %u; only 1 is known", major);
	p->begun = true;
	p->n = 0;
	return 0;
}

static void set_resolution(struct interface *i, uint8_t tsresol)
{
	i->base_2 = tsresol & TSRESOL_BASE_2;
	i->exponent = tsresol & 0x7f;
	i->units = 1;
	if (i->exponent > (i->base_2 ? EXPONENT_2_MAX : EXPONENT_10_MAX)) {
		i->units = 0;
		return;
	}
	for (unsigned k = 0; k < i->exponent; k++)
		i->units *= i->base_2 ? 2 : 10;
}

static int read_options(const struct pcapng *p, struct cursor *c, struct interface *i,
			struct err *e)
{
	while (c->left) {
		unsigned code = get16(p, c), len = get16(p, c);
		struct cursor value = cursor_sub(c, len);

		if (code == OPTION_END && !c->short_read)
			break;
		cursor_skip(c, -len % 4);
		if (c->short_read)
			return err_set(e, "the options of an interface do not fit into its block");
		if (code == OPTION_TSRESOL && len == 1)
			set_resolution(i, cursor_u8(&value));
		else if (code == OPTION_TSOFFSET && len == 8)
			i->offset_s = (int64_t)get64(p, &value);
	}
	return 0;
}

static int add_interface(struct pcapng *p, struct cursor *c, struct err *e)
{
	struct interface i = {0};

	if (p->n == PCAPNG_INTERFACES_MAX)
		return err_set(e, "more than %d interfaces in a section", PCAPNG_INTERFACES_MAX);
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : INTERFACES_FIRST;
		struct interface *v = realloc(p->v, cap * sizeof(*v));

		if (!v)
			return err_set(e, "no memory for %zu interfaces", cap);
		p->v = v;
		p->cap = cap;
	}
	i.linktype = get16(p, c);
	cursor_skip(c, 2);
	i.snaplen = get32(p, c);
	if (c->short_read)
		return err_set(e, "an interface that says no link type");
	set_resolution(&i, 6); /* where nothing else is said */
	if (read_options(p, c, &i, e) < 0)
		return -1;
	p->v[p->n++] = i;
	return 0;
}

/* --- frames -------------------------------------------------------------------------------- */

static uint64_t fraction_ns(const struct interface *i, uint64_t fraction)
{
	unsigned bits = i->exponent;

	if (!i->base_2)
		return i->units > NS_PER_S ? fraction / (i->units / NS_PER_S)
					   : fraction * (NS_PER_S / i->units);
	if (bits > FRACTION_BITS) {
		fraction >>= bits - FRACTION_BITS;
		bits = FRACTION_BITS;
	}
	return fraction * NS_PER_S >> bits;
}

static void set_time(const struct interface *i, uint64_t ticks, struct pcapng_frame *out)
{
	uint64_t s;

	out->has_time = false;
	out->wall_ns = 0;
	if (i->units == 0)
		return;
	/* a negative offset comes to a subtraction, modulo 2^64; what wraps is out of range below
	 */
	s = ticks / i->units + (uint64_t)i->offset_s;
	if (s >= UINT64_MAX / NS_PER_S)
		return;
	out->has_time = true;
	out->wall_ns = s * NS_PER_S + fraction_ns(i, ticks % i->units);
}

static const struct interface *find_interface(const struct pcapng *p, uint32_t id, struct err *e)
{
	if (id < p->n)
		return &p->v[id];
	err_set(e, "a frame of interface %u, which its section does not have", id);
	return NULL;
}

/* The octets of the frame, the next in `c`. */
static int set_bytes(struct cursor *c, uint32_t captured, struct pcapng_frame *out, struct err *e)
{
	out->captured = captured;
	if (out->len < captured) /* a frame was as long as what is there of it */
		out->len = captured;
	out->bytes = cursor_take(c, captured);
	if (c->short_read)
		return err_set(e, "a frame of %u octets in a block that is shorter", captured);
	return 1;
}

/* Enhanced, and the packet block of old, which has 16 bits for the interface. */
static int full_frame(const struct pcapng *p, bool old, struct cursor *c, struct pcapng_frame *out,
		      struct err *e)
{
	const struct interface *i;
	uint32_t captured;
	uint64_t ticks;

	out->interface_id = old ? get16(p, c) : get32(p, c);
	if (old)
		cursor_skip(c, 2); /* frames dropped */
	ticks = (uint64_t)get32(p, c) << 32;
	ticks |= get32(p, c);
	captured = get32(p, c);
	out->len = get32(p, c);
	if (c->short_read)
		return err_set(e, "a frame whose block ends before it begins");
	i = find_interface(p, out->interface_id, e);
	if (!i)
		return -1;
	out->linktype = i->linktype;
	set_time(i, ticks, out);
	return set_bytes(c, captured, out, e);
}

/* Of the section's first interface, cut at its snap length, without a time. */
static int simple_frame(const struct pcapng *p, struct cursor *c, struct pcapng_frame *out,
			struct err *e)
{
	const struct interface *i = find_interface(p, 0, e);

	if (!i)
		return -1;
	out->interface_id = 0;
	out->linktype = i->linktype;
	out->has_time = false;
	out->wall_ns = 0;
	out->len = get32(p, c);
	if (c->short_read)
		return err_set(e, "a frame whose block ends before it begins");
	return set_bytes(c, i->snaplen && i->snaplen < out->len ? i->snaplen : out->len, out, e);
}

int pcapng_block(struct pcapng *p, const uint8_t *block, size_t len, struct pcapng_frame *out,
		 struct err *e)
{
	struct cursor c = cursor_of(block, len), body, end;
	uint32_t type;
	size_t claimed;

	if (len < PCAPNG_HEADER || pcapng_block_len(p, block, &claimed, e) < 0 || claimed != len)
		return err_set(e, "a block that is not as long as it says");
	if (pcapng_is(block, len) && order_of(block, &p->big, e) < 0)
		return -1;
	type = get32(p, &c);
	cursor_skip(&c, 4);
	body = cursor_sub(&c, len - PCAPNG_HEADER);
	end = c;
	if (get32(p, &end) != len)
		return err_set(e, "a block of type %#x whose two lengths differ", type);
	switch (type) {
	case BLOCK_SECTION: return begin_section(p, block, &body, e);
	case BLOCK_INTERFACE: return add_interface(p, &body, e);
	case BLOCK_PACKET_OLD: return full_frame(p, true, &body, out, e);
	case BLOCK_ENHANCED: return full_frame(p, false, &body, out, e);
	case BLOCK_SIMPLE: return simple_frame(p, &body, out, e);
	case BLOCK_JOURNAL:
	case BLOCK_CUSTOM:
	case BLOCK_CUSTOM_NOT_COPIED: return PCAPNG_NUMBERED;
	default: return 0;
	}
}
