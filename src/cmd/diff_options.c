/*
 * diff_options: the values that `diff` takes. It checks form and contradiction; it opens nothing.
 */
#include "cmd/diff_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "cmd/diff_table.h"
#include "judge/changes.h"

static const char *kind_at(size_t i)
{
	return change_name((enum change_kind)i);
}

static int no_such_kind(const char *said, const char *word, struct err *e)
{
	struct near near = {.word = word};
	char names[160];
	struct text t = text_of(names, sizeof(names));

	for (size_t i = 0; i < CHANGES; i++)
		near_try(&near, kind_at(i));
	option_put_names(&t, CHANGES, kind_at);
	if (near.best)
		return err_set(e, "%s '%s': no such change; did you mean %s?", said, word,
			       near.best);
	return err_set(e, "%s '%s': no such change; there are %s", said, word, names);
}

static int take_only(struct diff_options *o, const char *said, const char *value, struct err *e)
{
	enum change_kind kind;
	char item[40];

	while (option_item(&value, item, sizeof(item))) {
		if (change_parse(item, &kind) < 0)
			return no_such_kind(said, item, e);
		o->only |= 1U << kind;
	}
	return 0;
}

static int take_file(struct diff_options *o, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, "a file has an empty name: give a result, or - for stdin");
	o->words[o->n_words++] = value; /* there is room for all words */
	return 0;
}

static int take_new(struct diff_options *o, struct err *e)
{
	if (o->has_new)
		return err_set(e, "--new stands between the old result's files and the new one's, "
				  "and so but once");
	o->has_new = true;
	o->n_old = o->n_words;
	return 0;
}

static int take(void *ctx, int id, const char *said, const char *value, struct err *e)
{
	struct diff_options *o = ctx;

	switch (id) {
	case OPTION_WORD: return take_file(o, value, e);
	case DIFF_NEW: return take_new(o, e);
	case DIFF_BY_VANTAGE: o->by_vantage = true; return 0;
	case DIFF_ONLY: return take_only(o, said, value, e);
	case DIFF_VERBOSE: o->verbosity = o->verbosity < 1 ? 1 : 2; return 0;
	case DIFF_QUIET: o->verbosity = -1; return 0;
	default: return outputs_take(&o->out, id, said, value, e);
	}
}

static int check_vantages(const struct diff_options *o, struct err *e)
{
	if (o->has_new)
		return err_set(e, "--by-vantage knows no old and new: leave --new out");
	if (o->only)
		return err_set(e, "--only is about what changed with time: leave it out with "
				  "--by-vantage");
	if (o->n_words < 2)
		return err_set(e, "--by-vantage takes two results or more, each of one vantage "
				  "point: rstprobe diff --by-vantage PARIS.json TOKYO.json ...");
	if (o->n_words > CHANGES_SIDES_MAX)
		return err_set(e,
			       "--by-vantage takes at most %d vantage points; the files of one go "
			       "into a directory of their own, which stands for them",
			       CHANGES_SIDES_MAX);
	return 0;
}

static int check_sides(struct diff_options *o, struct err *e)
{
	if (!o->has_new && o->n_words > 2)
		return err_set(e,
			       "diff %.60s %.60s %.60s: takes two results; where these are several "
			       "files each: rstprobe diff OLD... --new NEW...",
			       o->words[0], o->words[1], o->words[2]);
	if (!o->has_new)
		o->n_old = 1;
	if (o->n_words < 2 || !o->n_old || o->n_old == o->n_words)
		return err_set(e, "diff: takes two results, the older first: rstprobe diff OLD NEW "
				  "(each by scan, stack or audit with -oJ FILE)");
	return 0;
}

static int settle(struct diff_options *o, struct err *e)
{
	size_t from_stdin = 0;

	if ((o->by_vantage ? check_vantages(o, e) : check_sides(o, e)) < 0)
		return -1;
	for (size_t i = 0; i < o->n_words; i++)
		from_stdin += strcmp(o->words[i], "-") == 0;
	if (from_stdin > 1)
		return err_set(e, "stdin (-) can be read but once");
	if (!o->only)
		o->only = (1U << CHANGES) - 1;
	return outputs_settle(&o->out, NULL, e);
}

int diff_options_parse(struct diff_options *o, int argc, char **argv, struct err *e)
{
	int rc;

	*o = (struct diff_options){.out.formats = outputs_formats("diff"), .out.whole = true};
	o->words = calloc((size_t)argc + 1, sizeof(*o->words));
	if (!o->words)
		return err_set(e, "out of memory");
	rc = option_parse(&diff_table, argc, argv, take, o, e);
	return rc ? rc : settle(o, e);
}

void diff_options_free(struct diff_options *o)
{
	free(o->words);
	o->words = NULL;
}
