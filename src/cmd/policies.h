/* policies: the files of `audit` become a policy, and what it asks. The only part of it that reads
 * files or asks the resolver. */
#ifndef CMD_POLICIES_H
#define CMD_POLICIES_H

#include "cmd/ask.h"
#include "engine/policy.h"

/* Reads the files named by o->targets ("-" is stdin). Errors are printed; -1, and a->status, where
 * the policy can't be used. Names that are unknown spoil their checks alone. */
int policies_read(struct policy *p, struct ask *a);
/* Lines that are no longer in force, and if `ending` those that will soon not be, in words. */
void policies_tell_dates(const struct policy *p, int32_t today, bool ending,
			 void (*say)(void *ctx, const char *text), void *ctx);

#endif
