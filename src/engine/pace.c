/* pace: the rules of the rate, in the caller's time. */
#include "engine/pace.h"

#include <math.h>

static const double BURST_S = 0.001;
static const double RATE_MAX = 2e7;
static const uint64_t EPOCH_MIN_NS = 5000000;

static double clamp(double v, double lo, double hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

void pace_init(struct pace *p, double rate, uint64_t hosts, uint64_t now_ns)
{
	*p = (struct pace){.credit_ns = now_ns, .epoch_ns = now_ns};
	p->automatic = rate <= 0;
	p->unlimited = isinf(rate);
	p->rate = rate;
	if (p->automatic)
		p->rate =
		    clamp((double)PACE_HOST_RATE * (double)hosts, PACE_HOST_RATE, PACE_SILENT_RATE);
	p->floor = p->rate;
	p->ceiling = RATE_MAX;
	p->credit = 1;
}

void pace_limit(struct pace *p, double ceiling)
{
	if (!p->automatic)
		return;
	p->ceiling = ceiling;
	p->rate = fmin(p->rate, ceiling);
	p->floor = fmin(p->floor, ceiling);
}

static double bucket(const struct pace *p)
{
	return fmax(1, p->rate * BURST_S);
}

unsigned pace_budget(struct pace *p, uint64_t now_ns)
{
	if (p->unlimited)
		return PACE_BATCH;
	if (now_ns > p->credit_ns) {
		p->credit += p->rate * (double)(now_ns - p->credit_ns) / 1e9;
		p->credit = fmin(p->credit, bucket(p));
	}
	p->credit_ns = now_ns;
	return (unsigned)clamp(p->credit, 0, PACE_BATCH);
}

void pace_spend(struct pace *p, unsigned n)
{
	p->credit -= n;
	p->epoch_sent += n;
}

uint64_t pace_next(const struct pace *p, uint64_t now_ns)
{
	double missing = 1 - p->credit;

	if (p->unlimited || missing <= 0)
		return now_ns;
	return p->credit_ns + (uint64_t)ceil(missing / p->rate * 1e9);
}

void pace_answered(struct pace *p)
{
	p->epoch_answered++;
	p->answered++;
}

/* Answers of this epoch were drawn by probes of it and of the one before. */
static double share_answered(const struct pace *p)
{
	double asked = fmin((double)p->epoch_sent, (double)(p->epoch_sent + p->before_sent) / 2);

	return asked < 1 ? 0 : fmin(1, (double)p->epoch_answered / asked);
}

static void judge_epoch(struct pace *p, bool lost)
{
	double share = share_answered(p);

	if (p->answered && p->floor < PACE_SILENT_RATE)
		p->floor = fmin(PACE_SILENT_RATE,
				p->ceiling); /* somebody is there: silence of ports is no loss */
	if (lost) {
		p->rate = p->rate * 0.5;
	} else if (p->epoch_answered >= 5 && share >= 0.95 * p->reference) {
		p->rate = p->rate * 2;
	} else if (p->epoch_answered >= 5 && share < 0.8 * p->reference) {
		p->rate = p->rate * 0.7;
	}
	p->reference = fmax(share, 0.9 * p->reference + 0.1 * share);
	p->rate = clamp(p->rate, p->floor, p->ceiling);
}

void pace_tick(struct pace *p, uint64_t now_ns, uint64_t rtt_ns, bool lost)
{
	uint64_t length = 2 * rtt_ns > EPOCH_MIN_NS ? 2 * rtt_ns : EPOCH_MIN_NS;

	if (!p->automatic || now_ns - p->epoch_ns < length || (p->epoch_sent < 10 && !lost))
		return;
	judge_epoch(p, lost);
	p->before_sent = p->epoch_sent;
	p->epoch_sent = p->epoch_answered = 0;
	p->epoch_ns = now_ns;
}

void pace_pass(struct pace *p, double loss)
{
	if (p->automatic && loss > 0.02)
		p->rate = fmax(p->rate * 0.7, p->floor);
}
