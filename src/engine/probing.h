/*
 * probing: what a kind of probe is as a segment, with what the user fixed of it, and what of an
 * answer is kept. Shared by who sends probes (sweep, repeat); it knows neither when nor how often.
 */
#ifndef ENGINE_PROBING_H
#define ENGINE_PROBING_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/match.h"
#include "judge/probe.h"
#include "judge/verdict.h"
#include "packet/decode.h"
#include "packet/options.h"
#include "packet/segment.h"
#include "wire/wire.h"

/* What the user fixed of the segments; has_ flags say which. */
struct probe_wish {
	bool has_seq, has_ack, has_win;
	uint32_t seq, ack;
	uint16_t win;
	uint8_t ttl;	     /* 0: 64 */
	const uint8_t *data; /* replaces a kind's default payload; NULL: none given */
	uint16_t data_len;
	enum syn_layout layout;
};

/* What helps where the kernel refuses to send, to stand behind the errno's text; "" where nothing
 * is known to. */
const char *probing_unsent(int errnum);
/* Is it our own kernel that says so: no neighbour, or a firewall of this machine's that rejects?
 * Nothing has left then, and nobody else has answered. On loopback the target says it. */
bool probing_is_own_word(const struct path *path, const struct packet *p);
/* The numbers of a probe that would carry `seq` and `ack` if nothing else was wished for. */
struct sent probing_sent(const struct probe_wish *wish, const struct probe *kind, uint32_t seq,
			 uint32_t ack);
/* All that probes of a kind have in common on a path; ports and numbers are the caller's. */
void probing_segment(const struct probe_wish *wish, const struct probe *kind,
		     const struct path *path, const struct addr *dst, uint32_t tsval,
		     struct segment *out);
/* IPv4: another for each segment, and known again from its numbers. */
static inline uint16_t probing_ip_id(const struct sent *sent)
{
	return (uint16_t)(sent->seq >> 16 ^ sent->seq);
}
/* A reply as it is kept; who sent it and its round trip are the caller's. */
void probing_reply(struct reply *r, const struct packet *p, unsigned kind, unsigned try,
		   enum reaction reaction, enum fit fit);

#endif
