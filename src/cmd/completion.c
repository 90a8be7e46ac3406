/*
 * completion: what may stand where on a command line, found out from the tables of options alone:
 * an argument's word (FILE, FORMAT, STATES) says what completes it, and the lists are the parser's.
 * It knows no shell.
 */
#include "cmd/completion_private.h"

#include <string.h>

#include "cmd/diff_table.h"
#include "cmd/explain_table.h"
#include "cmd/outputs.h"
#include "cmd/scan_options.h"
#include "cmd/scan_table.h"
#include "judge/cause.h"
#include "judge/probe.h"
#include "judge/provoke.h"
#include "judge/record.h"
#include "judge/trace.h"
#include "judge/verdict.h"
#include "packet/options.h"

/* --- lists ------------------------------------------------------------------------------------ */

typedef void put_words(struct text *t, const struct option_table *table);

static void put(struct text *t, const char *word)
{
	text_putf(t, "%s%s", t->len ? " " : "", word);
}

static void put_formats(struct text *t, const struct option_table *table)
{
	unsigned formats = outputs_formats(table->command);

	for (unsigned i = 0; i < FORMATS; i++)
		if (formats & FORMAT_BIT(i) && outputs_built((enum output_format)i))
			put(t, outputs_format_word((enum output_format)i));
}

static void put_all(struct text *t, const char *(*word)(size_t i))
{
	const char *w;

	for (size_t i = 0; (w = word(i)); i++)
		put(t, w);
}

static void put_colors(struct text *t, const struct option_table *table)
{
	(void)table;
	put_all(t, outputs_color_word);
}

static void put_ways(struct text *t, const struct option_table *table)
{
	(void)table;
	put_all(t, scan_tx_word);
}

static void put_layouts(struct text *t, const struct option_table *table)
{
	(void)table;
	put_all(t, syn_layout_word);
}

static void put_probe(struct text *t, const struct option_table *table)
{
	(void)table;
	for (size_t i = 0; i < probe_count; i++)
		put(t, probe_table[i].name);
}

static void put_probes(struct text *t, const struct option_table *table)
{
	put_probe(t, table);
	put(t, "all");
}

static void put_states(struct text *t, const struct option_table *table)
{
	(void)table;
	for (unsigned i = 0; i < PORT_STATES; i++)
		put(t, state_name((enum port_state)i));
}

static void put_states_all(struct text *t, const struct option_table *table)
{
	put_states(t, table);
	put(t, "all");
}

static void put_verdicts(struct text *t, const struct option_table *table)
{
	(void)table;
	for (unsigned i = 0; i < TRACE_ENDS; i++)
		put(t, trace_end_name((enum trace_end)i));
}

static void put_scenarios(struct text *t, const struct option_table *table)
{
	(void)table;
	for (unsigned i = 0; i < SCENARIOS; i++)
		put(t, scenario_infos[i].name);
}

static void put_causes(struct text *t, const struct option_table *table)
{
	(void)table;
	for (unsigned i = 0; i < CAUSES; i++)
		put(t, cause_name((enum cause)i));
	put(t, "injected");
}

static void put_severities(struct text *t, const struct option_table *table)
{
	for (unsigned i = 0; i < SEVERITIES; i++)
		put(t, severity_name((enum severity)i));
	put_causes(t, table);
}

static void put_auto(struct text *t, const struct option_table *table)
{
	(void)table;
	put(t, "auto");
}

static void put_auto_max(struct text *t, const struct option_table *table)
{
	put_auto(t, table);
	put(t, "max");
}

static void put_any(struct text *t, const struct option_table *table)
{
	(void)table;
	put(t, "any");
}

static void put_changes(struct text *t, const struct option_table *table)
{
	(void)table;
	for (unsigned i = 0; i < CHANGES; i++)
		put(t, change_name((enum change_kind)i));
}

/* --- what a word of --help stands for --------------------------------------------------------- */

