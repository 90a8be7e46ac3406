/*
 * stackhost_path: what stands before the stack: drops, trackers, rejects, proxies, tarpits. Where
 * Linux' netfilter is the model, its shapes and its notion of a valid segment are used.
 */
#include "fake/stackhost_private.h"

#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"

static const struct fake_ip linux_ip = {.ttl = 64, .df = true, .id = false};

/* As nf_send_reset forms it: the shape of a Linux kernel's own. */
static void reject_rst(struct reply_to *r, uint8_t hops_less)
{
	const struct segment *in = &r->p->seg;
	struct segment s = host_back(r, &linux_ip);

	if (in->flags & TCP_RST)
		return;
	if (in->flags & TCP_ACK) {
		s.flags = TCP_RST;
		s.seq = in->ack;
	} else {
		s.flags = TCP_RST | TCP_ACK;
		s.ack = in->seq + segment_len(in);
	}
	host_put(r, &s, hops_less);
}

static void reject_icmp(struct reply_to *r)
{
	struct segment s = host_back(r, &linux_ip);
	size_t n = r->n;

	host_put(r, &s, 0);
	if (r->n == n)
		return;
	r->out[n].icmp = true;
	r->out[n].icmp_type = s.src.family == ADDR_V4 ? 3 : 1;
	r->out[n].icmp_code = s.src.family == ADDR_V4 ? 13 : 1;
	r->out[n].icmp_ttl = r->out[n].seg.ttl;
	r->out[n].icmp_from = s.src;
}

/* Combinations that a tracker calls invalid: none of SYN, ACK and RST, FIN or data without ACK,
 * SYN or RST with FIN. */
static bool valid_flags(uint16_t flags)
{
	switch (flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) {
	case TCP_SYN:
	case TCP_SYN | TCP_ACK:
	case TCP_RST:
	case TCP_RST | TCP_ACK:
	case TCP_ACK:
	case TCP_FIN | TCP_ACK: return true;
	default: return false;
	}
}

/* A tracker knows the windows: what lies outside, or acknowledges what was not sent, is invalid. */
static bool in_track(const struct stackhost *h, const struct conn *c, const struct segment *in)
{
	uint32_t before = 66000; /* MAXACKWINDOW of netfilter */

	if (c->state == HOST_GONE || (in->flags & TCP_SYN))
		return true;
	if (!seq_in_window(in->seq, c->rcv_nxt - before, before + h->c.stack->win))
		return false;
	return !(in->flags & TCP_ACK) ||
	       seq_in_window(in->ack, c->snd_una - before, before + (c->snd_nxt - c->snd_una) + 1);
}

/* An ACK that was picked up: from now on the tracker knows the 4-tuple, and the host does not. */
static void remember(struct reply_to *r)
{
	struct conn *c = conn_new(r, 0);

	c->state = HOST_GONE;
	c->resend_ns = UINT64_MAX;
	c->end_ns = r->now_ns + 10000000000ULL;
}

static bool tracker_passes(struct reply_to *r, bool loose)
{
	const struct segment *in = &r->p->seg;
	const struct conn *c = conn_find(r->h, r->p);
	uint16_t flags = in->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);

	if (!host_is_open(r->h, in->dport) || !valid_flags(flags))
		return false;
	if (c)
		return in_track(r->h, c, in);
	if (loose && flags == TCP_ACK)
		remember(r);
	return flags == TCP_SYN || (loose && flags == TCP_ACK);
}

/* --- those who answer in the host's name ------------------------------------------------------ */

static uint32_t cookie(const struct stackhost *h, const struct segment *in)
{
	uint32_t x = (uint32_t)h->c.seed ^ ((uint32_t)in->sport << 16 | in->dport);

	x = (x ^ 61) ^ (x >> 16);
	x *= 9;
	x ^= x >> 4;
	x *= 0x27d4eb2d;
	return x ^ (x >> 15);
}

/* As nft's synproxy is usually told to: mss, sackOK, TS, nop, wscale, where the SYN has them. */
static void proxy_options(struct reply_to *r, struct segment *s)
{
	static const uint8_t all[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
				      0, 1, 0,	  0,	0, 0, 1, 3,  3, 7};

	s->options_len = r->p->options.has_timestamps ? sizeof(all) : 4;
	memcpy(s->options, all, s->options_len);
	if (s->options_len > 4)
		bytes_put_be32(s->options + 12, r->p->options.tsval);
}

static void proxy_syn_ack(struct reply_to *r, uint16_t win, bool options)
{
	const struct segment *in = &r->p->seg;
	struct segment s = host_back(r, &linux_ip);

	s.flags = TCP_SYN | TCP_ACK;
	s.seq = cookie(r->h, in);
	s.ack = in->seq + segment_len(in);
	s.win = win;
	if (options)
		proxy_options(r, &s);
	host_put(r, &s, 0);
}

/* A window update opens what the proxy's SYN-ACK, of window 0, kept shut. */
static void proxy_accepts(struct reply_to *r)
{
	const struct segment *in = &r->p->seg;
	struct segment s = host_back(r, &linux_ip);
	struct conn *c;

	if (!host_is_open(r->h, in->dport)) {
		s.flags = TCP_RST;
		s.seq = in->ack;
		host_put(r, &s, 0);
		return;
	}
	c = conn_new(r, in->ack - 1);
	c->irs = in->seq - 1;
	c->rcv_nxt = in->seq;
	s.flags = TCP_ACK;
	s.seq = in->ack;
	s.ack = in->seq;
	s.win = r->h->c.stack->win;
	host_put(r, &s, 0);
	conn_establish(r, c);
}

static bool synproxy_passes(struct reply_to *r)
{
	const struct segment *in = &r->p->seg;
	const struct conn *c = conn_find(r->h, r->p);
	uint16_t flags = in->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);

	if (c)
		return valid_flags(flags) && in_track(r->h, c, in);
	if (flags == TCP_SYN || flags == (TCP_SYN | TCP_ACK))
		proxy_syn_ack(r, 0, true);
	else if (flags == TCP_ACK && in->ack == cookie(r->h, in) + 1)
		proxy_accepts(r);
	return false;
}

/* Accepts, and then never says a word. */
static bool tarpit_passes(struct reply_to *r)
{
	if ((r->p->seg.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN)
		proxy_syn_ack(r, 10, false);
	return false;
}

static bool says_syn_ack(struct reply_to *r)
{
	if (!(r->p->seg.flags & TCP_RST))
		proxy_syn_ack(r, r->h->c.stack->win, true);
	return false;
}

bool path_passes(struct reply_to *r)
{
	bool open = host_is_open(r->h, r->p->seg.dport);

	switch (r->h->c.env.filter) {
	case FILTER_DROP: return open;
	case FILTER_STRICT: return tracker_passes(r, false);
	case FILTER_LOOSE: return tracker_passes(r, true);
	case FILTER_REJECT_HOST:
		if (!open)
			reject_rst(r, 0);
		return open;
	case FILTER_REJECT_ROUTER:
		if (!open)
			reject_rst(r, 1);
		return open;
	case FILTER_REJECT_ICMP:
		if (!open)
			reject_icmp(r);
		return open;
	case FILTER_SYNPROXY: return synproxy_passes(r);
	case FILTER_TARPIT: return tarpit_passes(r);
	case FILTER_SYN_ACK_ALL: return says_syn_ack(r);
	case FILTER_SILENT: return false;
	default: return true;
	}
}
