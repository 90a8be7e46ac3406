/*
 * around: small tables of sets of four, the longest unseen of a set gives way. It refuses to know
 * connections; what its views mean for a RST is facts_read's and settle's.
 */
#include "judge/around.h"

#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 4,
	BURSTS = 4096,
	BURST_NS = 1000000000, /* connections reset within a second of each other are one burst */
};

struct host_entry {
	uint8_t ip[16];
	uint8_t family, ttl;
	bool ttl_varies;
	uint32_t rtt_us, burst;
	uint64_t last_ns;
	uint64_t targets; /* a bit for each hash of what it asked */
};

struct listener_entry {
	uint8_t ip[16];
	uint16_t port;
	uint8_t family;
	uint32_t peer[2], source[2]; /* hashes: of address and port, of the address; newest first */
	uint64_t ns[2];		     /* 0: none */
};

struct around {
	struct host_entry *hosts;
	struct listener_entry *listeners;
	struct burst *bursts;
	size_t sets;	   /* of each of the two tables */
	uint32_t n_bursts; /* ever; the next one's number is n_bursts + 1 */
	uint64_t seed;
};

struct around *around_new(size_t sets, uint64_t seed)
{
	struct around *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->seed = seed;
	a->sets = sets;
	a->hosts = calloc(sets * WAYS, sizeof(*a->hosts));
	a->listeners = calloc(sets * WAYS, sizeof(*a->listeners));
	a->bursts = calloc(BURSTS, sizeof(*a->bursts));
	if (!a->hosts || !a->listeners || !a->bursts) {
		around_free(a);
		return NULL;
	}
	return a;
}

void around_free(struct around *a)
{
	if (!a)
		return;
	free(a->hosts);
	free(a->listeners);
	free(a->bursts);
	free(a);
}

void around_clear(struct around *a)
{
	memset(a->hosts, 0, a->sets * WAYS * sizeof(*a->hosts));
	memset(a->listeners, 0, a->sets * WAYS * sizeof(*a->listeners));
}

static uint32_t hash(const struct around *a, const struct addr *h, uint16_t port)
{
	uint64_t w[2], x = a->seed ^ ((uint64_t)h->family << 16 | port);

	memcpy(w, h->b, sizeof(w));
	x = (x ^ w[0]) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 29 ^ w[1]) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> 32);
}

static bool is_host(const struct host_entry *e, const struct addr *h)
{
	return e->family == h->family && memcmp(e->ip, h->b, sizeof(e->ip)) == 0;
}

static struct host_entry *find_host(const struct around *a, const struct addr *h)
{
	struct host_entry *set = a->hosts + hash(a, h, 0) % a->sets * WAYS;

	for (size_t i = 0; i < WAYS; i++)
		if (is_host(&set[i], h))
			return &set[i];
	return NULL;
}

static struct host_entry *take_host(struct around *a, const struct addr *h)
{
	struct host_entry *set = a->hosts + hash(a, h, 0) % a->sets * WAYS, *e = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (is_host(&set[i], h))
			return &set[i];
		if (set[i].last_ns < e->last_ns)
			e = &set[i];
	}
	*e = (struct host_entry){.family = h->family};
	memcpy(e->ip, h->b, sizeof(e->ip));
	return e;
}

static bool is_listener(const struct listener_entry *e, const struct addr *h, uint16_t port)
{
	return e->family == h->family && e->port == port && memcmp(e->ip, h->b, sizeof(e->ip)) == 0;
}

static struct listener_entry *find_listener(const struct around *a, const struct addr *h,
					    uint16_t port)
{
	struct listener_entry *set = a->listeners + hash(a, h, port) % a->sets * WAYS;

	for (size_t i = 0; i < WAYS; i++)
		if (is_listener(&set[i], h, port))
			return &set[i];
	return NULL;
}

static struct listener_entry *take_listener(struct around *a, const struct addr *h, uint16_t port)
{
	struct listener_entry *e = find_listener(a, h, port);
	struct listener_entry *set = a->listeners + hash(a, h, port) % a->sets * WAYS;

