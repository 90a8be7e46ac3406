/*
 * explain_files: capture files through the explainer, one after the other, once for the findings
 * and where -w or --join asks for it again. What can't be read is said and passed over.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/explain_run.h"
#include "packet/decode.h"
#include "wire/capfile.h"
#include "wire/nofile.h"
#include "wire/signals.h"
#include "wire/unpacker.h"
#include "wire/wire.h"

enum {
	LOOK_EVERY = 4096 /* frames between looks at the clock */,
	JOIN_PACKETS = 4 << 20,
};

struct source {
	int held;	 /* of capfile_hold */
	bool again;	 /* can be read a second time */
	bool bad;	 /* said already */
	uint32_t frames; /* that the first reading had of it */
};

/* One reading of all files. */
struct reading {
	struct explain_run *x;
	struct explain *explain; /* where frames go */
	struct source *sources;
	struct unpacker *unpacker; /* NULL: there is none */
	bool first;		   /* the one that says what is wrong with a file, and counts */
	bool said;		   /* ... but another one did already */
	bool tells; /* findings go to the report, which begins with the first file that is one */
	bool stopped;
};

typedef void visit_fn(struct reading *r, size_t file, const struct capfile_frame *f);

/* --- one file --------------------------------------------------------------------------------- */

static void stop(struct reading *r, size_t file, const char *by)
{
	const char *name = r->x->o.files[file];
	struct err e;

	r->stopped = true;
	err_set(&e, "%s in %.120s after frame %u: the rest was not read", by,
		strcmp(name, "-") == 0 ? "stdin" : name, r->sources[file].frames);
	explain_cut(r->x, &e);
}

/* Is it time to end? A later reading is as long as the first was, and ends with it. */
static bool must_stop(struct reading *r, size_t file, uint32_t read)
{
	if (!r->first) /* of --join the last reading says that it was interrupted */
		return read >= r->sources[file].frames ||
		       (r->x->join && (signals_pending() & WIRE_STOP));
	if (r->stopped)
		return true;
	if (signals_pending() & WIRE_STOP)
		stop(r, file, "interrupted");
	else if (read % LOOK_EVERY == 0) {
		explain_progress(r->x);
		if (explain_deadline_over(r->x))
			stop(r, file, "--deadline");
	}
	return r->stopped |= r->x->over;
}

static void read_frames(struct reading *r, size_t file, struct capfile *c, visit_fn *visit)
{
	uint32_t read = 0;
	struct capfile_frame f;
	struct err e;
	int rc = 1;

	while (!must_stop(r, file, read)) {
		rc = capfile_next(c, &f, &e);
		if (rc <= 0)
			break;
		read++;
		if (r->first)
			r->sources[file].frames = read;
		visit(r, file, &f);
	}
	if (rc >= 0)
		return;
	/* a signal breaks off a read, and is no fault of the file's */
	if (r->first ? !must_stop(r, file, 1) && !r->said : read < r->sources[file].frames)
		explain_cut(r->x, &e);
}

/* --- the first reading ------------------------------------------------------------------------ */

static void explain_frame(struct reading *r, size_t file, const struct capfile_frame *f)
{
	struct keep *k = r->first ? r->x->keep : NULL;
	struct packet p;
	struct err e;

	if (explain_decoded(r->x, r->explain, f, (uint16_t)file, &p) == DECODE_OK && k &&
	    keep_see(k, f, !r->sources[file].again, &e) < 0)
		explain_cut(r->x, &e);
}

/* NULL where it can't be read at all: said in the first reading. */
static struct capfile *open_source(struct reading *r, size_t file)
{
	struct source *s = &r->sources[file];
	struct capfile *c;
	struct err e;

	if (s->bad)
		return NULL;
	c = capfile_open_held(r->x->o.files[file], s->held, r->unpacker, &e);
	if (c)
		return c;
	s->bad = true;
	if (r->first && (signals_pending() & WIRE_STOP))
		stop(r, file, "interrupted");
	else
		explain_fail(r->x, STATUS_USAGE, &e);
	return NULL;
}

/* Who still writes to what is not read on shall hear of it. */
static void let_go(struct source *s)
{
	if (s->again)
		return;
	close(s->held);
	s->held = -EBADF;
	s->bad = true;
}

