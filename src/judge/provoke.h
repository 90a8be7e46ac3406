/*
 * provoke: what a *service* does in the cases that end in a reset: the scenarios, what is measured
 * in each, and the closed list of findings, as tables. Pure; engine/stage fills the facts. A new
 * finding is a row; a new scenario is a row here and a list of steps in engine/scenes.
 */
#ifndef JUDGE_PROVOKE_H
#define JUDGE_PROVOKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/cause.h"
#include "judge/exchange.h"
#include "judge/verdict.h"

enum scenario {
	SCENARIO_LISTEN_ACK,
	SCENARIO_HALF_OPEN,
	SCENARIO_EARLY_CLOSE,
	SCENARIO_DATA_AFTER_CLOSE,
	SCENARIO_ABORT,
	SCENARIO_SLOW_HANDSHAKE,
	SCENARIO_IDLE,
	SCENARIO_LOST_RST,
	SCENARIO_CHALLENGE,
	SCENARIOS,
};

struct scenario_info {
	const char *name; /* "listen-ack" */
	/* For the user, before it is done: what will be done to the service. A clause that goes on
	 * from the name and a colon. */
	const char *does;
	const char *question; /* what it tells, for --help */
	bool quiet;	      /* needs ports on which our kernel keeps silent */
	bool writes;	      /* takes --data..., --bytes, --http */
	uint32_t hold_ms;     /* the default of --hold; 0: takes none */
};
extern const struct scenario_info scenario_infos[SCENARIOS];
int scenario_parse(const char *word, enum scenario *out); /* -1: none such */

/* Questions put within a scenario, whose answers the findings look at. */
enum mark {
	MARK_SYN, /* the SYN that opens, or shows whether the port is open */
	MARK_ACK, /* listen-ack: a stray ACK; stray data with ACK; a stray SYN-ACK */
	MARK_DATA,
	MARK_SYN_ACK,
	MARK_RETURN,	 /* half-open: the SYN on the same 4-tuple */
	MARK_RETURN_RST, /* ... our RST to its challenge; nothing comes to that */
	MARK_RETURN_2,	 /* ... the SYN again */
	MARK_AFTER_FIN,	 /* data-after-close: octets after the service's FIN */
	MARK_OTHER,	 /* abort: a sign of life of the other connection */
	MARK_NEW,	 /* ... a new connection's SYN; slow-handshake: beside the half-open one */
	MARK_LATE_ACK,	 /* slow-handshake: an ACK after our RST */
	MARK_USE,	 /* idle: the connection used again after its rest */
	MARK_MORE,	 /* lost-rst: data once more, after the FIN, or where no RST was seen */
	MARK_ON_1,	 /* ... segments after the service's RST */
	MARK_ON_2,
	MARK_ON_3,
	MARK_WINDOW_SYN, /* challenge: SYN in the window; RST off by one; an ACK too old */
	MARK_NEAR_RST,
	MARK_OLD_ACK,
	MARK_EXACT_RST,
	MARKS,
};

enum line_end {
	LINE_NEVER,	/* not opened */
	LINE_OPEN,	/* the handshake was done */
	LINE_REFUSED,	/* RST to the SYN */
	LINE_REJECTED,	/* an ICMP error to it */
	LINE_NO_ANSWER, /* silence to it */
	LINE_NO_QUIET,	/* our kernel can't be kept silent here */
	LINE_FAILED,	/* our side: descriptors, memory, a link */
};

enum { LINE_TIMES = 8, PROVOKE_LINES = 16 };

/* One connection as it went, from the frames of both directions and from the calls on our socket.
 * Times are the wire's clock; 0: did not happen. */
