/*
 * provoke_clues: the numbers that belong to a verdict: its clues, the RST that decided, what the
 * client's program saw. It reads the facts for telling only; what they mean is in the rows.
 */
#include <errno.h>

#include "judge/provoke_bits.h"

static const uint64_t ms = 1000000;

static uint32_t capped(uint64_t v)
{
	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static void add(struct provoke_verdict *v, enum clue_id id, uint64_t a, uint64_t b)
{
	if (v->n_clues < PROVOKE_CLUES_MAX)
		v->clues[v->n_clues++] = (struct clue){id, capped(a), capped(b), 0};
}

/* How long after the handshake; the SYN where it was never done. */
static uint64_t since(const struct line_facts *l, uint64_t at_ns)
{
	uint64_t from = l->stands_ns ? l->stands_ns : l->opened_ns;

	return at_ns > from ? (at_ns - from) / ms : 0;
}

static void add_drew(struct provoke_verdict *v, const struct provoke_facts *f, enum mark m)
{
	const struct exchange *x = provoke_asked(f, m, NULL);

	if (x)
		add(v, CLUE_DREW, m,
		    (exchange_answered(x) ? (unsigned)x->reaction : (unsigned)REACTION_NONE) |
			(unsigned)x->after << 8);
}

static void add_drew_all(struct provoke_verdict *v, const struct provoke_facts *f, enum mark first,
			 enum mark last)
{
	for (unsigned m = first; m <= (unsigned)last; m++)
		add_drew(v, f, (enum mark)m);
}

/* What ended before its time has not waited. */
static void add_waited(struct provoke_verdict *v, const struct provoke_facts *f)
{
	if (f->hold_ns && v->row->scenario == (int)f->scenario)
		add(v, CLUE_WAITED, f->hold_ns / ms, 0);
}

/* What came by itself, and when. */
static void add_ends(struct provoke_verdict *v, const struct line_facts *l)
{
	if (l->fin_ns)
		add(v, CLUE_SERVICE_FIN, since(l, l->fin_ns), 0);
	if (l->resets)
		add(v, CLUE_SERVICE_RST, since(l, l->reset_ns[0]), l->resets);
}

/* --- by scenario -------------------------------------------------------------------------- */

static void tell_listen_ack(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct exchange *syn = provoke_asked(f, MARK_SYN, NULL);

	add_drew_all(v, f, MARK_ACK, MARK_SYN_ACK);
	for (int m = MARK_ACK; syn && m <= MARK_SYN_ACK; m++) {
		const struct exchange *x = provoke_asked(f, (enum mark)m, NULL);

		if (!x || !exchange_is_rst(x) || syn->reaction != REACTION_SYN_ACK ||
		    exchange_hops(x->ttl) == exchange_hops(syn->ttl))
			continue;
		add(v, CLUE_STRAY_DISTANCE, exchange_hops(x->ttl), exchange_hops(syn->ttl));
		return;
	}
}

static void tell_half_open(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);

	if (l->keepalives)
		add(v, CLUE_KEEPALIVE_AT, since(l, l->keepalive_ns[0]), l->keepalives);
	if (provoke_read(f) & BIT(SAW_FIN) && l->fin_ns)
		add(v, CLUE_SERVICE_FIN, since(l, l->fin_ns), 0);
	if (provoke_read(f) & BIT(SAW_RESET))
		add(v, CLUE_SERVICE_RST, since(l, l->reset_ns[0]), l->resets);
	if (v->n_clues == 0)
		add_waited(v, f);
	if (l->repeats)
		add(v, CLUE_SERVICE_REPEATS, l->repeats, 0);
	add_drew(v, f, MARK_RETURN);
	add_drew(v, f, MARK_RETURN_2);
}

static void tell_octets(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);

	if (l->written)
		add(v, CLUE_SERVICE_TOOK, l->acked_octets, l->written);
	if (l->window_closed)
		add(v, CLUE_WINDOW_CLOSED, 0, 0);
	if (f->http_status)
		add(v, CLUE_HTTP_STATUS, f->http_status,
		    f->has_http_length ? f->http_length : UINT32_MAX);
	if (l->sent_octets)
		add(v, CLUE_SERVICE_SENT, l->sent_octets, l->read);
	if (v->bytes_lost)
		add(v, CLUE_ANSWER_LOST, v->bytes_lost, 0);
	if (l->resets && l->sent_octets && !f->has_http_length)
		add(v, CLUE_ANSWER_LENGTH, 0, 0);
}

static void tell_early_close(struct provoke_verdict *v, const struct provoke_facts *f)
{
	tell_octets(v, f);
	add_ends(v, provoke_line(f));
	if (!provoke_line(f)->resets && !provoke_line(f)->fin_ns)
		add_waited(v, f);
}

