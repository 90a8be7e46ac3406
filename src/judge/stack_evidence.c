/* stack_evidence: from exchanges to rows of the points table. A row is added only where a control
 * shows that its silence, or its answer, is the stack's own. */
#include <string.h>

#include "judge/stack_private.h"
#include "packet/segment.h"

enum { TIMESTAMPS = 12 /* octets of the option, padded */ };

static bool silent(const struct exchange *x)
{
	return x->tries >= 2 && !exchange_answered(x);
}

static bool by_stack(const struct exchange *x)
{
	return exchange_answered(x) && !reaction_is_icmp((enum reaction)x->reaction);
}

static const char *value_of_ack_rst(const struct exchange *x)
{
	if (x->flags & TCP_ACK)
		return "RA";
	if (x->ack == 0)
		return "R ack=0";
	if (x->ack == x->sent.seq)
		return "R ack=seq";
	return x->ack == x->sent.seq + 1 ? "" : "R ack!=0";
}

static void add_ack_rst(const struct stack_view *v, bool only_open, struct family_sum *sum)
{
	const struct exchange *x = v->open_rst;

	if (!x && !only_open)
		x = v->closed_rst;
	if (x)
		family_add(sum, "ack_rst", value_of_ack_rst(x));
}

/* May silence at LISTEN be the stack's? Not where a like segment would be lost on the way: a FIN
 * that a closed port answers came through; where closed ports answer nothing, the SYN-ACK must do.
 */
static bool silence_counts(const struct stack_view *v)
{
	const struct stack_facts *f = v->f;
	bool fin = exchange_is_rst(stack_seen(f, IN_CLOSED, "xmas")) ||
		   exchange_is_rst(stack_seen(f, IN_CLOSED, "fin"));
	bool closed_deaf = (v->closed_silent || v->closed_icmp) && !v->closed_rst && !v->syn_rst;

	if (!v->open_rst || v->open_boxed || v->limited ||
	    silent(stack_seen(f, IN_LISTEN, "synack")))
		return false;
	return fin || (closed_deaf && v->synack_passes);
}

static void add_listen(const struct stack_view *v, struct family_sum *sum)
{
	const struct exchange *null = stack_seen(v->f, IN_LISTEN, "null");
	const struct exchange *synfin = stack_seen(v->f, IN_LISTEN, "syn-fin-psh-urg");

	if (exchange_is_rst(null) && stack_is_from_stack(v, null))
		family_add(sum, "null_open", "RST");
	else if (silent(null) && silence_counts(v))
		family_add(sum, "null_open", "silent");
	if (exchange_is_rst(synfin) && stack_is_from_stack(v, synfin))
		family_add(sum, "synfin_open", "RST");
	else if (by_stack(synfin) && synfin->reaction == REACTION_SYN_ACK)
		family_add(sum, "synfin_open", "SYN/ACK");
	else if (silent(synfin) && silence_counts(v))
		family_add(sum, "synfin_open", "silent");
}

static void add_closed(const struct stack_view *v, struct family_sum *sum)
{
	const struct exchange *fin = stack_seen(v->f, IN_CLOSED, "xmas");
	const struct exchange *syn = v->syn_rst, *win = syn ? syn : v->closed_rst;

	if (!exchange_is_rst(fin) && exchange_is_rst(stack_seen(v->f, IN_CLOSED, "fin")))
		fin = stack_seen(v->f, IN_CLOSED, "fin");
	if (exchange_is_rst(fin)) {
		enum rst_ack a = exchange_rst_ack(fin);

		family_add(sum, "fin_closed",
			   a == RST_ACK_SEQ_LEN	    ? "ack=seq+1"
			   : a == RST_ACK_SEQ_SHORT ? "ack=seq"
						    : "other");
	} else if (silent(fin) && syn && v->closed_rst) {
		family_add(sum, "fin_closed", "silent");
	}
	if (syn && exchange_rst_seq(syn) != RST_SEQ_ZERO)
		family_add(sum, "syn_closed_seq",
			   exchange_rst_seq(syn) == RST_SEQ_OUR_ACK ? "echo" : "other");
	if (!win)
		win = v->open_rst;
	if (win && exchange_rst_win(win) != RST_WIN_ZERO)
		family_add(sum, "rst_win",
			   exchange_rst_win(win) == RST_WIN_ECHO ? "echo" : "fixed");
}

/* The initial TTL of all that the stack sent: 0 none, 1 more than one. */
enum { TTL_NONE, TTL_MIXED };

static void meet_ttl(const struct stack_view *v, uint8_t *all, const struct exchange *x)
{
	uint8_t ttl;

	if (!x || !by_stack(x) || !stack_is_from_stack(v, x))
		return;
	ttl = exchange_initial_ttl(x->ttl);
	*all = *all == TTL_NONE || *all == ttl ? ttl : TTL_MIXED;
}

