/* stack_cells: does a cell conform? And where silence has another explanation than the stack, it
 * says so instead of guessing: a control on the same path decides. */
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

/* Was any segment of this kind answered in this state? */
static bool class_heard(const struct stack_facts *f, enum tcp_state s, enum rfc_segment seg)
{
	for (size_t k = 0; k < battery_count; k++)
		if (battery[k].state == s && battery[k].segment == seg && heard(&f->cells[k]))
			return true;
	return false;
}

/* --- stray segments ----------------------------------------------------------------------- */

static void judge_silent_listen(const struct stack_view *v, struct cell_verdict *c)
{
	bool synack_lost = v->synack_asked && !v->synack_passes;

	if (c->cell->segment == RFC_SYN) {
		if (v->syn_ack)
			deviates(c, "keeps silent, and answers other SYNs");
		else
			untested(c, WHY_NO_OPEN_PORT);
		return;
	}
	if (!v->stray_passes)
		untested(c, WHY_STRAY_FILTERED);
	else if (synack_lost)
		untested(c, WHY_SYNACK_FILTERED);
	else if (c->row->expect == REACTION_NONE)
		c->conforms = CONFORMS_YES;
	else
		deviates(c, c->cell->segment == RFC_SYN_FIN ? "drops it" : "keeps silent");
}

static void judge_silent_closed(const struct stack_view *v, struct cell_verdict *c)
{
	const struct stack_facts *f = v->f;
	bool syn = class_heard(f, IN_CLOSED, RFC_SYN), ack = class_heard(f, IN_CLOSED, RFC_ACK);
	bool synack = heard(stack_seen(f, IN_CLOSED, "synack"));

	if (!syn && !ack && !class_heard(f, IN_CLOSED, RFC_BARE))
		untested(c, WHY_CLOSED_SILENT);
	else if (c->row->expect == REACTION_NONE)
		c->conforms = CONFORMS_YES;
	else if (c->cell->segment == RFC_SYN && syn)
		deviates(c, "keeps silent, and answers other SYNs");
	else if (!ack)
		untested(c, WHY_STRAY_FILTERED);
	else if (!synack)
		untested(c, WHY_SYNACK_FILTERED);
	else
		deviates(c, "keeps silent");
}

/* RST and ACK, SEQ 0, ACK = SEG.SEQ + SEG.LEN (RFC 9293, 3.5.2, group 1). */
static void judge_rst_ack(struct cell_verdict *c)
{
	const struct exchange *x = c->x;

	if (exchange_rst_ack(x) == RST_ACK_SEQ_SHORT) {
		if (c->cell->segment == RFC_SYN_FIN)
			deviates(c, "counts one of SYN and FIN");
		else if (x->sent.flags & TCP_FIN)
			deviates(c, "the FIN is not counted");
		else
			deviates(c, "the data are not counted");
	} else if (exchange_rst_ack(x) != RST_ACK_SEQ_LEN) {
		deviates(c, "ACK is not SEG.SEQ + SEG.LEN");
	} else if (exchange_rst_seq(x) == RST_SEQ_OUR_ACK) {
		deviates(c, "SEQ copies our ACK field, where 0 is asked for");
	} else if (exchange_rst_seq(x) != RST_SEQ_ZERO) {
		deviates(c, "SEQ is not 0");
	} else {
		c->conforms = CONFORMS_YES;
	}
}

static const char *how_other(const struct cell_verdict *c)
{
	const struct exchange *x = c->x;

	if (x->reaction == REACTION_SYN_ACK)
		return "accepts it";
	if (!exchange_is_rst(x))
		return "answers it";
	switch (c->row->expect) {
	case REACTION_NONE: return "answers with a RST";
	case REACTION_SYN_ACK: return "resets it";
	case REACTION_RST_SEQ_FROM_ACK:
		if (x->flags & TCP_ACK)
			return "sets the ACK bit in the RST";
		return x->seq == x->sent.ack + 1 ? "SEQ is SEG.ACK + 1" : "SEQ is not SEG.ACK";
	default:
		return x->flags & TCP_ACK ? "ACK is not SEG.SEQ + SEG.LEN"
					  : "the RST has no ACK bit";
	}
}

