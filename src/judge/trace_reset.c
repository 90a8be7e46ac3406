/*
 * trace_reset: a RST was the first answer: was it a box on the way, and between which hops, or the
 * target? What is seen of it is a set of facts; what they mean together is the table `rows`. What
 * the RST says of itself, its TTL and its time, only narrows what the walk shows.
 */
#include "judge/origin.h"
#include "judge/trace_private.h"

/* What is seen; bits. */
enum seen {
	SEEN_WENT_ON = 1 << 0,	      /* its TTL, or a larger one, drew time exceeded as well */
	SEEN_ANSWERED_TOO = 1 << 1,   /* ... or the target's own answer */
	SEEN_PAST = 1 << 2,	      /* what else was asked gets beyond this TTL */
	SEEN_HERE = 1 << 3,	      /* what else was asked is answered from this TTL on */
	SEEN_SAME_LISTENER = 1 << 9,  /* ... by a SYN-ACK that came as far as it did */
	SEEN_MIRRORED = 1 << 4,	      /* its TTL goes with ours: a sign, and no distance */
	SEEN_NEARER_TTL = 1 << 5,     /* it came as far as the messages of a hop before do */
	SEEN_OTHER_DISTANCE = 1 << 6, /* and the target's own answers from farther away */
	SEEN_EVEN_PATH = 1 << 7,      /* all hops heard come back the way they were reached */
	SEEN_SIGNS = 1 << 8,	      /* it bears the signs of a forgery (judge/origin) */
};

/* The first row that fits decides. */
static const struct {
	unsigned need, lack;
	enum trace_end end;
} rows[] = {
    {SEEN_WENT_ON, 0, TRACE_RESET_BY_HOP},
    {SEEN_ANSWERED_TOO, 0, TRACE_RESET_BY_HOP},
    {SEEN_PAST, 0, TRACE_RESET_BY_HOP},
    {SEEN_NEARER_TTL | SEEN_OTHER_DISTANCE, 0, TRACE_RESET_BY_HOP},
    {SEEN_NEARER_TTL | SEEN_EVEN_PATH, SEEN_SAME_LISTENER, TRACE_RESET_BY_HOP},
    {SEEN_SIGNS, 0, TRACE_RESET_BY_HOP},
    {0, 0, TRACE_RESET_BY_TARGET},
};

struct read {
	struct look *l;
	unsigned seen; /* enum seen */
	uint32_t signs;
	const struct exchange *theirs; /* an answer of the target's own; NULL */
	uint8_t theirs_ttl;	       /* drawn by it */
	uint8_t back;		       /* routers that the RST passed, by its TTL */
	int at;			       /* ... that the messages of hop k pass; -1: not known */
	uint8_t hop;   /* the only one in the interval whose messages pass as many; 0: none */
	uint8_t box;   /* mirrored: the hop, by that */
	bool measured; /* ... and by its own messages */
};

/* --- the walk ----------------------------------------------------------------------------- */

/* Of one segment, by two: a RST, and what a RST's sender does not send. */
static const struct exchange *own_answer(const struct look *l, const struct trace_hop *h)
{
	const struct exchange *both[] = {h->replied ? &h->reply : NULL,
					 h->replied_otherwise ? &h->other : NULL};

	for (size_t i = 0; i < 2; i++) {
		const struct exchange *x = both[i];

		if (!x || x == l->x)
			continue;
		if (reaction_is_icmp((enum reaction)x->reaction)
			? addr_same(&x->from, &l->f->addr)
			: !reaction_is_rst((enum reaction)x->reaction))
			return x;
	}
	/* two RSTs to one segment, from two distances */
	if (h->replied_otherwise && h->resets > h->tries && exchange_is_rst(&h->reply) &&
	    exchange_is_rst(&h->other) && h->reply.ttl != h->other.ttl)
		return &h->other;
	return NULL;
}

static uint8_t went_on_at(const struct look *l)
{
	for (unsigned ttl = l->k; ttl <= l->w->last; ttl++) {
		const struct trace_hop *h = trace_hop_at(l->w, ttl);

		if (h && h->expired)
			return (uint8_t)ttl;
	}
	return 0;
}

