/*
 * sweep: passes over what has not answered, how long silence must last, and when to stop. Sending
 * is sweep_send.c's, what a reply is sweep_receive.c's, what it means judge's.
 */
#include "engine/sweep.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sweep_private.h"
#include "judge/match.h"

static const uint64_t NS = 1000000000;
static const uint64_t PROGRESS_NS = 200000000;
static const uint64_t NEIGHBOUR_NS = 3150000000;
static const uint64_t LINGER_MIN_NS = 2000000, LINGER_MAX_NS = 10000000;
static const uint64_t TICK_NS = 2000000, CANARY_RTO_NS = 100000000;
static const uint64_t DRAIN_NS = 1000000, WAITED_MAX_NS = 50000000;
enum { RTO_BETWEEN_US = 30000, DROP_PASSES_MAX = 4 };
enum { HEARD_ENOUGH = 16 }; /* hosts whose round trips stand for those of the silent ones */
static const double MISSED_MAX = 0.001; /* open or closed ports that may be missed, in the mean */

/* --- when a pass, and when the window ends ---------------------------------------------------- */

/*
 * Answers that count for the loss: an ICMP limiter's silence is no loss of the path, and neither is
 * that of a limiter of resets, so where there is one only the SYN-ACKs tell.
 */
static const uint64_t *answers_of_loss(const struct sweep *s)
{
	return gates_any_limited(s->gates) ? s->drew_syn_ack : s->drew;
}

static uint64_t drew_in_all(const struct sweep *s)
{
	const uint64_t *drew = answers_of_loss(s);
	uint64_t n = 0;

	for (unsigned k = 0; k < TRIES_MAX; k++)
		n += drew[k];
	return n;
}

double sweep_loss(const struct sweep *s)
{
	const uint64_t *drew = answers_of_loss(s);
	uint64_t answered = drew_in_all(s), lost = 0;

	for (unsigned k = 0; k < TRIES_MAX; k++)
		lost += k * drew[k];
	return answered ? (double)lost / (double)(answered + lost) : -1;
}

static double missed_after(const struct sweep *s, unsigned tries)
{
	double p = sweep_loss(s);

	return p < 0 ? 0 : (double)drew_in_all(s) * pow(p, tries);
}

unsigned sweep_clean_enough(const struct sweep *s)
{
	double p = sweep_loss(s);
	unsigned n = LIMIT_CLEAN;

	while (p > 0 && n < RETRIES_MAX && (double)s->sum.answered * pow(p, n) >= MISSED_MAX)
		n++;
	return n;
}

/* Does anything ask for another pass than hosts that ration their resets? */
static bool pass_for_all(const struct sweep *s)
{
	unsigned tries = s->pass + 1 - (s->late < s->pass + 1 ? s->late : s->pass);

	if (s->c->retries != RETRIES_AUTO)
		return tries <= (unsigned)s->c->retries && s->pass + 1 < sweep_tries_max(s->c);
	if (tries <= RETRIES_AUTO_MIN)
		return s->pass < RETRIES_MAX;
	return s->pass < RETRIES_MAX && missed_after(s, tries) >= MISSED_MAX;
}

/* As long as the pass before found such a host that was still sending all it can. */
static bool pass_for_limited(const struct sweep *s)
{
	return s->c->want_closed && s->c->retries == RETRIES_AUTO && s->pass + 1 < PASSES_MAX &&
	       gates_any_limited(s->gates) && (!s->limited_only || s->pass_sent);
}

static bool another_pass(const struct sweep *s)
{
	return s->undone && !s->stopped && (pass_for_all(s) || pass_for_limited(s));
}

/* Was its silence perhaps our own deafness? Then some more, but a flood that never ends has the run
 * end all the same, and say so. */
static bool pass_for_drops(struct sweep *s)
{
	struct wire_stats stats = {0};

	s->w->ops->stats(s->w, &stats);
	return s->undone && !s->stopped && s->c->retries == RETRIES_AUTO && s->pass < RETRIES_MAX &&
	       stats.dropped > s->last_pass_dropped && s->drop_passes++ < DROP_PASSES_MAX;
}

/*
 * The slowest host's RTO; 0 where nobody has been heard. Between passes it may be short, as what
 * comes later still counts; after the last one silence is believed.
 */
