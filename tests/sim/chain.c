/* chain: one segment's way along the routers, then the target's answer. */
#include "sim/chain.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "sim/kernel.h"

#define SECOND 1000000000ULL
#define OOW_NS (SECOND / 2) /* tcp_invalid_ratelimit */

enum { BURST = 6, RESET_STEP = 1460, WINDOW = 65535 };

struct way { /* of one segment */
	struct chain *c;
	struct peer *p;
	const struct packet *in;
	struct peer_answer *out;
	unsigned branch; /* 0 or 1 */
};

void chain_init(struct chain *c, unsigned routers)
{
	assert(routers <= CHAIN_MAX);
	*c = (struct chain){.n = routers};
}

static unsigned branch_of(uint16_t sport)
{
	return (sport * 2654435761U) >> 31;
}

struct addr chain_router(const struct chain *c, unsigned at, uint16_t sport, uint8_t family)
{
	unsigned branch = at >= c->fork && at <= c->join ? branch_of(sport) : 0;
	struct addr six = {.family = ADDR_V6, .b = {0x20, 0x01, 0x0d, 0xb8}};

	six.b[14] = (uint8_t)branch;
	six.b[15] = (uint8_t)at;
	return family == ADDR_V6 ? six : addr_v4(10, 9, (uint8_t)branch, (uint8_t)at);
}

unsigned chain_conns(const struct chain *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CHAIN_PORTS; i++)
		n += c->conns[i].state != CHAIN_LISTEN;
	return n;
}

/* --- back ---------------------------------------------------------------------------------------
 */

/* From so many hops away, with an initial TTL of 64. */
static void send_back(struct way *y, struct segment *s, unsigned hops, uint64_t delay_ns)
{
	struct peer *p = y->p;

	if (peer_random(p) % 100 < p->loss_percent)
		return;
	s->ttl = (uint8_t)(64 - (hops - 1));
	peer_inject(p, s, p->now_ns + hops * CHAIN_HOP_NS + delay_ns);
}

static void send_error(struct way *y, unsigned at, uint8_t type, uint8_t code)
{
	y->out->icmp = true;
	y->out->icmp_type = type;
	y->out->icmp_code = code;
	y->out->icmp_ttl = (uint8_t)(64 - (at - 1));
	y->out->icmp_seq_add = y->c->seq_add;
	y->out->icmp_from = chain_router(y->c, at, y->in->seg.sport, y->in->seg.src.family);
	y->p->rtt_ns = at * CHAIN_HOP_NS;
}

/* RFC 9293, 3.10.7.1 */
static struct segment reset_to(const struct packet *in)
{
	struct segment s = peer_back(in);

	s.flags = TCP_RST;
	s.seq = in->seg.ack;
	if (!(in->seg.flags & TCP_ACK)) {
		s.flags |= TCP_ACK;
		s.seq = 0;
		s.ack = in->seg.seq + segment_len(&in->seg);
	}
	return s;
}

/* --- routers ------------------------------------------------------------------------------------
 */

/* As Linux' icmp_ratelimit: by source and destination, so one for all flows of a path. */
static bool may_answer(struct way *y, unsigned at)
{
	unsigned branch = at >= y->c->fork && at <= y->c->join ? y->branch : 0;
	struct chain_limit *l = &y->c->limit[at][branch];
	uint64_t now = y->p->now_ns, credit = BURST * SECOND;

	if (y->c->silent[at])
		return false;
	if (!y->c->limited)
		return true;
	if (l->used && l->credit_ns + now - l->at_ns < credit)
		credit = l->credit_ns + now - l->at_ns;
	*l = (struct chain_limit){credit < SECOND ? credit : credit - SECOND, now, true};
	y->c->n_withheld += credit < SECOND;
	return credit >= SECOND;
}

static bool matches(const struct segment *s)
{
	static const char word[] = "forbidden";

	for (size_t i = 0; i + sizeof(word) - 1 <= s->payload_len; i++)
		if (memcmp(s->payload + i, word, sizeof(word) - 1) == 0)
			return true;
	return false;
}

static bool box_wants(const struct way *y, const struct box *b)
{
	const struct segment *s = &y->in->seg;

	if (b->branch && b->branch != y->branch + 1)
		return false;
	if (s->flags & TCP_RST)
		return false;
	switch (b->on) {
	case ON_ALL: return true;
	case ON_SYN: return s->flags & TCP_SYN;
	case ON_ACK: return s->flags & TCP_ACK;
	case ON_MATCH: return matches(s);
	}
	return false;
}

