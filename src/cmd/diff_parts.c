/*
 * diff_parts: a list of sweeps, each with a sorted list of the parts that are there: as long as
 * what was read, however many parts a result says there are.
 */
#include "cmd/diff_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bytes.h"

struct diff_sweep *diff_parts_sweep(struct diff_parts *p, const char *space, uint64_t shards)
{
	struct diff_sweep *s;
	struct text name;

	for (size_t i = p->n; i > 0; i--) {
		s = p->v[i - 1];
		if (s->shards == shards && strncmp(s->space, space, sizeof(s->space) - 1) == 0)
			return s;
	}
	if (!array_grow(&p->v, p->n, &p->cap, sizeof(*p->v)))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	name = text_of(s->space, sizeof(s->space));
	text_putf(&name, "%s", space);
	s->shards = shards;
	p->v[p->n++] = s;
	return s;
}

/* The shard's place among those that are there, or where it belongs. */
static size_t place_of(const struct diff_sweep *s, uint64_t shard)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].shard < shard)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool add(struct diff_sweep *s, uint64_t shard, enum part_end how)
{
	size_t at = place_of(s, shard);

	if (at == s->n || s->v[at].shard != shard) {
		if (!array_grow(&s->v, s->n, &s->cap, sizeof(*s->v)))
			return false;
		memmove(s->v + at + 1, s->v + at, (s->n++ - at) * sizeof(*s->v));
		s->v[at] = (struct diff_part){shard, PART_CUT};
	}
	if (how > s->v[at].end) {
		s->v[at].end = how;
		s->whole += how == PART_WHOLE;
	}
	return true;
}

bool diff_parts_note(struct diff_sweep *s, uint64_t shard, enum part_end how,
		     struct changes_end *end)
{
	bool first = !s->n;

	if (!add(s, shard, how))
		return false;
	if (s->shards == 1)
		return true;
	/* what one of them would have shown, another may have kept to itself */
	s->shown = first || !s->shown ? end->shown : end->shown ? s->shown & end->shown : s->shown;
	s->skipped |= end->skipped;
	end->shown = s->shown;
	end->skipped = s->skipped;
	end->complete &= s->whole == s->shards;
	return true;
}

void diff_parts_free(struct diff_parts *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i]->v);
		free(p->v[i]);
	}
	free(p->v);
	*p = (struct diff_parts){0};
}

/* --- what is not there ------------------------------------------------------------------------ */

static void put_gap(struct text *t, uint64_t first, uint64_t last)
{
	enum { ROOM = 48 }; /* for the longest gap, and the dots */
	const char *comma = t->len ? "," : "";

	if (first > last || t->cut)
		return;
	if (t->cap - t->len < ROOM) {
		text_putf(t, ",...");
		t->cut = true;
	} else if (first == last) {
		text_putf(t, "%s%" PRIu64, comma, first);
	} else {
		text_putf(t, "%s%" PRIu64 "-%" PRIu64, comma, first, last);
	}
}

/* How many shards nobody has to the end, and which. */
static uint64_t missing_of(const struct diff_sweep *s, struct text *which)
{
	uint64_t next = 1, n = s->shards;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].end == PART_CUT)
			continue;
		put_gap(which, next, s->v[i].shard - 1);
		next = s->v[i].shard + 1;
		n--;
	}
	put_gap(which, next, s->shards);
	return n;
}

void diff_parts_missing(const struct diff_parts *p, struct diff_missing *out)
{
	*out = (struct diff_missing){.complete = true};
	for (size_t i = 0; i < p->n; i++) {
		const struct diff_sweep *s = p->v[i];
		char more[sizeof(out->which)]; /* of the first that lacks some it is told which */
		struct text which = text_of(out->shards ? more : out->which, sizeof(more));
		uint64_t n;

		out->complete &= s->whole == s->shards;
		if (s->shards == 1) {
			out->cut |= !s->n || s->v[0].end == PART_CUT;
			continue;
		}
		n = missing_of(s, &which);
		out->of = out->shards ? out->of : s->shards;
		out->shards += n;
	}
}
