/*
 * xml_carry: records of an earlier run, read back from their JSON, as what they were: hosts and
 * their ports. A record that cannot be read is passed over: whether the file may be gone on with
 * was decided before.
 */
#include <string.h>

#include "report/member.h"
#include "report/xml_private.h"

/* 0 where it is none. */
static uint32_t number_of(json_object *o, const char *key)
{
	uint64_t n = 0;

	return member_u64(o, key, &n) && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static struct xml_host *host_of(struct xml_report *r, json_object *o)
{
	const char *text = member_text(o, "addr");
	char plain[ADDR_TEXT];
	struct addr addr;
	struct xml_host *host;

	if (!text || strlen(text) >= sizeof(plain))
		return NULL;
	strcpy(plain, text);
	plain[strcspn(plain, "%")] = '\0';
	if (addr_parse(plain, &addr) < 0)
		return NULL;
	host = xml_hosts_find(&r->hosts, &addr, text, member_text(o, "name"));
	if (host)
		host->pieces = true;
	return host;
}

/* What a `port` and a `ports` record have in common; false where it is none of ours. */
static bool read_port(json_object *o, const struct xml_host *host, struct xml_port *p)
{
	const char *state = member_text(o, "state"), *from = member_text(o, "from");

	*p = (struct xml_port){.reason = member_text(o, "reason")};
	if (!p->reason || !state || state_parse(state, &p->state) < 0)
		return false;
	p->ttl = (uint8_t)number_of(o, "ttl");
	p->from = from && strcmp(from, host->text) != 0 ? from : NULL;
	return true;
}

static void carry_port(struct xml_report *r, json_object *o)
{
	struct xml_host *host = host_of(r, o);
	uint32_t port = number_of(o, "port");
	struct xml_port p;

	if (!host || !port || port > UINT16_MAX || !read_port(o, host, &p))
		return;
	p.port = (uint16_t)port;
	if (p.ttl && !p.from && !host->up) {
		host->up = true;
		host->reason = xml_hosts_reason(&r->hosts, p.reason);
		host->reason_ttl = p.ttl;
	}
	xml_add_port(r, host, &p);
}

static void carry_ports(struct xml_report *r, json_object *o)
{
	struct xml_host *host = host_of(r, o);
	const char *list = member_text(o, "ports");
	struct port_span x;
	struct xml_port p;

	if (!host || !read_port(o, host, &p))
		return;
	while (port_span_next(&list, &x) > 0)
		for (unsigned port = x.first; port <= x.last; port++) {
			p.port = (uint16_t)port;
			xml_add_port(r, host, &p);
		}
}

static void carry_host(struct xml_report *r, json_object *o)
{
	struct xml_host *host = host_of(r, o);
	const char *reason = member_text(o, "reason");

	if (!host || host->up)
		return;
	host->up = member_is(o, "up");
	if (host->up)
		reason = "host-response";
	host->reason = xml_hosts_reason(&r->hosts, reason ? reason : "unknown-response");
}

void xml_carry(struct report *report, const char *line, size_t len)
{
	static const struct {
		const char *type;
		void (*carry)(struct xml_report *r, json_object *o);
	} types[] = {{"port", carry_port}, {"ports", carry_ports}, {"host", carry_host}};
	struct xml_report *r = report->sink.ctx;
	json_object *o = member_parse(line, len);
	const char *type = o ? member_text(o, "type") : NULL;

	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0)
			types[i].carry(r, o);
	json_object_put(o);
	xml_bound(r);
}
