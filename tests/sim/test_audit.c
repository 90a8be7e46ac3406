/* test_audit: whole audits against scripted peers in virtual time: which sweeps a policy needs,
 * what is asked again and from where, and what each check comes to. */
#include "unit/unit.h"

#include <string.h>

#include "engine/audit.h"
#include "sim/peer.h"

enum { CHECKS_MAX = 4096, TODAY = 20000 };

struct check {
	char addr[40], from[ADDR_TEXT], why[80];
	uint16_t port;
	unsigned line;
	enum check_outcome outcome;
	enum port_state state;
	struct measure seen;
	uint32_t count;
	size_t n_spans;
	enum reset_style style;
};

struct trial {
	struct policy policy;
	struct targets targets;
	struct ports *ports;
	struct space space;
	struct audit_config c;
	struct peer peer;
	struct check *checks;
	size_t n;
	struct audit_counts counts;
	struct summary_record sum;
	unsigned notes;
};

static void keep_check(void *ctx, const struct check_record *r)
{
	struct trial *t = ctx;
	struct check *c = &t->checks[t->n++];
	char buf[ADDR_TEXT] = "";

	assert_true(t->n < CHECKS_MAX);
	*c = (struct check){
	    .port = r->port,
	    .line = r->line,
	    .outcome = r->outcome,
	    .state = r->seen ? (enum port_state)r->seen->state : STATE_NOT_PROBED,
	    .count = r->count,
	    .n_spans = r->n_spans,
	    .style = r->style,
	};
	if (r->seen)
		c->seen = *r->seen;
	if (r->from)
		addr_format(r->from, c->from);
	snprintf(c->why, sizeof(c->why), "%s", r->why ? r->why : "");
	snprintf(c->addr, sizeof(c->addr), "%s", r->addr ? addr_format(r->addr, buf) : r->name);
}

static void keep_note(void *ctx, const char *text)
{
	(void)text;
	((struct trial *)ctx)->notes++;
}

static void complain(void *ctx, const struct err *e)
{
	(void)ctx;
	fail_msg("%s", e->msg);
}

/* Nobody knows a name here. */
static int resolve(void *ctx, const char *name, struct addr *out, size_t max, struct err *e)
{
	(void)ctx;
	(void)out;
	(void)max;
	err_set(e, "%s: no such name", name);
	return TARGET_UNKNOWN;
}

static int piece(void *ctx, const struct addr *first, uint64_t count, uint64_t *run, uint16_t *path,
		 struct err *e)
{
	(void)ctx;
	(void)e;
	*run = count;
	*path = first->family == ADDR_V6;
	return 0;
}

static void trial_init(struct trial *t, const char *text, peer_fn *fn)
{
	static const struct policy_help help = {.targets = {.resolve = resolve}, .fail = complain};
	struct err e;

	memset(t, 0, sizeof(*t));
	t->checks = calloc(CHECKS_MAX, sizeof(*t->checks));
	policy_init(&t->policy);
	assert_int_equal(policy_read(&t->policy, "p", text, &help), 0);
	assert_int_equal(policy_settle(&t->policy, &help), 0);
	targets_init(&t->targets);
	assert_int_equal(audit_targets(&t->policy, TODAY, &t->targets, &e), 0);
	t->ports = ports_default();
	assert_int_equal(space_build(&t->space, &t->targets, t->ports, NULL, &e), 0);
	t->c = (struct audit_config){
	    .policy = &t->policy,
	    .today = TODAY,
	    .space = &t->space,
	    .retry_failed = 1,
	    .sweep = {.seed = 7,
		      .sport_first = 40000,
		      .retries = RETRIES_AUTO,
		      .rto_max_ns = 1000000000,
		      .wish = {.layout = SYN_LAYOUT_LINUX}},
	};
	memcpy(t->c.sweep.key, "0123456789abcdef", 16);
	peer_init(&t->peer, fn, t);
	t->peer.path[1] = t->peer.path[0];
	t->peer.path[1].src =
	    (struct addr){.family = ADDR_V6, .b = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
	t->peer.wire.n_paths = 2;
	assert_int_equal(space_route(&t->space, piece, NULL, &e), 0);
}

static void trial_run(struct trial *t)
{
	struct record_sink sink = {.ctx = t, .check = keep_check, .note = keep_note};
	struct err e;

	assert_int_equal(audit_run(&t->c, &t->peer.wire, &sink, &t->counts, &t->sum, &e), 0);
	assert_int_equal(t->counts.checks, t->counts.outcomes[CHECK_PASSED] +
					       t->counts.outcomes[CHECK_FAILED] +
					       t->counts.outcomes[CHECK_UNDECIDED]);
}

static void trial_free(struct trial *t)
{
	peer_free(&t->peer);
	space_free(&t->space);
	ports_free(t->ports);
	targets_free(&t->targets);
	policy_free(&t->policy);
	free(t->checks);
}

static const struct check *check_of(const struct trial *t, const char *addr, uint16_t port,
				    unsigned line)
{
	const struct check *found = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct check *c = &t->checks[i];

		if (strcmp(c->addr, addr) == 0 && c->port == port && (!line || c->line == line)) {
			assert_null(found);
			found = c;
		}
	}
	if (!found)
		fail_msg("no check of %s port %u line %u", addr, port, line);
	return found;
}

