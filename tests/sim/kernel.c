/* kernel: a client's half of RFC 9293, with nothing in it that a battery cannot see. */
#include "sim/kernel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"

#define MS 1000000ULL
#define SECOND (1000 * MS)

enum {
	CONNS_MAX = 4096,
	RESEND_MAX = 6,
	SYN_RESEND_MAX = 4,
	WINDOW = 64240,
	SNDBUF = 32768,
	MSS = 100,
	SHIFT = 7
};

enum state {
	FREE,
	SYN_SENT,
	ESTABLISHED,
	FIN_WAIT_1,
	FIN_WAIT_2,
	CLOSE_WAIT,
	CLOSING,
	LAST_ACK,
	TIME_WAIT,
	DEAD, /* no connection any more, but the handle stands */
};

struct conn {
	enum state state;
	bool handle; /* somebody holds it; else an orphan */
	bool ts;
	struct addr src, dst;
	uint16_t sport, dport, ip_id;
	uint32_t iss, snd_una, snd_nxt, rcv_nxt, ts_recent;
	unsigned retries;
	uint64_t resend_ns, end_ns;
	/* octets from snd_una on that were written; those that came and were not read */
	uint8_t *out, *in;
	size_t n_out, n_in, rcvbuf;
	uint32_t peer_win;
	uint8_t peer_shift;
	uint16_t told;	 /* the window, in our last segment */
	bool fin_wanted; /* once all is sent */
	int error;	 /* what the next call returns, once */
	bool was_reset;
};

struct kernel {
	struct peer *p;
	struct conn conns[CONNS_MAX];
	size_t n; /* places ever used */
};

struct kernel *kernel_new(struct peer *p)
{
	struct kernel *k = calloc(1, sizeof(*k));

	assert(k);
	k->p = p;
	return k;
}

void kernel_free(struct kernel *k)
{
	for (size_t i = 0; k && i < k->n; i++) {
		free(k->conns[i].out);
		free(k->conns[i].in);
	}
	free(k);
}

/* --- sending ---------------------------------------------------------------------------------- */

uint32_t kernel_tsval(const struct kernel *k)
{
	return (uint32_t)(k->p->now_ns / MS) + 77000;
}

static void put_timestamps(struct segment *s, uint32_t val, uint32_t ecr)
{
	uint8_t *o = s->options;

	s->options_len = 12;
	o[0] = o[1] = TCP_OPT_NOP;
	o[2] = TCP_OPT_TIMESTAMPS;
	o[3] = 10;
	bytes_put_be32(o + 4, val);
	bytes_put_be32(o + 8, ecr);
}

static uint16_t window(const struct conn *c)
{
	return (uint16_t)((c->rcvbuf > c->n_in ? c->rcvbuf - c->n_in : 0) >> SHIFT);
}

/* By how much more than the peer knows of. */
static size_t n_grown(const struct conn *c)
{
	return (size_t)(window(c) - c->told) << SHIFT;
}

static void put_text(struct kernel *k, struct conn *c, uint16_t flags, uint32_t seq,
		     const uint8_t *text, size_t len)
{
	struct segment s = {
	    .src = c->src,
	    .dst = c->dst,
	    .sport = c->sport,
	    .dport = c->dport,
	    .seq = seq,
	    .ack = flags & TCP_ACK ? c->rcv_nxt : 0,
	    .flags = flags,
	    .win = flags & TCP_SYN ? (uint16_t)c->rcvbuf : window(c),
	    .payload = len ? text : NULL,
	    .payload_len = (uint32_t)len,
	    .ttl = 64,
	    .df = c->src.family == ADDR_V4,
	    .ip_id = ++c->ip_id,
	};

	c->told = s.win;
	if (flags & TCP_SYN)
		s.options_len = (uint8_t)options_build_syn(SYN_LAYOUT_LINUX,
							   c->src.family == ADDR_V4 ? 1460 : 1440,
							   kernel_tsval(k), s.options);
	else if (c->ts)
		put_timestamps(&s, kernel_tsval(k), c->ts_recent);
	peer_transmit(k->p, &s);
}

static void put(struct kernel *k, struct conn *c, uint16_t flags, uint32_t seq)
{
	put_text(k, c, flags, seq, NULL, 0);
}

static void put_ack(struct kernel *k, struct conn *c)
{
	put(k, c, TCP_ACK, c->snd_nxt);
}

static void dies(struct conn *c)
{
	c->state = c->handle ? DEAD : FREE;
	c->resend_ns = c->end_ns = UINT64_MAX;
}

static void put_fin(struct kernel *k, struct conn *c)
{
	c->snd_nxt++;
	c->retries = 0;
	c->resend_ns = k->p->now_ns + 300 * MS;
	put(k, c, TCP_FIN | TCP_ACK, c->snd_nxt - 1);
}

