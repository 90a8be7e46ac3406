/* stack: the style, the family, the firewall. Each from controls that went the same way. */
#include "judge/stack.h"

#include "base/seq.h"
#include "judge/origin.h"
#include "judge/stack_private.h"
#include "packet/segment.h"

enum {
	TRIES_BELIEVED = 3, /* before a port's silence is */
	TRIES_FEW = 2,	    /* before a cell's is: others of its kind are beside it */
	LIMIT_FEW = 8,	    /* answers, before a limit is seen in them, */
	LIMIT_RETRIED = 3,  /* and of these so many that came only when asked again */
};

bool stack_stopped_before(const struct stack_facts *f, const struct exchange *x)
{
	return f->stopped && !exchange_answered(x) && x->asked_ns > f->stopped_ns;
}

const struct exchange *stack_seen(const struct stack_facts *f, enum tcp_state s, const char *form)
{
	static const struct exchange not_asked;
	int k = battery_find(s, form);

	if (k < 0)
		return NULL;
	/* a dead host's silence says nothing of it */
	return stack_stopped_before(f, &f->cells[k]) ? &not_asked : &f->cells[k];
}

/* --- looking ------------------------------------------------------------------------------ */

/* A filter's word, not that of a router that finds nobody there. */
static bool is_rejected(const struct exchange *x)
{
	return exchange_answered(x) && reaction_is_icmp((enum reaction)x->reaction) &&
	       x->reaction != REACTION_ICMP_HOST && x->reaction != REACTION_ICMP_NET;
}

static bool is_syn_ack(const struct exchange *x)
{
	return exchange_answered(x) && x->reaction == REACTION_SYN_ACK;
}

static bool is_believed_silent(const struct stack_facts *f, const struct exchange *x,
			       unsigned tries)
{
	return !exchange_answered(x) && x->tries >= tries && !stack_stopped_before(f, x);
}

static void look_at_port(struct stack_view *v, const struct stack_port *port)
{
	const struct exchange *x = &port->syn;
	bool open = is_syn_ack(x);

	if (!x->tries)
		return;
	v->ports++;
	v->ports_open += open;
	v->canaries += port->canary;
	v->canaries_open += port->canary && open;
	v->heard = v->heard || exchange_answered(x);
	v->closed_icmp += is_rejected(x);
	v->closed_silent += is_believed_silent(v->f, x, TRIES_BELIEVED);
	if (exchange_is_rst(x)) {
		v->closed_ports_rst++;
		if (!v->syn_rst)
			v->syn_rst = x;
	}
	if (open && (!v->syn_ack || port->port == v->f->open_port))
		v->syn_ack = x;
}

/* The first RST that answers a segment with ACK in that state; SYN-ACK last. */
static const struct exchange *ack_rst(const struct stack_facts *f, enum tcp_state s)
{
	static const char *const names[] = {"ack", "data", "finack", "synack"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct exchange *x = stack_seen(f, s, names[i]);

		if (exchange_is_rst(x))
			return x;
	}
	return NULL;
}

static void look_at_strays(struct stack_view *v)
{
	static const char *const stray[] = {"ack", "data", "finack"};
	const struct stack_facts *f = v->f;
	const struct exchange *synack = stack_seen(f, IN_LISTEN, "synack");
	const struct exchange *closed = stack_seen(f, IN_CLOSED, "synack");

	v->open_rst = ack_rst(f, IN_LISTEN);
	v->closed_rst = ack_rst(f, IN_CLOSED);
	for (size_t i = 0; i < sizeof(stray) / sizeof(stray[0]); i++) {
		const struct exchange *x = stack_seen(f, IN_LISTEN, stray[i]);

		v->stray_passes = v->stray_passes || exchange_is_rst(x);
		v->stray_silent = v->stray_silent || is_believed_silent(f, x, TRIES_FEW);
		v->stray_icmp = v->stray_icmp || is_rejected(x);
	}
	v->stray_silent = v->stray_silent && !v->stray_passes;
	v->synack_passes = exchange_is_rst(synack);
	v->synack_syn_ack = is_syn_ack(synack);
	/* a path that passes SYN-ACKs to the closed port has no tracker */
	v->synack_silent = is_believed_silent(f, synack, TRIES_FEW) && !exchange_is_rst(closed);
	/* SYNs pass */
	v->tracked = v->syn_ack && v->synack_silent && (v->stray_silent || v->stray_passes);
}

