/*
 * stackhost_conn: RFC 9293, 3.10.7.4 for the connections of a fake host, with the deviations that
 * its stack is described with. A service stands behind each: it stays, closes, or says a word.
 */
#include "fake/stackhost_private.h"

#include <string.h>

#include "base/seq.h"

#define MS 1000000ULL
#define SECOND (1000 * MS)

enum { RESEND_SYN_MAX = 4, RESEND_MAX = 6 };
#define TIME_WAIT_NS (60 * SECOND)
#define MEMORY_NS (10 * SECOND) /* how long a tracker remembers a connection that is gone */
#define MAX_SND_WND 65535U

static const uint8_t banner[] = "fake host\r\n";
enum { BANNER_LEN = sizeof(banner) - 1 };

struct conn *conn_find(struct stackhost *h, const struct packet *p)
{
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &h->conns[i];

		if (c->state != HOST_FREE && c->sport == p->seg.sport && c->dport == p->seg.dport &&
		    addr_same(&c->peer, &p->seg.src))
			return c;
	}
	return NULL;
}

/* The place of the same 4-tuple, a free one, or the one that was used longest ago. */
static struct conn *place(struct reply_to *r)
{
	struct conn *best = conn_find(r->h, r->p);

	if (best)
		return best;
	best = &r->h->conns[0];
	for (size_t i = 0; i < CONNS && best->state != HOST_FREE; i++) {
		struct conn *c = &r->h->conns[i];

		if (c->state == HOST_FREE || c->used_ns < best->used_ns)
			best = c;
	}
	return best;
}

struct conn *conn_new(struct reply_to *r, uint32_t iss)
{
	const struct segment *in = &r->p->seg;
	const struct tcp_options *o = &r->p->options;
	struct conn *c = place(r);

	*c = (struct conn){
	    .state = HOST_SYN_RECEIVED,
	    .peer = in->src,
	    .sport = in->sport,
	    .dport = in->dport,
	    .iss = iss,
	    .snd_una = iss,
	    .snd_nxt = iss + 1,
	    .irs = in->seq,
	    .rcv_nxt = in->seq + 1,
	    .ts_recent = o->tsval,
	    .ip_id = (uint16_t)(host_random(r->h) | 1),
	    .ecn = r->h->c.stack->ecn && (in->flags & TCP_ECE) && (in->flags & TCP_CWR),
	    .resend_ns = r->now_ns + SECOND,
	    .close_ns = UINT64_MAX,
	    .end_ns = UINT64_MAX,
	    .used_ns = r->now_ns,
	};
	c->offered =
	    (uint8_t)((o->has_wscale ? OFFERED_WSCALE : 0) | (o->sack_ok ? OFFERED_SACK : 0) |
		      (o->has_timestamps ? OFFERED_TS : 0));
	c->ts = o->has_timestamps && strchr(r->h->c.stack->layout, 'T');
	return c;
}

/* --- what a connection sends ------------------------------------------------------------------ */

static void put(struct reply_to *r, struct conn *c, uint16_t flags, uint32_t seq, uint32_t len)
{
	const struct fake_stack *k = r->h->c.stack;
	struct segment s = {
	    .src = r->h->c.addr,
	    .dst = c->peer,
	    .sport = c->dport,
	    .dport = c->sport,
	    .seq = seq,
	    .ack = c->rcv_nxt,
	    .flags = flags,
	    .win = k->win,
	    .ttl = k->syn_ack.ttl,
	    .df = k->syn_ack.df && c->peer.family == ADDR_V4,
	    .payload = len ? banner : NULL,
	    .payload_len = len,
	};

	if (!(flags & TCP_SYN) || k->syn_ack.id)
		s.ip_id = ++c->ip_id;
	host_put_options(r->h, c, &s);
	host_put(r, &s, 0);
}

static void put_ack(struct reply_to *r, struct conn *c)
{
	put(r, c, TCP_ACK, c->snd_nxt, 0);
}

/* As put_ack, but rate-limited where the stack limits (RFC 5961, 7). */
static void put_challenge(struct reply_to *r, struct conn *c)
{
	if (r->now_ns < c->challenge_ns)
		return;
	c->challenge_ns = r->now_ns + r->h->c.stack->challenge_ms * MS;
	put_ack(r, c);
}

void conn_put_syn_ack(struct reply_to *r, struct conn *c)
{
	put(r, c, TCP_SYN | TCP_ACK | (c->ecn ? TCP_ECE : 0), c->iss, 0);
}

static void put_fin(struct reply_to *r, struct conn *c)
{
	put(r, c, TCP_FIN | TCP_ACK, c->snd_nxt - 1, 0);
}

static void begin_resend(struct reply_to *r, struct conn *c)
{
	c->retries = 0;
	c->resend_ns = r->now_ns + 300 * MS;
}

/* --- how a connection ends -------------------------------------------------------------------- */

