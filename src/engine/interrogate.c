/*
 * interrogate: the order of questions to one host. First its ports: one that accepts, one that
 * doesn't; then the stray segments at both, connections beside them; last a control that the host
 * still answers. It refuses to conclude anything but what is worth asking.
 */
#include "engine/interrogate.h"

#include <stdlib.h>

#include "engine/interrogate_private.h"

enum {
	CLOSED_KEPT = 4,
	CANARY_FIRST = 30000,
	CANARY_SPAN = 30000,
};

/* --- what is known ------------------------------------------------------------------------ */

unsigned interrogate_tries_of_canary(const struct interrogation *i)
{
	for (size_t k = 0; k < i->n_finds; k++)
		if (i->lossy && exchange_is_rst(&i->finds[k].at.syn))
			return TRIES_MORE;
	return TRIES;
}

bool interrogate_canaries_over(const struct interrogation *i)
{
	for (size_t k = 0; k < STACK_CANARIES; k++)
		if (!exchange_answered(&i->finds[k].at.syn) &&
		    i->finds[k].it.sent - i->finds[k].it.flying <
			(int)interrogate_tries_of_canary(i))
			return false;
	return true;
}

static void keep_port(struct interrogation *i, const struct find *fd)
{
	struct stack_facts *f = &i->f;

	for (size_t k = 0; k < f->n_ports; k++) {
		if (f->ports[k].port == fd->at.port) {
			f->ports[k] = fd->at;
			return;
		}
	}
	if (f->n_ports < STACK_PORTS_MAX)
		f->ports[f->n_ports++] = fd->at;
}

static void choose_open(struct interrogation *i)
{
	if (i->f.has_open)
		return;
	for (size_t k = i->first_candidate; k < i->n_finds; k++) {
		if (interrogate_accepts(&i->finds[k].at.syn)) {
			i->f.has_open = true;
			i->f.open_port = i->finds[k].at.port;
			return;
		}
	}
}

/* One that answers with a RST; once all canaries have had their tries, one that keeps silent. */
static void choose_closed(struct interrogation *i)
{
	if (i->f.has_closed && !i->closed_silent)
		return;
	for (size_t k = 0; k < i->n_finds; k++) {
		if (exchange_is_rst(&i->finds[k].at.syn)) {
			i->closed_silent = false;
			i->f.has_closed = true;
			i->f.closed_port = i->finds[k].at.port;
			return;
		}
	}
	if (i->f.has_closed || !interrogate_canaries_over(i))
		return;
	for (size_t k = 0; k < STACK_CANARIES; k++) {
		if (!interrogate_accepts(&i->finds[k].at.syn)) {
			i->closed_silent = i->f.has_closed = true;
			i->f.closed_port = i->finds[k].at.port;
			return;
		}
	}
}

static void judge_canaries(struct interrogation *i)
{
	size_t n = 0;

	for (size_t k = 0; k < STACK_CANARIES; k++)
		n += interrogate_accepts(&i->finds[k].at.syn);
	i->proxied = n == STACK_CANARIES;
}

/* Random ports accept, and none of the likely ones was asked or answered: any will do. */
static void use_canary_as_open(struct interrogation *i)
{
	if (!i->f.has_open && i->proxied) {
		i->f.has_open = true;
		i->f.open_port = i->finds[0].at.port;
	}
}

bool interrogate_closed_is_deaf(const struct interrogation *i)
{
	if (!i->closed_silent)
		return false;
	for (size_t k = BATTERY_STRAY; k < 2 * (size_t)BATTERY_STRAY; k++)
		if (exchange_is_rst(&i->f.cells[k]))
			return false;
	return true;
}

/* --- answers ------------------------------------------------------------------------------ */

/* RSTs that come only when asked again, while nothing else is lost: a limit. Ask more slowly. */
static void watch_limit(struct interrogation *i, const struct item *it, const struct exchange *x)
{
	if (!exchange_is_rst(x))
		return;
	i->rst_seen++;
	i->rst_again += it->sent > 1;
	if (i->rst_seen >= RST_FEW && i->rst_again >= RST_AGAIN &&
	    8 * i->rst_again >= i->rst_seen && i->slow < SLOW_MAX) {
		i->slow++;
		i->rst_seen = i->rst_again = 0;
	}
}