static uint64_t slowest_rto_us(const struct sweep *s, uint32_t max_us)
{
	uint32_t least_us = another_pass(s) ? RTO_BETWEEN_US : RTO_MIN_US;
	uint64_t rto_us = 0;

	for (size_t i = 0; i < s->hosts.n; i++) {
		uint32_t host_us =
		    s->hosts.v[i].gone ? 0 : rtt_rto_least_us(&s->hosts.v[i].rtt, least_us, max_us);

		rto_us = host_us > rto_us ? host_us : rto_us;
	}
	return rto_us;
}

/* What came since may still be unread. */
static uint64_t lag_ns(const struct sweep *s)
{
	uint64_t now = s->w->ops->now(s->w);

	return now > s->heard_ns && s->heard_ns ? now - s->heard_ns : 0;
}

/* How long silence must last: the slowest host's RTO, doubled for every pass that drew nothing.
 * Those not heard yet are taken for no slower, once there are enough of the others. */
static uint64_t pass_rto_ns(const struct sweep *s, unsigned idle_passes)
{
	uint32_t max_us = (uint32_t)fmin((double)(s->c->rto_max_ns / 1000), UINT32_MAX);
	struct rtt unheard = {0};
	uint64_t rto_us = slowest_rto_us(s, max_us);

	if (s->hosts.n < s->c->space->hosts && s->hosts.n < HEARD_ENOUGH)
		rto_us = rtt_rto_us(&unheard, max_us);
	rto_us <<= idle_passes < 10 ? idle_passes : 10;
	return (rto_us > max_us ? max_us : rto_us) * 1000 + lag_ns(s);
}

static void tell_progress(struct sweep *s, uint64_t now, bool asked)
{
	struct progress p = {0};
	double tick_s = (double)(now - s->progress_ns) / 1e9;
	/* what has left tells; the cursor comes round again */
	uint64_t left = (s->pass_sent + s->round.sent) / s->c->n_kinds;
	uint64_t places = s->first + (s->pass == 0 && left < s->size ? left : s->size);

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
	sweep_check_paths(s);
	tell_progress(s, now, events & WIRE_STATUS);
}

static void heed_pace(struct sweep *s, uint64_t now)
{
	struct wire_stats stats = {0};
	uint64_t rtt_ns = s->hosts.n ? (uint64_t)s->hosts.v[0].rtt.srtt_us * 1000 : 0;

	if (now - s->tick_ns < TICK_NS)
		return;
	s->tick_ns = now;
	s->w->ops->stats(s->w, &stats);
	s->seen.dropped = stats.dropped > s->tick_dropped;
	s->seen.lag_ns = now > s->heard_ns ? now - s->heard_ns : 0;
	gates_heard(s->gates, s->seen.lag_ns);
	s->tick_dropped = stats.dropped;
	canary_tick(&s->canary, now, rtt_ns * 2 > CANARY_RTO_NS ? rtt_ns * 2 : CANARY_RTO_NS);
	canary_take(&s->canary, &s->seen.canaries, &s->seen.canaries_lost);
	pace_tick(&s->pace, now, rtt_ns, s->pass == 0, &s->seen);
	s->seen = (struct pace_seen){0};
}

/* A capture hands over blocks: frames wait in them, the longer the fewer there are. */
static void note_wait(struct sweep *s, uint64_t now)
{
	uint64_t waited = now > s->oldest_ns ? now - s->oldest_ns : 0;

	s->waited_ns -= s->waited_ns / 16;
	if (waited > s->waited_ns)
		s->waited_ns = waited < WAITED_MAX_NS ? waited : WAITED_MAX_NS;
}

