/*
 * join: the same flows captured at both ends (explain --join). Keeps, of flows that have findings,
 * what each end saw; aligns the clocks by the packets that both saw; says which RST one end sent
 * and the other never got, which RST nobody sent, and which segments never arrived.
 */
#ifndef JUDGE_JOIN_H
#define JUDGE_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/finding.h"
#include "packet/decode.h"

enum join_end { JOIN_CLIENT, JOIN_SERVER }; /* the first file, the second */

struct join;

struct join *join_new(size_t packets_max); /* NULL: no memory */
void join_free(struct join *j);
/* First reading, of both files: notes the flow of each finding. */
void join_note_finding(struct join *j, const struct finding *f);
bool join_wants(const struct join *j, const struct packet *p); /* is its flow one of those? */
/* Second reading of both files: when anything was captured, so that what is missing is missed only
 * while that end was listening (packets that are passed on below count by themselves) ... */
void join_heard(struct join *j, enum join_end end, uint64_t wall_ns);
/* ... and every packet of such a flow. */
void join_packet(struct join *j, enum join_end end, uint64_t wall_ns, uint32_t frame,
		 const struct packet *p);
/* After both. False where the captures share no packet: they are not of the same flows. */
bool join_align(struct join *j);
int64_t join_offset_ns(const struct join *j); /* server's clock - client's */

struct joined {
	bool known; /* both captures can tell: which end is whose, and that both were running */
	/* Not sent here, and no doubt: that capture went on after it, and missed nothing else. */
	bool certain;
	bool sent_here;			   /* X's own end sent it */
	bool arrived;			   /* Y's end got it */
	uint32_t other_frame;		   /* of the same RST in the other file; 0: not there */
	uint32_t lost_from_x, lost_from_y; /* segments of the flow that never arrived, no RSTs */
	uint32_t first_lost_frame;	   /* in its sender's file; 0: none */
};
/* What both ends together say of a RST found in the file of `end`. */
void join_tell(const struct join *j, enum join_end end, const struct finding *f,
	       struct joined *out);
/* What follows for the finding: a RST that its end never sent is a third party's (cause, origin,
 * clues); one that never arrived was lost (outcome). */
void join_apply(const struct joined *t, struct finding *f);

#endif
