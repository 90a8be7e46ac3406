/* replay: each file named, and each of its beginnings, through one target: the corpus as a
 * regression test, no fuzzer needed. What is given lies before a page that can't be read. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/guard.h"

enum { INPUT_MAX = 1 << 20 };

/* Of how many beginnings at most, where a file has more octets: the slow ones get fewer. */
enum { ALL = 600, SOME = 40, FEW = 12 };

static const struct {
	const char *name;
	int (*run)(const uint8_t *data, size_t len);
	size_t prefixes;
} fuzzers[] = {
    {"capture", fuzz_capture, SOME},  {"carry", fuzz_carry, SOME},
    {"converse", fuzz_converse, FEW}, {"decode", fuzz_decode, ALL},
    {"diff", fuzz_diff, SOME},	      {"explain", fuzz_explain, SOME},
    {"flow", fuzz_flow, ALL},	      {"http", fuzz_http, ALL},
    {"judge", fuzz_judge, SOME},      {"kernel", fuzz_kernel, ALL},
    {"options", fuzz_options, ALL},   {"pcapng", fuzz_pcapng, ALL},
    {"policy", fuzz_policy, ALL},     {"ports", fuzz_ports, ALL},
    {"resolver", fuzz_resolver, ALL}, {"resume", fuzz_resume, SOME},
    {"sweep", fuzz_sweep, FEW},	      {"targets", fuzz_targets, ALL},
};

/* Octets read; -1. */
static long load(const char *path, uint8_t *buf)
{
	FILE *f = fopen(path, "rb");
	long n = -1;

	if (f) {
		n = (long)fread(buf, 1, INPUT_MAX, f);
		n = ferror(f) ? -1 : n;
		fclose(f);
	}
	if (n < 0)
		perror(path);
	return n;
}

static int replay(size_t i, const char *path, uint8_t *buf, struct guard *g)
{
	long n = load(path, buf);
	size_t len = (size_t)n, some = fuzzers[i].prefixes;

	if (n < 0)
		return -1;
	fprintf(stderr, "%s\n", path); /* the last named is the one that crashed */
	fuzzers[i].run(guard_put(g, buf, len), len);
	if (some > len)
		some = len;
	for (size_t k = 0; k < some; k++)
		fuzzers[i].run(guard_put(g, buf, len * k / some), len * k / some);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: replay TARGET FILE...; the targets are\n");
	for (size_t i = 0; i < sizeof(fuzzers) / sizeof(fuzzers[0]); i++)
		fprintf(stderr, " %s", fuzzers[i].name);
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	uint8_t *buf = malloc(INPUT_MAX);
	struct guard g;
	size_t i = 0;
	int rc = 0;

	while (i < sizeof(fuzzers) / sizeof(fuzzers[0]) &&
	       (argc < 3 || strcmp(argv[1], fuzzers[i].name) != 0))
		i++;
	if (!buf || i == sizeof(fuzzers) / sizeof(fuzzers[0])) {
		free(buf);
		return usage();
	}
	guard_open(&g, INPUT_MAX);
	for (int k = 2; k < argc && rc == 0; k++)
		rc = replay(i, argv[k], buf, &g);
	guard_close(&g);
	free(buf);
	if (rc == 0)
		puts("ok");
	return rc ? 1 : 0;
}
