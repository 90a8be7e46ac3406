/*
 * test_sweep_origin: who is told to have sent a port's RST. Hosts whose open ports, closed ports
 * and box in front speak from where the row says, and what each must come to.
 */
#include "unit/unit.h"

#include "judge/origin.h"
#include "judge/siblings.h"
#include "sim/sweepkit.h"

#define BIT(id) (1U << (CLUE_##id - CLUE_RST_NEARER))

enum { BOXED = 25 };

/* Ports up to `open` listen, a box resets BOXED, and from `boxes_from` on all; the rest is closed.
 */
struct net {
	unsigned open, boxes_from;
	uint8_t ttl, rst_ttl, box_ttl; /* as they arrive; rst_ttl, box_ttl 0: as ttl */
	uint64_t slower_ns;	       /* the host's round trip beyond the box's */
	bool copies_ip_id, copies_win;
	bool syn_ack_too;   /* the host's own answer follows the box's */
	uint8_t second_ttl; /* of every other SYN-ACK; 0: one path */
};

static bool is_boxed(const struct net *n, uint16_t port)
{
	return port == BOXED || (n->boxes_from && port >= n->boxes_from);
}

static void put_box(const struct net *n, const struct packet *probe, struct peer_answer *out)
{
	struct segment *s = &out->seg[out->n];

	peer_rfc(probe, false, out);
	s->ttl = n->box_ttl ? n->box_ttl : n->ttl;
	if (n->copies_ip_id)
		s->ip_id = probe->seg.ip_id;
	if (n->copies_win)
		s->win = probe->seg.win;
}

static void put_host(const struct net *n, const struct packet *probe, struct peer_answer *out,
		     bool open)
{
	unsigned i = out->n;
	struct segment *s = &out->seg[i];

	peer_rfc(probe, open, out);
	if (out->n == i)
		return;
	s->ttl = s->flags & TCP_RST && n->rst_ttl ? n->rst_ttl : n->ttl;
	if (n->second_ttl && s->flags & TCP_SYN && probe->seg.dport % 2)
		s->ttl = n->second_ttl;
	out->delay_ns[i] = n->slower_ns;
}

static void answer(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const struct net *n = p->ctx;
	uint16_t port = probe->seg.dport;

	if (!is_boxed(n, port)) {
		put_host(n, probe, out, port <= n->open);
		return;
	}
	put_box(n, probe, out);
	if (n->syn_ack_too)
		put_host(n, probe, out, true);
}

