/*
 * stack: from the exchanges of the battery to what a host's TCP is like: each cell judged, the
 * reset style, the family with the rows that counted, the firewall's type. Pure; never reads a
 * clock or a packet. Windows is never concluded from silence alone.
 */
#ifndef JUDGE_STACK_H
#define JUDGE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/battery.h"
#include "judge/exchange.h"
#include "judge/family.h"
#include "judge/reset_style.h"
#include "judge/verdict.h"

enum {
	STACK_CANARIES = 3, /* random high ports: nobody listens there, or everybody does */
	STACK_PORTS_MAX = 16,
};

/* Why a cell has no exchange, or why its silence says nothing. */
enum cell_why {
	WHY_NONE,
	WHY_NO_OPEN_PORT,
	WHY_NO_CLOSED_PORT,  /* every port asked accepts */
	WHY_CLOSED_SILENT,   /* control: a SYN to closed ports is not answered either */
	WHY_STRAY_FILTERED,  /* control: ACK and SYN-ACK at the same port are not answered either */
	WHY_SYNACK_FILTERED, /* control: SYN-ACK is not answered, where ACK is: a connection tracker
			      */
	WHY_PROXIED,	     /* somebody else completes the handshake */
	WHY_NO_CONNECTION,   /* the connection did not come about, or died before the segment */
	WHY_SERVICE_CLOSES,  /* the service closes at once: the state is left too soon */
	WHY_SERVICE_STAYS,   /* the service does not close first */
	WHY_NOT_SILENCED,    /* our own kernel's RST could not be suppressed */
	WHY_NO_LIVE_ANSWER,  /* alive and silent to everything: nothing can be told */
	WHY_STOPPED,	     /* the host stopped answering before this */
	WHY_NOT_REACHED,     /* the run ended first */
	WHY_REJECTED,	     /* answered by an ICMP error: a filter, not the stack */
	WHY_OTHER_BOX,	     /* the answer came from another distance than the SYN-ACK */
	WHY_RESET_LIMITED,   /* silence, and resets are rationed */
	WHY_NO_HALF_OPEN,    /* no connection is kept before the last ACK: SYN cookies */
	WHY_SERVICE_RESETS, /* the service resets connections by itself: whose RST it was is open */
	WHY_NOT_SENT,	    /* this machine didn't let it out */
	WHY_NOT_HEARD,	    /* silence, and our capture lost packets */
	CELL_WHYS,
};
const char *cell_why_text(enum cell_why w); /* one clause for people and for `why` */

/* A port whose SYN was watched: the ones told or tried, and the canaries. */
struct stack_port {
	uint16_t port;
	bool canary;
	struct exchange syn;
};

/* All that was seen of one host. */
struct stack_facts {
	uint8_t family;		   /* ADDR_V4 or ADDR_V6 */
	bool complete;		   /* false: the run ended first */
	bool deaf;		   /* the capture lost packets: silence may be an answer */
	bool stopped;		   /* the last control failed: the host died half-way */
	uint64_t stopped_ns;	   /* its last sign of life, where `stopped` */
	bool has_open, has_closed; /* ports found for the battery; closed may be a silent canary */
	uint16_t open_port, closed_port;
	struct stack_port ports[STACK_PORTS_MAX]; /* those that answered first, and all canaries */
	size_t n_ports;
	struct exchange cells[BATTERY_MAX];
	uint8_t why[BATTERY_MAX]; /* enum cell_why, where the cell could not be asked */
	/* how many questions that drew a RST in the end had to be asked again, and of how many; the
	 * same of those that drew a SYN-ACK or an ACK: loss hits both, a limit only the first */
	unsigned rst_cells, rst_retried, other_cells, other_retried;
};

enum firewall {
	FIREWALL_UNKNOWN,
	FIREWALL_NONE,
	FIREWALL_STATELESS,	  /* closed ports silent, stray segments reach the open one */
	FIREWALL_STATEFUL_STRICT, /* no stray segment passes */
	FIREWALL_STATEFUL_LOOSE,  /* ACK passes (picked up as a connection), SYN-ACK doesn't */
	FIREWALL_REJECTING,	  /* RST or ICMP from a box */
	FIREWALL_SYNPROXY,
	FIREWALL_STEALTH, /* the host itself is silent where nobody listens, as Windows is */
	FIREWALLS,
};
const char *firewall_name(enum firewall f);

enum conforms { CONFORMS_UNTESTED, CONFORMS_YES, CONFORMS_NO };
struct cell_verdict {
	const struct cell *cell;
	const struct rfc_row *row;
	const struct exchange *x; /* borrowed from the facts; may be silence */
	enum conforms conforms;
	enum cell_why why; /* where untested */
	const char *how;   /* the deviation in a few words, static; NULL where it conforms */
};

enum protection { PROTECTION_UNKNOWN, PROTECTION_NONE, PROTECTION_PARTIAL, PROTECTION_FULL };

enum { STACK_CLUES_MAX = 16 };
struct stack_verdict {
	enum reset_style style;
	enum stack_family family, runner_up;
	enum confidence confidence;
	bool family_like; /* shape of the family, where what would tell it apart is not there (IPv6)
			   */
	enum firewall firewall;
	enum origin origin; /* of the RSTs of closed ports */
	uint32_t differs;   /* enum origin_sign: what the same-stack test saw differ */
	bool suspect;	    /* the open port looks open, and a proxy or tarpit is likelier */
	bool reset_limited;
	bool synack_control; /* SYN-ACK at the open port drew something: silence there counts */
	enum protection rfc5961;
	int sum[FAMILIES];
	struct stack_evidence evidence[EVIDENCE_MAX];
	size_t n_evidence;
	struct cell_verdict cells[BATTERY_MAX];
	size_t n_cells; /* battery_count */
	struct clue clues[STACK_CLUES_MAX];
	size_t n_clues;
};

void stack_judge(const struct stack_facts *f, struct stack_verdict *out);
/* The style, the origin and the family alone: no cells, no firewall, no clues. For who has many
 * hosts and few facts of each. */
void stack_judge_family(const struct stack_facts *f, struct stack_verdict *out);

#endif
