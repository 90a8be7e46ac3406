/*
 * diff: two results read, compared, told, or as many as there are vantage points; and what that
 * means for the exit status. It sends nothing, and needs no privilege.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/diff_files.h"
#include "cmd/diff_options.h"
#include "cmd/diff_read.h"
#include "wire/clock.h"
#include "wire/privilege.h"

/* A side: the old result, the new one, or a vantage point. */
struct side_read {
	struct diff_files files;
	struct diff_source source;
};

struct diff_run {
	struct diff_options o;
	const struct cmd_line *line;
	int status;
	struct changes *changes;
	struct side_read *sides;
	size_t n;
	struct diff_record sum;
	struct vantage_point *points;
	struct vantages_record seen; /* of --by-vantage, in place of sum */
	struct run_info info;
	struct reporting out;
	struct privilege_user user;
};

static int fail(struct diff_run *d, int status, const struct err *e)
{
	return cmd_fail(&d->status, status, e);
}

/* --- what is compared ------------------------------------------------------------------------- */

/* Which words are a side's. */
static int find_side(struct diff_run *d, size_t i, struct err *e)
{
	const struct diff_options *o = &d->o;
	size_t from = i, n = 1;

	if (!o->by_vantage) {
		from = i == SIDE_OLD ? 0 : o->n_old;
		n = i == SIDE_OLD ? o->n_old : o->n_words - o->n_old;
	}
	if (diff_files_find(&d->sides[i].files, o->words + from, n, e) < 0)
		return -1;
	return diff_files_check(&d->sides[i].files, &o->out, e);
}

static int find_files(struct diff_run *d)
{
	struct err e;

	d->n = d->o.by_vantage ? d->o.n_words : SIDES;
	d->changes = changes_new_of(d->n);
	d->sides = calloc(d->n, sizeof(*d->sides));
	d->points = calloc(d->n, sizeof(*d->points));
	if (!d->changes || !d->sides || !d->points) {
		err_set(&e, "out of memory");
		return fail(d, STATUS_CANNOT, &e);
	}
	for (size_t i = 0; i < d->n; i++)
		if (find_side(d, i, &e) < 0)
			return fail(d, STATUS_USAGE, &e);
	return 0;
}

static void warn(const struct side_read *side)
{
	const struct diff_source *s = &side->source;
	const struct diff_missing *m = &s->missing;
	const char *name = side->files.name;

	if (s->cut)
		log_warn("%s: the last line is cut off and left out", name);
	if (s->vague)
		log_warn("%s does not name all that it asked: what kept silent there is not "
			 "compared",
			 name);
	if (m->shards)
		log_warn("%s: of %" PRIu64 " shards %" PRIu64 " %s missing or cut off (%s): what "
			 "kept silent is not compared",
			 name, m->of, m->shards, m->shards == 1 ? "is" : "are", m->which);
}

static void warn_of_probes(const struct diff_run *d)
{
	const char *first = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const char *probes = d->sides[i].source.probes;

		if (!probes[0])
			continue;
		if (first && strcmp(first, probes) != 0) {
			log_warn("%s asked by different probes (%s, %s): states may differ by that "
				 "alone",
				 d->n == 2 ? "the two" : "they", first, probes);
			return;
		}
		first = probes;
	}
}

static int shorten(struct diff_run *d)
{
	char **names[CHANGES_SIDES_MAX];
	struct err e;

	for (size_t i = 0; i < d->n; i++)
		names[i] = &d->sides[i].files.name;
	return diff_files_shorten(names, d->n, &e) < 0 ? fail(d, STATUS_CANNOT, &e) : 0;
}

/* All that is read, and all that is written, before the first octet is read. */
static int open_all(struct diff_run *d)
{
	struct err e;

	if (cmd_find_user(&d->status, NULL, &d->user) < 0 || find_files(d) < 0)
		return -1;
	for (size_t i = 0; i < d->n; i++)
		if (diff_files_open(&d->sides[i].files, &e) < 0)
			return fail(d, STATUS_USAGE, &e);
	if (reporting_open(&d->out, &d->o.out, &e) < 0)
		return fail(d, STATUS_USAGE, &e);
	if (reporting_keep(&d->out, &e) < 0)
		return fail(d, STATUS_CANNOT, &e);
	return cmd_drop_privilege(&d->status, &d->user, PRIVILEGE_READ);
}

static int read_all(struct diff_run *d)
{
	struct err e;

	for (size_t i = 0; i < d->n; i++) {
		struct side_read *s = &d->sides[i];

		if (diff_read(d->changes, i, &s->files, &s->source, &e) < 0)
			return fail(d, STATUS_USAGE, &e);
		if (d->o.verbosity >= 0)
			warn(s);
	}
	if (d->o.verbosity >= 0)
		warn_of_probes(d);
	return d->o.by_vantage ? shorten(d) : 0;
}

