/* resets: findings of `explain` made by hand, for tests of the renderers: real numbers, no judge.
 */
#ifndef TESTS_RESETS_H
#define TESTS_RESETS_H

#include "judge/finding.h"
#include "judge/record.h"

/* A finding with the ladder that it borrows: not to be copied. */
struct reset {
	struct finding f;
	struct seen ladder[LADDER_MAX];
};

/* 2026-11-20 12:00:00.000042999 */
#define RESETS_START_NS 1795176000000042999U

void reset_refused(struct reset *r);   /* frames 1 and 2; the client is 192.0.2.9:40112 */
void reset_unread(struct reset *r);    /* frame 17, the server's; the kernel has said why */
void reset_half_open(struct reset *r); /* IPv6, silent for 350 s */
void reset_abandoned(struct reset *r); /* the client's RST, 10 ms after its time-out */
/* Forged: a third party's, with text that tries to be markup. */
void reset_injected(struct reset *r);
void reset_benign(struct reset *r);
/* The same, so many frames later. */
void reset_shift(struct reset *r, uint32_t frames);
/* A RST that follows the one of `root`. */
void reset_follower(struct reset *r, const struct reset *root, enum cause cause);

/* The end of a run that told so many of each. */
void resets_summary(struct explain_summary *s, struct explain_record *e);

#endif
