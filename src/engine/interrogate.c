/*
 * interrogate: the order of questions to one host. First its ports: one that accepts, one that
 * doesn't; then the stray segments at both, connections beside them; last a control that the host
 * still answers. It refuses to conclude anything but what is worth asking.
 */
#include "engine/interrogate.h"

#include <stdlib.h>
#include <string.h>

#include "judge/rfc9293.h"
#include "packet/segment.h"

enum {
	TRIES = 3,	/* before silence is believed */
	TRIES_IDLE = 2, /* where silence is what the RFC asks for, and nothing hangs on it */
	TRIES_MORE = 6, /* where a like segment was answered: loss, or a limit */
	TALKS = 3,	/* attempts at a conversation */
	CONNS = 6,	/* conversations with a connection at once */
	TOLD_FEW = 16,	/* so few candidates were chosen by somebody: each is asked in earnest */
	CLOSED_KEPT = 4,
	CANARY_FIRST = 30000,
	CANARY_SPAN = 30000,
	RST_FEW = 8, /* answers before a limit is suspected */
	SLOW_MAX = 2,
	DEAD_ASKED = 12, /* questions in a row without an answer, ... */
};

#define MS 1000000ULL
#define SPACING (1000 * MS) /* between two tries: what a limit of RSTs has forgotten */
#define DEAF (1200 * MS)    /* nothing at all came: no reset is drawn, go faster */
#define DEAD (3000 * MS)    /* ... for this long: look whether the host is alive */
#define GAP_DEAF (13 * MS)

enum tag_kind { TAG_FIND, TAG_CELL, TAG_CONTROL };

struct item {
	uint8_t sent;
	bool flying, over; /* over: nothing more to ask */
	uint64_t last_ns;
};

struct find {
	struct item it;
	struct stack_port at;
};

/* What became of the conversations that lead to one state of the peer. */
struct road {
	uint8_t ok, failed, closed; /* talks that ended so */
	uint8_t why;		    /* enum cell_why: no use in going on */
};

struct interrogation {
	struct interrogate_config c;
	struct stack_facts f;
	struct find *finds; /* canaries, known closed ones, candidates */
	size_t n_finds, first_candidate;
	struct item cells[BATTERY_MAX];
	struct road roads[IN_STATES];
	struct item control;
	bool controlling, controlled, proxied, closed_silent;
	unsigned flying, conns, slow, asked_since, rst_seen, rst_again;
	uint64_t first_ns, heard_ns; /* the first question, the last answer; 0: none yet */
	enum run_end end;
};

static const struct form *syn_form(void)
{
	return battery[0].form; /* a test insists: LISTEN, syn */
}

static const struct step stray_steps[] = {{STEP_SEND, 1, 0}, {STEP_END, 0, 0}};
/* 700 ms: a stack answers one challenge in 500 (tcp_invalid_ratelimit). */
static const struct step established_steps[] = {
    {STEP_CONNECT, 1, 1000}, {STEP_SEND, 2, 700}, {STEP_LIVE, 3, 700}, {STEP_END, 0, 0}};
static const struct step close_wait_steps[] = {{STEP_CONNECT, 1, 1000},
					       {STEP_SHUTDOWN, 1, 700},
					       {STEP_SEND, 2, 700},
					       {STEP_LIVE, 3, 700},
					       {STEP_END, 0, 0}};
static const struct step fin_wait_steps[] = {{STEP_CONNECT, 1, 1000},
					     {STEP_AWAIT_FIN, 1, 1200},
					     {STEP_SEND, 2, 700},
					     {STEP_LIVE, 3, 700},
					     {STEP_END, 0, 0}};
static const struct step time_wait_steps[] = {{STEP_CONNECT, 1, 1000}, {STEP_AWAIT_FIN, 1, 1200},
					      {STEP_CLOSE, 1, 700},    {STEP_SEND, 2, 700},
					      {STEP_LIVE, 3, 700},     {STEP_END, 0, 0}};
static const struct step syn_received_steps[] = {
    {STEP_RAW_SYN, 3, 1000}, {STEP_SEND, 2, 700}, {STEP_LIVE, 3, 700}, {STEP_END, 0, 0}};

