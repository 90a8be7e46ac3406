/*
 * resolver_words: what is said on the line to the resolver and back, as octets. What comes is read
 * as foreign, for whoever answers has read foreign octets: each length is bounded, a name has the
 * letters of host names or is none, and whatever else is no answer at all.
 */
#ifndef WIRE_RESOLVER_WORDS_H
#define WIRE_RESOLVER_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum {
	RESOLVER_NAME = 256,	  /* octets of a name, with the NUL */
	RESOLVER_ADDRS_MAX = 256, /* more than a DNS answer over TCP usefully holds */
	RESOLVER_WORDS_MAX = 32 + RESOLVER_ADDRS_MAX * 21,
};

enum resolver_way { RESOLVER_TO_ADDRS = 1, RESOLVER_TO_NAME };

struct resolver_question {
	uint32_t id;
	enum resolver_way way;
	char name[RESOLVER_NAME]; /* whose addresses */
	struct addr addr;	  /* whose name */
};

struct resolver_answer {
	uint32_t id;
	enum resolver_way way;
	/* of addresses */
	int32_t failure, errnum; /* of getaddrinfo: 0 or EAI_; errno with EAI_SYSTEM */
	size_t n;
	struct addr addrs[RESOLVER_ADDRS_MAX];
	/* of a name: "" where there is none */
	char name[RESOLVER_NAME];
};

/* A name is printed, on terminals too: nothing but what host names are made of. */
bool resolver_is_host_name(const char *name);

/* Octets written to `to`, which has RESOLVER_WORDS_MAX; 0 where it cannot be said: the name is too
 * long or empty, the address is none. */
size_t resolver_put_question(const struct resolver_question *q, uint8_t *to);
size_t resolver_put_answer(const struct resolver_answer *a, uint8_t *to);
/* What it says before all else: that it has given up its privilege, or (with `e`) why not. */
size_t resolver_put_hello(const struct err *e, uint8_t *to);

/* False where that is not it, wholly: then nothing of it is to be used. */
bool resolver_take_question(const uint8_t *p, size_t len, struct resolver_question *q);
bool resolver_take_answer(const uint8_t *p, size_t len, struct resolver_answer *a);
/* False, with `e`: not ready. */
bool resolver_take_hello(const uint8_t *p, size_t len, struct err *e);

#endif
