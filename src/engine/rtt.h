/* rtt: round-trip times of one host and the retransmission time-out, as RFC 6298 says. */
#ifndef ENGINE_RTT_H
#define ENGINE_RTT_H

#include <stdint.h>

struct rtt {
	uint32_t srtt_us, rttvar_us; /* srtt 0: no sample yet */
};

enum { RTO_INITIAL_US = 1000000, RTO_MIN_US = 100000 };

void rtt_sample(struct rtt *r, uint32_t sample_us);
/* SRTT + 4 RTTVAR, never below RTO_MIN_US; RTO_INITIAL_US without a sample; `max_us` caps both. */
uint32_t rtt_rto_us(const struct rtt *r, uint32_t max_us);
/* With another least: where a probe too many costs little. */
uint32_t rtt_rto_least_us(const struct rtt *r, uint32_t least_us, uint32_t max_us);

#endif
