/*
 * links: reads the kernel's notices of interfaces and addresses. It refuses to know which matter.
 * The notices begin with a dump, so that the first reading and every later one are one path.
 */
#include "config.h"

#include "wire/links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BUFFER = 32768,
	NOTICES = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
};

struct links {
	struct mnl_socket *nl;
	_Alignas(struct nlmsghdr) char buf[BUFFER];
};

struct reading {
	link_fn *fn;
	link_bereft_fn *bereft;
	void *ctx;
};

static int ask_all(struct links *l)
{
	_Alignas(struct nlmsghdr) char buf[64];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = (uint32_t)time(NULL);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	return mnl_socket_sendto(l->nl, h, h->nlmsg_len) < 0 ? -1 : 0;
}

struct links *links_open(struct err *e)
{
	struct links *l = calloc(1, sizeof(*l));

	if (!l) {
		err_sys(e, ENOMEM, "interface notices");
		return NULL;
	}
	l->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!l->nl || mnl_socket_bind(l->nl, NOTICES, MNL_SOCKET_AUTOPID) < 0 || ask_all(l) < 0) {
		err_sys(e, errno, "interface notices: netlink");
		links_close(l);
		return NULL;
	}
	return l;
}

void links_close(struct links *l)
{
	if (!l)
		return;
	if (l->nl)
		mnl_socket_close(l->nl);
	free(l);
}

int links_fd(const struct links *l)
{
	return mnl_socket_get_fd(l->nl);
}

/* An IPv4 address on a point-to-point link is IFA_LOCAL, where IFA_ADDRESS is the peer's. */
static bool find_address(const struct nlmsghdr *h, struct addr *a)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	bool v4 = ifa->ifa_family == AF_INET;
	struct nlattr *at;

	*a = (struct addr){.family = v4 ? ADDR_V4 : ADDR_V6};
	mnl_attr_for_each(at, h, sizeof(*ifa))
	{
		if (mnl_attr_get_type(at) != (v4 ? IFA_LOCAL : IFA_ADDRESS) ||
		    mnl_attr_get_payload_len(at) != addr_len(a))
			continue;
		memcpy(a->b, mnl_attr_get_payload(at), addr_len(a));
		a->zone = addr_is_link_local(a) ? ifa->ifa_index : 0;
		return true;
	}
	return false;
}

static void on_address_gone(const struct reading *r, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct addr a;

	if (r->bereft && mnl_nlmsg_get_payload_len(h) >= sizeof(*ifa) &&
	    (ifa->ifa_family == AF_INET || ifa->ifa_family == AF_INET6) && find_address(h, &a))
		r->bereft(r->ctx, ifa->ifa_index, &a);
}

static int on_message(const struct nlmsghdr *h, void *data)
{
	const struct reading *r = data;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	enum link_state state = LINK_UP;

	if (h->nlmsg_type == RTM_DELADDR)
		on_address_gone(r, h);
	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return MNL_CB_OK;
	/* of AF_BRIDGE, DELLINK says that a port left its bridge, not that it is gone */
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*ifi) || ifi->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	if (h->nlmsg_type == RTM_DELLINK)
		state = LINK_GONE;
	else if (!(ifi->ifi_flags & IFF_UP))
		state = LINK_DOWN;
	else if (!(ifi->ifi_flags & IFF_LOWER_UP))
		state = LINK_NO_CARRIER;
	r->fn(r->ctx, (uint32_t)ifi->ifi_index, state);
	return MNL_CB_OK;
}

void links_read(struct links *l, link_fn *fn, link_bereft_fn *bereft, void *ctx)
{
	struct reading r = {.fn = fn, .bereft = bereft, .ctx = ctx};
	ssize_t n;

	for (;;) {
		n = mnl_socket_recvfrom(l->nl, l->buf, sizeof(l->buf));
		if (n > 0)
			mnl_cb_run(l->buf, (size_t)n, 0, 0, on_message, &r);
		else if (n < 0 && errno == ENOBUFS)
			ask_all(l); /* notices were lost: ask anew */
		else if (n == 0 || errno != EINTR)
			return;
	}
}

bool links_ethernet(const char *ifname, uint8_t mac[6])
{
	struct ifreq r = {0};
	bool is = false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	memcpy(r.ifr_name, ifname, strnlen(ifname, sizeof(r.ifr_name) - 1));
	if (ioctl(fd, SIOCGIFFLAGS, &r) < 0 ||
	    (r.ifr_flags & (IFF_LOOPBACK | IFF_NOARP | IFF_POINTOPOINT)))
		goto out;
	if (ioctl(fd, SIOCGIFHWADDR, &r) < 0 || r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		goto out;
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
	is = true;
out:
	close(fd);
	return is;
}
