/*
 * xmlout: libxml2 decides how XML is written; this file decides where it goes, and keeps out of it
 * what XML 1.0 has no character for (section 2.2).
 */
#include "report/xmlout.h"

#include <stdarg.h>

#include <libxml/xmlwriter.h>

#include "base/room.h"
#include "base/utf8.h"

static const xmlChar *octets(const char *s)
{
	return (const xmlChar *)s;
}

static int put(void *ctx, const char *s, int len)
{
	out_write(ctx, s, (size_t)len);
	return len;
}

/* Control characters but tab, newline and return, and U+FFFE, U+FFFF, are no characters. */
static bool is_char(const char *s, size_t n)
{
	unsigned char c = (unsigned char)*s;

	if (n == 1)
		return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
	return n != 3 || c != 0xef || (unsigned char)s[1] != 0xbf ||
	       ((unsigned char)s[2] & 0xfe) != 0xbe;
}

static const xmlChar *clean(struct xmlout *x, const char *s)
{
	string_clear(&x->clean);
	while (*s) {
		size_t n = utf8_len(s);

		if (n && is_char(s, n))
			string_put(&x->clean, s, n);
		else
			string_put_text(&x->clean, UTF8_REPLACEMENT);
		s += n ? n : 1;
	}
	x->failed |= x->clean.failed;
	return octets(string_text(&x->clean));
}

static void check(struct xmlout *x, int rc)
{
	x->failed |= rc < 0;
}

/* Its words about memory: whoever asked us says so, in one line. */
static void unsaid(void *ctx, const char *fmt, ...)
{
	(void)ctx;
	(void)fmt;
}

bool xmlout_open(struct xmlout *x, FILE *f)
{
	xmlOutputBufferPtr buffer;

	xmlSetGenericErrorFunc(NULL, unsaid);
	if (!room_at_hand())
		return false;
	*x = (struct xmlout){.out = {.f = f}};
	buffer = xmlOutputBufferCreateIO(put, NULL, &x->out, NULL);
	if (!buffer)
		return false;
	x->writer = xmlNewTextWriter(buffer);
	if (!x->writer) {
		xmlOutputBufferClose(buffer);
		return false;
	}
	xmlTextWriterSetIndent(x->writer, 1);
	check(x, xmlTextWriterStartDocument(x->writer, "1.0", "UTF-8", NULL));
	return true;
}

void xmlout_doctype(struct xmlout *x, const char *name)
{
	check(x, xmlTextWriterWriteDTD(x->writer, octets(name), NULL, NULL, NULL));
}

void xmlout_begin(struct xmlout *x, const char *element)
{
	check(x, xmlTextWriterStartElement(x->writer, octets(element)));
}

void xmlout_end(struct xmlout *x)
{
	check(x, xmlTextWriterEndElement(x->writer));
}

void xmlout_attr(struct xmlout *x, const char *name, const char *value)
{
	check(x, xmlTextWriterWriteAttribute(x->writer, octets(name), clean(x, value)));
}

void xmlout_attrf(struct xmlout *x, const char *name, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	xmlout_attr(x, name, text);
}

void xmlout_text(struct xmlout *x, const char *text)
{
	check(x, xmlTextWriterWriteString(x->writer, clean(x, text)));
}

void xmlout_flush(struct xmlout *x)
{
	check(x, xmlTextWriterFlush(x->writer));
	out_flush(&x->out);
}

int xmlout_close(struct xmlout *x, const char *what, struct err *e)
{
	check(x, xmlTextWriterEndDocument(x->writer));
	xmlFreeTextWriter(x->writer); /* flushes */
	x->writer = NULL;
	if (x->failed)
		out_no_memory(&x->out);
	string_free(&x->clean);
	return out_finish(&x->out, what, e);
}
