/* peer: virtual time, loss and delay. What a stack does is the behaviour's. */
#include "sim/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fake/icmp.h"
#include "sim/kernel.h"

uint32_t peer_random(struct peer *p)
{
	p->rng = p->rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(p->rng >> 33);
}

static bool lost(struct peer *p)
{
	return peer_random(p) % 100 < p->loss_percent;
}

static void put_frame(struct peer *p, uint64_t at_ns, const uint8_t *bytes, size_t len, bool own)
{
	struct pending *slot;

	assert(len <= sizeof(slot->bytes));
	if (p->n_pending == p->cap_pending) {
		p->cap_pending = p->cap_pending ? 2 * p->cap_pending : 1024;
		p->pending = realloc(p->pending, p->cap_pending * sizeof(*p->pending));
		assert(p->pending);
	}
	/* a heap by time; of one time, the first in is the first out */
	size_t i = p->n_pending++;

	while (i > 0 && p->pending[(i - 1) / 2].at_ns > at_ns) {
		p->pending[i] = p->pending[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	slot = &p->pending[i];
	slot->at_ns = at_ns;
	slot->order = p->n_frames++;
	slot->len = (uint16_t)len;
	slot->own = own;
	memcpy(slot->bytes, bytes, len);
}

static void put_pending(struct peer *p, uint64_t at_ns, const uint8_t *bytes, size_t len)
{
	put_frame(p, at_ns, bytes, len, false);
}

static void show_own(struct peer *p, const uint8_t *bytes, size_t len)
{
	if (p->wire.both_ways)
		put_frame(p, p->now_ns, bytes, len, true);
}

static bool is_later(const struct pending *a, const struct pending *b)
{
	return a->at_ns != b->at_ns ? a->at_ns > b->at_ns : a->order > b->order;
}

static struct pending take_pending(struct peer *p)
{
	struct pending first = p->pending[0], last = p->pending[--p->n_pending];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < p->n_pending) {
		if (child + 1 < p->n_pending &&
		    is_later(&p->pending[child], &p->pending[child + 1]))
			child++;
		if (!is_later(&last, &p->pending[child]))
			break;
		p->pending[i] = p->pending[child];
		i = child;
	}
	p->pending[i] = last;
	return first;
}

void peer_inject(struct peer *p, const struct segment *s, uint64_t at_ns)
{
	uint8_t bytes[200];
	int len = craft_build(p->craft, s, bytes, sizeof(bytes), NULL);

	assert(len > 0);
	if (p->spoils && s->flags & TCP_RST)
		bytes[s->src.family == ADDR_V6 ? 56 : 36] ^= 0x40;
	put_pending(p, at_ns, bytes, (size_t)len);
}

static void inject_icmp(struct peer *p, const struct peer_answer *a, const struct packet *probe,
			const uint8_t *ip, size_t len, uint64_t at_ns)
{
	const struct addr *from = a->icmp_from.family ? &a->icmp_from : &probe->seg.dst;
	uint8_t b[ICMP_ERROR_MAX], quote[SEGMENT_MAX];
	uint8_t ttl = a->icmp_ttl ? a->icmp_ttl : 64;

	assert(len <= sizeof(quote));
	memcpy(quote, ip, len);
	bytes_put_be32(quote + (from->family == ADDR_V6 ? 44 : 24),
		       probe->seg.seq + a->icmp_seq_add);
	put_pending(p, at_ns, b, icmp_error(from, ttl, a->icmp_type, a->icmp_code, quote, len, b));
}

static void put_answers(struct peer *p, const struct peer_answer *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (!lost(p))
			peer_inject(p, &a->seg[i], p->now_ns + p->rtt_ns + a->delay_ns[i]);
}

static void answer(struct peer *p, const struct packet *probe, const uint8_t *ip, size_t len)
{
	struct peer_answer a = {0};

	if (lost(p))
		return;
	p->fn(p, probe, &a);
	if (a.icmp && !lost(p))
		inject_icmp(p, &a, probe, ip, len, p->now_ns + p->rtt_ns);
	put_answers(p, &a);
}

void peer_transmit(struct peer *p, const struct segment *s)
{
	uint8_t bytes[200];
	struct packet packet;
	int len = craft_build(p->craft, s, bytes, sizeof(bytes), NULL);

	assert(len > 0);
	if (p->down_at_ns && p->now_ns >= p->down_at_ns)
		return;
	assert(decode_frame(bytes, (size_t)len, (size_t)len, LINKTYPE_RAW, &packet) == DECODE_OK);
	show_own(p, bytes, (size_t)len);
	answer(p, &packet, bytes, (size_t)len);
}

static int refused(struct peer *p, const struct packet *probe)
{
	if (p->down_at_ns && p->now_ns >= p->down_at_ns)
		return ENETDOWN;
	return p->refuse ? p->refuse(p, probe) : p->send_error;
}

static bool stands_still(const struct peer *p)
{
	return p->still_calls && p->now_ns >= p->still_from_ns;
}

static size_t peer_send(struct wire *w, unsigned lane, struct wire_out *v, size_t n,
			_Atomic uint64_t *at_ns)
{
	struct peer *p = (struct peer *)w;
	size_t left = 0;

	(void)lane;
	*at_ns = p->now_ns;
	for (size_t i = 0; i < n; i++) {
		struct packet probe;

		assert(decode_frame(v[i].ip, v[i].len, v[i].len, LINKTYPE_RAW, &probe) ==
		       DECODE_OK);
		assert(!probe.csum_bad);
		v[i].error = refused(p, &probe);
		if (v[i].error)
			continue;
		left++;
		if (p->n_sent < PEER_LOG)
			p->sent[p->n_sent] = (struct peer_sent){
			    p->now_ns,
			    probe.seg.sport,
			    probe.seg.dport,
			    probe.seg.flags,
			    probe.seg.seq,
			    probe.seg.ack,
			    probe.seg.dst.b[probe.seg.dst.family == ADDR_V4 ? 3 : 15]};
		p->n_sent++;
		if (!stands_still(p))
			p->now_ns += 500; /* a system call takes its time */
		show_own(p, v[i].ip, v[i].len);
		answer(p, &probe, v[i].ip, v[i].len);
	}
	return left;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Lets the peer and the local kernel do what is due by now. */
static void run_timers(struct peer *p)
{
	while (p->wake && p->wake(p) <= p->now_ns) {
		struct peer_answer a = {0};

		p->tick(p, &a);
		put_answers(p, &a);
	}
	if (p->kernel)
		kernel_tick(p->kernel);
}

/* Passes the time until a frame is there, or `deadline_ns`, or somebody wants us to stop. */
static void wait_for_frame(struct peer *p, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t wake = deadline_ns, timers = UINT64_MAX;

		run_timers(p);
		if (p->n_pending && p->pending[0].at_ns <= p->now_ns)
			return;
		if (p->n_pending)
			wake = earlier(wake, p->pending[0].at_ns);
		if (p->stop_at_ns > p->now_ns)
			wake = earlier(wake, p->stop_at_ns);
		if (p->wake)
			timers = p->wake(p);
		if (p->kernel)
			timers = earlier(timers, kernel_wake(p->kernel));
		if (timers >= wake) {
			p->now_ns = wake > p->now_ns ? wake : p->now_ns + 100;
			return;
		}
		p->now_ns = timers > p->now_ns ? timers : p->now_ns;
	}
}

static int peer_recv(struct wire *w, uint64_t deadline_ns, wire_frame_fn *fn, void *ctx,
		     struct err *e)
{
	struct peer *p = (struct peer *)w;
	int n = 0;

	(void)e;
	if (stands_still(p)) {
		p->still_calls--;
		return 0;
	}
	wait_for_frame(p, deadline_ns);
	while (p->n_pending && p->pending[0].at_ns <= p->now_ns) {
		struct pending one = take_pending(p);
		struct wire_in in = {one.bytes, one.len, one.len, LINKTYPE_RAW, 1, one.at_ns};

		p->stats.captured++;
		if (p->kernel && !one.own)
			kernel_take(p->kernel, one.bytes, one.len);
		fn(ctx, &in);
		n++;
	}
	return n;
}

static uint64_t peer_now(struct wire *w)
{
	struct peer *p = (struct peer *)w;

	if (p->jump_at_ns && p->now_ns >= p->jump_at_ns) {
		p->jump_at_ns = 0;
		p->now_ns += p->jump_ns;
	}
	return p->now_ns;
}

static unsigned peer_events(struct wire *w)
{
	struct peer *p = (struct peer *)w;

	return p->stop_at_ns && p->now_ns >= p->stop_at_ns ? WIRE_STOP : 0;
}

static void peer_stats(struct wire *w, struct wire_stats *out)
{
	*out = ((struct peer *)w)->stats;
}

static bool peer_path_up(struct wire *w, uint16_t path, struct err *why)
{
	struct peer *p = (struct peer *)w;

	(void)path;
	if (!p->down_at_ns || p->now_ns < p->down_at_ns)
		return true;
	err_set(why, "veth0: link down");
	return false;
}

static int peer_conn_open(struct wire *w, const struct wire_conn_to *to, bool *full, struct err *e)
{
	struct peer *p = (struct peer *)w;

	return kernel_open(peer_kernel(p), to, full, e);
}

static bool peer_conn_tsval(struct wire *w, int conn, uint32_t *tsval)
{
	(void)conn;
	*tsval = kernel_tsval(((struct peer *)w)->kernel);
	return true;
}

static void peer_conn_shutdown(struct wire *w, int conn)
{
	kernel_shutdown(((struct peer *)w)->kernel, conn);
}

static ssize_t peer_conn_write(struct wire *w, int conn, const void *octets, size_t len)
{
	return kernel_write(((struct peer *)w)->kernel, conn, octets, len);
}

static ssize_t peer_conn_read(struct wire *w, int conn, void *octets, size_t cap)
{
	return kernel_read(((struct peer *)w)->kernel, conn, octets, cap);
}

static void peer_conn_close(struct wire *w, int conn, bool reset)
{
	kernel_close(((struct peer *)w)->kernel, conn, reset);
}

void peer_init(struct peer *p, peer_fn *fn, void *ctx)
{
	static const struct wire_ops ops = {
	    .send = peer_send,
	    .recv = peer_recv,
	    .now = peer_now,
	    .events = peer_events,
	    .stats = peer_stats,
	    .path_up = peer_path_up,
	    .conn_open = peer_conn_open,
	    .conn_shutdown = peer_conn_shutdown,
	    .conn_write = peer_conn_write,
	    .conn_read = peer_conn_read,
	    .conn_tsval = peer_conn_tsval,
	    .conn_close = peer_conn_close,
	};

	*p = (struct peer){.fn = fn, .ctx = ctx, .now_ns = 5000000000, .rtt_ns = 400000, .rng = 1};
	p->path[0] = (struct path){
	    .ifname = "veth0", .ifindex = 1, .src = addr_v4(192, 0, 2, 1), .mtu = 1500};
	p->wire = (struct wire){.ops = &ops, .paths = p->path, .n_paths = 1, .lanes = 1};
	p->craft = craft_new(NULL);
	p->sent = calloc(PEER_LOG, sizeof(*p->sent));
	assert(p->craft && p->sent);
}

void peer_free(struct peer *p)
{
	kernel_free(p->kernel);
	craft_free(p->craft);
	free(p->pending);
	free(p->sent);
}

struct kernel *peer_kernel(struct peer *p)
{
	if (!p->kernel)
		p->kernel = kernel_new(p);
	return p->kernel;
}

struct segment peer_back(const struct packet *probe)
{
	return (struct segment){
	    .src = probe->seg.dst,
	    .dst = probe->seg.src,
	    .sport = probe->seg.dport,
	    .dport = probe->seg.sport,
	    .ttl = 64,
	    .df = true,
	};
}

void peer_put(struct peer_answer *a, const struct segment *s, uint64_t delay_ns)
{
	assert(a->n < PEER_ANSWERS);
	a->seg[a->n] = *s;
	a->delay_ns[a->n++] = delay_ns;
}

void peer_rfc(const struct packet *probe, bool open, struct peer_answer *out)
{
	struct segment s = peer_back(probe);
	uint16_t flags = probe->seg.flags;

	if (flags & TCP_RST)
		return;
	if (flags & TCP_ACK) {
		s.flags = TCP_RST;
		s.seq = probe->seg.ack;
	} else if (open && flags == TCP_SYN) {
		s.flags = TCP_SYN | TCP_ACK;
		s.seq = 0xfffffff0U + probe->seg.dport;
		s.ack = probe->seg.seq + 1;
		s.win = 65535;
	} else if (open) {
		return;
	} else {
		s.flags = TCP_RST | TCP_ACK;
		s.ack = probe->seg.seq + segment_len(&probe->seg);
	}
	peer_put(out, &s, 0);
}
