/*
 * test_provoke: the tables of `provoke`: facts for each finding, that each can be reached and
 * stands in no other's way, what is said with it, and the rests that `idle` tries.
 */
#include "unit.h"

#include <errno.h>

#include "judge/provoke_bits.h"
#include "packet/segment.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

/* --- facts by hand ------------------------------------------------------------------------ */

static struct line_facts *line(struct provoke_facts *f, enum line_end end)
{
	struct line_facts *l = &f->lines[f->n_lines++];

	*l = (struct line_facts){
	    .end = end, .sport = (uint16_t)(40000 + f->n_lines), .opened_ns = 10 * SECOND};
	if (end == LINE_OPEN)
		l->stands_ns = 10 * SECOND + MS;
	return l;
}

static struct provoke_facts facts(enum scenario s)
{
	struct provoke_facts f = {.scenario = s, .port = 80, .hold_ns = 20 * SECOND};
	f.idle_died.end = LINE_NEVER;
	line(&f, LINE_OPEN);
	return f;
}

/* A question at `at_ns` after the handshake, and what came to it. */
static struct exchange *ask(struct line_facts *l, enum mark m, enum reaction r,
			    enum rfc_after after)
{
	struct exchange *x = &l->at[m];

	*x = (struct exchange){.tries = 1, .reaction = (uint8_t)r, .after = (uint8_t)after};
	x->answered_by = r != REACTION_NONE;
	x->asked_ns = l->stands_ns + 15 * SECOND;
	x->answered_ns = x->answered_by ? x->asked_ns + MS : 0;
	x->ttl = 61;
	return x;
}

static void reset(struct line_facts *l, uint64_t after_ns)
{
	l->reset_ns[l->resets++] = l->stands_ns + after_ns;
}

#define RST REACTION_RST_SEQ_FROM_ACK
#define ACK REACTION_CHALLENGE_ACK
#define SYN_ACK REACTION_SYN_ACK
#define NONE REACTION_NONE

typedef void fill_fn(struct provoke_facts *f, struct line_facts *l);

static void refused(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	l->end = LINE_REFUSED;
	l->stands_ns = 0;
	ask(l, MARK_SYN, REACTION_RST_ACK_OF_SEQ, AFTER_UNKNOWN);
}

static void rejected(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	l->end = LINE_REJECTED;
}

static void unanswered(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	l->end = LINE_NO_ANSWER;
}

static void no_quiet(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	l->end = LINE_NO_QUIET;
}

static void failed(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	l->end = LINE_FAILED;
}

static void stopped(struct provoke_facts *f, struct line_facts *l)
{
	(void)l;
	f->stopped = true;
}

static void strays(struct line_facts *l, enum reaction a, enum reaction b, enum reaction c)
{
	ask(l, MARK_SYN, SYN_ACK, AFTER_UNKNOWN);
	ask(l, MARK_ACK, a, AFTER_UNKNOWN);
	ask(l, MARK_DATA, b, AFTER_UNKNOWN);
	ask(l, MARK_SYN_ACK, c, AFTER_UNKNOWN);
	for (enum mark m = MARK_ACK; m <= MARK_SYN_ACK; m++)
		l->at[m].sent.flags = TCP_ACK;
}

static void stray_path(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	strays(l, RST, RST, RST);
	l->at[MARK_DATA].ttl = 62;
}

static void stray_rst(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	strays(l, RST, RST, RST);
	/* many stacks begin their RSTs at another TTL */
	l->at[MARK_SYN].ttl = 125;
}

static void stray_partly(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	strays(l, RST, RST, NONE);
}

static void stray_rejected(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	strays(l, REACTION_ICMP_ADMIN, NONE, NONE);
}

static void stray_silent(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	strays(l, NONE, NONE, NONE);
}

static void keepalive(struct line_facts *l)
{
	l->keepalives = 3;
	l->keepalive_ns[0] = l->stands_ns + 5 * SECOND;
	l->keepalive_ns[1] = l->stands_ns + 7 * SECOND;
}

static void half_keepalive_reset(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	keepalive(l);
	reset(l, 8 * SECOND);
	ask(l, MARK_RETURN, SYN_ACK, AFTER_UNKNOWN);
}

static void half_reset(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	reset(l, 8 * SECOND);
}

static void half_fin(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	l->fin_ns = l->stands_ns + 9 * SECOND;
	ask(l, MARK_RETURN, ACK, AFTER_UNKNOWN);
	reset(l, 16 * SECOND);
}

