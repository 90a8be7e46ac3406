/* clock: monotonic and wall time in nanoseconds, and wall time of a monotonic moment. */
#ifndef WIRE_CLOCK_H
#define WIRE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_wall_ns(void);
uint64_t clock_wall_of_mono(uint64_t mono_ns);

#endif
