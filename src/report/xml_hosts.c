/*
 * xml_hosts: what is known of each host until its element is written, compactly: nmap's format says
 * all of a host at once, and a sweep in windows, or one that was resumed, says it in pieces. Ports
 * of which the same is to be said are one set.
 */
#include "config.h"

#include <search.h>
#include <stdlib.h>

#include "base/array.h"
#include "report/xml_private.h"

enum {
	GROUPS_MAX = 256,   /* of a host: beyond, senders and TTLs are not told apart */
	REASONS_MAX = 1024, /* an earlier run's may be any */
};

static int host_cmp(const void *a, const void *b)
{
	const struct xml_host *x = a, *y = b;
	int order = addr_cmp(&x->addr, &y->addr);

	return order ? order : strcmp(x->text, y->text);
}

static int place_cmp(const void *a, const void *b)
{
	return host_cmp(*(struct xml_host *const *)a, *(struct xml_host *const *)b);
}

static void *failed(struct xml_hosts *h)
{
	h->failed = true;
	return NULL;
}

static void host_free(struct xml_host *host)
{
	for (size_t i = 0; i < host->n_groups; i++) {
		portset_free(&host->groups[i].ports);
		free(host->groups[i].from);
	}
	free(host->groups);
	free(host->text);
	free(host->name);
	free(host);
}

static struct xml_host *host_new(struct xml_hosts *h, const struct addr *addr, const char *text)
{
	struct xml_host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->addr = *addr;
	host->text = strdup(text);
	if (!host->text || !array_grow(&h->v, h->n, &h->cap, sizeof(struct xml_host *)) ||
	    !tsearch(host, &h->tree, host_cmp)) {
		host_free(host);
		return NULL;
	}
	h->v[h->n++] = host;
	h->bytes += sizeof(*host) + 100; /* its text, its place in array and tree */
	return host;
}

struct xml_host *xml_hosts_find(struct xml_hosts *h, const struct addr *addr, const char *text,
				const char *name)
{
	struct xml_host wanted = {.addr = *addr}, *host, **found;

	wanted.text = strdup(text);
	if (!wanted.text)
		return failed(h);
	found = tfind(&wanted, &h->tree, host_cmp);
	free(wanted.text);
	host = found ? *found : host_new(h, addr, text);
	if (host && name && !host->name)
		host->name = strdup(name);
	return host ? host : failed(h);
}

uint16_t xml_hosts_reason(struct xml_hosts *h, const char *reason)
{
	for (size_t i = 0; i < h->n_reasons; i++)
		if (strcmp(h->reasons[i], reason) == 0)
			return (uint16_t)i;
	if (h->n_reasons == REASONS_MAX)
		return 0;
	if (!array_grow(&h->reasons, h->n_reasons, &h->cap_reasons, sizeof(char *)) ||
	    !(h->reasons[h->n_reasons] = strdup(reason))) {
		h->failed = true;
		return 0;
	}
	return (uint16_t)h->n_reasons++;
}

/* --- ports ------------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct xml_group *group_of(struct xml_hosts *h, struct xml_host *host,
				  const struct xml_port *p)
{
	uint16_t reason = xml_hosts_reason(h, p->reason);
	bool coarse = host->n_groups >= GROUPS_MAX;
	const char *from = coarse ? NULL : p->from;
	uint8_t ttl = coarse ? 0 : p->ttl;
	struct xml_group *g;

	for (size_t i = host->n_groups; i > 0; i--) {
		g = &host->groups[i - 1];
		if (g->state == p->state && g->reason == reason && g->ttl == ttl &&
		    same_text(g->from, from))
			return g;
	}
	if (!array_grow(&host->groups, host->n_groups, &host->cap_groups, sizeof(*g)))
		return NULL;
	g = &host->groups[host->n_groups];
	*g = (struct xml_group){.state = (uint8_t)p->state, .ttl = ttl, .reason = reason};
	if (from && !(g->from = strdup(from)))
		return NULL;
	host->n_groups++;
	h->bytes += 2 * sizeof(*g);
	return g;
}

void xml_hosts_port(struct xml_hosts *h, struct xml_host *host, const struct xml_port *p)
{
	struct xml_group *g;
	size_t before;

	for (size_t i = 0; host->pieces && i < host->n_groups; i++)
		portset_remove(&host->groups[i].ports, p->port);
	g = group_of(h, host, p);
	if (!g) {
		h->failed = true;
		return;
	}
	before = portset_bytes(&g->ports);
	if (!portset_add(&g->ports, p->port))
		h->failed = true;
	h->bytes += portset_bytes(&g->ports) - before;
}

/* --- all of them ------------------------------------------------------------------------------ */

void xml_hosts_sort(struct xml_hosts *h)
{
	if (h->n)
		qsort(h->v, h->n, sizeof(struct xml_host *), place_cmp);
}

static void keep_it(void *host)
{
	(void)host;
}

void xml_hosts_clear(struct xml_hosts *h)
{
	tdestroy(h->tree, keep_it);
	h->tree = NULL;
	for (size_t i = 0; i < h->n; i++)
		host_free(h->v[i]);
	h->n = h->bytes = 0;
}

void xml_hosts_free(struct xml_hosts *h)
{
	xml_hosts_clear(h);
	for (size_t i = 0; i < h->n_reasons; i++)
		free(h->reasons[i]);
	free(h->reasons);
	free(h->v);
	*h = (struct xml_hosts){0};
}
