/*
 * completion_fish: writes what fish reads to complete a command line of rstprobe: a line for each
 * option of each command. What may stand where is completion's.
 */
#include "config.h"

#include "cmd/completion_private.h"

#include <string.h>

#include "cmd/scan_options.h"

static const char fish_help[] =
    "# Is the command of the line $argv[1]? A first word that is none means scan.\n"
    "function __rstprobe_in\n"
    "\tset -l said (commandline -opc)[2..-1]\n"
    "\tset -l command scan\n"
    "\tif contains -- \"$said[1]\" $__rstprobe_commands\n"
    "\t\tset command $said[1]\n"
    "\tend\n"
    "\ttest \"$said[1]\" != --completion; and test $command = $argv[1]\n"
    "end\n\n"
    "# Is one of these words on the line?\n"
    "function __rstprobe_said\n"
    "\tfor word in (commandline -opc)[2..-1]\n"
    "\t\tcontains -- $word $argv; and return 0\n"
    "\tend\n"
    "\treturn 1\n"
    "end\n\n"
    "function __rstprobe_first\n"
    "\ttest (count (commandline -opc)) -eq 1\n"
    "end\n\n"
    "# Items of a list with commas, behind those that stand there.\n"
    "function __rstprobe_list\n"
    "\tset -l token (commandline -ct | string replace -r '^--[^=]*=' '')\n"
    "\tset -l before (string match -r '^.*,' -- $token)\n"
    "\tfor word in $argv\n"
    "\t\tcontains -- $word (string split , -- \"$before\"); or echo \"$before$word\"\n"
    "\tend\n"
    "end\n\n"
    "complete -c rstprobe -f\n";

/* Within single quotes. */
static void put_quoted(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
	fputc('\'', f);
}

/* Arguments of `complete`, as far as they are not told by the kind alone. */
static void put_words(FILE *f, const struct fill *fill)
{
	const char *words = fill->words;
	bool list = fill->kind == FILL_LIST || fill->kind == FILL_FINDINGS;
	const char *before = list ? " -a '(__rstprobe_list" : " -a '";
	char item[40];

	while (fill_item(&words, item, sizeof(item))) {
		fprintf(f, "%s%s%s%s", before, list ? " \"" : "", item, list ? "\"" : "");
		before = list ? "" : " ";
	}
	if (*fill->words)
		fputs(list ? ")'" : "'", f);
}

static void put_fill(FILE *f, const struct fill *fill, bool option)
{
	switch (fill->kind) {
	case FILL_FILE: fputs(option ? " -r -F" : " -F", f); break;
	case FILL_HOST: fprintf(f, "%s -a '(__fish_print_hostnames)'", option ? " -x" : ""); break;
	case FILL_USER: fputs(" -x -a '(__fish_complete_users)'", f); break;
	case FILL_INTERFACE:
		fprintf(f, " -x -a '(__fish_print_interfaces) %s'", fill->words);
		break;
	default: fputs(option ? " -x" : "", f); put_words(f, fill);
	}
}

static void put_spellings(FILE *f, const struct option_row *r)
{
	char word[40], summary[160];

	for (size_t i = 0; fill_spelling(r, &i, word, sizeof(word));) {
		if (word[1] == '-')
			fprintf(f, " -l %s", word + 2);
		else
			fprintf(f, strlen(word) == 2 ? " -s %s" : " -o %s", word + 1);
	}
	fill_summary(r, summary, sizeof(summary));
	fputs(" -d ", f);
	put_quoted(f, summary);
}

static void put_findings(FILE *f, const struct command *c, const struct option_row *r)
{
	struct fill fill = {.kind = FILL_FINDINGS};

	for (unsigned i = 0; i < SCENARIOS; i++) {
		struct text t = text_of(fill.words, sizeof(fill.words));

		scan_put_findings(&t, (enum scenario)i, " ");
		fprintf(f, "complete -c rstprobe -n '__rstprobe_in %s; and __rstprobe_said %s'",
			c->name, scenario_infos[i].name);
		put_spellings(f, r);
		put_fill(f, &fill, true);
		fputs("\n", f);
	}
}

static void put_option(FILE *f, const struct command *c, const struct option_row *r)
{
	struct fill fill = {.kind = FILL_NOTHING};

	if (r->arg)
		fill_of_row(&fill, c->options, r);
	if (fill.kind == FILL_FINDINGS) {
		put_findings(f, c, r);
		return;
	}
	fprintf(f, "complete -c rstprobe -n '__rstprobe_in %s'", c->name);
	put_spellings(f, r);
	if (r->arg)
		put_fill(f, &fill, true);
	fputs("\n", f);
}

static void put_places(FILE *f, const struct command *c)
{
	struct fill first, then;
	unsigned n = fill_of_words(&first, &then, c->options);

	if (n > 0) {
		fprintf(f, "complete -c rstprobe -n '__rstprobe_in %s", c->name);
		if (n > 1)
			fprintf(f, "; and not __rstprobe_said %s", first.words);
		fputs("'", f);
		put_fill(f, &first, false);
		fputs("\n", f);
	}
	if (n > 1) {
		fprintf(f, "complete -c rstprobe -n '__rstprobe_in %s; and __rstprobe_said %s'",
			c->name, first.words);
		put_fill(f, &then, false);
		fputs("\n", f);
	}
}

void completion_fish(FILE *f)
{
	fputs("# fish completion of rstprobe " PACKAGE_VERSION
	      ", written by: rstprobe --completion fish\n\n"
	      "set -g __rstprobe_commands",
	      f);
	for (size_t i = 0; i < command_count; i++)
		fprintf(f, " %s", commands[i].name);
	fputs("\n\n", f);
	fputs(fish_help, f);
	fputs("complete -c rstprobe -n __rstprobe_first -l version -s V "
	      "-d 'the versions of rstprobe and of its libraries'\n"
	      "complete -c rstprobe -n '__rstprobe_first; or __rstprobe_said --completion' "
	      "-l completion -x -a '",
	      f);
	for (size_t i = 0; i < COMPLETION_SHELLS; i++)
		fprintf(f, "%s%s", i ? " " : "", completion_shell(i));
	fputs("' -d 'what a shell reads to complete a command line'\n", f);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &commands[i];
		const struct option_row *r;

		fprintf(f, "\ncomplete -c rstprobe -n __rstprobe_first -a %s -d ", c->name);
		put_quoted(f, c->question);
		fputs("\n", f);
		put_places(f, c);
		for (size_t j = 0; (r = fill_next_row(c->options, &j));)
			put_option(f, c, r);
	}
}