static void read_source(struct reading *r, size_t file, visit_fn *visit)
{
	struct capfile *c = open_source(r, file);

	if (!c)
		return;
	/* only now is there something to report on */
	if (r->tells && !r->x->out.report && explain_report(r->x) < 0)
		r->stopped = true;
	else
		read_frames(r, file, c, visit);
	capfile_close(c);
	let_go(&r->sources[file]);
}

static void read_all(struct reading *r, bool apart)
{
	struct err e;

	for (size_t i = 0; i < r->x->o.n_files && !r->stopped; i++) {
		uint64_t before = explain_summary(r->explain)->flows, flows;

		if (i > 0 && apart)
			explain_forget(r->explain);
		read_source(r, i, explain_frame);
		/* of --join: both ends have the same flows, or one of them more */
		flows = explain_summary(r->explain)->flows - before;
		if (flows > r->x->once.flows)
			r->x->once.flows = flows;
		if (r->first && r->x->keep && !r->sources[i].again && keep_mark(r->x->keep, &e) < 0)
			explain_cut(r->x, &e);
	}
	if (!r->tells || r->x->out.report)
		explain_end(r->explain);
}

/* --- -w --------------------------------------------------------------------------------------- */

static void keep_frame(struct explain_run *x, const struct capfile_frame *f)
{
	struct packet p;

	if (explain_decode(f, &p) == DECODE_OK && keep_wants(x->keep, &p))
		keep_put(x->keep, f, &p);
}

static void visit_keep(struct reading *r, size_t file, const struct capfile_frame *f)
{
	(void)file;
	keep_frame(r->x, f);
}

void explain_spooled(void *ctx, const struct capfile_frame *f)
{
	keep_frame(ctx, f);
}

static void write_flows(struct reading *r)
{
	struct err e;

	r->first = false;
	for (size_t i = 0; i < r->x->o.n_files; i++) {
		if (r->sources[i].again)
			read_source(r, i, visit_keep);
		else if (keep_unspool(r->x->keep, explain_spooled, r->x, &e) < 0)
			explain_cut(r->x, &e);
	}
}

/* --- --join ----------------------------------------------------------------------------------- */

static void note_finding(void *ctx, const struct finding *f)
{
	join_note_finding(ctx, f);
}

static void visit_join(struct reading *r, size_t file, const struct capfile_frame *f)
{
	enum join_end end = file == 0 ? JOIN_CLIENT : JOIN_SERVER;
	struct join *j = r->x->join;
	struct packet p;

	join_heard(j, end, f->wall_ns);
	if (explain_decode(f, &p) == DECODE_OK && join_wants(j, &p))
		join_packet(j, end, f->wall_ns, f->number, &p);
}

/*
 * Two readings before the one that tells: which flows have findings, and what both ends saw of
 * them. Each end is explained by itself.
 */
static int join_ends(struct reading *r)
{
	struct explain_run *x = r->x;
	struct reading before = {
	    .x = x, .sources = r->sources, .unpacker = r->unpacker, .first = true};
	struct explain_limits limits = explain_limits_file;
	struct err e;

	if (x->o.max_flows)
		limits.flows = (size_t)x->o.max_flows;
	x->join = join_new(JOIN_PACKETS);
	before.explain = x->join ? explain_new(&limits, note_finding, x->join) : NULL;
	if (!before.explain) {
		err_set(&e, "out of memory for --join: --max-flows takes fewer");
		return explain_fail(x, STATUS_CANNOT, &e);
	}
	read_all(&before, true);
	explain_free(before.explain);
	if (before.stopped || r->sources[0].bad || r->sources[1].bad)
		return -1;
	before.first = false;
	for (size_t i = 0; i < x->o.n_files; i++)
		read_source(&before, i, visit_join);
	if (join_align(x->join)) {
		x->told_with = x->join;
		r->said = true;
		return 0;
	}
	err_set(&e, "--join: %.80s and %.80s have no packet in common: not the same flows",
		x->o.files[0], x->o.files[1]);
	return explain_fail(x, STATUS_USAGE, &e);
}

const struct finding *explain_joined(const struct explain_run *x, const struct finding *f,
				     struct finding *copy)
{
	enum join_end here = f->file == 0 ? JOIN_CLIENT : JOIN_SERVER;
	enum join_end its_own = f->sender == SENDER_SERVER ? JOIN_SERVER : JOIN_CLIENT;
	struct joined t;