static void half_probes(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	keepalive(l);
	ask(l, MARK_RETURN, ACK, AFTER_UNKNOWN);
}

static void half_unheard(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	keepalive(l);
	ask(l, MARK_RETURN, SYN_ACK, AFTER_UNKNOWN);
}

static void half_replaced(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	ask(l, MARK_RETURN, SYN_ACK, AFTER_UNKNOWN);
}

static void half_rst(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	ask(l, MARK_RETURN, RST, AFTER_UNKNOWN);
	reset(l, 15 * SECOND + MS);
}

static void half_yields(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	ask(l, MARK_RETURN, ACK, AFTER_UNKNOWN);
	ask(l, MARK_RETURN_2, SYN_ACK, AFTER_UNKNOWN);
}

static void half_keeps(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	ask(l, MARK_RETURN, ACK, AFTER_UNKNOWN);
	ask(l, MARK_RETURN_2, ACK, AFTER_UNKNOWN);
}

static void half_mute(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	ask(l, MARK_RETURN, NONE, AFTER_UNKNOWN);
}

static void answer(struct line_facts *l, uint64_t sent, uint64_t read)
{
	l->written = 300000;
	l->acked_octets = 65000;
	l->window_closed = true;
	l->sent_octets = sent;
	l->read = read;
}

static void early_lost(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	answer(l, 20000, 4096);
	l->fin_ns = l->stands_ns + SECOND;
	reset(l, SECOND);
	l->write_errno = ECONNRESET;
	l->write_again_errno = EPIPE;
	l->read_errno = 0;
	l->read_eof = true;
}

static void early_unanswered(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	answer(l, 0, 0);
	reset(l, SECOND);
}

static void early_whole(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	answer(l, 20000, 20000);
	reset(l, SECOND);
}

static void early_clean(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	answer(l, 20000, 19000);
	l->fin_ns = l->stands_ns + SECOND;
}

static void early_takes(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	answer(l, 20000, 20000);
	l->acked_octets = l->written;
	l->window_closed = false;
}

static void early_stalls(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	answer(l, 0, 0);
}

static void late(struct line_facts *l, enum reaction r, enum rfc_after after)
{
	l->fin_ns = l->stands_ns + 5 * SECOND;
	l->written = 16;
	l->read_eof = true;
	ask(l, MARK_AFTER_FIN, r, after);
}

static void late_resets(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	late(l, RST, AFTER_GONE);
	reset(l, 15 * SECOND + MS);
	l->write_again_errno = EPIPE;
}

static void late_accepts(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	late(l, ACK, AFTER_ACCEPTED);
}

static void late_ignores(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	late(l, NONE, AFTER_UNKNOWN);
}

static void late_aborts(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	reset(l, SECOND);
}

static void nothing(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	(void)l;
}

/* The other connection, the one that is aborted, a new one. */
static struct line_facts *abort_lines(struct provoke_facts *f, enum reaction other,
				      enum rfc_after after, enum line_end end)
{
	ask(&f->lines[0], MARK_OTHER, other, after);
	line(f, LINE_OPEN)->closed_ns = 10 * SECOND + 100 * MS;
	return line(f, end);
}

static void abort_listener(struct provoke_facts *f, struct line_facts *l)
{
	abort_lines(f, RST, AFTER_GONE, LINE_REFUSED);
	reset(l, SECOND);
}

static void abort_others(struct provoke_facts *f, struct line_facts *l)
{
	(void)l;
	abort_lines(f, RST, AFTER_GONE, LINE_OPEN);
}

static void abort_lives(struct provoke_facts *f, struct line_facts *l)
{
	abort_lines(f, ACK, AFTER_ALIVE, LINE_OPEN);
	/* of its own accord, before any abort */
	l->fin_ns = l->stands_ns - 1;
}

static void abort_silent(struct provoke_facts *f, struct line_facts *l)
{
	(void)l;
	abort_lines(f, NONE, AFTER_UNKNOWN, LINE_OPEN);
}

static void abort_unasked(struct provoke_facts *f, struct line_facts *l)
{
	abort_lines(f, RST, AFTER_GONE, LINE_REFUSED);
	reset(l, 50 * MS);
}

