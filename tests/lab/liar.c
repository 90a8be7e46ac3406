/*
 * liar: a box that sees the SYNs of a scanner and floods it with what looks like answers. It
 * decides what each lie is made of; what a prober should make of it is the test's. No lie but those
 * of the `on-path` kind has the one number that proves sight of the SYN, at the place where it
 * proves that.
 *
 *     liar DEVICE RATE LIE[,LIE...]     until SIGTERM; then it prints what it sent, as JSON
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
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

#include "../bench/octets.h"

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	BATCH = 64,
	FRAME = 512,
	THREADS = 2,
	SEEN = 1 << 17, /* one a family and port */
	LIES_MAX = 64,
	NS = 1000000000,
};

/* A SYN that came by, from the scanner's end; and the one before it to the same port. */
struct seen {
	uint8_t eth[14];
	uint8_t our[16], far[16];
	size_t alen; /* of an address */
	uint16_t sport, dport;
	uint32_t seq, old;
	bool has_old;
};

struct frame {
	uint8_t b[FRAME];
	size_t n;
};

typedef void lie_fn(struct frame *f, const struct seen *s, uint64_t r);

struct lie {
	const char *name;
	lie_fn *fn;
};

struct thread {
	pthread_t id;
	int fd;
	uint64_t rng, sent, refused;
	uint64_t of[LIES_MAX];
};

static struct seen seen[SEEN];
static uint32_t order[SEEN]; /* those that are filled, as they came */
static atomic_uint n_seen;
static const struct lie *chosen[LIES_MAX];
static size_t n_chosen;
static double rate;
static atomic_bool over;
static _Atomic uint64_t first_ns; /* when the first SYN had come */
static int ifindex;

/* --- octets ----------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

static uint8_t *put(struct frame *f, const void *p, size_t n)
{
	uint8_t *at = f->b + f->n;

	if (f->n + n > FRAME)
		abort();
	memcpy(at, p, n);
	f->n += n;
	return at;
}

/* --- packets ---------------------------------------------------------------------------------- */

/* What a packet says of itself; the scanner's end is where it goes. */
struct head {
	uint8_t from[16];
	uint8_t protocol, ttl;
	bool fragment, more;
	unsigned offset; /* of the fragment, in 8 octets */
	uint32_t id;
};

static struct head head_of(const struct seen *s, uint8_t protocol, uint64_t r)
{
	struct head h = {.protocol = protocol, .ttl = (uint8_t)(40 + r % 30), .id = (uint32_t)r};

	memcpy(h.from, s->far, s->alen);
	return h;
}

static void put_v4(struct frame *f, const uint8_t *from, const uint8_t *to, const struct head *h,
		   size_t len)
{
	uint8_t ip[20] = {0x45};

	put16(ip + 2, (unsigned)(20 + len));
	put16(ip + 4, h->id & 0xffff);
	put16(ip + 6, h->fragment ? (h->more ? 0x2000U : 0U) | h->offset : 0x4000U);
	ip[8] = h->ttl;
	ip[9] = h->protocol;
	memcpy(ip + 12, from, 4);
	memcpy(ip + 16, to, 4);
	put16(ip + 10, fold(sum16(ip, 20, 0)));
	put(f, ip, 20);
}

static void put_v6(struct frame *f, const uint8_t *from, const uint8_t *to, const struct head *h,
		   size_t len)
{
	uint8_t ip[48] = {0x60};

	put16(ip + 4, (unsigned)(len + (h->fragment ? 8 : 0)));
	ip[6] = h->fragment ? 44 : h->protocol;
	ip[7] = h->ttl;
	memcpy(ip + 8, from, 16);
	memcpy(ip + 24, to, 16);
	ip[40] = h->protocol;
	put16(ip + 42, h->offset << 3 | h->more);
	put32(ip + 44, h->id);
	put(f, ip, h->fragment ? 48 : 40);
}

static void put_ip(struct frame *f, const struct seen *s, const struct head *h, size_t len)
{
	if (s->alen == 4)
		put_v4(f, h->from, s->our, h, len);
	else
		put_v6(f, h->from, s->our, h, len);
}

static uint64_t pseudo(const struct seen *s, const struct head *h, size_t len)
{
	return sum16(h->from, s->alen, sum16(s->our, s->alen, h->protocol + (uint32_t)len));
}

