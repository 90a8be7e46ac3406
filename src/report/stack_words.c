/*
 * stack_words: the judge's findings in sentences. It counts and picks what is worth a word, but
 * judges nothing: what is not in the verdict is not said.
 */
#include "report/stack_words.h"

#include <stdio.h>
#include <string.h>

#include "judge/origin.h"
#include "packet/segment.h"

enum { NAMED_MAX = 3 /* rows of evidence, or deviations, that a sentence names */ };

/* --- a cell ------------------------------------------------------------------------------- */

static void put_ack(struct text *t, const struct exchange *x)
{
	switch (exchange_rst_ack(x)) {
	case RST_ACK_ZERO: text_putf(t, " ack=0"); break;
	case RST_ACK_SEQ_LEN:
	case RST_ACK_SEQ_SHORT:
		if (x->ack == x->sent.seq)
			text_putf(t, " ack=seq");
		else
			text_putf(t, " ack=seq+%u", (unsigned)(x->ack - x->sent.seq));
		break;
	default: text_putf(t, " ack=other"); break;
	}
}

/* What RFC 9293 asks of each form is left out: ack 0 without the ACK bit, seq 0 with it. */
static void put_rst(struct text *t, const struct exchange *x, bool brief)
{
	bool ack = x->flags & TCP_ACK;

	text_putf(t, "RST%s%s", x->flags & TCP_SYN ? ",SYN" : "", ack ? ",ACK" : "");
	if (brief)
		return;
	if (!ack || exchange_rst_seq(x) != RST_SEQ_ZERO)
		text_putf(t, " seq=%s", rst_seq_name(exchange_rst_seq(x)));
	if (ack || exchange_rst_ack(x) != RST_ACK_ZERO)
		put_ack(t, x);
}

void stack_words_answer(struct text *t, const struct exchange *x, bool brief)
{
	static const char *const words[REACTIONS] = {
	    [REACTION_NONE] = "-",
	    [REACTION_SYN_ACK] = "SYN-ACK",
	    [REACTION_CHALLENGE_ACK] = "ACK",
	    [REACTION_FIN] = "FIN",
	    [REACTION_DATA] = "data",
	    [REACTION_ICMP_PORT] = "ICMP port",
	    [REACTION_ICMP_ADMIN] = "ICMP admin",
	    [REACTION_ICMP_HOST] = "ICMP host",
	    [REACTION_ICMP_NET] = "ICMP net",
	    [REACTION_ICMP_OTHER] = "ICMP other",
	};

	if (!x || !x->tries)
		return;
	if (!exchange_answered(x))
		text_putf(t, "-");
	else if (exchange_is_rst(x))
		put_rst(t, x, brief);
	else
		text_putf(t, "%s", words[x->reaction]);
}

const char *stack_words_after(const struct exchange *x)
{
	switch (x && x->tries ? x->after : AFTER_UNKNOWN) {
	case AFTER_ALIVE: return "alive";
	case AFTER_GONE: return "gone";
	case AFTER_ACCEPTED: return "taken";
	default: return "";
	}
}

const struct cell_verdict *stack_cell(const struct stack_verdict *v, enum tcp_state s,
				      const char *form)
{
	for (size_t i = 0; i < v->n_cells; i++)
		if (v->cells[i].cell->state == s && strcmp(v->cells[i].cell->form->name, form) == 0)
			return &v->cells[i];
	return NULL;
}

const char *stack_words_why(const struct cell_verdict *c)
{
	if (c->why == WHY_SERVICE_CLOSES && c->cell->state == IN_CLOSE_WAIT)
		return "the service closes as soon as we do";
	return cell_why_text(c->why);
}

/* What calls the host unreachable is somebody else's word. */
static bool is_unreachable(const struct exchange *x)
{
	return exchange_answered(x) &&
	       (x->reaction == REACTION_ICMP_HOST || x->reaction == REACTION_ICMP_NET);
}

