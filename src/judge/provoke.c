/*
 * provoke: the scenarios, and from what was measured in one to its finding: numbers become bits
 * here and nowhere else, and the first row that they fit decides.
 */
#include "judge/provoke.h"

#include <string.h>

#include "judge/origin.h"
#include "judge/provoke_bits.h"

/* Columns: name, what is done, what it tells, quiet, writes, hold. */
const struct scenario_info scenario_infos[SCENARIOS] = {
    [SCENARIO_LISTEN_ACK] =
	{"listen-ack",
	 "sends an ACK, data and a SYN-ACK to the listening port, none of which belongs to a "
	 "connection",
	 "does the listener reset stray segments, or what swallows them", false, false, 0},
    [SCENARIO_HALF_OPEN] =
	{"half-open",
	 "connects, goes dumb without FIN or RST as after a power cut, and comes back with a SYN "
	 "on the same ports",
	 "does keep-alive notice, and does the stack challenge the SYN and give way to our RST",
	 true, false, 60000},
    [SCENARIO_EARLY_CLOSE] =
	{"early-close",
	 "connects and sends more than the service may want to read, while it reads the answer "
	 "slowly",
	 "does unread data make it reset, and how much of its answer is lost by that", false, true,
	 15000},
    [SCENARIO_DATA_AFTER_CLOSE] =
	{"data-after-close", "connects, waits until the service closes, and then sends data",
	 "what a client gets that writes after the end: RST, silence, or acceptance", false, true,
	 90000},
    [SCENARIO_ABORT] = {"abort",
			"opens two connections, aborts one by a RST in the middle, and tries the "
			"other and a new one",
			"do the service's other connections, and its listener, live on", false,
			true, 0},
    [SCENARIO_SLOW_HANDSHAKE] =
	{"slow-handshake",
	 "sends a SYN, leaves the SYN-ACK unanswered, connects once beside it, and then sends a "
	 "RST, as a client with a short time-out does",
	 "is the SYN-ACK sent again, does it hold up others, does the RST end it", true, false,
	 10000},
    [SCENARIO_IDLE] = {"idle",
		       "opens up to 16 connections at a time, lets each rest for another while, "
		       "and uses it again",
		       "the idle time-out on the way, and whether FIN, RST or silence ends it",
		       false, false, 600000},
    [SCENARIO_LOST_RST] =
	{"lost-rst", "makes the service reset a connection, overlooks the RST, and goes on sending",
	 "does each further segment draw the RST again", true, true, 10000},
    [SCENARIO_CHALLENGE] =
	{"challenge",
	 "connects, and sends on its own connection what a forger might: a SYN in the window, a "
	 "RST off by one, an old ACK, and the exact RST last",
	 "challenge ACKs as RFC 5961 asks, or a connection that anybody can reset", false, false,
	 0},
};

int scenario_parse(const char *word, enum scenario *out)
{
	for (int s = 0; s < SCENARIOS; s++) {
		if (strcmp(scenario_infos[s].name, word) != 0)
			continue;
		*out = (enum scenario)s;
		return 0;
	}
	return -1;
}

/* --- what there is to look at ------------------------------------------------------------- */

const struct exchange *provoke_asked(const struct provoke_facts *f, enum mark m,
				     const struct line_facts **line)
{
	for (size_t i = 0; i < f->n_lines; i++) {
		if (!f->lines[i].at[m].tries)
			continue;
		if (line)
			*line = &f->lines[i];
		return &f->lines[i].at[m];
	}
	return NULL;
}

const struct line_facts *provoke_line(const struct provoke_facts *f)
{
	const struct idle_known k =
	    f->scenario == SCENARIO_IDLE ? provoke_idle_known(f) : (struct idle_known){0};

	if (k.died)
		return k.died;
	return f->n_lines ? &f->lines[0] : &f->idle_died;
}

/* Octets of the service's answer that the client did not get. */
static uint64_t lost(const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);
	uint64_t whole = f->has_http_length ? f->http_head + f->http_length : l->sent_octets;

	if (f->scenario != SCENARIO_EARLY_CLOSE || !l->resets || whole <= l->read)
		return 0;
	return whole - l->read;
}

