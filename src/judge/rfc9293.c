/* rfc9293: 3.10.7 row by row. The words are ours, the clauses the RFC's. */
#include "judge/rfc9293.h"

#define BIT(s) (1U << (s))
#define SYNCHRONIZED                                                                               \
	(BIT(IN_ESTABLISHED) | BIT(IN_FIN_WAIT_1) | BIT(IN_FIN_WAIT_2) | BIT(IN_CLOSE_WAIT) |      \
	 BIT(IN_CLOSING) | BIT(IN_LAST_ACK) | BIT(IN_TIME_WAIT))

const struct rfc_row rfc_rows[] = {
    {BIT(IN_CLOSED), RFC_RST, REACTION_NONE, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.1",
     "a RST is discarded, never answered", "slirp answers"},
    {BIT(IN_CLOSED), RFC_ACK, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.1",
     "a RST whose SEQ is SEG.ACK, no ACK bit",
     "lwIP sets the ACK bit; Windows leaves a number in the ACK field, which is allowed"},
    {BIT(IN_CLOSED), RFC_SYN, REACTION_RST_ACK_OF_SEQ, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.1",
     "RST and ACK, SEQ 0, ACK = SEG.SEQ + SEG.LEN",
     "lwIP, IOS: SEQ copies the ACK field; slirp forgets the data"},
    {BIT(IN_CLOSED), RFC_SYN_FIN, REACTION_RST_ACK_OF_SEQ, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.1",
     "RST and ACK, SEQ 0, ACK = SEG.SEQ + SEG.LEN: both count", "lwIP, slirp count one"},
    {BIT(IN_CLOSED), RFC_BARE, REACTION_RST_ACK_OF_SEQ, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.1",
     "RST and ACK, SEQ 0, ACK = SEG.SEQ + SEG.LEN",
     "BSD, macOS, slirp forget the FIN; Solaris, OpenBSD keep silent"},
    {BIT(IN_LISTEN), RFC_RST, REACTION_NONE, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.2 first",
     "a RST is ignored", "slirp, LWIPv6 answer; gVisor does where SYN and ACK are set too"},
    {BIT(IN_LISTEN), RFC_ACK, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST,
     "9293 3.10.7.2 second", "any ACK to a listener is bad: a RST whose SEQ is SEG.ACK",
     "lwIP sets the ACK bit; LWIPv6 adds 1; pasta keeps silent"},
    {BIT(IN_LISTEN), RFC_SYN, REACTION_SYN_ACK, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.2 third",
     "SYN-ACK; data may be taken or left", ""},
    {BIT(IN_LISTEN), RFC_SYN_FIN, REACTION_SYN_ACK, AFTER_UNKNOWN, RFC_SHOULD,
     "9293 3.10.7.2 third", "SYN-ACK; other controls are for later",
     "Linux 3 and later, macOS drop it; Windows Vista and later reset it"},
    {BIT(IN_LISTEN), RFC_BARE, REACTION_NONE, AFTER_UNKNOWN, RFC_MUST, "9293 3.10.7.2 fourth",
     "what has neither RST, ACK nor SYN is dropped", "Windows, NetBSD, HP-UX, IOS, slirp reset it"},
    {BIT(IN_SYN_SENT), RFC_ACK_UNSENT, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST,
     "9293 3.10.7.3 first", "an unacceptable ACK draws a RST whose SEQ is SEG.ACK", ""},
    {BIT(IN_SYN_RECEIVED), RFC_ACK_UNSENT, REACTION_RST_SEQ_FROM_ACK, AFTER_UNKNOWN, RFC_MUST,
     "9293 3.10.7.4 fifth", "an ACK of what was not sent draws a RST whose SEQ is SEG.ACK",
     "lwIP sets the ACK bit; pasta keeps silent"},
    {BIT(IN_SYN_RECEIVED), RFC_SYN_IN_WINDOW, REACTION_NONE, AFTER_GONE, RFC_SHOULD,
     "9293 3.10.7.4 fourth", "after a passive OPEN: back to LISTEN",
     "Linux, gVisor reset it; lwIP keeps the connection"},
    {BIT(IN_SYN_RECEIVED) | (SYNCHRONIZED & ~BIT(IN_TIME_WAIT)), RFC_RST_EXACT, REACTION_NONE,
     AFTER_GONE, RFC_MUST, "9293 3.10.7.4 second", "a RST with SEQ = RCV.NXT ends the connection",
     ""},
    /* RFC 9293 says CLOSED, RFC 1337 that nothing may end TIME-WAIT early: both are right. */
    {BIT(IN_TIME_WAIT), RFC_RST_EXACT, REACTION_NONE, AFTER_UNKNOWN, RFC_MAY,
     "9293 3.10.7.4 second; 1337 3", "a RST ends TIME-WAIT, or is ignored", ""},
    {BIT(IN_SYN_RECEIVED) | SYNCHRONIZED, RFC_RST_IN_WINDOW, REACTION_CHALLENGE_ACK, AFTER_ALIVE,
     RFC_SHOULD, "9293 3.10.7.4 second; 5961 3",
     "a RST in the window, not exact, draws a challenge ACK",
     "without RFC 5961 the connection dies: gVisor, slirp, LWIPv6"},
    {BIT(IN_SYN_RECEIVED) | SYNCHRONIZED, RFC_RST_OUTSIDE, REACTION_NONE, AFTER_ALIVE, RFC_MUST,
     "9293 3.10.7.4 first", "a RST outside the window is dropped", ""},
    {BIT(IN_TIME_WAIT), RFC_SYN_IN_WINDOW, REACTION_SYN_ACK, AFTER_UNKNOWN, RFC_MAY,
     "9293 3.10.7.4 fourth; 6191", "a newer SYN may open a new connection; else a challenge ACK",
     ""},
    {SYNCHRONIZED & ~BIT(IN_TIME_WAIT), RFC_SYN_IN_WINDOW, REACTION_CHALLENGE_ACK, AFTER_ALIVE,
     RFC_SHOULD, "9293 3.10.7.4 fourth; 5961 4", "a SYN draws a challenge ACK, wherever it lies",
     "slirp resets the connection"},
    {SYNCHRONIZED & ~BIT(IN_TIME_WAIT), RFC_ACK_UNSENT, REACTION_CHALLENGE_ACK, AFTER_ALIVE,
     RFC_MUST, "9293 3.10.7.4 fifth", "an ACK of what was not sent draws an ACK",
     "Linux 6.1, gVisor, LWIPv6 drop it"},
    /* 9293 expects nothing there but the peer's FIN once more, and says nothing of the rest. */
    {BIT(IN_TIME_WAIT), RFC_ACK_UNSENT, REACTION_CHALLENGE_ACK, AFTER_ALIVE, RFC_MAY, "5961 5",
     "an ACK of what was not sent draws an ACK", "Linux drops it"},
    {BIT(IN_ESTABLISHED) | BIT(IN_FIN_WAIT_1) | BIT(IN_FIN_WAIT_2), RFC_DATA_OLD_ACK,
     REACTION_CHALLENGE_ACK, AFTER_ALIVE, RFC_SHOULD, "9293 3.10.7.4 fifth; 5961 5",
     "data with an ACK that is too old are refused with an ACK",
     "without RFC 5961 they are taken: lwIP, gVisor, slirp"},
    {BIT(IN_SYN_RECEIVED) | SYNCHRONIZED, RFC_NO_ACK, REACTION_NONE, AFTER_ALIVE, RFC_MUST,
     "9293 3.10.7.4 fifth", "a segment without the ACK bit is dropped",
     "lwIP, LWIPv6, pasta take its data and its FIN"},
};
const size_t rfc_row_count = sizeof(rfc_rows) / sizeof(rfc_rows[0]);

