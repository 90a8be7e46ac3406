/* stackfile: lines to structs. Errors name the line and the word; nothing is guessed. */
#include "fake/stackfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct stackfile *f;
	struct fake_stack *stack; /* the section that is open; at most one of both */
	struct fake_env *env;
	struct err *e;
};

static const char *const kind_names[KINDS] = {
    "syn", "synfin", "null", "fin", "ack", "synack", "finack", "rst", "rstack", "synrst", "all"};
static const char *const case_names[CASES] = {"rst-window", "rst-outside", "syn-window",
					      "ack-unsent", "old-ack",	   "no-ack"};
static const char *const filter_names[FILTERS] = {
    "none",	   "drop",     "strict", "loose",	"reject-host", "reject-router",
    "reject-icmp", "synproxy", "tarpit", "syn-ack-all", "silent"};
static const char *const service_names[SERVICES] = {"stays", "closes", "at-once", "follows",
						    "banner"};
static const char *const after_names[] = {"alive", "gone", "accepted"};

#define BLANK " \t"

static int name_index(const char *const *names, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (word && !strcmp(names[i], word))
			return (int)i;
	return -1;
}
#define INDEX_OF(names, word) name_index(names, sizeof(names) / sizeof(*(names)), word)

static const char *next_word(char **save)
{
	return strtok_r(NULL, BLANK, save);
}

static int number(const char *word, unsigned long max, unsigned long *out)
{
	char *end;

	if (!word || !*word)
		return -1;
	*out = strtoul(word, &end, 10);
	return *end || *out > max ? -1 : 0;
}

/* The rest of the line, words parted by one blank. */
static int take_words(char **save, char out[FAKE_WORDS])
{
	const char *word;
	size_t len = 0;

	out[0] = 0;
	while ((word = next_word(save))) {
		int n = snprintf(out + len, FAKE_WORDS - len, "%s%s", len ? " " : "", word);

		len += (size_t)n;
		if (len >= FAKE_WORDS)
			return -1;
	}
	return len ? 0 : -1;
}

bool fake_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += len)
		if ((p == words || p[-1] == ' ') && (p[len] == 0 || p[len] == ' '))
			return true;
	return false;
}

/* --- forms ------------------------------------------------------------------------------------ */

/* ".", "SA", "A", or "R,SEQ,ACK" and "RA,SEQ,ACK". */
static int parse_form(const char *word, struct fake_form *f)
{
	static const char *const seqs[] = {"0", "a", "a+1", "?"};
	static const char *const acks[] = {"0", "a", "s", "s+1", "n", "n-", "?"};
	char copy[24], *save = NULL;
	const char *part;
	int seq, ack;

	*f = (struct fake_form){0};
	if (!word || strlen(word) >= sizeof(copy))
		return -1;
	strcpy(copy, word);
	part = strtok_r(copy, ",", &save);
	if (!part)
		return -1;
	f->says = !strcmp(part, ".")	? SAYS_NOTHING
		  : !strcmp(part, "SA") ? SAYS_SYN_ACK
		  : !strcmp(part, "A")	? SAYS_ACK
					: SAYS_RST;
	f->ack_bit = !strcmp(part, "RA");
	if (f->says != SAYS_RST)
		return strtok_r(NULL, ",", &save) ? -1 : 0;
	if (!f->ack_bit && strcmp(part, "R"))
		return -1;
	seq = INDEX_OF(seqs, strtok_r(NULL, ",", &save));
	ack = INDEX_OF(acks, strtok_r(NULL, ",", &save));
	f->seq = (uint8_t)seq;
	f->ack = (uint8_t)ack;
	return seq < 0 || ack < 0 || strtok_r(NULL, ",", &save) ? -1 : 0;
}

