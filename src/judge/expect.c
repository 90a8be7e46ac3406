/*
 * expect: decides what the words of a policy stand for, what several probings of a port come to,
 * and whether that is what was demanded. It refuses to guess: what was not measured, what showed
 * two faces and what leaves two states open where not both are wanted is undecided. It knows no
 * policy and no clock.
 */
#include "judge/expect.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

#define BIT(n) (UINT32_C(1) << (n))

/* --- words -------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	uint32_t states;
} state_words[] = {
    {"open", BIT(STATE_OPEN)},
    {"closed", BIT(STATE_CLOSED)},
    {"rejected", BIT(STATE_REJECTED)},
    {"filtered", BIT(STATE_FILTERED)},
    {"unfiltered", BIT(STATE_UNFILTERED)},
    {"open|filtered", BIT(STATE_OPEN_FILTERED)},
    {"suspect", BIT(STATE_SUSPECT)},
    {"inconsistent", BIT(STATE_INCONSISTENT)},
    {"silent", BIT(STATE_FILTERED)},
    {"blocked", BIT(STATE_FILTERED) | BIT(STATE_REJECTED)},
    /* what accepts and resets alike may be open: a listener that forges RSTs must not pass */
    {"not-open", BIT(STATE_CLOSED) | BIT(STATE_REJECTED) | BIT(STATE_FILTERED) |
		     BIT(STATE_UNFILTERED) | BIT(STATE_OPEN_FILTERED)},
};
enum { STATE_WORDS = sizeof(state_words) / sizeof(state_words[0]), STYLES = STYLE_MIXED + 1 };

const char *expect_state_word(size_t i)
{
	return i < STATE_WORDS ? state_words[i].word : NULL;
}

const char *expect_style_word(size_t i)
{
	return i < STYLES ? style_name((enum reset_style)i) : NULL;
}

/* The word of the table, and what it stands for; NULL where it is none of this kind. */
static const char *find_word(enum expect_kind kind, const char *word, uint32_t *bits)
{
	for (size_t i = 0; kind == EXPECT_STATE && i < STATE_WORDS; i++) {
		*bits = state_words[i].states;
		if (strcmp(word, state_words[i].word) == 0)
			return state_words[i].word;
	}
	for (size_t i = 0; kind == EXPECT_STYLE && i < STYLES; i++) {
		*bits = BIT(i);
		if (strcmp(word, style_name((enum reset_style)i)) == 0)
			return style_name((enum reset_style)i);
	}
	return NULL;
}

bool expect_add(struct expectation *x, const char *word)
{
	uint32_t bits;
	const char *known = find_word(x->kind, word, &bits);

	if (!known || x->n_words == EXPECT_WORDS_MAX)
		return false;
	for (size_t i = 0; i < x->n_words; i++)
		if (strcmp(x->words[i], known) == 0)
			return false;
	x->words[x->n_words++] = known;
	x->bits |= bits;
	return true;
}

static void put_within(struct text *t, uint64_t ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"h", UINT64_C(3600000000000)},
		     {"m", UINT64_C(60000000000)},
		     {"s", 1000000000},
		     {"ms", 1000000},
		     {"us", 1000},
		     {"ns", 1}};
	size_t i = 0;

	while (ns % units[i].ns)
		i++;
	text_putf(t, " within %" PRIu64 "%s", ns / units[i].ns, units[i].name);
}

const char *expect_text(const struct expectation *x, char *buf, size_t cap)
{
	struct text t = text_of(buf, cap);

	if (x->kind == EXPECT_LISTEN_RST)
		text_putf(&t, "listen-rst");
	if (x->kind == EXPECT_STYLE)
		text_putf(&t, "style ");
	for (size_t i = 0; i < x->n_words; i++)
		text_putf(&t, "%s%s", i ? " or " : "", x->words[i]);
	if (x->within_ns)
		put_within(&t, x->within_ns);
	return buf;
}

static const char *const level_names[LEVELS] = {
    [LEVEL_CRITICAL] = "critical",
    [LEVEL_WARNING] = "warning",
    [LEVEL_INFO] = "info",
};

const char *level_name(enum severity_level l)
{
	return level_names[l];
}