	join_tell(x->told_with, here, f, &t);
	/* seen at both ends: told once, where it was sent */
	if (t.known && t.other_frame && here != its_own)
		return NULL;
	*copy = *f;
	join_apply(&t, copy);
	return copy;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool is_input(const struct explain_options *o, const char *path)
{
	struct stat out, in;

	if (!path || stat(path, &out) < 0 || !S_ISREG(out.st_mode))
		return false;
	for (size_t i = 0; i < o->n_files; i++)
		if (stat(o->files[i], &in) == 0 && in.st_dev == out.st_dev &&
		    in.st_ino == out.st_ino)
			return true;
	return false;
}

/* An output that is an input would be emptied before it is read. */
static int check_outputs(struct explain_run *x)
{
	const struct explain_options *o = &x->o;
	const char *clash = is_input(o, o->write_pcap) ? o->write_pcap : NULL;
	struct err e;

	for (size_t i = 0; i < o->out.n; i++)
		if (is_input(o, o->out.v[i].path))
			clash = o->out.v[i].path;
	if (!clash)
		return 0;
	err_set(&e, "%.120s is to be read: write to another file", clash);
	return explain_fail(x, STATUS_USAGE, &e);
}

static void run(struct reading *r)
{
	struct explain_run *x = r->x;

	if (x->o.join && join_ends(r) < 0)
		return;
	read_all(r, x->o.separate || x->o.join);
	if (!x->out.report)
		return;
	if (x->keep)
		write_flows(r);
	explain_sum_up(x);
}

/* All of them at once, since none can be opened later: as many as fit under the limit. */
static int check_room(struct explain_run *x)
{
	size_t n = x->o.n_files, room = nofile_room(n);
	struct err e;

	if (room >= n)
		return 0;
	err_set(&e,
		"%zu files, of which only %zu may be open at once: allow more by ulimit -n %zu, or "
		"join them first (mergecap)",
		n, room, n + 2 * NOFILE_SPARE);
	return explain_fail(x, STATUS_USAGE, &e);
}

static int hold_sources(struct reading *r)
{
	struct explain_run *x = r->x;
	struct err e;

	r->sources = calloc(x->o.n_files, sizeof(*r->sources));
	if (!r->sources) {
		err_set(&e, "out of memory for %zu files", x->o.n_files);
		return explain_fail(x, STATUS_CANNOT, &e);
	}
	for (size_t i = 0; i < x->o.n_files; i++) {
		struct source *s = &r->sources[i];

		s->held = capfile_hold(x->o.files[i]);
		s->again = capfile_can_reread(x->o.files[i], s->held);
	}
	return 0;
}

static int check_join(const struct reading *r)
{
	struct explain_run *x = r->x;
	struct err e;

	for (size_t i = 0; x->o.join && i < x->o.n_files; i++) {
		const struct source *s = &r->sources[i];

		if (s->held < 0 || s->again)
			continue;
		err_set(&e,
			"--join reads its files more than once, and %.120s is none: save it first",
			x->o.files[i]);
		return explain_fail(x, STATUS_USAGE, &e);
	}
	return 0;
}

static bool spools(const struct reading *r)
{
	bool any = false;

	for (size_t i = 0; i < r->x->o.n_files; i++)
		any |= r->sources[i].held >= 0 && !r->sources[i].again;
	return any;
}

static void release(struct reading *r)
{
	for (size_t i = 0; r->sources && i < r->x->o.n_files; i++)
		if (r->sources[i].held >= 0)
			close(r->sources[i].held);
	free(r->sources);
}

void explain_files(struct explain_run *x)
{
	struct reading r = {.x = x, .explain = x->explain, .first = true, .tells = true};
	struct err e;

	/* first: what is open by then would stay open in it */
	r.unpacker = unpacker_start(&x->user, &e);
	if (!r.unpacker)
		log_info("%s: zstd and xz are not read", e.msg);
	if (check_room(x) == 0 && hold_sources(&r) == 0 && check_join(&r) == 0 &&
	    check_outputs(x) == 0 && explain_open_outputs(x, spools(&r)) == 0 &&
	    explain_drop_privilege(x) == 0)
		run(&r);
	join_free(x->join);
	release(&r);
	unpacker_end(r.unpacker);
}
