/*
 * relay: two interfaces joined as by a long line: each frame that comes in at one leaves at the
 * other DELAY later, or is lost at random. Frames are taken and given with what the kernel has
 * left open of their checksums (PACKET_VNET_HDR), so the ends needn't know of it. Says READY, and
 * what it did on SIGTERM. Knows nothing of what the frames mean.
 *
 *   relay INTERFACE INTERFACE DELAY-US LOSS-PERCENT [SEED]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A frame of an ordinary link, and 64 thousand under way: 25 ms at 2 million a second. */
enum { ROOM = 1536 + sizeof(struct virtio_net_hdr), UNDERWAY = 1 << 16, BATCH = 64 };

struct frame {
	uint64_t due_ns;
	size_t len;
	uint8_t octets[ROOM];
};

struct direction {
	int in, out;
	uint64_t delay_ns, seed;
	uint32_t loss; /* of 2^32 */
	struct frame *ring;
	uint64_t head, tail; /* taken, given */
	uint64_t lost, overrun, refused;
	pthread_t thread;
};

static atomic_bool ended;

static void fail(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* splitmix64 */
static uint32_t draw(struct direction *d)
{
	uint64_t z = d->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(z >> 32);
}

/* More than the limit of the machine, where that is allowed. */
static void set_buffer(int fd, int forced, int asked, int value)
{
	if (setsockopt(fd, SOL_SOCKET, forced, &value, sizeof(value)))
		setsockopt(fd, SOL_SOCKET, asked, &value, sizeof(value));
}

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		fail("setsockopt");
}

static int open_end(const char *dev)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	at.sll_ifindex = (int)if_nametoindex(dev);
	if (fd < 0 || !at.sll_ifindex)
		fail(dev);
	set(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, 64 << 20);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, 16 << 20);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		fail(dev);
	return fd;
}

static bool take_one(struct direction *d)
{
	struct frame spare, *f = &spare;
	bool full = d->head - d->tail == UNDERWAY;

	if (!full)
		f = &d->ring[d->head % UNDERWAY];
	ssize_t got = recv(d->in, f->octets, ROOM, MSG_DONTWAIT | MSG_TRUNC);
	if (got <= 0)
		return false;
	f->len = (size_t)got;
	f->due_ns = now_ns() + d->delay_ns;
	if (draw(d) < d->loss)
		d->lost++;
	else if (full || f->len > ROOM)
		d->overrun++;
	else
		d->head++;
	return true;
}

static void give_due(struct direction *d)
{
	struct mmsghdr v[BATCH];
	struct iovec iov[BATCH];
	uint64_t now = now_ns();
	unsigned n = 0;

	memset(v, 0, sizeof(v));
	for (; n < BATCH && d->tail + n < d->head; n++) {
		struct frame *f = &d->ring[(d->tail + n) % UNDERWAY];

		if (f->due_ns > now)
			break;
		iov[n] = (struct iovec){f->octets, f->len};
		v[n].msg_hdr.msg_iov = &iov[n];
		v[n].msg_hdr.msg_iovlen = 1;
	}
	if (!n)
		return;
	int got = sendmmsg(d->out, v, n, 0);
	if (got < 0) {
		d->refused++;
		got = 1; /* the first of them can't go: it is lost, and the next has its turn */
	}
	d->tail += (unsigned)got;
}

/* Until the next frame comes or the oldest is due. */
static void wait_next(const struct direction *d)
{
	struct pollfd p = {.fd = d->in, .events = POLLIN};
	uint64_t for_ns = 100000000;

	if (d->tail != d->head) {
		uint64_t now = now_ns(), due = d->ring[d->tail % UNDERWAY].due_ns;

		for_ns = due > now ? due - now : 0;
	}
	struct timespec t = {(time_t)(for_ns / 1000000000u), (long)(for_ns % 1000000000u)};
	ppoll(&p, 1, &t, NULL);
}

static void *run(void *arg)
{
	struct direction *d = arg;

	prctl(PR_SET_TIMERSLACK, 1L);
	while (!atomic_load(&ended)) {
		wait_next(d);
		for (int i = 0; i < BATCH && take_one(d); i++)
			;
		give_due(d);
	}
	return NULL;
}

static void start(struct direction *d, int in, int out, char **argv, uint64_t seed)
{
	d->in = in;
	d->out = out;
	d->delay_ns = strtoull(argv[3], NULL, 10) * 1000;
	d->loss = (uint32_t)(strtod(argv[4], NULL) / 100 * 4294967295.0);
	d->seed = seed;
	d->ring = calloc(UNDERWAY, sizeof(*d->ring));
	if (!d->ring)
		fail("memory");
	errno = pthread_create(&d->thread, NULL, run, d);
	if (errno)
		fail("thread");
}

int main(int argc, char **argv)
{
	static struct direction there, back;
	sigset_t set;
	int number;

	if (argc < 5 || argc > 6) {
		fputs("usage: relay INTERFACE INTERFACE DELAY-US LOSS-PERCENT [SEED]\n", stderr);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	uint64_t seed = argc == 6 ? strtoull(argv[5], NULL, 10) : now_ns();
	int a = open_end(argv[1]), b = open_end(argv[2]);
	start(&there, a, b, argv, seed);
	start(&back, b, a, argv, seed + 1);
	puts("READY");
	fflush(stdout);
	sigwait(&set, &number);
	atomic_store(&ended, true);
	for (struct direction *d = &there; d; d = d == &there ? &back : NULL) {
		pthread_join(d->thread, NULL);
		printf("passed %llu lost %llu overrun %llu refused %llu\n",
		       (unsigned long long)d->tail, (unsigned long long)d->lost,
		       (unsigned long long)d->overrun, (unsigned long long)d->refused);
		free(d->ring);
	}
	return 0;
}
