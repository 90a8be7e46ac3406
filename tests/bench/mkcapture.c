/*
 * mkcapture: many made-up flows, interleaved by time, as a pcap file with the truth about each RST
 * beside it (labels.tsv), or sent on an interface at a steady rate. It decides how many flows are
 * alive and which speaks next; what they say is traffic.c's.
 */
#include "config.h"

#include "traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, START_S = 1767225600 /* 2026-01-01 00:00:00 UTC */ };

static const char usage[] =
    "usage: mkcapture [--packets N] [--flows N] [--at-once N] [--seed N] [--v6 PERCENT]\n"
    "                 [--snap OCTETS] [--share NAME=WEIGHT,...] OUT.pcap | --send IFACE --rate "
    "PPS\n"
    "Writes OUT.pcap and labels.tsv beside it, or sends; says on stdout what it did.\n";

struct options {
	uint64_t packets, flows, at_once, seed, v6, snap, rate;
	const char *send, *out;
};

/* Where frames go. */
struct sink {
	FILE *pcap, *labels;
	char *name; /* as labels.tsv calls it */
	uint32_t snap;
	uint64_t frames, resets;
	int fd; /* sending; else -1 */
	uint64_t rate, begun_ns;
	size_t n;
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint8_t bytes[BATCH][FRAME_MAX];
};

/* A place in the heap: a flow that is alive, and when it speaks next. */
struct slot {
	uint64_t at_us;
	struct flow *f;
};

struct world {
	struct options o;
	struct rng rng;
	uint64_t begun;	  /* flows */
	uint64_t written; /* packets of them */
	uint32_t clients, servers;
	uint16_t *next_port; /* of each client */
	struct slot *heap;   /* by time, the earliest first */
	size_t alive;
};

