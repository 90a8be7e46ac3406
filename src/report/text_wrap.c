/*
 * text_wrap: sentences broken at blanks into lines that fit the terminal, a number and its unit
 * kept together. It knows no record.
 */
#include <string.h>

#include "base/utf8.h"
#include "report/text_private.h"

enum { WIDTH_DEFAULT = 80 };

size_t text_width(const struct text_report *t)
{
	return t->style.width ? t->style.width : WIDTH_DEFAULT;
}

static bool is_unit(const char *word, size_t len)
{
	static const char *const units[] = {"us", "ms", "s",  "min",   "h",
					    "kB", "MB", "GB", "octet", "octets"};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i]) == len && !memcmp(units[i], word, len))
			return true;
	return false;
}

/* How much of the text stays together: a word, or a number and its unit. */
static size_t unbroken(const char *text)
{
	size_t word = strcspn(text, " "), unit;

	if (!word || text[word - 1] < '0' || text[word - 1] > '9' || !text[word])
		return word;
	unit = strcspn(text + word + 1, " .,;:)");
	if (is_unit(text + word + 1, unit))
		word += 1 + strcspn(text + word + 1, " ");
	return word;
}

void text_put_from(struct text_report *t, const char *text, size_t column, size_t indent)
{
	struct string *to = &t->line;
	const char *start = text;

	if (!*text)
		return;
	while (*text) {
		size_t word = unbroken(text), columns = utf8_count(text, word);

		if (text != start && column + 1 + columns > text_width(t)) {
			string_putf(to, "\n%*s", (int)indent, "");
			column = indent;
		} else if (text != start) {
			string_putf(to, " ");
			column++;
		}
		string_put(to, text, word);
		column += columns;
		text += word;
		text += strspn(text, " ");
	}
	string_putf(to, "\n");
}

void text_put_paragraph(struct text_report *t, const char *text, size_t indent)
{
	text_put_from(t, text, 0, indent);
}
