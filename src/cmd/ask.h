/*
 * ask: what a scan is asked for: words, files and excludes become ports, targets and a space.
 * Errors are printed here, and the worst status kept; a bad name spoils one target, not the run.
 */
#ifndef CMD_ASK_H
#define CMD_ASK_H

#include "cmd/scan_options.h"
#include "engine/space.h"

struct ask {
	const struct scan_options *o; /* borrowed */
	int status;		      /* enum cmd_status: the worst so far */
	struct ports *ports;
	struct targets targets, exclude;
	struct space space;
};

void ask_init(struct ask *a, const struct scan_options *o);
/* Resolves names and reads files. -1 where nothing is left to do: `status` says how bad it is. */
int ask_make(struct ask *a);
/* The second half of it, where the targets are known: their ports, the excludes, the space. */
int ask_settle(struct ask *a);
void ask_free(struct ask *a);

#endif
