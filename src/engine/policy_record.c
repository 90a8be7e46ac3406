/*
 * policy_record: keeps what a sweep tells of each host, and makes pictures of it: which ports are
 * in which state. Hosts of one picture are one group. How that is written is policy_record_put's.
 */
#include "engine/policy_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/policy_record_private.h"

enum { PORTS = 65536, NOT_TOLD = UINT8_MAX };

/* --- collecting --------------------------------------------------------------------------- */

struct policy_record *policy_record_new(void)
{
	return calloc(1, sizeof(struct policy_record));
}

static void free_hosts(struct seen_host *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].runs);
	}
	free(v);
}

void policy_record_free(struct policy_record *w)
{
	if (!w)
		return;
	free_hosts(w->hosts, w->n_hosts);
	for (size_t i = 0; i < w->n_groups; i++)
		free(w->groups[i].hosts);
	free(w->groups);
	free(w);
}

static void on_host(void *ctx, const struct host_record *h)
{
	struct policy_record *w = ctx;
	struct seen_host *x;

	if (!array_grow(&w->hosts, w->n_hosts, &w->cap_hosts, sizeof(*w->hosts))) {
		w->no_memory = true;
		return;
	}
	x = &w->hosts[w->n_hosts];
	*x = (struct seen_host){.addr = *h->addr,
				.order = w->n_hosts,
				.up = h->up,
				.gone = h->unreachable,
				.style = h->style};
	if (h->name) {
		x->name = strdup(h->name);
		w->no_memory = w->no_memory || !x->name;
	}
	w->n_hosts++;
}

static int add_port(struct seen_host *x, uint16_t port, uint8_t state)
{
	struct state_run *last = x->n_runs ? &x->runs[x->n_runs - 1] : NULL;

	if (last && last->state == state && last->last + 1 == port) {
		last->last = port;
		return 0;
	}
	if (!array_grow(&x->runs, x->n_runs, &x->cap_runs, sizeof(*x->runs)))
		return -1;
	x->runs[x->n_runs++] = (struct state_run){port, port, state};
	return 0;
}

static void on_port(void *ctx, const struct host_record *h, const struct port_record *r)
{
	struct policy_record *w = ctx;

	if (!w->n_hosts || !addr_equal(&w->hosts[w->n_hosts - 1].addr, r->addr))
		on_host(ctx, h);
	if (w->no_memory ||
	    add_port(&w->hosts[w->n_hosts - 1], r->port, (uint8_t)r->verdict->state) < 0)
		w->no_memory = true;
}

static void on_summary(void *ctx, const struct summary_record *s)
{
	struct policy_record *w = ctx;

	w->incomplete = !s->complete;
	snprintf(w->why, sizeof(w->why), "%s", s->why);
}

struct record_sink policy_record_sink(struct policy_record *w)
{
	return (struct record_sink){
	    .ctx = w, .host_begin = on_host, .port = on_port, .summary = on_summary};
}

/* --- one picture a host ------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
	const struct seen_host *x = a, *y = b;
	int c = addr_cmp(&x->addr, &y->addr);

	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static void paint(uint8_t *states, const struct seen_host *x)
{
	for (size_t i = 0; i < x->n_runs; i++)
		memset(states + x->runs[i].first, x->runs[i].state,
		       (size_t)(x->runs[i].last - x->runs[i].first) + 1);
}

/* What several windows told of one host becomes one, what was told last being right. */
static int join_host(struct seen_host *v, size_t n, uint8_t *states)
{
	memset(states, NOT_TOLD, PORTS);
	for (size_t i = 0; i < n; i++) {
		paint(states, &v[i]);
		v->up = v->up || v[i].up;
		v->gone = v->gone && v[i].gone;
		if (v[i].style != STYLE_UNKNOWN)
			v->style = v[i].style;
	}
	v->n_runs = 0;
	for (uint32_t port = 0; port < PORTS; port++)
		if (states[port] != NOT_TOLD && add_port(v, (uint16_t)port, states[port]) < 0)
			return -1;
	return 0;
}

static int join_hosts(struct policy_record *w)
{
	uint8_t *states = malloc(PORTS);
	size_t n = 0;
	int rc = states ? 0 : -1;

	if (w->n_hosts)
		qsort(w->hosts, w->n_hosts, sizeof(*w->hosts), by_address);
	for (size_t i = 0, next; i < w->n_hosts; i = next) {
		struct seen_host *x = &w->hosts[i], keep;

		for (next = i + 1; next < w->n_hosts; next++)
			if (!addr_equal(&x->addr, &w->hosts[next].addr))
				break;
		if (states && join_host(x, next - i, states) < 0)
			rc = -1;
		keep = w->hosts[n];
		w->hosts[n++] = *x;
		w->hosts[i] = keep; /* so that each is freed once */
	}
	w->n_joined = n;
	free(states);
	return rc;
}

/* --- groups ------------------------------------------------------------------------------- */

static bool same_picture(const struct seen_host *a, const struct seen_host *b)
{
	if (a->up != b->up || a->gone != b->gone ||
	    (a->up && (a->style != b->style || a->n_runs != b->n_runs)))
		return false;
	for (size_t i = 0; a->up && i < a->n_runs; i++)
		if (a->runs[i].first != b->runs[i].first || a->runs[i].last != b->runs[i].last ||
		    a->runs[i].state != b->runs[i].state)
			return false;
	return true;
}

static struct seen_group *group_of(struct policy_record *w, const struct seen_host *x)
{
	for (size_t i = 0; i < w->n_groups; i++)
		if (same_picture(w->groups[i].hosts[0], x))
			return &w->groups[i];
	if (!array_grow(&w->groups, w->n_groups, &w->cap_groups, sizeof(*w->groups)))
		return NULL;
	w->groups[w->n_groups] = (struct seen_group){.n = 0};
	return &w->groups[w->n_groups++];
}

static int add_to_group(struct policy_record *w, const struct seen_host *x)
{
	struct seen_group *g = group_of(w, x);

	if (!g)
		return -1;
	if (!array_grow(&g->hosts, g->n, &g->cap, sizeof(const struct seen_host *))) {
		w->n_groups -= !g->n;
		return -1;
	}
	g->hosts[g->n++] = x;
	return 0;
}

int policy_record_write(struct policy_record *w, const struct policy_record_how *how, struct err *e)
{
	bool whole = !w->no_memory && join_hosts(w) == 0;

	for (size_t i = 0; whole && i < w->n_joined; i++)
		whole = add_to_group(w, &w->hosts[i]) == 0;
	if (!whole)
		return err_set(e, "out of memory for the policy of what was seen");
	policy_record_put(w, how);
	return 0;
}
