/*
 * privilege: what this process may do, by trying, and the dropping of it once the sockets are open.
 */
#ifndef WIRE_PRIVILEGE_H
#define WIRE_PRIVILEGE_H

#include <stdbool.h>

#include "base/err.h"

/* True where a raw socket can be opened now. Else `e` names what is missing. */
bool privilege_can_probe(struct err *e);
/* The lines that mend it: setcap, sudo, container; static, one per call until NULL. */
const char *privilege_fix(unsigned n);
/* Gives up every capability for good and sets no_new_privs; no way back. -1 and `e` where the
 * kernel refuses. Harmless without any privilege. */
int privilege_drop(struct err *e);

#endif