/* KIND[,KIND...] FORM [AFTER], into each such place of `row`. */
static int take_forms(char **save, const char *const *names, size_t n, struct fake_form *row)
{
	char *list = strtok_r(NULL, BLANK, save), *inner = NULL;
	struct fake_form f;
	const char *after;

	if (!list || parse_form(next_word(save), &f) < 0)
		return -1;
	after = next_word(save);
	if (after) {
		int i = INDEX_OF(after_names, after);

		if (i < 0)
			return -1;
		f.after = (uint8_t)i;
	}
	for (char *w = strtok_r(list, ",", &inner); w; w = strtok_r(NULL, ",", &inner)) {
		int i = name_index(names, n, w);

		if (i < 0)
			return -1;
		row[i] = f;
	}
	return 0;
}

/* --- the lines of a stack --------------------------------------------------------------------- */

/* "ttl=64 df=1 id=0", and what only one of the two kinds of segments has. */
static int take_shape(char **save, struct fake_stack *s, struct fake_ip *ip)
{
	const char *word, *value;
	unsigned long n = 0;

	while ((word = next_word(save))) {
		value = strchr(word, '=');
		if (!value++)
			return -1;
		if (!strncmp(word, "layout=", 7) && strlen(value) < sizeof(s->layout)) {
			strcpy(s->layout, !strcmp(value, "none") ? "" : value);
			continue;
		}
		if (!strncmp(word, "text=", 5) && strlen(value) < sizeof(s->rst_text)) {
			strcpy(s->rst_text, value);
			continue;
		}
		if (!strcmp(word, "win=echo") && ip == &s->rst) {
			s->rst_win_kind = RST_WINDOW_ECHO;
			continue;
		}
		if (number(value, 65535, &n) < 0)
			return -1;
		if (!strncmp(word, "ttl=", 4))
			ip->ttl = (uint8_t)n;
		else if (!strncmp(word, "syn-ttl=", 8))
			s->rst_syn_ttl = (uint8_t)n;
		else if (!strncmp(word, "df=", 3))
			ip->df = n;
		else if (!strncmp(word, "id=", 3))
			ip->id = n;
		else if (!strncmp(word, "mss=", 4))
			s->mss = (uint16_t)n;
		else if (!strncmp(word, "wscale=", 7))
			s->wscale = (uint8_t)n;
		else if (!strncmp(word, "win=", 4) && ip == &s->rst)
			s->rst_win = (uint16_t)n;
		else if (!strncmp(word, "win=", 4))
			s->win = (uint16_t)n;
		else
			return -1;
	}
	return 0;
}

static int take_number16(char **save, uint16_t *out)
{
	unsigned long n;

	if (number(next_word(save), 65535, &n) < 0)
		return -1;
	*out = (uint16_t)n;
	return 0;
}

/* What is expected: of IPv4 and IPv6 alike, or with a 6 behind the key of IPv6 only. */
static int take_expect(const char *key, char **save, struct fake_expect v[2])
{
	static const char *const keys[] = {"style", "family", "firewall", "confidence"};
	char name[16], words[FAKE_WORDS];
	size_t len = strlen(key);
	bool six = len && key[len - 1] == '6';

	snprintf(name, sizeof(name), "%.*s", (int)(len - six), key);
	if (INDEX_OF(keys, name) < 0 || take_words(save, words) < 0)
		return -1;
	for (int i = six; i < 2; i++) {
		char *to[] = {v[i].style, v[i].family, v[i].firewall, v[i].confidence};

		memcpy(to[INDEX_OF(keys, name)], words, FAKE_WORDS);
	}
	return 0;
}

static int stack_line(struct fake_stack *s, const char *key, char **save)
{
	static const char *const phases[PHASES] = {"rcvd", "conn", "wait"};
	int phase = INDEX_OF(phases, key);

	if (phase >= 0)
		return take_forms(save, case_names, CASES, s->conn[phase]);
	if (!strcmp(key, "open"))
		return take_forms(save, kind_names, KINDS, s->stray[PORT_OPEN]);
	if (!strcmp(key, "closed"))
		return take_forms(save, kind_names, KINDS, s->stray[PORT_CLOSED]);
	if (!strcmp(key, "syn-ack"))
		return take_shape(save, s, &s->syn_ack);
	if (!strcmp(key, "rst"))
		return take_shape(save, s, &s->rst);
	if (!strcmp(key, "challenge-ms"))
		return take_number16(save, &s->challenge_ms);
	if (!strcmp(key, "resets"))
		return take_words(save, s->resets);
	if (!strcmp(key, "ecn")) {
		s->ecn = true;
		return 0;
	}
	return take_expect(key, save, s->expect);
}

