/*
 * json: JSON Lines, one object a line, `type` first (interface: rstprobe-json(5)). It decides which
 * keys a record has; json-c decides how a value is written.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "packet/notation.h"
#include "packet/segment.h"
#include "report/json_private.h"
#include "report/utf8.h"

enum { SCHEMA = 1 };

/* A command line may hold any bytes; the output is UTF-8 all the same. */
json_object *json_new_text(const char *s)
{
	struct string clean = {0};
	json_object *o = NULL;

	while (*s) {
		size_t n = utf8_len(s);

		if (n)
			string_put(&clean, s, n);
		else
			string_put(&clean, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
		s += n ? n : 1;
	}
	if (!clean.failed)
		o = json_object_new_string(string_text(&clean));
	string_free(&clean);
	return o;
}

void json_add_text(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_new_text(value));
}

json_object *json_new_u64(uint64_t v)
{
	char text[24];

	if (v <= INT64_MAX)
		return json_object_new_int64((int64_t)v);
	/* json_object_new_uint64 came with json-c 0.14 */
	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return json_object_new_double_s((double)v, text);
}

void json_add_u64(json_object *o, const char *key, uint64_t v)
{
	json_object_object_add(o, key, json_new_u64(v));
}

void json_add_bool(json_object *o, const char *key, bool v)
{
	json_object_object_add(o, key, json_object_new_boolean(v));
}

void json_add_null(json_object *o, const char *key)
{
	json_object_object_add(o, key, NULL);
}

void json_add_real(json_object *o, const char *key, double v, int decimals)
{
	char text[64];

	if (!isfinite(v)) {
		json_object_object_add(o, key, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%.*f", decimals, v);
	json_object_object_add(o, key, json_object_new_double_s(v, text));
}

void json_add_flags(json_object *o, uint16_t flags)
{
	static const char letters[] = "FSRPAUECN"; /* by bit; N: AE, once the nonce sum */
	char text[sizeof(letters)];
	size_t n = 0;

	if (flags & TCP_RST)
		text[n++] = 'R';
	for (size_t i = 0; i + 1 < sizeof(letters); i++)
		if ((flags & 1U << i) && letters[i] != 'R')
			text[n++] = letters[i];
	text[n] = 0;
	json_add_text(o, "flags", text);
}

json_object *json_new_record(const char *type)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "type", type);
	return o;
}

void json_put_record(struct json_report *r, json_object *o)
{
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text)
		string_putf(&r->line, "%s\n", text);
	else
		r->line.failed = true;
	out_string(&r->out, &r->line);
	json_object_put(o);
}

void json_add_addr(json_object *o, const char *key, const struct json_report *r,
		   const struct addr *a)
{
	char buf[ADDR_TEXT];

	json_add_text(o, key, host_addr(r->run, a, buf));
}

void json_add_who(json_object *o, const struct json_report *r, const struct addr *a,
		  const char *name)
{
	json_add_addr(o, "addr", r, a);
	if (name)
		json_add_text(o, "name", name);
}

void json_add_time(json_object *o, const char *key, uint64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / 1000000000U);
	char date[32], text[48];
	struct tm tm;

	if (!gmtime_r(&s, &tm))
		return;
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06uZ", date, (unsigned)(wall_ns / 1000 % 1000000));
	json_add_text(o, key, text);
}

/* Of `explain`: what it reads. */
static void add_captures(json_object *o, const struct run_info *run)
{
	if (run->live)
		json_add_text(o, "iface", run->live);
	if (run->n_files) {
		json_object *files = json_object_new_array();

		for (size_t i = 0; i < run->n_files; i++)
			json_object_array_add(files, json_new_text(run->files[i]));
		json_object_object_add(o, "files", files);
	}
}

static void put_run(struct json_report *r)
{
	const struct run_info *run = r->run;
	json_object *o = json_new_record("run"), *argv = json_object_new_array();
	json_object *source = json_object_new_array();

	for (char *const *arg = run->argv; arg && *arg; arg++)
		json_object_array_add(argv, json_new_text(*arg));
	for (size_t i = 0; i < run->n_sources; i++) {
		json_object *s = json_object_new_object();

		json_add_addr(s, "addr", r, &run->sources[i].addr);
		json_add_text(s, "iface", run->sources[i].ifname);
		json_object_array_add(source, s);
	}
	json_object_object_add(o, "schema", json_object_new_int(SCHEMA));
	json_add_text(o, "tool", "rstprobe");
	json_add_text(o, "version", run->version);
	json_add_text(o, "command", run->command);
	json_object_object_add(o, "argv", argv);
	json_add_time(o, "started", run->started_wall_ns);
	json_add_u64(o, "seed", run->seed);
	json_object_object_add(o, "source", source);
	add_captures(o, run);
	json_put_record(r, o);
	out_flush(&r->out);
}

