/*
 * explain: one run: options, what is told of the findings, the summary and the exit status. How
 * frames come in is explain_files' and explain_live's; what they mean is judge/explain's.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd/explain_run.h"
#include "cmd/resolve.h"
#include "wire/clock.h"
#include "wire/privilege.h"
#include "wire/signals.h"
#include "wire/wire.h"

/* --- what goes wrong -------------------------------------------------------------------------- */

void explain_note(struct explain_run *x, const char *text)
{
	const struct record_sink *sink = x->out.report ? &x->out.report->sink : NULL;

	if (sink && sink->note)
		sink->note(sink->ctx, text);
	else
		log_warn("%s", text);
}

int explain_fail(struct explain_run *x, int status, const struct err *e)
{
	/* a note clears the progress line, and stands in JSON too */
	if (x->out.report && x->o.verbosity >= 0)
		explain_note(x, e->msg);
	else
		log_error("%s", e->msg);
	x->status = cmd_worse(x->status, status);
	return -1;
}

int explain_cut(struct explain_run *x, const struct err *e)
{
	x->end.complete = false;
	if (!x->end.why[0])
		snprintf(x->end.why, sizeof(x->end.why), "%s", e->msg);
	return explain_fail(x, STATUS_INCOMPLETE, e);
}

/* --- findings --------------------------------------------------------------------------------- */

static bool is_asked_for(const struct explain_options *o, const struct finding *f)
{
	bool flow = o->n_flows == 0;

	for (size_t i = 0; !flow && i < o->n_flows; i++)
		flow = flow_expr_matches(&o->flows[i], &f->src, f->sport, &f->dst, f->dport);
	return flow && (!o->by_cause || o->causes[f->cause]);
}

/* Who names a cause or a flow wants to see it, however benign. */
static bool wants_all(const struct explain_options *o)
{
	return o->all || o->by_cause || o->n_flows;
}

/* Would the text show it one by one? What -w and --count go by. */
static bool lists(const struct explain_run *x, const struct finding *f)
{
	if (!is_asked_for(&x->o, f))
		return false;
	return wants_all(&x->o) || (!f->root && f->severity >= SEVERITY_PROBLEM);
}

static void keep_it(struct explain_run *x, const struct finding *f)
{
	struct err e;

	if (keep_flow(x->keep, f) == 0)
		return;
	err_set(&e, "out of memory for the flows of -w: not all of them are written");
	explain_cut(x, &e);
}

/* One finding: through the filters to the report. */
static void told(void *ctx, const struct finding *f)
{
	struct explain_run *x = ctx;
	const struct record_sink *sink = &x->out.report->sink;
	struct finding joined;

	if (x->told_with) {
		f = explain_joined(x, f, &joined);
		if (!f)
			return;
		x->once.resets++;
		explain_count(&x->once, f);
	}
	if (x->over)
		return;
	x->end.matched++;
	if (!is_asked_for(&x->o, f))
		return;
	x->end.shown++;
	if (sink->reset)
		sink->reset(sink->ctx, f);
	if (!f->root)
		x->unexpected |= x->o.fail_cause[f->cause] || x->o.fail_severity[f->severity];
	if (lists(x, f)) {
		x->listed += !f->root;
		if (x->keep)
			keep_it(x, f);
	}
	x->over = (x->o.count && x->listed >= x->o.count) || reporting_failed(&x->out);
}

enum decode_status explain_decode(const struct capfile_frame *f, struct packet *p)
{
	return decode_frame_how(f->bytes, f->captured, f->len, f->linktype,
				DECODE_TUNNELS | DECODE_SUMS_OF_RSTS, p);
}

enum decode_status explain_decoded(struct explain_run *x, struct explain *to,
				   const struct capfile_frame *f, uint16_t file, struct packet *p)
{
	const struct explain_frame at = {f->wall_ns, f->number, file};
	enum decode_status st = explain_decode(f, p);

	if (st == DECODE_LINKTYPE)
		x->alien = f->linktype;
	explain_packet(to, &at, st, p);
	return st;
}

/* --- begin and end ---------------------------------------------------------------------------- */

int explain_report(struct explain_run *x)
{
	const struct explain_options *o = &x->o;
	const struct report_style style = {
	    .all = wants_all(o),
	    .verbose = o->verbosity > 0,
	    .summary_only = o->summary,
	    .numeric = o->numeric,
	};
	const struct progress_wish progress = {
	    .line = !o->no_progress,
	    .notes = o->verbosity >= 0,
	    .every_ns = o->stats_every_ns,
	};
	struct err e;

	if (reporting_start(&x->out, &x->info, &style, &progress, &e) == 0)
		return 0;
	return explain_fail(x, STATUS_CANNOT, &e);
}

void explain_progress(struct explain_run *x)
{
	const struct record_sink *sink = x->out.report ? &x->out.report->sink : NULL;
	const struct explain_summary *sum = explain_summary(x->explain);
	const struct progress p = {
	    .explain = true,
	    .frames = sum->frames,
	    .resets = sum->resets,
	    .elapsed_s = (double)(clock_mono_ns() - x->began_ns) / 1e9,
	};

	if (sink && sink->progress)
		sink->progress(sink->ctx, &p, signals_take() & WIRE_STATUS);
}

bool explain_deadline_over(const struct explain_run *x)
{
	return x->o.deadline_ns && clock_mono_ns() - x->began_ns >= x->o.deadline_ns;
}

