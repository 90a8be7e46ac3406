/*
 * completion_bash: writes what bash reads to complete a command line of rstprobe. It needs neither
 * bash-completion nor the program at hand; what may stand where is completion's.
 */
#include "config.h"

#include "cmd/completion_private.h"

#include <string.h>

#include "cmd/scan_options.h"

static const char bash_main[] =
    "# Is one of these words on the line?\n"
    "_rstprobe_said()\n"
    "{\n"
    "\tlocal word said\n"
    "\tfor word; do\n"
    "\t\tfor said in \"${line[@]}\"; do\n"
    "\t\t\t[[ $said != \"$word\" ]] || return 0\n"
    "\t\tdone\n"
    "\tdone\n"
    "\treturn 1\n"
    "}\n\n"
    "# Offers the words that begin as `cur` does, quoted where the shell wants that.\n"
    "_rstprobe_offer() # WORD...\n"
    "{\n"
    "\tlocal word\n"
    "\tfor word; do\n"
    "\t\t[[ $word == \"$cur\"* ]] || continue\n"
    "\t\t[[ $word != *[^[:alnum:],.:@%/_-]* ]] || printf -v word %q \"$word\"\n"
    "\t\tCOMPREPLY+=(\"$word\")\n"
    "\tdone\n"
    "}\n\n"
    "# The same behind the last comma, but for those that stand before it.\n"
    "_rstprobe_offer_list() # WORD...\n"
    "{\n"
    "\tlocal word before=''\n"
    "\tlocal -a left=()\n"
    "\t[[ $cur != *,* ]] || before=${cur%,*},\n"
    "\tfor word; do\n"
    "\t\t[[ ,$before == *,\"$word\",* ]] || left+=(\"$before$word\")\n"
    "\tdone\n"
    "\t_rstprobe_offer \"${left[@]}\"\n"
    "\tcompopt -o nospace 2>/dev/null\n"
    "}\n\n"
    "_rstprobe_offer_hosts()\n"
    "{\n"
    "\t# bash takes an address apart at its colons\n"
    "\t[[ $cur != *:* && $last != : ]] || return\n"
    "\tif declare -F _known_hosts_real >/dev/null; then\n"
    "\t\t_known_hosts_real -- \"$cur\"\n"
    "\telse\n"
    "\t\tmapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -A hostname -- \"$cur\")\n"
    "\tfi\n"
    "}\n\n"
    "_rstprobe_offer_files()\n"
    "{\n"
    "\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "\tcompopt -o filenames 2>/dev/null\n"
    "}\n\n"
    "_rstprobe()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} last='' command='' kind='' IFS=$' \\t\\n'\n"
    "\tlocal -a line=() options=() words=()\n"
    "\tCOMPREPLY=()\n"
    "\t[[ $COMP_CWORD -lt 2 ]] || line=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
    "\t# --format=js is three words here\n"
    "\tif [[ $cur == = ]]; then\n"
    "\t\tcur=''\n"
    "\telif [[ ${#line[@]} -gt 1 && ${line[-1]} == = ]]; then\n"
    "\t\tunset 'line[-1]'\n"
    "\tfi\n"
    "\t[[ ${#line[@]} -eq 0 ]] || last=${line[-1]}\n"
    "\tif [[ ${line[0]} == --completion ]]; then\n"
    "\t\t_rstprobe_offer \"${_rstprobe_shells[@]}\"\n"
    "\t\treturn\n"
    "\tfi\n"
    "\tfor command in \"${_rstprobe_commands[@]}\" scan; do\n"
    "\t\t[[ $command != \"${line[0]}\" ]] || break\n"
    "\tdone\n"
    "\t_rstprobe_takes \"$command\" \"${last:--}\"\n"
    "\tif _rstprobe_said --; then\n"
    "\t\t_rstprobe_takes \"$command\" ''\n"
    "\telif [[ -z $kind && $cur == -* ]]; then\n"
    "\t\t[[ ${#line[@]} -gt 0 ]] || options+=(--version --completion)\n"
    "\t\t_rstprobe_offer \"${options[@]}\"\n"
    "\t\treturn\n"
    "\telif [[ -z $kind ]]; then\n"
    "\t\t[[ ${#line[@]} -gt 0 ]] || _rstprobe_offer \"${_rstprobe_commands[@]}\"\n"
    "\t\t_rstprobe_takes \"$command\" ''\n"
    "\tfi\n"
    "\tcase $kind in\n"
    "\tword) _rstprobe_offer \"${words[@]}\" ;;\n"
    "\tlist) _rstprobe_offer_list \"${words[@]}\" ;;\n"
    "\tpath) _rstprobe_offer_files ;;\n"
    "\thost) _rstprobe_offer_hosts ;;\n"
    "\tuser) _rstprobe_offer $(compgen -u) ;;\n"
    "\tinterface)\n"
    "\t\twords+=(/sys/class/net/*)\n"
    "\t\t_rstprobe_offer \"${words[@]##*/}\"\n"
    "\t\t;;\n"
    "\tesac\n"
    "}\n"
    "complete -F _rstprobe rstprobe\n";