/* --- peers ------------------------------------------------------------------------------------ */

/* 80 and 443 listen, 25 is dropped, the rest closed. */
static void web(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport != 25)
		peer_rfc(probe, probe->seg.dport == 80 || probe->seg.dport == 443, out);
}

/* A stealth firewall: closed ports are silent, stray segments to the open one are reset. */
static void stealthy(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	if (probe->seg.dport == 80)
		peer_rfc(probe, true, out);
}

/* As web, but the filter before it lets no stray ACK through. */
static void strict(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	if (!(probe->seg.flags & TCP_ACK))
		web(p, probe, out);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_all_holds(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t,
		   "group w 192.0.2.7 2001:db8::7\nw: 80,443 open within 100ms\n"
		   "w: 25 silent\nw: 22 closed or blocked\nw: listen-rst on 443\nw: style rst\n",
		   web);
	trial_run(&t);
	assert_int_equal(t.n, 2 * 6);
	assert_int_equal(t.counts.outcomes[CHECK_PASSED], 12);
	assert_true(t.sum.complete);
	assert_int_equal(t.counts.hosts, 2);
	assert_int_equal(t.counts.lines, 5);
	/* what held was not asked twice */
	assert_int_equal(check_of(&t, "192.0.2.7", 80, 2)->seen.probings, 1);
	assert_int_equal(check_of(&t, "192.0.2.7", 443, 5)->seen.stray, REACTION_RST_SEQ_FROM_ACK);
	trial_free(&t);
}

/* In the order of lines, addresses, ports. */
static void test_order(void **state)
{
	static const struct {
		unsigned line;
		const char *addr;
		uint16_t port;
	} order[] = {{2, "192.0.2.7", 22}, {2, "192.0.2.7", 80}, {2, "192.0.2.9", 22},
		     {2, "192.0.2.9", 80}, {3, "192.0.2.7", 21}, {3, "192.0.2.9", 21}};
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.9 192.0.2.7\nw: 80,22 closed\nw: 21 closed\n", web);
	trial_run(&t);
	assert_int_equal(t.n, sizeof(order) / sizeof(order[0]));
	for (size_t i = 0; i < t.n; i++) {
		assert_int_equal(t.checks[i].line, order[i].line);
		assert_string_equal(t.checks[i].addr, order[i].addr);
		assert_int_equal(t.checks[i].port, order[i].port);
	}
	trial_free(&t);
}

/* Source ports of the probes to a port, each once. */
static unsigned distinct_sports(const struct trial *t, uint16_t dport)
{
	uint8_t seen[65536 / 8] = {0};
	unsigned n = 0;

	for (uint64_t i = 0; i < t->peer.n_sent; i++) {
		uint16_t sport = t->peer.sent[i].sport;

		if (t->peer.sent[i].dport != dport || seen[sport / 8] & 1U << sport % 8)
			continue;
		seen[sport / 8] |= (uint8_t)(1U << sport % 8);
		n++;
	}
	return n;
}

