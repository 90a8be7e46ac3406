/* json_doctor: a record for each thing that was looked at, and the summary. It leaves none out. */
#include "report/json_private.h"

void json_looked(void *ctx, const struct doctor_record *d)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("finding");

	json_add_text(o, "check", d->check);
	json_add_text(o, "result", doctor_result_name(d->result));
	json_add_text(o, "detail", d->detail);
	json_add_text_or_null(o, "fix", d->fix);
	json_put_record(r, o);
	out_flush(&r->out);
}

void json_examined(void *ctx, const struct examined_record *x)
{
	struct json_report *r = ctx;
	json_object *o = json_new_record("summary"), *counts = json_object_new_object();

	for (int i = 0; i < DOCTOR_RESULTS; i++)
		json_add_u64(counts, doctor_result_name((enum doctor_result)i), x->counts[i]);
	json_add_bool(o, "complete", true);
	json_add_text(o, "says", x->says);
	json_add_real(o, "elapsed_s", x->elapsed_s, 6);
	json_set(o, "counts", counts);
	json_put_record(r, o);
	out_flush(&r->out);
}
