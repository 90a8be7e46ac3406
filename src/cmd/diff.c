/*
 * diff: two results read, compared, told; and what that means for the exit status. It sends
 * nothing, and needs no privilege.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/diff_options.h"
#include "cmd/diff_read.h"
#include "wire/clock.h"
#include "wire/privilege.h"

struct diff_run {
	struct diff_options o;
	const struct cmd_line *line;
	int status;
	struct changes *changes;
	struct diff_source source[SIDES];
	struct diff_record sum;
	struct run_info info;
	struct reporting out;
	struct privilege_user user;
};

static int fail(struct diff_run *d, int status, const struct err *e)
{
	return cmd_fail(&d->status, status, e);
}

static const char *name_of(const struct diff_run *d, int side)
{
	return strcmp(d->o.files[side], "-") == 0 ? "stdin" : d->o.files[side];
}

static void warn(const struct diff_run *d, int side)
{
	const struct diff_source *s = &d->source[side];
	const char *name = name_of(d, side);

	if (d->o.verbosity < 0)
		return;
	if (s->cut)
		log_warn("%s: the last line is cut off and left out", name);
	if (s->vague)
		log_warn("%s does not name all that it asked: what kept silent there is not "
			 "compared",
			 name);
}

static int read_both(struct diff_run *d)
{
	struct err e;

	d->changes = changes_new();
	if (!d->changes) {
		err_set(&e, "out of memory");
		return fail(d, STATUS_CANNOT, &e);
	}
	for (int side = 0; side < SIDES; side++) {
		if (diff_read(d->changes, (enum change_side)side, d->o.files[side],
			      &d->source[side], &e) < 0)
			return fail(d, STATUS_USAGE, &e);
		warn(d, side);
	}
	if (d->source[SIDE_OLD].probes[0] && d->source[SIDE_NEW].probes[0] &&
	    strcmp(d->source[SIDE_OLD].probes, d->source[SIDE_NEW].probes) != 0 &&
	    d->o.verbosity >= 0)
		log_warn("the two asked by different probes (%s, %s): states may differ by that "
			 "alone",
			 d->source[SIDE_OLD].probes, d->source[SIDE_NEW].probes);
	return 0;
}

static void describe(struct diff_run *d)
{
	d->sum = (struct diff_record){
	    .old_name = name_of(d, SIDE_OLD),
	    .new_name = name_of(d, SIDE_NEW),
	    .old_started = d->source[SIDE_OLD].started,
	    .new_started = d->source[SIDE_NEW].started,
	    .old_complete = d->source[SIDE_OLD].complete,
	    .new_complete = d->source[SIDE_NEW].complete,
	};
	d->info = (struct run_info){
	    .command = d->line->argv[0],
	    .version = PACKAGE_VERSION,
	    .argv = d->line->full,
	    .started_wall_ns = clock_wall_ns(),
	    .files = d->o.files,
	    .n_files = d->o.n_files,
	    .diff = &d->sum,
	};
}

static int open_report(struct diff_run *d)
{
	const struct report_style style = {.verbose = d->o.verbosity > 0};
	const struct progress_wish progress = {.notes = false};
	struct err e;

	if (reporting_open(&d->out, &d->o.out, &e) < 0)
		return fail(d, STATUS_USAGE, &e);
	if (reporting_start(&d->out, &d->info, &style, &progress, &e) < 0)
		return fail(d, STATUS_CANNOT, &e);
	return 0;
}

static void compare(struct diff_run *d)
{
	const struct record_sink *sink = &d->out.report->sink;
	uint64_t n;
	struct err e;

	if (changes_compare(d->changes, d->o.only, sink, &d->sum, &e) < 0) {
		fail(d, STATUS_CANNOT, &e);
		return;
	}
	sink->diffed(sink->ctx, &d->sum);
	n = d->sum.went_down + d->sum.came_up;
	for (int i = 0; i < CHANGES; i++)
		n += d->sum.changes[i] != 0;
	if (n)
		d->status = cmd_worse(d->status, STATUS_UNEXPECTED);
	for (int side = 0; side < SIDES; side++)
		if (d->source[side].cut || d->source[side].unended)
			d->status = cmd_worse(d->status, STATUS_INCOMPLETE);
	if (n == 0 && d->sum.compared == 0 && d->sum.ignored) {
		err_set(&e, "nothing could be compared: no port was measured by both");
		fail(d, STATUS_INCOMPLETE, &e);
	}
}

static void not_written(void *ctx, const struct err *e)
{
	fail(ctx, STATUS_INCOMPLETE, e);
}

int cmd_diff(const struct cmd_line *l)
{
	struct diff_run d = {.line = l, .status = STATUS_OK};
	struct err e;
	int rc = diff_options_parse(&d.o, l->argc, l->argv, &e);

	if (rc < 0)
		return fail(&d, STATUS_USAGE, &e), d.status;
	if (rc > 0)
		return STATUS_OK;
	log_set_verbosity(d.o.verbosity);
	if (cmd_find_user(&d.status, NULL, &d.user) < 0 ||
	    cmd_drop_privilege(&d.status, &d.user, PRIVILEGE_READ) < 0)
		return d.status;
	if (read_both(&d) == 0) {
		describe(&d);
		if (open_report(&d) == 0)
			compare(&d);
		reporting_close(&d.out, not_written, &d);
	}
	changes_free(d.changes);
	return d.status;
}
