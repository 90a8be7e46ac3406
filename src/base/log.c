/*
 * log: one line a call, written by one call, so that lines of two threads don't mix. What comes
 * from outside (names, replies) may hold control characters: none reaches the terminal.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int verbosity;

void log_set_verbosity(int level)
{
	verbosity = level;
}

/* C0, DEL, C1, and what turns the direction of the text beside it; the line ends in a zero. */
static void tame(char *at)
{
	unsigned char *s = (unsigned char *)at;
	bool turns = s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
				      (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));

	if (s[0] < ' ' || s[0] == 0x7f)
		s[0] = '?';
	else if (turns)
		s[0] = s[1] = s[2] = '?';
	else if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0)
		s[0] = s[1] = '?';
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
	for (size_t i = 0; i < len; i++)
		tame(line + i);
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
