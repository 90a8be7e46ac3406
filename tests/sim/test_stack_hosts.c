/*
 * test_stack_hosts: every variant of stacks.conf is interrogated in virtual time and judged, and
 * the judgement compared with what the file says is right. It proves the code, not the rules: the
 * fake hosts are made of the same facts.
 */
#include "unit/unit.h"

#include "engine/interrogate.h"
#include "fake/stackfile.h"
#include "fake/stackhost.h"
#include "judge/stack.h"
#include "sim/kernel.h"
#include "sim/peer.h"

enum { SPORT = 40000, OPEN = 80, SECONDS_MAX = 10 };

struct scene {
	struct peer peer;
	struct stackhost *host;
	struct fake_variant variant;
	struct interrogation *ask;
	struct turns_stats stats;
	struct stack_verdict verdict;
};

/* --- the network ------------------------------------------------------------------------------ */

static void copy_out(struct peer_answer *to, const struct stackhost_out *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!out[i].icmp) {
			peer_put(to, &out[i].seg, out[i].delay_ns);
			continue;
		}
		to->icmp = true;
		to->icmp_type = out[i].icmp_type;
		to->icmp_code = out[i].icmp_code;
		to->icmp_ttl = out[i].icmp_ttl;
		to->icmp_from = out[i].icmp_from;
	}
}

static void host_answers(struct peer *p, const struct packet *probe, struct peer_answer *to)
{
	struct scene *w = p->ctx;
	struct stackhost_out out[FAKE_OUT];

	copy_out(to, out, stackhost_take(w->host, probe, p->now_ns, out));
}

static uint64_t host_wake(struct peer *p)
{
	return stackhost_wake(((struct scene *)p->ctx)->host);
}

static void host_tick(struct peer *p, struct peer_answer *to)
{
	struct scene *w = p->ctx;
	struct stackhost_out out[FAKE_OUT];

	copy_out(to, out, stackhost_tick(w->host, p->now_ns, out));
}

static struct addr address(uint8_t family, uint8_t last)
{
	if (family == ADDR_V4)
		return addr_v4(192, 0, 2, last);
	return (struct addr){ADDR_V6, {0x20, 0x01, 0x0d, 0xb8, [15] = last}, 0};
}

static void scene_begin(struct scene *w, const struct fake_variant *v, uint64_t seed)
{
	static const uint16_t candidates[] = {443, 22, OPEN, 8080, 25, 21, 445, 3389};
	struct stackhost_config c = {.stack = v->stack,
				     .env = v->env,
				     .addr = address(v->family, 7),
				     .open = {OPEN},
				     .n_open = 1,
				     .seed = seed};
	struct interrogate_config ic = {.family = v->family,
					.candidates = candidates,
					.n_candidates = sizeof(candidates) / sizeof(candidates[0]),
					.seed = seed};

	memset(w, 0, sizeof(*w));
	w->variant = *v;
	w->host = stackhost_new(&c);
	w->ask = interrogate_new(&ic);
	assert_non_null(w->host);
	assert_non_null(w->ask);
	peer_init(&w->peer, host_answers, w);
	peer_kernel(&w->peer);
	w->peer.wake = host_wake;
	w->peer.tick = host_tick;
	w->peer.path[0].src = address(v->family, 1);
	w->peer.wire.quiet_first = SPORT + SCRIPT_SPORTS;
	w->peer.wire.n_quiet = SCRIPT_QUIET;
	w->peer.wire.quiet_ttl255 = true;
}

static void scene_run(struct scene *w, uint64_t seed)
{
	struct script_host host = {.addr = address(w->variant.family, 7), .ctx = w->ask};
	struct script_config c = {.program = &interrogate_program,
				  .hosts = &host,
				  .n_hosts = 1,
				  .sport_first = SPORT,
				  .seed = seed,
				  .conns_max = 64};
	struct err e = {0};

	if (script_run(&c, &w->peer.wire, &w->stats, &e) < 0)
		fail_msg("%s", e.msg);
	stack_judge(interrogate_facts(w->ask), &w->verdict);
}

