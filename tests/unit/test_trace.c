/*
 * test_trace: each verdict and each clue of a walk, from facts made by hand: who answers, from
 * where, and what the references and the RST itself add.
 */
#include "unit.h"

#include "judge/origin.h"
#include "packet/segment.h"
#include "walks.h"

#define RST REACTION_RST_ACK_OF_SEQ
#define SYN_ACK REACTION_SYN_ACK
#define ACK REACTION_CHALLENGE_ACK

/* --- what is expected --------------------------------------------------------------------- */

static const struct clue *clue_of(const struct trace_verdict *v, enum clue_id id)
{
	for (size_t i = 0; i < v->n_clues; i++)
		if (v->clues[i].id == id)
			return &v->clues[i];
	return NULL;
}

static void expect_clue(const struct trace_verdict *v, enum clue_id id, uint32_t a, uint32_t b)
{
	const struct clue *c = clue_of(v, id);

	if (!c)
		fail_msg("clue %d is missing", id);
	assert_int_equal(c->a, a);
	assert_int_equal(c->b, b);
}

static void expect_end(const struct trace_verdict *v, enum trace_end end, int from, int to)
{
	assert_string_equal(trace_end_name(v->end), trace_end_name(end));
	assert_int_equal(v->has_between, from >= 0);
	if (from < 0)
		return;
	assert_int_equal(v->between[0], from);
	assert_int_equal(v->between[1], to);
}

static struct trace_verdict judged(const struct walks *s)
{
	struct trace_verdict v;

	trace_judge(&s->facts, &v);
	return v;
}

static void expect(const struct walks *s, enum trace_end end, int from, int to)
{
	struct trace_verdict v = judged(s);

	expect_end(&v, end, from, to);
}

static struct trace_walk *beside(struct walks *s, enum trace_role role, unsigned k, enum reaction r,
				 unsigned back)
{
	struct trace_walk *w = walks_add(s, role, role == WALK_CANARY ? "syn" : "ack");

	walks_expire(w, 1, k - 1);
	walks_answer(s, w, k, r, back);
	return w;
}

/* --- open, rejected, dropped -------------------------------------------------------------- */

static void test_open(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 6, SYN_ACK, 5);
	v = judged(&s);
	expect_end(&v, TRACE_OPEN, 6, 6);
	assert_int_equal(v.reaction, SYN_ACK);
	assert_int_equal(v.rtt_us, 6000);
	assert_int_equal(v.n_clues, 0);
	assert_int_equal(trace_reply_ttl(w), 6);
	assert_int_equal(trace_last_heard(w), 5);
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	/* the race that the injector has lost */
	walks_answer_too(&s, w, 6, RST, 3);
	v = judged(&s);
	expect_end(&v, TRACE_OPEN, 6, 6);
	expect_clue(&v, CLUE_TRACE_RESETS_TOO, WALKS_MAX_TTL - 5, 0);
}

static void test_rejected(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	for (unsigned n = 1; n <= 5; n++) {
		w = walks_chain(&s, n + 1, SYN_ACK, 5);
		walks_reject(w, n + 1, walks_router(n));
		v = judged(&s);
		expect_end(&v, TRACE_REJECTED_BY, (int)n, (int)n);
		assert_int_equal(v.origin, ORIGIN_MIDDLEBOX);
		assert_true(addr_equal(&v.by, &(struct addr){0}) == false && v.has_by);
		assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	}
	/* by another interface, or by one that was silent */
	walks_reject(w, 6, addr_v4(10, 9, 9, 9));
	expect(&s, TRACE_REJECTED_BY, 5, 6);
	walks_reject(w, 6, s.facts.addr);
	v = judged(&s);
	expect_end(&v, TRACE_REJECTED_BY, 6, 6);
	assert_int_equal(v.origin, ORIGIN_ENDPOINT);
	/* nobody on the link has that address */
	s.facts.src = addr_v4(10, 0, 1, 2);
	walks_reject(w, 6, s.facts.src);
	v = judged(&s);
	expect_end(&v, TRACE_REJECTED_BY, 5, 6);
	assert_int_equal(v.origin, ORIGIN_LOCAL);
}

