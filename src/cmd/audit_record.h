/* audit_record: `audit --record`: a sweep whose result is written as a policy. */
#ifndef CMD_AUDIT_RECORD_H
#define CMD_AUDIT_RECORD_H

#include "cmd/run.h"

/* Targets of --record become the space. -1 as ask_make. */
int audit_record_ask(struct run *r);
void audit_record_run(struct run *r);
/* The renderer of FORMAT_POLICY. */
struct report *audit_record_new(FILE *f, const struct run_info *run,
				const struct report_style *style);

#endif
