/* service: one state machine a connection, fed by segments and by the clock. */
#include "sim/service.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "packet/options.h"

#define MS 1000000ULL
#define SECOND (1000 * MS)
#define NEVER UINT64_MAX

enum { RCVBUF = 8000, MSS = 100, SHIFT = 0, RESENDS = 5, PROBES = 3 };

/* --- sending ------------------------------------------------------------------------------ */

static struct segment blank(const struct service *s, uint16_t port)
{
	return (struct segment){
	    .src = s->addr,
	    .dst = s->client,
	    .sport = SERVICE_PORT,
	    .dport = port,
	    .ttl = s->how.ttl ? s->how.ttl : 64,
	    .df = true,
	};
}

static void put(struct service *s, struct peer_answer *out, const struct service_conn *c,
		uint16_t flags, uint32_t seq, const char *text, size_t len)
{
	struct segment g = blank(s, c->port);
	uint32_t tsval = (uint32_t)(s->p->now_ns / MS) + 5000;

	if (out->n == PEER_ANSWERS)
		return; /* as lost */
	g.flags = flags;
	g.seq = seq;
	g.ack = flags & TCP_ACK ? c->rcv_nxt : 0;
	g.win = (uint16_t)(RCVBUF > c->unread ? RCVBUF - c->unread : 0);
	g.payload = len ? (const uint8_t *)text : NULL;
	g.payload_len = (uint32_t)len;
	if (flags & TCP_SYN && c->ts) {
		g.options_len =
		    (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, 1460, tsval, g.options);
		for (size_t i = 0; i + 10 <= g.options_len; i++)
			if (g.options[i] == TCP_OPT_TIMESTAMPS && g.options[i + 1] == 10)
				bytes_put_be32(g.options + i + 6, c->ts_recent);
		g.options[g.options_len - 1] = SHIFT;
	} else if (c->ts) {
		g.options_len = 12;
		g.options[0] = g.options[1] = TCP_OPT_NOP;
		g.options[2] = TCP_OPT_TIMESTAMPS;
		g.options[3] = 10;
		bytes_put_be32(g.options + 4, tsval);
		bytes_put_be32(g.options + 8, c->ts_recent);
	}
	peer_put(out, &g, 0);
}

static void put_ack(struct service *s, struct peer_answer *out, const struct service_conn *c)
{
	put(s, out, c, TCP_ACK, c->snd_nxt, NULL, 0);
}

static void put_rst(struct service *s, struct peer_answer *out, uint16_t port, uint32_t seq)
{
	struct segment g = blank(s, port);

	g.flags = TCP_RST;
	g.seq = seq;
	s->resets_sent++;
	if (out->n < PEER_ANSWERS)
		peer_put(out, &g, 0);
}

static void put_abort(struct service *s, struct peer_answer *out, struct service_conn *c)
{
	c->unread = 0;
	put(s, out, c, TCP_RST | TCP_ACK, c->snd_nxt, NULL, 0);
	s->resets_sent++;
	c->state = CONN_FREE;
}

static uint32_t answer_end(const struct service_conn *c)
{
	return c->iss + 1 + (uint32_t)c->out_len;
}

static const char *answer_at(const struct service *s, size_t i, size_t *len)
{
	static const char pad[MSS + 1] = "....................................................."
					 "...............................................";
	size_t text = strlen(s->how.answer);

	if (i >= text)
		return pad;
	if (*len > text - i)
		*len = text - i;
	return s->how.answer + i;
}

/* What the client's window lets go, a few segments at a time; then the FIN. */
static void push(struct service *s, struct peer_answer *out, struct service_conn *c)
{
	c->push_ns = NEVER;
	while (!c->fin_sent && seq_lt(c->snd_nxt, answer_end(c)) && out->n < PEER_ANSWERS) {
		size_t at = c->snd_nxt - c->iss - 1, len = c->out_len - at;
		uint32_t used = c->snd_nxt - c->snd_una;
		const char *text;

		if (used >= c->win)
			break;
		if (len > MSS)
			len = MSS;
		if (len > c->win - used)
			len = c->win - used;
		text = answer_at(s, at, &len);
		put(s, out, c, TCP_PSH | TCP_ACK, c->snd_nxt, text, len);
		c->snd_nxt += (uint32_t)len;
	}
	if (out->n == PEER_ANSWERS)
		c->push_ns = s->p->now_ns;
	else if (c->wants_fin && !c->fin_sent && c->snd_nxt == answer_end(c)) {
		c->fin_sent = true;
		put(s, out, c, TCP_FIN | TCP_ACK, c->snd_nxt++, NULL, 0);
	}
	if (c->snd_nxt != c->snd_una && c->rto_ns == NEVER)
		c->rto_ns = s->p->now_ns + 300 * MS;
}

