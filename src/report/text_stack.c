/*
 * text_stack: what `stack` found of one host: the matrix of RFC 9293, 3.10.7 as two tables with a
 * mark a cell, then the sentences of stack_words. It decides what fits into a line, not what is
 * said.
 */
#include <string.h>

#include "packet/notation.h"
#include "report/stack_words.h"
#include "report/text_private.h"

enum { FORM_MAX = 40, ANSWER_MAX = 64 };

/* The states and segments of one of the two tables, in the order of the battery. */
struct grid {
	enum tcp_state states[IN_STATES];
	bool dead[IN_STATES]; /* by place in `states`: nothing was told */
	size_t n_states;
	const struct form *forms[BATTERY_MAX];
	size_t n_forms;
	bool stray;
};

/* --- lines -------------------------------------------------------------------------------- */

static void trim(struct string *to)
{
	while (to->len && to->s[to->len - 1] == ' ')
		to->s[--to->len] = 0;
}

/* --- the tables --------------------------------------------------------------------------- */

/* Whether anything was learned from the cell. */
static bool is_told(const struct cell_verdict *c)
{
	return c->conforms != CONFORMS_UNTESTED || (c->x && exchange_answered(c->x));
}

static size_t add_state(struct grid *g, enum tcp_state s)
{
	size_t i = 0;

	while (i < g->n_states && g->states[i] != s)
		i++;
	if (i == g->n_states) {
		g->dead[i] = true;
		g->states[g->n_states++] = s;
	}
	return i;
}

static void add_form(struct grid *g, const struct form *f)
{
	for (size_t i = 0; i < g->n_forms; i++)
		if (strcmp(g->forms[i]->name, f->name) == 0)
			return;
	g->forms[g->n_forms++] = f;
}

static struct grid grid_of(const struct stack_verdict *v, bool stray)
{
	struct grid g = {.stray = stray};

	for (size_t i = 0; i < v->n_cells; i++) {
		const struct cell_verdict *c = &v->cells[i];
		size_t column;

		if (stack_cell_is_stray(c) != stray)
			continue;
		column = add_state(&g, c->cell->state);
		g.dead[column] &= !is_told(c);
		add_form(&g, c->cell->form);
	}
	return g;
}

static const char *form_text(const struct form *f, char buf[FORM_MAX])
{
	struct text t = text_of(buf, FORM_MAX);

	notation_put_flags(&t, f->flags);
	if (f->payload_len)
		text_putf(&t, " +%u", (unsigned)f->payload_len);
	return buf;
}

static char mark_of(const struct cell_verdict *c)
{
	return c->conforms == CONFORMS_YES ? '+' : c->conforms == CONFORMS_NO ? '!' : '?';
}

static const char *cell_text(const struct cell_verdict *c, bool stray, char buf[ANSWER_MAX])
{
	struct text t = text_of(buf, ANSWER_MAX);

	buf[0] = 0;
	if (!c)
		return buf;
	text_putf(&t, "%c ", mark_of(c));
	stack_words_answer(&t, c->x, !stray);
	if (!stray && c->x && c->x->tries && *stack_words_after(c->x))
		text_putf(&t, " %s", stack_words_after(c->x));
	return buf;
}

static const char *cell_color(const struct cell_verdict *c)
{
	return c->conforms == CONFORMS_YES  ? TEXT_GREEN
	       : c->conforms == CONFORMS_NO ? TEXT_RED
					    : TEXT_DIM;
}

static void put_cell(struct text_report *t, const struct cell_verdict *c, bool stray, size_t width)
{
	char buf[ANSWER_MAX];
	const char *text = cell_text(c, stray, buf);
	size_t len = strlen(text);

	if (c && t->style.color)
		string_putf(&t->line, "%s%s" TEXT_PLAIN, cell_color(c), text);
	else
		string_putf(&t->line, "%s", text);
	string_putf(&t->line, "%*s", (int)(width > len ? width - len : 0), "");
}

static bool form_is_in_table(const struct stack_verdict *v, const struct grid *g, const char *form)
{
	for (size_t i = 0; i < g->n_states; i++)
		if (!g->dead[i] && stack_cell(v, g->states[i], form))
			return true;
	return false;
}

