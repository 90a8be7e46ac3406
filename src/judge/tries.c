/* tries: sums as they come, and the order of the round trips only when it is asked for. */
#include "judge/tries.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"

static uint64_t spread(uint64_t n)
{
	n *= UINT64_C(0x9e3779b97f4a7c15);
	return n ^ n >> 32;
}

static bool has_room(struct tries *t)
{
	if (t->n_kept == TRIES_KEPT_MAX)
		return false;
	return array_grow(&t->kept, t->n_kept, &t->cap, sizeof(*t->kept));
}

/* A reservoir, once there is no more room. */
static void keep(struct tries *t, uint32_t rtt_us)
{
	uint64_t at;

	if (has_room(t)) {
		t->kept[t->n_kept++] = rtt_us;
		return;
	}
	at = spread(t->rtts) % t->rtts;
	if (at < t->n_kept)
		t->kept[at] = rtt_us;
}

static void add_rtt(struct tries *t, uint32_t rtt_us)
{
	double off = rtt_us - t->mean_us;

	t->min_us = !t->rtts || rtt_us < t->min_us ? rtt_us : t->min_us;
	t->max_us = rtt_us > t->max_us ? rtt_us : t->max_us;
	t->rtts++;
	t->mean_us += off / (double)t->rtts;
	t->squares += off * (rtt_us - t->mean_us);
	keep(t, rtt_us);
}

void tries_add(struct tries *t, enum port_state state, bool answered, uint32_t rtt_us)
{
	t->made++;
	t->answered += answered;
	t->counts[state]++;
	if (rtt_us != UINT32_MAX)
		add_rtt(t, rtt_us);
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t percentile(const struct tries *t, unsigned percent)
{
	size_t rank = (t->n_kept * percent + 99) / 100;

	return t->kept[rank ? rank - 1 : 0];
}

void tries_sum_up(struct tries *t, struct tries_record *out)
{
	out->tries = t->made;
	out->answered = t->answered;
	out->late = t->late;
	for (int i = 0; i < PORT_STATES; i++)
		out->counts[i] = t->counts[i];
	out->rtts = t->rtts;
	out->min_us = t->min_us;
	out->max_us = t->max_us;
	out->mean_us = (uint32_t)lround(t->mean_us);
	out->mdev_us = t->rtts ? (uint32_t)lround(sqrt(t->squares / (double)t->rtts)) : 0;
	out->p50_us = out->p90_us = out->p99_us = 0;
	if (!t->n_kept)
		return;
	qsort(t->kept, t->n_kept, sizeof(*t->kept), ascending);
	out->p50_us = percentile(t, 50);
	out->p90_us = percentile(t, 90);
	out->p99_us = percentile(t, 99);
}

void tries_free(struct tries *t)
{
	free(t->kept);
	*t = (struct tries){0};
}
