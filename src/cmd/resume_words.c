/*
 * resume_words: one command line out of two. What is scanned comes from the file alone, since the
 * places of a permutation mean nothing for other targets; how it is scanned comes from the file and
 * may be said anew; where results go is said anew.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/resume_private.h"
#include "cmd/scan_table.h"

enum word_use { SAID_ANEW, ASKED, MANNER };

static const uint8_t uses[IDS] = {
    [ID_PORTS] = ASKED,	       [ID_TARGETS] = ASKED,	  [ID_EXCLUDE] = ASKED,
    [ID_EXCLUDE_FILE] = ASKED, [ID_FAMILY] = ASKED,	  [ID_FIRST] = ASKED,
    [ID_PROBE] = ASKED,	       [ID_FLAGS] = ASKED,	  [ID_SEQ] = ASKED,
    [ID_ACK] = ASKED,	       [ID_WIN] = ASKED,	  [ID_DATA] = ASKED,
    [ID_DATA_STRING] = ASKED,  [ID_DATA_FILE] = ASKED,	  [ID_SYN_OPTIONS] = ASKED,
    [ID_SEED] = ASKED,	       [ID_IN_ORDER] = ASKED,	  [ID_SHARD] = ASKED,
    [ID_YES] = MANNER,	       [ID_NUMERIC] = MANNER,	  [ID_INTERFACE] = MANNER,
    [ID_SOURCE] = MANNER,      [ID_SOURCE_PORT] = MANNER, [ID_TTL] = MANNER,
    [ID_RATE] = MANNER,	       [ID_RETRIES] = MANNER,	  [ID_TIMEOUT] = MANNER,
    [ID_THREADS] = MANNER,     [ID_TX] = MANNER,	  [ID_NO_SKIP_DEAD] = MANNER,
    [ID_EXPECT] = MANNER,      [ID_SHOW] = MANNER,
};

static enum word_use use_of(int id)
{
	return id == OPTION_WORD ? ASKED : (enum word_use)uses[id];
}

/* --- words, apart from how they were spelled -------------------------------------------------- */

struct word {
	int id;
	const char *value; /* borrowed from argv; NULL for a flag */
};

struct words {
	struct word *v;
	size_t n;
};

/* 0, 1 where they cannot be told apart: their own parser says why. */
static int split(struct words *w, int argc, char **argv, struct err *e)
{
	struct option_walk walk;
	const char *value = NULL;
	size_t most = 1;
	int id;

	for (int i = 0; i < argc; i++)
		most += strlen(argv[i]) + 1; /* "-4n" are two */
	w->n = 0;
	w->v = calloc(most, sizeof(*w->v));
	if (!w->v)
		return err_set(e, "out of memory");
	option_begin(&walk, &scan_table, argc, argv);
	while ((id = option_next(&walk, &value, e)) != OPTION_END) {
		if (id == OPTION_BAD || id == OPTION_HELP)
			return 1;
		w->v[w->n++] = (struct word){id, value};
		value = NULL;
	}
	return 0;
}

static const struct word *find(const struct words *w, int id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].id == id)
			return &w->v[i];
	return NULL;
}

/* A number may be written in two ways. */
static bool same_value(int id, const char *a, const char *b)
{
	uint64_t x, y;

	if (!a || !b)
		return a == b;
	if (id == ID_SEED && option_number("", a, 0, UINT64_MAX, &x, NULL) == 0 &&
	    option_number("", b, 0, UINT64_MAX, &y, NULL) == 0)
		return x == y;
	return strcmp(a, b) == 0;
}

static bool has(const struct words *w, const struct word *x)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].id == x->id && same_value(x->id, w->v[i].value, x->value))
			return true;
	return false;
}

/* How an option is spelled so that no parser takes it for two: the row with an argument first. */
static const struct option_row *row_of(const struct word *x)
{
	const struct option_row *flag = NULL;

	for (size_t i = 0; i < scan_table.n; i++) {
		const struct option_row *row = &scan_table.rows[i];

		if (row->id != x->id || (row->only && !(row->only & scan_table.bit)))
			continue;
		if (row->arg)
			return row;
		if (!flag && same_value(0, row->value, x->value))
			flag = row;
	}
	return flag;
}

/* --- the new line ----------------------------------------------------------------------------- */

static int add(struct resume *r, const char *before, const char *word, const char *value,
	       struct err *e)
{
	size_t len = strlen(before) + strlen(word) + (value ? strlen(value) + 1 : 0) + 1;
	char *s = NULL;