/* The service would not have it: nothing was left to be aborted. */
static void abort_none(struct provoke_facts *f, struct line_facts *l)
{
	(void)l;
	abort_lines(f, ACK, AFTER_ALIVE, LINE_OPEN);
	reset(&f->lines[1], 50 * MS);
}

/* SYN-ACKs at these seconds, our RST at 20. */
static void syn_acks(struct line_facts *l, const unsigned *at_s, unsigned n)
{
	l->stands_ns = 0;
	l->syn_acks = n;
	for (unsigned i = 0; i < n; i++)
		l->syn_ack_ns[i] = l->opened_ns + at_s[i] * SECOND + MS;
	ask(l, MARK_EXACT_RST, NONE, AFTER_UNKNOWN)->asked_ns = l->opened_ns + 20 * SECOND;
	ask(l, MARK_NEW, SYN_ACK, AFTER_UNKNOWN);
}

static const unsigned doubling_s[] = {0, 1, 3, 7, 15};

static void slow_blocked(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	syn_acks(l, doubling_s, 5);
	ask(l, MARK_NEW, NONE, AFTER_UNKNOWN);
}

static void slow_ignores(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	syn_acks(l, doubling_s, 5);
	l->syn_acks_after_rst = 1;
}

static void slow_gives_up(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	syn_acks(l, doubling_s, 3);
}

static void slow_retransmits(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	syn_acks(l, doubling_s, 5);
	/* just before the next one */
	l->at[MARK_EXACT_RST].asked_ns = l->opened_ns + 30 * SECOND;
	ask(l, MARK_LATE_ACK, RST, AFTER_UNKNOWN)->asked_ns = l->opened_ns + 40 * SECOND;
	reset(l, 30 * SECOND);
	l->reset_ns[0] = l->opened_ns + 41 * SECOND;
}

static void slow_once(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	syn_acks(l, doubling_s, 1);
}

static void rest(struct line_facts *l, uint64_t s, enum reaction r)
{
	l->rest_ns = s * SECOND;
	ask(l, MARK_USE, r, AFTER_UNKNOWN)->asked_ns = l->stands_ns + s * SECOND;
}

static void idle_fin(struct provoke_facts *f, struct line_facts *l)
{
	rest(l, 4, ACK);
	l = line(f, LINE_OPEN);
	l->rest_ns = 8 * SECOND;
	l->fin_ns = l->stands_ns + 5 * SECOND;
}

static void idle_rst(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	l->rest_ns = 8 * SECOND;
	reset(l, 75 * SECOND / 10);
}

static void idle_use_rst(struct provoke_facts *f, struct line_facts *l)
{
	rest(l, 4, ACK);
	rest(line(f, LINE_OPEN), 8, RST);
	rest(line(f, LINE_OPEN), 16, NONE);
}

static void idle_use_silent(struct provoke_facts *f, struct line_facts *l)
{
	rest(l, 4, ACK);
	rest(line(f, LINE_OPEN), 8, NONE);
}

static void idle_outlives(struct provoke_facts *f, struct line_facts *l)
{
	/* a shorter rest that ended is refuted by a longer one that did not */
	rest(l, 16, ACK);
	rest(line(f, LINE_OPEN), 8, NONE);
	line(f, LINE_NO_ANSWER);
}

static void on(struct line_facts *l, enum reaction a, enum reaction b, enum reaction c)
{
	l->raw = true;
	l->written = 8;
	reset(l, SECOND);
	ask(l, MARK_ON_1, a, AFTER_UNKNOWN);
	ask(l, MARK_ON_2, b, AFTER_UNKNOWN);
	ask(l, MARK_ON_3, c, AFTER_UNKNOWN);
}

static void on_repeats(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	on(l, RST, RST, RST);
}

static void on_sometimes(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	on(l, NONE, RST, NONE);
}

static void on_once(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	on(l, NONE, NONE, NONE);
}

static void more_unanswered(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	ask(l, MARK_MORE, NONE, AFTER_UNKNOWN);
}

static void more_taken(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	ask(l, MARK_MORE, ACK, AFTER_ACCEPTED);
}

static void forged(struct line_facts *l, enum reaction syn, enum rfc_after after_syn,
		   enum reaction near, enum rfc_after after_near)
{
	ask(l, MARK_WINDOW_SYN, syn, after_syn);
	if (after_syn == AFTER_ALIVE)
		ask(l, MARK_NEAR_RST, near, after_near);
}

static void dies_syn(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, RST, AFTER_UNKNOWN, NONE, AFTER_UNKNOWN);
}

