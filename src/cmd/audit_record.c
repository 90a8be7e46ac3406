/*
 * audit_record: asks as a scan does, and writes what a policy would have to say to find the same.
 * The words are engine/policy_record's.
 */
#include "config.h"

#include "cmd/audit_record.h"

#include "cmd/sweeping.h"

int audit_record_ask(struct run *r)
{
	struct scan_options *o = &r->o;

	for (size_t i = 0; i < o->n_record; i++)
		o->targets[i] = o->record[i];
	o->n_targets = o->n_record;
	return ask_make(&r->ask);
}

void audit_record_run(struct run *r, int32_t today)
{
	(void)r;
	(void)today;
}
