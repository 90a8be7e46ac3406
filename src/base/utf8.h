/*
 * utf8: which bytes are UTF-8. What comes from a command line, a file name or the wire may be any
 * bytes; JSON, HTML and policies are UTF-8 all the same.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* How many bytes the sequence at the NUL-terminated `s` has, 0 where it is none (RFC 3629, 4). */
size_t utf8_len(const char *s);
/* What a terminal may obey, and does not show: C0, DEL, C1, and what turns the direction of the
 * text beside it. Of a sequence that is one. */
bool utf8_is_control(const char *s);
/* Characters among the first `n` bytes: columns, as a terminal counts, but for wide ones. */
size_t utf8_count(const char *s, size_t n);
/* At most `n`, so that no character is cut in two there. */
size_t utf8_cut(const char *s, size_t n);

#endif
