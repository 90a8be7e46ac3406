/* test_walk: TTL walks over a chain of routers in virtual time: every kind of box at every place,
 * loss, silence, limits, equal-cost paths, copies within a connection, and the ends of a run. What
 * the walks mean is test_trace's. */
#include "unit/unit.h"

#include "base/seq.h"
#include "engine/walk.h"
#include "judge/origin.h"
#include "packet/segment.h"
#include "sim/chain.h"
#include "sim/kernel.h"

enum { SPORT = 40000, ROUTERS = 5, CLOSED = 81, TOLD_MAX = 400 };
#define MS 1000000ULL

struct lab {
	struct peer peer;
	struct chain chain;
	struct walk_config c;
	struct turns_config t;
	struct turns_stats stats;
	struct trace_facts facts;
	struct trace_walk walks[TRACE_WALKS_MAX];
	struct {
		enum trace_role role;
		uint16_t flow;
		struct trace_hop hop;
	} told[TOLD_MAX];
	size_t n_told;
};

/* Stands for the judge: what it wants, in order. */
static enum trace_want wants[3];
static unsigned next_want;

enum trace_want trace_wants(const struct trace_facts *f)
{
	for (size_t i = 0; i < f->n_walks; i++)
		if (f->walks[i].role == WALK_MAIN)
			assert_true(f->walks[i].over);
	return next_want < 3 ? wants[next_want++] : WANT_NOTHING;
}

static void hear(void *ctx, const struct trace_walk *w, const struct trace_hop *h)
{
	struct lab *l = ctx;

	assert_true(l->n_told < TOLD_MAX);
	assert_true(h->settled && !w->over);
	l->told[l->n_told].role = w->role;
	l->told[l->n_told].flow = w->flow;
	l->told[l->n_told++].hop = *h;
}

static const uint8_t content[] = "GET /forbidden";

static struct lab *begin(void)
{
	struct lab *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	memset(wants, 0, sizeof(wants));
	next_want = 0;
	chain_init(&l->chain, ROUTERS);
	peer_init(&l->peer, chain_answer, &l->chain);
	l->peer.wire.conns_max = 4;
	l->c = (struct walk_config){
	    .dst = addr_v4(198, 51, 100, 7),
	    .dport = CHAIN_OPEN,
	    .sport_first = SPORT,
	    .probe = probe_find("syn"),
	    .syn_layout = SYN_LAYOUT_LINUX,
	    .flows = 1,
	    .first_ttl = 1,
	    .max_ttl = 30,
	    .hop = hear,
	    .hop_ctx = l,
	};
	l->t = (struct turns_config){.seed = 11};
	l->facts.walks = l->walks;
	return l;
}

static void use_ipv6(struct lab *l)
{
	l->peer.path[0].src =
	    (struct addr){.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8, 1, [15] = 1}};
	l->c.dst = (struct addr){.family = ADDR_V6, .b = {0x20, 1, 0xd, 0xb8, 2, [15] = 7}};
}

static void run(struct lab *l)
{
	struct err e;

	assert_int_equal(walk_run(&l->c, &l->t, &l->peer.wire, &l->facts, &l->stats, &e), 0);
}

static void end(struct lab *l)
{
	peer_free(&l->peer);
	free(l);
}

static unsigned reply_ttl(const struct trace_walk *w)
{
	for (unsigned ttl = w->first; ttl <= w->last; ttl++)
		if (w->hops[ttl].replied)
			return ttl;
	return 0;
}

static unsigned last_heard(const struct trace_walk *w)
{
	unsigned reply = reply_ttl(w), last = 0;

	for (unsigned ttl = w->first; ttl <= w->last && (!reply || ttl < reply); ttl++)
		if (w->hops[ttl].expired)
			last = ttl;
	return last;
}

static void expect_told_in_order(const struct lab *l, size_t flow, unsigned first, unsigned last)
{
	unsigned next = first;

	for (size_t i = 0; i < l->n_told; i++) {
		if (l->told[i].role != WALK_MAIN || l->told[i].flow != flow)
			continue;
		assert_int_equal(l->told[i].hop.ttl, next);
		next++;
	}
	assert_int_equal(next, last + 1);
}

/* --- a path with nothing on it -------------------------------------------------------------- */

