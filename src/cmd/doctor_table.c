/* doctor_table: how the options of `doctor` are spelled. What they do is in doctor. */
#include "cmd/doctor_table.h"

#define WHAT "What to try"
#define OUTPUT "What to write"
#define OTHER "Others"

static const struct option_row rows[] = {
    OPTION_ROW(NULL, "4", NULL, NULL, WHAT, "IPv4 only", DOCTOR_OPTION_IPV4),
    OPTION_ROW(NULL, "6", NULL, NULL, WHAT, "IPv6 only", DOCTOR_OPTION_IPV6),
    OPTION_ROW("interface", "ie", NULL, "NAME", WHAT, "by this interface (default: by the route)",
	       DOCTOR_OPTION_INTERFACE),
    OPTION_ROW("port", "p", NULL, "PORT", WHAT,
	       "ask TARGET here, by a raw SYN and by connect() (default: 443, 80 and 22)",
	       DOCTOR_OPTION_PORT),
    OPTION_ROW("format", NULL, NULL, "FORMAT", OUTPUT, "text or json (default: text)",
	       OPTION_FORMAT),
    OPTION_ROW("output", "o", NULL, "FILE", OUTPUT, "write there and not to stdout; - is stdout",
	       OPTION_OUTPUT),
    OPTION_ROW(NULL, NULL, "-oJ", "FILE", OUTPUT, "write JSON Lines there too; - is stdout",
	       OPTION_OUTPUT_JSON),
    OPTION_ROW(NULL, "v", NULL, NULL, OUTPUT, "tell what this machine has nothing of, too",
	       DOCTOR_OPTION_VERBOSE),
    OPTION_ROW(NULL, "q", NULL, NULL, OUTPUT, "leave out what is ok", DOCTOR_OPTION_QUIET),
    OPTION_ROW("color", NULL, NULL, "WHEN", OUTPUT, "auto, always or never (default: auto)",
	       OPTION_COLOR),
    OPTION_ROW("user", NULL, NULL, "USER", OTHER,
	       "become this user once all is open (root: who called sudo, or nobody)", OPTION_USER),
    OPTION_ROW("help", "h", NULL, NULL, OTHER, "this text", OPTION_HELP),
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
