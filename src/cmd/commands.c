/*
 * commands: the table of commands, by which main dispatches and completion knows them. What they do
 * is theirs.
 */
#include "cmd/cmd.h"
#include "cmd/diff_table.h"
#include "cmd/doctor_table.h"
#include "cmd/explain_table.h"
#include "cmd/probes_table.h"
#include "cmd/scan_table.h"

const struct command commands[] = {
    {"scan", cmd_scan, "which ports are open, closed, rejected or filtered, by what evidence?",
     &scan_table},
    {"stack", cmd_stack, "how does this stack reset, cell by cell of RFC 9293, and whose is it?",
     &stack_table},
    {"explain", cmd_explain,
     "why did each RST in a capture or on an interface happen, and by whom?", &explain_table},
    {"trace", cmd_trace, "which hop answers, resets or drops a SYN, an ACK, or data?",
     &trace_table},
    {"provoke", cmd_provoke, "what does this service do in the cases that end in a reset?",
     &provoke_table},
    {"audit", cmd_audit, "does the network still look as the policy says? For cron and CI.",
     &audit_table},
    {"diff", cmd_diff, "what changed between two results, by what both of them measured?",
     &diff_table},
    {"doctor", cmd_doctor, "can this machine probe at all, and if not, what is to be mended?",
     &doctor_table},
    {"probes", cmd_probes, "which probes are there, and what does each reply mean?", &probes_table},
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);
