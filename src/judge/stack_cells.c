/* stack_cells: does a cell conform? And where silence has another explanation than the stack, it
 * says so instead of guessing: a control on the same path decides. */

#include "base/seq.h"
#include "judge/stack_private.h"
#include "packet/segment.h"

static bool heard(const struct exchange *x)
{
	return exchange_answered(x) && !reaction_is_icmp((enum reaction)x->reaction);
}

static void untested(struct cell_verdict *c, enum cell_why why)
{
	c->conforms = CONFORMS_UNTESTED;
	c->why = why;
}

static void deviates(struct cell_verdict *c, const char *how)
{
	c->conforms = CONFORMS_NO;
	c->how = how;
}

/* NULL: it conforms. */
static void decide(struct cell_verdict *c, const char *how)
{
	if (how)
		deviates(c, how);
	else
		c->conforms = CONFORMS_YES;
}

/* Was any segment of this kind answered in this state? */
static bool class_heard(const struct stack_facts *f, enum tcp_state s, enum rfc_segment seg)
{
	for (size_t k = 0; k < battery_count; k++)
		if (battery[k].state == s && battery[k].segment == seg && heard(&f->cells[k]))
			return true;
	return false;
}

/* --- silence to a stray segment ----------------------------------------------------------- */

/* What hides silent segments in this state; WHY_NONE: nothing does, their silence is the stack's.
 * A connection tracker may pass ACK (picked up) and drop all that begins no connection, so the
 * control is the SYN-ACK. */
static enum cell_why hidden_by(const struct stack_facts *f, enum tcp_state s)
{
	const struct exchange *synack = stack_seen(f, s, "synack");

	if (heard(synack))
		return WHY_NONE;
	if (!class_heard(f, s, RFC_ACK))
		return WHY_STRAY_FILTERED;
	return synack->tries < 2 ? WHY_NOT_REACHED : WHY_SYNACK_FILTERED;
}

static void judge_silent(const struct stack_view *v, struct cell_verdict *c)
{
	const struct stack_facts *f = v->f;
	enum tcp_state s = c->cell->state;
	enum cell_why why = hidden_by(f, s);

	if (v->limited && c->row->expect != REACTION_NONE)
		untested(c, WHY_RESET_LIMITED);
	else if (s == IN_CLOSED && !class_heard(f, s, RFC_SYN) && c->row->expect != REACTION_NONE)
		untested(c, v->closed_icmp ? WHY_REJECTED : WHY_CLOSED_SILENT);
	else if (s == IN_CLOSED && !class_heard(f, s, RFC_SYN) && !class_heard(f, s, RFC_ACK) &&
		 !class_heard(f, s, RFC_BARE))
		untested(c, v->closed_icmp ? WHY_REJECTED : WHY_CLOSED_SILENT);
	else if (c->cell->segment == RFC_SYN && (class_heard(f, s, RFC_SYN) || !why))
		deviates(c, class_heard(f, s, RFC_SYN) ? "dropped silently; other SYNs are answered"
						       : "dropped silently");
	else if (c->cell->segment == RFC_SYN)
		untested(c, s == IN_LISTEN ? WHY_NO_OPEN_PORT : WHY_CLOSED_SILENT);
	else if (why)
		untested(c, why);
	else
		decide(c, c->row->expect == REACTION_NONE ? NULL : "dropped silently");
}

/* --- answers ------------------------------------------------------------------------------ */

/* RST and ACK, SEQ 0, ACK = SEG.SEQ + SEG.LEN (RFC 9293, 3.5.2, group 1). */
static const char *how_rst_ack(const struct exchange *x)
{
	if (!(x->flags & TCP_ACK))
		return "a bare RST where RST|ACK is asked for";
	switch (exchange_rst_seq(x)) {
	case RST_SEQ_OUR_ACK: return "seq is our ack, not 0";
	case RST_SEQ_OTHER: return "seq is not 0";
	case RST_SEQ_ZERO: break;
	}
	if (exchange_rst_ack(x) == RST_ACK_SEQ_LEN)
		return NULL;
	if (exchange_rst_ack(x) != RST_ACK_SEQ_SHORT)
		return "ack is not SEG.SEQ + SEG.LEN";
	if ((x->sent.flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN))
		return "SYN and FIN are not both counted";
	return x->sent.flags & TCP_FIN ? "the FIN is not counted" : "the data are not counted";
}

/* RST, SEQ = SEG.ACK, no ACK bit; what is in the ACK field is nobody's business (group 2). */
static const char *how_bare_rst(const struct exchange *x)
{
	if (x->flags & TCP_ACK)
		return "RST|ACK where a bare RST is asked for";
	return exchange_rst_seq(x) == RST_SEQ_OUR_ACK ? NULL : "seq is not our ack";
}