static void put_eth(struct frame *f, const struct seen *s)
{
	f->n = 0;
	put(f, s->eth + 6, 6);
	put(f, s->eth, 6);
	put(f, s->eth + 12, 2);
}

/* The octets of a segment, 20 of them and those of `data`. */
static void put_tcp(struct frame *f, const struct seen *s, const struct head *h, unsigned sport,
		    unsigned dport, uint32_t seq, uint32_t ack, unsigned flags, size_t data)
{
	uint8_t *t = put(f, (uint8_t[100]){0}, 20 + data);

	put16(t, sport);
	put16(t + 2, dport);
	put32(t + 4, seq);
	put32(t + 8, ack);
	t[12] = 5 << 4;
	t[13] = (uint8_t)flags;
	put16(t + 14, flags & RST ? 0 : 64240);
	put16(t + 16, fold(sum16(t, 20 + data, pseudo(s, h, 20 + data))));
}

/* A whole segment from the target's port, or where `h` says. */
static void segment(struct frame *f, const struct seen *s, const struct head *h, uint32_t seq,
		    uint32_t ack, unsigned flags)
{
	put_eth(f, s);
	put_ip(f, s, h, 20);
	put_tcp(f, s, h, s->dport, s->sport, seq, ack, flags, 0);
}

/* --- lies in segments ------------------------------------------------------------------------- */

static unsigned any_flags(uint64_t r)
{
	static const unsigned some[] = {SYN | ACK, RST | ACK, RST, SYN | ACK, RST | ACK};

	return some[(r >> 20) % 5];
}

static void with_flags(struct frame *f, const struct seen *s, uint64_t r, unsigned flags)
{
	struct head h = head_of(s, 6, r);

	segment(f, s, &h, (uint32_t)(r >> 32), flags & ACK ? (uint32_t)(r * 0x9e3779b9U) : 0,
		flags);
}

static void lie_syn_ack(struct frame *f, const struct seen *s, uint64_t r)
{
	with_flags(f, s, r, SYN | ACK);
}

static void lie_rst(struct frame *f, const struct seen *s, uint64_t r)
{
	with_flags(f, s, r, RST | (r & 1 ? ACK : 0));
}

static void lie_stray(struct frame *f, const struct seen *s, uint64_t r)
{
	static const unsigned some[] = {ACK, FIN | ACK, RST | SYN | ACK, RST | FIN, PSH | ACK};

	with_flags(f, s, r, some[(r >> 8) % 5]);
}

static void lie_data(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);

	put_eth(f, s);
	put_ip(f, s, &h, 60);
	put_tcp(f, s, &h, s->dport, s->sport, (uint32_t)r, (uint32_t)(r >> 32), PSH | ACK, 40);
}

/* Beside the right number, by what a guesser might be off. */
static void lie_near(struct frame *f, const struct seen *s, uint64_t r)
{
	static const uint32_t off[] = {2, 3, 0xffffffff, 65536, 65537, 64241, 0xffff0000, 1U << 31};
	struct head h = head_of(s, 6, r);
	unsigned flags = r & 1 ? SYN | ACK : RST | ACK;

	segment(f, s, &h, r & 2 ? 0 : s->seq, s->seq + off[(r >> 8) % 8], flags);
}

/* All is right, but it comes from another. */
static void lie_address(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);

	h.from[s->alen - 1] ^= (uint8_t)(1 + (r >> 8) % 255);
	segment(f, s, &h, 0, s->seq + 1, any_flags(r));
}

/* ... or from, or to, a port that has nothing to do with it. */
static void lie_port(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);
	unsigned by = 1 + (r >> 8) % 3;

	put_eth(f, s);
	put_ip(f, s, &h, 20);
	put_tcp(f, s, &h, s->dport + (r & 1 ? by : 0), s->sport + (r & 1 ? 0 : by), 0, s->seq + 1,
		any_flags(r), 0);
}

/* What would have been true a try ago, or in the scan before this one. */
static void lie_replay(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);

	segment(f, s, &h, 0, s->has_old && s->old != s->seq ? s->old + 1 : (uint32_t)r,
		r & 1 ? SYN | ACK : RST | ACK);
}

/* --- lies in ICMP errors ---------------------------------------------------------------------- */

