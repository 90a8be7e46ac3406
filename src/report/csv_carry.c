/*
 * csv_carry: the rows of an earlier run, out of its JSON lines: of port and ports, the latter a row
 * a port. As in JSON, a later row about the same port corrects an earlier one. A line that is none
 * is left out: whoever carries has read it already.
 */
#include <string.h>

#include <json-c/json.h>

#include "report/csv_private.h"

static const char *member_text(json_object *o, const char *key)
{
	json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) && v ? json_object_get_string(v) : NULL;
}

static bool shows(const struct csv_report *r, json_object *o)
{
	const char *word = member_text(o, "state");
	enum port_state s;

	return !r->style.show_given || !word || state_parse(word, &s) < 0 ||
	       host_shows(&r->style, s);
}

/* `port` is NULL for all of them. A file may say anything of what nobody has held against a list
 * of words, so that all of it is foreign. */
static void put_row(struct csv_report *r, json_object *o, const char *port)
{
	static const char *const front[] = {"addr", "name"};
	static const char *const behind[] = {"state", "reason", "origin", "rtt_us",
					     "ttl",   "tries",	"from"};

	for (size_t i = 0; i < sizeof(front) / sizeof(front[0]); i++)
		csv_put_foreign(r, member_text(o, front[i]));
	csv_put_foreign(r, port);
	csv_put(r, "tcp");
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
		csv_put_foreign(r, member_text(o, behind[i]));
	csv_end_row(r);
}

/* Digits up to 65535, and where they end. */
static bool take_port(const char **at, unsigned *port)
{
	const char *s = *at;

	for (*port = 0; *s >= '0' && *s <= '9' && *port <= UINT16_MAX; s++)
		*port = *port * 10 + (unsigned)(*s - '0');
	if (s == *at || *port > UINT16_MAX)
		return false;
	*at = s;
	return true;
}

/* "1-21,23-79"; no port twice, however often the list says it. */
static void put_ranges(struct csv_report *r, json_object *o, const char *ranges)
{
	unsigned first, last, next = 0;
	char port[8];

	while (ranges && take_port(&ranges, &first)) {
		if (first < next)
			return;
		last = first;
		if (*ranges == '-') {
			ranges++;
			if (!take_port(&ranges, &last))
				return;
		}
		for (; first <= last; first++) {
			snprintf(port, sizeof(port), "%u", first);
			put_row(r, o, port);
		}
		next = first;
		ranges += *ranges == ',';
	}
}

/* --- ports of a host that may turn out to be unreachable ---------------------------------- */

static int64_t count_of(json_object *o)
{
	json_object *n = NULL;

	return json_object_object_get_ex(o, "count", &n) ? json_object_get_int64(n) : 0;
}

void csv_carry_end(struct csv_report *r)
{
	out_string(&r->out, &r->held);
	json_object_put(r->held_most);
	r->held_most = NULL;
}

static bool same_host(json_object *a, json_object *b)
{
	const char *x = a ? member_text(a, "addr") : NULL, *y = member_text(b, "addr");

	return x && y && strcmp(x, y) == 0;
}

/* Beside its other ports, if any wait. */
static void hold(struct csv_report *r, json_object *o)
{
	struct string rows = r->held;

	if (r->held_most && !same_host(r->held_most, o)) {
		csv_carry_end(r);
		rows = r->held;
	}
	r->held = r->line;
	r->line = rows;
	put_ranges(r, o, member_text(o, "ports"));
	rows = r->line;
	r->line = r->held;
	r->held = rows;
	if (r->held_most && count_of(r->held_most) >= count_of(o))
		return;
	json_object_put(r->held_most);
	r->held_most = json_object_get(o);
}

static bool is_unreachable(json_object *host)
{
	static const char *const reasons[] = {"host-unreachable", "net-unreachable", "no-route"};
	const char *reason = member_text(host, "reason");
	json_object *up = NULL;

	if (!json_object_object_get_ex(host, "up", &up) || json_object_get_boolean(up))
		return false;
	for (size_t i = 0; reason && i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reason, reasons[i]) == 0)
			return true;
	return false;
}

/* Its record comes behind those of its ports. */
static void carry_host(struct csv_report *r, json_object *host)
{
	if (same_host(r->held_most, host) && is_unreachable(host)) {
		string_clear(&r->held);
		json_object_object_add(r->held_most, "reason",
				       json_object_new_string(member_text(host, "reason")));
		put_row(r, r->held_most, NULL);
		csv_flush(r);
	}
	csv_carry_end(r);
}

static void carry_record(struct csv_report *r, json_object *o, const char *type)
{
	if (strcmp(type, "host") == 0) {
		carry_host(r, o);
		return;
	}
	if (!shows(r, o))
		return;
	if (strcmp(type, "ports") == 0)
		hold(r, o);
	if (strcmp(type, "port") != 0)
		return;
	put_row(r, o, member_text(o, "port"));
	csv_flush(r);
}

void csv_carry(struct report *report, const char *line, size_t len)
{
	struct csv_report *r = report->sink.ctx;
	json_tokener *parser = json_tokener_new();
	json_object *o;
	const char *type;

	if (!parser) {
		out_no_memory(&r->out);
		return;
	}
	o = json_tokener_parse_ex(parser, line, (int)len);
	type = member_text(o, "type");
	if (type)
		carry_record(r, o, type);
	json_object_put(o);
	json_tokener_free(parser);
}
