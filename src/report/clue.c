/*
 * clue: the sentence of each clue, without a full stop. It words what the judge found, and finds
 * nothing itself.
 */
#include "report/reset_words.h"
#include "report/trace_words.h"

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
    [CLUE_TUPLE_ONLY] = "a reply fits only addresses and ports, not the numbers that we "
			"sent: it proves nothing",
    [CLUE_TUPLE_IN_USE] = "these addresses and ports may belong to another connection over "
			  "there",
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
    [CLUE_ACK_ELSEWHERE] = "the RST to the ACK is not from where the SYN-ACK is: a box in the path "
			   "resets stray segments",
    [CLUE_WINDOW_CLOSED] = "the service's window closed: it had stopped reading",
    [CLUE_ANSWER_LENGTH] = "nothing in the answer says how long it was to be: there may have been "
			   "more of it",
    [CLUE_TRACE_SAME_LOOK] =
	"a box that answers in the target's name at this distance would look the same",
    [CLUE_TRACE_UNCONFIRMED] = "no second connection could confirm the hop",
    [CLUE_TRACE_NOT_CONNECTED] = "the port answers the SYN, and no connection came about",
    [CLUE_TRACE_NO_DATA] = "no data was sent: this is what the SYN came to",
    [CLUE_TRACE_ICMP_LIMIT] = "some routers were asked only once a second, since many limit their "
			      "ICMP errors: one that keeps silent may do so for that",
};