static void look_at_cells(struct stack_view *v)
{
	const struct stack_facts *f = v->f;
	const struct exchange *open = stack_seen(f, IN_LISTEN, "syn");
	const struct exchange *closed = stack_seen(f, IN_CLOSED, "syn");

	if (is_syn_ack(open))
		v->syn_ack = open;
	if (exchange_is_rst(closed))
		v->syn_rst = closed;
	for (size_t k = 0; k < battery_count; k++) {
		const struct exchange *x = &f->cells[k];

		v->heard = v->heard || exchange_answered(x);
		v->sent_rst = v->sent_rst || (battery[k].state == IN_LISTEN && exchange_is_rst(x));
	}
}

bool stack_is_from_stack(const struct stack_view *v, const struct exchange *x)
{
	return !v->syn_ack || exchange_hops(x->ttl) == exchange_hops(v->syn_ack->ttl);
}

static void look(const struct stack_facts *f, struct stack_view *v)
{
	*v = (struct stack_view){.f = f};
	for (size_t i = 0; i < f->n_ports; i++)
		look_at_port(v, &f->ports[i]);
	look_at_cells(v);
	look_at_strays(v);
	v->open_boxed = v->open_rst && !stack_is_from_stack(v, v->open_rst);
	v->sent_rst = v->sent_rst && !v->open_boxed;
}

/* --- origin, style ------------------------------------------------------------------------ */

/* What two replies of one stack have alike; copies and counters say nothing of a host that was
 * asked with IP ID 0, now and then. */
static const uint32_t same_stack =
    SIGN_DISTANCE | SIGN_INITIAL_TTL | SIGN_DF | SIGN_ACK_BIT | SIGN_ACK_RULE;

/* The same-stack test: RST to the ACK at the open port against RST to the ACK at a closed one, or
 * to the SYN there; and each against the SYN-ACK. A box that is only possible is one here: several
 * ports and tries went into each reply. */
static void judge_origin(const struct stack_view *v, struct stack_verdict *out)
{
	const struct exchange *closed = v->closed_rst ? v->closed_rst : v->syn_rst;
	uint32_t signs = 0;

	if (v->open_rst && closed)
		signs |= origin_signs_of_pair(v->open_rst, closed);
	if (v->syn_ack && v->open_rst)
		signs |= origin_signs_of_pair(v->open_rst, v->syn_ack);
	if (v->syn_ack && v->syn_rst)
		signs |= origin_signs_of_pair(v->syn_rst, v->syn_ack);
	out->differs = signs & same_stack;
	out->origin = origin_judge(signs & (same_stack | SIGN_COMPARED))->origin;
}

static bool is_proxied(const struct stack_view *v)
{
	return v->canaries && v->canaries_open == v->canaries && v->ports_open == v->ports;
}

/* Some closed ports answered and some kept silent: could the path have lost all that the silent
 * ones said? The share of questions that had to be repeated is the loss of the round trip. */
static bool loss_explains(const struct stack_view *v)
{
	const struct stack_facts *f = v->f;
	unsigned asked = f->rst_cells + f->other_cells;
	double loss = asked ? (double)(f->rst_retried + f->other_retried) / asked : 0;
	double chance = 1;

	for (size_t i = 0; i < f->n_ports; i++) {
		const struct exchange *x = &f->ports[i].syn;

		if (!is_believed_silent(f, x, TRIES_BELIEVED))
			continue;
		chance *= v->closed_silent + v->closed_ports_rst; /* any of them might be it */
		for (unsigned k = 0; k < x->tries; k++)
			chance *= loss;
	}
	return chance > 0.01;
}

