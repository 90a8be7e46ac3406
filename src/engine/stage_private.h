/* stage_private: what the stage's parts share: stage (strands and their turns), stage_acts (what
 * an application does), stage_asks (what is asked), stage_frames (what a frame tells), stage_send
 * (segments). */
#ifndef ENGINE_STAGE_PRIVATE_H
#define ENGINE_STAGE_PRIVATE_H

#include "engine/stage.h"
#include "judge/http_head.h"

enum { STAGE_INJECTED = 4 };
#define NS_PER_MS UINT64_C(1000000)

/* A segment of ours, as it is known again when the capture shows it. */
struct trail {
	struct sent sent;
	uint16_t win;
};

/* A connection, or a port from which strays are sent. */
struct line {
	struct line_facts *f; /* NULL: not used yet */
	int conn;	      /* the kernel's; -1: none */
	bool quiet;	      /* raw, where our kernel doesn't clean up */
	bool half_open;	      /* raw: the service may have something of it */
	bool known;	      /* the numbers below */
	bool answers;	      /* raw: acknowledges what comes */
	bool handshaken;      /* raw: our ACK completes the handshake, again where it was lost */
	bool has_ts, fin_sent, fin_acked;
	bool wants;	   /* WRITE isn't done */
	bool wrote_marked; /* a WRITE was put to a mark: the next one is the one "again" */
	/* what the service has acknowledged; what we have sent; our FIN's number */
	uint32_t iss, una, nxt, fin_seq;
	/* its highest number; what we can acknowledge of it, and did */
	uint32_t peer_max, rcv_nxt, ack_sent;
	/* what our end has acknowledged, and the end of the window that it has offered, where that
	 * was seen */
	bool has_wscale, offered;
	uint8_t wscale;
	uint32_t low, edge;
	uint32_t tsval, tsecr, ts_base; /* ts_base: of a raw line's clock */
	bool win_zero;			/* our last window */
	uint32_t again_iss;		/* of SYNs on the line after the first; 0: none yet */
	uint64_t rtt_ns;		/* the handshake's; 0 unknown */
	unsigned had;			/* bits that stay: FIN, RST, ICMP */
	uint64_t wrote;			/* octets of the job */
	struct trail last;		/* ours, the kernel's or raw */
	uint64_t last_ns;
	struct trail injected[STAGE_INJECTED]; /* beside the kernel */
	unsigned n_injected;
};

struct strand {
	bool over, began;
	bool asks;     /* LIVE: the sign of life is itself the question of its mark */
	uint8_t at;    /* index of the act */
	uint8_t first; /* line */
	uint8_t tries;
	unsigned seen; /* of the act */
	/* of the act: when it began, when its wait ends; its next moment */
	uint64_t began_ns, end_ns, due_ns;
	/* WRITE: octets to be written, and those that were acknowledged when it last moved; READ:
	 * those before it */
	uint64_t goal, base;
	uint64_t sent_ns;	   /* WRITE, raw: the segment under way */
	uint32_t ask_seq, ask_ack; /* SEND: a retry repeats them */
};

struct stage {
	const struct stage_config *c;
	const struct scene *scene;
	struct turns *t; /* of the callback that runs */
	struct provoke_facts *out;
	struct line lines[PROVOKE_LINES];
	struct strand strands[PROVOKE_LINES];
	size_t n_strands;
	uint16_t next_held, next_quiet;
	uint64_t paced_ns;
	bool down;
	uint8_t head[HTTP_HEAD_MAX]; /* what was read first */
	size_t head_len;
};

/* stage.c */
static inline const struct act *strand_act(const struct stage *s, const struct strand *st)
{
	return &s->scene->acts[st->at];
}
static inline struct line *strand_line(struct stage *s, const struct strand *st)
{
	return &s->lines[st->first + strand_act(s, st)->line];
}
struct strand *stage_strand_of(struct stage *s, const struct line *l);
uint64_t stage_hold(const struct stage *s);
/* The act is done, `bits` being what was seen at its end: on to the next, or where they lead. */
void stage_act_over(struct stage *s, struct strand *st, unsigned bits, uint64_t at_ns);
/* The line can't be opened: so the strand ends. */
void stage_line_fails(struct stage *s, struct strand *st, enum line_end end);

/* stage_acts.c: one row an act */
struct stage_op {
	void (*run)(struct stage *s, struct strand *st, uint64_t now); /* its moment has come */
	/* A frame on its line, before the line's numbers are told of it; may be NULL. */
	void (*take)(struct stage *s, struct strand *st, const struct packet *pk, uint64_t at_ns);
	/* Bits were added to `seen`; NULL: it doesn't look at them. */
	void (*saw)(struct stage *s, struct strand *st, uint64_t at_ns);
	const char *words; /* for the progress line */
};
extern const struct stage_op stage_ops[];

/* stage_asks.c: the acts that put a question: RAW_*, SEND, LIVE, and the answer to WRITE */
void stage_run_connect(struct stage *s, struct strand *st, uint64_t now);
void stage_run_raw(struct stage *s, struct strand *st, uint64_t now);
void stage_run_send(struct stage *s, struct strand *st, uint64_t now);
void stage_run_live(struct stage *s, struct strand *st, uint64_t now);
void stage_take_connect(struct stage *s, struct strand *st, const struct packet *pk,
			uint64_t at_ns);
void stage_take_answer(struct stage *s, struct strand *st, const struct packet *pk, uint64_t at_ns);
uint64_t stage_wait(const struct stage *s, const struct strand *st, const struct line *l);
void stage_note_sent(const struct stage *s, struct exchange *x, const struct trail *sent,
		     uint64_t at_ns);

/* stage_frames.c */
bool stage_take_frame(struct stage *s, const struct packet *pk, uint64_t at_ns);
/* The numbers that a SYN-ACK brings. */
void stage_learn(struct line *l, const struct packet *pk);
/* Is it the service's window or keep-alive probe: nothing new, and nothing acknowledged? */
bool stage_is_probe(const struct line *l, const struct packet *pk);

/* stage_send.c: false where it didn't leave */
void stage_line_begins(struct stage *s, struct line *l, bool quiet);
bool stage_send_form(struct stage *s, struct line *l, const struct form *f, uint32_t random_seq,
		     uint32_t random_ack, struct trail *out, uint64_t *at_ns);
bool stage_send_syn(struct stage *s, struct line *l, struct trail *out, uint64_t *at_ns);
/* An ACK with `len` octets at `seq`. */
bool stage_send_ack(struct stage *s, struct line *l, uint32_t seq, const uint8_t *octets,
		    size_t len, struct trail *out, uint64_t *at_ns);
void stage_tidy(struct stage *s, struct line *l); /* the exact RST, where there is something */
size_t stage_room(const struct stage *s);	  /* octets that one segment of ours takes */

#endif