/* Of a RST, or a walk: templates (reset_words.h). Each begins so that it can follow a colon. */
static const char *const templates[CLUES] = {
    [CLUE_HOPS] = "it travelled %an hop%ap, %X's other packets %bn",
    [CLUE_RST_NEARER] = "its RST travelled %an hop%ap, the SYN-ACKs of open ports %bn",
    [CLUE_RST_NEARER_THAN_RSTS] = "its RST travelled %an hop%ap, most of the host's RSTs %bn",
    [CLUE_RST_FARTHER] = "its RST travelled %an hop%ap, the SYN-ACKs of open ports only %bn: a "
			 "box before the host answers SYNs, or its TTL is made up",
    [CLUE_RST_TOO_FAST] = "its RST came after %au, and the fastest SYN-ACK of the host took %bu",
    [CLUE_INITIAL_TTL] = "it came with TTL %an, %X's other packets with %bn: as many hops from "
			 "another initial TTL",
    [CLUE_TOO_FAST] = "it came %au after what provoked it, and the round trip to %X takes %bu",
    [CLUE_IP_ID] = "its IP ID %ai is out of %X's counter, which stood at %bi",
    [CLUE_GOES_ON] = "%X went on sending after it, as if nothing had been",
    [CLUE_SYN_ACK_LATER] = "%X's own SYN-ACK came after it",
    [CLUE_SEQ_SPREAD] = "%an RSTs came with different sequence numbers, up to %bo ahead",
    [CLUE_ACK_BEYOND] = "it acknowledges %ao that %Y never sent",
    [CLUE_IN_WINDOW] = "its number is in %Y's window but %ao from what is expected: a guess",
    [CLUE_NO_TS] = "it carries no time stamps, which all else of %X has",
    [CLUE_BOTH_SIDES] = "the other direction was reset within a second, too",
    [CLUE_WINDOW_GREW] = "its window jumped from %ao to %bo in the RST, as when a queue of unread "
			 "data is purged",
    [CLUE_UNANSWERED] = "%X acknowledged %Y's last %ao of payload and never answered them",
    [CLUE_UNACKED] = "%ao of %X were not acknowledged yet",
    [CLUE_ZERO_WINDOW] = "%Y's window was closed",
    [CLUE_GAP] = "%am of silence before",
    [CLUE_IDLE_TIMER] = "the silence fits a timer of %as",
    [CLUE_PROBES] = "%an keep-alive probe%ap stayed unanswered",
    [CLUE_REPEATS] = "%an retransmission%ap stayed unanswered",
    [CLUE_HANDSHAKE] = "the SYN-ACK came %am after the SYN",
    [CLUE_TRIGGER_REPEAT] = "what provoked it is a retransmission",
    [CLUE_LISTENER] = "the port accepted another connection before",
    [CLUE_LISTENER_ON] = "the port accepted one connection before it and one after",
    [CLUE_MANY_TARGETS] = "%X asked %an other port%ap or hosts",
    [CLUE_WINDOW_CODE] = "its window is %ai, known as a reset code of NetScaler",
    [CLUE_VENDOR_TEXT] = "it carries text that says why",
    [CLUE_KERNEL] = "the sending kernel says why",
    [CLUE_BAD_CHECKSUM] = "its TCP checksum is wrong: offloaded where it was captured, or no "
			  "stack made it",
    [CLUE_SECOND_POINT] = "the same frame a hop further: captured at a second point",
    [CLUE_ONE_SIDED] = "only one direction was captured",
    [CLUE_MID_STREAM] = "the capture began after the connection",
    [CLUE_CLOSE_NOTIFY] = "what provoked it looks like a close_notify of TLS: nothing was lost",
    [CLUE_TRACKER] = "a segment outside the window came before, which a connection tracker calls "
		     "INVALID (drop those, or set nf_conntrack_tcp_be_liberal)",
    [CLUE_OLD_LIVED] = "%Y still knew an older connection on these ports",
    [CLUE_CHALLENGE] = "%Y challenged it (RFC 5961)",
    [CLUE_NEVER_SENT] = "the capture at %X's end does not have it",
    [CLUE_NEVER_ARRIVED] = "the capture at %Y's end does not have it: it was lost on the way",
    [CLUE_SEGMENTS_LOST] = "%an segment%ap of %X and %bn of %Y never arrived",
    [CLUE_KEEPALIVE_AT] = "the first keep-alive probe came after %am, %bn in all",
    [CLUE_SERVICE_FIN] = "the service's FIN came after %am",
    [CLUE_SERVICE_RST] = "the service's RST came after %am",
    [CLUE_SERVICE_REPEATS] = "the service sent its own octets again %an time%ap",
    [CLUE_SERVICE_SENT] = "the service sent %ao, of which the client read %bo",
    [CLUE_SERVICE_TOOK] = "the service took %ao of %bo",
    [CLUE_ANSWER_LOST] = "%ao of the answer never reached the client's program",
    [CLUE_SYN_ACKS] = "%an SYN-ACK%ap came, the last %bm after the SYN",
    [CLUE_SYN_ACKS_AFTER] = "%an SYN-ACK%ap came after our RST",
    [CLUE_STRAY_DISTANCE] = "the RSTs travelled %an hop%ap, the SYN-ACK %bn",
    [CLUE_IDLE_ODD] = "%an connection%ap ended sooner than another that lived on: of something "
		      "else than the time",
    [CLUE_UNOPENED] = "%an of %bn connections could not be opened",
    [CLUE_DREW_AGAIN] = "%an of %bn segments after the RST drew it again",
    [CLUE_WAITED] = "we waited %am for the service",
    [CLUE_STRANGERS] = "%an segment%ap in its name counted for nothing: our end of the connection "
		       "takes none with such numbers",
    [CLUE_TRACE_TTL_OF_HOP] = "by its TTL it comes from where hop %an is",
    [CLUE_TRACE_TTL_ELSEWHERE] = "by its TTL it passed %an router%ap, and from there it would pass "
				 "%bn: forged, or another way back",
    [CLUE_TRACE_TTL_COPIED] = "it comes in with TTL %an, as the target's own answers do from "
			      "farther away: copied",
    [CLUE_TRACE_TTL_MIRRORED] = "its TTL goes up and down with ours: mirrored, which puts its "
				"sender at hop %an",
    [CLUE_TRACE_RTT_OF_HOP] = "its round trip, %bu, is that of hop %an",
    [CLUE_TRACE_TOO_FAST] = "it took %au, the target's own answer %bu",
    [CLUE_TRACE_OTHER_DISTANCE] = "by its TTL it passed %an router%ap, the target's own answer %bn",
    [CLUE_TRACE_MANY_RSTS] = "%an RSTs came for %bn segment%bp",
    [CLUE_TRACE_CONFIRMED] = "a second connection was reset by TTL %an again, and by none less",
    [CLUE_TRACE_UNSTABLE] = "a second connection was not reset by TTL %an, or by less: the hop is "
			    "not sure",
    [CLUE_TRACE_RESETS_TOO] = "%an RST%ap came as well",
    [CLUE_TRACE_OUT_OF_TTL] = "with TTL %an, the last that was asked, it is still on its way",
    [CLUE_TRACE_LOOP] = "a routing loop: hop %an and hop %bn are the same router",
    [CLUE_TRACE_TRANSLATED] = "hop %an already has the target's address, and sends it on: what "
			      "answers stands behind a port forward or a balancer",
    [CLUE_TRACE_SILENT_HOPS] = "%an hop%ap on the way kept silent",
    [CLUE_TRACE_REJECTS_FEW] = "%an segment%ap with a larger TTL drew nothing: many send only a "
			       "few such errors a second",
    [CLUE_TRACE_FLOWS_DIFFER] = "%an of %bn flows end otherwise",
    [CLUE_TRACE_PATHS] = "%bn flows take %an different paths",
};

