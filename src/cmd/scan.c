/*
 * scan: from the command line to a space, a wire and a sweep, in three phases: open what needs
 * privilege, drop it, run. It decides the exit status and nothing about packets.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/log.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/dry.h"
#include "cmd/resolve.h"
#include "cmd/scan_options.h"
#include "engine/space.h"
#include "engine/sweep.h"
#include "report/report.h"
#include "wire/clock.h"
#include "wire/hold.h"
#include "wire/live.h"
#include "wire/pcapfile.h"
#include "wire/privilege.h"
#include "wire/route.h"
#include "wire/signals.h"

enum { HOSTS_IN_BLOCKS = 256 };

struct scan {
	struct scan_options o;
	const struct cmd_line *line;
	int status; /* the worst so far */
	/* what is asked */
	struct ask ask;
	uint64_t seed;
	/* the outside */
	struct route *route;
	struct path *paths;
	size_t n_paths;
	uint64_t n_unroutable, n_broadcast;
	struct err no_route; /* the first reason */
	struct hold *hold;
	struct wire *wire;
	struct pcapfile *pcap;
	/* results */
	FILE *files[8];
	struct report *report;
	struct run_info run;
	struct run_source *sources;
};

int cmd_worse(int a, int b)
{
	static const int gravity[] = {STATUS_CANNOT, STATUS_USAGE, STATUS_INCOMPLETE,
				      STATUS_UNEXPECTED};

	for (size_t i = 0; i < sizeof(gravity) / sizeof(gravity[0]); i++)
		if (a == gravity[i] || b == gravity[i])
			return gravity[i];
	return STATUS_OK;
}

static int fail(struct scan *s, int status, const struct err *e)
{
	log_error("%s", e->msg);
	s->status = cmd_worse(s->status, status);
	return -1;
}

/* --- the way there ---------------------------------------------------------------------------- */

static int piece(void *ctx, const struct addr *first, uint64_t count, uint64_t *run, uint16_t *path,
		 struct err *e)
{
	struct scan *s = ctx;
	int rc = route_piece(s->route, first, count, run, path, e);

	if (rc < 0 || *path != PATH_NONE)
		return rc;
	if (!s->n_unroutable)
		s->no_route = *e;
	s->n_unroutable += *run;
	if (route_was_broadcast(s->route)) {
		static const struct target_help none;
		char word[ADDR_TEXT];

		*run = 1;
		s->n_broadcast++;
		if (targets_add(&s->ask.exclude, addr_format(first, word), &none, e) != TARGET_OK)
			return -1;
	}
	return 0;
}

/*
 * Asks for the ways. Only the kernel knows a network's broadcast address: one in the middle of a
 * range is left out, as 255.255.255.255 would be, and by itself it is a bad target.
 */
static int route_space(struct scan *s)
{
	struct err e;

	if (space_route(&s->ask.space, piece, s, &e) < 0)
		return fail(s, STATUS_CANNOT, &e);
	if (!s->n_broadcast)
		return 0;
	if (s->n_broadcast == s->ask.space.hosts)
		return fail(s, STATUS_USAGE, &s->no_route);
	log_info("%llu broadcast addresses are left out", (unsigned long long)s->n_broadcast);
	s->n_broadcast = s->n_unroutable = 0;
	space_free(&s->ask.space);
	if (space_build(&s->ask.space, &s->ask.targets, s->ask.ports, &s->ask.exclude, &e) < 0 ||
	    space_route(&s->ask.space, piece, s, &e) < 0)
		return fail(s, STATUS_CANNOT, &e);
	return 0;
}

/* The paths as they stand, and for a dry run one without source for what has no route. */
static int copy_paths(struct scan *s)
{
	size_t n;
	const struct path *v = route_paths(s->route, &n);

	s->paths = calloc(n + 2, sizeof(*s->paths));
	s->sources = calloc(n + 2, sizeof(*s->sources));
	if (!s->paths || !s->sources)
		return -1;
	for (s->n_paths = 0; s->n_paths < n; s->n_paths++)
		s->paths[s->n_paths] = v[s->n_paths];
	if (s->o.dry_run && s->n_unroutable) {
		s->paths[n] = (struct path){.src = {.family = ADDR_V4}};
		s->paths[n + 1] = (struct path){.src = {.family = ADDR_V6}};
		s->n_paths += 2;
		for (size_t i = 0; i < s->ask.space.n; i++)
			if (s->ask.space.spans[i].path == PATH_NONE)
				s->ask.space.spans[i].path =
				    (uint16_t)(s->ask.space.spans[i].first.family == ADDR_V4
						   ? n
						   : n + 1);
	}
	for (size_t i = 0; i < s->n_paths; i++) {
		char text[ADDR_TEXT];

		s->sources[i].addr = s->paths[i].src;
		memcpy(s->sources[i].ifname, s->paths[i].ifname, sizeof(s->sources[i].ifname));
		log_info("sending by %s from %s", s->paths[i].ifname,
			 addr_format(&s->paths[i].src, text));
	}
	return 0;
}

