/* explain as a whole: order, bounds, what is forgotten and what is counted. */
#include "unit.h"

#include "rstscript.h"

struct told {
	uint64_t n, by_cause[CAUSES];
	uint32_t last_frame, in_order, max_followers;
	struct finding f[64]; /* the first, without their ladders */
};

static void tell(void *ctx, const struct finding *f)
{
	struct told *t = ctx;

	if (t->n < 64) {
		t->f[t->n] = *f;
		t->f[t->n].ladder = NULL;
	}
	t->n++;
	t->by_cause[f->cause]++;
	t->in_order += f->frame > t->last_frame;
	t->last_frame = f->frame;
	if (f->followers > t->max_followers)
		t->max_followers = f->followers;
}

static const struct script_how plain = {.v6 = false};

static void resets_are_told_in_their_order(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	(void)state;
	for (unsigned i = 1; i <= 50; i++)
		play(p, "%u> S; %u< answer;", i, i);
	assert_int_equal(t.n, 0);
	explain_end(play_explain(p));
	assert_int_equal(t.n, 50);
	assert_int_equal(t.in_order, 50);
	assert_int_equal(t.by_cause[CAUSE_REFUSED], 50);
	play_free(p);
}

/* A RST waits for what comes after it, and no longer than it must. */
static void a_reset_waits_its_time(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	(void)state;
	play(p, "> S; < answer; tick 9;");
	assert_int_equal(t.n, 0);
	play(p, "tick 1.1;");
	assert_int_equal(t.n, 1);
	play(p, "2> S; 2< answer; 3> S +10.1; tick 0;");
	assert_int_equal(t.n, 2);
	play_free(p);
}

static void one_root_has_all_that_were_in_flight(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	(void)state;
	play(p, "> S; < S.; > .;");
	for (unsigned i = 0; i < 18; i++)
		play(p, "> P. len 1000 +0.0001;");
	play(p, "< abort;");
	for (unsigned i = 0; i < 18; i++)
		play(p, "< answer %u +0.0001;", 4 + i);
	explain_end(play_explain(p));
	assert_int_equal(t.n, 19);
	assert_int_equal(t.by_cause[CAUSE_AFTER_RESET], 18);
	assert_int_equal(t.f[0].frame, 22);
	assert_int_equal(t.f[0].followers, 18);
	for (unsigned i = 1; i < 19; i++) {
		assert_int_equal(t.f[i].root, 22);
		assert_int_equal(t.f[i].severity, SEVERITY_BENIGN);
	}
	play_free(p);
}

/* More RSTs wait than there is room for: the oldest are judged before their time, and none is lost.
 */
static void more_resets_wait_than_there_is_room_for(void **state)
{
	enum { MANY = 70000 };
	const struct script_how whole = {.limits = &explain_limits_file};
	struct told t = {0};
	struct play *p = play_new(&whole, tell, &t);

	(void)state;
	for (unsigned i = 1; i <= MANY; i++)
		play(p, "%u> S +0.00001; %u< answer +0.00001;", i, i);
	explain_end(play_explain(p));
	assert_int_equal(t.n, MANY);
	assert_int_equal(t.in_order, MANY);
	assert_int_equal(t.by_cause[CAUSE_REFUSED], MANY);
	assert_in_range(explain_summary(play_explain(p))->cut, 1, MANY / 2);
	play_free(p);
}

/* A flood of RSTs in one flow: bounded work each, one root. */
static void a_flood_of_resets_in_one_flow(void **state)
{
	enum { MANY = 100000 };
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	(void)state;
	play(p, "> S; < S.; > .; > P. len 9; < .; < abort;");
	for (unsigned i = 0; i < MANY; i++)
		play(p, "< R. seq ~%u bare +0.000001;", i * 1460);
	explain_end(play_explain(p));
	assert_int_equal(t.n, MANY + 1);
	assert_int_equal(t.by_cause[CAUSE_UNKNOWN], 0);
	/* they guess, and the genuine one before them is among them */
	assert_in_range(t.by_cause[CAUSE_INJECTED_MULTI], MANY - 2, MANY + 1);
	play_free(p);
}