int level_parse(const char *word, enum severity_level *out)
{
	for (int i = 0; i < LEVELS; i++) {
		if (strcmp(word, level_names[i]) == 0) {
			*out = (enum severity_level)i;
			return 0;
		}
	}
	return -1;
}

const char *check_outcome_name(enum check_outcome o)
{
	static const char *const names[CHECK_OUTCOMES] = {
	    [CHECK_PASSED] = "passed",
	    [CHECK_FAILED] = "failed",
	    [CHECK_UNDECIDED] = "indeterminate",
	};

	return names[o];
}

/* --- what was seen ------------------------------------------------------------------------ */

void measure_clear(struct measure *m)
{
	*m = (struct measure){.state = STATE_NOT_PROBED, .rtt_us = MEASURE_NO_RTT};
}

/*
 * How much a state tells. Unfiltered is less than an answer that names the state: a stray ACK sent
 * for its own sake leaves open or closed open, which contradicts neither.
 */
static unsigned weight(uint8_t state)
{
	switch ((enum port_state)state) {
	case STATE_NOT_PROBED: return 0;
	case STATE_INDETERMINATE: return 1;
	case STATE_FILTERED:
	case STATE_OPEN_FILTERED: return 2;
	case STATE_UNFILTERED: return 3;
	default: return 4;
	}
}

static bool is_measured(uint8_t state)
{
	return weight(state) > weight(STATE_INDETERMINATE);
}

/* Who is gone may have come back: any answer, or silence, tells more. */
static unsigned weight_of(const struct measure *m)
{
	return m->bits & MEASURE_GONE ? weight(STATE_INDETERMINATE) : weight(m->state);
}

enum { OF_STRAY = MEASURE_ASKED_STRAY | MEASURE_STRAY_DIFFERS | MEASURE_STRAY_CONFIRMED };

static uint8_t small(unsigned n)
{
	return (uint8_t)(n < UINT8_MAX ? n : UINT8_MAX);
}

