/*
 * audit_plan: which addresses and ports each line of a policy is about: groups as sorted intervals,
 * held against the space, which has left out what is excluded. It knows no answer.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/audit_private.h"

/* What `style` looks at where no other line names ports: ports that may well be open. */
static const char style_ports[] = "22,80,443,445,3389,8080";

static int by_first(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;

	return addr_cmp(&x->first, &y->first);
}

/* Do the two, in order, overlap? */
static bool touch(const struct interval *a, const struct interval *b)
{
	return a->first.family == b->first.family && a->first.zone == b->first.zone &&
	       addr_cmp(&b->first, &a->last) <= 0;
}

static int make_intervals(struct intervals *out, const struct targets *t)
{
	size_t n = 0;

	out->v = calloc(t->n + 1, sizeof(*out->v));
	if (!out->v)
		return -1;
	for (size_t i = 0; i < t->n; i++)
		out->v[i] = (struct interval){t->v[i].first, t->v[i].last};
	qsort(out->v, t->n, sizeof(*out->v), by_first);
	for (size_t i = 0; i < t->n; i++) {
		if (n && touch(&out->v[n - 1], &out->v[i])) {
			if (addr_cmp(&out->v[i].last, &out->v[n - 1].last) > 0)
				out->v[n - 1].last = out->v[i].last;
		} else {
			out->v[n++] = out->v[i];
		}
	}
	out->n = n;
	return 0;
}

int plan_make(struct plan *p, const struct policy *policy, int32_t today, const struct space *space,
	      struct err *e)
{
	*p = (struct plan){.policy = policy, .today = today, .space = space};
	p->groups = calloc(policy->n_groups + 1, sizeof(*p->groups));
	for (size_t i = 0; p->groups && i < policy->n_groups; i++)
		if (make_intervals(&p->groups[i], &policy->groups[i].targets) < 0) {
			plan_free(p);
			break;
		}
	return p->groups ? 0 : err_set(e, "out of memory for the groups of the policy");
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; p->groups && i < p->policy->n_groups; i++)
		free(p->groups[i].v);
	free(p->groups);
	p->groups = NULL;
}

bool plan_in_force(const struct plan *p, const struct policy_line *l)
{
	return policy_in_force(l, p->today) &&
	       !(l->scope == POLICY_HOST && policy_stands_aside(p->policy, l, 0, p->today));
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool holds(const struct intervals *g, const struct addr *a)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (addr_cmp(&g->v[mid].last, a) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < g->n && addr_cmp(&g->v[low].first, a) <= 0;
}

bool plan_next_host(struct plan *p, const struct policy_line *l, struct plan_walk *w)
{
	const struct intervals *g = &p->groups[l->group];

	for (; w->interval < g->n; w->interval++, w->offset = 0) {
		const struct interval *v = &g->v[w->interval];
		uint64_t count = addr_diff(&v->first, &v->last);

		while (w->offset <= count && w->offset != UINT64_MAX) {
			w->addr = addr_add(v->first, w->offset++);
			if (!space_find_host(p->space, &w->addr, &w->host))
				continue;
			w->span = space_span_of_host(p->space, w->host);
			return true;
		}
	}
	return false;
}

/* --- ports ------------------------------------------------------------------------------------ */

static void name_ports(struct plan *p, const struct ports *ports)
{
	for (uint32_t rank = 0; rank < ports_count(ports); rank++) {
		uint16_t port = ports_at(ports, rank);

		p->named[port / 8] |= (uint8_t)(1U << port % 8);
	}
}

static void find_named(struct plan *p, const struct addr *a)
{
	if (addr_equal(&p->named_of, a))
		return;
	p->named_of = *a;
	memset(p->named, 0, sizeof(p->named));
	for (size_t i = 0; i < p->policy->n_lines; i++) {
		const struct policy_line *l = &p->policy->lines[i];

		if (l->scope == POLICY_PORTS && plan_in_force(p, l) &&
		    holds(&p->groups[l->group], a))
			name_ports(p, l->ports);
	}
}

bool plan_has(struct plan *p, const struct policy_line *l, const struct addr *a, uint16_t port)
{
	if (policy_stands_aside(p->policy, l, port, p->today))
		return false;
	if (l->scope != POLICY_ELSE)
		return true;
	find_named(p, a);
	return !(p->named[port / 8] & 1U << port % 8);
}

/* --- what is asked ---------------------------------------------------------------------------- */

static int put_line(struct targets *out, const struct policy *p, const struct policy_line *l,
		    const struct ports *ports)
{
	const struct targets *group = &p->groups[l->group].targets;

	for (size_t i = 0; i < group->n; i++) {
		struct target x = group->v[i];

		x.ports = ports;
		if (targets_put(out, &x) < 0)
			return -1;
	}
	return 0;
}

uint64_t audit_checks_at_most(const struct policy *p, int32_t today)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];
		const struct targets *group = &p->groups[l->group].targets;
		uint64_t ports = l->ports ? ports_count(l->ports) : 1;

		for (size_t k = 0; policy_in_force(l, today) && k < group->n; k++) {
			uint64_t hosts = addr_diff(&group->v[k].first, &group->v[k].last);

			if (hosts >= UINT32_MAX || n > UINT64_MAX / 2)
				return UINT64_MAX;
			n += (hosts + 1) * ports;
		}
	}
	return n;
}

int audit_targets(const struct policy *p, int32_t today, struct targets *out, struct err *e)
{
	for (size_t i = 0; i < p->n_lines; i++) {
		const struct policy_line *l = &p->lines[i];
		const struct ports *ports = l->ports;

		if (!policy_in_force(l, today))
			continue;
		if (!ports) /* the set keeps it */
			ports = ports_pool_own(&out->ports, ports_parse(style_ports, NULL, e));
		if (!ports || put_line(out, p, l, ports) < 0)
			return err_set(e, "out of memory for what the policy asks");
	}
	return 0;
}
