/*
 * gather: a host may come in several windows of the sweep, so it is merged by its number. Memory is
 * bounded: twice the hosts that may be asked, merged when that is full.
 */
#include "cmd/gather.h"

#include <stdlib.h>

#include "base/array.h"

enum { CAP_MAX = 2 * STACK_HOSTS_MAX };

static int by_number(const void *a, const void *b)
{
	const struct gathered *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void add_port(uint16_t *v, uint8_t *n, uint16_t port)
{
	for (unsigned i = 0; i < *n; i++)
		if (v[i] == port)
			return;
	if (*n < STACK_KNOWN_MAX)
		v[(*n)++] = port;
}

static void join(struct gathered *into, const struct gathered *more)
{
	for (unsigned i = 0; i < more->n_open; i++)
		add_port(into->open, &into->n_open, more->open[i]);
	for (unsigned i = 0; i < more->n_closed; i++)
		add_port(into->closed, &into->n_closed, more->closed[i]);
}

static void merge(struct gather *g)
{
	size_t kept = 0;

	if (g->n)
		qsort(g->v, g->n, sizeof(*g->v), by_number);
	for (size_t i = 0; i < g->n; i++) {
		if (kept && g->v[kept - 1].number == g->v[i].number)
			join(&g->v[kept - 1], &g->v[i]);
		else
			g->v[kept++] = g->v[i];
	}
	g->n = kept;
	if (g->n > STACK_HOSTS_MAX) {
		g->truncated = true;
		g->n = STACK_HOSTS_MAX;
	}
}

static void keep(struct gather *g)
{
	if (g->n == g->cap && g->cap == CAP_MAX)
		merge(g);
	if (!array_grow(&g->v, g->n, &g->cap, sizeof(*g->v))) {
		g->no_memory = true;
		return;
	}
	g->v[g->n++] = g->now;
}

/* --- the sink --------------------------------------------------------------------------------- */

static void gather_open_found(void *ctx, const struct port_record *r)
{
	const struct gather *g = ctx;

	if (g->to->open_found)
		g->to->open_found(g->to->ctx, r);
}

static void gather_host_begin(void *ctx, const struct host_record *h)
{
	struct gather *g = ctx;

	g->now = (struct gathered){0};
	g->located = false;
	if (g->to->host_begin)
		g->to->host_begin(g->to->ctx, h);
}

static void gather_port(void *ctx, const struct host_record *h, const struct port_record *r)
{
	struct gather *g = ctx;

	if (!g->located)
		g->located = space_find(g->space, r->addr, r->port, NULL, &g->now.number);
	if (r->verdict->state == STATE_OPEN || r->verdict->state == STATE_SUSPECT)
		add_port(g->now.open, &g->now.n_open, r->port);
	else if (r->verdict->state == STATE_CLOSED && reaction_is_rst(r->verdict->reaction))
		add_port(g->now.closed, &g->now.n_closed, r->port);
	if (g->to->port)
		g->to->port(g->to->ctx, h, r);
}

static void gather_host_end(void *ctx, const struct host_record *h)
{
	struct gather *g = ctx;

	if (h->up && g->located)
		keep(g);
	if (g->to->host_end)
		g->to->host_end(g->to->ctx, h);
}

static void gather_window(void *ctx, const struct window_record *w)
{
	const struct gather *g = ctx;

	if (g->to->window)
		g->to->window(g->to->ctx, w);
}

static void gather_progress(void *ctx, const struct progress *p, bool asked)
{
	const struct gather *g = ctx;

	if (g->to->progress)
		g->to->progress(g->to->ctx, p, asked);
}

static void gather_note(void *ctx, const char *text)
{
	const struct gather *g = ctx;

	if (g->to->note)
		g->to->note(g->to->ctx, text);
}

void gather_init(struct gather *g, const struct record_sink *to, const struct space *space)
{
	*g = (struct gather){
	    .sink =
		{
		    .ctx = g,
		    .open_found = gather_open_found,
		    .host_begin = gather_host_begin,
		    .port = gather_port,
		    .host_end = gather_host_end,
		    .window = gather_window,
		    .progress = gather_progress,
		    .note = gather_note,
		},
	    .to = to,
	    .space = space,
	};
}

void gather_free(struct gather *g)
{
	free(g->v);
	g->v = NULL;
}

struct stack_host *gather_hosts(struct gather *g, size_t *n, bool *truncated)
{
	struct stack_host *hosts;

	merge(g);
	hosts = g->no_memory ? NULL : calloc(g->n + 1, sizeof(*hosts));
	if (!hosts)
		return NULL;
	for (size_t i = 0; i < g->n; i++) {
		const struct gathered *x = &g->v[i];
		const struct span *span = space_span_of_host(g->space, x->number);

		hosts[i] = (struct stack_host){
		    .addr = space_host_addr(g->space, x->number),
		    .name = span->name,
		    .path = span->path,
		    .candidates = x->open,
		    .n_candidates = x->n_open,
		    .closed = x->closed,
		    .n_closed = x->n_closed,
		};
	}
	*n = g->n;
	*truncated = g->truncated;
	return hosts;
}
