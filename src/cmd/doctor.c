/*
 * doctor: says whether this machine can probe, by trying, and what mends it where it can't. It
 * decides what is tried and in which order; what the facts mean is judge/doctor's.
 */
#include "config.h"

#include "cmd/cmd.h"

#include "base/bytes.h"
#include "cmd/doctor_private.h"
#include "cmd/doctor_table.h"
#include "cmd/options.h"
#include "cmd/resolve.h"
#include "wire/clock.h"
#include "wire/privilege.h"
#include "wire/system.h"

struct doctor {
	struct doctor_options o;
	struct doctor_facts facts;
	struct trial loops[DOCTOR_FAMILIES], ways[DOCTOR_FAMILIES];
	struct addr dst[DOCTOR_FAMILIES];
	struct run_info info;
	struct reporting out;
	struct privilege_user user;
	struct system_tracking tracking;
	struct doctor_sum sum;
	uint64_t began_ns;
	int status;
};

/* --- the command line ------------------------------------------------------------------------- */

static int take_target(struct doctor_options *o, const char *word, struct err *e)
{
	if (o->target)
		return err_set(e, "doctor: one target at a time, not %.80s too", word);
	o->target = word;
	return 0;
}

static int take_port(struct doctor_options *o, const char *said, const char *value, struct err *e)
{
	uint64_t n;

	if (option_number(said, value, 1, UINT16_MAX, &n, e) < 0)
		return -1;
	o->port = (uint16_t)n;
	return 0;
}

static int take(void *ctx, int id, const char *said, const char *value, struct err *e)
{
	struct doctor_options *o = ctx;

	switch (id) {
	case OPTION_WORD: return take_target(o, value, e);
	case DOCTOR_OPTION_IPV4: o->family = ADDR_V4; return 0;
	case DOCTOR_OPTION_IPV6: o->family = ADDR_V6; return 0;
	case DOCTOR_OPTION_INTERFACE: o->ifname = value; return 0;
	case DOCTOR_OPTION_PORT: return take_port(o, said, value, e);
	case OPTION_USER: o->user = value; return 0;
	case DOCTOR_OPTION_VERBOSE: o->verbose = true; return 0;
	case DOCTOR_OPTION_QUIET: o->quiet = true; return 0;
	default: return outputs_take(&o->out, id, said, value, e);
	}
}

/* 0; 1: help was asked for and printed; -1 with `e`. */
static int parse(struct doctor_options *o, const struct cmd_line *l, struct err *e)
{
	int rc;

	o->out.formats = outputs_formats("doctor");
	rc = option_parse(&doctor_table, l->argc, l->argv, take, o, e);
	if (rc)
		return rc;
	if (o->port && !o->target)
		return err_set(e, "-p %u: whose port? name a target", (unsigned)o->port);
	return outputs_settle(&o->out, NULL, e);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void tell(void *ctx, const struct doctor_line *line)
{
	struct doctor *d = ctx;
	const struct record_sink *sink = &d->out.report->sink;
	const struct doctor_record r = {
	    .check = line->check,
	    .result = line->result,
	    .detail = line->detail,
	    .fix = line->fix[0] ? line->fix : NULL,
	    .minor = line->minor,
	};

	doctor_sum_add(&d->sum, line);
	if (sink->looked && !(d->o.quiet && line->result == DOCTOR_OK))
		sink->looked(sink->ctx, &r);
}

static void judge(struct doctor *d, enum doctor_scope scope)
{
	doctor_judge(&d->facts, scope, tell, d);
}

static void sum_up(struct doctor *d)
{
	const struct record_sink *sink = &d->out.report->sink;
	char says[256];
	struct text t = text_of(says, sizeof(says));
	struct examined_record x = {
	    .says = says,
	    .elapsed_s = (double)(clock_mono_ns() - d->began_ns) / 1e9,
	};

	doctor_sum_put(&t, &d->sum, d->o.target ? d->o.target : d->o.ifname);
	for (int i = 0; i < DOCTOR_RESULTS; i++)
		x.counts[i] = d->sum.n[i];
	if (sink->examined)
		sink->examined(sink->ctx, &x);
	if (d->sum.n[DOCTOR_FAIL])
		d->status = cmd_worse(d->status, STATUS_CANNOT);
}

/* --- what is tried ---------------------------------------------------------------------------- */

static bool wants(const struct doctor *d, unsigned family)
{
	return !d->o.family || (d->o.family == ADDR_V4) == (family == DOCTOR_V4);
}

/* All that takes privilege. What can't be opened is a line later on. */
static void open_trials(struct doctor *d)
{
	struct doctor_facts *f = &d->facts;

	if (!f->raw_opens)
		return;
	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++) {
		struct doctor_path *p = &f->paths[i];

		if (wants(d, i))
			trial_open_loop(&d->loops[i], &f->loops[i], i);
		if (p->ifname[0] && p->link != DOCTOR_LINK_DOWN)
			trial_open_path(&d->ways[i], p, &d->dst[i], d->o.port,
					d->o.target && p->routed);
	}
}