bool stack_answered(const struct stack_facts *f)
{
	for (size_t i = 0; i < f->n_ports; i++)
		if (exchange_answered(&f->ports[i].syn) && !is_unreachable(&f->ports[i].syn))
			return true;
	for (size_t i = 0; i < BATTERY_MAX; i++)
		if (exchange_answered(&f->cells[i]) && !is_unreachable(&f->cells[i]))
			return true;
	return false;
}

/* --- the style ---------------------------------------------------------------------------- */

static void put_differences(struct text *t, uint32_t differs)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {{SIGN_DISTANCE, "distance"},
		     {SIGN_INITIAL_TTL, "initial TTL"},
		     {SIGN_DF, "DF"},
		     {SIGN_ACK_BIT, "ACK bit"},
		     {SIGN_ACK_RULE, "ack field"}};
	const char *before = " by ";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!(differs & words[i].bit))
			continue;
		text_putf(t, "%s%s", before, words[i].word);
		before = ", ";
	}
}

static bool listener_resets(const struct stack_verdict *v)
{
	const struct cell_verdict *c = stack_cell(v, IN_LISTEN, "ack");

	return c && c->x && exchange_is_rst(c->x) && c->why != WHY_OTHER_BOX;
}

/* Segments to the open port were answered from elsewhere than its SYN-ACK came from. */
static bool box_resets(const struct stack_verdict *v)
{
	for (size_t i = 0; i < v->n_cells; i++)
		if (v->cells[i].cell->state == IN_LISTEN && v->cells[i].why == WHY_OTHER_BOX)
			return true;
	return false;
}

static void put_style_rejecting(struct text *t, const struct stack_verdict *v)
{
	if (box_resets(v)) {
		text_putf(t, "Closed ports, and stray segments at the open one, are answered with "
			     "a RST from another distance than the SYN-ACK: a box in the path "
			     "resets, and what the host would do is not known.");
	} else if (v->differs) {
		text_putf(t, "Closed ports answer with a RST that is not the listener's own (it "
			     "differs");
		put_differences(t, v->differs);
		text_putf(t, "): a firewall rejects for it.");
	} else {
		text_putf(t, "Closed ports answer with a RST, but other segments are rejected by "
			     "ICMP: a firewall between.");
	}
}

static void put_style_rst(struct text *t, const struct stack_record *r)
{
	const struct stack_verdict *v = r->verdict;
	bool boxed = box_resets(v) || v->origin == ORIGIN_MIDDLEBOX;

	if (v->firewall == FIREWALL_REJECTING || boxed) {
		put_style_rejecting(t, v);
		return;
	}
	text_putf(t, "Closed ports answer with a RST");
	if (!r->facts->has_open) {
		text_putf(t, ". No open port was found, so what stands between is not known.");
		return;
	}
	switch (v->firewall) {
	case FIREWALL_NONE:
		if (listener_resets(v))
			text_putf(t, ", and so does the listener to a stray ACK (a RST from the "
				     "LISTEN state, RFC 9293, 3.10.7.2)");
		text_putf(t, ": no firewall between.");
		break;
	case FIREWALL_STATELESS:
		text_putf(t, ", but other segments are dropped on the way: a stateless filter.");
		break;
	case FIREWALL_STATEFUL_STRICT:
		text_putf(t, ", but no stray segment is answered: a strict stateful firewall "
			     "between.");
		break;
	case FIREWALL_STATEFUL_LOOSE:
		text_putf(t, "; the listener resets a stray ACK, but a SYN-ACK is not answered: a "
			     "loose stateful firewall between.");
		break;
	default: text_putf(t, "; what is between is not known."); break;
	}
}

static void put_silent_boxed(struct text *t)
{
	text_putf(t, "Closed ports stay silent, and stray segments at the open one are answered "
		     "with a RST from another distance than the SYN-ACK: a box in the path "
		     "decides.");
}

