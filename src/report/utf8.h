/*
 * utf8: which bytes are UTF-8. What comes from a command line, a file name or the wire may be any
 * bytes; JSON and HTML are UTF-8 all the same.
 */
#ifndef REPORT_UTF8_H
#define REPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* How many bytes the sequence at the NUL-terminated `s` has, 0 where it is none (RFC 3629, 4). */
size_t utf8_len(const char *s);
/* Would a terminal obey the sequence, that is one, and not show it? C0, DEL, C1, and what turns the
 * direction of the text beside it. */
bool utf8_is_command(const char *s);

#endif