static void what_gave_way_has_no_context(void **state)
{
	const struct explain_limits few = {
	    .flows = 8, .idle_ns = 7860000000000, .settle_ns = 10000000000};
	struct script_how how = plain;
	struct told t = {0};
	struct play *p;

	(void)state;
	how.limits = &few;
	p = play_new(&how, tell, &t);
	play(p, "> S; < S.; > .; > P. len 9; < .;");
	for (unsigned i = 2; i <= 9; i++)
		play(p, "%u> S;", i);
	play(p, "< abort;");
	explain_end(play_explain(p));
	assert_int_equal(t.n, 1);
	assert_int_equal(t.f[0].cause, CAUSE_NO_CONTEXT);
	assert_int_equal(t.f[0].row->need[0], FORGOTTEN);
	assert_int_equal(explain_summary(play_explain(p))->evicted, 2);
	assert_int_equal(explain_summary(play_explain(p))->flows, 10);
	play_free(p);
}

/* A flow that gives way while its RST waits: the RST is judged by what was known. */
static void a_reset_outlives_its_flow(void **state)
{
	const struct explain_limits few = {
	    .flows = 4, .idle_ns = 7860000000000, .settle_ns = 10000000000};
	struct script_how how = plain;
	struct told t = {0};
	struct play *p;

	(void)state;
	how.limits = &few;
	p = play_new(&how, tell, &t);
	for (unsigned i = 1; i <= 40; i++)
		play(p,
		     "%u> S; %u< S.; %u> .; %u> P. len 9; %u< .; %u< abort; %u> P. len 9; %u< "
		     "answer;",
		     i, i, i, i, i, i, i, i);
	explain_end(play_explain(p));
	assert_int_equal(t.n, 80);
	assert_int_equal(t.by_cause[CAUSE_ABORT_CLOSE], 40);
	assert_int_equal(t.by_cause[CAUSE_AFTER_RESET], 40);
	play_free(p);
}

static void idle_flows_expire_and_are_no_evictions(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	(void)state;
	play(p, "> S; < S.; > .; > P. len 9; < .; 2> S +8000; < abort;");
	explain_end(play_explain(p));
	assert_int_equal(t.f[0].cause, CAUSE_NO_CONTEXT);
	assert_int_equal(explain_summary(play_explain(p))->evicted, 0);
	assert_int_equal(explain_summary(play_explain(p))->expired, 1);
	play_free(p);
}

static void forgetting_ends_all_that_was_known(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	(void)state;
	play(p, "> S; < S.; > .; > P. len 9; < .; 2> S; 2< answer;");
	assert_int_equal(t.n, 0);
	play(p, "forget;");
	assert_int_equal(t.n, 1);
	play(p, "file; < abort; 3> .; 3< answer;");
	explain_end(play_explain(p));
	assert_int_equal(t.n, 3);
	assert_int_equal(t.f[1].cause, CAUSE_NO_CONTEXT);
	assert_int_equal(t.f[1].file, 1);
	/* the listener of before is forgotten, too */
	assert_int_equal(t.f[2].cause, CAUSE_NO_CONNECTION);
	play_free(p);
}

/* Ring files: one stream, frames counted in each; a root says where it lies. */
static void flows_go_on_from_file_to_file(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	(void)state;
	play(p, "> S; < S.; > .; > P. len 9; < .; < abort; file; > P. len 9; < answer;");
	explain_end(play_explain(p));
	assert_int_equal(t.n, 2);
	assert_int_equal(t.f[0].cause, CAUSE_ABORT_CLOSE);
	assert_int_equal(t.f[1].cause, CAUSE_AFTER_RESET);
	assert_int_equal(t.f[1].frame, 2);
	assert_int_equal(t.f[1].file, 1);
	assert_int_equal(t.f[1].root, 6);
	assert_int_equal(t.f[1].root_file, 0);
	play_free(p);
}

static uint32_t idle_of(const struct explain_summary *s, uint32_t seconds)
{
	for (size_t i = 0; i < sizeof(s->idle) / sizeof(s->idle[0]); i++)
		if (s->idle[i].seconds == seconds)
			return s->idle[i].n;
	return 0;
}