static void put_style_silent(struct text *t, const struct stack_record *r)
{
	const struct stack_verdict *v = r->verdict;
	bool known = v->family != FAMILY_UNKNOWN && v->family != FAMILY_OTHER &&
		     v->family != FAMILY_EMBEDDED;

	if (box_resets(v)) {
		put_silent_boxed(t);
		return;
	}
	text_putf(t, "Closed ports stay silent ");
	switch (v->firewall) {
	case FIREWALL_STEALTH:
		text_putf(t,
			  "while the listener resets stray segments: Windows-style silence "
			  "(stealth firewall), %s confidence.",
			  confidence_name(v->confidence));
		break;
	case FIREWALL_STATELESS:
	case FIREWALL_NONE:
		text_putf(t, "while the listener resets stray segments: a drop firewall");
		if (known)
			text_putf(t, " on a %s-like stack.", stack_words_family_name(v->family));
		else
			text_putf(t, ", or a host that is silent by itself.");
		break;
	case FIREWALL_STATEFUL_LOOSE:
		text_putf(t, "while the listener resets a stray ACK, but not a SYN-ACK: a loose "
			     "stateful firewall that drops.");
		break;
	default:
		text_putf(t, "though this host sends RSTs elsewhere; what keeps them silent is "
			     "not known.");
		break;
	}
}

/* The ICMP error that closed ports, or else any port, drew. */
static const struct exchange *find_icmp(const struct stack_facts *f)
{
	for (size_t i = 0; i < f->n_ports; i++)
		if (reaction_is_icmp((enum reaction)f->ports[i].syn.reaction))
			return &f->ports[i].syn;
	for (size_t i = 0; i < BATTERY_MAX; i++)
		if (reaction_is_icmp((enum reaction)f->cells[i].reaction))
			return &f->cells[i];
	return NULL;
}

static void put_style_filtered(struct text *t, const struct stack_record *r)
{
	const struct stack_facts *f = r->facts;
	const struct exchange *icmp = find_icmp(f);
	char addr[ADDR_TEXT];

	if (icmp)
		text_putf(t,
			  "Closed ports are rejected by ICMP (%s from %s): a firewall answers, %s.",
			  reaction_reason((enum reaction)icmp->reaction, f->family, icmp->icmp_type,
					  icmp->icmp_code),
			  addr_format(&icmp->from, addr),
			  addr_same(&icmp->from, r->addr) ? "on the host itself" : "on the way");
	else if (box_resets(r->verdict))
		put_silent_boxed(t);
	else if (r->verdict->firewall == FIREWALL_STATELESS)
		text_putf(t, "SYNs to closed ports stay unanswered while stray segments are not: a "
			     "stateless filter that drops SYNs.");
	else if (r->verdict->firewall == FIREWALL_STATEFUL_STRICT)
		text_putf(t, "A port accepts, but closed ports and every stray segment stay "
			     "unanswered: a strict stateful firewall, which hides how the stack "
			     "resets.");
	else if (r->verdict->firewall == FIREWALL_STATEFUL_LOOSE)
		text_putf(t, "Closed ports stay silent, and of stray segments only an ACK passes: "
			     "a loose stateful firewall.");
	else
		text_putf(t, "No RST came from anywhere: closed ports and filtered ones can't be "
			     "told apart.");
}

const struct addr *stack_unreachable_from(const struct stack_facts *f)
{
	const struct exchange *icmp = find_icmp(f);

	return !stack_answered(f) && icmp ? &icmp->from : NULL;
}

static void put_nobody(struct text *t, const struct stack_facts *f)
{
	const struct exchange *icmp = find_icmp(f);
	char addr[ADDR_TEXT];

	if (icmp)
		text_putf(t,
			  "Nothing answers but an ICMP error (%s from %s): no host is there, or "
			  "no way to it.",
			  reaction_reason((enum reaction)icmp->reaction, f->family, icmp->icmp_type,
					  icmp->icmp_code),
			  addr_format(&icmp->from, addr));
	else if (f->complete)
		text_putf(t, "Nothing answers: no host is there, or a firewall drops all that was "
			     "sent.");
	else
		text_putf(t, "Nothing has answered so far.");
}

