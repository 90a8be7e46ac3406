/*
 * csv_audit: a check a row, also where one record stands for many ports: a table is for counting,
 * and "1-21" would be a date to a spreadsheet.
 */
#include "report/check_words.h"
#include "report/csv_private.h"

const char *const csv_audit_columns[] = {"policy", "line",   "group",  "addr",	   "name",
					 "port",   "expect", "state",  "result",   "severity",
					 "owner",  "note",   "rtt_us", "evidence", NULL};

/* The state, or of a style line what the host's style is. */
static const char *state_of(const struct check_record *c)
{
	if (c->expect->kind == EXPECT_STYLE)
		return style_name(c->style);
	return c->seen ? state_name((enum port_state)c->seen->state) : NULL;
}

static void put_row(struct csv_report *r, const struct check_record *c, uint16_t port)
{
	char addr[ADDR_TEXT], expected[128];

	csv_put_foreign(r, c->policy);
	csv_put_u64(r, c->line);
	csv_put_foreign(r, c->group);
	csv_put(r, c->addr ? host_addr(r->run, c->addr, addr) : NULL);
	csv_put_foreign(r, c->name);
	if (port)
		csv_put_u64(r, port);
	else
		csv_put(r, NULL);
	csv_put(r, expect_text(c->expect, expected, sizeof(expected)));
	csv_put(r, state_of(c));
	csv_put(r, check_outcome_name(c->outcome));
	csv_put(r, level_name(c->level));
	csv_put_foreign(r, c->owner);
	csv_put_foreign(r, c->note);
	if (c->seen && c->seen->rtt_us != MEASURE_NO_RTT && !c->n_spans)
		csv_put_u64(r, c->seen->rtt_us);
	else
		csv_put(r, NULL);
	check_put_evidence(&r->cell, r->run, c);
	csv_put_cell(r);
	csv_end_row(r);
	csv_flush(r);
}

void csv_check(void *ctx, const struct check_record *c)
{
	if (!c->n_spans)
		put_row(ctx, c, c->port);
	for (size_t i = 0; i < c->n_spans; i++)
		for (unsigned port = c->spans[i].first; port <= c->spans[i].last; port++)
			put_row(ctx, c, (uint16_t)port);
}