static const struct exchange *answered_too(const struct look *l, uint8_t *at)
{
	for (unsigned ttl = l->k; ttl <= l->w->last; ttl++) {
		const struct trace_hop *h = trace_hop_at(l->w, ttl);
		const struct exchange *x = h ? own_answer(l, h) : NULL;

		*at = (uint8_t)ttl;
		if (x)
			return x;
	}
	return NULL;
}

bool trace_reset_is_plain(const struct look *l)
{
	uint8_t at;

	return went_on_at(l) || answered_too(l, &at);
}

/* A router that rejects others there says nothing of who resets this, only that they got there. */
static bool is_router(const struct look *l, const struct exchange *x)
{
	return reaction_is_icmp((enum reaction)x->reaction) && !addr_same(&x->from, &l->f->addr);
}

static uint8_t expires_past(const struct look *l, const struct trace_walk *r)
{
	for (unsigned ttl = l->k; ttl <= r->last; ttl++) {
		const struct trace_hop *h = trace_hop_at(r, ttl);

		if (h && h->expired)
			return (uint8_t)ttl;
	}
	return 0;
}

bool trace_goes_past(const struct look *l, const struct trace_walk *r)
{
	return expires_past(l, r) || (trace_reply_ttl(r) > l->k && trace_was_silent(r, l->k));
}

static void put_differ(const struct look *l, const struct trace_walk *r, uint8_t k)
{
	trace_clue(l->out, CLUE_TRACE_DIFFER, l->k | trace_asked(l->w) << 16,
		   k | trace_asked(r) << 16);
}

/* What a listener accepts is the target's for sure. Of RSTs, what comes from farthest away: a box
 * is nearer. */
static void read_theirs(struct read *v, const struct exchange *x, uint8_t k)
{
	unsigned mine = exchange_hops(v->l->x->ttl), others = exchange_hops(x->ttl);
	bool rst = exchange_is_rst(x);

	if (others > mine)
		v->seen |= SEEN_OTHER_DISTANCE;
	if (others == mine && x->reaction == REACTION_SYN_ACK)
		v->seen |= SEEN_SAME_LISTENER;
	if (v->theirs && rst &&
	    (!exchange_is_rst(v->theirs) || others <= exchange_hops(v->theirs->ttl)))
		return;
	v->theirs = x;
	v->theirs_ttl = k;
}

/* A walk that began at TTL k says no more of where it is answered than the TTL of that. */
static uint8_t answered_before(const struct look *l, const struct trace_walk *r, uint8_t k)
{
	uint8_t back = exchange_hops(r->hops[k].reply.ttl);

	if (k < l->k)
		return k;
	if (k == r->first && k > 1 && back < exchange_hops(l->x->ttl))
		return (uint8_t)(back + 1);
	return 0;
}

static void read_answer(struct read *v, const struct trace_walk *r, uint8_t k, bool past)
{
	struct look *l = v->l;
	const struct exchange *x = &r->hops[k].reply;
	uint8_t before = answered_before(l, r, k), at = before ? before : k;

	if (!past && at == l->k && !is_router(l, x))
		v->seen |= SEEN_HERE;
	if (k >= l->k && !is_router(l, x))
		read_theirs(v, x, k);
	if (at != l->k && r->role != WALK_CANARY)
		put_differ(l, r, at);
	else
		trace_clue(l->out,
			   before      ? CLUE_TRACE_OTHERS_NEARER
			   : at > l->k ? CLUE_TRACE_OTHERS_FARTHER
				       : CLUE_TRACE_OTHERS_HERE,
			   at, trace_asked(r));
}

static void read_reference(struct read *v, const struct trace_walk *r)
{
	struct look *l = v->l;
	uint8_t k = trace_reply_ttl(r);
	bool past = trace_goes_past(l, r);

	if (past)
		v->seen |= SEEN_PAST;
	if (k)
		read_answer(v, r, k, past);
	else if (past)
		trace_clue(l->out, CLUE_TRACE_OTHERS_EXPIRE, expires_past(l, r), trace_asked(r));
	else if (r->over)
		trace_clue(l->out, CLUE_TRACE_TARGET_SILENT, 0, trace_asked(r));
}

