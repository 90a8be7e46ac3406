/*
 * repeat: an actor of turns. Each pair has a ring of its last tries; one waits in it for its answer
 * and, after its time, for one that comes late. The numbers of each segment are random, so that
 * what answers it names its try, also where source ports come round again; a connection that an
 * earlier try has left half open over there is reset by our kernel, which holds the ports.
 */
#include "engine/repeat.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "judge/tries.h"

enum {
	REMEMBERED = 256,	/* tries that may still be answered late */
	AGAIN_NS = 2000000,	/* after which what could not leave is sent again */
	SPACING_NS = 10000000,	/* between the pairs of a round, at most */
	GIVE_UP_NS = 1000000000 /* for want of room or of a neighbour: the try is over */
};

struct asked {
	struct sent sent;
	uint16_t sport;
	uint64_t at_ns; /* 0: did not leave */
};

struct heard {
	struct reply reply;
	struct addr from;
};

struct attempt {
	uint64_t n; /* from 0 */
	uint64_t due_ns, over_ns;
	unsigned n_left;       /* kinds that have left, in their order */
	uint32_t done;	       /* bit a kind: has a decisive answer */
	bool settled, late;    /* told; answered after that */
	bool gone;	       /* nobody has that address, our own side says */
	struct asked *asked;   /* n_kinds */
	struct heard *replies; /* 2 * n_kinds */
	size_t n_replies;
};

struct pair {
	const struct repeat_pair *who;
	struct attempt *ring;
	uint64_t next, oldest; /* tries: the next to send; all before `oldest` are settled */
	uint64_t due_ns;
	bool dead; /* its path is */
	bool up;   /* something came from itself */
	struct tries sum;
};

struct repeater {
	const struct repeat_config *c;
	const struct record_sink *sink;
	struct summary_record *out;
	struct pair *pairs;
	struct attempt *attempts;
	struct asked *asked;
	struct heard *heard;
	size_t ring;	   /* attempts of a pair */
	uint64_t heard_ns; /* all that came until then has been taken */
	uint64_t told;
	uint32_t ts_base;
	bool begun;
};

/* --- a try's end ------------------------------------------------------------------------------ */

static struct attempt *attempt_at(const struct repeater *r, const struct pair *p, uint64_t n)
{
	return &p->ring[n % r->ring];
}

static void observe(const struct repeater *r, const struct pair *p, const struct attempt *a,
		    uint8_t *tries, struct observation *o)
{
	*o = (struct observation){
	    .kinds = r->c->kinds,
	    .n_kinds = r->c->n_kinds,
	    .tries = tries,
	    .family = p->who->addr.family,
	    .min_tries = 1,
	};
	for (size_t k = 0; k < r->c->n_kinds; k++)
		tries[k] = a->asked[k].at_ns != 0;
	for (size_t i = 0; i < a->n_replies; i++)
		o->replies[o->n_replies++] = &a->replies[i].reply;
}

static const struct addr *sender_of(const struct attempt *a, const struct reply *r)
{
	for (size_t i = 0; r && i < a->n_replies; i++)
		if (&a->replies[i].reply == r)
			return &a->replies[i].from;
	return NULL;
}

static bool is_answered(const struct attempt *a)
{
	for (size_t i = 0; i < a->n_replies; i++)
		if (a->replies[i].reply.fit == FIT_EXACT)
			return true;
	return false;
}

static uint32_t proved_rtt(const struct verdict *v)
{
	return v->decider && v->decider->fit == FIT_EXACT ? v->decider->rtt_us : UINT32_MAX;
}

