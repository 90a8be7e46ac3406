/*
 * flow: what a segment without RST changes in what is known of its connection (RFC 9293, 3.3.1, as
 * seen from beside). It refuses to judge: a RST changes nothing here, and no cause is named.
 */
#include "judge/flow.h"

#include "base/seq.h"

enum {
	DUPLICATE_HOPS = 3,  /* of a second capture, at the most */
	PATH_HOPS = 3,	     /* paths of one host differ by no more; a proxy's do */
	AHEAD_MAX = 1 << 30, /* no window is larger (RFC 7323, 2.2) */
	IP_STEP = 1024,	     /* a counter of one socket or host goes on by less */
	FRESH_S = 60,	     /* packets so long after the end are of a new connection */
	SMALL_WINDOW = 4096,
	SCANNER_IP_ID = 54321, /* zmap */
};

uint32_t flow_unacked(const struct flow *f, uint8_t side)
{
	const struct flow_side *s = &f->side[side], *o = &f->side[!side];

	if (!side_has(s, SIDE_NXT) || !side_has(o, SIDE_ACKED) || !seq_gt(s->nxt, o->acked))
		return 0;
	return s->nxt - o->acked;
}

static bool fin_acked(const struct flow *f, uint8_t side)
{
	const struct flow_side *s = &f->side[side], *o = &f->side[!side];

	return side_has(s, SIDE_FIN) && side_has(o, SIDE_ACKED) && seq_gt(o->acked, s->fin_seq);
}

bool flow_is_over(const struct flow *f)
{
	return side_has(&f->side[0], SIDE_RST | SIDE_TOLD) ||
	       side_has(&f->side[1], SIDE_RST | SIDE_TOLD) ||
	       (side_has(&f->side[0], SIDE_FIN) && side_has(&f->side[1], SIDE_FIN));
}

/* The record's type 21, its version 3.x; what follows is encrypted, and most likely close_notify.
 */
static bool is_tls_alert(const struct packet *p)
{
	const uint8_t *b = p->seg.payload;

	return p->payload_captured >= 3 && b[0] == 21 && b[1] == 3 && b[2] <= 4;
}

struct seen flow_seen(const struct packet *p, uint8_t side, uint64_t ns, uint32_t frame)
{
	return (struct seen){
	    .wall_ns = ns,
	    .frame = frame,
	    .seq = p->seg.seq,
	    .ack = p->seg.ack,
	    .len = p->seg.payload_len,
	    .flags = p->seg.flags,
	    .win = p->seg.win,
	    .ip_id = p->seg.ip_id,
	    .ttl = p->seg.ttl,
	    .from_x = side != 0,
	    .has_ts = p->options.has_timestamps,
	    .tls_alert = is_tls_alert(p),
	};
}

/* --- the same frame twice --------------------------------------------------------------------- */

/*
 * An IP ID tells; where there is none (IPv6, or 0 as Linux sends it) only what no stack sends twice
 * within 5 ms: payload, SYN, FIN. Pure ACKs do come twice.
 */
static bool is_copy(const struct seen *a, const struct seen *b)
{
	uint64_t apart =
	    a->wall_ns > b->wall_ns ? a->wall_ns - b->wall_ns : b->wall_ns - a->wall_ns;

	if (a->from_x != b->from_x || a->seq != b->seq || a->ack != b->ack || a->len != b->len ||
	    a->flags != b->flags || a->win != b->win || apart > DUPLICATE_NS)
		return false;
	if (a->ttl > b->ttl + DUPLICATE_HOPS || b->ttl > a->ttl + DUPLICATE_HOPS)
		return false;
	if (a->ip_id || b->ip_id)
		return a->ip_id == b->ip_id;
	return a->len || a->flags & (TCP_SYN | TCP_FIN);
}