static void test_failure_is_confirmed(void **state)
{
	(void)state;
	for (unsigned retries = 0; retries < 4; retries++) {
		struct trial t;
		const struct check *c;

		trial_init(&t, "group w 192.0.2.7\nw: 80 closed critical\nw: 443 open\n", web);
		t.c.retry_failed = retries;
		trial_run(&t);
		c = check_of(&t, "192.0.2.7", 80, 0);
		assert_int_equal(c->outcome, CHECK_FAILED);
		assert_int_equal(c->state, STATE_OPEN);
		assert_int_equal(c->seen.probings, retries + 1);
		assert_int_equal(!!(c->seen.bits & MEASURE_CONFIRMED), retries > 0);
		assert_int_equal(t.counts.failed[LEVEL_CRITICAL], 1);
		assert_int_equal(t.counts.confirmed, retries > 0);
		assert_int_equal(distinct_sports(&t, 80), retries + 1);
		assert_int_equal(distinct_sports(&t, 443), 1);
		assert_true(t.peer.sent[t.peer.n_sent - 1].sport < 40000 + audit_sports(&t.c));
		trial_free(&t);
	}
}

/* Deaf to the first probes to port 80, whatever their number. */
static void deaf_at_first(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	if (probe->seg.dport != 80 || p->now_ns > UINT64_C(2600000000))
		web(p, probe, out);
}

static void test_answer_outweighs_silence(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: 80 open\nw: 443 open\n", deaf_at_first);
	t.c.sweep.retries = 0;
	t.peer.now_ns = UINT64_C(2500000000);
	trial_run(&t);
	assert_int_equal(check_of(&t, "192.0.2.7", 80, 0)->outcome, CHECK_PASSED);
	assert_int_equal(check_of(&t, "192.0.2.7", 80, 0)->seen.probings, 2);
	trial_free(&t);
}

/* Open, and closed when it is asked again: nobody knows which. */
static void fickle(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	peer_rfc(probe, p->n_sent == 1, out);
}

static void test_two_faces(void **state)
{
	struct trial t;
	const struct check *c;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: 80 closed\n", fickle);
	trial_run(&t);
	c = check_of(&t, "192.0.2.7", 80, 0);
	assert_int_equal(c->outcome, CHECK_UNDECIDED);
	assert_true(c->seen.bits & MEASURE_DIFFERS);
	trial_free(&t);
}

static void test_listen_rst_swallowed(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: listen-rst on 80,22\n", strict);
	trial_run(&t);
	assert_int_equal(check_of(&t, "192.0.2.7", 80, 0)->outcome, CHECK_FAILED);
	assert_int_equal(check_of(&t, "192.0.2.7", 80, 0)->state, STATE_OPEN);
	assert_int_equal(check_of(&t, "192.0.2.7", 22, 0)->outcome, CHECK_FAILED);
	assert_int_equal(check_of(&t, "192.0.2.7", 22, 0)->state, STATE_CLOSED);
	trial_free(&t);
}

static void test_styles(void **state)
{
	struct trial t;

	(void)state;
	trial_init(
	    &t, "group w 192.0.2.7\ngroup v 192.0.2.7\nw: style silent\nv: style rst or filtered\n",
	    stealthy);
	trial_run(&t);
	assert_int_equal(t.checks[0].outcome, CHECK_PASSED);
	assert_int_equal(t.checks[0].style, STYLE_SILENT);
	assert_int_equal(t.checks[1].outcome, CHECK_FAILED);
	assert_int_equal(t.checks[1].port, 0);
	trial_free(&t);
}

/* Closed ports are reset, and kept silent about when they are asked again. */
static void turning_stealthy(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	const struct trial *t = p->ctx;
	unsigned retries = t->c.sweep.retries;
	unsigned first = sweep_sports(1, retries, false) + sweep_sports(2, retries, false);

	if (probe->seg.sport < 40000 + first || probe->seg.dport == 80)
		peer_rfc(probe, probe->seg.dport == 80, out);
}

