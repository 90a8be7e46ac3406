/*
 * facts_read: from a connection as it stands to the facts of a RST in it: which segment provoked
 * it, how its numbers relate, whether it contradicts what its sender did before. Thresholds are
 * here and nowhere else; what the facts mean is cause_rules'.
 */
#include <string.h>

#include "base/seq.h"
#include "judge/exchange.h"
#include "judge/explain_private.h"

enum {
	TRIGGER_S = 3,	     /* an answer comes within so many seconds */
	QUIET_MS = 1500,     /* silence that no conversation has */
	IDLE_S = 10,	     /* silence that a timer may end */
	RTT_KNOWN_US = 2000, /* below it nothing can come too fast */
	IP_JUMP = 2000,
	PATH_HOPS = 3,
	IP_NEXT = 64, /* the next of a counter, or soon after */
	IP_STEPS = 3, /* small steps in a row make a counter */
	PENDING_RTTS = 3,
	MANY_TARGETS = 5,
	RAW_SCORE = 2,
	UNREAD_UNIT = 1,
};

static uint64_t since(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

/* --- the trigger ------------------------------------------------------------------------------ */

struct search {
	struct seen v[FLOW_NOTES];
	uint8_t at[FLOW_NOTES];
	bool answered[FLOW_NOTES];
	size_t n;
	int found;
	uint64_t oldest_ns; /* the longest that an answer may have taken */
};

static bool takes_room(const struct seen *s)
{
	return seen_end(s) != s->seq;
}

/* RFC 9293, 3.5.2: its numbers come from the segment that it answers. */
static bool answers(const struct seen *r, const struct seen *q)
{
	if (!(r->flags & TCP_ACK))
		return q->flags & TCP_ACK && q->ack == r->seq;
	if (q->flags & TCP_ACK)
		return false;
	/* some stacks, and some who forge, forget to count the SYN */
	return r->ack == seen_end(q) || (q->flags & TCP_SYN && r->ack == q->seq);
}

/* Did X, alive, see q? It acknowledged it, or spoke so late that it must have had it. */
static bool was_taken(const struct search *s, size_t q, uint64_t x_rtt_ns)
{
	const struct seen *a = &s->v[q];
	bool stale = a->keepalive || a->repeat || !takes_room(a);

	for (size_t i = q + 1; i < s->n; i++) {
		const struct seen *x = &s->v[i];

		if (!x->from_x || x->flags & TCP_RST || x->duplicate)
			continue;
		if (stale ? x->wall_ns > a->wall_ns + x_rtt_ns / 2
			  : x->flags & TCP_ACK && seq_geq(x->ack, seen_end(a)))
			return true;
	}
	return false;
}

static bool may_provoke(const struct search *s, size_t i, const struct seen *r, uint64_t x_rtt_ns)
{
	const struct seen *q = &s->v[i];

	return !q->from_x && !q->duplicate && !(q->flags & TCP_RST) &&
	       since(q->wall_ns, r->wall_ns) <= TRIGGER_S * SECOND && answers(r, q) &&
	       !was_taken(s, i, x_rtt_ns);
}

/*
 * The newest that is not answered yet; but of a run of segments in flight the first: the RSTs come
 * in their order. A retransmission is no part of a run, being a time-out away.
 */
static void find_trigger(struct search *s, const struct seen *r, uint64_t x_rtt_ns)
{
	uint64_t flight = x_rtt_ns + x_rtt_ns / 2 > 5 * MS ? x_rtt_ns + x_rtt_ns / 2 : 5 * MS;
	int any = -1;

	s->found = -1;
	for (size_t i = s->n; i > 0; i--) {
		const struct seen *q = &s->v[i - 1], *t;

		if (s->found >= 0 && q->from_x && !(q->flags & TCP_RST))
			break;
		if (!may_provoke(s, i - 1, r, x_rtt_ns))
			continue;
		if (any < 0)
			any = (int)i - 1;
		if (since(q->wall_ns, r->wall_ns) <= 2 * x_rtt_ns)
			s->oldest_ns = since(q->wall_ns, r->wall_ns);
		if (s->answered[i - 1])
			continue;
		t = s->found < 0 ? NULL : &s->v[s->found];
		if (!t || (takes_room(t) && takes_room(q) && !t->repeat &&
			   since(q->wall_ns, r->wall_ns) <= flight))
			s->found = (int)i - 1;
	}
	if (s->found < 0)
		s->found = any;
	if (s->found >= 0 && !s->oldest_ns)
		s->oldest_ns = since(s->v[s->found].wall_ns, r->wall_ns);
}

static void read_trigger(struct facts *k, const struct flow *f, const struct rst_case *c,
			 const struct seen *q)
{
	const struct flow_side *x = &f->side[c->x];
	bool syn = q->flags & TCP_SYN, ack = q->flags & TCP_ACK, fin = q->flags & TCP_FIN;

	k->trigger_frame = q->frame;
	k->answer_ns = since(q->wall_ns, c->rst.wall_ns);
	fact_set(k, T_FOUND, true);
	fact_set(k, T_SYN, syn && !ack);
	fact_set(k, T_SYN_ACK, syn && ack);
	fact_set(k, T_SYN_ACK_OK, syn && ack && side_has(x, SIDE_ISN) && q->ack == x->isn + 1);
	fact_set(k, T_ACK, ack);
	fact_set(k, T_DATA, q->len > 0);
	fact_set(k, T_FIN, fin);
	fact_set(k, T_PURE_ACK, ack && !syn && !fin && !q->len);
	fact_set(k, T_KEEPALIVE, q->keepalive);
	fact_set(k, T_REPEAT, q->repeat);
	fact_set(k, T_LATE, f->closed_frame && q->frame > f->closed_frame);
	fact_set(k, T_ACKS_FIN, ack && side_has(x, SIDE_FIN) && seq_gt(q->ack, x->fin_seq));
}

/* What a tracker calls INVALID: outside of what X would take (netfilter's tcp_in_window). */
static bool is_out_of_window(const struct flow *f, uint8_t xs, const struct seen *q)
{
	const struct flow_side *x = &f->side[xs];
	uint32_t window;

	if (!side_has(x, SIDE_ACKED) || !side_has(x, SIDE_WIN) || x->wscale == 0xff || q->keepalive)
		return false;
	window = (uint32_t)x->win << x->wscale;
	if (window < 65536)
		window = 65536;
	return seq_gt(seen_end(q), x->acked + window) ||
	       (q->len && seq_lt(seen_end(q), x->acked - window));
}

/* --- the connection --------------------------------------------------------------------------- */

static void read_side_x(struct facts *k, const struct flow_side *x)
{
	bool syn = side_has(x, SIDE_SYN), syn_ack = side_has(x, SIDE_SYN_ACK);
	bool other = side_has(x, SIDE_OTHER);

	fact_set(k, X_SEEN, syn || syn_ack || other);
	fact_set(k, X_ONLY_SYN, syn && !syn_ack && !other);
	fact_set(k, X_ONLY_SYNACK, syn_ack && !other);
	fact_set(k, X_FIN, side_has(x, SIDE_FIN));
	fact_set(k, X_DATA, side_has(x, SIDE_DATA));
	fact_set(k, KEEPALIVES, x->keepalives >= 2);
	fact_set(k, RETRANSMITS, x->repeats >= 2 && side_has(x, SIDE_OTHER));
	k->runs = x->keepalives >= 2 ? x->keepalives : x->repeats;
}

static void read_both(struct facts *k, const struct flow *f, const struct rst_case *c)
{
	const struct flow_side *x = &f->side[c->x], *y = &f->side[!c->x];
	bool y_seen = side_has(y, SIDE_SYN | SIDE_SYN_ACK | SIDE_OTHER);
	bool x_seen = fact_has(k, X_SEEN);
	bool x_first = side_has(x, SIDE_SYN) || (side_has(y, SIDE_SYN_ACK) && x_seen);
	bool y_first = side_has(y, SIDE_SYN) || side_has(x, SIDE_SYN_ACK);
	fact_set(k, Y_SEEN, y_seen);
	fact_set(k, X_INITIATOR, x_first && !y_first);
	fact_set(k, X_RESPONDER, y_first && !x_first);
	fact_set(k, Y_FIN, side_has(y, SIDE_FIN));
	fact_set(k, Y_DATA, side_has(y, SIDE_DATA));
	fact_set(k, ESTABLISHED,
		 (side_has(x, SIDE_SYN_ACK) && side_has(y, SIDE_OTHER)) ||
		     (side_has(y, SIDE_SYN_ACK) && side_has(x, SIDE_OTHER)) ||
		     (side_has(x, SIDE_OTHER) && side_has(y, SIDE_OTHER)));
	fact_set(k, HANDSHAKE, side_has(x, SIDE_SYN) || side_has(y, SIDE_SYN));
	fact_set(k, LAST_DATA_Y,
		 side_has(y, SIDE_DATA) && y->since && side_has(x, SIDE_ACKED) &&
		     !seq_lt(x->acked, side_has(y, SIDE_FIN) ? y->fin_seq : y->nxt));
	fact_set(k, Y_DATA_AFTER_FIN,
		 side_has(x, SIDE_FIN) && side_has(y, SIDE_DATA) && side_has(x, SIDE_ACKED) &&
		     seq_gt(side_has(y, SIDE_FIN) ? y->fin_seq : y->nxt, x->acked));
	fact_set(k, ONE_SIDED,
		 (x_seen && !y_seen && side_has(x, SIDE_OTHER | SIDE_SYN_ACK)) ||
		     (y_seen && !x_seen && side_has(y, SIDE_ACK_MOVED)));
	fact_set(k, Y_ZERO_WINDOW, side_has(y, SIDE_WIN) && y->win == 0);
	k->y_data = y->since;
	k->y_data_frame = side_has(y, SIDE_DATA) ? y->data_frame : 0;
	k->handshake_ns = f->handshake_us == UINT32_MAX ? 0 : (uint64_t)f->handshake_us * 1000;
}

/* Payload that was not acknowledged: no more than there was, without SYN and FIN. */
static uint32_t octets_lost(const struct flow *f, uint8_t side)
{
	const struct flow_side *s = &f->side[side];
	uint32_t n = flow_unacked(f, side);

	n -= n && side_has(s, SIDE_FIN);
	return n < s->octets ? n : s->octets;
}

static void read_times(struct facts *k, const struct flow *f, const struct rst_case *c)
{
	const struct flow_side *x = &f->side[c->x], *y = &f->side[!c->x];
	uint64_t last = x->last_ns > y->last_ns ? x->last_ns : y->last_ns;
	uint64_t rtt = y->rtt_us ? (uint64_t)y->rtt_us * 1000 : 3 * MS;
	uint64_t handshake = f->syn_ns + (uint64_t)f->handshake_us * 1000;

	k->x_gap_ns = x->last_ns ? since(x->last_ns, c->rst.wall_ns) : 0;
	k->gap_ns = last ? since(last, c->rst.wall_ns) : 0;
	/* provoked: the silence is that before the trigger */
	if (fact_has(k, T_FOUND) && x->last_ns)
		k->gap_ns = since(x->last_ns, c->rst.wall_ns - k->answer_ns);
	fact_set(k, QUIET, last && k->gap_ns >= QUIET_MS * MS);
	fact_set(k, IDLE, last && k->gap_ns >= IDLE_S * SECOND);
	fact_set(k, HANDSHAKE_NOW,
		 f->handshake_us != UINT32_MAX &&
		     since(handshake, c->rst.wall_ns - k->answer_ns) < SECOND);
	k->rtt_ns = (uint64_t)x->rtt_us * 1000;
	if (octets_lost(f, c->x))
		fact_set(k, X_UNACKED, since(x->data_ns, c->rst.wall_ns) > PENDING_RTTS * rtt);
}

/* --- its numbers ------------------------------------------------------------------------------ */

static void read_numbers(struct facts *k, const struct flow *f, struct rst_case *c)
{
	const struct flow_side *x = &f->side[c->x], *y = &f->side[!c->x];
	const struct seen *r = &c->rst;

	if (side_has(x, SIDE_NXT)) {
		int32_t d = seq_diff(r->seq, x->nxt);

		fact_set(k, R_SEQ_EXACT, d == 0);
		fact_set(k, R_SEQ_BELOW, d < 0);
		fact_set(k, R_SEQ_ABOVE, d > 0);
	}
	if (side_has(y, SIDE_ACKED) && side_has(y, SIDE_WIN) && r->seq != y->acked &&
	    side_has(x, SIDE_NXT) && r->seq != x->nxt) {
		uint32_t window = (uint32_t)y->win << (y->wscale == 0xff ? 0 : y->wscale);

		c->off = r->seq - y->acked;
		fact_set(k, C_IN_WINDOW, seq_in_window(r->seq, y->acked, window));
	}
	if (r->flags & TCP_ACK && side_has(y, SIDE_NXT) && seq_gt(r->ack, y->nxt)) {
		c->beyond = r->ack - y->nxt;
		fact_set(k, C_ACK_BEYOND, !fact_has(k, ONE_SIDED));
	}
	/* without the options of X's segments it is not the socket's own form, and such stacks
	 * don't scale its window */
	if (r->flags & TCP_ACK && side_has(x, SIDE_WIN) && x->wscale != 0xff && r->win &&
	    (r->has_ts || !side_has(x, SIDE_TS))) {
		c->win_from = (uint32_t)x->win << x->wscale;
		c->win_to = (uint32_t)r->win << x->wscale;
		if (r->win > x->win + UNREAD_UNIT) {
			k->unread = c->win_to - c->win_from;
			fact_set(k, R_WIN_GREW, true);
		}
	}
	/* its number comes from a segment that is not in the capture */
	if (fact_has(k, X_ONLY_SYN) && !fact_has(k, Y_SEEN) && !(r->flags & TCP_ACK) &&
	    r->seq != x->nxt && r->seq != x->isn)
		fact_set(k, ONE_SIDED, true);
	c->unacked = octets_lost(f, c->x);
	k->bytes_lost = c->unacked + octets_lost(f, !c->x);
}

/* --- where it came from ----------------------------------------------------------------------- */

/* The TTL to compare with: of X's segments of the connection, else of the host's other connections.
 */
static uint8_t reference_ttl(const struct flow_side *x, const struct host_view *host, uint8_t ttl)
{
	if (x->ttl) /* packets of one connection may take several paths */
		return x->ttl_other == ttl ? ttl : x->ttl;
	if (x->ttl_syn)
		return x->ttl_syn;
	return host->known && !host->ttl_varies ? host->ttl : 0;
}

static void read_origin(struct facts *k, const struct flow *f, struct rst_case *c,
			const struct host_view *host, const struct packet *p, uint64_t oldest_ns)
{
	const struct flow_side *x = &f->side[c->x];
	const struct seen *r = &c->rst;
	uint64_t rtt = x->rtt_us > RTT_KNOWN_US ? x->rtt_us : host->rtt_us;
	uint16_t jump = (uint16_t)(r->ip_id - x->ip_id), back = (uint16_t)(x->ip_id - r->ip_id);
	unsigned apart;
	bool near;

	k->ttl = r->ttl;
	k->hops = exchange_hops(r->ttl);
	k->x_ttl = reference_ttl(x, host, r->ttl);
	if (k->x_ttl) {
		k->x_hops = exchange_hops(k->x_ttl);
		apart = k->hops > k->x_hops ? k->hops - k->x_hops : k->x_hops - k->hops;
		fact_set(k, C_HOPS, apart >= 2);
		fact_set(k, C_HOPS_WEAK, apart == 1);
	}
	if (!k->rtt_ns)
		k->rtt_ns = rtt * 1000;
	fact_set(k, C_FAST,
		 fact_has(k, T_FOUND) && rtt > RTT_KNOWN_US && oldest_ns < rtt * 1000 * 2 / 5);
	/* paths of one host differ by so much, and more is another place whatever it knows */
	near = !k->x_ttl || (k->hops <= k->x_hops + PATH_HOPS && k->x_hops <= k->hops + PATH_HOPS);
	fact_set(k, GENUINE,
		 near && ((r->has_ts && side_has(x, SIDE_TS) && r->flags & TCP_ACK) ||
			  (r->ip_id && x->ip_steps >= IP_STEPS && jump > 0 && jump <= IP_NEXT)));
	fact_set(k, C_IP_ID,
		 r->ip_id && x->ip_steps >= IP_STEPS && jump > IP_JUMP && back > IP_JUMP);
	/* an abort comes out of the socket, and takes the next of its counter */
	if (r->flags & TCP_ACK && !fact_has(k, T_FOUND) && !r->ip_id && x->ip_steps >= 2)
		fact_set(k, C_IP_ID, true);
	fact_set(k, C_NO_TS,
		 side_has(x, SIDE_TS) && x->ip_id && x->ip_steps >= IP_STEPS && !r->ip_id &&
		     r->flags & TCP_ACK && !r->win && !p->seg.options_len);
}

/* A forger copies what is before it: the segment's own IP ID or window. */
static void read_copied(struct facts *k, struct rst_case *c, const struct seen *q)
{
	const struct seen *r = &c->rst;

	if (r->ip_id && r->ip_id == q->ip_id)
		c->copied |= COPIED_IP_ID;
	if (r->win && r->win == q->win)
		c->copied |= COPIED_WIN;
	fact_set(k, C_COPIED, c->copied & COPIED_IP_ID);
}

/* --- the rest --------------------------------------------------------------------------------- */

static void read_raw_syn(struct facts *k, const struct flow *f, struct rst_case *c,
			 const struct host_view *host)
{
	const struct flow_side *x = &f->side[c->x];
	unsigned score = 0;

	c->raw_syn = x->syn_odd;
	if (x->ttl_syn && x->ttl_syn != c->rst.ttl)
		c->raw_syn |= ODD_RST;
	if (host->targets > MANY_TARGETS)
		c->targets = (uint8_t)(host->targets - 1);
	for (unsigned b = c->raw_syn; b; b &= b - 1)
		score++;
	fact_set(k, SYN_RAW, score + (c->targets > 0) >= RAW_SCORE);
}

/* Text in a RST (RFC 1122, 4.2.2.12), what of it can be printed. */
static void read_vendor(struct explain *e, struct rst_case *c, const struct packet *p)
{
	const uint8_t *t = p->seg.payload;
	struct extra *x;
	size_t n = 0;

	for (size_t i = 0; i < p->payload_captured && i < VENDOR_TEXT; i++)
		n += t[i] >= 32 && t[i] < 127;
	if (n < 4)
		return;
	x = explain_extra(e, c);
	if (!x)
		return;
	n = 0;
	for (size_t i = 0; i < p->payload_captured && n < VENDOR_TEXT - 1; i++)
		if (t[i] >= 32 && t[i] < 127)
			x->vendor[n++] = (char)t[i];
	x->vendor[n] = '\0';
	fact_set(&c->facts, R_VENDOR, true);
}

static void read_itself(struct explain *e, struct rst_case *c, const struct packet *p)
{
	struct facts *k = &c->facts;

	fact_set(k, R_ACK, p->seg.flags & TCP_ACK);
	fact_set(k, R_MALFORMED, p->seg.flags & (TCP_SYN | TCP_FIN));
	fact_set(k, R_MP_TCPRST, p->options.has_mp_tcprst);
	fact_set(k, R_MP_FASTCLOSE, p->options.has_mp_fastclose);
	fact_set(k, R_VENDOR, is_vendor_code(p->seg.win));
	c->mptcp_reason = p->options.mp_tcprst_reason;
	if (p->payload_captured)
		read_vendor(e, c, p);
}

static void read_earlier(struct facts *k, const struct flow *f, const struct rst_case *c)
{
	const struct flow_side *x = &f->side[c->x], *y = &f->side[!c->x];

	fact_set(k, FORGOTTEN, f->flags & FLOW_MAYBE_OLD && !fact_has(k, HANDSHAKE));
	fact_set(k, RST_BEFORE, side_has(x, SIDE_RST | SIDE_TOLD));
	fact_set(k, RST_SAME_BEFORE, side_has(x, SIDE_RST) && x->rst_seq == c->rst.seq);
	fact_set(k, SYN_ANSWERED_RST,
		 fact_has(k, T_SYN) && fact_has(k, T_REPEAT) && side_has(x, SIDE_RST) &&
		     side_has(y, SIDE_SYN_AGAIN));
	fact_set(k, OWN_OLD_LIVED,
		 f->syn2_frame && (f->flags & FLOW_SYN2_SIDE) == c->x &&
		     k->trigger_frame > f->syn2_frame);
}

/* Windows asks thrice at half a second before it believes a refusal; a lost RST is a time-out. */
static bool repeats_fast(const struct search *s, const struct seen *syn)
{
	for (int i = s->found - 1; i >= 0; i--)
		if (s->v[i].flags & TCP_RST && s->v[i].from_x)
			return since(s->v[i].wall_ns, syn->wall_ns) < 750 * MS;
	return false;
}

static void keep(struct rst_case *c, const struct flow *f, const struct search *s)
{
	const struct flow_side *x = &f->side[c->x], *y = &f->side[!c->x];

	memcpy(c->notes, s->v, s->n * sizeof(*c->notes));
	c->n_before = (uint8_t)s->n;
	c->trigger = s->found < 0 ? 0xff : (uint8_t)s->found;
	c->x_nxt = x->nxt;
	c->x_acked = x->acked;
	c->y_nxt = y->nxt;
	c->y_acked = y->acked;
	c->y_rtt_us = y->rtt_us;
	c->x_ip_id = x->ip_id;
	c->y_flags = y->flags;
	c->isn[0] = f->side[0].isn;
	c->isn[1] = f->side[1].isn;
	c->isn_known =
	    (uint8_t)(side_has(&f->side[0], SIDE_ISN) | side_has(&f->side[1], SIDE_ISN) << 1);
}

void facts_read(struct explain *e, struct flow *f, struct rst_case *c, const struct packet *p)
{
	uint64_t x_rtt_ns = (uint64_t)f->side[c->x].rtt_us * 1000;
	struct host_view host = around_host(e->around, &p->seg.src);
	struct search s = {.found = -1};
	struct facts *k = &c->facts;

	s.n = flows_notes(e->flows, f, s.v, s.at);
	for (size_t i = 0; i < s.n; i++) {
		s.v[i].from_x = s.v[i].from_x == c->x;
		s.answered[i] = flows_is_answered(e->flows, f, s.at[i]);
	}
	find_trigger(&s, &c->rst, x_rtt_ns);
	read_itself(e, c, p);
	read_side_x(k, &f->side[c->x]);
	read_both(k, f, c);
	if (s.found >= 0) {
		const struct seen *q = &s.v[s.found];

		c->trigger_end = seen_end(q);
		read_trigger(k, f, c, q);
		read_copied(k, c, q);
		fact_set(k, TRACKER, is_out_of_window(f, c->x, q));
		fact_set(k, SYN_REPEAT_FAST, fact_has(k, T_SYN) && repeats_fast(&s, q));
		flows_answered(e->flows, f, s.at[s.found]);
	}
	read_times(k, f, c);
	read_numbers(k, f, c);
	read_origin(k, f, c, &host, p, s.oldest_ns);
	read_earlier(k, f, c);
	read_raw_syn(k, f, c, &host);
	keep(c, f, &s);
}
