/*
 * pace: the rules of the rate, in the caller's time.
 *
 * Auto asks one question: does more get lost at this rate than at slower ones? Loss that is there
 * at every rate (a bad radio link, filtered ports, addresses without a host) is no congestion, and
 * slowing down would not mend it. So what was asked and answered is kept by the rate it was sent
 * at, and only a share that is worse by 2 % and more than chance takes a factor off: against slower
 * rates (the rate is too high), or against this rate before (the path has changed). In passes over
 * what kept silent only canaries tell a share; where no slower rate is known, one step down finds
 * out whether the loss goes with it. Drops and full buffers are our own doing, and always count.
 *
 * Without a word from anybody it stays where it began. No sign but those of our own doing and of
 * canaries takes it below 10,000/s, and nothing below 1,000/s.
 */
#include "engine/pace.h"

#include <math.h>
#include <stddef.h>

static const double BURST_S = 0.001;
static const double RATE_MAX = 2e7;
static const double BIN_RATE = 500; /* the lowest bin */
static const uint64_t EPOCH_MIN_NS = 4000000;
static const uint64_t SETTLE_MIN_NS = 3000000; /* beside what the capture holds back (lag_ns) */
static const double WORSE = 0.02;	       /* of what is answered at slower rates */
static const double SIGMAS = 3.2;	       /* beyond chance: there are many epochs */
static const double KEEP = 0.98;	       /* of older first tries, an epoch */
static const double CANARIES_KEPT = 200;
enum { COHORT_MIN = 10, CANARIES_MIN = 20, REFERENCE_MIN = 100 };

