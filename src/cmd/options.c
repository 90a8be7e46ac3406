/*
 * options: walks argv by a table. Exact tokens (-iL, -sS) come first, as nmap's users type them,
 * then --long, then letters. It refuses to know what any option means.
 */
#include "cmd/options.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/near.h"

enum { HELP_WIDTH = 80, HELP_LEFT_MAX = 26, SHOWN = 80 /* of a user's word in a message */ };

void option_begin(struct option_walk *w, const struct option_table *t, int argc, char **argv)
{
	assert(argc > 0);
	*w = (struct option_walk){.table = t, .argc = argc, .argv = argv, .i = 1};
}

/* --- finding rows ---------------------------------------------------------- */

static bool is_in(const struct option_table *t, const struct option_row *r)
{
	return !r->only || (r->only & t->bit);
}

static const struct option_row *find_token(const struct option_table *t, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < t->n; i++) {
		const char *p = is_in(t, &t->rows[i]) ? t->rows[i].tokens : NULL;

		while (p) {
			size_t n = strcspn(p, " ");

			if (n == len && memcmp(p, word, n) == 0)
				return &t->rows[i];
			p = p[n] ? p + n + 1 : NULL;
		}
	}
	return NULL;
}

static const struct option_row *find_long(const struct option_table *t, const char *name,
					  size_t len)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *known = t->rows[i].name;

		if (known && is_in(t, &t->rows[i]) && strlen(known) == len &&
		    memcmp(known, name, len) == 0)
			return &t->rows[i];
	}
	return NULL;
}

static const struct option_row *find_letter(const struct option_table *t, char letter)
{
	for (size_t i = 0; i < t->n; i++)
		if (letter && t->rows[i].letters && is_in(t, &t->rows[i]) &&
		    strchr(t->rows[i].letters, letter))
			return &t->rows[i];
	return NULL;
}

static int unknown_long(const struct option_table *t, const char *name, struct err *e)
{
	struct near near = {.word = name};

	for (size_t i = 0; i < t->n; i++)
		if (is_in(t, &t->rows[i]))
			near_try(&near, t->rows[i].name);
	if (near.best)
		return err_set(e, "unknown option --%.*s; did you mean --%s? (rstprobe %s --help)",
			       SHOWN, name, near.best, t->command);
	return err_set(e, "unknown option --%.*s (rstprobe %s --help)", SHOWN, name, t->command);
}

/* --- the walk -------------------------------------------------------------- */

static void say(struct option_walk *w, const char *word, size_t len)
{
	snprintf(w->said, sizeof(w->said), "%.*s", (int)(len < SHOWN ? len : SHOWN), word);
}

/*
 * The id and the value of a row; `attached` is what stood in the same word, or NULL. A word that
 * begins with "--" is taken for the next option, not for the value of this one.
 */
static int give(struct option_walk *w, const struct option_row *r, const char *attached,
		const char **value, struct err *e)
{
	const char *next = w->i < w->argc ? w->argv[w->i] : NULL;

	if (r->id == OPTION_REFUSED)
		return err_set(e, "%s is not taken: %s", w->said, r->instead);
	*value = r->value;
	if (!r->arg)
		return attached
			   ? err_set(e, "%s takes no value, got '%.*s'", w->said, SHOWN, attached)
			   : r->id;
	if (!attached && (!next || (next[0] == '-' && next[1] == '-')))
		return err_set(e, "%s needs %s%s%s (rstprobe %s --help)", w->said, r->arg,
			       r->instead ? "; " : "", r->instead ? r->instead : "",
			       w->table->command);
	if (!attached)
		w->i++;
	*value = attached ? attached : next;
	return r->id;
}

static int next_long(struct option_walk *w, const char *word, const char **value, struct err *e)
{
	size_t len = strcspn(word + 2, "=");
	const struct option_row *r = find_long(w->table, word + 2, len);
	char name[SHOWN];

	if (!r) {
		snprintf(name, sizeof(name), "%.*s", (int)(len < SHOWN ? len : SHOWN), word + 2);
		return unknown_long(w->table, name, e);
	}
	say(w, word, len + 2);
	return give(w, r, word[len + 2] == '=' ? word + len + 3 : NULL, value, e);
}

