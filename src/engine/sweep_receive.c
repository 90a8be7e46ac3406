/*
 * sweep_receive: a frame becomes a reply of one slot, or is foreign, late or a duplicate.
 * Whether it is ours is asked here and in judge/match; what it means is asked at the flush.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/sweep_private.h"
#include "judge/match.h"
#include "packet/decode.h"

/* The far and our end of a packet's 4-tuple, from the TCP header or from an ICMP error's quote. */
struct ends {
	struct addr far, our;
	uint16_t far_port, our_port;
};

/* One way to read our port: which kind and try it stands for; try TRIES_MAX where it can't tell. */
struct slot_guess {
	unsigned kind, try;
};

static bool ends_of(const struct packet *p, struct ends *out)
{
	if (p->kind == PACKET_TCP) {
		*out = (struct ends){p->seg.src, p->seg.dst, p->seg.sport, p->seg.dport};
		return true;
	}
	if (p->kind != PACKET_ICMP_ERROR || !p->quoted.has_ports)
		return false;
	*out = (struct ends){p->quoted.dst, p->quoted.src, p->quoted.dport, p->quoted.sport};
	return true;
}

static bool guess_of(const struct sweep *s, uint16_t our_port, struct slot_guess *out)
{
	unsigned tries = sweep_tries_max(s->c);
	unsigned offset = (unsigned)our_port - s->c->sport_first;

	if (s->c->sport_fixed) {
		*out = (struct slot_guess){0, TRIES_MAX};
		return our_port == s->c->sport_first;
	}
	*out = (struct slot_guess){offset / tries, offset % tries};
	return our_port >= s->c->sport_first && out->kind < s->c->n_kinds;
}

/* On loopback our own probes are captured too: one to a port of ours looks like an answer. */
static bool is_own_probe(const struct sweep *s, const struct packet *p)
{
	struct slot_guess g;

	return p->kind == PACKET_TCP && addr_same(&p->seg.src, &p->seg.dst) &&
	       !(p->seg.flags & TCP_RST) && guess_of(s, p->seg.sport, &g) &&
	       (p->seg.flags & 0xff) == (s->c->kinds[g.kind]->flags & 0xff);
}

/* With one source port the try shows in the echoed time stamp, or when only one was made (Karn). */
static unsigned try_of(const struct sweep *s, unsigned guessed, const struct packet *p)
{
	uint32_t echo;

	if (guessed < TRIES_MAX)
		return guessed;
	if (p->kind == PACKET_TCP && p->options.has_timestamps) {
		echo = p->options.tsecr - s->ts_base;
		if (echo <= s->pass)
			return echo;
	}
	return s->pass == 0 ? 0 : TRIES_MAX;
}

static uint32_t rtt_of(const struct sweep *s, uint64_t slot, unsigned try, uint64_t at_ns)
{
	uint32_t sent_us, rtt;

	if (try > s->pass || s->pass - try > 1) /* Karn, or older than the times kept */
		return UINT32_MAX;
	sent_us = s->times[try & 1][slot >> s->times_shift];
	rtt = sweep_now_us(s, at_ns) - sent_us;
	return (int32_t)rtt < 0 ? 0 : rtt;
}

static uint32_t responder_ref(struct sweep *s, const struct addr *far, const struct addr *sender)
{
	if (addr_same(far, sender))
		return 0;
	for (size_t i = 0; i < s->n_responders; i++)
		if (addr_equal(&s->responders[i], sender))
			return (uint32_t)i + 1;
	if (s->n_responders == RESPONDERS_MAX)
		return RESPONDERS_MAX; /* the last one stands for all that are too many */
	s->responders[s->n_responders] = *sender;
	return (uint32_t)++s->n_responders;
}

/* NULL: no memory for another host. */
static struct host *learn_host(struct sweep *s, uint64_t number, const struct reply *r, bool sample)
{
	struct host *h = hosts_get(&s->hosts, number);
	enum reaction reaction = (enum reaction)r->reaction;

	if (!h)
		return NULL;
	h->answers++;
	h->icmp_rejects += reaction_is_icmp(reaction);
	h->itself |= !r->from && reaction != REACTION_ICMP_HOST && reaction != REACTION_ICMP_NET;
	h->sent_rst |= reaction_is_rst(reaction);
	h->unreachables += reaction == REACTION_ICMP_HOST || reaction == REACTION_ICMP_NET;
	h->unreachable_net |= reaction == REACTION_ICMP_NET;
	if (sample && r->rtt_us != UINT32_MAX)
		rtt_sample(&h->rtt, r->rtt_us);
	return h;
}