static void merge(struct exchange *into, const struct exchange *x, const struct item *it)
{
	unsigned repeats;
	if (exchange_answered(into) && !exchange_answered(x))
		return;
	repeats = into->repeats;
	*into = *x;
	into->tries = it->sent;
	into->repeats = (uint8_t)(into->repeats + repeats);
	if (exchange_answered(x))
		into->answered_by = it->sent;
}

static void done_find(struct interrogation *i, size_t k, enum talk_end end,
		      const struct exchange *x)
{
	struct find *fd = &i->finds[k];

	if (end == TALK_FAILED)
		return; /* what never left was not met with silence */
	merge(&fd->at.syn, x, &fd->it);
	fd->it.over = exchange_answered(x);
	if (exchange_answered(x) || fd->at.canary)
		keep_port(i, fd);
	if (exchange_answered(x))
		watch_limit(i, &fd->it, x);
}

static enum cell_why why_of_failure(enum talk_end end)
{
	if (end == TALK_MUTE)
		return WHY_NO_LIVE_ANSWER;
	if (end == TALK_FAILED)
		return WHY_NOT_SENT;
	return WHY_NO_CONNECTION;
}

static void fail_road(struct interrogation *i, enum tcp_state s, enum talk_end end)
{
	struct road *r = &i->roads[s];

	if (end == TALK_DIED)
		r->died++;
	switch (end) {
	case TALK_NO_FIN:
		i->roads[IN_FIN_WAIT_2].why = i->roads[IN_TIME_WAIT].why = WHY_SERVICE_STAYS;
		break;
	case TALK_NO_QUIET: r->why = WHY_NOT_SILENCED; break;
	case TALK_PEER_CLOSED:
		if (++r->closed >= TRIES_IDLE && !r->ok)
			r->why = WHY_SERVICE_CLOSES;
		break;
	default:
		if (++r->failed >= TRIES_IDLE && !r->ok)
			r->why = (uint8_t)why_of_failure(end);
		/* no TIME-WAIT without the FIN-WAIT-2 before it */
		if (s == IN_FIN_WAIT_2 && r->why)
			i->roads[IN_TIME_WAIT].why = r->why;
		break;
	}
}

/* Silence where an answer is due, no word of what became of the connection, or one that a lost
 * segment would explain: once more. */
static bool is_settled(const struct cell *c, const struct exchange *x)
{
	const struct rfc_row *row = rfc_find(c->state, c->segment);

	if (exchange_answered(x) || !row)
		return true;
	return row->expect == REACTION_NONE && x->after != AFTER_UNKNOWN &&
	       (row->after == AFTER_UNKNOWN || row->after == x->after);
}

/* A stray SYN-ACK isn't answered: what a connection tracker calls invalid won't be either. */
static bool is_tracked(const struct interrogation *i)
{
	int k = battery_find(IN_LISTEN, "synack");

	return i->cells[k].sent >= TRIES && !exchange_answered(&i->f.cells[k]);
}

static void done_cell(struct interrogation *i, size_t k, enum talk_end end,
		      const struct exchange *x)
{
	const struct cell *c = &battery[k];
	struct item *it = &i->cells[k];

	if (interrogate_is_stray(c->state)) {
		if (end == TALK_FAILED && i->f.cells[k].tries == 0)
			i->f.why[k] = WHY_NOT_SENT;
		if (end == TALK_FAILED)
			return;
		i->f.why[k] = WHY_NONE;
		merge(&i->f.cells[k], x, it);
		if (exchange_answered(x)) {
			it->over = true;
			watch_limit(i, it, x);
		}
		return;
	}
	if (end != TALK_DONE) {
		fail_road(i, c->state, end);
		if (i->f.cells[k].tries == 0)
			i->f.why[k] = (uint8_t)(end == TALK_PEER_CLOSED ? WHY_SERVICE_CLOSES
									: why_of_failure(end));
		return;
	}
	i->roads[c->state].ok++;
	i->f.why[k] = WHY_NONE;
	merge(&i->f.cells[k], x, it);
	it->over = is_settled(c, x) || (it->sent >= TRIES_IDLE && is_tracked(i));
}

