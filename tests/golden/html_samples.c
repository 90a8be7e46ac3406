/*
 * html_samples: pages of `explain`, of findings made by hand, for test_html.py and for eyes:
 * html_samples NAME writes one to the standard output. What findings mean is no matter here.
 */
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "unit/resets.h"

static const char *const argv_plain[] = {
    "rstprobe", "explain", "--format", "html", "<script>alert(2)</script>.pcap", NULL};
static const char *const hostile_files[] = {
    "<script>alert(2)</script>.pcap",
    "\" onmouseover=\"alert(3)\xff\xe2\x80\xae&lt;.pcap",
};
static const char *const plain_files[] = {"web1.pcap"};

struct page {
	struct run_info run;
	struct report *report;
	bool summary_only;
	struct explain_summary sum;
	struct explain_record end;
};

static void page_open(struct page *p)
{
	const struct report_style style = {.width = 80, .summary_only = p->summary_only};

	resets_summary(&p->sum, &p->end);
	p->run.command = "explain";
	p->run.version = "0.1.0";
	p->run.argv = (char *const *)(uintptr_t)argv_plain;
	p->run.started_wall_ns = RESETS_START_NS;
	p->report = report_html_new(stdout, &p->run, &style);
}

static void tell(struct page *p, struct reset *r, uint16_t file)
{
	r->f.file = file;
	p->report->sink.reset(p->report->sink.ctx, &r->f);
}

static void tell_all(struct page *p)
{
	static void (*const makers[])(struct reset *) = {reset_refused,	  reset_abandoned,
							 reset_half_open, reset_unread,
							 reset_injected,  reset_benign};
	struct reset r, echo;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		makers[i](&r);
		/* in the order of the capture, as findings come */
		reset_shift(&r, (uint32_t)i * 100);
		tell(p, &r, 0);
		if (makers[i] != reset_unread)
			continue;
		reset_follower(&echo, &r, CAUSE_AFTER_RESET);
		tell(p, &echo, 0);
		reset_follower(&echo, &r, CAUSE_DUP_FRAME);
		tell(p, &echo, 0);
	}
}

static void all(struct page *p)
{
	p->run.files = plain_files;
	p->run.n_files = 1;
	page_open(p);
	tell_all(p);
	p->report->sink.explained(p->report->sink.ctx, &p->end);
}

/* Names and texts that try to be markup, and a run that broke. */
static void hostile(struct page *p)
{
	struct reset r;

	p->run.files = hostile_files;
	p->run.n_files = 2;
	page_open(p);
	tell_all(p);
	reset_injected(&r);
	strcpy(r.f.vendor, "]]></svg><img src=x onerror=alert(4)>");
	tell(p, &r, 1);
	reset_unread(&r);
	reset_shift(&r, 400);
	strcpy(r.f.kernel.reason, "<iframe src=//x>");
	tell(p, &r, 1);
	p->end.complete = false;
	strcpy(p->end.why, "<script>alert(5)</script>: cut in frame 9");
	p->end.kernel = "<b>not</b> permitted";
	p->sum.resets = 10;
	p->report->sink.explained(p->report->sink.ctx, &p->end);
}

/* More findings than a page draws, a rare one last. */
static void many(struct page *p)
{
	struct reset r;

	p->run.live = "veth0";
	page_open(p);
	for (uint32_t i = 0; i < 2500; i++) {
		reset_refused(&r);
		reset_shift(&r, 2 * i);
		r.f.dport = (uint16_t)(20000 + i);
		tell(p, &r, 0);
	}
	reset_half_open(&r);
	reset_shift(&r, 6000);
	tell(p, &r, 0);
	p->sum.resets = 2501;
	memset(p->sum.weighed, 0, sizeof(p->sum.weighed));
	p->sum.weighed[SEVERITY_BENIGN][CAUSE_REFUSED] = 2400;
	p->sum.weighed[SEVERITY_PROBLEM][CAUSE_REFUSED] = 100;
	p->sum.weighed[SEVERITY_PROBLEM][CAUSE_HALF_OPEN] = 1;
	p->end.live = true;
	p->end.kernel = "";
	p->report->sink.explained(p->report->sink.ctx, &p->end);
}

static void none(struct page *p)
{
	p->run.files = plain_files;
	p->run.n_files = 1;
	page_open(p);
	p->sum = (struct explain_summary){.frames = 12, .tcp = 12, .unknown_linktype = -1};
	p->report->sink.explained(p->report->sink.ctx, &p->end);
}

static void summary(struct page *p)
{
	p->summary_only = true;
	all(p);
}

/* Options left nothing of what was found. */
static void filtered(struct page *p)
{
	p->run.files = plain_files;
	p->run.n_files = 1;
	page_open(p);
	p->end.shown = 0;
	p->report->sink.explained(p->report->sink.ctx, &p->end);
}

/* The program ended before it could sum up. */
static void broken(struct page *p)
{
	struct reset r;

	p->run.files = plain_files;
	p->run.n_files = 1;
	page_open(p);
	reset_refused(&r);
	tell(p, &r, 0);
}

int main(int argc, char **argv)
{
	static const struct sample {
		const char *name;
		void (*write)(struct page *p);
	} samples[] = {
	    {"all", all},	{"hostile", hostile}, {"many", many},	      {"none", none},
	    {"broken", broken}, {"summary", summary}, {"filtered", filtered},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct page p = {0};
		struct err e;

		if (strcmp(argv[1], samples[i].name))
			continue;
		samples[i].write(&p);
		return p.report->close(p.report, &e) ? 1 : 0;
	}
	fprintf(stderr, "usage: html_samples all|hostile|many|none|broken|summary|filtered\n");
	return 2;
}
