/*
 * join_private: what join keeps of two captures: the flows that have findings, and their segments,
 * each once an end. A direction is numbered by the flow's address that sends in it.
 */
#ifndef JUDGE_JOIN_PRIVATE_H
#define JUDGE_JOIN_PRIVATE_H

#include "judge/join.h"

enum { JOIN_ENDS = 2, JOIN_HOSTS = 4096, JOIN_HOST_SLOTS = 2 * JOIN_HOSTS };

/* A segment in one of the captures; 48 octets. */
struct spot {
	uint64_t wall_ns;
	uint32_t flow, frame;
	int32_t rel;	 /* SEG.SEQ from the direction's first */
	uint32_t acknum; /* the field; it only has to be the same */
	uint32_t len;
	uint32_t peer; /* 1 + index of the same segment at the other end; 0: not there */
	uint16_t flags, ip_id;
	uint8_t end, dir, ttl;
	bool twice;  /* a second capture of the frame before it */
	bool within; /* not there as such, but its octets are, cut otherwise */
};

struct join_flow {
	struct addr addr[2];
	uint16_t port[2];
	uint32_t base[2];
	bool has_base[2];
	bool cut; /* some of its segments had no room */
	uint8_t syn,
	    client;	   /* 1 + direction of a SYN, and of whom a finding calls client; 0 none */
	uint32_t first, n; /* its spots, when they are in order */
	uint32_t pairs[2]; /* segments that are unique at both ends */
	bool ids_hold[2];  /* IP IDs cross unchanged */
	bool strangers[2]; /* segments arrived that the sender's capture does not have */
	bool placed;	   /* `near` is known */
	uint8_t near[2];   /* at which end the direction's sender is */
	bool both;	   /* `offset` is of both directions */
	int64_t offset;	   /* server's clock - client's */
	uint32_t lost[2];  /* per direction */
	uint32_t first_lost;  /* frame; 0 none */
	int64_t first_lost_t; /* on the client's clock */
};

struct join {
	size_t max, n;
	struct spot *spots;
	size_t flows_max, n_flows;
	struct join_flow *flows;
	size_t slots;	 /* a power of 2 */
	uint32_t *slot;	 /* 1 + index of a flow */
	int64_t *deltas; /* room to sort in */
	struct place {	 /* of a RST, by its frame */
		uint64_t key;
		uint32_t at;
	} * places;
	size_t n_places;
	struct span {
		bool any;
		uint64_t first_ns, last_ns;
	} span[JOIN_ENDS];
	int64_t offset;
	struct host {
		struct addr addr; /* ADDR_NONE: free */
		uint8_t ends;	  /* bits: at which its segments are sent */
	} hosts[JOIN_HOST_SLOTS];
	size_t n_hosts;
};

static inline bool spot_free(const struct spot *s)
{
	return !s->peer && !s->twice;
}

/* On the client's clock. */
static inline int64_t spot_time(const struct join_flow *f, const struct spot *s)
{
	return (int64_t)s->wall_ns - (s->end == JOIN_SERVER ? f->offset : 0);
}

static inline uint64_t place_key(enum join_end end, uint32_t frame)
{
	return (uint64_t)frame << 1 | end;
}

/* Are they the same segment, by all that does not change on the way? */
static inline bool join_alike(const struct spot *a, const struct spot *b)
{
	return a->flow == b->flow && a->dir == b->dir && a->rel == b->rel &&
	       a->acknum == b->acknum && a->len == b->len && a->flags == b->flags;
}

/* Where those like the one at `i` end. */
static inline size_t join_group(const struct join *j, size_t i, size_t to)
{
	size_t next = i + 1;

	while (next < to && join_alike(&j->spots[i], &j->spots[next]))
		next++;
	return next;
}

/* join_match: with the flows' roles and clocks known, which segment is which; what is missing. */
void join_match(struct join *j, struct join_flow *f);

#endif
