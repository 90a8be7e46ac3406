/*
 * policy: what the network shall look like, read from text (rstprobe-policy(5)). It opens no file
 * and asks no resolver itself; what its demands mean is judge/expect's, and who probes is audit's.
 *
 *     group web 192.0.2.10-20 2001:db8::10
 *     include "other.policy"
 *     web: 80,443  open within 200ms  critical  owner ops  note "shop"
 *     web: 25      silent until 2027-03-01
 *     web: listen-rst on 443
 *     web: style rst
 *     web: else 1-65535 not-open
 */
#ifndef ENGINE_POLICY_H
#define ENGINE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/day.h"
#include "base/err.h"
#include "engine/ports.h"
#include "engine/targets.h"
#include "judge/expect.h"

enum {
	POLICY_DEPTH_MAX = 16, /* of includes in includes */
	POLICY_LINE_MAX = 65536,
};

/* A name of a group that could not be resolved: its checks cannot be measured. */
struct policy_missing {
	const char *name;
	const char *why;
	unsigned file, line;
};

struct policy_group {
	const char *name;
	unsigned file, line; /* of its first mention that has targets */
	struct targets targets;
	struct policy_missing *missing;
	size_t n_missing, cap_missing;
};

enum policy_scope {
	POLICY_PORTS, /* `ports` */
	POLICY_ELSE,  /* those of `ports` that no line in force names for that address */
	POLICY_HOST,  /* style */
};

struct policy_line {
	unsigned file;	 /* into files */
	unsigned number; /* of the line, from 1 */
	size_t group;
	enum policy_scope scope;
	const struct ports *ports; /* NULL: POLICY_HOST */
	struct expectation expect;
	enum severity_level level; /* LEVEL_WARNING where not said */
	const char *owner, *note;  /* NULL */
	/* Its last day (base/day.h). DAY_NEVER: no end. */
	int32_t until_day;
};

struct policy {
	const char **files; /* as named on the command line, or as included, with its folder */
	size_t n_files;
	struct policy_group *groups;
	size_t n_groups;
	struct policy_line *lines; /* in order of reading */
	size_t n_lines;
	/* private: */
	struct policy_store *store;
};

struct policy_help {
	struct target_help targets;
	/* The text of an included file, to be freed by policy; NULL with `e`. `path` is relative to
	 * the includer's folder, joined by policy. May be NULL: includes are refused. */
	char *(*read)(void *ctx, const char *path, struct err *e);
	/* Each error: "FILE:LINE:COLUMN: what; the fix". May be NULL. */
	void (*fail)(void *ctx, const struct err *e);
	/* Each name that is unknown: the rest stands. May be NULL. */
	void (*missing)(void *ctx, const struct err *e, bool try_again);
	void *ctx;
};

void policy_init(struct policy *p);
void policy_free(struct policy *p);
/* Adds a file's text. -1 where it had errors: all of them were told, and `p` is for freeing only.
 */
int policy_read(struct policy *p, const char *name, const char *text, const struct policy_help *h);
/* After the last file: groups without targets, lines of unknown groups, nothing to check. -1 as
 * above. */
int policy_settle(struct policy *p, const struct policy_help *h);

/* Is the line in force on that day? */
bool policy_in_force(const struct policy_line *l, int32_t today);
/*
 * A line without `until` stands aside where one of its group that has it, and is in force, demands
 * the contrary: that is what an exception is. `l` is of p->lines; of a style, `port` is ignored.
 */
bool policy_stands_aside(const struct policy *p, const struct policy_line *l, uint16_t port,
			 int32_t today);

#endif