/* --- bits --------------------------------------------------------------------------------- */

static uint64_t set(bool yes, enum provoke_bit b)
{
	return yes ? BIT(b) : 0;
}

static bool is_rst(const struct exchange *x)
{
	return x && exchange_is_rst(x);
}

static bool is_challenged(const struct exchange *x)
{
	return x && exchange_answered(x) && x->reaction == REACTION_CHALLENGE_ACK;
}

static bool is_accepted(const struct exchange *x)
{
	return x && exchange_answered(x) && x->reaction == REACTION_SYN_ACK;
}

static bool is_rejected(const struct exchange *x)
{
	return x && exchange_answered(x) && reaction_is_icmp((enum reaction)x->reaction);
}

/* A RST that the connection outlives is one of its answers, and no end. */
static bool kills(const struct exchange *x)
{
	return x && (x->after == AFTER_GONE || (exchange_is_rst(x) && !provoke_alive(x)));
}

/* The first RST came after this question, and to it, or to the sign of life asked with it. */
static bool is_drawn_by(const struct line_facts *l, const struct exchange *x)
{
	return x && x->asked_ns < l->reset_ns[0] && (is_rst(x) || x->after == AFTER_GONE);
}

/* Before the one was aborted: the other, or that one itself. */
static const struct line_facts *unasked_abort(const struct provoke_facts *f)
{
	uint64_t until_ns = f->n_lines > 1 ? f->lines[1].closed_ns : 0;

	for (size_t i = 0; i < 2 && i < f->n_lines; i++)
		if (f->lines[i].resets && (!until_ns || f->lines[i].reset_ns[0] <= until_ns))
			return &f->lines[i];
	return NULL;
}

/* By nothing that was asked, and before the last question. */
static const struct line_facts *unasked_challenge(const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);
	const struct exchange *last = provoke_asked(f, MARK_OLD_ACK, NULL);

	if (!l->resets || (last && last->asked_ns < l->reset_ns[0]))
		return NULL;
	for (enum mark m = MARK_WINDOW_SYN; m < MARK_OLD_ACK; m++)
		if (is_drawn_by(l, provoke_asked(f, m, NULL)))
			return NULL;
	return l;
}

const struct line_facts *provoke_unasked(const struct provoke_facts *f)
{
	if (f->scenario == SCENARIO_ABORT)
		return unasked_abort(f);
	return f->scenario == SCENARIO_CHALLENGE ? unasked_challenge(f) : NULL;
}

static uint64_t read_ends(const struct provoke_facts *f)
{
	static const enum provoke_bit bits[] = {
	    [LINE_NEVER] = PROVOKE_BITS,      [LINE_OPEN] = SAW_OPEN,
	    [LINE_REFUSED] = SAW_REFUSED,     [LINE_REJECTED] = SAW_REJECTED,
	    [LINE_NO_ANSWER] = SAW_NO_ANSWER, [LINE_NO_QUIET] = SAW_NO_QUIET,
	    [LINE_FAILED] = SAW_FAILED,
	};
	const struct exchange *syn = provoke_asked(f, MARK_SYN, NULL);
	uint64_t is = set(f->stopped, SAW_STOPPED) | set(is_accepted(syn), SAW_OPEN) |
		      set(is_rst(syn), SAW_REFUSED) | set(is_rejected(syn), SAW_REJECTED) |
		      set(syn && !exchange_answered(syn), SAW_NO_ANSWER);

	for (size_t i = 0; i < f->n_lines; i++)
		is |= set(f->lines[i].end != LINE_NEVER, bits[f->lines[i].end]) |
		      set(f->lines[i].syn_acks > 0, SAW_OPEN);
	/* rounds before, whose lines were used again */
	return is | set(f->idle_died.end == LINE_OPEN || f->idle_lives_ns, SAW_OPEN);
}

