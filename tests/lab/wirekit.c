/*
 * wirekit: a live wire on a line of its own: opened as a command opens it, privilege dropped, then
 * moved by words on stdin, so that test_wire.py can see what the wire and its kernel do.
 *
 *   wirekit [no-v6] TARGET SPORT N QUIET CONNS    SPORT 0: any; the last QUIET of N ports quiet
 *   > send SPORT DPORT FLAGS SEQ ACK LEN    a raw segment             < sent N
 *   > open SPORT DPORT                      a kernel connection       < conn N | no FULL WHY
 *   > shutdown N, close N, reset N                                    < ok
 *   > recv MS                                                         < frame K=V... ; end
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
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
#include "wire/privilege.h"
#include "wire/route.h"

struct kit {
	struct addr target;
	struct route *route;
	const struct path *paths;
	struct hold *hold;
	struct wire *wire;
	struct craft *craft;
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
	struct live_config c = {.expected_replies = 100, .lanes = 1};
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
	k->hold = hold_ports(n, (uint16_t)atoi(argv[1]), e);
	if (!k->hold)
		return -1;
	c.paths = k->paths;
	c.sport_first = hold_first(k->hold);
	c.sport_last = (uint16_t)(c.sport_first + n - 1);
	c.n_quiet = (uint16_t)atoi(argv[3]);
	c.conns_max = (size_t)atol(argv[4]);
	k->wire = live_open(&c, &denied, e);
	k->craft = craft_new(e);
	if (!k->wire || !k->craft)
		return -1;
	return privilege_drop(e);
}

static void kit_close(struct kit *k)
{
	if (k->wire)
		k->wire->ops->close(k->wire);
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

static int do_send(struct kit *k, const unsigned v[6], struct err *e)
{
	static const uint8_t octets[64];
	struct segment s = {
	    .src = k->paths[0].src,
	    .dst = k->target,
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
	uint8_t packet[256];
	uint64_t at_ns;
	int len;
	struct wire_out out;

	if (v[5] > sizeof(octets))
		return fail((err_set(e, "too much data"), e));
	len = craft_build(k->craft, &s, packet, sizeof(packet), e);
	if (len < 0)
		return fail(e);
	out = (struct wire_out){.ip = packet, .len = (uint16_t)len};
	printf("sent %zu\n", k->wire->ops->send(k->wire, 0, &out, 1, &at_ns));
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

static int obey(struct kit *k, const char *line, struct err *e)
{
	unsigned v[6];
	char word[16];

	if (sscanf(line, "send %u %u %u %u %u %u", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) == 6)
		return do_send(k, v, e);
	if (sscanf(line, "open %u %u", &v[0], &v[1]) == 2)
		return do_open(k, v[0], v[1]);
	if (sscanf(line, "recv %u", &v[0]) == 1)
		return do_recv(k, v[0], e);
	if (sscanf(line, "%15s %u", word, &v[0]) != 2)
		return fail((err_set(e, "not understood: %s", line), e));
	if (strcmp(word, "shutdown") == 0)
		k->wire->ops->conn_shutdown(k->wire, (int)v[0]);
	else
		k->wire->ops->conn_close(k->wire, (int)v[0], strcmp(word, "reset") == 0);
	puts("ok");
	return 0;
}

int main(int argc, char **argv)
{
	struct kit k = {0};
	struct err e = {""};
	char line[256];
	int status = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_verbosity(1);
	if (argc > 1 && strcmp(argv[1], "no-v6") == 0) {
		argc--, argv++;
		if (lose_ipv6(&e) < 0) {
			fail(&e);
			goto out;
		}
	}
	if (argc != 6) {
		fputs("wirekit [no-v6] TARGET SPORT N QUIET CONNS\n", stderr);
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
