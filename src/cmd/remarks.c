/*
 * remarks: a table by address, port and what tells one segment from the others there: its sequence
 * number, or in a walk its TTL, or nothing where the remark is the port's. A later record corrects
 * an earlier one. It decides how a verdict reads in a few words.
 */
#include "config.h"

#include "cmd/remarks.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/array.h"

enum { TABLE_FIRST = 1024 };

/* What a remark is about: its `mark` beside address and port. */
enum about { ABOUT_PORT, ABOUT_SEQ, ABOUT_TTL };

struct remark {
	struct addr addr; /* family ADDR_NONE: free */
	uint16_t port;
	uint8_t what;	    /* enum about */
	uint8_t state;	    /* enum port_state, where there is no text */
	uint64_t mark;	    /* by `what`: 0; SEG.SEQ; our port << 8 | TTL */
	const char *reason; /* static */
	uint32_t text;	    /* 1 + offset in the pool; 0: state and reason */
};

struct framed {
	uint32_t frame, text;
};

struct remarks {
	struct report report;
	struct remark *v; /* open addressing */
	size_t n, table;
	char *pool;
	size_t pool_len, pool_cap;
	struct framed *frames;
	size_t n_frames, cap_frames;
	uint8_t key[crypto_shorthash_KEYBYTES];
};

/* --- the table -------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct remarks *r, const struct remark *x)
{
	uint8_t text[sizeof(x->addr.b) + 11], out[crypto_shorthash_BYTES];
	uint64_t h;

	memcpy(text, x->addr.b, 16);
	memcpy(text + 16, &x->port, 2);
	text[18] = x->what;
	memcpy(text + 19, &x->mark, 8);
	crypto_shorthash(out, text, sizeof(text), r->key);
	memcpy(&h, out, sizeof(h));
	return h;
}

/* Where it is, or would be. */
static struct remark *place(const struct remarks *r, const struct remark *x)
{
	size_t i = hash_of(r, x) & (r->table - 1);

	for (;; i = (i + 1) & (r->table - 1)) {
		struct remark *at = &r->v[i];

		if (at->addr.family == ADDR_NONE ||
		    (at->port == x->port && at->what == x->what && at->mark == x->mark &&
		     addr_equal(&at->addr, &x->addr)))
			return at;
	}
}