static void tell_data_after_close(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);

	add_ends(v, l);
	if (!l->resets && !l->fin_ns)
		add_waited(v, f);
	add_drew(v, f, MARK_AFTER_FIN);
}

/* What was asked of a connection that was no more, tells nothing. */
static bool tell_unasked(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct line_facts *l = v->row->need & BIT(RESET_UNASKED) ? provoke_unasked(f) : NULL;

	if (l)
		add_ends(v, l);
	return l != NULL;
}

static void tell_abort(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct line_facts *other = NULL;

	if (tell_unasked(v, f))
		return;
	add_drew(v, f, MARK_OTHER);
	provoke_asked(f, MARK_OTHER, &other);
	if (other)
		add_ends(v, other);
	add_drew(v, f, MARK_NEW);
}

static void tell_slow_handshake(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct line_facts *l = provoke_line(f);
	const struct exchange *late = provoke_asked(f, MARK_LATE_ACK, NULL);
	size_t n = l->syn_acks < LINE_TIMES ? l->syn_acks : LINE_TIMES;

	if (n)
		add(v, CLUE_SYN_ACKS, l->syn_acks,
		    (l->syn_ack_ns[n - 1] > l->opened_ns ? l->syn_ack_ns[n - 1] - l->opened_ns
							 : 0) /
			ms);
	if (l->syn_acks_after_rst)
		add(v, CLUE_SYN_ACKS_AFTER, l->syn_acks_after_rst, 0);
	/* one to our late ACK is told with that */
	if (l->resets && (!late || l->reset_ns[0] < late->asked_ns))
		add(v, CLUE_SERVICE_RST, since(l, l->reset_ns[0]), l->resets);
	add_waited(v, f);
	add_drew(v, f, MARK_NEW);
	add_drew(v, f, MARK_LATE_ACK);
}

static void tell_interval(struct provoke_verdict *v, const struct idle_known *k)
{
	uint64_t after_ns = 0;
	enum idle_end end = k->died ? provoke_idle_end(k->died, &after_ns) : IDLE_UNTOLD;

	if (end == IDLE_ENDS_FIN || end == IDLE_ENDS_RST) {
		add(v, CLUE_IDLE_AT, after_ns / ms, 0);
	} else if (k->died || k->lives_ns) {
		add(v, CLUE_IDLE_BETWEEN, k->lives_ns / ms, k->dies_ns / ms);
	}
}

static void tell_idle(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct idle_known k = provoke_idle_known(f);
	uint64_t after_ns, odd = 0, unopened = 0;

	for (size_t i = 0; i < f->n_lines; i++) {
		enum idle_end end = provoke_idle_end(&f->lines[i], &after_ns);

		odd += end > IDLE_LIVES && after_ns <= k.lives_ns;
		unopened += f->lines[i].end > LINE_OPEN;
	}
	v->idle_lives_ns = k.lives_ns;
	v->idle_dies_ns = k.dies_ns;
	tell_interval(v, &k);
	if (k.died && k.died->at[MARK_USE].tries)
		add(v, CLUE_DREW, MARK_USE,
		    exchange_answered(&k.died->at[MARK_USE]) ? k.died->at[MARK_USE].reaction
							     : REACTION_NONE);
	if (odd)
		add(v, CLUE_IDLE_ODD, odd, 0);
	if (unopened)
		add(v, CLUE_UNOPENED, unopened, f->n_lines);
}

static void tell_lost_rst(struct provoke_verdict *v, const struct provoke_facts *f)
{
	unsigned asked = 0, rsts = 0;

	for (int m = MARK_ON_1; m <= MARK_ON_3; m++) {
		const struct exchange *x = provoke_asked(f, (enum mark)m, NULL);

		asked += x != NULL;
		rsts += x && exchange_is_rst(x);
	}
	add_ends(v, provoke_line(f));
	if (asked) {
		add(v, CLUE_DREW_AGAIN, rsts, asked);
		return;
	}
	add_waited(v, f);
	add_drew(v, f, MARK_MORE);
}

static void tell_challenge(struct provoke_verdict *v, const struct provoke_facts *f)
{
	if (!tell_unasked(v, f))
		add_drew_all(v, f, MARK_WINDOW_SYN, MARK_EXACT_RST);
}

