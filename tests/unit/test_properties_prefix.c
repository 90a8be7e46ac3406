/*
 * test_properties_prefix: whoever reads foreign octets or text reads no octet too far, wherever the
 * input ends: each beginning of each file of the fuzzers' corpora, of the same with octets changed,
 * and of noise, before a page that can't be read. What is read is not asked here.
 */
#include "unit/unit.h"

#include <dirent.h>

#include "cmd/flow_expr.h"
#include "engine/policy.h"
#include "judge/http_head.h"
#include "packet/checksum.h"
#include "packet/decode.h"
#include "packet/notation.h"
#include "packet/pcapng.h"
#include "report/member.h"
#include "unit/guard.h"
#include "wire/kernel.h"

enum { FILE_MAX = 1 << 16, PREFIXES = 700, MUTATIONS = 3, NOISES = 20, NOISE = 200 };

typedef void read_fn(const uint8_t *data, size_t len);

static struct guard guard;
static uint64_t rng;

static uint32_t chance(uint32_t n)
{
	rng = rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(rng >> 33) % n;
}

/* --- the readers -------------------------------------------------------------------------------
 */

static void read_decode(const uint8_t *data, size_t len)
{
	static const int links[] = {
	    LINKTYPE_NULL,	LINKTYPE_ETHERNET,   LINKTYPE_FDDI, LINKTYPE_RAW,  LINKTYPE_LOOP,
	    LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2, LINKTYPE_IPV4, LINKTYPE_IPV6, 147};
	size_t skip = len > 0; /* how the fuzzer is to take it */
	const uint8_t *at = guard_put(&guard, data + skip, len - skip);
	char line[512];

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct text t = text_of(line, sizeof(line));
		struct packet p;

		if (decode_frame_how(at, len - skip, len, links[i], DECODE_TUNNELS, &p) ==
		    DECODE_OK)
			notation_put_packet(&t, &p);
	}
}

static void read_options(const uint8_t *data, size_t len)
{
	const uint8_t *at = guard_put(&guard, data, len);
	struct tcp_options o;
	char line[1024];
	struct text t = text_of(line, sizeof(line));

	options_parse(at, len, &o);
	notation_put_options(&t, at, len);
	checksum_add(0, at, len);
}

/* Blocks as long as the input lets them be. */
static void read_pcapng(const uint8_t *data, size_t len)
{
	struct pcapng *p = pcapng_new();
	struct err e;
	size_t n;

	assert_non_null(p);
	if (len >= 4)
		pcapng_is(guard_put(&guard, data, len), len);
	while (len >= PCAPNG_HEADER &&
	       pcapng_block_len(p, guard_put(&guard, data, PCAPNG_HEADER), &n, &e) == 0) {
		struct pcapng_frame f;

		n = n < len ? n : len;
		if (pcapng_block(p, guard_put(&guard, data, n), n, &f, &e) == -1)
			break;
		data += n;
		len -= n;
	}
	pcapng_free(p);
}

static void read_http(const uint8_t *data, size_t len)
{
	struct http_head h;

	http_head_parse(guard_put(&guard, data, len), len, &h);
}

static void read_json(const uint8_t *data, size_t len)
{
	json_object *o = member_parse((const char *)guard_put(&guard, data, len), len);

	json_object_put(o);
}

/* The text whole and the sample cut, then the text cut. */
static void read_kernel(const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\0', len);
	struct kernel_format *f = kernel_format_parse(guard_text(&guard, data, len), NULL);
	struct kernel_reset k;

	if (f && end) {
		size_t n = len - (size_t)(end - data) - 1;
		const uint8_t *raw = guard_put(&guard, end + 1, n);

		kernel_format_read(f, raw, n, &k);
		kernel_format_by_process(f, raw, n);
	}
	kernel_format_free(f);
}

static void read_flow(const uint8_t *data, size_t len)
{
	char *word = guard_text(&guard, data, len);
	struct flow_expr x;
	struct addr a;

	flow_expr_parse("--flow", word, &x, NULL);
	addr_parse(word, &a);
}

static int no_service(const char *name)
{
	return name[0] == 'h' ? 80 : -1;
}

static void read_ports(const uint8_t *data, size_t len)
{
	ports_free(ports_parse(guard_text(&guard, data, len), no_service, NULL));
}

static int no_name(void *ctx, const char *name, struct addr *out, size_t max, struct err *e)
{
	(void)ctx;
	(void)out;
	(void)max;
	err_set(e, "%s: no such name", name);
	return TARGET_UNKNOWN;
}

