/*
 * resume: --resume FILE: what an earlier run of the same scan was asked for, and what it has found
 * out: its words for this run's command line, its answers for the sweep, its records for the new
 * result. It asks nothing itself.
 */
#ifndef CMD_RESUME_H
#define CMD_RESUME_H

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "engine/sweep.h"
#include "judge/record.h"
#include "report/report.h"

struct resume;

/* --- words: resume_words.c -------------------------------------------------------------------- */

/*
 * Where --resume stands among the words of `l`: reads the file's run record, and `merged` is the
 * line to go on with: what is scanned comes from the file, how from the file where the words do not
 * say it, outputs from the words alone. Without --resume `*out` is NULL and `merged` is `l`.
 * -1 with `e` where the file is none, or the words ask for another scan than it holds.
 */
int resume_begin(struct resume **out, const struct cmd_line *l, struct cmd_line *merged,
		 struct err *e);
/* The same of an open file that can be rewound; takes it. For tests. */
int resume_begin_of(struct resume **out, FILE *f, const char *name, const struct cmd_line *l,
		    struct cmd_line *merged, struct err *e);
void resume_free(struct resume *r);

/* --- what is known ---------------------------------------------------------------------------- */

/* The scan that is to go on; borrowed for the life of the resume. */
struct resume_scan {
	const struct space *space; /* routed */
	uint64_t seed;
	bool in_order;
	const struct probe *const *kinds;
	size_t n_kinds;
	const char *digest; /* by resume_digest */
	uint32_t (*zone)(void *ctx, const char *name);
	const char *(*zone_name)(uint32_t zone, char buf[16]);
};

/* Which targets, ports and order: the same text, and windows mean the same. */
void resume_digest(const struct space *s, uint64_t seed, bool in_order, char text[40]);
/* Reads the records. -1 with `e` where the file is of another scan, or cannot be read. */
int resume_read(struct resume *r, const struct resume_scan *scan, struct err *e);
const struct sweep_known *resume_known(const struct resume *r);
/* "N ports known from FILE" */
void resume_say(const struct resume *r, char *buf, size_t cap);

/* --- the new result --------------------------------------------------------------------------- */

/* Hands on the old records that stay true, and lets go of the file. */
int resume_carry(struct resume *r, struct report *to, struct err *e);
/* A sink that hands all on to `to`, but the summary, and learns which hosts are up in this run. */
const struct record_sink *resume_watch(struct resume *r, const struct record_sink *to);
/* Adds what was known to the summary of this run: states, silence and hosts, not segments. */
void resume_add(const struct resume *r, struct summary_record *sum);

#endif