static void gone(struct reply_to *r, struct conn *c)
{
	c->state = HOST_GONE;
	c->resend_ns = c->close_ns = UINT64_MAX;
	c->end_ns = r->now_ns + MEMORY_NS;
}

static void time_wait(struct reply_to *r, struct conn *c)
{
	c->state = HOST_TIME_WAIT;
	c->resend_ns = c->close_ns = UINT64_MAX;
	c->end_ns = r->now_ns + TIME_WAIT_NS;
}

static void service_closes(struct reply_to *r, struct conn *c)
{
	c->close_ns = UINT64_MAX;
	if (c->state != HOST_ESTABLISHED && c->state != HOST_CLOSE_WAIT)
		return;
	c->state = c->state == HOST_ESTABLISHED ? HOST_FIN_WAIT_1 : HOST_LAST_ACK;
	c->fin_sent = true;
	c->snd_nxt++;
	begin_resend(r, c);
	put_fin(r, c);
}

void conn_establish(struct reply_to *r, struct conn *c)
{
	c->state = HOST_ESTABLISHED;
	c->snd_una = c->iss + 1;
	c->resend_ns = UINT64_MAX;
	switch (r->h->c.env.service) {
	case SERVICE_CLOSES: c->close_ns = r->now_ns + 30 * MS; break;
	case SERVICE_AT_ONCE: service_closes(r, c); break;
	case SERVICE_BANNER:
		c->said = true;
		put(r, c, TCP_PSH | TCP_ACK, c->snd_nxt, BANNER_LEN);
		c->snd_nxt += BANNER_LEN;
		begin_resend(r, c);
		break;
	default: break;
	}
}

/* --- a segment to a connection ---------------------------------------------------------------- */

/* Does what the stack is described to do; true where the segment is to be looked at further. */
static bool apply(struct reply_to *r, struct conn *c, enum fake_case what)
{
	enum fake_phase phase = c->state == HOST_SYN_RECEIVED ? PHASE_RECEIVED
				: c->state == HOST_TIME_WAIT  ? PHASE_WAIT
							      : PHASE_CONN;
	const struct fake_form *f = &r->h->c.stack->conn[phase][what];

	if (f->says == SAYS_ACK)
		put_challenge(r, c);
	else if (f->says == SAYS_RST)
		host_put_form(r, f);
	if (f->after == FAKE_GONE)
		gone(r, c);
	return f->after == FAKE_ACCEPTED;
}

/* RFC 9293, 3.10.7.4, first check. */
static bool acceptable(const struct stackhost *h, const struct conn *c, const struct segment *in)
{
	uint32_t wnd = h->c.stack->win, len = segment_len(in);

	if (!len)
		return seq_in_window(in->seq, c->rcv_nxt, wnd);
	return wnd && (seq_in_window(in->seq, c->rcv_nxt, wnd) ||
		       seq_in_window(in->seq + len - 1, c->rcv_nxt, wnd));
}

/* RFC 7323, 5.3: R1 and R3. A segment from before is answered and dropped, unless it is a RST. */
static bool paws_drops(struct reply_to *r, struct conn *c)
{
	const struct tcp_options *o = &r->p->options;

	if (!c->ts || !o->has_timestamps)
		return false;
	if (seq_lt(o->tsval, c->ts_recent)) {
		if (!(r->p->seg.flags & (TCP_RST | TCP_SYN)))
			put_ack(r, c);
		return !(r->p->seg.flags & (TCP_RST | TCP_SYN));
	}
	if (seq_leq(r->p->seg.seq, c->rcv_nxt))
		c->ts_recent = o->tsval;
	return false;
}

static void acked(struct reply_to *r, struct conn *c, uint32_t ack)
{
	if (!seq_gt(ack, c->snd_una))
		return;
	c->snd_una = ack;
	if (ack != c->snd_nxt)
		return;
	c->resend_ns = UINT64_MAX;
	if (c->state == HOST_FIN_WAIT_1) {
		c->state = HOST_FIN_WAIT_2;
		c->end_ns = r->now_ns + TIME_WAIT_NS;
	} else if (c->state == HOST_CLOSING) {
		time_wait(r, c);
	} else if (c->state == HOST_LAST_ACK) {
		gone(r, c);
	}
}

/* Fifth check. True: go on with text and FIN. */
static bool take_ack(struct reply_to *r, struct conn *c)
{
	const struct segment *in = &r->p->seg;

	if (c->state == HOST_SYN_RECEIVED) {
		if (in->ack != c->snd_nxt) {
			apply(r, c, CASE_ACK_UNSENT);
			return false;
		}
		conn_establish(r, c);
		return true;
	}
	if (seq_gt(in->ack, c->snd_nxt)) {
		apply(r, c, CASE_ACK_UNSENT);
		return false;
	}
	if (seq_lt(in->ack, c->snd_una - MAX_SND_WND))
		return segment_len(in) ? apply(r, c, CASE_OLD_ACK) : false;
	acked(r, c, in->ack);
	return c->state != HOST_GONE;
}

