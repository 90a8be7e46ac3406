/*
 * stack_family: whose stack it is, as a sentence with the strongest signs in plain words. It knows
 * what a row of the evidence looks like on the wire, not what it is worth: points are for -v.
 */
#include <string.h>

#include "report/stack_words.h"

enum { SIGNS_MAX = 3 /* that a sentence names */ };

const char *stack_words_family_name(enum stack_family f)
{
	static const char *const names[FAMILIES] = {
	    [FAMILY_UNKNOWN] = "unknown",
	    [FAMILY_LINUX] = "Linux",
	    [FAMILY_WINDOWS] = "Windows",
	    [FAMILY_BSD] = "BSD",
	    [FAMILY_MACOS] = "macOS",
	    [FAMILY_SOLARIS] = "Solaris",
	    [FAMILY_EMBEDDED] = "an embedded one",
	    [FAMILY_OTHER] = "none of the known families",
	};

	return names[f];
}

static bool has_proper_name(enum stack_family f)
{
	return f != FAMILY_UNKNOWN && f != FAMILY_OTHER && f != FAMILY_EMBEDDED;
}

/* --- a sign ------------------------------------------------------------------------------- */

/* The first that fits; value "" fits any, and %s in its clause is the value. */
static const struct {
	const char *what, *value, *clause;
} clauses[] = {
    {"ack_rst", "R ack!=0", "its RST to an ACK leaves a number in the ack field"},
    {"ack_rst", "R ack=0", "its RST to an ACK has ack 0"},
    {"ack_rst", "R ack=seq", "its RST to an ACK copies our seq into the ack field"},
    {"ack_rst", "RA", "its RST to an ACK has the ACK bit"},
    {"null_open", "RST", "its listener resets NULL"},
    {"null_open", "silent", "its listener drops NULL"},
    {"synfin_open", "RST", "its listener resets SYN-FIN"},
    {"synfin_open", "SYN/ACK", "its listener accepts SYN-FIN"},
    {"synfin_open", "silent", "its listener drops SYN-FIN"},
    {"fin_closed", "ack=seq", "its RST to a FIN does not count the FIN"},
    {"fin_closed", "ack=seq+1", "its RST to a FIN counts the FIN"},
    {"fin_closed", "silent", "its closed ports drop a FIN"},
    {"fin_closed", "", "its RST to a FIN has an ack of its own"},
    {"syn_closed_seq", "echo", "its RST to a SYN copies our ack into the seq"},
    {"syn_closed_seq", "", "its RST to a SYN has a seq of its own"},
    {"rst_win", "echo", "its RSTs copy our window"},
    {"rst_win", "", "its RSTs have a window of their own"},
    {"ttl", "mixed", "its segments begin with different TTLs"},
    {"ttl", "", "its TTL begins at %s"},
    {"df", "NN", "neither SYN-ACK nor RST carries DF"},
    {"df", "NY", "its RST carries DF, its SYN-ACK does not"},
    {"df", "YN", "its SYN-ACK carries DF, its RST does not"},
    {"df", "YY", "SYN-ACK and RST carry DF"},
    {"df", "-N", "its RST carries no DF"},
    {"df", "-Y", "its RST carries DF"},
    {"df", "N-", "its SYN-ACK carries no DF"},
    {"df", "Y-", "its SYN-ACK carries DF"},
    {"sa_ipid", "0", "the IP ID of the SYN-ACK is 0"},
    {"sa_ipid", "", "the IP ID of the SYN-ACK is not 0"},
    {"sa_win", "k*MSS", "the window of the SYN-ACK is a multiple of the MSS"},
    {"sa_win", "other", "the window of the SYN-ACK is an unusual one"},
    {"sa_win", "", "the window of the SYN-ACK is %s"},
    {"layout", "none", "its SYN-ACK carries no options"},
    {"layout", "M", "its SYN-ACK has no option but the MSS"},
    {"layout", "other", "its options come in an unusual order"},
    {"layout", "TS first", "its options begin with time stamps"},
    {"layout", "", "its options come in the order %s"},
};

