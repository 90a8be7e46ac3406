/*
 * walk_private: what the parts of walk share: walk (which walks, in which order), walk_send (what
 * is due of one, and how fast), walk_take (which TTL a reply names), walk_inside (copies within a
 * connection) with walk_inside_take (what its frames say).
 */
#ifndef ENGINE_WALK_PRIVATE_H
#define ENGINE_WALK_PRIVATE_H

#include "engine/rtt.h"
#include "engine/walk.h"

enum {
	WALK_TRIES_MAX = 8,
	WALK_STEPS = TRACE_TTL_MAX * 2 * WALK_TRIES_MAX, /* each TTL twice: a careful walk */
	/* Between the numbers of two steps: more than any payload, and more than the window of a
	 * half-open connection, so that no step is ever within the window of another. */
	WALK_STRIDE = 1 << 17,
	WALK_CONFIRMS = 3,
	WALK_INSIDE_WINDOW = 1021, /* of the copies: one that nobody else would choose */
};
#define WALK_NEVER UINT64_MAX

/* What left: in a walk its place in the order of sending is in its numbers. */
struct walk_step {
	uint64_t at_ns;
	uint8_t ttl, try; /* from 0 */
};

struct course { /* one walk under way, outside of a connection */
	struct trace_walk *w;
	struct walk_step *steps;
	size_t n_steps, careful_from; /* the first step of the careful walk */
	uint32_t seq, ack, tsval;     /* of step 0 */
	uint16_t ip_id;
	uint8_t end;  /* the first TTL with a reply; 0: none */
	uint8_t told; /* the next hop that the caller hears of; beyond max_ttl: no more */
	unsigned failures, unproved; /* what came for it without its numbers */
	uint64_t last_ns, paused_ns; /* the last step; nothing before */
	/* Answers come that name no TTL: one TTL at a time, all from the beginning. */
	bool careful;
	uint64_t sent_ns[TRACE_TTL_MAX + 1];
	uint8_t spent[TRACE_TTL_MAX + 1]; /* tries before it became careful */
	bool fresh[TRACE_TTL_MAX + 1];	  /* answered since */
};

/* How many more may expire at one TTL, over all walks: a bucket of time, as in Linux' own limit. */
struct allowance {
	uint64_t credit_ns, at_ns, deaf_ns;
	unsigned asked;
	bool heard; /* a router there does say when a segment expires */
};

enum inside_stage { INSIDE_NOT, INSIDE_CONNECT, INSIDE_ASK, INSIDE_REST, INSIDE_SERVICE };

struct inside {
	enum inside_stage stage;
	bool begun, known, has_ts;
	int conn;	   /* -1: none */
	unsigned round;	   /* 0: the walk; then confirmations */
	bool contradicted; /* a confirmation came out otherwise */
	uint8_t drawn;	   /* the TTL that drew the RST of this round; 0: none did */
	uint8_t candidate; /* the TTL to be confirmed */
	uint8_t distance;  /* the target's */
	uint8_t ttl, last; /* what is asked now, and at most */
	uint8_t told;	   /* the last hop that the caller heard of */
	uint16_t sport, ip_id;
	uint32_t nxt, peer_nxt, tsval, tsecr;
	uint64_t due_ns, open_ns;
	struct trace_walk *w;	 /* of this round */
	struct trace_walk *main; /* of the first, which is handed out */
	struct trace_walk spare; /* confirmations are not handed out */
	struct walk_step steps[TRACE_TTL_MAX * WALK_TRIES_MAX];
	size_t n_steps;
	unsigned unproved;
	struct sent sent; /* the copies; what the kernel wrote */
	uint64_t written_ns;
};

struct walker {
	const struct walk_config *c;
	struct trace_facts *f;
	const struct probe *probe; /* of the main walks */
	unsigned tries;
	uint16_t payload_max; /* octets that fit into what we send */
	uint64_t timeout_ns, slowest_ns;
	struct rtt rtt;
	uint8_t farthest; /* TTL that was ever answered */
	bool failed;	  /* a link is down, or nothing leaves */
	bool flooded;	  /* answers come that can't be to what was sent: only our numbers count */
	unsigned n_beside;
	struct allowance allow[TRACE_TTL_MAX + 1];
	struct course courses[TRACE_WALKS_MAX]; /* as f->walks; of the inside walk empty */
	struct course *by_port[TRACE_FLOWS_MAX + WALK_PORTS_BESIDE];
	struct inside in;
	struct walk_step *steps;
};

/* --- walk ----------------------------------------------------------------------------------- */

/* The next place in f->walks, or NULL where there is none. */
struct trace_walk *walk_add(struct walker *k, enum trace_role role, const struct probe *probe,
			    uint16_t sport, uint16_t dport);
/* A held port that no walk has used; false: there is none left. */
bool walk_port_beside(struct walker *k, uint16_t *sport);
void walk_tell(const struct walker *k, const struct trace_walk *w, const struct trace_hop *h);

/* --- walk_send ------------------------------------------------------------------------------ */

void course_begin(struct walker *k, struct turns *t, struct course *c, uint8_t first);
/* Sends what is due. When to look again; WALK_NEVER: it is over. */
uint64_t course_serve(struct walker *k, struct turns *t, struct course *c, uint64_t now);
/* The numbers of a step. */
void course_sent(const struct walker *k, const struct course *c, size_t step, struct sent *out);
uint16_t course_ip_id(uint16_t first, size_t step);
/* How long the answer of a TTL is waited for, in its try from 0 on. */
uint64_t walk_wait(const struct walker *k, uint8_t ttl, unsigned try);
/* May a segment that may expire at this TTL leave now? Else `*at_ns` is when. */
bool walk_may(struct walker *k, uint8_t ttl, uint64_t now, uint64_t *at_ns);
void walk_spend(struct walker *k, uint8_t ttl, uint64_t now);
void walk_refund(struct walker *k, uint8_t ttl); /* it didn't expire after all */
uint16_t walk_window(const struct walk_config *c, const struct probe *probe);

/* --- walk_take ------------------------------------------------------------------------------ */

bool course_take(struct walker *k, struct turns *t, struct course *c, const struct packet *pk,
		 uint64_t at_ns);
/* Is it an exact answer to a step of the walk? */
bool course_owns(const struct walker *k, const struct course *c, const struct packet *pk);
bool walk_is_expiry(const struct packet *pk);
/*
 * Counts one more in `*unproved` that has none of our numbers, for `n_steps` segments. A box that
 * resets badly sends a few for each; from a flood on, which sees none of them, such are not taken
 * any more, and those that were are forgotten.
 */
bool walk_is_flooded(struct walker *k, unsigned *unproved, size_t n_steps);
/* Takes an answer, complete with its times, into its hop. True where the hop had none. */
bool walk_note(struct walker *k, struct turns *t, struct trace_hop *h, const struct exchange *x,
	       bool expiry);
void walk_times(struct exchange *x, const struct walk_step *step, uint64_t at_ns);
/* The step whose IP ID, counted from `first`, an ICMP error quotes; false: none. */
bool walk_step_of_id(uint16_t first, size_t n_steps, const struct packet *pk, size_t *step);

/* --- walk_inside ---------------------------------------------------------------------------- */

bool inside_begin(struct walker *k, struct turns *t);
uint64_t inside_serve(struct walker *k, struct turns *t, uint64_t now);

/* --- walk_inside_take ----------------------------------------------------------------------- */

bool inside_take(struct walker *k, struct turns *t, const struct packet *pk, uint64_t at_ns);
void inside_drop(struct walker *k, struct turns *t);

#endif
