/*
 * explain_table: how the options of `explain` are spelled and what --help says of them. What they
 * do is in explain_options.
 */
#include "cmd/explain_table.h"

#define WHAT "What to read"
#define LIVE "From an interface"
#define SHOWN "Which resets to tell"
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
    ROW(NULL, "r", NULL, "FILE", WHAT, "the same as FILE alone; - is stdin", EXPLAIN_READ),
    ROW("separate", NULL, NULL, NULL, WHAT,
	"files have nothing to do with each other (default: one stream in order)",
	EXPLAIN_SEPARATE),
    ROW("join", NULL, NULL, NULL, WHAT,
	"two files hold the same flows: the client's end, then the server's", EXPLAIN_JOIN),
    ROW("max-flows", NULL, NULL, "N", WHAT,
	"flows kept at once, 10k, 1M (default: 262144); what is over goes first, then the longest "
	"unused",
	EXPLAIN_MAX_FLOWS),
    ROW("interface", "i", NULL, "NAME", LIVE, "listen there, or on any, until Ctrl-C",
	EXPLAIN_INTERFACE),
    ROW("filter", "f", NULL, "FILTER", LIVE,
	"capture only what this pcap-filter(7) passes (default: all TCP and ICMP errors)",
	EXPLAIN_FILTER),
    ROW("kernel", NULL, NULL, NULL, LIVE,
	"join this host's own resets with its kernel's reason, or fail (default: where it works)",
	EXPLAIN_KERNEL),
    ROW("no-kernel", NULL, NULL, NULL, LIVE, "don't ask the kernel", EXPLAIN_NO_KERNEL),
    ROW("count", NULL, NULL, "N", LIVE, "end after so many findings", EXPLAIN_COUNT),
    ROW("deadline", NULL, NULL, "TIME", LIVE,
	"end after this time: with -i that is a normal end, with files status 3", EXPLAIN_DEADLINE),
    ROW("all", NULL, NULL, NULL, SHOWN, "benign resets, repeats and followers one by one too",
	EXPLAIN_ALL),
    ROW("summary", NULL, NULL, NULL, SHOWN, "only the counts", EXPLAIN_SUMMARY),
    ROW("cause", NULL, NULL, "CAUSES", SHOWN,
	"only these, as refused,half-open; injected is all of injected-*", EXPLAIN_CAUSE),
    ROW("flow", NULL, NULL, "FLOW", SHOWN,
	"only these: 192.0.2.7, 192.0.2.0/24, :443, 192.0.2.7:443, [2001:db8::1]:443, or two ends "
	"as A:P-B:Q",
	EXPLAIN_FLOW),
    ROW("fail-on", NULL, NULL, "WHAT", SHOWN,
	"status 1 where one told is problem, suspicious, notice, benign, or of these causes",
	EXPLAIN_FAIL_ON),
    ROW("format", NULL, NULL, "FORMAT", OUTPUT,
	"text, json or html, for stdout and -o (default: text)", EXPLAIN_FORMAT),
    ROW("output", "o", NULL, "FILE", OUTPUT, "write there and not to stdout; - is stdout",
	EXPLAIN_OUTPUT),
    ROW(NULL, NULL, "-oJ", "FILE", OUTPUT, "write JSON Lines there too; - is stdout",
	EXPLAIN_OUTPUT_JSON),
    ROW("write-pcap", "w", NULL, "FILE", OUTPUT,
	"the flows of the resets shown one by one, as pcap", EXPLAIN_WRITE_PCAP),
    ROW(NULL, "n", NULL, NULL, OUTPUT, "numbers only: no service names", EXPLAIN_NUMERIC),
    ROW(NULL, "v", NULL, NULL, OUTPUT, "say which rule decided, with its clause", EXPLAIN_VERBOSE),
    ROW(NULL, "q", NULL, NULL, OUTPUT, "errors only on stderr", EXPLAIN_QUIET),
    ROW("color", NULL, NULL, "WHEN", OUTPUT, "auto, always or never (default: auto)",
	EXPLAIN_COLOR),
    ROW("no-progress", NULL, NULL, NULL, OUTPUT, "no progress line", EXPLAIN_NO_PROGRESS),
    ROW("stats-every", NULL, NULL, "TIME", OUTPUT, "a line of progress this often on stderr",
	EXPLAIN_STATS_EVERY),
    ROW("help", "h", NULL, NULL, OTHER, "this text", EXPLAIN_HELP),
    REFUSED("-oN", "for text in a file use -o FILE"),
    REFUSED("-oG", "for output to search in use --format json"),
    REFUSED("-oX -oC", "explain writes text, JSON and HTML: -o FILE with --format, or -oJ FILE"),
    REFUSED("-c", "for an end after N findings use --count N"),
    REFUSED("--duration", "for an end after a time use --deadline TIME"),
    REFUSED("-Y -R", "for one flow use --flow, for what is captured -f"),
};

const struct option_table explain_table = {
    "explain",
    "FILE... | -i NAME [options]",
    "Why did each RST in a capture or on an interface happen, who sent it, what provoked it?",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    0,
    NULL};
