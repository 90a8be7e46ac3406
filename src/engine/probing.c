/* probing: from the table of probes and the user's wishes to a segment. It keeps nothing. */
#include "engine/probing.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const uint8_t default_payload[] = {'r', 's', 't', 'p', 'r', 'o', 'b', 'e'};

static uint32_t payload_len(const struct probe_wish *wish, const struct probe *kind)
{
	return kind->payload_len && wish->data ? wish->data_len : kind->payload_len;
}

bool probing_is_own_word(const struct path *path, const struct packet *p)
{
	return p->kind == PACKET_ICMP_ERROR && !path->loopback &&
	       addr_same(&p->seg.src, &path->src);
}

const char *probing_unsent(int errnum)
{
	return errnum == EPERM ? " (a firewall of this machine drops it: nft list ruleset)" : "";
}

struct sent probing_sent(const struct probe_wish *wish, const struct probe *kind, uint32_t seq,
			 uint32_t ack)
{
	uint16_t flags = kind->flags;

	return (struct sent){
	    .flags = flags,
	    .seq = wish->has_seq ? wish->seq : seq,
	    .ack = wish->has_ack     ? wish->ack
		   : flags & TCP_ACK ? ack
				     : 0,
	    .len = payload_len(wish, kind) + !!(flags & TCP_SYN) + !!(flags & TCP_FIN),
	};
}

static void put_syn_options(const struct probe_wish *wish, const struct path *path, uint32_t tsval,
			    struct segment *out)
{
	uint32_t headers = path->src.family == ADDR_V4 ? 40 : 60;
	uint32_t mtu = path->mtu > headers + 536 ? path->mtu : 1500;
	uint32_t mss = mtu - headers;

	out->win = syn_layout_win(wish->layout);
	out->options_len = (uint8_t)options_build_syn(
	    wish->layout, (uint16_t)(mss > 65495 ? 65495 : mss), tsval, out->options);
}

void probing_segment(const struct probe_wish *wish, const struct probe *kind,
		     const struct path *path, const struct addr *dst, uint32_t tsval,
		     struct segment *out)
{
	uint16_t flags = kind->flags;

	memset(out, 0, sizeof(*out));
	out->src = path->src;
	out->dst = *dst;
	out->flags = flags;
	out->ttl = wish->ttl ? wish->ttl : 64;
	out->df = true;
	out->payload_len = payload_len(wish, kind);
	assert(wish->data || out->payload_len <= sizeof(default_payload));
	out->payload = wish->data && out->payload_len ? wish->data : default_payload;
	out->win = 64240;
	if (probe_class_of(flags) == PROBE_SYN || probe_class_of(flags) == PROBE_SYN_ODD)
		put_syn_options(wish, path, tsval, out);
	if (wish->has_win)
		out->win = wish->win;
}

void probing_reply(struct reply *r, const struct packet *p, unsigned kind, unsigned try,
		   enum reaction reaction, enum fit fit)
{
	*r = (struct reply){
	    .seq = p->seg.seq,
	    .ack = p->seg.ack,
	    .win = p->seg.win,
	    .ip_id = p->seg.ip_id,
	    .kind = (uint8_t)kind,
	    .reaction = (uint8_t)reaction,
	    .fit = (uint8_t)fit,
	    .ttl = p->seg.ttl,
	    .try = (uint8_t)try,
	    .flags = (uint8_t)p->seg.flags,
	};
	if (p->kind == PACKET_ICMP_ERROR) {
		r->icmp_type = p->icmp_type;
		r->icmp_code = p->icmp_code;
		r->seq = p->quoted.seq;
		r->ack = 0;
		r->win = 0;
		r->flags = 0;
	}
}
