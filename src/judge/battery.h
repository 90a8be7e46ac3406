/*
 * battery: the cells that `stack` fills, as a table: in which state of the peer which segment is
 * put, and how that state is reached. What must come back is in rfc9293, what it says of the stack
 * in stack. Adding a cell is a row here.
 */
#ifndef JUDGE_BATTERY_H
#define JUDGE_BATTERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/rfc9293.h"

/* Where SEG.SEQ comes from. Every other number is against the connection of the talk. */
enum form_seq {
	FORM_SEQ_RANDOM,
	FORM_SEQ_NXT,	  /* RCV.NXT of the peer */
	FORM_SEQ_WINDOW,  /* RCV.NXT + 1: in its window, not exact */
	FORM_SEQ_OUTSIDE, /* RCV.NXT + 3 x 2^29: in nobody's window */
	FORM_SEQ_OLD,	  /* RCV.NXT - 1: acknowledged already */
};

enum form_ack {
	FORM_ACK_RANDOM, /* never 0; set in the field also without the ACK bit: stacks show it */
	FORM_ACK_NXT,	 /* SND.NXT of the peer: right */
	FORM_ACK_UNSENT, /* SND.NXT + 100,000 */
	FORM_ACK_OLD,	 /* SND.NXT - 2^30 */
};

/* A segment to be: its numbers are filled in when it is sent. */
struct form {
	const char *name;
	uint16_t flags;
	uint8_t payload_len;
	bool options; /* a SYN's: mss, sackOK, TS, nop, wscale; else TS where the connection has it
		       */
	enum form_seq seq;
	enum form_ack ack;
};

struct cell {
	enum tcp_state state; /* of the peer */
	const struct form *form;
	enum rfc_segment segment;
};

/* LISTEN's, then CLOSED's with the same forms in the same order, then the connections'. */
enum {
	BATTERY_STRAY = 20, /* forms put to LISTEN and to CLOSED */
	BATTERY_MAX = 80,
};
extern const struct cell battery[];
extern const size_t battery_count;
extern const struct form stray_forms[BATTERY_STRAY];

/* Index into `battery`, or -1 where there is no such cell. */
int battery_find(enum tcp_state state, const char *form);
static inline size_t battery_stray(enum tcp_state state, size_t form)
{
	return form + (state == IN_CLOSED ? BATTERY_STRAY : 0);
}

#endif