static const char *how_rst(const struct cell_verdict *c)
{
	const struct exchange *x = c->x;

	if (x->flags & (TCP_SYN | TCP_FIN))
		return "SYN or FIN beside the RST";
	return c->row->expect == REACTION_RST_SEQ_FROM_ACK ? how_bare_rst(x) : how_rst_ack(x);
}

/* An answer, whatever it is, where the row asks for none. */
static const char *how_not_silent(const struct cell_verdict *c)
{
	bool to_rst = c->x->sent.flags & TCP_RST;

	if (c->x->reaction == REACTION_SYN_ACK)
		return to_rst ? "answers a RST with a SYN-ACK" : "accepts it";
	if (to_rst)
		return "answers a RST";
	return exchange_is_rst(c->x) ? "resets it instead of dropping it"
				     : "answers it instead of dropping it";
}

/* Of any state: the answer against what the row expects, but for challenge ACKs. */
static const char *how_answer(const struct cell_verdict *c)
{
	const struct exchange *x = c->x;

	if (c->row->expect == REACTION_NONE)
		return how_not_silent(c);
	if (c->row->expect == REACTION_SYN_ACK) {
		if (x->reaction == REACTION_SYN_ACK)
			return x->fit == FIT_EXACT ? NULL : "acknowledges another number";
		return exchange_is_rst(x) ? "resets it" : "an ACK where nothing is connected";
	}
	if (exchange_is_rst(x))
		return how_rst(c);
	return x->reaction == REACTION_SYN_ACK ? "accepts it" : "an ACK where a RST is asked for";
}

/* --- segments on a connection ------------------------------------------------------------- */

/* The answer acknowledges octets that were to be refused. */
static bool took_octets(const struct exchange *x)
{
	return heard(x) && !exchange_is_rst(x) && !(x->sent.flags & (TCP_SYN | TCP_RST)) &&
	       x->flags & TCP_ACK && seq_in_window(x->ack, x->sent.seq + 1, x->sent.len);
}

/* What a connection sends by itself is no answer: its data, its FIN, its SYN-ACK once more. */
static bool is_own_business(const struct exchange *x)
{
	return x->reaction == REACTION_DATA || x->reaction == REACTION_FIN ||
	       (x->reaction == REACTION_SYN_ACK && x->fit != FIT_EXACT);
}

/* What became of the connection, against what the row says. */
static const char *how_after(const struct cell_verdict *c, enum rfc_after after)
{
	if (after == c->row->after)
		return NULL;
	switch (after) {
	case AFTER_ACCEPTED: return "accepts it";
	case AFTER_ALIVE: return "the connection stands";
	case AFTER_GONE:
		if (c->row->expect != REACTION_CHALLENGE_ACK)
			return "the connection dies";
		return exchange_answered(c->x) ? "the connection dies all the same"
					       : "reset without a challenge";
	case AFTER_UNKNOWN: break;
	}
	return NULL;
}

static void judge_silent_on_connection(const struct stack_view *v, struct cell_verdict *c,
				       enum rfc_after after)
{
	const char *how = c->row->after == AFTER_UNKNOWN ? NULL : how_after(c, after);

	/* a tracker drops what lies outside the windows: then silence is not the stack's */
	if (after != AFTER_GONE && after != AFTER_ACCEPTED && v->tracked)
		untested(c, v->stray_passes ? WHY_SYNACK_FILTERED : WHY_STRAY_FILTERED);
	else if (c->row->level == RFC_MAY && after == AFTER_ALIVE)
		decide(c, NULL); /* what may be said may be left unsaid */
	else if (c->row->expect == REACTION_RST_SEQ_FROM_ACK && v->limited)
		untested(c, WHY_RESET_LIMITED);
	else if (c->row->expect == REACTION_RST_SEQ_FROM_ACK)
		deviates(c, "dropped silently");
	else if (after == AFTER_UNKNOWN &&
		 (c->row->after != AFTER_UNKNOWN || c->row->expect != REACTION_NONE))
		untested(c, WHY_NO_LIVE_ANSWER);
	else if (!how && c->row->expect != REACTION_NONE)
		deviates(c, "dropped silently");
	else
		decide(c, how);
}

static const char *how_challenge(const struct cell_verdict *c, enum rfc_after after)
{
	if (exchange_is_rst(c->x))
		return after == AFTER_ALIVE ? "a RST where an ACK is asked for"
					    : "resets the connection";
	if (c->x->reaction == REACTION_SYN_ACK)
		return "opens a new connection";
	return c->row->after == AFTER_UNKNOWN ? NULL : how_after(c, after);
}

