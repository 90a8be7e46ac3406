/*
 * sweep_receive: a frame becomes a reply of one slot, or is foreign, late or a duplicate.
 * Whether it is ours is asked here and in judge/match; what it means is asked at the flush.
 */
#include <limits.h>
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

enum { CANARY_KIND = 0xff };

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
	if (our_port == sweep_canary_sport(s->c))
		*out = (struct slot_guess){CANARY_KIND, 0};
	return our_port >= s->c->sport_first && out->kind <= CANARY_KIND &&
	       (out->kind < s->c->n_kinds || out->kind == CANARY_KIND);
}

/* On loopback our own probes are captured too: one to a port of ours looks like an answer. */
static bool is_own_probe(const struct sweep *s, const struct packet *p)
{
	struct slot_guess g;

	return p->kind == PACKET_TCP && addr_same(&p->seg.src, &p->seg.dst) &&
	       !(p->seg.flags & TCP_RST) && guess_of(s, p->seg.sport, &g) &&
	       g.kind != CANARY_KIND &&
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
		if (echo <= s->pass && echo < TRIES_MAX)
			return echo;
	}
	return s->pass == 0 ? 0 : TRIES_MAX;
}

/* What a try was, in passes; UINT_MAX where it can't be told, or has not been. */
static unsigned pass_of(const struct sweep *s, unsigned try)
{
	if (try >= TRIES_MAX)
		return UINT_MAX;
	return s->c->sport_fixed ?
	try : sweep_pass_of(s, try)
		;
}

/* What is kept of it: those beyond the last number count as that. */
static unsigned try_kept(unsigned pass)
{
	if (pass == UINT_MAX)
		return TRIES_MAX;
	return pass < RETRIES_MAX ? pass : RETRIES_MAX;
}

