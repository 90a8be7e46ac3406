/*
 * script: the driver for conversations. A *talk* is a const list of steps with one peer port: raw
 * segments, a kernel socket's connect and close, waits. A *host* has many talks, paced together, so
 * that no host is asked faster than its reset limit likes. What to ask next, and what the answers
 * mean, is the program's: two callbacks. It knows struct wire, never a socket.
 */
#ifndef ENGINE_SCRIPT_H
#define ENGINE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "engine/turns.h"
#include "judge/battery.h"
#include "judge/exchange.h"
#include "judge/record.h"
#include "wire/wire.h"

enum step_op {
	STEP_END,
	STEP_SEND,	/* the talk's form, from its numbers; waits for the answer; paced */
	STEP_RAW_SYN,	/* a SYN from a quiet port; its SYN-ACK leaves the peer in SYN-RECEIVED */
	STEP_CONNECT,	/* a kernel socket; the SYN-ACK and what follows give the numbers */
	STEP_SHUTDOWN,	/* our FIN; until the peer has acknowledged it */
	STEP_AWAIT_FIN, /* until the peer closes */
	STEP_CLOSE,	/* closes with FIN after the peer's; until it has acknowledged */
	/* one old octet: an ACK says alive, a RST gone; paced. Before SEND: does the connection
	 * stand at all? Else the talk ends there */
	STEP_LIVE,
};

struct step {
	enum step_op op;
	uint8_t tries;	  /* for what waits; 0: 1 */
	uint32_t wait_ms; /* for one try's answer; 0: the driver's wait */
};

enum talk_end {
	TALK_DONE,	  /* all steps were made; the exchange says what came back */
	TALK_REFUSED,	  /* RAW_SYN, CONNECT: a RST */
	TALK_NO_ANSWER,	  /* RAW_SYN, CONNECT, SHUTDOWN, CLOSE: silence */
	TALK_DIED,	  /* the connection was reset before the form was sent */
	TALK_PEER_CLOSED, /* FIN before the form was sent, where no AWAIT_FIN asked for it */
	TALK_MUTE,	  /* LIVE before the form: silence */
	TALK_NO_FIN,	  /* AWAIT_FIN: it didn't come */
	TALK_NO_QUIET,	  /* RAW_SYN: our kernel can't be kept silent here */
	TALK_FAILED,	  /* our side: descriptors, memory, a link */
};

/* What a program asks for. */
struct talk_wish {
	const struct step *steps; /* static */
	const struct form *form;  /* static; what STEP_SEND sends */
	uint16_t dport;
	uint32_t tag;	 /* the program's own */
	uint64_t gap_ns; /* between this host's paced segments from now on; 0: the config's pace */
};

struct script_host {
	struct addr addr;
	uint16_t path; /* index into wire.paths */
	void *ctx;     /* the program's own */
};

struct script_program {
	/* The next talk with this host. True with `out`; else false, and `*again_ns` is when to ask
	 * again (UINT64_MAX: after the next `done`); with `*over` the host is finished. */
	bool (*next)(void *host_ctx, uint64_t now_ns, struct talk_wish *out, uint64_t *again_ns,
		     bool *over);
	/* A talk ended; x is borrowed. Also called again, with `late`, for an answer that came
	 * after the talk's end. */
	void (*done)(void *host_ctx, uint32_t tag, enum talk_end end, const struct exchange *x,
		     bool late);
	/* The host is over, or the run ends: its facts are complete as they will be. */
	void (*over)(void *host_ctx, enum run_end end);
};

enum { SCRIPT_SPORTS = 192, SCRIPT_QUIET = 24, SCRIPT_PACE_NS = 52000000 };

struct script_config {
	const struct script_program *program;
	const struct script_host *hosts;
	size_t n_hosts;
	uint16_t sport_first; /* held: SCRIPT_SPORTS, and the wire's quiet ones after them */
	uint8_t ttl;	      /* 0: 64 */
	uint64_t seed;	      /* of the numbers in segments; must be secret */
	uint64_t pace_ns;     /* between two paced segments to one host; 0: SCRIPT_PACE_NS, 20/s */
	uint64_t wait_ns;     /* for an answer, 0: 1 s */
	uint64_t deadline_ns; /* duration of the whole run; 0 none */
	uint64_t rest_ns;     /* before the first segment: what a limit of RSTs takes to forget */
	size_t conns_max;     /* kernel connections at once, over all hosts */
	void (*evidence)(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len);
	void *evidence_ctx;
	/* now and then, and when `asked` by SIGUSR1, for a progress line; may be NULL */
	void (*progress)(void *ctx, size_t hosts_over, size_t n_hosts, uint64_t sent, bool asked);
	void *progress_ctx;
};

/* Runs until every host is over. -1 and `e` only where memory or libnet fails at the start. */
int script_run(const struct script_config *c, struct wire *w, struct turns_stats *out,
	       struct err *e);

#endif