static bool grow(struct remarks *r)
{
	struct remark *old = r->v;
	size_t n = r->table;

	r->table = n ? 2 * n : TABLE_FIRST;
	r->v = calloc(r->table, sizeof(*r->v));
	if (!r->v) {
		r->v = old;
		r->table = n;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (old[i].addr.family != ADDR_NONE)
			*place(r, &old[i]) = old[i];
	free(old);
	return true;
}

/* A frame knows no zone. */
static struct remark of(const struct addr *a, uint16_t port, enum about what, uint64_t mark)
{
	struct remark x = {.addr = *a, .port = port, .what = (uint8_t)what, .mark = mark};

	x.addr.zone = 0;
	return x;
}

/* Where there is no room for more, those that are there stay. */
static void keep(struct remarks *r, const struct remark *x)
{
	struct remark *at;

	if (2 * r->n >= r->table && !grow(r))
		return;
	at = place(r, x);
	if (at->addr.family == ADDR_NONE) {
		if (r->n == REMARKS_MAX)
			return;
		r->n++;
	}
	*at = *x;
}

static const struct remark *find(const struct remarks *r, const struct remark *x)
{
	const struct remark *at = r->table ? place(r, x) : NULL;

	return at && at->addr.family != ADDR_NONE ? at : NULL;
}

/* 0: no room. */
static uint32_t pool_put(struct remarks *r, const char *text)
{
	size_t len = strlen(text) + 1, at = r->pool_len;

	if (r->pool_cap - r->pool_len < len) {
		size_t cap = 2 * r->pool_cap + 4096;
		char *larger = cap < UINT32_MAX ? realloc(r->pool, cap) : NULL;

		if (!larger)
			return 0;
		r->pool = larger;
		r->pool_cap = cap;
	}
	memcpy(r->pool + at, text, len);
	r->pool_len += len;
	return (uint32_t)at + 1;
}

static void keep_text(struct remarks *r, struct remark x, const char *text)
{
	x.text = pool_put(r, text);
	if (x.text)
		keep(r, &x);
}

static void keep_state(struct remarks *r, struct remark x, enum port_state state,
		       const char *reason)
{
	x.state = (uint8_t)state;
	x.reason = reason;
	keep(r, &x);
}

/* --- of ports: scan, audit -------------------------------------------------------------------- */

static void on_port(void *ctx, const struct host_record *h, const struct port_record *p)
{
	(void)h;
	keep_state(ctx, of(p->addr, p->port, ABOUT_PORT, 0), p->verdict->state, p->verdict->reason);
}

static void on_try(void *ctx, const struct try_record *t)
{
	const struct verdict *v = t->result->verdict;

	for (size_t k = 0; k < t->result->seen->n_kinds; k++)
		keep_state(ctx, of(t->addr, t->port, ABOUT_SEQ, t->seqs[k]), v->state, v->reason);
}

static void on_check(void *ctx, const struct check_record *c)
{
	const struct measure *m = c->seen;

	if (!m || !c->addr)
		return;
	if (c->port)
		keep_state(ctx, of(c->addr, c->port, ABOUT_PORT, 0), (enum port_state)m->state,
			   m->reason);
	for (size_t i = 0; i < c->n_spans; i++)
		for (uint32_t port = c->spans[i].first; port <= c->spans[i].last; port++)
			keep_state(ctx, of(c->addr, (uint16_t)port, ABOUT_PORT, 0),
				   (enum port_state)m->state, m->reason);
}

/* --- of segments: stack, trace, provoke ------------------------------------------------------- */

static const char *reaction_word(const struct exchange *x)
{
	return reaction_token(x->answered_by ? (enum reaction)x->reaction : REACTION_NONE);
}

static void put_conforms(struct text *t, const struct cell_verdict *c)
{
	if (c->conforms == CONFORMS_YES)
		text_putf(t, ", conforms");
	else if (c->conforms == CONFORMS_NO)
		text_putf(t, ", deviates%s%s", c->how ? ": " : "", c->how ? c->how : "");
}

static void on_stack(void *ctx, const struct stack_record *s)
{
	for (size_t i = 0; i < s->facts->n_ports; i++) {
		const struct stack_port *p = &s->facts->ports[i];
		char line[REMARK_TEXT];
		struct text t = text_of(line, sizeof(line));

		text_putf(&t, "SYN: %s", reaction_word(&p->syn));
		keep_text(ctx, of(s->addr, p->port, ABOUT_SEQ, p->syn.sent.seq), line);
	}
	for (size_t i = 0; i < s->verdict->n_cells; i++) {
		const struct cell_verdict *c = &s->verdict->cells[i];
		char line[REMARK_TEXT];
		struct text t = text_of(line, sizeof(line));

		if (!c->x || !c->x->tries)
			continue;
		text_putf(&t, "%s, %s: %s", tcp_state_name(c->cell->state), c->cell->form->name,
			  reaction_word(c->x));
		put_conforms(&t, c);
		keep_text(ctx, of(s->addr, c->x->port, ABOUT_SEQ, c->x->sent.seq), line);
	}
}

static struct remark of_hop(const struct addr *a, const struct trace_walk *w, uint8_t ttl)
{
	return of(a, w->dport, ABOUT_TTL, (uint64_t)w->sport << 8 | ttl);
}

static void put_hop(struct text *t, const struct trace_hop *h)
{
	char from[ADDR_TEXT];

	text_putf(t, "ttl %u: ", h->ttl);
	if (h->expired)
		text_putf(t, "time-exceeded from %s", addr_format(&h->expiry.from, from));
	if (h->replied)
		text_putf(t, "%s%s", h->expired ? ", " : "", reaction_word(&h->reply));
	if (!h->expired && !h->replied)
		text_putf(t, "%s", reaction_token(REACTION_NONE));
}

static void on_hop(void *ctx, const struct hop_record *h)
{
	char line[REMARK_TEXT];
	struct text t = text_of(line, sizeof(line));

	put_hop(&t, h->hop);
	keep_text(ctx, of_hop(h->addr, h->walk, h->hop->ttl), line);
}

/* The verdict stands beside the hop that decided: the first that answered, or the last heard. */
static void on_trace(void *ctx, const struct trace_record *r)
{
	for (size_t i = 0; i < r->facts->n_walks; i++) {
		const struct trace_walk *w = &r->facts->walks[i];
		uint8_t ttl = trace_reply_ttl(w);
		char line[REMARK_TEXT];
		struct text t = text_of(line, sizeof(line));

		ttl = ttl ? ttl : trace_last_heard(w);
		if (w->role != WALK_MAIN || !ttl)
			continue;
		put_hop(&t, &w->hops[ttl]);
		text_putf(&t, "; %s", trace_end_name(r->flows[w->flow].end));
		keep_text(ctx, of_hop(r->addr, w, ttl), line);
	}
}

static void on_provoke(void *ctx, const struct provoke_record *p)
{
	struct remarks *r = ctx;
	uint32_t text = pool_put(r, p->verdict->row->id);

	for (size_t i = 0; text && i < p->n_frames; i++) {
		if (!array_grow(&r->frames, r->n_frames, &r->cap_frames, sizeof(*r->frames)))
			return;
		r->frames[r->n_frames++] = (struct framed){p->frames[i], text};
	}
}

/* --- what is asked ---------------------------------------------------------------------------- */

/* Frames come ascending: those of each record are, and the records are in order. */
static uint32_t text_of_frame(const struct remarks *r, uint64_t frame)
{
	size_t low = 0, high = r->n_frames;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (r->frames[mid].frame < frame)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n_frames && r->frames[low].frame == frame ? r->frames[low].text : 0;
}

static const struct remark *remark_on(const struct remarks *r, const struct paired *p)
{
	const struct remark keys[] = {
	    of(&p->far, p->far_port, ABOUT_SEQ, p->seq),
	    of(&p->far, p->far_port, ABOUT_TTL, (uint64_t)p->our_port << 8 | p->ttl),
	    of(&p->far, p->far_port, ABOUT_PORT, 0),
	};
	const struct remark *found = NULL;

	for (size_t i = 0; !found && i < sizeof(keys) / sizeof(keys[0]); i++)
		found = find(r, &keys[i]);
	return found;
}

void remarks_put(const struct remarks *r, const struct paired *p, uint64_t frame, struct text *to)
{
	uint32_t text = text_of_frame(r, frame);
	const struct remark *x = text ? NULL : remark_on(r, p);

	text = x ? x->text : text;
	if (text)
		text_putf(to, "%s", r->pool + text - 1);
	else if (x)
		text_putf(to, "%s (%s)", state_name((enum port_state)x->state), x->reason);
}

static int close_nothing(struct report *report, struct err *e)
{
	(void)report;
	(void)e;
	return 0;
}

struct remarks *remarks_new(void)
{
	struct remarks *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	randombytes_buf(r->key, sizeof(r->key));
	r->report = (struct report){
	    .sink =
		{
		    .ctx = r,
		    .port = on_port,
		    .stack = on_stack,
		    .hop = on_hop,
		    .trace = on_trace,
		    .provoke = on_provoke,
		    .check = on_check,
		    .try = on_try,
		},
	    .close = close_nothing,
	};
	return r;
}

void remarks_free(struct remarks *r)
{
	if (!r)
		return;
	free(r->frames);
	free(r->pool);
	free(r->v);
	free(r);
}

struct report *remarks_report(struct remarks *r)
{
	return &r->report;
}
