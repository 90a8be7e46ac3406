/*
 * explain_run: one run of `explain`, from options to the exit status: what the file that reads
 * captures and the one that listens share.
 */
#ifndef CMD_EXPLAIN_RUN_H
#define CMD_EXPLAIN_RUN_H

#include "cmd/cmd.h"
#include "cmd/explain_options.h"
#include "cmd/keep.h"
#include "judge/explain.h"
#include "judge/join.h"
#include "wire/privilege.h"

struct explain_run {
	struct explain_options o;
	const struct cmd_line *line;
	int status; /* enum cmd_status: the worst so far */
	struct reporting out;
	struct run_info info;
	struct explain *explain;
	struct keep *keep; /* NULL without -w */
	struct join *join; /* NULL without --join */
	struct privilege_user user;
	const struct join *told_with; /* the same, once both ends are known */
	struct explain_summary once;  /* ... and what is counted of both together */
	uint64_t began_ns;	      /* monotonic */
	uint64_t listed;	      /* findings told one by one */
	bool unexpected;	      /* --fail-on */
	bool over;		      /* nothing more is to be told */
	bool unread;		      /* over because nobody reads the output */
	int alien;		      /* a link type that is not read; -1: none */
	struct explain_record end;
};

/* Prints `e`, as a note where there is a report, keeps the graver status, and is -1. */
int explain_fail(struct explain_run *x, int status, const struct err *e);
/* The same for what ends reading early: status 3, and the summary says why. */
int explain_cut(struct explain_run *x, const struct err *e);
/* The files to write, before privilege is dropped; `spools`: -w can't read all of it twice. */
int explain_open_outputs(struct explain_run *x, bool spools);
/* No way back. */
int explain_drop_privilege(struct explain_run *x);
enum decode_status explain_decode(const struct capfile_frame *f, struct packet *p);
/* One frame to `to`; its decoding is left in *p. */
enum decode_status explain_decoded(struct explain_run *x, struct explain *to,
				   const struct capfile_frame *f, uint16_t file, struct packet *p);
/* Begins to report: the first moment at which there is something to read. -1: told. */
int explain_report(struct explain_run *x);
void explain_note(struct explain_run *x, const char *text);
/* A line of progress, where one is due. */
void explain_progress(struct explain_run *x);
/* What both ends together make of it (--join), in *copy; NULL where the other end's is told. */
const struct finding *explain_joined(const struct explain_run *x, const struct finding *f,
				     struct finding *copy);
bool explain_deadline_over(const struct explain_run *x);
/* A frame out of the spool of -w, for keep_unspool: written where its flow is wanted. */
void explain_spooled(void *ctx, const struct capfile_frame *f);
/* The summary. */
void explain_sum_up(struct explain_run *x);

/* Each from the opening on, the drop of privilege in its middle. */
void explain_files(struct explain_run *x);
void explain_live(struct explain_run *x);

#endif