static void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *fmt, ...)
{
	va_list ap;

	fputs("mkcapture: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static void *need(void *p)
{
	if (!p)
		fail("no memory");
	return p;
}

/* --- which flow speaks next ------------------------------------------------------------------- */

static void sift_down(struct slot *heap, size_t n)
{
	struct slot top = heap[0];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && heap[child + 1].at_us < heap[child].at_us)
			child++;
		if (heap[child].at_us >= top.at_us)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = top;
}

static void sift_up(struct slot *heap, size_t i)
{
	struct slot s = heap[i];

	for (; i > 0 && heap[(i - 1) / 2].at_us > s.at_us; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = s;
}

/* A new flow between hosts that know each other: a client has eight servers. */
static void begin_flow(struct world *w, struct flow *f, uint64_t at_us)
{
	static const uint16_t ports[] = {443, 80, 8080, 5432, 25, 22};
	uint32_t client = rng_below(&w->rng, w->clients);
	uint32_t server = (client * 37 + rng_below(&w->rng, 8) * 101) % w->servers;
	uint64_t left = w->o.packets > w->written ? w->o.packets - w->written : 0;

	f->host[CLIENT] = host_make(client, false);
	f->host[SERVER] = host_make(server, true);
	f->port[CLIENT] = (uint16_t)(32768 + w->next_port[client]++ % 28000);
	f->port[SERVER] = ports[server % (sizeof(ports) / sizeof(ports[0]))];
	f->v6 = (client * 61 + server) % 100 < w->o.v6;
	flow_write(f, &w->rng, at_us, (double)left / (double)(w->o.flows - w->begun));
	w->begun++;
	w->written += f->n;
}

static void world_open(struct world *w)
{
	w->clients = (uint32_t)(w->o.flows / 200 + 20);
	w->servers = (uint32_t)(w->o.flows / 100 + 20);
	w->next_port = need(calloc(w->clients, sizeof(*w->next_port)));
	w->heap = need(calloc(w->o.at_once, sizeof(*w->heap)));
	w->rng.s = w->o.seed;
	while (w->alive < w->o.at_once && w->begun < w->o.flows) {
		struct flow *f = need(calloc(1, sizeof(*f)));

		begin_flow(w, f, rng_between(&w->rng, 1000000, 20000000));
		w->heap[w->alive] = (struct slot){f->events[0].at_us, f};
		sift_up(w->heap, w->alive++);
	}
}

static void world_close(struct world *w)
{
	while (w->alive) {
		struct flow *f = w->heap[--w->alive].f;

		free(f->events);
		free(f);
	}
	free(w->heap);
	free(w->next_port);
}

/* The flow on top said its word: its next one, or another flow in its place, or none. */
static void world_step(struct world *w)
{
	struct slot *top = &w->heap[0];
	struct flow *f = top->f;

	if (f->retired == f->n) {
		if (w->begun == w->o.flows) {
			free(f->events);
			free(f);
			w->heap[0] = w->heap[--w->alive];
			if (w->alive)
				sift_down(w->heap, w->alive);
			return;
		}
		begin_flow(w, f, top->at_us + rng_between(&w->rng, 100, 100000));
	}
	top->at_us = f->events[f->retired].at_us;
	sift_down(w->heap, w->alive);
}

/* --- where it goes ---------------------------------------------------------------------------- */

static void put_host32(FILE *f, uint32_t v)
{
	fwrite(&v, sizeof(v), 1, f);
}

static void put_host16(FILE *f, uint16_t v)
{
	fwrite(&v, sizeof(v), 1, f);
}

static void sink_open_file(struct sink *s, const struct options *o)
{
	char dir[4096], base[4096], labels[4200];

	if (strlen(o->out) >= sizeof(dir))
		fail("%s: too long a name", o->out);
	strcpy(dir, o->out);
	strcpy(base, o->out);
	s->name = need(strdup(basename(base)));
	snprintf(labels, sizeof(labels), "%s/labels.tsv", dirname(dir));
	s->pcap = fopen(o->out, "wb");
	if (!s->pcap)
		fail("%s: %s", o->out, strerror(errno));
	s->labels = fopen(labels, "w");
	if (!s->labels)
		fail("%s: %s", labels, strerror(errno));
	setvbuf(s->pcap, NULL, _IOFBF, 1 << 20);
	fputs("file\tframe\tcause\talso_right\twhy\n", s->labels);
	put_host32(s->pcap, 0xa1b2c3d4);
	put_host16(s->pcap, 2);
	put_host16(s->pcap, 4);
	put_host32(s->pcap, 0);
	put_host32(s->pcap, 0);
	put_host32(s->pcap, s->snap);
	put_host32(s->pcap, 1 /* LINKTYPE_ETHERNET */);
}

static void sink_open_iface(struct sink *s, const struct options *o)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	int one = 1;

	to.sll_ifindex = (int)if_nametoindex(o->send);
	s->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (!to.sll_ifindex || s->fd < 0 || bind(s->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("%s: %s", o->send, strerror(errno));
	setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	for (size_t i = 0; i < BATCH; i++) {
		s->iov[i].iov_base = s->bytes[i];
		s->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &s->iov[i], .msg_iovlen = 1};
	}
	s->rate = o->rate;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Sends what is gathered, not before its time. */
static void send_batch(struct sink *s)
{
	uint64_t due = (s->frames - s->n) * 1000000000U / s->rate;
	size_t sent = 0;

	if (!s->begun_ns)
		s->begun_ns = now_ns();
	while (now_ns() - s->begun_ns < due)
		;
	while (sent < s->n) {
		int n = sendmmsg(s->fd, s->msgs + sent, (unsigned)(s->n - sent), 0);

		if (n < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			fail("send: %s", strerror(errno));
		sent += n > 0 ? (size_t)n : 0;
	}
	s->n = 0;
}

static void write_record(struct sink *s, const uint8_t *frame, size_t len, uint64_t at_us)
{
	uint32_t kept = len > s->snap ? s->snap : (uint32_t)len;
	uint32_t head[4] = {START_S + (uint32_t)(at_us / 1000000), (uint32_t)(at_us % 1000000),
			    kept, (uint32_t)len};

	fwrite(head, sizeof(head), 1, s->pcap);
	fwrite(frame, kept, 1, s->pcap);
}

static void sink_event(struct sink *s, struct flow *f, const struct event *e)
{
	uint8_t *frame = s->bytes[s->n];
	size_t len = frame_build(frame, f, e);

	s->frames++;
	s->resets += !!(e->flags & RST);
	if (s->pcap) {
		write_record(s, frame, len, e->at_us);
		if (e->truth)
			fprintf(s->labels, "%s\t%llu\t%s\t%s\t%s\n", s->name,
				(unsigned long long)s->frames, e->truth->cause, e->truth->also,
				e->truth->why);
		return;
	}
	s->iov[s->n++].iov_len = len;
	if (s->n == BATCH)
		send_batch(s);
}

static void sink_close(struct sink *s, const struct options *o)
{
	if (s->pcap) {
		int bad = ferror(s->pcap) | ferror(s->labels);

		if ((fclose(s->pcap) | fclose(s->labels) | bad) != 0)
			fail("%s: could not be written whole", o->out);
	} else {
		send_batch(s);
		close(s->fd);
	}
	printf("frames %llu resets %llu seconds %.3f\n", (unsigned long long)s->frames,
	       (unsigned long long)s->resets,
	       s->begun_ns ? (double)(now_ns() - s->begun_ns) / 1e9 : 0.0);
	free(s->name);
}

/* --- the command line ------------------------------------------------------------------------- */

static uint64_t number(const char *word, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(word, &end, 10);
	if (errno || *end || end == word || v < least || v > most)
		fail("%s: not a number from %llu to %llu", word, (unsigned long long)least,
		     (unsigned long long)most);
	return v;
}

/* "fin=900,refused=100": those named get these weights, the others none. */
static void set_shares(char *list)
{
	char *save = NULL;

	for (size_t i = 0; i < n_endings; i++)
		endings[i].weight = 0;
	for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(w, '=');
		size_t i = 0;

		if (!eq)
			fail("%s: no weight", w);
		*eq = '\0';
		while (i < n_endings && strcmp(endings[i].name, w) != 0)
			i++;
		if (i == n_endings)
			fail("%s: no such ending", w);
		endings[i].weight = (unsigned)number(eq + 1, 1, 1000000);
	}
}

static const struct option longs[] = {
    {"packets", required_argument, NULL, 'p'}, {"flows", required_argument, NULL, 'f'},
    {"at-once", required_argument, NULL, 'a'}, {"seed", required_argument, NULL, 's'},
    {"v6", required_argument, NULL, '6'},      {"snap", required_argument, NULL, 'n'},
    {"share", required_argument, NULL, 'e'},   {"send", required_argument, NULL, 'i'},
    {"rate", required_argument, NULL, 'r'},    {NULL, 0, NULL, 0}};

static void parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'p': o->packets = number(optarg, 1, UINT32_MAX); break;
		case 'f': o->flows = number(optarg, 1, 100000000); break;
		case 'a': o->at_once = number(optarg, 1, 10000000); break;
		case 's': o->seed = number(optarg, 0, UINT64_MAX); break;
		case '6': o->v6 = number(optarg, 0, 100); break;
		case 'n': o->snap = number(optarg, 78, 262144); break;
		case 'e': set_shares(optarg); break;
		case 'i': o->send = optarg; break;
		case 'r': o->rate = number(optarg, 1, 100000000); break;
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (optind + !o->send != argc) {
		fputs(usage, stderr);
		exit(2);
	}
	o->out = o->send ? NULL : argv[optind];
}

int main(int argc, char **argv)
{
	static struct sink s = {.fd = -1};
	struct world w = {.o = {.packets = 50000,
				.flows = 5000,
				.at_once = 1000,
				.seed = 1,
				.v6 = 20,
				.snap = 262144,
				.rate = 200000}};

	parse(&w.o, argc, argv);
	s.snap = (uint32_t)w.o.snap;
	if (w.o.send)
		sink_open_iface(&s, &w.o);
	else
		sink_open_file(&s, &w.o);
	world_open(&w);
	while (w.alive) {
		struct flow *f = w.heap[0].f;

		sink_event(&s, f, &f->events[f->retired++]);
		world_step(&w);
	}
	sink_close(&s, &w.o);
	world_close(&w);
	return 0;
}
