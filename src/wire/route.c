/*
 * route: cuts address intervals where the kernel's choice of a path may change, and asks it once
 * a piece. It refuses to reproduce that choice: rules and tables only tell where to cut.
 */
#include "config.h"

#include "wire/route.h"

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"

enum { BUFFER = 32768, DUMP_TRIES = 5 };

/* Sorted addresses, zone 0, at which another path may begin. */
struct cuts {
	struct addr *v;
	size_t n, cap;
	bool loaded, no_memory;
	uint8_t family;
	/* the last question that had a way for an answer, and for how many addresses */
	struct addr last;
	uint64_t last_run;
	uint16_t last_path;
};

struct route {
	struct mnl_socket *nl;
	uint32_t seq;
	struct route_wish wish;
	uint32_t oif;	/* of -i; 0 none */
	bool broadcast; /* the last one asked for was */
	struct cuts cuts[2];
	struct path *paths;
	size_t n_paths, cap_paths;
	_Alignas(struct nlmsghdr) char buf[BUFFER];
};

/* What the kernel said of one destination. */
struct answer {
	bool got;
	uint8_t type; /* RTN_ */
	uint32_t oif, mtu;
	struct addr src, next_hop;
};

uint32_t route_ifindex(const char *name)
{
	return if_nametoindex(name);
}

const char *route_ifname(uint32_t index, char buf[16])
{
	return if_indextoname(index, buf);
}

static int af_of(uint8_t family)
{
	return family == ADDR_V4 ? AF_INET : AF_INET6;
}

static struct addr addr_of(int af, const void *p, size_t len)
{
	struct addr a = {0};

	if ((af == AF_INET && len == 4) || (af == AF_INET6 && len == 16)) {
		a.family = af == AF_INET ? ADDR_V4 : ADDR_V6;
		memcpy(a.b, p, len);
	}
	return a;
}

/* One request and all of its answers. 0, the errno that the kernel answers, or -1 with `e`. */
static int ask(struct route *r, struct nlmsghdr *h, mnl_cb_t cb, void *data, struct err *e)
{
	unsigned port = mnl_socket_get_portid(r->nl);
	ssize_t n;
	int rc;

	h->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->nl, h, h->nlmsg_len) < 0)
		return err_sys(e, errno, "routes: netlink");
	do {
		n = mnl_socket_recvfrom(r->nl, r->buf, sizeof(r->buf));
		if (n < 0 && errno == EINTR) {
			rc = MNL_CB_OK;
			continue;
		}
		if (n < 0)
			return err_sys(e, errno, "routes: netlink");
		rc = mnl_cb_run(r->buf, (size_t)n, r->seq, port, cb, data);
		/* what is left of a dump that was broken off */
		if (rc < 0 && errno == EPROTO)
			rc = MNL_CB_OK;
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? errno : 0;
}

/* --- where to cut ------------------------------------------------------------------------- */

static void cuts_add(struct cuts *c, const struct addr *a)
{
	if (!array_grow(&c->v, c->n, &c->cap, sizeof(*c->v))) {
		c->no_memory = true;
		return;
	}
	c->v[c->n++] = *a;
}

static void cuts_add_prefix(struct cuts *c, const struct addr *a, unsigned bits)
{
	struct addr first = addr_first(*a, bits);
	struct addr last = addr_last(*a, bits);
	struct addr top = addr_last(*a, 0);

	cuts_add(c, &first);
	if (!addr_equal(&last, &top)) {
		last = addr_add(last, 1);
		cuts_add(c, &last);
	}
}

/* Of a route or of a rule: their headers agree in the fields read here (linux/fib_rules.h), and
 * FRA_DST is RTA_DST. */
static int on_prefix(const struct nlmsghdr *h, void *data)
{
	struct cuts *c = data;
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct nlattr *at;
	struct addr a;

	_Static_assert(sizeof(struct fib_rule_hdr) == sizeof(struct rtmsg) &&
			   (int)FRA_DST == (int)RTA_DST,
		       "rules are read as routes");
	if (mnl_nlmsg_get_payload_len(h) < sizeof(*rt) || rt->rtm_family != af_of(c->family))
		return MNL_CB_OK;
	if (h->nlmsg_type == RTM_NEWROUTE && (rt->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	mnl_attr_for_each(at, h, sizeof(*rt))
	{
		if (mnl_attr_get_type(at) != RTA_DST)
			continue;
		a = addr_of(rt->rtm_family, mnl_attr_get_payload(at), mnl_attr_get_payload_len(at));
		if (a.family && rt->rtm_dst_len <= addr_bits(&a))
			cuts_add_prefix(c, &a, rt->rtm_dst_len);
	}
	return MNL_CB_OK;
}

static int dump(struct route *r, struct cuts *c, uint16_t type, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[128];
	size_t before = c->n;
	int rc = EINTR;

	/* EINTR: the tables changed under the dump */
	for (int i = 0; i < DUMP_TRIES && rc == EINTR; i++) {
		struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
		struct rtmsg *rt;

		h->nlmsg_type = type;
		h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));
		rt->rtm_family = (unsigned char)af_of(c->family);
		c->n = before;
		rc = ask(r, h, on_prefix, c, e);
	}
	if (c->no_memory)
		return err_sys(e, ENOMEM, "routes");
	/* a kernel without policy routing has no rules, one without IPv6 none of its routes */
	if (rc == EOPNOTSUPP || rc == EAFNOSUPPORT)
		return 0;
	return rc > 0 ? err_sys(e, rc, "routes: dump") : rc;
}

