/*
 * xml_host: the element of one host: our states in nmap's words, which ports are listed one by one,
 * and which are only counted. What nmap has no word for is never called open or closed: the reason
 * says what it is.
 */
#include <stdlib.h>

#include "report/xml_private.h"

static const char *const words[XML_STATES] = {
    [XML_OPEN] = "open",
    [XML_CLOSED] = "closed",
    [XML_FILTERED] = "filtered",
    [XML_UNFILTERED] = "unfiltered",
    [XML_OPEN_FILTERED] = "open|filtered",
    [XML_UNKNOWN] = "unknown",
};

static enum xml_state state_of(uint8_t s)
{
	switch ((enum port_state)s) {
	case STATE_OPEN: return XML_OPEN;
	case STATE_CLOSED: return XML_CLOSED;
	case STATE_REJECTED:
	case STATE_FILTERED: return XML_FILTERED;
	case STATE_UNFILTERED: return XML_UNFILTERED;
	case STATE_SUSPECT:
	case STATE_OPEN_FILTERED: return XML_OPEN_FILTERED;
	default: return XML_UNKNOWN;
	}
}

/* A port, and the group that it is of. */
struct member {
	uint16_t port;
	const struct xml_group *of;
};

static int member_cmp(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->port < y->port ? -1 : x->port > y->port;
}

static struct member *sorted(const struct xml_host *h, size_t *n)
{
	uint16_t *ports;
	struct member *v;

	*n = 0;
	for (size_t i = 0; i < h->n_groups; i++)
		*n += h->groups[i].ports.n;
	ports = calloc(*n + 1, sizeof(*ports));
	v = ports ? calloc(*n + 1, sizeof(*v)) : NULL;
	*n = 0;
	for (size_t i = 0; v && i < h->n_groups; i++) {
		const struct xml_group *g = &h->groups[i];

		portset_copy(&g->ports, ports);
		for (uint32_t j = 0; j < g->ports.n; j++)
			v[(*n)++] = (struct member){ports[j], g};
	}
	if (v)
		qsort(v, *n, sizeof(*v), member_cmp);
	free(ports);
	return v;
}

/* --- ports ------------------------------------------------------------------------------------ */

/* Where nmap's word says less than ours, ours stands before the reason. */
static void attr_reason(struct xml_report *r, const struct xml_group *g)
{
	const char *reason = r->hosts.reasons[g->reason];
	const char *state = state_name((enum port_state)g->state);
	enum xml_state word = state_of(g->state);

	if ((word == XML_UNKNOWN || g->state == STATE_SUSPECT) && strcmp(state, reason) != 0)
		xmlout_attrf(&r->x, "reason", "%s:%s", state, reason);
	else
		xmlout_attr(&r->x, "reason", reason);
}

static void put_service(struct xml_report *r, uint16_t port)
{
	const struct run_info *run = r->run;
	char buf[32];
	const char *name = run->service_name ? run->service_name(port, buf) : NULL;

	if (!name)
		return;
	xmlout_begin(&r->x, "service");
	xmlout_attr(&r->x, "name", name);
	xmlout_attr(&r->x, "method", "table");
	xmlout_attr(&r->x, "conf", "3");
	xmlout_end(&r->x);
}

static void put_port(struct xml_report *r, const struct member *m)
{
	struct xmlout *x = &r->x;

	xmlout_begin(x, "port");
	xmlout_attr(x, "protocol", "tcp");
	xmlout_attrf(x, "portid", "%u", m->port);
	xmlout_begin(x, "state");
	xmlout_attr(x, "state", words[state_of(m->of->state)]);
	attr_reason(r, m->of);
	xmlout_attrf(x, "reason_ttl", "%u", m->of->ttl);
	if (m->of->from)
		xmlout_attr(x, "reason_ip", m->of->from);
	xmlout_end(x);
	put_service(r, m->port);
	xmlout_end(x);
}

/* --- what is only counted --------------------------------------------------------------------- */

static bool same_reason(const struct xml_group *a, const struct xml_group *b)
{
	return a->state == b->state && a->reason == b->reason;
}

