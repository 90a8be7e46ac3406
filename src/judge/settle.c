/*
 * settle: a RST whose aftermath is in becomes a finding: the last facts, the rule that decides, who
 * sent it, what came of it, what the application saw, the clues, the counts. It reads no packet.
 */
#include <string.h>

#include "base/seq.h"
#include "judge/exchange.h"
#include "judge/explain_private.h"
#include "judge/origin.h"

enum {
	BURST_MIN = 3,
	TLS_ALERT_MAX = 64,
	TIMER_LEAST_MS = 1500, /* a silence that an application's timer may end */
	TIMER_PART = 32,       /* ... of several connections alike, within such a part */
};

/* --- the last facts --------------------------------------------------------------------------- */

/* Of connections that began together, all after the same silence: each has its own time-out. */
static bool timed_out_together(const struct burst *b)
{
	return b->gap_least_ns >= TIMER_LEAST_MS * UINT64_C(1000000) &&
	       b->gap_most_ns - b->gap_least_ns <= b->gap_least_ns / TIMER_PART;
}

static void read_around(struct explain *e, struct rst_case *c, struct burst *b)
{
	struct addr host = explain_addr(c, c->x), peer = explain_addr(c, !c->x);
	struct listener_view l =
	    around_listener(e->around, &host, c->port[c->x], &peer, c->port[!c->x], c->at_ns);

	*b = around_burst(e->around, c->burst);
	fact_set(&c->facts, LISTENER, l.before);
	fact_set(&c->facts, LISTENER_ON, l.source_before && l.source_after);
	fact_set(&c->facts, BURST, b->n >= BURST_MIN);
	/* a listener that takes connections between the resets has not been closed */
	fact_set(&c->facts, BURST_PORT,
		 b->n_port >= BURST_MIN && b->n_port == b->n && !b->took_between &&
		     !timed_out_together(b));
}

/* --- who, what came of it --------------------------------------------------------------------- */

static enum sender sender_of(struct explain *e, const struct rst_case *c)
{
	struct addr x = explain_addr(c, c->x), y = explain_addr(c, !c->x);
	const struct facts *k = &c->facts;

	if (fact_has(k, X_INITIATOR) || fact_has(k, OWN_OLD_LIVED))
		return SENDER_CLIENT;
	if (fact_has(k, X_RESPONDER) || fact_has(k, T_SYN))
		return SENDER_SERVER;
	if (fact_has(k, T_SYN_ACK))
		return SENDER_CLIENT;
	if (around_listener(e->around, &x, c->port[c->x], &y, c->port[!c->x], UINT64_MAX).before)
		return SENDER_SERVER;
	if (around_listener(e->around, &y, c->port[!c->x], &x, c->port[c->x], UINT64_MAX).before)
		return SENDER_CLIENT;
	return SENDER_UNKNOWN;
}

/*
 * The facts of the case as the judge of origins reads them. A window alone is no copy: two ends of
 * one system often have the same. An answer need not come out of the socket's counter of IP IDs.
 * And a second point of capture is at another distance, whoever sent what it saw.
 */
