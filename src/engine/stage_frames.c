/*
 * stage_frames: what a frame of either direction tells of its line: numbers, times and counts into
 * the facts, bits to the act that waits. It decides nothing, and of sending it knows only the
 * acknowledgement that a raw line owes.
 */
#include "base/seq.h"
#include "engine/stage_private.h"

enum { OLD_MAX = 1 << 24 }; /* octets that a late segment of the service's may be behind */

bool stage_is_probe(const struct line *l, const struct packet *pk)
{
	return seq_lt(pk->seg.seq, l->peer_max) && !seq_gt(pk->seg.ack, l->una);
}

static void learn_timestamps(struct line *l, const struct packet *pk)
{
	if (!pk->options.has_timestamps)
		return;
	l->has_ts = true;
	l->tsecr = pk->options.tsval;
	if (l->conn >= 0)
		l->tsval = pk->options.tsecr; /* where the kernel can't be asked */
}

void stage_learn(struct line *l, const struct packet *pk)
{
	l->known = true;
	l->una = pk->seg.ack;
	if (!l->nxt || seq_gt(l->una, l->nxt) || l->quiet)
		l->nxt = l->una;
	l->peer_max = l->rcv_nxt = l->low = pk->seg.seq + 1;
	l->offered = false;
	l->has_ts = false;
	learn_timestamps(l, pk);
}

/* Tells the act that waits on the line. What stays is known to those that come later as well. */
static void tell(struct stage *s, struct line *l, unsigned bits, uint64_t at_ns)
{
	struct strand *st = stage_strand_of(s, l);
	void (*saw)(struct stage *, struct strand *, uint64_t);

	l->had |= bits & (SEES_FIN | SEES_RST | SEES_ICMP);
	if (!bits || !st || st->over || !st->began || strand_line(s, st) != l)
		return;
	saw = stage_ops[strand_act(s, st)->op].saw;
	if (!saw)
		return;
	st->seen |= bits;
	saw(s, st, at_ns);
}

static void offer(struct stage *s, struct line *l, const struct packet *pk, uint64_t at_ns)
{
	struct strand *st = stage_strand_of(s, l);

	if (!st || st->over || strand_line(s, st) != l)
		return;
	if (stage_ops[strand_act(s, st)->op].take)
		stage_ops[strand_act(s, st)->op].take(s, st, pk, at_ns);
}

/* --- what the service sends ------------------------------------------------------------------- */

/* What draws it is our end, not the service's. */
static bool is_after_us(const struct line *l, uint64_t at_ns)
{
	return l->f->closed_ns && at_ns > l->f->closed_ns;
}

static void take_rst(struct line *l, const struct packet *pk, uint64_t at_ns)
{
	struct line_facts *f = l->f;
	struct exchange *x = &f->reset;

	l->half_open = false;
	if (is_after_us(l, at_ns))
		return;
	if (f->resets < LINE_TIMES)
		f->reset_ns[f->resets] = at_ns;
	if (!f->resets++) {
		x->tries = x->answered_by = 1;
		x->port = pk->seg.sport;
		x->sent = l->last.sent;
		x->sent_win = l->last.win;
		x->asked_ns = l->last_ns;
		x->answered_ns = at_ns;
		x->rtt_us = UINT32_MAX;
		exchange_take(x, pk);
	}
}

/* Our last ACK may be lost: it is no handshake yet for who repeats the SYN-ACK. */
static void take_syn_ack(struct stage *s, struct line *l, uint64_t at_ns)
{
	struct line_facts *f = l->f;

	if (f->syn_acks < LINE_TIMES)
		f->syn_ack_ns[f->syn_acks] = at_ns;
	f->syn_acks++;
	if (f->at[MARK_EXACT_RST].tries)
		f->syn_acks_after_rst++;
	if (l->handshaken && f->syn_acks > 1 && l->quiet)
		stage_send_ack(s, l, l->una, NULL, 0, NULL, NULL);
}

/* True where it acknowledges more than was known. */
static bool count_acked(struct line *l, uint32_t ack)
{
	uint32_t more = ack - l->una;

	if (!seq_gt(ack, l->una))
		return false;
	l->una = ack;
	if (l->fin_sent && !l->fin_acked && seq_gt(ack, l->fin_seq)) {
		l->fin_acked = true;
		more--;
	}
	l->f->acked_octets += more;
	return true;
}

