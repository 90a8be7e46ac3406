/*
 * stackfile: reads stacks.conf, the description of fake stacks, of the environments they stand in,
 * and of which are played. The file explains its own format.
 */
#ifndef TESTS_FAKE_STACKFILE_H
#define TESTS_FAKE_STACKFILE_H

#include "base/err.h"
#include "fake/stackhost.h"

enum { FAKE_STACKS_MAX = 64, FAKE_ENVS_MAX = 64, FAKE_VARIANTS_MAX = 1024 };

struct fake_variant {
	char name[4 * FAKE_NAME]; /* "linux6/hops-9+loss-10", IPv6: with "/v6" behind */
	const struct fake_stack *stack;
	struct fake_env env;
	uint8_t family;		   /* ADDR_V4 or ADDR_V6 */
	struct fake_expect expect; /* of the stack in this environment */
};

struct stackfile {
	struct fake_stack stacks[FAKE_STACKS_MAX];
	size_t n_stacks;
	struct fake_env envs[FAKE_ENVS_MAX];
	size_t n_envs;
	struct fake_variant variants[FAKE_VARIANTS_MAX];
	size_t n_variants;
};

/* NULL and `e`, which names the line, where it can't be read. */
struct stackfile *stackfile_read(const char *path, struct err *e);
void stackfile_free(struct stackfile *f);
const struct fake_stack *stackfile_stack(const struct stackfile *f, const char *name);
/* One environment, or several laid over each other: "loss-10+hops-9". -1 where one is unknown. */
int stackfile_env(const struct stackfile *f, const char *names, struct fake_env *out);
/* Any stack in any environment, listed as played or not; the family as the name says, else IPv4. */
int stackfile_variant(const struct stackfile *f, const char *name, struct fake_variant *out);
/* Is `word` one of `words`? */
bool fake_word(const char *words, const char *word);

#endif
