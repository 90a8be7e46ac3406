/*
 * origin: who sent this RST: the endpoint whose address it bears, a box in the path, our own
 * kernel, or nobody can tell? One judge for scan, stack, trace and explain: each reads its signs
 * off what it has, and the table here says what they mean together. It never says `endpoint` for
 * certain where a perfect forgery would look the same.
 */
#ifndef JUDGE_ORIGIN_H
#define JUDGE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/cause.h"
#include "judge/exchange.h"
#include "judge/verdict.h"

/* What is seen of a RST; bits. "others": other segments of the same flow, or of the same host. */
enum origin_sign {
	/* it was compared with others, and ... */
	SIGN_COMPARED = 1u << 0,     /* others were there to compare with at all */
	SIGN_DISTANCE = 1u << 1,     /* has come another number of hops */
	SIGN_FAR_DISTANCE = 1u << 2, /* ... 2 hops or more apart */
	SIGN_INITIAL_TTL = 1u << 3,  /* began with another TTL: 64 against 128 */
	SIGN_DF = 1u << 4,	     /* IPv4: DF differs from others */
	SIGN_ACK_BIT = 1u << 5,	     /* two RSTs of one host: one bears the ACK bit */
	SIGN_ACK_RULE = 1u << 6,     /* ... their ack fields are made by different rules */
	/* copied from the segment that drew it */
	SIGN_IP_ID_ECHO = 1u << 7, /* our IP ID, and not 0 */
	SIGN_WIN_ECHO = 1u << 8,   /* our window: some small stacks do so, too */
	SIGN_OPTIONS_ECHO = 1u << 9,
	SIGN_TTL_MIRRORED = 1u << 10, /* arrives with a TTL that goes with ours: trace */
	/* the sender's counter of IP IDs, or of time stamps; 0 is not of the counter and no sign of
	 * a box: Linux and its REJECT put it into a RST that no socket sends */
	SIGN_IP_ID_CONTINUES = 1u << 11,
	SIGN_IP_ID_JUMPS = 1u << 12,
	SIGN_IP_ID_ZERO = 1u << 13,
	/* time, and what else comes */
	SIGN_TOO_FAST = 1u << 14,   /* far below the round trip of the path */
	SIGN_SEQ_STEPS = 1u << 15,  /* several RSTs with stepped numbers */
	SIGN_GOES_ON = 1u << 16,    /* its alleged sender goes on, or sends its SYN-ACK after it */
	SIGN_OTHER_PATH = 1u << 17, /* RST to the ACK from another distance than the SYN-ACK */
	/* of a TTL walk, which outranks the others */
	SIGN_WALK_NEARER = 1u << 18, /* drawn at a TTL at which the target doesn't answer others */
	SIGN_WALK_TARGET = 1u << 19, /* drawn where the target answers others, and not before */
	/* of the sender itself */
	SIGN_LOCAL = 1u << 20,	/* our own address, sent by our own kernel */
	SIGN_KERNEL = 1u << 21, /* the kernel at the sender's end says that it sent it */
	/* of the others: so many, and so much alike, that one path alone is no doubt */
	SIGN_STEADY = 1u << 22,
	SIGNS = 23,
};
const char *origin_sign_name(unsigned bit /* one bit */); /* "distance", "ip-id-echo"; NULL: none */

struct origin_row {
	uint32_t need, lack; /* bits of enum origin_sign */
	enum origin origin;
	enum sureness sure;
	const char *because;
};
extern const struct origin_row origin_rows[];
extern const size_t origin_row_count;

/* The row that decides: the first that fits; the last needs nothing and says ORIGIN_UNKNOWN. */
const struct origin_row *origin_judge(uint32_t signs);
/* A box, and more than possible: who has nothing else to go by names it. */
bool origin_is_box(uint32_t signs);

/* COMPARED and the signs of a distance, of who has hops at hand and no exchange. */
uint32_t origin_signs_of_hops(unsigned hops, unsigned others);

/* The signs of `rst` against another reply of the same host: a RST, drawn by a segment like its
 * own or not, or whatever else the host's stack has sent. Against what is no RST only the distance
 * counts, since many stacks send RSTs with an initial TTL or DF of their own. */
uint32_t origin_signs_of_pair(const struct exchange *rst, const struct exchange *other);
/* ... and against the segment that drew it. */
uint32_t origin_signs_of_echo(const struct exchange *rst);
/* What was copied, as the clues COPIED, RST_COPIES and TRACE_COPIED tell it: bits. */
enum copied { COPIED_IP_ID = 1, COPIED_WIN = 2, COPIED_OPTIONS = 4 };
uint32_t origin_copied(uint32_t signs);

#endif