struct line_facts {
	enum line_end end;
	uint16_t sport;
	bool raw;		   /* no kernel socket */
	uint64_t opened_ns;	   /* the SYN left */
	uint64_t stands_ns;	   /* the handshake was done */
	struct exchange at[MARKS]; /* .after: enum rfc_after, of the sign of life asked after it */
	/* the service's SYN-ACKs */
	unsigned syn_acks;
	uint64_t syn_ack_ns[LINE_TIMES];
	unsigned syn_acks_after_rst;
	/* what the service sent and took, in octets of sequence space, SYN and FIN not counted */
	uint64_t sent_octets, acked_octets; /* its own, new; ours that it acknowledged */
	unsigned repeats;		    /* retransmissions of its own data or FIN */
	unsigned keepalives;		    /* its keep-alive probes */
	uint64_t keepalive_ns[2];	    /* first, last */
	/* in its name, but our end would not take them: not in the window, or acknowledging what
	 * was never sent */
	unsigned strangers;
	bool window_closed; /* its last window was 0 while we had more to send */
	uint64_t fin_ns;
	/* its RSTs */
	unsigned resets;
	uint64_t reset_ns[LINE_TIMES];
	struct exchange reset; /* the first: flags, seq, ack, win, ttl */
	/* Our FIN or RST left: what the service does after it is no news. A socket may know of the
	 * service's FIN before the capture does. 0: not yet */
	uint64_t closed_ns;
	/* what our application saw: calls in order */
	uint64_t written, read;				/* octets; read: until EOF or the error */
	int write_errno, write_again_errno, read_errno; /* 0: none */
	bool read_eof;
	/* idle */
	uint64_t rest_ns; /* how long it was to rest */
};

struct provoke_facts {
	enum scenario scenario;
	struct addr addr;
	uint16_t port;
	size_t n_lines;
	struct line_facts lines[PROVOKE_LINES];
	uint64_t began_ns, ended_ns;
	uint64_t hold_ns; /* how long at most it waited for the service */
	/* early-close: the head of the answer as HTTP has it; 0: no such thing */
	unsigned http_status;
	bool has_http_length;
	uint64_t http_head, http_length; /* octets of the head; Content-Length */
	/* idle: the longest rest that was survived, the shortest that was not; 0: none such */
	uint64_t idle_lives_ns, idle_dies_ns;
	/* ... the connection that idle_dies_ns is of: lines are used again. LINE_NEVER: none */
	struct line_facts idle_died;
	bool stopped; /* the run ended before */
};

/* Facts as bits, read off the numbers in one place: provoke_read. */
uint64_t provoke_read(const struct provoke_facts *f);
enum { PROVOKE_BITS_MAX = 64 };
const char *provoke_bit_name(unsigned bit); /* for tests and -v; NULL: no such */

/* A finding: the first row of the scenario whose needs are met. The last row of each scenario needs
 * nothing. Rows for what ends any scenario early (port closed, no answer ...) stand first. */
struct provoke_row {
	const char *id;	     /* "answer-lost" */
	int scenario;	     /* enum scenario; SCENARIOS: any */
	uint64_t need, lack; /* bits */
	enum severity severity;
	const char *says;   /* the finding in one sentence, about "the service" */
	const char *advice; /* "" where nothing is to be done */
};
extern const struct provoke_row provoke_rows[];
extern const size_t provoke_row_count;

enum { PROVOKE_CLUES_MAX = 10 };
struct provoke_verdict {
	const struct provoke_row *row;
	uint64_t bytes_lost; /* of the service's answer, by the client; 0: none known */
	/* The RST that decided, where the row rests on one, on the clock of the facts; 0: none */
	uint64_t reset_ns;
	/* Our port on the connection that the row is about; 0: none was opened */
	uint16_t sport;
	uint64_t idle_lives_ns, idle_dies_ns; /* as in the facts, with the last round */
	uint8_t n_clues;
	struct clue clues[PROVOKE_CLUES_MAX];
};
void provoke_judge(const struct provoke_facts *f, struct provoke_verdict *out);

/* The connection that a scenario is about: the first, or of idle the one that ended. */
const struct line_facts *provoke_line(const struct provoke_facts *f);

/* What the application at our end saw, in call order; returns how many, 0: it made no call. */
enum { PROVOKE_SEES_MAX = 4 };
size_t provoke_sees(const struct provoke_facts *f, enum app_result sees[PROVOKE_SEES_MAX]);

/* idle, between rounds: which rests are to be tried next, given what the lines so far showed. What
 * they showed goes to f->idle_*: then they may be overwritten. To be called after each round, and
 * before the first with n_lines 0. Returns how many, 0: enough is known. */
size_t provoke_idle_rests(struct provoke_facts *f, uint64_t rests_ns[PROVOKE_LINES]);

#endif
