/* hosts: state of the hosts that have answered, for the whole run: RTT, counts, what was
 * unreachable. */
#ifndef ENGINE_HOSTS_H
#define ENGINE_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/rtt.h"
#include "judge/exchange.h"

struct host {
	uint64_t number; /* in the space */
	struct rtt rtt;
	uint32_t answers;      /* matched replies, duplicates left out */
	uint32_t icmp_rejects; /* ICMP errors among them */
	bool itself;	       /* something came from the host itself */
	bool sent_rst;	       /* a RST among it: the host can reset */
	bool gone;	       /* nobody on the link has its address */
	bool vanished;	       /* nor has anybody now, though it was heard */
	uint8_t gone_in;       /* the pass that told so */
	uint32_t answers_then; /* of them, when the last pass for such as it began */
	bool spare;	       /* it is not asked in this pass, */
	uint8_t spared;	       /* nor was it in so many of the window */
	uint8_t since;	       /* the pass from which on all of its ports are asked */
	bool unreachable_net;  /* else host: which ICMP word applies where only those came */
	uint32_t unreachables; /* answers that call the host or its network unreachable */
	/* of its first SYN-ACK and its first RST: what a struct reply has no room for */
	bool has_syn_ack, syn_ack_df, has_rst, rst_df;
	uint16_t mss;
	char layout[LAYOUT_MAX];
};

struct hosts {
	struct host *v;
	uint32_t *table; /* open addressing: 1 + index into v */
	size_t n, cap, table_size;
};

void hosts_free(struct hosts *h);
void hosts_clear(struct hosts *h); /* forgets them, and keeps the room */
struct host *hosts_find(const struct hosts *h, uint64_t number); /* NULL: not heard of */
struct host *hosts_get(struct hosts *h, uint64_t number);	 /* makes it; NULL: out of memory */

#endif
