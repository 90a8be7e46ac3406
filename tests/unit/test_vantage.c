/*
 * test_vantage: what depends on where one looks from, and what does not, since somebody could not
 * measure it. Each side is told port by port; the records come back as one line each.
 */
#include "unit.h"

#include "base/bytes.h"
#include "results.h"

enum { POINTS = 3 };

#define A "192.0.2.7"
#define B "192.0.2.9"

static char told[1 << 14];
static struct vantages_record sum;

static int setup(void **state)
{
	(void)state;
	results_of(POINTS);
	return 0;
}

static void port(const char *addr, unsigned n, enum port_state s)
{
	ports(addr, n, n, s, NULL);
}

/* --- what is told ----------------------------------------------------------------------------- */

/* "192.0.2.7 22 open filtered* -"; "?" behind a state counts for nothing. */
static void put(void *ctx, const struct vantage_record *r)
{
	struct text t = text_of(told + strlen(told), sizeof(told) - strlen(told));

	(void)ctx;
	text_putf(&t, "%s", r->addr);
	if (r->of_host)
		text_putf(&t, " host/%u", r->count);
	else if (!r->n_spans)
		text_putf(&t, " %u", r->port);
	for (size_t i = 0; i < r->n_spans; i++)
		text_putf(&t, "%c%u-%u", i ? ',' : ' ', r->spans[i].first, r->spans[i].last);
	for (size_t i = 0; i < r->n_views; i++) {
		const struct vantage_view *v = &r->views[i];

		text_putf(&t, " %s%s", v->state ? v->state : "-", v->exception ? "*" : "");
		if (v->state && !v->measured)
			text_putf(&t, "?");
	}
	text_putf(&t, " (%s)\n", r->majority ? r->majority : "none");
	assert_false(t.cut);
}

static const char *look(void)
{
	static const struct record_sink sink = {.vantage = put};

	told[0] = '\0';
	sum = (struct vantages_record){0};
	assert_int_equal(changes_by_vantage(results, &sink, &sum, NULL), 0);
	return told;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void one_is_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < POINTS; i++) {
		begin(i);
		port(A, 22, i == 1 ? STATE_FILTERED : STATE_OPEN);
		port(A, 80, STATE_OPEN);
		ports(A, 100, 199, i == 2 ? STATE_REJECTED : STATE_CLOSED, "x");
		port(A, 300, STATE_CLOSED);
		port(A, 301, i == 2 ? STATE_REJECTED : STATE_CLOSED);
		up(A);
		end();
	}
	assert_string_equal(look(), A " 22 open filtered* open (open)\n" A
				      " 100-199 closed closed rejected* (closed)\n" A
				      " 301 closed closed rejected* (closed)\n");
	assert_int_equal(sum.differ, 102);
	assert_int_equal(sum.hosts, 1);
	assert_int_equal(sum.compared, 104);
	assert_int_equal(sum.all, 104);
}

/* By two of them alone; nobody is the exception then. */
static void who_did_not_measure_has_no_say(void **state)
{
	(void)state;
	begin(0);
	port(A, 1, STATE_OPEN);
	port(A, 2, STATE_OPEN);
	port(A, 3, STATE_OPEN);
	port(A, 4, STATE_INDETERMINATE);
	end();
	begin(1);
	port(A, 1, STATE_CLOSED);
	port(A, 2, STATE_OPEN);
	port(A, 3, STATE_INDETERMINATE);
	port(A, 4, STATE_OPEN);
	end();
	begin(2);
	port(A, 1, STATE_INDETERMINATE);
	port(A, 5, STATE_OPEN);
	end();
	assert_string_equal(look(), A " 1 open closed indeterminate? (none)\n");
	assert_int_equal(sum.differ, 1);
	assert_int_equal(sum.compared, 2);
	assert_int_equal(sum.all, 0);
	assert_int_equal(sum.ignored, 2); /* 3 and 4; 5 was asked by one alone */
}

