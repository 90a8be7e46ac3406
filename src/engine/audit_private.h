/*
 * audit_private: what the files of audit share. Nobody else includes it.
 */
#ifndef ENGINE_AUDIT_PRIVATE_H
#define ENGINE_AUDIT_PRIVATE_H

#include "engine/audit.h"

/* --- audit_plan: which addresses and ports a line is about ------------------------------------ */

struct interval {
	struct addr first, last;
};

struct intervals {
	struct interval *v; /* sorted, disjoint */
	size_t n;
};

struct plan {
	const struct policy *policy;
	int32_t today;
	const struct space *space;
	struct intervals *groups; /* of each group of the policy */
	/* the address last asked about, and the ports that lines in force name there */
	struct addr named_of;
	uint8_t named[65536 / 8];
};

int plan_make(struct plan *p, const struct policy *policy, int32_t today, const struct space *space,
	      struct err *e);
void plan_free(struct plan *p);
bool plan_in_force(const struct plan *p, const struct policy_line *l);

/* The addresses of a line that are in the space, ascending: begin with zeros. */
struct plan_walk {
	size_t interval;
	uint64_t offset;
	struct addr addr;
	const struct span *span;
	uint64_t host; /* number in the space */
};
bool plan_next_host(struct plan *p, const struct policy_line *l, struct plan_walk *w);
/* Is the port, one of l->ports, demanded of that address? (An `else` leaves out what has a name.)
 */
bool plan_has(struct plan *p, const struct policy_line *l, const struct addr *a, uint16_t port);

/* --- audit_seen: what the sweeps have shown --------------------------------------------------- */

struct seen_table {
	const struct space *space;
	struct measure *v; /* by index of the space */
	uint8_t *styles;   /* by host number: enum reset_style; above, 1 + what a later one found */
	struct addr *from; /* senders of ICMP errors */
	size_t n_from, cap_from;
};

/* STYLE_UNKNOWN where probings found different ones; the first of them and that are told, too. */
enum reset_style seen_style(const struct seen_table *t, uint64_t host, enum reset_style faces[2]);
int seen_make(struct seen_table *t, const struct space *space, struct err *e);
void seen_free(struct seen_table *t);
/* NULL where the port is none of the space. */
struct measure *seen_at(const struct seen_table *t, const struct plan_walk *at, uint16_t port);
/* A sink that takes ports and styles and hands on only notes and progress. */
enum seen_what {
	SEEN_STATES, /* SYNs */
	SEEN_STRAYS, /* ACKs */
	SEEN_STYLES, /* both, for the host's style alone */
};
struct seen_sink {
	struct record_sink sink; /* its ctx is this */
	struct seen_table *t;
	const struct record_sink *to;
	enum seen_what what;
	bool again; /* not the first of its kind: merged */
};
void seen_sink_init(struct seen_sink *s, struct seen_table *t, enum seen_what what,
		    const struct record_sink *to);
/* After a sweep over all that was complete: what has no record was silent. */
void seen_fill_silent(struct seen_table *t, unsigned tries);

/* --- audit_tell: the checks ------------------------------------------------------------------- */

struct audit_tell {
	struct plan *plan;
	const struct seen_table *seen;
	const struct record_sink *sink; /* NULL: only counted */
	struct audit_counts counts;
	const char *why_not; /* the run's cause of what was not measured; NULL */
	bool worthless; /* the link went down: nobody vouches for what seemed to hold until then */
	/* private: */
	struct port_span *spans;
};

/* -1: no memory, and nothing was told. */
int audit_tell_all(struct audit_tell *t);

#endif
