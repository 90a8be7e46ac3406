/*
 * sweep: sends in passes over what has not answered, at the pace's word, and knows when to stop.
 * What a reply is belongs to sweep_receive.c, what it means to judge/.
 */
#include "engine/sweep.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sweep_private.h"
#include "judge/match.h"

static const uint8_t default_payload[] = {'h', 'e', 'l', 'l', 'o'};
static const uint64_t NS = 1000000000;
static const uint64_t PROGRESS_NS = 200000000;
static const uint64_t NEIGHBOUR_NS = 3150000000;
static const uint64_t LINGER_MIN_NS = 2000000, LINGER_MAX_NS = 10000000;
static const double MISSED_MAX = 0.001; /* open or closed ports that may be missed, in the mean */

unsigned sweep_tries_max(const struct sweep_config *c)
{
	return (unsigned)(c->retries == RETRIES_AUTO ? RETRIES_MAX : c->retries) + 1;
}

unsigned sweep_sports(size_t n_kinds, int retries, bool fixed)
{
	struct sweep_config c = {.retries = retries};

	return fixed ? 1 : (unsigned)n_kinds * sweep_tries_max(&c);
}

uint16_t sweep_sport(const struct sweep_config *c, unsigned kind, unsigned try)
{
	if (c->sport_fixed)
		return c->sport_first;
	return (uint16_t)(c->sport_first + kind * sweep_tries_max(c) + try);
}

static uint32_t payload_len(const struct sweep_config *c, unsigned kind)
{
	uint32_t len = c->kinds[kind]->payload_len;

	return len && c->wish.data ? c->wish.data_len : len;
}

void sweep_sent(const struct sweep_config *c, const struct addr *dst, uint16_t dport,
		uint16_t sport, unsigned kind, struct sent *out)
{
	struct cookie cookie = cookie_make(c->key, dst, dport, sport, (uint8_t)kind);
	uint16_t flags = c->kinds[kind]->flags;

	out->flags = flags;
	out->seq = c->wish.has_seq ? c->wish.seq : cookie.seq;
	out->ack = c->wish.has_ack ? c->wish.ack : flags & TCP_ACK ? cookie.ack : 0;
	out->len = payload_len(c, kind) + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
}

uint32_t sweep_now_us(const struct sweep *s, uint64_t ns)
{
	return (uint32_t)((ns - s->start_ns) / 1000);
}

static void make_segment(const struct sweep *s, const struct point *at, unsigned kind, unsigned try,
			 struct segment *out)
{
	const struct sweep_config *c = s->c;
	const struct path *path = &s->w->paths[at->span->path];
	struct sent sent;
	uint32_t headers = path->src.family == ADDR_V4 ? 40 : 60;

	memset(out, 0, sizeof(*out));
	out->src = path->src;
	out->dst = at->addr;
	out->sport = sweep_sport(c, kind, try);
	out->dport = at->port;
	sweep_sent(c, &at->addr, at->port, out->sport, kind, &sent);
	out->seq = sent.seq;
	out->ack = sent.ack;
	out->flags = sent.flags;
	out->ttl = c->wish.ttl ? c->wish.ttl : 64;
	out->df = true;
	out->ip_id = (uint16_t)(sent.seq >> 16 ^ sent.seq);
	out->payload_len = payload_len(c, kind);
	out->payload = c->wish.data && out->payload_len ? c->wish.data : default_payload;
	out->win = 64240;
	if (probe_class_of(sent.flags) == PROBE_SYN ||
	    probe_class_of(sent.flags) == PROBE_SYN_ODD) {
		uint32_t mtu = path->mtu > headers + 536 ? path->mtu : 1500;
		uint32_t mss = mtu - headers;

		out->win = syn_layout_win(c->wish.layout);
		out->options_len = (uint8_t)options_build_syn(c->wish.layout,
							      (uint16_t)(mss > 65495 ? 65495 : mss),
							      s->ts_base + try, out->options);
	}
	if (c->wish.has_win)
		out->win = c->wish.win;
}

/* --- paths ------------------------------------------------------------------------------------ */

static void bury_path(struct sweep *s, uint16_t path, const struct err *why)
{
	struct path_fate *fate = &s->fates[path];

	if (fate->dead)
		return;
	*fate = (struct path_fate){.dead = true, .pass = s->pass, .slot = s->cursor};
	s->sum.end = END_LINK;
	if (!s->sum.why[0])
		memcpy(s->sum.why, why->msg, sizeof(s->sum.why));
}