/* Our SYN as it left, as far as anybody remembers. */
static void quote(struct frame *q, const struct seen *s, const struct head *h, size_t octets,
		  unsigned sport, unsigned dport, uint32_t seq)
{
	struct head back = *h;
	uint8_t tcp[20] = {0};

	q->n = 0;
	if (s->alen == 4)
		put_v4(q, s->our, h->from, &back, 20);
	else
		put_v6(q, s->our, h->from, &back, 20);
	put16(tcp, sport);
	put16(tcp + 2, dport);
	put32(tcp + 4, seq);
	tcp[12] = 5 << 4;
	tcp[13] = SYN;
	put(q, tcp, octets);
}

static const uint8_t v4_types[][2] = {{3, 1}, {3, 3}, {3, 13}, {3, 0}, {11, 0}, {3, 10}};
static const uint8_t v6_types[][2] = {{1, 0}, {1, 1}, {1, 3}, {1, 4}, {3, 0}, {1, 5}};

static uint8_t icmp_protocol(const struct seen *s)
{
	return s->alen == 4 ? 1 : 58;
}

/* The error itself, from any router, about what is quoted. */
static void error_about(struct frame *f, const struct seen *s, const struct frame *q, uint64_t r)
{
	struct head h = head_of(s, icmp_protocol(s), r);
	const uint8_t *type = (s->alen == 4 ? v4_types : v6_types)[(r >> 12) % 6];
	uint8_t *icmp;

	h.from[s->alen - 1] ^= (uint8_t)((r >> 40) % 4);
	f->n = 0;
	put_eth(f, s);
	put_ip(f, s, &h, 8 + q->n);
	icmp = put(f, (uint8_t[8]){type[0], type[1]}, 8);
	put(f, q->b, q->n);
	put16(icmp + 2, fold(sum16(icmp, 8 + q->n, s->alen == 4 ? 0 : pseudo(s, &h, 8 + q->n))));
}

static void lie_icmp_seq(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);
	struct frame q;

	quote(&q, s, &h, 20, s->sport, s->dport, r & 1 ? (uint32_t)(r >> 24) : s->seq + 1);
	error_about(f, s, &q, r);
}

static void lie_icmp_port(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);
	unsigned by = 1 + (r >> 8) % 3;
	struct frame q;

	quote(&q, s, &h, 20, s->sport + (r & 1 ? by : 0), s->dport + (r & 1 ? 0 : by), s->seq);
	error_about(f, s, &q, r);
}

/* About somebody else's packet to the target, or ours to somebody else. */
static void lie_icmp_address(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);
	struct seen other = *s;
	struct frame q;

	if (r & 1)
		h.from[s->alen - 1] ^= (uint8_t)(1 + (r >> 8) % 255);
	else
		other.our[s->alen - 1] ^= (uint8_t)(1 + (r >> 8) % 255);
	quote(&q, &other, &h, 20, s->sport, s->dport, s->seq);
	error_about(f, s, &q, r);
}

/* So little of the segment that nothing in it proves anything. */
static void lie_icmp_short(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);
	struct frame q;

	quote(&q, s, &h, (r >> 8) % 8, s->sport, s->dport, s->seq);
	if ((r & 15) == 0) /* less than the IP header */
		q.n = (r >> 16) % 20;
	error_about(f, s, &q, r);
}

/* An error about an error, of which none may be sent. */
static void lie_icmp_nested(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r), outer = head_of(s, icmp_protocol(s), r);
	struct frame q, in;

	quote(&in, s, &h, 20, s->sport, s->dport, s->seq);
	q.n = 0;
	if (s->alen == 4)
		put_v4(&q, s->our, s->far, &outer, 8 + in.n);
	else
		put_v6(&q, s->our, s->far, &outer, 8 + in.n);
	put(&q, (uint8_t[8]){s->alen == 4 ? 3 : 1, 1}, 8);
	put(&q, in.b, in.n);
	error_about(f, s, &q, r);
}

static void lie_icmp_protocol(struct frame *f, const struct seen *s, uint64_t r)
{
	static const uint8_t others[] = {17, 132, 33, 1, 58, 0, 59, 255};
	struct head h = head_of(s, others[(r >> 8) % 8], r);
	struct frame q;

	quote(&q, s, &h, 20, s->sport, s->dport, s->seq);
	error_about(f, s, &q, r);
}

