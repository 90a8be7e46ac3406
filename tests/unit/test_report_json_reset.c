/*
 * test_report_json_reset: the records of `explain`, read back by json-c: keys and their order as
 * the contract has them, null where nothing is known, and valid UTF-8 whatever the wire held.
 */
#include "unit.h"

#include <json-c/json.h>

#include "paper.h"
#include "resets.h"

static const char *const argv_plain[] = {"rstprobe", "explain", "a.pcap", NULL};
/* A file may have any name. */
static const char *const files[] = {"a.pcap", "\"\\\n\x01\xff\xe2\x82\xac.pcap"};

static struct run_info run_make(void)
{
	return (struct run_info){
	    .command = "explain",
	    .version = "0.1.0",
	    .argv = (char *const *)(uintptr_t)argv_plain,
	    .started_wall_ns = RESETS_START_NS,
	    .files = files,
	    .n_files = 2,
	};
}

struct output {
	struct run_info run;
	struct report_style style;
	struct paper paper;
};

static void output_open(struct output *o)
{
	paper_open(&o->paper, report_json_new, &o->run, &o->style);
}

static struct output output_make(void)
{
	return (struct output){.run = run_make()};
}

/* The n-th line as an object; the caller puts it. */
static json_object *line(const struct output *o, size_t n)
{
	const char *s = o->paper.text, *end;
	json_tokener *t = json_tokener_new();
	json_object *v;

	while (n--)
		s = strchr(s, '\n') + 1;
	end = strchr(s, '\n');
	assert_non_null(end);
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	v = json_tokener_parse_ex(t, s, (int)(end - s));
	assert_int_equal(json_tokener_get_error(t), json_tokener_success);
	json_tokener_free(t);
	assert_non_null(v);
	return v;
}

static size_t lines(const struct output *o)
{
	size_t n = 0;

	for (const char *s = o->paper.text; *s; s++)
		n += *s == '\n';
	return n;
}

static json_object *get(json_object *o, const char *key)
{
	json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no key %s", key);
	return v;
}

static const char *text(json_object *o, const char *key)
{
	json_object *v = get(o, key);

	assert_int_equal(json_object_get_type(v), json_type_string);
	return json_object_get_string(v);
}

static int64_t number(json_object *o, const char *key)
{
	json_object *v = get(o, key);

	assert_int_equal(json_object_get_type(v), json_type_int);
	return json_object_get_int64(v);
}

static void is_null(json_object *o, const char *key)
{
	assert_null(get(o, key));
}

static void has_not(json_object *o, const char *key)
{
	if (json_object_object_get_ex(o, key, NULL))
		fail_msg("%s is there", key);
}

static const char *item(json_object *o, const char *key, size_t i)
{
	json_object *a = get(o, key);

	assert_true(i < json_object_array_length(a));
	return json_object_get_string(json_object_array_get_idx(a, i));
}

static size_t items(json_object *o, const char *key)
{
	return json_object_array_length(get(o, key));
}

/* One finding's record; the caller puts it. */
static json_object *told(const struct finding *f)
{
	struct output o = output_make();
	json_object *v;

	output_open(&o);
	o.paper.report->sink.reset(o.paper.report->sink.ctx, f);
	paper_end(&o.paper);
	v = line(&o, 1);
	free(o.paper.text);
	return v;
}

static void run_names_what_is_read(void **state)
{
	struct output o = output_make();
	json_object *v;

	(void)state;
	output_open(&o);
	paper_end(&o.paper);
	v = line(&o, 0);
	assert_string_equal(text(v, "command"), "explain");
	assert_string_equal(item(v, "files", 0), "a.pcap");
	assert_string_equal(item(v, "files", 1), "\"\\\n\x01\xef\xbf\xbd\xe2\x82\xac.pcap");
	has_not(v, "iface");
	json_object_put(v);
	free(o.paper.text);
}