static void dies_near(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, ACK, AFTER_ALIVE, NONE, AFTER_GONE);
}

static void dies_old(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, ACK, AFTER_ALIVE, ACK, AFTER_ALIVE);
	ask(l, MARK_OLD_ACK, NONE, AFTER_GONE);
}

static void outlives_exact(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, ACK, AFTER_ALIVE, ACK, AFTER_ALIVE);
	ask(l, MARK_OLD_ACK, ACK, AFTER_ALIVE);
	ask(l, MARK_EXACT_RST, NONE, AFTER_ALIVE);
}

static void challenges(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, ACK, AFTER_ALIVE, ACK, AFTER_ALIVE);
	ask(l, MARK_OLD_ACK, NONE, AFTER_ALIVE);
	ask(l, MARK_EXACT_RST, NONE, AFTER_GONE);
}

static void lives(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	/* a RST that the connection outlives ended nothing */
	forged(l, RST, AFTER_ALIVE, NONE, AFTER_ALIVE);
}

static void forged_unasked(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, RST, AFTER_GONE, NONE, AFTER_UNKNOWN);
	reset(l, SECOND);
}

/* One that answered, and after it one that came by itself. */
static void forged_half(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, ACK, AFTER_ALIVE, NONE, AFTER_GONE);
	l->at[MARK_NEAR_RST].asked_ns += SECOND;
	reset(l, 155 * SECOND / 10);
}

/* The first answered a question, and the connection outlived it. */
static void forged_twice(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, RST, AFTER_ALIVE, RST, AFTER_GONE);
	l->at[MARK_NEAR_RST].asked_ns += SECOND;
	reset(l, 15 * SECOND + MS);
}

static void falls_silent(struct provoke_facts *f, struct line_facts *l)
{
	(void)f;
	forged(l, NONE, AFTER_UNKNOWN, NONE, AFTER_UNKNOWN);
}

