/*
 * quiet: listeners that hear nothing. It tries both means on each, because which of them the kernel
 * grants shows only by trying; it refuses to look at capabilities or kernel versions.
 */
#include "config.h"

#include "wire/quiet.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/tcpsock.h"

/* In the kernel's headers, but not in those of every libc. */
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

struct quiet {
	bool ttl255;
	unsigned n; /* descriptors open in fd[] */
	int fd[];
};

/* "ret 0": of no packet the TCP above gets a byte. */
static bool drop_all(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &nothing};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0;
}

/* IPv4 packets to a dual-stack socket are measured by IP_MINTTL, which it takes as well. */
static bool drop_below_255(int fd, int family)
{
	int all = 255;

	if (setsockopt(fd, IPPROTO_IP, IP_MINTTL, &all, sizeof(all)) < 0)
		return false;
	return family == AF_INET ||
	       setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &all, sizeof(all)) == 0;
}

/* Deaf before it listens: there is no moment at which it would answer a SYN. */
static int listen_deaf(uint16_t port, const struct privilege_user *user, bool *filtered)
{
	int family;
	int fd = tcpsock_bind(port, true, user, &family);
	bool below;

	if (fd < 0)
		return -1;
	*filtered = drop_all(fd);
	below = drop_below_255(fd, family);
	if ((!*filtered && !below) || listen(fd, 1) < 0)
		return tcpsock_drop(fd);
	return fd;
}

struct quiet *quiet_open(uint16_t first, unsigned n, const struct privilege_user *user,
			 struct err *e)
{
	struct quiet *q;

	assert(n > 0 && first + n - 1 <= UINT16_MAX);
	q = calloc(1, sizeof(*q) + n * sizeof(q->fd[0]));
	if (!q) {
		err_sys(e, ENOMEM, "quiet ports");
		return NULL;
	}
	q->ttl255 = true;
	while (q->n < n) {
		uint16_t port = (uint16_t)(first + q->n);
		bool filtered = false;
		int fd = listen_deaf(port, user, &filtered);

		if (fd < 0) {
			err_sys(e, errno, "source port %u: the local kernel can't be kept silent",
				port);
			quiet_free(q);
			return NULL;
		}
		q->fd[q->n++] = fd;
		q->ttl255 = q->ttl255 && filtered;
	}
	return q;
}

void quiet_free(struct quiet *q)
{
	if (!q)
		return;
	while (q->n > 0)
		close(q->fd[--q->n]);
	free(q);
}

bool quiet_ttl255(const struct quiet *q)
{
	return q->ttl255;
}
