/*
 * neigh: reads the kernel's notices of neighbours into a table that any thread can look into. It
 * refuses to ask for a neighbour, and to know who wants one.
 *
 * The table is open addressing without deletion. A place is written by the reading thread alone:
 * first its key, then its value, which is never 0 once it is taken. A table that is full is left to
 * those who still look into it, and another one, with what the kernel knows now, takes its stead.
 */
#include "config.h"

#include "wire/neigh.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

enum {
	BUFFER = 32768,
	SOCKET_BUFFER = 1 << 20, /* a network that is asked for at once answers at once */
	PLACES_MIN = 1 << 10,
	PLACES_MAX = 1 << 18, /* 8 MiB, and as much once more: memory stays flat on any link */
	N_TABLES = 10,	      /* of all sizes from least to most, and a second one of the most */
};

/* The value of a place: the address, then two bits of state, then the failures, then TAKEN. */
enum {
	STATE_SHIFT = 48,
	FAILURES_SHIFT = 50,
	FAILURES_MAX = (1 << 13) - 1,
};
#define TAKEN (UINT64_C(1) << 63)

/* IPv4 as a mapped address (RFC 4291, 2.5.5.2); the interface's index. Atomic because a place of a
 * table used a second time may still be read by who has slept since the first. */
struct place {
	_Atomic uint64_t key[3];
	_Atomic uint64_t value;
};

/* What only the reading thread wants to know of a place. */
struct memo {
	uint32_t dump;	  /* the last one that it stood in, or in which it was changed */
	uint32_t reading; /* that in which it failed last */
};

struct table {
	size_t mask;
	struct memo *memos; /* by place */
	size_t used;
	struct place places[];
};

struct neighs {
	_Atomic(struct table *) table;
	struct table *tables[N_TABLES]; /* smaller ones that have had their time among them */
	size_t n_tables;
	struct mnl_socket *nl;
	uint64_t seed;
	uint32_t reading;
	uint32_t dump;	     /* the number of the one that runs or has run last */
	bool dumping, again; /* one is to follow, because notices were lost */
	bool first;	     /* nothing in it has happened since neighs_open */
	_Alignas(struct nlmsghdr) char buf[BUFFER];
};

/* --- the table ---------------------------------------------------------------------------- */

static void key_of(uint64_t key[3], uint32_t ifindex, const struct addr *a)
{
	uint8_t b[16] = {[10] = 0xff, [11] = 0xff};

	if (a->family == ADDR_V4)
		memcpy(b + 12, a->b, 4);
	else
		memcpy(b, a->b, 16);
	memcpy(key, b, 16);
	key[2] = ifindex;
}

/* Mixed as by splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static size_t hash(const struct neighs *n, const uint64_t key[3])
{
	return (size_t)mix(mix(mix(n->seed ^ key[0]) ^ key[1]) ^ key[2]);
}

static bool has_key(const struct place *p, const uint64_t key[3])
{
	for (int i = 0; i < 3; i++) {
		if (atomic_load_explicit(&p->key[i], memory_order_acquire) != key[i])
			return false;
	}
	return true;
}

/* The place of the key, or the free one that it would get. There always is a free one. */
static size_t place_of(const struct neighs *n, const struct table *t, const uint64_t key[3])
{
	size_t i = hash(n, key) & t->mask;

	while (atomic_load_explicit(&t->places[i].value, memory_order_acquire) &&
	       !has_key(&t->places[i], key))
		i = (i + 1) & t->mask;
	return i;
}

static uint64_t pack(const struct neigh *in)
{
	uint64_t v = TAKEN | (uint64_t)in->state << STATE_SHIFT |
		     (uint64_t)(in->failures & FAILURES_MAX) << FAILURES_SHIFT;

	for (int i = 0; i < 6; i++)
		v |= (uint64_t)in->mac[i] << (40 - 8 * i);
	return v;
}