/* After our kernel's RST some stacks reset the half-open entry once more: no answer to the SYN. */
static bool follows_syn_ack(const struct sweep *s, const struct port_acc *acc,
			    const struct reply *r)
{
	if (!acc || !reaction_is_rst((enum reaction)r->reaction))
		return false;
	for (const struct reply *old = slab_reply(&s->slab, acc->replies); old;
	     old = slab_reply(&s->slab, old->next))
		if (old->reaction == REACTION_SYN_ACK && old->kind == r->kind &&
		    old->try == r->try && r->seq == old->seq + 1)
			return true;
	return false;
}

static bool is_decisive(const struct sweep *s, const struct reply *r)
{
	/* With one source port another try meets the same old connection, or our kernel's RST of
	 * it. */
	if (s->c->sport_fixed && r->reaction == REACTION_CHALLENGE_ACK)
		return true;
	return r->fit == FIT_EXACT &&
	       (r->reaction == REACTION_SYN_ACK || reaction_is_icmp((enum reaction)r->reaction) ||
		reaction_is_rst((enum reaction)r->reaction));
}

/*
 * May it correct the record of an earlier window, whose evidence is forgotten? Only what would have
 * named the state there as well: never a guess, nor the reset that follows a SYN-ACK (its SEQ is
 * not 0), nor a rejection or a stray RST where a SYN may have been answered.
 */
static bool corrects(const struct sweep *s, const struct reply *r)
{
	bool syn = probe_class_of(s->c->kinds[r->kind]->flags) == PROBE_SYN;

	if (r->fit != FIT_EXACT || reaction_is_icmp((enum reaction)r->reaction))
		return false;
	return syn ? r->reaction == REACTION_SYN_ACK || r->seq == 0 : s->c->n_kinds == 1;
}

/* The form of its first SYN-ACK and RST, for the host's family. */
static void learn_shape(struct host *h, const struct packet *p)
{
	struct exchange x = {0};

	if (p->seg.flags & TCP_RST && !h->has_rst) {
		h->has_rst = true;
		h->rst_df = p->seg.df;
	} else if (p->seg.flags & TCP_SYN && !h->has_syn_ack) {
		h->has_syn_ack = true;
		h->syn_ack_df = p->seg.df;
		exchange_take(&x, p);
		h->mss = x.mss;
		memcpy(h->layout, x.layout, sizeof(h->layout));
	}
}

/* The host that it teaches something of; NULL for a repetition. */
static struct host *take_reply(struct sweep *s, uint64_t index, uint64_t host, uint64_t place,
			       struct reply *r, uint64_t now)
{
	uint64_t slot = (place - s->first) * s->c->n_kinds + r->kind;
	struct host *h;
	int added;

	if (follows_syn_ack(s, slab_find(&s->slab, (uint32_t)(place - s->first)), r)) {
		s->sum.duplicates++;
		return NULL;
	}
	s->sum.late += r->try < s->pass;
	added = slab_add(&s->slab, (uint32_t)(place - s->first), r);
	if (added == 0)
		s->sum.duplicates++;
	s->no_room |= added < 0;
	if (added <= 0)
		return NULL;
	h = learn_host(s, host, r, true);
	if (!bit_get(s->done, slot) && is_decisive(s, r)) {
		bit_set(s->done, slot);
		s->undone--;
		s->sum.answered++;
		/* where the try can't be told, the last one is the likeliest: a pass waits out the
		 * RTO */
		s->drew[r->try < TRIES_MAX ? r->try : s->pass] +=
		    !reaction_is_icmp((enum reaction)r->reaction);
		if (s->pass == 0)
			pace_answered(&s->pace);
		s->last_answer_ns = now;
	}
	if (r->reaction == REACTION_SYN_ACK && r->fit == FIT_EXACT) {
		s->open_seen++;
		sweep_found(s, index, r);
	}
	return h;
}