	if (r->n_words + 1 >= r->cap_words) { /* one more, for the NULL */
		size_t cap = r->cap_words ? 2 * r->cap_words : 32;
		char **v = realloc(r->words, cap * sizeof(*v));

		if (!v)
			return err_set(e, "out of memory");
		r->words = v;
		r->cap_words = cap;
	}
	s = malloc(len);
	if (!s)
		return err_set(e, "out of memory");
	snprintf(s, len, "%s%s%s%s", before, word, value ? "=" : "", value ? value : "");
	r->words[r->n_words++] = s;
	r->words[r->n_words] = NULL;
	return 0;
}

static int add_word(struct resume *r, const struct word *x, struct err *e)
{
	const struct option_row *row = x->id == OPTION_WORD ? NULL : row_of(x);
	char letter[2] = {0};

	if (!row)
		return add(r, "", x->value, NULL, e);
	if (row->name)
		return add(r, "--", row->name, row->arg ? x->value : NULL, e);
	if (row->tokens)
		return add(r, "", row->tokens, NULL, e) < 0 ? -1
		       : row->arg			    ? add(r, "", x->value, NULL, e)
							    : 0;
	letter[0] = row->letters[0];
	return add(r, "-", letter, NULL, e);
}

/* The options first, then the targets, behind "--" where one would be taken for an option. */
static int join(struct resume *r, const struct words *old, const struct words *now, struct err *e)
{
	bool dash = false;

	for (size_t i = 0; i < old->n; i++) {
		const struct word *x = &old->v[i];
		enum word_use use = use_of(x->id);

		dash |= x->id == OPTION_WORD && x->value[0] == '-';
		if (x->id == OPTION_WORD || use == SAID_ANEW || (use == MANNER && find(now, x->id)))
			continue;
		if (add_word(r, x, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < now->n; i++)
		if (use_of(now->v[i].id) != ASKED && add_word(r, &now->v[i], e) < 0)
			return -1;
	if (dash && add(r, "--", "", NULL, e) < 0)
		return -1;
	for (size_t i = 0; i < old->n; i++)
		if (old->v[i].id == OPTION_WORD && add_word(r, &old->v[i], e) < 0)
			return -1;
	return 0;
}

/* Words that say what is scanned may be repeated, as they were; no others. */
static int compare(const struct resume *r, const struct words *old, const struct words *now,
		   struct err *e)
{
	for (size_t i = 0; i < now->n + old->n; i++) {
		bool said = i < now->n;
		const struct word *x = said ? &now->v[i] : &old->v[i - now->n];
		const struct option_row *row = x->id == OPTION_WORD ? NULL : row_of(x);

		if (use_of(x->id) != ASKED || has(said ? old : now, x) ||
		    (!said && !find(now, x->id)))
			continue;
		return err_set(e,
			       "--resume %.80s goes on with what that run was asked for, which is "
			       "something else: leave %s%s out, or begin a new scan",
			       r->name,
			       !row	   ? "the targets"
			       : row->name ? "--"
					   : "-",
			       !row	   ? ""
			       : row->name ? row->name
					   : row->letters);
	}
	return 0;
}

/* --- the old line ----------------------------------------------------------------------------- */

struct old_run {
	json_object *record;
	char **argv; /* as a command's: argv[0] is its name; the strings are the record's */
	int argc;
	char seed[24];
};

static int read_argv(struct resume *r, struct old_run *run, struct err *e)
{
	json_object *argv = json_object_object_get(run->record, "argv");
	size_t n = json_object_is_type(argv, json_type_array) ? json_object_array_length(argv) : 0;
	size_t skip = 1;

	if (n < 2 || n > 1 << 20)
		return journal_bad(&r->journal, "the run record has no command line", e);
	run->argv = calloc(n + 1, sizeof(*run->argv));
	if (!run->argv)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < n; i++) {
		json_object *word = json_object_array_get_idx(argv, i);

		if (!json_object_is_type(word, json_type_string))
			return journal_bad(&r->journal, "the run record has no command line", e);
		/* option parsing only ever reads it */
		run->argv[i] = (char *)(uintptr_t)json_object_get_string(word);
	}
	/* a first word that is no command is a target */
	if (strcmp(run->argv[1], "scan") == 0)
		skip = 2;
	memmove(run->argv + 1, run->argv + skip, (n - skip + 1) * sizeof(*run->argv));
	run->argc = (int)(n - skip + 1);
	return 0;
}

static int read_run(struct resume *r, struct old_run *run, struct err *e)
{
	const char *tool, *command, *space;
	uint64_t schema = 0, seed = 0;
	int rc = journal_next(&r->journal, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(e, "%.150s: nothing to resume: not one whole line", r->name);
	run->record = journal_parse(&r->journal, e);
	if (!run->record)
		return -1;
	tool = member_text(run->record, "tool");
	if (r->journal.type != JOURNAL_RUN || !tool || strcmp(tool, "rstprobe") != 0)
		return journal_bad(&r->journal, "no run record of rstprobe stands first", e);
	if (!member_u64(run->record, "schema", &schema) || schema != 1)
		return journal_bad(&r->journal, "written by a version with other records", e);
	command = member_text(run->record, "command");
	if (!command || strcmp(command, "scan") != 0)
		return journal_bad(&r->journal, "no result of a scan: only scans are resumed", e);
	space = member_text(run->record, "space");
	if (!space || strlen(space) >= sizeof(r->space) ||
	    !member_u64(run->record, "seed", &seed) ||
	    !member_u64(run->record, "hosts", &r->hosts_then) ||
	    !member_u64(run->record, "indices", &r->indices_then))
		return journal_bad(&r->journal, "the run record does not say what was scanned", e);
	snprintf(r->space, sizeof(r->space), "%s", space);
	snprintf(run->seed, sizeof(run->seed), "%" PRIu64, seed);
	return read_argv(r, run, e);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Every run has a seed, also where none was said. */
static void set_seed(struct words *old, const char *seed)
{
	for (size_t i = 0; i < old->n; i++)
		if (old->v[i].id == ID_SEED)
			return; /* may be above what a reader of JSON takes */
	old->v[old->n++] = (struct word){ID_SEED, seed}; /* there is room for argv[0] */
}

static int merge(struct resume *r, const struct words *now, const struct cmd_line *l,
		 struct cmd_line *merged, struct err *e)
{
	struct old_run run = {0};
	struct words old = {0};
	int rc = -1;

	if (read_run(r, &run, e) < 0)
		goto out;
	rc = split(&old, run.argc, run.argv, e);
	if (rc > 0)
		rc = journal_bad(&r->journal, "the run record has a strange command line", e);
	if (rc < 0)
		goto out;
	set_seed(&old, run.seed);
	if (find(&old, ID_STACK))
		log_warn("the battery of --stack is not resumed: ask the hosts found by rstprobe "
			 "stack");
	rc = -1;
	if (compare(r, &old, now, e) < 0 || add(r, "", l->full[0], NULL, e) < 0 ||
	    add(r, "", l->argv[0], NULL, e) < 0 || join(r, &old, now, e) < 0)
		goto out;
	merged->full = r->words;
	merged->argv = r->words + 1;
	merged->argc = (int)r->n_words - 1;
	rc = 0;
out:
	json_object_put(run.record);
	free(run.argv);
	free(old.v);
	return rc;
}

static int begin(struct resume **out, FILE *f, const char *name, const struct words *now,
		 const struct cmd_line *l, struct cmd_line *merged, struct err *e)
{
	struct resume *r = calloc(1, sizeof(*r));

	*out = r;
	if (r)
		r->name = strdup(name);
	if (!r || !r->name) {
		if (f)
			fclose(f);
		return err_set(e, "out of memory");
	}
	if ((f ? journal_of(&r->journal, f, r->name, e) : journal_open(&r->journal, r->name, e)) <
	    0)
		return -1;
	return merge(r, now, l, merged, e);
}

int resume_begin_of(struct resume **out, FILE *f, const char *name, const struct cmd_line *l,
		    struct cmd_line *merged, struct err *e)
{
	struct words now = {0};
	int rc;

	*merged = *l;
	*out = NULL;
	rc = split(&now, l->argc, l->argv, e);
	if (rc == 0)
		rc = begin(out, f, name, &now, l, merged, e);
	else
		fclose(f);
	free(now.v);
	return rc < 0 ? -1 : 0;
}

int resume_begin(struct resume **out, const struct cmd_line *l, struct cmd_line *merged,
		 struct err *e)
{
	struct words now = {0};
	const struct word *from;
	int rc;

	*merged = *l;
	*out = NULL;
	rc = split(&now, l->argc, l->argv, e);
	from = rc == 0 ? find(&now, ID_RESUME) : NULL;
	if (from)
		rc = begin(out, NULL, from->value, &now, l, merged, e);
	free(now.v);
	return rc < 0 ? -1 : 0;
}

void resume_free(struct resume *r)
{
	if (!r)
		return;
	journal_close(&r->journal);
	for (size_t i = 0; i < r->n_words; i++)
		free(r->words[i]);
	free(r->words);
	free(r->name);
	free(r->windows);
	free(r->ranges);
	free(r->ports);
	free(r->hosts);
	free(r->indices);
	free(r);
}