static void expect_clean(struct lab *l, unsigned reaction)
{
	const struct trace_walk *w = &l->walks[0];

	assert_int_equal(l->facts.n_walks, 1);
	assert_true(w->over && !w->limited && !l->facts.stopped);
	for (unsigned ttl = 1; ttl <= ROUTERS; ttl++) {
		const struct trace_hop *h = &w->hops[ttl];
		struct addr router = chain_router(&l->chain, ttl, SPORT, l->c.dst.family);

		assert_true(h->expired && h->settled && !h->replied);
		assert_int_equal(h->tries, 1);
		assert_int_equal(h->expiry.fit, FIT_EXACT);
		assert_true(addr_equal(&h->expiry.from, &router));
		assert_int_equal(h->expiry.rtt_us, ttl * 1000);
	}
	assert_int_equal(reply_ttl(w), ROUTERS + 1);
	assert_int_equal(w->hops[ROUTERS + 1].reply.reaction, reaction);
	assert_int_equal(w->hops[ROUTERS + 1].reply.fit, FIT_EXACT);
	assert_int_equal(w->hops[ROUTERS + 1].reply.rtt_us, (ROUTERS + 1) * 1000);
	/* each router that answers lets one more begin, until the target has answered */
	assert_true(l->stats.sent <= WALK_AHEAD + ROUTERS);
	expect_told_in_order(l, 0, 1, ROUTERS + 1);
}

static void test_clean(void **state)
{
	static const struct {
		const char *probe;
		uint16_t port;
		enum reaction reaction;
	} rows[] = {
	    {"syn", CHAIN_OPEN, REACTION_SYN_ACK},
	    {"syn", CLOSED, REACTION_RST_ACK_OF_SEQ},
	    {"ack", CHAIN_OPEN, REACTION_RST_SEQ_FROM_ACK},
	    {"data", CLOSED, REACTION_RST_SEQ_FROM_ACK},
	    {"xmas", CLOSED, REACTION_RST_ACK_OF_SEQ},
	    {"syn-data", CHAIN_OPEN, REACTION_SYN_ACK},
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		struct lab *l = begin();

		if (i % 2)
			use_ipv6(l);
		l->c.probe = probe_find(rows[i / 2].probe);
		l->c.dport = rows[i / 2].port;
		run(l);
		expect_clean(l, rows[i / 2].reaction);
		end(l);
	}
}

/* --- a half-open connection ----------------------------------------------------------------- */

/* The SYNs of a burst reach it all: none may look like a closed port. With and without our kernel's
 * RST to the SYN-ACK; and where each SYN that is lost is asked again. */
static void test_half_open_is_not_closed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct lab *l = begin();
		const struct trace_walk *w = l->walks;

		l->peer.rng = i + 1;
		l->peer.loss_percent = i % 2 ? 20 : 0;
		if (i % 4 < 2)
			peer_kernel(&l->peer);
		run(l);
		assert_int_equal(l->chain.n_window_hits, 0);
		for (unsigned ttl = 1; ttl <= w->last; ttl++)
			assert_false(w->hops[ttl].replied &&
				     reaction_is_rst(w->hops[ttl].reply.reaction));
		assert_true(reply_ttl(w) > ROUTERS);
		assert_false(w->hops[reply_ttl(w)].replied_otherwise);
		end(l);
	}
}

/* Down with each that is sent, and none within the window of another, in whatever order they come
 * in: so that of two SYNs the second is always out of the window. */
static void test_numbers(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->chain.mute = true;
	run(l);
	assert_true(l->peer.n_sent > 60);
	for (size_t i = 0; i < l->peer.n_sent; i++) {
		const struct peer_sent *a = &l->peer.sent[i];

		for (size_t j = i + 1; j < l->peer.n_sent; j++) {
			assert_true(seq_diff(a->seq, l->peer.sent[j].seq) > 65535);
			assert_true(seq_diff(a->ack, l->peer.sent[j].ack) > 65535);
		}
		assert_true(a->ack > 65535);
	}
	end(l);
}

/* --- boxes ---------------------------------------------------------------------------------- */

struct truth {
	unsigned heard, reply; /* reply 0: none */
	enum reaction reaction;
};

static struct truth truth_of(const struct lab *l, const struct box *b)
{
	struct truth t = {.heard = b->ingress ? b->at - 1U : b->at, .reaction = REACTION_NONE};

	if (b->kind != BOX_DROP)
		t.reply = t.heard + 1;
	if (b->kind == BOX_ICMP)
		t.reaction = REACTION_ICMP_ADMIN;
	else if (b->kind != BOX_DROP)
		t.reaction = l->c.probe->flags & TCP_ACK ? REACTION_RST_SEQ_FROM_ACK
							 : REACTION_RST_ACK_OF_SEQ;
	return t;
}

