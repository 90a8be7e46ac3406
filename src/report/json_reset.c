/*
 * json_reset: the record of each RST that `explain` judged, benign ones, followers and duplicate
 * frames among them, and the summary at the end. It decides which keys are there, never what they
 * say. Keys of the contract are always there, null where nothing is known; the others only where
 * they say something.
 */
#include "report/json_private.h"
#include "report/reset_words.h"

static const char *file_name(const struct json_report *r, uint16_t file)
{
	return file < r->run->n_files ? r->run->files[file] : NULL;
}

static void add_frame(json_object *o, const char *key, uint32_t frame)
{
	if (frame)
		json_add_u64(o, key, frame);
	else
		json_add_null(o, key);
}

json_object *json_new_alternatives(const struct finding *f)
{
	json_object *a = json_object_new_array();

	for (size_t i = 0; i < ALSO_MAX && f->also[i] != CAUSE_UNKNOWN; i++)
		json_push(a, json_new_text(cause_name(f->also[i])));
	return a;
}

static json_object *new_sees(const struct finding *f)
{
	json_object *a = json_object_new_array();

	for (size_t i = 0; i < APP_SEES_MAX && f->sees[i] != APP_END; i++)
		json_push(a, json_new_text(app_result_name(f->sees[i])));
	return a;
}

static void add_where(json_object *o, const struct json_report *r, const struct finding *f)
{
	json_add_text_or_null(o, "file", file_name(r, f->file));
	json_add_u64(o, "frame", f->frame);
	if (f->wall_ns)
		json_add_time(o, "time", f->wall_ns);
	else
		json_add_null(o, "time");
	json_add_addr(o, "src", r, &f->src);
	json_add_u64(o, "sport", f->sport);
	json_add_addr(o, "dst", r, &f->dst);
	json_add_u64(o, "dport", f->dport);
	json_add_text(o, "sender", sender_name(f->sender));
}

json_object *json_new_reset_clues(const struct finding *f)
{
	json_object *a = json_object_new_array();

	for (size_t i = 0; i < f->n_clues; i++) {
		char buf[RESET_WORDS_MAX];
		struct text t = text_of(buf, sizeof(buf));

		reset_words_clue(&t, f, &f->clues[i]);
		json_push(a, json_new_text(buf));
	}
	return a;
}

/* The keys of the contract, in its order. */
static void add_verdict(json_object *o, const struct finding *f)
{
	json_add_text(o, "cause", cause_name(f->cause));
	json_set(o, "alternatives", json_new_alternatives(f));
	json_add_text(o, "confidence", sureness_name(f->sure));
	add_frame(o, "provoked_by", f->provoked_by);
	json_add_text(o, "origin", origin_name(f->origin));
	json_set(o, "clues", json_new_reset_clues(f));
	json_add_text(o, "severity", severity_name(f->severity));
	json_add_text(o, "outcome", outcome_name(f->outcome));
	json_set(o, "app_sees", new_sees(f));
	json_add_u64(o, "bytes_lost", f->bytes_lost);
	add_frame(o, "root", f->root);
	json_add_text(o, "advice", cause_infos[f->cause].advice);
	json_add_text_or_null(o, "kernel_reason", f->has_kernel ? f->kernel.reason : NULL);
}

static void add_text_if(json_object *o, const char *key, const char *text)
{
	if (text && text[0])
		json_add_text(o, key, text);
}

static json_object *new_burst(const struct finding *f)
{
	json_object *o = json_object_new_object();

	json_add_u64(o, "connections", f->burst_n);
	json_add_u64(o, "span_us", f->burst_ns / 1000);
	return o;
}

static json_object *new_kernel(const struct kernel_reset *k)
{
	json_object *o = json_object_new_object();

	add_text_if(o, "state", k->state);
	if (k->pid) {
		json_add_u64(o, "pid", k->pid);
		json_add_text(o, "comm", k->comm);
	}
	add_text_if(o, "meaning", kernel_reset_meaning(k));
	return o;
}

/* How far the connection had come, as CLUE_STAGE counts. */
static void add_stage(json_object *o, const struct finding *f)
{
	static const char *const names[] = {NULL, "post-syn", "post-ack", "post-psh", "post-data"};

	for (size_t i = 0; i < f->n_clues; i++)
		if (f->clues[i].id == CLUE_STAGE &&
		    f->clues[i].a < sizeof(names) / sizeof(names[0]))
			add_text_if(o, "stage", names[f->clues[i].a]);
}

static void add_times(json_object *o, const struct facts *f)
{
	if (fact_has(f, T_FOUND))
		json_add_u64(o, "answer_us", f->answer_ns / 1000);
	json_add_u64_if(o, "idle_ms", f->gap_ns / 1000000);
	json_add_u64_if(o, "handshake_us", f->handshake_ns / 1000);
	json_add_u64_if(o, "rtt_us", f->rtt_ns / 1000);
}

static void add_distance(json_object *o, const struct facts *f)
{
	if (f->ttl) {
		json_add_u64(o, "ttl", f->ttl);
		json_add_u64(o, "hops", f->hops);
	}
	if (f->x_ttl) {
		json_add_u64(o, "sender_ttl", f->x_ttl);
		json_add_u64(o, "sender_hops", f->x_hops);
	}
}

