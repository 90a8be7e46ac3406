/* formed: the arithmetic of FORM_SEQ_* and FORM_ACK_*, and options as Linux lays them. */
#include "engine/formed.h"

#include "base/bytes.h"
#include "packet/options.h"

enum {
	OUTSIDE = 3U << 29,    /* beyond any window: 2^30 is the largest (RFC 7323, 2.3) */
	ACK_AHEAD = 100000,    /* octets that nobody has sent */
	ACK_BEHIND = 1U << 30, /* RFC 5961, 5: too old for any window */
};

static const uint8_t junk[16] = "rstprobe-battery";
const uint8_t formed_old_octet[1] = "r";

static uint32_t seq_of(const struct form *f, const struct numbers *n, uint32_t random)
{
	switch (f->seq) {
	case FORM_SEQ_NXT: return n->nxt;
	case FORM_SEQ_WINDOW: return n->nxt + 1;
	case FORM_SEQ_OUTSIDE: return n->nxt + OUTSIDE;
	case FORM_SEQ_OLD: return n->nxt - 1;
	case FORM_SEQ_RANDOM: break;
	}
	return random;
}

static uint32_t ack_of(const struct form *f, const struct numbers *n, uint32_t random)
{
	switch (f->ack) {
	case FORM_ACK_NXT: return n->peer_nxt;
	case FORM_ACK_UNSENT: return n->peer_nxt + ACK_AHEAD;
	case FORM_ACK_OLD: return n->peer_nxt - ACK_BEHIND;
	case FORM_ACK_RANDOM: break;
	}
	return random | 0x10000; /* never small: an answer's 0 or 1 must not look like it */
}

void formed_timestamps(struct segment *seg, const struct numbers *n)
{
	if (!n->has_ts)
		return;
	seg->options_len = 12;
	seg->options[0] = seg->options[1] = TCP_OPT_NOP;
	seg->options[2] = TCP_OPT_TIMESTAMPS;
	seg->options[3] = 10;
	bytes_put_be32(seg->options + 4, n->tsval);
	bytes_put_be32(seg->options + 8, n->tsecr);
}

void formed_fill(struct segment *seg, const struct form *f, const struct numbers *n,
		 uint32_t random_seq, uint32_t random_ack)
{
	seg->flags = f->flags;
	seg->seq = seq_of(f, n, random_seq);
	seg->ack = ack_of(f, n, random_ack);
	seg->urg = f->flags & TCP_URG ? 1 : 0;
	seg->payload = f->payload_len ? junk : NULL;
	seg->payload_len = f->payload_len;
	if (!f->options)
		formed_timestamps(seg, n);
}

uint16_t formed_mss(const struct path *path, uint8_t family)
{
	unsigned headers = family == ADDR_V4 ? 40 : 60;

	return (uint16_t)(path->mtu >= 576 && path->mtu <= 9000 ? path->mtu - headers
								: 1500 - headers);
}

void formed_syn_options(struct segment *seg, const struct path *path, uint32_t tsval)
{
	uint16_t mss = formed_mss(path, seg->dst.family);

	seg->win = syn_layout_win(SYN_LAYOUT_LINUX);
	seg->options_len = (uint8_t)options_build_syn(SYN_LAYOUT_LINUX, mss, tsval, seg->options);
}
