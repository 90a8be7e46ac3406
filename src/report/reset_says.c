/*
 * reset_says: the sentences about a RST, a table of templates by cause and the rules for what goes
 * with them. It words what the judge decided; where the judge is not sure, neither is the sentence.
 */

#include "report/reset_words.h"

enum { REASONS_MAX = 2 /* clues that the first sentence takes in */, WHYS = 5 };

/* The first row of the cause whose fact holds; each cause has one that needs none. The clues that
 * bear it out follow a colon, best first. */
struct what {
	enum cause cause;
	enum fact need;
	const char *says;
	enum clue_id why[WHYS];
};

#define ANOTHER_PLACE CLUE_HOPS, CLUE_TOO_FAST, CLUE_IP_ID

static const struct what whats[] = {
    {CAUSE_UNKNOWN,
     FACT_NONE,
     "why it was reset can't be told: no rule fits what was captured",
     {0}},
    {CAUSE_REFUSED,
     FACT_NONE,
     "%X refuses the connection: no process listens on its port %P, and the SYN[ (%T)] drew this "
     "RST",
     {0}},
    {CAUSE_FIREWALL_REJECT,
     TRACKER,
     "a connection tracker between reset the connection in %X's name",
     {CLUE_TRACKER, ANOTHER_PLACE}},
    {CAUSE_FIREWALL_REJECT,
     T_SYN,
     "a firewall rejects the connection in %X's name",
     {ANOTHER_PLACE, CLUE_LISTENER_ON, CLUE_NEVER_SENT}},
    {CAUSE_FIREWALL_REJECT,
     FACT_NONE,
     "a firewall resets the connection in %X's name",
     {ANOTHER_PLACE, CLUE_GOES_ON, CLUE_NEVER_SENT}},
    {CAUSE_HANDSHAKE_ABANDONED,
     FACT_NONE,
     "%X gave up connecting: it reset %Y's SYN-ACK[ (%T)][ %D after its SYN], when nobody waited "
     "for it any more",
     {0}},
    {CAUSE_SYN_ACK_UNEXPECTED,
     FACT_NONE,
     "%X probes with a hand-made SYN, and its kernel resets the SYN-ACK[ (%T)] that it knows "
     "nothing of",
     {CLUE_RAW_SYN, CLUE_MANY_TARGETS}},
    {CAUSE_SYNACK_UNSOLICITED,
     FACT_NONE,
     "%Y's SYN-ACK[ (%T)] answers nothing: no SYN of %X was captured",
     {0}},
    {CAUSE_STALE_CONNECTION,
     FACT_NONE,
     "%Y still has an older connection on these ports and answers the SYN with an ACK of that[ "
     "(%T)], which %X resets",
     {0}},
    {CAUSE_BAD_SYNACK,
     FACT_NONE,
     "%Y's SYN-ACK[ (%T)] acknowledges another number than that of %X's SYN",
     {0}},
    {CAUSE_SYN_CANCELLED, FACT_NONE, "%X took its SYN back before anything was answered", {0}},
    {CAUSE_BACKLOG_OVERFLOW,
     FACT_NONE,
     "%X completed the handshake and reset the connection at once[ (answering %T)]: its accept "
     "queue was full",
     {0}},
    {CAUSE_LISTEN_ACK,
     FACT_NONE,
     "%Y's segment[ (%T)] belongs to no connection of %X, and its listener on port %P resets what "
     "carries an ACK",
     {CLUE_LISTENER, CLUE_LISTENER_ON}},
    {CAUSE_UNREAD_DATA_CLOSE,
     FACT_NONE,
     "%X closed the connection with data unread",
     {CLUE_WINDOW_GREW, CLUE_UNANSWERED}},
    {CAUSE_ABORT_LINGER,
     FACT_NONE,
     "%X aborted the connection with nothing left to read and without a FIN, as close() does with "
     "SO_LINGER 0",
     {0}},
    {CAUSE_ABORT_CLOSE,
     FACT_NONE,
     "%X aborted the connection instead of closing it: by close() with data unread, or with "
     "SO_LINGER 0",
     {0}},
    {CAUSE_ABORT_PENDING,
     FACT_NONE,
     "%X aborted the connection with data of its own under way",
     {CLUE_UNACKED, CLUE_ZERO_WINDOW}},
    {CAUSE_ABORT_NO_DATA,
     X_INITIATOR,
     "%X connected and aborted without a word, as health checks and port scans do",
     {0}},
    {CAUSE_ABORT_NO_DATA,
     FACT_NONE,
     "%X aborted the connection before either side had sent anything",
     {0}},
    {CAUSE_LISTENER_CLOSED,
     FACT_NONE,
     "%X closed its listener on port %P, and with it the connections that were not accepted yet",
     {0}},
    {CAUSE_ABORT_IDLE,
     FACT_NONE,
     "%X aborted the idle connection[ after %G of silence]",
     {CLUE_IDLE_TIMER}},
    {CAUSE_ABORT_AFTER_FIN,
     FACT_NONE,
     "%Y had closed, and %X answers its FIN with an abort instead of a FIN of its own",
     {0}},
    {CAUSE_FIN_THEN_ABORT,
     FACT_NONE,
     "%X had sent its FIN, and aborts before %Y has sent one",
     {0}},
    {CAUSE_KEEPALIVE_FAIL,
     FACT_NONE,
     "%X gave the connection up: [%N ]keep-alive probes to %Y stayed unanswered",
     {0}},
    {CAUSE_RETRANSMIT_GIVEUP,
     FACT_NONE,
     "%X gave the connection up: [%N ]retransmissions to %Y stayed unanswered",
     {0}},
    {CAUSE_SOCK_DESTROY,
     FACT_NONE,
     "somebody destroyed the socket of %X from outside its program, as ss -K does",
     {0}},
    {CAUSE_MPTCP_RESET, FACT_NONE, "%X reset this subflow of Multipath TCP", {CLUE_MPTCP_REASON}},
    {CAUSE_MPTCP_FASTCLOSE,
     FACT_NONE,
     "%X closed the whole Multipath TCP connection at once (MP_FASTCLOSE)",
     {0}},
    {CAUSE_DATA_AFTER_CLOSE,
     FACT_NONE,
     "%X had closed the connection, but %Y went on writing[ (%T)]: nobody is there to read it",
     {0}},
    {CAUSE_LATE_AFTER_CLOSE,
     FACT_NONE,
     "%X had closed and forgotten the connection when %Y's last segment came[ (%T)]",
     {0}},
    {CAUSE_HALF_OPEN,
     T_KEEPALIVE,
     "%X no longer knows the connection, though it never closed it: it resets %Y's keep-alive "
     "probe[ (%T)][, %I after its own last segment]",
     {0}},
    {CAUSE_HALF_OPEN,
     FACT_NONE,
     "%X no longer knows the connection, though it never closed it: it resets what %Y sends[ "
     "(%T)][, %I after its own last segment]",
     {0}},
    {CAUSE_RST_LOST_REPEAT,
     FACT_NONE,
     "%X's RST[ (%O)] never reached %Y, which sends its segment again[ (%T)] and draws another",
     {0}},
    {CAUSE_AFTER_RESET,
     FACT_NONE,
     "the connection had been reset[ (%O)], and this answers a segment of %Y that was still under "
     "way[ (%T)]",
     {0}},
    {CAUSE_TIME_WAIT,
     FACT_NONE,
     "both sides had closed, and %Y's late ACK[ (%T)] from TIME-WAIT met nothing at %X",
     {0}},
    {CAUSE_NO_CONNECTION,
     FACT_NONE,
     "%X knows no connection that %Y's segment[ (%T)] belongs to, and none was captured",
     {0}},
    {CAUSE_MIDDLEBOX_IDLE,
     FACT_NONE,
     "a box between reset the idle connection in %X's name[ after %G of silence]",
     {CLUE_IDLE_TIMER, CLUE_BOTH_SIDES, ANOTHER_PLACE}},
    {CAUSE_INJECTED_SYN,
     FACT_NONE,
     "somebody else answered the SYN in %X's name",
     {CLUE_SYN_ACK_LATER, CLUE_COPIED, ANOTHER_PLACE}},
    {CAUSE_INJECTED_RACE,
     FACT_NONE,
     "somebody else sent it in %X's name",
     {CLUE_GOES_ON, ANOTHER_PLACE, CLUE_NEVER_SENT}},
    {CAUSE_INJECTED_MULTI,
     FACT_NONE,
     "somebody else sent it in %X's name",
     {CLUE_SEQ_SPREAD, CLUE_GOES_ON, ANOTHER_PLACE}},
    {CAUSE_INJECTED_LATE,
     FACT_NONE,
     "somebody else sent it in %X's name, and too late: its number is one that %X had passed",
     {CLUE_GOES_ON, ANOTHER_PLACE}},
    {CAUSE_INJECTED_ACK,
     FACT_NONE,
     "somebody else sent it in %X's name",
     {CLUE_ACK_BEYOND, CLUE_GOES_ON, ANOTHER_PLACE}},
    {CAUSE_INJECTED_BLIND,
     FACT_NONE,
     "somebody who does not see the connection tries to reset it in %X's name",
     {CLUE_IN_WINDOW, CLUE_SEQ_SPREAD, ANOTHER_PLACE}},
    {CAUSE_VENDOR_REPORTED,
     FACT_NONE,
     "%X reset the connection and says itself why",
     {CLUE_WINDOW_CODE}},
    {CAUSE_DUP_FRAME,
     FACT_NONE,
     "the same frame was captured twice[: it is %O again]",
     {CLUE_SECOND_POINT}},
    {CAUSE_MALFORMED, FACT_NONE, "no TCP sends such a segment: SYN or FIN is set beside RST", {0}},
    {CAUSE_NO_CONTEXT,
     FACT_NONE,
     "why it was reset can't be told: nothing else of this connection was captured",
     {CLUE_MID_STREAM, CLUE_ONE_SIDED}},
};

