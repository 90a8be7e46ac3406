/*
 * hold: source ports kept from other local programs by bound sockets (both families), without
 * listening, so that the kernel still resets SYN-ACKs and tidies the target's half-open entries.
 */
#ifndef WIRE_HOLD_H
#define WIRE_HOLD_H

#include <stdint.h>

#include "base/err.h"

struct hold;

/* Holds `n` consecutive ports, from a random place in 32768-60999 unless `fixed` (then n from that
 * one on; a port in use is an error). NULL and `e` where none are free. */
struct hold *hold_ports(unsigned n, uint16_t fixed, struct err *e);
uint16_t hold_first(const struct hold *h);
void hold_free(struct hold *h);

#endif
