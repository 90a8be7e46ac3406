/* clock: reads the system's clocks. It refuses to know what the time is used for. */
#include "config.h"

#include "wire/clock.h"

#include <time.h>

enum { AT_ONCE_NS = 1000000 };

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

uint64_t clock_wall_of_mono(uint64_t mono_ns)
{
	return mono_ns + (clock_wall_ns() - clock_mono_ns());
}

bool clock_wall_offset(int64_t *ns)
{
#ifdef CLOCK_BOOTTIME
	const clockid_t id = CLOCK_BOOTTIME;
#else
	const clockid_t id = CLOCK_MONOTONIC;
#endif
	uint64_t before = read_ns(id), wall = clock_wall_ns(), after = read_ns(id);

	*ns = (int64_t)(wall - before);
	return after - before < AT_ONCE_NS;
}
