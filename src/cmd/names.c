/*
 * names: a table of what was asked and what came. A few questions are out at a time, the rest wait
 * here, so that none is lost on a line that is full.
 */
#include "config.h"

#include "cmd/names.h"

#include <stdlib.h>
#include <string.h>

#include "wire/clock.h"

enum {
	ENTRIES = 512, /* those over have no name */
	OUT_MAX = 64,
	MUTE_MS = 400,	    /* from a resolver that was never heard, by then nothing comes */
	PATIENCE_MS = 1200, /* of one that was */
};

struct entry {
	struct addr addr;
	enum name_state state;
	uint64_t asked_ms;
	char name[NAME_TEXT];
};

struct names {
	struct names_source by;
	bool heard;		 /* the resolver has answered something */
	bool gone;		 /* it answers nothing any more */
	size_t n, sent;		 /* entries; those before `sent` it was asked */
	size_t out;		 /* of these it has not answered */
	struct entry v[ENTRIES]; /* their place is the question's id */
};

struct names *names_new(const struct names_source *s)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n)
		n->by = *s;
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	n->by.end(n->by.ctx);
	free(n);
}

/* --- the resolver ----------------------------------------------------------------------------- */

static int by_ask(void *ctx, uint32_t id, const struct addr *a)
{
	return resolver_ask_name(ctx, id, a);
}

static int by_take(void *ctx, struct resolver_answer *a)
{
	return resolver_take_name(ctx, a);
}

static void by_wait(void *ctx, uint64_t ns)
{
	resolver_wait(ctx, ns);
}

static uint64_t by_now_ms(void *ctx)
{
	(void)ctx;
	return clock_mono_ns() / 1000000;
}

static void by_end(void *ctx)
{
	resolver_end(ctx);
}

struct names *names_by(struct resolver *r)
{
	const struct names_source s = {by_ask, by_take, by_wait, by_now_ms, by_end, r};

	return names_new(&s);
}

/* --- what comes and goes ---------------------------------------------------------------------- */

/* Nobody need wait for what nobody looks up. */
static void give_up(struct names *n)
{
	n->gone = true;
	for (size_t i = 0; i < n->n; i++)
		if (n->v[i].state == NAME_NOT_YET)
			n->v[i].state = NAME_NONE;
}

/* An id that is none of ours, or was answered before, says nothing. */
static void take(struct names *n, const struct resolver_answer *a)
{
	struct entry *e = a->id < n->sent ? &n->v[a->id] : NULL;

	if (!e || e->state != NAME_NOT_YET)
		return;
	memcpy(e->name, a->name, sizeof(e->name));
	e->state = a->name[0] ? NAME_KNOWN : NAME_NONE;
	n->heard = true;
	n->out--;
}

/* Takes what has come and asks what may go out. */
static void turn(struct names *n)
{
	struct resolver_answer a;
	int rc = 0;

	while (!n->gone && n->out && (rc = n->by.take(n->by.ctx, &a)) > 0)
		take(n, &a);
	while (rc >= 0 && !n->gone && n->sent < n->n && n->out < OUT_MAX) {
		rc = n->by.ask(n->by.ctx, (uint32_t)n->sent, &n->v[n->sent].addr);
		if (rc <= 0)
			break;
		n->sent++;
		n->out++;
	}
	if (rc < 0)
		give_up(n);
}

/* --- for the owner ---------------------------------------------------------------------------- */

static struct entry *find(struct names *n, const struct addr *a)
{
	for (size_t i = 0; i < n->n; i++)
		if (addr_equal(&n->v[i].addr, a))
			return &n->v[i];
	return NULL;
}

void names_ask(struct names *n, const struct addr *a)
{
	if (n->gone || n->n == ENTRIES || find(n, a))
		return;
	n->v[n->n++] =
	    (struct entry){.addr = *a, .state = NAME_NOT_YET, .asked_ms = n->by.now_ms(n->by.ctx)};
	turn(n);
}

enum name_state names_get(struct names *n, const struct addr *a, char name[NAME_TEXT])
{
	const struct entry *e = find(n, a);

	turn(n);
	if (!e)
		return NAME_NONE;
	if (e->state == NAME_KNOWN)
		memcpy(name, e->name, NAME_TEXT);
	return e->state;
}

bool names_worth_waiting(struct names *n, const struct addr *a)
{
	const struct entry *e = find(n, a);
	uint64_t now = n->by.now_ms(n->by.ctx);

	turn(n);
	if (!e || e->state != NAME_NOT_YET)
		return false;
	return n->heard ? now - e->asked_ms < PATIENCE_MS : now - n->v[0].asked_ms < MUTE_MS;
}

void names_wait(struct names *n, uint64_t ns)
{
	if (!n->gone)
		n->by.wait(n->by.ctx, ns);
	turn(n);
}