static bool all_paths_dead(const struct sweep *s)
{
	for (size_t i = 0; i < s->w->n_paths; i++)
		if (!s->fates[i].dead)
			return false;
	return s->w->n_paths > 0;
}

static void check_paths(struct sweep *s)
{
	for (size_t i = 0; i < s->w->n_paths; i++) {
		struct err why = {{0}};

		if (!s->fates[i].dead && !s->w->ops->path_up(s->w, (uint16_t)i, &why))
			bury_path(s, (uint16_t)i, &why);
	}
	if (all_paths_dead(s))
		s->stopped = true;
}

/* --- sending ---------------------------------------------------------------------------------- */

struct batch {
	struct wire_out v[PACE_BATCH];
	uint64_t slot[PACE_BATCH];
	uint8_t bytes[PACE_BATCH][SEGMENT_MAX + 60];
	unsigned n;
};

/* The next slot at or after the cursor that is not done; slots where there is none. */
static uint64_t next_slot(const struct sweep *s)
{
	uint64_t i = s->cursor;

	while (i < s->slots) {
		uint64_t rest = ~s->done[i / 64] >> (i % 64);

		if (rest) {
			i += (unsigned)__builtin_ctzll(rest);
			return i < s->slots ? i : s->slots;
		}
		i = (i / 64 + 1) * 64;
	}
	return s->slots;
}

static void fill_batch(struct sweep *s, struct batch *b, unsigned budget)
{
	b->n = 0;
	while (b->n < budget) {
		uint64_t slot = next_slot(s);
		struct segment seg;
		struct point at;
		struct err e;
		int len;

		s->cursor = slot;
		if (slot == s->slots)
			break;
		s->cursor++;
		space_at(s->c->space, permute_at(&s->perm, s->first + slot / s->c->n_kinds), &at);
		if (at.span->path == PATH_NONE) {
			bit_set(s->done, slot);
			bit_set(s->unsent, slot);
			s->undone--;
			s->pathless += slot % s->c->n_kinds == 0;
			continue;
		}
		if (s->fates[at.span->path].dead) {
			if (s->pass == 0)
				bit_set(s->unsent, slot);
			continue;
		}
		make_segment(s, &at, (unsigned)(slot % s->c->n_kinds), s->pass, &seg);
		len = craft_build(s->craft, &seg, b->bytes[b->n], sizeof(b->bytes[0]), &e);
		assert(len > 0); /* the options and the payload were bounded when they were made */
		b->v[b->n] = (struct wire_out){
		    .ip = b->bytes[b->n], .len = (uint16_t)len, .path = at.span->path};
		b->slot[b->n++] = slot;
	}
}

static bool error_of_link(int error)
{
	return error == ENETDOWN || error == ENODEV || error == ENXIO;
}

static void account_sent(struct sweep *s, struct batch *b, uint64_t at_ns)
{
	for (unsigned i = 0; i < b->n; i++) {
		uint64_t slot = b->slot[i];

		if (b->v[i].error) {
			struct err why;

			s->sum.send_errors++;
			if (s->pass == 0)
				bit_set(s->unsent, slot);
			err_sys(&why, b->v[i].error, "sending by %s",
				s->w->paths[b->v[i].path].ifname);
			if (error_of_link(b->v[i].error))
				bury_path(s, b->v[i].path, &why);
			else if (!s->sum.why[0])
				memcpy(s->sum.why, why.msg, sizeof(s->sum.why));
			continue;
		}
		bit_clear(s->unsent, slot);
		s->times[s->pass & 1][slot >> s->times_shift] = sweep_now_us(s, at_ns);
		s->sum.sent++;
		s->sum.retried += s->pass > 0;
		if (s->c->evidence)
			s->c->evidence(s->c->evidence_ctx, at_ns, b->v[i].ip, b->v[i].len,
				       b->v[i].len);
	}
}

static void send_some(struct sweep *s, struct batch *b, uint64_t now)
{
	uint64_t at_ns = now;
	unsigned budget = pace_budget(&s->pace, now);

	if (!budget)
		return;
	fill_batch(s, b, budget);
	if (b->n) {
		s->w->ops->send(s->w, 0, b->v, b->n, &at_ns);
		account_sent(s, b, at_ns);
		pace_spend(&s->pace, b->n);
		s->last_send_ns = at_ns;
	}
	/* Closing the window early: what has been asked becomes all of it. */
	if (s->pass == 0 && slab_nearly_full(&s->slab) && s->cursor < s->slots) {
		uint64_t places = (s->cursor + s->c->n_kinds - 1) / s->c->n_kinds;

		if (places < s->size) {
			s->undone -= (s->size - places) * s->c->n_kinds;
			s->size = places;
			s->slots = places * s->c->n_kinds;
		}
	}
}