static uint32_t signs_of(const struct finding *f, const struct rst_case *c)
{
	static const struct {
		enum fact fact;
		uint32_t signs;
	} signs_of_fact[] = {
	    {C_HOPS, SIGN_DISTANCE | SIGN_FAR_DISTANCE},
	    {C_HOPS_WEAK, SIGN_DISTANCE},
	    {C_FAST, SIGN_TOO_FAST},
	    {C_IP_ID, SIGN_IP_ID_JUMPS},
	    {C_COPIED, SIGN_IP_ID_ECHO},
	    {C_GOES_ON, SIGN_GOES_ON},
	    {C_SYN_ACK_LATER, SIGN_GOES_ON},
	    {C_MULTI, SIGN_SEQ_STEPS},
	    {GENUINE, SIGN_IP_ID_CONTINUES},
	    {K_SAID, SIGN_KERNEL | SIGN_LOCAL}, /* it speaks of this machine */
	};
	const struct facts *k = &f->facts;
	uint32_t signs = k->x_ttl ? SIGN_COMPARED : 0;

	for (size_t i = 0; i < sizeof(signs_of_fact) / sizeof(signs_of_fact[0]); i++)
		if (fact_has(k, signs_of_fact[i].fact))
			signs |= signs_of_fact[i].signs;
	if (fact_has(k, C_COPIED) && c->copied & COPIED_WIN)
		signs |= SIGN_WIN_ECHO;
	if (fact_has(k, T_FOUND))
		signs &= ~(uint32_t)SIGN_IP_ID_JUMPS;
	if (c->hops_on)
		signs &= ~(uint32_t)(SIGN_DISTANCE | SIGN_FAR_DISTANCE);
	return signs;
}

/* The cause has weighed more than the signs: where it names a third party, that sent it, and where
 * it names an end, signs of a box leave that open. */
static enum origin origin_of_case(const struct finding *f, const struct rst_case *c)
{
	enum origin origin = origin_judge(signs_of(f, c))->origin;

	if (cause_is_third_party(f->cause))
		return ORIGIN_MIDDLEBOX;
	return origin == ORIGIN_MIDDLEBOX ? ORIGIN_UNKNOWN : origin;
}

/* By the receiver's numbers and by what it did then (RFC 9293, 3.10.7.4; RFC 5961, 3.2). */
static enum outcome outcome_of(const struct rst_case *c)
{
	const struct facts *k = &c->facts;
	bool known = c->y_flags & SIDE_ACKED;

	if (c->after & AFTER_CHALLENGED)
		return OUTCOME_CHALLENGED;
	/* what is exact can't be ignored: it never got there, which is not to be seen from here */
	if (c->after & AFTER_IGNORED)
		return known && c->rst.seq == c->y_acked ? OUTCOME_UNKNOWN : OUTCOME_IGNORED;
	/* a client that took it has no more to say to the SYN-ACK than a RST */
	if (fact_has(k, C_SYN_ACK_LATER) && c->after & AFTER_Y_SPOKE)
		return OUTCOME_IGNORED;
	if (fact_has(k, T_SYN)) /* SYN-SENT: only an acceptable ACK makes it valid */
		return c->rst.ack == c->trigger_end ? OUTCOME_ACCEPTED : OUTCOME_IGNORED;
	if (!known)
		return fact_has(k, T_FOUND) ? OUTCOME_ACCEPTED : OUTCOME_UNKNOWN;
	if (c->rst.seq == c->y_acked || fact_has(k, R_SEQ_EXACT))
		return OUTCOME_ACCEPTED;
	if (seq_lt(c->rst.seq, c->y_acked))
		return OUTCOME_IGNORED;
	return OUTCOME_UNKNOWN;
}

/* By the state of the receiver where that says more than the cause. */
static void see(struct finding *f, const struct rst_case *c)
{
	const struct cause_info *info = &cause_infos[f->cause];
	const struct facts *k = &f->facts;

	memcpy(f->sees, info->sees, sizeof(f->sees));
	f->sees_at_sender = info->sees_at_sender;
	if (f->sees_at_sender)
		return;
	/* one that is challenged and stands by it sends another, exact */
	if (f->outcome == OUTCOME_IGNORED || (f->outcome == OUTCOME_CHALLENGED && !c->followers) ||
	    c->after & AFTER_IGNORED ||
	    (fact_has(k, Y_FIN) && f->cause != CAUSE_DATA_AFTER_CLOSE && !fact_has(k, X_FIN)) ||
	    (fact_has(k, X_ONLY_SYN) && !fact_has(k, OWN_OLD_LIVED) && !(c->y_flags & SIDE_OTHER)))
		memcpy(f->sees, (enum app_result[APP_SEES_MAX]){APP_NONE}, sizeof(f->sees));
	else if (fact_has(k, T_SYN))
		memcpy(f->sees, (enum app_result[APP_SEES_MAX]){APP_ECONNREFUSED}, sizeof(f->sees));
	else if ((f->sees[0] == APP_ECONNRESET && fact_has(k, X_FIN)) ||
		 (f->cause == CAUSE_LATE_AFTER_CLOSE && !fact_has(k, Y_FIN)))
		memcpy(f->sees, (enum app_result[APP_SEES_MAX]){APP_EOF, APP_EPIPE},
		       sizeof(f->sees));
}

