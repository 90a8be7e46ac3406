/*
 * policy_store: the memory of a policy: its strings, groups and lines, each set of ports held once.
 * It knows no syntax.
 */
#include "engine/policy_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct policy_store *policy_store_new(void)
{
	return calloc(1, sizeof(struct policy_store));
}

void policy_store_free(struct policy_store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_strings; i++)
		free(s->strings[i]);
	free(s->strings);
	ports_pool_free(&s->ports);
	free(s->mentions);
	free(s->columns);
	free(s->exceptions);
	free(s->slots);
	free(s->has_exception);
	free(s);
}

const char *policy_keep(struct policy *p, const char *text)
{
	struct policy_store *s = p->store;
	char *copy;

	if (!array_grow(&s->strings, s->n_strings, &s->cap_strings, sizeof(*s->strings)))
		return NULL;
	copy = strdup(text);
	if (copy)
		s->strings[s->n_strings++] = copy;
	return copy;
}

bool policy_has_file(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_files; i++)
		if (strcmp(p->files[i], name) == 0)
			return true;
	return false;
}

int policy_add_file(struct policy *p, const char *name, unsigned *file)
{
	const char *kept = policy_keep(p, name);

	if (!kept || !array_grow(&p->files, p->n_files, &p->store->cap_files, sizeof(*p->files)))
		return -1;
	*file = (unsigned)p->n_files;
	p->files[p->n_files++] = kept;
	return 0;
}

/* Both arrays of groups, by one capacity. */
static int grow_groups(struct policy *p)
{
	struct policy_store *s = p->store;
	size_t cap = s->cap_groups;

	if (!array_grow(&s->mentions, p->n_groups, &cap, sizeof(*s->mentions)))
		return -1;
	return array_grow(&p->groups, p->n_groups, &s->cap_groups, sizeof(*p->groups)) ? 0 : -1;
}

/* The slot of the group of that name, or the one that is free for it. */
static uint32_t *slot_of(const struct policy *p, const char *name)
{
	const struct policy_store *s = p->store;
	uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
	size_t at;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT32_C(16777619);
	for (at = hash % s->n_slots; s->slots[at]; at = (at + 1) % s->n_slots)
		if (strcmp(p->groups[s->slots[at] - 1].name, name) == 0)
			break;
	return &s->slots[at];
}

/* At least half of the slots stay free. */
static int grow_slots(struct policy *p)
{
	struct policy_store *s = p->store;
	size_t want = s->n_slots ? 2 * s->n_slots : 64;
	uint32_t *v;

	if (2 * (p->n_groups + 1) <= s->n_slots)
		return 0;
	v = calloc(want, sizeof(*v));
	if (!v)
		return -1;
	free(s->slots);
	s->slots = v;
	s->n_slots = want;
	for (size_t i = 0; i < p->n_groups; i++)
		*slot_of(p, p->groups[i].name) = (uint32_t)i + 1;
	return 0;
}

int policy_group_of(struct policy *p, const char *name, size_t *group)
{
	struct policy_store *s = p->store;
	const char *kept;
	uint32_t *slot;

	if (s->last_group < p->n_groups && strcmp(p->groups[s->last_group].name, name) == 0) {
		*group = s->last_group;
		return 0;
	}
	if (grow_slots(p) < 0)
		return -1;
	slot = slot_of(p, name);
	if (*slot) {
		*group = s->last_group = *slot - 1;
		return 0;
	}
	kept = policy_keep(p, name);
	if (!kept || grow_groups(p) < 0)
		return -1;
	*slot = (uint32_t)p->n_groups + 1;
	s->mentions[p->n_groups] = (struct policy_place){0};
	p->groups[p->n_groups] = (struct policy_group){.name = kept};
	targets_init(&p->groups[p->n_groups].targets);
	*group = s->last_group = p->n_groups++;
	return 0;
}

int policy_add_missing(struct policy *p, struct policy_group *g, const struct policy_missing *m)
{
	struct policy_missing kept = *m;

	kept.name = policy_keep(p, m->name);
	kept.why = policy_keep(p, m->why);
	if (!kept.name || !kept.why)
		return -1;
	if (!array_grow(&g->missing, g->n_missing, &g->cap_missing, sizeof(*g->missing)))
		return -1;
	g->missing[g->n_missing++] = kept;
	return 0;
}

int policy_add_line(struct policy *p, const struct policy_line *l, unsigned column)
{
	struct policy_store *s = p->store;
	size_t cap = s->cap_lines;

	if (!array_grow(&s->columns, p->n_lines, &cap, sizeof(*s->columns)) ||
	    !array_grow(&p->lines, p->n_lines, &s->cap_lines, sizeof(*p->lines)))
		return -1;
	s->columns[p->n_lines] = column;
	p->lines[p->n_lines++] = *l;
	return 0;
}

const struct ports *policy_own_ports(struct policy *p, struct ports *ports)
{
	return ports_pool_own(&p->store->ports, ports);
}

const struct ports *policy_common_ports(struct policy *p)
{
	struct ports *made;

	if (p->store->common)
		return p->store->common;
	made = ports_default();
	p->store->common = made ? policy_own_ports(p, made) : NULL;
	return p->store->common;
}