/* "a", "a and b", "a, b and c": of the bits that are set */
static void put_bits(struct text *t, uint32_t bits, const char *const *words, unsigned n)
{
	bool first = true;

	for (unsigned i = 0; i < n; i++) {
		if (!(bits >> i & 1))
			continue;
		bits &= ~(1U << i);
		text_putf(t, "%s%s",
			  first			   ? ""
			  : bits & ((1U << n) - 1) ? ", "
						   : " and ",
			  words[i]);
		first = false;
	}
}

static void put_raw_syn(struct text *t, const struct finding *f, const struct clue *c)
{
	static const char *const words[] = {"no options", "DF clear", "a fixed IP ID",
					    "an odd window", "a RST of another shape"};

	reset_words_fill(t, "no kernel sends such a SYN as %X's: ", f, c);
	put_bits(t, c->a, words, 5);
}

static void put_copied(struct text *t, const struct finding *f, const struct clue *c)
{
	static const char *const words[] = {"IP ID", "window", "options"};

	text_putf(t, "it copies the ");
	put_bits(t, c->a, words, 3);
	reset_words_fill(t, c->id == CLUE_COPIED ? " of %Y's segment" : " of our segment", f, c);
}

static void put_timer(struct text *t, const struct clue *c)
{
	const char *whose = reset_words_timer(c->a);

	reset_words_fill(t, templates[CLUE_IDLE_TIMER], NULL, c);
	if (whose)
		text_putf(t, ", the default of %s", whose);
}

/* RFC 8684, 3.6 */
static void put_mptcp(struct text *t, const struct clue *c)
{
	static const char *const words[] = {"unspecified",	     "MPTCP-specific error",
					    "lack of resources",     "administratively prohibited",
					    "too much data",	     "bad performance",
					    "a middlebox interferes"};

	text_putf(t, "its MPTCP option gives reason %u", (unsigned)c->a);
	if (c->a < sizeof(words) / sizeof(words[0]))
		text_putf(t, " (%s)", words[c->a]);
}

static void put_stage(struct text *t, const struct clue *c)
{
	static const char *const words[] = {"after the SYN", "after the handshake",
					    "after the first data", "later than the first data"};

	text_putf(t, "it came %s", words[c->a >= 1 && c->a <= 4 ? c->a - 1 : 3]);
}