static void tell_try(struct repeater *r, const struct pair *p, const struct attempt *a,
		     const struct observation *o, const struct verdict *v)
{
	uint32_t seqs[PROBE_KINDS_MAX];
	struct port_record port = {
	    .addr = &p->who->addr,
	    .name = p->who->name,
	    .port = p->who->port,
	    .verdict = v,
	    .seen = o,
	    .from = sender_of(a, v->decider),
	    .tries = 1,
	};
	struct try_record t = {
	    .addr = port.addr,
	    .name = port.name,
	    .port = port.port,
	    .n = a->n + 1,
	    .result = &port,
	    .rtt_us = v->decider ? v->decider->rtt_us : UINT32_MAX,
	    .seqs = seqs,
	};

	for (size_t k = 0; k < r->c->n_kinds; k++)
		seqs[k] = a->asked[k].sent.seq;
	if (r->c->wall_ns)
		t.wall_ns = r->c->wall_ns(a->asked[0].at_ns ? a->asked[0].at_ns : a->due_ns);
	if (r->sink->try)
		r->sink->try(r->sink->ctx, &t);
}

static void settle(struct repeater *r, struct pair *p, struct attempt *a)
{
	uint8_t tries[PROBE_KINDS_MAX];
	struct observation o;
	struct verdict v;

	observe(r, p, a, tries, &o);
	verdict_judge(&o, &v);
	if (a->gone) {
		v.state = STATE_NOT_PROBED;
		v.reason = "host-unreachable";
	}
	a->settled = true;
	r->told++;
	r->out->counts[v.state]++;
	tries_add(&p->sum, v.state, is_answered(a), proved_rtt(&v));
	tell_try(r, p, a, &o, &v);
}

/* Those whose time is over, so far as all has been heard that came in it. */
static void settle_due(struct repeater *r, struct pair *p)
{
	for (uint64_t n = p->oldest; n < p->next; n++) {
		struct attempt *a = attempt_at(r, p, n);

		if (!a->settled && a->over_ns <= r->heard_ns)
			settle(r, p, a);
		if (a->settled && n == p->oldest)
			p->oldest++;
	}
}

/* --- sending ---------------------------------------------------------------------------------- */

static uint16_t sport_of(const struct repeat_config *c, uint64_t n, size_t kind)
{
	if (c->n_sports < c->n_kinds)
		return c->sport_first;
	return (uint16_t)(c->sport_first + (n * c->n_kinds + kind) % c->n_sports);
}

static void begin_attempt(struct repeater *r, struct turns *t, struct pair *p)
{
	struct attempt *a = attempt_at(r, p, p->next);
	struct attempt fresh = {
	    .n = p->next, .due_ns = p->due_ns, .asked = a->asked, .replies = a->replies};

	*a = fresh;
	for (size_t k = 0; k < r->c->n_kinds; k++)
		a->asked[k] = (struct asked){
		    .sent = probing_sent(&r->c->wish, r->c->kinds[k], turns_random(t),
					 turns_random(t) | 1),
		    .sport = sport_of(r->c, a->n, k),
		};
}

static int post(struct repeater *r, struct turns *t, const struct pair *p, struct attempt *a,
		size_t kind)
{
	const struct path *path = &t->w->paths[p->who->path];
	struct asked *asked = &a->asked[kind];
	struct segment seg;

	probing_segment(&r->c->wish, r->c->kinds[kind], path, &p->who->addr,
			r->ts_base + (uint32_t)a->n, &seg);
	seg.sport = asked->sport;
	seg.dport = p->who->port;
	seg.seq = asked->sent.seq;
	seg.ack = asked->sent.ack;
	seg.ip_id = probing_ip_id(&asked->sent);
	return turns_post(t, p->who->path, &seg, &asked->at_ns);
}

static bool waits(int error)
{
	return error == EAGAIN || error == ENOBUFS;
}

/* All kinds of the try; false where some of them must wait. */
static bool post_all(struct repeater *r, struct turns *t, const struct pair *p, struct attempt *a,
		     uint64_t now)
{
	for (; a->n_left < r->c->n_kinds; a->n_left++) {
		int error = post(r, t, p, a, a->n_left);

		if (waits(error) && now < a->due_ns + GIVE_UP_NS)
			return false;
		a->gone |= error == EHOSTUNREACH || error == EAGAIN;
		if (error && !a->gone)
			turns_unsent(t, error);
	}
	return true;
}

/* The next one keeps to the beat; who is behind by more than one doesn't make up for it. */
static void step(const struct repeater *r, struct pair *p, uint64_t now)
{
	p->next++;
	p->due_ns += r->c->interval_ns;
	if (p->due_ns <= now)
		p->due_ns = now + r->c->interval_ns;
}