static enum reset_style style_of(const struct stack_view *v, bool limited)
{
	if (is_proxied(v))
		return STYLE_PROXIED;
	if (v->closed_ports_rst || v->syn_rst)
		return v->closed_silent && !limited && !loss_explains(v) ? STYLE_MIXED : STYLE_RST;
	if (v->closed_icmp)
		return STYLE_FILTERED;
	if (!v->closed_silent || v->closed_silent + v->canaries_open < v->canaries)
		return STYLE_UNKNOWN; /* asked too little: loss may be all there is */
	/* the port answers a stray ACK and drops the SYN: that is a filter for SYNs */
	if (v->closed_rst)
		return STYLE_FILTERED;
	return v->sent_rst ? STYLE_SILENT : STYLE_FILTERED;
}

static bool is_limited(const struct stack_facts *f)
{
	if (f->rst_cells < LIMIT_FEW)
		return false;
	/* all else came at once: a few are enough */
	if (f->other_cells >= LIMIT_FEW && f->other_retried == 0)
		return f->rst_retried >= LIMIT_RETRIED;
	return 3 * f->rst_retried >= f->rst_cells && 5 * f->other_retried <= f->other_cells;
}

/* --- firewall ----------------------------------------------------------------------------- */

/* Who stands in for the listener keeps no state: a window of 0 holds the client back, and what is
 * no SYN of his he doesn't answer, or takes for one. */
static bool is_synproxy(const struct stack_view *v)
{
	return v->syn_ack && !v->stray_passes && (v->syn_ack->win == 0 || v->synack_syn_ack);
}

/* No segment but SYNs is answered at a closed port, where SYNs are. */
static bool closed_is_tracked(const struct stack_view *v)
{
	const struct exchange *ack = stack_seen(v->f, IN_CLOSED, "ack");

	return v->syn_rst && !v->closed_rst && ack->tries >= TRIES_BELIEVED;
}

static enum firewall firewall_of(const struct stack_view *v, const struct stack_verdict *out)
{
	if (!v->heard)
		return FIREWALL_UNKNOWN;
	if (is_synproxy(v))
		return FIREWALL_SYNPROXY;
	if (out->style == STYLE_PROXIED)
		return FIREWALL_UNKNOWN;
	if (v->closed_icmp || v->stray_icmp || out->origin == ORIGIN_MIDDLEBOX)
		return FIREWALL_REJECTING;
	if (v->tracked)
		return v->stray_passes ? FIREWALL_STATEFUL_LOOSE : FIREWALL_STATEFUL_STRICT;
	if (out->style == STYLE_SILENT)
		return out->family == FAMILY_WINDOWS ? FIREWALL_STEALTH : FIREWALL_STATELESS;
	if (out->style == STYLE_MIXED || out->style == STYLE_FILTERED)
		return v->stray_passes || v->closed_rst ? FIREWALL_STATELESS : FIREWALL_UNKNOWN;
	if (closed_is_tracked(v))
		return FIREWALL_STATEFUL_STRICT;
	/* nothing stands between where a stray segment came through as well */
	return out->style == STYLE_RST && (v->stray_passes || v->closed_rst) ? FIREWALL_NONE
									     : FIREWALL_UNKNOWN;
}

/* --- family ------------------------------------------------------------------------------- */

/* How it resets, where only closed ports are seen. */
enum shape {
	SHAPE_UNKNOWN,
	SHAPE_NONZERO_ACK, /* RST to an ACK with a number in its ack field, no ACK bit */
	SHAPE_STRICT,	   /* ack field 0, the FIN counted */
	SHAPE_FIN_SILENT,  /* ack field 0, FIN not answered */
	SHAPE_SYN_ONLY,	   /* nothing but SYNs answered: a stateful filter */
	SHAPE_OTHER,
};

