/* interrogate_ask: what is asked next, how often, and how fast. It only reads what was answered. */
#include <string.h>

#include "engine/interrogate_private.h"

enum {
	TALKS = 3,	 /* attempts at a conversation */
	CONNS = 8,	 /* conversations with a connection at once */
	TOLD_FEW = 16,	 /* so few candidates were chosen by somebody: each is asked in earnest */
	DEAD_ASKED = 12, /* questions in a row without an answer, ... */
};

#define MS 1000000ULL
#define SPACING (1000 * MS) /* between two tries: what a limit of RSTs has forgotten */
#define DEAF (1200 * MS)    /* nothing at all came: no reset is drawn, go faster */
#define DEAD (3000 * MS)    /* ... for this long: look whether the host is alive */
#define GAP_DEAF (13 * MS)

static const struct form *syn_form(void)
{
	return battery[0].form; /* a test insists: LISTEN, syn */
}

static const struct step stray_steps[] = {{STEP_SEND, 1, 0}, {STEP_END, 0, 0}};
/* Sent twice soon (what may end the connection: once), since silence can't be told from loss; the
 * sign of life comes 700 ms apart, as a stack answers one such segment in 500. */
static const struct step established_steps[] = {{STEP_CONNECT, 1, 1000},
						{STEP_LIVE, 3, 700},
						{STEP_SEND, 2, 250},
						{STEP_LIVE, 3, 700},
						{STEP_END, 0, 0}};
static const struct step close_wait_steps[] = {{STEP_CONNECT, 1, 1000}, {STEP_SHUTDOWN, 1, 700},
					       {STEP_LIVE, 3, 700},	{STEP_SEND, 2, 250},
					       {STEP_LIVE, 3, 700},	{STEP_END, 0, 0}};
static const struct step fin_wait_steps[] = {{STEP_CONNECT, 1, 1000},
					     {STEP_AWAIT_FIN, 1, 1200},
					     {STEP_SEND, 2, 250},
					     {STEP_LIVE, 3, 700},
					     {STEP_END, 0, 0}};
static const struct step time_wait_steps[] = {{STEP_CONNECT, 1, 1000}, {STEP_AWAIT_FIN, 1, 1200},
					      {STEP_CLOSE, 1, 700},    {STEP_SEND, 2, 250},
					      {STEP_LIVE, 3, 700},     {STEP_END, 0, 0}};
static const struct step syn_received_steps[] = {
    {STEP_RAW_SYN, 3, 1000}, {STEP_SEND, 2, 250}, {STEP_LIVE, 3, 700}, {STEP_END, 0, 0}};

static const struct step *const steps_to[IN_STATES] = {
    [IN_CLOSED] = stray_steps,
    [IN_LISTEN] = stray_steps,
    [IN_SYN_RECEIVED] = syn_received_steps,
    [IN_ESTABLISHED] = established_steps,
    [IN_CLOSE_WAIT] = close_wait_steps,
    [IN_FIN_WAIT_2] = fin_wait_steps,
    [IN_TIME_WAIT] = time_wait_steps,
};

/* --- tries -------------------------------------------------------------------------------- */

static bool like_was_answered(const struct interrogation *i, size_t cell)
{
	for (size_t k = 0; k < battery_count; k++) {
		const struct exchange *x = &i->f.cells[k];

		if (battery[k].state == battery[cell].state &&
		    battery[k].segment == battery[cell].segment && exchange_answered(x) &&
		    !reaction_is_icmp((enum reaction)x->reaction))
			return true;
	}
	return false;
}

/* Silence at LISTEN to these tells families apart. */
static bool is_evidence(const struct cell *c)
{
	return c->segment == RFC_SYN_FIN || strcmp(c->form->name, "null") == 0 ||
	       strcmp(c->form->name, "xmas") == 0 || strcmp(c->form->name, "fin") == 0;
}

/* Every segment with ACK to the open port was asked in earnest, and none was answered. */
static bool stray_is_lost(const struct interrogation *i)
{
	for (size_t k = 0; k < BATTERY_STRAY; k++)
		if (battery[k].segment == RFC_ACK &&
		    (i->cells[k].sent < TRIES || exchange_answered(&i->f.cells[k])))
			return false;
	return true;
}

