/*
 * carry: lines of an earlier run, as --resume hands them to the formats that are no JSON. Whatever
 * a file says: rows have as many fields as the header, XML is well-formed, and the output is no
 * more than so many ports a line allow.
 */
#include "config.h"

#include "fuzz.h"

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBXML2
#include <libxml/parser.h>
#endif

#include "report/report.h"

enum { FIELDS = 11 };

struct output {
	char *text;
	size_t len;
	FILE *f;
};

static void begin(struct output *o)
{
	o->f = open_memstream(&o->text, &o->len);
	assert(o->f);
}

static struct run_info info(void)
{
	static char *const argv[] = {(char *)(uintptr_t) "rstprobe", NULL};

	return (struct run_info){.command = "scan", .version = "0", .argv = argv};
}

/* Each line with its newline, but for the last where it has none. */
static void carry_all(struct report *r, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) + 1 : len;

		r->carry(r, data, n);
		data += n;
		len -= n;
	}
}

/* Fields of the row at `s`, which goes on behind it. */
static unsigned row(const char **s)
{
	bool quoted = false;
	unsigned n = 1;

	for (; **s && (quoted || **s != '\n'); ++*s) {
		assert((unsigned char)**s >= ' ' || **s == '\n' || **s == '\t');
		assert((unsigned char)**s != 0x7f);
		if (**s == '"')
			quoted = !quoted;
		else
			n += !quoted && **s == ',';
	}
	assert(!quoted && **s == '\n');
	++*s;
	return n;
}

static void check_csv(const char *text, size_t lines)
{
	size_t rows = 0;

	for (; *text; rows++)
		assert(row(&text) == FIELDS);
	assert(rows <= 1 + lines * 65537);
}

static void check_xml(const struct output *o)
{
#ifdef HAVE_LIBXML2
	xmlDocPtr doc = xmlReadMemory(o->text, (int)o->len, NULL, NULL, XML_PARSE_NONET);

	assert(doc);
	xmlFreeDoc(doc);
#else
	(void)o;
#endif
}

static struct report *make(bool xml, FILE *f, const struct run_info *run)
{
	static const struct report_style style = {.show = UINT32_MAX};

#ifdef HAVE_LIBXML2
	if (xml)
		return report_xml_new(f, run, &style);
#endif
	return xml ? NULL : report_csv_new(f, run, &style);
}

int fuzz_carry(const uint8_t *data, size_t len)
{
	size_t lines = 1;
	struct err e;

	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	for (int xml = 0; xml < 2; xml++) {
		struct run_info run = info();
		struct output o = {0};
		struct report *r;

		begin(&o);
		r = make(xml, o.f, &run);
		if (r) {
			carry_all(r, (const char *)data, len);
			assert(r->close(r, &e) == 0);
		}
		fclose(o.f);
		if (r && xml)
			check_xml(&o);
		else if (r)
			check_csv(o.text, lines);
		free(o.text);
	}
	return 0;
}
