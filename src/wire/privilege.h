/*
 * privilege: what this process may do, by trying; and giving it up once all that needs it is open:
 * capabilities, the user, new privileges, and the calls of the kernel that the work left does not
 * need. There is no way back. Children that a run forks (resolver, keeper, unpacker, comm) give up
 * theirs by the same call, each for its own work.
 */
#ifndef WIRE_PRIVILEGE_H
#define WIRE_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* True where a raw socket can be opened now. Else `e` names what is missing. */
bool privilege_can_probe(struct err *e);
/* The lines that mend it: setcap, sudo, container; static, one per call until NULL. */
const char *privilege_fix(unsigned n);

/* Whom to become. */
struct privilege_user {
	bool change; /* else the process stays who it is */
	bool asked;  /* by --user: then what can't be done is an error, else a warning */
	uid_t uid;
	gid_t gid;
	char name[64]; /* for messages */
};

/*
 * Who that is. `asked` is the argument of --user, a name or a number, or NULL: then only root
 * changes, to who called sudo or doas, else to nobody (and not where its user namespace has nobody
 * else). -1 with `e` where there is no such user, or who asks may not become another.
 */
int privilege_find_user(const char *asked, struct privilege_user *u, struct err *e);

/*
 * Whom a process of the same run shall become that needs nothing of a user's: who called sudo has
 * files, nobody has none. It is `u` where the user has been chosen, or there is no choice.
 */
struct privilege_user privilege_least(const struct privilege_user *u);

/* What is left to be done, and so which calls of the kernel are left. */
enum privilege_work {
	PRIVILEGE_SWEEP,    /* sends and receives by what is open, with threads; reads and writes */
	PRIVILEGE_CONVERSE, /* the same, and connections of the kernel's are opened */
	PRIVILEGE_READ,	    /* reads and writes what is open: explain, diff */
	PRIVILEGE_RESOLVE,  /* the C library's resolver: the system's files, UDP and TCP */
	PRIVILEGE_UNPACK,   /* starts programs, which have what this process has */
	PRIVILEGE_NAME,	    /* gives files names, with the rights on files that it has now */
	PRIVILEGE_WORKS
};

/*
 * Gives up everything for good. Before any thread is there. 0, or -1 and `e` where it fails:
 * nothing may be read then. 1 where it is done as far as it can be had here, and `e`, worth a
 * warning, says what could not: a user that this container does not know, a kernel without seccomp.
 * Harmless without any privilege. PRIVILEGE_NAME alone keeps its user and root's rights on files,
 * and takes NULL.
 */
int privilege_drop(const struct privilege_user *u, enum privilege_work work, struct err *e);

#endif