static void scene_end(struct scene *w)
{
	interrogate_free(w->ask);
	stackhost_free(w->host);
	peer_free(&w->peer);
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool confident_enough(const char *words, enum confidence c)
{
	if (!words[0])
		return true;
	for (int k = 0; k <= (int)c; k++)
		if (fake_word(words, confidence_name((enum confidence)k)))
			return true;
	return false;
}

static bool one_of(const char *words, const char *word)
{
	return !words[0] || fake_word(words, word);
}

static void explain(const struct scene *w)
{
	const struct stack_verdict *v = &w->verdict;

	print_message("    sums");
	for (int f = FAMILY_LINUX; f < FAMILIES; f++)
		print_message(" %s %d", family_name((enum stack_family)f), v->sum[f]);
	print_message("; by");
	for (size_t i = 0; i < v->n_evidence; i++)
		print_message(" %s=%s", v->evidence[i].what, v->evidence[i].value);
	print_message("; %u packets, %.1f s, end %d%s\n", (unsigned)w->stats.sent,
		      w->stats.elapsed_s, (int)interrogate_end(w->ask),
		      interrogate_facts(w->ask)->stopped ? ", stopped" : "");
}

/* Counts and prints what is not as the file says. */
static unsigned compare(const struct scene *w)
{
	const struct fake_expect *x = &w->variant.expect;
	const struct stack_verdict *v = &w->verdict;
	const struct {
		const char *what, *want, *got;
		bool ok;
	} rows[] = {
	    {"style", x->style, style_name(v->style), one_of(x->style, style_name(v->style))},
	    {"family", x->family, family_name(v->family),
	     one_of(x->family, family_name(v->family))},
	    {"confidence", x->confidence, confidence_name(v->confidence),
	     confident_enough(x->confidence, v->confidence)},
	    {"firewall", x->firewall, firewall_name(v->firewall),
	     one_of(x->firewall, firewall_name(v->firewall))},
	};
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].ok)
			continue;
		print_message("%s: %s is %s, not %s\n", w->variant.name, rows[i].what, rows[i].got,
			      rows[i].want);
		wrong++;
	}
	if (wrong)
		explain(w);
	return wrong;
}

static void test_variants(void **state)
{
	struct stackfile *f = *state;
	unsigned bad = 0;

	for (size_t i = 0; i < f->n_variants; i++) {
		struct scene w;

		scene_begin(&w, &f->variants[i], i + 1);
		scene_run(&w, 1000 + i);
		bad += compare(&w) > 0;
		scene_end(&w);
	}
	if (bad)
		fail_msg("%u of %zu variants are judged wrongly", bad, f->n_variants);
}

/* --- cells ------------------------------------------------------------------------------------ */

static bool stray_fits(const struct fake_form *f, const struct exchange *x)
{
	if (f->says == SAYS_NOTHING)
		return !exchange_answered(x);
	if (f->says == SAYS_SYN_ACK)
		return exchange_answered(x) && x->reaction == REACTION_SYN_ACK;
	if (!exchange_is_rst(x) || f->ack_bit != !!(x->flags & TCP_ACK))
		return false;
	if (f->seq == SEQ_ZERO && exchange_rst_seq(x) != RST_SEQ_ZERO)
		return false;
	if (f->seq == SEQ_ACK && exchange_rst_seq(x) != RST_SEQ_OUR_ACK)
		return false;
	switch (f->ack) {
	case ACKF_ZERO: return exchange_rst_ack(x) == RST_ACK_ZERO;
	case ACKF_ACK: return exchange_rst_ack(x) == RST_ACK_OTHER;
	case ACKF_LEN: return exchange_rst_ack(x) == RST_ACK_SEQ_LEN;
	case ACKF_NO_FIN:
		return exchange_rst_ack(x) ==
		       (x->sent.flags & TCP_FIN ? RST_ACK_SEQ_SHORT : RST_ACK_SEQ_LEN);
	default: return true;
	}
}

static int case_of(enum rfc_segment s)
{
	switch (s) {
	case RFC_RST_IN_WINDOW: return CASE_RST_WINDOW;
	case RFC_RST_OUTSIDE: return CASE_RST_OUTSIDE;
	case RFC_SYN_IN_WINDOW: return CASE_SYN_WINDOW;
	case RFC_ACK_UNSENT: return CASE_ACK_UNSENT;
	case RFC_DATA_OLD_ACK: return CASE_OLD_ACK;
	case RFC_NO_ACK: return CASE_NO_ACK;
	default: return -1;
	}
}

