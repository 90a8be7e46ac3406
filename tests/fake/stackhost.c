/* stackhost: how stray segments are answered, and how what is sent looks. */
#include "fake/stackhost_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

uint32_t host_random(struct stackhost *h)
{
	h->rng = h->rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(h->rng >> 33) ^ (uint32_t)(h->rng >> 17);
}

bool host_is_open(const struct stackhost *h, uint16_t port)
{
	if (h->c.env.no_open)
		return false;
	if (h->c.env.no_closed)
		return true;
	for (size_t i = 0; i < h->c.n_open; i++)
		if (h->c.open[i] == port)
			return true;
	return false;
}

static bool lost(struct stackhost *h)
{
	return h->c.env.loss && host_random(h) % 100 < h->c.env.loss;
}

/* The host's own limit on RSTs, as FreeBSD's icmplim has it: a count a second. */
static bool limited(struct reply_to *r, const struct segment *s)
{
	struct stackhost *h = r->h;
	uint64_t second = r->now_ns / 1000000000;

	if (!h->c.env.rst_per_s || !(s->flags & TCP_RST))
		return false;
	if (second != h->rst_second) {
		h->rst_second = second;
		h->rst_count = 0;
	}
	return h->rst_count++ >= h->c.env.rst_per_s;
}

struct segment host_back(struct reply_to *r, const struct fake_ip *ip)
{
	const struct segment *in = &r->p->seg;

	return (struct segment){
	    .src = in->dst,
	    .dst = in->src,
	    .sport = in->dport,
	    .dport = in->sport,
	    .ttl = ip->ttl,
	    .df = ip->df && in->dst.family == ADDR_V4,
	    .ip_id = ip->id ? (uint16_t)(++r->h->ip_id | 1) : 0,
	};
}

/* `hops_less`: how much nearer than the host the sender is. */
void host_put(struct reply_to *r, const struct segment *s, uint8_t hops_less)
{
	const struct fake_env *env = &r->h->c.env;
	struct stackhost_out *o = &r->out[r->n];

	assert(r->n < FAKE_OUT);
	assert(env->hops >= hops_less);
	if (limited(r, s) || lost(r->h))
		return;
	memset(o, 0, sizeof(*o));
	o->seg = *s;
	if (env->ttl_all)
		o->seg.ttl = env->ttl_all;
	o->seg.ttl = (uint8_t)(o->seg.ttl - (env->hops - hops_less));
	o->delay_ns = env->delay_ms * 1000000ULL;
	r->n++;
}

/* --- options --------------------------------------------------------------------------------- */

static bool was_offered(const struct conn *c, char letter)
{
	switch (letter) {
	case 'W': return c->offered & OFFERED_WSCALE;
	case 'S': return c->offered & OFFERED_SACK;
	case 'T': return c->offered & OFFERED_TS;
	default: return true;
	}
}

static void put_option(struct segment *s, char letter, uint16_t mss, uint8_t wscale, uint32_t tsval,
		       uint32_t tsecr)
{
	uint8_t *p = s->options + s->options_len;
	uint8_t len = 1;

	switch (letter) {
	case 'M':
		len = p[1] = 4;
		p[0] = TCP_OPT_MSS;
		bytes_put_be16(p + 2, mss);
		break;
	case 'W':
		len = p[1] = 3;
		p[0] = TCP_OPT_WSCALE;
		p[2] = wscale;
		break;
	case 'S':
		len = p[1] = 2;
		p[0] = TCP_OPT_SACK_OK;
		break;
	case 'T':
		len = p[1] = 10;
		p[0] = TCP_OPT_TIMESTAMPS;
		bytes_put_be32(p + 2, tsval);
		bytes_put_be32(p + 6, tsecr);
		break;
	case 'N': p[0] = TCP_OPT_NOP; break;
	default: p[0] = TCP_OPT_EOL;
	}
	s->options_len = (uint8_t)(s->options_len + len);
}

/* A SYN-ACK has the stack's layout, as far as the SYN offered it; later segments the time stamp. */
void host_put_options(const struct stackhost *h, const struct conn *c, struct segment *s)
{
	const struct fake_stack *k = h->c.stack;
	uint16_t mss = (uint16_t)(k->mss - (h->c.addr.family == ADDR_V6 ? 20 : 0));
	uint32_t tsval = (uint32_t)(c->used_ns / 1000000) + c->iss;
	const char *layout = s->flags & TCP_SYN ? k->layout : c->ts ? "NNT" : "";

	for (; *layout; layout++)
		if (was_offered(c, *layout))
			put_option(s, *layout, mss, k->wscale, tsval, c->ts_recent);
	while (s->options_len % 4)
		put_option(s, 'E', 0, 0, 0, 0);
}

/* --- stray segments --------------------------------------------------------------------------- */

