/*
 * reaction: what came back for a probe, as one closed list of tokens (interface: port.probes,
 * cells.saw, hop.reply). The form of a RST is the product, so the forms are never folded together.
 */
#ifndef JUDGE_REACTION_H
#define JUDGE_REACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reaction {
	REACTION_NONE,
	REACTION_SYN_ACK,
	REACTION_RST_SEQ_FROM_ACK, /* RST, no ACK bit, SEQ = our ACK: "no connection for this
				      segment" */
	REACTION_RST_ACK_OF_SEQ, /* RST with ACK = our SEQ + LEN (the FIN, or all of it, may be left
				    out) */
	REACTION_RST_ODD,	 /* a RST of any other form */
	REACTION_CHALLENGE_ACK,	 /* a bare ACK: the tuple is in use over there (RFC 5961) */
	REACTION_FIN,
	REACTION_DATA,
	REACTION_ICMP_PORT,
	REACTION_ICMP_ADMIN,
	REACTION_ICMP_HOST,
	REACTION_ICMP_NET,
	REACTION_ICMP_OTHER,
	REACTIONS,
};

const char *reaction_token(enum reaction r); /* "syn-ack", "rst-seq-from-ack", ... */
const char *reaction_help(enum reaction r);  /* one line for `probes` and the man page */
/* The friendly word of rstprobe(1): "rst-ack", "rst", "no-response",
 * "icmp-admin-prohibited" ... ICMP needs its type and code and family; they are ignored otherwise.
 */
const char *reaction_reason(enum reaction r, uint8_t family, uint8_t icmp_type, uint8_t icmp_code);
/* The reaction of an ICMP error; REACTION_NONE for what rejects nothing (fragmentation needed,
 * quench). */
enum reaction reaction_of_icmp(uint8_t family, uint8_t icmp_type, uint8_t icmp_code);
static inline bool reaction_is_icmp(enum reaction r)
{
	return r >= REACTION_ICMP_PORT && r <= REACTION_ICMP_OTHER;
}

static inline bool reaction_is_rst(enum reaction r)
{
	return r >= REACTION_RST_SEQ_FROM_ACK && r <= REACTION_RST_ODD;
}

#endif