/* --- when a pass, and when the window ends ---------------------------------------------------- */

double sweep_loss(const struct sweep *s)
{
	uint64_t answered = 0, lost = 0;

	for (unsigned k = 0; k < TRIES_MAX; k++) {
		answered += s->drew[k];
		lost += k * s->drew[k];
	}
	return answered ? (double)lost / (double)(answered + lost) : -1;
}

static double missed_after(const struct sweep *s, unsigned tries)
{
	double p = sweep_loss(s);

	return p < 0 ? 0 : (double)s->sum.answered * pow(p, tries);
}

static bool another_pass(const struct sweep *s)
{
	unsigned tries = s->pass + 1;

	if (!s->undone || s->stopped)
		return false;
	if (s->c->retries != RETRIES_AUTO)
		return tries <= (unsigned)s->c->retries;
	if (tries <= RETRIES_AUTO_MIN)
		return true;
	return tries <= RETRIES_MAX && missed_after(s, tries) >= MISSED_MAX;
}

/* How long silence must last: the slowest host's RTO, doubled for every pass that drew nothing. */
static uint64_t pass_rto_ns(const struct sweep *s, unsigned idle_passes)
{
	uint32_t max_us = (uint32_t)fmin((double)(s->c->rto_max_ns / 1000), UINT32_MAX);
	struct rtt unheard = {0};
	uint64_t rto_us = 0;

	for (size_t i = 0; i < s->hosts.n; i++) {
		uint32_t host_us = rtt_rto_us(&s->hosts.v[i].rtt, max_us);

		rto_us = host_us > rto_us ? host_us : rto_us;
	}
	if (s->hosts.n < s->c->space->hosts)
		rto_us = rtt_rto_us(&unheard, max_us);
	rto_us <<= idle_passes < 10 ? idle_passes : 10;
	return (rto_us > max_us ? max_us : rto_us) * 1000;
}

static void tell_progress(struct sweep *s, uint64_t now, bool asked)
{
	struct progress p = {0};
	double tick_s = (double)(now - s->progress_ns) / 1e9;
	uint64_t places = s->first + (s->pass == 0 ? s->cursor / s->c->n_kinds : s->size);

	if (!s->sink->progress || (!asked && now - s->progress_ns < PROGRESS_NS))
		return;
	p.sent = s->sum.sent;
	p.total_first = s->c->space->total * s->c->n_kinds;
	p.answered = s->sum.answered;
	p.open = s->open_seen;
	p.pass = s->pass + 1;
	p.elapsed_s = (double)(now - s->start_ns) / 1e9;
	p.rate_pps = tick_s > 0 ? (double)(s->sum.sent - s->progress_sent) / tick_s : 0;
	p.eta_s = places && p.elapsed_s > 1
		      ? p.elapsed_s * (double)(s->c->space->total - places) / (double)places
		      : -1;
	s->sink->progress(s->sink->ctx, &p, asked);
	s->progress_ns = now;
	s->progress_sent = s->sum.sent;
}

static void stop_run(struct sweep *s, enum run_end end, const char *why)
{
	if (s->stopped)
		return;
	s->stopped = true;
	s->sum.end = end;
	snprintf(s->sum.why, sizeof(s->sum.why), "%s", why);
}

/* Signals, the deadline, the links: whatever may end the run from outside. */
static void heed_outside(struct sweep *s, uint64_t now)
{
	unsigned events = s->w->ops->events(s->w);

	if (events & WIRE_STOP)
		stop_run(s, END_INTERRUPTED, "interrupted");
	if (s->c->deadline_ns && now - s->start_ns >= s->c->deadline_ns)
		stop_run(s, END_DEADLINE, "the deadline was reached");
	check_paths(s);
	tell_progress(s, now, events & WIRE_STATUS);
}

