/*
 * traffic: how each kind of connection looks between its hosts. Time is the capture's: what a host
 * answers is seen after the way to it and back. Sequence numbers begin anywhere, often close to
 * the wrap.
 */
#include "traffic.h"

#include <assert.h>
#include <stdlib.h>

enum { MS = 1000, SECOND = 1000 * MS };

uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

uint32_t rng_between(struct rng *r, uint32_t least, uint32_t most)
{
	return least + rng_below(r, most - least + 1);
}

struct host host_make(uint32_t number, bool server)
{
	struct rng r = {number * 2U + server};
	struct host h = {.number = number};

	h.windows = rng_below(&r, 4) == 0;
	h.delay_us = server ? rng_between(&r, 2 * MS, 20 * MS) : rng_between(&r, MS, 60 * MS);
	h.ttl = (uint8_t)((h.windows ? 128 : 64) - rng_between(&r, 1, 20));
	return h;
}

/* --- the pen: what is written down, and the two ends as they stand ---------------------------- */

struct pen {
	struct flow *f;
	struct rng *r;
	uint64_t t;
	uint32_t packets; /* left to spend on talk */
	struct end {
		uint32_t snd_nxt, rcv_nxt;
		uint16_t win, full; /* the field */
	} end[2];
};

static struct event *put_event(struct flow *f, const struct event *e)
{
	uint32_t i = f->n;

	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 16;
		f->events = realloc(f->events, f->cap * sizeof(*f->events));
		if (!f->events)
			abort();
	}
	f->n++;
	/* nearly in order: ACKs come while later segments pass */
	for (; i > 0 && f->events[i - 1].at_us > e->at_us; i--)
		f->events[i] = f->events[i - 1];
	f->events[i] = *e;
	return &f->events[i];
}

static struct event event_of(const struct pen *p, enum side side, unsigned flags, uint32_t len)
{
	const struct end *n = &p->end[side];

	return (struct event){.at_us = p->t,
			      .seq = n->snd_nxt,
			      .ack = flags & ACK ? n->rcv_nxt : 0,
			      .len = (uint16_t)len,
			      .win = n->win,
			      .flags = (uint8_t)flags,
			      .side = (uint8_t)side};
}

/* A segment of the socket's; its number goes on. */
static void put(struct pen *p, enum side side, unsigned flags, uint32_t len)
{
	struct event e = event_of(p, side, flags, len);

	put_event(p->f, &e);
	p->end[side].snd_nxt += len + !!(flags & SYN) + !!(flags & FIN);
}

/* All that `side` sent has reached its peer. */
static void arrive(struct pen *p, enum side side)
{
	p->end[!side].rcv_nxt = p->end[side].snd_nxt;
}

static void pause_us(struct pen *p, uint32_t least, uint32_t most)
{
	p->t += rng_between(p->r, least, most);
}

/* The way to `side` and back, and what its program takes. */
static void answer_of(struct pen *p, enum side side)
{
	p->t += 2 * (uint64_t)p->f->host[side].delay_us;
	pause_us(p, 10, 300);
}

/* The socket of `side` is aborted. */
static void reset(struct pen *p, enum side side, const struct truth *truth)
{
	struct event e = event_of(p, side, RST | ACK, 0);

	e.truth = truth;
	e.win = p->f->host[side].windows ? 0 : p->end[side].full;
	put_event(p->f, &e);
}

/* `side` has no socket for a segment that acknowledged `ack`. */
static void reject(struct pen *p, enum side side, uint32_t ack, const struct truth *truth)
{
	struct event e = {.at_us = p->t,
			  .seq = ack,
			  .flags = RST,
			  .side = (uint8_t)side,
			  .stateless = 1,
			  .truth = truth};

	put_event(p->f, &e);
}

/* --- what connections have in common ---------------------------------------------------------- */

static void handshake(struct pen *p)
{
	put(p, CLIENT, SYN, 0);
	arrive(p, CLIENT);
	answer_of(p, SERVER);
	put(p, SERVER, SYN | ACK, 0);
	arrive(p, SERVER);
	answer_of(p, CLIENT);
	p->end[CLIENT].win = p->end[CLIENT].full;
	p->end[SERVER].win = p->end[SERVER].full;
	put(p, CLIENT, ACK, 0);
}

