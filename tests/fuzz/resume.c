/*
 * resume: the file of --resume, from its first line to the lines that are carried over. What it
 * calls known lies inside the space, in order, and is counted once.
 */
#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/resume.h"
#include "judge/probe.h"

enum { SEED = 5 };

static void check_known(const struct sweep_known *k, uint64_t total, const struct summary_record *s)
{
	uint64_t n = 0, counted = s->silent;

	for (size_t i = 0; i < k->n_windows; i++) {
		assert(k->windows[i].first <= k->windows[i].last && k->windows[i].last < total);
		assert(!i || k->windows[i].first > k->windows[i - 1].last + 1);
		n += k->windows[i].last - k->windows[i].first + 1;
	}
	for (size_t i = 0; i < k->n_indices; i++) {
		assert(k->indices[i] < total);
		assert(!i || k->indices[i] > k->indices[i - 1]);
	}
	for (int i = 0; i < PORT_STATES; i++)
		counted += s->counts[i];
	assert(counted == n + k->n_indices && counted == s->known && counted <= total);
}

/* Whole lines, as many as there were at most. */
static void check_line(struct report *r, const char *line, size_t len)
{
	assert(len > 0 && (line[0] == '{' || line[0] == '\n'));
	assert(r->carry == check_line);
}

static void use(struct resume *r, const struct space *space, const char *digest)
{
	const struct probe *const kinds[] = {probe_find("syn")};
	const struct resume_scan scan = {
	    .space = space, .seed = SEED, .kinds = kinds, .n_kinds = 1, .digest = digest};
	struct report report = {.carry = check_line};
	struct summary_record sum = {0};
	struct err e = {""};

	if (resume_read(r, &scan, &e) < 0) {
		assert(e.msg[0]);
		return;
	}
	resume_add(r, &sum);
	check_known(resume_known(r), space->total, &sum);
	assert(resume_carry(r, &report, &e) == 0);
}

/* The input, behind a run record of this space where its first octet is odd. */
static FILE *file_of(const uint8_t *data, size_t len, const char *digest)
{
	FILE *f = tmpfile();

	assert(f);
	if (len && data[0] & 1)
		fprintf(f,
			"{\"type\":\"run\",\"schema\":1,\"tool\":\"rstprobe\",\"command\":\"scan\","
			"\"argv\":[\"rstprobe\",\"scan\",\"192.0.2.0/28\"],\"seed\":5,\"hosts\":16,"
			"\"indices\":1024,\"space\":\"%s\"}\n",
			digest);
	if (len > 1)
		fwrite(data + 1, 1, len - 1, f);
	rewind(f);
	return f;
}

int fuzz_resume(const uint8_t *data, size_t len)
{
	static const char *const argv[] = {"scan", "--resume", "f", NULL};
	static const char *const full[] = {"rstprobe", "scan", "--resume", "f", NULL};
	const struct cmd_line l = {
	    .argc = 3, .argv = (char **)(uintptr_t)argv, .full = (char **)(uintptr_t)full};
	static const struct target_help none;
	struct ports *ports = ports_parse("1-64", NULL, NULL);
	struct resume *r = NULL;
	struct cmd_line merged;
	struct targets targets;
	struct space space;
	struct err e = {""};
	char digest[40];

	targets_init(&targets);
	assert(targets_add(&targets, "192.0.2.0/28", &none, &e) == TARGET_OK);
	assert(space_build(&space, &targets, ports, NULL, &e) == 0);
	resume_digest(&space, SEED, false, digest);
	if (resume_begin_of(&r, file_of(data, len, digest), "f", &l, &merged, &e) < 0) {
		assert(e.msg[0]);
	} else {
		assert(merged.argc >= 1 && !merged.argv[merged.argc]);
		use(r, &space, digest);
	}
	resume_free(r);
	space_free(&space);
	targets_free(&targets);
	ports_free(ports);
	return 0;
}
