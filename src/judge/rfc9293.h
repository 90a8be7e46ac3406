/*
 * rfc9293: what RFC 9293, 3.10.7 (and RFC 5961 beside it) asks of a TCP that gets a segment in a
 * state, as a table. `stack`, `probes` and `explain` read the same rows; nobody else states them.
 */
#ifndef JUDGE_RFC9293_H
#define JUDGE_RFC9293_H

#include <stddef.h>
#include <stdint.h>

#include "judge/reaction.h"

/* RFC 9293, 3.3.2. CLOSED is the state of having no connection. */
enum tcp_state {
	IN_CLOSED,
	IN_LISTEN,
	IN_SYN_SENT,
	IN_SYN_RECEIVED,
	IN_ESTABLISHED,
	IN_FIN_WAIT_1,
	IN_FIN_WAIT_2,
	IN_CLOSE_WAIT,
	IN_CLOSING,
	IN_LAST_ACK,
	IN_TIME_WAIT,
	IN_STATES,
};
const char *tcp_state_name(enum tcp_state s); /* "LISTEN", "SYN-RECEIVED" ... */

/* What about a segment decides its fate. The first five are seen in CLOSED and LISTEN, where no
 * number can be right; the others against RCV.NXT, RCV.WND and SND.NXT of a connection. */
enum rfc_segment {
	RFC_RST,	   /* RST set, whatever else */
	RFC_ACK,	   /* ACK, no RST */
	RFC_SYN,	   /* SYN; neither RST nor ACK nor FIN; with or without data */
	RFC_SYN_FIN,	   /* SYN and FIN; neither RST nor ACK */
	RFC_BARE,	   /* none of RST, ACK, SYN */
	RFC_RST_EXACT,	   /* RST, SEG.SEQ = RCV.NXT */
	RFC_RST_IN_WINDOW, /* RST, RCV.NXT < SEG.SEQ < RCV.NXT + RCV.WND */
	RFC_RST_OUTSIDE,   /* RST, SEG.SEQ outside the window */
	RFC_SYN_IN_WINDOW,
	RFC_ACK_UNSENT,	  /* SEG.ACK > SND.NXT */
	RFC_DATA_OLD_ACK, /* data, SEG.ACK < SND.UNA - MAX.SND.WND (RFC 5961, 5) */
	RFC_NO_ACK,	  /* data or FIN in the window, ACK bit off */
	RFC_SEGMENTS,
};

enum rfc_level { RFC_MUST, RFC_SHOULD, RFC_MAY };
const char *rfc_level_name(enum rfc_level l); /* "must", "should", "may" */

/* What is left of the connection, and of the octets that the segment brought. */
enum rfc_after {
	AFTER_UNKNOWN,	/* not asked, or no answer to the question */
	AFTER_ALIVE,	/* the connection stands; data were refused, or there were none */
	AFTER_GONE,	/* it is no more */
	AFTER_ACCEPTED, /* it stands, and the octets or the FIN were taken */
};
const char *rfc_after_name(enum rfc_after a); /* "unknown", "alive", "gone", "accepted" */

struct rfc_row {
	uint16_t states; /* bit per enum tcp_state */
	enum rfc_segment segment;
	enum reaction expect;
	enum rfc_after after; /* AFTER_UNKNOWN: not said, anything goes */
	enum rfc_level level;
	const char *clause;   /* "9293 3.10.7.2 second" */
	const char *required; /* the rule in a few own words */
	const char *deviates; /* stacks known to do otherwise; "" where none is known */
};

extern const struct rfc_row rfc_rows[];
extern const size_t rfc_row_count;

/* The row for it; NULL where the table says nothing. At most one row matches: a test counts. */
const struct rfc_row *rfc_find(enum tcp_state state, enum rfc_segment segment);

#endif
