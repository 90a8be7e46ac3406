/*
 * text_private: what text.c (words, lines, the end) and text_host.c (a host's block) share.
 */
#ifndef REPORT_TEXT_PRIVATE_H
#define REPORT_TEXT_PRIVATE_H

#include "report/checks.h"
#include "report/host.h"
#include "report/report.h"

enum { TEXT_RTT = 16 };

#define TEXT_RED "\033[31m"
#define TEXT_GREEN "\033[32m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_MAGENTA "\033[35m"
#define TEXT_BOLD "\033[1m"
#define TEXT_DIM "\033[2m"
#define TEXT_PLAIN "\033[0m"

enum column { COL_PORT, COL_STATE, COL_REASON, COL_TTL, COL_RTT, COL_SERVICE, COLUMNS };

/* A row outlives the record it was made from; its words lie in the report's pool. */
struct row {
	uint16_t port;
	enum port_state state;
	bool weak;
	size_t cell[COLUMNS]; /* offsets in the pool */
	size_t detail;	      /* lines to print below, each ending in a newline */
	uint8_t n_clues;
	struct clue clues[VERDICT_CLUES_MAX];
};

/* A clue and all ports of the host that have it. */
struct remark {
	struct clue clue;
	struct ranges ports;
	bool below_row; /* said there, not at the end */
};

/* Neighbours that are down for the same reason, waiting for the last of them. */
struct quiet_hosts {
	struct addr first, last;
	uint64_t n; /* 0: none wait */
	struct string says;
	uint64_t counts[PORT_STATES]; /* of all */
	bool alike, folds;	      /* the same counts each; others may join */
};

/* Of a trace: what the next hop's line depends on, and the names that hops came with. */
struct hop_names {
	struct hop_name {
		struct addr addr;
		size_t at; /* in `pool` */
	} * v;
	size_t n, cap;
	struct string pool;
};

struct text_walk {
	const struct trace_walk *walk; /* whose hops are being told; NULL: none */
	unsigned silent_from;	       /* TTLs that wait for one that is heard; 0: none do */
	unsigned told;		       /* the last TTL that was told, or waits */
	unsigned answers;	       /* bits by reaction: those that were told */
	uint64_t expired;	       /* bits by TTL - 1: time exceeded was told */
	struct hop_names names;
};

/* Addresses of which only one result asked these ports. */
struct scope_line {
	struct addr from, to;
	char *who, *last; /* as written; `last` NULL: one address */
	char *ports;
	bool all_open; /* and each of them is told by itself */
};

struct scope_lines {
	struct scope_line *v;
	size_t n, cap;
	struct string open; /* lines: what is open there */
};

/* Of a diff: the host whose lines stand last, and what comes at the end. */
struct text_diff {
	bool begun;
	struct addr host;
	/* of that host: ports that changed alike, until its last line */
	struct alike {
		struct string says;
		struct port_span *v;
		size_t n, cap;
		uint32_t ports;
	} * alike;
	size_t n_alike, cap_alike;
	struct scope_lines newly, no_longer;
	/* ports of one address, or some, that wait for more of the same */
	struct scope_line waits;
	struct scope_lines *waits_for; /* NULL: none do */
	struct port_span *spans;
	size_t n_spans, cap_spans;
};

/* Of a diff by vantage: the host whose lines stand last, and which marks are to be explained. */
struct text_vantage {
	bool begun, any;
	struct addr host;
	bool unlike, unknown, unasked;
};

/* Of tries: columns as wide as what was in them so far. */
struct try_columns {
	size_t who, state, reason;
	bool any;
};

struct text_report {
	struct report report;
	struct out out;
	const struct run_info *run;
	struct report_style style;
	struct string line, pool;
	struct row *rows;
	size_t n_rows, cap_rows;
	struct remark *remarks;
	size_t n_remarks, cap_remarks;
	struct port_groups groups;
	struct quiet_hosts quiet;
	struct text_walk walk;
	struct text_diff diff;
	struct text_vantage vantage;
	struct try_columns tries;
	uint32_t blocks[CAUSES], more[CAUSES]; /* of explain: told one by one, and not any more */
	struct checks checks, ending; /* of audit: to be told at the end; lines that end soon */
	bool legend;		      /* the marks of stack's tables were explained */
	double flushed_s;	      /* of the run */
	enum { NOTHING, ONE_LINE, BLOCK } last; /* what was printed last: where blank lines go */
};

/* text.c: words */
const char *text_rtt(uint32_t us, char buf[TEXT_RTT]);
const char *text_plural(uint64_t n);
/* ", 10 % loss"; nothing where it is not known (< 0) */
void text_put_loss(struct string *to, double loss);
/* "closed (weak)", only the state's own word coloured */
void text_put_state(const struct text_report *t, struct string *to, enum port_state s, bool weak);
/* "icmp-admin-prohibited from 192.0.2.1"; `from` may be NULL or of family 0 */
void text_put_reason(const struct text_report *t, struct string *to, const char *reason,
		     const struct addr *from);