void stack_words_style(struct text *t, const struct stack_record *r)
{
	const struct stack_facts *f = r->facts;

	if (!stack_answered(f)) {
		put_nobody(t, f);
		return;
	}
	switch (r->verdict->style) {
	case STYLE_RST: put_style_rst(t, r); break;
	case STYLE_SILENT: put_style_silent(t, r); break;
	case STYLE_FILTERED: put_style_filtered(t, r); break;
	case STYLE_PROXIED:
		text_putf(t,
			  "%s: every port asked accepts, even random ones; nothing is known of "
			  "the hosts behind.",
			  r->verdict->firewall == FIREWALL_SYNPROXY ? "SYN proxy"
								    : "SYN proxy or tarpit");
		break;
	case STYLE_MIXED:
		text_putf(t, "Some closed ports answer with a RST, others stay silent: a firewall "
			     "covers a part of them.");
		break;
	default:
		text_putf(t, "How closed ports answer is not known: %s.",
			  f->has_closed ? "too little came back" : "none was found");
		break;
	}
}

/* --- RFC 5961, and where it deviates ------------------------------------------------------- */

static bool is_5961(const struct cell_verdict *c)
{
	return c->row && strstr(c->row->clause, "5961");
}

static const char *how(const struct cell_verdict *c)
{
	return c->how ? c->how : "deviates";
}

static bool is_alike(const struct cell_verdict *a, const struct cell_verdict *b)
{
	return a->conforms == CONFORMS_NO && b->conforms == CONFORMS_NO &&
	       a->cell->state == b->cell->state && strcmp(how(a), how(b)) == 0;
}

/* Was the i-th's deviation, of the same state, named by an earlier cell? */
static bool is_repeated(const struct stack_verdict *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_alike(&v->cells[k], &v->cells[i]))
			return true;
	return false;
}

static unsigned count_alike(const struct stack_verdict *v, size_t i)
{
	unsigned n = 0;

	for (size_t k = 0; k < v->n_cells; k++)
		n += is_alike(&v->cells[k], &v->cells[i]);
	return n;
}

/* "syn-fin, null and 2 more": those that deviate as the i-th does. */
static void put_names(struct text *t, const struct stack_verdict *v, size_t i)
{
	unsigned all = count_alike(v, i), named = 0;

	for (size_t k = i; k < v->n_cells && named < NAMED_MAX; k++) {
		if (!is_alike(&v->cells[k], &v->cells[i]))
			continue;
		text_putf(t, "%s%s",
			  named == 0	     ? ""
			  : named + 1 == all ? " and "
					     : ", ",
			  v->cells[k].cell->form->name);
		named++;
	}
	if (all > named)
		text_putf(t, " and %u more", all - named);
}

/* The judge's words have "it" where the segments belong, or stand for themselves. */
static void put_alike(struct text *t, const struct stack_verdict *v, size_t i)
{
	static const char dropped[] = "dropped silently";
	const struct cell_verdict *c = &v->cells[i];
	const char *says = how(c), *it = strstr(says, " it");

	text_putf(t, "%s ", tcp_state_name(c->cell->state));
	if (strncmp(says, dropped, strlen(dropped)) == 0) {
		text_putf(t, "drops ");
		put_names(t, v, i);
		says += strlen(dropped);
		if (strncmp(says, "; ", 2) == 0)
			text_putf(t, " (%s)", says + 2);
	} else if (it && it == says + strcspn(says, " ") && (!it[3] || it[3] == ' ')) {
		text_putf(t, "%.*s ", (int)(it - says), says);
		put_names(t, v, i);
		text_putf(t, "%s", it + 3);
	} else {
		put_names(t, v, i);
		text_putf(t, " (%s)", says);
	}
}

