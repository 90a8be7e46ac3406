/*
 * beside: files that have their name when they are whole, and not before. What is written lies
 * without a name, or by a hidden one, in the same folder; a run that is killed leaves the file of
 * the run before, or none. It refuses to know what is written.
 */
#ifndef CMD_BESIDE_H
#define CMD_BESIDE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"
#include "wire/child.h"

enum { BESIDE_MAX = 12 };

/* Private. */
struct beside_file {
	struct beside *of;
	int dir;       /* the folder; -1: it is over */
	int fd;	       /* without a name; -1: it has `temp` */
	char temp[40]; /* as long as it is not whole */
	char place[NAME_MAX + 1];
	char said[120]; /* as the user called it, for errors */
};

/* All such files of a run. Zero-initialised holds none. */
struct beside {
	struct beside_file v[BESIDE_MAX];
	size_t n;
	struct child keeper; /* private */
};

/*
 * The FILE is the caller's to close. `*out` is NULL where there is nothing to rename: a device, a
 * FIFO, an open descriptor by its name, a mount; and a file whose folder, owner or sticky bit
 * forbids to replace it, which is written in place. A link stays one; owner and permissions stay.
 * NULL with `e` where it cannot be written. Before privilege is dropped.
 */
FILE *beside_open(struct beside *b, const char *path, struct beside_file **out, struct err *e);
/* The same, but never in place: what is there is still to be read. */
FILE *beside_open_only(struct beside *b, const char *path, struct beside_file **out, struct err *e);
/* Would both take the same name? NULL is none. */
bool beside_same(const struct beside_file *a, const struct beside_file *b);
/*
 * Before privilege is dropped: a process that keeps the right to the folders, for the files that
 * are open by now, and does nothing but name what is whole. When this process ends, however it
 * does, it takes away what is not. None where there are no files. -1 with `e` where none can be
 * made: then nothing would have its name in the end.
 */
int beside_keep(struct beside *b, struct err *e);
/* What was written through the FILE, and flushed, takes its name. NULL is none. */
int beside_commit(struct beside_file *f, struct err *e);
/* Nothing of it stays, and what was there before does. NULL is none. */
void beside_abandon(struct beside_file *f);
/* Abandons what was not committed, and waits for the keeper. */
void beside_end(struct beside *b);

#endif
