/*
 * policy_words: the words of a policy that have numbers in them: days and durations. Days are
 * counted by the Gregorian rule, in UTC; no clock, no zone and no locale is asked.
 */
#include "engine/policy_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"

/* --- days --------------------------------------------------------------------------------- */

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

int policy_day(const char *text, int32_t *day)
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

const char *policy_day_text(int32_t day, char buf[12])
{
	const int32_t last = 2932896; /* 9999-12-31 */
	struct text t = text_of(buf, 12);
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

bool policy_in_force(const struct policy_line *l, int32_t today)
{
	return l->until_day == POLICY_NEVER || today <= l->until_day;
}

/* --- durations ---------------------------------------------------------------------------- */

/*
 * Nanoseconds of "1.5" in units of `unit`; UINT64_MAX where it is more than any that is allowed.
 */
static uint64_t scaled(const char *s, size_t len, uint64_t unit)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < len && s[i] != '.'; i++) {
		n = n * 10 + (uint64_t)(s[i] - '0');
		if (n > POLICY_WITHIN_MAX * UINT64_C(1000000))
			return UINT64_MAX;
	}
	n *= unit;
	for (i++; i < len && unit; i++) {
		n += (uint64_t)(s[i] - '0') * unit / 10;
		unit /= 10;
	}
	return n;
}

int policy_duration(const char *text, uint64_t *ns, struct err *e)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
	    {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", UINT64_C(60000000000)}};
	size_t whole = strspn(text, "0123456789"), len = whole;
	char buf[POLICY_SHOWN];

	if (text[len] == '.' && isdigit((unsigned char)text[len + 1]))
		len += 1 + strspn(text + len + 1, "0123456789");
	if (whole && len < 12 && !text[len])
		return err_set(e, "within %s needs a unit: %sms or %ss", text, text, text);
	for (size_t i = 0; whole && i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t n = scaled(text, len, units[i].ns);

		if (strcmp(text + len, units[i].name) != 0)
			continue;
		if (n < 1000 || n > POLICY_WITHIN_MAX * UINT64_C(1000000000))
			break;
		*ns = n / 1000 * 1000; /* as fine as it is measured */
		return 0;
	}
	return err_set(e,
		       "within takes a time such as 200ms or 1.5s (us, ms, s, m; up to 60m), "
		       "not '%s'",
		       policy_shown(text, buf));
}
