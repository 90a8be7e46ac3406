/*
 * covers: spans that follow each other with the same ports are one; those cut by routes too. It
 * gives up whole where there are too many: half of a space would be taken for all of it.
 */
#include "cmd/covers.h"

#include <stdlib.h>
#include <string.h>

#include "report/ranges.h"

enum { LISTS_BYTES = 1 << 20 };

static char *list_of(const struct ports *p)
{
	struct ranges ranges = {0};
	struct string text = {0};
	char *copy = NULL;
	bool ok = true;

	for (uint32_t i = 0; ok && i < ports_count(p); i++)
		ok = ranges_add(&ranges, ports_at(p, i));
	ranges_put(&ranges, 0, &text);
	if (ok && !text.failed)
		copy = strdup(string_text(&text));
	ranges_free(&ranges);
	string_free(&text);
	return copy;
}

static bool joins(const struct run_cover *last, const struct ports *ports, const struct span *x)
{
	return ports == x->ports && last->last.family == x->first.family &&
	       last->last.zone == x->first.zone && addr_diff(&last->last, &x->first) == 1;
}

/* The list's text, kept; NULL: no memory. */
static const char *keep_list(struct covers *c, const struct ports *ports, size_t *bytes)
{
	char *text = list_of(ports);

	if (!text)
		return NULL;
	*bytes += strlen(text);
	return c->lists[c->n_lists++] = text;
}

bool covers_make(struct covers *c, const struct space *s)
{
	const struct ports *ports = NULL;
	const char *list = NULL;
	size_t bytes = 0;

	*c = (struct covers){.v = calloc(COVERS_MAX, sizeof(*c->v)),
			     .lists = calloc(COVERS_MAX, sizeof(*c->lists))};
	if (!c->v || !c->lists)
		return false;
	for (size_t i = 0; i < s->n && !c->truncated; i++) {
		const struct span *x = &s->spans[i];
		struct addr last = addr_add(x->first, x->count - 1);

		if (c->n && joins(&c->v[c->n - 1], ports, x)) {
			c->v[c->n - 1].last = last;
			continue;
		}
		if (c->n == COVERS_MAX || bytes > LISTS_BYTES) {
			c->truncated = true;
			break;
		}
		if (ports != x->ports) {
			list = keep_list(c, x->ports, &bytes);
			if (!list)
				return false;
		}
		ports = x->ports;
		c->v[c->n++] = (struct run_cover){x->first, last, list};
	}
	if (c->truncated)
		c->n = 0;
	return true;
}

void covers_free(struct covers *c)
{
	for (size_t i = 0; i < c->n_lists; i++)
		free(c->lists[i]);
	free(c->lists);
	free(c->v);
	*c = (struct covers){0};
}