/* Who rations its errors rejects the first that one is left for; nobody was silent on the way. */
static void test_rejects_are_rationed(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 6, SYN_ACK, 5);
	walks_reject(w, 6, walks_router(2));
	for (unsigned ttl = 3; ttl <= 5; ttl++)
		w->hops[ttl].expired = false;
	w->hops[1].expired = false;
	v = judged(&s);
	expect_end(&v, TRACE_REJECTED_BY, 2, 2);
	expect_clue(&v, CLUE_TRACE_SILENT_HOPS, 1, 0);
	expect_clue(&v, CLUE_TRACE_REJECTS_FEW, 3, 0);
}

/* What only forwards signs with the address that was asked for. */
static void test_translated(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 6, SYN_ACK, 5);
	w->hops[6].expiry.from = s.facts.addr; /* not one that has expired */
	v = judged(&s);
	assert_null(clue_of(&v, CLUE_TRACE_TRANSLATED));
	w->hops[4].expiry.from = w->hops[5].expiry.from = s.facts.addr;
	v = judged(&s);
	expect_end(&v, TRACE_OPEN, 6, 6);
	expect_clue(&v, CLUE_TRACE_TRANSLATED, 4, 0);
	w = walks_chain(&s, 6, RST, 5);
	w->hops[1].expiry.from = s.facts.addr;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_TRANSLATED, 1, 0);
}

static struct trace_walk *silence(struct walks *s, unsigned heard)
{
	struct trace_walk *w;

	walks_make(s);
	w = walks_add(s, WALK_MAIN, "syn");
	if (heard)
		walks_expire(w, 1, heard);
	return w;
}

static void test_dropped(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	silence(&s, 3);
	v = judged(&s);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 3, 0);
	assert_true(v.has_by && addr_equal(&v.by, &s.v[0].hops[3].expiry.from));
	assert_int_equal(v.reaction, REACTION_NONE);
	/* others tell where it ends */
	beside(&s, WALK_OTHER, 6, REACTION_RST_SEQ_FROM_ACK, 5);
	v = judged(&s);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 3, 4);
	expect_clue(&v, CLUE_TRACE_OTHERS_FARTHER, 6, PROBE_ACK);
	/* a router more, and nobody there */
	silence(&s, 3);
	walks_expire(walks_add(&s, WALK_OTHER, "ack"), 1, 4);
	walks_expire(walks_add(&s, WALK_CANARY, "syn"), 1, 3);
	v = judged(&s);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 3, 4);
	expect_clue(&v, CLUE_TRACE_OTHERS_EXPIRE, 4, PROBE_ACK);
	expect_clue(&v, CLUE_TRACE_TARGET_SILENT, 0, PROBE_SYN | ASKED_CANARY);
	silence(&s, 0);
	v = judged(&s);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 0, 0);
	expect_clue(&v, CLUE_NO_ANSWER, 0, 0);
	assert_false(v.has_by);
	w = silence(&s, 4);
	w->hops[2].expired = false;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_SILENT_HOPS, 1, 0);
	w->limited = true;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_ICMP_LIMIT, 0, 0);
}

static void test_no_end(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = silence(&s, 3);
	w->over = false;
	expect(&s, TRACE_UNDECIDED, -1, 0);
	silence(&s, WALKS_MAX_TTL);
	v = judged(&s);
	expect_end(&v, TRACE_UNDECIDED, -1, 0);
	expect_clue(&v, CLUE_TRACE_OUT_OF_TTL, WALKS_MAX_TTL, 0);
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	/* hops 4 and 5 hand it to each other */
	for (unsigned ttl = 6; ttl <= WALKS_MAX_TTL; ttl++)
		s.v[0].hops[ttl].expiry.from = walks_router(4 + ttl % 2);
	v = judged(&s);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 4, 0);
	expect_clue(&v, CLUE_TRACE_LOOP, 4, 6);
	/* one address for all of a provider's hops is none */
	silence(&s, 5);
	s.v[0].hops[5].expiry.from = s.v[0].hops[3].expiry.from;
	v = judged(&s);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 5, 0);
	assert_null(clue_of(&v, CLUE_TRACE_LOOP));
	walks_make(&s);
	expect(&s, TRACE_UNDECIDED, -1, 0);
}