/* All kinds, forwarding or coming in, on each router; with a SYN and with an ACK. */
enum { KINDS = 4, WAYS = KINDS * 2 * 2 * ROUTERS };

static struct lab *begin_way(unsigned i)
{
	struct lab *l = begin();

	l->chain.boxes[0] = (struct box){.kind = (enum box_kind)(BOX_REJECT + i % KINDS),
					 .ingress = i / KINDS % 2,
					 .at = (uint8_t)(1 + i / KINDS / 4)};
	l->c.probe = probe_find(i / KINDS / 2 % 2 ? "ack" : "syn");
	return l;
}

static void test_boxes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * WAYS; i++) {
		struct lab *l = begin_way(i % WAYS);
		const struct trace_walk *w = l->walks;
		struct truth t = truth_of(l, &l->chain.boxes[0]);

		if (i >= WAYS)
			use_ipv6(l);
		run(l);
		assert_int_equal(reply_ttl(w), t.reply);
		assert_int_equal(last_heard(w), t.heard);
		assert_true(t.reply ? w->last <= WALK_AHEAD + t.heard : w->last == 30);
		if (t.reply) {
			assert_int_equal(w->hops[t.reply].reply.reaction, t.reaction);
			assert_int_equal(w->hops[t.reply].reply.fit, FIT_EXACT);
			assert_int_equal(w->hops[t.reply].tries, 1);
		} else {
			for (unsigned ttl = t.heard + 1; ttl <= 30; ttl++)
				assert_int_equal(w->hops[ttl].tries, 3);
		}
		if (l->chain.boxes[0].kind == BOX_FORGE && t.reply < ROUTERS)
			assert_true(w->hops[t.reply].expired); /* it lets the segment go on */
		expect_told_in_order(l, 0, 1, t.reply ? t.reply : 30);
		end(l);
	}
}

/* With loss the interval may be wider, and is nearly always exact; it is never beside the truth. */
static void test_boxes_with_loss(void **state)
{
	unsigned exact[2] = {0, 0}, all[2] = {0, 0};

	(void)state;
	for (unsigned i = 0; i < 10 * WAYS; i++) {
		struct lab *l = begin_way(i % WAYS);
		const struct trace_walk *w = l->walks;
		struct truth t = truth_of(l, &l->chain.boxes[0]);
		bool forged = l->chain.boxes[0].kind == BOX_FORGE;

		l->peer.loss_percent = 20;
		l->peer.rng = 1000 + i;
		run(l);
		if (t.reply) /* no less than the truth: unless all of it was lost */
			assert_true(reply_ttl(w) >= t.reply);
		else
			assert_int_equal(reply_ttl(w), 0);
		if (!forged)
			assert_true(last_heard(w) <= t.heard);
		exact[forged] += reply_ttl(w) == t.reply && last_heard(w) == t.heard;
		all[forged]++;
		end(l);
	}
	print_message("exact: %u of %u, forged %u of %u\n", exact[0], all[0], exact[1], all[1]);
	assert_true(exact[0] * 100 > all[0] * 88 && exact[1] * 100 > all[1] * 88);
}

/* Three RSTs with stepped numbers are one TTL's; so are some that have no number of ours at all,
 * which are asked for one TTL at a time. */
static void test_many_and_numberless_resets(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct lab *l = begin();
		const struct trace_walk *w = l->walks;
		unsigned at = 1 + i % 4;

		l->c.probe = probe_find(i / 4 % 2 ? "ack" : "syn");
		l->chain.boxes[0] = (struct box){
		    .kind = BOX_FORGE, .at = (uint8_t)at, .resets = 3, .numberless = i >= 8};
		run(l);
		assert_int_equal(reply_ttl(w), at + 1);
		assert_int_equal(w->hops[at + 1].reply.fit, i >= 8 ? FIT_TUPLE : FIT_EXACT);
		if (i >= 8) {
			assert_int_equal(w->hops[at + 1].reply.reaction, REACTION_RST_ODD);
			assert_int_equal(w->hops[at + 1].reply.rtt_us, UINT32_MAX);
		}
		assert_int_equal(w->hops[at + 1].resets % 3, 0);
		assert_true(w->hops[at + 1].resets >= 3);
		end(l);
	}
}

/* A forger before an open port: the SYN-ACK of the TTL that gets there is kept beside the RST. */
static void test_forger_before_the_target(void **state)
{
	struct lab *l = begin();
	const struct trace_hop *h = &l->walks[0].hops[ROUTERS + 1];

	(void)state;
	l->chain.boxes[0] = (struct box){.kind = BOX_FORGE, .at = ROUTERS};
	run(l);
	assert_int_equal(reply_ttl(l->walks), ROUTERS + 1);
	assert_true(reaction_is_rst(h->reply.reaction));
	assert_true(h->replied_otherwise);
	assert_int_equal(h->other.reaction, REACTION_SYN_ACK);
	assert_int_equal(h->resets, 1);
	end(l);
}

