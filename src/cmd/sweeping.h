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
/* Holds `n` source ports, or those of -g: `c->sport_first`, and `r->hold`. */
int sweeping_hold(struct run *r, struct sweep_config *c, unsigned n);

#endif
