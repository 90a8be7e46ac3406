/*
 * changes_private: what changes.c (what a result says), changes_runs.c (ranges of ports),
 * changes_scope.c (who was asked at all), changes_walk.c (all hosts, all sides), changes_host.c
 * (one host, two sides), changes_tell.c (its records) and changes_vantage.c (many sides) share.
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
	uint32_t section;  /* the run that speaks */
	uint32_t sections; /* runs so far */
};

struct words {
	char **v;
	size_t n, cap;
};

struct changes {
	struct host *hosts;
	size_t n_hosts, cap_hosts;
	struct face *faces; /* of each host `sides`; see face_at */
	size_t cap_faces;
	uint32_t *slots; /* 1 + number of the host; 0 is free */
	size_t n_slots;
	struct words reasons, zones;
	char *names;
	size_t n_names, cap_names;
	size_t sides;
	struct side *side;
};

static inline struct face *face_at(const struct changes *c, size_t host, size_t side)
{
	return &c->faces[host * c->sides + side];
}

int changes_no_memory(struct err *e);
const char *changes_reason(const struct changes *c, unsigned id); /* NULL for none */

/* changes_runs.c; false where memory is out */
bool runs_put(struct runs *r, struct run x); /* over what is there */
/* x is put, but what was never probed takes no place of what was. */
bool runs_correct(struct runs *r, struct run x);
bool sheet_add(struct sheet *s, uint32_t host, struct run x, size_t n_hosts);
bool sheet_settle(struct sheet *s, size_t n_hosts);

/* Ports that all sides have alike; a side that did not ask has NULL. */
struct stretch {
	uint16_t first, last;
	const struct run *of[CHANGES_SIDES_MAX];
};

/* The lists of several sides, side by side. Zero-initialised but for the first two. */
struct march {
	const struct runs *runs;
	size_t n;
	size_t at[CHANGES_SIDES_MAX];
	unsigned port; /* all before are done */
};
bool march_next(struct march *m, struct stretch *out);
static inline uint64_t stretch_ports(const struct stretch *s)
{
	return s->last - s->first + 1U;
}

/* changes_scope.c: addresses of which all sides were to ask one and the same all along */
struct scope {
	struct addr first, last;
	struct runs runs[CHANGES_SIDES_MAX]; /* of a host without records */
};
struct scopes {
	const struct changes *c;
	struct addr *bounds; /* where a span begins, or one has ended before */
	size_t n_bounds, at;
	struct scope_side {
		uint32_t *order, *active; /* covers by first address; those that hold here */
		size_t taken, n_active;
	} of[CHANGES_SIDES_MAX];
};
bool scopes_begin(struct scopes *s, const struct changes *c);
/* The next, by address, into `out`, whose arrays are used again. 1, 0 at the end, -1: no memory */
int scopes_next(struct scopes *s, struct scope *out);
void scopes_end(struct scopes *s);
struct addr changes_before(struct addr a); /* the address before a */

/* changes_walk.c */

/* One host, or addresses without records that are alike, as each side has it. */
struct place {
	struct addr first, last;
	const struct host *host; /* NULL: addresses without records */
	const struct runs *runs; /* of each side */
	const struct face *face; /* of each side; NULL: addresses without records */
};
uint64_t place_hosts(const struct place *p);
/* All of them by address; false where memory is out, there or here. */
bool changes_walk(const struct changes *c, bool (*at)(void *ctx, const struct place *p), void *ctx);
const char *changes_put_addr(const struct changes *c, const struct addr *a, char buf[ADDR_TEXT]);
const char *changes_state_word(unsigned state); /* NULL: not asked */
/* `to` and what a times b is more; stays at the most there is. */
void changes_add(uint64_t *to, uint64_t a, uint64_t b);

/* changes_host.c */

/* Ports of a host that change alike, one after the other. */
struct delta {
	uint16_t first, last;
	uint8_t kind; /* enum change_kind */
	uint8_t was, is;
	uint16_t was_reason, is_reason;
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
bool changes_judge(const struct place *p, struct findings *out);

/* Not asked, since the host is known not to answer. */
bool run_is_gone(const struct run *r, const struct face *f);
/* Can the two be told apart? A run that was to show open ports alone says of others nothing else.
 */
bool run_can_compare(const struct run *was, const struct run *is);

#endif