static unsigned tries_of_cell(const struct interrogation *i, size_t cell)
{
	const struct cell *c = &battery[cell];
	const struct rfc_row *row = rfc_find(c->state, c->segment);

	if (!interrogate_is_stray(c->state))
		return TALKS;
	if (c->segment != RFC_RST && like_was_answered(i, cell))
		return i->lossy ? TRIES_MORE : TRIES;
	/* no stray segment gets there: what a silence would say is not to be known */
	if (c->state == IN_LISTEN && c->segment != RFC_SYN && c->segment != RFC_ACK &&
	    stray_is_lost(i))
		return 1;
	if ((row && row->expect == REACTION_NONE) && !is_evidence(c))
		return TRIES_IDLE;
	return TRIES;
}

/* Behind a filter, or a proxy, a few controls tell all there is to tell. */
static bool is_control(const struct cell *c)
{
	static const char *const names[] = {"syn", "ack", "synack", "xmas", "null"};

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (strcmp(c->form->name, names[k]) == 0)
			return true;
	return false;
}

static bool wanted(const struct interrogation *i, size_t cell)
{
	const struct cell *c = &battery[cell];

	switch (c->state) {
	case IN_LISTEN:
		return i->f.has_open && (!i->proxied || c->segment == RFC_SYN ||
					 c->segment == RFC_ACK || is_control(c));
	case IN_CLOSED: return i->f.has_closed && (!interrogate_closed_is_deaf(i) || is_control(c));
	default: return i->f.has_open && !i->proxied && !i->roads[c->state].why;
	}
}

static unsigned tries_of_find(const struct interrogation *i, size_t k)
{
	size_t n = i->n_finds - i->first_candidate;

	if (k < i->first_candidate)
		return interrogate_tries_of_canary(i);
	if (n <= TOLD_FEW) /* each may be a closed one as well, which is needed too */
		return TRIES;
	if (i->f.has_open)
		return 0;
	/* many: silence is asked again only where somebody is there at all */
	return i->heard_ns && i->finds[i->n_finds - 1].it.sent ? TRIES_IDLE : 1;
}

/* May it be asked now? Else `*again` is lowered to when it may. */
static bool is_due(const struct item *it, unsigned tries, uint64_t now, uint64_t *again)
{
	if (it->flying || it->over || it->sent >= tries)
		return false;
	if (it->sent == 0 || now >= it->last_ns + SPACING)
		return true;
	if (it->last_ns + SPACING < *again)
		*again = it->last_ns + SPACING;
	return false;
}

/* --- the next question -------------------------------------------------------------------- */

static void ask(struct interrogation *i, struct item *it, uint64_t now)
{
	it->sent++;
	it->flying = true;
	it->last_ns = now;
	i->flying++;
	i->asked_since++;
	i->controlled = false;
	if (!i->first_ns)
		i->first_ns = now;
}

static bool ask_find(struct interrogation *i, uint64_t now, bool again_too, struct talk_wish *out,
		     uint64_t *again)
{
	for (size_t k = 0; k < i->n_finds; k++) {
		struct find *fd = &i->finds[k];

		if (!is_due(&fd->it, again_too ? tries_of_find(i, k) : tries_of_find(i, k) > 0, now,
			    again))
			continue;
		ask(i, &fd->it, now);
		*out = (struct talk_wish){.steps = stray_steps,
					  .form = syn_form(),
					  .dport = fd->at.port,
					  .tag = TAG_FIND << 16 | (uint32_t)k};
		return true;
	}
	return false;
}

/* One conversation first where a service that closes first is needed: the others wait for it. */
static bool must_wait(const struct interrogation *i, enum tcp_state s)
{
	const struct road *r = &i->roads[s], *fin = &i->roads[IN_FIN_WAIT_2];

	if (i->conns >= CONNS)
		return true;
	if (s == IN_TIME_WAIT)
		return !fin->ok;
	if (s == IN_FIN_WAIT_2 || s == IN_CLOSE_WAIT) {
		for (size_t k = 0; !r->ok && k < battery_count; k++)
			if (battery[k].state == s && i->cells[k].flying)
				return true;
	}
	return false;
}