/* A source that is not ours may be meant (-S spoofs); its silence would be read as the target's. */
static void warn_of_source(const struct addr *src)
{
	static const struct route_wish none;
	struct err e;
	struct route *r = route_open(&none, &e);
	uint16_t path = PATH_NONE;
	uint64_t run;
	size_t n = 0;
	char text[ADDR_TEXT];

	if (r && route_piece(r, src, 1, &run, &path, &e) == 0 &&
	    (path == PATH_NONE || !route_paths(r, &n)[path].loopback))
		log_warn(
		    "-S %s is no address of this machine: what answers it may never come here, "
		    "and silence proves nothing",
		    addr_format(src, text));
	route_close(r);
}

static int find_paths(struct scan *s)
{
	struct route_wish wish = {.src = s->o.source};
	struct err e;

	if (s->o.ifname)
		snprintf(wish.ifname, sizeof(wish.ifname), "%s", s->o.ifname);
	s->route = route_open(&wish, &e);
	if (!s->route)
		return fail(s, STATUS_CANNOT, &e);
	if (s->o.has_source && !s->o.dry_run)
		warn_of_source(&s->o.source);
	if (route_space(s) < 0)
		return -1;
	if (s->n_unroutable && !s->o.dry_run) {
		if (s->n_unroutable == s->ask.space.hosts)
			return fail(s, STATUS_CANNOT, &s->no_route);
		if (s->n_unroutable == 1)
			log_warn("%s", s->no_route.msg);
		else
			log_warn("%llu addresses have no route, the first: %s",
				 (unsigned long long)s->n_unroutable, s->no_route.msg);
	}
	if (copy_paths(s) < 0) {
		err_set(&e, "out of memory");
		return fail(s, STATUS_CANNOT, &e);
	}
	return 0;
}

/* --- results ---------------------------------------------------------------------------------- */

static bool wants_color(const struct scan_options *o, FILE *f)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

	if (o->color != COLOR_AUTO)
		return o->color == COLOR_ALWAYS;
	return !(none && *none) && isatty(fileno(f)) && !(term && strcmp(term, "dumb") == 0);
}

static void describe_run(struct scan *s)
{
	s->run = (struct run_info){
	    .command = "scan",
	    .version = PACKAGE_VERSION,
	    .argv = s->line->full,
	    .started_wall_ns = clock_wall_ns(),
	    .seed = s->seed,
	    .sources = s->sources,
	    .n_sources = s->n_paths,
	    .kinds = s->o.kinds,
	    .n_kinds = s->o.n_kinds,
	    .hosts = s->ask.space.hosts,
	    .indices = s->ask.space.total,
	    .per_host = s->ask.space.hosts <= HOSTS_IN_BLOCKS,
	    .zone_name = resolve_zone_name,
	    .service_name = s->o.numeric ? NULL : resolve_service_name,
	};
}

