/*
 * siblings: a RST against the other replies of its host. SYN-ACKs speak for the host; where there
 * are none, what most of its RSTs have in common does, but only against what is nearer: whether
 * those are the host's own, nobody can tell.
 */
#include "judge/siblings.h"

#include "judge/exchange.h"
#include "judge/origin.h"

enum {
	RTT_KNOWN_US = 2000, /* below it nothing can come too fast */
	RARE = 16,	     /* one in so many replies: no path of several that share the load */
	FAR_HOPS = 2
};

void siblings_add(struct siblings *s, const struct reply *r)
{
	uint8_t hops = exchange_hops(r->ttl);

	if (r->from || r->fit != FIT_EXACT)
		return;
	if (reaction_is_rst((enum reaction)r->reaction)) {
		s->rsts[hops]++;
		s->n_rsts++;
		return;
	}
	if (r->reaction != REACTION_SYN_ACK)
		return;
	s->syn_acks[hops]++;
	s->n_syn_acks++;
	if (r->rtt_us != UINT32_MAX && (!s->least_rtt_us || r->rtt_us < s->least_rtt_us))
		s->least_rtt_us = r->rtt_us;
}

/* From where the host speaks: of its SYN-ACKs the nearest and the farthest, or what most of its
 * RSTs have, the farther of two that as many have. */
struct reference {
	uint8_t near, far;
};

static struct reference of_syn_acks(const struct siblings *s)
{
	struct reference r = {0, SIBLING_HOPS - 1};

	while (!s->syn_acks[r.near])
		r.near++;
	while (!s->syn_acks[r.far])
		r.far--;
	return r;
}

static struct reference of_rsts(const struct siblings *s)
{
	struct reference r = {0, 0};

	for (uint8_t i = 0; i < SIBLING_HOPS; i++)
		if (s->rsts[i] >= s->rsts[r.near])
			r.near = r.far = i;
	return r;
}

static struct reference reference_of(const struct siblings *s)
{
	return s->n_syn_acks ? of_syn_acks(s) : of_rsts(s);
}

/*
 * One hop: several paths of one host, among which its segments are shared out, differ by as much.
 * They don't where the host speaks from one distance alone, and so few RSTs come from the other
 * that no path is that rare, or so many that the SYN-ACKs would not all have missed it.
 */
static bool is_steady(const struct siblings *s, const struct reference *ref, uint8_t hops)
{
	uint32_t here = s->rsts[hops] ? s->rsts[hops] : 1,
		 there = s->syn_acks[ref->near] + s->rsts[ref->near];
	double missed = 1;

	if (ref->near != ref->far)
		return false;
	if ((uint64_t)here * RARE <= there)
		return true;
	for (uint32_t i = 0; i < s->n_syn_acks && missed * RARE > 1; i++)
		missed *= (double)there / (there + here);
	return missed * RARE <= 1;
}

/* What comes from farther away than the host speaks shows that somebody speaks for it, and not who:
 * nothing is compared. */
static uint32_t signs_of(const struct siblings *s, const struct reference *ref,
			 const struct reply *rst)
{
	uint8_t hops = exchange_hops(rst->ttl);
	uint32_t signs = 0;

	if (hops < ref->near)
		signs |= origin_signs_of_hops(hops, ref->near);
	else if (hops <= ref->far && s->n_syn_acks)
		signs |= SIGN_COMPARED;
	if (signs & SIGN_DISTANCE && is_steady(s, ref, hops))
		signs |= SIGN_STEADY;
	if (s->least_rtt_us > RTT_KNOWN_US && rst->rtt_us != UINT32_MAX &&
	    rst->rtt_us < s->least_rtt_us * 2ULL / 5)
		signs |= SIGN_TOO_FAST;
	return signs;
}

static void clue(struct verdict *v, enum clue_id id, uint32_t a, uint32_t b)
{
	if (v->n_clues < VERDICT_CLUES_MAX)
		v->clues[v->n_clues++] = (struct clue){.id = id, .a = a, .b = b};
}

static void tell(const struct siblings *s, const struct reference *ref, const struct reply *rst,
		 uint32_t signs, struct verdict *v)
{
	uint8_t hops = exchange_hops(rst->ttl);

	if (signs & SIGN_DISTANCE)
		clue(v, s->n_syn_acks ? CLUE_RST_NEARER : CLUE_RST_NEARER_THAN_RSTS, hops,
		     ref->near);
	else if (s->n_syn_acks && hops >= ref->far + FAR_HOPS)
		clue(v, CLUE_RST_FARTHER, hops, ref->far);
	if (signs & SIGN_TOO_FAST)
		clue(v, CLUE_RST_TOO_FAST, rst->rtt_us, s->least_rtt_us);
	if (signs & SIGN_IP_ID_ECHO)
		clue(v, CLUE_RST_COPIES, origin_copied(signs), 0);
}

void siblings_judge(const struct siblings *s, const struct reply *rst, uint32_t signs,
		    struct verdict *v)
{
	struct reference ref = reference_of(s);

	if (!(signs & SIGN_LOCAL)) /* nothing is between us and ourselves */
		signs |= signs_of(s, &ref, rst);
	v->origin = origin_judge(signs)->origin;
	if (v->origin == ORIGIN_MIDDLEBOX && !origin_is_box(signs))
		v->origin = ORIGIN_UNKNOWN;
	if (v->origin == ORIGIN_MIDDLEBOX && v->state == STATE_CLOSED)
		v->reason = "rst-from-path";
	if (!(signs & SIGN_LOCAL))
		tell(s, &ref, rst, signs, v);
}

bool siblings_disown(const struct siblings *s, const struct reply *rst, uint32_t signs)
{
	struct reference ref = reference_of(s);

	return origin_is_box(signs | signs_of(s, &ref, rst));
}