/* --- a RST: by a hop ---------------------------------------------------------------------- */

/* FORWARD of router n: from TTL n + 1 on, and it passes n - 1 routers. A free port is the
 * target's. */
static void test_reject_in_forward(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 5; n++) {
		struct trace_verdict v;
		struct walks s;

		walks_chain(&s, n + 1, RST, n - 1);
		assert_int_equal(trace_wants(&s.facts), WANT_OTHER);
		beside(&s, WALK_OTHER, n + 1, REACTION_RST_SEQ_FROM_ACK, n - 1);
		assert_int_equal(trace_wants(&s.facts), WANT_CANARY);
		beside(&s, WALK_CANARY, 6, RST, 5);
		assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
		v = judged(&s);
		expect_end(&v, TRACE_RESET_BY_HOP, (int)n, (int)n);
		assert_int_equal(v.origin, ORIGIN_MIDDLEBOX);
		assert_true(v.has_by);
		assert_true(addr_equal(&v.by, &s.v[0].hops[n].expiry.from));
		expect_clue(&v, CLUE_TRACE_TTL_OF_HOP, n, 0);
		if (n < 5)
			expect_clue(&v, CLUE_TRACE_OTHERS_FARTHER, 6, PROBE_SYN | ASKED_CANARY);
	}
}

/* PREROUTING of router n: from TTL n on; the same walk as FORWARD of n - 1, but for its TTL. */
static void test_reject_in_prerouting(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 5; n++) {
		struct walks s;

		walks_chain(&s, n, RST, n - 1);
		beside(&s, WALK_CANARY, 6, RST, 5);
		expect(&s, TRACE_RESET_BY_HOP, (int)n, (int)n);
	}
}

/* Where its TTL says nothing the walk's interval stays. */
static void test_interval(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_chain(&s, 4, RST, 40);
	w = beside(&s, WALK_OTHER, 6, REACTION_RST_SEQ_FROM_ACK, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 3, 4);
	assert_false(v.has_by);
	expect_clue(&v, CLUE_TRACE_DIFFER, 4 | PROBE_SYN << 16, 6 | PROBE_ACK << 16);
	assert_non_null(clue_of(&v, CLUE_TRACE_TTL_ELSEWHERE));
	/* its round trip may know */
	w->hops[4].expiry.rtt_us = 20000;
	w->hops[5].expiry.rtt_us = 21000;
	s.v[0].hops[4].reply.rtt_us = 3100;
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 3, 3);
	expect_clue(&v, CLUE_TRACE_RTT_OF_HOP, 3, 3100);
	s.v[0].hops[4].reply.rtt_us = 19500;
	expect(&s, TRACE_RESET_BY_HOP, 4, 4);
	s.v[0].hops[4].reply.rtt_us = 11000;
	expect(&s, TRACE_RESET_BY_HOP, 3, 4);
	/* a router that is slow to write ICMP is not far away */
	w->hops[5].expiry.rtt_us = 5000;
	s.v[0].hops[4].reply.rtt_us = 3100;
	expect(&s, TRACE_RESET_BY_HOP, 3, 4);
	/* TTL 3 was lost: the box may be at hop 3, too */
	walks_chain(&s, 4, RST, 2);
	beside(&s, WALK_OTHER, 6, REACTION_RST_SEQ_FROM_ACK, 5);
	expect(&s, TRACE_RESET_BY_HOP, 3, 3);
	s.v[0].hops[3].expired = s.v[0].hops[3].settled = false;
	expect(&s, TRACE_RESET_BY_HOP, 3, 3);
	s.v[0].hops[4].reply.ttl = 64 - 40;
	expect(&s, TRACE_RESET_BY_HOP, 2, 4);
}