static void send_resets(struct way *y, const struct box *b)
{
	for (unsigned i = 0; i < (b->resets ? b->resets : 1); i++) {
		struct segment s = reset_to(y->in);

		if (b->numberless) {
			s.flags = TCP_RST;
			s.seq = s.ack = 0;
		} else if (s.flags & TCP_ACK) {
			s.ack += i * RESET_STEP;
		} else {
			s.seq += i * RESET_STEP;
		}
		if (b->copies) {
			s.ip_id = y->in->seg.ip_id;
			s.win = y->in->seg.win;
		}
		send_back(y, &s, b->at, b->delay_ns + i * 1000);
	}
}

/* False: it goes no farther. */
static bool passes_boxes(struct way *y, unsigned at, bool ingress)
{
	for (unsigned i = 0; i < CHAIN_BOXES; i++) {
		const struct box *b = &y->c->boxes[i];

		if (b->kind == BOX_NONE || b->at != at || b->ingress != ingress || !box_wants(y, b))
			continue;
		if (b->kind == BOX_REJECT || b->kind == BOX_FORGE)
			send_resets(y, b);
		else if (b->kind == BOX_ICMP && y->in->seg.src.family == ADDR_V6)
			send_error(y, at, 1, 1);
		else if (b->kind == BOX_ICMP)
			send_error(y, at, 3, 13);
		if (b->kind != BOX_FORGE)
			return false;
	}
	return true;
}

static bool passes_router(struct way *y, unsigned at)
{
	if (!passes_boxes(y, at, true))
		return false;
	if (y->in->seg.ttl > at)
		return passes_boxes(y, at, false);
	y->c->n_expired[at]++;
	if (may_answer(y, at))
		send_error(y, at, y->in->seg.src.family == ADDR_V6 ? 3 : 11, 0);
	return false;
}

/* --- the target ---------------------------------------------------------------------------------
 */

static void answer(struct way *y, struct segment *s)
{
	send_back(y, s, y->c->n + 1, 0);
}

static void put_timestamps(struct way *y, const struct chain_conn *conn, struct segment *s)
{
	if (!conn->has_ts)
		return;
	s->options[0] = s->options[1] = TCP_OPT_NOP;
	s->options[2] = TCP_OPT_TIMESTAMPS;
	s->options[3] = 10;
	bytes_put_be32(s->options + 4, (uint32_t)(y->p->now_ns / 1000000));
	bytes_put_be32(s->options + 8, conn->ts_recent);
	s->options_len = 12;
}

static struct segment of_conn(struct way *y, const struct chain_conn *conn, uint16_t flags)
{
	struct segment s = peer_back(y->in);

	s.flags = flags;
	s.seq = conn->snd_nxt;
	s.ack = conn->rcv_nxt;
	s.win = 501;
	put_timestamps(y, conn, &s);
	return s;
}

static void send_ack(struct way *y, const struct chain_conn *conn)
{
	struct segment s = of_conn(y, conn, TCP_ACK);

	answer(y, &s);
}

static void send_dsack(struct way *y, const struct chain_conn *conn)
{
	struct segment s = of_conn(y, conn, TCP_ACK);
	uint8_t *o = s.options + s.options_len;

	o[0] = o[1] = TCP_OPT_NOP;
	o[2] = TCP_OPT_SACK;
	o[3] = 10;
	bytes_put_be32(o + 4, y->in->seg.seq);
	bytes_put_be32(o + 8, y->in->seg.seq + y->in->seg.payload_len);
	s.options_len = (uint8_t)(s.options_len + 12);
	answer(y, &s);
}

/* A challenge, at most every 500 ms. */
static void send_challenge(struct way *y, struct chain_conn *conn)
{
	if (conn->oow_ns && y->p->now_ns - conn->oow_ns < OOW_NS)
		return;
	conn->oow_ns = y->p->now_ns;
	send_ack(y, conn);
}

static void send_syn_ack(struct way *y, const struct chain_conn *conn)
{
	struct segment s = of_conn(y, conn, TCP_SYN | TCP_ACK);

	s.seq = conn->iss;
	s.win = WINDOW;
	answer(y, &s);
}

static void take_on_listen(struct way *y, struct chain_conn *conn)
{
	const struct segment *in = &y->in->seg;
	struct segment s;

	if (in->flags & TCP_ACK) {
		s = reset_to(y->in);
		answer(y, &s);
		return;
	}
	if (!(in->flags & TCP_SYN) || in->flags & TCP_FIN)
		return;
	*conn = (struct chain_conn){
	    .state = CHAIN_SYN_RECEIVED,
	    .has_ts = y->in->options.has_timestamps,
	    .ts_recent = y->in->options.tsval,
	    .irs = in->seq,
	    .iss = peer_random(y->p) * 3,
	    .rcv_nxt = in->seq + 1,
	};
	conn->snd_nxt = conn->iss + 1;
	send_syn_ack(y, conn);
}

