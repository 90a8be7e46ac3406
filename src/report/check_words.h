/*
 * check_words: a check of `audit` in the words that all formats share: where it was asked, what was
 * demanded, what was seen, and the evidence. Nothing here ends in a full stop or a newline, and
 * whatever is foreign (names, notes) is kept from breaking a line or steering a terminal.
 */
#ifndef REPORT_CHECK_WORDS_H
#define REPORT_CHECK_WORDS_H

#include "report/out.h"
#include "report/report.h"

/* Foreign text: control characters and what is no UTF-8 become U+FFFD. */
void check_put_clean(struct string *to, const char *text);
/* "web1 (192.0.2.7)"; the name alone where it could not be resolved */
void check_put_who(struct string *to, const struct run_info *run, const struct check_record *c);
/* "22", "20-25,80"; of a host nothing. `max`: as spans_put. */
void check_put_ports(struct string *to, const struct check_record *c, size_t max);
/* "web1 (192.0.2.7) port 22", "192.0.2.7 ports 20-25,80 (120 ports)" */
void check_put_where(struct string *to, const struct run_info *run, const struct check_record *c);
/* "closed or blocked" */
void check_put_expected(struct string *to, const struct check_record *c);
/* "open", "open after 312 ms", "open, then closed", "style silent", "not measured" */
void check_put_seen(struct string *to, const struct check_record *c);
/* "expected closed or blocked, is open" */
void check_put_message(struct string *to, const struct check_record *c);
/* "SYN drew RST-ACK (TTL 61, 0.4 ms), 2 probings agree" */
void check_put_evidence(struct string *to, const struct run_info *run,
			const struct check_record *c);
/* "p.policy:12" */
void check_put_line(struct string *to, const struct check_record *c);
/* Why the run is incomplete; `s` may be NULL, as where it never came to a summary. */
const char *check_why(const struct summary_record *s);

#endif