/* The way back is another: each hop is measured by its own messages. */
static void test_uneven_path(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 4, RST, 5);
	w->hops[3].expiry.ttl = 64 - 5;
	beside(&s, WALK_CANARY, 6, RST, 9);
	expect(&s, TRACE_RESET_BY_HOP, 3, 3);
	w->hops[3].expiry.ttl = 255 - 5; /* as a router that begins with 255 has it */
	expect(&s, TRACE_RESET_BY_HOP, 3, 3);
	w->hops[3].expiry.ttl = 64 - 4;
	expect(&s, TRACE_RESET_BY_HOP, 3, 4);
}

/* A forger beside the path lets the segment go on. */
static void test_forger(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 3, RST, 40);
	walks_expire(w, 3, 5);
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 2, 3);
	expect_clue(&v, CLUE_TRACE_WENT_ON, 3, 3);
	/* the target answers, too */
	w = walks_chain(&s, 3, RST, 40);
	walks_answer_too(&s, w, 6, SYN_ACK, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 2, 3);
	expect_clue(&v, CLUE_TRACE_ANSWERED_TOO, 6, SYN_ACK);
	/* by a RST of its own */
	w = walks_chain(&s, 3, RST, 40);
	walks_answer_too(&s, w, 6, RST, 5);
	expect(&s, TRACE_RESET_BY_HOP, 2, 3);
	/* at the target's own distance, where one packet would prove nothing */
	w = walks_chain(&s, 6, RST, 5);
	walks_answer_too(&s, w, 6, SYN_ACK, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 5, 6);
	expect_clue(&v, CLUE_TRACE_TTL_COPIED, 59, 0);
}

static void test_perfect_copy(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 3, RST, 5);
	walks_expire(w, 3, 5);
	walks_answer_too(&s, w, 6, SYN_ACK, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 2, 3);
	expect_clue(&v, CLUE_TRACE_TTL_COPIED, 59, 0);
	assert_int_equal(v.origin, ORIGIN_MIDDLEBOX);
}

/* The box at hop 3 sends what it got, 2 less, and 2 routers take theirs: 4 less in all. */
static void test_mirrored(void **state)
{
	for (unsigned lacks = 4; lacks <= 5; lacks++) {
		struct trace_verdict v;
		struct trace_walk *w;
		struct walks s;

		(void)state;
		walks_make(&s);
		w = walks_add(&s, WALK_MAIN, "syn");
		walks_expire(w, 1, 5);
		walks_answer(&s, w, lacks + 1, RST, 0);
		for (unsigned ttl = lacks + 1; ttl <= w->last; ttl++)
			w->hops[ttl].reply.ttl = (uint8_t)(ttl - lacks);
		v = judged(&s);
		expect_end(&v, TRACE_RESET_BY_HOP, 3, 3);
		expect_clue(&v, CLUE_TRACE_TTL_MIRRORED, 3, 0);
		/* none of those hops is heard */
		for (unsigned ttl = 1; ttl <= 5; ttl++)
			w->hops[ttl].expired = false;
		expect(&s, TRACE_RESET_BY_HOP, 2, 3);
		/* one that goes its own way is none */
		w->hops[8].reply.ttl = 9;
		v = judged(&s);
		assert_null(clue_of(&v, CLUE_TRACE_TTL_MIRRORED));
	}
}

/* Hop 2's way back takes 5 routers: 1 on the way there, 1 at the box, and those. */
static void test_mirrored_on_an_uneven_path(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_make(&s);
	w = walks_add(&s, WALK_MAIN, "syn");
	walks_expire(w, 1, 2);
	w->hops[2].expiry.ttl = 64 - 5;
	for (unsigned lacks = 6; lacks <= 7; lacks++) {
		walks_answer(&s, w, 8, RST, 0);
		for (unsigned ttl = 8; ttl <= w->last; ttl++)
			w->hops[ttl].reply.ttl = (uint8_t)(ttl - lacks);
		expect(&s, TRACE_RESET_BY_HOP, 2, 2);
	}
}

