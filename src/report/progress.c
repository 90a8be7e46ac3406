/*
 * progress: how far a run is, for a person who waits, and what went wrong, on stderr. On a terminal
 * one line that redraws itself and leaves no trace; elsewhere only what was asked for. Put first in
 * a tee it clears its line before results appear on the same terminal.
 */
#include "report/report.h"

#include <stdlib.h>

#include "report/out.h"

#define DRAW_EVERY_S 0.2
/* A run that is over sooner draws nothing at all. */
#define DRAW_FIRST_S 0.4
/* Columns of "^C", which the terminal writes behind the line */
#define ECHO_COLUMNS 2

struct progress_report {
	struct report report;
	struct out out;
	struct string line;
	bool terminal;
	double every_s; /* 0: none */
	double drawn_at, told_at;
	size_t drawn; /* width of the line on the terminal, 0 where none is */
};

static void erase(struct progress_report *r)
{
	if (!r->drawn)
		return;
	string_putf(&r->line, "\r%*s\r", (int)r->drawn + ECHO_COLUMNS, "");
	out_string(&r->out, &r->line);
	out_flush(&r->out);
	r->drawn = 0;
}

static double percent_done(const struct progress *p)
{
	double whole = p->elapsed_s + p->eta_s, done = 0;

	/* Retries count as sent: only the time left knows what they still cost. */
	if (p->eta_s >= 0 && whole > 0)
		done = 100 * p->elapsed_s / whole;
	else if (p->total_first)
		done = 100.0 * (double)p->sent / (double)p->total_first;
	return done < 99 ? done : 99;
}

static void put_duration(struct string *t, double s)
{
	unsigned long all = (unsigned long)(s + 0.5);

	if (all < 120)
		string_putf(t, "%lu s", all);
	else if (all < 7200)
		string_putf(t, "%lu min %lu s", all / 60, all % 60);
	else
		string_putf(t, "%lu h %lu min", all / 3600, all / 60 % 60);
}

static void put_progress(struct string *t, const struct progress *p)
{
	if (p->explain) {
		string_putf(t, "%llu frames  %llu resets  ", (unsigned long long)p->frames,
			    (unsigned long long)p->resets);
		put_duration(t, p->elapsed_s);
		return;
	}
	if (p->doing) {
		string_putf(t, "%s  ", p->doing);
		put_duration(t, p->elapsed_s);
		if (p->eta_s >= 0.5) {
			string_putf(t, "  ETA ");
			put_duration(t, p->eta_s);
		}
		return;
	}
	if (p->stack_hosts) {
		string_putf(t, "%llu of %llu hosts  %llu segments  ",
			    (unsigned long long)p->stack_over, (unsigned long long)p->stack_hosts,
			    (unsigned long long)p->sent);
		put_duration(t, p->elapsed_s);
		return;
	}
	string_putf(t, "%2.0f %%  %.0f probes/s  %llu open  pass %u", percent_done(p), p->rate_pps,
		    (unsigned long long)p->open, p->pass);
	/* At the end of the first pass nobody knows yet what is to be asked again. */
	if (p->eta_s >= 0.5) {
		string_putf(t, "  ETA ");
		put_duration(t, p->eta_s);
	}
}

static void tell(struct progress_report *r, const struct progress *p)
{
	erase(r);
	string_putf(&r->line, "rstprobe: ");
	put_progress(&r->line, p);
	string_putf(&r->line, "\n");
	out_string(&r->out, &r->line);
	out_flush(&r->out);
	r->told_at = p->elapsed_s;
}

static void draw(struct progress_report *r, const struct progress *p)
{
	size_t width;

	string_putf(&r->line, "\r  ");
	put_progress(&r->line, p);
	width = r->line.len - 1;
	/* What a longer line left behind */
	if (r->drawn > width)
		string_putf(&r->line, "%*s", (int)(r->drawn - width), "");
	out_string(&r->out, &r->line);
	out_flush(&r->out);
	r->drawn = width;
	r->drawn_at = p->elapsed_s;
}