static struct neigh unpack(uint64_t v)
{
	struct neigh out = {.state = (enum neigh_state)(v >> STATE_SHIFT & 3),
			    .failures = (unsigned)(v >> FAILURES_SHIFT) & FAILURES_MAX};

	for (int i = 0; i < 6; i++)
		out.mac[i] = (uint8_t)(v >> (40 - 8 * i));
	return out;
}

struct neigh neighs_find(const struct neighs *n, uint32_t ifindex, const struct addr *a)
{
	const struct table *t = atomic_load_explicit(&n->table, memory_order_acquire);
	const struct place *p;
	uint64_t key[3], v;

	key_of(key, ifindex, a);
	p = &t->places[place_of(n, t, key)];
	v = atomic_load_explicit(&p->value, memory_order_acquire);
	/* once more: the key that was seen must still be that of the value */
	if (!v || !has_key(p, key) || atomic_load(&p->value) != v)
		return (struct neigh){.state = NEIGH_UNKNOWN};
	return unpack(v);
}

static void put(struct table *t, size_t i, const uint64_t key[3], uint64_t value)
{
	struct place *p = &t->places[i];

	if (!atomic_load_explicit(&p->value, memory_order_relaxed)) {
		for (int k = 0; k < 3; k++)
			atomic_store_explicit(&p->key[k], key[k], memory_order_release);
		t->used++;
	}
	atomic_store_explicit(&p->value, value, memory_order_release);
}

static struct table *table_new(struct neighs *n, size_t places)
{
	struct table *t = calloc(1, sizeof(*t) + places * sizeof(t->places[0]));

	if (!t || n->n_tables == N_TABLES)
		goto out;
	t->mask = places - 1;
	t->memos = calloc(places, sizeof(t->memos[0]));
	if (!t->memos)
		goto out;
	n->tables[n->n_tables++] = t;
	return t;
out:
	free(t);
	return NULL;
}

/* The one of the most places that is not in use: what it says is from long ago, and goes. */
static struct table *used_before(struct neighs *n, const struct table *now)
{
	for (size_t i = 0; i < n->n_tables; i++) {
		struct table *t = n->tables[i];

		if (t == now || t->mask + 1 != PLACES_MAX)
			continue;
		for (size_t k = 0; k <= t->mask; k++)
			atomic_store_explicit(&t->places[k].value, 0, memory_order_release);
		memset(t->memos, 0, (t->mask + 1) * sizeof(t->memos[0]));
		t->used = 0;
		return t;
	}
	return table_new(n, PLACES_MAX);
}

/* A table with room for one more: this one, or the next, to which all goes but, where it can't be
 * larger, what the kernel has forgotten. NULL where there is no room to be had. */
static struct table *with_room(struct neighs *n)
{
	struct table *t = atomic_load_explicit(&n->table, memory_order_relaxed), *next;
	bool most = t->mask + 1 == PLACES_MAX;

	if (t->used <= t->mask / 2)
		return t;
	next = most ? used_before(n, t) : table_new(n, 2 * (t->mask + 1));
	if (!next)
		return NULL;
	for (size_t i = 0; i <= t->mask; i++) {
		uint64_t v = atomic_load_explicit(&t->places[i].value, memory_order_relaxed);
		uint64_t key[3];
		size_t to;

		if (!v || (most && unpack(v).state == NEIGH_UNKNOWN))
			continue;
		for (int k = 0; k < 3; k++)
			key[k] = atomic_load_explicit(&t->places[i].key[k], memory_order_relaxed);
		to = place_of(n, next, key);
		next->memos[to] = t->memos[i];
		put(next, to, key, v);
	}
	atomic_store_explicit(&n->table, next, memory_order_release);
	return next->used <= next->mask / 2 ? next : NULL;
}

/* --- news --------------------------------------------------------------------------------- */

struct reading {
	struct neighs *n;
	neigh_fn *fn;
	void *ctx;
};