/* --- clues ------------------------------------------------------------------------------------ */

static void clue(struct finding *f, enum clue_id id, uint64_t a, uint64_t b, uint32_t frame)
{
	if (f->n_clues == FINDING_CLUES)
		return;
	f->clues[f->n_clues++] = (struct clue){
	    .id = id,
	    .a = a > UINT32_MAX ? UINT32_MAX : (uint32_t)a,
	    .b = b > UINT32_MAX ? UINT32_MAX : (uint32_t)b,
	    .frame = frame,
	};
}

static void clues_of_origin(struct finding *f, const struct rst_case *c)
{
	const struct facts *k = &f->facts;

	if (c->hops_on)
		clue(f, CLUE_SECOND_POINT, c->hops_on, 0, c->root);
	if (fact_has(k, R_DUPLICATE))
		return;
	if (fact_has(k, C_SYN_ACK_LATER))
		clue(f, CLUE_SYN_ACK_LATER, 0, 0, k->shown_by);
	else if (fact_has(k, C_GOES_ON))
		clue(f, CLUE_GOES_ON, 0, 0, k->shown_by);
	if (fact_has(k, C_HOPS) || fact_has(k, C_HOPS_WEAK))
		clue(f, CLUE_HOPS, k->hops, k->x_hops, 0);
	else if (k->x_ttl && k->x_ttl != k->ttl)
		clue(f, CLUE_INITIAL_TTL, k->ttl, k->x_ttl, 0);
	if (fact_has(k, C_FAST))
		clue(f, CLUE_TOO_FAST, k->answer_ns / 1000, k->rtt_ns / 1000, 0);
	if (fact_has(k, C_IP_ID))
		clue(f, CLUE_IP_ID, c->rst.ip_id, c->x_ip_id, 0);
	if (fact_has(k, C_COPIED))
		clue(f, CLUE_COPIED, c->copied, 0, k->trigger_frame);
	if (fact_has(k, C_MULTI))
		clue(f, CLUE_SEQ_SPREAD, c->followers + 1, c->rst.seq - c->x_nxt, 0);
	if (fact_has(k, C_ACK_BEYOND))
		clue(f, CLUE_ACK_BEYOND, c->beyond, 0, 0);
	if (fact_has(k, C_IN_WINDOW) && cause_is_third_party(f->cause))
		clue(f, CLUE_IN_WINDOW, c->off, 0, 0);
	if (fact_has(k, C_NO_TS))
		clue(f, CLUE_NO_TS, 0, 0, 0);
	if (fact_has(k, C_BOTH_SIDES))
		clue(f, CLUE_BOTH_SIDES, 0, 0, 0);
}

