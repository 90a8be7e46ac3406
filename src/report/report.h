/*
 * report: renderers behind one struct of callbacks (judge/record.h), writing to the FILE they get.
 * They decide form, never facts. A write error is remembered, not printed: close says so.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "judge/record.h"

/* What the run is, for headers. All borrowed for the life of the report. */
struct run_info {
	const char *command;
	const char *version;
	char *const *argv; /* NULL-terminated */
	uint64_t started_wall_ns;
	uint64_t seed;
	struct run_source {
		struct addr addr;
		char ifname[16];
	} * sources;
	size_t n_sources;
	const struct probe *const *kinds;
	size_t n_kinds;
	uint64_t hosts, indices;
	bool stack;	  /* the command `stack`: hosts are counted, not ports */
	uint64_t tries;	  /* scan --count: of each port; 0: no such run */
	size_t tries_who; /* scan --count: columns of the widest "192.0.2.7 port 8080" */
	bool ports_given; /* by -p: none of another list was asked */
	/* scan: the ports that are asked of some host, as "22,80-81", and how many; "" and 0 */
	const char *ports;
	uint32_t n_ports;
	/* scan: which targets, ports and order these are, as a digest: two runs with the same can
	 * be joined. "": no such run */
	char space[40];
	/* scan: all that is asked; without records these kept silent */
	const struct run_cover {
		struct addr first, last;
		const char *ports; /* "22,80,8000-8100" */
	} * covers;
	size_t n_covers;
	bool covers_truncated;	/* too many of them: none is given */
	const char *resumed;	/* --resume: the file; NULL */
	uint64_t shard, shards; /* scan: the I-th of N parts; N 0 or 1: all */
	/* diff: names and times are there from the beginning; NULL */
	const struct diff_record *diff;
	const struct vantages_record *vantages; /* diff --by-vantage: likewise, in its place */
	/* explain: captures, in order; findings name them by index. audit: policies as named */
	const char *const *files;
	size_t n_files;
	const char *live; /* the interface listened to, or NULL */
	bool per_host; /* text: one block a host (at most 256 asked for), else a line per open port
			*/
	const char *(*zone_name)(uint32_t zone, char buf[16]); /* may be NULL */
	const char *(*service_name)(uint16_t port,
				    char buf[32]); /* may be NULL; NULL result: none */
};

struct report_style {
	bool color;
	bool all; /* --show all: no ranges */
	bool show_given;
	uint32_t show;	   /* bit per enum port_state to list; all bits by default */
	bool verbose;	   /* -v: because and clause of each verdict */
	bool terminal;	   /* somebody watches: each line at once */
	unsigned width;	   /* text: columns that sentences fit into; 0: 80 */
	bool summary_only; /* explain --summary */
	bool numeric;	   /* -n */
};

struct report {
	struct record_sink sink; /* sink.ctx is private to the renderer */
	/* A record of an earlier run, one whole line of JSON with its newline; may be NULL. */
	void (*carry)(struct report *r, const char *line, size_t len);
	/* Ends the output: flush, and free the report. -1 and `e` where anything could not be
	 * written. Closes no FILE. */
	int (*close)(struct report *r, struct err *e);
};

/* Each x_new is NULL where memory is out, and then owns nothing. */
struct report *report_text_new(FILE *f, const struct run_info *run,
			       const struct report_style *style);
struct report *report_json_new(FILE *f, const struct run_info *run,
			       const struct report_style *style);

/* scan: nmap's XML (its DTD), for whatever reads that. */
struct report *report_xml_new(FILE *f, const struct run_info *run,
			      const struct report_style *style);
/* scan, audit: a header and a row each, RFC 4180. */
struct report *report_csv_new(FILE *f, const struct run_info *run,
			      const struct report_style *style);
/* audit: TAP 14, JUnit's XML, and the textfile collector's format. */
struct report *report_tap_new(FILE *f, const struct run_info *run,
			      const struct report_style *style);
struct report *report_junit_new(FILE *f, const struct run_info *run,
				const struct report_style *style);
struct report *report_prometheus_new(FILE *f, const struct run_info *run,
				     const struct report_style *style);

/* explain: one self-contained page. */
struct report *report_html_new(FILE *f, const struct run_info *run,
			       const struct report_style *style);

/* The progress line of stderr: draws on a terminal, answers SIGUSR1 anywhere; the only one that
 * prints notes for people. First in a tee, it clears its line before others print. */
struct report *report_progress_new(FILE *f, bool terminal,
				   uint64_t every_ns /* --stats-every, 0 none */);

/* Sends every record to each of several reports, in their order; owns them, not `v`. */
struct report *report_tee_new(struct report **v, size_t n);
/* Ends the i-th of them before the others, as its close does. */
int report_tee_close_one(struct report *tee, size_t i, struct err *e);
/* Was there any record at all, notes and progress aside? */
bool report_tee_told(const struct report *tee);

/* A clue as a sentence without full stop. */
void report_clue(char *buf, size_t cap, const struct clue *c);

#endif
