/*
 * policy_record_put: the text of a recorded policy. It decides what needs a line and what `else`
 * says: the commonest state, where that is shorter. What could not be measured is a comment.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "engine/policy_record_private.h"

enum { WIDTH = 100, LINE = 512 };

struct writer {
	const struct policy_record_how *how;
	struct policy_record *w;
	const struct ports *common; /* NULL: no memory; then `else` names its ports */
};

static void put(const struct writer *o, const char *line)
{
	o->how->put(o->how->ctx, line);
}

/* --- items behind each other --------------------------------------------------------------- */

/* Lines "HEAD item, item TAIL", as many as their width asks for. */
struct items {
	const struct writer *o;
	const char *head, *between, *tail;
	char line[LINE];
	size_t n;
};

static void items_end(struct items *x)
{
	size_t len = strlen(x->line);

	if (x->n) {
		snprintf(x->line + len, sizeof(x->line) - len, "%s", x->tail);
		put(x->o, x->line);
	}
	x->n = 0;
}

static void items_add(struct items *x, const char *item)
{
	size_t len = x->n ? strlen(x->line) : 0;

	if (x->n && len + strlen(x->between) + strlen(item) + strlen(x->tail) > WIDTH) {
		items_end(x);
		len = 0;
	}
	if (!x->n)
		snprintf(x->line, sizeof(x->line), "%s%s", x->head, item);
	else
		snprintf(x->line + len, sizeof(x->line) - len, "%s%s", x->between, item);
	x->n++;
}

/* "192.0.2.10-20" */
static void items_add_addresses(struct items *x, const struct addr *first, const struct addr *last)
{
	char a[ADDR_TEXT], b[ADDR_TEXT], item[2 * ADDR_TEXT];
	struct text t = text_of(item, sizeof(item));

	text_putf(&t, "%s", addr_format(first, a));
	if (!addr_equal(first, last)) {
		if (first->family == ADDR_V4 && memcmp(first->b, last->b, 3) == 0)
			text_putf(&t, "-%u", last->b[3]);
		else
			text_putf(&t, "-%s", addr_format(last, b));
	}
	items_add(x, item);
}

static void put_hosts(const struct writer *o, const char *head, const struct seen_group *g)
{
	struct items x = {.o = o, .head = head, .between = " ", .tail = ""};

	for (size_t i = 0, next; i < g->n; i = next) {
		const struct addr *first = &g->hosts[i]->addr, *last = first;

		for (next = i + 1; next < g->n; next++) {
			const struct addr *a = &g->hosts[next]->addr;

			if (a->family != last->family || a->zone || addr_diff(last, a) != 1)
				break;
			last = a;
		}
		items_add_addresses(&x, first, last);
	}
	items_end(&x);
}

/* --- names -------------------------------------------------------------------------------- */

static bool name_is_free(const struct policy_record *w, const char *name)
{
	for (size_t i = 0; i < w->n_groups; i++)
		if (strcmp(w->groups[i].name, name) == 0)
			return false;
	return true;
}

static bool can_be_name(const char *s)
{
	struct addr a;

	if (!*s || strlen(s) > POLICY_NAME_MAX - 4 || addr_parse(s, &a) == 0 ||
	    strcmp(s, "group") == 0 || strcmp(s, "include") == 0)
		return false;
	while (*s && policy_is_name_sign(*s))
		s++;
	return !*s;
}

/* That of all its hosts; else hosts-1, hosts-2 ... */
static void name_group(struct policy_record *w, struct seen_group *g)
{
	const char *name = g->hosts[0]->name;
	char made[POLICY_NAME_MAX + 1];
	unsigned n = 0;

	for (size_t i = 1; name && i < g->n; i++)
		if (!g->hosts[i]->name || strcmp(g->hosts[i]->name, name) != 0)
			name = NULL;
	if (name && !can_be_name(name))
		name = NULL;
	do {
		n++;
		if (name && n == 1)
			snprintf(made, sizeof(made), "%s", name);
		else
			snprintf(made, sizeof(made), "%.*s-%u", POLICY_NAME_MAX - 11,
				 name ? name : "hosts", n);
	} while (!name_is_free(w, made));
	memcpy(g->name, made, sizeof(g->name));
}

