/*
 * line: JSON without a tree. Whether a comma is due is told by the last character written, so that
 * nothing is kept between the calls.
 */
#include "report/line.h"

#include <string.h>

#include "base/utf8.h"

static void put_char(struct string *t, char c)
{
	string_put(t, &c, 1);
}

/* What stands for the octet inside a string: a short escape, or \u00xx. */
static void put_escape(struct string *t, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\b\n\r\t\f\"\\", to[] = "bnrtf\"\\";
	const char *at = strchr(from, c);
	char u[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	if (at) {
		put_char(t, '\\');
		put_char(t, to[at - from]);
	} else {
		string_put(t, u, sizeof(u));
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

void line_put_text(struct string *t, const char *s)
{
	put_char(t, '"');
	while (*s) {
		size_t n = 0;

		while (is_plain((unsigned char)s[n]))
			n++;
		string_put(t, s, n);
		s += n;
		if (!*s)
			break;
		n = utf8_len(s);
		if (n > 1)
			string_put(t, s, n);
		else if (n == 0)
			string_put(t, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
		else
			put_escape(t, (unsigned char)*s);
		s += n ? n : 1;
	}
	put_char(t, '"');
}

static void comma(struct string *t)
{
	char last = t->len ? t->s[t->len - 1] : '{';

	if (last != '{' && last != '[')
		put_char(t, ',');
}

static void put_key(struct string *t, const char *key)
{
	comma(t);
	put_char(t, '"');
	string_put(t, key, strlen(key));
	string_put(t, "\":", 2);
}

void line_begin(struct string *t, const char *type)
{
	put_char(t, '{');
	line_text(t, "type", type);
}

void line_text(struct string *t, const char *key, const char *value)
{
	put_key(t, key);
	line_put_text(t, value);
}

void line_u64(struct string *t, const char *key, uint64_t value)
{
	put_key(t, key);
	string_put_u64(t, value);
}

void line_text_or_null(struct string *t, const char *key, const char *value)
{
	put_key(t, key);
	if (value)
		line_put_text(t, value);
	else
		string_put(t, "null", 4);
}

void line_bool(struct string *t, const char *key, bool value)
{
	put_key(t, key);
	string_put(t, value ? "true" : "false", value ? 4 : 5);
}

void line_open(struct string *t, const char *key, char bracket)
{
	put_key(t, key);
	put_char(t, bracket);
}

void line_item(struct string *t, const char *value)
{
	comma(t);
	line_put_text(t, value);
}

void line_item_open(struct string *t)
{
	comma(t);
	put_char(t, '{');
}

void line_close(struct string *t, char bracket)
{
	put_char(t, bracket);
}

void line_end(struct string *t)
{
	string_put(t, "}\n", 2);
}
