/*
 * text_stack_more: what -v adds to a host's block of `stack`. Points and clauses are shown as the
 * judge has them.
 */
#include <string.h>

#include "report/text_private.h"

/* -v: the points of each row, for each family that is not out of the question */
void text_stack_put_evidence(struct text_report *t, const struct stack_verdict *v)
{
	if (!v->n_evidence)
		return;
	string_putf(&t->line, "\n%-15s %-10s", "EVIDENCE", "VALUE");
	for (int f = FAMILY_UNKNOWN + 1; f < FAMILIES; f++)
		if (v->sum[f] >= 0)
			string_putf(&t->line, " %8s", family_name((enum stack_family)f));
	string_putf(&t->line, "\n");
	for (size_t i = 0; i < v->n_evidence; i++) {
		const struct stack_evidence *e = &v->evidence[i];

		string_putf(&t->line, "%-15s %-10s", e->what, e->value);
		for (int f = FAMILY_UNKNOWN + 1; f < FAMILIES; f++)
			if (v->sum[f] >= 0)
				string_putf(&t->line, " %8d", e->points[f]);
		string_putf(&t->line, "\n");
	}
	string_putf(&t->line, "%-15s %-10s", "sum", "");
	for (int f = FAMILY_UNKNOWN + 1; f < FAMILIES; f++)
		if (v->sum[f] >= 0)
			string_putf(&t->line, " %8d", v->sum[f]);
	string_putf(&t->line, "\n");
}

/* "9293 3.10.7.4 second; 5961 3" -> "RFC 9293, 3.10.7.4 second; RFC 5961, 3" */
void text_put_clause(struct string *to, const char *clause)
{
	while (*clause) {
		size_t rfc = strcspn(clause, " ;"), rest = strcspn(clause + rfc, ";");

		string_putf(to, "RFC %.*s%s%.*s", (int)rfc, clause, rest ? "," : "", (int)rest,
			    clause + rfc);
		clause += rfc + rest;
		if (*clause == ';') {
			string_putf(to, "; ");
			clause += 1 + strspn(clause + 1, " ");
		}
	}
}

/* What others do beside it goes into parentheses: a half-stop divides it from the rule. */
static void put_how(struct string *to, const char *how)
{
	static const char dropped[] = "dropped silently";
	const char *rest = strchr(how, ';');

	if (strncmp(how, dropped, strlen(dropped)) == 0)
		string_putf(to, "drops it");
	else
		string_putf(to, "%.*s", (int)strcspn(how, ";"), how);
	if (rest)
		string_putf(to, " (%s)", rest + 1 + strspn(rest + 1, " "));
}

/* Of one clause: the table's own half-stops would read as ours. */
static void put_required(struct string *to, const char *required)
{
	size_t n = strcspn(required, ";");

	string_putf(to, "%.*s%s%s", (int)n, required, required[n] ? "," : "",
		    required[n] ? required + n + 1 : "");
}

/* -v: each deviation with what was asked of it */
void text_stack_put_deviations(struct text_report *t, const struct stack_verdict *v)
{
	bool first = true;

	for (size_t i = 0; i < v->n_cells; i++) {
		const struct cell_verdict *c = &v->cells[i];
		struct string line = {0};

		if (c->conforms != CONFORMS_NO)
			continue;
		string_putf(&line, "! %s %s: ", tcp_state_name(c->cell->state),
			    c->cell->form->name);
		put_how(&line, c->how ? c->how : "deviates");
		if (c->row) {
			string_putf(&line, "; the RFC asks (%s): ", rfc_level_name(c->row->level));
			put_required(&line, c->row->required);
			string_putf(&line, " (");
			text_put_clause(&line, c->row->clause);
			string_putf(&line, ")");
		}
		string_putf(&t->line, "%s", first ? "\n" : "");
		text_put_paragraph(t, string_text(&line), 2);
		string_free(&line);
		first = false;
	}
}
