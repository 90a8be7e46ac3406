/*
 * verdict: from the reactions to all probe kinds of a port to one state, with its evidence.
 * Pure: the same replies in any order give the same verdict.
 */
#ifndef JUDGE_VERDICT_H
#define JUDGE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "judge/match.h"
#include "judge/probe.h"
#include "judge/rule.h"

enum port_state {
	STATE_OPEN,
	STATE_CLOSED,
	STATE_REJECTED,
	STATE_FILTERED,
	STATE_UNFILTERED,
	STATE_OPEN_FILTERED,
	STATE_SUSPECT,
	STATE_INCONSISTENT,
	STATE_INDETERMINATE,
	STATE_NOT_PROBED,
	PORT_STATES,
};

const char *state_name(enum port_state s);		 /* "open|filtered" ... */
int state_parse(const char *word, enum port_state *out); /* -1 where there is none such */

enum origin { ORIGIN_UNKNOWN, ORIGIN_ENDPOINT, ORIGIN_MIDDLEBOX, ORIGIN_LOCAL };
const char *origin_name(enum origin o);

/* One reply that was matched: the evidence, 32 bytes, no pointers. */
struct reply {
	uint32_t rtt_us; /* UINT32_MAX where it could not be sampled (Karn) */
	uint32_t seq, ack;
	uint32_t
	    from; /* 0: the target itself; else 1 + index into the sweep's table of responders */
	uint32_t next; /* 1 + slab index of the port's next reply, 0 at the end */
	uint16_t win, ip_id;
	uint8_t kind;	  /* index into the sweep's kinds */
	uint8_t reaction; /* enum reaction */
	uint8_t fit;	  /* enum fit */
	uint8_t ttl, try, flags /* low 8 control bits */;
	uint8_t icmp_type, icmp_code;
};