/* Octets that were sent and not acknowledged; a FIN is none. */
static uint32_t in_flight(const struct conn *c)
{
	uint32_t n = c->snd_nxt - c->snd_una;

	return n < c->n_out ? n : (uint32_t)c->n_out;
}

/* What the peer's window lets go, and the FIN after the last. */
static void push(struct kernel *k, struct conn *c)
{
	while (in_flight(c) < c->n_out && in_flight(c) < c->peer_win) {
		size_t at = in_flight(c), len = c->n_out - at;

		if (len > MSS)
			len = MSS;
		if (len > c->peer_win - at)
			len = c->peer_win - at;
		c->snd_nxt += (uint32_t)len;
		put_text(k, c, TCP_PSH | TCP_ACK, c->snd_nxt - (uint32_t)len, c->out + at, len);
		if (c->resend_ns == UINT64_MAX)
			c->resend_ns = k->p->now_ns + 300 * MS;
	}
	if (c->fin_wanted && in_flight(c) == c->n_out) {
		c->fin_wanted = false;
		put_fin(k, c);
	}
}

/* --- the application's side ------------------------------------------------------------------- */

static struct conn *place(struct kernel *k)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->conns[i].state == FREE)
			return &k->conns[i];
	return k->n < CONNS_MAX ? &k->conns[k->n++] : NULL;
}

static struct conn *find(struct kernel *k, const struct addr *dst, uint16_t sport, uint16_t dport)
{
	for (size_t i = 0; i < k->n; i++) {
		struct conn *c = &k->conns[i];

		if (c->state != FREE && c->state != DEAD && c->sport == sport &&
		    c->dport == dport && addr_same(&c->dst, dst))
			return c;
	}
	return NULL;
}

int kernel_open(struct kernel *k, const struct wire_conn_to *to, bool *full, struct err *e)
{
	struct conn *c = find(k, &to->dst, to->sport, to->dport);

	*full = false;
	if (c && (c->handle || c->state != TIME_WAIT))
		return err_sys(e, EADDRNOTAVAIL, "connect");
	if (!c && !(c = place(k))) {
		*full = true;
		return err_sys(e, EMFILE, "socket");
	}
	*c = (struct conn){
	    .state = SYN_SENT,
	    .handle = true,
	    .src = k->p->wire.paths[to->path].src,
	    .dst = to->dst,
	    .sport = to->sport,
	    .dport = to->dport,
	    .ip_id = (uint16_t)peer_random(k->p),
	    .iss = peer_random(k->p) ^ peer_random(k->p) << 13,
	    .resend_ns = k->p->now_ns + SECOND,
	    .end_ns = UINT64_MAX,
	    .out = c->out,
	    .in = c->in,
	    .rcvbuf = to->rcvbuf && to->rcvbuf < WINDOW ? to->rcvbuf : WINDOW,
	};
	if (!c->out) {
		c->out = malloc(SNDBUF);
		c->in = malloc(WINDOW);
		assert(c->out && c->in);
	}
	c->snd_una = c->iss;
	c->snd_nxt = c->iss + 1;
	put(k, c, TCP_SYN, c->iss);
	return (int)(c - k->conns);
}

static struct conn *held(struct kernel *k, int conn)
{
	assert(k && conn >= 0 && (size_t)conn < k->n && k->conns[conn].handle);
	return &k->conns[conn];
}

void kernel_shutdown(struct kernel *k, int conn)
{
	struct conn *c = held(k, conn);

	if (c->state != ESTABLISHED && c->state != CLOSE_WAIT)
		return;
	c->state = c->state == ESTABLISHED ? FIN_WAIT_1 : LAST_ACK;
	c->fin_wanted = true;
	push(k, c);
}

static int take_error(struct conn *c)
{
	int error = c->error;

	c->error = 0;
	return error;
}

ssize_t kernel_write(struct kernel *k, int conn, const void *octets, size_t len)
{
	struct conn *c = held(k, conn);
	int error = take_error(c);

	if (error)
		return -error;
	if (c->state == SYN_SENT)
		return -EAGAIN;
	if (c->state != ESTABLISHED && c->state != CLOSE_WAIT)
		return -EPIPE;
	if (len && c->n_out == SNDBUF)
		return -EAGAIN;
	if (len > SNDBUF - c->n_out)
		len = SNDBUF - c->n_out;
	memcpy(c->out + c->n_out, octets, len);
	c->n_out += len;
	push(k, c);
	return (ssize_t)len;
}