static void clues_of_close(struct finding *f, const struct rst_case *c)
{
	const struct facts *k = &f->facts;
	bool active = !fact_has(k, T_FOUND) && !cause_is_third_party(f->cause);

	if (active && fact_has(k, R_WIN_GREW) && fact_has(k, Y_DATA))
		clue(f, CLUE_WINDOW_GREW, c->win_from, c->win_to, 0);
	/* a client that has its answer owes none */
	if (active && fact_has(k, LAST_DATA_Y) &&
	    !(fact_has(k, X_INITIATOR) && fact_has(k, X_DATA)))
		clue(f, CLUE_UNANSWERED, k->y_data, 0, k->y_data_frame);
	if (active && c->unacked)
		clue(f, CLUE_UNACKED, c->unacked, 0, 0);
	if (active && fact_has(k, Y_ZERO_WINDOW))
		clue(f, CLUE_ZERO_WINDOW, 0, 0, 0);
	if (fact_has(k, KEEPALIVES))
		clue(f, CLUE_PROBES, k->runs, 0, 0);
	else if (active && fact_has(k, RETRANSMITS))
		clue(f, CLUE_REPEATS, k->runs, 0, 0);
	if (fact_has(k, T_DATA) && fact_has(k, X_FIN) && c->trigger != 0xff) {
		const struct seen *q = &c->notes[c->trigger];

		if (q->tls_alert && q->len <= TLS_ALERT_MAX)
			clue(f, CLUE_CLOSE_NOTIFY, q->len, 0, k->trigger_frame);
	}
}

/* Idle timers that many products share; the silence fits within 3 %. */
static uint32_t known_timer(uint64_t gap_ns)
{
	static const uint16_t timers[] = {30,  60,  75,	 90,  120,  180,  240,
					  300, 350, 600, 900, 1800, 3600, 7200};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		uint64_t t = timers[i] * SECOND, slack = t * 3 / 100;

		if (gap_ns + slack >= t && gap_ns <= t + slack)
			return timers[i];
	}
	return 0;
}

static void clues_of_times(struct finding *f, const struct rst_case *c)
{
	const struct facts *k = &f->facts;

	if (fact_has(k, X_ONLY_SYN) && fact_has(k, T_SYN_ACK) && k->handshake_ns)
		clue(f, CLUE_HANDSHAKE, k->handshake_ns / 1000000, 0, k->trigger_frame);
	if (fact_has(k, QUIET) && !fact_has(k, T_SYN) && !fact_has(k, RST_BEFORE))
		clue(f, CLUE_GAP, k->gap_ns / 1000000, 0, 0);
	if (fact_has(k, IDLE) && known_timer(k->gap_ns) && !fact_has(k, RST_BEFORE))
		clue(f, CLUE_IDLE_TIMER, known_timer(k->gap_ns), 0, 0);
	if (fact_has(k, T_REPEAT))
		clue(f, CLUE_TRIGGER_REPEAT, 0, 0, k->trigger_frame);
	if (fact_has(k, LISTENER_ON) && fact_has(k, T_SYN))
		clue(f, CLUE_LISTENER_ON, 0, 0, 0);
	else if (fact_has(k, LISTENER) &&
		 (f->cause == CAUSE_LISTEN_ACK || f->cause == CAUSE_HALF_OPEN))
		clue(f, CLUE_LISTENER, 0, 0, 0);
	if (fact_has(k, X_ONLY_SYN) && fact_has(k, SYN_RAW) && c->raw_syn)
		clue(f, CLUE_RAW_SYN, c->raw_syn, 0, 0);
	if (fact_has(k, X_ONLY_SYN) && c->targets)
		clue(f, CLUE_MANY_TARGETS, c->targets, 0, 0);
	if (fact_has(k, OWN_OLD_LIVED))
		clue(f, CLUE_OLD_LIVED, 0, 0, k->trigger_frame);
	if (f->cause == CAUSE_FIREWALL_REJECT && fact_has(k, TRACKER))
		clue(f, CLUE_TRACKER, 0, 0, k->trigger_frame);
}

/* After the SYN, the handshake, the first data or later: a description and no proof. */
static uint32_t stage_of(const struct facts *k)
{
	if (fact_has(k, T_SYN))
		return 1;
	if (!fact_has(k, X_DATA) && !fact_has(k, Y_DATA))
		return 2;
	return fact_has(k, X_DATA) && fact_has(k, Y_DATA) ? 4 : 3;
}