/* --- the lines of an environment -------------------------------------------------------------- */

static int env_number(struct fake_env *v, const char *key, char **save)
{
	unsigned long n;

	if (number(next_word(save), 65535, &n) < 0)
		return -1;
	if (!strcmp(key, "loss") && n <= 100)
		v->loss = (uint8_t)n;
	else if (!strcmp(key, "hops") && n < 32)
		v->hops = (uint8_t)n;
	else if (!strcmp(key, "ttl-all") && n < 256)
		v->ttl_all = (uint8_t)n;
	else if (!strcmp(key, "rst-limit"))
		v->rst_per_s = (uint16_t)n;
	else if (!strcmp(key, "delay-ms"))
		v->delay_ms = (uint16_t)n;
	else if (!strcmp(key, "dies"))
		v->dies_after = (uint32_t)n;
	else
		return -1;
	return 0;
}

static int env_line(struct fake_env *v, const char *key, char **save)
{
	int i;

	if (!strcmp(key, "filter")) {
		i = INDEX_OF(filter_names, next_word(save));
		v->filter = (uint8_t)i;
		return i < 0 ? -1 : 0;
	}
	if (!strcmp(key, "service")) {
		i = INDEX_OF(service_names, next_word(save));
		v->service = (uint8_t)i;
		return i < 0 ? -1 : 0;
	}
	if (!strcmp(key, "ports")) {
		const char *word = next_word(save);

		v->no_open = word && !strcmp(word, "none-open");
		v->no_closed = word && !strcmp(word, "all-open");
		return v->no_open || v->no_closed ? 0 : -1;
	}
	if (!strcmp(key, "only-resets")) {
		v->only_resets = true;
		return 0;
	}
	if (strspn(key, "sfc") && take_expect(key, save, v->expect) == 0)
		return 0;
	return env_number(v, key, save);
}

/* --- variants --------------------------------------------------------------------------------- */

const struct fake_stack *stackfile_stack(const struct stackfile *f, const char *name)
{
	for (size_t i = 0; name && i < f->n_stacks; i++)
		if (!strcmp(f->stacks[i].name, name))
			return &f->stacks[i];
	return NULL;
}

static const struct fake_env *find_env(const struct stackfile *f, const char *name)
{
	for (size_t i = 0; i < f->n_envs; i++)
		if (!strcmp(f->envs[i].name, name))
			return &f->envs[i];
	return NULL;
}

static void copy_words(char to[FAKE_WORDS], const char *words)
{
	if (words[0])
		memmove(to, words, strlen(words) + 1);
}

static void lay_over(struct fake_env *to, const struct fake_env *v)
{
#define OVER(field) to->field = v->field ? v->field : to->field
	OVER(filter);
	OVER(service);
	OVER(loss);
	OVER(hops);
	OVER(ttl_all);
	OVER(rst_per_s);
	OVER(delay_ms);
	OVER(dies_after);
	OVER(no_open);
	OVER(no_closed);
	OVER(only_resets);
#undef OVER
	for (size_t i = 0; i < 2; i++) {
		const struct fake_expect *x = &v->expect[i];
		struct fake_expect *into = &to->expect[i];

		copy_words(into->style, x->style);
		copy_words(into->family, x->family);
		copy_words(into->firewall, x->firewall);
		copy_words(into->confidence, x->confidence);
	}
}

