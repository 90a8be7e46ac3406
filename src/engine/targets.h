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

enum { TARGET_MAX_LOG2 = 32 }; /* one word names at most 2^32 addresses */

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
	char **names;
	size_t n_names;
	struct ports **ports;
	size_t n_ports;
};

enum target_error {
	TARGET_OK = 0,
	TARGET_BAD = -1,       /* not a target: status 2 */
	TARGET_UNKNOWN = -2,   /* no such name */
	TARGET_TRY_AGAIN = -3, /* the resolver failed for now */
};

/* The outside that parsing needs. */
struct target_help {
	void *ctx;
	/* Addresses of a name into out[0..max); returns how many (all of both families), or
	 * TARGET_UNKNOWN / TARGET_TRY_AGAIN with `e`. */
	int (*resolve)(void *ctx, const char *name, struct addr *out, size_t max, struct err *e);
	uint32_t (*zone)(void *ctx, const char *name); /* interface index of a zone's name, 0 for none */
	int family;	 /* 0, ADDR_V4 or ADDR_V6: -4, -6 */
	bool first_only; /* --first */
};

void targets_init(struct targets *t);
void targets_free(struct targets *t);
/*
 * Adds one word: a name, 192.0.2.7, 10.0.0.0/24, 10.0.0.1-20, 10.0.0.1-10.0.0.20, 2001:db8::/120,
 * 2001:db8::1-2001:db8::9, fe80::1%eth0, [v6]:port, [v6], host:port, host:PORTLIST.
 * `e` names the word and the fix. With -4/-6 an address of the other family is TARGET_BAD.
 */
enum target_error targets_add(struct targets *t, const char *word, const struct target_help *h, struct err *e);
/* The next target word of a file's text: white space and commas separate, '#' comments to the line's end. */
bool targets_next_word(const char **text, char *word, size_t cap, unsigned *line);

#endif