static const struct known_case {
	const char *id;
	enum scenario scenario;
	fill_fn *fill;
} cases[] = {
    {"our-side-failed", SCENARIO_ABORT, failed},
    {"no-quiet-port", SCENARIO_HALF_OPEN, no_quiet},
    {"port-closed", SCENARIO_LISTEN_ACK, refused},
    {"port-closed", SCENARIO_EARLY_CLOSE, refused},
    {"port-rejected", SCENARIO_IDLE, rejected},
    {"no-answer", SCENARIO_CHALLENGE, unanswered},
    {"cut-short", SCENARIO_HALF_OPEN, stopped},
    {"listen-rst-from-path", SCENARIO_LISTEN_ACK, stray_path},
    {"listen-rst", SCENARIO_LISTEN_ACK, stray_rst},
    {"listen-partly", SCENARIO_LISTEN_ACK, stray_partly},
    {"listen-rejected", SCENARIO_LISTEN_ACK, stray_rejected},
    {"listen-silent", SCENARIO_LISTEN_ACK, stray_silent},
    {"keepalive-reset", SCENARIO_HALF_OPEN, half_keepalive_reset},
    {"reset-by-service", SCENARIO_HALF_OPEN, half_reset},
    {"closed-by-service", SCENARIO_HALF_OPEN, half_fin},
    {"keepalive-probes", SCENARIO_HALF_OPEN, half_probes},
    {"keepalive-unheard", SCENARIO_HALF_OPEN, half_unheard},
    {"replaced", SCENARIO_HALF_OPEN, half_replaced},
    {"reset-to-syn", SCENARIO_HALF_OPEN, half_rst},
    {"gives-way", SCENARIO_HALF_OPEN, half_yields},
    {"keeps", SCENARIO_HALF_OPEN, half_keeps},
    {"mute", SCENARIO_HALF_OPEN, half_mute},
    {"answer-lost", SCENARIO_EARLY_CLOSE, early_lost},
    {"reset-unanswered", SCENARIO_EARLY_CLOSE, early_unanswered},
    {"answer-whole", SCENARIO_EARLY_CLOSE, early_whole},
    {"closes-cleanly", SCENARIO_EARLY_CLOSE, early_clean},
    {"takes-all", SCENARIO_EARLY_CLOSE, early_takes},
    {"stalls", SCENARIO_EARLY_CLOSE, early_stalls},
    {"resets", SCENARIO_DATA_AFTER_CLOSE, late_resets},
    {"accepts", SCENARIO_DATA_AFTER_CLOSE, late_accepts},
    {"ignores", SCENARIO_DATA_AFTER_CLOSE, late_ignores},
    {"aborts", SCENARIO_DATA_AFTER_CLOSE, late_aborts},
    {"stays-open", SCENARIO_DATA_AFTER_CLOSE, nothing},
    {"reset-unasked", SCENARIO_ABORT, abort_unasked},
    {"reset-unasked", SCENARIO_ABORT, abort_none},
    {"listener-dies", SCENARIO_ABORT, abort_listener},
    {"others-die", SCENARIO_ABORT, abort_others},
    {"others-live", SCENARIO_ABORT, abort_lives},
    {"others-silent", SCENARIO_ABORT, abort_silent},
    {"listener-blocked", SCENARIO_SLOW_HANDSHAKE, slow_blocked},
    {"ignores-rst", SCENARIO_SLOW_HANDSHAKE, slow_ignores},
    {"gives-up", SCENARIO_SLOW_HANDSHAKE, slow_gives_up},
    {"retransmits", SCENARIO_SLOW_HANDSHAKE, slow_retransmits},
    {"does-not-retransmit", SCENARIO_SLOW_HANDSHAKE, slow_once},
    {"ends-by-fin", SCENARIO_IDLE, idle_fin},
    {"ends-by-rst", SCENARIO_IDLE, idle_rst},
    {"reset-on-use", SCENARIO_IDLE, idle_use_rst},
    {"silent-on-use", SCENARIO_IDLE, idle_use_silent},
    {"outlives", SCENARIO_IDLE, idle_outlives},
    {"repeats", SCENARIO_LOST_RST, on_repeats},
    {"sometimes", SCENARIO_LOST_RST, on_sometimes},
    {"once", SCENARIO_LOST_RST, on_once},
    {"goes-silent", SCENARIO_LOST_RST, more_unanswered},
    {"never-resets", SCENARIO_LOST_RST, nothing},
    {"never-resets", SCENARIO_LOST_RST, more_taken},
    {"reset-unasked", SCENARIO_CHALLENGE, forged_unasked},
    {"reset-unasked", SCENARIO_CHALLENGE, forged_half},
    {"dies-by-near-rst", SCENARIO_CHALLENGE, forged_twice},
    {"dies-by-syn", SCENARIO_CHALLENGE, dies_syn},
    {"dies-by-near-rst", SCENARIO_CHALLENGE, dies_near},
    {"dies-by-old-ack", SCENARIO_CHALLENGE, dies_old},
    {"survives-exact-rst", SCENARIO_CHALLENGE, outlives_exact},
    {"challenges", SCENARIO_CHALLENGE, challenges},
    {"silent-but-lives", SCENARIO_CHALLENGE, lives},
    {"falls-silent", SCENARIO_CHALLENGE, falls_silent},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void judge_case(const struct known_case *c, struct provoke_facts *f,
		       struct provoke_verdict *v)
{
	*f = facts(c->scenario);
	c->fill(f, &f->lines[0]);
	provoke_judge(f, v);
}

static void judge_by(fill_fn *fill, struct provoke_facts *f, struct provoke_verdict *v)
{
	for (size_t i = 0; i < CASES; i++) {
		if (cases[i].fill != fill)
			continue;
		judge_case(&cases[i], f, v);
		return;
	}
	fail();
}

/* --- the tables --------------------------------------------------------------------------- */

static void test_each_case_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct provoke_facts f;
		struct provoke_verdict v;

		judge_case(&cases[i], &f, &v);
		if (strcmp(v.row->id, cases[i].id) != 0)
			fail_msg("case %zu: %s instead of %s", i, v.row->id, cases[i].id);
	}
}

static void test_each_row_is_reached(void **state)
{
	(void)state;
	for (size_t i = 0; i < provoke_row_count; i++) {
		bool reached = false;

		for (size_t k = 0; k < CASES && !reached; k++) {
			struct provoke_facts f;
			struct provoke_verdict v;

			judge_case(&cases[k], &f, &v);
			reached = v.row == &provoke_rows[i];
		}
		if (!reached)
			fail_msg("no case reaches %s", provoke_rows[i].id);
	}
}

static bool may_meet(const struct provoke_row *a, const struct provoke_row *b)
{
	return a->scenario == b->scenario || a->scenario == SCENARIOS || b->scenario == SCENARIOS;
}