static uint64_t send_due(struct repeater *r, struct turns *t, struct pair *p, uint64_t now)
{
	struct attempt *a = attempt_at(r, p, p->next);

	if (p->next == r->c->count || p->dead)
		return UINT64_MAX;
	if (now < p->due_ns)
		return p->due_ns;
	if (a->n != p->next)
		begin_attempt(r, t, p);
	if (!post_all(r, t, p, a, now))
		return now + AGAIN_NS;
	for (size_t k = 0; k < r->c->n_kinds; k++)
		if (a->asked[k].at_ns > a->over_ns)
			a->over_ns = a->asked[k].at_ns;
	if (a->over_ns)
		a->over_ns += r->c->wait_ns;
	step(r, p, now);
	return p->next < r->c->count ? p->due_ns : a->over_ns;
}

/* --- as an actor ------------------------------------------------------------------------------ */

static void begin(struct repeater *r, struct turns *t, uint64_t now)
{
	uint64_t gap = r->c->interval_ns / r->c->n_pairs;

	gap = gap < SPACING_NS ? gap : SPACING_NS;
	for (size_t i = 0; i < r->c->n_pairs; i++)
		r->pairs[i].due_ns = now + i * gap;
	r->ts_base = turns_random(t);
	r->begun = true;
}

static uint64_t serve(void *ctx, struct turns *t, uint64_t now)
{
	struct repeater *r = ctx;
	uint64_t first = TURNS_OVER, at;

	if (!r->begun)
		begin(r, t, now);
	for (size_t i = 0; i < r->c->n_pairs; i++) {
		struct pair *p = &r->pairs[i];

		settle_due(r, p);
		at = send_due(r, t, p, now);
		first = at < first ? at : first;
		if (p->oldest < p->next) {
			at = attempt_at(r, p, p->oldest)->over_ns;
			first = at < first ? at : first;
		}
	}
	r->heard_ns = now; /* by the next time */
	return first;
}

static void idle(void *ctx, struct turns *t)
{
	struct repeater *r = ctx;

	for (size_t i = 0; i < r->c->n_pairs; i++)
		if (!r->pairs[i].dead && !turns_path_up(t, r->pairs[i].who->path))
			r->pairs[i].dead = true;
}

static void progress(void *ctx, struct turns *t, bool asked)
{
	struct repeater *r = ctx;

	(void)t;
	if (r->c->progress)
		r->c->progress(r->c->progress_ctx, r->told, r->c->count * r->c->n_pairs, asked);
}

/* --- receiving -------------------------------------------------------------------------------- */

/* Whose answer it could be. */
struct candidate {
	struct attempt *a;
	size_t kind;
	enum fit fit;
	enum reaction reaction;
};

static struct pair *pair_of(const struct repeater *r, const struct turns *t,
			    const struct packet *pk)
{
	struct turns_ends ends = turns_ends_of(pk);
	const struct addr *our = pk->kind == PACKET_TCP ? &pk->seg.dst : &pk->quoted.src;

	for (size_t i = 0; i < r->c->n_pairs; i++) {
		const struct repeat_pair *who = r->pairs[i].who;

		if (who->port == ends.theirs && addr_same(&who->addr, ends.far) &&
		    addr_same(&t->w->paths[who->path].src, our))
			return &r->pairs[i];
	}
	return NULL;
}

/* The numbers name the try; where they don't, it is the newest one from that port. */
static struct candidate find_asked(const struct repeater *r, const struct pair *p,
				   const struct packet *pk)
{
	uint16_t ours = turns_ends_of(pk).ours;
	uint64_t last = p->next < r->c->count ? p->next : p->next - 1; /* half of it may be out */
	struct candidate best = {.fit = FIT_NONE};

	for (uint64_t i = 0; i < r->ring && i <= last && best.fit != FIT_EXACT; i++) {
		struct attempt *a = attempt_at(r, p, last - i);

		for (size_t k = 0; k < r->c->n_kinds && a->n == last - i; k++) {
			struct candidate x = {.a = a, .kind = k};

			if (!a->asked[k].at_ns || a->asked[k].sport != ours)
				continue;
			x.fit = match_reply(&a->asked[k].sent, pk, &x.reaction);
			if (x.fit > best.fit)
				best = x;
		}
	}
	return best;
}