static const struct step *const steps_to[IN_STATES] = {
    [IN_CLOSED] = stray_steps,
    [IN_LISTEN] = stray_steps,
    [IN_SYN_RECEIVED] = syn_received_steps,
    [IN_ESTABLISHED] = established_steps,
    [IN_CLOSE_WAIT] = close_wait_steps,
    [IN_FIN_WAIT_2] = fin_wait_steps,
    [IN_TIME_WAIT] = time_wait_steps,
};

static bool is_stray(enum tcp_state s)
{
	return s == IN_LISTEN || s == IN_CLOSED;
}

/* --- what is known ------------------------------------------------------------------------ */

static bool accepts(const struct exchange *x)
{
	return exchange_answered(x) && x->reaction == REACTION_SYN_ACK && x->fit == FIT_EXACT;
}

static bool resets(const struct exchange *x)
{
	return exchange_is_rst(x);
}

static bool canaries_over(const struct interrogation *i)
{
	for (size_t k = 0; k < STACK_CANARIES; k++)
		if (!i->finds[k].it.over)
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
		if (accepts(&i->finds[k].at.syn)) {
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
		if (resets(&i->finds[k].at.syn)) {
			i->closed_silent = false;
			i->f.has_closed = true;
			i->f.closed_port = i->finds[k].at.port;
			return;
		}
	}
	if (i->f.has_closed || !canaries_over(i))
		return;
	for (size_t k = 0; k < STACK_CANARIES; k++) {
		if (!accepts(&i->finds[k].at.syn)) {
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
		n += accepts(&i->finds[k].at.syn);
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

static unsigned tries_of_cell(const struct interrogation *i, size_t cell)
{
	const struct cell *c = &battery[cell];
	const struct rfc_row *row = rfc_find(c->state, c->segment);

	if (!is_stray(c->state))
		return TALKS;
	if (c->segment != RFC_RST && like_was_answered(i, cell))
		return TRIES_MORE;
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

static bool closed_is_deaf(const struct interrogation *i)
{
	if (!i->closed_silent)
		return false;
	for (size_t k = BATTERY_STRAY; k < 2 * (size_t)BATTERY_STRAY; k++)
		if (exchange_is_rst(&i->f.cells[k]))
			return false;
	return true;
}

static bool wanted(const struct interrogation *i, size_t cell)
{
	const struct cell *c = &battery[cell];

	switch (c->state) {
	case IN_LISTEN:
		return i->f.has_open && (!i->proxied || c->segment == RFC_SYN ||
					 c->segment == RFC_ACK || is_control(c));
	case IN_CLOSED: return i->f.has_closed && (!closed_is_deaf(i) || is_control(c));
	default: return i->f.has_open && !i->proxied && !i->roads[c->state].why;
	}
}

static unsigned tries_of_find(const struct interrogation *i, size_t k)
{
	size_t n = i->n_finds - i->first_candidate;

	if (k < i->first_candidate)
		return TRIES;
	if (i->f.has_open)
		return 0;
	if (n <= TOLD_FEW)
		return TRIES;
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
		    is_stray(c->state) == connections || !wanted(i, k) ||
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
		if (exchange_answered(&i->finds[k].at.syn) && !accepts(&i->finds[k].at.syn))
			return true;
	return canaries_over(i);
}

static bool ask_main(struct interrogation *i, uint64_t now, struct talk_wish *out, uint64_t *again)
{
	return ask_find(i, now, false, out, again) || ask_cell(i, now, false, false, out, again) ||
	       (may_connect(i) && ask_cell(i, now, true, true, out, again)) ||
	       ask_cell(i, now, true, false, out, again) || ask_find(i, now, true, out, again);
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

static bool interrogate_next(void *ctx, uint64_t now, struct talk_wish *out, uint64_t *again,
			     bool *over)
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

/* --- answers ------------------------------------------------------------------------------ */

/* RSTs that come only when asked again, while nothing else is lost: a limit. Ask more slowly. */
static void watch_limit(struct interrogation *i, const struct item *it, const struct exchange *x)
{
	if (!exchange_is_rst(x))
		return;
	i->rst_seen++;
	i->rst_again += it->sent > 1;
	if (i->rst_seen >= RST_FEW && 4 * i->rst_again >= i->rst_seen && i->slow < SLOW_MAX) {
		i->slow++;
		i->rst_seen = i->rst_again = 0;
	}
}

static void merge(struct exchange *into, const struct exchange *x, const struct item *it)
{
	if (exchange_answered(into) && !exchange_answered(x))
		return;
	*into = *x;
	into->tries = it->sent;
	if (exchange_answered(x))
		into->answered_by = it->sent;
}

static void done_find(struct interrogation *i, size_t k, const struct exchange *x)
{
	struct find *fd = &i->finds[k];

	merge(&fd->at.syn, x, &fd->it);
	fd->it.over = exchange_answered(x) || (k < i->first_candidate && fd->it.sent >= TRIES);
	if (exchange_answered(x) || fd->at.canary)
		keep_port(i, fd);
	if (exchange_answered(x))
		watch_limit(i, &fd->it, x);
}

static void fail_road(struct interrogation *i, enum tcp_state s, enum talk_end end)
{
	struct road *r = &i->roads[s];

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
			r->why = WHY_NO_CONNECTION;
		/* no TIME-WAIT without the FIN-WAIT-2 before it */
		if (s == IN_FIN_WAIT_2 && r->why)
			i->roads[IN_TIME_WAIT].why = r->why;
		break;
	}
}

/* Silence where an answer is due, or no word of what became of the connection: once more. */
static bool is_settled(const struct cell *c, const struct exchange *x)
{
	const struct rfc_row *row = rfc_find(c->state, c->segment);

	if (!exchange_answered(x) && x->after == AFTER_UNKNOWN)
		return false;
	return exchange_answered(x) || !row || row->expect == REACTION_NONE;
}

static void done_cell(struct interrogation *i, size_t k, enum talk_end end,
		      const struct exchange *x)
{
	const struct cell *c = &battery[k];
	struct item *it = &i->cells[k];

	if (is_stray(c->state)) {
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
			i->f.why[k] = WHY_NO_CONNECTION;
		return;
	}
	i->roads[c->state].ok++;
	i->f.why[k] = WHY_NONE;
	merge(&i->f.cells[k], x, it);
	it->over = is_settled(c, x);
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
		if (kind == TAG_CELL && !is_stray(battery[k].state))
			i->conns--;
	}
	if (exchange_answered(x) && x->answered_ns > i->heard_ns) {
		i->heard_ns = x->answered_ns;
		i->asked_since = 0;
	}
	if (kind == TAG_FIND)
		done_find(i, k, x);
	else if (kind == TAG_CELL)
		done_cell(i, k, end, x);
	else if (!late)
		done_control(i, x);
	judge_canaries(i);
	choose_open(i);
	choose_closed(i);
	if (canaries_over(i))
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
	if (!is_stray(c->state) && i->roads[c->state].why)
		return (enum cell_why)i->roads[c->state].why;
	if (c->state == IN_CLOSED && closed_is_deaf(i))
		return exchange_answered(syn) ? WHY_REJECTED : WHY_CLOSED_SILENT;
	return i->f.complete ? WHY_NO_CONNECTION : WHY_NOT_REACHED;
}

static void count_retries(struct stack_facts *f, const struct exchange *x)
{
	if (exchange_is_rst(x)) {
		f->rst_cells++;
		f->rst_retried += x->tries > 1;
	} else if (accepts(x)) {
		f->syn_ack_cells++;
		f->syn_ack_retried += x->tries > 1;
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
		else if (!is_stray(battery[k].state) && !exchange_answered(&i->f.cells[k]) &&
			 i->f.cells[k].after == AFTER_UNKNOWN)
			i->f.why[k] = WHY_NO_LIVE_ANSWER;
		if (is_stray(battery[k].state))
			count_retries(&i->f, &i->f.cells[k]);
	}
	for (size_t k = 0; k < i->n_finds; k++)
		count_retries(&i->f, &i->finds[k].at.syn);
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

const struct stack_facts *interrogate_facts(const struct interrogation *i)
{
	return &i->f;
}

enum run_end interrogate_end(const struct interrogation *i)
{
	return i->end;
}
