/* telling: both renderers at once, as with -oJ. */
#include "fuzz/telling.h"

#undef NDEBUG
#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

void telling_open(struct telling *t, const char *command, bool verbose)
{
	static char name[] = "rstprobe", *const argv[] = {name, NULL};
	struct report *each[2];

	memset(t, 0, sizeof(*t));
	t->run = (struct run_info){.command = command,
				   .version = "0",
				   .argv = argv,
				   .stack = strcmp(command, "stack") == 0};
	t->style = (struct report_style){.verbose = verbose, .show = UINT32_MAX};
	for (size_t i = 0; i < 2; i++) {
		t->f[i] = open_memstream(&t->out[i], &t->len[i]);
		assert(t->f[i]);
	}
	each[0] = report_text_new(t->f[0], &t->run, &t->style);
	each[1] = report_json_new(t->f[1], &t->run, &t->style);
	assert(each[0] && each[1]);
	t->tee = report_tee_new(each, 2);
	assert(t->tee);
}

static void check_text(const char *s, size_t len)
{
	assert(strlen(s) == len);
	for (size_t i = 0; i < len; i++)
		assert(s[i] == '\n' || ((unsigned char)s[i] >= ' ' && s[i] != 0x7f));
}

static void check_json(const char *s)
{
	while (*s) {
		const char *end = strchr(s, '\n');
		struct json_tokener *tok = json_tokener_new();
		struct json_object *o;

		assert(end && tok);
		json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
		o = json_tokener_parse_ex(tok, s, (int)(end - s + 1));
		assert(o && json_object_is_type(o, json_type_object));
		json_object_put(o);
		json_tokener_free(tok);
		s = end + 1;
	}
}

void telling_close(struct telling *t)
{
	struct err e;

	assert(t->tee->close(t->tee, &e) == 0);
	for (size_t i = 0; i < 2; i++) {
		fclose(t->f[i]);
		check_text(t->out[i], t->len[i]);
	}
	check_json(t->out[1]);
	free(t->out[0]);
	free(t->out[1]);
}
