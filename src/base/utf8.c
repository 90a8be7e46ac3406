/*
 * utf8: well-formed sequences by RFC 3629, so that nobody passes on what a reader may refuse:
 * overlong forms, surrogates and what lies behind U+10FFFF are none.
 */
#include "base/utf8.h"

size_t utf8_len(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	static const unsigned char low[] = {[0xe0 - 0xe0] = 0xa0, [0xf0 - 0xe0] = 0x90};
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (n == 0 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 || s[0] == 0xf0) && s[1] < low[s[0] - 0xe0])
		return 0;
	if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

bool utf8_is_control(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x20 || s[0] == 0x7f)
		return true;
	if (s[0] == 0xc2)
		return s[1] < 0xa0;
	if (s[0] == 0xe2 && s[1] == 0x80) /* U+2028 to U+202E */
		return s[2] >= 0xa8 && s[2] <= 0xae;
	return s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9; /* U+2066 to U+2069 */
}

static bool goes_on(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_count(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += !goes_on(s[i]);
	return count;
}

size_t utf8_cut(const char *s, size_t n)
{
	while (n && goes_on(s[n]))
		n--;
	return n;
}
