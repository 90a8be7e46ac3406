/*
 * json: JSON Lines, one object a line, `type` first (interface: rstprobe-json(5)). It decides which
 * keys a record has; json-c decides how a value is written.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/room.h"
#include "packet/segment.h"
#include "report/json_private.h"
#include "base/utf8.h"

enum { SCHEMA = 1 };

#define FLUSH_EVERY_S 1.0

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

void json_set(json_object *o, const char *key, json_object *value)
{
	if (o)
		json_object_object_add(o, key, value);
	else
		json_object_put(value);
}

void json_push(json_object *array, json_object *value)
{
	if (array)
		json_object_array_add(array, value);
	else
		json_object_put(value);
}

void json_add_text(json_object *o, const char *key, const char *value)
{
	json_set(o, key, json_new_text(value));
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
	json_set(o, key, json_new_u64(v));
}

void json_add_bool(json_object *o, const char *key, bool v)
{
	json_set(o, key, json_object_new_boolean(v));
}

void json_add_null(json_object *o, const char *key)
{
	json_set(o, key, NULL);
}

void json_add_text_or_null(json_object *o, const char *key, const char *value)
{
	if (value && *value)
		json_add_text(o, key, value);
	else
		json_add_null(o, key);
}

void json_add_u64_if(json_object *o, const char *key, uint64_t v)
{
	if (v)
		json_add_u64(o, key, v);
}

void json_add_real(json_object *o, const char *key, double v, int decimals)
{
	char text[64];

	if (!isfinite(v)) {
		json_set(o, key, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%.*f", decimals, v);
	json_set(o, key, json_object_new_double_s(v, text));
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
	json_object *o = room_at_hand() ? json_object_new_object() : NULL;

	json_add_text(o, "type", type);
	return o;
}

void json_put_record(struct json_report *r, json_object *o)
{
	const char *text = NULL;

	if (o && room_at_hand())
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
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
			json_push(files, json_new_text(run->files[i]));
		json_set(o, "files", files);
	}
}

/* Of `scan`: what --resume compares. */
static void add_space(json_object *o, const struct run_info *run)
{
	if (!run->space[0])
		return;
	json_add_u64(o, "hosts", run->hosts);
	json_add_u64(o, "indices", run->indices);
	json_add_text(o, "space", run->space);
	if (run->shards > 1) {
		json_add_u64(o, "shard", run->shard);
		json_add_u64(o, "shards", run->shards);
	}
	if (run->resumed)
		json_add_text(o, "resumed", run->resumed);
}

/* What a scan was to show: ports in other states have no record. */
static void add_shown(json_object *o, const struct report_style *style)
{
	json_object *shown;

	if (!style->show_given)
		return;
	shown = json_object_new_array();
	for (int s = 0; s < PORT_STATES; s++)
		if (host_shows(style, (enum port_state)s))
			json_push(shown, json_new_text(state_name((enum port_state)s)));
	json_set(o, "shown", shown);
}

static void put_covers(struct json_report *r)
{
	const struct run_info *run = r->run;

	for (size_t i = 0; i < run->n_covers; i++) {
		json_object *o = json_new_record("covers");

		json_add_addr(o, "first", r, &run->covers[i].first);
		json_add_addr(o, "last", r, &run->covers[i].last);
		json_add_text(o, "ports", run->covers[i].ports);
		json_put_record(r, o);
	}
	if (run->covers_truncated) {
		json_object *o = json_new_record("covers");

		json_add_bool(o, "truncated", true);
		json_put_record(r, o);
	}
}

static void put_run(struct json_report *r)
{
	const struct run_info *run = r->run;
	json_object *o = json_new_record("run"), *argv = json_object_new_array();
	json_object *source = json_object_new_array();

	for (char *const *arg = run->argv; arg && *arg; arg++)
		json_push(argv, json_new_text(*arg));
	for (size_t i = 0; i < run->n_sources; i++) {
		json_object *s = json_object_new_object();

		json_add_addr(s, "addr", r, &run->sources[i].addr);
		json_add_text(s, "iface", run->sources[i].ifname);
		json_push(source, s);
	}
	json_set(o, "schema", json_object_new_int(SCHEMA));
	json_add_text(o, "tool", "rstprobe");
	json_add_text(o, "version", run->version);
	json_add_text(o, "command", run->command);
	json_set(o, "argv", argv);
	json_add_time(o, "started", run->started_wall_ns);
	json_add_u64(o, "seed", run->seed);
	json_set(o, "source", source);
	add_space(o, run);
	if (run->space[0])
		add_shown(o, &r->style);
	add_captures(o, run);
	json_put_record(r, o);
	put_covers(r);
	out_flush(&r->out);
}

json_object *json_new_clues(const struct clue *clues, size_t n)
{
	json_object *a = json_object_new_array();
	char text[256];

	for (size_t i = 0; i < n; i++) {
		report_clue(text, sizeof(text), &clues[i]);
		json_push(a, json_new_text(text));
	}
	return a;
}

json_object *json_new_counts(const uint64_t counts[PORT_STATES])
{
	json_object *o = json_object_new_object();

	for (int s = 0; s < PORT_STATES; s++)
		if (counts[s])
			json_add_u64(o, state_name((enum port_state)s), counts[s]);
	return o;
}

static void json_window(void *ctx, const struct window_record *w)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("window"), *probes = json_object_new_array();

	for (size_t i = 0; i < w->n_kinds; i++)
		json_push(probes, json_new_text(w->kinds[i]->name));
	json_add_u64(o, "first", w->first);
	json_add_u64(o, "last", w->last);
	json_set(o, "probes", probes);
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
	json_add_u64(o, "skipped", s->skipped);
	json_add_u64(o, "hosts_given_up", s->hosts_given_up);
	json_add_u64(o, "hosts_limited", s->hosts_limited);
	if (r->run->resumed)
		json_add_u64(o, "known", s->known);
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
	json_set(o, "counts", json_new_counts(s->counts));
	if (s->audit)
		json_add_audit(o, s->audit);
	json_put_record(r, o);
	out_flush(&r->out);
}

/* Once a second is soon enough for who watches, and as seldom as not to cost anything. */
static void json_progress(void *ctx, const struct progress *p, bool asked)
{
	struct json_report *r = ctx;

	(void)asked;
	if (p->elapsed_s - r->flushed_s < FLUSH_EVERY_S)
		return;
	out_flush(&r->out);
	r->flushed_s = p->elapsed_s;
}

static void json_carry(struct report *report, const char *line, size_t len)
{
	struct json_report *r = report->sink.ctx;

	out_write(&r->out, line, len);
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
		    .open_found = json_open_found,
		    .host_begin = json_host_begin,
		    .port = json_port,
		    .host_end = json_host_end,
		    .stack = json_stack,
		    .provoke = json_provoke,
		    .hop = json_hop,
		    .trace = json_trace,
		    .check = json_check,
		    .reset = json_reset,
		    .try = json_try,
		    .tries = json_tries,
		    .explained = json_explained,
		    .change = json_change,
		    .diffed = json_diffed,
		    .vantage = json_vantage,
		    .vantages = json_vantages,
		    .looked = json_looked,
		    .examined = json_examined,
		    .window = json_window,
		    .progress = json_progress,
		    .note = json_note,
		    .summary = json_summary,
		},
	    .carry = json_carry,
	    .close = json_close,
	};
	put_run(r);
	return &r->report;
}