/* One letter of "-4n", "-p80" or "-np80". */
static int next_letter(struct option_walk *w, const char **value, struct err *e)
{
	char spelled[3] = {'-', *w->cluster++, 0};
	const struct option_row *r = find_letter(w->table, spelled[1]);
	const char *rest = *w->cluster ? w->cluster : NULL;

	if (!r)
		return err_set(e, "unknown option %s in '%.*s' (rstprobe %s --help)", spelled,
			       SHOWN, w->argv[w->i - 1], w->table->command);
	say(w, spelled, 2);
	if (r->arg || !rest)
		w->cluster = NULL;
	return give(w, r, r->arg ? rest : NULL, value, e);
}

int option_next(struct option_walk *w, const char **value, struct err *e)
{
	const struct option_row *r;
	const char *word;

	if (w->cluster)
		return next_letter(w, value, e);
	if (!w->words_only && w->i < w->argc && strcmp(w->argv[w->i], "--") == 0) {
		w->words_only = true;
		w->i++;
	}
	if (w->i >= w->argc)
		return OPTION_END;
	word = w->argv[w->i++];
	*value = word;
	if (w->words_only || word[0] != '-' || !word[1])
		return OPTION_WORD;
	r = find_token(w->table, word);
	if (r) {
		say(w, word, strlen(word));
		return give(w, r, NULL, value, e);
	}
	if (word[1] == '-')
		return next_long(w, word, value, e);
	/* "-open" would write a file named "pen" */
	if (word[2] && find_long(w->table, word + 1, strcspn(word + 1, "=")))
		return err_set(e, "unknown option %.*s; did you mean -%.*s? (rstprobe %s --help)",
			       SHOWN, word, SHOWN, word, w->table->command);
	if (!find_letter(w->table, word[1]))
		return err_set(e, "unknown option %.*s (rstprobe %s --help)", SHOWN, word,
			       w->table->command);
	w->cluster = word + 1;
	return next_letter(w, value, e);
}

/* --- help ------------------------------------------------------------------ */

/* "-p, --ports LIST": the letters, the tokens, the long name, the argument. */
static void put_spelling(struct text *t, const struct option_row *r)
{
	const char *comma = "";

	for (const char *p = r->letters; p && *p; p++) {
		text_putf(t, "%s-%c", comma, *p);
		comma = ", ";
	}
	for (const char *p = r->tokens; p;) {
		size_t n = strcspn(p, " ");

		text_putf(t, "%s%.*s", comma, (int)n, p);
		comma = ", ";
		p = p[n] ? p + n + 1 : NULL;
	}
	if (r->name)
		text_putf(t, "%s--%s", comma, r->name);
	if (r->arg)
		text_putf(t, " %s", r->arg);
}

void option_put_wrapped(FILE *f, const char *text, size_t indent, size_t width)
{
	while (strlen(text) > width) {
		size_t n = width;

		while (n > 0 && text[n] != ' ')
			n--;
		if (n == 0) /* a word longer than the line stands over its edge */
			n = strcspn(text, " ");
		if (!text[n])
			break;
		fprintf(f, "%.*s\n%*s", (int)n, text, (int)indent, "");
		text += n + 1;
	}
	fprintf(f, "%s\n", text);
}

void option_help(FILE *f, const struct option_table *t)
{
	const char *group = "";

	fprintf(f, "usage: rstprobe %s %s\n", t->command, t->synopsis);
	option_put_wrapped(f, t->question, 0, HELP_WIDTH);
	if (t->more)
		t->more(f);
	for (size_t i = 0; i < t->n; i++) {
		const struct option_row *r = &t->rows[i];
		char left[128];
		struct text spelling = text_of(left, sizeof(left));

		if (r->id == OPTION_REFUSED || !is_in(t, r))
			continue;
		if (strcmp(group, r->group) != 0)
			fprintf(f, "\n%s:\n", group = r->group);
		put_spelling(&spelling, r);
		if (spelling.len > HELP_LEFT_MAX)
			fprintf(f, "  %s\n%*s", left, HELP_LEFT_MAX + 4, "");
		else
			fprintf(f, "  %-*s  ", HELP_LEFT_MAX, left);
		option_put_wrapped(f, r->help, HELP_LEFT_MAX + 4, HELP_WIDTH - HELP_LEFT_MAX - 4);
	}
	fprintf(f, "\nThe manual is rstprobe(1).\n");
}