static void test_styles_of_two_faces(void **state)
{
	static const struct {
		const char *style;
		enum check_outcome outcome;
	} rows[] = {{"silent", CHECK_UNDECIDED}, {"proxied", CHECK_FAILED}, {"rst", CHECK_PASSED}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct trial t;
		char text[80];

		sprintf(text, "group w 192.0.2.7\nw: 80 open\nw: style %s\n", rows[i].style);
		trial_init(&t, text, turning_stealthy);
		trial_run(&t);
		assert_int_equal(t.checks[1].outcome, rows[i].outcome);
		trial_free(&t);
	}
}

static void test_else(void **state)
{
	struct trial t;
	unsigned closed = 0;

	(void)state;
	trial_init(&t,
		   "group w 192.0.2.7\ngroup all 192.0.2.7-192.0.2.8\nw: 80 open\n"
		   "w: else 70-90 closed\nall: else 443,80 not-open\n",
		   web);
	trial_run(&t);
	for (size_t i = 0; i < t.n; i++)
		closed += t.checks[i].line == 4;
	assert_int_equal(closed, 20); /* 80 has a line of its own */
	assert_int_equal(check_of(&t, "192.0.2.7", 443, 5)->outcome, CHECK_FAILED);
	assert_int_equal(check_of(&t, "192.0.2.8", 80, 5)->outcome, CHECK_FAILED);
	assert_int_equal(t.counts.outcomes[CHECK_FAILED], 3);
	assert_int_equal(t.n, 1 + 20 + 3);
	trial_free(&t);
}

/* More than a hundred alike are one record, and counted each. */
static void test_many_alike(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: else 1-1000 closed\n", web);
	trial_run(&t);
	assert_int_equal(t.counts.checks, 1000);
	assert_int_equal(t.n, 4); /* 25, 80, 443, and the closed ones */
	assert_int_equal(t.checks[3].count, 997);
	assert_int_equal(t.checks[3].n_spans, 4);
	assert_int_equal(t.checks[3].outcome, CHECK_PASSED);
	assert_int_equal(t.counts.outcomes[CHECK_FAILED], 3);
	trial_free(&t);
}

static void test_dates(void **state)
{
	char text[200], day[12];
	struct trial t;

	(void)state;
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof(text),
			 "group w 192.0.2.7\nw: 80 open until %s\nw: else 80,81 closed\n",
			 day_text(TODAY - over, day));
		trial_init(&t, text, web);
		trial_run(&t);
		assert_int_equal(check_of(&t, "192.0.2.7", 80, 0)->line, over ? 3 : 2);
		assert_int_equal(t.counts.outcomes[CHECK_FAILED], over);
		assert_int_equal(t.counts.expired, over);
		trial_free(&t);
	}
}

/* A line with `until` stands in for the one that it contradicts, as long as it is in force. */
static void test_exceptions(void **state)
{
	char text[200], day[12];
	struct trial t;

	(void)state;
	for (int over = 0; over < 2; over++) {
		day_text(TODAY - over, day);
		snprintf(text, sizeof(text),
			 "group w 192.0.2.7\nw: 80,81 closed\nw: 80 open until %s\n"
			 "w: style proxied\nw: style rst until %s\n",
			 day, day);
		trial_init(&t, text, web);
		trial_run(&t);
		assert_int_equal(check_of(&t, "192.0.2.7", 80, 0)->line, over ? 2 : 3);
		assert_int_equal(check_of(&t, "192.0.2.7", 81, 0)->line, 2);
		assert_int_equal(t.counts.checks, 3);
		assert_int_equal(t.counts.outcomes[CHECK_FAILED], over ? 2 : 0);
		assert_int_equal(t.counts.expired, over ? 2 : 0);
		trial_free(&t);
	}
}

/* Every check is right under loss, or undecided; none is wrong. */
static void test_loss(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct trial t;

		trial_init(&t,
			   "group w 192.0.2.1-192.0.2.20\nw: 80,443 open\nw: 25 silent\n"
			   "w: 22,23 closed\nw: listen-rst on 80\nw: style rst\n",
			   web);
		t.peer.loss_percent = 15;
		t.peer.rng = seed;
		trial_run(&t);
		assert_int_equal(t.counts.outcomes[CHECK_FAILED], 0);
		assert_true(t.counts.outcomes[CHECK_PASSED] >= 20 * 7 - 1);
		trial_free(&t);
	}
}

