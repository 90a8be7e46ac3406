/*
 * tryout: asks a few ports of one address by a raw SYN each, and by a connection of the kernel's
 * beside it, and tells what came of either. What that says of this machine is judge/doctor's.
 */
#ifndef ENGINE_TRYOUT_H
#define ENGINE_TRYOUT_H

#include "base/addr.h"
#include "judge/doctor.h"
#include "wire/wire.h"

struct tryout_config {
	uint16_t path;
	struct addr dst;
	uint16_t ports[DOCTOR_ASKS];
	size_t n;
	uint16_t sport_first; /* held: n for raw SYNs, and with `connect` n more */
	bool connect;
	uint32_t seed;	      /* sequence numbers */
	uint64_t patience_ns; /* in all, where nothing answers */
	uint64_t tail_ns;     /* for the rest, from the first answer on */
};

/* Fills out[0 .. n - 1]. The wire captures both ways, or no RST of the kernel's is seen to leave.
 * -1 with `e` where nothing can be sent or captured at all. */
int tryout_run(struct wire *w, const struct tryout_config *c, struct doctor_asked *out,
	       struct err *e);

#endif