const struct rfc_row *rfc_find(enum tcp_state state, enum rfc_segment segment)
{
	for (size_t i = 0; i < rfc_row_count; i++)
		if (rfc_rows[i].segment == segment && rfc_rows[i].states & BIT(state))
			return &rfc_rows[i];
	return NULL;
}

const char *tcp_state_name(enum tcp_state s)
{
	static const char *const names[IN_STATES] = {
	    [IN_CLOSED] = "CLOSED",	      [IN_LISTEN] = "LISTEN",
	    [IN_SYN_SENT] = "SYN-SENT",	      [IN_SYN_RECEIVED] = "SYN-RECEIVED",
	    [IN_ESTABLISHED] = "ESTABLISHED", [IN_FIN_WAIT_1] = "FIN-WAIT-1",
	    [IN_FIN_WAIT_2] = "FIN-WAIT-2",   [IN_CLOSE_WAIT] = "CLOSE-WAIT",
	    [IN_CLOSING] = "CLOSING",	      [IN_LAST_ACK] = "LAST-ACK",
	    [IN_TIME_WAIT] = "TIME-WAIT",
	};

	return names[s];
}

const char *rfc_level_name(enum rfc_level l)
{
	static const char *const names[] = {
	    [RFC_MUST] = "must", [RFC_SHOULD] = "should", [RFC_MAY] = "may"};

	return names[l];
}

const char *rfc_after_name(enum rfc_after a)
{
	static const char *const names[] = {[AFTER_UNKNOWN] = "unknown",
					    [AFTER_ALIVE] = "alive",
					    [AFTER_GONE] = "gone",
					    [AFTER_ACCEPTED] = "accepted"};

	return names[a];
}
