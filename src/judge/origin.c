/* origin: compares two replies. Which two say something, the caller knows. */
#include "judge/origin.h"

#include "packet/segment.h"

static bool from_zero_or_numbers(const struct exchange *x)
{
	return exchange_rst_ack(x) != RST_ACK_OTHER;
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
	if (from_zero_or_numbers(open_rst) != from_zero_or_numbers(closed_rst))
		differs |= DIFFERS_ACK_RULE;
	return differs;
}

unsigned origin_compare_syn_ack(const struct exchange *syn_ack, const struct exchange *rst)
{
	return compare_ttl(syn_ack, rst) & DIFFERS_DISTANCE;
}

enum origin origin_of(unsigned differs, bool compared)
{
	if (!compared)
		return ORIGIN_UNKNOWN;
	/* DF alone differs within some stacks */
	return differs & ~(unsigned)DIFFERS_DF ? ORIGIN_MIDDLEBOX : ORIGIN_ENDPOINT;
}
