/*
 * gates_limit: does a host ration its RSTs, and how fast is it asked then?
 *
 * Loss and filtered ports take the same share of the answers at any rate; a limiter gives the same
 * number a second. So where a good part of a pass stayed silent, the next one begins slower, and a
 * share that rises by half or more with it is a limiter's. From then on the host is asked at a
 * little more than the limit, so that the limiter is never idle: an idle moment is lost for ever,
 * a probe too many is only asked again. Which share of the probes draws a RST at all (the density)
 * shows whenever RSTs/s stay below the limit; the rate is then raised until they reach it, and
 * where raising it brings no more of them, that is the limit.
 *
 * It knows nothing of other hosts, and nothing of caps.
 */
#include <math.h>

#include "engine/gates_private.h"

static const uint64_t MS = 1000000, S = 1000000000;
static const float SILENT_SHARE = 0.08F;
static const float SURPLUS = 1.1F; /* asked, over what the limit lets through */
static const float RATE_MAX = 2e6F, DENSITY_MIN = 1e-4F, ALL_CLOSED = 0.9F;
enum {
	RSTS_MIN = 20,	    /* in the run */
	RSTS_MIN_PASS = 5,  /* in the pass before */
	TESTS_MAX = 4,	    /* a host */
	TEST_MIN = 50,	    /* probes */
	TEST_MAX = 800,	    /* probes */
	TEST_RSTS_MIN = 10, /* that tell a limit */
	ENOUGH_RSTS = 50,   /* in a window, to believe its rate */
	WINDOW_MIN = 20,    /* probes */
	CLUMP_GAPS = 20,    /* times the mean gap */
	CALM_WINDOWS = 10,  /* at the limit, until what is believed is tried */
};

