/*
 * member: looks up and checks the kind, since a file may have been edited, or be of another
 * version.
 */
#include "report/member.h"

json_object *member_parse(const char *line, size_t len)
{
	json_tokener *tokener = len <= INT32_MAX ? json_tokener_new() : NULL;
	json_object *o = tokener ? json_tokener_parse_ex(tokener, line, (int)len) : NULL;

	if (tokener)
		json_tokener_free(tokener);
	if (json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	return NULL;
}

const char *member_text(json_object *o, const char *key)
{
	json_object *v = json_object_object_get(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

bool member_u64(json_object *o, const char *key, uint64_t *out)
{
	json_object *v = json_object_object_get(o, key);
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : -1;

	if (n < 0)
		return false;
	*out = (uint64_t)n;
	return true;
}

bool member_is(json_object *o, const char *key)
{
	json_object *v = json_object_object_get(o, key);

	return json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}
