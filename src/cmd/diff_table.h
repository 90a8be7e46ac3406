/* diff_table: the options of `diff`, as the table that parser, --help and manual share. */
#ifndef CMD_DIFF_TABLE_H
#define CMD_DIFF_TABLE_H

#include "cmd/options.h"

enum diff_option_id {
	DIFF_NEW = OPTION_OWN,
	DIFF_BY_VANTAGE,
	DIFF_ONLY,
	DIFF_VERBOSE,
	DIFF_QUIET,
	DIFF_IDS
};

extern const struct option_table diff_table;

#endif
