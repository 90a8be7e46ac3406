/*
 * craft_samples: one line a packet, `name hex field=value ...`, for test_oracle.py: what craft
 * built and what it was asked for, so that other decoders than ours say whether the two agree.
 */
#include <stdio.h>
#include <string.h>

#include "packet/craft.h"
#include "packet/options.h"

struct sample {
	const char *name;
	uint16_t flags;
	enum syn_layout layout;
	const char *options; /* instead of a layout's, 0-terminated hex */
	const char *payload;
	uint32_t seq, ack;
	uint16_t urg;
};

static const struct sample samples[] = {
    {"syn-none", TCP_SYN, SYN_LAYOUT_NONE, NULL, NULL, 1, 0, 0},
    {"syn-mss", TCP_SYN, SYN_LAYOUT_MSS, NULL, NULL, 0x7fffffff, 0, 0},
    {"syn-linux", TCP_SYN, SYN_LAYOUT_LINUX, NULL, NULL, 0x80000000, 0, 0},
    {"syn-windows", TCP_SYN, SYN_LAYOUT_WINDOWS, NULL, NULL, 0xffffffff, 0, 0},
    {"syn-data", TCP_SYN, SYN_LAYOUT_MSS, NULL, "early", 1000, 0, 0},
    {"syn-ack", TCP_SYN | TCP_ACK, SYN_LAYOUT_LINUX, NULL, NULL, 9, 0xffffffff, 0},
    {"ack", TCP_ACK, SYN_LAYOUT_NONE, NULL, NULL, 1000, 5000, 0},
    {"data", TCP_PSH | TCP_ACK, SYN_LAYOUT_NONE, NULL, "GET / HTTP/1.0\r\n\r\n", 1000, 5000, 0},
    {"data-odd", TCP_PSH | TCP_ACK, SYN_LAYOUT_NONE, NULL, "x", 1000, 5000, 0},
    {"urgent", TCP_ACK | TCP_URG, SYN_LAYOUT_NONE, NULL, "ab", 1000, 5000, 2},
    {"fin", TCP_FIN, SYN_LAYOUT_NONE, NULL, NULL, 1000, 0, 0},
    {"fin-ack", TCP_FIN | TCP_ACK, SYN_LAYOUT_NONE, NULL, NULL, 1000, 5000, 0},
    {"rst", TCP_RST, SYN_LAYOUT_NONE, NULL, NULL, 1000, 0, 0},
    {"rst-ack", TCP_RST | TCP_ACK, SYN_LAYOUT_NONE, NULL, NULL, 0, 5000, 0},
    {"xmas", TCP_FIN | TCP_PSH | TCP_URG, SYN_LAYOUT_NONE, NULL, NULL, 1000, 0, 0},
    {"null", 0, SYN_LAYOUT_NONE, NULL, NULL, 1000, 0, 0},
    {"null-ackfield", 0, SYN_LAYOUT_NONE, NULL, NULL, 1000, 77, 0},
    {"syn-fin", TCP_SYN | TCP_FIN, SYN_LAYOUT_NONE, NULL, NULL, 1000, 0, 0},
    {"ecn-setup", TCP_SYN | TCP_ECE | TCP_CWR, SYN_LAYOUT_LINUX, NULL, NULL, 1000, 0, 0},
    {"accurate-ecn", TCP_SYN | TCP_ECE | TCP_CWR | TCP_AE, SYN_LAYOUT_LINUX, NULL, NULL, 1, 0, 0},
    {"nine-flags", 0x1ff, SYN_LAYOUT_NONE, NULL, "x", 1000, 5000, 1},
    {"opt-mss", TCP_SYN, SYN_LAYOUT_NONE, "02040218", NULL, 1, 0, 0},
    {"opt-wscale", TCP_SYN, SYN_LAYOUT_NONE, "0303 0e01", NULL, 1, 0, 0},
    {"opt-sackok", TCP_SYN, SYN_LAYOUT_NONE, "0101 0402", NULL, 1, 0, 0},
    {"opt-ts", TCP_ACK, SYN_LAYOUT_NONE, "0101080a0000000100000002", NULL, 1, 2, 0},
    {"opt-sack", TCP_ACK, SYN_LAYOUT_NONE, "0101050a0000000500000009", NULL, 1, 2, 0},
    {"opt-unpadded", TCP_SYN, SYN_LAYOUT_NONE, "020405b40402", NULL, 1, 0, 0},
    {"opt-nops", TCP_ACK, SYN_LAYOUT_NONE,
     "01010101010101010101010101010101010101010101010101010101010101010101010101010101", "abc", 1,
     2, 0},
};

static uint8_t from_hex(const char *hex, uint8_t out[TCP_OPTIONS_MAX])
{
	unsigned v;
	uint8_t n = 0;

	for (; *hex; hex += 2) {
		hex += *hex == ' ';
		if (n == TCP_OPTIONS_MAX || sscanf(hex, "%2x", &v) != 1)
			break;
		out[n++] = (uint8_t)v;
	}
	return n;
}

static void print(const char *name, const struct segment *s, const uint8_t *p, int len)
{
	char src[ADDR_TEXT], dst[ADDR_TEXT];

	printf("%s-v%d ", name, s->src.family);
	for (int i = 0; i < len; i++)
		printf("%02x", p[i]);
	printf(" src=%s dst=%s sport=%u dport=%u", addr_format(&s->src, src),
	       addr_format(&s->dst, dst), s->sport, s->dport);
	printf(" seq=%u ack=%u flags=%u win=%u urg=%u", (unsigned)s->seq, (unsigned)s->ack,
	       s->flags, s->win, s->urg);
	printf(" ttl=%u tos=%u payload=%u", s->ttl, s->tos, (unsigned)s->payload_len);
	if (s->src.family == ADDR_V4)
		printf(" df=%d id=%u", s->df, s->ip_id);
	printf(" options=");
	for (unsigned i = 0; i < (s->options_len + 3U) / 4 * 4; i++)
		printf("%02x", s->options[i]);
	printf("\n");
}

static int build(struct craft *c, const struct sample *in, bool v6)
{
	struct segment s = {.sport = 40000,
			    .dport = 443,
			    .seq = in->seq,
			    .ack = in->ack,
			    .flags = in->flags,
			    .urg = in->urg,
			    .ttl = 64,
			    .tos = v6 ? 0x28 : 0x48,
			    .df = true,
			    .ip_id = (uint16_t)(in->seq >> 8)};
	uint8_t out[SEGMENT_MAX];
	struct err e = {""};
	int len;

	addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &s.src);
	addr_parse(v6 ? "2001:db8:ffff::7" : "198.51.100.7", &s.dst);
	s.win = syn_layout_win(in->layout);
	if (in->options)
		s.options_len = from_hex(in->options, s.options);
	else
		s.options_len =
		    (uint8_t)options_build_syn(in->layout, v6 ? 1440 : 1460, 0xdeadbeef, s.options);
	if (in->payload) {
		s.payload = (const uint8_t *)in->payload;
		s.payload_len = (uint32_t)strlen(in->payload);
	}
	len = craft_build(c, &s, out, sizeof(out), &e);
	if (len < 0) {
		fprintf(stderr, "%s: %s\n", in->name, e.msg);
		return -1;
	}
	print(in->name, &s, out, len);
	return 0;
}

int main(void)
{
	struct err e = {""};
	struct craft *c = craft_new(&e);
	int ret = 0;

	if (!c) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (build(c, &samples[i], false) != 0 || build(c, &samples[i], true) != 0)
			ret = 1;
	craft_free(c);
	return ret;
}
