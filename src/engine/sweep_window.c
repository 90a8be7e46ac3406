/*
 * sweep_window: which places a window has, which of its slots a pass asks, and how often a slot has
 * been asked. Bits and arithmetic: what is sent, and what an answer means, is decided elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/sweep_private.h"

void sweep_shard(uint64_t total, uint64_t i, uint64_t n, uint64_t *first, uint64_t *end)
{
	uint64_t each = total / n, rest = total % n;

	*first = each * (i - 1) + (i - 1 < rest ? i - 1 : rest);
	*end = *first + each + (i - 1 < rest);
}

uint64_t sweep_end(const struct sweep *s)
{
	return s->c->end_place ? s->c->end_place : s->c->space->total;
}

/* --- what an earlier run has found out -------------------------------------------------------- */

/* The first known window that ends at or behind `place`; NULL: none. */
static const struct place_range *known_from(const struct sweep *s, uint64_t place)
{
	const struct sweep_known *k = s->c->known;

	for (size_t i = 0; k && i < k->n_windows; i++)
		if (k->windows[i].last >= place)
			return &k->windows[i];
	return NULL;
}

uint64_t sweep_unknown_from(const struct sweep *s, uint64_t place)
{
	const struct place_range *r;

	while ((r = known_from(s, place)) && r->first <= place)
		place = r->last + 1;
	return place < sweep_end(s) ? place : sweep_end(s);
}

uint64_t sweep_known_from(const struct sweep *s, uint64_t place)
{
	const struct place_range *r = known_from(s, place);

	return r && r->first < sweep_end(s) ? r->first : sweep_end(s);
}

static int index_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool sweep_is_known(const struct sweep *s, uint64_t index)
{
	const struct sweep_known *k = s->c->known;

	return k && k->n_indices &&
	       bsearch(&index, k->indices, k->n_indices, sizeof(index), index_cmp);
}

void sweep_note_known(struct sweep *s)
{
	const struct sweep_known *k = s->c->known;

	for (size_t i = 0; s->heard && k && i < k->n_indices; i++) {
		struct point at;

		space_at(s->c->space, k->indices[i], &at);
		s->n_heard += !bit_get(s->heard, at.host);
		bit_set(s->heard, at.host);
	}
}

static void mark_known(struct sweep *s)
{
	const struct sweep_known *k = s->c->known;

	s->known = 0;
	for (size_t i = 0; k && i < k->n_indices; i++) {
		uint64_t place = permute_inverse(&s->perm, k->indices[i]);

		if (place < s->first || place >= s->first + s->size)
			continue;
		s->known++;
		for (uint64_t n = 0; n < s->c->n_kinds; n++)
			bit_set(s->done, (place - s->first) * s->c->n_kinds + n);
		s->undone -= s->c->n_kinds;
	}
}

/* --- tries that failed -------------------------------------------------------------------------
 */

void sweep_note_failed(struct sweep *s, uint64_t slot)
{
	if (!s->failed)
		s->failed = calloc(s->words, sizeof(*s->failed));
	if (s->failed)
		bit_set(s->failed, slot);
	else /* for want of memory: as if none had left */
		bit_set(s->unsent, slot);
}

bool sweep_any_failed(const struct sweep *s)
{
	for (uint64_t slot = 0; s->failed && slot < s->slots; slot++)
		if (bit_get(s->failed, slot) && !bit_get(s->done, slot))
			return true;
	return false;
}

/* --- a window --------------------------------------------------------------------------------- */

static int alloc_bits(struct sweep *s)
{
	size_t words = (size_t)(s->slots / 64 + 1);
	size_t times = (size_t)(s->slots >> s->times_shift) + 1;

	s->words = words;
	s->done = malloc(words * sizeof(*s->done));
	s->pending = malloc(words * sizeof(*s->pending));
	s->unsent = malloc(words * sizeof(*s->unsent));
	s->times[0] = calloc(times, sizeof(**s->times));
	s->times[1] = calloc(times, sizeof(**s->times));
	return s->done && s->pending && s->unsent && s->times[0] && s->times[1] ? 0 : -1;
}

/* Where there is no room for all who answered, a window's hosts go with it. */
static void forget_hosts(struct sweep *s)
{
	if (s->hosts.n > HOSTS_KEPT)
		hosts_clear(&s->hosts);
	for (size_t i = 0; i < s->hosts.n; i++)
		s->hosts.v[i].since = s->hosts.v[i].spared = 0;
}