/* Frames that no decoder here reads were not judged; where those are all, it is no input of ours.
 */
static void count_unreadable(struct explain_run *x)
{
	const struct explain_summary *sum = explain_summary(x->explain);
	uint64_t n = sum->undecoded[DECODE_LINKTYPE];
	struct err e;

	if (!n)
		return;
	err_set(&e, "%llu of %llu frames have a link type that is not read here (%d): not judged",
		(unsigned long long)n, (unsigned long long)sum->frames, x->alien);
	explain_cut(x, &e);
	if (n == sum->frames)
		x->status = cmd_worse(x->status, STATUS_USAGE);
}

/* What both ends saw was judged twice, and what it is was told by both together. */
static void count_once(struct explain_summary *sum, const struct explain_summary *once)
{
	sum->resets = once->resets;
	sum->flows = once->flows;
	memcpy(sum->by_cause, once->by_cause, sizeof(sum->by_cause));
	memcpy(sum->weighed, once->weighed, sizeof(sum->weighed));
	memcpy(sum->by_severity, once->by_severity, sizeof(sum->by_severity));
	memcpy(sum->idle, once->idle, sizeof(sum->idle));
}

void explain_sum_up(struct explain_run *x)
{
	const struct record_sink *sink = x->out.report ? &x->out.report->sink : NULL;
	struct explain_summary sum = *explain_summary(x->explain);

	count_unreadable(x);
	sum.unknown_linktype = x->alien;
	if (x->told_with)
		count_once(&sum, &x->once);
	x->end.sum = &sum;
	if (x->keep)
		log_info("%s: %llu packets", x->o.write_pcap,
			 (unsigned long long)keep_written(x->keep));
	x->end.elapsed_s = (double)(clock_mono_ns() - x->began_ns) / 1e9;
	if (sink && sink->explained)
		sink->explained(sink->ctx, &x->end);
	x->end.sum = NULL;
	if (x->unexpected)
		x->status = cmd_worse(x->status, STATUS_UNEXPECTED);
}

static void not_written(void *ctx, const struct err *e)
{
	struct explain_run *x = ctx;

	/* `| head` has seen enough, and says so by going away */
	if (!x->unread)
		log_error("%s", e->msg);
	x->status = cmd_worse(x->status, STATUS_INCOMPLETE);
}

static int begin(struct explain_run *x)
{
	struct explain_limits limits = x->o.ifname ? explain_limits_live : explain_limits_file;
	struct err e;

	x->began_ns = clock_mono_ns();
	x->alien = -1;
	if (x->o.max_flows)
		limits.flows = (size_t)x->o.max_flows;
	x->explain = explain_new(&limits, told, x);
	if (!x->explain) {
		err_set(&e, "out of memory for %zu flows: --max-flows takes fewer", limits.flows);
		return explain_fail(x, STATUS_CANNOT, &e);
	}
	x->info = (struct run_info){
	    .command = x->line->argv[0],
	    .version = PACKAGE_VERSION,
	    .argv = x->line->full,
	    .started_wall_ns = clock_wall_ns(),
	    .files = x->o.files,
	    .n_files = x->o.n_files,
	    .live = x->o.ifname,
	    .zone_name = resolve_zone_name,
	    .service_name = x->o.numeric ? NULL : resolve_service_name,
	};
	x->end = (struct explain_record){.live = x->o.ifname != NULL, .complete = true};
	return 0;
}

int explain_open_outputs(struct explain_run *x, bool spools)
{
	struct err e;

	x->o.out.live = x->o.ifname != NULL;
	if (reporting_open(&x->out, &x->o.out, &e) < 0)
		return explain_fail(x, STATUS_USAGE, &e);
	if (!x->o.write_pcap)
		return 0;
	x->keep = keep_open(x->o.write_pcap, spools, &e);
	return x->keep ? 0 : explain_fail(x, STATUS_USAGE, &e);
}

int explain_drop_privilege(struct explain_run *x)
{
	struct err e;

	signals_install();
	if (reporting_keep(&x->out, &e) < 0)
		return explain_fail(x, STATUS_CANNOT, &e);
	resolve_prepare(!x->o.numeric);
	return cmd_drop_privilege(&x->status, &x->user, PRIVILEGE_READ);
}

static int end(struct explain_run *x)
{
	struct err e;

	x->unread = reporting_unread(&x->out);
	reporting_close(&x->out, not_written, x);
	x->unread |= reporting_unread(&x->out);
	if (keep_close(x->keep, &e) < 0)
		explain_fail(x, STATUS_INCOMPLETE, &e);
	explain_free(x->explain);
	explain_options_free(&x->o);
	return x->status;
}

int cmd_explain(const struct cmd_line *l)
{
	struct explain_run x = {.line = l, .status = STATUS_OK};
	struct err e;
	int rc = explain_options_parse(&x.o, l->argc, l->argv, &e);

	if (rc < 0)
		return explain_fail(&x, STATUS_USAGE, &e), x.status;
	if (rc > 0)
		return STATUS_OK;
	log_set_verbosity(x.o.verbosity);
	if (cmd_find_user(&x.status, x.o.user, &x.user) == 0 && begin(&x) == 0) {
		if (x.o.ifname)
			explain_live(&x);
		else
			explain_files(&x);
	}
	return end(&x);
}
