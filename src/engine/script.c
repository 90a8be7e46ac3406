/*
 * script: keeps a bounded number of hosts under way, gives each its turn when its pace allows, and
 * hands every frame to the talk that it belongs to. What talks do is in script_talk.
 */
#include "engine/script.h"

#include <stdlib.h>
#include <string.h>

#include "engine/script_private.h"

enum { PARTIES_MAX = 1024 /* hosts under way at once */ };

uint32_t script_random(struct script *s)
{
	return turns_random(s->t);
}

/* --- hosts by address --------------------------------------------------------------------- */

static size_t hash_of(const struct addr *a)
{
	uint64_t h = a->family;

	for (size_t i = 0; i < addr_len(a); i++)
		h = (h ^ a->b[i]) * 0x100000001b3ULL;
	return (size_t)(h ^ h >> 29);
}

static void table_put(struct script *s, size_t place)
{
	size_t i = hash_of(&s->parties[place].host->addr) & (s->table_size - 1);

	while (s->table[i])
		i = (i + 1) & (s->table_size - 1);
	s->table[i] = (uint32_t)place + 1;
}

/* After a place changed its host: rare against frames, so no deletion within the table. */
static void table_make(struct script *s)
{
	memset(s->table, 0, s->table_size * sizeof(s->table[0]));
	for (size_t i = 0; i < s->n_places; i++)
		if (s->parties[i].host)
			table_put(s, i);
}

static struct party *find_party(struct script *s, const struct addr *a)
{
	size_t i = hash_of(a) & (s->table_size - 1);

	for (; s->table[i]; i = (i + 1) & (s->table_size - 1)) {
		struct party *p = &s->parties[s->table[i] - 1];

		if (p->host && addr_same(&p->host->addr, a))
			return p;
	}
	return NULL;
}

/* --- sending ------------------------------------------------------------------------------ */

bool script_send(struct script *s, struct party *p, const struct segment *seg)
{
	return turns_send(s->t, p->host->path, seg, NULL);
}

static uint64_t gap(const struct script *s, const struct party *p)
{
	if (p->gap_ns)
		return p->gap_ns;
	return s->c->pace_ns ? s->c->pace_ns : SCRIPT_PACE_NS;
}

/* --- a host's turn ------------------------------------------------------------------------ */

static void finish(struct script *s, struct party *p, enum run_end end)
{
	for (size_t i = 0; i < p->n; i++)
		talk_drop(s, p, &p->talks[i]);
	free(p->talks);
	s->c->program->over(p->host->ctx, end);
	*p = (struct party){0};
	s->n_active--;
	s->n_over++;
}

static void skip_ended(struct party *p)
{
	while (p->first_open < p->n && !p->talks[p->first_open].step)
		p->first_open++;
}

/* What is due within the talks. True where a paced segment left. */
static bool run_talks(struct script *s, struct party *p, uint64_t now, bool may_send)
{
	bool sent = false;

	for (size_t i = p->first_open; i < p->n; i++) {
		if (talk_run(s, p, &p->talks[i], now, may_send && !sent))
			sent = true;
	}
	skip_ended(p);
	return sent;
}

/* Asks the program for talks until one has sent, or it has none. False: the host is over. */
static bool ask_program(struct script *s, struct party *p, uint64_t now)
{
	struct talk_wish wish;
	bool over = false;

	while (p->ask_ns <= now) {
		wish = (struct talk_wish){0};
		if (!s->c->program->next(p->host->ctx, now, &wish, &p->ask_ns, &over))
			break;
		p->ask_ns = 0;
		p->gap_ns = wish.gap_ns;
		if (!talk_begin(s, p, &wish)) {
			s->c->program->done(p->host->ctx, wish.tag, TALK_FAILED,
					    &(struct exchange){0}, false);
			continue;
		}
		p->talks[p->n - 1].due_ns = now;
		if (talk_run(s, p, &p->talks[p->n - 1], now, true)) {
			p->paced_ns = now;
			break;
		}
	}
	return !over;
}

static void next_wake(const struct script *s, struct party *p, uint64_t now)
{
	uint64_t slot = p->paced_ns ? p->paced_ns + gap(s, p) : now;

	p->wake_ns = p->ask_ns > slot ? p->ask_ns : slot;
	for (size_t i = p->first_open; i < p->n; i++) {
		const struct talk *t = &p->talks[i];
		uint64_t due = t->due_ns;

		if (!t->step)
			continue;
		if (due <= now) /* it waits for its slot */
			due = slot > now ? slot : now + 1;
		if (due < p->wake_ns)
			p->wake_ns = due;
	}
}

static void serve(struct script *s, struct party *p, uint64_t now)
{
	bool may = !p->paced_ns || now - p->paced_ns >= gap(s, p);

	if (run_talks(s, p, now, may)) {
		p->paced_ns = now;
		may = false;
	}
	if (may && !ask_program(s, p, now)) {
		finish(s, p, END_COMPLETE);
		table_make(s);
		return;
	}
	next_wake(s, p, now);
}

