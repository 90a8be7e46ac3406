/*
 * diff_options: the values that `diff` takes. It checks form and contradiction; it opens nothing.
 */
#include "cmd/diff_options.h"

#include <string.h>

#include "base/near.h"
#include "cmd/diff_table.h"
#include "judge/record.h"

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
	if (o->n_files == 2)
		return err_set(e,
			       "diff %.60s %.60s %.60s: takes two results; join those of one side "
			       "by cat, the later behind",
			       o->files[0], o->files[1], value);
	o->files[o->n_files++] = value;
	return 0;
}

static int take(void *ctx, int id, const char *said, const char *value, struct err *e)
{
	struct diff_options *o = ctx;

	switch (id) {
	case OPTION_WORD: return take_file(o, value, e);
	case DIFF_ONLY: return take_only(o, said, value, e);
	case DIFF_VERBOSE: o->verbosity = o->verbosity < 1 ? 1 : 2; return 0;
	case DIFF_QUIET: o->verbosity = -1; return 0;
	default: return outputs_take(&o->out, id, said, value, e);
	}
}

static int settle(struct diff_options *o, struct err *e)
{
	if (o->n_files < 2)
		return err_set(e, "diff: takes two results, the older first: rstprobe diff OLD NEW "
				  "(each by scan, stack or audit with -oJ FILE)");
	if (strcmp(o->files[0], "-") == 0 && strcmp(o->files[1], "-") == 0)
		return err_set(e, "stdin (-) can be read but once");
	if (!o->only)
		o->only = (1U << CHANGES) - 1;
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < o->out.n + o->out.n_to; k++) {
			const char *to = k < o->out.n ? o->out.v[k].path : o->out.to[k - o->out.n];

			if (strcmp(to, "-") != 0 && strcmp(to, o->files[i]) == 0)
				return err_set(e,
					       "%.150s is compared, and would be written over: "
					       "name another file",
					       to);
		}
	return outputs_settle(&o->out, NULL, e);
}

int diff_options_parse(struct diff_options *o, int argc, char **argv, struct err *e)
{
	int rc;

	*o = (struct diff_options){.out.formats = outputs_formats("diff")};
	rc = option_parse(&diff_table, argc, argv, take, o, e);
	return rc ? rc : settle(o, e);
}