ssize_t kernel_read(struct kernel *k, int conn, void *octets, size_t cap)
{
	struct conn *c = held(k, conn);
	size_t n = cap < c->n_in ? cap : c->n_in;
	int error;

	if (n) {
		memcpy(octets, c->in, n);
		c->n_in -= n;
		memmove(c->in, c->in + n, c->n_in);
		if (window(c) > c->told && (!c->told || n_grown(c) >= c->rcvbuf / 2))
			put_ack(k, c);
		return (ssize_t)n;
	}
	error = take_error(c);
	if (error)
		return -error;
	if (c->was_reset || c->state == CLOSE_WAIT || c->state == CLOSING || c->state == LAST_ACK ||
	    c->state == TIME_WAIT)
		return 0;
	return -EAGAIN;
}

void kernel_close(struct kernel *k, int conn, bool reset)
{
	struct conn *c = held(k, conn);

	reset |= c->n_in > 0; /* Linux resets what is closed with octets unread */
	if (!reset)
		kernel_shutdown(k, conn);
	c->handle = false;
	if (c->state == FIN_WAIT_2)
		c->end_ns = k->p->now_ns + 60 * SECOND;
	if (reset && c->state != SYN_SENT && c->state != DEAD && c->state != TIME_WAIT)
		put(k, c, TCP_RST | TCP_ACK, c->snd_nxt);
	if (reset || c->state == SYN_SENT || c->state == DEAD)
		c->state = FREE;
}

size_t kernel_conns(const struct kernel *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->conns[i].state != FREE && k->conns[i].state != DEAD;
	return n;
}

size_t kernel_handles(const struct kernel *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->conns[i].handle && k->conns[i].state != FREE;
	return n;
}

/* --- what comes in ---------------------------------------------------------------------------- */

/* RFC 9293, 3.10.7.1, but not where the port is kept quiet (wire/quiet.h). */
static void reset_stray(struct kernel *k, const struct packet *in)
{
	const struct wire *w = &k->p->wire;
	struct segment s = peer_back(in);

	if (in->seg.flags & TCP_RST)
		return;
	if ((uint16_t)(in->seg.dport - w->quiet_first) < w->n_quiet &&
	    (in->seg.ttl < 255 || w->quiet_ttl255))
		return;
	if (in->seg.flags & TCP_ACK) {
		s.flags = TCP_RST;
		s.seq = in->seg.ack;
	} else {
		s.flags = TCP_RST | TCP_ACK;
		s.ack = in->seg.seq + segment_len(&in->seg);
	}
	s.df = s.src.family == ADDR_V4;
	peer_transmit(k->p, &s);
}

