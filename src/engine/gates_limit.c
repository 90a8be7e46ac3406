/*
 * gates_limit: how fast is a host asked that rations its RSTs, and what is its limit?
 *
 * It is asked at a little more than the limit, so that the limiter is never idle: an idle moment is
 * lost for ever, a probe too many is only asked again. At first the rate is doubled for as long as
 * that brings more RSTs. Which share of the probes draws a RST at all (the density) shows whenever
 * RSTs/s stay below the limit; the rate is then raised until they reach it, and where raising it
 * brings no more of them, that is the limit.
 *
 * It knows nothing of other hosts, nor of caps, nor how a limiter is told from loss
 * (gates_suspect.c).
 */
#include <math.h>

#include "engine/gates_private.h"

static const uint64_t MS = 1000000, S = 1000000000;
static const uint64_t CLUMP_NS = 900000000;
static const float SURPLUS = 1.1F; /* asked, over what the limit lets through */
static const float RATE_MAX = 2e6F, RATE_MIN = 10, DENSITY_MIN = 1e-4F, ALL_CLOSED = 0.9F;
enum {
	RSTS_MIN = 20,	   /* in a window, to judge by */
	ENOUGH_RSTS = 50,  /* in a window, to believe its rate */
	WINDOW_MIN = 20,   /* probes */
	CLUMP_GAPS = 20,   /* times the gaps before */
	CLUMPS_MAX = 4,	   /* in a window, of one a second */
	FULL_WINDOWS = 5,  /* in which nothing is missing, until there is no limit any more */
	CALM_WINDOWS = 10, /* at the limit, until what is believed is tried */
};

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void regulate(struct limit *l);

/* --- what is seen ----------------------------------------------------------------------------- */

void limit_sent(struct limit *l, uint64_t t)
{
	if (!l->sent++)
		l->first_ns = t;
	l->last_ns = t;
	l->unheeded++;
	l->part_sent += !l->end_ns;
}

void limit_refund(struct limit *l)
{
	l->sent -= l->sent > 0;
	l->part_sent -= !l->end_ns && l->part_sent;
}

/* Did the last n RSTs come at `share` of the limit or faster? */
static bool came_at(const struct limit *l, unsigned n, float share)
{
	unsigned last = l->n_recent - 1, first = l->n_recent - n;
	uint32_t us;

	if (l->n_recent < n)
		return false;
	us = l->recent_us[last % LIMIT_RECENT] - l->recent_us[first % LIMIT_RECENT];
	return (float)us * share * l->limit < (float)(n - 1) * 1e6F;
}

/* Of who counts by the second a clump tells nothing. */
static void note_recent(struct limit *l, uint64_t t)
{
	l->recent_us[l->n_recent++ % LIMIT_RECENT] = (uint32_t)(t / 1000);
	if (l->clumped)
		return;
	l->struck |= l->searching && came_at(l, LIMIT_RECENT, 0.8F);
	if (came_at(l, LIMIT_RECENT / 2, 0.5F)) {
		l->tight = true;
		l->spent_ns = t;
	}
}

/* Of who counts by the second, RSTs/s are exact from the first of one clump to that of another. */
static void note_clump(struct limit *l, uint64_t t)
{
	if (!l->clump_ns) {
		l->clump_ns = t;
		l->clump_rst = l->on_rst;
	}
	l->clumps++;
	l->clumps_ns = t - l->clump_ns;
	l->clumps_rst = l->on_rst - l->clump_rst;
	if (l->clumps_ns >= CLUMP_NS)
		l->limit = fmaxf(per_s(l->clumps_rst, l->clumps_ns), 1);
}

/* They came thick, then none for long, however many were asked for? Then they are counted so. */
static bool ends_clump(const struct limit *l, uint32_t gap_us)
{
	unsigned first = l->n_recent % LIMIT_RECENT, last = (l->n_recent - 1) % LIMIT_RECENT;
	uint64_t us = l->recent_us[last] - l->recent_us[first], n = LIMIT_RECENT - 1;

	if (l->clumped)
		return gap_us >= 30000 && l->unheeded >= LIMIT_RECENT / 2;
	if (l->n_recent < LIMIT_RECENT) { /* so far; the rate has only been raised */
		us = (l->heard_ns - l->on_ns) / 1000;
		n = l->doubling && l->on_rst >= LIMIT_RECENT ? l->on_rst : 0;
	}
	return gap_us >= 150000 && l->unheeded >= WINDOW_MIN && us * CLUMP_GAPS < gap_us * n;
}

