/*
 * likely: a set of ports in the order in which a listener is likeliest, for who needs one open port
 * and would not ask them all.
 */
#ifndef CMD_LIKELY_H
#define CMD_LIKELY_H

#include <stdbool.h>

#include "engine/ports.h"

/*
 * The ports of `set`: first those that `list` (the words of -p) names, in its order, or without a
 * list those where most hosts listen; then the others. The caller frees; NULL: no memory.
 */
uint16_t *likely_ports(const struct ports *set, const char *list, size_t *n);

/* Is it one of the 16 where most hosts listen? */
bool likely_commonest(uint16_t port);

#endif
