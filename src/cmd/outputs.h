/*
 * outputs: where results go and in what form: the options that say so, the files, and the renderers
 * on them. Shared by all commands that report.
 */
#ifndef CMD_OUTPUTS_H
#define CMD_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/beside.h"
#include "report/report.h"

enum output_format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_HTML,
	FORMAT_XML,
	FORMAT_CSV,
	FORMAT_TAP,
	FORMAT_JUNIT,
	FORMAT_PROMETHEUS,
	FORMATS,
};
#define FORMAT_BIT(f) (1U << (f))

enum color_wish { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum { OUTPUTS_MAX = 8 };

/* --- what is asked for; paths are borrowed from argv ------------------------------------------ */

struct output {
	enum output_format format;
	const char *path; /* "-" is stdout */
};

struct outputs {
	unsigned formats; /* bits: those that make sense for the command; set before the options */
	struct output v[OUTPUTS_MAX];
	size_t n; /* at least 1 once settled: text or --format on stdout or -o */
	enum color_wish color;
	/* -o until it is settled: its format may come behind it */
	const char *to[OUTPUTS_MAX];
	size_t n_to;
	bool format_given;
	enum output_format format;
	/* A result that is read while others are open (--resume), or NULL: the JSON that goes to a
	 * file of this name is written beside it, until reporting_take_place. */
	const char *old;
	bool whole; /* nobody reads what grows: JSON too is there when it is whole, or not */
	bool live;  /* a run without end: its text is not held back until it is whole */
	/* What writes the text, where it is none but the command's own; NULL */
	struct report *(*own)(FILE *f, const struct run_info *run,
			      const struct report_style *style);
};

/* The formats of a command, by its name, as bits; and their words. */
unsigned outputs_formats(const char *command);
const char *outputs_format_word(enum output_format format);
/* False where it takes a library that was not there when this program was built. */
bool outputs_built(enum output_format format);
/* The words of --color, from 0; NULL behind the last. */
const char *outputs_color_word(size_t i);
/* Takes the value of an option from OPTION_FORMAT to OPTION_COLOR, spelled `said`; 1 where `id` is
 * none of these, -1 with `e` where the value is none. */
int outputs_take(struct outputs *o, int id, const char *said, const char *value, struct err *e);
/* After the last option. No two go to one place, nor to `pcap`, the file of -w, or NULL. */
int outputs_settle(struct outputs *o, const char *pcap, struct err *e);

/* --- what comes of it ------------------------------------------------------------------------- */

struct reporting {
	const struct outputs *asked;
	FILE *files[OUTPUTS_MAX];
	struct report *report; /* a tee */
	struct report *also;   /* one more that hears all, set before the start; NULL */
	size_t first;	       /* of the outputs in it */
	/* All but JSON Lines is written beside, and named when whole. */
	struct beside beside;
	struct beside_file *kept[OUTPUTS_MAX];
};

struct progress_wish {
	bool line;	   /* on stderr, where that is a terminal */
	bool notes;	   /* not -q: notes and asked progress too */
	uint64_t every_ns; /* --stats-every */
};

/* Opens the files alone: with the invoking user's rights, so before privilege is dropped. */
int reporting_open(struct reporting *r, const struct outputs *asked, struct err *e);
/* Before privilege is dropped: so that what is whole can be named after it. */
int reporting_keep(struct reporting *r, struct err *e);
/* What is beside `old` has all of it now, and takes its name. */
int reporting_take_place(struct reporting *r, struct err *e);
/* Sets renderers on them. Colour and width of `style` are found out here, for each file. */
int reporting_start(struct reporting *r, const struct run_info *info,
		    const struct report_style *style, const struct progress_wish *progress,
		    struct err *e);
/* What is written so far can be read. */
void reporting_flush(struct reporting *r);
/* Could something not be written? */
bool reporting_failed(const struct reporting *r);
/* Does anything go to stdout? */
bool reporting_on_stdout(const struct reporting *r);
/* Did the reader of stdout go away, as `head` does? */
bool reporting_unread(const struct reporting *r);
/* Ends renderers and files, and names what is whole; `fail` gets each that could not be written. */
void reporting_close(struct reporting *r, void (*fail)(void *ctx, const struct err *e), void *ctx);

#endif