/* A RST has come at t: is it the first of a clump? */
static void note_gap(struct limit *l, uint64_t t)
{
	uint64_t gap = l->heard_ns && t > l->heard_ns ? t - l->heard_ns : 0;

	l->heard_ns = most(l->heard_ns, t);
	if (!ends_clump(l, (uint32_t)(gap / 1000)))
		return;
	if (!l->clumped) {
		l->clumped = true;
		l->doubling = l->searching = l->trying = false;
		l->limit = fmaxf(per_s(l->on_rst, t - l->on_ns), 1);
		l->density = 1;
		regulate(l);
		limit_begin_part(l, t);
	}
	note_clump(l, t);
}

void limit_answered(struct limit *l, bool rst, uint64_t t, uint64_t sent_ns)
{
	/* a test looks at its own probes, regulation at what comes */
	bool part = l->mode != LIMIT_TEST ||
		    (sent_ns >= l->from_ns && (!l->end_ns || sent_ns <= l->end_ns));

	l->rst += rst;
	l->rsts += rst;
	l->other += !rst;
	l->part_rst += rst && part;
	l->part_other += !rst && part;
	if (!rst)
		return;
	if (l->mode == LIMIT_ON) {
		note_gap(l, t);
		note_recent(l, t);
		l->on_rst++;
	}
	l->unheeded = 0;
	if (l->rst_ns && t > l->rst_ns)
		l->gap_ns = most(l->gap_ns, t - l->rst_ns);
	l->rst_ns = most(l->rst_ns, t);
	l->drew_ns = most(l->drew_ns, sent_ns);
}

void limit_begin_part(struct limit *l, uint64_t t)
{
	l->from_ns = t;
	l->end_ns = 0;
	l->clumps = 0;
	l->part_sent = l->part_rst = l->part_other = 0;
}

/* --- regulation ------------------------------------------------------------------------------- */

void limit_set_rate(struct limit *l, float rate)
{
	l->rate = fminf(fmaxf(rate, RATE_MIN), RATE_MAX);
}

/*
 * Where all that is asked draws RSTs, a little more than the limit, so that it is never idle. Where
 * only a part does, a little less: that part is not spread evenly, and what is asked of a limiter
 * that has nothing to spare costs another pass.
 */
static void regulate(struct limit *l)
{
	float rate = SURPLUS * l->limit;

	if (l->density < ALL_CLOSED)
		rate = fmaxf(rate, 0.9F * l->limit / l->density);
	l->raised = false;
	limit_set_rate(l, rate);
}

static void reckon(struct limit *l, float q)
{
	l->limit += (q > l->limit ? 0.5F : 0.25F) * (q - l->limit);
}

static void remember(struct limit *l, float q)
{
	l->old_q = q;
	l->old_rate = l->rate;
}

/* The end of a try at half as much again. */
static void end_try(struct limit *l, float q)
{
	l->trying = false;
	if (q > 1.2F * l->old_q) /* it was not at the limit at all */
		l->limit = q;
	regulate(l);
}

/*
 * RSTs/s are at the limit, as far as we know it, and all is closed. That may be only because a
 * little too little is asked: loss looks like rationing. Half as much again tells, now and then.
 */
static void at_limit(struct limit *l, float q, float share, bool used)
{
	if (!used || share < 0.95F) {
		l->full = 0;
		reckon(l, q);
		l->calm += used;
	} else if (++l->full >= FULL_WINDOWS && l->rate >= 0.9F * l->fastest) {
		l->mode = LIMIT_NONE; /* as fast as ever, and nothing is missing */
		return;
	} else if (!l->drained_last) { /* nothing was rationed, nor before: it is higher */
		l->limit = 1.1F * q;
	}
	regulate(l);
	if (l->calm < CALM_WINDOWS)
		return;
	remember(l, q);
	l->calm = 0;
	l->trying = true;
	limit_set_rate(l, 1.5F * l->rate);
}

/* The same where only a part is closed: it has become more, and too much is asked. */
static void too_much(struct limit *l, float q)
{
	reckon(l, q);
	l->density = fminf(l->density * (l->calm ? 2 : 1.25F), 1);
	l->calm = 1;
	regulate(l);
}

/* As if a faster rate brought no more RSTs, and no less either. */
static bool looks_flat(const struct limit *l, float q)
{
	float faster = l->rate / l->old_rate;

	return l->raised && q > 0.7F * l->old_q && q < l->old_q * (1 + 0.4F * (faster - 1));
}

/* And by more than chance? Small steps add up until it is. */
static bool is_flat(const struct limit *l, uint64_t ns)
{
	float expected = l->old_q * l->rate / l->old_rate * (float)ns / 1e9F;

	return l->part_rst >= RSTS_MIN && expected - (float)l->part_rst > 3 * sqrtf(expected);
}

