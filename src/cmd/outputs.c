/*
 * outputs: reads the options that say where results go, opens the files, and sets a renderer on
 * each, the progress line before them. It knows no record.
 */
#include "config.h"

#include "cmd/outputs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/options.h"

enum { BUFFER = 1 << 16 };

#define TWO_TO_ONE "two outputs go to %.80s: name another file by -o, -oJ or -w"
#define OVER_OLD "-o %.80s would replace the result that is resumed: name another file"

/* --- options ---------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	struct report *(*make)(FILE *f, const struct run_info *run,
			       const struct report_style *style);
} formats[FORMATS] = {
    [FORMAT_TEXT] = {"text", report_text_new},
    [FORMAT_JSON] = {"json", report_json_new},
    [FORMAT_HTML] = {"html", report_html_new},
#ifdef HAVE_LIBXML2
    [FORMAT_XML] = {"xml", report_xml_new},
    [FORMAT_JUNIT] = {"junit", report_junit_new},
#else
    [FORMAT_XML] = {"xml", NULL},
    [FORMAT_JUNIT] = {"junit", NULL},
#endif
    [FORMAT_CSV] = {"csv", report_csv_new},
    [FORMAT_TAP] = {"tap", report_tap_new},
    [FORMAT_PROMETHEUS] = {"prometheus", report_prometheus_new},
};

bool outputs_built(enum output_format format)
{
	return formats[format].make;
}

static int check_built(const char *said, enum output_format format, struct err *e)
{
	if (outputs_built(format))
		return 0;
	return err_set(e,
		       "%s: this rstprobe was built without libxml2, which writes %s: install "
		       "libxml2-dev (libxml2-devel) and build it again",
		       said, formats[format].word);
}

static const char *const colors[] = {
    [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};
enum { COLORS = sizeof(colors) / sizeof(colors[0]) };

#define ALL_HAVE (FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_JSON))
static const struct {
	const char *command;
	unsigned more; /* beside text and json */
} makers[] = {
    {"scan", FORMAT_BIT(FORMAT_XML) | FORMAT_BIT(FORMAT_CSV)},
    {"explain", FORMAT_BIT(FORMAT_HTML)},
    {"audit", FORMAT_BIT(FORMAT_CSV) | FORMAT_BIT(FORMAT_TAP) | FORMAT_BIT(FORMAT_JUNIT) |
		  FORMAT_BIT(FORMAT_PROMETHEUS)},
};

unsigned outputs_formats(const char *command)
{
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (strcmp(command, makers[i].command) == 0)
			return ALL_HAVE | makers[i].more;
	return ALL_HAVE;
}

const char *outputs_format_word(enum output_format format)
{
	return formats[format].word;
}

const char *outputs_color_word(size_t i)
{
	return i < COLORS ? colors[i] : NULL;
}

static int take_format(struct outputs *o, const char *said, const char *value, struct err *e)
{
	const char *words[FORMATS];
	enum output_format of[FORMATS];
	size_t n = 0;
	int choice = 0;

	for (unsigned i = 0; i < FORMATS; i++) {
		if (!(o->formats & FORMAT_BIT(i)))
			continue;
		words[n] = formats[i].word;
		of[n++] = (enum output_format)i;
	}
	if (option_choice(said, value, words, n, &choice, e) < 0)
		return -1;
	if (check_built(said, of[choice], e) < 0)
		return -1;
	o->format = of[choice];
	o->format_given = true;
	return 0;
}

static int add(struct outputs *o, enum output_format format, const char *path, struct err *e)
{
	if (!*path)
		return err_set(e, "the name of an output is empty: give a file, or - for stdout");
	if (o->n == OUTPUTS_MAX)
		return err_set(e, "%.80s: at most %d outputs of one run", path, OUTPUTS_MAX);
	o->v[o->n++] = (struct output){format, path};
	return 0;
}

static int take_file(struct outputs *o, const char *said, const char *value, struct err *e)
{
	if (o->n_to == OUTPUTS_MAX)
		return err_set(e, "%s %.80s: at most %d outputs of one run", said, value,
			       OUTPUTS_MAX);
	o->to[o->n_to++] = value;
	return 0;
}

static int take_color(struct outputs *o, const char *said, const char *value, struct err *e)
{
	int wish = 0;

	if (option_choice(said, value, colors, COLORS, &wish, e) < 0)
		return -1;
	o->color = (enum color_wish)wish;
	return 0;
}