/* A firewall that changes sequence numbers leaves the IP ID, which tells the TTL as well. */
static void test_quoted_numbers_are_changed(void **state)
{
	struct lab *l = begin();
	const struct trace_walk *w = l->walks;

	(void)state;
	l->chain.seq_add = 0x5eed1234;
	l->chain.silent[3] = true;
	run(l);
	for (unsigned ttl = 1; ttl <= ROUTERS; ttl++) {
		struct addr router = chain_router(&l->chain, ttl, SPORT, ADDR_V4);

		assert_int_equal(w->hops[ttl].expired, ttl != 3);
		if (ttl == 3)
			continue;
		assert_int_equal(w->hops[ttl].expiry.fit, FIT_TUPLE);
		assert_true(addr_equal(&w->hops[ttl].expiry.from, &router));
	}
	assert_int_equal(l->stats.foreign, 0);
	end(l);
}

static void test_late_answers_count(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->chain.boxes[0] = (struct box){.kind = BOX_REJECT, .at = 2, .delay_ns = 700 * MS};
	run(l);
	assert_int_equal(reply_ttl(l->walks), 3);
	assert_int_equal(l->walks[0].hops[3].reply.rtt_us, 702000);
	assert_int_equal(l->walks[0].hops[3].reply.fit, FIT_EXACT);
	end(l);
}

/* --- silence, limits, flows ----------------------------------------------------------------- */

static void test_silent_routers(void **state)
{
	struct lab *l = begin();
	const struct trace_walk *w = l->walks;

	(void)state;
	l->chain.silent[2] = l->chain.silent[5] = true;
	run(l);
	assert_int_equal(reply_ttl(w), ROUTERS + 1);
	for (unsigned ttl = 1; ttl <= ROUTERS; ttl++) {
		bool silent = l->chain.silent[ttl];

		assert_int_equal(w->hops[ttl].expired, !silent);
		assert_int_equal(w->hops[ttl].tries, silent ? 3 : 1);
		assert_true(w->hops[ttl].settled);
	}
	assert_true(w->over);
	assert_int_equal(l->stats.retried, 4);
	expect_told_in_order(l, 0, 1, ROUTERS + 1);
	end(l);
}

static void test_all_silent(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->chain.mute = true;
	memset(l->chain.silent, true, sizeof(l->chain.silent));
	l->c.max_ttl = 20;
	l->c.tries = 2;
	run(l);
	assert_int_equal(l->stats.sent, 40);
	assert_true(l->walks[0].over);
	assert_int_equal(l->walks[0].last, 20);
	expect_told_in_order(l, 0, 1, 20);
	end(l);
}

/* Routers that answer 6 and then one a second are never asked more, and so say all. */
static void test_limit(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->chain.limited = true;
	l->c.flows = 8;
	run(l);
	assert_int_equal(l->chain.n_withheld, 0);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(l->walks[i].flow, i);
		assert_int_equal(l->walks[i].role, WALK_MAIN);
		assert_int_equal(l->walks[i].limited, i >= WALK_BURST);
		assert_int_equal(last_heard(&l->walks[i]), ROUTERS);
		assert_int_equal(reply_ttl(&l->walks[i]), ROUTERS + 1);
		for (unsigned ttl = 1; ttl <= ROUTERS; ttl++)
			assert_int_equal(l->walks[i].hops[ttl].tries, 1);
		expect_told_in_order(l, i, 1, ROUTERS + 1);
	}
	for (unsigned ttl = 1; ttl <= ROUTERS; ttl++)
		assert_int_equal(l->chain.n_expired[ttl], 8);
	end(l);
}

/* Where nobody answers no limit is at work: many flows don't wait for it. */
static void test_flows_and_silence(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->chain.limited = true;
	l->chain.silent[2] = true;
	l->c.flows = 8;
	run(l);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(l->walks[i].hops[2].tries, 3);
		assert_int_equal(reply_ttl(&l->walks[i]), ROUTERS + 1);
	}
	assert_true(l->stats.elapsed_s < 5); /* virtual; held back it would be 18 */
	end(l);
}

