/*
 * stack_run: the battery on a list of hosts: the script driver, the program that asks, the judge,
 * a record for each host as it is over. `stack` and `scan --stack` come here once the wire is open
 * and privilege dropped.
 */
#ifndef CMD_STACK_RUN_H
#define CMD_STACK_RUN_H

#include "cmd/run.h"
#include "engine/script.h"

enum {
	STACK_HOSTS_MAX = 65536,
	STACK_CONNS = 2048,	     /* kernel connections at once, over all hosts */
	STACK_KNOWN_MAX = 8,	     /* ports of a kind that a sweep hands on */
	STACK_CANDIDATES_MAX = 1024, /* ports that one host is asked for, to find an open one */
};

struct stack_host {
	struct addr addr;
	const char *name; /* as the user typed it, or NULL */
	uint16_t path;	  /* index into run.paths */
	const uint16_t *candidates;
	size_t n_candidates;
	const uint16_t *closed; /* known to answer with a RST */
	size_t n_closed;
};

struct stack_job {
	const struct stack_host *hosts;
	size_t n;
	uint16_t sport_first; /* held: stack_sports() of them */
	uint64_t rest_ns;     /* before the first question */
	double rate;	      /* segments/s to one host; 0: SCRIPT_PACE_NS */
	uint64_t deadline_ns; /* of this part; 0: none */
	const struct record_sink *sink;
};

/* How many source ports the battery needs, and how many of them, the last, silenced. */
static inline unsigned stack_sports(void)
{
	return SCRIPT_SPORTS + SCRIPT_QUIET;
}

/*
 * Runs it. `sum` is added to: what was sent and answered, the time, and, where this part was not
 * complete and what came before was, end and why. `*n_up`: hosts that answered. -1 and `e` only
 * where memory or libnet fails at the start.
 */
int stack_run(struct run *r, const struct stack_job *j, struct summary_record *sum, uint64_t *n_up,
	      struct err *e);

/* Prints the segments that LISTEN and CLOSED would get, each host's to its first candidate. */
int stack_dry_run(struct run *r, const struct stack_job *j, struct err *e);

#endif
