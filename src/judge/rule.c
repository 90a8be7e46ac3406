/* rule: the meaning table. One row a (class, reaction); a test counts them. */
#include "judge/rule.h"

#include <assert.h>

#define LISTEN_ACK "RFC 9293, 3.10.7.2, second; 3.10.7.1"
#define LISTEN_SYN "RFC 9293, 3.10.7.2, third"
#define LISTEN_BARE "RFC 9293, 3.10.7.2, fourth"
#define CLOSED_ANY "RFC 9293, 3.10.7.1"
#define CHALLENGE "RFC 5961, 4; RFC 9293, 3.10.7.4, fourth"
#define ICMP_ERROR "RFC 1122, 3.2.2.1; RFC 4443, 3.1"
#define NO_CLAUSE "RFC 9293, 3.10.7"

#define ICMP_ROWS(cls)                                                                             \
	{cls, REACTION_ICMP_PORT, WORLD_REJECTS, true, "an ICMP error rejected it", ICMP_ERROR},   \
	    {cls, REACTION_ICMP_ADMIN, WORLD_REJECTS, true, "a policy rejected it", ICMP_ERROR},   \
	    {cls,	REACTION_ICMP_HOST, WORLD_REJECTS, true, "a router cannot reach the host", \
	     ICMP_ERROR},                                                                          \
	    {cls,                                                                                  \
	     REACTION_ICMP_NET,                                                                    \
	     WORLD_REJECTS,                                                                        \
	     true,                                                                                 \
	     "a router has no way to the network",                                                 \
	     ICMP_ERROR},                                                                          \
	{                                                                                          \
		cls, REACTION_ICMP_OTHER, WORLD_REJECTS, true, "an ICMP error stopped it",         \
		    ICMP_ERROR                                                                     \
	}

#define OTHER_CONNECTION_ROWS(cls)                                                                 \
	{cls,                                                                                      \
	 REACTION_CHALLENGE_ACK,                                                                   \
	 WORLD_ANY,                                                                                \
	 false,                                                                                    \
	 "the addresses and ports belong to another connection over there",                        \
	 CHALLENGE},                                                                               \
	    {cls, REACTION_FIN, WORLD_ANY, false, "a FIN of another connection", NO_CLAUSE},       \
	{                                                                                          \
		cls, REACTION_DATA, WORLD_ANY, false, "data of another connection", NO_CLAUSE      \
	}

