/* tries: `scan --count`: a few ports, tried again and again. */
#ifndef CMD_TRIES_H
#define CMD_TRIES_H

#include "cmd/run.h"

/* The rest of a scan that is begun; its status is in `r`. */
void tries_run(struct run *r);

#endif