static const struct what *what_of(const struct finding *f)
{
	size_t i = 0;

	while (whats[i].cause != f->cause || (whats[i].need && !fact_has(&f->facts, whats[i].need)))
		i++;
	return &whats[i];
}

/* Words of the judge's tables may end in a question. */
static void put_stop(struct text *t)
{
	if (t->len && t->buf[t->len - 1] != '.' && t->buf[t->len - 1] != '?')
		text_putf(t, ".");
}

/* --- what happened ------------------------------------------------------------------------ */

static const struct clue *clue_find(const struct finding *f, enum clue_id id)
{
	for (size_t i = 0; i < f->n_clues; i++)
		if (f->clues[i].id == id)
			return &f->clues[i];
	return NULL;
}

static size_t reasons_of(const struct finding *f, const struct clue *out[REASONS_MAX])
{
	const struct what *w = what_of(f);
	size_t n = 0;

	for (size_t i = 0; i < WHYS && w->why[i] && n < REASONS_MAX; i++) {
		const struct clue *c = clue_find(f, w->why[i]);

		if (c)
			out[n++] = c;
	}
	return n;
}

/* Those that claim nothing of anybody's doing need no "perhaps". */
static bool is_plain(enum cause c)
{
	return c == CAUSE_UNKNOWN || c == CAUSE_NO_CONTEXT || c == CAUSE_ABORT_CLOSE ||
	       c == CAUSE_NO_CONNECTION || c == CAUSE_MALFORMED || c == CAUSE_DUP_FRAME;
}

