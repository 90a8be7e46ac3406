/*
 * text_host: one host as a block: a table as nmap's, with what needs an explanation below its row,
 * large states as ranges, and what holds for many ports said once. The rows wait until all are
 * known, so that the columns fit what is in them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "packet/notation.h"
#include "report/stack_words.h"
#include "report/text_private.h"

/* Characters of a port list without -v: of a state, whose ports are the result; of a remark on
 * them. */
enum { RANGES_MAX = 200, REMARK_RANGES_MAX = 60 };

static const struct {
	const char *title;
	bool right;
} columns[COLUMNS] = {
    [COL_PORT] = {"PORT", false},     [COL_STATE] = {"STATE", false},
    [COL_REASON] = {"REASON", false}, [COL_TTL] = {"TTL", true},
    [COL_RTT] = {"RTT", true},	      [COL_SERVICE] = {"SERVICE", false},
};

/* --- collecting a host ---------------------------------------------------- */

void text_host_reset(struct text_report *t)
{
	for (size_t i = 0; i < t->n_remarks; i++)
		ranges_free(&t->remarks[i].ports);
	t->n_rows = t->n_remarks = 0;
	string_clear(&t->pool);
	host_groups_clear(&t->groups);
}

void text_host_free(struct text_report *t)
{
	text_host_reset(t);
	free(t->remarks);
	free(t->rows);
	host_groups_free(&t->groups);
	string_free(&t->pool);
	string_free(&t->quiet.says);
}

static void remark_add(struct text_report *t, uint16_t port, const struct clue *c)
{
	size_t i = 0;

	while (i < t->n_remarks && !clue_same(&t->remarks[i].clue, c))
		i++;
	if (i == t->n_remarks) {
		if (!array_grow(&t->remarks, i, &t->cap_remarks, sizeof(*t->remarks))) {
			out_no_memory(&t->out);
			return;
		}
		t->remarks[t->n_remarks++] = (struct remark){.clue = *c};
	}
	if (!ranges_add(&t->remarks[i].ports, port))
		out_no_memory(&t->out);
}

/* Ends the words put into the pool since the last call; returns where the next begin. */
static size_t pool_end(struct string *pool)
{
	string_put(pool, "", 1);
	return pool->len;
}

static void pool_segment(struct string *pool, const char *says, const struct observation *seen,
			 const struct reply *reply)
{
	char flags[16];
	struct text f = text_of(flags, sizeof(flags));
	const char *kind =
	    seen && reply->kind < seen->n_kinds ? seen->kinds[reply->kind]->name : "probe";

	notation_put_flags(&f, reply->flags);
	string_putf(pool, "%-6s by the answer to %s: %s seq %u ack %u win %u ttl %u\n", says, kind,
		    flags, (unsigned)reply->seq, (unsigned)reply->ack, (unsigned)reply->win,
		    (unsigned)reply->ttl);
}

static void pool_detail(const struct text_report *t, struct string *pool,
			const struct port_record *p)
{
	const struct verdict *v = p->verdict;

	if (v->state == STATE_INCONSISTENT && v->decider)
		pool_segment(pool, "open", p->seen, v->decider);
	if (v->state == STATE_INCONSISTENT && v->against)
		pool_segment(pool, "closed", p->seen, v->against);
	if (t->style.verbose && v->rule)
		string_putf(pool, "%s (%s)\n", v->rule->because, v->rule->clause);
}

static void pool_cell(const struct text_report *t, struct string *pool, const struct port_record *p,
		      enum column c)
{
	const struct reply *reply = p->verdict->decider;
	const char *service;
	char buf[32];

	switch (c) {
	case COL_PORT:
		string_put_u64(pool, p->port);
		string_put(pool, "/tcp", 4);
		break;
	case COL_STATE:
		string_put_text(pool, state_name(p->verdict->state));
		if (p->verdict->weak)
			string_put_text(pool, " (weak)");
		break;
	case COL_REASON: text_put_reason(t, pool, p->verdict->reason, text_icmp_from(p)); break;
	case COL_TTL:
		if (reply)
			string_put_u64(pool, reply->ttl);
		break;
	case COL_RTT:
		if (reply && reply->rtt_us != UINT32_MAX)
			string_put_text(pool, text_rtt(reply->rtt_us, buf));
		break;
	default:
		service = t->run->service_name ? t->run->service_name(p->port, buf) : NULL;
		string_put_text(pool, service ? service : "");
		break;
	}
}

