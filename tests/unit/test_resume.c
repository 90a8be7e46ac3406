/*
 * test_resume: what --resume takes out of a file: words, places, ports, and the lines of the new
 * result. The files are made here, line by line; the space is ten hosts of a hundred ports.
 */
#include "unit.h"

#include <json-c/json.h>

#include "cmd/resume.h"
#include "engine/permute.h"
#include "judge/probe.h"

enum { SEED = 9, PORTS = 100, HOSTS = 10 };

static struct targets targets;
static struct ports *ports;
static struct space space;
static struct permute perm;
static const struct probe *kinds[2];
static char digest[40];

static int setup(void **state)
{
	static const struct target_help none;
	struct err e;

	(void)state;
	targets_init(&targets);
	assert_int_equal(targets_add(&targets, "192.0.2.0-9", &none, &e), TARGET_OK);
	ports = ports_parse("1-100", NULL, &e);
	assert_int_equal(space_build(&space, &targets, ports, NULL, &e), 0);
	permute_init(&perm, space.total, SEED, false);
	resume_digest(&space, SEED, false, digest);
	kinds[0] = probe_find("syn");
	kinds[1] = probe_find("ack");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	space_free(&space);
	ports_free(ports);
	targets_free(&targets);
	return 0;
}

/* --- a file and what comes of it -------------------------------------------------------------- */

struct file {
	char *text;
	size_t len;
	FILE *f; /* of memory; closed once it is read */
};

static void file_begin(struct file *x)
{
	x->f = open_memstream(&x->text, &x->len);
	assert_non_null(x->f);
}

static void put_run(struct file *x, const char *words)
{
	fprintf(
	    x->f,
	    "{\"type\":\"run\",\"schema\":1,\"tool\":\"rstprobe\",\"version\":\"0\",\"command\":"
	    "\"scan\",\"argv\":[%s],\"seed\":%d,\"source\":[],\"hosts\":10,\"indices\":1000,"
	    "\"space\":\"%s\"}\n",
	    words, SEED, digest);
}

static void put_port(struct file *x, uint64_t index, const char *state, const char *more)
{
	char addr[ADDR_TEXT];
	struct point at;

	space_at(&space, index, &at);
	fprintf(x->f,
		"{\"type\":\"port\",\"addr\":\"%s\",\"port\":%u,\"proto\":\"tcp\",\"state\":\"%s\"%"
		"s}\n",
		addr_format(&at.addr, addr), at.port, state, more);
}

static void put_host(struct file *x, unsigned last, const char *counts)
{
	fprintf(x->f,
		"{\"type\":\"host\",\"addr\":\"192.0.2.%u\",\"up\":true,\"counts\":{%s},\"style\":"
		"\"rst\"}\n",
		last, counts);
}

static void put_window(struct file *x, unsigned first, unsigned last, bool complete)
{
	fprintf(
	    x->f,
	    "{\"type\":\"window\",\"first\":%u,\"last\":%u,\"probes\":[\"syn\"],\"complete\":%s}\n",
	    first, last, complete ? "true" : "false");
}

#define SYN_ANSWERED ",\"probes\":{\"syn\":\"rst-ack-of-seq\"}"

static const char *const argv_now[] = {"scan", "--resume", "old.jsonl", NULL};
static const char *const full_now[] = {"rstprobe", "scan", "--resume", "old.jsonl", NULL};

/* The command's words are never written to. */
static char **unconst(const char *const *words)
{
	return (char **)(uintptr_t)words;
}

/* One run over the text; `r` NULL where it is refused, and then `e` says why. */
static struct resume *read_file(struct file *x, size_t n_kinds, struct err *e)
{
	const struct cmd_line l = {.argc = 3, .argv = unconst(argv_now), .full = unconst(full_now)};
	const struct resume_scan scan = {
	    .space = &space, .seed = SEED, .kinds = kinds, .n_kinds = n_kinds, .digest = digest};
	struct cmd_line merged;
	struct resume *r = NULL;
	FILE *f;

	fclose(x->f);
	f = fmemopen(x->text, x->len ? x->len : 1, "r");
	assert_non_null(f);
	if (resume_begin_of(&r, f, "old.jsonl", &l, &merged, e) == 0 &&
	    resume_read(r, &scan, e) == 0)
		return r;
	resume_free(r);
	return NULL;
}

