/* clock: monotonic and wall time in nanoseconds, wall time of a monotonic moment, and whether the
 * wall clock was set. */
#ifndef WIRE_CLOCK_H
#define WIRE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_wall_ns(void);
uint64_t clock_wall_of_mono(uint64_t mono_ns);
/* Wall time less the time since the machine was started, asleep or not: what changes it by leaps is
 * that the clock is set. False where this process was held up while it read the two. */
bool clock_wall_offset(int64_t *ns);

#endif