static void try_loops(struct doctor *d)
{
	struct doctor_facts *f = &d->facts;

	for (f->at = 0; f->at < DOCTOR_FAMILIES; f->at++) {
		if (!f->loops[f->at].wanted)
			continue;
		trial_run_loop(&d->loops[f->at], &f->loops[f->at]);
		judge(d, SCOPE_LOOPBACK);
	}
	f->at = 0;
	judge(d, SCOPE_RESETS);
}

static void try_ways(struct doctor *d)
{
	struct doctor_facts *f = &d->facts;

	judge(d, SCOPE_TARGET);
	for (f->at = 0; f->at < DOCTOR_FAMILIES; f->at++) {
		if (!f->paths[f->at].wanted)
			continue;
		trial_run_path(&d->ways[f->at], &f->paths[f->at]);
		judge(d, SCOPE_PATH);
	}
	f->at = 0;
	system_read_tracking(&d->tracking, f);
	judge(d, SCOPE_LIMITS);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int fail(struct doctor *d, int status, const struct err *e)
{
	return cmd_fail(&d->status, status, e);
}

static void not_written(void *ctx, const struct err *e)
{
	fail(ctx, STATUS_INCOMPLETE, e);
}

static int begin(struct doctor *d, const struct cmd_line *l)
{
	const struct report_style style = {.verbose = d->o.verbose};
	const struct progress_wish none = {0};
	struct err e;

	d->info = (struct run_info){
	    .command = l->argv[0],
	    .version = PACKAGE_VERSION,
	    .argv = l->full,
	    .started_wall_ns = clock_wall_ns(),
	    .zone_name = resolve_zone_name,
	};
	if (d->o.ifname && !route_ifindex(d->o.ifname)) {
		err_set(&e, "-i %.20s: no such interface; ip -br link shows them", d->o.ifname);
		return fail(d, STATUS_CANNOT, &e);
	}
	if (cmd_find_user(&d->status, d->o.user, &d->user) < 0)
		return -1;
	resolve_as(&d->user);
	system_read(&d->facts);
	if (reporting_open(&d->out, &d->o.out, &e) < 0 ||
	    doctor_find_paths(&d->facts, &d->o, d->ways, d->dst, &e) < 0)
		return fail(d, STATUS_USAGE, &e);
	open_trials(d);
	resolve_prepare(false);
	system_open_tracking(&d->tracking);
	if (reporting_keep(&d->out, &e) < 0)
		return fail(d, STATUS_CANNOT, &e);
	if (cmd_drop_privilege(&d->status, &d->user, PRIVILEGE_CONVERSE) < 0)
		return -1;
	if (reporting_start(&d->out, &d->info, &style, &none, &e) < 0)
		return fail(d, STATUS_CANNOT, &e);
	return 0;
}

int cmd_doctor(const struct cmd_line *l)
{
	struct doctor d = {.status = STATUS_OK, .began_ns = clock_mono_ns()};
	struct err e;
	int rc = parse(&d.o, l, &e);

	if (rc > 0)
		return STATUS_OK;
	if (rc < 0)
		return fail(&d, STATUS_USAGE, &e), d.status;
	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++)
		d.loops[i] = d.ways[i] = (struct trial){.listener = -1, .user = &d.user};
	if (begin(&d, l) == 0) {
		judge(&d, SCOPE_PRIVILEGE);
		try_loops(&d);
		try_ways(&d);
		sum_up(&d);
	}
	for (unsigned i = 0; i < DOCTOR_FAMILIES; i++) {
		trial_close(&d.loops[i]);
		trial_close(&d.ways[i]);
	}
	reporting_close(&d.out, not_written, &d);
	resolve_end();
	return d.status;
}