/* --- the application -------------------------------------------------------------------------- */

static void close_conn(struct service *s, struct peer_answer *out, struct service_conn *c)
{
	c->orphan = !s->how.keeps_reading && !s->how.drains;
	push(s, out, c);
	if (c->unread && c->orphan) {
		put_abort(s, out, c); /* and what was not sent yet is lost */
		return;
	}
	c->wants_fin = true;
	push(s, out, c);
}

static void app(struct service *s, struct peer_answer *out, struct service_conn *c)
{
	uint64_t n = c->unread;

	if (s->how.never_reads)
		return;
	if (!c->answers && s->how.reads && n > s->how.reads - c->read)
		n = s->how.reads - c->read;
	c->read += n;
	c->unread -= n;
	if (c->answers || !s->how.reads || c->read < s->how.reads)
		return;
	c->answers = true;
	if (s->how.answer)
		c->out_len = s->how.answer_len ? s->how.answer_len : strlen(s->how.answer);
	close_conn(s, out, c);
	if (c->state != CONN_FREE)
		app(s, out, c);
}

/* --- segments --------------------------------------------------------------------------------- */

static struct service_conn *find(struct service *s, uint16_t port)
{
	for (size_t i = 0; i < SERVICE_CONNS; i++)
		if (s->conns[i].state != CONN_FREE && s->conns[i].port == port)
			return &s->conns[i];
	return NULL;
}

size_t service_conns(const struct service *s)
{
	size_t n = 0;

	for (size_t i = 0; i < SERVICE_CONNS; i++)
		n += s->conns[i].state != CONN_FREE;
	return n;
}

static void listen_syn(struct service *s, struct peer_answer *out, const struct packet *pk)
{
	struct service_conn *c = s->conns;

	for (size_t i = 0; i < SERVICE_CONNS && s->how.deaf_when_half_open; i++)
		if (s->conns[i].state == CONN_SYN_RCVD)
			return;
	while (c < s->conns + SERVICE_CONNS && c->state != CONN_FREE)
		c++;
	assert(c < s->conns + SERVICE_CONNS);
	*c = (struct service_conn){.state = CONN_SYN_RCVD,
				   .port = pk->seg.sport,
				   .iss = peer_random(s->p) << 1,
				   .irs = pk->seg.seq,
				   .rcv_nxt = pk->seg.seq + 1,
				   .ts = pk->options.has_timestamps,
				   .ts_recent = pk->options.tsval,
				   .shift = pk->options.wscale,
				   .heard_ns = s->p->now_ns,
				   .rto_ns = s->p->now_ns + SECOND,
				   .push_ns = NEVER,
				   .probe_ns = NEVER};
	c->snd_una = c->iss;
	c->snd_nxt = c->iss + 1;
	put(s, out, c, TCP_SYN | TCP_ACK, c->iss, NULL, 0);
	if (service_conns(s) > s->most)
		s->most = (unsigned)service_conns(s);
}

static void take_syn(struct service *s, struct peer_answer *out, struct service_conn *c,
		     const struct packet *pk)
{
	if (c->state == CONN_SYN_RCVD && pk->seg.seq == c->irs) {
		put(s, out, c, TCP_SYN | TCP_ACK, c->iss, NULL, 0);
	} else if (s->how.syn_kills) {
		put_abort(s, out, c);
	} else if (!s->how.no_challenge) {
		put_ack(s, out, c);
	}
}

static void take_rst(struct service *s, struct peer_answer *out, struct service_conn *c,
		     const struct packet *pk)
{
	if (s->how.ignores_rst)
		return;
	if (pk->seg.seq == c->rcv_nxt || (s->how.near_kills && pk->seg.seq == c->rcv_nxt + 1)) {
		c->state = CONN_FREE;
		if (s->how.dies_by_rst) {
			s->listener_dead = true;
			for (size_t i = 0; i < SERVICE_CONNS; i++)
				if (s->conns[i].state != CONN_FREE)
					put_abort(s, out, &s->conns[i]);
		}
	} else if (seq_in_window(pk->seg.seq, c->rcv_nxt, RCVBUF)) {
		put_ack(s, out, c);
	}
}