static void row_add(struct text_report *t, const struct port_record *p)
{
	size_t at = t->pool.len;
	struct row *row;

	if (!array_grow(&t->rows, t->n_rows, &t->cap_rows, sizeof(*t->rows))) {
		out_no_memory(&t->out);
		return;
	}
	row = &t->rows[t->n_rows++];
	row->port = p->port;
	row->state = p->verdict->state;
	row->weak = p->verdict->weak;
	row->n_clues = p->verdict->n_clues;
	memcpy(row->clues, p->verdict->clues, sizeof(row->clues));
	for (int c = 0; c < COLUMNS; c++) {
		row->cell[c] = at;
		pool_cell(t, &t->pool, p, (enum column)c);
		at = pool_end(&t->pool);
	}
	row->detail = at;
	pool_detail(t, &t->pool, p);
	pool_end(&t->pool);
}

void text_host_add(struct text_report *t, const struct host_record *h, const struct port_record *p)
{
	/* Of several hosts, one that says nothing is worth a line, not a table of its silence. */
	bool table = h->up || t->run->hosts == 1 || t->style.all;

	for (unsigned i = 0; i < p->verdict->n_clues; i++)
		remark_add(t, p->port, &p->verdict->clues[i]);
	if (table && host_lists(h, &t->style, p->verdict->state))
		row_add(t, p);
	else if (!host_group_add(&t->groups, p))
		out_no_memory(&t->out);
}

/* --- printing a host ------------------------------------------------------ */

static const char *cell_text(const struct text_report *t, const struct row *row, enum column c)
{
	const char *text = t->pool.s + row->cell[c];

	/* A gap in a column of numbers reads better as a dash; a gap at the end as nothing. */
	return *text || c == COL_SERVICE ? text : "-";
}

static void put_cell(const struct text_report *t, struct string *to, const struct row *row,
		     enum column c, size_t width)
{
	const char *text = row ? cell_text(t, row, c) : columns[c].title;
	size_t len = strlen(text), pad = width > len ? width - len : 0;

	if (columns[c].right)
		string_pad(to, pad);
	if (row && c == COL_STATE)
		text_put_state(t, to, row->state, row->weak);
	else
		string_put(to, text, len);
	if (!columns[c].right)
		string_pad(to, pad);
}

static void put_cells(struct text_report *t, const struct row *row, const size_t width[COLUMNS])
{
	struct string *to = &t->line;

	for (int c = 0; c < COLUMNS; c++) {
		if (!width[c])
			continue;
		if (c > 0)
			string_pad(to, 2);
		put_cell(t, to, row, (enum column)c, width[c]);
	}
	while (to->len && to->s[to->len - 1] == ' ')
		to->len--;
	string_put(to, "\n", 1);
}

/* As wide as the widest cell; a column without any text is left out. */
static void measure(const struct text_report *t, size_t width[COLUMNS])
{
	for (int c = 0; c < COLUMNS; c++) {
		size_t widest = 0, title = strlen(columns[c].title);

		for (size_t i = 0; i < t->n_rows; i++) {
			size_t len = strlen(t->pool.s + t->rows[i].cell[c]);

			widest = len > widest ? len : widest;
		}
		width[c] = widest && widest < title ? title : widest;
	}
}

static struct remark *remark_find(struct text_report *t, const struct clue *c)
{
	for (size_t i = 0; i < t->n_remarks; i++)
		if (clue_same(&t->remarks[i].clue, c))
			return &t->remarks[i];
	return NULL;
}

static void put_below(struct text_report *t, const struct row *row, size_t indent)
{
	const char *detail = t->pool.s + row->detail;
	char sentence[256];

	while (*detail) {
		size_t len = strcspn(detail, "\n");

		string_putf(&t->line, "%*s%.*s\n", (int)indent, "", (int)len, detail);
		detail += len + 1;
	}
	for (unsigned i = 0; i < row->n_clues; i++) {
		struct remark *r = remark_find(t, &row->clues[i]);

		if (!r || r->ports.count > 1)
			continue;
		report_clue(sentence, sizeof(sentence), &r->clue);
		string_putf(&t->line, "%*s%s\n", (int)indent, "", sentence);
		r->below_row = true;
	}
}

static void put_table(struct text_report *t)
{
	size_t width[COLUMNS];

	if (!t->n_rows)
		return;
	measure(t, width);
	put_cells(t, NULL, width);
	for (size_t i = 0; i < t->n_rows; i++) {
		put_cells(t, &t->rows[i], width);
		put_below(t, &t->rows[i], width[COL_PORT] + 2);
	}
}