static void say_what(struct text *t, const struct finding *f)
{
	const struct clue *reasons[REASONS_MAX];
	size_t n = reasons_of(f, reasons);

	if (f->sure == SURE_POSSIBLE && !is_plain(f->cause))
		text_putf(t, "perhaps ");
	reset_words_fill(t, what_of(f)->says, f, NULL);
	for (size_t i = 0; i < n; i++) {
		text_putf(t, "%s", i ? ", and " : ": ");
		reset_words_clue(t, f, reasons[i]);
	}
	text_putf(t, ".");
}

/* --- what came of it ---------------------------------------------------------------------- */

/* The subject is who calls; in call order. */
static const char *const sees_words[APP_RESULTS] = {
    [APP_NONE] = "notices nothing",
    [APP_WRITE_OK] = "writes once more without an error",
    [APP_ECONNREFUSED] = "gets ECONNREFUSED from connect()",
    [APP_ECONNRESET] = "gets ECONNRESET on its next read or write",
    [APP_EPIPE] = "EPIPE (and SIGPIPE)",
    [APP_ETIMEDOUT] = "gets ETIMEDOUT",
    [APP_EOF] = "reads the end of the stream",
};

static void put_sees(struct text *t, const struct finding *f)
{
	bool has_gets = false;

	reset_words_fill(t, f->sees_at_sender ? "%X" : "%Y", f, NULL);
	for (size_t i = 0; i < APP_SEES_MAX && f->sees[i]; i++) {
		bool pipe = f->sees[i] == APP_EPIPE;

		text_putf(t, "%s%s%s", i ? ", then " : " ", pipe && !has_gets ? "gets " : "",
			  sees_words[f->sees[i]]);
		has_gets |= f->sees[i] == APP_ECONNRESET;
	}
}