enum fake_kind fake_kind_of(uint16_t flags)
{
	const uint16_t all = TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK;

	if ((flags & all) == all)
		return KIND_ALL;
	if (flags & TCP_RST)
		return flags & TCP_SYN ? KIND_SYN_RST : flags & TCP_ACK ? KIND_RST_ACK : KIND_RST;
	if (flags & TCP_ACK)
		return flags & TCP_SYN ? KIND_SYN_ACK : flags & TCP_FIN ? KIND_FIN_ACK : KIND_ACK;
	if (flags & TCP_SYN)
		return flags & TCP_FIN ? KIND_SYN_FIN : KIND_SYN;
	return flags & TCP_FIN ? KIND_FIN : KIND_NULL;
}

static uint32_t seq_field(struct reply_to *r, uint8_t rule)
{
	const struct segment *in = &r->p->seg;

	switch (rule) {
	case SEQ_ACK: return in->ack;
	case SEQ_ACK_1: return in->ack + 1;
	case SEQ_OTHER: return host_random(r->h) | 1;
	default: return 0;
	}
}

static uint32_t ack_field(struct reply_to *r, uint8_t rule)
{
	const struct segment *in = &r->p->seg;

	switch (rule) {
	case ACKF_ACK: return in->ack;
	case ACKF_SEQ: return in->seq;
	case ACKF_SEQ_1: return in->seq + 1;
	case ACKF_LEN: return in->seq + segment_len(in);
	case ACKF_NO_FIN: return in->seq + segment_len(in) - !!(in->flags & TCP_FIN);
	case ACKF_OTHER: return host_random(r->h) | 1;
	default: return 0;
	}
}

static void put_rst(struct reply_to *r, const struct fake_form *f)
{
	const struct fake_stack *k = r->h->c.stack;
	const struct segment *in = &r->p->seg;
	struct segment s = host_back(r, &k->rst);

	if (k->rst_syn_ttl && (in->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		s.ttl = k->rst_syn_ttl;
	s.flags = f->ack_bit ? TCP_RST | TCP_ACK : TCP_RST;
	s.seq = seq_field(r, f->seq);
	s.ack = ack_field(r, f->ack);
	s.win = k->rst_win_kind == RST_WINDOW_ECHO ? in->win : k->rst_win;
	if (k->rst_text[0] && !host_is_open(r->h, in->dport)) {
		s.payload = (const uint8_t *)k->rst_text;
		s.payload_len = (uint32_t)strlen(k->rst_text);
	}
	host_put(r, &s, 0);
}

void host_put_form(struct reply_to *r, const struct fake_form *f)
{
	if (f->says == SAYS_RST)
		put_rst(r, f);
	else if (f->says == SAYS_SYN_ACK)
		conn_put_syn_ack(r, conn_new(r, host_random(r->h)));
	/* SAYS_ACK is a connection's: stackhost_conn.c */
}

static void take_stray(struct reply_to *r)
{
	enum fake_port port = host_is_open(r->h, r->p->seg.dport) ? PORT_OPEN : PORT_CLOSED;

	host_put_form(r, &r->h->c.stack->stray[port][fake_kind_of(r->p->seg.flags)]);
}

/* --- the host --------------------------------------------------------------------------------- */

struct stackhost *stackhost_new(const struct stackhost_config *c)
{
	struct stackhost *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->c = *c;
	h->rng = c->seed * 2654435761U + 99;
	h->ip_id = host_random(h) & 0x7fff;
	h->wake_ns = UINT64_MAX;
	return h;
}

void stackhost_free(struct stackhost *h)
{
	free(h);
}

static bool dead(const struct stackhost *h)
{
	return h->c.env.dies_after && h->taken > h->c.env.dies_after;
}

size_t stackhost_take(struct stackhost *h, const struct packet *p, uint64_t now_ns,
		      struct stackhost_out out[FAKE_OUT])
{
	struct reply_to r = {.h = h, .p = p, .now_ns = now_ns, .out = out};
	struct conn *c;

	h->taken++;
	if (p->kind != PACKET_TCP || p->csum_bad || dead(h) || lost(h) || !path_passes(&r))
		return r.n;
	c = conn_find(h, p);
	if (!c || c->state == HOST_GONE || !conn_take(&r, c))
		take_stray(&r);
	h->wake_ns = conn_wake(h);
	return r.n;
}

uint64_t stackhost_wake(const struct stackhost *h)
{
	return dead(h) ? UINT64_MAX : h->wake_ns;
}

size_t stackhost_tick(struct stackhost *h, uint64_t now_ns, struct stackhost_out out[FAKE_OUT])
{
	struct reply_to r = {.h = h, .now_ns = now_ns, .out = out};

	conn_tick(&r);
	h->wake_ns = conn_wake(h);
	return r.n;
}
