/*
 * lwip_host: a host that runs lwIP instead of a kernel, on a tap device that it makes: Debian's
 * liblwip, one listener that accepts, keeps the connection and throws away what it gets. It prints
 * READY once it listens. What its answers should be is in the tests.
 *
 *     lwip_host DEV PORT ADDRESS NETMASK GATEWAY [ADDRESS6]
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"
#include "lwip/tcpip.h"

enum { FRAME_MAX = 1518, MTU = 1500 };

struct host {
	int tap;
	struct netif netif;
	u16_t port;
	ip4_addr_t addr, mask, gate;
	ip6_addr_t addr6;
	int has6;
	sys_sem_t up;
};

_Noreturn static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int tap_open(const char *name)
{
	struct ifreq r;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/net/tun");
	memset(&r, 0, sizeof(r));
	if (strlen(name) >= sizeof(r.ifr_name)) {
		fprintf(stderr, "%s: too long a name\n", name);
		exit(2);
	}
	memcpy(r.ifr_name, name, strlen(name));
	r.ifr_flags = IFF_TAP | IFF_NO_PI;
	if (ioctl(fd, TUNSETIFF, &r) != 0)
		fail(name);
	return fd;
}

static err_t frame_out(struct netif *n, struct pbuf *p)
{
	const struct host *h = n->state;
	char frame[FRAME_MAX];
	u16_t len = pbuf_copy_partial(p, frame, sizeof(frame), 0);

	/* A frame that can't be written is lost, as on any link. */
	return write(h->tap, frame, len) == len ? ERR_OK : ERR_IF;
}

static err_t netif_begin(struct netif *n)
{
	static const u8_t mac[] = {0x02, 0x12, 0x34, 0x56, 0x78, 0x9a};

	n->name[0] = 't';
	n->name[1] = 'p';
	n->output = etharp_output;
	n->output_ip6 = ethip6_output;
	n->linkoutput = frame_out;
	n->mtu = MTU;
	memcpy(n->hwaddr, mac, sizeof(mac));
	n->hwaddr_len = sizeof(mac);
	n->flags |= NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		    NETIF_FLAG_LINK_UP | NETIF_FLAG_MLD6;
	return ERR_OK;
}

static err_t discard(void *ctx, struct tcp_pcb *c, struct pbuf *p, err_t e)
{
	(void)ctx;
	(void)e;
	if (!p)
		return ERR_OK; /* their FIN: stays in CLOSE-WAIT */
	tcp_recved(c, p->tot_len);
	pbuf_free(p);
	return ERR_OK;
}

static err_t keep(void *ctx, struct tcp_pcb *c, err_t e)
{
	(void)ctx;
	if (c && e == ERR_OK)
		tcp_recv(c, discard);
	return ERR_OK;
}

/* In lwIP's own thread. */
static void begin(void *ctx)
{
	struct host *h = ctx;
	struct tcp_pcb *l;
	s8_t slot;

	if (!netif_add(&h->netif, &h->addr, &h->mask, &h->gate, h, netif_begin, tcpip_input))
		exit(3);
	netif_set_default(&h->netif);
	netif_create_ip6_linklocal_address(&h->netif, 1);
	if (h->has6 && netif_add_ip6_address(&h->netif, &h->addr6, &slot) == ERR_OK)
		netif_ip6_addr_set_state(&h->netif, slot, IP6_ADDR_PREFERRED);
	netif_set_up(&h->netif);
	l = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!l || tcp_bind(l, IP_ANY_TYPE, h->port) != ERR_OK || !(l = tcp_listen(l)))
		exit(3);
	tcp_accept(l, keep);
	sys_sem_signal(&h->up);
}

static void frames_in(struct host *h)
{
	char frame[FRAME_MAX];
	ssize_t got;
	struct pbuf *p;

	while ((got = read(h->tap, frame, sizeof(frame))) > 0) {
		p = pbuf_alloc(PBUF_RAW, (u16_t)got, PBUF_POOL);
		if (!p)
			continue;
		if (pbuf_take(p, frame, (u16_t)got) != ERR_OK ||
		    h->netif.input(p, &h->netif) != ERR_OK)
			pbuf_free(p);
	}
	fail("tap");
}

int main(int argc, char **argv)
{
	static struct host h;

	if (argc < 6 || !ip4addr_aton(argv[3], &h.addr) || !ip4addr_aton(argv[4], &h.mask) ||
	    !ip4addr_aton(argv[5], &h.gate) || (argc > 6 && !ip6addr_aton(argv[6], &h.addr6))) {
		fprintf(stderr, "usage: lwip_host DEV PORT ADDRESS NETMASK GATEWAY [ADDRESS6]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	h.tap = tap_open(argv[1]);
	h.port = (u16_t)strtoul(argv[2], NULL, 10);
	h.has6 = argc > 6;
	if (sys_sem_new(&h.up, 0) != ERR_OK)
		return 3;
	tcpip_init(begin, &h);
	sys_arch_sem_wait(&h.up, 0);
	printf("READY\n");
	fflush(stdout);
	frames_in(&h);
}
