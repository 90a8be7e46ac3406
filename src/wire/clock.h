/* clock: monotonic and wall time in nanoseconds, and the turning of one into the other. */
#ifndef WIRE_CLOCK_H
#define WIRE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_wall_ns(void);
uint64_t clock_mono_of_wall(uint64_t wall_ns); /* by the offset of this moment */
uint64_t clock_wall_of_mono(uint64_t mono_ns);

#endif
