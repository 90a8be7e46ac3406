/*
 * watch: what must hold of findings: they come in order, each for a RST that was seen, one a RST,
 * and name no frame that was not seen yet.
 */
#include "fuzz/watch.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "judge/cause.h"

static void check_ladder(const struct watch *w, const struct finding *f)
{
	assert(f->n_ladder <= LADDER_MAX);
	assert(f->rst_at >= -1 && f->rst_at < (int)f->n_ladder);
	assert(f->trigger_at >= -1 && f->trigger_at < (int)f->n_ladder);
	for (size_t i = 0; i < f->n_ladder; i++)
		assert(f->ladder[i].frame >= 1 && f->ladder[i].frame <= w->last);
	if (f->rst_at >= 0)
		assert(f->ladder[f->rst_at].frame == f->frame);
	if (f->trigger_at >= 0)
		assert(f->ladder[f->trigger_at].frame == f->provoked_by);
}

static void check_words(const struct finding *f)
{
	assert(f->cause < CAUSES && cause_name(f->cause));
	assert(f->row);
	for (size_t i = 0; i < ALSO_MAX && f->also[i] != CAUSE_UNKNOWN; i++)
		assert(f->also[i] < CAUSES && f->also[i] != f->cause);
	assert(f->n_clues <= FINDING_CLUES);
	assert(sureness_name(f->sure) && severity_name(f->severity));
	assert(outcome_name(f->outcome) && sender_name(f->sender));
	for (size_t i = 0; i < APP_SEES_MAX && f->sees[i] != APP_END; i++)
		assert(app_result_name(f->sees[i]));
	assert(memchr(f->vendor, '\0', sizeof(f->vendor)));
	for (const char *c = f->vendor; *c; c++)
		assert(*c >= ' ' && *c <= '~');
}

static void on_finding(void *ctx, const struct finding *f)
{
	struct watch *w = ctx;

	assert(f->frame > w->floor && f->frame <= w->last);
	assert(f->provoked_by <= w->last && f->provoked_by != f->frame);
	assert(f->root < f->frame);
	check_words(f);
	check_ladder(w, f);
	if (w->tell)
		w->tell->reset(w->tell->ctx, f);
	w->floor = f->frame;
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 64;
		w->told = realloc(w->told, w->cap * sizeof(*w->told));
		assert(w->told);
	}
	memset(&w->told[w->n], 0, sizeof(*w->told));
	w->told[w->n++] = (struct told){.frame = f->frame,
					.provoked_by = f->provoked_by,
					.root = f->root,
					.cause = (uint8_t)f->cause,
					.sure = (uint8_t)f->sure,
					.severity = (uint8_t)f->severity,
					.origin = (uint8_t)f->origin,
					.outcome = (uint8_t)f->outcome};
}

void watch_open(struct watch *w, const struct explain_limits *l)
{
	memset(w, 0, sizeof(*w));
	w->x = explain_new(l, on_finding, w);
	assert(w->x);
}

void watch_frame(struct watch *w, const uint8_t *bytes, uint32_t captured, uint32_t len,
		 int linktype, uint64_t wall_ns)
{
	struct explain_frame at = {.wall_ns = wall_ns, .number = ++w->last};
	struct packet p;
	enum decode_status st = decode_frame_how(bytes, captured, len, linktype,
						 DECODE_TUNNELS | DECODE_SUMS_OF_RSTS, &p);

	if (st == DECODE_OK && p.kind == PACKET_TCP && (p.seg.flags & TCP_RST))
		w->rsts++;
	explain_packet(w->x, &at, st, &p);
}

void watch_end(struct watch *w)
{
	const struct explain_summary *sum;
	uint64_t by_cause = 0;

	w->n_before_end = w->n;
	explain_end(w->x);
	assert(w->n == w->rsts);
	sum = explain_summary(w->x);
	assert(sum->frames == w->last && sum->tcp <= sum->frames);
	assert(sum->resets == w->rsts);
	for (size_t i = 0; i < CAUSES; i++)
		by_cause += sum->by_cause[i];
	assert(by_cause == sum->resets);
}

void watch_close(struct watch *w)
{
	explain_free(w->x);
	free(w->told);
}