static void fill_reply(struct reply *r, const struct packet *p, unsigned kind, unsigned try,
		       enum reaction reaction, enum fit fit)
{
	*r = (struct reply){
	    .seq = p->seg.seq,
	    .ack = p->seg.ack,
	    .win = p->seg.win,
	    .ip_id = p->seg.ip_id,
	    .kind = (uint8_t)kind,
	    .reaction = (uint8_t)reaction,
	    .fit = (uint8_t)fit,
	    .ttl = p->seg.ttl,
	    .try = (uint8_t)try,
	    .flags = (uint8_t)p->seg.flags,
	};
	if (p->kind == PACKET_ICMP_ERROR) {
		r->icmp_type = p->icmp_type;
		r->icmp_code = p->icmp_code;
		r->seq = p->quoted.seq;
		r->ack = 0;
		r->win = 0;
		r->flags = 0;
	}
}

/* Does the packet answer kind `g->kind`? With one source port for all, the numbers tell which. */
static enum fit fit_of(const struct sweep *s, const struct packet *p, const struct ends *e,
		       struct slot_guess *g, enum reaction *reaction)
{
	struct sent sent;
	enum fit best = FIT_NONE;

	if (!s->c->sport_fixed) {
		sweep_sent(s->c, &e->far, e->far_port, e->our_port, g->kind, &sent);
		return match_reply(&sent, p, reaction);
	}
	for (unsigned k = 0; k < s->c->n_kinds && best != FIT_EXACT; k++) {
		enum reaction r;
		enum fit f;

		sweep_sent(s->c, &e->far, e->far_port, e->our_port, k, &sent);
		f = match_reply(&sent, p, &r);
		if (f > best) {
			best = f;
			g->kind = k;
			*reaction = r;
		}
	}
	return best;
}

static bool was_asked(const struct sweep *s, uint64_t place, const struct slot_guess *g)
{
	uint64_t slot = (place - s->first) * s->c->n_kinds + g->kind;

	if (g->try >= TRIES_MAX)
		return s->pass > 0 || slot < s->cursor;
	return g->try < s->pass || (g->try == s->pass && slot < s->cursor);
}

static bool to_our_source(const struct sweep *s, uint64_t host, const struct addr *our)
{
	const struct span *span = space_span_of_host(s->c->space, host);

	return span->path != PATH_NONE && addr_same(&s->w->paths[span->path].src, our);
}

static bool take_packet(struct sweep *s, const struct packet *p, const struct wire_in *in)
{
	uint64_t index, host, place;
	enum reaction reaction;
	struct slot_guess g;
	struct host *heard;
	struct reply r;
	struct ends e;
	enum fit fit;

	if (!ends_of(p, &e) || !guess_of(s, e.our_port, &g) || is_own_probe(s, p))
		return false;
	if (!space_find(s->c->space, &e.far, e.far_port, &index, &host) ||
	    !to_our_source(s, host, &e.our))
		return false;
	fit = fit_of(s, p, &e, &g, &reaction);
	if (fit == FIT_NONE)
		return false;
	g.try = try_of(s, g.try, p);
	fill_reply(&r, p, g.kind, g.try, reaction, fit);
	r.from = responder_ref(s, &e.far, &p->seg.src);
	r.rtt_us = UINT32_MAX;
	place = permute_inverse(&s->perm, index);
	if (place < s->first) {
		s->sum.late++;
		learn_host(s, host, &r, false);
		if (corrects(s, &r))
			sweep_correct(s, index, &r);
	} else if (place >= s->first + s->size || !was_asked(s, place, &g)) {
		return false;
	} else {
		r.rtt_us = rtt_of(s, (place - s->first) * s->c->n_kinds + g.kind, g.try, in->at_ns);
		heard = take_reply(s, index, host, place, &r, in->at_ns);
		if (heard && fit == FIT_EXACT && !r.from && p->kind == PACKET_TCP)
			learn_shape(heard, p);
	}
	if (s->c->evidence)
		s->c->evidence(s->c->evidence_ctx, in->at_ns, in->frame + p->l3_offset,
			       in->captured - p->l3_offset, in->len - p->l3_offset);
	return true;
}

void sweep_on_frame(void *ctx, const struct wire_in *in)
{
	struct sweep *s = ctx;
	struct packet p;

	/* What is no TCP and no ICMP error is not counted: the kernel filter lets little of it by.
	 */
	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &p) != DECODE_OK)
		return;
	if (!take_packet(s, &p, in))
		s->sum.foreign++;
}
