/*
 * sweep_send: which slots may leave now, how they become packets and batches, and what becomes of
 * those; paths that cannot carry them are buried. How fast is the pace's to say, and for one host
 * the gates'; when a pass is over is sweep.c's.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "engine/sweep_private.h"
#include "judge/match.h"

unsigned sweep_tries_max(const struct sweep_config *c)
{
	return (unsigned)(c->retries == RETRIES_AUTO ? RETRIES_MAX : c->retries) + 1;
}

/* Behind the blocks of the kinds there is one for the canaries. */
unsigned sweep_sports(size_t n_kinds, int retries, bool fixed)
{
	struct sweep_config c = {.retries = retries};

	return fixed ? 1 : (unsigned)n_kinds * sweep_tries_max(&c) + 1;
}

uint16_t sweep_canary_sport(const struct sweep_config *c)
{
	return (uint16_t)(c->sport_first + c->n_kinds * sweep_tries_max(c));
}

/* Who answers some of all that it is asked is asked more often than there are source ports: they
 * come round again, as a closed port keeps nothing of what came before. */
static uint16_t sport_of(const struct sweep_config *c, unsigned kind, unsigned pass)
{
	if (c->sport_fixed)
		return c->sport_first;
	return (uint16_t)(c->sport_first + kind * sweep_tries_max(c) + pass % sweep_tries_max(c));
}

unsigned sweep_pass_of(const struct sweep *s, unsigned try)
{
	unsigned tries = sweep_tries_max(s->c), back = (s->pass % tries + tries - try) % tries;

	return back > s->pass ? UINT_MAX : s->pass - back;
}

void sweep_sent(const struct sweep_config *c, const struct addr *dst, uint16_t dport,
		uint16_t sport, unsigned kind, struct sent *out)
{
	struct cookie cookie = cookie_make(c->key, dst, dport, sport, (uint8_t)kind);

	*out = probing_sent(&c->wish, c->kinds[kind], cookie.seq, cookie.ack);
}

uint32_t sweep_now_us(const struct sweep *s, uint64_t ns)
{
	return (uint32_t)((ns - s->start_ns) / 1000) + 1; /* 0 says that it isn't known */
}

static const struct template *template_of(const struct sweep *s, const struct point *at,
					  unsigned kind)
{
	return s->templates[at->span->path * s->c->n_kinds + kind];
}

int sweep_make_templates(struct sweep *s, struct err *e)
{
	for (size_t i = 0; i < s->w->n_paths * s->c->n_kinds; i++) {
		const struct path *path = &s->w->paths[i / s->c->n_kinds];
		struct segment seg;

		/* the destination is patched in: any of the family will do */
		probing_segment(&s->c->wish, s->c->kinds[i % s->c->n_kinds], path, &path->src,
				s->ts_base, &seg);
		s->templates[i] = template_new(s->craft, &seg, e);
		if (!s->templates[i])
			return -1;
	}
	return 0;
}

/* --- paths ------------------------------------------------------------------------------------ */

void sweep_bury_path(struct sweep *s, uint16_t path, enum run_end end, const struct err *why)
{
	struct path_fate *fate = &s->fates[path];

	if (fate->dead)
		return;
	*fate = (struct path_fate){.dead = true, .pass = s->pass, .slot = s->cursor};
	s->sum.end = end;
	if (!s->sum.why[0])
		memcpy(s->sum.why, why->msg, sizeof(s->sum.why));
}

bool sweep_all_paths_dead(const struct sweep *s)
{
	for (size_t i = 0; i < s->w->n_paths; i++)
		if (!s->fates[i].dead)
			return false;
	return s->w->n_paths > 0;
}

void sweep_check_paths(struct sweep *s)
{
	for (size_t i = 0; i < s->w->n_paths; i++) {
		struct err why = {{0}};

		if (!s->fates[i].dead && !s->w->ops->path_up(s->w, (uint16_t)i, &why))
			sweep_bury_path(s, (uint16_t)i, END_LINK, &why);
	}
	if (sweep_all_paths_dead(s))
		s->stopped = true;
}

/* --- filling ---------------------------------------------------------------------------------- */

/* The next pending slot at or after the cursor; slots where there is none. */
static uint64_t next_slot(const struct sweep *s)
{
	uint64_t i = s->cursor;

	while (i < s->slots) {
		uint64_t rest = s->pending[i / 64] >> (i % 64);

		if (rest) {
			i += (unsigned)__builtin_ctzll(rest);
			return i < s->slots ? i : s->slots;
		}
		i = (i / 64 + 1) * 64;
	}
	return s->slots;
}