static uint64_t read_listen_ack(const struct provoke_facts *f)
{
	static const enum mark strays[] = {MARK_ACK, MARK_DATA, MARK_SYN_ACK};
	const struct exchange *syn = provoke_asked(f, MARK_SYN, NULL);
	unsigned asked = 0, rsts = 0, rejected = 0, elsewhere = 0;

	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		const struct exchange *x = provoke_asked(f, strays[i], NULL);

		asked += x != NULL;
		rsts += is_rst(x);
		rejected += is_rejected(x);
		elsewhere +=
		    is_rst(x) && is_accepted(syn) && origin_is_box(origin_signs_of_pair(x, syn));
	}
	return set(rsts > 0, STRAY_RST_SOME) | set(rsts && rsts == asked, STRAY_RST_ALL) |
	       set(rejected > 0, STRAY_REJECTED) | set(elsewhere > 0, STRAY_FROM_PATH) |
	       set(rsts == sizeof(strays) / sizeof(strays[0]), SAW_ENOUGH);
}

/* Before we came back; `at_ns` 0: never. */
static bool is_before(const struct exchange *back, uint64_t at_ns)
{
	return at_ns && (!back || at_ns < back->asked_ns);
}

static uint64_t read_half_open(const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);
	const struct exchange *back = provoke_asked(f, MARK_RETURN, NULL);
	const struct exchange *again = provoke_asked(f, MARK_RETURN_2, NULL);
	bool reset = l->resets && is_before(back, l->reset_ns[0]);
	bool fin = is_before(back, l->fin_ns);

	return set(l->keepalives > 0, SAW_KEEPALIVES) | set(reset, SAW_RESET) | set(fin, SAW_FIN) |
	       set(reset || fin, SAW_ENOUGH) | set(is_accepted(back), RETURN_ACCEPTED) |
	       set(is_rst(back), RETURN_RST) | set(is_challenged(back), RETURN_CHALLENGED) |
	       set(is_accepted(again), RETURN_YIELDED);
}

static uint64_t read_early_close(const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);

	return set(l->resets > 0, SAW_RESET) | set(l->fin_ns > 0, SAW_FIN) |
	       set(l->resets > 0 || l->read_eof, SAW_ENOUGH) |
	       set(l->sent_octets > 0, ANSWER_SENT) | set(lost(f) > 0, ANSWER_LOST) |
	       set(l->written && l->acked_octets >= l->written && !l->window_closed, ALL_TAKEN);
}

static uint64_t read_data_after_close(const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);
	const struct exchange *late = provoke_asked(f, MARK_AFTER_FIN, NULL);
	bool rst = is_rst(late) || (late && l->resets && l->reset_ns[0] >= late->asked_ns);
	bool answered = late && (exchange_answered(late) || provoke_alive(late));

	return set(l->fin_ns > 0, SAW_FIN) | set(l->resets > 0, SAW_RESET) | set(rst, LATE_RST) |
	       set(answered && !rst && !is_rejected(late), LATE_TAKEN) |
	       set(answered || (l->resets && !l->fin_ns), SAW_ENOUGH);
}

/* A new connection beside or after: a SYN of ours, or a line of its own from `first` on. */
static bool is_new_failed(const struct provoke_facts *f, size_t first)
{
	const struct exchange *x = provoke_asked(f, MARK_NEW, NULL);
	bool failed = x && !is_accepted(x);

	for (size_t i = first; i < f->n_lines; i++)
		failed |= f->lines[i].end >= LINE_REFUSED && f->lines[i].end <= LINE_NO_ANSWER;
	return failed;
}

/* What ended before the other connection was aborted, ended of itself. */
static uint64_t read_abort(const struct provoke_facts *f)
{
	uint64_t from_ns = f->n_lines > 1 ? f->lines[1].closed_ns : 0;
	const struct line_facts *l = provoke_line(f);
	const struct exchange *other = provoke_asked(f, MARK_OTHER, &l);
	bool ended = l->fin_ns > from_ns || (l->resets && l->reset_ns[0] > from_ns);
	bool gone = kills(other) || (from_ns && ended);

	return set(provoke_unasked(f) != NULL, RESET_UNASKED) |
	       set(is_new_failed(f, 2), NEW_FAILS) | set(gone, OTHER_GONE) |
	       set(other && !gone && (exchange_answered(other) || provoke_alive(other)),
		   OTHER_LIVES);
}