static void done_control(struct interrogation *i, const struct exchange *x)
{
	if (exchange_answered(x)) {
		i->controlling = false;
		i->controlled = i->flying == 0;
		i->asked_since = 0;
		i->control = (struct item){0};
	} else if (i->control.sent >= TRIES) {
		i->f.stopped = true;
		i->f.stopped_ns = i->heard_ns;
	}
}

static void interrogate_done(void *ctx, uint32_t tag, enum talk_end end, const struct exchange *x,
			     bool late)
{
	struct interrogation *i = ctx;
	enum tag_kind kind = (enum tag_kind)(tag >> 16);
	size_t k = tag & 0xffff;
	struct item *it = kind == TAG_FIND   ? &i->finds[k].it
			  : kind == TAG_CELL ? &i->cells[k]
					     : &i->control;

	if (!late) {
		it->flying = false;
		i->flying--;
		if (kind == TAG_CELL && !interrogate_is_stray(battery[k].state))
			i->conns--;
	}
	/* what came when asked again would have been lost: silence needs more tries here */
	if (exchange_answered(x) && !late && (it->sent > 1 || x->repeats))
		i->lossy = true;
	if (exchange_answered(x) && x->answered_ns > i->heard_ns) {
		i->heard_ns = x->answered_ns;
		i->asked_since = 0;
	}
	if (kind == TAG_FIND)
		done_find(i, k, end, x);
	else if (kind == TAG_CELL)
		done_cell(i, k, end, x);
	else if (!late)
		done_control(i, x);
	judge_canaries(i);
	choose_open(i);
	choose_closed(i);
	if (interrogate_canaries_over(i))
		use_canary_as_open(i);
}

/* --- the end ------------------------------------------------------------------------------ */

static enum cell_why why_unasked(const struct interrogation *i, size_t k)
{
	const struct cell *c = &battery[k];
	const struct exchange *syn = &i->f.cells[battery_stray(IN_CLOSED, 0)];

	if (i->f.stopped)
		return WHY_STOPPED;
	if (c->state != IN_CLOSED && !i->f.has_open)
		return WHY_NO_OPEN_PORT;
	if (c->state == IN_CLOSED && !i->f.has_closed)
		return WHY_NO_CLOSED_PORT;
	if (i->proxied)
		return WHY_PROXIED;
	if (!interrogate_is_stray(c->state) && i->roads[c->state].why)
		return (enum cell_why)i->roads[c->state].why;
	if (c->state == IN_CLOSED && interrogate_closed_is_deaf(i))
		return exchange_answered(syn) && reaction_is_icmp((enum reaction)syn->reaction)
			   ? WHY_REJECTED
			   : WHY_CLOSED_SILENT;
	if (i->f.why[k]) /* of the last conversation that was tried for it */
		return (enum cell_why)i->f.why[k];
	return i->f.complete ? WHY_NO_CONNECTION : WHY_NOT_REACHED;
}

static void count_retries(struct stack_facts *f, const struct exchange *x)
{
	if (exchange_is_rst(x)) {
		f->rst_cells++;
		f->rst_retried += x->tries > 1 || x->repeats;
	} else if (exchange_answered(x)) {
		f->other_cells++;
		f->other_retried += x->tries > 1 || x->repeats;
	}
}

/* Where even a RST outside the window finds no connection, none was kept: all that the peer knows
 * of it is in its SYN-ACK. */