static void put_probe(struct sweep *s, struct batch *b, uint64_t slot, const struct point *at,
		      unsigned kind, uint16_t sport)
{
	const struct template *t = template_of(s, at, kind);
	uint8_t *room = batch_room(s->lanes, b, b->n);
	struct sent sent;

	sweep_sent(s->c, &at->addr, at->port, sport, kind, &sent);
	template_patch(t,
		       &(struct patch){
			   .dst = &at->addr,
			   .sport = sport,
			   .dport = at->port,
			   .ip_id = probing_ip_id(&sent),
			   .seq = sent.seq,
			   .ack = sent.ack,
			   .tsval = s->ts_base + s->pass,
		       },
		       room);
	b->v[b->n] = (struct wire_out){.ip = room, .len = template_len(t), .path = at->span->path};
	b->slot[b->n++] = slot;
}

static void never_more(struct sweep *s, uint64_t slot)
{
	bit_clear(s->pending, slot);
	if (!bit_get(s->done, slot)) {
		bit_set(s->done, slot);
		s->undone--;
	}
}

/* Slots that no packet is due to, now or ever. */
static bool passes_over(struct sweep *s, uint64_t slot, const struct point *at)
{
	const struct host *h;

	if (bit_get(s->done, slot)) {
		bit_clear(s->pending, slot);
		return true;
	}
	if (at->span->path == PATH_NONE) {
		never_more(s, slot);
		s->pathless += slot % s->c->n_kinds == 0;
		return true;
	}
	if (s->fates[at->span->path].dead) {
		bit_clear(s->pending, slot);
		return true;
	}
	if (sweep_gives_up(s, at) && !sweep_in_handful(s, at, slot)) {
		s->round.given_up++;
		return true;
	}
	h = s->n_gone ? hosts_find(&s->hosts, at->host) : NULL;
	if (h && h->gone) {
		never_more(s, slot);
		return true;
	}
	return false;
}

static bool enough_of_limited(const struct sweep *s, const struct point *at)
{
	const struct host *h = s->limited_only ? hosts_find(&s->hosts, at->host) : NULL;

	return s->limited_only && (!h || h->spare);
}

static bool may_leave(struct sweep *s, uint64_t slot, const struct point *at, uint64_t now)
{
	if (passes_over(s, slot, at))
		return false;
	if (enough_of_limited(s, at)) {
		bit_clear(s->pending, slot);
		return false;
	}
	if (gates_pass(s->gates, at, now))
		return true;
	s->refused |= at->host < 64 ? 1ULL << at->host : 0;
	s->round.held++;
	return false;
}

static void end_round(struct sweep *s)
{
	s->round.over = true;
}

static void put_canary(struct sweep *s, struct batch *b, uint64_t now)
{
	struct point at;
	uint64_t slot;

	if (s->c->sport_fixed || !canary_due(&s->canary, now, &slot))
		return;
	space_at(s->c->space, permute_at(&s->perm, s->first + slot / s->c->n_kinds), &at);
	if (s->fates[at.span->path].dead || gates_limit(s->gates, &at).limited)
		return;
	put_probe(s, b, CANARY_SLOT, &at, (unsigned)(slot % s->c->n_kinds),
		  sweep_canary_sport(s->c));
}

/* Where hosts are few: has each of them been refused? Then no slot can leave now. */
static bool all_refused(const struct sweep *s)
{
	uint64_t hosts = s->c->space->hosts;

	return hosts < 64 && s->refused == (1ULL << hosts) - 1;
}

/* With one host alone what its gate holds back holds back all: the order stays the seed's. */
static bool waits_in_line(struct sweep *s, uint64_t slot)
{
	if (s->c->space->hosts > 1 || !bit_get(s->pending, slot))
		return false;
	s->cursor = slot;
	s->round.held--;
	return true;
}

/* Up to `budget` packets; fewer where the round ends, or too much is held back. */
static void fill_batch(struct sweep *s, struct batch *b, unsigned budget, uint64_t now)
{
	unsigned in_vain = 0;

	b->n = 0;
	s->refused = 0;
	while (b->n < budget && in_vain < PASSED_OVER_AT_ONCE && !all_refused(s)) {
		uint64_t slot = next_slot(s);
		struct point at;
		unsigned kind;

		s->cursor = slot;
		if (slot == s->slots) {
			end_round(s);
			break;
		}
		s->cursor++;
		in_vain++;
		space_at(s->c->space, permute_at(&s->perm, s->first + slot / s->c->n_kinds), &at);
		if (!may_leave(s, slot, &at, now)) {
			if (waits_in_line(s, slot))
				break;
			continue;
		}
		in_vain = 0;
		kind = (unsigned)(slot % s->c->n_kinds);
		put_probe(s, b, slot, &at, kind, sport_of(s->c, kind, s->pass));
		bit_clear(s->pending, slot);
		s->times[s->pass & 1][slot >> s->times_shift] = 0;
		s->round.sent++;
	}
	if (s->pass > 0 && b->n && b->n < BATCH_MAX)
		put_canary(s, b, now);
}

