/* probes_table: how the options of `probes` are spelled. What they do is in probes. */
#include "cmd/probes_table.h"

static const struct option_row rows[] = {
    {"format", NULL, NULL, "FORMAT", "Options", "text or json (default: text)", PROBES_FORMAT, NULL,
     NULL, 0},
    {"help", "h", NULL, NULL, "Options", "this text", PROBES_HELP, NULL, NULL, 0},
};

const struct option_table probes_table = {
    "probes",
    "[PROBE...] [options]",
    "Which probes are there, and what does each reply mean? Words name the probes to show.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    0,
    NULL};
