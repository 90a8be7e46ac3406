/*
 * gates_suspect: does a host ration its RSTs?
 *
 * Loss and filtered ports take the same share of the answers at any rate; a limiter gives the same
 * number a second. So where a good part of a pass stayed silent, the next one begins slower, with
 * groups of probes: each makes a limiter likelier or less likely, until one or the other is plain
 * (a sequential test). If it is less likely, the RSTs/s that came tell at which rate a limiter
 * would answer all, and the next stage asks at that. What saved up a burst answers fast at first,
 * whatever its limit, and who counts by the second keeps silent for the rest of it: so few RSTs in
 * no time tell of no rate, and where all came at the beginning a whole second is looked at.
 *
 * It knows nothing of other hosts, and not how fast one that is limited is asked.
 */
#include <math.h>

#include "engine/gates_private.h"

static const uint64_t MS = 1000000, S = 1000000000;
static const float SILENT_SHARE = 0.08F, LOSSY = 0.6F, MUCH = 0.7F;
static const float SLOW = 1000, SLOWEST = 15; /* probes/s */
static const float PLAIN = 12, UNLIKELY = -5; /* scores */
static const float FRONT = 14;		      /* -log of the chance */
enum {
	RSTS_MIN = 5,	 /* in the run */
	TESTS_MAX = 3,	 /* a host */
	STAGES_MAX = 2,	 /* a test */
	BURST = 100,	 /* RSTs that may have been saved up */
	DRAWN_MIN = 4,	 /* RSTs that tell a limit */
	GROUP_MIN = 5,	 /* probes */
	ASKED_MAX = 400, /* a stage */
	CLUMP_GAPS = 20, /* times the mean gap */
	CLUMP_RSTS_MIN = 20,
	BATCH = 64, /* probes that leave as if at one time */
};

/* The share that k of n stand for, at most. */
static float at_most(uint32_t k, uint32_t n)
{
	float all = (float)(n ? n : 1), some = (float)k,
	      spread = sqrtf(some * (1 - some / all) + 1);

	return fminf((some + 1 + 2 * spread) / all, 0.97F);
}

/* A limiter's share at a lower rate may be anything above; its square root is far enough. */
static void score(struct suspicion *x, uint32_t asked, uint32_t drawn)
{
	float limited = sqrtf(x->share);

	if (x->share > MUCH) /* nearly all is soon told from all */
		limited = 1 - (1 - x->share) / 6;
	if (x->stage > 1) /* at a rate that a limiter lets through */
		limited = fmaxf(limited, 0.5F);
	x->score += (float)drawn * logf(limited / x->share);
	x->score += (float)(asked - drawn) * logf((1 - limited) / (1 - x->share));
	if (x->front) /* silence for a while is what such a limiter does */
		x->score = fmaxf(x->score, 0);
}

static void begin_stage(struct limit *l, float rate, uint64_t t)
{
	struct suspicion *x = &l->suspicion;

	x->stage++;
	x->score = 0;
	x->asked = x->drawn = 0;
	x->begun_ns = t;
	limit_set_rate(l, rate);
	limit_begin_part(l, t);
}

static void prove(struct limit *l, uint64_t t)
{
	const struct suspicion *x = &l->suspicion;
	float q = l->rate * (float)x->drawn / (float)x->asked;

	if (l->clumped)
		q = fmaxf(q, x->once);
	limit_on(l, q, x->drawn, t);
}

static void next_stage(struct limit *l, uint64_t t)
{
	struct suspicion *x = &l->suspicion;
	uint64_t ns = l->end_ns - x->from_ns;
	float q = per_s(2 * x->drawn + 1, 2 * ns);
	bool waits = x->front && ns < S + 100 * MS;

	float share = (float)x->drawn / (float)(x->asked ? x->asked : 1);

	x->share = fminf(x->share, at_most(x->drawn, x->asked));
	if (share > LOSSY || (!waits && (!x->drawn || q < SLOWEST || x->stage >= STAGES_MAX))) {
		l->mode = LIMIT_NONE;
		return;
	}
	if (x->drawn)
		x->from_ns = l->end_ns;
	begin_stage(l, fmaxf(fminf(q, l->rate / 2), waits ? 4 * SLOWEST : SLOWEST), t);
}

static bool stage_over(const struct limit *l)
{
	const struct suspicion *x = &l->suspicion;
	uint64_t ns = l->end_ns - x->begun_ns;

	if (x->asked >= ASKED_MAX)
		return true;
	if (x->front && x->stage > 1)
		return l->end_ns > x->from_ns + S + 100 * MS;
	return ns >= 50 * MS && x->score <= (x->front ? 0 : UNLIKELY / (float)x->stage);
}