/* Each time-out is the double of the one before (RFC 6298, 5.5): so much later none will come. */
static bool has_ended(const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);
	const struct exchange *rst = provoke_asked(f, MARK_EXACT_RST, NULL);
	size_t n = l->syn_acks < LINE_TIMES ? l->syn_acks : LINE_TIMES;
	uint64_t until = rst ? rst->asked_ns : l->opened_ns + f->hold_ns, last, gap;

	if (l->resets && l->reset_ns[0] < until)
		return true;
	if (n < 2 || n < l->syn_acks)
		return false;
	last = l->syn_ack_ns[n - 1];
	gap = last - l->syn_ack_ns[n - 2];
	return until > last && until - last > gap * 5 / 2 + 500000000;
}

static uint64_t read_slow_handshake(const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);

	return set(is_new_failed(f, 1), NEW_FAILS) | set(l->syn_acks > 1, SYN_ACK_REPEATS) |
	       set(l->syn_acks_after_rst > 0, SYN_ACK_AFTER_RST) | set(has_ended(f), SYN_ACK_ENDS);
}

static uint64_t read_idle(const struct provoke_facts *f)
{
	const struct idle_known k = provoke_idle_known(f);
	uint64_t after_ns;
	enum idle_end end = k.died ? provoke_idle_end(k.died, &after_ns) : IDLE_UNTOLD;

	return set(end == IDLE_ENDS_FIN, REST_FIN) | set(end == IDLE_ENDS_RST, REST_RST) |
	       set(end == IDLE_USE_RST, REST_USE_RST) |
	       set(end == IDLE_USE_SILENT, REST_USE_SILENT) | set(k.died, SAW_ENOUGH);
}

static uint64_t read_lost_rst(const struct provoke_facts *f)
{
	const struct exchange *more = provoke_asked(f, MARK_MORE, NULL);
	bool silent = more && !exchange_answered(more) && !provoke_alive(more);
	unsigned asked = 0, rsts = 0;

	for (enum mark m = MARK_ON_1; m <= MARK_ON_3; m++) {
		const struct exchange *x = provoke_asked(f, m, NULL);

		asked += x != NULL;
		rsts += is_rst(x);
	}
	return set(provoke_line(f)->resets > 0, SAW_RESET) | set(silent, MORE_UNANSWERED) |
	       set(rsts > 0, ON_RST_SOME) | set(rsts && rsts == asked, ON_RST_ALL);
}

static uint64_t read_challenge(const struct provoke_facts *f)
{
	const struct exchange *syn = provoke_asked(f, MARK_WINDOW_SYN, NULL);
	const struct exchange *near = provoke_asked(f, MARK_NEAR_RST, NULL);
	const struct exchange *old = provoke_asked(f, MARK_OLD_ACK, NULL);
	const struct exchange *last = old ? old : near ? near : syn;
	bool killed = kills(syn) || kills(near) || kills(old);

	return set(provoke_unasked(f) != NULL, RESET_UNASKED) |
	       set(is_challenged(syn), SYN_CHALLENGED) | set(kills(syn), SYN_KILLS) |
	       set(is_challenged(near), NEAR_CHALLENGED) | set(kills(near), NEAR_KILLS) |
	       set(is_challenged(old), OLD_CHALLENGED) | set(kills(old), OLD_KILLS) |
	       set(provoke_alive(provoke_asked(f, MARK_EXACT_RST, NULL)), EXACT_SURVIVED) |
	       set(provoke_alive(last) || is_challenged(last), STILL_ALIVE) |
	       set(killed, SAW_ENOUGH);
}