/* --- sending ---------------------------------------------------------------------------------- */

/* What has answered fills the memory that a window may take: evidence, what it is sorted by, hosts.
 */
static bool window_is_full(const struct sweep *s)
{
	size_t port = sizeof(struct port_acc) + sizeof(struct reply) + 24;
	size_t host = sizeof(struct host) + 8;

	return s->slab.n_accs * port + s->hosts.n * host >= WINDOW_BYTES ||
	       slab_nearly_full(&s->slab);
}

/* Closing the window early: what has been asked becomes all of it. */
static void close_early(struct sweep *s)
{
	uint64_t places = (s->cursor + s->c->n_kinds - 1) / s->c->n_kinds;

	if (s->pass > 0 || s->rounds > 0 || s->round.over || places >= s->size ||
	    !window_is_full(s))
		return;
	sweep_window_end_at(s, places);
}

/* Few packets leave in this thread at an exact time, many by the sender threads. */
static bool sends_here(const struct sweep *s, unsigned budget)
{
	return lanes_count(s->lanes) == 1 ||
	       (s->pace.unlimited ? s->slots < 2 * BATCH_MAX
				  : budget <= BATCH_MAX && s->pace.rate < RATE_FOR_LANES);
}

/* Where the pace counts, what is handed over leaves soon, or the rate is not what it is taken for.
 */
static bool too_many_flying(const struct sweep *s)
{
	return !s->pace.unlimited && lanes_flying(s->lanes) >= 2 * lanes_count(s->lanes);
}

void sweep_send_some(struct sweep *s, uint64_t now)
{
	unsigned budget = pace_budget(&s->pace, now);
	bool here = sends_here(s, budget);
	/* one place is a canary's, if one is due */
	unsigned most = BATCH_MAX - (s->pass > 0 && !s->pace.unlimited ? 1U : 0U);

	s->starved = false;
	for (unsigned i = 0;
	     i < SENT_AT_ONCE && budget && !s->round.over && now >= s->full_until_ns; i++) {
		struct batch *b = too_many_flying(s) ? NULL : lanes_take(s->lanes);

		if (!b) {
			s->starved = true;
			break;
		}
		fill_batch(s, b, budget < most ? budget : most, now);
		b->try = (uint8_t)s->pass;
		if (!b->n) {
			lanes_give(s->lanes, b);
			s->in_vain = !s->round.over;
			break;
		}
		s->in_vain = false;
		budget -= b->n < budget ? b->n : budget;
		pace_spend(&s->pace, b->n);
		if (s->pass > 0)
			canary_count(&s->canary, b->n);
		s->last_send_ns = now;
		lanes_send(s->lanes, b, here);
		if (here) {
			sweep_collect(s);
			now = s->w->ops->now(s->w);
		}
	}
	close_early(s);
}

/* --- what became of it ------------------------------------------------------------------------ */

static void keep_times(struct sweep *s, const struct batch *b, uint64_t at_ns)
{
	uint32_t us = sweep_now_us(s, at_ns);

	us += !us;
	for (unsigned i = 0; i < b->n; i++)
		if (b->slot[i] != CANARY_SLOT)
			s->times[b->try & 1][b->slot[i] >> s->times_shift] = us;
}

void sweep_note_times(struct sweep *s)
{
	for (unsigned i = 0; i < lanes_flying(s->lanes); i++) {
		const struct batch *b = lanes_flying_at(s->lanes, i);
		uint64_t at_ns = b ? atomic_load_explicit(&b->at_ns, memory_order_acquire) : 0;

		if (at_ns)
			keep_times(s, b, at_ns);
	}
}

static bool error_of_link(int error)
{
	return error == ENETDOWN || error == ENODEV || error == ENXIO;
}

/* Has there been none for so long that there will be none? Batches of several lanes come in any
 * order of time. */