static void put_lost(struct text *t, const struct finding *f)
{
	if (!f->bytes_lost)
		return;
	reset_words_octets(t, f->bytes_lost);
	text_putf(t, f->bytes_lost == 1 ? " was never acknowledged" : " were never acknowledged");
}

static void say_effect(struct text *t, const struct finding *f)
{
	if (f->outcome == OUTCOME_CHALLENGED)
		reset_words_fill(t, "%Y does not take it as it is and challenges it (RFC 5961)", f,
				 NULL);
	else if (f->outcome == OUTCOME_IGNORED)
		reset_words_fill(t, "%Y ignored it: the connection goes on", f, NULL);
	else if (f->sees[0])
		put_sees(t, f);
	if (f->bytes_lost && t->len)
		text_putf(t, "; ");
	put_lost(t, f);
	if (t->len)
		text_putf(t, ".");
}

/* --- what else it may be ------------------------------------------------------------------ */

static size_t put_also(struct text *t, const struct finding *f)
{
	size_t n = 0;

	while (n < ALSO_MAX && f->also[n])
		n++;
	for (size_t i = 0; i < n; i++)
		text_putf(t, "%s%s",
			  i == 0      ? ""
			  : i + 1 < n ? ", "
				      : " and ",
			  cause_name(f->also[i]));
	return n;
}

/* Of the cause, or of the first alternative that has one. */
static const char *who_tells(const struct finding *f)
{
	const char *tell = cause_infos[f->cause].tell;

	for (size_t i = 0; !*tell && i < ALSO_MAX && f->also[i]; i++)
		tell = cause_infos[f->also[i]].tell;
	return tell;
}

static void say_also(struct text *t, const struct finding *f)
{
	size_t n;

	if (!f->also[0])
		return;
	n = put_also(t, f);
	if (f->sure == SURE_POSSIBLE || f->cause == CAUSE_ABORT_CLOSE)
		text_putf(t,
			  n == 1 ? " fits equally well from here" : " fit equally well from here");
	else
		text_putf(t, n == 1 ? " fits too and can't be ruled out from here"
				    : " fit too and can't be ruled out from here");
	if (*who_tells(f))
		text_putf(t, "; to be told apart by %s", who_tells(f));
	put_stop(t);
}

/* --- the rest ----------------------------------------------------------------------------- */

static void say_advice(struct text *t, const struct finding *f)
{
	text_putf(t, "%s", cause_infos[f->cause].advice);
	put_stop(t);
}

static void say_kernel(struct text *t, const struct finding *f)
{
	const struct kernel_reset *k = &f->kernel;

	if (!f->has_kernel)
		return;
	reset_words_fill(t, "the kernel of %X ", f, NULL);
	if (k->reason[0]) {
		text_putf(t, "says ");
		reset_words_foreign(t, k->reason, sizeof(k->reason));
	} else {
		text_putf(t, "gives no reason");
	}
	text_putf(t, k->state[0] ? " in state " : "");
	reset_words_foreign(t, k->state, sizeof(k->state));
	if (k->pid) {
		text_putf(t, " (pid %u", (unsigned)k->pid);
		text_putf(t, k->comm[0] ? ", " : "");
		reset_words_foreign(t, k->comm, sizeof(k->comm));
		text_putf(t, ")");
	}
	if (kernel_reset_meaning(k))
		text_putf(t, ": %s", kernel_reset_meaning(k));
	text_putf(t, ".");
}

