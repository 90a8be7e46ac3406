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

bool run_is_gone(const struct run *r, const struct face *f)
{
	return r->state == STATE_NOT_PROBED && r->reason != REASON_CUT && f && f->up == UP_NO;
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

bool run_can_compare(const struct run *was, const struct run *is)
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

	if (!run_can_compare(was, is)) {
		f->ignored += stretch_ports(s);
		return true;
	}
	f->compared += stretch_ports(s);
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
		f->ignored += stretch_ports(s);
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

	if (!run_is_gone(down, down_face))
		if (!run_can_compare(up, down) || up->state == STATE_OPEN || is_answer(down))
			return compare(f, s);
	if (!is_measured(up)) {
		f->ignored += stretch_ports(s);
		return true;
	}
	f->compared += stretch_ports(s);
	if (up->state == STATE_OPEN)
		return tell(f, s, kind_of(s->of[SIDE_OLD], s->of[SIDE_NEW]));
	if (up->state != down->state || up->reason != down->reason)
		f->swallowed += stretch_ports(s);
	return true;
}

/* --- the host --------------------------------------------------------------------------------- */

static struct march march_of(const struct place *p)
{
	return (struct march){.runs = p->runs, .n = SIDES};
}

/* Did it stop answering, or begin, at ports that both asked? */
static void find_turn(const struct place *p, struct findings *out)
{
	const struct face *old = p->face, *now = p->face ? &p->face[SIDE_NEW] : NULL;
	struct march m = march_of(p);
	uint64_t lost = 0, won = 0;
	struct stretch s;

	if (!p->face || old->up == now->up || old->up == UP_UNKNOWN || now->up == UP_UNKNOWN)
		return;
	while (march_next(&m, &s)) {
		const struct run *was = s.of[SIDE_OLD], *is = s.of[SIDE_NEW];

		if (!was || !is || is_answer(was) == is_answer(is))
			continue;
		if (is_answer(was) && (is_measured(is) || run_is_gone(is, now)))
			lost += stretch_ports(&s);
		else if (is_answer(is) && (is_measured(was) || run_is_gone(was, old)))
			won += stretch_ports(&s);
	}
	out->went_down = now->up == UP_NO && lost;
	out->came_up = old->up == UP_NO && won;
	out->turned = out->went_down ? lost : won;
	out->reason = out->went_down ? now->reason : old->reason;
}

bool changes_judge(const struct place *p, struct findings *out)
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
			ok = follow(out, &s, &p->face[out->went_down ? SIDE_NEW : SIDE_OLD]);
		else
			ok = compare(out, &s);
		if (!ok)
			return false;
	}
	return true;
}
