/*
 * results: what was found, told call by call, one side after the other, for the tests of what
 * compares sides. Each call asserts that it was taken.
 */
#ifndef TESTS_UNIT_RESULTS_H
#define TESTS_UNIT_RESULTS_H

#include <stddef.h>

#include "judge/changes.h"

extern struct changes *results; /* made and freed by the two below */
extern size_t side;		/* that is told of now */

void results_of(size_t sides);
int results_teardown(void **state);

/* From now on of that side. */
void begin(size_t which);
/* Its number, the same whenever it is asked. */
uint32_t host(const char *addr);
void ports(const char *addr, unsigned first, unsigned last, enum port_state s, const char *reason);
void up(const char *addr);
void down(const char *addr, const char *why);
/* Ports lo to hi of these addresses were asked, whatever is told of them. */
void covers(const char *first, const char *last, unsigned lo, unsigned hi);
void end_as(const struct changes_end *end);
void end(void);
void cut_short(void);

#endif
