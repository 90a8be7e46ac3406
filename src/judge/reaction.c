/* reaction: the closed list of tokens, and the words and ICMP codes that belong to them. */
#include "judge/reaction.h"

#include "base/addr.h"

static const struct {
	const char *token, *reason, *help;
} table[REACTIONS] = {
    [REACTION_NONE] = {"none", "no-response", "nothing came back"},
    [REACTION_SYN_ACK] = {"syn-ack", "syn-ack", "SYN-ACK: a listener, or a proxy in its place"},
    [REACTION_RST_SEQ_FROM_ACK] =
	{"rst-seq-from-ack", "rst",
	 "RST whose SEQ is our ACK, no ACK bit: no connection for this segment"},
    [REACTION_RST_ACK_OF_SEQ] =
	{"rst-ack-of-seq", "rst-ack",
	 "RST-ACK that acknowledges our SEQ + LEN: no connection, and our segment had no ACK"},
    [REACTION_RST_ODD] = {"rst-odd", "rst-odd", "a RST of another form than RFC 9293 asks for"},
    [REACTION_CHALLENGE_ACK] =
	{"challenge-ack", "challenge-ack",
	 "a bare ACK: these addresses and ports belong to another connection over there"},
    [REACTION_FIN] = {"fin", "fin", "a FIN of a connection that we did not make"},
    [REACTION_DATA] = {"data", "data", "data of a connection that we did not make"},
    [REACTION_ICMP_PORT] = {"icmp-port", "icmp-port-unreachable",
			    "ICMP 3/3, ICMPv6 1/4: port unreachable"},
    [REACTION_ICMP_ADMIN] = {"icmp-admin", "icmp-admin-prohibited",
			     "ICMP 3/9, 3/10, 3/13, ICMPv6 1/1, 1/5, 1/6: prohibited by policy"},
    [REACTION_ICMP_HOST] =
	{"icmp-host", "host-unreachable",
	 "ICMP 3/1, 3/5, 3/7, 3/8, 3/12, ICMPv6 1/2, 1/3: the host is not reached"},
    [REACTION_ICMP_NET] = {"icmp-net", "net-unreachable",
			   "ICMP 3/0, 3/6, 3/11, ICMPv6 1/0: no way to the network"},
    [REACTION_ICMP_OTHER] = {"icmp-other", "icmp-other", "any other ICMP error"},
};

const char *reaction_token(enum reaction r)
{
	return table[r].token;
}

const char *reaction_help(enum reaction r)
{
	return table[r].help;
}

struct icmp_row {
	uint8_t family, type;
	int code; /* -1: any */
	enum reaction reaction;
	const char *reason; /* NULL: the reaction's own */
};

/* RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1; RFC 4443 3.1. First match wins. */
static const struct icmp_row icmp_table[] = {
    {ADDR_V4, 3, 0, REACTION_ICMP_NET, NULL},
    {ADDR_V4, 3, 1, REACTION_ICMP_HOST, NULL},
    {ADDR_V4, 3, 2, REACTION_ICMP_OTHER, "icmp-proto-unreachable"},
    {ADDR_V4, 3, 3, REACTION_ICMP_PORT, NULL},
    {ADDR_V4, 3, 4, REACTION_NONE, NULL}, /* fragmentation needed: rejects a size, not the port */
    {ADDR_V4, 3, 5, REACTION_ICMP_HOST, NULL},
    {ADDR_V4, 3, 6, REACTION_ICMP_NET, NULL},
    {ADDR_V4, 3, 7, REACTION_ICMP_HOST, NULL},
    {ADDR_V4, 3, 8, REACTION_ICMP_HOST, NULL},
    {ADDR_V4, 3, 9, REACTION_ICMP_ADMIN, NULL},
    {ADDR_V4, 3, 10, REACTION_ICMP_ADMIN, NULL},
    {ADDR_V4, 3, 11, REACTION_ICMP_NET, NULL},
    {ADDR_V4, 3, 12, REACTION_ICMP_HOST, NULL},
    {ADDR_V4, 3, 13, REACTION_ICMP_ADMIN, NULL},
    {ADDR_V4, 3, -1, REACTION_ICMP_OTHER, "icmp-unreachable"},
    {ADDR_V4, 4, -1, REACTION_NONE, NULL}, /* source quench, deprecated by RFC 6633 */
    {ADDR_V4, 11, -1, REACTION_ICMP_OTHER, "icmp-time-exceeded"},
    {ADDR_V4, 12, -1, REACTION_ICMP_OTHER, "icmp-parameter-problem"},
    {ADDR_V6, 1, 0, REACTION_ICMP_NET, NULL},
    {ADDR_V6, 1, 1, REACTION_ICMP_ADMIN, NULL},
    {ADDR_V6, 1, 2, REACTION_ICMP_HOST, NULL},
    {ADDR_V6, 1, 3, REACTION_ICMP_HOST, NULL},
    {ADDR_V6, 1, 4, REACTION_ICMP_PORT, NULL},
    {ADDR_V6, 1, 5, REACTION_ICMP_ADMIN, NULL},
    {ADDR_V6, 1, 6, REACTION_ICMP_ADMIN, NULL},
    {ADDR_V6, 1, -1, REACTION_ICMP_OTHER, "icmp-unreachable"},
    {ADDR_V6, 2, -1, REACTION_NONE, NULL}, /* packet too big */
    {ADDR_V6, 3, -1, REACTION_ICMP_OTHER, "icmp-time-exceeded"},
    {ADDR_V6, 4, -1, REACTION_ICMP_OTHER, "icmp-parameter-problem"},
};

static const struct icmp_row *icmp_find(uint8_t family, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < sizeof(icmp_table) / sizeof(icmp_table[0]); i++) {
		const struct icmp_row *row = &icmp_table[i];

		if (row->family == family && row->type == type &&
		    (row->code < 0 || row->code == code))
			return row;
	}
	return NULL;
}

enum reaction reaction_of_icmp(uint8_t family, uint8_t icmp_type, uint8_t icmp_code)
{
	const struct icmp_row *row = icmp_find(family, icmp_type, icmp_code);

	return row ? row->reaction : REACTION_ICMP_OTHER;
}

const char *reaction_reason(enum reaction r, uint8_t family, uint8_t icmp_type, uint8_t icmp_code)
{
	const struct icmp_row *row;

	if (!reaction_is_icmp(r))
		return table[r].reason;
	row = icmp_find(family, icmp_type, icmp_code);
	return row && row->reason ? row->reason : table[r].reason;
}