static void read_walk(struct read *v)
{
	struct look *l = v->l;
	uint8_t at = went_on_at(l);
	const struct exchange *x;
	const struct trace_walk *r;

	if (at) {
		v->seen |= SEEN_WENT_ON;
		trace_clue(l->out, CLUE_TRACE_WENT_ON, l->k, at);
	}
	x = answered_too(l, &at);
	if (x) {
		v->seen |= SEEN_ANSWERED_TOO;
		v->signs |= SIGN_GOES_ON;
		trace_clue(l->out, CLUE_TRACE_ANSWERED_TOO, at, x->reaction);
		read_theirs(v, x, at);
	}
	for (size_t i = 0; (r = trace_reference(l->f, l->w, i)) != NULL; i++)
		read_reference(v, r);
}

/* --- the RST's own TTL -------------------------------------------------------------------- */

static int hops_back(const struct look *l, unsigned ttl)
{
	const struct exchange *x = trace_expiry_at(l, ttl);

	return x ? exchange_hops(x->ttl) : -1;
}

/* A router's own messages pass the routers before it: as many as on the way there, where the way
 * back is the same. */
static bool is_even(const struct look *l)
{
	unsigned heard = 0;

	for (unsigned ttl = 1; ttl < l->k; ttl++) {
		int back = hops_back(l, ttl);

		if (back >= 0 && back != (int)ttl - 1)
			return false;
		heard += back >= 0;
	}
	return heard > 0 || l->k == 1;
}

/* The hop in the interval that is as many routers away as the RST came; 0: none, or several. */
static uint8_t hop_as_far(const struct look *l, int away, bool even)
{
	uint8_t hop = 0;

	for (unsigned n = l->low ? l->low : 1; n <= l->k; n++) {
		int back = hops_back(l, n);

		if (back < 0 && even)
			back = (int)n - 1;
		if (back != away)
			continue;
		if (hop)
			return 0;
		hop = (uint8_t)n;
	}
	return hop;
}

static const struct exchange *rst_of(const struct trace_hop *h)
{
	if (h->replied && exchange_is_rst(&h->reply))
		return &h->reply;
	return h->replied_otherwise && exchange_is_rst(&h->other) ? &h->other : NULL;
}

/*
 * A box at hop n gets our TTL t less n - 1, sends what it got, and that loses what the way back
 * costs: what is lacking is the same for all t. So its RSTs come only from a TTL about twice as
 * large on, and the interval of the walk is no measure.
 */
static uint8_t mirroring_hop(const struct look *l, bool *measured)
{
	unsigned n = 0, lacks = 0;

	*measured = false;
	for (unsigned ttl = l->k; ttl <= l->w->last; ttl++) {
		const struct trace_hop *h = trace_hop_at(l->w, ttl);
		const struct exchange *x = h ? rst_of(h) : NULL;

		if (!x)
			continue;
		if (x->ttl > ttl || (n && lacks != ttl - x->ttl))
			return 0;
		lacks = ttl - x->ttl;
		n++;
	}
	if (n < 2)
		return 0;
	for (unsigned hop = 1; hop <= l->k; hop++) {
		int back = hops_back(l, hop);

		*measured = back >= 0 &&
			    (hop - 1 + (unsigned)back == lacks || hop + (unsigned)back == lacks);
		if (*measured)
			return (uint8_t)hop;
	}
	return (uint8_t)(lacks / 2 + 1 < l->k ? lacks / 2 + 1 : l->k);
}