static unsigned take_ack(struct line *l, const struct packet *pk)
{
	l->f->window_closed = pk->seg.win == 0 && l->wants;
	return count_acked(l, pk->seg.ack) && seq_geq(l->una, l->nxt) ? SEES_TAKEN : 0;
}

/* It asks whether we are there: one octet that we have, or none (RFC 9293, 3.8.4). With our window
 * closed it asks for that. A short request sent again looks the same until it is acknowledged. */
static bool is_keepalive(const struct line *l, const struct packet *pk)
{
	const struct segment *g = &pk->seg;

	return g->payload_len <= 1 && g->seq == l->peer_max - 1 && !(g->flags & TCP_FIN) &&
	       !l->win_zero && l->f->stands_ns && (!g->payload_len || l->ack_sent == l->peer_max);
}

static void count_keepalive(struct line_facts *f, uint64_t at_ns)
{
	f->keepalive_ns[f->keepalives != 0] = at_ns;
	f->keepalives++;
}

static unsigned take_text(struct line *l, const struct packet *pk, uint64_t at_ns)
{
	const struct segment *g = &pk->seg;
	uint32_t end = g->seq + segment_len(g);
	struct line_facts *f = l->f;
	unsigned bits = 0;

	if (is_keepalive(l, pk)) {
		count_keepalive(f, at_ns);
		return 0;
	}
	if (!segment_len(g))
		return 0;
	if (!seq_gt(end, l->peer_max)) {
		f->repeats++;
		return 0;
	}
	if (g->flags & TCP_FIN) {
		bits |= SEES_FIN;
		f->fin_ns = f->fin_ns || is_after_us(l, at_ns) ? f->fin_ns : at_ns;
	}
	if (g->payload_len)
		bits |= SEES_DATA;
	f->sent_octets += end - l->peer_max - !!(g->flags & TCP_FIN);
	l->peer_max = end;
	return bits;
}

/* A raw line acknowledges what comes in order; the kernel's does it itself. */
static void acknowledge(struct stage *s, struct line *l, const struct packet *pk)
{
	uint32_t end = pk->seg.seq + segment_len(&pk->seg);

	if (!l->quiet)
		l->rcv_nxt = l->peer_max;
	else if (seq_leq(pk->seg.seq, l->rcv_nxt) && seq_gt(end, l->rcv_nxt))
		l->rcv_nxt = end;
	if (l->quiet && l->answers && (segment_len(&pk->seg) || seq_lt(pk->seg.seq, l->rcv_nxt)))
		stage_send_ack(s, l, l->una, NULL, 0, NULL, NULL);
}

static unsigned take_on_line(struct stage *s, struct line *l, const struct packet *pk,
			     uint64_t at_ns)
{
	unsigned bits;

	if (!l->known || !(pk->seg.flags & TCP_ACK))
		return 0;
	learn_timestamps(l, pk);
	bits = take_ack(l, pk) | take_text(l, pk, at_ns);
	acknowledge(s, l, pk);
	return bits;
}

/* --- what belongs to the connection ----------------------------------------------------------- */

/* Made from the numbers of a segment of ours, whatever connection that met. A few stacks add one.
 */
static bool answers_trail(const struct trail *t, const struct segment *g)
{
	if (g->flags & TCP_RST)
		return t->sent.flags & TCP_ACK &&
		       (g->seq == t->sent.ack || g->seq == t->sent.ack + 1);
	return g->flags & TCP_ACK && t->sent.len && g->ack == t->sent.seq + t->sent.len;
}

static bool answers_us(const struct line *l, const struct segment *g)
{
	const struct sent *last = &l->last.sent;
	bool yes = answers_trail(&l->last, g);

	for (size_t i = 0; i < STAGE_INJECTED && i < l->n_injected; i++)
		yes |= answers_trail(&l->injected[i], g);
	/* a RST to a segment without ACK has no number that could be known but our own */
	return yes ||
	       (g->flags & TCP_ACK && !(last->flags & TCP_ACK) && g->ack == last->seq + last->len);
}