static int open_reports(struct scan *s)
{
	struct scan_options *o = &s->o;
	struct report *v[9];
	size_t n = 0;
	struct err e;

	if (o->verbosity >= 0) { /* first: it clears its line before others print */
		v[n] = report_progress_new(stderr, isatty(STDERR_FILENO) && !o->no_progress,
					   o->stats_every_ns);
		n += v[n] != NULL;
	}
	for (size_t i = 0; i < o->n_outputs; i++) {
		struct report_style style = {
		    .all = o->show_all,
		    .show_given = o->show_given,
		    .show = o->show,
		    .verbose = o->verbosity > 0,
		};
		bool to_stdout = strcmp(o->outputs[i].path, "-") == 0;

		s->files[i] = to_stdout ? stdout : fopen(o->outputs[i].path, "we");
		if (!s->files[i]) {
			err_sys(&e, errno, "cannot write %s", o->outputs[i].path);
			fail(s, STATUS_USAGE, &e);
			goto out;
		}
		style.color = wants_color(o, s->files[i]);
		v[n] = o->outputs[i].format == FORMAT_JSON
			   ? report_json_new(s->files[i], &s->run, &style)
			   : report_text_new(s->files[i], &s->run, &style);
		if (!v[n]) {
			err_set(&e, "out of memory");
			fail(s, STATUS_CANNOT, &e);
			goto out;
		}
		n++;
	}
	s->report = report_tee_new(v, n);
	if (s->report)
		return 0;
	err_set(&e, "out of memory");
	return fail(s, STATUS_CANNOT, &e);
out:
	while (n > 0) {
		n--;
		v[n]->close(v[n], NULL);
	}
	return -1;
}

static void close_reports(struct scan *s)
{
	struct err e;

	if (s->report && s->report->close(s->report, &e) < 0)
		fail(s, STATUS_INCOMPLETE, &e);
	s->report = NULL;
	for (size_t i = 0; i < s->o.n_outputs; i++) {
		if (!s->files[i] || s->files[i] == stdout)
			continue;
		if (fclose(s->files[i]) != 0) {
			err_sys(&e, errno, "cannot write %s", s->o.outputs[i].path);
			fail(s, STATUS_INCOMPLETE, &e);
		}
		s->files[i] = NULL;
	}
	if (s->pcap && pcapfile_close(s->pcap, &e) < 0)
		fail(s, STATUS_INCOMPLETE, &e);
	s->pcap = NULL;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void keep_evidence(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len)
{
	pcapfile_write(ctx, at_ns, ip, captured, len);
}

static void configure(struct scan *s, struct sweep_config *c)
{
	const struct scan_options *o = &s->o;

	*c = (struct sweep_config){
	    .space = &s->ask.space,
	    .kinds = o->kinds,
	    .n_kinds = o->n_kinds,
	    .seed = s->seed,
	    .in_order = o->in_order,
	    .sport_fixed = o->source_port != 0,
	    .sport_first = o->source_port,
	    .rate = o->rate,
	    .retries = o->retries,
	    .rto_max_ns = o->timeout_ns,
	    .deadline_ns = o->deadline_ns,
	    .enumerate_silent = s->run.per_host,
	};
	c->wish = (struct probe_wish){
	    .has_seq = o->has_seq,
	    .has_ack = o->has_ack,
	    .has_win = o->has_win,
	    .seq = o->seq,
	    .ack = o->ack,
	    .win = o->win,
	    .ttl = o->ttl,
	    .data = o->has_data ? o->data : NULL,
	    .data_len = o->data_len,
	    .layout = o->syn_layout,
	};
	randombytes_buf(c->key, sizeof(c->key));
}

static int hold_sports(struct scan *s, struct sweep_config *c)
{
	struct err e;

	s->hold =
	    hold_ports(sweep_sports(c->n_kinds, c->retries, c->sport_fixed), s->o.source_port, &e);
	if (s->hold) {
		c->sport_first = hold_first(s->hold);
		return 0;
	}
	if (!c->sport_fixed)
		return fail(s, STATUS_CANNOT, &e);
	log_warn("%s; going on without holding the port", e.msg);
	return 0;
}

/* Phase 1: everything that needs privilege, or the invoking user's rights on files. */
static int open_all(struct scan *s, struct sweep_config *c)
{
	struct live_config live = {0};
	bool denied = false;
	struct err e;
	const char *fix;

	if (hold_sports(s, c) < 0)
		return -1;
	live = (struct live_config){
	    .paths = s->paths,
	    .n_paths = s->n_paths,
	    .sport_first = c->sport_first,
	    .sport_last = (uint16_t)(c->sport_first +
				     sweep_sports(c->n_kinds, c->retries, c->sport_fixed) - 1),
	    .expected_replies = s->ask.space.total * c->n_kinds,
	    .lanes = 1,
	};
	s->wire = live_open(&live, &denied, &e);
	if (!s->wire) {
		fail(s, STATUS_CANNOT, &e);
		for (unsigned i = 0; denied && (fix = privilege_fix(i)); i++)
			fprintf(stderr, "  %s\n", fix);
		return -1;
	}
	if (s->o.write_pcap) {
		s->pcap = pcapfile_open(s->o.write_pcap, &e);
		if (!s->pcap)
			return fail(s, STATUS_USAGE, &e);
		c->evidence = keep_evidence;
		c->evidence_ctx = s->pcap;
	}
	return open_reports(s);
}

/* Were all ports in one of the expected states? What has no record was silent. */
static bool as_expected(const struct scan *s, const struct summary_record *sum)
{
	enum port_state silent = STATE_OPEN_FILTERED;

	if (!s->o.expect)
		return true;
	for (size_t i = 0; i < s->o.n_kinds; i++) {
		enum probe_class cls = probe_class_of(s->o.kinds[i]->flags);

		if (cls == PROBE_SYN || cls == PROBE_ACK)
			silent = STATE_FILTERED;
	}
	if (sum->silent && !(s->o.expect & 1U << silent))
		return false;
	for (int i = 0; i < PORT_STATES; i++)
		if (sum->counts[i] && !(s->o.expect & 1U << i))
			return false;
	return true;
}

static void run(struct scan *s)
{
	struct summary_record sum;
	struct sweep_config c;
	struct err e;

	configure(s, &c);
	if (open_all(s, &c) < 0)
		return;
	signals_install();
	if (privilege_drop(&e) < 0) {
		fail(s, STATUS_CANNOT, &e);
		return;
	}
	if (sweep_run(&c, s->wire, &s->report->sink, &sum, &e) < 0) {
		fail(s, STATUS_CANNOT, &e);
		return;
	}
	if (!sum.complete)
		s->status = cmd_worse(s->status, STATUS_INCOMPLETE);
	if (!as_expected(s, &sum))
		s->status = cmd_worse(s->status, STATUS_UNEXPECTED);
}

static void dry_run(struct scan *s)
{
	static const struct record_sink nobody;
	struct summary_record sum;
	struct sweep_config c;
	struct dry_wire dry;
	struct err e;

	configure(s, &c);
	memset(c.key, 0, sizeof(c.key));
	memcpy(c.key, &s->seed, sizeof(s->seed));
	c.sport_first = s->o.source_port ? s->o.source_port : 40000;
	c.retries = 0;
	c.rate = INFINITY;
	c.rto_max_ns = 1;
	c.enumerate_silent = false;
	dry_init(&dry, stdout, s->paths, s->n_paths);
	if (sweep_run(&c, &dry.wire, &nobody, &sum, &e) < 0)
		fail(s, STATUS_CANNOT, &e);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		err_sys(&e, errno, "cannot write the segments");
		fail(s, STATUS_INCOMPLETE, &e);
	}
}