static void clues_of_rest(struct finding *f, const struct rst_case *c)
{
	const struct facts *k = &f->facts;

	if (cause_is_third_party(f->cause))
		clue(f, CLUE_STAGE, stage_of(k), 0, 0);
	if (f->has_kernel)
		clue(f, CLUE_KERNEL, 0, 0, 0);
	if (is_vendor_code(c->rst.win))
		clue(f, CLUE_WINDOW_CODE, c->rst.win, 0, 0);
	if (f->vendor[0])
		clue(f, CLUE_VENDOR_TEXT, 0, 0, 0);
	if (fact_has(k, R_MP_TCPRST))
		clue(f, CLUE_MPTCP_REASON, c->mptcp_reason, 0, 0);
	if (f->outcome == OUTCOME_CHALLENGED)
		clue(f, CLUE_CHALLENGE, 0, 0, 0);
	/* what the kernel owns to have sent was a whole segment */
	if (f->bad_checksum && !f->has_kernel)
		clue(f, CLUE_BAD_CHECKSUM, 0, 0, 0);
	if (fact_has(k, ONE_SIDED))
		clue(f, CLUE_ONE_SIDED, 0, 0, 0);
	else if (!fact_has(k, HANDSHAKE) && (fact_has(k, X_SEEN) || fact_has(k, Y_SEEN)) &&
		 !fact_has(k, T_SYN_ACK))
		clue(f, CLUE_MID_STREAM, 0, 0, 0);
}

/* --- the finding ------------------------------------------------------------------------------ */

static void decide(struct finding *f)
{
	const struct cause_row *r = cause_decide(&f->facts);

	f->row = r;
	f->cause = r->id;
	f->sure = r->sure;
	memcpy(f->also, r->also, sizeof(f->also));
	f->severity = cause_infos[r->id].severity;
	/* half of a conversation proves half of anything */
	if (fact_has(&f->facts, ONE_SIDED) && r->id != CAUSE_DUP_FRAME && r->id != CAUSE_MALFORMED)
		f->sure = SURE_POSSIBLE;
}

/* What weighs otherwise than its cause: a server that drops who connects, a refusal that repeats.
 */
static void weigh(struct finding *f)
{
	const struct facts *k = &f->facts;

	if (f->cause == CAUSE_ABORT_NO_DATA && f->sender == SENDER_SERVER)
		f->severity = SEVERITY_NOTICE;
	/* a request that was taken and never answered is what the user came for */
	if (f->cause == CAUSE_ABORT_CLOSE && f->also[0] == CAUSE_UNREAD_DATA_CLOSE &&
	    f->sender != SENDER_CLIENT && !fact_has(k, ONE_SIDED))
		f->severity = SEVERITY_PROBLEM;
	if (f->cause == CAUSE_DATA_AFTER_CLOSE && fact_has(k, Y_FIN))
		f->severity = SEVERITY_BENIGN;
	for (size_t i = 0; i < f->n_clues; i++)
		if (f->clues[i].id == CLUE_CLOSE_NOTIFY)
			f->severity = SEVERITY_BENIGN;
	if (f->root && f->severity != SEVERITY_SUSPICIOUS && f->cause != CAUSE_RST_LOST_REPEAT &&
	    f->cause != CAUSE_REFUSED)
		f->severity = SEVERITY_BENIGN;
}

static void provoked(struct finding *f)
{
	const struct facts *k = &f->facts;

	f->provoked_by = k->trigger_frame;
	if (f->provoked_by)
		return;
	/* the data that were left unread, if that is what fits first */
	if (f->cause == CAUSE_UNREAD_DATA_CLOSE || f->cause == CAUSE_DATA_AFTER_CLOSE ||
	    (f->cause == CAUSE_ABORT_CLOSE && f->also[0] == CAUSE_UNREAD_DATA_CLOSE))
		f->provoked_by = k->y_data_frame;
}