static void add_segment(json_object *o, const struct finding *f)
{
	const struct seen *s;

	if (f->rst_at < 0 || (size_t)f->rst_at >= f->n_ladder)
		return;
	s = &f->ladder[f->rst_at];
	json_add_flags(o, s->flags);
	json_add_u64(o, "seq", s->seq);
	if (s->flags & TCP_ACK)
		json_add_u64(o, "ack", s->ack);
	json_add_u64(o, "win", s->win);
}

static void add_more(json_object *o, const struct json_report *r, const struct finding *f)
{
	add_text_if(o, "iface", r->run->live);
	json_add_text(o, "app_at", f->sees_at_sender ? "sender" : "receiver");
	if (f->root && f->root_file != f->file)
		add_text_if(o, "root_file", file_name(r, f->root_file));
	add_text_if(o, "because", f->row ? f->row->because : NULL);
	add_text_if(o, "clause", cause_infos[f->cause].clause);
	json_add_u64_if(o, "followers", f->followers);
	if (f->burst_n > 1)
		json_set(o, "burst", new_burst(f));
	if (f->has_kernel)
		json_set(o, "kernel", new_kernel(&f->kernel));
	add_text_if(o, "tunnel", f->tunnel);
	if (f->bad_checksum)
		json_add_bool(o, "bad_checksum", true);
	add_stage(o, f);
	add_times(o, &f->facts);
	add_text_if(o, "vendor_text", f->vendor);
	if (fact_has(&f->facts, R_MP_TCPRST))
		json_add_u64(o, "mptcp_reason", f->mptcp_reason);
	add_segment(o, f);
	add_distance(o, &f->facts);
}

void json_reset(void *ctx, const struct finding *f)
{
	struct json_report *r = ctx;
	json_object *o;

	if (r->style.summary_only)
		return;
	o = json_new_record("reset");
	add_where(o, r, f);
	add_verdict(o, f);
	add_more(o, r, f);
	json_put_record(r, o);
	if (r->run->live)
		out_flush(&r->out);
}

static json_object *new_causes(const struct explain_summary *s)
{
	json_object *o = json_object_new_object();

	for (int c = 0; c < CAUSES; c++)
		json_add_u64_if(o, cause_name((enum cause)c), s->by_cause[c]);
	return o;
}

static json_object *new_severities(const struct explain_summary *s)
{
	json_object *o = json_object_new_object();

	for (int v = 0; v < SEVERITIES; v++)
		json_add_u64(o, severity_name((enum severity)v), s->by_severity[v]);
	return o;
}

static json_object *new_undecoded(const struct explain_summary *s)
{
	static const char *const names[] = {
	    [DECODE_OTHER] = "other",	      [DECODE_FRAGMENT] = "fragment",
	    [DECODE_TRUNCATED] = "truncated", [DECODE_MALFORMED] = "malformed",
	    [DECODE_LINKTYPE] = "linktype",
	};
	json_object *o = json_object_new_object();

	for (size_t i = DECODE_OTHER; i < DECODE_STATUSES; i++)
		json_add_u64_if(o, names[i], s->undecoded[i]);
	return o;
}

static json_object *new_idle_timers(const struct explain_summary *s)
{
	json_object *a = json_object_new_array();

	for (size_t i = 0; i < sizeof(s->idle) / sizeof(s->idle[0]); i++) {
		json_object *o;

		if (!s->idle[i].seconds)
			continue;
		o = json_object_new_object();
		json_add_u64(o, "seconds", s->idle[i].seconds);
		json_add_u64(o, "resets", s->idle[i].n);
		json_push(a, o);
	}
	return a;
}

static void add_read(json_object *o, const struct explain_summary *s)
{
	json_add_u64(o, "frames", s->frames);
	json_add_u64(o, "tcp", s->tcp);
	json_add_u64(o, "resets", s->resets);
	json_set(o, "causes", new_causes(s));
	json_set(o, "severities", new_severities(s));
	json_add_u64(o, "flows", s->flows);
	json_add_u64(o, "evicted", s->evicted);
	json_add_u64(o, "expired", s->expired);
	json_add_u64(o, "cut", s->cut);
	json_add_u64(o, "duplicates", s->duplicates);
	json_add_u64(o, "bad_checksums", s->bad_checksums);
	json_add_u64(o, "backwards", s->backwards);
	json_set(o, "undecoded", new_undecoded(s));
	if (s->unknown_linktype >= 0)
		json_add_u64(o, "unknown_linktype", (uint64_t)s->unknown_linktype);
	json_add_u64(o, "tunnelled", s->tunnelled);
	json_set(o, "idle_timers", new_idle_timers(s));
}

void json_explained(void *ctx, const struct explain_record *e)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("summary");

	json_add_bool(o, "complete", e->complete);
	if (!e->complete)
		json_add_text(o, "why", e->why);
	add_read(o, e->sum);
	json_add_u64(o, "pcap_dropped", e->dropped);
	json_add_u64(o, "kernel_events", e->sum->kernel_events);
	json_add_u64(o, "kernel_joined", e->sum->kernel_joined);
	add_text_if(o, "kernel_why", e->kernel);
	json_add_u64(o, "matched", e->matched);
	json_add_u64(o, "shown", e->shown);
	if (e->sum->first_ns) {
		json_add_time(o, "first", e->sum->first_ns);
		json_add_time(o, "last", e->sum->last_ns);
	}
	json_add_real(o, "elapsed_s", e->elapsed_s, 6);
	json_put_record(r, o);
	out_flush(&r->out);
}
