/*
 * ask: the targets of a scan. The only part of it that reads files or asks the resolver, and it
 * does so before anything is opened.
 */
#include "cmd/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/resolve.h"
#include "cmd/textfile.h"

enum { PUBLIC_WITHOUT_YES = 65536 };

static int fail(struct ask *a, int status, const struct err *e)
{
	return cmd_fail(&a->status, status, e);
}

void ask_init(struct ask *a, const struct scan_options *o)
{
	memset(a, 0, sizeof(*a));
	a->o = o;
	targets_init(&a->targets);
	targets_init(&a->exclude);
}

void ask_free(struct ask *a)
{
	space_free(&a->space);
	targets_free(&a->targets);
	targets_free(&a->exclude);
	ports_free(a->ports);
}

/*
 * Adds a word; `where` is "FILE:LINE: " or "". A name that is unknown, or a resolver that fails,
 * spoils one target and not the run; but an exclude that can't be honoured ends it.
 */
static int add_target(struct ask *a, struct targets *to, const char *word, const char *where,
		      const struct target_help *h)
{
	bool only = a->o->n_targets == 1 && !a->o->targets_file;
	enum target_error rc;
	struct err e, told;

	rc = targets_add(to, word, h, &e);
	if (rc == TARGET_OK)
		return 0;
	err_set(&told, "%s%s", where, e.msg);
	if (rc == TARGET_BAD || (rc == TARGET_UNKNOWN && (only || to == &a->exclude)))
		return fail(a, STATUS_USAGE, &told);
	fail(a, STATUS_INCOMPLETE, &told);
	return to == &a->exclude ? -1 : 0;
}

static int add_words(struct ask *a, struct targets *to, const char *text, const char *file,
		     const struct target_help *h)
{
	char word[TARGET_WORD], where[280] = "";
	unsigned line = 1;

	while (targets_next_word(&text, word, sizeof(word), &line)) {
		if (file)
			snprintf(where, sizeof(where), "%.250s:%u: ", file, line);
		if (add_target(a, to, word, where, h) < 0)
			return -1;
	}
	return 0;
}

static int add_file(struct ask *a, struct targets *to, const char *path,
		    const struct target_help *h)
{
	struct err e;
	char *text = textfile_read(path, &e);
	int rc;

	if (!text)
		return fail(a, STATUS_USAGE, &e);
	rc = add_words(a, to, text, strcmp(path, "-") == 0 ? "stdin" : path, h);
	free(text);
	return rc;
}

static int add_excludes(struct ask *a)
{
	const struct scan_options *o = a->o;
	struct target_help any = {.resolve = resolve_name, .zone = resolve_zone, .any_size = true};

	if (o->exclude && add_words(a, &a->exclude, o->exclude, NULL, &any) < 0)
		return -1;
	return o->exclude_file ? add_file(a, &a->exclude, o->exclude_file, &any) : 0;
}

int ask_settle(struct ask *a)
{
	const struct scan_options *o = a->o;
	uint64_t n_public;
	struct err e;

	a->ports = o->ports ? ports_parse(o->ports, resolve_service, &e) : ports_default();
	if (!a->ports)
		return fail(a, STATUS_USAGE, &e);
	if (add_excludes(a) < 0)
		return -1;
	if (space_build(&a->space, &a->targets, a->ports, &a->exclude, &e) < 0)
		return fail(a, STATUS_USAGE, &e);
	n_public = space_public(&a->space);
	if (n_public > PUBLIC_WITHOUT_YES && !o->yes) {
		err_set(&e, "%llu public addresses: more than %d need --yes",
			(unsigned long long)n_public, PUBLIC_WITHOUT_YES);
		return fail(a, STATUS_USAGE, &e);
	}
	return 0;
}

int ask_make(struct ask *a)
{
	const struct scan_options *o = a->o;
	struct target_help h = {
	    .resolve = resolve_name,
	    .zone = resolve_zone,
	    .service = resolve_service,
	    .family = o->family,
	    .first_only = o->first_only,
	};
	struct err e;

	for (size_t i = 0; i < o->n_targets; i++)
		if (add_target(a, &a->targets, o->targets[i], "", &h) < 0)
			return -1;
	if (o->targets_file && add_file(a, &a->targets, o->targets_file, &h) < 0)
		return -1;
	if (!a->targets.n) {
		if (a->status == STATUS_OK) {
			err_set(&e, "no targets in %s",
				o->targets_file ? o->targets_file : "the list");
			return fail(a, STATUS_USAGE, &e);
		}
		return -1;
	}
	return ask_settle(a);
}