static double clamp(double v, double lo, double hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- the bucket ------------------------------------------------------------------------------- */

void pace_init(struct pace *p, double rate, uint64_t hosts, uint64_t now_ns)
{
	*p = (struct pace){.credit_ns = now_ns, .epoch_ns = now_ns};
	p->cohorts[0] = (struct pace_cohort){.from_ns = now_ns, .firsts = true};
	for (unsigned i = 1; i < PACE_COHORTS; i++)
		p->cohorts[i] = (struct pace_cohort){.from_ns = now_ns, .judged = true};
	p->automatic = rate <= 0;
	p->unlimited = isinf(rate);
	p->rate = rate;
	if (p->automatic)
		p->rate =
		    clamp((double)PACE_HOST_RATE * (double)hosts, PACE_HOST_RATE, PACE_SILENT_RATE);
	p->start = p->rate;
	p->floor = PACE_HOST_RATE;
	p->ceiling = RATE_MAX;
	p->credit = 1;
}

void pace_limit(struct pace *p, double ceiling)
{
	if (!p->automatic)
		return;
	p->ceiling = ceiling;
	p->rate = fmin(p->rate, ceiling);
	p->start = fmin(p->start, ceiling);
	p->floor = fmin(p->floor, ceiling);
}

static double bucket(const struct pace *p)
{
	return fmax(1, p->rate * BURST_S);
}

unsigned pace_budget(struct pace *p, uint64_t now_ns)
{
	if (p->unlimited)
		return UINT32_MAX;
	if (now_ns > p->credit_ns) {
		p->credit += p->rate * (double)(now_ns - p->credit_ns) / 1e9;
		p->credit = fmin(p->credit, bucket(p));
	}
	p->credit_ns = now_ns;
	return (unsigned)clamp(p->credit, 0, UINT32_MAX);
}

void pace_spend(struct pace *p, unsigned n)
{
	if (!p->unlimited)
		p->credit -= n;
}

static struct pace_cohort *cohort_of(struct pace *p, uint64_t sent_ns)
{
	for (unsigned i = 0; i < PACE_COHORTS; i++)
		if (sent_ns >= p->cohorts[i].from_ns)
			return &p->cohorts[i];
	return NULL;
}

void pace_left(struct pace *p, unsigned n, uint64_t at_ns)
{
	struct pace_cohort *c = cohort_of(p, at_ns);

	if (c)
		c->sent += n;
}

void pace_refund(struct pace *p, unsigned n)
{
	if (!p->unlimited)
		p->credit = fmin(p->credit + n, bucket(p));
}

uint64_t pace_next(const struct pace *p, uint64_t now_ns)
{
	double missing = 1 - p->credit;
	uint64_t at;

	if (p->unlimited || missing <= 0)
		return now_ns;
	at = p->credit_ns + (uint64_t)ceil(missing / p->rate * 1e9);
	return at > now_ns ? at : now_ns;
}

/* --- what is lost, by the rate ---------------------------------------------------------------- */

void pace_answered(struct pace *p, uint64_t sent_ns)
{
	struct pace_cohort *c = cohort_of(p, sent_ns);

	if (c)
		c->answered++;
}

static unsigned bin_of(double rate)
{
	return (unsigned)clamp(2 * log2(fmax(rate, 1) / BIN_RATE), 0, PACE_BINS - 1);
}

static void add(struct pace_bin *to, const struct pace_bin *b)
{
	to->asked += b->asked;
	to->answered += b->answered;
	to->canaries += b->canaries;
	to->carried += b->carried;
}

static struct pace_bin slower_than(const struct pace *p, unsigned bin)
{
	struct pace_bin all = {0};

	for (unsigned i = 0; i < bin; i++)
		add(&all, &p->bins[i]);
	return all;
}

/* Does k of n fall short of what k0 of n0 lets expect, by what matters and by more than chance? */
static bool worse(double n, double k, double n0, double k0)
{
	double share, share0, both, sigma;

	if (n < COHORT_MIN || n0 < COHORT_MIN)
		return false;
	share = k / n;
	share0 = k0 / n0;
	both = clamp((k + k0) / (n + n0), 0, 1);
	sigma = sqrt(both * (1 - both) * (1 / n + 1 / n0));
	return share0 - share > fmax(WORSE * share0, SIGMAS * sigma + 1 / n);
}

static double rate_of(const struct pace_cohort *c)
{
	return (double)c->sent / (double)(c->end_ns - c->from_ns + 1) * 1e9;
}

/* Files a cohort that has had its time under its rate. Has too much of it been lost? */
static bool cohort_lost(struct pace *p, const struct pace_cohort *c)
{
	unsigned at = bin_of(rate_of(c));
	struct pace_bin *own = &p->bins[at], slower = slower_than(p, at);
	double n = (double)c->sent, k = fmin((double)c->answered, n);
	bool lost = worse(n, k, own->asked, own->answered);

	for (unsigned i = 0; i < PACE_BINS; i++) {
		p->bins[i].asked *= KEEP;
		p->bins[i].answered *= KEEP;
	}
	own->asked += n;
	own->answered += k;
	lost |= worse(own->asked, own->answered, slower.asked, slower.answered);
	return lost && c->from_ns >= p->cut_ns;
}

/* Judges the cohorts that have had the time to answer; *last is the latest of them, or NULL. */
static bool cohorts_lost(struct pace *p, uint64_t now_ns, uint64_t rtt_ns,
			 const struct pace_cohort **last)
{
	uint64_t settle = most(rtt_ns + rtt_ns / 2, SETTLE_MIN_NS) + p->seen.lag_ns;
	bool lost = false;

	*last = NULL;
	for (unsigned i = PACE_COHORTS; i-- > 1;) {
		struct pace_cohort *c = &p->cohorts[i];

		if (c->judged || now_ns - c->end_ns < settle)
			continue;
		c->judged = true;
		if (!c->firsts || c->sent < COHORT_MIN)
			continue;
		*last = c;
		lost |= cohort_lost(p, c);
	}
	return lost;
}

static bool canaries_lost(struct pace *p, double rate)
{
	unsigned at = bin_of(rate);
	/* the next bin may be slower by a hair, and canaries are few */
	struct pace_bin *own = &p->bins[at], slower = slower_than(p, at ? at - 1 : 0);
	const struct pace_bin *faster = own + 1; /* the nearest that is known: the latest */

	own->canaries += (double)p->seen.canaries;
	own->carried += (double)(p->seen.canaries - p->seen.canaries_lost);
	if (own->canaries > CANARIES_KEPT) {
		own->canaries /= 2;
		own->carried /= 2;
	}
	p->cut_canaries += p->seen.canaries;
	p->step_canaries += p->seen.canaries;
	if (own->canaries < CANARIES_MIN || p->cut_canaries < CANARIES_MIN)
		return false;
	if (own->carried < own->canaries / 2) /* no path is as bad as that at any rate */
		return true;
	if (slower.canaries >= CANARIES_MIN)
		return worse(own->canaries, own->carried, slower.canaries, slower.carried);
	if (own->carried >= (1 - WORSE) * own->canaries)
		return false;
	while (faster < p->bins + PACE_BINS && faster->canaries < CANARIES_MIN)
		faster++;
	/* Nothing slower is known: a step down tells, a second one where the first has helped. */
	return faster == p->bins + PACE_BINS ||
	       worse(faster->canaries, faster->carried, own->canaries, own->carried);
}

/*
 * Answers that only retries drew tell the loss of the pass before. They count once a window, where
 * that pass ran at one rate, so that nothing slower was there to compare with.
 */
static bool retries_lost(struct pace *p, double rate)
{
	struct pace_bin slower = slower_than(p, bin_of(rate));

	if (p->retried_heeded || p->retried < CANARIES_MIN || slower.asked >= REFERENCE_MIN)
		return false;
	p->retried_heeded = (double)p->retried > WORSE * (double)(p->answered + p->retried);
	return p->retried_heeded;
}

/* --- an epoch --------------------------------------------------------------------------------- */

static void back_off(struct pace *p, double factor, double floor, uint64_t now_ns)
{
	double least = fmin(p->rate, fmax(floor, p->floor));

	p->rate = clamp(p->rate * factor, least, p->ceiling);
	p->settled = true;
	p->cut_ns = now_ns;
	p->cut_canaries = p->step_canaries = 0;
}

/* Never far beyond what is really sent: an unused rate proves nothing. */
static void grow(struct pace *p, double used, bool first_pass)
{
	double to = fmin(p->rate * (p->settled || !first_pass ? 1.05 : 2), 2 * used);

	p->step_canaries = 0;
	p->rate = clamp(fmax(p->rate, to), p->floor, p->ceiling);
}

static bool keeps_up(const struct pace *p, const struct pace_cohort *last, bool first_pass)
{
	if (!first_pass)
		return p->seen.canaries > p->seen.canaries_lost &&
		       p->step_canaries >= CANARIES_MIN / 2;
	return last && last->answered && last->from_ns >= p->cut_ns &&
	       p->bins[bin_of(rate_of(last))].answered >= COHORT_MIN / 2;
}

/* How much a share that fell short takes off. */
static double shortfall(const struct pace *p, const struct pace_cohort *last)
{
	struct pace_bin slower = slower_than(p, bin_of(rate_of(last)));
	double share = (double)last->answered / (double)last->sent;

	if (slower.answered < 1)
		return 0.7;
	return clamp(share * slower.asked / slower.answered, 0.5, 0.7);
}

static void judge_epoch(struct pace *p, uint64_t now_ns, uint64_t rtt_ns, bool first_pass)
{
	const struct pace_cohort *last;
	double used = rate_of(&p->cohorts[0]);
	bool lost = cohorts_lost(p, now_ns, rtt_ns, &last);
	bool silent = canaries_lost(p, used);

	if (p->seen.dropped || p->seen.no_room)
		back_off(p, p->settled ? 0.7 : 0.5, p->floor, now_ns);
	else if (silent)
		back_off(p, 0.7, p->floor, now_ns);
	else if (lost)
		back_off(p, shortfall(p, last), PACE_SILENT_RATE, now_ns);
	else if (!first_pass && retries_lost(p, used))
		back_off(p, 0.7, PACE_SILENT_RATE, now_ns);
	else if (keeps_up(p, last, first_pass))
		grow(p, used, first_pass);
	else if (p->rate < p->start) /* back to where silence stays */
		p->rate = fmin(p->rate * 1.05, p->start);
}

static void gather(struct pace *p, const struct pace_seen *seen, bool first_pass)
{
	p->seen.answered += seen->answered;
	p->seen.retried_answered += seen->retried_answered;
	p->seen.canaries += seen->canaries;
	p->seen.canaries_lost += seen->canaries_lost;
	p->seen.lag_ns = seen->lag_ns;
	p->seen.dropped |= seen->dropped;
	p->seen.no_room |= seen->no_room;
	p->cohorts[0].firsts &= first_pass;
}

void pace_tick(struct pace *p, uint64_t now_ns, uint64_t rtt_ns, bool first_pass,
	       const struct pace_seen *seen)
{
	uint64_t length = most(rtt_ns + rtt_ns / 2, EPOCH_MIN_NS);
	bool urgent;

	if (!p->automatic)
		return;
	gather(p, seen, first_pass);
	urgent = p->seen.dropped || p->seen.no_room;
	if (now_ns <= p->epoch_ns || now_ns - p->epoch_ns < length ||
	    (p->cohorts[0].sent < COHORT_MIN && !urgent))
		return;
	p->answered += p->seen.answered;
	p->retried += p->seen.retried_answered;
	p->retried_heeded &= !first_pass;
	p->cohorts[0].end_ns = now_ns;
	judge_epoch(p, now_ns, rtt_ns, first_pass);
	for (unsigned i = PACE_COHORTS; i-- > 1;)
		p->cohorts[i] = p->cohorts[i - 1];
	p->cohorts[0] = (struct pace_cohort){.from_ns = now_ns, .firsts = true};
	p->epoch_ns = now_ns;
	p->seen = (struct pace_seen){0};
}