static const struct row {
	const char *what, *ports;
	struct net net;
	/* of the boxed port */
	const char *reason;
	enum origin origin;
	uint32_t clues;
	/* of port 24, closed, where it is asked */
	enum origin closed;
} rows[] = {
    {"nothing to compare with", "25", {.ttl = 60}, "rst-ack", ORIGIN_UNKNOWN, 0, ORIGIN_UNKNOWN},
    {"closed ports alone: all may be the box's",
     "20-30",
     {.ttl = 60},
     "rst-ack",
     ORIGIN_UNKNOWN,
     0,
     ORIGIN_UNKNOWN},
    {"as far as the SYN-ACKs",
     "1,24,25",
     {.open = 1, .ttl = 60},
     "rst-ack",
     ORIGIN_ENDPOINT,
     0,
     ORIGIN_ENDPOINT},
    {"as far, from another initial TTL",
     "1,24,25",
     {.open = 1, .ttl = 60, .rst_ttl = 124, .box_ttl = 251},
     "rst-ack",
     ORIGIN_ENDPOINT,
     0,
     ORIGIN_ENDPOINT},
    {"two hops nearer",
     "1,24,25",
     {.open = 1, .ttl = 60, .box_ttl = 62},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_NEARER),
     ORIGIN_ENDPOINT},
    {"two hops nearer, from another initial TTL",
     "1,24,25",
     {.open = 1, .ttl = 60, .box_ttl = 253},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_NEARER),
     ORIGIN_ENDPOINT},
    {"one hop nearer than a few",
     "1,24,25",
     {.open = 1, .ttl = 60, .box_ttl = 61},
     "rst-ack",
     ORIGIN_UNKNOWN,
     BIT(RST_NEARER),
     ORIGIN_ENDPOINT},
    {"one hop nearer than many",
     "1-30",
     {.open = 4, .ttl = 60, .box_ttl = 61},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_NEARER),
     ORIGIN_ENDPOINT},
    {"many, all one hop nearer than the open port",
     "1,10-40",
     {.open = 1, .boxes_from = 2, .ttl = 60, .box_ttl = 61},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_NEARER),
     ORIGIN_MIDDLEBOX},
    {"half of them one hop nearer: two paths do so",
     "1,10-40",
     {.open = 1, .boxes_from = 25, .ttl = 60, .box_ttl = 61},
     "rst-ack",
     ORIGIN_UNKNOWN,
     BIT(RST_NEARER),
     ORIGIN_ENDPOINT},
    {"half of them, and many SYN-ACKs by one path",
     "1-9,10-40",
     {.open = 9, .boxes_from = 25, .ttl = 60, .box_ttl = 61},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_NEARER),
     ORIGIN_ENDPOINT},
    {"one hop nearer, and the SYN-ACKs come by two paths",
     "1-30",
     {.open = 4, .ttl = 60, .second_ttl = 59, .box_ttl = 61},
     "rst-ack",
     ORIGIN_UNKNOWN,
     BIT(RST_NEARER),
     ORIGIN_ENDPOINT},
    {"by one of the two paths",
     "1-30",
     {.open = 4, .ttl = 60, .second_ttl = 57, .box_ttl = 58},
     "rst-ack",
     ORIGIN_ENDPOINT,
     0,
     ORIGIN_ENDPOINT},
    {"one hop nearer, and faster than the host can be",
     "1,24,25",
     {.open = 1, .ttl = 60, .box_ttl = 61, .slower_ns = 9000000},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_NEARER) | BIT(RST_TOO_FAST),
     ORIGIN_ENDPOINT},
    {"faster than the host can be, and no nearer",
     "1,24,25",
     {.open = 1, .ttl = 60, .slower_ns = 9000000},
     "rst-ack",
     ORIGIN_UNKNOWN,
     BIT(RST_TOO_FAST),
     ORIGIN_ENDPOINT},
    {"farther: who answers the SYNs may be the box",
     "1,24,25",
     {.open = 1, .ttl = 60, .box_ttl = 57},
     "rst-ack",
     ORIGIN_UNKNOWN,
     BIT(RST_FARTHER),
     ORIGIN_ENDPOINT},
    {"nearer than the other closed ports",
     "20-30",
     {.ttl = 60, .box_ttl = 62},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_NEARER_THAN_RSTS),
     ORIGIN_UNKNOWN},
    {"one hop nearer than the other closed ports",
     "20-30",
     {.ttl = 60, .box_ttl = 61},
     "rst-ack",
     ORIGIN_UNKNOWN,
     BIT(RST_NEARER_THAN_RSTS),
     ORIGIN_UNKNOWN},
    {"it copies our IP ID and our window, from nobody knows where",
     "25",
     {.ttl = 60, .copies_ip_id = true, .copies_win = true},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_COPIES),
     ORIGIN_UNKNOWN},
    {"it copies both, from where the host is",
     "1,24,25",
     {.open = 1, .ttl = 60, .copies_ip_id = true, .copies_win = true},
     "rst-from-path",
     ORIGIN_MIDDLEBOX,
     BIT(RST_COPIES),
     ORIGIN_ENDPOINT},
    {"it copies our IP ID alone",
     "25",
     {.ttl = 60, .copies_ip_id = true},
     "rst-ack",
     ORIGIN_UNKNOWN,
     BIT(RST_COPIES),
     ORIGIN_UNKNOWN},
    {"it copies our window alone, as small stacks do",
     "1,24,25",
     {.open = 1, .ttl = 60, .copies_win = true},
     "rst-ack",
     ORIGIN_UNKNOWN,
     0,
     ORIGIN_ENDPOINT},
};