static bool no_room_for_good(struct sweep *s, uint16_t path, uint64_t now)
{
	struct path_fate *fate = &s->fates[path];

	s->seen.no_room = true;
	if (!fate->full_ns)
		fate->full_ns = now;
	return fate->dead || (now > fate->full_ns && now - fate->full_ns > GIVE_UP_ROOM_NS);
}

/* Not now: the slot waits, and its host a moment, or all do for room; but not for ever. */
static bool hold_back(struct sweep *s, uint64_t slot, const struct point *at, int error,
		      uint64_t now)
{
	bool room = error == ENOBUFS;

	if (error != EAGAIN && !room)
		return false;
	if (room && no_room_for_good(s, at->span->path, now))
		return false;
	gates_refund(s->gates, at);
	if (room) { /* that is nobody's fault there */
		s->full_until_ns = now + FULL_NS;
	} else {
		gates_hold(s->gates, at, now + HOLD_NS);
		s->hold_until_ns = now + HOLD_NS;
	}
	bit_set(s->pending, slot);
	s->round.held++;
	s->round.sent--;
	return true;
}

static void account_failed(struct sweep *s, const struct batch *b, unsigned i, uint64_t now)
{
	const struct wire_out *v = &b->v[i];
	uint64_t slot = b->slot[i];
	struct point at;
	struct err why;

	pace_refund(&s->pace, 1);
	if (slot == CANARY_SLOT)
		return;
	space_at(s->c->space, permute_at(&s->perm, s->first + slot / s->c->n_kinds), &at);
	if (hold_back(s, slot, &at, v->error, now))
		return;
	if (v->error == EHOSTUNREACH) {
		sweep_host_gone(s, &at);
		never_more(s, slot);
		return;
	}
	sweep_note_failed(s, slot);
	s->sum.send_errors++;
	err_set(&why, "sending by %s: %s%s", s->w->paths[v->path].ifname, strerror(v->error),
		probing_unsent(v->error));
	if (error_of_link(v->error))
		sweep_bury_path(s, v->path, END_LINK, &why);
	else if (v->error == ENOBUFS)
		sweep_bury_path(s, v->path, END_SEND, &why);
	else if (!s->sum.why[0])
		memcpy(s->sum.why, why.msg, sizeof(s->sum.why));
}

static void account_left(struct sweep *s, uint64_t slot, uint64_t at_ns)
{
	struct point at;

	bit_clear(s->unsent, slot);
	if (!s->pace.automatic || s->pass > 0) /* nobody asks */
		return;
	space_at(s->c->space, permute_at(&s->perm, s->first + slot / s->c->n_kinds), &at);
	gates_left(s->gates, &at, at_ns);
}

static void account_sent(struct sweep *s, const struct batch *b)
{
	uint64_t at_ns = atomic_load_explicit(&b->at_ns, memory_order_acquire);
	unsigned left = 0;

	keep_times(s, b, at_ns);
	for (unsigned i = 0; i < b->n; i++) {
		if (b->v[i].error) {
			account_failed(s, b, i, at_ns);
			continue;
		}
		left++;
		s->fates[b->v[i].path].full_ns = 0;
		if (b->slot[i] != CANARY_SLOT)
			account_left(s, b->slot[i], at_ns);
		if (s->c->evidence)
			s->c->evidence(s->c->evidence_ctx, at_ns, b->v[i].ip, b->v[i].len,
				       b->v[i].len);
	}
	pace_left(&s->pace, left, at_ns);
	s->sum.sent += left;
	s->sum.retried += b->try > 0 ? left : 0;
	if (left && at_ns > s->last_send_ns)
		s->last_send_ns = at_ns;
}

void sweep_collect(struct sweep *s)
{
	struct batch *b;

	while ((b = lanes_done(s->lanes))) {
		account_sent(s, b);
		lanes_give(s->lanes, b);
	}
}

/* When to look again at what gates hold back: neither at once, nor much later. */
uint64_t sweep_gates_next(const struct sweep *s, uint64_t now)
{
	uint64_t at = gates_next(s->gates, now);

	if (at < now + IN_VAIN_NS)
		return now + IN_VAIN_NS;
	return at > now + HOLD_NS ? now + HOLD_NS : at;
}

uint64_t sweep_next_send(const struct sweep *s, uint64_t now)
{
	uint64_t at = pace_next(&s->pace, now), gate;

	if (now < s->full_until_ns)
		return s->full_until_ns;
	if (s->starved) /* until the sender threads have got rid of some */
		return now + (s->pace.unlimited ? STARVED_NS : STARVED_NS / 4);
	if (!s->in_vain)
		return at;
	gate = sweep_gates_next(s, now);
	return gate > at ? gate : at;
}
