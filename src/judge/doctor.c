/*
 * doctor: finds the row of each check that fits the facts, and says at the end what all lines come
 * to. It knows no check by name: those are rows.
 */
#include "judge/doctor_private.h"

#include <string.h>

const char *doctor_result_name(enum doctor_result r)
{
	static const char *const names[DOCTOR_RESULTS] = {
	    [DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"};

	return names[r];
}

const char *doctor_reply_name(enum doctor_reply r)
{
	static const char *const names[] = {
	    [REPLY_NONE] = "not asked",	   [REPLY_REFUSED] = "refused here",
	    [REPLY_SILENT] = "silent",	   [REPLY_NOBODY] = "unreachable",
	    [REPLY_REJECTED] = "rejected", [REPLY_CLOSED] = "closed",
	    [REPLY_OPEN] = "open",
	};

	return names[r];
}

const struct doctor_asked *doctor_best(const struct doctor_path *p)
{
	const struct doctor_asked *best = NULL;
	enum doctor_reply most = REPLY_NONE;

	for (size_t i = 0; i < p->n_asked; i++) {
		const struct doctor_asked *a = &p->asked[i];
		enum doctor_reply r = a->raw.reply > a->conn.reply ? a->raw.reply : a->conn.reply;

		if (!best || r > most) {
			best = a;
			most = r;
		}
	}
	return best;
}

unsigned doctor_answered(const struct doctor_facts *f)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++)
		if (f->loops[i].listener.raw.reply == REPLY_OPEN)
			bits |= 1U << i;
	return bits;
}

unsigned doctor_unreset(const struct doctor_facts *f)
{
	unsigned bits = doctor_answered(f);

	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++)
		if (f->loops[i].listener.rst_left)
			bits &= ~(1U << i);
	return bits;
}

/* --- lines ------------------------------------------------------------------------------------ */

static void tell(const struct doctor_facts *f, const struct doctor_row *r, doctor_fn *fn, void *ctx)
{
	struct doctor_line line = {
	    .check = r->check, .result = r->result, .blocks = r->blocks, .minor = r->minor};
	struct text detail = text_of(line.detail, sizeof(line.detail));
	struct text fix = text_of(line.fix, sizeof(line.fix));

	doctor_words(&detail, f, r->says);
	if (r->fix)
		doctor_words(&fix, f, r->fix);
	fn(ctx, &line);
}

void doctor_judge(const struct doctor_facts *f, enum doctor_scope scope, doctor_fn *fn, void *ctx)
{
	const char *told = "";

	for (size_t i = 0; i < doctor_row_count; i++) {
		const struct doctor_row *r = &doctor_rows[i];

		if (r->scope != scope || strcmp(r->check, told) == 0 || !r->when(f))
			continue;
		told = r->check;
		tell(f, r, fn, ctx);
	}
}

/* --- the end ---------------------------------------------------------------------------------- */

void doctor_sum_add(struct doctor_sum *s, const struct doctor_line *line)
{
	const char **v = s->named[line->result];
	size_t *n = &s->n_named[line->result];

	s->n[line->result]++;
	if (line->blocks > s->blocks)
		s->blocks = line->blocks;
	for (size_t i = 0; i < *n; i++)
		if (strcmp(v[i], line->check) == 0)
			return;
	if (*n < DOCTOR_CHECKS_MAX)
		v[(*n)++] = line->check;
}

static void put_names(struct text *t, const struct doctor_sum *s, enum doctor_result r)
{
	for (size_t i = 0; i < s->n_named[r]; i++)
		text_putf(t, "%s%s", i ? ", " : ": ", s->named[r][i]);
	text_putf(t, ".");
}

void doctor_sum_put(struct text *t, const struct doctor_sum *s, const char *target)
{
	unsigned warnings = s->n[DOCTOR_WARN];

	if (s->blocks == BLOCKS_ALL) {
		text_putf(t, "This machine cannot probe");
		put_names(t, s, DOCTOR_FAIL);
	} else if (s->n[DOCTOR_FAIL]) {
		text_putf(t, "This machine can probe, but not %s",
			  target ? target : "by its default route");
		put_names(t, s, DOCTOR_FAIL);
	} else if (warnings) {
		text_putf(t, "This machine can probe, with %u warning%s", warnings,
			  warnings == 1 ? "" : "s");
		put_names(t, s, DOCTOR_WARN);
	} else {
		text_putf(t, "This machine can probe.");
	}
}