/* What reaches the target doesn't expire, and is not held back. */
static void test_flows_to_the_target(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->c.flows = TRACE_FLOWS_MAX;
	l->c.first_ttl = ROUTERS + 1;
	run(l);
	for (unsigned i = 0; i < TRACE_FLOWS_MAX; i++)
		assert_int_equal(reply_ttl(&l->walks[i]), ROUTERS + 1);
	assert_true(l->stats.elapsed_s <
		    0.9); /* virtual; held back it would be more than a second */
	end(l);
}

static void test_ecmp(void **state)
{
	struct lab *l = begin();
	unsigned seen[2] = {0, 0};

	(void)state;
	l->chain.fork = 2;
	l->chain.join = 4;
	l->chain.boxes[0] = (struct box){.kind = BOX_REJECT, .at = 3, .branch = 2};
	l->c.flows = 8;
	run(l);
	for (unsigned i = 0; i < 8; i++) {
		const struct trace_walk *w = &l->walks[i];
		struct addr third = chain_router(&l->chain, 3, w->sport, ADDR_V4);
		bool other = third.b[2] != 0;

		assert_int_equal(w->sport, SPORT + i);
		seen[other]++;
		assert_int_equal(reply_ttl(w), other ? 4 : ROUTERS + 1);
		assert_int_equal(w->hops[reply_ttl(w)].reply.reaction,
				 other ? REACTION_RST_ACK_OF_SEQ : REACTION_SYN_ACK);
		for (unsigned ttl = 1; ttl < reply_ttl(w); ttl++) {
			struct addr router = chain_router(&l->chain, ttl, w->sport, ADDR_V4);

			assert_true(addr_equal(&w->hops[ttl].expiry.from, &router));
		}
	}
	assert_true(seen[0] && seen[1]);
	end(l);
}

static void test_first_ttl(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->c.first_ttl = 4;
	l->c.max_ttl = 5;
	run(l);
	assert_int_equal(l->walks[0].first, 4);
	assert_int_equal(l->walks[0].last, 5);
	assert_int_equal(l->stats.sent, 2);
	assert_int_equal(last_heard(l->walks), 5);
	expect_told_in_order(l, 0, 4, 5);
	end(l);
}

/* --- walks beside --------------------------------------------------------------------------- */

static void test_beside(void **state)
{
	struct lab *l = begin();

	(void)state;
	wants[0] = WANT_OTHER;
	wants[1] = WANT_CANARY;
	l->c.flows = 2;
	l->chain.boxes[0] = (struct box){.kind = BOX_REJECT, .at = 2, .on = ON_SYN};
	run(l);
	assert_int_equal(l->facts.n_walks, 4);
	assert_int_equal(l->walks[2].role, WALK_OTHER);
	assert_ptr_equal(l->walks[2].probe, probe_find("ack"));
	assert_int_equal(l->walks[2].sport, SPORT + 2);
	assert_int_equal(l->walks[2].dport, CHAIN_OPEN);
	assert_int_equal(l->walks[2].first, 3);
	assert_int_equal(reply_ttl(&l->walks[2]), ROUTERS + 1);
	assert_int_equal(l->walks[3].role, WALK_CANARY);
	assert_int_equal(l->walks[3].sport, SPORT + 3);
	assert_true(l->walks[3].dport >= 49152);
	assert_int_equal(reply_ttl(&l->walks[3]), 3);
	assert_true(l->walks[2].over && l->walks[3].over);
	end(l);
}

/* --- within a connection -------------------------------------------------------------------- */

static struct lab *begin_inside(bool with_content)
{
	struct lab *l = begin();

	l->c.inside = true;
	l->c.probe = probe_find("data");
	if (with_content) {
		l->c.data = content;
		l->c.data_len = sizeof(content) - 1;
	}
	peer_kernel(&l->peer);
	return l;
}

/* Nothing is left: neither with us nor with the target, and our kernel was never overtaken. */
static void expect_tidy(const struct lab *l)
{
	assert_int_equal(l->chain.n_ts_ahead, 0);
	assert_int_equal(kernel_handles(l->peer.kernel), 0);
	assert_int_equal(kernel_conns(l->peer.kernel), 0);
	if (!l->peer.loss_percent)
		assert_int_equal(chain_conns(&l->chain), 0);
}