static void judge_on_connection(const struct stack_view *v, struct cell_verdict *c)
{
	enum rfc_after after = took_octets(c->x) ? AFTER_ACCEPTED : (enum rfc_after)c->x->after;

	if (!heard(c->x) || is_own_business(c->x))
		judge_silent_on_connection(v, c, after);
	else if (c->row->expect == REACTION_SYN_ACK && c->x->reaction == REACTION_CHALLENGE_ACK)
		decide(c, NULL); /* TIME-WAIT: a new connection is what may be (RFC 6191) */
	else if (c->row->expect == REACTION_CHALLENGE_ACK)
		decide(c, how_challenge(c, after));
	else
		decide(c, after == AFTER_ACCEPTED ? how_after(c, after) : how_answer(c));
}

/* --- a cell ------------------------------------------------------------------------------- */

static bool is_stray(const struct cell *c)
{
	return c->state == IN_LISTEN || c->state == IN_CLOSED;
}

/* Why nothing can be said of it, whatever is in it. */
static enum cell_why why_untested(const struct stack_view *v, const struct stack_verdict *out,
				  size_t k)
{
	const struct stack_facts *f = v->f;
	const struct exchange *x = &f->cells[k];

	if (f->why[k])
		return (enum cell_why)f->why[k];
	if (!x->tries && battery[k].state == IN_CLOSED && !f->has_closed)
		return WHY_NO_CLOSED_PORT;
	if (!x->tries && battery[k].state != IN_CLOSED && !f->has_open)
		return WHY_NO_OPEN_PORT;
	if (!x->tries)
		return WHY_NOT_REACHED;
	if (out->style == STYLE_PROXIED ||
	    (out->firewall == FIREWALL_SYNPROXY && battery[k].state != IN_CLOSED))
		return WHY_PROXIED;
	if (stack_stopped_before(f, x))
		return WHY_STOPPED;
	if (!f->complete && !exchange_answered(x) && is_stray(&battery[k]) && x->tries < 2)
		return WHY_NOT_REACHED;
	if (exchange_answered(x) && reaction_is_icmp((enum reaction)x->reaction))
		return WHY_REJECTED;
	if (exchange_answered(x) && battery[k].state != IN_CLOSED && !stack_is_from_stack(v, x))
		return WHY_OTHER_BOX;
	return WHY_NONE;
}

static void judge_cell(const struct stack_view *v, const struct stack_verdict *out, size_t k,
		       struct cell_verdict *c)
{
	enum cell_why why = why_untested(v, out, k);

	*c = (struct cell_verdict){.cell = &battery[k],
				   .row = rfc_find(battery[k].state, battery[k].segment),
				   .x = &v->f->cells[k]};
	if (why)
		untested(c, why);
	else if (!is_stray(c->cell))
		judge_on_connection(v, c);
	else if (exchange_answered(c->x))
		decide(c, how_answer(c));
	else
		judge_silent(v, c);
	/* nobody is blamed for what we may have missed */
	if (v->f->deaf && c->conforms == CONFORMS_NO && !heard(c->x)) {
		untested(c, WHY_NOT_HEARD);
		c->how = NULL;
	}
}

void stack_judge_cells(const struct stack_view *v, struct stack_verdict *out)
{
	out->n_cells = battery_count;
	for (size_t k = 0; k < battery_count; k++)
		judge_cell(v, out, k, &out->cells[k]);
}

const char *cell_why_text(enum cell_why w)
{
	static const char *const texts[CELL_WHYS] = {
	    [WHY_NONE] = "",
	    [WHY_NO_OPEN_PORT] = "no open port was found",
	    [WHY_NO_CLOSED_PORT] = "no closed port was found: every port asked accepts",
	    [WHY_CLOSED_SILENT] = "closed ports answer nothing (control: SYN, ACK)",
	    [WHY_STRAY_FILTERED] = "stray segments are filtered (control: ACK)",
	    [WHY_SYNACK_FILTERED] = "a connection tracker may hide it (control: SYN-ACK)",
	    [WHY_PROXIED] = "a proxy completes the handshake",
	    [WHY_NO_CONNECTION] = "no connection came about, or it died before the segment",
	    [WHY_SERVICE_CLOSES] = "the service closes at once",
	    [WHY_SERVICE_STAYS] = "the service does not close first",
	    [WHY_NOT_SILENCED] = "this machine's own RST could not be suppressed",
	    [WHY_NO_LIVE_ANSWER] = "silent, and so is the question whether the connection lives",
	    [WHY_STOPPED] = "the host stopped answering before",
	    [WHY_NOT_REACHED] = "the run ended first",
	    [WHY_REJECTED] = "rejected by ICMP",
	    [WHY_OTHER_BOX] = "answered by another box, not by the host",
	    [WHY_RESET_LIMITED] = "resets are rate-limited",
	    [WHY_NO_HALF_OPEN] = "no half-open connection is kept (SYN cookies)",
	    [WHY_SERVICE_RESETS] = "the service resets connections by itself",
	    [WHY_NOT_SENT] = "this machine did not let it out (a local firewall?)",
	    [WHY_NOT_HEARD] = "silent, but the capture lost packets",
	};

	return texts[w];
}
