/*
 * run: the three phases of a command that sends, as far as they are the same for all. It knows
 * options, files, ways and reports; of segments it knows nothing.
 */
#include "config.h"

#include "cmd/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/log.h"
#include "cmd/evidence.h"
#include "cmd/resolve.h"
#include "engine/ports.h"
#include "report/ranges.h"
#include "wire/clock.h"
#include "wire/hold.h"
#include "wire/live.h"
#include "wire/privilege.h"
#include "wire/route.h"
#include "wire/signals.h"

enum { HOSTS_IN_BLOCKS = 256 };

int run_fail(struct run *r, int status, const struct err *e)
{
	return cmd_fail(&r->status, status, e);
}

/* --- the way there ---------------------------------------------------------------------------- */

static int piece(void *ctx, const struct addr *first, uint64_t count, uint64_t *run, uint16_t *path,
		 struct err *e)
{
	struct run *r = ctx;
	int rc = route_piece(r->route, first, count, run, path, e);

	if (rc < 0 || *path != PATH_NONE)
		return rc;
	if (!r->n_unroutable)
		r->no_route = *e;
	r->n_unroutable += *run;
	if (route_was_broadcast(r->route)) {
		static const struct target_help none;
		char word[ADDR_TEXT];

		*run = 1;
		r->n_broadcast++;
		if (targets_add(&r->ask.exclude, addr_format(first, word), &none, e) != TARGET_OK)
			return -1;
	}
	return 0;
}

/*
 * Asks for the ways. Only the kernel knows a network's broadcast address: one in the middle of a
 * range is left out, as 255.255.255.255 would be, and by itself it is a bad target.
 */
static int route_space(struct run *r)
{
	struct err e;

	if (space_route(&r->ask.space, piece, r, &e) < 0)
		return run_fail(r, STATUS_CANNOT, &e);
	if (!r->n_broadcast)
		return 0;
	if (r->n_broadcast == r->ask.space.hosts)
		return run_fail(r, STATUS_USAGE, &r->no_route);
	log_info("%llu broadcast addresses are left out", (unsigned long long)r->n_broadcast);
	r->n_broadcast = r->n_unroutable = 0;
	space_free(&r->ask.space);
	if (space_build(&r->ask.space, &r->ask.targets, r->ask.ports, &r->ask.exclude, &e) < 0 ||
	    space_route(&r->ask.space, piece, r, &e) < 0)
		return run_fail(r, STATUS_CANNOT, &e);
	return 0;
}

/* The paths as they stand, and for a dry run one without source for what has no route. */
static int copy_paths(struct run *r)
{
	size_t n;
	const struct path *v = route_paths(r->route, &n);

	r->paths = calloc(n + 2, sizeof(*r->paths));
	r->sources = calloc(n + 2, sizeof(*r->sources));
	if (!r->paths || !r->sources)
		return -1;
	for (r->n_paths = 0; r->n_paths < n; r->n_paths++)
		r->paths[r->n_paths] = v[r->n_paths];
	if (r->o.dry_run && r->n_unroutable) {
		r->paths[n] = (struct path){.src = {.family = ADDR_V4}};
		r->paths[n + 1] = (struct path){.src = {.family = ADDR_V6}};
		r->n_paths += 2;
		for (size_t i = 0; i < r->ask.space.n; i++)
			if (r->ask.space.spans[i].path == PATH_NONE)
				r->ask.space.spans[i].path =
				    (uint16_t)(r->ask.space.spans[i].first.family == ADDR_V4
						   ? n
						   : n + 1);
	}
	for (size_t i = 0; i < r->n_paths; i++) {
		char text[ADDR_TEXT];

		r->sources[i].addr = r->paths[i].src;
		memcpy(r->sources[i].ifname, r->paths[i].ifname, sizeof(r->sources[i].ifname));
		log_info("sending by %s from %s", r->paths[i].ifname,
			 addr_format(&r->paths[i].src, text));
	}
	return 0;
}

/* A source that is not ours may be meant (-S spoofs); its silence would be read as the target's. */
static void warn_of_source(const struct addr *src)
{
	static const struct route_wish none;
	struct err e;
	struct route *r = route_open(&none, &e);
	struct path path;
	int found = r ? route_to(r, src, &path, &e) : -1;
	char text[ADDR_TEXT];

	if (found == 0 || (found > 0 && !path.loopback))
		log_warn(
		    "-S %s is no address of this machine: what answers it may never come here, "
		    "and silence proves nothing",
		    addr_format(src, text));
	route_close(r);
}

