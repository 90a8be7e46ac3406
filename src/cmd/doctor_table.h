/* doctor_table: the options of `doctor`, as the table that parser, --help and completion share. */
#ifndef CMD_DOCTOR_TABLE_H
#define CMD_DOCTOR_TABLE_H

#include "cmd/options.h"

enum doctor_option_id {
	DOCTOR_OPTION_IPV4 = OPTION_OWN,
	DOCTOR_OPTION_IPV6,
	DOCTOR_OPTION_INTERFACE,
	DOCTOR_OPTION_PORT,
	DOCTOR_OPTION_VERBOSE,
	DOCTOR_OPTION_QUIET,
};

extern const struct option_table doctor_table;

#endif