/* What fits into a packet of 1,500 octets with time stamps. */
static uint32_t mss(const struct pen *p)
{
	return p->f->v6 ? MSS - 20 : MSS;
}

/* `octets` from `side`, ten segments a round trip, every second one acknowledged; now and then
 * one is lost behind the capture and comes again. The last ACK is the caller's. */
static void send_octets(struct pen *p, enum side side, uint32_t octets)
{
	uint64_t way = 2 * (uint64_t)p->f->host[!side].delay_us, last = p->t;
	uint32_t in_round = 0;

	while (octets) {
		uint32_t len = octets > mss(p) ? mss(p) : octets;

		octets -= len;
		put(p, side, octets ? ACK : ACK | PSH, len);
		if (rng_below(p->r, 400) == 0) {
			p->end[side].snd_nxt -= len;
			pause_us(p, 220 * MS, 400 * MS);
			put(p, side, ACK | PSH, len);
		}
		arrive(p, side);
		last = p->t + way + rng_between(p->r, 10, 200);
		if (octets && ++in_round % 2 == 0) {
			struct event e = event_of(p, !side, ACK, 0);

			e.at_us = last;
			put_event(p->f, &e);
		}
		if (octets && in_round == 10) {
			in_round = 0;
			p->t = last + 2 * (uint64_t)p->f->host[side].delay_us;
		}
		if (octets)
			pause_us(p, 10, 150);
	}
	p->t = last;
}

static uint32_t some_octets(struct pen *p)
{
	return rng_below(p->r, 3) ? rng_between(p->r, 20, 900) : rng_between(p->r, 900, mss(p));
}

/* A request, its answer, and the client's ACK of it. */
static void exchange(struct pen *p)
{
	uint32_t segments = 1;

	if (p->packets > 4)
		segments = rng_between(p->r, 1, p->packets > 60 ? 40 : (p->packets - 2) * 2 / 3);
	send_octets(p, CLIENT, some_octets(p));
	pause_us(p, 100, 40 * MS);
	send_octets(p, SERVER, (segments - 1) * mss(p) + some_octets(p));
	put(p, CLIENT, ACK, 0);
	p->packets -= p->packets < 2 + segments * 3 / 2 ? p->packets : 2 + segments * 3 / 2;
}

static void talk(struct pen *p)
{
	handshake(p);
	pause_us(p, 100, 5 * MS);
	exchange(p);
	while (p->packets >= 3) {
		pause_us(p, 10 * MS, 3 * SECOND);
		exchange(p);
	}
}

/* FIN of `side`, acknowledged by the other. */
static void finish(struct pen *p, enum side side)
{
	put(p, side, FIN | ACK, 0);
	arrive(p, side);
	answer_of(p, !side);
	put(p, !side, ACK, 0);
}

static enum side any_side(struct pen *p)
{
	return rng_below(p->r, 2) ? SERVER : CLIENT;
}

/* --- the endings ------------------------------------------------------------------------------ */

static void end_fin(struct pen *p)
{
	enum side first = any_side(p);

	talk(p);
	pause_us(p, 5 * SECOND, 40 * SECOND);
	put(p, first, FIN | ACK, 0);
	arrive(p, first);
	answer_of(p, !first);
	if (rng_below(p->r, 3) == 0) {
		put(p, !first, ACK, 0);
		pause_us(p, MS, 200 * MS);
	}
	put(p, !first, FIN | ACK, 0);
	arrive(p, !first);
	answer_of(p, first);
	put(p, first, ACK, 0);
}