/* Of several replies to one kind, the one that the verdict rests on stands for it. */
static enum reaction reaction_to(const struct port_record *p, size_t kind)
{
	const struct verdict *v = p->verdict;
	const struct observation *seen = p->seen;

	if (v->decider && v->decider->kind == kind)
		return (enum reaction)v->decider->reaction;
	if (v->against && v->against->kind == kind)
		return (enum reaction)v->against->reaction;
	for (size_t i = 0; i < seen->n_replies; i++)
		if (seen->replies[i]->kind == kind)
			return (enum reaction)seen->replies[i]->reaction;
	return REACTION_NONE;
}

static json_object *new_probes(const struct port_record *p)
{
	json_object *o = json_object_new_object();

	for (size_t k = 0; p->seen && k < p->seen->n_kinds; k++)
		if (p->seen->tries[k])
			json_add_text(o, p->seen->kinds[k]->name,
				      reaction_token(reaction_to(p, k)));
	return o;
}

json_object *json_new_clues(const struct clue *clues, size_t n)
{
	json_object *a = json_object_new_array();
	char text[256];

	for (size_t i = 0; i < n; i++) {
		report_clue(text, sizeof(text), &clues[i]);
		json_object_array_add(a, json_new_text(text));
	}
	return a;
}

static json_object *new_segment(const struct reply *reply)
{
	json_object *o = json_object_new_object();
	char flags[16];
	struct text t = text_of(flags, sizeof(flags));

	notation_put_flags(&t, reply->flags);
	json_add_text(o, "reaction", reaction_token((enum reaction)reply->reaction));
	json_add_text(o, "flags", flags);
	json_add_u64(o, "seq", reply->seq);
	json_add_u64(o, "ack", reply->ack);
	json_add_u64(o, "ttl", reply->ttl);
	json_add_u64(o, "win", reply->win);
	return o;
}

static void add_segments(json_object *o, const struct verdict *v)
{
	json_object *a = json_object_new_array();

	if (v->decider)
		json_object_array_add(a, new_segment(v->decider));
	if (v->against)
		json_object_array_add(a, new_segment(v->against));
	json_object_object_add(o, "segments", a);
}

static void add_icmp(json_object *o, uint8_t type, uint8_t code)
{
	json_add_u64(o, "icmp_type", type);
	json_add_u64(o, "icmp_code", code);
}

static void add_reply(json_object *o, const struct json_report *r, const struct port_record *p)
{
	const struct reply *reply = p->verdict->decider;

	if (!reply)
		return;
	if (reply->rtt_us != UINT32_MAX)
		json_add_u64(o, "rtt_us", reply->rtt_us);
	json_add_u64(o, "ttl", reply->ttl);
	if (p->from)
		json_add_addr(o, "from", r, p->from);
	if (reaction_is_icmp(p->verdict->reaction))
		add_icmp(o, reply->icmp_type, reply->icmp_code);
}

static void put_port(struct json_report *r, const struct port_record *p)
{
	const struct verdict *v = p->verdict;
	json_object *o = json_new_record("port");

	json_add_who(o, r, p->addr, p->name);
	json_add_u64(o, "port", p->port);
	json_add_text(o, "proto", "tcp");
	json_add_text(o, "state", state_name(v->state));
	if (v->weak)
		json_add_bool(o, "weak", true);
	json_add_text(o, "reason", v->reason);
	json_add_text(o, "origin", origin_name(v->origin));
	json_object_object_add(o, "probes", new_probes(p));
	json_add_u64(o, "tries", p->tries);
	add_reply(o, r, p);
	json_object_object_add(o, "clues", json_new_clues(v->clues, v->n_clues));
	if (v->state == STATE_INCONSISTENT)
		add_segments(o, v);
	json_put_record(r, o);
}

static void put_group(struct json_report *r, const struct host_record *h,
		      const struct port_group *g)
{
	json_object *o = json_new_record("ports");
	struct string ports = {0};

	json_add_who(o, r, h->addr, h->name);
	json_add_text(o, "state", state_name(g->state));
	if (g->weak)
		json_add_bool(o, "weak", true);
	json_add_text(o, "reason", g->reason);
	json_add_u64(o, "count", g->ports.count);
	ranges_put(&g->ports, 0, &ports);
	if (ports.failed)
		out_no_memory(&r->out);
	json_add_text(o, "ports", string_text(&ports));
	if (g->from.family)
		json_add_addr(o, "from", r, &g->from);
	if (g->icmp)
		add_icmp(o, g->icmp_type, g->icmp_code);
	if (g->n_clues)
		json_object_object_add(o, "clues", json_new_clues(g->clues, g->n_clues));
	json_put_record(r, o);
	string_free(&ports);
}

static void json_host_begin(void *ctx, const struct host_record *h)
{
	struct json_report *r = ctx;

	(void)h;
	host_groups_clear(&r->groups);
}