int option_parse(const struct option_table *t, int argc, char **argv, option_take *take, void *ctx,
		 struct err *e)
{
	struct option_walk w;
	const char *value;
	int id;

	option_begin(&w, t, argc, argv);
	while ((id = option_next(&w, &value, e)) != OPTION_END) {
		if (id == OPTION_HELP) {
			option_help(stdout, t);
			return 1;
		}
		if (id == OPTION_BAD || take(ctx, id, w.said, value, e) < 0)
			return -1;
	}
	return 0;
}

/* --- values ---------------------------------------------------------------- */

int option_number(const char *said, const char *value, uint64_t min, uint64_t max, uint64_t *out,
		  struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	bool hex = value[0] == '0' && (value[1] | 0x20) == 'x';
	unsigned base = hex ? 16 : 10;
	const char *p = hex ? value + 2 : value;
	uint64_t n = 0;
	bool good = *p != 0;

	for (; good && *p; p++) {
		const char *at = strchr(digits, *p >= 'A' && *p <= 'F' ? *p | 0x20 : *p);
		unsigned d = at ? (unsigned)(at - digits) : base;

		good = d < base && n <= (UINT64_MAX - d) / base;
		n = n * base + d;
	}
	if (!good || n < min || n > max)
		return err_set(e, "%s %.*s: takes a number from %" PRIu64 " to %" PRIu64, said,
			       SHOWN, value, min, max);
	*out = n;
	return 0;
}

const char *option_decimal(const char *text, double *out)
{
	size_t whole = strspn(text, "0123456789"), part = 0;
	double n = 0, scale = 1;

	for (size_t i = 0; i < whole; i++)
		n = n * 10 + (text[i] - '0');
	if (text[whole] == '.') {
		part = strspn(text + whole + 1, "0123456789");
		for (size_t i = 0; i < part; i++)
			n += (text[whole + 1 + i] - '0') * (scale /= 10);
	}
	if (whole + part == 0 || whole + part > 20)
		return NULL;
	*out = n;
	return text + whole + part + (text[whole] == '.');
}

int option_duration(const char *said, const char *value, uint64_t *ns, struct err *e)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
	const double longest = 8760 * 3600e9;
	double n = 0;
	const char *unit = option_decimal(value, &n);

	if (unit && !*unit)
		return err_set(e, "%s %.*s needs a unit: %.*sms or %.*ss?", said, 20, value, 20,
			       value, 20, value);
	for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++) {
		double total = n * units[i].ns + 0.5;

		if (strcmp(unit, units[i].name) != 0)
			continue;
		if (total < 1 || total > longest)
			break;
		*ns = (uint64_t)total;
		return 0;
	}
	return err_set(e,
		       "%s %.*s: takes a time above 0 such as 500ms, 1.5s, 5m (us, ms, s, m, h; at "
		       "most 8760h)",
		       said, SHOWN, value);
}

int option_choice(const char *said, const char *value, const char *const *words, size_t n, int *out,
		  struct err *e)
{
	char list[120];
	struct text t = text_of(list, sizeof(list));

	for (size_t i = 0; i < n; i++) {
		if (strcmp(value, words[i]) == 0) {
			*out = (int)i;
			return 0;
		}
		text_putf(&t, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
	}
	return err_set(e, "%s %.*s: takes %s", said, SHOWN, value, list);
}

bool option_item(const char **list, char *item, size_t cap)
{
	size_t n;

	if (!*list)
		return false;
	n = strcspn(*list, ",");
	snprintf(item, cap, "%.*s", (int)(n < cap ? n : cap), *list);
	*list = (*list)[n] ? *list + n + 1 : NULL;
	return true;
}

void option_put_names(struct text *t, size_t n, const char *(*name)(size_t i))
{
	for (size_t i = 0; i < n; i++)
		text_putf(t, "%s%s", i ? ", " : "", name(i));
}