int outputs_take(struct outputs *o, int id, const char *said, const char *value, struct err *e)
{
	switch (id) {
	case OPTION_FORMAT: return take_format(o, said, value, e);
	case OPTION_OUTPUT: return take_file(o, said, value, e);
	case OPTION_OUTPUT_JSON: return add(o, FORMAT_JSON, value, e);
	case OPTION_OUTPUT_XML:
		return check_built(said, FORMAT_XML, e) < 0 ? -1 : add(o, FORMAT_XML, value, e);
	case OPTION_OUTPUT_CSV: return add(o, FORMAT_CSV, value, e);
	case OPTION_COLOR: return take_color(o, said, value, e);
	default: return 1;
	}
}

/* Which of the outputs goes to stdout, or -1. */
static int on_stdout(const struct outputs *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].path, "-") == 0)
			return (int)i;
	return -1;
}

int outputs_settle(struct outputs *o, const char *pcap, struct err *e)
{
	int there = on_stdout(o);

	for (size_t i = 0; i < o->n_to; i++)
		if (add(o, o->format, o->to[i], e) < 0)
			return -1;
	if (o->n_to == 0 && there >= 0 && o->format_given && o->format != o->v[there].format)
		return err_set(e,
			       "--format %s and %s on - both want stdout: name a file by -o FILE",
			       formats[o->format].word, formats[o->v[there].format].word);
	if (o->n_to == 0 && there < 0 && add(o, o->format, "-", e) < 0)
		return -1;
	if (o->old && pcap && strcmp(o->old, pcap) == 0)
		return err_set(e,
			       "-w %.80s would replace the result that is resumed: name another "
			       "file",
			       pcap);
	for (size_t i = 0; i < o->n; i++) {
		const char *path = o->v[i].path;
		bool again = pcap && strcmp(path, pcap) == 0;

		for (size_t j = 0; j < i; j++)
			again |= strcmp(path, o->v[j].path) == 0;
		if (o->old && strcmp(path, o->old) == 0 && o->v[i].format != FORMAT_JSON)
			return err_set(e, OVER_OLD, path);
		if (again)
			return err_set(e, TWO_TO_ONE, strcmp(path, "-") == 0 ? "stdout" : path);
	}
	return 0;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool same_file(const char *a, const char *b)
{
	struct stat st, other;

	return stat(a, &st) == 0 && stat(b, &other) == 0 && st.st_dev == other.st_dev &&
	       st.st_ino == other.st_ino;
}

/* JSON Lines are read while they grow, as is the text of a run without end; all else is either
 * whole or not there. */
static bool goes_beside(const struct outputs *o, enum output_format format)
{
	return (o->whole || format != FORMAT_JSON) && !(o->live && format == FORMAT_TEXT);
}

static FILE *open_one(struct reporting *r, size_t i, struct err *e)
{
	const struct outputs *o = r->asked;
	const char *path = o->v[i].path;
	FILE *f;

	if (strcmp(path, "-") == 0)
		return stdout;
	if (o->old && same_file(path, o->old)) {
		if (o->v[i].format == FORMAT_JSON)
			return beside_open_only(&r->beside, path, &r->kept[i], e);
		err_set(e, OVER_OLD, path);
		return NULL;
	}
	if (goes_beside(o, o->v[i].format))
		return beside_open(&r->beside, path, &r->kept[i], e);
	f = fopen(path, "we");
	if (!f)
		err_sys(e, errno, "cannot write %s", path);
	return f;
}

int reporting_open(struct reporting *r, const struct outputs *asked, struct err *e)
{
	r->asked = asked;
	tzset(); /* the file of the time zone, too */
	for (size_t i = 0; i < asked->n; i++) {
		r->files[i] = open_one(r, i, e);
		if (!r->files[i])
			return -1;
		for (size_t j = 0; j < i; j++)
			if (beside_same(r->kept[i], r->kept[j]))
				return err_set(e, TWO_TO_ONE, asked->v[i].path);
		if (!isatty(fileno(r->files[i])))
			setvbuf(r->files[i], NULL, _IOFBF, BUFFER);
	}
	return 0;
}

int reporting_keep(struct reporting *r, struct err *e)
{
	return beside_keep(&r->beside, e);
}

int reporting_take_place(struct reporting *r, struct err *e)
{
	for (size_t i = 0; i < r->asked->n; i++) {
		if (!r->kept[i] || r->asked->v[i].format != FORMAT_JSON)
			continue;
		if (fflush(r->files[i]) != 0 || ferror(r->files[i]))
			return err_sys(e, errno, "cannot write %s", r->asked->v[i].path);
		return beside_commit(r->kept[i], e);
	}
	return 0;
}

void reporting_flush(struct reporting *r)
{
	for (size_t i = 0; r->asked && i < r->asked->n; i++)
		if (r->files[i])
			fflush(r->files[i]);
}

bool reporting_failed(const struct reporting *r)
{
	for (size_t i = 0; r->asked && i < r->asked->n; i++)
		if (r->files[i] && ferror(r->files[i]))
			return true;
	return false;
}

bool reporting_on_stdout(const struct reporting *r)
{
	for (size_t i = 0; r->asked && i < r->asked->n; i++)
		if (r->files[i] == stdout)
			return true;
	return false;
}

bool reporting_unread(const struct reporting *r)
{
	struct pollfd p = {.fd = STDOUT_FILENO};

	return reporting_on_stdout(r) && poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}

/* --- renderers -------------------------------------------------------------------------------- */

static bool wants_color(enum color_wish wish, FILE *f)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

	if (wish != COLOR_AUTO)
		return wish == COLOR_ALWAYS;
	return !(none && *none) && isatty(fileno(f)) && !(term && strcmp(term, "dumb") == 0);
}

