/*
 * run: what every command that sends goes through: options -> ask -> paths, then open what needs
 * privilege, drop it, and in the end close and say what was lost. What is sent in between is the
 * command's. Errors are printed here, and the worst status kept.
 */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/scan_options.h"
#include "report/out.h"
#include "engine/probing.h"
#include "report/report.h"
#include "wire/privilege.h"
#include "wire/wire.h"

struct run_ports {
	uint16_t first;	     /* source ports to listen for, consecutive */
	unsigned n, n_quiet; /* n_quiet: the last so many of them are silenced */
	size_t conns;	     /* kernel connections wanted at once */
	unsigned lanes;	     /* of the wire; 0: 1 */
	bool both_ways;	     /* what leaves is captured too */
};

struct run {
	struct scan_options o;
	const struct cmd_line *line;
	int status; /* enum cmd_status: the worst so far */
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
	struct evidence *pcap; /* NULL without -w */
	struct run_ports held;
	struct privilege_user user;
	enum privilege_work work; /* once they are open; sweeping is the default */
	/* results */
	struct reporting out;
	struct report *report; /* of `out` */
	struct run_info info;
	struct string ports; /* info.ports */
	struct run_source *sources;
};

/*
 * Reads the words behind the command, the files and names they speak of, and asks the kernel for
 * the ways. 0: go on. -1: nothing is to be done, `status` says how bad it is (0 after --help).
 * Whatever comes of it, run_end is due.
 */
int run_begin(struct run *r, const struct cmd_line *l, const struct option_table *table);
/* The same, where something else than words says what is asked: `make` fills r->ask in place of
 * ask_make; it is -1 where nothing is to be done, and keeps the status in r->ask.status. */
int run_begin_by(struct run *r, const struct cmd_line *l, const struct option_table *table,
		 int (*make)(struct run *r, void *ctx), void *ctx);
/* Frees everything; gives the status. */
int run_end(struct run *r);
/* Prints `e`, keeps the graver status, and is -1. */
int run_fail(struct run *r, int status, const struct err *e);

/* What the options fix of a probe's segments; `o` keeps the payload. */
struct probe_wish run_probe_wish(const struct scan_options *o);

/* Phase 1, while there is privilege, and the invoking user's rights on files. */
int run_open_wire(struct run *r, const struct run_ports *ports, uint64_t expected_replies);
int run_open_pcap(struct run *r); /* -w, where given; after the wire, before the reports */
int run_open_reports(struct run *r);
/* Phase 2: no way back. */
int run_drop_privilege(struct run *r);
/* Instead of the two: what a dry run printed has gone out, or it is said and -1. */
int run_end_dry(struct run *r);

/* For the `evidence` of an engine's config; the context is `run.pcap`. */
void run_keep_evidence(void *ctx, uint64_t at_ns, const uint8_t *ip, size_t captured, size_t len);

#endif