static void json_port(void *ctx, const struct host_record *h, const struct port_record *p)
{
	struct json_report *r = ctx;

	if (r->style.show_given && !host_shows(&r->style, p->verdict->state))
		return;
	if (host_lists(h, &r->style, p->verdict->state))
		put_port(r, p);
	else if (!host_group_add(&r->groups, p))
		out_no_memory(&r->out);
}

static json_object *new_counts(const uint64_t counts[PORT_STATES])
{
	json_object *o = json_object_new_object();

	for (int s = 0; s < PORT_STATES; s++)
		if (counts[s])
			json_add_u64(o, state_name((enum port_state)s), counts[s]);
	return o;
}

static void json_host_end(void *ctx, const struct host_record *h)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("host");
	uint64_t counts[PORT_STATES];

	for (size_t i = 0; i < r->groups.n; i++)
		put_group(r, h, &r->groups.v[i]);
	host_groups_clear(&r->groups);
	for (int s = 0; s < PORT_STATES; s++)
		counts[s] = h->counts[s];
	json_add_who(o, r, h->addr, h->name);
	json_add_bool(o, "up", h->up);
	if (!h->up && h->down_reason)
		json_add_text(o, "reason", h->down_reason);
	json_object_object_add(o, "counts", new_counts(counts));
	json_add_text(o, "style", style_name(h->style));
	json_add_text(o, "family", family_name(h->family));
	json_add_text(o, "confidence", confidence_name(h->confidence));
	json_put_record(r, o);
	out_flush(&r->out);
}

static void json_window(void *ctx, const struct window_record *w)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("window"), *probes = json_object_new_array();

	for (size_t i = 0; i < w->n_kinds; i++)
		json_object_array_add(probes, json_new_text(w->kinds[i]->name));
	json_add_u64(o, "first", w->first);
	json_add_u64(o, "last", w->last);
	json_object_object_add(o, "probes", probes);
	json_add_bool(o, "complete", w->complete);
	json_put_record(r, o);
	out_flush(&r->out);
}

static void json_note(void *ctx, const char *text)
{
	json_object *o = json_new_record("note");

	json_add_text(o, "text", text);
	json_put_record(ctx, o);
}

static const char *end_name(enum run_end end)
{
	static const char *const names[] = {
	    [END_COMPLETE] = "complete", [END_INTERRUPTED] = "interrupted",
	    [END_DEADLINE] = "deadline", [END_LINK] = "link-down",
	    [END_SEND] = "send-failed",	 [END_CAPTURE] = "capture-failed",
	};

	return names[end];
}

static void json_summary(void *ctx, const struct summary_record *s)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("summary");

	json_add_bool(o, "complete", s->complete);
	json_add_text(o, "end", end_name(s->end));
	if (s->why[0])
		json_add_text(o, "why", s->why);
	json_add_u64(o, "hosts", s->hosts_total);
	json_add_u64(o, "hosts_up", s->hosts_up);
	json_add_u64(o, "indices", s->indices);
	json_add_u64(o, "not_probed", s->not_probed);
	json_add_u64(o, "unroutable", s->unroutable);
	json_add_u64(o, "silent", s->silent);
	json_add_u64(o, "sent", s->sent);
	json_add_u64(o, "answered", s->answered);
	json_add_u64(o, "retried", s->retried);
	json_add_u64(o, "late", s->late);
	json_add_u64(o, "duplicates", s->duplicates);
	json_add_u64(o, "foreign", s->foreign);
	json_add_u64(o, "captured", s->captured);
	json_add_u64(o, "pcap_dropped", s->pcap_dropped);
	json_add_u64(o, "send_errors", s->send_errors);
	json_add_real(o, "loss_estimate", s->loss_estimate < 0 ? NAN : s->loss_estimate, 4);
	json_add_real(o, "rate_pps", s->rate_pps, 1);
	json_add_real(o, "elapsed_s", s->elapsed_s, 6);
	json_object_object_add(o, "counts", new_counts(s->counts));
	json_put_record(r, o);
	out_flush(&r->out);
}

static int json_close(struct report *report, struct err *e)
{
	struct json_report *r = report->sink.ctx;
	int rc = out_finish(&r->out, "the JSON output", e);

	host_groups_free(&r->groups);
	string_free(&r->line);
	free(r);
	return rc;
}

struct report *report_json_new(FILE *f, const struct run_info *run,
			       const struct report_style *style)
{
	struct json_report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->out.f = f;
	r->run = run;
	r->style = *style;
	r->report = (struct report){
	    .sink =
		{
		    .ctx = r,
		    .host_begin = json_host_begin,
		    .port = json_port,
		    .host_end = json_host_end,
		    .stack = json_stack,
		    .reset = json_reset,
		    .explained = json_explained,
		    .window = json_window,
		    .note = json_note,
		    .summary = json_summary,
		},
	    .close = json_close,
	};
	put_run(r);
	return &r->report;
}