static void take_fin(struct reply_to *r, struct conn *c)
{
	c->rcv_nxt++;
	switch (c->state) {
	case HOST_ESTABLISHED:
		c->state = HOST_CLOSE_WAIT;
		if (r->h->c.env.service == SERVICE_FOLLOWS)
			c->close_ns = r->now_ns + 5 * MS;
		break;
	case HOST_FIN_WAIT_1: c->state = HOST_CLOSING; break;
	case HOST_FIN_WAIT_2: time_wait(r, c); break;
	default: break;
	}
}

/* Seventh and eighth: what is in order is taken, what is not is asked for again. */
static void take_text(struct reply_to *r, struct conn *c)
{
	const struct segment *in = &r->p->seg;
	uint32_t had = c->rcv_nxt, end = in->seq + in->payload_len;

	if (!segment_len(in) || c->state == HOST_SYN_RECEIVED)
		return;
	if (c->state != HOST_ESTABLISHED && c->state != HOST_FIN_WAIT_1 &&
	    c->state != HOST_FIN_WAIT_2) {
		put_ack(r, c);
		return;
	}
	if (seq_leq(in->seq, had)) {
		if (seq_gt(end, had))
			c->rcv_nxt = end;
		if ((in->flags & TCP_FIN) && end == c->rcv_nxt)
			take_fin(r, c);
	}
	put_ack(r, c);
}

bool conn_take(struct reply_to *r, struct conn *c)
{
	const struct segment *in = &r->p->seg;

	c->used_ns = r->now_ns;
	if (c->state == HOST_SYN_RECEIVED && !(in->flags & (TCP_ACK | TCP_RST)) &&
	    (in->flags & TCP_SYN) && in->seq == c->irs) {
		conn_put_syn_ack(r, c);
		return true;
	}
	/* RFC 9293, 3.10.7.4, fourth: a new SYN beyond the old numbers may re-open TIME-WAIT */
	if (c->state == HOST_TIME_WAIT && (in->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
	    seq_gt(in->seq, c->rcv_nxt) &&
	    r->h->c.stack->conn[PHASE_WAIT][CASE_SYN_WINDOW].says == SAYS_SYN_ACK)
		return false;
	if (paws_drops(r, c))
		return true;
	if (!acceptable(r->h, c, in)) {
		if (in->flags & TCP_RST)
			apply(r, c, CASE_RST_OUTSIDE);
		else if (in->payload_len && !(in->flags & TCP_SYN))
			put_ack(r, c);
		else
			put_challenge(r, c);
	} else if (in->flags & TCP_RST) {
		if (in->seq == c->rcv_nxt)
			gone(r, c);
		else
			apply(r, c, CASE_RST_WINDOW);
	} else if (in->flags & TCP_SYN) {
		apply(r, c, CASE_SYN_WINDOW);
	} else if (in->flags & TCP_ACK ? take_ack(r, c) : apply(r, c, CASE_NO_ACK)) {
		take_text(r, c);
	}
	return true;
}

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t due(const struct conn *c)
{
	uint64_t t = c->end_ns;

	if (c->state == HOST_FREE)
		return UINT64_MAX;
	if (c->resend_ns < t)
		t = c->resend_ns;
	return c->close_ns < t ? c->close_ns : t;
}

uint64_t conn_wake(const struct stackhost *h)
{
	uint64_t t = UINT64_MAX;

	for (size_t i = 0; i < CONNS; i++)
		if (due(&h->conns[i]) < t)
			t = due(&h->conns[i]);
	return t;
}

static void resend(struct reply_to *r, struct conn *c)
{
	unsigned most = c->state == HOST_SYN_RECEIVED ? RESEND_SYN_MAX : RESEND_MAX;
	uint64_t first = c->state == HOST_SYN_RECEIVED ? SECOND : 300 * MS;

	if (++c->retries > most) {
		gone(r, c);
		return;
	}
	c->resend_ns = r->now_ns + (first << c->retries);
	if (c->state == HOST_SYN_RECEIVED)
		conn_put_syn_ack(r, c);
	else if (c->said && c->snd_una == c->iss + 1)
		put(r, c, TCP_PSH | TCP_ACK, c->iss + 1, BANNER_LEN);
	else if (c->fin_sent)
		put_fin(r, c);
}

void conn_tick(struct reply_to *r)
{
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *c = &r->h->conns[i];

		if (due(c) > r->now_ns)
			continue;
		if (c->end_ns <= r->now_ns)
			c->state = HOST_FREE;
		else if (c->close_ns <= r->now_ns)
			service_closes(r, c);
		else
			resend(r, c);
		return;
	}
}
