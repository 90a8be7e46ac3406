/*
 * sweep_private: what the files of the sweep share: passes (sweep.c), sending (sweep_send.c),
 * replies (sweep_receive.c), and the window's verdicts (sweep_flush.c). Nobody else includes it.
 *
 * A window is `size` places of the permutation; a slot is place * n_kinds + kind.
 */
#ifndef ENGINE_SWEEP_PRIVATE_H
#define ENGINE_SWEEP_PRIVATE_H

#include "engine/canary.h"
#include "engine/cookie.h"
#include "engine/gates.h"
#include "engine/hosts.h"
#include "engine/lanes.h"
#include "engine/pace.h"
#include "engine/permute.h"
#include "engine/slab.h"
#include "engine/sweep.h"
#include "judge/siblings.h"
#include "packet/template.h"

enum {
	SLAB_LIMIT = 1 << 19,	 /* ports that answered, from which on a window closes early, */
	UNPROVED_MAX = 1 << 17,	 /* ports, beyond which none is kept that has no proof */
	WINDOW_BYTES = 25000000, /* or octets that all is kept in */
	TIMES_MAX = 1 << 18,	 /* send times kept a pass; beyond, one for a run of slots */
	RESPONDERS_MAX = 4096,	 /* distinct senders of ICMP errors remembered */
	TRIES_MAX = RETRIES_MAX + 1,
	PASSES_MAX = 200,	 /* of hosts with a reset limit; they fit an octet */
	HOSTS_KEPT = 1 << 16,	 /* beyond, a window's hosts are forgotten with it */
	HEARD_MAX_LOG2 = 25,	 /* hosts up to which each has a bit for "has answered" */
	HANDFUL = 16,		 /* ports of a silent host that are asked beside the likeliest, */
	HANDFUL_WORTH = 4,	 /* where there are at least so many times as many */
	RATE_FOR_LANES = 100000, /* packets/s from which on the sender threads are worth it */
	FAMILY_MEMOS = 4,
	SENT_AT_ONCE = 16,	   /* batches filled before the answers are looked at */
	PASSED_OVER_AT_ONCE = 512, /* slots looked at in vain before the answers are looked at */
	LIMIT_CLEAN = 3, /* passes below a reset limit after which silence is believed, at least */
	STARVED_NS = 500000,  /* between looks at what the sender threads have left over */
	IN_VAIN_NS = 1000000, /* between looks at slots that are all held back */
	HOLD_NS = 20000000,   /* after which a host that could not be reached is tried again, */
	FULL_NS = 2000000,    /* and after which all are where buffers were full */
	GATEWAY_AGAIN_NS = 50000000, /* after which its loss is another one */
};

/* Without any room by a path, after which nothing more is expected of it. Longer than a table full
 * of neighbours that don't exist has none for one more: three seconds. */
static const uint64_t GIVE_UP_ROOM_NS = 5000000000;

struct path_fate {
	bool dead;
	unsigned
	    pass; /* when it died: of slots below `slot`, pass + 1 tries were made, else pass */
	uint64_t slot;
	bool heard;	  /* something came back */
	uint64_t lost_ns; /* when our own kernel first said that the gateway keeps silent; 0: not */
	uint64_t full_ns; /* nothing could leave since then for want of room; 0: it can */
};

/* One time through the slots of a pass; what is held back is tried again in the next. */
struct round {
	uint64_t sent;	     /* packets */
	uint64_t held;	     /* slots held back by a gate, or for want of a neighbour or room */
	uint64_t given_up;   /* slots of hosts that have never answered, beyond their handful */
	uint64_t heard_then; /* hosts that had answered when it began */
	bool over;
};

/* What the family of a host was told by, and what it was (sweep_family.c). */
struct family_shape {
	struct exchange cells[2]; /* LISTEN, CLOSED */
	bool has[2];
	uint8_t family;
};

struct family_memo {
	bool known;
	struct family_shape shape;
	enum stack_family family;
	enum confidence confidence;
};

struct sweep {
	const struct sweep_config *c;
	struct wire *w;
	const struct record_sink *sink;
	struct permute perm;
	struct craft *craft;
	struct template **templates; /* path * n_kinds + kind; made when first needed */
	struct lanes *lanes;
	struct pace pace;
	struct gates *gates;
	struct canary canary;
	/* each kind as a cell of the battery at LISTEN and at CLOSED, -1 where it is none */
	int8_t listen_cell[PROBE_KINDS_MAX], closed_cell[PROBE_KINDS_MAX];
	struct hosts hosts;
	/* bit a host: has answered, itself, in whatever window; NULL: too many hosts */
	uint64_t *heard, *up;
	uint64_t n_heard, n_gone;
	struct slab slab;
	struct summary_record sum;
	uint64_t start_ns;
	uint32_t ts_base; /* TSval of try 0; try n has ts_base + n */

