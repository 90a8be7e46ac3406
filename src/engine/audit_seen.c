/*
 * audit_seen: takes what sweeps tell and keeps of each port what a policy can demand, merged over
 * all probings. Nothing is judged here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/audit_private.h"

enum { FROM_MAX = UINT16_MAX - 1, OTHER_STYLE = 16 };

int seen_make(struct seen_table *t, const struct space *space, struct err *e)
{
	*t = (struct seen_table){.space = space};
	t->v = array_zeroed(space->total + 1, sizeof(*t->v));
	t->styles = array_zeroed(space->hosts + 1, 1);
	if (!t->v || !t->styles) {
		seen_free(t);
		return err_set(e, "out of memory for %" PRIu64 " ports", space->total);
	}
	for (uint64_t i = 0; i < space->total; i++)
		measure_clear(&t->v[i]);
	return 0;
}

void seen_free(struct seen_table *t)
{
	free(t->v);
	free(t->styles);
	free(t->from);
	t->v = NULL;
	t->styles = NULL;
	t->from = NULL;
}

struct measure *seen_at(const struct seen_table *t, const struct plan_walk *at, uint16_t port)
{
	int32_t rank = ports_rank(at->span->ports, port);

	return rank < 0 ? NULL : &t->v[space_host_index(t->space, at->host) + (uint32_t)rank];
}

/* 0 where it is the target itself, or where no more can be kept. */
static uint16_t keep_from(struct seen_table *t, const struct addr *target, const struct addr *from)
{
	if (!from || addr_same(target, from))
		return 0;
	for (size_t i = 0; i < t->n_from; i++)
		if (addr_equal(&t->from[i], from))
			return (uint16_t)(i + 1);
	if (t->n_from == FROM_MAX ||
	    !array_grow(&t->from, t->n_from, &t->cap_from, sizeof(*t->from)))
		return 0;
	t->from[t->n_from++] = *from;
	return (uint16_t)t->n_from;
}

static uint8_t small(unsigned n)
{
	return (uint8_t)(n < UINT8_MAX ? n : UINT8_MAX);
}

static struct measure measure_of(struct seen_table *t, const struct host_record *h,
				 const struct port_record *r)
{
	const struct verdict *v = r->verdict;
	struct measure m;

	measure_clear(&m);
	m.state = (uint8_t)v->state;
	m.reason = v->reason;
	m.reaction = (uint8_t)v->reaction;
	m.tries = small(r->tries);
	m.probings = 1;
	if (v->decider) {
		m.rtt_us = v->decider->rtt_us;
		m.ttl = v->decider->ttl;
		m.icmp_type = v->decider->icmp_type;
		m.icmp_code = v->decider->icmp_code;
		m.from = keep_from(t, r->addr, r->from);
	}
	if (v->origin == ORIGIN_MIDDLEBOX)
		m.bits |= MEASURE_FROM_PATH;
	if (h->unreachable && v->reason && strcmp(v->reason, "no-route") != 0)
		m.bits |= MEASURE_GONE;
	if (h->icmp_limited && v->state == STATE_FILTERED)
		m.bits |= MEASURE_RATIONED;
	return m;
}

/* A stray segment was answered, or kept silence often enough. */
static struct measure stray_of(const struct port_record *r)
{
	enum port_state state = r->verdict->state;
	struct measure m;

	measure_clear(&m);
	if (state == STATE_INDETERMINATE || state == STATE_NOT_PROBED)
		return m;
	m.stray = (uint8_t)r->verdict->reaction;
	m.stray_tries = small(r->tries);
	m.stray_probings = 1;
	m.bits = MEASURE_ASKED_STRAY;
	return m;
}

static void seen_port(void *ctx, const struct host_record *h, const struct port_record *r)
{
	struct seen_sink *s = ctx;
	struct seen_table *t = s->t;
	struct measure m;
	uint64_t index;

	if (s->what == SEEN_STYLES || !space_find(t->space, r->addr, r->port, &index, NULL))
		return;
	m = s->what == SEEN_STRAYS ? stray_of(r) : measure_of(t, h, r);
	if (s->again || s->what == SEEN_STRAYS)
		measure_merge(&t->v[index], &m);
	else
		t->v[index] = m;
}

static void seen_host(void *ctx, const struct host_record *h)
{
	struct seen_sink *s = ctx;
	uint8_t *style;
	uint64_t host;

	if (h->style == STYLE_UNKNOWN || !space_find_host(s->t->space, h->addr, &host))
		return;
	style = &s->t->styles[host];
	if (*style == STYLE_UNKNOWN || (s->what == SEEN_STYLES && !s->again))
		*style = (uint8_t)h->style;
	else if (s->what == SEEN_STYLES && *style < OTHER_STYLE && *style != h->style)
		*style = (uint8_t)(*style + OTHER_STYLE * (1 + h->style));
}

enum reset_style seen_style(const struct seen_table *t, uint64_t host, enum reset_style faces[2])
{
	uint8_t style = t->styles[host];

	faces[0] = faces[1] = (enum reset_style)(style % OTHER_STYLE);
	if (style < OTHER_STYLE)
		return faces[0];
	faces[1] = (enum reset_style)(style / OTHER_STYLE - 1);
	return STYLE_UNKNOWN;
}

static void seen_progress(void *ctx, const struct progress *p, bool asked)
{
	const struct seen_sink *s = ctx;

	if (s->to->progress)
		s->to->progress(s->to->ctx, p, asked);
}

static void seen_note(void *ctx, const char *text)
{
	const struct seen_sink *s = ctx;

	if (s->to->note)
		s->to->note(s->to->ctx, text);
}

void seen_sink_init(struct seen_sink *s, struct seen_table *t, enum seen_what what,
		    const struct record_sink *to)
{
	*s = (struct seen_sink){.t = t, .to = to, .what = what};
	s->sink = (struct record_sink){
	    .ctx = s,
	    .port = what == SEEN_STYLES ? NULL : seen_port,
	    .host_end = what == SEEN_STRAYS ? NULL : seen_host,
	    .progress = seen_progress,
	    .note = seen_note,
	};
}

void seen_fill_silent(struct seen_table *t, unsigned tries)
{
	for (uint64_t i = 0; i < t->space->total; i++) {
		struct measure *m = &t->v[i];

		if (m->probings)
			continue;
		m->state = STATE_FILTERED;
		m->reason = reaction_reason(REACTION_NONE, 0, 0, 0);
		m->tries = small(tries);
		m->probings = 1;
	}
}