static float per_s(uint32_t n, uint64_t ns)
{
	return (float)((double)n / (double)(ns ? ns : 1) * 1e9);
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- what is seen ----------------------------------------------------------------------------- */

void limit_sent(struct limit *l, uint64_t t)
{
	if (!l->sent++)
		l->first_ns = t;
	l->last_ns = t;
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
	if (l->mode == LIMIT_ON)
		note_recent(l, t);
	if (l->rst_ns && t > l->rst_ns)
		l->gap_ns = most(l->gap_ns, t - l->rst_ns);
	l->rst_ns = most(l->rst_ns, t);
	l->drew_ns = most(l->drew_ns, sent_ns);
}

static void begin_part(struct limit *l, uint64_t t)
{
	l->from_ns = t;
	l->end_ns = 0;
	l->part_sent = l->part_rst = l->part_other = 0;
}

/* --- regulation ------------------------------------------------------------------------------- */

static void set_rate(struct limit *l, float rate)
{
	l->rate = fminf(fmaxf(rate, 1), RATE_MAX);
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
	set_rate(l, rate);
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
static void at_limit(struct limit *l, float q, float share, uint64_t ns, bool used)
{
	if (!used || share < 0.95F) {
		l->rationed += l->part_rst;
		l->rationed_ns += ns;
		reckon(l, q);
		l->calm += used;
	} else if (l->rate >= 0.9F * l->fastest) {
		l->mode = LIMIT_NONE; /* as fast as ever, and nothing is missing */
		return;
	} else { /* nothing was rationed: it is higher */
		l->limit = 1.1F * q;
	}
	regulate(l);
	if (l->calm < CALM_WINDOWS)
		return;
	remember(l, q);
	l->calm = 0;
	l->trying = true;
	set_rate(l, 1.5F * l->rate);
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
		set_rate(l, fminf(l->rate, fmaxf(fminf(2 * rate, (float)l->sent_before), rate)));
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

static void end_window(struct limit *l, uint64_t t)
{
	uint64_t ns = t - l->from_ns;
	float q = per_s(l->part_rst, ns), asked = per_s(l->part_sent, ns);
	float share = (float)l->part_rst / (float)(l->part_sent ? l->part_sent : 1);
	bool used = l->part_sent >= WINDOW_MIN && asked >= 0.8F * l->rate;
	bool all = l->density >= ALL_CLOSED;

	if (ns >= 200 * MS)
		l->peak = fmaxf(l->peak, q);
	if (q >= l->limit / 2)
		l->spent_ns = t;
	if (l->part_rst >= ENOUGH_RSTS) {
		l->twice = fmaxf(l->twice, fminf(q, l->last_q));
		l->last_q = q;
	}
	if (l->struck || (l->searching && q >= 0.9F * l->limit))
		end_search(l);
	else if (l->trying)
		end_try(l, q);
	else if (all && q >= 0.9F * l->limit)
		at_limit(l, q, share, ns, used);
	else if (q >= 0.97F * l->limit)
		too_much(l, q);
	else if (used)
		below_limit(l, q, share, ns);
	begin_part(l, t);
}

static uint64_t window_ns(const struct limit *l, uint64_t rtt_ns)
{
	uint64_t enough = (uint64_t)(100 / l->limit * 1e9F);

	if (l->clumped)
		return 2 * S;
	if (l->searching)
		return most(50 * MS, 4 * rtt_ns);
	return most(most(200 * MS, 4 * rtt_ns), enough < 2 * S ? enough : 2 * S);
}

/* --- the test --------------------------------------------------------------------------------- */

static void judge_test(struct limit *l, uint64_t t)
{
	uint32_t n = l->part_sent > l->part_other ? l->part_sent - l->part_other : 1;
	float q = per_s(l->part_rst, l->end_ns - l->from_ns), share = (float)l->part_rst / (float)n;
	float chance = 4 * sqrtf(l->share * (1 - l->share) / (float)n);

	l->tests++;
	l->mode = LIMIT_NONE;
	if (l->part_rst >= TEST_RSTS_MIN && share > l->believed && share > l->share + chance) {
		l->mode = LIMIT_ON;
		l->limit = fmaxf(q, fminf(l->rst_rate, 4 * q));
		l->density = 1;
		regulate(l);
	}
	begin_part(l, t);
}

/* A burst saved up in a pause is no rate: what was rationed over all the time it was, where known.
 */
float limit_rate(const struct limit *l)
{
	if (l->rationed_ns >= 2 * S)
		return per_s(l->rationed, l->rationed_ns);
	return l->twice > 0 ? l->twice : l->limit;
}

void limit_tick(struct limit *l, uint64_t t, uint64_t rtt_ns)
{
	uint64_t ns = t > l->from_ns ? t - l->from_ns : 0;

	if (l->mode == LIMIT_ON && (l->struck || ns >= window_ns(l, rtt_ns))) {
		end_window(l, t);
	} else if (l->mode == LIMIT_TEST && !l->end_ns) {
		if ((l->part_sent >= l->need && (!l->clumped || ns >= S + 100 * MS)) ||
		    (l->part_sent >= TEST_MIN && ns >= 5 * S))
			l->end_ns = t;
	} else if (l->mode == LIMIT_TEST && t - l->end_ns >= most(2 * rtt_ns, 30 * MS)) {
		judge_test(l, t);
	}
}

static bool is_clumped(const struct limit *l)
{
	uint64_t span = l->last_ns - l->first_ns, gap = l->gap_ns;

	if (l->rst < RSTS_MIN)
		return false;
	if (l->last_ns > l->rst_ns)
		gap = most(gap, l->last_ns - l->rst_ns);
	return l->drew_ns < l->first_ns + span / 2 ||
	       (gap >= 50 * MS && gap > CLUMP_GAPS * span / l->rst);
}

/*
 * Silent as a limiter's victim is? A limiter lets as many RSTs a second through as in the pass
 * before; where that has fallen, loss has left fewer to come.
 */
static bool is_suspect(const struct limit *l, uint32_t asked, float rst_rate)
{
	uint32_t silent = asked > l->rst ? asked - l->rst : 0;

	return l->tests < TESTS_MAX && l->rsts >= RSTS_MIN && l->rst >= RSTS_MIN_PASS &&
	       (float)silent > SILENT_SHARE * (float)l->sent &&
	       (l->clumped || rst_rate > l->rst_rate / 2);
}

/* Half as fast, or four times as fast as RSTs came: so many probes as tell loss from a limit. */
static void begin_test(struct limit *l, uint32_t asked, float before, uint64_t t)
{
	float slower;

	l->share = (float)l->rst / (float)asked;
	set_rate(l, fminf(4 * l->rst_rate, before / 2));
	slower = fminf(l->share * before / l->rate, 1); /* were it a limit */
	l->believed = fminf(1.5F * l->share, (l->share + slower) / 2);
	slower = 4 / (l->believed - l->share);
	slower *= slower * l->share * (1 - l->share);
	l->need = (uint32_t)fminf(fmaxf(slower, TEST_MIN), TEST_MAX);
	l->mode = LIMIT_TEST;
	begin_part(l, t);
}

static void suspect(struct limit *l, uint64_t t)
{
	uint64_t span = most(l->last_ns - l->first_ns, MS);
	uint32_t asked = l->sent > l->other ? l->sent - l->other : 0;
	bool suspected;

	l->clumped |= is_clumped(l);
	l->fastest = per_s(l->sent, span);
	if (l->clumped) /* what came in a part of a second was a whole one's */
		span = most(span, S);
	suspected = is_suspect(l, asked, per_s(l->rst, span));
	l->rst_rate = per_s(l->rst, span);
	if (suspected)
		begin_test(l, asked, per_s(l->sent, span), t);
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
	l->searching = l->trying = l->struck = l->raised = false;
	l->calm = l->flats = 0;
	regulate(l);
	begin_part(l, t);
}

void limit_begin_pass(struct limit *l, unsigned pass, uint64_t t)
{
	if (l->sent && l->mode == LIMIT_TEST) { /* it was short */
		l->end_ns = l->end_ns ? l->end_ns : most(l->last_ns, l->from_ns + 1);
		if (l->part_sent >= TEST_MIN && (l->part_rst || !l->clumped))
			judge_test(l, t);
		else
			l->mode = LIMIT_NONE;
	} else if (l->sent && l->mode == LIMIT_ON) {
		end_limited_pass(l);
	}
	if (l->sent && l->mode == LIMIT_NONE && pass)
		suspect(l, t);
	else if (l->mode == LIMIT_ON)
		begin_limited_pass(l, t);
	if (!pass)
		l->clean = 0;
	l->sent_before = l->sent;
	l->sent = l->rst = l->other = 0;
	l->n_recent = 0;
	l->tight = false;
	l->gap_ns = l->drew_ns = l->rst_ns = 0;
	l->peak = 0;
}