static enum shape shape_of(const struct stack_view *v)
{
	const struct exchange *ack = v->closed_rst, *fin = stack_seen(v->f, IN_CLOSED, "xmas");

	if (!ack) {
		ack = stack_seen(v->f, IN_CLOSED, "ack");
		return v->syn_rst && is_believed_silent(v->f, ack, TRIES_BELIEVED) ? SHAPE_SYN_ONLY
										   : SHAPE_UNKNOWN;
	}
	if (ack->flags & TCP_ACK || (ack->ack && seq_in_window(ack->ack, ack->sent.seq, 2)))
		return SHAPE_OTHER;
	if (ack->ack)
		return SHAPE_NONZERO_ACK;
	if (exchange_is_rst(fin))
		return exchange_rst_ack(fin) == RST_ACK_SEQ_LEN ? SHAPE_STRICT : SHAPE_OTHER;
	return is_believed_silent(v->f, fin, TRIES_FEW) ? SHAPE_FIN_SILENT : SHAPE_UNKNOWN;
}

/* For when there is no SYN-ACK and the points leave it open; never more than a guess. */
static enum stack_family by_resets(const struct stack_view *v, enum shape shape)
{
	const struct exchange *rst = v->syn_rst ? v->syn_rst : v->closed_rst;
	uint8_t ttl = rst ? exchange_initial_ttl(rst->ttl) : 0;
	bool like_linux = rst && ttl == 64 && (rst->df || v->f->family != ADDR_V4);

	switch (shape) {
	case SHAPE_NONZERO_ACK: return FAMILY_WINDOWS;
	case SHAPE_STRICT:
	case SHAPE_FIN_SILENT: return like_linux ? FAMILY_LINUX : FAMILY_OTHER;
	case SHAPE_SYN_ONLY:
		if (ttl == 128)
			return FAMILY_WINDOWS;
		return like_linux ? FAMILY_LINUX : FAMILY_OTHER;
	case SHAPE_OTHER: return FAMILY_OTHER;
	case SHAPE_UNKNOWN: break;
	}
	return FAMILY_UNKNOWN;
}

/* What the points say, before what overrules them. */
static void take_points(const struct stack_view *v, struct stack_verdict *out)
{
	struct family_sum sum;

	stack_collect(v, out, &sum);
	out->family = family_decide(&sum, &out->confidence, &out->runner_up);
	for (int f = 0; f < FAMILIES; f++)
		out->sum[f] = sum.sum[f];
	for (out->n_evidence = 0; out->n_evidence < sum.n; out->n_evidence++)
		out->evidence[out->n_evidence] = sum.evidence[out->n_evidence];
}

static void judge_family(const struct stack_view *v, struct stack_verdict *out)
{
	enum shape shape = shape_of(v);

	if (is_proxied(v) || is_synproxy(v))
		return; /* the shape is the proxy's: no row counts */
	take_points(v, out);
	if (stack_is_lwip(v) && !out->differs) {
		if (out->family != FAMILY_EMBEDDED && out->family != FAMILY_OTHER &&
		    out->family != FAMILY_UNKNOWN)
			out->runner_up = out->family;
		out->family = FAMILY_EMBEDDED;
		out->confidence = CONFIDENCE_HIGH;
	} else if (!v->syn_ack && out->family == FAMILY_UNKNOWN) {
		out->family = by_resets(v, shape);
		out->confidence = CONFIDENCE_LOW;
	}
	if (out->family == FAMILY_UNKNOWN)
		out->confidence = CONFIDENCE_LOW;
	if (!v->f->complete && out->confidence == CONFIDENCE_HIGH)
		out->confidence = CONFIDENCE_MEDIUM;
	/* resets alone were right for 9 hosts of 10 */
	if (!v->syn_ack && out->confidence == CONFIDENCE_HIGH)
		out->confidence = CONFIDENCE_MEDIUM;
	/* Solaris and filtered Linux look alike here */
	if (!v->syn_ack && shape == SHAPE_FIN_SILENT)
		out->confidence = CONFIDENCE_LOW;
}

