/* probes_table: the options of `probes`, as the table that parser, --help and completion share. */
#ifndef CMD_PROBES_TABLE_H
#define CMD_PROBES_TABLE_H

#include "cmd/options.h"

extern const struct option_table probes_table;

#endif