/* Before, the RST itself, after. */
static void draw(struct finding *f, const struct rst_case *c, struct seen ladder[LADDER_MAX])
{
	size_t n = c->n_before;

	memcpy(ladder, c->notes, n * sizeof(*ladder));
	f->rst_at = (int)n;
	ladder[n++] = c->rst;
	memcpy(ladder + n, c->notes + FLOW_NOTES, c->n_after * sizeof(*ladder));
	n += c->n_after;
	f->n_ladder = n;
	f->ladder = ladder;
	f->trigger_at = -1;
	for (int i = 0; f->provoked_by && i < f->rst_at; i++)
		if (ladder[i].frame == f->provoked_by)
			f->trigger_at = i;
	f->isn_x = c->isn[c->x];
	f->isn_y = c->isn[!c->x];
	f->has_isn_x = c->isn_known >> c->x & 1;
	f->has_isn_y = c->isn_known >> !c->x & 1;
}

static void fill(struct explain *e, const struct rst_case *c, struct finding *f)
{
	*f = (struct finding){
	    .frame = c->rst.frame,
	    .file = c->file,
	    .wall_ns = c->rst.wall_ns,
	    .src = explain_addr(c, c->x),
	    .dst = explain_addr(c, !c->x),
	    .sport = c->port[c->x],
	    .dport = c->port[!c->x],
	    .root = c->root,
	    .root_file = c->root_file,
	    .followers = c->followers,
	    .bytes_lost = c->facts.bytes_lost,
	    .facts = c->facts,
	    .mptcp_reason = c->mptcp_reason,
	    .tunnel = tunnel_name(c->tunnel),
	    .bad_checksum = c->bad_checksum,
	};
	f->sender = sender_of(e, c);
	if (c->extra) {
		const struct extra *x = &e->extras[c->extra - 1];

		f->has_kernel = x->has_kernel;
		f->kernel = x->kernel;
		memcpy(f->vendor, x->vendor, sizeof(f->vendor));
	}
}

static void count_idle(struct explain_summary *s, const struct finding *f)
{
	uint32_t seconds = known_timer(f->facts.gap_ns), unit = 1;

	if (f->root || !fact_has(&f->facts, IDLE) ||
	    (f->cause != CAUSE_ABORT_IDLE && f->cause != CAUSE_MIDDLEBOX_IDLE &&
	     f->cause != CAUSE_HALF_OPEN))
		return;
	if (!seconds) {
		seconds = (uint32_t)(f->facts.gap_ns / SECOND);
		while (seconds / unit >= 100)
			unit *= 10;
		seconds = seconds / unit * unit;
	}
	for (size_t i = 0; i < sizeof(s->idle) / sizeof(s->idle[0]); i++) {
		if (s->idle[i].seconds && s->idle[i].seconds != seconds)
			continue;
		s->idle[i].seconds = seconds;
		s->idle[i].n++;
		return;
	}
}

void explain_count(struct explain_summary *s, const struct finding *f)
{
	s->by_cause[f->cause]++;
	s->weighed[f->severity][f->cause]++;
	if (!f->root)
		s->by_severity[f->severity]++;
	count_idle(s, f);
}

void settle(struct explain *e, struct rst_case *c)
{
	struct seen ladder[LADDER_MAX];
	struct finding f;
	struct burst b;

	read_around(e, c, &b);
	facts_derive(&c->facts);
	fill(e, c, &f);
	decide(&f);
	f.outcome = outcome_of(c);
	f.origin = origin_of_case(&f, c);
	see(&f, c);
	provoked(&f);
	/* 16 before, the RST, 6 after: they fit */
	draw(&f, c, ladder);
	clues_of_origin(&f, c);
	clues_of_close(&f, c);
	clues_of_times(&f, c);
	clues_of_rest(&f, c);
	/* one after the other on a listener that goes on is no process that ended */
	if (fact_has(&f.facts, BURST) && !f.root && !b.took_between) {
		f.burst_n = b.n;
		f.burst_ns = b.last_ns - b.first_ns;
	}
	weigh(&f);
	explain_count(&e->sum, &f);
	e->fn(e->ctx, &f);
}
