/*
 * gates_cap: what one host or network may get. Cohorts of its probes are watched one at a time:
 * all that left in a while, and after two round trips what came of them. As long as that keeps up
 * with the cohorts before (ports that are filtered never answer, and addresses without a host), the
 * cap doubles; it never grows beyond what is made use of. It does not know whose cap it is.
 */
#include <math.h>

#include "engine/gates_private.h"

static const uint64_t COHORT_NS = 2000000;
static const uint64_t SETTLE_NS = 8000000; /* beside what the capture holds back */
static const double KEEPS_UP = 0.95, SHORT_OF = 0.7, BY_STEPS = 1.1;
static const double RATE_MAX = 2e7;
static const float KEEP = 0.9F, KEEP_SHORT = 0.1F;
enum { COHORT_MIN = 16, STEPS = 6 /* cohorts, after a loss */ };

void cap_init(struct cap *c, bool capped, uint64_t t)
{
	*c = (struct cap){.rate = capped ? GATE_RATE : INFINITY};
	cap_restart(c, t);
}

void cap_restart(struct cap *c, uint64_t t)
{
	c->from_ns = t;
	c->end_ns = 0;
	c->sent = c->answered = 0;
}

static bool in_cohort(const struct cap *c, uint64_t t)
{
	return t >= c->from_ns && (!c->end_ns || t < c->end_ns);
}

void cap_sent(struct cap *c, uint64_t t)
{
	c->sent += in_cohort(c, t);
}

void cap_answered(struct cap *c, uint64_t sent_ns, uint64_t rtt_ns)
{
	uint32_t us = (uint32_t)(rtt_ns / 1000);

	c->heard = true;
	if (rtt_ns)
		c->srtt_us = c->srtt_us ? c->srtt_us - c->srtt_us / 8 + us / 8 : us;
	c->answered += in_cohort(c, sent_ns);
}

static void learn(struct cap *c, float weight)
{
	c->usual_sent = c->usual_sent * KEEP + weight * (float)c->sent;
	c->usual_answered = c->usual_answered * KEEP + weight * (float)c->answered;
}

/* How many of the cohort answer as a rule, and how many fewer are chance: little is known at first.
 */
static double expected(const struct cap *c, double *chance)
{
	double n = (double)c->usual_sent, k = fmin((double)c->usual_answered, n), sent = c->sent;
	double share = (k + 1) / (n + 2);

	*chance = 3 * sqrt(sent * share * (1 - share) * (1 + sent / (n + 1)) + 1);
	return n > 0 ? k / n * sent : 0;
}

static void judge(struct cap *c, double least)
{
	double chance, usual = expected(c, &chance);

	if (c->answered >= KEEPS_UP * usual - chance) {
		if (!c->settled ||
		    c->rate <= least) /* nothing slower is known that it fell short of */
			learn(c, 1);
		if (c->refused && c->answered)
			c->rate = fmin(c->rate * (c->settled ? BY_STEPS : 2), RATE_MAX);
		c->refused = false;
		if (c->settled)
			c->settled--;
		return;
	}
	if (c->rate <= least) /* it is so at any rate: the usual, in the end */
		learn(c, KEEP_SHORT);
	c->rate = fmax(c->rate * SHORT_OF, fmin(c->rate, least));
	c->settled = STEPS;
}

void cap_tick(struct cap *c, uint64_t t, uint64_t lag_ns, double least)
{
	uint64_t rtt_ns = c->srtt_us * UINT64_C(1000);
	uint64_t length = rtt_ns / 2 > COHORT_NS ? rtt_ns / 2 : COHORT_NS;
	uint64_t settle = rtt_ns * 3 / 2 > SETTLE_NS ? rtt_ns * 3 / 2 : SETTLE_NS;

	if (!c->end_ns) {
		if (t - c->from_ns >= length && c->sent >= COHORT_MIN)
			c->end_ns = t;
		return;
	}
	if (t - c->end_ns < settle + lag_ns)
		return;
	if (c->heard)
		judge(c, least);
	cap_restart(c, t);
}
