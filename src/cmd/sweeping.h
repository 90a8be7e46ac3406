/* sweeping: from options to the config of a sweep, as far as scan and audit have it alike. */
#ifndef CMD_SWEEPING_H
#define CMD_SWEEPING_H

#include "cmd/run.h"
#include "engine/sweep.h"

/* Space, kinds, segments, pace and order. Source ports, evidence and what is the command's own are
 * left to it. */
void sweeping_configure(const struct run *r, struct sweep_config *c);
/* A dry run: no randomness but the seed's, one try, no waiting. */
void sweeping_make_dry(const struct run *r, struct sweep_config *c);
/*
 * Phase 1 of run.h: everything that needs privilege, or the invoking user's rights on files.
 * `ports` says how many source ports, quiet ones and connections are wanted; which they are, and
 * the lanes, come of it.
 */
int sweeping_open(struct run *r, struct sweep_config *c, struct run_ports *ports,
		  uint64_t expected_replies);

#endif
