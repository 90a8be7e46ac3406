/*
 * scan_options: what the words after `scan`, `stack`, `trace` or `provoke` ask for, parsed and
 * checked, nothing opened or resolved.
 */
#ifndef CMD_SCAN_OPTIONS_H
#define CMD_SCAN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "cmd/options.h"
#include "cmd/outputs.h"
#include "judge/probe.h"
#include "judge/provoke.h"
#include "judge/trace.h"
#include "judge/verdict.h"
#include "packet/options.h"
#include "wire/way.h"

enum { THREADS_MAX = 64, RETRY_FAILED_MAX = 5 };

struct scan_options {
	/* what: borrowed from argv */
	const char **targets;
	size_t n_targets;
	const char *targets_file; /* -iL; "-" stdin; NULL */
	const char *exclude, *exclude_file;
	const char *ports; /* -p, NULL: the default list */
	bool yes, first_only, numeric;
	bool stack; /* the command stack, or --stack of scan */
	int family; /* 0, ADDR_V4, ADDR_V6 */
	/* how */
	const struct probe *kinds[PROBE_KINDS_MAX];
	size_t n_kinds;
	struct probe custom; /* --flags: kinds[] may point here */
	bool has_seq, has_ack, has_win, has_data;
	uint32_t seq, ack;
	uint16_t win;
	uint8_t data[1024];
	uint16_t data_len;
	enum syn_layout syn_layout;
	const char *user; /* --user; NULL: the usual one */
	const char *ifname;
	bool has_source;
	struct addr source;
	uint16_t source_port;		  /* 0: ours to choose */
	uint8_t ttl;			  /* 0: 64 */
	double rate;			  /* 0 auto, INFINITY max; of stack: a host, 0: 20 */
	int retries;			  /* -1 auto */
	uint64_t timeout_ns, deadline_ns; /* deadline 0: none */
	bool has_seed, in_order, no_skip_dead;
	uint64_t seed;
	uint64_t shard, shards; /* --shard I/N; 1/1: all */
	const char *resume;	/* the file, whose words stand in argv already (cmd/resume) */
	unsigned threads;	/* 1 .. THREADS_MAX */
	enum tx tx;
	/* bit per enum port_state, of trace per enum trace_end; 0: nothing expected */
	uint32_t expect;
	/* trace */
	unsigned flows;
	uint8_t first_ttl, max_ttl;
	/* provoke */
	enum scenario scenario; /* SCENARIOS: none was named */
	const char *http;	/* the path to ask for; NULL */
	bool has_bytes;
	uint64_t bytes;		     /* how many octets follow the payload, or are its body */
	uint64_t hold_ns;	     /* 0: the scenario's own */
	const char *expect_findings; /* their ids; NULL: nothing expected */
	/* scan --count; 0: not asked */
	uint64_t count, interval_ns;
	/* audit: `targets` are policies */
	bool check_only;
	const char **record; /* --record */
	size_t n_record;
	unsigned retry_failed;
	bool dry_run;
	/* output */
	bool show_all, show_given;
	uint32_t show; /* bit per enum port_state */
	struct outputs out;
	const char *write_pcap;
	int verbosity; /* -1 -q, 0, 1 -v, 2 -vv */
	bool no_progress;
	uint64_t stats_every_ns;
};

/* 0; 1 where -h was asked and printed; -1 with `e` (one line naming the word and the fix). */
int scan_options_parse(struct scan_options *o, const struct option_table *table, int argc,
		       char **argv, struct err *e);
/* Is `id` an item of the list `o->expect_findings`? True where nothing is expected. */
bool scan_options_expects(const struct scan_options *o, const char *id);
/* The words of --tx, from 0; NULL behind the last. */
const char *scan_tx_word(size_t i);
/* The findings that a scenario may have, each once, with `between` between them. */
void scan_put_findings(struct text *t, enum scenario scenario, const char *between);
void scan_options_free(struct scan_options *o);

#endif
