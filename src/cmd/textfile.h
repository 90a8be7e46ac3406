/* textfile: a whole file as one string. What its words mean is the caller's. */
#ifndef CMD_TEXTFILE_H
#define CMD_TEXTFILE_H

#include "base/err.h"

/* "-" is stdin. NULL and `e` where it can't be read to the end as text; the caller frees. */
char *textfile_read(const char *path, struct err *e);

#endif
