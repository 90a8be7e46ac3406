/*
 * csv_carry: the rows of an earlier run, out of its JSON lines: of port and ports, the latter a row
 * a port. As in JSON, a later row about the same port corrects an earlier one. A line that is none
 * is left out: whoever carries has read it already.
 */
#include <string.h>

#include "report/csv_private.h"
#include "report/member.h"

/* A number's digits, too. */
static const char *field(json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
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
		csv_put_foreign(r, field(o, front[i]));
	csv_put_foreign(r, port);
	csv_put(r, "tcp");
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
		csv_put_foreign(r, field(o, behind[i]));
	csv_end_row(r);
}

static void put_ranges(struct csv_report *r, json_object *o)
{
	const char *list = member_text(o, "ports");
	struct port_span x;
	char port[8];

	while (port_span_next(&list, &x) > 0)
		for (unsigned p = x.first; p <= x.last; p++) {
			snprintf(port, sizeof(port), "%u", p);
			put_row(r, o, port);
		}
}

/* --- ports of a host that may turn out to be unreachable ---------------------------------- */

static uint64_t count_of(json_object *o)
{
	uint64_t n = 0;

	member_u64(o, "count", &n);
	return n;
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
	put_ranges(r, o);
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
	put_row(r, o, field(o, "port"));
	csv_flush(r);
}

void csv_carry(struct report *report, const char *line, size_t len)
{
	struct csv_report *r = report->sink.ctx;
	json_object *o = member_parse(line, len);
	const char *type = o ? member_text(o, "type") : NULL;

	if (type)
		carry_record(r, o, type);
	json_object_put(o);
}