/* One more of a list like "3 open, 12 filtered"; clears `first`. */
void text_put_item(struct string *to, bool *first, uint64_t n, const char *what);
void text_put_counts(struct string *to, const uint64_t counts[PORT_STATES], bool *first);
const struct addr *text_icmp_from(const struct port_record *p); /* NULL where not ICMP */

/* text_host.c: a host's ports, gathered and then drawn into t->line */
void text_host_reset(struct text_report *t);
void text_host_add(struct text_report *t, const struct host_record *h, const struct port_record *p);
void text_host_put(struct text_report *t, const struct host_record *h);
void text_quiet_put(struct text_report *t); /* those that wait, if any */
/* One line (with -v, two): the state padded to `state_width`. */
void text_put_group(struct text_report *t, const struct port_group *g, int state_width);
void text_host_free(struct text_report *t);
/* "web1 (192.0.2.7): " */
void text_put_name(struct text_report *t, const struct addr *addr, const char *name);

/* text_stack.c: a host's block of `stack`, into t->line */
void text_stack_put(struct text_report *t, const struct stack_record *s);

/* text_tries.c: a line a try, and what they come to; into t->line */
void text_try_put(struct text_report *t, const struct try_record *r);
void text_tries_put(struct text_report *t, const struct tries_record *r);

/* text_trace.c: the hops of a walk as they come, and what they come to; into t->line */
void text_trace_begin(struct text_report *t, const struct walk_record *r);
void text_trace_hop(struct text_report *t, const struct hop_record *r);
void text_trace_put(struct text_report *t, const struct trace_record *r);
void text_trace_free(struct text_report *t);

/* text_reset.c: a finding of `explain`, text_ladder.c: the packets below it, text_explained.c: the
 * end; into t->line */
void text_reset_put(struct text_report *t, const struct finding *f);
void text_ladder_put(struct text_report *t, const struct finding *f);
/* Only why: for what has a heading of its own. */
void text_reset_put_why(struct text_report *t, const struct finding *f);
void text_explained_put(struct text_report *t, const struct explain_record *r);
/* text_provoke.c: what will be done, and what came of it; into t->line */
void text_scenario_put(struct text_report *t, const struct provoke_record *r);
void text_provoke_put(struct text_report *t, const struct provoke_record *r);
/* text_doctor.c: one thing that was looked at, and the last sentence; into t->line */
void text_looked_put(struct text_report *t, const struct doctor_record *d);
void text_examined_put(struct text_report *t, const struct examined_record *x);
/* text_audit.c: checks wait; all of them, and what they come to, into t->line. No `s`: there was
 * no summary. */
void text_check_keep(struct text_report *t, const struct check_record *c);
void text_audit_put(struct text_report *t, const struct summary_record *s);
void text_audit_free(struct text_report *t);
const char *text_severity_color(const struct text_report *t, enum severity s); /* "" without */
const char *text_plain(const struct text_report *t);			       /* ends a colour */
void text_put_elapsed(struct string *to, double s);

/* text_diff.c: sink->change, sink->diffed */
void text_change(void *ctx, const struct change_record *c);
void text_diffed(void *ctx, const struct diff_record *d);
void text_diff_free(struct text_report *t);
enum { TEXT_DIFF_PORTS = 60 }; /* bytes of a list of ports, without -v */
void text_diff_count(struct string *to, uint64_t n, const char *what); /* "12,345 ports" */
void text_diff_list(const struct text_report *t, struct string *to, const struct port_span *v,
		    size_t n);
void text_diff_what(struct string *to, const struct change_record *c);
void text_diff_word(const struct text_report *t, struct string *to, const char *word,
		    const char *reason);
/* "mon.json (2026-11-20 12:00:00 UTC)" */
void text_diff_result(struct string *to, const char *name, const char *started);
void text_diff_incomplete(struct string *to, const char *name);
/* text_vantage.c: sink->vantage, sink->vantages */
void text_vantage(void *ctx, const struct vantage_record *v);
void text_vantages(void *ctx, const struct vantages_record *v);
/* text_diff_scope.c */
void text_diff_hold(struct text_report *t, const struct change_record *c);
void text_diff_settle(struct text_report *t); /* no more of them comes */
void text_diff_scope(struct text_report *t, const struct scope_lines *s, const char *title,
		     const char *by, uint64_t ports);
void text_diff_free_scope(struct text_report *t);

/* text_wrap.c */
size_t text_width(const struct text_report *t);
/* Broken at spaces to fit the width; its lines but the first are indented. "" is no line. */
void text_put_paragraph(struct text_report *t, const char *text, size_t indent);
/* The same behind `column` columns that the line has already. */
void text_put_from(struct text_report *t, const char *text, size_t column, size_t indent);

/* text_stack_more.c */
void text_put_clause(struct string *to, const char *clause); /* "RFC 9293, 3.10.7.1" */
void text_stack_put_evidence(struct text_report *t, const struct stack_verdict *v);   /* -v */
void text_stack_put_deviations(struct text_report *t, const struct stack_verdict *v); /* -v */

#endif