	struct family_memo memos[FAMILY_MEMOS];
	unsigned next_memo;

	/* the window and the pass */
	uint64_t first, size; /* places */
	uint64_t largest;     /* size of the largest window yet */
	uint64_t slots, cursor;
	unsigned pass;
	struct round round;
	unsigned rounds;       /* of this pass that are over */
	uint64_t refused;      /* bit a host of the first 64: a gate holds it back now */
	bool starved, in_vain; /* why sweep_send_some sent no more: no batch, or all is held back */
	uint64_t full_until_ns; /* until then nothing is sent at all: buffers were full */
	uint64_t hold_until_ns; /* until then nothing is sent that was held back before */
	uint64_t pass_sent;	/* in the rounds of this pass that are over */
	bool limited_only;	/* this pass asks only hosts with a reset limit */
	unsigned spared;	/* how many passes of the window did, this one included */
	unsigned late;		/* passes that the latest host to answer has missed */
	uint64_t undone;	/* slots without a decisive answer, of those that have a route */
	size_t words;		/* of the largest window's bits */
	uint64_t *done;		/* bit a slot: nothing more to ask */
	uint64_t *pending;	/* bit a slot: still to be asked in this pass */
	uint64_t *unsent;	/* bit a slot: no try of it has left */
	uint64_t *failed;	/* bit a slot: one of them could not; NULL: of none */
	bool spoilt;		/* silence in this window may be our own fault */
	uint32_t *times[2];	/* us since start (modulo 2^32) of pass & 1, by slot >> times_shift;
				   0: not known yet */
	unsigned times_shift;
	bool stopped; /* no further sending in this run */
	uint64_t last_send_ns, last_answer_ns;
	uint64_t oldest_ns, waited_ns; /* the first frame of a reading; how long such ones waited */
	uint64_t frame_ns, heard_ns; /* the last frame's; all that came until then has been read */

