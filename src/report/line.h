/*
 * line: the members of a JSON object, written straight into a string: for records of which there
 * may be one a port. It writes as json-c would, and knows no record.
 */
#ifndef REPORT_LINE_H
#define REPORT_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "report/out.h"

void line_begin(struct string *t, const char *type); /* {"type":"port" */
/* Each adds a member; `key` is ours, and needs no escape. */
void line_text(struct string *t, const char *key, const char *value);
void line_u64(struct string *t, const char *key, uint64_t value);
void line_bool(struct string *t, const char *key, bool value);
void line_text_or_null(struct string *t, const char *key, const char *value); /* NULL: null */
/* An object or array as a member: its own members follow, then line_close. */
void line_open(struct string *t, const char *key, char bracket);
void line_item(struct string *t, const char *value); /* a text in an array */
/* An object in an array. Its first member has no comma before it, as in any other. */
void line_item_open(struct string *t);
void line_close(struct string *t, char bracket);
void line_end(struct string *t); /* }, and the newline */

/* In quotes, escaped; what is no UTF-8 becomes U+FFFD. */
void line_put_text(struct string *t, const char *s);

#endif
