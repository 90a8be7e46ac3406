/*
 * hops: counts what goes to neighbours that are not known yet, and when the kernel was last shown
 * that one is in use. It refuses to send, and what happened to a neighbour only neigh knows.
 */
#include "config.h"

#include "wire/hops.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "wire/links.h"

enum {
	ASKED_MAX = 512, /* neighbours at once; the kernel keeps some 1,000 in all (gc_thresh3) */
	PACKETS_MAX = 4, /* to each until it is known */
	/* the kernel's own, each after three questions */
	FAILURES_MAX = 1,
	GATEWAY_FAILURES_MAX = 2,
	USES = 4096, /* a power of 2 */
	NS_PER_MS = 1000000,
	ASK_MS = 5000, /* after which it is asked for anew: no word came from the kernel */
	USE_MS = 250,
	TIDY_MS = 1,
};

/* A neighbour that is being asked for. */
struct asked {
	struct addr addr;
	uint64_t since_ns;
	unsigned packets, failures; /* failures: before it was asked for */
};

struct hops {
	const struct path *path;
	const struct neighs *neighs;
	/* When the kernel last sent to a known neighbour, in ms, by a hash: those that share a
	 * place take turns. */
	_Atomic uint32_t used_ms[USES];
	pthread_mutex_t lock; /* of all below */
	uint64_t tidied_ns;
	size_t n_asked;
	uint64_t marks[ASKED_MAX]; /* a hash of each, in one piece, because all are looked through
				    */
	struct asked asked[ASKED_MAX];
};

/* The destination comes from the packet itself: the two can't disagree. */
static struct addr next_hop(const struct hops *h, const struct wire_out *o)
{
	struct addr to = {.family = ADDR_V4};

	if (h->path->next_hop.family != ADDR_NONE)
		return h->path->next_hop;
	if (o->ip[0] >> 4 == 4) {
		memcpy(to.b, o->ip + 16, 4);
	} else {
		to.family = ADDR_V6;
		memcpy(to.b, o->ip + 24, 16);
	}
	return to;
}

static uint64_t mark_of(const struct addr *a)
{
	uint64_t w[2], z;

	memcpy(w, a->b, sizeof(w));
	z = (w[0] ^ a->family) * 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 32) ^ w[1]) * 0xbf58476d1ce4e5b9;
	return z ^ (z >> 32);
}

/* --- known ones --------------------------------------------------------------------------- */

/* Frames of ours don't tell the kernel that the neighbour is in use, and what is not in use is not
 * confirmed. True for one packet in USE_MS. */
static bool must_be_shown(struct hops *h, uint64_t mark, uint64_t now_ns)
{
	_Atomic uint32_t *used = &h->used_ms[mark % USES];
	uint32_t last = atomic_load_explicit(used, memory_order_relaxed);
	uint32_t now = (uint32_t)(now_ns / NS_PER_MS) | 1;

	if (last && (int32_t)(now - last) < USE_MS)
		return false;
	return atomic_compare_exchange_strong_explicit(used, &last, now, memory_order_relaxed,
						       memory_order_relaxed);
}

/* --- those that are being asked for -------------------------------------------------------- */

static struct asked *asked_find(struct hops *h, const struct addr *a, uint64_t mark)
{
	for (size_t i = 0; i < h->n_asked; i++) {
		if (h->marks[i] == mark && addr_equal(&h->asked[i].addr, a))
			return &h->asked[i];
	}
	return NULL;
}

static bool has_ended(const struct hops *h, const struct asked *a, uint64_t now_ns)
{
	struct neigh n = neighs_find(h->neighs, h->path->ifindex, &a->addr);

	return n.state == NEIGH_KNOWN || n.failures != a->failures ||
	       now_ns - a->since_ns > (uint64_t)ASK_MS * NS_PER_MS;
}

/* Makes room of those of whom more is known by now. */
static void tidy(struct hops *h, uint64_t now_ns)
{
	size_t kept = 0;

	if (now_ns - h->tidied_ns < (uint64_t)TIDY_MS * NS_PER_MS)
		return;
	h->tidied_ns = now_ns;
	for (size_t i = 0; i < h->n_asked; i++) {
		if (has_ended(h, &h->asked[i], now_ns))
			continue;
		h->marks[kept] = h->marks[i];
		h->asked[kept++] = h->asked[i];
	}
	h->n_asked = kept;
}

static struct asked *asked_add(struct hops *h, const struct addr *to, uint64_t mark,
			       uint64_t now_ns)
{
	if (h->n_asked == ASKED_MAX)
		tidy(h, now_ns);
	if (h->n_asked == ASKED_MAX)
		return NULL;
	h->marks[h->n_asked] = mark;
	h->asked[h->n_asked] = (struct asked){.addr = *to};
	return &h->asked[h->n_asked++];
}

static enum hop ask_locked(struct hops *h, const struct addr *to, uint64_t mark, uint64_t now_ns,
			   unsigned failures)
{
	struct asked *a = asked_find(h, to, mark);
	bool fresh = !a;

	if (fresh)
		a = asked_add(h, to, mark, now_ns);
	if (!a)
		return HOP_WAIT;
	if (fresh || has_ended(h, a, now_ns)) {
		a->since_ns = now_ns;
		a->packets = 0;
		a->failures = failures;
	}
	if (a->packets == PACKETS_MAX)
		return HOP_WAIT;
	a->packets++;
	return HOP_KERNEL;
}

bool hops_one(const struct hops *h)
{
	return h->path->next_hop.family != ADDR_NONE;
}

enum hop hops_ask(struct hops *h, const struct wire_out *o, uint64_t now_ns, uint8_t mac[6])
{
	struct addr to = next_hop(h, o);
	struct neigh n = neighs_find(h->neighs, h->path->ifindex, &to);
	uint64_t mark = mark_of(&to);
	enum hop hop;

	/* the kernel knows what to do with those, and asks nobody */
	if (addr_is_multicast(&to) || addr_is_broadcast(&to))
		return HOP_KERNEL;
	if (n.state == NEIGH_KNOWN) {
		if (must_be_shown(h, mark, now_ns))
			return HOP_KERNEL;
		memcpy(mac, n.mac, sizeof(n.mac));
		return HOP_FRAME;
	}
	if (n.failures >= (hops_one(h) ? GATEWAY_FAILURES_MAX : FAILURES_MAX))
		return HOP_NOBODY;
	pthread_mutex_lock(&h->lock);
	hop = ask_locked(h, &to, mark, now_ns, n.failures);
	pthread_mutex_unlock(&h->lock);
	return hop;
}

/* --- opening ------------------------------------------------------------------------------ */

bool hops_ethernet(const struct path *p, uint8_t mac[6])
{
	return !p->loopback && links_ethernet(p->ifname, mac);
}

struct hops *hops_new(const struct path *p, const struct neighs *n, struct err *e)
{
	struct hops *h = calloc(1, sizeof(*h));

	if (!h) {
		err_sys(e, ENOMEM, "sending");
		return NULL;
	}
	h->path = p;
	h->neighs = n;
	pthread_mutex_init(&h->lock, NULL);
	return h;
}

void hops_free(struct hops *h)
{
	if (!h)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h);
}
