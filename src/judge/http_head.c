/*
 * http_head: line by line, tolerant of a missing CR (RFC 9112, 2.2). It refuses to know chunks, and
 * all fields but Content-Length.
 */
#include "judge/http_head.h"

#include <string.h>

#include "base/bytes.h"

/* No answer is longer: whoever says so says nothing that could be counted on. */
#define LENGTH_MAX (UINT64_C(1) << 48)

/* The next line without its end; false where the end is not there. */
static bool take_line(struct cursor *c, struct cursor *line)
{
	const uint8_t *end = c->left ? memchr(c->p, '\n', c->left) : NULL;
	size_t len;

	if (!end)
		return false;
	len = (size_t)(end - c->p);
	*line = cursor_sub(c, len);
	cursor_skip(c, 1);
	if (len && line->p[len - 1] == '\r')
		line->left--;
	return true;
}

/* Lower case only in `word`. */
static bool begins(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if (c->left < len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t ch = c->p[i];

		if (ch >= 'A' && ch <= 'Z')
			ch = (uint8_t)(ch + 32);
		if (ch != (uint8_t)word[i])
			return false;
	}
	return cursor_skip(c, len);
}

/* Digits and nothing else, blanks around them aside. */
static bool take_number(struct cursor *c, uint64_t *out)
{
	uint64_t n = 0;
	bool any = false;

	while (c->left && (*c->p == ' ' || *c->p == '\t'))
		cursor_skip(c, 1);
	while (c->left && *c->p >= '0' && *c->p <= '9') {
		n = n * 10 + (uint64_t)(cursor_u8(c) - '0');
		if (n > LENGTH_MAX)
			return false;
		any = true;
	}
	while (c->left && (*c->p == ' ' || *c->p == '\t'))
		cursor_skip(c, 1);
	*out = n;
	return any;
}

static unsigned status_of(struct cursor *line)
{
	uint64_t n;

	if (!begins(line, "http/1.") || !cursor_skip(line, 1) || !line->left || *line->p != ' ')
		return 0;
	return take_number(line, &n) && n >= 100 && n <= 999 ? (unsigned)n : 0;
}

void http_head_parse(const uint8_t *octets, size_t len, struct http_head *out)
{
	struct cursor c = cursor_of(octets, len), line;

	*out = (struct http_head){0};
	if (!take_line(&c, &line))
		return;
	out->status = status_of(&line);
	while (out->status && take_line(&c, &line)) {
		uint64_t n;

		if (!line.left) {
			out->len = len - c.left;
			return;
		}
		if (begins(&line, "content-length:") && take_number(&line, &n) && !line.left) {
			out->has_length = true;
			out->length = n;
		}
	}
}
