/* script_private: what the driver's parts share: script (hosts, pacing), script_talk (what one talk
 * does next) and script_frames (what a frame is to it). */
#ifndef ENGINE_SCRIPT_PRIVATE_H
#define ENGINE_SCRIPT_PRIVATE_H

#include "engine/script.h"

/* What is under way, or was: a talk is kept after its end for answers that come late. */
struct talk {
	const struct step *step; /* NULL: over */
	const struct form *form;
	uint32_t tag;
	uint16_t dport, sport;
	bool began; /* the step's action was taken at least once */
	bool raw, known, sent_form, peer_fin, has_ts, fin_sent, answered;
	uint8_t tries; /* of the step */
	int conn;      /* -1: none */
	/* of the connection: what the peer expects next from us, its first octet, and what it sends
	 * next itself; our initial number; time stamps to be used */
	uint32_t nxt, peer_first, peer_nxt, iss, tsval, tsecr;
	uint64_t step_ns, rtt_ns; /* when the step began; the handshake's round trip, 0 unknown */
	uint64_t due_ns;	  /* the step's next moment: to act, or to give up waiting */
	struct exchange x;
};

struct party { /* a host that is being talked to */
	const struct script_host *host;
	struct talk *talks;
	size_t n, cap, first_open; /* talks before first_open are over */
	uint64_t wake_ns, paced_ns /* when the last paced segment left */, ask_ns;
	uint64_t gap_ns; /* as the program last wished */
	uint16_t next_sport, next_quiet;
};

struct script {
	const struct script_config *c;
	struct turns *t; /* within its callbacks */
	struct wire *w;
	struct turns_stats *stats;
	struct party *parties; /* one a place */
	size_t n_places, n_active, next_host, n_over;
	uint32_t *table; /* open addressing: 1 + place, by address */
	size_t table_size;
	uint64_t rested_ns;
	size_t conns;
};

uint32_t script_random(struct script *s);
/* Sends; false where it didn't leave. */
bool script_send(struct script *s, struct party *p, const struct segment *seg);

/* Sets a talk up from the wish. False where it can't be (memory). */
bool talk_begin(struct script *s, struct party *p, const struct talk_wish *wish);
/* Does what is due by `now`; true where a paced segment left (no other may before the gap). */
bool talk_run(struct script *s, struct party *p, struct talk *t, uint64_t now, bool may_send);
/* A frame for this talk. False where it is foreign after all. */
bool talk_take(struct script *s, struct party *p, struct talk *t, const struct packet *pk,
	       uint64_t at_ns);
/* Goes on to the next step, or to the end; ends it as it is. */
void talk_next(struct script *s, struct party *p, struct talk *t, uint64_t now);
void talk_end_with(struct script *s, struct party *p, struct talk *t, enum talk_end end);
/* Drops what is left of it: the kernel's socket, the half-open peer. */
void talk_drop(struct script *s, struct party *p, struct talk *t);

#endif
