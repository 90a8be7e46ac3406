/*
 * xml: nmap's XML (nmap.dtd), so that whatever reads nmap's results reads ours. Its words and its
 * order are nmap's; where that has no place for what we know, we leave it out. The DTD allows no
 * other scanner than "nmap": version and arguments say who it was.
 */
#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "report/xml_private.h"

/* What may be kept of hosts until the end; beyond, a host may stand in the document twice. */
static const size_t KEPT_BYTES = (size_t)256 << 20;

/* --- the beginning ---------------------------------------------------------------------------- */

static void attr_args(struct xmlout *x, const struct run_info *run)
{
	struct string args = {0};

	string_put_text(&args, "rstprobe");
	for (char *const *arg = run->argv; arg && *arg && arg[1]; arg++) {
		bool quoted = !*arg[1] || strpbrk(arg[1], " \t\n\"'");

		string_putf(&args, quoted ? " '%s'" : " %s", arg[1]);
	}
	xmlout_attr(x, "args", string_text(&args));
	x->failed |= args.failed;
	string_free(&args);
}

/* As nmap writes it, by the clock of this place. */
static void attr_date(struct xmlout *x, const char *number, const char *text, uint64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / 1000000000U);
	char date[64];
	struct tm tm;

	xmlout_attrf(x, number, "%lld", (long long)s);
	if (localtime_r(&s, &tm) && strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm))
		xmlout_attr(x, text, date);
}

/* nmap has names for some kinds; another is a SYN scan with other flags to it, as --scanflags. */
static void put_scaninfo(struct xmlout *x, const struct run_info *run, const struct probe *kind)
{
	static const struct {
		uint16_t flags;
		const char *type;
	} types[] = {
	    {TCP_SYN, "syn"}, {TCP_ACK, "ack"},
	    {TCP_FIN, "fin"}, {TCP_FIN | TCP_PSH | TCP_URG, "xmas"},
	    {0, "null"},      {TCP_FIN | TCP_ACK, "maimon"},
	};
	const char *type = NULL;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (kind->flags == types[i].flags)
			type = types[i].type;
	xmlout_begin(x, "scaninfo");
	xmlout_attr(x, "type", type ? type : "syn");
	if (!type)
		xmlout_attr(x, "scanflags", kind->name);
	xmlout_attr(x, "protocol", "tcp");
	xmlout_attrf(x, "numservices", "%u", run->n_ports);
	xmlout_attr(x, "services", run->ports ? run->ports : "");
	xmlout_end(x);
}

static void begin(struct xml_report *r)
{
	const struct run_info *run = r->run;
	struct xmlout *x = &r->x;

	xmlout_doctype(x, "nmaprun");
	xmlout_begin(x, "nmaprun");
	xmlout_attr(x, "scanner", "nmap");
	attr_args(x, run);
	attr_date(x, "start", "startstr", run->started_wall_ns);
	xmlout_attrf(x, "version", "rstprobe-%s", run->version);
	xmlout_attr(x, "xmloutputversion", "1.05");
	for (size_t i = 0; i < run->n_kinds; i++)
		put_scaninfo(x, run, run->kinds[i]);
	xmlout_begin(x, "verbose");
	xmlout_attr(x, "level", r->style.verbose ? "1" : "0");
	xmlout_end(x);
	xmlout_begin(x, "debugging");
	xmlout_attr(x, "level", "0");
	xmlout_end(x);
}

/* --- hosts ------------------------------------------------------------------------------------ */

static void put_hosts(struct xml_report *r)
{
	xml_hosts_sort(&r->hosts);
	for (size_t i = 0; i < r->hosts.n; i++)
		xml_put_host(r, r->hosts.v[i]);
	xml_hosts_clear(&r->hosts);
	r->host = NULL;
}

void xml_bound(struct xml_report *r)
{
	if (r->hosts.bytes > KEPT_BYTES)
		put_hosts(r);
}

void xml_add_port(struct xml_report *r, struct xml_host *host, const struct xml_port *p)
{
	if (r->style.show_given && !host_shows(&r->style, p->state))
		return;
	xml_hosts_port(&r->hosts, host, p);
}

