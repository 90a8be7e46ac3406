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
#include <unistd.h>

#include "cmd/options.h"

enum { BUFFER = 1 << 16 };

/* --- options ---------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	struct report *(*make)(FILE *f, const struct run_info *run,
			       const struct report_style *style);
} formats[FORMATS] = {
    [FORMAT_TEXT] = {"text", report_text_new},
    [FORMAT_JSON] = {"json", report_json_new},
    [FORMAT_HTML] = {"html", report_html_new},
    [FORMAT_XML] = {"xml", NULL},
    [FORMAT_CSV] = {"csv", report_csv_new},
    [FORMAT_TAP] = {"tap", report_tap_new},
#ifdef HAVE_LIBXML2
    [FORMAT_JUNIT] = {"junit", report_junit_new},
#else
    [FORMAT_JUNIT] = {"junit", NULL},
#endif
    [FORMAT_PROMETHEUS] = {"prometheus", report_prometheus_new},
};

int outputs_take_format(struct outputs *o, const char *said, const char *value, struct err *e)
{
	const char *words[FORMATS];
	enum output_format of[FORMATS];
	size_t n = 0;
	int choice;

	for (unsigned i = 0; i < FORMATS; i++) {
		if (!(o->formats & FORMAT_BIT(i)))
			continue;
		words[n] = formats[i].word;
		of[n++] = (enum output_format)i;
	}
	if (option_choice(said, value, words, n, &choice, e) < 0)
		return -1;
	o->format = of[choice];
	o->format_given = true;
	return 0;
}

static int add(struct outputs *o, enum output_format format, const char *path, struct err *e)
{
	if (!*path)
		return err_set(e, "the name of an output is empty: give a file, or - for stdout");
	if (!formats[format].make)
		return err_set(e,
			       "%s needs libxml2, which this rstprobe was built without: take "
			       "another format, or build it where libxml2's headers are",
			       formats[format].word);
	if (o->n == OUTPUTS_MAX)
		return err_set(e, "%.80s: at most %d outputs of one run", path, OUTPUTS_MAX);
	o->v[o->n++] = (struct output){format, path};
	return 0;
}

int outputs_take_file(struct outputs *o, const char *said, const char *value, struct err *e)
{
	if (o->n_to == OUTPUTS_MAX)
		return err_set(e, "%s %.80s: at most %d outputs of one run", said, value,
			       OUTPUTS_MAX);
	o->to[o->n_to++] = value;
	return 0;
}

int outputs_take_also(struct outputs *o, enum output_format format, const char *value,
		      struct err *e)
{
	return add(o, format, value, e);
}

int outputs_take_color(struct outputs *o, const char *said, const char *value, struct err *e)
{
	static const char *const words[] = {
	    [COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};
	int wish;

	if (option_choice(said, value, words, 3, &wish, e) < 0)
		return -1;
	o->color = (enum color_wish)wish;
	return 0;
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
			return err_set(
			    e,
			    "-o %.80s would replace the result that is resumed: name another file",
			    path);
		if (again)
			return err_set(
			    e, "two outputs go to %.80s: name another file by -o, -oJ or -w",
			    strcmp(path, "-") == 0 ? "stdout" : path);
	}
	return 0;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool same_file(const char *a, const char *b, struct stat *st)
{
	struct stat other;

	return stat(a, st) == 0 && stat(b, &other) == 0 && st->st_dev == other.st_dev &&
	       st->st_ino == other.st_ino;
}

/* A killed run must not cost what the one before it had found. */
static FILE *open_beside(struct reporting *r, const char *path, const struct stat *old)
{
	static const char more[] = ".new";
	size_t len;
	FILE *f;

	r->place = realpath(path, NULL); /* a link stays one */
	len = r->place ? strlen(r->place) + sizeof(more) : 0;
	r->beside = len ? malloc(len) : NULL;
	if (!r->beside)
		return NULL;
	snprintf(r->beside, len, "%s%s", r->place, more);
	f = fopen(r->beside, "we");
	if (f && fchown(fileno(f), old->st_uid, old->st_gid) == 0)
		fchmod(fileno(f), old->st_mode & 07777);
	return f;
}

int reporting_open(struct reporting *r, const struct outputs *asked, struct err *e)
{
	r->asked = asked;
	for (size_t i = 0; i < asked->n; i++) {
		const char *path = asked->v[i].path;
		struct stat st;

		if (strcmp(path, "-") == 0)
			r->files[i] = stdout;
		else if (asked->old && same_file(path, asked->old, &st))
			r->files[i] = open_beside(r, path, &st);
		else
			r->files[i] = fopen(path, "we");
		if (!r->files[i])
			return err_sys(e, errno, "cannot write %s", r->beside ? r->beside : path);
		if (!isatty(fileno(r->files[i])))
			setvbuf(r->files[i], NULL, _IOFBF, BUFFER);
	}
	return 0;
}

int reporting_take_place(struct reporting *r, struct err *e)
{
	int rc = 0;

	if (!r->beside)
		return 0;
	reporting_flush(r);
	if (reporting_failed(r))
		return err_set(e, "cannot write %s", r->beside);
	if (rename(r->beside, r->place) != 0)
		rc = err_sys(e, errno, "cannot rename %s", r->beside);
	free(r->beside);
	r->beside = NULL;
	return rc;
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
	struct report *v[OUTPUTS_MAX + 1];
	size_t n = 0;

	if (progress->notes) { /* first: it clears its line before others print */
		v[n] = report_progress_new(stderr, isatty(STDERR_FILENO) && progress->line,
					   progress->every_ns);
		n += v[n] != NULL;
	}
	for (size_t i = 0; i < o->n; i++) {
		struct report_style own = *style;

		own.color = wants_color(o->color, r->files[i]);
		own.terminal = isatty(fileno(r->files[i]));
		own.width = text_width(r->files[i]);
		v[n] = formats[o->v[i].format].make(r->files[i], info, &own);
		if (!v[n])
			goto out;
		n++;
	}
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

void reporting_close(struct reporting *r, void (*fail)(void *ctx, const struct err *e), void *ctx)
{
	struct err e;

	if (r->report && r->report->close(r->report, &e) < 0)
		fail(ctx, &e);
	r->report = NULL;
	for (size_t i = 0; r->asked && i < r->asked->n; i++) {
		FILE *f = r->files[i];

		r->files[i] = NULL;
		if (!f || f == stdout || fclose(f) == 0)
			continue;
		err_sys(&e, errno, "cannot write %s", r->asked->v[i].path);
		fail(ctx, &e);
	}
	if (r->beside)
		unlink(r->beside); /* it never took its place */
	free(r->beside);
	free(r->place);
	r->beside = r->place = NULL;
}