/* RSTs/s are below it: most of what is asked is filtered, or the limit is not that high. */
static void below_limit(struct limit *l, float q, float share, uint64_t ns)
{
	bool known = l->part_rst >= RSTS_MIN;
	bool flat = looks_flat(l, q);
	float rate = l->rate;

	l->calm = 0;
	if (flat)
		l->flats += is_flat(l, ns);
	else
		l->flats = 0;
	if (!flat)
		remember(l, q);
	if (l->flats == 2) { /* twice is no coincidence */
		l->flats = 0;
		l->limit = fmaxf(q, 0.8F * l->twice);
		l->density = 1;
		regulate(l);
		return;
	}
	l->density = fminf(fmaxf(share, DENSITY_MIN), 1);
	regulate(l);
	if (!known) /* nor through all of them within a second */
		limit_set_rate(l,
			       fminf(l->rate, fmaxf(fminf(2 * rate, (float)l->sent_before), rate)));
	l->raised = l->rate > 1.05F * l->old_rate;
	l->searching = !known;
}

/* Straight into many closed ports: back to where none of them is wasted. */
static void end_search(struct limit *l)
{
	l->searching = l->struck = false;
	l->density = 1;
	regulate(l);
}

static bool all_draw(const struct limit *l)
{
	return l->old_q >= 0.8F * l->old_rate;
}

/* Is that all it lets through, or is only a part closed? Asked at that rate, it has told. */
static void begin_doubling(struct limit *l, float q, float share)
{
	if (share >= 0.6F)
		remember(l, q);
	else
		l->old_q = l->limit;
	limit_set_rate(l, 2 * l->old_rate);
}

/* Twice as fast brought more, or not: then, and after another look, we have the limit. */
static void double_again(struct limit *l, float q, float share)
{
	if (l->old_q <= 0) {
		begin_doubling(l, q, share);
		return;
	}
	if (q >= 1.4F * l->old_q) {
		l->flats = 0;
		remember(l, q);
		limit_set_rate(l, 2 * l->rate);
		if (q > LIMIT_FASTEST)
			l->mode = LIMIT_NONE;
		return;
	}
	if (!l->flats++) { /* or no more was saved up */
		l->limit = fmaxf(q, 1);
		return;
	}
	l->flats = 0;
	l->doubling = false;
	l->limit = fminf(q, l->limit);
	l->twice = l->last_q = 0; /* what was saved up is in it */
	l->density = all_draw(l) ? 1 : fmaxf(l->old_q / l->old_rate, DENSITY_MIN);
	regulate(l);
}

/* It is one: from what the test has shown, up. */
void limit_on(struct limit *l, float q, uint32_t rsts, uint64_t t)
{
	float rate = l->rate;

	l->mode = LIMIT_ON;
	l->limit = fmaxf(q, 1);
	l->density = 1;
	l->flats = l->full = l->calm = l->clumps = l->evens = 0;
	l->searching = l->trying = l->struck = l->raised = false;
	l->on_ns = t;
	l->on_rst = 0;
	l->clump_ns = l->clumps_ns = 0;
	l->n_recent = l->unheeded = 0;
	l->heard_ns = 0;
	regulate(l);
	limit_begin_part(l, t);
	l->doubling = !l->clumped;
	l->old_rate = rate;
	l->old_q = q >= 0.8F * rate && rsts >= RSTS_MIN / 2 ? q : 0;
	if (l->doubling)
		limit_set_rate(l, l->old_q > 0 ? 2 * rate : l->limit);
}

/* A window that begins when nothing is saved up any more, and ends so, shows the very limit. */
static void note_rationed(struct limit *l, bool rationed, uint64_t ns)
{
	if (rationed && l->drained) {
		l->rationed += l->part_rst;
		l->rationed_ns += ns;
	}
	l->drained_last = l->drained;
	l->drained = rationed;
}

/*
 * Who counts by the second shows it once a second, if he is asked fast enough. Without a clump in a
 * window the rate is doubled; where that brings neither clumps nor RSTs, or there are more clumps
 * than seconds, it was a mistake.
 */
static void look_for_clumps(struct limit *l, float q, uint64_t t)
{
	bool flat = l->evens && q < 1.4F * l->old_q;

	l->evens = flat || l->clumps >= CLUMPS_MAX ? (uint8_t)(l->evens + 1) : 1;
	if (l->evens > 2) {
		l->clumped = false;
		limit_on(l, q, 0, t);
		return;
	}
	remember(l, q);
	l->limit = fmaxf(l->limit, q);
	limit_set_rate(l, l->clumps ? l->rate : 2 * l->rate);
}