/* --- protection, clues -------------------------------------------------------------------- */

/* What a blind segment did; AFTER_UNKNOWN also where a filter may have kept it from the stack. */
static enum rfc_after outlived(const struct stack_view *v, enum tcp_state s, const char *form)
{
	const struct exchange *x = stack_seen(v->f, s, form);

	if (v->f->why[battery_find(s, form)])
		return AFTER_UNKNOWN;
	if (x->after == AFTER_GONE)
		return AFTER_GONE;
	if (exchange_answered(x) && x->reaction == REACTION_CHALLENGE_ACK)
		return AFTER_ALIVE;
	return v->tracked ? AFTER_UNKNOWN : (enum rfc_after)x->after;
}

static enum protection protection_in(const struct stack_view *v, enum tcp_state s)
{
	enum rfc_after rst = outlived(v, s, "rst-window"), syn = outlived(v, s, "syn-window");

	if (rst == AFTER_UNKNOWN || syn == AFTER_UNKNOWN)
		return PROTECTION_UNKNOWN;
	if (rst == AFTER_GONE && syn == AFTER_GONE)
		return PROTECTION_NONE;
	return rst == AFTER_GONE || syn == AFTER_GONE ? PROTECTION_PARTIAL : PROTECTION_FULL;
}

static void clue(struct stack_verdict *out, enum clue_id id, uint32_t a, uint32_t b)
{
	if (out->n_clues < STACK_CLUES_MAX)
		out->clues[out->n_clues++] = (struct clue){.id = id, .a = a, .b = b};
}

static void tell_origin(const struct stack_view *v, struct stack_verdict *out)
{
	const struct exchange *far = v->syn_ack ? v->syn_ack : v->open_rst;
	const struct exchange *near = v->open_boxed ? v->open_rst : v->syn_rst;

	if (!near)
		near = v->closed_rst;

	if (out->origin != ORIGIN_MIDDLEBOX || !near || !far)
		return;
	if (out->differs & SIGN_DISTANCE)
		clue(out, CLUE_OTHER_DISTANCE, exchange_hops(near->ttl), exchange_hops(far->ttl));
	else
		clue(out, CLUE_OTHER_SHAPE, near->ttl, far->ttl);
}

static void tell_proxy(const struct stack_view *v, struct stack_verdict *out)
{
	if (v->canaries_open)
		clue(out, CLUE_CANARIES_OPEN, v->canaries_open, v->canaries);
	if (v->synack_syn_ack)
		clue(out, CLUE_SYNACK_TO_SYNACK, 0, 0);
	if (!v->syn_ack || !out->suspect)
		return;
	if (v->syn_ack->win == 0)
		clue(out, CLUE_WINDOW_ZERO, 0, 0);
	if (!v->syn_ack->layout[0])
		clue(out, CLUE_NO_OPTIONS, 0, 0);
}

static void tell_ports(const struct stack_view *v, struct stack_verdict *out)
{
	const struct stack_facts *f = v->f;

	if (!v->heard)
		clue(out, CLUE_NO_ANSWER, 0, 0);
	if (f->stopped)
		clue(out, CLUE_STOPPED, 0, 0);
	if (v->heard && !f->has_open)
		clue(out, CLUE_NO_OPEN_PORT, 0, 0);
	if (v->heard && !f->has_closed)
		clue(out, CLUE_NO_CLOSED_PORT, 0, 0);
	for (size_t i = 0; i < f->n_ports; i++) {
		const struct exchange *x = &f->ports[i].syn;

		if (!is_rejected(x))
			continue;
		clue(out, CLUE_CLOSED_REJECTED, x->icmp_type, x->icmp_code);
		break;
	}
}

