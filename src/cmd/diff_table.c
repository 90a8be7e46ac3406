/*
 * diff_table: how the options of `diff` are spelled and what --help says of them. What they do is
 * in diff_options.
 */
#include "cmd/diff_table.h"

#define WHAT "What to compare"
#define OUTPUT "What to write"
#define OTHER "Others"

static const struct option_row rows[] = {
    OPTION_ROW("new", NULL, NULL, NULL, WHAT,
	       "files before it are one result, those behind it the other: part-*.json --new "
	       "now/*.json",
	       DIFF_NEW),
    OPTION_ROW("by-vantage", NULL, NULL, NULL, WHAT,
	       "each result was measured from elsewhere: which ports depend on where one looks "
	       "from?",
	       DIFF_BY_VANTAGE),
    OPTION_ROW(
	"only", NULL, NULL, "KINDS", WHAT,
	"tell and count these alone, as opened,closed: opened, closed, state, reason, style, "
	"newly-covered, no-longer-covered",
	DIFF_ONLY),
    OPTION_ROW("format", NULL, NULL, "FORMAT", OUTPUT,
	       "text or json, for stdout and -o (default: text)", OPTION_FORMAT),
    OPTION_ROW("output", "o", NULL, "FILE", OUTPUT, "write there and not to stdout; - is stdout",
	       OPTION_OUTPUT),
    OPTION_ROW(NULL, NULL, "-oJ", "FILE", OUTPUT, "write JSON Lines there too; - is stdout",
	       OPTION_OUTPUT_JSON),
    OPTION_ROW(NULL, "v", NULL, NULL, OUTPUT,
	       "every range of ports whole, and the reason of each state", DIFF_VERBOSE),
    OPTION_ROW(NULL, "q", NULL, NULL, OUTPUT, "errors only on stderr", DIFF_QUIET),
    OPTION_ROW("color", NULL, NULL, "WHEN", OUTPUT, "auto, always or never (default: auto)",
	       OPTION_COLOR),
    OPTION_ROW("help", "h", NULL, NULL, OTHER, "this text", OPTION_HELP),
    OPTION_INSTEAD("-oN", "for text in a file use -o FILE"),
    OPTION_INSTEAD("-oX -oC", "diff writes text and JSON: -o FILE with --format, or -oJ FILE"),
    OPTION_INSTEAD("--xml", "diff writes text and JSON: --format json"),
    OPTION_INSTEAD("--text", "text is what diff writes; in a file by -o FILE"),
};

const struct option_table diff_table = {
    "diff",
    "OLD... [--new] NEW... [options]",
    "What changed between two results (JSON Lines of scan, stack or audit), counting only what "
    "both really measured? A directory stands for its *.json and *.jsonl files, as one result.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    0,
    NULL};