static void take_ack(struct service *s, struct service_conn *c, const struct packet *pk)
{
	uint32_t ack = pk->seg.ack;

	c->win = (uint32_t)pk->seg.win << c->shift;
	if (!seq_gt(ack, c->snd_una) || seq_gt(ack, c->snd_nxt))
		return;
	c->snd_una = ack;
	c->tries = 0;
	c->rto_ns = c->snd_una == c->snd_nxt ? NEVER : s->p->now_ns + 300 * MS;
	if (c->fin_sent && ack == c->snd_nxt && c->peer_fin)
		c->state = CONN_FREE; /* TIME-WAIT is left out */
}

/* Octets and FIN in order; false where they end the connection. */
static bool take_text(struct service *s, struct peer_answer *out, struct service_conn *c,
		      const struct packet *pk)
{
	uint32_t end = pk->seg.seq + pk->seg.payload_len, fresh = end - c->rcv_nxt;

	if (seq_leq(pk->seg.seq, c->rcv_nxt) && seq_gt(end, c->rcv_nxt)) {
		if (c->orphan) {
			put_rst(s, out, c->port, pk->seg.ack);
			c->state = CONN_FREE;
			return false;
		}
		if (fresh > RCVBUF - c->unread)
			fresh = (uint32_t)(RCVBUF - c->unread);
		c->rcv_nxt += fresh;
		c->unread += fresh;
	}
	if (pk->seg.flags & TCP_FIN && end == c->rcv_nxt && !c->peer_fin) {
		c->peer_fin = true;
		c->rcv_nxt++;
	}
	return true;
}

static void take_on_conn(struct service *s, struct peer_answer *out, struct service_conn *c,
			 const struct packet *pk)
{
	bool old = pk->seg.ack - c->snd_una > 1U << 31 && c->snd_una - pk->seg.ack >= 1U << 30;

	if (c->ts && pk->options.has_timestamps) {
		s->paws += seq_lt(pk->options.tsval, c->ts_recent);
		c->ts_recent = pk->options.tsval;
	}
	if (old && !s->how.takes_old_ack) {
		put_ack(s, out, c);
		return;
	}
	if (c->state == CONN_SYN_RCVD && pk->seg.ack == c->snd_nxt && pk->seg.seq == c->rcv_nxt) {
		c->state = CONN_UP;
		s->accepted++;
		if (s->how.keepalive_ns)
			c->probe_ns = s->p->now_ns + s->how.keepalive_ns;
	}
	c->heard_ns = s->p->now_ns;
	take_ack(s, c, pk);
	if (c->state == CONN_FREE || !take_text(s, out, c, pk))
		return;
	if (c->state == CONN_UP)
		app(s, out, c);
	if (c->state == CONN_FREE)
		return;
	if (c->peer_fin && !c->wants_fin)
		close_conn(s, out, c);
	if (c->state == CONN_FREE)
		return;
	if (segment_len(&pk->seg))
		put_ack(s, out, c);
	push(s, out, c);
	if (c->fin_sent && c->peer_fin && c->snd_una == c->snd_nxt)
		c->state = CONN_FREE;
}

static void take_stray(struct service *s, struct peer_answer *out, const struct packet *pk)
{
	if (pk->seg.flags == TCP_SYN && !s->listener_dead)
		listen_syn(s, out, pk);
	else if (s->listener_dead)
		peer_rfc(pk, false, out);
	else if (!s->how.stealthy && !(pk->seg.flags & TCP_RST) && pk->seg.flags & TCP_ACK &&
		 !(s->how.rst_once && s->resets_sent))
		put_rst(s, out, pk->seg.sport, pk->seg.ack);
}

static void service_take(struct peer *p, const struct packet *pk, struct peer_answer *out)
{
	struct service *s = p->ctx;
	struct service_conn *c;

	if (s->how.silent)
		return;
	s->addr = pk->seg.dst;
	s->client = pk->seg.src;
	if (s->how.rejects) {
		out->icmp = true;
		out->icmp_type = 3;
		out->icmp_code = 13;
		return;
	}
	if (s->how.closed || pk->seg.dport != SERVICE_PORT) {
		peer_rfc(pk, false, out);
		return;
	}
	c = find(s, pk->seg.sport);
	if (!c)
		take_stray(s, out, pk);
	else if (pk->seg.flags & TCP_RST)
		take_rst(s, out, c, pk);
	else if (pk->seg.flags & TCP_SYN)
		take_syn(s, out, c, pk);
	else if (pk->seg.flags & TCP_ACK)
		take_on_conn(s, out, c, pk);
}