/* --- the report ------------------------------------------------------------------------------- */

static void describe(struct diff_run *d)
{
	const struct side_read *old = &d->sides[SIDE_OLD], *now = &d->sides[SIDE_NEW];

	d->sum = (struct diff_record){
	    .old_name = old->files.name,
	    .new_name = now->files.name,
	    .old_started = old->source.started,
	    .new_started = now->source.started,
	    .old_complete = old->source.complete,
	    .new_complete = now->source.complete,
	};
	for (size_t i = 0; i < d->n; i++)
		d->points[i] = (struct vantage_point){
		    .name = d->sides[i].files.name,
		    .started = d->sides[i].source.started,
		    .complete = d->sides[i].source.complete,
		};
	d->seen = (struct vantages_record){.points = d->points, .n = d->n};
	d->info = (struct run_info){
	    .command = d->line->argv[0],
	    .version = PACKAGE_VERSION,
	    .argv = d->line->full,
	    .started_wall_ns = clock_wall_ns(),
	    .files = d->o.words,
	    .n_files = d->o.n_words,
	    .diff = d->o.by_vantage ? NULL : &d->sum,
	    .vantages = d->o.by_vantage ? &d->seen : NULL,
	};
}

static int start_report(struct diff_run *d)
{
	const struct report_style style = {.verbose = d->o.verbosity > 0};
	const struct progress_wish progress = {.notes = false};
	struct err e;

	if (reporting_start(&d->out, &d->info, &style, &progress, &e) < 0)
		return fail(d, STATUS_CANNOT, &e);
	return 0;
}

/* How many differences; -1 with `e`. */
static int tell_changes(struct diff_run *d, uint64_t *n, struct err *e)
{
	const struct record_sink *sink = &d->out.report->sink;

	if (changes_compare(d->changes, d->o.only, sink, &d->sum, e) < 0)
		return -1;
	sink->diffed(sink->ctx, &d->sum);
	*n = d->sum.went_down + d->sum.came_up;
	for (int i = 0; i < CHANGES; i++)
		*n += d->sum.changes[i] != 0;
	return 0;
}

static int tell_vantages(struct diff_run *d, uint64_t *n, struct err *e)
{
	const struct record_sink *sink = &d->out.report->sink;

	if (changes_by_vantage(d->changes, sink, &d->seen, e) < 0)
		return -1;
	sink->vantages(sink->ctx, &d->seen);
	*n = d->seen.differ;
	return 0;
}

static void compare(struct diff_run *d)
{
	uint64_t n, compared, ignored;
	struct err e;

	if ((d->o.by_vantage ? tell_vantages(d, &n, &e) : tell_changes(d, &n, &e)) < 0) {
		fail(d, STATUS_CANNOT, &e);
		return;
	}
	if (n)
		d->status = cmd_worse(d->status, STATUS_UNEXPECTED);
	for (size_t i = 0; i < d->n; i++)
		if (d->sides[i].source.cut || d->sides[i].source.unended)
			d->status = cmd_worse(d->status, STATUS_INCOMPLETE);
	compared = d->o.by_vantage ? d->seen.compared : d->sum.compared;
	ignored = d->o.by_vantage ? d->seen.ignored : d->sum.ignored;
	if (n == 0 && compared == 0 && ignored) {
		err_set(&e, "nothing could be compared: no port was measured by %s",
			d->o.by_vantage ? "two" : "both");
		fail(d, STATUS_INCOMPLETE, &e);
	}
}

static void release(struct diff_run *d)
{
	for (size_t i = 0; d->sides && i < d->n; i++)
		diff_files_free(&d->sides[i].files);
	free(d->sides);
	free(d->points);
	changes_free(d->changes);
	diff_options_free(&d->o);
}

static void not_written(void *ctx, const struct err *e)
{
	fail(ctx, STATUS_INCOMPLETE, e);
}

static void run(struct diff_run *d)
{
	log_set_verbosity(d->o.verbosity);
	if (open_all(d) == 0 && read_all(d) == 0) {
		describe(d);
		if (start_report(d) == 0)
			compare(d);
	}
	reporting_close(&d->out, not_written, d);
}

int cmd_diff(const struct cmd_line *l)
{
	struct diff_run d = {.line = l, .status = STATUS_OK};
	struct err e;
	int rc = diff_options_parse(&d.o, l->argc, l->argv, &e);

	if (rc < 0)
		fail(&d, STATUS_USAGE, &e);
	else if (rc == 0)
		run(&d);
	release(&d);
	return d.status;
}
