/* telling: all renderers at once, as with -oJ. */
#include "config.h"

#include "fuzz/telling.h"

#undef NDEBUG
#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPTS = 1 }; /* of report/page.html */

void telling_open(struct telling *t, const char *command, bool verbose)
{
	static char name[] = "rstprobe", *const argv[] = {name, NULL};
	static const char *const files[] = {"f.pcap"};
	struct report *each[TELLING_FORMS];

	memset(t, 0, sizeof(*t));
	t->run = (struct run_info){.command = command,
				   .version = "0",
				   .argv = argv,
				   .stack = strcmp(command, "stack") == 0};
	t->style = (struct report_style){.verbose = verbose, .show = UINT32_MAX};
	t->n = 2;
	if (strcmp(command, "explain") == 0) {
		t->run.files = files;
		t->run.n_files = 1;
		t->n = 3;
	}
	for (size_t i = 0; i < t->n; i++) {
		t->f[i] = open_memstream(&t->out[i], &t->len[i]);
		assert(t->f[i]);
	}
	each[0] = report_text_new(t->f[0], &t->run, &t->style);
	each[1] = report_json_new(t->f[1], &t->run, &t->style);
	if (t->n > 2)
		each[2] = report_html_new(t->f[2], &t->run, &t->style);
	for (size_t i = 0; i < t->n; i++)
		assert(each[i]);
	t->tee = report_tee_new(each, t->n);
	assert(t->tee);
}

/* `also`: one more character that may be there. */
static void check_text(const char *s, size_t len, char also)
{
	assert(strlen(s) == len);
	for (size_t i = 0; i < len; i++)
		assert(s[i] == '\n' || s[i] == also ||
		       ((unsigned char)s[i] >= ' ' && s[i] != 0x7f));
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

/* As many scripts as every page has, whatever it tells. */
static void check_page(const char *s)
{
	unsigned n = 0;

	for (const char *at = s; (at = strcasestr(at, "<script")); at++)
		n++;
	assert(n == SCRIPTS);
	assert(strcasestr(s, "</html>"));
}

void telling_close(struct telling *t)
{
	struct err e;

	assert(t->tee->close(t->tee, &e) == 0);
	for (size_t i = 0; i < t->n; i++) {
		fclose(t->f[i]);
		check_text(t->out[i], t->len[i], i == 2 ? '\t' : '\n');
	}
	check_json(t->out[1]);
	if (t->n > 2)
		check_page(t->out[2]);
	for (size_t i = 0; i < t->n; i++)
		free(t->out[i]);
}
