/*
 * xml_carry: records of an earlier run, read back from their JSON, as what they were: hosts and
 * their ports. A record that cannot be read is passed over: whether the file may be gone on with
 * was decided before.
 */
#include <json-c/json.h>
#include <stdlib.h>

#include "report/xml_private.h"

static const char *text_of_key(json_object *o, const char *key)
{
	json_object *v = json_object_object_get(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

static uint32_t number_of_key(json_object *o, const char *key)
{
	json_object *v = json_object_object_get(o, key);
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : 0;

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static struct xml_host *host_of(struct xml_report *r, json_object *o)
{
	const char *text = text_of_key(o, "addr");
	char plain[ADDR_TEXT];
	struct addr addr;
	struct xml_host *host;

	if (!text || strlen(text) >= sizeof(plain))
		return NULL;
	strcpy(plain, text);
	plain[strcspn(plain, "%")] = '\0';
	if (addr_parse(plain, &addr) < 0)
		return NULL;
	host = xml_hosts_find(&r->hosts, &addr, text, text_of_key(o, "name"));
	if (host)
		host->pieces = true;
	return host;
}

/* What a `port` and a `ports` record have in common; false where it is none of ours. */
static bool read_port(json_object *o, const struct xml_host *host, struct xml_port *p)
{
	const char *state = text_of_key(o, "state"), *from = text_of_key(o, "from");

	*p = (struct xml_port){.reason = text_of_key(o, "reason")};
	if (!p->reason || !state || state_parse(state, &p->state) < 0)
		return false;
	p->ttl = (uint8_t)number_of_key(o, "ttl");
	p->from = from && strcmp(from, host->text) != 0 ? from : NULL;
	return true;
}

static void carry_port(struct xml_report *r, json_object *o)
{
	struct xml_host *host = host_of(r, o);
	uint32_t port = number_of_key(o, "port");
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

/* "1-21,23"; no port twice, however often the list says it. */
static void carry_ports(struct xml_report *r, json_object *o)
{
	struct xml_host *host = host_of(r, o);
	const char *at = text_of_key(o, "ports");
	unsigned long next = 1;
	struct xml_port p;

	if (!host || !at || !read_port(o, host, &p))
		return;
	while (*at >= '0' && *at <= '9') {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (first < next || first > last || last > UINT16_MAX)
			return;
		for (; first <= last; first++) {
			p.port = (uint16_t)first;
			xml_add_port(r, host, &p);
		}
		next = first;
		at = *end == ',' ? end + 1 : end;
	}
}

static void carry_host(struct xml_report *r, json_object *o)
{
	struct xml_host *host = host_of(r, o);
	const char *reason = text_of_key(o, "reason");

	if (!host || host->up)
		return;
	host->up = json_object_get_boolean(json_object_object_get(o, "up"));
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
	json_tokener *tokener;
	json_object *o;
	const char *type;

	if (len > INT32_MAX)
		return;
	tokener = json_tokener_new();
	o = tokener ? json_tokener_parse_ex(tokener, line, (int)len) : NULL;
	type = o ? text_of_key(o, "type") : NULL;
	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].type) == 0)
			types[i].carry(r, o);
	json_object_put(o);
	json_tokener_free(tokener);
	xml_bound(r);
}
