/*
 * probes: prints the tables that scan and stack judge by: the probes, what each reaction leaves
 * possible, the reactions' tokens, and what RFC 9293 asks in each state. It sends nothing and knows
 * nothing beside the tables.
 */
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/probes_table.h"
#include "judge/probe.h"
#include "judge/reaction.h"
#include "judge/rfc9293.h"
#include "judge/rule.h"
#include "packet/segment.h"

enum { FORMAT_TEXT, FORMAT_JSON };

/* Which rows of the probe table to show. */
struct choice {
	bool show[PROBE_KINDS_MAX];
	bool all; /* no probe was named: every class too, RST that no row has */
	int format;
};

/* The letters that --flags takes, "-" where no bit is set. */
static const char *flag_letters(uint16_t flags, char buf[10])
{
	static const struct {
		uint16_t flag;
		char letter;
	} letters[] = {{TCP_SYN, 'S'}, {TCP_ACK, 'A'}, {TCP_FIN, 'F'}, {TCP_RST, 'R'},
		       {TCP_PSH, 'P'}, {TCP_URG, 'U'}, {TCP_ECE, 'E'}, {TCP_CWR, 'C'}};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (flags & letters[i].flag)
			buf[n++] = letters[i].letter;
	if (n == 0)
		buf[n++] = '-';
	buf[n] = 0;
	return buf;
}

static bool class_shown(const struct choice *c, enum probe_class cls)
{
	if (c->all)
		return true;
	for (size_t i = 0; i < probe_count; i++)
		if (c->show[i] && probe_class_of(probe_table[i].flags) == cls)
			return true;
	return false;
}

/* --- worlds ------------------------------------------------------------------ */

static const struct {
	uint8_t open, closed;
	const char *name;
} paths[] = {{WORLD_OPEN_PASSES, WORLD_CLOSED_PASSES, "passes"},
	     {WORLD_OPEN_DROPS, WORLD_CLOSED_DROPS, "drops"},
	     {WORLD_OPEN_REJECTS, WORLD_CLOSED_REJECTS, "rejects"}};
enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

/*
 * "open passes/drops, closed drops": for each state of the port, what the path may do; "path drops"
 * where the port's state makes no difference.
 */
static void put_worlds(struct text *t, uint8_t worlds)
{
	if (worlds == WORLD_ANY) {
		text_putf(t, "anything");
		return;
	}
	for (size_t i = 0; i < PATHS; i++) {
		if (worlds == (paths[i].open | paths[i].closed)) {
			text_putf(t, "path %s", paths[i].name);
			return;
		}
	}
	for (int closed = 0; closed < 2; closed++) {
		const char *before = closed ? "closed " : "open ";

		if (closed && (worlds & WORLD_OPEN) && (worlds & WORLD_CLOSED))
			text_putf(t, ", ");
		for (size_t i = 0; i < PATHS; i++) {
			if (!(worlds & (closed ? paths[i].closed : paths[i].open)))
				continue;
			text_putf(t, "%s%s", before, paths[i].name);
			before = "/";
		}
	}
}

static struct json_object *json_worlds(uint8_t worlds)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < 2 * PATHS; i++) {
		const bool closed = i >= PATHS;
		char name[24];

		if (!(worlds & (closed ? paths[i % PATHS].closed : paths[i % PATHS].open)))
			continue;
		snprintf(name, sizeof(name), "%s-%s", closed ? "closed" : "open",
			 paths[i % PATHS].name);
		json_object_array_add(list, json_object_new_string(name));
	}
	return list;
}

/* --- text -------------------------------------------------------------------- */

enum { CELLS_MAX = 6 };

/* One row of a table: each cell is broken at spaces within its column, so a row may take several
 * lines. Columns stand two spaces apart. */
static void put_row(FILE *f, const int *widths, size_t n, const char *const *cells)
{
	const char *rest[CELLS_MAX];
	bool more = true;

	memcpy(rest, cells, n * sizeof(*cells));
	while (more) {
		char line[160];
		struct text t = text_of(line, sizeof(line));

		more = false;
		for (size_t i = 0; i < n; i++) {
			int take = (int)strlen(rest[i]);

			if (take > widths[i]) {
				for (take = widths[i]; take > 0 && rest[i][take] != ' ';)
					take--;
				take = take ? take : (int)strcspn(rest[i], " ");
			}
			text_putf(&t, "%s%-*.*s", i ? "  " : "", widths[i], take, rest[i]);
			rest[i] += take;
			rest[i] += strspn(rest[i], " ");
			more |= *rest[i] != 0;
		}
		while (t.len > 0 && line[t.len - 1] == ' ')
			line[--t.len] = 0;
		fprintf(f, "%s\n", line);
	}
}