/* Signs of the RST itself, where the walk shows nothing. */
static void test_signs(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = walks_chain(&s, 6, RST, 5);
	for (unsigned ttl = 6; ttl <= w->last; ttl++) {
		w->hops[ttl].reply.ip_id = w->hops[ttl].reply.sent_ip_id = 777;
		w->hops[ttl].reply.win = 1024;
	}
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 5, 6);
	expect_clue(&v, CLUE_TRACE_COPIED, 3, 0);
	assert_int_equal(v.origin, ORIGIN_MIDDLEBOX);
	/* far from where the target's other answers come */
	walks_chain(&s, 6, RST, 2);
	beside(&s, WALK_CANARY, 6, RST, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 5, 6);
	expect_clue(&v, CLUE_TRACE_OTHER_DISTANCE, 2, 5);
	expect_clue(&v, CLUE_TRACE_TTL_ELSEWHERE, 2, 5);
	/* a burst with stepped numbers */
	w = walks_chain(&s, 6, RST, 5);
	walks_answer_too(&s, w, 6, REACTION_RST_ODD, 5);
	for (unsigned ttl = 6; ttl <= w->last; ttl++) {
		w->hops[ttl].resets = 3;
		w->hops[ttl].other.seq = 1460;
	}
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 5, 6);
	expect_clue(&v, CLUE_TRACE_MANY_RSTS, 3, 1);
}

static void test_too_fast(void **state)
{
	struct trace_verdict v;
	struct walks s;

	(void)state;
	walks_chain(&s, 6, RST, 5);
	beside(&s, WALK_CANARY, 6, RST, 5);
	s.v[0].hops[6].reply.rtt_us = 1500;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_TOO_FAST, 1500, 6000);
}

/* --- a RST: by the target ----------------------------------------------------------------- */

static void test_by_target(void **state)
{
	struct trace_verdict v;
	struct walks s;

	(void)state;
	walks_chain(&s, 6, RST, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_TARGET, 6, 6);
	assert_int_equal(v.origin, ORIGIN_UNKNOWN);
	expect_clue(&v, CLUE_TRACE_SAME_LOOK, 0, 0);
	assert_true(v.has_by && addr_equal(&v.by, &s.facts.addr));
	beside(&s, WALK_OTHER, 6, REACTION_RST_SEQ_FROM_ACK, 5);
	beside(&s, WALK_CANARY, 6, RST, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_TARGET, 6, 6);
	assert_int_equal(v.origin, ORIGIN_UNKNOWN);
	expect_clue(&v, CLUE_TRACE_OTHERS_HERE, 6, PROBE_ACK);
	/* a NAT or a filter before it answers for other ports */
	walks_chain(&s, 6, RST, 5);
	beside(&s, WALK_CANARY, 3, RST, 2);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_TARGET, 6, 6);
	expect_clue(&v, CLUE_TRACE_OTHERS_NEARER, 3, PROBE_SYN | ASKED_CANARY);
	/* on the link */
	walks_chain(&s, 1, RST, 0);
	beside(&s, WALK_CANARY, 1, RST, 0);
	expect(&s, TRACE_RESET_BY_TARGET, 1, 1);
}

/* The last router before the target has the target's own TTL in the walk; its RST's is not. */
static void test_last_router(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_chain(&s, 6, RST, 4);
	expect(&s, TRACE_RESET_BY_HOP, 5, 5);
	/* it resets whatever comes */
	w = beside(&s, WALK_OTHER, 6, REACTION_RST_SEQ_FROM_ACK, 4);
	beside(&s, WALK_CANARY, 6, RST, 4);
	expect(&s, TRACE_RESET_BY_HOP, 5, 5);
	/* a listener is not at a router: the target's way back is shorter */
	walks_answer(&s, w, 6, SYN_ACK, 4);
	expect(&s, TRACE_RESET_BY_TARGET, 6, 6);
	/* or of the hops */
	w = walks_chain(&s, 6, RST, 4);
	w->hops[3].expiry.ttl = 64 - 4;
	expect(&s, TRACE_RESET_BY_TARGET, 6, 6);
}