static uint32_t rtt_of(struct sweep *s, uint64_t slot, unsigned pass, uint64_t at_ns)
{
	const uint32_t *known = &s->times[pass & 1][slot >> s->times_shift];
	uint32_t sent_us, rtt;

	if (pass > s->pass || s->pass - pass > 1) /* Karn, or older than the times kept */
		return UINT32_MAX;
	if (!*known) /* a sender thread has it under its hands */
		sweep_note_times(s);
	sent_us = *known;
	if (!sent_us)
		return UINT32_MAX;
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

/* The first that is heard of it: all of its ports are asked from now on. */
static struct host *host_heard(struct sweep *s, uint64_t number)
{
	bool known = sweep_has_answered(s, number);
	struct host *h = hosts_get(&s->hosts, number);

	if (!h || known)
		return h;
	s->n_heard++;
	h->spare = s->limited_only;
	h->spared = (uint8_t)s->spared;
	if (s->heard)
		bit_set(s->heard, number);
	if (s->pass > 0 && s->c->skip_dead) {
		h->since = (uint8_t)s->pass;
		s->late = s->pass;
	}
	return h;
}

void sweep_host_gone(struct sweep *s, const struct point *at)
{
	struct host *h = hosts_get(&s->hosts, at->host);

	if (!h || h->gone)
		return;
	h->gone = true;
	h->gone_in = (uint8_t)s->pass;
	s->n_gone++;
}

/* Something came from the host itself. */
static void count_up(struct sweep *s, struct host *h)
{
	if (h->itself)
		return;
	h->itself = true;
	if (s->up && bit_get(s->up, h->number))
		return; /* in a window that is forgotten */
	if (s->up)
		bit_set(s->up, h->number);
	s->sum.hosts_up++;
}

/* NULL: no memory for another host. */
static struct host *learn_host(struct sweep *s, uint64_t number, const struct reply *r, bool sample)
{
	struct host *h = host_heard(s, number);
	enum reaction reaction = (enum reaction)r->reaction;

	if (!h)
		return NULL;
	if (!r->from && reaction != REACTION_ICMP_HOST && reaction != REACTION_ICMP_NET)
		count_up(s, h);
	h->answers++;
	h->icmp_rejects += reaction_is_icmp(reaction);
	h->sent_rst |= reaction_is_rst(reaction);
	h->unreachables += reaction == REACTION_ICMP_HOST || reaction == REACTION_ICMP_NET;
	h->unreachable_net |= reaction == REACTION_ICMP_NET;
	if (sample && r->rtt_us != UINT32_MAX)
		rtt_sample(&h->rtt, r->rtt_us);
	return h;
}

/* After our kernel's RST some stacks reset the half-open entry once more: no answer to the SYN. */
static bool follows(const struct reply *rst, const struct reply *syn_ack)
{
	return reaction_is_rst((enum reaction)rst->reaction) &&
	       syn_ack->reaction == REACTION_SYN_ACK && syn_ack->fit == FIT_EXACT &&
	       syn_ack->kind == rst->kind && syn_ack->try == rst->try &&
	       rst->seq == syn_ack->seq + 1;
}

static bool follows_syn_ack(const struct sweep *s, const struct port_acc *acc,
			    const struct reply *r)
{
	for (const struct reply *old = acc ? slab_reply(&s->slab, acc->replies) : NULL; old;
	     old = slab_reply(&s->slab, old->next))
		if (follows(r, old))
			return true;
	return false;
}

/* The same where the way turned the two round: what was kept as an answer is none after all. */
static void disown_reset(struct sweep *s, const struct port_acc *acc, const struct reply *syn_ack)
{
	for (uint32_t ref = acc->replies; ref; ref = s->slab.replies[ref - 1].next) {
		struct reply *old = &s->slab.replies[ref - 1];

		if (old->fit == FIT_NONE || !follows(old, syn_ack))
			continue;
		old->fit = FIT_NONE;
		s->sum.duplicates++;
	}
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

/* How many tries before it the slot had had, whatever number the source port has. */
static unsigned try_that_drew(const struct sweep *s, const struct host *h, const struct point *at,
			      uint64_t slot, const struct reply *r)
{
	/* where the try can't be told, the last one is the likeliest: a pass waits out the RTO */
	unsigned k = r->try;

	if (k >= TRIES_MAX)
		k = try_kept(s->pass);

	if (h && h->since && !sweep_in_handful(s, at, slot))
		k -= k < h->since ? k : h->since;
	return k;
}

/* A slot has its answer: what that says of loss, rate and limits. */
static void count_answer(struct sweep *s, const struct host *h, const struct point *at,
			 uint64_t slot, const struct reply *r, uint64_t now)
{
	enum reaction reaction = (enum reaction)r->reaction;
	unsigned k = try_that_drew(s, h, at, slot, r);
	bool sampled = r->rtt_us != UINT32_MAX, rst = reaction_is_rst(reaction);
	uint64_t rtt_ns = sampled ? (uint64_t)r->rtt_us * 1000 : 0;

	s->sum.answered++;
	s->drew[k] += !reaction_is_icmp(reaction);
	s->drew_syn_ack[k] += reaction == REACTION_SYN_ACK;
	gates_answered(s->gates, at, rst, rtt_ns, now);
	if (!rst || !gates_limit(s->gates, at).limited) {
		if (k == 0 && sampled)
			pace_answered(&s->pace, now - rtt_ns - 1); /* left in that microsecond */
		s->seen.answered += k == 0;
		if (k > 0)
			s->seen.retried_answered++;
		if (!reaction_is_icmp(reaction))
			canary_learn(&s->canary, slot);
	}
	s->last_answer_ns = now;
}

static void settle_slot(struct sweep *s, const struct host *h, const struct point *at,
			uint64_t place, const struct reply *r, uint64_t now)
{
	uint64_t slot = (place - s->first) * s->c->n_kinds + r->kind;

	if (bit_get(s->done, slot) || !is_decisive(s, r))
		return;
	bit_set(s->done, slot);
	s->undone--;
	count_answer(s, h, at, slot, r, now);
}

/*
 * Without our numbers it is of another connection, or forged. One of a form is kept, of so many
 * ports at most, so that the port isn't called silent; it teaches nothing of host, path or time.
 * False where it is foreign and nothing else.
 */
static bool take_unproved(struct sweep *s, const struct point *at, uint64_t place,
			  const struct reply *r, uint64_t now)
{
	uint32_t number = (uint32_t)(place - s->first);

	if (reaction_is_icmp((enum reaction)r->reaction)) /* RFC 792 has the SEQ quoted */
		return false;
	if (s->slab.n_accs >= UNPROVED_MAX && !slab_find(&s->slab, number))
		return false;
	if (slab_add(&s->slab, number, r) <= 0)
		return false;
	settle_slot(s, NULL, at, place, r, now);
	return true;
}

/* The host that it teaches something of; NULL for a repetition. */
static struct host *take_reply(struct sweep *s, uint64_t index, const struct point *at,
			       uint64_t place, const struct reply *r, uint64_t now)
{
	struct host *h;
	int added;

	s->sum.late += r->try < try_kept(s->pass);
	added = slab_add(&s->slab, (uint32_t)(place - s->first), r);
	if (added == 0)
		s->sum.duplicates++;
	s->no_room |= added < 0;
	s->spoilt |= added < 0;
	if (added <= 0)
		return NULL;
	disown_reset(s, slab_find(&s->slab, (uint32_t)(place - s->first)), r);
	h = learn_host(s, at->host, r, true);
	s->fates[at->span->path].heard = true;
	settle_slot(s, h, at, place, r, now);
	if (r->reaction == REACTION_SYN_ACK) {
		s->open_seen++;
		sweep_found(s, index, r);
	}
	return h;
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
		return s->pass > 0 || !bit_get(s->pending, slot);
	return s->pass >= TRIES_MAX || g->try < s->pass ||
	       (g->try == s->pass && !bit_get(s->pending, slot));
}

static bool to_our_source(const struct sweep *s, const struct point *at, const struct addr *our)
{
	uint16_t path = at->span->path;

	return path != PATH_NONE && addr_same(&s->w->paths[path].src, our);
}

/* Is it what a canary has drawn? Then it says only that answers still come. */
static bool take_canary(struct sweep *s, const struct packet *p, const struct ends *e,
			uint64_t place)
{
	for (unsigned k = 0; k < s->c->n_kinds; k++) {
		enum reaction reaction;
		struct sent sent;

		sweep_sent(s->c, &e->far, e->far_port, e->our_port, k, &sent);
		if (match_reply(&sent, p, &reaction) != FIT_EXACT)
			continue;
		if (place >= s->first && place < s->first + s->size)
			canary_answered(&s->canary, (place - s->first) * s->c->n_kinds + k);
		return true;
	}
	return false;
}

static void keep_evidence(const struct sweep *s, const struct packet *p, const struct wire_in *in)
{
	if (s->c->evidence)
		s->c->evidence(s->c->evidence_ctx, in->at_ns, in->frame + p->l3_offset,
			       in->captured - p->l3_offset, in->len - p->l3_offset);
}

/* --- a packet ---------------------------------------------------------------------------------
 */

/* A reply of an earlier window, whose evidence is forgotten. */
static bool take_late(struct sweep *s, uint64_t index, const struct point *at,
		      const struct reply *r)
{
	s->sum.late++;
	learn_host(s, at->host, r, false);
	if (corrects(s, r))
		sweep_correct(s, index, r);
	return true;
}

/* An answer to a probe of this window, which carries our numbers. */
static void take_proved(struct sweep *s, const struct packet *p, const struct point *at,
			uint64_t index, uint64_t place, struct reply *r, unsigned pass,
			uint64_t now)
{
	uint64_t slot = (place - s->first) * s->c->n_kinds + r->kind;
	struct host *heard;

	if (sweep_take_own_word(s, p, at, slot, r, now))
		return;
	r->rtt_us = rtt_of(s, slot, pass, now);
	heard = take_reply(s, index, at, place, r, now);
	if (heard && !r->from && p->kind == PACKET_TCP)
		learn_shape(heard, p);
}

/* A packet whose ends are a target's and ours: false where no probe can have drawn it. */
static bool take_answer(struct sweep *s, const struct packet *p, const struct ends *e,
			struct slot_guess *g, const struct point *at, uint64_t index,
			const struct wire_in *in)
{
	uint64_t place = permute_inverse(&s->perm, index);
	enum reaction reaction;
	struct reply r;
	enum fit fit;
	unsigned pass;

	if (g->kind == CANARY_KIND)
		return take_canary(s, p, e, place);
	fit = fit_of(s, p, e, g, &reaction);
	if (fit == FIT_NONE)
		return false;
	g->try = try_of(s, g->try, p);
	pass = pass_of(s, g->try);
	probing_reply(&r, p, g->kind, try_kept(pass), reaction, fit);
	r.rtt_us = UINT32_MAX;
	if (fit == FIT_EXACT)
		r.from = responder_ref(s, &e->far, &p->seg.src);
	if (place < s->first && place >= s->c->first_place)
		return fit == FIT_EXACT && take_late(s, index, at, &r);
	if (place < s->first || place >= s->first + s->size || !was_asked(s, place, g))
		return false;
	if (follows_syn_ack(s, slab_find(&s->slab, (uint32_t)(place - s->first)), &r))
		s->sum.duplicates++;
	else if (fit != FIT_EXACT)
		return take_unproved(s, at, place, &r, in->at_ns);
	else
		take_proved(s, p, at, index, place, &r, pass, in->at_ns);
	return true;
}

static bool take_packet(struct sweep *s, const struct packet *p, const struct wire_in *in)
{
	struct slot_guess g;
	struct point at;
	uint64_t index;
	struct ends e;

	if (!ends_of(p, &e) || !guess_of(s, e.our_port, &g) || is_own_probe(s, p))
		return false;
	if (!space_locate(s->c->space, &e.far, e.far_port, &index, &at) ||
	    !to_our_source(s, &at, &e.our))
		return false;
	if (!take_answer(s, p, &e, &g, &at, index, in))
		return false;
	keep_evidence(s, p, in);
	return true;
}

void sweep_on_frame(void *ctx, const struct wire_in *in)
{
	struct sweep *s = ctx;
	struct packet p;

	s->frame_ns = in->at_ns;
	if (!s->oldest_ns)
		s->oldest_ns = in->at_ns;
	/* What is no TCP and no ICMP error is not counted: the kernel filter lets little of it by.
	 */
	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &p) != DECODE_OK)
		return;
	if (match_is_broken(&p) || !take_packet(s, &p, in))
		s->sum.foreign++;
}