static void tell_listener(const struct stack_view *v, struct stack_verdict *out)
{
	const struct stack_facts *f = v->f;
	const struct exchange *ack = stack_seen(f, IN_LISTEN, "ack");
	int fin_wait = battery_find(IN_FIN_WAIT_2, "rst-window");

	if (exchange_is_rst(ack) && out->firewall != FIREWALL_SYNPROXY && !v->open_boxed)
		clue(out, ack->flags & TCP_ACK ? CLUE_RST_ACK_FORM : CLUE_LISTEN_RST, 0, 0);
	if (exchange_is_rst(stack_seen(f, IN_LISTEN, "null")) ||
	    exchange_is_rst(stack_seen(f, IN_LISTEN, "fin")))
		clue(out, CLUE_RESETS_FIN, 0, 0);
	if (v->tracked)
		clue(out, v->stray_passes ? CLUE_SYNACK_FILTERED : CLUE_STRAY_FILTERED, 0, 0);
	if (f->cells[fin_wait].tries)
		clue(out, CLUE_SERVICE_CLOSES, 0, 0);
	else if (f->why[fin_wait] == WHY_SERVICE_STAYS)
		clue(out, CLUE_SERVICE_STAYS, 0, 0);
}

static bool is_suspect(const struct stack_view *v)
{
	return is_proxied(v) || is_synproxy(v) ||
	       (v->syn_ack &&
		(v->syn_ack->win == 0 || (!v->syn_ack->layout[0] && v->synack_syn_ack)));
}

static void judge_host(const struct stack_facts *f, struct stack_view *v, struct stack_verdict *out)
{
	*out = (struct stack_verdict){0};
	look(f, v);
	out->reset_limited = v->limited = is_limited(f);
	/* the control is one of those that the limit keeps back */
	v->tracked = v->tracked && !v->limited;
	out->synack_control = v->synack_passes;
	judge_origin(v, out);
	out->style = style_of(v, out->reset_limited);
	judge_family(v, out);
}

void stack_judge_family(const struct stack_facts *f, struct stack_verdict *out)
{
	struct stack_view v;

	judge_host(f, &v, out);
}

void stack_judge(const struct stack_facts *f, struct stack_verdict *out)
{
	struct stack_view v;

	judge_host(f, &v, out);
	out->firewall = firewall_of(&v, out);
	out->suspect = is_suspect(&v);
	out->rfc5961 = protection_in(&v, IN_ESTABLISHED);
	if (out->rfc5961 == PROTECTION_UNKNOWN)
		out->rfc5961 = protection_in(&v, IN_CLOSE_WAIT);
	/* What would tell a Linux from one who took its shape: DF and ID, which IPv6 has not, and
	 * the challenge ACKs that Linux has had since 3.6. */
	out->family_like = out->family == FAMILY_LINUX &&
			   (out->rfc5961 == PROTECTION_NONE ||
			    (f->family == ADDR_V6 && out->rfc5961 != PROTECTION_FULL));
	stack_judge_cells(&v, out);
	tell_ports(&v, out);
	tell_listener(&v, out);
	if (out->reset_limited)
		clue(out, CLUE_RESET_LIMIT, f->rst_retried, f->rst_cells);
	tell_proxy(&v, out);
	tell_origin(&v, out);
}

const char *firewall_name(enum firewall w)
{
	static const char *const names[] = {
	    [FIREWALL_UNKNOWN] = "unknown",
	    [FIREWALL_NONE] = "none",
	    [FIREWALL_STATELESS] = "stateless",
	    [FIREWALL_STATEFUL_STRICT] = "stateful-strict",
	    [FIREWALL_STATEFUL_LOOSE] = "stateful-loose",
	    [FIREWALL_REJECTING] = "rejecting",
	    [FIREWALL_SYNPROXY] = "synproxy",
	    [FIREWALL_STEALTH] = "stealth",
	};

	return names[w];
}