static void test_ids_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < provoke_row_count; i++)
		for (size_t k = 0; k < i; k++)
			if (may_meet(&provoke_rows[i], &provoke_rows[k]))
				assert_string_not_equal(provoke_rows[i].id, provoke_rows[k].id);
}

static void test_last_row_of_each_needs_nothing(void **state)
{
	const struct provoke_row *last[SCENARIOS] = {0};
	bool others = false;

	(void)state;
	for (size_t i = 0; i < provoke_row_count; i++) {
		const struct provoke_row *r = &provoke_rows[i];

		if (r->scenario == SCENARIOS) {
			assert_false(others);
			continue;
		}
		others = true;
		assert_true(!last[r->scenario] || last[r->scenario]->need ||
			    last[r->scenario]->lack);
		last[r->scenario] = r;
	}
	for (int s = 0; s < SCENARIOS; s++) {
		assert_non_null(last[s]);
		assert_true(!last[s]->need && !last[s]->lack);
	}
}

static void test_words_are_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < provoke_row_count; i++) {
		const struct provoke_row *r = &provoke_rows[i];

		assert_true(strlen(r->id) && strlen(r->says) && r->advice);
		assert_true(r->severity != SEVERITY_PROBLEM || *r->advice);
	}
	for (int s = 0; s < SCENARIOS; s++) {
		enum scenario parsed;

		assert_true(strlen(scenario_infos[s].does) && strlen(scenario_infos[s].question));
		assert_int_equal(scenario_parse(scenario_infos[s].name, &parsed), 0);
		assert_int_equal(parsed, s);
	}
	assert_int_equal(scenario_parse("half", &(enum scenario){0}), -1);
}

static void test_each_bit_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROVOKE_BITS; i++) {
		assert_non_null(provoke_bit_name(i));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(provoke_bit_name(i), provoke_bit_name(k));
	}
	assert_null(provoke_bit_name(PROVOKE_BITS));
}

static void test_a_stopped_run_keeps_what_it_knows(void **state)
{
	struct provoke_facts f;
	struct provoke_verdict v;

	(void)state;
	judge_by(half_fin, &f, &v);
	f.stopped = true;
	provoke_judge(&f, &v);
	assert_string_equal(v.row->id, "closed-by-service");
	judge_by(half_yields, &f, &v);
	f.stopped = true;
	provoke_judge(&f, &v);
	assert_string_equal(v.row->id, "cut-short");
}

/* --- what is said with it ----------------------------------------------------------------- */

static const struct clue *clue(const struct provoke_verdict *v, enum clue_id id)
{
	for (size_t i = 0; i < v->n_clues; i++)
		if (v->clues[i].id == id)
			return &v->clues[i];
	return NULL;
}

static void test_octets_lost(void **state)
{
	struct provoke_facts f;
	struct provoke_verdict v;

	(void)state;
	judge_by(early_lost, &f, &v);
	assert_int_equal(v.bytes_lost, 20000 - 4096);
	assert_int_equal(clue(&v, CLUE_ANSWER_LOST)->a, 20000 - 4096);
	assert_non_null(clue(&v, CLUE_ANSWER_LENGTH));
	assert_int_equal(clue(&v, CLUE_SERVICE_TOOK)->a, 65000);
	assert_int_equal(clue(&v, CLUE_SERVICE_TOOK)->b, 300000);
	/* as HTTP has it, what the service never sent is lost as well */
	f.http_status = 413;
	f.http_head = 200;
	f.http_length = 50000;
	f.has_http_length = true;
	provoke_judge(&f, &v);
	assert_int_equal(v.bytes_lost, 50200 - 4096);
	assert_null(clue(&v, CLUE_ANSWER_LENGTH));
	assert_int_equal(clue(&v, CLUE_HTTP_STATUS)->a, 413);
	judge_by(early_clean, &f, &v);
	assert_int_equal(v.bytes_lost, 0);
}

