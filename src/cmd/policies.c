/*
 * policies: reads the files of `audit`, and says what of them can't be used. What their words mean
 * is engine/policy's.
 */
#include "cmd/policies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/resolve.h"
#include "cmd/textfile.h"

static char *read_file(void *ctx, const char *path, struct err *e)
{
	(void)ctx;
	return textfile_read(path, e);
}

static void fail(void *ctx, const struct err *e)
{
	struct ask *a = ctx;

	cmd_fail(&a->status, STATUS_USAGE, e);
}

static void missing(void *ctx, const struct err *e, bool try_again)
{
	struct ask *a = ctx;

	(void)try_again;
	cmd_fail(&a->status, STATUS_INCOMPLETE, e);
}

int policies_read(struct policy *p, struct ask *a)
{
	const struct scan_options *o = a->o;
	struct policy_help h = {
	    .targets = {.resolve = resolve_name,
			.zone = resolve_zone,
			.service = resolve_service,
			.first_only = o->first_only},
	    .read = read_file,
	    .fail = fail,
	    .missing = missing,
	    .ctx = a,
	};
	int rc = 0;

	policy_init(p);
	for (size_t i = 0; i < o->n_targets; i++) {
		const char *path = o->targets[i];
		struct err e;
		char *text = textfile_read(path, &e);

		if (!text) {
			fail(a, &e);
			rc = -1;
			continue;
		}
		if (policy_read(p, strcmp(path, "-") == 0 ? "stdin" : path, text, &h) < 0)
			rc = -1;
		free(text);
	}
	return rc == 0 ? policy_settle(p, &h) : -1;
}

/* --- exceptions that end ---------------------------------------------------------------------- */

static void tell_line(const struct policy *p, const struct policy_line *l, int32_t today,
		      void (*say)(void *ctx, const char *text), void *ctx)
{
	char line[400], day[DAY_TEXT];
	bool over = !policy_in_force(l, today);

	snprintf(line, sizeof(line), "%.200s:%u: %s%s %s%s", p->files[l->file], l->number,
		 p->groups[l->group].name, over ? ": was in force until" : ": is in force until",
		 day_text(l->until_day, day),
		 over && l->scope == POLICY_PORTS ? "; its ports now fall under `else`" : "");
	say(ctx, line);
}

void policies_tell_dates(const struct policy *p, int32_t today, bool ending,
			 void (*say)(void *ctx, const char *text), void *ctx)
{
	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];

		if (l->until_day != DAY_NEVER &&
		    l->until_day < today + (ending ? EXPECT_SOON_DAYS : 0))
			tell_line(p, l, today, say, ctx);
	}
}
