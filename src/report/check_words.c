/*
 * check_words: decides how evidence reads. A check that failed must convince who never saw the
 * run: what was sent, what came back, how often, and whether a second probing agrees. It draws no
 * table and knows no format.
 */
#include "report/check_words.h"

#include <inttypes.h>

#include "report/host.h"
#include "base/utf8.h"

/* --- foreign text --------------------------------------------------------------------------- */

void check_put_clean(struct string *to, const char *text)
{
	while (*text) {
		size_t n = utf8_len(text);

		if (n && !utf8_is_control(text))
			string_put(to, text, n);
		else
			string_put_text(to, UTF8_REPLACEMENT);
		text += n ? n : 1;
	}
}

/* --- where ---------------------------------------------------------------------------------- */

void check_put_who(struct string *to, const struct run_info *run, const struct check_record *c)
{
	char addr[ADDR_TEXT];

	if (c->name)
		check_put_clean(to, c->name);
	if (c->addr)
		string_putf(to, c->name ? " (%s)" : "%s", host_addr(run, c->addr, addr));
}

void check_put_ports(struct string *to, const struct check_record *c, size_t max)
{
	if (c->port)
		string_put_u64(to, c->port);
	spans_put(c->spans, c->n_spans, max, to);
}

void check_put_where(struct string *to, const struct run_info *run, const struct check_record *c)
{
	enum { MOST = 200 };

	check_put_who(to, run, c);
	if (c->port || c->n_spans) {
		string_put_text(to, c->n_spans ? " ports " : " port ");
		check_put_ports(to, c, MOST);
	}
	if (c->n_spans)
		string_putf(to, " (%" PRIu32 " ports)", c->count);
}

void check_put_line(struct string *to, const struct check_record *c)
{
	check_put_clean(to, c->policy);
	string_putf(to, ":%u", c->line);
}

const char *check_why(const struct summary_record *s)
{
	return s && s->why[0] ? s->why : "the run ended early";
}

/* --- what was seen -------------------------------------------------------------------------- */

static bool has(const struct check_record *c, unsigned bit)
{
	return c->seen && (c->seen->bits & bit);
}

static bool is_late(const struct check_record *c)
{
	const struct measure *m = c->seen;

	return c->expect->within_ns && m && (m->state == STATE_OPEN || m->state == STATE_SUSPECT) &&
	       m->rtt_us != MEASURE_NO_RTT && m->rtt_us * UINT64_C(1000) > c->expect->within_ns;
}

static bool asks_stray(const struct check_record *c)
{
	return c->expect->kind == EXPECT_LISTEN_RST && c->seen && c->seen->state == STATE_OPEN &&
	       !has(c, MEASURE_DIFFERS) && has(c, MEASURE_ASKED_STRAY);
}

/* "312 ms"; no finer than tells it from what it is later than. */
static void put_duration(struct string *to, uint64_t ns, uint64_t than_ns)
{
	double ms = (double)ns / 1e6, than = (double)than_ns / 1e6, unit = 1;
	int digits = 0;

	while (digits < 3 && (double)(uint64_t)(ms * unit) <= than * unit) {
		digits++;
		unit *= 10;
	}
	string_putf(to, "%.*f ms", digits, (double)(uint64_t)(ms * unit) / unit);
}

static void put_rtt(struct string *to, uint32_t us)
{
	if (us < 100)
		string_putf(to, "%u us", (unsigned)us);
	else if (us < 999500)
		string_putf(to, "%.*f ms", us < 9950 ? 1 : 0, us / 1000.0);
	else
		string_putf(to, "%.2f s", us / 1e6);
}

static const char *name_of_rst(uint8_t reaction)
{
	switch ((enum reaction)reaction) {
	case REACTION_RST_ACK_OF_SEQ: return "RST-ACK";
	case REACTION_RST_ODD: return "a RST of an odd form";
	default: return "RST";
	}
}

static void put_stray_seen(struct string *to, const struct measure *m)
{
	if (m->bits & MEASURE_STRAY_DIFFERS)
		string_put_text(to, ", ACK answered in two ways");
	else if (m->stray == REACTION_NONE)
		string_put_text(to, ", no RST to an ACK");
	else if (reaction_is_rst((enum reaction)m->stray))
		string_putf(to, ", %s to an ACK", name_of_rst(m->stray));
	else
		string_putf(to, ", %s to an ACK", reaction_token((enum reaction)m->stray));
}