static void read_ttl(struct read *v)
{
	struct look *l = v->l;
	bool even = is_even(l);

	v->back = exchange_hops(l->x->ttl);
	v->at = hops_back(l, l->k);
	if (even && v->at < 0)
		v->at = l->k - 1;
	v->hop = hop_as_far(l, v->back, even);
	v->box = mirroring_hop(l, &v->measured);
	if (v->box) {
		v->seen |= SEEN_MIRRORED;
		v->signs |= SIGN_TTL_MIRRORED;
		trace_clue(l->out, CLUE_TRACE_TTL_MIRRORED, v->box, 0);
		return;
	}
	if (even)
		v->seen |= SEEN_EVEN_PATH;
	if (v->hop && v->hop < l->k)
		v->seen |= SEEN_NEARER_TTL;
}

/* --- its signs ---------------------------------------------------------------------------- */

/* Its round trip is far below that of the target's own answer. */
static bool is_too_fast(const struct exchange *rst, const struct exchange *theirs)
{
	enum { SLACK_US = 1000 };

	return rst->rtt_us != UINT32_MAX && theirs->rtt_us != UINT32_MAX &&
	       (uint64_t)rst->rtt_us * 5 < (uint64_t)theirs->rtt_us * 2 &&
	       theirs->rtt_us - rst->rtt_us > SLACK_US;
}

static void read_pair(struct read *v)
{
	const struct exchange *x = v->l->x, *theirs = v->theirs;
	struct trace_verdict *out = v->l->out;
	uint32_t signs = origin_signs_of_pair(x, theirs);
	unsigned hops = exchange_hops(theirs->ttl);

	/* what comes from nearer than this RST is rather a box's */
	if (exchange_is_rst(theirs) && hops < v->back)
		signs &= ~(uint32_t)(SIGN_DISTANCE | SIGN_FAR_DISTANCE);
	v->signs |= signs;
	if (signs & SIGN_DISTANCE && !(v->seen & SEEN_MIRRORED))
		trace_clue(out, CLUE_TRACE_OTHER_DISTANCE, v->back, hops);
	if (is_too_fast(x, theirs)) {
		v->signs |= SIGN_TOO_FAST;
		trace_clue(out, CLUE_TRACE_TOO_FAST, x->rtt_us, theirs->rtt_us);
	}
}

static void read_repeats(struct read *v)
{
	const struct trace_walk *w = v->l->w;
	unsigned most = 0, tries = 0;

	for (unsigned ttl = v->l->k; ttl <= w->last; ttl++) {
		const struct trace_hop *h = trace_hop_at(w, ttl);

		if (!h || h->resets <= h->tries || h->resets <= most)
			continue;
		most = h->resets;
		tries = h->tries;
		if (h->replied_otherwise && exchange_is_rst(&h->reply) &&
		    exchange_is_rst(&h->other) && h->reply.seq != h->other.seq)
			v->signs |= SIGN_SEQ_STEPS;
	}
	if (most)
		trace_clue(v->l->out, CLUE_TRACE_MANY_RSTS, most, tries);
}

static void read_signs(struct read *v)
{
	uint32_t echo = origin_signs_of_echo(v->l->x);
	uint32_t copied = origin_copied(echo);
	const struct origin_row *row;

	v->signs |= echo;
	if (copied)
		trace_clue(v->l->out, CLUE_TRACE_COPIED, copied, 0);
	if (v->theirs)
		read_pair(v);
	read_repeats(v);
	row = origin_judge(v->signs);
	if (row->origin == ORIGIN_MIDDLEBOX && row->sure >= SURE_LIKELY)
		v->seen |= SEEN_SIGNS;
}

/* --- where -------------------------------------------------------------------------------- */

/* What the target's own answers come with, a box that is nearer has copied. */
static bool is_copied_ttl(const struct read *v)
{
	return v->theirs && v->theirs->ttl == v->l->x->ttl &&
	       (v->theirs_ttl > v->l->k || v->seen & SEEN_ANSWERED_TOO);
}

/* Hop k may be the target itself: then it is not the box. */
static bool is_router_at(const struct read *v)
{
	return v->seen & (SEEN_PAST | SEEN_WENT_ON) || (v->theirs && v->theirs_ttl > v->l->k);
}

