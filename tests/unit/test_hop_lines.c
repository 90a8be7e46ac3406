/*
 * test_hop_lines: the names of hops, from resolvers that answer, lie, never answer or die, and the
 * order in which walks that go side by side are told. Time is made up.
 */
#include "unit/unit.h"

#include "cmd/hop_lines.h"

/* --- names ------------------------------------------------------------------------------------ */

enum { LINE = 512 };

/* A resolver: what it was asked and has not answered yet, and how it is. */
static struct fake {
	uint64_t now_ms;
	struct {
		uint32_t id;
		struct addr addr;
	} asked[LINE];
	size_t n, most, takes_in; /* takes_in: then its line is full; 0: never */
	bool mute, dead, ended;
} fake;

static int fake_ask(void *ctx, uint32_t id, const struct addr *a)
{
	struct fake *f = ctx;

	if (f->dead)
		return -1;
	if (f->takes_in && f->n == f->takes_in)
		return 0;
	assert_true(f->n < LINE);
	f->asked[f->n].id = id;
	f->asked[f->n++].addr = *a;
	if (f->n > f->most)
		f->most = f->n;
	return 1;
}

/* The last first. 10.0.0.1 has a name, .2 none. */
static int fake_take(void *ctx, struct resolver_answer *a)
{
	struct fake *f = ctx;

	if (f->dead)
		return -1;
	if (f->mute || f->n == 0)
		return 0;
	f->n--;
	*a = (struct resolver_answer){.id = f->asked[f->n].id, .way = RESOLVER_TO_NAME};
	if (f->asked[f->n].addr.b[3] == 1)
		snprintf(a->name, sizeof(a->name), "r%u.example", f->asked[f->n].addr.b[2]);
	return 1;
}

static void fake_wait(void *ctx, uint64_t ns)
{
	struct fake *f = ctx;

	f->now_ms += ns / 1000000;
}

static uint64_t fake_now_ms(void *ctx)
{
	return ((struct fake *)ctx)->now_ms;
}

static void fake_end(void *ctx)
{
	((struct fake *)ctx)->ended = true;
}

static struct names *names_of(struct fake as)
{
	static const struct names_source source = {fake_ask,	fake_take, fake_wait,
						   fake_now_ms, fake_end,  &fake};
	struct names *n = names_new(&source);

	assert_non_null(n);
	fake = as;
	return n;
}

static const struct addr r1 = {.family = ADDR_V4, .b = {10, 0, 0, 1}};
static const struct addr r2 = {.family = ADDR_V4, .b = {10, 0, 0, 2}};
static const struct addr r3 = {.family = ADDR_V4, .b = {10, 0, 0, 3}};

static void test_names(void **state)
{
	struct names *n = names_of((struct fake){.now_ms = 5000, .mute = true});
	char name[NAME_TEXT];

	(void)state;
	names_ask(n, &r1);
	names_ask(n, &r2);
	names_ask(n, &r1);
	assert_int_equal(fake.n, 2); /* each once */
	assert_int_equal(names_get(n, &r1, name), NAME_NOT_YET);
	assert_true(names_worth_waiting(n, &r1));
	fake.mute = false;
	assert_int_equal(names_get(n, &r1, name), NAME_KNOWN);
	assert_string_equal(name, "r0.example");
	assert_int_equal(names_get(n, &r2, name), NAME_NONE);
	assert_int_equal(names_get(n, &r3, name), NAME_NONE); /* never asked */
	assert_false(names_worth_waiting(n, &r1));
	assert_false(names_worth_waiting(n, &r3));
	assert_false(fake.ended);
	names_free(n);
	assert_true(fake.ended);
}

static void test_mute_resolver(void **state)
{
	struct names *n = names_of((struct fake){.mute = true});
	char name[NAME_TEXT];

	(void)state;
	names_ask(n, &r1);
	for (int i = 0; i < 100 && names_worth_waiting(n, &r1); i++)
		names_wait(n, 20000000);
	assert_in_range(fake.now_ms, 100, 1000);
	/* who was never heard gets no more time for others */
	names_ask(n, &r2);
	assert_false(names_worth_waiting(n, &r2));
	assert_int_equal(names_get(n, &r1, name), NAME_NOT_YET);
	/* ... until he is */
	fake.mute = false;
	assert_int_equal(names_get(n, &r2, name), NAME_NONE);
	fake.mute = true;
	names_ask(n, &r3);
	assert_true(names_worth_waiting(n, &r3));
	fake.now_ms += 5000;
	assert_false(names_worth_waiting(n, &r3));
	names_free(n);
}