static void put_deviations(struct text *t, const struct stack_verdict *v)
{
	unsigned named = 0, more = 0;

	for (size_t i = 0; i < v->n_cells; i++) {
		if (v->cells[i].conforms != CONFORMS_NO || is_repeated(v, i))
			continue;
		if (named == NAMED_MAX) {
			more += count_alike(v, i);
			continue;
		}
		text_putf(t, "%s", named++ ? "; " : ": ");
		put_alike(t, v, i);
	}
	if (more)
		text_putf(t, "; and %u more", more);
}

static const char *why_unprotected(const struct stack_verdict *v)
{
	for (size_t i = 0; i < v->n_cells; i++)
		if (is_5961(&v->cells[i]) && v->cells[i].cell->state == IN_ESTABLISHED &&
		    v->cells[i].conforms == CONFORMS_UNTESTED)
			return stack_words_why(&v->cells[i]);
	return NULL;
}

static void put_protection(struct text *t, const struct stack_verdict *v)
{
	const char *why;

	switch (v->rfc5961) {
	case PROTECTION_FULL:
		text_putf(t, "Blind RSTs, SYNs and ACKs are challenged or refused, as RFC 5961 "
			     "asks.");
		break;
	case PROTECTION_PARTIAL: text_putf(t, "RFC 5961 protects its connections in part."); break;
	case PROTECTION_NONE:
		text_putf(t, "No RFC 5961 protection: a blind segment anywhere in the window "
			     "harms a connection.");
		break;
	default:
		why = why_unprotected(v);
		text_putf(t, "Whether RFC 5961 protects its connections is not known%s%s.",
			  why ? ": " : "", why ? why : "");
		break;
	}
}

void stack_words_rfc(struct text *t, const struct stack_record *r)
{
	const struct stack_verdict *v = r->verdict;
	unsigned tested = 0, deviate = 0;

	for (size_t i = 0; i < v->n_cells; i++) {
		tested += v->cells[i].conforms != CONFORMS_UNTESTED;
		deviate += v->cells[i].conforms == CONFORMS_NO;
	}
	if (v->suspect || v->style == STYLE_PROXIED)
		return; /* the cells are the proxy's */
	put_protection(t, v);
	if (!tested)
		return;
	if (!deviate) {
		text_putf(t, " None of the %u cell%s tested deviates from RFC 9293.", tested,
			  tested == 1 ? "" : "s");
		return;
	}
	text_putf(t, " Of %u cell%s tested %u deviate%s", tested, tested == 1 ? "" : "s", deviate,
		  deviate == 1 ? "s" : "");
	put_deviations(t, v);
	text_putf(t, ".");
}

/* --- remarks ------------------------------------------------------------------------------ */

bool stack_words_remark(struct text *t, const struct stack_record *r, unsigned i)
{
	const struct stack_facts *f = r->facts;

	if (i > 0 || f->complete || f->stopped)
		return false;
	text_putf(t, "the run ended before this host was asked everything");
	return true;
}

bool stack_words_repeats(const struct stack_record *r, const struct clue *c)
{
	const struct stack_verdict *v = r->verdict;
	bool stateful =
	    v->firewall == FIREWALL_STATEFUL_STRICT || v->firewall == FIREWALL_STATEFUL_LOOSE;

	switch (c->id) {
	case CLUE_LISTEN_RST:
	case CLUE_SERVICE_CLOSES:
	case CLUE_SERVICE_STAYS:
	case CLUE_NO_OPEN_PORT:
	case CLUE_NO_CLOSED_PORT: return true;
	case CLUE_STRAY_FILTERED:
	case CLUE_SYNACK_FILTERED: return stateful;
	case CLUE_CLOSED_REJECTED: return v->style == STYLE_FILTERED;
	case CLUE_CANARIES_OPEN: return v->style == STYLE_PROXIED;
	default: return false;
	}
}