static void tell(struct provoke_verdict *v, const struct provoke_facts *f)
{
	static void (*const tell_of[SCENARIOS])(struct provoke_verdict *,
						const struct provoke_facts *) = {
	    [SCENARIO_LISTEN_ACK] = tell_listen_ack,
	    [SCENARIO_HALF_OPEN] = tell_half_open,
	    [SCENARIO_EARLY_CLOSE] = tell_early_close,
	    [SCENARIO_DATA_AFTER_CLOSE] = tell_data_after_close,
	    [SCENARIO_ABORT] = tell_abort,
	    [SCENARIO_SLOW_HANDSHAKE] = tell_slow_handshake,
	    [SCENARIO_IDLE] = tell_idle,
	    [SCENARIO_LOST_RST] = tell_lost_rst,
	    [SCENARIO_CHALLENGE] = tell_challenge,
	};

	tell_of[f->scenario](v, f);
	if (provoke_line(f)->strangers)
		add(v, CLUE_STRANGERS, provoke_line(f)->strangers, 0);
}

/* --- what else belongs to it -------------------------------------------------------------- */

/* Which RST a row rests on: what a question drew, else the first of its connection. */
static const struct {
	enum provoke_bit needs;
	enum mark mark; /* MARKS: none, of the line that it is all about */
} rests_on[] = {
    {SAW_RESET, MARKS},		 {SAW_REFUSED, MARK_SYN},	 {STRAY_RST_SOME, MARK_ACK},
    {STRAY_RST_SOME, MARK_DATA}, {STRAY_RST_SOME, MARK_SYN_ACK}, {STRAY_RST_ALL, MARK_ACK},
    {RETURN_RST, MARK_RETURN},	 {LATE_RST, MARK_AFTER_FIN},	 {OTHER_GONE, MARK_OTHER},
    {NEW_FAILS, MARK_NEW},	 {SYN_ACK_ENDS, MARKS},		 {REST_RST, MARKS},
    {REST_USE_RST, MARKS},	 {SYN_KILLS, MARK_WINDOW_SYN},	 {NEAR_KILLS, MARK_NEAR_RST},
    {OLD_KILLS, MARK_OLD_ACK},
};

/* After our own RST a listener resets what we send: that is no word of the service's. */
static bool is_drawn_by_us(const struct line_facts *l, uint64_t at_ns)
{
	const struct exchange *ours = &l->at[MARK_EXACT_RST];

	return ours->tries && at_ns > ours->asked_ns;
}

static bool point_at(struct provoke_verdict *v, const struct provoke_facts *f, enum mark m)
{
	const struct line_facts *l = provoke_line(f);
	const struct exchange *x = m < MARKS ? provoke_asked(f, m, &l) : NULL;

	if (x && exchange_is_rst(x) && (!l->resets || x->answered_ns <= l->reset_ns[0]))
		v->reset_ns = x->answered_ns;
	else if (l->resets && !is_drawn_by_us(l, l->reset_ns[0]))
		v->reset_ns = l->reset_ns[0];
	else
		return false;
	v->sport = l->sport;
	return true;
}

static void point_at_reset(struct provoke_verdict *v, const struct provoke_facts *f)
{
	const struct line_facts *l = v->row->need & BIT(RESET_UNASKED) ? provoke_unasked(f) : NULL;

	v->sport = l ? l->sport : provoke_line(f)->sport;
	if (l)
		v->reset_ns = l->reset_ns[0];
	for (size_t i = 0; i < sizeof(rests_on) / sizeof(rests_on[0]); i++)
		if (v->row->need & BIT(rests_on[i].needs) && point_at(v, f, rests_on[i].mark))
			return;
}

static enum app_result result_of(int error)
{
	switch (error) {
	case ECONNREFUSED: return APP_ECONNREFUSED;
	case ECONNRESET: return APP_ECONNRESET;
	case EPIPE: return APP_EPIPE;
	case ETIMEDOUT: return APP_ETIMEDOUT;
	default: return APP_END;
	}
}

static size_t see(enum app_result sees[PROVOKE_SEES_MAX], size_t n, enum app_result r)
{
	if (r != APP_END && n < PROVOKE_SEES_MAX)
		sees[n++] = r;
	return n;
}

size_t provoke_sees(const struct provoke_facts *f, enum app_result sees[PROVOKE_SEES_MAX])
{
	const struct line_facts *l = provoke_line(f);
	enum app_result read = l->read_eof ? APP_EOF : result_of(l->read_errno);
	bool reads_first = f->scenario == SCENARIO_DATA_AFTER_CLOSE;
	size_t n = 0;

	if (l->raw)
		return 0; /* nobody called anything */
	if (reads_first)
		n = see(sees, n, read);
	if (l->written)
		n = see(sees, n, APP_WRITE_OK);
	n = see(sees, n, result_of(l->write_errno));
	n = see(sees, n, result_of(l->write_again_errno));
	if (!reads_first)
		n = see(sees, n, read);
	return n;
}

void provoke_tell(const struct provoke_facts *f, struct provoke_verdict *v)
{
	point_at_reset(v, f);
	tell(v, f);
}
