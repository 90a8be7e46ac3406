/*
 * beside_private: what beside.c (which file, and where) and beside_keep.c (who names it) share.
 */
#ifndef CMD_BESIDE_PRIVATE_H
#define CMD_BESIDE_PRIVATE_H

#include "cmd/beside.h"

/* What may be done of a file. Calls nothing but the kernel: fit for a fork of a process that has
 * threads. 0 or an errno value. */
void beside_remove(const struct beside_file *f);

/* The same by the keeper where there is one that answers; else by this process. */
int beside_ask_name(const struct beside_file *f);
void beside_ask_remove(const struct beside_file *f);

#endif
