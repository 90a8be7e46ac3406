/*
 * nofile: the limit of descriptors, asked for and raised as far as the hard one goes. It refuses to
 * know what they are for.
 */
#include "config.h"

#include "wire/nofile.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors are given from the lowest free number on, and few are closed out of order here: that
 * number is about how many there are. */
static rlim_t in_use(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return STDERR_FILENO + 1;
	close(fd);
	return (rlim_t)fd;
}

size_t nofile_room(size_t wanted)
{
	rlim_t others = in_use() + NOFILE_SPARE, need = others + wanted;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return wanted;
	if (r.rlim_cur < need) {
		rlim_t soft = r.rlim_cur;

		r.rlim_cur = r.rlim_max < need ? r.rlim_max : need;
		if (setrlimit(RLIMIT_NOFILE, &r) < 0)
			r.rlim_cur = soft;
	}
	if (r.rlim_cur >= need)
		return wanted;
	return r.rlim_cur > others ? (size_t)(r.rlim_cur - others) : 1;
}