static void test_inside_clean(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct lab *l = begin_inside(false);
		const struct trace_walk *w = &l->walks[1];

		if (i)
			use_ipv6(l);
		run(l);
		assert_int_equal(l->facts.n_walks, 2);
		assert_ptr_equal(l->walks[0].probe, probe_find("syn"));
		assert_int_equal(w->role, WALK_INSIDE);
		assert_int_equal(w->sport, l->walks[0].sport);
		assert_ptr_equal(w->probe, probe_find("data"));
		assert_true(l->facts.inside.wanted && l->facts.inside.connected);
		assert_false(l->facts.inside.content || l->facts.inside.written);
		assert_int_equal(l->facts.inside.reset_ttl, 0);
		assert_int_equal(last_heard(w), ROUTERS);
		assert_int_equal(reply_ttl(w), ROUTERS + 1);
		assert_int_equal(w->hops[ROUTERS + 1].reply.reaction, REACTION_CHALLENGE_ACK);
		assert_int_equal(w->hops[ROUTERS + 1].reply.fit, FIT_EXACT);
		assert_int_equal(w->hops[ROUTERS + 1].reply.rtt_us, (ROUTERS + 1) * 1000);
		assert_true(w->over);
		assert_int_equal(l->chain.n_new_octets, 0);
		assert_int_equal(l->n_told, 2 * (ROUTERS + 1));
		for (size_t k = 0; k < l->n_told; k++)
			assert_int_equal(l->told[k].hop.ttl, 1 + k % (ROUTERS + 1));
		expect_tidy(l);
		end(l);
	}
}

struct kept {
	unsigned syns, syn_acks, acks, rsts, copies;
	uint32_t iss, irs;
	uint64_t last_ns;
};

static void keep(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len)
{
	struct kept *k = ctx;
	struct packet pk;
	const struct segment *g = &pk.seg;

	assert_int_equal(decode_frame(ip, captured, len, LINKTYPE_RAW, &pk), DECODE_OK);
	assert_true(at_ns >= k->last_ns);
	k->last_ns = at_ns;
	if (pk.kind != PACKET_TCP)
		return;
	if (g->sport == CHAIN_OPEN) {
		k->syn_acks += g->flags == (TCP_SYN | TCP_ACK) && g->ack == k->iss + 1;
		k->irs = g->seq;
		return;
	}
	k->syns += g->flags == TCP_SYN;
	k->iss = g->flags == TCP_SYN ? g->seq : k->iss;
	k->acks += g->flags == TCP_ACK && !g->payload_len && g->ttl == 64 && g->ack == k->irs + 1;
	k->rsts += (g->flags & TCP_RST) != 0;
	k->copies += g->payload_len == 1;
}

/* What the capture shows of ours, the kernel's own among it, is kept, and each once. */
static void test_inside_evidence(void **state)
{
	struct lab *l = begin_inside(false);
	struct kept k = {0};

	(void)state;
	l->peer.wire.both_ways = true;
	l->t.evidence = keep;
	l->t.evidence_ctx = &k;
	l->t.frames_only = true;
	run(l);
	assert_int_equal(l->stats.foreign, 0);
	assert_int_equal(reply_ttl(&l->walks[1]), ROUTERS + 1);
	assert_int_equal(k.copies, ROUTERS + 1);
	assert_true(k.syns >= ROUTERS + 2); /* those of the walk, and the kernel's */
	assert_int_equal(k.syn_acks, 1);
	assert_true(k.acks > 0);
	assert_true(k.rsts > 0);
	expect_tidy(l);
	end(l);
}

static void test_inside_service(void **state)
{
	static const enum reaction saw[] = {
	    [SERVICE_TAKES] = REACTION_CHALLENGE_ACK,
	    [SERVICE_ANSWERS] = REACTION_DATA,
	    [SERVICE_RESETS] = REACTION_RST_SEQ_FROM_ACK,
	    [SERVICE_CLOSES] = REACTION_FIN,
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct lab *l = begin_inside(true);
		const struct trace_inside *in = &l->facts.inside;

		l->chain.service = (enum chain_service)i;
		run(l);
		assert_true(in->content && in->connected && in->written);
		assert_int_equal(in->reset_ttl, 0);
		assert_int_equal(last_heard(&l->walks[1]), ROUTERS);
		assert_int_equal(l->walks[1].last, ROUTERS);
		assert_int_equal(l->chain.n_new_octets, sizeof(content) - 1);
		assert_int_equal(in->service.answered_by, 1);
		if (i == SERVICE_RESETS)
			assert_true(reaction_is_rst(in->service.reaction));
		else
			assert_int_equal(in->service.reaction, saw[i]);
		expect_tidy(l);
		end(l);
	}
}

