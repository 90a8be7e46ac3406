/*
 * sweep_origin: who sent the RST that a port's verdict rests on, by the window's other replies of
 * its host, and by what we had sent ourselves, which the cookie tells again. What the signs mean,
 * the judge knows.
 */
#include "engine/sweep_private.h"
#include "judge/origin.h"

/* Most RSTs have neither IP ID nor window: our own need not be made again for them. */
static uint32_t signs_of_echo(const struct sweep *s, const struct point *at, const struct reply *r)
{
	struct exchange x;

	if ((!r->ip_id && !r->win) || (r->try >= TRIES_MAX && !s->c->sport_fixed))
		return 0;
	sweep_fill_exchange(s, &at->addr, at->port, r, &x);
	return origin_signs_of_echo(&x);
}

static bool is_rst(const struct reply *r)
{
	return r && !r->from && r->fit == FIT_EXACT && reaction_is_rst((enum reaction)r->reaction);
}

/* An open port speaks for itself by its SYN-ACK; what its ACK drew may be another's. */
static void hold_open(const struct sweep *s, const struct siblings *sib, const struct point *at,
		      const struct observation *o, struct verdict *v)
{
	for (size_t i = 0; i < o->n_replies; i++) {
		const struct reply *r = o->replies[i];

		if (!is_rst(r) || !siblings_disown(sib, r, signs_of_echo(s, at, r)))
			continue;
		for (unsigned k = 0; k < v->n_clues; k++)
			if (v->clues[k].id == CLUE_LISTEN_RST)
				v->clues[k] = (struct clue){.id = CLUE_ACK_ELSEWHERE};
	}
}

void sweep_judge_origin(const struct sweep *s, const struct siblings *sib, const struct point *at,
			const struct observation *o, struct verdict *v)
{
	bool local = at->span->path != PATH_NONE && s->w->paths[at->span->path].loopback;
	uint32_t ours = local ? SIGN_LOCAL : 0;

	if (is_rst(v->against))
		siblings_judge(sib, v->against,
			       ours | SIGN_GOES_ON | signs_of_echo(s, at, v->against), v);
	else if (is_rst(v->decider))
		siblings_judge(sib, v->decider, ours | signs_of_echo(s, at, v->decider), v);
	else if (v->decider && local)
		v->origin = ORIGIN_LOCAL;
	else if (v->state == STATE_OPEN)
		hold_open(s, sib, at, o, v);
}