static void file_free(struct file *x)
{
	free(x->text);
}

static void refused(struct file *x, const char *why)
{
	struct err e = {""};
	struct resume *r = read_file(x, 1, &e);

	assert_null(r);
	if (!strstr(e.msg, why))
		fail_msg("'%s' does not say '%s'", e.msg, why);
	file_free(x);
}

struct carried {
	struct report report;
	char text[8192];
	size_t len;
};

static void keep(struct report *r, const char *line, size_t len)
{
	struct carried *c = (struct carried *)r;

	assert_true(c->len + len < sizeof(c->text));
	memcpy(c->text + c->len, line, len);
	c->len += len;
	c->text[c->len] = '\0';
}

/* --- words ------------------------------------------------------------------------------------ */

static void merge(const char *old, const char *const *now, const char *want, const char *refusal)
{
	const char *full[32] = {"/usr/bin/rstprobe"};
	struct cmd_line l = {.argv = unconst(now), .full = unconst(full)}, merged;
	char got[512] = "";
	struct resume *r = NULL;
	struct err e = {""};
	struct file x;
	int rc;

	for (; now[l.argc]; l.argc++)
		full[l.argc + 1] = now[l.argc];
	file_begin(&x);
	put_run(&x, old);
	fclose(x.f);
	rc = resume_begin_of(&r, fmemopen(x.text, x.len, "r"), "f", &l, &merged, &e);
	if (refusal) {
		assert_int_equal(rc, -1);
		if (!strstr(e.msg, refusal))
			fail_msg("'%s' does not say '%s'", e.msg, refusal);
	} else {
		assert_int_equal(rc, 0);
		assert_string_equal(merged.full[0], "/usr/bin/rstprobe");
		for (int i = 0; i < merged.argc; i++) {
			assert_ptr_equal(merged.argv[i], merged.full[i + 1]);
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
				 merged.argv[i]);
		}
		assert_null(merged.argv[merged.argc]);
		assert_string_equal(got, want);
	}
	resume_free(r);
	file_free(&x);
}

#define WORDS(...) ((const char *const[]){"scan", __VA_ARGS__, NULL})

static void test_words_merge(void **state)
{
	(void)state;
	merge("\"rstprobe\",\"scan\",\"10.0.0.1\",\"-p\",\"22,80\",\"-oJ\",\"a\",\"-v\"",
	      WORDS("--resume", "f", "-oJ", "b"),
	      "scan --ports=22,80 --seed=9 --resume=f -oJ b 10.0.0.1", NULL);
	/* without the command's name; letters joined; how is said anew, what is not */
	merge("\"rstprobe\",\"10.0.0.1\",\"-p-\",\"-4nvvvvvvvvv\",\"--rate\",\"10\",\"-r\",\"3\","
	      "\"--deadline\",\"5s\"",
	      WORDS("--rate=max", "--resume", "f"),
	      "scan --ports=- -4 -n --retries=3 --seed=9 --rate=max --resume=f 10.0.0.1", NULL);
	/* the same words again are welcome; a run that was itself resumed says all */
	merge("\"rstprobe\",\"scan\",\"--ports=80\",\"--seed=0x9\",\"--resume=e\",\"-sS\",\"--\","
	      "\"-odd.example\"",
	      WORDS("--resume=f", "-p80", "--seed", "9", "--probe=syn", "--", "-odd.example"),
	      "scan --ports=80 --seed=0x9 --probe=syn --resume=f -- -odd.example", NULL);
	merge("\"rstprobe\",\"scan\",\"h\",\"-Pn\",\"--open\",\"--shard\",\"1/2\",\"--seed\",\"4\"",
	      WORDS("--resume=f", "--show", "all"),
	      "scan --no-skip-dead --shard=1/2 --seed=4 --resume=f --show=all h", NULL);
}

static void test_words_refused(void **state)
{
	static const char old[] = "\"rstprobe\",\"scan\",\"a\",\"b\",\"-p\",\"22,80\"";

	(void)state;
	merge(old, WORDS("--resume=f", "-p", "22"), NULL, "leave --ports out");
	merge(old, WORDS("--resume=f", "c"), NULL, "leave the targets out");
	merge(old, WORDS("--resume=f", "a"), NULL, "leave the targets out");
	merge(old, WORDS("--resume=f", "-6"), NULL, "leave -6 out");
	merge(old, WORDS("--resume=f", "--seed=8"), NULL, "leave --seed out");
	merge(old, WORDS("--resume=f", "--in-order"), NULL, "leave --in-order out");
	merge(old, WORDS("--resume=f", "--shard=1/2"), NULL, "leave --shard out");
	merge("\"rstprobe\",\"scan\",\"--no-such\"", WORDS("--resume=f"), NULL, "f:1: ");
	merge("\"rstprobe\"", WORDS("--resume=f"), NULL, "f:1: ");
	merge("\"rstprobe\",7", WORDS("--resume=f"), NULL, "f:1: ");
}

