/*
 * member: what a record of an earlier run says, as it stands in its JSON. The records' meaning, and
 * what becomes of one that is damaged, is its readers'.
 */
#ifndef REPORT_MEMBER_H
#define REPORT_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/* One line, the caller's to put; NULL where it is no object. */
json_object *member_parse(const char *line, size_t len);

/* Members, where they are there and of that kind: else NULL and false. */
const char *member_text(json_object *o, const char *key);
bool member_u64(json_object *o, const char *key, uint64_t *out);
bool member_is(json_object *o, const char *key); /* true itself; false else */

#endif