int sweep_window_open(struct sweep *s, uint64_t first, uint64_t most, struct err *e)
{
	uint64_t end = sweep_known_from(s, first);
	size_t words;

	s->first = first;
	s->size = end - first < most ? end - first : most;
	s->largest = s->size > s->largest ? s->size : s->largest;
	s->slots = s->undone = s->size * s->c->n_kinds;
	s->pass = s->late = 0;
	s->cursor = s->pathless = 0;
	s->limited_only = s->spoilt = false;
	s->spared = 0;
	s->canary = (struct canary){0};
	for (size_t i = 0; i < s->w->n_paths; i++) /* of this window they saw nothing */
		s->fates[i].pass = 0, s->fates[i].slot = 0;
	if (!s->done) { /* room for the largest there is */
		uint64_t slots = s->slots;

		s->slots = (sweep_end(s) < most ? sweep_end(s) : most) * s->c->n_kinds;
		while (s->slots >> s->times_shift > TIMES_MAX)
			s->times_shift++;
		if (alloc_bits(s) < 0)
			return err_set(e, "out of memory for a window of %llu probes",
				       (unsigned long long)s->slots);
		s->slots = slots;
	}
	words = (size_t)(s->slots / 64 + 1);
	memset(s->done, 0, words * sizeof(*s->done));
	memset(s->unsent, 0xff, words * sizeof(*s->unsent));
	if (s->failed)
		memset(s->failed, 0, words * sizeof(*s->failed));
	forget_hosts(s);
	mark_known(s);
	return 0;
}

void sweep_window_end_at(struct sweep *s, uint64_t places)
{
	uint64_t kinds = s->c->n_kinds;

	for (uint64_t i = places; i < s->size; i++) {
		bool known = bit_get(s->done, i * kinds);

		s->known -= known;
		s->undone -= known ? 0 : kinds;
	}
	s->size = places;
	s->slots = places * kinds;
}

/* A host with a reset limit is asked again after the others, as long as it sends all it can. */
static void spare_hosts(struct sweep *s)
{
	unsigned enough = sweep_clean_enough(s);

	s->spared++;
	for (size_t i = 0; i < s->hosts.n; i++) {
		struct host *h = &s->hosts.v[i];
		struct point at = {.host = h->number};
		struct gate_limit l;

		at.span = space_span_of_host(s->c->space, at.host);
		l = gates_limit(s->gates, &at);
		/* as long as a pass draws anything, there is more */
		h->spare = !l.limited || (l.clean >= enough && h->answers == h->answers_then);
		h->answers_then = h->answers;
		h->spared += h->spare;
	}
}

void sweep_begin_pass(struct sweep *s)
{
	size_t words = (size_t)(s->slots / 64);

	if (s->limited_only)
		spare_hosts(s);

	for (size_t i = 0; i <= words; i++)
		s->pending[i] = ~s->done[i];
	s->pending[words] &= (1ULL << (s->slots % 64)) - 1;
	s->cursor = 0;
	s->rounds = 0;
	s->pass_sent = 0;
	s->starved = s->in_vain = false;
	s->hold_until_ns = 0;
	s->round = (struct round){.heard_then = s->n_heard};
}

/* --- hosts that keep silent ------------------------------------------------------------------- */

/* The ports of the host that are in a window, in the mean. */
static uint64_t ports_in_window(const struct sweep *s, const struct point *at)
{
	uint64_t ports = ports_count(at->span->ports);

	return s->largest == s->c->space->total
		   ? ports
		   : (uint64_t)((double)ports * (double)s->largest / (double)s->c->space->total);
}

bool sweep_gives_up(const struct sweep *s, const struct point *at)
{
	return s->c->skip_dead && s->heard && !bit_get(s->heard, at->host) &&
	       ports_in_window(s, at) >= (uint64_t)HANDFUL * HANDFUL_WORTH;
}

bool sweep_in_handful(const struct sweep *s, const struct point *at, uint64_t slot)
{
	uint32_t mixed =
	    (uint32_t)((slot / s->c->n_kinds + s->c->seed) * 0x9e3779b97f4a7c15ULL >> 32);

	if (s->c->likely && s->c->likely(at->port))
		return true;
	return (uint64_t)mixed * ports_in_window(s, at) >> 32 < HANDFUL;
}

/* Passes of all that have been made in which the slot was not asked, or perhaps not. */
static unsigned passes_missed(const struct sweep *s, const struct point *at, uint64_t slot,
			      unsigned tries)
{
	const struct host *h = NULL;
	unsigned missed = s->spared;

	if (s->late || s->spared || s->n_gone)
		h = hosts_find(&s->hosts, at->host);
	if (!h)
		return missed;
	missed = h->spared;
	if (h->gone && tries > h->gone_in)
		missed += tries - h->gone_in;
	if (!sweep_in_handful(s, at, slot))
		missed += h->since;
	return missed;
}

unsigned sweep_tries_of(const struct sweep *s, const struct point *at, uint64_t slot)
{
	const struct path_fate *fate;
	unsigned tries, missed;

	if (at->span->path == PATH_NONE || bit_get(s->unsent, slot))
		return 0;
	if (s->failed && bit_get(s->failed, slot))
		return 1; /* at least */
	fate = &s->fates[at->span->path];
	tries =
	    fate->dead ? fate->pass + (slot < fate->slot) : s->pass + !bit_get(s->pending, slot);
	missed = passes_missed(s, at, slot, tries);
	return tries > missed ? tries - missed : 1; /* it has left */
}
