/*
 * completion_zsh: writes what zsh reads to complete a command line of rstprobe: a list of
 * _arguments for each command. What may stand where is completion's.
 */
#include "config.h"

#include "cmd/completion_private.h"

#include <string.h>

#include "cmd/scan_options.h"

static const char zsh_help[] = "_rstprobe_interfaces() {\n"
			       "\tlocal -a names\n"
			       "\tnames=(/sys/class/net/*(N:t) \"$@\")\n"
			       "\tcompadd -a names\n"
			       "}\n\n";

static const char zsh_main[] = "_rstprobe() {\n"
			       "\tlocal curcontext=$curcontext\n"
			       "\tif [[ ${words[2]} == --completion ]]; then\n"
			       "\t\t(( CURRENT != 3 )) || compadd -a _rstprobe_shells\n"
			       "\t\treturn\n"
			       "\tfi\n"
			       "\tif (( CURRENT == 2 )) && [[ ${words[2]} != -* ]]; then\n"
			       "\t\t_describe -t commands command _rstprobe_commands\n"
			       "\t\t_hosts\n"
			       "\t\treturn\n"
			       "\tfi\n"
			       "\t(( CURRENT != 2 )) || compadd -- --version --completion\n"
			       "\tif (( ${_rstprobe_commands[(I)${words[2]}:*]} )); then\n"
			       "\t\tshift words\n"
			       "\t\t(( CURRENT-- ))\n"
			       "\t\tcurcontext=${curcontext%:*:*}:rstprobe-$words[1]:\n"
			       "\t\t_rstprobe_$words[1]\n"
			       "\telse\n"
			       "\t\t_rstprobe_scan\n"
			       "\tfi\n"
			       "}\n\n"
			       "_rstprobe \"$@\"\n";

/* Within single quotes, in a description between brackets or behind a colon. */
static void put_quoted(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs("'\\''", f);
			continue;
		}
		if (strchr("[]:\\", *text))
			fputc('\\', f);
		fputc(*text, f);
	}
}

/* What stands behind "WORD:" in a specification. */
static void put_action(FILE *f, const struct fill *fill)
{
	char item[40];

	switch (fill->kind) {
	case FILL_NOTHING: fputs(" ", f); break;
	case FILL_FILE: fputs("_files", f); break;
	case FILL_HOST: fputs("_hosts", f); break;
	case FILL_USER: fputs("_users", f); break;
	case FILL_INTERFACE: fprintf(f, " _rstprobe_interfaces %s", fill->words); break;
	case FILL_WORD: fprintf(f, "(%s)", fill->words); break;
	case FILL_LIST:
		fprintf(f, "_values -s , \"%s\"", fill->name);
		/* a state has a | in it */
		for (const char *words = fill->words; fill_item(&words, item, sizeof(item));)
			fprintf(f, " \"%s\"", item);
		break;
	case FILL_FINDINGS: fputs(" _rstprobe_findings", f); break;
	}
}

/* -o, where -oJ is another option: what is attached to it would hide that. */
static bool begins_another(const struct option_table *t, const char *word)
{
	const struct option_row *r;
	char other[40];

	for (size_t i = 0; (r = fill_next_row(t, &i));)
		for (size_t j = 0; fill_spelling(r, &j, other, sizeof(other));)
			if (other[1] != '-' && strlen(other) > 2 && strncmp(other, word, 2) == 0)
				return true;
	return false;
}

static void put_spelling(FILE *f, const struct option_table *t, const struct option_row *r,
			 const char *word)
{
	bool is_letter = strlen(word) == 2;
	const char *joins = word[1] == '-' ? "=" : is_letter && !begins_another(t, word) ? "+" : "";
	char summary[160];
	struct fill fill;

	if (word[strlen(word) - 1] == '-') /* _arguments has another meaning for it */
		return;
	fill_summary(r, summary, sizeof(summary));
	fprintf(f, " \\\n\t\t'*%s%s[", word, r->arg ? joins : "");
	put_quoted(f, summary);
	fputs("]", f);
	if (r->arg) {
		fill_of_row(&fill, t, r);
		fprintf(f, ":%s:", fill.name);
		put_action(f, &fill);
	}
	fputs("'", f);
}

static void put_place(FILE *f, const char *place, const struct fill *fill)
{
	fprintf(f, " \\\n\t\t'%s:%s:", place, fill->name);
	put_action(f, fill);
	fputs("'", f);
}

static void put_places(FILE *f, const struct option_table *t)
{
	struct fill first, then;
	unsigned n = fill_of_words(&first, &then, t);

	if (n > 0)
		put_place(f, n > 1 ? "1" : "*", &first);
	if (n > 1)
		put_place(f, "*", &then);
}

static void put_command(FILE *f, const struct command *c)
{
	const struct option_row *r;
	char word[40];

	fprintf(f, "_rstprobe_%s() {\n\t_arguments -S", c->name);
	for (size_t i = 0; (r = fill_next_row(c->options, &i));)
		for (size_t j = 0; fill_spelling(r, &j, word, sizeof(word));)
			put_spelling(f, c->options, r, word);
	put_places(f, c->options);
	fputs("\n}\n\n", f);
}

static void put_findings(FILE *f)
{
	fputs("# those of the scenario that is on the line\n"
	      "_rstprobe_findings() {\n"
	      "\tlocal said\n"
	      "\tfor said in $words; do\n"
	      "\t\tcase $said in\n",
	      f);
	for (unsigned i = 0; i < SCENARIOS; i++) {
		char words[FILL_WORDS_MAX];
		struct text t = text_of(words, sizeof(words));

		scan_put_findings(&t, (enum scenario)i, " ");
		fprintf(f, "\t\t%s) _values -s , finding %s ;;\n", scenario_infos[i].name, words);
	}
	fputs("\t\tesac\n\tdone\n}\n\n", f);
}

void completion_zsh(FILE *f)
{
	fputs("#compdef rstprobe\n"
	      "# zsh completion of rstprobe " PACKAGE_VERSION
	      ", written by: rstprobe --completion zsh\n\n"
	      "_rstprobe_shells=(",
	      f);
	for (size_t i = 0; i < COMPLETION_SHELLS; i++)
		fprintf(f, "%s ", completion_shell(i));
	fputs(")\n_rstprobe_commands=(\n", f);
	for (size_t i = 0; i < command_count; i++) {
		fprintf(f, "\t'%s:", commands[i].name);
		put_quoted(f, commands[i].question);
		fputs("'\n", f);
	}
	fputs(")\n\n", f);
	fputs(zsh_help, f);
	put_findings(f);
	for (size_t i = 0; i < command_count; i++)
		put_command(f, &commands[i]);
	fputs(zsh_main, f);
}
