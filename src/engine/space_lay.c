/*
 * space_lay: lays the intervals of targets and excludes over each other by one sweep over their
 * sorted ends: between two ends the same ones cover every address. It decides which ports, name
 * and order a span has, not what may be probed.
 */
#include "engine/space_private.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

bool space_same_zone(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->zone == b->zone;
}

bool space_follows(const struct span *a, const struct addr *b)
{
	return space_same_zone(&a->first, b) && addr_diff(&a->first, b) == a->count;
}

int space_append(struct span_list *l, const struct span *x)
{
	struct span *last = l->n ? &l->v[l->n - 1] : NULL;

	if (last && !last->name && !x->name && last->ports == x->ports && last->order == x->order &&
	    last->path == x->path && space_follows(last, &x->first)) {
		last->count += x->count;
		return 0;
	}
	if (!array_grow(&l->v, l->n, &l->cap, sizeof(*l->v)))
		return -1;
	l->v[l->n++] = *x;
	return 0;
}

/* An end of the interval `id`: of a target, or behind them of an exclude. */
struct end {
	struct addr at;
	uint32_t id;
};

/* A set of ports that some targets bring here. */
struct brought {
	const struct ports *ports;
	uint32_t targets;
};

struct lay {
	const struct targets *targets, *exclude; /* exclude: NULL for none */
	const struct ports **ports;		 /* of each target, pooled */
	struct end *firsts, *lasts;		 /* of all intervals, sorted */
	uint32_t n;
	/* What covers the place of the sweep: */
	uint32_t covering, excluding;
	struct brought *brought;
	size_t n_brought, cap_brought;
	uint32_t *heap; /* targets, the earliest on top; those left behind go when they get there */
	size_t n_heap;
	const struct ports *joined;  /* of all that is brought; NULL: not known yet */
	const char *name;	     /* of the earliest named address that begins here */
	const struct ports *pair[3]; /* the last two that were joined, and their union */
	struct ports_pool *pool;
	struct span_list *out;
};

static const struct target *interval(const struct lay *y, uint32_t id)
{
	size_t n = y->targets->n;

	return id < n ? &y->targets->v[id] : &y->exclude->v[id - n];
}

static int end_cmp(const void *a, const void *b)
{
	const struct end *x = a, *y = b;
	int c = addr_cmp(&x->at, &y->at);

	return c ? c : (x->id > y->id) - (x->id < y->id);
}

static void heap_push(struct lay *y, uint32_t id)
{
	size_t i = y->n_heap++;

	for (; i && y->heap[(i - 1) / 2] > id; i = (i - 1) / 2)
		y->heap[i] = y->heap[(i - 1) / 2];
	y->heap[i] = id;
}

static void heap_pop(struct lay *y)
{
	uint32_t id = y->heap[--y->n_heap];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < y->n_heap; i = child) {
		if (child + 1 < y->n_heap && y->heap[child + 1] < y->heap[child])
			child++;
		if (y->heap[child] >= id)
			break;
		y->heap[i] = y->heap[child];
	}
	y->heap[i] = id;
}

static int bring(struct lay *y, const struct ports *ports)
{
	for (size_t i = 0; i < y->n_brought; i++)
		if (y->brought[i].ports == ports) {
			y->brought[i].targets++;
			return 0;
		}
	if (!array_grow(&y->brought, y->n_brought, &y->cap_brought, sizeof(*y->brought)))
		return -1;
	y->brought[y->n_brought++] = (struct brought){.ports = ports, .targets = 1};
	y->joined = NULL;
	return 0;
}

static void take_back(struct lay *y, const struct ports *ports)
{
	size_t i = 0;

	while (y->brought[i].ports != ports)
		i++;
	if (--y->brought[i].targets)
		return;
	y->brought[i] = y->brought[--y->n_brought];
	y->joined = NULL;
}

static int enter(struct lay *y, uint32_t id)
{
	const struct target *x = interval(y, id);

	if (id >= y->targets->n) {
		y->excluding++;
		return 0;
	}
	y->covering++;
	/* Ends of equal address come by id: the first name is the earliest. */
	if (x->name && !y->name && addr_equal(&x->first, &x->last))
		y->name = x->name;
	heap_push(y, id);
	return bring(y, y->ports[id]);
}

static void leave(struct lay *y, uint32_t id)
{
	if (id >= y->targets->n) {
		y->excluding--;
		return;
	}
	y->covering--;
	take_back(y, y->ports[id]);
}

