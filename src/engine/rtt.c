/* rtt: RFC 6298, section 2, in microseconds. Karn's rule is the caller's: sample what is certain.
 */
#include "engine/rtt.h"

void rtt_sample(struct rtt *r, uint32_t sample_us)
{
	uint32_t gap;

	sample_us += !sample_us;
	if (!r->srtt_us) {
		r->srtt_us = sample_us;
		r->rttvar_us = sample_us / 2;
		return;
	}
	gap = sample_us > r->srtt_us ? sample_us - r->srtt_us : r->srtt_us - sample_us;
	r->rttvar_us = (uint32_t)((3ULL * r->rttvar_us + gap) / 4);
	r->srtt_us = (uint32_t)((7ULL * r->srtt_us + sample_us) / 8);
	r->srtt_us += !r->srtt_us;
}

uint32_t rtt_rto_us(const struct rtt *r, uint32_t max_us)
{
	return rtt_rto_least_us(r, RTO_MIN_US, max_us);
}

uint32_t rtt_rto_least_us(const struct rtt *r, uint32_t least_us, uint32_t max_us)
{
	uint64_t rto = RTO_INITIAL_US;

	if (r->srtt_us)
		rto = r->srtt_us + 4ULL * r->rttvar_us;
	if (rto < least_us)
		rto = least_us;
	return rto > max_us ? max_us : (uint32_t)rto;
}