static void progress_progress(void *ctx, const struct progress *p, bool asked)
{
	struct progress_report *r = ctx;

	if (asked || (r->every_s > 0 && p->elapsed_s - r->told_at >= r->every_s))
		tell(r, p);
	if (r->terminal && p->elapsed_s >= DRAW_FIRST_S &&
	    p->elapsed_s - r->drawn_at >= DRAW_EVERY_S)
		draw(r, p);
}

static void put_line(struct progress_report *r, const char *text)
{
	erase(r);
	string_putf(&r->line, "rstprobe: %s\n", text);
	out_string(&r->out, &r->line);
	out_flush(&r->out);
}

static void progress_note(void *ctx, const char *text)
{
	put_line(ctx, text);
}

static void progress_summary(void *ctx, const struct summary_record *s)
{
	struct progress_report *r = ctx;
	char text[320];

	erase(r);
	if (s->pcap_dropped) {
		snprintf(text, sizeof(text),
			 "the capture dropped %llu packets; a lower --rate would lose none",
			 (unsigned long long)s->pcap_dropped);
		put_line(r, text);
	}
	if (s->send_errors) {
		snprintf(text, sizeof(text), "%llu probe%s could not be sent",
			 (unsigned long long)s->send_errors, s->send_errors == 1 ? "" : "s");
		put_line(r, text);
	}
	if (!s->complete) {
		snprintf(text, sizeof(text), "incomplete: %s",
			 s->why[0] ? s->why : "the run ended early");
		put_line(r, text);
	}
}

/* Anything that another report may print on the same terminal comes after an erased line. */
static void progress_port(void *ctx, const struct port_record *r)
{
	(void)r;
	erase(ctx);
}

static void progress_host(void *ctx, const struct host_record *h)
{
	(void)h;
	erase(ctx);
}

static void progress_stack(void *ctx, const struct stack_record *r)
{
	(void)r;
	erase(ctx);
}

static void progress_walk(void *ctx, const struct walk_record *r)
{
	(void)r;
	erase(ctx);
}

static void progress_hop(void *ctx, const struct hop_record *r)
{
	(void)r;
	erase(ctx);
}

static void progress_trace(void *ctx, const struct trace_record *r)
{
	(void)r;
	erase(ctx);
}

static void progress_reset(void *ctx, const struct finding *f)
{
	(void)f;
	erase(ctx);
}

static void progress_try(void *ctx, const struct try_record *t)
{
	(void)t;
	erase(ctx);
}

static void progress_tries(void *ctx, const struct tries_record *t)
{
	(void)t;
	erase(ctx);
}

static void progress_explained(void *ctx, const struct explain_record *x)
{
	(void)x;
	erase(ctx);
}

static void progress_window(void *ctx, const struct window_record *w)
{
	(void)w;
	erase(ctx);
}

static int progress_close(struct report *report, struct err *e)
{
	struct progress_report *r = report->sink.ctx;
	int rc;

	erase(r);
	rc = out_finish(&r->out, "to stderr", e);
	string_free(&r->line);
	free(r);
	return rc;
}

struct report *report_progress_new(FILE *f, bool terminal, uint64_t every_ns)
{
	struct progress_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->out.f = f;
	r->terminal = terminal;
	r->every_s = (double)every_ns / 1e9;
	r->report = (struct report){
	    .sink =
		{
		    .ctx = r,
		    .open_found = progress_port,
		    .host_begin = progress_host,
		    .host_end = progress_host,
		    .stack = progress_stack,
		    .walk = progress_walk,
		    .hop = progress_hop,
		    .trace = progress_trace,
		    .reset = progress_reset,
		    .try = progress_try,
		    .tries = progress_tries,
		    .explained = progress_explained,
		    .window = progress_window,
		    .progress = progress_progress,
		    .note = progress_note,
		    .summary = progress_summary,
		},
	    .close = progress_close,
	};
	return &r->report;
}