	if (e)
		return e;
	e = set;
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].ns[0] < e->ns[0])
			e = &set[i];
	*e = (struct listener_entry){.family = h->family, .port = port};
	memcpy(e->ip, h->b, sizeof(e->ip));
	return e;
}

/* The two newest connections are kept, so that one of them is another's. */
static void note_listener(struct around *a, const struct segment *s, uint64_t ns)
{
	struct listener_entry *e = take_listener(a, &s->src, s->sport);
	uint32_t peer = hash(a, &s->dst, s->dport);

	if (!e->ns[0] || e->peer[0] != peer) {
		e->peer[1] = e->peer[0];
		e->source[1] = e->source[0];
		e->ns[1] = e->ns[0];
	}
	e->peer[0] = peer;
	e->source[0] = hash(a, &s->dst, 0);
	e->ns[0] = ns ? ns : 1;
}

void around_syn(struct around *a, const struct packet *p, uint64_t ns, uint32_t rtt_us)
{
	const struct segment *s = &p->seg;
	struct host_entry *e = take_host(a, &s->src);

	if (e->ttl && e->ttl != s->ttl)
		e->ttl_varies = true;
	e->ttl = s->ttl;
	e->last_ns = ns;
	if (s->flags & TCP_ACK) {
		if (rtt_us && (!e->rtt_us || rtt_us < e->rtt_us))
			e->rtt_us = rtt_us;
		note_listener(a, s, ns);
		if (e->burst && a->n_bursts - e->burst < BURSTS)
			a->bursts[e->burst % BURSTS].took |=
			    a->bursts[e->burst % BURSTS].port == s->sport;
	} else {
		e->targets |= 1ull << (hash(a, &s->dst, s->dport) & 63);
	}
}

struct host_view around_host(const struct around *a, const struct addr *host)
{
	const struct host_entry *e = find_host(a, host);
	struct host_view v = {0};

	if (!e)
		return v;
	v.known = e->ttl != 0;
	v.ttl_varies = e->ttl_varies;
	v.ttl = e->ttl;
	v.rtt_us = e->rtt_us;
	for (uint64_t t = e->targets; t; t &= t - 1)
		v.targets++;
	return v;
}

struct listener_view around_listener(const struct around *a, const struct addr *host, uint16_t port,
				     const struct addr *peer, uint16_t peer_port, uint64_t ns)
{
	const struct listener_entry *e = find_listener(a, host, port);
	uint32_t own = hash(a, peer, peer_port), source = hash(a, peer, 0);
	struct listener_view v = {0};

	for (size_t i = 0; e && i < 2; i++) {
		if (!e->ns[i])
			continue;
		v.before |= e->peer[i] != own && e->ns[i] <= ns;
		v.source_before |= e->source[i] != source && e->ns[i] <= ns;
		v.source_after |= e->source[i] != source && e->ns[i] > ns;
	}
	return v;
}

uint32_t around_reset(struct around *a, const struct addr *host, uint16_t port, uint64_t ns,
		      uint64_t gap_ns)
{
	struct host_entry *e = take_host(a, host);
	struct burst *b = &a->bursts[e->burst % BURSTS];

	e->last_ns = ns;
	if (!e->burst || a->n_bursts - e->burst >= BURSTS || ns > b->last_ns + BURST_NS) {
		e->burst = ++a->n_bursts;
		b = &a->bursts[e->burst % BURSTS];
		*b = (struct burst){.first_ns = ns,
				    .last_ns = ns,
				    .gap_least_ns = gap_ns,
				    .gap_most_ns = gap_ns,
				    .n = 1,
				    .n_port = 1,
				    .port = port};
		return e->burst;
	}
	b->n++;
	b->took_between |= b->took;
	if (ns > b->last_ns)
		b->last_ns = ns;
	b->n_port += port == b->port;
	if (gap_ns < b->gap_least_ns)
		b->gap_least_ns = gap_ns;
	if (gap_ns > b->gap_most_ns)
		b->gap_most_ns = gap_ns;
	return e->burst;
}

struct burst around_burst(const struct around *a, uint32_t id)
{
	if (!id || a->n_bursts - id >= BURSTS)
		return (struct burst){0};
	return a->bursts[id % BURSTS];
}
