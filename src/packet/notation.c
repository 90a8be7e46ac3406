/*
 * notation: prints what is there, in packetdrill's words; what packetdrill has no word for is
 * printed so that nobody takes it for one of its words. It decides nothing.
 */
#include "packet/notation.h"

#include "packet/options.h"

void notation_put_flags(struct text *t, uint16_t flags)
{
	static const char letters[] = "FSRP.UEWA"; /* bit 0 first */

	if (!(flags & 0x1ff))
		text_putf(t, "-");
	for (unsigned i = 0; letters[i]; i++)
		if (flags >> i & 1)
			text_putf(t, "%c", letters[i]);
}

static void put_hex(struct text *t, struct cursor *c)
{
	while (c->left)
		text_putf(t, "%02x", cursor_u8(c));
}

static void put_sack(struct text *t, struct cursor *c)
{
	text_putf(t, "sack");
	while (c->left) {
		uint32_t left = cursor_be32(c), right = cursor_be32(c);

		text_putf(t, " %u:%u", (unsigned)left, (unsigned)right);
	}
}

static void put_mptcp(struct text *t, struct cursor *c)
{
	struct cursor all = *c;
	uint8_t subtype = cursor_u8(c) >> 4;

	if (subtype == 8 && c->left == 1) {
		text_putf(t, "mp_tcprst reason %u", cursor_u8(c));
	} else if (subtype == 7 && c->left == 9) {
		text_putf(t, "mp_fastclose");
	} else {
		text_putf(t, "mptcp ");
		put_hex(t, &all);
	}
}

/* One option with its value in `c`. A known kind of another length is shown as an unknown one. */
static void put_option(struct text *t, uint8_t kind, struct cursor *c)
{
	size_t len = c->left;

	if (kind == TCP_OPT_MSS && len == 2) {
		text_putf(t, "mss %u", cursor_be16(c));
	} else if (kind == TCP_OPT_WSCALE && len == 1) {
		text_putf(t, "wscale %u", cursor_u8(c));
	} else if (kind == TCP_OPT_SACK_OK && len == 0) {
		text_putf(t, "sackOK");
	} else if (kind == TCP_OPT_TIMESTAMPS && len == 8) {
		uint32_t val = cursor_be32(c), ecr = cursor_be32(c);

		text_putf(t, "TS val %u ecr %u", (unsigned)val, (unsigned)ecr);
	} else if (kind == TCP_OPT_SACK && len && len % 8 == 0) {
		put_sack(t, c);
	} else if (kind == TCP_OPT_MPTCP && len) {
		put_mptcp(t, c);
	} else {
		text_putf(t, len ? "opt-%u " : "opt-%u", kind);
		put_hex(t, c);
	}
}

void notation_put_options(struct text *t, const uint8_t *p, size_t len)
{
	struct cursor c = cursor_of(p, len);
	const char *comma = "";

	text_putf(t, "<");
	while (c.left) {
		uint8_t kind = cursor_u8(&c), opt_len;
		struct cursor value;

		text_putf(t, "%s", comma);
		comma = ",";
		if (kind == TCP_OPT_EOL) {
			text_putf(t, "eol");
			break;
		}
		if (kind == TCP_OPT_NOP) {
			text_putf(t, "nop");
			continue;
		}
		opt_len = cursor_u8(&c);
		if (opt_len < 2 || opt_len - 2U > c.left) {
			text_putf(t, "opt-%u malformed", kind);
			break;
		}
		value = cursor_sub(&c, opt_len - 2U);
		put_option(t, kind, &value);
	}
	text_putf(t, ">");
}

void notation_put_segment(struct text *t, const struct segment *s)
{
	notation_put_flags(t, s->flags);
	text_putf(t, " %u:%u(%u)", (unsigned)s->seq, (unsigned)(s->seq + s->payload_len),
		  (unsigned)s->payload_len);
	if (s->flags & TCP_ACK)
		text_putf(t, " ack %u", (unsigned)s->ack);
	else if (s->ack)
		text_putf(t, " ackf %u", (unsigned)s->ack);
	text_putf(t, " win %u", s->win);
	if (s->flags & TCP_URG || s->urg)
		text_putf(t, " urg %u", s->urg);
	if (s->options_len) {
		text_putf(t, " ");
		notation_put_options(t, s->options, s->options_len);
	}
}

static void put_tuple(struct text *t, const struct addr *src, uint16_t sport,
		      const struct addr *dst, uint16_t dport)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];

	text_putf(t, "%s.%u > %s.%u: ", addr_format(src, a), sport, addr_format(dst, b), dport);
}

static void put_addrs(struct text *t, const struct addr *src, const struct addr *dst)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];

	text_putf(t, "%s > %s: ", addr_format(src, a), addr_format(dst, b));
}

static void put_icmp(struct text *t, const struct packet *p)
{
	const struct quoted *q = &p->quoted;

	put_addrs(t, &p->seg.src, &p->seg.dst);
	text_putf(t, "%s %u/%u quoting ", p->seg.src.family == ADDR_V6 ? "icmp6" : "icmp",
		  p->icmp_type, p->icmp_code);
	if (q->has_ports)
		put_tuple(t, &q->src, q->sport, &q->dst, q->dport);
	else
		put_addrs(t, &q->src, &q->dst);
	if (q->has_flags) {
		notation_put_flags(t, q->flags);
		text_putf(t, " ");
	}
	if (q->has_seq)
		text_putf(t, "seq %u ", (unsigned)q->seq);
	if (q->has_ack)
		text_putf(t, "ack %u ", (unsigned)q->ack);
	text_putf(t, "ttl %u;", q->ttl);
}

void notation_put_packet(struct text *t, const struct packet *p)
{
	const struct segment *s = &p->seg;

	if (p->kind == PACKET_ICMP_ERROR) {
		put_icmp(t, p);
	} else {
		put_tuple(t, &s->src, s->sport, &s->dst, s->dport);
		notation_put_segment(t, s);
	}
	text_putf(t, " ttl %u", s->ttl);
	if (s->src.family == ADDR_V4)
		text_putf(t, "%s id %u", s->df ? " DF" : "", s->ip_id);
}
