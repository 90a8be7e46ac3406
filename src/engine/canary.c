/*
 * canary: which of those that answered are asked again, when, and what became of it. It decides
 * nothing about the rate (pace does), and does not know what its numbers stand for.
 */
#include "engine/canary.h"

static uint64_t spread(uint64_t n)
{
	n *= UINT64_C(0x9e3779b97f4a7c15);
	return n ^ n >> 32;
}

/* A reservoir: each of all that answered is as likely to be kept, whenever it did. */
void canary_learn(struct canary *c, uint64_t what)
{
	uint64_t at = c->learnt < CANARIES ? c->learnt : spread(c->learnt) % (c->learnt + 1);

	c->learnt++;
	if (at >= CANARIES)
		return;
	c->known[at] = what;
	c->n_known += c->n_known <= at;
}

void canary_count(struct canary *c, unsigned n)
{
	c->since += n;
}

static struct canary_flight *flight_of(struct canary *c, uint64_t what)
{
	for (unsigned i = 0; i < c->n_flying; i++)
		if (c->flying[i].what == what)
			return &c->flying[i];
	return NULL;
}

static void land(struct canary *c, struct canary_flight *f)
{
	*f = c->flying[--c->n_flying];
}

bool canary_due(struct canary *c, uint64_t now_ns, uint64_t *what)
{
	if (c->since < CANARY_EVERY || !c->n_known || c->n_flying == CANARIES)
		return false;
	c->next_known = (c->next_known + 1) % c->n_known;
	*what = c->known[c->next_known];
	if (flight_of(c, *what))
		return false;
	c->since = 0;
	c->flying[c->n_flying++] = (struct canary_flight){.what = *what, .at_ns = now_ns};
	return true;
}

bool canary_answered(struct canary *c, uint64_t what)
{
	struct canary_flight *f = flight_of(c, what);

	if (!f)
		return false;
	land(c, f);
	c->asked++;
	return true;
}

/* Where the clock has jumped far beyond the RTO, silence says nothing. */
void canary_tick(struct canary *c, uint64_t now_ns, uint64_t rto_ns)
{
	for (unsigned i = c->n_flying; i-- > 0;) {
		uint64_t at = c->flying[i].at_ns, age = now_ns > at ? now_ns - at : 0;

		if (age <= rto_ns)
			continue;
		land(c, &c->flying[i]);
		if (age / 64 > rto_ns)
			continue;
		c->asked++;
		c->silent++;
	}
}

void canary_take(struct canary *c, uint64_t *asked, uint64_t *lost)
{
	*asked = c->asked;
	*lost = c->silent;
	c->asked = c->silent = 0;
}
