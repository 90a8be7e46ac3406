/*
 * confine: the calls of the kernel that a process keeps, by seccomp: all that its work needs, and
 * nothing that opens, starts or becomes something else. Linux only, in this file.
 */
#ifndef WIRE_CONFINE_H
#define WIRE_CONFINE_H

#include "base/err.h"
#include "wire/privilege.h"

enum confined {
	CONFINED,
	CONFINED_NOT,	     /* this kernel, container or build can't; `e` says so */
	CONFINED_FAILED = -1 /* it can, and it failed; `e` */
};

/*
 * Does nothing where this program was built without libseccomp. From now on, for this process and
 * its children. A call that may be tried by a library, and fail, is refused (EPERM); one that only
 * an intruder would make ends the process. Needs no_new_privs.
 */
enum confined confine(enum privilege_work work, struct err *e);
/* "libseccomp 2.5.4", or NULL where this program was built without. */
const char *confine_version(char *buf, size_t cap);

#endif