static void xml_host_begin(void *ctx, const struct host_record *h)
{
	struct xml_report *r = ctx;
	char text[ADDR_TEXT];

	r->host = xml_hosts_find(&r->hosts, h->addr, host_addr(r->run, h->addr, text), h->name);
}

static void xml_port(void *ctx, const struct host_record *h, const struct port_record *p)
{
	struct xml_report *r = ctx;
	const struct verdict *v = p->verdict;
	bool foreign = v->decider && p->from && !addr_equal(p->from, h->addr);
	char from[ADDR_TEXT];
	const struct xml_port port = {
	    .port = p->port,
	    .state = v->state,
	    .ttl = v->decider ? v->decider->ttl : 0,
	    .reason = v->reason,
	    .from = foreign ? host_addr(r->run, p->from, from) : NULL,
	};

	if (!r->host)
		return;
	if (v->decider && !foreign && !r->host->up) {
		r->host->up = true;
		r->host->reason = xml_hosts_reason(&r->hosts, v->reason);
		r->host->reason_ttl = v->decider->ttl;
	}
	xml_add_port(r, r->host, &port);
}

static void xml_host_end(void *ctx, const struct host_record *h)
{
	struct xml_report *r = ctx;
	struct xml_host *host = r->host;

	if (!host)
		return;
	if (!host->up) {
		const char *why = h->up ? "host-response" : h->down_reason;

		host->up = h->up;
		host->reason = xml_hosts_reason(&r->hosts, why ? why : "unknown-response");
	}
	if (h->srtt_us)
		host->srtt_us = h->srtt_us;
	host->pieces = true;
	r->host = NULL;
	xml_bound(r);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void put_finished(struct xml_report *r, const struct summary_record *s)
{
	struct xmlout *x = &r->x;
	double elapsed = s->elapsed_s > 0 ? s->elapsed_s : 0;
	uint64_t end_ns = r->run->started_wall_ns + (uint64_t)(elapsed * 1e9);
	unsigned long long total = s->hosts_total, up = s->hosts_up < total ? s->hosts_up : total;

	xmlout_begin(x, "runstats");
	xmlout_begin(x, "finished");
	attr_date(x, "time", "timestr", end_ns);
	xmlout_attrf(x, "elapsed", "%.2f", elapsed);
	xmlout_attrf(x, "summary", "rstprobe: %llu host%s (%llu up) scanned in %.2f seconds", total,
		     total == 1 ? "" : "s", up, elapsed);
	xmlout_attr(x, "exit", s->complete ? "success" : "error");
	if (!s->complete)
		xmlout_attr(x, "errormsg", s->why[0] ? s->why : "the run ended early");
	xmlout_end(x);
	xmlout_begin(x, "hosts");
	xmlout_attrf(x, "up", "%llu", up);
	xmlout_attrf(x, "down", "%llu", total - up);
	xmlout_attrf(x, "total", "%llu", total);
	xmlout_end(x);
	xmlout_end(x);
}

static void xml_summary(void *ctx, const struct summary_record *s)
{
	struct xml_report *r = ctx;

	put_hosts(r);
	put_finished(r, s);
	r->ended = true;
	xmlout_flush(&r->x);
}

static int xml_close(struct report *report, struct err *e)
{
	struct xml_report *r = report->sink.ctx;
	const struct summary_record none = {.hosts_total = r->run->hosts};
	int rc;

	if (!r->ended)
		xml_summary(r, &none);
	r->x.failed |= r->hosts.failed;
	rc = xmlout_close(&r->x, "the XML output", e);
	xml_hosts_free(&r->hosts);
	free(r);
	return rc;
}

struct report *report_xml_new(FILE *f, const struct run_info *run, const struct report_style *style)
{
	struct xml_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->run = run;
	r->style = *style;
	if (!xmlout_open(&r->x, f)) {
		free(r);
		return NULL;
	}
	r->report = (struct report){
	    .sink =
		{
		    .ctx = r,
		    .host_begin = xml_host_begin,
		    .port = xml_port,
		    .host_end = xml_host_end,
		    .summary = xml_summary,
		},
	    .carry = xml_carry,
	    .close = xml_close,
	};
	xml_hosts_reason(&r->hosts, "unknown-response"); /* what 0 stands for */
	begin(r);
	return &r->report;
}