static const struct {
	const char *name;
	enum fill_kind kind;
	put_words *words;
	const struct option_table *of; /* NULL: of all the others */
} meanings[] = {
    {"FILE", FILL_FILE, NULL, NULL},
    {"POLICY", FILL_FILE, NULL, NULL},
    {"OLD", FILL_FILE, NULL, NULL},
    {"NEW", FILL_FILE, NULL, NULL},
    {"TARGET", FILL_HOST, NULL, NULL},
    {"NAME", FILL_INTERFACE, put_any, &explain_table},
    {"NAME", FILL_INTERFACE, NULL, NULL},
    {"FORMAT", FILL_WORD, put_formats, NULL},
    {"USER", FILL_USER, NULL, NULL},
    {"WHEN", FILL_WORD, put_colors, NULL},
    {"WAY", FILL_WORD, put_ways, NULL},
    {"LAYOUT", FILL_WORD, put_layouts, NULL},
    {"KIND", FILL_WORD, put_probe, NULL},
    {"PROBE", FILL_WORD, put_probe, NULL},
    {"SCENARIO", FILL_WORD, put_scenarios, NULL},
    {"N|auto", FILL_WORD, put_auto, NULL},
    {"N|auto|max", FILL_WORD, put_auto_max, NULL},
    {"KINDS", FILL_LIST, put_changes, &diff_table},
    {"KINDS", FILL_LIST, put_probes, NULL},
    {"STATES", FILL_LIST, put_states, NULL},
    {"STATES|all", FILL_LIST, put_states_all, NULL},
    {"VERDICTS", FILL_LIST, put_verdicts, NULL},
    {"CAUSES", FILL_LIST, put_causes, NULL},
    {"WHAT", FILL_LIST, put_severities, NULL},
    {"FINDINGS", FILL_FINDINGS, NULL, NULL},
};

static void fill_by_name(struct fill *f, const struct option_table *t, const char *name)
{
	struct text words = text_of(f->words, sizeof(f->words));

	f->kind = FILL_NOTHING;
	f->name = name;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strcmp(name, meanings[i].name) != 0 || (meanings[i].of && meanings[i].of != t))
			continue;
		f->kind = meanings[i].kind;
		f->name = meanings[i].name;
		if (meanings[i].words)
			meanings[i].words(&words, t);
		return;
	}
}

void fill_of_row(struct fill *f, const struct option_table *t, const struct option_row *r)
{
	fill_by_name(f, t, r->arg);
}

/* A synopsis is "SCENARIO TARGET -p PORT [options]": words up to the first that is an option. */
static bool fill_of_place(struct fill *f, const struct option_table *t, size_t place)
{
	const char *words = t->synopsis;
	char item[40];

	for (size_t i = 0; fill_item(&words, item, sizeof(item)); i++) {
		const char *name = item + (item[0] == '[');

		if (name[0] == '-' || name[0] == '|' || strcmp(item, "[options]") == 0)
			return false;
		if (i < place)
			continue;
		item[strcspn(item, ".]")] = 0;
		fill_by_name(f, t, name);
		return f->kind != FILL_NOTHING;
	}
	return false;
}

unsigned fill_of_words(struct fill *first, struct fill *then, const struct option_table *t)
{
	if (!t || !fill_of_place(first, t, 0))
		return 0;
	return first->kind == FILL_WORD && fill_of_place(then, t, 1) ? 2 : 1;
}

/* --- reading the tables ----------------------------------------------------------------------- */

const struct option_row *fill_next_row(const struct option_table *t, size_t *i)
{
	while (t && *i < t->n) {
		const struct option_row *r = &t->rows[(*i)++];

		if (r->id != OPTION_REFUSED && (!r->only || (r->only & t->bit)))
			return r;
	}
	return NULL;
}

bool fill_spelling(const struct option_row *r, size_t *i, char *buf, size_t cap)
{
	size_t longs = r->name ? 1 : 0, letters = r->letters ? strlen(r->letters) : 0;
	size_t at = (*i)++;
	const char *tokens = r->tokens ? r->tokens : "";

	if (at < longs)
		snprintf(buf, cap, "--%s", r->name);
	else if (at < longs + letters)
		snprintf(buf, cap, "-%c", r->letters[at - longs]);
	else
		for (at -= longs + letters;; at--)
			if (!fill_item(&tokens, buf, cap) || at == 0)
				return *buf != 0;
	return true;
}

void fill_summary(const struct option_row *r, char *buf, size_t cap)
{
	static const char *const ends[] = {" (", "; "};
	size_t len = strlen(r->help);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *end = strstr(r->help, ends[i]);

		if (end && (size_t)(end - r->help) < len)
			len = (size_t)(end - r->help);
	}
	snprintf(buf, cap, "%.*s", (int)len, r->help);
}

bool fill_item(const char **words, char *item, size_t cap)
{
	const char *at = *words + strspn(*words, " ");
	size_t len = strcspn(at, " ");

	snprintf(item, cap, "%.*s", (int)len, at);
	*words = at + len;
	return len > 0;
}

/* --- shells ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*print)(FILE *f);
} shells[COMPLETION_SHELLS] = {
    {"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};

const char *completion_shell(size_t i)
{
	return shells[i].name;
}

int completion_print(FILE *f, const char *shell)
{
	for (size_t i = 0; i < COMPLETION_SHELLS; i++) {
		if (strcmp(shell, shells[i].name) != 0)
			continue;
		shells[i].print(f);
		return 0;
	}
	return -1;
}
