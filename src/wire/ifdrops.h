/*
 * ifdrops: how many frames an interface has lost before anybody could capture them, by the files of
 * its driver's counters, held open. libpcap would open them anew, which a process that has given up
 * opening files cannot, and would then take nothing for a count.
 */
#ifndef WIRE_IFDROPS_H
#define WIRE_IFDROPS_H

#include <stdint.h>

enum { IFDROPS_FILES = 2 };

struct ifdrops {
	int fd[IFDROPS_FILES]; /* -1: not told here */
	uint64_t before[IFDROPS_FILES], now[IFDROPS_FILES];
};

/* Counts from now on. An interface without such files, as `any`, never loses any. */
void ifdrops_open(struct ifdrops *d, const char *ifname);
/* Of an interface that is gone: what was last known. */
uint64_t ifdrops_count(struct ifdrops *d);
void ifdrops_close(struct ifdrops *d);

#endif