/* --- ports -------------------------------------------------------------------------------- */

static const char *word_of(enum port_state s)
{
	return s == STATE_FILTERED ? "silent" : state_name(s);
}

/* A state that can be demanded; two faces can't be wanted either. */
static bool is_wanted(uint8_t state)
{
	return state != STATE_INDETERMINATE && state != STATE_NOT_PROBED &&
	       state != STATE_INCONSISTENT;
}

static void add_range(struct items *x, uint16_t first, uint16_t last)
{
	char item[16];
	struct text t = text_of(item, sizeof(item));

	text_putf(&t, "%u", first);
	if (last != first)
		text_putf(&t, "-%u", last);
	items_add(x, item);
}

/* The ports of one state, or, PORT_STATES, of all; returns how many ranges. */
static size_t put_ranges(const struct seen_host *h, unsigned state, struct items *x)
{
	size_t n = 0;

	for (size_t i = 0, next; i < h->n_runs; i = next) {
		uint16_t first = h->runs[i].first, last = h->runs[i].last;

		next = i + 1;
		if (state != PORT_STATES && h->runs[i].state != state)
			continue;
		while (state == PORT_STATES && next < h->n_runs && h->runs[next].first == last + 1)
			last = h->runs[next++].last;
		n++;
		if (x)
			add_range(x, first, last);
	}
	return n;
}

static void put_ports(const struct writer *o, const struct seen_group *g, const char *before,
		      unsigned which, const char *tail)
{
	char head[POLICY_NAME_MAX + 16];
	struct items x = {.o = o, .head = head, .between = ",", .tail = tail};

	snprintf(head, sizeof(head), "%s: %s", g->name, before);
	put_ranges(g->hosts[0], which, &x);
	items_end(&x);
}

static uint32_t count_state(const struct seen_host *h, unsigned state)
{
	uint32_t n = 0;

	for (size_t i = 0; i < h->n_runs; i++)
		if (state == PORT_STATES || h->runs[i].state == state)
			n += h->runs[i].last - h->runs[i].first + 1U;
	return n;
}

static bool asked_common(const struct writer *o, const struct seen_host *h)
{
	if (!o->common || count_state(h, PORT_STATES) != ports_count(o->common))
		return false;
	for (size_t i = 0; i < h->n_runs; i++)
		for (uint32_t port = h->runs[i].first; port <= h->runs[i].last; port++)
			if (ports_rank(o->common, (uint16_t)port) < 0)
				return false;
	return true;
}

/* The state that `else` demands; PORT_STATES where lines of their own are no longer. */
static unsigned state_of_rest(const struct seen_host *h, bool common)
{
	unsigned best = STATE_CLOSED;

	for (unsigned s = 0; s < PORT_STATES; s++)
		if (s != STATE_OPEN && s != STATE_SUSPECT && is_wanted((uint8_t)s) &&
		    count_state(h, s) > count_state(h, best))
			best = s;
	if (!count_state(h, best))
		return PORT_STATES;
	if (!common && put_ranges(h, PORT_STATES, NULL) >= put_ranges(h, best, NULL))
		return PORT_STATES;
	return best;
}

static void put_demand(const struct writer *o, const struct seen_group *g, unsigned state)
{
	char tail[32];

	snprintf(tail, sizeof(tail), " %s", word_of((enum port_state)state));
	put_ports(o, g, "", state, tail);
}

static void put_rest(const struct writer *o, const struct seen_group *g, unsigned state,
		     bool common)
{
	char line[LINE], tail[32];

	snprintf(tail, sizeof(tail), " %s", word_of((enum port_state)state));
	if (!common) {
		put_ports(o, g, "else ", PORT_STATES, tail);
		return;
	}
	snprintf(line, sizeof(line), "%s: else%s", g->name, tail);
	put(o, line);
}

