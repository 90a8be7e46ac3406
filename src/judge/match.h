/*
 * match: is this packet the answer to that probe, and how did the stack react?
 * The two questions are kept apart: `fit` says whether it is ours, `reaction` what it means.
 */
#ifndef JUDGE_MATCH_H
#define JUDGE_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/reaction.h"
#include "packet/decode.h"

/* What we sent on the 4-tuple, as far as an answer can show it. */
struct sent {
	uint32_t seq, ack; /* the fields, whether or not the ACK bit was set */
	uint16_t flags;
	uint32_t len; /* SEG.LEN */
};

enum fit {
	FIT_NONE,  /* not an answer to it: foreign */
	FIT_TUPLE, /* addresses and ports fit, the numbers do not: anybody may have sent it */
	FIT_EXACT, /* carries a number that only who saw our segment can know */
};

/*
 * `p` is a TCP segment on the reversed 4-tuple of the probe, or an ICMP error that quotes the
 * 4-tuple: the caller has looked at addresses and ports. Fills `r` unless FIT_NONE.
 * A probe with ACK shows its number in RST.SEQ; one without shows SEG.SEQ in RST.ACK - SEG.LEN,
 * where some stacks forget to count the FIN, or the data: 0 to SEG.LEN fit (RFC 9293, 3.5.2).
 */
enum fit match_reply(const struct sent *s, const struct packet *p, enum reaction *r);

/*
 * A RST that our kernel drops, as its checksum is wrong: no evidence of anything, be it broken on
 * the way or sent to deceive who looks. Others than RSTs may have been merged by a card that left
 * the first one's checksum; and what never saw a wire, and so has none, is believed.
 */
bool match_is_broken(const struct packet *p);

#endif
