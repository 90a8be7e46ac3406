/*
 * cause_rules: which facts make which cause, as rows: the first whose facts are all there decides.
 * It reads facts and never packets. Thresholds are not here: facts_* turn numbers into facts.
 */
#include "judge/cause.h"

#define F(...)                                                                                     \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define NONE                                                                                       \
	{                                                                                          \
		FACT_NONE                                                                          \
	}
#define ALONE                                                                                      \
	{                                                                                          \
		CAUSE_UNKNOWN                                                                      \
	}

/* Columns: id, all of these facts, none of these, how sure, what fits too, the rule in words. */
const struct cause_row cause_rows[] = {
    {CAUSE_DUP_FRAME, F(R_DUPLICATE), NONE, SURE_CERTAIN, ALONE, "the same frame, captured before"},
    {CAUSE_MALFORMED, F(R_MALFORMED), NONE, SURE_CERTAIN, ALONE, "RST with SYN or FIN"},
    {CAUSE_NO_CONTEXT, F(FORGOTTEN), F(T_SYN, R_DUPLICATE), SURE_POSSIBLE, ALONE,
     "flows were evicted before its first packet here, perhaps its own"},

    /* A third party: X's own packets contradict it. */
    {CAUSE_INJECTED_SYN, F(T_SYN, C_SYN_ACK_LATER), NONE, SURE_LIKELY, F(CAUSE_FIREWALL_REJECT),
     "the port answered the same SYN by a SYN-ACK"},
    {CAUSE_INJECTED_MULTI, F(C_MULTI), F(C_BOTH_SIDES), SURE_LIKELY, F(CAUSE_FIREWALL_REJECT),
     "RSTs with several sequence numbers, one beyond all that was sent"},
    {CAUSE_FIREWALL_REJECT, F(FOREIGN, T_FOUND, T_SYN), NONE, SURE_LIKELY,
     F(CAUSE_REFUSED, CAUSE_INJECTED_SYN), "the RST to the SYN came from elsewhere than the host"},
    {CAUSE_FIREWALL_REJECT, F(FOREIGN, T_FOUND), F(R_ACK, X_ONLY_SYN), SURE_LIKELY,
     F(CAUSE_INJECTED_RACE, CAUSE_HALF_OPEN),
     "in the form of an answer to a segment, and not from where X's packets come"},
    {CAUSE_MIDDLEBOX_IDLE, F(FOREIGN, QUIET), F(T_FOUND), SURE_LIKELY,
     F(CAUSE_INJECTED_RACE, CAUSE_ABORT_IDLE),
     "after silence, provoked by nothing, and not from where X's packets come"},
    {CAUSE_MIDDLEBOX_IDLE, F(C_BOTH_SIDES), F(T_FOUND, GENUINE), SURE_LIKELY, F(CAUSE_ABORT_IDLE),
     "both directions were reset at once after silence, and neither provoked the other"},
    {CAUSE_MIDDLEBOX_IDLE, F(C_NO_TS, QUIET, R_SEQ_EXACT), F(T_FOUND), SURE_POSSIBLE,
     F(CAUSE_ABORT_IDLE), "after silence, in another form than X's other segments"},
    {CAUSE_MIDDLEBOX_IDLE, F(C_HOPS_WEAK, QUIET, R_SEQ_EXACT), F(T_FOUND, GENUINE), SURE_POSSIBLE,
     F(CAUSE_ABORT_IDLE, CAUSE_ABORT_CLOSE), "after silence, and from one hop nearer or farther"},
    {CAUSE_INJECTED_BLIND, F(FOREIGN, C_IN_WINDOW), F(T_FOUND), SURE_LIKELY, F(CAUSE_INJECTED_RACE),
     "in the window, and not the number that is due"},
    {CAUSE_INJECTED_ACK, F(FOREIGN, C_ACK_BEYOND), NONE, SURE_LIKELY, F(CAUSE_INJECTED_RACE),
     "acknowledges what was never sent"},
    {CAUSE_INJECTED_LATE, F(FOREIGN, R_SEQ_BELOW), F(T_FOUND), SURE_LIKELY, F(CAUSE_INJECTED_RACE),
     "behind what X had sent already, and provoked by nothing"},
    {CAUSE_INJECTED_RACE, F(FOREIGN), F(X_ONLY_SYN), SURE_LIKELY,
     F(CAUSE_FIREWALL_REJECT, CAUSE_ABORT_CLOSE), "X's packets before or after contradict it"},

    /* An answer to a SYN. */
    {CAUSE_RST_LOST_REPEAT, F(T_SYN, SYN_ANSWERED_RST), F(SYN_REPEAT_FAST), SURE_LIKELY,
     F(CAUSE_REFUSED), "the SYN was sent again after a time-out, though a RST had answered it"},
    {CAUSE_FIREWALL_REJECT, F(T_SYN, LISTENER_ON), F(K_SAID), SURE_POSSIBLE, F(CAUSE_REFUSED),
     "the port accepts others before and after"},
    {CAUSE_REFUSED, F(T_SYN, K_NO_SOCKET), NONE, SURE_CERTAIN, ALONE,
     "a RST answered the SYN, and the kernel says that it had no socket"},
    {CAUSE_REFUSED, F(T_SYN), NONE, SURE_LIKELY, F(CAUSE_FIREWALL_REJECT),
     "a RST answered the SYN"},

    /* X is the client and has had no answer yet. */
    {CAUSE_STALE_CONNECTION, F(OWN_OLD_LIVED, T_ACK), F(R_ACK), SURE_LIKELY, ALONE,
     "the SYN drew an ACK of an older connection"},
    {CAUSE_STALE_CONNECTION, F(X_ONLY_SYN, T_ACK), F(R_ACK, T_SYN_ACK), SURE_LIKELY, ALONE,
     "the SYN drew an ACK of an older connection"},
    {CAUSE_RST_LOST_REPEAT, F(X_ONLY_SYN, RST_SAME_BEFORE, T_SYN_ACK_OK, T_REPEAT), F(R_ACK),
     SURE_LIKELY, F(CAUSE_AFTER_RESET), "the SYN-ACK came again, though a RST had answered it"},
    {CAUSE_AFTER_RESET, F(X_ONLY_SYN, RST_BEFORE, T_SYN_ACK_OK), F(R_ACK), SURE_LIKELY, ALONE,
     "one more RST to a SYN-ACK sent again"},
    {CAUSE_SYN_ACK_UNEXPECTED, F(X_ONLY_SYN, T_SYN_ACK_OK, SYN_RAW), NONE, SURE_LIKELY,
     F(CAUSE_HANDSHAKE_ABANDONED), "the SYN does not look like a kernel's"},
    {CAUSE_HANDSHAKE_ABANDONED, F(X_ONLY_SYN, T_SYN_ACK_OK), NONE, SURE_LIKELY,
     F(CAUSE_SYN_ACK_UNEXPECTED), "the client resets the SYN-ACK that it asked for"},
    {CAUSE_BAD_SYNACK, F(X_ONLY_SYN, T_SYN_ACK), NONE, SURE_LIKELY, ALONE,
     "the SYN-ACK acknowledges another number than the SYN's"},
    {CAUSE_SYN_CANCELLED, F(X_ONLY_SYN), F(Y_SEEN, ONE_SIDED), SURE_LIKELY,
     F(CAUSE_HANDSHAKE_ABANDONED), "after its SYN, and nothing came back"},
    {CAUSE_SYNACK_UNSOLICITED, F(T_SYN_ACK), F(X_SEEN, RST_BEFORE), SURE_LIKELY,
     F(CAUSE_SYN_ACK_UNEXPECTED), "the capture has no SYN for this SYN-ACK"},

    /* One more, after a RST. */
    {CAUSE_RST_LOST_REPEAT, F(RST_SAME_BEFORE, T_FOUND, T_REPEAT), F(R_ACK), SURE_LIKELY,
     F(CAUSE_AFTER_RESET), "the retransmission of a segment that had drawn the same RST"},
    {CAUSE_AFTER_RESET, F(RST_BEFORE, T_FOUND), NONE, SURE_CERTAIN, ALONE,
     "answers a segment that was in flight when the connection was reset"},
    {CAUSE_AFTER_RESET, F(RST_BEFORE, X_SEEN), NONE, SURE_LIKELY, ALONE,
     "the connection had been reset before"},

    /* A listener that refuses what is not a SYN. */
    {CAUSE_BACKLOG_OVERFLOW, F(K_LISTEN_SYN), NONE, SURE_CERTAIN, ALONE,
     "the kernel says that its listener had no room"},
    {CAUSE_BACKLOG_OVERFLOW, F(X_ONLY_SYNACK, T_FOUND, HANDSHAKE_NOW), F(R_ACK, Y_DATA, X_DATA),
     SURE_LIKELY, F(CAUSE_HALF_OPEN, CAUSE_FIREWALL_REJECT),
     "the ACK that ended the handshake was reset"},
    {CAUSE_BACKLOG_OVERFLOW, F(X_ONLY_SYNACK, T_FOUND, HANDSHAKE_NOW), F(R_ACK, X_DATA, T_REPEAT),
     SURE_POSSIBLE, F(CAUSE_HALF_OPEN, CAUSE_FIREWALL_REJECT),
     "the first data after the handshake were reset, and nothing of it acknowledged"},

    /* In the form of an answer: the sender has no such connection (any more). */
    {CAUSE_NO_CONNECTION, F(R_ACK, T_FOUND), F(T_ACK), SURE_CERTAIN, ALONE,
     "answers a segment without ACK, as a closed port does"},
    {CAUSE_LISTEN_ACK, F(T_FOUND, K_LISTEN_FLAGS), F(X_SEEN, R_ACK), SURE_CERTAIN, ALONE,
     "the kernel says that its listener refused the segment"},
    {CAUSE_LISTEN_ACK, F(T_FOUND, LISTENER), F(X_SEEN, R_ACK), SURE_LIKELY, F(CAUSE_HALF_OPEN),
     "no such connection in the capture, and the port accepts others"},
    {CAUSE_NO_CONNECTION, F(T_FOUND), F(X_SEEN, R_ACK), SURE_LIKELY,
     F(CAUSE_HALF_OPEN, CAUSE_LISTEN_ACK), "nothing of the sender before it in the capture"},
    {CAUSE_TIME_WAIT, F(X_FIN, Y_FIN, T_PURE_ACK, T_LATE), F(R_ACK), SURE_LIKELY,
     F(CAUSE_LATE_AFTER_CLOSE), "an ACK came after both had closed"},
    {CAUSE_LATE_AFTER_CLOSE, F(X_FIN, T_FOUND, T_KEEPALIVE), F(R_ACK), SURE_LIKELY, ALONE,
     "a keep-alive came to an end that had closed"},
    {CAUSE_DATA_AFTER_CLOSE, F(X_FIN, T_DATA), F(R_ACK), SURE_CERTAIN, ALONE,
     "the sender's FIN came before it, and payload provoked it"},
    {CAUSE_LATE_AFTER_CLOSE, F(X_FIN, T_FOUND, T_ACKS_FIN), F(R_ACK, T_FIN), SURE_LIKELY,
     F(CAUSE_FIN_THEN_ABORT), "the ACK of its own FIN drew it"},
    {CAUSE_LATE_AFTER_CLOSE, F(X_FIN, T_FOUND), F(R_ACK), SURE_LIKELY, ALONE,
     "the sender's FIN came before it, and no payload provoked it"},
    {CAUSE_FIREWALL_REJECT, F(ESTABLISHED, T_FOUND, TRACKER), F(R_ACK), SURE_LIKELY,
     F(CAUSE_HALF_OPEN), "an out-of-window segment drew it: a connection tracker let it by"},
    {CAUSE_HALF_OPEN, F(X_SEEN, T_FOUND, X_RESPONDER), F(R_ACK), SURE_LIKELY,
     F(CAUSE_LISTEN_ACK, CAUSE_FIREWALL_REJECT),
     "the connection was there, its sender closed nothing, and now knows it no more"},
    {CAUSE_HALF_OPEN, F(X_SEEN, T_FOUND), F(R_ACK), SURE_LIKELY, F(CAUSE_FIREWALL_REJECT),
     "the connection was there, its sender closed nothing, and now knows it no more"},

    /* An abort: provoked by no segment. */
    {CAUSE_KEEPALIVE_FAIL, F(K_KEEPALIVE), F(T_FOUND), SURE_CERTAIN, ALONE,
     "the kernel says that its keep-alives failed"},
    {CAUSE_KEEPALIVE_FAIL, F(KEEPALIVES), F(T_FOUND), SURE_LIKELY, ALONE,
     "after keep-alive probes that were not answered"},
    {CAUSE_RETRANSMIT_GIVEUP, F(RETRANSMITS), F(T_FOUND, K_SAID), SURE_LIKELY,
     F(CAUSE_ABORT_PENDING), "after retransmissions that were not answered"},
    {CAUSE_DATA_AFTER_CLOSE, F(X_FIN, Y_DATA_AFTER_FIN), NONE, SURE_LIKELY, F(CAUSE_FIN_THEN_ABORT),
     "payload came after its FIN, and it never acknowledged it"},
    /* Bare, as an answer; what it answers is of the direction that is not in the capture. */
    {CAUSE_DATA_AFTER_CLOSE, F(ONE_SIDED, X_SEEN, X_FIN), F(R_ACK, T_FOUND), SURE_POSSIBLE,
     F(CAUSE_LATE_AFTER_CLOSE, CAUSE_FIN_THEN_ABORT),
     "the sender's FIN came before it, and it has the form of an answer"},
    {CAUSE_HALF_OPEN, F(ONE_SIDED, X_SEEN), F(R_ACK, T_FOUND, X_ONLY_SYN), SURE_POSSIBLE,
     F(CAUSE_ABORT_CLOSE, CAUSE_FIREWALL_REJECT),
     "in the form of an answer, to a segment that is not in the capture"},
    {CAUSE_FIN_THEN_ABORT, F(X_FIN), NONE, SURE_LIKELY, ALONE, "its own FIN came before it"},
    {CAUSE_ABORT_AFTER_FIN, F(Y_FIN, X_SEEN), NONE, SURE_LIKELY,
     F(CAUSE_UNREAD_DATA_CLOSE, CAUSE_ABORT_LINGER), "the other end's FIN came before it"},
    {CAUSE_UNREAD_DATA_CLOSE, F(K_ABORT_ON_CLOSE), NONE, SURE_CERTAIN, ALONE,
     "the kernel says that it was closed with data unread"},
    {CAUSE_LISTENER_CLOSED, F(X_ONLY_SYNACK, BURST_PORT), F(X_DATA), SURE_LIKELY,
     F(CAUSE_ABORT_NO_DATA), "several connections of the port that had never answered, at once"},
    {CAUSE_LISTENER_CLOSED, F(X_RESPONDER, BURST_PORT), F(X_DATA, R_WIN_GREW), SURE_LIKELY,
     F(CAUSE_ABORT_NO_DATA, CAUSE_UNREAD_DATA_CLOSE),
     "several connections of the port that had never answered, at once"},
    {CAUSE_SOCK_DESTROY, F(K_DESTROYED), NONE, SURE_LIKELY, F(CAUSE_ABORT_LINGER),
     "the kernel says that the socket was ended while established"},
    {CAUSE_ABORT_PENDING, F(X_UNACKED), NONE, SURE_LIKELY,
     F(CAUSE_ABORT_LINGER, CAUSE_UNREAD_DATA_CLOSE), "data of its own were not acknowledged yet"},
    {CAUSE_ABORT_PENDING, F(Y_ZERO_WINDOW, X_SEEN), NONE, SURE_LIKELY,
     F(CAUSE_ABORT_LINGER, CAUSE_UNREAD_DATA_CLOSE), "the other end's window was closed"},
    {CAUSE_ABORT_NO_DATA, F(HANDSHAKE, X_RESPONDER), F(X_DATA, Y_DATA, ONE_SIDED), SURE_LIKELY,
     F(CAUSE_LISTENER_CLOSED, CAUSE_ABORT_LINGER), "no octet of payload either way"},
    {CAUSE_ABORT_NO_DATA, F(HANDSHAKE, X_INITIATOR, Y_SEEN), F(X_DATA, Y_DATA, ONE_SIDED),
     SURE_LIKELY, F(CAUSE_ABORT_LINGER), "no octet of payload either way"},
    {CAUSE_ABORT_LINGER, F(K_STATE), NONE, SURE_CERTAIN, ALONE,
     "the kernel says that it was aborted with nothing unread"},
    {CAUSE_UNREAD_DATA_CLOSE, F(R_WIN_GREW, Y_DATA), F(IDLE), SURE_LIKELY, F(CAUSE_ABORT_LINGER),
     "its window grew in the RST: a queue was thrown away"},
    {CAUSE_ABORT_IDLE, F(IDLE, X_SEEN), NONE, SURE_LIKELY,
     F(CAUSE_MIDDLEBOX_IDLE, CAUSE_ABORT_LINGER), "after silence, in the form of X's own segments"},
    {CAUSE_ABORT_CLOSE, F(LAST_DATA_Y, X_INITIATOR, X_DATA), NONE, SURE_LIKELY,
     F(CAUSE_ABORT_LINGER, CAUSE_UNREAD_DATA_CLOSE, CAUSE_SOCK_DESTROY),
     "the client had its answer, acknowledged all of it, and aborted"},
    {CAUSE_ABORT_CLOSE, F(LAST_DATA_Y), NONE, SURE_LIKELY,
     F(CAUSE_UNREAD_DATA_CLOSE, CAUSE_ABORT_LINGER, CAUSE_SOCK_DESTROY),
     "the last payload was the other end's, acknowledged and never answered"},
    {CAUSE_ABORT_CLOSE, F(X_SEEN, R_ACK), NONE, SURE_LIKELY,
     F(CAUSE_ABORT_LINGER, CAUSE_UNREAD_DATA_CLOSE, CAUSE_SOCK_DESTROY),
     "provoked by no segment, with the numbers of the connection"},
    {CAUSE_ABORT_CLOSE, F(X_SEEN, R_SEQ_EXACT), NONE, SURE_POSSIBLE,
     F(CAUSE_ABORT_LINGER, CAUSE_UNREAD_DATA_CLOSE, CAUSE_HALF_OPEN),
     "provoked by no segment of the capture, with the number that is due"},
    {CAUSE_ABORT_CLOSE, F(R_ACK, Y_SEEN, ONE_SIDED), NONE, SURE_POSSIBLE,
     F(CAUSE_ABORT_LINGER, CAUSE_UNREAD_DATA_CLOSE, CAUSE_REFUSED),
     "only the other direction is in the capture"},

    /* What it says itself, where nothing else decides. */
    {CAUSE_MPTCP_FASTCLOSE, F(R_MP_FASTCLOSE), NONE, SURE_LIKELY, ALONE, "its MPTCP option"},
    {CAUSE_MPTCP_RESET, F(R_MP_TCPRST), NONE, SURE_LIKELY, ALONE, "its MPTCP option"},
    {CAUSE_VENDOR_REPORTED, F(R_VENDOR), NONE, SURE_POSSIBLE, ALONE, "what it says itself"},
    {CAUSE_NO_CONTEXT, NONE, F(X_SEEN, Y_SEEN), SURE_POSSIBLE, ALONE,
     "nothing else of the connection in the capture"},
    {CAUSE_UNKNOWN, NONE, NONE, SURE_POSSIBLE, ALONE, "no rule fits"},
};
const size_t cause_row_count = sizeof(cause_rows) / sizeof(cause_rows[0]);

static bool matches(const struct cause_row *r, const struct facts *f)
{
	for (size_t i = 0; i < NEED_MAX && r->need[i]; i++)
		if (!fact_has(f, r->need[i]))
			return false;
	for (size_t i = 0; i < LACK_MAX && r->lack[i]; i++)
		if (fact_has(f, r->lack[i]))
			return false;
	return true;
}

const struct cause_row *cause_decide(const struct facts *f)
{
	const struct cause_row *r = cause_rows;

	while (!matches(r, f))
		r++;
	return r;
}
