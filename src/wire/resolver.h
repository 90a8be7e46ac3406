/*
 * resolver: names and addresses of each other, by a process of its own, forked while there is
 * privilege and without any from its first call on: what a name server says is read there, by the C
 * library, and never by a process that may do something. Lookups go on side by side; one that is
 * never answered holds up nobody. It refuses to know what names are wanted for.
 */
#ifndef WIRE_RESOLVER_H
#define WIRE_RESOLVER_H

#include "wire/privilege.h"
#include "wire/resolver_words.h"

/* How it looks up, in its threads. */
struct resolver_lookups {
	/* Fills n and addrs, or failure and errnum. */
	void (*addrs)(const char *name, struct resolver_answer *a);
	/* False where it has none. */
	bool (*name)(const struct addr *addr, char name[RESOLVER_NAME]);
};

struct resolver;

/*
 * Before any thread is there, and before what the resolver must not hold is opened; it becomes `u`.
 * `how` NULL: by the system. NULL with `e` where there is none, or where it could not give up what
 * it must.
 */
struct resolver *resolver_start(const struct privilege_user *u, const struct resolver_lookups *how,
				struct err *e);
void resolver_end(struct resolver *r); /* takes NULL; waits for no lookup */

/*
 * All addresses of a name, `patience_ms` at most. False with `e` where it does not say; that the
 * name has none is an answer. Not while names are asked for.
 */
bool resolver_addrs(struct resolver *r, const char *name, int patience_ms,
		    struct resolver_answer *a, struct err *e);

/* Of these two nothing blocks. 1: asked; 0: it has enough to do, later; -1: it is gone. */
int resolver_ask_name(struct resolver *r, uint32_t id, const struct addr *addr);
/* 1: an answer, in any order; 0: none yet; -1: none will come, it is gone or talks nonsense. */
int resolver_take_name(struct resolver *r, struct resolver_answer *a);

/* Until an answer is there or it is gone, `ns` at most. */
void resolver_wait(struct resolver *r, uint64_t ns);

#endif