static void end_refused(struct pen *p)
{
	static const struct truth truth = {"refused", "-", "a SYN to a port where nobody listens"};
	uint32_t isn = p->end[CLIENT].snd_nxt;
	unsigned tries = p->f->host[CLIENT].windows ? 3 : 1;

	p->f->port[SERVER] = (uint16_t)(40000 + p->f->port[SERVER]);
	while (tries--) {
		struct event e = {.seq = 0,
				  .ack = isn + 1,
				  .flags = RST | ACK,
				  .side = SERVER,
				  .stateless = 1,
				  .truth = &truth};

		p->end[CLIENT].snd_nxt = isn;
		put(p, CLIENT, SYN, 0);
		answer_of(p, SERVER);
		e.at_us = p->t;
		put_event(p->f, &e);
		pause_us(p, 480 * MS, 520 * MS);
	}
}

static void end_abort_after_fin(struct pen *p)
{
	static const struct truth truth = {"abort-after-fin", "-",
					   "the peer's FIN was acknowledged, then aborted"};
	enum side first = any_side(p);

	talk(p);
	pause_us(p, 100 * MS, 5 * SECOND);
	finish(p, first);
	pause_us(p, MS, 3 * SECOND);
	reset(p, !first, &truth);
}

static void end_abort_acked(struct pen *p)
{
	static const struct truth truth = {"abort-close", "abort-linger",
					   "all acknowledged and answered, then aborted"};

	talk(p);
	pause_us(p, 5 * MS, 4 * SECOND);
	reset(p, rng_below(p->r, 3) ? CLIENT : SERVER, &truth);
}

static void end_unread(struct pen *p)
{
	static const struct truth truth = {"unread-data-close", "abort-close",
					   "the request was acknowledged and never answered"};
	static const struct truth crossed = {"after-reset", "-", "a segment that crossed the RST"};
	uint32_t segments = rng_between(p->r, 2, 4), trigger_ack;
	struct end *s = &p->end[SERVER];

	handshake(p);
	pause_us(p, 100, 2 * MS);
	for (uint32_t i = 0; i < segments; i++) {
		put(p, CLIENT, ACK | PSH, mss(p));
		arrive(p, CLIENT);
		answer_of(p, SERVER);
		s->win = (uint16_t)(s->win - (MSS >> 7) - 1);
		put(p, SERVER, ACK, 0);
		pause_us(p, MS, 20 * MS);
	}
	pause_us(p, MS, 500 * MS);
	reset(p, SERVER, &truth);
	if (rng_below(p->r, 2)) {
		pause_us(p, 20, 2 * p->f->host[CLIENT].delay_us - 20);
		trigger_ack = p->end[CLIENT].rcv_nxt;
		put(p, CLIENT, ACK | PSH, some_octets(p));
		answer_of(p, SERVER);
		reject(p, SERVER, trigger_ack, &crossed);
	}
}

static void end_half_open(struct pen *p)
{
	static const struct truth truth = {"half-open", "-",
					   "data on a connection that its peer forgot"};
	static const struct truth again = {"rst-lost-repeat", "-",
					   "the first RST was lost, and the segment came again"};
	uint32_t octets = some_octets(p), rto = 230 * MS + 4 * p->f->host[SERVER].delay_us;

	talk(p);
	pause_us(p, 11 * SECOND, 18 * SECOND);
	put(p, CLIENT, ACK | PSH, octets);
	answer_of(p, SERVER);
	reject(p, SERVER, p->end[CLIENT].rcv_nxt, &truth);
	for (unsigned lost = rng_below(p->r, 4) ? 0 : rng_between(p->r, 1, 3); lost; lost--) {
		p->t += rto;
		rto *= 2;
		p->end[CLIENT].snd_nxt -= octets;
		put(p, CLIENT, ACK | PSH, octets);
		answer_of(p, SERVER);
		reject(p, SERVER, p->end[CLIENT].rcv_nxt, &again);
	}
}

static const struct truth data_after_close = {"data-after-close", "-",
					      "data to a socket that had sent its FIN"};

