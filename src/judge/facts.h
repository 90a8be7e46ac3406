/*
 * facts: what is known of one RST, computed once, as a set of yes-or-no facts and a few numbers.
 * X is who the RST says it comes from, Y whom it goes to. "Before" means in frames seen before it.
 */
#ifndef JUDGE_FACTS_H
#define JUDGE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

enum fact {
	FACT_NONE,
	/* --- the RST itself --- */
	R_ACK,		/* has the ACK bit */
	R_MALFORMED,	/* SYN or FIN beside RST */
	R_VENDOR,	/* says why: text in it, or a window that a vendor uses as a code */
	R_MP_TCPRST,	/* MPTCP option (RFC 8684, 3.6) */
	R_MP_FASTCLOSE, /* RFC 8684, 3.5 */
	R_DUPLICATE,	/* the same frame captured twice */
	R_SEQ_EXACT,	/* SEG.SEQ = SND.NXT of X */
	R_SEQ_BELOW,	/* before it */
	R_SEQ_ABOVE,	/* behind it */
	R_WIN_GREW,	/* its window is larger than that of X's last segment: a queue was purged */
	/* --- what provoked it: the newest segment of Y that it answers by its numbers --- */
	T_FOUND,
	T_SYN,	      /* SYN without ACK */
	T_SYN_ACK,    /* SYN with ACK */
	T_SYN_ACK_OK, /* ... that acknowledges X's SYN */
	T_ACK,	      /* has the ACK bit */
	T_DATA,	      /* payload */
	T_FIN,
	T_PURE_ACK,  /* ACK alone: no payload, SYN, FIN */
	T_KEEPALIVE, /* at most one octet, just before SND.NXT of Y */
	T_REPEAT,    /* a retransmission */
	T_LATE,	     /* sent after both sides had closed */
	T_ACKS_FIN,  /* its ACK covers X's FIN */
	/* --- the connection before it --- */
	X_SEEN,
	Y_SEEN,
	X_ONLY_SYN,    /* X sent SYNs and nothing else */
	X_ONLY_SYNACK, /* X sent SYN-ACKs and nothing else */
	X_INITIATOR,
	X_RESPONDER,
	ESTABLISHED, /* both sides have acknowledged, or data flowed both ways */
	X_FIN,
	Y_FIN,
	X_DATA, /* X sent payload */
	Y_DATA,
	LAST_DATA_Y,	  /* the last payload was Y's, and X has acknowledged it */
	Y_DATA_AFTER_FIN, /* payload of Y behind X's FIN that X never acknowledged */
	X_UNACKED,	  /* payload of X that Y had not acknowledged, sent over 3 RTT before */
	HANDSHAKE,	  /* the SYN of this connection is in the capture */
	HANDSHAKE_NOW,	  /* ... and the trigger came within a second of the SYN-ACK */
	Y_ZERO_WINDOW,	  /* the last window of Y was 0 */
	QUIET,		  /* nothing from either side for 1.5 s */
	IDLE,		  /* nothing from either side for 10 s */
	KEEPALIVES,	  /* X's last segments were two or more keep-alive probes, unanswered */
	RETRANSMITS,	  /* X's last segments repeat one segment two or more times, unanswered */
	ONE_SIDED,	  /* Y's frames are not in the capture, though X acknowledges them */
	SYN_RAW,	  /* X's SYN looks hand-made, or X asks many hosts: a scanner */
	SYN_ANSWERED_RST, /* an earlier SYN of Y with the same number drew a RST of X */
	SYN_REPEAT_FAST,  /* ... and Y came again after 0.3-0.7 s, as Windows does on a refusal */
	/* --- earlier RSTs of this connection --- */
	RST_BEFORE,
	FORGOTTEN,	 /* its SYN is not there, and flows had been evicted when it came */
	RST_SAME_BEFORE, /* one of X with the same SEG.SEQ */
	/* --- around it --- */
	LISTENER,      /* X:port accepted another connection before */
	LISTENER_ON,   /* ... and after, from another source than Y's */
	BURST,	       /* three or more connections of X reset within a second */
	BURST_PORT,    /* ... all of them from this port, before or without data */
	OWN_OLD_LIVED, /* Y still had an older connection on these ports */
	/* --- does it contradict X's other packets? --- */
	C_GOES_ON,	 /* X sent new data or ACKs after it */
	C_MULTI,	 /* RSTs with different SEG.SEQ, one beyond all that X had sent */
	C_HOPS,		 /* came from another distance than X's packets, by 2 hops or more */
	C_HOPS_WEAK,	 /* by one hop */
	C_FAST,		 /* came in less than 0.4 of the round trip to X */
	C_IP_ID,	 /* its IP ID is out of X's counter */
	C_ACK_BEYOND,	 /* acknowledges what Y never sent */
	C_NO_TS,	 /* X's active segments carry time stamps, this one is bare, IP ID 0 */
	C_SYN_ACK_LATER, /* X answers the very SYN by a SYN-ACK */
	C_COPIED,	 /* copies IP ID or window of Y's segment */
	C_IN_WINDOW,	 /* SEG.SEQ is in Y's window, and not what is expected */
	C_BOTH_SIDES,	 /* both directions were reset within a second, after silence */
	GENUINE, /* carries the next of X's IP IDs, or its time stamps: hard to know from aside */
	FOREIGN, /* enough of these together: derived by facts_derive */
	TRACKER, /* Y's segment was out of window: what a connection tracker calls INVALID */
	/* --- what the sending kernel said --- */
	K_SAID,
	K_ABORT_ON_CLOSE,
	K_STATE, /* linger 0, listener closed, destroyed: TCP_STATE */
	K_ABORT_ON_DATA,
	K_KEEPALIVE,
	K_NO_SOCKET,
	K_LISTEN_FLAGS, /* a listener refused the segment */
	K_LISTEN_SYN,	/* INVALID_SYN in LISTEN: its queue is full */
	K_TIME_WAIT,
	K_BAD_ACK,   /* TCP_INVALID_ACK_SEQUENCE */
	K_DESTROYED, /* state ESTABLISHED with TCP_STATE: the socket was destroyed from outside */
	FACTS,
};
const char *fact_name(enum fact f); /* for tests and -v */

