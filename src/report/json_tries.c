/* json_tries: the records of `scan --count`, each at once: a pipe's reader waits for the next. */
#include "report/json_private.h"

void json_try(void *ctx, const struct try_record *t)
{
	struct json_report *r = ctx;
	const struct verdict *v = t->result->verdict;
	json_object *o = json_new_record("try");

	json_add_who(o, r, t->addr, t->name);
	json_add_u64(o, "port", t->port);
	json_add_u64(o, "n", t->n);
	json_add_text(o, "state", state_name(v->state));
	json_add_text(o, "reason", v->reason);
	if (t->rtt_us != UINT32_MAX)
		json_add_u64(o, "rtt_us", t->rtt_us);
	else
		json_add_null(o, "rtt_us");
	if (v->decider)
		json_add_u64(o, "ttl", v->decider->ttl);
	else
		json_add_null(o, "ttl");
	if (t->result->from)
		json_add_addr(o, "from", r, t->result->from);
	if (v->n_clues)
		json_set(o, "clues", json_new_clues(v->clues, v->n_clues));
	json_add_time(o, "time", t->wall_ns);
	json_put_record(r, o);
	out_flush(&r->out);
}

static json_object *new_rtts(const struct tries_record *t)
{
	json_object *o = json_object_new_object();

	json_add_u64(o, "min", t->min_us);
	json_add_u64(o, "p50", t->p50_us);
	json_add_u64(o, "p90", t->p90_us);
	json_add_u64(o, "p99", t->p99_us);
	json_add_u64(o, "max", t->max_us);
	json_add_u64(o, "mean", t->mean_us);
	json_add_u64(o, "mdev", t->mdev_us);
	return o;
}

void json_tries(void *ctx, const struct tries_record *t)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("tries");
	double lost = (double)(t->tries - t->answered);

	json_add_who(o, r, t->addr, t->name);
	json_add_u64(o, "port", t->port);
	json_add_u64(o, "tries", t->tries);
	json_add_u64(o, "answered", t->answered);
	json_add_u64(o, "late", t->late);
	if (t->tries)
		json_add_real(o, "loss", lost / (double)t->tries, 4);
	else
		json_add_null(o, "loss");
	json_set(o, "states", json_new_counts(t->counts));
	if (t->rtts)
		json_set(o, "rtt_us", new_rtts(t));
	else
		json_add_null(o, "rtt_us");
	json_put_record(r, o);
}
