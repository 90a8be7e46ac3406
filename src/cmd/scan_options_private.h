/*
 * scan_options_private: what the files of scan_options share: where the walk over the words stands,
 * and the values that have a file of their own. Nobody else includes it.
 */
#ifndef CMD_SCAN_OPTIONS_PRIVATE_H
#define CMD_SCAN_OPTIONS_PRIVATE_H

#include "cmd/scan_options.h"
#include "cmd/scan_table.h"

/* What the walk has to remember and the result has not. */
struct scan_parse {
	struct scan_options *o;
	const struct option_table *table;
	const char *said;
	int id;
	bool custom;
};

/* Each takes the value of one option; -1 with `e` where it is none. scan_options_segments: */
int scan_take_probe(struct scan_parse *p, const char *value, struct err *e);
int scan_take_flags(struct scan_parse *p, const char *value, struct err *e);
int scan_take_data(struct scan_parse *p, const char *value, struct err *e);
int scan_take_data_string(struct scan_parse *p, const char *value, struct err *e);
int scan_take_data_file(struct scan_parse *p, const char *value, struct err *e);
int scan_take_number(struct scan_parse *p, const char *value, struct err *e);
int scan_take_syn_options(struct scan_parse *p, const char *value, struct err *e);
int scan_take_source(struct scan_parse *p, const char *value, struct err *e);
/* scan_options_own, of one command alone: */
int scan_take_scenario(struct scan_parse *p, const char *value, struct err *e);
int scan_take_walk(struct scan_parse *p, const char *value, struct err *e);
int scan_take_http(struct scan_parse *p, const char *value, struct err *e);
int scan_take_bytes(struct scan_parse *p, const char *value, struct err *e);
int scan_take_ends(struct scan_parse *p, const char *value, struct err *e);
int scan_take_findings(struct scan_parse *p, const char *value, struct err *e);
int scan_take_count(struct scan_parse *p, const char *value, struct err *e);
int scan_take_record(struct scan_parse *p, const char *value, struct err *e);
int scan_take_retry_failed(struct scan_parse *p, const char *value, struct err *e);
/* What no single option of theirs can see. */
int scan_settle_trace(struct scan_parse *p, struct err *e);
int scan_settle_provoke(struct scan_parse *p, struct err *e);
int scan_settle_count(struct scan_parse *p, struct err *e);
int scan_settle_audit(struct scan_parse *p, struct err *e);
/* Keeps a word; given twice is an error, with the fix. */
int scan_take_once(const struct scan_parse *p, const char **slot, const char *value,
		   const char *fix, struct err *e);
/* Does the payload given belong to any segment? After the last option. */
int scan_settle_data(struct scan_parse *p, struct err *e);

#endif
