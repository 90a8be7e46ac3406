/*
 * origin: what the signs of a RST mean together, as rows: the first that fits decides. It knows
 * neither which replies are worth comparing nor what a command makes of a box that is only
 * possible: that is for who asks.
 */
#include "judge/origin.h"

#include <string.h>

#include "packet/segment.h"

#define S(name) ((uint32_t)SIGN_##name)

/*
 * From what proves to what hints. One sign alone makes a box only `possible` where a route, a
 * counter or a rare stack can look so: one hop, another initial TTL, a copied field (some small
 * stacks build their RST in the header they got). What continues the sender's counter only who sees
 * that can forge, so that a distance alone no longer counts. A walk can't tell the target from the
 * last router before it, hence the signs of a copy come first. And `endpoint` is never certain but
 * where its kernel says so: a perfect forgery looks the same.
 */
const struct origin_row origin_rows[] = {
    {S(KERNEL) | S(LOCAL), 0, ORIGIN_LOCAL, SURE_CERTAIN, "our own kernel says that it sent it"},
    {S(KERNEL), 0, ORIGIN_ENDPOINT, SURE_CERTAIN,
     "the kernel at the sender's end says that it sent it"},
    {S(LOCAL), 0, ORIGIN_LOCAL, SURE_LIKELY, "it comes from an address of our own"},
    {S(WALK_NEARER), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "a segment that does not get as far as the target drew it"},

    /* what no stack does */
    {S(TTL_MIRRORED), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY, "its TTL goes with that of what drew it"},
    {S(SEQ_STEPS), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY, "several RSTs guess at the sequence number"},
    {S(IP_ID_ECHO) | S(WIN_ECHO), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it copies IP ID and window of what drew it"},
    {S(IP_ID_ECHO) | S(OPTIONS_ECHO), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it copies IP ID and options of what drew it"},
    {S(IP_ID_ECHO) | S(DISTANCE), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it copies the IP ID of what drew it, and comes from another distance"},
    {S(IP_ID_ECHO) | S(GOES_ON), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it copies the IP ID of what drew it, and its alleged sender goes on"},

    /* its alleged sender knows nothing of it, which a capture out of order can feign */
    {S(GOES_ON) | S(DISTANCE), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "its alleged sender goes on, from another distance"},
    {S(GOES_ON) | S(TOO_FAST), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "its alleged sender goes on, and is farther away than so fast an answer can be"},
    {S(GOES_ON) | S(IP_ID_JUMPS), S(IP_ID_ZERO), ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "its alleged sender goes on, and its IP ID is out of the counter"},
    {S(GOES_ON) | S(INITIAL_TTL), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "its alleged sender goes on, and begins with another TTL"},
    {S(GOES_ON) | S(ACK_BIT), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "its alleged sender goes on, and resets with another ACK bit"},
    {S(GOES_ON) | S(ACK_RULE), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "its alleged sender goes on, and makes its ack field otherwise"},

    /* two signs that have nothing to do with each other, or a distance that is no accident */
    {S(OTHER_PATH), S(IP_ID_CONTINUES), ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "the RST to the ACK comes from another distance than the SYN-ACK"},
    {S(FAR_DISTANCE), S(IP_ID_CONTINUES), ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it comes from another distance, by 2 hops or more"},
    {S(DISTANCE) | S(STEADY), S(IP_ID_CONTINUES), ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it comes from another distance than all the others"},
    {S(DISTANCE) | S(TOO_FAST), S(IP_ID_CONTINUES), ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it comes from another distance, and faster than the path allows"},
    {S(DISTANCE) | S(IP_ID_JUMPS), S(IP_ID_ZERO), ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it comes from another distance, and its IP ID is out of the counter"},
    {S(DISTANCE) | S(ACK_BIT), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it comes from another distance, with another ACK bit"},
    {S(DISTANCE) | S(ACK_RULE), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it comes from another distance, and its ack field is made otherwise"},
    {S(INITIAL_TTL) | S(ACK_BIT), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it begins with another TTL, and with another ACK bit"},
    {S(INITIAL_TTL) | S(ACK_RULE), 0, ORIGIN_MIDDLEBOX, SURE_LIKELY,
     "it begins with another TTL, and its ack field is made otherwise"},

    /* one sign that the walk does not answer: the last router looks so, too */
    {S(IP_ID_ECHO), 0, ORIGIN_MIDDLEBOX, SURE_POSSIBLE, "it copies the IP ID of what drew it"},
    {S(OPTIONS_ECHO), 0, ORIGIN_MIDDLEBOX, SURE_POSSIBLE, "it copies options of what drew it"},
    {S(DISTANCE), S(IP_ID_CONTINUES), ORIGIN_MIDDLEBOX, SURE_POSSIBLE,
     "it comes from another distance, by one hop"},
    {S(GOES_ON), 0, ORIGIN_UNKNOWN, SURE_POSSIBLE, "its alleged sender goes on"},
    {S(WALK_TARGET), 0, ORIGIN_ENDPOINT, SURE_LIKELY,
     "it is drawn where the target answers others, and not before"},

    /* one sign */
    {S(INITIAL_TTL), 0, ORIGIN_MIDDLEBOX, SURE_POSSIBLE, "it begins with another TTL"},
    {S(ACK_BIT), 0, ORIGIN_MIDDLEBOX, SURE_POSSIBLE, "it differs in the ACK bit"},
    {S(ACK_RULE), 0, ORIGIN_MIDDLEBOX, SURE_POSSIBLE, "its ack field is made otherwise"},
    {S(TOO_FAST), 0, ORIGIN_MIDDLEBOX, SURE_POSSIBLE, "it comes faster than the path allows"},

    /* what scrubbers, tunnels, echoing stacks, restarts and routes do as well */
    {S(DISTANCE) | S(IP_ID_CONTINUES), 0, ORIGIN_UNKNOWN, SURE_POSSIBLE,
     "it comes from another distance, and continues its sender's counter"},
    {S(DF), 0, ORIGIN_UNKNOWN, SURE_POSSIBLE, "it differs in DF alone"},
    {S(WIN_ECHO), 0, ORIGIN_UNKNOWN, SURE_POSSIBLE, "it copies the window of what drew it"},
    {S(IP_ID_JUMPS), S(IP_ID_ZERO), ORIGIN_UNKNOWN, SURE_POSSIBLE,
     "its IP ID is out of the counter"},

    {S(COMPARED) | S(IP_ID_CONTINUES), 0, ORIGIN_ENDPOINT, SURE_LIKELY,
     "it is like the others, and continues its sender's counter"},
    {S(COMPARED), 0, ORIGIN_ENDPOINT, SURE_POSSIBLE, "nothing tells it from the others"},
    {0, 0, ORIGIN_UNKNOWN, SURE_POSSIBLE, "there is nothing to compare it with"},
};
const size_t origin_row_count = sizeof(origin_rows) / sizeof(origin_rows[0]);

const struct origin_row *origin_judge(uint32_t signs)
{
	const struct origin_row *r = origin_rows;

	while ((signs & r->need) != r->need || signs & r->lack)
		r++;
	return r;
}

bool origin_is_box(uint32_t signs)
{
	const struct origin_row *r = origin_judge(signs);

	return r->origin == ORIGIN_MIDDLEBOX && r->sure > SURE_POSSIBLE;
}

const char *origin_sign_name(unsigned bit)
{
	static const char *const names[SIGNS] = {
	    "compared",	    "distance",	  "far-distance", "initial-ttl", "df",
	    "ack-bit",	    "ack-rule",	  "ip-id-echo",	  "win-echo",	 "options-echo",
	    "ttl-mirrored", "ip-id-next", "ip-id-jumps",  "ip-id-zero",	 "too-fast",
	    "seq-steps",    "goes-on",	  "other-path",	  "walk-nearer", "walk-target",
	    "local",	    "kernel",	  "steady",
	};
	unsigned i = 0;

	while (i < SIGNS && bit != 1u << i)
		i++;
	return i < SIGNS ? names[i] : NULL;
}

/* --- reading signs ---------------------------------------------------------------------------- */

enum { FAR_HOPS = 2 };

enum ack_kind { KIND_ZERO, KIND_FROM_OURS, KIND_OTHER };

static enum ack_kind ack_kind_of(const struct exchange *x)
{
	switch (exchange_rst_ack(x)) {
	case RST_ACK_ZERO: return KIND_ZERO;
	case RST_ACK_OTHER: return KIND_OTHER;
	default: return KIND_FROM_OURS;
	}
}

uint32_t origin_signs_of_hops(unsigned hops, unsigned others)
{
	unsigned apart = hops > others ? hops - others : others - hops;

	return SIGN_COMPARED | (apart ? SIGN_DISTANCE : 0u) |
	       (apart >= FAR_HOPS ? SIGN_FAR_DISTANCE : 0u);
}

static uint32_t signs_of_ttl(const struct exchange *a, const struct exchange *b)
{
	return origin_signs_of_hops(exchange_hops(a->ttl), exchange_hops(b->ttl));
}

/* Two RSTs of one stack. */
static uint32_t signs_of_rsts(const struct exchange *a, const struct exchange *b)
{
	uint32_t signs = SIGN_COMPARED;

	if (exchange_initial_ttl(a->ttl) != exchange_initial_ttl(b->ttl))
		signs |= SIGN_INITIAL_TTL;
	else
		signs |= signs_of_ttl(a, b);
	if (a->from.family == ADDR_V4 && a->df != b->df)
		signs |= SIGN_DF;
	if (!(a->sent.flags & b->sent.flags & TCP_ACK))
		return signs;
	if ((a->flags ^ b->flags) & TCP_ACK)
		signs |= SIGN_ACK_BIT;
	if (ack_kind_of(a) != ack_kind_of(b))
		signs |= SIGN_ACK_RULE;
	return signs;
}

uint32_t origin_signs_of_pair(const struct exchange *rst, const struct exchange *other)
{
	uint32_t signs;

	if (exchange_is_rst(other))
		return signs_of_rsts(rst, other);
	signs = signs_of_ttl(rst, other);
	if (other->reaction == REACTION_SYN_ACK && other->port == rst->port &&
	    rst->sent.flags & TCP_ACK && signs & SIGN_DISTANCE)
		signs |= SIGN_OTHER_PATH;
	return signs;
}

/* Window scale, MSS and SACK-permitted are a SYN's: a RST that has them has got them from ours. */
static bool has_syn_options(const struct exchange *x)
{
	return x->sent.flags & TCP_SYN && strpbrk(x->layout, "MSW");
}

uint32_t origin_signs_of_echo(const struct exchange *rst)
{
	uint32_t signs = 0;

	if (rst->from.family == ADDR_V4 && rst->ip_id == 0)
		signs |= SIGN_IP_ID_ZERO;
	if (rst->ip_id && rst->ip_id == rst->sent_ip_id)
		signs |= SIGN_IP_ID_ECHO;
	if (exchange_rst_win(rst) == RST_WIN_ECHO)
		signs |= SIGN_WIN_ECHO;
	if (has_syn_options(rst))
		signs |= SIGN_OPTIONS_ECHO;
	return signs;
}

uint32_t origin_copied(uint32_t signs)
{
	return (signs & SIGN_IP_ID_ECHO ? COPIED_IP_ID : 0) |
	       (signs & SIGN_WIN_ECHO ? COPIED_WIN : 0) |
	       (signs & SIGN_OPTIONS_ECHO ? COPIED_OPTIONS : 0);
}
