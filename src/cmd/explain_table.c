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

static const struct option_row rows[] = {
    OPTION_ROW(NULL, "r", NULL, "FILE", WHAT, "the same as FILE alone; - is stdin", EXPLAIN_READ),
    OPTION_ROW("separate", NULL, NULL, NULL, WHAT,
	       "files have nothing to do with each other (default: one stream in order)",
	       EXPLAIN_SEPARATE),
    OPTION_ROW("join", NULL, NULL, NULL, WHAT,
	       "two files hold the same flows: the client's end, then the server's", EXPLAIN_JOIN),
    OPTION_ROW(
	"max-flows", NULL, NULL, "N", WHAT,
	"flows kept at once, 10k, 1M (default: 262144); what is over goes first, then the longest "
	"unused",
	EXPLAIN_MAX_FLOWS),
    OPTION_ROW("interface", "i", NULL, "NAME", LIVE, "listen there, or on any, until Ctrl-C",
	       EXPLAIN_INTERFACE),
    OPTION_ROW("filter", "f", NULL, "FILTER", LIVE,
	       "capture only what this pcap-filter(7) passes (default: all TCP and ICMP errors)",
	       EXPLAIN_FILTER),
    OPTION_ROW(
	"kernel", NULL, NULL, NULL, LIVE,
	"join this host's own resets with its kernel's reason, or fail (default: where it works)",
	EXPLAIN_KERNEL),
    OPTION_ROW("no-kernel", NULL, NULL, NULL, LIVE, "don't ask the kernel", EXPLAIN_NO_KERNEL),
    OPTION_ROW("count", NULL, NULL, "N", LIVE, "end after so many findings", EXPLAIN_COUNT),
    OPTION_ROW("deadline", NULL, NULL, "TIME", LIVE,
	       "end after this time: with -i that is a normal end, with files status 3",
	       EXPLAIN_DEADLINE),
    OPTION_ROW("all", NULL, NULL, NULL, SHOWN,
	       "benign resets, repeats and followers one by one too", EXPLAIN_ALL),
    OPTION_ROW("summary", NULL, NULL, NULL, SHOWN, "only the counts", EXPLAIN_SUMMARY),
    OPTION_ROW("cause", NULL, NULL, "CAUSES", SHOWN,
	       "only these, as refused,half-open; injected is all of injected-*", EXPLAIN_CAUSE),
    OPTION_ROW(
	"flow", NULL, NULL, "FLOW", SHOWN,
	"only these: 192.0.2.7, 192.0.2.0/24, :443, 192.0.2.7:443, [2001:db8::1]:443, or two ends "
	"as A:P-B:Q",
	EXPLAIN_FLOW),
    OPTION_ROW("fail-on", NULL, NULL, "WHAT", SHOWN,
	       "status 1 where one told is problem, suspicious, notice, benign, or of these causes",
	       EXPLAIN_FAIL_ON),
    OPTION_ROW("format", NULL, NULL, "FORMAT", OUTPUT,
	       "text, json or html, for stdout and -o (default: text)", OPTION_FORMAT),
    OPTION_ROW("output", "o", NULL, "FILE", OUTPUT, "write there and not to stdout; - is stdout",
	       OPTION_OUTPUT),
    OPTION_ROW(NULL, NULL, "-oJ", "FILE", OUTPUT, "write JSON Lines there too; - is stdout",
	       OPTION_OUTPUT_JSON),
    OPTION_ROW("write-pcap", "w", NULL, "FILE", OUTPUT,
	       "the flows of the resets shown one by one, as pcap", EXPLAIN_WRITE_PCAP),
    OPTION_ROW(NULL, "n", NULL, NULL, OUTPUT, "numbers only: no service names", EXPLAIN_NUMERIC),
    OPTION_ROW(NULL, "v", NULL, NULL, OUTPUT, "say which rule decided, with its clause",
	       EXPLAIN_VERBOSE),
    OPTION_ROW(NULL, "q", NULL, NULL, OUTPUT, "errors only on stderr", EXPLAIN_QUIET),
    OPTION_ROW("color", NULL, NULL, "WHEN", OUTPUT, "auto, always or never (default: auto)",
	       OPTION_COLOR),
    OPTION_ROW("no-progress", NULL, NULL, NULL, OUTPUT, "no progress line", EXPLAIN_NO_PROGRESS),
    OPTION_ROW("stats-every", NULL, NULL, "TIME", OUTPUT, "a line of progress this often on stderr",
	       EXPLAIN_STATS_EVERY),
    OPTION_ROW("user", NULL, NULL, "USER", OTHER,
	       "become this user once all is open (root: who called sudo, or nobody)", OPTION_USER),
    OPTION_ROW("help", "h", NULL, NULL, OTHER, "this text", OPTION_HELP),
    OPTION_INSTEAD("-oN", "for text in a file use -o FILE"),
    OPTION_INSTEAD("-oG", "for output to search in use --format json"),
    OPTION_INSTEAD("-oX -oC",
		   "explain writes text, JSON and HTML: -o FILE with --format, or -oJ FILE"),
    OPTION_INSTEAD("-c", "for an end after N findings use --count N"),
    OPTION_INSTEAD("--duration", "for an end after a time use --deadline TIME"),
    OPTION_INSTEAD("-Y -R", "for one flow use --flow, for what is captured -f"),
};

const struct option_table explain_table = {
    "explain",
    "FILE... | -i NAME [options]",
    "Why did each RST in a capture or on an interface happen, who sent it, what provoked it?",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    0,
    NULL};