int stackfile_env(const struct stackfile *f, const char *names, struct fake_env *out)
{
	char list[sizeof(out->name)], *save = NULL;

	*out = (struct fake_env){0};
	if (strlen(names) >= sizeof(list))
		return -1;
	strcpy(list, names);
	strcpy(out->name, names);
	for (char *w = strtok_r(list, "+", &save); w; w = strtok_r(NULL, "+", &save)) {
		const struct fake_env *v = find_env(f, w);

		if (!v)
			return -1;
		lay_over(out, v);
	}
	return 0;
}

/* "stateless windows:stealth": for a stack whose family is windows, only the second; for others,
 * only what has no such mark. */
static void pick(const char *words, const char *own, const char *families, char out[FAKE_WORDS])
{
	char copy[FAKE_WORDS], family[FAKE_WORDS], *save = NULL;
	size_t plain = 0, marked = 0;
	/* "own" may bring as many words again */
	char plains[2 * FAKE_WORDS] = "", marks[FAKE_WORDS] = "";

	strcpy(copy, words);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		const char *colon = strchr(w, ':');

		if (!strcmp(w, "own")) {
			plain += (size_t)sprintf(plains + plain, "%s%s", plain ? " " : "", own);
			continue;
		}
		if (!colon) {
			plain += (size_t)sprintf(plains + plain, "%s%s", plain ? " " : "", w);
			continue;
		}
		snprintf(family, sizeof(family), "%.*s", (int)(colon - w), w);
		if (fake_word(families, family))
			marked +=
			    (size_t)sprintf(marks + marked, "%s%s", marked ? " " : "", colon + 1);
	}
	snprintf(out, FAKE_WORDS, "%.*s", FAKE_WORDS - 1, marked ? marks : plains);
}

static void choose(const char *env, const char *stack, const char *families, char out[FAKE_WORDS])
{
	if (env[0])
		pick(env, stack, families, out);
	else
		strcpy(out, stack);
	if (!strcmp(out, "any"))
		out[0] = 0;
}

static void resolve(struct fake_variant *v)
{
	const struct fake_expect *own = &v->stack->expect[v->family == ADDR_V6];
	const struct fake_expect *env = &v->env.expect[v->family == ADDR_V6];
	/* where only resets are seen, the open port's evidence is missing */
	const char *family = v->env.only_resets ? v->stack->resets : own->family;

	choose(env->style, own->style, own->family, v->expect.style);
	choose(env->family, family, own->family, v->expect.family);
	choose(env->firewall, own->firewall, own->family, v->expect.firewall);
	choose(env->confidence, own->confidence, own->family, v->expect.confidence);
}

int stackfile_variant(const struct stackfile *f, const char *name, struct fake_variant *out)
{
	char copy[sizeof(out->name)], *save = NULL;
	const char *stack, *env, *family;

	*out = (struct fake_variant){.family = ADDR_V4};
	if (strlen(name) >= sizeof(copy))
		return -1;
	strcpy(copy, name);
	strcpy(out->name, name);
	stack = strtok_r(copy, "/", &save);
	env = strtok_r(NULL, "/", &save);
	family = strtok_r(NULL, "/", &save);
	out->stack = stackfile_stack(f, stack);
	if (family)
		out->family = ADDR_V6;
	if (!out->stack || !env || (family && strcmp(family, "v6")) ||
	    stackfile_env(f, env, &out->env) < 0)
		return -1;
	resolve(out);
	return 0;
}

static int add_variant(struct reading *r, const char *stack, const char *env, char family)
{
	struct stackfile *f = r->f;
	struct fake_variant *v = &f->variants[f->n_variants];
	char name[sizeof(v->name)];

	snprintf(name, sizeof(name), "%s/%s%s", stack, env, family == '6' ? "/v6" : "");
	if (f->n_variants == FAKE_VARIANTS_MAX || stackfile_variant(f, name, v) < 0)
		return err_set(r->e, "no such variant: %s", name);
	for (size_t i = 0; i < f->n_variants; i++)
		if (!strcmp(f->variants[i].name, name))
			return err_set(r->e, "twice: %s", name);
	f->n_variants++;
	return 0;
}