static size_t column_width(const struct stack_verdict *v, const struct grid *g, size_t column)
{
	size_t widest = strlen(tcp_state_name(g->states[column]));
	char buf[ANSWER_MAX];

	for (size_t i = 0; i < g->n_forms; i++) {
		const struct cell_verdict *c = stack_cell(v, g->states[column], g->forms[i]->name);
		size_t len = strlen(cell_text(c, g->stray, buf));

		widest = len > widest ? len : widest;
	}
	return widest;
}

/* How wide the parts of a table are; what does not fit is left out or squeezed. */
struct layout {
	size_t name, flags /* 0: left out */, gap, width[IN_STATES];
};

static size_t total_width(const struct grid *g, const struct layout *l)
{
	size_t n = l->name + (l->flags ? l->gap + l->flags : 0);

	for (size_t i = 0; i < g->n_states; i++)
		n += g->dead[i] ? 0 : l->gap + l->width[i];
	return n;
}

static struct layout lay_out(const struct text_report *t, const struct stack_verdict *v,
			     const struct grid *g)
{
	struct layout l = {.name = strlen("SEGMENT"), .flags = strlen("FLAGS"), .gap = 2};
	char buf[FORM_MAX];

	for (size_t i = 0; i < g->n_states; i++)
		l.width[i] = column_width(v, g, i);
	for (size_t i = 0; i < g->n_forms; i++) {
		size_t a = strlen(g->forms[i]->name), b = strlen(form_text(g->forms[i], buf));

		l.name = a > l.name ? a : l.name;
		l.flags = b > l.flags ? b : l.flags;
	}
	if (total_width(g, &l) > text_width(t))
		l.flags = 0; /* the names say them too */
	if (total_width(g, &l) > text_width(t))
		l.gap = 1;
	return l;
}

static void put_first_columns(struct text_report *t, const struct layout *l, const char *name,
			      const char *flags)
{
	string_putf(&t->line, "%-*s", (int)l->name, name);
	if (l->flags)
		string_putf(&t->line, "%*s%-*s", (int)l->gap, "", (int)l->flags, flags);
}

static void put_row(struct text_report *t, const struct stack_verdict *v, const struct grid *g,
		    const struct layout *l, const struct form *f)
{
	char buf[FORM_MAX];

	put_first_columns(t, l, f->name, form_text(f, buf));
	for (size_t i = 0; i < g->n_states; i++) {
		if (g->dead[i])
			continue;
		string_putf(&t->line, "%*s", (int)l->gap, "");
		put_cell(t, stack_cell(v, g->states[i], f->name), g->stray, l->width[i]);
	}
	trim(&t->line);
	string_putf(&t->line, "\n");
}

static bool has_table(const struct grid *g)
{
	for (size_t i = 0; i < g->n_states; i++)
		if (!g->dead[i])
			return true;
	return false;
}

static void put_table(struct text_report *t, const struct stack_verdict *v, const struct grid *g)
{
	const struct layout l = lay_out(t, v, g);

	if (!has_table(g))
		return;
	put_first_columns(t, &l, "SEGMENT", "FLAGS");
	for (size_t i = 0; i < g->n_states; i++)
		if (!g->dead[i])
			string_putf(&t->line, "%*s%-*s", (int)l.gap, "", (int)l.width[i],
				    tcp_state_name(g->states[i]));
	trim(&t->line);
	string_putf(&t->line, "\n");
	for (size_t k = 0; k < g->n_forms; k++)
		if (form_is_in_table(v, g, g->forms[k]->name))
			put_row(t, v, g, &l, g->forms[k]);
}

static bool is_untold(const struct cell_verdict *c, enum tcp_state s, int why)
{
	return c->cell->state == s && (int)c->why == why && c->conforms == CONFORMS_UNTESTED;
}

/* No port accepts: of LISTEN and of connections nothing is known, all for that one reason. */
static bool lacks_open_port(const struct stack_verdict *v)
{
	bool any = false;

	for (size_t i = 0; i < v->n_cells; i++) {
		const struct cell_verdict *c = &v->cells[i];

		if (c->cell->state == IN_CLOSED)
			continue;
		if (!is_untold(c, c->cell->state, WHY_NO_OPEN_PORT))
			return false;
		any = true;
	}
	return any;
}

