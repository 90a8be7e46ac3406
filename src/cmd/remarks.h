/*
 * remarks: what a run has found out in the end, by the segment that it is about: a port's state, a
 * try's, a hop's answer, a cell, a finding. Heard from the records of the run; it knows no frames.
 */
#ifndef CMD_REMARKS_H
#define CMD_REMARKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "judge/pairs.h"
#include "report/report.h"

enum {
	REMARKS_MAX = 1 << 19, /* segments or ports; of more, the first are known */
	REMARK_TEXT = 256,     /* bytes that any remark fits in */
};

struct remarks;

struct remarks *remarks_new(void); /* NULL: no memory */
void remarks_free(struct remarks *r);
/* A report that listens and writes nothing; closing it frees nothing. Borrowed. */
struct report *remarks_report(struct remarks *r);

/* What is known of a segment, or else of the port; nothing where nothing is. `frame` is its number
 * in the file, from 1. */
void remarks_put(const struct remarks *r, const struct paired *p, uint64_t frame, struct text *to);

#endif