struct facts {
	uint64_t bits[2];
	uint64_t gap_ns;       /* silence before it, of both sides; 0 where nothing was before */
	uint64_t x_gap_ns;     /* since X's own last segment */
	uint64_t answer_ns;    /* trigger to RST */
	uint64_t handshake_ns; /* SYN to SYN-ACK, where X asked */
	uint64_t rtt_ns;       /* least round trip to X from the capture point; 0 unknown */
	uint32_t trigger_frame;
	uint32_t y_data_frame; /* Y's last payload; 0: none */
	uint32_t y_data;       /* octets that Y sent since X's last payload */
	uint32_t shown_by;     /* the frame that shows the clearest contradiction; 0: none */
	uint32_t runs;	       /* probes or retransmissions that stayed unanswered */
	uint32_t unread;       /* octets that the window grew by */
	uint32_t bytes_lost;   /* octets sent by either and not acknowledged by the other */
	uint8_t hops, x_hops;  /* of the RST, of X's other packets; by the assumed initial TTL */
	uint8_t ttl, x_ttl;
};

static inline bool fact_has(const struct facts *f, enum fact k)
{
	return f->bits[k >> 6] >> (k & 63) & 1;
}

static inline void fact_set(struct facts *f, enum fact k, bool on)
{
	if (on)
		f->bits[k >> 6] |= (uint64_t)1 << (k & 63);
}

/* Adds what follows from other facts (FOREIGN), by a table of combinations. */
void facts_derive(struct facts *f);

#endif