/* One line for the host; what is open elsewhere stands below it. */
static void down_from_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < POINTS; i++) {
		begin(i);
		covers(A, B, 1, 1000);
		if (i < 2) {
			ports(A, 1, 1000, STATE_CLOSED, "rst-ack");
			port(A, 22, STATE_OPEN);
			up(A);
		}
		ports(B, 1, 1000, STATE_CLOSED, "rst-ack");
		up(B);
		end();
	}
	assert_string_equal(look(),
			    A " host/999 up up down* (up)\n" A " 22 open open down* (open)\n");
	assert_int_equal(sum.hosts_down, 1);
	assert_int_equal(sum.differ, 1000);
}

/* It was given up there, and so most of its ports were never asked. */
static void given_up_there(void **state)
{
	(void)state;
	begin(0);
	ports(A, 1, 100, STATE_CLOSED, "rst-ack");
	up(A);
	end();
	begin(1);
	ports(A, 1, 9, STATE_FILTERED, "no-response");
	ports(A, 10, 100, STATE_NOT_PROBED, "host-silent");
	down(A, "host-silent");
	end_as(&(struct changes_end){.complete = true, .skipped = true});
	assert_string_equal(look(), A " host/100 up down - (none)\n");
}

/* Silent everywhere that it was asked, whether the host is up or not. */
static void silence_is_silence(void **state)
{
	(void)state;
	begin(0);
	port(A, 1, STATE_FILTERED);
	port(A, 2, STATE_OPEN);
	up(A);
	end();
	begin(1);
	port(A, 1, STATE_FILTERED);
	down(A, "no-response");
	end();
	assert_string_equal(look(), "");
	assert_int_equal(sum.compared, 1);
	assert_int_equal(sum.differ, 0);
	assert_int_equal(sum.hosts_down, 0);
}

/* What was not asked of a run that was cut off is no silence. */
static void one_is_cut_short(void **state)
{
	(void)state;
	begin(0);
	port(A, 1, STATE_OPEN);
	port(A, 2, STATE_OPEN);
	up(A);
	end();
	begin(1);
	covers(A, A, 1, 2);
	port(A, 1, STATE_CLOSED);
	up(A);
	end_as(&(struct changes_end){0});
	assert_string_equal(look(), A " 1 open closed - (none)\n");
	assert_int_equal(sum.ignored, 1);
}

/* Results of open ports alone say nothing about what kind of not open a port is. */
static void open_ports_alone(void **state)
{
	const struct changes_end open_alone = {.complete = true, .shown = 1U << STATE_OPEN};

	(void)state;
	for (size_t i = 0; i < POINTS; i++) {
		begin(i);
		covers(A, A, 1, 9);
		if (i == 0)
			port(A, 1, STATE_OPEN);
		port(A, 2, STATE_OPEN);
		up(A);
		end_as(i == 2 ? &(struct changes_end){.complete = true} : &open_alone);
	}
	assert_string_equal(look(), A " 1 open not-shown filtered (none)\n");
	assert_int_equal(sum.differ, 1);
}

static void silent_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < POINTS; i++) {
		begin(i);
		covers("192.0.2.0", "192.0.2.255", 80, 80);
		end();
	}
	assert_string_equal(look(), "");
	assert_int_equal(sum.compared, 256);
	assert_int_equal(sum.all, 256);
}

/* Of all that there is room for. */
static void many_points(void **state)
{
	static const struct record_sink nobody;

	(void)state;
	changes_free(results);
	results = changes_new_of(CHANGES_SIDES_MAX);
	for (size_t i = 0; i < CHANGES_SIDES_MAX; i++) {
		begin(i);
		for (unsigned p = 1; p <= 60000; p += 3)
			port(A, p, p % 32 == i ? STATE_OPEN : STATE_CLOSED);
		end();
	}
	sum = (struct vantages_record){0};
	assert_int_equal(changes_by_vantage(results, &nobody, &sum, NULL), 0);
	assert_int_equal(sum.differ, 20000);
	assert_int_equal(sum.all, 20000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, results_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(one_is_alone),	      TEST(who_did_not_measure_has_no_say),
	    TEST(down_from_there),    TEST(given_up_there),
	    TEST(silence_is_silence), TEST(one_is_cut_short),
	    TEST(open_ports_alone),   TEST(silent_addresses),
	    TEST(many_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
