/* explain: a stub of the interface, so that what stands around it can be built. */
#include "judge/explain.h"

#include <stdlib.h>

struct explain {
	struct explain_summary sum;
};

const struct explain_limits explain_limits_file = {262144, 7860000000000ull, 0, 10000000000ull};
const struct explain_limits explain_limits_live = {262144, 7860000000000ull, 0, 1500000000ull};

struct explain *explain_new(const struct explain_limits *l, finding_fn *fn, void *ctx)
{
	(void)l, (void)fn, (void)ctx;
	return calloc(1, sizeof(struct explain));
}
void explain_free(struct explain *x)
{
	free(x);
}
void explain_packet(struct explain *x, const struct explain_frame *at, enum decode_status st,
		    const struct packet *p)
{
	(void)at, (void)st, (void)p;
	x->sum.frames++;
}
void explain_kernel(struct explain *x, const struct kernel_reset *k)
{
	(void)x, (void)k;
}
void explain_tick(struct explain *x, uint64_t wall_ns)
{
	(void)x, (void)wall_ns;
}
void explain_forget(struct explain *x)
{
	(void)x;
}
void explain_end(struct explain *x)
{
	(void)x;
}
const struct explain_summary *explain_summary(const struct explain *x)
{
	return &x->sum;
}