static bool ask_cell(struct interrogation *i, uint64_t now, bool again_too, bool connections,
		     struct talk_wish *out, uint64_t *again)
{
	for (size_t k = 0; k < battery_count; k++) {
		const struct cell *c = &battery[k];
		const struct item *it = &i->cells[k];

		if (it->flying || it->over || it->sent >= TRIES_MORE ||
		    interrogate_is_stray(c->state) == connections || !wanted(i, k) ||
		    (connections && must_wait(i, c->state)) ||
		    !is_due(&i->cells[k], again_too ? tries_of_cell(i, k) : 1, now, again))
			continue;
		ask(i, &i->cells[k], now);
		i->conns += connections;
		*out = (struct talk_wish){.steps = steps_to[c->state],
					  .form = c->form,
					  .dport = c->state == IN_CLOSED ? i->f.closed_port
									 : i->f.open_port,
					  .tag = TAG_CELL << 16 | (uint32_t)k};
		return true;
	}
	return false;
}

/* Before connections are made: is anybody but a proxy there? */
static bool may_connect(const struct interrogation *i)
{
	if (!i->f.has_open || i->proxied)
		return false;
	for (size_t k = 0; k < STACK_CANARIES; k++)
		if (exchange_answered(&i->finds[k].at.syn) &&
		    !interrogate_accepts(&i->finds[k].at.syn))
			return true;
	return interrogate_canaries_over(i);
}

static bool ask_main(struct interrogation *i, uint64_t now, struct talk_wish *out, uint64_t *again)
{
	/* what must be asked again takes a second each time: connections fill the gaps */
	return ask_find(i, now, false, out, again) || ask_cell(i, now, false, false, out, again) ||
	       ask_cell(i, now, true, false, out, again) || ask_find(i, now, true, out, again) ||
	       (may_connect(i) && ask_cell(i, now, true, true, out, again));
}

/* The stray segment that was answered last, at the open port or at the closed one. */
static int last_answered(const struct interrogation *i, bool at_open)
{
	int last = -1;

	for (size_t k = 0; k < battery_count; k++) {
		const struct exchange *x = &i->f.cells[k];

		if (battery[k].state == (at_open ? IN_LISTEN : IN_CLOSED) && exchange_answered(x) &&
		    (last < 0 || x->answered_ns > i->f.cells[last].answered_ns))
			last = (int)k;
	}
	return last;
}

/* Is the host still there? The question that it answered before. */
static bool ask_control(struct interrogation *i, uint64_t now, struct talk_wish *out,
			uint64_t *again)
{
	if (!is_due(&i->control, TRIES, now, again))
		return false;
	ask(i, &i->control, now);
	*out = (struct talk_wish){.steps = stray_steps,
				  .form = syn_form(),
				  .dport = i->f.has_open ? i->f.open_port : i->f.closed_port,
				  .tag = TAG_CONTROL << 16};
	/* the listener's queue may be full: whatever else was answered must be tried */
	if (i->control.sent > 1 && last_answered(i, i->control.sent % 2) >= 0) {
		const struct cell *c = &battery[last_answered(i, i->control.sent % 2)];

		out->form = c->form;
		out->dport = c->state == IN_LISTEN ? i->f.open_port : i->f.closed_port;
	}
	return true;
}

static bool needs_control(const struct interrogation *i)
{
	return i->heard_ns && (i->f.has_open || (i->f.has_closed && !i->closed_silent));
}

static bool looks_dead(const struct interrogation *i, uint64_t now)
{
	return needs_control(i) && i->asked_since >= DEAD_ASKED && now > i->heard_ns + DEAD;
}

static uint64_t gap_of(const struct interrogation *i, uint64_t now)
{
	uint64_t pace = i->c.pace_ns ? i->c.pace_ns : SCRIPT_PACE_NS;

	if (!i->heard_ns && i->first_ns && now > i->first_ns + DEAF)
		return pace < GAP_DEAF ? pace : GAP_DEAF;
	return pace << i->slow;
}

bool interrogate_next(void *ctx, uint64_t now, struct talk_wish *out, uint64_t *again, bool *over)
{
	struct interrogation *i = ctx;
	bool got = false;

	*again = UINT64_MAX;
	if (!i->f.stopped && !i->controlling && looks_dead(i, now))
		i->controlling = true;
	if (!i->f.stopped && !i->controlling) {
		got = ask_main(i, now, out, again);
		if (!got && i->flying == 0 && *again == UINT64_MAX) {
			if (i->controlled || !needs_control(i)) {
				*over = true;
				return false;
			}
			i->controlling = true;
		}
	}
	if (!got && i->controlling && !i->f.stopped)
		got = ask_control(i, now, out, again);
	if (got)
		out->gap_ns = gap_of(i, now);
	*over = !got && i->f.stopped && i->flying == 0;
	return got;
}