/* Lengths and offsets that can't be; what they would show has the wrong number, or is no header. */
static void lie_icmp_length(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);
	struct frame q;

	h.fragment = r & 1;
	h.offset = 1 + (r >> 8) % 100;
	quote(&q, s, &h, 20, s->sport, s->dport, r & 1 ? s->seq : s->seq ^ 0x80000000U);
	if (s->alen == 4) {
		put16(q.b + 2, (unsigned)(r >> 16) & 0xffff);
		if (!(r & 1))
			q.b[0] = (uint8_t)(0x40 | (r >> 36) % 16);
	} else {
		put16(q.b + 4, (unsigned)(r >> 16) & 0xffff);
	}
	error_about(f, s, &q, r);
}

/* --- lies in fragments ------------------------------------------------------------------------ */

/* Somewhere in the middle of a packet, and it looks like the right answer. */
static void lie_fragment_later(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);

	h.fragment = true;
	h.more = r & 1;
	h.offset = 1 + (r >> 8) % 3; /* 8 and 16 overlap a header */
	segment(f, s, &h, 0, s->seq + 1, any_flags(r));
}

/* The beginning of a packet whose rest never comes. */
static void lie_fragment_first(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);

	h.fragment = h.more = true;
	segment(f, s, &h, (uint32_t)r, (uint32_t)(r >> 32), any_flags(r));
}

/* So little of it that its flags and numbers are to be filled in by an overlap. */
static void lie_fragment_tiny(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);
	struct frame whole;

	h.fragment = h.more = true;
	segment(&whole, s, &h, 0, s->seq + 1, any_flags(r));
	put_eth(f, s);
	put_ip(f, s, &h, 8);
	put(f, whole.b + whole.n - 20, 8);
}

/* A fragment that is all of it (RFC 6946), or an offset of 0 and nothing more. */
static void lie_fragment_atomic(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);

	h.fragment = true;
	segment(f, s, &h, (uint32_t)r, (uint32_t)(r >> 32), any_flags(r));
}

/* --- no lie ----------------------------------------------------------------------------------- */

static void lie_on_path(struct frame *f, const struct seen *s, uint64_t r)
{
	struct head h = head_of(s, 6, r);

	segment(f, s, &h, 0, s->seq + 1, RST | ACK);
}

static const struct lie lies[] = {
    {"syn-ack", lie_syn_ack},
    {"rst", lie_rst},
    {"stray", lie_stray},
    {"data", lie_data},
    {"near", lie_near},
    {"address", lie_address},
    {"port", lie_port},
    {"replay", lie_replay},
    {"icmp-seq", lie_icmp_seq},
    {"icmp-port", lie_icmp_port},
    {"icmp-address", lie_icmp_address},
    {"icmp-short", lie_icmp_short},
    {"icmp-nested", lie_icmp_nested},
    {"icmp-protocol", lie_icmp_protocol},
    {"icmp-length", lie_icmp_length},
    {"fragment-later", lie_fragment_later},
    {"fragment-first", lie_fragment_first},
    {"fragment-tiny", lie_fragment_tiny},
    {"fragment-atomic", lie_fragment_atomic},
    {"on-path", lie_on_path},
};

/* --- hearing ---------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void learn(const uint8_t *b, size_t n)
{
	bool v4 = n >= 54 && b[12] == 8 && b[13] == 0 && b[23] == 6;
	bool v6 = n >= 74 && b[12] == 0x86 && b[13] == 0xdd && b[20] == 6;
	const uint8_t *t = b + 14 + (v4 ? (b[14] & 15) * 4 : 40);
	uint32_t at;
	struct seen s;

	if ((!v4 && !v6) || t + 20 > b + n || (t[13] & (SYN | ACK | RST)) != SYN)
		return;
	at = (uint32_t)(v6 << 16 | t[2] << 8 | t[3]);
	s = (struct seen){.alen = v4 ? 4 : 16,
			  .sport = (uint16_t)(t[0] << 8 | t[1]),
			  .dport = (uint16_t)(t[2] << 8 | t[3]),
			  .seq = get32(t + 4),
			  .old = seen[at].seq,
			  .has_old = seen[at].alen != 0};
	memcpy(s.eth, b, 14);
	memcpy(s.our, b + (v4 ? 26 : 22), s.alen);
	memcpy(s.far, b + (v4 ? 30 : 38), s.alen);
	seen[at] = s;
	if (!s.has_old) {
		if (!first_ns)
			first_ns = now_ns();
		order[atomic_load(&n_seen)] = at;
		atomic_fetch_add(&n_seen, 1);
	}
}

static int open_packet(unsigned protocol)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons((uint16_t)protocol),
				 .sll_ifindex = ifindex};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1, room = 16 << 20;

	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("liar");
		exit(1);
	}
	return fd;
}

static void hear(int fd)
{
	uint8_t b[2048];

	while (!over) {
		ssize_t n = recv(fd, b, sizeof(b), 0);

		if (n > 0)
			learn(b, (size_t)n);
	}
}

/* --- sending ---------------------------------------------------------------------------------- */