static void test_inside_boxes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * 3 * 2 * ROUTERS; i++) {
		struct lab *l = begin_inside(true);
		const struct trace_inside *in = &l->facts.inside;
		struct box *b = &l->chain.boxes[0];
		bool seen;

		if (i >= 3 * 2 * ROUTERS)
			use_ipv6(l);
		*b = (struct box){.kind = (enum box_kind)(BOX_REJECT + i % 3),
				  .on = ON_MATCH,
				  .ingress = i / 3 % 2,
				  .at = (uint8_t)(1 + i / 6 % ROUTERS)};
		/* the last copy stops one hop short of the target */
		seen = b->kind != BOX_DROP && (b->ingress || b->at < ROUTERS);
		run(l);
		assert_int_equal(reply_ttl(&l->walks[0]), ROUTERS + 1);
		assert_true(in->connected);
		assert_int_equal(in->reset_ttl, seen ? b->at + !b->ingress : 0);
		assert_int_equal(in->confirmed, seen);
		assert_false(in->unstable);
		assert_int_equal(in->written, !seen);
		if (b->kind == BOX_DROP) {
			assert_int_equal(in->service.answered_by, 0);
			assert_int_equal(last_heard(&l->walks[1]), b->ingress ? b->at - 1 : b->at);
		} else if (!seen) {
			assert_true(reaction_is_rst(in->service.reaction) || b->kind == BOX_FORGE);
		}
		if (b->kind != BOX_FORGE || seen)
			assert_int_equal(l->chain.n_new_octets, 0);
		if (b->kind == BOX_FORGE || (b->kind != BOX_DROP && seen))
			expect_tidy(l);
		end(l);
	}
}

static void test_inside_with_loss(void **state)
{
	unsigned right = 0, confirmed = 0, wrong = 0;

	(void)state;
	for (unsigned i = 0; i < 120; i++) {
		struct lab *l = begin_inside(true);
		const struct trace_inside *in = &l->facts.inside;
		unsigned at = 1 + i % (ROUTERS - 1);

		l->peer.loss_percent = 20;
		l->peer.rng = 77 + i;
		l->chain.boxes[0] =
		    (struct box){.kind = BOX_REJECT, .on = ON_MATCH, .at = (uint8_t)at};
		run(l);
		right += in->reset_ttl == at + 1;
		confirmed += in->confirmed;
		wrong += in->confirmed && in->reset_ttl != at + 1;
		assert_true(!in->reset_ttl || in->reset_ttl > at);
		assert_int_equal(kernel_handles(l->peer.kernel), 0);
		end(l);
	}
	print_message("right %u, confirmed %u, wrong %u of 120\n", right, confirmed, wrong);
	assert_true(right > 90 && confirmed > 90 && wrong <= 4);
}

/* What it copies of the very segment that drew it is seen by the numbers kept of that. */
static void test_forger_that_copies(void **state)
{
	const uint32_t both = SIGN_IP_ID_ECHO | SIGN_WIN_ECHO;

	(void)state;
	for (int inside = 0; inside <= 1; inside++) {
		struct lab *l = inside ? begin_inside(true) : begin();
		const struct trace_walk *w = &l->walks[inside];

		l->chain.boxes[0] = (struct box){
		    .kind = BOX_FORGE, .on = inside ? ON_MATCH : ON_ALL, .at = 2, .copies = true};
		run(l);
		assert_int_equal(reply_ttl(w), 3);
		assert_int_equal(origin_signs_of_echo(&w->hops[3].reply), both);
		end(l);
	}
}

/* A box that is slow: its RST comes when the next TTL has been asked already, and is taken for that
 * one's until a round that waits for each TTL shows better. */
static void test_inside_slow_forger(void **state)
{
	const struct trace_hop *hops;
	struct lab *l = begin_inside(true);

	(void)state;
	l->chain.boxes[0] =
	    (struct box){.kind = BOX_FORGE, .on = ON_MATCH, .at = 2, .delay_ns = 26 * MS};
	run(l);
	assert_int_equal(l->facts.inside.reset_ttl, 3);
	assert_true(l->facts.inside.confirmed);
	assert_false(l->facts.inside.unstable);
	hops = l->walks[1].hops;
	assert_true(hops[3].replied && exchange_is_rst(&hops[3].reply));
	assert_true(hops[3].expired && !hops[4].replied);
	end(l);
}

/* The same behind the last copy, where no round follows: the target has not said it. */
static void test_inside_slow_forger_next_to_the_target(void **state)
{
	struct lab *l = begin_inside(true);

	(void)state;
	l->chain.boxes[0] = (struct box){
	    .kind = BOX_FORGE, .on = ON_MATCH, .at = ROUTERS - 1, .delay_ns = 100 * MS};
	run(l);
	assert_int_equal(l->facts.inside.reset_ttl, ROUTERS);
	assert_true(l->facts.inside.confirmed);
	assert_false(l->facts.inside.written);
	end(l);
}

