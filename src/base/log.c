/*
 * log: one line a call, written by one call, so that lines of two threads don't mix. What comes
 * from outside (names, replies) may hold control characters: none reaches the terminal.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static int verbosity;

void log_set_verbosity(int level)
{
	verbosity = level;
}

/* As many marks as there were octets. */
static void tame(char *line)
{
	while (*line) {
		size_t n = utf8_len(line);

		if (n && utf8_is_control(line))
			memset(line, '?', n);
		line += n ? n : 1;
	}
}

__attribute__((format(printf, 2, 0))) static void put_line(int level, const char *fmt, va_list ap)
{
	char line[1024];
	size_t len;

	if (level > verbosity)
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	len = strlen(line);
	/* libnet's own error texts end in a newline */
	while (len && line[len - 1] == '\n')
		line[--len] = '\0';
	tame(line);
	fprintf(stderr, "rstprobe: %s\n", line);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(-1, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(0, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(1, fmt, ap);
	va_end(ap);
}
