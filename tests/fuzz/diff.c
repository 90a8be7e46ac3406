/*
 * diff: two results out of one input, parted by an empty line, from their first lines to the
 * changes. A result differs from itself by nothing; changes come in order, and are counted right.
 */
#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cmd/diff_read.h"

struct tally {
	struct addr from, to; /* of the last */
	int port;	      /* -1: of the host */
	uint64_t changes[CHANGES], all;
};

static void check_change(void *ctx, const struct change_record *r)
{
	int port = r->of_host ? -1 : r->n_spans ? r->spans[0].first : r->port;
	struct tally *s = ctx;
	uint32_t count = 0;
	uint64_t hosts = addr_diff(r->from, r->to);

	assert(r->addr[0] && addr_cmp(r->from, r->to) <= 0);
	assert(!r->addr_last == addr_equal(r->from, r->to));
	if (s->all++ && addr_equal(&s->from, r->from) && addr_equal(&s->to, r->to))
		assert(port >= s->port);
	else if (s->all > 1)
		assert(addr_cmp(&s->to, r->from) < 0);
	s->from = *r->from;
	s->to = *r->to;
	s->port = port;
	for (size_t i = 0; i < r->n_spans; i++) {
		assert(r->spans[i].first <= r->spans[i].last);
		assert(!i || r->spans[i].first > r->spans[i - 1].last + 1);
		count += r->spans[i].last - r->spans[i].first + 1U;
	}
	assert(!r->n_spans || count == r->count);
	assert(r->was || r->is);
	assert(!r->was == (r->change == CHANGE_NEWLY_COVERED));
	assert(!r->is == (r->change == CHANGE_NO_LONGER_COVERED));
	if (r->of_host)
		count = r->change == CHANGE_STYLE ? 1 : r->count;
	else if (!r->n_spans)
		count = 1;
	if (hosts < UINT32_MAX)
		s->changes[r->change] += count * (hosts + 1);
}

static bool read_one(struct changes *c, enum change_side side, const uint8_t *data, size_t len)
{
	FILE *f = tmpfile();
	struct diff_source source;
	struct err e = {""};
	int rc;

	assert(f);
	fwrite(data, 1, len, f);
	rewind(f);
	rc = diff_read_of(c, side, f, "f", &source, &e);
	assert(rc == 0 || e.msg[0]);
	return rc == 0;
}

/* The same two as vantage points: each port that differs is told once. */
static void check_vantage(void *ctx, const struct vantage_record *v)
{
	uint64_t *ports = ctx;
	size_t measured = 0;

	for (size_t i = 0; i < v->n_views; i++) {
		measured += v->views[i].measured;
		assert(v->views[i].state || !v->views[i].measured);
		assert(v->views[i].measured || !v->views[i].exception);
	}
	assert(measured == 2 || v->of_host);
	*ports += v->of_host || v->n_spans ? v->count : 1;
}

static void look(struct changes *c)
{
	uint64_t ports = 0;
	const struct record_sink sink = {.ctx = &ports, .vantage = check_vantage};
	struct vantages_record sum = {0};
	struct err e;

	assert(changes_by_vantage(c, &sink, &sum, &e) == 0);
	assert(sum.differ >= ports && sum.compared >= sum.differ && sum.compared == sum.all);
}

static void compare(const uint8_t *old, size_t n_old, const uint8_t *now, size_t n_now)
{
	struct tally s = {.port = -1};
	const struct record_sink sink = {.ctx = &s, .change = check_change};
	struct changes *c = changes_new();
	struct diff_record sum = {0};
	struct err e;

	assert(c);
	if (read_one(c, SIDE_OLD, old, n_old) && read_one(c, SIDE_NEW, now, n_now)) {
		assert(changes_compare(c, (1U << CHANGES) - 1, &sink, &sum, &e) == 0);
		assert(old != now || !s.all);
		for (int i = 0; i < CHANGES; i++)
			assert(sum.changes[i] >= s.changes[i]);
		look(c);
	}
	changes_free(c);
}

int fuzz_diff(const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at + 1 < len && memcmp(data + at, "\n\n", 2) != 0)
		at++;
	if (at + 1 >= len)
		at = len;
	compare(data, at < len ? at + 1 : len, data, at < len ? at + 1 : len);
	if (at < len) {
		compare(data, at + 1, data + at + 2, len - at - 2);
		compare(data + at + 2, len - at - 2, data, at + 1);
	}
	return 0;
}
