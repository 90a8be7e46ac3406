/*
 * hold: takes source ports by binding them, and gives them back. It never listens, so the kernel
 * goes on answering for the ports as for closed ones.
 */
#include "config.h"

#include "wire/hold.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/tcpsock.h"

enum { RANGE_FIRST = 32768, RANGE_LAST = 60999, TRIES = 200 };

struct hold {
	uint16_t first;
	unsigned n;   /* ports wanted */
	unsigned got; /* descriptors open in fd[] */
	const struct privilege_user *user;
	int fd[];
};

/*
 * Bound alone, and shared afterwards. In this order the port must be free of everybody, another
 * holder included; and once ours, other sockets of ours can have it too.
 */
static int take_port(uint16_t port, const struct privilege_user *user)
{
	int family;
	int fd = tcpsock_bind(port, false, user, &family);

	if (fd >= 0 && tcpsock_share(fd) < 0)
		return tcpsock_drop(fd);
	return fd;
}

static void release(struct hold *h)
{
	while (h->got > 0)
		close(h->fd[--h->got]);
}

/* All n from `first` on, or none and errno. */
static int take_run(struct hold *h, uint16_t first)
{
	int saved;

	h->first = first;
	while (h->got < h->n) {
		int fd = take_port((uint16_t)(first + h->got), h->user);

		if (fd < 0) {
			saved = errno;
			release(h);
			errno = saved;
			return -1;
		}
		h->fd[h->got++] = fd;
	}
	return 0;
}

static int take_random(struct hold *h, struct err *e)
{
	unsigned span = RANGE_LAST - RANGE_FIRST + 1 - h->n + 1;

	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t r;

		if (getentropy(&r, sizeof(r)) < 0)
			return err_sys(e, errno, "source ports: no randomness");
		if (take_run(h, (uint16_t)(RANGE_FIRST + r % span)) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return err_sys(e, errno, "source ports: cannot hold %u of them", h->n);
	}
	return err_set(
	    e,
	    "source ports: no %u consecutive free ones found in %d-%d (fewer --retries or "
	    "--probe kinds need fewer, or give one with -g)",
	    h->n, RANGE_FIRST, RANGE_LAST);
}

static int take_fixed(struct hold *h, uint16_t first, struct err *e)
{
	if (first + h->n - 1 > UINT16_MAX)
		return err_set(e, "source port %u: %u ports from there on run past 65535", first,
			       h->n);
	if (take_run(h, first) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return err_set(
		    e,
		    "source port %u: in use by another program here (choose another with -g; "
		    "`ss -tan sport = %u` shows whose it is)",
		    first, first);
	if (errno == EACCES)
		return err_set(e,
			       "source port %u: permission denied (ports below 1024 need "
			       "CAP_NET_BIND_SERVICE; choose a higher one with -g)",
			       first);
	return err_sys(e, errno, "source port %u", first);
}

struct hold *hold_ports(unsigned n, uint16_t fixed, const struct privilege_user *user,
			struct err *e)
{
	struct hold *h;

	assert(n > 0 && n <= RANGE_LAST - RANGE_FIRST + 1);
	h = calloc(1, sizeof(*h) + n * sizeof(h->fd[0]));
	if (!h) {
		err_sys(e, ENOMEM, "source ports");
		return NULL;
	}
	h->n = n;
	h->user = user;
	if ((fixed ? take_fixed(h, fixed, e) : take_random(h, e)) < 0) {
		hold_free(h);
		return NULL;
	}
	return h;
}

uint16_t hold_first(const struct hold *h)
{
	return h->first;
}

void hold_free(struct hold *h)
{
	if (!h)
		return;
	release(h);
	free(h);
}
