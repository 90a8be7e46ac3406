/*
 * xmlout: XML on its way to a FILE, by libxml2's writer: elements, attributes and text, in which
 * whatever is no XML 1.0 character becomes U+FFFD. It knows no schema. Built only with libxml2.
 */
#ifndef REPORT_XMLOUT_H
#define REPORT_XMLOUT_H

#include <stdio.h>

#include "base/err.h"
#include "report/out.h"

struct xmlout {
	struct out out;
	/* private: */
	struct _xmlTextWriter *writer;
	struct string clean;
	bool failed; /* memory ran out */
};

/* The declaration is written at once. False where memory is out. */
bool xmlout_open(struct xmlout *x, FILE *f);
/* <!DOCTYPE name> */
void xmlout_doctype(struct xmlout *x, const char *name);
void xmlout_begin(struct xmlout *x, const char *element);
void xmlout_end(struct xmlout *x); /* the innermost */
/* Between xmlout_begin and what is inside the element. */
void xmlout_attr(struct xmlout *x, const char *name, const char *value);
void xmlout_attrf(struct xmlout *x, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void xmlout_text(struct xmlout *x, const char *text);
/* What is written so far goes to the FILE. */
void xmlout_flush(struct xmlout *x);
/* Ends every open element and the document. As out_finish. Frees; closes no FILE. */
int xmlout_close(struct xmlout *x, const char *what, struct err *e);

#endif