static void end_data_after_close(struct pen *p)
{
	static const struct truth second = {"after-reset", "-", "more data in flight behind it"};
	bool two = rng_below(p->r, 3) == 0;

	talk(p);
	pause_us(p, 100 * MS, 5 * SECOND);
	finish(p, SERVER);
	pause_us(p, 50 * MS, 2 * SECOND);
	put(p, CLIENT, ACK | PSH, some_octets(p));
	if (two) {
		p->t += 30;
		put(p, CLIENT, ACK | PSH, some_octets(p));
	}
	answer_of(p, SERVER);
	reject(p, SERVER, p->end[CLIENT].rcv_nxt, &data_after_close);
	if (two) {
		p->t += 30;
		reject(p, SERVER, p->end[CLIENT].rcv_nxt, &second);
	}
}

static void end_close_races(struct pen *p)
{
	static const struct truth late = {"after-reset", "late-after-close",
					  "the FIN behind the data that was refused"};
	uint32_t ack;

	talk(p);
	pause_us(p, 100 * MS, 3 * SECOND);
	ack = p->end[SERVER].rcv_nxt;
	put(p, CLIENT, FIN | ACK, 0);
	pause_us(p, 10, 300);
	put(p, SERVER, ACK | PSH, rng_between(p->r, 20, 60));
	pause_us(p, 10, 300);
	put(p, SERVER, FIN | ACK, 0);
	p->t += 2 * (uint64_t)p->f->host[CLIENT].delay_us;
	reject(p, CLIENT, ack, &data_after_close);
	pause_us(p, 10, 300);
	reject(p, CLIENT, ack, &late);
}

static void end_abandoned(struct pen *p)
{
	static const struct truth truth = {"handshake-abandoned", "-",
					   "the client had given up when the SYN-ACK came"};

	put(p, CLIENT, SYN, 0);
	arrive(p, CLIENT);
	answer_of(p, SERVER);
	pause_us(p, 100 * MS, 900 * MS);
	put(p, SERVER, SYN | ACK, 0);
	answer_of(p, CLIENT);
	reject(p, CLIENT, p->end[SERVER].rcv_nxt, &truth);
}

static void end_no_data(struct pen *p)
{
	static const struct truth truth = {"abort-no-data", "-", "a health check by connect()"};

	handshake(p);
	pause_us(p, 20, 100 * MS);
	reset(p, CLIENT, &truth);
}

static void end_idle(struct pen *p)
{
	static const struct truth truth = {"abort-idle", "-", "aborted after a long silence"};

	talk(p);
	pause_us(p, 11 * SECOND, 18 * SECOND);
	reset(p, SERVER, &truth);
}

static void end_keepalive(struct pen *p)
{
	static const struct truth truth = {"keepalive-fail", "-", "probes stayed unanswered"};
	unsigned probes = rng_between(p->r, 3, 5);

	talk(p);
	pause_us(p, 6 * SECOND, 9 * SECOND);
	while (probes--) {
		struct event e = event_of(p, SERVER, ACK, 0);

		e.seq--;
		put_event(p->f, &e);
		p->t += 2 * SECOND;
	}
	reset(p, SERVER, &truth);
}

static void end_pending(struct pen *p)
{
	static const struct truth truth = {"abort-pending", "-",
					   "aborted with octets the peer had no window for"};
	struct end *c = &p->end[CLIENT];

	handshake(p);
	pause_us(p, 100, 2 * MS);
	send_octets(p, CLIENT, some_octets(p));
	for (int i = 3; i >= 0; i--) {
		put(p, SERVER, ACK, mss(p));
		arrive(p, SERVER);
		answer_of(p, CLIENT);
		c->win = (uint16_t)(c->full / 4 * i);
		put(p, CLIENT, ACK, 0);
		answer_of(p, SERVER);
	}
	put(p, SERVER, ACK, 1);
	pause_us(p, 600 * MS, 4 * SECOND);
	reset(p, SERVER, &truth);
}

static void end_fin_then_abort(struct pen *p)
{
	static const struct truth truth = {"fin-then-abort", "-",
					   "its own FIN first, then aborted"};

	talk(p);
	pause_us(p, 100 * MS, 3 * SECOND);
	finish(p, SERVER);
	pause_us(p, 500 * MS, 5 * SECOND);
	reset(p, SERVER, &truth);
}