static bool is_duplicate(const struct flows *t, const struct flow *f, const struct seen *n)
{
	const struct seen *o;

	/* most frames come after the last one's 5 ms */
	if (n->wall_ns > f->side[n->from_x].last_ns + DUPLICATE_NS)
		return false;
	for (size_t i = 0; (o = flows_newest(t, f, i)); i++) {
		if (o->wall_ns + DUPLICATE_NS < n->wall_ns)
			return false;
		if (!(o->flags & TCP_RST) && is_copy(o, n))
			return true;
	}
	return false;
}

/* --- a new connection on the same ports ------------------------------------------------------- */

/* What is a host's and not the connection's stays: its distance, its IP ID, its round trip. */
static void begin(struct flow *f)
{
	for (size_t i = 0; i < 2; i++) {
		struct flow_side *s = &f->side[i];

		*s = (struct flow_side){.last_ns = s->last_ns,
					.rtt_us = s->rtt_us,
					.ip_id = s->ip_id,
					.ip_steps = s->ip_steps,
					.ttl = s->ttl,
					.ttl_other = s->ttl_other,
					.ttl_syn = s->ttl_syn,
					.wscale = 0xff};
	}
	f->rst_frame = f->closed_frame = f->syn2_frame = 0;
	f->handshake_us = UINT32_MAX;
	f->syn_ns = 0;
}

/* A SYN after a RST or upon two FINs begins anew; upon what lives it may be blind or a reboot: it
 * is kept beside, until an answer tells. */
static bool syn_begins(struct flow *f, uint8_t side, const struct segment *seg, uint32_t frame)
{
	struct flow_side *s = &f->side[side], *o = &f->side[!side];

	if (side_has(s, SIDE_ISN) && s->isn == seg->seq) {
		if (side_has(o, SIDE_RST))
			s->flags |= SIDE_SYN_AGAIN;
		return false;
	}
	if (!s->flags && !o->flags)
		return false;
	if (flow_is_over(f) || !side_has(o, SIDE_SYN_ACK | SIDE_OTHER)) {
		begin(f);
		return true;
	}
	f->syn2_seq = seg->seq;
	f->syn2_frame = frame;
	f->flags = (uint8_t)((f->flags & ~FLOW_SYN2_SIDE) | (side ? FLOW_SYN2_SIDE : 0));
	return false;
}

static void take_syn2(struct flow *f)
{
	struct flow_side *s = &f->side[f->flags & FLOW_SYN2_SIDE];
	uint32_t seq = f->syn2_seq;

	begin(f);
	s->flags |= SIDE_SYN | SIDE_ISN | SIDE_NXT;
	s->isn = seq;
	s->nxt = seq + 1;
	f->syn_ns = s->last_ns;
}

static bool begins_anew(struct flow *f, uint8_t side, const struct segment *seg, uint64_t ns,
			uint32_t frame)
{
	struct flow_side *s = &f->side[side];
	bool from_syn2 = (f->flags & FLOW_SYN2_SIDE) == side;

	if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return syn_begins(f, side, seg, frame);
	if (f->syn2_frame && ((!from_syn2 && seg->flags & TCP_SYN && seg->ack == f->syn2_seq + 1) ||
			      (from_syn2 && seg->seq == f->syn2_seq + 1))) {
		take_syn2(f);
		return true;
	}
	/* its SYN was not captured: far from all numbers, long after the end */
	if (flow_is_over(f) && side_has(s, SIDE_NXT) && ns > s->last_ns + FRESH_S * 1000000000ull &&
	    seg->seq - s->nxt + (1u << 24) > (1u << 25)) {
		begin(f);
		return true;
	}
	return false;
}

/* --- one segment ------------------------------------------------------------------------------ */

static uint8_t odd_syn(const struct packet *p)
{
	const struct tcp_options *o = &p->options;
	const struct segment *s = &p->seg;
	unsigned odd = 0;

	if (!o->sack_ok && !o->has_wscale && !o->has_timestamps)
		odd |= ODD_NO_OPTIONS;
	if (s->src.family == ADDR_V4 && !s->df)
		odd |= ODD_NO_DF;
	if (s->src.family == ADDR_V4 && (s->ip_id == 0 || s->ip_id == SCANNER_IP_ID))
		odd |= ODD_IP_ID;
	if (s->win <= SMALL_WINDOW || (s->win == 65535 && odd & ODD_NO_OPTIONS))
		odd |= ODD_WINDOW;
	return (uint8_t)odd;
}

