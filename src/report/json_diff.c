/*
 * json_diff: the records of `diff`: a change each, and a summary that names both results. What is
 * of a host has no port; ports that change alike share a record.
 */
#include "report/json_private.h"
#include "report/line.h"

static void put_ports(struct string *t, const struct change_record *c)
{
	if (!c->n_spans) {
		if (!c->of_host)
			line_u64(t, "port", c->port);
		else if (c->count)
			line_u64(t, "count", c->count);
		return;
	}
	line_u64(t, "count", c->count);
	json_put_ports(t, c->spans, c->n_spans);
}

void json_change(void *ctx, const struct change_record *c)
{
	struct json_report *r = ctx;
	struct string *t = &r->line;

	line_begin(t, "change");
	line_text(t, "addr", c->addr);
	if (c->addr_last)
		line_text(t, "addr_last", c->addr_last);
	if (c->name)
		line_text(t, "name", c->name);
	put_ports(t, c);
	line_text(t, "change", change_name(c->change));
	line_text_or_null(t, "old", c->was);
	if (c->was_reason)
		line_text(t, "old_reason", c->was_reason);
	line_text_or_null(t, "new", c->is);
	if (c->is_reason)
		line_text(t, "new_reason", c->is_reason);
	line_end(t);
	out_string(&r->out, t);
}

static json_object *new_result(const char *name, const char *started, bool complete)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "file", name);
	json_add_text_or_null(o, "started", started);
	json_add_bool(o, "complete", complete);
	return o;
}

void json_diffed(void *ctx, const struct diff_record *d)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("summary"), *changes = json_object_new_object();

	json_add_bool(o, "complete", true);
	json_set(o, "old", new_result(d->old_name, d->old_started, d->old_complete));
	json_set(o, "new", new_result(d->new_name, d->new_started, d->new_complete));
	for (int i = 0; i < CHANGES; i++)
		json_add_u64(changes, change_name((enum change_kind)i), d->changes[i]);
	json_set(o, "changes", changes);
	json_add_u64(o, "compared", d->compared);
	json_add_u64(o, "ignored", d->ignored);
	json_add_u64(o, "hosts_down", d->went_down);
	json_add_u64(o, "hosts_up", d->came_up);
	json_put_record(r, o);
	out_flush(&r->out);
}