static void put_words(FILE *f, const char *name, const char *words)
{
	const char *between = "";
	char item[40];

	fprintf(f, "%s=(", name);
	while (fill_item(&words, item, sizeof(item))) {
		/* a word with a | in it would be a pipe */
		fprintf(f, strchr(item, '|') ? "%s'%s'" : "%s%s", between, item);
		between = " ";
	}
	fputs(")", f);
}

static void put_findings(FILE *f)
{
	for (unsigned i = 0; i < SCENARIOS; i++) {
		char words[FILL_WORDS_MAX];
		struct text t = text_of(words, sizeof(words));

		scan_put_findings(&t, (enum scenario)i, " ");
		fprintf(f, "\t\t\t! _rstprobe_said %s || ", scenario_infos[i].name);
		put_words(f, "words", words);
		fputs("\n", f);
	}
}

static void put_fill(FILE *f, const struct fill *fill)
{
	static const char *const kinds[] = {
	    [FILL_NOTHING] = "nothing", [FILL_FILE] = "path", [FILL_HOST] = "host",
	    [FILL_WORD] = "word",	[FILL_LIST] = "list", [FILL_INTERFACE] = "interface",
	    [FILL_FINDINGS] = "list",	[FILL_USER] = "user",
	};

	fprintf(f, "\t\t\tkind=%s", kinds[fill->kind]);
	if (*fill->words)
		put_words(f, " words", fill->words);
	fputs("\n", f);
	if (fill->kind == FILL_FINDINGS)
		put_findings(f);
}

static void put_option(FILE *f, const struct option_table *t, const struct option_row *r)
{
	const char *before = "\t\t";
	struct fill fill;
	char word[40];

	for (size_t i = 0; fill_spelling(r, &i, word, sizeof(word));) {
		fprintf(f, "%s%s", before, word);
		before = " | ";
	}
	fputs(")\n", f);
	fill_of_row(&fill, t, r);
	put_fill(f, &fill);
	fputs("\t\t\t;;\n", f);
}

static void put_places(FILE *f, const struct option_table *t)
{
	struct fill first, then;
	unsigned n = fill_of_words(&first, &then, t);

	fputs("\t\t'')\n", f);
	if (n > 0)
		put_fill(f, &first);
	if (n > 1) {
		fputs("\t\t\t! _rstprobe_said \"${words[@]}\" ||\n\t", f);
		put_fill(f, &then);
	}
	fputs("\t\t\t;;\n", f);
}

static void put_command(FILE *f, const struct command *c)
{
	const struct option_row *r;
	char word[40];

	fprintf(f, "\t%s)\n\t\toptions=(", c->name);
	for (size_t i = 0; (r = fill_next_row(c->options, &i));)
		for (size_t j = 0; fill_spelling(r, &j, word, sizeof(word));)
			fprintf(f, "%s ", word);
	fputs(")\n\t\tcase $2 in\n", f);
	put_places(f, c->options);
	for (size_t i = 0; (r = fill_next_row(c->options, &i));)
		if (r->arg)
			put_option(f, c->options, r);
	fputs("\t\tesac\n\t\t;;\n", f);
}

void completion_bash(FILE *f)
{
	fputs("# bash completion of rstprobe " PACKAGE_VERSION
	      ", written by: rstprobe --completion bash\n"
	      "# shellcheck shell=bash disable=SC2034\n\n"
	      "_rstprobe_commands=(",
	      f);
	for (size_t i = 0; i < command_count; i++)
		fprintf(f, "%s ", commands[i].name);
	fputs(")\n_rstprobe_shells=(", f);
	for (size_t i = 0; i < COMPLETION_SHELLS; i++)
		fprintf(f, "%s ", completion_shell(i));
	fputs(")\n\n"
	      "# The options of a command, and what may stand behind one of them, or by itself.\n"
	      "_rstprobe_takes() # COMMAND OPTION\n"
	      "{\n"
	      "\tkind='' words=()\n"
	      "\tcase $1 in\n",
	      f);
	for (size_t i = 0; i < command_count; i++)
		put_command(f, &commands[i]);
	fputs("\tesac\n}\n\n", f);
	fputs(bash_main, f);
}