static void note_syn(struct flow *f, uint8_t side, const struct packet *p, uint64_t ns)
{
	struct flow_side *s = &f->side[side], *o = &f->side[!side];
	bool first = !side_has(s, SIDE_ISN);

	s->isn = p->seg.seq;
	s->flags |= SIDE_ISN;
	s->wscale = p->options.has_wscale && p->options.wscale <= 14 ? p->options.wscale : 0;
	s->ttl_syn = p->seg.ttl;
	if (!(p->seg.flags & TCP_ACK)) {
		s->flags |= SIDE_SYN;
		s->flags &= (uint16_t)~SIDE_NO_DF;
		if (p->seg.src.family == ADDR_V4 && !p->seg.df)
			s->flags |= SIDE_NO_DF;
		s->syn_odd = odd_syn(p);
		if (first || !f->syn_ns)
			f->syn_ns = ns;
		return;
	}
	s->flags |= SIDE_SYN_ACK;
	/* a RST to an earlier SYN was not its own, or it has thought better of it */
	if (side_has(s, SIDE_RST) && side_has(o, SIDE_ISN) && p->seg.ack == o->isn + 1) {
		s->flags &= (uint16_t)~SIDE_RST;
		o->flags &= (uint16_t)~SIDE_SYN_AGAIN;
	}
	if (f->handshake_us == UINT32_MAX && f->syn_ns && ns >= f->syn_ns)
		f->handshake_us = ns - f->syn_ns < 4000000000000ull
				      ? (uint32_t)((ns - f->syn_ns) / 1000)
				      : UINT32_MAX - 1;
}

static void count_up(uint8_t *n)
{
	if (*n < UINT8_MAX)
		++*n;
}

