/*
 * scan_table: how the options of the commands that send are spelled and what --help says of them.
 * What they do is in scan_options.
 */
#include "cmd/scan_table.h"

#define WHAT "What to probe"
#define SEGMENTS "Which segments"
#define FROM "From where"
#define SPEED "How fast, how often"
#define OUTPUT "What to write"
#define OTHER "Others"

/* Whose row it is. */
enum {
	SCAN = 1,
	STACK = 2,
	TRACE = 4,
	PROVOKE = 8,
	AUDIT = 16,
	LISTS = SCAN | STACK | TRACE,
	SENDS_DATA = SCAN | TRACE | PROVOKE
};

/* Columns of ROW: long, letters, tokens, argument, group, help, id. */
#define ROW(...)                                                                                   \
	{                                                                                          \
		__VA_ARGS__, NULL, NULL, 0                                                         \
	}
#define ROW_OF(command, ...)                                                                       \
	{                                                                                          \
		__VA_ARGS__, NULL, NULL, command                                                   \
	}
#define ALIAS(token, group, help, id, value)                                                       \
	{                                                                                          \
		NULL, NULL, token, NULL, group, help, id, value, NULL, SCAN                        \
	}
#define REFUSED(tokens, instead)                                                                   \
	{                                                                                          \
		NULL, NULL, tokens, NULL, OTHER, NULL, OPTION_REFUSED, NULL, instead, 0            \
	}