static void text_probes(FILE *f, const struct choice *c)
{
	static const int widths[] = {9, 5, 4, 39, 33};
	static const char *const head[] = {"PROBE", "FLAGS", "DATA", "WHAT IT ASKS", "CLAUSE"};

	put_row(f, widths, 5, head);
	for (size_t i = 0; i < probe_count; i++) {
		const struct probe *p = &probe_table[i];
		char flags[10], data[8] = "-";
		const char *cells[] = {p->name, flag_letters(p->flags, flags), data, p->help,
				       p->clause};

		if (!c->show[i])
			continue;
		if (p->payload_len)
			snprintf(data, sizeof(data), "%u", p->payload_len);
		put_row(f, widths, 5, cells);
	}
}

static void text_meanings(FILE *f, const struct choice *c, enum probe_class cls)
{
	static const int widths[] = {16, 19, 4, 32, 21};
	static const char *const head[] = {"REACTION", "LEAVES", "", "BECAUSE", "CLAUSE"};
	const char *comma = ": ";

	fprintf(f, "\nWhat comes back for a segment of the class '%s'", probe_class_name(cls));
	for (size_t i = 0; i < probe_count; i++) {
		if (!c->show[i] || probe_class_of(probe_table[i].flags) != cls)
			continue;
		fprintf(f, "%s%s", comma, probe_table[i].name);
		comma = ", ";
	}
	fprintf(f, "\n");
	put_row(f, widths, 5, head);
	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *r = &rule_table[i];
		char left[64];
		struct text t = text_of(left, sizeof(left));
		const char *cells[] = {reaction_token(r->reaction), left, r->firm ? "firm" : "weak",
				       r->because, r->clause};

		if (r->cls != cls)
			continue;
		put_worlds(&t, r->worlds);
		put_row(f, widths, 5, cells);
	}
}

static void text_reactions(FILE *f)
{
	static const int widths[] = {16, 80};
	static const char *const head[] = {"REACTION", "WHAT CAME BACK"};

	fprintf(f, "\n");
	put_row(f, widths, 2, head);
	for (int r = 0; r < REACTIONS; r++) {
		const char *cells[] = {reaction_token((enum reaction)r),
				       reaction_help((enum reaction)r)};

		put_row(f, widths, 2, cells);
	}
}

static const char *segment_text(enum rfc_segment s)
{
	static const char *const names[RFC_SEGMENTS] = {
	    [RFC_RST] = "RST",
	    [RFC_ACK] = "ACK, no RST",
	    [RFC_SYN] = "SYN alone",
	    [RFC_SYN_FIN] = "SYN with FIN",
	    [RFC_BARE] = "no RST, ACK, SYN",
	    [RFC_RST_EXACT] = "RST at RCV.NXT",
	    [RFC_RST_IN_WINDOW] = "RST in window",
	    [RFC_RST_OUTSIDE] = "RST outside",
	    [RFC_SYN_IN_WINDOW] = "SYN in window",
	    [RFC_ACK_UNSENT] = "ACK of unsent",
	    [RFC_DATA_OLD_ACK] = "data, old ACK",
	    [RFC_NO_ACK] = "data, no ACK bit",
	};

	return names[s];
}

/* All from ESTABLISHED on are "synchronized" (RFC 9293, 3.5.2). */
static void put_states(struct text *t, uint16_t states)
{
	const unsigned synchronized = (1U << IN_STATES) - (1U << IN_ESTABLISHED);
	unsigned left = states;
	const char *before = "";

	if ((left & synchronized) == synchronized)
		left &= ~synchronized;
	for (int s = 0; s < IN_STATES; s++) {
		if (!(left & 1U << s))
			continue;
		text_putf(t, "%s%s", before, tcp_state_name((enum tcp_state)s));
		before = " ";
	}
	if (left != states)
		text_putf(t, "%ssynchronized", before);
}

/* What `stack` holds a TCP to. */
static void text_rfc(FILE *f)
{
	static const int widths[] = {12, 16, 30, 6, 12, 22};
	static const char *const head[] = {"STATE", "SEGMENT", "MUST COME OF IT",
					   "LEVEL", "RFC",     "KNOWN DEVIATIONS"};

	fprintf(f, "\nWhat RFC 9293, 3.10.7 and RFC 5961 ask of a TCP, and stack tests\n");
	put_row(f, widths, 6, head);
	for (size_t i = 0; i < rfc_row_count; i++) {
		const struct rfc_row *r = &rfc_rows[i];
		char states[160];
		struct text t = text_of(states, sizeof(states));
		const char *cells[] = {states,	    segment_text(r->segment),
				       r->required, rfc_level_name(r->level),
				       r->clause,   r->deviates};

		put_states(&t, r->states);
		put_row(f, widths, 6, cells);
	}
}

/* --- JSON -------------------------------------------------------------------- */

