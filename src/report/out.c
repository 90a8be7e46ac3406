/*
 * out: whole lines or nothing. It decides when a write counts as failed and keeps its errno; what
 * the lines say is not its business.
 */
#include "report/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool string_reserve(struct string *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 128;
	char *s;

	if (t->failed)
		return false;
	while (cap - t->len <= more)
		cap *= 2;
	if (cap == t->cap)
		return true;
	s = realloc(t->s, cap);
	if (!s) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->cap = cap;
	return true;
}

void string_put_more(struct string *t, const char *s, size_t len)
{
	if (!string_reserve(t, len))
		return;
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void string_pad(struct string *t, size_t n)
{
	if (!string_reserve(t, n))
		return;
	memset(t->s + t->len, ' ', n);
	t->len += n;
	t->s[t->len] = '\0';
}

void string_putf(struct string *t, const char *fmt, ...)
{
	va_list ap;
	size_t room;
	int n;

	/* mostly it fits at once; formatting twice is half of the cost of a line */
	if (!string_reserve(t, 64))
		return;
	va_start(ap, fmt);
	room = t->cap - t->len;
	n = vsnprintf(t->s + t->len, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		t->failed = true;
	if (n < 0 || !string_reserve(t, (size_t)n))
		return;
	if ((size_t)n >= room) {
		va_start(ap, fmt);
		vsnprintf(t->s + t->len, t->cap - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)n;
}

void string_put_u64(struct string *t, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	string_put(t, digits + at, sizeof(digits) - at);
}

const char *string_text(const struct string *t)
{
	return t->len ? t->s : "";
}

void string_clear(struct string *t)
{
	t->len = 0;
	t->failed = false;
}

void string_free(struct string *t)
{
	free(t->s);
	*t = (struct string){0};
}

static void out_fail(struct out *o)
{
	if (!o->errnum)
		o->errnum = errno ? errno : EIO;
}

void out_write(struct out *o, const char *s, size_t len)
{
	if (o->errnum || !len)
		return;
	errno = 0;
	if (fwrite(s, 1, len, o->f) != len)
		out_fail(o);
}

void out_string(struct out *o, struct string *t)
{
	if (t->failed)
		out_no_memory(o);
	out_write(o, string_text(t), t->len);
	string_clear(t);
}

void out_flush(struct out *o)
{
	if (o->errnum)
		return;
	errno = 0;
	if (fflush(o->f) != 0)
		out_fail(o);
}

void out_no_memory(struct out *o)
{
	if (!o->errnum)
		o->errnum = ENOMEM;
}

int out_finish(struct out *o, const char *what, struct err *e)
{
	out_flush(o);
	if (!o->errnum && ferror(o->f))
		o->errnum = EIO;
	return o->errnum ? err_sys(e, o->errnum, "cannot write %s", what) : 0;
}