static void take_in_syn_sent(struct kernel *k, struct conn *c, const struct packet *in)
{
	const struct segment *s = &in->seg;

	if ((s->flags & TCP_ACK) && s->ack != c->snd_nxt) {
		reset_stray(k, in);
	} else if (s->flags & TCP_RST) {
		if (s->flags & TCP_ACK) {
			c->error = ECONNREFUSED;
			c->was_reset = true;
			dies(c);
		}
	} else if ((s->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		c->state = ESTABLISHED;
		c->snd_una = s->ack;
		c->rcv_nxt = s->seq + 1;
		c->ts = in->options.has_timestamps;
		c->ts_recent = in->options.tsval;
		c->resend_ns = UINT64_MAX;
		c->peer_win = s->win;
		c->peer_shift = in->options.has_wscale ? in->options.wscale : 0;
		put_ack(k, c);
	}
}

static void time_wait(struct kernel *k, struct conn *c)
{
	c->state = TIME_WAIT;
	c->resend_ns = UINT64_MAX;
	c->end_ns = k->p->now_ns + 60 * SECOND;
}

/* An orphan does not wait for ever (tcp_fin_timeout). */
static void fin_wait_2(struct kernel *k, struct conn *c)
{
	c->state = FIN_WAIT_2;
	c->end_ns = c->handle ? UINT64_MAX : k->p->now_ns + 60 * SECOND;
}

static void take_ack(struct kernel *k, struct conn *c, uint32_t ack)
{
	uint32_t acked = ack - c->snd_una;
	size_t text = acked < c->n_out ? acked : c->n_out;

	if (seq_gt(ack, c->snd_nxt) || !seq_gt(ack, c->snd_una))
		return;
	c->snd_una = ack;
	c->n_out -= text;
	memmove(c->out, c->out + text, c->n_out);
	c->retries = 0;
	if (ack != c->snd_nxt || c->n_out || c->fin_wanted)
		return;
	c->resend_ns = UINT64_MAX;
	if (c->state == FIN_WAIT_1)
		fin_wait_2(k, c);
	else if (c->state == CLOSING)
		time_wait(k, c);
	else if (c->state == LAST_ACK)
		dies(c);
}

static void take_text(struct kernel *k, struct conn *c, const struct segment *s)
{
	uint32_t end = s->seq + s->payload_len;
	bool fin = s->flags & TCP_FIN;

	if (!segment_len(s))
		return;
	if (!c->handle && s->payload_len && seq_gt(end, c->rcv_nxt)) {
		/* nobody will read it: an orphan resets */
		put(k, c, TCP_RST, s->ack);
		dies(c);
		return;
	}
	if (seq_leq(s->seq, c->rcv_nxt) && seq_gt(end, c->rcv_nxt)) {
		size_t n = end - c->rcv_nxt;

		if (n > c->rcvbuf - c->n_in)
			n = c->rcvbuf - c->n_in;
		memcpy(c->in + c->n_in, s->payload + (c->rcv_nxt - s->seq), n);
		c->n_in += n;
		c->rcv_nxt += (uint32_t)n;
	}
	if (fin && end == c->rcv_nxt && c->state != TIME_WAIT && c->state != CLOSE_WAIT &&
	    c->state != LAST_ACK && c->state != CLOSING) {
		c->rcv_nxt++;
		if (c->state == ESTABLISHED)
			c->state = CLOSE_WAIT;
		else if (c->state == FIN_WAIT_1)
			c->state = CLOSING;
		else
			time_wait(k, c);
	}
	put_ack(k, c);
}

static void take_on_conn(struct kernel *k, struct conn *c, const struct packet *in)
{
	const struct segment *s = &in->seg;

	if (c->ts && in->options.has_timestamps) {
		if (seq_lt(in->options.tsval, c->ts_recent) && !(s->flags & TCP_RST))
			return; /* PAWS; the answer to it is left out */
		if (seq_leq(s->seq, c->rcv_nxt))
			c->ts_recent = in->options.tsval;
	}
	if (s->flags & TCP_RST) {
		if (s->seq == c->rcv_nxt) {
			c->error = c->state == CLOSE_WAIT ? EPIPE : ECONNRESET;
			c->was_reset = true;
			dies(c);
		}
		return;
	}
	if (s->flags & TCP_SYN) {
		put_ack(k, c); /* a SYN-ACK once more: our ACK was lost */
		return;
	}
	if (!(s->flags & TCP_ACK))
		return;
	c->peer_win = (uint32_t)s->win << c->peer_shift;
	take_ack(k, c, s->ack);
	if (c->state != DEAD && c->state != FREE)
		take_text(k, c, s);
	if (c->state != DEAD && c->state != FREE)
		push(k, c);
}

void kernel_take(struct kernel *k, const uint8_t *ip, size_t len)
{
	struct packet in;
	struct conn *c;

	if (decode_frame(ip, len, len, LINKTYPE_RAW, &in) != DECODE_OK || in.kind != PACKET_TCP)
		return;
	c = find(k, &in.seg.src, in.seg.dport, in.seg.sport);
	if (!c)
		reset_stray(k, &in);
	else if (c->state == SYN_SENT)
		take_in_syn_sent(k, c, &in);
	else
		take_on_conn(k, c, &in);
}

/* --- time ------------------------------------------------------------------------------------- */

uint64_t kernel_wake(const struct kernel *k)
{
	uint64_t t = UINT64_MAX;

	for (size_t i = 0; i < k->n; i++) {
		const struct conn *c = &k->conns[i];

		if (c->state == FREE || c->state == DEAD)
			continue;
		t = c->resend_ns < t ? c->resend_ns : t;
		t = c->end_ns < t ? c->end_ns : t;
	}
	return t;
}

static void resend(struct kernel *k, struct conn *c)
{
	bool syn = c->state == SYN_SENT;

	if (++c->retries > (syn ? SYN_RESEND_MAX : RESEND_MAX)) {
		dies(c);
		return;
	}
	c->resend_ns = k->p->now_ns + ((syn ? SECOND : 300 * MS) << c->retries);
	if (c->n_out) { /* the oldest segment; a window of 0 is probed by it too */
		put_text(k, c, TCP_PSH | TCP_ACK, c->snd_una, c->out,
			 in_flight(c) < MSS ? in_flight(c) : MSS);
		return;
	}
	put(k, c, syn ? TCP_SYN : TCP_FIN | TCP_ACK, c->snd_una);
}

void kernel_tick(struct kernel *k)
{
	for (size_t i = 0; i < k->n; i++) {
		struct conn *c = &k->conns[i];

		if (c->state == FREE || c->state == DEAD)
			continue;
		if (c->end_ns <= k->p->now_ns)
			dies(c);
		else if (c->resend_ns <= k->p->now_ns)
			resend(k, c);
	}
}
