/* scan_table: the options of the commands that send, as the tables that parser, --help and manual
 * share. */
#ifndef CMD_SCAN_TABLE_H
#define CMD_SCAN_TABLE_H

#include "cmd/options.h"

enum scan_option_id {
	ID_PORTS = OPTION_OWN,
	ID_TARGETS,
	ID_EXCLUDE,
	ID_EXCLUDE_FILE,
	ID_FAMILY,
	ID_FIRST,
	ID_NUMERIC,
	ID_YES,
	ID_PROBE,
	ID_FLAGS,
	ID_SEQ,
	ID_ACK,
	ID_WIN,
	ID_DATA,
	ID_DATA_STRING,
	ID_DATA_FILE,
	ID_SYN_OPTIONS,
	ID_INTERFACE,
	ID_SOURCE,
	ID_SOURCE_PORT,
	ID_TTL,
	ID_RATE,
	ID_RETRIES,
	ID_TIMEOUT,
	ID_DEADLINE,
	ID_SEED,
	ID_IN_ORDER,
	ID_SHARD,
	ID_RESUME,
	ID_THREADS,
	ID_TX,
	ID_NO_SKIP_DEAD,
	ID_STACK,
	ID_COUNT,
	ID_INTERVAL,
	ID_FLOWS,
	ID_FIRST_TTL,
	ID_MAX_TTL,
	ID_HTTP,
	ID_BYTES,
	ID_HOLD,
	ID_CHECK,
	ID_RECORD,
	ID_RETRY_FAILED,
	ID_DRY_RUN,
	ID_EXPECT,
	ID_SHOW,
	ID_WRITE_PCAP,
	ID_VERBOSE,
	ID_QUIET,
	ID_NO_PROGRESS,
	ID_STATS_EVERY,
	IDS
};

/* The scenarios of `provoke`, one a line with its question. */
void scan_put_scenarios(FILE *f);

extern const struct option_table scan_table, stack_table, trace_table, provoke_table, audit_table;

#endif