/* A SYN-ACK from farther than the RST to the ACK, and a router that rejects the reference. */
static void test_other_probe(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_make(&s);
	s.facts.probe = probe_find("ack");
	w = walks_add(&s, WALK_MAIN, "ack");
	walks_expire(w, 1, 2);
	walks_answer(&s, w, 3, REACTION_RST_SEQ_FROM_ACK, 1);
	w = walks_add(&s, WALK_OTHER, "syn");
	walks_expire(w, 1, 5);
	walks_answer(&s, w, 6, SYN_ACK, 5);
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 2, 2);
	expect_clue(&v, CLUE_TRACE_DIFFER, 3 | PROBE_ACK << 16, 6 | PROBE_SYN << 16);
	/* the listener itself answers both: which other port would tell more? */
	s.v[0].hops[3].replied = s.v[0].hops[4].replied = s.v[0].hops[5].replied = false;
	walks_expire(&s.v[0], 1, 5);
	walks_answer(&s, &s.v[0], 6, REACTION_RST_SEQ_FROM_ACK, 5);
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	expect(&s, TRACE_RESET_BY_TARGET, 6, 6);
	walks_chain(&s, 6, RST, 5);
	w = beside(&s, WALK_OTHER, 6, RST, 5);
	walks_reject(w, 6, walks_router(5));
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_TARGET, 6, 6);
}

/* References begin where the answer came: what is answered there may be answered before. */
static void test_reference_from_there_on(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_chain(&s, 6, REACTION_RST_SEQ_FROM_ACK, 5);
	w = walks_add(&s, WALK_OTHER, "syn");
	w->first = 6;
	walks_answer(&s, w, 6, RST, 2);
	w = walks_add(&s, WALK_CANARY, "syn");
	w->first = 6;
	walks_answer(&s, w, 6, RST, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_TARGET, 6, 6);
	expect_clue(&v, CLUE_TRACE_DIFFER, 6 | PROBE_SYN << 16, 3 | PROBE_SYN << 16);
	expect_clue(&v, CLUE_TRACE_OTHERS_HERE, 6, PROBE_SYN | ASKED_CANARY);
	walks_answer(&s, w, 6, RST, 1);
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_OTHERS_NEARER, 2, PROBE_SYN | ASKED_CANARY);
}

/* Only what was asked there in vain says that the target is not there. */
static void test_reference_with_gaps(void **state)
{
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_chain(&s, 4, RST, 1);
	w = walks_add(&s, WALK_CANARY, "syn");
	walks_answer(&s, w, 6, RST, 5);
	w->hops[4].settled = w->hops[5].settled = false;
	expect(&s, TRACE_RESET_BY_HOP, 3, 4); /* by the distance of its TTL */
	s.v[0].hops[4].reply.ttl = 64 - 5;
	expect(&s, TRACE_RESET_BY_TARGET, 4, 4);
	w->hops[4].settled = true;
	expect(&s, TRACE_RESET_BY_HOP, 3, 4);
}

/* --- what is walked next ------------------------------------------------------------------ */

static void test_wants_of_silence(void **state)
{
	struct walks s;

	(void)state;
	silence(&s, 3);
	assert_int_equal(trace_wants(&s.facts), WANT_OTHER);
	s.facts.stopped = true;
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	s.facts.stopped = false;
	walks_expire(walks_add(&s, WALK_OTHER, "ack"), 1, 3);
	assert_int_equal(trace_wants(&s.facts), WANT_CANARY);
	walks_expire(&s.v[1], 4, 4);
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
	s.v[1].hops[4].expired = false;
	walks_add(&s, WALK_CANARY, "syn");
	assert_int_equal(trace_wants(&s.facts), WANT_NOTHING);
}

/* --- within a connection ------------------------------------------------------------------ */

/* The SYN is accepted at 6; copies of the data expire up to `heard`. */
static struct trace_walk *inside(struct walks *s, unsigned heard)
{
	struct trace_walk *w;

	walks_chain(s, 6, SYN_ACK, 5);
	s->facts.inside = (struct trace_inside){.wanted = true, .connected = true, .content = true};
	w = walks_add(s, WALK_INSIDE, "data");
	w->last = 5;
	walks_expire(w, 1, heard);
	return w;
}

static struct exchange data_answer(const struct walks *s, enum reaction r, unsigned back)
{
	struct exchange x = walks_exchange(s, r, back);

	x.sent.flags = TCP_PSH | TCP_ACK;
	return x;
}

