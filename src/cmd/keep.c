/*
 * keep: a set of flows by a keyed hash, a spool of octets without a name, and the pcap that comes
 * of both. It decides which frames are written; which flows are wanted, others say.
 */
#include "config.h"

#include "cmd/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "cmd/nameless.h"

enum { TABLE_FIRST = 256, LINKTYPE_ANY = -1, SPOOL_MARK = UINT32_MAX };

/* Both ends of a flow in an order of their own, so that either direction gives the same. */
struct flow {
	struct addr a, b;
	uint16_t aport, bport;
};

struct keep {
	struct capfile_out *out;
	struct flow *flows; /* open addressing; a of family ADDR_NONE: free */
	size_t n_flows, table;
	uint8_t key[crypto_shorthash_KEYBYTES];
	FILE *spool;
	bool spool_failed, reading;
	uint8_t *frame; /* of the spool */
	size_t frame_cap;
	int linktype; /* of all so far, or LINKTYPE_ANY */
	bool mixed;
	uint64_t written;
};

/* What stands before a frame in the spool. */
struct spooled {
	uint64_t wall_ns;
	uint32_t captured, len, number;
	int32_t linktype;
};

struct keep *keep_open(const char *path, bool spools, struct err *e)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k || sodium_init() < 0) {
		err_set(e, "%s: out of memory", path);
		goto out;
	}
	randombytes_buf(k->key, sizeof(k->key));
	k->linktype = LINKTYPE_ANY;
	k->spool = spools ? nameless_open(e) : NULL;
	if (spools && !k->spool)
		goto out;
	k->out = capfile_create(path, LINKTYPE_OF_FRAME, e);
	if (k->out)
		return k;
out:
	keep_close(k, NULL);
	return NULL;
}

int keep_close(struct keep *k, struct err *e)
{
	int rc;

	if (!k)
		return 0;
	rc = capfile_finish(k->out, e);
	if (k->spool)
		fclose(k->spool);
	free(k->frame);
	free(k->flows);
	free(k);
	return rc;
}

uint64_t keep_written(const struct keep *k)
{
	return k->written;
}

/* --- flows ------------------------------------------------------------------------------------ */

static struct flow flow_of(const struct addr *src, uint16_t sport, const struct addr *dst,
			   uint16_t dport)
{
	struct flow f = {*src, *dst, sport, dport};
	int order;

	f.a.zone = f.b.zone = 0;
	order = addr_cmp(&f.a, &f.b);
	if (order < 0 || (order == 0 && sport <= dport))
		return f;
	return (struct flow){f.b, f.a, dport, sport};
}

static uint64_t hash_of(const struct keep *k, const struct flow *f)
{
	uint8_t text[2 * (sizeof(f->a.b) + sizeof(f->aport))], out[crypto_shorthash_BYTES];
	uint64_t h;

	memcpy(text, f->a.b, 16);
	memcpy(text + 16, f->b.b, 16);
	memcpy(text + 32, &f->aport, 2);
	memcpy(text + 34, &f->bport, 2);
	crypto_shorthash(out, text, sizeof(text), k->key);
	memcpy(&h, out, sizeof(h));
	return h;
}

/* The flow's place, or the free one where it would stand. */
static struct flow *place(const struct keep *k, const struct flow *f)
{
	size_t i = hash_of(k, f) & (k->table - 1);

	for (;; i = (i + 1) & (k->table - 1)) {
		struct flow *at = &k->flows[i];

		if (at->a.family == ADDR_NONE ||
		    (at->aport == f->aport && at->bport == f->bport && addr_equal(&at->a, &f->a) &&
		     addr_equal(&at->b, &f->b)))
			return at;
	}
}