static uint8_t more(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

static void merge_stray(struct measure *m, const struct measure *again)
{
	unsigned bits = m->bits | (again->bits & OF_STRAY);

	if (!(again->bits & MEASURE_ASKED_STRAY))
		return;
	if (!(m->bits & MEASURE_ASKED_STRAY))
		m->stray = again->stray;
	else if (again->stray == m->stray)
		bits |= MEASURE_STRAY_CONFIRMED;
	else if (m->stray == REACTION_NONE)
		m->stray = again->stray;
	else if (again->stray != REACTION_NONE)
		bits |= MEASURE_STRAY_DIFFERS;
	m->bits = (uint8_t)bits;
	m->stray_tries = more(m->stray_tries, again->stray_tries);
	m->stray_probings = small((unsigned)m->stray_probings + again->stray_probings);
}

/* The state and its evidence are again's; what is counted, and of the stray ACK, is m's. */
static void take_over(struct measure *m, const struct measure *again)
{
	struct measure was = *m;

	*m = *again;
	m->stray = was.stray;
	m->stray_tries = was.stray_tries;
	m->stray_probings = was.stray_probings;
	m->probings = was.probings;
	m->tries = was.tries;
	m->bits = (uint8_t)((again->bits & ~OF_STRAY) | (was.bits & OF_STRAY));
}

/* Both weigh the same. */
static void merge_equal(struct measure *m, const struct measure *again)
{
	if (m->bits & again->bits & MEASURE_GONE)
		m->bits |= MEASURE_CONFIRMED;
	if (weight_of(m) <= weight(STATE_INDETERMINATE))
		return;
	if (again->state == m->state) {
		m->bits =
		    (uint8_t)(m->bits | MEASURE_CONFIRMED | (again->bits & MEASURE_FROM_PATH));
		if (again->rtt_us < m->rtt_us)
			m->rtt_us = again->rtt_us;
	} else if (!(m->bits & MEASURE_DIFFERS)) {
		m->bits |= MEASURE_DIFFERS;
		m->other = again->state;
	}
	if ((again->bits & MEASURE_DIFFERS) && !(m->bits & MEASURE_DIFFERS)) {
		m->bits |= MEASURE_DIFFERS;
		m->other = again->other;
	}
	if (m->bits & MEASURE_DIFFERS)
		m->bits &= (uint8_t)~MEASURE_CONFIRMED;
}

void measure_merge(struct measure *m, const struct measure *again)
{
	unsigned probings = (unsigned)m->probings + again->probings;

	merge_stray(m, again);
	if (weight_of(again) > weight_of(m))
		take_over(m, again);
	else if (weight_of(again) == weight_of(m))
		merge_equal(m, again);
	m->probings = small(probings);
	m->tries = more(m->tries, again->tries);
}

struct expect_asked expect_asked(const struct expectation *x, const struct measure *m)
{
	if (x->kind == EXPECT_LISTEN_RST && m->state == STATE_OPEN &&
	    (m->bits & (MEASURE_ASKED_STRAY | MEASURE_DIFFERS)) == MEASURE_ASKED_STRAY)
		return (struct expect_asked){m->stray_tries, m->stray_probings,
					     m->bits & MEASURE_STRAY_CONFIRMED};
	return (struct expect_asked){m->tries, m->probings, m->bits & MEASURE_CONFIRMED};
}

/* --- judging ------------------------------------------------------------------------------ */

/* The states that it may be in truth. */
static uint32_t may_be(uint8_t state)
{
	switch ((enum port_state)state) {
	case STATE_UNFILTERED:
	case STATE_INCONSISTENT: return BIT(STATE_OPEN) | BIT(STATE_CLOSED);
	case STATE_OPEN_FILTERED: return BIT(STATE_OPEN) | BIT(STATE_FILTERED);
	default: return BIT(state);
	}
}

static enum check_outcome judge_state(uint32_t wanted, uint8_t state)
{
	uint32_t states = may_be(state);

	if (!is_measured(state))
		return CHECK_UNDECIDED;
	if ((wanted & BIT(state)) || (wanted & states) == states)
		return CHECK_PASSED;
	return wanted & states ? CHECK_UNDECIDED : CHECK_FAILED;
}

static enum check_outcome judge_states(uint32_t wanted, const struct measure *m)
{
	enum check_outcome first = judge_state(wanted, m->state);

	/* nothing is open there; whether it would be closed or silent nobody knows */
	if (m->bits & MEASURE_GONE)
		return wanted == BIT(STATE_OPEN) ? CHECK_FAILED : CHECK_UNDECIDED;
	if ((m->bits & MEASURE_RATIONED) && first == CHECK_FAILED && (wanted & BIT(STATE_REJECTED)))
		return CHECK_UNDECIDED;
	if (!(m->bits & MEASURE_DIFFERS))
		return first;
	return judge_state(wanted, m->other) == first ? first : CHECK_UNDECIDED;
}

/* Of a port that is as wanted: only what accepts has the round trip that `within` limits. */
static enum check_outcome judge_within(const struct expectation *x, const struct measure *m)
{
	if (!x->within_ns || (m->state != STATE_OPEN && m->state != STATE_SUSPECT))
		return CHECK_PASSED;
	if (m->rtt_us == MEASURE_NO_RTT)
		return CHECK_UNDECIDED;
	return m->rtt_us * UINT64_C(1000) > x->within_ns ? CHECK_FAILED : CHECK_PASSED;
}

/* Of a port that is open. */
static enum check_outcome judge_stray(const struct measure *m)
{
	if (!(m->bits & MEASURE_ASKED_STRAY) || (m->bits & MEASURE_STRAY_DIFFERS))
		return CHECK_UNDECIDED;
	return m->stray == REACTION_RST_SEQ_FROM_ACK ? CHECK_PASSED : CHECK_FAILED;
}

enum check_outcome expect_judge_port(const struct expectation *x, const struct measure *m)
{
	bool listen_rst = x->kind == EXPECT_LISTEN_RST;
	enum check_outcome o = judge_states(listen_rst ? BIT(STATE_OPEN) : x->bits, m);

	if (o != CHECK_PASSED)
		return o;
	return listen_rst ? judge_stray(m) : judge_within(x, m);
}

enum check_outcome expect_judge_style(const struct expectation *x, enum reset_style style)
{
	if (x->bits & BIT(style))
		return CHECK_PASSED;
	return style == STYLE_UNKNOWN ? CHECK_UNDECIDED : CHECK_FAILED;
}