static void test_inside_reset(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	w = inside(&s, 3);
	walks_answer(&s, w, 4, REACTION_RST_SEQ_FROM_ACK, 40);
	s.facts.inside.reset_ttl = 4;
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 3, 4);
	expect_clue(&v, CLUE_TRACE_UNCONFIRMED, 4, 0);
	expect_clue(&v, CLUE_TRACE_DIFFER, 4 | (PROBE_ACK | ASKED_INSIDE) << 16,
		    6 | PROBE_SYN << 16);
	s.facts.inside.confirmed = true;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_CONFIRMED, 4, 0);
	s.facts.inside.unstable = true;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_UNSTABLE, 4, 0);
	w->hops[4].reply.ttl = 64 - 2;
	expect(&s, TRACE_RESET_BY_HOP, 3, 3);
}

/* The last router's rule is met only by what goes through it: the octets themselves. */
static void test_inside_service(void **state)
{
	struct trace_verdict v;
	struct walks s;

	(void)state;
	inside(&s, 5);
	s.facts.inside.written = true;
	s.facts.inside.service = data_answer(&s, REACTION_RST_SEQ_FROM_ACK, 4);
	expect(&s, TRACE_RESET_BY_HOP, 5, 5);
	s.facts.inside.service = data_answer(&s, REACTION_RST_SEQ_FROM_ACK, 5);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_TARGET, 6, 6);
	expect_clue(&v, CLUE_TRACE_SAME_LOOK, 0, 0);
	s.facts.inside.service = data_answer(&s, ACK, 5);
	expect(&s, TRACE_OPEN, 6, 6);
}

static void test_inside_vanishes(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	inside(&s, 2);
	s.facts.inside.written = true;
	v = judged(&s);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 2, 3);
	expect_clue(&v, CLUE_TRACE_OTHERS_FARTHER, 6, PROBE_SYN);
	inside(&s, 5);
	expect(&s, TRACE_DROPPED_AFTER_HOP, 5, 6);
	w = inside(&s, 5);
	w->over = false;
	expect(&s, TRACE_UNDECIDED, -1, 0);
	w = inside(&s, 3);
	walks_reject(w, 4, walks_router(3));
	expect(&s, TRACE_REJECTED_BY, 3, 3);
	/* an old octet is acknowledged again */
	w = inside(&s, 5);
	w->last = WALKS_MAX_TTL;
	walks_answer(&s, w, 6, ACK, 5);
	expect(&s, TRACE_OPEN, 6, 6);
}

static void test_inside_without(void **state)
{
	struct trace_verdict v;
	struct walks s;

	(void)state;
	inside(&s, 0);
	s.facts.inside.connected = false;
	v = judged(&s);
	expect_end(&v, TRACE_UNDECIDED, -1, 0);
	expect_clue(&v, CLUE_TRACE_NOT_CONNECTED, 0, 0);
	/* the handshake's ACK was reset, by a router's FORWARD or by the service's stack */
	s.facts.inside.service = data_answer(&s, REACTION_RST_SEQ_FROM_ACK, 2);
	v = judged(&s);
	expect_end(&v, TRACE_RESET_BY_HOP, 3, 3);
	expect_clue(&v, CLUE_TRACE_NOT_CONNECTED, 0, 0);
	s.facts.inside.service = data_answer(&s, REACTION_RST_SEQ_FROM_ACK, 5);
	expect(&s, TRACE_RESET_BY_TARGET, 6, 6);
	/* the SYN was not accepted to begin with */
	walks_chain(&s, 6, RST, 5);
	s.facts.inside.wanted = true;
	expect(&s, TRACE_RESET_BY_TARGET, 6, 6);
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_NO_DATA, 0, 0);
}

/* --- flows -------------------------------------------------------------------------------- */