static void add_ttl(const struct stack_view *v, bool boxed, struct family_sum *sum)
{
	static const struct {
		uint8_t ttl;
		const char *value;
	} values[] = {{TTL_MIXED, "mixed"}, {32, "32"}, {64, "64"}, {128, "128"}, {255, "255"}};
	uint8_t ttl = TTL_NONE;

	meet_ttl(v, &ttl, v->syn_ack);
	meet_ttl(v, &ttl, boxed ? NULL : v->syn_rst);
	for (size_t k = 0; k < 2 * (size_t)BATTERY_STRAY; k++)
		if (battery[k].state == IN_LISTEN || !boxed)
			meet_ttl(v, &ttl, &v->f->cells[k]);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (values[i].ttl == ttl)
			family_add(sum, "ttl", values[i].value);
}

static void add_df(const struct exchange *syn_ack, const struct exchange *rst,
		   struct family_sum *sum)
{
	char value[3] = {syn_ack ? (syn_ack->df ? 'Y' : 'N') : '-',
			 rst ? (rst->df ? 'Y' : 'N') : '-', '\0'};

	family_add(sum, "df", value);
}

static bool is_multiple(uint16_t win, unsigned mss)
{
	return mss >= 64 && win >= mss && win % mss == 0;
}

static const char *value_of_window(const struct exchange *x)
{
	/* theirs, and what an Ethernet leaves, with and without time stamps */
	static const uint16_t usual[] = {1460, 1448, 1440, 1428};

	switch (x->win) {
	case 16384: return "16384";
	case 65535: return "65535";
	case 8192: return "8192";
	default: break;
	}
	if (is_multiple(x->win, x->mss) ||
	    (x->mss > TIMESTAMPS && is_multiple(x->win, x->mss - TIMESTAMPS)))
		return "k*MSS";
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (is_multiple(x->win, usual[i]))
			return "k*MSS";
	return "other";
}

static const char *value_of_layout(const char *layout)
{
	static const char *const known[] = {"M",     "MNW",	  "MNWNNT",    "MNWNNTS",
					    "MSTNW", "MNNSNW",	  "MNWNNTSNN", "MNNSNWNNT",
					    "MNWST", "MNWNNTNNS", "MNWNNSNNT"};

	if (!*layout)
		return "none";
	if (*layout == '?')
		return ""; /* ours offered less than all */
	if (strcmp(layout, "MNWNNS") == 0)
		return "MNWNNTNNS"; /* the same stack, without time stamps */
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], layout) == 0)
			return known[i];
	return layout[strspn(layout, "N")] == 'T' ? "TS first" : "other";
}

/* ID 0 in every SYN-ACK: one 0 may be chance. */
static bool all_ids_zero(const struct stack_facts *f)
{
	for (size_t i = 0; i < BATTERY_STRAY; i++) {
		const struct exchange *x = &f->cells[battery_stray(IN_LISTEN, i)];

		if (by_stack(x) && x->reaction == REACTION_SYN_ACK && x->ip_id)
			return false;
	}
	return true;
}

static void add_syn_ack(const struct stack_view *v, struct family_sum *sum)
{
	if (!v->syn_ack)
		return;
	if (v->f->family == ADDR_V4)
		family_add(sum, "sa_ipid",
			   v->syn_ack->ip_id == 0 && all_ids_zero(v->f) ? "0" : "nonzero");
	family_add(sum, "sa_win", value_of_window(v->syn_ack));
	family_add(sum, "layout", value_of_layout(v->syn_ack->layout));
}

void stack_collect(const struct stack_view *v, const struct stack_verdict *so_far,
		   struct family_sum *sum)
{
	bool boxed = so_far->differs != 0; /* closed ports speak for the box */
	const struct exchange *rst = v->open_boxed ? NULL : v->open_rst;

	if (!boxed && v->syn_rst)
		rst = v->syn_rst;
	else if (!boxed && !rst)
		rst = v->closed_rst;
	family_begin(sum);
	if (!v->open_boxed)
		add_ack_rst(v, boxed, sum);
	add_listen(v, sum);
	if (!boxed)
		add_closed(v, sum);
	add_ttl(v, boxed, sum);
	if (v->f->family == ADDR_V4 && (v->syn_ack || rst))
		add_df(v->syn_ack, rst, sum);
	add_syn_ack(v, sum);
}

/* RST|ACK to an ACK, the ACK field echoed in SEQ even to a SYN, and a window of its own: nobody
 * else does all three. */
bool stack_is_lwip(const struct stack_view *v)
{
	const struct exchange *ack = v->open_rst ? v->open_rst : v->closed_rst;

	return ack && ack->flags & TCP_ACK && v->syn_rst &&
	       exchange_rst_seq(v->syn_rst) == RST_SEQ_OUR_ACK &&
	       exchange_rst_win(v->syn_rst) == RST_WIN_FIXED;
}