/* "the SYN in the window drew a challenge ACK; the connection lived on" */
static void put_drew(struct text *t, const struct clue *c)
{
	static const char *const questions[MARKS] = {
	    [MARK_SYN] = "the SYN",
	    [MARK_ACK] = "the stray ACK",
	    [MARK_DATA] = "the stray data",
	    [MARK_SYN_ACK] = "the stray SYN-ACK",
	    [MARK_RETURN] = "our SYN on the same ports",
	    [MARK_RETURN_RST] = "our RST",
	    [MARK_RETURN_2] = "the same SYN after our RST",
	    [MARK_AFTER_FIN] = "the data after the FIN",
	    [MARK_OTHER] = "the other connection's sign of life",
	    [MARK_NEW] = "a new connection's SYN",
	    [MARK_LATE_ACK] = "an ACK after our RST",
	    [MARK_USE] = "the first use after the rest",
	    [MARK_MORE] = "more data",
	    [MARK_ON_1] = "the first segment after the RST",
	    [MARK_ON_2] = "the second segment after the RST",
	    [MARK_ON_3] = "the third segment after the RST",
	    [MARK_WINDOW_SYN] = "the SYN in the window",
	    [MARK_NEAR_RST] = "the RST off by one",
	    [MARK_OLD_ACK] = "data with an old ACK",
	    [MARK_EXACT_RST] = "the exact RST",
	};
	static const char *const answers[REACTIONS] = {
	    [REACTION_NONE] = "no answer",
	    [REACTION_SYN_ACK] = "a SYN-ACK",
	    [REACTION_RST_SEQ_FROM_ACK] = "a RST",
	    [REACTION_RST_ACK_OF_SEQ] = "a RST with ACK",
	    [REACTION_RST_ODD] = "a RST of an odd form",
	    [REACTION_CHALLENGE_ACK] = "an ACK",
	    [REACTION_FIN] = "a FIN",
	    [REACTION_DATA] = "data",
	    [REACTION_ICMP_PORT] = "ICMP port unreachable",
	    [REACTION_ICMP_ADMIN] = "ICMP administratively prohibited",
	    [REACTION_ICMP_HOST] = "ICMP host unreachable",
	    [REACTION_ICMP_NET] = "ICMP net unreachable",
	    [REACTION_ICMP_OTHER] = "an ICMP error",
	};
	static const char *const afters[] = {
	    [AFTER_UNKNOWN] = "",
	    [AFTER_ALIVE] = "; the connection lived on",
	    [AFTER_GONE] = "; the connection was gone",
	    [AFTER_ACCEPTED] = "; the connection lived on",
	};
	uint32_t reaction = c->b & 0xff, after = c->b >> 8;

	if (c->a < MARKS && reaction < REACTIONS && after <= AFTER_ACCEPTED)
		text_putf(t, "%s drew %s%s", questions[c->a], answers[reaction], afters[after]);
}

static void put_idle_between(struct text *t, const struct clue *c)
{
	const char *says = !c->b   ? "a rest of %am is survived, and no longer one was tried"
			   : !c->a ? "the shortest rest that was tried, %bm, is not survived"
				   : "a rest of %am is survived, one of %bm is not";

	reset_words_fill(t, says, NULL, c);
}

static void put_idle_at(struct text *t, const struct clue *c)
{
	const char *whose = reset_words_timer((c->a + 500) / 1000);

	reset_words_fill(t, "it ended by itself after %am of rest", NULL, c);
	if (whose)
		text_putf(t, ", the default of %s", whose);
}

static void put_http(struct text *t, const struct clue *c)
{
	text_putf(t, "the answer is HTTP status %u", (unsigned)c->a);
	if (c->b != UINT32_MAX)
		reset_words_fill(t, " with a body of %bo", NULL, c);
}

void reset_words_clue(struct text *t, const struct finding *f, const struct clue *c)
{
	switch (c->id) {
	case CLUE_DREW: put_drew(t, c); break;
	case CLUE_IDLE_BETWEEN: put_idle_between(t, c); break;
	case CLUE_IDLE_AT: put_idle_at(t, c); break;
	case CLUE_HTTP_STATUS: put_http(t, c); break;
	case CLUE_COPIED:
	case CLUE_RST_COPIES:
	case CLUE_TRACE_COPIED: put_copied(t, f, c); break;
	case CLUE_RAW_SYN: put_raw_syn(t, f, c); break;
	case CLUE_IDLE_TIMER: put_timer(t, c); break;
	case CLUE_MPTCP_REASON: put_mptcp(t, c); break;
	case CLUE_STAGE: put_stage(t, c); break;
	default:
		if (templates[c->id])
			reset_words_fill(t, templates[c->id], f, c);
		else
			trace_words_clue(t, c);
		break;
	}
}

/* False where it is no clue of a RST. */
static bool of_reset(char *buf, size_t cap, const struct clue *c)
{
	struct text t = text_of(buf, cap);

	reset_words_clue(&t, NULL, c);
	return t.len > 0;
}

void report_clue(char *buf, size_t cap, const struct clue *c)
{
	if (of_reset(buf, cap, c))
		return;
	switch (c->id) {
	case CLUE_SOME_REJECTED:
		snprintf(buf, cap, "other tries were rejected by ICMP type %u code %u", c->a, c->b);
		break;
	case CLUE_CUT_SHORT:
		snprintf(buf, cap, "only %u of at least %u tries %s made", c->a, c->b,
			 c->a == 1 ? "was" : "were");
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
	default: snprintf(buf, cap, "%s", sentences[c->id] ? sentences[c->id] : ""); break;
	}
}