static void test_flows(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_chain(&s, 6, SYN_ACK, 5);
	s.facts.flows = 3;
	for (uint16_t flow = 1; flow < 3; flow++) {
		w = walks_add(&s, WALK_MAIN, "syn");
		w->flow = flow;
		walks_expire(w, 1, 5);
		walks_answer(&s, w, 6, SYN_ACK, 5);
	}
	v = judged(&s);
	expect_end(&v, TRACE_OPEN, 6, 6);
	assert_int_equal(v.n_clues, 0);
	/* a silent hop is no other path */
	s.v[1].hops[3].expired = false;
	s.v[1].hops[3].expiry = (struct exchange){0};
	s.v[2].hops[3].expiry.from = addr_v4(10, 0, 33, 1);
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_PATHS, 2, 3);
	assert_null(clue_of(&v, CLUE_TRACE_ICMP_LIMIT));
	s.v[1].limited = true; /* of whichever flow */
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_ICMP_LIMIT, 0, 0);
	assert_null(clue_of(&v, CLUE_TRACE_FLOWS_DIFFER));
	for (unsigned ttl = 4; ttl <= w->last; ttl++)
		w->hops[ttl].expired = w->hops[ttl].replied = false;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_FLOWS_DIFFER, 1, 3);
	trace_judge_flow(&s.facts, 2, &v);
	expect_end(&v, TRACE_DROPPED_AFTER_HOP, 3, 0);
	/* what is clear goes before what is not */
	for (unsigned ttl = 1; ttl <= w->last; ttl++)
		s.v[0].hops[ttl].replied = false;
	s.v[0].over = false;
	expect(&s, TRACE_OPEN, 6, 6);
}

/* Where a router was silent for one flow, less is known of it, and nothing else. */
static void test_flows_known_less_exactly(void **state)
{
	struct trace_verdict v;
	struct trace_walk *w;
	struct walks s;

	(void)state;
	walks_chain(&s, 6, SYN_ACK, 5);
	s.facts.flows = 2;
	walks_reject(&s.v[0], 4, walks_router(3));
	w = walks_add(&s, WALK_MAIN, "syn");
	w->flow = 1;
	walks_expire(w, 1, 2);
	walks_reject(w, 4, walks_router(3));
	trace_judge_flow(&s.facts, 1, &v);
	expect_end(&v, TRACE_REJECTED_BY, 3, 4);
	v = judged(&s);
	expect_end(&v, TRACE_REJECTED_BY, 3, 3);
	assert_null(clue_of(&v, CLUE_TRACE_FLOWS_DIFFER));
	walks_expire(w, 3, 4);
	walks_reject(w, 5, walks_router(4));
	w->hops[4].replied = false;
	v = judged(&s);
	expect_clue(&v, CLUE_TRACE_FLOWS_DIFFER, 1, 2);
}

static void test_ends_have_names(void **state)
{
	(void)state;
	for (int e = 0; e < TRACE_ENDS; e++) {
		assert_non_null(trace_end_name((enum trace_end)e));
		for (int other = 0; other < e; other++)
			assert_string_not_equal(trace_end_name((enum trace_end)e),
						trace_end_name((enum trace_end)other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_rejected),
	    cmocka_unit_test(test_rejects_are_rationed),
	    cmocka_unit_test(test_translated),
	    cmocka_unit_test(test_dropped),
	    cmocka_unit_test(test_no_end),
	    cmocka_unit_test(test_reject_in_forward),
	    cmocka_unit_test(test_reject_in_prerouting),
	    cmocka_unit_test(test_interval),
	    cmocka_unit_test(test_uneven_path),
	    cmocka_unit_test(test_forger),
	    cmocka_unit_test(test_perfect_copy),
	    cmocka_unit_test(test_mirrored),
	    cmocka_unit_test(test_mirrored_on_an_uneven_path),
	    cmocka_unit_test(test_signs),
	    cmocka_unit_test(test_too_fast),
	    cmocka_unit_test(test_by_target),
	    cmocka_unit_test(test_last_router),
	    cmocka_unit_test(test_other_probe),
	    cmocka_unit_test(test_reference_with_gaps),
	    cmocka_unit_test(test_reference_from_there_on),
	    cmocka_unit_test(test_wants_of_silence),
	    cmocka_unit_test(test_inside_reset),
	    cmocka_unit_test(test_inside_service),
	    cmocka_unit_test(test_inside_vanishes),
	    cmocka_unit_test(test_inside_without),
	    cmocka_unit_test(test_flows),
	    cmocka_unit_test(test_flows_known_less_exactly),
	    cmocka_unit_test(test_ends_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