static void test_resolver_that_dies(void **state)
{
	struct names *n = names_of((struct fake){.mute = true});
	char name[NAME_TEXT];

	(void)state;
	names_ask(n, &r1);
	fake.dead = true;
	assert_false(names_worth_waiting(n, &r1));
	assert_int_equal(names_get(n, &r1, name), NAME_NONE);
	names_ask(n, &r2);
	assert_int_equal(names_get(n, &r2, name), NAME_NONE);
	names_wait(n, 1000000);
	assert_int_equal(fake.now_ms, 0); /* there is nothing to wait for */
	names_free(n);
}

/* Names of more hops than are asked for at a time come too, also where the line takes few. */
static void test_many_names(void **state)
{
	char name[NAME_TEXT], right[NAME_TEXT];

	(void)state;
	for (size_t takes_in = 0; takes_in <= 5; takes_in += 5) {
		struct names *n = names_of((struct fake){.takes_in = takes_in, .mute = true});

		for (unsigned i = 0; i < 200; i++) {
			const struct addr a = addr_v4(10, 0, (uint8_t)i, 1);

			names_ask(n, &a);
		}
		assert_int_equal(fake.most, takes_in ? takes_in : 64);
		fake.mute = false;
		for (unsigned i = 0; i < 200; i++)
			names_wait(n, 1000000);
		for (unsigned i = 0; i < 200; i++) {
			const struct addr a = addr_v4(10, 0, (uint8_t)i, 1);

			assert_int_equal(names_get(n, &a, name), NAME_KNOWN);
			snprintf(right, sizeof(right), "r%u.example", i);
			assert_string_equal(name, right);
		}
		names_free(n);
	}
}

/* What was never asked, and what was answered before. */
static void test_answers_to_nothing(void **state)
{
	struct names *n = names_of((struct fake){.mute = true});
	char name[NAME_TEXT];

	(void)state;
	names_ask(n, &r1);
	names_ask(n, &r2);
	fake.asked[2].id = 2;
	fake.asked[3].id = UINT32_MAX;
	fake.asked[4].id = 0;
	for (size_t i = 2; i < 5; i++)
		fake.asked[i].addr = addr_v4(10, 0, 7, 1);
	fake.n = 5;
	fake.mute = false;
	assert_int_equal(names_get(n, &r1, name), NAME_KNOWN);
	assert_string_equal(name, "r7.example"); /* the first word, though another came */
	assert_int_equal(names_get(n, &r2, name), NAME_NONE);
	names_ask(n, &r3);
	fake.asked[0].addr = addr_v4(10, 0, 8, 1); /* of r1, once more */
	names_wait(n, 1000000);
	assert_int_equal(names_get(n, &r3, name), NAME_NONE);
	assert_int_equal(names_get(n, &r1, name), NAME_KNOWN);
	assert_string_equal(name, "r7.example");
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
	l.names = names_of((struct fake){0});
	walks[0].hops[1].expired = true;
	walks[0].hops[1].expiry.from = addr_v4(10, 0, 0, 1);
	walks[0].hops[3].replied = true;
	walks[0].hops[3].reply.from = addr_v4(10, 0, 0, 2);
	settle(&l, 0, 1);
	settle(&l, 0, 2); /* silent: nobody to name */
	settle(&l, 0, 3);
	hop_lines_end(&l);
	assert_string_equal(told, " w0 1=r0.example 2 3");
	names_free(l.names);
}

static void test_mute_names_on_lines(void **state)
{
	struct trace_walk walks[1];
	struct trace_facts f;
	struct hop_lines l = lines_of(&f, walks, 1);

	(void)state;
	l.names = names_of((struct fake){.mute = true});
	walks[0].hops[1].expired = true;
	walks[0].hops[1].expiry.from = addr_v4(10, 0, 0, 1);
	settle(&l, 0, 1);
	assert_string_equal(told, " w0"); /* it has its time */
	hop_lines_end(&l);
	assert_string_equal(told, " w0 1");
	names_free(l.names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_mute_resolver),
	    cmocka_unit_test(test_resolver_that_dies),
	    cmocka_unit_test(test_many_names),
	    cmocka_unit_test(test_answers_to_nothing),
	    cmocka_unit_test(test_walk_after_walk),
	    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_cut_off_while_waiting),
	    cmocka_unit_test(test_names_on_lines),
	    cmocka_unit_test(test_mute_names_on_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
