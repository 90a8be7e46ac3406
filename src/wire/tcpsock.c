/* tcpsock: one port, both families, one descriptor. It refuses to choose the port. */
#include "config.h"

#include "wire/tcpsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

int tcpsock_drop(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

static int bind_any(int fd, int family, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int off = 0;

	if (family == AF_INET)
		return bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
}

int tcpsock_share(int fd)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

/* Where it can't be given away, connections of the later user can't have its port. */
static void give_to(int fd, const struct privilege_user *user)
{
	if (user && user->change && fchown(fd, user->uid, (gid_t)-1) < 0)
		log_info("a source port stays root's: %s", strerror(errno));
}

int tcpsock_bind(uint16_t port, bool shared, const struct privilege_user *user, int *family)
{
	int fd = socket(*family = AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT))
		fd = socket(*family = AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return -1;
	give_to(fd, user);
	if (shared && tcpsock_share(fd) < 0)
		return tcpsock_drop(fd);
	if (bind_any(fd, *family, port) < 0)
		return tcpsock_drop(fd);
	return fd;
}
