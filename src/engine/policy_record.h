/*
 * policy_record: writes a policy that demands what a sweep has seen (`audit --record`), as a person
 * would write it. It takes records and gives lines; where they go is the caller's.
 */
#ifndef ENGINE_POLICY_RECORD_H
#define ENGINE_POLICY_RECORD_H

#include <stdint.h>

#include "base/err.h"
#include "judge/record.h"

struct policy_record;

struct policy_record *policy_record_new(void); /* NULL: no memory */
void policy_record_free(struct policy_record *w);

/*
 * Takes host_begin, port and summary of a sweep, whose enumerate_silent has to be on: which ports
 * were asked is known from their records alone.
 */
struct record_sink policy_record_sink(struct policy_record *w);

struct policy_record_how {
	int32_t today;	  /* days since 1970-01-01, for the first line */
	const char *what; /* the targets as typed, for the first line; NULL */
	/* Each line, without its end. */
	void (*put)(void *ctx, const char *line);
	void *ctx;
};

/* Once, when the sweep is over. -1 with `e`: memory was out, and what was written is not all. */
int policy_record_write(struct policy_record *w, const struct policy_record_how *how,
			struct err *e);

#endif
