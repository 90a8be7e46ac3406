/*
 * day: days of UTC, counted from 1970-01-01, and how they are written. It asks no clock, no zone
 * and no locale.
 */
#ifndef BASE_DAY_H
#define BASE_DAY_H

#include <stdint.h>

enum { DAY_NEVER = INT32_MAX, DAY_TEXT = 12 };

int32_t day_of_ns(uint64_t wall_ns);
/* "2027-03-01"; -1 where it is no date. */
int day_parse(const char *text, int32_t *day);
/* "never" for what has no date of four digits. */
const char *day_text(int32_t day, char buf[DAY_TEXT]);

#endif
