/*
 * policy_lex: tokens of one line of a policy: words, texts in quotes, comments. It refuses what no
 * editor shows, control characters and octets that are no UTF-8, and knows no grammar.
 */
#include "engine/policy_private.h"

#include <string.h>

#include "base/utf8.h"

static unsigned column_of(const char *line, const char *at)
{
	return 1 + (unsigned)utf8_count(line, (size_t)(at - line));
}

unsigned policy_column(const struct policy_lexer *x, const char *at)
{
	return column_of(x->line, at);
}

/* Of a control character, the last octet's bits and, where there are three, those before. */
static unsigned code_of(const char *s, size_t n)
{
	unsigned last = (unsigned char)s[n - 1];

	return n < 3 ? last : 0x2000U + ((unsigned char)s[1] & 0x3fU) * 64 + (last & 0x3fU);
}

int policy_check_line(struct policy_reading *r, const char *line)
{
	const char *s = line;

	while (*s) {
		size_t n = utf8_len(s);

		if (!n)
			return policy_fail(r, column_of(line, s),
					   "octet 0x%02x is no UTF-8; save the file as UTF-8",
					   (unsigned char)*s);
		if (utf8_is_control(s) && *s != '\t')
			return policy_fail(r, column_of(line, s),
					   "a control character, U+%04X; delete it", code_of(s, n));
		s += n;
	}
	return 0;
}

const char *policy_shown(const char *word, char buf[POLICY_SHOWN])
{
	size_t n = strlen(word);

	if (n < POLICY_SHOWN) {
		memcpy(buf, word, n + 1);
		return buf;
	}
	n = utf8_cut(word, POLICY_SHOWN - 4);
	memcpy(buf, word, n);
	memcpy(buf + n, "...", 4);
	return buf;
}

/* --- tokens ------------------------------------------------------------------------------- */

static bool ends_word(const struct policy_lexer *x, char c)
{
	return !c || strchr(" \t#\"", c) || strchr(x->stop, c);
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* The line from `at` to `end` becomes the token's text. */
static void take(struct policy_lexer *x, const char *end)
{
	size_t n = (size_t)(end - x->at);

	memcpy(x->room, x->at, n);
	x->room[n] = '\0';
	x->text = x->room;
	x->room += n + 1;
	x->s = end;
}

/* "text", in which \" and \\ are a quote and a backslash. */
static int next_text(struct policy_reading *r, struct policy_lexer *x)
{
	char *out = x->room;
	const char *s = x->at + 1;

	for (; *s && *s != '"'; s++) {
		if (*s == '\t')
			return policy_fail(r, policy_column(x, s),
					   "a tab within a text; write blanks");
		if (*s == '\\' && (s[1] == '"' || s[1] == '\\'))
			s++;
		*out++ = *s;
	}
	*out++ = '\0';
	if (!*s)
		return policy_fail_here(r, x, "the quote that closes this text is missing");
	x->token = TOKEN_TEXT;
	x->text = x->room;
	x->room = out;
	x->s = s + 1;
	if (!ends_word(x, *x->s) || *x->s == '"')
		return policy_fail(r, policy_column(x, x->s),
				   "a blank is missing behind the closing quote");
	return 0;
}

int policy_next(struct policy_reading *r, struct policy_lexer *x)
{
	const char *end;

	x->at = end = skip_blanks(x->s);
	if (*x->at == '"')
		return next_text(r, x);
	while (!ends_word(x, *end))
		end++;
	if (*end == '"')
		return policy_fail(r, policy_column(x, end),
				   "a blank is missing in front of the quote");
	x->token = !*x->at || *x->at == '#' ? TOKEN_END : TOKEN_WORD;
	take(x, end);
	return 0;
}

void policy_widen(struct policy_lexer *x)
{
	const char *end = x->s;

	for (;;) {
		const char *next = skip_blanks(end);

		if (ends_word(x, *next) || (end[-1] != ',' && *next != ','))
			break;
		for (end = next; !ends_word(x, *end);)
			end++;
	}
	x->room -= strlen(x->text) + 1;
	take(x, end);
}