static struct json_object *json_begin(const char *type)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string(type));
	return o;
}

static void json_add(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void json_end(FILE *f, struct json_object *o)
{
	fprintf(f, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
						      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void json_probes(FILE *f, const struct choice *c)
{
	for (size_t i = 0; i < probe_count; i++) {
		const struct probe *p = &probe_table[i];
		struct json_object *o;
		char flags[10];

		if (!c->show[i])
			continue;
		o = json_begin("probe");
		json_add(o, "name", p->name);
		json_add(o, "flags", p->flags ? flag_letters(p->flags, flags) : "");
		json_add(o, "class", probe_class_name(probe_class_of(p->flags)));
		json_object_object_add(o, "payload_len", json_object_new_int(p->payload_len));
		json_add(o, "help", p->help);
		json_add(o, "clause", p->clause);
		json_end(f, o);
	}
}

static void json_meanings(FILE *f, const struct choice *c)
{
	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *r = &rule_table[i];
		struct json_object *o;

		if (!class_shown(c, r->cls))
			continue;
		o = json_begin("meaning");
		json_add(o, "class", probe_class_name(r->cls));
		json_add(o, "reaction", reaction_token(r->reaction));
		json_object_object_add(o, "leaves", json_worlds(r->worlds));
		json_object_object_add(o, "firm", json_object_new_boolean(r->firm));
		json_add(o, "because", r->because);
		json_add(o, "clause", r->clause);
		json_end(f, o);
	}
}

static void json_reactions(FILE *f)
{
	for (int r = 0; r < REACTIONS; r++) {
		struct json_object *o = json_begin("reaction");

		json_add(o, "name", reaction_token((enum reaction)r));
		json_add(o, "help", reaction_help((enum reaction)r));
		json_end(f, o);
	}
}

static void json_rfc(FILE *f)
{
	for (size_t i = 0; i < rfc_row_count; i++) {
		const struct rfc_row *r = &rfc_rows[i];
		struct json_object *o = json_begin("rfc"), *states = json_object_new_array();

		for (int s = 0; s < IN_STATES; s++)
			if (r->states & 1U << s)
				json_object_array_add(states, json_object_new_string(tcp_state_name(
								  (enum tcp_state)s)));
		json_object_object_add(o, "states", states);
		json_add(o, "segment", segment_text(r->segment));
		json_add(o, "expect", reaction_token(r->expect));
		json_add(o, "after", rfc_after_name(r->after));
		json_add(o, "required", r->required);
		json_add(o, "level", rfc_level_name(r->level));
		json_add(o, "clause", r->clause);
		json_add(o, "deviates", r->deviates);
		json_end(f, o);
	}
}

/* --- the command --------------------------------------------------------------- */

static const char *name_at(size_t i)
{
	return probe_table[i].name;
}

static int choose(struct choice *c, const char *word, struct err *e)
{
	char known[160];
	struct text t = text_of(known, sizeof(known));

	for (size_t i = 0; i < probe_count; i++) {
		if (strcmp(word, probe_table[i].name) == 0) {
			c->show[i] = true;
			return 0;
		}
	}
	option_put_names(&t, probe_count, name_at);
	return err_set(e, "probes: no such probe as %.40s; there are %s", word, known);
}

static int take(void *ctx, int id, const char *said, const char *value, struct err *e)
{
	static const char *const formats[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json"};
	struct choice *c = ctx;

	if (id == OPTION_FORMAT)
		return option_choice(said, value, formats, 2, &c->format, e);
	c->all = false;
	return choose(c, value, e);
}

/* 0, 1 where help was printed, -1 with `e`. */
static int parse(struct choice *c, const struct cmd_line *l, struct err *e)
{
	int rc;

	*c = (struct choice){.all = true, .format = FORMAT_TEXT};
	rc = option_parse(&probes_table, l->argc, l->argv, take, c, e);
	for (size_t i = 0; c->all && i < probe_count; i++)
		c->show[i] = true;
	return rc;
}

int cmd_probes(const struct cmd_line *l)
{
	struct choice c;
	struct err e;
	int got = parse(&c, l, &e);

	if (got < 0)
		log_error("%s", e.msg);
	if (got != 0)
		return got < 0 ? STATUS_USAGE : STATUS_OK;
	if (c.format == FORMAT_JSON) {
		json_probes(stdout, &c);
		json_meanings(stdout, &c);
		json_reactions(stdout);
		if (c.all)
			json_rfc(stdout);
		return STATUS_OK;
	}
	text_probes(stdout, &c);
	for (int cls = 0; cls < PROBE_CLASSES; cls++)
		if (class_shown(&c, (enum probe_class)cls))
			text_meanings(stdout, &c, (enum probe_class)cls);
	text_reactions(stdout);
	if (c.all)
		text_rfc(stdout);
	return STATUS_OK;
}