static uint32_t some_zone(void *ctx, const char *name)
{
	(void)ctx;
	return name[0] == 'e' ? 2 : 0;
}

static const struct target_help help = {
    .resolve = no_name, .zone = some_zone, .service = no_service};

static void read_targets(const uint8_t *data, size_t len)
{
	const char *text = guard_text(&guard, data, len);
	char word[TARGET_WORD];
	struct targets t;
	unsigned line = 1;

	targets_init(&t);
	while (targets_next_word(&text, word, sizeof(word), &line))
		targets_add(&t, word, &help, NULL);
	targets_free(&t);
}

static char *no_file(void *ctx, const char *path, struct err *e)
{
	(void)ctx;
	err_set(e, "%s: not there", path);
	return NULL;
}

static void fail_quietly(void *ctx, const struct err *e)
{
	(void)ctx;
	(void)e;
}

static void miss_quietly(void *ctx, const struct err *e, bool try_again)
{
	(void)ctx;
	(void)e;
	(void)try_again;
}

static void read_policy(const uint8_t *data, size_t len)
{
	const struct policy_help h = {
	    .targets = {.resolve = no_name, .zone = some_zone, .service = no_service},
	    .read = no_file,
	    .fail = fail_quietly,
	    .missing = miss_quietly};
	struct policy p;

	policy_init(&p);
	if (policy_read(&p, "p", guard_text(&guard, data, len), &h) == 0)
		policy_settle(&p, &h);
	policy_free(&p);
}

/* --- what they get -----------------------------------------------------------------------------
 */

static void each_prefix(read_fn *fn, const uint8_t *data, size_t len)
{
	size_t step = len / PREFIXES + 1;

	for (size_t n = 0; n < len; n += step)
		fn(data, n);
	fn(data, len);
}

static void one_file(read_fn *fn, const char *path)
{
	static uint8_t buf[FILE_MAX];
	FILE *f = fopen(path, "rb");
	size_t len;

	assert_non_null(f);
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	each_prefix(fn, buf, len);
	rng = len; /* whatever the order of the files */
	for (int i = 0; i < MUTATIONS && len; i++) {
		for (uint32_t n = 1 + chance(4); n-- > 0;)
			buf[chance((uint32_t)len)] = (uint8_t)(chance(2) ? chance(256) : 0xff);
		each_prefix(fn, buf, len);
	}
}

static void noise(read_fn *fn)
{
	uint8_t buf[NOISE];

	for (int i = 0; i < NOISES; i++) {
		for (size_t k = 0; k < sizeof(buf); k++)
			buf[k] = (uint8_t)chance(i % 2 ? 256 : 80);
		each_prefix(fn, buf, sizeof(buf));
	}
}

static void read_all(read_fn *fn, const char *corpus)
{
	const char *srcdir = getenv("srcdir");
	char folder[1024], path[2048];
	const struct dirent *entry;
	unsigned files = 0;
	DIR *d;

	rng = 1;
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", corpus);
	d = opendir(folder);
	if (!d)
		fail_msg("%s can't be read", folder);
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		one_file(fn, path);
		files++;
	}
	closedir(d);
	assert_true(files > 0);
	noise(fn);
}

static void frames(void **state)
{
	(void)state;
	read_all(read_decode, "decode");
}

static void options(void **state)
{
	(void)state;
	read_all(read_options, "options");
}

static void pcapng_blocks(void **state)
{
	(void)state;
	read_all(read_pcapng, "pcapng");
}

static void http_heads(void **state)
{
	(void)state;
	read_all(read_http, "http");
}

static void json_lines(void **state)
{
	(void)state;
	read_all(read_json, "resume");
	read_all(read_json, "carry");
}

static void kernel_samples(void **state)
{
	(void)state;
	read_all(read_kernel, "kernel");
}

static void flow_words(void **state)
{
	(void)state;
	read_all(read_flow, "flow");
}

static void port_lists(void **state)
{
	(void)state;
	read_all(read_ports, "ports");
}

static void target_files(void **state)
{
	(void)state;
	read_all(read_targets, "targets");
}

static void policies(void **state)
{
	(void)state;
	read_all(read_policy, "policy");
}

static int setup(void **state)
{
	(void)state;
	guard_open(&guard, FILE_MAX + 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guard_close(&guard);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames),	     cmocka_unit_test(options),
	    cmocka_unit_test(pcapng_blocks), cmocka_unit_test(http_heads),
	    cmocka_unit_test(json_lines),    cmocka_unit_test(kernel_samples),
	    cmocka_unit_test(flow_words),    cmocka_unit_test(port_lists),
	    cmocka_unit_test(target_files),  cmocka_unit_test(policies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
