/*
 * space: numbers the pairs of target and port, finds them again, and decides what may be probed at
 * all. It does not know how targets overlap (space_lay.c), in which order the indices are visited
 * (engine/permute.c), nor how a path is found.
 */
#include "engine/space.h"

#include <assert.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "engine/space_private.h"

struct space_zone {
	uint8_t family;
	uint32_t zone;
	size_t first, n; /* spans */
};

/* --- spans --------------------------------------------------------------------------------- */

/* Gives spans their place; -1 where there are too many indices. */
static int number_spans(const struct span_list *l, uint64_t *total, uint64_t *hosts)
{
	const uint64_t max = UINT64_C(1) << SPACE_MAX_LOG2;

	*total = *hosts = 0;
	for (size_t i = 0; i < l->n; i++) {
		struct span *x = &l->v[i];
		uint64_t ports = ports_count(x->ports);

		if (x->count > (max - *total) / ports)
			return -1;
		x->index = *total;
		x->host = *hosts;
		*total += x->count * ports;
		*hosts += x->count;
	}
	return 0;
}

/* Takes the list; the old spans go. */
static int adopt(struct space *s, struct span_list *l)
{
	size_t n = 0;
	struct space_zone *zones = NULL;

	for (size_t i = 0; i < l->n; i++)
		n += !i || !space_same_zone(&l->v[i - 1].first, &l->v[i].first);
	zones = calloc(n ? n : 1, sizeof(*zones));
	if (!zones)
		return -1;
	for (size_t i = 0, k = 0; i < l->n; k++) {
		const struct addr *a = &l->v[i].first;

		zones[k] = (struct space_zone){.family = a->family, .zone = a->zone, .first = i};
		while (i < l->n && space_same_zone(a, &l->v[i].first))
			i++;
		zones[k].n = i - zones[k].first;
	}
	free(s->spans);
	free(s->zones);
	s->spans = l->v;
	s->n = l->n;
	s->zones = zones;
	s->n_zones = n;
	*l = (struct span_list){0};
	return 0;
}

/* --- what is never probed ------------------------------------------------------------------ */

static const struct {
	const char *what, *block;
	struct addr first;
	unsigned bits;
} never[] = {
    {"unspecified", "0.0.0.0/8", {.family = ADDR_V4}, 8},
    {"multicast", "224.0.0.0/4", {.family = ADDR_V4, .b = {224}}, 4},
    {"broadcast", "255.255.255.255", {.family = ADDR_V4, .b = {255, 255, 255, 255}}, 32},
    {"unspecified", "::", {.family = ADDR_V6}, 128},
    {"multicast", "ff00::/8", {.family = ADDR_V6, .b = {255}}, 8},
};

/* A target as it may have been typed. */
static const char *target_text(const struct target *x, char *buf, size_t cap)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];
	unsigned bits = 0, max = addr_bits(&x->first);
	struct text t = text_of(buf, cap);

	while (bits < max) {
		struct addr lo = addr_first(x->first, bits), hi = addr_last(x->first, bits);

		if (addr_equal(&lo, &x->first) && addr_equal(&hi, &x->last))
			break;
		bits++;
	}
	addr_format(&x->first, a);
	if (x->name)
		text_putf(&t, "%.100s (%s)", x->name, a);
	else if (addr_equal(&x->first, &x->last))
		text_putf(&t, "%s", a);
	else if (bits < max)
		text_putf(&t, "%s/%u", a, bits);
	else
		text_putf(&t, "%s-%s", a, addr_format(&x->last, b));
	return buf;
}

static int refuse_never(const struct target *x, size_t k, struct err *e)
{
	char word[2 * ADDR_TEXT + 110];
	struct addr end = addr_last(never[k].first, never[k].bits), lo = x->first, hi = x->last;

	target_text(x, word, sizeof(word));
	lo.zone = hi.zone = 0;
	if (addr_cmp(&never[k].first, &lo) <= 0 && addr_cmp(&hi, &end) <= 0)
		return err_set(e, "%s: %s addresses are never probed", word, never[k].what);
	return err_set(e, "%s: holds %s addresses, which are never probed: add --exclude %s", word,
		       never[k].what, never[k].block);
}

