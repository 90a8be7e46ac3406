/*
 * json_vantage: the records of `diff --by-vantage`: what each vantage point has of ports that are
 * not the same everywhere, and a summary that names the points in their order.
 */
#include "report/json_private.h"
#include "report/line.h"

static void put_view(struct string *t, const struct vantage_point *p, const struct vantage_view *v)
{
	line_item_open(t);
	line_text(t, "vantage", p->name);
	line_text_or_null(t, "state", v->state);
	if (v->reason)
		line_text(t, "reason", v->reason);
	line_bool(t, "measured", v->measured);
	line_bool(t, "exception", v->exception);
	line_close(t, '}');
}

void json_vantage(void *ctx, const struct vantage_record *v)
{
	struct json_report *r = ctx;
	struct string *t = &r->line;

	line_begin(t, "vantage");
	line_text(t, "addr", v->addr);
	if (v->addr_last)
		line_text(t, "addr_last", v->addr_last);
	if (v->name)
		line_text(t, "name", v->name);
	if (!v->of_host && !v->n_spans)
		line_u64(t, "port", v->port);
	if (v->count)
		line_u64(t, "count", v->count);
	if (v->n_spans)
		json_put_ports(t, v->spans, v->n_spans);
	line_text_or_null(t, "majority", v->majority);
	line_open(t, "views", '[');
	for (size_t i = 0; i < v->n_views; i++)
		put_view(t, &r->run->vantages->points[i], &v->views[i]);
	line_close(t, ']');
	line_end(t);
	out_string(&r->out, t);
}

void json_vantages(void *ctx, const struct vantages_record *v)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("summary"), *points = json_object_new_array();

	json_add_bool(o, "complete", true);
	for (size_t i = 0; i < v->n; i++) {
		json_object *p = json_object_new_object();

		json_add_text(p, "name", v->points[i].name);
		json_add_text_or_null(p, "started", v->points[i].started);
		json_add_bool(p, "complete", v->points[i].complete);
		json_push(points, p);
	}
	json_set(o, "vantages", points);
	json_add_u64(o, "differ", v->differ);
	json_add_u64(o, "hosts", v->hosts);
	json_add_u64(o, "hosts_down", v->hosts_down);
	json_add_u64(o, "compared", v->compared);
	json_add_u64(o, "compared_by_all", v->all);
	json_add_u64(o, "ignored", v->ignored);
	json_put_record(r, o);
	out_flush(&r->out);
}