static int compare(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

static int load(struct route *r, struct cuts *c, struct err *e)
{
	size_t kept = 0;

	if (c->loaded)
		return 0;
	c->n = 0;
	if (dump(r, c, RTM_GETROUTE, e) < 0 || dump(r, c, RTM_GETRULE, e) < 0)
		return -1;
	if (c->n > 0)
		qsort(c->v, c->n, sizeof(c->v[0]), compare);
	for (size_t i = 0; i < c->n; i++) {
		if (kept == 0 || !addr_equal(&c->v[kept - 1], &c->v[i]))
			c->v[kept++] = c->v[i];
	}
	c->n = kept;
	c->loaded = true;
	return 0;
}

/* How many addresses from `first` on lie before the next cut; `count` at most. */
static uint64_t run_length(const struct cuts *c, const struct addr *first, uint64_t count)
{
	struct addr plain = *first;
	size_t lo = 0, hi = c->n;
	uint64_t n;

	plain.zone = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&c->v[mid], &plain) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == c->n)
		return count;
	n = addr_diff(&plain, &c->v[lo]);
	return n < count ? n : count;
}

/* --- what the kernel chooses -------------------------------------------------------------- */

static void read_metrics(const struct nlattr *nest, struct answer *out)
{
	struct nlattr *at;

	mnl_attr_for_each_nested(at, nest)
	{
		if (mnl_attr_get_type(at) == RTAX_MTU && mnl_attr_get_payload_len(at) == 4)
			out->mtu = mnl_attr_get_u32(at);
	}
}

static void read_attr(const struct nlattr *at, int af, struct answer *out)
{
	const void *p = mnl_attr_get_payload(at);
	size_t len = mnl_attr_get_payload_len(at);

	switch (mnl_attr_get_type(at)) {
	case RTA_OIF:
		if (len == 4)
			out->oif = mnl_attr_get_u32(at);
		break;
	case RTA_PREFSRC: out->src = addr_of(af, p, len); break;
	case RTA_GATEWAY: out->next_hop = addr_of(af, p, len); break;
	case RTA_VIA: /* a next hop of the other family */
		if (len > sizeof(struct rtvia)) {
			const struct rtvia *via = p;

			out->next_hop =
			    addr_of(via->rtvia_family, via->rtvia_addr, len - sizeof(*via));
		}
		break;
	case RTA_METRICS: read_metrics(at, out); break;
	default: break;
	}
}

static int on_answer(const struct nlmsghdr *h, void *data)
{
	struct answer *out = data;
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct nlattr *at;

	if (h->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(h) < sizeof(*rt))
		return MNL_CB_OK;
	out->got = true;
	out->type = rt->rtm_type;
	mnl_attr_for_each(at, h, sizeof(*rt)) read_attr(at, rt->rtm_family, out);
	return MNL_CB_STOP;
}

/* As `ask`. */
static int ask_route(struct route *r, const struct addr *dst, uint32_t oif, const struct addr *src,
		     struct answer *out, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *rt;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST;
	rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));
	rt->rtm_family = (unsigned char)af_of(dst->family);
	rt->rtm_dst_len = (unsigned char)addr_bits(dst);
	mnl_attr_put(h, RTA_DST, addr_len(dst), dst->b);
	if (src) {
		rt->rtm_src_len = (unsigned char)addr_bits(src);
		mnl_attr_put(h, RTA_SRC, addr_len(src), src->b);
	}
	if (oif)
		mnl_attr_put_u32(h, RTA_OIF, oif);
	*out = (struct answer){0};
	return ask(r, h, on_answer, out, e);
}

static const char *name_of(const struct addr *a, char buf[ADDR_TEXT])
{
	char zone[16];

	return addr_format_zone(a, a->zone ? route_ifname(a->zone, zone) : NULL, buf);
}

