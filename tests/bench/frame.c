/*
 * frame: the octets of a made-up segment: Ethernet, IPv4 or IPv6, TCP with the options that its
 * host would send, and right checksums. Knows nothing of why it is sent.
 */
#include "traffic.h"

#include <arpa/inet.h>
#include <string.h>

#include "octets.h"

/* Options of a segment that a socket sends. */
static size_t put_options(uint8_t *o, const struct flow *f, const struct event *e, uint32_t tsval,
			  uint32_t tsecr)
{
	static const uint8_t windows[] = {2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2};
	static const uint8_t linux_syn[] = {2, 4, 5, 180, 4, 2, 8, 10};
	static const uint8_t linux_end[] = {1, 3, 3, 7};
	bool syn = e->flags & SYN, syn_ack = syn && (e->flags & ACK);
	bool win = f->host[e->side].windows;

	if (e->stateless || (win && (e->flags & RST)))
		return 0;
	if (syn && (win || (syn_ack && !f->stamps))) {
		memcpy(o, windows, sizeof(windows));
		return sizeof(windows);
	}
	if (!f->stamps && !syn)
		return 0;
	if (syn) {
		memcpy(o, linux_syn, sizeof(linux_syn));
		put32(o + 8, tsval);
		put32(o + 12, tsecr);
		memcpy(o + 16, linux_end, sizeof(linux_end));
		return 20;
	}
	memcpy(o, (const uint8_t[]){1, 1, 8, 10}, 4);
	put32(o + 4, tsval);
	put32(o + 8, tsecr);
	return 12;
}

static size_t put_tcp(uint8_t *t, struct flow *f, const struct event *e)
{
	uint32_t tsval =
	    f->ts_base[e->side] + (uint32_t)((e->at_us - f->host[e->side].delay_us) / 1000);
	size_t n = put_options(t + 20, f, e, tsval, f->ts_last[!e->side]);

	if (!e->stateless)
		f->ts_last[e->side] = tsval;
	put16(t, f->port[e->side]);
	put16(t + 2, f->port[!e->side]);
	put32(t + 4, e->seq);
	put32(t + 8, e->ack);
	t[12] = (uint8_t)((20 + n) / 4 << 4);
	t[13] = e->flags;
	put16(t + 14, e->win);
	put32(t + 16, 0);
	return 20 + n;
}

static uint16_t next_id(struct flow *f, const struct event *e)
{
	bool no_socket_id =
	    !f->host[e->side].windows && (e->stateless || (e->flags & (SYN | ACK)) == (SYN | ACK));

	if (e->ttl)
		return (uint16_t)(f->ip_id[e->side] * 7919U + 30000);
	return no_socket_id ? 0 : f->ip_id[e->side]++;
}

static void put_v4(uint8_t *ip, struct flow *f, const struct event *e, size_t tcp_len)
{
	put16(ip, 0x4500);
	put16(ip + 2, (unsigned)(20 + tcp_len));
	put16(ip + 4, next_id(f, e));
	put16(ip + 6, 0x4000);
	ip[8] = e->ttl ? e->ttl : f->host[e->side].ttl;
	ip[9] = 6;
	put16(ip + 10, 0);
	/* clients in 10.64/10, servers in 10.192/10 */
	put32(ip + 12, (e->side == CLIENT ? 0x0a400000U : 0x0ac00000U) + f->host[e->side].number);
	put32(ip + 16, (e->side == CLIENT ? 0x0ac00000U : 0x0a400000U) + f->host[!e->side].number);
	put16(ip + 10, fold(sum16(ip, 20, 0)));
}

static void put_v6(uint8_t *ip, struct flow *f, const struct event *e, size_t tcp_len)
{
	memset(ip, 0, 40);
	ip[0] = 0x60;
	put16(ip + 4, (unsigned)tcp_len);
	ip[6] = 6;
	ip[7] = e->ttl ? e->ttl : f->host[e->side].ttl;
	for (int i = 0; i < 2; i++) {
		uint8_t *a = ip + 8 + i * 16;
		enum side side = i ? !e->side : e->side;

		put32(a, 0x20010db8);
		put16(a + 4, 1U + side);
		put32(a + 12, f->host[side].number);
	}
}

static const char text[] = "Nothing here was ever said by anybody to anybody, and it goes on so. ";

static void put_payload(uint8_t *p, size_t len)
{
	for (size_t done = 0; done < len; done += sizeof(text) - 1)
		memcpy(p + done, text,
		       len - done < sizeof(text) - 1 ? len - done : sizeof(text) - 1);
}

size_t frame_build(uint8_t buf[FRAME_MAX], struct flow *f, const struct event *e)
{
	static const uint8_t macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
	size_t ip_len = f->v6 ? 40 : 20, n;
	uint8_t *ip = buf + 14, *tcp = ip + ip_len;

	memcpy(buf, macs[!e->side], 6);
	memcpy(buf + 6, macs[e->side], 6);
	put16(buf + 12, f->v6 ? 0x86dd : 0x0800);
	n = put_tcp(tcp, f, e);
	put_payload(tcp + n, e->len);
	n += e->len;
	if (f->v6)
		put_v6(ip, f, e, n);
	else
		put_v4(ip, f, e, n);
	/* the addresses lie right before the TCP header in both families */
	put16(tcp + 16, fold(sum16(tcp - (f->v6 ? 32 : 8), n + (f->v6 ? 32 : 8), 6 + n)));
	return 14 + ip_len + n;
}
