/*
 * test_properties_order: the same replies in any order, and any of them twice, come to the same
 * verdict: of the judge on one port, and of a whole scan in virtual time. Seeded: each run tries
 * the same.
 */
#include "unit/unit.h"

#include "sim/sweepkit.h"

static uint64_t rng;

static uint32_t chance(uint32_t n)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(rng >> 33) % n;
}

static void shuffle(unsigned *v, unsigned n)
{
	for (unsigned i = n; i-- > 1;) {
		unsigned k = chance(i + 1), x = v[i];

		v[i] = v[k];
		v[k] = x;
	}
}

/* --- the judge ---------------------------------------------------------------------------------
 */

enum { SETS = 20000, ORDERS = 4, REPLIES_MAX = 8, KINDS_MAX = 4 };

struct heard {
	const struct probe *kinds[KINDS_MAX];
	uint8_t tries[KINDS_MAX];
	struct reply replies[REPLIES_MAX];
	struct observation o;
};

static bool is_there(const struct heard *s, const struct reply *r)
{
	for (size_t i = 0; i < s->o.n_replies; i++)
		if (s->replies[i].kind == r->kind && s->replies[i].reaction == r->reaction &&
		    s->replies[i].fit == r->fit)
			return true;
	return false;
}

/* What a port's observation may hold: of each kind, reaction and fit one. */
static void put_reply(struct heard *s)
{
	struct reply r = {
	    .kind = (uint8_t)chance((uint32_t)s->o.n_kinds),
	    .reaction = (uint8_t)(REACTION_SYN_ACK + chance(REACTIONS - 1)),
	    .fit = (uint8_t)(chance(3) ? FIT_EXACT : FIT_TUPLE),
	    .from = chance(3) == 0,
	    .try = (uint8_t)chance(3),
	    .ttl = (uint8_t)chance(256),
	    .rtt_us = chance(1000),
	};

	if (reaction_is_icmp((enum reaction)r.reaction)) {
		r.icmp_type = s->o.family == ADDR_V4 ? 3 : 1;
		r.icmp_code = (uint8_t)chance(16);
	}
	if (is_there(s, &r))
		return;
	s->replies[s->o.n_replies] = r;
	s->o.replies[s->o.n_replies] = &s->replies[s->o.n_replies];
	s->o.n_replies++;
}

static void make_heard(struct heard *s)
{
	memset(s, 0, sizeof(*s));
	s->o = (struct observation){.kinds = s->kinds,
				    .tries = s->tries,
				    .n_kinds = 1 + chance(KINDS_MAX),
				    .family = chance(2) ? ADDR_V4 : ADDR_V6,
				    .min_tries = 2,
				    .cut_short = chance(5) == 0};
	for (size_t i = 0; i < s->o.n_kinds; i++) {
		s->kinds[i] = &probe_table[chance((uint32_t)probe_count)];
		s->tries[i] = (uint8_t)chance(4);
	}
	for (uint32_t n = chance(REPLIES_MAX + 1); n-- > 0;)
		put_reply(s);
}

static void assert_same(const struct verdict *v, const struct verdict *w)
{
	assert_int_equal(v->state, w->state);
	assert_int_equal(v->weak, w->weak);
	assert_int_equal(v->reaction, w->reaction);
	assert_ptr_equal(v->decider, w->decider);
	assert_ptr_equal(v->against, w->against);
	assert_ptr_equal(v->rule, w->rule);
	assert_string_equal(v->reason, w->reason);
	assert_int_equal(v->origin, w->origin);
	assert_int_equal(v->n_clues, w->n_clues);
	for (unsigned i = 0; i < v->n_clues; i++)
		assert_true(v->clues[i].id == w->clues[i].id && v->clues[i].a == w->clues[i].a &&
			    v->clues[i].b == w->clues[i].b);
}