void check_put_seen(struct string *to, const struct check_record *c)
{
	const struct measure *m = c->seen;

	if (c->expect->kind == EXPECT_STYLE) {
		string_putf(to, "style %s", style_name(c->style));
		return;
	}
	if (!m) {
		string_put_text(to, "not measured");
		return;
	}
	string_put_text(to, m->bits & MEASURE_GONE ? "unreachable"
						   : state_name((enum port_state)m->state));
	if (m->bits & MEASURE_DIFFERS) {
		string_putf(to, ", then %s", state_name((enum port_state)m->other));
	} else if (is_late(c)) {
		string_put_text(to, " after ");
		put_duration(to, m->rtt_us * UINT64_C(1000), c->expect->within_ns);
	} else if (asks_stray(c)) {
		put_stray_seen(to, m);
	}
}

void check_put_expected(struct string *to, const struct check_record *c)
{
	char buf[128];

	string_put_text(to, expect_text(c->expect, buf, sizeof(buf)));
}

void check_put_message(struct string *to, const struct check_record *c)
{
	string_put_text(to, "expected ");
	check_put_expected(to, c);
	if (!c->seen && c->expect->kind != EXPECT_STYLE) {
		string_put_text(to, ", could not be measured");
		return;
	}
	string_put_text(to, ", is ");
	check_put_seen(to, c);
}

/* --- the evidence --------------------------------------------------------------------------- */

/* What a state was told by, where only the state is left. */
static const char *answer_of(uint8_t state)
{
	switch ((enum port_state)state) {
	case STATE_OPEN: return "SYN-ACK";
	case STATE_CLOSED: return "RST";
	case STATE_REJECTED: return "an ICMP error";
	case STATE_FILTERED: return "silence";
	default: return state_name((enum port_state)state);
	}
}

/* Of one port: what many have in common is not their TTL and round trip. */
static void put_numbers(struct string *to, const struct check_record *c)
{
	const struct measure *m = c->seen;

	if (c->n_spans)
		return;
	if (m->ttl)
		string_putf(to, " (TTL %u", (unsigned)m->ttl);
	if (m->rtt_us != MEASURE_NO_RTT) {
		string_put_text(to, m->ttl ? ", " : " (");
		put_rtt(to, m->rtt_us);
	}
	if (m->ttl || m->rtt_us != MEASURE_NO_RTT)
		string_put_text(to, ")");
}

static void put_icmp(struct string *to, const struct run_info *run, const struct check_record *c)
{
	const char *reason = c->seen->reason ? c->seen->reason : "error";
	char addr[ADDR_TEXT];

	string_putf(to, "ICMP %s (%u/%u) from ",
		    strncmp(reason, "icmp-", 5) == 0 ? reason + 5 : reason,
		    (unsigned)c->seen->icmp_type, (unsigned)c->seen->icmp_code);
	string_put_text(to, c->from ? host_addr(run, c->from, addr) : "the target itself");
}

static void put_answer(struct string *to, const struct run_info *run, const struct check_record *c)
{
	const struct measure *m = c->seen;
	const char *asked = m->state == STATE_UNFILTERED ? "a stray ACK" : "SYN";

	if (reaction_is_icmp((enum reaction)m->reaction)) {
		put_icmp(to, run, c);
		return;
	}
	string_putf(to, "%s drew ", asked);
	switch ((enum reaction)m->reaction) {
	case REACTION_SYN_ACK: string_put_text(to, "SYN-ACK"); break;
	case REACTION_CHALLENGE_ACK:
		string_put_text(to, "a bare ACK, of another connection on these ports");
		break;
	case REACTION_FIN: string_put_text(to, "a FIN, of another connection"); break;
	case REACTION_DATA: string_put_text(to, "data, of another connection"); break;
	default: string_put_text(to, name_of_rst(m->reaction)); break;
	}
	put_numbers(to, c);
	if (m->bits & MEASURE_FROM_PATH)
		string_put_text(to, ", by the look of it from a box on the way");
}

static void put_tries(struct string *to, const struct expect_asked *n)
{
	string_putf(to, "%u %s", n->tries, n->tries == 1 ? "try" : "tries");
}