static void heed_pace(struct sweep *s, uint64_t now)
{
	struct wire_stats stats = {0};
	uint64_t rtt_ns = s->hosts.n ? (uint64_t)s->hosts.v[0].rtt.srtt_us * 1000 : 0;
	bool lost;

	if (s->pass > 0 || now - s->pace.epoch_ns < NS / 200)
		return;
	s->w->ops->stats(s->w, &stats);
	lost = stats.dropped > s->tick_dropped || s->sum.send_errors > s->tick_errors;
	s->tick_dropped = stats.dropped;
	s->tick_errors = s->sum.send_errors;
	pace_tick(&s->pace, now, rtt_ns, lost);
}

static void receive(struct sweep *s, uint64_t until)
{
	struct err e;

	if (s->w->ops->recv(s->w, until, sweep_on_frame, s, &e) < 0)
		stop_run(s, END_CAPTURE, e.msg);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* `until`, or sooner: the deadline, the links and the progress want to be looked at. */
static uint64_t wake_at(const struct sweep *s, uint64_t now, uint64_t until)
{
	until = least(until, now + PROGRESS_NS);
	return s->c->deadline_ns ? least(until, s->start_ns + s->c->deadline_ns) : until;
}

/* Silence is believed one RTO after the last probe, or after the last answer while they come. */
static void await_answers(struct sweep *s, unsigned idle_passes)
{
	uint64_t now = s->w->ops->now(s->w), rto = 0, rto_at = 0;

	while (s->undone && s->sum.end != END_DEADLINE && s->sum.end != END_CAPTURE &&
	       !all_paths_dead(s)) {
		uint64_t from =
		    s->last_answer_ns > s->last_send_ns ? s->last_answer_ns : s->last_send_ns;
		uint64_t until;

		if (!rto || now - rto_at > PROGRESS_NS / 4) { /* it looks at every host */
			rto = pass_rto_ns(s, idle_passes);
			rto_at = now;
		}
		until = least(from + rto, s->last_send_ns + 2 * s->c->rto_max_ns);
		if (now >= until)
			break;
		receive(s, wake_at(s, now, until));
		now = s->w->ops->now(s->w);
		heed_outside(s, now);
	}
}

static void run_pass(struct sweep *s, struct batch *b, unsigned idle_passes)
{
	uint64_t now = s->w->ops->now(s->w);

	s->cursor = 0;
	while (!s->stopped && next_slot(s) < s->slots) {
		send_some(s, b, now);
		receive(s, wake_at(s, now, pace_next(&s->pace, now)));
		now = s->w->ops->now(s->w);
		heed_outside(s, now);
		heed_pace(s, now);
	}
	await_answers(s, idle_passes);
}

/* --- a window --------------------------------------------------------------------------------- */

static int window_open(struct sweep *s, uint64_t first, uint64_t most, struct err *e)
{
	uint64_t total = s->c->space->total;
	size_t words, times;

	s->first = first;
	s->size = total - first < most ? total - first : most;
	s->slots = s->undone = s->size * s->c->n_kinds;
	s->pass = 0;
	s->cursor = s->pathless = 0;
	for (size_t i = 0; i < s->w->n_paths; i++) /* of this window they saw nothing */
		s->fates[i].pass = 0, s->fates[i].slot = 0;
	for (s->times_shift = 0; s->slots >> s->times_shift > TIMES_MAX; s->times_shift++)
		;
	words = (size_t)(s->slots / 64 + 1);
	times = (size_t)(s->slots >> s->times_shift) + 1;
	if (!s->done) { /* the first window is the largest */
		s->done = malloc(words * sizeof(*s->done));
		s->unsent = malloc(words * sizeof(*s->unsent));
		s->times[0] = calloc(times, sizeof(**s->times));
		s->times[1] = calloc(times, sizeof(**s->times));
	}
	if (!s->done || !s->unsent || !s->times[0] || !s->times[1])
		return err_set(e, "out of memory for a window of %llu probes",
			       (unsigned long long)s->slots);
	memset(s->done, 0, words * sizeof(*s->done));
	memset(s->unsent, 0, words * sizeof(*s->unsent));
	return 0;
}

/*
 * All have answered, and still a second segment may be on its heels: the SYN-ACK of the host behind
 * the RST of a box, or the other way round. Two RTTs, a few milliseconds at most, show it.
 */
static void linger(struct sweep *s)
{
	uint64_t rtt_ns = s->hosts.n ? (uint64_t)s->hosts.v[0].rtt.srtt_us * 1000 : 0;
	uint64_t now = s->w->ops->now(s->w), until = now + LINGER_MIN_NS;

	until = now + 2 * rtt_ns > until ? now + 2 * rtt_ns : until;
	until = until > now + LINGER_MAX_NS ? now + LINGER_MAX_NS : until;
	while (!s->stopped && now < until) {
		receive(s, until);
		now = s->w->ops->now(s->w);
	}
}

/*
 * A kernel gives a neighbour up three seconds after the first packet for it, and says so by an ICMP
 * error to itself. Where three tries of a second have just run out, that word is worth the wait.
 */
static void await_neighbours(struct sweep *s)
{
	uint64_t now = s->w->ops->now(s->w), until = s->start_ns + NEIGHBOUR_NS;

	if (s->hosts.n == s->c->space->hosts || until < now || until - now > NEIGHBOUR_NS / 8)
		return;
	while (!s->stopped && s->undone && now < until) {
		receive(s, until);
		now = s->w->ops->now(s->w);
		heed_outside(s, now);
	}
}

/* Silence at the window's end that may be our own fault, or the path's. */
static void note_unheard(struct sweep *s)
{
	struct wire_stats stats = {0};

	s->w->ops->stats(s->w, &stats);
	s->drops_unheard += stats.dropped - s->last_pass_dropped;
	s->too_lossy |= s->c->retries == RETRIES_AUTO && s->pass == RETRIES_MAX &&
			missed_after(s, TRIES_MAX) >= MISSED_MAX;
}

static void window_run(struct sweep *s, struct batch *b)
{
	unsigned idle = 0;

	for (;;) {
		uint64_t answered = s->sum.answered;
		struct wire_stats stats = {0};

		s->w->ops->stats(s->w, &stats);
		s->last_pass_dropped = stats.dropped;
		run_pass(s, b, idle);
		idle = s->sum.answered == answered ? idle + 1 : 0;
		if (!another_pass(s))
			break;
		s->pass++;
		pace_pass(&s->pace, sweep_loss(s));
	}
	if (!s->undone) {
		linger(s);
		return;
	}
	await_neighbours(s);
	note_unheard(s);
}

static void sweep_free(struct sweep *s)
{
	craft_free(s->craft);
	hosts_free(&s->hosts);
	slab_free(&s->slab);
	free(s->done);
	free(s->unsent);
	free(s->times[0]);
	free(s->times[1]);
	free(s->fates);
	free(s->responders);
}

static int sweep_init(struct sweep *s, const struct sweep_config *c, struct err *e)
{
	struct addr none = {0};

	permute_init(&s->perm, c->space->total, c->seed, c->in_order);
	slab_init(&s->slab, SLAB_LIMIT);
	s->fates = calloc(s->w->n_paths + 1, sizeof(*s->fates));
	s->responders = calloc(RESPONDERS_MAX, sizeof(*s->responders));
	s->craft = craft_new(e);
	if (!s->craft)
		return -1;
	if (!s->fates || !s->responders)
		return err_set(e, "out of memory");
	s->ts_base = cookie_make(c->key, &none, 0, 0, 0xff).seq;
	s->start_ns = s->w->ops->now(s->w);
	s->progress_ns = s->last_send_ns = s->start_ns;
	pace_init(&s->pace, c->rate, c->space->hosts, s->start_ns);
	return 0;
}

int sweep_run(const struct sweep_config *c, struct wire *w, const struct record_sink *sink,
	      struct summary_record *out, struct err *e)
{
	struct sweep s = {.c = c, .w = w, .sink = sink};
	struct batch *b = calloc(1, sizeof(*b));
	uint64_t most;
	int rc = -1;

	assert(c->n_kinds >= 1 && c->n_kinds <= PROBE_KINDS_MAX && c->space->total > 0);
	most = c->window ? c->window : (1ULL << 24) / c->n_kinds;
	if (!b) {
		err_set(e, "out of memory");
		goto out;
	}
	if (sweep_init(&s, c, e) < 0)
		goto out;
	for (uint64_t first = 0; first < c->space->total; first += s.size) {
		if (window_open(&s, first, most, e) < 0)
			goto out;
		if (!s.stopped)
			window_run(&s, b);
		sweep_flush(&s);
		if (s.stopped && !c->enumerate_silent) {
			s.sum.not_probed += c->space->total - s.first - s.size;
			break;
		}
	}
	sweep_summarize(&s);
	*out = s.sum;
	rc = 0;
out:
	sweep_free(&s);
	free(b);
	return rc;
}
