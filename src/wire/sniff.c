/*
 * sniff: how libpcap is asked for everything TCP on an interface, fast and prompt enough at once.
 * It refuses to decode, and to tell copies of a frame apart; both are the judge's.
 *
 * On loopback each frame passes twice, as sent and as received: libpcap leaves out those sent, also
 * of `any`, so each comes once. What is forwarded, bridged, or crosses a veth with both ends here
 * does come twice from `any`, once an interface.
 */
#include "config.h"

#include "wire/sniff.h"

#include <errno.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/bytes.h"
#include "packet/decode.h"
#include "wire/ifdrops.h"
#include "wire/pcaphow.h"

enum {
	/* The kernel hands a block of the ring on when it is full or so old: no reader is woken for
	 * each frame, and none waits longer. */
	BLOCK_TIMEOUT_MS = 4,
	RING = 64 << 20,     /* half a second of 200,000 small frames a second */
	READ_AT_ONCE = 4096, /* frames: signals and the kernel's word get their turn */
	NS_PER_S = 1000000000,
};

/*
 * TCP, what errors are told of it, and what may carry it. libpcap's "tcp" looks no further than a
 * fragment header of IPv6, hence the extension headers: the decoder walks them.
 */
#define PLAIN                                                                                      \
	"tcp or ip6[6]=0 or ip6[6]=43 or ip6[6]=44 or ip6[6]=60 or "                               \
	"icmp[0]=3 or icmp[0]=4 or icmp[0]=11 or icmp[0]=12 or "                                   \
	"(ip6[6]=58 and ip6[40]>=1 and ip6[40]<=4) or "                                            \
	"proto 4 or proto 41 or proto 47 or udp port 3544 or udp port 4789 or udp port 8472"
/* Behind a cooked header "vlan" is refused, and few frames are tagged still: all of those. */
#define COOKED PLAIN " or ether proto 0x8100 or ether proto 0x88a8"

struct sniff {
	char ifname[IF_NAMESIZE];
	pcap_t *p;
	int linktype;
	uint32_t ifindex; /* 0 of `any`: each frame says its own */
	uint64_t handed;
	struct ifdrops drops;
	struct sniff_target {
		wire_frame_fn *fn;
		void *ctx;
	} to;
};

/* Each "vlan" moves what comes after it by one tag; only where tags can be. */
static const char *filter_of(pcap_t *p, const struct sniff_config *c)
{
	if (c->filter)
		return c->filter;
	switch (pcap_datalink(p)) {
	case DLT_EN10MB: return PLAIN " or (vlan and (" PLAIN ")) or (vlan and (" PLAIN "))";
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2: return COOKED;
	default: return PLAIN;
	}
}

/* Promiscuous, as tcpdump is: a mirror port shows what is sent to others. */
static int ask(struct sniff *s, const struct sniff_config *c, bool *denied, struct err *e)
{
	pcap_set_snaplen(s->p, (int)c->snaplen);
	pcap_set_promisc(s->p, 1);
	pcap_set_timeout(s->p, BLOCK_TIMEOUT_MS);
	pcap_set_buffer_size(s->p, RING);
	pcap_set_tstamp_precision(s->p, PCAP_TSTAMP_PRECISION_NANO);
	if (pcaphow_activate(s->p, c->ifname, denied, e) < 0)
		return -1;
	/* the first version of the cooked header names no interface */
	if (pcap_datalink(s->p) == DLT_LINUX_SLL && strcmp(c->ifname, "any") == 0)
		pcap_set_datalink(s->p, DLT_LINUX_SLL2);
	s->linktype = pcaphow_linktype(s->p);
	return 0;
}

struct sniff *sniff_open(const struct sniff_config *c, bool *denied, bool *usage, struct err *e)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct sniff *s = calloc(1, sizeof(*s));

	if (!s) {
		err_sys(e, ENOMEM, "capture: %s", c->ifname);
		return NULL;
	}
	snprintf(s->ifname, sizeof(s->ifname), "%s", c->ifname);
	ifdrops_open(&s->drops, s->ifname);
	s->p = pcap_create(c->ifname, errbuf);
	if (!s->p) {
		err_set(e, "capture: %s: %s", c->ifname, errbuf);
		goto out;
	}
	if (ask(s, c, denied, e) < 0)
		goto out;
	if (pcaphow_filter(s->p, c->ifname, filter_of(s->p, c), c->filter ? usage : NULL, e) < 0)
		goto out;
	if (pcap_setnonblock(s->p, 1, errbuf) < 0) {
		err_set(e, "capture: %s: %s", c->ifname, errbuf);
		goto out;
	}
	s->ifindex = strcmp(c->ifname, "any") == 0 ? 0 : if_nametoindex(c->ifname);
	return s;
out:
	sniff_close(s);
	return NULL;
}

void sniff_close(struct sniff *s)
{
	if (!s)
		return;
	if (s->p)
		pcap_close(s->p);
	ifdrops_close(&s->drops);
	free(s);
}

int sniff_fd(const struct sniff *s)
{
	return pcap_get_selectable_fd(s->p);
}

/* The cooked header, version 2: protocol, reserved, interface index. */
static uint32_t cooked_ifindex(const u_char *bytes, uint32_t captured)
{
	struct cursor c = cursor_of(bytes, captured);

	cursor_skip(&c, 4);
	return cursor_be32(&c);
}

static void on_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	const struct sniff *s = (const void *)user;
	struct wire_in in = {
	    .frame = bytes,
	    .captured = h->caplen,
	    .len = h->len,
	    .linktype = s->linktype,
	    .ifindex = s->ifindex,
	    .at_ns = (uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec,
	};

	if (s->linktype == LINKTYPE_LINUX_SLL2)
		in.ifindex = cooked_ifindex(bytes, h->caplen);
	s->to.fn(s->to.ctx, &in);
}

/* libpcap tells of an interface that is gone, and waits for one that is down to come back. */
static bool went_down(const struct sniff *s, struct ifreq *r)
{
	int fd = pcap_fileno(s->p); /* any socket will do, and no other can be had by now */

	r->ifr_ifindex = (int)s->ifindex;
	if (!s->ifindex || ioctl(fd, SIOCGIFNAME, r) < 0)
		return false;
	return ioctl(fd, SIOCGIFFLAGS, r) == 0 && !(r->ifr_flags & IFF_UP);
}

int sniff_read(struct sniff *s, wire_frame_fn *fn, void *ctx, struct err *e)
{
	struct ifreq r = {0};
	int n;

	s->to = (struct sniff_target){.fn = fn, .ctx = ctx};
	n = pcap_dispatch(s->p, READ_AT_ONCE, on_frame, (u_char *)s);
	if (n > 0)
		s->handed += (unsigned)n;
	if (n == 0 && went_down(s, &r))
		return err_set(e, "%s: the interface went down", r.ifr_name);
	if (n >= 0)
		return n;
	if (n == PCAP_ERROR_BREAK)
		return 0;
	return err_set(e, "%s: %s", s->ifname, pcap_geterr(s->p));
}

void sniff_stats(struct sniff *s, struct wire_stats *sum)
{
	struct pcap_stat st = {0};

	sum->captured += s->handed; /* ps_recv counts loopback's twice */
	if (pcap_stats(s->p, &st) < 0)
		return;
	sum->dropped += st.ps_drop + ifdrops_count(&s->drops);
}
