/*
 * json_private: what json.c (the ends of a run), json_port.c, json_stack.c, json_trace.c,
 * json_provoke.c, json_reset.c and json_audit.c share: the state of the report, and how a value
 * becomes a key of an object.
 */
#ifndef REPORT_JSON_PRIVATE_H
#define REPORT_JSON_PRIVATE_H

#include <json-c/json.h>

#include "report/host.h"
#include "report/report.h"

struct json_report {
	struct report report;
	struct out out;
	struct string line;
	const struct run_info *run;
	struct report_style style;
	struct port_groups groups;
	double flushed_s; /* of the run */
};

json_object *json_new_text(const char *s); /* what is no UTF-8 becomes U+FFFD */
json_object *json_new_u64(uint64_t v);
json_object *json_new_counts(const uint64_t counts[PORT_STATES]); /* by state; none of 0 */
json_object *json_new_clues(const struct clue *clues, size_t n);
void json_add_text(json_object *o, const char *key, const char *value);
void json_add_u64(json_object *o, const char *key, uint64_t v);
void json_add_bool(json_object *o, const char *key, bool v);
void json_add_null(json_object *o, const char *key);
void json_add_text_or_null(json_object *o, const char *key, const char *value); /* NULL, "": null */
void json_add_u64_if(json_object *o, const char *key, uint64_t v);		/* 0: no such key */
/* To so many decimals; null for what JSON has no number for. */
void json_add_real(json_object *o, const char *key, double v, int decimals);
/* UTC to the microsecond: "2026-11-20T12:00:00.000000Z" */
void json_add_time(json_object *o, const char *key, uint64_t wall_ns);
void json_add_flags(json_object *o, uint16_t flags); /* "flags": "RA" */
void json_add_addr(json_object *o, const char *key, const struct json_report *r,
		   const struct addr *a);
void json_add_who(json_object *o, const struct json_report *r, const struct addr *a,
		  const char *name);
/* json-c aborts where memory runs out: NULL where there is little left, and then the record is a
 * write that fails. Of NULL the others make nothing. */
json_object *json_new_record(const char *type);
void json_set(json_object *o, const char *key, json_object *value); /* takes it */
void json_push(json_object *array, json_object *value);		    /* takes it */
void json_put_record(struct json_report *r, json_object *o);	    /* takes it */

/* json_port.c */
void json_put_ports(struct string *t, const struct port_span *v, size_t n); /* "ports" */
void json_open_found(void *ctx, const struct port_record *p);
void json_host_begin(void *ctx, const struct host_record *h);
void json_port(void *ctx, const struct host_record *h, const struct port_record *p);
void json_host_end(void *ctx, const struct host_record *h);

/* json_diff.c */
void json_change(void *ctx, const struct change_record *c);
void json_diffed(void *ctx, const struct diff_record *d);
/* json_vantage.c */
void json_vantage(void *ctx, const struct vantage_record *v);
void json_vantages(void *ctx, const struct vantages_record *v);
void json_provoke(void *ctx, const struct provoke_record *p); /* json_provoke.c */
void json_stack(void *ctx, const struct stack_record *s);     /* json_stack.c */
/* json_trace.c */
void json_hop(void *ctx, const struct hop_record *h);
void json_trace(void *ctx, const struct trace_record *t);
/* json_doctor.c */
void json_looked(void *ctx, const struct doctor_record *d);
void json_examined(void *ctx, const struct examined_record *x);
/* json_audit.c */
void json_check(void *ctx, const struct check_record *c);
void json_add_audit(json_object *o, const struct audit_counts *n); /* into the summary */
/* json_tries.c */
void json_try(void *ctx, const struct try_record *t);
void json_tries(void *ctx, const struct tries_record *t);
/* json_reset.c */
json_object *json_new_alternatives(const struct finding *f);
json_object *json_new_reset_clues(const struct finding *f);
void json_reset(void *ctx, const struct finding *f);
void json_explained(void *ctx, const struct explain_record *e);

#endif
