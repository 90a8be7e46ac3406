/* origin: compares two replies. Which two say something, the caller knows. */
#include "judge/origin.h"

#include "packet/segment.h"

enum ack_kind { KIND_ZERO, KIND_FROM_OURS, KIND_OTHER };

static enum ack_kind ack_kind_of(const struct exchange *x)
{
	switch (exchange_rst_ack(x)) {
	case RST_ACK_ZERO: return KIND_ZERO;
	case RST_ACK_OTHER: return KIND_OTHER;
	default: return KIND_FROM_OURS;
	}
}

static unsigned compare_ttl(const struct exchange *a, const struct exchange *b)
{
	if (exchange_initial_ttl(a->ttl) != exchange_initial_ttl(b->ttl))
		return DIFFERS_TTL;
	return a->ttl != b->ttl ? DIFFERS_DISTANCE : 0;
}

unsigned origin_compare(const struct exchange *open_rst, const struct exchange *closed_rst)
{
	unsigned differs = compare_ttl(open_rst, closed_rst);
	bool both_with_ack = open_rst->sent.flags & closed_rst->sent.flags & TCP_ACK;

	if (open_rst->from.family == ADDR_V4 && open_rst->df != closed_rst->df)
		differs |= DIFFERS_DF;
	if (!both_with_ack)
		return differs;
	if ((open_rst->flags ^ closed_rst->flags) & TCP_ACK)
		differs |= DIFFERS_ACK_BIT;
	if (ack_kind_of(open_rst) != ack_kind_of(closed_rst))
		differs |= DIFFERS_ACK_RULE;
	return differs;
}

unsigned origin_compare_syn_ack(const struct exchange *syn_ack, const struct exchange *rst)
{
	return exchange_hops(syn_ack->ttl) != exchange_hops(rst->ttl) ? DIFFERS_DISTANCE : 0;
}

enum origin origin_of(unsigned differs, bool compared)
{
	if (!compared)
		return ORIGIN_UNKNOWN;
	if (differs & ~(unsigned)DIFFERS_DF)
		return ORIGIN_MIDDLEBOX;
	/* DF alone: scrubbers and tunnels rewrite it */
	return differs ? ORIGIN_UNKNOWN : ORIGIN_ENDPOINT;
}
