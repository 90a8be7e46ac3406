/*
 * capture: how libpcap is asked, so that nothing is delayed and little is lost. It refuses to
 * decode: the filter only keeps foreign traffic out of the ring, the judge is in user space.
 */
#include "config.h"

#include "wire/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "wire/clock.h"
#include "wire/pcaphow.h"
#include "wire/privilege.h"
#include "wire/sockopt.h"

enum {
	SNAPLEN = 256,	       /* holds an ICMP error over IPv6 with the whole header it quotes */
	FEW = 2000,	       /* frames up to which each one may cost a wake-up */
	BLOCK_TIMEOUT_MS = 2,  /* after which the kernel hands a half-filled block on */
	BYTES_PER_FRAME = 192, /* in the ring */
	RING_MIN = 8 << 20,    /* 32 blocks: 64 ms of being away */
	RING_FEW = 2 << 20,
	RING_ICMP = 2 << 20, /* our own kernel's word on neighbours: in bursts, for many */
	READ_AT_ONCE = 4096, /* frames: other interfaces and signals get their turn */
	NS_PER_S = 1000000000,
};

struct capture {
	pcap_t *p;
	uint64_t handed;
	uint32_t ifindex;
	int linktype;
	struct capture_target {
		wire_frame_fn *fn;
		void *ctx;
		uint64_t offset_ns; /* wall - monotonic */
		uint64_t now_ns;    /* as far as it had to be known */
	} to;
};

/*
 * Quoted headers are our own packets, so IPv4's has 20 bytes. Packets with extension headers go
 * through to the decoder. tcp[] reads IPv4 only, hence the ip6[] offsets.
 */
static void put_filter(struct text *t, const struct capture_config *c)
{
	unsigned a = c->sport_first, b = c->sport_last;

	if (c->both_ways)
		text_putf(t,
			  "(ip and tcp portrange %u-%u) or (ip6[6]=6 and "
			  "((ip6[40:2]>=%u and ip6[40:2]<=%u) or "
			  "(ip6[42:2]>=%u and ip6[42:2]<=%u))) or "
			  "ip6[6]=0 or ip6[6]=43 or ip6[6]=44 or ip6[6]=60 or ",
			  a, b, a, b, a, b);
	else if (!c->icmp_only)
		text_putf(t,
			  "(ip and tcp dst portrange %u-%u and tcp[13]&0x14!=0) or "
			  "(ip6[6]=6 and ip6[42:2]>=%u and ip6[42:2]<=%u and ip6[53]&0x14!=0) or "
			  "ip6[6]=0 or ip6[6]=43 or ip6[6]=44 or ip6[6]=60 or ",
			  a, b, a, b);
	text_putf(t,
		  "((icmp[0]=3 or icmp[0]=4 or icmp[0]=11 or icmp[0]=12) and icmp[17]=6 and "
		  "icmp[28:2]>=%u and icmp[28:2]<=%u) or "
		  "(ip6[6]=58 and ip6[40]>=1 and ip6[40]<=4 and ip6[54]=6 and "
		  "ip6[88:2]>=%u and ip6[88:2]<=%u)",
		  a, b, a, b);
}

static int set_filter(struct capture *c, const struct capture_config *cfg, struct err *e)
{
	char buf[1024];
	struct text t = text_of(buf, sizeof(buf));

	put_filter(&t, cfg);
	return pcaphow_filter(c->p, cfg->ifname, buf, NULL, e);
}

/* What was sent here must not fill the ring. Kernels before 4.20 leave it to libpcap. */
static void leave_out_own(pcap_t *p)
{
	if (!sockopt_incoming_only(pcap_fileno(p)))
		pcap_setdirection(p, PCAP_D_IN);
}

/* Octets for all that is expected and for a burst, as far as the memory is ours to take. */
static uint64_t ring_size(const struct capture_config *cfg)
{
	uint64_t ring = RING_MIN;

	if (cfg->expected > RING_MIN / BYTES_PER_FRAME)
		ring = cfg->expected < cfg->ring_max / BYTES_PER_FRAME
			   ? cfg->expected * BYTES_PER_FRAME
			   : cfg->ring_max;
	if (ring > cfg->ring_max)
		ring = cfg->ring_max;
	return ring < RING_FEW ? RING_FEW : ring;
}

