/*
 * policy: the text of `audit`. A NUL octet ends a file: what follows are the files that it may
 * include, f1, f2 ... Whatever the text, errors are told where it is refused and only there, each
 * in one printable line with its place; what is taken means the same when it is written again.
 */
#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy.h"

enum { FILES_MAX = 40 };

struct input {
	char *files[FILES_MAX];
	size_t n;
	unsigned errors, missing;
};

static int put_addr(void *ctx, const char *name, struct addr *out, size_t max, struct err *e)
{
	(void)ctx;
	(void)max;
	if (strlen(name) % 3 == 0)
		return err_set(e, "%s: no such name", name), TARGET_UNKNOWN;
	if (strlen(name) % 3 == 1)
		return err_set(e, "%s: ask again", name), TARGET_TRY_AGAIN;
	out[0] = addr_v4(192, 0, 2, (uint8_t)name[0]);
	return 1;
}

static uint32_t zone(void *ctx, const char *name)
{
	(void)ctx;
	return name[0] == 'e' ? 2 : 0;
}

static int service(const char *name)
{
	return strcmp(name, "https") == 0 ? 443 : -1;
}

static char *read_file(void *ctx, const char *path, struct err *e)
{
	struct input *in = ctx;
	size_t i;

	assert(*path);
	for (i = 1; i < in->n; i++) {
		char name[24];

		snprintf(name, sizeof(name), "f%zu", i);
		if (strcmp(path, name) == 0)
			return strdup(in->files[i]);
	}
	err_set(e, "%s: No such file or directory", path);
	return NULL;
}

/* "FILE:LINE", with or without a column, and a text. */
static void check_error(const char *msg)
{
	const char *s = msg;

	while (*s && !(*s == ':' && s[1] >= '1' && s[1] <= '9'))
		s++;
	assert(s > msg && *s == ':');
	assert(strstr(s, ": "));
	for (; *msg; msg++)
		assert((unsigned char)*msg >= ' ' && *msg != 0x7f);
}

static void fail(void *ctx, const struct err *e)
{
	struct input *in = ctx;

	in->errors++;
	check_error(e->msg);
}

static void missing(void *ctx, const struct err *e, bool try_again)
{
	struct input *in = ctx;

	(void)try_again;
	in->missing++;
	check_error(e->msg);
}

static const struct policy_help nobody = {.targets = {.service = service}};

/* The demand, written again on a port, is the same demand. */
static void check_again(const struct policy_line *l)
{
	char demand[256], text[512];
	const struct expectation *x = &l->expect, *y;
	struct policy p;

	expect_text(x, demand, sizeof(demand));
	snprintf(text, sizeof(text), "group g ::1\ng: %s%s%s %s\n",
		 l->scope == POLICY_ELSE ? "else " : "", x->kind == EXPECT_STATE ? "80 " : "",
		 demand, x->kind == EXPECT_LISTEN_RST ? "on 80" : "");
	policy_init(&p);
	assert(policy_read(&p, "again", text, &nobody) == 0);
	assert(p.n_lines == 1);
	y = &p.lines[0].expect;
	assert(y->kind == x->kind && y->bits == x->bits && y->within_ns == x->within_ns);
	assert(y->n_words == x->n_words && p.lines[0].scope == l->scope);
	policy_free(&p);
}

static void check_line(const struct policy *p, const struct policy_line *l)
{
	char day[12];
	int32_t again;

	assert(l->file < p->n_files && l->number && l->group < p->n_groups);
	assert(p->groups[l->group].targets.n || p->groups[l->group].n_missing);
	assert((l->scope == POLICY_HOST) == !l->ports);
	assert(!l->ports || ports_count(l->ports));
	assert((l->expect.kind == EXPECT_LISTEN_RST) == !l->expect.bits);
	assert(!l->owner || *l->owner);
	assert(!l->note || *l->note);
	if (l->until_day != DAY_NEVER)
		assert(day_parse(day_text(l->until_day, day), &again) == 0 &&
		       again == l->until_day);
	check_again(l);
}

static void check_policy(const struct policy *p)
{
	assert(p->n_lines);
	for (size_t i = 0; i < p->n_lines; i++)
		check_line(p, &p->lines[i]);
	for (size_t i = 0; i < p->n_groups; i++)
		for (size_t k = 0; k < p->groups[i].targets.n; k++)
			assert(!p->groups[i].targets.v[k].ports);
}

static void split(struct input *in, char *text, size_t len)
{
	for (char *s = text; s <= text + len && in->n < FILES_MAX; s += strlen(s) + 1)
		in->files[in->n++] = s;
}

int fuzz_policy(const uint8_t *data, size_t len)
{
	struct input in = {.n = 0};
	const struct policy_help h = {
	    .targets = {.resolve = put_addr, .zone = zone, .service = service},
	    .read = read_file,
	    .fail = fail,
	    .missing = missing,
	    .ctx = &in,
	};
	char *text = malloc(len + 1);
	struct policy p;
	int rc;

	assert(text);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	split(&in, text, len);
	policy_init(&p);
	rc = policy_read(&p, "p", in.files[0], &h);
	assert((rc < 0) == (in.errors > 0));
	if (rc == 0) {
		rc = policy_settle(&p, &h);
		assert((rc < 0) == (in.errors > 0));
	}
	if (rc == 0)
		check_policy(&p);
	policy_free(&p);
	free(text);
	return 0;
}