static void test_times(void **state)
{
	struct provoke_facts f;
	struct provoke_verdict v;

	(void)state;
	judge_by(half_keepalive_reset, &f, &v);
	assert_int_equal(clue(&v, CLUE_KEEPALIVE_AT)->a, 5000);
	assert_int_equal(clue(&v, CLUE_KEEPALIVE_AT)->b, 3);
	assert_int_equal(clue(&v, CLUE_SERVICE_RST)->a, 8000);
	assert_int_equal(v.reset_ns, f.lines[0].reset_ns[0]);
	assert_int_equal(v.sport, f.lines[0].sport);
	/* a RST of later is another story */
	judge_by(half_fin, &f, &v);
	assert_null(clue(&v, CLUE_SERVICE_RST));
	assert_int_equal(clue(&v, CLUE_SERVICE_FIN)->a, 9000);
	assert_int_equal(v.reset_ns, 0);
	judge_by(slow_gives_up, &f, &v);
	assert_int_equal(clue(&v, CLUE_SYN_ACKS)->a, 3);
	assert_int_equal(clue(&v, CLUE_SYN_ACKS)->b, 3001);
	/* what our late ACK drew did not come by itself */
	judge_by(slow_retransmits, &f, &v);
	assert_null(clue(&v, CLUE_SERVICE_RST));
}

static void test_which_reset(void **state)
{
	struct provoke_facts f;
	struct provoke_verdict v;

	(void)state;
	judge_by(half_rst, &f, &v);
	assert_int_equal(v.reset_ns, f.lines[0].at[MARK_RETURN].answered_ns);
	judge_by(refused, &f, &v);
	assert_int_equal(v.reset_ns, f.lines[0].at[MARK_SYN].answered_ns);
	judge_by(challenges, &f, &v);
	assert_int_equal(v.reset_ns, 0);
	judge_by(idle_use_rst, &f, &v);
	assert_int_equal(v.sport, f.lines[1].sport);
}

static void expect_sees(fill_fn *fill, const enum app_result *want)
{
	struct provoke_facts f;
	struct provoke_verdict v;
	enum app_result sees[PROVOKE_SEES_MAX];
	size_t n;

	judge_by(fill, &f, &v);
	n = provoke_sees(&f, sees);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sees[i], want[i]);
	assert_int_equal(want[n], APP_END);
}

static void test_what_the_client_sees(void **state)
{
	(void)state;
	expect_sees(early_lost, (const enum app_result[]){APP_WRITE_OK, APP_ECONNRESET, APP_EPIPE,
							  APP_EOF, APP_END});
	expect_sees(late_resets,
		    (const enum app_result[]){APP_EOF, APP_WRITE_OK, APP_EPIPE, APP_END});
	/* nobody calls anything on a raw connection */
	expect_sees(on_once, (const enum app_result[]){APP_END});
}

/* --- idle --------------------------------------------------------------------------------- */

/* Plays all rounds against something that forgets after `dies_ns`, by `how`; returns how many
 * connections that took. */
static size_t play_idle(struct provoke_facts *f, uint64_t hold_ns, uint64_t dies_ns,
			enum reaction how, bool by_fin)
{
	uint64_t rests[PROVOKE_LINES];
	size_t n, all = 0;

	*f = (struct provoke_facts){.scenario = SCENARIO_IDLE, .hold_ns = hold_ns};
	while ((n = provoke_idle_rests(f, rests)) > 0) {
		assert_true(n <= PROVOKE_LINES);
		f->n_lines = 0;
		for (size_t i = 0; i < n; i++) {
			struct line_facts *l = line(f, LINE_OPEN);
			bool dies = dies_ns && rests[i] >= dies_ns;

			assert_true(rests[i] <= hold_ns && (i == 0 || rests[i] > rests[i - 1]));
			l->rest_ns = rests[i];
			if (dies && by_fin)
				l->fin_ns = l->stands_ns + dies_ns;
			else
				ask(l, MARK_USE, dies ? how : ACK, AFTER_UNKNOWN)->asked_ns =
				    l->stands_ns + rests[i];
		}
		all += n;
		assert_true(all < 200);
	}
	return all;
}

static void test_idle_narrows(void **state)
{
	static const uint64_t times_s[] = {2, 5, 30, 59, 60, 61, 75, 240, 350, 599};
	struct provoke_facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(times_s) / sizeof(times_s[0]); i++) {
		uint64_t t = times_s[i] * SECOND;
		size_t n = play_idle(&f, 600 * SECOND, t, RST, false);
		uint64_t fine = f.idle_dies_ns / 20 > SECOND ? f.idle_dies_ns / 20 : SECOND;

		assert_true(f.idle_lives_ns < t && f.idle_dies_ns >= t);
		assert_true(f.idle_dies_ns - f.idle_lives_ns <= fine);
		assert_int_equal(f.idle_died.rest_ns, f.idle_dies_ns);
		assert_true(n <= 4 * PROVOKE_LINES);
	}
}

