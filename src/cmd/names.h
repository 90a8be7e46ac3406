/*
 * names: what addresses are called, looked up in threads of their own while other things go on. A
 * resolver that never answers holds up nobody: who asks gets "not yet" and decides how long to
 * wait; threads that still wait are left behind. What a resolver says is foreign: only letters of
 * host names pass.
 */
#ifndef CMD_NAMES_H
#define CMD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

enum { NAME_TEXT = 256 };

struct names;

/* Writes the name of `a`, at most `cap` octets with the NUL; false where it has none. May block. */
typedef bool names_lookup_fn(const struct addr *a, char *name, size_t cap);

/* NULL where memory is out. `lookup` NULL: the system's resolver. */
struct names *names_new(names_lookup_fn *lookup);
void names_free(struct names *n); /* takes NULL; never waits */

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
