/*
 * cause: why a RST was sent. One row of knowledge a cause, and the table of rules that reads facts
 * (judge/facts.h) and never packets. Order is the row's place: the first that matches decides.
 */
#ifndef JUDGE_CAUSE_H
#define JUDGE_CAUSE_H

#include <stddef.h>
#include <stdint.h>

#include "judge/facts.h"

/* The words are the contract of "cause" in JSON: they only grow (rstprobe(1), CAUSES). */
enum cause {
	CAUSE_UNKNOWN, /* related packets are there, and no rule fits */
	/* of a connection that never was */
	CAUSE_REFUSED,
	CAUSE_FIREWALL_REJECT,
	CAUSE_HANDSHAKE_ABANDONED,
	CAUSE_SYN_ACK_UNEXPECTED,
	CAUSE_SYNACK_UNSOLICITED,
	CAUSE_STALE_CONNECTION,
	CAUSE_BAD_SYNACK,
	CAUSE_SYN_CANCELLED,
	CAUSE_BACKLOG_OVERFLOW,
	CAUSE_LISTEN_ACK,
	/* an endpoint aborts */
	CAUSE_UNREAD_DATA_CLOSE,
	CAUSE_ABORT_LINGER,
	CAUSE_ABORT_CLOSE, /* one of the two above, and which cannot be told */
	CAUSE_ABORT_PENDING,
	CAUSE_ABORT_NO_DATA,
	CAUSE_LISTENER_CLOSED,
	CAUSE_ABORT_IDLE,
	CAUSE_ABORT_AFTER_FIN,
	CAUSE_FIN_THEN_ABORT,
	CAUSE_KEEPALIVE_FAIL,
	CAUSE_RETRANSMIT_GIVEUP,
	CAUSE_SOCK_DESTROY,
	CAUSE_MPTCP_RESET,
	CAUSE_MPTCP_FASTCLOSE,
	/* an answer to a segment of a connection that is no more */
	CAUSE_DATA_AFTER_CLOSE,
	CAUSE_LATE_AFTER_CLOSE,
	CAUSE_HALF_OPEN,
	CAUSE_RST_LOST_REPEAT,
	CAUSE_AFTER_RESET,
	CAUSE_TIME_WAIT,
	CAUSE_NO_CONNECTION,
	/* a third party */
	CAUSE_MIDDLEBOX_IDLE,
	CAUSE_INJECTED_SYN,
	CAUSE_INJECTED_RACE,
	CAUSE_INJECTED_MULTI,
	CAUSE_INJECTED_LATE,
	CAUSE_INJECTED_ACK,
	CAUSE_INJECTED_BLIND,
	/* the rest */
	CAUSE_VENDOR_REPORTED,
	CAUSE_DUP_FRAME,
	CAUSE_MALFORMED,
	CAUSE_NO_CONTEXT,
	CAUSES,
};

enum severity {
	SEVERITY_BENIGN,
	SEVERITY_NOTICE,
	SEVERITY_PROBLEM,
	SEVERITY_SUSPICIOUS,
	SEVERITIES,
};
const char *severity_name(enum severity s); /* "benign" ... */

enum sureness { SURE_POSSIBLE, SURE_LIKELY, SURE_CERTAIN };
const char *sureness_name(enum sureness s); /* "possible", "likely", "certain" */

/* What a call of the application returned. */
enum app_result {
	APP_END, /* ends a list */
	APP_NONE,
	APP_WRITE_OK,
	APP_ECONNREFUSED,
	APP_ECONNRESET,
	APP_EPIPE,
	APP_ETIMEDOUT,
	APP_EOF,
	APP_RESULTS,
};
const char *app_result_name(enum app_result a); /* "write-ok", "ECONNREFUSED" ... */
enum { APP_SEES_MAX = 3, ALSO_MAX = 4, NEED_MAX = 8, LACK_MAX = 10 };

struct cause_info {
	enum cause id;
	const char *name; /* "unread-data-close" */
	enum severity severity;
	/* What the application at the receiver of the RST sees, in call order (none: not known) ...
	 */
	enum app_result sees[APP_SEES_MAX];
	bool sees_at_sender; /* ... or, where that sees nothing, the one at its sender */
	const char *summary; /* what happened, in a few words: "no process listens on the port" */
	const char *clause;  /* RFC clause or "" */
	const char *advice;  /* one sentence: what to look at */
	const char *tell; /* who could tell it from its alternatives; "" where nothing needs it */
};
extern const struct cause_info cause_infos[CAUSES]; /* indexed by id */

const char *cause_name(enum cause c);
/* Neither end sent it, by this cause. */
bool cause_is_third_party(enum cause c);
/* -1 where there is none such; "injected", which stands for all injected-*, is none. */
int cause_parse(const char *word, enum cause *out);

struct cause_row {
	enum cause id;
	enum fact need[NEED_MAX]; /* all of them; ends at FACT_NONE */
	enum fact lack[LACK_MAX]; /* none of them */
	enum sureness sure;
	enum cause also[ALSO_MAX]; /* what fits too, likeliest first; ends at CAUSE_UNKNOWN */
	const char *because;	   /* the rule in a few words */
};
extern const struct cause_row cause_rows[];
extern const size_t cause_row_count;

/* The row that decides; the last row needs nothing, so there is always one. */
const struct cause_row *cause_decide(const struct facts *f);

#endif