static void contract_keys_come_first_and_in_order(void **state)
{
	static const char *const keys[] = {
	    "type",	   "file",   "frame",  "time",		"src",		"sport",
	    "dst",	   "dport",  "sender", "cause",		"alternatives", "confidence",
	    "provoked_by", "origin", "clues",  "severity",	"outcome",	"app_sees",
	    "bytes_lost",  "root",   "advice", "kernel_reason",
	};
	struct reset r;
	json_object *v;
	size_t i = 0;

	(void)state;
	reset_refused(&r);
	v = told(&r.f);
	json_object_object_foreach(v, key, value)
	{
		(void)value;
		if (i < sizeof(keys) / sizeof(keys[0]))
			assert_string_equal(key, keys[i]);
		i++;
	}
	assert_true(i > sizeof(keys) / sizeof(keys[0]));
	json_object_put(v);
}

static void refused_in_full(void **state)
{
	struct reset r;
	json_object *v;

	(void)state;
	reset_refused(&r);
	v = told(&r.f);
	assert_string_equal(text(v, "type"), "reset");
	assert_string_equal(text(v, "file"), "a.pcap");
	assert_int_equal(number(v, "frame"), 2);
	assert_string_equal(text(v, "time"), "2026-11-20T12:00:00.000152Z");
	assert_string_equal(text(v, "src"), "192.0.2.7");
	assert_int_equal(number(v, "sport"), 80);
	assert_string_equal(text(v, "dst"), "192.0.2.9");
	assert_int_equal(number(v, "dport"), 40112);
	assert_string_equal(text(v, "sender"), "server");
	assert_string_equal(text(v, "cause"), "refused");
	assert_int_equal(items(v, "alternatives"), 0);
	assert_string_equal(text(v, "confidence"), "certain");
	assert_int_equal(number(v, "provoked_by"), 1);
	assert_string_equal(text(v, "origin"), "endpoint");
	assert_int_equal(items(v, "clues"), 0);
	assert_string_equal(text(v, "severity"), "problem");
	assert_string_equal(text(v, "outcome"), "accepted");
	assert_int_equal(items(v, "app_sees"), 1);
	assert_string_equal(item(v, "app_sees", 0), "ECONNREFUSED");
	assert_int_equal(number(v, "bytes_lost"), 0);
	is_null(v, "root");
	assert_string_equal(text(v, "advice"), cause_infos[CAUSE_REFUSED].advice);
	is_null(v, "kernel_reason");
	assert_string_equal(text(v, "app_at"), "receiver");
	assert_int_equal(number(v, "answer_us"), 110);
	assert_string_equal(text(v, "flags"), "RA");
	assert_int_equal(number(v, "seq"), 0);
	assert_int_equal(number(v, "ack"), 1001);
	assert_int_equal(number(v, "ttl"), 64);
	json_object_put(v);
}

/* Keys beyond the contract are there only where they say something. */
static void absent_where_nothing_is_known(void **state)
{
	static const char *const keys[] = {
	    "iface",	   "root_file",	   "followers", "burst",	"kernel",
	    "tunnel",	   "bad_checksum", "stage",	"handshake_us", "rtt_us",
	    "vendor_text", "mptcp_reason", "idle_ms",	"sender_ttl",
	};
	struct reset r;
	json_object *v;

	(void)state;
	reset_refused(&r);
	v = told(&r.f);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		has_not(v, keys[i]);
	json_object_put(v);
}

static void kernel_and_alternatives(void **state)
{
	struct reset r;
	json_object *v, *k;

	(void)state;
	reset_unread(&r);
	v = told(&r.f);
	assert_string_equal(item(v, "alternatives", 0), "abort-linger");
	assert_int_equal(items(v, "alternatives"), 1);
	assert_string_equal(text(v, "confidence"), "likely");
	is_null(v, "provoked_by");
	assert_int_equal(items(v, "clues"), 4);
	assert_string_equal(item(v, "app_sees", 0), "ECONNRESET");
	assert_int_equal(number(v, "bytes_lost"), 904);
	assert_string_equal(text(v, "kernel_reason"), "TCP_ABORT_ON_CLOSE");
	k = get(v, "kernel");
	assert_string_equal(text(k, "state"), "TCP_CLOSE");
	assert_int_equal(number(k, "pid"), 4242);
	assert_string_equal(text(k, "comm"), "<b>\xef\xbf\xbd&\"srv");
	assert_string_equal(text(v, "stage"), "post-psh");
	assert_int_equal(number(v, "rtt_us"), 400);
	has_not(v, "answer_us");
	json_object_put(v);
	/* joined, and the kernel has no word for it (before Linux 6.10) */
	r.f.kernel.reason[0] = 0;
	v = told(&r.f);
	is_null(v, "kernel_reason");
	get(v, "kernel");
	json_object_put(v);
}