enum clue_id {
	CLUE_NONE,
	CLUE_STRAY_FILTERED,	 /* stray segments (ACK without a connection) are filtered */
	CLUE_RESETS_FIN,	 /* open, and resets FIN, NULL or xmas at LISTEN */
	CLUE_SYN_DROPPED,	 /* the path drops SYNs */
	CLUE_SYN_ONLY_DROPPED,	 /* the path drops SYNs only: stray segments pass */
	CLUE_OPEN_IF_FIN_PASSES, /* unfiltered, FIN silent: open if FIN passes */
	CLUE_LISTEN_RST,	 /* the ACK drew a RST from the LISTEN state (open port) */
	CLUE_STRAY_RST,		 /* the ACK drew a RST: LISTEN or CLOSED, the stack answers */
	CLUE_WEAK_CLOSED,   /* closed rests on weak evidence: Windows and others reset at LISTEN too
			     */
	CLUE_TUPLE_ONLY,    /* a reply fits only addresses and ports */
	CLUE_TUPLE_IN_USE,  /* challenge ACK: the 4-tuple may belong to another connection */
	CLUE_SOME_REJECTED, /* other tries were rejected by ICMP type a code b */
	CLUE_ICMP_LIMIT,   /* silent, while the same sender rejected others: its ICMP limit may hide
			      this */
	CLUE_CUT_SHORT,	   /* only a of at least b tries were made */
	CLUE_RST_ACK_FORM, /* RST with ACK bit where RFC 9293 asks for a bare one */
	CLUE_TWO_SEGMENTS, /* inconsistent: both segments are shown */
	/* of a host (stack) */
	CLUE_NO_ANSWER,	       /* nothing came back at all */
	CLUE_STOPPED,	       /* it answered at first, and no longer at the end */
	CLUE_NO_OPEN_PORT,     /* none of those asked */
	CLUE_NO_CLOSED_PORT,   /* every port asked accepts */
	CLUE_RESET_LIMIT,      /* a of b resets came only when asked again */
	CLUE_CANARIES_OPEN,    /* a of b random high ports accept too */
	CLUE_WINDOW_ZERO,      /* the SYN-ACK's window is 0 */
	CLUE_NO_OPTIONS,       /* the SYN-ACK carries no options, though ours offered them */
	CLUE_SYNACK_TO_SYNACK, /* a SYN-ACK drew a SYN-ACK */
	CLUE_OTHER_DISTANCE,   /* closed ports' RSTs travelled a hops, the open port's answers b */
	CLUE_OTHER_SHAPE,      /* their RSTs come in another form (TTL a against b) */
	CLUE_CLOSED_REJECTED,  /* closed ports are rejected by ICMP type a code b */
	CLUE_SYNACK_FILTERED,  /* ACK passes, SYN-ACK doesn't: a connection tracker */
	CLUE_SERVICE_CLOSES,   /* the service closes first: FIN-WAIT-2 was reached */
	CLUE_SERVICE_STAYS,    /* it doesn't: neither FIN-WAIT-2 nor TIME-WAIT */
	/* of a reset (explain); X is its sender, Y its receiver, `frame` what shows it */
	CLUE_HOPS,	    /* it travelled a hops, X's other packets b */
	CLUE_INITIAL_TTL,   /* TTL a, X's other packets b: as many hops, another initial TTL */
	CLUE_TOO_FAST,	    /* a us after its trigger; the round trip to X takes b us */
	CLUE_IP_ID,	    /* IP ID a is out of X's counter, which stood at b */
	CLUE_COPIED,	    /* copies of Y's segment: a: bits of enum copied */
	CLUE_GOES_ON,	    /* X went on sending after it, as if nothing had been */
	CLUE_SYN_ACK_LATER, /* X's SYN-ACK came after it */
	CLUE_SEQ_SPREAD,    /* a RSTs with different sequence numbers, up to b octets ahead */
	CLUE_ACK_BEYOND,    /* acknowledges a octets that Y never sent */
	CLUE_IN_WINDOW,	    /* in Y's window, a octets from what Y expects: a guess */
	CLUE_NO_TS,	    /* no time stamps, where all else of X has them */
	CLUE_BOTH_SIDES,    /* the other direction was reset within a second, too */
	CLUE_WINDOW_GREW,   /* window from a to b octets: a queue with unread data was purged */
	CLUE_UNANSWERED,  /* X acknowledged Y's last a octets of payload and never answered them */
	CLUE_UNACKED,	  /* a octets of X were not acknowledged yet */
	CLUE_ZERO_WINDOW, /* Y's window was closed */
	CLUE_GAP,	  /* a ms of silence before */
	CLUE_IDLE_TIMER,  /* the silence fits a timer of a s */
	CLUE_PROBES,	  /* a keep-alive probes unanswered */
	CLUE_REPEATS,	  /* a retransmissions unanswered */
	CLUE_HANDSHAKE,	  /* the SYN-ACK came a ms after the SYN */
	CLUE_TRIGGER_REPEAT, /* what provoked it is a retransmission */
	CLUE_LISTENER,	     /* the port accepted another connection before */
	CLUE_LISTENER_ON,    /* it accepted one before and one after */
	CLUE_RAW_SYN, /* a hand-made SYN: bits of a: 1 no options, 2 DF clear, 4 IP ID, 8 window,
			 16 its RST differs */
	CLUE_MANY_TARGETS,  /* X asked a other ports or hosts */
	CLUE_WINDOW_CODE,   /* window a: known as a reset code of NetScaler */
	CLUE_VENDOR_TEXT,   /* it carries text (finding.vendor) */
	CLUE_MPTCP_REASON,  /* MPTCP option, reason a */
	CLUE_KERNEL,	    /* the sending kernel says (finding.kernel) */
	CLUE_BAD_CHECKSUM,  /* bad TCP checksum: offloading, or no stack made it */
	CLUE_SECOND_POINT,  /* the same frame a hops further: a second capture point */
	CLUE_ONE_SIDED,	    /* only one direction is in the capture */
	CLUE_MID_STREAM,    /* the capture began after the connection */
	CLUE_CLOSE_NOTIFY,  /* what provoked it looks like a TLS close_notify: nothing was lost */
	CLUE_TRACKER,	    /* an out-of-window segment came before: a tracker calls it INVALID */
	CLUE_OLD_LIVED,	    /* Y still knew an older connection on these ports */
	CLUE_STAGE,	    /* a: 1 after the SYN, 2 the handshake, 3 the first data, 4 later */
	CLUE_CHALLENGE,	    /* Y challenged it (RFC 5961) */
	CLUE_NEVER_SENT,    /* --join: the capture at X's end does not have it */
	CLUE_NEVER_ARRIVED, /* --join: the capture at Y's end does not have it */
	CLUE_SEGMENTS_LOST, /* --join: a segments of X, b of Y never arrived; the first is frame */
	/* of a scenario (provoke); times are since the handshake was done */
	CLUE_DREW,	      /* the question a (enum mark) drew b (enum reaction | after << 8) */
	CLUE_KEEPALIVE_AT,    /* the first keep-alive probe after a ms, b in all */
	CLUE_SERVICE_FIN,     /* its FIN after a ms */
	CLUE_SERVICE_RST,     /* its RST after a ms, b in all */
	CLUE_SERVICE_REPEATS, /* a retransmissions of its own */
	CLUE_SERVICE_SENT,    /* it sent a octets, the client read b */
	CLUE_SERVICE_TOOK,    /* it acknowledged a of b octets */
	CLUE_ANSWER_LOST,     /* a octets of its answer */
	CLUE_ANSWER_LENGTH,   /* nothing says how long it was to be: what is lost is the least */
	CLUE_HTTP_STATUS,     /* a, with a body of b octets (UINT32_MAX: not said) */
	CLUE_WINDOW_CLOSED,   /* it stopped reading */
	CLUE_SYN_ACKS,	      /* a SYN-ACKs, the last b ms after the SYN */
	CLUE_SYN_ACKS_AFTER,  /* a more after our RST */
	CLUE_STRAY_DISTANCE,  /* RSTs travelled a hops, the SYN-ACK b */
	CLUE_IDLE_BETWEEN,    /* a rest of a ms is survived, one of b ms is not (0: none such) */
	CLUE_IDLE_AT,	      /* it ended by itself after a ms */
	CLUE_IDLE_ODD,	      /* a connections ended sooner than others that lived */
	CLUE_UNOPENED,	      /* a of b connections could not be opened */
	CLUE_DREW_AGAIN,      /* a of b segments after the RST drew it again */
	CLUE_WAITED,	      /* a ms for the service */
	CLUE_STRANGERS,	      /* a segments in its name that our end would not take */
	/* of a walk (trace); what was asked: trace_asked */
	CLUE_TRACE_WENT_ON,	   /* TTL a drew a RST, TTL b time exceeded: the segment went on */
	CLUE_TRACE_ANSWERED_TOO,   /* TTL a drew the target's own answer (reaction b) as well */
	CLUE_TRACE_OTHERS_FARTHER, /* asked b, and TTL a is answered: beyond this */
	CLUE_TRACE_OTHERS_EXPIRE,  /* asked b, and TTL a still draws time exceeded */
	CLUE_TRACE_OTHERS_HERE,	   /* asked b, and TTL a is the first that is answered: as here */
	CLUE_TRACE_OTHERS_NEARER,  /* asked b, and TTL a is answered: before this */
	CLUE_TRACE_DIFFER,	   /* TTLs a and b answer; the asked are a's and b's third octet */
	CLUE_TRACE_TARGET_SILENT,  /* asked b as well: nothing answers, nor is more heard */
	CLUE_TRACE_TTL_OF_HOP,	   /* the RST came as far as hop a's own messages do */
	CLUE_TRACE_TTL_ELSEWHERE,  /* its TTL says a hops back, the walk b */
	CLUE_TRACE_TTL_COPIED,	   /* from a box, with the TTL of the target's own answers, a */
	CLUE_TRACE_TTL_MIRRORED,   /* its TTL goes with ours: from hop a by it */
	CLUE_TRACE_RTT_OF_HOP,	   /* its round trip, b us, is that of hop a */
	CLUE_TRACE_TOO_FAST,	   /* it took a us, the target's own answer b */
	CLUE_TRACE_COPIED,	   /* copies of our segment: a: bits of enum copied */
	CLUE_TRACE_OTHER_DISTANCE, /* it travelled a hops, the target's own answers b */
	CLUE_TRACE_MANY_RSTS,	   /* up to a RSTs for b segments */
	CLUE_TRACE_SAME_LOOK,	   /* a box that answers in its name here would look the same */
	CLUE_TRACE_CONFIRMED,	   /* in a second connection TTL a - 1 drew none, TTL a did */
	CLUE_TRACE_UNCONFIRMED,	   /* TTL a drew it once, no second connection was had */
	CLUE_TRACE_UNSTABLE,	   /* a second connection was reset at another TTL than a */
	CLUE_TRACE_NOT_CONNECTED,  /* the port answers the SYN, and no connection came about */
	CLUE_TRACE_NO_DATA,	   /* wanted within a connection, and the SYN was not accepted */
	CLUE_TRACE_RESETS_TOO,	   /* open, and a RSTs came as well */
	CLUE_TRACE_OUT_OF_TTL,	   /* TTL a, the last, is still on its way */
	CLUE_TRACE_LOOP,	   /* hop a and hop b are the same router */
	CLUE_TRACE_TRANSLATED,	   /* hop a has the target's address, and sends it on */
	CLUE_TRACE_SILENT_HOPS,	   /* a hops before it keep silent */
	CLUE_TRACE_REJECTS_FEW,	   /* a TTLs beyond the rejecting hop drew nothing */
	CLUE_TRACE_ICMP_LIMIT,	   /* routers ration their ICMP errors: asked slowly */
	CLUE_TRACE_FLOWS_DIFFER,   /* a of b flows end otherwise */
	CLUE_TRACE_PATHS,	   /* b flows take a paths */
	/* of one port's RST against the host's other replies (scan) */
	CLUE_RST_NEARER,	   /* it travelled a hops, the host's SYN-ACKs b */
	CLUE_RST_NEARER_THAN_RSTS, /* ... most of the host's RSTs b */
	CLUE_RST_FARTHER,	   /* it travelled a hops, the host's SYN-ACKs only b */
	CLUE_RST_TOO_FAST,	   /* after a us; the fastest of the host's SYN-ACKs took b */
	CLUE_RST_COPIES,	   /* copies of our segment: a: bits of enum copied */
	CLUE_ACK_ELSEWHERE,	   /* open: what answered the ACK is not what answered the SYN */
	CLUES,
};