/* What resets the last ACK of the handshake has nothing to do with the TTL of a copy. */
static void test_inside_no_connection(void **state)
{
	struct lab *l = begin_inside(false);

	(void)state;
	l->chain.boxes[0] = (struct box){.kind = BOX_REJECT, .on = ON_ACK, .at = 2};
	run(l);
	assert_int_equal(reply_ttl(&l->walks[0]), ROUTERS + 1);
	assert_false(l->facts.inside.connected);
	assert_int_equal(l->facts.inside.reset_ttl, 0);
	assert_int_equal(kernel_handles(l->peer.kernel), 0);
	end(l);
}

static void test_inside_needs_an_open_port(void **state)
{
	struct lab *l = begin_inside(true);

	(void)state;
	l->c.dport = CLOSED;
	run(l);
	assert_int_equal(l->facts.n_walks, 1);
	assert_true(l->facts.inside.wanted);
	assert_false(l->facts.inside.connected);
	assert_true(l->walks[0].over);
	end(l);
}

/* --- the ends of a run ---------------------------------------------------------------------- */

static void test_stop_and_link(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct lab *l = begin();

		l->chain.mute = true;
		l->c.flows = 2;
		if (i)
			l->peer.down_at_ns = l->peer.now_ns + 800 * MS;
		else
			l->peer.stop_at_ns = l->peer.now_ns + 800 * MS;
		run(l);
		assert_int_equal(l->stats.end, i ? END_LINK : END_INTERRUPTED);
		assert_true(l->facts.stopped);
		assert_false(l->walks[0].over || l->walks[1].over);
		assert_int_equal(last_heard(l->walks), ROUTERS);
		end(l);
	}
}

static void test_nothing_leaves(void **state)
{
	struct lab *l = begin();

	(void)state;
	l->peer.send_error = 1;
	run(l);
	assert_int_equal(l->stats.end, END_SEND);
	assert_true(l->facts.stopped);
	assert_false(l->walks[0].over);
	assert_int_equal(l->walks[0].hops[1].tries, 0);
	end(l);
}

/* At whatever moment it is told to stop, nothing is left. */
static void test_stop_inside(void **state)
{
	unsigned stopped = 0, connected = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct lab *l = begin_inside(true);

		l->chain.boxes[0] = (struct box){.kind = BOX_REJECT, .on = ON_MATCH, .at = 3};
		l->peer.stop_at_ns = l->peer.now_ns + (1 + i * 40) * MS;
		run(l);
		stopped += l->facts.stopped;
		connected += l->facts.stopped && l->facts.n_walks == 2;
		assert_int_equal(kernel_handles(l->peer.kernel), 0);
		if (l->facts.n_walks == 2 && l->facts.stopped && !l->facts.inside.reset_ttl)
			assert_false(l->walks[1].over);
		end(l);
	}
	assert_true(stopped > 10 && connected > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_half_open_is_not_closed),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_boxes),
	    cmocka_unit_test(test_boxes_with_loss),
	    cmocka_unit_test(test_many_and_numberless_resets),
	    cmocka_unit_test(test_forger_that_copies),
	    cmocka_unit_test(test_forger_before_the_target),
	    cmocka_unit_test(test_quoted_numbers_are_changed),
	    cmocka_unit_test(test_late_answers_count),
	    cmocka_unit_test(test_silent_routers),
	    cmocka_unit_test(test_all_silent),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_flows_and_silence),
	    cmocka_unit_test(test_flows_to_the_target),
	    cmocka_unit_test(test_ecmp),
	    cmocka_unit_test(test_first_ttl),
	    cmocka_unit_test(test_beside),
	    cmocka_unit_test(test_inside_clean),
	    cmocka_unit_test(test_inside_evidence),
	    cmocka_unit_test(test_inside_service),
	    cmocka_unit_test(test_inside_boxes),
	    cmocka_unit_test(test_inside_with_loss),
	    cmocka_unit_test(test_inside_slow_forger),
	    cmocka_unit_test(test_inside_slow_forger_next_to_the_target),
	    cmocka_unit_test(test_inside_no_connection),
	    cmocka_unit_test(test_inside_needs_an_open_port),
	    cmocka_unit_test(test_stop_and_link),
	    cmocka_unit_test(test_nothing_leaves),
	    cmocka_unit_test(test_stop_inside),
	};

	return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