static void test_idle_at_the_ends(void **state)
{
	struct provoke_facts f;
	uint64_t rests[PROVOKE_LINES];

	(void)state;
	assert_int_equal(play_idle(&f, 600 * SECOND, 0, NONE, false), 11);
	assert_int_equal(f.idle_lives_ns, 600 * SECOND);
	assert_int_equal(f.idle_dies_ns, 0);
	/* a FIN names the time itself */
	assert_int_equal(play_idle(&f, 600 * SECOND, 75 * SECOND, NONE, true), 11);
	assert_int_equal(f.idle_dies_ns, 75 * SECOND);
	/* at once */
	play_idle(&f, 600 * SECOND, 1, RST, false);
	assert_int_equal(f.idle_dies_ns, SECOND);
	/* shorter than the first */
	f = (struct provoke_facts){.scenario = SCENARIO_IDLE, .hold_ns = SECOND / 2};
	assert_int_equal(provoke_idle_rests(&f, rests), 1);
	assert_int_equal(rests[0], SECOND / 2);
	/* a week: no more than there are lines, the week among them */
	f = (struct provoke_facts){.scenario = SCENARIO_IDLE, .hold_ns = 604800 * SECOND};
	assert_int_equal(provoke_idle_rests(&f, rests), PROVOKE_LINES);
	assert_int_equal(rests[PROVOKE_LINES - 1], 604800 * SECOND);
}

static void test_idle_believes_no_line_that_was_not_opened(void **state)
{
	struct provoke_facts f = {.scenario = SCENARIO_IDLE, .hold_ns = 8 * SECOND};
	uint64_t rests[PROVOKE_LINES];
	size_t n = provoke_idle_rests(&f, rests);

	(void)state;
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		struct line_facts *l = line(&f, i == 3 ? LINE_NO_ANSWER : LINE_OPEN);

		if (i != 3)
			rest(l, 1U << i, ACK);
		l->rest_ns = rests[i];
	}
	/* the longest is asked again, and never forever */
	assert_int_equal(provoke_idle_rests(&f, rests), 1);
	assert_int_equal(rests[0], 8 * SECOND);
	f.n_lines = 0;
	line(&f, LINE_NO_ANSWER);
	assert_int_equal(provoke_idle_rests(&f, rests), 0);
	/* nothing was opened at all */
	f = (struct provoke_facts){.scenario = SCENARIO_IDLE, .hold_ns = 8 * SECOND};
	line(&f, LINE_REFUSED);
	assert_int_equal(provoke_idle_rests(&f, rests), 0);
}

static void test_idle_judges_what_earlier_rounds_saw(void **state)
{
	struct provoke_facts f;
	struct provoke_verdict v;

	(void)state;
	play_idle(&f, 600 * SECOND, 64 * SECOND - 1, RST, false);
	/* the last round may have seen survivors alone: its lines are gone here */
	f.n_lines = 0;
	provoke_judge(&f, &v);
	assert_string_equal(v.row->id, "reset-on-use");
	assert_int_equal(v.idle_dies_ns, f.idle_dies_ns);
	assert_non_null(clue(&v, CLUE_IDLE_BETWEEN));
	play_idle(&f, 600 * SECOND, 75 * SECOND, NONE, true);
	provoke_judge(&f, &v);
	assert_string_equal(v.row->id, "ends-by-fin");
	assert_int_equal(clue(&v, CLUE_IDLE_AT)->a, 75000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_case_has_its_finding),
	    cmocka_unit_test(test_each_row_is_reached),
	    cmocka_unit_test(test_ids_are_unique),
	    cmocka_unit_test(test_last_row_of_each_needs_nothing),
	    cmocka_unit_test(test_words_are_there),
	    cmocka_unit_test(test_each_bit_has_a_name),
	    cmocka_unit_test(test_a_stopped_run_keeps_what_it_knows),
	    cmocka_unit_test(test_octets_lost),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_which_reset),
	    cmocka_unit_test(test_what_the_client_sees),
	    cmocka_unit_test(test_idle_narrows),
	    cmocka_unit_test(test_idle_at_the_ends),
	    cmocka_unit_test(test_idle_believes_no_line_that_was_not_opened),
	    cmocka_unit_test(test_idle_judges_what_earlier_rounds_saw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
