/*
 * walks: facts of a trace made by hand, for who judges and who draws them. Routers are 10.0.N.1,
 * the target 192.0.2.7; what comes back passed as many routers as on the way there, unless said.
 */
#ifndef TESTS_UNIT_WALKS_H
#define TESTS_UNIT_WALKS_H

#include "judge/trace.h"

struct walks {
	struct trace_facts facts;
	struct trace_walk v[TRACE_WALKS_MAX];
};

enum { WALKS_MAX_TTL = 12 };

void walks_make(struct walks *s);
/* All TTLs asked in vain so far. */
struct trace_walk *walks_add(struct walks *s, enum trace_role role, const char *probe);
struct addr walks_router(unsigned hop);

/* Hops first .. last answer with time exceeded. */
void walks_expire(struct trace_walk *w, unsigned first, unsigned last);
/* `ttl` and all larger ones draw the answer, which passed `back` routers. */
void walks_answer(struct walks *s, struct trace_walk *w, unsigned ttl, enum reaction r,
		  unsigned back);
/* ... and draw this as well, as the second. */
void walks_answer_too(struct walks *s, struct trace_walk *w, unsigned ttl, enum reaction r,
		      unsigned back);
void walks_reject(struct trace_walk *w, unsigned ttl, struct addr by);
/* The usual walk: a chain of five routers, and the SYN answered from TTL `ttl` on. Makes `s`. */
struct trace_walk *walks_chain(struct walks *s, unsigned ttl, enum reaction r, unsigned back);
struct exchange walks_exchange(const struct walks *s, enum reaction r, unsigned back);

#endif