static void say_vendor(struct text *t, const struct finding *f)
{
	if (!f->vendor[0])
		return;
	text_putf(t, "the RST carries text: \"");
	reset_words_foreign(t, f->vendor, sizeof(f->vendor));
	text_putf(t, "\"");
}

static void say_origin(struct text *t, const struct finding *f)
{
	if (f->origin == ORIGIN_MIDDLEBOX && !cause_is_third_party(f->cause))
		reset_words_fill(t, "it was not %X that sent it, but a box between in its name.", f,
				 NULL);
	else if (f->origin == ORIGIN_LOCAL && !f->has_kernel)
		text_putf(t, "this host sent it itself.");
}

static void say_burst(struct text *t, const struct finding *f)
{
	char addr[ADDR_TEXT];

	if (f->burst_n < 2)
		return;
	text_putf(t, "%u connections of %s were reset within ", (unsigned)f->burst_n,
		  addr_format(&f->src, addr));
	reset_words_duration(t, f->burst_ns);
	text_putf(t, ": a process that ended, or a failover.");
}

static void say_followers(struct text *t, const struct finding *f)
{
	if (f->followers == 1)
		text_putf(t, "1 more RST follows from this one.");
	else if (f->followers)
		text_putf(t, "%u more RSTs follow from this one.", (unsigned)f->followers);
}

void reset_words(struct text *t, const struct finding *f, enum reset_sentence which)
{
	static void (*const say[RESET_SENTENCES])(struct text *, const struct finding *) = {
	    [SAYS_WHAT] = say_what,	      [SAYS_EFFECT] = say_effect,
	    [SAYS_ALSO] = say_also,	      [SAYS_ADVICE] = say_advice,
	    [SAYS_KERNEL] = say_kernel,	      [SAYS_VENDOR] = say_vendor,
	    [SAYS_ORIGIN] = say_origin,	      [SAYS_BURST] = say_burst,
	    [SAYS_FOLLOWERS] = say_followers,
	};
	struct text own = text_of(t->buf + t->len, t->cap - t->len);

	say[which](&own, f);
	/* names of causes keep their letters: they are what one types */
	if (which != SAYS_ALSO && own.buf[0] >= 'a' && own.buf[0] <= 'z')
		own.buf[0] = (char)(own.buf[0] - 'a' + 'A');
	t->len += own.len;
	t->cut |= own.cut;
}

static bool tells_silence(const struct finding *f)
{
	if (f->cause == CAUSE_HALF_OPEN)
		return f->facts.x_gap_ns >= 1000000000U;
	return (f->cause == CAUSE_ABORT_IDLE || f->cause == CAUSE_MIDDLEBOX_IDLE) &&
	       f->facts.gap_ns >= 1000000000U;
}

/* Facts that a sentence or the ladder shows, and the stage, which alone proves nothing. */
static bool is_shown_elsewhere(const struct finding *f, enum clue_id id)
{
	switch (id) {
	case CLUE_NONE: return true;
	case CLUE_KERNEL: return f->has_kernel;
	case CLUE_VENDOR_TEXT: return f->vendor[0] != 0;
	case CLUE_CHALLENGE: return f->outcome == OUTCOME_CHALLENGED;
	case CLUE_STAGE: return f->severity != SEVERITY_SUSPICIOUS;
	case CLUE_HANDSHAKE: return f->cause == CAUSE_HANDSHAKE_ABANDONED;
	case CLUE_PROBES: return f->cause == CAUSE_KEEPALIVE_FAIL && f->facts.runs;
	case CLUE_REPEATS: return f->cause == CAUSE_RETRANSMIT_GIVEUP && f->facts.runs;
	case CLUE_UNACKED: return f->bytes_lost != 0;
	case CLUE_GAP: return tells_silence(f);
	default: return false;
	}
}

bool reset_words_told(const struct finding *f, const struct clue *c)
{
	const struct clue *reasons[REASONS_MAX];
	size_t n = reasons_of(f, reasons);

	for (size_t i = 0; i < n; i++)
		if (reasons[i] == c || reasons[i]->id == c->id)
			return true;
	return is_shown_elsewhere(f, c->id);
}