/* Why the kernel will not: by an errno or, for IPv6, by the type of the route. Fills `e`. */
static int refuse(const struct addr *dst, int errnum, uint8_t type, struct err *e)
{
	char name[ADDR_TEXT];

	name_of(dst, name);
	if (type == RTN_BROADCAST)
		return err_set(e, "%s: a broadcast address of this network is not probed", name);
	if (type == RTN_MULTICAST)
		return err_set(e, "%s: a multicast address is not probed", name);
	if (type == RTN_PROHIBIT || errnum == EACCES)
		return err_set(e, "%s: a route here prohibits it (ip route get %s)", name, name);
	if (type == RTN_BLACKHOLE || errnum == EINVAL)
		return err_set(e, "%s: a blackhole route here swallows it (ip route get %s)", name,
			       name);
	if (type == RTN_UNREACHABLE || errnum == EHOSTUNREACH)
		return err_set(e,
			       "%s: no route to it, or one that says unreachable (ip route get %s)",
			       name, name);
	if (errnum == ENETUNREACH || type == RTN_THROW || errnum == 0)
		return err_set(
		    e, "%s: no route to it (ip route add ..., or choose the way with -i)", name);
	return err_sys(e, errnum, "%s: no route", name);
}

static uint32_t link_mtu(const char *ifname)
{
	struct ifreq q = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t mtu = 0;

	if (fd < 0)
		return 0;
	snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFMTU, &q) == 0 && q.ifr_mtu > 0)
		mtu = (uint32_t)q.ifr_mtu;
	close(fd);
	return mtu;
}

static bool same_path(const struct path *a, const struct path *b)
{
	return a->ifindex == b->ifindex && addr_equal(&a->src, &b->src) &&
	       addr_equal(&a->next_hop, &b->next_hop) && a->mtu == b->mtu;
}

/* The index of `p` among the paths, added where it is new; -1 with `e`. */
static int keep_path(struct route *r, const struct path *p, struct err *e)
{
	size_t i;

	for (i = 0; i < r->n_paths; i++) {
		if (same_path(&r->paths[i], p))
			return (int)i;
	}
	if (i == PATH_NONE)
		return err_set(e, "routes: more than %d different ways out", PATH_NONE);
	if (i == r->cap_paths) {
		size_t cap = i ? 2 * i : 8;
		struct path *v = reallocarray(r->paths, cap, sizeof(*v));

		if (!v)
			return err_sys(e, ENOMEM, "routes");
		r->paths = v;
		r->cap_paths = cap;
	}
	r->paths[r->n_paths++] = *p;
	return (int)i;
}

/* Turns the kernel's answer into a path. False with the reason in `e` where it is none. */
static bool path_of(struct route *r, const struct addr *dst, const struct answer *a, struct path *p,
		    struct err *e)
{
	char name[ADDR_TEXT];
	uint32_t real = dst->zone ? dst->zone : a->oif;
	bool local = a->type == RTN_LOCAL;

	if (a->type != RTN_UNICAST && a->type != RTN_LOCAL) {
		r->broadcast = a->type == RTN_BROADCAST;
		refuse(dst, 0, a->type, e);
		return false;
	}
	*p = (struct path){.ifindex = local ? route_ifindex("lo") : a->oif, .mtu = a->mtu};
	if (!p->ifindex || !route_ifname(p->ifindex, p->ifname)) {
		err_set(e, "%s: its interface (number %u) is gone", name_of(dst, name), a->oif);
		return false;
	}
	p->loopback = strcmp(p->ifname, "lo") == 0;
	p->next_hop = a->next_hop;
	if (addr_is_link_local(&p->next_hop))
		p->next_hop.zone = a->oif;
	p->src = r->wish.src.family ? r->wish.src : a->src;
	if (addr_is_link_local(&p->src) && !p->src.zone)
		p->src.zone = real;
	if (!p->mtu)
		p->mtu = link_mtu(p->ifname);
	if (!p->src.family || addr_is_unspecified(&p->src)) {
		err_set(e, "%s: %s has no IPv%d address to send from (ip addr add ..., or -S)",
			name_of(dst, name), p->ifname, dst->family);
		return false;
	}
	return true;
}

/* What can be said without asking the kernel. */
static int check_wish(const struct route *r, const struct addr *dst, struct err *e)
{
	char name[ADDR_TEXT], src[ADDR_TEXT];

	if (r->wish.src.family && r->wish.src.family != dst->family)
		return err_set(e, "%s: IPv%d, but the source %s is IPv%d (narrow with -%d)",
			       name_of(dst, name), dst->family, name_of(&r->wish.src, src),
			       r->wish.src.family, r->wish.src.family);
	if (dst->zone && r->oif && dst->zone != r->oif)
		return err_set(e, "%s: its zone is not the interface %s of -i", name_of(dst, name),
			       r->wish.ifname);
	if (addr_is_link_local(dst) && !dst->zone && !r->oif)
		return err_set(e, "%s: a link-local address needs its interface: %s%%eth0 or -i",
			       name_of(dst, name), name);
	return 0;
}