static bool is_decisive(const struct candidate *x)
{
	return x->fit == FIT_EXACT &&
	       (x->reaction == REACTION_SYN_ACK || reaction_is_icmp(x->reaction) ||
		reaction_is_rst(x->reaction));
}

/* Our own kernel, for want of a neighbour. */
static bool is_own_word(const struct turns *t, const struct pair *p, const struct packet *pk,
			const struct candidate *x)
{
	return x->reaction == REACTION_ICMP_HOST &&
	       probing_is_own_word(&t->w->paths[p->who->path], pk);
}

/* It came after the try was told, or its time was over: never another try's. */
static void take_late(struct repeater *r, struct turns *t, struct pair *p,
		      const struct candidate *x)
{
	bool answered = is_answered(x->a) || x->a->late;

	if (answered || !is_decisive(x)) {
		r->out->duplicates++;
		return;
	}
	x->a->late = true;
	p->sum.late++;
	t->stats->late++;
}

static bool is_known(const struct attempt *a, const struct candidate *x)
{
	for (size_t i = 0; i < a->n_replies; i++) {
		const struct reply *r = &a->replies[i].reply;

		if (r->kind == x->kind && r->reaction == x->reaction && r->fit == x->fit)
			return true;
	}
	return a->done & 1U << x->kind;
}

/* False where it is one more that proves nothing. */
static bool keep_reply(struct repeater *r, struct turns *t, struct pair *p, struct candidate *x,
		       const struct packet *pk, uint64_t at_ns)
{
	struct attempt *a = x->a;
	uint64_t sent_ns = a->asked[x->kind].at_ns;
	bool itself = addr_same(&pk->seg.src, &p->who->addr);
	/* half of the room is for what carries our numbers: guesses can't crowd it out */
	size_t room = (x->fit == FIT_EXACT ? 2 : 1) * r->c->n_kinds;
	struct heard *h;

	if (is_known(a, x) || a->n_replies >= room) {
		r->out->duplicates += x->fit == FIT_EXACT;
		return x->fit == FIT_EXACT;
	}
	h = &a->replies[a->n_replies++];
	probing_reply(&h->reply, pk, (unsigned)x->kind, 0, x->reaction, x->fit);
	h->reply.from = !itself;
	h->reply.rtt_us = at_ns > sent_ns ? (uint32_t)((at_ns - sent_ns) / 1000) : 0;
	h->from = pk->seg.src;
	if (x->fit == FIT_EXACT) {
		t->stats->answered++;
		p->up |= itself;
	}
	if (is_decisive(x))
		a->done |= 1U << x->kind;
	return true;
}

/* Carries it our numbers, or may it at least be of another connection? Who quotes must quote the
 * SEQ (RFC 792). */
static bool is_answer(const struct candidate *x)
{
	return x->fit == FIT_EXACT || (x->fit == FIT_TUPLE && !reaction_is_icmp(x->reaction));
}

