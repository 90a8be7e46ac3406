/*
 * bare: SYNs by nothing but a packet socket and sendmmsg: the measure of what a scanner adds to
 * that. The same frames as rstprobe's (the options of Linux, right checksums, destinations and
 * ports varied), made beforehand but for a few sums. No state, no capture, no rate, no answers.
 *
 *   bare -i INTERFACE -m GATEWAY-MAC -s SOURCE -d FIRST-ADDRESS -a ADDRESSES -p FIRST-PORT
 *        -n PORTS -t THREADS         ADDRESSES x PORTS is a power of two
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "octets.h"

enum { ETH = 14, IP = 20, TCP = 40, FRAME = ETH + IP + TCP, BATCH = 64, THREADS_MAX = 64 };

struct plan {
	const char *dev;
	uint8_t gate[6];
	struct in_addr src, dst;
	uint64_t addresses, ports;
	unsigned port, threads;
	uint8_t frame[FRAME];
	uint32_t ip_sum, tcp_sum; /* of what stays */
};

struct sender {
	const struct plan *plan;
	uint64_t first, end;
	uint64_t sent, refused;
	int fd;
	pthread_t thread;
	uint8_t frames[BATCH][FRAME];
};

static void fail(const char *what)
{
	fprintf(stderr, "bare: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Everything but destination, port, sequence number and checksums. */
static void build(struct plan *p, const uint8_t own[6])
{
	static const uint8_t options[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 1,
					  2, 3, 0, 0,	0, 0, 1, 3,  3, 10};
	uint8_t *ip = p->frame + ETH, *tcp = ip + IP;

	memcpy(p->frame, p->gate, 6);
	memcpy(p->frame + 6, own, 6);
	put16(p->frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, IP + TCP);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	memcpy(ip + 12, &p->src, 4);
	put16(tcp, 40000);
	tcp[12] = TCP / 4 << 4;
	tcp[13] = 2;
	put16(tcp + 14, 64240);
	memcpy(tcp + 20, options, sizeof(options));
	p->ip_sum = sum16(ip, IP, 0);
	p->tcp_sum = sum16(tcp, TCP, sum16(ip + 12, 4, IPPROTO_TCP + TCP));
}

/* An odd multiplier visits every place of a power of two once, in an order that looks random. */
static void patch(const struct plan *p, uint64_t i, uint8_t *frame)
{
	uint64_t place = i * 2654435761u & (p->addresses * p->ports - 1);
	uint32_t dst = ntohl(p->dst.s_addr) + (uint32_t)(place % p->addresses);
	uint32_t port = p->port + (uint32_t)(place / p->addresses);
	uint32_t seq = (uint32_t)(place * 0x9e3779b97f4a7c15u >> 32);
	uint32_t halves = (dst >> 16) + (dst & 0xffff);
	uint8_t *ip = frame + ETH, *tcp = ip + IP;

	put32(ip + 16, dst);
	put16(ip + 10, fold(p->ip_sum + halves));
	put16(tcp + 2, port);
	put32(tcp + 4, seq);
	put16(tcp + 16, fold(p->tcp_sum + halves + port + (seq >> 16) + (seq & 0xffff)));
}

static void send_batch(struct sender *s, struct mmsghdr *v, unsigned n)
{
	for (unsigned done = 0; done < n;) {
		int got = sendmmsg(s->fd, v + done, n - done, 0);

		if (got > 0) {
			done += (unsigned)got;
			s->sent += (unsigned)got;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			s->refused++;
		} else if (errno != EINTR) {
			fail("sendmmsg");
		}
	}
}

static void *run(void *arg)
{
	struct sender *s = arg;
	struct iovec iov[BATCH];
	struct mmsghdr v[BATCH];

	memset(v, 0, sizeof(v));
	for (unsigned k = 0; k < BATCH; k++) {
		memcpy(s->frames[k], s->plan->frame, FRAME);
		iov[k] = (struct iovec){s->frames[k], FRAME};
		v[k].msg_hdr.msg_iov = &iov[k];
		v[k].msg_hdr.msg_iovlen = 1;
	}
	for (uint64_t i = s->first; i < s->end;) {
		unsigned n = 0;

		for (; n < BATCH && i < s->end; n++, i++)
			patch(s->plan, i, s->frames[n]);
		send_batch(s, v, n);
	}
	return NULL;
}

/* Protocol 0: the socket is no tap on what comes in. */
static int open_socket(const char *dev)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	to.sll_ifindex = (int)if_nametoindex(dev);
	if (fd < 0 || !to.sll_ifindex || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		fail(dev);
	return fd;
}

static void own_mac(int fd, const char *dev, uint8_t mac[6])
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev);
	if (ioctl(fd, SIOCGIFHWADDR, &r))
		fail(dev);
	memcpy(mac, r.ifr_hwaddr.sa_data, 6);
}

static bool read_mac(const char *text, uint8_t mac[6])
{
	unsigned v[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return true;
}

static bool read_options(struct plan *p, int argc, char **argv)
{
	bool ok = true;
	int c;

	while ((c = getopt(argc, argv, "i:m:s:d:a:p:n:t:")) != -1) {
		switch (c) {
		case 'i': p->dev = optarg; break;
		case 'm': ok &= read_mac(optarg, p->gate); break;
		case 's': ok &= inet_pton(AF_INET, optarg, &p->src) == 1; break;
		case 'd': ok &= inet_pton(AF_INET, optarg, &p->dst) == 1; break;
		case 'a': p->addresses = strtoull(optarg, NULL, 10); break;
		case 'p': p->port = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'n': p->ports = strtoull(optarg, NULL, 10); break;
		case 't': p->threads = (unsigned)strtoul(optarg, NULL, 10); break;
		default: ok = false;
		}
	}
	uint64_t total = p->addresses * p->ports;
	return ok && p->dev && total && !(total & (total - 1)) && p->threads &&
	       p->threads <= THREADS_MAX;
}

int main(int argc, char **argv)
{
	struct plan p = {.addresses = 1, .ports = 1, .port = 80, .threads = 1};
	uint8_t own[6];
	uint64_t sent = 0, refused = 0;

	if (!read_options(&p, argc, argv)) {
		fputs("bare: see the head of bare.c\n", stderr);
		return 2;
	}
	struct sender *s = calloc(p.threads, sizeof(*s));
	if (!s)
		fail("memory");
	for (unsigned i = 0; i < p.threads; i++) {
		s[i].plan = &p;
		s[i].fd = open_socket(p.dev);
		s[i].first = p.addresses * p.ports * i / p.threads;
		s[i].end = p.addresses * p.ports * (i + 1) / p.threads;
	}
	own_mac(s[0].fd, p.dev, own);
	build(&p, own);
	for (unsigned i = 0; i < p.threads; i++) {
		errno = pthread_create(&s[i].thread, NULL, run, &s[i]);
		if (errno)
			fail("thread");
	}
	for (unsigned i = 0; i < p.threads; i++) {
		pthread_join(s[i].thread, NULL);
		sent += s[i].sent;
		refused += s[i].refused;
		close(s[i].fd);
	}
	printf("sent %llu refused %llu\n", (unsigned long long)sent, (unsigned long long)refused);
	free(s);
	return 0;
}
