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
static const double MISSED_MAX = 0.001; /* open or closed ports that may be missed, in the mean */

/* --- when a pass, and when the window ends ---------------------------------------------------- */

/* Answers that count for the loss: an ICMP limiter's silence is no loss of the path. */
static uint64_t drew_in_all(const struct sweep *s)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < TRIES_MAX; k++)
		n += s->drew[k];
	return n;
}

double sweep_loss(const struct sweep *s)
{
	uint64_t answered = drew_in_all(s), lost = 0;

	for (unsigned k = 0; k < TRIES_MAX; k++)
		lost += k * s->drew[k];
	return answered ? (double)lost / (double)(answered + lost) : -1;
}

static double missed_after(const struct sweep *s, unsigned tries)
{
	double p = sweep_loss(s);

	return p < 0 ? 0 : (double)drew_in_all(s) * pow(p, tries);
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
	sweep_check_paths(s);
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
	       !sweep_all_paths_dead(s)) {
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
	while (!s->stopped && sweep_next_slot(s) < s->slots) {
		sweep_send_some(s, b, now);
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
	sweep_find_cells(s);
	pace_init(&s->pace, c->rate, c->space->hosts, s->start_ns);
	if (c->rate_limit > 0)
		pace_limit(&s->pace, c->rate_limit);
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