static const struct ports *join_all(struct lay *y)
{
	const struct ports **v = calloc(y->n_brought, sizeof(*v)), *joined = NULL;
	struct ports *made;

	if (!v)
		return NULL;
	for (size_t i = 0; i < y->n_brought; i++)
		v[i] = y->brought[i].ports;
	made = ports_join(v, y->n_brought);
	if (made)
		joined = ports_pool_own(y->pool, made);
	free(v);
	return joined;
}

/* The ports asked here. Joining is dear for large sets, and mostly one holds all others. */
static const struct ports *ports_here(struct lay *y)
{
	const struct ports *most = y->brought[0].ports, *a = most, *b;
	size_t i;

	for (i = 1; i < y->n_brought; i++)
		if (ports_count(y->brought[i].ports) > ports_count(most))
			most = y->brought[i].ports;
	for (i = 0; i < y->n_brought && ports_contains(most, y->brought[i].ports); i++)
		;
	if (i == y->n_brought)
		return most;
	if (y->n_brought > 2)
		return join_all(y);
	b = y->brought[1].ports;
	if (y->pair[0] != a || y->pair[1] != b) {
		y->pair[2] = join_all(y);
		y->pair[0] = y->pair[2] ? a : NULL;
		y->pair[1] = b;
	}
	return y->pair[2];
}

/* From `from` to `to` the same intervals cover every address. */
static int emit(struct lay *y, const struct addr *from, uint64_t count)
{
	struct span x = {.first = *from, .count = count};

	if (!y->covering || y->excluding)
		return 0;
	if (!y->joined)
		y->joined = ports_here(y);
	if (!y->joined)
		return -1;
	while (addr_cmp(&interval(y, y->heap[0])->last, from) < 0)
		heap_pop(y);
	x.ports = y->joined;
	x.order = y->heap[0];
	x.name = y->name;
	return space_append(y->out, &x);
}

static int sweep(struct lay *y)
{
	uint32_t i = 0, j = 0;
	struct addr at = {0};

	while (j < y->n) {
		if (i == j) /* nothing covers this place: on to the next interval */
			at = y->firsts[i].at;
		y->name = NULL;
		for (; i < y->n && addr_equal(&y->firsts[i].at, &at); i++)
			if (enter(y, y->firsts[i].id) < 0)
				return -1;
		if (i < y->n && addr_cmp(&y->firsts[i].at, &y->lasts[j].at) <= 0) {
			if (emit(y, &at, addr_diff(&at, &y->firsts[i].at)) < 0)
				return -1;
			at = y->firsts[i].at;
			continue;
		}
		if (emit(y, &at, addr_diff(&at, &y->lasts[j].at) + 1) < 0)
			return -1;
		at = y->lasts[j].at;
		for (; j < y->n && addr_equal(&y->lasts[j].at, &at); j++)
			leave(y, y->lasts[j].id);
		if (i > j) /* something goes on, so that there is an address behind this one */
			at = addr_add(at, 1);
	}
	return 0;
}

static int prepare(struct lay *y, const struct ports *ports)
{
	size_t n = y->targets->n;

	y->ports = calloc(n, sizeof(*y->ports));
	y->heap = calloc(n, sizeof(*y->heap));
	y->firsts = calloc(y->n, sizeof(*y->firsts));
	y->lasts = calloc(y->n, sizeof(*y->lasts));
	if (!y->ports || !y->heap || !y->firsts || !y->lasts)
		return -1;
	for (uint32_t id = 0; id < y->n; id++) {
		const struct target *x = interval(y, id);

		y->firsts[id] = (struct end){.at = x->first, .id = id};
		y->lasts[id] = (struct end){.at = x->last, .id = id};
		if (id >= n)
			continue;
		assert(addr_diff(&x->first, &x->last) <= UINT32_MAX);
		y->ports[id] = ports_pool_borrow(y->pool, x->ports ? x->ports : ports);
		if (!y->ports[id])
			return -1;
	}
	qsort(y->firsts, y->n, sizeof(*y->firsts), end_cmp);
	qsort(y->lasts, y->n, sizeof(*y->lasts), end_cmp);
	return 0;
}

int space_lay(struct span_list *out, const struct targets *targets, const struct ports *ports,
	      const struct targets *exclude, struct ports_pool *pool)
{
	struct lay y = {.targets = targets, .exclude = exclude, .pool = pool, .out = out};
	int rc = -1;

	y.n = (uint32_t)(targets->n + (exclude ? exclude->n : 0));
	if (!prepare(&y, ports) && !sweep(&y))
		rc = 0;
	free(y.ports);
	free(y.heap);
	free(y.firsts);
	free(y.lasts);
	free(y.brought);
	return rc;
}
