/*
 * provoke_idle: what each connection that lay idle tells, the interval that they leave for the
 * time-out, and which rests would narrow it. Doubling first, then evenly between the ends; a
 * connection that was never opened tells nothing.
 */
#include "judge/provoke_bits.h"

enum { EVEN_MAX = 14 };
static const uint64_t second = 1000000000;

/* Before it was used again; `at_ns` 0: never. */
static bool is_by_itself(const struct exchange *use, uint64_t at_ns)
{
	return at_ns && (!use->tries || at_ns < use->asked_ns);
}

enum idle_end provoke_idle_end(const struct line_facts *l, uint64_t *after_ns)
{
	const struct exchange *use = &l->at[MARK_USE];
	uint64_t reset_ns = l->resets ? l->reset_ns[0] : 0;

	*after_ns = l->rest_ns;
	if (l->end != LINE_OPEN)
		return IDLE_UNTOLD;
	if (is_by_itself(use, l->fin_ns)) {
		*after_ns = l->fin_ns - l->stands_ns;
		return IDLE_ENDS_FIN;
	}
	if (is_by_itself(use, reset_ns)) {
		*after_ns = reset_ns - l->stands_ns;
		return IDLE_ENDS_RST;
	}
	if (!use->tries)
		return IDLE_UNTOLD;
	if (exchange_is_rst(use) || use->after == AFTER_GONE || reset_ns)
		return IDLE_USE_RST;
	return exchange_answered(use) || provoke_alive(use) ? IDLE_LIVES : IDLE_USE_SILENT;
}

static void learn_life(struct idle_known *k, const struct line_facts *l)
{
	uint64_t after_ns;

	if (provoke_idle_end(l, &after_ns) == IDLE_LIVES && after_ns > k->lives_ns)
		k->lives_ns = after_ns;
}

/* Who died sooner than another outlived, died of something else. */
static void learn_death(struct idle_known *k, const struct line_facts *l)
{
	uint64_t after_ns;

	if (provoke_idle_end(l, &after_ns) <= IDLE_LIVES || after_ns <= k->lives_ns ||
	    (k->died && after_ns >= k->dies_ns))
		return;
	k->dies_ns = after_ns;
	k->died = l;
}

struct idle_known provoke_idle_known(const struct provoke_facts *f)
{
	struct idle_known k = {.lives_ns = f->idle_lives_ns};

	for (size_t i = 0; i < f->n_lines; i++)
		learn_life(&k, &f->lines[i]);
	learn_death(&k, &f->idle_died);
	for (size_t i = 0; i < f->n_lines; i++)
		learn_death(&k, &f->lines[i]);
	return k;
}

/* --- what to try next --------------------------------------------------------------------- */

/* 1 s, 2 s, 4 s ... and the hold itself, from `above` on. */
static size_t doubling(uint64_t above, uint64_t hold_ns, uint64_t rests_ns[PROVOKE_LINES])
{
	size_t n = 0;

	for (uint64_t rest = second; rest < hold_ns && n + 1 < PROVOKE_LINES; rest *= 2)
		if (rest > above)
			rests_ns[n++] = rest;
	rests_ns[n++] = hold_ns;
	return n;
}

static size_t evenly(uint64_t lives, uint64_t dies, uint64_t fine, uint64_t rests_ns[PROVOKE_LINES])
{
	uint64_t gap = dies - lives, n = (gap - 1) / fine;

	n = n < EVEN_MAX ? n : EVEN_MAX;
	for (uint64_t i = 1; i <= n; i++)
		rests_ns[i - 1] = lives + gap * i / (n + 1);
	return (size_t)n;
}

static uint64_t fine_enough(uint64_t dies_ns)
{
	return dies_ns / 20 > second ? dies_ns / 20 : second;
}

static bool is_exact(const struct line_facts *died)
{
	uint64_t after_ns;
	enum idle_end end = provoke_idle_end(died, &after_ns);

	return end == IDLE_ENDS_FIN || end == IDLE_ENDS_RST;
}

size_t provoke_idle_rests(struct provoke_facts *f, uint64_t rests_ns[PROVOKE_LINES])
{
	const struct idle_known k = provoke_idle_known(f);
	bool longer = k.lives_ns > f->idle_lives_ns, other = k.dies_ns != f->idle_dies_ns;

	uint64_t hold_ns =
	    f->hold_ns ? f->hold_ns : scenario_infos[f->scenario].hold_ms * UINT64_C(1000000);

	if (!f->n_lines)
		return doubling(0, hold_ns, rests_ns);
	if (k.died && k.died != &f->idle_died)
		f->idle_died = *k.died;
	else if (!k.died)
		f->idle_died.end = LINE_NEVER;
	f->idle_lives_ns = k.lives_ns;
	f->idle_dies_ns = k.dies_ns;
	/* a round that told nothing new would be tried forever */
	if (!longer && !other)
		return 0;
	if (!k.died)
		return k.lives_ns < hold_ns ? doubling(k.lives_ns, hold_ns, rests_ns) : 0;
	if (is_exact(k.died) || k.dies_ns - k.lives_ns <= fine_enough(k.dies_ns))
		return 0;
	return evenly(k.lives_ns, k.dies_ns, fine_enough(k.dies_ns), rests_ns);
}
