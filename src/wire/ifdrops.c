/*
 * ifdrops: Linux has its counters as text below /sys/class/net. No other counts than those that
 * libpcap adds up: other losses of an interface are of frames that nobody asked for.
 */
#include "config.h"

#include "wire/ifdrops.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"

static const char *const names[IFDROPS_FILES] = {"rx_missed_errors", "rx_fifo_errors"};

static bool read_one(int fd, uint64_t *n)
{
	char digits[32];
	ssize_t len = fd < 0 ? -1 : pread(fd, digits, sizeof(digits) - 1, 0);

	if (len <= 0)
		return false;
	digits[len] = '\0';
	*n = strtoull(digits, NULL, 10);
	return true;
}

void ifdrops_open(struct ifdrops *d, const char *ifname)
{
	for (size_t i = 0; i < IFDROPS_FILES; i++) {
		char path[96];
		struct text t = text_of(path, sizeof(path));

		text_putf(&t, "/sys/class/net/%s/statistics/%s", ifname, names[i]);
		d->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
		d->before[i] = 0;
		read_one(d->fd[i], &d->before[i]);
		d->now[i] = d->before[i];
	}
}

uint64_t ifdrops_count(struct ifdrops *d)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < IFDROPS_FILES; i++) {
		read_one(d->fd[i], &d->now[i]);
		if (d->now[i] > d->before[i])
			sum += d->now[i] - d->before[i];
	}
	return sum;
}

void ifdrops_close(struct ifdrops *d)
{
	for (size_t i = 0; i < IFDROPS_FILES; i++)
		if (d->fd[i] >= 0)
			close(d->fd[i]);
}
