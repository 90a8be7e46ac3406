/*
 * xdpkit: a live wire whose frames go by AF_XDP, privilege dropped, that sends the octets it is
 * given by the lane it is told, so that test_xdp.py can see what arrives.
 *
 *   xdpkit LANES TARGET...           a path for each                  < ready | failed DENIED WHY
 *   > send LANE PATH:HEX...          packets, in one batch            < sent N at=SET ERRNO...
 *   > flood LANES BATCHES HEX        by threads, of the first path    < sent N
 *   > recv MS                        and news of neighbours           < ok
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/log.h"
#include "wire/live.h"
#include "wire/privilege.h"
#include "wire/route.h"

static const struct privilege_user stay; /* this kit stays who it is */

enum { MAX = 256, PACKET = 4096, BATCH = 64, LANES = 16, MS = 1000000 };

struct kit {
	struct route *route;
	struct wire *wire;
	size_t n;
	struct wire_out out[MAX];
	uint8_t octets[MAX][WIRE_HEADROOM + PACKET];
};

struct flooder {
	struct kit *kit;
	pthread_t thread;
	unsigned lane, batches;
	size_t sent;
	struct wire_out out[BATCH];
	uint8_t octets[BATCH][WIRE_HEADROOM + PACKET];
};

static int kit_open(struct kit *k, unsigned lanes, char **targets, bool *denied, struct err *e)
{
	static const struct route_wish any;
	struct live_config c = {
	    .tx = TX_XDP, .lanes = lanes, .sport_first = 40000, .sport_last = 40010};
	struct addr a;
	uint64_t run;
	uint16_t path;

	k->route = route_open(&any, e);
	for (; k->route && *targets; targets++) {
		if (addr_parse(*targets, &a) < 0)
			return err_set(e, "%s: no address", *targets);
		if (route_piece(k->route, &a, 1, &run, &path, e) < 0 || path == PATH_NONE)
			return -1;
	}
	if (!k->route)
		return -1;
	c.paths = route_paths(k->route, &c.n_paths);
	k->wire = live_open(&c, denied, e);
	return k->wire ? privilege_drop(&stay, PRIVILEGE_CONVERSE, e) : -1;
}

/* "0:4500..." -> path 0 and octets. */
static int add_packet(struct kit *k, const char *word)
{
	struct wire_out *o = &k->out[k->n];
	uint8_t *at = k->octets[k->n] + WIRE_HEADROOM;
	unsigned path, octet;
	int skip = 0;

	if (k->n == MAX || sscanf(word, "%u:%n", &path, &skip) != 1 || !skip)
		return -1;
	*o = (struct wire_out){.ip = at, .path = (uint16_t)path, .error = -1};
	for (word += skip; o->len < PACKET && sscanf(word, "%2x", &octet) == 1; word += 2)
		at[o->len++] = (uint8_t)octet;
	k->n++;
	return *word ? -1 : 0;
}

static int do_send(struct kit *k, char *words)
{
	const char *lane = strtok(words, " ");
	_Atomic uint64_t at = 0;
	size_t sent;

	k->n = 0;
	for (const char *w; (w = strtok(NULL, " "));) {
		if (add_packet(k, w) < 0)
			return -1;
	}
	sent = k->wire->ops->send(k->wire, (unsigned)atoi(lane), k->out, k->n, &at);
	printf("sent %zu at=%d", sent, at != 0);
	for (size_t i = 0; i < k->n; i++)
		printf(" %d", k->out[i].error);
	puts("");
	return 0;
}

static void *flood(void *flooder)
{
	struct flooder *f = flooder;
	_Atomic uint64_t at;

	for (unsigned i = 0; i < BATCH; i++) {
		f->out[i] = f->kit->out[0];
		f->out[i].ip = f->octets[i] + WIRE_HEADROOM;
		memcpy(f->out[i].ip, f->kit->out[0].ip, f->out[i].len);
	}
	while (f->batches-- > 0)
		f->sent += f->kit->wire->ops->send(f->kit->wire, f->lane, f->out, BATCH, &at);
	return NULL;
}

static int do_flood(struct kit *k, unsigned lanes, unsigned batches, const char *packet)
{
	static struct flooder f[LANES];
	size_t sent = 0;

	k->n = 0;
	if (lanes > LANES || add_packet(k, packet) < 0)
		return -1;
	for (unsigned i = 0; i < lanes; i++) {
		f[i].kit = k;
		f[i].lane = i;
		f[i].batches = batches;
		f[i].sent = 0;
		if (pthread_create(&f[i].thread, NULL, flood, &f[i]) != 0)
			return -1;
	}
	for (unsigned i = 0; i < lanes; i++) {
		pthread_join(f[i].thread, NULL);
		sent += f[i].sent;
	}
	printf("sent %zu\n", sent);
	return 0;
}

static void no_frame(void *ctx, const struct wire_in *in)
{
	(void)ctx;
	(void)in;
}

static int do_recv(struct kit *k, unsigned ms)
{
	struct err e;
	uint64_t end = k->wire->ops->now(k->wire) + (uint64_t)ms * MS;

	if (k->wire->ops->recv(k->wire, end, no_frame, NULL, &e) < 0)
		return -1;
	puts("ok");
	return 0;
}

static int obey(struct kit *k, char *line)
{
	unsigned a, b;
	int skip = 0;

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "send ", 5) == 0)
		return do_send(k, line + 5);
	if (sscanf(line, "flood %u %u %n", &a, &b, &skip) == 2 && skip)
		return do_flood(k, a, b, line + skip);
	if (sscanf(line, "recv %u", &a) == 1)
		return do_recv(k, a);
	return -1;
}

int main(int argc, char **argv)
{
	struct kit *k = calloc(1, sizeof(*k));
	struct err e = {""};
	bool denied = false;
	char *line = NULL;
	size_t cap = 0;
	int status = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_set_verbosity(1);
	if (!k || argc < 3)
		goto out;
	if (kit_open(k, (unsigned)atoi(argv[1]), argv + 2, &denied, &e) < 0) {
		printf("failed %d %s\n", denied, e.msg);
		goto out;
	}
	puts("ready");
	status = 0;
	while (status == 0 && getline(&line, &cap, stdin) > 0) {
		status = obey(k, line) < 0;
		if (status)
			printf("not understood: %.60s\n", line);
	}
out:
	if (k && k->wire)
		k->wire->ops->close(k->wire);
	if (k)
		route_close(k->route);
	free(line);
	free(k);
	return status;
}
