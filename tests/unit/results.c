#include "results.h"

#include "unit.h"

struct changes *results;
size_t side;

void results_of(size_t sides)
{
	results = changes_new_of(sides);
	assert_non_null(results);
}

int results_teardown(void **state)
{
	(void)state;
	changes_free(results);
	return 0;
}

void begin(size_t which)
{
	side = which;
	changes_begin(results, which, 0);
}

uint32_t host(const char *addr)
{
	uint32_t n = 0;

	assert_int_equal(changes_host(results, addr, NULL, &n, NULL), 0);
	return n;
}

void ports(const char *addr, unsigned first, unsigned last, enum port_state s, const char *reason)
{
	const struct port_span span = {(uint16_t)first, (uint16_t)last};

	assert_int_equal(changes_ports(results, side, host(addr), span, s, reason, NULL), 0);
}

void up(const char *addr)
{
	assert_int_equal(changes_up(results, side, host(addr), true, NULL, NULL), 0);
}

void down(const char *addr, const char *why)
{
	assert_int_equal(changes_up(results, side, host(addr), false, why, NULL), 0);
}

void covers(const char *first, const char *last, unsigned lo, unsigned hi)
{
	const struct port_span span = {(uint16_t)lo, (uint16_t)hi};
	struct addr a, b;

	assert_int_equal(changes_addr(results, first, &a, NULL), 0);
	assert_int_equal(changes_addr(results, last, &b, NULL), 0);
	assert_int_equal(changes_cover(results, side, &a, &b, &span, 1, NULL), 0);
}

void end_as(const struct changes_end *end)
{
	assert_int_equal(changes_end(results, side, end, NULL), 0);
}

void end(void)
{
	end_as(&(struct changes_end){.complete = true});
}

void cut_short(void)
{
	end_as(&(struct changes_end){0});
}