static void test_first_line_refused(void **state)
{
	static const char *const lines[][2] = {
	    {"", "nothing to resume"},
	    {"{\"type\":\"run\",\"schema\":1", "nothing to resume"},
	    {"PORT STATE\n", "old.jsonl:1: no record"},
	    {"{\"type\":\"port\"}\n", "old.jsonl:1: no run record"},
	    {"{\"type\":\"run\",\"tool\":\"other\"}\n", "old.jsonl:1: no run record"},
	    {"{\"type\":\"run\",\"tool\":\"rstprobe\",\"schema\":2}\n", "other records"},
	    {"{\"type\":\"run\",\"tool\":\"rstprobe\",\"schema\":1,\"command\":\"stack\"}\n",
	     "only scans"},
	    {"{\"type\":\"run\",\"tool\":\"rstprobe\",\"schema\":1,\"command\":\"scan\"}\n",
	     "does not say what"},
	    {"{\"type\":\"run\",\"tool\":\"rstprobe\"\n", "old.jsonl:1: the record is damaged"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct file x;

		file_begin(&x);
		fputs(lines[i][0], x.f);
		refused(&x, lines[i][1]);
	}
}

/* --- places and ports ------------------------------------------------------------------------- */

static bool is_known(const struct resume *r, uint64_t index)
{
	const struct sweep_known *k = resume_known(r);
	uint64_t place = permute_inverse(&perm, index);

	for (size_t i = 0; i < k->n_windows; i++)
		if (k->windows[i].first <= place && place <= k->windows[i].last)
			return true;
	for (size_t i = 0; i < k->n_indices; i++)
		if (k->indices[i] == index)
			return true;
	return false;
}

static void test_windows(void **state)
{
	const struct sweep_known *k;
	struct summary_record sum = {.sent = 5};
	struct err e = {""};
	struct resume *r;
	struct file x;
	char says[80];

	(void)state;
	file_begin(&x);
	put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
	put_window(&x, 500, 599, true);
	put_port(&x, permute_at(&perm, 3), "open", SYN_ANSWERED);
	put_host(&x, 1, "\"open\":1");
	put_window(&x, 0, 99, true);
	put_window(&x, 100, 199, true);
	put_window(&x, 150, 180, true);
	put_window(&x, 200, 499, false);
	fputs("{\"type\":\"summary\",\"complete\":true}\n{\"type\":\"por", x.f); /* cut */
	r = read_file(&x, 1, &e);
	assert_non_null(r);
	k = resume_known(r);
	assert_int_equal(k->n_windows, 2);
	assert_int_equal(k->windows[0].first, 0);
	assert_int_equal(k->windows[0].last, 199);
	assert_int_equal(k->windows[1].first, 500);
	assert_int_equal(k->windows[1].last, 599);
	assert_int_equal(k->n_indices, 0);
	resume_add(r, &sum);
	assert_int_equal(sum.counts[STATE_OPEN], 1);
	assert_int_equal(sum.silent, 299);
	assert_int_equal(sum.known, 300);
	assert_int_equal(sum.hosts_up, 1);
	assert_int_equal(sum.sent, 5);
	resume_say(r, says, sizeof(says));
	assert_string_equal(says, "300 ports known from old.jsonl");
	resume_free(r);
	file_free(&x);
}

/* Outside of a complete window: firm answers stay, silence and doubt do not. */
static void test_ports_of_no_window(void **state)
{
	static const struct {
		const char *state, *more;
		bool known;
	} cases[] = {
	    {"open", SYN_ANSWERED, true},
	    {"closed", SYN_ANSWERED, true},
	    {"rejected", SYN_ANSWERED, true},
	    {"unfiltered", SYN_ANSWERED, true},
	    {"filtered", ",\"probes\":{\"syn\":\"none\"}", false},
	    {"open|filtered", ",\"probes\":{\"syn\":\"none\"}", false},
	    {"indeterminate", SYN_ANSWERED, false},
	    {"not-probed", ",\"probes\":{}", false},
	    {"suspect", SYN_ANSWERED, false},
	    {"inconsistent", SYN_ANSWERED, false},
	    {"closed", ",\"weak\":true" SYN_ANSWERED, false},
	    {"open", ",\"probes\":{\"ack\":\"rst-seq-from-ack\"}", false},
	};
	enum { N = sizeof(cases) / sizeof(cases[0]) };
	struct summary_record sum = {0};
	struct err e = {""};
	struct resume *r;
	struct file x;

	(void)state;
	file_begin(&x);
	put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
	for (uint64_t i = 0; i < N; i++)
		put_port(&x, 7 * i, cases[i].state, cases[i].more);
	/* told when it was found, and then not believed any more */
	put_port(&x, 990, "open", SYN_ANSWERED);
	put_port(&x, 990, "inconsistent", SYN_ANSWERED);
	/* said twice is known once */
	put_port(&x, 991, "open", SYN_ANSWERED);
	put_port(&x, 991, "open", SYN_ANSWERED);
	fputs("{\"type\":\"ports\",\"addr\":\"192.0.2.5\",\"state\":\"closed\",\"reason\":"
	      "\"rst-ack\",\"count\":5,\"ports\":\"1-3,50,99-99\"}\n"
	      "{\"type\":\"ports\",\"addr\":\"192.0.2.5\",\"state\":\"not-probed\",\"reason\":"
	      "\"not-probed\",\"count\":1,\"ports\":\"60\"}\n"
	      "{\"type\":\"news\",\"of\":[\"a later version\"]}\n",
	      x.f);
	r = read_file(&x, 1, &e);
	assert_non_null(r);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(is_known(r, 7 * i), cases[i].known);
	assert_false(is_known(r, 990));
	assert_true(is_known(r, 991));
	assert_true(is_known(r, 500) && is_known(r, 502) && is_known(r, 549) && is_known(r, 598));
	assert_false(is_known(r, 503) || is_known(r, 559));
	assert_int_equal(resume_known(r)->n_indices, 4 + 1 + 5);
	resume_add(r, &sum);
	assert_int_equal(sum.counts[STATE_OPEN], 2);
	assert_int_equal(sum.counts[STATE_CLOSED], 6);
	assert_int_equal(sum.counts[STATE_NOT_PROBED], 0);
	assert_int_equal(sum.known, 10);
	resume_free(r);
	file_free(&x);
}

/* With two kinds, both must have been answered; a range does not say. */
static void test_two_kinds(void **state)
{
	struct err e = {""};
	struct resume *r;
	struct file x;

	(void)state;
	file_begin(&x);
	put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
	put_port(&x, 1, "open", ",\"probes\":{\"syn\":\"syn-ack\"}");
	put_port(&x, 2, "open", ",\"probes\":{\"syn\":\"syn-ack\",\"ack\":\"none\"}");
	put_port(&x, 3, "open", ",\"probes\":{\"syn\":\"syn-ack\",\"ack\":\"rst-seq-from-ack\"}");
	/* told when its SYN was answered, and again with all */
	put_port(&x, 4, "open", ",\"probes\":{\"syn\":\"syn-ack\"}");
	put_port(&x, 4, "open", ",\"probes\":{\"syn\":\"syn-ack\",\"ack\":\"rst-seq-from-ack\"}");
	fputs("{\"type\":\"ports\",\"addr\":\"192.0.2.0\",\"state\":\"closed\",\"ports\":\"90-99\"}"
	      "\n",
	      x.f);
	r = read_file(&x, 2, &e);
	assert_non_null(r);
	assert_int_equal(resume_known(r)->n_indices, 2);
	assert_true(is_known(r, 3) && is_known(r, 4));
	resume_free(r);
	file_free(&x);
}

static void test_lines_refused(void **state)
{
	static const char *const lines[][2] = {
	    {"\n", "old.jsonl:2: no record"},
	    {"garbage\n", "old.jsonl:2: no record"},
	    {"{\"type\":\"port\",\"addr\":\"192.0.2.1\",\"po\n", "old.jsonl:2: the record is"},
	    {"{\"type\":\"port\"}{\"type\":\"port\"}\n", "old.jsonl:2: "},
	    {"{\"type\":\"port\",\"addr\":\"192.0.2.1\",\"port\":1}\n", "no known state"},
	    {"{\"type\":\"port\",\"addr\":\"192.0.2.1\",\"port\":1,\"state\":\"ajar\"}\n",
	     "no known state"},
	    {"{\"type\":\"port\",\"addr\":\"192.0.2.1\",\"port\":101,\"state\":\"open\"}\n",
	     "port that is not scanned"},
	    {"{\"type\":\"port\",\"addr\":\"192.0.2.1\",\"port\":-1,\"state\":\"open\"}\n",
	     "port that is not scanned"},
	    {"{\"type\":\"port\",\"addr\":\"192.0.2.10\",\"port\":1,\"state\":\"open\"}\n",
	     "host that is not scanned"},
	    {"{\"type\":\"host\",\"addr\":\"here\"}\n", "without an address"},
	    {"{\"type\":\"ports\",\"addr\":\"192.0.2.1\",\"state\":\"open\",\"ports\":\"3-1\"}\n",
	     "no list of ports"},
	    {"{\"type\":\"ports\",\"addr\":\"192.0.2.1\",\"state\":\"open\",\"ports\":\"1-3,3\"}\n",
	     "no list of ports"},
	    {"{\"type\":\"ports\",\"addr\":\"192.0.2.1\",\"state\":\"open\",\"ports\":\"1,\"}\n",
	     "no list of ports"},
	    {"{\"type\":\"ports\",\"addr\":\"192.0.2.1\",\"state\":\"open\",\"ports\":\"1-"
	     "4294967297\"}"
	     "\n",
	     "no list of ports"},
	    {"{\"type\":\"window\",\"first\":0,\"last\":1000,\"probes\":[\"syn\"],\"complete\":"
	     "true}"
	     "\n",
	     "window of no such scan"},
	    {"{\"type\":\"window\",\"first\":5,\"last\":4,\"probes\":[\"syn\"],\"complete\":true}"
	     "\n",
	     "window of no such scan"},
	    {"{\"type\":\"window\",\"first\":0,\"last\":4,\"probes\":[\"ack\"],\"complete\":true}"
	     "\n",
	     "other probes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct file x;

		file_begin(&x);
		put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
		fputs(lines[i][0], x.f);
		put_window(&x, 0, 99, true);
		refused(&x, lines[i][1]);
	}
}

static void test_another_space(void **state)
{
	char other[40], again[40];

	(void)state;
	resume_digest(&space, SEED, false, again);
	assert_string_equal(again, digest);
	resume_digest(&space, SEED + 1, false, other);
	assert_string_not_equal(other, digest);
	resume_digest(&space, SEED, true, other);
	assert_string_not_equal(other, digest);
	for (unsigned i = 0; i < 2; i++) {
		char kept[40];
		struct file x;

		memcpy(kept, digest, sizeof(kept));
		memcpy(digest, other, sizeof(kept));
		file_begin(&x);
		put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
		memcpy(digest, kept, sizeof(kept));
		refused(&x, "other targets now");
	}
}

/* --- what the new result has of the old ------------------------------------------------------- */

static void test_carry(void **state)
{
	struct carried to = {.report = {.carry = keep}};
	struct err e = {""};
	struct resume *r;
	struct file x, want;
	uint64_t late = 502;
	char itself[120];

	(void)state;
	while (permute_at(&perm, late) / PORTS == permute_at(&perm, 500) / PORTS)
		late++;
	late = permute_at(&perm, late);
	snprintf(itself, sizeof(itself), SYN_ANSWERED ",\"from\":\"192.0.2.%u\"",
		 (unsigned)(late / PORTS));
	file_begin(&x);
	put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
	put_port(&x, permute_at(&perm, 0), "open", SYN_ANSWERED);
	put_port(&x, permute_at(&perm, 1), "filtered", "");
	put_host(&x, 1, "\"open\":1,\"filtered\":9");
	put_window(&x, 0, 499, true);
	fputs("{\"type\":\"note\",\"text\":\"x\"}\n", x.f);
	put_port(&x, permute_at(&perm, 500), "open", SYN_ANSWERED);
	put_port(&x, permute_at(&perm, 501), "filtered", "");
	for (unsigned host = 0; host < HOSTS; host++)
		if (host != late / PORTS)
			put_host(&x, host, "\"open\":1,\"not-probed\":3");
	put_host(&x, (unsigned)(permute_at(&perm, 500) / PORTS), "\"open\":1,\"not-probed\":3");
	put_window(&x, 500, 999, false);
	/* of a host without a record: told when it was found */
	put_port(&x, late, "open", itself);
	fputs("{\"type\":\"summary\",\"complete\":false}\n", x.f);

	file_begin(&want);
	put_port(&want, permute_at(&perm, 0), "open", SYN_ANSWERED);
	put_port(&want, permute_at(&perm, 1), "filtered", "");
	put_host(&want, 1, "\"open\":1,\"filtered\":9");
	put_window(&want, 0, 499, true);
	put_port(&want, permute_at(&perm, 500), "open", SYN_ANSWERED);
	put_host(&want, (unsigned)(permute_at(&perm, 500) / PORTS), "\"open\":1");
	put_port(&want, late, "open", itself);
	fprintf(want.f,
		"{\"type\":\"host\",\"addr\":\"192.0.2.%u\",\"up\":true,\"counts\":{\"open\":1},"
		"\"style\":\"unknown\",\"family\":\"unknown\",\"confidence\":\"low\"}\n",
		(unsigned)(late / PORTS));
	fclose(want.f);

	r = read_file(&x, 1, &e);
	assert_non_null(r);
	assert_int_equal(resume_carry(r, &to.report, &e), 0);
	/* the host's members may be in another order: its counts are new */
	for (char *a = to.text, *b = want.text; *a || *b;) {
		json_object *x1 = json_tokener_parse(a), *x2 = json_tokener_parse(b);

		assert_true(json_object_equal(x1, x2));
		json_object_put(x1);
		json_object_put(x2);
		a = strchr(a, '\n') + 1;
		b = strchr(b, '\n') + 1;
	}
	resume_free(r);
	file_free(&x);
	file_free(&want);
}

/* Hosts that are up in both runs count once. */
static void test_hosts_up(void **state)
{
	struct record_sink none = {0};
	const struct record_sink *sink;
	struct summary_record sum = {.hosts_up = 2};
	struct err e = {""};
	struct resume *r;
	struct file x;

	(void)state;
	file_begin(&x);
	put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
	put_host(&x, 3, "");
	put_host(&x, 3, "");
	put_host(&x, 4, "");
	r = read_file(&x, 1, &e);
	assert_non_null(r);
	sink = resume_watch(r, &none);
	assert_null(sink->summary);
	for (uint8_t last = 4; last < 6; last++) {
		struct addr a = addr_v4(192, 0, 2, last);
		struct host_record h = {.addr = &a, .up = true};

		sink->host_begin(sink->ctx, &h);
		sink->host_end(sink->ctx, &h);
		sink->host_end(sink->ctx, &h); /* of another window */
	}
	resume_add(r, &sum);
	assert_int_equal(sum.hosts_up, 3);
	resume_free(r);
	file_free(&x);
}

/* A file that names every port many times takes no more memory than one that does so once. */
static void test_much_said_again(void **state)
{
	struct err e = {""};
	struct resume *r;
	struct file x;

	(void)state;
	file_begin(&x);
	put_run(&x, "\"rstprobe\",\"scan\",\"192.0.2.0-9\"");
	for (unsigned i = 0; i < 50; i++)
		for (unsigned host = 0; host < HOSTS; host++)
			fprintf(x.f,
				"{\"type\":\"ports\",\"addr\":\"192.0.2.%u\",\"state\":\"closed\","
				"\"ports\":\"1-100\"}\n",
				host);
	r = read_file(&x, 1, &e);
	assert_non_null(r);
	assert_int_equal(resume_known(r)->n_indices, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(resume_known(r)->indices[i], i);
	resume_free(r);
	file_free(&x);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words_merge),
	    cmocka_unit_test(test_words_refused),
	    cmocka_unit_test(test_first_line_refused),
	    cmocka_unit_test(test_windows),
	    cmocka_unit_test(test_ports_of_no_window),
	    cmocka_unit_test(test_two_kinds),
	    cmocka_unit_test(test_lines_refused),
	    cmocka_unit_test(test_another_space),
	    cmocka_unit_test(test_carry),
	    cmocka_unit_test(test_hosts_up),
	    cmocka_unit_test(test_much_said_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
