/*
 * wirekit: a live wire on a line of its own: opened as a command opens it, privilege dropped, then
 * moved by words on stdin, so that test_wire.py can see what the wire and its kernel do.
 *
 *   wirekit [no-v6] [tx=WAY] [lanes=N] [probes=N] TARGET SPORT N QUIET CONNS
 *                                           SPORT 0: any; the last QUIET of N ports quiet
 *   > send SPORT DPORT FLAGS SEQ ACK LEN    a raw segment             < sent N ERRNO
 *   > last                                  its octets                < hex OCTETS
 *   > spread N TIMES                        SYNs to N addresses on    < sent N EAGAIN=N ...
 *   > flood N                               N SYNs by each lane       < sent N EAGAIN=N ...
 *   > path, rest, stats                                               < up | down WHY, ok, stats N
 *   > neighs N                              what the kernel knows of  < neighs known=N ...
 *                                           N addresses on
 *   > open SPORT DPORT                      a kernel connection       < conn N | no FULL WHY
 *   > shutdown N, close N, reset N                                    < ok
 *   > recv MS                                                         < frame K=V... ; end
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/bytes.h"
#include "base/log.h"
#include "packet/craft.h"
#include "packet/decode.h"
#include "packet/notation.h"
#include "wire/hold.h"
#include "wire/live.h"
#include "wire/neigh.h"
#include "wire/privilege.h"
#include "wire/route.h"

static const struct privilege_user stay; /* this kit stays who it is */

enum { PACKET = 128, BATCH = 64, LANES_MAX = 8 };

struct kit {
	struct addr target;
	enum tx tx;
	unsigned lanes, probes;
	struct route *route;
	const struct path *paths;
	struct hold *hold;
	struct wire *wire;
	struct craft *craft;
	struct neighs *neighs;
	uint8_t last[PACKET];
	int last_len;
};

/* What became of packets. */
struct tally {
	size_t sent, waiting, nobody, no_room, other;
};

static int fail(const struct err *e)
{
	printf("failed %s\n", e->msg);
	return -1;
}

/* As on a machine whose kernel was started without IPv6. */
static int lose_ipv6(struct err *e)
{
	const unsigned low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + low),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return err_sys(e, errno, "seccomp");
	return 0;
}

static int parse_target(const char *word, struct addr *out, struct err *e)
{
	char text[ADDR_TEXT];
	char *zone;

	snprintf(text, sizeof(text), "%s", word);
	zone = strchr(text, '%');
	if (zone)
		*zone++ = '\0';
	if (addr_parse(text, out) < 0)
		return err_set(e, "%s: no address", word);
	if (zone)
		out->zone = if_nametoindex(zone);
	return 0;
}

static int kit_open(struct kit *k, char **argv, struct err *e)
{
	static const struct route_wish any;
	unsigned n = (unsigned)atoi(argv[2]);
	struct live_config c = {
	    .expected_replies = 100, .tx = k->tx, .probes = k->probes, .lanes = k->lanes};
	uint16_t path;
	uint64_t run;
	bool denied;

	if (parse_target(argv[0], &k->target, e) < 0)
		return -1;
	k->route = route_open(&any, e);
	if (!k->route || route_piece(k->route, &k->target, 1, &run, &path, e) < 0 ||
	    path == PATH_NONE)
		return -1;
	k->paths = route_paths(k->route, &c.n_paths);
	k->hold = hold_ports(n, (uint16_t)atoi(argv[1]), NULL, e);
	if (!k->hold)
		return -1;
	c.paths = k->paths;
	c.sport_first = hold_first(k->hold);
	c.sport_last = (uint16_t)(c.sport_first + n - 1);
	c.n_quiet = (uint16_t)atoi(argv[3]);
	c.conns_max = (size_t)atol(argv[4]);
	k->wire = live_open(&c, &denied, e);
	k->craft = craft_new(e);
	k->neighs = neighs_open(e);
	if (!k->wire || !k->craft || !k->neighs)
		return -1;
	return privilege_drop(&stay, PRIVILEGE_CONVERSE, e);
}

static void kit_close(struct kit *k)
{
	if (k->wire)
		k->wire->ops->close(k->wire);
	neighs_close(k->neighs);
	craft_free(k->craft);
	hold_free(k->hold);
	route_close(k->route);
}