/* Columns for sentences: what the terminal has, but no more than is good to read. */
static unsigned text_width(FILE *f)
{
	enum { LEAST = 40, USUAL = 80, MOST = 100 };
	const char *given = getenv("COLUMNS");
	long n = given ? strtol(given, NULL, 10) : 0;
	struct winsize size;

	if (isatty(fileno(f)) && ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col)
		n = size.ws_col;
	if (n <= 0)
		return USUAL;
	return n < LEAST ? LEAST : n > MOST ? MOST : (unsigned)n;
}

int reporting_start(struct reporting *r, const struct run_info *info,
		    const struct report_style *style, const struct progress_wish *progress,
		    struct err *e)
{
	const struct outputs *o = r->asked;
	struct report *v[OUTPUTS_MAX + 2];
	size_t n = 0;

	if (progress->notes) { /* first: it clears its line before others print */
		v[n] = report_progress_new(stderr, isatty(STDERR_FILENO) && progress->line,
					   progress->every_ns);
		n += v[n] != NULL;
	}
	r->first = n;
	for (size_t i = 0; i < o->n; i++) {
		struct report_style own = *style;

		own.color = wants_color(o->color, r->files[i]);
		own.terminal = isatty(fileno(r->files[i]));
		own.width = text_width(r->files[i]);
		v[n] = (o->own ? o->own : formats[o->v[i].format].make)(r->files[i], info, &own);
		if (!v[n])
			goto out;
		n++;
	}
	if (r->also)
		v[n++] = r->also;
	r->report = report_tee_new(v, n);
	if (r->report)
		return 0;
out:
	while (n > 0) {
		n--;
		v[n]->close(v[n], NULL);
	}
	return err_set(e, "out of memory");
}

/* Ends one output. False where anything of it is lost; `e` says it. */
static bool close_one(struct reporting *r, size_t i, struct err *e)
{
	const char *path = r->asked->v[i].path;
	FILE *f = r->files[i];
	bool lost = false;
	struct err why;

	r->files[i] = NULL;
	if (r->report && report_tee_close_one(r->report, r->first + i, &why) < 0) {
		lost = true;
		err_set(e, "%s%s%.200s", f == stdout ? "" : path, f == stdout ? "" : ": ", why.msg);
	}
	if (f && f != stdout && fclose(f) != 0 && !lost) {
		lost = true;
		err_sys(e, errno, "cannot write %s", path);
	}
	/* of a run that failed before it measured anything, what was there stays */
	if (lost || !r->report || !report_tee_told(r->report))
		beside_abandon(r->kept[i]);
	else if (beside_commit(r->kept[i], e) < 0)
		lost = true;
	return !lost;
}

void reporting_close(struct reporting *r, void (*fail)(void *ctx, const struct err *e), void *ctx)
{
	struct err e;

	for (size_t i = 0; r->asked && i < r->asked->n; i++)
		if (!close_one(r, i, &e))
			fail(ctx, &e);
	if (r->report)
		r->report->close(r->report, NULL);
	r->report = NULL;
	beside_end(&r->beside);
}
