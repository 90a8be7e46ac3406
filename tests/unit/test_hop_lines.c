/*
 * test_hop_lines: the names of hops, from resolvers that answer, lie or never answer, and the order
 * in which walks that go side by side are told.
 */
#include "unit/unit.h"

#include <pthread.h>
#include <time.h>

#include "cmd/hop_lines.h"

/* --- names ------------------------------------------------------------------------------------ */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static bool blocks(const struct addr *a, char *name, size_t cap)
{
	(void)a;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	snprintf(name, cap, "late");
	return true;
}

/* 10.0.0.1 has a name, .2 none, .3 one that a terminal should not see. */
static bool answers(const struct addr *a, char *name, size_t cap)
{
	static const char *const known[] = {"r1.example", "", "\033[31mevil"};

	snprintf(name, cap, "%s", known[a->b[3] - 1]);
	return a->b[3] != 2;
}

static void nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}

static enum name_state wait_for(struct names *n, const struct addr *a, char *name)
{
	enum name_state state;

	for (int i = 0; i < 10000; i++) {
		state = names_get(n, a, name);
		if (state != NAME_NOT_YET)
			return state;
		names_wait(n, 1000000);
	}
	return NAME_NOT_YET;
}

static void test_names(void **state)
{
	struct names *n = names_new(answers);
	const struct addr r1 = addr_v4(10, 0, 0, 1), r2 = addr_v4(10, 0, 0, 2),
			  r3 = addr_v4(10, 0, 0, 3), r4 = addr_v4(10, 0, 0, 4);
	char name[NAME_TEXT];

	(void)state;
	assert_non_null(n);
	names_ask(n, &r1);
	names_ask(n, &r2);
	names_ask(n, &r3);
	names_ask(n, &r1);
	assert_int_equal(wait_for(n, &r1, name), NAME_KNOWN);
	assert_string_equal(name, "r1.example");
	assert_int_equal(wait_for(n, &r2, name), NAME_NONE);
	assert_int_equal(wait_for(n, &r3, name), NAME_NONE);
	assert_int_equal(names_get(n, &r4, name), NAME_NONE); /* never asked */
	assert_false(names_worth_waiting(n, &r1));
	assert_false(names_worth_waiting(n, &r4));
	names_free(n);
}

static void test_mute_resolver(void **state)
{
	const struct addr r1 = addr_v4(10, 0, 0, 1), r2 = addr_v4(10, 0, 0, 2);
	struct names *n = names_new(blocks);
	char name[NAME_TEXT];
	int i;

	(void)state;
	pthread_mutex_lock(&gate);
	names_ask(n, &r1);
	assert_true(names_worth_waiting(n, &r1));
	for (i = 0; i < 20000 && names_worth_waiting(n, &r1); i++)
		nap();
	assert_true(i < 20000);
	/* who was never heard gets no more time for others */
	names_ask(n, &r2);
	assert_false(names_worth_waiting(n, &r2));
	assert_int_equal(names_get(n, &r1, name), NAME_NOT_YET);
	names_free(n);
	pthread_mutex_unlock(&gate); /* its threads end, and the last frees it */
}

/* Names of more hops than there are threads come too. */
static void test_many_names(void **state)
{
	struct names *n = names_new(answers);
	char name[NAME_TEXT];

	(void)state;
	for (uint8_t i = 0; i < 100; i++) {
		const struct addr a = addr_v4(10, 0, i, 1);

		names_ask(n, &a);
	}
	for (uint8_t i = 0; i < 100; i++) {
		const struct addr a = addr_v4(10, 0, i, 1);

		assert_int_equal(wait_for(n, &a, name), NAME_KNOWN);
	}
	names_free(n);
}

/* --- the order of the lines ------------------------------------------------------------------- */

static char told[256];

static void on_walk(void *ctx, const struct walk_record *r)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), " w%u", r->walk->flow);
}

static void on_hop(void *ctx, const struct hop_record *r)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), " %u", r->hop->ttl);
	if (r->name)
		snprintf(told + strlen(told), sizeof(told) - strlen(told), "=%s", r->name);
}

static const struct record_sink sink = {.walk = on_walk, .hop = on_hop};

/* `n` walks from TTL 1; nothing told yet. */
static struct hop_lines lines_of(struct trace_facts *f, struct trace_walk *walks, size_t n)
{
	static const struct aim aim;

