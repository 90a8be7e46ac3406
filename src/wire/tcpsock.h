/*
 * tcpsock: an unconnected TCP socket that has a port in both families at once. What it is for, to
 * hold the port or to listen, is its caller's.
 */
#ifndef WIRE_TCPSOCK_H
#define WIRE_TCPSOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/privilege.h"

/* A dual-stack socket bound to `port` at every address, IPv4 alone where there is no IPv6; what it
 * is, AF_INET6 or AF_INET, goes to `*family`. `shared`: beside other sockets of that port that are
 * shared too. It belongs to `user` (NULL: who calls), since only sockets of one user are shared.
 * The descriptor, or -1 with errno. */
int tcpsock_bind(uint16_t port, bool shared, const struct privilege_user *user, int *family);

/* Lets other sockets of ours have its port too, listeners among them: SO_REUSEADDR, and
 * SO_REUSEPORT (which wants one user) because beside a listener the former isn't enough. */
int tcpsock_share(int fd);

/* close() that leaves errno alone; -1, so that `return tcpsock_drop(fd)` reads well. */
int tcpsock_drop(int fd);

#endif
