/*
 * provoke_rows: the findings of each scenario, in the order in which they are tried: first what
 * ends any scenario early, then what says most. Nothing here reads a number.
 */
#include "judge/provoke_bits.h"

#define ANY SCENARIOS

const struct provoke_row provoke_rows[] = {
    /* clang-format off */
    {"our-side-failed", ANY, BIT(SAW_FAILED), BIT(SAW_OPEN), SEVERITY_NOTICE,
     "this host could not open the connection: it says nothing of the service",
     "Look at the limits of this host: open files (ulimit -n), memory, local ports, and whether "
     "its own firewall lets the segments out (nft list ruleset)."},
    {"no-quiet-port", ANY, BIT(SAW_NO_QUIET), 0, SEVERITY_NOTICE,
     "this host's kernel can't be kept silent towards the service, and would spoil the scenario",
     "Give CAP_NET_ADMIN besides CAP_NET_RAW, or ask from a host that is not on the same link."},
    {"port-closed", ANY, BIT(SAW_REFUSED), BIT(SAW_OPEN), SEVERITY_NOTICE,
     "nobody listens: the SYN was answered by a RST",
     "Is the service running, on this address and port (ss -ltn)?"},
    {"port-rejected", ANY, BIT(SAW_REJECTED), BIT(SAW_OPEN), SEVERITY_NOTICE,
     "the SYN was rejected by an ICMP error",
     "Look for a reject rule or a missing route on the way."},
    {"no-answer", ANY, BIT(SAW_NO_ANSWER), BIT(SAW_OPEN), SEVERITY_NOTICE,
     "the SYN got no answer at all",
     "Is the host up, and does a filter drop what goes to this port?"},
    {"cut-short", ANY, BIT(SAW_STOPPED), BIT(SAW_ENOUGH), SEVERITY_NOTICE,
     "the run ended before anything could be said of the service",
     "Let it run to the end, or shorten it with --hold."},

    {"listen-rst-from-path", SCENARIO_LISTEN_ACK, BIT(STRAY_RST_SOME) | BIT(STRAY_FROM_PATH), 0,
     SEVERITY_NOTICE,
     "stray segments are reset by another box than the service that answers the SYN",
     "Trace the port with --probe ack to find which hop resets them."},
    {"listen-rst", SCENARIO_LISTEN_ACK, BIT(STRAY_RST_ALL), 0, SEVERITY_BENIGN,
     "the listener resets whatever carries an ACK and belongs to no connection, as RFC 9293 asks",
     ""},
    {"listen-partly", SCENARIO_LISTEN_ACK, BIT(STRAY_RST_SOME), 0, SEVERITY_NOTICE,
     "some stray segments are reset and others are swallowed: something between looks at their "
     "kind",
     "Who waits for the RST of a connection that is gone, waits in vain for some segments: look "
     "at rules for invalid or new packets without SYN."},
    {"listen-rejected", SCENARIO_LISTEN_ACK, BIT(STRAY_REJECTED), 0, SEVERITY_NOTICE,
     "the SYN is answered, and stray segments are rejected by ICMP: a firewall keeps state",
     ""},
    {"listen-silent", SCENARIO_LISTEN_ACK, 0, 0, SEVERITY_NOTICE,
     "the SYN is answered and stray segments are swallowed: a stateful filter, or a stealthy "
     "stack",
     "A peer whose connection was forgotten here gets no RST and waits for its own time-out: let "
     "the firewall reject with tcp reset instead of dropping."},

    {"keepalive-reset", SCENARIO_HALF_OPEN, BIT(SAW_KEEPALIVES) | BIT(SAW_RESET), 0,
     SEVERITY_BENIGN,
     "the service's keep-alive noticed that nobody is there any more, and reset the connection",
     ""},
    {"reset-by-service", SCENARIO_HALF_OPEN, BIT(SAW_RESET), 0, SEVERITY_NOTICE,
     "the service reset the silent connection without a keep-alive probe",
     "A time-out of the application's own that aborts (SO_LINGER 0, or data unread): a slow "
     "client gets ECONNRESET where a FIN would do."},
    {"closed-by-service", SCENARIO_HALF_OPEN, BIT(SAW_FIN), 0, SEVERITY_BENIGN,
     "the service closed the silent connection by itself, with a FIN",
     ""},
    {"keepalive-probes", SCENARIO_HALF_OPEN, BIT(SAW_KEEPALIVES), BIT(RETURN_ACCEPTED),
     SEVERITY_BENIGN,
     "the service probes the silent connection and has not given it up yet",
     "Hold longer (--hold) to see when it does."},
    {"keepalive-unheard", SCENARIO_HALF_OPEN, BIT(SAW_KEEPALIVES) | BIT(RETURN_ACCEPTED), 0,
     SEVERITY_BENIGN,
     "the service's keep-alive probed the silent connection, and then it was no longer known: "
     "given up, most likely, with a RST that did not arrive",
     ""},
    {"replaced", SCENARIO_HALF_OPEN, BIT(RETURN_ACCEPTED), 0, SEVERITY_NOTICE,
     "a SYN on the same ports was accepted at once: the old connection was no longer known, or "
     "a box between opens new ones in its place",
     "Something forgets silent connections without telling either end: compare the idle scenario."},
    {"reset-to-syn", SCENARIO_HALF_OPEN, BIT(RETURN_RST), 0, SEVERITY_NOTICE,
     "a SYN on the same ports was reset: no challenge ACK (RFC 5961, 4.2)",
     "A client that comes back from the same port after a crash is refused once; and whoever "
     "guesses the ports can reset connections."},
    {"gives-way", SCENARIO_HALF_OPEN, BIT(RETURN_CHALLENGED) | BIT(RETURN_YIELDED), 0,
     SEVERITY_NOTICE,
     "the service did not notice that nobody was there; its stack answered our return with a "
     "challenge ACK and gave way to the RST, as it should",
     "Turn on keep-alive (SO_KEEPALIVE, tcp_keepalive_time) or a read time-out: dead clients hold "
     "a connection each until then."},
    {"keeps", SCENARIO_HALF_OPEN, BIT(RETURN_CHALLENGED), 0, SEVERITY_PROBLEM,
     "the service did not notice that nobody was there, and its stack did not give way to the "
     "RST that answers its challenge ACK",
     "A client that comes back from the same port can't connect: does a firewall between drop "
     "its RST?"},
    {"mute", SCENARIO_HALF_OPEN, 0, 0, SEVERITY_PROBLEM,
     "the service did not notice that nobody was there, and a SYN on the same ports gets no "
     "answer",
     "A client that comes back from the same port waits for its time-out: does a filter between "
     "still hold the old connection?"},

    {"answer-lost", SCENARIO_EARLY_CLOSE, BIT(SAW_RESET) | BIT(ANSWER_LOST), 0, SEVERITY_PROBLEM,
     "the service closed with received data unread, and the RST that this drew destroyed part of "
     "its own answer",
     "Before close(): shutdown(SHUT_WR), then read until the end of the stream or a time-out "
     "(nginx: lingering_close)."},
    {"reset-unanswered", SCENARIO_EARLY_CLOSE, BIT(SAW_RESET), BIT(ANSWER_SENT), SEVERITY_PROBLEM,
     "the service reset the connection without a word of an answer",
     "Answer first (for HTTP: 413), then shutdown(SHUT_WR) and read on for a while before "
     "close()."},
    {"answer-whole", SCENARIO_EARLY_CLOSE, BIT(SAW_RESET), 0, SEVERITY_NOTICE,
     "the service reset the connection with data unread; this time all that it had sent of its "
     "answer could be read all the same",
     "It is a race: a client that still writes gets ECONNRESET before it reads. shutdown(SHUT_WR) "
     "and read on before close()."},
    {"closes-cleanly", SCENARIO_EARLY_CLOSE, BIT(SAW_FIN), 0, SEVERITY_BENIGN,
     "the service closed with a FIN and no RST: nothing of its answer is at risk",
     ""},
    {"takes-all", SCENARIO_EARLY_CLOSE, BIT(ALL_TAKEN), 0, SEVERITY_BENIGN,
     "the service took all octets and kept the connection: nothing made it close early",
     "Send more (--bytes), or a request that it refuses."},
    {"stalls", SCENARIO_EARLY_CLOSE, 0, 0, SEVERITY_NOTICE,
     "the service stopped reading and neither closed nor reset: the writer is stuck",
     "Give the service a time-out, and the client one for its writes."},

    {"resets", SCENARIO_DATA_AFTER_CLOSE, BIT(SAW_FIN) | BIT(LATE_RST), 0, SEVERITY_BENIGN,
     "data after the service's FIN are reset: it had closed both directions",
     "A client that writes without looking for the end of file loses what it writes: the first "
     "write succeeds, the next gets EPIPE or ECONNRESET."},
    {"accepts", SCENARIO_DATA_AFTER_CLOSE, BIT(SAW_FIN) | BIT(LATE_TAKEN), 0, SEVERITY_BENIGN,
     "data after the service's FIN are acknowledged: it closed only its own direction",
     ""},
    {"ignores", SCENARIO_DATA_AFTER_CLOSE, BIT(SAW_FIN), 0, SEVERITY_NOTICE,
     "data after the service's FIN get no answer at all",
     "The writer waits for its retransmissions to run out: does a filter forget connections at "
     "the FIN?"},
    {"aborts", SCENARIO_DATA_AFTER_CLOSE, BIT(SAW_RESET), 0, SEVERITY_NOTICE,
     "the service reset the connection instead of closing it with a FIN",
     "SO_LINGER 0, or data left unread: see the early-close scenario."},
    {"stays-open", SCENARIO_DATA_AFTER_CLOSE, 0, 0, SEVERITY_BENIGN,
     "the service did not close the connection while we waited",
     "Hold longer (--hold), or send something after which it closes."},

    {"reset-unasked", SCENARIO_ABORT, BIT(RESET_UNASKED), 0, SEVERITY_NOTICE,
     "one of the two connections was reset before the abort: what the abort does was not seen",
     "Try again. If it stays so: does the service, or a box between, limit the connections of one "
     "client, or reset them by itself?"},
    {"listener-dies", SCENARIO_ABORT, BIT(NEW_FAILS), 0, SEVERITY_PROBLEM,
     "after the abort of one connection the service accepts no new one",
     "Does the RST kill the process or block its loop (ECONNRESET, EPIPE or SIGPIPE not "
     "handled)?"},
    {"others-die", SCENARIO_ABORT, BIT(OTHER_GONE), 0, SEVERITY_PROBLEM,
     "the abort of one connection took another one with it",
     "Does the process that serves both die of ECONNRESET, EPIPE or SIGPIPE?"},
    {"others-live", SCENARIO_ABORT, BIT(OTHER_LIVES), 0, SEVERITY_BENIGN,
     "the abort of one connection touched no other, and new ones are accepted",
     ""},
    {"others-silent", SCENARIO_ABORT, 0, 0, SEVERITY_NOTICE,
     "after the abort the other connection gave no sign of life, and no sign of its end",
     "Try again: if it stays so, look for what the path lost."},

    {"listener-blocked", SCENARIO_SLOW_HANDSHAKE, BIT(NEW_FAILS), 0, SEVERITY_PROBLEM,
     "one half-open connection keeps others from being accepted",
     "Look at the backlog (ss -ltn), tcp_max_syn_backlog, tcp_syncookies, and limits of a "
     "firewall on new connections."},
    {"ignores-rst", SCENARIO_SLOW_HANDSHAKE, BIT(SYN_ACK_AFTER_RST), 0, SEVERITY_NOTICE,
     "the SYN-ACK came again after our RST: the half-open connection was not taken back",
     "Does a filter drop the RST? Each client that gives up early holds a place in the backlog "
     "until the SYN-ACKs end."},
    {"gives-up", SCENARIO_SLOW_HANDSHAKE, BIT(SYN_ACK_ENDS), 0, SEVERITY_BENIGN,
     "the service gave the half-open connection up while we waited",
     ""},
    {"retransmits", SCENARIO_SLOW_HANDSHAKE, BIT(SYN_ACK_REPEATS), 0, SEVERITY_BENIGN,
     "the SYN-ACK is sent again until our RST ends it, and others are accepted meanwhile",
     ""},
    {"does-not-retransmit", SCENARIO_SLOW_HANDSHAKE, 0, 0, SEVERITY_NOTICE,
     "the SYN-ACK is sent once: SYN cookies, a SYN proxy, or no retries",
     "Where the SYN-ACK or the ACK is lost, the client's own SYN must bring it again."},

    {"ends-by-fin", SCENARIO_IDLE, BIT(REST_FIN), 0, SEVERITY_BENIGN,
     "an idle connection is closed with a FIN",
     "Keep a pool's idle time below it, or send keep-alives more often."},
    {"ends-by-rst", SCENARIO_IDLE, BIT(REST_RST), 0, SEVERITY_NOTICE,
     "an idle connection is ended by a RST that comes by itself",
     "Keep a pool's idle time below it, or send keep-alives more often."},
    {"reset-on-use", SCENARIO_IDLE, BIT(REST_USE_RST), 0, SEVERITY_PROBLEM,
     "an idle connection is forgotten without a word, and reset when it is used again",
     "The next request on a pooled connection fails: keep the idle time below it, or send "
     "keep-alives more often (tcp_keepalive_time)."},
    {"silent-on-use", SCENARIO_IDLE, BIT(REST_USE_SILENT), 0, SEVERITY_PROBLEM,
     "an idle connection is forgotten without a word, and what is sent on it later is swallowed",
     "The next request on a pooled connection hangs: keep the idle time below it, or send "
     "keep-alives more often (tcp_keepalive_time)."},
    {"outlives", SCENARIO_IDLE, 0, 0, SEVERITY_BENIGN,
     "an idle connection outlives every rest that was tried",
     "Hold longer (--hold) to find where it ends."},

    {"repeats", SCENARIO_LOST_RST, BIT(SAW_RESET) | BIT(ON_RST_ALL), 0, SEVERITY_BENIGN,
     "each segment after the RST draws it again: a lost RST does no harm",
     ""},
    {"sometimes", SCENARIO_LOST_RST, BIT(SAW_RESET) | BIT(ON_RST_SOME), 0, SEVERITY_NOTICE,
     "some segments after the RST draw it again and others get no answer: resets are limited, or "
     "lost",
     "Whose RST is lost may wait for a retransmission or more."},
    {"once", SCENARIO_LOST_RST, BIT(SAW_RESET), 0, SEVERITY_PROBLEM,
     "the RST comes once, and what is sent after it gets no answer",
     "Whose RST is lost waits for its own time-out: does a filter swallow what belongs to no "
     "connection?"},
    {"goes-silent", SCENARIO_LOST_RST, BIT(MORE_UNANSWERED), 0, SEVERITY_NOTICE,
     "no RST was seen, and in the end the service gave no sign of life: its RST may be lost, and "
     "the connection forgotten",
     "Does a filter drop its RSTs, or what belongs to no connection? Compare with the target's own "
     "answers (trace --probe data)."},
    {"never-resets", SCENARIO_LOST_RST, 0, 0, SEVERITY_NOTICE,
     "nothing that was tried made the service send a RST",
     ""},

    {"reset-unasked", SCENARIO_CHALLENGE, BIT(RESET_UNASKED), 0, SEVERITY_NOTICE,
     "the connection was reset by itself, before all the forged segments were sent: what they do "
     "was not seen",
     "Try again. If it stays so: does the service reset connections on which nothing is said, or "
     "does a box between?"},
    {"dies-by-syn", SCENARIO_CHALLENGE, BIT(SYN_KILLS), 0, SEVERITY_PROBLEM,
     "a SYN in the window ends the connection: anybody who guesses the ports and a number can do "
     "so",
     "RFC 5961, 4.2 asks for a challenge ACK: update the stack, or the box that answers for it."},
    {"dies-by-near-rst", SCENARIO_CHALLENGE, BIT(NEAR_KILLS), 0, SEVERITY_PROBLEM,
     "a RST that is off by one ends the connection: anybody who guesses the ports and a number "
     "near can do so",
     "RFC 5961, 3.2 asks for a challenge ACK: update the stack, or the box that answers for it."},
    {"dies-by-old-ack", SCENARIO_CHALLENGE, BIT(OLD_KILLS), 0, SEVERITY_PROBLEM,
     "data with an ACK that is far too old end the connection",
     "RFC 5961, 5.2 asks for an ACK and nothing else: update the stack, or the box between."},
    {"survives-exact-rst", SCENARIO_CHALLENGE, BIT(EXACT_SURVIVED), 0, SEVERITY_NOTICE,
     "the connection outlives even the exact RST: something swallows RSTs",
     "Clients that abort leave connections behind: look for a rule that drops RSTs."},
    {"challenges", SCENARIO_CHALLENGE, BIT(SYN_CHALLENGED) | BIT(NEAR_CHALLENGED), 0,
     SEVERITY_BENIGN,
     "forged segments are answered by challenge ACKs and do no harm, as RFC 5961 asks",
     ""},
    {"silent-but-lives", SCENARIO_CHALLENGE, BIT(STILL_ALIVE), 0, SEVERITY_NOTICE,
     "forged segments do no harm, and not each is challenged",
     "A client that comes back after a crash learns nothing of its old connection and waits: does "
     "a filter drop what is not exact?"},
    {"falls-silent", SCENARIO_CHALLENGE, 0, 0, SEVERITY_NOTICE,
     "after the forged segments the connection gives no sign of life, and no RST either",
     "A box between may have forgotten it: compare with the target's own answers (trace)."},
    /* clang-format on */
};
const size_t provoke_row_count = sizeof(provoke_rows) / sizeof(provoke_rows[0]);
