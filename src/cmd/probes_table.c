/* probes_table: how the options of `probes` are spelled. What they do is in probes. */
#include "cmd/probes_table.h"

static const struct option_row rows[] = {
    OPTION_ROW("format", NULL, NULL, "FORMAT", "Options", "text or json (default: text)",
	       OPTION_FORMAT),
    OPTION_ROW("help", "h", NULL, NULL, "Options", "this text", OPTION_HELP),
};

const struct option_table probes_table = {
    "probes",
    "[PROBE...] [options]",
    "Which probes are there, and what does each reply mean? Words name the probes to show.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    0,
    NULL};
