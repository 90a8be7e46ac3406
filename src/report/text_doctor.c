/*
 * text_doctor: a line for each thing that was looked at, its fix below it, one sentence at the end.
 * A fix is never broken over lines: it is there to be pasted.
 */
#include "report/check_words.h"
#include "report/text_private.h"

enum { RESULT_WIDTH = 4, CHECK_WIDTH = 14, GAP = 2 };

static const char *result_color(const struct text_report *t, enum doctor_result r)
{
	static const char *const colors[DOCTOR_RESULTS] = {
	    [DOCTOR_OK] = TEXT_GREEN, [DOCTOR_WARN] = TEXT_YELLOW, [DOCTOR_FAIL] = TEXT_RED};

	return t->style.color ? colors[r] : "";
}

static void put_result(struct text_report *t, enum doctor_result r)
{
	const char *name = doctor_result_name(r), *color = result_color(t, r);

	string_putf(&t->line, "%s%s%s", color, name, *color ? text_plain(t) : "");
	string_pad(&t->line, RESULT_WIDTH + GAP - strlen(name));
}

void text_looked_put(struct text_report *t, const struct doctor_record *d)
{
	const size_t column = RESULT_WIDTH + GAP + CHECK_WIDTH + GAP;
	struct string said = {0};

	if (d->minor && !t->style.verbose)
		return;
	put_result(t, d->result);
	string_putf(&t->line, "%-*s", CHECK_WIDTH + GAP, d->check);
	check_put_clean(&said, d->detail);
	text_put_from(t, string_text(&said), column, column);
	if (d->fix) {
		string_pad(&t->line, RESULT_WIDTH + GAP);
		string_put_text(&t->line, "fix: ");
		check_put_clean(&t->line, d->fix);
		string_put_text(&t->line, "\n");
	}
	t->line.failed |= said.failed;
	string_free(&said);
	t->last = BLOCK;
}

void text_examined_put(struct text_report *t, const struct examined_record *x)
{
	if (t->last != NOTHING)
		string_putf(&t->line, "\n");
	text_put_paragraph(t, x->says, 0);
}