static void test_link_down(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: else 1-2000 not-open\nw: style rst\n", web);
	t.c.sweep.rate = 500;
	t.peer.down_at_ns = UINT64_C(2000000000);
	trial_run(&t);
	assert_false(t.sum.complete);
	assert_true(t.counts.outcomes[CHECK_UNDECIDED] > 500);
	assert_int_equal(t.counts.outcomes[CHECK_PASSED], 0);
	for (size_t i = 0; i < t.n; i++)
		if (t.checks[i].state == STATE_NOT_PROBED ||
		    t.checks[i].state == STATE_INDETERMINATE)
			assert_int_equal(t.checks[i].port || t.checks[i].count ? t.checks[i].outcome
									       : CHECK_UNDECIDED,
					 CHECK_UNDECIDED);
	trial_free(&t);
}

static void test_deadline(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: else 1-2000 not-open\n", web);
	t.c.sweep.rate = 500;
	t.c.sweep.deadline_ns = UINT64_C(1000000000);
	trial_run(&t);
	assert_false(t.sum.complete);
	assert_int_equal(t.sum.end, END_DEADLINE);
	assert_true(t.counts.outcomes[CHECK_UNDECIDED] > 500);
	trial_free(&t);
}

/* Its checks are there and undecided, as many as one address would have had: a name that is gone
 * must not make an audit pass. How many there are is known before anything is asked. */
static void test_missing_name(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t,
		   "group w shop.example 192.0.2.7\nw: 80 open\nw: 25,26 blocked or closed\n"
		   "w: style rst\n",
		   web);
	assert_int_equal(audit_checks(&t.policy, TODAY, &t.space), 4 + 3);
	assert_true(audit_checks_at_most(&t.policy, TODAY) >= 4);
	trial_run(&t);
	assert_int_equal(t.counts.checks, 4 + 3);
	assert_int_equal(t.counts.outcomes[CHECK_PASSED], 4);
	assert_int_equal(t.counts.outcomes[CHECK_UNDECIDED], 3);
	assert_int_equal(check_of(&t, "shop.example", 80, 2)->outcome, CHECK_UNDECIDED);
	assert_non_null(strstr(check_of(&t, "shop.example", 80, 2)->why, "no such name"));
	trial_free(&t);
}

/* Lines that are over count for nothing, and too many are told before they are laid out. */
static void test_checks_at_most(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t,
		   "group w 192.0.2.0/28\nw: 1-100 not-open\nw: style rst\n"
		   "w: 1-1000 closed until 2000-01-01\n",
		   web);
	assert_int_equal(audit_checks_at_most(&t.policy, TODAY), 16 * 101);
	assert_int_equal(audit_checks(&t.policy, TODAY, &t.space), 16 * 101);
	trial_free(&t);
	trial_init(&t, "group w 192.0.2.0/28\nw: 1-100 not-open\n", web);
	t.policy.groups[0].targets.v[0].first = addr_v4(0, 0, 0, 0);
	t.policy.groups[0].targets.v[0].last = addr_v4(255, 255, 255, 255);
	assert_true(audit_checks_at_most(&t.policy, TODAY) == UINT64_MAX);
	trial_free(&t);
}

/* A router says so for the host behind it: each of two has its own name in the check. */
static void by_routers(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	if (probe->seg.dport == 80) {
		peer_rfc(probe, true, out);
		return;
	}
	(void)p;
	out->icmp = true;
	out->icmp_type = 3;
	out->icmp_code = 13;
	out->icmp_from = addr_v4(203, 0, 113, probe->seg.dport == 22 ? 1 : 2);
}

static void test_who_rejects(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: 80 open\nw: 22-25 rejected\n", by_routers);
	trial_run(&t);
	assert_int_equal(t.counts.outcomes[CHECK_PASSED], 5);
	assert_string_equal(check_of(&t, "192.0.2.7", 80, 2)->from, "");
	assert_string_equal(check_of(&t, "192.0.2.7", 22, 3)->from, "203.0.113.1");
	assert_string_equal(check_of(&t, "192.0.2.7", 23, 3)->from, "203.0.113.2");
	assert_string_equal(check_of(&t, "192.0.2.7", 25, 3)->from, "203.0.113.2");
	trial_free(&t);
}