/* --- the clock -------------------------------------------------------------------------------- */

static uint64_t idle_at(const struct service_conn *c, uint64_t after_ns)
{
	return after_ns && c->state == CONN_UP && !c->wants_fin ? c->heard_ns + after_ns : NEVER;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t due(const struct service *s, const struct service_conn *c)
{
	uint64_t t = earlier(earlier(c->rto_ns, c->push_ns), c->probe_ns);

	if (c->state == CONN_FREE)
		return NEVER;
	t = earlier(t, idle_at(c, s->how.close_ns));
	t = earlier(t, idle_at(c, s->how.abort_ns));
	return earlier(t, idle_at(c, s->how.forget_ns));
}

static uint64_t service_wake(struct peer *p)
{
	struct service *s = p->ctx;
	uint64_t t = NEVER;

	for (size_t i = 0; i < SERVICE_CONNS; i++)
		t = earlier(t, due(s, &s->conns[i]));
	return t;
}

static void resend(struct service *s, struct peer_answer *out, struct service_conn *c)
{
	bool syn = c->state == CONN_SYN_RCVD;
	unsigned max = syn && s->how.syn_ack_max ? s->how.syn_ack_max : RESENDS;

	if (c->tries++ >= max) {
		c->state = CONN_FREE; /* Linux says nothing */
		return;
	}
	c->rto_ns = s->p->now_ns + ((syn ? SECOND : 300 * MS) << c->tries);
	if (syn) {
		put(s, out, c, TCP_SYN | TCP_ACK, c->iss, NULL, 0);
		return;
	}
	if (c->fin_sent && c->snd_una + 1 == c->snd_nxt) {
		put(s, out, c, TCP_FIN | TCP_ACK, c->snd_una, NULL, 0);
	} else {
		size_t at = c->snd_una - c->iss - 1,
		       len = c->out_len - at < MSS ? c->out_len - at : MSS;
		const char *text = answer_at(s, at, &len);

		put(s, out, c, TCP_PSH | TCP_ACK, c->snd_una, text, len);
	}
}

static void probe(struct service *s, struct peer_answer *out, struct service_conn *c)
{
	if (s->p->now_ns - c->heard_ns < s->how.keepalive_ns) {
		c->probes = 0;
		c->probe_ns = c->heard_ns + s->how.keepalive_ns;
		return;
	}
	if (c->probes++ == PROBES) {
		put_abort(s, out, c);
		return;
	}
	c->probe_ns = s->p->now_ns + SECOND;
	put(s, out, c, TCP_ACK, c->snd_nxt - 1, NULL, 0);
}

static void tick_conn(struct service *s, struct peer_answer *out, struct service_conn *c)
{
	uint64_t now = s->p->now_ns;

	if (idle_at(c, s->how.forget_ns) <= now)
		c->state = CONN_FREE;
	else if (idle_at(c, s->how.abort_ns) <= now)
		put_abort(s, out, c);
	else if (idle_at(c, s->how.close_ns) <= now)
		close_conn(s, out, c);
	else if (c->probe_ns <= now)
		probe(s, out, c);
	else if (c->rto_ns <= now)
		resend(s, out, c);
	else if (c->push_ns <= now)
		push(s, out, c);
}

/* One connection at a time: an answer has room for few segments. */
static void service_tick(struct peer *p, struct peer_answer *out)
{
	struct service *s = p->ctx;

	for (size_t i = 0; i < SERVICE_CONNS; i++) {
		if (due(s, &s->conns[i]) > p->now_ns)
			continue;
		tick_conn(s, out, &s->conns[i]);
		return;
	}
}

void service_init(struct service *s, struct peer *p, const struct service_how *how)
{
	*s = (struct service){.how = *how, .p = p};
	peer_init(p, service_take, s);
	p->wake = service_wake;
	p->tick = service_tick;
	p->wire.both_ways = true;
	p->wire.conns_max = 32;
	peer_kernel(p);
}
