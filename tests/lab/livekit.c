/*
 * livekit: listens to an interface and to the kernel as a command does, privilege dropped, and
 * prints a line for each thing heard, so that test_live.py can see both. Ends when stdin does.
 *
 *   livekit IFACE|- [FILTER]      -: the kernel alone
 *   < sniff ok | sniff denied=D usage=U WHY        < kernel ok|no-reason|... WHY        < ready
 *   < frame at=NS src= sport= dst= dport= flags= vlan= ifindex= len=
 *   < kernel at=NS src= sport= dst= dport= reason= state= pid= comm=
 *   < dead WHY           < end frames= dropped= lost=
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "packet/decode.h"
#include "wire/comm.h"
#include "wire/kernel.h"
#include "wire/privilege.h"
#include "wire/sniff.h"

static const struct privilege_user stay; /* this kit stays who it is */

enum { SNAPLEN = 256, TICK_MS = 100 };

static const char *const access_words[] = {
    [KERNEL_OK] = "ok",
    [KERNEL_NO_REASON] = "no-reason",
    [KERNEL_NO_TRACEPOINT] = "no-tracepoint",
    [KERNEL_NO_TRACEFS] = "no-tracefs",
    [KERNEL_DENIED] = "denied",
};

static void tell_ends(const char *what, uint64_t at, const struct addr *src, unsigned sport,
		      const struct addr *dst, unsigned dport)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];

	printf("%s at=%llu src=%s sport=%u dst=%s dport=%u", what, (unsigned long long)at,
	       src->family ? addr_format(src, a) : "none", sport,
	       dst->family ? addr_format(dst, b) : "none", dport);
}

static void tell_frame(void *ctx, const struct wire_in *in)
{
	struct packet p;

	(void)ctx;
	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &p) != DECODE_OK ||
	    p.kind != PACKET_TCP)
		return;
	tell_ends("frame", in->at_ns, &p.seg.src, p.seg.sport, &p.seg.dst, p.seg.dport);
	printf(" flags=%u vlan=%u ifindex=%u len=%u linktype=%d\n", p.seg.flags, p.n_vlan,
	       in->ifindex, in->len, in->linktype);
}

static void tell_kernel(void *ctx, const struct kernel_reset *k)
{
	char comm[COMM_CAP] = "";

	if (k->pid)
		comm_of(ctx, k->pid, comm);
	tell_ends("kernel", k->wall_ns, &k->src, k->sport, &k->dst, k->dport);
	printf(" reason=%s state=%s pid=%u comm=%s\n", k->reason, k->state, k->pid, comm);
}

/* Until stdin ends or the interface is dead. */
static void listen_on(struct sniff *s, struct kernel *k, struct comm *names)
{
	struct pollfd fds[3] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	struct err e;
	nfds_t n = 1;

	if (s)
		fds[n++] = (struct pollfd){.fd = sniff_fd(s), .events = POLLIN};
	if (k)
		fds[n++] = (struct pollfd){.fd = kernel_fd(k), .events = POLLIN};
	for (;;) {
		poll(fds, n, TICK_MS);
		if (k)
			kernel_read(k, tell_kernel, names);
		if (s && sniff_read(s, tell_frame, NULL, &e) < 0) {
			printf("dead %s\n", e.msg);
			return;
		}
		fflush(stdout);
		if (fds[0].revents)
			return;
	}
}

static struct sniff *open_sniff(const char *ifname, const char *filter)
{
	struct sniff_config c = {.ifname = ifname, .filter = filter, .snaplen = SNAPLEN};
	bool denied = false, usage = false;
	struct err e = {0};
	struct sniff *s = sniff_open(&c, &denied, &usage, &e);

	if (s)
		puts("sniff ok");
	else
		printf("sniff denied=%d usage=%d %s\n", denied, usage, e.msg);
	return s;
}

int main(int argc, char **argv)
{
	bool want_frames = argc > 1 && strcmp(argv[1], "-") != 0;
	struct sniff *s = want_frames ? open_sniff(argv[1], argv[2]) : NULL;
	struct wire_stats stats = {0};
	enum kernel_access access;
	struct err e = {0};
	struct kernel *k = kernel_open(&access, &e);
	struct comm *names = k ? comm_start(&stay, NULL) : NULL;

	printf("kernel %s %s\n", access_words[access], e.msg);
	if (privilege_drop(&stay, PRIVILEGE_READ, &e) < 0)
		printf("drop %s\n", e.msg);
	puts("ready");
	fflush(stdout);
	if (s || (k && !want_frames))
		listen_on(s, k, names);
	if (s)
		sniff_stats(s, &stats);
	printf("end frames=%llu dropped=%llu lost=%llu\n", (unsigned long long)stats.captured,
	       (unsigned long long)stats.dropped, k ? (unsigned long long)kernel_lost(k) : 0);
	sniff_close(s);
	kernel_close(k);
	comm_end(names);
	return 0;
}