static int ask_all(struct neighs *n)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd;

	h->nlmsg_type = RTM_GETNEIGH;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++n->dump;
	nd = mnl_nlmsg_put_extra_header(h, sizeof(*nd));
	nd->ndm_family = AF_UNSPEC;
	if (mnl_socket_sendto(n->nl, h, h->nlmsg_len) < 0)
		return -1;
	n->dumping = true;
	n->again = false;
	return 0;
}

static enum neigh_state state_of(uint16_t type, uint16_t nud, bool has_mac)
{
	if (type == RTM_DELNEIGH)
		return NEIGH_UNKNOWN;
	if (nud & NUD_FAILED)
		return NEIGH_FAILED;
	if (nud & NUD_INCOMPLETE)
		return NEIGH_ASKED;
	return has_mac && nud != NUD_NONE ? NEIGH_KNOWN : NEIGH_UNKNOWN;
}

/* The place of an address, made where there is none yet; NULL without room. */
static struct table *find_place(struct neighs *n, const uint64_t key[3], size_t *at)
{
	struct table *t = atomic_load_explicit(&n->table, memory_order_relaxed);

	*at = place_of(n, t, key);
	if (atomic_load_explicit(&t->places[*at].value, memory_order_relaxed))
		return t;
	t = with_room(n);
	if (t)
		*at = place_of(n, t, key);
	return t;
}

/*
 * Its failures with what was just heard. `happened`: it is news, and no repetition of what was so
 * before. Who takes a neighbour out of the table by hand makes it fail first, so what fails and is
 * gone at one go has not failed.
 */
static unsigned failures_of(const struct neighs *n, struct memo *m, const struct neigh *before,
			    enum neigh_state now, bool happened)
{
	if (now == NEIGH_FAILED && !n->first && (happened || before->state != NEIGH_FAILED) &&
	    before->failures < FAILURES_MAX) {
		m->reading = n->reading;
		return before->failures + 1;
	}
	if (now == NEIGH_UNKNOWN && before->state == NEIGH_FAILED && before->failures > 0 &&
	    m->reading == n->reading)
		return before->failures - 1;
	return before->failures;
}

static void learn(struct reading *r, uint32_t ifindex, const struct addr *a, struct neigh now,
		  bool happened)
{
	struct neighs *n = r->n;
	struct neigh before;
	struct table *t;
	uint64_t key[3], v;
	size_t i;

	key_of(key, ifindex, a);
	t = find_place(n, key, &i);
	if (!t)
		return;
	v = atomic_load_explicit(&t->places[i].value, memory_order_relaxed);
	before = unpack(v); /* of nothing: unknown, and never failed */
	t->memos[i].dump = n->dump;
	now.failures = failures_of(n, &t->memos[i], &before, now.state, happened);
	put(t, i, key, pack(&now));
	if (r->fn && (happened || pack(&now) != v))
		r->fn(r->ctx, ifindex, a, &now);
}

static void on_neighbour(struct reading *r, const struct nlmsghdr *h)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	struct nlattr *at;
	struct addr a = {0};
	struct neigh now = {0};
	bool has_mac = false;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*nd) ||
	    (nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6))
		return;
	mnl_attr_for_each(at, h, sizeof(*nd))
	{
		size_t len = mnl_attr_get_payload_len(at);

		if (mnl_attr_get_type(at) == NDA_DST &&
		    len == (nd->ndm_family == AF_INET ? 4 : 16)) {
			a.family = nd->ndm_family == AF_INET ? ADDR_V4 : ADDR_V6;
			memcpy(a.b, mnl_attr_get_payload(at), len);
		} else if (mnl_attr_get_type(at) == NDA_LLADDR && len == sizeof(now.mac)) {
			memcpy(now.mac, mnl_attr_get_payload(at), len);
			has_mac = true;
		}
	}
	if (a.family == ADDR_NONE)
		return;
	now.state = state_of(h->nlmsg_type, nd->ndm_state, has_mac);
	learn(r, (uint32_t)nd->ndm_ifindex, &a, now, !(h->nlmsg_flags & NLM_F_MULTI));
}