static const struct option_row rows[] = {
    ROW_OF(SCAN, "ports", "p", NULL, "LIST", WHAT,
	   "22,80,8000-8100, names, - for all, !25 excludes (default: some 230 common ports)",
	   ID_PORTS),
    ROW_OF(STACK, "ports", "p", NULL, "LIST", WHAT,
	   "ports that may be open, likeliest first; one is used (default: common ports)",
	   ID_PORTS),
    ROW_OF(TRACE, "ports", "p", NULL, "LIST", WHAT,
	   "the port, as 443 or https; of several each is walked to (required)", ID_PORTS),
    ROW_OF(PROVOKE, "ports", "p", NULL, "PORT", WHAT, "the service's port (required)", ID_PORTS),
    ROW_OF(AUDIT, "ports", "p", NULL, "LIST", WHAT,
	   "with --record: which ports (default: some 230 common ports)", ID_PORTS),
    ROW_OF(AUDIT, "check", NULL, NULL, NULL, WHAT,
	   "only read the policy and say what it would ask; send nothing", ID_CHECK),
    ROW_OF(AUDIT, "record", NULL, NULL, "TARGET", WHAT,
	   "write a policy from what is seen there; several add up", ID_RECORD),
    ALIAS("-p-", WHAT, "the ports 1-65535", ID_PORTS, "-"),
    ROW_OF(LISTS, "targets", NULL, "-iL", "FILE", WHAT,
	   "targets from a file too, - is stdin, # comments", ID_TARGETS),
    ROW_OF(LISTS | AUDIT, "exclude", NULL, NULL, "LIST", WHAT,
	   "targets never probed, whatever else says so", ID_EXCLUDE),
    ROW_OF(LISTS | AUDIT, "exclude-file", NULL, NULL, "FILE", WHAT, "the same, from a file",
	   ID_EXCLUDE_FILE),
    {NULL, "4", NULL, NULL, WHAT, "IPv4 addresses only", ID_FAMILY, "4", NULL, 0},
    {NULL, "6", NULL, NULL, WHAT, "IPv6 addresses only", ID_FAMILY, "6", NULL, 0},
    ROW("first", NULL, NULL, NULL, WHAT, "only the first address of a name (default: every one)",
	ID_FIRST),
    ROW_OF(SCAN | STACK | AUDIT, "yes", NULL, NULL, NULL, WHAT,
	   "do probe more than 65,536 public addresses", ID_YES),
    ROW_OF(SCAN | AUDIT, "no-skip-dead", NULL, "-Pn", NULL, WHAT,
	   "ask every port of hosts that keep silent, too", ID_NO_SKIP_DEAD),
    ROW_OF(SCAN, "stack", NULL, NULL, NULL, WHAT,
	   "then run the battery of `stack` on each host that answered", ID_STACK),
    ROW_OF(SCAN, "probe", NULL, NULL, "KINDS", SEGMENTS,
	   "syn,ack,fin,... of `rstprobe probes`, or all (default: syn)", ID_PROBE),
    ROW_OF(TRACE, "probe", NULL, NULL, "KIND", SEGMENTS,
	   "one of `rstprobe probes` (default: syn); data goes within a connection", ID_PROBE),
    ALIAS("-sS", SEGMENTS, "--probe syn (several of these add up)", ID_PROBE, "syn"),
    ALIAS("-sA", SEGMENTS, "--probe ack", ID_PROBE, "ack"),
    ALIAS("-sF", SEGMENTS, "--probe fin", ID_PROBE, "fin"),
    ALIAS("-sN", SEGMENTS, "--probe null", ID_PROBE, "null"),
    ALIAS("-sX", SEGMENTS, "--probe xmas", ID_PROBE, "xmas"),
    ROW_OF(SCAN | TRACE, "flags", NULL, NULL, "SAFRPUEC", SEGMENTS,
	   "a kind of your own with these control bits", ID_FLAGS),
    ROW_OF(SCAN, "seq", NULL, NULL, "N", SEGMENTS, "the sequence number", ID_SEQ),
    ROW_OF(SCAN, "ack", NULL, NULL, "N", SEGMENTS, "the acknowledgment number", ID_ACK),
    ROW_OF(SCAN, "win", NULL, NULL, "N", SEGMENTS, "the window", ID_WIN),
    ROW_OF(PROVOKE, "http", NULL, NULL, "PATH", SEGMENTS,
	   "what is written: a POST to this path, with a body of --bytes", ID_HTTP),
    ROW_OF(
	PROVOKE, "bytes", NULL, NULL, "N", SEGMENTS,
	"octets to write after the payload, or as the body: 4k, 10M (default: 1M for early-close)",
	ID_BYTES),
    ROW_OF(SENDS_DATA, "data", NULL, NULL, "HEX", SEGMENTS, "the payload, at most 1024 octets",
	   ID_DATA),
    ROW_OF(SENDS_DATA, "data-string", NULL, NULL, "TEXT", SEGMENTS, "the payload as text",
	   ID_DATA_STRING),
    ROW_OF(SENDS_DATA, "data-file", NULL, NULL, "FILE", SEGMENTS, "the payload from a file",
	   ID_DATA_FILE),
    ROW_OF(SCAN | TRACE | AUDIT, "syn-options", NULL, NULL, "LAYOUT", SEGMENTS,
	   "TCP options of a SYN: none, mss, linux or windows (default: linux)", ID_SYN_OPTIONS),
    ROW_OF(SCAN | STACK | PROVOKE | AUDIT, "ttl", NULL, NULL, "N", SEGMENTS,
	   "TTL or hop limit (default: 64)", ID_TTL),
    ROW_OF(TRACE, "flows", NULL, NULL, "N", SEGMENTS,
	   "walk with so many source ports, 1 to 16: equal-cost paths show (default: 1)", ID_FLOWS),
    ROW_OF(TRACE, "first-ttl", NULL, NULL, "N", SEGMENTS, "begin at this hop (default: 1)",
	   ID_FIRST_TTL),
    ROW_OF(TRACE, "max-ttl", NULL, NULL, "N", SEGMENTS, "go no farther, 1 to 64 (default: 30)",
	   ID_MAX_TTL),
    ROW("interface", "ie", NULL, "NAME", FROM, "send by this one (default: the kernel's route)",
	ID_INTERFACE),
    ROW("source", "S", NULL, "ADDR", FROM, "the source address", ID_SOURCE),
    ROW_OF(SCAN, "source-port", "g", NULL, "PORT", FROM, "one source port for all passes",
	   ID_SOURCE_PORT),
    ROW_OF(TRACE, "source-port", "g", NULL, "PORT", FROM, "of the first flow; others follow it",
	   ID_SOURCE_PORT),
    ROW_OF(SCAN | AUDIT, "rate", NULL, NULL, "N|auto|max", SPEED,
	   "packets per second, 10k, 1M; auto grows until loss says stop (default: auto)", ID_RATE),
    ROW_OF(
	STACK, "rate", NULL, NULL, "N", SPEED,
	"segments per second to one host; above 20 its limit of resets may hide some (default: 20)",
	ID_RATE),
    {"retries", "r", NULL, "N|auto", SPEED,
     "how often silence is asked again; auto goes by the measured loss (default: auto)", ID_RETRIES,
     NULL, "N is from 0 to 20; to probe in order use --in-order", SCAN | AUDIT},
    ROW_OF(AUDIT, "retry-failed", NULL, NULL, "N", SPEED,
	   "probe again what failed, from other source ports, 0 to 5 times (default: 1)",
	   ID_RETRY_FAILED),
    ROW_OF(TRACE, "retries", "r", NULL, "N|auto", SPEED,
	   "how often a silent hop is asked again (default: auto, 2)", ID_RETRIES),
    ROW_OF(PROVOKE, "hold", NULL, NULL, "TIME", SPEED,
	   "how long the service is waited for (default: the scenario's own)", ID_HOLD),
    {"timeout", "T", NULL, "TIME", SPEED, "the longest wait for an answer (default: 1s)",
     ID_TIMEOUT, NULL, "a time such as 500ms; for speed use --rate", 0},
    ROW("deadline", NULL, NULL, "TIME", SPEED, "end the run after this time, with status 3",
	ID_DEADLINE),
    ROW_OF(SCAN, "count", NULL, NULL, "N", SPEED,
	   "ask each port N times and tell each try, then loss and round trips", ID_COUNT),
    ROW_OF(SCAN, "interval", NULL, NULL, "TIME", SPEED,
	   "with --count: between two tries of a port (default: 1s)", ID_INTERVAL),
    ROW_OF(SCAN | STACK | AUDIT, "seed", NULL, NULL, "N", SPEED,
	   "the order, and the random ports (default: random, printed)", ID_SEED),
    ROW_OF(TRACE | PROVOKE, "seed", NULL, NULL, "N", SPEED,
	   "of the sequence numbers (default: random)", ID_SEED),
    ROW_OF(SCAN, "in-order", NULL, NULL, NULL, SPEED, "hosts and ports in ascending order",
	   ID_IN_ORDER),
    ROW_OF(SCAN, "shard", NULL, NULL, "I/N", SPEED,
	   "the I-th of N disjoint parts; all of them need the same --seed", ID_SHARD),
    ROW_OF(SCAN, "resume", NULL, NULL, "FILE", SPEED,
	   "go on with the scan whose JSON Lines stand in FILE", ID_RESUME),
    ROW_OF(SCAN | AUDIT, "threads", NULL, NULL, "N", SPEED,
	   "threads that send, 1 to 64 (default: one a core)", ID_THREADS),
    ROW_OF(SCAN | AUDIT, "tx", NULL, NULL, "WAY", SPEED,
	   "how packets leave: auto, raw, packet or xdp (default: auto)", ID_TX),
    ROW_OF(SCAN, "format", NULL, NULL, "FORMAT", OUTPUT,
	   "text, json, xml (nmap's) or csv, for stdout and -o (default: text)", ID_FORMAT),
    ROW_OF(AUDIT, "format", NULL, NULL, "FORMAT", OUTPUT,
	   "text, json, csv, tap, junit or prometheus, for stdout and -o (default: text)",
	   ID_FORMAT),
    ROW_OF(STACK | TRACE | PROVOKE, "format", NULL, NULL, "FORMAT", OUTPUT,
	   "text or json, for stdout and -o (default: text)", ID_FORMAT),
    ROW("output", "o", NULL, "FILE", OUTPUT, "write there and not to stdout; - is stdout",
	ID_OUTPUT),
    ROW(NULL, NULL, "-oJ", "FILE", OUTPUT, "write JSON Lines there too; - is stdout",
	ID_OUTPUT_JSON),
    ROW_OF(SCAN, NULL, NULL, "-oX", "FILE", OUTPUT, "write nmap's XML there too; - is stdout",
	   ID_OUTPUT_XML),
    ROW_OF(SCAN | AUDIT, NULL, NULL, "-oC", "FILE", OUTPUT, "write CSV there too; - is stdout",
	   ID_OUTPUT_CSV),
    ROW("write-pcap", "w", NULL, "FILE", OUTPUT,
	"every segment sent and reply matched, as pcap; .pcapng: with the verdicts", ID_WRITE_PCAP),
    ROW_OF(SCAN, "show", NULL, NULL, "STATES|all", OUTPUT, "list ports of these states one by one",
	   ID_SHOW),
    {"open", NULL, NULL, NULL, OUTPUT, "--show open", ID_SHOW, "open", NULL, SCAN},
    ROW_OF(SCAN, "expect", NULL, NULL, "STATES", OUTPUT,
	   "status 1 unless every port is in one of them", ID_EXPECT),
    ROW_OF(TRACE, "expect", NULL, NULL, "VERDICTS", OUTPUT,
	   "status 1 unless every verdict is one of them: open,reset-by-target", ID_EXPECT),
    ROW_OF(PROVOKE, "expect", NULL, NULL, "FINDINGS", OUTPUT,
	   "status 1 unless the finding is one of them", ID_EXPECT),
    ROW_OF(LISTS | AUDIT, "dry-run", NULL, NULL, NULL, OUTPUT,
	   "print the segments; open and send nothing", ID_DRY_RUN),
    ROW_OF(PROVOKE, "dry-run", NULL, NULL, NULL, OUTPUT,
	   "say what would be done, step by step; open and send nothing", ID_DRY_RUN),
    ROW_OF(SCAN | STACK | PROVOKE | AUDIT, NULL, "n", NULL, NULL, OUTPUT,
	   "numbers only: no service names", ID_NUMERIC),
    ROW_OF(TRACE, NULL, "n", NULL, NULL, OUTPUT, "numbers only: no names of routers or services",
	   ID_NUMERIC),
    ROW(NULL, "v", NULL, NULL, OUTPUT, "say why of each verdict, and by what way and seed",
	ID_VERBOSE),
    ROW(NULL, "q", NULL, NULL, OUTPUT, "errors only on stderr", ID_QUIET),
    ROW("color", NULL, NULL, "WHEN", OUTPUT, "auto, always or never (default: auto)", ID_COLOR),
    ROW("no-progress", NULL, NULL, NULL, OUTPUT, "no progress line", ID_NO_PROGRESS),
    ROW("stats-every", NULL, NULL, "TIME", OUTPUT, "a line of progress this often on stderr",
	ID_STATS_EVERY),
    ROW("help", "h", NULL, NULL, OTHER, "this text", ID_HELP),
    REFUSED("-T0 -T1 -T2 -T3 -T4 -T5", "-T takes a time such as 500ms; for speed use --rate"),
    REFUSED("-A", "for an ACK scan use --probe ack"),
    REFUSED("-oN", "for text in a file use -o FILE"),
    REFUSED("-oG", "for output to search in use --format json"),
    {NULL, NULL, "-oX", NULL, OTHER, NULL, OPTION_REFUSED, NULL,
     "nmap's XML knows ports only: scan writes it; here -oJ FILE", STACK | TRACE | PROVOKE},
    {NULL, NULL, "-oX", NULL, OTHER, NULL, OPTION_REFUSED, NULL,
     "nmap's XML knows no checks; --format junit does", AUDIT},
    {NULL, NULL, "-oC", NULL, OTHER, NULL, OPTION_REFUSED, NULL,
     "scan and audit write CSV; here -oJ FILE", STACK | TRACE | PROVOKE},
};

const struct option_table scan_table = {
    "scan",
    "TARGET... [options]",
    "Which ports are open, closed, rejected or filtered, and by what evidence.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    SCAN,
    NULL};

const struct option_table stack_table = {
    "stack",
    "TARGET... [options]",
    "How a TCP stack resets: each cell of RFC 9293, 3.10.7, its reset style, its family.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    STACK,
    NULL};

const struct option_table trace_table = {
    "trace",
    "TARGET... -p PORT [options]",
    "Which hop answers, resets or drops: a TTL walk with SYN, ACK, or data in a connection.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    TRACE,
    NULL};

const struct option_table provoke_table = {
    "provoke",
    "SCENARIO TARGET -p PORT [options]",
    "What a service does in one of the cases that end in a reset. Connects to the target.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    PROVOKE,
    scan_put_scenarios};

const struct option_table audit_table = {
    "audit",
    "POLICY... [options]",
    "Does the network still look as the policy says? The language: rstprobe-policy(5).",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    AUDIT,
    NULL};
