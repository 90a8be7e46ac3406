/*
 * cmd: one function a command: options -> config -> run -> render. Only this room prints errors
 * and picks exit statuses.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "wire/privilege.h"

/* Exit statuses (rstprobe(1), EXIT STATUS). Where several apply: the first of 4, 2, 3, 1, 0. */
enum cmd_status {
	STATUS_OK = 0,
	STATUS_UNEXPECTED = 1, /* ran to the end, something was not as expected */
	STATUS_USAGE = 2,      /* command line, policy or file wrong or unreadable */
	STATUS_INCOMPLETE = 3, /* interrupted, deadline, loss, link down, output not written */
	STATUS_CANNOT = 4,     /* this machine cannot: privilege, interface, route */
};

/* The graver of two, by that order. */
int cmd_worse(int a, int b);
/* Prints `e`, keeps in `*status` the graver of it and `why`, and is -1. */
int cmd_fail(int *status, int why, const struct err *e);
/* Whom this run becomes, `asked` by --user or NULL. -1: no such user, which is printed and kept. */
int cmd_find_user(int *status, const char *asked, struct privilege_user *u);
/* privilege_drop; what it could not is a warning, -1 is printed and kept. */
int cmd_drop_privilege(int *status, const struct privilege_user *u, enum privilege_work work);
/* What mends a want of privilege, on stderr below the error. */
void cmd_put_privilege_fix(void);

/* argv[0] is the command's name; `full` is the program's own argv, for the record. */
struct cmd_line {
	int argc;
	char **argv;
	char **full;
};

struct option_table;

/* All commands; the first is the one that a first word that is no command stands for. */
struct command {
	const char *name;
	int (*run)(const struct cmd_line *l);
	const char *question;
	const struct option_table *options; /* NULL: it has none but --help */
};
extern const struct command commands[];
extern const size_t command_count;

/* What `shell` (bash, zsh, fish) reads to complete a command line; -1: no such shell. */
int completion_print(FILE *f, const char *shell);
enum { COMPLETION_SHELLS = 3 };
const char *completion_shell(size_t i);

int cmd_scan(const struct cmd_line *l);
int cmd_explain(const struct cmd_line *l);
int cmd_stack(const struct cmd_line *l);
int cmd_trace(const struct cmd_line *l);
int cmd_provoke(const struct cmd_line *l);
int cmd_audit(const struct cmd_line *l);
int cmd_probes(const struct cmd_line *l);
int cmd_diff(const struct cmd_line *l);
int cmd_doctor(const struct cmd_line *l);

#endif