static void receive(struct sweep *s, uint64_t until)
{
	uint64_t now;
	struct err e;
	int n;

	s->oldest_ns = 0;
	n = s->w->ops->recv(s->w, until, sweep_on_frame, s, &e);
	now = s->w->ops->now(s->w);
	if (n < 0) {
		stop_run(s, END_CAPTURE, e.msg);
	} else if (n > 0) {
		note_wait(s, now);
		s->heard_ns = s->frame_ns;
	} else {
		s->heard_ns = now - s->waited_ns;
	}
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

/* A host has been heard whose ports were given up so far. */
static bool came_alive(const struct sweep *s)
{
	return s->round.given_up && s->n_heard > s->round.heard_then;
}

/* When silence is believed: one RTO after the last probe, or after the last answer while they come;
 * at the very end, who has never been heard gets all the time that RFC 6298 gives an unknown peer.
 */
static uint64_t silent_at(const struct sweep *s, uint64_t rto)
{
	uint64_t from = s->last_answer_ns > s->last_send_ns ? s->last_answer_ns : s->last_send_ns;
	uint64_t until = least(from + rto, s->last_send_ns + 2 * s->c->rto_max_ns);

	if (s->hosts.n < s->c->space->hosts && !another_pass(s) &&
	    until < s->last_send_ns + least(NS, s->c->rto_max_ns))
		until = s->last_send_ns + least(NS, s->c->rto_max_ns);
	return until;
}

static void await_answers(struct sweep *s, unsigned idle_passes)
{
	uint64_t now = s->w->ops->now(s->w), rto = 0, rto_at = 0;
	bool looked = false;

	while (s->undone && s->sum.end != END_DEADLINE && s->sum.end != END_CAPTURE &&
	       !sweep_all_paths_dead(s) && !came_alive(s)) {
		uint64_t until;

		if (!rto || now - rto_at > PROGRESS_NS / 4) { /* it looks at every host */
			rto = pass_rto_ns(s, idle_passes);
			rto_at = now;
		}
		until = silent_at(s, rto);
		if (now >= until && looked)
			break;
		looked = now >= until; /* the clock may have leapt: what came meanwhile counts */
		receive(s, wake_at(s, now, until));
		now = s->w->ops->now(s->w);
		heed_outside(s, now);
	}
}

/* Until the sender threads have got rid of all that they were given. */
static void drain(struct sweep *s)
{
	sweep_collect(s);
	while (lanes_flying(s->lanes)) {
		receive(s, s->w->ops->now(s->w) + DRAIN_NS);
		sweep_collect(s);
	}
}

/* Once through all that is pending. */
static void run_round(struct sweep *s)
{
	uint64_t now = s->w->ops->now(s->w);

	while (!s->stopped && !s->round.over) {
		sweep_send_some(s, now);
		receive(s, s->round.over ? now : wake_at(s, now, sweep_next_send(s, now)));
		sweep_collect(s);
		now = s->w->ops->now(s->w);
		heed_outside(s, now);
		heed_pace(s, now);
	}
	drain(s);
}

/* What was held back may leave now, or in a moment. */
static void next_round(struct sweep *s)
{
	uint64_t now = s->w->ops->now(s->w), until = now;

	if (!s->round.sent && s->round.held)
		until = sweep_gates_next(s, now);
	if (s->hold_until_ns > until)
		until = s->hold_until_ns;
	while (!s->stopped && now < until) {
		receive(s, wake_at(s, now, until));
		now = s->w->ops->now(s->w);
		heed_outside(s, now);
		heed_pace(s, now);
	}
	s->pass_sent += s->round.sent;
	s->round = (struct round){.heard_then = s->n_heard};
	s->rounds++;
	s->cursor = 0;
}

static void run_pass(struct sweep *s, unsigned idle_passes)
{
	gates_begin_pass(s->gates, s->pass, s->w->ops->now(s->w));
	sweep_begin_pass(s);
	for (;;) {
		run_round(s);
		if (!s->round.held && !came_alive(s))
			await_answers(s, idle_passes);
		if (s->stopped || !s->undone || (!s->round.held && !came_alive(s)))
			break;
		next_round(s);
	}
	s->pass_sent += s->round.sent;
}

/* --- a window --------------------------------------------------------------------------------- */

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

	bool too_lossy = s->c->retries == RETRIES_AUTO && s->pass >= RETRIES_MAX &&
			 missed_after(s, TRIES_MAX) >= MISSED_MAX;
	bool failed = sweep_any_failed(s);

	s->w->ops->stats(s->w, &stats);
	s->drops_unheard += stats.dropped - s->last_pass_dropped;
	s->too_lossy |= too_lossy;
	s->send_failed |= failed;
	s->spoilt |= too_lossy || failed || stats.dropped > s->last_pass_dropped;
}

static void window_run(struct sweep *s)
{
	unsigned idle = 0;

	s->drop_passes = 0;
	for (;;) {
		uint64_t answered = s->sum.answered;
		struct wire_stats stats = {0};
		bool usual;

		s->w->ops->stats(s->w, &stats);
		s->last_pass_dropped = stats.dropped;
		run_pass(s, idle);
		idle = s->sum.answered == answered ? idle + 1 : 0;
		usual = another_pass(s);
		if (!usual && !pass_for_drops(s))
			break;
		s->limited_only = usual && !pass_for_all(s);
		s->pass++;
	}
	if (!s->undone) {
		linger(s);
		return;
	}
	await_neighbours(s);
	sweep_bury_unheard(s);
	note_unheard(s);
}

