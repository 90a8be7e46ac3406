/*
 * expect: what a policy may demand of a port or of a host, what several probings of it come to, and
 * whether that fulfils the demand. Pure; the language around it is engine/policy's.
 *
 * A demand fails only on evidence: what could not be measured, and what showed two faces, is
 * undecided, never failed and never passed.
 */
#ifndef JUDGE_EXPECT_H
#define JUDGE_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/reaction.h"
#include "judge/reset_style.h"
#include "judge/verdict.h"

/* --- demands ---------------------------------------------------------------------------------- */

enum expect_kind {
	EXPECT_STATE,
	EXPECT_LISTEN_RST, /* a stray ACK to the listener must draw a RST (RFC 9293, 3.10.7.2) */
	EXPECT_STYLE,
};

enum { EXPECT_WORDS_MAX = 6 };

struct expectation {
	enum expect_kind kind;
	uint32_t bits;	    /* of EXPECT_STATE enum port_state, of EXPECT_STYLE enum reset_style */
	uint64_t within_ns; /* the SYN-ACK's round trip at most; 0: any */
	/* As the policy says it: "closed", "blocked". Of the table; not owned. */
	const char *words[EXPECT_WORDS_MAX];
	size_t n_words;
};

/* The words of a policy with the states that they stand for: those of rstprobe(1) but for
 * indeterminate and not-probed, and silent, blocked, not-open. NULL behind the last. */
const char *expect_state_word(size_t i);
const char *expect_style_word(size_t i);
/* Adds one more word ("or"); false where it is none, is there already, or is one too many. */
bool expect_add(struct expectation *x, const char *word);
/* "open within 200ms", "closed or blocked", "listen-rst", "style rst" */
const char *expect_text(const struct expectation *x, char *buf, size_t cap);

/* A demand that ends in fewer days than these is told beforehand. */
enum { EXPECT_SOON_DAYS = 14 };

enum severity_level { LEVEL_CRITICAL, LEVEL_WARNING, LEVEL_INFO, LEVELS };
const char *level_name(enum severity_level l);		     /* "critical" */
int level_parse(const char *word, enum severity_level *out); /* -1 */

/* --- what was seen ---------------------------------------------------------------------------- */

#define MEASURE_NO_RTT UINT32_MAX

enum {
	MEASURE_ASKED_STRAY = 1,    /* an ACK was sent */
	MEASURE_DIFFERS = 2,	    /* two probings drew different answers: `other` */
	MEASURE_CONFIRMED = 4,	    /* a second probing drew the same */
	MEASURE_FROM_PATH = 8,	    /* clues say that another box sent the RST */
	MEASURE_STRAY_DIFFERS = 16, /* two ACKs drew different answers: `stray` is the first */
	/* The link or a router says that nobody has the address: nothing is open there, and what a
	 * firewall would do is not known. */
	MEASURE_GONE = 32,
	/* Silent, where the host or a box before it rations its ICMP errors: it may reject. */
	MEASURE_RATIONED = 64,
	MEASURE_STRAY_CONFIRMED = 128, /* as MEASURE_CONFIRMED, of the ACK */
};

/* One port, by all probings of it. Zero-initialised with STATE_NOT_PROBED: nothing yet. */
struct measure {
	const char *reason; /* of the verdict; static text */
	uint32_t rtt_us;    /* the least; MEASURE_NO_RTT */
	uint16_t from;	    /* 0: the target; else 1 + place in a table of whoever keeps these */
	uint8_t state;	    /* enum port_state */
	uint8_t other;	    /* MEASURE_DIFFERS: the second state */
	uint8_t reaction;   /* enum reaction that decided */
	uint8_t stray;	    /* enum reaction to the ACK */
	uint8_t icmp_type, icmp_code;
	uint8_t ttl;   /* of the deciding reply; 0: none */
	uint8_t tries; /* most of a probing */
	uint8_t probings;
	uint8_t stray_tries, stray_probings; /* of the ACK */
	uint8_t bits;
};

void measure_clear(struct measure *m);
/*
 * A further probing from another source port. An answer outweighs silence, and anything outweighs
 * what was not measured; two different answers stay side by side (MEASURE_DIFFERS). Where only the
 * ACK was asked again the state may stay STATE_NOT_PROBED. `from` is taken over as it is.
 */
void measure_merge(struct measure *m, const struct measure *again);

/* How often that was asked by which the demand is judged: of LISTEN_RST at a listener the ACK. */
struct expect_asked {
	unsigned tries, probings;
	bool confirmed;
};
struct expect_asked expect_asked(const struct expectation *x, const struct measure *m);

enum check_outcome { CHECK_PASSED, CHECK_FAILED, CHECK_UNDECIDED, CHECK_OUTCOMES };
const char *check_outcome_name(enum check_outcome o); /* "passed", "failed", "indeterminate" */

/* Of a port. LISTEN_RST fails where the port does not listen. */
enum check_outcome expect_judge_port(const struct expectation *x, const struct measure *m);
/* Of a host's reset style; unknown is undecided, unless it is demanded. */
enum check_outcome expect_judge_style(const struct expectation *x, enum reset_style style);

#endif