void text_put_group(struct text_report *t, const struct port_group *g, int state_width)
{
	int len = (int)strlen(state_name(g->state)) + (g->weak ? 7 : 0);
	int pad = state_width > len ? state_width - len : 0;

	text_put_state(t, &t->line, g->state, g->weak);
	string_putf(&t->line, "%*s  %u port%s (", pad, "", (unsigned)g->ports.count,
		    text_plural(g->ports.count));
	text_put_reason(t, &t->line, g->reason, &g->from);
	string_putf(&t->line, "): ");
	ranges_put(&g->ports, t->style.verbose ? 0 : RANGES_MAX, &t->line);
	string_putf(&t->line, "\n");
	if (t->style.verbose && g->rule)
		string_putf(&t->line, "%*s  %s (%s)\n", state_width, "", g->rule->because,
			    g->rule->clause);
}

static void put_groups(struct text_report *t)
{
	int width = 0;

	for (size_t i = 0; i < t->groups.n; i++) {
		const struct port_group *g = &t->groups.v[i];
		int len = (int)strlen(state_name(g->state)) + (g->weak ? 7 : 0);

		width = len > width ? len : width;
	}
	for (int s = 0; s < PORT_STATES; s++)
		for (size_t i = 0; i < t->groups.n; i++)
			if ((int)t->groups.v[i].state == s)
				text_put_group(t, &t->groups.v[i], width);
}

/* What holds for several ports is said once, with all of them. */
static void put_remarks(struct text_report *t)
{
	char sentence[256];

	for (size_t i = 0; i < t->n_remarks; i++) {
		const struct remark *r = &t->remarks[i];

		if (r->below_row)
			continue;
		report_clue(sentence, sizeof(sentence), &r->clue);
		string_putf(&t->line, "Port%s ", text_plural(r->ports.count));
		ranges_put(&r->ports, t->style.verbose ? 0 : REMARK_RANGES_MAX, &t->line);
		string_putf(&t->line, ": %s.\n", sentence);
	}
}

static const char *style_sentence(enum reset_style s)
{
	switch (s) {
	case STYLE_RST: return "Closed ports answer with a RST.";
	case STYLE_SILENT:
		return "Closed ports stay silent, though this host sends RSTs elsewhere.";
	case STYLE_FILTERED: return "No RST seen: closed and filtered ports cannot be told apart.";
	case STYLE_PROXIED:
		return "A proxy seems to answer for this host: ports that look open may not be.";
	case STYLE_MIXED:
		return "Closed ports answer in more than one way: some with a RST, some not.";
	default: return "How closed ports answer is not known: none was seen.";
	}
}

static bool has_name(const struct text_report *t, const struct addr *a, const char *name)
{
	char addr[ADDR_TEXT];

	return name && strcmp(name, host_addr(t->run, a, addr)) != 0;
}

void text_put_name(struct text_report *t, const struct addr *a, const char *name)
{
	char addr[ADDR_TEXT];

	host_addr(t->run, a, addr);
	if (has_name(t, a, name))
		string_putf(&t->line, "%s (%s): ", name, addr);
	else
		string_putf(&t->line, "%s: ", addr);
}

static void put_whether_up(struct text_report *t, struct string *to, const struct host_record *h)
{
	char rtt[TEXT_RTT];

	if (h->up) {
		string_putf(to, "up");
		if (h->srtt_us)
			string_putf(to, ", %s", text_rtt(h->srtt_us, rtt));
		return;
	}
	/* Silence is no proof: down is what somebody else called unreachable. */
	if (!h->down_reason || (h->unreachable && strcmp(h->down_reason, "no-route") != 0))
		string_putf(to, "down%s", h->down_reason ? ", " : "");
	if (h->down_reason)
		text_put_reason(t, to, h->down_reason,
				t->groups.n == 1 ? &t->groups.v[0].from : NULL);
}

static void put_who(struct text_report *t, const struct host_record *h)
{
	text_put_name(t, h->addr, h->name);
	put_whether_up(t, &t->line, h);
}

/* Nobody is there: which of its ports were asked before that was clear is chance. */
static bool is_nobody(const struct host_record *h)
{
	return !h->up && (h->given_up || h->unreachable);
}

/* A host with nothing to list, or of which one thing holds for all ports, is worth one line. */
static bool fits_one_line(const struct text_report *t, const struct host_record *h)
{
	if (t->n_rows)
		return false;
	return t->groups.n == 0 ||
	       (!h->up && (t->groups.n == 1 || is_nobody(h)) && !t->style.verbose);
}