static void scan_free(struct scan *s)
{
	close_reports(s);
	if (s->wire)
		s->wire->ops->close(s->wire);
	hold_free(s->hold);
	route_close(s->route);
	free(s->paths);
	free(s->sources);
	ask_free(&s->ask);
	scan_options_free(&s->o);
}

int cmd_scan(const struct cmd_line *l)
{
	struct scan s = {.line = l, .status = STATUS_OK};
	struct err e;
	int rc = scan_options_parse(&s.o, l->argc, l->argv, &e);

	if (rc != 0) {
		if (rc < 0)
			log_error("%s", e.msg);
		scan_options_free(&s.o);
		return rc < 0 ? STATUS_USAGE : STATUS_OK;
	}
	log_set_verbosity(s.o.verbosity);
	ask_init(&s.ask, &s.o);
	if (sodium_init() < 0) {
		err_set(&e, "libsodium cannot start: no source of randomness");
		fail(&s, STATUS_CANNOT, &e);
		goto out;
	}
	s.seed = s.o.seed;
	if (!s.o.has_seed)
		randombytes_buf(&s.seed, sizeof(s.seed));
	s.seed &= s.o.has_seed ? UINT64_MAX : UINT32_MAX; /* short enough to type again */
	if (ask_make(&s.ask) < 0 || find_paths(&s) < 0)
		goto out;
	log_info("seed %llu", (unsigned long long)s.seed);
	describe_run(&s);
	if (s.o.dry_run)
		dry_run(&s);
	else
		run(&s);
out:
	s.status = cmd_worse(s.status, s.ask.status);
	scan_free(&s);
	return s.status;
}
