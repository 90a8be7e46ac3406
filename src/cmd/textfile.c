/* textfile: reads to the end or refuses: half a list of targets would be a silent lie. */
#include "cmd/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 << 20 };

char *textfile_read(const char *path, struct err *e)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t cap = 1 << 16, len = 0, got;
	const char *bad = NULL;
	char *text = NULL;

	if (!f) {
		err_sys(e, errno, "cannot read %s", path);
		return NULL;
	}
	text = malloc(cap);
	while (text && (got = fread(text + len, 1, cap - len - 1, f)) > 0) {
		len += got;
		if (len + 1 == cap && cap < FILE_MAX) {
			char *more = realloc(text, cap *= 2);

			if (!more)
				free(text);
			text = more;
		}
	}
	if (!text)
		bad = "out of memory";
	else if (ferror(f))
		bad = strerror(errno);
	else if (len + 1 == cap)
		bad = "larger than 256 MB";
	else if (memchr(text, '\0', len))
		bad = "no text: it holds a zero byte";
	else
		text[len] = '\0';
	if (bad) {
		err_set(e, "cannot read %s: %s", path, bad);
		free(text);
		text = NULL;
	}
	if (f != stdin)
		fclose(f);
	return text;
}
