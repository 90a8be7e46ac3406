/*
 * nofile: how many descriptors this process may have. The soft limit is there for programs that
 * use select; it is raised where more are needed.
 */
#ifndef WIRE_NOFILE_H
#define WIRE_NOFILE_H

#include <stddef.h>

enum { NOFILE_SPARE = 32 /* that stay over for what else is opened */ };

/* How many of `wanted` more there can be, the limit having been raised for them; at least 1. */
size_t nofile_room(size_t wanted);

#endif
