/*
 * stage: the turns of the strands: which act comes next, when to look again, rounds of strands, and
 * what is left to be tidied at whatever end. It refuses to know what any scenario is about.
 */
#include "engine/stage.h"

#include <stdio.h>

#include "engine/stage_private.h"

uint64_t stage_hold(const struct stage *s)
{
	uint64_t own = scenario_infos[s->c->scenario].hold_ms;

	return s->c->hold_ns ? s->c->hold_ns : own * NS_PER_MS;
}

struct strand *stage_strand_of(struct stage *s, const struct line *l)
{
	size_t i = (size_t)(l - s->lines) / s->scene->lines;

	return i < s->n_strands ? &s->strands[i] : NULL;
}

static void begin_act(struct stage *s, struct strand *st, uint8_t at, uint64_t now)
{
	st->at = at;
	st->began = false;
	st->tries = 0;
	st->seen = 0;
	st->due_ns = st->began_ns = st->end_ns = now;
	st->over = strand_act(s, st)->op == ACT_END;
}

void stage_act_over(struct stage *s, struct strand *st, unsigned bits, uint64_t at_ns)
{
	const struct act *a = strand_act(s, st);
	uint8_t to = (uint8_t)(st->at + 1);

	st->seen |= bits;
	for (size_t i = ACT_JUMPS; i > 0; i--)
		if (a->jump[i - 1].on & st->seen)
			to = a->jump[i - 1].to;
	begin_act(s, st, to, at_ns);
}

void stage_line_fails(struct stage *s, struct strand *st, enum line_end end)
{
	strand_line(s, st)->f->end = end;
	st->over = true;
}

/* --- strands ---------------------------------------------------------------------------------- */

static void drop_line(struct stage *s, struct line *l)
{
	if (l->f && l->conn >= 0) {
		s->t->w->ops->conn_close(s->t->w, l->conn, true);
		l->conn = -1;
	}
	stage_tidy(s, l);
}

static void drop_strand(struct stage *s, const struct strand *st)
{
	for (size_t i = 0; i < s->scene->lines; i++)
		drop_line(s, &s->lines[st->first + i]);
}

static void begin_strands(struct stage *s, size_t n, const uint64_t *rests_ns, uint64_t now)
{
	s->n_strands = n;
	s->out->n_lines = n * s->scene->lines;
	for (size_t i = 0; i < s->out->n_lines; i++) {
		s->out->lines[i] = (struct line_facts){.rest_ns = rests_ns ? rests_ns[i] : 0};
		s->lines[i] = (struct line){.conn = -1};
	}
	for (size_t i = 0; i < n; i++) {
		s->strands[i] = (struct strand){.first = (uint8_t)(i * s->scene->lines)};
		begin_act(s, &s->strands[i], 0, now);
	}
}

/* The next strands side by side; false where enough is known. */
static bool next_round(struct stage *s, uint64_t now)
{
	uint64_t rests_ns[PROVOKE_LINES];
	size_t n;

	if (!s->scene->rounds) {
		if (s->n_strands)
			return false;
		begin_strands(s, 1, NULL, now);
		return true;
	}
	n = provoke_idle_rests(s->out, rests_ns);
	if (!n)
		return false;
	if (s->c->conns_max && n > s->c->conns_max)
		n = s->c->conns_max;
	begin_strands(s, n, rests_ns, now);
	return true;
}

static void run_strand(struct stage *s, struct strand *st, uint64_t now)
{
	while (!st->over && st->due_ns <= now && !s->down)
		stage_ops[strand_act(s, st)->op].run(s, st, now);
	if (st->over)
		drop_strand(s, st);
}

static uint64_t serve(void *ctx, struct turns *t, uint64_t now)
{
	struct stage *s = ctx;
	uint64_t first;

	s->t = t;
	do {
		first = TURNS_OVER;
		for (size_t i = 0; i < s->n_strands; i++) {
			struct strand *st = &s->strands[i];

			run_strand(s, st, now);
			if (!st->over && st->due_ns < first)
				first = st->due_ns;
		}
		if (s->down)
			return TURNS_OVER;
	} while (first == TURNS_OVER && next_round(s, now));
	return first;
}

static bool take(void *ctx, struct turns *t, const struct packet *pk, uint64_t at_ns)
{
	struct stage *s = ctx;

	s->t = t;
	return stage_take_frame(s, pk, at_ns);
}

static void idle(void *ctx, struct turns *t)
{
	struct stage *s = ctx;

	s->down = s->down || !turns_path_up(t, s->c->path);
}

/* --- progress --------------------------------------------------------------------------------- */

static const char *words_of(const struct stage *s, const struct strand *st)
{
	const struct act *a = strand_act(s, st);

	if (a->op != ACT_AWAIT)
		return stage_ops[a->op].words;
	if (a->until & SEES_FIN)
		return "waiting for the service's FIN";
	return a->until & SEES_RST ? "waiting for the service's RST" : "waiting for the service";
}

/* The strand that goes on for longest stands for all. */
static const struct strand *longest(const struct stage *s, size_t *n)
{
	const struct strand *best = NULL;

	*n = 0;
	for (size_t i = 0; i < s->n_strands; i++) {
		const struct strand *st = &s->strands[i];

		if (st->over)
			continue;
		++*n;
		if (!best || st->end_ns > best->end_ns)
			best = st;
	}
	return best;
}

static void progress(void *ctx, struct turns *t, bool asked)
{
	struct stage *s = ctx;
	const struct strand *st;
	char words[80];
	size_t n;

	(void)t;
	st = longest(s, &n);
	if (!s->c->progress || !st)
		return;
	if (n > 1)
		snprintf(words, sizeof(words), "%s (%zu connections)", words_of(s, st), n);
	else
		snprintf(words, sizeof(words), "%s", words_of(s, st));
	s->c->progress(s->c->progress_ctx, words, st->end_ns, asked);
}

/* --- the run ---------------------------------------------------------------------------------- */

static void over(void *ctx, struct turns *t)
{
	struct stage *s = ctx;
	struct http_head h;

	s->t = t;
	for (size_t i = 0; i < PROVOKE_LINES; i++)
		drop_line(s, &s->lines[i]);
	s->out->ended_ns = t->w->ops->now(t->w);
	s->out->stopped = t->stats->end != END_COMPLETE;
	http_head_parse(s->head, s->head_len, &h);
	s->out->http_status = h.status;
	s->out->http_head = h.len;
	s->out->has_http_length = h.has_length;
	s->out->http_length = h.length;
}

int stage_run(const struct stage_config *c, const struct turns_config *t, struct wire *w,
	      struct provoke_facts *out, struct turns_stats *stats, struct err *e)
{
	static const struct turns_actor actor = {serve, take, idle, progress, over};
	struct stage s = {.c = c, .scene = &scenes[c->scenario], .out = out};

	*out = (struct provoke_facts){.scenario = c->scenario, .addr = c->dst, .port = c->dport};
	out->began_ns = w->ops->now(w);
	out->hold_ns = stage_hold(&s);
	return turns_run(t, w, &actor, &s, stats, e);
}
