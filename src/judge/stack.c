/* stack: the style, the family, the firewall. Each from controls that went the same way. */
#include "judge/stack.h"

#include "judge/origin.h"
#include "judge/stack_private.h"
#include "packet/segment.h"

enum {
	TRIES_BELIEVED = 3, /* before a port's silence is */
	LIMIT_FEW = 8,	    /* answers, before a limit is seen in them, */
	LIMIT_RETRIED = 3,  /* and of these so many that came only when asked again */
};

const struct exchange *stack_seen(const struct stack_facts *f, enum tcp_state s, const char *form)
{
	static const struct exchange not_asked;
	int k = battery_find(s, form);

	if (k < 0)
		return NULL;
	/* a dead host's silence says nothing of it */
	if (f->stopped && !exchange_answered(&f->cells[k]) && f->cells[k].asked_ns > f->stopped_ns)
		return &not_asked;
	return &f->cells[k];
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

static void look_at_ports(struct stack_view *v)
{
	const struct stack_facts *f = v->f;

	for (size_t i = 0; i < f->n_ports; i++) {
		const struct exchange *x = &f->ports[i].syn;
		bool open = is_syn_ack(x);

		if (!x->tries)
			continue;
		v->ports++;
		v->ports_open += open;
		v->canaries += f->ports[i].canary;
		v->canaries_open += f->ports[i].canary && open;
		if (exchange_is_rst(x)) {
			v->closed_ports_rst++;
			if (!v->syn_rst)
				v->syn_rst = x;
		}
		v->closed_icmp += is_rejected(x);
		v->closed_silent += !exchange_answered(x) && x->tries >= TRIES_BELIEVED;
		if (open && !v->syn_ack)
			v->syn_ack = x;
	}
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
	const struct exchange *syn = stack_seen(f, IN_LISTEN, "syn");

	if (is_syn_ack(syn))
		v->syn_ack = syn;
	if (exchange_is_rst(stack_seen(f, IN_CLOSED, "syn")))
		v->syn_rst = stack_seen(f, IN_CLOSED, "syn");
	v->open_rst = ack_rst(f, IN_LISTEN);
	v->closed_rst = ack_rst(f, IN_CLOSED);
	for (size_t i = 0; i < sizeof(stray) / sizeof(stray[0]); i++) {
		const struct exchange *x = stack_seen(f, IN_LISTEN, stray[i]);

		v->stray_passes = v->stray_passes || exchange_is_rst(x);
		v->stray_asked = v->stray_asked || x->tries >= 2;
	}
	v->synack_passes = exchange_is_rst(synack);
	v->synack_syn_ack = is_syn_ack(synack);
	v->synack_asked = synack->tries >= 2 || exchange_answered(synack);
}

void stack_look(const struct stack_facts *f, struct stack_view *v)
{
	*v = (struct stack_view){.f = f};
	look_at_ports(v);
	look_at_strays(v);
	for (size_t k = 0; k < battery_count; k++) {
		v->heard = v->heard || exchange_answered(&f->cells[k]);
		/* to a stray segment: what belongs to a connection passes a stateful filter */
		v->sent_rst =
		    v->sent_rst || (k < 2 * (size_t)BATTERY_STRAY && exchange_is_rst(&f->cells[k]));
	}
	for (size_t i = 0; i < f->n_ports; i++)
		v->heard = v->heard || exchange_answered(&f->ports[i].syn);
	v->sent_rst = v->sent_rst || v->closed_ports_rst;
}

/* --- origin, style ------------------------------------------------------------------------ */

static void judge_origin(const struct stack_view *v, struct stack_verdict *out)
{
	bool compared = false;

	if (v->open_rst && v->closed_rst) {
		out->differs = origin_compare(v->open_rst, v->closed_rst);
		compared = true;
	}
	if (v->syn_ack && v->syn_rst) {
		out->differs |= origin_compare_syn_ack(v->syn_ack, v->syn_rst);
		compared = true;
	}
	out->origin = origin_of(out->differs, compared);
}

static bool is_proxied(const struct stack_view *v)
{
	return v->canaries && v->canaries_open == v->canaries && v->ports_open == v->ports;
}

static enum reset_style style_of(const struct stack_view *v, bool limited)
{
	if (!v->heard)
		return STYLE_FILTERED;
	if (is_proxied(v))
		return STYLE_PROXIED;
	if (v->closed_ports_rst)
		return v->closed_silent && !limited ? STYLE_MIXED : STYLE_RST;
	if (v->closed_icmp)
		return STYLE_FILTERED;
	if (!v->closed_silent)
		return STYLE_UNKNOWN;
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
	if (v->closed_icmp || out->origin == ORIGIN_MIDDLEBOX)
		return FIREWALL_REJECTING;
	if (v->syn_ack && v->stray_asked && !v->stray_passes)
		return FIREWALL_STATEFUL_STRICT;
	if (v->stray_passes && v->synack_asked && !v->synack_passes)
		return FIREWALL_STATEFUL_LOOSE;
	if (out->style == STYLE_SILENT)
		return out->family == FAMILY_WINDOWS ? FIREWALL_STEALTH : FIREWALL_STATELESS;
	if (out->style == STYLE_MIXED || out->style == STYLE_FILTERED)
		return v->stray_passes || v->closed_rst ? FIREWALL_STATELESS : FIREWALL_UNKNOWN;
	if (closed_is_tracked(v))
		return FIREWALL_STATEFUL_STRICT;
	return out->style == STYLE_RST ? FIREWALL_NONE : FIREWALL_UNKNOWN;
}

/* --- family ------------------------------------------------------------------------------- */

/* Without a SYN-ACK: the form of the resets alone, where the points leave it open. */
static enum stack_family by_resets(const struct stack_view *v)
{
	const struct exchange *ack = v->closed_rst, *fin = stack_seen(v->f, IN_CLOSED, "xmas");
	bool df = v->f->family != ADDR_V4 || (ack && ack->df);

	if (!ack)
		return FAMILY_UNKNOWN;
	if (!(ack->flags & TCP_ACK) && ack->ack && ack->ack != ack->sent.seq &&
	    ack->ack != ack->sent.seq + 1)
		return FAMILY_WINDOWS;
	if (!(ack->flags & TCP_ACK) && ack->ack == 0 && df &&
	    exchange_initial_ttl(ack->ttl) == 64 &&
	    (!exchange_is_rst(fin) || exchange_rst_ack(fin) == RST_ACK_SEQ_LEN))
		return FAMILY_LINUX;
	return FAMILY_UNKNOWN;
}

static void judge_family(const struct stack_view *v, struct stack_verdict *out)
{
	struct family_sum sum;
	const struct exchange *fin = stack_seen(v->f, IN_CLOSED, "xmas");

	stack_collect(v, out, &sum);
	out->family = family_decide(&sum, &out->confidence, &out->runner_up);
	for (int f = 0; f < FAMILIES; f++)
		out->sum[f] = sum.sum[f];
	for (out->n_evidence = 0; out->n_evidence < sum.n; out->n_evidence++)
		out->evidence[out->n_evidence] = sum.evidence[out->n_evidence];
	if (is_proxied(v) || is_synproxy(v)) {
		out->family = FAMILY_UNKNOWN; /* the shape is the proxy's */
	} else if (stack_is_lwip(v) && out->origin != ORIGIN_MIDDLEBOX) {
		out->family = FAMILY_EMBEDDED;
		out->confidence = CONFIDENCE_HIGH;
	} else if (!v->syn_ack && out->family == FAMILY_UNKNOWN) {
		out->family = by_resets(v);
	}
	if (out->family == FAMILY_UNKNOWN)
		out->confidence = CONFIDENCE_LOW;
	/* resets alone were right for 9 hosts of 10 */
	if (!v->syn_ack && out->confidence == CONFIDENCE_HIGH)
		out->confidence = CONFIDENCE_MEDIUM;
	/* Solaris and filtered Linux look alike here */
	if (!v->syn_ack && out->family == FAMILY_LINUX && !exchange_answered(fin))
		out->confidence = CONFIDENCE_LOW;
}

/* --- protection, clues -------------------------------------------------------------------- */

static enum protection protection_in(const struct stack_facts *f, enum tcp_state s)
{
	const struct exchange *rst = stack_seen(f, s, "rst-window");
	const struct exchange *syn = stack_seen(f, s, "syn-window");

	if (rst->after == AFTER_UNKNOWN || syn->after == AFTER_UNKNOWN)
		return PROTECTION_UNKNOWN;
	if (rst->after == AFTER_GONE && syn->after == AFTER_GONE)
		return PROTECTION_NONE;
	return rst->after == AFTER_GONE || syn->after == AFTER_GONE ? PROTECTION_PARTIAL
								    : PROTECTION_FULL;
}

static void clue(struct stack_verdict *out, enum clue_id id, uint32_t a, uint32_t b)
{
	if (out->n_clues < STACK_CLUES_MAX)
		out->clues[out->n_clues++] = (struct clue){.id = id, .a = a, .b = b};
}

static void tell_origin(const struct stack_view *v, struct stack_verdict *out)
{
	const struct exchange *near = v->syn_rst ? v->syn_rst : v->closed_rst;
	const struct exchange *far = v->syn_ack ? v->syn_ack : v->open_rst;

	if (out->origin != ORIGIN_MIDDLEBOX || !near || !far)
		return;
	if (out->differs & DIFFERS_DISTANCE)
		clue(out, CLUE_OTHER_DISTANCE, exchange_hops(near->ttl), exchange_hops(far->ttl));
	else
		clue(out, CLUE_OTHER_SHAPE, near->ttl, far->ttl);
}

static void tell_proxy(const struct stack_view *v, struct stack_verdict *out)
{
	if (v->canaries_open)
		clue(out, CLUE_CANARIES_OPEN, v->canaries_open, v->canaries);
	if (!v->syn_ack || !out->suspect)
		return;
	if (v->syn_ack->win == 0)
		clue(out, CLUE_WINDOW_ZERO, 0, 0);
	if (!v->syn_ack->layout[0])
		clue(out, CLUE_NO_OPTIONS, 0, 0);
	if (v->synack_syn_ack)
		clue(out, CLUE_SYNACK_TO_SYNACK, 0, 0);
}

static void tell_clues(const struct stack_view *v, struct stack_verdict *out)
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
	if (exchange_is_rst(stack_seen(f, IN_LISTEN, "ack")))
		clue(out, CLUE_LISTEN_RST, 0, 0);
	if (out->reset_limited)
		clue(out, CLUE_RESET_LIMIT, f->rst_retried, f->rst_cells);
	tell_proxy(v, out);
	tell_origin(v, out);
}

void stack_judge(const struct stack_facts *f, struct stack_verdict *out)
{
	struct stack_view v;

	*out = (struct stack_verdict){0};
	stack_look(f, &v);
	out->reset_limited = is_limited(f);
	out->synack_control = v.synack_passes;
	judge_origin(&v, out);
	out->style = style_of(&v, out->reset_limited);
	judge_family(&v, out);
	out->firewall = firewall_of(&v, out);
	out->suspect = is_proxied(&v) || is_synproxy(&v);
	out->rfc5961 = protection_in(f, IN_ESTABLISHED);
	if (out->rfc5961 == PROTECTION_UNKNOWN)
		out->rfc5961 = protection_in(f, IN_CLOSE_WAIT);
	/* What would tell a Linux from one who took its shape: DF and ID, which IPv6 has not, and
	 * the challenge ACKs that Linux has had since 3.6. */
	out->family_like = out->family == FAMILY_LINUX &&
			   (out->rfc5961 == PROTECTION_NONE ||
			    (f->family == ADDR_V6 && out->rfc5961 != PROTECTION_FULL));
	stack_judge_cells(&v, out);
	tell_clues(&v, out);
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