static int grow(struct keep *k)
{
	struct flow *old = k->flows;
	size_t n = k->table;

	k->table = n ? 2 * n : TABLE_FIRST;
	k->flows = calloc(k->table, sizeof(*k->flows));
	if (!k->flows) {
		k->flows = old;
		k->table = n;
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (old[i].a.family != ADDR_NONE)
			*place(k, &old[i]) = old[i];
	free(old);
	return 0;
}

int keep_flow(struct keep *k, const struct finding *f)
{
	struct flow flow = flow_of(&f->src, f->sport, &f->dst, f->dport), *at;

	if (2 * k->n_flows >= k->table && grow(k) < 0)
		return -1;
	at = place(k, &flow);
	k->n_flows += at->a.family == ADDR_NONE;
	*at = flow;
	return 0;
}

bool keep_wants(const struct keep *k, const struct packet *p)
{
	const struct segment *s = &p->seg;
	const struct quoted *q = &p->quoted;
	struct flow f;

	if (k->n_flows == 0)
		return false;
	if (p->kind == PACKET_TCP)
		f = flow_of(&s->src, s->sport, &s->dst, s->dport);
	else if (p->kind == PACKET_ICMP_ERROR && q->has_ports)
		f = flow_of(&q->src, q->sport, &q->dst, q->dport);
	else
		return false;
	return place(k, &f)->a.family != ADDR_NONE;
}

/* --- the spool -------------------------------------------------------------------------------- */

static int spool(struct keep *k, const struct spooled *head, const uint8_t *bytes, struct err *e)
{
	if (k->spool_failed)
		return 0;
	if (fwrite(head, sizeof(*head), 1, k->spool) == 1 &&
	    (!bytes || fwrite(bytes, 1, head->captured, k->spool) == head->captured))
		return 0;
	k->spool_failed = true;
	return err_sys(e, errno, "the temporary file of -w (TMPDIR) cannot take more");
}

int keep_see(struct keep *k, const struct capfile_frame *f, bool spool_it, struct err *e)
{
	const struct spooled head = {f->wall_ns, f->captured, f->len, f->number, f->linktype};

	k->mixed |= k->linktype != LINKTYPE_ANY && k->linktype != f->linktype;
	k->linktype = f->linktype;
	return spool_it ? spool(k, &head, f->bytes, e) : 0;
}

int keep_mark(struct keep *k, struct err *e)
{
	const struct spooled mark = {.captured = SPOOL_MARK};

	return spool(k, &mark, NULL, e);
}

/* The next frame of the spool; false at a mark, at its end, and where it can't be read. */
static bool unspool(struct keep *k, struct capfile_frame *f)
{
	struct spooled head;

	if (fread(&head, sizeof(head), 1, k->spool) != 1 || head.captured == SPOOL_MARK)
		return false;
	if (head.captured > k->frame_cap) {
		uint8_t *larger = realloc(k->frame, head.captured);

		if (!larger) {
			errno = ENOMEM;
			return false;
		}
		k->frame = larger;
		k->frame_cap = head.captured;
	}
	*f = (struct capfile_frame){
	    .bytes = k->frame,
	    .captured = head.captured,
	    .len = head.len,
	    .linktype = head.linktype,
	    .wall_ns = head.wall_ns,
	    .number = head.number,
	};
	return fread(k->frame, 1, head.captured, k->spool) == head.captured;
}

int keep_unspool(struct keep *k, keep_frame_fn *fn, void *ctx, struct err *e)
{
	struct capfile_frame f;

	if (!k->spool)
		return 0;
	errno = 0;
	if (!k->reading && fseek(k->spool, 0, SEEK_SET) != 0)
		return err_sys(e, errno, "the temporary file of -w cannot be read");
	k->reading = true;
	while (unspool(k, &f))
		fn(ctx, &f);
	if (ferror(k->spool) || errno == ENOMEM)
		return err_sys(e, errno, "the temporary file of -w cannot be read");
	return 0;
}

/* --- the pcap --------------------------------------------------------------------------------- */

/* Of several link types a pcap can hold but one: what they have in common is IP. */
static void strip(struct capfile_frame *f, const struct packet *p)
{
	f->bytes += p->l3_offset;
	f->captured -= p->l3_offset;
	f->len -= p->l3_offset;
	f->linktype = LINKTYPE_RAW;
}

void keep_put(struct keep *k, const struct capfile_frame *f, const struct packet *p)
{
	struct capfile_frame out = *f;

	if (k->mixed)
		strip(&out, p);
	capfile_put(k->out, &out);
	k->written++;
}
