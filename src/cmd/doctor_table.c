/* doctor_table: how the options of `doctor` are spelled. What they do is in doctor. */
#include "cmd/doctor_table.h"

#define WHAT "What to try"
#define OUTPUT "What to write"
#define OTHER "Others"

/* Columns of ROW: long, letters, tokens, argument, group, help, id. */
#define ROW(...)                                                                                   \
	{                                                                                          \
		__VA_ARGS__, NULL, NULL, 0                                                         \
	}
static const struct option_row rows[] = {
    ROW(NULL, "4", NULL, NULL, WHAT, "IPv4 only", DOCTOR_OPTION_IPV4),
    ROW(NULL, "6", NULL, NULL, WHAT, "IPv6 only", DOCTOR_OPTION_IPV6),
    ROW("interface", "ie", NULL, "NAME", WHAT, "by this interface (default: by the route)",
	DOCTOR_OPTION_INTERFACE),
    ROW("port", "p", NULL, "PORT", WHAT,
	"ask TARGET here, by a raw SYN and by connect() (default: 443, 80 and 22)",
	DOCTOR_OPTION_PORT),
    ROW("format", NULL, NULL, "FORMAT", OUTPUT, "text or json (default: text)",
	DOCTOR_OPTION_FORMAT),
    ROW("output", "o", NULL, "FILE", OUTPUT, "write there and not to stdout; - is stdout",
	DOCTOR_OPTION_OUTPUT),
    ROW(NULL, NULL, "-oJ", "FILE", OUTPUT, "write JSON Lines there too; - is stdout",
	DOCTOR_OPTION_OUTPUT_JSON),
    ROW(NULL, "v", NULL, NULL, OUTPUT, "tell what this machine has nothing of, too",
	DOCTOR_OPTION_VERBOSE),
    ROW(NULL, "q", NULL, NULL, OUTPUT, "leave out what is ok", DOCTOR_OPTION_QUIET),
    ROW("color", NULL, NULL, "WHEN", OUTPUT, "auto, always or never (default: auto)",
	DOCTOR_OPTION_COLOR),
    ROW("help", "h", NULL, NULL, OTHER, "this text", DOCTOR_OPTION_HELP),
};

static void more(FILE *f)
{
	fputs("Nothing leaves this machine unless a TARGET is named. Status 0: nothing failed;\n"
	      "4: something did, and what mends it is below.\n",
	      f);
}

const struct option_table doctor_table = {
    "doctor",
    "[TARGET] [options]",
    "Can this machine probe, and if not, what is to be mended? Each thing is tried.",
    rows,
    sizeof(rows) / sizeof(rows[0]),
    0,
    more};
