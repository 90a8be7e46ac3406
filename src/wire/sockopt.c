/*
 * sockopt: Linux's socket options. It refuses to judge what it means where one can't be had: its
 * callers know what they lose.
 */
#include "config.h"

#include "wire/sockopt.h"

#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"

int sockopt_interface(int fd, const char *ifname)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname));
}

void sockopt_send_room(int fd, int octets)
{
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets)) < 0)
		(void)!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
}

/*
 * Without this the kernel says of what the queue had no room for that it was sent. Else it changes
 * nothing: of ICMP errors a socket of protocol 255 gets none about TCP, and nothing that is queued
 * fails a send.
 */
void sockopt_tell_no_room(int fd, uint8_t family)
{
	int on = 1;

	if (family == ADDR_V4)
		(void)!setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	else
		(void)!setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}

/* Linux 4.20 and later. */
bool sockopt_incoming_only(int fd)
{
#ifdef PACKET_IGNORE_OUTGOING
	int on = 1;

	return setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) == 0;
#else
	(void)fd;
	return false;
#endif
}

bool sockopt_tsval(int fd, uint32_t *tsval)
{
	socklen_t len = sizeof(*tsval);

	return getsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, tsval, &len) == 0;
}
