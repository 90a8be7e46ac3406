/*
 * clue: the sentence of each clue, without a full stop. It words what the judge found, and finds
 * nothing itself.
 */
#include "report/report.h"

/* Those that carry no number. */
static const char *const sentences[CLUES] = {
    [CLUE_NONE] = "no clue",
    [CLUE_STRAY_FILTERED] =
	"stray segments are filtered: an ACK without a connection gets no answer",
    [CLUE_RESETS_FIN] = "resets FIN, NULL or xmas though it listens, as Windows, NetBSD and IOS do",
    [CLUE_SYN_DROPPED] = "the path drops SYNs",
    [CLUE_SYN_ONLY_DROPPED] = "the path drops SYNs only: stray segments pass",
    [CLUE_OPEN_IF_FIN_PASSES] = "silent to FIN, NULL or xmas: open, if the path lets them pass",
    [CLUE_LISTEN_RST] = "the ACK drew a RST from the LISTEN state, as RFC 9293 asks",
    [CLUE_STRAY_RST] = "the ACK drew a RST: the path passes it, and the stack answers",
    [CLUE_WEAK_CLOSED] = "closed by weak evidence only: Windows and others send such a RST at "
			 "LISTEN too",
    [CLUE_TUPLE_ONLY] = "a reply fits only addresses and ports, not the numbers that we sent",
    [CLUE_TUPLE_IN_USE] = "these addresses and ports belong to another connection over there",
    [CLUE_ICMP_LIMIT] = "silent, while the same sender rejected others: its ICMP rate limit may "
			"hide this",
    [CLUE_RST_ACK_FORM] = "the RST carries an ACK where RFC 9293 asks for none",
    [CLUE_TWO_SEGMENTS] = "one segment says open, another closed: a deviating stack, or a box in "
			  "the path",
    [CLUE_NO_ANSWER] = "nothing came back at all",
    [CLUE_STOPPED] = "the host stopped answering before the end",
    [CLUE_NO_OPEN_PORT] = "no open port was found",
    [CLUE_NO_CLOSED_PORT] = "every port asked accepts: no closed one was found",
    [CLUE_WINDOW_ZERO] = "the SYN-ACK has window 0",
    [CLUE_NO_OPTIONS] = "the SYN-ACK carries no options, though the SYN offered them",
    [CLUE_SYNACK_FILTERED] = "a connection tracker is on the path: ACKs pass, SYN-ACKs don't",
    [CLUE_SERVICE_CLOSES] = "the service closes first, so that FIN-WAIT-2 could be asked",
    [CLUE_SERVICE_STAYS] = "the service doesn't close first: FIN-WAIT-2 and TIME-WAIT stay unasked",
    [CLUE_SYNACK_TO_SYNACK] = "a SYN-ACK is answered with a SYN-ACK",
};

void report_clue(char *buf, size_t cap, const struct clue *c)
{
	switch (c->id) {
	case CLUE_SOME_REJECTED:
		snprintf(buf, cap, "other tries were rejected by ICMP type %u code %u", c->a, c->b);
		break;
	case CLUE_CUT_SHORT:
		snprintf(buf, cap, "the run ended after %u of at least %u tries", c->a, c->b);
		break;
	case CLUE_CLOSED_REJECTED:
		snprintf(buf, cap, "closed ports are rejected by ICMP type %u code %u", c->a, c->b);
		break;
	case CLUE_RESET_LIMIT:
		snprintf(
		    buf, cap,
		    "resets are rate-limited: %u of %u came only when asked again, more slowly",
		    c->a, c->b);
		break;
	case CLUE_CANARIES_OPEN:
		snprintf(buf, cap, "%u of %u random high ports accept as well", c->a, c->b);
		break;
	case CLUE_OTHER_DISTANCE:
		snprintf(
		    buf, cap,
		    "the resets of closed ports come from %u hops away, the open port's answers "
		    "from %u: another box sends them",
		    c->a, c->b);
		break;
	case CLUE_OTHER_SHAPE:
		snprintf(
		    buf, cap,
		    "closed ports reset in another form than the open one (TTL %u against %u): "
		    "likely another box",
		    c->a, c->b);
		break;
	default: snprintf(buf, cap, "%s", sentences[c->id]); break;
	}
}