/* Asks for `dst` as a packet of ours would be routed. As `ask`. */
static int ask_as_wished(struct route *r, const struct addr *dst, struct answer *a, struct err *e)
{
	uint32_t oif = dst->zone ? dst->zone : r->oif;
	const struct addr *src = r->wish.src.family ? &r->wish.src : NULL;
	int rc;

	/* with -i the kernel would put even a packet to ourselves on that wire */
	if (r->oif && !dst->zone) {
		rc = ask_route(r, dst, 0, NULL, a, e);
		if (rc < 0 || (rc == 0 && a->type == RTN_LOCAL))
			return rc;
	}
	rc = ask_route(r, dst, oif, src, a, e);
	/* a source that is not ours: the kernel does not route by it */
	if (rc > 0 && src)
		rc = ask_route(r, dst, oif, NULL, a, e);
	return rc;
}

/* The path of one address. 1 found, 0 none and the reason, -1 netlink failed. */
static int find(struct route *r, const struct addr *dst, struct path *p, struct err *e)
{
	struct answer a;
	int rc;

	if (check_wish(r, dst, e) < 0)
		return 0;
	rc = ask_as_wished(r, dst, &a, e);
	if (rc < 0)
		return -1;
	if (rc > 0 || !a.got) {
		refuse(dst, rc, RTN_UNSPEC, e);
		return 0;
	}
	return path_of(r, dst, &a, p, e);
}

/* Between two cuts all go the same way: of 300,000 single addresses most need no question. */
static bool remembered(const struct route *r, const struct cuts *c, const struct addr *first,
		       uint64_t count, uint64_t *run, uint16_t *path)
{
	uint64_t at;

	if (!c->last_run || first->zone != c->last.zone || addr_cmp(&c->last, first) > 0)
		return false;
	at = addr_diff(&c->last, first);
	if (at >= c->last_run)
		return false;
	*run = c->last_run - at < count ? c->last_run - at : count;
	*path = c->last_path;
	return *path < r->n_paths;
}

int route_piece(struct route *r, const struct addr *first, uint64_t count, uint64_t *run,
		uint16_t *path, struct err *e)
{
	struct cuts *c = &r->cuts[first->family == ADDR_V6];
	struct path p;
	int rc;

	assert(addr_len(first) > 0 && count > 0);
	if (load(r, c, e) < 0)
		return -1;
	r->broadcast = false;
	if (remembered(r, c, first, count, run, path))
		return 0;
	*run = run_length(c, first, count);
	*path = PATH_NONE;
	rc = find(r, first, &p, e);
	if (rc <= 0)
		return rc;
	rc = keep_path(r, &p, e);
	if (rc < 0)
		return -1;
	*path = (uint16_t)rc;
	c->last = *first;
	c->last_run = run_length(c, first, UINT64_MAX);
	c->last_path = *path;
	return 0;
}

bool route_was_broadcast(const struct route *r)
{
	return r->broadcast;
}

const struct path *route_paths(const struct route *r, size_t *n)
{
	*n = r->n_paths;
	return r->paths;
}

/* --- opening ------------------------------------------------------------------------------ */

/* -i: it exists and is up. */
static int check_interface(struct route *r, struct err *e)
{
	struct ifreq q = {0};
	int fd, rc;

	r->oif = route_ifindex(r->wish.ifname);
	if (!r->oif)
		return err_set(e, "-i %s: no such interface (`ip link` lists them)",
			       r->wish.ifname);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, errno, "-i %s", r->wish.ifname);
	memcpy(q.ifr_name, r->wish.ifname, sizeof(q.ifr_name));
	rc = ioctl(fd, SIOCGIFFLAGS, &q);
	close(fd);
	if (rc == 0 && !(q.ifr_flags & IFF_UP))
		return err_set(e, "-i %s: the interface is down (ip link set dev %s up)",
			       r->wish.ifname, r->wish.ifname);
	return 0;
}

struct route *route_open(const struct route_wish *wish, struct err *e)
{
	struct route *r = calloc(1, sizeof(*r));
	int on = 1;

	if (!r) {
		err_sys(e, ENOMEM, "routes");
		return NULL;
	}
	r->cuts[0].family = ADDR_V4;
	r->cuts[1].family = ADDR_V6;
	if (wish)
		r->wish = *wish;
	if (r->wish.ifname[0] && check_interface(r, e) < 0)
		goto out;
	r->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->nl || mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_sys(e, errno, "routes: netlink");
		goto out;
	}
	/* errors without the request in them: small and of one size */
	mnl_socket_setsockopt(r->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	return r;
out:
	route_close(r);
	return NULL;
}

void route_close(struct route *r)
{
	if (!r)
		return;
	if (r->nl)
		mnl_socket_close(r->nl);
	free(r->cuts[0].v);
	free(r->cuts[1].v);
	free(r->paths);
	free(r);
}