uint64_t provoke_read(const struct provoke_facts *f)
{
	static uint64_t (*const read[SCENARIOS])(const struct provoke_facts *) = {
	    [SCENARIO_LISTEN_ACK] = read_listen_ack,
	    [SCENARIO_HALF_OPEN] = read_half_open,
	    [SCENARIO_EARLY_CLOSE] = read_early_close,
	    [SCENARIO_DATA_AFTER_CLOSE] = read_data_after_close,
	    [SCENARIO_ABORT] = read_abort,
	    [SCENARIO_SLOW_HANDSHAKE] = read_slow_handshake,
	    [SCENARIO_IDLE] = read_idle,
	    [SCENARIO_LOST_RST] = read_lost_rst,
	    [SCENARIO_CHALLENGE] = read_challenge,
	};

	return read_ends(f) | read[f->scenario](f);
}

const char *provoke_bit_name(unsigned bit)
{
	static const char *const names[PROVOKE_BITS] = {
	    [SAW_OPEN] = "open",
	    [SAW_REFUSED] = "refused",
	    [SAW_REJECTED] = "rejected",
	    [SAW_NO_ANSWER] = "no-answer",
	    [SAW_NO_QUIET] = "no-quiet",
	    [SAW_FAILED] = "failed",
	    [SAW_STOPPED] = "stopped",
	    [SAW_ENOUGH] = "enough",
	    [SAW_FIN] = "fin",
	    [SAW_RESET] = "reset",
	    [SAW_KEEPALIVES] = "keepalives",
	    [RESET_UNASKED] = "reset-unasked",
	    [STRAY_RST_SOME] = "stray-rst-some",
	    [STRAY_RST_ALL] = "stray-rst-all",
	    [STRAY_REJECTED] = "stray-rejected",
	    [STRAY_FROM_PATH] = "stray-from-path",
	    [RETURN_ACCEPTED] = "return-accepted",
	    [RETURN_RST] = "return-rst",
	    [RETURN_CHALLENGED] = "return-challenged",
	    [RETURN_YIELDED] = "return-yielded",
	    [ANSWER_SENT] = "answer-sent",
	    [ANSWER_LOST] = "answer-lost",
	    [ALL_TAKEN] = "all-taken",
	    [LATE_RST] = "late-rst",
	    [LATE_TAKEN] = "late-taken",
	    [OTHER_LIVES] = "other-lives",
	    [OTHER_GONE] = "other-gone",
	    [NEW_FAILS] = "new-fails",
	    [SYN_ACK_REPEATS] = "syn-ack-repeats",
	    [SYN_ACK_AFTER_RST] = "syn-ack-after-rst",
	    [SYN_ACK_ENDS] = "syn-ack-ends",
	    [REST_FIN] = "rest-fin",
	    [REST_RST] = "rest-rst",
	    [REST_USE_RST] = "rest-use-rst",
	    [REST_USE_SILENT] = "rest-use-silent",
	    [MORE_UNANSWERED] = "more-unanswered",
	    [ON_RST_SOME] = "on-rst-some",
	    [ON_RST_ALL] = "on-rst-all",
	    [SYN_CHALLENGED] = "syn-challenged",
	    [SYN_KILLS] = "syn-kills",
	    [NEAR_CHALLENGED] = "near-challenged",
	    [NEAR_KILLS] = "near-kills",
	    [OLD_CHALLENGED] = "old-challenged",
	    [OLD_KILLS] = "old-kills",
	    [EXACT_SURVIVED] = "exact-survived",
	    [STILL_ALIVE] = "still-alive",
	};

	return bit < PROVOKE_BITS ? names[bit] : NULL;
}

/* --- the verdict -------------------------------------------------------------------------- */

static const struct provoke_row *decide(const struct provoke_facts *f)
{
	uint64_t is = provoke_read(f);

	for (size_t i = 0;; i++) {
		const struct provoke_row *r = &provoke_rows[i];

		if ((r->scenario == SCENARIOS || r->scenario == (int)f->scenario) &&
		    (is & r->need) == r->need && !(is & r->lack))
			return r;
	}
}

void provoke_judge(const struct provoke_facts *f, struct provoke_verdict *out)
{
	*out = (struct provoke_verdict){.row = decide(f), .bytes_lost = lost(f)};
	provoke_tell(f, out);
}