static void the_judge_asks_not_when(void **state)
{
	(void)state;
	rng = 1;
	for (int i = 0; i < SETS; i++) {
		unsigned order[REPLIES_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
		struct verdict v, w;
		struct heard s;

		make_heard(&s);
		verdict_judge(&s.o, &v);
		for (int again = 0; again < ORDERS; again++) {
			struct observation o = s.o;

			shuffle(order, (unsigned)o.n_replies);
			for (size_t k = 0; k < o.n_replies; k++)
				o.replies[k] = s.o.replies[order[k]];
			verdict_judge(&o, &w);
			assert_same(&v, &w);
		}
	}
}

/* --- a scan ------------------------------------------------------------------------------------
 */

enum { NETS = 60, SCANS = 3, PORTS = 12, FIRST = 20 };

enum answer { SYN_ACK, RST_OF_SYN, RST_BARE, RST_AFTER, ACK_OLD, SYN_ACK_OLD, FIN, ANSWERS };

/* What each port answers a SYN with, and an ACK; the same of every try. */
struct net {
	unsigned n[PORTS][2];
	enum answer v[PORTS][2][PEER_ANSWERS];
	uint64_t order; /* the seed of this scan's order, and of what comes twice */
	bool rejects[PORTS], after[PORTS][2];
};

static struct segment made(const struct packet *probe, enum answer a)
{
	struct segment s = peer_back(probe);
	uint32_t end = probe->seg.seq + segment_len(&probe->seg), isn = 0x5000;

	s.seq = isn;
	s.ack = end;
	switch (a) {
	case SYN_ACK: s.flags = TCP_SYN | TCP_ACK; break;
	case RST_OF_SYN:
		s.flags = TCP_RST | TCP_ACK;
		s.seq = 0;
		break;
	case RST_BARE:
		s.flags = TCP_RST;
		s.seq = probe->seg.ack;
		s.ack = 0;
		break;
	case RST_AFTER:
		s.flags = TCP_RST | TCP_ACK;
		s.seq = isn + 1;
		break;
	case ACK_OLD:
		s.flags = TCP_ACK;
		s.ack = end + 77;
		break;
	case SYN_ACK_OLD:
		s.flags = TCP_SYN | TCP_ACK;
		s.seq += 0x2000;
		s.ack = end + 77;
		break;
	default: s.flags = TCP_FIN | TCP_ACK; break;
	}
	return s;
}

static void answer(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const struct net *n = p->ctx;
	unsigned port = probe->seg.dport - FIRST, of = !!(probe->seg.flags & TCP_ACK);
	unsigned order[PEER_ANSWERS], count = 0;
	uint64_t kept = rng;

	if (port >= PORTS || probe->seg.flags & TCP_RST)
		return;
	rng = n->order + (uint64_t)port * 977 + of * 31;
	for (unsigned i = 0; i < n->n[port][of]; i++)
		order[count++] = i;
	while (n->n[port][of] && count < PEER_ANSWERS && chance(2))
		order[count++] = chance(n->n[port][of]);
	shuffle(order, count);
	rng = kept;
	for (unsigned i = 0; i < count; i++) {
		struct segment s = made(probe, n->v[port][of][order[i]]);

		peer_put(out, &s, i);
	}
	out->icmp = n->rejects[port] && !of;
	out->icmp_type = 3;
	out->icmp_code = 13;
}

/* A reset that comes behind a SYN-ACK doesn't come without, and of two alike one is kept. */
static void put_answer(struct net *n, unsigned port, int of)
{
	enum answer a = (enum answer)chance(ANSWERS);
	bool after = n->after[port][of];

	if (a == RST_OF_SYN && after)
		return;
	if (a == RST_AFTER) {
		if (after || n->n[port][of])
			return;
		n->after[port][of] = true;
		n->v[port][of][n->n[port][of]++] = SYN_ACK;
	}
	n->v[port][of][n->n[port][of]++] = a;
}

static void make_net(struct net *n)
{
	memset(n, 0, sizeof(*n));
	for (unsigned port = 0; port < PORTS; port++) {
		n->rejects[port] = chance(8) == 0;
		for (int of = 0; of < 2; of++) {
			for (uint32_t i = chance(4); i-- > 0;)
				put_answer(n, port, of);
		}
	}
}

static void scan(struct net *n, const char *kinds, struct kept_port out[PORTS])
{
	struct trial t;
	struct peer p;

	n->order = (uint64_t)chance(1 << 30) << 20;
	peer_init(&p, answer, n);
	trial_init(&t, "192.0.2.7", "20-31", kinds);
	t.c.retries = 1;
	trial_run(&t, &p);
	trial_check(&t, &p);
	for (unsigned port = 0; port < PORTS; port++)
		out[port] = *port_of(&t, (uint16_t)(FIRST + port));
	trial_free(&t);
	peer_free(&p);
}

static void assert_scans_agree(const struct kept_port a[PORTS], const struct kept_port b[PORTS],
			       int round)
{
	for (unsigned i = 0; i < PORTS; i++)
		if (a[i].state != b[i].state || a[i].weak != b[i].weak ||
		    strcmp(a[i].reason, b[i].reason) != 0 || a[i].clues != b[i].clues)
			fail_msg("net %d, port %u: %s (%s), and in another order %s (%s)", round,
				 FIRST + i, state_name(a[i].state), a[i].reason,
				 state_name(b[i].state), b[i].reason);
}

static void a_scan_asks_not_when(void **state)
{
	struct kept_port first[PORTS], again[PORTS];
	struct net n;

	(void)state;
	rng = 2;
	for (int round = 0; round < NETS; round++) {
		const char *kinds = round % 2 ? "syn,ack" : "syn";

		make_net(&n);
		scan(&n, kinds, first);
		for (int i = 1; i < SCANS; i++) {
			scan(&n, kinds, again);
			assert_scans_agree(first, again, round);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_judge_asks_not_when),
	    cmocka_unit_test(a_scan_asks_not_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
