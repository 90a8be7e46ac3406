/* policy_record_private: what policy_record knows of hosts, for policy_record_put, which writes it.
 */
#ifndef ENGINE_POLICY_RECORD_PRIVATE_H
#define ENGINE_POLICY_RECORD_PRIVATE_H

#include <stddef.h>

#include "engine/policy_private.h"
#include "engine/policy_record.h"

struct state_run {
	uint16_t first, last;
	uint8_t state; /* enum port_state */
};

struct seen_host {
	struct addr addr;
	char *name; /* NULL */
	size_t order;
	bool up, gone; /* gone: the link or a router says that nobody has the address */
	enum reset_style style;
	struct state_run *runs; /* once joined ascending, one per stretch of one state */
	size_t n_runs, cap_runs;
};

/* Hosts of one picture, ascending. */
struct seen_group {
	const struct seen_host **hosts;
	size_t n, cap;
	char name[POLICY_NAME_MAX + 1];
};

struct policy_record {
	struct seen_host *hosts;
	size_t n_hosts, cap_hosts, n_joined;
	struct seen_group *groups;
	size_t n_groups, cap_groups;
	bool no_memory, incomplete;
	char why[256];
};

void policy_record_put(struct policy_record *w, const struct policy_record_how *how);

#endif
