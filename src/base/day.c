/*
 * day: by the Gregorian rule, as the calendar would have it for all years from 1 to 9999.
 */
#include "base/day.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

int32_t day_of_ns(uint64_t wall_ns)
{
	return (int32_t)(wall_ns / (UINT64_C(86400) * 1000000000));
}

enum { DAYS_400 = 146097, EPOCH = 719162 /* days from 0001-01-01 to 1970-01-01 */ };

static bool is_leap(int32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t days_of_month(int32_t year, int32_t month)
{
	static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Of the years from 1 to the one before. */
static int32_t days_before_year(int32_t year)
{
	int32_t n = year - 1;

	return n * 365 + n / 4 - n / 100 + n / 400;
}

/* `n` digits; -1 where there are fewer. */
static int32_t digits(const char *s, int n)
{
	int32_t v = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

int day_parse(const char *text, int32_t *day)
{
	int32_t y, m, d, n;

	if (strlen(text) != strlen("2027-03-01") || text[4] != '-' || text[7] != '-')
		return -1;
	y = digits(text, 4);
	m = digits(text + 5, 2);
	d = digits(text + 8, 2);
	if (y < 1 || m < 1 || m > 12 || d < 1 || d > days_of_month(y, m))
		return -1;
	n = days_before_year(y) - EPOCH;
	for (int32_t i = 1; i < m; i++)
		n += days_of_month(y, i);
	*day = n + d - 1;
	return 0;
}

const char *day_text(int32_t day, char buf[DAY_TEXT])
{
	const int32_t last = 2932896; /* 9999-12-31 */
	struct text t = text_of(buf, DAY_TEXT);
	int32_t y, m = 1, left;

	if (day > last || day < -EPOCH) {
		text_putf(&t, "never");
		return buf;
	}
	left = day + EPOCH;
	y = left / DAYS_400 * 400 + left % DAYS_400 / 366 + 1; /* never too late a year */
	while (left >= days_before_year(y + 1))
		y++;
	left -= days_before_year(y);
	for (; left >= days_of_month(y, m); m++)
		left -= days_of_month(y, m);
	text_putf(&t, "%04" PRId32 "-%02" PRId32 "-%02" PRId32, y, m, left + 1);
	return buf;
}