static void silences_are_counted_by_their_timer(void **state)
{
	static const char *const gaps[] = {"60.1", "59.5", "61", "240", "239", "350.2", "44", "17"};
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);
	const struct explain_summary *s;

	(void)state;
	for (unsigned i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
		play(p,
		     "%u> S; %u< S.; %u> .; %u> P. len 9; %u< .; %u< P. len 9; %u> .; %u< abort "
		     "+%s;",
		     i + 1, i + 1, i + 1, i + 1, i + 1, i + 1, i + 1, i + 1, gaps[i]);
	explain_end(play_explain(p));
	s = explain_summary(play_explain(p));
	assert_int_equal(t.by_cause[CAUSE_ABORT_IDLE], sizeof(gaps) / sizeof(gaps[0]));
	assert_int_equal(idle_of(s, 60), 3);
	assert_int_equal(idle_of(s, 240), 2);
	assert_int_equal(idle_of(s, 350), 1);
	assert_int_equal(idle_of(s, 44), 1);
	assert_int_equal(idle_of(s, 17), 1);
	play_free(p);
}

static void the_summary_counts_what_was_told(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);
	const struct explain_summary *s;
	uint64_t causes = 0;

	(void)state;
	play(p, "> S; < answer; 2> S; 2< S.; 2> .; 2> P. len 9; 2< .; 2< abort; 2> P. len 9; 2< "
		"answer;");
	play(p, "3> S +1; 3< S. -3; 3> . +3; 3< abort; 3< again; 3> SR;");
	explain_end(play_explain(p));
	s = explain_summary(play_explain(p));
	for (int c = 0; c < CAUSES; c++)
		causes += s->by_cause[c];
	assert_int_equal(s->frames, play_frame(p));
	assert_int_equal(s->tcp, s->frames);
	assert_int_equal(s->resets, t.n);
	assert_int_equal(causes, t.n);
	assert_true(s->backwards > 0);
	assert_int_equal(s->flows, 3);
	assert_int_equal(s->cut, 0);
	/* one refused, one not answered; the after-reset is a follower and weighs nothing */
	assert_int_equal(s->by_severity[SEVERITY_PROBLEM], 2);
	play_free(p);
}

static void what_is_not_decoded_is_counted(void **state)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);
	struct explain_frame at = {.wall_ns = 1795176000000000000ull, .number = 1};
	const struct explain_summary *s;

	(void)state;
	explain_packet(play_explain(p), &at, DECODE_TRUNCATED, NULL);
	explain_packet(play_explain(p), &at, DECODE_OTHER, NULL);
	explain_packet(play_explain(p), &at, DECODE_OTHER, NULL);
	s = explain_summary(play_explain(p));
	assert_int_equal(s->frames, 3);
	assert_int_equal(s->tcp, 0);
	assert_int_equal(s->undecoded[DECODE_TRUNCATED], 1);
	assert_int_equal(s->undecoded[DECODE_OTHER], 2);
	play_free(p);
}

/* There are fewer places for segments than for connections: who was not heard of longest gives his
 * up for the ladder, and is no less judged. */
static void segments_give_way_before_flows(void **state)
{
	enum { CONNS = 900 };
	const struct explain_limits few = {
	    .flows = 1000,
	    .idle_ns = explain_limits_file.idle_ns,
	    .settle_ns = explain_limits_file.settle_ns,
	};
	struct script_how how = {.limits = &few};
	struct told t = {0};
	struct play *p = play_new(&how, tell, &t);

	(void)state;
	for (unsigned i = 1; i <= CONNS; i++)
		play(p, "%u> S +0.0001; %u< S. +0.0001; %u> . +0.0001; %u> P. len 9 +0.0001;", i, i,
		     i, i);
	/* the first of them, and of those that came last */
	play(p, "1< abort +0.0001; %u< abort +0.0001;", (unsigned)CONNS);
	explain_end(play_explain(p));
	assert_int_equal(t.n, 2);
	assert_int_equal(t.f[1].n_ladder, 5);
	assert_int_equal(t.f[0].n_ladder, 1);
	assert_int_equal(t.f[0].cause, t.f[1].cause);
	assert_int_equal(t.by_cause[CAUSE_NO_CONTEXT] + t.by_cause[CAUSE_UNKNOWN], 0);
	assert_int_equal(explain_summary(play_explain(p))->evicted, 0);
	play_free(p);
}