static void judge_stray(const struct stack_view *v, struct cell_verdict *c)
{
	if (!exchange_answered(c->x) && c->cell->state == IN_LISTEN)
		judge_silent_listen(v, c);
	else if (!exchange_answered(c->x))
		judge_silent_closed(v, c);
	else if (c->x->reaction != c->row->expect)
		deviates(c, how_other(c));
	else if (c->x->reaction == REACTION_RST_ACK_OF_SEQ)
		judge_rst_ack(c);
	else
		c->conforms = CONFORMS_YES;
}

/* --- segments on a connection ------------------------------------------------------------- */

static void judge_challenged(const struct stack_verdict *out, struct cell_verdict *c)
{
	bool filtered =
	    out->firewall == FIREWALL_STATEFUL_STRICT || out->firewall == FIREWALL_STATEFUL_LOOSE;
	enum rfc_after after = (enum rfc_after)c->x->after;

	if (after == AFTER_GONE)
		deviates(c, exchange_is_rst(c->x) ? "resets the connection"
						  : "the connection dies without a challenge");
	else if (exchange_is_rst(c->x))
		deviates(c, "answers with a RST");
	else if (after == AFTER_ACCEPTED)
		deviates(c, "takes the data");
	else if (!exchange_answered(c->x) && filtered)
		untested(c, WHY_STRAY_FILTERED);
	else if (!exchange_answered(c->x))
		deviates(c, "drops it without a challenge");
	else
		c->conforms = CONFORMS_YES;
}

static void judge_dropped(struct cell_verdict *c)
{
	enum rfc_after after = (enum rfc_after)c->x->after;
	/* RFC 1337: a RST must not end TIME-WAIT early; RFC 9293 lets it */
	bool may_stand = c->cell->state == IN_TIME_WAIT;

	if (after == AFTER_ACCEPTED)
		deviates(c, "takes it");
	else if (exchange_is_rst(c->x))
		deviates(c, "answers with a RST");
	else if (exchange_answered(c->x))
		deviates(c, "answers with an ACK");
	else if (after == AFTER_UNKNOWN)
		untested(c, WHY_NO_LIVE_ANSWER);
	else if (c->row->after == after || (after == AFTER_ALIVE && may_stand))
		c->conforms = CONFORMS_YES;
	else
		deviates(c, after == AFTER_GONE ? "the connection dies" : "the connection stands");
}

static void judge_on_connection(const struct stack_verdict *out, struct cell_verdict *c)
{
	switch (c->row->expect) {
	case REACTION_CHALLENGE_ACK: judge_challenged(out, c); break;
	case REACTION_NONE: judge_dropped(c); break;
	default:
		/* a SYN in TIME-WAIT may also be challenged */
		if (c->x->reaction == c->row->expect || (c->row->expect == REACTION_SYN_ACK &&
							 c->x->reaction == REACTION_CHALLENGE_ACK))
			c->conforms = CONFORMS_YES;
		else
			deviates(c, exchange_answered(c->x) ? how_other(c) : "keeps silent");
		break;
	}
}

static void judge_cell(const struct stack_view *v, const struct stack_verdict *out, size_t k,
		       struct cell_verdict *c)
{
	const struct stack_facts *f = v->f;
	bool stray = battery[k].state == IN_LISTEN || battery[k].state == IN_CLOSED;

	*c = (struct cell_verdict){.cell = &battery[k],
				   .row = rfc_find(battery[k].state, battery[k].segment),
				   .x = &f->cells[k]};
	if (f->why[k])
		untested(c, (enum cell_why)f->why[k]);
	else if (c->x->tries == 0)
		untested(c, WHY_NOT_REACHED);
	else if (f->stopped && !exchange_answered(c->x) && c->x->asked_ns > f->stopped_ns)
		untested(c, WHY_STOPPED);
	else if (!f->complete && !exchange_answered(c->x) && c->x->tries < 2)
		untested(c, WHY_NOT_REACHED);
	else if (exchange_answered(c->x) && reaction_is_icmp((enum reaction)c->x->reaction))
		untested(c, WHY_REJECTED);
	else if (stray)
		judge_stray(v, c);
	else
		judge_on_connection(out, c);
	/* nothing is known of the stack behind */
	if (out->suspect && c->conforms == CONFORMS_NO)
		untested(c, WHY_PROXIED);
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
	};

	return texts[w];
}