struct clue {
	enum clue_id id;
	uint32_t a, b;	/* meaning by id */
	uint32_t frame; /* explain: the frame that shows it; 0 else */
};

enum { VERDICT_CLUES_MAX = 6 };

struct verdict {
	enum port_state state;
	bool weak;		     /* the port half rests on weak rules */
	enum reaction reaction;	     /* the reaction that decided */
	const struct reply *decider; /* borrowed; NULL where silence or nothing decided */
	const struct reply *against; /* inconsistent: the segment that contradicts `decider` */
	const struct rule *rule;     /* the row that decided; NULL where nothing was sent */
	const char *reason;	     /* static: rstprobe(1) */
	enum origin origin;
	uint8_t n_clues;
	struct clue clues[VERDICT_CLUES_MAX];
};

/* All that is known of one port. */
struct observation {
	const struct probe *const *kinds; /* the sweep's probe kinds */
	size_t n_kinds;
	const uint8_t *tries; /* per kind: how often it was sent */
	uint8_t family;	      /* ADDR_V4 or ADDR_V6: ICMP types differ */
	uint8_t min_tries;    /* fewer tries than this and silence means nothing yet */
	bool cut_short;	      /* the run ended before silence could be believed */
	const struct reply
	    *replies[2 * PROBE_KINDS_MAX]; /* matched, first of each (kind, reaction) */
	size_t n_replies;
};

void verdict_judge(const struct observation *o, struct verdict *out);

#endif