static bool conn_fits(const struct fake_form *f, const struct exchange *x)
{
	static const enum rfc_after after[] = {AFTER_ALIVE, AFTER_GONE, AFTER_ACCEPTED};

	if (x->after != after[f->after])
		return false;
	switch (f->says) {
	case SAYS_ACK: return exchange_answered(x) && x->reaction == REACTION_CHALLENGE_ACK;
	case SAYS_RST: return exchange_is_rst(x);
	/* who accepts octets acknowledges them */
	default: return f->after == FAKE_ACCEPTED || !exchange_answered(x);
	}
}

/* Does what was seen of this cell agree with the description? Cells that it does not describe do.
 */
static bool cell_fits(const struct fake_stack *s, const struct cell *c, const struct exchange *x)
{
	int what = case_of(c->segment);

	if (c->state == IN_LISTEN || c->state == IN_CLOSED)
		return stray_fits(&s->stray[c->state == IN_LISTEN ? PORT_OPEN : PORT_CLOSED]
					   [fake_kind_of(c->form->flags)],
				  x);
	if (c->segment == RFC_RST_EXACT) /* who is silent to all strays can't be seen to be gone */
		return x->after == AFTER_GONE || s->stray[PORT_OPEN][KIND_ACK].says == SAYS_NOTHING;
	if (what < 0 || (c->state != IN_SYN_RECEIVED && c->state != IN_ESTABLISHED))
		return true;
	return conn_fits(&s->conn[c->state == IN_SYN_RECEIVED ? PHASE_RECEIVED : PHASE_CONN][what],
			 x);
}

static unsigned compare_cells(const struct scene *w)
{
	const struct stack_facts *f = interrogate_facts(w->ask);
	unsigned wrong = 0;

	for (size_t i = 0; i < battery_count; i++) {
		const struct cell *c = &battery[i];
		const struct exchange *x = &f->cells[i];
		bool idle = c->state == IN_FIN_WAIT_2 || c->state == IN_TIME_WAIT;

		if (x->tries == 0 && !idle)
			print_message("%s: %s, %s: not asked: %s\n", w->variant.name,
				      tcp_state_name(c->state), c->form->name,
				      cell_why_text((enum cell_why)f->why[i]));
		else if (x->tries && !cell_fits(w->variant.stack, c, x))
			print_message("%s: %s, %s: %s, after: %s, seq %d, ack %d\n",
				      w->variant.name, tcp_state_name(c->state), c->form->name,
				      reaction_token((enum reaction)x->reaction),
				      rfc_after_name((enum rfc_after)x->after),
				      (int)exchange_rst_seq(x), (int)exchange_rst_ack(x));
		else
			continue;
		wrong++;
	}
	return wrong;
}

/* Every stack, with nothing between but distance: each cell is as the file describes it. */
static void test_cells(void **state)
{
	struct stackfile *f = *state;
	unsigned bad = 0, n = 0;

	for (size_t i = 0; i < f->n_variants; i++) {
		struct scene w;

		if (strcmp(f->variants[i].env.name, "none") &&
		    strcmp(f->variants[i].env.name, "delay-80"))
			continue;
		scene_begin(&w, &f->variants[i], i + 1);
		scene_run(&w, 1000 + i);
		bad += compare_cells(&w) > 0;
		n++;
		scene_end(&w);
	}
	if (bad)
		fail_msg("%u of %u stacks have cells that differ", bad, n);
}

/* --- manners ---------------------------------------------------------------------------------- */

/* Nothing is left half-open over there, no handle here, and the whole takes seconds. */
static void test_manners(void **state)
{
	struct stackfile *f = *state;

	for (size_t i = 0; i < f->n_variants; i++) {
		struct scene w;

		if (strcmp(f->variants[i].stack->name, "linux6") || f->variants[i].env.loss)
			continue;
		scene_begin(&w, &f->variants[i], i + 1);
		scene_run(&w, 1000 + i);
		if (w.stats.elapsed_s > SECONDS_MAX)
			fail_msg("%s took %.1f s", w.variant.name, w.stats.elapsed_s);
		assert_int_equal(kernel_handles(w.peer.kernel), 0);
		scene_end(&w);
	}
}

static int load(void **state)
{
	char path[512];
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/tests/fake/stacks.conf",
		 getenv("srcdir") ? getenv("srcdir") : "..");
	*state = stackfile_read(path, &e);
	if (!*state)
		print_error("%s\n", e.msg);
	return *state ? 0 : -1;
}

static int unload(void **state)
{
	stackfile_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_variants),
	    cmocka_unit_test(test_cells),
	    cmocka_unit_test(test_manners),
	};

	return cmocka_run_group_tests_name("stack_hosts", tests, load, unload);
}
