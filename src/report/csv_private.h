/*
 * csv_private: what csv.c (fields and the ends of the file), csv_scan.c, csv_audit.c and
 * csv_carry.c share.
 */
#ifndef REPORT_CSV_PRIVATE_H
#define REPORT_CSV_PRIVATE_H

#include "report/host.h"
#include "report/report.h"

struct csv_report {
	struct report report;
	struct out out;
	struct string line, cell;
	const struct run_info *run;
	struct report_style style;
	unsigned fields; /* of the row that is begun */
	/* Of a host that is unreachable: who says so. */
	struct addr from;
	/* Of the host that is being carried: rows of its grouped ports, until its own record tells
	 * whether it can be reached, and the largest of those groups. */
	struct string held;
	struct json_object *held_most;
};

/* One field more; a NULL is an empty one. `foreign`: a name or a note, that a spreadsheet would
 * take for a formula where it begins like one. */
void csv_put(struct csv_report *r, const char *text);
void csv_put_foreign(struct csv_report *r, const char *text);
void csv_put_u64(struct csv_report *r, uint64_t n);
/* The field is what `cell` has, which is emptied. */
void csv_put_cell(struct csv_report *r);
void csv_end_row(struct csv_report *r); /* into `line` */
void csv_flush(struct csv_report *r);	/* `line` to the file */

/* csv_scan.c */
extern const char *const csv_scan_columns[]; /* NULL at the end */
void csv_host_begin(void *ctx, const struct host_record *h);
void csv_port(void *ctx, const struct host_record *h, const struct port_record *p);
void csv_host_end(void *ctx, const struct host_record *h);
/* csv_carry.c: a record of the run that is resumed */
void csv_carry(struct report *report, const char *line, size_t len);
void csv_carry_end(struct csv_report *r);
/* csv_audit.c */
extern const char *const csv_audit_columns[];
void csv_check(void *ctx, const struct check_record *c);

#endif