	memset(walks, 0, n * sizeof(*walks));
	*f = (struct trace_facts){.walks = walks, .n_walks = n};
	for (size_t i = 0; i < n; i++) {
		walks[i].flow = (uint16_t)i;
		walks[i].first = 1;
		for (unsigned ttl = 0; ttl <= TRACE_TTL_MAX; ttl++)
			walks[i].hops[ttl].ttl = (uint8_t)ttl;
	}
	told[0] = '\0';
	return (struct hop_lines){.sink = &sink, .aim = &aim, .facts = f};
}

static void settle(struct hop_lines *l, size_t walk, unsigned ttl)
{
	hop_lines_add(l, &l->facts->walks[walk], &l->facts->walks[walk].hops[ttl]);
	hop_lines_tell(l);
}

static void test_walk_after_walk(void **state)
{
	struct trace_walk walks[2];
	struct trace_facts f;
	struct hop_lines l = lines_of(&f, walks, 2);

	(void)state;
	settle(&l, 1, 1);
	assert_string_equal(told, "");
	settle(&l, 0, 1);
	assert_string_equal(told, " w0 1");
	settle(&l, 1, 2);
	settle(&l, 0, 2);
	assert_string_equal(told, " w0 1 2");
	walks[0].over = true;
	hop_lines_tell(&l);
	assert_string_equal(told, " w0 1 2 w1 1 2");
	settle(&l, 1, 3);
	hop_lines_end(&l);
	assert_string_equal(told, " w0 1 2 w1 1 2 3");
}

/* A walk that was cut off is told as far as it came, and the next too. */
static void test_cut_off(void **state)
{
	struct trace_walk walks[2];
	struct trace_facts f;
	struct hop_lines l = lines_of(&f, walks, 2);

	(void)state;
	settle(&l, 0, 1);
	settle(&l, 1, 1);
	hop_lines_end(&l);
	assert_string_equal(told, " w0 1 w1 1");
}

/* What was heard and might yet have been outdone is told in the end. */
static void test_cut_off_while_waiting(void **state)
{
	struct trace_walk walks[2];
	struct trace_facts f;
	struct hop_lines l = lines_of(&f, walks, 2);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		walks[i].last = 5;
		for (unsigned ttl = 1; ttl <= 5; ttl++)
			walks[i].hops[ttl].tries = 1;
		walks[i].hops[3].expired = true;
	}
	walks[1].over = true; /* what it has not told is not to be told */
	settle(&l, 0, 1);
	settle(&l, 1, 1);
	hop_lines_end(&l);
	assert_string_equal(told, " w0 1 2 3 w1 1");
}

static void test_names_on_lines(void **state)
{
	struct trace_walk walks[1];
	struct trace_facts f;
	struct hop_lines l = lines_of(&f, walks, 1);

	(void)state;
	l.names = names_new(answers);
	walks[0].hops[1].expired = true;
	walks[0].hops[1].expiry.from = addr_v4(10, 0, 0, 1);
	walks[0].hops[3].replied = true;
	walks[0].hops[3].reply.from = addr_v4(10, 0, 0, 2);
	settle(&l, 0, 1);
	settle(&l, 0, 2); /* silent: nobody to name */
	settle(&l, 0, 3);
	hop_lines_end(&l);
	assert_string_equal(told, " w0 1=r1.example 2 3");
	names_free(l.names);
}

static void test_mute_names_on_lines(void **state)
{
	struct trace_walk walks[1];
	struct trace_facts f;
	struct hop_lines l = lines_of(&f, walks, 1);

	(void)state;
	l.names = names_new(blocks);
	pthread_mutex_lock(&gate);
	walks[0].hops[1].expired = true;
	walks[0].hops[1].expiry.from = addr_v4(10, 0, 0, 1);
	settle(&l, 0, 1);
	assert_string_equal(told, " w0"); /* it has its time */
	hop_lines_end(&l);
	assert_string_equal(told, " w0 1");
	names_free(l.names);
	pthread_mutex_unlock(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),	   cmocka_unit_test(test_mute_resolver),
	    cmocka_unit_test(test_many_names),	   cmocka_unit_test(test_walk_after_walk),
	    cmocka_unit_test(test_cut_off),	   cmocka_unit_test(test_cut_off_while_waiting),
	    cmocka_unit_test(test_names_on_lines), cmocka_unit_test(test_mute_names_on_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
