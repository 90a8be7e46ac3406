/*
 * explain_options: what the words after `explain` ask for, parsed and checked, nothing opened.
 */
#ifndef CMD_EXPLAIN_OPTIONS_H
#define CMD_EXPLAIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "cmd/flow_expr.h"
#include "cmd/outputs.h"
#include "judge/cause.h"

enum { EXPLAIN_FLOWS_ASKED = 16, EXPLAIN_FILES_MAX = 60000 };

enum kernel_wish { KERNEL_WHERE_IT_WORKS, KERNEL_NEEDED, KERNEL_NOT_ASKED };

struct explain_options {
	/* what to read: borrowed from argv */
	const char **files;
	size_t n_files;
	const char *ifname; /* NULL: files */
	const char *filter;
	const char *user; /* --user; NULL: the usual one */
	enum kernel_wish kernel;
	bool separate, join;
	uint64_t max_flows; /* 0: as usual */
	uint64_t count;	    /* 0: no end */
	uint64_t deadline_ns;
	/* what to tell */
	bool all, summary;
	bool by_cause; /* else every cause */
	bool causes[CAUSES];
	struct flow_expr flows[EXPLAIN_FLOWS_ASKED];
	size_t n_flows; /* 0: every flow */
	bool fail_cause[CAUSES], fail_severity[SEVERITIES];
	struct outputs out;
	const char *write_pcap;
	int verbosity; /* -1 -q, 0, 1 -v, 2 -vv */
	bool numeric, no_progress;
	uint64_t stats_every_ns;
};

/* 0; 1 where -h was asked and printed; -1 with `e` (one line naming the word and the fix). */
int explain_options_parse(struct explain_options *o, int argc, char **argv, struct err *e);
void explain_options_free(struct explain_options *o);

#endif
