/*
 * turns: the loop of whoever converses: wait for frames or the next moment, hand both to an actor,
 * end when it is over, told to, or broken. Script, walk and stage are actors. It sends for them and
 * counts; what a segment means it doesn't know.
 */
#ifndef ENGINE_TURNS_H
#define ENGINE_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "judge/record.h"
#include "packet/craft.h"
#include "packet/decode.h"
#include "wire/wire.h"

#define TURNS_OVER UINT64_MAX

struct turns_config {
	uint64_t seed;	      /* of the numbers in segments; must be secret */
	uint64_t deadline_ns; /* duration of the whole run; 0 none */
	/* Every segment sent and every frame that was somebody's, from its IP header on; NULL: not
	 * kept. With `frames_only` only frames: who captures both ways has the others too. */
	void (*evidence)(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len);
	void *evidence_ctx;
	bool frames_only;
};

struct turns_stats {
	enum run_end end;
	char why[256];
	uint64_t sent, answered, retried, late, foreign, send_errors;
	int send_errno; /* of the first of send_errors that had one */
	double elapsed_s;
	struct wire_stats wire;
};

struct turns {
	const struct turns_config *c;
	struct wire *w;
	struct craft *craft;
	struct turns_stats *stats;
	uint64_t began_ns, rng;
	unsigned events;	  /* of this turn */
	const struct wire_in *in; /* the frame that `take` is about; NULL outside of it */
};

struct turns_actor {
	/* Does what is due. When to look again, TURNS_OVER: never, all is over. */
	uint64_t (*serve)(void *ctx, struct turns *t, uint64_t now_ns);
	/* A TCP segment or an ICMP error that quotes ports. False: none of ours. */
	bool (*take)(void *ctx, struct turns *t, const struct packet *pk, uint64_t at_ns);
	/* A turn brought no frame: are the paths up? May be NULL. */
	void (*idle)(void *ctx, struct turns *t);
	/* Now and then, for a progress line; at once where it is `asked` for, by SIGUSR1. May be
	 * NULL. */
	void (*progress)(void *ctx, struct turns *t, bool asked);
	/* The run ends, stats->end says how; segments that tidy up can still be sent. */
	void (*over)(void *ctx, struct turns *t);
};

/* Runs until the actor is over. -1 and `e` only where memory or libnet fails at the start. */
int turns_run(const struct turns_config *c, struct wire *w, const struct turns_actor *a, void *ctx,
	      struct turns_stats *out, struct err *e);

/* Whose a frame is, as our own segments have it, which errors quote. */
struct turns_ends {
	const struct addr *far;
	uint16_t ours, theirs;
};
struct turns_ends turns_ends_of(const struct packet *pk);

/* For actors, within their callbacks. */
uint32_t turns_random(struct turns *t);
/* False where it didn't leave: counted. `*at_ns` (may be NULL) is when. */
bool turns_send(struct turns *t, uint16_t path, const struct segment *seg, uint64_t *at_ns);
/* One is counted that never left; 0: nobody said why. */
void turns_unsent(struct turns *t, int errnum);
/* The same for who has his own mind about errors: 0, or wire_out.error, which is not counted. */
int turns_post(struct turns *t, uint16_t path, const struct segment *seg, uint64_t *at_ns);
/* False where the path is down; the run's end and why are then set, once. */
bool turns_path_up(struct turns *t, uint16_t path);

#endif