	/* the estimate of loss: answers by the try that drew them, and of SYN-ACKs alone */
	uint64_t drew[TRIES_MAX], drew_syn_ack[TRIES_MAX];
	uint64_t open_seen;
	struct path_fate *fates; /* per path */
	struct addr *responders;
	size_t n_responders;
	struct pace_seen seen; /* since the pace's last tick */
	uint64_t tick_ns, tick_dropped, progress_ns, progress_sent;
	uint64_t last_pass_dropped;
	unsigned drop_passes; /* of this window, made for nothing but what the capture dropped */
	/* what makes the run incomplete, whichever window it was in */
	uint64_t drops_unheard; /* in a last pass that left something unanswered */
	bool too_lossy, no_room, send_failed;
	uint64_t pathless; /* places of this window that have no route */
	uint64_t known;	   /* places of this window that an earlier run has found out */
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
/* The latest pass that the port of that try was used in; UINT_MAX: not yet. */
unsigned sweep_pass_of(const struct sweep *s, unsigned try);
uint16_t sweep_canary_sport(const struct sweep_config *c);
/* What went out, or would, on that tuple; dst as in the space. */
void sweep_sent(const struct sweep_config *c, const struct addr *dst, uint16_t dport,
		uint16_t sport, unsigned kind, struct sent *out);
uint32_t sweep_now_us(const struct sweep *s, uint64_t ns);

/* Where there are too many hosts for a bit each: since the window's hosts were last forgotten. */
static inline bool sweep_has_answered(const struct sweep *s, uint64_t host)
{
	return s->heard ? bit_get(s->heard, host) : hosts_find(&s->hosts, host) != NULL;
}

/* The slot of a canary in a batch: it asks what has answered, and no slot waits for it. */
#define CANARY_SLOT UINT64_MAX

/* --- sweep_window.c ------------------------------------------------------------------------- */
/* Makes the window that begins at `first`, of at most `most` places. */
int sweep_window_open(struct sweep *s, uint64_t first, uint64_t most, struct err *e);
/* The window ends before the place of that number in it, of which none later has been asked. */
void sweep_window_end_at(struct sweep *s, uint64_t places);
/* Hosts of which an earlier run has heard exist. */
void sweep_note_known(struct sweep *s);
/* What is known of earlier runs: the first place at or after `place` that is to be asked; the end
 * of the shard where there is none. */
uint64_t sweep_unknown_from(const struct sweep *s, uint64_t place);
/* The first known place at or after `place`, or the end likewise. */
uint64_t sweep_known_from(const struct sweep *s, uint64_t place);
bool sweep_is_known(const struct sweep *s, uint64_t index);
uint64_t sweep_end(const struct sweep *s); /* of the shard's places */
/* A try of the slot could not leave, and will not. */
void sweep_note_failed(struct sweep *s, uint64_t slot);
/* Did that befall a slot of the window that has kept silent? */
bool sweep_any_failed(const struct sweep *s);
/* All slots that are not done become pending. */
void sweep_begin_pass(struct sweep *s);
/* Is a host given up after a handful of silent ports, so far as is known? And is the slot one of
 * the handful? */
bool sweep_gives_up(const struct sweep *s, const struct point *at);
bool sweep_in_handful(const struct sweep *s, const struct point *at, uint64_t slot);
/* Tries that the slot has had, so far as it depends on passes alone. */
unsigned sweep_tries_of(const struct sweep *s, const struct point *at, uint64_t slot);

/* --- sweep_send.c ---------------------------------------------------------------------------- */
/* One for each kind on each path, before anything is sent: later, memory may be short. */
int sweep_make_templates(struct sweep *s, struct err *e);
/* Sends as many of the pass's slots as the pace allows now. */
void sweep_send_some(struct sweep *s, uint64_t now);
/* Accounts for what has left. */
void sweep_collect(struct sweep *s);
/* Keeps the times of what is just leaving. */
void sweep_note_times(struct sweep *s);
/* When more can be sent, if the round isn't over. */
uint64_t sweep_gates_next(const struct sweep *s, uint64_t now);
uint64_t sweep_next_send(const struct sweep *s, uint64_t now);
/* The path carries nothing more, and that is how the run ends. */
void sweep_bury_path(struct sweep *s, uint16_t path, enum run_end end, const struct err *why);
/* Asks the wire for each path; one that is down is buried, and the run stops where all are. */
void sweep_check_paths(struct sweep *s);
bool sweep_all_paths_dead(const struct sweep *s);

/* --- sweep_receive.c -------------------------------------------------------------------------- */
void sweep_on_frame(void *ctx, const struct wire_in *in); /* wire_frame_fn */
/* Nobody is there: the link says so. */
void sweep_host_gone(struct sweep *s, const struct point *at);

/* --- sweep_own.c ------------------------------------------------------------------------------ */
/* An answer that is this machine's own: taken in, and true where it is none to the probe. */
bool sweep_take_own_word(struct sweep *s, const struct packet *p, const struct point *at,
			 uint64_t slot, const struct reply *r, uint64_t now);
/* A gateway that did not answer once, and by which nothing came since, is believed to be silent:
 * of what waited for it the kernel lost the most without a word. */
void sweep_bury_unheard(struct sweep *s);

double sweep_loss(const struct sweep *s); /* of the round trip; < 0: nothing answered */
/* Passes below a reset limit after which silence is believed, as far as loss allows. */
unsigned sweep_clean_enough(const struct sweep *s);

/* Judges and renders the window, and forgets it. */
void sweep_flush(struct sweep *s);
/* Tells how the run ended. */
void sweep_summarize(struct sweep *s);
/* A reply of an earlier window: a record that stands on it alone. */
void sweep_correct(struct sweep *s, uint64_t index, const struct reply *r);
/* Tells open_found of a port that has just shown a listener. */
void sweep_found(struct sweep *s, uint64_t index, const struct reply *r);

/* What the port replied, and to what; neither DF nor options, which no reply keeps. */
void sweep_fill_exchange(const struct sweep *s, const struct addr *addr, uint16_t port,
			 const struct reply *r, struct exchange *x);
/* Names who sent what the verdict rests on, by what the host's other ports replied. */
void sweep_judge_origin(const struct sweep *s, const struct siblings *sib, const struct point *at,
			const struct observation *o, struct verdict *v);

/* Finds the kinds in the battery, once. */
void sweep_find_cells(struct sweep *s);
/* Puts what the port's replies show of the stack's form into the facts, first come, first kept. */
void sweep_note_port(const struct sweep *s, const struct host *h, const struct addr *addr,
		     uint16_t port, const struct observation *o, const struct verdict *v,
		     struct stack_facts *facts);
void sweep_judge_family(struct sweep *s, struct stack_facts *facts, struct host_record *rec);

#endif
