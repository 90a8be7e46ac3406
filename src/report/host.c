/*
 * host: listing and grouping. A group splits where a reader would ask again (who rejected? how
 * sure?), and its clues are only those that hold for every port in it.
 */
#include "report/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

bool host_shows(const struct report_style *style, enum port_state s)
{
	return style->show & (1U << s);
}

bool host_lists(const struct host_record *h, const struct report_style *style, enum port_state s)
{
	return !h->unreachable && (style->all || h->counts[s] <= RECORD_LIST_MAX);
}

bool clue_same(const struct clue *a, const struct clue *b)
{
	return a->id == b->id && a->a == b->a && a->b == b->b;
}

static struct port_group group_of(const struct port_record *r)
{
	const struct verdict *v = r->verdict;
	struct port_group g = {
	    .state = v->state,
	    .reason = v->reason,
	    .weak = v->weak,
	    .rule = v->rule,
	    .n_clues = v->n_clues,
	};

	memcpy(g.clues, v->clues, sizeof(g.clues));
	if (v->decider && reaction_is_icmp(v->reaction)) {
		g.icmp = true;
		g.icmp_type = v->decider->icmp_type;
		g.icmp_code = v->decider->icmp_code;
		if (r->from)
			g.from = *r->from;
	}
	return g;
}

static bool group_fits(const struct port_group *a, const struct port_group *b)
{
	return a->state == b->state && a->weak == b->weak && a->icmp == b->icmp &&
	       a->icmp_type == b->icmp_type && a->icmp_code == b->icmp_code &&
	       strcmp(a->reason, b->reason) == 0 && addr_equal(&a->from, &b->from);
}

static bool group_has(const struct port_group *g, const struct clue *c)
{
	for (unsigned i = 0; i < g->n_clues; i++)
		if (clue_same(&g->clues[i], c))
			return true;
	return false;
}

static void group_narrow(struct port_group *g, const struct port_group *other)
{
	uint8_t kept = 0;

	for (unsigned i = 0; i < g->n_clues; i++)
		if (group_has(other, &g->clues[i]))
			g->clues[kept++] = g->clues[i];
	g->n_clues = kept;
	if (g->rule != other->rule)
		g->rule = NULL;
}

bool host_group_add(struct port_groups *g, const struct port_record *r)
{
	struct port_group mine = group_of(r);
	size_t i = 0;

	while (i < g->n && !group_fits(&g->v[i], &mine))
		i++;
	if (i == g->n) {
		if (!array_grow(&g->v, g->n, &g->cap, sizeof(*g->v)))
			return false;
		g->v[g->n++] = mine;
	} else {
		group_narrow(&g->v[i], &mine);
	}
	return ranges_add(&g->v[i].ports, r->port);
}

void host_groups_clear(struct port_groups *g)
{
	for (size_t i = 0; i < g->n; i++)
		ranges_free(&g->v[i].ports);
	g->n = 0;
}

void host_groups_free(struct port_groups *g)
{
	host_groups_clear(g);
	free(g->v);
	*g = (struct port_groups){0};
}

const char *host_addr(const struct run_info *run, const struct addr *a, char buf[ADDR_TEXT])
{
	char zone[16];
	const char *name = a->zone && run->zone_name ? run->zone_name(a->zone, zone) : NULL;

	return addr_format_zone(a, name, buf);
}
