/*
 * space: all (target, port) pairs of a run as the indices 0 .. total - 1, nothing expanded.
 * Overlaps count once (their ports joined), excludes are out, and both directions are quick:
 * index -> (address, port) and (address, port) -> index are a binary search over spans.
 */
#ifndef ENGINE_SPACE_H
#define ENGINE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "engine/ports.h"
#include "engine/targets.h"

enum { SPACE_MAX_LOG2 = 48 }; /* at most 2^48 indices */

/* Addresses with the same ports and the same path; sorted by addr_cmp, disjoint. */
struct span {
	struct addr first;
	uint64_t count; /* addresses */
	uint64_t index; /* of (first, its lowest port) */
	uint64_t host;	/* number of the first address among all hosts */
	const struct ports *ports;
	const char *name; /* of a single named address, else NULL; borrowed from the targets */
	uint32_t order;	  /* place in the targets of the first that covers it, for people */
	uint16_t path;	  /* index into wire.paths; PATH_NONE: no route; 0 until routed */
};

struct space {
	struct span *spans;
	size_t n;
	uint64_t total; /* indices */
	uint64_t hosts;
	/* private: */
	struct space_zone *zones; /* the spans of each family and zone */
	size_t n_zones;
	struct ports_pool ports; /* owns the unions that it made */
};

struct point {
	const struct span *span;
	struct addr addr;
	uint64_t host; /* number */
	uint16_t port;
};

/*
 * From targets, the ports of -p for those that brought none, and excludes (a set of targets whose
 * ports are ignored; may be NULL). `targets` and `ports` stay borrowed. Refuses with `e`: nothing
 * left; multicast, broadcast or unspecified addresses that no exclude takes out (named); more than
 * 2^48 indices. On an error `s` is empty.
 */
int space_build(struct space *s, const struct targets *targets, const struct ports *ports,
		const struct targets *exclude, struct err *e);
void space_free(struct space *s);

/*
 * Splits spans so that each has one path. `piece` as route_piece: `*run`, 1 to `count`, of the
 * addresses from `first` share `*path`. It is asked over neighbouring spans at once; its error
 * ends the routing with -1 and leaves the space as it was.
 */
typedef int space_piece_fn(void *ctx, const struct addr *first, uint64_t count, uint64_t *run,
			   uint16_t *path, struct err *e);
int space_route(struct space *s, space_piece_fn *piece, void *ctx, struct err *e);

void space_at(const struct space *s, uint64_t index, struct point *out); /* index < total */
/*
 * addr compares by addr_same: a captured address has no zone, and where several links have it, the
 * first that has the port is found. index and host may be NULL.
 */
bool space_find(const struct space *s, const struct addr *a, uint16_t port, uint64_t *index,
		uint64_t *host);
/* As space_find, with all that space_at would say of the index. */
bool space_locate(const struct space *s, const struct addr *a, uint16_t port, uint64_t *index,
		  struct point *out);
/* The same of an address alone: the first span that has it. */
bool space_find_host(const struct space *s, const struct addr *a, uint64_t *host);
const struct span *space_span_of_host(const struct space *s, uint64_t host); /* host < hosts */
struct addr space_host_addr(const struct space *s, uint64_t host);
/* The index of a host's lowest port; its ports are consecutive indices. */
uint64_t space_host_index(const struct space *s, uint64_t host);
/*
 * How many addresses of the space are public (addr_is_public), for --yes. Told by the first of
 * each /24 or /112, which no special range divides but ::1/128.
 */
uint64_t space_public(const struct space *s);

#endif
