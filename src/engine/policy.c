/*
 * policy: reads the files of a policy line by line: groups, includes, and whose the demands are.
 * It decides what an error is called and goes on behind it, so that all of a file are told at once.
 * It opens nothing and resolves nothing itself.
 */
#include "engine/policy_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/near.h"
#include "base/utf8.h"

/* --- telling ------------------------------------------------------------------------------ */

void policy_put_place(char *buf, size_t cap, const struct policy *p, struct policy_place at)
{
	enum { NAME_SHOWN = 100 };
	const char *name = p->files[at.file];
	size_t len = strlen(name);
	bool cut = len > NAME_SHOWN;
	struct text t = text_of(buf, cap);

	if (cut)
		name += utf8_cut(name, len - NAME_SHOWN);
	text_putf(&t, "%s%s:%u", cut ? "..." : "", name, at.line);
	if (at.column)
		text_putf(&t, ":%u", at.column);
}

/* "FILE:LINE:COLUMN: " and the text, to whoever listens. */
static void tell(const struct policy_reading *r, struct policy_place at, const char *text)
{
	char place[160];
	struct err e;

	policy_put_place(place, sizeof(place), r->p, at);
	err_set(&e, "%s: %s", place, text);
	if (r->h->fail)
		r->h->fail(r->h->ctx, &e);
}

