/*
 * targets: the words of the command line, files and excludes become intervals of addresses.
 * It reads text and asks names through a callback; it opens no file and no resolver itself.
 */
#ifndef ENGINE_TARGETS_H
#define ENGINE_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "engine/ports.h"

enum {
	TARGET_MAX_LOG2 = 32, /* one word names at most 2^32 addresses */
	TARGET_WORD = 512,    /* bytes that any sensible word fits in */
};

/* As typed: an interval of addresses, with the ports asked there. */
struct target {
	struct addr first, last;
	const char *name;	   /* where it came from a name; owned by the set */
	const struct ports *ports; /* NULL: those of -p; else of "host:port", owned by the set */
};

struct targets {
	struct target *v;
	size_t n;
	/* private: */
	size_t cap;
	char **names;
	size_t n_names, cap_names;
	struct ports_pool ports;
};

enum target_error {
	TARGET_OK = 0,
	TARGET_BAD = -1,       /* not a target: status 2 */
	TARGET_UNKNOWN = -2,   /* no such name */
	TARGET_TRY_AGAIN = -3, /* the resolver failed for now */
};

/* The outside that parsing needs. Zero-initialized: no names, no zones but numbers. */
struct target_help {
	void *ctx;
	/* Addresses of a name into out[0..max); returns how many (all of both families), or
	 * TARGET_UNKNOWN / TARGET_TRY_AGAIN with `e`. */
	int (*resolve)(void *ctx, const char *name, struct addr *out, size_t max, struct err *e);
	uint32_t (*zone)(void *ctx, const char *name); /* interface index of a zone, 0 for none */
	int (*service)(const char *name); /* of "host:https": as ports_parse; may be NULL */
	int family;			  /* 0, ADDR_V4 or ADDR_V6: -4, -6 */
	bool first_only;		  /* --first */
	bool any_size; /* for excludes: --exclude 2001:db8::/32 is no more work than one address */
};

void targets_init(struct targets *t);
void targets_free(struct targets *t);
/*
 * Adds one word: a name, 192.0.2.7, 10.0.0.0/24 (host bits are ignored), 10.0.0.1-20,
 * 10.0.0.1-10.0.0.20, 2001:db8::/120, 2001:db8::1-2001:db8::9, fe80::1%eth0, [v6]:port, [v6],
 * host:port, host:PORTLIST; host may be any of the IPv4 forms, [v6] any of the IPv6 ones.
 * `e` names the word and the fix. With -4/-6 an address of the other family is TARGET_BAD. On an
 * error the set is as before.
 */
enum target_error targets_add(struct targets *t, const char *word, const struct target_help *h,
			      struct err *e);
/* Adds what is known already: the name is copied, the ports stay borrowed. -1: no memory. */
int targets_put(struct targets *t, const struct target *x);
/*
 * The next target word of a file's text, false at its end: white space and commas separate, '#'
 * comments to the line's end. A comma before more ports separates nothing ("192.0.2.7:22,80").
 * `*line` starts as 1 and is then the word's. A word that does not fit ends in "..." and is thus
 * no target.
 */
bool targets_next_word(const char **text, char *word, size_t cap, unsigned *line);

#endif
