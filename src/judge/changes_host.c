/*
 * changes_host: one host, or addresses that are alike, as both results have it: which ports changed
 * and how, which cannot be compared, and whether it is the host that went down or came up.
 */
#include "base/array.h"
#include "judge/changes_private.h"

static bool is_answer(const struct run *r)
{
	switch (r->state) {
	case STATE_OPEN:
	case STATE_CLOSED:
	case STATE_UNFILTERED:
	case STATE_SUSPECT:
	case STATE_INCONSISTENT: return true;
	default: return false;
	}
}

static bool is_measured(const struct run *r)
{
	return r->state != STATE_INDETERMINATE && r->state != STATE_NOT_PROBED;
}

/* Not asked, since the host is known not to answer. */
static bool is_gone(const struct run *r, const struct face *f)
{
	return r->state == STATE_NOT_PROBED && r->reason != REASON_CUT && f && f->up == UP_NO;
}

/* --- both lists side by side ------------------------------------------------------------------ */

/* Ports that both have alike; a side that did not ask has NULL. */
struct stretch {
	uint16_t first, last;
	const struct run *of[SIDES];
};

struct march {
	const struct runs *runs[SIDES];
	size_t at[SIDES];
	unsigned port; /* all before are done */
};

static const struct run *march_run(struct march *m, int k)
{
	const struct runs *r = m->runs[k];

	while (m->at[k] < r->n && r->v[m->at[k]].last < m->port)
		m->at[k]++;
	return m->at[k] < r->n ? &r->v[m->at[k]] : NULL;
}

static bool march_next(struct march *m, struct stretch *out)
{
	unsigned first = UINT32_MAX, last = UINT16_MAX;
	const struct run *r[SIDES];

	for (int k = 0; k < SIDES; k++) {
		r[k] = march_run(m, k);
		if (r[k] && (r[k]->first > m->port ? r[k]->first : m->port) < first)
			first = r[k]->first > m->port ? r[k]->first : m->port;
	}
	if (first > UINT16_MAX)
		return false;
	for (int k = 0; k < SIDES; k++) {
		if (r[k] && r[k]->first > first) {
			last = r[k]->first - 1U < last ? r[k]->first - 1U : last;
			r[k] = NULL;
		} else if (r[k] && r[k]->last < last) {
			last = r[k]->last;
		}
		out->of[k] = r[k];
	}
	out->first = (uint16_t)first;
	out->last = (uint16_t)last;
	m->port = last + 1;
	return true;
}

static uint64_t count_of(const struct stretch *s)
{
	return s->last - s->first + 1U;
}

/* --- a stretch -------------------------------------------------------------------------------- */

static uint16_t reason_of(const struct run *r)
{
	return r->state == STATE_HIDDEN ? REASON_NONE : r->reason;
}

static bool tell(struct findings *f, const struct stretch *s, enum change_kind kind)
{
	const struct run *was = s->of[SIDE_OLD], *is = s->of[SIDE_NEW];

	if (!array_grow(&f->v, f->n, &f->cap, sizeof(*f->v)))
		return false;
	f->v[f->n++] = (struct delta){
	    .first = s->first,
	    .last = s->last,
	    .kind = (uint8_t)kind,
	    .was = was ? was->state : STATE_NONE,
	    .is = is ? is->state : STATE_NONE,
	    .was_reason = was ? reason_of(was) : REASON_NONE,
	    .is_reason = is ? reason_of(is) : REASON_NONE,
	};
	return true;
}

static enum change_kind kind_of(const struct run *was, const struct run *is)
{
	if (is->state == STATE_OPEN)
		return CHANGE_OPENED;
	return was->state == STATE_OPEN ? CHANGE_CLOSED : CHANGE_STATE;
}

/* Can the two be told apart? A run that was to show open ports alone says of others nothing else.
 */
static bool can_compare(const struct run *was, const struct run *is)
{
	const struct run *hidden = was->state == STATE_HIDDEN ? was : is;
	const struct run *other = hidden == was ? is : was;

	if (!is_measured(was) || !is_measured(is))
		return false;
	if (hidden->state != STATE_HIDDEN)
		return true;
	if (other->state == STATE_HIDDEN)
		return other->reason == hidden->reason;
	return hidden->reason & 1U << other->state;
}