static void tell_frame(void *ctx, const struct wire_in *in)
{
	char line[512];
	struct text t = text_of(line, sizeof(line));
	struct packet p;

	(void)ctx;
	if (decode_frame(in->frame, in->captured, in->len, in->linktype, &p) != DECODE_OK)
		return;
	notation_put_packet(&t, &p);
	printf("frame sport=%u dport=%u flags=%u seq=%u ack=%u len=%u ttl=%u text=%s\n",
	       p.seg.sport, p.seg.dport, p.seg.flags, p.seg.seq, p.seg.ack, p.seg.payload_len,
	       p.seg.ttl, line);
}

static int do_recv(struct kit *k, unsigned ms, struct err *e)
{
	const struct wire_ops *ops = k->wire->ops;

	if (ops->recv(k->wire, ops->now(k->wire) + ms * 1000000ULL, tell_frame, NULL, e) < 0)
		return fail(e);
	puts("end");
	return 0;
}

/* Into `room`, behind the wire's headroom. Its length, or -1 with `e`. */
static int build(struct kit *k, const struct addr *dst, const unsigned v[6], uint8_t *room,
		 struct err *e)
{
	static const uint8_t octets[64];
	struct segment s = {
	    .src = k->paths[0].src,
	    .dst = *dst,
	    .sport = (uint16_t)v[0],
	    .dport = (uint16_t)v[1],
	    .flags = (uint16_t)v[2],
	    .seq = v[3],
	    .ack = v[4],
	    .payload = v[5] ? octets : NULL,
	    .payload_len = v[5],
	    .win = 1024,
	    .ttl = 64,
	};

	if (v[5] > sizeof(octets))
		return err_set(e, "too much data");
	return craft_build(k->craft, &s, room + WIRE_HEADROOM, PACKET - WIRE_HEADROOM, e);
}

static int do_send(struct kit *k, const unsigned v[6], struct err *e)
{
	uint8_t room[PACKET];
	_Atomic uint64_t at_ns = 0;
	struct wire_out out;
	size_t sent;

	k->last_len = build(k, &k->target, v, room, e);
	if (k->last_len < 0)
		return fail(e);
	memcpy(k->last, room + WIRE_HEADROOM, (size_t)k->last_len);
	out = (struct wire_out){.ip = room + WIRE_HEADROOM, .len = (uint16_t)k->last_len};
	sent = k->wire->ops->send(k->wire, 0, &out, 1, &at_ns);
	if (sent)
		puts(at_ns ? "sent 1" : "sent 1 at no time");
	else
		printf("sent 0 %d\n", out.error);
	return 0;
}

static int do_last(struct kit *k)
{
	fputs("hex ", stdout);
	for (int i = 0; i < k->last_len; i++)
		printf("%02x", k->last[i]);
	puts("");
	return 0;
}

static void count(struct tally *t, const struct wire_out *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (v[i].error) {
		case 0: t->sent++; break;
		case EAGAIN: t->waiting++; break;
		case EHOSTUNREACH: t->nobody++; break;
		case ENOBUFS: t->no_room++; break;
		default: t->other++; break;
		}
	}
}

static void tell(const struct tally *t)
{
	printf("sent %zu EAGAIN=%zu EHOSTUNREACH=%zu ENOBUFS=%zu other=%zu\n", t->sent, t->waiting,
	       t->nobody, t->no_room, t->other);
}

/* A SYN to each of n addresses from the target on. */
static int send_batch(struct kit *k, uint64_t first, size_t n, struct tally *t, struct err *e)
{
	uint8_t room[BATCH][PACKET];
	struct wire_out v[BATCH];
	_Atomic uint64_t at_ns = 0;

	for (size_t i = 0; i < n; i++) {
		struct addr dst = addr_add(k->target, first + i);
		const unsigned syn[6] = {hold_first(k->hold), 80, TCP_SYN, 1};
		int len = build(k, &dst, syn, room[i], e);

		if (len < 0)
			return -1;
		v[i] = (struct wire_out){.ip = room[i] + WIRE_HEADROOM, .len = (uint16_t)len};
	}
	k->wire->ops->send(k->wire, 0, v, n, &at_ns);
	count(t, v, n);
	return 0;
}

static int do_spread(struct kit *k, unsigned n, unsigned times, struct err *e)
{
	struct tally t = {0};

	for (; times > 0; times--) {
		for (unsigned i = 0; i < n; i += BATCH) {
			unsigned some = n - i < BATCH ? n - i : BATCH;

			if (send_batch(k, i, some, &t, e) < 0)
				return fail(e);
		}
	}
	tell(&t);
	return 0;
}