static void put_reason(struct text_report *t, struct string *cells, const char *why)
{
	if (cells->len) {
		string_putf(cells, ": not tested: %s", why);
		text_put_paragraph(t, string_text(cells), 2);
	}
	if (cells->failed)
		out_no_memory(&t->out);
	string_free(cells);
}

/* States of which nothing was told, by their names alone. */
static void put_dead(struct text_report *t, const struct stack_verdict *v, const struct grid *g,
		     int why)
{
	struct string line = {0};
	const char *says = "";

	for (size_t k = 0; k < g->n_states; k++) {
		const struct cell_verdict *c = NULL;

		for (size_t i = 0; g->dead[k] && i < v->n_cells; i++)
			if (is_untold(&v->cells[i], g->states[k], why))
				c = &v->cells[i];
		if (!c)
			continue;
		if (line.len && strcmp(says, stack_words_why(c)) != 0)
			put_reason(t, &line, says);
		says = stack_words_why(c);
		string_putf(&line, "%s %s", line.len ? "," : "?", tcp_state_name(g->states[k]));
	}
	put_reason(t, &line, says);
}

static bool all_untold(const struct stack_verdict *v, enum tcp_state s, int why)
{
	for (size_t i = 0; i < v->n_cells; i++)
		if (v->cells[i].cell->state == s && !is_untold(&v->cells[i], s, why))
			return false;
	return true;
}

/* Of the other states, the segments. */
static void put_untold(struct text_report *t, const struct stack_verdict *v, const struct grid *g,
		       size_t column, int why)
{
	const enum tcp_state state = g->states[column];
	bool all = all_untold(v, state, why);
	struct string line = {0};
	const char *says = "";

	for (size_t i = 0; !g->dead[column] && i < v->n_cells; i++) {
		if (!is_untold(&v->cells[i], state, why))
			continue;
		says = stack_words_why(&v->cells[i]);
		if (!line.len)
			string_putf(&line, "? %s%s%s", tcp_state_name(state), all ? "" : " ",
				    all ? "" : v->cells[i].cell->form->name);
		else if (!all)
			string_putf(&line, ", %s", v->cells[i].cell->form->name);
	}
	put_reason(t, &line, says);
}

static bool put_grid(struct text_report *t, const struct stack_verdict *v, bool stray)
{
	const struct grid g = grid_of(v, stray);
	bool lacking = lacks_open_port(v);
	size_t before = t->line.len;

	put_table(t, v, &g);
	for (int why = WHY_NONE; why < CELL_WHYS; why++) {
		if (lacking && why == WHY_NO_OPEN_PORT)
			continue;
		for (size_t i = 0; i < g.n_states; i++)
			put_untold(t, v, &g, i, why);
		put_dead(t, v, &g, why);
	}
	if (lacking && !stray)
		text_put_paragraph(
		    t,
		    t->run->ports_given
			? "? LISTEN and all states of connections: no open port found: "
			  "none of -p accepts"
			: "? LISTEN and all states of connections: no open port found "
			  "(give one with -p)",
		    2);
	if (t->line.len > before && !(lacking && stray))
		string_putf(&t->line, "\n");
	return has_table(&g);
}

static void put_legend(struct text_report *t, bool stray, bool connections)
{
	if (t->legend || !(stray || connections))
		return;
	t->legend = true;
	string_putf(&t->line, "+ as RFC 9293 asks   ! deviates   ? not tested   - no answer\n");
	if (connections)
		string_putf(&t->line, "alive, gone: the connection afterwards   taken: alive, with "
				      "the data or FIN\n");
	string_putf(&t->line, "\n");
}

/* --- what is said ------------------------------------------------------------------------- */

static void put_sentence(struct text_report *t, const struct stack_record *s,
			 void (*say)(struct text *to, const struct stack_record *r))
{
	char buf[STACK_WORDS_MAX];
	struct text text = text_of(buf, sizeof(buf));

	buf[0] = 0;
	say(&text, s);
	text_put_paragraph(t, buf, 0);
}

static void put_note(struct text_report *t, const char *says)
{
	struct string line = {0};

	string_putf(&line, "Note: %s.", says);
	text_put_paragraph(t, string_text(&line), 6);
	string_free(&line);
}