static void sweep_free(struct sweep *s)
{
	lanes_free(s->lanes);
	craft_free(s->craft);
	for (size_t i = 0; s->templates && i < s->w->n_paths * s->c->n_kinds; i++)
		template_free(s->templates[i]);
	free(s->templates);
	gates_free(s->gates);
	hosts_free(&s->hosts);
	slab_free(&s->slab);
	free(s->heard);
	free(s->up);
	free(s->done);
	free(s->pending);
	free(s->unsent);
	free(s->failed);
	free(s->times[0]);
	free(s->times[1]);
	free(s->fates);
	free(s->responders);
}

static int sweep_alloc(struct sweep *s, const struct sweep_config *c, struct err *e)
{
	uint64_t hosts = c->space->hosts;
	size_t longest = 120 + (c->wish.data ? c->wish.data_len : 0);

	s->fates = calloc(s->w->n_paths + 1, sizeof(*s->fates));
	s->responders = calloc(RESPONDERS_MAX, sizeof(*s->responders));
	s->templates = calloc(s->w->n_paths * c->n_kinds + 1, sizeof(struct template *));
	if (!s->fates || !s->responders || !s->templates)
		return err_set(e, "out of memory");
	if (hosts <= 1ULL << HEARD_MAX_LOG2) {
		s->heard = calloc((size_t)(hosts / 64 + 1), sizeof(*s->heard));
		s->up = calloc((size_t)(hosts / 64 + 1), sizeof(*s->up));
		if (!s->heard || !s->up)
			return err_set(e, "out of memory");
	}
	s->craft = craft_new(e);
	if (!s->craft || sweep_make_templates(s, e) < 0)
		return -1;
	s->gates = gates_new(c->space, c->rate <= 0, s->start_ns, e);
	if (!s->gates)
		return -1;
	if (!c->want_closed)
		gates_open_only(s->gates);
	s->lanes = lanes_new(s->w, c->lanes ? c->lanes : 1, longest, e);
	return s->lanes ? 0 : -1;
}

static int sweep_init(struct sweep *s, const struct sweep_config *c, struct err *e)
{
	struct addr none = {0};

	permute_init(&s->perm, c->space->total, c->seed, c->in_order);
	slab_init(&s->slab, SLAB_LIMIT);
	s->ts_base = cookie_make(c->key, &none, 0, 0, 0xff).seq;
	s->start_ns = s->w->ops->now(s->w);
	if (sweep_alloc(s, c, e) < 0)
		return -1;
	s->progress_ns = s->last_send_ns = s->tick_ns = s->start_ns;
	sweep_find_cells(s);
	sweep_note_known(s);
	pace_init(&s->pace, c->rate, c->space->hosts, s->start_ns);
	if (c->rate_limit > 0)
		pace_limit(&s->pace, c->rate_limit);
	return 0;
}

/* Places from `place` on that nobody has asked, nor an earlier run. */
static uint64_t unknown_rest(const struct sweep *s, uint64_t place)
{
	uint64_t n = 0;

	while ((place = sweep_unknown_from(s, place)) < sweep_end(s)) {
		uint64_t end = sweep_known_from(s, place);

		n += end - place;
		place = end;
	}
	return n;
}

/* The wire may close behind our back while the last results are drawn. */
static void rest_if_last(struct sweep *s)
{
	bool last = s->stopped || sweep_unknown_from(s, s->first + s->size) >= sweep_end(s);

	if (last && s->c->last_use && s->w->ops->rest)
		s->w->ops->rest(s->w);
}

int sweep_run(const struct sweep_config *c, struct wire *w, const struct record_sink *sink,
	      struct summary_record *out, struct err *e)
{
	struct sweep s = {.c = c, .w = w, .sink = sink};
	uint64_t most, first;
	int rc = -1;

	assert(c->n_kinds >= 1 && c->n_kinds <= PROBE_KINDS_MAX && c->space->total > 0);
	most = c->window ? c->window : (1ULL << 24) / c->n_kinds;
	if (sweep_init(&s, c, e) < 0)
		goto out;
	for (first = sweep_unknown_from(&s, c->first_place); first < sweep_end(&s);
	     first = sweep_unknown_from(&s, s.first + s.size)) {
		if (sweep_window_open(&s, first, most, e) < 0)
			goto out;
		if (!s.stopped)
			window_run(&s);
		rest_if_last(&s);
		sweep_flush(&s);
		if (s.stopped && !c->enumerate_silent) {
			s.sum.not_probed += unknown_rest(&s, s.first + s.size);
			break;
		}
	}
	sweep_summarize(&s);
	*out = s.sum;
	rc = 0;
out:
	sweep_free(&s);
	return rc;
}
