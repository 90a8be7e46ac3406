/*
 * sweep_private: what the files of the sweep share: passes (sweep.c), sending (sweep_send.c),
 * replies (sweep_receive.c), and the window's verdicts (sweep_flush.c). Nobody else includes it.
 *
 * A window is `size` places of the permutation; a slot is place * n_kinds + kind.
 */
#ifndef ENGINE_SWEEP_PRIVATE_H
#define ENGINE_SWEEP_PRIVATE_H

#include "engine/cookie.h"
#include "engine/hosts.h"
#include "engine/pace.h"
#include "engine/permute.h"
#include "engine/slab.h"
#include "engine/sweep.h"
#include "packet/craft.h"

enum {
	SLAB_LIMIT = 1 << 19,  /* ports that answered, from which on a window closes early */
	TIMES_MAX = 1 << 20,   /* send times kept a pass; beyond, one for a run of slots */
	RESPONDERS_MAX = 4096, /* distinct senders of ICMP errors remembered */
	TRIES_MAX = RETRIES_MAX + 1,
};

struct path_fate {
	bool dead;
	unsigned
	    pass; /* when it died: of slots below `slot`, pass + 1 tries were made, else pass */
	uint64_t slot;
};

struct sweep {
	const struct sweep_config *c;
	struct wire *w;
	const struct record_sink *sink;
	struct permute perm;
	struct craft *craft;
	struct pace pace;
	/* each kind as a cell of the battery at LISTEN and at CLOSED, -1 where it is none */
	int8_t listen_cell[PROBE_KINDS_MAX], closed_cell[PROBE_KINDS_MAX];
	struct hosts hosts;
	struct slab slab;
	struct summary_record sum;
	uint64_t start_ns;
	uint32_t ts_base; /* TSval of try 0; try n has ts_base + n */

	/* the window and the pass */
	uint64_t first, size; /* places */
	uint64_t slots, cursor;
	unsigned pass;
	uint64_t undone;    /* slots without a decisive answer, of those that have a route */
	uint64_t *done;	    /* bit a slot: nothing more to ask */
	uint64_t *unsent;   /* bit a slot: asked for in pass 0, and no try of it could be sent */
	uint32_t *times[2]; /* us since start (modulo 2^32) of pass & 1, by slot >> times_shift */
	unsigned times_shift;
	bool stopped; /* no further sending in this run */
	uint64_t last_send_ns, last_answer_ns;

	/* the estimate of loss: answers by the try that drew them */
	uint64_t drew[TRIES_MAX];
	uint64_t open_seen;
	struct path_fate *fates; /* per path */
	struct addr *responders;
	size_t n_responders;
	uint64_t tick_dropped, tick_errors, progress_ns, progress_sent;
	uint64_t last_pass_dropped;
	/* what makes the run incomplete, whichever window it was in */
	uint64_t drops_unheard; /* in a last pass that left something unanswered */
	bool too_lossy, no_room;
	uint64_t pathless; /* places of this window that have no route */
};

static inline bool bit_get(const uint64_t *v, uint64_t i)
{
	return v[i / 64] >> (i % 64) & 1;
}

static inline void bit_set(uint64_t *v, uint64_t i)
{
	v[i / 64] |= 1ULL << (i % 64);
}

static inline void bit_clear(uint64_t *v, uint64_t i)
{
	v[i / 64] &= ~(1ULL << (i % 64));
}

/* Tries a kind may take, and so the width of its block of source ports. */
unsigned sweep_tries_max(const struct sweep_config *c);
uint16_t sweep_sport(const struct sweep_config *c, unsigned kind, unsigned try);
/* What went out, or would, on that tuple; dst as in the space. */
void sweep_sent(const struct sweep_config *c, const struct addr *dst, uint16_t dport,
		uint16_t sport, unsigned kind, struct sent *out);
uint32_t sweep_now_us(const struct sweep *s, uint64_t ns);

/* What leaves at once: the packets, and the slots that they ask. */
struct batch {
	struct wire_out v[PACE_BATCH];
	uint64_t slot[PACE_BATCH];
	uint8_t bytes[PACE_BATCH][SEGMENT_MAX + 60];
	unsigned n;
};

/* The next slot at or after the cursor that is not done; `slots` where there is none. */
uint64_t sweep_next_slot(const struct sweep *s);
/* Sends as many of the pass's slots as the pace allows now, and accounts for each. */
void sweep_send_some(struct sweep *s, struct batch *b, uint64_t now);
/* Asks the wire for each path; one that is down is buried, and the run stops where all are. */
void sweep_check_paths(struct sweep *s);
bool sweep_all_paths_dead(const struct sweep *s);

void sweep_on_frame(void *ctx, const struct wire_in *in); /* wire_frame_fn */

double sweep_loss(const struct sweep *s); /* of the round trip; < 0: nothing answered */

/* Judges and renders the window, and forgets it. */
void sweep_flush(struct sweep *s);
/* Tells how the run ended. */
void sweep_summarize(struct sweep *s);
/* A reply of an earlier window: a record that stands on it alone. */
void sweep_correct(struct sweep *s, uint64_t index, const struct reply *r);
/* Tells open_found of a port that has just shown a listener. */
void sweep_found(struct sweep *s, uint64_t index, const struct reply *r);

/* Finds the kinds in the battery, once. */
void sweep_find_cells(struct sweep *s);
/* Puts what the port's replies show of the stack's form into the facts, first come, first kept. */
void sweep_note_port(const struct sweep *s, const struct host *h, const struct addr *addr,
		     uint16_t port, const struct observation *o, const struct verdict *v,
		     struct stack_facts *facts);
void sweep_judge_family(struct stack_facts *facts, struct host_record *rec);

#endif
