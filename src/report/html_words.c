/*
 * html_words: text as markup. The one place where foreign text enters the page, and where it is
 * made harmless; and the few forms that several parts of the page share.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report/html_private.h"
#include "report/reset_words.h"
#include "base/utf8.h"

static const char *entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

/* Controls, C0 and C1, and the marks that turn the direction of what follows: U+200E-200F,
 * U+202A-202E, U+2066-2069. */
static bool steers(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;

	if (utf8_is_control(s))
		return true;
	if (n != 3 || u[0] != 0xe2)
		return false;
	return (u[1] == 0x80 && (u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xaa && u[2] <= 0xae))) ||
	       (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
}

void html_put(struct string *s, const char *text)
{
	while (*text) {
		const char *e = entity(*text);
		size_t n = utf8_len(text);

		if (e)
			string_put(s, e, strlen(e));
		else if (!n || steers(text, n))
			string_put(s, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
		else
			string_put(s, text, n);
		text += n ? n : 1;
	}
}

static void __attribute__((format(printf, 2, 0)))
put_formatted(struct string *s, const char *fmt, va_list ap)
{
	char *text = NULL;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n >= 0)
		text = malloc((size_t)n + 1);
	if (text) {
		vsnprintf(text, (size_t)n + 1, fmt, ap);
		html_put(s, text);
	} else {
		s->failed = true;
	}
	free(text);
}

void html_putf(struct string *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_formatted(s, fmt, ap);
	va_end(ap);
}

void html_line(struct string *s, const char *tag, const char *class_name, const char *fmt, ...)
{
	va_list ap;

	if (class_name)
		string_putf(s, "<%s class=\"%s\">", tag, class_name);
	else
		string_putf(s, "<%s>", tag);
	va_start(ap, fmt);
	put_formatted(s, fmt, ap);
	va_end(ap);
	string_putf(s, "</%s>\n", tag);
}

void html_term(struct string *s, const char *term, const char *fmt, ...)
{
	va_list ap;

	string_putf(s, "<dt>%s</dt><dd>", term);
	va_start(ap, fmt);
	put_formatted(s, fmt, ap);
	va_end(ap);
	string_putf(s, "</dd>\n");
}

void html_number(struct string *s, uint64_t n)
{
	char buf[RESET_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));

	reset_words_number(&t, n);
	html_put(s, buf);
}

void html_duration(struct string *s, uint64_t ns)
{
	char buf[RESET_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));

	reset_words_duration(&t, ns);
	html_put(s, buf);
}

void html_time(struct string *s, uint64_t wall_ns)
{
	char buf[RESET_WORDS_MAX];
	struct text t = text_of(buf, sizeof(buf));

	reset_words_time(&t, wall_ns);
	string_putf(s, "%s UTC", buf);
}
