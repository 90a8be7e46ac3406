/* nameless: a temporary file that has no name, so that nothing is left behind whatever happens. */
#ifndef CMD_NAMELESS_H
#define CMD_NAMELESS_H

#include <stdio.h>

#include "base/err.h"

/* In TMPDIR, or /tmp; to write and read. NULL with `e`. */
FILE *nameless_open(struct err *e);

#endif