static bool compare(struct findings *f, const struct stretch *s)
{
	const struct run *was = s->of[SIDE_OLD], *is = s->of[SIDE_NEW];

	if (!can_compare(was, is)) {
		f->ignored += count_of(s);
		return true;
	}
	f->compared += count_of(s);
	if (was->state != is->state)
		return tell(f, s, kind_of(was, is));
	return was->reason == is->reason || tell(f, s, CHANGE_REASON);
}

static bool cover(struct findings *f, const struct stretch *s)
{
	bool newly = !s->of[SIDE_OLD];
	size_t n = f->n;

	f->same_scope = false;
	if (!is_measured(s->of[newly ? SIDE_NEW : SIDE_OLD])) {
		f->ignored += count_of(s);
		return true;
	}
	if (!tell(f, s, newly ? CHANGE_NEWLY_COVERED : CHANGE_NO_LONGER_COVERED))
		return false;
	if (f->v[n].was != STATE_OPEN && f->v[n].is != STATE_OPEN)
		f->v[n].was_reason = f->v[n].is_reason = REASON_NONE;
	return true;
}

/* Of a host that went down or came up: `up` is the port while it was up, `down` the other. */
static bool follow(struct findings *f, const struct stretch *s, const struct face *down_face)
{
	const struct run *up = s->of[f->went_down ? SIDE_OLD : SIDE_NEW];
	const struct run *down = s->of[f->went_down ? SIDE_NEW : SIDE_OLD];

	if (!is_gone(down, down_face))
		if (!can_compare(up, down) || up->state == STATE_OPEN || is_answer(down))
			return compare(f, s);
	if (!is_measured(up)) {
		f->ignored += count_of(s);
		return true;
	}
	f->compared += count_of(s);
	if (up->state == STATE_OPEN)
		return tell(f, s, kind_of(s->of[SIDE_OLD], s->of[SIDE_NEW]));
	if (up->state != down->state || up->reason != down->reason)
		f->swallowed += count_of(s);
	return true;
}

/* --- the host --------------------------------------------------------------------------------- */

static const struct runs no_runs;

static struct march march_of(const struct pair *p)
{
	struct march m = {{&no_runs, &no_runs}, {0, 0}, 0};

	for (int k = 0; k < SIDES; k++)
		if (p->runs[k])
			m.runs[k] = p->runs[k];
	return m;
}

/* Did it stop answering, or begin, at ports that both asked? */
static void find_turn(const struct pair *p, struct findings *out)
{
	const struct face *old = p->face[SIDE_OLD], *now = p->face[SIDE_NEW];
	struct march m = march_of(p);
	uint64_t lost = 0, won = 0;
	struct stretch s;

	if (!old || !now || old->up == now->up || old->up == UP_UNKNOWN || now->up == UP_UNKNOWN)
		return;
	while (march_next(&m, &s)) {
		const struct run *was = s.of[SIDE_OLD], *is = s.of[SIDE_NEW];

		if (!was || !is || is_answer(was) == is_answer(is))
			continue;
		if (is_answer(was) && (is_measured(is) || is_gone(is, now)))
			lost += count_of(&s);
		else if (is_answer(is) && (is_measured(was) || is_gone(was, old)))
			won += count_of(&s);
	}
	out->went_down = now->up == UP_NO && lost;
	out->came_up = old->up == UP_NO && won;
	out->turned = out->went_down ? lost : won;
	out->reason = out->went_down ? now->reason : old->reason;
}

bool changes_judge(const struct pair *p, struct findings *out)
{
	struct march m = march_of(p);
	struct stretch s;

	*out = (struct findings){.v = out->v, .cap = out->cap, .same_scope = true};
	find_turn(p, out);
	while (march_next(&m, &s)) {
		bool ok;

		if (!s.of[SIDE_OLD] || !s.of[SIDE_NEW])
			ok = cover(out, &s);
		else if (out->went_down || out->came_up)
			ok = follow(out, &s, p->face[out->went_down ? SIDE_NEW : SIDE_OLD]);
		else
			ok = compare(out, &s);
		if (!ok)
			return false;
	}
	return true;
}