static void end_overflow(struct pen *p)
{
	static const struct truth truth = {"backlog-overflow", "-",
					   "the handshake's last ACK met a full accept queue"};

	handshake(p);
	answer_of(p, SERVER);
	reject(p, SERVER, p->end[CLIENT].rcv_nxt, &truth);
}

static void end_cancelled(struct pen *p)
{
	static const struct truth truth = {"syn-cancelled", "-", "given up before any answer"};

	put(p, CLIENT, SYN, 0);
	pause_us(p, 5 * MS, 250 * MS);
	reject(p, CLIENT, p->end[CLIENT].snd_nxt, &truth);
}

static void end_injected(struct pen *p)
{
	static const struct truth truth = {"injected", "-",
					   "a box in the path, at another distance"};
	static const struct truth after = {"after-reset", "-", "the server goes on unaware"};
	struct event forged;
	uint64_t seen;
	uint8_t ttl = p->f->host[SERVER].ttl;

	talk(p);
	pause_us(p, 10 * MS, 2 * SECOND);
	put(p, CLIENT, ACK | PSH, some_octets(p));
	seen = p->t;
	arrive(p, CLIENT);
	forged = event_of(p, SERVER, RST | ACK, 0);
	forged.at_us = seen + p->f->host[SERVER].delay_us / 5;
	forged.ttl = (uint8_t)(ttl > 56 && ttl <= 64 ? ttl - 30 : ttl + 8);
	forged.win = 0;
	forged.truth = &truth;
	forged.stateless = 1;
	put_event(p->f, &forged);
	answer_of(p, SERVER);
	put(p, SERVER, ACK | PSH, rng_between(p->r, 200, mss(p)));
	answer_of(p, CLIENT);
	reject(p, CLIENT, p->end[SERVER].rcv_nxt, &after);
}

struct ending endings[] = {
    {"fin", 600, end_fin},
    {"refused", 50, end_refused},
    {"abort-after-fin", 60, end_abort_after_fin},
    {"abort-acked", 60, end_abort_acked},
    {"unread", 40, end_unread},
    {"half-open", 40, end_half_open},
    {"data-after-close", 50, end_data_after_close},
    {"close-races", 10, end_close_races},
    {"abandoned", 25, end_abandoned},
    {"no-data", 20, end_no_data},
    {"idle", 10, end_idle},
    {"keepalive", 5, end_keepalive},
    {"pending", 10, end_pending},
    {"fin-then-abort", 8, end_fin_then_abort},
    {"overflow", 5, end_overflow},
    {"cancelled", 5, end_cancelled},
    {"injected", 2, end_injected},
};
const size_t n_endings = sizeof(endings) / sizeof(endings[0]);

static size_t pick_ending(struct rng *r)
{
	uint32_t sum = 0, at;
	size_t i;

	for (i = 0; i < n_endings; i++)
		sum += endings[i].weight;
	assert(sum > 0);
	at = rng_below(r, sum);
	for (i = 0; at >= endings[i].weight; i++)
		at -= endings[i].weight;
	return i;
}

void flow_write(struct flow *f, struct rng *r, uint64_t at_us, double packets)
{
	struct pen p = {.f = f, .r = r, .t = at_us};

	f->n = f->retired = 0;
	f->stamps = !f->host[CLIENT].windows && !f->host[SERVER].windows;
	for (int side = 0; side < 2; side++) {
		struct end *n = &p.end[side];

		/* one in fifty is about to wrap */
		n->snd_nxt = rng_below(r, 50) ? (uint32_t)rng_next(r)
					      : (uint32_t) - (int32_t)rng_between(r, 1, 3000);
		n->win = 64240;
		n->full = (uint16_t)rng_between(r, 400, 600);
		f->ip_id[side] = (uint16_t)rng_next(r);
		f->ts_base[side] = (uint32_t)rng_next(r);
		f->ts_last[side] = 0;
	}
	/* 7 go to the handshake and the close; the rest varies as 0 to twice the mean does */
	packets = (packets - 7) * 2 * rng_below(r, 1 << 16) / (1 << 16);
	p.packets = packets > 0 ? (uint32_t)packets : 0;
	endings[pick_ending(r)].write(&p);
}