/* The hop that the RST's TTL names; 0: none, or both. */
static uint8_t hop_by_ttl(const struct read *v)
{
	const struct look *l = v->l;

	if (is_copied_ttl(v)) {
		trace_clue(l->out, CLUE_TRACE_TTL_COPIED, l->x->ttl, 0);
		return 0;
	}
	if (v->hop)
		return v->hop < l->k || is_router_at(v) ? v->hop : 0;
	if (v->at >= 0 && v->at != v->back)
		trace_clue(l->out, CLUE_TRACE_TTL_ELSEWHERE, v->back, (uint32_t)v->at);
	return 0;
}

/* The least that anything from hop `ttl` or beyond took: what one router idles away, others
 * don't. */
static uint32_t least_rtt_from(const struct look *l, unsigned ttl)
{
	uint32_t least = UINT32_MAX;

	for (; ttl <= TRACE_TTL_MAX; ttl++) {
		const struct exchange *x = trace_expiry_at(l, ttl);

		if (x && x->rtt_us < least)
			least = x->rtt_us;
	}
	return least;
}

/* Only where the two are far apart, and the RST is clearly on one side. */
static uint8_t hop_by_rtt(const struct look *l)
{
	enum { APART_US = 4000 };
	const struct exchange *near = l->k > 1 ? trace_expiry_at(l, l->k - 1U) : NULL;
	uint32_t far = least_rtt_from(l, l->k), rtt = l->x->rtt_us, gap;
	uint8_t hop = 0;

	if (!near || near->rtt_us == UINT32_MAX || far == UINT32_MAX || rtt == UINT32_MAX ||
	    far < near->rtt_us || far - near->rtt_us < APART_US)
		return 0;
	gap = far - near->rtt_us;
	if (rtt < near->rtt_us + gap / 4)
		hop = (uint8_t)(l->k - 1);
	else if (rtt > far - gap / 4 && rtt < far + gap / 4)
		hop = l->k; /* what is heard from beyond says that a router is there */
	if (hop)
		trace_clue(l->out, CLUE_TRACE_RTT_OF_HOP, hop, rtt);
	return hop;
}

static void place_box(struct read *v)
{
	struct look *l = v->l;
	uint8_t hop;

	if (v->box) {
		trace_set_between(l->out, (uint8_t)(v->box - !v->measured), v->box);
		return;
	}
	trace_set_between(l->out, l->low, l->k);
	hop = hop_by_ttl(v);
	if (hop)
		trace_clue(l->out, CLUE_TRACE_TTL_OF_HOP, hop, 0);
	else if (l->low + 1 == l->k)
		hop = hop_by_rtt(l);
	if (hop)
		trace_set_between(l->out, hop, hop);
}

static void name_box(struct look *l)
{
	const struct trace_verdict *v = l->out;
	const struct exchange *x;

	x = v->between[0] == v->between[1] ? trace_expiry_at(l, v->between[0]) : NULL;
	if (x)
		trace_set_by(l->out, &x->from);
}

void trace_judge_reset(struct look *l)
{
	struct read v = {.l = l};
	size_t row = 0;

	read_ttl(&v);
	read_walk(&v);
	read_signs(&v);
	while ((v.seen & rows[row].need) != rows[row].need || v.seen & rows[row].lack)
		row++;
	l->out->end = rows[row].end;
	if (l->out->end == TRACE_RESET_BY_HOP) {
		v.signs |= SIGN_WALK_NEARER;
		place_box(&v);
		name_box(l);
	} else {
		v.signs |= v.seen & SEEN_HERE ? SIGN_WALK_TARGET : 0;
		trace_set_between(l->out, l->k, l->k);
		trace_set_by(l->out, &l->f->addr);
		trace_clue(l->out, CLUE_TRACE_SAME_LOOK, 0, 0);
	}
	l->out->origin = origin_judge(v.signs)->origin;
	/* a box at this distance that copies well would get the same verdict */
	if (l->out->origin == ORIGIN_ENDPOINT)
		l->out->origin = ORIGIN_UNKNOWN;
}