static int play_stack(struct reading *r, const char *stack, const char *envs, const char *families)
{
	char env_list[256], *save = NULL;

	snprintf(env_list, sizeof(env_list), "%s", envs);
	for (const char *v = strtok_r(env_list, BLANK, &save); v; v = strtok_r(NULL, BLANK, &save))
		for (const char *w = families; *w; w++)
			if ((*w == '4' || *w == '6') && add_variant(r, stack, v, *w) < 0)
				return -1;
	return 0;
}

/* play STACK... : ENV... : FAMILY... */
static int take_play(struct reading *r, char *rest)
{
	char *part[3], *outer = NULL, *stacks = NULL;

	for (int i = 0; i < 3; i++)
		if (!(part[i] = strtok_r(i ? NULL : rest, ":", &outer)))
			return err_set(r->e, "play STACK... : ENVIRONMENT... : 4 6");
	for (const char *stack = strtok_r(part[0], BLANK, &stacks); stack;
	     stack = strtok_r(NULL, BLANK, &stacks))
		if (play_stack(r, stack, part[1], part[2]) < 0)
			return -1;
	return 0;
}

/* --- the file --------------------------------------------------------------------------------- */

static int begin_stack(struct reading *r, char **save)
{
	const char *name = next_word(save), *like = next_word(save);
	const struct fake_stack *base = like ? stackfile_stack(r->f, next_word(save)) : NULL;

	if (!name || strlen(name) >= FAKE_NAME || stackfile_stack(r->f, name) ||
	    r->f->n_stacks == FAKE_STACKS_MAX || (like && (strcmp(like, "like") || !base)))
		return err_set(r->e, "stack NAME [like NAME], each name once");
	r->stack = &r->f->stacks[r->f->n_stacks++];
	r->env = NULL;
	if (base)
		*r->stack = *base;
	strcpy(r->stack->name, name);
	return 0;
}

static int begin_env(struct reading *r, char **save)
{
	const char *name = next_word(save);

	if (!name || strlen(name) >= FAKE_NAME || find_env(r->f, name) ||
	    r->f->n_envs == FAKE_ENVS_MAX)
		return err_set(r->e, "env NAME, each name once");
	r->env = &r->f->envs[r->f->n_envs++];
	r->stack = NULL;
	strcpy(r->env->name, name);
	return 0;
}

static int take_line(struct reading *r, char *line)
{
	bool indented = *line == ' ' || *line == '\t';
	char *save = NULL, *key;
	int ok;

	line[strcspn(line, "#\n")] = 0;
	key = strtok_r(line, BLANK, &save);
	if (!key)
		return 0;
	if (!indented && !strcmp(key, "stack"))
		return begin_stack(r, &save);
	if (!indented && !strcmp(key, "env"))
		return begin_env(r, &save);
	if (!indented && !strcmp(key, "play"))
		return take_play(r, save);
	if (!indented || (!r->stack && !r->env))
		return err_set(r->e, "%s: neither stack, env nor play", key);
	ok = r->stack ? stack_line(r->stack, key, &save) : env_line(r->env, key, &save);
	if (ok < 0)
		return err_set(r->e, "%s: not understood", key);
	return strtok_r(NULL, BLANK, &save) ? err_set(r->e, "%s: words too many", key) : 0;
}

struct stackfile *stackfile_read(const char *path, struct err *e)
{
	struct err why = {0};
	struct reading r = {.f = calloc(1, sizeof(*r.f)), .e = &why};
	FILE *in = fopen(path, "r");
	char line[512];
	unsigned n = 0;
	int ok = r.f && in ? 0 : -1;

	if (ok < 0)
		err_sys(e, errno, "%s", path);
	while (ok == 0 && fgets(line, sizeof(line), in)) {
		n++;
		ok = take_line(&r, line);
		if (ok < 0)
			err_set(e, "%s:%u: %s", path, n, why.msg);
	}
	if (in)
		fclose(in);
	if (ok == 0)
		return r.f;
	free(r.f);
	return NULL;
}

void stackfile_free(struct stackfile *f)
{
	free(f);
}
