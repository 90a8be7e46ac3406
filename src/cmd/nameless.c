/* nameless: made without a name where the file system can, else unlinked at once. */
#include "config.h"

#include "cmd/nameless.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int open_nameless(const char *dir)
{
#ifdef O_TMPFILE
	return open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#else
	(void)dir;
	return -1;
#endif
}

FILE *nameless_open(struct err *e)
{
	const char *dir = getenv("TMPDIR");
	char name[512];
	FILE *f;
	int fd;

	if (!dir || !*dir)
		dir = "/tmp";
	snprintf(name, sizeof(name), "%s/rstprobe.XXXXXX", dir);
	fd = open_nameless(dir);
	if (fd < 0) { /* not every system and file system can */
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	f = fd < 0 ? NULL : fdopen(fd, "w+b");
	if (f)
		return f;
	err_sys(e, errno, "%.120s: no temporary file there for -w (TMPDIR names another place)",
		dir);
	if (fd >= 0)
		close(fd);
	return NULL;
}