/* What the kernel did not name in a dump, it has forgotten. */
static void forget_unnamed(struct neighs *n)
{
	struct table *t = atomic_load_explicit(&n->table, memory_order_relaxed);

	for (size_t i = 0; i <= t->mask; i++) {
		uint64_t v = atomic_load_explicit(&t->places[i].value, memory_order_relaxed);
		struct neigh now = unpack(v);

		if (!v || t->memos[i].dump == n->dump)
			continue;
		now.state = NEIGH_UNKNOWN;
		atomic_store_explicit(&t->places[i].value, pack(&now), memory_order_release);
	}
}

static void end_dump(struct neighs *n, bool whole)
{
	if (whole)
		forget_unnamed(n);
	n->dumping = n->first = false;
}

static void on_message(struct reading *r, const struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH: on_neighbour(r, h); break;
	case NLMSG_DONE:
	case NLMSG_ERROR:
		if (r->n->dumping && h->nlmsg_seq == r->n->dump)
			end_dump(r->n, h->nlmsg_type == NLMSG_DONE);
		break;
	default: break;
	}
}

/* All that is there: false where nothing more is. */
static bool read_some(struct reading *r)
{
	struct neighs *n = r->n;
	ssize_t got = mnl_socket_recvfrom(n->nl, n->buf, sizeof(n->buf));
	int left = (int)got;

	if (got > 0) {
		for (const struct nlmsghdr *h = (const void *)n->buf; mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left))
			on_message(r, h);
	} else if (got < 0 && errno == ENOBUFS) {
		n->again = true; /* notices were lost */
	} else {
		return got < 0 && errno == EINTR;
	}
	return true;
}

void neighs_read(struct neighs *n, neigh_fn *fn, void *ctx)
{
	struct reading r = {.n = n, .fn = fn, .ctx = ctx};

	n->reading++;
	do {
		while (read_some(&r))
			;
		/* not before the old notices are read: what a dump does not name is told from what
		 * is new since */
	} while (n->again && !n->dumping && ask_all(n) == 0);
}

/* --- opening ------------------------------------------------------------------------------ */

static int open_socket(struct neighs *n)
{
	int size = SOCKET_BUFFER, fd;

	n->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!n->nl)
		return -1;
	fd = mnl_socket_get_fd(n->nl);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return mnl_socket_bind(n->nl, RTMGRP_NEIGH, MNL_SOCKET_AUTOPID);
}

struct neighs *neighs_open(struct err *e)
{
	struct neighs *n = calloc(1, sizeof(*n));
	struct table *t = n ? table_new(n, PLACES_MIN) : NULL;

	if (!t) {
		err_sys(e, ENOMEM, "neighbours");
		goto out;
	}
	atomic_init(&n->table, t);
	/* so that nobody on the link can choose addresses that all go to one place */
	if (getrandom(&n->seed, sizeof(n->seed), GRND_NONBLOCK) != sizeof(n->seed))
		n->seed = (uint64_t)time(NULL);
	n->first = true;
	if (open_socket(n) < 0 || ask_all(n) < 0) {
		err_sys(e, errno, "neighbours: netlink");
		goto out;
	}
	/* the kernel makes the rest of a dump whenever the last part has been read */
	neighs_read(n, NULL, NULL);
	return n;
out:
	neighs_close(n);
	return NULL;
}

void neighs_close(struct neighs *n)
{
	if (!n)
		return;
	if (n->nl)
		mnl_socket_close(n->nl);
	for (size_t i = 0; i < n->n_tables; i++) {
		free(n->tables[i]->memos);
		free(n->tables[i]);
	}
	free(n);
}

int neighs_fd(const struct neighs *n)
{
	return mnl_socket_get_fd(n->nl);
}
