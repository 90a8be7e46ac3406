/*
 * quiet: source ports on which the local kernel answers nothing, neither RST nor SYN-ACK, so that a
 * raw SYN of ours can leave the peer in SYN-RECEIVED. By listeners whose packets are refused before
 * TCP sees them: a socket filter that drops all (CAP_NET_ADMIN), else IP_MINTTL and
 * IPV6_MINHOPCOUNT 255, which let through what arrives with TTL 255. Leaves nothing behind: once
 * they are closed the kernel answers again, and its RST ends what the peer still keeps half-open.
 */
#ifndef WIRE_QUIET_H
#define WIRE_QUIET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/privilege.h"

struct quiet;

/* Silences `n` consecutive ports from `first` on, held before by hold_ports (they share them), in
 * both families; in IPv4 alone where there is no IPv6. Before privilege is dropped. NULL and `e`
 * where the kernel has none of the means, or another program listens there. */
struct quiet *quiet_open(uint16_t first, unsigned n, const struct privilege_user *user,
			 struct err *e);
void quiet_free(struct quiet *q);
bool quiet_ttl255(const struct quiet *q); /* silent for packets of TTL 255 too */

#endif
