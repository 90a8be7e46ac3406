/*
 * finding: what is told of one RST: its cause, what provoked it, who sent it, what came of it, and
 * the packets around it for the ladder. Filled by judge/explain, drawn by report/.
 */
#ifndef JUDGE_FINDING_H
#define JUDGE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "judge/cause.h"
#include "judge/kernel_reset.h"
#include "judge/verdict.h"

enum outcome { OUTCOME_UNKNOWN, OUTCOME_ACCEPTED, OUTCOME_CHALLENGED, OUTCOME_IGNORED };
const char *outcome_name(enum outcome o); /* "accepted" ... */

enum sender { SENDER_UNKNOWN, SENDER_CLIENT, SENDER_SERVER }; /* initiator, responder */
const char *sender_name(enum sender s);

/* One segment as the ladder shows it; 40 bytes, no pointers. */
struct seen {
	uint64_t wall_ns;
	uint32_t frame;
	uint32_t seq, ack, len; /* len: payload octets */
	uint16_t flags;		/* enum tcp_flag */
	uint16_t win;		/* the field, unscaled */
	uint16_t ip_id;
	uint8_t ttl;
	uint8_t from_x : 1; /* sent by X, the RST's sender; else by Y */
	uint8_t repeat : 1; /* a retransmission */
	uint8_t keepalive : 1;
	uint8_t has_ts : 1; /* carries RFC 7323 time stamps */
	uint8_t after : 1;  /* captured after the RST */
	uint8_t duplicate : 1;
	uint8_t tls_alert : 1; /* payload that begins as a TLS alert does (RFC 8446, 5.1) */
};

enum { FINDING_CLUES = 10, LADDER_MAX = 24, VENDOR_TEXT = 80 };

struct finding {
	uint32_t frame; /* as Wireshark counts, from 1, in its file */
	uint16_t file;	/* index into the run's files */
	uint64_t wall_ns;
	struct addr src, dst; /* X, Y */
	uint16_t sport, dport;
	enum sender sender;
	enum cause cause;
	const struct cause_row *row; /* what decided */
	enum sureness sure;
	enum cause also[ALSO_MAX]; /* ends at CAUSE_UNKNOWN */
	enum severity severity;
	enum origin origin;
	enum outcome outcome;
	enum app_result sees[APP_SEES_MAX];
	bool sees_at_sender;
	uint32_t provoked_by; /* frame; 0: none */
	uint32_t root; /* frame of the RST that this one follows, or of the original; 0: none */
	uint16_t root_file;
	uint32_t followers; /* so far: RSTs whose root this is, duplicates apart */
	uint32_t bytes_lost;
	struct facts facts;
	uint8_t n_clues;
	struct clue clues[FINDING_CLUES];
	/* several connections of one host at once */
	uint32_t burst_n;  /* connections, 0 or 1: none */
	uint64_t burst_ns; /* first to last */
	bool has_kernel;
	struct kernel_reset kernel;
	char vendor[VENDOR_TEXT]; /* text in the RST, printable ASCII, "" where none */
	uint8_t mptcp_reason;
	const char *tunnel; /* "GRE", "VXLAN" ... the innermost was read; NULL: none */
	bool bad_checksum;
	/* In the order of the capture; the RST among them. Wire numbers, not relative ones. */
	size_t n_ladder;
	const struct seen *ladder; /* borrowed for the callback */
	int rst_at, trigger_at;	   /* indices into it; -1: not there any more */
	uint32_t isn_x, isn_y;	   /* initial sequence numbers, for relative ones */
	bool has_isn_x, has_isn_y;
};

#endif