/* One lane of a flood: its own packets, each of them known by its sequence number. */
struct flood {
	struct kit *kit;
	pthread_t thread;
	unsigned lane, n;
	uint8_t form[PACKET];
	int len;
	struct tally tally;
	_Atomic bool *ended;
};

/* Without template: SEQ is patched and the checksum left to who counts them not to look at. */
static void *flood(void *ctx)
{
	struct flood *f = ctx;
	struct wire *w = f->kit->wire;
	uint8_t room[BATCH][PACKET];
	struct wire_out v[BATCH];
	size_t tcp = WIRE_HEADROOM + (f->kit->target.family == ADDR_V4 ? 20 : 40);

	for (unsigned i = 0; i < f->n; i += BATCH) {
		unsigned some = f->n - i < BATCH ? f->n - i : BATCH;
		_Atomic uint64_t at_ns = 0;

		for (unsigned j = 0; j < some; j++) {
			memcpy(room[j], f->form, sizeof(f->form));
			room[j][tcp + 4] = (uint8_t)f->lane;
			room[j][tcp + 5] = (uint8_t)((i + j) >> 16);
			room[j][tcp + 6] = (uint8_t)((i + j) >> 8);
			room[j][tcp + 7] = (uint8_t)(i + j);
			v[j] = (struct wire_out){.ip = room[j] + WIRE_HEADROOM,
						 .len = (uint16_t)f->len};
		}
		w->ops->send(w, f->lane, v, some, &at_ns);
		count(&f->tally, v, some);
	}
	atomic_store(f->ended, true);
	return NULL;
}

static void pass_over(void *ctx, const struct wire_in *in)
{
	(void)ctx;
	(void)in;
}

/* All lanes at once, while frames and news are read, as in a run. */
static int do_flood(struct kit *k, unsigned n, struct err *e)
{
	static struct flood lanes[LANES_MAX];
	_Atomic bool ended[LANES_MAX];
	struct tally sum = {0};
	const unsigned syn[6] = {hold_first(k->hold), 9, TCP_SYN};

	for (unsigned i = 0; i < k->lanes; i++) {
		struct flood *f = &lanes[i];

		*f = (struct flood){.kit = k, .lane = i, .n = n, .ended = &ended[i]};
		atomic_init(&ended[i], false);
		f->len = build(k, &k->target, syn, f->form, e);
		if (f->len < 0 || pthread_create(&f->thread, NULL, flood, f) != 0)
			return fail(e);
	}
	for (unsigned i = 0; i < k->lanes; i++) {
		while (!atomic_load(&ended[i]))
			k->wire->ops->recv(k->wire, k->wire->ops->now(k->wire) + 1000000, pass_over,
					   NULL, e);
		pthread_join(lanes[i].thread, NULL);
		sum.sent += lanes[i].tally.sent;
		sum.waiting += lanes[i].tally.waiting;
		sum.nobody += lanes[i].tally.nobody;
		sum.no_room += lanes[i].tally.no_room;
		sum.other += lanes[i].tally.other;
	}
	tell(&sum);
	return 0;
}

/* The address on the link that the tests give to each: 02:00 and the last four octets. */
static bool is_right(const struct addr *a, const struct neigh *n)
{
	size_t len = addr_len(a);

	return n->mac[0] == 2 && n->mac[1] == 0 && memcmp(n->mac + 2, a->b + len - 4, 4) == 0;
}

static void do_neighs(struct kit *k, unsigned n)
{
	unsigned states[4] = {0}, right = 0, failures = 0;

	neighs_read(k->neighs, NULL, NULL);
	for (unsigned i = 0; i < n; i++) {
		struct addr a = addr_add(k->target, i);
		struct neigh now = neighs_find(k->neighs, k->paths[0].ifindex, &a);

		states[now.state]++;
		right += now.state == NEIGH_KNOWN && is_right(&a, &now);
		failures += now.failures;
	}
	printf("neighs unknown=%u asked=%u known=%u failed=%u right=%u failures=%u\n",
	       states[NEIGH_UNKNOWN], states[NEIGH_ASKED], states[NEIGH_KNOWN],
	       states[NEIGH_FAILED], right, failures);
}

static int do_path(struct kit *k)
{
	struct err why;

	if (k->wire->ops->path_up(k->wire, 0, &why))
		puts("up");
	else
		printf("down %s\n", why.msg);
	return 0;
}