static void end_window(struct limit *l, uint64_t t)
{
	uint64_t ns = t - l->from_ns;
	float q = per_s(l->part_rst, ns), asked = per_s(l->part_sent, ns);
	float share = (float)l->part_rst / (float)(l->part_sent ? l->part_sent : 1);
	bool used = l->part_sent >= WINDOW_MIN && asked >= 0.8F * l->rate;
	bool all = l->density >= ALL_CLOSED;
	float rate = l->rate;

	if (ns >= 200 * MS)
		l->peak = fmaxf(l->peak, q);
	if (q >= l->limit / 2)
		l->spent_ns = t;
	if (l->part_rst >= ENOUGH_RSTS) {
		l->twice = fmaxf(l->twice, fminf(q, l->last_q));
		l->last_q = q;
	}
	note_rationed(
	    l, all && used && share < 0.95F && q >= 0.9F * l->limit && (!l->doubling || l->flats),
	    ns);
	if (l->clumped && used && (!l->clumps || l->clumps >= CLUMPS_MAX))
		look_for_clumps(l, q, t);
	else if (l->doubling)
		double_again(l, q, share);
	else if (l->struck || (l->searching && q >= 0.9F * l->limit))
		end_search(l);
	else if (l->trying)
		end_try(l, q);
	else if (all && q >= 0.9F * l->limit)
		at_limit(l, q, share, used);
	else if (q >= 0.97F * l->limit)
		too_much(l, q);
	else if (used)
		below_limit(l, q, share, ns);
	if (l->rate > 1.2F * rate || l->rate < rate / 1.2F)
		l->n_recent = 0; /* gaps aren't what they were */
	limit_begin_part(l, t);
}

static uint64_t window_ns(const struct limit *l, uint64_t rtt_ns)
{
	uint64_t enough = (uint64_t)(100 / l->limit * 1e9F);

	if (l->clumped)
		return 2 * S;
	if (l->searching || l->doubling)
		return most(50 * MS, 4 * rtt_ns);
	return most(most(200 * MS, 4 * rtt_ns), enough < 2 * S ? enough : 2 * S);
}

/* --- turns --- */

/* A burst saved up in a pause is no rate: what was rationed over all the time it was, where known.
 */
float limit_rate(const struct limit *l)
{
	float rate = l->limit;

	if (l->clumped && l->clumps_ns >= CLUMP_NS)
		return per_s(l->clumps_rst, l->clumps_ns);
	if (l->rationed_ns >= 150 * MS)
		return per_s(l->rationed, l->rationed_ns);
	if (l->twice > 0)
		rate = l->twice;
	return l->suspicion.steady > 0 ? fminf(rate, l->suspicion.steady) : rate;
}

static bool window_over(const struct limit *l, uint64_t ns, uint64_t rtt_ns)
{
	if (l->struck)
		return true;
	if (ns < window_ns(l, rtt_ns))
		return false;
	if (l->doubling && l->old_q <= 0)
		return l->part_sent >= WINDOW_MIN;
	return !l->doubling || ns >= 2 * S || l->part_rst >= (all_draw(l) ? RSTS_MIN : ENOUGH_RSTS);
}

void limit_tick(struct limit *l, uint64_t t, uint64_t rtt_ns)
{
	uint64_t ns = t > l->from_ns ? t - l->from_ns : 0;

	if (l->mode == LIMIT_ON && window_over(l, ns, rtt_ns))
		end_window(l, t);
	else if (l->mode == LIMIT_TEST)
		suspect_tick(l, t, rtt_ns);
}

/* --- passes ----------------------------------------------------------------------------------- */

static void end_limited_pass(struct limit *l)
{
	uint64_t part = l->last_ns > l->from_ns ? l->last_ns - l->from_ns : 0;
	uint64_t recovers = l->clumped ? S + 50 * MS : 50 * MS;

	l->peak = fmaxf(l->peak, per_s(l->part_rst, most(part, l->clumped ? S : 200 * MS)));
	if (l->tight || l->peak >= l->limit / 2)
		l->spent_ns = l->last_ns;
	else
		l->clean += l->first_ns >= l->spent_ns + recovers;
}

/* Closed ports get fewer from pass to pass. What the density is now, the first window shows. */
static void begin_limited_pass(struct limit *l, uint64_t t)
{
	l->density = 1;
	l->searching = l->trying = l->struck = l->raised = l->drained = false;
	if (l->doubling) { /* goes on where it was */
		l->from_ns += t > l->last_ns ? t - l->last_ns : 0;
		return;
	}
	l->calm = l->flats = 0;
	regulate(l);
	limit_begin_part(l, t);
}

void limit_begin_pass(struct limit *l, unsigned pass, uint64_t t)
{
	if (!pass)
		l->clean = 0;
	if (l->mode == LIMIT_ON) {
		if (l->sent)
			end_limited_pass(l);
		begin_limited_pass(l, t);
	} else if (l->mode == LIMIT_TEST && !pass) {
		l->mode = LIMIT_NONE; /* what it was about is over */
	} else if (l->mode == LIMIT_NONE && l->sent && pass) {
		suspect_begin(l, t);
	}
	l->sent_before = l->sent;
	l->sent = l->rst = l->other = 0;
	l->n_recent = 0;
	l->tight = false;
	l->gap_ns = l->drew_ns = l->rst_ns = 0;
	l->peak = 0;
}