int policy_fail(struct policy_reading *r, unsigned column, const char *fmt, ...)
{
	struct policy_place at = {.file = r->file, .line = r->line, .column = column};
	char text[sizeof(((struct err *)0)->msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->failed = true;
	r->errors++;
	if (r->errors <= POLICY_ERRORS_MAX)
		tell(r, at, text);
	else if (r->errors == POLICY_ERRORS_MAX + 1)
		tell(r, at, "and more errors from here on; mend those above first");
	return -1;
}

int policy_no_memory(struct policy_reading *r)
{
	return policy_fail(r, 0, "out of memory");
}

/* --- groups ------------------------------------------------------------------------------- */

bool policy_is_name_sign(char c)
{
	return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

int policy_check_name(struct policy_reading *r, const struct policy_lexer *x)
{
	const char *s = x->text;
	char buf[POLICY_SHOWN];
	struct addr a;

	if (x->token != TOKEN_WORD || !*s)
		return policy_fail_here(r, x, "the name of a group is missing here");
	if (strcmp(s, "group") == 0 || strcmp(s, "include") == 0)
		return policy_fail_here(r, x,
					"'%s' is a word of the language; name the group "
					"otherwise",
					s);
	if (addr_parse(s, &a) == 0)
		return policy_fail_here(r, x,
					"%s is an address, where a group's name belongs; "
					"write: group NAME %s",
					s, s);
	if (strlen(s) > POLICY_NAME_MAX)
		return policy_fail_here(r, x, "'%s': a group's name has at most %d octets",
					policy_shown(s, buf), POLICY_NAME_MAX);
	while (*s && policy_is_name_sign(*s))
		s++;
	if (*s)
		return policy_fail_here(r, x,
					"'%s': a group's name has letters, digits, '-', '_' "
					"and '.' only",
					policy_shown(x->text, buf));
	return 0;
}

static int add_missing(struct policy_reading *r, const struct policy_lexer *x, size_t group,
		       bool try_again, const struct err *why)
{
	struct policy_place at = {.file = r->file, .line = r->line};
	struct policy_missing m = {
	    .name = x->text, .why = why->msg, .file = r->file, .line = r->line};
	size_t len = strlen(x->text);
	char place[160];
	struct err e;

	if (strncmp(m.why, x->text, len) == 0 && strncmp(m.why + len, ": ", 2) == 0)
		m.why += len + 2;
	at.column = policy_column(x, x->at);
	policy_put_place(place, sizeof(place), r->p, at);
	err_set(&e, "%s: %s", place, why->msg);
	if (r->h->missing)
		r->h->missing(r->h->ctx, &e, try_again);
	if (policy_add_missing(r->p, &r->p->groups[group], &m) < 0)
		return policy_no_memory(r);
	return 0;
}

static int add_host(struct policy_reading *r, const struct policy_lexer *x, size_t group)
{
	struct targets *t = &r->p->groups[group].targets;
	struct err e = {""};
	enum target_error rc;

	if (x->token == TOKEN_TEXT)
		return policy_fail_here(r, x, "hosts are written without quotes");
	rc = targets_add(t, x->text, &r->h->targets, &e);
	if (rc == TARGET_BAD)
		return policy_fail_here(r, x, "%s", e.msg);
	if (rc != TARGET_OK)
		return add_missing(r, x, group, rc == TARGET_TRY_AGAIN, &e);
	if (t->v[t->n - 1].ports)
		return policy_fail_here(r, x,
					"%.80s: a group holds hosts; its ports go into a line "
					"such as %.64s: 443 open",
					x->text, r->p->groups[group].name);
	return 0;
}

/* Blanks and commas separate. */
static int next_host(struct policy_reading *r, struct policy_lexer *x)
{
	x->s += strspn(x->s, " \t,");
	return policy_next(r, x);
}

static int read_group(struct policy_reading *r, struct policy_lexer *x)
{
	struct policy_group *g;
	size_t group;

	if (policy_next(r, x) < 0 || policy_check_name(r, x) < 0)
		return -1;
	if (policy_group_of(r->p, x->text, &group) < 0)
		return policy_no_memory(r);
	g = &r->p->groups[group];
	x->stop = ",";
	if (next_host(r, x) < 0)
		return -1;
	if (x->token == TOKEN_END)
		return policy_fail_here(r, x, "which hosts? write: group %.64s 192.0.2.10-20",
					g->name);
	if (!g->line) {
		g->file = r->file;
		g->line = r->line;
	}
	while (x->token != TOKEN_END) {
		add_host(r, x, group);
		if (next_host(r, x) < 0)
			return -1;
	}
	return 0;
}

/* --- includes ----------------------------------------------------------------------------- */

static int read_text(struct policy_reading *r, const char *text);

/* The path as seen from where the program runs; NULL: no memory. */
static char *join(const char *includer, const char *path)
{
	const char *slash = strrchr(includer, '/');
	size_t folder = *path != '/' && slash ? (size_t)(slash - includer) + 1 : 0;
	char *whole;

	/* a file has one name, so that it is known again */
	while (path[0] == '.' && path[1] == '/' && path[2 + strspn(path + 2, "/")])
		path += 2 + strspn(path + 2, "/");
	whole = malloc(folder + strlen(path) + 1);
	if (!whole)
		return NULL;
	memcpy(whole, includer, folder);
	memcpy(whole + folder, path, strlen(path) + 1);
	return whole;
}

static bool is_being_read(const struct policy_reading *r, const char *path)
{
	for (; r; r = r->includer)
		if (strcmp(r->p->files[r->file], path) == 0)
			return true;
	return false;
}

static int read_included(struct policy_reading *r, const struct policy_lexer *x, const char *path)
{
	struct policy_reading inner = {.p = r->p, .h = r->h, .includer = r, .depth = r->depth + 1};
	char buf[POLICY_SHOWN];
	struct err e = {""};
	char *text;
	int rc = 0;

	if (is_being_read(r, path))
		return policy_fail_here(r, x, "%s includes itself; take out one of the includes",
					policy_shown(path, buf));
	if (policy_has_file(r->p, path))
		return 0;
	if (r->p->n_files >= POLICY_FILES_MAX)
		return policy_fail_here(r, x, "more than %d files; include fewer, each by one name",
					POLICY_FILES_MAX);
	if (inner.depth > POLICY_DEPTH_MAX)
		return policy_fail_here(r, x, "includes within includes go %d deep at most",
					POLICY_DEPTH_MAX);
	text = r->h->read(r->h->ctx, path, &e);
	if (!text)
		return policy_fail_here(r, x, "%s", e.msg);
	if (policy_add_file(r->p, path, &inner.file) < 0)
		rc = policy_no_memory(r);
	else
		rc = read_text(&inner, text);
	r->failed = r->failed || inner.failed;
	free(text);
	return rc;
}

static int read_include(struct policy_reading *r, struct policy_lexer *x)
{
	struct policy_lexer name, end;
	char *path;
	int rc;

	if (policy_next(r, x) < 0)
		return -1;
	if (x->token != TOKEN_TEXT || !*x->text)
		return policy_fail_here(r, x,
					"include takes a path in quotes: include "
					"\"other.policy\"");
	name = end = *x;
	if (policy_next(r, &end) < 0)
		return -1;
	if (end.token != TOKEN_END)
		return policy_fail_here(r, &end,
					"nothing may stand behind the path; give each "
					"include a line");
	if (!r->h->read)
		return policy_fail_here(r, x, "include is not allowed here");
	path = join(r->p->files[r->file], name.text);
	if (!path)
		return policy_no_memory(r);
	rc = read_included(r, &name, path);
	free(path);
	return rc;
}

/* --- lines -------------------------------------------------------------------------------- */

static int unknown_beginning(struct policy_reading *r, const struct policy_lexer *x)
{
	struct near n = {.word = x->text};
	char buf[POLICY_SHOWN];

	near_try(&n, "group");
	near_try(&n, "include");
	if (n.best)
		return policy_fail_here(r, x, "'%s' begins no line; did you mean '%s'?",
					policy_shown(x->text, buf), n.best);
	return policy_fail_here(r, x,
				"a line begins with group, include, or a group's name and a "
				"colon, as in web: 443 open");
}

static int read_line(struct policy_reading *r, struct policy_lexer *x)
{
	x->stop = ":";
	if (policy_next(r, x) < 0)
		return -1;
	if (x->token == TOKEN_END)
		return 0;
	x->stop = "";
	if (x->token == TOKEN_TEXT)
		return unknown_beginning(r, x);
	x->s += strspn(x->s, " \t");
	if (*x->s == ':') {
		x->s++;
		return policy_demand(r, x, x->text);
	}
	if (policy_is(x, "group"))
		return read_group(r, x);
	if (policy_is(x, "include"))
		return read_include(r, x);
	return unknown_beginning(r, x);
}

static int read_octets(struct policy_reading *r, const char *s, size_t len)
{
	struct policy_lexer x = {.stop = ""};
	char *line, *room;
	int rc;

	if (len > POLICY_LINE_MAX)
		return policy_fail(r, POLICY_LINE_MAX + 1,
				   "the line has more than %d octets; make several of it",
				   POLICY_LINE_MAX);
	line = malloc(len + 1);
	room = malloc(2 * len + 16);
	if (line && room) {
		memcpy(line, s, len);
		line[len] = '\0';
		x.line = x.s = line;
		x.room = room;
		rc = policy_check_line(r, line) < 0 ? -1 : read_line(r, &x);
	} else {
		rc = policy_no_memory(r);
	}
	free(line);
	free(room);
	return rc;
}

static int read_text(struct policy_reading *r, const char *text)
{
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
		text += 3;
	r->line = 1;
	if (text[0] == '{')
		return policy_fail(r, 1,
				   "this is JSON, no policy; two results are compared by "
				   "rstprobe diff");
	for (r->line = 1; *text; r->line++) {
		size_t len = strcspn(text, "\n"), keep = len;

		if (len && text[len - 1] == '\r')
			keep--;
		read_octets(r, text, keep);
		text += len + (text[len] == '\n');
	}
	return r->failed ? -1 : 0;
}

/* --- the whole ---------------------------------------------------------------------------- */

void policy_init(struct policy *p)
{
	*p = (struct policy){0};
}

void policy_free(struct policy *p)
{
	for (size_t i = 0; i < p->n_groups; i++) {
		targets_free(&p->groups[i].targets);
		free(p->groups[i].missing);
	}
	free(p->groups);
	free(p->lines);
	free(p->files);
	policy_store_free(p->store);
	policy_init(p);
}

int policy_read(struct policy *p, const char *name, const char *text, const struct policy_help *h)
{
	struct policy_reading r = {.p = p, .h = h};

	if (!p->store)
		p->store = policy_store_new();
	if (p->store && policy_has_file(p, name))
		return 0;
	if (!p->store || policy_add_file(p, name, &r.file) < 0) {
		struct err e;

		err_set(&e, "%s: out of memory", name);
		if (h->fail)
			h->fail(h->ctx, &e);
		return -1;
	}
	return read_text(&r, text);
}