static void put_sign(struct text *t, const struct stack_evidence *e, enum stack_family of)
{
	enum { TYPICAL = 2 }; /* points from which an order of options is the family's own */

	if (strcmp(e->what, "layout") == 0 && strchr("MSN", e->value[0]) && e->value[1] &&
	    has_proper_name(of) && e->points[of] >= TYPICAL) {
		text_putf(t, "its options come as %s orders them", stack_words_family_name(of));
		return;
	}
	for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++) {
		const char *clause = clauses[i].clause, *at = strstr(clause, "%s");

		if (strcmp(e->what, clauses[i].what) != 0 ||
		    (*clauses[i].value && strcmp(e->value, clauses[i].value) != 0))
			continue;
		text_putf(t, "%.*s%s", (int)(at ? at - clause : (ptrdiff_t)strlen(clause)), clause,
			  at ? e->value : "");
		return;
	}
	text_putf(t, "%s is %s", e->what, e->value);
}

/* How the i-th row speaks for the verdict's family against the next best. */
static int weight(const struct stack_verdict *v, size_t i)
{
	const int8_t *p = v->evidence[i].points;

	return p[v->family] - (v->runner_up != FAMILY_UNKNOWN ? p[v->runner_up] : 0);
}

/* The strongest row of one side (sign +1 or -1) that was not taken; n_evidence: none. */
static size_t strongest(const struct stack_verdict *v, int sign, const bool taken[EVIDENCE_MAX])
{
	size_t best = v->n_evidence;

	for (size_t i = 0; i < v->n_evidence; i++)
		if (!taken[i] && sign * weight(v, i) > 0 &&
		    (best == v->n_evidence || sign * weight(v, i) > sign * weight(v, best)))
			best = i;
	return best;
}

/* Names up to `max` rows of one side behind `before`. */
static void put_side(struct text *t, const struct stack_verdict *v, int sign, unsigned max,
		     const char *before)
{
	bool taken[EVIDENCE_MAX] = {false};

	for (unsigned n = 0; n < max; n++) {
		size_t i = strongest(v, sign, taken);

		if (i == v->n_evidence)
			return;
		taken[i] = true;
		text_putf(t, "%s", n ? ", " : before);
		put_sign(t, &v->evidence[i], v->family);
	}
}

/* --- the sentence ------------------------------------------------------------------------- */

static void put_known(struct text *t, const struct stack_verdict *v)
{
	text_putf(t, v->family_like ? "The stack looks %s-like" : "The stack looks like %s",
		  stack_words_family_name(v->family));
	text_putf(t, " (%s confidence", confidence_name(v->confidence));
	if (has_proper_name(v->runner_up))
		text_putf(t, ", %s comes next", stack_words_family_name(v->runner_up));
	text_putf(t, ")");
	put_side(t, v, 1, SIGNS_MAX, ": ");
	put_side(t, v, -1, 1, "; against it: ");
}

/* The two highest sums. */
static void best_two(const struct stack_verdict *v, enum stack_family out[2])
{
	out[0] = out[1] = FAMILY_UNKNOWN;
	for (int f = FAMILY_UNKNOWN + 1; f < FAMILIES; f++) {
		if (out[0] == FAMILY_UNKNOWN || v->sum[f] > v->sum[out[0]]) {
			out[1] = out[0];
			out[0] = (enum stack_family)f;
		} else if (out[1] == FAMILY_UNKNOWN || v->sum[f] > v->sum[out[1]]) {
			out[1] = (enum stack_family)f;
		}
	}
}

static void put_unknown(struct text *t, const struct stack_verdict *v)
{
	enum stack_family best[2];

	text_putf(t, "Which stack it is can't be told: ");
	if (v->style == STYLE_PROXIED || v->firewall == FIREWALL_SYNPROXY) {
		text_putf(t, "what answers is the proxy");
	} else if (v->n_evidence == 0) {
		text_putf(t, "nothing came back that tells stacks apart");
	} else if (v->n_evidence == 1) {
		text_putf(t, "the only sign is that ");
		put_sign(t, &v->evidence[0], FAMILY_UNKNOWN);
	} else {
		best_two(v, best);
		text_putf(t, "the %zu signs seen fit %s as well as %s", v->n_evidence,
			  stack_words_family_name(best[0]), stack_words_family_name(best[1]));
	}
}

void stack_words_family(struct text *t, const struct stack_record *r)
{
	const struct stack_verdict *v = r->verdict;

	if (v->family != FAMILY_UNKNOWN)
		put_known(t, v);
	else
		put_unknown(t, v);
	if (r->facts->family == ADDR_V6 && v->n_evidence)
		text_putf(t, " (IPv6 has neither DF nor IP ID: fewer signs)");
	text_putf(t, ".");
}
