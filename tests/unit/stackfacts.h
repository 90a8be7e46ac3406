/*
 * stackfacts: the facts of a host as `stack` would have gathered them, from a table of what it
 * answers. Each answer goes through exchange_take as a packet. The columns are live stacks, as
 * measured.
 */
#ifndef TESTS_STACKFACTS_H
#define TESTS_STACKFACTS_H

#include "judge/stack.h"

/*
 * An answer: "." silence; "SA", "A" (a challenge ACK); "I3/13" ICMP; or a RST as FLAGS,SEQ,ACK with
 *   SEQ 0, a (SEG.ACK), a+1, x (other)    ACK 0, s (SEG.SEQ), s+1, n (SEG.SEQ + SEG.LEN), n- (the
 *   FIN not counted), x (other)
 * and " wN", " tN" where window and TTL are not the column's. In front of it "!": the cell
 * deviates; "-": it is not testable.
 */
struct live_talk {
	enum tcp_state state;
	const char *form, *reply;
	enum rfc_after after;
};

struct live_shape {
	uint16_t win, id;
	uint8_t ttl;
	bool df;
};

struct live {
	const char *name;
	struct live_shape sa, rst;
	const char *layout;
	const char *open[BATTERY_STRAY], *closed[BATTERY_STRAY];
	const struct live_talk *talks; /* up to one without a form */
};

extern const struct live live_linux, live_lwip, live_lwipv6, live_gvisor, live_slirp, live_pasta;

enum { LIVE_HOPS = 3, LIVE_TRIES = 3 };

/* A host of that kind with an open port, a closed one, and three canaries like the closed one. */
void live_facts(const struct live *l, uint8_t family, struct stack_facts *f);
/* One cell, one port more. */
void live_set(const struct live *l, struct stack_facts *f, enum tcp_state s, const char *form,
	      const char *reply);
void live_port(const struct live *l, struct stack_facts *f, uint16_t port, bool canary,
	       const char *reply);
void live_take(const struct live *l, uint8_t family, const struct form *form, const char *reply,
	       struct exchange *x);
/* What the column says of a cell: by the mark in front of its answer. */
enum conforms live_conforms(const struct live *l, size_t cell);
/* All cells of the battery in that state are silent, or answered so. */
void live_hush(const struct live *l, struct stack_facts *f, enum tcp_state s, const char *reply);

#endif