static void followers_name_their_root(void **state)
{
	struct reset root, r;
	json_object *v;

	(void)state;
	reset_unread(&root);
	root.f.followers = 18;
	v = told(&root.f);
	assert_int_equal(number(v, "followers"), 18);
	json_object_put(v);
	reset_follower(&r, &root, CAUSE_AFTER_RESET);
	v = told(&r.f);
	assert_string_equal(text(v, "cause"), "after-reset");
	assert_int_equal(number(v, "root"), 17);
	has_not(v, "root_file");
	json_object_put(v);
	reset_follower(&r, &root, CAUSE_DUP_FRAME);
	r.f.file = 1;
	v = told(&r.f);
	assert_string_equal(text(v, "cause"), "dup-frame");
	assert_int_equal(number(v, "root"), 17);
	assert_string_equal(text(v, "root_file"), "a.pcap");
	json_object_put(v);
}

static void hostile_text_is_valid(void **state)
{
	struct reset r;
	json_object *v;

	(void)state;
	reset_injected(&r);
	r.f.file = 1;
	strcpy(r.f.vendor, "\"}\n{\"type\":\"reset\"}\x7f\xc0\xaf\xf5\x80\x80\x80");
	v = told(&r.f);
	assert_string_equal(text(v, "file"), "\"\\\n\x01\xef\xbf\xbd\xe2\x82\xac.pcap");
	assert_string_equal(text(v, "vendor_text"), "\"}\n{\"type\":\"reset\"}\x7f"
						    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
						    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(text(v, "origin"), "middlebox");
	assert_string_equal(text(v, "tunnel"), "GRE");
	assert_true(json_object_get_boolean(get(v, "bad_checksum")));
	assert_int_equal(number(v, "hops"), 7);
	assert_int_equal(number(v, "sender_ttl"), 52);
	assert_int_equal(number(v, "sender_hops"), 12);
	json_object_put(v);
}

static void times_and_bursts(void **state)
{
	struct reset r;
	json_object *v, *b;

	(void)state;
	reset_half_open(&r);
	r.f.facts.rtt_ns = 1;
	v = told(&r.f);
	assert_string_equal(text(v, "src"), "2001:db8::7");
	assert_int_equal(number(v, "idle_ms"), 350000);
	b = get(v, "burst");
	assert_int_equal(number(b, "connections"), 4);
	assert_int_equal(number(b, "span_us"), 137);
	has_not(v, "ack"); /* no ACK bit: what stands in the field means nothing */
	json_object_put(v);
	reset_abandoned(&r);
	r.f.wall_ns = 0;
	v = told(&r.f);
	assert_string_equal(text(v, "app_at"), "sender");
	assert_int_equal(number(v, "handshake_us"), 110000);
	is_null(v, "time");
	json_object_put(v);
}

static void live_has_an_interface(void **state)
{
	struct output o = output_make();
	struct reset r;
	json_object *v;
	size_t before;

	(void)state;
	o.run.n_files = 0;
	o.run.live = "veth\xfe";
	reset_refused(&r);
	output_open(&o);
	fflush(o.paper.f);
	before = o.paper.len;
	o.paper.report->sink.reset(o.paper.report->sink.ctx, &r.f);
	/* told at once: who watches does not wait for a buffer to fill */
	assert_true(o.paper.len > before);
	paper_end(&o.paper);
	v = line(&o, 1);
	is_null(v, "file");
	assert_string_equal(text(v, "iface"), "veth\xef\xbf\xbd");
	json_object_put(v);
	free(o.paper.text);
}

static void summary_counts(void **state)
{
	struct output o = output_make();
	struct explain_summary s;
	struct explain_record e;
	json_object *v, *part;

	(void)state;
	resets_summary(&s, &e);
	output_open(&o);
	o.paper.report->sink.explained(o.paper.report->sink.ctx, &e);
	paper_end(&o.paper);
	v = line(&o, 1);
	assert_string_equal(text(v, "type"), "summary");
	assert_true(json_object_get_boolean(get(v, "complete")));
	has_not(v, "why");
	assert_int_equal(number(v, "frames"), 4000);
	assert_int_equal(number(v, "tcp"), 3900);
	assert_int_equal(number(v, "resets"), 8);
	part = get(v, "causes");
	assert_int_equal(json_object_object_length(part), 8);
	assert_int_equal(number(part, "dup-frame"), 1);
	part = get(v, "severities");
	assert_int_equal(number(part, "problem"), 4);
	assert_int_equal(number(part, "notice"), 0);
	part = get(v, "undecoded");
	assert_int_equal(json_object_object_length(part), 2);
	assert_int_equal(number(part, "truncated"), 10);
	assert_int_equal(items(v, "idle_timers"), 3);
	part = json_object_array_get_idx(get(v, "idle_timers"), 1);
	assert_int_equal(number(part, "seconds"), 350);
	assert_int_equal(number(part, "resets"), 12);
	has_not(v, "unknown_linktype");
	has_not(v, "kernel_why");
	assert_int_equal(number(v, "kernel_joined"), 1);
	assert_string_equal(text(v, "first"), "2026-11-20T12:00:00.000042Z");
	json_object_put(v);
	free(o.paper.text);
}

static void summary_says_why_it_is_incomplete(void **state)
{
	struct output o = output_make();
	struct explain_summary s;
	struct explain_record e;
	json_object *v;

	(void)state;
	resets_summary(&s, &e);
	e.complete = false;
	strcpy(e.why, "a\xff.pcap: cut in frame 9");
	e.dropped = 7;
	e.kernel = "permission denied";
	s.unknown_linktype = 147;
	s.first_ns = s.last_ns = 0;
	output_open(&o);
	o.paper.report->sink.explained(o.paper.report->sink.ctx, &e);
	paper_end(&o.paper);
	v = line(&o, 1);
	assert_false(json_object_get_boolean(get(v, "complete")));
	assert_string_equal(text(v, "why"), "a\xef\xbf\xbd.pcap: cut in frame 9");
	assert_int_equal(number(v, "pcap_dropped"), 7);
	assert_string_equal(text(v, "kernel_why"), "permission denied");
	assert_int_equal(number(v, "unknown_linktype"), 147);
	has_not(v, "first");
	json_object_put(v);
	free(o.paper.text);
}

static void summary_only(void **state)
{
	struct output o = output_make();
	struct explain_summary s;
	struct explain_record e;
	struct reset r;

	(void)state;
	o.style.summary_only = true;
	reset_refused(&r);
	resets_summary(&s, &e);
	output_open(&o);
	o.paper.report->sink.reset(o.paper.report->sink.ctx, &r.f);
	o.paper.report->sink.explained(o.paper.report->sink.ctx, &e);
	paper_end(&o.paper);
	assert_int_equal(lines(&o), 2);
	free(o.paper.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(run_names_what_is_read),
	    cmocka_unit_test(contract_keys_come_first_and_in_order),
	    cmocka_unit_test(refused_in_full),
	    cmocka_unit_test(absent_where_nothing_is_known),
	    cmocka_unit_test(kernel_and_alternatives),
	    cmocka_unit_test(followers_name_their_root),
	    cmocka_unit_test(hostile_text_is_valid),
	    cmocka_unit_test(times_and_bursts),
	    cmocka_unit_test(live_has_an_interface),
	    cmocka_unit_test(summary_counts),
	    cmocka_unit_test(summary_says_why_it_is_incomplete),
	    cmocka_unit_test(summary_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