/* A refused connection, of which the kernel spoke before the RST was captured: `words`, by `n`. */
static struct finding refused_after(const struct kernel_reset *words, size_t n, uint64_t *joined)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	for (size_t i = 0; i < n; i++)
		explain_kernel(play_explain(p), &words[i]);
	play(p, "> S; < answer;");
	explain_end(play_explain(p));
	assert_int_equal(t.n, 1);
	assert_int_equal(explain_summary(play_explain(p))->kernel_events, n);
	*joined = explain_summary(play_explain(p))->kernel_joined;
	play_free(p);
	return t.f[0];
}

/* Said once, it is said of one RST, though two fit. */
static void a_word_is_of_one_reset(const struct kernel_reset *word)
{
	struct told t = {0};
	struct play *p = play_new(&plain, tell, &t);

	explain_kernel(play_explain(p), word);
	play(p, "> S; < answer; > S isn 5000 +0.02; < answer;");
	explain_end(play_explain(p));
	assert_int_equal(t.n, 2);
	assert_true(t.f[0].has_kernel && !t.f[1].has_kernel);
	assert_int_equal(explain_summary(play_explain(p))->kernel_joined, 1);
	play_free(p);
}

static void the_kernel_may_speak_first(void **state)
{
	uint64_t joined;
	struct finding f = refused_after(NULL, 0, &joined);
	struct kernel_reset near = {.wall_ns = f.wall_ns - 1000000,
				    .src = f.src,
				    .dst = f.dst,
				    .sport = f.sport,
				    .dport = f.dport,
				    .reason = "NO_SOCKET"};
	struct kernel_reset words[2] = {near, near};

	(void)state;
	assert_false(f.has_kernel);
	f = refused_after(words, 1, &joined);
	assert_true(f.has_kernel && joined == 1);
	assert_string_equal(f.kernel.reason, "NO_SOCKET");
	assert_true(fact_has(&f.facts, K_NO_SOCKET));
	a_word_is_of_one_reset(&near);
	/* of two that fit the nearer one, and one RST has one word */
	words[0].wall_ns -= 1000000;
	snprintf(words[0].reason, sizeof(words[0].reason), "TCP_STATE");
	f = refused_after(words, 2, &joined);
	assert_string_equal(f.kernel.reason, "NO_SOCKET");
	assert_int_equal(joined, 1);
	/* a listener that was matched is known by its port alone */
	words[0] = near;
	words[0].src = words[0].dst = (struct addr){0};
	words[0].dport = 0;
	assert_true(refused_after(words, 1, &joined).has_kernel);
	/* another connection's, another host's, and one of long ago */
	words[0] = near;
	words[0].dport++;
	assert_false(refused_after(words, 1, &joined).has_kernel);
	words[0] = near;
	words[0].src.b[3]++;
	assert_false(refused_after(words, 1, &joined).has_kernel);
	words[0] = near;
	words[0].wall_ns -= 300000000;
	assert_false(refused_after(words, 1, &joined).has_kernel);
	assert_int_equal(joined, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(resets_are_told_in_their_order),
	    cmocka_unit_test(a_reset_waits_its_time),
	    cmocka_unit_test(one_root_has_all_that_were_in_flight),
	    cmocka_unit_test(more_resets_wait_than_there_is_room_for),
	    cmocka_unit_test(a_flood_of_resets_in_one_flow),
	    cmocka_unit_test(what_gave_way_has_no_context),
	    cmocka_unit_test(a_reset_outlives_its_flow),
	    cmocka_unit_test(idle_flows_expire_and_are_no_evictions),
	    cmocka_unit_test(forgetting_ends_all_that_was_known),
	    cmocka_unit_test(flows_go_on_from_file_to_file),
	    cmocka_unit_test(silences_are_counted_by_their_timer),
	    cmocka_unit_test(the_summary_counts_what_was_told),
	    cmocka_unit_test(what_is_not_decoded_is_counted),
	    cmocka_unit_test(segments_give_way_before_flows),
	    cmocka_unit_test(the_kernel_may_speak_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