static void put_notes(struct text_report *t, const struct stack_record *s)
{
	char buf[STACK_WORDS_MAX];

	for (unsigned i = 0;; i++) {
		struct text text = text_of(buf, sizeof(buf));

		if (!stack_words_remark(&text, s, i))
			break;
		put_note(t, buf);
	}
	/* of who is silent the sentence has said it */
	for (size_t i = 0; stack_answered(s->facts) && i < s->verdict->n_clues; i++) {
		if (stack_words_repeats(s, &s->verdict->clues[i]))
			continue;
		report_clue(buf, sizeof(buf), &s->verdict->clues[i]);
		put_note(t, buf);
	}
}

/* --- the block ---------------------------------------------------------------------------- */

static void put_heading(struct text_report *t, const struct stack_record *s)
{
	const struct stack_facts *f = s->facts;
	const struct cell_verdict *syn = stack_cell(s->verdict, IN_CLOSED, "syn");

	text_put_name(t, s->addr, s->name);
	if (!stack_answered(f)) {
		string_putf(&t->line, "no answer\n");
		return;
	}
	if (f->has_open)
		string_putf(&t->line, "port %u %s", (unsigned)f->open_port,
			    s->verdict->suspect ? "accepts" : "open");
	else
		string_putf(&t->line, "no open port found");
	if (!f->has_closed)
		string_putf(&t->line, ", no closed port found\n");
	else if (syn && syn->x && exchange_is_rst(syn->x))
		string_putf(&t->line, ", port %u closed\n", (unsigned)f->closed_port);
	else
		string_putf(&t->line, ", port %u %s\n", (unsigned)f->closed_port,
			    syn && syn->x && exchange_answered(syn->x) ? "rejected" : "silent");
}

/* Of many hosts each is a line; the cells are in the JSON. */
static void put_line(struct text_report *t, const struct stack_record *s)
{
	const struct stack_verdict *v = s->verdict;

	text_put_name(t, s->addr, s->name);
	if (!stack_answered(s->facts)) {
		string_putf(&t->line, "no answer\n");
		return;
	}
	string_putf(&t->line, "style %s, family %s%s", style_name(v->style), family_name(v->family),
		    v->family_like ? "-like" : "");
	if (v->family != FAMILY_UNKNOWN)
		string_putf(&t->line, " (%s)", confidence_name(v->confidence));
	string_putf(&t->line, ", firewall %s%s%s\n", firewall_name(v->firewall),
		    v->suspect ? ", suspect" : "",
		    s->facts->stopped	  ? ", stopped half-way"
		    : !s->facts->complete ? ", incomplete"
					  : "");
}

/* Our own kernel says so where nobody answers ARP or neighbour discovery. */
static bool is_not_on_link(const struct text_report *t, const struct stack_record *s)
{
	const struct addr *from = stack_unreachable_from(s->facts);

	for (size_t i = 0; from && i < t->run->n_sources; i++)
		if (addr_same(from, &t->run->sources[i].addr))
			return true;
	return false;
}

static void put_block(struct text_report *t, const struct stack_record *s)
{
	const struct stack_verdict *v = s->verdict;
	bool answered = stack_answered(s->facts);

	put_heading(t, s);
	if (answered) {
		bool stray = put_grid(t, v, true), connections = put_grid(t, v, false);

		put_legend(t, stray, connections);
	}
	if (is_not_on_link(t, s))
		text_put_paragraph(t, "No host is there: nobody answers for it on the link.", 0);
	else
		put_sentence(t, s, stack_words_style);
	if (answered) {
		put_sentence(t, s, stack_words_family);
		put_sentence(t, s, stack_words_rfc);
	}
	put_notes(t, s);
	if (t->style.verbose) {
		text_stack_put_evidence(t, v);
		text_stack_put_deviations(t, v);
	}
}

void text_stack_put(struct text_report *t, const struct stack_record *s)
{
	text_quiet_put(t);
	if (t->last == BLOCK || (t->last != NOTHING && t->run->per_host))
		string_putf(&t->line, "\n");
	t->last = t->run->per_host ? BLOCK : ONE_LINE;
	if (t->run->per_host)
		put_block(t, s);
	else
		put_line(t, s);
}