/* Silence, and then RSTs again: the next second has begun. */
static void note_wait(struct limit *l, uint32_t drawn)
{
	struct suspicion *x = &l->suspicion;

	x->heard = drawn > 0;
	l->clumped |= x->heard && x->silent && l->end_ns > x->from_ns + 100 * MS;
	x->silent |= !x->heard;
}

static void end_group(struct limit *l, uint64_t t)
{
	struct suspicion *x = &l->suspicion;
	uint32_t asked = l->part_sent > l->part_other ? l->part_sent - l->part_other : 0;
	uint32_t drawn = l->part_rst < asked ? l->part_rst : asked;

	if (x->front && !x->heard)
		note_wait(l, drawn);
	score(x, asked, drawn);
	x->asked += asked;
	x->drawn += drawn;
	if (x->score >= PLAIN && x->drawn >= DRAWN_MIN)
		prove(l, t);
	else if (stage_over(l))
		next_stage(l, t);
	else
		limit_begin_part(l, t);
}

void suspect_tick(struct limit *l, uint64_t t, uint64_t rtt_ns)
{
	uint32_t group = (uint32_t)(l->rate * 0.03F);
	uint64_t settle = 2 * rtt_ns > 30 * MS ? 2 * rtt_ns : 30 * MS;

	if (!l->end_ns && l->part_sent >= (group > GROUP_MIN ? group : GROUP_MIN))
		l->end_ns = t;
	if (l->end_ns && t - l->end_ns >= settle)
		end_group(l, t);
}

/* --- is there anything to suspect? ------------------------------------------------------------ */

/* Who answers only what came first: by chance, with a probability of share ^ rst. */
static bool is_front(const struct limit *l)
{
	float span = (float)(l->last_ns - l->first_ns), last = 1;
	uint32_t tail = l->unheeded < l->sent ? l->unheeded : l->sent;

	if (l->drew_ns >= l->first_ns && l->drew_ns < l->last_ns)
		last = (float)(l->drew_ns - l->first_ns) / span;
	last = fminf(last, 1 - (float)tail / (float)l->sent); /* the rate may have grown */
	last = fmaxf(last, (float)BATCH / (float)l->sent);
	return last < 1 && -logf(last) * (float)l->rst > FRONT;
}

/* RSTs in clumps, in a pass that took longer than one. */
static bool is_clumped(const struct limit *l)
{
	uint64_t span = l->last_ns - l->first_ns, gap = l->gap_ns;

	if (l->rst < CLUMP_RSTS_MIN)
		return false;
	if (l->last_ns > l->rst_ns && l->last_ns - l->rst_ns > gap)
		gap = l->last_ns - l->rst_ns;
	return gap >= 50 * MS && gap > CLUMP_GAPS * span / l->rst;
}

static bool is_silent(const struct limit *l, uint32_t asked)
{
	uint32_t silent = asked > l->rst ? asked - l->rst : 0;

	return (float)silent > SILENT_SHARE * (float)l->sent;
}

void suspect_begin(struct limit *l, uint64_t t)
{
	uint64_t span = l->last_ns - l->first_ns > MS ? l->last_ns - l->first_ns : MS;
	uint32_t asked = l->sent > l->other ? l->sent - l->other : 0;
	float before = per_s(l->sent, span);
	float lasting = per_s(l->rst > BURST ? l->rst - BURST : 0, span);
	bool front = !l->tests && is_front(l);

	l->fastest = before;
	if (l->tests == TESTS_MAX || l->rsts < RSTS_MIN || l->rst < (l->tests ? RSTS_MIN : 1) ||
	    !is_silent(l, asked) || (lasting > LIMIT_FASTEST && !front))
		return;
	l->clumped |= !l->tests && is_clumped(l); /* a test has gaps of its own */
	front |= l->clumped;
	if (front)
		lasting = 0;
	l->tests++;
	l->mode = LIMIT_TEST;
	l->suspicion = (struct suspicion){
	    .front = front,
	    .share = at_most(l->rst, asked),
	    .once = fmaxf(l->suspicion.once, per_s(l->rst, span > S ? span : S)),
	    .steady = span >= S ? per_s(l->rst, span) : 0,
	    .from_ns = l->last_ns,
	};
	begin_stage(l, fminf(fmaxf(SLOW, lasting), before / 2), t);
}