/*
 * Immediate mode wakes the reader for each frame: right for few frames, but it halves what many
 * can come in. Else a 2 ms block timeout and a ring that a whole burst fits in.
 */
static int activate(pcap_t *p, const struct capture_config *cfg, bool *denied, struct err *e)
{
	uint64_t ring = cfg->icmp_only ? RING_ICMP : RING_FEW;

	if (cfg->expected <= FEW || cfg->icmp_only) {
		pcap_set_immediate_mode(p, 1);
		if (cfg->both_ways) /* what a connection carries comes in bursts */
			ring = RING_MIN < cfg->ring_max ? RING_MIN : cfg->ring_max;
	} else {
		ring = ring_size(cfg);
		pcap_set_timeout(p, BLOCK_TIMEOUT_MS);
	}
	pcap_set_buffer_size(p, (int)ring);
	pcap_set_snaplen(p, SNAPLEN);
	pcap_set_promisc(p, 0);
	pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
	return pcaphow_activate(p, cfg->ifname, denied, e);
}

struct capture *capture_open(const struct capture_config *cfg, bool *denied, struct err *e)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct capture *c = calloc(1, sizeof(*c));

	if (!c) {
		err_sys(e, ENOMEM, "capture: %s", cfg->ifname);
		return NULL;
	}
	c->ifindex = cfg->ifindex;
	c->p = pcap_create(cfg->ifname, errbuf);
	if (!c->p) {
		err_set(e, "capture: %s: %s", cfg->ifname, errbuf);
		goto out;
	}
	if (activate(c->p, cfg, denied, e) < 0)
		goto out;
	if (!cfg->both_ways)
		leave_out_own(c->p);
	if (set_filter(c, cfg, e) < 0)
		goto out;
	if (pcap_setnonblock(c->p, 1, errbuf) < 0) {
		err_set(e, "capture: %s: %s", cfg->ifname, errbuf);
		goto out;
	}
	c->linktype = pcaphow_linktype(c->p);
	return c;
out:
	capture_close(c);
	return NULL;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	if (c->p)
		pcap_close(c->p);
	free(c);
}

int capture_fd(const struct capture *c)
{
	return pcap_get_selectable_fd(c->p);
}

static void on_frame(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct capture *c = (void *)user;
	uint64_t wall = (uint64_t)h->ts.tv_sec * NS_PER_S + (uint64_t)h->ts.tv_usec;
	struct wire_in in = {
	    .frame = bytes,
	    .captured = h->caplen,
	    .len = h->len,
	    .linktype = c->linktype,
	    .ifindex = c->ifindex,
	    .at_ns = wall - c->to.offset_ns,
	};

	/* a step of the wall clock must not make a frame of the future; the clock is read again
	 * only where it could be one */
	if (in.at_ns > c->to.now_ns) {
		c->to.now_ns = clock_mono_ns();
		if (in.at_ns > c->to.now_ns)
			in.at_ns = c->to.now_ns;
	}
	c->to.fn(c->to.ctx, &in);
}

int capture_read(struct capture *c, wire_frame_fn *fn, void *ctx, struct err *e)
{
	uint64_t now = clock_mono_ns();
	int n;

	c->to = (struct capture_target){
	    .fn = fn, .ctx = ctx, .offset_ns = clock_wall_ns() - now, .now_ns = now};
	n = pcap_dispatch(c->p, READ_AT_ONCE, on_frame, (u_char *)c);
	if (n > 0)
		c->handed += (unsigned)n;
	if (n >= 0)
		return n;
	if (n == PCAP_ERROR_BREAK)
		return 0;
	return err_set(e, "%s", pcap_geterr(c->p)); /* the caller knows of which interface */
}

void capture_add_stats(struct capture *c, struct wire_stats *sum)
{
	struct pcap_stat s = {0};

	/* ps_recv has what was lost, and what came after the last look */
	sum->captured += c->handed;
	if (pcap_stats(c->p, &s) < 0)
		return;
	sum->dropped += (uint64_t)s.ps_drop + s.ps_ifdrop;
}