static int check_spans(const struct span_list *l, const struct targets *targets, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		struct addr lo = l->v[i].first, hi = addr_add(lo, l->v[i].count - 1);

		lo.zone = hi.zone = 0;
		for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++) {
			struct addr end = addr_last(never[k].first, never[k].bits);

			if (lo.family == end.family && addr_cmp(&lo, &end) <= 0 &&
			    addr_cmp(&never[k].first, &hi) <= 0)
				return refuse_never(&targets->v[l->v[i].order], k, e);
		}
	}
	return 0;
}

/* --- building ------------------------------------------------------------------------------ */

int space_build(struct space *s, const struct targets *targets, const struct ports *ports,
		const struct targets *exclude, struct err *e)
{
	size_t n = targets->n + (exclude ? exclude->n : 0);
	struct span_list l = {0};
	int rc = -1;

	*s = (struct space){0};
	if (!targets->n)
		return err_set(e, "no targets: name an address, a range, a block or a host");
	if (n >= UINT32_MAX)
		return err_set(e, "%zu targets and excludes are too many: write blocks", n);
	if (space_lay(&l, targets, ports, exclude, &s->ports) < 0) {
		err_set(e, "targets: out of memory");
		goto out;
	}
	if (!l.n) {
		err_set(e, "no targets left: every one of them is excluded");
		goto out;
	}
	if (check_spans(&l, targets, e) < 0)
		goto out;
	if (number_spans(&l, &s->total, &s->hosts) < 0) {
		err_set(e, "more than 2^%d pairs of target and port: name fewer of either",
			SPACE_MAX_LOG2);
		goto out;
	}
	rc = adopt(s, &l);
	if (rc < 0)
		err_set(e, "targets: out of memory");
out:
	free(l.v);
	if (rc < 0)
		space_free(s);
	return rc;
}

void space_free(struct space *s)
{
	if (!s)
		return;
	free(s->spans);
	free(s->zones);
	ports_pool_free(&s->ports);
	*s = (struct space){0};
}

/* Addresses from span i on without a gap, whatever their ports. */
static uint64_t unbroken(const struct space *s, size_t i)
{
	uint64_t count = s->spans[i].count;

	for (; i + 1 < s->n && space_follows(&s->spans[i], &s->spans[i + 1].first); i++)
		count += s->spans[i + 1].count;
	return count;
}

int space_route(struct space *s, space_piece_fn *piece, void *ctx, struct err *e)
{
	struct span_list l = {0};
	uint64_t run = 0, left = 0, total, hosts; /* addresses of one path; of no gap */
	uint16_t path = 0;
	int rc = -1;

	for (size_t i = 0; i < s->n; i++) {
		struct span x = s->spans[i];

		for (uint64_t todo = x.count; todo; todo -= x.count) {
			if (!left)
				left = unbroken(s, i);
			if (!run && piece(ctx, &x.first, left, &run, &path, e) < 0)
				goto out;
			assert(run > 0 && run <= left);
			x.count = run < todo ? run : todo;
			x.path = path;
			if (space_append(&l, &x) < 0) {
				err_set(e, "targets: out of memory");
				goto out;
			}
			run -= x.count;
			left -= x.count;
			if (x.count < todo)
				x.first = addr_add(x.first, x.count);
		}
	}
	number_spans(&l, &total, &hosts);
	assert(total == s->total && hosts == s->hosts);
	rc = adopt(s, &l);
	if (rc < 0)
		err_set(e, "targets: out of memory");
out:
	free(l.v);
	return rc;
}

/* --- asking -------------------------------------------------------------------------------- */

static const struct span *span_of_index(const struct space *s, uint64_t index)
{
	const struct span *v = s->spans;
	size_t n = s->n;

	/* The last span that begins at or before the index. */
	while (n > 1) {
		size_t half = n / 2;

		if (v[half].index <= index)
			v += half;
		n -= half;
	}
	return v;
}