static int do_stats(struct kit *k)
{
	struct wire_stats s;

	k->wire->ops->stats(k->wire, &s);
	printf("stats %llu\n", (unsigned long long)s.captured);
	return 0;
}

static int do_rest(struct kit *k)
{
	k->wire->ops->rest(k->wire);
	puts("ok");
	return 0;
}

static int do_open(struct kit *k, unsigned sport, unsigned dport)
{
	struct wire_conn_to to = {
	    .dst = k->target, .sport = (uint16_t)sport, .dport = (uint16_t)dport};
	bool full;
	struct err e;
	int conn = k->wire->ops->conn_open(k->wire, &to, &full, &e);

	if (conn >= 0)
		printf("conn %d\n", conn);
	else
		printf("no %s %s\n", full ? "full" : "never", e.msg);
	return 0;
}

static int obey(struct kit *k, char *line, struct err *e)
{
	static const struct {
		const char *word;
		int (*fn)(struct kit *k);
	} plain[] = {{"last", do_last}, {"path", do_path}, {"stats", do_stats}, {"rest", do_rest}};
	unsigned v[6];
	char word[16];

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "send %u %u %u %u %u %u", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) == 6)
		return do_send(k, v, e);
	if (sscanf(line, "open %u %u", &v[0], &v[1]) == 2)
		return do_open(k, v[0], v[1]);
	if (sscanf(line, "recv %u", &v[0]) == 1)
		return do_recv(k, v[0], e);
	if (sscanf(line, "spread %u %u", &v[0], &v[1]) == 2)
		return do_spread(k, v[0], v[1], e);
	if (sscanf(line, "flood %u", &v[0]) == 1)
		return do_flood(k, v[0], e);
	if (sscanf(line, "neighs %u", &v[0]) == 1)
		return do_neighs(k, v[0]), 0;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(line, plain[i].word) == 0)
			return plain[i].fn(k);
	}
	if (sscanf(line, "%15s %u", word, &v[0]) != 2)
		return fail((err_set(e, "not understood: %s", line), e));
	if (strcmp(word, "shutdown") == 0)
		k->wire->ops->conn_shutdown(k->wire, (int)v[0]);
	else
		k->wire->ops->conn_close(k->wire, (int)v[0], strcmp(word, "reset") == 0);
	puts("ok");
	return 0;
}

/* The words before the target, which are taken away. -1 with `e`. */
static int read_words(struct kit *k, int *argc, char ***argv, struct err *e)
{
	static const char *const ways[] = {"tx=auto", "tx=raw", "tx=packet", "tx=xdp"};

	for (; *argc > 1; (*argc)--, (*argv)++) {
		const char *word = (*argv)[1];

		if (strcmp(word, "no-v6") == 0) {
			if (lose_ipv6(e) < 0)
				return -1;
		} else if (sscanf(word, "lanes=%u", &k->lanes) != 1 &&
			   sscanf(word, "probes=%u", &k->probes) != 1) {
			size_t i = 0;

			while (i < 4 && strcmp(word, ways[i]) != 0)
				i++;
			if (i == 4)
				break;
			k->tx = (enum tx)i;
		}
	}
	return k->lanes > 0 && k->lanes <= LANES_MAX ? 0 : err_set(e, "so many lanes");
}

int main(int argc, char **argv)
{
	struct kit k = {.lanes = 1};
	struct err e = {""};
	char line[256];
	int status = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_verbosity(1);
	if (read_words(&k, &argc, &argv, &e) < 0) {
		fail(&e);
		goto out;
	}
	if (argc != 6) {
		fputs("wirekit [no-v6] [tx=WAY] [lanes=N] [probes=N] TARGET SPORT N QUIET CONNS\n",
		      stderr);
		goto out;
	}
	if (kit_open(&k, argv + 1, &e) < 0) {
		fail(&e);
		goto out;
	}
	printf("ready first=%u quiet_first=%u n_quiet=%u ttl255=%d conns_max=%zu\n",
	       hold_first(k.hold), k.wire->quiet_first, k.wire->n_quiet, k.wire->quiet_ttl255,
	       k.wire->conns_max);
	status = 0;
	while (status == 0 && fgets(line, sizeof(line), stdin))
		status = obey(&k, line, &e) < 0;
out:
	kit_close(&k);
	return status;
}
