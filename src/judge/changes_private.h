/*
 * changes_private: what changes.c (what a result says), changes_runs.c (ranges of ports),
 * changes_scope.c (who was asked at all), changes_host.c (one host, both sides) and changes_tell.c
 * (records) share.
 */
#ifndef JUDGE_CHANGES_PRIVATE_H
#define JUDGE_CHANGES_PRIVATE_H

#include "judge/changes.h"

/* Beyond enum port_state. */
enum {
	/* Asked, and in no state that the run was to show; the reason is the bits of those. */
	STATE_HIDDEN = PORT_STATES,
	/* Silent or hidden where the host has a record, else left out as its host kept silent. */
	STATE_SKIPPED,
	STATE_NONE, /* not asked */
};

enum reason_id {
	REASON_NONE,
	REASON_NO_RESPONSE,
	REASON_HOST_SILENT,
	REASON_HOST_UNREACHABLE,
	REASON_NET_UNREACHABLE,
	REASON_CUT, /* asked or not: the run did not come to its end */
	REASONS_FIXED,
};

/* Ports in one state for one reason. */
struct run {
	uint16_t first, last;
	uint16_t reason;
	uint8_t state;
};

/* Sorted and disjoint. */
struct runs {
	struct run *v;
	size_t n, cap;
};

struct entry {
	uint32_t host;
	struct run run;
};

/* Entries in the order of reading; settled: by host, each host's sorted and disjoint. */
struct sheet {
	struct entry *v;
	size_t n, cap;
};

enum { UP_UNKNOWN, UP_YES, UP_NO };

struct face {
	uint32_t section; /* the last run that spoke of it; 0: none */
	uint16_t reason;  /* why down */
	uint8_t up;
	uint8_t style[STYLE_METHODS];
};

struct host {
	struct addr addr;
	uint32_t name; /* 1 + place in the names; 0: none */
	struct face face[SIDES];
};

/* A span of addresses that a run was to ask. */
struct cover {
	struct addr first, last;
	size_t at; /* of its first port span */
	uint32_t n;
	bool complete, skipped;
	uint16_t shown;
};

struct side {
	struct sheet all, now; /* of the runs that have ended; of this one */
	struct cover *covers;
	size_t n_covers, cap_covers, first_cover /* of this run */;
	struct port_span *spans;
	size_t n_spans, cap_spans;
	uint32_t section;
};

struct words {
	char **v;
	size_t n, cap;
};

struct changes {
	struct host *hosts;
	size_t n_hosts, cap_hosts;
	uint32_t *slots; /* 1 + number of the host; 0 is free */
	size_t n_slots;
	struct words reasons, zones;
	char *names;
	size_t n_names, cap_names;
	struct side side[SIDES];
};

int changes_no_memory(struct err *e);
const char *changes_reason(const struct changes *c, unsigned id); /* NULL for none */

/* changes_runs.c; false where memory is out */
bool runs_put(struct runs *r, struct run x); /* over what is there */
/* x is put, but what was never probed takes no place of what was. */
bool runs_correct(struct runs *r, struct run x);
bool sheet_add(struct sheet *s, uint32_t host, struct run x, size_t n_hosts);
bool sheet_settle(struct sheet *s, size_t n_hosts);

/* changes_scope.c: addresses of which both sides were to ask one and the same all along */
struct scope {
	struct addr first, last;
	struct runs runs[SIDES]; /* of a host without records */
};
struct scopes {
	const struct changes *c;
	struct addr *bounds; /* where a span begins, or one has ended before */
	size_t n_bounds, at;
	uint32_t *order[SIDES], *active[SIDES]; /* covers by first address; those that hold here */
	size_t taken[SIDES], n_active[SIDES];
};
bool scopes_begin(struct scopes *s, const struct changes *c);
/* The next, by address, into `out`, whose arrays are used again. 1, 0 at the end, -1: no memory */
int scopes_next(struct scopes *s, struct scope *out);
void scopes_end(struct scopes *s);
struct addr changes_before(struct addr a); /* the address before a */

/* changes_host.c */

/* Ports of a host that change alike, one after the other. */
struct delta {
	uint16_t first, last;
	uint8_t kind; /* enum change_kind */
	uint8_t was, is;
	uint16_t was_reason, is_reason;
};

struct pair {
	const struct runs *runs[SIDES];
	const struct face *face[SIDES]; /* NULL: addresses without records */
};

struct findings {
	struct delta *v;
	size_t n, cap;
	uint64_t compared, ignored;
	bool same_scope; /* both asked the same ports */
	/* The host went down, or came up: its ports that were not open are in `swallowed`. */
	bool went_down, came_up;
	uint64_t turned;    /* ports that answered on one side only */
	uint64_t swallowed; /* ports that only go with the host */
	uint16_t reason;    /* why it is, or was, down */
};
/* False where memory is out. */
bool changes_judge(const struct pair *p, struct findings *out);

#endif