const struct rule rule_table[] = {
    /* SYN */
    {PROBE_SYN, REACTION_NONE, WORLD_DROPS, false,
     "a SYN must be answered by any stack: it or its answer was dropped", LISTEN_SYN},
    {PROBE_SYN, REACTION_SYN_ACK, WORLD_OPEN_PASSES, true, "a listener accepted the SYN",
     LISTEN_SYN},
    {PROBE_SYN, REACTION_RST_ACK_OF_SEQ, WORLD_CLOSED_PASSES, true,
     "a RST acknowledged the SYN: nobody listens", CLOSED_ANY},
    {PROBE_SYN, REACTION_RST_SEQ_FROM_ACK, WORLD_CLOSED_PASSES, false,
     "a RST without ACK to a SYN without ACK: closed, in an odd form", CLOSED_ANY},
    {PROBE_SYN, REACTION_RST_ODD, WORLD_CLOSED_PASSES, false,
     "a RST that proves no sight of the SYN", CLOSED_ANY},
    OTHER_CONNECTION_ROWS(PROBE_SYN),
    ICMP_ROWS(PROBE_SYN),

    /* ACK without RST: LISTEN and CLOSED answer alike */
    {PROBE_ACK, REACTION_NONE, WORLD_DROPS, false,
     "LISTEN and CLOSED both answer an ACK: it or its answer was dropped", LISTEN_ACK},
    {PROBE_ACK, REACTION_SYN_ACK, WORLD_PASSES, false, "a SYN proxy answers anything", NO_CLAUSE},
    {PROBE_ACK, REACTION_RST_SEQ_FROM_ACK, WORLD_PASSES, true,
     "LISTEN and CLOSED both reset a stray ACK: the path passes it", LISTEN_ACK},
    {PROBE_ACK, REACTION_RST_ACK_OF_SEQ, WORLD_PASSES, true,
     "a RST with ACK to a stray ACK: the path passes it, the form is not RFC 9293's", LISTEN_ACK},
    {PROBE_ACK, REACTION_RST_ODD, WORLD_PASSES, false, "a RST of an odd form to a stray ACK",
     LISTEN_ACK},
    OTHER_CONNECTION_ROWS(PROBE_ACK),
    ICMP_ROWS(PROBE_ACK),

    /* NULL, FIN, xmas: LISTEN ignores, CLOSED resets; Windows, NetBSD, IOS reset at both */
    {PROBE_BARE, REACTION_NONE, WORLD_OPEN_PASSES | WORLD_DROPS, false,
     "LISTEN must ignore it; or it was dropped", LISTEN_BARE},
    {PROBE_BARE, REACTION_SYN_ACK, WORLD_OPEN_PASSES, false, "a SYN-ACK without a SYN", NO_CLAUSE},
    {PROBE_BARE, REACTION_RST_ACK_OF_SEQ, WORLD_CLOSED_PASSES, false,
     "CLOSED must reset it; some stacks reset it at LISTEN too", CLOSED_ANY},
    {PROBE_BARE, REACTION_RST_SEQ_FROM_ACK, WORLD_CLOSED_PASSES, false,
     "a RST of an odd form; some stacks reset at LISTEN too", CLOSED_ANY},
    {PROBE_BARE, REACTION_RST_ODD, WORLD_CLOSED_PASSES, false,
     "a RST of an odd form; some stacks reset at LISTEN too", CLOSED_ANY},
    OTHER_CONNECTION_ROWS(PROBE_BARE),
    ICMP_ROWS(PROBE_BARE),

    /* SYN with FIN */
    {PROBE_SYN_ODD, REACTION_NONE, WORLD_OPEN_PASSES | WORLD_DROPS, false,
     "Linux and macOS drop a SYN-FIN at LISTEN; or the path dropped it", LISTEN_SYN},
    {PROBE_SYN_ODD, REACTION_SYN_ACK, WORLD_OPEN_PASSES, true, "a listener accepted the SYN",
     LISTEN_SYN},
    {PROBE_SYN_ODD, REACTION_RST_ACK_OF_SEQ, WORLD_CLOSED_PASSES, false,
     "CLOSED must reset it; Windows since Vista resets it at LISTEN too", CLOSED_ANY},
    {PROBE_SYN_ODD, REACTION_RST_SEQ_FROM_ACK, WORLD_CLOSED_PASSES, false, "a RST of an odd form",
     CLOSED_ANY},
    {PROBE_SYN_ODD, REACTION_RST_ODD, WORLD_CLOSED_PASSES, false, "a RST of an odd form",
     CLOSED_ANY},
    OTHER_CONNECTION_ROWS(PROBE_SYN_ODD),
    ICMP_ROWS(PROBE_SYN_ODD),

    /* RST: silence says nothing, an answer is a deviation */
    {PROBE_RST, REACTION_NONE, WORLD_ANY, false, "a RST is never answered", CLOSED_ANY},
    {PROBE_RST, REACTION_SYN_ACK, WORLD_PASSES, false, "a RST must not be answered", CLOSED_ANY},
    {PROBE_RST, REACTION_RST_ACK_OF_SEQ, WORLD_PASSES, false, "a RST must not be answered",
     CLOSED_ANY},
    {PROBE_RST, REACTION_RST_SEQ_FROM_ACK, WORLD_PASSES, false, "a RST must not be answered",
     CLOSED_ANY},
    {PROBE_RST, REACTION_RST_ODD, WORLD_PASSES, false, "a RST must not be answered", CLOSED_ANY},
    OTHER_CONNECTION_ROWS(PROBE_RST),
    ICMP_ROWS(PROBE_RST),
};
const size_t rule_count = sizeof(rule_table) / sizeof(rule_table[0]);

const struct rule *rule_find(enum probe_class cls, enum reaction r)
{
	for (size_t i = 0; i < rule_count; i++)
		if (rule_table[i].cls == cls && rule_table[i].reaction == r)
			return &rule_table[i];
	assert(0 && "every (class, reaction) has a row");
	return &rule_table[0];
}