/* The ports of a group, and of those behind it that differ in TTL or sender alone. */
static void put_reason(struct xml_report *r, const struct xml_group *g, const struct member *v,
		       size_t n)
{
	struct ranges ports = {0};
	struct string text = {0};

	for (size_t i = 0; i < n; i++)
		if (same_reason(v[i].of, g) && !ranges_add(&ports, v[i].port))
			r->hosts.failed = true;
	ranges_put(&ports, 0, &text);
	r->hosts.failed |= text.failed;
	xmlout_begin(&r->x, "extrareasons");
	attr_reason(r, g);
	xmlout_attrf(&r->x, "count", "%u", ports.count);
	xmlout_attr(&r->x, "proto", "tcp");
	xmlout_attr(&r->x, "ports", string_text(&text));
	xmlout_end(&r->x);
	string_free(&text);
	ranges_free(&ports);
}

static bool is_first(const struct xml_host *h, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (h->groups[j].ports.n && same_reason(&h->groups[j], &h->groups[i]))
			return false;
	return true;
}

static void put_extra(struct xml_report *r, const struct xml_host *h, enum xml_state s,
		      uint32_t count, const struct member *v, size_t n)
{
	xmlout_begin(&r->x, "extraports");
	xmlout_attr(&r->x, "state", words[s]);
	xmlout_attrf(&r->x, "count", "%u", count);
	for (size_t i = 0; i < h->n_groups; i++)
		if (h->groups[i].ports.n && state_of(h->groups[i].state) == s && is_first(h, i))
			put_reason(r, &h->groups[i], v, n);
	xmlout_end(&r->x);
}

/* Readers count on finding each open port. */
static bool is_counted(const struct xml_report *r, enum xml_state s, uint32_t count)
{
	return s != XML_OPEN && !r->style.all && count > RECORD_LIST_MAX;
}

static void put_ports(struct xml_report *r, const struct xml_host *h)
{
	uint32_t counts[XML_STATES] = {0};
	struct member *v;
	size_t n;

	for (size_t i = 0; i < h->n_groups; i++)
		counts[state_of(h->groups[i].state)] += h->groups[i].ports.n;
	v = sorted(h, &n);
	if (!v) {
		r->hosts.failed = true;
		return;
	}
	xmlout_begin(&r->x, "ports");
	for (int s = 0; s < XML_STATES; s++)
		if (is_counted(r, (enum xml_state)s, counts[s]))
			put_extra(r, h, (enum xml_state)s, counts[s], v, n);
	for (size_t i = 0; i < n; i++) {
		enum xml_state s = state_of(v[i].of->state);

		if (!is_counted(r, s, counts[s]))
			put_port(r, &v[i]);
	}
	xmlout_end(&r->x);
	free(v);
}

/* --- the host --------------------------------------------------------------------------------- */

static void put_names(struct xml_report *r, const struct xml_host *h)
{
	xmlout_begin(&r->x, "hostnames");
	if (h->name) {
		xmlout_begin(&r->x, "hostname");
		xmlout_attr(&r->x, "name", h->name);
		xmlout_attr(&r->x, "type", "user");
		xmlout_end(&r->x);
	}
	xmlout_end(&r->x);
}

/* As nmap of a host that is down: which of its ports drew the router's few ICMP errors is chance,
 * and would be a difference to the next scan. */
static bool is_unreachable(const struct xml_report *r, const struct xml_host *h)
{
	static const char *const reasons[] = {"host-unreachable", "net-unreachable", "no-route"};

	for (size_t i = 0; !h->up && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(r->hosts.reasons[h->reason], reasons[i]) == 0)
			return true;
	return false;
}

void xml_put_host(struct xml_report *r, const struct xml_host *h)
{
	struct xmlout *x = &r->x;

	xmlout_begin(x, "host");
	xmlout_begin(x, "status");
	xmlout_attr(x, "state", h->up ? "up" : "down");
	xmlout_attr(x, "reason", r->hosts.reasons[h->reason]);
	xmlout_attrf(x, "reason_ttl", "%u", h->reason_ttl);
	xmlout_end(x);
	xmlout_begin(x, "address");
	xmlout_attr(x, "addr", h->text);
	xmlout_attr(x, "addrtype", h->addr.family == ADDR_V6 ? "ipv6" : "ipv4");
	xmlout_end(x);
	put_names(r, h);
	if (!is_unreachable(r, h))
		put_ports(r, h);
	if (h->srtt_us) { /* -1 is nmap's for what it has not measured */
		xmlout_begin(x, "times");
		xmlout_attrf(x, "srtt", "%u", h->srtt_us);
		xmlout_attr(x, "rttvar", "-1");
		xmlout_attr(x, "to", "-1");
		xmlout_end(x);
	}
	xmlout_end(x);
}
