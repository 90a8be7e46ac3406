/*
 * tracefs: what the running kernel says of one of its tracepoints. Reads only, mounts nothing that
 * anyone else could see.
 */
#ifndef WIRE_TRACEFS_H
#define WIRE_TRACEFS_H

#include <stddef.h>

#include "base/err.h"

enum tracefs_found {
	TRACEFS_OK,
	TRACEFS_NONE,	  /* not mounted, and none could be had privately */
	TRACEFS_DENIED,	  /* mounted, and not to be read */
	TRACEFS_NO_EVENT, /* this kernel has no such tracepoint */
};

/* The text of a tracepoint's `format`, as "tcp/tcp_send_reset"; "" and `e` where it isn't had. */
enum tracefs_found tracefs_format(const char *event, char *text, size_t cap, struct err *e);

#endif