static void put_not_measured(const struct writer *o, const struct seen_group *g, unsigned state)
{
	struct items x = {.o = o,
			  .head = state == STATE_INCONSISTENT ? "# it answers in two ways at "
							      : "# could not be measured: ",
			  .between = ",",
			  .tail = ""};

	put_ranges(g->hosts[0], state, &x);
	items_end(&x);
}

/* --- the whole ---------------------------------------------------------------------------- */

/* Names that are not the group's, where they fit. */
static void put_names(const struct writer *o, const struct seen_group *g)
{
	struct items x = {.o = o, .head = "# ", .between = " ", .tail = ""};
	const char *last = g->name;

	for (size_t i = 0; i < g->n; i++) {
		const char *name = g->hosts[i]->name;

		if (!name || strcmp(name, last) == 0 || strlen(name) > LINE / 2)
			continue;
		items_add(&x, name);
		last = name;
	}
	items_end(&x);
}

static void put_group(const struct writer *o, struct seen_group *g)
{
	const struct seen_host *h = g->hosts[0];
	char line[LINE];
	bool common = asked_common(o, h);
	unsigned rest = state_of_rest(h, common);

	name_group(o->w, g);
	put(o, "");
	put_names(o, g);
	snprintf(line, sizeof(line), "group %s ", g->name);
	put_hosts(o, line, g);
	for (unsigned s = 0; s < PORT_STATES; s++)
		if (is_wanted((uint8_t)s) && s != rest)
			put_demand(o, g, s);
	for (unsigned s = 0; s < PORT_STATES; s++)
		if (!is_wanted((uint8_t)s))
			put_not_measured(o, g, s);
	if (rest != PORT_STATES)
		put_rest(o, g, rest, common);
	if (h->style == STYLE_RST || h->style == STYLE_SILENT) {
		snprintf(line, sizeof(line), "%s: style %s", g->name, style_name(h->style));
		put(o, line);
	}
}

/* An address that nobody has is not silent: a check of it could never be decided. */
static void put_gone(const struct writer *o, struct seen_group *g)
{
	put(o, "");
	put(o, "# Called unreachable by the link or a router; nothing can be demanded here:");
	put_hosts(o, "# ", g);
}

static void put_quiet(const struct writer *o, struct seen_group *g)
{
	put(o, "");
	put(o, "# Nobody answered here. To demand that it stays so, take the # away:");
	put_hosts(o, "# group quiet ", g);
	snprintf(g->name, sizeof(g->name), "# quiet");
	if (!g->hosts[0]->n_runs || asked_common(o, g->hosts[0]))
		put(o, "# quiet: else silent");
	else
		put_ports(o, g, "", PORT_STATES, " silent");
}

/* A comment that ends with its line, whatever the words are. */
static void put_comment(const struct writer *o, const char *text)
{
	char line[LINE];
	size_t n = 2;

	memcpy(line, "# ", 2);
	for (; *text && n + 1 < sizeof(line); text++)
		line[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	line[n] = '\0';
	put(o, line);
}

void policy_record_put(struct policy_record *w, const struct policy_record_how *how)
{
	struct ports *common = ports_default();
	struct writer o = {.how = how, .w = w, .common = common};
	char text[LINE], day[DAY_TEXT];

	snprintf(text, sizeof(text), "What was seen on %s%s%s.", day_text(how->today, day),
		 how->what ? " by rstprobe audit --record " : "", how->what ? how->what : "");
	put_comment(&o, text);
	put(&o, "# From now on `rstprobe audit` with this file tells what has changed.");
	if (w->incomplete) {
		snprintf(text, sizeof(text), "It is not all that was asked%s%s.",
			 w->why[0] ? ": " : "", w->why);
		put_comment(&o, text);
	}
	for (size_t i = 0; i < w->n_groups; i++)
		if (w->groups[i].hosts[0]->up && w->groups[i].hosts[0]->n_runs)
			put_group(&o, &w->groups[i]);
	for (size_t i = 0; i < w->n_groups; i++)
		if (!w->groups[i].hosts[0]->up)
			(w->groups[i].hosts[0]->gone ? put_gone : put_quiet)(&o, &w->groups[i]);
	ports_free(common);
}