static int find_paths(struct run *r)
{
	struct route_wish wish = {.src = r->o.source};
	struct err e;

	if (r->o.ifname)
		snprintf(wish.ifname, sizeof(wish.ifname), "%s", r->o.ifname);
	r->route = route_open(&wish, &e);
	if (!r->route)
		return run_fail(r, STATUS_CANNOT, &e);
	if (r->o.has_source && !r->o.dry_run)
		warn_of_source(&r->o.source);
	if (route_space(r) < 0)
		return -1;
	if (r->n_unroutable && !r->o.dry_run) {
		if (r->n_unroutable == r->ask.space.hosts)
			return run_fail(r, STATUS_CANNOT, &r->no_route);
		if (r->n_unroutable == 1)
			log_warn("%s", r->no_route.msg);
		else
			log_warn("%llu addresses have no route, the first: %s",
				 (unsigned long long)r->n_unroutable, r->no_route.msg);
	}
	if (copy_paths(r) < 0) {
		err_set(&e, "out of memory");
		return run_fail(r, STATUS_CANNOT, &e);
	}
	return 0;
}

struct probe_wish run_probe_wish(const struct scan_options *o)
{
	return (struct probe_wish){
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
}

/* --- results ---------------------------------------------------------------------------------- */

/* All ports that some target is asked at, as ranges. */
static uint32_t list_ports(const struct space *s, struct string *to)
{
	const struct ports *last = NULL;
	uint8_t asked[1 << 16] = {0};
	struct ranges ranges = {0};
	uint32_t n;

	for (size_t i = 0; i < s->n; i++) {
		if (s->spans[i].ports == last)
			continue;
		last = s->spans[i].ports;
		for (uint32_t rank = 0; rank < ports_count(last); rank++)
			asked[ports_at(last, rank)] = 1;
	}
	for (uint32_t port = 0; port < sizeof(asked); port++)
		if (asked[port] && !ranges_add(&ranges, (uint16_t)port))
			to->failed = true;
	ranges_put(&ranges, 0, to);
	n = ranges.count;
	ranges_free(&ranges);
	return n;
}

static void describe_run(struct run *r)
{
	uint32_t n_ports = list_ports(&r->ask.space, &r->ports);

	r->info = (struct run_info){
	    .command = r->line->argv[0],
	    .version = PACKAGE_VERSION,
	    .argv = r->line->full,
	    .started_wall_ns = clock_wall_ns(),
	    .seed = r->seed,
	    .sources = r->sources,
	    .n_sources = r->n_paths,
	    .kinds = r->o.kinds,
	    .n_kinds = r->o.n_kinds,
	    .hosts = r->ask.space.hosts,
	    .indices = r->ask.space.total,
	    .tries = r->o.count,
	    .ports_given = r->o.ports != NULL,
	    .ports = string_text(&r->ports),
	    .n_ports = n_ports,
	    .per_host = r->ask.space.hosts <= HOSTS_IN_BLOCKS,
	    .zone_name = resolve_zone_name,
	    .service_name = r->o.numeric ? NULL : resolve_service_name,
	};
}

int run_open_reports(struct run *r)
{
	const struct scan_options *o = &r->o;
	const struct report_style style = {
	    .all = o->show_all,
	    .show_given = o->show_given,
	    .show = o->show,
	    .verbose = o->verbosity > 0,
	    .numeric = o->numeric,
	};
	const struct progress_wish progress = {
	    .line = !o->no_progress,
	    .notes = o->verbosity >= 0,
	    .every_ns = o->stats_every_ns,
	};
	struct err e;

	/* what has been begun ends with a summary; before, ^C ends at once */
	signals_install();
	r->o.out.live = o->count > 0;
	if (reporting_open(&r->out, &o->out, &e) < 0)
		return run_fail(r, STATUS_USAGE, &e);
	if (reporting_start(&r->out, &r->info, &style, &progress, &e) < 0)
		return run_fail(r, STATUS_CANNOT, &e);
	r->report = r->out.report;
	return 0;
}

static void not_written(void *ctx, const struct err *e)
{
	run_fail(ctx, STATUS_INCOMPLETE, e);
}

static void close_reports(struct run *r)
{
	struct err e;
	bool told = r->report && report_tee_told(r->report);

	if (evidence_finish(r->pcap, told, &e) < 0)
		run_fail(r, STATUS_INCOMPLETE, &e);
	reporting_close(&r->out, not_written, r);
	r->report = NULL;
	evidence_free(r->pcap);
	r->pcap = NULL;
}

/* --- the outside ------------------------------------------------------------------------------ */

int run_open_wire(struct run *r, const struct run_ports *ports, uint64_t expected_replies)
{
	const struct live_config live = {
	    .paths = r->paths,
	    .n_paths = r->n_paths,
	    .sport_first = ports->first,
	    .sport_last = (uint16_t)(ports->first + ports->n - 1),
	    .expected_replies = expected_replies,
	    .tx = r->o.tx,
	    .lanes = ports->lanes ? ports->lanes : 1,
	    .probes = expected_replies,
	    .n_quiet = (uint16_t)ports->n_quiet,
	    .conns_max = ports->conns,
	    .both_ways = ports->both_ways,
	    .user = &r->user,
	};
	bool denied = false;
	struct err e;

	r->held = *ports;
	if (ports->conns)
		r->work = PRIVILEGE_CONVERSE;
	r->wire = live_open(&live, &denied, &e);
	if (r->wire)
		return 0;
	run_fail(r, STATUS_CANNOT, &e);
	if (denied)
		cmd_put_privilege_fix();
	return -1;
}

int run_open_pcap(struct run *r)
{
	struct err e;

	if (!r->o.write_pcap)
		return 0;
	r->pcap = evidence_open(r->o.write_pcap, &r->out.beside, r->held.first, r->held.n, &e);
	if (!r->pcap)
		return run_fail(r, STATUS_USAGE, &e);
	r->out.also = evidence_report(r->pcap);
	return 0;
}

void run_keep_evidence(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len)
{
	evidence_keep(ctx, at_ns, ip, captured, len);
}

int run_drop_privilege(struct run *r)
{
	struct err e;

	/* at once: until there is a keeper, hidden names stay where this process is killed */
	if (reporting_keep(&r->out, &e) < 0)
		return run_fail(r, STATUS_CANNOT, &e);
	resolve_prepare(!r->o.numeric);
	return cmd_drop_privilege(&r->status, &r->user, r->work);
}

int run_end_dry(struct run *r)
{
	struct err e;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	err_sys(&e, errno, "cannot write what would be sent");
	return run_fail(r, STATUS_INCOMPLETE, &e);
}

/* --- begin and end ---------------------------------------------------------------------------- */

static int make_seed(struct run *r)
{
	struct err e;

	if (sodium_init() < 0) {
		err_set(&e, "libsodium cannot start: no source of randomness");
		return run_fail(r, STATUS_CANNOT, &e);
	}
	r->seed = r->o.seed;
	if (!r->o.has_seed)
		randombytes_buf(&r->seed, sizeof(r->seed));
	r->seed &= r->o.has_seed ? UINT64_MAX : UINT32_MAX; /* short enough to type again */
	return 0;
}

static int make_by_words(struct run *r, void *ctx)
{
	(void)ctx;
	return ask_make(&r->ask);
}

int run_begin(struct run *r, const struct cmd_line *l, const struct option_table *table)
{
	return run_begin_by(r, l, table, make_by_words, NULL);
}

int run_begin_by(struct run *r, const struct cmd_line *l, const struct option_table *table,
		 int (*make)(struct run *r, void *ctx), void *ctx)
{
	struct err e;
	int rc;

	*r = (struct run){.line = l, .status = STATUS_OK};
	rc = scan_options_parse(&r->o, table, l->argc, l->argv, &e);
	ask_init(&r->ask, &r->o);
	if (rc != 0)
		return rc < 0 ? run_fail(r, STATUS_USAGE, &e) : -1;
	log_set_verbosity(r->o.verbosity);
	if (cmd_find_user(&r->status, r->o.user, &r->user) < 0)
		return -1;
	resolve_as(&r->user);
	if (make_seed(r) < 0 || make(r, ctx) < 0 || find_paths(r) < 0)
		return -1;
	log_info("seed %llu", (unsigned long long)r->seed);
	describe_run(r);
	return 0;
}

int run_end(struct run *r)
{
	close_reports(r);
	resolve_end();
	if (r->wire)
		r->wire->ops->close(r->wire);
	hold_free(r->hold);
	route_close(r->route);
	free(r->paths);
	free(r->sources);
	string_free(&r->ports);
	r->status = cmd_worse(r->status, r->ask.status);
	ask_free(&r->ask);
	scan_options_free(&r->o);
	return r->status;
}
