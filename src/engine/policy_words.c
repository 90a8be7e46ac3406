/*
 * policy_words: a time such as 200ms, as fine as round trips are measured. It is exact, so that
 * what is said again is what was written.
 */
#include "engine/policy_private.h"

#include <ctype.h>
#include <string.h>

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