static void put_agreement(struct string *to, const struct expect_asked *n)
{
	if (n->probings < 2)
		return;
	if (n->confirmed)
		string_putf(to, ", %u probings agree", n->probings);
	else
		string_putf(to, ", in one of %u probings", n->probings);
}

/* Why nothing is known, for the reasons that a measure may have. */
static const char *words_of(const char *reason)
{
	static const char *const words[][2] = {
	    {"not-probed", "not asked before the run ended"},
	    {"no-route", "no route leads there"},
	    {"host-unreachable", "nobody answers for the address"},
	    {"host-silent", "not asked: the host kept silent at other ports"},
	    {"reset-limited", "silent, but the host rations its resets: that says nothing"},
	    {"cut-short", "silent so far: the run ended before that says anything"},
	    {"contradiction", "two answers contradict each other"},
	};

	for (size_t i = 0; reason && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], reason) == 0)
			return words[i][1];
	return reason ? reason : "not measured";
}

static void put_silence(struct string *to, const struct measure *m, const struct expect_asked *n)
{
	if (m->state != STATE_FILTERED && m->state != STATE_OPEN_FILTERED) {
		string_put_text(to, words_of(m->reason));
		if (n->confirmed)
			put_agreement(to, n);
		return;
	}
	string_put_text(to, "no answer to ");
	put_tries(to, n);
	if (n->probings > 1 && n->confirmed)
		string_putf(to, " in each of %u probings", n->probings);
	if (m->bits & MEASURE_GONE)
		string_put_text(to, "; the host is called unreachable");
	else if (m->bits & MEASURE_RATIONED)
		string_put_text(to, ", where ICMP errors are rationed: it may be rejected");
}

static void put_stray(struct string *to, const struct measure *m, const struct expect_asked *n)
{
	string_put_text(to, "open, and the stray ACK ");
	if (m->bits & MEASURE_STRAY_DIFFERS) {
		string_putf(to, "first drew %s, then another answer",
			    reaction_is_rst((enum reaction)m->stray)
				? name_of_rst(m->stray)
				: reaction_token((enum reaction)m->stray));
		return;
	}
	if (m->stray == REACTION_NONE) {
		string_put_text(to, "drew no RST, ");
		put_tries(to, n);
	} else if (reaction_is_rst((enum reaction)m->stray)) {
		string_putf(to, "drew %s", name_of_rst(m->stray));
	} else {
		string_putf(to, "drew no RST but %s", reaction_token((enum reaction)m->stray));
	}
	put_agreement(to, n);
}

static const char *words_of_style(enum reset_style s)
{
	static const char *const words[] = {
	    [STYLE_UNKNOWN] = "too little came back to tell how closed ports answer",
	    [STYLE_RST] = "closed ports answer with a RST",
	    [STYLE_SILENT] =
		"closed ports keep silent, though the host itself sent a RST elsewhere",
	    [STYLE_FILTERED] = "closed ports keep silent or are rejected by ICMP",
	    [STYLE_PROXIED] = "every port accepts, as behind a SYN proxy",
	    [STYLE_MIXED] = "some closed ports answer with a RST, others keep silent",
	};

	return words[s];
}

void check_put_evidence(struct string *to, const struct run_info *run, const struct check_record *c)
{
	const struct measure *m = c->seen;
	struct expect_asked n = {0};

	if (m)
		n = expect_asked(c->expect, m);
	if (c->why) {
		check_put_clean(to, c->why);
	} else if (c->expect->kind == EXPECT_STYLE) {
		string_put_text(to, words_of_style(c->style));
	} else if (!m) {
		string_put_text(to, "not measured");
	} else if (m->bits & MEASURE_DIFFERS) {
		string_putf(to, "first %s, then %s: not the same twice", answer_of(m->state),
			    answer_of(m->other));
	} else if (is_late(c)) {
		string_put_text(to, "SYN-ACK after ");
		put_duration(to, m->rtt_us * UINT64_C(1000), c->expect->within_ns);
		string_putf(to, ", later than %g ms", (double)c->expect->within_ns / 1e6);
		put_agreement(to, &n);
	} else if (asks_stray(c)) {
		put_stray(to, m, &n);
	} else if (m->reaction == REACTION_NONE) {
		put_silence(to, m, &n);
	} else {
		put_answer(to, run, c);
		put_agreement(to, &n);
	}
}
