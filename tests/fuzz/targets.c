/*
 * targets: drives each parser and asserts what must hold whatever the input: what was read lies
 * inside what was given, and what was made agrees with itself.
 */
#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ports.h"
#include "engine/targets.h"
#include "packet/decode.h"
#include "packet/notation.h"
#include "packet/options.h"
#include "packet/pcapng.h"

void fuzz_check_packet(const struct packet *p, const uint8_t *data, size_t len)
{
	char line[512];
	struct text t = text_of(line, sizeof(line));

	assert(p->kind == PACKET_TCP || p->kind == PACKET_ICMP_ERROR);
	assert(p->payload_captured <= len);
	assert(!p->payload_captured || (p->seg.payload > data && p->seg.payload < data + len));
	assert(p->payload_captured <= p->seg.payload_len);
	assert(!p->csum_bad || p->csum_checked);
	assert(!p->csum_checked || !p->payload_cut);
	assert(!p->quoted.has_flags || p->quoted.has_ack);
	assert(p->n_tunnels <= 4 && !p->n_tunnels == (p->tunnel == TUNNEL_NONE));
	assert(!p->n_tunnels || tunnel_name(p->tunnel));
	notation_put_packet(&t, p);
	assert(t.len == strlen(line));
}

int fuzz_decode(const uint8_t *data, size_t len)
{
	static const int linktypes[] = {LINKTYPE_ETHERNET, LINKTYPE_RAW,       LINKTYPE_NULL,
					LINKTYPE_FDDI,	   LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2,
					LINKTYPE_IPV4,	   LINKTYPE_IPV6};
	enum decode_status plain, inside;
	struct packet p;
	size_t wire_len;
	int linktype;

	if (len < 1)
		return 0;
	/* the upper bits: how much longer than its capture the frame was */
	wire_len = len - 1 + (data[0] >> 3) * 8U;
	linktype = linktypes[data[0] & 7];
	plain = decode_frame(data + 1, len - 1, wire_len, linktype, &p);
	if (plain == DECODE_OK) {
		fuzz_check_packet(&p, data, len);
		assert(p.n_tunnels == 0);
	}
	inside = decode_frame_how(data + 1, len - 1, wire_len, linktype,
				  DECODE_TUNNELS | DECODE_SUMS_OF_RSTS, &p);
	if (inside == DECODE_OK) {
		fuzz_check_packet(&p, data, len);
		assert(!p.csum_checked || p.seg.flags & TCP_RST);
	}
	/* only what is neither TCP nor ICMP can hold a tunnel */
	assert(plain == inside || plain == DECODE_OTHER);
	return 0;
}

/* A file of blocks, read as wire/capfile reads it: each in memory of just its length. */
int fuzz_pcapng(const uint8_t *data, size_t len)
{
	struct pcapng *p = pcapng_new();
	struct err e = {""};
	size_t at = 0, n;

	assert(p);
	while (len - at >= PCAPNG_HEADER && pcapng_block_len(p, data + at, &n, &e) == 0) {
		struct pcapng_frame f;
		uint8_t *block;
		int rc;

		assert(n >= PCAPNG_HEADER && n % 4 == 0 && n <= PCAPNG_BLOCK_MAX);
		if (n > len - at)
			break;
		block = malloc(n);
		assert(block);
		memcpy(block, data + at, n);
		rc = pcapng_block(p, block, n, &f, &e);
		assert(rc >= -1 && rc <= PCAPNG_NUMBERED && (rc != -1 || e.msg[0]));
		if (rc == 1) {
			struct packet packet;

			assert(f.bytes > block && f.bytes + f.captured < block + n);
			assert(f.has_time || !f.wall_ns);
			if (decode_frame_how(f.bytes, f.captured, f.len, f.linktype, DECODE_TUNNELS,
					     &packet) == DECODE_OK)
				fuzz_check_packet(&packet, block, n);
		}
		free(block);
		if (rc < 0)
			break;
		at += n;
	}
	pcapng_free(p);
	return 0;
}

int fuzz_options(const uint8_t *data, size_t len)
{
	char line[1024];
	struct text t = text_of(line, sizeof(line));
	struct tcp_options o;

	options_parse(data, len, &o);
	assert(strlen(o.layout) <= 40);
	assert(o.n_sack <= 4);
	notation_put_options(&t, data, len);
	assert(t.len == strlen(line));
	return 0;
}

char *fuzz_text(const uint8_t *data, size_t len)
{
	char *s = malloc(len + 1);

	assert(s);
	if (len)
		memcpy(s, data, len);
	s[len] = '\0';
	return s;
}

static int some_services(const char *name)
{
	return strcmp(name, "http") == 0 ? 80 : -1;
}

int fuzz_ports(const uint8_t *data, size_t len)
{
	char *list = fuzz_text(data, len);
	struct err e = {""};
	struct ports *p = ports_parse(list, some_services, &e);

	if (!p) {
		assert(e.msg[0]);
	} else {
		uint32_t n = ports_count(p);

		assert(n > 0 && n <= 65536);
		assert(ports_rank(p, ports_at(p, 0)) == 0);
		assert(ports_rank(p, ports_at(p, n - 1)) == (int32_t)(n - 1));
		assert(ports_equal(p, p));
	}
	ports_free(p);
	free(list);
	return 0;
}

static int resolve_nothing(void *ctx, const char *name, struct addr *out, size_t max, struct err *e)
{
	(void)ctx;
	(void)out;
	(void)max;
	err_set(e, "%s: no such name", name);
	return TARGET_UNKNOWN;
}

static uint32_t one_zone(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "eth0") == 0 ? 2 : 0;
}

int fuzz_targets(const uint8_t *data, size_t len)
{
	const struct target_help help = {.resolve = resolve_nothing, .zone = one_zone};
	char *all = fuzz_text(data, len), word[64];
	const char *text = all;
	unsigned line = 1;
	struct targets t;

	targets_init(&t);
	while (targets_next_word(&text, word, sizeof(word), &line)) {
		struct err e = {""};

		assert(text <= all + len);
		assert(strlen(word) < sizeof(word));
		if (targets_add(&t, word, &help, &e) != TARGET_OK)
			assert(e.msg[0]);
	}
	for (size_t i = 0; i < t.n; i++)
		assert(addr_cmp(&t.v[i].first, &t.v[i].last) <= 0);
	targets_free(&t);
	free(all);
	return 0;
}