/* The number that follows, or one less behind a FIN. */
static bool is_next(uint32_t seq, uint32_t next)
{
	return seq == next || seq == next - 1;
}

/* Our kernel takes a RST by the exact number alone (RFC 5961, 3.2): that of what it has got, which
 * is all that came, or all up to a hole. On a raw line, where no kernel is, the window is the
 * measure (RFC 9293, 3.10.7.4, second). */
static bool is_rst_in_place(const struct line *l, const struct segment *g)
{
	if (l->quiet && l->offered && seq_geq(g->seq, l->low) && !seq_gt(g->seq, l->edge))
		return true;
	return is_next(g->seq, l->peer_max) || is_next(g->seq, l->low);
}

/* It acknowledges nothing that was never sent, by the capture, or by what our socket took; and
 * nothing that was acknowledged long ago (RFC 5961, 5.2). */
static bool is_ack_in_place(const struct line *l, const struct segment *g)
{
	const struct line_facts *f = l->f;
	uint64_t rest = f->written > f->acked_octets ? f->written - f->acked_octets : 0;
	uint32_t beyond = l->una + (uint32_t)rest + 1;

	if (seq_lt(g->ack, l->una - OLD_MAX))
		return false;
	return !seq_gt(g->ack, beyond) || !seq_gt(g->ack, l->nxt);
}

/* Would the connection at our end take it? A box on the way, or anybody who guesses, may send in
 * the service's name, and our end goes on as if nothing had been: so does the scene. What answers a
 * segment of ours to the number may be of a connection that is no more. */
static bool is_believed(const struct line *l, const struct packet *pk)
{
	const struct segment *g = &pk->seg;

	if (!l->known || !l->f->stands_ns || g->flags & TCP_SYN)
		return true;
	if (g->flags & TCP_RST)
		return is_rst_in_place(l, g) || answers_us(l, g);
	if (l->offered && (seq_gt(g->seq, l->edge) || seq_lt(g->seq, l->low - OLD_MAX)))
		return false;
	return !(g->flags & TCP_ACK) || is_ack_in_place(l, g) || answers_us(l, g);
}

static void take_theirs(struct stage *s, struct line *l, const struct packet *pk, uint64_t at_ns)
{
	uint16_t flags = pk->seg.flags;
	bool again = l->f->syn_acks > 0;
	unsigned bits;

	if (!is_believed(l, pk)) {
		l->f->strangers++;
		return;
	}
	offer(s, l, pk, at_ns);
	if (flags & TCP_RST) {
		take_rst(l, pk, at_ns);
		if (l->known && flags & TCP_ACK && is_ack_in_place(l, &pk->seg))
			count_acked(l, pk->seg.ack); /* an abort acknowledges all that came */
		bits = SEES_RST;
	} else if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		take_syn_ack(s, l, at_ns);
		bits = again ? SEES_SYN_ACK : 0;
	} else {
		bits = take_on_line(s, l, pk, at_ns);
	}
	tell(s, l, bits, at_ns);
}

/* --- what we send ----------------------------------------------------------------------------- */

static bool is_injected(const struct line *l, const struct segment *g)
{
	for (size_t i = 0; i < STAGE_INJECTED; i++) {
		const struct trail *t = &l->injected[i];

		if (t->sent.seq == g->seq && t->sent.ack == g->ack && t->sent.flags == g->flags &&
		    t->win == g->win)
			return true;
	}
	return false;
}

/* The kernel's SYN is the question of the act that connects. */
static void take_own_syn(struct stage *s, struct line *l, const struct trail *syn, uint64_t at_ns)
{
	struct strand *st = stage_strand_of(s, l);
	struct exchange *x;

	l->iss = syn->sent.seq;
	l->una = l->nxt = l->iss + 1;
	if (!st || st->over || strand_line(s, st) != l || strand_act(s, st)->op != ACT_CONNECT)
		return;
	x = &l->f->at[strand_act(s, st)->mark];
	if (!x->tries)
		l->f->opened_ns = at_ns;
	stage_note_sent(s, x, syn, at_ns);
}

/* How far the service may send. What our kernel has acknowledged came, though the capture lacks it.
 */
