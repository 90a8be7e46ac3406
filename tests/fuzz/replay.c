/* replay: runs each file named through one target: the corpus as a regression test, no fuzzer
 * needed. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

static const struct {
	const char *name;
	int (*run)(const uint8_t *data, size_t len);
} fuzzers[] = {
    {"carry", fuzz_carry},   {"converse", fuzz_converse}, {"decode", fuzz_decode},
    {"diff", fuzz_diff},     {"explain", fuzz_explain},	  {"options", fuzz_options},
    {"pcapng", fuzz_pcapng}, {"policy", fuzz_policy},	  {"ports", fuzz_ports},
    {"resume", fuzz_resume}, {"targets", fuzz_targets},
};

/* The file in a block of exactly its length; NULL where it can't be read. */
static uint8_t *load(const char *path, size_t *len)
{
	uint8_t *buf = malloc(INPUT_MAX), *fit = NULL;
	FILE *f = fopen(path, "rb");

	if (!f || !buf) {
		perror(path);
		goto out;
	}
	*len = fread(buf, 1, INPUT_MAX, f);
	if (ferror(f)) {
		perror(path);
		goto out;
	}
	fit = malloc(*len ? *len : 1);
	if (fit)
		memcpy(fit, buf, *len);
out:
	if (f)
		fclose(f);
	free(buf);
	return fit;
}

static int replay(int (*run)(const uint8_t *, size_t), const char *path)
{
	size_t len = 0;
	uint8_t *data = load(path, &len);

	if (!data)
		return -1;
	run(data, len);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 2 && i < sizeof(fuzzers) / sizeof(fuzzers[0]); i++) {
		if (strcmp(argv[1], fuzzers[i].name) != 0)
			continue;
		for (int k = 2; k < argc; k++)
			if (replay(fuzzers[i].run, argv[k]) != 0)
				return 1;
		puts("ok");
		return 0;
	}
	fprintf(stderr, "usage: replay "
			"carry|converse|decode|diff|explain|options|pcapng|policy|ports|resume|"
			"targets FILE...\n");
	return 2;
}