static void doubt_half_open(struct interrogation *i)
{
	int outside = battery_find(IN_SYN_RECEIVED, "rst-outside");

	for (size_t k = 0; i->f.cells[outside].after == AFTER_GONE && k < battery_count; k++)
		if (battery[k].state == IN_SYN_RECEIVED)
			i->f.why[k] = WHY_NO_HALF_OPEN;
}

/* A connection of this state was reset before anything was put to it. */
static void doubt_resets(struct interrogation *i)
{
	for (size_t k = 0; k < battery_count; k++) {
		const struct exchange *x = &i->f.cells[k];

		if (!interrogate_is_stray(battery[k].state) && i->roads[battery[k].state].died &&
		    battery[k].segment != RFC_RST_EXACT &&
		    (exchange_is_rst(x) || x->after == AFTER_GONE))
			i->f.why[k] = WHY_SERVICE_RESETS;
	}
}

static void interrogate_over(void *ctx, enum run_end end)
{
	struct interrogation *i = ctx;

	i->end = end;
	i->f.complete = end == END_COMPLETE;
	for (size_t k = 0; k < battery_count; k++) {
		if (i->f.cells[k].tries == 0)
			i->f.why[k] = (uint8_t)why_unasked(i, k);
		else if (!interrogate_is_stray(battery[k].state) &&
			 !exchange_answered(&i->f.cells[k]) && i->f.cells[k].after == AFTER_UNKNOWN)
			i->f.why[k] = WHY_NO_LIVE_ANSWER;
		count_retries(&i->f, &i->f.cells[k]);
	}
	for (size_t k = 0; k < i->n_finds; k++)
		count_retries(&i->f, &i->finds[k].at.syn);
	doubt_half_open(i);
	doubt_resets(i);
}

const struct script_program interrogate_program = {
    .next = interrogate_next,
    .done = interrogate_done,
    .over = interrogate_over,
};

/* --- life --------------------------------------------------------------------------------- */

static bool is_candidate(const struct interrogate_config *c, uint16_t port)
{
	for (size_t k = 0; k < c->n_candidates; k++)
		if (c->candidates[k] == port)
			return true;
	return false;
}

static void add_find(struct interrogation *i, uint16_t port, bool canary)
{
	i->finds[i->n_finds++].at = (struct stack_port){.port = port, .canary = canary};
}

/* Random high ports, none a candidate, none twice. */
static void add_canaries(struct interrogation *i)
{
	uint64_t z = i->c.seed;

	while (i->n_finds < STACK_CANARIES) {
		uint16_t port;
		bool used;

		z = z * 6364136223846793005ULL + 1442695040888963407ULL;
		port = (uint16_t)(CANARY_FIRST + (z >> 33) % CANARY_SPAN);
		used = is_candidate(&i->c, port);
		for (size_t k = 0; k < i->n_finds; k++)
			used = used || i->finds[k].at.port == port;
		if (!used)
			add_find(i, port, true);
	}
}

struct interrogation *interrogate_new(const struct interrogate_config *c)
{
	struct interrogation *i = calloc(1, sizeof(*i));
	size_t n_closed = c->n_closed < CLOSED_KEPT ? c->n_closed : CLOSED_KEPT;

	if (!i)
		return NULL;
	i->c = *c;
	i->finds = calloc(STACK_CANARIES + n_closed + c->n_candidates, sizeof(*i->finds));
	if (!i->finds) {
		free(i);
		return NULL;
	}
	i->f.family = c->family;
	add_canaries(i);
	for (size_t k = 0; k < n_closed; k++)
		add_find(i, c->closed[k], false);
	i->first_candidate = i->n_finds;
	for (size_t k = 0; k < c->n_candidates; k++)
		add_find(i, c->candidates[k], false);
	return i;
}

void interrogate_free(struct interrogation *i)
{
	if (!i)
		return;
	free(i->finds);
	free(i);
}

void interrogate_missed(struct interrogation *i)
{
	i->f.deaf = true;
}

const struct stack_facts *interrogate_facts(const struct interrogation *i)
{
	return &i->f;
}

enum run_end interrogate_end(const struct interrogation *i)
{
	return i->end;
}