static void fill_places(struct script *s, uint64_t now)
{
	bool changed = false;

	for (size_t i = 0; i < s->n_places && s->next_host < s->c->n_hosts; i++) {
		struct party *p = &s->parties[i];

		if (p->host)
			continue;
		*p = (struct party){.host = &s->c->hosts[s->next_host++],
				    .wake_ns = now > s->rested_ns ? now : s->rested_ns};
		s->n_active++;
		changed = true;
	}
	if (changed)
		table_make(s);
}

/* Serves whom it is time for; when to look again. */
static uint64_t serve_all(struct script *s, uint64_t now)
{
	uint64_t first = UINT64_MAX - 1;

	for (size_t i = 0; i < s->n_places; i++) {
		struct party *p = &s->parties[i];

		if (p->host && p->wake_ns <= now)
			serve(s, p, now);
		if (p->host && p->wake_ns < first)
			first = p->wake_ns;
	}
	return first;
}

/* --- receiving ---------------------------------------------------------------------------- */

/* Whose answer: the newest talk on the pair of ports; a connection's before a stray's. */
static struct talk *find_talk(struct party *p, uint16_t ours, uint16_t theirs)
{
	for (size_t i = p->n; i > 0; i--) {
		struct talk *t = &p->talks[i - 1];

		if (t->sport == ours && t->dport == theirs)
			return t;
	}
	return NULL;
}

static bool take(void *ctx, struct turns *turns, const struct packet *pk, uint64_t at_ns)
{
	struct script *s = ctx;
	struct turns_ends ends = turns_ends_of(pk);
	struct party *p = find_party(s, ends.far);
	struct talk *t = p ? find_talk(p, ends.ours, ends.theirs) : NULL;

	(void)turns;
	if (!t || !talk_take(s, p, t, pk, at_ns))
		return false;
	p->wake_ns = at_ns < p->wake_ns ? at_ns : p->wake_ns;
	skip_ended(p);
	return true;
}

/* --- the run ------------------------------------------------------------------------------ */

static void tell_progress(void *ctx, struct turns *t, bool asked)
{
	struct script *s = ctx;

	if (s->c->progress)
		s->c->progress(s->c->progress_ctx, s->n_over, s->c->n_hosts, t->stats->sent, asked);
}

/* A link that is down answers nothing: its hosts are over, and it is said. */
static void check_paths(void *ctx, struct turns *t)
{
	struct script *s = ctx;

	for (size_t i = 0; i < s->n_places; i++) {
		struct party *p = &s->parties[i];

		if (!p->host || turns_path_up(t, p->host->path))
			continue;
		finish(s, p, END_LINK);
		table_make(s);
	}
}

static uint64_t serve_turn(void *ctx, struct turns *t, uint64_t now)
{
	struct script *s = ctx;

	if (!s->t) {
		s->t = t;
		s->rested_ns = t->began_ns + s->c->rest_ns;
	}
	if (s->n_over == s->c->n_hosts)
		return TURNS_OVER;
	fill_places(s, now);
	return serve_all(s, now);
}

/* The hosts that the end of the run found under way, and those that never began. */
static void end_all(void *ctx, struct turns *t)
{
	struct script *s = ctx;

	s->t = t;
	for (size_t i = 0; i < s->n_places; i++)
		if (s->parties[i].host)
			finish(s, &s->parties[i], t->stats->end);
	for (; s->next_host < s->c->n_hosts; s->next_host++)
		s->c->program->over(s->c->hosts[s->next_host].ctx, t->stats->end);
}

int script_run(const struct script_config *c, struct wire *w, struct turns_stats *out,
	       struct err *e)
{
	static const struct turns_actor actor = {.serve = serve_turn,
						 .take = take,
						 .idle = check_paths,
						 .progress = tell_progress,
						 .over = end_all};
	const struct turns_config turns = {.seed = c->seed,
					   .deadline_ns = c->deadline_ns,
					   .evidence = c->evidence,
					   .evidence_ctx = c->evidence_ctx};
	struct script s = {.c = c, .w = w, .stats = out};
	int rc = -1;

	s.n_places = c->n_hosts < PARTIES_MAX ? c->n_hosts : PARTIES_MAX;
	for (s.table_size = 16; s.table_size < 4 * s.n_places;)
		s.table_size *= 2;
	s.parties = calloc(s.n_places + 1, sizeof(*s.parties));
	s.table = calloc(s.table_size, sizeof(*s.table));
	if (!s.parties || !s.table)
		err_set(e, "out of memory");
	else
		rc = turns_run(&turns, w, &actor, &s, out, e);
	free(s.table);
	free(s.parties);
	return rc;
}
