/*
 * diff_table: how the options of `diff` are spelled and what --help says of them. What they do is
 * in diff_options.
 */
#include "cmd/diff_table.h"

#define WHAT "Which changes"
#define OUTPUT "What to write"
#define OTHER "Others"

/* Columns of ROW: long, letters, tokens, argument, group, help, id. */
#define ROW(...)                                                                                   \
	{                                                                                          \
		__VA_ARGS__, NULL, NULL, 0                                                         \
	}
#define REFUSED(tokens, instead)                                                                   \
	{                                                                                          \
		NULL, NULL, tokens, NULL, OTHER, NULL, OPTION_REFUSED, NULL, instead, 0            \
	}
static const struct option_row rows[] = {
    ROW("only", NULL, NULL, "KINDS", WHAT,
	"tell and count these alone, as opened,closed: opened, closed, state, reason, style, "
	"newly-covered, no-longer-covered",
	DIFF_ONLY),
    ROW("format", NULL, NULL, "FORMAT", OUTPUT, "text or json, for stdout and -o (default: text)",
	DIFF_FORMAT),
    ROW("output", "o", NULL, "FILE", OUTPUT, "write there and not to stdout; - is stdout",
	DIFF_OUTPUT),
    ROW(NULL, NULL, "-oJ", "FILE", OUTPUT, "write JSON Lines there too; - is stdout",
	DIFF_OUTPUT_JSON),
    ROW(NULL, "v", NULL, NULL, OUTPUT, "every range of ports whole, and the reason of each state",
	DIFF_VERBOSE),
    ROW(NULL, "q", NULL, NULL, OUTPUT, "errors only on stderr", DIFF_QUIET),
    ROW("color", NULL, NULL, "WHEN", OUTPUT, "auto, always or never (default: auto)", DIFF_COLOR),
    ROW("help", "h", NULL, NULL, OTHER, "this text", DIFF_HELP),
    REFUSED("-oN", "for text in a file use -o FILE"),
    REFUSED("-oX -oC", "diff writes text and JSON: -o FILE with --format, or -oJ FILE"),
    REFUSED("--xml", "diff writes text and JSON: --format json"),
    REFUSED("--text", "text is what diff writes; in a file by -o FILE"),
};

const struct option_table diff_table = {
    "diff",
    "OLD NEW [options]",
    "What changed between two results (JSON Lines of scan, stack or audit), counting only what "
    "both really measured?",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    0,
    NULL};