/* A router calls the host unreachable: nothing is open there, and no more is known. */
static void gone(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	(void)p;
	(void)probe;
	out->icmp = true;
	out->icmp_type = 3;
	out->icmp_code = 1;
	out->icmp_from = addr_v4(203, 0, 113, 1);
}

static void test_host_is_gone(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.7\nw: 80 open\nw: 22 closed\nw: 23 blocked\n", gone);
	trial_run(&t);
	assert_int_equal(check_of(&t, "192.0.2.7", 80, 2)->outcome, CHECK_FAILED);
	assert_true(check_of(&t, "192.0.2.7", 80, 2)->seen.bits & MEASURE_GONE);
	/* and again, when it was asked a second time */
	assert_true(check_of(&t, "192.0.2.7", 80, 2)->seen.bits & MEASURE_CONFIRMED);
	assert_int_equal(check_of(&t, "192.0.2.7", 22, 3)->outcome, CHECK_UNDECIDED);
	assert_int_equal(check_of(&t, "192.0.2.7", 23, 4)->outcome, CHECK_UNDECIDED);
	trial_free(&t);
}

/* A router that rejects the first few and no more: where a rejection was wanted, silence may be its
 * limit; where silence was wanted it is silence. */
static void rejects_few(struct peer *p, const struct packet *probe, struct peer_answer *out)
{
	if (probe->seg.dport == 80)
		peer_rfc(probe, true, out);
	else if (probe->seg.dport <= 30)
		by_routers(p, probe, out);
}

static void test_rationed_rejections(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t,
		   "group w 192.0.2.7\nw: 80 open\nw: 21-30 rejected\nw: 31 rejected\n"
		   "w: 32 silent\nw: 33 closed\n",
		   rejects_few);
	trial_run(&t);
	assert_int_equal(check_of(&t, "192.0.2.7", 25, 3)->outcome, CHECK_PASSED);
	assert_int_equal(check_of(&t, "192.0.2.7", 31, 4)->outcome, CHECK_UNDECIDED);
	assert_true(check_of(&t, "192.0.2.7", 31, 4)->seen.bits & MEASURE_RATIONED);
	assert_int_equal(check_of(&t, "192.0.2.7", 32, 5)->outcome, CHECK_PASSED);
	assert_int_equal(check_of(&t, "192.0.2.7", 33, 6)->outcome, CHECK_FAILED);
	assert_true(t.notes > 0); /* and who reads the result is told */
	trial_free(&t);
}

/* Groups whose addresses lie over each other: each address is asked and told once a line. */
static void test_targets_overlap(void **state)
{
	struct trial t;

	(void)state;
	trial_init(&t, "group w 192.0.2.4/30 192.0.2.6-192.0.2.9 192.0.2.7\nw: 80 open\n", web);
	trial_run(&t);
	assert_int_equal(t.n, 6);
	for (unsigned i = 4; i <= 9; i++) {
		char addr[20];

		snprintf(addr, sizeof(addr), "192.0.2.%u", i);
		assert_int_equal(check_of(&t, addr, 80, 2)->outcome, CHECK_PASSED);
	}
	trial_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_holds),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_failure_is_confirmed),
	    cmocka_unit_test(test_answer_outweighs_silence),
	    cmocka_unit_test(test_two_faces),
	    cmocka_unit_test(test_listen_rst_swallowed),
	    cmocka_unit_test(test_styles),
	    cmocka_unit_test(test_styles_of_two_faces),
	    cmocka_unit_test(test_else),
	    cmocka_unit_test(test_many_alike),
	    cmocka_unit_test(test_dates),
	    cmocka_unit_test(test_exceptions),
	    cmocka_unit_test(test_loss),
	    cmocka_unit_test(test_link_down),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_missing_name),
	    cmocka_unit_test(test_checks_at_most),
	    cmocka_unit_test(test_who_rejects),
	    cmocka_unit_test(test_host_is_gone),
	    cmocka_unit_test(test_rationed_rejections),
	    cmocka_unit_test(test_targets_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