static uint32_t capped_add(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* What seq and len say: new, again, or a keep-alive probe (RFC 9293, 3.8.4). */
static unsigned take_numbers(struct flow *f, uint8_t side, const struct segment *seg, uint64_t ns,
			     uint32_t frame)
{
	struct flow_side *s = &f->side[side], *o = &f->side[!side];
	uint32_t len = segment_len(seg), end = seg->seq + len, fresh;

	if (!side_has(s, SIDE_NXT)) {
		s->nxt = seg->seq;
		s->flags |= SIDE_NXT;
	} else if (seg->payload_len <= 1 && seg->seq == s->nxt - 1 &&
		   !(seg->flags & (TCP_SYN | TCP_FIN)) && side_has(s, SIDE_OTHER) &&
		   side_has(o, SIDE_ACKED) && o->acked == s->nxt) {
		count_up(&s->keepalives);
		return SEGMENT_KEEPALIVE;
	} else if (len && seq_leq(end, s->nxt)) {
		count_up(&s->repeats);
		s->flags &= (uint16_t)~SIDE_TIMING; /* Karn */
		return SEGMENT_REPEAT;
	}
	if (!len || !seq_gt(end, s->nxt) || end - s->nxt > AHEAD_MAX)
		return 0;
	fresh = end - s->nxt;
	s->nxt = end;
	s->keepalives = s->repeats = 0;
	if (!side_has(s, SIDE_TIMING)) {
		s->timed_end = end;
		s->timed_ns = ns;
		s->flags |= SIDE_TIMING;
	}
	if (seg->payload_len) {
		fresh = fresh < seg->payload_len ? fresh : seg->payload_len;
		s->flags |= SIDE_DATA;
		s->data_ns = ns;
		s->data_frame = frame;
		s->octets = capped_add(s->octets, fresh);
		s->since = capped_add(s->since, fresh);
		o->since = 0;
	}
	return SEGMENT_NEW;
}

static void take_ack(struct flow *f, uint8_t side, const struct segment *seg, uint64_t ns)
{
	struct flow_side *s = &f->side[side], *o = &f->side[!side];
	uint64_t us;

	if (!side_has(s, SIDE_ACKED)) {
		s->acked = seg->ack;
		s->flags |= SIDE_ACKED;
	} else if (seq_gt(seg->ack, s->acked) && seg->ack - s->acked <= AHEAD_MAX) {
		s->acked = seg->ack;
		s->flags |= SIDE_ACK_MOVED;
	}
	if (!side_has(o, SIDE_TIMING) || seq_lt(seg->ack, o->timed_end))
		return;
	o->flags &= (uint16_t)~SIDE_TIMING;
	us = ns > o->timed_ns ? (ns - o->timed_ns) / 1000 : 0;
	if (us < UINT32_MAX && (!s->rtt_us || us < s->rtt_us))
		s->rtt_us = us ? (uint32_t)us : 1;
}

/* Who answers a SYN-ACK by an ACK did not take the RST that had answered its SYN. */
static void take_first(struct flow_side *s, const struct flow_side *o)
{
	if (!side_has(s, SIDE_OTHER) && side_has(o, SIDE_SYN_ACK))
		s->flags &= (uint16_t)~SIDE_TOLD;
	s->flags |= SIDE_OTHER;
}

static void take_ip(struct flow_side *s, const struct segment *seg)
{
	uint16_t step = (uint16_t)(seg->ip_id - s->ip_id);

	if (!(seg->flags & TCP_SYN)) {
		if (s->ttl && s->ttl != seg->ttl && s->ttl <= seg->ttl + PATH_HOPS &&
		    seg->ttl <= s->ttl + PATH_HOPS)
			s->ttl_other = s->ttl;
		s->ttl = seg->ttl;
	}
	/* 0 is what Linux gives to segments out of no socket: no step of a counter */
	if (seg->src.family != ADDR_V4 || !seg->ip_id)
		return;
	if (step > 0 && step <= IP_STEP)
		count_up(&s->ip_steps);
	else if (step)
		s->ip_steps = 0;
	s->ip_id = seg->ip_id;
}

unsigned flow_segment(struct flows *t, struct flow *f, uint8_t side, const struct packet *p,
		      uint64_t ns, uint32_t frame)
{
	struct flow_side *s = &f->side[side], *o = &f->side[!side];
	const struct segment *seg = &p->seg;
	struct seen n = flow_seen(p, side, ns, frame);
	unsigned is = 0;

	if (is_duplicate(t, f, &n)) {
		n.duplicate = 1;
		f->flags |= FLOW_DUPLICATES;
		flows_note(t, f, &n);
		return SEGMENT_DUPLICATE;
	}
	if (begins_anew(f, side, seg, ns, frame))
		is |= SEGMENT_INCARNATION;
	/* a SYN kept beside changes nothing of the living connection */
	if (!(f->syn2_frame == frame)) {
		if (seg->flags & TCP_SYN)
			note_syn(f, side, p, ns);
		else
			take_first(s, o);
		is |= take_numbers(f, side, seg, ns, frame);
		if (seg->flags & TCP_ACK)
			take_ack(f, side, seg, ns);
		if (seg->flags & TCP_FIN && !side_has(s, SIDE_FIN)) {
			s->flags |= SIDE_FIN;
			s->fin_seq = seg->seq + seg->payload_len;
		}
		if (!(seg->flags & TCP_SYN)) {
			s->win = seg->win;
			s->flags |= SIDE_WIN;
			s->flags = (uint16_t)(p->options.has_timestamps ? s->flags | SIDE_TS
									: s->flags & ~SIDE_TS);
		}
		o->keepalives = o->repeats = 0;
		if (!f->closed_frame && fin_acked(f, 0) && fin_acked(f, 1))
			f->closed_frame = frame;
	}
	take_ip(s, seg);
	s->last_ns = ns;
	n.repeat = !!(is & SEGMENT_REPEAT);
	n.keepalive = !!(is & SEGMENT_KEEPALIVE);
	flows_note(t, f, &n);
	return is;
}
