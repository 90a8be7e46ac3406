/*
 * hold: source ports kept from other local programs by bound sockets (both families), without
 * listening, so that the kernel still resets SYN-ACKs and tidies the target's half-open entries.
 *
 * Protected: the kernel gives a held port to nobody who leaves the choice to it (connect without
 * bind, bind to port 0), with or without SO_REUSEADDR; two holders never share one; a port that is
 * in use is not taken, be it by a connection that still lingers in TIME-WAIT.
 * Not protected: sockets with SO_REUSEADDR that ask for a held port by its number get it. That is
 * how our own connections (wire/conns.h) and quiet listeners (wire/quiet.h) come by theirs; another
 * program's server on a fixed port would too. What listens can no longer be shared.
 */
#ifndef WIRE_HOLD_H
#define WIRE_HOLD_H

#include <stdint.h>

#include "base/err.h"
#include "wire/privilege.h"

struct hold;

/* Holds `n` consecutive ports, from a random place in 32768-60999 unless `fixed` (then n from that
 * one on; a port in use is an error). NULL and `e` where none are free. `user`, NULL or borrowed
 * for the call: who opens connections from them later. */
struct hold *hold_ports(unsigned n, uint16_t fixed, const struct privilege_user *user,
			struct err *e);
uint16_t hold_first(const struct hold *h);
void hold_free(struct hold *h);

#endif
