/*
 * interrogate: the program of `stack`: in which order one host is asked, what is asked again after
 * silence, when to slow down, and when a control has failed so that the rest needs no asking. Pure
 * but for the clock it is told.
 */
#ifndef ENGINE_INTERROGATE_H
#define ENGINE_INTERROGATE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/script.h"
#include "judge/stack.h"

struct interrogation;

struct interrogate_config {
	uint8_t family;
	/* Ports that may be open, likeliest first; borrowed. The first that accepts is used. */
	const uint16_t *candidates;
	size_t n_candidates;
	const uint16_t *closed; /* known to answer with a RST (scan), or told; may be empty */
	size_t n_closed;
	uint64_t seed;	  /* of the canaries */
	uint64_t pace_ns; /* the script's; slowed down from there. 0: SCRIPT_PACE_NS */
};

struct interrogation *interrogate_new(const struct interrogate_config *c); /* NULL: no memory */
void interrogate_free(struct interrogation *i);
void interrogate_missed(struct interrogation *i); /* the capture has lost packets */
const struct stack_facts *interrogate_facts(const struct interrogation *i); /* borrowed */
enum run_end interrogate_end(const struct interrogation *i); /* how it ended for this host */

/* Its callbacks take a struct interrogation as host_ctx. `over` is called by script_run; the caller
 * reads the facts then, or after the run. */
extern const struct script_program interrogate_program;

#endif