static void check_row(const struct row *r)
{
	const struct kept_port *k;
	struct trial t;
	struct peer p;

	trial_init(&t, "192.0.2.7", r->ports, "syn");
	peer_init(&p, answer, (void *)(uintptr_t)&r->net);
	trial_run(&t, &p);
	trial_check(&t, &p);
	k = port_of(&t, BOXED);
	if (k->state != STATE_CLOSED || strcmp(k->reason, r->reason) != 0 ||
	    k->origin != r->origin || k->rst_clues != r->clues)
		fail_msg("%s: %s, %s, %s, clues %x", r->what, state_name(k->state), k->reason,
			 origin_name(k->origin), k->rst_clues);
	for (size_t i = 0; i < t.kept.n; i++) {
		if (t.kept.v[i].port == 24 && t.kept.v[i].origin != r->closed)
			fail_msg("%s: port 24: %s", r->what, origin_name(t.kept.v[i].origin));
		if (t.kept.v[i].state == STATE_OPEN)
			assert_int_equal(t.kept.v[i].origin, ORIGIN_ENDPOINT);
	}
	trial_free(&t);
	peer_free(&p);
}

static void test_closed_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

/* A box resets, and the host's own SYN-ACK follows: both were seen, and whose the RST is. */
static void test_both(void **state)
{
	static const struct {
		uint8_t box_ttl;
		enum origin origin;
	} boxes[] = {{61, ORIGIN_MIDDLEBOX}, {60, ORIGIN_UNKNOWN}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct net n = {.open = 1,
				.ttl = 60,
				.box_ttl = boxes[i].box_ttl,
				.slower_ns = 50000,
				.syn_ack_too = true};
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "1,25", "syn");
		peer_init(&p, answer, &n);
		trial_run(&t, &p);
		assert_int_equal(port_of(&t, BOXED)->state, STATE_INCONSISTENT);
		assert_string_equal(port_of(&t, BOXED)->reason, "contradiction");
		assert_int_equal(port_of(&t, BOXED)->origin, boxes[i].origin);
		trial_free(&t);
		peer_free(&p);
	}
}

/* The ACK at an open port is reset by a box, which is no word of the LISTEN state. */
static void reset_acks(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const struct net *n = p->ctx;

	if (probe->seg.flags & TCP_ACK)
		put_box(n, probe, out);
	else
		put_host(n, probe, out, true);
}

static void test_ack_elsewhere(void **state)
{
	(void)state;
	for (uint8_t nearer = 0; nearer <= 2; nearer++) {
		struct net n = {.ttl = 60, .box_ttl = (uint8_t)(60 + nearer)};
		const struct kept_port *k;
		struct trial t;
		struct peer p;

		trial_init(&t, "192.0.2.7", "80", "syn,ack");
		peer_init(&p, reset_acks, &n);
		trial_run(&t, &p);
		k = port_of(&t, 80);
		assert_int_equal(k->state, STATE_OPEN);
		assert_int_equal(k->origin, ORIGIN_ENDPOINT);
		assert_int_equal(k->clues >> CLUE_LISTEN_RST & 1, nearer < 2);
		assert_int_equal(k->rst_clues, nearer < 2 ? 0 : BIT(ACK_ELSEWHERE));
		trial_free(&t);
		peer_free(&p);
	}
}

static void test_loopback(void **state)
{
	struct net n = {.open = 1, .ttl = 64, .box_ttl = 60};
	struct trial t;
	struct peer p;

	(void)state;
	trial_init(&t, "192.0.2.7", "1,24,25", "syn");
	peer_init(&p, answer, &n);
	p.path[0].loopback = true;
	trial_run(&t, &p);
	assert_int_equal(t.kept.n, 3);
	for (size_t i = 0; i < t.kept.n; i++) {
		assert_int_equal(t.kept.v[i].origin, ORIGIN_LOCAL);
		assert_int_equal(t.kept.v[i].rst_clues, 0);
	}
	trial_free(&t);
	peer_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_closed_ports),
	    cmocka_unit_test(test_both),
	    cmocka_unit_test(test_ack_elsewhere),
	    cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests_name("sweep_origin", tests, NULL, NULL);
}
