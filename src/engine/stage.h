/*
 * stage: plays a scenario of `provoke` with one service, as an actor of turns. A scene is const
 * lists of steps (scenes.c), one list a *strand*; a strand uses lines (connections): of the
 * kernel's beside which raw segments go, or raw ones from a quiet port. It writes down what
 * happened; what it means judge/provoke says.
 */
#ifndef ENGINE_STAGE_H
#define ENGINE_STAGE_H

#include "engine/turns.h"
#include "judge/battery.h"
#include "judge/provoke.h"

/* What can be waited for, and branched on; bits. */
enum stage_sees {
	SEES_SYN_ACK = 1, /* another one, after the first */
	SEES_ACK = 2,	  /* an ACK without payload that answers the mark */
	SEES_DATA = 4,
	SEES_FIN = 8,
	SEES_RST = 16,
	SEES_ICMP = 32,
	SEES_TAKEN = 64,    /* all that we wrote is acknowledged */
	SEES_SILENCE = 128, /* the wait ran out */
	SEES_BLOCKED = 256, /* our socket takes no more: the service doesn't read */
};

enum act_op {
	ACT_END,
	ACT_CONNECT,	 /* a kernel socket; a strand whose connect fails ends */
	ACT_RAW_CONNECT, /* SYN, and the ACK to the SYN-ACK, from a quiet port */
	ACT_RAW_SYN,	 /* only the SYN, from a quiet port */
	ACT_SEND,   /* `form` from the line's numbers, once or until `tries`; its answer goes to
		       `mark` */
	ACT_LIVE,   /* one old octet: alive or gone, into at[mark].after; where nothing was asked at
		     * the mark, question and answer as well */
	ACT_WRITE,  /* the job's octets, until they are acknowledged, or for the wait nothing moves;
		     * `arg`: so many, going on where the last WRITE ended, 0: all. With a `mark`
		     * (not MARK_SYN) until the answer to it. Raw lines send one segment at a time */
	ACT_READ,   /* the application reads until EOF, an error or `wait`; `arg` octets a second,
		     * 0: as it comes */
	ACT_AWAIT,  /* until one of `until`, or the wait's end */
	ACT_REST,   /* the same, in other words for the user */
	ACT_ANSWER, /* raw lines: from now on acknowledge what comes (`arg` 1) or stay dumb (0) */
	ACT_SHUTDOWN,
	ACT_CLOSE, /* in peace: reads away what there is, FIN; by RST where the service doesn't
		    * close within the wait */
	ACT_ABORT, /* SO_LINGER 0 and close: RST; a raw line: the exact RST */
};

enum { ACT_HOLD = UINT32_MAX /* as wait_ms: --hold, or the line's rest */, ACT_JUMPS = 2 };

struct act {
	enum act_op op;
	uint8_t line; /* relative to the strand's first */
	uint8_t mark; /* enum mark */
	uint8_t tries;
	const struct form *form; /* SEND */
	uint32_t wait_ms;	 /* 0: the config's wait */
	uint32_t arg;		 /* CONNECT: octets of the receive buffer, 0: the kernel's */
	uint32_t until;		 /* AWAIT: bits of stage_sees */
	/* After it: where one of `on` was seen, go to act `to` of the list; else the next. */
	struct {
		uint32_t on;
		uint8_t to;
	} jump[ACT_JUMPS];
};

struct scene {
	const struct act *acts; /* ends with ACT_END */
	uint8_t lines;		/* of one strand */
	bool rounds; /* idle: strands side by side, and again, as provoke_idle_rests says */
};
extern const struct scene scenes[SCENARIOS];

enum { STAGE_PORTS = 32, STAGE_QUIET = 8 };

struct stage_config {
	enum scenario scenario;
	struct addr dst;
	uint16_t path; /* index into wire.paths */
	uint16_t dport;
	uint16_t sport_first; /* held: STAGE_PORTS, the wire's quiet ones after them */
	uint8_t ttl;	      /* 0: 64 */
	/* what ACT_WRITE writes: `head`, then `body` octets of the alphabet over and over */
	const uint8_t *head;
	size_t head_len;
	uint64_t body;
	uint64_t wait_ns; /* for an answer, 0: 1 s */
	uint64_t hold_ns; /* 0: the scenario's own */
	size_t conns_max;
	/* Every frame of ours and theirs, in order, for who keeps the evidence. May be NULL. */
	void (*witness)(void *ctx, const struct packet *pk, uint64_t at_ns);
	void *witness_ctx;
	/* What it does just now, a few words: for the progress line. May be NULL. */
	void (*progress)(void *ctx, const char *doing, uint64_t until_ns, bool asked);
	void *progress_ctx;
};

/* Fills `out`. -1 and `e` only where memory or libnet fails at the start; the rest is in stats. */
int stage_run(const struct stage_config *c, const struct turns_config *t, struct wire *w,
	      struct provoke_facts *out, struct turns_stats *stats, struct err *e);

#endif