static bool take(void *ctx, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct repeater *r = ctx;
	struct pair *p = pair_of(r, t, pk);
	struct candidate x = {.fit = FIT_NONE};
	bool own, ours = true;

	if (p)
		x = find_asked(r, p, pk);
	if (!is_answer(&x))
		return false;
	own = is_own_word(t, p, pk, &x);
	if (x.a->settled || at_ns > x.a->asked[x.kind].at_ns + r->c->wait_ns) {
		if (!own && x.fit == FIT_EXACT)
			take_late(r, t, p, &x);
		return x.fit == FIT_EXACT;
	}
	if (own) {
		x.a->gone = true;
		x.a->done |= 1U << x.kind;
	} else {
		ours = keep_reply(r, t, p, &x, pk, at_ns);
	}
	if (x.a->n < p->next && x.a->done + 1U == 1U << r->c->n_kinds)
		settle(r, p, x.a);
	return ours;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void tell_pair(const struct repeater *r, struct pair *p)
{
	struct tries_record t = {.addr = &p->who->addr, .name = p->who->name, .port = p->who->port};

	tries_sum_up(&p->sum, &t);
	if (r->sink->tries)
		r->sink->tries(r->sink->ctx, &t);
}

static bool same_host(const struct pair *a, const struct pair *b)
{
	return addr_equal(&a->who->addr, &b->who->addr);
}

/* Pairs of one host are neighbours. */
static void add_up(const struct repeater *r)
{
	uint64_t made = 0, lost = 0;
	bool up = false;

	for (size_t i = 0; i < r->c->n_pairs; i++) {
		const struct pair *p = &r->pairs[i];

		if (i == 0 || !same_host(p - 1, p))
			up = false;
		r->out->hosts_up += p->up && !up;
		up |= p->up;
		if (!p->sum.answered) /* that is no loss of the path's */
			continue;
		made += p->sum.made;
		lost += p->sum.made - p->sum.answered;
	}
	r->out->loss_estimate = made ? (double)lost / (double)made : -1;
}

unsigned repeat_sports(size_t n_kinds, uint64_t count)
{
	uint64_t most = REPEAT_PORTS_MAX / n_kinds;

	return (unsigned)((count < most ? count : most) * n_kinds);
}

static size_t ring_of(const struct repeat_config *c)
{
	uint64_t flying = c->wait_ns / c->interval_ns + 2;

	flying = flying < REPEAT_FLYING_MAX + 2 ? flying : REPEAT_FLYING_MAX + 2;
	flying += REMEMBERED;
	return (size_t)(c->count < flying ? c->count : flying);
}

/* One ring a pair, in three arrays for all. */
static int make_rings(struct repeater *r)
{
	size_t kinds = r->c->n_kinds, n;

	r->ring = ring_of(r->c);
	n = r->ring * r->c->n_pairs;
	r->pairs = calloc(r->c->n_pairs, sizeof(*r->pairs));
	r->attempts = calloc(n, sizeof(*r->attempts));
	r->asked = calloc(n * kinds, sizeof(*r->asked));
	r->heard = calloc(2 * n * kinds, sizeof(*r->heard));
	if (!r->pairs || !r->attempts || !r->asked || !r->heard)
		return -1;
	for (size_t i = 0; i < n; i++) {
		r->attempts[i].n = UINT64_MAX;
		r->attempts[i].asked = &r->asked[i * kinds];
		r->attempts[i].replies = &r->heard[2 * i * kinds];
	}
	for (size_t i = 0; i < r->c->n_pairs; i++) {
		r->pairs[i].who = &r->c->pairs[i];
		r->pairs[i].ring = &r->attempts[i * r->ring];
	}
	return 0;
}

int repeat_run(const struct repeat_config *c, const struct turns_config *t, struct wire *w,
	       const struct record_sink *sink, struct summary_record *sum,
	       struct turns_stats *stats, struct err *e)
{
	static const struct turns_actor actor = {
	    .serve = serve, .take = take, .idle = idle, .progress = progress};
	struct repeater r = {.c = c, .sink = sink, .out = sum};
	int rc = -1;

	assert(c->n_pairs >= 1 && c->n_pairs <= REPEAT_PAIRS_MAX && c->count);
	assert(c->interval_ns >= REPEAT_LEAST_NS && c->n_kinds <= PROBE_KINDS_MAX);
	*stats = (struct turns_stats){.end = END_COMPLETE};
	if (make_rings(&r) < 0) {
		err_set(e, "out of memory for the tries of %zu ports", c->n_pairs);
		goto out;
	}
	rc = turns_run(t, w, &actor, &r, stats, e);
	if (rc < 0)
		goto out;
	for (size_t i = 0; i < c->n_pairs; i++)
		tell_pair(&r, &r.pairs[i]);
	add_up(&r);
out:
	for (size_t i = 0; r.pairs && i < c->n_pairs; i++)
		tries_free(&r.pairs[i].sum);
	free(r.heard);
	free(r.asked);
	free(r.attempts);
	free(r.pairs);
	return rc;
}