void space_at(const struct space *s, uint64_t index, struct point *out)
{
	const struct span *x = span_of_index(s, index);
	uint64_t ports = ports_count(x->ports), nth = (index - x->index) / ports;

	assert(index < s->total);
	out->span = x;
	out->addr = addr_add(x->first, nth);
	out->host = x->host + nth;
	out->port = ports_at(x->ports, (uint32_t)((index - x->index) % ports));
}

/* The span of z that holds a, whose zone is z's; NULL for none. */
static const struct span *span_of_addr(const struct space *s, const struct space_zone *z,
				       const struct addr *a)
{
	const struct span *v = s->spans + z->first;
	size_t n = z->n;

	while (n > 1) {
		size_t half = n / 2;

		if (addr_cmp(&v[half].first, a) <= 0)
			v += half;
		n -= half;
	}
	if (addr_cmp(&v->first, a) > 0 || addr_diff(&v->first, a) >= v->count)
		return NULL;
	return v;
}

/* The span in zone k that holds a, whose place in it is *nth; NULL for none. */
static const struct span *span_in_zone(const struct space *s, size_t k, const struct addr *a,
				       uint64_t *nth)
{
	const struct space_zone *z = &s->zones[k];
	struct addr there = *a;
	const struct span *x;

	if (z->family != a->family || (z->zone && a->zone && z->zone != a->zone))
		return NULL;
	there.zone = z->zone;
	x = span_of_addr(s, z, &there);
	if (x)
		*nth = addr_diff(&x->first, &there);
	return x;
}

bool space_find_host(const struct space *s, const struct addr *a, uint64_t *host)
{
	for (size_t k = 0; k < s->n_zones; k++) {
		uint64_t nth = 0;
		const struct span *x = span_in_zone(s, k, a, &nth);

		if (!x)
			continue;
		*host = x->host + nth;
		return true;
	}
	return false;
}

bool space_locate(const struct space *s, const struct addr *a, uint16_t port, uint64_t *index,
		  struct point *out)
{
	for (size_t k = 0; k < s->n_zones; k++) {
		uint64_t nth = 0;
		const struct span *x = span_in_zone(s, k, a, &nth);
		int32_t rank = x ? ports_rank(x->ports, port) : -1;

		if (rank < 0)
			continue;
		*index = x->index + nth * ports_count(x->ports) + (uint64_t)rank;
		*out = (struct point){.span = x, .addr = *a, .host = x->host + nth, .port = port};
		out->addr.zone = x->first.zone;
		return true;
	}
	return false;
}

bool space_find(const struct space *s, const struct addr *a, uint16_t port, uint64_t *index,
		uint64_t *host)
{
	struct point at;
	uint64_t found;

	if (!space_locate(s, a, port, &found, &at))
		return false;
	if (index)
		*index = found;
	if (host)
		*host = at.host;
	return true;
}

const struct span *space_span_of_host(const struct space *s, uint64_t host)
{
	const struct span *v = s->spans;
	size_t n = s->n;

	assert(host < s->hosts);
	while (n > 1) {
		size_t half = n / 2;

		if (v[half].host <= host)
			v += half;
		n -= half;
	}
	return v;
}

struct addr space_host_addr(const struct space *s, uint64_t host)
{
	const struct span *x = space_span_of_host(s, host);

	return addr_add(x->first, host - x->host);
}

uint64_t space_host_index(const struct space *s, uint64_t host)
{
	const struct span *x = space_span_of_host(s, host);

	return x->index + (host - x->host) * ports_count(x->ports);
}

uint64_t space_public(const struct space *s)
{
	uint64_t public = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct addr a = s->spans[i].first;
		bool v4 = a.family == ADDR_V4;

		for (uint64_t left = s->spans[i].count, step; left; left -= step) {
			struct addr last = addr_last(a, v4 ? 24 : 112);

			step = addr_diff(&a, &last) + 1;
			if (step > left)
				step = left;
			public += addr_is_public(&a) ? step : 0;
			if (step < left)
				a = addr_add(a, step);
		}
	}
	return public;
}
