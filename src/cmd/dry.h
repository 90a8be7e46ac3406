/* dry: struct wire that sends nothing: each packet is printed in packetdrill's notation. */
#ifndef CMD_DRY_H
#define CMD_DRY_H

#include <stdio.h>

#include "wire/wire.h"

enum { DRY_SPORT = 40000 }; /* for who holds no ports */

struct dry_wire {
	struct wire wire; /* first: the engine's view */
	FILE *out;
	uint64_t now_ns;
};

/* `paths` borrowed. Nothing is opened, no privilege is needed. */
void dry_init(struct dry_wire *d, FILE *out, const struct path *paths, size_t n_paths);

#endif