static void make_batch(struct thread *t, struct frame *frames, unsigned known)
{
	for (size_t i = 0; i < BATCH; i++) {
		uint64_t r = next(&t->rng);
		size_t which = next(&t->rng) % n_chosen;
		struct seen s = seen[order[next(&t->rng) % known]];

		frames[i].n = 0;
		chosen[which]->fn(&frames[i], &s, r);
		t->of[which]++;
	}
}

static void send_batch(struct thread *t, struct frame *frames, struct mmsghdr *m)
{
	struct iovec v[BATCH];
	int n;

	for (size_t i = 0; i < BATCH; i++) {
		v[i] = (struct iovec){frames[i].b, frames[i].n};
		m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
	}
	n = sendmmsg(t->fd, m, BATCH, 0);
	t->sent += n > 0 ? (uint64_t)n : 0;
	t->refused += n < BATCH;
}

static void *flood(void *arg)
{
	static _Thread_local struct frame frames[BATCH];
	static _Thread_local struct mmsghdr m[BATCH];
	struct thread *t = arg;
	uint64_t due = 0, gap = (uint64_t)(1e9 * BATCH * THREADS / rate);

	while (!over) {
		unsigned known = atomic_load(&n_seen);
		uint64_t now = now_ns();

		if (!known || now < due) {
			struct timespec nap = {.tv_nsec = 100000};

			nanosleep(&nap, NULL);
			continue;
		}
		/* who is behind makes up for a little of it only */
		due = due + 50 * gap < now ? now : due + gap;
		make_batch(t, frames, known);
		send_batch(t, frames, m);
	}
	return NULL;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void on_term(int sig)
{
	(void)sig;
	over = true;
}

static void choose(char *words)
{
	for (char *w = strtok(words, ","); w; w = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < sizeof(lies) / sizeof(lies[0]) && strcmp(lies[i].name, w) != 0)
			i++;
		if (i == sizeof(lies) / sizeof(lies[0]) || n_chosen == LIES_MAX) {
			fprintf(stderr, "liar: no such lie: %s\n", w);
			exit(2);
		}
		chosen[n_chosen++] = &lies[i];
	}
}

static void tell(const struct thread *t, double seconds)
{
	uint64_t sent = 0;

	for (int i = 0; i < THREADS; i++)
		sent += t[i].sent;
	printf("{\"sent\":%llu,\"seconds\":%.3f,\"syns\":%u", (unsigned long long)sent, seconds,
	       atomic_load(&n_seen));
	for (size_t k = 0; k < n_chosen; k++)
		printf(",\"%s\":%llu", chosen[k]->name,
		       (unsigned long long)(t[0].of[k] + t[1].of[k]));
	printf("}\n");
}

int main(int argc, char **argv)
{
	static struct thread threads[THREADS];
	struct sigaction act = {.sa_handler = on_term};
	int ear;

	if (argc != 4)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ifindex = (int)if_nametoindex(argv[1]);
	rate = atof(argv[2]);
	choose(argv[3]);
	sigaction(SIGTERM, &act, NULL);
	ear = open_packet(ETH_P_ALL);
	printf("READY\n");
	fflush(stdout);
	for (int i = 0; i < THREADS; i++) {
		threads[i].rng = now_ns() * 2 + (unsigned)i;
		threads[i].fd = open_packet(0);
		pthread_create(&threads[i].id, NULL, flood, &threads[i]);
	}
	hear(ear);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	tell(threads, first_ns ? (double)(now_ns() - first_ns) / 1e9 : 1);
	return 0;
}