static void note_offer(struct line *l, const struct packet *pk)
{
	const struct segment *g = &pk->seg;
	uint32_t edge = g->ack + ((uint32_t)g->win << (l->wscale & 15));

	if (g->flags & TCP_SYN) {
		l->has_wscale = true;
		l->wscale = pk->options.has_wscale ? pk->options.wscale : 0;
		return;
	}
	if (g->flags & TCP_RST || !(g->flags & TCP_ACK) || !l->known || !l->has_wscale)
		return;
	if (!l->offered || seq_gt(edge, l->edge))
		l->edge = edge;
	l->offered = true;
	if (seq_gt(g->ack, l->low))
		l->low = g->ack;
	if (!l->f->raw && seq_gt(g->ack, l->peer_max)) {
		l->f->sent_octets += g->ack - l->peer_max;
		l->peer_max = g->ack;
	}
}

/* Our kernel's segments on its connection: what we have sent, and how much we would take. */
static void take_ours(struct stage *s, struct line *l, const struct packet *pk, uint64_t at_ns)
{
	const struct segment *g = &pk->seg;
	struct trail t = {{g->seq, g->ack, g->flags, segment_len(g)}, g->win};
	uint32_t end = g->seq + t.sent.len;

	if (l->f->raw || !is_injected(l, g))
		note_offer(l, pk);
	if (l->f->raw || is_injected(l, g))
		return;
	l->last = t;
	l->last_ns = at_ns;
	if (g->flags & TCP_SYN) {
		take_own_syn(s, l, &t, at_ns);
		return;
	}
	if (g->flags & (TCP_RST | TCP_FIN) && !l->f->closed_ns)
		l->f->closed_ns = at_ns;
	if (g->flags & TCP_RST)
		return;
	l->win_zero = g->win == 0;
	if (g->flags & TCP_ACK)
		l->ack_sent = g->ack;
	if (g->flags & TCP_FIN) {
		l->fin_sent = true;
		l->fin_seq = end - 1;
	}
	if (seq_gt(end, l->nxt))
		l->nxt = end;
}

/* --- whose frame it is ------------------------------------------------------------------------ */

static bool is_our_port(const struct stage *s, uint16_t port)
{
	const struct wire *w = s->t->w;

	return (uint16_t)(port - s->c->sport_first) < STAGE_PORTS ||
	       (uint16_t)(port - w->quiet_first) < w->n_quiet;
}

/* The newest line of the port. */
static struct line *find_line(struct stage *s, uint16_t port)
{
	for (size_t i = PROVOKE_LINES; i > 0; i--)
		if (s->lines[i - 1].f && s->lines[i - 1].f->sport == port)
			return &s->lines[i - 1];
	return NULL;
}

static void take_icmp(struct stage *s, struct line *l, const struct packet *pk, uint64_t at_ns)
{
	enum reaction r = reaction_of_icmp(pk->seg.src.family, pk->icmp_type, pk->icmp_code);

	offer(s, l, pk, at_ns);
	tell(s, l, r == REACTION_NONE ? 0 : SEES_ICMP, at_ns);
}

bool stage_take_frame(struct stage *s, const struct packet *pk, uint64_t at_ns)
{
	const struct stage_config *c = s->c;
	const struct segment *g = &pk->seg;
	bool icmp = pk->kind == PACKET_ICMP_ERROR;
	bool ours = !icmp && addr_same(&g->dst, &c->dst) && g->dport == c->dport;
	bool theirs = !icmp && addr_same(&g->src, &c->dst) && g->sport == c->dport;
	uint16_t port = icmp ? pk->quoted.sport : ours ? g->sport : g->dport;
	struct line *l;

	if (icmp)
		theirs = addr_same(&pk->quoted.dst, &c->dst) && pk->quoted.dport == c->dport;
	if ((!ours && !theirs) || !is_our_port(s, port))
		return false;
	if (c->witness)
		c->witness(c->witness_ctx, pk, at_ns);
	l = find_line(s, port);
	if (!l)
		return true; /* of a connection that is over, or a SYN's that we are about to send
			      */
	if (icmp)
		take_icmp(s, l, pk, at_ns);
	else if (ours)
		take_ours(s, l, pk, at_ns);
	else
		take_theirs(s, l, pk, at_ns);
	return true;
}