static void put_host_counts(struct string *to, const struct host_record *h, bool listed)
{
	uint64_t counts[PORT_STATES];
	bool first = true;

	for (int s = 0; s < PORT_STATES; s++)
		counts[s] = h->counts[s];
	text_put_counts(to, counts, &first);
	string_putf(to, "%s%s", first ? "no ports" : "", first || listed ? "" : ", not listed");
}

/* Between a block and what follows it */
static void put_gap(struct text_report *t)
{
	if (t->last == BLOCK)
		string_putf(&t->line, "\n");
	t->last = ONE_LINE;
}

static void put_one_line(struct text_report *t, const struct host_record *h)
{
	put_gap(t);
	put_who(t, h);
	string_putf(&t->line, " (");
	put_host_counts(&t->line, h, !h->up || t->groups.n);
	string_putf(&t->line, ")\n");
}

void text_quiet_put(struct text_report *t)
{
	struct quiet_hosts *q = &t->quiet;
	char addr[ADDR_TEXT];
	bool first = true;

	if (!q->n)
		return;
	if (q->says.failed)
		out_no_memory(&t->out);
	put_gap(t);
	string_putf(&t->line, "%s", host_addr(t->run, &q->first, addr));
	if (q->n > 1)
		string_putf(&t->line, "-%s", host_addr(t->run, &q->last, addr));
	string_putf(&t->line, ": %s (", string_text(&q->says));
	if (q->n > 1)
		string_putf(&t->line, "%llu hosts, %s", (unsigned long long)q->n,
			    q->alike ? "each " : "in all ");
	for (int s = 0; s < PORT_STATES && q->alike; s++)
		q->counts[s] /= q->n;
	text_put_counts(&t->line, q->counts, &first);
	string_putf(&t->line, "%s)\n", first ? "no ports" : "");
	q->n = 0;
}

static bool same_counts(const struct quiet_hosts *q, const struct host_record *h)
{
	for (int s = 0; s < PORT_STATES; s++)
		if (q->counts[s] != q->n * h->counts[s])
			return false;
	return q->alike;
}

static bool quiet_goes_on(const struct quiet_hosts *q, const struct host_record *h,
			  const char *says)
{
	return q->n && h->addr->family == q->last.family && h->addr->zone == q->last.zone &&
	       addr_cmp(&q->last, h->addr) < 0 && addr_diff(&q->last, h->addr) == 1 &&
	       !strcmp(says, string_text(&q->says)) &&
	       ((q->folds && is_nobody(h)) || same_counts(q, h));
}

/* Most of a network is often empty: one line for each stretch of it. */
static void quiet_add(struct text_report *t, const struct host_record *h)
{
	struct quiet_hosts *q = &t->quiet;
	struct string says = {0};

	put_whether_up(t, &says, h);
	if (quiet_goes_on(q, h, string_text(&says))) {
		q->alike = same_counts(q, h);
		string_free(&says);
	} else {
		text_quiet_put(t);
		string_free(&q->says);
		*q = (struct quiet_hosts){
		    .first = *h->addr, .says = says, .alike = true, .folds = true};
	}
	q->folds = q->folds && is_nobody(h);
	for (int s = 0; s < PORT_STATES; s++)
		q->counts[s] += h->counts[s];
	q->last = *h->addr;
	q->n++;
}

/* How it resets, and whose stack that is like, as far as the scan's own probes tell. */
static void put_character(struct text_report *t, const struct host_record *h)
{
	struct string says = {0};

	string_put_text(&says, style_sentence(h->style));
	if (h->family)
		string_putf(&says, " The stack looks like %s (%s confidence).",
			    stack_words_family_name(h->family), confidence_name(h->confidence));
	text_put_paragraph(t, string_text(&says), 0);
	string_free(&says);
	if (h->reset_limit)
		string_putf(&t->line, "The host sends at most %u resets a second.\n",
			    (unsigned)h->reset_limit);
}

static void put_block(struct text_report *t, const struct host_record *h)
{
	if (t->last != NOTHING)
		string_putf(&t->line, "\n");
	put_who(t, h);
	string_putf(&t->line, "\n");
	put_table(t);
	put_groups(t);
	put_remarks(t);
	if (h->up)
		put_character(t, h);
	t->last = BLOCK;
}

void text_host_put(struct text_report *t, const struct host_record *h)
{
	bool one_line = fits_one_line(t, h);

	if (one_line && !h->up && !has_name(t, h->addr, h->name)) {
		quiet_add(t, h);
		return;
	}
	text_quiet_put(t);
	if (one_line)
		put_one_line(t, h);
	else
		put_block(t, h);
}
