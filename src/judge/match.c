/* match: compares numbers with numbers. It knows nothing of ports, hosts or time. */
#include "judge/match.h"

#include "base/seq.h"
#include "packet/segment.h"

/* Our SEQ plus some of our SEG.LEN: some stacks forget the FIN or the data. */
static bool shows_our_seq(const struct sent *s, const struct segment *seg)
{
	return seq_in_window(seg->ack, s->seq, s->len + 1);
}

static bool acks_our_seq(const struct sent *s, const struct segment *seg)
{
	return (seg->flags & TCP_ACK) && shows_our_seq(s, seg);
}

static enum fit match_rst(const struct sent *s, const struct segment *seg, enum reaction *r)
{
	bool has_ack = seg->flags & TCP_ACK;

	*r = REACTION_RST_ODD;
	if (seg->flags & (TCP_SYN | TCP_FIN))
		return FIT_TUPLE;
	/* Our ACK in RST.SEQ proves that our segment was seen only if the field was ours to choose.
	 */
	if ((s->flags & TCP_ACK) && seg->seq == s->ack) {
		*r = has_ack ? REACTION_RST_ODD : REACTION_RST_SEQ_FROM_ACK;
		if (has_ack && acks_our_seq(s, seg))
			*r = REACTION_RST_ACK_OF_SEQ;
		return FIT_EXACT;
	}
	if (acks_our_seq(s, seg)) {
		*r = REACTION_RST_ACK_OF_SEQ;
		return FIT_EXACT;
	}
	if (!has_ack && s->ack != 0 && seg->seq == s->ack) {
		*r = REACTION_RST_SEQ_FROM_ACK;
		return FIT_EXACT;
	}
	/* Some fill the ACK field and leave out the bit: a form of its own, but it saw our segment.
	 */
	return !has_ack && shows_our_seq(s, seg) ? FIT_EXACT : FIT_TUPLE;
}

static enum fit match_tcp(const struct sent *s, const struct segment *seg, enum reaction *r)
{
	if (seg->flags & TCP_RST)
		return match_rst(s, seg, r);
	if ((seg->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		*r = REACTION_SYN_ACK;
		/* RFC 9293, 3.10.7.2, third: ACK = SEG.SEQ + 1; with data taken (RFC 7413) up to +
		 * LEN */
		return (s->flags & TCP_SYN) && seq_in_window(seg->ack, s->seq + 1, s->len)
			   ? FIT_EXACT
			   : FIT_TUPLE;
	}
	if (!(seg->flags & TCP_ACK))
		return FIT_NONE; /* a SYN, NULL or FIN of its own is no answer to anything */
	if (seg->flags & TCP_FIN)
		*r = REACTION_FIN;
	else if (seg->payload_len)
		*r = REACTION_DATA;
	else
		*r = REACTION_CHALLENGE_ACK;
	return FIT_TUPLE;
}

enum fit match_reply(const struct sent *s, const struct packet *p, enum reaction *r)
{
	if (p->kind == PACKET_TCP)
		return match_tcp(s, &p->seg, r);
	if (p->kind != PACKET_ICMP_ERROR)
		return FIT_NONE;
	*r = reaction_of_icmp(p->seg.src.family, p->icmp_type, p->icmp_code);
	if (*r == REACTION_NONE)
		return FIT_NONE;
	if (!p->quoted.has_seq)
		return FIT_TUPLE;
	return p->quoted.seq == s->seq ? FIT_EXACT : FIT_NONE;
}

bool match_is_broken(const struct packet *p)
{
	return p->kind == PACKET_TCP && p->seg.flags & TCP_RST && p->csum_bad && !p->csum_left;
}