/* Linux: the same SYN draws the SYN-ACK again, one in the window a RST, any other an ACK. */
static void take_on_syn_received(struct way *y, struct chain_conn *conn)
{
	const struct segment *in = &y->in->seg;
	struct segment s;

	if (in->flags & TCP_SYN && in->seq == conn->irs) {
		send_syn_ack(y, conn);
	} else if (!seq_in_window(in->seq, conn->rcv_nxt, WINDOW)) {
		if (!(in->flags & TCP_RST))
			send_challenge(y, conn);
	} else if (in->flags & TCP_RST) {
		y->c->n_killed++;
		conn->state = CHAIN_LISTEN;
	} else if (in->flags & TCP_SYN) {
		y->c->n_window_hits++;
		s = reset_to(y->in);
		answer(y, &s);
		conn->state = CHAIN_LISTEN;
	} else if (in->ack == conn->snd_nxt) {
		conn->state = CHAIN_ESTABLISHED;
	} else {
		s = reset_to(y->in);
		answer(y, &s);
	}
}

static void serve_octets(struct way *y, struct chain_conn *conn)
{
	struct segment s;

	y->c->n_new_octets += y->in->seg.payload_len;
	conn->rcv_nxt += y->in->seg.payload_len;
	switch (y->c->service) {
	case SERVICE_TAKES: send_ack(y, conn); break;
	case SERVICE_ANSWERS:
		send_ack(y, conn);
		s = of_conn(y, conn, TCP_PSH | TCP_ACK);
		s.payload = (const uint8_t *)"ok";
		s.payload_len = 2;
		conn->snd_nxt += 2;
		send_back(y, &s, y->c->n + 1, 5000000);
		break;
	case SERVICE_RESETS:
		send_ack(y, conn);
		s = of_conn(y, conn, TCP_RST | TCP_ACK);
		send_back(y, &s, y->c->n + 1, 5000000);
		conn->state = CHAIN_LISTEN;
		break;
	case SERVICE_CLOSES:
		s = of_conn(y, conn, TCP_FIN | TCP_ACK);
		conn->snd_nxt++;
		answer(y, &s);
		break;
	}
}

static void take_on_established(struct way *y, struct chain_conn *conn)
{
	const struct segment *in = &y->in->seg;

	if (conn->has_ts && y->in->options.has_timestamps && !(in->flags & TCP_RST)) {
		if (seq_lt(y->in->options.tsval, conn->ts_recent)) {
			send_challenge(y, conn); /* PAWS */
			return;
		}
		conn->ts_recent = y->in->options.tsval;
	}
	if (in->flags & TCP_RST) {
		if (in->seq != conn->rcv_nxt)
			return;
		y->c->n_killed++;
		conn->state = CHAIN_LISTEN;
	} else if (in->flags & TCP_SYN) {
		send_challenge(y, conn);
	} else if (in->payload_len && seq_leq(in->seq + in->payload_len, conn->rcv_nxt)) {
		send_dsack(y, conn);
	} else if (in->payload_len && in->seq == conn->rcv_nxt) {
		serve_octets(y, conn);
	} else if (in->seq != conn->rcv_nxt) {
		send_challenge(y, conn);
	}
}

static void take_at_target(struct way *y)
{
	struct chain_conn *conn = &y->c->conns[y->in->seg.sport % CHAIN_PORTS];
	struct segment s;

	if (y->c->mute)
		return;
	if (y->in->seg.dport != CHAIN_OPEN) {
		if (y->in->seg.flags & TCP_RST)
			return;
		s = reset_to(y->in);
		answer(y, &s);
	} else if (conn->state == CHAIN_SYN_RECEIVED) {
		take_on_syn_received(y, conn);
	} else if (conn->state == CHAIN_ESTABLISHED) {
		take_on_established(y, conn);
	} else if (!(y->in->seg.flags & TCP_RST)) {
		take_on_listen(y, conn);
	}
}

void chain_answer(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	struct chain *c = p->ctx;
	struct way y = {c, p, probe, out, branch_of(probe->seg.sport)};

	if (p->kernel && !(probe->seg.flags & TCP_SYN) && probe->options.has_timestamps &&
	    seq_gt(probe->options.tsval, kernel_tsval(p->kernel)))
		c->n_ts_ahead++;
	for (unsigned at = 1; at <= c->n; at++)
		if (!passes_router(&y, at))
			return;
	take_at_target(&y);
}
