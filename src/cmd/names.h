/*
 * names: what addresses are called, looked up elsewhere while other things go on. A resolver that
 * never answers holds up nobody: who asks gets "not yet" and decides how long to wait; one that is
 * gone costs the names. How names are looked up, and what letters they have, it refuses to know.
 */
#ifndef CMD_NAMES_H
#define CMD_NAMES_H

#include "wire/resolver.h"

enum { NAME_TEXT = RESOLVER_NAME };

/* Who looks them up, and what time it is. Nothing here blocks but `wait`. */
struct names_source {
	/* As resolver_ask_name and resolver_take_name. */
	int (*ask)(void *ctx, uint32_t id, const struct addr *a);
	int (*take)(void *ctx, struct resolver_answer *a);
	void (*wait)(void *ctx, uint64_t ns);
	uint64_t (*now_ms)(void *ctx);
	void (*end)(void *ctx);
	void *ctx;
};

struct names;

/* NULL where memory is out. Else the source, or the resolver, is ended by names_free. */
struct names *names_new(const struct names_source *s);
struct names *names_by(struct resolver *r);
void names_free(struct names *n); /* takes NULL */

/* Begins to look `a` up; once is enough. */
void names_ask(struct names *n, const struct addr *a);

enum name_state { NAME_NONE /* it has none, or was never asked for */, NAME_KNOWN, NAME_NOT_YET };
/* `name` is written where it is NAME_KNOWN. */
enum name_state names_get(struct names *n, const struct addr *a, char name[NAME_TEXT]);

/*
 * Would it help to wait for this name now? Not where it is there or there is none, and not once it
 * was given its time: little where nothing has ever been answered, more where others were.
 */
bool names_worth_waiting(struct names *n, const struct addr *a);
/* Waits until some name comes, or `ns` are over. */
void names_wait(struct names *n, uint64_t ns);

#endif
